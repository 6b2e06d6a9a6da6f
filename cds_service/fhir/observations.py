"""Laboratory results and measurements as facts: what was measured, when, how much, against which range."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from cds_service.fhir.concepts import codes, codings, plain, result, texts
from cds_service.fhir.dates import end_of, start_of, timed, when
from cds_service.fhir.lenient import UnreadableError, decode
from cds_service.fhir.numbers import amount, number
from cds_service.fhir.references import foreign, reference_to
from cds_service.fhir.wire import Amount, Component, Concept, Observation, ReferenceRange, Specimen, many
from cds_service.fhir.written_numbers import span, written
from cds_service.knowledge.valuesets import Analyte, analyte_of_code, analyte_of_text, result_of
from cds_service.knowledge.valuesets.systems import short_name
from cds_service.knowledge.valuesets.tables import REMEMBERED
from cds_service.patient.facts import Comparator, Lab, LabStatus, Person, Quantity
from cds_service.patient.units import canonical, possible
from cds_service.patient.when import When, days_between

_STATUS = {
    "final": LabStatus.FINAL,
    "amended": LabStatus.FINAL,
    "corrected": LabStatus.FINAL,
    "appended": LabStatus.FINAL,
    "preliminary": LabStatus.PRELIMINARY,
    "registered": LabStatus.PRELIMINARY,
    "": LabStatus.PRELIMINARY,
}
DIVIDING = Context(prec=34)
_REVISED = frozenset({"amended", "corrected"})
_COMPARATORS = {comparator.value: comparator for comparator in Comparator}
_YEAR = Fraction(1461, 4)
_DAYS = {
    **dict.fromkeys(("a", "y", "yr", "yrs", "year", "years"), _YEAR),
    **dict.fromkeys(("mo", "month", "months"), _YEAR / 12),
    **dict.fromkeys(("wk", "week", "weeks"), Fraction(7)),
    **dict.fromkeys(("d", "day", "days"), Fraction(1)),
}
_NORMAL = frozenset({"normal", "reference"})


class NoDateError(ValueError):
    """A result that nobody can place in time."""


def labs(found: Observation, person: Person, zone: ZoneInfo) -> list[Lab]:
    """The results in an observation: its own, its components' and its contained members'.

    None when it is erroneous, or nothing known was measured.

    Raises:
        NoDateError: something known was measured, but not when.
    """
    code = plain(found.status)
    status = _STATUS.get(code)
    if status is None:
        return []
    parts: list[Observation | Component] = [found] if found.component is None else [found, *many(found.component)]
    known = [(analyte, part) for part in parts if (analyte := _analyte(part.code)) is not None]
    inside = (
        [lab for inner in _contained(found, person) for lab in labs(inner, person, zone)] if found.contained is not None else []
    )
    if not known:
        return inside
    day, taken = _day(found, zone)
    if day is None:
        raise NoDateError("a result without a date")
    told = _Told(reference_to("Observation", found.id), status, day, person, taken, code in _REVISED)
    return [*(lab for analyte, part in known if (lab := _lab(analyte, part, found, told)) is not None), *inside]


def _contained(found: Observation, person: Person) -> Iterator[Observation]:
    """The members that a panel carries along; status and day are those of the panel where they have none of their own."""
    for raw in many(found.contained):
        try:
            inner, _ = decode(raw)
        except UnreadableError:
            continue
        if isinstance(inner, Observation) and not foreign(inner, person.id):
            inner.id, inner.contained, inner.status = found.id, None, inner.status or found.status
            if not (inner.effective_date_time or inner.effective_instant or inner.effective_period or inner.issued):
                inner.effective_date_time, inner.effective_instant = found.effective_date_time, found.effective_instant
                inner.effective_period, inner.effective_timing = found.effective_period, found.effective_timing
                inner.issued = found.issued
            yield inner


class _Told(Struct, frozen=True, gc=False):
    """What an observation and its components have in common."""

    reference: str
    status: LabStatus
    day: When
    person: Person
    taken: datetime | None
    revised: bool


def _analyte(concept: Concept | None) -> Analyte | None:
    """What was measured: by LOINC, by exact name only where no LOINC code is given."""
    coded = False
    for coding in codings(concept):
        if coding.system and coding.code:
            known = analyte_of_code(coding.system, coding.code)
            if known is not None:
                return known
            coded = coded or short_name(coding.system) == "loinc"
    if coded:
        return None
    return next((told for text in texts(concept) if (told := analyte_of_text(text))), None)


def _day(found: Observation, zone: ZoneInfo) -> tuple[When | None, datetime | None]:
    """When the sample was taken, with the instant where it is told; the day of issue where that is all there is."""
    at_once = found.effective_date_time or found.effective_instant
    day, taken = timed(at_once, zone) if at_once else (None, None)
    if day is not None:
        return day, taken
    first, last = start_of(found.effective_period, zone), end_of(found.effective_period, zone)
    events = [day for event in _events(found) if (day := when(event, zone))]
    if events:
        first, last = min(events, key=_first_day), max(events, key=_last_day)
    if first is not None and last is not None and last.latest >= first.earliest:
        return When(first.earliest, last.latest), None
    return first or last or when(found.issued, zone), None


def _events(found: Observation) -> Sequence[str]:
    return () if found.effective_timing is None else many(found.effective_timing.event)


def _first_day(day: When) -> date:
    return day.earliest


def _last_day(day: When) -> date:
    return day.latest


def _value(part: Observation | Component) -> Amount | None:
    """The number of a result: a quantity, a whole number, a ratio, or one that somebody wrote into a text."""
    if part.value_quantity is not None:
        return part.value_quantity
    if part.value_integer is not None:
        return Amount(part.value_integer)
    if part.value_ratio is not None:
        return _quotient(part.value_ratio.numerator, part.value_ratio.denominator)
    return written(part.value_string) if part.value_string else None


def _quotient(above: Amount | None, below: Amount | None) -> Amount | None:
    """One amount by another, its unit one by the other (1200 mg to 1 g are 1200 mg/g); None where one of the two has no unit."""
    top, bottom = (number(one.value) if one is not None else None for one in (above, below))
    if above is None or below is None or top is None or not bottom:
        return None
    units = [one.code or one.unit or "" for one in (above, below)]
    signs = above.comparator or below.comparator
    return Amount(DIVIDING.divide(top, bottom), None, "/".join(units)) if all(units) and not signs else None


def _told(part: Observation | Component) -> bool:
    """Whether the laboratory gave a value, readable or not; what it says to be absent is none."""
    numbers = (part.value_quantity, part.value_integer, part.value_ratio, part.value_range)
    values = (*numbers, part.value_codeable_concept, part.value_string)
    return part.data_absent_reason is None and any(value is not None for value in values)


def _lab(analyte: Analyte, part: Observation | Component, whole: Observation, told: _Told) -> Lab | None:
    """The result; one without a number or words that can be read stays as such, since it must not pass for none."""
    value = _value(part)
    concept = _concept(analyte, part)
    exact = number(value.value) if value is not None else None
    if value is None or exact is None:
        value, reported, quantity, comparator = None, None, None, None
        if concept is None and not (analyte.unit and _told(part)):
            return None
    else:
        reported = Quantity(exact, value.code or value.unit or "")
        comparator = _COMPARATORS.get(value.comparator) if value.comparator else None
        understood = (comparator is not None or not value.comparator) and possible(analyte.name, exact)
        quantity = _canonical(analyte.name, exact, value.code, value.unit) if understood else None
    low, high = (None, None) if quantity is None or part.reference_range is None else _range(analyte, part, value, told)
    return Lab(
        reference=told.reference,
        analyte=analyte.name,
        when=told.day,
        status=told.status,
        quantity=quantity,
        reported=reported,
        comparator=comparator,
        low=low,
        high=high,
        concept=concept,
        specimen=_specimen(whole) if analyte.specimen else None,
        timing=analyte.timing,
        taken=told.taken,
        revised=told.revised,
    )


def _canonical(analyte: str, told: Decimal, code: str | None, unit: str | None) -> Quantity | None:
    """In the canonical unit: by the unit's code, else by its words."""
    found = canonical(analyte, told, code) if code else None
    return found or canonical(analyte, told, unit or "")


