"""Log lines: one JSON object each, with nothing of a request in them."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask.testing import FlaskClient

from cds_service.web import hooks
from cds_service.web.logs import FIELDS, JsonLines
from tests.conftest import bundle, hook_request

PERSON = "Testfall"
SERVICE = "/cds-services/tacrolimus-patient-view"


@contextmanager
def lines(name: str = "cds_service") -> Iterator[list[dict[str, object]]]:
    """The log lines written meanwhile, as the formatter writes them, at the most talkative level."""
    out, found = io.StringIO(), list[dict[str, object]]()
    handler, logger = logging.StreamHandler(out), logging.getLogger(name)
    handler.setFormatter(JsonLines())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield found
    logger.removeHandler(handler)
    logger.setLevel(level)
    assert PERSON not in out.getvalue()
    found += [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_answer_is_one_line_of_closed_words(client: FlaskClient) -> None:
    with lines() as found:
        client.post(SERVICE, json=hook_request("order-sign", context={"patientId": PERSON, "userId": f"Practitioner/{PERSON}"}))
    (line,) = found
    assert line.pop("time")
    assert line == {
        "level": "info",
        "event": "answered",
        "service": "tacrolimus-patient-view",
        "hook": "order-sign",
        "status": 200,
        "cards": 0,
    }


def test_nothing_of_a_request_gets_into_a_log_whatever_goes_wrong(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"resourceType": "Condition", "id": PERSON, "code": {"text": PERSON}, "subject": {"reference": f"Patient/{PERSON}"}}
    odd = {"resourceType": "MedicationStatement", "id": PERSON, "status": [PERSON], "medicationCodeableConcept": PERSON}
    prefetch = {"medicationStatements": bundle(odd), "conditions": bundle(named), PERSON: PERSON}
    bodies = [
        hook_request(context={"patientId": PERSON}, prefetch=prefetch, fhirServer=f"https://{PERSON}"),
        hook_request(hook=PERSON),
        hook_request(context={"patientId": f"{PERSON} "}),
        {"feedback": [{"card": PERSON, "outcome": PERSON, "overrideReason": {"userComment": PERSON}}]},
    ]

    def broken(*_: object, **__: object) -> None:
        raise ValueError(PERSON)

    with lines() as found:
        for path in (SERVICE, f"{SERVICE}/feedback", f"/cds-services/{PERSON}"):
            for body in bodies:
                client.post(path, json=body, headers={"Authorization": f"Bearer {PERSON}", "User-Agent": PERSON})
        monkeypatch.setattr(hooks, "answer", broken)
        client.post(f"{SERVICE}?patient={PERSON}", json=bodies[0])
    assert [line["event"] for line in found] == ["answered", "broken"]
    assert all(set(line) <= {"time", "level", "event", *FIELDS} for line in found)


def test_the_server_tells_of_its_life_but_not_of_requests() -> None:
    with lines("gunicorn.error") as found:
        log = logging.getLogger("gunicorn.error")
        log.info("Listening at: %s (%s)", "http://127.0.0.1:8000", 7)
        log.error("Connection in use: %s", "('127.0.0.1', 8000)")
        log.warning(f"Invalid request from ip=127.0.0.1: {PERSON}")
        try:
            int(PERSON)
        except ValueError as error:
            log.exception("Error handling request %s", PERSON)
            log.exception(error)  # noqa: TRY401 - as the server writes it
    assert [line["event"] for line in found] == [
        "Listening at: http://127.0.0.1:8000 (7)",
        "Connection in use: ('127.0.0.1', 8000)",
        "Invalid request from ip=127.0.0.1",
        "Error handling request %s",
        "exception",
    ]
    assert [line.get("exception") for line in found] == [None, None, None, "ValueError", "ValueError"]


def test_a_line_is_one_line() -> None:
    with lines() as found:
        logging.getLogger("cds_service.x").warning("a\nb\x1b[31m", extra={"what": "c\r\nd", "patient": PERSON})
    assert (found[0]["event"], found[0]["what"]) == ("a\nb\x1b[31m", "c\r\nd")
