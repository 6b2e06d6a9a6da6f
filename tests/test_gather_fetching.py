"""What is missing is read from the FHIR server: only that, side by side, page by page, and what was not had is known."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.gather import KEYS, Access, HistoryUnavailable, Visit
from cds_service.gather.breaker import FAILURES, PAUSE_S
from cds_service.gather.client import Got
from cds_service.gather.fetching import MEDICATIONS
from cds_service.gather.pages import ENTRIES, PAGES, listed
from cds_service.protocol.discovery import services
from cds_service.protocol.gathered import Answer, Fetch, State
from tests import fhir_server as bad
from tests.conftest import bundle
from tests.fhir_server import FhirServer, Handler, canary, serving
from tests.visiting import BEARER, TODAY, asked, authorization, fetcher, ids, known, states, visit

Json = dict[str, Any]
READ = (State.PRESENT, Fetch.READ)


def of(kind: str, ident: str, patient: str = "p1", **members: Any) -> Json:
    subject = "patient" if kind == "AllergyIntolerance" else "subject"
    return {"resourceType": kind, "id": ident, subject: {"reference": f"Patient/{patient}"}, **members}


TYPES = sorted(set(KEYS.values()) - {"Patient", "MedicationOrder"})
RECORD = [{"resourceType": "Patient", "id": "p1"}, *(of(kind, f"{kind}-1") for kind in TYPES)]


@pytest.fixture
def fhir() -> Iterator[FhirServer]:
    with serving(*RECORD) as server:
        yield server


@pytest.mark.parametrize("key", [key for key in KEYS if key != "medicationOrders"])
def test_the_one_key_that_is_missing_is_asked_for_with_the_token_and_nothing_else(fhir: FhirServer, key: str) -> None:
    gathered = asked(fhir, known(key))
    (hit,) = fhir.hits
    assert (hit.kind, hit.token) == (KEYS[key], f"Bearer {BEARER}")
    template = services()["tacrolimus-patient-view"].prefetch[key]
    wanted = template.replace("{{context.patientId}}", "p1").replace("{{today() - 1650 days}}", "2021-08-24").replace("|", "%7C")
    assert hit.path == f"/fhir/{wanted}"
    assert gathered.answers[key].state is State.PRESENT
    assert ids(gathered, key) == ["p1" if key == "patient" else f"{KEYS[key]}-1"]
    assert gathered.fetches == (Fetch.READ,)
    assert all(answer.state in {State.PRESENT, State.NOT_OFFERED} for answer in gathered.answers.values())


def test_a_prefetch_that_is_whole_asks_for_nothing_and_loads_no_client(fhir: FhirServer) -> None:
    by = fetcher()
    gathered = asked(fhir, known(), call=visit(fhir, by=by))
    assert (fhir.hits, gathered.fetches) == ([], ())
    assert by._outgoing is None
    assert by._executor is None


@pytest.mark.parametrize(
    "value", [None, bundle(), {"resourceType": "OperationOutcome"}, "junk", 7, [], {}, bundle(of("Basic", "b"))]
)
def test_what_the_client_answered_somehow_is_not_asked_for_again(fhir: FhirServer, value: Any) -> None:
    asked(fhir, known() | {"conditions": value})
    assert fhir.hits == []


def test_what_a_client_never_offers_is_not_asked_for(fhir: FhirServer) -> None:
    gathered = asked(fhir, known("conditions"), not_offered=frozenset({"Condition"}))
    assert (fhir.hits, gathered.answers["conditions"].state) == ([], State.NOT_OFFERED)


def test_without_any_prefetch_everything_is_read_at_the_same_time(fhir: FhirServer) -> None:
    together = threading.Barrier(10)

    def behave(handler: Handler) -> None:
        together.wait(10)  # none is answered before all have been asked
        fhir.answer(handler)

    fhir.behave = behave
    gathered = asked(fhir, {})
    assert fhir.asked() == sorted(kind for key, kind in KEYS.items() if key != "medicationOrders")
    assert set(states(gathered).values()) == {State.PRESENT, State.NOT_OFFERED}
    assert gathered.fetches == (Fetch.READ,) * 10


# --- whether the server may be asked


def test_a_server_that_is_not_listed_is_not_asked_and_its_data_are_missing(fhir: FhirServer) -> None:
    with canary() as stranger:
        gathered = asked(fhir, known("conditions"), server=f"http://127.0.0.1:{stranger.port}/fhir")
        assert stranger.heard == []
    assert (gathered.answers["conditions"].state, gathered.fetches) == (State.MISSING, (Fetch.NOT_ALLOWED,))
    assert asked(fhir, known(), server="https://fhir.example.org").fetches == ()


@pytest.mark.parametrize(
    "changes",
    [{"token_type": "MAC"}, {"access_token": ...}, {"patient": "p2"}, {"expires_in": 0}, {"scope": ...}, {"subject": 5}],
)
@pytest.mark.parametrize("is_open", [True, False])
def test_with_a_faulty_authorization_nobody_is_asked(fhir: FhirServer, changes: Json, is_open: bool) -> None:
    gathered = asked(fhir, known("conditions"), authorized=authorization(**changes), call=visit(fhir, is_open=is_open))
    assert (fhir.hits, gathered.answers["conditions"].state) == ([], State.MISSING)


def test_without_a_token_only_an_open_server_is_asked(fhir: FhirServer) -> None:
    closed = asked(fhir, known("conditions"), authorized=...)
    assert (fhir.hits, closed.answers["conditions"].state) == ([], State.MISSING)
    opened = asked(fhir, known("conditions"), authorized=..., call=visit(fhir, is_open=True))
    assert [hit.token for hit in fhir.hits] == [""]
    assert opened.answers["conditions"].state is State.PRESENT


def test_with_a_token_an_open_server_is_asked_with_it(fhir: FhirServer) -> None:
    asked(fhir, known("conditions"), call=visit(fhir, is_open=True))
    assert [hit.token for hit in fhir.hits] == [f"Bearer {BEARER}"]


def test_the_token_of_one_call_is_not_there_in_the_next(fhir: FhirServer) -> None:
    by = fetcher()
    for value in ("first", "second"):
        asked(fhir, known("conditions"), authorized=authorization(access_token=value), call=visit(fhir, by=by))
    asked(fhir, known("conditions"), authorized=..., call=visit(fhir, by=by))
    asked(fhir, known("conditions"), authorized=..., call=visit(fhir, by=by, is_open=True))
    assert [hit.token for hit in fhir.hits] == ["Bearer first", "Bearer second", ""]


@pytest.mark.parametrize(
    ("scope", "kinds"),
    [
        ("patient/*.read", ["Condition", "Observation", "Observation", "Patient"]),
        ("patient/Condition.rs", ["Condition"]),
        ("patient/Observation.rs patient/Patient.r", ["Observation", "Observation", "Patient"]),
        ("patient/Patient.s", []),
        ("launch openid fhirUser", []),
    ],
)
def test_what_the_scope_surely_excludes_is_not_asked_for_and_missing(fhir: FhirServer, scope: str, kinds: list[str]) -> None:
    missing = ("conditions", "markers", "screening", "patient")
    gathered = asked(fhir, known(*missing), authorized=authorization(scope=scope))
    assert fhir.asked() == kinds
    assert {KEYS[key] for key in missing if gathered.answers[key].state is State.PRESENT} == set(kinds)
    assert {gathered.answers[key].state for key in missing} <= {State.PRESENT, State.MISSING}


def test_a_list_of_which_only_a_part_may_be_seen_is_not_whole(fhir: FhirServer) -> None:
    scope = "patient/Observation.rs?category=vital-signs patient/Condition.rs"
    gathered = asked(fhir, known("markers", "conditions"), authorized=authorization(scope=scope))
    assert gathered.answers["markers"].state is State.INCOMPLETE
    assert gathered.answers["conditions"].state is State.PRESENT


# --- pages


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


# --- what is no answer

FAULTS = {
    "401": (bad.status(401), Fetch.REFUSED),
    "403": (bad.status(403), Fetch.REFUSED),
    "404": (bad.status(404), Fetch.FAILED),
    "500": (bad.status(500), Fetch.FAILED),
    "503": (bad.status(503), Fetch.FAILED),
    "page of HTML": (bad.says(b"<html>Please log in</html>", Content_Type="text/html"), Fetch.FAILED),
    "XML": (bad.says(b"<Bundle xmlns='http://hl7.org/fhir'/>", Content_Type="application/fhir+xml"), Fetch.FAILED),
    "cut JSON": (bad.says(b'{"resourceType": "Bundle", "entry": [{"resou'), Fetch.FAILED),
    "no UTF-8": (bad.says(b'{"resourceType": "Bundle", "x": "\xff"}'), Fetch.FAILED),
    "deep": (bad.says(b'{"resourceType":"Bundle","entry":' + b"[" * 90_000 + b"]" * 90_000 + b"}"), Fetch.FAILED),
    "empty": (bad.says(b""), Fetch.FAILED),
    "number": (bad.says(b"7"), Fetch.FAILED),
    "other type": (bad.says({"resourceType": "Basic", "id": "b"}), Fetch.FAILED),
    "list of another type": (bad.says(bundle(of("Basic", "b"))), Fetch.FAILED),
    "OperationOutcome": (bad.says({"resourceType": "OperationOutcome", "issue": [{"severity": "fatal"}]}), Fetch.FAILED),
    "outcome entry": (bad.says(bundle({"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]})), Fetch.FAILED),
    "redirect": (bad.status(302, Location="/fhir/Condition"), Fetch.FAILED),
    "hung up": (bad.hung_up, Fetch.UNREACHABLE),
    "broken off": (bad.broken_off, Fetch.UNREACHABLE),
    "bomb": (bad.bomb(20_000_000), Fetch.FAILED),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_answer_is_a_failure_and_not_an_empty_list(fhir: FhirServer, fault: str) -> None:
    fhir.behave, outcome = FAULTS[fault]
    gathered = asked(fhir, known("conditions"))
    assert gathered.answers["conditions"] == Answer(State.FAILED)
    assert gathered.fetches == (outcome,)


@pytest.mark.parametrize("fault", FAULTS)
def test_without_statements_and_orders_nothing_can_be_said(fhir: FhirServer, fault: str) -> None:
    fhir.behave, outcome = FAULTS[fault]
    with pytest.raises(HistoryUnavailable) as unavailable:
        asked(fhir, known("medicationStatements", "medicationRequests", "medicationOrders"))
    assert set(unavailable.value.fetches) == {outcome}


def test_a_warning_beside_the_data_is_no_failure(fhir: FhirServer) -> None:
    warning = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "informational"}]}
    fhir.behave = bad.says(bundle(of("Condition", "c1"), warning))
    gathered = asked(fhir, known("conditions"))
    assert (gathered.answers["conditions"].state, ids(gathered, "conditions")) == (State.PRESENT, ["c1"])


def test_what_one_list_failed_to_give_does_not_touch_the_others(fhir: FhirServer) -> None:
    def behave(handler: Handler) -> None:
        handler.send(b"", 500) if "Condition" in handler.path else fhir.answer(handler)

    fhir.behave = behave
    gathered = asked(fhir, {})
    assert gathered.answers["conditions"].state is State.FAILED
    assert [key for key, state in states(gathered).items() if state is State.PRESENT] == [
        key for key in KEYS if key not in {"conditions", "medicationOrders"}
    ]
    assert sorted(gathered.fetches) == [Fetch.FAILED, *[Fetch.READ] * 9]


# --- time


def test_what_is_late_is_left_and_what_was_in_time_is_kept(fhir: FhirServer) -> None:
    late = bad.slow(30)
    fhir.behave = lambda handler: late(handler) if "Observation" in handler.path else fhir.answer(handler)
    began = time.monotonic()
    gathered = asked(fhir, {}, call=visit(fhir, by=fetcher(budget_s=0.4)))
    assert 0.36 < time.monotonic() - began < 0.65
    failed = {key for key, state in states(gathered).items() if state is State.FAILED}
    assert failed == {"markers", "screening"}
    assert sorted(gathered.fetches) == [*[Fetch.LATE] * 2, *[Fetch.READ] * 8]


def test_the_pages_that_came_in_time_are_kept(fhir: FhirServer) -> None:
    late = bad.slow(30)
    linking(fhir, "BASE/Condition?page=NUMBER")
    paging = fhir.behave
    fhir.behave = lambda handler: late(handler) if "page=1" in handler.path else paging(handler)
    gathered = asked(fhir, known("conditions"), call=visit(fhir, by=fetcher(budget_s=0.4)))
    assert (ids(gathered, "conditions"), gathered.answers["conditions"].state) == (["c0", "c1"], State.INCOMPLETE)


def test_a_reader_that_does_not_come_back_is_not_waited_for(fhir: FhirServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As name resolution may do, which nobody can interrupt."""
    stuck = threading.Event()

    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        stuck.wait(10)
        raise OSError

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    by = fetcher(budget_s=0.3)
    assert by.outgoing
    first = bundle(of("Condition", "c1"), link=[{"relation": "next", "url": f"{fhir.base}/Condition?page=1"}])
    began = time.monotonic()
    gathered = asked(fhir, known("markers") | {"conditions": first}, call=visit(fhir, by=by))
    took = time.monotonic() - began
    stuck.set()
    assert 0.25 < took < 0.6
    assert gathered.answers["markers"].state is State.FAILED
    assert (ids(gathered, "conditions"), gathered.answers["conditions"].state) == (["c1"], State.INCOMPLETE)
    assert gathered.fetches == (Fetch.LATE, Fetch.LATE)


