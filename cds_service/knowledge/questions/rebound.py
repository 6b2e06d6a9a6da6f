"""Tacrolimus was stopped, and autoimmune hepatitis has flared since: which re-induction does the evidence offer?

The source: restart steroids at once with or without azathioprine (C1, C3), or tacrolimus itself where its indication still holds
and it worked before (C2, C7, C9, C10); keep the intensive regimen for a month or more (C4); measure the markers within two weeks
and then every two weeks (C16, C19). Guideline and source differ on the regimen (X7) and on doses (X2, X3, X4): both are shown.
"""

from cds_service.knowledge.finding import Answer, Evidence, Finding, Indicator, Sentence, Term, Topic, Value, say
from cds_service.knowledge.judgements import account, age, past_stop, reinduction
from cds_service.knowledge.judgements.case import Case, of_lab
from cds_service.knowledge.judgements.flare import Reading, Tier
from cds_service.knowledge.judgements.safety import Situation
from cds_service.knowledge.judgements.usage import STOPPED, ExposureClass
from cds_service.patient.labs import as_reported

TOPIC = Topic(
    "rebound",
    (
        *("C1", "C2", "C3", "C4", "C7", "C9", "C10", "C11", "C13", "C14", "C16", "C17", "C18", "C19", "C23"),
        *("C44", "C47", "C48", "C49"),
    ),
    ("X2", "X3", "X4", "X7", "X13", "X18", "X27"),
)

BLOOD_COUNT, POPULATION = "X27", "X13"


def ask(case: Case) -> Answer:
    """Critical for a relapse that nobody treats yet, a warning for less or once treatment has begun; long ago, information."""
    flared = case.autoimmune and case.indication.hepatitis and case.flare.tier > 0
    if case.exposure.kind not in STOPPED or not flared:
        return None
    if case.days_since > case.parameters.stop_lookback_days:
        return _remote(case)
    if case.treatment.treated:
        return _finding(case, Indicator.WARNING, (say("already-treated"),), _laboratory(case))
    offered = reinduction.judge(Situation(case.record, case.treatment, case.parameters), case.exposure)
    return _finding(case, _indicator(case), (say("regimen-borrowed"), *offered.advice, *_response(case)), offered)


def _indicator(case: Case) -> Indicator:
    """Information after too short a use; a warning where the flare is mild or nobody knows how the stop came about."""
    if case.exposure.days_before < case.parameters.min_exposure_days:
        return Indicator.INFO
    critical = case.flare.relapse and case.exposure.kind is not ExposureClass.TAPER_UNKNOWN
    return Indicator.CRITICAL if critical else Indicator.WARNING


def _laboratory(case: Case) -> reinduction.Reinduction:
    offer = reinduction.laboratory_only(case.record, reinduction.HEPATITIS_PANEL, case.parameters)
    return reinduction.Reinduction((offer,))


def _remote(case: Case) -> Answer:
    """A flare more than a year after the stop is shown as such: the stop may have nothing to do with it."""
    if case.flare.tier < case.parameters.remote_stop_min_tier or case.treatment.treated:
        return None
    return _finding(case, Indicator.INFO, (say("remote-stop", limit=case.parameters.stop_lookback_days),), _laboratory(case))


def _severity(case: Case) -> tuple[Sentence, ...]:
    flare = case.flare
    sentences = [say(f"severity-{flare.state}")] if flare.state else []
    sentences += [
        say("severity-marker", analyte=Term(lab.analyte), value=as_reported(lab), on=lab.when) for lab in flare.severity
    ]
    sentences += [say("severity-sign", sign=problem.text) for problem in flare.signs]
    if flare.state in {"acute-severe", "liver-failure"}:
        sentences.append(say("contact-transplant-centre"))
    if flare.severity or flare.signs:
        sentences.append(say("prednisolone-preferred"))
    return tuple(sentences)


def _response(case: Case) -> tuple[Sentence, ...]:
    """Whether the disease was quiet on tacrolimus, which is what a restart rests on; and why it was stopped."""
    quiet = [reading for reading in case.flare.readings if reading.baseline and reading.baseline.value <= reading.upper]
    response = say("response-documented") if quiet else say("response-not-documented")
    return (response,) if case.exposure.reason else (response, say("stop-reason-unknown"))


def _finding(case: Case, indicator: Indicator, advice: tuple[Sentence, ...], offered: reinduction.Reinduction) -> Finding:
    child = age.surely_child(case.record, case.parameters)
    return Finding(
        TOPIC.name,
        indicator,
        case.exposure.kind.value,
        _summary(case),
        happened=(*_lead(case), *account.ending(case), *account.markers(case), *_severity(case)),
        meaning=(_definition(case), say("exclude-first"), *past_stop.caps(case)),
        advice=(*(() if child else advice), *offered.withheld),
        unknown=(*account.flare_unknown(case), *offered.unknown),
        offers=offered.offers,
        claims=TOPIC.claims,
        conflicts=_conflicts(offered),
        evidence=_evidence(case, offered),
    )


def _evidence(case: Case, offered: reinduction.Reinduction) -> tuple[Evidence, ...]:
    items = (*account.evidence(case), *(of_lab(concern.lab) for concern in offered.concerns if concern.lab))
    return tuple({item.reference: item for item in items}.values())


def _conflicts(offered: reinduction.Reinduction) -> tuple[str, ...]:
    """Those of the regimens where regimens are named, and those that a check touches only where it does."""
    if not offered.advice:
        return (POPULATION,)
    of_checks = {name for concern in offered.concerns for name in concern.conflicts}
    return tuple(name for name in TOPIC.conflicts if name != BLOOD_COUNT or name in of_checks)


def _definition(case: Case) -> Sentence:
    """Whether the markers meet the definition of a relapse; a severe state may rest on less."""
    relapse = any(reading.tier is Tier.RELAPSE for reading in case.flare.readings)
    limit = case.parameters.aih_relapse_xuln
    return say("relapse-met", times=limit) if relapse else say("relapse-not-met", times=limit)


def _leading(case: Case) -> Reading:
    """The marker that is furthest out, by tier and then by multiple of its limit."""
    return max(case.flare.readings, key=lambda found: (found.tier, found.times))


def _lead(case: Case) -> tuple[Sentence, ...]:
    """The flare and the stop in one sentence."""
    lab, times, last = _leading(case).lab, round(_leading(case).times, 2), case.exposure.last_dose
    lead: dict[str, Value] = {"analyte": Term(lab.analyte), "value": as_reported(lab), "on": lab.when, "times": times}
    return () if last is None else (say("rebound-lead", **lead, last=last),)


def _summary(case: Case) -> Sentence:
    state = "treated" if case.treatment.treated else case.flare.tier.name.lower()
    key = f"rebound-summary-{state}"
    times = round(_leading(case).times, 2)
    return say(key, analyte=Term(_leading(case).lab.analyte), times=times, days=case.days_since)
