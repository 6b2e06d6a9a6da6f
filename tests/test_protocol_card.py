"""The answer as the schema sees it: what is sent, without a copy of it."""

import msgspec
import pytest
from msgspec.structs import replace

from cds_service.protocol.card import Action, Card, plain
from cds_service.protocol.schemas import schema
from tests.findings import REBOUND, made, own_sentences

__all__ = ["own_sentences"]  # the fixture these tests run under


@pytest.fixture
def card() -> Card:
    """A card with everything: suggestions that share their laboratory orders, override reasons, a basis."""
    (found,) = made(REBOUND)
    return found


def test_what_the_schema_sees_is_what_is_sent(card: Card) -> None:
    encode = msgspec.json.Encoder(decimal_format="number").encode
    assert encode(plain([card, card])) == encode([card, card])
    assert schema("response").fault({"cards": plain([card])}) is None


def test_the_resources_of_the_orders_are_seen_and_not_copied(card: Card) -> None:
    (seen,) = plain([card])
    for shown, suggestion in zip(seen["suggestions"], card.suggestions or (), strict=True):
        for action, made_by_us in zip(shown["actions"], suggestion.actions, strict=True):
            assert action["resource"] is made_by_us.resource


@pytest.mark.parametrize(
    "action",
    [
        Action("create", "An order of nothing"),
        Action("create", "An order without a type", {"status": "draft"}),
        Action("create", "", {"resourceType": "ServiceRequest"}),
        Action("delete", "Not named"),
    ],
)
def test_a_faulty_order_is_found_wherever_it_stands(card: Card, action: Action) -> None:
    *first, last = card.suggestions or ()
    faulty = replace(last, actions=(*last.actions, action))
    assert schema("response").fault({"cards": plain([replace(card, suggestions=(*first, faulty))])}) is not None
