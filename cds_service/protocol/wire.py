"""JSON as it comes from outside: what is refused before anything is decoded, and the parser that refuses doubled keys."""

import json
import re
from typing import Any

import msgspec
from msgspec import Raw

MAX_DEPTH = 100
"""How deeply objects and lists may be nested."""

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_QUOTES_AND_BRACKETS = bytes(set(range(256)) - set(b'"{}[]'))
_ONE_KIND = bytes.maketrans(b"{}[]", b"()()")
_json = msgspec.json.Decoder(Raw)


class BadRequest(ValueError):
    """A body that is not what it must be (HTTP 400): the path of the member at fault and what is wrong, never its value."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path} {problem}" if path else problem)
        self.path = path
        self.problem = problem


def refuse_hostile(body: bytes) -> None:
    """Refuse what no client needs and parsers disagree on: other encodings than UTF-8 and deep nesting.

    Raises:
        BadRequest: a byte order mark, bytes that are not UTF-8, more than 100 levels of nesting.
    """
    if body.startswith(_BYTE_ORDER_MARKS):
        raise BadRequest("", "the body begins with a byte order mark")
    try:
        body.decode()
    except UnicodeDecodeError:
        raise BadRequest("", "the body is not UTF-8") from None
    if nested_beyond(body, MAX_DEPTH):
        raise BadRequest("", f"the body is nested more than {MAX_DEPTH} levels deep")


def nested_beyond(body: bytes, limit: int) -> bool:
    """Whether objects and lists are nested deeper than ``limit``: exact for JSON, and at most twice as lenient for what is none.

    The whole body is looked at before it is parsed, so this has to cost less than parsing: everything but quotes and brackets
    is dropped, then the strings, and each round of taking away the empty pairs takes away one level. Two quotes side by side
    are an empty string or the seam of two strings; without them the others still pair up as before.
    """
    if b"\\" in body:
        body = _ESCAPE.sub(b"", body)
    marks = body.translate(_ONE_KIND, _QUOTES_AND_BRACKETS).replace(b'""', b"")
    brackets = b"".join(marks.split(b'"')[::2])
    for _ in range(limit):
        peeled = brackets.replace(b"()", b"")
        if len(peeled) == len(brackets):
            break
        brackets = peeled
    return brackets.count(b"(") > limit or b"()" in brackets


def parse_unique(body: bytes) -> Any:
    """The JSON value, with every object's keys single.

    Raises:
        BadRequest: not JSON (NaN, Infinity and half of a surrogate pair included), a key that is there twice, a number too
            long to read.
    """
    try:
        _json.decode(body)
        return json.loads(body.decode(), object_pairs_hook=_unique)
    except BadRequest:
        raise
    except msgspec.DecodeError:
        raise BadRequest("", "the body is not JSON") from None
    except ValueError:
        raise BadRequest("", "the body holds a number that is too long") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadRequest("", "the body has an object with the same key twice")
    return members
