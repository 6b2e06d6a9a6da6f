"""Client authentication on real servers: workers and processes that share what was used and what keys there are."""

import json
import os
import re
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service.trust.key_server import PATIENCE_S
from tests.conftest import Running, Start, hook_request, servers
from tests.test_trust_keysets import Web, document
from tests.tokens import DISCOVERY, SERVICE, Signer

pytestmark = pytest.mark.server
PUBLIC = "https://cds.example.org"
A = Signer()
NEW = Signer(kid="key-2")
BODY = json.dumps(hook_request()).encode()
HURRIED = "import cds_service.trust.keysets as k; k.PAUSE_S = 1; from cds_service.cli import main; main()"
"""A server whose pause between questions for keys is a second."""


def required(folder: Path, **agreed: str) -> dict[str, str]:
    """The environment of a server that lets in one issuer, with its keys in a file unless it has them elsewhere."""
    (folder / "keys.json").write_bytes(A.key_set())
    lines = {"iss": A.iss, **(agreed or {"jwks_file": "keys.json"})}
    listed = "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())
    (folder / "issuers.toml").write_text(f"[[issuer]]\n{listed}")
    return {"CDS_AUTH": "required", "CDS_ISSUERS": str(folder / "issuers.toml"), "CDS_BASE_URL": PUBLIC}


def token(signer: Signer = A, path: str = SERVICE, **changes: Any) -> str:
    return signer.token(signer.claims(path, PUBLIC, time.time(), **changes))


def call(running: Running, bearer: str) -> int:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {bearer}"}
    return requests.post(running.base + SERVICE, BODY, headers=headers, timeout=20).status_code


def test_of_parallel_copies_at_two_servers_with_two_workers_each_one_gets_in(start: Start, tmp_path: Path) -> None:
    servers = [start(**required(tmp_path)) for _ in range(2)]
    with ThreadPoolExecutor(25) as pool:
        for _ in range(4):
            copy = token()
            told = Counter(pool.map(lambda n, copy=copy: call(servers[n % 2], copy), range(50)))
            assert told == {200: 1, 401: 49}
    used = token()
    assert call(servers[0], used) == 200
    for server in servers:
        server.kill()
    again = start(**required(tmp_path))
    assert call(again, used) == 401, "a killed process has forgotten nothing"
    assert call(again, token()) == 200


@pytest.fixture
def web() -> Iterator[Web]:
    """The issuer's server for its keys."""
    server = Web()
    server.respond = document(A.key_set())
    yield server
    server.close()


def several(running: Running, signer: Signer, count: int = 40, **header: Any) -> Counter[int]:
    """What so many different tokens are told, by whichever worker."""
    bearers = [signer.token(signer.claims(SERVICE, PUBLIC, time.time()), signer.header(**header)) for _ in range(count)]
    with ThreadPoolExecutor(8) as pool:
        return Counter(pool.map(lambda bearer: call(running, bearer), bearers))


def test_all_workers_ask_for_keys_once_and_again_after_a_rotation(start: Start, web: Web, tmp_path: Path) -> None:
    running = start(sys.executable, "-c", HURRIED, "serve", "--port", "PORT", **required(tmp_path, jku=f"{web.base}/jwks.json"))
    assert web.asked == [], "nobody is asked before it is needed"
    assert several(running, A) == {200: 40}
    assert len(web.asked) == 1
    web.respond = document(NEW.key_set())
    time.sleep(1.1)
    assert several(running, NEW) == {200: 40}
    assert several(running, A) == {401: 40}, "the old key was withdrawn"
    assert len(web.asked) <= 3
    assert {path for path, _ in web.asked} == {"/jwks.json"}


def test_a_flood_of_unknown_keys_is_one_question_and_known_keys_outlive_their_server(
    start: Start, web: Web, tmp_path: Path
) -> None:
    running = start(**required(tmp_path, jku=f"{web.base}/jwks.json"))
    assert call(running, token()) == 200
    web.close()
    for number in range(5):
        assert several(running, A, kid=f"unknown-{number}") == {401: 40}
    assert len(web.asked) == 1
    assert several(running, A) == {200: 40}
    assert running.requested("/readyz").json()["status"] == "ready"


