"""FHIR as it comes over the wire: exactly the elements that are read, of all versions at once, every one optional.

Where clients send one object for a list, the type takes both (``many`` makes it a sequence). Names are FHIR's in snake case. A
resource that does not fit is taken apart by ``lenient``. Elements whose meaning changes the whole (``modifierExtension``) are
declared so that they are seen.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

from msgspec import Raw, Struct

T = TypeVar("T")


class Wire(Struct, gc=False, rename="camel"):
    """What every structure here has in common; they are read once and never changed."""


class Coding(Wire):
    """A code of a code system."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


class Concept(Wire):
    """A CodeableConcept."""

    coding: list[Coding] | Coding | None = None
    text: str | None = None


class Reference(Wire):
    """A reference to another resource."""

    reference: str | None = None
    display: str | None = None


class Identifier(Wire):
    """A business identifier."""

    system: str | None = None
    value: str | None = None


class Link(Reference):
    """A reference that may be given by the other's identifier alone."""

    identifier: Identifier | None = None


class ConceptOrReference(Wire):
    """R5's CodeableReference."""

    concept: Concept | None = None
    reference: Reference | None = None


class Amount(Wire):
    """A Quantity."""

    value: Decimal | None = None
    comparator: str | None = None
    unit: str | None = None
    code: str | None = None


class Range(Wire):
    """A Range of quantities."""

    low: Amount | None = None
    high: Amount | None = None


class Ratio(Wire):
    """A Ratio of quantities."""

    numerator: Amount | None = None
    denominator: Amount | None = None


class Period(Wire):
    """A Period; both ends belong to it."""

    start: str | None = None
    end: str | None = None


class Repeat(Wire):
    """Timing.repeat; ``period_units`` is DSTU2's name of ``period_unit``."""

    bounds_period: Period | None = None
    bounds_duration: Amount | None = None
    bounds_quantity: Amount | None = None
    frequency: Decimal | None = None
    frequency_max: Decimal | None = None
    period: Decimal | None = None
    period_max: Decimal | None = None
    period_unit: str | None = None
    period_units: str | None = None
    when: list[str] | str | None = None
    time_of_day: list[str] | str | None = None
    day_of_week: list[str] | str | None = None


class Timing(Wire):
    """A Timing."""

    repeat: Repeat | None = None
    code: Concept | None = None
    event: list[str] | str | None = None


class DoseAndRate(Wire):
    """R4's Dosage.doseAndRate."""

    dose_quantity: Amount | None = None
    dose_range: Range | None = None


class Dosage(Wire):
    """A dosage line; ``quantity_*`` is DSTU2's statement, ``dose`` and ``quantity`` an administration."""

    sequence: Decimal | None = None
    text: str | None = None
    timing: Timing | None = None
    as_needed_boolean: bool | None = None
    as_needed: bool | None = None
    as_needed_codeable_concept: Concept | None = None
    as_needed_for: list[Concept] | Concept | None = None
    route: Concept | None = None
    dose_and_rate: list[DoseAndRate] | DoseAndRate | None = None
    dose_quantity: Amount | None = None
    dose_range: Range | None = None
    quantity_quantity: Amount | None = None
    quantity_range: Range | None = None
    dose: Amount | None = None
    quantity: Amount | None = None


class Note(Wire):
    """An Annotation."""

    text: str | None = None


class Ingredient(Wire):
    """One ingredient of a Medication; ``amount`` is STU3's ``strength``, ``strength_*`` R5's."""

    item_codeable_concept: Concept | None = None
    item: ConceptOrReference | None = None
    is_active: bool | None = None
    amount: Ratio | None = None
    strength: Ratio | None = None
    strength_ratio: Ratio | None = None
    strength_quantity: Amount | None = None


class Product(Wire):
    """DSTU2's Medication.product."""

    form: Concept | None = None


class DispenseRequest(Wire):
    """The part of an order that allows supplies."""

    validity_period: Period | None = None
    number_of_repeats_allowed: Decimal | None = None
    expected_supply_duration: Amount | None = None


class Adherence(Wire):
    """R5's MedicationStatement.adherence."""

    code: Concept | None = None
    reason: Concept | None = None


class Resource(Wire, tag_field="resourceType"):
    """What is read of every resource. ``subject`` is ``patient`` in DSTU2 and in some types of later versions."""

    id: str | None = None
    subject: Reference | None = None
    patient: Reference | None = None
    modifier_extension: list[Raw] | Raw | None = None


class MedicationUse(Resource):
    """What the resources that tell of a medicine's use have in common; ``context`` is STU3's ``encounter``."""

    status: str | None = None
    contained: list[Raw] | Raw | None = None
    medication_codeable_concept: Concept | None = None
    medication_reference: Reference | None = None
    medication: ConceptOrReference | None = None
    status_reason: list[Concept] | Concept | None = None
    reason_code: list[Concept] | Concept | None = None
    reason_reference: list[Reference] | Reference | None = None
    reason: list[ConceptOrReference] | ConceptOrReference | None = None
    note: list[Note] | Note | str | None = None
    category: list[Concept] | Concept | None = None
    encounter: Reference | None = None
    context: Reference | None = None


class MedicationStatement(MedicationUse, tag="MedicationStatement"):
    """A statement of use; ``taken`` is STU3's, ``was_not_taken`` DSTU2's, ``adherence`` R5's."""

    taken: str | None = None
    was_not_taken: bool | None = None
    adherence: Adherence | None = None
    reason_not_taken: list[Concept] | Concept | None = None
    reason_for_use_codeable_concept: Concept | None = None
    reason_for_use_reference: Reference | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    date_asserted: str | None = None
    dosage: list[Dosage] | Dosage | None = None


