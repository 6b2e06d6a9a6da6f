"""Requests that real clients sent and standards bodies publish, from a folder beside the checkout where it is there.

They were recorded against other services, so their prefetch keys are not this one's. Each is sent as it stands, and again with
its own resources put under this service's keys.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from cds_service.gather import KEYS
from cds_service.protocol.discovery import services
from cds_service.web.application import build
from cds_service.web.house import House

Json = dict[str, Any]
SAMPLES = Path(__file__).parent.parent.parent / "shared" / "samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples beside the checkout")
SERVICE_OF = {service.hook: service.id for service in services().values()}


def requests_in(value: Any) -> Iterator[Json]:
    """The hook requests in a file: one by itself, or those of recorded exchanges."""
    for item in value if isinstance(value, list) else [value]:
        found = item.get("request") if "request" in item and "hook" not in item else item
        if isinstance(found, dict) and "hook" in found and "context" in found:
            yield found


def recorded() -> list[Any]:
    files = sorted(SAMPLES.glob("*/*exchanges.json")) + sorted(SAMPLES.glob("*/*equest*.json"))
    found = [(path, request) for path in files for request in requests_in(json.loads(path.read_text(encoding="utf-8")))]
    return [pytest.param(request, id=f"{path.parent.name}-{path.stem}-{number}") for number, (path, request) in enumerate(found)]


def resources(value: Any) -> Iterator[Json]:
    """Every resource in a prefetch value."""
    if isinstance(value, dict):
        if value.get("resourceType") == "Bundle" or "resourceType" not in value:
            for part in (value.get("entry") or [], value.get("resource")):
                yield from resources(part)
        else:
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from resources(item)


def rekeyed(request: Json) -> Json:
    """The same request with its own resources under this service's keys; a type it does not have is an empty list."""
    return {**request, "prefetch": keyed([one for value in (request.get("prefetch") or {}).values() for one in resources(value)])}


def keyed(own: list[Json]) -> Json:
    """The resources under this service's keys."""
    prefetch: Json = {}
    for key, kind in KEYS.items():
        of_kind = {json.dumps(one, sort_keys=True): one for one in own if one["resourceType"] == kind}
        bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in of_kind.values()]}
        prefetch[key] = next(iter(of_kind.values()), None) if kind == "Patient" else bundle
    return prefetch


def people() -> list[Any]:
    """The patients of Synthea, and one to whom all the official examples belong."""
    bundles = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((SAMPLES / "synthea").glob("*.json"))}
    examples = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((SAMPLES / "hl7-r4-examples").glob("*.json"))]
    me = {"reference": "Patient/p-1"}
    mine = [{**one, **{name: me for name in ("subject", "patient") if name in one}} for one in examples]
    found = {name: [entry["resource"] for entry in bundle["entry"]] for name, bundle in bundles.items()}
    found["hl7-r4-examples"] = [{"resourceType": "Patient", "id": "p-1"}, *mine]
    return [pytest.param(own, id=name) for name, own in found.items()]


def send(client: FlaskClient, request: Json) -> Any:
    service = SERVICE_OF.get(request["hook"], "tacrolimus-patient-view")
    return client.post(f"/cds-services/{service}", json=request)


@pytest.fixture
def client(house: House) -> FlaskClient:
    """The service on the day of the recording."""
    return build(
        msgspec.structs.replace(house, now=lambda: datetime(2026, 11, 22, 12, tzinfo=UTC), max_body=5_000_000)
    ).test_client()


@pytest.mark.parametrize("request_body", recorded())
def test_a_recorded_request_is_answered_as_the_contract_says(client: FlaskClient, request_body: Json) -> None:
    """Without the medication history under its own keys the service refuses rather than reassures."""
    assert send(client, request_body).status_code in {400, 412, 413}


def implied(request: Json) -> list[tuple[str, str]]:
    """What the recorded people call for: one of them, with autoimmune hepatitis, stopped tacrolimus and has an ALT of 410 U/L.

    Her doses were not recorded, so it is a warning. A tacrolimus draft for somebody of whom not even the patient resource came
    is not fully checked, and the card says so.
    """
    record = rekeyed(request)["prefetch"]
    if any(entry["resource"]["status"] == "stopped" for entry in record["medicationStatements"]["entry"]):
        return [("rebound", "warning")]
    drafted = "tacrolimus" in json.dumps(request["context"]).lower()
    return [("verify-tacrolimus-status", "info")] if drafted and record["patient"] is None else []


@pytest.mark.parametrize("request_body", recorded())
def test_its_own_record_gives_the_cards_it_implies(client: FlaskClient, request_body: Json) -> None:
    answer = send(client, rekeyed(request_body))
    if request_body["hook"] == "fancy-structure":
        assert answer.status_code == 400  # no hook of any text
        return
    assert answer.status_code == 200
    found = [(card["source"]["topic"]["code"], card["indicator"]) for card in answer.get_json()["cards"]]
    assert found == implied(request_body)


ORDERS = {"MedicationRequest", "MedicationOrder"}


@pytest.mark.parametrize("hook", ["patient-view", "order-sign", "encounter-start", "encounter-discharge"])
@pytest.mark.parametrize("own", people())
def test_people_who_never_had_tacrolimus_get_no_card(client: FlaskClient, own: list[Json], hook: str) -> None:
    """All that they have is sent, and at signing every one of their orders is stopped."""
    patient = next(one["id"] for one in own if one["resourceType"] == "Patient")
    context: Json = {"userId": "Practitioner/p", "patientId": patient, "encounterId": "e"}
    if hook == "order-sign":
        stopped = [{"resource": {**one, "status": "stopped"}} for one in own if one["resourceType"] in ORDERS]
        context["draftOrders"] = {"resourceType": "Bundle", "entry": stopped}
    request = {"hook": hook, "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": context, "prefetch": keyed(own)}
    answer = send(client, request)
    assert (answer.status_code, answer.get_json()) == (200, {"cards": []})
