"""POST /cds-services/{id}: a hook request answered with cards."""

import logging
from collections.abc import Sequence
from datetime import datetime

import msgspec
from flask import Response
from msgspec.structs import replace
from werkzeug.exceptions import NotFound

from cds_service.answer import Outcome, Setting, answer
from cds_service.protocol import discovery
from cds_service.protocol.card import Card, plain
from cds_service.protocol.discovery import Service
from cds_service.protocol.request import HookRequest, parse
from cds_service.protocol.schemas import schema
from cds_service.store import AnsweredCard
from cds_service.trust.client import Client
from cds_service.web import observing
from cds_service.web.body import body
from cds_service.web.errors import FaultyAnswer
from cds_service.web.house import House
from cds_service.web.observing import Observation

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_LOG = logging.getLogger(__name__)


def service_of(service_id: str) -> Service:
    """The service of that id.

    Raises:
        NotFound: there is none (404).
    """
    try:
        return discovery.services()[service_id]
    except KeyError:
        raise NotFound from None


def answer_hook(house: House, service_id: str, client: Client) -> Response:
    """The cards for the request in hand, of that client: checked, remembered for feedback, answered."""
    service = service_of(service_id)
    sent, seen = body(house.max_body), observing.current()
    seen.begin()
    request = parse(sent)
    seen.done("parse")
    now = house.now()
    outcome = answer(request, hook=service.hook, asof=now.date(), setting=_agreed(house.setting, client), done=seen.done)
    fault = schema("response").fault({"cards": plain(outcome.cards)})
    if fault is not None:
        raise FaultyAnswer(fault)
    seen.done("check")
    if outcome.cards and not house.store.remember([_remembered(card, service, client, now) for card in outcome.cards]):
        _LOG.warning("answered-cards-wait", extra={"service": service.id})
    seen.done("store")
    _count(seen, outcome, service, request)
    # The hook's name is one of a closed list; where it is not the service's own, the client meant another one.
    _LOG.info("answered", extra={"service": service.id, "hook": request.hook, "cards": len(outcome.cards), "status": 200})
    return Response(_ENCODER.encode({"cards": outcome.cards}), mimetype="application/json")


def _count(seen: Observation, outcome: Outcome, service: Service, request: HookRequest) -> None:
    seen.answered("cards" if outcome.cards else "no-cards")
    for card in outcome.cards:
        seen.count("cds_cards_total", card.source.topic.code, card.indicator)
    for fetch in outcome.fetches:
        seen.count("cds_fhir_fetches_total", fetch)
    if request.hook != service.hook:
        seen.count("cds_other_hook_total", service.id)


def _agreed(setting: Setting, client: Client) -> Setting:
    """The setting with what is known of this client."""
    access = setting.access and replace(setting.access, servers=frozenset(client.fhir_servers))
    not_offered = setting.not_offered | client.not_offered
    return replace(setting, not_offered=not_offered, fhir_version=client.fhir_version, access=access)


def _remembered(card: Card, service: Service, client: Client, now: datetime) -> AnsweredCard:
    suggestions: Sequence[str] = [suggestion.uuid for suggestion in card.suggestions or ()]
    return AnsweredCard(
        card=card.uuid,
        service=service.id,
        hook=service.hook,
        topic=card.source.topic.code,
        indicator=card.indicator,
        suggestions=tuple(suggestions),
        answered_at=now,
        issuer=client.issuer,
        tenant=client.tenant,
    )
