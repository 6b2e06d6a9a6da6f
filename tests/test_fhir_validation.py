"""The models tell what is wrong with a resource, by path and kind and never by value."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from cds_service.fhir import validation
from cds_service.knowledge.finding import ReferralOrder
from tests.ordered import known, medicine, referral

EXAMPLES = Path(__file__).parents[2] / "shared" / "samples" / "hl7-r4-examples"
PREDNISONE_20 = known("312615")


def test_a_fault_is_named_by_path_and_kind_and_never_by_value() -> None:
    faulty = referral(ReferralOrder("hepatology")) | {"authoredOn": "SECRET", "subject": {"reference": 5}, "SECRET": "SECRET"}

    found = validation.problems(faulty)

    assert "authoredOn: value error" in found
    assert "subject.reference: string type" in found
    assert "resource: an element that FHIR R4 does not have" in found
    assert "SECRET" not in " ".join(found)


def test_a_code_outside_its_required_list_is_a_fault() -> None:
    resource = deepcopy(medicine(PREDNISONE_20, 60)) | {"status": "SECRET"}  # orders share their parts
    resource["dosageInstruction"][0]["timing"]["repeat"]["periodUnit"] = "fortnight"

    assert validation.problems(resource) == [
        "MedicationRequest.dosageInstruction.timing.repeat.periodUnit: not a code of its list",
        "MedicationRequest.status: not a code of its list",
    ]


@pytest.mark.parametrize("version", sorted(validation.VERSIONS))
@pytest.mark.parametrize(
    "resource", [{}, {"resourceType": 5}, {"resourceType": "Nope"}, {"resourceType": "Timing"}, {"resourceType": "Boolean"}]
)
def test_what_is_no_resource_is_a_fault(resource: dict[str, Any], version: str) -> None:
    assert validation.problems(resource, version) == [f"resourceType: no resource type of FHIR {version}"]


def test_a_contained_resource_of_another_version_is_a_fault() -> None:
    resource = medicine(PREDNISONE_20, 60) | {"contained": [{"resourceType": "MedicationOrder"}]}

    assert validation.problems(resource) == ["contained: a resource type that FHIR R4 does not have"]


@pytest.mark.parametrize("written", sorted(validation.VERSIONS))
@pytest.mark.parametrize("read", sorted(validation.VERSIONS))
def test_an_order_is_valid_in_its_own_version_and_in_no_other(written: str, read: str) -> None:
    alike = written.startswith("R4") and read.startswith("R4")

    assert (validation.problems(medicine(PREDNISONE_20, 60, version=written), read) == []) is (alike or written == read)


def test_an_element_of_another_version_is_named_with_the_version_that_lacks_it() -> None:
    found = validation.problems(medicine(PREDNISONE_20, 60, version="R5"), "STU3")

    assert "resource: an element that FHIR STU3 does not have" in found


def test_there_are_no_models_of_dstu2() -> None:
    with pytest.raises(KeyError):
        validation.problems({"resourceType": "MedicationOrder"}, "DSTU2")


def test_the_official_examples_of_the_types_we_read_have_no_fault() -> None:
    if not EXAMPLES.exists():
        pytest.skip("the HL7 examples are not beside this checkout")
    found = {path.name: validation.problems(json.loads(path.read_text(encoding="utf-8"))) for path in EXAMPLES.glob("*.json")}

    assert len(found) > 100
    assert {name: faults for name, faults in found.items() if faults} == {}
