"""How much and for how long: supplies, the strength of a product, parts of the day, and which order another one replaces."""

from datetime import date
from fractions import Fraction

import pytest

from cds_service.patient.facts import Moment, Use, UseStatus
from tests.reading import ME, RXNORM, Json, concept, line, only_use, order, record, statement, tacrolimus

CAPSULE = tacrolimus()  # 1 mg
INGREDIENT = concept(RXNORM, "42316")


def dispense(**more: Json | str | list[Json]) -> Json:
    base = {"resourceType": "MedicationDispense", "id": "d1", "status": "completed", "subject": ME}
    return {**base, "medicationCodeableConcept": CAPSULE, "whenHandedOver": "2026-02-01", **more}


def counted(value: float, unit: str) -> Json:
    return {"value": value, "unit": unit}


class TestSupplies:
    @pytest.mark.parametrize(
        ("quantity", "mg"),
        [
            (counted(120, "capsule"), 120),
            (counted(60, "mg"), 60),
            (counted(2, "g"), 2000),
            (counted(120, "box"), None),
            ({"value": 120}, None),
            ({"unit": "capsule"}, None),
        ],
    )
    def test_what_was_handed_over_counts_in_mg(self, quantity: Json, mg: int | None) -> None:
        assert only_use(dispense(quantity=quantity)).supply_mg == mg

    def test_pieces_of_an_unknown_strength_are_no_amount(self) -> None:
        assert only_use(dispense(quantity=counted(120, "capsule"), medicationCodeableConcept=INGREDIENT)).supply_mg is None

    def test_a_supply_lasts_for_the_days_it_says(self) -> None:
        use = only_use(dispense(daysSupply=counted(30, "d"), quantity=counted(999, "capsule"), dosageInstruction=[line()]))
        assert use.supply_days == 30

    def test_else_for_what_its_own_dosage_uses_up(self) -> None:
        assert only_use(dispense(quantity=counted(120, "capsule"), dosageInstruction=[line()])).supply_days == 30

    @pytest.mark.parametrize(
        "more",
        [
            {"quantity": counted(120, "capsule")},
            {"dosageInstruction": [line()]},
            {"quantity": counted(120, "capsule"), "dosageInstruction": [line(0)]},
            {
                "quantity": counted(120, "capsule"),
                "dosageInstruction": [{"doseRange": {"low": counted(1, "mg"), "high": counted(2, "mg")}}],
            },
        ],
        ids=["no dosage", "no amount", "nothing a day", "a range"],
    )
    def test_else_nobody_knows(self, more: Json) -> None:
        assert only_use(dispense(**more)).supply_days is None

    @pytest.mark.parametrize(
        ("request_", "days"),
        [
            ({"expectedSupplyDuration": counted(30, "d")}, 30),
            ({"expectedSupplyDuration": counted(30, "d"), "numberOfRepeatsAllowed": 2}, 90),
            ({"expectedSupplyDuration": {"value": 1, "code": "mo"}}, 30),
            ({"expectedSupplyDuration": counted(30, "fortnight")}, None),
            ({"numberOfRepeatsAllowed": 2}, None),
        ],
    )
    def test_an_order_allows_supplies_for_so_long(self, request_: Json, days: int | None) -> None:
        assert only_use(order(dispenseRequest=request_)).supply_days == days


