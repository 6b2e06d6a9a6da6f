"""Two calcineurin inhibitors: does this request give tacrolimus and another one together, or exchange one for the other?

Only a request that orders one of them is looked at. Creams and drops are none; where the route is not known, nobody can tell.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

from cds_service.knowledge import valuesets
from cds_service.knowledge.judgements.exposure import Exposure
from cds_service.knowledge.judgements.ordered_stop import ENDING, OrderedStop
from cds_service.knowledge.judgements.treatment import ordered, runs
from cds_service.knowledge.judgements.usage import STOPPED, TACROLIMUS, ExposureClass
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.bounds import BROKEN_OFF, first_day, last_day
from cds_service.patient.facts import Record, Use, UseStatus
from cds_service.patient.when import When, days_between

LISTED = frozenset({ExposureClass.ACTIVE, ExposureClass.STALE, ExposureClass.SUPPLY_GAP, ExposureClass.CONFLICT})
"""Where tacrolimus is on the list, for sure or not."""

PAST = STOPPED | {ExposureClass.HOLD}
ENDED = frozenset({UseStatus.STOPPED, UseStatus.COMPLETED, UseStatus.ON_HOLD})
BEFORE_MIDNIGHT = time.max.replace(second=0, microsecond=0)


class Meeting(StrEnum):
    """How the two come together."""

    OVERLAP = "overlap"
    TO_OTHER = "to-other"
    TO_TACROLIMUS = "to-tacrolimus"


class Gap(StrEnum):
    """Whether the time between the last dose of the one and the first of the other is long enough."""

    TOO_SHORT = "too-short"
    UNCERTAIN = "uncertain"
    LONG_ENOUGH = "long-enough"


class Inhibitors(Struct, frozen=True):
    """The judgement.

    ``other`` is the other inhibitor. Of an overlap ``certain`` is False where one of the two may not act in the whole body or
    may not be taken any more. Of an exchange ``last`` is the last day of the first, ``begins`` the first day of the second.
    """

    meeting: Meeting
    other: Use
    certain: bool = True
    last: When | None = None
    begins: date | None = None
    gap: Gap = Gap.LONG_ENOUGH


class _Side(Struct, frozen=True):
    """One inhibitor as it goes on after this request: its uses (drafts first), its first day, and its last if it has one."""

    uses: tuple[Use, ...]
    begins: date
    ends: date | None


class _Request(Struct, frozen=True):
    """What is looked at: the record, tacrolimus as it stands, and the orders of this request that go on with an inhibitor."""

    record: Record
    exposure: Exposure
    stop: OrderedStop | None
    drafted: tuple[Use, ...]
    parameters: Parameters

    def side(self, ingredient: str) -> _Side | None:
        """One inhibitor after this request; None where it does not go on."""
        drafts = tuple(use for use in self.drafted if use.drug.ingredient == ingredient)
        uses = (*drafts, *(() if self.ends(ingredient) else self.running(ingredient)))
        if not uses:
            return None
        ends = [last_day(use) for use in uses]
        known = [day for day in ends if day is not None]
        return _Side(uses, min(map(self.begin, uses)), max(known) if len(known) == len(ends) else None)

    def begin(self, use: Use) -> date:
        """The first day of a use: a draft without one begins today, what runs without one has always run."""
        return first_day(use) or (self.record.asof if use in self.drafted else date.min)

    def running(self, ingredient: str) -> tuple[Use, ...]:
        """What the record says is in use today, statements first; of tacrolimus also what only a supply tells."""
        kind = self.exposure.kind
        if ingredient == TACROLIMUS and kind not in LISTED:
            return ()
        written = (*(self.record.statements or ()), *(self.record.orders or ()))
        found = tuple(use for use in written if _acts(use, ingredient) and not use.forbids and runs(use, self.record.asof))
        supplied = ingredient == TACROLIMUS and kind is ExposureClass.ACTIVE
        return found or (self.exposure.uses if supplied else ())

    def ends(self, ingredient: str) -> bool:
        """Whether this request ends an inhibitor: by an order of its own, or by one of another drug that takes its place."""
        if any(use.drug.ingredient == ingredient for use in self.drafted):
            return False
        mine = {use.reference for use in self.record.orders or () if _acts(use, ingredient)}
        if any(use.replaces in mine for use in self.drafted):
            return True
        if ingredient == TACROLIMUS:
            return self.stop is not None
        ended = ENDING | {UseStatus.ON_HOLD}
        return any(_acts(use, ingredient) and (use.forbids or use.status in ended) for use in self.record.drafts)


def others() -> frozenset[str]:
    """The calcineurin inhibitors beside tacrolimus."""
    return valuesets.drugs_in_class("calcineurin-inhibitor") - {TACROLIMUS}


def judge(record: Record, exposure: Exposure, stop: OrderedStop | None, parameters: Parameters) -> Inhibitors | None:
    """Whether the orders of this request bring two calcineurin inhibitors together; None where they do not."""
    drafted = tuple(use for use in ordered(record) if use.drug.ingredient in others() | {TACROLIMUS} and not _over(use, record))
    if not drafted:
        return None
    request = _Request(record, exposure, stop, drafted, parameters)
    tacrolimus = request.side(TACROLIMUS)
    found = (_beside(request, tacrolimus, ingredient) for ingredient in sorted(others()))
    return next((meeting for meeting in found if meeting is not None), None)


def _acts(use: Use, ingredient: str) -> bool:
    return use.drug.ingredient == ingredient and use.drug.systemic is not False


def _over(draft: Use, record: Record) -> bool:
    """Whether an order was revised to end by now."""
    return draft.end is not None and draft.end.latest <= record.asof


def _beside(request: _Request, tacrolimus: _Side | None, ingredient: str) -> Inhibitors | None:
    other = request.side(ingredient)
    if other is None:
        return None if tacrolimus is None else _back(request, tacrolimus, ingredient)
    if tacrolimus is None:
        return _exchanged(request, other)
    shown = other.uses[0]
    if tacrolimus.ends is not None and tacrolimus.ends <= other.begins:
        return _exchange(request, Meeting.TO_OTHER, shown, When.on(tacrolimus.ends), tacrolimus.uses, other)
    if other.ends is not None and other.ends <= tacrolimus.begins:
        return _exchange(request, Meeting.TO_TACROLIMUS, shown, When.on(other.ends), other.uses, tacrolimus)
    return Inhibitors(Meeting.OVERLAP, shown, _surely_both(request, tacrolimus, other))


def _surely_both(request: _Request, tacrolimus: _Side, other: _Side) -> bool:
    """Whether both surely act in the whole body, and tacrolimus is surely taken."""
    drafted = any(use.drug.systemic and use in request.drafted for use in tacrolimus.uses)
    return any(use.drug.systemic for use in other.uses) and (drafted or request.exposure.kind is ExposureClass.ACTIVE)


def _exchanged(request: _Request, other: _Side) -> Inhibitors | None:
    """Tacrolimus ended, by this request or a short while before the other was begun."""
    exposure = request.exposure
    if request.ends(TACROLIMUS) and exposure.kind in LISTED:
        last: When | None = When.on(request.record.asof)
    else:
        last = exposure.last_dose if exposure.kind in PAST else None
    return None if last is None else _exchange(request, Meeting.TO_OTHER, other.uses[0], last, exposure.uses, other)


def _back(request: _Request, tacrolimus: _Side, ingredient: str) -> Inhibitors | None:
    """The other ended a short while before tacrolimus is begun; where tacrolimus was on the list already, that is over."""
    if request.exposure.kind in LISTED:
        return None
    before = [use for use in request.record.uses if _acts(use, ingredient) and not use.forbids]
    ended = [(days, use) for use in before if use.status in ENDED and (days := _last_days(use))]
    if request.ends(ingredient):
        ended += [(When.on(request.record.asof), use) for use in request.running(ingredient)]
    if not ended:
        return None
    day, use = max(ended, key=lambda found: (found[0].latest, found[1].reference))
    return _exchange(request, Meeting.TO_TACROLIMUS, use, day, before, tacrolimus)


def _last_days(use: Use) -> When | None:
    """The days that can be the last of a use that ended: of the stop or hold, else its own end."""
    return (use.stopped_on or use.end) if use.status in BROKEN_OFF else use.end


def _exchange(
    request: _Request, meeting: Meeting, other: Use, last: When, ended: Iterable[Use], second: _Side
) -> Inhibitors | None:
    """The exchange, if the second inhibitor was surely begun within the window after the last day of the first."""
    days = [days_between(day, second.begins) for day in (last.earliest, last.latest)]
    if min(days) < 0 or max(days) > request.parameters.inhibitor_switch_days:
        return None
    gap = _gap(request, last, ended, second)
    return Inhibitors(meeting, other, last=last, begins=second.begins, gap=gap)


def _gap(request: _Request, last: When, ended: Iterable[Use], second: _Side) -> Gap:
    """Whether the time from the last dose to the first is long enough, as far as the instants or the days tell."""
    zone, least = ZoneInfo(request.parameters.timezone), timedelta(hours=request.parameters.inhibitor_gap_hours)
    ends = [use.ends_at for use in ended if use.ends_at and _same_day(use.ends_at, last.latest, zone)]
    starts = [use.starts_at for use in second.uses if use.starts_at and _same_day(use.starts_at, second.begins, zone)]
    done = (max(ends), max(ends)) if ends else (_midnight(last.earliest, zone), _evening(last.latest, zone))
    begun = (min(starts), min(starts)) if starts else (_midnight(second.begins, zone), _evening(second.begins, zone))
    shortest, longest = begun[0] - done[1], begun[1] - done[0]
    if longest < least:
        return Gap.TOO_SHORT
    return Gap.LONG_ENOUGH if shortest >= least else Gap.UNCERTAIN


def _same_day(moment: datetime, day: date, zone: ZoneInfo) -> bool:
    return moment.astimezone(zone).date() == day


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def _evening(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, BEFORE_MIDNIGHT, zone)
