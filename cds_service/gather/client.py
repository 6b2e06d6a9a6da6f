"""One FHIR server asked on behalf of one call: with the token of the call, within its time and its bytes."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct

from cds_service.gather.deadline import Deadline
from cds_service.protocol.gathered import Fetch
from cds_service.trust.outgoing import LateError, Outgoing, Reply, UnreachableError, UnusableError
from cds_service.trust.sockets import Allowance

ACCEPT = "application/fhir+json, application/json+fhir;q=0.9, application/json;q=0.8"
"""What is asked for; the second is the name that DSTU2 servers know."""

_REFUSED = frozenset({401, 403})
_NO_SUCH_TYPE = frozenset({400, 404})
_PASSING = frozenset({502, 503, 504})
_ASKS_TO_WAIT = 429
_PAUSE_S = (0.005, 0.025)
"""Between which times a read is tried again, so that the reads of many calls do not come back all at once."""


class Got(Struct, frozen=True):
    """What one read gave: a body, or why there is none; ``unknown_type`` where the server may not know the type at all."""

    outcome: Fetch
    body: bytes | None = None
    unknown_type: bool = False


class Room:
    """The bytes that all the reads of one call may take together."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = threading.Lock()

    def take(self, count: int) -> bool:
        """Whether there is room for so many more."""
        with self._lock:
            self._left -= count
            return self._left >= 0


class Server:
    """The server at ``base``. ``alive`` tells whether it has answered anything yet but that it is broken."""

    def __init__(
        self,
        base: str,
        token: str | None,
        outgoing: Outgoing,
        *,
        deadline: Deadline,
        room: Room,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base = base
        self.alive = False
        self._outgoing = outgoing
        self._deadline = deadline
        self._allowance = Allowance(deadline.left, room.take)
        self._sleep = sleep
        accept = {"Accept": ACCEPT}
        self._headers: Mapping[str, str] = MappingProxyType(accept | ({"Authorization": f"Bearer {token}"} if token else {}))

    def get(self, url: str) -> Got:
        """Read a URL under the base; what may pass by itself is tried once more, if that fits into the time left."""
        began = self._deadline.left()
        got, pause = self._once(url)
        took = began - self._deadline.left()
        if pause is None or pause + took >= self._deadline.left():
            return got
        self._sleep(pause)
        return self._once(url)[0]

    def _once(self, url: str) -> tuple[Got, float | None]:
        """One try, and after which pause (seconds) another may go better."""
        try:
            reply = self._outgoing.get(url, self._headers, self._allowance)
        except LateError:
            return Got(Fetch.LATE), None
        except UnreachableError:
            return Got(Fetch.UNREACHABLE), random.uniform(*_PAUSE_S)  # noqa: S311 - no secret
        except UnusableError:
            self.alive = True
            return Got(Fetch.FAILED), None
        self.alive = self.alive or reply.status < 500
        if reply.status == 200:
            return Got(Fetch.READ, reply.body), None
        outcome = Fetch.REFUSED if reply.status in _REFUSED else Fetch.FAILED
        return Got(outcome, unknown_type=reply.status in _NO_SUCH_TYPE), _pause(reply)


def _pause(reply: Reply) -> float | None:
    """After how many seconds the server may be asked again; None where that is of no use."""
    asked = reply.retry_after.strip()
    if reply.status == _ASKS_TO_WAIT or (reply.status in _PASSING and asked):
        return float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else None
    return random.uniform(*_PAUSE_S) if reply.status in _PASSING else None  # noqa: S311 - no secret
