"""The headers of every answer, and the preflights of browsers."""

from flask import Flask, Response, request

PREFLIGHT_SECONDS = 600
"""How long a browser may remember a preflight."""


def install(app: Flask, origins: frozenset[str]) -> None:
    """Answer preflights on every path, and mark every answer; an origin is allowed only if it is listed exactly."""

    @app.before_request
    def preflight() -> Response | None:
        if request.method != "OPTIONS":
            return None
        response = Response(status=204)
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Accept"
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return response

    @app.after_request
    def mark(response: Response) -> Response:
        headers = response.headers
        headers["Vary"] = "Origin"
        origin = request.headers.get("Origin")
        if origin in origins:
            headers["Access-Control-Allow-Origin"] = origin
        headers["X-Content-Type-Options"] = "nosniff"
        if request.method == "POST" or response.status_code >= 400:
            headers["Cache-Control"] = "no-store"
        return response
