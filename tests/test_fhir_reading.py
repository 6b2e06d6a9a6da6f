"""The record as a whole: whose it is, what did not come, what could not be read, and in which version it came."""

import json
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cds_service.fhir.reading import read
from cds_service.patient.facts import Drug, Loss, Lost, Outside, Person, Record, Sex, UseStatus
from cds_service.patient.when import When
from cds_service.protocol.gathered import Answer, Gathered, State
from cds_service.protocol.request import HookContext, HookRequest
from tests.reading import KEYS, ME, TODAY, UTC, Json, answers, condition, line, order, raw, record, result, statement, tacrolimus

SAMPLES = Path(__file__).parents[2] / "shared" / "samples"
MEDICATION_ORDER: Json = {"resourceType": "MedicationOrder", "id": "mo", "status": "active", "patient": ME,
                          "medicationCodeableConcept": tacrolimus()}  # fmt: skip


class TestPerson:
    def test_the_patient_has_sex_and_birth_date(self) -> None:
        patient = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1981-03"}
        assert record(patient).person == Person("p1", Sex.FEMALE, When(date(1981, 3, 1), date(1981, 3, 31)))

    @pytest.mark.parametrize("more", [{"deceasedBoolean": True}, {"deceasedDateTime": "2026-01-01"}, {"deceasedDateTime": "?"}])
    def test_a_deceased_patient_is_seen(self, more: Json) -> None:
        assert record({"resourceType": "Patient", "id": "p1", **more}).person.deceased

    def test_a_gender_nobody_knows_is_not_said(self) -> None:
        found = record({"resourceType": "Patient", "gender": "?", "deceasedBoolean": False}).person
        assert (found.sex, found.born, found.deceased) == (None, None, False)

    def test_without_the_patient_resource_the_person_is_known_by_id_and_the_loss_is_said(self) -> None:
        found = record(patient=Answer(State.MISSING))
        assert (found.person, found.lost) == (Person("p1"), (Lost("patient", Loss.NOT_SENT),))
        assert record(patient=Answer(State.FAILED)).lost == (Lost("patient", Loss.FAILED),)
        assert record(patient=Answer(State.PRESENT)).lost == (Lost("patient", Loss.NOT_SENT),)
        assert record(patient=Answer(State.PRESENT, (raw(5),))).lost == (Lost("patient", Loss.UNREADABLE, 1),)
        assert record(patient=Answer(State.NOT_OFFERED)).lost == ()

    def test_another_patients_resource_is_dropped(self) -> None:
        found = record(patient=Answer(State.PRESENT, (raw({"resourceType": "Patient", "id": "p2", "gender": "male"}),)))
        assert (found.person, found.foreign) == (Person("p1"), 1)

    def test_what_else_stands_beside_the_patient_does_no_harm(self) -> None:
        beside = (raw(condition()), raw({"resourceType": "Patient", "id": "p1", "gender": "male"}))
        assert record(patient=Answer(State.PRESENT, beside)).person.sex is Sex.MALE


LISTS = (
    ("medicationStatements", "statements", "medication statements"),
    ("medicationRequests", "orders", "medication orders"),
    ("medicationDispenses", "dispenses", "dispenses"),
    ("medicationAdministrations", "administrations", "administrations"),
    ("conditions", "problems", "conditions"),
    ("procedures", "procedures", "procedures"),
    ("allergies", "allergies", "allergies"),
    ("markers", "markers", "laboratory results"),
    ("screening", "screening", "screening results"),
)


