"""The checks that stand between an evidence-based option and a pre-filled order.

Each check is a row of ``CHECKS``: which treatments it guards, and a function that looks at the record and answers with a concern
or None. A concern blocks an order, warns beside it, or asks a question; its sentence says why.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum

from msgspec import Struct, structs

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Sentence, Term, say
from cds_service.knowledge.judgements import age, weight
from cds_service.knowledge.judgements.treatment import Treatment, ordered
from cds_service.knowledge.judgements.usage import TACROLIMUS
from cds_service.knowledge.parameters import Parameters
from cds_service.patient import labs
from cds_service.patient.facts import Lab, Outside, Record, Sex
from cds_service.patient.when import days_between, shift


class Subject(StrEnum):
    """A treatment that a check can guard."""

    STEROID = "steroid"
    AZATHIOPRINE = "azathioprine"
    AZATHIOPRINE_FIXED = "azathioprine-fixed"  # the source's fixed 150 mg, over and above the checks of azathioprine
    TACROLIMUS = "tacrolimus"


class Verdict(StrEnum):
    """What a concern does to an order."""

    BLOCKED = "blocked"
    WARNING = "warning"
    QUESTION = "question"


class Concern(Struct, frozen=True):
    """What one check found: its name, what it does, to which treatments, and why in a sentence.

    ``lab`` is the result it rests on, ``conflicts`` are those of the knowledge base that it touches.
    """

    check: str
    verdict: Verdict
    subjects: frozenset[Subject]
    sentence: Sentence
    lab: Lab | None = None
    conflicts: tuple[str, ...] = ()


class Situation(Struct, frozen=True):
    """What the checks look at."""

    record: Record
    treatment: Treatment
    parameters: Parameters


Check = Callable[[Situation], Iterable[Concern]]

EVERY = frozenset(Subject)
THIOPURINE = frozenset({Subject.AZATHIOPRINE, Subject.AZATHIOPRINE_FIXED})
FIXED = frozenset({Subject.AZATHIOPRINE_FIXED})
STEROID = frozenset({Subject.STEROID})
CALCINEURIN = frozenset({Subject.TACROLIMUS})


GENES = frozenset({"tpmt", "nudt15", "tpmt_nudt15"})


def _screening(at: Situation, *analytes: str) -> Lab | None:
    """The newest final result with a meaning."""
    found = [lab for lab in at.record.screening or () if lab.analyte in analytes and lab.concept and lab in labs.final([lab])]
    return max(found, key=lambda lab: lab.when.latest, default=None)


def _newest(at: Situation, analyte: str) -> Lab | None:
    """The newest final number that is fresh enough to guard an order."""
    first = shift(at.record.asof, -at.parameters.safety_marker_fresh_days)
    fresh = labs.final(labs.between(labs.of(at.record.markers or (), analyte), first, at.record.asof))
    return fresh[0] if fresh else None


def _problem(at: Situation, *groups: str) -> Outside | None:
    active = [entry for entry in at.record.problems or () if entry.groups & set(groups) and entry.active is not False]
    return active[0].text if active else None


def infection(at: Situation) -> Iterable[Concern]:
    """An active serious infection stands against more immunosuppression."""
    found = _problem(at, "sepsis_active_infection", "tuberculosis")
    if found is not None:
        yield Concern("infection", Verdict.BLOCKED, EVERY, say("blocked-infection", infection=found))


def hepatitis_b(at: Situation) -> Iterable[Concern]:
    """Every steroid option is high-dose for weeks: a hepatitis B carrier needs an antiviral plan first."""
    antigen, core = _screening(at, "hbsag"), _screening(at, "anti_hbc")
    carrier = _problem(at, "hepatitis_B")
    if carrier is not None or (antigen and antigen.concept == "positive"):
        yield Concern("hepatitis-b", Verdict.BLOCKED, EVERY, say("blocked-hepatitis-b"), antigen)
        return
    past = core is not None and core.concept == "positive"
    if past:
        yield Concern("hepatitis-b", Verdict.WARNING, EVERY, say("warning-hepatitis-b-core"), core)
    if not (_freshly_negative(at, antigen) and (past or _freshly_negative(at, core))):
        yield Concern("hepatitis-b", Verdict.QUESTION, EVERY, say("unknown-hepatitis-b"))


def _freshly_negative(at: Situation, lab: Lab | None) -> bool:
    return lab is not None and lab.concept == "negative" and _age(at, lab) <= at.parameters.hepatitis_b_fresh_days


def _age(at: Situation, lab: Lab) -> int:
    """How many days ago the sample was taken, at most."""
    return days_between(lab.when.earliest, at.record.asof)


def metaboliser(at: Situation) -> Iterable[Concern]:
    """TPMT and NUDT15 decide whether azathioprine is safe, and at what start; the worst result of any time counts."""
    poor, intermediate = _gene(at, "poor"), _gene(at, "intermediate")
    if poor is not None:
        yield Concern("metaboliser", Verdict.BLOCKED, THIOPURINE, say("blocked-metaboliser"), poor)
    elif intermediate is not None:
        yield Concern("metaboliser", Verdict.BLOCKED, FIXED, say("blocked-metaboliser-intermediate"), intermediate)
        yield Concern("metaboliser", Verdict.WARNING, THIOPURINE, say("warning-metaboliser-intermediate"), intermediate)
    elif not _both_genes_normal(at):
        yield Concern("metaboliser", Verdict.BLOCKED, FIXED, say("blocked-metaboliser-unknown"))
        yield Concern("metaboliser", Verdict.QUESTION, THIOPURINE, say("unknown-metaboliser"))


def _gene(at: Situation, concept: str) -> Lab | None:
    """The newest final result of either gene with a meaning."""
    found = [lab for lab in labs.final(at.record.screening or ()) if lab.analyte in GENES and lab.concept == concept]
    return max(found, key=lambda lab: lab.when.latest, default=None)


def _both_genes_normal(at: Situation) -> bool:
    both = _screening(at, "tpmt_nudt15")
    one, other = _screening(at, "tpmt"), _screening(at, "nudt15")
    normal = "normal"
    return bool(both and both.concept == normal) or bool(one and other and one.concept == other.concept == normal)


def xanthine_oxidase(at: Situation) -> Iterable[Concern]:
    """Allopurinol and febuxostat multiply the exposure to azathioprine."""
    inhibitors = valuesets.drugs_in_class("xanthine-oxidase-inhibitor")
    drafted = {use.drug.ingredient for use in ordered(at.record)}
    found = sorted(inhibitors & (at.treatment.running.keys() | drafted))
    if found:
        key = "blocked-allopurinol" if found == ["allopurinol"] else "blocked-febuxostat"
        yield Concern("xanthine-oxidase-inhibitor", Verdict.BLOCKED, THIOPURINE, say(key, drug=Term(found[-1])))


def blood_count(at: Situation) -> Iterable[Concern]:
    """Too few white cells or platelets for azathioprine; sources differ on the limit."""
    limits = {
        "wbc": at.parameters.wbc_min,
        "neutrophils": at.parameters.neutrophils_min,
        "platelets": at.parameters.platelets_min,
    }
    for analyte, limit in limits.items():
        lab = _newest(at, analyte)
        if lab is not None and lab.quantity is not None and labs.surely_below(lab, limit):
            sentence = say("blocked-blood-count", analyte=Term(analyte), value=lab.quantity, limit=limit)
            yield Concern("blood-count", Verdict.BLOCKED, THIOPURINE, sentence, lab, ("X27",))


def bilirubin(at: Situation) -> Iterable[Concern]:
    """Azathioprine waits until bilirubin has come down; the limit holds in the unit that was reported."""
    lab = _newest(at, "bilirubin")
    if lab is None:
        yield Concern("bilirubin", Verdict.BLOCKED, FIXED, say("blocked-bilirubin-unknown"))
        yield Concern("bilirubin", Verdict.QUESTION, THIOPURINE, say("unknown-bilirubin"))
        return
    p, shown = at.parameters, structs.replace(lab, quantity=labs.as_reported(lab))
    mass = labs.as_reported(lab).unit.lower().startswith("mg/d")
    if not labs.surely_below(shown if mass else lab, p.azathioprine_bilirubin_mg_dl if mass else p.azathioprine_bilirubin_umol_l):
        limits = {"limit": p.azathioprine_bilirubin_mg_dl, "limit_molar": p.azathioprine_bilirubin_umol_l}
        sentence = say("blocked-bilirubin", value=labs.as_reported(lab), **limits)
        yield Concern("bilirubin", Verdict.BLOCKED, THIOPURINE, sentence, lab)


def decompensation(at: Situation) -> Iterable[Concern]:
    """In decompensated liver disease azathioprine waits."""
    if _problem(at, "liver_decompensation") is not None:
        yield Concern("decompensation", Verdict.BLOCKED, THIOPURINE, say("blocked-decompensation"))


def kidney(at: Situation) -> Iterable[Concern]:
    """A calcineurin inhibitor is withheld when kidney function is severely impaired."""
    lab = _newest(at, "egfr")
    risen = _risen_creatinine(at)
    if _problem(at, "acute_kidney_injury") is not None or risen is not None:
        yield Concern("kidney", Verdict.BLOCKED, CALCINEURIN, say("blocked-kidney-injury"), risen)
    if lab is None or lab.quantity is None:
        yield Concern("kidney", Verdict.QUESTION, CALCINEURIN, say("unknown-kidney"))
    elif not labs.surely_above(lab, at.parameters.egfr_withheld):
        yield Concern("kidney", Verdict.BLOCKED, CALCINEURIN, say("blocked-kidney", value=lab.quantity), lab)
    elif not labs.surely_above(lab, at.parameters.egfr_warning):
        yield Concern("kidney", Verdict.WARNING, CALCINEURIN, say("warning-kidney", value=lab.quantity), lab)


def _risen_creatinine(at: Situation) -> Lab | None:
    """The newest creatinine if it is far over the person's own baseline before it."""
    newest, p = _newest(at, "creatinine"), at.parameters
    if newest is None:
        return None
    before = newest.when.earliest
    window = shift(before, -p.baseline_window_days), shift(before, -p.baseline_fallback_days)
    usual = labs.baseline(labs.of(at.record.markers or (), "creatinine"), before, window=window)
    risen = usual is not None and labs.surely_at_least(newest, usual.value * p.creatinine_aki_factor)
    return newest if risen else None


