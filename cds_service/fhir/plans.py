"""Orders that are stopped or held by something else than themselves: a group of orders, a care plan, a task, a discontinuation.

Each becomes the order it is about, once more, with the status it is to have.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from cds_service.fhir.concepts import codes, plain
from cds_service.fhir.lenient import UnreadableError, decode
from cds_service.fhir.medications import Named, drug
from cds_service.fhir.references import reference_to, relative
from cds_service.fhir.uses import Scene, order
from cds_service.fhir.wire import MedicationOrder, MedicationRequest, Reference, many
from cds_service.fhir.wire_plans import Activity, AnyPlan, CarePlan, Group, GroupAction, Task
from cds_service.patient.facts import DISCONTINUED, Use, UseKind, UseStatus

Orders = Mapping[str, Use]
"""The orders of the record and of the request, by their references."""

_WHOLE = {
    "revoked": UseStatus.STOPPED,
    "cancelled": UseStatus.STOPPED,
    "suspended": UseStatus.ON_HOLD,
    "on-hold": UseStatus.ON_HOLD,
}
"""What the status of a group or plan means for all of its orders."""

_ACTIVITY = {"stopped": UseStatus.STOPPED, "cancelled": UseStatus.STOPPED, "on-hold": UseStatus.ON_HOLD}
_TASK = {"abort": UseStatus.STOPPED, "suspend": UseStatus.ON_HOLD}
_VOID = frozenset({"entered-in-error", "cancelled", "rejected", "failed"})
_ERROR = "entered-in-error"
_REMOVE = "remove"
_ORDERS = frozenset({"MedicationRequest", "MedicationOrder"})


def planned(found: AnyPlan, orders: Orders, scene: Scene) -> list[Use]:
    """The orders that a group, plan or task stops or holds, and those that it brings along; nothing of what is in error."""
    if isinstance(found, Task):
        return _of_task(found, orders)
    if plain(found.status) == _ERROR:
        return []
    inside = _contained(found, scene)
    known = {**orders, **inside}
    told = _of_plan(found, known) if isinstance(found, CarePlan) else _of_group(found, known)
    spoken_for = {use.reference for use in told}
    return [*told, *(use for use in inside.values() if use.reference not in spoken_for)]


def _of_task(found: Task, orders: Orders) -> list[Use]:
    status = next((_TASK[code] for code in codes(found.code) if code in _TASK), None)
    if status is None or plain(found.status) in _VOID:
        return []
    return list(_with(found.focus, status, orders, reference_to("Task", found.id)))


def _of_group(found: Group, orders: Orders) -> list[Use]:
    whole, by = _WHOLE.get(plain(found.status)), reference_to(type(found).__name__, found.id)
    actions = _actions(many(found.action))
    return [use for action in actions for use in _with(action.resource, whole or _meant(action), orders, by)]


def _actions(actions: Iterable[GroupAction]) -> Iterator[GroupAction]:
    for action in actions:
        yield action
        yield from _actions(many(action.action))


def _meant(action: GroupAction) -> UseStatus | None:
    kind = action.type
    told = codes(kind) | {plain(kind.code)} if kind else set()
    return UseStatus.STOPPED if _REMOVE in told else None


def _of_plan(found: CarePlan, orders: Orders) -> list[Use]:
    whole = _WHOLE.get(plain(found.status))
    told: list[Use] = []
    for activity in many(found.activity):
        pointer = activity.reference or activity.planned_activity_reference
        told += _with(pointer, whole, orders, reference_to("CarePlan", found.id))
        told += _of_activity(found, activity, whole)
    return told


def _of_activity(found: CarePlan, activity: Activity, whole: UseStatus | None) -> list[Use]:
    """An activity that names a product itself and is not, or no longer, to be done."""
    detail = activity.detail
    if detail is None or detail.product_codeable_concept is None:
        return []
    forbids = bool(detail.do_not_perform or detail.prohibited)
    status = whole or _ACTIVITY.get(plain(detail.status)) or (UseStatus.ACTIVE if forbids else None)
    if status is None:
        return []
    medicine = drug(Named((detail.product_codeable_concept,)), ())
    plan = reference_to("CarePlan", found.id)
    return [Use(UseKind.ORDER, plan, status, medicine, forbids=forbids, ended_by=plan)]


def _with(pointer: Reference | None, status: UseStatus | None, orders: Orders, by: str) -> Iterator[Use]:
    """The order that is pointed to, with its new status and by what; nothing where it is not known or keeps its status.

    A draft that is stopped was never in force: it is cancelled.
    """
    known = orders.get(relative(pointer) or "")
    if known is not None and status is not None:
        thrown_away = known.status is UseStatus.DRAFT and status is UseStatus.STOPPED
        yield replace(known, status=UseStatus.CANCELLED if thrown_away else status, ended_by=by)


def _contained(found: Group | CarePlan, scene: Scene) -> dict[str, Use]:
    """The orders inside, by the references with which the rest points to them."""
    inside: dict[str, Use] = {}
    for raw in many(found.contained):
        try:
            inner, _ = decode(raw)
        except UnreadableError:
            continue
        use = order(inner, scene, draft=True) if isinstance(inner, MedicationRequest | MedicationOrder) else None
        if use is not None and inner is not None:
            inside[f"#{(inner.id or '').removeprefix('#')}"] = use
    return inside


# --- what is being discontinued


def discontinued(found: MedicationRequest | MedicationOrder, scene: Scene) -> Use | None:
    """An order in the list of those being discontinued: stopped, whatever its status says.

    None when it was entered in error; and when it said not to give, for then it is the prohibition that ends.
    """
    use = order(found, scene, draft=True)
    return None if use is None or use.forbids else replace(use, status=UseStatus.STOPPED, ended_by=DISCONTINUED)


def pointed_to(raw: Raw, orders: Orders) -> Use | None:
    """The same where the list has a reference or a bare id in place of the order; None where no such order is known."""
    found = (use for pointer in _pointers(raw) for use in _with(pointer, UseStatus.STOPPED, orders, DISCONTINUED))
    return next(found, None)


def may_be_medicine(raw: Raw) -> bool:
    """Whether a reference or a bare id may be that of an order of a medicine."""
    kinds = {(relative(pointer) or "").partition("/")[0] for pointer in _pointers(raw)}
    return bool(kinds & _ORDERS)


def _pointers(raw: Raw) -> list[Reference]:
    """The orders that a reference or a bare id may mean."""
    told = msgspec.json.decode(raw)
    reference = told.get("reference") if isinstance(told, dict) else told
    if not isinstance(reference, str):
        return []
    return [Reference(reference)] if "/" in reference else [Reference(f"{kind}/{reference}") for kind in sorted(_ORDERS)]
