"""Where a store can be, for tests that every store has to pass, and what is put into it."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import psycopg

from cds_service.protocol.feedback import Feedback
from cds_service.store import AnsweredCard, Store
from cds_service.store.postgresql import PostgresqlStore
from cds_service.store.sqlite import SqliteStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def card(name: str = "c1", **changes: Any) -> AnsweredCard:
    told: dict[str, Any] = {
        "service": "s",
        "hook": "order-sign",
        "topic": "rebound",
        "indicator": "critical",
        "suggestions": ("b", "a"),
        "answered_at": NOW,
        **changes,
    }
    return AnsweredCard(card=name, **told)


def act(name: str = "c1", seconds: float = 0, **changes: Any) -> Feedback:
    return Feedback(name, changes.pop("outcome", "overridden"), NOW + timedelta(seconds=seconds), **changes)


def record(store: Store, *entries: Feedback, service: str = "s", **more: Any) -> None:
    store.record(entries, service=service, received_at=more.pop("received_at", NOW), **more)


class Place(Protocol):
    """Where a store is: how to open it, look into it, and keep it from being written."""

    opening: str  # what opens it, as a line of Python

    def open(self) -> Store: ...

    def rows(self, query: str) -> list[tuple[Any, ...]]: ...

    def locked(self) -> AbstractContextManager[None]: ...


class File:
    """A SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opening = f"from pathlib import Path; store = open_store(Path({str(path)!r}))"

    def open(self) -> SqliteStore:
        return SqliteStore(self.path)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    @contextmanager
    def locked(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield


class Database:
    """A PostgreSQL database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opening = f"store = open_store({url!r})"

    def open(self) -> PostgresqlStore:
        return PostgresqlStore(self.url)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    @contextmanager
    def locked(self) -> Iterator[None]:
        with psycopg.connect(self.url) as connection:
            connection.execute("LOCK TABLE answered_card, feedback, used_token IN ACCESS EXCLUSIVE MODE")
            yield
