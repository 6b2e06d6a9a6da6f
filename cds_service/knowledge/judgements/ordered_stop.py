"""Does an order in this request stop systemic tacrolimus?

What the orders say decides, never that one is absent. A stop and a live order for tacrolimus in the same request are a change of
dose; an order that only ends as erroneous was never a stop.
"""

from datetime import date

from msgspec import Struct

from cds_service.knowledge.judgements.exposure import Exposure, daily_line, recognised, to_the_last_dose
from cds_service.knowledge.judgements.treatment import runs
from cds_service.knowledge.judgements.usage import HOLD_REASONS, TACROLIMUS, ExposureClass
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.bounds import first_day
from cds_service.patient.facts import Record, Use, UseStatus
from cds_service.patient.tapers import Taper
from cds_service.patient.timeline import days_on
from cds_service.patient.when import shift

ENDING = frozenset({UseStatus.STOPPED, UseStatus.CANCELLED, UseStatus.COMPLETED})


class OrderedStop(Struct, frozen=True):
    """The judgement: the order that stops, how abrupt that would be, and for how long tacrolimus was taken.

    ``hold`` tells that it is a hold, or stopped for a reason that has to be.
    """

    draft: Use
    taper: Taper | None
    days_before: int
    hold: bool = False


def _of_tacrolimus(record: Record) -> list[Use]:
    return [use for use in record.drafts if use.drug.ingredient == TACROLIMUS and use.drug.systemic is not False]


def _goes_on(use: Use, record: Record) -> bool:
    """Whether a draft keeps tacrolimus going: a new or revised order that does not end now."""
    ends_now = use.end is not None and use.end.latest <= record.asof
    return not use.forbids and use.status in {UseStatus.DRAFT, UseStatus.ACTIVE, UseStatus.INTENDED} and not ends_now


def _stops(use: Use, record: Record, exposure: Exposure) -> bool:
    """Whether a draft says stop: told not to give, ended, held, or an order that is running and revised to end now."""
    if use.forbids or use.status in ENDING or use.status is UseStatus.ON_HOLD:
        return True
    known = any(order.reference == use.reference for order in exposure.uses)
    return known and use.status is UseStatus.ACTIVE and use.end is not None and use.end.latest <= record.asof


def _remaining(stopping: list[Use], record: Record) -> bool:
    """Whether another order for tacrolimus still runs beside the ones that are stopped.

    Another strength goes on; so does a newer order, or a second one of the same day. An older one of the same strength is what
    the stopped order renewed and nobody ended. A draft that ends an order the record does not hold ends none of those it does;
    one without an id may be any.
    """
    ended = {use.reference for use in stopping}
    others = [order for order in record.orders or () if runs(order, record.asof) and order.reference not in ended]
    running = [order for order in others if order.drug.ingredient == TACROLIMUS and order.drug.systemic and not order.forbids]
    known = [order for order in record.orders or () if order.reference in ended]
    if not known:
        return bool(running) and not any(use.forbids or _nameless(use) for use in stopping)
    strengths = {order.drug.strength for order in known}
    newest = max(first_day(order) or date.min for order in known)
    return any(order.drug.strength not in strengths or (first_day(order) or date.min) >= newest for order in running)


def _nameless(use: Use) -> bool:
    """Whether a draft ends an order that was there and does not say which; a cancelled one may never have been."""
    return "/" not in use.reference and use.status is not UseStatus.CANCELLED


def judge(record: Record, exposure: Exposure, parameters: Parameters) -> OrderedStop | None:
    """The stop that the drafts of this request order, None when they order none.

    It presupposes that tacrolimus is in use: stopping what never ran, or what ended before, is no news.
    """
    if exposure.kind not in {ExposureClass.ACTIVE, ExposureClass.STALE, ExposureClass.SUPPLY_GAP, ExposureClass.CONFLICT}:
        return None
    drafts = _of_tacrolimus(record)
    stopping = [use for use in drafts if _stops(use, record, exposure)]
    if not stopping or any(_goes_on(use, record) for use in drafts if use not in stopping) or _remaining(stopping, record):
        return None
    line = to_the_last_dose(daily_line(record, exposure.uses, parameters))
    taper = recognised(line, parameters)
    before = days_on(line, shift(record.asof, 1 - parameters.min_exposure_window_days), record.asof)
    held = [use for use in stopping if use.status is UseStatus.ON_HOLD or use.reasons & HOLD_REASONS]
    return OrderedStop((held or stopping)[0], taper, before, bool(held))
