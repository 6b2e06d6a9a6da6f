"""Has autoimmune hepatitis flared? The tiers rest on final results after the last dose that are fresh enough."""

from datetime import date
from decimal import Decimal
from enum import IntEnum, auto

from msgspec import Struct

from cds_service.knowledge import valuesets
from cds_service.knowledge.judgements.treatment import running
from cds_service.knowledge.parameters import Parameters
from cds_service.patient import labs
from cds_service.patient.facts import Lab, LabStatus, Problem, Record
from cds_service.patient.labs import Baseline
from cds_service.patient.when import days_between, shift

DECOMPENSATION = "liver_decompensation"
ENCEPHALOPATHY = "hepatic_encephalopathy"


class Tier(IntEnum):
    """How far the markers have gone; a higher tier includes what the lower ones say."""

    NONE = 0
    POSSIBLE = auto()
    RELAPSE = auto()
    SEVERE = auto()


class Reading(Struct, frozen=True):
    """One marker against its range and the person's own baseline. ``times`` is its multiple of the upper limit."""

    lab: Lab
    upper: Decimal
    assumed: bool
    baseline: Baseline | None
    tier: Tier

    @property
    def times(self) -> Decimal:
        """How many times the upper limit of normal."""
        return labs.value(self.lab) / self.upper


class Flare(Struct, frozen=True):
    """The judgement; ``judged`` is False where no marker could tell.

    ``state`` names the severity where both bilirubin and INR tell (``acute``, ``acute-severe``, ``liver-failure``). ``old`` is
    the newest marker that is too old to tell, ``preliminary`` what is not final yet, ``unreadable`` what has no readable
    number, ``missing`` the markers without a value. ``inr_ignored``: an anticoagulant makes the INR meaningless.
    """

    judged: bool = False
    tier: Tier = Tier.NONE
    readings: tuple[Reading, ...] = ()
    severity: tuple[Lab, ...] = ()
    signs: tuple[Problem, ...] = ()
    state: str = ""
    old: Lab | None = None
    preliminary: tuple[Lab, ...] = ()
    missing: tuple[str, ...] = ()
    inr_ignored: bool = False
    unreadable: tuple[Lab, ...] = ()

    @property
    def relapse(self) -> bool:
        """Whether the markers meet the definition of a relapse, and not only a rise."""
        return self.tier >= Tier.RELAPSE


MARKERS = ("alt", "ast", "igg")


class _Window(Struct, frozen=True):
    """The days that count: results from ``first`` on, all after the last dose (``since``); the baseline before ``began``."""

    first: date
    today: date
    since: date | None
    began: date
    usual_days: int
    fallback_days: int


def _window(record: Record, since: date | None, began: date | None, parameters: Parameters) -> _Window:
    fresh = shift(record.asof, -parameters.marker_fresh_days)
    return _Window(
        max(fresh, shift(since, 1)) if since else fresh,
        record.asof,
        since,
        began or since or record.asof,
        parameters.baseline_window_days,
        parameters.baseline_fallback_days,
    )


def _upper(lab: Lab, parameters: Parameters) -> tuple[Decimal, bool]:
    """The upper limit of normal, and whether it had to be assumed."""
    if lab.high is not None and lab.high > 0:
        return lab.high, False
    assumed = {"alt": parameters.uln_alt, "ast": parameters.uln_ast, "igg": parameters.uln_igg}
    return assumed[lab.analyte], True


def _tier(lab: Lab, upper: Decimal, usual: Baseline | None, parameters: Parameters) -> Tier:
    if not labs.surely_above(lab, upper):
        return Tier.NONE
    if lab.analyte == "igg":
        return Tier.POSSIBLE if usual is not None and usual.value <= upper else Tier.NONE
    if labs.surely_above(lab, upper * parameters.aih_relapse_xuln):
        return Tier.RELAPSE
    if usual is None or usual.value <= upper:
        return Tier.POSSIBLE
    doubled = labs.surely_at_least(lab, usual.value * parameters.aih_abnormal_baseline_factor)
    return Tier.POSSIBLE if doubled else Tier.NONE


def _newest(found: tuple[Lab, ...], window: _Window) -> Lab | None:
    fresh = labs.final(labs.between(found, window.first, window.today))
    return fresh[0] if fresh else None


def _usual(found: tuple[Lab, ...], newest: Lab, window: _Window) -> Baseline | None:
    """The baseline before the taper began, or before the result itself while tacrolimus is still taken."""
    before = min(window.began, newest.when.earliest)
    days = shift(before, -window.usual_days), shift(before, -window.fallback_days)
    return labs.baseline(found, before, window=days)


