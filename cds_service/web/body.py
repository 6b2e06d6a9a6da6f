"""The body of a request, if it is one we read: JSON by its type, not compressed, no larger than allowed."""

from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import UnsupportedMediaType

from cds_service.protocol.wire import BadRequest

TYPES = frozenset({"application/json", "application/fhir+json", "application/json+fhir"})
"""The content types read; the last is what DSTU2 servers call theirs."""


def body() -> bytes:
    """The bytes of the request's body.

    Raises:
        UnsupportedMediaType: another type, another charset or a compressed body (415).
        RequestEntityTooLarge: more than allowed, said before it is read where the length is given, else as soon as it is (413).
        BadRequest: it broke off or was framed wrongly (400).
    """
    if request.mimetype not in TYPES or request.mimetype_params.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType
    try:
        return request.get_data(cache=False)
    except (OSError, ParseException):  # the server reads the frames of a chunked body as it is asked for them
        raise BadRequest("", "the body could not be read") from None
