"""The service under gunicorn: worker processes with threads, started from code so that one command is enough."""

import gc
import time
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from cds_service.web import logs
from cds_service.web.drain import Drain
from cds_service.web.metrics import Metrics
from cds_service.web.worker import Worker

THREADS = 4
"""Requests that one worker process works on at the same time."""

OBJECTS = 20_000
"""How many new objects make the collector look for cycles; a request leaves few, and makes thousands."""

GRACE_S = 20
"""How many seconds requests in flight may take once the service stops."""


HEADER_LINE = 16_000
"""How many bytes a line of a request's head may have: twice a token that could be sound, so that the gate refuses longer ones."""

ROOM = 100_000_000
"""How many bytes of requests that are still coming a worker holds; beyond that the one that has taken longest is let go."""


class Lines(Logger):  # type: ignore[misc]  # gunicorn has no types
    """The server's log lines. What was answered is told by the lines of the application, without addresses and agents."""

    def access(self, *_request: object) -> None:
        """Write no line for a request."""


class Master(Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """A master that on SIGTERM first lets those who balance the load go elsewhere, then stops; a second one makes it stop now."""

    def __init__(self, server: "Server") -> None:
        self._drain = server.drain
        self._patience_s = server.drain_s
        self._stop_at = float("inf")
        super().__init__(server)

    def handle_term(self) -> None:
        """Begin to drain, or stop where that has begun already."""
        if self._drain.begun or not self._patience_s:
            super().handle_term()
        self._drain.begin()
        self._stop_at = time.monotonic() + self._patience_s

    def wait_for_signals(self, timeout: float = 1.0) -> list[int]:
        """Wait for signals, but no longer than there is time to stop."""
        left = self._stop_at - time.monotonic()
        found: list[int] = super().wait_for_signals(timeout=max(0.0, min(timeout, left)))
        if time.monotonic() >= self._stop_at:
            raise StopIteration
        return found


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """One application on one address.

    ``drain_s`` is how many seconds after SIGTERM new requests are still answered, while /readyz tells those who balance the load
    to go elsewhere.

    It is made before the workers are forked: they share its memory and start at once. The store opens its connections in the
    threads that use them, so none is carried over a fork.
    """

    def __init__(self, application: Flask, *, host: str, port: int, workers: int, drain_s: float) -> None:
        self._application = application
        self.drain: Drain = application.extensions["drain"]
        self.drain_s = drain_s
        self.max_body: int = application.extensions["max_body"]
        self.metrics: Metrics = application.extensions["metrics"]
        self.room = max(ROOM, 2 * self.max_body)
        self._warm: Callable[[], None] | None = application.extensions.get("warm")
        self._settings: dict[str, Any] = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "threads": THREADS,
            "worker_class": Worker,
            "preload_app": True,
            "graceful_timeout": GRACE_S,
            "keepalive": 5,
            "limit_request_field_size": HEADER_LINE,
            "forwarded_allow_ips": "",  # no header of a request says where it came to
            "control_socket_disable": True,
            "post_worker_init": self._begin,
            "logger_class": Lines,
            "logconfig_dict": logs.settings() | {"root": {"level": "WARNING", "handlers": ["out"]}},
        }
        super().__init__()

    def load_config(self) -> None:
        """Take the settings."""
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Answer until stopped; then the process ends."""
        Master(self).run()

    def _begin(self, _worker: Worker) -> None:
        """Let a new worker load, beside its work, what its first read from a FHIR server would have to wait for."""
        if self._warm is not None:
            self._warm()

    def load(self) -> Flask:
        """The application. All that is there by now lives as long as the workers, so the collector need not look at it again."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(OBJECTS)
        return self._application