def potassium(at: Situation) -> Iterable[Concern]:
    """Tacrolimus raises potassium: not while it is high."""
    lab = _newest(at, "potassium")
    if lab is None:
        yield Concern("potassium", Verdict.QUESTION, CALCINEURIN, say("unknown-potassium"))
    elif lab.quantity is not None and labs.surely_above(lab, at.parameters.potassium_withheld):
        yield Concern("potassium", Verdict.BLOCKED, CALCINEURIN, say("blocked-potassium", value=lab.quantity), lab)


def pregnancy(at: Situation) -> Iterable[Concern]:
    """In pregnancy azathioprine and tacrolimus may go on; where it could be and nobody knows, the card asks."""
    if _problem(at, "pregnancy_status", "lactation") is not None:
        yield Concern("pregnancy", Verdict.WARNING, EVERY, say("warning-pregnancy"))
        return
    ages = age.span(at.record)
    sex = at.record.person.sex
    p = at.parameters
    possible = ages is None or (ages[1] >= p.childbearing_age_low and ages[0] <= p.childbearing_age_high)
    if sex is Sex.MALE or not possible:
        return
    tests = {"pregnancy_test", "pregnancy_status"}
    found = [lab for lab in labs.final(at.record.markers or ()) if lab.analyte in tests and lab.concept]
    newest = max(found, key=lambda lab: lab.when.latest, default=None)
    if newest is not None and newest.concept == "positive":
        yield Concern("pregnancy", Verdict.WARNING, EVERY, say("warning-pregnancy"), newest)
    elif newest is None or newest.concept != "negative" or _age(at, newest) > p.pregnancy_fresh_days:
        yield Concern("pregnancy", Verdict.QUESTION, EVERY, say("unknown-pregnancy"))


