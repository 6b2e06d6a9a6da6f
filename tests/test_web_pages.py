"""The pages and the health of the service."""

import re
from base64 import b64encode
from hashlib import sha256

import msgspec
import pytest
from flask.testing import FlaskClient

from cds_service.protocol.discovery import services
from cds_service.web.application import build
from cds_service.web.house import House


@pytest.mark.parametrize("path", ["/", "/knowledge", "/knowledge/"])
def test_a_page_is_html_that_may_load_nothing_but_its_own_style(client: FlaskClient, path: str) -> None:
    page = client.get(path)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script|javascript:|\son\w+=|style=", page.text)
    styles = re.findall("<style>(.*?)</style>", page.text, re.DOTALL)
    assert styles
    assert all(b64encode(sha256(style.encode()).digest()).decode() in policy for style in styles)


def test_the_front_page_names_the_services_and_what_they_rest_on(client: FlaskClient) -> None:
    page = client.get("/").text
    assert all(f"/cds-services/{service}" in page for service in services())
    assert "no clinician has reviewed" in page
    for target in re.findall('href="(.*?)"', page):
        assert client.get(f"/{target}").status_code == 200


def test_the_knowledge_page_has_an_anchor_for_every_claim_and_conflict(client: FlaskClient) -> None:
    anchors = set(re.findall('id="(.*?)"', client.get("/knowledge").text))
    assert {f"C{n}" for n in range(1, 50)} | {f"X{n}" for n in range(1, 30)} <= anchors


def test_health_and_readiness(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.get_json() == {"status": "ready", "degraded": [], "authentication": "off", "notOffered": []}
    assert ready.headers["Cache-Control"] == "no-store"


def test_what_a_client_never_offers_is_shown(house: House) -> None:
    setting = msgspec.structs.replace(house.setting, not_offered=frozenset({"MedicationStatement"}))
    client = build(msgspec.structs.replace(house, setting=setting)).test_client()
    assert client.get("/readyz").get_json()["notOffered"] == ["MedicationStatement"]
