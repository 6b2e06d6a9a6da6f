"""What differs between the cards that came and the cards that a story expects, in words."""

import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from html import unescape
from typing import Any

from cds_service.knowledge.valuesets import drug_of_code
from cds_service.stories.story import Expected, ExpectedCard, ExpectedOffer

Json = dict[str, Any]

BASIS = "io.github.cds-service.basis"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
_HOURS = {"h": 1, "d": 24, "wk": 168}
_DRUG_ORDERS = {"MedicationRequest", "MedicationOrder"}


def differences(expected: Expected, status: int, cards: Iterable[Json]) -> tuple[str, ...]:
    """Every difference as a sentence; none where the answer is what the story expects."""
    if status != expected.status:
        return (f"status {status} instead of {expected.status}",)
    if status != 200:
        return ()
    came = list(cards)
    wanted = [f"{card.topic} {card.indicator}" for card in expected.cards]
    found = [f"{topic_of(card)} {card.get('indicator')}" for card in came]
    if wanted != found:
        return (f"cards {_listed(found)} instead of {_listed(wanted)}",)
    pairs = zip(expected.cards, came, strict=True)
    return tuple(f"{want.topic}: {text}" for want, card in pairs for text in _of_card(want, card))


def topic_of(card: Json) -> str:
    """The topic code of a card, empty where it has none."""
    return str(card.get("source", {}).get("topic", {}).get("code", ""))


def basis_of(card: Json) -> Json:
    """The basis of a card."""
    basis: Json = card.get("extension", {}).get(BASIS, {})
    return basis


def words_of(card: Json) -> str:
    """All that a clinician can read on a card, without markdown's escapes and emphasis."""
    parts = [card.get("summary", ""), card.get("detail", "")]
    for suggestion in card.get("suggestions", ()):
        parts += [suggestion["label"], *(action["description"] for action in suggestion["actions"])]
    return unescape(re.sub(r"\\(?=[^\w\s])|[*_`]", "", "\n".join(parts)))


def _listed(items: Iterable[str]) -> str:
    return "[" + ", ".join(items) + "]"


def _of_card(want: ExpectedCard, card: Json) -> Iterator[str]:
    basis = basis_of(card)
    if want.exposure_class is not None and basis.get("class") != want.exposure_class:
        yield f"class {basis.get('class')} instead of {want.exposure_class}"
    yield from _of_offers(want, card)
    ordered = {code for resource in _resources(card) for code in _codes(resource, LOINC)}
    yield from _missing("laboratory order", want.orders, ordered)
    yield from (f"laboratory order {code} must not be there" for code in want.never_orders if code in ordered)
    yield from _missing("claim", want.claims, basis.get("claims", ()))
    yield from _missing("conflict", want.conflicts, basis.get("conflicts", ()))
    yield from _missing("evidence", want.evidence, [entry["reference"] for entry in basis.get("evidence", ())])
    yield from _of_words(want, words_of(card), "\n".join(basis.get("unknown", ())))


def _missing(what: str, wanted: Iterable[str], there: Iterable[str]) -> Iterator[str]:
    found = list(there)
    yield from (f"{what} {item} is missing, there is {_listed(sorted(found))}" for item in wanted if item not in found)


def _of_words(want: ExpectedCard, words: str, unknown: str) -> Iterator[str]:
    demands: tuple[tuple[tuple[str, ...], str, str, Callable[[object], bool]], ...] = (
        (want.says, words, "does not say", lambda match: match is None),
        (want.never_says, words, "must not say", lambda match: match is not None),
        (want.unknown, unknown, "does not name as unknown", lambda match: match is None),
        (want.never_unknown, unknown, "must not name as unknown", lambda match: match is not None),
    )
    for patterns, text, complaint, broken in demands:
        for pattern in patterns:
            if broken(re.search(pattern, text, re.IGNORECASE)):
                yield f"{complaint} /{pattern}/"


def _of_offers(want: ExpectedCard, card: Json) -> Iterator[str]:
    offers = sorted(_drugs_of(suggestion) for suggestion in card.get("suggestions", ()))
    offers = [offer for offer in offers if offer]
    if want.offers is not None:
        wanted = sorted(_wanted_drugs(offer) for offer in want.offers)
        if wanted != offers:
            yield f"offers {_alternatives(offers)} instead of {_alternatives(wanted)}"
    words = words_of(card).lower()
    for drug in want.withholds:
        if any(order.startswith(f"{drug} ") for offer in offers for order in offer):
            yield f"{drug} must be withheld"
        elif drug not in words:
            yield f"does not say that {drug} is withheld"


def _wanted_drugs(offer: ExpectedOffer) -> list[str]:
    together = (_said(drug.drug, drug.mg_per_day) for drug in offer.with_)
    return sorted([_said(offer.drug, offer.mg_per_day), *together])


def _alternatives(offers: Iterable[list[str]]) -> str:
    return _listed(" + ".join(offer) for offer in offers)


def _said(drug: str, mg: Decimal | Fraction | None) -> str:
    return f"{drug} of unknown dose" if mg is None else f"{drug} {Fraction(mg)} mg/d"


def _resources(card: Json) -> Iterator[Json]:
    for suggestion in card.get("suggestions", ()):
        for action in suggestion["actions"]:
            if "resource" in action:
                yield action["resource"]


def _drugs_of(suggestion: Json) -> list[str]:
    """The drug orders of one alternative, each as drug and mg a day."""
    resources = [action["resource"] for action in suggestion["actions"] if "resource" in action]
    return sorted(_drug_order(resource) for resource in resources if resource["resourceType"] in _DRUG_ORDERS)


def _codes(value: Any, system: str) -> Iterator[str]:
    """Every code of a system anywhere in a resource."""
    if isinstance(value, dict):
        if value.get("system") == system and "code" in value:
            yield value["code"]
        for inner in value.values():
            yield from _codes(inner, system)
    elif isinstance(value, list):
        for inner in value:
            yield from _codes(inner, system)


def _drug_order(resource: Json) -> str:
    drugs = [drug for code in _codes(resource, RXNORM) if (drug := drug_of_code(RXNORM, code))]
    if not drugs:
        return "an order without a known RxNorm code"
    strength = next((drug.strength for drug in drugs if drug.strength), None)
    return _said(drugs[0].ingredient, _mg_a_day(resource, strength))


def _mg_a_day(resource: Json, strength: Fraction | None) -> Fraction | None:
    """The mg a day of an order's dosage lines together; None where a line does not tell."""
    total = Fraction()
    for line in resource.get("dosageInstruction", ()):
        quantity = line.get("doseAndRate", [line])[0].get("doseQuantity", {})
        repeat = line.get("timing", {}).get("repeat", {})
        unit = _HOURS.get(repeat.get("periodUnit", repeat.get("periodUnits")))
        mg = Fraction(1) if quantity.get("code") == "mg" else strength
        if unit is None or mg is None or "value" not in quantity:
            return None
        times = Fraction(24 * repeat.get("frequency", 1)) / (Fraction(str(repeat.get("period", 1))) * unit)
        total += Fraction(str(quantity["value"])) * mg * times
    return total or None
