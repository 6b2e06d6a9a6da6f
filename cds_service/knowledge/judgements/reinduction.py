"""Which re-induction the evidence offers to this person: complete alternatives, each with its laboratory orders."""

from fractions import Fraction

from msgspec import Struct

from cds_service.knowledge import orders, valuesets
from cds_service.knowledge.finding import DrugOrder, LabOrder, Offer, ReferralOrder, Sentence, Term, say
from cds_service.knowledge.judgements import age, regimens, restart, safety, weight
from cds_service.knowledge.judgements.exposure import Exposure
from cds_service.knowledge.judgements.flares import hepatitis
from cds_service.knowledge.judgements.indication import Indication
from cds_service.knowledge.judgements.regimens import Regimen
from cds_service.knowledge.judgements.safety import Concern, Situation, Subject, Verdict
from cds_service.knowledge.parameters import Parameters
from cds_service.patient import labs
from cds_service.patient.doses import rounded_down
from cds_service.patient.facts import Record
from cds_service.patient.when import days_between

LOINC = "http://loinc.org"
ORAL = restart.IMMEDIATE_RELEASE
OFFERED = frozenset({Subject.STEROID, Subject.AZATHIOPRINE, Subject.AZATHIOPRINE_FIXED, Subject.TACROLIMUS})


class Reinduction(Struct, frozen=True):
    """The offers, what they mean in words, why something is withheld, what to mind, and what had to be left unknown."""

    offers: tuple[Offer, ...]
    advice: tuple[Sentence, ...] = ()
    withheld: tuple[Sentence, ...] = ()
    warned: tuple[Sentence, ...] = ()
    unknown: tuple[Sentence, ...] = ()
    concerns: tuple[Concern, ...] = ()


def panel(indication: Indication) -> str:
    """The tests that follow the disease."""
    return regimens.of(regimens.first(indication.diseases)).panel


def follow_up(record: Record, tests: str, parameters: Parameters) -> tuple[LabOrder, ...]:
    """The tests of a panel: now (unless a result is only days old), then at the interval of the source.

    For the liver as often as the source wants it; elsewhere the source names the first check only.
    """
    recent = {
        lab.analyte
        for lab in labs.final(record.markers or ())
        if lab.quantity is not None and 0 <= days_between(lab.when.earliest, record.asof) <= parameters.laboratory_recent_days
    }
    p, liver = parameters, tests == regimens.of(hepatitis.DISEASE).panel
    every, times = p.laboratory_every_days, p.laboratory_times if liver else p.laboratory_times_elsewhere
    return tuple(
        _series(test, every, every, times - 1) if _analyte(test) in recent else _series(test, 0, every, times)
        for test in orders.panel(tests)
    )


def _series(test: str, first: int, every: int, times: int) -> LabOrder:
    return LabOrder(test, first, every, times) if times > 1 else LabOrder(test, first)


def _analyte(test: str) -> str | None:
    found = valuesets.analyte_of_code(LOINC, orders.test(test).code)
    return found.name if found else None


def before(found: tuple[Concern, ...], at: Situation) -> tuple[LabOrder, ...]:
    """What is not on file and belongs before immunosuppression: hepatitis B, tuberculosis, TPMT and NUDT15, pregnancy.

    Where hepatitis B was met before, its DNA too.
    """
    asked = {concern.check for concern in found if concern.verdict is Verdict.QUESTION}
    wanted = {
        "hepatitis-b": ("hepatitis-b-surface-antigen", "hepatitis-b-core-antibody"),
        "latent-tuberculosis": ("tuberculosis-igra",),
        "metaboliser": ("tpmt-nudt15",),
        "pregnancy": ("pregnancy-serum",),
    }
    tests = [test for check, names in wanted.items() if check in asked for test in names]
    met = any(concern.check == "hepatitis-b" and concern.verdict is not Verdict.QUESTION for concern in found)
    return tuple(LabOrder(test) for test in (*tests, *(("hepatitis-b-dna",) if met and not _dna_on_file(at) else ())))


def _dna_on_file(at: Situation) -> bool:
    """Whether a final result of the DNA of hepatitis B is fresh enough, be it a number or a word."""
    fresh = at.parameters.hepatitis_b_fresh_days
    told = (lab for lab in at.record.screening or () if lab.analyte == "hbv_dna" and (lab.quantity or lab.concept))
    return any(days_between(lab.when.earliest, at.record.asof) <= fresh for lab in labs.final(told))


def laboratory_only(record: Record, tests: str, parameters: Parameters, extra: tuple[LabOrder, ...] = ()) -> Offer:
    """The alternative without any medicine."""
    return Offer("laboratory", say("offer-laboratory"), labs=(*extra, *follow_up(record, tests, parameters)))


def _oral(ingredient: str, mg: Fraction, days: int, remark: Sentence) -> tuple[DrugOrder, ...]:
    order = restart.drug(ingredient, (mg,), days, remark, ORAL)
    return () if order is None else (order,)


def _steroid(p: Parameters, mg: Fraction) -> tuple[DrugOrder, ...]:
    return _oral("prednisone", mg, p.steroid_days, say("remark-steroid", claims=("C1", "C3", "C4")))


def _azathioprine(p: Parameters, mg: Fraction) -> tuple[DrugOrder, ...]:
    return _oral("azathioprine", mg, p.steroid_days, say("remark-azathioprine", claims=("C1", "C3")))


