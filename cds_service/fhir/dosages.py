"""Dosage lines: how much, how often, from when to when."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from cds_service.fhir.concepts import codings, texts
from cds_service.fhir.dates import end_of, start_of
from cds_service.fhir.instructions import Told, frequency, moment_of, told
from cds_service.fhir.numbers import amount
from cds_service.fhir.wire import Amount, Dosage, Range, Repeat, Timing, many
from cds_service.knowledge.valuesets.tables import REMEMBERED
from cds_service.patient.facts import DoseLine, DoseUnit, Moment
from cds_service.patient.units import dose_unit
from cds_service.patient.when import When, shift

_DAYS = {
    "s": Fraction(1, 86400),
    "min": Fraction(1, 1440),
    "h": Fraction(1, 24),
    "d": Fraction(1),
    "wk": Fraction(7),
    "mo": Fraction(30),
    "a": Fraction(365),
}
"""Days in a unit of time (UCUM); a month counts 30."""

_A_DAY = {
    "QD": Fraction(1), "DAILY": Fraction(1), "Q24H": Fraction(1), "AM": Fraction(1), "PM": Fraction(1), "QAM": Fraction(1),
    "QPM": Fraction(1), "BED": Fraction(1), "QHS": Fraction(1), "HS": Fraction(1), "BID": Fraction(2), "Q12H": Fraction(2),
    "TID": Fraction(3), "Q8H": Fraction(3), "QID": Fraction(4), "Q6H": Fraction(4), "Q4H": Fraction(6), "Q3H": Fraction(8),
    "Q2H": Fraction(12), "Q1H": Fraction(24), "QOD": Fraction(1, 2), "Q48H": Fraction(1, 2), "WK": Fraction(1, 7),
    "MO": Fraction(1, 30),
}  # fmt: skip
"""Times a day by the code of a timing (HL7 GTSAbbreviation, and the abbreviations prescribers add to it)."""

_PARTS = {
    Moment.MORNING: ("AM", "QAM", "MORN", "MORN.EARLY", "MORN.LATE", "WAKE", "CM", "ACM", "PCM"),
    Moment.MIDDAY: ("NOON", "AFT", "AFT.EARLY", "AFT.LATE", "CD", "ACD", "PCD"),
    Moment.EVENING: ("PM", "QPM", "BED", "QHS", "HS", "EVE", "EVE.EARLY", "EVE.LATE", "NIGHT", "CV", "ACV", "PCV"),
}
_MOMENTS = {code: moment for moment, codes in _PARTS.items() for code in codes}
"""The part of the day by the code of a timing or an event of the day."""

_MIDDAY_HOURS = (11, 15)
"""The hours from which a time of day is no longer in the morning, and from which it is in the evening."""


def lines(dosages: Sequence[Dosage], anchor: When | None, zone: ZoneInfo) -> tuple[DoseLine, ...]:
    """The lines of a dosage; ``anchor`` is the day from which a mere duration counts (of an order the day it was written).

    Of lines that are numbered the next begins when the one before has ended, where that is known.
    """
    if len({dosage.sequence for dosage in dosages}) < 2:
        return tuple(line for dosage in dosages for line in _lines(dosage, anchor, None, zone))
    found: list[DoseLine] = []
    begins: When | None = None
    for _, together in groupby(sorted(dosages, key=_number), key=_number):
        step = [line for dosage in together for line in _lines(dosage, begins or anchor, begins, zone)]
        ends = [line.end for line in step if line.end is not None]
        begins = _day_after(max(ends, key=lambda end: end.latest)) if ends and len(ends) == len(step) else None
        found += step
    return tuple(found)


def _number(dosage: Dosage) -> Decimal:
    return dosage.sequence or Decimal()


def _day_after(when: When) -> When:
    return When(shift(when.earliest, 1), shift(when.latest, 1))


def _lines(dosage: Dosage, anchor: When | None, begins: When | None, zone: ZoneInfo) -> tuple[DoseLine, ...]:
    low, high, unit = _dose(dosage)
    times = _times(dosage.timing)
    start, end = _bounds(dosage.timing.repeat if dosage.timing else None, anchor, zone)
    start = start or begins
    as_needed = bool(dosage.as_needed_boolean or dosage.as_needed or dosage.as_needed_codeable_concept or dosage.as_needed_for)
    moment = _moment(dosage.timing)
    if moment is None and dosage.text and times in (None, 1):
        moment = moment_of(dosage.text)
    if (low is not None and times is not None) or not dosage.text:
        return (DoseLine(low, high, unit, times, start, end, as_needed, moment=moment),)
    around = DoseLine(low, high, unit, times or frequency(dosage.text), start, end, as_needed, certain=False, moment=moment)
    if low is not None:
        return (around,)
    return tuple(_worded(part, around, times) for part in told(dosage.text)) or (around,)


def _worded(part: Told, around: DoseLine, times: Fraction | None) -> DoseLine:
    """A line whose amount stands in words, with what its dosage says otherwise."""
    return replace(
        around,
        low=part.low,
        high=part.high,
        unit=part.unit,
        times_per_day=times or part.times,
        as_needed=around.as_needed or part.as_needed,
        moment=around.moment or part.moment,
    )


def _moment(timing: Timing | None) -> Moment | None:
    """The one part of the day that a timing names."""
    if timing is None:
        return None
    repeat = timing.repeat
    told = set()
    if repeat is not None and (repeat.when or repeat.time_of_day):
        told = {_MOMENTS.get(code.strip().upper()) for code in many(repeat.when)}
        told |= {_of_hour(time) for time in many(repeat.time_of_day)}
    elif timing.code is not None:
        told = {_MOMENTS.get((coding.code or "").strip().upper()) for coding in codings(timing.code)}
    return told.pop() if len(told) == 1 else None


def _of_hour(time: str) -> Moment | None:
    if not time[:2].isdecimal():
        return None
    noon, evening = _MIDDAY_HOURS
    return Moment.MORNING if int(time[:2]) < noon else Moment.MIDDAY if int(time[:2]) < evening else Moment.EVENING


def _dose(dosage: Dosage) -> tuple[Fraction | None, Fraction | None, DoseUnit | None]:
    for inner in many(dosage.dose_and_rate):
        if inner.dose_quantity is not None or inner.dose_range is not None:
            return _of_either(inner.dose_quantity, inner.dose_range)
    single = dosage.dose_quantity or dosage.quantity_quantity or dosage.dose or dosage.quantity
    return _of_either(single, dosage.dose_range or dosage.quantity_range)


def _of_either(single: Amount | None, both: Range | None) -> tuple[Fraction | None, Fraction | None, DoseUnit | None]:
    if single is not None:
        value, unit = counted(single)
        return value, value, unit
    if both is None or both.low is None or both.high is None:
        return None, None, None
    (low, unit), (high, other) = counted(both.low), counted(both.high)
    return (low, high, unit) if low is not None and high is not None and unit is other else (None, None, None)


def counted(quantity: Amount) -> tuple[Fraction | None, DoseUnit | None]:
    """Number and unit; none of the two where either is not understood."""
    if quantity.value is None or quantity.comparator:
        return None, None
    return _counted(quantity.value, quantity.code or "", quantity.unit or "")


@lru_cache(maxsize=REMEMBERED)
def _counted(told: Decimal, code: str, unit: str) -> tuple[Fraction | None, DoseUnit | None]:
    value, known = amount(told), dose_unit(code) or dose_unit(unit)
    if value == 0:
        return Fraction(), known[0] if known else None
    if value is None or known is None:
        return None, None
    return value * known[1], known[0]


def _times(timing: Timing | None) -> Fraction | None:
    """How often a day."""
    if timing is None:
        return None
    repeat = timing.repeat
    if repeat is not None:
        unit = repeat.period_unit or repeat.period_units
        single = repeat.frequency_max in (None, repeat.frequency) and repeat.period_max in (None, repeat.period)
        moments = max(len(many(repeat.when)), len(many(repeat.time_of_day)))
        if single and (repeat.frequency is not None or repeat.period is not None or moments):
            return _rate(repeat.frequency, repeat.period, unit, moments, len(many(repeat.day_of_week)))
        if not single:
            return None
    for coding in codings(timing.code):
        if coding.code and (times := _A_DAY.get(coding.code.strip().upper())):
            return times
    return next((times for text in texts(timing.code) if (times := frequency(text))), None)


@lru_cache(maxsize=REMEMBERED)
def _rate(frequency: Decimal | None, period: Decimal | None, unit: str | None, moments: int, weekdays: int) -> Fraction | None:
    """Times a day; moments of the day count each, days of the week spread over the week."""
    if unit is None and period is None and moments and not weekdays:
        return Fraction(moments)
    days, each = _DAYS.get(unit or ""), amount(period)
    if days is None or not each:
        return None
    often = max(amount(frequency) or Fraction(1), Fraction(moments))
    if not weekdays:
        return often / (each * days)
    if unit == "d":
        return often / each * weekdays / 7
    return max(often, Fraction(weekdays)) / (each * days)


def _bounds(repeat: Repeat | None, anchor: When | None, zone: ZoneInfo) -> tuple[When | None, When | None]:
    if repeat is None:
        return None, None
    start, end = start_of(repeat.bounds_period, zone), end_of(repeat.bounds_period, zone)
    lasting = repeat.bounds_duration or repeat.bounds_quantity
    first = start or anchor
    if end is None and lasting is not None and first is not None:
        days = whole_days(lasting)
        if days is not None:
            end = When(shift(first.earliest, days - 1), shift(first.latest, days - 1))
    return start, end


def whole_days(quantity: Amount) -> int | None:
    """A duration in days, at least one; None where number or unit is not understood."""
    value, unit = amount(quantity.value), _DAYS.get(quantity.code or quantity.unit or "")
    return None if not value or unit is None else max(1, round(value * unit))
