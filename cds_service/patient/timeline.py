"""What was taken when: everything the record tells of one medicine laid on one line of days.

Statements and orders tell the dose. Where they tell none, the doses that were given do, and then what was handed over, unless the
medicine had been stopped or put on hold and the supply is an older one.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from cds_service.patient.bounds import TAKEN, first_day, last_day
from cds_service.patient.doses import DailyDose
from cds_service.patient.facts import DoseLine, Use, UseKind, UseStatus
from cds_service.patient.spans import Span, Told, told
from cds_service.patient.supplies import Scale, Weight, dose_of, given, supply_spans
from cds_service.patient.when import days_between, shift


class Confidence(StrEnum):
    """How far the dose of a stretch can be relied on."""

    HIGH = "high"  # numbers of a statement, an order or a giving
    MEDIUM = "medium"  # reckoned from what was handed over, or bridged over a short gap
    LOW = "low"  # read from words
    NONE = "none"  # not known


class Segment(Struct, frozen=True):
    """Days ``start`` to ``end``, both included, on one daily dose of the reference product.

    ``dose`` is mg a day, 0 for days without use, None when it is not one number that is known; ``between`` has both ends of a
    range. ``certain`` is False where a text was read. ``references`` are the resources that tell of these days, ``kinds`` their
    kinds; both are empty for a pause.
    """

    start: date
    end: date
    dose: Fraction | None
    references: tuple[str, ...] = ()
    certain: bool = True
    kinds: tuple[UseKind, ...] = ()
    between: tuple[Fraction, Fraction] | None = None

    @property
    def days(self) -> int:
        """How many days the segment has."""
        return days_between(self.start, self.end) + 1

    @property
    def confidence(self) -> Confidence:
        """How far the dose can be relied on."""
        if self.dose is None and self.between is None:
            return Confidence.NONE
        if not self.certain:
            return Confidence.LOW
        return Confidence.MEDIUM if UseKind.DISPENSE in self.kinds else Confidence.HIGH


def timeline(uses: Iterable[Use], *, until: date, gap_days: int, weight: Weight, scale: Scale) -> tuple[Segment, ...]:
    """The daily dose day by day, oldest first, up to ``until`` (included); gaps up to ``gap_days`` keep the dose before them.

    A partial date counts for all the days it can mean.
    """
    every = list(dict.fromkeys(uses))
    dispenses = [use for use in every if use.kind is UseKind.DISPENSE]
    administrations = [use for use in every if use.kind is UseKind.ADMINISTRATION]
    written = told(_written(every, until, weight=weight, scale=scale), gap_days)
    supplied = told(supply_spans(dispenses, until, weight=weight, scale=scale), gap_days)
    taken = given(administrations, until, weight=weight, scale=scale)
    return _joined(_chosen(written, taken, supplied), gap_days)


def _written(uses: Iterable[Use], until: date, *, weight: Weight, scale: Scale) -> list[Span]:
    """The dosage lines of statements and orders on their days."""
    found: list[Span] = []
    for use in uses:
        if use.kind not in {UseKind.STATEMENT, UseKind.ORDER} or use.status not in TAKEN or use.forbids:
            continue
        moments = {line.moment for line in use.lines}
        moment = moments.pop() if len(moments) == 1 else None
        for line in use.lines or (DoseLine(),):
            days = _days(use, line, until)
            if days is not None:
                dose = dose_of(use, (line,), days, weight=weight, scale=scale)
                endless = use.status is UseStatus.ACTIVE and line.end is None and last_day(use) is None
                found.append(Span(use, *days, dose, moment, dosed=bool(use.lines), open=endless))
    return found


def _days(use: Use, line: DoseLine, until: date) -> tuple[date, date] | None:
    start, ends = first_day(use, line), (line.end.latest if line.end else None, last_day(use), until)
    end = min(day for day in ends if day is not None)
    return None if start is None or end < start else (start, end)


# --- which source tells


def _chosen(written: Sequence[Told], taken: Sequence[Told], supplied: Sequence[Told]) -> Iterator[Told]:
    """Every day's dose by the source that tells it."""
    sources = (written, taken, supplied)
    edges = sorted({day for source in sources for item in source for day in (item.start, shift(item.end, 1))})
    at = [0, 0, 0]
    ended: date | None = None
    for start, after in pairwise(edges):
        now: list[Told | None] = []
        for number, source in enumerate(sources):
            while at[number] < len(source) and source[at[number]].end < start:
                at[number] += 1
            covers = at[number] < len(source) and source[at[number]].start <= start
            now.append(source[at[number]] if covers else None)
        order, giving, supply = now
        if supply is not None and order is None and ended is not None and _older(supply, ended):
            supply = None
        best = _best(order, giving, supply)
        if best is not None:
            yield Told(start, shift(after, -1), best.dose, best.uses)
        if order is not None:
            ended = order.end if order.broken_off else None


