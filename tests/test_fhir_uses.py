"""What became of a medicine: statements, orders, supplies and givings in every FHIR version."""

from datetime import date

import pytest

from cds_service.patient.facts import Outside, UseKind, UseStatus
from cds_service.patient.when import When
from tests.reading import ICD10CM, ME, Json, concept, line, only_use, order, record, statement, tacrolimus


class TestStatements:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ("active", UseStatus.ACTIVE),
            ("Active ", UseStatus.ACTIVE),
            ("completed", UseStatus.COMPLETED),
            ("stopped", UseStatus.STOPPED),
            ("on-hold", UseStatus.ON_HOLD),
            ("not-taken", UseStatus.NOT_TAKEN),
            ("intended", UseStatus.INTENDED),
            ("draft", UseStatus.DRAFT),
            ("unknown", UseStatus.UNKNOWN),
            ("bogus", UseStatus.UNKNOWN),
            (None, UseStatus.UNKNOWN),
        ],
    )
    def test_a_status_has_one_meaning_for_all_kinds(self, status: str | None, expected: UseStatus) -> None:
        assert only_use(statement(status=status)).status is expected

    @pytest.mark.parametrize(
        ("more", "expected"),
        [
            ({"status": "completed", "taken": "n"}, UseStatus.NOT_TAKEN),
            ({"status": "active", "taken": "y"}, UseStatus.ACTIVE),
            ({"status": "active", "taken": "unk"}, UseStatus.UNKNOWN),
            ({"status": "stopped", "taken": "unk"}, UseStatus.STOPPED),
            ({"status": "active", "wasNotTaken": True}, UseStatus.NOT_TAKEN),
            ({"status": "active", "wasNotTaken": False}, UseStatus.ACTIVE),
        ],
    )
    def test_older_versions_say_beside_the_status_that_it_was_not_taken(self, more: Json, expected: UseStatus) -> None:
        assert only_use(statement(**more)).status is expected

    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("taking", UseStatus.ACTIVE),
            ("taking-not-as-directed", UseStatus.ACTIVE),
            ("not-taking", UseStatus.NOT_TAKEN),
            ("on-hold-as-directed", UseStatus.ON_HOLD),
            ("stopped-as-directed", UseStatus.STOPPED),
            ("unknown", UseStatus.UNKNOWN),
        ],
    )
    def test_r5_says_it_by_adherence(self, code: str, expected: UseStatus) -> None:
        use = only_use(statement(status="recorded", adherence={"code": {"coding": [{"code": code}]}}))
        assert use.status is expected

    def test_a_recorded_statement_without_adherence_goes_on_until_its_end(self) -> None:
        assert only_use(statement(status="recorded")).status is UseStatus.ACTIVE
        assert only_use(statement(status="recorded", effectivePeriod={"end": "2026-01-01"})).status is UseStatus.COMPLETED

    def test_the_period_bounds_the_use_and_the_assertion_does_not(self) -> None:
        use = only_use(statement(effectivePeriod={"start": "2025-08", "end": "2026-02-20T10:00:00Z"}))
        assert use.start == When(date(2025, 8, 1), date(2025, 8, 31))
        assert use.end == When.on(date(2026, 2, 20))
        assert use.asserted == When.on(date(2026, 2, 22))

    @pytest.mark.parametrize(
        ("status", "ended"), [("active", False), ("unknown", False), ("stopped", True), ("completed", True), ("not-taken", True)]
    )
    def test_a_single_day_is_an_end_only_of_what_is_no_longer_taken(self, status: str, ended: bool) -> None:
        use = only_use(statement(status=status, effectiveDateTime="2026-02-20"))
        day = When.on(date(2026, 2, 20))
        assert (use.start, use.end) == (day, day if ended else None)

    def test_a_statement_entered_in_error_is_none(self) -> None:
        assert record(statement(status="entered-in-error")).statements == ()


