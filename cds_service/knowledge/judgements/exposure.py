"""The exposure: is systemic tacrolimus being taken, and if it ended, when and how.

The classes come in a fixed order, the first that fits decides. A stop is only what a statement or an order says was stopped;
an order that ran out, a refill that did not come or a record that nobody has touched are classes of their own.
"""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from msgspec import Struct, structs

from cds_service.knowledge.judgements import weight
from cds_service.knowledge.judgements.usage import TACROLIMUS, WRITTEN, ExposureClass, Usage, newest_evidence, usage
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.bounds import TAKEN, last_day
from cds_service.patient.completions import completions
from cds_service.patient.facts import Outside, Record, Use, UseKind, UseStatus
from cds_service.patient.tapers import Taper, TaperKind, TaperRules, recognise
from cds_service.patient.timeline import Segment, cut, days_on, timeline
from cds_service.patient.when import When, days_between, shift

EXTENDED_RELEASE_TABLET = "extended-release-tablet"
INTRAVENOUS = "intravenous"

_OF_TAPER = {
    TaperKind.ABRUPT: ExposureClass.ABRUPT_STOP,
    TaperKind.RAPID: ExposureClass.RAPID_TAPER,
    TaperKind.COMPLETE: ExposureClass.TAPER_COMPLETE,
    TaperKind.UNKNOWN: ExposureClass.TAPER_UNKNOWN,
}


class Exposure(Struct, frozen=True):
    """The judgement. ``doubt`` says why the class is UNKNOWN or CONFLICT, as the key of a sentence.

    ``last_dose`` is the last day of use of a stop, a hold or a gap; ``told_by`` the resource that says so. ``line`` is the
    daily dose (immediate-release scale) up to that day. ``days_before`` counts the days of use before it. ``newest`` is the
    newest evidence that the drug was in use.
    """

    kind: ExposureClass
    uses: tuple[Use, ...] = ()
    line: tuple[Segment, ...] = ()
    last_dose: When | None = None
    told_by: Use | None = None
    taper: Taper | None = None
    days_before: int = 0
    newest: date | None = None
    doubt: str = ""

    @property
    def reasons(self) -> frozenset[str]:
        """The recorded reason groups of the stop or hold."""
        return self.told_by.reasons if self.told_by else frozenset()

    @property
    def reason(self) -> Outside | None:
        """The recorded reason in the record's own words."""
        return self.told_by.reason if self.told_by else None


def rules(parameters: Parameters) -> TaperRules:
    """The thresholds of the taper recognition in force."""
    return TaperRules(
        min_days=parameters.taper_min_days,
        last_max=parameters.taper_last_max,
        step_max=parameters.taper_step_max,
        plateau_days=parameters.plateau_days,
        plateau_min_days=parameters.plateau_min_days,
        plateau_window_days=parameters.plateau_window_days,
        baseline_fraction=parameters.baseline_fraction,
        low_end_fraction=parameters.low_end_fraction,
        low_end_max_days=parameters.low_end_max_days,
        low_end_steps=parameters.low_end_steps,
        peak_window_days=parameters.peak_window_days,
    )


def daily_line(record: Record, uses: Sequence[Use], parameters: Parameters) -> tuple[Segment, ...]:
    """The daily dose of tacrolimus day by day on the immediate-release scale, up to today."""
    tablet = 1 / parameters.extended_release_tablet_factor

    def scale(use: Use) -> Fraction | None:
        if use.drug.formulation == INTRAVENOUS:
            return None
        return tablet if use.drug.formulation == EXTENDED_RELEASE_TABLET else Fraction(1)

    return _plausible(
        timeline(
            uses,
            until=record.asof,
            gap_days=parameters.taper_gap_days,
            weight=weight.lookup(record, parameters),
            scale=scale,
        ),
        parameters,
    )


def _plausible(line: tuple[Segment, ...], parameters: Parameters) -> tuple[Segment, ...]:
    """A dose outside what a person can be on is a misreading: it counts as not known."""

    def believed(item: Segment) -> Segment:
        doses = item.between or ((item.dose, item.dose) if item.dose else None)
        if doses is None or parameters.dose_min_mg <= doses[0] <= doses[1] <= parameters.dose_max_mg:
            return item
        return structs.replace(item, dose=None, certain=False, between=None)

    return tuple(believed(item) for item in line)


def judge(record: Record, parameters: Parameters) -> Exposure:
    """Classify the record as it stands, the drafts of the request aside."""
    named = tuple(use for use in record.uses if use.drug.ingredient == TACROLIMUS and not use.forbids)
    systemic = _systemic(named)
    if not systemic:
        return _without_systemic(named)
    if not any(use.status in TAKEN for use in systemic):
        return Exposure(ExposureClass.NEVER_TAKEN, systemic)
    readings = [_read(record, systemic, uses, parameters) for uses in completions(systemic, record.asof)]
    return readings[0] if len(readings) == 1 else _agreed(readings, record.asof, parameters)


