"""What was taken when: the uses of one medicine laid on one line of days."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise

from msgspec import Struct

from cds_service.patient.doses import DailyDose, daily_of_line, total
from cds_service.patient.facts import DoseLine, DoseUnit, Use, UseKind, UseStatus
from cds_service.patient.when import When, days_between, shift

TAKEN = frozenset({UseStatus.ACTIVE, UseStatus.STOPPED, UseStatus.COMPLETED, UseStatus.ON_HOLD, UseStatus.UNKNOWN})
"""The statuses under which a statement or an order tells that the medicine was taken."""

PER_KG = frozenset({DoseUnit.MG_PER_KG, DoseUnit.MG_PER_KG_PER_DAY})
"""The units that need a body weight."""

Weight = Callable[[date], Fraction | None]
"""The body weight in kg to reckon with on a day, None when there is none fresh enough."""

Scale = Callable[[Use], Fraction]
"""What turns mg of a use's product into mg of the reference product (immediate-release tacrolimus)."""


class Segment(Struct, frozen=True):
    """Days ``start`` to ``end``, both included, on one daily dose of the reference product.

    ``dose`` is mg a day, 0 for days without use, None when it is not known. ``certain`` is False where a text was read.
    """

    start: date
    end: date
    dose: Fraction | None
    references: tuple[str, ...] = ()
    certain: bool = True

    @property
    def days(self) -> int:
        """How many days the segment has."""
        return days_between(self.start, self.end) + 1


class _Span(Struct, frozen=True):
    """One dosage line (the ``line``-th) of one use, on the days it holds."""

    use: Use
    line: int
    start: date
    end: date
    dose: DailyDose | None


def end_of(when: When | None, *, late: bool) -> date | None:
    """The latest or the earliest day a partial date can mean."""
    if when is None:
        return None
    return when.latest if late else when.earliest


def last_day(use: Use, *, late: bool) -> date | None:
    """The last day of a use as the resource itself gives it: the recorded day of a stop or hold, else its end."""
    broken_off = use.status in {UseStatus.STOPPED, UseStatus.ON_HOLD}
    return end_of(use.stopped_on or use.end if broken_off else use.end or use.stopped_on, late=late)


def first_day(use: Use, line: DoseLine | None = None, *, late: bool = False) -> date | None:
    """The first day of a use (or of one line of it); a written order without a start counts from the day it was written."""
    start = (line.start if line else None) or use.start or (use.asserted if use.kind is UseKind.ORDER else None)
    return end_of(start, late=late)


def _span(use: Use, number: int, line: DoseLine, until: date, *, late: bool) -> _Span | None:
    start, latest = first_day(use, line), first_day(use, line, late=late)
    end = min(day for day in (end_of(line.end, late=late), last_day(use, late=late), until) if day is not None)
    if start is None or latest is None or end < start:
        return None
    return _Span(use, number, min(latest, end), end, None)


def _spans(uses: Iterable[Use], until: date, *, late: bool, weight: Weight, scale: Scale) -> list[_Span]:
    found: list[_Span] = []
    for use in uses:
        if use.kind not in {UseKind.STATEMENT, UseKind.ORDER} or use.status not in TAKEN or use.forbids:
            continue
        factor = scale(use)
        for number, line in enumerate(use.lines or (DoseLine(),)):
            span = _span(use, number, line, until, late=late)
            if span is None:
                continue
            kg = weight(span.start) if line.unit in PER_KG else None
            dose = daily_of_line(line, use.drug, kg)
            if dose is not None:
                dose = DailyDose(dose.low * factor, dose.high * factor, dose.certain)
            found.append(_Span(use, number, span.start, span.end, dose))
    return found


