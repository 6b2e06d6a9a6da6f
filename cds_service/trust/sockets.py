"""Connections on which no read outlasts the time, or the bytes, that the request in hand is allowed, however slowly they drip."""

import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from cds_service.trust.addresses import Network, connectable

_hand = threading.local()
"""The turn of each thread; a thread makes one request at a time, and a kept connection serves many."""


class Allowance(Struct, frozen=True):
    """What one request may cost.

    ``left`` tells the seconds left. ``room`` is told of each further count of bytes received, or unpacked from them, and
    answers whether there is room for them.
    """

    left: Callable[[], float]
    room: Callable[[int], bool]


class Turn:
    """One request of one thread; ``full`` says that its bytes were used up."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self.full = False

    def wait(self) -> float:
        """The seconds left.

        Raises:
            TimeoutError: none.
        """
        seconds = self._allowance.left()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    def received(self, count: int) -> int:
        """Account for bytes that came.

        Raises:
            OSError: there is no room for them.
        """
        if not self._allowance.room(count):
            self.full = True
            raise OSError
        return count


@contextmanager
def allowing(allowance: Allowance) -> Iterator[Turn]:
    """The turn in which this thread's connections read."""
    _hand.turn = turn = Turn(allowance)
    try:
        yield turn
    finally:
        del _hand.turn


def _turn() -> Turn:
    turn: Turn = _hand.turn
    return turn


class TimedSocket(socket.socket):
    """A socket that reads within the turn."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Receive what is there, or wait for it no longer than allowed."""
        turn = _turn()
        self.settimeout(turn.wait())
        return turn.received(super().recv_into(*args, **kwargs))


class TimedSSLSocket(ssl.SSLSocket):
    """The same over TLS."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Receive what is there, or wait for it no longer than allowed."""
        turn = _turn()
        self.settimeout(turn.wait())
        return turn.received(super().recv_into(*args, **kwargs))


def pools(networks: tuple[Network, ...]) -> dict[str, type[HTTPConnectionPool]]:
    """The kinds of connection by scheme: they lead to public addresses, to those that are listed, and into the ``networks``."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connected(self, networks)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connected(self, networks)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _connected(connection: HTTPConnection, networks: tuple[Network, ...]) -> socket.socket:
    """A socket to one of the host's addresses that may be connected to.

    The name is resolved here and nowhere else: between the check and the connection it cannot come to mean another address.
    """
    try:
        found = socket.getaddrinfo(connection.host, connection.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NewConnectionError(connection, "no address") from None
    checked = [one for one in found if connectable(str(one[4][0]), connection.host, networks)]
    for place, (family, _, _, _, address) in enumerate(checked):
        sock = TimedSocket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(_turn().wait() / (len(checked) - place))
            sock.connect(address)
            sock.settimeout(_turn().wait())
        except OSError:
            sock.close()
            continue
        sys.audit("http.client.connect", connection, connection.host, connection.port)
        return sock
    raise NewConnectionError(connection, "no address that may be connected to answers")
