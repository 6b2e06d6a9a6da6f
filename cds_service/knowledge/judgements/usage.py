"""What the record says of the use of a medicine: it goes on, it was stopped, held, ran out, or nobody can tell.

A stop is only what a statement or an order says was stopped. An order that ran out, a refill that did not come and a record that
nobody has touched are classes of their own. The newest assertion of use wins over an older stop only where it is certain.
"""

from collections.abc import Sequence, Set
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from msgspec import Struct

from cds_service.knowledge.parameters import Parameters
from cds_service.patient import labs
from cds_service.patient.bounds import first_day, last_day
from cds_service.patient.doses import withheld
from cds_service.patient.facts import Lab, Record, Use, UseKind, UseStatus
from cds_service.patient.supplies import supplied_until
from cds_service.patient.when import days_between, shift

TACROLIMUS = "tacrolimus"
WRITTEN = frozenset({UseKind.STATEMENT, UseKind.ORDER})

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
    """What the record says: the class before the taper is looked at, and when the use ended."""

    kind: ExposureClass
    last: date | None = None
    told_by: Use | None = None
    doubt: str = ""


class _Told(Struct, frozen=True):
    """What the judgement rests on: ``written`` are statements and orders, ``running`` those that go on."""

    today: date
    systemic: Sequence[Use]
    taken: Sequence[Use]
    written: Sequence[Use]
    running: Sequence[Use]
    newest: date | None
    parameters: Parameters

    @property
    def dispenses(self) -> list[Use]:
        """What was handed over."""
        return [use for use in self.taken if use.kind is UseKind.DISPENSE]

    @property
    def given(self) -> list[Use]:
        """The doses that were given on a known day."""
        return [use for use in self.taken if use.kind is UseKind.ADMINISTRATION and use.start]


def newest_evidence(record: Record, taken: Sequence[Use]) -> date | None:
    """The newest day on which anything tells that the drug was in use: an assertion, a supply, a dose, a measured level."""
    days = [when.latest for use in taken for when in (use.asserted, use.start) if when and when.latest <= record.asof]
    days += [lab.when.latest for lab in record.measured.get(TACROLIMUS, ()) if _measured(lab, record.asof)]
    return max(days, default=None)


def _measured(lab: Lab, today: date) -> bool:
    """Whether a level shows that there was some of the drug; one below the limit of the assay does not."""
    return labs.surely_above(lab, Decimal()) and lab.when.latest <= today


def unmeasurable(record: Record) -> Lab | None:
    """The newest level, where it is below the limit of the assay: it supports that the drug is not taken, and proves nothing."""
    levels = [lab for lab in labs.final(record.measured.get(TACROLIMUS, ())) if lab.when.latest <= record.asof]
    return None if not levels or labs.surely_above(levels[0], Decimal()) else levels[0]


def usage(record: Record, systemic: Sequence[Use], taken: Sequence[Use], parameters: Parameters) -> Usage:
    """The class of uses with exact dates, in the order of the classes."""
    written = [use for use in taken if use.kind in WRITTEN and (use.status is UseStatus.STOPPED or not withheld(use.lines))]
    running = [use for use in written if use.status is UseStatus.ACTIVE and _runs(use, record.asof)]
    told = _Told(record.asof, systemic, taken, written, running, newest_evidence(record, taken), parameters)
    stops = _stated_stops(told)
    if stops:
        stop = _stop(told, stops)
        return (
            _held_since(told, stop) or _still_given(told, stops) or _after_the_stop(told, stop, [use for _, use in stops]) or stop
        )
    undated = [use for use in written if use.status is UseStatus.STOPPED]
    if undated and not running:
        return _ended_by_doses(told, undated) or Usage(ExposureClass.UNKNOWN, told_by=undated[0], doubt="doubt-stop-date")
    return _hold(told) or _contradicted(told) or _without_a_stop(told)


def _runs(use: Use, today: date) -> bool:
    end = last_day(use)
    return end is None or end >= today


def _ended(told: _Told, use: Use) -> date | None:
    """The last day of a use that is said to have ended; a day in the future is a plan and no end."""
    last = last_day(use)
    return None if last is None or last > told.today else last


def _stated_stops(told: _Told) -> list[tuple[date, Use]]:
    """The newest stated stop that has a date, with whatever else was stopped on that day or the one before."""
    stops = [(end, use) for use in told.written if use.status is UseStatus.STOPPED and (end := _ended(told, use))]
    newest = max((end for end, _ in stops), default=date.min)
    return [(end, use) for end, use in stops if days_between(end, newest) <= 1]


