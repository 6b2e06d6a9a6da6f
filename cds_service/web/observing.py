"""One request as its operators see it: its id and trace, what it counts for, and how long each stage took."""

import os
import re
from collections.abc import Iterable
from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import UUID

from cds_service.web.metrics import OTHER, Metrics

if TYPE_CHECKING:
    from types import TracebackType

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_TRACE = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?")


class Observation:
    """What is noted of one request.

    ``request_id`` is the client's where that is short and plain, else one of ours; ``trace`` the id of the W3C trace it is a
    part of, the client's where its header is valid, and ``traceparent`` our own part of that trace. ``outcome`` says what an
    answer with status 200 was.
    """

    __slots__ = ("_at", "_begun", "events", "outcome", "request_id", "trace", "traceparent")

    def __init__(self, request_id: str = "", traceparent: str = "") -> None:
        fresh = os.urandom(40)
        self.request_id = request_id if _REQUEST_ID.fullmatch(request_id) else str(UUID(bytes=fresh[:16], version=4))
        found = _TRACE.fullmatch(traceparent)
        version, trace, flags, more = found.groups() if found else ("00", fresh[16:32].hex(), "00", None)
        if version == "00" and more:
            trace, flags = fresh[16:32].hex(), "00"
        self.trace = trace
        self.traceparent = f"00-{trace}-{fresh[32:].hex()}-{int(flags, 16) & 1:02x}"
        self.outcome = OTHER
        self.events: list[tuple[tuple[str, ...], float]] = []
        self._begun = self._at = 0.0

    def begin(self) -> None:
        """The body is there: the first stage begins."""
        self._begun = self._at = perf_counter()

    def done(self, stage: str) -> None:
        """A stage has ended and the next begins."""
        now = perf_counter()
        self.events.append((("cds_stage_seconds", stage), now - self._at))
        self._at = now

    def answered(self, outcome: str) -> None:
        """The last stage has ended, with this for an outcome."""
        self.outcome = outcome
        self.events.append((("cds_answer_seconds",), perf_counter() - self._begun))

    def count(self, *series: str) -> None:
        """One more of a metric, with the values of its labels."""
        self.events.append((series, 1.0))


CURRENT: ContextVar[Observation | None] = ContextVar("observation", default=None)
"""The request that this thread is at."""


def current() -> Observation:
    """The request that this thread is at; one that nobody sees where there is none."""
    return CURRENT.get() or Observation()


class Observed:
    """The WSGI application behind it is observed: each answer carries the request's ids, and is counted when it is given."""

    def __init__(self, application: "WSGIApplication", metrics: Metrics) -> None:
        self._application = application
        self._metrics = metrics

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Pass the request on."""
        seen = Observation(environ.get("HTTP_X_REQUEST_ID", ""), environ.get("HTTP_TRACEPARENT", ""))
        status = "500"

        def start(said: str, headers: list[tuple[str, str]], exc_info: "ExcInfo | None" = None) -> object:
            nonlocal status
            status = said[:3]
            return start_response(
                said, [*headers, ("X-Request-Id", seen.request_id), ("traceparent", seen.traceparent)], exc_info
            )

        held = CURRENT.set(seen)
        try:
            return self._application(environ, start)  # type: ignore[arg-type]  # nobody uses what start_response returns
        finally:
            CURRENT.reset(held)
            series = self._metrics.request(_service(environ.get("PATH_INFO", "")), status, seen.outcome)
            self._metrics.add([*seen.events, (series, 1.0)])


def _service(path: str) -> str:
    parts = path.split("/", 3)
    return parts[2] if len(parts) > 2 and parts[1] == "cds-services" else OTHER
