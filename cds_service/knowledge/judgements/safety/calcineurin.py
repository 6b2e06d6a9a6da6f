"""Whether tacrolimus may be restarted."""

from collections.abc import Iterable

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Term, say
from cds_service.knowledge.judgements.safety.concerns import (
    CALCINEURIN,
    Concern,
    Situation,
    Verdict,
    ever,
    in_use,
    low_salt,
    newest,
    problem,
)
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
        yield Concern("kidney", Verdict.BLOCKED, CALCINEURIN, say("blocked-kidney", value=labs.as_reported(lab)), lab)
    elif not labs.surely_above(lab, at.parameters.egfr_warning):
        yield Concern("kidney", Verdict.WARNING, CALCINEURIN, say("warning-kidney", value=labs.as_reported(lab)), lab)


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
        yield Concern("potassium", Verdict.BLOCKED, CALCINEURIN, say("blocked-potassium", value=labs.as_reported(lab)), lab)


def lasting_harm(at: Situation) -> Iterable[Concern]:
    """What tacrolimus may have done before stands against a restart, also when it is over; a cancer does too."""
    harm = ever(at, *LASTING_HARM)
    if harm is not None:
        yield Concern("lasting-harm", Verdict.BLOCKED, CALCINEURIN, say("blocked-lasting-harm", harm=harm))


def long_qt(at: Situation) -> Iterable[Concern]:
    """Tacrolimus prolongs the QT interval: not where it is long; an ECG first where the heart or a medicine is a risk."""
    found, interval = problem(at, "QT_prolongation"), newest(at, "qtc")
    if found is not None:
        yield Concern("long-qt", Verdict.BLOCKED, CALCINEURIN, say("blocked-long-qt", problem=found))
    elif interval is not None and interval.quantity and labs.surely_above(interval, at.parameters.qtc_withheld):
        yield Concern("long-qt", Verdict.BLOCKED, CALCINEURIN, say("blocked-qtc", value=labs.as_reported(interval)), interval)
    else:
        yield from _qt_at_risk(at)


def _qt_at_risk(at: Situation) -> Iterable[Concern]:
    heart = problem(at, "heart_failure", "bradyarrhythmia")
    if heart is not None:
        yield Concern("long-qt", Verdict.WARNING, CALCINEURIN, say("warning-qt-heart", problem=heart))
    steadying = in_use(at, "antiarrhythmic")
    if steadying:
        yield Concern("long-qt", Verdict.WARNING, CALCINEURIN, say("warning-qt-drugs", drugs=steadying))
    prolonging, low = in_use(at, "prolongs-qt"), low_salt(at)
    if prolonging and low is not None:
        sentence = say("warning-qt-drugs-and-salt", drugs=prolonging, analyte=Term(low.analyte), value=labs.as_reported(low))
        yield Concern("long-qt", Verdict.WARNING, CALCINEURIN, sentence, low)


def adding_harm(at: Situation) -> Iterable[Concern]:
    """What else strains the kidney or raises potassium, and what changes the level though nobody ordered it."""
    for name in ("harms-kidney", "raises-potassium", "raises-tacrolimus-by-habit"):
        drugs = in_use(at, name)
        if drugs:
            yield Concern(name, Verdict.WARNING, CALCINEURIN, say(f"warning-{name}", drugs=drugs))


def changed_level(at: Situation) -> Iterable[Concern]:
    """Beside a strong inhibitor or an inducer of CYP3A the person's earlier dose of tacrolimus is another dose."""
    steroids = valuesets.drugs_in_class("systemic-steroid")
    found = tuple(drug for drug in in_use(at, *CHANGING_ITS_LEVEL) if drug.name not in steroids)
    if found:
        yield Concern("changed-level", Verdict.BLOCKED, CALCINEURIN, say("blocked-changed-level", drugs=found))
