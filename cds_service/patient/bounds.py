"""The days of one use as its own resource gives them."""

from datetime import date

from cds_service.patient.facts import DoseLine, Use, UseKind, UseStatus

TAKEN = frozenset({UseStatus.ACTIVE, UseStatus.STOPPED, UseStatus.COMPLETED, UseStatus.ON_HOLD, UseStatus.UNKNOWN})
"""The statuses under which a statement or an order tells that the medicine was taken."""

BROKEN_OFF = frozenset({UseStatus.STOPPED, UseStatus.ON_HOLD})
"""The statuses that say that somebody ended the use, rather than that it came to its end."""


def last_day(use: Use) -> date | None:
    """The last day of a use as the resource itself gives it: the recorded day of a stop or hold, else its end.

    Of a partial date its latest day.
    """
    broken_off = use.status in BROKEN_OFF
    end = use.stopped_on or use.end if broken_off else use.end or use.stopped_on
    return None if end is None else end.latest


def first_day(use: Use, line: DoseLine | None = None) -> date | None:
    """The first day of a use (or of one line of it); a written order without a start counts from the day it was written.

    Of a partial date its earliest day.
    """
    start = (line.start if line else None) or use.start or (use.asserted if use.kind is UseKind.ORDER else None)
    return None if start is None else start.earliest
