"""A story: one request, the day it was sent, and what must come back, read from its folder."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

PARTS = ("story.md", "request.json", "expected.json")
"""The files of a story's folder."""


class StoryError(ValueError):
    """A story that cannot be read; the message names the story and what is wrong with it."""


class Kind(StrEnum):
    """What a story shows of its question."""

    FIRES = "fires"
    NEAR_MISS = "near-miss"
    EXCLUSION = "exclusion"
    NOT_SENT = "not-sent"
    SENT_EMPTY = "sent-empty"
    SHAPE = "shape"


class ExpectedDrug(Struct, frozen=True, forbid_unknown_fields=True):
    """A drug order by ingredient and mg a day."""

    drug: str
    mg_per_day: Decimal


class ExpectedOffer(Struct, frozen=True, forbid_unknown_fields=True, rename={"with_": "with"}):
    """One alternative of a card: a drug order, and the drug orders that come with it."""

    drug: str
    mg_per_day: Decimal
    with_: tuple[ExpectedDrug, ...] = ()


class ExpectedCard(Struct, frozen=True, forbid_unknown_fields=True, rename={"exposure_class": "class"}):
    """One card, as far as the story says.

    ``offers`` are all alternatives that order a drug, no other may be there (an empty list: no treatment). Of the other
    lists everything listed must be there: ``withholds`` drugs that no alternative orders and that the card names,
    ``orders`` LOINC codes of laboratory orders, ``claims``, ``conflicts`` and ``evidence`` entries of the basis.
    ``says`` and ``unknown`` are regular expressions found in the card's words, or in one of its unknowns; ``never_says``
    and ``never_unknown`` are found nowhere there.
    """

    topic: str
    indicator: str
    exposure_class: str | None = None
    offers: tuple[ExpectedOffer, ...] | None = None
    withholds: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    never_orders: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    never_says: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    never_unknown: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def patterns(self) -> tuple[str, ...]:
        """Every regular expression of the card."""
        return self.says + self.never_says + self.unknown + self.never_unknown


class Expected(Struct, frozen=True, forbid_unknown_fields=True):
    """The status and, in their order, all the cards; no card at all is silence."""

    cards: tuple[ExpectedCard, ...]
    status: int = 200


class Story(Struct, frozen=True):
    """One story. ``name`` is question and folder (``rebound/abrupt-stop-alt-150``); ``request`` the body as it was sent.

    ``beside`` names the story on the other side of a near miss's boundary, ``fhir`` is the version the client speaks.
    ``movable`` is False where the story is about a partial date, a birthday or anything else that another day would change,
    ``valid`` where its FHIR is wrong on purpose.
    """

    name: str
    title: str
    why: str
    asof: date
    service: str
    kinds: tuple[Kind, ...]
    request: bytes
    expected: Expected
    beside: str | None = None
    fhir: str = "R4"
    movable: bool = True
    valid: bool = True

    @property
    def question(self) -> str:
        """The question the story belongs to, or ``wire-shapes``."""
        return self.name.rpartition("/")[0]

    def body(self) -> dict[str, Any]:
        """The request, parsed."""
        parsed: dict[str, Any] = msgspec.json.decode(self.request, type=dict[str, Any])
        return parsed


class _Head(Struct, frozen=True, forbid_unknown_fields=True):
    """The front matter of story.md."""

    asof: date
    service: str
    kind: str
    beside: str | None = None
    fhir: str = "R4"
    shift: str = "yes"
    invalid: str = ""


def built_in() -> Traversable:
    """The folder of the stories that come with the package."""
    return files("cds_service").joinpath("fixtures")


def stories(root: Traversable | None = None) -> Iterator[Story]:
    """Every story under a folder (of the package, unless given), in the order of their names.

    Raises:
        StoryError: a story that cannot be read, or a folder that is not there.
    """
    root = root or built_in()
    if not root.is_dir():
        raise StoryError(f"There is no folder {root}.")
    yield from _under(root, "")


def _under(folder: Traversable, name: str) -> Iterator[Story]:
    if folder.joinpath(PARTS[0]).is_file():
        yield load(folder, name or folder.name)
        return
    for inner in sorted((item for item in folder.iterdir() if item.is_dir()), key=lambda item: item.name):
        yield from _under(inner, f"{name}/{inner.name}" if name else inner.name)


def find(name: str) -> Story:
    """The built-in story of that name (``rebound/abrupt-stop-alt-150``), or the story in the folder of that path.

    Raises:
        StoryError: neither is there, or it cannot be read.
    """
    places = (built_in().joinpath(name), Path(name))
    for place in places:
        if place.joinpath(PARTS[0]).is_file():
            return load(place, name)
    raise StoryError(
        f"There is no story {name}, neither built in nor as a folder; "
        "a name is like rebound/abrupt-stop-alt-150, and `cds-service check` lists those built in."
    )


def load(folder: Traversable, name: str | None = None) -> Story:
    """The story of one folder.

    Raises:
        StoryError: a file that is missing, or that does not have the form of a story.
    """
    name = name or folder.name
    try:
        words, request, expected = (folder.joinpath(part).read_bytes() for part in PARTS)
        head, title, why = _told(words.decode())
        return Story(
            name=name,
            title=title,
            why=why,
            asof=head.asof,
            service=head.service,
            kinds=tuple(Kind(kind.strip()) for kind in head.kind.split(",")),
            request=request,
            expected=_checked(msgspec.json.decode(expected, type=Expected)),
            beside=head.beside,
            fhir=head.fhir,
            movable=_one_of(head.shift, yes="yes", no="no"),
            valid=not head.invalid or not _one_of(head.invalid, yes="on purpose", no=""),
        )
    except (OSError, ValueError, re.error) as error:
        raise StoryError(f"Story {name} cannot be read: {error}.") from None


def _told(words: str) -> tuple[_Head, str, str]:
    """Front matter, title and reason of a story.md."""
    fenced = re.fullmatch(r"---\n(?P<head>.*?)\n---\n+# (?P<title>[^\n]+)\n+(?P<why>.+)", words, re.DOTALL)
    if fenced is None:
        raise ValueError("story.md is not front matter between two lines ---, a title after # and a paragraph")
    lines = [line.partition(":") for line in fenced["head"].splitlines()]
    head = msgspec.convert({key.strip(): value.strip() for key, _, value in lines}, _Head, strict=False)
    return head, fenced["title"].strip(), fenced["why"].strip()


def _one_of(value: str, *, yes: str, no: str) -> bool:
    if value not in {yes, no}:
        raise ValueError(f"{value!r} is neither {yes!r} nor {no!r}")
    return value == yes


def _checked(expected: Expected) -> Expected:
    """The expectation, its regular expressions compiled once to see that they can be."""
    for card in expected.cards:
        for pattern in card.patterns:
            re.compile(pattern)
    return expected
