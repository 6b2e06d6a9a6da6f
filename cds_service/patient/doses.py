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


def _factor(line: DoseLine, drug: Drug, weight: Fraction | None) -> Fraction | None:
    """What turns the number of the line into mg a day; None when something it needs is not known."""
    per_day = line.times_per_day
    match line.unit:
        case DoseUnit.MG:
            return per_day
        case DoseUnit.MG_PER_DAY:
            return Fraction(1)
        case DoseUnit.PIECE | DoseUnit.ML:
            return None if per_day is None or drug.strength is None else per_day * drug.strength
        case DoseUnit.MG_PER_KG:
            return None if per_day is None or weight is None else per_day * weight
        case DoseUnit.MG_PER_KG_PER_DAY:
            return weight
        case _:
            return None


def daily_of_line(line: DoseLine, drug: Drug, weight: Fraction | None) -> DailyDose | None:
    """The mg a day of one line; None when amount, unit, frequency, strength or weight is missing, or it is taken as needed."""
    factor = _factor(line, drug, weight)
    if line.as_needed or factor is None or line.low is None or line.high is None:
        return None
    return DailyDose(line.low * factor, line.high * factor, line.certain and drug.certain)


def total(doses: Sequence[DailyDose | None]) -> DailyDose | None:
    """Concurrent doses added up; None when one of them is not known, or when there are none."""
    known = [dose for dose in doses if dose is not None]
    if not known or len(known) < len(doses):
        return None
    return DailyDose(
        sum((dose.low for dose in known), Fraction()),
        sum((dose.high for dose in known), Fraction()),
        all(dose.certain for dose in known),
    )


def rounded_down(amount: Fraction, step: Fraction) -> Fraction:
    """The largest multiple of ``step`` that is not above ``amount``; doses are never rounded up across a bound."""
    return amount // step * step


def split_in_two(daily: Fraction, step: Fraction) -> tuple[Fraction, Fraction]:
    """A daily dose in two doses that are multiples of ``step``, the larger in the morning."""
    evening = rounded_down(daily / 2, step)
    return daily - evening, evening
