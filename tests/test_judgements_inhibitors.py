"""Two calcineurin inhibitors: together, or one in the place of the other, and the hours between them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cds_service.knowledge.judgements.calcineurin_inhibitors import Gap, Inhibitors, Meeting
from cds_service.patient.facts import Record, Use, UseStatus
from cds_service.patient.when import When
from tests.builders import TODAY, case, day, dispense, draft, drug, given, order, record, use

OVERLAP, TO_OTHER, BACK = Meeting.OVERLAP, Meeting.TO_OTHER, Meeting.TO_TACROLIMUS
SHORT, UNCERTAIN, LONG = Gap.TOO_SHORT, Gap.UNCERTAIN, Gap.LONG_ENOUGH
TAC, CSA = "MedicationRequest/tac", "MedicationRequest/csa"
STOP = draft(reference=TAC, status=UseStatus.STOPPED, start=-300)


def running(**more: Any) -> Use:
    """Tacrolimus, ordered and taken."""
    return order(**{"reference": TAC, "asserted": -20, **more})


def other(start: int | None = -100, **more: Any) -> Use:
    """Ciclosporin, ordered and taken."""
    return order("cyclosporine", 200, start, **{"reference": CSA, "asserted": -20, **more})


def begun(**more: Any) -> Use:
    """Ciclosporin in this request, from today."""
    return draft("cyclosporine", 200, **{"reference": "MedicationRequest/new-csa", **more})


def again(**more: Any) -> Use:
    """Tacrolimus in this request, from today."""
    return draft(**{"reference": "MedicationRequest/new-tac", **more})


def told(*medicines: Use, drafts: tuple[Use, ...], **more: Any) -> Record:
    return record(*medicines, drafts=drafts, hook="order-sign", **more)


def judged(*medicines: Use, drafts: tuple[Use, ...], **site: Any) -> Inhibitors | None:
    return case(told(*medicines, drafts=drafts), **site).inhibitors


def meeting(*medicines: Use, drafts: tuple[Use, ...]) -> Meeting | None:
    found = judged(*medicines, drafts=drafts)
    return found.meeting if found else None


def at(offset: int, hour: int, minute: int = 0) -> datetime:
    moment = datetime.combine(TODAY, datetime.min.time(), UTC) + timedelta(days=offset)
    return moment.replace(hour=hour, minute=minute)


# --- together


@pytest.mark.parametrize("ingredient", ["cyclosporine", "voclosporin"])
def test_another_inhibitor_drafted_beside_tacrolimus(ingredient: str) -> None:
    drafted = draft(ingredient, 200, reference=CSA)
    found = judged(running(), drafts=(drafted,))
    assert found == Inhibitors(OVERLAP, drafted)


@pytest.mark.parametrize(
    ("medicines", "drafts"),
    [
        ((other(),), (again(),)),
        ((running(), other()), (again(),)),
        ((running(), other()), (begun(),)),
        ((), (again(), begun())),
        ((use(asserted=-20),), (begun(),)),
        ((dispense(-20, 30),), (begun(),)),
        ((running(), running(mg=1, reference="MedicationRequest/half")), (begun(), STOP)),
        ((running(end=5, status=UseStatus.ACTIVE),), (begun(start=4),)),
        ((running(),), (begun(status=UseStatus.ACTIVE),)),
        ((other(None),), (again(),)),
    ],
    ids=[
        "tacrolimus beside ciclosporin",
        "tacrolimus renewed",
        "ciclosporin renewed",
        "both drafted",
        "by statement",
        "by supply",
        "one of two orders stopped",
        "before the other ends",
        "signed",
        "since when nobody knows",
    ],
)
def test_both_after_this_request(medicines: tuple[Use, ...], drafts: tuple[Use, ...]) -> None:
    found = judged(*medicines, drafts=drafts)
    assert found is not None
    assert (found.meeting, found.certain) == (OVERLAP, True)


@pytest.mark.parametrize(
    ("medicines", "drafts"),
    [
        ((running(), other()), ()),
        ((running(), other()), (draft("prednisone", 20),)),
        ((running(),), (begun(status=UseStatus.CANCELLED),)),
        ((running(),), (begun(forbids=True),)),
        ((running(),), (begun(end=0),)),
        ((running(),), (draft(drug("cyclosporine", systemic=False, formulation="ophthalmic"), 1),)),
        ((use(drug(systemic=False), asserted=-20),), (begun(),)),
        ((running(),), (again(),)),
        ((other(),), (begun(),)),
        ((other(), other(reference="MedicationRequest/second")), (begun(),)),
        ((running(), other(end=-30)), (again(),)),
        ((running(), other(status=UseStatus.NOT_TAKEN)), (again(),)),
        ((running(), other(forbids=True)), (again(),)),
        ((running(end=-400, start=-600),), (begun(),)),
    ],
    ids=[
        "nothing ordered",
        "another drug",
        "cancelled",
        "not to give",
        "ends now",
        "eye drops",
        "ointment",
        "tacrolimus alone",
        "ciclosporin alone",
        "ciclosporin twice",
        "ciclosporin ended",
        "ciclosporin not taken",
        "ciclosporin not to give",
        "tacrolimus ended long ago",
    ],
)
def test_not_both(medicines: tuple[Use, ...], drafts: tuple[Use, ...]) -> None:
    assert judged(*medicines, drafts=drafts) is None


@pytest.mark.parametrize(
    ("medicines", "drafts"),
    [
        ((running(),), (draft(drug("cyclosporine", systemic=None), 200),)),
        ((running(asserted=-200),), (begun(),)),
        ((order(end=-40), use(asserted=-10)), (begun(),)),
        ((other(),), (draft(drug(systemic=None)),)),
    ],
    ids=["route unknown", "not confirmed for long", "contradictory", "tacrolimus of unknown route"],
)
def test_perhaps_both(medicines: tuple[Use, ...], drafts: tuple[Use, ...]) -> None:
    found = judged(*medicines, drafts=drafts)
    assert found is not None
    assert (found.meeting, found.certain) == (OVERLAP, False)


def test_a_supply_that_ran_out_is_no_use() -> None:
    assert judged(order(end=-80, status=UseStatus.COMPLETED), dispense(-90, 30), drafts=(begun(),)) is None


def test_a_draft_of_unknown_route_beside_a_sure_one_is_sure() -> None:
    found = judged(running(), other(), drafts=(draft(drug("cyclosporine", systemic=None), 200),))
    assert found is not None
    assert found.certain


# --- ended in the same request


@pytest.mark.parametrize(
    "drafts",
    [(STOP, begun()), (begun(replaces=TAC),)],
    ids=["stopped", "replaced"],
)
def test_tacrolimus_that_ends_now_is_exchanged(drafts: tuple[Use, ...]) -> None:
    found = judged(running(), use(asserted=-20), drafts=drafts)
    assert found is not None
    assert (found.meeting, found.last, found.begins, found.gap) == (TO_OTHER, When.on(TODAY), TODAY, SHORT)


@pytest.mark.parametrize(
    "ending",
    [
        draft("cyclosporine", 200, reference=CSA, status=UseStatus.STOPPED, start=-100),
        draft("cyclosporine", 200, reference=CSA, status=UseStatus.ON_HOLD, start=-100),
        draft("cyclosporine", 200, reference="MedicationRequest/no", forbids=True),
    ],
    ids=["stopped", "held", "not to give"],
)
def test_ciclosporin_that_ends_now_gives_way_to_tacrolimus(ending: Use) -> None:
    found = judged(other(), drafts=(ending, again()))
    assert found is not None
    assert (found.meeting, found.last, found.begins, found.gap) == (BACK, When.on(TODAY), TODAY, SHORT)
    assert meeting(other(), drafts=(again(replaces=CSA),)) is BACK


def test_ending_one_of_two_resolves_an_overlap_without_a_word() -> None:
    assert judged(running(), other(), drafts=(STOP,)) is None
    ended = draft("cyclosporine", 200, reference=CSA, status=UseStatus.STOPPED, start=-100)
    assert judged(running(), other(), drafts=(ended, again())) is None
    assert judged(running(), other(), drafts=(STOP, begun())) is None


# --- one in the place of the other


@pytest.mark.parametrize(("begins", "exchanged"), [(-23, True), (-16, True), (-15, False), (-30, True), (-31, False)])
def test_the_other_is_begun_within_two_weeks(begins: int, exchanged: bool) -> None:
    found = meeting(use(end=-30), other(begins), drafts=(begun(),))
    assert found is (TO_OTHER if exchanged else None)


@pytest.mark.parametrize(("end", "exchanged"), [(-14, True), (-15, False)])
def test_a_draft_without_a_start_begins_today(end: int, exchanged: bool) -> None:
    assert meeting(use(end=end), drafts=(begun(start=None, asserted=None),)) is (TO_OTHER if exchanged else None)


def test_a_last_day_known_to_some_days_must_fit_at_both() -> None:
    assert meeting(use(end=When(day(-14), day(-2))), drafts=(begun(),)) is TO_OTHER
    assert meeting(use(end=When(day(-15), day(-2))), drafts=(begun(),)) is None
    assert meeting(use(end=When(day(-3), day(-1))), drafts=(begun(start=-2),)) is None


def test_a_hold_can_be_bridged_by_the_other() -> None:
    held = order(reference=TAC, status=UseStatus.ON_HOLD, end=-5)
    assert meeting(held, drafts=(begun(),)) is TO_OTHER


def test_a_stop_of_unknown_day_tells_of_no_exchange() -> None:
    assert judged(order(status=UseStatus.STOPPED), drafts=(begun(),)) is None
    assert judged(order(status=UseStatus.ON_HOLD), drafts=(begun(),)) is None


def test_a_planned_end_is_an_end() -> None:
    found = judged(running(end=3, status=UseStatus.ACTIVE), drafts=(begun(start=5),))
    assert found is not None
    assert (found.meeting, found.last, found.begins, found.gap) == (TO_OTHER, When.on(day(3)), day(5), LONG)
    back = judged(other(end=3, status=UseStatus.ACTIVE), drafts=(again(start=4),))
    assert back is not None
    assert (back.meeting, back.last, back.begins, back.gap) == (BACK, When.on(day(3)), day(4), UNCERTAIN)


@pytest.mark.parametrize(("end", "exchanged"), [(-14, True), (-15, False)])
def test_tacrolimus_is_begun_within_two_weeks_of_the_other(end: int, exchanged: bool) -> None:
    ended = other(end=end)
    found = judged(ended, drafts=(again(),))
    assert (found.meeting if found else None) is (BACK if exchanged else None)
    assert found is None or found.other == ended


def test_of_several_ends_of_the_other_the_last_counts() -> None:
    earlier = other(-300, end=-200, reference="MedicationRequest/earlier", status=UseStatus.COMPLETED)
    unknown = other(-300, reference="MedicationRequest/unknown", status=UseStatus.STOPPED)
    found = judged(earlier, unknown, other(end=-5), drafts=(again(),))
    assert found is not None
    assert found.last == When.on(day(-5))


def test_an_eye_drop_that_ended_is_no_exchange() -> None:
    drops = order(drug("cyclosporine", systemic=False), 1, -100, -5)
    assert judged(drops, drafts=(again(),)) is None


# --- the hours between


@pytest.mark.parametrize(("end", "gap"), [(0, SHORT), (-1, UNCERTAIN), (-2, LONG)])
def test_days_alone_tell_only_so_much(end: int, gap: Gap) -> None:
    found = judged(use(end=end), drafts=(begun(),))
    assert found is not None
    assert found.gap is gap


@pytest.mark.parametrize(
    ("ended", "starts", "gap"),
    [
        (at(-1, 20), at(0, 8), SHORT),
        (at(-1, 20), at(0, 19, 59), SHORT),
        (at(-1, 20), at(0, 20), LONG),
        (at(-1, 20), None, UNCERTAIN),
        (None, at(0, 8), UNCERTAIN),
        (at(-2, 8), at(0, 8), UNCERTAIN),
        (at(-1, 8), at(1, 8), UNCERTAIN),
    ],
    ids=["12 hours", "a minute too few", "24 hours", "no first", "no last", "last of another day", "first of another day"],
)
def test_hours_decide_where_they_were_recorded(ended: datetime | None, starts: datetime | None, gap: Gap) -> None:
    """An instant of another day than the last, or the first, belongs to another dose."""
    found = judged(use(end=-1, ends_at=ended), drafts=(begun(starts_at=starts),))
    assert found is not None
    assert found.gap is gap


def test_the_last_of_several_doses_given_counts() -> None:
    doses = tuple(given(-1, ends_at=at(-1, hour), reference=f"MedicationAdministration/{hour}") for hour in (8, 20))
    found = judged(use(end=-1), *doses, drafts=(begun(starts_at=at(0, 12)),))
    assert found is not None
    assert found.gap is SHORT


def test_days_begin_at_midnight_of_the_site() -> None:
    """Where it is the next morning already, the instants belong to the last and the first day; in UTC to neither."""
    ended, drafts = use(end=-1, ends_at=at(-2, 20)), (begun(starts_at=at(-1, 21)),)
    there = judged(ended, drafts=drafts, timezone="Pacific/Auckland")
    assert there is not None
    assert there.gap is LONG
    here = judged(ended, drafts=drafts)
    assert here is not None
    assert here.gap is UNCERTAIN


@pytest.mark.parametrize(("hours", "gap"), [(24, LONG), (36, LONG), (37, SHORT)])
def test_a_site_may_want_more_hours(hours: int, gap: Gap) -> None:
    found = judged(use(end=-1, ends_at=at(-1, 8)), drafts=(begun(starts_at=at(0, 20)),), inhibitor_gap_hours=hours)
    assert found is not None
    assert found.gap is gap


# --- whether the class goes on


@pytest.mark.parametrize(
    ("medicines", "drafts", "goes_on"),
    [
        ((other(),), (), True),
        ((), (begun(),), True),
        ((other(end=-3),), (), False),
        ((order(drug("cyclosporine", systemic=None), 200, -100),), (), False),
        ((running(),), (), False),
    ],
)
def test_whether_another_inhibitor_is_taken_or_ordered(
    medicines: tuple[Use, ...], drafts: tuple[Use, ...], goes_on: bool
) -> None:
    assert case(told(*medicines, drafts=drafts)).other_inhibitor is goes_on
