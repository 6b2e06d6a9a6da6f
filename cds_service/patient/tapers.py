"""Was a stop abrupt, rapid or a complete taper? Arithmetic on the timeline; every threshold is an argument."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from fractions import Fraction

from msgspec import Struct

from cds_service.patient.timeline import Segment
from cds_service.patient.when import days_between, shift


class TaperKind(StrEnum):
    """How the dose came to zero."""

    ABRUPT = "abrupt-stop"
    RAPID = "rapid-taper"
    COMPLETE = "taper-complete"
    UNKNOWN = "taper-unknown"


class TaperRules(Struct, frozen=True):
    """The thresholds of the recognition (parameters.toml has each with its origin)."""

    min_days: int
    last_max: Fraction
    step_max: Fraction
    plateau_days: int
    plateau_min_days: int
    plateau_window_days: int
    baseline_fraction: Fraction
    low_end_fraction: Fraction
    low_end_max_days: int
    low_end_steps: int
    peak_window_days: int


class Taper(Struct, frozen=True):
    """How a stop came about.

    ``baseline`` is the maintenance dose it began from and ``last`` the last dose (mg a day), ``days`` how long it took
    from the last day near the baseline to the first day without, ``began`` the first of those days (the day after the last
    dose where the stop was abrupt). ``low_end`` tells that the last dose was a small part of the peak of the past two years.
    """

    kind: TaperKind
    began: date
    days: int
    baseline: Fraction | None = None
    last: Fraction | None = None
    largest_step: Fraction | None = None
    low_end: bool = False


def _peak(line: Sequence[Segment], after: date, rules: TaperRules) -> Fraction:
    since = shift(after, -rules.peak_window_days)
    return max((item.dose for item in line if item.dose is not None and item.end >= since), default=Fraction())


def _down_steps(line: Sequence[Segment]) -> int:
    """How many reductions in a row lead to the last segment."""
    steps = 0
    for earlier, later in zip(reversed(line[:-1]), reversed(line), strict=False):
        if earlier.dose is None or later.dose is None or earlier.dose <= later.dose:
            break
        steps += 1
    return steps


def _ends_a_slow_taper(line: Sequence[Segment], peak: Fraction, rules: TaperRules) -> bool:
    """Whether the last plateau is the tail of a slow taper and not a maintenance dose of its own."""
    last = line[-1]
    return (
        last.dose is not None
        and last.dose <= peak * rules.low_end_fraction
        and last.days < rules.low_end_max_days
        and _down_steps(line) >= rules.low_end_steps
    )


def baseline_dose(line: Sequence[Segment], after: date, rules: TaperRules) -> Fraction | None:
    """The maintenance dose before the taper: the latest long plateau, else the highest dose held for a while in the past year."""
    held = list(line[:-1]) if _ends_a_slow_taper(line, _peak(line, after, rules), rules) else list(line)
    for item in reversed(held):
        if item.dose and item.days >= rules.plateau_days:
            return item.dose
    since = shift(after, -rules.plateau_window_days)
    levels = [item.dose for item in line if item.dose and item.days >= rules.plateau_min_days and item.end >= since]
    return max(levels, default=None)


def recognise(line: Sequence[Segment], rules: TaperRules) -> Taper:
    """Classify the stop at the end of a timeline that is not empty; its last segment is the last one with a dose.

    A complete taper takes at least ``min_days`` from the last day near the baseline, ends on a dose of at most ``last_max`` of
    the baseline and has no step larger than ``step_max`` of it. A dose that is not known within that stretch leaves it unknown.
    """
    after = shift(line[-1].end, 1)
    baseline = baseline_dose(line, after, rules)
    if baseline is None:
        return Taper(TaperKind.UNKNOWN, after, 0, last=line[-1].dose)
    near = [index for index, item in enumerate(line) if item.dose is not None and item.dose >= baseline * rules.baseline_fraction]
    tail = line[near[-1] + 1 :]
    began = shift(line[near[-1]].end, 1)
    doses = [item.dose for item in tail]
    if None in doses:
        return Taper(TaperKind.UNKNOWN, began, days_between(began, after), baseline)
    return _judged(began, after, baseline, [dose for dose in doses if dose is not None], line, rules)


def _judged(
    began: date, after: date, baseline: Fraction, tail: list[Fraction], line: Sequence[Segment], rules: TaperRules
) -> Taper:
    last = tail[-1] if tail else line[-1].dose or baseline
    low_end = last <= _peak(line, after, rules) * rules.low_end_fraction
    if not tail:
        return Taper(TaperKind.ABRUPT, began, 0, baseline, last, last, low_end)
    steps = [higher - lower for higher, lower in zip([baseline, *tail], [*tail, Fraction()], strict=True)]
    largest = max(steps)
    days = days_between(began, after)
    complete = days >= rules.min_days and last <= baseline * rules.last_max and largest <= baseline * rules.step_max
    kind = TaperKind.COMPLETE if complete else TaperKind.RAPID
    return Taper(kind, began, days, baseline, last, largest, low_end)
