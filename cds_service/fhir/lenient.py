"""From raw JSON to a typed resource, losing as little as possible.

The fast way decodes the whole resource at once. Where one element has the wrong type, the resource is taken apart: every element
that fits is kept, what does not fit is left out and counted. Numbers stay exact on both ways.
"""

from functools import cache
from types import UnionType
from typing import Any, cast, get_args, get_origin

import msgspec
from msgspec import Raw, Struct

from cds_service.fhir.wire import AnyResource
from cds_service.fhir.wire_plans import AnyPlan

Readable = AnyResource | AnyPlan
"""Every type that anything here reads."""

_KINDS: dict[str, type[Struct]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Readable)}
_DECODER: msgspec.json.Decoder[Readable] = msgspec.json.Decoder(Readable)


class UnreadableError(ValueError):
    """An entry that is no FHIR resource at all; the message says nothing of its content."""


def decode(raw: Raw) -> tuple[Readable | None, int]:
    """The resource and how many of its elements had to be left out; None where it is of a type that nothing here reads.

    Raises:
        UnreadableError: it is no object, or has no type.
    """
    try:
        return _DECODER.decode(raw), 0
    except ValueError:  # wrong types, broken strings, bad UTF-8
        pass
    elements = _elements(raw)
    name = _read(str, elements["resourceType"]) if elements and "resourceType" in elements else None
    if not isinstance(name, str) or elements is None:
        raise UnreadableError("no FHIR resource")
    kind = _KINDS.get(name)
    if kind is None:
        return None, 0
    resource, dropped = _build(kind, elements)
    return cast("Readable", resource), dropped


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _read(kind: Any, raw: Raw) -> Any:
    """The value, or None where it is not of this type."""
    try:
        return _decoder(kind).decode(raw)
    except ValueError:
        return None


def _elements(raw: Raw) -> dict[str, Raw] | None:
    return cast("dict[str, Raw] | None", _read(dict[str, Raw], raw))


def _build(kind: type[Struct], elements: dict[str, Raw]) -> tuple[Struct, int]:
    """A structure from those of its elements that fit."""
    values: dict[str, Any] = {}
    dropped = 0
    for field in msgspec.structs.fields(kind):
        if field.encode_name in elements:
            values[field.name], lost = _fit(field.type, elements[field.encode_name])
            dropped += lost
    return kind(**values), dropped


def _fit(kind: Any, raw: Raw) -> tuple[Any, int]:
    """The value as this type, or what can be kept of it."""
    try:
        return _decoder(kind).decode(raw), 0
    except ValueError:
        pass
    options = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    items = _read(list[Raw], raw)
    inner = next((get_args(option)[0] for option in options if get_origin(option) is list), None)
    if items is not None and inner is not None:
        fitted = [_fit(inner, item) for item in items]
        return [value for value, _ in fitted if value is not None], sum(lost for _, lost in fitted)
    elements = _elements(raw)
    structure = next((option for option in options if isinstance(option, type) and issubclass(option, Struct)), None)
    if elements is not None and structure is not None:
        return _build(structure, elements)
    return None, 1
