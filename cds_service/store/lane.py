"""Work on a database server, done by one thread on one connection, so that nobody waits for the server longer than they can.

A server may be gone, be frozen, or lie behind a network that swallows everything; what a client library offers against that is
not enough to promise an answer in time. Here the one who asks waits for a stated time and no longer, whatever the thread is at.
"""

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

import psycopg
from psycopg import Connection

Result = TypeVar("Result")
Work = Callable[[Connection], Result]

_WORTH_ANOTHER_TRY = ("08", "40", "57P0")
"""The beginnings of the states that a new connection or another turn may cure: connection lost, turned back, server restarts."""


class Late(Exception):
    """The work was not done in the time there was; it may yet be done."""


class Lane:
    """One thread with one connection, made when the first work comes; ``connect`` makes the connection.

    Work is done in turn. It must be such that doing it twice is doing it once: where the connection breaks, it is tried again on
    a new one, and nobody knows whether the first try came through.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._queue: SimpleQueue[tuple[Work[Any], Future[Any]] | None] = SimpleQueue()
        self._lock = Lock()
        self._thread: Thread | None = None
        self._overdue: Future[object] | None = None

    def do(self, work: Work[Result], *, patience_s: float) -> Result:
        """Have the work done.

        Raises:
            Late: it takes longer than ``patience_s``, or the thread is still at work that already did.
            psycopg.Error: it failed.
        """
        if self._overdue is not None and not self._overdue.done():
            raise Late
        future: Future[Any] = Future()
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="store", daemon=True)
                self._thread.start()
        self._queue.put((work, future))
        try:
            result: Result = future.result(patience_s)
            return result
        except TimeoutError:
            if not future.cancel():
                self._overdue = future
            raise Late from None

    def close(self) -> None:
        """End the thread and its connection, as soon as it is done with what it is at."""
        with self._lock:
            if self._thread is not None:
                self._queue.put(None)
                self._thread.join(timeout=1)
                self._thread = None

    def _run(self) -> None:
        while asked := self._queue.get():
            work, future = asked
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(self._tried(work))
                except psycopg.Error as error:
                    future.set_exception(error)
        self._let_go()

    def _tried(self, work: Work[object]) -> object:
        """The work's result, at the second try where the first met something that passes."""
        try:
            return work(self._connected())
        except psycopg.OperationalError as error:
            if not self._broken() and not (error.sqlstate or "").startswith(_WORTH_ANOTHER_TRY):
                raise
        return work(self._connected())

    def _broken(self) -> bool:
        return self._connection is not None and self._connection.broken

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._let_go()
            self._connection = self._connect()
        return self._connection

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
