"""From what was gathered to the record: every resource read by itself, what cannot be read dropped, counted and said."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import chain
from typing import Any, TypeVar, get_args
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Raw, Struct

from cds_service.fhir.bundle import type_of
from cds_service.fhir.concepts import plain
from cds_service.fhir.conditions import allergy, problem, procedure
from cds_service.fhir.dates import when
from cds_service.fhir.lenient import Readable, UnreadableError, decode
from cds_service.fhir.links import by_identifier, links
from cds_service.fhir.medications import NoNameError
from cds_service.fhir.observations import NoDateError, labs
from cds_service.fhir.plans import discontinued, may_be_medicine, planned, pointed_to
from cds_service.fhir.references import foreign
from cds_service.fhir.uses import Scene, administration, dispense, order, statement
from cds_service.fhir.versions import DSTU2, version_of
from cds_service.fhir.wire import (
    AllergyIntolerance,
    Condition,
    Medication,
    MedicationAdministration,
    MedicationDispense,
    MedicationOrder,
    MedicationRequest,
    MedicationStatement,
    Observation,
    Patient,
    Procedure,
    Resource,
)
from cds_service.fhir.wire_plans import AnyPlan
from cds_service.patient.facts import Allergy, Lab, Loss, Lost, Person, Problem, Record, Sex, Use
from cds_service.protocol.gathered import Answer, Gathered, State
from cds_service.protocol.request import HookContext, HookRequest

_KEYS = (
    "patient",
    "medicationStatements",
    "medicationRequests",
    "medicationOrders",
    "medicationDispenses",
    "medicationAdministrations",
    "conditions",
    "procedures",
    "allergies",
    "markers",
    "screening",
)
_LOSSES = {State.MISSING: Loss.NOT_SENT, State.FAILED: Loss.FAILED, State.INCOMPLETE: Loss.INCOMPLETE}
_SEXES = {sex.value: sex for sex in Sex}

_ENDING = frozenset({"stopped", "cancelled", "completed", "ended", "on-hold"})

Fact = TypeVar("Fact", Use, Problem, Lab, Allergy)


class _Received(Struct):
    """One answer, decoded; ``unreadable`` counts what was no FHIR resource, ``damaged`` are ids of objects that lost elements."""

    state: State
    resources: list[Readable]
    unreadable: int = 0
    damaged: set[int] = set()


class _Asked(Struct):
    """What the request itself holds: orders, groups, plans and tasks; orders being discontinued, or references to such."""

    drafted: _Received
    ending: _Received
    pointers: list[Raw]


def read(gathered: Gathered, request: HookRequest, *, hook: str, asof: date, zone: ZoneInfo) -> Record:
    """The record of the request's patient on the day ``asof``, as the service of ``hook`` sees it; never fails on content."""
    reading = _Reading(request.context.patient_id)
    missing = Answer(State.MISSING)
    got = {key: reading.receive(gathered.answers.get(key, missing)) for key in _KEYS}
    asked = reading.asked(request.context)
    fetched = reading.receive(Answer(State.PRESENT, gathered.medications))
    everything = [*chain.from_iterable(received.resources for received in (*got.values(), asked.drafted, asked.ending, fetched))]
    version = gathered.fhir_version or version_of(everything)
    scene = _scene(everything, zone)
    person = reading.person(got["patient"], zone)
    orders = _either(got["medicationRequests"], got["medicationOrders"], version)
    either = (MedicationRequest, MedicationOrder)
    facts = reading.facts
    stated = facts("medication statements", got["medicationStatements"], MedicationStatement, lambda r: statement(r, scene))
    ordered = facts("medication orders", orders, either, lambda r: order(r, scene))
    return Record(
        person=person,
        asof=asof,
        hook=hook,
        statements=stated,
        orders=ordered,
        dispenses=facts("dispenses", got["medicationDispenses"], MedicationDispense, lambda r: dispense(r, scene)),
        administrations=facts(
            "administrations", got["medicationAdministrations"], MedicationAdministration, lambda r: administration(r, scene)
        ),
        problems=facts("conditions", got["conditions"], Condition, lambda r: problem(r, zone)),
        procedures=facts("procedures", got["procedures"], Procedure, lambda r: procedure(r, zone)),
        markers=_since(
            gathered.since.get("markers"),
            facts("laboratory results", got["markers"], Observation, lambda r: labs(r, person, zone)),
        ),
        screening=_since(
            gathered.since.get("screening"),
            facts("screening results", got["screening"], Observation, lambda r: labs(r, person, zone)),
        ),
        allergies=facts("allergies", got["allergies"], AllergyIntolerance, allergy),
        drafts=reading.drafts(asked, ordered or (), scene),
        lost=tuple(reading.lost),
        foreign=reading.foreign,
        tolerated=reading.tolerated,
        fhir_version=version,
        encounter=request.context.encounter_id,
    )


