"""Which re-induction the evidence offers to this person: complete alternatives, each with its laboratory orders."""

from datetime import date
from fractions import Fraction

from msgspec import Struct

from cds_service.knowledge import orders, valuesets
from cds_service.knowledge.finding import DrugOrder, LabOrder, Offer, ReferralOrder, Sentence, Term, say
from cds_service.knowledge.judgements import age, safety, weight
from cds_service.knowledge.judgements.exposure import EXTENDED_RELEASE_TABLET, Exposure
from cds_service.knowledge.judgements.indication import Indication
from cds_service.knowledge.judgements.safety import Concern, Situation, Subject, Verdict
from cds_service.knowledge.parameters import Parameters
from cds_service.patient import labs
from cds_service.patient.bounds import first_day
from cds_service.patient.doses import rounded_down, split_in_two
from cds_service.patient.facts import Record
from cds_service.patient.when import days_between

LOINC = "http://loinc.org"
IMMEDIATE_RELEASE = "immediate-release"
ONCE_DAILY = frozenset({EXTENDED_RELEASE_TABLET, "prolonged-release"})
HEPATITIS_PANEL = "autoimmune-hepatitis"
GENERAL_PANEL = "general"


class Reinduction(Struct, frozen=True):
    """The offers, what they mean in words, why something is withheld, and what had to be left unknown."""

    offers: tuple[Offer, ...]
    advice: tuple[Sentence, ...] = ()
    withheld: tuple[Sentence, ...] = ()
    unknown: tuple[Sentence, ...] = ()
    concerns: tuple[Concern, ...] = ()


def panel(indication: Indication) -> str:
    """The tests that follow the disease."""
    return HEPATITIS_PANEL if indication.hepatitis else GENERAL_PANEL


def follow_up(record: Record, tests: str, parameters: Parameters) -> tuple[LabOrder, ...]:
    """The tests of a panel: now (unless a result is only days old), then at the interval of the source."""
    recent = {
        lab.analyte
        for lab in labs.final(record.markers or ())
        if lab.quantity is not None and 0 <= days_between(lab.when.earliest, record.asof) <= parameters.laboratory_recent_days
    }
    every, times = parameters.laboratory_every_days, parameters.laboratory_times
    return tuple(
        LabOrder(test, every, every, times - 1) if _analyte(test) in recent else LabOrder(test, 0, every, times)
        for test in orders.panel(tests)
    )


def _analyte(test: str) -> str | None:
    found = valuesets.analyte_of_code(LOINC, orders.test(test).code)
    return found.name if found else None


def before(found: tuple[Concern, ...]) -> tuple[LabOrder, ...]:
    """What is not on file and belongs before immunosuppression: hepatitis B, TPMT and NUDT15, pregnancy."""
    asked = {concern.check for concern in found if concern.verdict is Verdict.QUESTION}
    wanted = {
        "hepatitis-b": ("hepatitis-b-surface-antigen", "hepatitis-b-core-antibody"),
        "metaboliser": ("tpmt-nudt15",),
        "pregnancy": ("pregnancy-serum",),
    }
    tests = [test for check, names in wanted.items() if check in asked for test in names]
    return tuple(LabOrder(test) for test in tests)


def laboratory_only(record: Record, tests: str, parameters: Parameters, extra: tuple[LabOrder, ...] = ()) -> Offer:
    """The alternative without any medicine."""
    return Offer("laboratory", say("offer-laboratory"), labs=(*extra, *follow_up(record, tests, parameters)))


def _drug(ingredient: str, intakes: tuple[Fraction, ...], days: int, remark: Sentence, formulation: str) -> DrugOrder | None:
    product = orders.product_for(ingredient, formulation, intakes)
    return None if product is None else DrugOrder(ingredient, product.code, product.name, intakes, days, remark)


def _oral(ingredient: str, mg: Fraction, days: int, remark: Sentence) -> tuple[DrugOrder, ...]:
    order = _drug(ingredient, (mg,), days, remark, IMMEDIATE_RELEASE)
    return () if order is None else (order,)


