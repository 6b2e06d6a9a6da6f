"""A circuit breaker for each FHIR server: one that keeps failing is left alone for a while, so that no call waits for it.

What counts is a whole call: its reads run side by side, and one slow moment would count ten times.
"""

import threading
from collections import deque

from cds_service.gather.deadline import Clock, monotonic

FAILURES = 5
"""So many failed calls in a row open the breaker, if they fall ..."""

WINDOW_S = 10.0
"""... within this time."""

PAUSE_S = 5.0
"""How long an open breaker lets no call through; then it lets one try."""


class Breaker:
    """The breaker of one server."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: deque[float] = deque(maxlen=FAILURES)
        self._tried: float | None = None

    def allows(self) -> bool:
        """Whether a call may ask the server now. While the breaker is open that is one call in each pause, to try."""
        with self._lock:
            if self._tried is None:
                return True
            now = self._clock()
            if now - self._tried < PAUSE_S:
                return False
            self._tried = now
            return True

    def answered(self) -> None:
        """The server answered a call; close."""
        with self._lock:
            self._failures.clear()
            self._tried = None

    def failed(self) -> None:
        """The server answered nothing to a call, or only that it is broken."""
        with self._lock:
            now = self._clock()
            self._failures.append(now)
            full = len(self._failures) == FAILURES and now - self._failures[0] <= WINDOW_S
            if full or self._tried is not None:
                self._tried = now

    @property
    def open(self) -> bool:
        """Whether the server is left alone."""
        return self._tried is not None
