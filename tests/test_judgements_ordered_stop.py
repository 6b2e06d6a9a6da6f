"""Does an order in this request stop systemic tacrolimus? Each shape of a stop beside its twin that is none."""

from datetime import timedelta
from typing import Any

import pytest

from cds_service.knowledge.judgements import exposure, ordered_stop
from cds_service.knowledge.judgements.ordered_stop import OrderedStop, Sign
from cds_service.patient.facts import Drug, Use, UseStatus
from cds_service.patient.tapers import TaperKind
from tests.builders import TODAY, Day, day, dispense, doses, draft, drug, line, month, order, parameters, record, use

IN_FORCE = parameters()
ORDER = "MedicationRequest/tac"
STOPPED, CANCELLED, COMPLETED, HELD = UseStatus.STOPPED, UseStatus.CANCELLED, UseStatus.COMPLETED, UseStatus.ON_HOLD
RUNNING = order(reference=ORDER, asserted=-20)


def judged(*drafts: Use, medicines: tuple[Use, ...] = (RUNNING,)) -> OrderedStop | None:
    told = record(*medicines, drafts=drafts)
    return ordered_stop.judge(told, exposure.judge(told, IN_FORCE), IN_FORCE)


def revised(status: UseStatus, medicine: Drug | str = "tacrolimus", end: Day = None, **more: Any) -> Use:
    """The running order, signed again with another status."""
    return draft(medicine, reference=more.pop("reference", ORDER), status=status, start=-300, end=end, **more)


# --- what stops


@pytest.mark.parametrize("status", [STOPPED, CANCELLED, COMPLETED])
def test_an_order_signed_as_ended_stops(status: UseStatus) -> None:
    ended = revised(status)
    found = judged(ended)
    assert found is not None
    assert (found.draft, found.hold, found.days_before) == (ended, False, 180)
    assert found.taper is not None
    assert found.taper.kind is TaperKind.ABRUPT


def test_an_order_on_hold_is_a_hold() -> None:
    found = judged(revised(HELD))
    assert found is not None
    assert found.hold


@pytest.mark.parametrize(("reason", "hold"), [("acute-kidney-injury", True), ("infection", True), ("planned-taper", False)])
def test_a_stop_for_a_reason_that_requires_it_is_a_hold(reason: str, hold: bool) -> None:
    found = judged(revised(STOPPED, reasons=frozenset({reason})))
    assert found is not None
    assert found.hold is hold


def test_an_order_not_to_give_stops() -> None:
    found = judged(draft(forbids=True))
    assert found is not None
    assert found.draft.forbids


def test_an_order_not_to_give_stops_whatever_else_runs() -> None:
    assert (
        judged(draft(forbids=True, reference="MedicationRequest/new"), medicines=(RUNNING, order(drug(strength=1)))) is not None
    )


@pytest.mark.parametrize(
    ("end", "stops"),
    [(0, True), (-1, True), (7, True), (8, False), (None, False), (month(2026, 3), False), (month(2026, 2), True)],
)
def test_a_running_order_revised_to_end_within_days_stops(end: Day, stops: bool) -> None:
    assert bool(judged(revised(UseStatus.ACTIVE, end=end))) is stops


def test_an_order_signed_again_that_was_to_end_anyway_stops_nothing() -> None:
    ending = order(reference=ORDER, asserted=-20, end=5, status=UseStatus.ACTIVE)
    assert judged(revised(UseStatus.ACTIVE, end=5), medicines=(ending,)) is None
    assert judged(revised(UseStatus.ACTIVE, end=6), medicines=(ending,)) is None
    sooner = judged(revised(UseStatus.ACTIVE, end=4), medicines=(ending,))
    assert sooner is not None
    assert (sooner.sign, sooner.last) == (Sign.REVISED, day(4))


def test_a_statement_of_the_record_may_be_what_is_revised() -> None:
    told = use(reference=ORDER, asserted=-20)
    assert judged(revised(UseStatus.ACTIVE, end=0), medicines=(told,)) is not None


def test_a_dose_of_zero_signed_is_a_hold() -> None:
    for zero in (draft(mg=0), revised(UseStatus.ACTIVE, lines=(line(0),))):
        found = judged(zero)
        assert found is not None
        assert (found.hold, found.sign) == (True, Sign.ENDED)


def test_a_new_order_for_a_short_time_stops_nothing() -> None:
    assert judged(draft(status=UseStatus.ACTIVE, end=0, reference="MedicationRequest/other")) is None
    assert judged(draft(end=0)) is None


# --- what does not


def test_no_draft_or_another_medicine() -> None:
    assert judged() is None
    assert judged(revised(STOPPED, "atorvastatin")) is None


