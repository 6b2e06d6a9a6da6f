"""A token lets in once."""

from hashlib import sha256
from threading import Lock
from typing import Protocol

MEMORY = 10_000
"""How many tokens a process keeps in mind while the store cannot."""


class Used(Protocol):
    """Keeps the tokens that were used, for all workers and processes, across restarts."""

    def first_use(self, token: bytes, *, now: float, until: float) -> bool | None:
        """Whether the token is used for the first time; None where that cannot be told now. Kept till ``until``."""


class Once:
    """Tells the first use of a token.

    While the store cannot keep tokens, each process refuses those that it has seen itself: a second use can then succeed in
    another process, but no clinician goes without an answer because a disk is full. ``/readyz`` tells of the store.
    """

    def __init__(self, used: Used) -> None:
        self._used = used
        self._seen: dict[bytes, float] = {}
        self._lock = Lock()

    def first(self, issuer: str, jti: str, *, now: float, until: float) -> bool:
        """Whether the issuer's token of that id is used for the first time; it could be used till ``until``."""
        token = sha256(f"{issuer}\0{jti}".encode()).digest()
        told = self._used.first_use(token, now=now, until=until)
        if told is None:
            return self._first_here(token, now, until)
        return told and token not in self._seen

    def _first_here(self, token: bytes, now: float, until: float) -> bool:
        with self._lock:
            if len(self._seen) >= MEMORY:
                self._seen = {seen: over for seen, over in self._seen.items() if over > now}
            if token in self._seen or len(self._seen) >= MEMORY:
                return False
            self._seen[token] = until
            return True
