"""What the client sent along: one of five states for each key, and which keys are one question."""

from collections.abc import Iterable, Iterator

from msgspec import Raw, Struct

from cds_service.fhir.bundle import Shell, shell_of, type_of
from cds_service.fhir.lenient import Readable, UnreadableError, decode
from cds_service.fhir.versions import DSTU2, version_of
from cds_service.protocol.gathered import Answer, State
from cds_service.protocol.request import HookRequest

KEYS: dict[str, str] = {
    "patient": "Patient",
    "medicationStatements": "MedicationStatement",
    "medicationRequests": "MedicationRequest",
    "medicationOrders": "MedicationOrder",
    "medicationDispenses": "MedicationDispense",
    "medicationAdministrations": "MedicationAdministration",
    "conditions": "Condition",
    "procedures": "Procedure",
    "allergies": "AllergyIntolerance",
    "markers": "Observation",
    "screening": "Observation",
}
"""The keys of hooks.json, each with the type of resource it asks for."""

ORDERS = {DSTU2: "medicationOrders"}
"""The key that asks for medication orders in a FHIR version; ``medicationRequests`` in every other one."""


class Sent(Struct, frozen=True):
    """What the client sent along: the answer to every key, and the pages that have another after them."""

    answers: dict[str, Answer]
    pages: dict[str, Shell]
    fhir_version: str | None


def sent(request: HookRequest, *, not_offered: frozenset[str], fhir_version: str | None = None) -> Sent:
    """Every key's answer as far as the client gave it.

    ``not_offered`` are resource types or keys that this client never has. ``fhir_version`` is the client's, where configured;
    else the content tells it.
    """
    pages = _asked_of_somebody({key: page_of(key, request.prefetch[key]) for key in KEYS if key in request.prefetch})
    answers = {key: answer_of(pages[key]) if key in pages else Answer(State.MISSING) for key in KEYS}
    for key, kind in KEYS.items():
        if not answers[key].resources and not_offered & {key, kind}:
            answers[key] = Answer(State.NOT_OFFERED)
    _settle_orders(answers, fhir_version or _version(answers, request.context.resources))
    more = {key: page for key, page in pages.items() if page.next_link is not None and answers[key].state is State.INCOMPLETE}
    return Sent(answers, more, fhir_version)


def _asked_of_somebody(pages: dict[str, Shell]) -> dict[str, Shell]:
    """The pages of a client that filled in its templates; an older one sends some tokens on as they stand.

    What was asked with such a token, and what failed beside it, is no answer about this person: it counts as not sent.
    """
    if not any(page.unfilled for page in pages.values()):
        return pages
    return {key: page for key, page in pages.items() if not page.unfilled and not page.failed}


def page_of(key: str, value: Raw) -> Shell:
    """What came for a key, from the client or from its FHIR server.

    A list of nothing but other types is no answer to the question; beside the right one, they are what the server included.
    """
    shell = shell_of(value)
    foreign = shell.resources and not any(type_of(resource) == KEYS[key] for resource in shell.resources)
    return Shell(failed=True) if foreign else shell


def answer_of(page: Shell) -> Answer:
    """The answer that a single page gives."""
    if page.failed:
        return Answer(State.FAILED)
    return Answer(State.INCOMPLETE if page.incomplete else State.PRESENT, page.resources)


def _version(answers: dict[str, Answer], drafts: Iterable[Raw]) -> str | None:
    """The version that the content tells, as far as it decides which of the two keys for orders counts.

    Only where neither of them holds an order does everything else have to be looked at.
    """
    if answers["medicationOrders"].resources or any(type_of(order) == "MedicationOrder" for order in drafts):
        return DSTU2
    if answers["medicationRequests"].resources:
        return None
    return version_of(_readable(raw for answer in answers.values() for raw in answer.resources))


def _readable(resources: Iterable[Raw]) -> Iterator[Readable]:
    for raw in resources:
        try:
            resource, _ = decode(raw)
        except UnreadableError:
            continue
        if resource is not None:
            yield resource


def _settle_orders(answers: dict[str, Answer], version: str | None) -> None:
    """Requests and orders are one question: what has entries answers it, else the key whose type the client's version has.

    The other key is no part of the history, whatever became of it.
    """
    both = ("medicationRequests", "medicationOrders")
    asked = [key for key in both if answers[key].resources] or [ORDERS.get(version or "", "medicationRequests")]
    for key in both:
        if key not in asked:
            answers[key] = Answer(State.NOT_OFFERED)