def body_weight(at: Situation) -> Iterable[Concern]:
    """Without a weight there is no arithmetic per kg, and the fixed azathioprine dose has a lowest weight."""
    kg = weight.on(at.record, at.record.asof, at.parameters)
    if kg is None:
        yield Concern("weight", Verdict.BLOCKED, FIXED, say("blocked-weight-unknown"))
        yield Concern("weight", Verdict.QUESTION, THIOPURINE | CALCINEURIN, say("unknown-weight"))
    elif kg < at.parameters.azathioprine_fixed_min_weight:
        sentence = say(
            "blocked-weight",
            dose=at.parameters.azathioprine_fixed_mg,
            per_kg=at.parameters.azathioprine_fixed_mg / kg,
            limit=at.parameters.azathioprine_mgkg_high,
            weight=kg,
        )
        yield Concern("weight", Verdict.BLOCKED, FIXED, sentence, weight.nearest(at.record, at.record.asof, at.parameters))


def duplicates(at: Situation) -> Iterable[Concern]:
    """What is running already is not ordered a second time.

    Tacrolimus itself has ended where this is asked; an older order of it that nobody closed does not run.
    """
    classes = {"systemic-steroid": STEROID, "thiopurine": THIOPURINE, "calcineurin-inhibitor": CALCINEURIN}
    for name, subjects in classes.items():
        running = sorted((valuesets.drugs_in_class(name) - {TACROLIMUS}) & at.treatment.running.keys())
        if running:
            use = at.treatment.running[running[0]]
            drug = Term(running[0])
            sentence = (
                say("blocked-duplicate-since", drug=drug, since=use.start) if use.start else say("blocked-duplicate", drug=drug)
            )
            yield Concern("duplicate", Verdict.BLOCKED, subjects, sentence)


