"""Findings become cards as the contract has them: ranked, capped, nothing lost, everything said that must stand on a card."""

import re
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cds_service.cards import basis, cards
from cds_service.cards.topics import OVERRIDE_REASONS, TOPICS
from cds_service.knowledge import claims
from cds_service.knowledge.finding import CannotTell, Evidence, Indicator, Sentence, say
from tests.findings import BASE, LOST, PARAMETERS, REBOUND, RECORD, basis_of, detail_of, made, own_sentences, plain

__all__ = ["own_sentences"]  # the fixture these tests run under

ENCODER = msgspec.json.Encoder(decimal_format="number")


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
        assert line.startswith(f"- **{conflict.about}** ({name}): (a) ")
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
    assert "- **Not received:** conditions\n- **Not received:** dispenses" in detail_of(card)


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


def test_a_long_summary_is_cut_to_139_characters() -> None:
    long: Sentence = say("test-summary", analyte="x" * 30, value=" ".join(["word"] * 40), days=9)

    (card,) = made(plain("abrupt-stop", summary=long))

    assert len(card.summary) < 140
    assert card.summary.endswith("word…")


def test_headings_and_labels_are_all_worded() -> None:
    found = made(REBOUND, plain("abrupt-stop"), plain("rapid-taper"), plain("monitoring-due"), CannotTell("rebound", (LOST,)))

    assert "not worded" not in ENCODER.encode(found).decode()
    assert not re.search(r"[{}]", " ".join(detail_of(card) for card in found))
