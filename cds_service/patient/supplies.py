"""What was handed over, and what was given: for how long a supply lasts, and what dose it or a giving tells."""

from collections.abc import Callable, Iterable
from datetime import date
from fractions import Fraction

from msgspec import Struct

from cds_service.patient.doses import DailyDose, at_once, daily_of_line, total
from cds_service.patient.facts import DoseLine, DoseUnit, Use
from cds_service.patient.spans import Span, Told
from cds_service.patient.when import days_between, shift

PER_KG = frozenset({DoseUnit.MG_PER_KG, DoseUnit.MG_PER_KG_PER_DAY})
"""The units that need a body weight."""

Weight = Callable[[date], Fraction | None]
"""The body weight in kg to reckon with on a day, None when there is none fresh enough."""

Scale = Callable[[Use], Fraction | None]
"""What turns mg of a use's product into mg of the reference product; None where the two cannot be compared."""


LONGEST_GIVING = 31
"""Days of one continuous giving at most."""


class Supply(Struct, frozen=True):
    """A supply on the days it is used, after what was left of the one before."""

    use: Use
    start: date
    end: date


def supplies(dispenses: Iterable[Use]) -> list[Supply]:
    """Each supply on the days it lasts, in the order of handing over.

    What is left of a product is used up before its next supply is begun; two products (strengths) are used at the same time. A
    supply that the record holds twice was handed over once.
    """
    handed: dict[tuple[date, int, str], Use] = {}
    for use in dispenses:
        day = use.start.earliest if use.start else None
        if day is not None and use.supply_days and int(use.supply_days) > 0:
            handed[day, int(use.supply_days), use.reference] = use
    until: dict[tuple[str | None, Fraction | None], date] = {}
    found: list[Supply] = []
    for (day, days, _), use in sorted(handed.items(), key=lambda item: item[0]):
        product = use.drug.formulation, use.drug.strength
        left = until.get(product)
        begins = day if left is None else max(day, shift(left, 1))
        until[product] = shift(begins, days - 1)
        found.append(Supply(use, begins, until[product]))
    return found


def supplied_until(dispenses: Iterable[Use]) -> date | None:
    """The last day covered by what was handed over; None without a supply of known length."""
    return max((supply.end for supply in supplies(dispenses)), default=None)


def dose_of(use: Use, lines: Iterable[DoseLine], days: tuple[date, date], *, weight: Weight, scale: Scale) -> DailyDose | None:
    """What these lines of a use come to in a day (mg of the reference product); a supply without a dosage by amount and length.

    A dose by weight takes the weight of the first of its ``days``, where there is none that of the last.
    """
    factor, (first, last) = scale(use), days
    doses = [daily_of_line(line, use.drug, weight(first) or weight(last) if line.unit in PER_KG else None) for line in lines]
    told = total(doses)
    if told is None and use.supply_mg and use.supply_days:
        told = DailyDose(use.supply_mg / use.supply_days, use.supply_mg / use.supply_days)
    return None if told is None or factor is None else told.times(factor)


def supply_spans(dispenses: Iterable[Use], until: date, *, weight: Weight, scale: Scale) -> list[Span]:
    """The supplies as lines on their days."""
    return [
        Span(
            item.use,
            item.start,
            min(item.end, until),
            dose_of(item.use, item.use.lines, (item.start, item.end), weight=weight, scale=scale),
        )
        for item in supplies(dispenses)
        if item.start <= until
    ]


def given(administrations: Iterable[Use], until: date, *, weight: Weight, scale: Scale) -> list[Told]:
    """The dose of every day on which something was given: all of that day added up."""
    days: dict[date, list[tuple[Use, DailyDose | None]]] = {}
    for use in administrations:
        if use.start is None:
            continue
        first, last = use.start.earliest, (use.end or use.start).earliest
        length = min(max(days_between(first, last), 0) + 1, LONGEST_GIVING)
        each = _at_once(use, first, weight=weight, scale=scale)
        share = None if each is None else each.times(Fraction(1, length))
        for number in range(length):
            days.setdefault(shift(first, number), []).append((use, share))
    return [
        Told(day, day, total([dose for _, dose in doses]), tuple(use for use, _ in doses))
        for day, doses in sorted(days.items())
        if day <= until
    ]


def _at_once(use: Use, day: date, *, weight: Weight, scale: Scale) -> DailyDose | None:
    factor = scale(use)
    told = total([at_once(line, use.drug, weight(day) if line.unit in PER_KG else None) for line in use.lines])
    return None if told is None or factor is None else told.times(factor)