# --- a server that keeps failing


def test_a_server_that_keeps_failing_is_not_asked_for_a_while(fhir: FhirServer) -> None:
    now = [0.0]
    call = visit(fhir, by=fetcher(clock=lambda: now[0]))
    fhir.behave = bad.status(500)
    for _ in range(FAILURES):
        asked(fhir, known("conditions"), call=call)
    assert len(fhir.hits) == FAILURES
    page = bundle(of("Condition", "c1"), link=[{"relation": "next", "url": f"{fhir.base}/Condition?page=1"}])
    held_back = asked(fhir, known("markers") | {"conditions": page}, call=call)
    assert (len(fhir.hits), held_back.fetches) == (FAILURES, (Fetch.HELD_BACK,))
    assert held_back.answers["markers"].state is State.FAILED
    assert (ids(held_back, "conditions"), held_back.answers["conditions"].state) == (["c1"], State.INCOMPLETE)
    fhir.behave = fhir.answer
    now[0] += PAUSE_S
    assert asked(fhir, known("conditions"), call=call).answers["conditions"].state is State.PRESENT
    assert asked(fhir, known("conditions"), call=call).answers["conditions"].state is State.PRESENT


def test_a_refusal_is_no_sign_of_a_broken_server(fhir: FhirServer) -> None:
    call = visit(fhir, by=fetcher(clock=lambda: 0.0))
    fhir.behave = bad.status(403)
    for _ in range(2 * FAILURES):
        asked(fhir, known("conditions"), call=call)
    assert len(fhir.hits) == 2 * FAILURES