def test_an_ointment_ended_stops_nothing() -> None:
    assert judged(revised(STOPPED, drug(systemic=False))) is None


def test_a_product_without_route_may_be_the_capsules() -> None:
    assert judged(revised(STOPPED, drug(systemic=None))) is not None


@pytest.mark.parametrize("status", [UseStatus.DRAFT, UseStatus.ACTIVE, UseStatus.INTENDED])
def test_a_stop_beside_a_new_order_is_a_change_of_dose(status: UseStatus) -> None:
    assert judged(revised(STOPPED), draft(mg=3, status=status, reference="MedicationRequest/new")) is None


def test_a_completed_order_beside_its_renewal_is_no_stop() -> None:
    assert judged(revised(COMPLETED), draft(replaces=ORDER)) is None


def test_a_stop_beside_an_order_that_ends_now_is_a_stop() -> None:
    assert judged(revised(STOPPED), draft(end=0, reference="MedicationRequest/new")) is not None


def test_a_draft_of_unknown_status_says_nothing() -> None:
    assert judged(revised(UseStatus.UNKNOWN)) is None


# --- what remains


def test_another_strength_that_goes_on_remains() -> None:
    both = (
        order(drug(strength="1/2"), 1, reference=ORDER),
        order(drug(strength=1), 3, reference="MedicationRequest/1mg", asserted=-20),
    )
    assert judged(revised(STOPPED), medicines=both) is None
    assert judged(revised(STOPPED), revised(STOPPED, reference="MedicationRequest/1mg"), medicines=both) is not None


@pytest.mark.parametrize(
    "other",
    [
        order(drug(strength=1), 3, -300, -30, reference="MedicationRequest/1mg", status=UseStatus.ACTIVE),
        order(drug(strength=1), 3, reference="MedicationRequest/1mg", status=STOPPED, end=-200),
        order(drug(strength=1, systemic=False), 3, reference="MedicationRequest/1mg"),
        order(drug(strength=1, systemic=None), 3, reference="MedicationRequest/1mg"),
        order(drug("prednisone", strength=1), 3, reference="MedicationRequest/1mg"),
        order(drug(strength=1), 3, reference="MedicationRequest/1mg", forbids=True),
    ],
    ids=["ran out and never closed", "stopped", "ointment", "route unknown", "another medicine", "not to give"],
)
def test_what_no_longer_runs_or_is_no_capsule_does_not_remain(other: Use) -> None:
    own = order(drug(strength="1/2"), 4, reference=ORDER, asserted=-20)
    assert judged(revised(STOPPED), medicines=(own, other)) is not None


def test_a_newer_order_remains_and_an_older_one_does_not() -> None:
    newer, older = order(start=-30, reference="MedicationRequest/new"), order(start=-900, reference="MedicationRequest/old")
    assert judged(revised(STOPPED), medicines=(RUNNING, newer)) is None
    assert judged(revised(STOPPED), medicines=(RUNNING, older)) is not None


@pytest.mark.parametrize("status", [STOPPED, CANCELLED])
def test_ending_one_of_two_orders_of_one_day_leaves_the_other(status: UseStatus) -> None:
    """Ordered twice by mistake: the copy that is ended takes nothing away."""
    copies = RUNNING, order(reference="MedicationRequest/copy", asserted=-20)
    assert judged(revised(status), medicines=copies) is None
    assert judged(revised(status), revised(status, reference="MedicationRequest/copy"), medicines=copies) is not None


def test_of_two_strengths_the_one_not_to_be_given_is_a_change_of_dose() -> None:
    large = order(drug(strength=1), 4, reference="MedicationRequest/1")
    both = large, order(drug(strength="1/2"), 1, reference="MedicationRequest/2")
    assert judged(draft(drug(strength=1), forbids=True), medicines=both) is None
    assert judged(draft(drug(), forbids=True), medicines=both) is not None
    assert judged(revised(STOPPED, drug(strength=1), reference="MedicationRequest"), medicines=both) is None


@pytest.mark.parametrize("other", [drug(strength=5), drug(strength=1, formulation="extended-release-tablet")])
def test_a_product_not_to_be_given_that_is_not_taken_stops_nothing(other: Drug) -> None:
    taken = order(drug(strength=1), 4, reference=ORDER, asserted=-20)
    assert judged(draft(other, forbids=True), medicines=(taken,)) is None


def test_a_single_giving_that_is_cancelled_is_no_stop_of_the_standing_order() -> None:
    single = draft(reference="MedicationRequest/child", status=STOPPED, instance_of=ORDER)
    assert judged(single) is None
    assert judged(single, medicines=(use(asserted=-20),)) is not None


