"""The client's own order of a medicine, as strictly as it must be read to be handed back: one type a FHIR version."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from cds_service.fhir.keeping.datatypes import (
    Annotation,
    Code,
    CodeableConcept,
    CommonRepeat,
    Count,
    DateTime,
    Element,
    Event,
    Extension,
    Id,
    Identifier,
    Narrative,
    Period,
    Quantity,
    Range,
    Ratio,
    Reference,
    ResourceMeta,
    Strict,
    Text,
    Timing,
    Unit,
    Uri,
)

Concepts = Annotated[list[CodeableConcept], Meta(min_length=1)] | None
References = Annotated[list[Reference], Meta(min_length=1)] | None
Identifiers = Annotated[list[Identifier], Meta(min_length=1)] | None
Notes = Annotated[list[Annotation], Meta(min_length=1)] | None
Texts = Annotated[list[Text], Meta(min_length=1)] | None
Uris = Annotated[list[Uri], Meta(min_length=1)] | None

MEDICATION = ("medication_codeable_concept", "medication_reference")
AS_NEEDED = ("as_needed_boolean", "as_needed_codeable_concept")
DOSE = ("dose_quantity", "dose_range")
RATE = ("rate_ratio", "rate_range", "rate_quantity")
ENDED = Literal["stopped", "cancelled", "completed"]
INTENT = Literal["proposal", "plan", "order", "original-order", "reflex-order", "filler-order", "instance-order", "option"]
PRIORITY = Literal["routine", "urgent", "asap", "stat"]


class Contained(Strict):
    """A product inside the order, by its code."""

    resource_type: Literal["Medication"]
    id: Id
    code: CodeableConcept


class Whole(Strict):
    """What every resource has: its id, and what the server says of it."""

    REQUIRED: ClassVar[tuple[tuple[str, ...], ...]] = (MEDICATION,)

    resource_type: str
    id: Id
    meta: ResourceMeta | None = None
    language: Code | None = None
    text: Narrative | None = None
    contained: Annotated[list[Contained], Meta(min_length=1)] | None = None
    extension: Annotated[list[Extension], Meta(min_length=1)] | None = None
    identifier: Identifiers = None


# --------------------------------------------------------------- dosages
class CommonDosage(Element):
    """The parts of a dosage that all versions share."""

    text: Text | None = None
    route: CodeableConcept | None = None
    method: CodeableConcept | None = None


class LaterDosage(CommonDosage):
    """The parts of a dosage that the versions from STU3 on share."""

    sequence: int | None = None
    additional_instruction: Concepts = None
    patient_instruction: Text | None = None
    timing: Timing | None = None
    site: CodeableConcept | None = None
    max_dose_per_administration: Quantity | None = None
    max_dose_per_lifetime: Quantity | None = None


class DoseAndRate(Element):
    """A dose and its rate, from R4 on."""

    CHOICES = (DOSE, RATE)

    type: CodeableConcept | None = None
    dose_quantity: Quantity | None = None
    dose_range: Range | None = None
    rate_ratio: Ratio | None = None
    rate_range: Range | None = None
    rate_quantity: Quantity | None = None


class DosageR4(LaterDosage):
    """R4's dosage."""

    CHOICES = (AS_NEEDED,)

    as_needed_boolean: bool | None = None
    as_needed_codeable_concept: CodeableConcept | None = None
    dose_and_rate: Annotated[list[DoseAndRate], Meta(min_length=1)] | None = None
    max_dose_per_period: Ratio | None = None


class DosageR5(LaterDosage):
    """R5's dosage."""

    as_needed: bool | None = None
    as_needed_for: Concepts = None
    dose_and_rate: Annotated[list[DoseAndRate], Meta(min_length=1)] | None = None
    max_dose_per_period: Annotated[list[Ratio], Meta(min_length=1)] | None = None