def test_each_server_has_a_breaker_of_its_own(fhir: FhirServer) -> None:
    by = fetcher(clock=lambda: 0.0)
    with serving(*RECORD) as other:
        servers = frozenset({fhir.base, other.base})
        call = Visit("patient-view", TODAY, Access(by, servers))
        fhir.behave = bad.status(500)
        for _ in range(FAILURES + 1):
            asked(fhir, known("conditions"), call=call)
        assert len(fhir.hits) == FAILURES
        assert asked(other, known("conditions"), call=call).answers["conditions"].state is State.PRESENT


# --- a server of DSTU2

ORDER = {"resourceType": "MedicationOrder", "id": "o1", "patient": {"reference": "Patient/p1"}}


@pytest.mark.parametrize("code", [400, 404])
@pytest.mark.parametrize("empty", [{}, {"medicationOrders": None}])
def test_a_server_that_does_not_know_requests_is_asked_for_orders(code: int, empty: Json) -> None:
    with serving(ORDER) as fhir:
        fhir.behave = lambda handler: handler.send(b"", code) if "Request" in handler.path else fhir.answer(handler)
        gathered = asked(fhir, known("medicationRequests", "medicationOrders") | empty)
        assert fhir.asked() == ["MedicationOrder", "MedicationRequest"]
    assert (ids(gathered, "medicationOrders"), gathered.fhir_version) == (["o1"], "DSTU2")
    assert gathered.answers["medicationRequests"].state is State.NOT_OFFERED