def test_a_draft_thrown_away_is_no_stop_of_what_a_statement_tells() -> None:
    assert judged(draft(status=CANCELLED), medicines=(use(asserted=-20),)) is None


# --- what takes its place


@pytest.mark.parametrize("other", ["azathioprine", "atorvastatin"])
def test_another_medicine_in_its_place_stops_it(other: str) -> None:
    found = judged(draft(other, replaces=ORDER))
    assert found is not None
    assert (found.draft, found.sign) == (RUNNING, Sign.REPLACED)


@pytest.mark.parametrize(
    "other",
    [
        draft("azathioprine", 100),
        draft("azathioprine", 100, replaces="MedicationRequest/other"),
        draft("azathioprine", 100, replaces=ORDER, status=CANCELLED),
        draft("azathioprine", 100, replaces=ORDER, forbids=True),
        draft(drug(strength=5), 4, replaces=ORDER),
        draft(drug(formulation="extended-release-tablet"), 4, replaces=ORDER),
    ],
    ids=["beside it", "in another's place", "thrown away", "not to give", "another strength", "another formulation"],
)
def test_another_order_that_does_not_take_its_place_stops_nothing(other: Use) -> None:
    assert judged(other) is None


# --- an order that is the way to zero


def down(*steps: tuple[int | str, int], **more: Any) -> Use:
    """A new order in successive steps of (mg a day, days) from today on."""
    lines, at = [], 0
    for mg, days in steps:
        lines.append(line(mg, start=at, end=at + days - 1))
        at += days
    return draft(reference="MedicationRequest/new", lines=tuple(lines), start=0, end=at - 1, **more)


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        (((2, 7), (1, 7)), TaperKind.RAPID),
        (((2, 14), (1, 13)), TaperKind.RAPID),
        (((2, 14), (1, 14)), TaperKind.COMPLETE),
        (((3, 14), (2, 14), (1, 14)), TaperKind.COMPLETE),
    ],
)
def test_an_order_in_steps_down_to_zero_is_judged_as_a_taper(steps: tuple[tuple[int, int], ...], kind: TaperKind) -> None:
    found = judged(down(*steps))
    assert found is not None
    assert found.taper is not None
    length = sum(days for _, days in steps)
    assert (found.sign, found.taper.kind, found.taper.days, found.last) == (Sign.TAPERED, kind, length, day(length - 1))


@pytest.mark.parametrize(
    ("steps", "more", "ends"),
    [
        (((2, 27),), {"replaces": ORDER}, True),
        (((2, 28),), {"replaces": ORDER}, True),
        (((2, 29),), {"replaces": ORDER}, False),
        (((2, 14),), {}, False),
        (((2, 14),), {"replaces": "MedicationRequest/other"}, False),
        ((("2.1", 14),), {"replaces": ORDER}, False),
        (((4, 14),), {"replaces": ORDER}, False),
        (((6, 7), (4, 7)), {}, False),
    ],
)
def test_much_less_for_a_short_time_in_place_of_the_old_order_is_a_way_to_zero(
    steps: tuple[tuple[int | str, int], ...], more: dict[str, str], ends: bool
) -> None:
    assert bool(judged(down(*steps, **more))) is ends


def test_much_less_for_a_short_time_beside_a_stop_of_the_old_order_is_a_way_to_zero() -> None:
    assert judged(revised(STOPPED), down((2, 14))) is not None
    assert judged(revised(STOPPED), down((2, 14)), draft(mg=2)) is None
    assert judged(revised(STOPPED), draft(mg=2, lines=(line(None, start=0, end=9),))) is None


def test_the_end_of_the_order_itself_counts_where_its_dosage_has_none() -> None:
    """As where it is the validity of a prescription."""
    lines = (line(1, start=0),)
    assert judged(draft(lines=lines, end=6, replaces=ORDER)) is not None
    assert judged(draft(lines=lines, end=300, replaces=ORDER)) is None
    assert judged(draft(lines=lines, end=None, replaces=ORDER)) is None


# --- a product of which nobody knows whether it is systemic


def test_the_end_of_a_product_without_a_route_is_told_apart() -> None:
    vague = drug(systemic=None)
    told = record(order(vague, reference=ORDER), drafts=(revised(STOPPED, vague),))
    found = exposure.judge(told, IN_FORCE)
    assert ordered_stop.judge(told, found, IN_FORCE) is None
    assert ordered_stop.of_unknown_route(told, found) == told.drafts[0]