class TestProducts:
    @staticmethod
    def strength(*ingredients: Json, code: Json | None = None) -> Fraction | None:
        product = {"resourceType": "Medication", "id": "m", "ingredient": list(ingredients), **({"code": code} if code else {})}
        told = order(medicationCodeableConcept=None, medicationReference={"reference": "#m"}, contained=[product])
        return only_use(told).drug.strength

    @staticmethod
    def of(item: Json = INGREDIENT, **more: Json | bool) -> Json:
        return {"itemCodeableConcept": item, **more}

    @pytest.mark.parametrize(
        ("told", "mg"),
        [
            ({"strength": {"numerator": counted(1, "mg"), "denominator": counted(1, "{capsule}")}}, 1),
            ({"strength": {"numerator": counted(500, "ug"), "denominator": counted(1, "mL")}}, Fraction(1, 2)),
            ({"strength": {"numerator": counted(5, "mg")}}, 5),
            ({"strength": {"numerator": counted(5, "mg"), "denominator": {"value": 2}}}, Fraction(5, 2)),
            ({"amount": {"numerator": counted(1, "mg"), "denominator": counted(1, "1")}}, 1),
            ({"strengthRatio": {"numerator": counted(1, "mg"), "denominator": counted(1, "1")}}, 1),
            ({"strengthQuantity": counted(1, "mg")}, 1),
            ({"strength": {"numerator": counted(1, "mg"), "denominator": counted(1, "g")}}, None),
            ({"strength": {"numerator": counted(1, "mg"), "denominator": counted(0, "1")}}, None),
            ({"strength": {"numerator": counted(1, "%")}}, None),
            ({}, None),
        ],
    )
    def test_the_ingredient_gives_the_strength(self, told: Json, mg: Fraction | int | None) -> None:
        assert self.strength(self.of(**told)) == mg

    def test_the_code_of_the_product_comes_first(self) -> None:
        assert self.strength(self.of(strengthQuantity=counted(5, "mg")), code=CAPSULE) == 1

    def test_what_does_not_act_is_no_second_ingredient(self) -> None:
        filler = self.of({"text": "lactose"}, isActive=False)
        assert self.strength(self.of(strengthQuantity=counted(1, "mg")), filler) == 1

    def test_a_mixture_is_known_by_the_drug_of_the_table_that_is_in_it_and_has_no_strength(self) -> None:
        mixture = [self.of({"text": "clobetasol"}), self.of(strengthQuantity=counted(1, "mg"))]
        product = {"resourceType": "Medication", "id": "m", "ingredient": mixture}
        told = order(medicationCodeableConcept=None, medicationReference={"reference": "#m"}, contained=[product])
        found = only_use(told).drug
        assert (found.ingredient, found.strength) == ("tacrolimus", None)