def _steroid(p: Parameters, mg: Fraction) -> tuple[DrugOrder, ...]:
    return _oral("prednisone", mg, p.steroid_days, say("remark-steroid", claims=("C1", "C3", "C4")))


def _azathioprine(p: Parameters, mg: Fraction) -> tuple[DrugOrder, ...]:
    return _oral("azathioprine", mg, p.steroid_days, say("remark-azathioprine", claims=("C1", "C3")))


def _with_steroid(found: tuple[Concern, ...], p: Parameters, tests: tuple[LabOrder, ...]) -> list[Offer]:
    """The two regimens of the source: steroid alone at the higher dose, or at the lower dose with azathioprine."""
    if safety.blocked(found, Subject.STEROID):
        return []
    offers = [Offer("steroid-alone", say("offer-steroid", dose=p.steroid_alone_mg), _steroid(p, p.steroid_alone_mg), tests)]
    if safety.blocked(found, Subject.AZATHIOPRINE):
        return offers
    doses = [] if safety.blocked(found, Subject.AZATHIOPRINE_FIXED) else [p.azathioprine_fixed_mg]
    for mg in (*doses, p.azathioprine_start_mg):
        label = say("offer-combination", dose=p.steroid_combined_mg, azathioprine=mg)
        drugs = (*_steroid(p, p.steroid_combined_mg), *_azathioprine(p, mg))
        offers.append(Offer("steroid-azathioprine", label, drugs, tests))
    return offers


def _formulation(exposure: Exposure) -> str:
    """The product that was taken last: what the stop itself names, else the newest that any use names."""
    told = exposure.told_by.drug.formulation if exposure.told_by else None
    known = [use for use in exposure.uses if use.drug.formulation]
    newest = max(known, key=lambda use: (first_day(use) or date.min, use.reference), default=None)
    return told or (newest.drug.formulation if newest else None) or IMMEDIATE_RELEASE


def stable_dose(exposure: Exposure, p: Parameters) -> Fraction | None:
    """The maintenance dose before the stop in mg of immediate release a day, if it was held long enough to be called stable."""
    dose = exposure.taper.baseline if exposure.taper else None
    held = sum(item.days for item in exposure.line if item.dose == dose)
    return dose if dose is not None and held >= p.tacrolimus_stable_days else None


def _restart(exposure: Exposure, p: Parameters) -> DrugOrder | None:
    """The person's own stable dose in its own formulation: twice a day, or once where the product is made for it."""
    dose = stable_dose(exposure, p)
    if dose is None or dose > p.tacrolimus_published_max_mg:
        return None
    formulation = _formulation(exposure)
    remark = say("remark-tacrolimus", claims=("C2", "C7"))
    if formulation in ONCE_DAILY:
        of_product = dose * (p.extended_release_tablet_factor if formulation == EXTENDED_RELEASE_TABLET else 1)
        return _once_daily(of_product, formulation, p, remark)
    daily = rounded_down(dose, p.tacrolimus_rounding_mg)
    intakes = tuple(part for part in split_in_two(daily, p.tacrolimus_rounding_mg) if part)
    oral = formulation == IMMEDIATE_RELEASE
    return _drug("tacrolimus", intakes, p.tacrolimus_days, remark, formulation) if intakes and oral else None


def _once_daily(mg: Fraction, formulation: str, p: Parameters, remark: Sentence) -> DrugOrder | None:
    """The largest amount up to the dose that pieces of one strength make up."""
    amounts = (rounded_down(mg, product.strength) for product in orders.products("tacrolimus", formulation))
    amount = max(amounts, default=Fraction())
    return _drug("tacrolimus", (amount,), p.tacrolimus_days, remark, formulation) if amount else None


