"""The days of one use as its own resource gives them."""

from datetime import date

from cds_service.patient.facts import DoseLine, Use, UseKind, UseStatus
from cds_service.patient.when import When

TAKEN = frozenset({UseStatus.ACTIVE, UseStatus.STOPPED, UseStatus.COMPLETED, UseStatus.ON_HOLD, UseStatus.UNKNOWN})
"""The statuses under which a statement or an order tells that the medicine was taken."""

BROKEN_OFF = frozenset({UseStatus.STOPPED, UseStatus.ON_HOLD})
"""The statuses that say that somebody ended the use, rather than that it came to its end."""


def end_of(when: When | None, *, late: bool) -> date | None:
    """The latest or the earliest day a partial date can mean."""
    if when is None:
        return None
    return when.latest if late else when.earliest


def last_day(use: Use, *, late: bool) -> date | None:
    """The last day of a use as the resource itself gives it: the recorded day of a stop or hold, else its end."""
    broken_off = use.status in BROKEN_OFF
    return end_of(use.stopped_on or use.end if broken_off else use.end or use.stopped_on, late=late)


def first_day(use: Use, line: DoseLine | None = None, *, late: bool = False) -> date | None:
    """The first day of a use (or of one line of it); a written order without a start counts from the day it was written."""
    start = (line.start if line else None) or use.start or (use.asserted if use.kind is UseKind.ORDER else None)
    return end_of(start, late=late)
