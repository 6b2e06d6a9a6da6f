"""A flare in sentences: its summary, what leads it, how severe it is, which definition it meets, what to exclude first."""

from cds_service.knowledge.finding import Sentence, Term, Value, say
from cds_service.knowledge.judgements.case import Case
from cds_service.knowledge.judgements.flare import Flare, Tier
from cds_service.knowledge.judgements.flares import glomerular, hepatitis, lupus_nephritis, myasthenia
from cds_service.patient.labs import as_reported
from cds_service.patient.when import When

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


def lead(case: Case) -> tuple[Sentence, ...]:
    """The flare and the stop in one sentence; none where the day of the stop is not known."""
    last = case.exposure.last_dose
    return () if last is None else (_lead(case.flare, last),)


def _lead(flare: Flare, last: When) -> Sentence:
    leading = flare.leading
    if leading is None:
        return say("flare-lead-sign", sign=flare.signs[0].text, last=last)
    told: dict[str, Value] = {"analyte": Term(leading.lab.analyte), "value": as_reported(leading.lab), "on": leading.lab.when}
    if flare.disease != hepatitis.DISEASE or leading.times is None:
        return say("flare-lead", **told, last=last)
    return say("rebound-lead", **told, times=leading.shown_times, last=last)


def severity(flare: Flare) -> tuple[Sentence, ...]:
    """What makes it severe, and what follows from that at once."""
    sentences = [say(f"severity-{flare.state}")] if flare.state else []
    sentences += [
        say("severity-marker", analyte=Term(lab.analyte), value=as_reported(lab), on=lab.when) for lab in flare.severity
    ]
    sentences += [say("severity-sign", sign=problem.text) for problem in flare.signs]
    if flare.state in TRANSPLANT_STATES:
        sentences.append(say("contact-transplant-centre"))
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
