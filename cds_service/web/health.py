"""/healthz and /readyz: whether the process lives, and whether it can do all of its work."""

from typing import Any

import msgspec
from flask import Response

from cds_service.web.house import House


def healthz() -> Response:
    """The process answers."""
    return _json({"status": "ok"})


def readyz(house: House) -> Response:
    """Ready to answer hooks, with what is degraded: no store keeps feedback, and no hook is refused for it."""
    trouble = house.store.trouble()
    return _json(
        {
            "status": "degraded" if trouble else "ready",
            "degraded": [trouble] if trouble else [],
            "authentication": "off",
            "notOffered": sorted({*house.setting.not_offered, *house.setting.parameters.not_offered}),
        }
    )


def _json(members: dict[str, Any]) -> Response:
    response = Response(msgspec.json.encode(members), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
