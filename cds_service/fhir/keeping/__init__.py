"""Keeping the client's own order: handed back whole, as it came, with the status active again.

It is the one resource of a client that ever goes back. Only what marks the end is taken away (the reason and the day of the
change of status), and only an order that is surely valid is handed back; else the card says it in words.
"""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
from msgspec import Raw

from cds_service.fhir.keeping.orders import ORDERS, Whole
from cds_service.fhir.references import reference_to

Resource = dict[str, Any]

_MARKS = frozenset({"statusReason", "statusChanged", "dateEnded", "reasonEnded"})
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RESOURCE: msgspec.json.Decoder[Resource] = msgspec.json.Decoder(Resource, float_hook=Decimal)


def kept(orders: Iterable[Raw], version: str) -> dict[str, Resource]:
    """Those of a request's orders that can be handed back, as they would be, by reference (``MedicationRequest/1``)."""
    read = _decoder(version)
    found: dict[str, Resource] = {}
    for raw in orders:
        try:
            order = read.decode(raw)
        except ValueError:  # another type or status, an element that this version does not have, a wrong value
            continue
        resource = {name: value for name, value in _RESOURCE.decode(raw).items() if name not in _MARKS}
        if _sound(resource):
            found[reference_to(order.resource_type, order.id)] = resource | {"status": "active"}
    return found


@cache
def _decoder(version: str) -> msgspec.json.Decoder[Whole]:
    return msgspec.json.Decoder(ORDERS[version])


def _sound(value: Any) -> bool:
    """Whether nothing in it is null or empty, and every date is a day of the calendar, which its form does not tell."""
    if isinstance(value, dict):
        return bool(value) and all(map(_sound, value.values()))
    if isinstance(value, list):
        return all(map(_sound, value))
    if not isinstance(value, str):
        return value is not None
    day = _DAY.match(value)
    try:
        return day is None or bool(date.fromisoformat(day[0]))
    except ValueError:
        return False
