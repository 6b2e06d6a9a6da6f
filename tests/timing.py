"""How long something takes on a machine that others may be using."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def soonest(action: Callable[[], Found], within: float, tries: int = 4) -> tuple[Found, float]:
    """What the action gives and the seconds it took; tried again while it takes longer than it may.

    What is always late is late every time; what a busy machine held up once is not.
    """
    while True:
        begun = time.monotonic()
        found = action()
        took = time.monotonic() - begun
        tries -= 1
        if took < within or not tries:
            return found, took
