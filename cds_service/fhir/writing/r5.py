"""Draft orders in FHIR R5: what is ordered is a CodeableReference, and a dosage line can have several highest doses."""

from datetime import date

from cds_service.fhir.writing import parts
from cds_service.fhir.writing.dosing import Dosing, Line
from cds_service.fhir.writing.parts import Resource
from cds_service.knowledge.finding import DrugOrder, LabOrder, ReferralOrder


def medication(order: DrugOrder, *, patient_id: str, asof: date, note: str) -> Resource:
    """A MedicationRequest."""
    return parts.proposal("MedicationRequest", patient_id=patient_id, asof=asof) | {
        "medication": {"concept": parts.medicine(order)},
        "note": [{"text": note}],
        "dosageInstruction": parts.instructions(order, _line),
    }


def laboratory(order: LabOrder, *, patient_id: str, asof: date) -> Resource:
    """A ServiceRequest."""
    return parts.proposal("ServiceRequest", patient_id=patient_id, asof=asof) | {
        "priority": parts.priority(urgent=False),
        "code": {"concept": parts.test(order.test)},
        **parts.occurrence(order, asof),
    }


def referral(order: ReferralOrder, *, patient_id: str, asof: date) -> Resource:
    """A ServiceRequest."""
    return parts.proposal("ServiceRequest", patient_id=patient_id, asof=asof) | {
        "priority": parts.priority(urgent=order.urgent),
        "code": {"concept": parts.service(order)},
        "performerType": parts.specialty(order),
    }


def _line(line: Line, whole: Dosing) -> Resource:
    dose = {"doseAndRate": [{"doseQuantity": parts.mg(line.mg)}], "maxDosePerPeriod": [parts.most_a_day(whole)]}
    return parts.line_without_dose(line, whole) | dose