class TestPartsOfTheDay:
    @pytest.mark.parametrize(
        ("timing", "moment"),
        [
            ({"repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "when": ["MORN"]}}, Moment.MORNING),
            ({"repeat": {"when": ["CD"]}}, Moment.MIDDAY),
            ({"repeat": {"when": ["PCV"]}}, Moment.EVENING),
            ({"repeat": {"when": ["MORN", "EVE"]}}, None),
            ({"repeat": {"when": ["odd"]}}, None),
            ({"repeat": {"timeOfDay": ["08:00:00"]}}, Moment.MORNING),
            ({"repeat": {"timeOfDay": ["12:30:00"]}}, Moment.MIDDAY),
            ({"repeat": {"timeOfDay": ["21:00"]}}, Moment.EVENING),
            ({"repeat": {"timeOfDay": ["early"]}}, None),
            ({"code": {"coding": [{"code": "QAM"}]}}, Moment.MORNING),
            ({"code": {"coding": [{"code": "BID"}]}}, None),
            ({"code": {"text": "twice daily"}}, None),
        ],
    )
    def test_a_timing_names_the_part_of_the_day(self, timing: Json, moment: Moment | None) -> None:
        (dosed,) = only_use(order(dosageInstruction=[{**line(), "timing": timing}])).lines
        assert dosed.moment is moment

    @pytest.mark.parametrize(
        ("text", "moments"),
        [
            ("2 mg every morning", [Moment.MORNING]),
            ("2 mg in the morning and 1 mg at night", [Moment.MORNING, Moment.EVENING]),
            ("2 mg morning and evening", [None]),
            ("2 mg at noon daily", [Moment.MIDDAY]),
            ("2 mg twice daily", [None]),
        ],
    )
    def test_words_name_it_too(self, text: str, moments: list[Moment | None]) -> None:
        assert [dosed.moment for dosed in only_use(order(dosageInstruction=[{"text": text}])).lines] == moments

    def test_words_beside_a_dose_once_a_day_name_it(self) -> None:
        once = line(2, frequency=1, period=1, periodUnit="d")
        assert only_use(order(dosageInstruction=[{**once, "text": "in the evening"}])).lines[0].moment is Moment.EVENING

    @pytest.mark.parametrize("amount", [{"value": 0}, {"value": 0, "unit": "furlong"}, {"value": 0, "unit": "mg"}])
    def test_a_dose_of_zero_needs_no_unit(self, amount: Json) -> None:
        (dosed,) = only_use(order(dosageInstruction=[{"doseAndRate": [{"doseQuantity": amount}]}])).lines
        assert (dosed.low, dosed.high) == (0, 0)


class TestNumberedLines:
    @staticmethod
    def numbered(number: int | None, days: int | None, value: int = 2) -> Json:
        timing: Json = {"frequency": 2, "period": 1, "periodUnit": "d"}
        if days is not None:
            timing["boundsDuration"] = {"value": days, "code": "d"}
        return {**line(value, **timing), **({} if number is None else {"sequence": number})}

    @staticmethod
    def told(*lines: Json) -> list[tuple[date | None, date | None]]:
        dosed = only_use(order(authoredOn="2026-01-01", dosageInstruction=list(lines))).lines
        return [(one.start.latest if one.start else None, one.end.latest if one.end else None) for one in dosed]

    def test_the_next_begins_when_the_one_before_has_ended(self) -> None:
        steps = self.told(self.numbered(2, 7, 1), self.numbered(1, 14, 2))
        assert steps == [(None, date(2026, 1, 14)), (date(2026, 1, 15), date(2026, 1, 21))]

    def test_lines_of_one_number_run_together(self) -> None:
        steps = self.told(self.numbered(1, 14), self.numbered(1, 7), self.numbered(2, None))
        assert steps == [(None, date(2026, 1, 14)), (None, date(2026, 1, 7)), (date(2026, 1, 15), None)]

    def test_after_a_line_without_an_end_they_run_together(self) -> None:
        assert self.told(self.numbered(1, None), self.numbered(2, 7)) == [(None, None), (None, date(2026, 1, 7))]

    def test_without_numbers_they_run_together(self) -> None:
        assert self.told(self.numbered(None, 14), self.numbered(None, 7)) == [(None, date(2026, 1, 14)), (None, date(2026, 1, 7))]


class TestLinks:
    @staticmethod
    def drafted(*resources: Json, **more: Json | str | list[Json]) -> Use:
        (use,) = record(*resources, drafts=[order(id="new", status="draft", **more)]).drafts
        return use

    @pytest.mark.parametrize(
        "reference",
        [
            "MedicationRequest/m1",
            "https://ehr.example.org/fhir/MedicationRequest/m1",
            "MedicationRequest/m1/_history/2",
            "urn:uuid:m1",
        ],
    )
    def test_the_prior_prescription_is_replaced_whatever_its_address(self, reference: str) -> None:
        assert self.drafted(priorPrescription={"reference": reference}).replaces == "MedicationRequest/m1"

    def test_an_order_may_be_named_by_its_identifier(self) -> None:
        prior = {"identifier": {"system": "urn:oid:1.2", "value": "rx-9"}}
        known = order(identifier=[{"value": "other"}, {"system": "urn:oid:1.2", "value": "rx-9"}, {}, 7])
        assert self.drafted(known, priorPrescription=prior).replaces == "MedicationRequest/m1"
        assert self.drafted(order(), priorPrescription=prior).replaces is None
        assert self.drafted(order(), priorPrescription={"identifier": {}}).replaces is None

    def test_what_a_new_order_is_based_on_is_replaced(self) -> None:
        assert self.drafted(basedOn=[{}, {"reference": "MedicationRequest/m1"}]).replaces == "MedicationRequest/m1"

    def test_a_single_giving_replaces_nothing(self) -> None:
        use = self.drafted(intent="instance-order", basedOn=[{"reference": "MedicationRequest/m1"}])
        assert (use.replaces, use.instance_of) == (None, "MedicationRequest/m1")
        assert self.drafted(basedOn=[{"reference": "MedicationRequest/m1"}]).instance_of is None

    def test_an_order_of_dstu2_has_a_prior_prescription_only(self) -> None:
        older = {
            "resourceType": "MedicationOrder",
            "id": "o2",
            "medicationCodeableConcept": CAPSULE,
            "identifier": [{"value": "x"}],
        }
        (use,) = record(drafts=[{**older, "priorPrescription": {"reference": "MedicationOrder/o1"}}]).drafts
        assert (use.replaces, use.instance_of) == ("MedicationOrder/o1", None)


class TestStatementsOfStu3:
    def test_stopped_and_no_longer_taken_is_a_stop(self) -> None:
        period = {"start": "2025-08-01", "end": "2026-02-20"}
        assert only_use(statement(status="stopped", taken="n", effectivePeriod=period)).status is UseStatus.STOPPED

    @pytest.mark.parametrize("period", [{}, {"start": "2025-08-01"}, {"end": "2026-02-20"}])
    def test_without_the_days_of_use_it_was_not_taken(self, period: Json) -> None:
        assert only_use(statement(status="stopped", taken="n", effectivePeriod=period)).status is UseStatus.NOT_TAKEN
