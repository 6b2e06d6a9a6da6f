"""Hand-made findings, and the cards made of them; their sentences are the tests' own, so that rewording a rule breaks no test."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from msgspec.structs import replace

from cds_service.cards import cards, sentences
from cds_service.knowledge import orders
from cds_service.knowledge.finding import (
    CannotTell,
    DrugOrder,
    Evidence,
    Finding,
    Indicator,
    LabOrder,
    Offer,
    ReferralOrder,
    Term,
    say,
)
from cds_service.knowledge.parameters import in_force
from cds_service.patient.facts import Person, Quantity, Record
from cds_service.patient.when import When
from cds_service.protocol.card import Card

PARAMETERS = in_force()
BASE = "https://cds.example"
RECORD = Record(Person("p1"), date(2026, 3, 1), "patient-view")
LAST = When.on(date(2026, 2, 20))
LOST = say("test-lost", what="conditions")

TEST_SENTENCES = """
test-summary = "Relapse: {analyte} {value}, {days} days after tacrolimus ended"
test-stopped = "Tacrolimus ended on {last} at {dose} mg a day, without a taper."
test-marker = "{analyte} {value} on {on}."
test-meaning = "Relapse is ALT above {times} x the upper limit."
test-steroid = "Prednisone {alone} mg a day alone."
test-unknown = "TPMT and NUDT15 not on file"
test-lost = "Not received: {what}"
test-label = "Prednisone {dose} mg daily"
test-laboratory = "Laboratory orders only"
test-remark = "From {claims}, extrapolated, verify."
"""


@pytest.fixture(autouse=True)
def own_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' sentences beside those of the catalogue."""
    both = sentences.catalogue() | sentences.read(TEST_SENTENCES)
    monkeypatch.setattr(sentences, "catalogue", lambda: both)


def made(*answers: Finding | CannotTell, record: Record = RECORD) -> tuple[Card, ...]:
    """The cards of these answers."""
    return cards(answers, record, parameters=PARAMETERS, base_url=BASE)


def plain(question: str, indicator: Indicator = Indicator.WARNING, **changes: Any) -> Finding:
    """A finding with nothing but a summary, and what is changed."""
    finding = Finding(question, indicator, "abrupt-stop", say("test-summary", analyte=Term("alt"), value="high", days=9))
    return replace(finding, **changes)


def drug(mg: int) -> DrugOrder:
    found = orders.fit(Fraction(mg), orders.products("prednisone", "immediate-release"))
    assert found is not None
    return DrugOrder("prednisone", found[0].code, found[0].name, (Fraction(mg),), 28, say("test-remark", claims=("C1", "C3")))


LABS = tuple(LabOrder(name, 0, 14, 4) for name in orders.panel("autoimmune-hepatitis"))
REBOUND = Finding(
    "rebound",
    Indicator.CRITICAL,
    "abrupt-stop",
    say("test-summary", analyte=Term("alt"), value=Quantity(Decimal(150), "U/L"), days=9),
    happened=(
        say("test-stopped", last=LAST, dose=Fraction(4)),
        say("test-marker", analyte=Term("alt"), value=Quantity(Decimal(150), "U/L"), on=date(2026, 2, 27)),
        say("test-marker", analyte=Term("ast"), value=Quantity(Decimal(110), "U/L"), on=date(2026, 2, 27)),
    ),
    meaning=(say("test-meaning", times=Decimal(3)),),
    advice=(say("test-steroid", alone=Fraction(60)), say("test-steroid", alone=Fraction(30))),
    unknown=(say("test-unknown"),),
    offers=(
        Offer("steroid", say("test-label", dose=Fraction(60)), (drug(60),), LABS, (ReferralOrder("hepatology"),)),
        Offer("steroid", say("test-label", dose=Fraction(30)), (drug(30),), LABS[:1]),
        Offer("laboratory", say("test-laboratory"), labs=LABS),
    ),
    claims=("C1", "C3"),
    conflicts=("X4", "X7"),
    evidence=(Evidence("MedicationStatement/m-1", "2026-02-20"), Evidence("Observation/o-1", "2026-02-27", "150", "U/L")),
)


def basis_of(card: Card) -> dict[str, Any]:
    found: dict[str, Any] = card.extension["io.github.cds-service.basis"]
    return found


def detail_of(card: Card) -> str:
    assert card.detail is not None
    return card.detail
