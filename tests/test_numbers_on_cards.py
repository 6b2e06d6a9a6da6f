"""Every number that a card shows stands in the record, in the parameters, in the knowledge base, or is reckoned from those."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import product
from typing import Any

import pytest

from cds_service.answer import Setting
from cds_service.cards.values import number
from cds_service.knowledge import orders
from cds_service.knowledge.claims import SOURCE, claims, conflicts
from cds_service.knowledge.parameters import described, in_force
from cds_service.stories.answering import hook_of, respond
from cds_service.stories.story import Story, stories

STORIES = {story.name: story for story in stories() if story.name.startswith("rebound/")}
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])")
DAY = re.compile(r"\d{4}-\d{2}(?:-\d{2})?")
CODE = re.compile(r"Ruleset: [\d.]+|\b[CX]\d+\b|\b[A-Z][A-Za-z]+/[A-Za-z0-9.-]+|\[IU\]|cm\[H2O\]|10\^\d|1\.73 m2|24 h\b")
SETTING = Setting(parameters=in_force(), base_url="https://cds.example.org")


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
    return frozenset(numbers(texts))


def quantities(request: Any) -> Iterator[Decimal]:
    """The amounts of the record: results, ranges and doses."""
    if isinstance(request, dict):
        if isinstance(request.get("value"), int | float):
            yield Decimal(str(request["value"]))
        for member in request.values():
            yield from quantities(member)
    elif isinstance(request, list):
        for member in request:
            yield from quantities(member)


def days(request: Any, today: date) -> set[Decimal]:
    """How many days lie between any two days of the record, the ends counted or not."""
    text = json.dumps(request)
    found = {date.fromisoformat(one) for one in re.findall(r"\d{4}-\d{2}-\d{2}", text)} | {today}
    between = {abs((one - other).days) for one in found for other in found}
    return {Decimal(length + more) for length in between for more in (-1, 0, 1)}


def reckoned(request: Any) -> set[Decimal]:
    """Products and quotients of two amounts of record and parameters: multiples of a limit, doses by weight, daily doses."""
    told = set(quantities(request))
    steps = {Decimal(2), Decimal("0.5"), *(Decimal(str(described()[name].value)) for name in MULTIPLIED)}
    pairs = [*product(told, told), *product(told, steps), *product(steps, steps)]
    found = {one * other for one, other in pairs} | {one / other for one, other in pairs if other}
    found |= {(one + other) / 2 for one, other in product(told, told)}
    return found


MULTIPLIED = ("tacrolimus_mgkg", "azathioprine_mgkg_low", "azathioprine_mgkg_high", "azathioprine_fixed_mg")


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
    said, request = numbers([shown(story)]), json.loads(story.request)
    strange = said - known() - numbers(values(request)) - days(request, story.asof)
    if strange:
        exact = {number(round(one, places)) for one in reckoned(request) for places in (1, 2, 3)}
        strange = {one for one in strange if number(one) not in exact}
    assert not strange


def test_the_guard_sees_a_number_without_an_origin() -> None:
    assert numbers(["Prednisone 61.7 mg on 2026-03-01 (C3)"]) == {Decimal("61.7")}
    assert Decimal("61.7") not in known()
