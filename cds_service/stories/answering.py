"""One request answered without a server: for ``explain``, ``check`` and the stories of the test-suite."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
from msgspec import Struct

from cds_service.answer import Setting, answer
from cds_service.fhir import validation
from cds_service.gather import HistoryUnavailable
from cds_service.protocol import discovery
from cds_service.protocol.request import BadRequest, parse
from cds_service.stories.story import Story
from cds_service.stories.verdict import basis_of, differences

Json = dict[str, Any]


class Response(Struct, frozen=True):
    """What a server would have answered: the status, the cards as JSON values, and for an error the reason in words."""

    status: int
    cards: tuple[Json, ...] = ()
    reason: str = ""


def respond(body: bytes, *, hook: str, asof: date, setting: Setting) -> Response:
    """Answer one body as the service of ``hook``, its evidence checked against the FHIR models.

    Entries that became evidence and are not valid FHIR are named in the card's ``basis.unknown``.
    """
    try:
        request = parse(body)
        outcome = answer(request, hook=hook, asof=asof, setting=setting)
    except BadRequest as error:
        return Response(400, reason=str(error))
    except HistoryUnavailable as error:
        return Response(412, reason=str(error))
    cards: tuple[Json, ...] = msgspec.to_builtins(outcome.cards)
    if outcome.record.fhir_version == "R4":
        entries = dict(_entries(msgspec.json.decode(body)))
        for card in cards:
            basis = basis_of(card)
            basis["unknown"] = [*basis["unknown"], *_invalid(basis, entries)]
    return Response(200, cards)


def _invalid(basis: Json, entries: dict[str, Json]) -> Iterator[str]:
    """A sentence for each entry of the evidence that is not valid FHIR."""
    for reference in dict.fromkeys(item["reference"] for item in basis["evidence"]):
        faults = validation.problems(entries[reference]) if reference in entries else []
        if faults:
            yield f"{reference} is not valid FHIR R4 ({'; '.join(faults)})"


def _entries(value: Any) -> Iterator[tuple[str, Json]]:
    """Every resource of a request by its reference, however deep it lies."""
    if isinstance(value, dict):
        if isinstance(value.get("resourceType"), str) and "id" in value:
            yield f"{value['resourceType']}/{value['id']}", value
        for inner in value.values():
            yield from _entries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _entries(inner)


def run(story: Story, setting: Setting) -> tuple[str, ...]:
    """What differs between the story and the answer of this code, in words; nothing where it holds."""
    response = respond(story.request, hook=hook_of(story.service), asof=story.asof, setting=setting)
    return differences(story.expected, response.status, response.cards)


def hook_of(service: str) -> str:
    """The hook of a service's id.

    Raises:
        KeyError: no such service.
    """
    return discovery.services()[service].hook
