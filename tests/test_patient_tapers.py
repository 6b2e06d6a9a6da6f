"""Abrupt, rapid or complete: the arithmetic on the timeline, at and beside each of its thresholds."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from cds_service.knowledge.judgements.exposure import rules
from cds_service.knowledge.parameters import in_force
from cds_service.patient.tapers import Taper, TaperKind, TaperRules, baseline_dose, recognise
from cds_service.patient.timeline import Segment

RULES = rules(in_force())
END = date(2026, 2, 19)
AFTER = END + timedelta(days=1)
ABRUPT, RAPID, COMPLETE, UNKNOWN = TaperKind.ABRUPT, TaperKind.RAPID, TaperKind.COMPLETE, TaperKind.UNKNOWN
SLOW = ((3, 200), ("2.5", 90), (2, 90), ("1.5", 90), (1, 90))
LCP = Fraction("3.2") / Fraction("0.8")  # an extended-release tablet on the scale of immediate release

Steps = tuple[tuple[int | str | Fraction | None, int], ...]


def laid(*steps: tuple[int | str | Fraction | None, int], end: date = END) -> list[Segment]:
    """Successive doses of (mg a day, days), neighbours on one dose joined as on a timeline, up to the last dose."""
    found: list[Segment] = []
    start = end - timedelta(days=sum(days for _, days in steps) - 1)
    for mg, days in steps:
        dose = None if mg is None else Fraction(mg)
        last = start + timedelta(days=days - 1)
        if found and found[-1].dose == dose:
            start = found.pop().start
        found.append(Segment(start, last, dose))
        start = last + timedelta(days=1)
    return found


def judged(*steps: tuple[int | str | Fraction | None, int], by: TaperRules = RULES) -> Taper:
    return recognise(laid(*steps), by)


@pytest.mark.parametrize(
    ("steps", "kind", "days", "baseline", "low_end"),
    [
        (((4, 200),), ABRUPT, 0, 4, False),
        (((4, 200), (2, 14), (1, 14)), COMPLETE, 28, 4, True),
        (((4, 200), (2, 13), (1, 14)), RAPID, 27, 4, True),
        (((4, 200), (3, 28)), RAPID, 28, 4, False),
        (((4, 200), (2, 28)), COMPLETE, 28, 4, False),
        (((4, 200), (1, 40)), RAPID, 40, 4, True),
        (((6, 60), (4, 60), (2, 240)), ABRUPT, 0, 2, False),
        ((*SLOW, ("0.5", 90)), COMPLETE, 90, 1, True),
        ((*SLOW, ("0.5", 200)), ABRUPT, 0, "0.5", True),
        (((4, 100), (LCP, 100)), ABRUPT, 0, 4, False),
        (((4, 100), (2, 10), (4, 60)), ABRUPT, 0, 4, False),
        (((2, 200), ("1.9", 30)), ABRUPT, 0, 2, False),
        (((5, 200), (4, 10), (3, 10), (2, 10), (1, 10)), COMPLETE, 40, 5, True),
    ],
    ids=lambda value: "-".join(f"{mg}x{days}" for mg, days in value) if isinstance(value, tuple) else None,
)
def test_a_series_of_doses(steps: Steps, kind: TaperKind, days: int, baseline: int | str, low_end: bool) -> None:
    taper = judged(*steps)
    assert (taper.kind, taper.days, taper.baseline, taper.low_end) == (kind, days, Fraction(baseline), low_end)
    assert taper.began == AFTER - timedelta(days=days)


def test_a_taper_tells_its_last_dose_and_its_largest_step() -> None:
    taper = judged((5, 200), (4, 10), (2, 20), (1, 10))
    assert (taper.last, taper.largest_step) == (1, 2)


def test_the_last_step_to_nothing_counts_as_a_step() -> None:
    assert judged((4, 200), ("3.5", 30)).largest_step == Fraction("3.5")


# --- each threshold, one side and the other


@pytest.mark.parametrize(("days", "kind"), [(28, COMPLETE), (27, RAPID)])
def test_a_taper_takes_the_least_number_of_days(days: int, kind: TaperKind) -> None:
    assert judged((4, 200), (2, days)).kind is kind


@pytest.mark.parametrize(("last", "kind"), [("2", COMPLETE), ("2.01", RAPID)])
def test_the_last_dose_is_at_most_half(last: str, kind: TaperKind) -> None:
    by = structs.replace(RULES, step_max=Fraction(1))
    assert judged((4, 200), (last, 28), by=by).kind is kind


@pytest.mark.parametrize(("first", "kind"), [("2", COMPLETE), ("1.99", RAPID)])
def test_no_step_is_more_than_half(first: str, kind: TaperKind) -> None:
    assert judged((4, 200), (first, 14), (1, 14)).kind is kind


@pytest.mark.parametrize(("held", "baseline"), [(90, 2), (89, 4)])
def test_the_stable_dose_is_the_latest_one_held_for_long(held: int, baseline: int) -> None:
    assert baseline_dose(laid((4, 100), (2, held)), AFTER, RULES) == baseline


@pytest.mark.parametrize(("held", "baseline"), [(14, 4), (13, None)])
def test_without_a_long_plateau_the_highest_dose_held_for_a_while_counts(held: int, baseline: int | None) -> None:
    assert baseline_dose(laid((4, held), (1, 10)), AFTER, RULES) == baseline


@pytest.mark.parametrize(("since", "baseline"), [(365, 4), (364, 2)])
def test_that_dose_was_held_in_the_past_year(since: int, baseline: int) -> None:
    line = [
        Segment(AFTER - timedelta(days=since + 30), AFTER - timedelta(days=365), Fraction(4)),
        Segment(AFTER - timedelta(days=20), END, Fraction(2)),
    ]
    early = [structs.replace(line[0], end=AFTER - timedelta(days=366)), line[1]]
    assert baseline_dose(line if since == 365 else early, AFTER, RULES) == baseline


@pytest.mark.parametrize(("second", "kind"), [("3.6", ABRUPT), ("3.59", RAPID)])
def test_a_dose_near_the_stable_one_is_still_the_stable_one(second: str, kind: TaperKind) -> None:
    assert judged((4, 200), (second, 30)).kind is kind


@pytest.mark.parametrize(("last", "baseline"), [("1", 2), ("1.01", "1.01")])
def test_a_low_plateau_after_a_high_peak_is_the_tail_of_a_slow_taper(last: str, baseline: int | str) -> None:
    assert baseline_dose(laid((4, 100), (2, 100), (last, 100)), AFTER, RULES) == Fraction(baseline)


@pytest.mark.parametrize(("held", "baseline"), [(179, 2), (180, 1)])
def test_a_low_plateau_of_half_a_year_is_maintenance(held: int, baseline: int) -> None:
    assert baseline_dose(laid((4, 100), (2, 100), (1, held)), AFTER, RULES) == baseline


def test_one_step_down_to_a_low_plateau_is_no_slow_taper() -> None:
    assert baseline_dose(laid((4, 100), (1, 100)), AFTER, RULES) == 1


def test_steps_count_only_in_a_row() -> None:
    """2 up to 4 and down to 1: one step down, so 1 is maintenance."""
    assert baseline_dose(laid((5, 60), (2, 60), (4, 60), (1, 100)), AFTER, RULES) == 1


def test_steps_across_an_unknown_dose_do_not_count() -> None:
    assert baseline_dose(laid((4, 100), (None, 10), (2, 100), (1, 100)), AFTER, RULES) == 1


@pytest.mark.parametrize(("last", "low_end"), [("1", True), ("1.01", False)])
def test_the_low_end_is_a_quarter_of_the_peak(last: str, low_end: bool) -> None:
    assert judged((4, 100), (last, 300)).low_end is low_end


@pytest.mark.parametrize(("since", "low_end"), [(730, True), (731, False)])
def test_the_peak_is_that_of_the_past_two_years(since: int, low_end: bool) -> None:
    peak = Segment(date(2020, 1, 1), AFTER - timedelta(days=since), Fraction(4))
    line = [peak, Segment(peak.end + timedelta(days=1), END, Fraction(1))]
    assert recognise(line, RULES).low_end is low_end


# --- what is not known


def test_no_dose_ever_held_leaves_it_unknown() -> None:
    assert judged((4, 10)) == Taper(UNKNOWN, AFTER, 0, last=Fraction(4))


def test_doses_that_are_not_known_at_all_leave_it_unknown() -> None:
    assert judged((None, 200)) == Taper(UNKNOWN, AFTER, 0)


def test_an_unknown_dose_after_the_stable_one_leaves_it_unknown() -> None:
    taper = judged((4, 200), (None, 30))
    assert (taper.kind, taper.days, taper.baseline, taper.last) == (UNKNOWN, 30, 4, None)


def test_an_unknown_dose_inside_the_taper_leaves_it_unknown() -> None:
    assert judged((4, 200), (2, 14), (None, 7), (1, 14)).kind is UNKNOWN


def test_an_unknown_dose_long_before_does_not_matter() -> None:
    assert judged((None, 100), (4, 200)).kind is ABRUPT


def test_an_unknown_dose_is_no_peak() -> None:
    assert judged((None, 100), (4, 200)).low_end is False


# --- pauses


def test_a_pause_before_the_last_doses_is_no_taper() -> None:
    """4 mg, nothing for ten days, then 2 mg for four weeks: down to 0 in one step."""
    assert judged((4, 200), (0, 10), (2, 28)).kind is RAPID


def test_a_pause_before_the_stable_dose_does_not_matter() -> None:
    assert judged((4, 100), (0, 10), (4, 100)).kind is ABRUPT


# --- properties

doses = st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(2), Fraction(3), Fraction(4)])
lengths = st.integers(min_value=1, max_value=250)
quick = settings(deadline=None, max_examples=80)


@quick
@given(st.lists(st.tuples(doses, lengths), min_size=1, max_size=6))
def test_a_complete_taper_keeps_every_one_of_its_rules(steps: list[tuple[Fraction, int]]) -> None:
    taper = judged(*steps)
    assert taper.days >= 0
    if taper.kind is COMPLETE:
        assert taper.baseline is not None
        assert taper.last is not None
        assert taper.largest_step is not None
        assert taper.days >= 28
        assert taper.last <= taper.baseline / 2
        assert taper.largest_step <= taper.baseline / 2
    if taper.kind is ABRUPT:
        assert taper.days == 0


@quick
@given(st.lists(st.tuples(doses, lengths), min_size=1, max_size=5), st.integers(1, 2000))
def test_the_calendar_does_not_matter(steps: list[tuple[Fraction, int]], later: int) -> None:
    moved = recognise(laid(*steps, end=END + timedelta(days=later)), RULES)
    assert structs.replace(moved, began=moved.began - timedelta(days=later)) == judged(*steps)


@quick
@given(st.lists(st.tuples(doses, lengths), min_size=1, max_size=5), st.integers(2, 5))
def test_the_size_of_the_doses_does_not_matter(steps: list[tuple[Fraction, int]], factor: int) -> None:
    bigger = judged(*((mg * factor, days) for mg, days in steps))
    assert (bigger.kind, bigger.days) == (judged(*steps).kind, judged(*steps).days)


@quick
@given(lengths.filter(lambda days: days >= 14), st.integers(0, 27))
def test_four_weeks_more_never_make_a_taper_worse(held: int, days: int) -> None:
    """Half the dose for 28 days and more is always complete, for fewer days never."""
    assert judged((4, max(held, 90)), (2, 28 + days)).kind is COMPLETE
    if days:
        assert judged((4, max(held, 90)), (2, days)).kind is RAPID


def test_a_site_may_ask_for_a_longer_taper() -> None:
    by = rules(in_force({"taper_min_days": 90, "taper_last_max": Decimal("0.25")}))
    assert judged((4, 200), (2, 60), (1, 30), by=by).kind is COMPLETE
    assert judged((4, 200), (2, 59), (1, 30), by=by).kind is RAPID
    assert judged((4, 200), (2, 60), ("1.5", 30), by=by).kind is RAPID
