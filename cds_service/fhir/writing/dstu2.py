"""Draft orders in FHIR DSTU2, which has no intent, a plain text for a note, and no element that says when a test is due."""

from datetime import date

from cds_service.fhir.writing import parts
from cds_service.fhir.writing.dosing import Dosing, Line, Moment, Rhythm
from cds_service.fhir.writing.parts import Resource
from cds_service.knowledge.finding import DrugOrder, LabOrder, ReferralOrder

TIMING_CODES = "http://hl7.org/fhir/v3/GTSAbbreviation"
PRIORITIES = "http://hl7.org/fhir/diagnostic-order-priority"


def medication(order: DrugOrder, *, patient_id: str, asof: date, note: str) -> Resource:
    """A MedicationOrder."""
    return {
        "resourceType": "MedicationOrder",
        "status": "draft",
        "dateWritten": asof.isoformat(),
        "patient": parts.patient(patient_id),
        "medicationCodeableConcept": parts.medicine(order),
        "note": note,
        "dosageInstruction": parts.instructions(order, _line),
    }


def laboratory(order: LabOrder, *, patient_id: str, asof: date) -> Resource:
    """A DiagnosticOrder; the days are in its note, since its events tell of the past and nothing else holds a date."""
    return {
        "resourceType": "DiagnosticOrder",
        "status": "draft",
        "priority": parts.priority(urgent=False),
        "subject": parts.patient(patient_id),
        "item": [{"code": parts.test(order.test)}],
        "note": [{"text": f"Due on {', '.join(parts.due_on(order, asof))}"}],
    }


def referral(order: ReferralOrder, *, patient_id: str, asof: date) -> Resource:
    """A ReferralRequest."""
    priority = parts.priority(urgent=order.urgent)
    return {
        "resourceType": "ReferralRequest",
        "status": "draft",
        "date": asof.isoformat(),
        "priority": {"coding": [{"system": PRIORITIES, "code": priority}], "text": priority},
        "patient": parts.patient(patient_id),
        "serviceRequested": [parts.service(order)],
        "specialty": parts.specialty(order),
    }


def _line(line: Line, whole: Dosing) -> Resource:
    repeat = {
        "boundsQuantity": parts.days(whole.days),
        "frequency": 1,
        "period": line.rhythm.period,
        "periodUnits": line.rhythm.unit,
    }
    return {
        "text": line.words,
        "timing": {"repeat": repeat} | _moment(line.rhythm),
        "route": parts.ORAL,
        "doseQuantity": parts.mg(line.mg),
        "maxDosePerPeriod": parts.most_a_day(whole),
    }


def _moment(rhythm: Rhythm) -> Resource:
    """The part of the day as a code of the timing: ``when`` has no such codes here, and may not stand beside a frequency."""
    match rhythm.moment:
        case Moment.MORNING:
            return {"code": {"coding": [{"system": TIMING_CODES, "code": "AM"}], "text": rhythm.words}}
        case Moment.EVENING:  # in words only: the code PM is defined as the afternoon
            return {"code": {"text": rhythm.words}}
        case None:
            return {}
