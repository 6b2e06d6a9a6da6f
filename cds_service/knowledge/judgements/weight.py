"""The body weight to reckon with on a day."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from fractions import Fraction

from cds_service.knowledge.judgements import age
from cds_service.knowledge.parameters import Parameters
from cds_service.patient import labs
from cds_service.patient.facts import Lab, Record
from cds_service.patient.when import days_between, shift


def lookup(record: Record, parameters: Parameters) -> Callable[[date], Fraction | None]:
    """What gives the weight in kg on a day: measured last before it, else first after it, if it is fresh enough for the age.

    It gives None when there is none, or none that can be true. Asked for many days it costs little more than for one.
    """
    find = _finder(record, parameters)
    return lambda day: _in_kg(find(day), parameters)


def nearest(record: Record, day: date, parameters: Parameters) -> Lab | None:
    """The measurement that counts on a day."""
    return _finder(record, parameters)(day)


def on(record: Record, day: date, parameters: Parameters) -> Fraction | None:
    """The weight in kg on a day; None when there is none, or none that can be true."""
    return lookup(record, parameters)(day)


def _in_kg(lab: Lab | None, parameters: Parameters) -> Fraction | None:
    if lab is None or not parameters.weight_min_kg <= labs.value(lab) <= parameters.weight_max_kg:
        return None
    return Fraction(labs.value(lab))


def _finder(record: Record, parameters: Parameters) -> Callable[[date], Lab | None]:
    child = age.surely_child(record, parameters)
    fresh = parameters.weight_fresh_days_child if child else parameters.weight_fresh_days
    oldest_first = labs.final(record.measured.get("weight", ()))[::-1]
    days = [lab.when.latest for lab in oldest_first]

    def find(day: date) -> Lab | None:
        after = bisect_right(days, day)
        before = _first(reversed(range(after)), oldest_first, day, fresh)
        return before or _first(range(after, len(days)), oldest_first, day, fresh)

    return find


def _first(places: Iterable[int], weights: Sequence[Lab], day: date, fresh: int) -> Lab | None:
    """The first of these that is surely fresh; what lies behind the first that surely is not is older still, or later."""
    for place in places:
        when = weights[place].when
        if abs(days_between(when.latest, day)) > fresh:
            return None
        if shift(day, -fresh) <= when.earliest:
            return weights[place]
    return None