class DosageSTU3(LaterDosage):
    """STU3's dosage."""

    CHOICES = (AS_NEEDED, DOSE, RATE)

    as_needed_boolean: bool | None = None
    as_needed_codeable_concept: CodeableConcept | None = None
    dose_quantity: Quantity | None = None
    dose_range: Range | None = None
    rate_ratio: Ratio | None = None
    rate_range: Range | None = None
    rate_quantity: Quantity | None = None
    max_dose_per_period: Ratio | None = None


class RepeatDSTU2(CommonRepeat):
    """DSTU2's Timing.repeat."""

    CHOICES = (("bounds_quantity", "bounds_range", "bounds_period"),)

    bounds_quantity: Quantity | None = None
    duration_units: Unit | None = None
    period_units: Unit | None = None
    when: Event | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.period is None) != (self.period_units is None) or (self.duration is None) != (self.duration_units is None):
            raise ValueError("a period and a duration have a unit")


class TimingDSTU2(Element):
    """DSTU2's timing."""

    event: Annotated[list[DateTime], Meta(min_length=1)] | None = None
    repeat: RepeatDSTU2 | None = None
    code: CodeableConcept | None = None


class DosageDSTU2(CommonDosage):
    """DSTU2's dosage instruction."""

    CHOICES = (AS_NEEDED, DOSE, ("rate_ratio", "rate_range"), ("site_codeable_concept", "site_reference"))

    additional_instructions: CodeableConcept | None = None
    timing: TimingDSTU2 | None = None
    as_needed_boolean: bool | None = None
    as_needed_codeable_concept: CodeableConcept | None = None
    site_codeable_concept: CodeableConcept | None = None
    site_reference: Reference | None = None
    dose_quantity: Quantity | None = None
    dose_range: Range | None = None
    rate_ratio: Ratio | None = None
    rate_range: Range | None = None
    max_dose_per_period: Ratio | None = None


# -------------------------------------------------------------- supplies
class InitialFill(Element):
    """The first supply."""

    quantity: Quantity | None = None
    duration: Quantity | None = None


class CommonDispense(Element):
    """What an order allows to be handed over, in all versions."""

    validity_period: Period | None = None
    number_of_repeats_allowed: Count | None = None
    quantity: Quantity | None = None
    expected_supply_duration: Quantity | None = None


class LaterDispense(CommonDispense):
    """The same from R4 on."""

    initial_fill: InitialFill | None = None
    dispense_interval: Quantity | None = None


class DispenseR4(LaterDispense):
    """The same in R4, and without its first two elements in STU3."""

    performer: Reference | None = None


class DispenseR5(LaterDispense):
    """The same in R5."""

    dispenser: Reference | None = None
    dispenser_instruction: Notes = None
    dose_administration_aid: CodeableConcept | None = None


class DispenseSTU3(CommonDispense):
    """The same in STU3."""

    performer: Reference | None = None


class DispenseDSTU2(CommonDispense):
    """The same in DSTU2."""

    CHOICES = (MEDICATION,)

    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None


class Substitution(Element):
    """Whether another product may be handed over, from R4 on."""

    CHOICES = REQUIRED = (("allowed_boolean", "allowed_codeable_concept"),)

    allowed_boolean: bool | None = None
    allowed_codeable_concept: CodeableConcept | None = None
    reason: CodeableConcept | None = None


class SubstitutionSTU3(Element, kw_only=True):
    """The same in STU3."""

    allowed: bool
    reason: CodeableConcept | None = None


class SubstitutionDSTU2(Element, kw_only=True):
    """The same in DSTU2."""

    type: CodeableConcept
    reason: CodeableConcept | None = None


# ---------------------------------------------------------------- orders
class LaterOrder(Whole, kw_only=True):
    """What MedicationRequest has in common from STU3 on."""

    resource_type: Literal["MedicationRequest"]
    status: ENDED
    intent: INTENT
    priority: PRIORITY | None = None
    subject: Reference
    supporting_information: References = None
    authored_on: DateTime | None = None
    recorder: Reference | None = None
    based_on: References = None
    group_identifier: Identifier | None = None
    note: Notes = None
    prior_prescription: Reference | None = None
    event_history: References = None


