"""A FHIR server on loopback for tests: it keeps what it was asked, and misbehaves as told.

Like many servers it ignores every search parameter but the patient, and unlike most it can be told to ignore that one too.
"""

import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

Json = dict[str, Any]


class Hit(Struct, frozen=True):
    """One request as it came."""

    path: str
    headers: dict[str, str]

    @property
    def kind(self) -> str:
        """The type of resource asked for."""
        return urlsplit(self.path).path.removeprefix("/fhir").split("/")[1]

    @property
    def token(self) -> str:
        return self.headers.get("Authorization", "")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Http"

    def do_GET(self) -> None:
        owner = self.server.owner
        owner.hits.append(Hit(self.path, dict(self.headers)))
        owner.behave(self)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def send(self, body: Any, status: int = 200, **headers: str) -> None:
        """One whole answer; what is no bytes is sent as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {"Content_Type": "application/fhir+json", "Content_Length": str(len(data))} | headers
        self.raw(f"HTTP/1.1 {status} -", *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items()), "", data)

    def raw(self, *lines: str | bytes) -> None:
        """Lines of a head, and bytes as they are."""
        for line in lines:
            self.wfile.write(line if isinstance(line, bytes) else f"{line}\r\n".encode())
        self.wfile.flush()

    def cut(self) -> None:
        """Break the connection off."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


Handler = _Handler
Behaviour = Callable[[Handler], None]


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    owner: "FhirServer"

    def handle_error(self, *_: object) -> None:
        """Who hangs up on a server that misbehaves is in the right."""


class FhirServer:
    """The server. ``behave`` answers a request; ``page_size`` is how many resources stand on one page."""

    def __init__(self, resources: Iterable[Json] = (), context: ssl.SSLContext | None = None) -> None:
        self.resources: list[Json] = list(resources)
        self.hits: list[Hit] = []
        self.behave: Behaviour = self.answer
        self.page_size = 1_000
        self.over = threading.Event()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self.port = int(self._http.server_address[1])
        if context is not None:
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.origin = f"{'http' if context is None else 'https'}://127.0.0.1:{self.port}"
        self.base = f"{self.origin}/fhir"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.over.set()
        self._http.shutdown()
        self._http.server_close()

    def asked(self) -> list[str]:
        """The types of resource asked for, in no order."""
        return sorted(hit.kind for hit in self.hits)

    def answer(self, handler: Handler) -> None:
        """Answer as a server should."""
        found = self.found(handler.path)
        if found is None:
            handler.send({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]}, 404)
        else:
            handler.send(found)

    def found(self, path: str) -> Json | None:
        """A resource, or a page of those of one type and patient."""
        parts = urlsplit(path)
        kind, _, ident = parts.path.removeprefix("/fhir/").partition("/")
        wanted = [one for one in self.resources if one["resourceType"] == kind]
        if ident:
            return next((one for one in wanted if one["id"] == ident), None)
        query = dict(parse_qsl(parts.query))
        subject = f"Patient/{query['patient']}"
        wanted = [one for one in wanted if (one.get("subject") or one.get("patient") or {}).get("reference") == subject]
        start = int(query.get("page", 0)) * self.page_size
        page: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(wanted)}
        page["entry"] = [{"resource": one} for one in wanted[start : start + self.page_size]]
        if start + self.page_size < len(wanted):
            following = f"{self.base}/{kind}?patient={query['patient']}&page={int(query.get('page', 0)) + 1}"
            page["link"] = [{"relation": "self", "url": self.base + path}, {"relation": "next", "url": following}]
        return page

    def asleep(self, seconds: float) -> bool:
        """Wait, but not longer than the test; whether it is over."""
        return self.over.wait(seconds)


@contextmanager
def serving(*resources: Json, context: ssl.SSLContext | None = None) -> Iterator[FhirServer]:
    """A server for the length of a test."""
    server = FhirServer(resources, context)
    try:
        yield server
    finally:
        server.close()


class Canary:
    """A port that nobody should connect to; it counts who does, and keeps the first bytes."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                try:
                    self.heard.append(connection.recv(4096))
                except OSError:
                    self.heard.append(b"")

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextmanager
def canary() -> Iterator[Canary]:
    listening = Canary()
    try:
        yield listening
    finally:
        listening.close()


# --- how a server can misbehave -------------------------------------------------------------------------------------------------


def status(code: int, body: Any = b"", **headers: str) -> Behaviour:
    return lambda handler: handler.send(body, code, **headers)


def says(body: Any, **headers: str) -> Behaviour:
    return lambda handler: handler.send(body, 200, **headers)


def slow(seconds: float) -> Behaviour:
    def behave(handler: Handler) -> None:
        owner = handler.server.owner
        if not owner.asleep(seconds):
            owner.answer(handler)

    return behave


def dripping(part: str, every: float = 0.05) -> Behaviour:
    """One byte at a time, without end: of the head, of the body, or of the length of a chunk."""
    heads = {
        "head": ["HTTP/1.1 200 OK", b"X-Long: "],
        "body": ["HTTP/1.1 200 OK", "Content-Type: application/fhir+json", "Content-Length: 100000", ""],
        "chunk": ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", ""],
    }

    def behave(handler: Handler) -> None:
        handler.raw(*heads[part])
        while not handler.server.owner.asleep(every):
            handler.raw(b"1")

    return behave


def endless(part: str) -> Behaviour:
    """As fast as it can, without end."""
    head = ["HTTP/1.1 200 OK", "Content-Type: application/fhir+json"]
    starts: dict[str, tuple[list[str | bytes], bytes]] = {
        "body": ([*head, "Connection: close", "", b'{"resourceType":"Bundle","entry":['], b'{"resource":{}},' * 4_096),
        "chunks": ([*head, "Transfer-Encoding: chunked", ""], b"10\r\n" + b" " * 16 + b"\r\n"),
        "chunk length": ([*head, "Transfer-Encoding: chunked", ""], b"0" * 65_536),
        "head": (["HTTP/1.1 200 OK"], b"X: y\r\n" * 4_096),
        "head line": (["HTTP/1.1 200 OK", b"X: "], b"y" * 65_536),
        "status line": ([], b"H" * 65_536),
        "informational": ([], b"HTTP/1.1 100 Continue\r\n\r\n" * 1_024),
    }

    def behave(handler: Handler) -> None:
        first, more = starts[part]
        handler.raw(*first)
        until = time.monotonic() + 20
        while not handler.server.owner.over.is_set() and time.monotonic() < until:
            handler.raw(more)

    return behave


def bomb(size: int) -> Behaviour:
    """A small answer that unpacks into a large one."""
    packed = gzip.compress(b'{"resourceType":"Bundle","x":"' + b"0" * size + b'"}', 9)
    return says(packed, Content_Encoding="gzip")


def broken_off(handler: Handler) -> None:
    """Less than was announced."""
    handler.raw("HTTP/1.1 200 OK", "Content-Type: application/fhir+json", "Content-Length: 900", "", b'{"resourceType":"Bun')
    handler.cut()


def hung_up(handler: Handler) -> None:
    handler.cut()
