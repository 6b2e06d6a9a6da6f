"""A hook request, as far as every hook has the same shape (CDS Hooks 1.0 to 3.0)."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from cds_service.protocol.discovery import known_hooks
from cds_service.protocol.schemas import schema
from cds_service.protocol.wire import BadRequest, parse_unique, refuse_hostile

__all__ = ["BadRequest", "HookContext", "HookRequest", "parse"]


class HookContext(Struct, frozen=True):
    """The context: who, and the orders of the request as raw FHIR resources (one Raw per entry, any shape inside).

    ``patient_id`` is bare (``123``). ``orders`` is None where the client sent no order list at all; tasks for their fulfilment
    are among them. ``discontinued`` are orders that are being discontinued, or references to them. ``members`` is the whole
    context as it came, for templates that look deeper.
    """

    patient_id: str
    user_id: str | None = None
    encounter_id: str | None = None
    orders: tuple[Raw, ...] | None = None
    discontinued: tuple[Raw, ...] = ()
    selections: tuple[str, ...] = ()
    members: Raw = Raw(b"{}")

    @property
    def resources(self) -> tuple[Raw, ...]:
        """Everything that any list of the context holds."""
        return (self.orders or ()) + self.discontinued


class HookRequest(Struct, frozen=True):
    """One valid request. ``hook`` is the name the client gave; the service was chosen by the id in the URL.

    ``prefetch`` keeps every value as the bytes that came. ``fhir_server`` and ``fhir_authorization`` are kept raw too:
    whether they may be used is judged where data are fetched, and a faulty authorization is not an error.
    """

    hook: str
    hook_instance: str
    context: HookContext
    prefetch: dict[str, Raw] = {}
    fhir_server: str | None = None
    fhir_authorization: Raw | None = None


_NULL = Raw(b"null")


class _Envelope(Struct):
    """The members whose values are kept as bytes."""

    context: Raw = _NULL
    prefetch: dict[str, Raw] | list[Raw] | str | float | bool | None = None
    fhirAuthorization: Raw = _NULL  # noqa: N815 - the wire name


class _OrderLists(Struct):
    """The lists of orders, or of tasks for them, of the hooks that have one. Which a client fills depends on hook and age."""

    draftOrders: Raw = _NULL  # noqa: N815 - the wire name
    medications: Raw = _NULL
    orders: Raw = _NULL
    fulfillmentTasks: Raw = _NULL  # noqa: N815 - the wire name
    fulfillment_tasks: Raw = msgspec.field(default=_NULL, name="fulfillment-tasks")
    task: Raw = _NULL


class _Ended(Struct):
    """The list of what is being discontinued."""

    toBeDiscontinued: Raw = _NULL  # noqa: N815 - the wire name


class _Bundle(Struct):
    """A Bundle by its entries, or a resource (or a reference to one) that stands where a Bundle or an entry should."""

    resourceType: Any = None  # noqa: N815 - the wire name
    reference: Any = None
    entry: list[Raw] | None = None


class _Entry(Struct):
    """An entry of a Bundle, or a wrapped resource."""

    resource: Raw = _NULL


_envelope = msgspec.json.Decoder(_Envelope)
_order_lists = msgspec.json.Decoder(_OrderLists)
_ended = msgspec.json.Decoder(_Ended)
_list = msgspec.json.Decoder(list[Raw])
_bundle = msgspec.json.Decoder(_Bundle)
_entry = msgspec.json.Decoder(_Entry)
_OBJECT = re.compile(rb'\{[ \t\n\r]*"[A-Za-z]')
_NEAR = 4096
"""How far from one value of the prefetch the next one is looked for: a few keys and nulls, laid out with blanks."""

_OLD_NAMES = {"patientId": "patient", "userId": "user"}
"""Where clients from before 1.0 give what belongs into the context."""


def parse(body: bytes) -> HookRequest:
    """The request in the body.

    Raises:
        BadRequest: not JSON, hostile JSON, or not a CDS Hooks request; said without quoting it.
    """
    refuse_hostile(body)
    try:
        envelope = _envelope.decode(body)
    except msgspec.ValidationError:
        raise BadRequest("the body", "must be an object") from None
    except msgspec.DecodeError:
        raise BadRequest("", "the body is not JSON") from None
    prefetch = envelope.prefetch if isinstance(envelope.prefetch, dict) else {}
    shell = _with_old_names(parse_unique(_without(body, prefetch.values())))
    schema("request").check(shell)
    if shell["hook"] not in known_hooks():
        raise BadRequest("hook", "must be the name of a hook")
    authorization = envelope.fhirAuthorization
    if bytes(authorization) != b"null" and not shell.get("fhirServer"):
        raise BadRequest("fhirServer", "is required where there is a fhirAuthorization")
    return HookRequest(
        hook=shell["hook"],
        hook_instance=shell["hookInstance"],
        context=_context(shell["context"], envelope.context),
        prefetch=prefetch,
        fhir_server=shell.get("fhirServer") or None,
        fhir_authorization=None if bytes(authorization) == b"null" else authorization,
    )


def _without(body: bytes, prefetch: Iterable[Raw]) -> bytes:
    """The body with null in place of the objects of its prefetch, which may be large and may repeat keys inside.

    Each value is looked for shortly after the one before, as they come in the order of the body; at the first that is not there
    the rest stays as it is, and is parsed with the rest. What looks like the beginning of an object with a named member can be
    nothing else in valid JSON: in a string the quote would be escaped.
    """
    kept, at, near = [], 0, max(body.find(b'"prefetch"'), 0)
    for value in prefetch:
        text = bytes(value)
        if not _OBJECT.match(text):
            continue
        place = body.find(text[:64], near, near + _NEAR)
        if place < 0 or not body.startswith(text, place):
            break
        kept += [body[at:place], b"null"]
        at = near = place + len(text)
    return b"".join([*kept, body[at:]])


def _with_old_names(shell: Any) -> Any:
    context = shell.get("context")
    if isinstance(context, dict):
        for name, old in _OLD_NAMES.items():
            if context.get(name) is None and isinstance(shell.get(old), str):
                context[name] = shell[old]
    return shell


def _context(shell: dict[str, Any], raw: Raw) -> HookContext:
    lists, ended = _order_lists.decode(raw), _ended.decode(raw).toBeDiscontinued
    sent = [_resources(value) for value in msgspec.structs.astuple(lists) if bytes(value) != b"null"]
    selections = shell.get("selections")
    return HookContext(
        patient_id=shell["patientId"].removeprefix("Patient/"),
        user_id=shell.get("userId") or None,
        encounter_id=(shell.get("encounterId") or "").removeprefix("Encounter/") or None,
        orders=tuple(resource for resources in sent for resource in resources) if sent else None,
        discontinued=() if bytes(ended) == b"null" else tuple(_resources(ended)),
        selections=tuple(one for one in selections if isinstance(one, str)) if isinstance(selections, list) else (),
        members=raw,
    )


def _resources(value: Raw) -> list[Raw]:
    """The resources of an order list: a Bundle, a list of resources (2018), or one resource by itself."""
    if bytes(value).startswith(b"["):
        return _unwrapped(_list.decode(value))
    bundle = _bundle.decode(value)
    if bundle.entry is None and bundle.resourceType not in (None, "Bundle"):
        return [value]
    return _unwrapped(bundle.entry or [])


def _unwrapped(items: list[Raw]) -> list[Raw]:
    """What the items hold; those without anything in them are left out, those of an unknown shape stay as they are."""
    found = []
    for item in items:
        try:
            entry = _bundle_entry(item)
        except msgspec.ValidationError:
            entry = item
        if bytes(entry) != b"null":
            found.append(entry)
    return found


def _bundle_entry(item: Raw) -> Raw:
    members = _entry.decode(item)
    if bytes(members.resource) != b"null":
        return members.resource
    bare = _bundle.decode(item)
    return item if bare.resourceType is not None or bare.reference is not None else members.resource
