"""Findings become cards as the contract has them: ranked, capped, nothing lost, everything said that must stand on a card."""

import re
import time
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cds_service.cards import basis, cards, sentences
from cds_service.cards.topics import OVERRIDE_REASONS, TOPICS
from cds_service.fhir import validation
from cds_service.knowledge import claims, orders
from cds_service.knowledge.finding import (
    CannotTell,
    DrugOrder,
    Evidence,
    Finding,
    Indicator,
    LabOrder,
    Offer,
    ReferralOrder,
    Sentence,
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
ENCODER = msgspec.json.Encoder(decimal_format="number")
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
def test_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    both = sentences.catalogue() | sentences.read(TEST_SENTENCES)
    monkeypatch.setattr(sentences, "catalogue", lambda: both)


def made(*answers: Finding | CannotTell, record: Record = RECORD) -> tuple[Card, ...]:
    return cards(answers, record, parameters=PARAMETERS, base_url=BASE)


def plain(question: str, indicator: Indicator = Indicator.WARNING, **changes: Any) -> Finding:
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


def test_nothing_to_say_is_no_card() -> None:
    assert made() == ()


def test_the_detail_can_be_read_in_five_seconds() -> None:
    (card,) = made(REBOUND)

    assert card.summary == "Relapse: ALT 150 U/L, 9 days after tacrolimus ended"
    assert detail_of(card).split("\n\n")[:6] == [
        "**Tacrolimus ended on 2026-02-20 at 4 mg a day, without a taper.**",
        "- ALT 150 U/L on 2026-02-27.\n- AST 110 U/L on 2026-02-27.",
        "**Why it matters:** Relapse is ALT above 3 x the upper limit.",
        "**Options:**",
        "- Prednisone 60 mg a day alone.\n- Prednisone 30 mg a day alone.",
        "**Unknown:** TPMT and NUDT15 not on file",
    ]


def test_both_sides_of_every_conflict_stand_on_the_card_and_none_is_chosen() -> None:
    (card,) = made(REBOUND)

    listed = detail_of(card).split("**Sources differ** (this service does not choose):\n\n")[1].split("\n\n")[0]
    for name, line in zip(REBOUND.conflicts, listed.split("\n"), strict=True):
        conflict = claims.conflicts()[name]
        assert line.startswith(f"- {conflict.about}: (a) ")
        assert "(b) " in line
        shown = line.replace("\\", "").split(": ", 1)[1]
        assert f"Sources differ: {shown} This service does not choose." == conflict.card


def test_the_closing_line_says_all_that_must_stand_on_every_card() -> None:
    for card in made(REBOUND, plain("abrupt-stop")):
        closing = detail_of(card).split("\n\n")[-1].replace("\\", "")
        for words in (
            claims.SOURCE.label,
            "secondary, unreviewed source",
            f"Rule: {basis_of(card)['rule']}.",
            "Ruleset: 2026.1 (ruleset not clinically signed off).",
            "Supports, does not replace, clinical judgement; verify against primary literature.",
            "Not for patients. Not for emergencies.",
        ):
            assert words in closing
    assert "Based on MedicationStatement/m-1 (2026-02-20), Observation/o-1 (2026-02-27)." in detail_of(made(REBOUND)[0]).replace(
        "\\", ""
    )


def test_many_inputs_are_counted_and_listed_in_the_basis() -> None:
    evidence = tuple(Evidence(f"Observation/o-{number}") for number in (*range(11), 1))

    (card,) = made(replace(REBOUND, evidence=evidence))

    assert "Observation/o-7, 3 more." in detail_of(card).replace("\\", "")
    assert len(basis_of(card)["evidence"]) == 12


def test_the_basis_is_the_contract_s() -> None:
    (card,) = made(REBOUND)

    assert basis_of(card) == {
        "rule": "rebound",
        "class": "abrupt-stop",
        "claims": ["C1", "C3"],
        "evidence": [
            {"reference": "MedicationStatement/m-1", "date": "2026-02-20"},
            {"reference": "Observation/o-1", "date": "2026-02-27", "value": "150", "unit": "U/L"},
        ],
        "unknown": ["TPMT and NUDT15 not on file"],
        "conflicts": ["X4", "X7"],
        "asof": "2026-03-01",
        "ruleset": "2026.1 (ruleset not clinically signed off)",
    }


def test_the_lists_of_the_basis_are_there_when_they_are_empty() -> None:
    (card,) = made(plain("abrupt-stop"))

    assert [basis_of(card)[name] for name in ("claims", "evidence", "unknown", "conflicts")] == [[], [], [], []]


def test_a_site_s_own_values_show_in_the_basis() -> None:
    site = replace(PARAMETERS, aih_relapse_xuln=Decimal(2), not_offered=("MedicationStatement", "Dispense"))

    (card,) = cards([REBOUND], RECORD, parameters=site, base_url=BASE)

    assert basis_of(card)["ruleset"] == (
        "2026.1 (ruleset not clinically signed off); "
        "site values: aih_relapse_xuln 2 and not_offered MedicationStatement, Dispense"
    )


def test_a_signed_off_ruleset_says_only_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "signed_off", lambda: True)

    assert basis._version.__wrapped__() == "2026.1"


