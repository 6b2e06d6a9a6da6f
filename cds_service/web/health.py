"""/healthz and /readyz: whether the process lives, and whether it can do all of its work."""

from typing import Any

import msgspec
from flask import Response

from cds_service.web.errors import outcome
from cds_service.web.house import House

RETRY_AFTER_S = 5
"""When to ask again while the service stops: by then it is gone, or another has taken its place."""


def healthz() -> Response:
    """The process answers."""
    return _json({"status": "ok"})


def readyz(house: House) -> Response:
    """Ready to answer hooks, with what is degraded: no store keeps feedback, and no hook is refused for it.

    While the service is about to stop it is not ready, so that whoever balances the load goes elsewhere; what still comes is
    answered.
    """
    if house.drain.begun:
        return outcome(503, "transient", "The service is about to stop.", {"Retry-After": str(RETRY_AFTER_S)})
    store = house.store.trouble()
    degraded = [*([store] if store else []), *house.gate.troubles()]
    return _json(
        {
            "status": "degraded" if degraded else "ready",
            "degraded": degraded,
            "authentication": "required" if house.gate.required else "off",
            "notOffered": sorted({*house.gate.not_offered, *house.setting.parameters.not_offered, *house.setting.not_offered}),
        }
    )


def _json(members: dict[str, Any]) -> Response:
    response = Response(msgspec.json.encode(members), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
