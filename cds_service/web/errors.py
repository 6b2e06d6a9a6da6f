"""Every error as an OperationOutcome: the one place that turns what went wrong into a status."""

import logging
from collections.abc import Mapping
from pathlib import Path
from traceback import walk_tb
from types import MappingProxyType

import msgspec
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from cds_service.gather import HistoryUnavailable
from cds_service.protocol.wire import BadRequest
from cds_service.store import StoreUnavailable
from cds_service.web import observing

RETRY_AFTER_S = 5
"""When a client whose feedback could not be kept may try again."""

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_SAID = {
    404: ("not-found", "There is nothing at this address."),
    405: ("not-supported", "This method is not supported here; see the Allow header."),
    413: ("too-long", "The body is larger than this service accepts."),
    415: ("not-supported", "The body must be sent as application/json in UTF-8, not compressed."),
}
_LOG = logging.getLogger(__name__)


class FaultyAnswer(Exception):
    """An answer of ours that is not what CDS Hooks asks for; ``where`` is the place in the schema."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


def outcome(status: int, code: str, diagnostics: str, headers: Mapping[str, str] = _NO_HEADERS) -> Response:
    """An OperationOutcome with one issue."""
    body = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "diagnostics": diagnostics}],
    }
    response = Response(msgspec.json.encode(body), status, mimetype="application/json")
    response.headers.update(headers)
    return response


def install(app: Flask) -> None:
    """Let every error of the application be answered here."""
    app.register_error_handler(BadRequest, _bad_request)
    app.register_error_handler(HistoryUnavailable, _history_unavailable)
    app.register_error_handler(StoreUnavailable, _store_unavailable)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _broken)


def _bad_request(error: BadRequest) -> Response:
    _LOG.info("refused", extra={"status": 400, "what": str(error)})
    return outcome(400, "invalid", f"{error}.")


def _history_unavailable(error: HistoryUnavailable) -> Response:
    seen = observing.current()
    seen.done("gather")
    for fetch in error.fetches:
        seen.count("cds_fhir_fetches_total", fetch)
    _LOG.info("refused", extra={"status": 412, "what": f"no {' nor '.join(error.what)}"})
    return outcome(412, "incomplete", f"Neither {' nor '.join(error.what)} could be had, so nothing can be said.")


def _store_unavailable(error: StoreUnavailable) -> Response:
    _LOG.error("feedback-not-kept", extra={"what": str(error), "status": 503})
    return outcome(503, "transient", "The feedback cannot be kept now.", {"Retry-After": str(RETRY_AFTER_S)})


def _refused(error: HTTPException) -> Response:
    status = error.code or 500
    code, diagnostics = _SAID.get(status, ("invalid", "The request cannot be read."))
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    if status not in (404, 405):  # every scan for open doors ends so
        _LOG.info("refused", extra={"status": status})
    return outcome(status, code, diagnostics, headers)


def _broken(error: Exception) -> Response:
    """The one handler for what nobody expected: the request's id for the caller, type and place for the log, never the text."""
    where = error.where if isinstance(error, FaultyAnswer) else _place(error)
    _LOG.error("broken", extra={"exception": type(error).__name__, "where": where, "status": 500})
    return outcome(500, "exception", f"The service failed. It keeps a note under {observing.current().request_id}.")


def _place(error: BaseException) -> str:
    """Where the exception came from, innermost last: file and line of the last three calls."""
    calls = [f"{Path(frame.f_code.co_filename).name}:{line}" for frame, line in walk_tb(error.__traceback__)]
    return " ".join(calls[-3:])
