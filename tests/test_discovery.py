"""The discovery body: what clients of every version can read, and what the rules behind it can use."""

import ast
import csv
import json
import re
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

import cds_service
from cds_service.protocol import discovery
from cds_service.protocol.schemas import schema

BODY: dict[str, Any] = json.loads(discovery.body())
SERVICES: list[dict[str, Any]] = BODY["services"]
TEMPLATES = [pytest.param(key, template, id=f"{s['id']}-{key}") for s in SERVICES for key, template in s["prefetch"].items()]
LABORATORY = {
    "markers": "tacrolimus alt ast bilirubin inr igg albumin creatinine egfr potassium magnesium sodium glucose glucose_fasting"
    " wbc neutrophils platelets crp esr upcr urine_protein_24h dsdna c3 c4 anca mpo pr3"
    " urine_rbc urine_rbc_casts urine_wbc_casts fvc weight pregnancy_test hcg pregnancy_status hba1c calcium qtc",
    "screening": "hbsag anti_hbc hbv_dna tpmt tpmt_nudt15 igra",
}
"""The analytes that each laboratory key asks for."""


@cache
def laboratory() -> dict[str, str]:
    """The analyte of every LOINC code of the value sets."""
    text = files("cds_service.knowledge.valuesets").joinpath("laboratory.csv").read_text(encoding="utf-8")
    return {row["loinc"]: row["analyte"] for row in csv.DictReader(text.splitlines())}


def codes(key: str) -> list[str]:
    """The LOINC codes that a key asks for."""
    query = dict(parse_qsl(SERVICES[0]["prefetch"][key].partition("?")[2]))
    return [token.removeprefix("http://loinc.org|") for token in query["code"].split(",")]


def test_the_body_is_what_this_service_says_it_is() -> None:
    assert schema("discovery").fault(BODY) is None


def test_there_is_exactly_one_service_for_each_hook() -> None:
    hooks = ["medication-prescribe", "order-select", "order-sign", "patient-view", "encounter-discharge"]
    hooks += ["medication-refill", "encounter-start", "order-dispatch", "io.github.cds-service.order-discontinue"]
    assert [service["hook"] for service in SERVICES] == hooks
    assert [service["id"] for service in SERVICES] == [f"tacrolimus-{hook.rpartition('.')[2]}" for hook in hooks]
    assert list(discovery.services()) == [service["id"] for service in SERVICES]
    assert set(hooks) <= discovery.known_hooks()


def test_a_hook_that_was_only_proposed_has_a_name_of_our_own_and_is_understood_by_its_bare_one() -> None:
    ours = {service["hook"] for service in SERVICES} - discovery.PUBLISHED_HOOKS
    assert ours == {"io.github.cds-service.order-discontinue"}
    assert ours | {"order-discontinue"} <= discovery.known_hooks()
    assert discovery.answering("order-discontinue") == discovery.answering(*ours) == "io.github.cds-service.order-discontinue"
    assert discovery.answering("order-sign") == "order-sign"
    assert discovery.answering("order-review") is None


def test_the_texts_are_plain_and_say_what_the_rules_rest_on() -> None:
    for service in SERVICES:
        assert not re.search(r"[<>]", "".join(service[name] for name in ("title", "description", "usageRequirements")))
        assert "secondary source" in service["description"]
        assert service["version"] == "2.0"


@pytest.mark.parametrize(("key", "template"), TEMPLATES)
def test_a_template_is_one_that_every_client_can_fill(key: str, template: str) -> None:
    kind, _, query = template.partition("?")
    tokens = re.findall(r"\{\{(.*?)\}\}", template)
    assert set(tokens) <= {"context.patientId", "today() - 1650 days"}
    assert re.fullmatch(r"[A-Z][A-Za-z]+(/\{\{context\.patientId\}\})?", kind)
    names = [name for name, _ in parse_qsl(query)]
    assert set(names) <= {"patient", "code", "date", "_sort", "_count"}
    assert max(Counter(names).values(), default=1) == 1
    assert ("date" in names) == (key == "markers"), "only the markers are bounded in time"


def test_every_service_asks_for_the_same() -> None:
    assert all(service["prefetch"] == SERVICES[0]["prefetch"] for service in SERVICES)


@pytest.mark.parametrize("key", LABORATORY)
def test_the_codes_asked_for_are_those_the_value_sets_know(key: str) -> None:
    analytes = LABORATORY[key].split()
    assert sorted(codes(key)) == sorted(code for code, analyte in laboratory().items() if analyte in analytes)
    assert set(analytes) == {laboratory()[code] for code in codes(key)}


def test_every_analyte_that_a_rule_names_is_asked_for() -> None:
    rooms = Path(cds_service.__file__).parent / "knowledge"
    named = {
        node.value
        for room in ("judgements", "questions")
        for path in (rooms / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    asked = {analyte for analytes in LABORATORY.values() for analyte in analytes.split()}
    used = (named & set(laboratory().values())) - {
        "azathioprine",
        "cyclosporine",
        "sirolimus",
    }  # medicines with a level of that name
    assert {"alt", "weight", "hbsag"} <= used
    assert used <= asked