def _concept(analyte: Analyte, part: Observation | Component) -> str | None:
    told = result(part.value_codeable_concept) if part.value_codeable_concept is not None else None
    if told is None and part.value_string:
        told = result_of(None, None, part.value_string)
    if told is None and not analyte.unit:
        return next((known for concept in many(part.interpretation) if (known := result(concept))), None)
    return told


def _specimen(whole: Observation) -> str | None:
    """``plasma`` where the sample of a whole-blood assay is plasma or serum."""
    pointer = whole.specimen
    if pointer is None:
        return None
    told = [pointer.display or ""]
    if pointer.reference and pointer.reference.startswith("#"):
        for raw in many(whole.contained):
            try:
                inner, _ = decode(raw)
            except UnreadableError:
                continue
            if isinstance(inner, Specimen):
                told += texts(inner.type)
    return "plasma" if any("plasma" in text.lower() or "serum" in text.lower() for text in told) else None


def _range(
    analyte: Analyte, part: Observation | Component, value: Amount | None, told: _Told
) -> tuple[Decimal | None, Decimal | None]:
    """The normal range for this person in the canonical unit: one for their sex and age before one for everybody."""
    fitting = [found for found in many(part.reference_range) if _fits(found, told)]
    if not fitting:
        return None, None
    chosen = fitting[0] if len(fitting) == 1 else max(fitting, key=_for_whom)
    low, high = chosen.low, chosen.high
    if low is None and high is None and chosen.text:
        low, high = span(chosen.text)
    return _bound(analyte.name, low, value), _bound(analyte.name, high, value)


