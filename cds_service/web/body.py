"""The body of a request, if it is one we read: JSON by its type, not compressed, no larger than allowed."""

from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from cds_service.protocol.wire import BadRequest

TYPES = frozenset({"application/json", "application/fhir+json", "application/json+fhir"})
"""The content types read; the last is what DSTU2 servers call theirs."""


def body(limit: int) -> bytes:
    """The bytes of the request's body.

    Raises:
        UnsupportedMediaType: another type, another charset or a compressed body (415).
        RequestEntityTooLarge: more than ``limit`` bytes, said before they are read where the length is given, else as soon as
            they have come (413).
        BadRequest: it broke off or was framed wrongly (400).
    """
    if request.mimetype not in TYPES or request.mimetype_params.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType
    length = request.content_length
    if length is not None and length > limit:
        raise RequestEntityTooLarge
    found = _read(limit + 1 if length is None else length)
    if len(found) > limit:
        raise RequestEntityTooLarge
    if length is not None and len(found) < length:
        raise BadRequest("", "the body is shorter than its length says")
    return found


def _read(size: int) -> bytes:
    """So many bytes, or all there are. A body without a length has come only where the server says that it ends."""
    stream, found = request.environ["wsgi.input"], b""
    if request.content_length is None and not request.environ.get("wsgi.input_terminated"):
        return found
    try:
        while len(found) < size and (more := stream.read(size - len(found))):
            found += more
    except (OSError, ParseException):
        raise BadRequest("", "the body could not be read") from None
    return found