def test_a_server_of_keys_that_hangs_holds_nobody_up_for_long(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        running = start(**required(tmp_path, jku=f"http://127.0.0.1:{mute.getsockname()[1]}/jwks.json"))
        begun = time.monotonic()
        assert several(running, A, 8) == {401: 8}
        assert time.monotonic() - begun < PATIENCE_S
        time.sleep(PATIENCE_S)
        assert several(running, A, 8) == {401: 8}
        mute.setblocking(False)
        mute.accept()[0].close()
        with pytest.raises(BlockingIOError):
            mute.accept()
        ready = running.requested("/readyz").json()
    assert (ready["status"], ready["authentication"]) == ("degraded", "required")
    assert '"event": "keys-not-fetched"' in running.log.read_text()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that lets in one issuer, for tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("guarded")
    with servers(folder) as run:
        yield run(**required(folder))


def raw(running: Running, *lines: str, target: str = SERVICE, method: str = "POST") -> int:
    """The status of a request whose head has these lines."""
    head = [f"{method} {target} HTTP/1.1", "Host: x", "Connection: close", "Content-Type: application/json", *lines]
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as sock:
        sock.sendall("\r\n".join([*head, f"Content-Length: {len(BODY)}", "", ""]).encode("latin-1") + BODY)
        got = b""
        while chunk := sock.recv(65536):
            got += chunk
    match = re.match(rb"HTTP/1\.1 (\d{3})", got)
    assert match
    return int(match[1])


def test_one_authorization_header_and_no_other_way_to_send_a_token(guarded: Running) -> None:
    assert raw(guarded, f"Authorization: Bearer {token()}") == 200
    assert raw(guarded, f"authorization:bearer {token()}") == 200
    for lines in (
        (f"Authorization: Bearer {token()}", f"Authorization: Bearer {token()}"),
        (f"Authorization: Bearer {token()}", "Authorization: Basic eDp5"),
        ("Authorization: Bearer a.b.c", f"Authorization: Bearer {token()}"),
        (f"Authorization: Bearer {token()}", "Authorization:"),
        (f"X-Authorization: Bearer {token()}",),
        (f"Proxy-Authorization: Bearer {token()}",),
        (f"Cookie: access_token={token()}",),
        ("Authorization: Bearer \u00e9.\u00fc.\u00df",),
        (f"Authorization: Bearer {'a' * 12_000}",),
        (),
    ):
        assert raw(guarded, *lines) == 401
    assert raw(guarded, target=f"{SERVICE}?access_token={token()}") == 401
    assert raw(guarded, f"Authorization: Bearer {'a' * 100_000}") in (400, 431)
    assert raw(guarded, f"Authorization_: Bearer {token()}") in (400, 401)


@pytest.mark.parametrize(
    "target",
    [
        "//cds-services",
        "/cds-services/",
        "/./cds-services",
        "/%63ds-services",
        "/cds-services%2Ftacrolimus-order-sign",
        "/healthz/../cds-services",
        "http://localhost/cds-services",
        "http://x//cds-services/tacrolimus-order-sign",
        "/cds-services;x=1/tacrolimus-order-sign",
        "/cds-services/tacrolimus-order-sign?a=/healthz",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_way_to_write_an_address_leads_around_the_gate(target: str, method: str, guarded: Running) -> None:
    assert raw(guarded, target=target, method=method) in (400, 401, 404)


def test_long_tokens_get_the_same_answer_as_short_ones(guarded: Running) -> None:
    short, long = (
        requests.get(guarded.base + DISCOVERY, headers={"Authorization": f"Bearer {text}"}, timeout=10)
        for text in ("a.b.c", A.token(header=A.header(kid="x" * 9000)))
    )
    assert (short.status_code, short.content) == (long.status_code, long.content)
    assert short.status_code == 401


def test_a_server_that_authenticates_says_so_and_warns_of_nothing(guarded: Running) -> None:
    log = guarded.log.read_text()
    assert "authentication-off" not in log
    assert "is OFF" not in log
    assert guarded.requested("/readyz").json()["authentication"] == "required"


def test_it_stops_when_it_is_told_to(start: Start, tmp_path: Path) -> None:
    running = start(**required(tmp_path))
    assert call(running, token()) == 200
    os.killpg(running.process.pid, signal.SIGTERM)
    assert running.process.wait(30) == 0
