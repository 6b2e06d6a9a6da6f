"""Whether the entries of a request that became evidence are valid FHIR; outside the live path, since it loads the FHIR models."""

from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from cds_service.fhir.validation import problems
from cds_service.protocol.request import HookRequest


def faults(request: HookRequest, references: Collection[str]) -> dict[str, list[str]]:
    """What is wrong with each of these entries (``Observation/o1``) in the words of ``validation``; valid ones are left out."""
    found = {reference: problems(resource) for reference, resource in _resources(request) if reference in references}
    return {reference: wrong for reference, wrong in found.items() if wrong}


def _resources(request: HookRequest) -> Iterator[tuple[str, dict[str, Any]]]:
    for raw in (*request.prefetch.values(), *(request.context.orders or ())):
        yield from _within(msgspec.json.decode(raw))


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
