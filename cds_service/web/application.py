"""The routes of the service, as one Flask application."""

from functools import cache

from flask import Flask, Response

from cds_service.protocol import discovery
from cds_service.web import authentication, errors, headers, openapi, operations, overload
from cds_service.web.feedback import take_feedback
from cds_service.web.health import healthz, readyz
from cds_service.web.hooks import answer_hook
from cds_service.web.house import House
from cds_service.web.observing import Observed
from cds_service.web.pages import Pages
from cds_service.web.paths import PlainPaths


def build(house: House) -> Flask:
    """The application of one service."""
    app = Flask("cds_service", static_folder=None)
    app.url_map.merge_slashes = False  # PlainPaths does it, without a redirect
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.extensions |= {"drain": house.drain, "max_body": house.max_body, "metrics": house.metrics}
    errors.install(app)
    headers.install(app, house.origins, vary=("Origin", "Authorization") if house.gate.required else ("Origin",))
    overload.install(app)
    authentication.install(app, house.gate)
    pages = Pages(house)

    @app.get("/cds-services")
    def discover() -> Response:
        return Response(discovery.body(), mimetype="application/json")

    @app.post("/cds-services/<service_id>")
    def hook(service_id: str) -> Response:
        return answer_hook(house, service_id, authentication.client())

    @app.post("/cds-services/<service_id>/feedback")
    def feedback(service_id: str) -> Response:
        return take_feedback(house, service_id, authentication.client())

    @app.get("/")
    def front() -> Response:
        return pages.front().response()

    @app.get("/knowledge")
    def knowledge() -> Response:
        return pages.knowledge().response()

    described = cache(lambda: openapi.document(house.setting))

    @app.get("/openapi.json")
    def describe() -> Response:
        return Response(described(), mimetype="application/json")

    operations.install(app, house)
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", "readyz", lambda: readyz(house))
    app.wsgi_app = PlainPaths(Observed(app.wsgi_app, house.metrics))  # type: ignore[method-assign]
    return app