def _scene(everything: Iterable[Readable], zone: ZoneInfo) -> Scene:
    """What came along that resources may point to; identifiers are read only where an order is named by nothing else."""
    orders = [found for found in everything if isinstance(found, MedicationRequest | MedicationOrder)]
    nameless = any(link.reference is None for order in orders for link in links(order))
    medications = {found.id: found for found in everything if isinstance(found, Medication) and found.id}
    return Scene(zone, medications, by_identifier(orders) if nameless else {})


def _either(requests: _Received, orders: _Received, version: str) -> _Received:
    """MedicationRequest and MedicationOrder as the one question they are.

    A list with an entry answers it; an empty one only if its type exists in the client's version; that the other type is absent
    means nothing.
    """
    main, other = (orders, requests) if version == DSTU2 else (requests, orders)
    state = main.state
    if other.resources or other.unreadable:
        both = {main.state, other.state}
        state = State.INCOMPLETE if State.INCOMPLETE in both else State.PRESENT
    unreadable, damaged = main.unreadable + other.unreadable, main.damaged | other.damaged
    return _Received(state, [*main.resources, *other.resources], unreadable, damaged)


class _Reading(Struct):
    """What is needed all along while one record is read, and the counts that run along."""

    patient_id: str
    foreign: int = 0
    tolerated: int = 0
    lost: list[Lost] = []

    def receive(self, answer: Answer) -> _Received:
        """Decode every resource of an answer; types that nothing reads are passed over."""
        received = _Received(answer.state, [])
        for raw in answer.resources:
            try:
                resource, dropped = decode(raw)
            except UnreadableError:
                received.unreadable += 1
                continue
            if resource is not None:
                received.resources.append(resource)
                if dropped:
                    self.tolerated += dropped
                    received.damaged.add(id(resource))
        return received

    def facts(
        self,
        what: str,
        received: _Received,
        kinds: type[Resource] | tuple[type[Resource], ...],
        fact: Callable[[Any], Fact | list[Fact] | None],
    ) -> tuple[Fact, ...] | None:
        """The facts of one list, None where it did not come; what is not whole is noted in ``lost``.

        A list of nobody but other people tells nothing: who sent it did not look at whose it should be.
        """
        if received.state in {State.MISSING, State.FAILED}:
            self.lost.append(Lost(what, _LOSSES[received.state]))
            return None
        strangers = self.foreign
        found, unreadable = self._each(received, kinds, fact)
        if self.foreign > strangers and not self._own(received, kinds):
            self.lost.append(Lost(what, Loss.FAILED))
            return None
        if received.state is State.INCOMPLETE:
            self.lost.append(Lost(what, Loss.INCOMPLETE))
        if unreadable:
            self.lost.append(Lost(what, Loss.UNREADABLE, unreadable))
        return _once(found)

    def asked(self, context: HookContext) -> _Asked:
        """Decode what the lists of the context hold."""
        pointers = [raw for raw in context.discontinued if type_of(raw) is None]
        ending = tuple([raw for raw in context.discontinued if type_of(raw) is not None])
        drafted = self.receive(Answer(State.PRESENT, context.orders or ()))
        return _Asked(drafted, self.receive(Answer(State.PRESENT, ending)), pointers)

    def drafts(self, asked: _Asked, known: Sequence[Use], scene: Scene) -> tuple[Use, ...]:
        """The orders of the request itself, each with what the request makes of it; what cannot be read counts as tolerated.

        ``known`` are the orders of the record, to which groups and tasks may point. An order that ends and names no medicine may
        be of any: it is noted in ``lost``.
        """
        kinds = (MedicationRequest, MedicationOrder)
        scene = msgspec.structs.replace(scene, known={use.reference: use for use in known})
        nameless: list[MedicationRequest | MedicationOrder] = []

        def drafted(draft: MedicationRequest | MedicationOrder) -> Use | None:
            try:
                return order(draft, scene, draft=True)
            except NoNameError:
                nameless.append(draft)
                raise

        found, unreadable = self._each(asked.drafted, kinds, drafted)
        ended, lost = self._each(asked.ending, kinds, lambda draft: discontinued(draft, scene))
        orders = {use.reference: use for use in (*known, *found)}
        told, _ = self._each(asked.drafted, get_args(AnyPlan), lambda plan: planned(plan, orders, scene))
        named = [pointed_to(pointer, orders) for pointer in asked.pointers]
        self.tolerated += unreadable + lost + named.count(None)
        pairs = zip(asked.pointers, named, strict=True)
        unknown = sum(may_be_medicine(pointer) for pointer, use in pairs if use is None) + sum(map(_ends, nameless))
        if lost + unknown:
            self.lost.append(Lost("orders of this request", Loss.UNREADABLE, lost + unknown))
        changed = [*ended, *told, *(use for use in named if use is not None)]
        spoken_for = {use.reference for use in changed if "/" in use.reference}
        return _once([*(use for use in found if use.reference not in spoken_for), *changed])

    def _own(self, received: _Received, kinds: type[Resource] | tuple[type[Resource], ...]) -> bool:
        own = (found for found in received.resources if isinstance(found, kinds))
        return received.unreadable > 0 or not all(foreign(found, self.patient_id) for found in own)

    def _each(
        self,
        received: _Received,
        kinds: type[Resource] | tuple[type[Resource], ...],
        fact: Callable[[Any], Fact | list[Fact] | None],
    ) -> tuple[list[Fact], int]:
        """The facts of the resources of these kinds, and how many could not be read.

        Unreadable is also what has no date or names no medicine, what an extension of unknown meaning modifies, and what lost
        what it is about.
        """
        found: list[Fact] = []
        unreadable = received.unreadable
        for resource in received.resources:
            if not isinstance(resource, kinds):
                continue
            if foreign(resource, self.patient_id):
                self.foreign += 1
                continue
            try:
                told = fact(resource)
            except (NoDateError, NoNameError):
                unreadable += 1
                continue
            facts = told if isinstance(told, list) else () if told is None else (told,)
            if resource.modifier_extension or (id(resource) in received.damaged and not any(map(_tells, facts))):
                unreadable += 1
            else:
                found += facts
        return found, unreadable

    def person(self, received: _Received, zone: ZoneInfo) -> Person:
        """The patient; known by id alone where the resource did not come."""
        for found in received.resources:
            if not isinstance(found, Patient):
                continue
            if found.id not in {None, self.patient_id}:
                self.foreign += 1
                continue
            sex = _SEXES.get(plain(found.gender))
            deceased = bool(found.deceased_boolean) or found.deceased_date_time is not None
            return Person(self.patient_id, sex, when(found.birth_date, zone), deceased)
        if received.unreadable:
            self.lost.append(Lost("patient", Loss.UNREADABLE, received.unreadable))
        elif received.state is not State.NOT_OFFERED:
            self.lost.append(Lost("patient", _LOSSES.get(received.state, Loss.NOT_SENT)))
        return Person(self.patient_id)


def _ends(found: MedicationRequest | MedicationOrder) -> bool:
    """Whether an order says that its medicine is to end, to pause or not to be given."""
    forbids = isinstance(found, MedicationRequest) and bool(found.do_not_perform)
    return forbids or plain(found.status) in _ENDING


def _tells(fact: Use | Problem | Lab | Allergy) -> bool:
    """Whether a fact still says what it is about."""
    if isinstance(fact, Lab):
        return fact.quantity is not None or fact.concept is not None
    if isinstance(fact, Use):
        return bool(fact.drug.text.text)
    return bool(fact.text.text) or (isinstance(fact, Problem) and bool(fact.groups))


def _since(day: date | None, found: tuple[Lab, ...] | None) -> tuple[Lab, ...] | None:
    """The results from the day on from which they were asked for; who answers does not always look at that."""
    if day is None or found is None:
        return found
    return tuple(lab for lab in found if lab.when.latest >= day)


def _once(found: list[Fact]) -> tuple[Fact, ...]:
    """The facts in order; a resource that came twice counts once."""
    if len({fact.reference for fact in found}) < len(found):
        return tuple(dict.fromkeys(found))
    return tuple(found)
