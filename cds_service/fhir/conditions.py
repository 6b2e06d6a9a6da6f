"""Conditions, procedures and allergies as facts."""

from zoneinfo import ZoneInfo

from cds_service.fhir.concepts import codes, codings, condition, plain, texts, words
from cds_service.fhir.dates import start_of, when
from cds_service.fhir.references import reference_to
from cds_service.fhir.wire import AllergyIntolerance, Condition, Procedure
from cds_service.knowledge.valuesets import drug_of_code, drug_of_text
from cds_service.patient.facts import Allergy, Outside, Problem

_WRONG = frozenset({"refuted", "entered-in-error"})
_OVER = frozenset({"inactive", "resolved"})
_GOES_ON = frozenset({"active", "recurrence", "relapse", "remission"})


def problem(found: Condition, zone: ZoneInfo) -> Problem | None:
    """A condition as a fact; None when it was refuted or entered in error. One in remission goes on."""
    status = codes(found.clinical_status)
    if status & _WRONG or codes(found.verification_status) & _WRONG:
        return None
    active = True if status & _GOES_ON else False if status & _OVER else None
    if not status and found.abatement_date_time is not None:
        active = False
    groups, roles = condition(found.code)
    return Problem(
        reference=reference_to("Condition", found.id),
        groups=groups,
        roles=roles,
        active=active,
        text=Outside(words(found.code)),
        onset=when(found.onset_date_time, zone) or start_of(found.onset_period, zone),
        recorded=when(found.recorded_date or found.asserted_date or found.date_recorded, zone),
    )


def procedure(found: Procedure, zone: ZoneInfo) -> Problem | None:
    """A completed procedure as a fact (what was done stays done: ``active`` is True); None for any other."""
    if plain(found.status) != "completed" or found.not_performed or found.not_done:
        return None
    groups, roles = condition(found.code)
    done = when(found.performed_date_time or found.occurrence_date_time, zone)
    return Problem(
        reference=reference_to("Procedure", found.id),
        groups=groups,
        roles=roles,
        active=True,
        text=Outside(words(found.code)),
        onset=done or start_of(found.performed_period or found.occurrence_period, zone),
    )


def allergy(found: AllergyIntolerance) -> Allergy | None:
    """An allergy as a fact; None when it was refuted, entered in error, or is over."""
    told = codes(found.verification_status) | codes(found.clinical_status) | codes(found.status)
    if told & (_WRONG | _OVER):
        return None
    concept = found.code or found.substance
    coded = (drug_of_code(coding.system, coding.code) for coding in codings(concept) if coding.system and coding.code)
    known = next((drug for drug in coded if drug), None) or next(
        (drug for text in texts(concept) if (drug := drug_of_text(text))), None
    )
    return Allergy(reference_to("AllergyIntolerance", found.id), Outside(words(concept)), known.ingredient if known else None)
