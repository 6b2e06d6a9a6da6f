"""The service for tests: as an application with its clock held still, and as a process of its own."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient
from hypothesis import settings

from cds_service.answer import Setting
from cds_service.gather import KEYS
from cds_service.knowledge.parameters import in_force
from cds_service.store.sqlite import SqliteStore
from cds_service.stories.story import Story, stories
from cds_service.trust.gate import OpenGate
from cds_service.web.application import build
from cds_service.web.house import House
from tests.postgresql import PostgreSQL, required

settings.register_profile("house", deadline=None, derandomize="CI" in os.environ)
"""No deadline, as others may use the machine too; what CI draws depends on the code alone."""
settings.load_profile("house")

Json = dict[str, Any]
BIN = Path(sys.executable).parent
ORIGIN = "https://ehr.example.org"


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors, as some tests wait for time to pass."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """Thousands of tests stay in memory for the whole run: the collector need not walk through them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def rebound() -> Story:
    """A story that is answered with a card and suggestions."""
    return next(story for story in stories() if story.name == "rebound/abrupt-stop-alt-150")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "store.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def house(store: SqliteStore, rebound: Story) -> House:
    """A service on the day of the story."""
    return House(
        setting=Setting(in_force(), "https://cds.example.org"),
        store=store,
        gate=OpenGate(),
        now=lambda: datetime.combine(rebound.asof, datetime.min.time(), UTC),
        origins=frozenset({ORIGIN}),
        max_body=200_000,
    )


@pytest.fixture
def client(house: House) -> FlaskClient:
    return build(house).test_client()


def hook_request(hook: str = "patient-view", **changes: Any) -> Json:
    """A small valid request about a person of whom all is known: nothing; ``...`` as a value takes the member out."""
    body: Json = {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/a", "patientId": "p1"},
        "prefetch": dict.fromkeys(KEYS),
    }
    return {name: value for name, value in (body | changes).items() if value is not ...}


def bundle(*resources: Any, **more: Any) -> Json:
    """A searchset of the resources."""
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources], **more}


class Running:
    """A server process on a port of its own."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self.port, self.process, self.log = port, process, log
        self.base = f"http://127.0.0.1:{port}"

    def awaited(self) -> "Running":
        """The server, once it answers."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(requests.ConnectionError):
                self.requested("/healthz")
                return self
            time.sleep(0.02)
        raise AssertionError(f"no answer: {self.log.read_text()}")

    def post(self, path: str, body: Json | bytes) -> requests.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return requests.post(self.base + path, data, headers={"Content-Type": "application/json"}, timeout=10)

    def requested(self, path: str) -> requests.Response:
        return requests.get(self.base + path, timeout=10)

    def workers(self) -> list[int]:
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def kill(self) -> None:
        """End the whole tree at once, as a power switch would for the processes."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


Start = Callable[..., Running]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


@contextmanager
def servers(folder: Path) -> Iterator[Start]:
    """Starts ``cds-service serve``, or another command, in the folder and waits until it answers; ends them all at the end."""
    started: list[Running] = []

    def run(*command: str, **environment: str) -> Running:
        port = free_port()
        words = [word.replace("PORT", str(port)) for word in command or (str(BIN / "cds-service"), "serve", "--port", "PORT")]
        log = folder / f"server-{len(started)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                words,
                cwd=folder,
                env={"PATH": os.environ["PATH"], **environment},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        started.append(Running(port, process, log))
        return started[-1].awaited()

    yield run
    for one in started:
        if one.process.poll() is None:
            one.kill()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers in a folder of the test's own."""
    with servers(tmp_path) as run:
        yield run


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server for tests that leave it as it was."""
    with servers(tmp_path_factory.mktemp("server")) as run:
        yield run(CDS_MAX_BODY="20000")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server."""
    required()
    server = PostgreSQL()
    yield server
    server.remove()
