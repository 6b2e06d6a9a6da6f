"""What is for operators only: /metrics and /feedback-report."""

from datetime import date

from flask import Flask, Response, request

from cds_service.protocol.wire import BadRequest
from cds_service.store import StoreUnavailable
from cds_service.web.errors import RETRY_AFTER_S, outcome
from cds_service.web.house import House
from cds_service.web.metrics import CONTENT_TYPE
from cds_service.web.pages import Page
from cds_service.web.report import page, report


def install(app: Flask, house: House) -> None:
    """Answer operators at their addresses; for others there is nothing at them."""

    @app.get("/metrics")
    def metrics() -> Response:
        house.operators.let_in(request.environ)
        return _fresh(Response(house.metrics.text(), content_type=CONTENT_TYPE))

    @app.get("/feedback-report")
    def feedback_report() -> Response:
        house.operators.let_in(request.environ)
        try:
            told = report(house.store, house.setting.parameters, since=_day("since"), until=_day("until"))
        except StoreUnavailable:
            return outcome(503, "transient", "The store cannot be read now.", {"Retry-After": str(RETRY_AFTER_S)})
        return _fresh(Page(page(told)).response())


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _day(name: str) -> date | None:
    given = request.args.get(name)
    if not given:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise BadRequest(name, "must be a day such as 2026-01-31") from None
