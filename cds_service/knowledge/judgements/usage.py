"""What the record says of the use of a medicine: it goes on, it was stopped, held, ran out, or nobody can tell.

A stop is only what a statement or an order says was stopped. An order that ran out, a refill that did not come and a record that
nobody has touched are classes of their own. The newest assertion of use wins over an older stop only where it is certain.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from msgspec import Struct

from cds_service.knowledge.parameters import Parameters
from cds_service.patient import labs
from cds_service.patient.facts import Record, Use, UseKind, UseStatus
from cds_service.patient.timeline import first_day, last_day, supplied_until
from cds_service.patient.when import days_between, shift

TACROLIMUS = "tacrolimus"

HOLD_REASONS = frozenset(
    {
        "toxicity",
        "high-level",
        "acute-kidney-injury",
        "hyperkalaemia",
        "neurotoxicity",
        "thrombotic-microangiopathy",
        "infection",
        "surgery",
        "pregnancy",
        "malignancy",
        "drug-interaction",
    }
)
"""The reasons that make a stop a hold: the drug was stopped because it had to be."""


class ExposureClass(StrEnum):
    """Where the person stands with systemic tacrolimus."""

    NONE = "no-tacrolimus"
    NOT_SYSTEMIC = "not-systemic"
    NEVER_TAKEN = "never-taken"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"
    STALE = "stale"
    SUPPLY_GAP = "supply-gap"
    ACTIVE = "active"
    HOLD = "hold"
    TAPER_UNKNOWN = "taper-unknown"
    TAPER_COMPLETE = "taper-complete"
    RAPID_TAPER = "rapid-taper"
    ABRUPT_STOP = "abrupt-stop"


STOPPED = frozenset(
    {ExposureClass.TAPER_UNKNOWN, ExposureClass.TAPER_COMPLETE, ExposureClass.RAPID_TAPER, ExposureClass.ABRUPT_STOP}
)
"""The classes of a stated stop that nothing in the record excuses or contradicts."""


class Usage(Struct, frozen=True):
    """One reading of the record: the class before the taper is looked at, and when the use ended."""

    kind: ExposureClass
    last: date | None = None
    told_by: Use | None = None
    doubt: str = ""


def newest_evidence(record: Record, uses: Sequence[Use]) -> date | None:
    """The newest day on which anything tells that the drug was in use: an assertion, a supply, a dose, a measured level."""
    days = [when.latest for use in uses for when in (use.asserted, use.start) if when and when.latest <= record.asof]
    days += [lab.when.latest for lab in labs.of(record.markers or (), TACROLIMUS) if lab.when.latest <= record.asof]
    return max(days, default=None)


def _grace(dispenses: Sequence[Use], parameters: Parameters) -> int:
    supplies = [use.supply_days for use in sorted(dispenses, key=_handed_over) if use.supply_days is not None]
    share = int(supplies[-1] * parameters.supply_grace_fraction) if supplies else 0
    return max(parameters.supply_grace_days, share)


def _handed_over(use: Use) -> date:
    return use.start.latest if use.start else date.min


def usage(record: Record, systemic: Sequence[Use], taken: Sequence[Use], parameters: Parameters, *, late: bool) -> Usage:
    """The class of one reading of the partial dates, in the order of the classes."""
    written = [use for use in taken if use.kind in {UseKind.STATEMENT, UseKind.ORDER}]
    running = [use for use in written if use.status is UseStatus.ACTIVE and _runs(use, record.asof, late=late)]
    stop = _stated_stop(written, taken, late=late)
    if stop is not None:
        after = _after_the_stop(stop, running, written, taken, record.asof, parameters, late=late)
        if after is not None:
            return after
        return stop
    if any(use.status is UseStatus.STOPPED for use in written) and not running:
        told = next(use for use in written if use.status is UseStatus.STOPPED)
        return Usage(ExposureClass.UNKNOWN, told_by=told, doubt="doubt-stop-date")
    hold = _hold(written, running, late=late)
    if hold is not None:
        return hold
    return _without_a_stop(record, systemic, taken, running, parameters, late=late)


def _runs(use: Use, today: date, *, late: bool) -> bool:
    end = last_day(use, late=late)
    return end is None or end >= today


def _stated_stop(written: Sequence[Use], taken: Sequence[Use], *, late: bool) -> Usage | None:
    """The newest stated stop that has a date; a dose given after it moves the last day."""
    stops = [(end, use) for use in written if use.status is UseStatus.STOPPED and (end := last_day(use, late=late))]
    if not stops:
        return None
    statements = {end for end, use in stops if use.kind is UseKind.STATEMENT}
    newest = max(end for end, _ in stops)
    last = max(statements) if statements and days_between(max(statements), newest) <= 1 else newest
    told_by = next(use for end, use in stops if end == last)
    given = [use.start.latest for use in taken if use.kind is UseKind.ADMINISTRATION and use.start]
    kind = ExposureClass.HOLD if told_by.reasons & HOLD_REASONS else ExposureClass.ABRUPT_STOP
    return Usage(kind, max([last, *given]), told_by)


def _after_the_stop(
    stop: Usage,
    running: Sequence[Use],
    written: Sequence[Use],
    taken: Sequence[Use],
    today: date,
    parameters: Parameters,
    *,
    late: bool,
) -> Usage | None:
    """What contradicts or follows the stated stop: use that goes on, a newer supply, an older order nobody ended."""
    last = stop.last or today
    verdicts = {_goes_on(use, stop, last, parameters) for use in running}
    if True in verdicts:
        return Usage(ExposureClass.ACTIVE)
    handed_over = [use for use in taken if use.kind is UseKind.DISPENSE and _handed_over(use) > last]
    if handed_over:
        return _supplied(taken, today, parameters, None)
    if None in verdicts:
        return Usage(ExposureClass.CONFLICT, stop.last, stop.told_by, "doubt-still-active")
    later = [
        (end, use)
        for use in written
        if use.status in {UseStatus.COMPLETED, UseStatus.ACTIVE}
        and (end := last_day(use, late=late))
        and last < end < today
        and (first_day(use) or date.min) > last
    ]
    if later:
        end, use = max(later, key=lambda found: found[0])
        return _supplied(taken, today, parameters, Usage(ExposureClass.SUPPLY_GAP, end, use))
    return None


def _goes_on(use: Use, stop: Usage, last: date, parameters: Parameters) -> bool | None:
    """Whether a running use goes on after the stop; False where the stop overtook an older record, None where nobody can tell."""
    stopped = stop.told_by
    start = first_day(use)
    if start is not None and start >= shift(last, -parameters.plateau_min_days):
        return True
    if stopped is None:
        return None
    if _another_product(use, stopped):
        return True
    if use.kind is stopped.kind:
        return None
    return None if use.asserted is not None and use.asserted.latest > last else False


def _another_product(one: Use, other: Use) -> bool:
    """Whether the two are known to be different products, so that one may go on when the other stops."""
    strengths = one.drug.strength, other.drug.strength
    return None not in strengths and strengths[0] != strengths[1]


def _hold(written: Sequence[Use], running: Sequence[Use], *, late: bool) -> Usage | None:
    held = [use for use in written if use.status is UseStatus.ON_HOLD]
    if not held:
        return None
    newest = max(held, key=lambda use: first_day(use) or date.min)
    since = first_day(newest) or date.min
    if any(use.kind is newest.kind and (first_day(use) or date.min) > since for use in running):
        return None
    return Usage(ExposureClass.HOLD, last_day(newest, late=late), newest)


def _without_a_stop(
    record: Record,
    systemic: Sequence[Use],
    taken: Sequence[Use],
    running: Sequence[Use],
    parameters: Parameters,
    *,
    late: bool,
) -> Usage:
    """Nobody says that it was stopped: it runs, it has run out, or the record is old."""
    denied = [use for use in systemic if use.status is UseStatus.NOT_TAKEN]
    if running:
        newest = newest_evidence(record, systemic)
        if newest is None or days_between(newest, record.asof) > parameters.stale_days:
            return Usage(ExposureClass.STALE)
        if denied and max(_asserted(use) for use in denied) >= max(_asserted(use) for use in running):
            return Usage(ExposureClass.CONFLICT, told_by=denied[0], doubt="doubt-not-taken")
        supplied = _supplied(taken, record.asof, parameters, None)
        told = max(max(_asserted(use), first_day(use) or date.min) for use in running)
        covered = supplied_until(use for use in taken if use.kind is UseKind.DISPENSE)
        if supplied.kind is ExposureClass.SUPPLY_GAP and covered is not None and told <= covered:
            return supplied
        return Usage(ExposureClass.ACTIVE)
    ended = [(end, use) for use in taken if (end := last_day(use, late=late)) and use.kind is not UseKind.ADMINISTRATION]
    unknown = next((use for use in taken if use.status is UseStatus.UNKNOWN), None)
    if unknown is not None:
        return Usage(ExposureClass.UNKNOWN, told_by=unknown, doubt="doubt-status-unknown")
    gap = Usage(ExposureClass.SUPPLY_GAP, *max(ended, key=lambda found: found[0])) if ended else None
    return _supplied(taken, record.asof, parameters, gap)


def _asserted(use: Use) -> date:
    return use.asserted.latest if use.asserted else date.min


def _supplied(taken: Sequence[Use], today: date, parameters: Parameters, gap: Usage | None) -> Usage:
    """Whether what was handed over (or an order's own length) still lasts, with the grace; else a gap since then."""
    dispenses = [use for use in taken if use.kind is UseKind.DISPENSE]
    given = [use for use in taken if use.kind is UseKind.ADMINISTRATION and use.start]
    until = [day for day in (supplied_until(dispenses), gap.last if gap else None, *map(_handed_over, given)) if day]
    if not until:
        return Usage(ExposureClass.UNKNOWN, doubt="doubt-stop-date")
    last = max(until)
    if days_between(last, today) <= _grace(dispenses, parameters):
        return Usage(ExposureClass.ACTIVE)
    told = gap.told_by if gap and gap.last == last else max([*dispenses, *given], key=_handed_over, default=None)
    return Usage(ExposureClass.SUPPLY_GAP, last, told)
