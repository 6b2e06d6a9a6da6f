"""Clients that send slowly, or something else than HTTP: they hold up nobody, and are answered as everyone is."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.conftest import Running, hook_request
from tests.test_server import BODY, SERVICE, exchange, head

pytestmark = pytest.mark.server


@pytest.fixture
def crowd(running: Running) -> Iterator[list[socket.socket]]:
    """Many more connections than the service has threads."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=15)) for _ in range(60)]


def told(answer: bytes) -> tuple[int, dict[str, str], dict[str, object]]:
    """Status, headers and body of an answer."""
    top, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = top.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(status.split()[1]), headers, json.loads(body)


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(head(Content_Length=len(BODY))[:-9], id="half a head"),
        pytest.param(head(Content_Length=len(BODY)) + BODY[:9], id="half a body"),
        pytest.param(head(Transfer_Encoding="chunked") + b"5\r\n{", id="half a chunk"),
        pytest.param(head(Content_Length=len(BODY), Expect="100-continue"), id="waiting to be asked"),
    ],
)
def test_clients_that_send_slowly_hold_up_nobody(running: Running, crowd: list[socket.socket], begun: bytes) -> None:
    for sock in crowd:
        sock.sendall(begun)
    time.sleep(0.2)
    for _ in range(10):
        began = time.monotonic()
        assert running.post(SERVICE, BODY).json() == {"cards": []}
        assert time.monotonic() - began < 4, "a thread waited"


def test_clients_that_do_not_hang_up_hold_up_nobody(running: Running, crowd: list[socket.socket]) -> None:
    for sock in crowd:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    for _ in range(10):
        began = time.monotonic()
        assert running.requested("/healthz").status_code == 200
        assert time.monotonic() - began < 4
    for sock in crowd:
        assert sock.recv(4096).startswith(b"HTTP/1.1 200")


def test_a_client_that_does_not_read_its_answers_holds_up_nobody(running: Running, crowd: list[socket.socket]) -> None:
    for sock in crowd:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        with suppress(OSError):
            sock.settimeout(0.05)
            sock.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
    began = time.monotonic()
    while running.requested("/healthz").status_code != 200:
        assert time.monotonic() - began < 15


def test_a_request_that_does_not_come_to_an_end_is_refused_and_what_says_nothing_is_let_go(running: Running) -> None:
    with (
        socket.create_connection(("127.0.0.1", running.port), timeout=25) as silent,
        socket.create_connection(("127.0.0.1", running.port), timeout=25) as dripping,
    ):
        began = time.monotonic()
        dripping.sendall(head(Content_Length=len(BODY)))
        while time.monotonic() < began + 9:
            dripping.sendall(b" ")
            time.sleep(0.5)
        status, headers, body = told(dripping.recv(4096))
        assert (status, headers["connection"], body["resourceType"]) == (408, "close", "OperationOutcome")
        assert silent.recv(4096) == b""
        assert time.monotonic() - began < 20


def test_requests_on_one_connection_are_answered_one_by_one_wherever_they_are_cut(running: Running) -> None:
    one = head(Content_Length=len(BODY)) + BODY
    three, found = one * 3, b""
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as sock:
        for cut in (one[:50], three[50 : len(one) + 200], three[len(one) + 200 :]):
            sock.sendall(cut)
            time.sleep(0.1)
        while found.count(b'{"cards":[]}') < 3:
            found += sock.recv(65536)
    assert found.count(b"HTTP/1.1 200") == 3


def test_a_body_in_very_many_chunks_costs_no_more_than_its_size(running: Running) -> None:
    body = json.dumps(hook_request()).encode() + b" " * 15_000
    began = time.monotonic()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    assert exchange(running, head(Transfer_Encoding="chunked"), chunks, b"0\r\n\r\n") == (200, b'{"cards":[]}')
    assert time.monotonic() - began < 8


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"garbage\r\n\r\n", 400, id="no HTTP"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, id="HTTP/2"),
        pytest.param(b"GET / HTTP/1.1\nHost: x\n\n", 400, id="lines that end otherwise"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nJane Doe\r\n\r\n", 400, id="no header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, id="two hosts"),
        pytest.param(b"GET /cds-services/\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400, id="an address that is none"),
        pytest.param(head(Transfer_Encoding="smoke"), 400, id="an unknown coding"),
        pytest.param(b"GET /" + b"Jane" * 2500 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, id="a long address"),
        pytest.param(head(Content_Length=len(BODY), Expect="Jane") + BODY, 417, id="an expectation"),
        pytest.param(head(X_Long="Jane" * 5000), 431, id="a long header"),
        pytest.param(head(X_Long="Jane" * 50_000)[:-4], 431, id="a head without end"),
        pytest.param(head(**{f"X-{number}": "Jane" for number in range(300)}), 431, id="many headers"),
    ],
)
def test_what_is_no_http_is_refused_with_an_outcome_that_quotes_nothing(running: Running, sent: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as sock:
        sock.sendall(sent)
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
    found, headers, body = told(answer)
    assert (found, body["resourceType"], headers["content-type"]) == (status, "OperationOutcome", "application/json")
    assert (headers["connection"], headers["cache-control"]) == ("close", "no-store")
    assert b"Jane" not in answer
    assert "Jane" not in running.log.read_text()
    counted = str(status) if status == 400 else "other"
    line = rf'cds_requests_total{{service="other",status="{counted}",outcome="\w+"}} [1-9]'
    assert re.search(line, running.requested("/metrics").text)


@pytest.mark.parametrize(
    "header", ["SCRIPT_NAME: /foo", "X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off", "PATH_INFO: /nowhere"]
)
def test_no_header_says_where_a_request_came_to(running: Running, header: str) -> None:
    assert exchange(running, f"GET /healthz HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode()) == (200, b'{"status":"ok"}')
