"""How much was handed over, for how long it lasts, and for how long an order lets supplies be handed over."""

from collections.abc import Sequence
from fractions import Fraction

from cds_service.fhir.dosages import counted, whole_days
from cds_service.fhir.numbers import amount
from cds_service.fhir.wire import DispenseRequest, MedicationDispense
from cds_service.patient.doses import at_once, daily_of_line, total
from cds_service.patient.facts import DoseLine, Drug


def handed_over(found: MedicationDispense, drug: Drug) -> Fraction | None:
    """Mg handed over; None where number, unit or strength is not known."""
    if found.quantity is None:
        return None
    value, unit = counted(found.quantity)
    dose = at_once(DoseLine(value, value, unit), drug, None)
    return dose.low if dose else None


def lasting(found: MedicationDispense, drug: Drug, lines: Sequence[DoseLine]) -> Fraction | None:
    """The days a supply lasts: as given, else what was handed over by what its own dosage uses up in a day."""
    if found.days_supply is not None:
        return amount(found.days_supply.value)
    quantity, daily = handed_over(found, drug), total([daily_of_line(line, drug, None) for line in lines])
    return quantity / daily.exact if quantity is not None and daily is not None and daily.exact else None


def allowed(request: DispenseRequest | None) -> Fraction | None:
    """The days for which an order lets supplies be handed over, all its repeats included; None where it does not say."""
    if request is None or request.expected_supply_duration is None:
        return None
    days = whole_days(request.expected_supply_duration)
    return None if days is None else days * (1 + (amount(request.number_of_repeats_allowed) or Fraction()))
