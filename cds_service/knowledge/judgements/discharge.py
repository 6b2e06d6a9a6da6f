"""Discharge from hospital: is the tacrolimus that was taken at home, or during the stay, among the orders for the time after?"""

from enum import StrEnum

from msgspec import Struct

from cds_service.knowledge.judgements.exposure import Exposure
from cds_service.knowledge.judgements.usage import TACROLIMUS, ExposureClass
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.facts import Record, Use, UseStatus
from cds_service.patient.timeline import days_on
from cds_service.patient.when import days_between, shift

GOING = frozenset({UseStatus.ACTIVE, UseStatus.DRAFT, UseStatus.INTENDED, UseStatus.COMPLETED})
"""The statuses under which an order for the time after the stay stands; completed where it was filled before the person left."""

HOOK = "encounter-discharge"
IN_USE = frozenset({ExposureClass.ACTIVE, ExposureClass.CONFLICT})
"""The classes in which a list says that it is taken. In a conflict an order says otherwise: those of a ward end with the stay."""


class DischargeState(StrEnum):
    """What the discharge orders say of tacrolimus."""

    OMITTED = "omitted"
    NO_ORDERS = "no-orders"  # nothing was ordered for the time after the stay, or nothing that says so
    NOT_RECEIVED = "not-received"


class Discharge(Struct, frozen=True):
    """The judgement; ``orders`` are the orders for the time after this stay, ``days_before`` the days of use in the half year."""

    state: DischargeState
    orders: tuple[Use, ...] = ()
    days_before: int = 0


def judge(record: Record, exposure: Exposure, parameters: Parameters) -> Discharge | None:
    """The state at discharge; None elsewhere, where nothing says that tacrolimus is in use, and where it is among the orders."""
    if record.hook != HOOK or exposure.kind not in IN_USE:
        return None
    orders = tuple(use for use in record.orders or () if _of_this_stay(use, record, parameters))
    contradicted = exposure.kind is ExposureClass.CONFLICT
    if any(_goes_on(use) for use in orders) or (contradicted and not orders):
        return None
    if record.orders is None or any(lost.what == "medication orders" for lost in record.lost):
        return Discharge(DischargeState.NOT_RECEIVED)
    line = exposure.line
    before = days_on(line, shift(record.asof, 1 - parameters.min_exposure_window_days), record.asof)
    return Discharge(DischargeState.OMITTED if orders else DischargeState.NO_ORDERS, orders, before)


def _of_this_stay(use: Use, record: Record, parameters: Parameters) -> bool:
    """Whether an order is for the time after this stay; one that names no stay if it was written lately."""
    if not use.at_discharge:
        return False
    if use.encounter is not None and record.encounter is not None:
        return use.encounter == record.encounter
    written = use.asserted or use.start
    return written is not None and days_between(written.earliest, record.asof) <= parameters.discharge_recent_days


def _goes_on(use: Use) -> bool:
    return use.drug.ingredient == TACROLIMUS and use.drug.systemic is not False and not use.forbids and use.status in GOING
