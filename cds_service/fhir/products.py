"""Which Medication resources the resources about a medicine's use refer to, and which of them came along."""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Raw, Struct

from cds_service.fhir.bundle import type_of


class _Reference(Struct, frozen=True):
    reference: str | None = None
    display: str | None = None


class _Choice(Struct, frozen=True):
    """R5's CodeableReference."""

    reference: _Reference | None = None


class _Use(Struct, rename="camel"):
    medication_reference: _Reference | None = None
    medication: _Choice | None = None


class _Product(Struct):
    id: str


_use = msgspec.json.Decoder(_Use)
_product = msgspec.json.Decoder(_Product)


class Product(Struct, frozen=True):
    """A reference to a Medication, as written; ``named`` says that its display tells which one it is."""

    reference: str
    named: bool


def referred(resources: Iterable[Raw]) -> Iterator[Product]:
    """The products that resources refer to, contained ones left out."""
    for resource in resources:
        try:
            use = _use.decode(resource)
        except msgspec.DecodeError:
            continue
        inner = use.medication.reference if use.medication is not None else None
        for found in (use.medication_reference, inner):
            if found is not None and found.reference and not found.reference.startswith("#"):
                yield Product(found.reference, bool((found.display or "").strip()))


def product_id(resource: Raw) -> str | None:
    """The id of a Medication; None for every other resource."""
    if type_of(resource) != "Medication":
        return None
    try:
        return _product.decode(resource).id
    except msgspec.DecodeError:
        return None
