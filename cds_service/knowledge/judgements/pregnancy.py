"""Is the person pregnant, or could she be?"""

from enum import StrEnum

from msgspec import Struct

from cds_service.knowledge.judgements import age
from cds_service.knowledge.parameters import Parameters
from cds_service.patient import labs
from cds_service.patient.facts import Lab, Problem, Record, Sex
from cds_service.patient.when import days_between

TESTS = frozenset({"pregnancy_test", "pregnancy_status"})


class State(StrEnum):
    """What is known of it; ``POSSIBLE`` means that nobody has excluded it."""

    PREGNANT = "pregnant"
    LACTATING = "lactating"
    POSSIBLE = "possible"
    EXCLUDED = "excluded"


class Pregnancy(Struct, frozen=True):
    """The judgement, with the condition or the test that tells it."""

    state: State
    problem: Problem | None = None
    test: Lab | None = None


def judge(record: Record, parameters: Parameters) -> Pregnancy:
    """A condition tells first, then the newest test; a negative test answers for some days only."""
    expecting, nursing = _active(record, "pregnancy_status"), _active(record, "lactation")
    if expecting is not None:
        return Pregnancy(State.PREGNANT, expecting)
    possible = _possible(record, parameters)
    found = [lab for lab in labs.final(record.markers or ()) if lab.analyte in TESTS and lab.concept]
    newest = max(found, key=lambda lab: lab.when.latest, default=None)
    if possible and newest is not None and newest.concept == "positive":
        return Pregnancy(State.PREGNANT, test=newest)
    if nursing is not None:
        return Pregnancy(State.LACTATING, nursing)
    if not possible:
        return Pregnancy(State.EXCLUDED)
    answered = newest is not None and newest.concept == "negative"
    if newest is None or not answered or days_between(newest.when.earliest, record.asof) > parameters.pregnancy_fresh_days:
        return Pregnancy(State.POSSIBLE)
    return Pregnancy(State.EXCLUDED, test=newest)


def _active(record: Record, group: str) -> Problem | None:
    found = (entry for entry in record.problems or () if group in entry.groups and entry.active is not False)
    return next(found, None)


def _possible(record: Record, parameters: Parameters) -> bool:
    """Whether sex and age leave it open; what is not recorded does."""
    ages, p = age.span(record), parameters
    fertile = ages is None or (ages[1] >= p.childbearing_age_low and ages[0] <= p.childbearing_age_high)
    return record.person.sex is not Sex.MALE and fertile
