"""HTTP to servers that may be called: to a checked address only, TLS verified, in bounded time and size.

Nothing comes from the environment: no proxy, no netrc, no switch that turns verification off. No redirect is followed and no
cookie kept. The caller has checked the URL; every wait on the network is cut to the time the caller has left.
"""

import logging
import ssl
import zlib
from collections.abc import Iterable, Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import certifi
import requests
from msgspec import Struct
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError

from cds_service.trust.addresses import Network
from cds_service.trust.sockets import Allowance, TimedSSLSocket, allowing, pools

CONNECTIONS = 32
"""How many connections to one server are kept for the next request."""

_CHUNK = 65_536
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip"})
_HEADERS = {"User-Agent": "cds-service", "Accept-Encoding": "gzip"}
_BROKEN = (requests.RequestException, HTTPError, OSError, zlib.error)
_TIMEOUTS = (requests.Timeout, Urllib3TimeoutError, TimeoutError)

logging.getLogger("urllib3").setLevel(logging.CRITICAL)
"""Its lines quote URLs, and there are patients in those."""


class Reply(Struct, frozen=True):
    """What a server answered: the body is decoded, and empty unless the status is 200."""

    status: int
    body: bytes = b""
    retry_after: str = ""


class LateError(Exception):
    """The time was over before the whole answer had come."""


class UnreachableError(Exception):
    """No address that may be connected to, no connection, none that can be trusted, or one that broke off."""


class UnusableError(Exception):
    """An answer that is larger than allowed, or encoded as nobody asked."""


class Outgoing:
    """The connections of one process, kept for the next request; safe to use from several threads."""

    def __init__(self, networks: Iterable[Network] = (), authorities: Path | None = None) -> None:
        """Open none yet. The ``authorities`` of a PEM file are trusted in place of the public ones.

        ``networks`` are those that may be connected to although they are not public.
        """
        self._session = _Session()
        self._session.trust_env = False
        self._session.headers.clear()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _CheckedAdapter(tuple(networks), _verifying(authorities))
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def get(self, url: str, headers: Mapping[str, str], allowance: Allowance) -> Reply:
        """The answer to a GET, within the ``allowance`` of time and bytes.

        Raises:
            LateError: the time was over first.
            UnreachableError: no connection, or one that broke off.
            UnusableError: too many bytes, or an encoding that was not asked for.
        """
        with allowing(allowance) as turn:
            try:
                wait = max(allowance.left(), 0.001)
                with self._session.get(
                    url, headers=_HEADERS | dict(headers), timeout=(wait, wait), stream=True, allow_redirects=False
                ) as response:
                    body = b"".join(_body(response, allowance)) if response.status_code == 200 else b""
                    return Reply(response.status_code, body, response.headers.get("Retry-After", ""))
            except _BROKEN as error:
                if turn.full:
                    raise UnusableError from None
                if isinstance(error, _TIMEOUTS) or allowance.left() <= 0:
                    raise LateError from None
                raise UnreachableError from None


def _body(response: requests.Response, allowance: Allowance) -> Iterator[bytes]:
    """The decoded body in pieces; compressed data are never unpacked beyond what is allowed."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise UnusableError
    if "gzip" not in encoding:
        yield from response.raw.stream(_CHUNK, decode_content=False)
        return
    unpacker = zlib.decompressobj(wbits=31)
    for received in response.raw.stream(_CHUNK, decode_content=False):
        rest = received
        while rest:
            piece = unpacker.decompress(rest, _CHUNK)
            rest = unpacker.unconsumed_tail
            if not allowance.room(len(piece)):
                raise UnusableError
            yield piece
    if not unpacker.eof:
        raise UnreachableError


class _Session(requests.Session):
    """A session that does not even look at where a redirect leads."""

    def get_redirect_target(self, _response: requests.Response) -> None:
        """Nowhere."""


class _CheckedAdapter(HTTPAdapter):
    """No setting of a single request changes how a server is connected to or verified."""

    def __init__(self, networks: tuple[Network, ...], verifying: ssl.SSLContext) -> None:
        self._networks = networks
        self._verifying = verifying
        super().__init__(max_retries=0)

    def init_poolmanager(self, *_args: Any, **_kwargs: Any) -> None:
        manager = PoolManager(maxsize=CONNECTIONS, ssl_context=self._verifying, cert_reqs="CERT_REQUIRED")
        manager.pool_classes_by_scheme = pools(self._networks)
        self.poolmanager = manager

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *_args: Any, **_kwargs: Any
    ) -> HTTPConnectionPool:
        pool: HTTPConnectionPool = self.poolmanager.connection_from_url(request.url)
        return pool

    def cert_verify(self, *_args: Any, **_kwargs: Any) -> None:
        """Leave the verification as it was set up."""


def _verifying(authorities: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authorities or certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = TimedSSLSocket
    return context
