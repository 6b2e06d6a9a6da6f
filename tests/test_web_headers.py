"""What browsers need and may have: preflights, origins, and nothing kept where it should not be."""

import json

import pytest
from flask.testing import FlaskClient

from tests.conftest import ORIGIN, hook_request

SERVICE = "/cds-services/tacrolimus-patient-view"
PATHS = ["/cds-services", SERVICE, SERVICE + "/feedback", "/cds-services//x/", "/nowhere", "/healthz"]


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_is_answered_everywhere_without_a_body(client: FlaskClient, path: str) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = client.options(path, headers=asked)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, Accept"
    assert "Access-Control-Allow-Credentials" not in answer.headers


FOREIGN = [
    "null",
    "*",
    ORIGIN + ".evil.org",
    ORIGIN.replace("https", "http"),
    ORIGIN.upper(),
    ORIGIN + ":443",
    ORIGIN + "/",
    "https://evil.org",
    "",
]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize(("path", "status"), [("/cds-services", 200), (SERVICE, 405), ("/nowhere", 404)])
def test_an_origin_that_is_not_listed_exactly_is_not_allowed(client: FlaskClient, origin: str, path: str, status: int) -> None:
    for answer in (client.get(path, headers={"Origin": origin}), client.options(path, headers={"Origin": origin})):
        assert answer.status_code in (status, 204)
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == "Origin"


def test_an_answer_about_a_person_is_not_kept_and_discovery_may_be(client: FlaskClient) -> None:
    answer = client.post(SERVICE, json=hook_request(), headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    discovery = client.get("/cds-services", headers={"Origin": ORIGIN})
    assert "Cache-Control" not in discovery.headers
    assert discovery.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize("path", ["/cds-services", "/cds-services/"])
def test_discovery_is_the_same_bytes_each_time(client: FlaskClient, path: str) -> None:
    first, second = client.get(path), client.get("/cds-services", headers={"Authorization": "Bearer a.b.c"})
    assert first.status_code == second.status_code == 200
    assert first.data == second.data
    assert len(json.loads(first.data)["services"]) == 9
    assert client.head(path).status_code == 200
    assert client.head(path).data == b""


def test_headers_of_a_proxy_change_nothing(client: FlaskClient) -> None:
    plain = client.get("/cds-services")
    spoofed = client.get(
        "/cds-services", headers={"Host": "evil.org", "X-Forwarded-Host": "evil.org", "X-Forwarded-Proto": "gopher"}
    )
    assert (spoofed.status_code, spoofed.data) == (plain.status_code, plain.data)


def test_under_a_prefix_the_addresses_are_the_same(client: FlaskClient) -> None:
    assert client.get("/cds-services", environ_overrides={"SCRIPT_NAME": "/prefix"}).status_code == 200
