"""One deadline for everything that is fetched for one call, on a clock that nobody sets."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds on a clock that only ever goes forward."""

monotonic: Clock = time.monotonic


class Deadline:
    """The moment at which gathering ends, whatever is still on its way."""

    def __init__(self, seconds: float, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._at = clock() + seconds

    def left(self) -> float:
        """The seconds left; none or less when it is over."""
        return self._at - self._clock()
