"""Hook requests over HTTP: the cards, what is remembered of them, and what is never let out."""

import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.answer import Outcome
from cds_service.answer import answer as sound_answer
from cds_service.protocol.discovery import services
from cds_service.protocol.schemas import schema
from cds_service.store.sqlite import SqliteStore
from cds_service.stories.story import Story
from cds_service.web import hooks
from cds_service.web.application import build
from cds_service.web.house import House
from tests.conftest import hook_request

SERVICE = "/cds-services/tacrolimus-patient-view"


def post(client: FlaskClient, body: Any, path: str = SERVICE) -> TestResponse:
    return client.post(path, data=body if isinstance(body, bytes) else json.dumps(body), content_type="application/json")


@pytest.mark.parametrize("service", services())
def test_every_service_answers_a_person_without_tacrolimus_with_no_card(client: FlaskClient, service: str) -> None:
    answer = post(client, hook_request(services()[service].hook), f"/cds-services/{service}")
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b'{"cards":[]}', "application/json")


def test_a_story_is_answered_with_its_card_and_remembered_without_the_person(
    client: FlaskClient, rebound: Story, store: SqliteStore, tmp_path: Path
) -> None:
    answer = post(client, rebound.request, f"/cds-services/{rebound.service}")
    assert answer.status_code == 200
    assert schema("response").fault(answer.json) is None
    card = answer.get_json()["cards"][0]
    store.close()
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        kept = connection.execute("SELECT * FROM answered_card WHERE card = ?", [card["uuid"]]).fetchone()
    connection.close()
    suggestions = json.dumps([suggestion["uuid"] for suggestion in card["suggestions"]])
    hook = services()[rebound.service].hook
    day = f"{rebound.asof}T00:00:00.000000+00:00"
    topic = card["source"]["topic"]["code"]
    assert kept == (card["uuid"], rebound.service, hook, topic, card["indicator"], suggestions, day, "", "")
    patient = rebound.body()["context"]["patientId"].removeprefix("Patient/")
    assert patient.encode() not in (tmp_path / "store.sqlite3").read_bytes()


def test_the_day_of_the_answer_is_the_day_of_the_site(rebound: Story, house: House) -> None:
    later = msgspec.structs.replace(house, now=lambda: house.now() + timedelta(days=3))
    card = post(build(later).test_client(), rebound.request, f"/cds-services/{rebound.service}").get_json()["cards"][0]
    assert card["extension"]["io.github.cds-service.basis"]["asof"] == (rebound.asof + timedelta(days=3)).isoformat()


@pytest.mark.parametrize("member", ["asof", "now", "today", "date"])
def test_no_request_can_choose_the_day(client: FlaskClient, rebound: Story, member: str) -> None:
    body = rebound.body()
    body |= {member: "2001-01-01", "extension": {member: "2001-01-01"}}
    body["context"][member] = "2001-01-01"
    answer = client.post(
        f"/cds-services/{rebound.service}?{member}=2001-01-01",
        json=body,
        headers={"Date": "Mon, 01 Jan 2001 00:00:00 GMT", member: "2001-01-01"},
    )
    assert answer.json is not None
    assert answer.get_json()["cards"][0]["extension"]["io.github.cds-service.basis"]["asof"] == rebound.asof.isoformat()


def test_a_known_hook_of_another_service_is_answered_as_the_services_own(client: FlaskClient, rebound: Story) -> None:
    own = post(client, rebound.request, SERVICE)
    other = post(client, rebound.body() | {"hook": "order-sign"}, SERVICE)
    assert [card["summary"] for card in other.get_json()["cards"]] == [card["summary"] for card in own.get_json()["cards"]] != []
    assert post(client, rebound.body() | {"hook": "order-everything"}, SERVICE).status_code == 400


def test_without_a_medication_history_the_answer_is_412_and_names_it(client: FlaskClient) -> None:
    answer = post(client, hook_request(prefetch={"conditions": None}))
    assert answer.status_code == 412
    assert answer.get_json()["issue"][0]["diagnostics"] == (
        "Neither medication statements nor medication orders could be had, so nothing can be said."
    )


@pytest.mark.parametrize(
    "path", ["/cds-services//tacrolimus-patient-view", SERVICE + "/", "/cds-services///tacrolimus-patient-view//"]
)
def test_slashes_too_many_are_no_other_address(client: FlaskClient, path: str) -> None:
    assert post(client, hook_request(), path).status_code == 200


def test_the_same_body_gives_the_same_cards_with_other_identifiers(client: FlaskClient, rebound: Story) -> None:
    first, second = (post(client, rebound.request, SERVICE).get_json()["cards"] for _ in range(2))
    assert [card["detail"] for card in first] == [card["detail"] for card in second]
    assert {card["uuid"] for card in first}.isdisjoint(card["uuid"] for card in second)


def test_a_store_that_cannot_write_costs_no_clinician_the_cards(rebound: Story, house: House) -> None:
    class Full(SqliteStore):
        def remember(self, _cards: Any) -> bool:
            return False

    client = build(msgspec.structs.replace(house, store=Full.__new__(Full))).test_client()
    assert post(client, rebound.request, SERVICE).get_json()["cards"]


def test_an_answer_that_is_no_cds_hooks_answer_is_a_failure_of_ours(
    client: FlaskClient, rebound: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*args: Any, **named: Any) -> Outcome:
        outcome = sound_answer(*args, **named)
        return msgspec.structs.replace(outcome, cards=[msgspec.structs.replace(outcome.cards[0], summary="x" * 140)])

    monkeypatch.setattr(hooks, "answer", faulty)
    answer = post(client, rebound.request, SERVICE)
    assert answer.status_code == 500
    assert "x" * 140 not in answer.text
