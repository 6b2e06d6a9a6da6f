"""A token works once: what the store tells of tokens that are used again, by whomever and whenever."""

import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from cds_service.store import AnsweredCard
from cds_service.store.migration import migrate, steps
from cds_service.store.sqlite import SqliteStore
from cds_service.trust import once
from cds_service.trust.once import Once
from tests.places import NOW, act, card, record
from tests.test_store_sqlite import locked, rows

T0 = NOW.timestamp()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(path)
    yield opened
    opened.close()


def use(store: SqliteStore, token: bytes = b"t", now: float = T0, until: float = T0 + 300) -> bool | None:
    return store.first_use(token, now=now, until=until)


def test_the_first_use_wins_and_every_other_loses(store: SqliteStore, path: Path) -> None:
    assert [use(store), use(store), use(store, b"other"), use(store, now=T0 + 10)] == [True, False, True, False]
    elsewhere = SqliteStore(path)
    assert use(elsewhere) is False
    elsewhere.close()


def test_a_restart_forgets_no_token(path: Path) -> None:
    for expected in (True, False):
        store = SqliteStore(path)
        assert use(store) is expected
        store.close()


def test_of_many_copies_one_is_the_first_in_every_round(store: SqliteStore, path: Path) -> None:
    elsewhere = SqliteStore(path)
    with ThreadPoolExecutor(10) as pool:
        for turn in range(20):
            told = pool.map(lambda n, turn=turn: use(elsewhere if n % 2 else store, b"%d" % turn), range(50))
            assert Counter(told) == {True: 1, False: 49}
    elsewhere.close()


USER = """
import sys
from pathlib import Path
from cds_service.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(sum(store.first_use(b"%d" % n, now=0, until=1e10) is True for n in range(500)))
"""


def test_processes_share_what_was_used(path: Path) -> None:
    users = [
        subprocess.Popen([sys.executable, "-c", USER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for user in users:
        assert user.stdout is not None
        assert user.stdout.readline() == "ready\n"
    firsts = [int(user.communicate("go\n", timeout=60)[0]) for user in users]
    assert sum(firsts) == 500


def test_a_token_that_was_used_outlives_a_killed_process(path: Path) -> None:
    used = USER.replace('print("ready", flush=True)', 'store.first_use(b"t", now=0, until=1e10); print("used", flush=True)')
    with subprocess.Popen([sys.executable, "-c", used, str(path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == b"used\n"
        user.kill()
    store = SqliteStore(path)
    assert use(store) is False
    store.close()


def test_tokens_that_cannot_be_used_any_more_are_forgotten_and_no_others(store: SqliteStore, path: Path) -> None:
    use(store, b"short", until=T0 + 100.5)
    use(store, b"long", until=T0 + 10_000)
    use(store, b"later", now=T0 + 101, until=T0 + 400)
    assert rows(path, "SELECT count(*) FROM used_token") == [(3,)], "the second 101 is not over yet"
    use(store, b"latest", now=T0 + 162, until=T0 + 400)
    assert sorted(rows(path, "SELECT token FROM used_token")) == [(b"later",), (b"latest",), (b"long",)]


def test_a_clock_that_jumps_back_forgets_nothing(store: SqliteStore) -> None:
    use(store)
    assert use(store, b"x", now=T0 - 3600, until=T0) is True
    assert use(store, now=T0 - 3600) is False


def test_while_the_store_cannot_be_written_it_still_knows_what_was_used(store: SqliteStore, path: Path) -> None:
    use(store, b"before")
    with closing(locked(path)):
        assert use(store, b"new") is None
        assert store._opened[0].execute("PRAGMA busy_timeout").fetchone() == (1000,)
        assert [use(store, b"before"), use(store, b"new")] == [False, None]
        assert store._opened[0].execute("PRAGMA busy_timeout").fetchone() == (0,), "only the first call waits"
    assert use(store, b"new") is True
    assert use(store, b"new") is False
    assert store._opened[0].execute("PRAGMA busy_timeout").fetchone() == (1000,)


def test_a_store_that_was_taken_away_knows_nothing(store: SqliteStore, path: Path) -> None:
    use(store)
    for file in path.parent.iterdir():
        file.unlink()
    assert use(store) is None


def test_what_one_client_tells_of_a_card_is_nothing_to_another(store: SqliteStore, path: Path) -> None:
    store.remember([card("c1", issuer="https://a", tenant="one")])
    whose = [("https://b", "one"), ("https://a", "two"), ("https://a", ""), ("", ""), ("https://a", "one")]
    for issuer, tenant in whose:
        store.record([act("c1")], service="s", received_at=NOW, issuer=issuer, tenant=tenant)
    found = rows(path, "SELECT issuer, tenant, topic FROM verdict ORDER BY id")
    assert found == [(*one, "rebound" if one == whose[-1] else None) for one in whose]
    store.record([act("c1")], service="s", received_at=NOW, issuer="https://a", tenant="one")
    assert rows(path, "SELECT count(*) FROM feedback") == [(5,)]


def test_what_a_version_without_clients_kept_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        with monkeypatch.context() as before:
            first = {1: steps()[1]}
            before.setattr("cds_service.store.migration.steps", lambda: first)
            migrate(connection)
        connection.execute("INSERT INTO answered_card VALUES ('c1', 's', 'h', 'rebound', 'critical', '[]', '2026-03-01')")
        connection.execute(
            "INSERT INTO feedback (card, service, outcome, suggestions, outcome_at, received_at, comment)"
            " VALUES ('c1', 's', 'overridden', '[]', '2026-03-01T12:00:00.000000+00:00', '2026-03-01', 'why')"
        )
    store = SqliteStore(path)
    record(store, act("c1"))
    store.remember([AnsweredCard("c2", "s", "h", "t", "info", (), NOW, issuer="https://a")])
    store.close()
    assert rows(path, "SELECT id, card, comment, topic, issuer, tenant FROM verdict") == [(1, "c1", "why", "rebound", "", "")]
    assert rows(path, "SELECT card, issuer FROM answered_card ORDER BY card") == [("c1", ""), ("c2", "https://a")]


class Full:
    """A store that cannot keep tokens."""

    def first_use(self, token: bytes, *, now: float, until: float) -> bool | None:  # noqa: ARG002
        return None


def test_what_a_process_keeps_in_mind_meanwhile_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "MEMORY", 3)
    gate = Once(Full())
    firsts = [gate.first("https://a", jti, now=T0, until=T0 + 60) for jti in ("1", "2", "1", "3", "4")]
    assert firsts == [True, True, False, True, False], "where nothing more can be kept in mind, nobody new gets in"
    assert gate.first("https://a", "5", now=T0 + 61, until=T0 + 120), "those that have run out are forgotten"