def _systemic(named: tuple[Use, ...]) -> tuple[Use, ...]:
    """The uses that act in the whole body.

    What was handed over or given by the name of the ingredient alone is counted with what a statement or an order says it is,
    unless the person has a product for the skin or the eye too.
    """
    surely = tuple(use for use in named if use.drug.systemic)
    if not surely or any(use.drug.systemic is False for use in named):
        return surely
    return tuple(use for use in named if use.drug.systemic or use.kind not in WRITTEN)


def _agreed(readings: Sequence[Exposure], today: date, parameters: Parameters) -> Exposure:
    """What all readings of the partial dates say; unknown where they differ in class or in whether the stop still counts."""
    days = [reading.last_dose.latest for reading in readings if reading.last_dose]
    counts = {days_between(day, today) <= parameters.stop_lookback_days for day in days}
    one = readings[-1]
    if len({reading.kind for reading in readings}) > 1 or len(counts) > 1:
        told_by = next((reading.told_by for reading in reversed(readings) if reading.told_by), None)
        return Exposure(ExposureClass.UNKNOWN, one.uses, told_by=told_by, newest=one.newest, doubt="doubt-date-imprecise")
    ends = When(min(days), max(days)) if len(days) == len(readings) else None
    return structs.replace(one, last_dose=ends, days_before=min(reading.days_before for reading in readings))


def _read(record: Record, systemic: tuple[Use, ...], exact: tuple[Use, ...], parameters: Parameters) -> Exposure:
    """One reading: the uses with exact dates are judged, and told as the record has them."""
    taken = [use for use in exact if use.status in TAKEN]
    state = usage(record, exact, taken, parameters)
    told_by = next((use for use, read in zip(systemic, exact, strict=True) if read is state.told_by), None)
    state = structs.replace(state, told_by=told_by)
    return _exposure(record, systemic, exact, state, newest_evidence(record, taken), parameters)


def _without_systemic(named: tuple[Use, ...]) -> Exposure:
    vague = tuple(use for use in named if use.drug.systemic is None)
    if not named:
        return Exposure(ExposureClass.NONE)
    if not vague:
        return Exposure(ExposureClass.NOT_SYSTEMIC, named)
    ended = [use for use in vague if use.status in {UseStatus.STOPPED, UseStatus.ON_HOLD, UseStatus.COMPLETED}]
    if not ended:
        return Exposure(ExposureClass.NOT_SYSTEMIC, named)
    newest = max(ended, key=lambda use: last_day(use) or date.min)
    return Exposure(ExposureClass.UNKNOWN, vague, last_dose=newest.end, told_by=newest, doubt="doubt-route-unknown")


def _exposure(
    record: Record, systemic: tuple[Use, ...], exact: tuple[Use, ...], state: Usage, newest: date | None, parameters: Parameters
) -> Exposure:
    """The judgement of one reading: for a stated stop, how the dose came to zero."""
    line = daily_line(record, exact, parameters)
    if state.last is None:
        return Exposure(state.kind, systemic, line, told_by=state.told_by, newest=newest, doubt=state.doubt)
    line = cut(line, state.last)
    before = days_on(line, shift(state.last, 1 - parameters.min_exposure_window_days), state.last)
    used = to_the_last_dose(line)
    taper = recognised(used, parameters)
    kind = state.kind
    if kind is ExposureClass.ABRUPT_STOP:
        kind = _OF_TAPER[taper.kind] if taper else ExposureClass.TAPER_UNKNOWN
    withheld_last = used and line[-1].dose == 0 and line[-1].references
    last = used[-1].end if withheld_last else state.last
    return Exposure(kind, systemic, used, When.on(last), state.told_by, taper, before, newest, state.doubt)


def to_the_last_dose(line: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """Without the days of dose 0 at the end, and without a last day of which single givings are all that is known."""
    keep = len(line)
    while keep and (line[keep - 1].dose == 0 or (keep > 1 and _perhaps_part(line[keep - 1]))):
        keep -= 1
    return line[:keep]


def _perhaps_part(item: Segment) -> bool:
    """Whether these may be the first givings of a day that was broken off."""
    return item.days == 1 and item.kinds == (UseKind.ADMINISTRATION,)


def recognised(line: tuple[Segment, ...], parameters: Parameters) -> Taper | None:
    """How the dose of a line came to zero; of dose ranges both ends are read, and where they differ it is not known.

    None for an empty line.
    """
    if not line:
        return None
    if all(item.between is None for item in line):
        return recognise(line, rules(parameters))
    low, high = (recognise([_at(item, end) for item in line], rules(parameters)) for end in (0, 1))
    return high if low.kind is high.kind else structs.replace(high, kind=TaperKind.UNKNOWN)


def _at(item: Segment, end: int) -> Segment:
    """The segment with one end of its range as its dose."""
    return item if item.between is None else structs.replace(item, dose=item.between[end])
