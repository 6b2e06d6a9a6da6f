"""Age in whole years, from a birth date that may be known only to the month or year."""

from datetime import date

from cds_service.knowledge.parameters import Parameters
from cds_service.patient.facts import Record


def years(born: date, today: date) -> int:
    """Completed years on a day."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def span(record: Record) -> tuple[int, int] | None:
    """The youngest and the oldest the person can be; None when the birth date is not recorded."""
    born = record.person.born
    return None if born is None else (years(born.latest, record.asof), years(born.earliest, record.asof))


def surely_child(record: Record, parameters: Parameters) -> bool:
    """Whether the person is certainly not yet an adult."""
    ages = span(record)
    return ages is not None and ages[1] < parameters.adult_years


def surely_adult(record: Record, parameters: Parameters) -> bool:
    """Whether the person is certainly an adult; a birth date that is not recorded leaves it open."""
    ages = span(record)
    return ages is not None and ages[0] >= parameters.adult_years