def _reading(found: tuple[Lab, ...], window: _Window, parameters: Parameters) -> Reading | None:
    newest = _newest(found, window)
    if newest is None:
        return None
    upper, assumed = _upper(newest, parameters)
    usual = _usual(found, newest, window)
    return Reading(newest, upper, assumed, usual, _tier(newest, upper, usual, parameters))


def _new_and_over(found: tuple[Lab, ...], window: _Window, limit: Decimal, *, reached: bool) -> Lab | None:
    """The newest result over a limit that the person's own baseline was not over."""
    newest = _newest(found, window)
    over = labs.surely_at_least if reached else labs.surely_above
    if newest is None or not over(newest, limit):
        return None
    usual = _usual(found, newest, window)
    before = usual is not None and (usual.value >= limit if reached else usual.value > limit)
    return None if before else newest


def _signs(record: Record, window: _Window) -> tuple[Problem, ...]:
    """Decompensation recorded since the stop."""

    def since(problem: Problem) -> bool:
        told = problem.onset or problem.recorded
        return told is not None and told.earliest >= window.first and problem.active is not False

    return tuple(problem for problem in record.problems or () if DECOMPENSATION in problem.groups and since(problem))


def _state(bilirubin: Lab | None, inr: Lab | None, inr_low: bool, signs: tuple[Problem, ...]) -> str:
    if bilirubin is not None and inr is not None:
        return "liver-failure" if any(ENCEPHALOPATHY in sign.groups for sign in signs) else "acute-severe"
    return "acute" if bilirubin is not None and inr_low else ""


def _old(record: Record, window: _Window) -> Lab | None:
    """The newest marker since the stop that is too old to tell how things are today."""
    found = labs.final(labs.of(record.markers or (), *MARKERS))
    older = [
        lab for lab in found if lab.when.latest < window.first and (window.since is None or lab.when.earliest > window.since)
    ]
    return older[0] if older else None


def judge(record: Record, since: date | None, began: date | None, parameters: Parameters) -> Flare:
    """Judge the flare of autoimmune hepatitis.

    ``since`` is the last dose (None while tacrolimus is still taken: then whatever is fresh counts), ``began`` the first day of
    the taper, before which the baseline lies.
    """
    window = _window(record, since, began, parameters)
    by_analyte = {analyte: labs.of(record.markers or (), analyte) for analyte in (*MARKERS, "bilirubin", "inr")}
    read = {analyte: _reading(by_analyte[analyte], window, parameters) for analyte in MARKERS}
    readings = tuple(reading for reading in read.values() if reading is not None)
    preliminary = tuple(
        lab
        for lab in labs.between(labs.of(record.markers or (), *MARKERS), window.first, window.today)
        if lab.status is LabStatus.PRELIMINARY
    )
    unreadable = labs.between(labs.unreadable(record.markers or (), *MARKERS), window.first, window.today)
    missing = tuple(analyte for analyte, reading in read.items() if reading is None)
    anticoagulated = bool(running(record).keys() & valuesets.drugs_in_class("anticoagulant"))
    if not any(reading.lab.analyte in {"alt", "ast"} for reading in readings) and not any(r.tier for r in readings):
        return Flare(old=_old(record, window), preliminary=preliminary, missing=missing, unreadable=unreadable)
    tier = max(reading.tier for reading in readings)
    if tier is Tier.NONE:
        return Flare(judged=True, readings=readings, preliminary=preliminary, missing=missing, unreadable=unreadable)
    bilirubin = _new_and_over(by_analyte["bilirubin"], window, parameters.severe_bilirubin, reached=False)
    inr_told = None if anticoagulated else _newest(by_analyte["inr"], window)
    inr = inr_told and _new_and_over(by_analyte["inr"], window, parameters.severe_inr, reached=True)
    inr_low = inr_told is not None and labs.surely_below(inr_told, parameters.severe_inr)
    signs = _signs(record, window)
    severity = tuple(lab for lab in (bilirubin, inr) if lab is not None)
    return Flare(
        judged=True,
        tier=Tier.SEVERE if severity or signs else tier,
        readings=readings,
        severity=severity,
        signs=signs,
        state=_state(bilirubin, inr, inr_low, signs),
        preliminary=preliminary,
        missing=missing,
        inr_ignored=anticoagulated,
        unreadable=unreadable,
    )


def age_of(lab: Lab, today: date) -> int:
    """How many days ago the sample was taken, at least."""
    return days_between(lab.when.latest, today)