class TestOrders:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ("active", UseStatus.ACTIVE),
            ("cancelled", UseStatus.CANCELLED),
            ("ended", UseStatus.COMPLETED),
            ("stopped", UseStatus.STOPPED),
        ],
    )
    def test_an_order_has_a_status(self, status: str, expected: UseStatus) -> None:
        assert only_use(order(status=status)).status is expected

    @pytest.mark.parametrize("intent", ["plan", "proposal", "option", "Proposal"])
    def test_a_proposal_in_the_record_is_no_order(self, intent: str) -> None:
        assert record(order(intent=intent)).orders == ()

    @pytest.mark.parametrize("intent", ["order", "original-order", "instance-order", None])
    def test_every_other_intent_is_an_order(self, intent: str | None) -> None:
        assert only_use(order(intent=intent)).kind is UseKind.ORDER

    def test_an_order_entered_in_error_is_none(self) -> None:
        assert record(order(status="entered-in-error")).orders == ()

    def test_the_dosage_bounds_the_order(self) -> None:
        lines = [
            line(2, frequency=2, period=1, periodUnit="d", boundsPeriod={"start": "2025-09-01", "end": "2025-09-30"}),
            line(1, frequency=2, period=1, periodUnit="d", boundsPeriod={"start": "2025-10-01", "end": "2026-02-20"}),
        ]
        use = only_use(order(dosageInstruction=lines, dispenseRequest={"validityPeriod": {"end": "2026-12-31"}}))
        assert (use.start, use.end) == (When.on(date(2025, 9, 1)), When.on(date(2026, 2, 20)))

    def test_an_open_line_leaves_the_order_open(self) -> None:
        lines = [
            line(2, frequency=2, period=1, periodUnit="d", boundsPeriod={"end": "2025-09-30"}),
            line(1, frequency=2, period=1, periodUnit="d", boundsPeriod={"start": "2025-10-01"}),
        ]
        use = only_use(order(dosageInstruction=lines))
        assert (use.start, use.end) == (When.on(date(2025, 10, 1)), None)

    @pytest.mark.parametrize(
        "more",
        [
            {"dispenseRequest": {"validityPeriod": {"start": "2025-08-01", "end": "2026-02-20"}}},
            {"effectiveDosePeriod": {"start": "2025-08-01", "end": "2026-02-20"}},
        ],
    )
    def test_without_bounds_the_validity_bounds_it(self, more: Json) -> None:
        use = only_use(order(**more))
        assert (use.start, use.end) == (When.on(date(2025, 8, 1)), When.on(date(2026, 2, 20)))

    def test_r5_gives_the_day_of_the_stop(self) -> None:
        assert only_use(order(status="stopped", statusChanged="2026-02-20")).stopped_on == When.on(date(2026, 2, 20))
        assert only_use(order(status="active", statusChanged="2026-02-20")).stopped_on is None

    def test_a_dstu2_order_is_read_with_its_own_names(self) -> None:
        use = only_use(
            {
                "resourceType": "MedicationOrder", "id": "mo1", "status": "stopped", "patient": ME,
                "dateWritten": "2025-08-01", "dateEnded": "2026-02-20", "reasonEnded": {"text": "acute kidney injury"},
                "medicationCodeableConcept": tacrolimus(), "reasonCodeableConcept": concept(ICD10CM, "K75.4"),
                "reasonReference": {"reference": "Condition/c1"}, "note": "x",
                "priorPrescription": {"reference": "MedicationOrder/mo0"},
                "dosageInstruction": [{"doseQuantity": {"value": 2, "code": "{pill}"},
                                       "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnits": "d"}}}],
            }
        )  # fmt: skip
        assert (use.reference, use.kind, use.status) == ("MedicationOrder/mo1", UseKind.ORDER, UseStatus.STOPPED)
        assert (use.asserted, use.stopped_on) == (When.on(date(2025, 8, 1)), When.on(date(2026, 2, 20)))
        assert (use.reasons, use.indications) == ({"acute-kidney-injury"}, {"autoimmune_hepatitis"})
        assert (use.indication_references, use.replaces) == (("Condition/c1",), "MedicationOrder/mo0")
        assert use.lines[0].times_per_day == 2

    def test_an_order_not_to_give_says_so(self) -> None:
        assert only_use(order(doNotPerform=True)).forbids
        assert not only_use(order(doNotPerform=False)).forbids
        assert only_use(order(doNotPerform=True, medicationCodeableConcept={"text": "amlodipine"})).forbids

    def test_the_order_it_replaces_is_named_whatever_takes_its_place(self) -> None:
        unlisted = {"text": "a medicine of no table"}
        use = only_use(order(medicationCodeableConcept=unlisted, priorPrescription={"reference": "MedicationRequest/m0"}))
        assert (use.drug.ingredient, use.replaces) == (None, "MedicationRequest/m0")

    def test_the_order_it_replaces_is_named(self) -> None:
        use = only_use(order(priorPrescription={"reference": "http://ehr.example/fhir/MedicationRequest/m0/_history/3"}))
        assert use.replaces == "MedicationRequest/m0"


