"""Is the status of tacrolimus unknown, contradictory, out of date or interrupted, or could data that decide it not be read?

The source's advice holds only for a stop that happened in a disease that is there (C2, C25): where the record cannot tell, the
card asks to verify instead of guessing. It never offers a treatment.
"""

from cds_service.knowledge.finding import Answer, CannotTell, Evidence, Finding, Indicator, Sentence, Topic, say
from cds_service.knowledge.judgements import account, coming_stop, ordered_stop, usage
from cds_service.knowledge.judgements.case import Case, of_lab, of_use
from cds_service.knowledge.judgements.indication import IndicationKind
from cds_service.knowledge.judgements.ordered_stop import OrderedStop
from cds_service.knowledge.judgements.usage import STOPPED, TACROLIMUS, ExposureClass
from cds_service.patient.facts import Lost, Use

TOPIC = Topic("verify-tacrolimus-status", ("C2", "C25", "C47", "C48", "C49"))

SPEAKING = frozenset(
    {
        ExposureClass.UNKNOWN,
        ExposureClass.CONFLICT,
        ExposureClass.STALE,
        ExposureClass.SUPPLY_GAP,
        ExposureClass.TAPER_UNKNOWN,
    }
)
MEDICATIONS = frozenset({"medication statements", "medication orders", "dispenses", "administrations"})


def ask(case: Case) -> Answer:
    """Information on the chart, and among orders only where a draft has to do with it; data that did not come always count."""
    missing = account.lost(_matters(case))
    vague = ordered_stop.of_unknown_route(case.record, case.exposure)
    if vague is not None and case.indication.kind is not IndicationKind.NONE:
        return _of_unknown_route(case, vague, missing)
    if case.ordered_stop is not None and case.indication.kind is IndicationKind.NONE:
        return _without_indication(case, case.ordered_stop, missing)
    if not _speaks(case):
        return CannotTell(TOPIC.name, missing, case.exposure.kind.value, account.evidence(case)) if missing else None
    if case.indication.kind is IndicationKind.NOT_KNOWN:
        missing = (say("indication-not-known"), *missing)
    return Finding(
        TOPIC.name,
        Indicator.INFO,
        case.exposure.kind.value,
        say(f"verify-summary-{case.exposure.kind}"),
        happened=(*_doubt(case), *_level(case)),
        meaning=(say("verify-meaning"),),
        advice=(say("verify-advice"),),
        unknown=(*missing, *_known_by(case)),
        claims=TOPIC.claims,
        evidence=_evidence(case),
    )


def _of_unknown_route(case: Case, draft: Use, missing: tuple[Sentence, ...]) -> Finding:
    """A stop is being ordered of a product that may be for the skin: never more than information."""
    items = (of_use(draft), *account.evidence(case))
    return Finding(
        TOPIC.name,
        Indicator.INFO,
        ExposureClass.UNKNOWN.value,
        say("verify-summary-unknown"),
        happened=(say("route-unknown-ordered"),),
        meaning=(say("verify-meaning"),),
        advice=(say("verify-advice"),),
        unknown=missing,
        claims=TOPIC.claims,
        evidence=tuple({item.reference: item for item in items}.values()),
    )


def _without_indication(case: Case, stop: OrderedStop, missing: tuple[Sentence, ...]) -> Finding:
    """A stop is being ordered, and nothing tells what tacrolimus was for: a transplant cannot be excluded."""
    return Finding(
        TOPIC.name,
        Indicator.INFO,
        IndicationKind.NONE.value,
        say("verify-summary-no-indication"),
        happened=coming_stop.ordered(stop),
        meaning=(say("indication-decides"),),
        advice=(say("verify-indication"),),
        unknown=(say("no-indication-coded"), *missing),
        claims=TOPIC.claims,
        evidence=coming_stop.evidence(case, stop),
    )


def _speaks(case: Case) -> bool:
    kind = case.exposure.kind
    if case.indication.kind is IndicationKind.NONE or _told_by_transplant(case):
        return False
    if kind not in SPEAKING or case.days_since > case.parameters.stop_lookback_days or _rebounds(case):
        return False
    if case.ordering:
        return kind is not ExposureClass.STALE and case.related_draft and not case.treatment.renewed
    return True


def _told_by_transplant(case: Case) -> bool:
    """In a transplant recipient no stop, taper or ordered hold is a doubt: another question tells of it."""
    stopped = case.ordered_stop is not None or case.exposure.kind in STOPPED
    return case.indication.kind is IndicationKind.TRANSPLANT and stopped


def _rebounds(case: Case) -> bool:
    """A flare after a stop whose taper cannot be judged is the rebound's to tell."""
    return case.exposure.kind is ExposureClass.TAPER_UNKNOWN and case.flared


def _matters(case: Case) -> tuple[Lost, ...]:
    """The losses that could change the answer: any medication list, and everything else where tacrolimus is on record."""
    involved = case.exposure.kind not in {ExposureClass.NONE, ExposureClass.NOT_SYSTEMIC, ExposureClass.NEVER_TAKEN}
    drafted = any(use.drug.ingredient == TACROLIMUS and use.drug.systemic is not False for use in case.record.drafts)
    return tuple(lost for lost in case.record.lost if lost.what in MEDICATIONS or involved or drafted)


def _doubt(case: Case) -> tuple[Sentence, ...]:
    exposure = case.exposure
    if exposure.doubt:
        return (say(exposure.doubt),)
    if exposure.kind is ExposureClass.SUPPLY_GAP and exposure.last_dose is not None:
        return (say("supply-ended", last=exposure.last_dose),)
    if exposure.kind is ExposureClass.STALE and exposure.newest is not None:
        return (say("record-stale", newest=exposure.newest),)
    return account.ending(case)


def _level(case: Case) -> tuple[Sentence, ...]:
    """The newest level, where it is below the limit of the assay: it supports a doubt, and is none by itself."""
    level = usage.unmeasurable(case.record)
    return () if level is None else (say("level-unmeasurable", on=level.when),)


def _evidence(case: Case) -> tuple[Evidence, ...]:
    level = usage.unmeasurable(case.record)
    return account.evidence(case) if level is None else (*account.evidence(case), of_lab(level))


def _known_by(case: Case) -> tuple[Sentence, ...]:
    """The newest evidence of use, where the day of the stop is what is missing."""
    exposure = case.exposure
    if exposure.doubt == "doubt-stop-date" and exposure.newest is not None:
        return (say("newest-evidence", newest=exposure.newest),)
    return ()
