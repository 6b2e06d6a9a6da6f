"""Which FHIR version a client speaks, told from what it sent."""

from collections.abc import Callable, Iterable
from typing import Any

from cds_service.fhir.wire import AnyResource, Condition, MedicationOrder, MedicationRequest, MedicationStatement, many

DSTU2 = "DSTU2"
STU3 = "STU3"
R4 = "R4"
R5 = "R5"


def version_of(resources: Iterable[AnyResource]) -> str:
    """The version whose elements the resources have; R4 where nothing tells."""
    told = {_SIGNS[type(resource)](resource) for resource in resources if type(resource) in _SIGNS}
    return next((version for version in (DSTU2, R5, STU3) if version in told), R4)


def _of_condition(found: Condition) -> str | None:
    if not isinstance(found.clinical_status, str):
        return None
    return DSTU2 if found.patient is not None else STU3


def _of_statement(found: MedicationStatement) -> str | None:
    if found.was_not_taken is not None:
        return DSTU2
    if found.medication is not None or found.adherence is not None:
        return R5
    return STU3 if found.taken is not None else None


def _of_request(found: MedicationRequest) -> str | None:
    if found.medication is not None:
        return R5
    return STU3 if any(line.dose_quantity is not None for line in many(found.dosage_instruction)) else None


_SIGNS: dict[type, Callable[[Any], str | None]] = {
    MedicationOrder: lambda _: DSTU2,
    MedicationStatement: _of_statement,
    MedicationRequest: _of_request,
    Condition: _of_condition,
}
"""What only one version has, by type."""
