"""What a question answers: a finding, that it cannot tell, or (None) that it has nothing to say.

A finding holds facts and the keys of sentences, never wording: ``cards`` words it. Every value of a sentence comes from the
record, from parameters.toml or from claims.toml.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from msgspec import Struct

from cds_service.patient.facts import Outside, Quantity
from cds_service.patient.when import When


class Indicator(StrEnum):
    """How urgent a card is; the order is the rank."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Term(Struct, frozen=True):
    """A name of the project's own vocabulary (a condition group, an analyte, an ingredient) that ``cards`` puts in words."""

    name: str


_Single = str | int | Fraction | Decimal | date | When | Quantity | Outside | Term
Value = _Single | tuple[_Single, ...]


class Sentence(Struct, frozen=True):
    """One sentence of the catalogue ``cards/sentences.toml`` and what fills it."""

    key: str
    values: dict[str, Value] = {}


def say(key: str, /, **values: Value) -> Sentence:
    """Short for a sentence with its values."""
    return Sentence(key, values)


class Evidence(Struct, frozen=True):
    """One resource that a finding rests on, with what was read from it (unit UCUM, value as text)."""

    reference: str
    date: str = ""
    value: str = ""
    unit: str = ""


class DrugOrder(Struct, frozen=True):
    """A medicine to order: a real product by its RxNorm code, and the mg of each dose of a day, in order.

    ``intakes`` is (60,) for once a day in the morning, (2, 2) for every 12 hours, (2, 1.5) where the morning dose is larger.
    ``days`` bounds the order; ``remark`` is the note that the order carries.
    """

    ingredient: str
    code: str
    display: str
    intakes: tuple[Fraction, ...]
    days: int
    remark: Sentence


class LabOrder(Struct, frozen=True):
    """A test of orders.toml, due on ``first_day`` (0 is today) and then every ``every_days``, ``times`` times in all."""

    test: str
    first_day: int = 0
    every_days: int | None = None
    times: int = 1


class ReferralOrder(Struct, frozen=True):
    """A referral to a specialty of orders.toml."""

    specialty: str
    urgent: bool = True


class Offer(Struct, frozen=True):
    """One complete alternative: its drug orders first, then the laboratory orders and referrals that belong to it.

    ``keeps`` are references of the client's own orders in this request that go back to active; an alternative that keeps orders
    is left out where one of them cannot be handed back whole and valid.
    """

    order_set: str
    label: Sentence
    drugs: tuple[DrugOrder, ...] = ()
    labs: tuple[LabOrder, ...] = ()
    referrals: tuple[ReferralOrder, ...] = ()
    keeps: tuple[str, ...] = ()


class Finding(Struct, frozen=True):
    """What one question found.

    ``question`` is the topic code; ``exposure_class`` the class of the stop in kebab-case. ``happened`` says what the record
    shows, ``meaning`` why it matters, ``advice`` what the evidence offers in words (with what is withheld and why),
    ``unknown`` what could not be checked. ``claims`` and ``conflicts`` are ids of the knowledge base.
    """

    question: str
    indicator: Indicator
    exposure_class: str
    summary: Sentence
    happened: tuple[Sentence, ...] = ()
    meaning: tuple[Sentence, ...] = ()
    advice: tuple[Sentence, ...] = ()
    unknown: tuple[Sentence, ...] = ()
    offers: tuple[Offer, ...] = ()
    claims: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()


class CannotTell(Struct, frozen=True):
    """The question could matter here, and data it needs did not come: named in ``missing``, never silence."""

    question: str
    missing: tuple[Sentence, ...]
    exposure_class: str = "unknown"
    evidence: tuple[Evidence, ...] = ()


Answer = Finding | CannotTell | None


class Topic(Struct, frozen=True):
    """What a question's module declares: its name (topic code, rule and story folder) and the claims it rests on."""

    name: str
    claims: tuple[str, ...]
    conflicts: tuple[str, ...] = ()