def _stop(told: _Told, stops: Sequence[tuple[date, Use]]) -> Usage:
    """The stop as a reading: a statement tells its day before an order, a dose given later moves it; any of them its reason."""
    days = [end for end, use in stops if use.kind is UseKind.STATEMENT] or [end for end, _ in stops]
    given = [end.latest for use in told.given if (end := use.end or use.start)]
    told_by = max((use for _, use in stops), key=_tells_why)
    kind = ExposureClass.HOLD if told_by.reasons & HOLD_REASONS else ExposureClass.ABRUPT_STOP
    return Usage(kind, max([*days, *given]), told_by)


def _ended_by_doses(told: _Told, undated: Sequence[Use]) -> Usage | None:
    """A stop without a date, where the last dose given is the newest evidence of use: it was the last."""
    days = [end.latest for use in told.given if (end := use.end or use.start) and end.latest <= told.today]
    last = max(days, default=date.min)
    newest = told.newest is not None and told.newest <= last
    return _stop(told, [(last, use) for use in undated]) if newest else None


def _tells_why(use: Use) -> tuple[object, ...]:
    """The rank of a resource of a stop to tell of it: a reason that requires the stop, any reason, a statement."""
    required = bool(use.reasons & HOLD_REASONS)
    return required, bool(use.reasons), use.reason is not None, use.kind is UseKind.STATEMENT, use.reference


def _held_since(told: _Told, stop: Usage) -> Usage | None:
    """A hold of what was begun when the stopped use ended, or later: the stop was a change of dose before it."""
    hold = _hold(told)
    if hold is None or hold.told_by is None or stop.last is None:
        return None
    begun = first_day(hold.told_by)
    later = (begun is not None and begun >= stop.last) or (hold.last is not None and hold.last > stop.last)
    return hold if later else None


def _still_given(told: _Told, stops: Sequence[tuple[date, Use]]) -> Usage | None:
    """Doses given after the stated stop, until these days, of what an order or a statement still lists: it goes on.

    As where the list from home says stopped while it is ordered and given on the ward.
    """
    goes_on = told.running and _given_since(told, max(end for end, _ in stops))
    return Usage(ExposureClass.ACTIVE) if goes_on else None


def _given_since(told: _Told, day: date) -> bool:
    """Whether doses were given after a day, until these days."""
    newest = max(map(_handed_over, told.given), default=date.min)
    return newest > day and days_between(newest, told.today) <= told.parameters.supply_grace_days


def _after_the_stop(told: _Told, stop: Usage, stopped: Sequence[Use]) -> Usage | None:
    """What contradicts or follows the stated stop: use that goes on, a newer supply, an older order nobody ended."""
    last = stop.last or told.today
    products, kinds = {use.drug.strength for use in stopped}, {use.kind for use in stopped}
    verdicts = {_goes_on(use, products, kinds, last, told.parameters) for use in told.running}
    if True in verdicts:
        return Usage(ExposureClass.ACTIVE)
    if any(_handed_over(use) > last for use in told.dispenses):
        return _supplied(told, None)
    if None in verdicts:
        return Usage(ExposureClass.CONFLICT, stop.last, stop.told_by, "doubt-still-active")
    later = [
        (end, use)
        for use in told.written
        if use.status in {UseStatus.COMPLETED, UseStatus.ACTIVE}
        and (end := last_day(use))
        and end > last
        and _begun_about(use, last, told.parameters)
    ]
    return _supplied(told, Usage(ExposureClass.SUPPLY_GAP, *max(later, key=_by_day))) if later else None


def _goes_on(use: Use, products: Set[Fraction | None], kinds: Set[UseKind], last: date, parameters: Parameters) -> bool | None:
    """Whether a running use goes on after the stop of uses of these products (strengths) and kinds.

    True also where it is known to be another product; False where the stop overtook an older record, None where nobody can tell.
    """
    another = use.drug.strength is not None and None not in products and use.drug.strength not in products
    if _begun_about(use, last, parameters) or another:
        return True
    if kinds == {use.kind}:
        return None
    return None if use.asserted is not None and use.asserted.latest > last else False


def _begun_about(use: Use, last: date, parameters: Parameters) -> bool:
    """Whether a use was begun about when another was stopped, or later: a change of dose, and no older record."""
    start = first_day(use)
    return start is not None and start >= shift(last, -parameters.plateau_min_days)


def _hold(told: _Told) -> Usage | None:
    """A hold; none where doses were given after its last day, until these days: then nobody has changed the status yet."""
    hold = _on_hold(told)
    given_again = hold is not None and hold.last is not None and _given_since(told, hold.last)
    return None if given_again else hold


