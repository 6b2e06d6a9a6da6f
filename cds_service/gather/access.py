"""Which FHIR servers may be asked for a caller, and what the process keeps to ask them: connections, threads, breakers."""

import threading
from collections.abc import Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from cds_service.gather.breaker import Breaker
from cds_service.gather.deadline import Clock, monotonic
from cds_service.trust.addresses import Network

if TYPE_CHECKING:
    from cds_service.trust.outgoing import Outgoing

THREADS = 32
"""How many reads one process has under way at the same time, of all its calls."""


class Fetcher:
    """What the calls of one process share. Nothing is loaded, connected or started before the first read."""

    def __init__(
        self,
        *,
        budget_s: float,
        max_bytes: int,
        networks: Iterable[Network] = (),
        authorities: Path | None = None,
        clock: Clock = monotonic,
    ) -> None:
        """Gather for at most ``budget_s`` seconds a call, and read at most ``max_bytes`` for it."""
        self.budget_s = budget_s
        self.max_bytes = max_bytes
        self.clock = clock
        self._networks = tuple(networks)
        self._authorities = authorities
        self._lock = threading.Lock()
        self._breakers: dict[str, Breaker] = {}
        self._outgoing: Outgoing | None = None
        self._executor: Executor | None = None

    def breaker(self, base: str) -> Breaker:
        """The breaker of one server."""
        with self._lock:
            return self._breakers.setdefault(base, Breaker(self.clock))

    @property
    def outgoing(self) -> "Outgoing":
        """The connections. Loading what they need takes a good part of a call's time: see ``warm``."""
        with self._lock:
            if self._outgoing is None:
                from cds_service.trust.outgoing import Outgoing  # noqa: PLC0415 - a call that is complete needs no client

                self._outgoing = Outgoing(self._networks, self._authorities)
            return self._outgoing

    @property
    def executor(self) -> Executor:
        """The threads that read."""
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="fhir-read")
            return self._executor

    def warm(self) -> None:
        """Load in the background what the first read would have to wait for; not before a process is forked."""
        threading.Thread(target=lambda: self.outgoing, name="fhir-load", daemon=True).start()


class Access(Struct, frozen=True):
    """The servers that may be asked for one caller, each in its one form; ``open`` ones may be asked without a token too."""

    fetcher: Fetcher
    servers: frozenset[str]
    open: bool = False


class Visit(Struct, frozen=True):
    """One call: as the service of which hook, which day it is, and which servers it may ask, if any."""

    hook: str
    today: date
    access: Access | None = None
