"""Does an order in this request stop systemic tacrolimus? Each shape of a stop beside its twin that is none."""

from datetime import timedelta
from typing import Any

import pytest

from cds_service.knowledge.judgements import exposure, ordered_stop
from cds_service.knowledge.judgements.ordered_stop import OrderedStop
from cds_service.patient.facts import Drug, Use, UseStatus
from cds_service.patient.tapers import TaperKind
from tests.builders import TODAY, Day, dispense, doses, draft, drug, month, order, parameters, record, use

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
    [(0, True), (-1, True), (1, False), (180, False), (None, False), (month(2026, 3), False), (month(2026, 2), True)],
)
def test_a_running_order_revised_to_end_now_stops(end: Day, stops: bool) -> None:
    assert bool(judged(revised(UseStatus.ACTIVE, end=end))) is stops


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
