"""Draft orders in FHIR STU3: a dose stands on the dosage line itself, and a referral is a type of its own."""

from datetime import date

from cds_service.fhir.writing import parts
from cds_service.fhir.writing.dosing import Dosing, Line
from cds_service.fhir.writing.parts import Resource
from cds_service.knowledge.finding import DrugOrder, LabOrder, ReferralOrder


def medication(order: DrugOrder, *, patient_id: str, asof: date, note: str) -> Resource:
    """A MedicationRequest."""
    return parts.proposal("MedicationRequest", patient_id=patient_id, asof=asof) | {
        "medicationCodeableConcept": parts.medicine(order),
        "note": [{"text": note}],
        "dosageInstruction": parts.instructions(order, _line),
    }


def laboratory(order: LabOrder, *, patient_id: str, asof: date) -> Resource:
    """A ProcedureRequest, which is how STU3 orders a test."""
    return parts.proposal("ProcedureRequest", patient_id=patient_id, asof=asof) | {
        "priority": parts.priority(urgent=False),
        "code": parts.test(order.test),
        **parts.occurrence(order, asof),
    }


def referral(order: ReferralOrder, *, patient_id: str, asof: date) -> Resource:
    """A ReferralRequest."""
    return parts.proposal("ReferralRequest", patient_id=patient_id, asof=asof) | {
        "priority": parts.priority(urgent=order.urgent),
        "serviceRequested": [parts.service(order)],
        "specialty": parts.specialty(order),
    }


def _line(line: Line, whole: Dosing) -> Resource:
    dose = {"doseQuantity": parts.mg(line.mg), "maxDosePerPeriod": parts.most_a_day(whole)}
    return parts.line_without_dose(line, whole) | dose
