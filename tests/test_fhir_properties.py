"""Whatever a client sends: reading never fails, the order of entries changes no fact, and no digit is lost."""

import json
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.patient.facts import Quantity, Record
from cds_service.protocol.gathered import Answer, State
from tests.reading import KEYS, ME, Json, condition, line, order, raw, record, result, statement, tacrolimus

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
    | st.sampled_from(["Patient/p1", "2026-02-20", "active", "mg", "#med", "9999-12-31T23:59:60+14:00", "2 mg twice daily"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["coding", "text", "code", "system", "value", "unit", "start", "end", "reference", "repeat", "period"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
WHOLE = (
    order(
        statusReason={"text": "toxicity"}, reasonCode=[{"text": "AIH"}], note=[{"text": "Reason: x"}],
        dosageInstruction=[line(2, frequency=2, period=1, periodUnit="d", boundsPeriod={"start": "2025-01"}, when=["MORN"])],
    ),
    statement(effectivePeriod={"start": "2025-01-01", "end": "2026-02-20"}, adherence={"code": {"coding": [{"code": "taking"}]}}),
    {"resourceType": "MedicationOrder", "id": "mo", "status": "active", "patient": ME, "dateEnded": "2026-02-20",
     "medicationCodeableConcept": tacrolimus()},
    {"resourceType": "MedicationDispense", "id": "d1", "status": "completed", "subject": ME,
     "whenHandedOver": "2026-02-01",
     "medicationReference": {"reference": "#med"},
     "contained": [{"resourceType": "Medication", "id": "med", "code": tacrolimus()}],
     "daysSupply": {"value": 30}, "quantity": {"value": 60, "unit": "capsule"}},
    {"resourceType": "MedicationAdministration", "id": "a1", "status": "completed", "subject": ME,
     "effectiveDateTime": "2026-02-20",
     "medicationCodeableConcept": tacrolimus("42316"), "dosage": {"route": {"text": "oral"}, "dose": {"value": 2, "unit": "mg"}}},
    condition(clinicalStatus={"coding": [{"code": "active"}]}, onsetDateTime="2020"),
    {"resourceType": "Procedure", "id": "x1", "status": "completed", "subject": ME, "code": {"text": "Liver transplant"}},
    {"resourceType": "AllergyIntolerance", "id": "al1", "patient": ME, "code": {"text": "Imuran"}},
    result(referenceRange=[{"low": {"value": 7}, "high": {"value": 40}, "appliesTo": [{"text": "female"}],
                            "age": {"low": {"value": 18, "unit": "a"}}}], component=[{"code": {"text": "AST"}}]),
    result("11253-2", 0.8, "ng/mL", id="o2", specimen={"reference": "#s"}, contained=[{"resourceType": "Specimen", "id": "s"}]),
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> list[Any]:
    """A whole chart in which some values, anywhere, are replaced by anything."""
    resources: list[Any] = json.loads(json.dumps(WHOLE))
    for _ in range(draw(st.integers(1, 4))):
        node: Any = resources
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            key = draw(st.sampled_from(keys))
            if isinstance(node[key], (dict, list)) and node[key] and draw(st.integers(0, 5)):
                node = node[key]
                continue
            node[key] = draw(ANYTHING)
            break
    return resources


@given(damaged())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_value_in_any_field_makes_reading_fail(resources: list[Any]) -> None:
    found = record(*resources, drafts=resources)
    assert found.person.id == "p1"


@given(st.lists(ANYTHING, max_size=4))
@settings(max_examples=100, deadline=None)
def test_no_entry_of_any_kind_makes_reading_fail(entries: list[Any]) -> None:
    everywhere = Answer(State.PRESENT, tuple(raw(entry) for entry in entries))
    found = record(drafts=entries, **dict.fromkeys((*KEYS.values(), "screening"), everywhere))
    assert found.drafts == ()


@given(st.permutations(WHOLE))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_entries_changes_no_fact(resources: list[Json]) -> None:
    def facts(found: Record) -> tuple[Any, ...]:
        lists = (found.problems, found.procedures, found.markers, found.allergies)
        return (*(frozenset(one or ()) for one in (found.uses, *lists)), found.person, found.lost, found.tolerated)

    assert facts(record(*resources)) == facts(record(*WHOLE))


@given(st.decimals(min_value=Decimal("0.0001"), max_value=Decimal(100000), allow_nan=False, places=4))
@settings(max_examples=100, deadline=None)
def test_every_reported_number_arrives_unchanged(value: Decimal) -> None:
    body = json.dumps(result(valueQuantity={"value": "@", "unit": "U/L"})).replace('"@"', format(value, "f")).encode()
    (lab,) = record(markers=Answer(State.PRESENT, (raw(body),))).markers or ()
    assert lab.reported == Quantity(value, "U/L")
    assert lab.quantity is not None
    assert format(lab.quantity.value, "f") == format(value, "f")
