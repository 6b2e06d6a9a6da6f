"""Every number that a card shows stands in the record, in the parameters, in the knowledge base, or is reckoned from those.

Reckoned are only the few things that cards reckon: multiples of a limit, the person's usual value, an amount in another unit,
doses by weight and per day, and days between a day of the record and today or between two days of medicines.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from cds_service.answer import Setting
from cds_service.cards.sentences import catalogue
from cds_service.cards.values import number
from cds_service.fhir.written_numbers import written
from cds_service.knowledge import orders, valuesets
from cds_service.knowledge.claims import SOURCE, claims, conflicts
from cds_service.knowledge.parameters import described, in_force
from cds_service.patient.units import canonical
from cds_service.stories.answering import hook_of, respond
from cds_service.stories.story import Story, stories

Json = dict[str, Any]
STORIES = {story.name: story for story in stories() if story.expected.status == 200}
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])")
DAY = re.compile(r"\d{4}-\d{2}(?:-\d{2})?")
CODE = re.compile(
    r"Ruleset: [\d.]+|\b[CX]\d+\b|\b[A-Z][A-Za-z]+/[A-Za-z0-9.-]+|\[IU\]|cm\[H2O\]|cmH2O"
    r"|10\*[39]|10\^\d|1\.73[_ ]m2|24\.h|24 h\b|STU3|DSTU2"
)
SETTING = Setting(parameters=in_force(), base_url="https://cds.example.org")
MULTIPLIED = ("tacrolimus_mgkg", "azathioprine_mgkg_low", "azathioprine_mgkg_high")
ASSUMED = ("uln_alt", "uln_ast", "uln_igg", "uln_esr")
MEDICINES = re.compile(r"Medication")
TIMES_A_DAY = range(1, 7)


def values(found: object) -> Iterator[str]:
    """Every number and every text of a tree."""
    if isinstance(found, dict):
        for member in found.values():
            yield from values(member)
    elif isinstance(found, list | tuple):
        for member in found:
            yield from values(member)
    elif not isinstance(found, bool):
        yield str(found)


def numbers(texts: Iterable[str]) -> set[Decimal]:
    return {abs(Decimal(one)) for text in texts for one in NUMBER.findall(CODE.sub(" ", DAY.sub(" ", text)))}


@cache
def known() -> frozenset[Decimal]:
    """The numbers of the parameters and of the knowledge base, of products and tests, and the name of the source."""
    texts = [str(parameter.value) for parameter in described().values()]
    texts += [conflict.card for conflict in conflicts().values()]
    texts += [text for claim in claims().values() for text in (claim.text, *claim.figures)]
    texts += [product.name for product in orders.orders().product] + [f"{SOURCE.label} {SOURCE.url}".replace("/", " ")]
    whole_plan = len(in_force().taper_plan_shares) * in_force().taper_plan_step_days
    return frozenset({*numbers(texts), Decimal(whole_plan)})


def resources(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if isinstance(value.get("resourceType"), str) and value["resourceType"] != "Bundle":
            yield value
            return
        for inner in value.values():
            yield from resources(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from resources(inner)


def dates(value: Any) -> set[date]:
    return {date.fromisoformat(one) for one in re.findall(r"\d{4}-\d{2}-\d{2}", json.dumps(value)) if one > "1"}


def lengths(body: Json, today: date) -> set[Decimal]:
    """Days from any day of the record to today, and between two days of medicines; the ends counted or not."""
    of_medicines = {day for found in resources(body) if MEDICINES.match(found["resourceType"]) for day in dates(found)}
    pairs = {(one, today) for one in dates(body)} | {(one, other) for one in of_medicines for other in of_medicines}
    between = {abs((one - other).days) for one, other in pairs}
    return {Decimal(length + more) for length in between for more in (-1, 0, 1)}


def code_of(concept: Json) -> str:
    return next((coding.get("code", "") for coding in concept.get("coding", ())), concept.get("text", ""))


def amounts(result: Json) -> tuple[Decimal | None, str, list[Decimal]]:
    """The number of a result, its unit, and the ends of its ranges."""
    quantity = result.get("valueQuantity", {})
    quantity = quantity if isinstance(quantity, dict) else {}
    told = written(result["valueString"]) if "valueString" in result else None
    value = quantity.get("value", told.value if told else None)
    unit = quantity.get("code") or quantity.get("unit") or (told.unit if told else None) or ""
    spans = result.get("referenceRange", ())
    ends = [span[end]["value"] for span in spans for end in ("low", "high") if "value" in span.get(end, {})]
    ends += [one for span in spans for one in numbers([span.get("text", "")])]
    return (None if value is None else Decimal(str(value))), unit, [Decimal(str(end)) for end in ends]


def of_results(body: Json) -> Iterator[Decimal]:
    """Results, in the project's unit too, their multiples of their limits, and the middle of two of a kind."""
    by_code: dict[str, list[Decimal]] = {}
    for found in (one for one in resources(body) if one["resourceType"] == "Observation"):
        for result in (found, *found.get("component", ())):
            value, unit, ends = amounts(result)
            if value is None:
                continue
            code = code_of(result.get("code", {}))
            analyte = valuesets.analyte_of_code("http://loinc.org", code) or valuesets.analyte_of_text(code)
            ours = canonical(analyte.name, value, unit) if analyte else None
            by_code.setdefault(code, []).append(value)
            yield value
            yield from (value / end for end in ends if end)
            if ours is not None:
                yield ours.value
                yield from (ours.value / Decimal(str(described()[name].value)) for name in ASSUMED)
                if analyte and analyte.name == "weight":
                    yield from (ours.value * Decimal(str(described()[name].value)) for name in MULTIPLIED)
                    yield from (ours.value * 2, ours.value * 2 / 3)  # the reference dose of azathioprine, and a third of it
    for found in by_code.values():
        yield from ((one + other) / 2 for one in found for other in found)


