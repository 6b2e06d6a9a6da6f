"""Whether tacrolimus may be restarted."""

from collections.abc import Iterable

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Term, say
from cds_service.knowledge.judgements.safety.concerns import CALCINEURIN, Concern, Situation, Verdict, ever, newest, problem
from cds_service.knowledge.judgements.treatment import ordered
from cds_service.patient import labs
from cds_service.patient.facts import Lab
from cds_service.patient.when import shift

LASTING_HARM = ("TMA", "PRES_seizure", "malignancy_PTLD_skin")
CHANGING_ITS_LEVEL = ("cyp3a-strong-inhibitor", "cyp3a-inducer")


def kidney(at: Situation) -> Iterable[Concern]:
    """A calcineurin inhibitor is withheld when kidney function is severely impaired."""
    lab = newest(at, "egfr")
    risen = _risen_creatinine(at)
    if problem(at, "acute_kidney_injury") is not None or risen is not None:
        yield Concern("kidney", Verdict.BLOCKED, CALCINEURIN, say("blocked-kidney-injury"), risen)
    if lab is None or lab.quantity is None:
        yield Concern("kidney", Verdict.QUESTION, CALCINEURIN, say("unknown-kidney"))
    elif not labs.surely_above(lab, at.parameters.egfr_withheld):
        yield Concern("kidney", Verdict.BLOCKED, CALCINEURIN, say("blocked-kidney", value=lab.quantity), lab)
    elif not labs.surely_above(lab, at.parameters.egfr_warning):
        yield Concern("kidney", Verdict.WARNING, CALCINEURIN, say("warning-kidney", value=lab.quantity), lab)


def _risen_creatinine(at: Situation) -> Lab | None:
    """The newest creatinine if it is far over the person's own baseline before it."""
    last, p = newest(at, "creatinine"), at.parameters
    if last is None:
        return None
    before = last.when.earliest
    window = shift(before, -p.baseline_window_days), shift(before, -p.baseline_fallback_days)
    usual = labs.baseline(at.record.measured["creatinine"], before, window=window)
    risen = usual is not None and labs.surely_at_least(last, usual.value * p.creatinine_aki_factor)
    return last if risen else None


def potassium(at: Situation) -> Iterable[Concern]:
    """Tacrolimus raises potassium: not while it is high."""
    lab = newest(at, "potassium")
    if lab is None:
        yield Concern("potassium", Verdict.QUESTION, CALCINEURIN, say("unknown-potassium"))
    elif lab.quantity is not None and labs.surely_above(lab, at.parameters.potassium_withheld):
        yield Concern("potassium", Verdict.BLOCKED, CALCINEURIN, say("blocked-potassium", value=lab.quantity), lab)


def lasting_harm(at: Situation) -> Iterable[Concern]:
    """What tacrolimus may have done before stands against a restart, also when it is over; a cancer does too."""
    harm = ever(at, *LASTING_HARM)
    if harm is not None:
        yield Concern("lasting-harm", Verdict.BLOCKED, CALCINEURIN, say("blocked-lasting-harm", harm=harm))


def long_qt(at: Situation) -> Iterable[Concern]:
    """Tacrolimus prolongs the QT interval."""
    found = problem(at, "QT_prolongation")
    if found is not None:
        yield Concern("long-qt", Verdict.BLOCKED, CALCINEURIN, say("blocked-long-qt", problem=found))


def changed_level(at: Situation) -> Iterable[Concern]:
    """Beside a strong inhibitor or an inducer of CYP3A the person's earlier dose of tacrolimus is another dose."""
    changing = frozenset[str]().union(*map(valuesets.drugs_in_class, CHANGING_ITS_LEVEL))
    changing -= valuesets.drugs_in_class("systemic-steroid")
    taken = at.treatment.running.keys() | {use.drug.ingredient for use in ordered(at.record)}
    found = tuple(Term(name) for name in sorted(changing & taken))
    if found:
        yield Concern("changed-level", Verdict.BLOCKED, CALCINEURIN, say("blocked-changed-level", drugs=found))