class TestLost:
    @pytest.mark.parametrize(("key", "list_name"), [one[:2] for one in LISTS])
    def test_sent_empty_is_none_of_them_and_no_loss(self, key: str, list_name: str) -> None:
        found = record(**{key: Answer(State.PRESENT)})
        assert (getattr(found, list_name), found.lost) == ((), ())

    @pytest.mark.parametrize(("key", "list_name", "what"), LISTS)
    @pytest.mark.parametrize(("state", "loss"), [(State.MISSING, Loss.NOT_SENT), (State.FAILED, Loss.FAILED)])
    def test_not_received_is_unknown_and_named(self, key: str, list_name: str, what: str, state: State, loss: Loss) -> None:
        found = record(**{key: Answer(state)})
        assert (getattr(found, list_name), found.lost) == (None, (Lost(what, loss),))

    @pytest.mark.parametrize(("key", "list_name", "what"), LISTS)
    def test_a_first_page_is_kept_and_said_to_be_one(self, key: str, list_name: str, what: str) -> None:
        found = record(**{key: Answer(State.INCOMPLETE)})
        assert (getattr(found, list_name), found.lost) == ((), (Lost(what, Loss.INCOMPLETE),))

    @pytest.mark.parametrize(("key", "list_name"), [one[:2] for one in LISTS])
    def test_a_list_never_offered_is_no_part_of_the_history(self, key: str, list_name: str) -> None:
        found = record(**{key: Answer(State.NOT_OFFERED)})
        assert (getattr(found, list_name), found.lost) == ((), ())

    @pytest.mark.parametrize(("key", "list_name", "what"), LISTS)
    def test_unreadable_entries_are_counted_and_the_rest_kept(self, key: str, list_name: str, what: str) -> None:
        found = record(**{key: Answer(State.PRESENT, (raw([]), raw({"id": "x"}), raw({"resourceType": "OperationOutcome"})))})
        assert (getattr(found, list_name), found.lost) == ((), (Lost(what, Loss.UNREADABLE, 2),))

    def test_a_key_that_nobody_gathered_is_not_sent(self) -> None:
        found = read(Gathered({}), HookRequest("h", "i", HookContext("p1")), hook="h", asof=TODAY, zone=UTC)
        assert {lost.loss for lost in found.lost} == {Loss.NOT_SENT}
        assert len(found.lost) == 10

    def test_a_resource_whose_meaning_is_modified_is_not_relied_on(self) -> None:
        found = record(statement(modifierExtension=[{"url": "http://x", "valueBoolean": True}]), statement(id="s2"))
        assert [use.reference for use in found.statements or ()] == ["MedicationStatement/s2"]
        assert found.lost == (Lost("medication statements", Loss.UNREADABLE, 1),)

    @pytest.mark.parametrize(
        ("resource", "list_name", "what"),
        [
            (result(valueQuantity="one hundred and fifty"), "markers", "laboratory results"),
            (result(valueQuantity={"value": 150, "unit": 5, "code": 5}), "markers", "laboratory results"),
            (statement(medicationCodeableConcept=[]), "statements", "medication statements"),
            (condition(code="K75.4"), "problems", "conditions"),
            ({"resourceType": "AllergyIntolerance", "code": 5}, "allergies", "allergies"),
        ],
    )
    def test_a_resource_that_lost_what_it_is_about_is_unreadable(self, resource: Json, list_name: str, what: str) -> None:
        found = record(resource)
        assert (getattr(found, list_name), found.lost) == ((), (Lost(what, Loss.UNREADABLE, 1),))

    @pytest.mark.parametrize(
        ("resource", "list_name"),
        [
            (result(issued=5), "markers"),
            (statement(dateAsserted=5), "statements"),
            (condition(recordedDate=5), "problems"),
            (condition(recordedDate=5, code={"text": "Liver trouble"}), "problems"),
            ({"resourceType": "AllergyIntolerance", "id": 5, "code": {"text": "Imuran"}}, "allergies"),
            (result(issued=5, valueQuantity=None, valueString="Reactive", code={"text": "HBsAg"}), "markers"),
        ],
    )
    def test_a_resource_that_lost_something_else_is_kept(self, resource: Json, list_name: str) -> None:
        found = record(resource)
        assert (len(getattr(found, list_name)), found.lost) == (1, ())

    def test_elements_that_had_to_be_left_out_are_counted(self) -> None:
        found = record(order(authoredOn=5, status=[]), condition(onsetDateTime={}))
        assert (found.tolerated, found.lost) == (3, ())


