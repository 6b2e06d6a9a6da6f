"""Which FHIR version a client speaks, told from what it sent."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from cds_service.fhir.wire import (
    AllergyIntolerance,
    Condition,
    Dosage,
    MedicationAdministration,
    MedicationDispense,
    MedicationOrder,
    MedicationRequest,
    MedicationStatement,
    Resource,
    many,
)

DSTU2 = "DSTU2"
STU3 = "STU3"
R4 = "R4"
R5 = "R5"
_LATER = "R4 or R5"


def version_of(resources: Iterable[Resource]) -> str:
    """The version whose elements most of the resources have; R4 where nothing tells.

    One order of a type that only DSTU2 has decides. Otherwise a few elements of another version, as half-right clients send
    them, decide nothing.
    """
    votes: Counter[str | None] = Counter()
    for resource in resources:
        if isinstance(resource, MedicationOrder):
            return DSTU2
        sign = _SIGNS.get(type(resource))
        if sign is not None:
            votes[sign(resource)] += 1
    if votes[DSTU2] + votes[STU3] > votes[R4] + votes[R5] + votes[_LATER]:
        return DSTU2 if votes[DSTU2] >= votes[STU3] else STU3
    return R5 if votes[R5] > votes[R4] else R4


def _of_condition(found: Condition) -> str | None:
    if found.clinical_status is None:
        return None
    if isinstance(found.clinical_status, str):
        return DSTU2 if found.patient is not None else STU3
    return _LATER


def _of_allergy(found: AllergyIntolerance) -> str | None:
    if found.substance is not None:
        return DSTU2
    return STU3 if isinstance(found.clinical_status, str) else None


def _of_statement(found: MedicationStatement) -> str | None:
    if found.was_not_taken is not None or found.patient is not None:
        return DSTU2
    if found.medication is not None or found.adherence is not None:
        return R5
    return STU3 if found.taken is not None else _of_lines(many(found.dosage))


def _of_request(found: MedicationRequest) -> str | None:
    return R5 if found.medication is not None else _of_lines(many(found.dosage_instruction))


def _of_dispense(found: MedicationDispense) -> str | None:
    if found.patient is not None:
        return DSTU2
    return R5 if found.medication is not None else _of_lines(many(found.dosage_instruction))


def _of_administration(found: MedicationAdministration) -> str | None:
    if found.patient is not None:
        return DSTU2
    return R5 if found.medication is not None else None


def _of_lines(lines: Iterable[Dosage]) -> str | None:
    """What the place of the dose tells: since R4 it stands in a list of its own."""
    for line in lines:
        if line.dose_and_rate is not None:
            return R4
        if line.dose_quantity is not None or line.dose_range is not None:
            return STU3
    return None


_SIGNS: dict[type, Callable[[Any], str | None]] = {
    AllergyIntolerance: _of_allergy,
    Condition: _of_condition,
    MedicationAdministration: _of_administration,
    MedicationDispense: _of_dispense,
    MedicationRequest: _of_request,
    MedicationStatement: _of_statement,
}
"""How each type tells."""
