"""Whatever becomes of a key, with a FHIR server and without one: never a 5xx, never silence where data were missing."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from msgspec.structs import replace
from werkzeug.test import TestResponse

from cds_service.gather import KEYS, Access
from cds_service.stories.story import Story, stories
from cds_service.trust.gate import OpenGate
from cds_service.web.application import build
from cds_service.web.house import House
from tests.conftest import bundle, hook_request
from tests.fhir_server import FhirServer, serving
from tests.visiting import authorization, fetcher

Json = dict[str, Any]
BASIS = "io.github.cds-service.basis"
MEDICATIONS = {"medicationStatements", "medicationRequests"}
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}


def resources(value: Any) -> list[Json]:
    if not isinstance(value, dict):
        return []
    return [entry["resource"] for entry in value.get("entry", [])] if value["resourceType"] == "Bundle" else [value]


def first_page(value: Any, base: str) -> Any:
    """Half of a list, with a link to the rest."""
    found = resources(value)
    if len(found) < 2:
        return bundle(link=[{"relation": "next", "url": f"{base}/rest"}], total=len(found))
    return bundle(*found[: len(found) // 2], link=[{"relation": "next", "url": f"{base}/rest"}], total=len(found))


def elsewhere(value: Any, base: str) -> Any:
    return bundle(*resources(value)[:1], link=[{"relation": "next", "url": "https://elsewhere.example/fhir?page=2"}])


GONE: set[str] = {"missing", "outcome", "outcome entry", "junk text", "junk number", "junk list", "junk object", "other type"}
"""What leaves nothing of a key."""

SPOILED: dict[str, Callable[[Any, str], Any]] = {
    "missing": lambda *_: ...,
    "null": lambda *_: None,
    "empty": lambda *_: bundle(),
    "outcome": lambda *_: OUTCOME,
    "outcome entry": lambda *_: bundle(OUTCOME),
    "first page": first_page,
    "first page, next elsewhere": elsewhere,
    "junk text": lambda *_: "<html>502 Bad Gateway</html>",
    "junk number": lambda *_: 7,
    "junk list": lambda *_: [7, None, {"a": []}],
    "junk object": lambda *_: {"entry": "x"},
    "other type": lambda *_: {"resourceType": "Basic", "id": "b"},
    "wrapped": lambda value, _: {"response": {"status": "200 OK"}, "resource": value},
    "junk entries": lambda value, _: {
        "resourceType": "Bundle",
        "entry": [7, None, *({"resource": one} for one in resources(value))],
    },
}


@pytest.fixture
def fhir(rebound: Story) -> Iterator[FhirServer]:
    """A server with the record of the story."""
    with serving() as server:
        yield server


@pytest.fixture
def service(house: House, fhir: FhirServer) -> FlaskClient:
    setting = replace(house.setting, access=Access(fetcher(), frozenset({fhir.base}), open=True))
    return build(replace(house, setting=setting, gate=OpenGate((fhir.base,)))).test_client()


def post(service: FlaskClient, body: Json, path: str) -> TestResponse:
    return service.post(f"/cds-services/{path}", data=json.dumps(body), content_type="application/json")


def without_ids(answer: TestResponse) -> Any:
    """The cards but for their own ids."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: bare(inner) for name, inner in value.items() if name not in {"uuid", "id"}}
        return [bare(inner) for inner in value] if isinstance(value, list) else value

    return bare(answer.get_json())


def unknowns(answer: TestResponse) -> list[str]:
    return [line for card in answer.get_json()["cards"] for line in card["extension"][BASIS]["unknown"]]


def offered(body: Json, fhir: FhirServer) -> Json:
    """The request with the server; what it knows is what the prefetch holds."""
    fhir.resources = [one for value in body["prefetch"].values() for one in resources(value)]
    patient = body["context"]["patientId"]
    return {**body, "fhirServer": fhir.base, "fhirAuthorization": authorization(patient=patient)}


def spoiled(body: Json, key: str, way: str, base: str) -> Json:
    value = SPOILED[way](body["prefetch"].get(key), base)
    prefetch = {name: inner for name, inner in {**body["prefetch"], key: value}.items() if inner is not ...}
    return {**body, "prefetch": prefetch}


@pytest.mark.parametrize("way", SPOILED)
@pytest.mark.parametrize("key", KEYS)
def test_a_flare_is_never_answered_with_silence(
    service: FlaskClient, fhir: FhirServer, rebound: Story, key: str, way: str
) -> None:
    """Without a server: a card that says what is missing, or 412."""
    body = rebound.body()
    whole = post(service, body, rebound.service)
    answer = post(service, spoiled(body, key, way, fhir.base), rebound.service)
    assert answer.status_code in {200, 412}
    assert fhir.hits == []
    held = bool(resources(body["prefetch"].get(key)))
    lost = way in GONE or (way.startswith("first page") and key != "patient")  # the first page of a person is the whole person
    if answer.status_code == 412:
        assert lost
        assert key in MEDICATIONS
        return
    if lost or way in {"wrapped", "junk entries"}:
        assert answer.get_json()["cards"]
    if lost and held:
        assert set(unknowns(answer)) - set(unknowns(whole))


