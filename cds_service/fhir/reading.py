"""From what was gathered to the record: every resource read by itself, what cannot be read dropped, counted and said."""

from collections.abc import Callable
from datetime import date
from itertools import chain
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct

from cds_service.fhir.concepts import plain
from cds_service.fhir.conditions import allergy, problem, procedure
from cds_service.fhir.dates import when
from cds_service.fhir.lenient import UnreadableError, decode
from cds_service.fhir.observations import NoDateError, labs
from cds_service.fhir.references import foreign
from cds_service.fhir.uses import Scene, administration, dispense, order, statement
from cds_service.fhir.versions import DSTU2, version_of
from cds_service.fhir.wire import (
    AllergyIntolerance,
    AnyResource,
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
)
from cds_service.patient.facts import Allergy, Lab, Loss, Lost, Person, Problem, Record, Sex, Use
from cds_service.protocol.gathered import Answer, Gathered, State
from cds_service.protocol.request import HookRequest

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

Fact = TypeVar("Fact", Use, Problem, Lab, Allergy)


class _Received(Struct):
    """One answer, decoded; ``unreadable`` counts what was no FHIR resource, ``damaged`` are ids of objects that lost elements."""

    state: State
    resources: list[AnyResource]
    unreadable: int = 0
    damaged: set[int] = set()


def read(gathered: Gathered, request: HookRequest, *, hook: str, asof: date, zone: ZoneInfo) -> Record:
    """The record of the request's patient on the day ``asof``, as the service of ``hook`` sees it; never fails on content."""
    reading = _Reading(request.context.patient_id)
    missing = Answer(State.MISSING)
    got = {key: reading.receive(gathered.answers.get(key, missing)) for key in _KEYS}
    drafted = reading.receive(Answer(State.PRESENT, request.context.orders or ()))
    fetched = reading.receive(Answer(State.PRESENT, gathered.medications))
    everything = [*chain.from_iterable(received.resources for received in (*got.values(), drafted, fetched))]
    version = gathered.fhir_version or version_of(everything)
    scene = Scene(zone, {found.id: found for found in everything if isinstance(found, Medication) and found.id})
    person = reading.person(got["patient"], zone)
    orders = _either(got["medicationRequests"], got["medicationOrders"], version)
    either = (MedicationRequest, MedicationOrder)
    facts = reading.facts
    return Record(
        person=person,
        asof=asof,
        hook=hook,
        statements=facts(
            "medication statements", got["medicationStatements"], MedicationStatement, lambda r: statement(r, scene)
        ),
        orders=facts("medication orders", orders, either, lambda r: order(r, scene)),
        dispenses=facts("dispenses", got["medicationDispenses"], MedicationDispense, lambda r: dispense(r, scene)),
        administrations=facts(
            "administrations", got["medicationAdministrations"], MedicationAdministration, lambda r: administration(r, scene)
        ),
        problems=facts("conditions", got["conditions"], Condition, lambda r: problem(r, zone)),
        procedures=facts("procedures", got["procedures"], Procedure, lambda r: procedure(r, zone)),
        markers=facts("laboratory results", got["markers"], Observation, lambda r: labs(r, person, zone)),
        screening=facts("screening results", got["screening"], Observation, lambda r: labs(r, person, zone)),
        allergies=facts("allergies", got["allergies"], AllergyIntolerance, allergy),
        drafts=reading.drafts(drafted, scene),
        lost=tuple(reading.lost),
        foreign=reading.foreign,
        tolerated=reading.tolerated,
        fhir_version=version,
        encounter=request.context.encounter_id,
    )


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
    """The counts that run along while one record is read."""

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
        kinds: type[AnyResource] | tuple[type[AnyResource], ...],
        fact: Callable[[Any], Fact | list[Fact] | None],
    ) -> tuple[Fact, ...] | None:
        """The facts of one list, None where it did not come; what is not whole is noted in ``lost``."""
        if received.state in {State.MISSING, State.FAILED}:
            self.lost.append(Lost(what, _LOSSES[received.state]))
            return None
        found, unreadable = self._each(received, kinds, fact)
        if received.state is State.INCOMPLETE:
            self.lost.append(Lost(what, Loss.INCOMPLETE))
        if unreadable:
            self.lost.append(Lost(what, Loss.UNREADABLE, unreadable))
        return _once(found)

    def drafts(self, received: _Received, scene: Scene) -> tuple[Use, ...]:
        """The medication orders of the request itself; what cannot be read counts as tolerated."""
        kinds = (MedicationRequest, MedicationOrder)
        found, unreadable = self._each(received, kinds, lambda draft: order(draft, scene, draft=True))
        self.tolerated += unreadable
        return _once(found)

    def _each(
        self,
        received: _Received,
        kinds: type[AnyResource] | tuple[type[AnyResource], ...],
        fact: Callable[[Any], Fact | list[Fact] | None],
    ) -> tuple[list[Fact], int]:
        """The facts of the resources of these kinds, and how many could not be read.

        Unreadable is also what has no date, what an extension of unknown meaning modifies, and what lost what it is about.
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
            except NoDateError:
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


def _tells(fact: Use | Problem | Lab | Allergy) -> bool:
    """Whether a fact still says what it is about."""
    if isinstance(fact, Lab):
        return fact.quantity is not None or fact.concept is not None
    if isinstance(fact, Use):
        return bool(fact.drug.text.text)
    return bool(fact.text.text) or (isinstance(fact, Problem) and bool(fact.groups))


def _once(found: list[Fact]) -> tuple[Fact, ...]:
    """The facts in order; a resource that came twice counts once."""
    if len({fact.reference for fact in found}) < len(found):
        return tuple(dict.fromkeys(found))
    return tuple(found)
