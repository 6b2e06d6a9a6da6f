"""From a dosage line to mg a day, exact."""

from collections.abc import Sequence
from fractions import Fraction

from msgspec import Struct

from cds_service.patient.facts import DoseLine, DoseUnit, Drug


class DailyDose(Struct, frozen=True, gc=False):
    """mg a day, from ``low`` to ``high`` (equal unless a range was ordered); ``certain`` is False where a text was read."""

    low: Fraction
    high: Fraction
    certain: bool = True

    @property
    def exact(self) -> Fraction | None:
        """The dose where it is one number."""
        return self.low if self.low == self.high else None

    def times(self, factor: Fraction) -> "DailyDose":
        """The same dose on another scale."""
        if factor == 1:
            return self
        low = self.low * factor
        return DailyDose(low, low if self.high == self.low else self.high * factor, self.certain)


def _each(line: DoseLine, drug: Drug, weight: Fraction | None) -> Fraction | None:
    """What turns the number of a line into mg at one time; None when something it needs is not known, or it counts by the day."""
    match line.unit:
        case DoseUnit.MG:
            return Fraction(1)
        case DoseUnit.PIECE | DoseUnit.ML:
            return drug.strength
        case DoseUnit.MG_PER_KG:
            return weight
        case _:
            return None


def _by_the_day(line: DoseLine, drug: Drug, weight: Fraction | None) -> Fraction | None:
    """What turns the number of the line into mg a day; None when something it needs is not known."""
    match line.unit:
        case DoseUnit.MG_PER_DAY:
            return Fraction(1)
        case DoseUnit.MG_PER_KG_PER_DAY:
            return weight
        case _:
            each = _each(line, drug, weight)
            return None if each is None or line.times_per_day is None else each * line.times_per_day


def _times(line: DoseLine, drug: Drug, factor: Fraction | None) -> DailyDose | None:
    if line.as_needed or line.low is None or line.high is None:
        return None
    certain = line.certain and drug.certain
    if line.low == line.high == 0:  # nothing at all, however often and of whatever
        return DailyDose(Fraction(), Fraction(), certain)
    return None if factor is None else DailyDose(line.low, line.high, certain).times(factor)


def daily_of_line(line: DoseLine, drug: Drug, weight: Fraction | None) -> DailyDose | None:
    """The mg a day of one line; None when amount, unit, frequency, strength or weight is missing, or it is taken as needed."""
    return _times(line, drug, _by_the_day(line, drug, weight))


def at_once(line: DoseLine, drug: Drug, weight: Fraction | None) -> DailyDose | None:
    """The mg of one giving; None when amount, unit, strength or weight is missing."""
    return _times(line, drug, _each(line, drug, weight))


def total(doses: Sequence[DailyDose | None]) -> DailyDose | None:
    """Concurrent doses added up; None when one of them is not known, or when there are none."""
    if len(doses) == 1:
        return doses[0]
    known = [dose for dose in doses if dose is not None]
    if not known or len(known) < len(doses):
        return None
    return DailyDose(
        sum((dose.low for dose in known), Fraction()),
        sum((dose.high for dose in known), Fraction()),
        all(dose.certain for dose in known),
    )


def withheld(lines: Sequence[DoseLine]) -> bool:
    """Whether a dosage says to give nothing: a dose of 0 in every line, as some systems write a hold."""
    return bool(lines) and all(line.low == line.high == 0 for line in lines)


def rounded_down(amount: Fraction, step: Fraction) -> Fraction:
    """The largest multiple of ``step`` that is not above ``amount``; doses are never rounded up across a bound."""
    return amount // step * step


def split_in_two(daily: Fraction, step: Fraction) -> tuple[Fraction, Fraction]:
    """A daily dose in two doses that are multiples of ``step``, the larger in the morning."""
    evening = rounded_down(daily / 2, step)
    return daily - evening, evening