@pytest.mark.parametrize(
    ("medicine", "drafted"),
    [
        (drug(), revised(STOPPED, drug(systemic=None))),
        (drug(systemic=False), revised(STOPPED, drug(systemic=None))),
        (drug(systemic=None), revised(STOPPED)),
        (drug(systemic=None), draft(drug(systemic=None))),
    ],
    ids=["capsules", "ointment", "a draft of capsules", "a renewal"],
)
def test_otherwise_there_is_none(medicine: Drug, drafted: Use) -> None:
    told = record(order(medicine, reference=ORDER, asserted=-20), drafts=(drafted,))
    assert ordered_stop.of_unknown_route(told, exposure.judge(told, IN_FORCE)) is None


@pytest.mark.parametrize(
    ("begun", "before", "stops"),
    [
        (-1, (), True),
        (0, (), False),
        (1, (), False),
        (None, (), False),
        (0, (order(end=-1, status=COMPLETED),), True),
        (0, (order(status=CANCELLED),), False),
    ],
)
def test_an_order_cancelled_on_its_first_day_was_never_in_force(begun: int | None, before: tuple[Use, ...], stops: bool) -> None:
    """Unless it went on with what was taken before."""
    medicines = (order(reference=ORDER, start=begun, asserted=0), *before)
    cancelled = draft(reference=ORDER, status=CANCELLED, start=begun)
    assert bool(judged(cancelled, medicines=medicines)) is stops


def test_cancelling_a_second_copy_of_the_order_is_no_stop() -> None:
    """The draft ends an order that the record does not hold; the one it holds goes on."""
    assert judged(revised(CANCELLED, reference="MedicationRequest/copy")) is None


def test_a_stop_without_an_id_may_be_of_any_order() -> None:
    """Clients send orders to sign without an id; a cancelled one may be a draft that was thrown away."""
    assert judged(revised(STOPPED, reference="MedicationRequest")) is not None
    assert judged(revised(CANCELLED, reference="MedicationRequest")) is None


def test_a_stop_of_an_order_that_is_not_listed_stops_what_only_a_statement_tells() -> None:
    assert judged(revised(STOPPED), medicines=(use(asserted=-20),)) is not None


# --- where tacrolimus stands before


@pytest.mark.parametrize(
    "medicines",
    [
        (),
        (use(end=-9),),
        (order(status=CANCELLED, reference=ORDER),),
        (use(drug(systemic=False)),),
        (order(status=HELD, reference=ORDER),),
        (use(status=UseStatus.UNKNOWN),),
    ],
    ids=["none", "stopped before", "never taken", "ointment", "held before", "unknown"],
)
def test_stopping_what_is_not_in_use_is_no_news(medicines: tuple[Use, ...]) -> None:
    assert judged(revised(STOPPED), medicines=medicines) is None


@pytest.mark.parametrize(
    "medicines",
    [
        (order(reference=ORDER, start=-500, asserted=-400),),
        (order(reference=ORDER, asserted=-100), dispense(-90, 30)),
        (order(reference=ORDER, asserted=-100), use(start=None, asserted=-10, status=UseStatus.NOT_TAKEN)),
    ],
    ids=["stale", "supply gap", "conflict"],
)
def test_a_doubtful_use_can_be_stopped(medicines: tuple[Use, ...]) -> None:
    assert judged(revised(STOPPED), medicines=medicines) is not None


# --- how abrupt it would be


def test_the_end_of_a_taper_is_judged_up_to_today() -> None:
    tapering = (*doses((4, 200), (2, 14), last=-14), order(mg=1, start=-13, reference=ORDER))
    found = judged(revised(STOPPED), medicines=tapering)
    assert found is not None
    assert found.taper is not None
    assert (found.taper.kind, found.taper.days) == (TaperKind.COMPLETE, 28)
    assert found.taper.began == TODAY - timedelta(days=27)


def test_days_of_use_are_counted_to_today() -> None:
    found = judged(revised(STOPPED), medicines=(order(start=-26, reference=ORDER),))
    assert found is not None
    assert found.days_before == 27


def test_without_known_days_of_use_there_is_no_taper_to_judge() -> None:
    found = judged(revised(STOPPED), medicines=(use(start=None, asserted=-20),))
    assert found is not None
    assert (found.taper, found.days_before) == (None, 0)


def test_stopping_an_order_of_dose_zero_is_no_news() -> None:
    """Some systems write a hold so: the drug has not been given since."""
    paused = (order(start=-300, end=-11, status=COMPLETED), order(mg=0, start=-10, reference=ORDER))
    assert judged(revised(STOPPED), medicines=paused) is None


def test_of_a_hold_and_a_stop_the_hold_is_told() -> None:
    both = order(reference="MedicationRequest/1"), order(reference="MedicationRequest/2", asserted=-20)
    held = revised(HELD, reference="MedicationRequest/2")
    found = judged(revised(STOPPED, reference="MedicationRequest/1"), held, medicines=both)
    assert found is not None
    assert (found.draft, found.hold) == (held, True)
