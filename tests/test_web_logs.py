"""Log lines: one JSON object each, with nothing of a request in them."""

import io
import json
import logging
import re
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
    assert line.pop("request")
    assert line.pop("trace")
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
    assert [line["event"] for line in found] == ["answered", *["refused"] * 7, "broken"]
    assert all(set(line) <= {"time", "level", "event", "request", "trace", *FIELDS} for line in found)


def test_a_refusal_is_a_line_that_says_why_and_feedback_one_that_says_how_much(client: FlaskClient) -> None:
    entry = {"card": PERSON, "outcome": "overridden", "outcomeTimestamp": "2026-11-22T07:44:41Z"}
    with lines() as found:
        client.post(SERVICE, json=hook_request(context={"patientId": f"{PERSON} "}), headers={"X-Request-Id": "r1"})
        client.post(SERVICE, json=hook_request(prefetch={}))
        client.post(SERVICE, data=b"x", content_type="text/html")
        client.get(f"/{PERSON}")
        client.post(f"{SERVICE}/feedback", json={"feedback": [entry, {**entry, "card": "b"}]})
    assert [(line["event"], line["status"], line.get("what")) for line in found] == [
        ("refused", 400, "context.patientId must be a FHIR id, bare or as Patient/id"),
        ("refused", 412, "no medication statements nor medication orders"),
        ("refused", 415, None),
        ("feedback-kept", 200, None),
    ]
    assert found[0]["request"] == "r1"
    assert (found[-1]["service"], found[-1]["cards"]) == ("tacrolimus-patient-view", 2)


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


TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_the_ids_of_a_client_come_back_and_stand_in_every_line_of_its_request(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "answer", None)
    with lines() as found:
        sent = {"X-Request-Id": "a-B-3", "traceparent": f"00-{TRACE}-{SPAN}-01"}
        answer = client.post(SERVICE, json=hook_request(), headers=sent)
        client.get("/healthz")
        logging.getLogger("cds_service.x").warning("between")
    assert answer.headers["X-Request-Id"] == "a-B-3"
    version, trace, span, flags = answer.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert re.fullmatch("[0-9a-f]{16}", span)
    assert span != SPAN, "our part of the trace is our own"
    broken, between = found
    assert (broken["event"], broken["request"], broken["trace"]) == ("broken", "a-B-3", TRACE)
    assert "request" not in between
    assert "a-B-3" in answer.text


@pytest.mark.parametrize(
    "wrong",
    ["", " ", "x" * 65, "a b", "a_b", "ä", "a\x1b[31m", f"{PERSON}.x", '"', "a\x85b", "../x", "a;b"],
)
def test_an_id_that_is_not_short_and_plain_is_replaced(client: FlaskClient, wrong: str) -> None:
    answers = [client.get("/healthz", headers={"X-Request-Id": wrong}) for _ in range(2)]
    first, second = (answer.headers["X-Request-Id"] for answer in answers)
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first)
    assert first != second


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (f"00-{TRACE}-{SPAN}-00", True),
        (f"cc-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", True),
        (f"00-{TRACE}-{SPAN}-01-more", False),
        (f"ff-{TRACE}-{SPAN}-01", False),
        (f"00-{'0' * 32}-{SPAN}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE.upper()}-{SPAN}-01", False),
        (f"00-{TRACE}-{SPAN}", False),
        (f"00-{TRACE}-{SPAN}-1", False),
        (f"00-{TRACE}\u0661-{SPAN}-01", False),
        (PERSON, False),
        ("", False),
    ],
)
def test_a_trace_is_gone_on_with_only_where_it_is_valid(client: FlaskClient, sent: str, kept: bool) -> None:
    answered = client.get("/cds-services", headers={"traceparent": sent.encode().decode("latin-1")}).headers["traceparent"]
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", answered)
    assert (TRACE in answered) is kept


@pytest.mark.parametrize("path", ["/nowhere", SERVICE, "/cds-services", "/healthz"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_every_answer_carries_its_ids(client: FlaskClient, path: str, method: str) -> None:
    answer = client.open(path, method=method)
    assert answer.headers["X-Request-Id"]
    assert answer.headers["traceparent"]