class TestOneQuestionOfTwoTypes:
    def both(self, requests: Answer, orders: Answer, version: str | None = None) -> Record:
        return record(medicationRequests=requests, medicationOrders=orders, version=version)

    EMPTY = Answer(State.PRESENT)
    MISSING = Answer(State.MISSING)
    FAILED = Answer(State.FAILED)
    REQUEST = Answer(State.PRESENT, (raw(order()),))
    ORDER = Answer(State.PRESENT, (raw(MEDICATION_ORDER),))

    @pytest.mark.parametrize(
        ("requests", "orders", "version", "count", "lost"),
        [
            (REQUEST, MISSING, None, 1, None),
            (REQUEST, FAILED, None, 1, None),
            (EMPTY, MISSING, None, 0, None),
            (MISSING, EMPTY, None, None, Loss.NOT_SENT),
            (FAILED, EMPTY, None, None, Loss.FAILED),
            (MISSING, ORDER, None, 1, None),
            (MISSING, EMPTY, "DSTU2", 0, None),
            (EMPTY, MISSING, "DSTU2", None, Loss.NOT_SENT),
            (EMPTY, FAILED, "DSTU2", None, Loss.FAILED),
            (REQUEST, MISSING, "DSTU2", 1, None),
            (REQUEST, ORDER, None, 2, None),
            (Answer(State.NOT_OFFERED), MISSING, None, 0, None),
            (REQUEST, Answer(State.INCOMPLETE, (raw(MEDICATION_ORDER),)), None, 2, Loss.INCOMPLETE),
            (MISSING, Answer(State.INCOMPLETE, (raw(MEDICATION_ORDER),)), None, 1, Loss.INCOMPLETE),
            (MISSING, MISSING, None, None, Loss.NOT_SENT),
        ],
    )
    def test_an_entry_answers_and_an_empty_list_only_where_its_type_exists(
        self, requests: Answer, orders: Answer, version: str | None, count: int | None, lost: Loss | None
    ) -> None:
        found = self.both(requests, orders, version)
        assert (None if found.orders is None else len(found.orders)) == count
        assert [one.loss for one in found.lost] == ([] if lost is None else [lost])

    def test_an_unreadable_order_is_an_entry_too(self) -> None:
        found = self.both(self.MISSING, Answer(State.PRESENT, (raw(5),)))
        assert (found.orders, found.lost) == ((), (Lost("medication orders", Loss.UNREADABLE, 1),))


class TestSubjects:
    @pytest.mark.parametrize(
        "subject",
        [
            ME,
            {"reference": "http://ehr.example/fhir/Patient/p1"},
            {"reference": "Patient/p1/_history/2"},
            {"reference": "urn:uuid:p1"},
            {"reference": "#me"},
            {"display": "Somebody"},
            None,
        ],
    )
    def test_a_resource_of_this_patient_or_of_nobody_named_is_kept(self, subject: Json | None) -> None:
        found = record(statement(subject=subject))
        assert (len(found.statements or ()), found.foreign) == (1, 0)

    @pytest.mark.parametrize("reference", ["Patient/p2", "Patient/p1x", "Group/p1", "urn:uuid:p2", "p2"])
    def test_a_resource_of_another_is_dropped_and_counted(self, reference: str) -> None:
        subject = {"reference": reference}
        found = record(
            statement(subject=subject), order(subject=subject), condition(subject=subject), result(subject=subject),
            {"resourceType": "AllergyIntolerance", "patient": subject}, drafts=[order(subject=subject)],
        )  # fmt: skip
        assert (found.statements, found.orders, found.problems, found.markers, found.allergies) == (None,) * 5
        assert (found.foreign, found.drafts) == (6, ())
        assert {lost.loss for lost in found.lost} == {Loss.FAILED}

    def test_beside_resources_of_others_the_own_ones_are_kept_and_the_list_is_whole(self) -> None:
        found = record(statement(subject={"reference": "Patient/p2"}), statement())
        assert (len(found.statements or ()), found.foreign, found.lost) == (1, 1, ())


