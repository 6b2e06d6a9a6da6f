"""FHIR dates: partial, half-typed, at the edge of the calendar, and instants in the site's zone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from cds_service.fhir.dates import end_of, instant, start_of, when
from cds_service.fhir.wire import Period
from cds_service.patient.when import When
from tests.reading import UTC

BERLIN = ZoneInfo("Europe/Berlin")
HONOLULU = ZoneInfo("Pacific/Honolulu")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-02", "2026-02-01", "2026-02-28"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-02-20", "2026-02-20", "2026-02-20"),
        ("2026-02-20T10:00:00", "2026-02-20", "2026-02-20"),
        ("2026-02-20 10:00", "2026-02-20", "2026-02-20"),
        ("2026-02-20T10:00:00.123456789Z", "2026-02-20", "2026-02-20"),
        ("2026-02-20T24:00:00Z", "2026-02-20", "2026-02-20"),
        ("2026-12-31T23:59:60Z", "2026-12-31", "2026-12-31"),
        ("0002-11-01", "0002-11-01", "0002-11-01"),
        ("9999-12-31", "9999-12-31", "9999-12-31"),
        ("9999", "9999-01-01", "9999-12-31"),
    ],
)
def test_a_date_becomes_the_days_it_can_mean(text: str, first: str, last: str) -> None:
    assert when(text, UTC) == When(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ("2026-02-20T23:30:00Z", UTC, "2026-02-20"),
        ("2026-02-20T23:30:00Z", BERLIN, "2026-02-21"),
        ("2026-02-21T00:30:00+01:00", UTC, "2026-02-20"),
        ("2026-02-20T05:00:00Z", HONOLULU, "2026-02-19"),
        ("2026-02-20T23:30:00-05:00", UTC, "2026-02-21"),
        ("2026-02-20T23:30:00", BERLIN, "2026-02-20"),
    ],
)
def test_an_instant_falls_on_a_day_of_the_sites_zone(text: str, zone: ZoneInfo, day: str) -> None:
    assert when(text, zone) == When.on(date.fromisoformat(day))


@pytest.mark.parametrize("text", ["2026-02-20T10:00:00+25:00", "2026-02-20T25:00:00Z", "2026-02-20T10:99:00Z"])
def test_a_senseless_time_leaves_the_day_as_it_was_written(text: str) -> None:
    assert when(text, UTC) == When.on(date(2026, 2, 20))


@pytest.mark.parametrize(("text", "zone"), [("0001-01-01T00:00:00+10:00", UTC), ("9999-12-31T23:00:00Z", BERLIN)])
def test_an_instant_at_the_edge_of_the_calendar_survives(text: str, zone: ZoneInfo) -> None:
    assert when(text, zone) == When.on(date.fromisoformat(text[:10]))


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "Invalid date",
        "20260220",
        "2026-13",
        "2026-02-30",
        "0000-01-01",
        "0000",
        "2026-2-3",
        "26-02-20",
        "".join(chr(0xFF10 + digit) for digit in (2, 0, 2, 6)),
        "2026-W08-1",
    ],
)
def test_what_is_no_date_is_none(text: str | None) -> None:
    assert when(text, UTC) is None


def test_a_very_long_text_is_no_date() -> None:
    assert when("2026-02-20T10:00:00." + "0" * 100 + "Z", UTC) is None


def test_both_ends_of_a_period_belong_to_it() -> None:
    period = Period(start="2026-02", end="2026-03-01T10:00:00Z")
    assert start_of(period, UTC) == When(date(2026, 2, 1), date(2026, 2, 28))
    assert end_of(period, UTC) == When.on(date(2026, 3, 1))
    assert start_of(None, UTC) is None
    assert end_of(None, UTC) is None


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2026-02-20T20:05:59Z", UTC, "2026-02-20T20:05+00:00"),
        ("2026-02-20T20:05:00+01:00", UTC, "2026-02-20T19:05+00:00"),
        ("2026-02-20T20:05", BERLIN, "2026-02-20T19:05+00:00"),
        ("2026-02-20T24:00:00Z", UTC, "2026-02-20T23:59+00:00"),
    ],
)
def test_a_time_of_day_gives_an_instant(text: str, zone: ZoneInfo, moment: str) -> None:
    assert instant(text, zone) == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "x" * 100,
        "2026-02-20",
        "2026-02",
        "2026-02-20T00:00:00Z",
        "2026-02-31T10:00:00Z",
        "2026-02-20T25:00:00Z",
        "0001-01-01T08:00:00+14:00",
    ],
    ids=["none", "empty", "long", "day", "month", "midnight", "no such day", "25 o'clock", "before the calendar"],
)
def test_without_a_time_of_day_there_is_no_instant(text: str | None) -> None:
    """Midnight is what systems write for a day without a time."""
    assert instant(text, UTC) is None


def test_an_instant_that_leaves_the_calendar_on_its_way_to_utc_is_none() -> None:
    assert instant("0001-01-01T00:30:00", ZoneInfo("Asia/Tokyo")) is None
