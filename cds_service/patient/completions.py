"""The exact dates that partial ones may stand for.

A judgement on partial dates holds where it holds for each of their completions. Each date is taken at its two ends, all starts
alike and all ends alike: the shortest and the longest use, the earliest and the latest.
"""

from collections.abc import Sequence
from datetime import date
from itertools import product

from msgspec import structs

from cds_service.patient.bounds import BROKEN_OFF
from cds_service.patient.facts import DoseLine, Use, UseStatus
from cds_service.patient.when import When


def exact(uses: Sequence[Use]) -> bool:
    """Whether no day of these uses is known to the month or the year only."""
    days = [when for use in uses for when in (use.start, use.end, use.stopped_on, use.asserted)]
    days += [when for use in uses for line in use.lines for when in (line.start, line.end)]
    return all(when is None or when.exact for when in days)


def completions(uses: Sequence[Use], today: date) -> list[tuple[Use, ...]]:
    """The uses with exact dates, in every combination of early and late; just as they are where all are exact."""
    if exact(uses):
        return [tuple(uses)]
    return [tuple(_completed(use, today, *late) for use in uses) for late in product((False, True), repeat=2)]


def _completed(use: Use, today: date, late_start: bool, late_end: bool) -> Use:
    """One use with exact dates. What is said to have happened did so by today; nothing begins after it has ended."""
    past = use.status in BROKEN_OFF or use.status is UseStatus.COMPLETED
    end, stopped = (_by(when, today if past else None, late_end) for when in (use.end, use.stopped_on))
    ends = [when.earliest for when in (end, stopped) if when is not None]
    start = _by(use.start, min([today, *ends]), late_start)
    return structs.replace(
        use,
        start=start,
        end=end,
        stopped_on=stopped,
        asserted=_by(use.asserted, today, late_end),
        lines=tuple(_line(line, today, late_start, late_end) for line in use.lines),
    )


def _line(line: DoseLine, today: date, late_start: bool, late_end: bool) -> DoseLine:
    end = _by(line.end, None, late_end)
    return structs.replace(line, start=_by(line.start, min(today, end.earliest) if end else today, late_start), end=end)


def _by(when: When | None, last: date | None, late: bool) -> When | None:
    """One end of a partial date; its later end is not after ``last`` where any day of it is not."""
    if when is None or when.exact:
        return when
    if not late:
        return When.on(when.earliest)
    return When.on(when.latest if last is None or last < when.earliest else min(when.latest, last))