def _tacrolimus(exposure: Exposure, found: tuple[Concern, ...], p: Parameters, tests: tuple[LabOrder, ...]) -> list[Offer]:
    order = None if safety.blocked(found, Subject.TACROLIMUS) else _restart(exposure, p)
    if order is None:
        return []
    level = LabOrder("tacrolimus-trough", p.tacrolimus_level_day)
    label = say("offer-tacrolimus", dose=sum(order.intakes, Fraction()))
    return [Offer("tacrolimus-restart", label, (order,), (level, *tests))]


def _dose_words(record: Record, exposure: Exposure, p: Parameters) -> list[Sentence]:
    """What the source gives as doses, with the arithmetic where a weight allows it."""
    words = [say("source-steroid", alone=p.steroid_alone_mg, combined=p.steroid_combined_mg, fixed=p.azathioprine_fixed_mg)]
    kg = weight.on(record, record.asof, p)
    per_kg = {"low": p.azathioprine_mgkg_low, "high": p.azathioprine_mgkg_high}
    if kg is None:
        words.append(say("source-azathioprine", **per_kg))
    else:
        span = {"from_mg": per_kg["low"] * kg, "to_mg": per_kg["high"] * kg}
        words.append(say("source-azathioprine-weighed", **per_kg, **span, weight=kg))
    words.append(_tacrolimus_words(kg, p))
    dose = stable_dose(exposure, p)
    if dose is None:
        words.append(say("no-stable-dose"))
    elif dose > p.tacrolimus_range_high_mg:
        key = "dose-above-source" if dose <= p.tacrolimus_published_max_mg else "dose-above-published"
        values = {"dose": dose, "range": p.tacrolimus_range_high_mg, "published": p.tacrolimus_published_max_mg}
        words.append(say(key, **values))
    return words


def _tacrolimus_words(kg: Fraction | None, p: Parameters) -> Sentence:
    span = {"low": p.tacrolimus_range_low_mg, "high": p.tacrolimus_range_high_mg, "per_kg": p.tacrolimus_mgkg}
    if kg is None:
        return say("source-tacrolimus", **span)
    reckoned = p.tacrolimus_mgkg * kg
    key = "source-tacrolimus-weighed" if reckoned <= p.tacrolimus_range_high_mg else "source-tacrolimus-over"
    return say(key, **span, reckoned=reckoned, weight=kg)


def judge(at: Situation, exposure: Exposure) -> Reinduction:
    """The offers for a flare of autoimmune hepatitis after a stop.

    A child, and a person whose age is not known, is offered no dose: laboratory orders and a referral only. What a check blocks
    is not pre-filled and its reason is said.
    """
    p = at.parameters
    tests = follow_up(at.record, HEPATITIS_PANEL, p)
    if not age.surely_adult(at.record, p):
        child = age.surely_child(at.record, p)
        specialty = "paediatric-hepatology" if child else "hepatology"
        offer = Offer(
            "referral", say("offer-referral", specialty=Term(specialty)), labs=tests, referrals=(ReferralOrder(specialty),)
        )
        reason = say("withheld-child", age=p.adult_years) if child else say("withheld-age-unknown", age=p.adult_years)
        unknown = () if at.record.person.born else (say("unknown-age"),)
        return Reinduction((offer, laboratory_only(at.record, HEPATITIS_PANEL, p)), withheld=(reason,), unknown=unknown)
    found = safety.concerns(at)
    needed = (*before(found), *tests)
    offers = [*_with_steroid(found, p, needed), *_tacrolimus(exposure, found, p, needed)]
    blocked = [concern.sentence for concern in found if concern.verdict is Verdict.BLOCKED]
    warned = [concern.sentence for concern in found if concern.verdict is Verdict.WARNING]
    asked = [concern.sentence for concern in found if concern.verdict is Verdict.QUESTION]
    return Reinduction(
        (*offers, laboratory_only(at.record, HEPATITIS_PANEL, p, before(found))),
        (*_dose_words(at.record, exposure, p), *warned),
        tuple(blocked),
        tuple(asked),
        found,
    )
