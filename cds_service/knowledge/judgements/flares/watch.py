"""What every judgement of a flare looks at: fresh results since the stop, the person's own baseline, signs recorded since."""

from datetime import date
from decimal import Decimal
from functools import cached_property

from cds_service.knowledge.finding import Sentence, Term, say
from cds_service.knowledge.judgements.flare import Reading, Tier
from cds_service.knowledge.parameters import Parameters
from cds_service.patient import labs
from cds_service.patient.facts import Lab, LabStatus, Problem, Record, newest_first
from cds_service.patient.labs import Baseline
from cds_service.patient.when import shift

INFECTIONS = frozenset({"sepsis_active_infection", "tuberculosis"})


class Watch:
    """One record from the last dose (``since``) on; the baseline lies before ``began``, the first day of the taper."""

    def __init__(self, record: Record, since: date | None, began: date | None, parameters: Parameters) -> None:
        self.record = record
        self.parameters = parameters
        self.since = since
        self._began = began or since or record.asof
        fresh = shift(record.asof, -parameters.marker_fresh_days)
        self.first = max(fresh, shift(since, 1)) if since else fresh

    def results(self, analyte: str) -> tuple[Lab, ...]:
        """Every result of an analyte with a number, of any day, newest first."""
        return self.record.measured.get(analyte, ())

    def newest(self, analyte: str) -> Lab | None:
        """The newest final result since the stop that is fresh enough."""
        fresh = labs.final(labs.between(self.results(analyte), self.first, self.record.asof))
        return fresh[0] if fresh else None

    def usual(self, newest: Lab) -> Baseline | None:
        """The baseline before the taper began, or before the result itself while tacrolimus is still taken."""
        p = self.parameters
        before = min(self._began, newest.when.earliest)
        days = shift(before, -p.baseline_window_days), shift(before, -p.baseline_fallback_days)
        return labs.baseline(self.results(newest.analyte), before, window=days)

    def newly_positive(self, analyte: str) -> Lab | None:
        """The newest result in words since the stop if it is positive and the last one before the taper was negative."""
        final = labs.final(self.record.markers or ())
        told = newest_first(lab for lab in final if lab.analyte == analyte and lab.quantity is None and lab.concept)
        now = labs.between(told, self.first, self.record.asof)[:1]
        longest = shift(self._began, -self.parameters.baseline_fallback_days)
        before = labs.between(told, longest, shift(self._began, -1))[:1]
        risen = [lab.concept for lab in (*before, *now)] == ["negative", "positive"]
        return now[0] if risen else None

    def last_on_treatment(self, analyte: str) -> Lab | None:
        """The last final result up to the last dose; while tacrolimus is still taken, the one before the newest."""
        newest = self.newest(analyte)
        end = self.since or (shift(newest.when.earliest, -1) if newest else self.record.asof)
        before = [lab for lab in labs.final(self.results(analyte)) if lab.when.latest <= end]
        return before[0] if before else None

    def signs(self, *groups: str) -> tuple[Problem, ...]:
        """The conditions of these groups that were recorded since the stop and are not over."""

        def since(problem: Problem) -> bool:
            told = problem.onset or problem.recorded
            return told is not None and told.earliest >= self.first and problem.active is not False

        wanted = frozenset(groups)
        return tuple(problem for problem in self.record.problems or () if problem.groups & wanted and since(problem))

    @cached_property
    def infected(self) -> bool:
        """Whether a serious infection is on record and not over: it explains what else would tell of a flare."""
        return any(problem.groups & INFECTIONS and problem.active is not False for problem in self.record.problems or ())

    def preliminary(self, *analytes: str) -> tuple[Lab, ...]:
        """What came since the stop and is not final yet."""
        found = labs.between(labs.of(self.record.markers or (), *analytes), self.first, self.record.asof)
        return tuple(lab for lab in found if lab.status is LabStatus.PRELIMINARY)

    def unreadable(self, *analytes: str) -> tuple[Lab, ...]:
        """What came since the stop without a readable number."""
        return labs.between(labs.unreadable(self.record.markers or (), *analytes), self.first, self.record.asof)

    def old(self, *analytes: str) -> Lab | None:
        """The newest marker since the stop that is too old to tell how things are today."""
        found = labs.final(labs.of(self.record.markers or (), *analytes))
        older = [lab for lab in found if lab.when.latest < self.first and (self.since is None or lab.when.earliest > self.since)]
        return older[0] if older else None

    def multiplied(self, analyte: str, *steps: tuple[Decimal, Tier]) -> Reading | None:
        """The newest result against multiples of its baseline: the last step that it surely reaches decides."""
        newest = self.newest(analyte)
        if newest is None:
            return None
        usual = self.usual(newest)
        tiers = [tier for factor, tier in steps if usual and labs.surely_at_least(newest, usual.value * factor)]
        return Reading(newest, None, False, usual, tiers[-1] if tiers else Tier.NONE)

    def without_baseline(self, *readings: Reading | None) -> tuple[Sentence, ...]:
        """The markers that have nothing to be compared with."""
        alone = [found.lab for found in readings if found is not None and found.baseline is None]
        return tuple(say("baseline-missing", analyte=Term(lab.analyte)) for lab in alone)
