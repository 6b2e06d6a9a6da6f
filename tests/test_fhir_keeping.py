"""The client's own order handed back: whole, changed only in what marks its end, and only where it is surely valid FHIR."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.fhir.keeping import kept
from cds_service.fhir.validation import problems
from tests import dstu2
from tests.reading import raw

Json = dict[str, Any]

SUBJECT = {"reference": "Patient/p1"}
CODE = {
    "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "198377"}],
    "text": "tacrolimus 1 MG Oral Capsule",
}
ROUTE = {"coding": [{"system": "http://snomed.info/sct", "code": "26643006", "display": "Oral"}], "text": "Oral"}
DOSE = {"value": 2, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
BOUNDS = {"boundsPeriod": {"start": "2025-06-30", "end": "2026-12"}}
REPEAT = {"frequency": 2, "period": 1, "periodUnit": "d", **BOUNDS}
DISPENSE = {
    "validityPeriod": {"start": "2025-06-30"},
    "numberOfRepeatsAllowed": 3,
    "quantity": {"value": 120, "unit": "capsule"},
    "expectedSupplyDuration": {"value": 30, "unit": "d", "system": "http://unitsofmeasure.org", "code": "d"},
}
LATER = {
    "resourceType": "MedicationRequest",
    "id": "tac",
    "meta": {"versionId": "3", "lastUpdated": "2026-02-01T10:00:00.000Z", "profile": ["http://example.org/order"]},
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">tacrolimus</div>'},
    "extension": [{"url": "http://example.org/x", "valueString": "y"}],
    "identifier": [{"system": "urn:example:order", "value": "1"}],
    "status": "stopped",
    "intent": "order",
    "priority": "routine",
    "subject": SUBJECT,
    "authoredOn": "2025-06-30T09:00:00+02:00",
    "note": [{"authorString": "Dr A", "time": "2025-06-30", "text": "as before"}],
    "priorPrescription": {"reference": "MedicationRequest/before"},
}
R4 = {
    **LATER,
    "statusReason": {"text": "no longer needed"},
    "category": [{"coding": [{"code": "community"}]}],
    "medicationCodeableConcept": CODE,
    "encounter": {"reference": "Encounter/e1"},
    "requester": {"reference": "Practitioner/a", "display": "Dr A"},
    "reasonReference": [{"reference": "Condition/aih"}],
    "dosageInstruction": [
        {
            "sequence": 1,
            "text": "2 mg twice a day",
            "timing": {"repeat": REPEAT, "code": {"text": "BID"}},
            "asNeededBoolean": False,
            "route": ROUTE,
            "doseAndRate": [{"type": {"text": "ordered"}, "doseQuantity": DOSE}],
            "maxDosePerPeriod": {"numerator": DOSE, "denominator": {"value": 1, "unit": "d"}},
        }
    ],
    "dispenseRequest": {**DISPENSE, "initialFill": {"quantity": {"value": 60}}},
    "substitution": {"allowedBoolean": False},
}
STU3 = {
    **LATER,
    "meta": {"versionId": "3"},
    "category": {"coding": [{"code": "community"}]},
    "medicationCodeableConcept": CODE,
    "context": {"reference": "Encounter/e1"},
    "requester": {"agent": {"reference": "Practitioner/a"}},
    "dosageInstruction": [{"timing": {"repeat": REPEAT}, "asNeededBoolean": False, "route": ROUTE, "doseQuantity": DOSE}],
    "dispenseRequest": DISPENSE,
    "substitution": {"allowed": True},
}
R5 = {
    **LATER,
    "statusReason": {"text": "no longer needed"},
    "statusChanged": "2026-02-28",
    "medication": {"concept": CODE},
    "reason": [{"reference": {"reference": "Condition/aih"}}],
    "dosageInstruction": [
        {
            "timing": {"repeat": REPEAT},
            "asNeeded": False,
            "doseAndRate": [{"doseQuantity": DOSE}],
            "maxDosePerPeriod": [{"numerator": DOSE, "denominator": DOSE}],
        }
    ],
    "dispenseRequest": {**DISPENSE, "dispenser": {"reference": "Organization/pharmacy"}},
    "substitution": {"allowedBoolean": False},
}
DSTU2 = {
    "resourceType": "MedicationOrder",
    "id": "tac",
    "identifier": [{"system": "urn:example:order", "value": "1"}],
    "dateWritten": "2025-06-30",
    "status": "stopped",
    "dateEnded": "2026-02-28",
    "reasonEnded": {"text": "no longer needed"},
    "patient": SUBJECT,
    "prescriber": {"reference": "Practitioner/a"},
    "note": "as before",
    "medicationCodeableConcept": CODE,
    "dosageInstruction": [
        {
            "text": "2 mg twice a day",
            "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnits": "d", **BOUNDS}},
            "asNeededBoolean": False,
            "route": ROUTE,
            "doseQuantity": DOSE,
        }
    ],
    "dispenseRequest": DISPENSE,
    "substitution": {"type": {"text": "none"}},
}
ORDERS = {"R4": R4, "R4B": R4, "STU3": STU3, "R5": R5, "DSTU2": DSTU2}
MARKS = {"statusReason", "statusChanged", "dateEnded", "reasonEnded"}


def back(order: object, version: str = "R4") -> Json | None:
    found = kept([raw(order)], version)
    return next(iter(found.values()), None)


def faults(resource: Json, version: str) -> list[str]:
    """What is wrong with it; of DSTU2 as far as its definitions are at hand, which is what the service itself writes."""
    if version != "DSTU2":
        return problems(resource, version)
    written = ("not an element that is written", "not a dateTime")
    return [fault for fault in dstu2.problems(resource) if not fault.endswith(written)]


@pytest.mark.parametrize("version", ORDERS)
def test_an_order_goes_back_whole_with_its_status_active(version: str) -> None:
    order = ORDERS[version]
    found = back(order, version)
    assert found is not None
    assert found == {name: value for name, value in order.items() if name not in MARKS} | {"status": "active"}
    assert list(found) == [name for name in order if name not in MARKS]
    assert faults(found, version) == []


@pytest.mark.parametrize("version", ORDERS)
def test_the_story_that_is_told_here_is_valid_itself(version: str) -> None:
    assert faults(ORDERS[version], version) == []


def test_orders_are_found_by_reference() -> None:
    assert list(kept([raw(R4), raw({**R4, "id": "half"}), raw({"resourceType": "ServiceRequest"})], "R4")) == [
        "MedicationRequest/tac",
        "MedicationRequest/half",
    ]


def test_numbers_keep_their_digits() -> None:
    text = json.dumps({**R4, "dispenseRequest": {"quantity": {"value": 0.5}}}).replace("0.5", "0.50")
    found = back(text.encode())
    assert found is not None
    assert str(found["dispenseRequest"]["quantity"]["value"]) == "0.50"
    assert isinstance(found["dispenseRequest"]["quantity"]["value"], Decimal)


@pytest.mark.parametrize("status", ["stopped", "cancelled", "completed"])
def test_only_an_ended_order_is_handed_back(status: str) -> None:
    assert back({**R4, "status": status}) is not None


@pytest.mark.parametrize("status", ["active", "on-hold", "draft", "entered-in-error", "unknown", "halted", None])
def test_others_are_not(status: str | None) -> None:
    assert back({**R4, "status": status}) is None


# --- what is not surely valid stays with the client


def without(name: str) -> Json:
    return {key: value for key, value in R4.items() if key != name}


def dosed(**changes: Any) -> Json:
    return {**R4, "dosageInstruction": [{**R4["dosageInstruction"][0], **changes}]}  # type: ignore[index]


def timed(**changes: Any) -> Json:
    return dosed(timing={"repeat": {**REPEAT, **changes}})


WRONG: dict[str, Json] = {
    "no id": without("id"),
    "no intent": without("intent"),
    "no subject": without("subject"),
    "no medicine": without("medicationCodeableConcept"),
    "two medicines": {**R4, "medicationReference": {"reference": "Medication/1"}},
    "an element of another version": {**R4, "medication": {"concept": CODE}},
    "null": {**R4, "category": None},
    "an empty object": {**R4, "encounter": {}},
    "half a ratio": dosed(maxDosePerPeriod={"numerator": DOSE}),
    "a unit's code without its system": dosed(doseAndRate=[{"doseQuantity": {"value": 2, "code": "mg"}}]),
    "a period below zero": timed(period=-1),
    "a substitution that says nothing": {**R4, "substitution": {"reason": {"text": "x"}}},
    "an element nobody knows": {**R4, "colour": "red"},
    "a wrong intent": {**R4, "intent": "wish"},
    "a wrong priority": {**R4, "priority": "soon"},
    "an id with a blank": {**R4, "id": "a b"},
    "a concept as a text": {**R4, "medicationCodeableConcept": "tacrolimus"},
    "an object for a list": {**R4, "category": {"text": "community"}},
    "a list for an object": {**R4, "subject": [SUBJECT]},
    "an empty list": {**R4, "note": []},
    "an empty text": {**R4, "note": [{"text": ""}]},
    "a note without a text": {**R4, "note": [{"authorString": "Dr A"}]},
    "a note of two authors": {**R4, "note": [{"text": "x", "authorString": "A", "authorReference": SUBJECT}]},
    "a date that is none": {**R4, "authoredOn": "Invalid date"},
    "a day that is none": {**R4, "authoredOn": "2026-02-31"},
    "a day that is none inside": timed(boundsPeriod={"start": "2025-13-01"}),
    "not to be done": {**R4, "doNotPerform": True},
    "a meaning changed by an extension": {**R4, "modifierExtension": [{"url": "http://example.org/m", "valueBoolean": True}]},
    "an extension of a primitive": {**R4, "_authoredOn": {"extension": [{"url": "http://example.org/x", "valueCode": "y"}]}},
    "an extension without a url": {**R4, "extension": [{"valueString": "y"}]},
    "an extension without a value": {**R4, "extension": [{"url": "http://example.org/x"}]},
    "an extension of two values": {**R4, "extension": [{"url": "http://example.org/x", "valueString": "y", "valueCode": "z"}]},
    "a text without a narrative": {**R4, "text": {"status": "generated"}},
    "a text of a wrong status": {**R4, "text": {**LATER["text"], "status": "made up"}},  # type: ignore[dict-item]
    "a number as a text": dosed(doseAndRate=[{"doseQuantity": {"value": "2", "unit": "mg"}}]),
    "two doses in one": dosed(doseAndRate=[{"doseQuantity": DOSE, "doseRange": {"low": DOSE}}]),
    "as needed twice": dosed(asNeededCodeableConcept={"text": "pain"}),
    "a dose of STU3": dosed(doseQuantity=DOSE),
    "a frequency of nothing": timed(frequency=0),
    "half a frequency": timed(frequency=1.5),
    "a period without a unit": timed(periodUnit=None),
    "a unit without a period": timed(period=None),
    "a unit nobody knows": timed(periodUnit="fortnight"),
    "a duration without a unit": timed(duration=1),
    "two bounds": timed(boundsDuration={"value": 30}),
    "a moment nobody knows": timed(when=["TEA"]),
    "a substitution said twice": {**R4, "substitution": {"allowedBoolean": True, "allowedCodeableConcept": {"text": "yes"}}},
    "another kind of resource": {**R4, "resourceType": "MedicationStatement"},
    "a contained resource of another type": {**R4, "contained": [{"resourceType": "Patient", "id": "x"}]},
}


@pytest.mark.parametrize("order", WRONG.values(), ids=WRONG)
def test_an_order_that_may_not_be_valid_is_not_handed_back(order: Json) -> None:
    assert back(order) is None


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"{", b'{"resourceType": "MedicationRequest"}'])
def test_what_is_no_order_is_passed_over(body: bytes) -> None:
    assert kept([raw(body)], "R4") == {}


@pytest.mark.parametrize(
    "more",
    [
        {"contained": [{"resourceType": "Medication", "id": "med", "code": CODE}], "medicationReference": {"reference": "#med"}},
        {"medicationReference": {"reference": "Medication/1", "display": "tacrolimus"}},
    ],
)
def test_a_medicine_by_reference_goes_back_too(more: Json) -> None:
    order = {**without("medicationCodeableConcept"), **more}
    found = back(order)
    assert found is not None
    assert problems(found) == []


def test_an_extension_may_hold_extensions() -> None:
    nested = {"url": "http://example.org/x", "extension": [{"url": "y", "valueCode": "z"}]}
    assert back({**R4, "extension": [nested]}) is not None


@pytest.mark.parametrize("version", ["STU3", "R5", "DSTU2"])
@pytest.mark.parametrize("change", [{"colour": "red"}, {"status": "active"}, {"id": None}, {"dosageInstruction": []}])
def test_other_versions_are_as_strict(version: str, change: Json) -> None:
    assert back({**ORDERS[version], **change}, version) is None


@pytest.mark.parametrize(
    ("version", "change"),
    [
        ("STU3", {"substitution": {"reason": {"text": "x"}}}),
        ("STU3", {"intent": "reflex-order"}),
        ("R5", {"medication": None}),
        ("DSTU2", {"dosageInstruction": [{"timing": {"repeat": {"period": 1}}}]}),
        ("DSTU2", {"reasonCodeableConcept": {"text": "x"}, "reasonReference": SUBJECT}),
    ],
)
def test_what_each_demands(version: str, change: Json) -> None:
    assert back({**ORDERS[version], **change}, version) is None


# --- whatever is changed: what goes back is valid

PLAIN: list[Any] = [None, True, 0, 1.5, "", "x", "a b", "2026-02-30", "2026-02", "stopped", [], {}, [{}], [None], ["x"]]
VALUES = st.sampled_from([*PLAIN, {"text": "x"}, {"reference": "X/1"}, [{"text": "x"}]])


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, one in inner for deeper in _paths(one, (*path, key)))]


def _put(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _put(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("version", ["R4", "STU3", "R5", "DSTU2"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_a_client_sends_only_a_valid_order_goes_back(version: str, data: st.DataObject) -> None:
    order = ORDERS[version]
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from([path for path in _paths(order) if path]))
        order = _put(order, path, data.draw(VALUES))
    found = back(order, version)
    assert found is None or faults(found, version) == []