class TestDrafts:
    def test_the_orders_of_the_request_are_drafts_not_record(self) -> None:
        found = record(drafts=[order(status="draft")])
        assert [(use.status, use.drug.ingredient) for use in found.drafts] == [(UseStatus.DRAFT, "tacrolimus")]
        assert (found.orders, found.uses) == ((), ())

    def test_a_draft_before_a_drug_is_chosen_is_kept(self) -> None:
        bare = {
            "resourceType": "MedicationRequest",
            "id": "request-123",
            "status": "draft",
            "subject": ME,
            "authoredOn": "2026-03-01",
        }
        (use,) = record(drafts=[bare]).drafts
        assert (use.drug, use.status) == (Drug(Outside("")), UseStatus.DRAFT)

    def test_a_draft_without_status_is_one_all_the_same(self) -> None:
        (use,) = record(drafts=[order(status=None)]).drafts
        assert use.status is UseStatus.DRAFT

    @pytest.mark.parametrize("intent", ["proposal", "plan", "option"])
    def test_a_proposal_is_a_draft_like_any_other(self, intent: str) -> None:
        assert len(record(drafts=[order(intent=intent, status="draft")]).drafts) == 1

    @pytest.mark.parametrize("status", ["stopped", "cancelled", "completed", "on-hold", "active"])
    def test_a_draft_keeps_the_status_that_the_client_would_sign(self, status: str) -> None:
        assert [use.status.value for use in record(drafts=[order(status=status)]).drafts] == [status]

    @pytest.mark.parametrize("nameless", [{}, {"medicationReference": {"reference": "Medication/not-sent"}}])
    def test_an_order_signed_again_without_its_medicine_is_the_one_on_record(self, nameless: Json) -> None:
        again = {**order(status="stopped", medicationCodeableConcept=None), **nameless}
        (use,) = record(order(), drafts=[again]).drafts
        assert (use.drug.ingredient, use.status) == ("tacrolimus", UseStatus.STOPPED)
        other = record(order(id="other"), drafts=[again])
        assert (other.drafts, other.tolerated) == ((), 1)

    @pytest.mark.parametrize(
        ("more", "noted"),
        [
            ({"status": "stopped"}, True),
            ({"status": "on-hold"}, True),
            ({"status": "active", "doNotPerform": True}, True),
            ({"status": "active"}, False),
        ],
    )
    def test_an_order_of_no_known_medicine_that_ends_is_noted(self, more: Json, noted: bool) -> None:
        """It may be the one that matters."""
        found = record(drafts=[order(medicationCodeableConcept=None, **more)])
        assert found.lost == ((Lost("orders of this request", Loss.UNREADABLE, 1),) if noted else ())

    def test_a_draft_entered_in_error_is_none(self) -> None:
        assert record(drafts=[order(status="entered-in-error")]).drafts == ()

    def test_other_resources_and_nonsense_among_the_drafts_are_passed_over(self) -> None:
        service = {"resourceType": "ServiceRequest", "id": "x", "status": "draft", "code": {"coding": [{}]}, "reasonCode": []}
        drafts = [service, {"resourceType": "Task"}, 5, {}, order(), order(id="m2", modifierExtension=[{}])]
        found = record(drafts=drafts)
        assert ([use.reference for use in found.drafts], found.tolerated, found.lost) == (["MedicationRequest/m1"], 3, ())

    def test_a_draft_finds_its_medication_among_drafts_and_record(self) -> None:
        product = {"resourceType": "Medication", "id": "med", "code": tacrolimus()}
        draft = order(medicationCodeableConcept=None, medicationReference={"reference": "Medication/med"})
        for found in (record(drafts=[draft, product]), record(product, drafts=[draft])):
            assert [use.drug.strength for use in found.drafts] == [1]

    def test_half_typed_dates_do_no_harm(self) -> None:
        for day in ("Invalid date", "0002-11-01", "0202-11-01"):
            timing = line(
                1, frequency=1, period=1, periodUnit="d", boundsPeriod={"start": day}, boundsDuration={"value": 9, "code": "d"}
            )
            assert len(record(drafts=[order(dosageInstruction=[timing])]).drafts) == 1

    def test_the_sandboxes_objects_for_lists_are_read(self) -> None:
        reason = {"text": "Autoimmune hepatitis", "coding": [{"system": "http://snomed.info/sct", "code": "408335007"}]}
        pill = {"doseAndRate": [{"doseQuantity": {"value": 2, "system": "http://unitsofmeasure.org", "code": "{pill}"}}]}
        draft = order(category={"coding": [{"code": "community"}]}, reasonCode=reason, dosageInstruction=[line() | pill])
        found = record(drafts=[draft])
        (use,) = found.drafts
        assert (use.indications, use.lines[0].low, found.tolerated) == ({"autoimmune_hepatitis"}, 2, 0)


