"""Laboratory results in time: the newest, the usual value, and where a value stands to its range."""

from collections.abc import Iterable
from datetime import date
from decimal import Context, Decimal
from statistics import median

from msgspec import Struct

from cds_service.patient.facts import Comparator, Lab, LabStatus, Quantity, newest_first

_FINAL = LabStatus.FINAL


def of(labs: Iterable[Lab], *analytes: str) -> tuple[Lab, ...]:
    """The results of these analytes that have a number in a known unit, newest first (latest possible day first)."""
    return newest_first(lab for lab in labs if lab.analyte in analytes and lab.quantity is not None)


def between(labs: Iterable[Lab], first: date, last: date) -> tuple[Lab, ...]:
    """Those whose day surely lies from ``first`` to ``last``, both included."""
    return tuple([lab for lab in labs if first <= lab.when.earliest and lab.when.latest <= last])


def final(labs: Iterable[Lab]) -> tuple[Lab, ...]:
    """Those that may carry a finding: not preliminary."""
    return tuple([lab for lab in labs if lab.status is _FINAL])


def value(lab: Lab) -> Decimal:
    """The number in the canonical unit; 0 where there is none (callers take results from ``of``)."""
    return lab.quantity.value if lab.quantity else Decimal()


def as_reported(lab: Lab) -> Quantity:
    """The number and unit as the laboratory gave them, else in the canonical unit; a bound as a bound."""
    shown = lab.reported or lab.quantity or Quantity(Decimal(), "")
    return Quantity(shown.value, shown.unit, lab.comparator) if lab.comparator else shown


_WIDE = Context(prec=80)  # whatever two numbers of a record make when one is divided by the other


def rounded(number: Decimal, places: int) -> Decimal:
    """The number to so many decimals, half to even, however long it is."""
    return number.quantize(Decimal(1).scaleb(-places), context=_WIDE)


def decides(lab: Lab, limit: Decimal | None) -> bool:
    """Whether a value that is not surely above the limit surely is not: a lower bound never tells, an upper one if low enough."""
    if lab.comparator in {Comparator.GREATER, Comparator.AT_LEAST}:
        return False
    return lab.comparator is None or limit is None or value(lab) <= limit


def unreadable(labs: Iterable[Lab], *analytes: str) -> tuple[Lab, ...]:
    """The results of these analytes whose number or unit cannot be read: they tell nothing, and must not pass for none."""
    return tuple(lab for lab in labs if lab.analyte in analytes and lab.quantity is None and lab.concept is None)


def surely_above(lab: Lab, limit: Decimal) -> bool:
    """Whether the true value is above the limit, whatever a ``<`` or ``>`` leaves open."""
    if lab.comparator in {Comparator.LESS, Comparator.AT_MOST}:
        return False
    if lab.comparator is Comparator.GREATER:
        return value(lab) >= limit
    return value(lab) > limit


def surely_at_least(lab: Lab, limit: Decimal) -> bool:
    """Whether the true value is the limit or above."""
    return lab.comparator not in {Comparator.LESS, Comparator.AT_MOST} and value(lab) >= limit


def surely_below(lab: Lab, limit: Decimal) -> bool:
    """Whether the true value is below the limit."""
    if lab.comparator in {Comparator.GREATER, Comparator.AT_LEAST}:
        return False
    if lab.comparator is Comparator.LESS:
        return value(lab) <= limit
    return value(lab) < limit


class Baseline(Struct, frozen=True):
    """A person's own usual value before the taper; ``fallback`` where only the lowest of a longer time was to be had."""

    value: Decimal
    fallback: bool = False


def baseline(labs: Iterable[Lab], before: date, *, window: tuple[date, date]) -> Baseline | None:
    """The median of the window's final values before a day, else the lowest of the longer time, else None.

    ``window`` is (first day of the short window, first day of the long one).
    """
    short, long = window
    usable = [lab for lab in final(labs) if lab.when.latest < before]
    recent = [value(lab) for lab in usable if lab.when.earliest >= short]
    if recent:
        return Baseline(Decimal(median(recent)))
    older = [value(lab) for lab in usable if lab.when.earliest >= long]
    return Baseline(min(older), fallback=True) if older else None