class TestReasons:
    @pytest.mark.parametrize(
        "more",
        [
            {"statusReason": concept(ICD10CM, "N17.9", "Acute kidney injury")},
            {"statusReason": [concept(ICD10CM, "N17.9", "Acute kidney injury")]},
            {"statusReason": {"text": "Acute kidney injury"}},
        ],
    )
    def test_a_reason_of_a_stop_is_grouped_and_kept_in_its_words(self, more: Json) -> None:
        use = only_use(order(status="on-hold", **more))
        assert (use.reasons, use.reason) == ({"acute-kidney-injury"}, Outside("Acute kidney injury"))

    def test_a_coded_reason_without_words_has_none(self) -> None:
        use = only_use(order(status="on-hold", statusReason=concept(ICD10CM, "N17.9")))
        assert (use.reasons, use.reason) == ({"acute-kidney-injury"}, None)

    @pytest.mark.parametrize(
        "more",
        [
            {"status": "stopped", "reasonNotTaken": [{"text": "toxicity"}]},
            {"status": "recorded", "adherence": {"code": {"coding": [{"code": "stopped"}]}, "reason": {"text": "toxicity"}}},
            {"status": "completed", "note": "Reason: toxicity"},
            {"status": "stopped", "note": [{"text": "seen today"}, {"text": "Status changed because of: toxicity"}]},
            {"status": "stopped", "note": {"text": "held for toxicity"}},
        ],
    )
    def test_every_version_has_its_own_place_for_a_reason(self, more: Json) -> None:
        assert only_use(statement(**more)).reasons == {"toxicity"}

    def test_a_note_is_no_reason_unless_it_gives_one_for_a_change(self) -> None:
        assert only_use(statement(status="stopped", note=[{"text": "watch for toxicity"}, {}])).reasons == frozenset()
        assert only_use(statement(status="active", note=[{"text": "Reason: toxicity"}])).reasons == frozenset()
        assert only_use(statement(status="stopped", adherence={})).reasons == frozenset()

    @pytest.mark.parametrize(
        "more",
        [
            {"reasonCode": [concept(ICD10CM, "K75.4")]},
            {"reasonCode": {"text": "Autoimmune hepatitis"}},
            {"reason": [{"concept": concept(ICD10CM, "K75.4")}]},
            {"reasonForUseCodeableConcept": concept(ICD10CM, "K75.4")},
        ],
    )
    def test_what_the_medicine_is_for_is_a_condition_group(self, more: Json) -> None:
        assert only_use(statement(**more)).indications == {"autoimmune_hepatitis"}

    @pytest.mark.parametrize(
        "more",
        [
            {"reasonReference": [{"reference": "Condition/c1"}]},
            {"reasonReference": {"reference": "http://ehr.example/Condition/c1"}},
            {"reason": [{"reference": {"reference": "Condition/c1"}}, {"concept": {"text": "x"}}]},
            {"reasonForUseReference": {"reference": "Condition/c1"}},
        ],
    )
    def test_the_condition_it_points_to_is_named(self, more: Json) -> None:
        assert only_use(statement(**more)).indication_references == ("Condition/c1",)


