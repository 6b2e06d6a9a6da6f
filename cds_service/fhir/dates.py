"""FHIR dates as days: partial dates as intervals, instants as a day in the site's zone.

What is no date (``Invalid date``) is None; what lies at the edge of the calendar (``0002-11-01``, ``9999-12-31``) survives.
"""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from cds_service.fhir.wire import Period
from cds_service.patient.when import When

_FORM = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,30})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?"
)
_LONGEST = 60
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?!24)[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})")
"""What nearly every server sends, and the standard library reads: too many different ones to be worth remembering."""


def when(text: str | None, zone: ZoneInfo) -> When | None:
    """The day or days that a FHIR date, dateTime or instant means; None where it is none.

    Without an offset a time of day is the site's own. 24:00 and second 60 belong to the day they are written on.
    """
    return None if text is None else timed(text, zone)[0]


def timed(text: str, zone: ZoneInfo) -> tuple[When | None, datetime | None]:
    """The same with the instant, where nearly every server's form of one tells it."""
    if not _INSTANT.fullmatch(text):
        return _any_form(text, zone), None
    try:
        moment = datetime.fromisoformat(text).astimezone(zone)
    except (ValueError, OverflowError):  # month 13, second 60, an offset of a day, the edge of the calendar
        return _any_form(text, zone), None
    day = moment.date()
    return When(day, day), moment


@lru_cache(maxsize=8192)
def _any_form(text: str, zone: ZoneInfo) -> When | None:
    found = _FORM.fullmatch(text) if len(text) < _LONGEST else None
    if found is None:
        return None
    year, month, day, hour, minute, _, offset = found.groups()
    try:
        if month is None:
            return When(date(int(year), 1, 1), date(int(year), 12, 31))
        if day is None:
            return When(date(int(year), int(month), 1), date(int(year), int(month), monthrange(int(year), int(month))[1]))
        written = date(int(year), int(month), int(day))
    except ValueError:  # month 13, day 31 of a short month, year 0
        return None
    return When.on(written if offset is None else _local(written, int(hour), int(minute), offset, zone))


def _local(written: date, hour: int, minute: int, offset: str, zone: ZoneInfo) -> date:
    """The day in the zone on which an instant falls; the day as written where the instant makes no sense."""
    moment = _moment(written, hour, minute, offset, zone)
    return written if moment is None else moment.date()


def _moment(written: date, hour: int, minute: int, offset: str | None, zone: ZoneInfo) -> datetime | None:
    """The instant in the zone; None where it makes no sense."""
    clock = (23, 59) if hour == 24 else (hour, minute)  # 24:00 is the end of its day
    try:
        if offset is None:
            return datetime(written.year, written.month, written.day, *clock, tzinfo=zone)
        hours, minutes = (0, 0) if offset == "Z" else (int(offset[1:3]), int(offset[4:6]))
        shift = timedelta(hours=hours, minutes=minutes) * (-1 if offset[0] == "-" else 1)
        return datetime(written.year, written.month, written.day, *clock, tzinfo=timezone(shift)).astimezone(zone)
    except (ValueError, OverflowError):  # 25 o'clock, an offset of a day, the edge of the calendar
        return None


@lru_cache(maxsize=8192)
def instant(text: str | None, zone: ZoneInfo) -> datetime | None:
    """The instant (UTC, to the minute) that a FHIR dateTime means; None where it gives no time of day.

    Midnight is what systems write for a day without a time: it counts as none.
    """
    found = _FORM.fullmatch(text) if text is not None and len(text) < _LONGEST else None
    if found is None or found[4] is None or found[4] + found[5] == "0000":
        return None
    try:
        written = date(int(found[1]), int(found[2]), int(found[3]))
        moment = _moment(written, int(found[4]), int(found[5]), found[7], zone)
        return None if moment is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def start_of(period: Period | None, zone: ZoneInfo) -> When | None:
    """The first day of a period."""
    return None if period is None else when(period.start, zone)


def end_of(period: Period | None, zone: ZoneInfo) -> When | None:
    """The last day of a period, which belongs to it."""
    return None if period is None else when(period.end, zone)
