"""Dosage lines on their days: which of them tell the dose of a day, and which were overtaken.

Lines of one lane (same kind of resource, product and part of the day) follow each other: the one begun last tells. Lines of
different lanes run beside each other where they were begun together, belong to different parts of the day, or were renewed in
turn; else the lane begun last tells. The cost grows with the number of lines (times its logarithm), however many there are at
once.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from fractions import Fraction
from itertools import groupby, pairwise

from msgspec import Struct

from cds_service.patient.bounds import BROKEN_OFF
from cds_service.patient.doses import DailyDose, total
from cds_service.patient.facts import Moment, Use, UseKind
from cds_service.patient.when import days_between, shift

MOST_LANES = 24
"""With more products and parts of the day than anybody takes, the lines are no longer told apart by them."""

MOST_AT_ONCE = 48
"""More lines begun on one day than anybody takes tell no dose."""

TOGETHER_DAYS = 1
"""How far apart lines of different products may be begun to be parts of one dose."""


class Span(Struct, frozen=True):
    """One dosage line of one use on the days it holds.

    ``dose`` is mg a day of the reference product, None where it is not known. ``dosed`` is False where the use has no dosage at
    all. ``open`` tells that nothing says when the line ends.
    """

    use: Use
    start: date
    end: date
    dose: DailyDose | None
    moment: Moment | None = None
    dosed: bool = True
    open: bool = False


class Told(Struct, frozen=True):
    """What the lines of some days tell: the dose, from which uses. ``broken_off`` says that a use was ended on the last day."""

    start: date
    end: date
    dose: DailyDose | None
    uses: tuple[Use, ...]
    broken_off: bool = False


class _Stretch(Struct, frozen=True):
    """Days of one lane with the lines that tell there; begun on a day, in a series of renewals from ``first`` to ``last``."""

    lane: "_Lane"
    start: date
    end: date
    begun: date
    first: date
    last: date
    spans: tuple[Span, ...]


class _Lane(Struct, frozen=True):
    """What lines of one series have in common."""

    kind: UseKind
    formulation: str | None = None
    strength: Fraction | None = None
    moment: Moment | None = None
    dosed: bool = True


def told(spans: Iterable[Span], gap_days: int) -> list[Told]:
    """The dose of every day on which there is a line, in order; renewals may lie up to ``gap_days`` apart."""
    lanes: dict[_Lane, list[Span]] = {}
    for span in sorted(spans, key=_rank):
        drug = span.use.drug
        lanes.setdefault(_Lane(span.use.kind, drug.formulation, drug.strength, span.moment, span.dosed), []).append(span)
    if len(lanes) > MOST_LANES:
        lanes = _by_kind(lanes)
    stretches = [_stretches(lane, items, gap_days) for lane, items in lanes.items()]
    return [_told(start, end, _in_force(live)) for start, end, live in _sweep(stretches)]


def _by_kind(lanes: dict[_Lane, list[Span]]) -> dict[_Lane, list[Span]]:
    merged: dict[_Lane, list[Span]] = {}
    for lane, spans in lanes.items():
        merged.setdefault(_Lane(lane.kind, dosed=lane.dosed), []).extend(spans)
    return {lane: sorted(spans, key=_rank) for lane, spans in merged.items()}


# --- one lane


def _stretches(lane: _Lane, spans: Sequence[Span], gap_days: int) -> list[_Stretch]:
    """The days of one lane, each with the lines begun last that still hold; ``spans`` come in order."""
    begun = {day: list(items) for day, items in groupby(spans, key=lambda span: span.start)}
    lasting = {day: max(span.end for span in items) for day, items in begun.items()}
    series = _series(begun, lasting, gap_days)
    edges = sorted({*begun, *(shift(span.end, 1) for span in spans)})
    found: list[_Stretch] = []
    holding: list[date] = []
    for start, after in pairwise(edges):
        if start in begun:
            holding.append(start)
        while holding and lasting[holding[-1]] < start:
            holding.pop()
        if holding:
            items = begun[holding[-1]][: MOST_AT_ONCE + 1]
            live = tuple([span for span in items if span.end >= start]) or tuple(items)
            found.append(_Stretch(lane, start, shift(after, -1), holding[-1], *series[holding[-1]], live))
    return found


def _rank(span: Span) -> tuple[date, date, str]:
    return span.start, span.end, span.use.reference


def _series(begun: dict[date, list[Span]], lasting: dict[date, date], gap_days: int) -> dict[date, tuple[date, date]]:
    """For the first day of each line, from when to when its series was begun and renewed.

    A line that nobody ended was overtaken by the next one, not renewed by it.
    """
    days = list(begun)
    runs: list[list[date]] = [[day] for day in days[:1]]
    for day, following in pairwise(days):
        ended = not any(span.open for span in begun[day])
        if ended and days_between(lasting[day], following) <= gap_days + 1:
            runs[-1].append(following)
        else:
            runs.append([following])
    return {day: (run[0], run[-1]) for run in runs for day in run}


# --- all lanes


def _sweep(lanes: Sequence[Sequence[_Stretch]]) -> Iterator[tuple[date, date, list[_Stretch]]]:
    """The days in order, each with the stretch of every lane that covers it."""
    edges = sorted({day for lane in lanes for item in lane for day in (item.start, shift(item.end, 1))})
    at = [0] * len(lanes)
    for start, after in pairwise(edges):
        live = []
        for number, lane in enumerate(lanes):
            while at[number] < len(lane) and lane[at[number]].end < start:
                at[number] += 1
            if at[number] < len(lane) and lane[at[number]].start <= start:
                live.append(lane[at[number]])
        if live:
            yield start, shift(after, -1), live


def _in_force(live: Sequence[_Stretch]) -> list[Span]:
    """The lines that tell the dose of a day: those of the lane begun last, and of the lanes that run beside it.

    What has no dosage at all tells only where nothing else covers the day.
    """
    dosed = [item for item in live if item.lane.dosed] or live
    newest = max(dosed, key=lambda item: item.begun)
    chosen = [item for item in dosed if item is newest or _beside(newest, item)]
    return [span for item in chosen for span in item.spans]


def _beside(newest: _Stretch, other: _Stretch) -> bool:
    """Whether another lane is no older dose but a part of the same one."""
    if days_between(other.begun, newest.begun) <= TOGETHER_DAYS:
        return True
    one, two = newest.lane, other.lane
    if one.kind is not two.kind or one.formulation != two.formulation:
        return False
    if one.moment is not None and two.moment is not None and one.moment is not two.moment:
        return True
    in_turn = max(newest.first, other.first) <= shift(min(newest.last, other.last), TOGETHER_DAYS)
    return in_turn and None not in (one.strength, two.strength) and one.strength != two.strength


class _Part(Struct, frozen=True):
    """One use with what its lines in force add up to."""

    use: Use
    dose: DailyDose | None
    moment: Moment | None


def _told(start: date, end: date, spans: Sequence[Span]) -> Told:
    """What these lines tell together: statements before orders; the same dose told by two resources is one."""
    broken_off = any(span.end == end and span.use.status in BROKEN_OFF for span in spans)
    if len(spans) == 1:
        return Told(start, end, spans[0].dose, (spans[0].use,), broken_off)
    lines: dict[int, list[Span]] = {}
    for span in spans:
        lines.setdefault(id(span.use), []).append(span)
    parts = [_Part(items[0].use, total([span.dose for span in items]), items[0].moment) for items in lines.values()]
    uses = tuple(part.use for part in parts)
    if len(parts) > MOST_AT_ONCE:
        return Told(start, end, None, uses, broken_off)
    known = [part for part in parts if part.dose is not None] or parts
    stated = [part for part in known if part.use.kind is UseKind.STATEMENT] or known
    return Told(start, end, total([part.dose for part in _each_dose_once(stated)]), uses, broken_off)


def _each_dose_once(parts: Sequence[_Part]) -> list[_Part]:
    """Without the parts that tell again what another of the same amount, product and part of the day tells.

    A product that is not named in full is taken for the one that is; a dose read from a text for the one that a number tells.
    """
    kept: list[_Part] = []
    for part in sorted(parts, key=_vagueness):
        if not any(_same(part, other) for other in kept):
            kept.append(part)
    return kept


def _vagueness(part: _Part) -> tuple[bool, bool, bool, str]:
    drug, dose = part.use.drug, part.dose
    return drug.strength is None, drug.formulation is None, dose is None or not dose.certain, part.use.reference


def _same(one: _Part, other: _Part) -> bool:
    """Whether two parts may be one: what both of them say of amount, product and part of the day is the same."""
    amounts = [(part.dose.low, part.dose.high) if part.dose else None for part in (one, other)]
    mine, theirs = one.use.drug, other.use.drug
    named = ((mine.strength, theirs.strength), (mine.formulation, theirs.formulation))
    product = all(this is None or that is None or this == that for this, that in named)
    return amounts[0] == amounts[1] and one.moment is other.moment and product