def myasthenia(at: Situation) -> Iterable[Concern]:
    """A steroid begun at a high dose can worsen myasthenia gravis: its specialist decides on the dose."""
    if _problem(at, "myasthenia_gravis") is not None:
        yield Concern("myasthenia", Verdict.BLOCKED, STEROID, say("blocked-myasthenia"))


def allergy(at: Situation) -> Iterable[Concern]:
    """An allergy of any severity to the drug, or to another of its kind for steroids, blocks the order."""
    guarded = {
        STEROID: valuesets.drugs_in_class("systemic-steroid"),
        THIOPURINE: valuesets.drugs_in_class("thiopurine"),
        CALCINEURIN: frozenset({TACROLIMUS}),
    }
    for entry in at.record.allergies or ():
        for subjects, ingredients in guarded.items():
            if entry.ingredient in ingredients:
                yield Concern("allergy", Verdict.BLOCKED, subjects, say("blocked-allergy", substance=entry.text))


CHECKS: tuple[Check, ...] = (
    infection,
    hepatitis_b,
    metaboliser,
    xanthine_oxidase,
    blood_count,
    bilirubin,
    decompensation,
    kidney,
    potassium,
    pregnancy,
    body_weight,
    duplicates,
    myasthenia,
    allergy,
)
"""The checks in the order in which their reasons are shown. Age comes before them: a child is offered no dose at all."""


def concerns(at: Situation) -> tuple[Concern, ...]:
    """All concerns, in the order of the checks."""
    return tuple(concern for check in CHECKS for concern in check(at))


def about(found: Iterable[Concern], *subjects: Subject) -> tuple[Concern, ...]:
    """The concerns about any of these treatments."""
    return tuple(concern for concern in found if concern.subjects & set(subjects))


def blocked(found: Iterable[Concern], *subjects: Subject) -> bool:
    """Whether an order for one of these treatments is withheld."""
    return any(concern.verdict is Verdict.BLOCKED for concern in about(found, *subjects))