def test_source_topic_and_link() -> None:
    (card,) = cards([REBOUND], RECORD, parameters=PARAMETERS, base_url=f"{BASE}/cds/")

    assert card.source.label == claims.SOURCE.label
    assert card.source.url == "https://cds.example/cds/knowledge#rebound"
    assert (card.source.topic.code, card.source.topic.system) == ("rebound", "https://cds-service.github.io/CodeSystem/topic")


def test_override_reasons_stand_on_what_warns_and_not_on_information() -> None:
    by_indicator = {card.indicator: card for card in made(REBOUND, plain("abrupt-stop"), plain("rapid-taper", Indicator.INFO))}

    assert by_indicator["critical"].overrideReasons == by_indicator["warning"].overrideReasons == OVERRIDE_REASONS
    assert by_indicator["info"].overrideReasons is None
    assert [reason.code for reason in OVERRIDE_REASONS] == [
        "planned-taper",
        "replaced",
        "held",
        "transplant-team",
        "patient-decision",
        "diagnosis-excluded",
        "data-wrong",
        "will-review",
    ]
    assert all(reason.display and reason.system.endswith("/override-reason") for reason in OVERRIDE_REASONS)


def test_the_topics_are_the_questions_of_the_knowledge_base() -> None:
    assert set(TOPICS) == set(claims.questions())


def test_the_most_urgent_comes_first_and_among_equals_the_safety_stops() -> None:
    found = made(
        plain("rapid-taper", Indicator.INFO),
        plain("abrupt-stop"),
        plain("transplant-recipient"),
        plain("abrupt-stop-ordered"),
        plain("rebound", Indicator.CRITICAL),
    )

    assert [card.source.topic.code for card in found] == ["rebound", "transplant-recipient", "abrupt-stop-ordered"]


def test_what_the_cap_leaves_out_is_named_on_the_last_card() -> None:
    found = made(*(plain(code) for code in ("abrupt-stop", "rapid-taper", "rebound", "monitoring-due", "hold-without-plan")))

    assert len(found) == 3
    assert "Also found" not in detail_of(found[0]) + detail_of(found[1])
    line = detail_of(found[2]).split("\n\n")[-2]
    assert line.endswith("Tacrolimus on hold without a plan (warning) and Laboratory check due (warning).")


QUESTIONS = st.lists(st.tuples(st.sampled_from(sorted(TOPICS)), st.sampled_from(Indicator)), unique_by=lambda item: item[0])


@given(QUESTIONS)
def test_every_finding_is_shown_or_named(found: list[tuple[str, Indicator]]) -> None:
    shown = made(*(plain(code, indicator) for code, indicator in found))

    text = " ".join(detail_of(card) for card in shown)
    for code, indicator in found:
        on_a_card = any(card.source.topic is TOPICS[code] for card in shown)
        assert on_a_card or f"{TOPICS[code].display} ({indicator})" in text
    ranks = [list(Indicator).index(Indicator(card.indicator)) for card in shown]
    assert ranks == sorted(ranks)
    assert len(shown) == min(3, len(found))


