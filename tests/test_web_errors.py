"""Every error is an OperationOutcome with the contract's status, and tells nothing of the request."""

import gzip
import json
import logging
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.web import hooks
from tests.conftest import ORIGIN, hook_request

SERVICE = "/cds-services/tacrolimus-patient-view"
PERSON = "Testfall-1976-04-02"
JSON = "application/json"


def checked(answer: TestResponse, status: int) -> str:
    """The diagnostics of an error that is one in every respect."""
    assert (answer.status_code, answer.mimetype) == (status, JSON)
    outcome = json.loads(answer.data)
    assert outcome["resourceType"] == "OperationOutcome"
    (issue,) = outcome["issue"]
    assert issue["severity"] == "error"
    assert re.fullmatch(r"[a-z-]+", issue["code"])
    assert PERSON not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    diagnostics: str = issue["diagnostics"]
    return diagnostics


def send(
    client: FlaskClient, method: str = "POST", path: str = SERVICE, data: bytes | None = None, **headers: str
) -> TestResponse:
    sent = {"Origin": ORIGIN, "Content-Type": JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return client.open(path, method=method, data=json.dumps(hook_request()).encode() if data is None else data, headers=sent)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"  ",
        b"hello",
        b"[]",
        b"{}",
        b'{"hook": NaN}',
        b'{"hook": "x", "hook": "y"}',
        b"[" * 5000,
        b'{"x": "\xff"}',
        b"\x00" * 40,
    ],
)
@pytest.mark.parametrize("path", [SERVICE, SERVICE + "/feedback"])
def test_a_body_that_is_no_request_is_400(client: FlaskClient, path: str, data: bytes) -> None:
    assert checked(send(client, path=path, data=data), 400).endswith(".")


def test_the_member_at_fault_is_named_and_not_quoted(client: FlaskClient) -> None:
    body = json.dumps(hook_request(context={"patientId": f"{PERSON} {PERSON}"})).encode()
    assert checked(send(client, data=body), 400) == "context.patientId must be a FHIR id, bare or as Patient/id."


@pytest.mark.parametrize(
    "path",
    [
        "/cds-services/nope",
        "/cds-services/nope/feedback",
        "/cds-services/..%2f..%2fetc%2fpasswd",
        "/cds-services/%00",
        "/cds-services/\u00e9",
        "/cds-services/tacrolimus-patient-view/other",
        "/nowhere",
        f"/{PERSON}",
        "/static/x",
        "/cds-services/" + "a" * 3000,
    ],
)
def test_an_address_with_nothing_at_it_is_404(client: FlaskClient, path: str) -> None:
    checked(send(client, path=path), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", [SERVICE, SERVICE + "/feedback"])
def test_another_method_is_405_and_says_which_one_is_meant(client: FlaskClient, method: str, path: str) -> None:
    answer = send(client, method, path)
    checked(answer, 405)
    assert answer.headers["Allow"] == "POST"


def test_discovery_is_only_read(client: FlaskClient) -> None:
    answer = send(client, "POST", "/cds-services")
    checked(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "text/plain",
        "application/xml",
        "image/png",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "",
    ],
)
def test_another_content_type_is_415(client: FlaskClient, content_type: str) -> None:
    checked(send(client, Content_Type=content_type), 415)


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=UTF-8", "application/fhir+json", "APPLICATION/JSON"])
def test_json_is_taken_under_all_its_names(client: FlaskClient, content_type: str) -> None:
    assert send(client, Content_Type=content_type).status_code == 200


def test_a_compressed_body_is_415_before_it_is_unpacked(client: FlaskClient) -> None:
    bomb = gzip.compress(b" " * 40_000_000)
    checked(send(client, data=bomb, Content_Encoding="gzip"), 415)
    assert send(client, Content_Encoding="identity").status_code == 200


@pytest.mark.parametrize("path", [SERVICE, SERVICE + "/feedback"])
def test_a_body_over_the_limit_is_413(client: FlaskClient, path: str) -> None:
    checked(send(client, path=path, data=b'"' + b"x" * 200_000 + b'"'), 413)


def test_a_failure_of_ours_is_500_with_an_id_and_the_log_names_only_the_place(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError(PERSON)

    monkeypatch.setattr(hooks, "answer", broken)
    monkeypatch.setattr(logging.getLogger("cds_service"), "propagate", True)
    with caplog.at_level(logging.ERROR, "cds_service"):
        answer = send(client)
    said = checked(answer, 500)
    (record,) = caplog.records
    assert record.getMessage() == "broken"
    assert record.__dict__["exception"] == "ZeroDivisionError"
    assert re.search(r"hooks\.py:\d+ test_web_errors\.py:\d+$", record.__dict__["where"])
    assert answer.headers["X-Request-Id"] in said
    assert record.exc_info is None
