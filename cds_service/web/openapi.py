"""The description of the service as it is served: kept by hand in protocol/openapi.json, filled in with what is kept elsewhere.

That is the JSON Schemas beside it, the ids of the services and the names of the hooks, and the requests and answers of stories.
"""

import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from itertools import count
from typing import Any

import msgspec
from msgspec.structs import replace

from cds_service.answer import Setting, answer
from cds_service.protocol import discovery
from cds_service.protocol.request import parse
from cds_service.protocol.schemas import schema
from cds_service.stories.answering import hook_of
from cds_service.stories.story import find

Json = dict[str, Any]

SCHEMAS = {
    "schemas/request.json": "Request",
    "schemas/response.json": "Cards",
    "schemas/feedback.json": "Feedback",
    "schemas/discovery.json": "Services",
}
"""The files that the description refers to, by the names they get in it."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def kept() -> Json:
    """The description as it is kept."""
    text = files("cds_service.protocol").joinpath("openapi.json").read_text(encoding="utf-8")
    document: Json = json.loads(text)
    return document


def document(setting: Setting) -> bytes:
    """The description as it is served; its examples are answered by this very service."""
    described = kept()
    described["servers"] = [{"url": setting.base_url}]
    components = described["components"]
    components["parameters"]["ServiceId"]["schema"]["enum"] = list(discovery.services())
    components["schemas"]["HookName"]["enum"] = sorted(discovery.known_hooks())
    _examples(described["paths"]["/cds-services/{service_id}"]["post"], replace(setting, access=None, strict=False))
    described = _rewritten(described, lambda target: f"#/components/schemas/{SCHEMAS[target]}" if target in SCHEMAS else target)
    for file, name in SCHEMAS.items():
        described["components"]["schemas"] |= _inlined(name, schema(file.removeprefix("schemas/").removesuffix(".json")).document)
    return msgspec.json.encode(described)


def _inlined(name: str, whole: Json) -> Json:
    """The schema and each of its definitions, which become ``name.definition``."""
    definitions = whole.get("$defs", {})
    own = {key: value for key, value in whole.items() if key not in ("$schema", "$defs")}

    def moved(target: str) -> str:
        return target.replace("#/$defs/", f"#/components/schemas/{name}.")

    parts = {name: own} | {f"{name}.{inner}": value for inner, value in definitions.items()}
    return {key: _rewritten(value, moved) for key, value in parts.items()}


def _rewritten(value: Any, target: Callable[[str], str]) -> Any:
    """The value with every reference in it pointing elsewhere."""
    if isinstance(value, dict):
        return {
            key: target(inner) if key == "$ref" and isinstance(inner, str) else _rewritten(inner, target)
            for key, inner in value.items()
        }
    return [_rewritten(inner, target) for inner in value] if isinstance(value, list) else value


def _examples(operation: Json, setting: Setting) -> None:
    """Fill in the stories that are named as examples: what was sent, and what is answered on the day of the story."""
    for name, example in operation["requestBody"]["content"]["application/json"]["examples"].items():
        example["value"] = msgspec.json.decode(find(name).request)
    for name, example in operation["responses"]["200"]["content"]["application/json"]["examples"].items():
        story = find(name)
        outcome = answer(parse(story.request), hook=hook_of(story.service), asof=story.asof, setting=setting)
        cards: list[Json] = msgspec.json.decode(_ENCODER.encode(outcome.cards))
        example["value"] = {"cards": _numbered(cards)}


def _numbered(cards: list[Json]) -> list[Json]:
    """The cards with ids that are the same each time, so that the description is."""
    numbers: Iterator[int] = count(1)
    for card in cards:
        for identified in (card, *card.get("suggestions", ())):
            identified["uuid"] = f"00000000-0000-4000-8000-{next(numbers):012}"
    return cards
