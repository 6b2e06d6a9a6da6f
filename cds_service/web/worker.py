"""A worker of gunicorn whose threads never wait for a client: it collects each request before a thread sees it."""

import logging
import socket
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.http import get_parser
from gunicorn.http.errors import ExpectationFailed, LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.http.message import Request
from gunicorn.workers.gthread import TConn, ThreadWorker

from cds_service.web.arriving import HEAD, Arriving
from cds_service.web.errors import outcome
from cds_service.web.metrics import OTHER, Metrics
from cds_service.web.overload import WAITED

ARRIVAL_S = 10
"""How long a request may take to come, and how long a client may take to read the answer."""

RATE = 100_000
"""For every so many bytes that have come, a request may take a second longer: a large body over a thin line is no attack."""

LINGER_S = 2
"""How long a connection that is to be closed waits for the client to take leave."""

_READ = 262_144
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (LimitRequestLine, 414),
    (LimitRequestHeaders, 431),
    (ExpectationFailed, 417),
    (ParseException, 400),
)
"""How what is no HTTP, or too much of it, is answered."""

_SAID = {
    408: ("timeout", "The request did not come in time."),
    414: ("too-long", "The address is too long."),
    417: ("not-supported", "What the client expects is not done here."),
    431: ("too-long", "The head of the request is too long."),
    500: ("exception", "The service failed."),
}
_LAST = {"Connection": "close", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_LOG = logging.getLogger(__name__)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A worker whose threads never wait for a client.

    A request is handed to a thread once all of it has come; until then it is kept here, where waiting costs a little memory. So
    clients that are slow, or want to look so, hold up nobody. Neither does a client that is slow to hang up.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._leaving: deque[TConn] = deque()

    def enqueue_req(self, conn: TConn) -> None:
        """Begin with the next request of a connection, of which something may have come along with the one before."""
        ahead = conn.arriving.data if hasattr(conn, "arriving") else b""
        conn.arriving = Arriving(self.app.max_body)
        conn.sock.setblocking(False)
        if ahead:
            conn.arriving.take(bytes(ahead))
        if not conn.arriving.ready:
            self._receive(conn)
        if not conn.arriving.ready:
            conn.timeout = time.monotonic() + ARRIVAL_S
            conn.counted = 0
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, EVENT_READ, partial(self._more, conn))
        else:
            self._hand_over(conn)

    def _more(self, conn: TConn, _sock: socket.socket) -> None:
        self._receive(conn)
        if conn.arriving.ready:
            self.poller.unregister(conn.sock)
            self.pending_conns.remove(conn)
            self._hand_over(conn)
            return
        size = len(conn.arriving.data)
        conn.timeout += (size - conn.counted) / RATE
        conn.counted = size
        if size > HEAD and sum(len(one.arriving.data) for one in self.pending_conns) > self.app.room:
            self.pending_conns[0].timeout = 0

    def _receive(self, conn: TConn) -> None:
        """Take what has come. Where the client has nothing more to say, what there is has to do."""
        arriving: Arriving = conn.arriving
        try:
            data = conn.sock.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            arriving.ready = True
            return
        arriving.take(data)
        if arriving.expects:
            arriving.expects = False
            with suppress(OSError):
                conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _hand_over(self, conn: TConn) -> None:
        if not conn.arriving.data:
            self.nr_conns -= 1
            conn.close()
            return
        conn.parser = get_parser(self.cfg, conn.arriving.pieces(), conn.client)
        conn.initialized = True
        conn.queued = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> object:
        """Answer one request of a connection, in a thread; it is noted how long it has waited for the thread."""
        WAITED.set(time.monotonic() - conn.queued)
        if conn.arriving.refusal is not None:
            conn.sock.settimeout(ARRIVAL_S)
            self._refuse(conn.sock, conn.arriving.refusal)
            return False
        return super().handle(conn)

    def handle_request(self, req: Request, conn: TConn) -> object:
        """Hand one request to the application. Where it has not come whole, nobody knows where the next one would begin."""
        conn.sock.settimeout(ARRIVAL_S)
        if self.app.drain.begun or not conn.arriving.whole:
            req.force_close()
        return super().handle_request(req, conn)

    def handle_error(self, _req: object, client: socket.socket, _address: object, error: Exception) -> None:
        """Answer what is no HTTP in our own way, without quoting it."""
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
        if status == 500:
            _LOG.error("broken", extra={"exception": type(error).__name__, "status": 500})
        self._refuse(client, status)

    def finish_request(self, conn: TConn, fs: "Future[object]") -> None:
        """After an answer, wait for the next request or take leave: say so, and wait for the client to hang up."""
        if not fs.cancelled() and fs.exception() is None and fs.result():
            if conn.arriving.data:
                self.enqueue_req(conn)
            else:
                super().finish_request(conn, fs)
            return
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, EVENT_READ, partial(self._drop, conn))
        except (OSError, ValueError):
            self._close(conn)
            return
        conn.timeout = time.monotonic() + LINGER_S
        self._leaving.append(conn)

    def _drop(self, conn: TConn, _sock: socket.socket) -> None:
        """Take no notice of what a client still sends, until it hangs up."""
        with suppress(BlockingIOError, OSError):
            if conn.sock.recv(_READ):
                return
        conn.timeout = 0

    def murder_pending(self) -> None:
        """Let go of those whose time is over; of those who have said nothing, also when the service stops."""
        now = time.monotonic()
        for conn in [one for one in self.pending_conns if one.timeout <= now or not (self.alive or one.arriving.data)]:
            self.pending_conns.remove(conn)
            self.poller.unregister(conn.sock)
            if conn.arriving.data:
                self._refuse(conn.sock, 408)
            self._close(conn)
        for conn in [one for one in self._leaving if one.timeout <= now]:
            self._leaving.remove(conn)
            self.poller.unregister(conn.sock)
            self._close(conn)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()

    def _refuse(self, sock: socket.socket, status: int) -> None:
        """Answer, from before there is a request, and count it; whoever does not take the answer goes without."""
        response = outcome(status, *_SAID.get(status, ("invalid", "This is no HTTP request.")), _LAST)
        lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in response.headers)]
        with suppress(OSError):
            sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + response.get_data())
        metrics: Metrics = self.app.metrics
        metrics.add([(metrics.request(OTHER, str(status), OTHER), 1)])
        if status != 500:
            _LOG.info("refused", extra={"status": status})
