"""The store in one SQLite file, in WAL mode, shared by all threads and worker processes of a machine.

Each thread has two connections of its own: one for answered cards and used tokens, which need not outlive a power cut, and one
for feedback, which is on the disk before it is acknowledged.
"""

import json
import math
import sqlite3
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Lock, Thread, local
from urllib.parse import quote

from msgspec import Struct

from cds_service.protocol.feedback import Feedback
from cds_service.store import Act, AnsweredCard, History, StoreUnavailable, StoreUnusable
from cds_service.store.migration import migrate
from cds_service.store.report import ACTS, CARDS_BY_TOPIC

WAITING = 1000
"""How many answered cards wait in memory while the store cannot be written."""

TOKEN_PATIENCE_MS = 1000
"""How long the use of a token waits for another writer: longer than for cards, as only the store knows what others let in."""

WRITES = 200
"""After so many writes for answers the log is written back in the background: answers do not wait for the disk."""

LOG_PAGES = 10_000
"""At how many pages an answer has to write it back after all, as the background does not keep up (40 MB)."""

TIDY_S = 60
"""How often each process forgets the tokens that can no longer be used."""

_REMEMBER = "INSERT OR IGNORE INTO answered_card VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_RECORD = """
INSERT INTO feedback
(issuer, tenant, card, service, outcome, suggestions, outcome_at, received_at, reason_code, reason_system, comment)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_USE = "INSERT OR IGNORE INTO used_token VALUES (?, ?)"
_USED = "SELECT 1 FROM used_token WHERE token = ?"
_FORGET = "DELETE FROM used_token WHERE until < ?"
_PROBE = ("DELETE FROM used_token WHERE token = x''", "INSERT INTO used_token VALUES (x'', 0)")
"""What is written to see whether anything can be: the use of a token that there never was."""


class _Use(Struct, frozen=True):
    """What a connection is for: how safely it writes, how long it waits for another writer, whether it writes the log back."""

    synchronous: str
    patience_ms: int
    writes_back: bool = True


FEEDBACK = _Use("FULL", 2000)
CARDS = _Use("NORMAL", 100, writes_back=False)  # feedback of another worker commits in a fraction of it
PROBE = _Use("FULL", 0)


class _Held(local):
    """The connections of one thread."""

    def __init__(self) -> None:
        self.connections: dict[_Use, tuple[sqlite3.Connection, int]] = {}


