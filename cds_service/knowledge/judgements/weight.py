"""The body weight to reckon with on a day."""

from datetime import date
from fractions import Fraction

from cds_service.knowledge.judgements import age
from cds_service.knowledge.parameters import Parameters
from cds_service.patient import labs
from cds_service.patient.facts import Lab, Record
from cds_service.patient.when import days_between


def nearest(record: Record, day: date, parameters: Parameters) -> Lab | None:
    """The weight measured last before a day, else first after it, if it is fresh enough for the person's age."""
    child = age.surely_child(record, parameters)
    fresh = parameters.weight_fresh_days_child if child else parameters.weight_fresh_days
    weights = labs.final(record.measured.get("weight", ()))
    near = [lab for lab in weights if all(abs(days_between(end, day)) <= fresh for end in (lab.when.earliest, lab.when.latest))]
    before = [lab for lab in near if lab.when.latest <= day]
    return before[0] if before else near[-1] if near else None


def on(record: Record, day: date, parameters: Parameters) -> Fraction | None:
    """That weight in kg; None when there is none, or none that can be true."""
    lab = nearest(record, day, parameters)
    if lab is None or not parameters.weight_min_kg <= labs.value(lab) <= parameters.weight_max_kg:
        return None
    return Fraction(labs.value(lab))