def test_a_server_that_knows_neither_has_lost_its_orders(fhir: FhirServer) -> None:
    fhir.behave = bad.status(404)
    gathered = asked(fhir, known("medicationRequests", "medicationOrders"))
    assert fhir.asked() == ["MedicationOrder", "MedicationRequest"]
    assert gathered.answers["medicationRequests"].state is State.FAILED
    assert (gathered.answers["medicationOrders"].state, gathered.fhir_version) == (State.NOT_OFFERED, None)


def test_a_client_of_dstu2_is_asked_for_orders_only() -> None:
    with serving(ORDER) as fhir:
        gathered = asked(fhir, known("medicationRequests", "medicationOrders"), fhir_version="DSTU2")
        assert fhir.asked() == ["MedicationOrder"]
    assert gathered.answers["medicationOrders"].state is State.PRESENT


# --- medications that others refer to

TABLETS = {"resourceType": "Medication", "id": "m1", "code": {"text": "Tacrolimus 1 mg"}}


def referring(reference: str, **more: str) -> Json:
    return of("MedicationStatement", "s1", medicationReference={"reference": reference, **more})


@pytest.mark.parametrize("prefix", ["", "BASE/"])
@pytest.mark.parametrize("suffix", ["", "/_history/3"])
@pytest.mark.parametrize("sent", [True, False])
def test_a_medication_that_is_referred_to_is_read(prefix: str, suffix: str, sent: bool) -> None:
    with serving(TABLETS) as fhir:
        statement = referring(prefix.replace("BASE", fhir.base) + "Medication/m1" + suffix)
        fhir.resources.append(statement)
        prefetch = known() | {"medicationStatements": bundle(statement)} if sent else known("medicationStatements")
        gathered = asked(fhir, prefetch)
        assert [hit.path for hit in fhir.hits if hit.kind == "Medication"] == ["/fhir/Medication/m1"]
        assert {hit.token for hit in fhir.hits} == {f"Bearer {BEARER}"}
    assert [json.loads(bytes(medication)) for medication in gathered.medications] == [TABLETS]
    assert set(gathered.fetches) == {Fetch.READ}


