"""Everything that one call reads from the FHIR server, side by side: lists with their further pages, referenced medications."""

from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any

from msgspec import Raw, Struct

from cds_service.fhir.products import product_id
from cds_service.gather.access import Fetcher
from cds_service.gather.client import Got, Room, Server
from cds_service.gather.deadline import Deadline
from cds_service.gather.pages import Listed, listed
from cds_service.gather.planning import Plan, Start, absent_products
from cds_service.protocol.gathered import Answer, Fetch, State
from cds_service.protocol.wire import BadRequest, refuse_hostile

GRACE_S = 0.01
"""How long after the deadline the readers, who stop at it, are waited for."""

MEDICATIONS = 40
"""How many referenced medications are read for one call; those whose reference does not name them come first."""


class Fetched(Struct, frozen=True):
    """What was read: the answers by key, the medications, and what became of each read.

    ``alive`` says that the server answered at least one of them with something else than that it is broken.
    """

    answers: dict[str, Answer]
    medications: tuple[Raw, ...]
    outcomes: tuple[Fetch, ...]
    alive: bool


def fetch(fetcher: Fetcher, plan: Plan, base: str, token: str | None, deadline: Deadline) -> Fetched:
    """Read what is planned from the server at ``base``, and come back soon after the deadline at the latest."""
    server = Server(base, token, fetcher.outgoing, deadline=deadline, room=Room(fetcher.max_bytes))
    return _Fetching(server, fetcher.executor, deadline).run(plan)


class _Fetching:
    """The reads of one call."""

    def __init__(self, server: Server, executor: Executor, deadline: Deadline) -> None:
        self._server = server
        self._executor = executor
        self._deadline = deadline
        self._lists: dict[Future[Listed], Start] = {}
        self._products: dict[Future[Got], str] = {}
        self._begun: set[str] = set()
        self._answers: dict[str, Answer] = {}
        self._medications: list[Raw] = []
        self._outcomes: list[Fetch] = []

    def run(self, plan: Plan) -> Fetched:
        for start in plan.starts:
            self._begin(start)
        self._read_products(plan.products)
        while self._lists or self._products:
            left = max(self._deadline.left() + GRACE_S, 0)
            under_way: list[Future[Any]] = [*self._lists, *self._products]
            done, _ = wait(under_way, timeout=left, return_when=FIRST_COMPLETED)
            if not done:
                break
            for future in [future for future in self._lists if future in done]:
                self._take_list(self._lists.pop(future), future.result(), plan)
            for reading in [reading for reading in self._products if reading in done]:
                self._take_product(self._products.pop(reading), reading.result())
        self._give_up()
        return Fetched(self._answers, tuple(self._medications), tuple(self._outcomes), self._server.alive)

    def _begin(self, start: Start) -> None:
        self._lists[self._executor.submit(listed, self._server, start.key, start.url, start.first)] = start

    def _take_list(self, start: Start, found: Listed, plan: Plan) -> None:
        self._answers[start.key] = found.answer
        self._outcomes.append(found.outcome)
        if found.unknown_type and start.key in plan.instead:
            self._begin(plan.instead[start.key])
        if plan.reads_products:
            self._read_products(absent_products(found.answer.resources, self._server.base))

    def _read_products(self, idents: Iterable[str]) -> None:
        for ident in idents:
            if ident not in self._begun and len(self._begun) < MEDICATIONS:
                self._begun.add(ident)
                self._products[self._executor.submit(self._server.get, f"{self._server.base}/Medication/{ident}")] = ident

    def _take_product(self, ident: str, got: Got) -> None:
        outcome = got.outcome
        if got.body is not None:
            medication = _medication(got.body, ident)
            if medication is not None:
                self._medications.append(medication)
            else:
                outcome = Fetch.FAILED
        self._outcomes.append(outcome)

    def _give_up(self) -> None:
        """Leave what is still on its way; a first page that came along stays as it is."""
        for future, start in self._lists.items():
            future.cancel()
            if start.first is None:
                self._answers[start.key] = Answer(State.FAILED)
        for reading in self._products:
            reading.cancel()
        self._outcomes += [Fetch.LATE] * (len(self._lists) + len(self._products))


def _medication(body: bytes, ident: str) -> Raw | None:
    try:
        refuse_hostile(body)
    except BadRequest:
        return None
    return Raw(body) if product_id(Raw(body)) == ident else None
