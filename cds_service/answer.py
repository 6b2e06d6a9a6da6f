"""The whole way from a hook request to its cards; the web, the command line and the stories all take it."""

from collections.abc import Callable
from datetime import date
from itertools import chain
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from cds_service.cards import cards
from cds_service.evaluate import evaluate
from cds_service.fhir import evidence
from cds_service.fhir.reading import read
from cds_service.gather import Access, Visit, gather
from cds_service.knowledge.finding import CannotTell, Finding, Sentence, say
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.facts import Outside, Record
from cds_service.protocol.card import Card
from cds_service.protocol.gathered import Fetch, Gathered
from cds_service.protocol.request import HookRequest


class Setting(Struct, frozen=True):
    """What does not come with the request: the numbers in force, the public URL, what this client never offers.

    ``access`` says which FHIR servers may be asked for this client; without it none is. ``strict`` also validates the evidence
    with the FHIR models (slow) and names what is not valid among the unknowns.
    """

    parameters: Parameters
    base_url: str
    not_offered: frozenset[str] = frozenset()
    fhir_version: str | None = None
    strict: bool = False
    access: Access | None = None


class Outcome(Struct, frozen=True):
    """The cards, the record they were made from, and what became of each read from the FHIR server."""

    cards: tuple[Card, ...]
    record: Record
    fetches: tuple[Fetch, ...] = ()


def _unwatched(_stage: str) -> None:
    """Nobody measures how long the stages take."""


def answer(request: HookRequest, *, hook: str, asof: date, setting: Setting, done: Callable[[str], None] = _unwatched) -> Outcome:
    """Answer a request as the service of ``hook`` on the day ``asof``; ``done`` is told the name of each stage as it ends.

    Raises:
        HistoryUnavailable: neither medication statements nor medication orders could be had (HTTP 412).
    """
    offered = setting.not_offered | frozenset(setting.parameters.not_offered)
    visit = Visit(hook, asof, setting.access)
    gathered = gather(request, not_offered=offered, fhir_version=setting.fhir_version, visit=visit)
    done("gather")
    record = read(gathered, request, hook=hook, asof=asof, zone=ZoneInfo(setting.parameters.timezone))
    done("read")
    findings = evaluate(record, setting.parameters)
    done("evaluate")
    if setting.strict:
        findings = tuple(_validated(finding, gathered, request, record.fhir_version) for finding in findings)
    made = cards(findings, record, parameters=setting.parameters, base_url=setting.base_url, own=request.context.orders or ())
    done("cards")
    return Outcome(made, record, gathered.fetches)


def _validated(finding: Finding | CannotTell, gathered: Gathered, request: HookRequest, version: str) -> Finding | CannotTell:
    """The finding with an unknown for each entry of its evidence that is not valid FHIR."""
    resources = chain(*(received.resources for received in gathered.answers.values()), request.context.resources)
    faults = evidence.faults(resources, {item.reference for item in finding.evidence}, version)
    named: tuple[Sentence, ...] = tuple(
        say("evidence-invalid", version=version, reference=Outside(reference), faults=Outside("; ".join(wrong)))
        for reference, wrong in faults.items()
    )
    if isinstance(finding, CannotTell):
        return replace(finding, missing=(*finding.missing, *named))
    return replace(finding, unknown=(*finding.unknown, *named))
