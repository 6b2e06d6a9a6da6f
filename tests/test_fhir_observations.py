"""Results: value, unit, range, meaning, specimen and day, from every shape of Observation."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from cds_service.patient.facts import Comparator, Lab, LabStatus, Quantity, newest_first
from cds_service.patient.when import When
from tests.reading import LOINC, SNOMED, Json, concept, record, result

D = Decimal
SIGN = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
FEMALE = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1981-03-01"}


def labs(*observations: Json, person: Json | None = None) -> tuple[Lab, ...]:
    return record(*([person] if person else []), *observations).markers or ()


def lab(observation: Json, person: Json | None = None) -> Lab:
    (found,) = labs(observation, person=person)
    return found


def bounds(low: float | None, high: float | None, **more: Any) -> Json:
    return {
        **({} if low is None else {"low": {"value": low, "unit": "U/L"}}),
        **({} if high is None else {"high": {"value": high, "unit": "U/L"}}),
        **more,
    }


class TestValues:
    def test_a_result_has_analyte_value_unit_day_and_status(self) -> None:
        assert lab(result()) == Lab(
            "Observation/o1",
            "alt",
            When.on(date(2026, 2, 27)),
            LabStatus.FINAL,
            Quantity(D(150), "U/L"),
            Quantity(D(150), "U/L"),
            taken=datetime(2026, 2, 27, 7, 15, tzinfo=UTC),
        )

    def test_the_value_is_converted_and_the_reported_one_kept(self) -> None:
        found = lab(result("1975-2", 3.0, "mg/dL"))
        assert (found.quantity, found.reported) == (Quantity(D("51.30"), "umol/L"), Quantity(D("3.0"), "mg/dL"))

    def test_the_unit_is_taken_by_its_code_or_by_its_words(self) -> None:
        quantity = {"value": 150, "unit": "IU/L", "code": "258947003"}
        assert lab(result(valueQuantity=quantity)).quantity == Quantity(D(150), "U/L")

    def test_an_unknown_unit_makes_the_number_unusable_and_shows_it(self) -> None:
        found = lab(result(unit="furlong", referenceRange=[bounds(7, 40)]))
        assert (found.quantity, found.reported, found.low, found.high) == (None, Quantity(D(150), "furlong"), None, None)

    @pytest.mark.parametrize(("sign", "meant"), [("<", Comparator.LESS), (">=", Comparator.AT_LEAST)])
    def test_a_bound_is_no_exact_value(self, sign: str, meant: Comparator) -> None:
        found = lab(result(valueQuantity={"value": 1, "unit": "U/L", "comparator": sign}))
        assert (found.quantity, found.comparator) == (Quantity(D(1), "U/L"), meant)

    def test_a_comparator_nobody_knows_makes_the_number_unusable(self) -> None:
        assert lab(result(valueQuantity={"value": 1, "unit": "U/L", "comparator": "ad"})).quantity is None

    @pytest.mark.parametrize(
        "more",
        [
            {"valueQuantity": None},
            {"valueQuantity": None, "dataAbsentReason": {"text": "hemolysed"}},
            {"valueQuantity": {"unit": "U/L"}, "dataAbsentReason": {"text": "hemolysed"}},
        ],
    )
    def test_without_a_value_there_is_no_result(self, more: Json) -> None:
        assert labs(result(**more)) == ()

    @pytest.mark.parametrize(
        "more",
        [
            {"valueQuantity": None, "valueString": "150"},
            {"valueQuantity": None, "valueString": "150 furlongs"},
            {"valueQuantity": None, "valueString": "1,500 U/L"},
            {"valueQuantity": None, "valueString": "150 U/L (repeated, sample slightly haemolysed, please send another one)"},
            {"valueQuantity": None, "valueString": "see comment"},
            {"valueQuantity": None, "valueCodeableConcept": {"text": "haemolysed"}},
            {"valueQuantity": None, "valueInteger": 150},
            {"valueQuantity": {"unit": "U/L"}},
            {"valueQuantity": {"value": 1e300, "unit": "U/L"}},
            {"valueQuantity": {"value": 0, "unit": "U/L"}},
            {"valueQuantity": {"value": -1, "unit": "U/L"}},
        ],
    )
    def test_a_value_that_cannot_be_read_does_not_pass_for_none(self, more: Json) -> None:
        found = lab(result(**more))
        assert (found.analyte, found.quantity, found.low, found.high) == ("alt", None, None, None)

    @pytest.mark.parametrize(
        ("code", "more", "value", "sign"),
        [
            ("1742-6", {"valueString": "150 U/L"}, "150", None),
            ("1742-6", {"valueString": " > 400 IU/L "}, "400", Comparator.GREATER),
            ("1742-6", {"valueString": "≤5 U/L"}, "5", Comparator.AT_MOST),
            ("2160-0", {"valueString": "1,1 mg/dL"}, "97.24", None),
            ("6301-6", {"valueString": "1.6"}, "1.6", None),
            ("6690-2", {"valueString": "6.5 10*3/uL"}, "6.5", None),
        ],
    )
    def test_a_number_in_a_text_is_read_with_its_sign_and_unit(
        self, code: str, more: Json, value: str, sign: Comparator | None
    ) -> None:
        found = lab(result(code, None, **more))
        assert found.quantity is not None
        assert (found.quantity.value, found.comparator) == (D(value), sign)

    @pytest.mark.parametrize(
        ("ratio", "value"),
        [
            ({"numerator": {"value": 1200, "unit": "mg"}, "denominator": {"value": 1, "unit": "g"}}, "1200"),
            ({"numerator": {"value": 60, "code": "mg"}, "denominator": {"value": 0.5, "code": "mmol"}}, "1060.8"),
            ({"numerator": {"value": 60, "code": "mg"}, "denominator": {"value": 0, "code": "mmol"}}, None),
            ({"numerator": {"value": 60}, "denominator": {"value": 1}}, None),
            ({"numerator": {"value": 60, "code": "mg", "comparator": ">"}, "denominator": {"value": 1, "code": "g"}}, None),
            ({"numerator": {"value": 60, "code": "mg"}}, None),
        ],
    )
    def test_a_ratio_is_one_amount_by_the_other(self, ratio: Json, value: str | None) -> None:
        found = lab(result("2890-2", None, valueRatio=ratio))
        assert (found.quantity and found.quantity.value) == (value and D(value))

    def test_a_range_is_no_number_and_does_not_pass_for_none(self) -> None:
        span = {"low": {"value": 10, "unit": "U/L"}, "high": {"value": 400, "unit": "U/L"}}
        assert lab(result(valueQuantity=None, valueRange=span)).quantity is None

    def test_a_score_may_be_a_whole_number(self) -> None:
        found = lab(result(code={"text": "MG-ADL"}, valueQuantity=None, valueInteger=5))
        assert found.quantity == Quantity(D(5), "{score}")

    @pytest.mark.parametrize(("code", "value"), [("1742-6", 1), ("751-8", 0), ("1988-5", 0), ("2890-2", 0)])
    def test_what_can_be_zero_may_be(self, code: str, value: int) -> None:
        unit = {"1742-6": "U/L", "751-8": "10*9/L", "1988-5": "mg/L", "2890-2": "mg/g"}[code]
        assert lab(result(code, value, unit)).quantity is not None

    def test_a_pressure_of_breathing_may_be_below_zero(self) -> None:
        assert lab(result(code={"text": "NIF"}, value=-25, unit="cm[H2O]")).quantity == Quantity(D(-25), "cm[H2O]")

    @pytest.mark.parametrize(
        "code",
        [concept(LOINC, "32594-4"), concept(LOINC, "9999-9", "ALT"), {"text": "Tacrolimus level"}, {"text": "salt"}, {}, None],
    )
    def test_what_is_not_known_to_be_measured_is_no_result(self, code: Json | None) -> None:
        assert labs(result(code=code)) == ()

    @pytest.mark.parametrize(
        "code", [{"text": "ALT"}, {"coding": [{"display": "ALT"}]}, concept("http://local", "17", "ALT (SGPT)")]
    )
    def test_a_plain_name_is_enough_without_a_loinc_code(self, code: Json) -> None:
        assert lab(result(code=code)).analyte == "alt"


class TestStatus:
    @pytest.mark.parametrize("status", ["final", "amended", "corrected"])
    def test_a_final_result_may_carry_a_finding(self, status: str) -> None:
        assert lab(result(status=status)).status is LabStatus.FINAL

    @pytest.mark.parametrize("status", ["preliminary", "registered", None])
    def test_a_preliminary_one_is_only_shown(self, status: str | None) -> None:
        assert lab(result(status=status)).status is LabStatus.PRELIMINARY

    @pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "unknown"])
    def test_an_erroneous_one_is_ignored(self, status: str) -> None:
        assert labs(result(status=status)) == ()


class TestDays:
    @pytest.mark.parametrize(
        ("more", "expected"),
        [
            ({"effectiveDateTime": "2026-02"}, When(date(2026, 2, 1), date(2026, 2, 28))),
            ({"effectiveInstant": "2026-02-20T10:00:00Z"}, When.on(date(2026, 2, 20))),
            ({"effectivePeriod": {"start": "2026-02-19", "end": "2026-02-20"}}, When(date(2026, 2, 19), date(2026, 2, 20))),
            ({"effectivePeriod": {"start": "2026-02-19"}}, When.on(date(2026, 2, 19))),
            ({"effectivePeriod": {"end": "2026-02-20"}}, When.on(date(2026, 2, 20))),
            ({"effectivePeriod": {"start": "2026-02-20", "end": "2026-02-19"}}, When.on(date(2026, 2, 20))),
            ({"issued": "2026-02-21T10:00:00Z"}, When.on(date(2026, 2, 21))),
            ({"effectiveDateTime": "Invalid date", "issued": "2026-02-21T10:00:00Z"}, When.on(date(2026, 2, 21))),
            ({"effectiveTiming": {"event": ["2026-02-20T08:00:00Z"]}}, When.on(date(2026, 2, 20))),
            ({"effectiveTiming": {"event": ["2026-02-20", "2026-02-18", "?"]}}, When(date(2026, 2, 18), date(2026, 2, 20))),
            ({"effectiveTiming": {"repeat": {}}, "issued": "2026-02-21"}, When.on(date(2026, 2, 21))),
        ],
    )
    def test_the_day_is_that_of_the_sample_else_of_issue(self, more: Json, expected: When) -> None:
        assert lab(result(**{"effectiveDateTime": None, **more})).when == expected

    def test_a_result_that_nobody_can_place_in_time_is_counted_as_unreadable(self) -> None:
        found = record(result(effectiveDateTime=None))
        assert (found.markers, [(lost.what, lost.count) for lost in found.lost]) == ((), [("laboratory results", 1)])


class TestRanges:
    @pytest.mark.parametrize(
        ("ranges", "expected"),
        [
            ([bounds(7, 40)], (D(7), D(40))),
            (bounds(7, 40), (D(7), D(40))),
            ([bounds(None, 40)], (None, D(40))),
            ([{"low": {"value": 7}, "high": {"value": 40}}], (D(7), D(40))),
            ([{"low": {"value": 7, "unit": "furlong"}, "high": {"unit": "U/L"}}], (None, None)),
            ([bounds(7, 1e300)], (D(7), None)),
            ([bounds(7, 40, type={"coding": [{"code": "normal"}]})], (D(7), D(40))),
            ([bounds(7, 40, type={"text": "Reference range"})], (D(7), D(40))),
            ([bounds(5, 20, type={"coding": [{"code": "therapeutic"}]}), bounds(7, 40)], (D(7), D(40))),
            ([bounds(5, 20, meaning={"text": "Therapeutic"})], (None, None)),
            ([bounds(7, 50, appliesTo=[{"text": "Male"}]), bounds(7, 35, appliesTo=[{"text": "Female"}])], (D(7), D(35))),
            ([bounds(7, 50), bounds(7, 35, appliesTo={"coding": [{"code": "female"}]})], (D(7), D(35))),
            ([bounds(7, 50, appliesTo=[{"text": "Male"}])], (None, None)),
            ([bounds(7, 60, age={"high": {"value": 18, "unit": "a"}}), bounds(7, 40, age={"low": {"value": 18, "code": "a"}})],
             (D(7), D(40))),
            ([bounds(7, 60, age={"high": {"value": 18, "unit": "parsec"}})], (None, None)),
            ([bounds(7, 60, age={"high": {"value": 18, "unit": "YR"}}), bounds(7, 40)], (D(7), D(40))),
            ([bounds(7, 50), bounds(7, 45, age={"low": {"value": 18, "unit": "a"}})], (D(7), D(45))),
            ([bounds(7, 45, age={"low": {"value": 216, "unit": "months"}}),
              bounds(7, 35, age={"low": {"value": 18, "unit": "a"}}, appliesTo=[{"text": "Female"}])], (D(7), D(35))),
            ([{"text": "7-40 U/L"}], (D(7), D(40))),
            ([{"text": "7 - 40"}], (D(7), D(40))),
            ([{"text": "<= 40"}], (None, D(40))),
            ([{"text": "> 7"}], (D(7), None)),
            ([{"text": "0.1 to 0.7 ukat/L"}], (D("6.0"), D("42.0"))),
            ([{"text": "Men 10-50, women 7-35"}], (None, None)),
            ([{"text": "40"}], (None, None)),
            ([{"text": "7-40 furlong"}], (None, None)),
            ([bounds(7, 40, text="0-99")], (D(7), D(40))),
            ([], (None, None)),
        ],
    )  # fmt: skip
    def test_the_normal_range_for_this_person_counts(self, ranges: Any, expected: tuple[Decimal | None, Decimal | None]) -> None:
        found = lab(result(referenceRange=ranges), person=FEMALE)
        assert (found.low, found.high) == expected

    def test_a_range_is_converted_like_the_value(self) -> None:
        span = {"low": {"value": 700, "unit": "mg/dL"}, "high": {"value": 1600, "unit": "mg/dL"}}
        found = lab(result("2465-3", 1900, "mg/dL", referenceRange=[span]))
        assert (found.quantity, found.low, found.high) == (Quantity(D("19.00"), "g/L"), D("7.00"), D("16.00"))

    @pytest.mark.parametrize("limit", [{"appliesTo": [{"text": "Female"}]}, {"age": {"low": {"value": 18, "unit": "a"}}}])
    def test_a_range_for_some_is_not_used_for_somebody_unknown(self, limit: Json) -> None:
        assert lab(result(referenceRange=[bounds(7, 35, **limit)])).high is None


class TestConcepts:
    @pytest.mark.parametrize(
        ("more", "expected"),
        [
            ({"valueCodeableConcept": concept(SNOMED, "260385009")}, "negative"),
            ({"valueCodeableConcept": concept(SNOMED, "1", "Positive")}, "positive"),
            ({"valueCodeableConcept": {"text": "Non-reactive"}}, "negative"),
            ({"valueString": "Not detected"}, "negative"),
            ({"valueCodeableConcept": {"text": "see note"}, "valueString": "Reactive"}, "positive"),
            ({"valueString": "see note", "interpretation": [{"text": "?"}, {"coding": [{"code": "x"}]}]}, None),
            ({"interpretation": [concept(SIGN, "NEG")]}, "negative"),
            ({"interpretation": concept("http://hl7.org/fhir/v2/0078", "POS")}, "positive"),
        ],
    )  # fmt: skip
    def test_a_worded_result_has_a_meaning(self, more: Json, expected: str | None) -> None:
        found = labs(result("5196-1", None, **more))
        assert [one.concept for one in found] == ([] if expected is None else [expected])

    def test_an_enzyme_activity_is_judged_by_its_interpretation(self) -> None:
        sign = concept(SIGN, "N")
        found = lab(result("21563-2", 30, "nmol/h/mL", interpretation=[sign]))
        assert (found.analyte, found.quantity, found.concept) == ("tpmt", None, "normal")

    def test_the_interpretation_of_a_number_is_not_its_meaning(self) -> None:
        sign = concept(SIGN, "N")
        assert lab(result(interpretation=[sign])).concept is None

    def test_of_two_genes_in_one_panel_the_worse_counts(self) -> None:
        words = {"text": "TPMT *1/*1 normal; NUDT15 *1/*3 intermediate metabolizer"}
        found = lab(result("93193-1", None, valueCodeableConcept=words))
        assert (found.analyte, found.concept) == ("tpmt_nudt15", "intermediate")


class TestPanels:
    def test_every_known_component_is_a_result_of_its_own(self) -> None:
        parts = [
            {"code": concept(LOINC, "1742-6"), "valueQuantity": {"value": 150, "unit": "U/L"}, "referenceRange": [bounds(7, 40)]},
            {"code": concept(LOINC, "1975-2"), "valueQuantity": {"value": 3, "unit": "mg/dL"}},
            {"code": concept(LOINC, "9999-9"), "valueQuantity": {"value": 1, "unit": "U/L"}},
            {"code": concept(LOINC, "1920-8"), "dataAbsentReason": {"text": "hemolysed"}},
        ]
        found = labs(result("24325-3", None, component=parts))
        assert [(one.analyte, one.high, one.reference) for one in found] == [
            ("alt", D(40), "Observation/o1"),
            ("bilirubin", None, "Observation/o1"),
        ]

    def test_the_members_that_a_panel_carries_along_are_read_as_well(self) -> None:
        inner = [
            result(id="a", effectiveDateTime=None, status=None),
            result("1920-8", 90, id="b", effectiveDateTime="2026-02-26", status="preliminary"),
            result("2465-3", 19, "g/L", id="c", status="cancelled"),
            result("1975-2", 3, "mg/dL", id="d", subject={"reference": "Patient/another"}),
            7,
            {"resourceType": "Specimen", "id": "s"},
        ]
        found = labs(result("24325-3", None, id="panel", contained=inner, hasMember=[{"reference": "#a"}]))
        day, before = When.on(date(2026, 2, 27)), When.on(date(2026, 2, 26))
        assert [(one.analyte, one.when, one.status, one.reference) for one in found] == [
            ("alt", day, LabStatus.FINAL, "Observation/panel"),
            ("ast", before, LabStatus.PRELIMINARY, "Observation/panel"),
        ]
        assert labs(result("24325-3", None, contained=inner, status="entered-in-error")) == ()

    def test_the_members_of_a_panel_are_read_where_they_come_by_themselves(self) -> None:
        panel = result("24325-3", None, id="panel", hasMember=[{"reference": "Observation/o1"}])
        assert [one.analyte for one in labs(panel, result())] == ["alt"]


class TestSpecimens:
    @pytest.mark.parametrize(
        ("specimen", "expected"),
        [
            ({"display": "Plasma"}, "plasma"),
            ({"display": "Serum sample"}, "plasma"),
            ({"display": "Whole blood"}, None),
            ({"reference": "#s1"}, "plasma"),
            ({"reference": "#s1", "display": "EDTA"}, "plasma"),
            ({"reference": "Specimen/s1"}, None),
            (None, None),
        ],
    )
    def test_plasma_for_a_whole_blood_assay_is_seen(self, specimen: Json | None, expected: str | None) -> None:
        inner = [7, {"resourceType": "Patient"}, {"resourceType": "Specimen", "id": "s1", "type": {"text": "Plasma"}}]
        assert lab(result("11253-2", 0.8, "ng/mL", specimen=specimen, contained=inner)).specimen == expected

    def test_plasma_is_what_other_tests_are_made_of(self) -> None:
        assert lab(result(specimen={"display": "Plasma"})).specimen is None

    def test_a_trough_says_so(self) -> None:
        assert lab(result("33929-1", 5, "ng/mL")).timing == "trough"


class TestOrder:
    def test_of_two_results_of_a_day_the_later_sample_is_the_newer(self) -> None:
        morning = result(id="z", effectiveDateTime="2026-02-27T08:00:00Z")
        evening = result(id="a", effectiveDateTime="2026-02-27T20:00:00+02:00")
        undated = result(id="zz", effectiveDateTime="2026-02-27")
        assert [one.reference for one in newest_first(labs(evening, undated, morning))] == [
            "Observation/a",
            "Observation/z",
            "Observation/zz",
        ]

    @pytest.mark.parametrize("status", ["corrected", "amended"])
    def test_a_correction_is_newer_than_what_it_corrects(self, status: str) -> None:
        first, corrected = result(id="z"), result(id="a", status=status)
        assert [one.reference for one in newest_first(labs(corrected, first))] == ["Observation/a", "Observation/z"]
