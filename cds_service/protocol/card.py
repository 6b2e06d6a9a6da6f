"""The card as CDS Hooks has it (2.0, readable by 1.0 clients); members without a value are left out."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, structs


class Coding(Struct, frozen=True, omit_defaults=True):
    """A code with its system; ``display`` is required on override reasons."""

    code: str
    system: str
    display: str | None = None


class Source(Struct, frozen=True, omit_defaults=True):
    """Where the guidance comes from: label, absolute URL into the knowledge page, topic."""

    label: str
    url: str
    topic: Coding


class Action(Struct, frozen=True, omit_defaults=True):
    """One change of the order list, with the whole FHIR resource in the client's version."""

    type: str
    description: str
    resource: dict[str, Any] | None = None
    resourceId: str | None = None  # noqa: N815 - the wire name


class Suggestion(Struct, frozen=True, omit_defaults=True):
    """One complete alternative."""

    label: str
    uuid: str
    actions: tuple[Action, ...]


class Card(Struct, frozen=True, omit_defaults=True):
    """One card. ``extension`` carries the basis; its lists are always there."""

    uuid: str
    summary: str
    indicator: str
    source: Source
    extension: dict[str, Any]
    detail: str | None = None
    suggestions: tuple[Suggestion, ...] | None = None
    selectionBehavior: str | None = None  # noqa: N815 - the wire name
    overrideReasons: tuple[Coding, ...] | None = None  # noqa: N815 - the wire name


def plain(cards: Sequence[Card]) -> list[Any]:
    """The cards as the JSON they become, for the schema: each part they share is made once, their resources are not copied."""
    made: dict[int, dict[str, Any]] = {}

    def part(value: Struct) -> dict[str, Any]:
        members = structs.asdict(value)
        for name, member in structs.asdict(value).items():
            if member is None:
                del members[name]
            elif isinstance(member, tuple):
                members[name] = [made.get(id(item)) or part(item) for item in member]
            elif isinstance(member, Struct):
                members[name] = part(member)
        made[id(value)] = members
        return members

    return [part(card) for card in cards]
