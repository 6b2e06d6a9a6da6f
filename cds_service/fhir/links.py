"""Which order another one replaces, and of which standing order it is a single giving."""

from collections.abc import Iterable, Mapping

import msgspec

from cds_service.fhir.concepts import plain
from cds_service.fhir.references import reference_to, relative
from cds_service.fhir.wire import Identifier, Link, MedicationOrder, MedicationRequest, many

Order = MedicationRequest | MedicationOrder
Named = Mapping[tuple[str | None, str], str]
"""The references of orders by their business identifiers."""

_INSTANCE = "instance-order"
_UUID = "urn:uuid:"
_identifier = msgspec.json.Decoder(Identifier)


def replaced(found: Order, named: Named) -> str | None:
    """The order that is replaced: the prior prescription, or what a new order is based on."""
    prior = _resolved(found, found.prior_prescription, named)
    return prior or (None if plain(_intent(found)) == _INSTANCE else _basis(found, named))


def instance_of(found: Order, named: Named) -> str | None:
    """The standing order of which this one is a single giving."""
    return _basis(found, named) if plain(_intent(found)) == _INSTANCE else None


def by_identifier(orders: Iterable[Order]) -> Named:
    """The references of these orders by their business identifiers."""
    named: dict[tuple[str | None, str], str] = {}
    for order in orders:
        for raw in many(order.identifier):
            try:
                identifier = _identifier.decode(raw)
            except msgspec.DecodeError:
                continue
            if identifier.value:
                named[identifier.system, identifier.value] = reference_to(type(order).__name__, order.id)
    return named


def links(found: Order) -> list[Link]:
    """Every reference of an order to another order."""
    prior = [found.prior_prescription] if found.prior_prescription else []
    return [*prior, *many(found.based_on)] if isinstance(found, MedicationRequest) else prior


def _intent(found: Order) -> str | None:
    return found.intent if isinstance(found, MedicationRequest) else None


def _basis(found: Order, named: Named) -> str | None:
    links = many(found.based_on) if isinstance(found, MedicationRequest) else ()
    return next((told for link in links if (told := _resolved(found, link, named))), None)


def _resolved(found: Order, link: Link | None, named: Named) -> str | None:
    """A link as ``Type/id``; the address of a Bundle entry is taken for the id of an order of the same type."""
    told = relative(link)
    if told is not None and told.startswith(_UUID):
        return reference_to(type(found).__name__, told.removeprefix(_UUID))
    if told is None and link is not None and link.identifier is not None and link.identifier.value:
        return named.get((link.identifier.system, link.identifier.value))
    return told