class TestVersions:
    @pytest.mark.parametrize(
        ("resources", "version"),
        [
            ((), "R4"),
            ((order(), statement(), condition(clinicalStatus={"text": "active"})), "R4"),
            ((MEDICATION_ORDER,), "DSTU2"),
            ((statement(wasNotTaken=False),), "DSTU2"),
            (({"resourceType": "Condition", "patient": ME, "clinicalStatus": "active"},), "DSTU2"),
            ((condition(clinicalStatus="active"),), "STU3"),
            ((statement(taken="y"),), "STU3"),
            ((order(dosageInstruction=[{"doseQuantity": {"value": 1}}]),), "STU3"),
            ((order(medicationCodeableConcept=None, medication={"concept": tacrolimus()}),), "R5"),
            ((statement(medicationCodeableConcept=None, medication={"concept": tacrolimus()}),), "R5"),
            ((statement(adherence={}),), "R5"),
            ((MEDICATION_ORDER, condition(clinicalStatus="active")), "DSTU2"),
            (({"resourceType": "AllergyIntolerance", "substance": {}},), "DSTU2"),
            (({"resourceType": "AllergyIntolerance", "clinicalStatus": "active"},), "STU3"),
            (({"resourceType": "MedicationDispense", "patient": ME},), "DSTU2"),
            (({"resourceType": "MedicationDispense", "medication": {"concept": tacrolimus()}},), "R5"),
            (({"resourceType": "MedicationAdministration", "patient": ME},), "DSTU2"),
            (({"resourceType": "MedicationAdministration", "medication": {"concept": tacrolimus()}},), "R5"),
            ((order(), statement(), condition(clinicalStatus="active")), "R4"),
            ((condition(clinicalStatus="active"), condition(id="2", clinicalStatus="active"), order()), "STU3"),
            ((order(dosageInstruction=[{"doseRange": {}}, line()]),), "STU3"),
            ((order(dosageInstruction=[{"text": "x"}]),), "R4"),
            ((order(medicationCodeableConcept=None, medication={"concept": tacrolimus()}), condition(clinicalStatus={})), "R5"),
        ],
    )
    def test_the_version_is_told_from_the_content(self, resources: tuple[Json, ...], version: str) -> None:
        assert record(*resources).fhir_version == version

    def test_a_draft_tells_it_too_and_configuration_before_all(self) -> None:
        assert record(drafts=[MEDICATION_ORDER]).fhir_version == "DSTU2"
        assert record(drafts=[MEDICATION_ORDER], version="R4B").fhir_version == "R4B"


class TestTheWhole:
    def test_the_request_is_kept_in_the_record(self) -> None:
        found = record()
        assert (found.hook, found.asof) == ("patient-view", TODAY)

    def test_instants_become_days_of_the_sites_zone(self) -> None:
        request = HookRequest("h", "i", HookContext("p1"))
        gathered = Gathered(answers([result(effectiveDateTime="2026-02-27T23:30:00Z")]))
        found = read(gathered, request, hook="h", asof=TODAY, zone=ZoneInfo("Europe/Berlin"))
        assert [lab.when for lab in found.markers or ()] == [When.on(date(2026, 2, 28))]

    def test_a_resource_that_comes_twice_counts_once(self) -> None:
        assert len(record(order(), order()).orders or ()) == 1
        assert len(record(order(), order(status="stopped")).orders or ()) == 2

    def test_a_number_keeps_every_digit_it_came_with(self) -> None:
        body = json.dumps(result(valueQuantity={"value": "@", "unit": "U/L"})).replace('"@"', "150.00").encode()
        found = record(markers=Answer(State.PRESENT, (raw(body),)))
        assert [str(lab.quantity.value) for lab in found.markers or () if lab.quantity] == ["150.00"]

    @pytest.mark.skipif(not SAMPLES.exists(), reason="the samples are not beside this checkout")
    def test_the_official_examples_are_read_without_a_single_loss(self) -> None:
        for path in sorted((SAMPLES / "hl7-r4-examples").glob("*.json")):
            resource = json.loads(path.read_text(encoding="utf-8"), parse_float=float)
            if resource.get("resourceType") not in KEYS or resource["resourceType"] == "Patient":
                continue
            subject = (resource.get("subject") or resource.get("patient") or {}).get("reference", "Patient/p1")
            request = HookRequest("h", "i", HookContext(subject.rpartition("/")[2]))
            found = read(Gathered(answers([resource]), "R4"), request, hook="h", asof=TODAY, zone=UTC)
            allowed = {Loss.UNREADABLE} if subject.startswith("Patient/") else {Loss.FAILED}  # undated ones; groups and devices
            whole = {lost.loss for lost in found.lost if lost.what != "patient"} <= allowed
            assert (path.name, found.tolerated, whole) == (path.name, 0, True)
