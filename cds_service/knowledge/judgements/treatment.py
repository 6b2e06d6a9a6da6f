"""What is already being done: steroids and other immunosuppressants that are running or drafted."""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from msgspec import Struct

from cds_service.knowledge import valuesets
from cds_service.knowledge.judgements import weight
from cds_service.knowledge.judgements.usage import TACROLIMUS
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.bounds import first_day, last_day
from cds_service.patient.doses import daily_of_line, total, withheld
from cds_service.patient.facts import Record, Use, UseKind, UseStatus
from cds_service.patient.supplies import PER_KG

INJECTED = "intravenous"


class Treatment(Struct, frozen=True):
    """The judgement.

    ``running`` is every systemic medicine in use today by ingredient (the newest use of each); ``steroids`` are those running or
    drafted, the strongest first, ``steroid_mg`` its prednisone equivalent a day, None where no dose is known; ``replacement`` are
    the immunosuppressants begun after tacrolimus ended (or drafted), ``renewed`` tells that a draft orders tacrolimus again.
    ``under_way`` tells that what is running treats a flare already (``by_steroid`` that the dose of a steroid does), ``drafted``
    that an order in this request would.
    """

    running: dict[str, Use]
    steroids: tuple[Use, ...] = ()
    steroid_mg: Fraction | None = Fraction()
    replacement: tuple[Use, ...] = ()
    renewed: bool = False
    under_way: bool = False
    drafted: bool = False
    by_steroid: bool = False

    @property
    def treated(self) -> bool:
        """Whether a flare is being treated already, or by the orders of this request."""
        return self.under_way or self.drafted


def runs(use: Use, today: date) -> bool:
    """Whether a statement or an order tells of use today."""
    end = last_day(use)
    return use.kind in {UseKind.STATEMENT, UseKind.ORDER} and use.status is UseStatus.ACTIVE and (end is None or end >= today)


def running(record: Record) -> dict[str, Use]:
    """Every systemic medicine of the drug table in use today, by ingredient: its newest statement, else its newest order."""
    found: dict[str, Use] = {}
    named = [use for use in (*(record.orders or ()), *(record.statements or ())) if use.drug.ingredient]
    now = [use for use in named if use.drug.systemic is not False and not use.forbids and runs(use, record.asof)]
    for use in sorted(now, key=_rank):
        found[use.drug.ingredient or ""] = use
    return found


def _rank(use: Use) -> tuple[bool, date, str]:
    return use.kind is UseKind.STATEMENT, first_day(use) or date.min, use.reference


def ordered(record: Record) -> tuple[Use, ...]:
    """The drafts that would start or go on with a systemic medicine; one of dose 0 does not."""
    going = {UseStatus.DRAFT, UseStatus.ACTIVE, UseStatus.INTENDED}
    some = (use for use in record.drafts if use.status in going and not (use.forbids or withheld(use.lines)))
    return tuple(use for use in some if use.drug.systemic is not False)


def acts(use: Use) -> bool:
    """Whether a medicine reaches the whole body as it is given; some do so only where they are injected."""
    return use.drug.ingredient not in valuesets.drugs_in_class("only-injected") or use.drug.formulation == INJECTED


def equivalent(use: Use, record: Record, parameters: Parameters) -> Fraction | None:
    """The prednisone equivalent of a steroid in mg a day; None when its dose is not known."""
    factor = parameters.prednisone_equivalents.get(use.drug.ingredient or "")
    kg = weight.on(record, record.asof, parameters) if any(line.unit in PER_KG for line in use.lines) else None
    dose = total([daily_of_line(line, use.drug, kg) for line in use.lines])
    return None if factor is None or dose is None else dose.low * factor


def _steroids(uses: Iterable[Use]) -> list[Use]:
    return [use for use in uses if use.drug.ingredient in valuesets.drugs_in_class("systemic-steroid")]


def judge(record: Record, since: date | None, parameters: Parameters) -> Treatment:
    """The treatment so far; ``since`` is the last dose of tacrolimus, after which anything begun counts as a replacement."""
    now, drafts = running(record), ordered(record)
    others = valuesets.drugs_in_class("immunosuppressant") - {TACROLIMUS}
    begun = [use for use in now.values() if use.drug.ingredient in others and since and (first_day(use) or date.min) > since]
    planned = [use for use in drafts if use.drug.ingredient in others]
    taken, ordered_now = _doses(_steroids(now.values()), record, parameters), _doses(_steroids(drafts), record, parameters)
    steroids = sorted((*taken, *ordered_now), key=_weakness)
    renewed = any(use.drug.ingredient == TACROLIMUS for use in drafts)
    return Treatment(
        now,
        tuple(use for use, _ in steroids),
        steroids[0][1] if steroids else Fraction(),
        (*begun, *planned),
        renewed,
        _enough(taken, parameters) or bool(begun),
        _enough(ordered_now, parameters) or bool(planned) or renewed,
        _enough(taken, parameters),
    )


def _doses(steroids: Iterable[Use], record: Record, parameters: Parameters) -> list[tuple[Use, Fraction | None]]:
    return [(use, equivalent(use, record, parameters)) for use in steroids]


def _weakness(steroid: tuple[Use, Fraction | None]) -> tuple[bool, Fraction, str]:
    use, dose = steroid
    return dose is None, -(dose or Fraction()), use.reference


def _enough(steroids: Iterable[tuple[Use, Fraction | None]], parameters: Parameters) -> bool:
    return any(dose is not None and dose >= parameters.steroid_treated_mg for _, dose in steroids)
