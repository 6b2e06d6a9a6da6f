"""Requests that waited too long for a free thread: nobody waits for their answer any more, so they are refused without work."""

from contextvars import ContextVar

from flask import Flask, Response, request

from cds_service.web.errors import outcome

PATIENCE_S = 1.0
"""How long a request may wait for a thread: twice the half second in which CDS Hooks asks for an answer."""

RETRY_AFTER_S = 1
"""When a client that was refused may try again."""

WAITED: ContextVar[float] = ContextVar("waited", default=0.0)
"""How many seconds the request that this thread is at has waited for it, as the server tells."""

_ALWAYS = frozenset({"/healthz", "/readyz", "/metrics"})


def install(app: Flask) -> None:
    """Let requests that waited too long be refused; what tells of the service itself never is."""

    @app.before_request
    def refuse() -> Response | None:
        if WAITED.get() < PATIENCE_S or request.path in _ALWAYS:
            return None
        return outcome(503, "throttled", "The service is overloaded.", {"Retry-After": str(RETRY_AFTER_S)})
