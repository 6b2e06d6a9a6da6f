"""The facts a rule may use, free of FHIR's shape and of code systems.

Everywhere ``None`` means that the record did not say; an empty tuple means that it said: none. The two are never merged.
References are FHIR references (``Observation/o1``) as the client knows them. Texts that came from outside are ``Outside``.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from msgspec import Struct

from cds_service.patient.when import When


class Outside(Struct, frozen=True, gc=False):
    """A string somebody else wrote: to be escaped and cut before anyone reads it."""

    text: str


class Sex(StrEnum):
    """Administrative sex as recorded."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


class Person(Struct, frozen=True, gc=False):
    """Whom the request is about."""

    id: str
    sex: Sex | None = None
    born: When | None = None
    deceased: bool = False


class Drug(Struct, frozen=True):
    """A medicine as far as its code or its name tells.

    ``ingredient`` is a name of the drug table (``tacrolimus``, ``prednisone``), None when the medicine is not in it.
    ``systemic`` is None when neither product, route nor form says. ``strength`` is mg per tablet, capsule or mL.
    ``certain`` is False where only a text told. ``code`` is the RxNorm product it was recognised by, for ordering it again.
    """

    text: Outside
    ingredient: str | None = None
    systemic: bool | None = None
    formulation: str | None = None
    strength: Fraction | None = None
    code: str | None = None
    certain: bool = True


class DoseUnit(StrEnum):
    """What one number of a dosage line counts."""

    MG = "mg"
    MG_PER_DAY = "mg/d"
    MG_PER_KG = "mg/kg"
    MG_PER_KG_PER_DAY = "mg/kg/d"
    PIECE = "piece"  # a tablet, capsule or pill: times the product's strength
    ML = "mL"  # times the product's concentration


class Moment(StrEnum):
    """The part of the day to which one line of a dosage belongs."""

    MORNING = "morning"
    MIDDAY = "midday"
    EVENING = "evening"


class DoseLine(Struct, frozen=True):
    """One line of a dosage: so much, so often, over these days.

    ``low`` and ``high`` differ for a dose range; None when the amount is not given or not readable. ``times_per_day`` is
    None when the frequency is not known. ``certain`` is False where a free text was read. ``moment`` is given where the line is
    for one part of the day only.
    """

    low: Fraction | None = None
    high: Fraction | None = None
    unit: DoseUnit | None = None
    times_per_day: Fraction | None = None
    start: When | None = None
    end: When | None = None
    as_needed: bool = False
    certain: bool = True
    moment: Moment | None = None


class UseKind(StrEnum):
    """Which kind of resource told of a use."""

    ORDER = "order"
    STATEMENT = "statement"
    DISPENSE = "dispense"
    ADMINISTRATION = "administration"


class UseStatus(StrEnum):
    """What a resource says became of the use, in one vocabulary for all kinds and FHIR versions."""

    ACTIVE = "active"
    ON_HOLD = "on-hold"
    STOPPED = "stopped"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NOT_TAKEN = "not-taken"
    DRAFT = "draft"
    INTENDED = "intended"
    UNKNOWN = "unknown"


DISCONTINUED = "the list of orders to be discontinued"
"""What ends an order that a client lists as one to be discontinued."""


class Use(Struct, frozen=True):
    """One resource that tells of the use of one medicine.

    ``start`` and ``end`` bound the use itself; ``asserted`` is when somebody wrote it down and never a stop date.
    ``stopped_on`` is the recorded day of a status change (R5 ``statusChanged``, DSTU2 ``dateEnded``).
    ``supply_days`` is for how long what was handed over lasts; of an order, all it allows to be handed over. ``supply_mg`` is how
    much was handed over. ``reasons`` are hold reason groups of the value sets, ``reason`` their text.
    ``indications`` are condition groups the resource itself names; ``indication_references`` the conditions it points to.
    ``replaces`` is the reference of the order this one replaces, ``instance_of`` that of the standing order of which this one
    is a single giving. ``forbids`` is doNotPerform: the order says *not* to give.
    ``starts_at`` and ``ends_at`` are the instants of the first and the last dose, where a time of day was recorded.
    ``at_discharge`` marks an order for the time after a stay in hospital, ``encounter`` is the id of that stay.
    ``ended_by`` is what ends or holds it in place of its own status: the reference of a group, plan or task, or ``DISCONTINUED``.
    """

    kind: UseKind
    reference: str
    status: UseStatus
    drug: Drug
    lines: tuple[DoseLine, ...] = ()
    start: When | None = None
    end: When | None = None
    asserted: When | None = None
    stopped_on: When | None = None
    supply_days: Fraction | None = None
    reasons: frozenset[str] = frozenset()
    reason: Outside | None = None
    indications: frozenset[str] = frozenset()
    indication_references: tuple[str, ...] = ()
    replaces: str | None = None
    forbids: bool = False
    supply_mg: Fraction | None = None
    instance_of: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    at_discharge: bool = False
    encounter: str | None = None
    ended_by: str | None = None


