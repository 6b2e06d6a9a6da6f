"""The service under gunicorn: worker processes with threads, started from code so that one command is enough."""

import gc
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from cds_service.web import logs

THREADS = 4
"""Requests that one worker process works on at the same time."""

OBJECTS = 20_000
"""How many new objects make the collector look for cycles; a request leaves few, and makes thousands."""

GRACE_S = 30
"""How long requests in flight may take after SIGTERM."""


class Lines(Logger):  # type: ignore[misc]  # gunicorn has no types
    """The server's log lines. What was answered is told by the lines of the application, without addresses and agents."""

    def access(self, *_request: object) -> None:
        """Write no line for a request."""


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """One application on one address.

    It is made before the workers are forked: they share its memory and start at once. The store opens its connections in the
    threads that use them, so none is carried over a fork.
    """

    def __init__(self, application: Flask, *, host: str, port: int, workers: int) -> None:
        self._application = application
        self._settings: dict[str, Any] = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "threads": THREADS,
            "worker_class": "gthread",
            "preload_app": True,
            "graceful_timeout": GRACE_S,
            "keepalive": 5,
            "control_socket_disable": True,
            "logger_class": Lines,
            "logconfig_dict": logs.settings() | {"root": {"level": "WARNING", "handlers": ["out"]}},
        }
        super().__init__()

    def load_config(self) -> None:
        """Take the settings."""
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application. All that is there by now lives as long as the workers, so the collector need not look at it again."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(OBJECTS)
        return self._application