class OrderR4(LaterOrder, kw_only=True):
    """R4's MedicationRequest."""

    CHOICES = (MEDICATION, ("reported_boolean", "reported_reference"))

    status_reason: CodeableConcept | None = None
    category: Concepts = None
    do_not_perform: Literal[False] | None = None
    reported_boolean: bool | None = None
    reported_reference: Reference | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    encounter: Reference | None = None
    requester: Reference | None = None
    performer: Reference | None = None
    performer_type: CodeableConcept | None = None
    reason_code: Concepts = None
    reason_reference: References = None
    instantiates_canonical: Uris = None
    instantiates_uri: Uris = None
    course_of_therapy_type: CodeableConcept | None = None
    insurance: References = None
    dosage_instruction: Annotated[list[DosageR4], Meta(min_length=1)] | None = None
    dispense_request: DispenseR4 | None = None
    substitution: Substitution | None = None
    detected_issue: References = None


class CodeableReference(Element):
    """A concept, or a reference to what stands for it."""

    REQUIRED = (("concept", "reference"),)

    concept: CodeableConcept | None = None
    reference: Reference | None = None


class OrderR5(LaterOrder, kw_only=True):
    """R5's MedicationRequest."""

    REQUIRED = (("medication",),)

    status_reason: CodeableConcept | None = None
    status_changed: DateTime | None = None
    category: Concepts = None
    do_not_perform: Literal[False] | None = None
    medication: CodeableReference | None = None
    information_source: References = None
    encounter: Reference | None = None
    requester: Reference | None = None
    reported: bool | None = None
    performer_type: CodeableConcept | None = None
    performer: References = None
    device: Annotated[list[CodeableReference], Meta(min_length=1)] | None = None
    reason: Annotated[list[CodeableReference], Meta(min_length=1)] | None = None
    course_of_therapy_type: CodeableConcept | None = None
    insurance: References = None
    rendered_dosage_instruction: Text | None = None
    effective_dose_period: Period | None = None
    dosage_instruction: Annotated[list[DosageR5], Meta(min_length=1)] | None = None
    dispense_request: DispenseR5 | None = None
    substitution: Substitution | None = None


class RequesterSTU3(Element, kw_only=True):
    """Who asked for it, in STU3."""

    agent: Reference
    on_behalf_of: Reference | None = None


class OrderSTU3(LaterOrder, kw_only=True):
    """STU3's MedicationRequest."""

    CHOICES = (MEDICATION,)

    definition: References = None
    intent: Literal["proposal", "plan", "order", "instance-order"]
    category: CodeableConcept | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    context: Reference | None = None
    requester: RequesterSTU3 | None = None
    reason_code: Concepts = None
    reason_reference: References = None
    dosage_instruction: Annotated[list[DosageSTU3], Meta(min_length=1)] | None = None
    dispense_request: DispenseSTU3 | None = None
    substitution: SubstitutionSTU3 | None = None
    detected_issue: References = None


class OrderDSTU2(Whole, kw_only=True):
    """DSTU2's MedicationOrder."""

    CHOICES = (MEDICATION, ("reason_codeable_concept", "reason_reference"))

    resource_type: Literal["MedicationOrder"]
    status: Literal["stopped", "completed"]
    date_written: DateTime | None = None
    date_ended: DateTime | None = None
    reason_ended: CodeableConcept | None = None
    patient: Reference | None = None
    prescriber: Reference | None = None
    encounter: Reference | None = None
    reason_codeable_concept: CodeableConcept | None = None
    reason_reference: Reference | None = None
    note: Text | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    dosage_instruction: Annotated[list[DosageDSTU2], Meta(min_length=1)] | None = None
    dispense_request: DispenseDSTU2 | None = None
    substitution: SubstitutionDSTU2 | None = None
    prior_prescription: Reference | None = None


ORDERS: dict[str, type[Whole]] = {"DSTU2": OrderDSTU2, "STU3": OrderSTU3, "R4": OrderR4, "R4B": OrderR4, "R5": OrderR5}
"""The type of an order that can be handed back, by FHIR version."""
