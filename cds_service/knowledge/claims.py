"""What the source says, where sources differ, and which question rests on which claim (claims, conflicts, questions .toml).

The three files are read once and checked as one: ids complete and in order, every cross reference mutual. A broken file is
refused with the entry named, so that no card can cite what is not there.
"""

import tomllib
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import zip_longest
from typing import TypeVar

import msgspec
from msgspec import Struct

RULESET = "2026.1"
CLAIM_IDS = tuple(f"C{number}" for number in range(1, 50))
CONFLICT_IDS = tuple(f"X{number}" for number in range(1, 30))
CARD_OPENING = "Sources differ: (a) "
CARD_ENDING = "This service does not choose."
CARD_LENGTH = 420
SIGNATURES = 2
NOT_VERIFIED = "not verified against the primary source"


class Source(Struct, frozen=True):
    """The one document that the claims come from; ``updated`` is the day the publisher gives, as YYYY-MM-DD."""

    label: str
    title: str
    publisher: str
    url: str
    updated: str


SOURCE = Source(
    label="droracle.ai article 545000 (secondary, unreviewed source)",
    title="Managing Rebound Worsening of Autoimmune Disease After Stopping Tacrolimus",
    publisher="Dr.Oracle",
    url="https://droracle.ai/articles/545000",
    updated="2025-11-23",
)


class Status(StrEnum):
    """How far a claim can carry a rule."""

    STATED = "stated"
    CONTESTED = "contested"
    NOT_COMPUTABLE = "not-computable"


class Origin(StrEnum):
    """How a statement was come by; the value is the mark that stands in the data."""

    SOURCE = "S"
    READ = "V"
    QUOTED = "V2"
    MEMORY = "M"
    DEFAULT = "D"


