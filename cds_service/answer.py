"""The whole way from a hook request to its cards; the web, the command line and the stories all take it."""

from datetime import date
from zoneinfo import ZoneInfo

from msgspec import Struct

from cds_service.cards import cards
from cds_service.evaluate import evaluate
from cds_service.fhir.reading import read
from cds_service.gather import gather
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.facts import Record
from cds_service.protocol.card import Card
from cds_service.protocol.request import HookRequest


class Setting(Struct, frozen=True):
    """What does not come with the request: the numbers in force, the public URL, what this client never offers."""

    parameters: Parameters
    base_url: str
    not_offered: frozenset[str] = frozenset()
    fhir_version: str | None = None


class Outcome(Struct, frozen=True):
    """The cards, and the record they were made from."""

    cards: tuple[Card, ...]
    record: Record


def answer(request: HookRequest, *, hook: str, asof: date, setting: Setting) -> Outcome:
    """Answer a request as the service of ``hook`` on the day ``asof``.

    Raises:
        HistoryUnavailable: neither medication statements nor medication orders could be had (HTTP 412).
    """
    offered = setting.not_offered | frozenset(setting.parameters.not_offered)
    gathered = gather(request, not_offered=offered, fhir_version=setting.fhir_version)
    record = read(gathered, request, hook=hook, asof=asof, zone=ZoneInfo(setting.parameters.timezone))
    findings = evaluate(record, setting.parameters)
    return Outcome(cards(findings, record, parameters=setting.parameters, base_url=setting.base_url), record)