def _for_whom(found: ReferenceRange) -> int:
    """How closely a range says whom it is for."""
    return bool(found.applies_to) + (found.age is not None)


def _bound(analyte: str, bound: Amount | None, value: Amount | None) -> Decimal | None:
    if bound is None or bound.value is None:
        return None
    code, unit = bound.code, bound.unit
    if value is not None and not (code or unit):
        code, unit = value.code, value.unit
    return _in_range(analyte, bound.value, code, unit)


@lru_cache(maxsize=REMEMBERED)
def _in_range(analyte: str, told: Decimal, code: str | None, unit: str | None) -> Decimal | None:
    """A bound in the canonical unit; the same few bounds come with every result."""
    exact = number(told)
    found = None if exact is None else _canonical(analyte, exact, code, unit)
    return None if found is None else found.value


def _fits(found: ReferenceRange, told: _Told) -> bool:
    """Whether a range is a normal one, and one for a person of this sex and age."""
    if found.type is not None or found.meaning is not None:
        kinds = [found.type] if found.type is not None else many(found.meaning)
        if kinds and not any(_words(kind) & _NORMAL for kind in kinds):
            return False
    if found.applies_to is not None:
        sex = told.person.sex
        if sex is None or not any(sex.value in _words(concept) for concept in many(found.applies_to)):
            return False
    return found.age is None or _of_age(found.age.low, found.age.high, told)


def _words(concept: Concept) -> set[str]:
    """The codes and the single words of a concept; SNOMED CT's numbers come with words such as ``Male``."""
    return codes(concept) | {word for text in texts(concept) for word in text.lower().split()}


def _of_age(low: Amount | None, high: Amount | None, told: _Told) -> bool:
    born = told.person.born
    if born is None:
        return False
    days = days_between(born.earliest, told.day.earliest)
    least, most = (_age(bound) for bound in (low, high))
    known = (least is None) is (low is None) and (most is None) is (high is None)
    return known and (least is None or least <= days) and (most is None or days <= most)


def _age(bound: Amount | None) -> Fraction | None:
    """An age in days; None where there is none, or none that can be read."""
    if bound is None:
        return None
    value, unit = amount(bound.value), _DAYS.get((bound.code or bound.unit or "").lower())
    return None if value is None or unit is None else value * unit
