"""Dosage lines: structured, by code, in words, and in the shapes of every FHIR version."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from cds_service.fhir.instructions import frequency, told
from cds_service.patient.facts import DoseLine, DoseUnit
from cds_service.patient.when import When
from tests.reading import Json, line, only_use, order, statement

F = Fraction


def read_line(dosage: Json, **more: Any) -> DoseLine:
    (found,) = only_use(order(dosageInstruction=[dosage], **more)).lines
    return found


@pytest.mark.parametrize(
    ("repeat", "times"),
    [
        ({"frequency": 2, "period": 1, "periodUnit": "d"}, F(2)),
        ({"frequency": 1, "period": 12, "periodUnit": "h"}, F(2)),
        ({"period": 8, "periodUnit": "h"}, F(3)),
        ({"frequency": 1, "period": 2, "periodUnit": "d"}, F(1, 2)),
        ({"frequency": 1, "period": 1, "periodUnit": "wk"}, F(1, 7)),
        ({"frequency": 1, "period": 1, "periodUnit": "mo"}, F(1, 30)),
        ({"frequency": 2, "period": 1, "periodUnits": "d"}, F(2)),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "when": ["MORN"]}, F(1)),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "when": ["MORN", "EVE"]}, F(2)),
        ({"when": ["MORN", "EVE"]}, F(2)),
        ({"when": "MORN"}, F(1)),
        ({"timeOfDay": ["08:00:00", "20:00:00"]}, F(2)),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "dayOfWeek": ["mon", "wed", "fri"]}, F(3, 7)),
        ({"frequency": 1, "period": 1, "periodUnit": "wk", "dayOfWeek": ["mon", "wed", "fri"]}, F(3, 7)),
        ({"frequency": 2, "frequencyMax": 2, "period": 1, "periodUnit": "d"}, F(2)),
        ({"frequency": 1, "frequencyMax": 3, "period": 1, "periodUnit": "d"}, None),
        ({"frequency": 1, "period": 4, "periodMax": 6, "periodUnit": "h"}, None),
        ({"frequency": 2, "period": 0, "periodUnit": "d"}, None),
        ({"frequency": 2, "period": 1, "periodUnit": "fortnight"}, None),
        ({"frequency": 2}, None),
        ({"boundsPeriod": {"start": "2026-01-01"}}, None),
    ],
)
def test_the_frequency_follows_from_the_repeat(repeat: Json, times: Fraction | None) -> None:
    assert read_line(line(2, **repeat)).times_per_day == times


@pytest.mark.parametrize(
    ("code", "times"),
    [("QD", F(1)), ("BID", F(2)), ("tid", F(3)), ("QID", F(4)), ("Q12H", F(2)), ("Q8H", F(3)), ("QOD", F(1, 2)), ("AM", F(1)),
     ("PM", F(1)), ("BED", F(1)), ("WK", F(1, 7)), ("JHNUS", None)],
)  # fmt: skip
def test_the_frequency_follows_from_a_timing_code(code: str, times: Fraction | None) -> None:
    dosage = line() | {"timing": {"code": {"coding": [{"code": code}]}}}
    assert read_line(dosage).times_per_day == times


def test_words_of_a_timing_code_are_as_certain_as_a_code() -> None:
    found = read_line(line() | {"timing": {"code": {"text": "twice daily"}}})
    assert (found.times_per_day, found.certain) == (F(2), True)


@pytest.mark.parametrize(
    ("quantity", "low", "unit"),
    [
        ({"value": 2, "unit": "mg", "code": "mg"}, F(2), DoseUnit.MG),
        ({"value": 500, "code": "ug"}, F(1, 2), DoseUnit.MG),
        ({"value": 500, "unit": "mcg"}, F(1, 2), DoseUnit.MG),
        ({"value": 2, "unit": "capsule", "code": "{capsule}"}, F(2), DoseUnit.PIECE),
        ({"value": 2, "code": "{pill}", "system": "http://unitsofmeasure.org"}, F(2), DoseUnit.PIECE),
        ({"value": 2, "unit": "TAB", "code": "TAB"}, F(2), DoseUnit.PIECE),
        ({"value": 2, "unit": "Capsule(s)", "code": "385055001"}, F(2), DoseUnit.PIECE),
        ({"value": 0.05, "code": "mg/kg"}, F(1, 20), DoseUnit.MG_PER_KG),
        ({"value": 2, "unit": "mL"}, F(2), DoseUnit.ML),
        ({"value": 2, "unit": "drop"}, None, None),
        ({"value": 2}, None, None),
        ({"unit": "mg"}, None, None),
        ({"value": -2, "unit": "mg"}, None, None),
        ({"value": 2, "comparator": "<", "unit": "mg"}, None, None),
        ({"value": 1e300, "unit": "mg"}, None, None),
    ],
)
def test_a_dose_has_a_number_and_a_unit_or_is_not_known(quantity: Json, low: Fraction | None, unit: DoseUnit | None) -> None:
    found = read_line(line() | {"doseAndRate": [{"doseQuantity": quantity}]})
    assert (found.low, found.high, found.unit) == (low, low, unit)


def test_the_first_rate_with_a_dose_counts() -> None:
    rates = [
        {"rateQuantity": {"value": 1}},
        {"doseQuantity": {"value": 2, "unit": "mg"}},
        {"doseQuantity": {"value": 9, "unit": "mg"}},
    ]
    assert read_line(line() | {"doseAndRate": rates}).low == 2
    assert read_line(line() | {"doseAndRate": [{"rateQuantity": {"value": 1}}]}).low is None


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ({"value": 1, "unit": "mg"}, {"value": 2, "unit": "mg"}, (F(1), F(2), DoseUnit.MG)),
        ({"value": 1, "unit": "mg"}, {"value": 2, "unit": "tablet"}, (None, None, None)),
        ({"value": 1, "unit": "mg"}, None, (None, None, None)),
        ({"value": 1, "unit": "mg"}, {"unit": "mg"}, (None, None, None)),
    ],
)
def test_a_dose_range_keeps_both_ends(low: Json, high: Json | None, expected: tuple[Any, ...]) -> None:
    found = read_line(line() | {"doseAndRate": {"doseRange": {"low": low, "high": high}}})
    assert (found.low, found.high, found.unit) == expected


@pytest.mark.parametrize(
    "element",
    [
        {"asNeededBoolean": True},
        {"asNeeded": True},
        {"asNeededCodeableConcept": {"text": "pain"}},
        {"asNeededFor": [{"text": "pain"}]},
    ],
)
def test_as_needed_is_seen_in_every_version(element: Json) -> None:
    assert read_line(line() | element).as_needed
    assert not read_line(line() | {"asNeededBoolean": False}).as_needed


def test_the_bounds_of_a_line_are_its_first_and_last_day() -> None:
    found = read_line(line(2, frequency=2, period=1, periodUnit="d", boundsPeriod={"start": "2026-01-01", "end": "2026-02"}))
    assert found.start == When.on(date(2026, 1, 1))
    assert found.end == When(date(2026, 2, 1), date(2026, 2, 28))


@pytest.mark.parametrize(
    ("duration", "last"),
    [
        ({"value": 28, "code": "d"}, date(2026, 1, 28)),
        ({"value": 4, "unit": "wk"}, date(2026, 1, 28)),
        ({"value": 1, "code": "d"}, date(2026, 1, 1)),
        ({"value": 0, "code": "d"}, None),
        ({"value": 4, "code": "moon"}, None),
    ],
)
def test_a_duration_counts_from_the_day_the_order_was_written(duration: Json, last: date | None) -> None:
    found = read_line(line(2, frequency=1, period=1, periodUnit="d", boundsDuration=duration), authoredOn="2026-01-01")
    assert found.end == (None if last is None else When.on(last))


def test_a_duration_without_any_first_day_has_no_end() -> None:
    found = read_line(line(2, frequency=1, period=1, periodUnit="d", boundsDuration={"value": 28, "code": "d"}), authoredOn=None)
    assert (found.start, found.end) == (None, None)


def test_older_versions_put_the_dose_elsewhere() -> None:
    timing = {"timing": {"repeat": {"frequency": 2, "period": 1, "periodUnits": "d"}}}
    stu3 = read_line({"doseQuantity": {"value": 2, "unit": "mg"}, **timing})
    (dstu2,) = only_use(statement(dosage={"quantityQuantity": {"value": 2, "unit": "mg"}, **timing})).lines
    (ranged,) = only_use(
        statement(dosage={"quantityRange": {"low": {"value": 1, "unit": "mg"}, "high": {"value": 2, "unit": "mg"}}, **timing})
    ).lines
    assert stu3 == dstu2 == DoseLine(F(2), F(2), DoseUnit.MG, F(2))
    assert (ranged.low, ranged.high) == (F(1), F(2))


class TestWords:
    @pytest.mark.parametrize(
        ("text", "low", "high", "unit", "times"),
        [
            ("2 mg twice daily", F(2), F(2), DoseUnit.MG, F(2)),
            ("1 capsule every 12 hours", F(1), F(1), DoseUnit.PIECE, F(2)),
            ("Take 2 capsule(s) twice daily", F(2), F(2), DoseUnit.PIECE, F(2)),
            ("one tablet at bedtime", F(1), F(1), DoseUnit.PIECE, F(1)),
            ("half tablet od", F(1, 2), F(1, 2), DoseUnit.PIECE, F(1)),
            ("1-2 tablets b.i.d.", F(1), F(2), DoseUnit.PIECE, F(2)),
            ("0,5 mg morning and evening", F(1, 2), F(1, 2), DoseUnit.MG, F(2)),
            ("500 µg q 8 h", F(1, 2), F(1, 2), DoseUnit.MG, F(3)),
            ("2 x 0.5 mg capsules 12-hourly", F(1), F(1), DoseUnit.MG, F(2)),
            ("2 capsules (1 mg each) BID", F(2), F(2), DoseUnit.PIECE, F(2)),
            ("0.05 mg/kg twice daily", F(1, 20), F(1, 20), DoseUnit.MG_PER_KG, F(2)),
            ("4 mg/day", F(4), F(4), DoseUnit.MG_PER_DAY, None),
            ("4 mg per day", F(4), F(4), DoseUnit.MG, F(1)),
            ("5 mg once a week", F(5), F(5), DoseUnit.MG, F(1, 7)),
            ("10 mg every other day", F(10), F(10), DoseUnit.MG, F(1, 2)),
            ("20 mg three times a day", F(20), F(20), DoseUnit.MG, F(3)),
            ("20 mg 4 x daily", F(20), F(20), DoseUnit.MG, F(4)),
            ("20 mg weekly", F(20), F(20), DoseUnit.MG, F(1, 7)),
            ("2 mg", F(2), F(2), DoseUnit.MG, None),
        ],
    )
    def test_a_plain_instruction_is_read_at_low_confidence(
        self, text: str, low: Fraction, high: Fraction, unit: DoseUnit, times: Fraction | None
    ) -> None:
        found = read_line({"text": text})
        assert (found.low, found.high, found.unit, found.times_per_day, found.certain) == (low, high, unit, times, False)

    def test_a_larger_dose_in_the_morning_is_two_lines(self) -> None:
        lines = only_use(order(dosageInstruction=[{"text": "2 mg in the morning and 1 mg in the evening"}])).lines
        assert [(found.low, found.times_per_day) for found in lines] == [(F(2), F(1)), (F(1), F(1))]

    @pytest.mark.parametrize(
        "text",
        [
            "60 mg daily for 4 weeks then 50 mg",
            "60 mg daily, then 50 mg",
            "take as directed",
            "tablets 1 mg: take 2 capsules",
            "5-2 mg daily",
        ],
    )
    def test_a_schedule_or_an_unclear_instruction_is_not_guessed(self, text: str) -> None:
        found = read_line({"text": text})
        assert (found.low, found.unit) == (None, None)

    @pytest.mark.parametrize("text", ["twice daily and three times daily", "every 0 hours", "0 times daily", "", "twice", "now"])
    def test_an_unclear_frequency_is_not_guessed(self, text: str) -> None:
        assert frequency(text) is None

    def test_as_needed_in_words_is_seen(self) -> None:
        assert read_line({"text": "1 tablet twice daily as needed"}).as_needed
        assert read_line({"text": "1 tablet BID prn"}).as_needed

    def test_words_fill_only_what_the_structure_leaves_open(self) -> None:
        dose = {"doseAndRate": [{"doseQuantity": {"value": 2, "unit": "mg"}}]}
        often = {"timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}}
        assert read_line({"text": "9 mg four times daily", **dose, **often}) == DoseLine(F(2), F(2), DoseUnit.MG, F(2))
        filled = DoseLine(F(2), F(2), DoseUnit.MG, F(2), certain=False)
        assert read_line({"text": "2 mg twice daily", **dose}) == filled
        assert read_line({"text": "2 mg four times daily", **often}) == filled
        assert read_line({"text": "twice daily"}) == DoseLine(times_per_day=F(2), certain=False)

    def test_only_the_beginning_of_a_long_text_is_read(self) -> None:
        assert told("x" * 400 + " 2 mg daily") == ()


def test_a_dose_that_comes_as_text_digits_is_exact() -> None:
    assert read_line(line("0.1")).low == F(Decimal("0.1"))


def test_the_dosage_of_a_medicine_outside_the_table_is_not_read() -> None:
    use = only_use(order(medicationCodeableConcept={"text": "amlodipine 5 mg"}))
    assert (use.drug.ingredient, use.lines, use.asserted) == (None, (), When.on(date(2025, 8, 1)))