def _on_hold(told: _Told) -> Usage | None:
    """A use on hold that no newer one has taken the place of; an order of dose 0 is a hold from its first day on."""
    held = [use for use in told.written if use.status is UseStatus.ON_HOLD] + _withheld(told)
    if not held:
        return None
    newest = max(held, key=lambda use: (first_day(use) or date.min, _tells_why(use)))
    since = first_day(newest) or date.min
    if withheld(newest.lines):
        given_again = any((first_day(use) or date.min) >= since for use in told.running)
        return None if given_again else Usage(ExposureClass.HOLD, shift(since, -1), newest)
    if any(use.kind is newest.kind and (first_day(use) or date.min) > since for use in told.running):
        return None
    return Usage(ExposureClass.HOLD, _ended(told, newest), newest)


def _withheld(told: _Told) -> list[Use]:
    """The uses that say to give nothing now."""
    return [
        use
        for use in told.taken
        if use.kind in WRITTEN
        and use.status in {UseStatus.ACTIVE, UseStatus.ON_HOLD}
        and withheld(use.lines)
        and (first_day(use) or date.max) <= told.today
        and _runs(use, told.today)
    ]


def _contradicted(told: _Told) -> Usage | None:
    """A denial at least as new as every record that says it is taken."""
    denied = [use for use in told.systemic if use.status is UseStatus.NOT_TAKEN]
    if not denied or not told.running:
        return None
    newest = max(denied, key=_asserted)
    if _asserted(newest) < max(map(_asserted, told.running)):
        return None
    return Usage(ExposureClass.CONFLICT, told_by=newest, doubt="doubt-not-taken")


def _without_a_stop(told: _Told) -> Usage:
    """Nobody says that it was stopped: it runs, it has run out, or the record is old."""
    if told.running:
        if told.newest is None or days_between(told.newest, told.today) > told.parameters.stale_days:
            return Usage(ExposureClass.STALE)
        supplied, covered = _supplied(told, None), supplied_until(told.dispenses)
        confirmed = max(max(_asserted(use), first_day(use) or date.min) for use in told.running)
        ran_out = supplied.kind is ExposureClass.SUPPLY_GAP and covered is not None and confirmed <= covered
        return supplied if ran_out else _allowed(told) or Usage(ExposureClass.ACTIVE)
    unknown = next((use for use in told.written if use.status is UseStatus.UNKNOWN), None)
    if unknown is not None:
        return Usage(ExposureClass.UNKNOWN, told_by=unknown, doubt="doubt-status-unknown")
    ended = [(end, use) for use in told.written if (end := last_day(use))]
    return _supplied(told, Usage(ExposureClass.SUPPLY_GAP, *max(ended, key=_by_day)) if ended else None)


def _allowed(told: _Told) -> Usage | None:
    """A gap where orders are all that tells of the use, and everything they allow to be handed over would be used up."""
    lengths = [use.supply_days for use in told.running if use.kind is UseKind.ORDER]
    if None in lengths or len(lengths) < len(told.taken):
        return None
    ends = [(shift(first_day(use) or told.today, int(use.supply_days or 0) - 1), use) for use in told.running]
    last, order = max(ends, key=_by_day)
    share = int((order.supply_days or 0) * told.parameters.supply_grace_fraction)
    grace = max(told.parameters.supply_grace_days, share)
    return Usage(ExposureClass.SUPPLY_GAP, last, order) if days_between(last, told.today) > grace else None


def _supplied(told: _Told, gap: Usage | None) -> Usage:
    """Whether what was handed over (or an order's own length) still lasts, with the grace; else a gap since then.

    A supply whose days are not known counts for the day it was handed over.
    """
    dispenses, given = told.dispenses, told.given
    days = [supplied_until(dispenses), gap.last if gap else None, *map(_handed_over, [*dispenses, *given])]
    last = max((day for day in days if day), default=date.min)
    if last == date.min:
        return Usage(ExposureClass.UNKNOWN, doubt="doubt-stop-date")
    if days_between(last, told.today) <= _grace(dispenses, told.parameters):
        return Usage(ExposureClass.ACTIVE)
    told_by = gap.told_by if gap and gap.last == last else max([*dispenses, *given], key=_handed_over)
    return Usage(ExposureClass.SUPPLY_GAP, last, told_by)


def _grace(dispenses: Sequence[Use], parameters: Parameters) -> int:
    supplies = [use.supply_days for use in sorted(dispenses, key=_handed_over) if use.supply_days is not None]
    share = int(supplies[-1] * parameters.supply_grace_fraction) if supplies else 0
    return max(parameters.supply_grace_days, share)


def _handed_over(use: Use) -> date:
    return use.start.latest if use.start else date.min


def _asserted(use: Use) -> date:
    return use.asserted.latest if use.asserted else date.min


def _by_day(found: tuple[date, Use]) -> tuple[date, str]:
    return found[0], found[1].reference
