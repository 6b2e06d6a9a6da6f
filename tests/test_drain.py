"""Stopping and overload: nothing that was taken on is dropped, and nobody is left to wait in vain."""

import json
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from flask.testing import FlaskClient

from cds_service.web.application import build
from cds_service.web.house import House
from cds_service.web.overload import PATIENCE_S, WAITED
from tests.conftest import BIN, ORIGIN, Running, Start, hook_request
from tests.fhir_server import serving, slow

SERVICE = "/cds-services/tacrolimus-patient-view"
BODY = json.dumps(hook_request()).encode()
HEAD = f"POST {SERVICE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()


def serve(start: Start, drain: float) -> Running:
    return start(str(BIN / "cds-service"), "serve", "--port", "PORT", "--drain", str(drain))


def test_a_service_that_is_about_to_stop_is_not_ready_but_answers(house: House) -> None:
    client = build(house).test_client()
    house.drain.begin()
    ready = client.get("/readyz")
    assert (ready.status_code, ready.get_json()["issue"][0]["code"]) == (503, "transient")
    assert int(ready.headers["Retry-After"]) > 0
    assert client.get("/healthz").status_code == 200
    assert client.post(SERVICE, data=BODY, content_type="application/json").get_json() == {"cards": []}


@pytest.mark.server
def test_after_sigterm_it_is_not_ready_at_once_and_new_requests_are_answered_until_it_stops(start: Start) -> None:
    running = serve(start, 4)
    assert running.requested("/readyz").status_code == 200
    running.process.terminate()
    began, ends = time.monotonic(), Counter[int]()
    while running.requested("/readyz").status_code != 503:
        assert time.monotonic() < began + 1, "known to every worker at once"
    while time.monotonic() < began + 3:
        assert running.requested("/readyz").status_code == 503
        ends[running.post(SERVICE, BODY).status_code] += 1
    assert set(ends) == {200}
    assert running.process.wait(10) == 0
    assert time.monotonic() - began < 11


@pytest.mark.server
def test_a_body_that_comes_slowly_is_answered_though_the_service_stops_meanwhile(start: Start) -> None:
    running, answers = serve(start, 0.5), list[bytes]()

    def drip() -> None:
        with socket.create_connection(("127.0.0.1", running.port), timeout=20) as sock:
            sock.sendall(HEAD)
            for place in range(0, len(BODY), len(BODY) // 20):
                sock.sendall(BODY[place : place + len(BODY) // 20])
                time.sleep(0.12)
            answers.append(sock.recv(65536))

    clients = [threading.Thread(target=drip) for _ in range(4)]
    for one in clients:
        one.start()
    time.sleep(0.4)
    running.process.terminate()
    for one in clients:
        one.join()
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 200"] * 4
    assert running.process.wait(10) == 0


@pytest.mark.server
def test_of_two_instances_behind_a_switch_one_is_replaced_under_load_and_no_request_fails(start: Start) -> None:
    """The switch asks /readyz four times a second, and sends on kept connections to whoever was ready."""
    instances, ready, over = [serve(start, 1.5), serve(start, 1.5)], set[str](), threading.Event()
    ready.update(one.base for one in instances)

    def switch() -> None:
        while not over.wait(0.25):
            for one in tuple(instances):
                try:
                    fine = requests.get(one.base + "/readyz", timeout=2).status_code == 200
                except requests.ConnectionError:
                    fine = False
                (ready.add if fine else ready.discard)(one.base)

    def client(number: int) -> Counter[int]:
        ends = Counter[int]()
        with requests.Session() as session:
            while not over.is_set():
                base = sorted(ready)[(number + sum(ends.values())) % len(ready)]
                ends[session.post(base + SERVICE, BODY, headers={"Content-Type": "application/json"}, timeout=5).status_code] += 1
        return ends

    with ThreadPoolExecutor(5) as pool:
        pool.submit(switch)
        clients = [pool.submit(client, number) for number in range(4)]
        try:
            for _ in range(2):
                old = instances[0]
                old.process.terminate()
                assert old.process.wait(15) == 0
                instances.remove(old)
                instances.append(serve(start, 1.5))
                time.sleep(0.5)
        finally:
            over.set()
        ends = sum((one.result() for one in clients), Counter[int]())
    assert set(ends) == {200}
    assert ends[200] > 100


@pytest.mark.server
def test_a_second_sigterm_stops_now(start: Start) -> None:
    running = serve(start, 60)
    running.process.terminate()
    time.sleep(0.2)
    running.process.terminate()
    assert running.process.wait(10) == 0


@pytest.fixture
def late() -> None:
    """The request has waited too long for its thread."""
    held = WAITED.set(PATIENCE_S + 0.1)
    yield
    WAITED.reset(held)


@pytest.mark.usefixtures("late")
def test_a_request_that_waited_too_long_is_refused_and_told_when_to_come_again(client: FlaskClient) -> None:
    refused = client.post(SERVICE, data=BODY, headers={"Content-Type": "application/json", "Origin": ORIGIN})
    assert (refused.status_code, refused.get_json()["resourceType"]) == (503, "OperationOutcome")
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN
    for path in ("/healthz", "/readyz", "/metrics"):
        assert client.get(path).status_code == 200


@pytest.mark.server
def test_more_requests_than_can_be_answered_are_refused_in_time_and_the_rest_answered(start: Start) -> None:
    """One worker of four threads, all held by a slow FHIR server for longer than anybody waits."""
    with serving() as fhir:
        fhir.behave = slow(PATIENCE_S + 1)
        command = (str(BIN / "cds-service"), "serve", "--port", "PORT", "--workers", "1", "--drain", "0")
        running = start(*command, CDS_FHIR_SERVERS=fhir.base, CDS_BUDGET_MS="9000")
        asking = json.dumps(hook_request(fhirServer=fhir.base, prefetch=...)).encode()
        with ThreadPoolExecutor(24) as pool:
            holding = [pool.submit(running.post, SERVICE, asking) for _ in range(4)]
            time.sleep(0.5)
            waiting = [pool.submit(running.post, SERVICE, BODY) for _ in range(20)]
            ends = [one.result() for one in waiting]
            assert {one.result().status_code for one in holding} == {200}
    assert {end.status_code for end in ends} == {503}
    assert all(end.headers["Retry-After"] == "1" for end in ends)
    assert running.post(SERVICE, BODY).status_code == 200, "as soon as there is a thread"