def _azathioprine_start(p: Parameters) -> Fraction:
    """The start in whole tablets, never above what the site allows."""
    return max(rounded_down(p.azathioprine_start_mg, made.strength) for made in orders.products("azathioprine", ORAL))


def _with_steroid(
    found: tuple[Concern, ...], p: Parameters, tests: tuple[LabOrder, ...], referrals: tuple[ReferralOrder, ...]
) -> list[Offer]:
    """The two regimens of the source: steroid alone at the higher dose, or at the lower dose with azathioprine."""
    if safety.blocked(found, Subject.STEROID):
        return []
    alone = say("offer-steroid", dose=p.steroid_alone_mg)
    offers = [Offer("steroid-alone", alone, _steroid(p, p.steroid_alone_mg), tests, referrals)]
    if safety.blocked(found, Subject.AZATHIOPRINE):
        return offers
    doses = [] if safety.blocked(found, Subject.AZATHIOPRINE_FIXED) else [p.azathioprine_fixed_mg]
    for mg in (*doses, _azathioprine_start(p)):
        label = say("offer-combination", dose=p.steroid_combined_mg, azathioprine=mg)
        drugs = (*_steroid(p, p.steroid_combined_mg), *_azathioprine(p, mg))
        offers.append(Offer("steroid-azathioprine", label, drugs, tests, referrals))
    return offers


def _steroid_words(disease: str, kg: Fraction | None, p: Parameters) -> list[Sentence]:
    """What the source says of steroids: its regimens where they are offered, elsewhere its statement without a dose of ours."""
    if not regimens.of(disease).steroids:
        return [say("myasthenia-steroid")]
    if not regimens.steroids_offered(disease, p):
        return [say("source-steroid-elsewhere", low=p.steroid_combined_mg, high=p.steroid_alone_mg)]
    words = [say("source-steroid", alone=p.steroid_alone_mg, combined=p.steroid_combined_mg, fixed=p.azathioprine_fixed_mg)]
    per_kg = {"low": p.azathioprine_mgkg_low, "high": p.azathioprine_mgkg_high}
    if kg is None:
        return [*words, say("source-azathioprine", **per_kg)]
    span = {"from_mg": per_kg["low"] * kg, "to_mg": per_kg["high"] * kg}
    return [*words, say("source-azathioprine-weighed", **per_kg, **span, weight=kg)]


def judge(at: Situation, exposure: Exposure, disease: str) -> Reinduction:
    """The offers for a flare of a disease after a stop.

    A child, and a person whose age is not known, is offered no dose: laboratory orders and a referral only. What a check blocks
    is not pre-filled and its reason is said. Outside autoimmune hepatitis it is the person's own tacrolimus and a referral.
    """
    regimen = regimens.of(disease)
    if not age.surely_adult(at.record, at.parameters):
        return _without_doses(at, regimen)
    steroids = regimens.steroids_offered(disease, at.parameters)
    guarded = OFFERED if steroids else frozenset({Subject.TACROLIMUS})
    found = safety.about(safety.concerns(at), *guarded)
    needed = (*before(found, at), *follow_up(at.record, regimen.panel, at.parameters))
    referrals = () if disease == hepatitis.DISEASE else (ReferralOrder(regimen.specialty),)
    offers = [
        *(_with_steroid(found, at.parameters, needed, referrals) if steroids else ()),
        *restart.offers(exposure, found, at.parameters, needed, referrals),
        *([_referral(regimen.specialty, needed)] if referrals else ()),
    ]
    blocked, warned, asked = (
        tuple(concern.sentence for concern in found if concern.verdict is verdict)
        for verdict in (Verdict.BLOCKED, Verdict.WARNING, Verdict.QUESTION)
    )
    kg = weight.on(at.record, at.record.asof, at.parameters)
    words = [*_steroid_words(disease, kg, at.parameters), *restart.words(exposure, kg, at.parameters)]
    if steroids and not safety.blocked(found, Subject.STEROID):
        words.append(say("steroid-support", days=at.parameters.steroid_days))
    if regimen.specialty == regimens.KIDNEY:
        words.append(say("kidney-tests-monthly", days=at.parameters.laboratory_every_days))
    laboratory = laboratory_only(at.record, regimen.panel, at.parameters, before(found, at))
    return Reinduction((*offers, laboratory), tuple(words), blocked, warned, asked, found)


def _referral(specialty: str, tests: tuple[LabOrder, ...]) -> Offer:
    label = say("offer-referral", specialty=Term(specialty))
    return Offer("referral", label, labs=tests, referrals=(ReferralOrder(specialty),))


def _without_doses(at: Situation, regimen: Regimen) -> Reinduction:
    p = at.parameters
    child = age.surely_child(at.record, p)
    specialty = regimen.for_children if child else regimen.specialty
    offer = _referral(specialty, follow_up(at.record, regimen.panel, p))
    key = "withheld-child" if child else "withheld-age-unknown"
    reason = say(key, age=p.adult_years, specialty=Term(specialty))
    unknown = () if at.record.person.born else (say("unknown-age"),)
    return Reinduction((offer, laboratory_only(at.record, regimen.panel, p)), withheld=(reason,), unknown=unknown)
