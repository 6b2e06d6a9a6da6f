"""The same clinical case gets the same answer in whichever FHIR version it comes."""

import json
from functools import cache
from typing import Any

import pytest

from cds_service.answer import Setting
from cds_service.fhir.validation import VERSIONS as MODELS
from cds_service.fhir.validation import problems
from cds_service.knowledge.parameters import in_force
from cds_service.stories.answering import hook_of, respond
from cds_service.stories.story import Story, stories
from tests.wire_forms import VERSIONS, Json, NoFormError, converted

SETTING = Setting(parameters=in_force(), base_url="https://cds.example.org")
STORIES = {story.name: story for story in stories() if story.fhir == "R4" and story.valid and story.question != "wire-shapes"}


def _forms() -> list[Any]:
    found = []
    for name, story in STORIES.items():
        for version in VERSIONS:
            try:
                converted(story.body(), version)
            except NoFormError:
                continue
            found.append(pytest.param(name, version, id=f"{name}-{version}"))
    return found


@cache
def answered(name: str, version: str) -> tuple[tuple[str, str, str], ...]:
    """Topic, indicator and class of each card."""
    story: Story = STORIES[name]
    body = story.request if version == "R4" else json.dumps(converted(story.body(), version)).encode()
    response = respond(body, hook=hook_of(story.service), asof=story.asof, setting=SETTING)
    assert response.status == story.expected.status
    return tuple(told(card) for card in response.cards)


def told(card: Json) -> tuple[str, str, str]:
    basis = card["extension"]["io.github.cds-service.basis"]
    return card["source"]["topic"]["code"], card["indicator"], basis.get("class", "")


@pytest.mark.parametrize(("name", "version"), _forms())
def test_the_same_case_gets_the_same_answer(name: str, version: str) -> None:
    assert answered(name, version) == answered(name, "R4")


def resources(value: Any) -> list[Json]:
    """Every resource of a request."""
    if isinstance(value, dict):
        inner = [one for part in value.values() for one in resources(part)]
        return [value, *inner] if value.get("resourceType") not in {None, "Bundle", "OperationOutcome"} else inner
    return [one for part in value for one in resources(part)] if isinstance(value, list) else []


@pytest.mark.parametrize("version", sorted(set(VERSIONS) & MODELS))
def test_the_other_forms_are_valid(version: str) -> None:
    faults = set()
    for story in STORIES.values():
        try:
            body = converted(story.body(), version)
        except NoFormError:
            continue
        faults |= {(one["resourceType"], fault) for one in resources(body) for fault in problems(one, version)}
    assert not faults


@pytest.mark.parametrize("version", ["R4", *VERSIONS])
def test_strict_answering_names_evidence_that_is_not_valid_in_the_version_of_the_client(version: str) -> None:
    story = STORIES["rebound/abrupt-stop-alt-150"]
    body = story.body() if version == "R4" else converted(story.body(), version)
    for one in resources(body):
        one["vendorElement"] = 1
    setting = Setting(parameters=in_force(), base_url="https://cds.example.org", strict=True)
    answer = respond(json.dumps(body).encode(), hook=hook_of(story.service), asof=story.asof, setting=setting)
    said = " ".join(answer.cards[0]["extension"]["io.github.cds-service.basis"]["unknown"])
    assert (f"Not valid FHIR {version}" in said) is (version in MODELS)