class Problem(Struct, frozen=True):
    """A condition or a completed procedure, as the groups of the value sets it belongs to.

    ``active`` is None when the clinical status is not given. Refuted and erroneous entries never become facts.
    """

    reference: str
    groups: frozenset[str]
    roles: frozenset[str]
    active: bool | None
    text: Outside
    onset: When | None = None
    recorded: When | None = None


class Comparator(StrEnum):
    """How a reported number bounds the true one."""

    LESS = "<"
    AT_MOST = "<="
    AT_LEAST = ">="
    GREATER = ">"


class LabStatus(StrEnum):
    """Whether a result may carry a finding (final) or only be shown (preliminary)."""

    FINAL = "final"
    PRELIMINARY = "preliminary"


class Quantity(Struct, frozen=True, gc=False):
    """A number with a unit, mostly the canonical UCUM unit of its analyte; ``comparator`` where it is shown as a bound."""

    value: Decimal
    unit: str
    comparator: Comparator | None = None


class Lab(Struct, frozen=True):
    """One laboratory result or measurement.

    ``quantity`` and the range are in the analyte's canonical unit; None when the unit is not known (then unusable).
    ``reported`` is the number and unit as the laboratory gave them. ``concept`` is the meaning of a coded or worded result
    (``positive``, ``negative``, ``normal``, ``intermediate``, ``poor``, ``indeterminate``); for a gene panel of two genes the
    worse of the two. ``specimen`` is ``plasma`` where the sample is known to be plasma or serum of a whole-blood assay.
    ``taken`` is the instant of the sample where a time of day was recorded, ``revised`` that it takes the place of an earlier
    result (amended, corrected): they tell which of two results of one day is the newer.
    """

    reference: str
    analyte: str
    when: When
    status: LabStatus
    quantity: Quantity | None = None
    reported: Quantity | None = None
    comparator: Comparator | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    concept: str | None = None
    specimen: str | None = None
    timing: str | None = None
    taken: datetime | None = None
    revised: bool = False


_NO_TIME = datetime.min.replace(tzinfo=UTC)


def newest_first(labs: Iterable[Lab]) -> tuple[Lab, ...]:
    """Results by their latest possible day; those of one day by the time of the sample, a correction after what it corrects."""
    return tuple(sorted(labs, key=_age_of, reverse=True))


def _age_of(lab: Lab) -> tuple[date, datetime, bool, str]:
    return lab.when.latest, lab.taken or _NO_TIME, lab.revised, lab.reference


class Allergy(Struct, frozen=True):
    """An allergy or intolerance to a medicine; ``ingredient`` None when the substance is not in the drug table."""

    reference: str
    text: Outside
    ingredient: str | None = None


class Loss(StrEnum):
    """Why a list that was asked for is not, or not wholly, there."""

    NOT_SENT = "not sent"
    FAILED = "could not be read"
    INCOMPLETE = "a part only"
    UNREADABLE = "entries unreadable"


class Lost(Struct, frozen=True, gc=False):
    """One kind of data that did not come, or not whole. ``what`` is a prefetch key's plain name (``conditions``)."""

    what: str
    loss: Loss
    count: int = 0


class Record(Struct, frozen=True, dict=True):
    """All that is known about one person on the day ``asof``, in the request of one hook.

    ``drafts`` are the orders in the request itself (new, revised, stopped). ``lost`` names what was not received;
    a list that is None is named there, a list that is incomplete too. ``foreign`` counts resources of other people that
    were dropped, ``tolerated`` elements that had to be left out. ``encounter`` is the id of the stay or visit of the request.
    """

    person: Person
    asof: date
    hook: str
    statements: tuple[Use, ...] | None = None
    orders: tuple[Use, ...] | None = None
    dispenses: tuple[Use, ...] | None = None
    administrations: tuple[Use, ...] | None = None
    problems: tuple[Problem, ...] | None = None
    procedures: tuple[Problem, ...] | None = None
    markers: tuple[Lab, ...] | None = None
    screening: tuple[Lab, ...] | None = None
    allergies: tuple[Allergy, ...] | None = None
    drafts: tuple[Use, ...] = ()
    lost: tuple[Lost, ...] = ()
    foreign: int = 0
    tolerated: int = 0
    fhir_version: str = "R4"
    encounter: str | None = None

    @property
    def uses(self) -> tuple[Use, ...]:
        """Every use the record tells of, of any kind; drafts are not among them."""
        return (self.statements or ()) + (self.orders or ()) + (self.dispenses or ()) + (self.administrations or ())

    @cached_property
    def measured(self) -> dict[str, tuple[Lab, ...]]:
        """The markers that have a number in a known unit by analyte, newest first; sorted once for everybody who asks."""
        found: dict[str, list[Lab]] = {}
        for lab in self.markers or ():
            if lab.quantity is not None:
                found.setdefault(lab.analyte, []).append(lab)
        return {analyte: newest_first(labs) for analyte, labs in found.items()}
