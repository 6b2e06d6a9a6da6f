"""Offers become suggestions: complete alternatives of valid draft orders, the drug first."""

from uuid import UUID

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from cds_service.cards import cards
from cds_service.fhir import validation
from cds_service.fhir.writing import VERSIONS
from cds_service.knowledge.finding import LabOrder, Offer, ReferralOrder, say
from cds_service.protocol.card import Action
from tests.findings import BASE, LABS, PARAMETERS, REBOUND, RECORD, detail_of, made, own_sentences, plain
from tests.ordered import for_whom, problems

__all__ = ["own_sentences"]  # the fixture these tests run under

ENCODER = msgspec.json.Encoder(decimal_format="number")


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


ORDERS = {
    "DSTU2": ("MedicationOrder", "DiagnosticOrder", "ReferralRequest"),
    "STU3": ("MedicationRequest", "ProcedureRequest", "ReferralRequest"),
    "R4": ("MedicationRequest", "ServiceRequest", "ServiceRequest"),
    "R4B": ("MedicationRequest", "ServiceRequest", "ServiceRequest"),
    "R5": ("MedicationRequest", "ServiceRequest", "ServiceRequest"),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_gets_the_same_suggestions_in_its_own_fhir_version(version: str) -> None:
    (card,), (same,) = made(REBOUND, record=replace(RECORD, fhir_version=version)), made(REBOUND)

    assert card.suggestions is not None
    assert same.suggestions is not None
    assert [suggestion.label for suggestion in card.suggestions] == [suggestion.label for suggestion in same.suggestions]
    for suggestion, alike in zip(card.suggestions, same.suggestions, strict=True):
        assert [action.description for action in suggestion.actions] == [action.description for action in alike.actions]
        for action in suggestion.actions:
            assert action.resource is not None
            assert problems(action.resource, version) == []
            assert for_whom(action.resource) == "Patient/p1"
    drug, laboratory, referral = ORDERS[version]
    kinds = [action.resource["resourceType"] for action in card.suggestions[0].actions if action.resource]
    assert kinds == [drug, *[laboratory] * 14, referral]
    assert detail_of(card) == detail_of(same)


def test_every_id_is_a_uuid_of_its_own() -> None:
    found = made(REBOUND, plain("abrupt-stop"), plain("rapid-taper"))

    ids = [card.uuid for card in found] + [suggestion.uuid for card in found for suggestion in card.suggestions or ()]
    assert len(set(ids)) == len(ids) == 6
    assert all(str(UUID(text)) == text for text in ids)


def test_no_card_recommends_one_treatment_or_carries_links() -> None:
    wire = ENCODER.encode(made(REBOUND)).decode()

    assert "isRecommended" not in wire
    assert '"links"' not in wire


# --- the client's own orders


OWN = {
    "resourceType": "MedicationRequest",
    "id": "tac",
    "status": "stopped",
    "statusReason": {"text": "no longer needed"},
    "intent": "order",
    "medicationCodeableConcept": {"text": "tacrolimus"},
    "subject": {"reference": "Patient/p1"},
}
KEEP = Offer("keep-order", say("test-laboratory"), keeps=("MedicationRequest/tac",))


def kept(*own: dict[str, object], version: str = "R4") -> list[list[Action]]:
    """The actions of each suggestion for keeping the order, before that of laboratory orders."""
    finding = plain("abrupt-stop-ordered", offers=(KEEP, Offer("laboratory", say("test-laboratory"), labs=LABS[:1])))
    record = replace(RECORD, fhir_version=version)
    orders = [Raw(msgspec.json.encode(one)) for one in own]
    (card,) = cards([finding], record, parameters=PARAMETERS, base_url=BASE, own=orders)
    return [list(suggestion.actions) for suggestion in card.suggestions or ()]


def test_an_order_of_the_client_goes_back_active_as_an_update() -> None:
    (keep,), (laboratory,) = kept({"resourceType": "ServiceRequest", "id": "x"}, OWN)
    assert (keep.type, keep.resource) == (
        "update",
        {name: value for name, value in OWN.items() if name != "statusReason"} | {"status": "active"},
    )
    assert keep.description
    assert laboratory.type == "create"


@pytest.mark.parametrize(
    "own",
    [(), ({**OWN, "colour": "red"},), ({**OWN, "id": "another"},), ({**OWN, "status": "active"},)],
    ids=["nothing came", "not valid", "another order", "not ended"],
)
def test_an_alternative_whose_order_cannot_go_back_is_left_out(own: tuple[dict[str, object], ...]) -> None:
    assert [[action.type for action in actions] for actions in kept(*own)] == [["create"]]


def test_an_order_of_another_version_is_not_taken_for_one_of_this() -> None:
    assert len(kept(OWN, version="R5")) == 1
