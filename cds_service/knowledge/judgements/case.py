"""The case that the questions look at: the record, the numbers in force, and each judgement made once."""

from datetime import date
from functools import cached_property

from msgspec import structs

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Evidence
from cds_service.knowledge.judgements import (
    calcineurin_inhibitors,
    discharge,
    exposure,
    flares,
    holding,
    indication,
    ordered_stop,
    planned_switch,
    product_change,
    treatment,
)
from cds_service.knowledge.judgements.calcineurin_inhibitors import Inhibitors
from cds_service.knowledge.judgements.discharge import Discharge
from cds_service.knowledge.judgements.exposure import Exposure
from cds_service.knowledge.judgements.flare import Flare
from cds_service.knowledge.judgements.holding import HoldSign
from cds_service.knowledge.judgements.indication import Indication, IndicationKind
from cds_service.knowledge.judgements.ordered_stop import OrderedStop
from cds_service.knowledge.judgements.planned_switch import PlannedSwitch
from cds_service.knowledge.judgements.product_change import ProductChange, SideBySide
from cds_service.knowledge.judgements.safety import Situation
from cds_service.knowledge.judgements.treatment import Treatment
from cds_service.knowledge.judgements.usage import TACROLIMUS, ExposureClass
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.facts import DISCONTINUED, Lab, Problem, Record, Use
from cds_service.patient.when import When, days_between

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
        """Is tacrolimus taken, and if it ended, when and how? A stop with signs of a reason that requires it is a hold."""
        told = self._told
        return structs.replace(told, kind=ExposureClass.HOLD) if self._signs_of_past_stop else told

    @cached_property
    def ordered_stop(self) -> OrderedStop | None:
        """Do the orders of this request stop it? Signs of a reason that requires it make it a hold."""
        stop = self._told_stop
        return structs.replace(stop, hold=True) if stop is not None and self._signs_of_ordered_stop else stop

    @property
    def hold_signs(self) -> tuple[HoldSign, ...]:
        """What makes the stop a possible hold that nobody recorded as one; none where it is no hold, or a recorded one."""
        return self._signs_of_ordered_stop or self._signs_of_past_stop

    @cached_property
    def _told(self) -> Exposure:
        return exposure.judge(self.record, self.parameters)

    @cached_property
    def _told_stop(self) -> OrderedStop | None:
        return ordered_stop.judge(self.record, self._told, self.parameters)

    @cached_property
    def _signs_of_past_stop(self) -> tuple[HoldSign, ...]:
        """In a transplant recipient a stop is never excused."""
        transplant = self.indication.kind is IndicationKind.TRANSPLANT
        return () if transplant else holding.of_past_stop(self._told, self.record, self.parameters)

    @cached_property
    def _signs_of_ordered_stop(self) -> tuple[HoldSign, ...]:
        stop = self._told_stop
        if stop is None or self.indication.kind is IndicationKind.TRANSPLANT:
            return ()
        return holding.of_ordered_stop(stop, self.record, self.parameters)

    @cached_property
    def other_inhibitor(self) -> bool:
        """Whether another calcineurin inhibitor is taken, or ordered in this request: then the class goes on."""
        uses = (*self.treatment.running.values(), *treatment.ordered(self.record))
        return any(use.drug.ingredient in calcineurin_inhibitors.others() and use.drug.systemic for use in uses)

    @cached_property
    def inhibitors(self) -> Inhibitors | None:
        """Does this request bring another calcineurin inhibitor beside tacrolimus, or in its place?"""
        return calcineurin_inhibitors.judge(self.record, self._told, self._told_stop, self.parameters)

    @cached_property
    def product_change(self) -> ProductChange | None:
        """Does this request change the tacrolimus product?"""
        return product_change.change(self.record, self._told, self.parameters)

    @cached_property
    def side_by_side(self) -> SideBySide | None:
        """Have two tacrolimus products been listed together?"""
        return product_change.side_by_side(self.record, self._told, self.parameters)

    @cached_property
    def planned_switch(self) -> PlannedSwitch | None:
        """Had another immunosuppressant taken over around the stop, past or ordered now?"""
        coming = self._told_stop is not None
        stop = When.on(self.record.asof) if coming else self.exposure.last_dose
        return None if stop is None else planned_switch.judge(self.record, stop, self.parameters, coming=coming)

    @cached_property
    def discharge(self) -> Discharge | None:
        """At discharge: is tacrolimus among the orders for the time after the stay?"""
        return None if self.ordered_stop else discharge.judge(self.record, self.exposure, self.parameters)

    @cached_property
    def indication(self) -> Indication:
        """Why was it given?"""
        return indication.judge(self.record)

    @cached_property
    def treatment(self) -> Treatment:
        """What is being done already?"""
        return treatment.judge(self.record, self.last_dose, self.parameters)

    @property
    def situation(self) -> Situation:
        """What the safety checks look at."""
        return Situation(self.record, self.treatment, self.parameters)

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
        related = valuesets.drugs_in_class(*classes) | {TACROLIMUS}
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


def of_draft(use: Use) -> tuple[Evidence, ...]:
    """An order of this request as evidence, and the group, plan or task that ends it in place of its own status."""
    elsewhere = use.ended_by is not None and use.ended_by != DISCONTINUED
    return (of_use(use), Evidence(use.ended_by or "", "")) if elsewhere else (of_use(use),)


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
