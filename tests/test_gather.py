"""The five states of a prefetch key, and when nothing can be said at all."""

import json
import time
from typing import Any

import pytest

from cds_service.gather import KEYS, HistoryUnavailable, gather
from cds_service.protocol.discovery import services
from cds_service.protocol.gathered import Gathered, State
from cds_service.protocol.request import parse
from tests.conftest import bundle, hook_request

CONDITION = {"resourceType": "Condition", "id": "c1"}
OTHER = {"resourceType": "Condition", "id": "c2"}
STATEMENT = {"resourceType": "MedicationStatement", "id": "s1"}
REQUEST = {"resourceType": "MedicationRequest", "id": "r1"}
ORDER = {"resourceType": "MedicationOrder", "id": "o1"}
MEDICATION = {"resourceType": "Medication", "id": "m1"}


def outcome(severity: str = "error") -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "exception"}]}


FAILED = outcome()
NEXT = [{"relation": "self", "url": "https://x/1"}, {"relation": "next", "url": "https://x/2"}]


def gathered(
    prefetch: dict[str, Any], *, orders: list[Any] | None = None, not_offered: set[str] | None = None, version: str | None = None
) -> Gathered:
    context = {"patientId": "p1", "draftOrders": orders}
    request = parse(json.dumps(hook_request("order-sign", context=context, prefetch=prefetch)).encode())
    return gather(request, not_offered=frozenset(not_offered or ()), fhir_version=version)


def conditions(value: Any, **more: Any) -> tuple[State, list[Any]]:
    """The state and the resources of one key, beside a history."""
    answer = gathered({"medicationStatements": None, "conditions": value}, **more).answers["conditions"]
    return answer.state, [json.loads(bytes(resource)) for resource in answer.resources]


@pytest.mark.parametrize(
    ("value", "state", "resources"),
    [
        (None, State.PRESENT, []),
        (bundle(), State.PRESENT, []),
        ({"resourceType": "Bundle", "type": "searchset", "total": 0}, State.PRESENT, []),
        ({"resourceType": "Bundle", "entry": None}, State.PRESENT, []),
        (bundle(CONDITION, OTHER), State.PRESENT, [CONDITION, OTHER]),
        (bundle(CONDITION, total=1), State.PRESENT, [CONDITION]),
        (bundle(CONDITION, MEDICATION), State.PRESENT, [CONDITION, MEDICATION]),
        (CONDITION, State.PRESENT, [CONDITION]),
        ({"response": {"status": "200 OK"}, "resource": bundle(CONDITION)}, State.PRESENT, [CONDITION]),
        ({"response": {"status": "200 OK"}, "resource": CONDITION}, State.PRESENT, [CONDITION]),
        ({"response": {"status": "404"}, "resource": FAILED}, State.FAILED, []),
        ({"response": {"status": "404"}, "resource": None}, State.FAILED, []),
        (FAILED, State.FAILED, []),
        (bundle(FAILED), State.FAILED, []),
        (bundle({"resourceType": "OperationOutcome", "issue": "x"}), State.FAILED, []),
        (bundle({"resourceType": "OperationOutcome"}), State.FAILED, []),
        (bundle(outcome("warning")), State.PRESENT, []),
        (bundle(CONDITION, outcome("information")), State.PRESENT, [CONDITION]),
        (bundle(CONDITION, FAILED), State.INCOMPLETE, [CONDITION]),
        (bundle({"id": "x", "resourceType": "OperationOutcome", "issue": []}), State.FAILED, []),
        (bundle(CONDITION, link=NEXT), State.INCOMPLETE, [CONDITION]),
        (bundle(link=NEXT), State.INCOMPLETE, []),
        (bundle(CONDITION, link=[None, 5, {"relation": "self"}]), State.PRESENT, [CONDITION]),
        (bundle(CONDITION, link="x", total="many"), State.PRESENT, [CONDITION]),
        (bundle(CONDITION, total=2), State.INCOMPLETE, [CONDITION]),
        (
            {"resourceType": "Bundle", "entry": [None, {}, {"resource": None}, {"resource": CONDITION}]},
            State.PRESENT,
            [CONDITION],
        ),
        ({"resourceType": "Bundle", "entry": [7, {"resource": CONDITION}, "x"]}, State.PRESENT, [7, CONDITION, "x"]),
        (bundle(7, "x"), State.FAILED, []),
        ({"resourceType": "Bundle", "entry": "x"}, State.FAILED, []),
        ({"resourceType": "Basic", "id": "b", "entry": "x"}, State.FAILED, []),
        (MEDICATION, State.FAILED, []),
        (bundle(MEDICATION), State.FAILED, []),
        ("<html>502 Bad Gateway</html>", State.FAILED, []),
        ([CONDITION], State.FAILED, []),
        (7, State.FAILED, []),
        (True, State.FAILED, []),
        ({}, State.FAILED, []),
        ({"resourceType": 5}, State.FAILED, []),
        ({"resource": {"resource": {"resource": CONDITION}}}, State.FAILED, []),
    ],
)
def test_what_a_value_tells(value: Any, state: State, resources: list[Any]) -> None:
    assert conditions(value) == (state, resources)


def literal(*resources: Any, patient: str = "%7B%7Bcontext.patientId%7D%7D") -> dict[str, Any]:
    """The answer of a server that was asked with a token of the template as it stands."""
    return bundle(*resources) | {"link": [{"relation": "self", "url": f"https://x/Condition?patient={patient}"}]}


