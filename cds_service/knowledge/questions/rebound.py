"""Tacrolimus was stopped, and the disease has flared since: which re-induction does the evidence offer?

The source: restart steroids at once with or without azathioprine (C1, C3), or tacrolimus itself where its indication still holds
and it worked before (C2, C7, C9, C10); keep the intensive regimen for a month or more (C4); measure the markers within two weeks
and then every two weeks (C16, C19). Guideline and source differ on the regimen (X7) and on doses (X2, X3, X4): both are shown.
Outside autoimmune hepatitis the source gives no dose (C17, X19): the person's own tacrolimus and a referral are offered.
"""

from cds_service.knowledge.finding import Answer, Evidence, Finding, Indicator, Sentence, Topic, say
from cds_service.knowledge.judgements import (
    account,
    age,
    flare_account,
    past_stop,
    regimens,
    reinduction,
    second_part,
    taken_over,
)
from cds_service.knowledge.judgements.case import Case, of_lab
from cds_service.knowledge.judgements.flares import anca_vasculitis, lupus_nephritis
from cds_service.knowledge.judgements.usage import STOPPED, ExposureClass

TOPIC = Topic(
    "rebound",
    (
        *("C1", "C2", "C3", "C4", "C7", "C9", "C10", "C11", "C13", "C14", "C16", "C17", "C18", "C19", "C23"),
        *("C44", "C47", "C48", "C49"),
    ),
    ("X7", "X4", "X3", "X2", "X18", "X19", "X26", "X27"),
)

BLOOD_COUNT, DEFINITION, STEROID_ELSEWHERE = "X27", "X26", "X19"
OF_REGIMENS = ("X7", "X4", "X3", "X2", "X18")
OF_TACROLIMUS = ("X2",)


def ask(case: Case) -> Answer:
    """Critical for a relapse that nobody treats yet, a warning for less or once treatment has begun; long ago, information."""
    if case.exposure.kind not in STOPPED or not case.autoimmune:
        return None
    if not case.flared:
        return _information(case)
    if case.days_since > case.parameters.stop_lookback_days:
        return _remote(case)
    if case.treatment.treated:
        begun = say("already-treated" if case.treatment.under_way else "already-drafted")
        return _finding(case, Indicator.WARNING, (begun, *second_part.missing(case)), taken_over.beside(case))
    offered = reinduction.judge(case.situation, case.exposure, case.flare.disease)
    return _finding(case, _indicator(case), _options(case, offered), offered)


def _steroids(case: Case) -> bool:
    return regimens.steroids_offered(case.flare.disease, case.parameters)


def _indicator(case: Case) -> Indicator:
    """Information after too short a use; a warning where the flare is mild or nobody knows how the stop came about."""
    if case.exposure.days_before < case.parameters.min_exposure_days:
        return Indicator.INFO
    critical = case.flare.relapse and case.exposure.kind is not ExposureClass.TAPER_UNKNOWN
    return Indicator.CRITICAL if critical else Indicator.WARNING


def _laboratory(case: Case) -> reinduction.Reinduction:
    panel = regimens.of(case.flare.disease).panel
    return reinduction.Reinduction((reinduction.laboratory_only(case.record, panel, case.parameters),))


def _information(case: Case) -> Answer:
    """A change that is no flare by itself: rising antibodies, falling complement, inflammation of no particular cause."""
    told = [flare for flare in case.flares if flare.hints]
    if not told or case.treatment.treated or not case.shows_past_stop():
        return None
    hints = [hint for flare in told for hint in flare.hints]
    whys = list({why.key + repr(why.values): why for hint in hints if (why := hint.why)}.values())
    return Finding(
        TOPIC.name,
        Indicator.INFO,
        case.exposure.kind.value,
        say("rebound-summary-information", days=case.days_since, disease=flare_account.name(told[0])),
        happened=(*map(account.marker, hints), *account.ending(case)),
        meaning=(*whys, *flare_account.exclude(told[0])),
        unknown=account.flare_unknown(case),
        offers=(reinduction.laboratory_only(case.record, reinduction.panel(case.indication), case.parameters),),
        claims=TOPIC.claims,
        evidence=account.evidence(case),
    )


def _remote(case: Case) -> Answer:
    """A flare more than a year after the stop is shown as such: the stop may have nothing to do with it."""
    if case.flare.tier < case.parameters.remote_stop_min_tier or case.treatment.treated:
        return None
    return _finding(case, Indicator.INFO, (say("remote-stop", limit=case.parameters.stop_lookback_days),), _laboratory(case))


def _quiet(case: Case) -> bool:
    """Whether the disease is known to have been quiet on tacrolimus, which is what a restart rests on."""
    return case.flare.quiet_before and case.exposure.days_before >= case.parameters.response_min_days


def _options(case: Case, offered: reinduction.Reinduction) -> tuple[Sentence, ...]:
    """The options in words, where doses are named at all."""
    if not offered.advice:
        return ()
    borrowed = (say("regimen-borrowed"),) if _steroids(case) else ()
    quiet = (say("response-documented"),) if _quiet(case) else ()
    return (say("options-to-review"), *offered.advice, *quiet, *borrowed)


def _open(case: Case, offered: reinduction.Reinduction) -> tuple[Sentence, ...]:
    """What a restart of tacrolimus rests on and the record does not tell, where one is spoken of."""
    if not offered.advice:
        return ()
    response = () if _quiet(case) else (say("response-not-documented"),)
    return response if case.exposure.reason else (*response, say("stop-reason-unknown"))


def _finding(case: Case, indicator: Indicator, advice: tuple[Sentence, ...], offered: reinduction.Reinduction) -> Finding:
    child = age.surely_child(case.record, case.parameters)
    return Finding(
        TOPIC.name,
        indicator,
        case.exposure.kind.value,
        flare_account.summary(case),
        happened=flare_account.happened(case),
        meaning=(*flare_account.definition(case), *flare_account.exclude(case.flare), *past_stop.caps(case)),
        advice=(*flare_account.urgent(case.flare), *offered.withheld, *offered.warned, *(() if child else advice)),
        unknown=(*account.flare_unknown(case), *offered.unknown, *_open(case, offered)),
        offers=offered.offers,
        claims=TOPIC.claims,
        conflicts=_conflicts(case, offered),
        evidence=_evidence(case, offered),
    )


def _evidence(case: Case, offered: reinduction.Reinduction) -> tuple[Evidence, ...]:
    items = (*account.evidence(case), *(of_lab(concern.lab) for concern in offered.concerns if concern.lab))
    return tuple({item.reference: item for item in items}.values())


def _conflicts(case: Case, offered: reinduction.Reinduction) -> tuple[str, ...]:
    """Those of the regimens where regimens are named, those of the disease, and those of a check where it found something."""
    disease = case.flare.disease
    wanted = {DEFINITION} if disease == lupus_nephritis.DISEASE else set[str]()
    if offered.advice:
        wanted |= set(OF_REGIMENS if _steroids(case) else OF_TACROLIMUS)
        wanted |= {STEROID_ELSEWHERE} if disease in {lupus_nephritis.DISEASE, anca_vasculitis.DISEASE} else set()
        of_checks = {name for concern in offered.concerns for name in concern.conflicts}
        wanted |= {BLOOD_COUNT} & of_checks
    return tuple(name for name in TOPIC.conflicts if name in wanted)
