"""A drafted live vaccine under immunosuppression."""

from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction

from msgspec.structs import replace

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Indicator, Sentence, say
from cds_service.knowledge.judgements import weight
from cds_service.knowledge.judgements.case import Case, of_lab, of_use
from cds_service.knowledge.judgements.draft_safety.objections import Objection, daily, drafted, names, together
from cds_service.knowledge.judgements.treatment import equivalent, ordered
from cds_service.patient.bounds import TAKEN, first_day, last_day
from cds_service.patient.facts import Use, UseStatus
from cds_service.patient.when import days_between

DAYS_A_WEEK = timedelta(weeks=1).days


def live_vaccine(case: Case) -> Iterable[Objection]:
    """One objection for each treatment that stands against the vaccine."""
    vaccines = drafted(case, valuesets.drugs_in_class("live-vaccine"))
    if not vaccines:
        return
    for against in (_forbidden, _steroid, _azathioprine, _methotrexate, _recent):
        yield from against(case, vaccines)


def _objection(
    indicator: Indicator,
    vaccines: tuple[Use, ...],
    uses: tuple[Use, ...],
    reason: Sentence,
    *,
    unknown: tuple[Sentence, ...] = (),
    conflicts: tuple[str, ...] = (),
) -> Objection:
    summary = say("prescribing-summary-live-vaccine", vaccines=names(vaccines), drugs=names(uses))
    evidence = tuple(map(of_use, (*vaccines, *uses)))
    return Objection("live-vaccine", indicator, summary, (reason,), evidence, unknown, conflicts=conflicts)


def _forbidden(case: Case, vaccines: tuple[Use, ...]) -> Iterable[Objection]:
    """Medicines that rule a live vaccine out at any dose."""
    uses = together(case, valuesets.drugs_in_class("forbids-live-vaccines"))
    if uses:
        reason = say("draft-live-vaccine", drugs=names(uses), days=case.parameters.live_vaccine_wait_days)
        yield _objection(Indicator.CRITICAL, vaccines, uses, reason)


def _steroid(case: Case, vaccines: tuple[Use, ...]) -> Iterable[Objection]:
    """A steroid at a high dose for two weeks or more rules it out; one that has no end on record may come to that."""
    high = [use for use in _steroids(case) if _is_high(use, case)]
    now = tuple(use for use in high if use.status in {UseStatus.ACTIVE, UseStatus.DRAFT} and _end(use, case) >= case.record.asof)
    if not now:
        return
    days, limit = _days(now, high, case), case.parameters.live_vaccine_steroid_days
    dose = case.parameters.live_vaccine_steroid_mg
    if days is None or days >= limit:
        reason = say("draft-live-vaccine-steroid", drugs=names(now), dose=dose, days=limit)
        unknown = (say("unknown-steroid-start"),) if days is None else ()
        yield _objection(Indicator.CRITICAL, vaccines, now, reason, unknown=unknown)
    elif any(last_day(use) is None for use in now):
        reason = say("draft-live-vaccine-steroid-short", drugs=names(now), days=days, limit=limit, dose=dose)
        yield _objection(Indicator.WARNING, vaccines, now, reason, unknown=(say("unknown-steroid-end"),))


def _steroids(case: Case) -> list[Use]:
    """Every systemic steroid that was written down as taken, and those drafted."""
    written = (*(case.record.statements or ()), *(case.record.orders or ()))
    taken = [use for use in written if use.status in TAKEN and use.drug.systemic is not False and not use.forbids]
    return [use for use in (*taken, *ordered(case.record)) if use.drug.ingredient in valuesets.drugs_in_class("systemic-steroid")]


def _is_high(use: Use, case: Case) -> bool:
    """Whether a dose counts as high: by mg, or by mg per kg in a small child."""
    p, kg = case.parameters, weight.on(case.record, case.record.asof, case.parameters)
    floor = p.live_vaccine_steroid_mg if kg is None else min(p.live_vaccine_steroid_mg, p.live_vaccine_steroid_mgkg * kg)
    dose = equivalent(use, case.record, p)
    return dose is not None and dose >= floor


def _end(use: Use, case: Case) -> date:
    return last_day(use) or case.record.asof


def _days(now: tuple[Use, ...], high: list[Use], case: Case) -> int | None:
    """How long the high dose has lasted without a gap, up to its end where that is on record; None without a start."""
    starts = [first_day(use) for use in now]
    known = [start for start in starts if start is not None]
    if len(known) < len(starts):
        return None
    begun = min(known)
    earlier = sorted(
        ((start, _end(use, case)) for use in high if (start := first_day(use)) is not None),
        key=lambda span: span[1],
        reverse=True,
    )
    for start, end in earlier:
        if start < begun and days_between(end, begun) <= 1:
            begun = start
    return days_between(begun, max(_end(use, case) for use in now))


def _azathioprine(case: Case, vaccines: tuple[Use, ...]) -> Iterable[Objection]:
    """Azathioprine up to a dose per kg is a warning; above it, or where that cannot be reckoned, it rules the vaccine out."""
    uses = together(case, {"azathioprine"})
    if uses:
        limit = case.parameters.live_vaccine_azathioprine_mgkg
        yield _dosed(case, vaccines, uses, (daily(uses, case), limit), "draft-live-vaccine-azathioprine")


def _methotrexate(case: Case, vaccines: tuple[Use, ...]) -> Iterable[Objection]:
    """The same for methotrexate by its dose a week."""
    uses = together(case, {"methotrexate"})
    if uses:
        dose = daily(uses, case)
        weekly = None if dose is None else dose * DAYS_A_WEEK
        limit = case.parameters.live_vaccine_methotrexate_mgkg
        yield _dosed(case, vaccines, uses, (weekly, limit), "draft-live-vaccine-methotrexate")


def _dosed(
    case: Case, vaccines: tuple[Use, ...], uses: tuple[Use, ...], dosed: tuple[Fraction | None, Fraction], key: str
) -> Objection:
    dose, limit = dosed
    kg = weight.on(case.record, case.record.asof, case.parameters)
    weighed = weight.nearest(case.record, case.record.asof, case.parameters)
    if dose is None or kg is None or weighed is None:
        unknown = (say("unknown-dose-per-kg", drugs=names(uses)),)
        return _objection(
            Indicator.CRITICAL, vaccines, uses, say(f"{key}-unknown", limit=limit), unknown=unknown, conflicts=("X28",)
        )
    over = dose > limit * kg
    reason = say(f"{key}-over" if over else f"{key}-within", per_kg=dose / kg, limit=limit)
    found = _objection(Indicator.CRITICAL if over else Indicator.WARNING, vaccines, uses, reason, conflicts=("X28",))
    return replace(found, evidence=(*found.evidence, of_lab(weighed)))


def _recent(case: Case, vaccines: tuple[Use, ...]) -> Iterable[Objection]:
    """A medicine that ruled it out ended less than a month ago."""
    p, listed = case.parameters, valuesets.drugs_in_class("forbids-live-vaccines")
    going = {use.drug.ingredient for use in together(case, listed)}
    written = (*(case.record.statements or ()), *(case.record.orders or ()))
    ended = tuple(
        use
        for use in written
        if use.drug.ingredient in listed - going
        and use.status in TAKEN
        and use.drug.systemic is not False
        and 0 <= days_between(last_day(use) or date.min, case.record.asof) <= p.live_vaccine_wait_days
    )
    if ended:
        reason = say("draft-live-vaccine-recent", drugs=names(ended), days=p.live_vaccine_wait_days)
        yield _objection(Indicator.WARNING, vaccines, ended, reason)
