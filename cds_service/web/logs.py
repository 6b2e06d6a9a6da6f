"""Log lines as JSON with an allow-list of fields, so that nothing from a request can get into a log by accident."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from cds_service.web.observing import CURRENT

FIELDS = ("service", "hook", "status", "cards", "exception", "where", "what", "cause", "issuer", "jti")
"""The members a line may have beside time, level, event and the ids of the request.

None ever holds a value from a request, but for the id of a token that a trusted issuer has signed.
"""

OWN = "cds_service"


class JsonLines(logging.Formatter):
    """One line a record. The event is the message's fixed text; its arguments, the exception's text and the trace stay out."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one JSON object."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": _event(record),
        }
        seen = CURRENT.get()
        if seen:
            line |= {"request": seen.request_id, "trace": seen.trace}
        line |= {name: record.__dict__[name] for name in FIELDS if name in record.__dict__}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
        return json.dumps(line)


def _event(record: logging.LogRecord) -> str:
    """Our own text as written. The server tells of its life in its own words; of a request it could not handle, without them."""
    if record.name.startswith(OWN):
        return str(record.msg)
    if record.exc_info:
        return record.msg if isinstance(record.msg, str) else "exception"
    if record.levelno <= logging.INFO or record.args:
        return record.getMessage()
    return str(record.msg).partition(":")[0]


def settings(level: str = "INFO") -> dict[str, Any]:
    """The logging configuration of the service, and of the server around it."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": JsonLines}},
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "lines", "stream": sys.stdout}},
        "loggers": {name: {"level": level, "handlers": ["out"], "propagate": False} for name in (OWN, "gunicorn.error")},
    }
