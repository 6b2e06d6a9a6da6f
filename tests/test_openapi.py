"""The description of the service: it is OpenAPI 3.1, it describes every route and no other, and the service keeps to it."""

import json
import re
from importlib.metadata import version
from typing import Any

import jsonschema
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.engine import events, from_schema

from cds_service.protocol import discovery
from cds_service.stories.story import find
from cds_service.web import openapi
from cds_service.web.application import build
from cds_service.web.house import House

Json = dict[str, Any]


@pytest.fixture
def app(house: House) -> Flask:
    return build(house)


@pytest.fixture
def served(client: FlaskClient) -> Json:
    answer = client.get("/openapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    described: Json = answer.get_json()
    return described


def test_it_is_openapi_3_1(served: Json) -> None:
    assert served["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(served).validate()
    assert served["info"]["version"] == version("cds-service")
    assert served["servers"] == [{"url": "https://cds.example.org"}]


def test_every_route_is_described_and_nothing_else(app: Flask, served: Json) -> None:
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {
        (path, method) for path, item in served["paths"].items() for method in item if method not in ("parameters", "summary")
    }
    assert described == routes


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(inner) for inner in value.values()))
    return set().union(*(references(inner) for inner in value)) if isinstance(value, list) else set()


def test_every_reference_leads_inside_and_every_part_is_referred_to(served: Json) -> None:
    found = references({name: value for name, value in served.items() if name != "examples"})
    parts = {f"#/components/{kind}/{name}" for kind, named in served["components"].items() for name in named}
    assert found <= parts
    assert parts - found == {"#/components/securitySchemes/token"}


def test_services_and_hooks_are_those_of_discovery(served: Json) -> None:
    assert served["components"]["parameters"]["ServiceId"]["schema"]["enum"] == list(discovery.services())
    assert set(served["components"]["schemas"]["HookName"]["enum"]) == discovery.known_hooks()


def test_the_examples_are_stories_and_what_this_service_says_to_them(served: Json, client: FlaskClient) -> None:
    operation = served["paths"]["/cds-services/{service_id}"]["post"]
    sent = operation["requestBody"]["content"]["application/json"]["examples"]
    for name, example in sent.items():
        assert example["value"] == json.loads(find(name).request)
    for name, example in operation["responses"]["200"]["content"]["application/json"]["examples"].items():
        story = find(name)
        answered = client.post(f"/cds-services/{story.service}", data=story.request, content_type="application/json").get_json()
        ids = re.compile(r'"uuid": ?"[0-9a-f-]{36}"')
        assert ids.sub("", json.dumps(example["value"], sort_keys=True)) == ids.sub("", json.dumps(answered, sort_keys=True))
        found = ids.findall(json.dumps(example["value"]))
        assert len(set(found)) == len(found) > 3


def test_every_example_fits_its_schema(served: Json) -> None:
    for path in ("/cds-services/{service_id}", "/cds-services/{service_id}/feedback"):
        operation = served["paths"][path]["post"]
        for content in (operation["requestBody"]["content"], operation["responses"]["200"]["content"]):
            told = content["application/json"]
            checker = jsonschema.Draft202012Validator({**told["schema"], "components": served["components"]})
            for example in told.get("examples", {}).values():
                checker.validate(example["value"])


def test_it_is_the_same_from_every_process(house: House) -> None:
    first, second = (build(house).test_client().get("/openapi.json").data for _ in range(2))
    assert first == second


def test_every_file_of_schemas_is_in_it(served: Json) -> None:
    assert set(openapi.SCHEMAS.values()) <= set(served["components"]["schemas"])
    assert "$defs" not in json.dumps(served["components"]["schemas"])


def complaints(app: Flask, examples: int) -> tuple[list[str], int]:
    """What schemathesis finds with all its checks, and on how many requests."""
    config = {
        "seed": 1,
        "generation": {"max-examples": examples, "database": "none"},
        # 412 says that a request is sound and the history of the person is missing.
        "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "412"]}},
    }
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app, config=schemathesis.Config.from_dict(config))
    found, requests = list[str](), 0
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            found.append(repr(vars(event)))
        if isinstance(event, events.ScenarioFinished):
            checks = [check for done in event.recorder.checks.values() for check in done]
            requests += len(event.recorder.checks)
            found += [
                f"{event.recorder.label}: {check.failure_info.failure.message}\n{check.failure_info.code_sample}"
                for check in checks
                if check.failure_info
            ]
    return found, requests


@pytest.mark.filterwarnings("ignore")
def test_the_service_keeps_to_it_whatever_is_sent(app: Flask) -> None:
    found, requests = complaints(app, examples=15)
    assert not found, "\n\n".join(found)
    assert requests > 500


@pytest.mark.filterwarnings("ignore")
def test_a_service_that_does_not_keep_to_it_would_be_found_out(app: Flask) -> None:
    app.view_functions["feedback"] = lambda service_id: ({"kept": service_id}, 202)  # type: ignore[assignment]
    found, _ = complaints(app, examples=1)
    assert any("202" in one for one in found)