def test_what_could_not_be_told_is_one_information_card_where_no_other_stands() -> None:
    other = say("test-lost", what="dispenses")

    (card,) = made(
        CannotTell("abrupt-stop", (LOST,), "supply-gap", (Evidence("Condition/c"),)),
        CannotTell("rebound", (LOST, other)),
    )

    assert (card.indicator, card.source.topic.code) == ("info", "verify-tacrolimus-status")
    assert basis_of(card)["rule"] == "verify-tacrolimus-status"
    assert basis_of(card)["class"] == "supply-gap"
    assert basis_of(card)["unknown"] == ["Not received: conditions", "Not received: dispenses"]
    assert basis_of(card)["evidence"] == [{"reference": "Condition/c"}]
    assert "- Not received: conditions\n- Not received: dispenses" in detail_of(card)


def test_what_could_not_be_told_stands_in_the_most_urgent_card_beside_its_own_unknowns() -> None:
    first, second = made(plain("abrupt-stop"), REBOUND, CannotTell("transplant-recipient", (LOST,), evidence=REBOUND.evidence))

    assert basis_of(first)["unknown"] == ["TPMT and NUDT15 not on file", "Not received: conditions"]
    assert len(basis_of(first)["evidence"]) == 2
    assert basis_of(second)["unknown"] == []


def test_what_a_shown_card_says_already_is_not_said_again() -> None:
    first, second = made(plain("abrupt-stop", unknown=(LOST,)), REBOUND, CannotTell("transplant-recipient", (LOST,)))

    assert "Not received: conditions" not in basis_of(first)["unknown"]
    assert basis_of(second)["unknown"] == ["Not received: conditions"]


def test_what_only_a_card_beyond_the_cap_says_is_said_on_a_shown_one() -> None:
    pushed_out = plain("monitoring-due", Indicator.INFO, unknown=(LOST,))

    found = made(plain("abrupt-stop"), plain("rapid-taper"), REBOUND, pushed_out, CannotTell("transplant-recipient", (LOST,)))

    assert "Not received: conditions" in basis_of(found[0])["unknown"]


@given(QUESTIONS, st.lists(st.sampled_from(["conditions", "dispenses", "allergies"]), min_size=1))
def test_nothing_that_could_not_be_told_is_ever_dropped(found: list[tuple[str, Indicator]], lost: list[str]) -> None:
    untold = [CannotTell("rebound", (say("test-lost", what=what),)) for what in lost]

    shown = made(*(plain(code, indicator) for code, indicator in found), *untold)

    said = [text for card in shown for text in basis_of(card)["unknown"]]
    assert sorted(said) == sorted({f"Not received: {what}" for what in lost})


def test_suggestions_are_complete_alternatives_in_order() -> None:
    (card,) = made(REBOUND)

    assert card.selectionBehavior == "at-most-one"
    assert card.suggestions is not None
    assert [suggestion.label for suggestion in card.suggestions] == [
        "Prednisone 60 mg daily + 14 laboratory orders + 1 referral",
        "Prednisone 30 mg daily + 1 laboratory order",
        "Laboratory orders only (14 laboratory orders)",
    ]
    kinds = [action.resource["resourceType"] for action in card.suggestions[0].actions if action.resource]
    assert kinds == ["MedicationRequest", *["ServiceRequest"] * 15]
    described = [action.description for action in card.suggestions[0].actions]
    assert described[0] == (
        "Prednisone 20 MG Oral Tablet: 60 mg (3 x 20 mg tablet) by mouth once a day in the morning, for 28 days"
    )
    assert described[1] == "ALT on 2026-03-01, then every 14 days, 4 times in all"
    assert described[-1] == "Urgent referral to hepatology"


def test_orders_that_are_due_once_and_referrals_that_can_wait_say_so() -> None:
    offer = Offer(
        "x", say("test-laboratory"), labs=(LabOrder("alt", 14),), referrals=(ReferralOrder("neurology", urgent=False),) * 2
    )

    (card,) = made(plain("abrupt-stop", offers=(offer, Offer("y", say("test-laboratory")))))

    assert card.suggestions is not None
    assert card.suggestions[0].label == "Laboratory orders only (1 laboratory order, 2 referrals)"
    assert card.suggestions[1].label == "Laboratory orders only"
    assert [action.description for action in card.suggestions[0].actions[:2]] == ["ALT on 2026-03-15", "Referral to neurology"]


