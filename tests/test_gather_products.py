"""Medications that others refer to, and servers of DSTU2, which know orders by another name."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cds_service.gather.fetching import MEDICATIONS
from cds_service.protocol.gathered import Fetch, State
from tests import fhir_server as bad
from tests.conftest import bundle
from tests.fhir_server import FhirServer, serving
from tests.visiting import BEARER, RECORD, asked, authorization, fetcher, ids, known, of, visit

Json = dict[str, Any]
READ = (State.PRESENT, Fetch.READ)


@pytest.fixture
def fhir() -> Iterator[FhirServer]:
    with serving(*RECORD) as server:
        yield server


TABLETS = {"resourceType": "Medication", "id": "m1", "code": {"text": "Tacrolimus 1 mg"}}


def referring(reference: str, **more: str) -> Json:
    return of("MedicationStatement", "s1", medicationReference={"reference": reference, **more})


@pytest.mark.parametrize("prefix", ["", "BASE/"])
@pytest.mark.parametrize("suffix", ["", "/_history/3"])
@pytest.mark.parametrize("sent", [True, False])
def test_a_medication_that_is_referred_to_is_read(prefix: str, suffix: str, sent: bool) -> None:
    with serving(TABLETS) as fhir:
        statement = referring(prefix.replace("BASE", fhir.base) + "Medication/m1" + suffix)
        fhir.resources.append(statement)
        prefetch = known() | {"medicationStatements": bundle(statement)} if sent else known("medicationStatements")
        gathered = asked(fhir, prefetch)
        assert [hit.path for hit in fhir.hits if hit.kind == "Medication"] == ["/fhir/Medication/m1"]
        assert {hit.token for hit in fhir.hits} == {f"Bearer {BEARER}"}
    assert [json.loads(bytes(medication)) for medication in gathered.medications] == [TABLETS]
    assert set(gathered.fetches) == {Fetch.READ}


def test_one_of_a_draft_is_read_too(fhir: FhirServer) -> None:
    fhir.resources.append(TABLETS)
    draft = of("MedicationRequest", "d1", medication={"reference": {"reference": "Medication/m1"}})
    gathered = asked(fhir, known(), hook="order-sign", context={"draftOrders": bundle(draft)})
    assert len(gathered.medications) == 1


@pytest.mark.parametrize(
    "reference",
    [
        "#m1",
        "urn:uuid:m1",
        "Medication/",
        "Medication/../x",
        "Medication/a?b",
        "https://fhir.example.org/Medication/m1",
        "Substance/m1",
    ],
)
def test_what_is_no_medication_of_this_server_is_not_read(fhir: FhirServer, reference: str) -> None:
    gathered = asked(fhir, known() | {"medicationStatements": bundle(referring(reference))})
    assert (fhir.hits, gathered.medications) == ([], ())


def test_one_that_came_along_is_not_read(fhir: FhirServer) -> None:
    gathered = asked(fhir, known() | {"medicationStatements": bundle(referring("Medication/m1"), TABLETS)})
    assert (fhir.hits, gathered.medications) == ([], ())


def test_one_that_the_scope_excludes_is_not_read(fhir: FhirServer) -> None:
    right = authorization(scope="patient/MedicationStatement.rs")
    fhir.resources.append(referring("Medication/m1"))
    gathered = asked(fhir, known("medicationStatements"), authorized=right)
    assert (fhir.asked(), gathered.medications) == (["MedicationStatement"], ())


@pytest.mark.parametrize("body", [b"7", b"<html>", {"resourceType": "Basic", "id": "m1"}, {**TABLETS, "id": "m2"}, b"[" * 9_000])
def test_what_is_not_the_medication_asked_for_is_not_taken(fhir: FhirServer, body: Any) -> None:
    fhir.behave = bad.says(body)
    gathered = asked(fhir, known() | {"medicationStatements": bundle(referring("Medication/m1"))})
    assert (gathered.medications, gathered.fetches) == ((), (Fetch.FAILED,))


def test_those_that_nothing_else_names_come_first_and_not_all_of_many_are_read(fhir: FhirServer) -> None:
    named = [referring(f"Medication/named{place}", display="Tacrolimus") for place in range(MEDICATIONS)]
    bare = [referring(f"Medication/bare{place}") for place in range(3)]
    gathered = asked(fhir, known() | {"medicationStatements": bundle(*named, *bare, *named)})
    read = [hit.path.rpartition("/")[2] for hit in fhir.hits]
    assert len(read) == len(set(read)) == len(gathered.fetches) == MEDICATIONS
    assert {f"bare{place}" for place in range(3)} <= set(read)


def test_one_that_is_late_is_left(fhir: FhirServer) -> None:
    fhir.behave = bad.slow(30)
    statement = bundle(referring("Medication/m1", display="Tacrolimus"))
    gathered = asked(fhir, known() | {"medicationStatements": statement}, call=visit(fhir, by=fetcher(budget_s=0.2)))
    assert (gathered.medications, gathered.fetches) == ((), (Fetch.LATE,))
    assert gathered.answers["medicationStatements"].state is State.PRESENT


def test_a_medication_without_an_id_that_can_be_read_is_none_that_came_along(fhir: FhirServer) -> None:
    nameless = {"resourceType": "Medication", "id": 5}
    asked(fhir, known() | {"medicationStatements": bundle(referring("Medication/m1"), nameless)})
    assert fhir.asked() == ["Medication"]


# --- a server of DSTU2

ORDER = {"resourceType": "MedicationOrder", "id": "o1", "patient": {"reference": "Patient/p1"}}


@pytest.mark.parametrize("code", [400, 404])
@pytest.mark.parametrize("empty", [{}, {"medicationOrders": None}])
def test_a_server_that_does_not_know_requests_is_asked_for_orders(code: int, empty: Json) -> None:
    with serving(ORDER) as fhir:
        fhir.behave = lambda handler: handler.send(b"", code) if "Request" in handler.path else fhir.answer(handler)
        gathered = asked(fhir, known("medicationRequests", "medicationOrders") | empty)
        assert fhir.asked() == ["MedicationOrder", "MedicationRequest"]
    assert (ids(gathered, "medicationOrders"), gathered.fhir_version) == (["o1"], "DSTU2")
    assert gathered.answers["medicationRequests"].state is State.NOT_OFFERED


def test_a_server_that_knows_neither_has_lost_its_orders(fhir: FhirServer) -> None:
    fhir.behave = bad.status(404)
    gathered = asked(fhir, known("medicationRequests", "medicationOrders"))
    assert fhir.asked() == ["MedicationOrder", "MedicationRequest"]
    assert gathered.answers["medicationRequests"].state is State.FAILED
    assert (gathered.answers["medicationOrders"].state, gathered.fhir_version) == (State.NOT_OFFERED, None)


def test_a_client_of_dstu2_is_asked_for_orders_only() -> None:
    with serving(ORDER) as fhir:
        gathered = asked(fhir, known("medicationRequests", "medicationOrders"), fhir_version="DSTU2")
        assert fhir.asked() == ["MedicationOrder"]
    assert gathered.answers["medicationOrders"].state is State.PRESENT
