"""The store in SQLite: what it keeps, how it is brought up to date, and what it does when it cannot write."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.protocol.feedback import Feedback
from cds_service.store import AnsweredCard, StoreUnavailable, StoreUnusable
from cds_service.store.migration import migrate, steps, version
from cds_service.store.sqlite import WAITING, SqliteStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def card(name: str = "c1", **changes: Any) -> AnsweredCard:
    told: dict[str, Any] = {"service": "s", "hook": "order-sign", "topic": "rebound", "indicator": "critical", **changes}
    return AnsweredCard(card=name, suggestions=("b", "a"), answered_at=NOW, **told)


def act(name: str = "c1", seconds: int = 0, **changes: Any) -> Feedback:
    return Feedback(name, changes.pop("outcome", "overridden"), NOW + timedelta(seconds=seconds), **changes)


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


def record(store: SqliteStore, *entries: Feedback, service: str = "s") -> None:
    store.record(entries, service=service, received_at=NOW)


def test_a_card_and_what_became_of_it_are_kept_together(store: SqliteStore, path: Path) -> None:
    assert store.remember([card()])
    record(store, act(outcome="accepted", suggestions=("a",), reason_code="held", reason_system="http://x", comment="ok"))
    query = (
        "SELECT card, outcome, suggestions, topic, indicator, hook, reason_code, reason_system, comment, outcome_at FROM verdict"
    )
    assert rows(path, query) == [
        (
            "c1",
            "accepted",
            '["a"]',
            "rebound",
            "critical",
            "order-sign",
            "held",
            "http://x",
            "ok",
            "2026-03-01T12:00:00.000000+00:00",
        )
    ]
    assert rows(path, "SELECT suggestions FROM answered_card") == [(json.dumps(["b", "a"]),)]


def test_feedback_on_a_card_of_another_store_or_service_is_kept_without_it(store: SqliteStore, path: Path) -> None:
    store.remember([card()])
    record(store, act("unknown"))
    record(store, act(), service="another")
    assert rows(path, "SELECT card, topic FROM verdict ORDER BY card") == [("c1", None), ("unknown", None)]


def test_the_same_act_is_kept_once_and_a_change_of_mind_beside_it(store: SqliteStore, path: Path) -> None:
    for _ in range(3):
        record(store, act(), act())
    record(store, act(seconds=5), act(outcome="accepted", suggestions=("a",)), act(outcome="accepted", suggestions=("b",)))
    assert rows(path, "SELECT count(*) FROM feedback") == [(4,)]


def test_a_batch_that_cannot_be_kept_whole_is_not_kept_at_all(store: SqliteStore, path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        record(store, act("c1"), act("c2", outcome="no such outcome"))
    assert rows(path, "SELECT count(*) FROM feedback") == [(0,)]


def test_any_text_is_kept_as_it_is(store: SqliteStore, path: Path) -> None:
    record(store, act(comment="'; DROP TABLE feedback;--\x00<script> \N{PILL}"))
    assert rows(path, "SELECT comment FROM feedback") == [("'; DROP TABLE feedback;--\x00<script> \N{PILL}",)]


def test_feedback_is_synced_and_answered_cards_are_not_waited_for(store: SqliteStore) -> None:
    store.remember([card()])
    record(store, act())
    settings = [connection.execute("PRAGMA synchronous").fetchone()[0] for connection in store._opened]
    assert settings == [1, 2], "NORMAL for cards, FULL for feedback"
    assert store._opened[0].execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_threads_and_other_processes_write_side_by_side(store: SqliteStore, path: Path) -> None:
    elsewhere = SqliteStore(path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: (store if n % 2 else elsewhere).remember([card(f"c{n}")]), range(80)))
        list(pool.map(lambda n: record(elsewhere if n % 2 else store, act(f"c{n}")), range(80)))
    elsewhere.close()
    assert rows(path, "SELECT count(*), count(topic) FROM verdict") == [(80, 80)]


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


def test_a_full_disk_refuses_feedback_until_there_is_room(store: SqliteStore, path: Path) -> None:
    record(store, act("c0"))
    connection = store._opened[0]
    connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(StoreUnavailable):
        record(store, *(act(f"c{n}", comment="x" * 4000) for n in range(1, 5)))
    assert rows(path, "SELECT count(*) FROM feedback") == [(1,)]
    connection.execute("PRAGMA max_page_count = 100000")
    record(store, act("c1"))
    assert rows(path, "SELECT count(*) FROM feedback") == [(2,)]


def test_a_file_that_was_taken_away_is_not_written_to_in_vain(store: SqliteStore, path: Path) -> None:
    store.remember([card()])
    record(store, act())
    for file in path.parent.iterdir():
        file.unlink()
    with pytest.raises(StoreUnavailable):
        record(store, act(seconds=1))
    assert not store.remember([card("c2")])
    assert store.trouble() == "the store cannot be written: unable to open database file"


def test_opening_again_keeps_everything(path: Path) -> None:
    for n in range(3):
        store = SqliteStore(path)
        record(store, act(f"c{n}"))
        store.close()
    assert rows(path, "SELECT count(*) FROM feedback") == [(3,)]
    assert rows(path, "PRAGMA user_version") == [(max(steps()),)]


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


def test_many_may_open_a_new_store_at_once(path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        for store in pool.map(lambda _: SqliteStore(path), range(6)):
            store.close()
    assert rows(path, "PRAGMA user_version") == [(max(steps()),)]


def test_a_migration_runs_once(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x", isolation_level=None)) as connection:
        migrate(connection)
        migrate(connection)
        assert version(connection) == max(steps())


WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from cds_service.protocol.feedback import Feedback
from cds_service.store import AnsweredCard
from cds_service.store.sqlite import SqliteStore
store, now = SqliteStore(Path(sys.argv[1])), datetime(2026, 3, 1, tzinfo=UTC)
for n in range(100_000):
    store.remember([AnsweredCard(f"c{n}", "s", "h", "t", "info", (), now)])
    store.record([Feedback(f"c{n}", "overridden", now, comment=part) for part in "a"], service="s", received_at=now)
    print(n, flush=True)
"""


def test_what_was_acknowledged_outlives_a_killed_process(path: Path) -> None:
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        ) as writer:
            assert writer.stdout is not None
            acknowledged = [int(writer.stdout.readline()) for _ in range(60)]
            writer.kill()
            acknowledged += [int(line) for line in writer.stdout.read().split()]
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]
        kept = {name for (name,) in rows(path, "SELECT card FROM verdict WHERE topic = 't'")}
        assert {f"c{n}" for n in acknowledged} <= kept
        assert rows(path, "SELECT count(*) FROM feedback") == [(len(kept),)]


ACTS = st.builds(
    act,
    st.sampled_from(["c1", "c2"]),
    st.integers(0, 2),
    outcome=st.sampled_from(["accepted", "overridden"]),
    suggestions=st.sampled_from([(), ("a",), ("a", "b")]),
)


@settings(max_examples=25)
@given(batches=st.lists(st.lists(ACTS, max_size=4), max_size=6))
def test_batches_with_repeats_in_any_order_leave_the_set_of_their_acts(
    batches: list[list[Feedback]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("store") / "x.sqlite3"
    store = SqliteStore(path)
    for batch in batches:
        record(store, *batch)
    store.close()
    kept = rows(path, "SELECT card, outcome, suggestions, outcome_at FROM feedback")
    acts = {
        (one.card, one.outcome, json.dumps(one.suggestions), one.at.isoformat(timespec="microseconds"))
        for batch in batches
        for one in batch
    }
    assert len(kept) == len(acts)
    assert set(kept) == acts
