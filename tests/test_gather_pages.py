"""A list is read page by page: all of it, or what was had as a part; never elsewhere, never without end."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.gather.client import Got
from cds_service.gather.pages import ENTRIES, PAGES, listed
from cds_service.protocol.gathered import Fetch, State
from tests import fhir_server as bad
from tests.conftest import bundle
from tests.fhir_server import FhirServer, Handler, serving
from tests.visiting import BEARER, RECORD, asked, fetcher, ids, known, of, visit

Json = dict[str, Any]
READ = (State.PRESENT, Fetch.READ)


@pytest.fixture
def fhir() -> Iterator[FhirServer]:
    with serving(*RECORD) as server:
        yield server


def conditions(number: int) -> list[Json]:
    return [of("Condition", f"c{place}") for place in range(number)]


def test_every_page_of_a_list_is_read_with_the_token() -> None:
    with serving(*conditions(25)) as fhir:
        fhir.page_size = 10
        gathered = asked(fhir, known("conditions"))
        assert [hit.token for hit in fhir.hits] == [f"Bearer {BEARER}"] * 3
    assert ids(gathered, "conditions") == [f"c{place}" for place in range(25)]
    assert (gathered.answers["conditions"].state, *gathered.fetches) == READ


def test_the_pages_after_one_that_the_client_sent_are_read() -> None:
    with serving(*conditions(25)) as fhir:
        fhir.page_size = 10
        first = fhir.found("/fhir/Condition?patient=p1")
        gathered = asked(fhir, known() | {"conditions": first})
        assert len(fhir.hits) == 2
    assert ids(gathered, "conditions") == [f"c{place}" for place in range(25)]
    assert (gathered.answers["conditions"].state, *gathered.fetches) == READ


def test_what_came_before_a_page_that_failed_is_kept_as_a_part() -> None:
    with serving(*conditions(25)) as fhir:
        fhir.page_size = 10
        fhir.behave = lambda handler: fhir.answer(handler) if "page=2" not in handler.path else handler.send(b"", 500)
        gathered = asked(fhir, known("conditions"))
    assert len(ids(gathered, "conditions")) == 20
    assert (gathered.answers["conditions"].state, *gathered.fetches) == (State.INCOMPLETE, Fetch.INCOMPLETE)


def test_a_first_page_whose_next_cannot_be_had_stays_a_part(fhir: FhirServer) -> None:
    fhir.behave = bad.status(500)
    page = bundle(of("Condition", "c1"), link=[{"relation": "next", "url": f"{fhir.base}/Condition?page=1"}])
    gathered = asked(fhir, known() | {"conditions": page})
    assert (ids(gathered, "conditions"), gathered.answers["conditions"].state) == (["c1"], State.INCOMPLETE)
    assert len(fhir.hits) == 1


def linking(fhir: FhirServer, *links: str, **more: Any) -> None:
    """Let each page have one resource and the next of these links; the last link is repeated."""

    def behave(handler: Handler) -> None:
        place = len(fhir.hits) - 1
        url = links[min(place, len(links) - 1)].replace("BASE", fhir.base).replace("SELF", fhir.base + handler.path[5:])
        page = bundle(of("Condition", f"c{place}"), link=[{"relation": "next", "url": url.replace("NUMBER", str(place))}], **more)
        handler.send(page)

    fhir.behave = behave


@pytest.mark.parametrize(
    ("links", "hits"),
    [
        (["SELF"], 1),
        (["BASE/Condition?page=1"], 2),
        (["BASE/Condition?page=1", "BASE/Condition?page=2", "BASE/Condition?page=1"], 3),
        (["BASE/Condition?page=a|b", "BASE/Condition?page=a%7Cb"], 2),
        (["BASE/Condition?page=NUMBER"], PAGES),
    ],
)
def test_pages_without_end_end(fhir: FhirServer, links: list[str], hits: int) -> None:
    linking(fhir, *links)
    gathered = asked(fhir, known("conditions"))
    assert len(fhir.hits) == hits
    assert (gathered.answers["conditions"].state, *gathered.fetches) == (State.INCOMPLETE, Fetch.INCOMPLETE)
    assert len(ids(gathered, "conditions")) == hits


def test_a_list_of_as_many_pages_as_are_read_is_whole_if_it_ends_there() -> None:
    with serving(*conditions(PAGES)) as fhir:
        fhir.page_size = 1
        gathered = asked(fhir, known("conditions"))
    assert (gathered.answers["conditions"].state, len(ids(gathered, "conditions"))) == (State.PRESENT, PAGES)


def test_no_more_resources_are_kept_than_one_list_may_have() -> None:
    with serving(*conditions(ENTRIES + 10)) as fhir:
        fhir.page_size = 3_000
        gathered = asked(fhir, known("conditions"))
        assert len(fhir.hits) == 2
    assert gathered.answers["conditions"].state is State.INCOMPLETE
    assert len(gathered.answers["conditions"].resources) == ENTRIES


def test_a_total_that_was_not_reached_makes_a_list_a_part(fhir: FhirServer) -> None:
    fhir.behave = bad.says(bundle(of("Condition", "c1"), total=2))
    assert asked(fhir, known("conditions")).answers["conditions"].state is State.INCOMPLETE


def test_an_error_on_one_page_makes_the_list_a_part() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "processing"}]}
    with serving(*conditions(2)) as fhir:
        fhir.page_size = 1
        broken = bundle(
            of("Condition", "c0"), outcome, link=[{"relation": "next", "url": f"{fhir.base}/Condition?patient=p1&page=1"}]
        )
        fhir.behave = lambda handler: fhir.answer(handler) if "page=1" in handler.path else handler.send(broken)
        gathered = asked(fhir, known("conditions"))
    assert (ids(gathered, "conditions"), gathered.answers["conditions"].state) == (["c0", "c1"], State.INCOMPLETE)


def test_the_pages_that_came_in_time_are_kept(fhir: FhirServer) -> None:
    late = bad.slow(30)
    linking(fhir, "BASE/Condition?page=NUMBER")
    paging = fhir.behave
    fhir.behave = lambda handler: late(handler) if "page=1" in handler.path else paging(handler)
    gathered = asked(fhir, known("conditions"), call=visit(fhir, by=fetcher(budget_s=0.4)))
    assert (ids(gathered, "conditions"), gathered.answers["conditions"].state) == (["c0", "c1"], State.INCOMPLETE)


# --- whatever a server says


class Saying:
    """A server that answers with these bodies in turn, the last one again and again."""

    base = "https://fhir.example.org/r4"

    def __init__(self, *bodies: bytes) -> None:
        self.bodies = list(bodies)

    def get(self, _url: str) -> Got:
        return Got(Fetch.READ, self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["resourceType", "entry", "resource", "link", "relation", "url", "total", "issue"]), inner, max_size=5
        )
    ),
    max_leaves=30,
)
PAGE = st.fixed_dictionaries(
    {"resourceType": st.just("Bundle")},
    optional={
        "entry": st.lists(st.fixed_dictionaries({"resource": st.just({"resourceType": "Condition"}) | JSON}), max_size=3) | JSON,
        "link": st.lists(st.fixed_dictionaries({"relation": st.just("next"), "url": st.text() | st.just("?page=1")}), max_size=2)
        | JSON,
        "total": JSON,
    },
)


@given(st.lists((JSON | PAGE).map(lambda value: json.dumps(value).encode()) | st.binary(), min_size=1, max_size=4))
def test_no_answer_of_a_server_breaks_anything(bodies: list[bytes]) -> None:
    found = listed(Saying(*bodies), "conditions", f"{Saying.base}/Condition?patient=p1")  # type: ignore[arg-type]
    assert found.answer.state in {State.PRESENT, State.INCOMPLETE, State.FAILED}
    assert (found.outcome is Fetch.READ) is (found.answer.state is State.PRESENT)
    assert found.answer.state is not State.FAILED or found.answer.resources == ()
