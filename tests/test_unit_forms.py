"""The same results in the other units, conventional or SI, give the same card: in every story of a rebound, at every boundary."""

import json
import re
from collections.abc import Iterator
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from cds_service.answer import Setting
from cds_service.fhir.concepts import texts
from cds_service.fhir.wire import Concept
from cds_service.knowledge.parameters import in_force
from cds_service.knowledge.valuesets import analyte_of_code, analyte_of_text
from cds_service.stories.answering import hook_of, respond
from cds_service.stories.story import Story, stories

Json = dict[str, Any]
SETTING = Setting(parameters=in_force(), base_url="https://cds.example.org")
STORIES = {story.name: story for story in stories() if story.question == "rebound"}
DIGITS = Context(prec=34)

PER_UNIT = {
    **{key: {"U/L": "1", "ukat/L": "60", "nkat/L": "0.06"} for key in ("alt", "ast", "alp", "ggt", "creatine_kinase")},
    **{key: {"umol/L": "1", "mg/dL": "17.1"} for key in ("bilirubin", "bilirubin_direct")},
    "creatinine": {"umol/L": "1", "mg/dL": "88.4"},
    **{key: {"g/L": "1", "g/dL": "10", "mg/dL": "0.01"} for key in ("igg", "albumin", "c3", "c4", "hemoglobin")},
    "upcr": {"mg/g": "1", "mg/mmol": "8.84", "g/g": "1000"},
    "crp": {"mg/L": "1", "mg/dL": "10"},
    **{key: {"10*9/L": "1", "10*3/uL": "1", "/uL": "0.001"} for key in ("wbc", "neutrophils", "platelets")},
    "potassium": {"mmol/L": "1", "meq/L": "1"},
    "magnesium": {"mmol/L": "1", "mg/dL": "0.4114"},
    "glucose": {"mmol/L": "1", "mg/dL": "0.05551"},
    "inr": {"1": "1", "{INR}": "1"},
    "weight": {"kg": "1", "[lb_av]": "0.45359237", "g": "0.001"},
    "fvc": {"mL": "1", "L": "1000"},
    **{key: {"cm[H2O]": "1", "kPa": "10.19716"} for key in ("nif", "mep")},
    "tacrolimus": {"ng/mL": "1", "nmol/L": "0.80402"},
    "calcium": {"mmol/L": "1", "mg/dL": "0.2495"},
    "hba1c": {"%": "1", "mmol/mol": "0.09148"},
}
"""The units of an analyte in use, each with what one of it is in the first; apart from the tables that are tested."""

OFFSET = {"mmol/mol": Fraction("2.152")}
"""What is to be added in the first unit where 0 is not 0 of it."""

ONE_UNIT = {"qtc", "egfr", "esr", "dsdna", "mpo", "pr3", "mg_adl", "qmg", "urine_rbc", "urine_acanthocytes", "urine_rbc_casts"}
"""Reported in one unit only."""

LIMIT_OF_ITS_UNIT = {"rebound/bilirubin-5-9": "mg/dL", "rebound/bilirubin-100-umol": "umol/L"}
"""6 mg/dL and 100 umol/L are two limits for azathioprine, each for its own unit: between them the card differs on purpose."""


def analyte(code: Json) -> str | None:
    for coding in code.get("coding", ()):
        known = analyte_of_code(coding.get("system", ""), coding.get("code", ""))
        if known:
            return known.name
    named = next((told for text in texts(Concept(text=code.get("text"))) if (told := analyte_of_text(text))), None)
    return named.name if named else None


def results(value: Any) -> Iterator[Json]:
    """Every observation and component with a quantity."""
    if isinstance(value, dict):
        if "valueQuantity" in value and "code" in value:
            yield value
        for inner in value.values():
            yield from results(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from results(inner)


def converted(amount: Json, units: dict[str, str], to: str) -> None:
    """The amount in another unit, exact to 34 digits; an unknown unit stays."""
    unit = next((name for name in units if name.lower() == (amount.get("code") or amount["unit"]).lower()), None)
    if unit is None or not isinstance(amount.get("value"), int | float):
        return
    first = Fraction(str(amount["value"])) * Fraction(units[unit]) + OFFSET.get(unit, 0)
    exact = (first - OFFSET.get(to, 0)) / Fraction(units[to])
    number = DIGITS.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    amount.update({"value": f"<<{number:f}>>", "unit": to, "code": to})


def other(units: dict[str, str], unit: str, turn: int) -> str | None:
    """Another unit for this one: with each turn another of them."""
    if unit.lower() not in map(str.lower, units):
        return None
    rest = [name for name in units if name.lower() != unit.lower()]
    return rest[turn % len(rest)]


@cache
def in_other_units(story: Story, turn: int) -> tuple[bytes, int]:
    """The request with every result in another unit, and how many were changed."""
    body = story.body()
    changed = 0
    for result in results(body.get("prefetch", {})):
        name, quantity = analyte(result["code"]), result["valueQuantity"]
        to = other(PER_UNIT.get(name or "", {}), quantity.get("code") or quantity.get("unit", ""), turn)
        if name is None or to is None:
            continue
        changed += 1
        bounds = [bound for span in result.get("referenceRange", ()) for end in ("low", "high") if (bound := span.get(end))]
        for amount in (quantity, *(bound for bound in bounds if bound.get("code") or bound.get("unit"))):
            converted(amount, PER_UNIT[name], to)
    return re.sub(r'"<<(-?[\d.]+)>>"', r"\1", json.dumps(body)).encode(), changed


def told(story: Story, request: bytes) -> list[Any]:
    """What the cards say, but for their amounts; every alternative with all that it orders."""
    found = respond(request, hook=hook_of(story.service), asof=story.asof, setting=SETTING).cards
    return [
        (
            card["source"]["topic"]["code"],
            card["indicator"],
            card["extension"]["io.github.cds-service.basis"].get("class"),
            [(one["label"], [action["description"] for action in one["actions"]]) for one in card.get("suggestions", ())],
            without_amounts(card["summary"]),
            without_amounts(card.get("detail", "")),
        )
        for card in found
    ]


def without_amounts(text: str) -> str:
    return re.sub(r"(?<![A-Za-z])-?\d[\d.]*(?:E[+-]\d+)?(?: [^\s,;:()]+)?", "#", text)


@pytest.mark.parametrize("turn", [0, 1])
@pytest.mark.parametrize("name", STORIES)
def test_other_units_give_the_same_card(name: str, turn: int) -> None:
    story = STORIES[name]
    request, _ = in_other_units(story, turn)
    if name in LIMIT_OF_ITS_UNIT:
        assert told(story, request) != told(story, story.request)
    else:
        assert told(story, request) == told(story, story.request)


def test_every_result_of_the_stories_has_another_unit_or_is_known_to_have_none() -> None:
    known = {
        name for story in STORIES.values() for one in results(story.body().get("prefetch", {})) if (name := analyte(one["code"]))
    }
    assert known <= PER_UNIT.keys() | ONE_UNIT
    assert {"alt", "ast", "igg", "bilirubin", "inr", "creatinine", "upcr", "albumin", "crp", "c3", "fvc", "nif"} <= known


def test_the_conversion_changes_the_numbers_of_every_disease() -> None:
    for name in (
        "abrupt-stop-alt-150",
        "lupus-nephritis-relapse",
        "anca-renal-relapse",
        "membranous-relapse",
        "myasthenia-nif-25",
    ):
        request, changed = in_other_units(STORIES[f"rebound/{name}"], 0)
        assert changed > 1
        assert request != STORIES[f"rebound/{name}"].request
