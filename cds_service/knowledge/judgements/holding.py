"""Was a stop a hold that nobody recorded as one? Signs, around its day, of a reason that requires it: a "possible hold".

A level that is far too high, an injured kidney, a potassium that is too high, a thrombotic microangiopathy, a serious infection,
or a strong CYP3A inhibitor begun at the same time (it is usual to hold tacrolimus during nirmatrelvir/ritonavir).
"""

from collections.abc import Callable, Iterator

from msgspec import Struct

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Sentence, Term, Value, say
from cds_service.knowledge.judgements import kidney
from cds_service.knowledge.judgements.exposure import Exposure
from cds_service.knowledge.judgements.ordered_stop import OrderedStop, Sign
from cds_service.knowledge.judgements.treatment import ordered, running
from cds_service.knowledge.judgements.usage import TACROLIMUS, ExposureClass
from cds_service.knowledge.parameters import Parameters
from cds_service.patient import labs
from cds_service.patient.facts import Lab, Problem, Record, Use, UseKind, UseStatus
from cds_service.patient.tapers import TaperKind
from cds_service.patient.when import When, shift

UNEXPLAINED = frozenset({ExposureClass.ABRUPT_STOP, ExposureClass.RAPID_TAPER, ExposureClass.TAPER_UNKNOWN})
"""The stops that a sign can turn into a possible hold; one at the end of a complete taper was planned."""

INFECTIONS = frozenset({"sepsis_active_infection", "tuberculosis"})
MICROANGIOPATHY = "TMA"
POST_DOSE = "post-dose"
PLASMA = "plasma"
TAKEN = frozenset({UseStatus.ACTIVE, UseStatus.STOPPED, UseStatus.COMPLETED})


class HoldSign(Struct, frozen=True):
    """One sign: what it is in a sentence, and the entry of the record that shows it."""

    sentence: Sentence
    source: Lab | Problem | Use


class _Around(Struct, frozen=True):
    """What a sign is looked for in: the record, and the days that surely lie close before the stop."""

    record: Record
    stop: When
    parameters: Parameters

    def close(self, when: When) -> bool:
        """Whether a day surely lies in the week before the stop; the first day without a dose belongs to it."""
        first = shift(self.stop.latest, -self.parameters.hold_sign_days)
        return first <= when.earliest and when.latest <= shift(self.stop.earliest, 1)

    def results(self, analyte: str) -> list[Lab]:
        """The final results of that time, the newest first."""
        found = labs.final(labs.of(self.record.markers or (), analyte))
        return [lab for lab in found if self.close(lab.when)]


def _level(at: _Around) -> Iterator[HoldSign]:
    for lab in at.results(TACROLIMUS):
        trough = lab.timing != POST_DOSE and lab.specimen != PLASMA
        if trough and labs.surely_above(lab, at.parameters.tacrolimus_level_critical):
            yield HoldSign(say("hold-sign-level", value=labs.as_reported(lab), on=lab.when), lab)


def _creatinine(at: _Around) -> Iterator[HoldSign]:
    for lab in at.results("creatinine"):
        shown: dict[str, Value] = {"value": labs.as_reported(lab), "on": lab.when}
        if kidney.risen_in_days(lab, at.record, at.parameters):
            yield HoldSign(say("hold-sign-kidney-injury", **shown), lab)
        elif kidney.far_above_own(lab, at.record, at.parameters):
            yield HoldSign(say("hold-sign-creatinine", times=at.parameters.creatinine_aki_factor, **shown), lab)


def _potassium(at: _Around) -> Iterator[HoldSign]:
    for lab in at.results("potassium"):
        if labs.surely_at_least(lab, at.parameters.potassium_critical):
            yield HoldSign(say("hold-sign-potassium", value=labs.as_reported(lab), on=lab.when), lab)


def _microangiopathy(at: _Around) -> Iterator[HoldSign]:
    for problem in at.record.problems or ():
        if MICROANGIOPATHY in problem.groups and problem.active is not False:
            yield HoldSign(say("hold-sign-microangiopathy", condition=problem.text), problem)


def _infection(at: _Around) -> Iterator[HoldSign]:
    for problem in at.record.problems or ():
        told = problem.onset or problem.recorded
        if problem.groups & INFECTIONS and told is not None and at.close(told):
            yield HoldSign(say("hold-sign-infection", condition=problem.text, on=told), problem)


def _inhibitor(at: _Around) -> Iterator[HoldSign]:
    for use in inhibitors(at.record, at.stop, at.parameters):
        yield HoldSign(say("hold-sign-inhibitor", drug=Term(use.drug.ingredient or "")), use)


SIGNS: tuple[Callable[[_Around], Iterator[HoldSign]], ...] = (
    _level,
    _creatinine,
    _potassium,
    _microangiopathy,
    _infection,
    _inhibitor,
)


def inhibitors(record: Record, stop: When, parameters: Parameters) -> tuple[Use, ...]:
    """The strong CYP3A inhibitors that were surely begun within days of the stop, those of this request included."""
    strong = valuesets.drugs_in_class("cyp3a-strong-inhibitor")
    taken = [use for use in record.uses if use.status in TAKEN and not use.forbids]
    near = parameters.hold_inhibitor_days
    return tuple(
        use
        for use in (*taken, *ordered(record))
        if use.drug.ingredient in strong
        and use.drug.systemic is not False
        and (begun := _begun(use, record)) is not None
        and shift(stop.latest, -near) <= begun.earliest
        and begun.latest <= shift(stop.earliest, near)
    )


def _begun(use: Use, record: Record) -> When | None:
    """The first day of a use: a written order without one counts from its writing, a new one from today."""
    if use.start is not None:
        return use.start
    if use.kind is not UseKind.ORDER:
        return None
    return use.asserted or When.on(record.asof)


def signs(record: Record, stop: When, parameters: Parameters) -> tuple[HoldSign, ...]:
    """Every sign around a stop, one of each kind."""
    around = _Around(record, stop, parameters)
    found = (next(look(around), None) for look in SIGNS)
    return tuple(sign for sign in found if sign is not None)


def of_past_stop(exposure: Exposure, record: Record, parameters: Parameters) -> tuple[HoldSign, ...]:
    """What makes a past stop a possible hold; nothing where a reason is recorded, or another inhibitor has taken its place."""
    if exposure.kind not in UNEXPLAINED or exposure.last_dose is None or exposure.reasons:
        return ()
    others = valuesets.drugs_in_class("calcineurin-inhibitor") - {TACROLIMUS}
    return () if others & running(record).keys() else signs(record, exposure.last_dose, parameters)


def of_ordered_stop(stop: OrderedStop, record: Record, parameters: Parameters) -> tuple[HoldSign, ...]:
    """The same for a stop that the orders of this request bring; a taper or a replacement is planned."""
    planned = stop.sign in {Sign.TAPERED, Sign.REPLACED} or (stop.taper is not None and stop.taper.kind is TaperKind.COMPLETE)
    if stop.hold or planned or stop.draft.reasons:
        return ()
    return signs(record, When.on(record.asof), parameters)
