"""Whether tacrolimus may be restarted."""

from collections.abc import Iterable

from cds_service.knowledge.finding import say
from cds_service.knowledge.judgements.safety.concerns import CALCINEURIN, Concern, Situation, Verdict, newest, problem
from cds_service.patient import labs
from cds_service.patient.facts import Lab
from cds_service.patient.when import shift


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
    usual = labs.baseline(labs.of(at.record.markers or (), "creatinine"), before, window=window)
    risen = usual is not None and labs.surely_at_least(last, usual.value * p.creatinine_aki_factor)
    return last if risen else None


def potassium(at: Situation) -> Iterable[Concern]:
    """Tacrolimus raises potassium: not while it is high."""
    lab = newest(at, "potassium")
    if lab is None:
        yield Concern("potassium", Verdict.QUESTION, CALCINEURIN, say("unknown-potassium"))
    elif lab.quantity is not None and labs.surely_above(lab, at.parameters.potassium_withheld):
        yield Concern("potassium", Verdict.BLOCKED, CALCINEURIN, say("blocked-potassium", value=lab.quantity), lab)
