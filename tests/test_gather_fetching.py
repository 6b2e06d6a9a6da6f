"""What is missing is read from the FHIR server: only that, side by side, and what was not had is known."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cds_service.gather import KEYS, Access, HistoryUnavailable, Visit
from cds_service.gather.breaker import FAILURES, PAUSE_S
from cds_service.protocol.discovery import services
from cds_service.protocol.gathered import Answer, Fetch, Gathered, State
from tests import fhir_server as bad
from tests.conftest import bundle
from tests.fhir_server import FhirServer, Handler, canary, serving
from tests.timing import soonest
from tests.visiting import BEARER, RECORD, TODAY, asked, authorization, fetcher, ids, known, of, states, visit

Json = dict[str, Any]
READ = (State.PRESENT, Fetch.READ)


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


def test_what_the_client_asked_about_nobody_is_read_for_this_person(fhir: FhirServer) -> None:
    literal = bundle() | {"link": [{"relation": "self", "url": "https://x/Condition?patient=%7B%7Bcontext.patientId%7D%7D"}]}

    gathered = asked(fhir, known() | {"conditions": literal, "patient": {"resourceType": "OperationOutcome"}})

    assert fhir.asked() == ["Condition", "Patient"]
    assert (ids(gathered, "conditions"), ids(gathered, "patient")) == (["Condition-1"], ["p1"])


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


def test_a_worker_loads_the_client_beside_its_work() -> None:
    by = fetcher()
    by.warm()
    deadline = time.monotonic() + 10
    while by._outgoing is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert by._outgoing is by.outgoing


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
    gathered, took = soonest(lambda: asked(fhir, {}, call=visit(fhir, by=fetcher(budget_s=0.4))), 0.65)
    assert 0.36 < took < 0.65
    failed = {key for key, state in states(gathered).items() if state is State.FAILED}
    assert failed == {"markers", "screening"}
    assert sorted(gathered.fetches) == [*[Fetch.LATE] * 2, *[Fetch.READ] * 8]


def test_a_reader_that_does_not_come_back_is_not_waited_for(fhir: FhirServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As name resolution may do, which nobody can interrupt."""
    stuck = threading.Event()

    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        stuck.wait(10)
        raise OSError

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    first = bundle(of("Condition", "c1"), link=[{"relation": "next", "url": f"{fhir.base}/Condition?page=1"}])
    callers = iter([fetcher(budget_s=0.3) for _ in range(4)])

    def ask() -> Gathered:
        by = next(callers)
        assert by.outgoing
        return asked(fhir, known("markers") | {"conditions": first}, call=visit(fhir, by=by))

    gathered, took = soonest(ask, 0.6)
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
