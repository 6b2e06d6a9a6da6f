"""Where the keys of an issuer come from: a file that is read once, or an address that is asked anew as keys are rotated."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock, Thread
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cds_service.config import ConfigError
from cds_service.trust.issuers import Issuer
from cds_service.trust.keys import Key, UnusableKeySet, key_set
from cds_service.trust.shelf import Shelf

FRESH_S = 600
"""For how long fetched keys are used without asking again, in seconds; a key that was withdrawn works no longer than that."""

PAUSE_S = 60
"""How long nobody asks again after an attempt, whatever comes meanwhile, in seconds."""

KEPT_S = 3600
"""For how long the last good keys are used while no newer ones can be had, in seconds."""

WAIT_S = 0.5
"""For how long a call waits for keys that are being fetched, in seconds: by then CDS Hooks expects its answer."""

_LOG = logging.getLogger(__name__)


class UnfetchableError(Exception):
    """The document could not be had; the message says why in words of ours."""


Fetch = Callable[[str], bytes]
"""Gets the document at an address, in bounded time, or raises UnfetchableError."""


class Keys(Protocol):
    """The keys of one issuer; safe to share between threads."""

    def find(self, kid: str) -> Key | None:
        """The key of that id, None where the issuer has none."""

    def trouble(self) -> str | None:
        """What is wrong with the keys, in words; None when nothing is."""


class FileKeys:
    """The keys in an issuer's file, read when the service starts.

    Raises:
        ConfigError: it cannot be read, or holds a key that cannot be used.
    """

    def __init__(self, issuer: Issuer, file: Path) -> None:
        try:
            found = key_set(file.read_bytes(), issuer.algorithms)
        except OSError as error:
            raise ConfigError(f"CDS_ISSUERS: {file} cannot be read: {error.strerror}.") from None
        except UnusableKeySet as error:
            raise ConfigError(f"CDS_ISSUERS: {file} is no key set of {issuer.iss!r}: {error}.") from None
        if found.unusable:
            raise ConfigError(f"CDS_ISSUERS: {file}: {'; '.join(found.unusable)}.")
        self._keys = found.keys

    def find(self, kid: str) -> Key | None:
        """The key of that id."""
        return self._keys.get(kid)

    def trouble(self) -> None:
        """Nothing: what was read stays."""


class _State(Struct, frozen=True):
    """The document last fetched, and when (monotonic seconds) that was and when it was last tried."""

    tried: float = float("-inf")
    fetched: float = float("-inf")
    document: bytes = b""


class FetchedKeys:
    """The keys at an issuer's ``jku``, shared by all workers of a server.

    They are asked for when a token names a key that is not there, and when they are no longer fresh; never again within the
    pause, and by one worker at a time, in the background. A call that needs a key waits a little for it, one whose key is merely
    no longer fresh does not.
    """

    def __init__(self, issuer: Issuer, jku: str, fetch: Fetch, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._jku = jku
        self._fetch = fetch
        self._clock = clock
        self._shelf = Shelf()
        self._seen: tuple[bytes, _State, Mapping[str, Key]] = (b"", _State(), {})
        self._lock = Lock()
        self._asking: Thread | None = None

    def find(self, kid: str) -> Key | None:
        """The key of that id, asked for where it is not there."""
        key = self._known(kid)
        if key is not None and self._clock() - self._state().fetched <= FRESH_S:
            return key
        asking = self._ask()
        if key is not None:
            return key
        if asking is not None:
            asking.join(WAIT_S)
        return self._known(kid)  # another worker may have fetched it just now

    def trouble(self) -> str | None:
        """Whether the last attempt to fetch the keys failed, and whether there are any left."""
        state = self._state()
        if state.tried == state.fetched:
            return None
        left = "the last good ones are used" if self._clock() - state.fetched <= KEPT_S else "there are none"
        return f"the keys of an issuer cannot be fetched, {left}"

    def _known(self, kid: str) -> Key | None:
        state = self._state()
        return self._seen[2].get(kid) if self._clock() - state.fetched <= KEPT_S else None

    def _state(self) -> _State:
        """The newest state, with its keys in ``_seen``."""
        label = self._shelf.label()
        if label != self._seen[0]:
            document = self._shelf.document(label)
            if document is not None:
                state = msgspec.msgpack.decode(document, type=_State)
                same = state.document == self._seen[1].document
                keys = self._seen[2] if same else key_set(state.document, self._issuer.algorithms).keys
                self._seen = label, state, keys
        return self._seen[1]

    def _ask(self) -> Thread | None:
        """Who fetches the keys in the background; None where that was tried within the pause."""
        with self._lock:
            if self._asking is None or not self._asking.is_alive():
                if self._clock() - self._state().tried <= PAUSE_S:
                    return None
                self._asking = Thread(target=self._refresh, name="keys", daemon=True)
                self._asking.start()
            return self._asking

    def _refresh(self) -> None:
        """Fetch the keys, unless another worker has done so meanwhile."""
        with self._shelf.held():
            before = self._state()
            if self._clock() - before.tried <= PAUSE_S:
                return
            self._shelf.put(msgspec.msgpack.encode(self._fetched(before)))

    def _fetched(self, before: _State) -> _State:
        try:
            document = self._fetch(self._jku)
            found = key_set(document, self._issuer.algorithms)
        except (UnfetchableError, UnusableKeySet) as error:
            _LOG.error("keys-not-fetched", extra={"issuer": self._issuer.iss, "what": str(error)})
            return replace(before, tried=self._clock())
        now = self._clock()
        _LOG.info("keys-fetched", extra={"issuer": self._issuer.iss, "what": "; ".join(found.unusable)})
        return _State(tried=now, fetched=now, document=document)


def keys_of(issuer: Issuer, fetch: Callable[[], Fetch], clock: Callable[[], float]) -> Keys:
    """The keys of an issuer, from its file where it has one.

    Raises:
        ConfigError: its file cannot be used, or it has neither a file nor an address.
    """
    if issuer.jwks_file is not None:
        return FileKeys(issuer, Path(issuer.jwks_file))
    if issuer.jku is not None:
        return FetchedKeys(issuer, issuer.jku, fetch(), clock)
    raise ConfigError(f"CDS_ISSUERS: issuer {issuer.iss!r} needs a jwks_file or a jku for its keys.")