def _in_force(covering: Sequence[_Span]) -> tuple[_Span, ...]:
    """Of the spans of one day those that tell the dose.

    A later start supersedes an earlier one: a renewal, or a change of dose whose older order was never ended. Of what began
    together, statements tell before orders; two strengths or two lines add up; the same line told by two resources is one.
    """
    newest = max(span.start for span in covering)
    together = [span for span in covering if days_between(span.start, newest) <= 1]
    known = [span for span in together if span.dose is not None] or together
    stated = [span for span in known if span.use.kind is UseKind.STATEMENT] or known
    certain_last = sorted(stated, key=lambda span: span.dose is not None and span.dose.certain)
    return tuple({_told(span): span for span in certain_last}.values())


def _told(span: _Span) -> tuple[object, ...]:
    """What makes two spans of one day the same line told twice: a dose read from a text is the dose that a number tells."""
    amount = (span.dose.low, span.dose.high) if span.dose else None
    return span.use.drug.strength, span.use.drug.formulation, span.line, amount


def _segment(start: date, end: date, covering: Sequence[_Span]) -> Segment:
    chosen = _in_force(covering)
    dose = total([span.dose for span in chosen])
    references = tuple(dict.fromkeys(span.use.reference for span in covering))
    return Segment(start, end, dose.exact if dose else None, references, dose.certain if dose else False)


def _joined(segments: Sequence[Segment], gap_days: int) -> list[Segment]:
    """Neighbours on the same dose become one; gaps up to ``gap_days`` keep the dose before them, longer ones are dose 0."""
    line: list[Segment] = []
    for segment in segments:
        gap = days_between(line[-1].end, segment.start) - 1 if line else 0
        if gap > 0:
            before, last = line[-1], shift(segment.start, -1)
            bridged = gap <= gap_days
            _append(line, Segment(shift(before.end, 1), last, before.dose if bridged else Fraction(), (), before.certain))
        _append(line, segment)
    return line


def _append(line: list[Segment], segment: Segment) -> None:
    """Put a segment at the end of a line, or lengthen the last one where the dose is the same."""
    if line and line[-1].dose == segment.dose:
        before = line.pop()
        references = tuple(dict.fromkeys(before.references + segment.references))
        segment = Segment(before.start, segment.end, segment.dose, references, before.certain and segment.certain)
    line.append(segment)


def timeline(uses: Iterable[Use], *, until: date, late: bool, gap_days: int, weight: Weight, scale: Scale) -> tuple[Segment, ...]:
    """The daily dose day by day from statements and orders, oldest first, up to ``until`` (included).

    ``late`` reads a partial date as its latest day (a start not after the end), else as its earliest. Days are told by the newest
    use that covers them.
    """
    spans = _spans(uses, until, late=late, weight=weight, scale=scale)
    edges = sorted({span.start for span in spans} | {shift(span.end, 1) for span in spans})
    pieces: list[Segment] = []
    for start, after in pairwise(edges):
        covering = [span for span in spans if span.start <= start <= span.end]
        if covering:
            pieces.append(_segment(start, shift(after, -1), covering))
    return tuple(_joined(pieces, gap_days))


def cut(line: Iterable[Segment], last: date) -> tuple[Segment, ...]:
    """The timeline up to and including a day."""
    return tuple(
        Segment(item.start, min(item.end, last), item.dose, item.references, item.certain) for item in line if item.start <= last
    )


def days_on(line: Iterable[Segment], first: date, last: date) -> int:
    """How many days of ``first`` to ``last`` (both included) had any dose, a dose that is not known included."""
    return sum(
        max(0, days_between(max(item.start, first), min(item.end, last)) + 1)
        for item in line
        if item.dose is None or item.dose > 0
    )


def supplied_until(dispenses: Iterable[Use]) -> date | None:
    """The last day covered by what was handed over, each supply used up before the next is begun; None without dispenses.

    A supply that the record holds twice was handed over once.
    """
    until: date | None = None
    handed = {(use.start.earliest, int(use.supply_days), use.reference) for use in dispenses if use.start and use.supply_days}
    for start, days, _ in sorted(handed):
        begins = start if until is None else max(start, shift(until, 1))
        until = shift(begins, days - 1)
    return until
