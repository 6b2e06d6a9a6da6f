"""Had another immunosuppressant taken over when tacrolimus was stopped? Begun or stepped up around the stop it lowers the alarm.

Calcineurin inhibitors are another matter (``calcineurin_inhibitors``), and a steroid is cover, not a replacement.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise

from msgspec import Struct

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Indicator
from cds_service.knowledge.judgements import weight
from cds_service.knowledge.judgements.treatment import ordered, running
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.completions import completions
from cds_service.patient.facts import Record, Use, UseStatus
from cds_service.patient.timeline import Segment, timeline
from cds_service.patient.when import When, days_between, shift

GIVEN = frozenset({UseStatus.ACTIVE, UseStatus.COMPLETED})
LOWER = {Indicator.CRITICAL: Indicator.WARNING, Indicator.WARNING: Indicator.INFO, Indicator.INFO: Indicator.INFO}
"""One tier lower; never silent."""


class PlannedSwitch(Struct, frozen=True):
    """What took over, and which of it acts slowly and was begun so late that its effect may lag."""

    replacing: tuple[Use, ...]
    lagging: tuple[Use, ...] = ()


class _Window(Struct, frozen=True):
    """The days around the stop in which something must have begun, certain at both ends of a partial date."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last


def judge(record: Record, stop: When, parameters: Parameters, *, coming: bool) -> PlannedSwitch | None:
    """What takes the place of tacrolimus after the stop; None where nothing does.

    ``coming`` tells that this request orders the stop: what it orders beside that begins today.
    """
    window = _Window(
        shift(stop.latest, -parameters.planned_switch_before_days), shift(stop.earliest, parameters.planned_switch_after_days)
    )
    others = valuesets.drugs_in_class("immunosuppressant") - valuesets.drugs_in_class("calcineurin-inhibitor")
    found: dict[str, tuple[Use, date]] = {}
    for use in running(record).values():
        if use.drug.ingredient in others and (day := _surely_risen(use.drug.ingredient, record, window, parameters)):
            found[use.drug.ingredient] = use, day
    for use, day in _infused(record, window):
        found.setdefault(use.drug.ingredient or "", (use, day))
    if coming:
        for use in ordered(record):
            if use.drug.ingredient in others:
                found.setdefault(use.drug.ingredient, (use, record.asof))
    if not found:
        return None
    return PlannedSwitch(tuple(use for use, _ in found.values()), _lagging(found.values(), stop, parameters))


def _surely_risen(ingredient: str, record: Record, window: _Window, parameters: Parameters) -> date | None:
    """The day in the window on which the daily dose began or rose, whichever way partial dates are read."""
    uses = [use for use in record.uses if use.drug.ingredient == ingredient]
    days = [_risen(exact, record, window, parameters) for exact in completions(uses, record.asof)]
    known = [day for day in days if day is not None]
    return max(known) if len(known) == len(days) else None


def _risen(uses: Sequence[Use], record: Record, window: _Window, parameters: Parameters) -> date | None:
    line = timeline(
        uses,
        until=record.asof,
        gap_days=parameters.taper_gap_days,
        weight=weight.lookup(record, parameters),
        scale=lambda _: Fraction(1),
    )
    begun = [item.start for item in line[:1] if item.dose != 0]
    raised = [later.start for item, later in pairwise(line) if _up(item, later)]
    return next((day for day in reversed([*begun, *raised]) if window.holds(day)), None)


def _up(before: Segment, after: Segment) -> bool:
    if before.dose == 0:
        return True
    return before.dose is not None and after.dose is not None and after.dose > before.dose


def _infused(record: Record, window: _Window) -> list[tuple[Use, date]]:
    """Biologics given in the window, and the day: one infusion acts for months."""
    biologics = valuesets.drugs_in_class("biologic")
    return [
        (use, use.start.latest)
        for use in record.uses
        if use.drug.ingredient in biologics
        and use.status in GIVEN
        and use.start is not None
        and window.holds(use.start.earliest)
        and window.holds(use.start.latest)
    ]


def _lagging(found: Iterable[tuple[Use, date]], stop: When, parameters: Parameters) -> tuple[Use, ...]:
    slow = valuesets.drugs_in_class("thiopurine") | valuesets.drugs_in_class("mycophenolate")
    return tuple(
        use
        for use, begun in found
        if use.drug.ingredient in slow and days_between(begun, stop.earliest) < parameters.slow_onset_days
    )