@pytest.mark.parametrize("way", SPOILED)
@pytest.mark.parametrize("key", KEYS)
def test_with_a_server_what_is_missing_makes_no_difference(
    service: FlaskClient, fhir: FhirServer, rebound: Story, key: str, way: str
) -> None:
    body = rebound.body()
    sent = offered(body, fhir)
    whole = post(service, body, rebound.service)
    found = resources(body["prefetch"].get(key))

    def behave(handler: Any) -> None:
        half = bundle(*found[len(found) // 2 :] if len(found) > 1 else found, total=len(found))
        handler.send(half) if handler.path == "/fhir/rest" else fhir.answer(handler)

    fhir.behave = behave
    answer = post(service, spoiled(sent, key, way, fhir.base), rebound.service)
    assert answer.status_code in {200, 412}
    if way == "missing" or (way == "first page" and key not in {"patient", "medicationOrders"}):
        assert [hit.kind for hit in fhir.hits] == (
            [] if key == "medicationOrders" else ["rest"] if way == "first page" else [KEYS[key]]
        )
        assert without_ids(answer) == without_ids(whole)
    elif way != "first page":
        assert fhir.hits == []
        assert without_ids(answer) == without_ids(post(service, spoiled(body, key, way, fhir.base), rebound.service))


@pytest.mark.parametrize("way", sorted(GONE | {"first page"}))
@pytest.mark.parametrize("key", sorted(MEDICATIONS))
def test_of_a_person_without_tacrolimus_a_lost_list_of_medications_is_said(
    service: FlaskClient, fhir: FhirServer, key: str, way: str
) -> None:
    body = hook_request()
    answer = post(service, spoiled(body, key, way, fhir.base), "tacrolimus-patient-view")
    (card,) = answer.get_json()["cards"]
    assert card["source"]["topic"]["code"] == "verify-tacrolimus-status"
    assert unknowns(answer)
    assert post(service, body, "tacrolimus-patient-view").get_json() == {"cards": []}


def told_by_lists() -> list[Story]:
    """Some stories of each question whose prefetch holds plain lists, so that a server can tell them."""
    found: dict[str, list[Story]] = {}
    for story in stories():
        if _plain(story):
            found.setdefault(story.name.partition("/")[0], []).append(story)
    return [story for group in found.values() for story in group[:: max(1, len(group) // 5)]]


def _plain(story: Story) -> bool:
    try:
        body = story.body()
    except ValueError:
        return False
    prefetch = body.get("prefetch") if isinstance(body, dict) else None
    if not isinstance(prefetch, dict) or set(KEYS) - {"medicationOrders"} - set(prefetch) or story.expected.status != 200:
        return False
    return all(value is None or (isinstance(value, dict) and "link" not in value) for value in prefetch.values())


def test_there_are_many_such_stories() -> None:
    assert len(told_by_lists()) > 20


@pytest.mark.parametrize("careless", [False, True], ids=["a server that filters", "a server that ignores every parameter"])
@pytest.mark.parametrize("story", [pytest.param(story, id=story.name) for story in told_by_lists()])
def test_a_story_is_answered_alike_from_a_server(house: House, story: Story, careless: bool) -> None:
    """Nothing is sent along. A careless server gives resources of other people, codes and times beside those asked for."""
    body = story.body()
    given = {key: resources(value) for key, value in body["prefetch"].items()}
    with serving() as fhir:

        def behave(handler: Any) -> None:
            kind, _, ident = handler.path.removeprefix("/fhir/").partition("?")[0].partition("/")
            key = next(key for key in KEYS if KEYS[key] == kind and (key != "markers" or "11253-2" in handler.path))
            found = (
                [one for name, many in given.items() if KEYS[name] == kind for one in many] if careless else given.get(key, [])
            )
            noise = [one for one in map(nobodys, found) if not ident] if careless else []
            handler.send(bundle(*noise, *old_and_odd(kind, body), *found) if careless and not ident else bundle(*found))

        fhir.behave = behave
        setting = replace(house.setting, access=Access(fetcher(), frozenset({fhir.base}), open=True))
        asof = house.now().replace(year=story.asof.year, month=story.asof.month, day=story.asof.day)
        service = build(replace(house, setting=setting, gate=OpenGate((fhir.base,)), now=lambda: asof)).test_client()
        whole = post(service, body, story.service)
        assert fhir.hits == []
        answer = post(service, {**body, "prefetch": {}, "fhirServer": fhir.base}, story.service)
        assert fhir.hits
    assert without_ids(answer) == without_ids(whole)


def nobodys(resource: Json) -> Json:
    """The same of another person."""
    subject = "patient" if "patient" in resource else "subject"
    return {**resource, "id": f"other-{resource.get('id')}", subject: {"reference": "Patient/somebody-else"}}


def old_and_odd(kind: str, body: Json) -> list[Json]:
    """Results that were not asked for: of long ago, and of what nobody looks at."""
    if kind != "Observation":
        return []
    subject = {"reference": f"Patient/{body['context']['patientId'].removeprefix('Patient/')}"}
    alt = {"coding": [{"system": "http://loinc.org", "code": "1742-6"}]}
    odd = {"coding": [{"system": "http://loinc.org", "code": "72166-2"}]}
    quantity = {"value": 999, "system": "http://unitsofmeasure.org", "code": "U/L"}
    shared = {"resourceType": "Observation", "status": "final", "subject": subject, "valueQuantity": quantity}
    return [
        {**shared, "id": "of-long-ago", "code": alt, "effectiveDateTime": "2015-01-01"},
        {**shared, "id": "of-something-else", "code": odd, "effectiveDateTime": "2026-02-28"},
    ]
