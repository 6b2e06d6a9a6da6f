"""Feedback over HTTP: acknowledged once it is kept, joined to the card, never sent back."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.stories.story import Story

SERVICE = "/cds-services/tacrolimus-patient-view"
PRIVATE = "PRIVATE-comment"


def act(card: str = "c1", **changes: Any) -> dict[str, Any]:
    return {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-11-22T07:44:41.932Z", **changes}


def tell(client: FlaskClient, *entries: Any) -> TestResponse:
    return client.post(f"{SERVICE}/feedback", json={"feedback": entries})


def kept(tmp_path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as connection:
        return connection.execute(query).fetchall()


def test_a_suggestion_taken_is_kept_with_its_card(client: FlaskClient, rebound: Story, tmp_path: Path) -> None:
    card = client.post(SERVICE, data=rebound.request, content_type="application/json").get_json()["cards"][0]
    suggestion = card["suggestions"][0]["uuid"]
    answer = tell(client, act(card["uuid"], outcome="accepted", acceptedSuggestions=[{"id": suggestion}]))
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"{}", "application/json")
    assert kept(tmp_path, "SELECT topic, suggestions, received_at >= answered_at FROM verdict") == [
        ("rebound", json.dumps([suggestion]), 1)
    ]


def test_unknown_cards_repeats_and_empty_batches_are_taken(client: FlaskClient, tmp_path: Path) -> None:
    for entries in ([act()], [act(), act()], [act("c2")], []):
        assert tell(client, *entries).status_code == 200
    assert kept(tmp_path, "SELECT card, topic FROM verdict ORDER BY card") == [("c1", None), ("c2", None)]


def test_one_faulty_entry_keeps_none(client: FlaskClient, tmp_path: Path) -> None:
    assert tell(client, act(), {"outcome": "accepted"}).status_code == 400
    assert kept(tmp_path, "SELECT count(*) FROM feedback") == [(0,)]


@pytest.mark.parametrize("changes", [{}, {"outcome": "x"}, {"outcomeTimestamp": PRIVATE}, {"card": 5}])
def test_a_comment_is_never_sent_back(client: FlaskClient, changes: dict[str, Any]) -> None:
    assert PRIVATE not in tell(client, act(**{"overrideReason": {"userComment": PRIVATE}, **changes})).text


def test_while_it_cannot_be_kept_feedback_is_503_and_cards_still_come(
    client: FlaskClient, rebound: Story, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "store.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = tell(client, act())
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.get_json()["issue"][0]["code"] == "transient"
        assert client.post(SERVICE, data=rebound.request, content_type="application/json").get_json()["cards"]
        ready = client.get("/readyz")
        assert (ready.status_code, ready.get_json()["status"]) == (200, "degraded")
    assert tell(client, act()).status_code == 200
    assert client.post(SERVICE, data=rebound.request, content_type="application/json").status_code == 200
    assert client.get("/readyz").get_json()["degraded"] == []
    assert kept(tmp_path, "SELECT count(*) FROM answered_card") == [(2,)]
