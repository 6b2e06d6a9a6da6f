"""Every story holds, on its own day and on others; every question has the stories that guard it."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.answer import Setting
from cds_service.fhir.validation import VERSIONS, problems
from cds_service.knowledge.claims import questions
from cds_service.knowledge.parameters import in_force
from cds_service.protocol.request import parse
from cds_service.protocol.schemas import schema
from cds_service.store.sqlite import SqliteStore
from cds_service.stories.answering import hook_of, respond, run
from cds_service.stories.handbook import page
from cds_service.stories.moving import of_today
from cds_service.stories.story import Kind, Story, stories
from cds_service.stories.verdict import differences
from cds_service.trust.gate import OpenGate
from cds_service.web.application import build
from cds_service.web.house import House

STORIES = {story.name: story for story in stories()}
BUILT = [question.name for question in questions().values() if question.built]
GUARDS = (Kind.FIRES, Kind.NEAR_MISS, Kind.EXCLUSION, Kind.NOT_SENT, Kind.SENT_EMPTY)
NEAR_MISSES = [name for name, story in STORIES.items() if Kind.NEAR_MISS in story.kinds]
MOVABLE = [name for name, story in STORIES.items() if story.movable]
OTHER_DAYS = (date(2026, 11, 22), date(2028, 2, 29))


@cache
def setting() -> Setting:
    return Setting(parameters=in_force(), base_url="https://cds.example.org")


class Clock:
    """The moment that the served application believes it is."""

    now = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """The service over HTTP, on the day that ``Clock.now`` says."""
    store = SqliteStore(tmp_path_factory.mktemp("store") / "stories.sqlite3")
    house = House(
        setting=setting(),
        store=store,
        gate=OpenGate(),
        now=lambda: Clock.now,
        origins=frozenset(),
        max_body=5_000_000,
    )
    yield build(house).test_client()
    store.close()


@pytest.fixture(params=list(STORIES))
def story(request: pytest.FixtureRequest) -> Story:
    return STORIES[request.param]


# ------------------------------------------------------------- they hold
def test_a_story_holds(story: Story) -> None:
    assert run(story, setting()) == ()


def test_a_story_holds_over_http(story: Story, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clock, "now", datetime.combine(story.asof, time(12), UTC))
    answered = client.post(f"/cds-services/{story.service}", data=story.request, content_type="application/json")
    cards = answered.get_json().get("cards", ())
    found = differences(story.expected, answered.status_code, cards)
    assert found == ()


@pytest.mark.parametrize("today", OTHER_DAYS, ids=str)
@pytest.mark.parametrize("name", MOVABLE)
def test_a_story_holds_on_any_other_day(name: str, today: date) -> None:
    story = STORIES[name]
    body = json.dumps(of_today(story, today)).encode()
    response = respond(body, hook=hook_of(story.service), asof=today, setting=setting())
    found = differences(story.expected, response.status, response.cards)
    assert found == ()


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_the_two_sides_of_a_boundary_are_told_apart(name: str) -> None:
    """The answer to a near miss is not what the story on the other side expects."""
    story = STORIES[name]
    response = respond(story.request, hook=hook_of(story.service), asof=story.asof, setting=setting())
    found = differences(STORIES[story.beside or ""].expected, response.status, response.cards)
    assert found != ()


# ---------------------------------------------------- the set is complete
TYPICAL = "rebound/abrupt-stop-alt-150"


@pytest.mark.parametrize("kind", GUARDS)
@pytest.mark.parametrize("question", BUILT)
def test_every_question_is_guarded_by_every_kind_of_story(question: str, kind: Kind) -> None:
    assert [name for name, story in STORIES.items() if story.question == question and kind in story.kinds]


@pytest.mark.parametrize("question", BUILT)
def test_a_story_that_fires_shows_a_card_of_its_own_question(question: str) -> None:
    for story in STORIES.values():
        if story.question == question and Kind.FIRES in story.kinds:
            assert question in [card.topic for card in story.expected.cards], story.name


def test_every_story_belongs_to_a_question_or_to_the_wire_shapes() -> None:
    assert {story.question for story in STORIES.values()} == {*BUILT, "wire-shapes"}


def test_names_are_slugs_and_titles_are_not_repeated() -> None:
    titles = [(story.question, story.title) for story in STORIES.values()]
    assert sorted(set(titles)) == sorted(titles)
    assert [name for name in STORIES if not re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", name)] == []


# --------------------------------------------------- what is in a request
def resources(value: Any) -> Iterator[dict[str, Any]]:
    """Every resource of a request; what lies inside one belongs to it, but for the entries of a Bundle."""
    if isinstance(value, dict):
        kind = value.get("resourceType")
        if isinstance(kind, str):
            yield value
            if kind != "Bundle":
                return
        for inner in value.values():
            yield from resources(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from resources(inner)


def test_every_request_is_a_cds_hooks_request(story: Story) -> None:
    schema("request").check({**story.body(), "prefetch": None})
    assert parse(story.request).hook_instance


def test_every_resource_is_valid_fhir_where_the_story_does_not_say_otherwise(story: Story) -> None:
    if story.fhir not in VERSIONS:
        pytest.skip(f"there are no models of {story.fhir}")
    every = ((f"{one['resourceType']}/{one.get('id')}", problems(one, story.fhir)) for one in resources(story.body()))
    faults = {name: found for name, found in every if found}
    assert bool(faults) is not story.valid, faults


def test_nobody_has_a_name_an_address_or_a_telephone(story: Story) -> None:
    for resource in resources(story.body()):
        assert not {"name", "telecom", "address", "photo", "contact", "identifier"} & resource.keys()


def test_ids_tell_a_patient_of_the_project_and_instances_are_not_repeated() -> None:
    instances = [story.body()["hookInstance"] for story in STORIES.values()]
    assert len(set(instances)) == len(instances)
    patients = {story.body()["context"]["patientId"].removeprefix("Patient/") for story in STORIES.values()}
    assert all(patient.startswith("p-") for patient in patients)


# -------------------------------------------------------- what is offered
def test_no_alternative_with_tacrolimus_stands_before_one_with_a_steroid(story: Story) -> None:
    response = respond(story.request, hook=hook_of(story.service), asof=story.asof, setting=setting())
    for card in response.cards:
        labels = [json.dumps(one).lower() for one in card.get("suggestions", ())]
        steroid = [place for place, text in enumerate(labels) if '"312615"' in text or '"198145"' in text]
        tacrolimus = [place for place, text in enumerate(labels) if '"198377"' in text or '"313190"' in text]
        assert not steroid or not tacrolimus or max(steroid) < min(tacrolimus)


def test_evidence_that_is_not_valid_fhir_is_named_in_the_answer() -> None:
    story = STORIES[TYPICAL]
    body = story.body()
    statement = body["prefetch"]["medicationStatements"]["entry"][0]["resource"]
    statement["category"] = [{"text": "a list where FHIR R4 has one"}]
    response = respond(json.dumps(body).encode(), hook="patient-view", asof=story.asof, setting=setting())
    unknown = response.cards[0]["extension"]["io.github.cds-service.basis"]["unknown"]
    assert [text for text in unknown if "MedicationStatement/tac-4-mg" in text and "category" in text]
    assert differences(story.expected, response.status, response.cards) == ()


# ------------------------------------------------------------ the handbook
def test_the_page_of_clinical_questions_is_current(request: pytest.FixtureRequest) -> None:
    written = request.config.rootpath / "docs" / "clinical-questions.md"
    assert written.read_text(encoding="utf-8") == page(list(STORIES.values())), "python -m cds_service.stories.handbook"


def test_a_day_after_its_own_the_typical_request_differs_in_its_dates_only() -> None:
    story = STORIES[TYPICAL]
    later = json.dumps(of_today(story, story.asof + timedelta(days=1)))
    masked = [re.sub(r"\d{4}-\d\d-\d\d", "DATE", text) for text in (later, json.dumps(story.body()))]
    assert masked[0] == masked[1]
    assert later != json.dumps(story.body())
