"""The limit L: a bare WSGI application that reads the body, parses it once and returns fixed bytes."""

from collections.abc import Callable, Iterable
from typing import Any

import orjson

ANSWER = b'{"cards":[]}'


def app(environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """Parse and answer."""
    orjson.loads(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))])
    return [ANSWER]
