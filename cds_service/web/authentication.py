"""Who calls: asked before anything under /cds-services is looked at. Whoever is not let in learns nothing more than that."""

import logging

from flask import Flask, Response, g, request

from cds_service.trust.client import Client
from cds_service.trust.gate import Gate
from cds_service.trust.refusal import Refused
from cds_service.web import observing
from cds_service.web.errors import outcome

ID_LENGTH = 64
"""How much of a token's id is logged."""

_GUARDED = "/cds-services"
_LOG = logging.getLogger(__name__)


def install(app: Flask, gate: Gate) -> None:
    """Ask the gate about every call of the API, discovery included; preflights have been answered before."""
    app.register_error_handler(Refused, _refused)

    @app.before_request
    def admit() -> None:
        if request.path == _GUARDED or request.path.startswith(_GUARDED + "/"):
            g.client = gate.admit(request.headers.get("Authorization"), request.path)


def client() -> Client:
    """Who makes the call in hand, which is one of the API."""
    found: Client = g.client
    return found


def _refused(refused: Refused) -> Response:
    observing.current().count("cds_authentication_failures_total", refused.cause)
    told = {"cause": refused.cause.value, "issuer": refused.issuer, "jti": refused.jti and refused.jti[:ID_LENGTH]}
    _LOG.warning("not-let-in", extra={"status": 401, **{name: value for name, value in told.items() if value}})
    return outcome(401, "login", "Authentication is required.", {"WWW-Authenticate": "Bearer"})
