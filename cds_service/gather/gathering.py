"""Gathering for one call: what the client sent along, and what is missing of it from its FHIR server, within one deadline."""

import logging
from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from cds_service.fhir.versions import DSTU2
from cds_service.gather.access import Access, Visit
from cds_service.gather.authorization import OPEN, Authorization, authorization
from cds_service.gather.deadline import Deadline
from cds_service.gather.planning import OTHER_ORDERS, plan
from cds_service.gather.prefetch import KEYS, Sent, sent
from cds_service.gather.templates import asked_since
from cds_service.protocol.gathered import Answer, Fetch, Gathered, State
from cds_service.protocol.request import HookRequest
from cds_service.trust.servers import listed

if TYPE_CHECKING:
    from cds_service.gather.fetching import Fetched

_HAD = (State.PRESENT, State.INCOMPLETE)
_HISTORY = ("medicationStatements", "medicationRequests", "medicationOrders")
_LOG = logging.getLogger(__name__)


class HistoryUnavailable(Exception):
    """Neither the medication statements nor the medication orders could be had (HTTP 412).

    ``what`` names them in words; ``fetches`` are the reads that were tried.
    """

    def __init__(self, *what: str, fetches: tuple[Fetch, ...] = ()) -> None:
        super().__init__(", ".join(what))
        self.what = what
        self.fetches = fetches


def gather(
    request: HookRequest, *, not_offered: frozenset[str], fhir_version: str | None = None, visit: Visit | None = None
) -> Gathered:
    """Every key's answer; read from the client's FHIR server where it was not sent, if the ``visit`` lets it be asked.

    ``not_offered`` are resource types or keys that this client never has. ``fhir_version`` is the client's, where configured.

    Raises:
        HistoryUnavailable: neither medication statements nor medication orders.
    """
    came = sent(request, not_offered=not_offered, fhir_version=fhir_version)
    gathered = Gathered(came.answers, fhir_version)
    if visit is not None and visit.access is not None and request.fhir_server is not None:
        gathered = _completed(request, came, visit, visit.access)
    if visit is not None:
        gathered = replace(gathered, since=asked_since(visit.hook, visit.today))
    if not any(gathered.answers[key].state in _HAD for key in _HISTORY):
        raise HistoryUnavailable("medication statements", "medication orders", fetches=gathered.fetches)
    return gathered


def _completed(request: HookRequest, came: Sent, visit: Visit, access: Access) -> Gathered:
    """What came, with what could be read of the rest."""
    fetcher = access.fetcher
    deadline = Deadline(fetcher.budget_s, fetcher.clock)
    base, right = listed(request.fhir_server or "", access.servers), _right(request, access.open)
    if base is None or right is None:
        wanted = came.pages or any(answer.state is State.MISSING for answer in came.answers.values())
        return Gathered(came.answers, came.fhir_version, (Fetch.NOT_ALLOWED,) if wanted and base is None else ())
    planned = plan(came, request.context, visit, base, right)
    if not planned.starts and not planned.products:
        return Gathered(came.answers, came.fhir_version)
    breaker = fetcher.breaker(base)
    if not breaker.allows():
        failed = {start.key: Answer(State.FAILED) for start in planned.starts if start.first is None}
        return Gathered(came.answers | failed, came.fhir_version, (Fetch.HELD_BACK,))
    from cds_service.gather.fetching import fetch  # noqa: PLC0415 - loads the HTTP client, which a complete call never needs

    fetched = fetch(fetcher, planned, base, right.token, deadline)
    if fetched.alive:
        breaker.answered()
    else:
        breaker.failed()
    _tell(base, fetched.outcomes)
    return _together(came, fetched, right)


def _right(request: HookRequest, is_open: bool) -> Authorization | None:
    """What the call may read; None where it may not read at all: without a token only from an open server."""
    if request.fhir_authorization is None:
        return OPEN if is_open else None
    right = authorization(request.fhir_authorization, request.context)
    if right is None:
        _LOG.info("fhir-authorization-not-used")
    return right


def _tell(base: str, outcomes: tuple[Fetch, ...]) -> None:
    """One line for the operator where not all could be read; the address is one of those that are listed."""
    if set(outcomes) != {Fetch.READ}:
        counts = sorted(Counter(outcomes).items())
        _LOG.warning("fhir-reads", extra={"where": base, "what": ", ".join(f"{outcome} {count}" for outcome, count in counts)})


def _together(came: Sent, fetched: "Fetched", right: Authorization) -> Gathered:
    read = {key: _narrowed(key, answer, right) for key, answer in fetched.answers.items()}
    answers, version = came.answers | read, came.fhir_version
    for requests, orders in OTHER_ORDERS.items():
        if orders in read and requests in read:  # the server was asked for the other type, as it does not know the first
            known = answers[orders].state in _HAD
            answers[requests if known else orders] = Answer(State.NOT_OFFERED)
            version = DSTU2 if known else version
    return Gathered(answers, version, fetched.outcomes, fetched.medications)


def _narrowed(key: str, answer: Answer, right: Authorization) -> Answer:
    """A list of which the scope lets only a part be seen is not whole, whatever the server says."""
    partly = answer.state is State.PRESENT and right.narrows(KEYS[key])
    return Answer(State.INCOMPLETE, answer.resources) if partly else answer
