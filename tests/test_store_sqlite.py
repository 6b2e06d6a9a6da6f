"""The store in SQLite: how it is brought up to date, and what it does when it cannot write; test_store.py has the rest."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cds_service.store import StoreUnavailable, StoreUnusable
from cds_service.store.migration import migrate, steps, version
from cds_service.store.sqlite import CARDS, LOG_PAGES, WAITING, WRITES, SqliteStore
from tests.places import act, card, record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a store?.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(path)
    yield opened
    opened.close()


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_any_text_is_kept_as_it_is(store: SqliteStore, path: Path) -> None:
    record(store, act(comment="'; DROP TABLE feedback;--\x00<script> \N{PILL}"))
    assert rows(path, "SELECT comment FROM feedback") == [("'; DROP TABLE feedback;--\x00<script> \N{PILL}",)]


def test_feedback_is_synced_and_answered_cards_are_not_waited_for(store: SqliteStore) -> None:
    store.remember([card()])
    record(store, act())
    settings = [connection.execute("PRAGMA synchronous").fetchone()[0] for connection in store._opened]
    assert settings == [1, 2], "NORMAL for cards, FULL for feedback"
    assert store._opened[0].execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def locked(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def test_while_another_holds_the_lock_feedback_is_refused_and_cards_wait(store: SqliteStore, path: Path) -> None:
    store.remember([card("c0")])
    with closing(locked(path)):
        assert not store.remember([card("c1")])
        assert not store.remember([card("c2")])
        assert store._opened[0].execute("PRAGMA busy_timeout").fetchone() == (0,), "only the first answer waits"
        with pytest.raises(StoreUnavailable):
            record(store, act())
        assert store.trouble() == "the store cannot be written: database is locked"
    assert store.trouble() == "answered cards wait to be written"
    assert store.remember([card("c3")])
    assert store.trouble() is None
    assert rows(path, "SELECT card FROM answered_card ORDER BY card") == [("c0",), ("c1",), ("c2",), ("c3",)]


def test_no_more_cards_wait_than_memory_allows(store: SqliteStore, path: Path) -> None:
    with closing(locked(path)):
        for n in range(WAITING + 10):
            store.remember([card(f"c{n}")])
    store.remember([])
    assert rows(path, "SELECT count(*) FROM answered_card") == [(WAITING,)]


def test_the_log_is_written_back_beside_the_answers(store: SqliteStore, path: Path) -> None:
    empty = path.stat().st_size
    for number in range(2 * WRITES):
        assert store.remember([card(f"c{number}")])
        assert store.first_use(str(number).encode(), now=0, until=number)
    assert store._connection(CARDS).execute("PRAGMA wal_autocheckpoint").fetchone() == (LOG_PAGES,)
    deadline = time.monotonic() + 10
    while path.stat().st_size == empty:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_full_disk_refuses_feedback_until_there_is_room(store: SqliteStore, path: Path) -> None:
    record(store, act("c0"))
    connection = store._opened[0]
    connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(StoreUnavailable, match=r"^database or disk is full$"):
        record(store, *(act(f"c{n}", comment="x" * 4000) for n in range(1, 5)))
    assert rows(path, "SELECT count(*) FROM feedback") == [(1,)]
    connection.execute("PRAGMA max_page_count = 100000")
    record(store, act("c1"))
    assert rows(path, "SELECT count(*) FROM feedback") == [(2,)]


def test_a_store_that_can_only_be_read_says_so(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.trouble() is None
    monkeypatch.setattr(store, "_open", partial(store._open, mode="ro"))
    assert store.trouble() == "the store cannot be written: attempt to write a readonly database"


def test_after_feedback_could_not_be_kept_readiness_is_told_by_a_real_write(store: SqliteStore, path: Path) -> None:
    """The trigger stands for a disk that is full, which shows itself only at the end of a write."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON feedback BEGIN SELECT RAISE(ABORT, 'no room'); END")
        connection.commit()
        with pytest.raises(StoreUnavailable, match="no room"):
            record(store, act("c0"))
        connection.execute("DROP TRIGGER full")
        connection.commit()
    assert store.trouble() is None
    assert rows(path, "SELECT hex(token), until FROM used_token") == [("", 0)]
    assert store.trouble() is None
    record(store, act("c0"))


def test_a_file_that_was_taken_away_is_not_written_to_in_vain(store: SqliteStore, path: Path) -> None:
    store.remember([card()])
    record(store, act())
    for file in path.parent.iterdir():
        file.unlink()
    with pytest.raises(StoreUnavailable):
        record(store, act(seconds=1))
    assert not store.remember([card("c2")])
    assert store.trouble() == "the store cannot be written: unable to open database file"


def test_the_steps_are_numbered_without_a_gap() -> None:
    assert list(steps()) == list(range(1, len(steps()) + 1))


def test_a_step_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {**steps(), len(steps()) + 1: "CREATE TABLE more (id INTEGER);\nCREATE TABLE answered_card (id INTEGER);\n"}
    SqliteStore(path).close()
    monkeypatch.setattr("cds_service.store.migration.steps", lambda: broken)
    with pytest.raises(StoreUnusable, match="cannot be used as a store"):
        SqliteStore(path)
    assert rows(path, "SELECT count(*) FROM sqlite_master WHERE name = 'more'") == [(0,)]
    with closing(sqlite3.connect(path)) as connection:
        assert version(connection) == max(broken) - 1


def test_a_store_of_a_newer_version_is_refused(path: Path) -> None:
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnusable, match="of version 99"):
        SqliteStore(path)


def test_what_is_no_database_or_has_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is not a database, and long enough to be seen as none" * 20)
    for path in (tmp_path / "text", tmp_path / "no" / "folder"):
        with pytest.raises(StoreUnusable, match=path.name):
            SqliteStore(path)


def test_a_migration_runs_once(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x", isolation_level=None)) as connection:
        migrate(connection)
        migrate(connection)
        assert version(connection) == max(steps())
