"""The store in PostgreSQL: servers that are set up wrongly, restart, freeze or vanish; test_store.py has what it promises."""

import json
import os
import selectors
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import pytest
from flask.testing import FlaskClient

from cds_service.store import StoreUnavailable, StoreUnusable
from cds_service.store.lane import Lane, Late
from cds_service.store.migration import steps
from cds_service.store.opening import open_store
from cds_service.store.postgresql import WAITING, PostgresqlStore
from cds_service.stories.moving import of_today
from cds_service.stories.story import Story
from cds_service.web.application import build
from cds_service.web.house import House
from tests.conftest import BIN, Start
from tests.places import NOW, Database, act, card, record
from tests.postgresql import PostgreSQL

T0 = NOW.timestamp()


@pytest.fixture
def place(postgresql: PostgreSQL) -> Database:
    return Database(postgresql.new())


@pytest.fixture
def store(place: Database) -> Iterator[PostgresqlStore]:
    opened = place.open()
    yield opened
    opened.close()


def do(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cds' AND pid <> pg_backend_pid()"


@contextmanager
def turned_off(url: str, setting: str) -> Iterator[None]:
    """The server has a setting off, for connections made from now on."""
    do(url, f"ALTER SYSTEM SET {setting} = off", "SELECT pg_reload_conf()")
    wait_for(url, setting, "off")
    try:
        yield
    finally:
        do(url, f"ALTER SYSTEM RESET {setting}", "SELECT pg_reload_conf()")
        wait_for(url, setting, "on")


def wait_for(url: str, setting: str, value: str) -> None:
    deadline, shown = time.monotonic() + 10, ""
    while shown != value:
        assert time.monotonic() < deadline
        with psycopg.connect(url) as connection:
            shown = connection.execute(f"SHOW {setting}".encode()).fetchall()[0][0]


class Wire:
    """A way to the server that can be cut so that nothing passes, as when a network swallows everything."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.open = threading.Event()
        self.open.set()
        self._over = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._over:
                near, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", self._to)) as far, selectors.DefaultSelector() as ready:
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while not self._over:
                for key, _ in ready.select(0.1):
                    self.open.wait(30)
                    data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not data:
                        return
                    key.data.sendall(data)

    def close(self) -> None:
        self._over = True
        self.open.set()
        self._listener.close()


@contextmanager
def wired(place: Database, postgresql: PostgreSQL) -> Iterator[tuple[PostgresqlStore, Wire]]:
    """A store that reaches its server by a wire."""
    wire = Wire(postgresql.port)
    store = PostgresqlStore(place.url.replace(str(postgresql.port), str(wire.port)))
    yield store, wire
    wire.close()
    store.close()


@pytest.mark.parametrize("setting", ["synchronous_commit", "fsync"])
def test_a_server_that_acknowledges_what_is_not_on_its_disk_refuses_the_start(place: Database, setting: str) -> None:
    with turned_off(place.url, setting), pytest.raises(StoreUnusable, match="synchronous_commit and fsync must be on"):
        place.open()
    place.open().close()


def test_a_url_that_turns_it_off_refuses_the_start(place: Database) -> None:
    with pytest.raises(StoreUnusable, match="synchronous_commit and fsync must be on"):
        open_store(place.url + "%20-csynchronous_commit%3Doff")


def test_feedback_waits_for_the_disk_and_answered_cards_do_not(store: PostgresqlStore, place: Database) -> None:
    store.remember([card()])
    record(store, act())
    store.first_use(b"t", now=T0, until=T0 + 9)
    told = [lane.do(lambda c: c.execute("SHOW synchronous_commit").fetchone(), patience_s=2) for lane in store._lanes.values()]
    assert told == [("on",), ("off",), ("off",)]


def test_a_setting_that_is_turned_off_later_refuses_feedback_and_not_cards(store: PostgresqlStore, place: Database) -> None:
    record(store, act())
    with turned_off(place.url, "synchronous_commit"):
        do(place.url, ENDED)
        with pytest.raises(StoreUnavailable, match="not on its disk"):
            record(store, act(seconds=1))
        assert "acknowledges what is not on its disk yet" in str(store.trouble())
        assert store.remember([card()])
    record(store, act(seconds=1))
    assert place.rows("SELECT count(*) FROM feedback") == [(2,)]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://cds:Secret-1@127.0.0.1:1/x",
        "postgresql://cds:Secret-1@127.0.0.1:PORT/no-such-database",
        "postgresql://cds:Secret-1@127.0.0.1:Secret-1/x",
        "postgresql://cds:Secret-1%zz@127.0.0.1/x",
        "postgresql://cds:Secret-1@127.0.0.1/x?nonsense=Secret-1",
    ],
)
def test_what_is_no_store_is_refused_without_its_password(url: str, postgresql: PostgreSQL) -> None:
    with pytest.raises(StoreUnusable) as refused:
        open_store(url.replace("PORT", str(postgresql.port)))
    assert "Secret-1" not in str(refused.value)
    assert "cannot be used as a store" in str(refused.value)
    assert ("does not exist" if "no-such" in url else "can be reached") in str(refused.value)


def test_without_its_library_the_start_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cds_service.store.postgresql", None)
    with pytest.raises(StoreUnusable, match=r"pip install 'cds-service\[postgresql\]'"):
        open_store("postgresql://x/y")


def test_a_store_of_a_newer_version_is_refused(place: Database) -> None:
    place.open().close()
    do(place.url, "UPDATE schema_version SET number = 99")
    with pytest.raises(StoreUnusable, match="of version 99"):
        place.open()


def test_the_steps_are_numbered_without_a_gap_and_run_once(place: Database) -> None:
    assert list(steps("postgresql")) == list(range(1, len(steps("postgresql")) + 1))
    for _ in range(2):
        place.open().close()
    assert place.rows("SELECT number FROM schema_version") == [(max(steps("postgresql")),)]


def test_a_step_that_fails_leaves_the_database_as_it_was(place: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    known = steps("postgresql")
    place.open().close()
    broken = {**known, len(known) + 1: "CREATE TABLE more (id INTEGER); CREATE TABLE answered_card (id INTEGER);"}
    monkeypatch.setattr("cds_service.store.postgresql.steps", lambda _: broken)
    with pytest.raises(StoreUnusable, match="cannot be used as a store"):
        place.open()
    assert place.rows("SELECT to_regclass('more')") == [(None,)]
    assert place.rows("SELECT number FROM schema_version") == [(len(known),)]


def test_a_connection_that_the_server_ends_is_not_noticed(store: PostgresqlStore, place: Database) -> None:
    for turn in range(3):
        assert store.remember([card(f"c{turn}")])
        record(store, act(f"c{turn}"))
        assert store.first_use(b"%d" % turn, now=T0, until=T0 + 300) is True
        do(place.url, ENDED)
    assert store.trouble() is None
    assert place.rows("SELECT count(*), count(topic) FROM verdict") == [(3, 3)]


def test_what_was_acknowledged_is_there_though_the_server_crashes_again_and_again(
    postgresql: PostgreSQL, store: PostgresqlStore, place: Database
) -> None:
    acknowledged, refused, over = list[str](), list[str](), threading.Event()

    def tell(client: int) -> None:
        number = 0
        while not over.is_set():
            name = f"{client}-{number}"
            store.remember([card(name)])
            try:
                record(store, act(name), act(f"{name}b"))
            except StoreUnavailable:
                refused.append(name)
                time.sleep(0.02)
            else:
                acknowledged.append(name)
            number += 1

    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(tell, client) for client in range(4)]
        try:
            for _ in range(5):
                time.sleep(0.4)
                postgresql.stop()
                postgresql.start()
            time.sleep(0.4)
        finally:
            over.set()
        for one in clients:
            one.result()
    kept = [name for (name,) in place.rows("SELECT card FROM feedback")]
    assert len(acknowledged) > 50
    assert {*acknowledged, *(f"{name}b" for name in acknowledged)} <= set(kept), "acknowledged and lost"
    assert len(kept) == len(set(kept)), "kept twice"
    assert {f"{name}b" for name in kept if not name.endswith("b")} <= set(kept), "half a batch"
    assert store.trouble() is None or store.remember([])
    assert store.trouble() is None


def test_a_server_that_swallows_everything_holds_nobody_up(place: Database, postgresql: PostgreSQL) -> None:
    with wired(place, postgresql) as (store, wire):
        assert store.remember([card("c0")])
        record(store, act("c0"))
        wire.open.clear()
        assert not store.remember([card("c1")])
        begun = time.monotonic()
        assert not any(store.remember([card(f"c{2 + number % 4}")]) for number in range(20))
        assert time.monotonic() - begun < 1, "the first waits a tenth of a second, the others do not"
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable):
            record(store, act("c1"))
        assert time.monotonic() - begun < 3
        with pytest.raises(StoreUnavailable):
            record(store, act("c1"))
        assert str(store.trouble()) == "the store cannot be written: the PostgreSQL server does not answer in time"
        assert store.first_use(b"t", now=T0, until=T0 + 9) is None
        assert time.monotonic() - begun < 5
        wire.open.set()
        deadline = time.monotonic() + 20
        while store.trouble() and time.monotonic() < deadline:
            store.remember([])
            time.sleep(0.05)
        assert store.trouble() is None
        record(store, act("c1"))
    assert place.rows("SELECT count(*) FROM answered_card") == [(6,)]
    assert place.rows("SELECT count(*) FROM feedback") == [(2,)]


def test_no_more_cards_wait_than_memory_allows(store: PostgresqlStore, place: Database) -> None:
    with place.locked():
        for n in range(WAITING + 10):
            store._waiting.append(card(f"c{n}"))
        assert not store.remember([card("last")])
    deadline = time.monotonic() + 20
    while store.trouble() and time.monotonic() < deadline:
        store.remember([])
    assert place.rows("SELECT count(*), count(*) FILTER (WHERE card = 'last') FROM answered_card") == [(WAITING, 1)]


def test_while_the_database_is_away_hooks_are_answered_and_feedback_is_503(
    house: House, rebound: Story, place: Database, postgresql: PostgreSQL
) -> None:
    def ask(client: FlaskClient) -> Any:
        return client.post(f"/cds-services/{rebound.service}", data=rebound.request, content_type="application/json")

    entry = {"card": "c", "outcome": "overridden", "outcomeTimestamp": "2026-11-22T07:44:41Z"}
    with wired(place, postgresql) as (store, wire):
        client = build(msgspec.structs.replace(house, store=store)).test_client()
        assert ask(client).get_json()["cards"]
        wire.open.clear()
        for _ in range(3):
            begun = time.monotonic()
            assert ask(client).get_json()["cards"]
            assert time.monotonic() - begun < 1
        refused = client.post(f"/cds-services/{rebound.service}/feedback", json={"feedback": [entry]})
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert client.get("/readyz").get_json()["status"] == "degraded"


class Untouched:
    """A connection that nothing is done on."""

    broken = closed = False

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (psycopg.errors.SerializationFailure(), 2),
        (psycopg.errors.DeadlockDetected(), 2),
        (psycopg.errors.AdminShutdown(), 2),
        (psycopg.errors.ConnectionException(), 2),
        (psycopg.errors.LockNotAvailable(), 1),
        (psycopg.errors.DiskFull(), 1),
        (psycopg.errors.CheckViolation(), 1),
    ],
)
def test_what_may_pass_is_tried_a_second_time_and_no_third(error: psycopg.Error, tries: int) -> None:
    lane, tried = Lane(Untouched), list[object]()  # type: ignore[arg-type]

    def work(connection: object) -> None:
        tried.append(connection)
        raise error

    with pytest.raises(type(error)):
        lane.do(work, patience_s=2)
    assert len(tried) == tries
    assert lane.do(lambda _: "still there", patience_s=2) == "still there"
    lane.close()


def test_work_that_nobody_waits_for_any_more_is_not_begun() -> None:
    lane, done, go = Lane(Untouched), list[str](), threading.Event()  # type: ignore[arg-type]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lane.do, lambda _: (go.wait(5), done.append("first")), patience_s=0.3)
        time.sleep(0.1)
        second = pool.submit(lane.do, lambda _: done.append("second"), patience_s=0.1)
        for one in (first, second):
            with pytest.raises(Late):
                one.result()
    with pytest.raises(Late):
        lane.do(lambda _: done.append("third"), patience_s=5)
    go.set()
    deadline = time.monotonic() + 5
    while done != ["first"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert lane.do(lambda _: "again", patience_s=2) == "again"
    assert done == ["first"]
    lane.close()
    lane.close()


@pytest.mark.server
def test_the_service_runs_on_it_with_all_its_workers(start: Start, place: Database, rebound: Story) -> None:
    running, path = start(CDS_STORE=place.url), f"/cds-services/{rebound.service}"
    request = of_today(rebound, datetime.now(UTC).date())

    def once(number: int) -> int:
        card = running.post(path, request).json()["cards"][0]["uuid"]
        entry = {"card": card, "outcome": "overridden", "outcomeTimestamp": f"2026-11-22T07:44:{number:02}Z"}
        return running.post(f"{path}/feedback", {"feedback": [entry]}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(once, range(40))) == {200}
    running.kill()
    assert place.rows("SELECT count(*), count(topic) FROM verdict") == [(40, 40)]
    environment = {"PATH": os.environ["PATH"], "CDS_STORE": place.url}
    command = [str(BIN / "cds-service"), "feedback-report", "--json"]
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    assert [(one["topic"], one["overridden"]) for one in json.loads(told)["questions"]] == [("rebound", 40)]
