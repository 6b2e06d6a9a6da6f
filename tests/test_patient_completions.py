"""Partial dates at their two ends."""

from datetime import date

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from cds_service.patient.completions import completions, exact
from cds_service.patient.facts import Use, UseStatus
from cds_service.patient.when import When
from tests.builders import TODAY, day, dispense, line, month, order, use

quick = settings(deadline=None, max_examples=50)


def days(*uses: Use) -> list[tuple[date | None, date | None]]:
    """First and last day of the first use in each completion."""
    return [
        (one[0].start.latest if one[0].start else None, one[0].end.latest if one[0].end else None)
        for one in completions(uses, TODAY)
    ]


def test_exact_dates_have_one_completion() -> None:
    uses = (use(start=-300, end=-9), order(start=None, asserted=None))
    assert exact(uses)
    assert completions(uses, TODAY) == [uses]


@pytest.mark.parametrize(
    "told",
    [
        use(start=month(2025, 12), asserted=None),
        use(end=month(2025, 12)),
        order(stopped_on=month(2025, 12)),
        use(asserted=month(2025, 12)),
        order(lines=(line(4, start=month(2025, 12)),)),
        order(lines=(line(4, end=month(2025, 12)),)),
        dispense(month(2025, 12), 30, asserted=None),
    ],
    ids=["start", "end", "day of the stop", "written", "start of a line", "end of a line", "handed over"],
)
def test_a_partial_date_is_read_at_its_ends_wherever_it_stands(told: Use) -> None:
    assert not exact((told,))
    found = completions((told,), TODAY)
    assert len(found) == 4
    assert all(exact(uses) for uses in found)
    assert len(set(found)) == 2


def test_starts_and_ends_are_read_in_every_combination() -> None:
    first, last = (date(2025, 8, 1), date(2025, 8, 31)), (date(2026, 1, 1), date(2026, 1, 31))
    assert days(use(start=month(2025, 8), end=month(2026, 1))) == [(start, end) for start in first for end in last]


def test_nothing_begins_after_it_has_ended() -> None:
    both = days(use(start=month(2026, 1), end=month(2026, 1)))
    assert all(start is not None and end is not None and start <= end for start, end in both)
    assert (date(2026, 1, 31), date(2026, 1, 31)) in both


def test_what_has_happened_did_so_by_today_and_a_plan_may_lie_ahead() -> None:
    this_month = month(2026, 3)
    assert {end for _, end in days(use(end=this_month))} == {TODAY}
    assert {end for _, end in days(use(end=this_month, status=UseStatus.ACTIVE))} == {TODAY, date(2026, 3, 31)}
    assert {start for start, _ in days(use(start=this_month))} == {TODAY}
    assert {start for start, _ in days(use(start=month(2026, 4)))} == {date(2026, 4, 1), date(2026, 4, 30)}


@quick
@drawn(st.integers(-400, -10), st.integers(0, 200), st.integers(0, 200), st.sampled_from(list(UseStatus)))
def test_every_completion_lies_within_the_partial_date(first: int, width: int, later: int, status: UseStatus) -> None:
    told = use(
        start=When(day(first), day(first + width)), end=When(day(first + later), day(first + later + width)), status=status
    )
    for (one,) in completions((told,), TODAY):
        for when, partial in ((one.start, told.start), (one.end, told.end)):
            assert when is not None
            assert partial is not None
            assert partial.earliest <= when.earliest <= when.latest <= partial.latest