class MedicationRequest(MedicationUse, tag="MedicationRequest"):
    """An order of STU3 and later; ``status_changed`` and ``effective_dose_period`` are R5's."""

    intent: str | None = None
    do_not_perform: bool | None = None
    authored_on: str | None = None
    status_changed: str | None = None
    effective_dose_period: Period | None = None
    dosage_instruction: list[Dosage] | Dosage | None = None
    dispense_request: DispenseRequest | None = None
    prior_prescription: Link | None = None
    based_on: list[Link] | Link | None = None
    identifier: list[Raw] | Raw | None = None


class MedicationOrder(MedicationUse, tag="MedicationOrder"):
    """A DSTU2 order."""

    date_written: str | None = None
    date_ended: str | None = None
    reason_ended: Concept | None = None
    reason_codeable_concept: Concept | None = None
    dosage_instruction: list[Dosage] | Dosage | None = None
    dispense_request: DispenseRequest | None = None
    prior_prescription: Link | None = None
    identifier: list[Raw] | Raw | None = None


class MedicationDispense(MedicationUse, tag="MedicationDispense"):
    """A supply."""

    when_handed_over: str | None = None
    days_supply: Amount | None = None
    quantity: Amount | None = None
    dosage_instruction: list[Dosage] | Dosage | None = None


class MedicationAdministration(MedicationUse, tag="MedicationAdministration"):
    """One giving; ``effective_time_*`` is DSTU2's name, ``occurence_*`` (spelled so) R5's."""

    was_not_given: bool | None = None
    not_given: bool | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    effective_time_date_time: str | None = None
    effective_time_period: Period | None = None
    occurence_date_time: str | None = None
    occurence_period: Period | None = None
    dosage: Dosage | None = None


class Medication(Resource, tag="Medication"):
    """A product."""

    code: Concept | None = None
    form: Concept | None = None
    dose_form: Concept | None = None
    product: Product | None = None
    ingredient: list[Ingredient] | Ingredient | None = None


class Condition(Resource, tag="Condition"):
    """A problem; the two statuses are plain codes before R4."""

    clinical_status: Concept | str | None = None
    verification_status: Concept | str | None = None
    code: Concept | None = None
    onset_date_time: str | None = None
    onset_period: Period | None = None
    abatement_date_time: str | None = None
    recorded_date: str | None = None
    asserted_date: str | None = None
    date_recorded: str | None = None


class Procedure(Resource, tag="Procedure"):
    """A procedure; ``not_performed`` is DSTU2's, ``not_done`` STU3's, ``occurrence_*`` R5's."""

    status: str | None = None
    not_performed: bool | None = None
    not_done: bool | None = None
    code: Concept | None = None
    performed_date_time: str | None = None
    performed_period: Period | None = None
    occurrence_date_time: str | None = None
    occurrence_period: Period | None = None


class AllergyIntolerance(Resource, tag="AllergyIntolerance"):
    """An allergy; ``substance`` and ``status`` are DSTU2's."""

    status: str | None = None
    clinical_status: Concept | str | None = None
    verification_status: Concept | str | None = None
    code: Concept | None = None
    substance: Concept | None = None


class ReferenceRange(Wire):
    """A reference range; ``meaning`` is the older name of ``type``."""

    low: Amount | None = None
    high: Amount | None = None
    type: Concept | None = None
    meaning: list[Concept] | Concept | None = None
    applies_to: list[Concept] | Concept | None = None
    age: Range | None = None
    text: str | None = None


class Component(Wire):
    """One part of a composite observation."""

    code: Concept | None = None
    value_quantity: Amount | None = None
    value_integer: Decimal | None = None
    value_ratio: Ratio | None = None
    value_range: Range | None = None
    value_codeable_concept: Concept | None = None
    value_string: str | None = None
    data_absent_reason: Concept | None = None
    interpretation: list[Concept] | Concept | None = None
    reference_range: list[ReferenceRange] | ReferenceRange | None = None


class Observation(Resource, tag="Observation"):
    """A result."""

    status: str | None = None
    code: Concept | None = None
    effective_date_time: str | None = None
    effective_instant: str | None = None
    effective_period: Period | None = None
    effective_timing: Timing | None = None
    issued: str | None = None
    value_quantity: Amount | None = None
    value_integer: Decimal | None = None
    value_ratio: Ratio | None = None
    value_range: Range | None = None
    value_codeable_concept: Concept | None = None
    value_string: str | None = None
    data_absent_reason: Concept | None = None
    interpretation: list[Concept] | Concept | None = None
    reference_range: list[ReferenceRange] | ReferenceRange | None = None
    component: list[Component] | Component | None = None
    specimen: Reference | None = None
    contained: list[Raw] | Raw | None = None


class Specimen(Resource, tag="Specimen"):
    """A sample, where an observation carries it along."""

    type: Concept | None = None


class Patient(Resource, tag="Patient"):
    """The person."""

    gender: str | None = None
    birth_date: str | None = None
    deceased_boolean: bool | None = None
    deceased_date_time: str | None = None


AnyResource = (
    MedicationStatement
    | MedicationRequest
    | MedicationOrder
    | MedicationDispense
    | MedicationAdministration
    | Medication
    | Condition
    | Procedure
    | AllergyIntolerance
    | Observation
    | Specimen
    | Patient
)


def many(value: list[T] | T | None) -> Sequence[T]:
    """The elements, whether a list came, one alone, or none."""
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)