class Claim(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One statement of the source in our own words; ``lines`` is where it stands there, ``figures`` its numbers with units."""

    id: str
    text: str
    lines: str
    figures: tuple[str, ...]
    status: Status
    conflicts: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    arrives_with: tuple[str, ...] = ()
    reason: str = ""


class Side(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one source says in a conflict, and how that was read."""

    text: str
    source: str
    origin: Origin


class Conflict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sources that differ: their sides, what the rules may do about it, and the same in one breath for a card."""

    id: str
    about: str
    claims: tuple[str, ...]
    hard_rule: str
    card: str
    sides: tuple[Side, ...]


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question of the service, named as its topic code; ``signed_by`` holds the clinicians who signed its rules off."""

    name: str
    asks: str
    built: bool
    signed_by: tuple[str, ...]

    @property
    def signed_off(self) -> bool:
        """Whether both clinicians have signed."""
        return len(self.signed_by) >= SIGNATURES


class KnowledgeBase(Struct, frozen=True):
    """The three files together, each by id or name, in their own order."""

    claims: dict[str, Claim]
    conflicts: dict[str, Conflict]
    questions: dict[str, Question]

    @property
    def signed_off(self) -> bool:
        """Whether every built question is signed off; until then cards say "ruleset not clinically signed off"."""
        return all(question.signed_off for question in self.questions.values() if question.built)


class KnowledgeError(ValueError):
    """A file of the knowledge base that contradicts itself; the message names the entry."""


Entry = TypeVar("Entry", Claim, Conflict, Question)


def _entries(text: str, table: str, kind: type[Entry]) -> list[Entry]:
    found: list[Entry] = []
    for position, raw in enumerate(tomllib.loads(text).get(table, ()), start=1):
        named = raw.get("id") or raw.get("name") or f"number {position}"
        try:
            found.append(msgspec.convert(raw, kind))
        except msgspec.ValidationError as error:
            raise KnowledgeError(f"{table} {named}: {error}") from None
    return found


def _complete(table: str, given: Iterable[str], wanted: tuple[str, ...]) -> None:
    for here, expected in zip_longest(given, wanted):
        if here != expected:
            raise KnowledgeError(f"{table} {expected or 'after the last'}: found {here or 'the end of the file'} instead")


def _require(holds: bool, named: str, wrong: str) -> None:
    if not holds:
        raise KnowledgeError(f"{named}: {wrong}")


def _check_claim(claim: Claim, base: KnowledgeBase) -> None:
    named = f"claim {claim.id}"
    for conflict in claim.conflicts:
        _require(conflict in base.conflicts, named, f"{conflict} is no conflict")
        _require(claim.id in base.conflicts[conflict].claims, named, f"{conflict} does not name it")
    for name in claim.questions + claim.arrives_with:
        _require(name in base.questions, named, f"{name} is no question")
    for name in claim.questions:
        _require(base.questions[name].built, named, f"{name} is not built; it belongs under arrives_with")
    for name in claim.arrives_with:
        _require(not base.questions[name].built, named, f"{name} is built; it belongs under questions")
    if claim.status is not Status.NOT_COMPUTABLE:
        _require((claim.status is Status.CONTESTED) == bool(claim.conflicts), named, "contested and conflicts go together")
    used = bool(claim.questions or claim.arrives_with)
    _require(bool(claim.reason) or (used and claim.status is not Status.NOT_COMPUTABLE), named, "needs a reason")


def _check_conflict(conflict: Conflict, base: KnowledgeBase) -> None:
    named = f"conflict {conflict.id}"
    for claim in conflict.claims:
        _require(claim in base.claims, named, f"{claim} is no claim")
        _require(conflict.id in base.claims[claim].conflicts, named, f"{claim} does not name it")
    _require(len(conflict.sides) > 1, named, "a conflict has two sides or more")
    for side in conflict.sides:
        marked = NOT_VERIFIED in side.source
        _require((side.origin is Origin.MEMORY) == marked, named, f"what is from memory, and only that, says {NOT_VERIFIED!r}")
    shaped = conflict.card.startswith(CARD_OPENING) and conflict.card.endswith(CARD_ENDING)
    _require(shaped and len(conflict.card) < CARD_LENGTH, named, "its card has another form or is too long")


def read(claims_text: str, conflicts_text: str, questions_text: str) -> KnowledgeBase:
    """The knowledge base from the text of its three TOML files.

    Raises:
        KnowledgeError: an entry is missing, out of order, misspelt, or refers to what is not there.
    """
    claim_list = _entries(claims_text, "claim", Claim)
    conflict_list = _entries(conflicts_text, "conflict", Conflict)
    question_list = _entries(questions_text, "question", Question)
    _complete("claim", (claim.id for claim in claim_list), CLAIM_IDS)
    _complete("conflict", (conflict.id for conflict in conflict_list), CONFLICT_IDS)
    base = KnowledgeBase(
        {claim.id: claim for claim in claim_list},
        {conflict.id: conflict for conflict in conflict_list},
        {question.name: question for question in question_list},
    )
    _require(len(base.questions) == len(question_list), "question", "a name stands twice")
    for claim in claim_list:
        _check_claim(claim, base)
    for conflict in conflict_list:
        _check_conflict(conflict, base)
    return base


@cache
def knowledge_base() -> KnowledgeBase:
    """The knowledge base of this release."""
    folder = files("cds_service.knowledge")
    texts = [folder.joinpath(f"{name}.toml").read_text(encoding="utf-8") for name in ("claims", "conflicts", "questions")]
    return read(*texts)


def claims() -> dict[str, Claim]:
    """Every claim of the source by its id, C1 to C49, in order."""
    return knowledge_base().claims


def conflicts() -> dict[str, Conflict]:
    """Every conflict by its id, X1 to X29, in order."""
    return knowledge_base().conflicts


def questions() -> dict[str, Question]:
    """Every question by its name, the built ones and those to come."""
    return knowledge_base().questions


def signed_off() -> bool:
    """Whether the ruleset is clinically signed off; while it is not, every card says so."""
    return knowledge_base().signed_off
