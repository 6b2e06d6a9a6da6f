"""At discharge: is tacrolimus among the orders for the time after the stay?"""

from typing import Any

import pytest

from cds_service.knowledge.judgements.discharge import Discharge, DischargeState
from cds_service.patient.facts import Loss, Record, Use, UseStatus
from cds_service.patient.when import When
from tests.builders import case, day, dispense, drug, given, lost, order, record, use

OMITTED, NO_ORDERS, NOT_RECEIVED = DischargeState.OMITTED, DischargeState.NO_ORDERS, DischargeState.NOT_RECEIVED
STAY = "stay-1"
HOME = use(asserted=-20)


def home(ingredient: str | Any = "paracetamol", **more: Any) -> Use:
    """An order for the time after the stay."""
    told = {"start": 0, "at_discharge": True, "encounter": STAY, "reference": f"MedicationRequest/{ingredient}-home", **more}
    return order(ingredient, **told)


def leaving(*medicines: Use, **more: Any) -> Record:
    return record(*medicines, **{"hook": "encounter-discharge", "encounter": STAY, **more})


def judged(*medicines: Use, **more: Any) -> Discharge | None:
    return case(leaving(*medicines, **more)).discharge


def state(*medicines: Use, **more: Any) -> DischargeState | None:
    found = judged(*medicines, **more)
    return found.state if found else None


def test_tacrolimus_missing_among_the_discharge_orders() -> None:
    assert judged(HOME, home()) == Discharge(OMITTED, (home(),), 180)


@pytest.mark.parametrize("status", [UseStatus.ACTIVE, UseStatus.DRAFT, UseStatus.INTENDED, UseStatus.COMPLETED])
def test_tacrolimus_among_them(status: UseStatus) -> None:
    assert state(HOME, home(), home("tacrolimus", status=status)) is None


def test_tacrolimus_of_unknown_route_among_them_counts() -> None:
    assert state(HOME, home(), home(drug(systemic=None), reference="MedicationRequest/unknown")) is None


@pytest.mark.parametrize(
    "ordered",
    [
        home("tacrolimus", status=UseStatus.CANCELLED),
        home("tacrolimus", forbids=True),
        home(drug(systemic=False), reference="MedicationRequest/ointment"),
        home("tacrolimus", at_discharge=False),
        home("tacrolimus", encounter="stay-0"),
    ],
    ids=["cancelled", "not to give", "ointment", "for the stay itself", "of another stay"],
)
def test_an_order_that_does_not_carry_it_home_does_not_count(ordered: Use) -> None:
    assert state(HOME, home(), ordered) is OMITTED


@pytest.mark.parametrize("hook", ["patient-view", "order-sign"])
def test_elsewhere_nothing_is_compared(hook: str) -> None:
    assert state(HOME, home(), hook=hook) is None


@pytest.mark.parametrize(
    "medicines",
    [(), (use(end=-9),), (use(drug(systemic=False), asserted=-20),), (use(asserted=-200),), (order(status=UseStatus.ON_HOLD),)],
    ids=["none", "stopped", "ointment", "stale", "on hold"],
)
def test_what_is_not_surely_in_use_is_not_missed(medicines: tuple[Use, ...]) -> None:
    assert state(*medicines, home()) is None


def test_what_was_given_in_the_stay_is_missed_too() -> None:
    assert state(given(-1), home()) is OMITTED
    assert state(dispense(-10, 30), home()) is OMITTED


# --- which orders belong to the stay


@pytest.mark.parametrize(("written", "wanted"), [(-14, OMITTED), (-15, NO_ORDERS), (None, NO_ORDERS)])
def test_an_order_that_names_no_stay_must_be_recent(written: int | None, wanted: DischargeState) -> None:
    assert state(HOME, home(encounter=None, start=None, asserted=written)) is wanted


def test_a_day_of_writing_known_to_some_days_must_be_recent_at_both() -> None:
    assert state(HOME, home(encounter=None, asserted=When(day(-14), day(-1)))) is OMITTED
    assert state(HOME, home(encounter=None, asserted=When(day(-15), day(-1)))) is NO_ORDERS


def test_an_order_without_a_day_of_writing_counts_from_its_start() -> None:
    assert state(HOME, home(encounter=None, asserted=None)) is OMITTED


def test_where_the_request_names_no_stay_recent_orders_count() -> None:
    assert state(HOME, home(encounter="stay-7"), encounter=None) is OMITTED


# --- lists that did not come


@pytest.mark.parametrize("loss", [Loss.INCOMPLETE, Loss.UNREADABLE])
def test_a_list_that_is_not_whole_leaves_it_open(loss: Loss) -> None:
    assert state(HOME, home(), lost=lost("medication orders", loss=loss)) is NOT_RECEIVED
    assert state(HOME, home("tacrolimus"), lost=lost("medication orders", loss=loss)) is None


def test_a_list_that_did_not_come_leaves_it_open() -> None:
    assert state(HOME, orders=None, lost=lost("medication orders", loss=Loss.NOT_SENT)) is NOT_RECEIVED


def test_another_list_that_is_lost_changes_nothing() -> None:
    assert state(HOME, home(), lost=lost("conditions", loss=Loss.FAILED)) is OMITTED


def test_an_empty_list_is_no_order_at_all() -> None:
    assert state(HOME) is NO_ORDERS


# --- how long it was taken


@pytest.mark.parametrize(("start", "days"), [(-27, 28), (-300, 180)])
def test_the_days_of_use_in_the_half_year_are_counted(start: int, days: int) -> None:
    found = judged(use(start=start, asserted=-1), home())
    assert found is not None
    assert found.days_before == days


def test_where_the_order_of_the_ward_ended_and_the_list_from_home_says_taken_it_is_missed() -> None:
    """The record contradicts itself; among the orders for the time after it is missing all the same."""
    ended = order(start=-10, end=-1, reference="MedicationRequest/ward")
    assert state(use(asserted=0), ended, home()) is OMITTED
    assert state(use(asserted=0), ended, home("tacrolimus")) is None
    assert state(use(asserted=0), ended) is None


def test_a_stop_that_is_ordered_at_discharge_is_the_stops_own_matter() -> None:
    running = order(reference="MedicationRequest/tac", asserted=-20)
    stop = order(reference="MedicationRequest/tac", status=UseStatus.STOPPED)
    assert state(running, home(), drafts=(stop,)) is None
