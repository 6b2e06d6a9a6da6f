"""The envelope of a hook request: what is read from it, what is tolerated, what is refused and how that is said."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.protocol.request import BadRequest, HookRequest, parse
from tests.conftest import bundle, hook_request

SAMPLES = Path(__file__).parents[2] / "shared" / "samples"
ORDER = {"resourceType": "MedicationRequest", "id": "o1"}
OLD_ORDER = {"resourceType": "MedicationOrder", "id": "o2"}


def parsed(**changes: Any) -> HookRequest:
    return parse(json.dumps(hook_request(**changes)).encode())


def in_context(**context: Any) -> HookRequest:
    return parsed(context={"patientId": "p1", **context})


def orders(request: HookRequest) -> list[Any] | None:
    return None if request.context.orders is None else [json.loads(bytes(order)) for order in request.context.orders]


def test_the_members_of_a_request_are_read() -> None:
    request = parsed(
        hook="order-select",
        context={
            "patientId": "p1",
            "userId": "Practitioner/a",
            "encounterId": "e1",
            "selections": ["MedicationRequest/o1"],
            "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": ORDER}]},
        },
        fhirServer="https://fhir.example.org",
        fhirAuthorization={"access_token": "x"},
    )
    assert (request.hook, request.fhir_server) == ("order-select", "https://fhir.example.org")
    assert (request.context.patient_id, request.context.user_id, request.context.encounter_id) == ("p1", "Practitioner/a", "e1")
    assert request.context.selections == ("MedicationRequest/o1",)
    assert orders(request) == [ORDER]
    assert bytes(request.prefetch["medicationStatements"]) == b"null"
    assert request.fhir_authorization is not None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"hook": ...}, "hook is required"),
        ({"hook": None}, "hook must be the name of a hook"),
        ({"hook": 5}, "hook must be the name of a hook"),
        ({"hook": ""}, "hook must be the name of a hook"),
        ({"hook": "order-everything"}, "hook must be the name of a hook"),
        ({"hookInstance": ...}, "hookInstance is required"),
        ({"hookInstance": {"a": 1}}, "hookInstance must be a text that is not empty"),
        ({"context": ...}, "context is required"),
        ({"context": None}, "context must be an object"),
        ({"context": ["x"]}, "context must be an object"),
        ({"context": {}}, "context.patientId is required"),
        ({"context": {"patientId": 5}}, "context.patientId must be a FHIR id"),
        ({"context": {"patientId": "p1", "userId": 5}}, "context.userId must be a FHIR id"),
        ({"context": {"patientId": "p1", "encounterId": "a b"}}, "context.encounterId must be a FHIR id"),
        ({"context": {"patientId": "p1", "draftOrders": 5}}, "context.draftOrders must be a Bundle"),
        ({"context": {"patientId": "p1", "draftOrders": {"entry": "x"}}}, "context.draftOrders.entry must be a list"),
        ({"prefetch": ["x"]}, "prefetch must be an object"),
        ({"prefetch": "x"}, "prefetch must be an object"),
        ({"fhirServer": 5}, "fhirServer must be a URL"),
        ({"fhirAuthorization": {"access_token": "t"}}, "fhirServer is required where there is a fhirAuthorization"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parsed(**changes)
    assert str(refused.value).startswith(problem)


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"null", b"true"])
def test_the_body_is_an_object(body: bytes) -> None:
    with pytest.raises(BadRequest, match="the body must be an object"):
        parse(body)


@pytest.mark.parametrize(
    "patient",
    ["../Patient/x", "%2e%2e%2f", "a?b=c", "x&_count=1", "a|b", "a\x00b", "x" * 65, "", " ", "a b", "\u0430bc", "x\n", "a/b/c"],
)
def test_an_identifier_that_is_no_fhir_id_is_refused_and_not_quoted(patient: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parsed(context={"patientId": patient})
    assert str(refused.value) == "context.patientId must be a FHIR id, bare or as Patient/id"


@pytest.mark.parametrize("patient", ["p1", "Patient/p1", "A-b.9", "with_underscore", "x" * 64])
def test_identifiers_of_real_servers_are_taken_typed_or_bare(patient: str) -> None:
    assert parsed(context={"patientId": patient}).context.patient_id == patient.removeprefix("Patient/")


@pytest.mark.parametrize("members", [{}, {"userId": None, "encounterId": None}, {"userId": "", "encounterId": ""}])
def test_who_asks_and_where_may_be_missing(members: dict[str, Any]) -> None:
    context = in_context(**members).context
    assert (context.user_id, context.encounter_id) == (None, None)


@pytest.mark.parametrize("prefetch", [..., None, {}])
def test_prefetch_may_be_missing(prefetch: Any) -> None:
    assert parsed(prefetch=prefetch).prefetch == {}


@pytest.mark.parametrize("member", ["draftOrders", "medications", "orders", "fulfillmentTasks", "fulfillment-tasks", "task"])
def test_orders_are_read_from_every_list_a_hook_has_for_them(member: str) -> None:
    sent = {"resourceType": "Bundle", "entry": [{"resource": ORDER}]}
    assert orders(parsed(hook="medication-refill", context={"patientId": "p1", member: sent})) == [ORDER]


def test_what_is_being_discontinued_is_kept_apart() -> None:
    ended: list[Any] = [ORDER, "MedicationRequest/m1", {"reference": "MedicationRequest/m2"}, {}]
    context = {"patientId": "p1", "draftOrders": [OLD_ORDER], "toBeDiscontinued": ended}
    found = parsed(hook="order-discontinue", context=context)
    assert orders(found) == [OLD_ORDER]
    assert [json.loads(bytes(raw)) for raw in found.context.discontinued] == ended[:3]
    assert found.context.resources == (*(found.context.orders or ()), *found.context.discontinued)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (None, None),
        ([], []),
        ([ORDER, OLD_ORDER], [ORDER, OLD_ORDER]),
        ([{"resource": ORDER}, None], [ORDER]),
        (OLD_ORDER, [OLD_ORDER]),
        ({"resourceType": "Bundle"}, []),
        ({"entry": [{"resource": ORDER}]}, [ORDER]),
        ({"resourceType": "Bundle", "entry": None}, []),
        ({"resourceType": "Bundle", "entry": [{}, None, {"resource": None}, {"resource": ORDER}]}, [ORDER]),
        ({"resourceType": "Bundle", "entry": [{"resource": 5}, 7]}, [5, 7]),
    ],
)
def test_orders_come_as_bundle_as_list_and_with_gaps(sent: Any, read: list[Any] | None) -> None:
    assert orders(in_context(medications=sent)) == read


def test_two_order_lists_are_read_together() -> None:
    assert orders(in_context(draftOrders=[ORDER], medications=[OLD_ORDER])) == [ORDER, OLD_ORDER]


@pytest.mark.parametrize("selections", ["MedicationRequest/o1", None, [5, None], {}])
def test_selections_that_are_no_references_are_left_out(selections: Any) -> None:
    assert in_context(selections=selections).context.selections == ()


def test_numbers_of_an_order_keep_their_digits() -> None:
    body = json.dumps(hook_request(context={"patientId": "p1", "draftOrders": [{"resourceType": "X", "v": 7}]})).replace(
        "7", "1.50"
    )
    request = parse(body.encode())
    assert request.context.orders is not None
    assert b"1.50" in bytes(request.context.orders[0])


def test_the_client_of_2018_names_patient_and_user_outside_the_context() -> None:
    request = parsed(context={"medications": [OLD_ORDER]}, patient="p9", user="Practitioner/b")
    assert (request.context.patient_id, request.context.user_id) == ("p9", "Practitioner/b")
    assert parsed(patient="p9").context.patient_id == "p1"


def test_an_authorization_of_null_is_none() -> None:
    assert parsed(fhirAuthorization=None, fhirServer=None).fhir_authorization is None


def test_members_that_nobody_knows_change_nothing() -> None:
    more = {"extension": {"org.example": [1, None]}, "applyCql": True, "x": 1e308}
    assert parsed(**more) == parsed()


@pytest.mark.parametrize("space", ["", " ", "\n\t"])
def test_keys_may_repeat_inside_a_prefetch_value_and_nowhere_else(space: str) -> None:
    twice = f'{{{space}"resourceType":{space}"Bundle","total":0,"total":0}}'
    rest = '"hookInstance":"i","context":{"patientId":"p1"}'
    head = f'{{"hook":"patient-view",{rest},{space}"prefetch"{space}:{space}{{"markers":null,{space}"conditions":{space}{twice}}}'
    assert bytes(parse(f"{head}}}".encode()).prefetch["conditions"]) == twice.encode()
    with pytest.raises(BadRequest, match="same key twice"):
        parse(f'{head},"x":{twice}}}'.encode())
    with pytest.raises(BadRequest, match="same key twice"):
        parse(f'{head},"prefetch":{{}}}}'.encode())


def test_a_prefetch_inside_the_context_is_part_of_the_context() -> None:
    value = bundle({"resourceType": "Condition", "id": "c1"})
    request = parsed(context={"patientId": "p1", "prefetch": {"conditions": value}}, prefetch={"conditions": value})
    assert json.loads(bytes(request.prefetch["conditions"])) == value


def test_a_large_request_is_read_in_a_time_that_grows_with_its_size() -> None:
    """Bodies made to be slow: values that look alike, repeat, come in another order, or stand far apart."""
    filler = '"' + "x" * 1_000_000 + '"'
    head = '{"hook": "patient-view", "hookInstance": "i", "context": {"patientId": "p1", "draftOrders": [{"k": {"a": 0}}]}'
    values = [f'"k{n}": {{"a": {n % 7}}}' for n in range(40_000)]
    for members in (
        values,
        [*values, *reversed(values)],
        [*values[:9], f'"z": {filler}', *values[9:]],
        ['"k": []', f'"z": {filler}'] * 3,
    ):
        body = f'{head}, "y": {filler}, "prefetch": {{{", ".join(members)}}}}}'.encode()
        begun = time.process_time()
        with suppress(BadRequest):
            parse(body)
        assert time.process_time() - begun < 2


def test_the_same_value_twice_in_prefetch_is_read_twice() -> None:
    value = {"resourceType": "Bundle", "entry": []}
    request = parsed(prefetch={"markers": value, "screening": value, "conditions": None, "markers2": value})
    assert [json.loads(bytes(raw)) for raw in request.prefetch.values()] == [value, value, None, value]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(st.sampled_from(["hook", "hookInstance", "context", "prefetch", "fhirServer", "fhirAuthorization"]), JSON)
def test_any_value_of_any_member_is_read_or_refused(member: str, value: Any) -> None:
    with suppress(BadRequest):
        parsed(**{member: value})


@given(st.dictionaries(st.sampled_from(["patientId", "userId", "encounterId", "draftOrders", "medications", "selections"]), JSON))
def test_any_context_is_read_or_refused(context: dict[str, Any]) -> None:
    with suppress(BadRequest):
        parsed(context=context)


@given(st.data())
def test_a_request_cut_or_changed_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(json.dumps(hook_request(context={"patientId": "p1", "draftOrders": [ORDER]})).encode())
    place = data.draw(st.integers(0, len(body) - 1))
    body[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    with suppress(BadRequest):
        parse(bytes(body))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the recorded requests are not beside this checkout")
def test_every_recorded_request_is_read() -> None:
    recorded = [
        *SAMPLES.glob("*/*request*.json"),
        *SAMPLES.glob("crd/CRDServiceRequest*.json"),
        *SAMPLES.glob("inferno/*request.json"),
    ]
    assert len(recorded) > 10
    for path in recorded:
        body = path.read_bytes()
        if b'"fancy-structure' in body:  # a hook that the test kit made up
            with pytest.raises(BadRequest, match="hook"):
                parse(body)
        else:
            assert parse(body).context.patient_id, path.name
