"""Asking the server of an issuer for its keys, over HTTP."""

from collections.abc import Callable

from cds_service.trust.keysets import Fetch, UnfetchableError
from cds_service.trust.outgoing import LateError, Outgoing, UnreachableError, UnusableError
from cds_service.trust.sockets import Allowance

PATIENCE_S = 2.0
"""How long a key set may take to come, in seconds."""

MAX_BYTES = 200_000
"""How large it may be."""

_ACCEPT = {"Accept": "application/jwk-set+json, application/json"}
_WORDS = {
    LateError: "it took too long",
    UnreachableError: "the server cannot be reached",
    UnusableError: "it is too large, or encoded as nobody asked",
}


def asking(outgoing: Outgoing, clock: Callable[[], float]) -> Fetch:
    """Asks within bounded time and size, at exactly the address it is given; ``clock`` tells monotonic seconds."""

    def fetch(url: str) -> bytes:
        until, spent = clock() + PATIENCE_S, 0

        def room(count: int) -> bool:
            nonlocal spent
            spent += count
            return spent <= MAX_BYTES

        try:
            reply = outgoing.get(url, _ACCEPT, Allowance(left=lambda: until - clock(), room=room))
        except (LateError, UnreachableError, UnusableError) as error:
            raise UnfetchableError(_WORDS[type(error)]) from None
        if reply.status != 200:
            raise UnfetchableError(f"the server answers with status {reply.status}")
        return reply.body

    return fetch
