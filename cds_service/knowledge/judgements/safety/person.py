"""The person: pregnancy, what is taken already, allergies, and diseases that a steroid can make worse."""

from collections.abc import Iterable

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Term, say
from cds_service.knowledge.judgements import pregnancy
from cds_service.knowledge.judgements.pregnancy import State
from cds_service.knowledge.judgements.safety.concerns import (
    CALCINEURIN,
    EVERY,
    STEROID,
    THIOPURINE,
    Concern,
    Situation,
    Verdict,
    ever,
    newest,
    problem,
)
from cds_service.knowledge.judgements.usage import TACROLIMUS
from cds_service.patient import labs


def expecting(at: Situation) -> Iterable[Concern]:
    """In pregnancy azathioprine and tacrolimus may go on; where it could be and nobody knows, the card asks."""
    found = pregnancy.judge(at.record, at.parameters)
    if found.state in {State.PREGNANT, State.LACTATING}:
        yield Concern("pregnancy", Verdict.WARNING, EVERY, say("warning-pregnancy"), found.test)
    elif found.state is State.POSSIBLE:
        yield Concern("pregnancy", Verdict.QUESTION, EVERY, say("unknown-pregnancy"))


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
    if problem(at, "myasthenia_gravis") is not None:
        yield Concern("myasthenia", Verdict.BLOCKED, STEROID, say("blocked-myasthenia"))


MADE_WORSE = ("diabetes", "osteoporosis_steroid_risk", "gi_bleeding", "glaucoma", "heart_failure", "uncontrolled_hypertension")


def made_worse(at: Situation) -> Iterable[Concern]:
    """What weeks of a steroid at a high dose make worse, or bring back: each is said, and a plan asked for."""
    found = [problem(at, group) for group in MADE_WORSE]
    for told in (*found, ever(at, "psychosis")):
        if told is not None:
            yield Concern("made-worse", Verdict.WARNING, STEROID, say("warning-made-worse", problem=told))
    sugar = newest(at, "hba1c")
    if found[0] is None and sugar is not None and labs.surely_at_least(sugar, at.parameters.hba1c_diabetes):
        sentence = say("warning-diabetes-by-test", value=labs.as_reported(sugar))
        yield Concern("made-worse", Verdict.WARNING, STEROID, sentence, sugar)


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
