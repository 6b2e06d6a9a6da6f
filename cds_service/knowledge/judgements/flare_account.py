"""A flare in sentences: its summary, what leads it, how severe it is, which definition it meets, what to exclude first."""

from cds_service.knowledge.finding import Sentence, Term, Value, say
from cds_service.knowledge.judgements import account
from cds_service.knowledge.judgements.case import Case
from cds_service.knowledge.judgements.flare import Flare, Tier
from cds_service.knowledge.judgements.flares import glomerular, hepatitis, lupus_nephritis, myasthenia
from cds_service.patient.labs import as_reported

SHORT = {glomerular.DISEASE: "glomerular-disease"}
EXCLUDE = {
    hepatitis.DISEASE: "exclude-first",
    lupus_nephritis.DISEASE: "exclude-first-kidney",
    glomerular.DISEASE: "exclude-first-kidney",
    myasthenia.DISEASE: "exclude-first-myasthenia",
}
TRANSPLANT_STATES = frozenset({"acute-severe", "liver-failure"})


def _state(case: Case) -> str:
    if case.treatment.treated:
        return "treated" if case.treatment.under_way else "drafted"
    return case.flare.tier.name.lower()


def name(flare: Flare) -> Term:
    """The disease, shortly enough for a summary."""
    return Term(SHORT.get(flare.disease, flare.disease))


def summary(case: Case) -> Sentence:
    """The flare in one line: the disease, how long after the stop, and the marker or the sign that is furthest out."""
    flare, days = case.flare, case.days_since
    leading = flare.leading
    shown: dict[str, Value]
    if flare.disease == hepatitis.DISEASE and leading is not None and leading.times is not None:
        shown = {"analyte": Term(leading.lab.analyte), "times": leading.shown_times}
        return say(f"rebound-summary-{_state(case)}", **shown, days=days)
    disease = name(flare)
    if leading is None:
        return say(f"flare-summary-{_state(case)}-sign", disease=disease, days=days)
    shown = {"analyte": Term(leading.lab.analyte), "value": as_reported(leading.lab)}
    return say(f"flare-summary-{_state(case)}", disease=disease, days=days, **shown)


def happened(case: Case) -> tuple[Sentence, ...]:
    """What is furthest out, what makes it severe, how tacrolimus ended, and the other markers; each once."""
    flare = case.flare
    first = say("severity-sign", sign=flare.signs[0].text) if flare.leading is None else account.marker(flare.leading)
    told = (*_severity(flare), *account.ending(case), *account.markers(case))
    return (first, *(sentence for sentence in told if sentence != first))


def _severity(flare: Flare) -> tuple[Sentence, ...]:
    sentences = [say(f"severity-{flare.state}")] if flare.state else []
    sentences += [
        say("severity-marker", analyte=Term(lab.analyte), value=as_reported(lab), on=lab.when) for lab in flare.severity
    ]
    return (*sentences, *(say("severity-sign", sign=problem.text) for problem in flare.signs))


def urgent(flare: Flare) -> tuple[Sentence, ...]:
    """What follows at once from a severe flare of the liver."""
    sentences = [say("contact-transplant-centre")] if flare.state in TRANSPLANT_STATES else []
    if flare.disease == hepatitis.DISEASE and (flare.severity or flare.signs):
        sentences.append(say("prednisolone-preferred"))
    return tuple(sentences)


def definition(case: Case) -> tuple[Sentence, ...]:
    """Which definition the markers meet, and what a reader must know of it; a severe state may rest on less."""
    flare = case.flare
    if flare.disease == hepatitis.DISEASE:
        relapse = any(reading.tier is Tier.RELAPSE for reading in flare.readings)
        return (say("relapse-met" if relapse else "relapse-not-met", times=case.parameters.aih_relapse_xuln),)
    found: list[Sentence] = []
    for reading in flare.readings:
        if reading.tier and reading.why and reading.why not in found:
            found.append(reading.why)
    by_sign = (say("flare-by-sign"),) if flare.signs else ()
    return (*found, *by_sign, *flare.cautions)


def exclude(flare: Flare) -> tuple[Sentence, ...]:
    """What else could look like this flare and is to be excluded first."""
    return (say(EXCLUDE.get(flare.disease, "exclude-first-other")),)
