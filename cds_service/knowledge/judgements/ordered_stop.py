"""Does an order in this request stop systemic tacrolimus?

What the orders say decides, never that one is absent. Of what they say, "not to give" and an end come first, then the replacement
by another medicine. A stop and a live order for tacrolimus in the same request are a change of dose, unless the new order is
itself a way to zero; an order that only ends as erroneous was never a stop.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from msgspec import Struct, structs

from cds_service.knowledge.judgements.exposure import Exposure, daily_line, recognised, to_the_last_dose
from cds_service.knowledge.judgements.treatment import runs
from cds_service.knowledge.judgements.usage import HOLD_REASONS, TACROLIMUS, ExposureClass
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.bounds import TAKEN, first_day
from cds_service.patient.doses import withheld
from cds_service.patient.facts import Record, Use, UseStatus
from cds_service.patient.tapers import Taper, TaperKind
from cds_service.patient.timeline import Segment, days_on
from cds_service.patient.when import When, days_between, shift

ENDING = frozenset({UseStatus.STOPPED, UseStatus.CANCELLED, UseStatus.COMPLETED})
GOING = frozenset({UseStatus.DRAFT, UseStatus.ACTIVE, UseStatus.INTENDED})
RUNNING = frozenset({ExposureClass.ACTIVE, ExposureClass.STALE, ExposureClass.SUPPLY_GAP, ExposureClass.CONFLICT})


class Sign(StrEnum):
    """By what an order says that tacrolimus is to end."""

    FORBIDDEN = "forbidden"  # it says not to give it
    ENDED = "ended"  # its status, or the list it stands in
    REVISED = "revised"  # it goes on, and its end was moved to these days
    REPLACED = "replaced"  # another medicine takes its place
    TAPERED = "tapered"  # the new order is the way to zero


class OrderedStop(Struct, frozen=True):
    """The judgement: the order that stops, how abrupt that would be, and for how long tacrolimus was taken.

    ``hold`` tells that it is a hold, or stopped for a reason that has to be. ``last`` is the last day with a dose where the order
    plans one.
    """

    draft: Use
    taper: Taper | None
    days_before: int
    hold: bool = False
    sign: Sign = Sign.ENDED
    last: date | None = None


class _Scene(Struct, frozen=True):
    """What the drafts are read against: the orders of the record by reference, and those for tacrolimus that run."""

    record: Record
    exposure: Exposure
    parameters: Parameters
    known: dict[str, Use]
    running: tuple[Use, ...]

    @property
    def near(self) -> date:
        """The last day that still counts as now."""
        return shift(self.record.asof, self.parameters.stop_near_days)


def judge(record: Record, exposure: Exposure, parameters: Parameters) -> OrderedStop | None:
    """The stop that the drafts of this request order, None when they order none.

    It presupposes that tacrolimus is in use: stopping what never ran, or what ended before, is no news.
    """
    if exposure.kind not in RUNNING or not record.drafts:
        return None
    scene = _scene(record, exposure, parameters)
    drafts = [use for use in record.drafts if use.drug.ingredient == TACROLIMUS and use.drug.systemic is not False]
    signs = {id(use): sign for use in drafts if (sign := _sign(use, scene))}
    ending = [use for use in drafts if id(use) in signs]
    going = [use for use in drafts if id(use) not in signs and _goes_on(use, record)]
    if going:
        return _tapering(going, ending, scene)
    replaced = _replaced(scene)
    if not (ending or replaced) or _remaining([*ending, *replaced], scene):
        return None
    held = [use for use in ending if _held(use)]
    draft = next(iter(held or ending or replaced))
    return _stop(draft, signs.get(id(draft), Sign.REPLACED), scene, hold=bool(held))


def of_unknown_route(record: Record, exposure: Exposure) -> Use | None:
    """A draft that ends a tacrolimus product whose route and form nobody recorded; None where there is none in use."""
    if exposure.kind is not ExposureClass.NOT_SYSTEMIC or not any(use.drug.systemic is None for use in exposure.uses):
        return None
    vague = [use for use in record.drafts if use.drug.ingredient == TACROLIMUS and use.drug.systemic is None]
    return next((use for use in vague if use.forbids or use.status in ENDING or _held(use)), None)


def _scene(record: Record, exposure: Exposure, parameters: Parameters) -> _Scene:
    known = {order.reference: order for order in record.orders or ()}
    running = tuple(
        order
        for order in known.values()
        if order.drug.ingredient == TACROLIMUS and order.drug.systemic and not order.forbids and runs(order, record.asof)
    )
    return _Scene(record, exposure, parameters, known, running)


def _stop(draft: Use, sign: Sign, scene: _Scene, *, hold: bool) -> OrderedStop:
    line = daily_line(scene.record, scene.exposure.uses, scene.parameters)
    taper, before = recognised(to_the_last_dose(line), scene.parameters), _days_before(line, scene)
    last = draft.end.latest if sign is Sign.REVISED and draft.end else None
    return OrderedStop(draft, taper, before, hold, sign, last)


def _days_before(line: Sequence[Segment], scene: _Scene) -> int:
    today = scene.record.asof
    return days_on(line, shift(today, 1 - scene.parameters.min_exposure_window_days), today)


# --- what one draft says


def _goes_on(use: Use, record: Record) -> bool:
    """Whether a draft keeps tacrolimus going: a new or revised order that does not end now."""
    ends_now = use.end is not None and use.end.latest <= record.asof
    return not use.forbids and use.status in GOING and not ends_now


def _held(use: Use) -> bool:
    return use.status is UseStatus.ON_HOLD or bool(use.reasons & HOLD_REASONS) or withheld(use.lines)


def _sign(use: Use, scene: _Scene) -> Sign | None:
    """By what a draft for tacrolimus says that it ends; None where it does not."""
    if use.forbids:
        return Sign.FORBIDDEN if _of_what_runs(use, scene) else None
    if use.status in ENDING:
        thrown_away = use.status is UseStatus.CANCELLED and _never_in_force(use, scene)
        single = any(order.reference == use.instance_of for order in scene.running)
        return None if thrown_away or single else Sign.ENDED
    if use.status is UseStatus.ON_HOLD or (use.status in GOING and withheld(use.lines)):
        return Sign.ENDED
    return Sign.REVISED if _ends_soon(use, scene) else None


def _never_in_force(use: Use, scene: _Scene) -> bool:
    """Whether an order was written in this request, or begins today where nothing was taken before."""
    known, today = scene.known.get(use.reference), scene.record.asof
    if known is None:
        return True
    before = (other for other in scene.exposure.uses if other.status in TAKEN and (first_day(other) or date.min) < today)
    return (first_day(known) or date.min) >= today and not any(before)


def _of_what_runs(use: Use, scene: _Scene) -> bool:
    """Whether what is not to be given may be a product that is taken: not another strength or formulation than all of them."""
    return not scene.running or any(_perhaps_one_product(use, order) for order in scene.running)


def _perhaps_one_product(one: Use, other: Use) -> bool:
    """Whether what both say of strength and formulation is the same."""
    named = ((one.drug.strength, other.drug.strength), (one.drug.formulation, other.drug.formulation))
    return all(this is None or that is None or this == that for this, that in named)


def _ends_soon(use: Use, scene: _Scene) -> bool:
    """Whether a known order goes on, and its end was moved to now or one of the next days."""
    before = scene.known.get(use.reference)
    if use.status is not UseStatus.ACTIVE or use.end is None or use.end.latest > scene.near:
        return False
    in_use = any(other.reference == use.reference for other in scene.exposure.uses)
    return in_use and (before is None or before.end is None or before.end.latest > use.end.latest)


# --- what the others say


def _replaced(scene: _Scene) -> list[Use]:
    """The tacrolimus orders in whose place an order for another medicine is drafted."""
    replaced = {use.replaces for use in scene.record.drafts if use.status in GOING and not use.forbids}
    return [order for order in scene.running if order.reference in replaced]


def _remaining(stopping: Sequence[Use], scene: _Scene) -> bool:
    """Whether another order for tacrolimus still runs beside the ones that are stopped.

    Another strength goes on; so does a newer order, or a second one of the same day. An older one of the same strength is what
    the stopped order renewed and nobody ended. A draft that ends an order the record does not hold ends none of those it does.
    """
    ended = {use.reference for use in stopping} | {order.reference for use in stopping for order in _meant(use, scene)}
    others = [order for order in scene.running if order.reference not in ended]
    known = [scene.known[reference] for reference in ended if reference in scene.known]
    if not known:
        return bool(others)
    strengths = {order.drug.strength for order in known}
    newest = max(first_day(order) or date.min for order in known)
    return any(order.drug.strength not in strengths or (first_day(order) or date.min) >= newest for order in others)


def _meant(use: Use, scene: _Scene) -> list[Use]:
    """The running orders that a draft may mean which names none: one not to give, or to give nothing, or without an id."""
    if "/" in use.reference and not use.forbids and not withheld(use.lines):
        return []
    return [order for order in scene.running if _perhaps_one_product(use, order)]


def _tapering(going: Sequence[Use], ending: Sequence[Use], scene: _Scene) -> OrderedStop | None:
    """A new order for tacrolimus that is itself the way to zero: less and less, or much less for less time than a taper takes.

    One step counts only where the new order takes the place of the old one; a prescription for a limited time is no plan to stop.
    """
    today, p = scene.record.asof, scene.parameters
    ends = [line.end or use.end for use in going for line in use.lines]
    known_ends = [end.latest for end in ends if end is not None]
    if not known_ends or len(known_ends) < len(ends):
        return None
    last = max(known_ends)
    plan = [structs.replace(use, status=UseStatus.ACTIVE, start=use.start or When.on(today)) for use in going]
    line = daily_line(structs.replace(scene.record, asof=last), [*scene.exposure.uses, *plan], p)
    taper = recognised(to_the_last_dose(line), p)
    if taper is None or taper.baseline is None or taper.last is None or taper.last > taper.baseline * p.taper_last_max:
        return None
    steps = len({line.start for use in going for line in use.lines})
    in_place = bool(ending) or any(use.replaces == order.reference for use in going for order in scene.exposure.uses)
    soon = days_between(today, last) < p.taper_min_days
    if taper.kind is TaperKind.ABRUPT or not (steps > 1 or (in_place and soon)):
        return None
    return OrderedStop(going[0], taper, _days_before(line, scene), sign=Sign.TAPERED, last=last)