def test_every_suggested_order_is_valid_and_carries_its_note() -> None:
    (card,) = made(REBOUND)

    for suggestion in card.suggestions or ():
        for action in suggestion.actions:
            assert action.resource is not None
            assert validation.problems(action.resource) == []
            assert action.resource["subject"]["reference"] == "Patient/p1"
            assert (action.type, action.resource["status"]) == ("create", "draft")
    first = (card.suggestions or ())[0].actions[0].resource
    assert first is not None
    assert first["note"] == [{"text": "From C1 and C3, extrapolated, verify."}]


def test_one_laboratory_order_is_built_once_an_answer() -> None:
    (card,) = made(REBOUND)

    assert card.suggestions is not None
    assert card.suggestions[0].actions[1] is card.suggestions[1].actions[1] is card.suggestions[2].actions[0]


def test_a_card_without_offers_has_no_suggestions() -> None:
    (card,) = made(plain("abrupt-stop"))

    assert card.suggestions is None
    assert card.selectionBehavior is None
    assert "No draft orders" not in detail_of(card)


@pytest.mark.parametrize("version", ["DSTU2", "STU3", "R5"])
def test_a_client_of_another_fhir_version_is_told_why_there_are_no_orders(version: str) -> None:
    (card,) = made(REBOUND, record=replace(RECORD, fhir_version=version))

    assert card.suggestions is None
    assert card.selectionBehavior is None
    assert f"FHIR R4 only, and this client uses {version}." in detail_of(card)


def test_r4b_clients_get_orders_too() -> None:
    assert made(REBOUND, record=replace(RECORD, fhir_version="R4B"))[0].suggestions


def test_every_id_is_a_uuid_of_its_own() -> None:
    found = made(REBOUND, plain("abrupt-stop"), plain("rapid-taper"))

    ids = [card.uuid for card in found] + [suggestion.uuid for card in found for suggestion in card.suggestions or ()]
    assert len(set(ids)) == len(ids) == 6
    assert all(str(UUID(text)) == text for text in ids)


def test_nothing_on_the_wire_is_null_or_empty_but_the_lists_of_the_basis() -> None:
    wire = msgspec.json.decode(ENCODER.encode(made(REBOUND, plain("abrupt-stop"), CannotTell("rebound", (LOST,)))))

    for card in wire:
        del card["extension"]
    assert list(empties(wire)) == []


def empties(value: Any, path: str = "") -> Any:
    if value is None or (isinstance(value, str | list | dict) and not value):
        yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from empties(item, f"{path}.{key}")


def test_no_card_recommends_one_treatment_or_carries_links() -> None:
    wire = ENCODER.encode(made(REBOUND)).decode()

    assert "isRecommended" not in wire
    assert '"links"' not in wire


def test_a_long_summary_is_cut_to_139_characters() -> None:
    long: Sentence = say("test-summary", analyte="x" * 30, value=" ".join(["word"] * 40), days=9)

    (card,) = made(plain("abrupt-stop", summary=long))

    assert len(card.summary) < 140
    assert card.summary.endswith("word…")


def test_headings_and_labels_are_all_worded() -> None:
    found = made(REBOUND, plain("abrupt-stop"), plain("rapid-taper"), plain("monitoring-due"), CannotTell("rebound", (LOST,)))

    assert "not worded" not in ENCODER.encode(found).decode()
    assert not re.search(r"[{}]", " ".join(detail_of(card) for card in found))


def test_a_critical_card_with_its_suggestions_costs_little() -> None:
    """Measured at about 0.3 ms; the limit leaves room for a slow machine and still sees a cost that grows tenfold."""
    best = 1.0

    for _ in range(10):
        start = time.thread_time()
        for _ in range(20):
            made(REBOUND)
        best = min(best, (time.thread_time() - start) / 20)

    assert best < 0.003