def test_one_of_a_draft_is_read_too(fhir: FhirServer) -> None:
    fhir.resources.append(TABLETS)
    draft = of("MedicationRequest", "d1", medication={"reference": {"reference": "Medication/m1"}})
    gathered = asked(fhir, known(), hook="order-sign", context={"draftOrders": bundle(draft)})
    assert len(gathered.medications) == 1


@pytest.mark.parametrize(
    "reference",
    [
        "#m1",
        "urn:uuid:m1",
        "Medication/",
        "Medication/../x",
        "Medication/a?b",
        "https://fhir.example.org/Medication/m1",
        "Substance/m1",
    ],
)
def test_what_is_no_medication_of_this_server_is_not_read(fhir: FhirServer, reference: str) -> None:
    gathered = asked(fhir, known() | {"medicationStatements": bundle(referring(reference))})
    assert (fhir.hits, gathered.medications) == ([], ())


def test_one_that_came_along_is_not_read(fhir: FhirServer) -> None:
    gathered = asked(fhir, known() | {"medicationStatements": bundle(referring("Medication/m1"), TABLETS)})
    assert (fhir.hits, gathered.medications) == ([], ())


def test_one_that_the_scope_excludes_is_not_read(fhir: FhirServer) -> None:
    right = authorization(scope="patient/MedicationStatement.rs")
    fhir.resources.append(referring("Medication/m1"))
    gathered = asked(fhir, known("medicationStatements"), authorized=right)
    assert (fhir.asked(), gathered.medications) == (["MedicationStatement"], ())


@pytest.mark.parametrize("body", [b"7", b"<html>", {"resourceType": "Basic", "id": "m1"}, {**TABLETS, "id": "m2"}, b"[" * 9_000])
def test_what_is_not_the_medication_asked_for_is_not_taken(fhir: FhirServer, body: Any) -> None:
    fhir.behave = bad.says(body)
    gathered = asked(fhir, known() | {"medicationStatements": bundle(referring("Medication/m1"))})
    assert (gathered.medications, gathered.fetches) == ((), (Fetch.FAILED,))


def test_those_that_nothing_else_names_come_first_and_not_all_of_many_are_read(fhir: FhirServer) -> None:
    named = [referring(f"Medication/named{place}", display="Tacrolimus") for place in range(MEDICATIONS)]
    bare = [referring(f"Medication/bare{place}") for place in range(3)]
    gathered = asked(fhir, known() | {"medicationStatements": bundle(*named, *bare, *named)})
    read = [hit.path.rpartition("/")[2] for hit in fhir.hits]
    assert len(read) == len(set(read)) == len(gathered.fetches) == MEDICATIONS
    assert {f"bare{place}" for place in range(3)} <= set(read)


def test_one_that_is_late_is_left(fhir: FhirServer) -> None:
    fhir.behave = bad.slow(30)
    statement = bundle(referring("Medication/m1", display="Tacrolimus"))
    gathered = asked(fhir, known() | {"medicationStatements": statement}, call=visit(fhir, by=fetcher(budget_s=0.2)))
    assert (gathered.medications, gathered.fetches) == ((), (Fetch.LATE,))
    assert gathered.answers["medicationStatements"].state is State.PRESENT


def test_a_medication_without_an_id_that_can_be_read_is_none_that_came_along(fhir: FhirServer) -> None:
    nameless = {"resourceType": "Medication", "id": 5}
    asked(fhir, known() | {"medicationStatements": bundle(referring("Medication/m1"), nameless)})
    assert fhir.asked() == ["Medication"]


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


def test_a_worker_loads_the_client_beside_its_work() -> None:
    by = fetcher()
    by.warm()
    deadline = time.monotonic() + 10
    while by._outgoing is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert by._outgoing is by.outgoing
