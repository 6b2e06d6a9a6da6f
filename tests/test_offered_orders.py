"""Whoever the person is, the orders on the card stay within what the parameters allow: read from the answer, in every version."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cds_service.answer import Setting
from cds_service.knowledge import valuesets
from cds_service.knowledge.parameters import in_force
from cds_service.stories.answering import hook_of, respond
from cds_service.stories.story import stories
from tests.wire_forms import VERSIONS, converted

Json = dict[str, Any]
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
IN_FORCE = in_force()
SETTING = Setting(parameters=IN_FORCE, base_url="https://cds.example.org")
STORIES = {story.name: story for story in stories()}
TYPICAL = STORIES["rebound/abrupt-stop-alt-150"]
KIDNEY = STORIES["rebound/lupus-nephritis-relapse"]
DRUG_ORDERS = frozenset({"MedicationRequest", "MedicationOrder"})
TESTS = frozenset({"ServiceRequest", "ProcedureRequest", "DiagnosticOrder"})
ORAL = {"0.5": "313190", "1": "198377", "5": "198378"}


def result(loinc: str, value: object, unit: str) -> Json:
    code = {"coding": [{"system": "http://loinc.org", "code": loinc}]}
    quantity = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    told = {"resourceType": "Observation", "id": f"drawn-{loinc}", "status": "final", "code": code}
    return told | {"subject": {"reference": "Patient/p"}, "effectiveDateTime": "2026-02-28", "valueQuantity": quantity}


def told(story: Any, drawn: Json) -> Json:
    """The request of a story for another person: of another age, weight, kidney, liver and earlier dose."""
    body: Json = json.loads(json.dumps(story.body()))
    fetched, patient = body["prefetch"], body["context"]["patientId"]
    fetched["patient"] = fetched["patient"] | {"birthDate": f"{2026 - drawn['years']}-01-15"}
    drop = {"29463-7", "98979-8", "1975-2", "2823-3"}
    entries = [one for one in fetched["markers"]["entry"] if drop.isdisjoint(codes(one["resource"].get("code", {})))]
    for loinc, name, unit in (
        ("29463-7", "kg", "kg"),
        ("98979-8", "egfr", "mL/min/{1.73_m2}"),
        ("1975-2", "bilirubin", "mg/dL"),
        ("2823-3", "potassium", "mmol/L"),
    ):
        if drawn[name] is not None:
            entries.append({"resource": result(loinc, drawn[name], unit) | {"subject": {"reference": f"Patient/{patient}"}}})
    fetched["markers"] |= {"entry": entries, "total": len(entries)}
    statement = fetched["medicationStatements"]["entry"][0]["resource"]
    statement["medicationCodeableConcept"] = {"coding": [{"system": RXNORM, "code": ORAL[drawn["strength"]]}]}
    statement["dosage"][0]["doseAndRate"][0]["doseQuantity"]["value"] = drawn["capsules"]
    return body


def codes(concept: Json) -> set[str]:
    return {coding.get("code", "") for coding in concept.get("coding", ())}


def a_day(resource: Json) -> tuple[str, Fraction, list[Fraction], Fraction]:
    """Ingredient, mg a day, the single doses and the strength of the product, from the order itself."""
    concept = resource.get("medicationCodeableConcept") or resource["medication"]["concept"]
    product = next(drug for code in codes(concept) if (drug := valuesets.drug_of_code(RXNORM, code)))
    daily, single = Fraction(), []
    for line in resource["dosageInstruction"]:
        dose = line.get("doseQuantity") or line["doseAndRate"][0]["doseQuantity"]
        assert dose["code"] == "mg"
        repeat = line["timing"]["repeat"]
        period = Fraction(repeat["period"]) / (24 if (repeat.get("periodUnit") or repeat["periodUnits"]) == "h" else 1)
        single.append(Fraction(str(dose["value"])))
        daily += single[-1] * repeat["frequency"] / period
        assert repeat.get("boundsDuration", repeat.get("boundsQuantity"))["value"] in {
            IN_FORCE.steroid_days,
            IN_FORCE.tacrolimus_days,
        }
        assert line["text"]
        assert line["route"]["coding"]
    for line in resource["dosageInstruction"]:
        most = line["maxDosePerPeriod"]
        most = most[0] if isinstance(most, list) else most
        assert Fraction(str(most["numerator"]["value"])) == daily
    assert product.strength is not None
    return product.ingredient, daily, single, product.strength


def alternatives(card: Json) -> Iterator[tuple[Json, dict[str, Fraction]]]:
    """Each suggestion with the mg a day of what it orders; drugs first, whole pieces, one order a drug."""
    for suggestion in card["suggestions"]:
        kinds = [action["resource"]["resourceType"] for action in suggestion["actions"]]
        drugs = [kind in DRUG_ORDERS for kind in kinds]
        assert drugs == sorted(drugs, reverse=True)
        daily: dict[str, Fraction] = {}
        for action in suggestion["actions"]:
            assert (action["type"], bool(action["description"])) == ("create", True)
            assert action["resource"]["status"] == "draft"
            if action["resource"]["resourceType"] in DRUG_ORDERS:
                ingredient, mg, single, strength = a_day(action["resource"])
                assert ingredient not in daily
                assert all(dose > 0 and dose % strength == 0 for dose in single)
                daily[ingredient] = mg
        tests = kinds.count("ServiceRequest") + kinds.count("ProcedureRequest") + kinds.count("DiagnosticOrder")
        assert f"{tests - referrals(suggestion)} laboratory order" in suggestion["label"]
        for mg in daily.values():
            assert f"{float(mg):g} mg" in suggestion["label"]
        assert "isRecommended" not in suggestion
        yield suggestion, daily


def referrals(suggestion: Json) -> int:
    """The referrals that are of the same type as laboratory orders."""
    told = [action["resource"] for action in suggestion["actions"]]
    return sum("performerType" in one and one["resourceType"] in TESTS for one in told)


people = st.fixed_dictionaries(
    {
        "years": st.integers(0, 100),
        "kg": st.none() | st.decimals(2, 300, places=1).map(float),
        "egfr": st.none() | st.sampled_from([45, 45.1, 60, 60.1]) | st.integers(3, 130),
        "bilirubin": st.none() | st.sampled_from([5.9, 6, 6.1]) | st.decimals("0.3", 12, places=1).map(float),
        "potassium": st.none() | st.sampled_from([5.5, 5.6]) | st.decimals(3, 7, places=1).map(float),
        "strength": st.sampled_from(["0.5", "1", "5"]),
        "capsules": st.integers(1, 9),
    }
)
ADULT: Json = {"years": 45, "kg": 80, "egfr": 90, "bilirubin": 0.7, "potassium": 4.2, "strength": "1", "capsules": 2}


def offered(story: Any, drawn: Json, version: str = "R4") -> tuple[Json, list[tuple[Json, dict[str, Fraction]]]]:
    body = told(story, drawn)
    request = json.dumps(body if version == "R4" else converted(body, version)).encode()
    cards = respond(request, hook=hook_of(story.service), asof=story.asof, setting=SETTING).cards
    card = next(one for one in cards if one["source"]["topic"]["code"] == "rebound")
    return card, list(alternatives(card))


def judged(drawn: Json, found: list[tuple[Json, dict[str, Fraction]]], *, steroids: bool) -> None:
    p, kg = IN_FORCE, drawn["kg"]
    before = 2 * drawn["capsules"] * Fraction(drawn["strength"])
    for _, daily in found:
        steroid, azathioprine, tacrolimus = (daily.get(name, 0) for name in ("prednisone", "azathioprine", "tacrolimus"))
        assert daily.keys() <= {"prednisone", "azathioprine", "tacrolimus"}
        assert not (tacrolimus and steroid)
        assert steroid in {0, p.steroid_combined_mg if azathioprine else p.steroid_alone_mg}
        assert steroids or not steroid
        assert azathioprine in {0, p.azathioprine_start_mg, p.azathioprine_fixed_mg}
        if azathioprine:
            assert drawn["bilirubin"] is None or drawn["bilirubin"] < 6
        if azathioprine == p.azathioprine_fixed_mg:
            assert kg is not None
            assert azathioprine <= p.azathioprine_mgkg_high * Fraction(str(kg))
        if tacrolimus:
            assert before - p.tacrolimus_rounding_mg < tacrolimus <= min(before, p.tacrolimus_published_max_mg)
            assert drawn["egfr"] is None or drawn["egfr"] > 45
            assert drawn["potassium"] is None or drawn["potassium"] <= Decimal("5.5")
        if daily:
            assert drawn["years"] >= 18
    assert found[-1][1] == {}
    assert found[-1][0]["label"].startswith("Laboratory orders only")


@settings(deadline=None, max_examples=60)
@given(people)
@example(ADULT)
def test_in_hepatitis_no_order_leaves_what_is_allowed(drawn: Json) -> None:
    card, found = offered(TYPICAL, drawn)
    assert card["selectionBehavior"] == "at-most-one"
    judged(drawn, found, steroids=True)


@settings(deadline=None, max_examples=25)
@given(people)
@example(ADULT)
def test_elsewhere_only_the_person_s_own_tacrolimus_is_ordered(drawn: Json) -> None:
    _, found = offered(KIDNEY, drawn)
    judged(drawn, found, steroids=False)


@pytest.mark.parametrize("version", VERSIONS)
@settings(deadline=None, max_examples=10)
@given(drawn=people)
@example(drawn=ADULT)
def test_in_the_other_versions_neither(version: str, drawn: Json) -> None:
    _, found = offered(TYPICAL, drawn, version)
    judged(drawn, found, steroids=True)


def test_the_drawn_person_is_offered_everything_where_nothing_stands_against_it() -> None:
    """So the properties above are about something: OS-A, OS-B twice, OS-C, and laboratory orders alone."""
    _, found = offered(TYPICAL, ADULT)
    assert [{name: int(mg) for name, mg in daily.items()} for _, daily in found] == [
        {"prednisone": 60},
        {"prednisone": 30, "azathioprine": 150},
        {"prednisone": 30, "azathioprine": 50},
        {"tacrolimus": 4},
        {},
    ]
    _, elsewhere = offered(KIDNEY, ADULT)
    assert [{name: int(mg) for name, mg in daily.items()} for _, daily in elsewhere] == [{"tacrolimus": 4}, {}, {}]


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({"kg": 74.9}, [(30, 150)]),
        ({"kg": None}, [(30, 150)]),
        ({"bilirubin": 6}, [(30, 150), (30, 50)]),
        ({"egfr": 45}, [(4,)]),
        ({"potassium": 5.6}, [(4,)]),
        ({"years": 17}, [(60,), (30, 150), (30, 50), (4,)]),
    ],
)
def test_each_limit_takes_away_what_it_guards(change: Json, gone: list[tuple[int, ...]]) -> None:
    every = [(60,), (30, 150), (30, 50), (4,)]
    _, found = offered(TYPICAL, ADULT | change)
    left = [tuple(int(mg) for mg in daily.values()) for _, daily in found if daily]
    assert left == [one for one in every if one not in gone]


def test_the_tests_are_due_today_and_every_two_weeks() -> None:
    _, found = offered(TYPICAL, ADULT)
    orders = [action["resource"] for action in found[-1][0]["actions"]]
    first = {one["code"]["coding"][0]["code"]: one["occurrenceTiming"]["repeat"] for one in orders if "occurrenceTiming" in one}
    assert first["6301-6"]["boundsPeriod"] == {"start": "2026-03-01", "end": date(2026, 4, 26).isoformat()}
    assert first["1742-6"]["boundsPeriod"]["start"] == "2026-03-15"
    assert {(repeat["period"], repeat["periodUnit"]) for repeat in first.values()} == {(14, "d")}
