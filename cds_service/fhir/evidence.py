"""Whether the entries that became evidence are valid FHIR; outside the live path, since it loads the FHIR models."""

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec
from msgspec import Raw

from cds_service.fhir.validation import VERSIONS, problems


def faults(resources: Iterable[Raw], references: Collection[str], version: str) -> dict[str, list[str]]:
    """What is wrong with each of these entries (``Observation/o1``) in the words of ``validation``; valid ones are left out.

    Nothing is found wrong in a version that has no models (DSTU2).
    """
    if version not in VERSIONS:
        return {}
    every = chain.from_iterable(_within(msgspec.json.decode(raw)) for raw in resources)
    found = {reference: problems(resource, version) for reference, resource in every if reference in references}
    return {reference: wrong for reference, wrong in found.items() if wrong}


def _within(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every resource with an id, however deep it lies in Bundles and wrappers."""
    if isinstance(value, dict):
        if isinstance(value.get("resourceType"), str) and "id" in value:
            yield f"{value['resourceType']}/{value['id']}", value
        for inner in value.values():
            yield from _within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _within(inner)