@pytest.mark.parametrize("patient", ["%7B%7Bcontext.patientId%7D%7D", "%7b%7bcontext.patientId%7d%7d", "{{context.patientId}}"])
def test_an_empty_list_about_nobody_is_no_answer(patient: str) -> None:
    assert conditions(literal(patient=patient)) == (State.MISSING, [])
    assert conditions({"response": {"status": "200 OK"}, "resource": literal(patient=patient)}) == (State.MISSING, [])
    assert conditions(literal(patient="p1")) == (State.PRESENT, [])


def test_a_failed_read_beside_a_list_about_nobody_counts_as_not_sent() -> None:
    prefetch = {"medicationStatements": bundle(STATEMENT), "conditions": literal(), "patient": FAILED, "allergies": None}
    answers = gathered(prefetch).answers

    states = {key: answers[key].state for key in prefetch}
    assert states == {
        "medicationStatements": State.PRESENT,
        "conditions": State.MISSING,
        "patient": State.MISSING,
        "allergies": State.PRESENT,
    }


def test_lists_about_nobody_are_no_history() -> None:
    with pytest.raises(HistoryUnavailable):
        gathered({key: literal() for key in KEYS})


def test_a_key_that_was_not_sent_is_missing() -> None:
    answers = gathered({"medicationStatements": None}).answers
    assert set(answers) == set(KEYS)
    assert answers["conditions"].state is State.MISSING


def test_unknown_keys_are_left_alone() -> None:
    assert set(gathered({"medicationStatements": None, "zz": FAILED, "": 3}).answers) == set(KEYS)


def test_a_bundle_with_the_one_resource_answers_a_read() -> None:
    person = {"resourceType": "Patient", "id": "p1"}
    for value in (person, bundle(person)):
        assert gathered({"medicationStatements": None, "patient": value}).answers["patient"].state is State.PRESENT


@pytest.mark.parametrize("name", ["Condition", "conditions"])
@pytest.mark.parametrize(("value", "state"), [(None, State.NOT_OFFERED), (FAILED, State.NOT_OFFERED), (CONDITION, State.PRESENT)])
def test_what_a_client_never_offers_is_no_part_of_the_history_unless_it_comes(name: str, value: Any, state: State) -> None:
    assert conditions(value, not_offered={name})[0] is state


NOTHING = ["missing", FAILED, "junk"]


def history(statements: Any, requests: Any, orders: Any) -> dict[str, Any]:
    given = {"medicationStatements": statements, "medicationRequests": requests, "medicationOrders": orders}
    return {key: value for key, value in given.items() if value != "missing"}


@pytest.mark.parametrize("statements", NOTHING)
@pytest.mark.parametrize("requests", NOTHING)
@pytest.mark.parametrize("orders", [*NOTHING, None])
def test_without_statements_and_orders_nothing_can_be_said(statements: Any, requests: Any, orders: Any) -> None:
    with pytest.raises(HistoryUnavailable) as unavailable:
        gathered(history(statements, requests, orders) | {"medicationDispenses": None})
    assert unavailable.value.what == ("medication statements", "medication orders")


def test_a_client_that_never_offers_statements_must_send_its_orders() -> None:
    with pytest.raises(HistoryUnavailable):
        gathered({"conditions": None}, not_offered={"MedicationStatement"})
    assert gathered({"medicationRequests": None}, not_offered={"MedicationStatement"})


@pytest.mark.parametrize(
    ("requests", "orders", "drafts", "version", "states"),
    [
        # R4, said or assumed: the orders of DSTU2 are no part of it, whatever became of them.
        ([REQUEST], "missing", [], None, (State.PRESENT, State.NOT_OFFERED)),
        ([], FAILED, [], None, (State.PRESENT, State.NOT_OFFERED)),
        ([], [], [], "R4", (State.PRESENT, State.NOT_OFFERED)),
        ("missing", [], [], None, (State.MISSING, State.NOT_OFFERED)),
        # DSTU2, by configuration, by an entry, or by a draft.
        ("missing", [], [], "DSTU2", (State.NOT_OFFERED, State.PRESENT)),
        ("missing", [ORDER], [], None, (State.NOT_OFFERED, State.PRESENT)),
        ("missing", [], [ORDER], None, (State.NOT_OFFERED, State.PRESENT)),
        ([], "missing", [ORDER], None, (State.NOT_OFFERED, State.MISSING)),
        # The client of 2018 drafts in DSTU2 on an R4 server: the list with entries answers.
        ([REQUEST], "missing", [ORDER], None, (State.PRESENT, State.NOT_OFFERED)),
        ([REQUEST], [ORDER], [], None, (State.PRESENT, State.PRESENT)),
    ],
)
def test_requests_and_orders_are_one_question(requests: Any, orders: Any, drafts: Any, version: Any, states: Any) -> None:
    lists = [bundle(*sent) if isinstance(sent, list) else sent for sent in (requests, orders)]
    answers = gathered(history(None, *lists), orders=drafts, version=version).answers
    assert (answers["medicationRequests"].state, answers["medicationOrders"].state) == states


def test_orders_alone_or_statements_alone_are_a_history() -> None:
    assert gathered({"medicationRequests": bundle(REQUEST, link=NEXT)})
    assert gathered({"medicationStatements": bundle(STATEMENT)})


def test_the_keys_read_are_the_keys_advertised() -> None:
    for service in services().values():
        asked = {key: template.partition("?")[0].partition("/")[0] for key, template in service.prefetch.items()}
        assert asked == KEYS, service.id


def test_a_list_of_very_many_outcomes_is_told_apart_in_a_time_that_grows_with_its_size() -> None:
    mild = [outcome("information") | {"id": str(number)} for number in range(20_000)]
    found = bundle(*mild, *[CONDITION | {"id": str(number)} for number in range(20_000)])
    begun = time.process_time()
    assert len(conditions(found)[1]) == 20_000
    assert time.process_time() - begun < 5
