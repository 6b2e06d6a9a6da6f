"""The case that the questions look at: the record, the numbers in force, and each judgement made once."""

from datetime import date
from functools import cached_property

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Evidence
from cds_service.knowledge.judgements import exposure, flares, indication, ordered_stop, treatment
from cds_service.knowledge.judgements.exposure import Exposure
from cds_service.knowledge.judgements.flare import Flare
from cds_service.knowledge.judgements.indication import Indication, IndicationKind
from cds_service.knowledge.judgements.ordered_stop import OrderedStop
from cds_service.knowledge.judgements.treatment import Treatment
from cds_service.knowledge.judgements.usage import TACROLIMUS
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.facts import Lab, Problem, Record, Use
from cds_service.patient.when import days_between

ORDER_HOOKS = frozenset(
    {
        "medication-prescribe",
        "order-select",
        "order-sign",
        "order-dispatch",
        "medication-refill",
        "io.github.cds-service.order-discontinue",
    }
)


class Case:
    """One record under one set of parameters; every judgement is made when first asked for, and once."""

    def __init__(self, record: Record, parameters: Parameters) -> None:
        self.record = record
        self.parameters = parameters

    @cached_property
    def exposure(self) -> Exposure:
        """Is tacrolimus taken, and if it ended, when and how?"""
        return exposure.judge(self.record, self.parameters)

    @cached_property
    def ordered_stop(self) -> OrderedStop | None:
        """Do the orders of this request stop it?"""
        return ordered_stop.judge(self.record, self.exposure, self.parameters)

    @cached_property
    def indication(self) -> Indication:
        """Why was it given?"""
        return indication.judge(self.record)

    @cached_property
    def treatment(self) -> Treatment:
        """What is being done already?"""
        return treatment.judge(self.record, self.last_dose, self.parameters)

    @cached_property
    def flares(self) -> tuple[Flare, ...]:
        """Has each of the diseases flared? The one that has gone furthest comes first."""
        taper = self.exposure.taper
        began = taper.began if taper and self.last_dose else None
        return flares.judge(self.record, self.indication.diseases, self.last_dose, began, self.parameters)

    @property
    def flare(self) -> Flare:
        """The flare that has gone furthest; an empty judgement where no autoimmune disease is on record."""
        return self.flares[0] if self.flares else Flare()

    @property
    def flared(self) -> bool:
        """Whether the autoimmune disease for which tacrolimus was given has flared."""
        return self.autoimmune and self.flare.tier > 0

    @property
    def seen_quiet(self) -> bool:
        """Whether every disease could be judged, and none has flared."""
        return bool(self.flares) and all(flare.judged and not flare.tier for flare in self.flares)

    @property
    def last_dose(self) -> date | None:
        """The latest day that can have been the last dose of a use that ended; None while it goes on."""
        return self.exposure.last_dose.latest if self.exposure.last_dose else None

    @property
    def days_since(self) -> int:
        """Days since the last dose, at most (a partial date counts from its earliest day); 0 while it goes on."""
        last = self.exposure.last_dose
        return days_between(last.earliest, self.record.asof) if last else 0

    @property
    def ordering(self) -> bool:
        """Whether the hook fires while orders are being written."""
        return self.record.hook in ORDER_HOOKS

    @cached_property
    def related_draft(self) -> bool:
        """Whether a draft has to do with immunosuppression: an immunosuppressant, a steroid, an interacting drug."""
        classes = ("immunosuppressant", "systemic-steroid", "cyp3a-strong-inhibitor", "cyp3a-moderate-inhibitor", "cyp3a-inducer")
        related = frozenset[str]().union(*(valuesets.drugs_in_class(name) for name in classes)) | {TACROLIMUS}
        return any(use.drug.ingredient in related and use.drug.systemic is not False for use in self.record.drafts)

    @property
    def autoimmune(self) -> bool:
        """Whether an autoimmune disease, and no transplant, is why tacrolimus was given."""
        return self.indication.kind is IndicationKind.AUTOIMMUNE

    @cached_property
    def lost(self) -> frozenset[str]:
        """The plain names of the lists that did not come, or not whole."""
        return frozenset(lost.what for lost in self.record.lost)

    def shows_past_stop(self) -> bool:
        """Whether a past stop without a flare is shown in this hook: always on the chart, among orders while it is news."""
        recent = self.days_since <= self.parameters.unrelated_draft_days
        within = self.days_since <= self.parameters.stop_lookback_days
        return within and (not self.ordering or recent or self.related_draft)


def of_use(use: Use) -> Evidence:
    """A use as evidence."""
    told = use.end or use.stopped_on or use.start or use.asserted
    return Evidence(use.reference, told.latest.isoformat() if told else "")


def of_lab(lab: Lab) -> Evidence:
    """A result as evidence, with the number and unit that the laboratory reported."""
    shown = lab.reported or lab.quantity
    if shown is None:
        return Evidence(lab.reference, lab.when.latest.isoformat(), lab.concept or "")
    return Evidence(lab.reference, lab.when.latest.isoformat(), f"{lab.comparator or ''}{shown.value}", shown.unit)


def of_problem(problem: Problem) -> Evidence:
    """A condition or procedure as evidence."""
    told = problem.onset or problem.recorded
    return Evidence(problem.reference, told.earliest.isoformat() if told else "")
