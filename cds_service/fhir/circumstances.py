"""To the minute, and in which stay: what a resource tells of a use beside its days and doses."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from cds_service.fhir.concepts import codes, plain, texts
from cds_service.fhir.dates import instant
from cds_service.fhir.references import id_of
from cds_service.fhir.wire import (
    Dosage,
    MedicationAdministration,
    MedicationOrder,
    MedicationRequest,
    MedicationStatement,
    MedicationUse,
    Period,
    many,
)

_DISCHARGE = "discharge"


def instants(found: MedicationUse, dosages: Sequence[Dosage], zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """The instants of the first and the last dose, where a time of day was given."""
    starts, ends = _instants(found, dosages, zone)
    return min(starts, default=None), max(ends, default=None)


def for_discharge(found: MedicationUse) -> bool:
    """Whether its category says that it was written for the time after a stay in hospital."""
    return any(_DISCHARGE in codes(concept) | set(map(plain, texts(concept))) for concept in many(found.category))


def stay(found: MedicationUse) -> str | None:
    """The id of the stay or visit it belongs to."""
    return id_of(found.encounter or found.context)


def _instants(found: MedicationUse, dosages: Sequence[Dosage], zone: ZoneInfo) -> tuple[list[datetime], list[datetime]]:
    periods = [_bounds(dosage) for dosage in dosages]
    moments: list[str | None] = []
    ended: list[str | None] = []
    if isinstance(found, MedicationAdministration):
        periods += [found.effective_period, found.effective_time_period, found.occurence_period]
        moments = [found.effective_date_time, found.effective_time_date_time, found.occurence_date_time]
    elif isinstance(found, MedicationStatement):
        periods.append(found.effective_period)
    elif isinstance(found, MedicationOrder):
        ended = [found.date_ended]
    elif isinstance(found, MedicationRequest):
        periods.append(found.effective_dose_period)
    told = [period for period in periods if period is not None]
    starts = _known([*(period.start for period in told), *moments], zone)
    return starts, _known([*(period.end for period in told), *moments, *ended], zone)


def _bounds(dosage: Dosage) -> Period | None:
    repeat = dosage.timing.repeat if dosage.timing else None
    return repeat.bounds_period if repeat else None


def _known(texts_of: Iterable[str | None], zone: ZoneInfo) -> list[datetime]:
    return [moment for text in texts_of if (moment := instant(text, zone)) is not None]