SUPPLY: Json = {"resourceType": "MedicationDispense", "id": "d1", "subject": ME, "medicationCodeableConcept": tacrolimus(),
                "whenHandedOver": "2026-02-01T16:20:00Z", "daysSupply": {"value": 30, "unit": "d"}}  # fmt: skip
GIVING: Json = {"resourceType": "MedicationAdministration", "id": "a1", "subject": ME,
                "medicationCodeableConcept": tacrolimus(), "dosage": {"dose": {"value": 2, "unit": "mg"}}}  # fmt: skip


class TestSuppliesAndGivings:
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ("completed", UseStatus.COMPLETED),
            ("in-progress", UseStatus.ACTIVE),
            ("stopped", UseStatus.STOPPED),
            (None, UseStatus.UNKNOWN),
        ],
    )
    def test_what_was_handed_over_is_a_supply(self, status: str | None, expected: UseStatus) -> None:
        use = only_use({**SUPPLY, "status": status})
        day = When.on(date(2026, 2, 1))
        assert (use.kind, use.status, use.start, use.asserted, use.end) == (UseKind.DISPENSE, expected, day, day, None)
        assert use.supply_days == 30

    @pytest.mark.parametrize("status", ["preparation", "cancelled", "declined", "on-hold", "entered-in-error"])
    def test_what_was_not_handed_over_is_none(self, status: str) -> None:
        assert record({**SUPPLY, "status": status}).dispenses == ()

    def test_a_supply_without_a_day_counts_only_when_completed(self) -> None:
        undated = {key: value for key, value in SUPPLY.items() if key != "whenHandedOver"}
        assert record({**undated, "status": "in-progress"}).dispenses == ()
        assert only_use({**undated, "status": "completed", "daysSupply": None}).supply_days is None

    def test_the_pieces_of_a_supply_tell_the_form(self) -> None:
        bare = {**SUPPLY, "status": "completed", "medicationCodeableConcept": tacrolimus("42316")}
        assert only_use(bare).drug.systemic is None
        assert only_use({**bare, "quantity": {"value": 60, "unit": "capsule"}}).drug.systemic is True

    @pytest.mark.parametrize(
        "when",
        [
            {"effectiveDateTime": "2026-02-20T08:05:00Z"},
            {"effectiveTimeDateTime": "2026-02-20"},
            {"occurenceDateTime": "2026-02-20"},
            {"effectivePeriod": {"start": "2026-02-20", "end": "2026-02-20"}},
            {"effectiveTimePeriod": {"start": "2026-02-20", "end": "2026-02-20"}},
            {"occurencePeriod": {"start": "2026-02-20", "end": "2026-02-20"}},
        ],
    )
    def test_a_giving_has_its_day_in_every_version(self, when: Json) -> None:
        use = only_use({**GIVING, "status": "completed", **when})
        day = When.on(date(2026, 2, 20))
        assert (use.kind, use.start, use.end, use.asserted) == (UseKind.ADMINISTRATION, day, day, day)
        assert use.lines[0].low == 2

    @pytest.mark.parametrize(
        "more",
        [
            {"status": "not-done"},
            {"status": "entered-in-error"},
            {"status": "completed", "wasNotGiven": True},
            {"status": "completed", "notGiven": True},
        ],
    )
    def test_what_was_not_given_is_none(self, more: Json) -> None:
        assert record({**GIVING, **more}).administrations == ()

    def test_a_giving_without_dosage_has_no_lines(self) -> None:
        assert only_use({**GIVING, "status": "completed", "dosage": None}).lines == ()
