"""POST /cds-services/{id}/feedback: what became of the cards, acknowledged once it is on the disk."""

import logging

from flask import Response

from cds_service.protocol.feedback import parse
from cds_service.trust.client import Client
from cds_service.web import observing
from cds_service.web.body import body
from cds_service.web.hooks import service_of
from cds_service.web.house import House

_LOG = logging.getLogger(__name__)


def take_feedback(house: House, service_id: str, client: Client) -> Response:
    """Keep every entry of the body or none, as told by the client: a card that another was sent is as unknown as any."""
    service = service_of(service_id)
    entries = parse(body(house.max_body))
    seen = observing.current()
    seen.outcome = "feedback"
    if entries:
        received_at, issuer, tenant = house.now(), client.issuer, client.tenant
        house.store.record(entries, service=service.id, received_at=received_at, issuer=issuer, tenant=tenant)
    for entry in entries:
        seen.count("cds_feedback_total", entry.outcome)
    _LOG.info("feedback-kept", extra={"service": service.id, "cards": len(entries), "status": 200})
    return Response("{}", mimetype="application/json")
