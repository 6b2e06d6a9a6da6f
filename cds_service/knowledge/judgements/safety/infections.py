"""Infections that more immunosuppression would make worse."""

from collections.abc import Iterable

from cds_service.knowledge.finding import say
from cds_service.knowledge.judgements.safety.concerns import EVERY, Concern, Situation, Verdict, age_of, problem, screening
from cds_service.patient.facts import Lab


def infection(at: Situation) -> Iterable[Concern]:
    """An active serious infection stands against more immunosuppression."""
    found = problem(at, "sepsis_active_infection", "tuberculosis", "strongyloidiasis")
    if found is not None:
        yield Concern("infection", Verdict.BLOCKED, EVERY, say("blocked-infection", infection=found))


def latent_tuberculosis(at: Situation) -> Iterable[Concern]:
    """A latent tuberculosis can wake under immunosuppression; where nobody looked for one, the card asks."""
    assay = screening(at, "igra")
    result = assay.concept if assay is not None else None
    if result == "positive" or problem(at, "latent_tuberculosis") is not None:
        evidence = assay if result == "positive" else None
        yield Concern("latent-tuberculosis", Verdict.WARNING, EVERY, say("warning-latent-tuberculosis"), evidence)
    elif result != "negative":
        yield Concern("latent-tuberculosis", Verdict.QUESTION, EVERY, say("unknown-tuberculosis"))


def hepatitis_b(at: Situation) -> Iterable[Concern]:
    """Every steroid option is high-dose for weeks: a hepatitis B carrier needs an antiviral plan first."""
    antigen, core = screening(at, "hbsag"), screening(at, "anti_hbc")
    carrier = problem(at, "hepatitis_B")
    if carrier is not None or (antigen and antigen.concept == "positive"):
        yield Concern("hepatitis-b", Verdict.BLOCKED, EVERY, say("blocked-hepatitis-b"), antigen)
        return
    past = core is not None and core.concept == "positive"
    if past:
        yield Concern("hepatitis-b", Verdict.WARNING, EVERY, say("warning-hepatitis-b-core"), core)
    if not (_freshly_negative(at, antigen) and (past or _freshly_negative(at, core))):
        yield Concern("hepatitis-b", Verdict.QUESTION, EVERY, say("unknown-hepatitis-b"))


def _freshly_negative(at: Situation, lab: Lab | None) -> bool:
    return lab is not None and lab.concept == "negative" and age_of(at, lab) <= at.parameters.hepatitis_b_fresh_days