def of_medicines(body: Json) -> Iterator[Decimal]:
    """Doses a day: of pieces and by weight too, as prednisone, and on the scale of immediate release; shares of a dose."""
    weights = [Fraction(str(value)) for value in of_weights(body)] or [Fraction(1)]
    days, single = set[Fraction](), set[Fraction]()
    for found in (one for one in resources(body) if MEDICINES.match(one["resourceType"])):
        codes = [coding.get("code", "") for concept in concepts(found) for coding in concept.get("coding", ())]
        known_as = [
            drug for code in codes if (drug := valuesets.drug_of_code("http://www.nlm.nih.gov/research/umls/rxnorm", code))
        ]
        strengths = {Fraction(1), *(drug.strength for drug in known_as if drug.strength)}
        strengths |= {Fraction(str(one)) for concept in concepts(found) for one in numbers([concept.get("text", "")])}
        for value in doses(found):
            single |= {value * strength for strength in strengths} | {value * kg for kg in weights}
    days = {one * times for one in single for times in TIMES_A_DAY}
    days |= {one + other for one in single for other in single}
    days |= {one / Fraction(str(described()["extended_release_tablet_factor"].value)) for one in days}
    for one in days:
        yield from (in_decimals(one * factor) for factor in {Fraction(1), *in_force().prednisone_equivalents.values()})
        yield from (in_decimals(one / kg) for kg in weights)
    shares = [Fraction(str(share)) for share in in_force().taper_plan_shares]
    yield from (in_decimals(one * share) for one in days for share in shares)
    yield from (in_decimals(one / other) for one in days for other in days if other)


def of_weights(body: Json) -> Iterator[Decimal]:
    for found in resources(body):
        value, unit, _ = amounts(found) if found["resourceType"] == "Observation" else (None, "", [])
        ours = canonical("weight", value, unit) if value is not None else None
        if ours is not None:
            yield ours.value


def concepts(found: Json) -> Iterator[Json]:
    held = [found.get("medicationCodeableConcept"), (found.get("medication") or {}).get("concept"), found.get("code")]
    held += [inner.get("code") for inner in found.get("contained", ())]
    yield from (concept for concept in held if isinstance(concept, dict))


def doses(value: Any) -> Iterator[Fraction]:
    """The amounts in a dosage."""
    if isinstance(value, dict):
        if isinstance(value.get("value"), int | float):
            yield Fraction(str(value["value"]))
        for inner in value.values():
            yield from doses(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from doses(inner)


def in_decimals(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


@cache
def origins(story: Story) -> frozenset[str]:
    """Every number that this story's cards may show, as cards write it."""
    body = json.loads(story.request)
    exact = known() | numbers(values(body)) | lengths(body, story.asof)
    reckoned = {round(one, places) for one in (*of_results(body), *of_medicines(body)) for places in (1, 2, 3)}
    return frozenset(number(abs(one)) for one in exact | reckoned)


def shown(story: Story) -> str:
    """The words of the cards of a story; counts of orders and the closing line's references are structure."""
    cards = respond(story.request, hook=hook_of(story.service), asof=story.asof, setting=SETTING).cards
    parts = []
    for card in cards:
        parts += [card["summary"], re.sub(r"\n\nBased on[^\n]*?Source:", "\n\nSource:", card.get("detail", ""))]
    return re.sub(r"\\", "", "\n".join(parts))


@pytest.mark.parametrize("name", STORIES)
def test_every_number_of_a_card_has_an_origin(name: str) -> None:
    story = STORIES[name]
    strange = {one for one in numbers([shown(story)]) if number(one) not in origins(story)}
    assert not strange


@pytest.mark.parametrize(
    "name", ["rebound/abrupt-stop-alt-150", "rebound/lupus-nephritis-relapse", "abrupt-stop/stopped-nine-days-ago"]
)
def test_a_number_made_up_would_mostly_be_noticed(name: str) -> None:
    """What may be shown is little of what could be: most whole numbers, and nearly all with a decimal, are strange to a story."""
    may = origins(STORIES[name])
    whole = [str(one) for one in range(10, 400)]
    tenths = [number(Decimal(one) / 10) for one in range(101, 1000) if one % 10]
    assert len(may.intersection(whole)) < len(whole) / 4
    assert len(may.intersection(tenths)) < len(tenths) / 10


NAMES_WITH_DIGITS = re.compile(r"CYP3A|HbA1c|NUDT15|cmH2O|FHIR R4")


def test_no_sentence_has_a_number_of_its_own() -> None:
    """Every number reaches a card as a value that a judgement hands over; what stands in the catalogue are words."""
    bare = {key: NAMES_WITH_DIGITS.sub("", " ".join(told.plain)) for key, told in catalogue().items()}
    assert {key: told for key, told in bare.items() if re.search(r"\d", told)} == {}


def test_the_guard_sees_a_number_without_an_origin() -> None:
    assert numbers(["Prednisone 61.7 mg on 2026-03-01 (C3)"]) == {Decimal("61.7")}
    assert "61.7" not in origins(STORIES["rebound/abrupt-stop-alt-150"])
