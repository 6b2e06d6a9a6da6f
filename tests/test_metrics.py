"""Metrics: what they count, over worker processes and their deaths, and what never becomes a label."""

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from cds_service.cards.topics import TOPICS
from cds_service.gather import HistoryUnavailable
from cds_service.protocol.discovery import services
from cds_service.protocol.gathered import Fetch
from cds_service.stories.story import Story
from cds_service.trust.client import Client
from cds_service.trust.refusal import Cause, Refused
from cds_service.web import hooks, metrics
from cds_service.web.application import build
from cds_service.web.house import House
from cds_service.web.metrics import STAGES, Metrics
from tests.conftest import Start, hook_request

SERVICE = "/cds-services/tacrolimus-patient-view"
PERSON = "Testfall"
Samples = dict[tuple[str, ...], float]


def samples(text: str) -> Samples:
    """Every sample by its name and the values of its labels, as Prometheus reads the text."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(client: FlaskClient) -> Samples:
    answer = client.get("/metrics")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return samples(answer.text)


def grown(client: FlaskClient, act: Callable[[], object]) -> Samples:
    """What an act adds to the counts, the reading of the counts apart."""
    before = scraped(client)
    act()
    after = scraped(client)
    assert after.keys() == before.keys()
    change = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    change.pop(("cds_requests_total", "other", "200", "other"))
    return change


def test_an_answer_with_a_card_is_counted_in_all_its_parts(client: FlaskClient, rebound: Story) -> None:
    path = f"/cds-services/{rebound.service}"
    change = grown(client, lambda: client.post(path, data=rebound.request, content_type="application/json"))
    assert change.pop(("cds_requests_total", rebound.service, "200", "cards")) == 1
    assert change.pop(("cds_cards_total", "rebound", "critical")) == 1
    assert change.pop(("cds_answer_seconds_count",)) == 1
    stages = {stage: change.pop(("cds_stage_seconds_sum", stage)) for stage in STAGES}
    assert all(0 < seconds < 5 for seconds in stages.values())
    assert sum(stages.values()) == pytest.approx(change.pop(("cds_answer_seconds_sum",)), abs=0.05)
    assert {change.pop(("cds_stage_seconds_count", stage)) for stage in STAGES} == {1}
    assert {name[0] for name in change} == {"cds_answer_seconds_bucket", "cds_stage_seconds_bucket"}


def test_an_answer_without_a_card_and_a_foreign_hook_are_told_apart(client: FlaskClient) -> None:
    change = grown(client, lambda: client.post(SERVICE, json=hook_request("order-sign")))
    assert change["cds_requests_total", "tacrolimus-patient-view", "200", "no-cards"] == 1
    assert change["cds_other_hook_total", "tacrolimus-patient-view"] == 1
    assert ("cds_other_hook_total", "tacrolimus-patient-view") not in grown(
        client, lambda: client.post(SERVICE, json=hook_request())
    )


def test_feedback_is_counted_by_its_outcome_once_it_is_kept(client: FlaskClient) -> None:
    entry = {"card": "c", "outcome": "overridden", "outcomeTimestamp": "2026-11-22T07:44:41Z"}
    taken = {**entry, "outcome": "accepted", "acceptedSuggestions": [{"id": "s"}]}
    change = grown(client, lambda: client.post(f"{SERVICE}/feedback", json={"feedback": [entry, taken, entry]}))
    assert change == {
        ("cds_requests_total", "tacrolimus-patient-view", "200", "feedback"): 1,
        ("cds_feedback_total", "accepted"): 1,
        ("cds_feedback_total", "overridden"): 2,
    }
    assert grown(client, lambda: client.post(f"{SERVICE}/feedback", json={"feedback": [entry, {}]})) == {
        ("cds_requests_total", "tacrolimus-patient-view", "400", "refused"): 1
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "end"),
    [
        ("POST", SERVICE, {}, ("tacrolimus-patient-view", "400", "refused")),
        ("POST", SERVICE, hook_request(prefetch={}), ("tacrolimus-patient-view", "412", "no-history")),
        ("GET", SERVICE, None, ("tacrolimus-patient-view", "405", "refused")),
        ("OPTIONS", SERVICE, None, ("tacrolimus-patient-view", "204", "preflight")),
        ("POST", SERVICE, None, ("tacrolimus-patient-view", "415", "refused")),
        ("POST", f"/cds-services/{PERSON}", {}, ("other", "404", "refused")),
        ("POST", f"/cds-services//{PERSON}/feedback/", {}, ("other", "404", "refused")),
        ("GET", f"/{PERSON}", None, ("other", "404", "refused")),
        ("PROPFIND", "/", None, ("other", "405", "refused")),
        ("GET", "/knowledge", None, ("other", "200", "other")),
    ],
)
def test_every_request_is_counted_once_by_how_it_ended(
    client: FlaskClient, method: str, path: str, body: object, end: tuple[str, ...]
) -> None:
    change = grown(
        client, lambda: client.open(path, method=method, json=body) if body is not None else client.open(path, method=method)
    )
    requests = {name: count for name, count in change.items() if name[0] == "cds_requests_total"}
    reading = 1 if end == ("other", "200", "other") else 0  # the metrics were read once, which was taken off
    assert requests == ({} if reading else {("cds_requests_total", *end): 1})


def test_a_failure_of_ours_is_counted_as_one(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "answer", None)
    change = grown(client, lambda: client.post(SERVICE, json=hook_request()))
    assert change["cds_requests_total", "tacrolimus-patient-view", "500", "failed"] == 1


def test_no_word_of_a_request_ever_becomes_a_series(client: FlaskClient) -> None:
    before = client.get("/metrics").text
    for n in range(300):
        name = f"{PERSON}{n}"
        client.post(f"/cds-services/{name}", json={}, headers={"X-Request-Id": name})
        client.open(f"/{name}", method=f"X{n}")
        client.post(SERVICE, json=hook_request(hook=name, context={"patientId": name}))
        client.post(SERVICE, json=hook_request(context={"patientId": name}))
    after = client.get("/metrics").text
    assert PERSON not in after
    assert len(after.splitlines()) == len(before.splitlines())
    assert samples(after).keys() == samples(before).keys()


def test_the_labels_are_closed_sets(client: FlaskClient) -> None:
    found = scraped(client)
    assert {name[1] for name in found if name[0] == "cds_requests_total"} == {*services(), "other"}
    assert {name[1] for name in found if name[0] == "cds_cards_total"} == set(TOPICS)
    assert {name[1] for name in found if name[0] == "cds_fhir_fetches_total"} == set(Fetch)
    assert {name[1] for name in found if name[0] == "cds_authentication_failures_total"} == set(Cause)


def test_what_has_no_series_is_not_counted() -> None:
    counts = Metrics()
    before = counts.text()
    counts.add([(("cds_cards_total", PERSON, "critical"), 1), (("nonsense",), 1), ((), 1)])
    assert counts.text().replace(" 0", "") == before.replace(" 0", "")
    assert counts.request(PERSON, "299", "x") == ("cds_requests_total", "other", "other", "other")


def test_a_histogram_is_cumulative_and_holds_its_bounds() -> None:
    counts = Metrics()
    for seconds in (0.0001, 0.00011, 0.4, 99.0):
        counts.add([(("cds_answer_seconds",), seconds)])
    found = samples(counts.text())
    buckets = [found["cds_answer_seconds_bucket", str(bound)] for bound in metrics.BOUNDS]
    assert buckets == sorted(buckets)
    assert (found["cds_answer_seconds_bucket", "0.0001"], found["cds_answer_seconds_bucket", "0.00025"]) == (1, 2)
    assert (found["cds_answer_seconds_bucket", "0.25"], found["cds_answer_seconds_bucket", "0.4"]) == (2, 3)
    assert found["cds_answer_seconds_bucket", "+Inf"] == found["cds_answer_seconds_count",] == 4
    assert found["cds_answer_seconds_sum",] == pytest.approx(99.40021)


def in_child(act: Callable[[], None]) -> int:
    child = os.fork()
    if not child:
        try:
            act()
        finally:
            os._exit(0)
    return child


def kept(counts: Metrics) -> float:
    return samples(counts.text())["cds_feedback_total", "accepted"]


ACCEPTED = (("cds_feedback_total", "accepted"), 1.0)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_processes_count_together_and_the_counts_of_the_dead_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "ROWS", 4)
    counts = Metrics()
    counts.add([ACCEPTED])

    def count() -> None:
        for _ in range(100):
            counts.add([ACCEPTED])

    for generation in range(5):
        children = [in_child(count) for _ in range(3)]
        for child in children:
            os.waitpid(child, 0)
        assert kept(counts) == 1 + 300 * (generation + 1), "rows are handed on, and nothing is lost or counted twice"


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_where_there_is_no_row_left_counts_may_be_lost_but_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "ROWS", 2)
    counts = Metrics()
    counts.add([ACCEPTED])

    def count_and_stay() -> None:
        counts.add([ACCEPTED])
        time.sleep(30)

    children = [in_child(count_and_stay) for _ in range(3)]
    deadline = time.monotonic() + 5
    while kept(counts) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert 2 <= kept(counts) <= 4


def test_threads_lose_no_count() -> None:
    counts, start = Metrics(), threading.Barrier(8)

    def count(_: int) -> None:
        start.wait()
        for _ in range(2000):
            counts.add([ACCEPTED, (("cds_answer_seconds",), 0.001)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    assert kept(counts) == 16000
    assert samples(counts.text())["cds_answer_seconds_count",] == 16000


@pytest.mark.server
def test_workers_that_die_and_their_successors_count_together(start: Start) -> None:
    running = start()
    for _ in range(20):
        running.post(SERVICE, hook_request())
    for worker in running.workers():
        os.kill(worker, signal.SIGKILL)
    for _ in range(20):
        running.post(SERVICE, hook_request())
    found = [samples(running.requested("/metrics").text) for _ in range(6)]
    name = ("cds_requests_total", "tacrolimus-patient-view", "200", "no-cards")
    assert {one[name] for one in found} == {40}, "whichever worker is asked"


def test_reads_of_a_fhir_server_are_counted_by_their_outcome(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = hooks.answer

    def fetched(*args: object, **named: object) -> object:
        outcome = sound(*args, **named)  # type: ignore[arg-type]
        return msgspec.structs.replace(outcome, fetches=(Fetch.READ, Fetch.READ, Fetch.LATE))

    monkeypatch.setattr(hooks, "answer", fetched)
    client = build(house).test_client()
    change = grown(client, lambda: client.post(SERVICE, json=hook_request()))
    assert change["cds_fhir_fetches_total", "read"] == 2
    assert change["cds_fhir_fetches_total", "late"] == 1


def test_reads_that_did_not_suffice_are_counted_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> object:
        raise HistoryUnavailable("medication statements", fetches=(Fetch.REFUSED, Fetch.UNREACHABLE))

    monkeypatch.setattr(hooks, "answer", refused)
    client = build(house).test_client()
    change = grown(client, lambda: client.post(SERVICE, json=hook_request()))
    assert change["cds_requests_total", "tacrolimus-patient-view", "412", "no-history"] == 1
    assert change["cds_fhir_fetches_total", "refused"] == 1
    assert change["cds_stage_seconds_count", "gather"] == 1, "what took so long is seen"
    assert change["cds_fhir_fetches_total", "unreachable"] == 1


class Closed:
    """A gate that lets nobody in."""

    required, fhir_servers, not_offered = True, False, frozenset[str]()

    def admit(self, _authorization: str | None, _path: str) -> Client:
        raise Refused(Cause.SIGNATURE, issuer="https://ehr.example.org")

    def troubles(self) -> tuple[str, ...]:
        return ()


def test_callers_that_are_not_let_in_are_counted_by_the_cause_they_are_not_told(house: House) -> None:
    client = build(msgspec.structs.replace(house, gate=Closed())).test_client()
    assert grown(client, lambda: client.post(SERVICE, json=hook_request())) == {
        ("cds_requests_total", "tacrolimus-patient-view", "401", "refused"): 1,
        ("cds_authentication_failures_total", "signature"): 1,
    }
