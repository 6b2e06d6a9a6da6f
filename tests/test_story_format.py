"""Stories can be read, moved to another day, and compared in words."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cds_service.stories.moving import of_today
from cds_service.stories.story import Expected, ExpectedCard, ExpectedOffer, Kind, Story, StoryError, find, load, stories
from cds_service.stories.verdict import differences

HEAD = "asof: 2026-03-01\nservice: tacrolimus-patient-view\nkind: fires, near-miss\n"
WORDS = f"---\n{HEAD}---\n# A title\n\nBecause of this\nand that.\n"
REQUEST: dict[str, Any] = {"hook": "patient-view", "hookInstance": "i", "context": {"patientId": "p"}}
EXPECTED: dict[str, Any] = {"status": 200, "cards": [{"topic": "rebound", "indicator": "critical", "class": "abrupt-stop"}]}


def written(folder: Path, words: str = WORDS, request: object = REQUEST, expected: object = EXPECTED) -> Path:
    folder.mkdir(parents=True)
    (folder / "story.md").write_text(words)
    (folder / "request.json").write_text(json.dumps(request))
    (folder / "expected.json").write_text(json.dumps(expected))
    return folder


def story(tmp_path: Path, request: object = REQUEST, **head: str) -> Story:
    more = "".join(f"{key}: {value}\n" for key, value in head.items())
    return load(written(tmp_path / "a-story", WORDS.replace("kind:", more + "kind:"), request))


def test_a_folder_is_read_into_a_story(tmp_path: Path) -> None:
    told = load(written(tmp_path / "a-story"))
    assert (told.name, told.title, told.why) == ("a-story", "A title", "Because of this\nand that.")
    assert (told.asof, told.service, told.kinds) == (date(2026, 3, 1), "tacrolimus-patient-view", (Kind.FIRES, Kind.NEAR_MISS))
    assert told.body() == REQUEST
    assert told.expected == Expected((ExpectedCard("rebound", "critical", "abrupt-stop"),))


def test_stories_are_found_below_a_folder_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("rebound/b", "rebound/a", "abrupt-stop/c"):
        written(tmp_path / name)
    assert [told.name for told in stories(tmp_path)] == ["abrupt-stop/c", "rebound/a", "rebound/b"]
    assert [told.question for told in stories(tmp_path)] == ["abrupt-stop", "rebound", "rebound"]
    assert [told.name for told in stories(tmp_path / "rebound" / "a")] == ["a"]


def test_a_story_is_found_by_its_name_or_by_its_path(tmp_path: Path) -> None:
    name = "rebound/abrupt-stop-alt-150"
    assert find(name).name == name
    folder = str(written(tmp_path / "own"))
    assert find(folder).name == folder
    with pytest.raises(StoryError, match="There is no story rebound/nothing"):
        find("rebound/nothing")


def test_a_folder_that_is_not_there_is_an_error_and_not_an_empty_list(tmp_path: Path) -> None:
    with pytest.raises(StoryError, match="There is no folder"):
        list(stories(tmp_path / "elsewhere"))


@pytest.mark.parametrize(
    ("words", "expected", "complaint"),
    [
        ("# no front matter\n", EXPECTED, "front matter"),
        (WORDS.replace("asof: 2026-03-01\n", ""), EXPECTED, "asof"),
        (WORDS.replace("2026-03-01", "1 March"), EXPECTED, "asof|date"),
        (WORDS.replace("kind: fires", "kind: burns"), EXPECTED, "burns"),
        (WORDS.replace("kind:", "kinds:"), EXPECTED, "kinds"),
        (WORDS.replace("kind:", "shift: perhaps\nkind:"), EXPECTED, "perhaps"),
        (WORDS.replace("kind:", "invalid: yes\nkind:"), EXPECTED, "on purpose"),
        (WORDS, {"status": 200}, "cards"),
        (WORDS, {"cards": [{"topic": "rebound", "indicator": "info", "sais": ["a typing error"]}]}, "sais"),
        (WORDS, {"cards": [{"topic": "rebound", "indicator": "info", "says": ["(not closed"]}]}, "unterminated|missing"),
    ],
)
def test_what_is_wrong_with_a_story_is_said(tmp_path: Path, words: str, expected: object, complaint: str) -> None:
    with pytest.raises(StoryError, match=complaint):
        load(written(tmp_path / "a-story", words, expected=expected))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    folder = written(tmp_path / "a-story")
    (folder / "request.json").unlink()
    with pytest.raises(StoryError, match=r"a-story cannot be read.*request\.json"):
        load(folder)


@pytest.mark.parametrize(
    ("element", "before", "after"),
    [
        ("birthDate", "1981-06-15", "1981-06-25"),
        ("authoredOn", "2026-02-20", "2026-03-02"),
        ("effectiveDateTime", "2026-02-27T23:30:00-05:00", "2026-03-09T23:30:00-05:00"),
        ("end", "2026-02", "2026-02"),
        ("end", "2026", "2026"),
        ("start", "0202-11-01", "0202-11-01"),
        ("end", "9999-12-31", "9999-12-31"),
        ("start", "Invalid date", "Invalid date"),
        ("start", "2026-02-31", "2026-02-31"),
        ("end", "2026-13", "2026-13"),
        ("code", "8640", "8640"),
        ("code", "1742-6", "1742-6"),
        ("text", "since 2026-02-20", "since 2026-02-20"),
        ("id", "2026-02-20", "2026-02-20"),
        ("reference", "2026-02-20", "2026-02-20"),
    ],
)
def test_ten_days_later_every_date_is_ten_days_later_and_nothing_else_changes(
    tmp_path: Path, element: str, before: str, after: str
) -> None:
    told = story(tmp_path, {"prefetch": {"list": [{element: before}]}})
    assert of_today(told, date(2026, 3, 11)) == {"prefetch": {"list": [{element: after}]}}


@pytest.mark.parametrize(("before", "after"), [("2026-02", "2026-08"), ("2026", "2027"), ("2025-12", "2026-06")])
def test_half_a_year_later_a_partial_date_stays_partial(tmp_path: Path, before: str, after: str) -> None:
    told = story(tmp_path, {"period": {"end": before}})
    assert of_today(told, date(2026, 9, 1)) == {"period": {"end": after}}


def test_on_its_own_day_a_story_is_its_request(tmp_path: Path) -> None:
    told = story(tmp_path, {"period": {"end": "2026-02"}, "n": 3.5, "flag": True, "none": None}, shift="no")
    assert of_today(told, told.asof) == told.body()


def test_a_story_that_holds_on_its_own_day_only_is_not_moved(tmp_path: Path) -> None:
    with pytest.raises(StoryError, match="cannot be moved to 2026-03-02"):
        of_today(story(tmp_path, shift="no"), date(2026, 3, 2))


# ---------------------------------------------------------------- comparing
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
BASIS = "io.github.cds-service.basis"


def order(code: str, value: object, unit: str = "mg", times: int = 1, per: str = "d") -> dict[str, Any]:
    repeat = {"frequency": times, "period": 1, "periodUnit": per}
    dosage = {"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": {"value": value, "code": unit}}]}
    concept = {"coding": [{"system": RXNORM, "code": code}]}
    return {"resourceType": "MedicationRequest", "medicationCodeableConcept": concept, "dosageInstruction": [dosage]}


def laboratory(code: str) -> dict[str, Any]:
    return {"resourceType": "ServiceRequest", "code": {"coding": [{"system": "http://loinc.org", "code": code}]}}


def suggestion(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"label": "Take this", "actions": [{"description": "one order", "resource": resource} for resource in resources]}


CARD: dict[str, Any] = {
    "summary": "ALT 150 U/L",
    "detail": "Azathioprine is **withheld**: 3\\.0 mg/kg, &gt; 2",
    "indicator": "critical",
    "source": {"topic": {"code": "rebound"}},
    "suggestions": [suggestion(order("312615", 60), laboratory("1742-6")), suggestion(laboratory("1742-6"))],
    "extension": {
        BASIS: {
            "class": "abrupt-stop",
            "claims": ["C1"],
            "conflicts": ["X7"],
            "unknown": ["weight"],
            "evidence": [{"reference": "Observation/alt"}],
        }
    },
}
PREDNISONE = ExpectedOffer("prednisone", 60)  # type: ignore[arg-type]


def wanted(**members: Any) -> Expected:
    return Expected((ExpectedCard("rebound", "critical", **members),))


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"exposure_class": "abrupt-stop"},
        {"offers": (PREDNISONE,)},
        {"withholds": ("azathioprine",)},
        {"orders": ("1742-6",), "never_orders": ("1920-8",)},
        {"claims": ("C1",), "conflicts": ("X7",), "evidence": ("Observation/alt",)},
        {"says": (r"\b150\b", "withheld", r"3\.0 mg/kg, > 2", "one order"), "never_says": ("tacrolimus",)},
        {"unknown": ("WEIGHT",), "never_unknown": ("TPMT",)},
    ],
)
def test_a_card_that_is_as_expected_has_no_difference(members: dict[str, Any]) -> None:
    assert differences(wanted(**members), 200, [CARD]) == ()


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"exposure_class": "rapid-taper"}, "class abrupt-stop instead of rapid-taper"),
        ({"offers": ()}, "offers [prednisone 60 mg/d] instead of []"),
        ({"offers": (PREDNISONE, PREDNISONE)}, "offers [prednisone 60 mg/d] instead of [prednisone 60 mg/d, prednisone 60 mg/d]"),
        ({"withholds": ("prednisone",)}, "prednisone must be withheld"),
        ({"withholds": ("ciclosporin",)}, "does not say that ciclosporin is withheld"),
        ({"orders": ("5196-1",)}, "laboratory order 5196-1 is missing, there is [1742-6]"),
        ({"never_orders": ("1742-6",)}, "laboratory order 1742-6 must not be there"),
        ({"claims": ("C2",)}, "claim C2 is missing, there is [C1]"),
        ({"conflicts": ("X1",)}, "conflict X1 is missing, there is [X7]"),
        ({"evidence": ("Observation/ast",)}, "evidence Observation/ast is missing, there is [Observation/alt]"),
        ({"says": ("AST",)}, "does not say /AST/"),
        ({"never_says": ("150",)}, "must not say /150/"),
        ({"unknown": ("TPMT",)}, "does not name as unknown /TPMT/"),
        ({"never_unknown": ("weight",)}, "must not name as unknown /weight/"),
    ],
)
def test_a_difference_is_said_in_words(members: dict[str, Any], said: str) -> None:
    assert differences(wanted(**members), 200, [CARD]) == (f"rebound: {said}",)


def test_another_card_another_order_of_cards_and_another_status_differ() -> None:
    other = {**CARD, "source": {"topic": {"code": "abrupt-stop"}}, "indicator": "warning"}
    assert differences(wanted(), 200, []) == ("cards [] instead of [rebound critical]",)
    assert differences(wanted(), 200, [CARD, other]) == (
        "cards [rebound critical, abrupt-stop warning] instead of [rebound critical]",
    )
    both = Expected((ExpectedCard("abrupt-stop", "warning"), ExpectedCard("rebound", "critical")))
    assert differences(both, 200, [CARD, other]) != ()
    assert differences(both, 200, [other, CARD]) == ()
    assert differences(wanted(), 412, []) == ("status 412 instead of 200",)
    assert differences(Expected((), 412), 412, []) == ()


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (order("312615", 3, "{tablet}"), "prednisone 60 mg/d"),
        (order("198377", 2, "mg", 2), "tacrolimus 4 mg/d"),
        (order("198377", 2.5, "mg", 1, "h"), "tacrolimus 60 mg/d"),
        (order("198377", 1, "{capsule}", 7, "wk"), "tacrolimus 1 mg/d"),
        (order("198377", 1, "mg", 1, "a"), "tacrolimus of unknown dose"),
        (order("42316", 1, "{capsule}"), "tacrolimus of unknown dose"),
        (order("0", 1), "an order without a known RxNorm code"),
    ],
)
def test_the_daily_dose_of_an_offer_is_read_from_its_order(resource: dict[str, Any], said: str) -> None:
    card = {**CARD, "suggestions": [suggestion(resource)]}
    assert differences(wanted(offers=()), 200, [card]) == (f"rebound: offers [{said}] instead of []",)


def test_the_drugs_of_one_alternative_belong_together() -> None:
    together = {**CARD, "suggestions": [suggestion(order("312615", 30), order("197388", 50))]}
    apart = {**CARD, "suggestions": [suggestion(order("312615", 30)), suggestion(order("197388", 50))]}
    pair = {"drug": "prednisone", "mg_per_day": 30, "with": [{"drug": "azathioprine", "mg_per_day": 50}]}
    expected = {"cards": [{"topic": "rebound", "indicator": "critical", "offers": [pair]}]}
    read = Expected(tuple(_card(card) for card in expected["cards"]))
    assert differences(read, 200, [together]) == ()
    assert differences(read, 200, [apart]) == (
        "rebound: offers [azathioprine 50 mg/d, prednisone 30 mg/d] instead of [azathioprine 50 mg/d + prednisone 30 mg/d]",
    )


def _card(members: dict[str, Any]) -> ExpectedCard:
    return msgspec.convert(members, ExpectedCard)