def _best(order: Told | None, giving: Told | None, supply: Told | None) -> Told | None:
    """What tells the dose of a day: what is written, unless it is unknown or nothing while something was given or supplied."""
    if order is not None and order.dose is not None and (order.dose.high > 0 or giving is None):
        return order
    known = [item for item in (giving, supply) if item is not None and item.dose is not None]
    return next(iter(known), None) or order or giving or supply


def _older(supply: Told, ended: date) -> bool:
    """Whether a supply was handed over before the medicine was stopped or put on hold: its rest was not taken."""
    return all(use.start is None or use.start.latest <= ended for use in supply.uses)


# --- one line


class _Growing:
    """A segment that is still being lengthened."""

    def __init__(self, item: Told) -> None:
        self.start, self.end, self.dose = item.start, item.end, item.dose
        self.sources: dict[str, UseKind] = {}
        self.certain = True
        self.add(item)

    def add(self, item: Told) -> None:
        """More days on the same dose."""
        self.end = item.end
        self.certain = self.certain and (item.dose.certain if item.dose else not item.uses)
        self.sources.update((use.reference, use.kind) for use in item.uses)

    def segment(self) -> Segment:
        """The segment as it has become."""
        dose = self.dose
        between = None if dose is None or dose.exact is not None else (dose.low, dose.high)
        kinds = tuple(dict.fromkeys(self.sources.values()))
        return Segment(self.start, self.end, dose.exact if dose else None, tuple(self.sources), self.certain, kinds, between)


NOTHING = DailyDose(Fraction(), Fraction())


def _joined(items: Iterable[Told], gap_days: int) -> tuple[Segment, ...]:
    """Neighbours on the same dose become one; gaps up to ``gap_days`` keep the dose before them, longer ones are dose 0."""
    line: list[_Growing] = []
    for item in items:
        if line and (gap := days_between(line[-1].end, item.start) - 1) > 0:
            dose = line[-1].dose if gap <= gap_days else NOTHING
            _append(line, Told(shift(line[-1].end, 1), shift(item.start, -1), dose, ()))
        _append(line, item)
    return tuple(growing.segment() for growing in line)


def _append(line: list[_Growing], item: Told) -> None:
    """Put days at the end of a line, or lengthen its last segment where the dose is the same."""
    if line and _amount(line[-1].dose) == _amount(item.dose):
        line[-1].add(item)
    else:
        line.append(_Growing(item))


def _amount(dose: DailyDose | None) -> tuple[Fraction, Fraction] | None:
    return (dose.low, dose.high) if dose else None


def cut(line: Iterable[Segment], last: date) -> tuple[Segment, ...]:
    """The timeline up to and including a day."""
    return tuple(item if item.end <= last else replace(item, end=last) for item in line if item.start <= last)


def days_on(line: Iterable[Segment], first: date, last: date) -> int:
    """How many days of ``first`` to ``last`` (both included) had any dose, a dose that is not known included."""
    return sum(
        max(0, days_between(max(item.start, first), min(item.end, last)) + 1)
        for item in line
        if item.dose is None or item.dose > 0
    )