class SqliteStore:
    """The store in the file at ``path``, which is made or brought up to date when the store is opened.

    Raises:
        StoreUnusable: the file is no database or of a newer version, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._held = _Held()
        self._opened: list[sqlite3.Connection] = []
        self._waiting: deque[AnsweredCard] = deque(maxlen=WAITING)
        self._tokens_wait = True
        self._failed = False
        self._written = count(1)
        self._tidied = 0.0
        self._lock = Lock()
        try:
            with closing(self._open(FEEDBACK, "rwc")) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                migrate(connection)
        except sqlite3.Error as error:
            raise StoreUnusable(f"{path} cannot be used as a store: {error}") from None

    def remember(self, cards: Sequence[AnsweredCard]) -> bool:
        """Keep the cards, with those that have been waiting; once some wait, later ones do not hold up their answers."""
        with self._lock:
            waited = list(self._waiting)
            self._waiting.clear()
        try:
            connection = self._connection(CARDS)
            connection.execute(f"PRAGMA busy_timeout = {0 if waited else CARDS.patience_ms}")
            _write(connection, _REMEMBER, (_card_row(card) for card in (*waited, *cards)))
        except (sqlite3.Error, OSError):
            with self._lock:
                self._waiting.extend((*waited, *cards))
            return False
        self._count()
        return True

    def record(
        self, entries: Sequence[Feedback], *, service: str, received_at: datetime, issuer: str = "", tenant: str = ""
    ) -> None:
        """Keep the feedback in one transaction that is synced before this returns."""
        try:
            rows = ((issuer, tenant, *_feedback_row(entry, service, received_at)) for entry in entries)
            _write(self._connection(FEEDBACK), _RECORD, rows)
        except (sqlite3.Error, OSError) as error:
            self._failed = True
            raise StoreUnavailable(_said(error)) from None

    def first_use(self, token: bytes, *, now: float, until: float) -> bool | None:
        """Keep the token; once that failed, later ones do not wait until it works again, but what is kept is still known."""
        try:
            connection = self._connection(CARDS)
            connection.execute(f"PRAGMA busy_timeout = {TOKEN_PATIENCE_MS if self._tokens_wait else 0}")
            first = connection.execute(_USE, (token, math.ceil(until))).rowcount == 1
        except (sqlite3.Error, OSError):
            self._tokens_wait = False
            return self._used(token)
        self._tokens_wait = True
        self._count()
        if abs(now - self._tidied) > TIDY_S:
            self._tidied = now
            with suppress(sqlite3.Error):
                connection.execute(_FORGET, (math.floor(now),))
        return first

    def _used(self, token: bytes) -> bool | None:
        """False where the token is known to have been used; None where nothing is known of it."""
        with suppress(sqlite3.Error, OSError):
            if self._connection(CARDS).execute(_USED, (token,)).fetchone():
                return False
        return None

    def history(self, since: datetime, until: datetime) -> History:
        """Read on a connection of its own, which holds up nobody."""
        period = (_utc(since), _utc(until))
        try:
            with closing(self._open(PROBE, "ro")) as connection:
                connection.execute("BEGIN")  # both queries see the same moment
                cards = dict(connection.execute(CARDS_BY_TOPIC.format("?"), period).fetchall())
                acts = connection.execute(ACTS.format("?"), period).fetchall()
        except sqlite3.Error as error:
            raise StoreUnavailable(_said(error)) from None
        return History(cards, tuple(_act(*row) for row in acts))

    def trouble(self) -> str | None:
        """Whether a write would be taken now, found out by one that is taken back; by a real one after feedback was not kept.

        A full disk shows itself only at the end of a write.
        """
        try:
            with closing(self._open(PROBE)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                for statement in _PROBE:
                    connection.execute(statement)
                connection.execute("COMMIT" if self._failed else "ROLLBACK")
        except sqlite3.Error as error:
            return f"the store cannot be written: {_said(error)}"
        self._failed = False
        return "answered cards wait to be written" if self._waiting else None

    def close(self) -> None:
        """Close every connection; the store cannot be used afterwards."""
        with self._lock:
            while self._opened:
                self._opened.pop().close()

    def _count(self) -> None:
        if next(self._written) % WRITES == 0:
            Thread(target=self._write_back, name="store", daemon=True).start()

    def _write_back(self) -> None:
        """Bring what is in the log into the file, as far as nobody reads it, so that the log does not grow."""
        with suppress(sqlite3.Error), closing(self._open(PROBE)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _connection(self, use: _Use) -> sqlite3.Connection:
        """The connection of the running thread, opened anew where another file has taken the place of the first."""
        held = self._held.connections
        file = self._path.stat().st_ino
        if use not in held or held[use][1] != file:
            held[use] = self._open(use), file
            with self._lock:
                self._opened.append(held[use][0])
        return held[use][0]

    def _open(self, use: _Use, mode: str = "rw") -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode={mode}",
            uri=True,
            timeout=use.patience_ms / 1000,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute(f"PRAGMA synchronous = {use.synchronous}")
            if not use.writes_back:
                connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _said(error: sqlite3.Error | OSError) -> str:
    """The error in words of the database or the system, in which there is nothing of what was to be written."""
    return str((error.strerror if isinstance(error, OSError) else error) or type(error).__name__)


def _write(connection: sqlite3.Connection, statement: str, rows: Iterable[tuple[str | None, ...]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany(statement, rows)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _card_row(card: AnsweredCard) -> tuple[str | None, ...]:
    suggestions = json.dumps(card.suggestions)
    answered_at = _utc(card.answered_at)
    whose = (card.issuer, card.tenant)
    return (card.card, card.service, card.hook, card.topic, card.indicator, suggestions, answered_at, *whose)


def _feedback_row(entry: Feedback, service: str, received_at: datetime) -> tuple[str | None, ...]:
    return (
        entry.card,
        service,
        entry.outcome,
        json.dumps(entry.suggestions),
        _utc(entry.at),
        _utc(received_at),
        entry.reason_code,
        entry.reason_system,
        entry.comment,
    )


def _act(card: str, topic: str, outcome: str, answered_at: str, outcome_at: str, received_at: str, *given: str | None) -> Act:
    answered, done, received = (datetime.fromisoformat(text) for text in (answered_at, outcome_at, received_at))
    return Act(card, topic, outcome, answered, done, received, *given)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
