"""The store in PostgreSQL, for several machines that serve together.

It promises what the one in SQLite does: feedback is on the server's disk before it is acknowledged; answered cards and used
tokens outlive our processes, though not a power cut of the server; no answer waits for the database longer than it can.
"""

import json
import math
import re
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from threading import Lock

import psycopg
from msgspec import Struct
from psycopg import Connection, sql

from cds_service.protocol.feedback import Feedback
from cds_service.store import Act, AnsweredCard, History, StoreUnavailable, StoreUnusable
from cds_service.store.lane import Lane, Late
from cds_service.store.migration import steps
from cds_service.store.report import ACTS, CARDS_BY_TOPIC

WAITING = 1000
"""How many answered cards wait in memory while the store cannot be written."""

AT_ONCE = 50
"""How many of them are written together with those of an answer, so that the answer is not held up by all."""

TIDY_S = 60
"""How often each process forgets the tokens that can no longer be used."""

CONNECT_S = 2
"""How long a connection may take to be made, and how long the server's network may stay silent."""

_MIGRATING = 7234118
"""The number of the lock that one process holds while it brings the store up to date."""

_REMEMBER = "INSERT INTO answered_card VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
_RECORD = """
INSERT INTO feedback
(issuer, tenant, card, service, outcome, suggestions, outcome_at, received_at, reason_code, reason_system, comment)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_USE = "INSERT INTO used_token VALUES (%s, %s) ON CONFLICT DO NOTHING"
_FORGET = "DELETE FROM used_token WHERE until < %s"
_PROBE = "LOCK TABLE answered_card, feedback IN ROW EXCLUSIVE MODE NOWAIT"
_DURABLE = "SELECT current_setting('synchronous_commit') <> 'off' AND current_setting('fsync') = 'on'"


class _Use(Struct, frozen=True):
    """What a connection is for: whether it need not wait for the server's disk, and how long anybody waits for its work."""

    relaxed: bool
    patience_s: float


FEEDBACK = _Use(relaxed=False, patience_s=2)
CARDS = _Use(relaxed=True, patience_s=0.1)
TOKENS = _Use(relaxed=True, patience_s=1)
HISTORY = _Use(relaxed=True, patience_s=60)


class NotDurable(psycopg.Error):
    """The server is set up so that it acknowledges what is not on its disk."""


