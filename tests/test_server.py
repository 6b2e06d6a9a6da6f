"""The service as a process: what only a real server, real sockets and real signals can show."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service.app import REFUSED
from cds_service.stories.moving import of_today
from cds_service.stories.story import Story
from tests.conftest import BIN, Running, Start, hook_request

pytestmark = pytest.mark.server
SERVICE = "/cds-services/tacrolimus-patient-view"
BODY = json.dumps(hook_request()).encode()


def act(card: str) -> dict[str, Any]:
    return {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-11-22T07:44:41.932Z"}


def head(**headers: Any) -> bytes:
    """The head of a hook call."""
    lines = {
        "Host": "x",
        "Content-Type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return f"POST {SERVICE} HTTP/1.1\r\n".encode() + b"".join(f"{n}: {v}\r\n".encode() for n, v in lines.items()) + b"\r\n"


def exchange(running: Running, *parts: bytes) -> tuple[int, bytes]:
    """Status and body of the first answer to these bytes on one connection, which the client then closes for writing."""
    got = b""
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as sock:
        with suppress(BrokenPipeError, ConnectionResetError):
            for part in parts:
                sock.sendall(part)
            sock.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while chunk := sock.recv(65536):
                got += chunk
    match = re.match(rb"HTTP/1\.[01] (\d{3})", got)
    return int(match[1]) if match else 0, got.partition(b"\r\n\r\n")[2]


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "cds-service.sqlite3")) as connection:
        return connection.execute(query).fetchall()


def test_one_command_serves_with_a_store_in_the_folder_and_says_that_authentication_is_off(start: Start, tmp_path: Path) -> None:
    running = start()
    answer = running.post(SERVICE, BODY)
    assert (answer.status_code, answer.json()) == (200, {"cards": []})
    assert (tmp_path / "cds-service.sqlite3").exists()
    log = running.log.read_text()
    assert "Client authentication is OFF" in log
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert {"authentication-off", "answered"} <= {line["event"] for line in lines}
    assert running.requested("/readyz").json()["authentication"] == "off"


ANSWER = """
import json, sys
from cds_service.app import create_app
client = create_app().test_client()
answer = client.post("/cds-services/tacrolimus-patient-view", data=sys.stdin.buffer.read(), content_type="application/json")
basis = answer.get_json()["cards"][0]["extension"]["io.github.cds-service.basis"]
loaded = {name.partition(".")[0] for name in sys.modules} & {"fhir", "pydantic", "jsonschema", "requests", "urllib3"}
print(json.dumps([sorted(loaded), basis["unknown"]]))
"""


def answered_alone(story: Story, folder: Path, **environment: str) -> tuple[list[str], str]:
    """The heavy libraries that a process of its own loads to answer, and what the first card says is unknown.

    The results in the request have an element that FHIR does not know.
    """
    body = of_today(story, datetime.now(UTC).date())
    for entry in body["prefetch"]["markers"]["entry"]:
        entry["resource"]["vendorElement"] = 1
    settings = {"CDS_AUTH": "off", "CDS_BASE_URL": "http://127.0.0.1:8000", "CDS_STORE": f"sqlite:///{folder}/x", **environment}
    done = subprocess.run(
        [sys.executable, "-c", ANSWER],
        input=json.dumps(body).encode(),
        env={**os.environ, **settings},
        capture_output=True,
        check=True,
    )
    loaded, unknown = json.loads(done.stdout.splitlines()[-1])
    return loaded, " ".join(unknown)


def test_a_live_answer_loads_nothing_heavy(rebound: Story, tmp_path: Path) -> None:
    loaded, unknown = answered_alone(rebound, tmp_path)
    assert loaded == []
    assert "Not valid FHIR" not in unknown


def test_a_strict_service_names_evidence_that_is_no_valid_fhir(rebound: Story, tmp_path: Path) -> None:
    loaded, unknown = answered_alone(rebound, tmp_path, CDS_STRICT="on")
    assert "fhir" in loaded
    assert "Not valid FHIR" in unknown


def test_feedback_finds_its_card_whichever_worker_answered(start: Start, rebound: Story, tmp_path: Path) -> None:
    running, service = start(), f"/cds-services/{rebound.service}"
    request = of_today(rebound, datetime.now(UTC).date())

    def once(_number: int) -> None:
        card = running.post(service, request).json()["cards"][0]["uuid"]
        assert running.post(f"{service}/feedback", {"feedback": [act(card)]}).status_code == 200

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(once, range(40)))
    deadline = time.monotonic() + 20
    while rows(tmp_path, "SELECT count(*), count(topic) FROM verdict") != [(40, 40)]:  # some wait where the disk is slow
        assert time.monotonic() < deadline
        assert running.post(service, request).status_code == 200


def test_feedback_that_was_acknowledged_outlives_a_kill(start: Start, tmp_path: Path) -> None:
    acknowledged: list[str] = []

    def tell(running: Running, number: int) -> None:
        card = f"{running.port}-{number}"
        with suppress(requests.ConnectionError):
            if running.post(f"{SERVICE}/feedback", {"feedback": [act(card), act(f"{card}b")]}).status_code == 200:
                acknowledged.append(card)

    for _ in range(2):
        running = start()
        with ThreadPoolExecutor(5) as pool:
            for number in range(100):
                pool.submit(tell, running, number)
                if number == 60:
                    pool.submit(running.kill)
    kept = [card for (card,) in rows(tmp_path, "SELECT card FROM feedback")]
    assert len(acknowledged) >= 60
    assert {*acknowledged, *(f"{card}b" for card in acknowledged)} <= set(kept), "acknowledged and lost"
    assert {f"{card}b" for card in kept if not card.endswith("b")} <= set(kept), "half a batch"
    assert len(kept) == len(set(kept))
    assert rows(tmp_path, "PRAGMA integrity_check") == [("ok",)]


def two_workers(running: Running, other_than: Set[int] = frozenset()) -> Set[int]:
    """The workers, once there are two."""
    deadline = time.monotonic() + 10
    while len(found := set(running.workers()) - other_than) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_a_worker_that_dies_is_replaced(start: Start) -> None:
    running = start()
    before = two_workers(running)
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    assert two_workers(running, other_than=before)
    assert running.post(SERVICE, BODY).status_code == 200


def test_a_stop_lets_the_request_in_flight_finish(start: Start) -> None:
    running = start()
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as sock:
        sock.sendall(head(Content_Length=len(BODY)) + BODY[:20])
        time.sleep(0.3)  # until the worker reads the rest
        running.process.terminate()
        time.sleep(0.3)  # until it knows that it is to stop
        sock.sendall(BODY[20:])
        answer = sock.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200")
    assert running.process.wait(10) == 0


def test_a_body_over_the_limit_is_413_before_it_is_sent(running: Running) -> None:
    status, body = exchange(running, head(Content_Length=10_000_000))
    assert status == 413
    assert json.loads(body)["resourceType"] == "OperationOutcome"


def test_a_body_without_a_length_is_413_as_soon_as_it_is_too_long(running: Running) -> None:
    chunk = b"2000\r\n" + b"x" * 0x2000 + b"\r\n"
    status, body = exchange(running, head(Transfer_Encoding="chunked"), *[chunk] * 40)
    assert status == 413
    assert json.loads(body)["resourceType"] == "OperationOutcome"
    assert running.post(SERVICE, BODY).status_code == 200


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        pytest.param((head(Transfer_Encoding="chunked"), b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)), 200, id="chunked"),
        pytest.param((head(Content_Length=len(BODY) + 50), BODY), 400, id="shorter than it says"),
        pytest.param((head(Content_Length=10), BODY), 400, id="longer than it says"),
        pytest.param((head(Transfer_Encoding="chunked"), b"zz\r\n" + BODY), 400, id="no chunk size"),
        pytest.param((head(Transfer_Encoding="chunked"), b"5\r\n{}"), 400, id="broken off in a chunk"),
        pytest.param((head(Content_Length=2, Transfer_Encoding="chunked"), BODY), 400, id="two lengths"),
        pytest.param((head(Content_Length="-1"), BODY), 400, id="negative length"),
        pytest.param((head(),), 400, id="no body"),
        pytest.param((b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",), 405, id="trace"),
        pytest.param((b"GET /cds-services/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",), 404, id="dots"),
        pytest.param((b"GET http://evil.org/cds-services HTTP/1.1\r\nHost: x\r\n\r\n",), 200, id="absolute form"),
    ],
)
def test_no_way_of_framing_a_request_is_a_failure_of_ours(running: Running, parts: tuple[bytes, ...], status: int) -> None:
    assert exchange(running, *parts)[0] == status
    assert '"level": "error"' not in running.log.read_text()


def test_discovery_is_the_same_from_every_worker_of_every_server(start: Start) -> None:
    first, second = start(), start()
    with ThreadPoolExecutor(4) as pool:
        bodies = set(pool.map(lambda number: (first if number % 2 else second).requested("/cds-services").content, range(24)))
    assert len(bodies) == 1


def test_flask_serves_it_too_where_address_and_authentication_are_said(start: Start) -> None:
    command = (str(BIN / "flask"), "--app", "cds_service", "run", "--port", "PORT")
    running = start(*command, CDS_AUTH="off", CDS_BASE_URL="http://127.0.0.1:5000")
    assert running.post(SERVICE, BODY).json() == {"cards": []}
    with pytest.raises(AssertionError, match="cds-service: CDS_AUTH must be set"):
        start(*command)


def test_under_gunicorn_a_refused_start_is_final(tmp_path: Path) -> None:
    """Not only where the application is made before the workers are: each of them would refuse, and be replaced without end."""
    command = [str(BIN / "gunicorn"), "cds_service:create_app()", "--bind", "127.0.0.1:0", "--no-control-socket"]
    done = subprocess.run(command, cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, timeout=30, check=False)
    assert done.returncode == REFUSED
    assert b"cds-service: CDS_AUTH must be set" in done.stderr
