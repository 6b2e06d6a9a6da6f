"""The headers of every answer, and the preflights of browsers."""

from collections.abc import Iterable

from flask import Flask, Response, request

PREFLIGHT_SECONDS = 600
"""How long a browser may remember a preflight."""


def install(app: Flask, origins: frozenset[str], *, vary: Iterable[str] = ("Origin",)) -> None:
    """Answer preflights on every path, and mark every answer; an origin is allowed only if it is listed exactly.

    ``vary`` are the headers of a request that decide about the answer.
    """
    decisive = ", ".join(vary)

    @app.before_request
    def preflight() -> Response | None:
        if request.method != "OPTIONS":
            return None
        response = Response(status=204)
        del response.headers["Content-Type"]
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Accept"
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return response

    @app.after_request
    def mark(response: Response) -> Response:
        headers = response.headers
        headers["Vary"] = decisive
        origin = request.headers.get("Origin")
        if origin in origins:
            headers["Access-Control-Allow-Origin"] = origin
        headers["X-Content-Type-Options"] = "nosniff"
        if request.method == "POST" or response.status_code >= 400:
            headers["Cache-Control"] = "no-store"
        return response