class PostgresqlStore:
    """The store in the database at ``url``, which is brought up to date when the store is opened.

    Raises:
        StoreUnusable: it cannot be reached or written, is of a newer version, or acknowledges what is not on its disk.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: deque[AnsweredCard] = deque(maxlen=WAITING)
        self._tidied = 0.0
        self._lock = Lock()
        self._lanes = {use: Lane(partial(self._open, use)) for use in (FEEDBACK, CARDS, TOKENS)}
        try:
            with self._open(FEEDBACK) as connection:
                _migrate(connection)
        except psycopg.Error as error:
            raise StoreUnusable(f"CDS_STORE cannot be used as a store: {_said(error)}") from None

    def remember(self, cards: Sequence[AnsweredCard]) -> bool:
        """Keep the cards, with some that have been waiting; while some wait, later ones do not hold up their answers."""
        with self._lock:
            waited = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        rows = [_card_row(card) for card in (*waited, *cards)]

        def keep(connection: Connection) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                if waited:
                    cursor.execute("SET LOCAL lock_timeout = 1")
                cursor.executemany(_REMEMBER, rows)

        try:
            self._lanes[CARDS].do(keep, patience_s=CARDS.patience_s)
        except (psycopg.Error, Late):
            with self._lock:
                self._waiting = deque((*waited, *self._waiting, *cards), WAITING)
            return False
        return True

    def record(
        self, entries: Sequence[Feedback], *, service: str, received_at: datetime, issuer: str = "", tenant: str = ""
    ) -> None:
        """Keep the feedback in one transaction that the server has synced before this returns."""
        rows = [(issuer, tenant, *_feedback_row(entry, service, received_at)) for entry in entries]

        def keep(connection: Connection) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(_RECORD, rows)

        try:
            self._lanes[FEEDBACK].do(keep, patience_s=FEEDBACK.patience_s)
        except (psycopg.Error, Late) as error:
            raise StoreUnavailable(_told(error)) from None

    def first_use(self, token: bytes, *, now: float, until: float) -> bool | None:
        """Keep the token. Where the connection broke meanwhile, one that came through at the first try counts as used."""

        def use(connection: Connection) -> bool:
            return connection.execute(_USE, (token, math.ceil(until))).rowcount == 1

        try:
            first = self._lanes[TOKENS].do(use, patience_s=TOKENS.patience_s)
        except (psycopg.Error, Late):
            return None
        if abs(now - self._tidied) > TIDY_S:
            self._tidied = now
            with suppress(psycopg.Error, Late):
                self._lanes[CARDS].do(
                    lambda connection: connection.execute(_FORGET, (math.floor(now),)), patience_s=CARDS.patience_s
                )
        return first

    def history(self, since: datetime, until: datetime) -> History:
        """Read on a connection of its own, which holds up nobody."""
        period = (since, until)
        try:
            with self._open(HISTORY) as connection, connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")  # both see the same moment
                cards = {
                    str(topic): int(count) for topic, count in connection.execute(CARDS_BY_TOPIC.format("%s").encode(), period)
                }
                acts = connection.execute(ACTS.format("%s").encode(), period).fetchall()
        except psycopg.Error as error:
            raise StoreUnavailable(_told(error)) from None
        return History(cards, tuple(Act(*row) for row in acts))

    def trouble(self) -> str | None:
        """Whether a write would be taken now, found out by beginning one."""

        def probe(connection: Connection) -> None:
            with connection.transaction(force_rollback=True):
                connection.execute(_PROBE)

        try:
            self._lanes[FEEDBACK].do(probe, patience_s=1)
        except (psycopg.Error, Late) as error:
            return f"the store cannot be written: {_told(error)}"
        return "answered cards wait to be written" if self._waiting else None

    def close(self) -> None:
        """Close every connection; the store cannot be used afterwards."""
        for lane in self._lanes.values():
            lane.close()

    def _open(self, use: _Use) -> Connection:
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=CONNECT_S,
            tcp_user_timeout=CONNECT_S * 1000,
            application_name="cds-service",
            prepare_threshold=None,
        )
        durable = connection.execute(_DURABLE).fetchone()
        if not use.relaxed and durable != (True,):
            connection.close()
            raise NotDurable
        patience_ms = round(use.patience_s * 1000)
        for name, value in {"lock_timeout": patience_ms * 3 // 4, "statement_timeout": patience_ms}.items():
            connection.execute(sql.SQL("SET {} = {}").format(sql.Identifier(name), value))
        if use.relaxed:
            connection.execute("SET synchronous_commit = off")
        return connection


def _told(error: psycopg.Error | Late) -> str:
    """The error in words in which there is nothing of what was to be written."""
    if isinstance(error, Late):
        return "the PostgreSQL server does not answer in time"
    return _said(error) if isinstance(error, (psycopg.OperationalError, NotDurable)) else type(error).__name__


def _said(error: psycopg.Error) -> str:
    """The error in the server's words; not in the library's, which may quote the URL, and with it a password."""
    if isinstance(error, NotDurable):
        return "the PostgreSQL server acknowledges what is not on its disk yet: synchronous_commit and fsync must be on"
    fatal = re.search(r"FATAL:\s+(.+)", str(error))
    told = error.diag.message_primary or (fatal and fatal[1])
    return told or f"no PostgreSQL server can be reached ({type(error).__name__})"


def _migrate(connection: Connection) -> None:
    """Run the steps that are still to come, each in its own transaction; several processes may do so at once."""
    known = steps("postgresql")
    for number, text in known.items():
        with connection.transaction():
            connection.execute("SET LOCAL lock_timeout = 0")
            connection.execute("SET LOCAL statement_timeout = 0")
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATING,))
            connection.execute("CREATE TABLE IF NOT EXISTS schema_version (number INTEGER NOT NULL)")
            if version(connection) < number:
                connection.execute(text.encode())
                connection.execute("DELETE FROM schema_version")
                connection.execute("INSERT INTO schema_version VALUES (%s)", (number,))
    if version(connection) > max(known):
        raise StoreUnusable(f"the store is of version {version(connection)}; this program knows versions up to {max(known)}")


def version(connection: Connection) -> int:
    """The number of the last step that the database has seen; 0 for a new one."""
    found = connection.execute("SELECT max(number) FROM schema_version").fetchone()
    return int(found[0]) if found and found[0] else 0


def _card_row(card: AnsweredCard) -> tuple[object, ...]:
    suggestions = json.dumps(card.suggestions)
    whose = (card.issuer, card.tenant)
    return (card.card, card.service, card.hook, card.topic, card.indicator, suggestions, card.answered_at, *whose)


def _feedback_row(entry: Feedback, service: str, received_at: datetime) -> tuple[object, ...]:
    texts = (_text(entry.reason_code), _text(entry.reason_system), _text(entry.comment))
    return (_text(entry.card), service, entry.outcome, json.dumps(entry.suggestions), entry.at, received_at, *texts)


def _text(text: str | None) -> str | None:
    """The text without the one character that PostgreSQL does not keep."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if text else text
