"""Small builders of facts for tests: a person with autoimmune hepatitis on the day ``TODAY``, told in days before or after it.

Days are offsets from ``TODAY`` (-9 is nine days ago), doses mg a day, results in the canonical unit of their analyte.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from cds_service.knowledge.judgements.case import Case
from cds_service.knowledge.parameters import Parameters, in_force
from cds_service.patient.facts import (
    Allergy,
    Comparator,
    DoseLine,
    DoseUnit,
    Drug,
    Lab,
    LabStatus,
    Lost,
    Outside,
    Person,
    Problem,
    Quantity,
    Record,
    Sex,
    Use,
    UseKind,
    UseStatus,
)
from cds_service.patient.units import unit_of
from cds_service.patient.when import When

TODAY = date(2026, 3, 1)
Day = int | date | When | None
Mg = int | str | Fraction | Decimal | None


def day(offset: int) -> date:
    """The day so many days after today; before it when negative."""
    return TODAY + timedelta(days=offset)


def when(told: Day) -> When | None:
    """A day as a fact: an offset, a date, or a partial date as it is."""
    if told is None or isinstance(told, When):
        return told
    return When.on(told if isinstance(told, date) else day(told))


def known(told: Day) -> When:
    """The same where there must be one."""
    found = when(told)
    assert found is not None
    return found


def month(year: int, number: int) -> When:
    """Some day of a month."""
    after = date(year + number // 12, number % 12 + 1, 1)
    return When(date(year, number, 1), after - timedelta(days=1))


def drug(ingredient: str | None = "tacrolimus", **more: Any) -> Drug:
    """A systemic immediate-release medicine of certain identity, unless said otherwise."""
    told: dict[str, Any] = {"systemic": True, "formulation": "immediate-release", **more}
    if isinstance(told.get("strength"), int | str):
        told["strength"] = Fraction(told["strength"])
    return Drug(Outside(told.pop("text", ingredient or "")), ingredient, **told)


def line(mg: Mg, **more: Any) -> DoseLine:
    """One dosage line of so many mg a day; None for an amount that is not known."""
    amount = None if mg is None else Fraction(mg)
    told: dict[str, Any] = {"low": amount, "high": amount, "unit": DoseUnit.MG_PER_DAY, **more}
    for name in ("start", "end"):
        if name in told:
            told[name] = when(told[name])
    return DoseLine(**told)


def use(
    ingredient: str | Drug | None = "tacrolimus",
    mg: Mg = 4,
    start: Day = -300,
    end: Day = None,
    *,
    kind: UseKind = UseKind.STATEMENT,
    status: UseStatus | None = None,
    reference: str = "",
    **more: Any,
) -> Use:
    """A statement that a medicine is taken since 300 days; stopped where an end is given and nothing else is said."""
    medicine = ingredient if isinstance(ingredient, Drug) else drug(ingredient)
    state = status or (UseStatus.ACTIVE if end is None else UseStatus.STOPPED)
    told: dict[str, Any] = {"lines": (line(mg),), "asserted": start, **more}
    for name in ("asserted", "stopped_on"):
        told[name] = when(told.get(name))
    reference = (
        reference or f"{kind.value}/{medicine.ingredient}-{medicine.strength or ''}{when(start)}-{when(end)}-{state.value}"
    )
    return Use(kind, reference, state, medicine, start=when(start), end=when(end), **told)


def order(ingredient: str | Drug | None = "tacrolimus", mg: Mg = 4, start: Day = -300, end: Day = None, **more: Any) -> Use:
    """The same as an order."""
    return use(ingredient, mg, start, end, kind=UseKind.ORDER, **more)


def draft(ingredient: str | Drug | None = "tacrolimus", mg: Mg = 4, **more: Any) -> Use:
    """An order in the request itself, new from today."""
    told: dict[str, Any] = {"status": UseStatus.DRAFT, "reference": "MedicationRequest/draft", "start": 0, **more}
    return order(ingredient, mg, **told)


def dispense(start: Day, days: int | str | None, ingredient: str | Drug = "tacrolimus", **more: Any) -> Use:
    """A supply handed over on a day, for so many days."""
    supply = None if days is None else Fraction(days)
    told: dict[str, Any] = {"status": UseStatus.COMPLETED, "lines": (), **more}
    return use(ingredient, None, start, None, kind=UseKind.DISPENSE, supply_days=supply, **told)


def given(start: Day, ingredient: str | Drug = "tacrolimus", **more: Any) -> Use:
    """A dose given on a day."""
    told: dict[str, Any] = {"status": UseStatus.COMPLETED, **more}
    return use(ingredient, 4, start, None, kind=UseKind.ADMINISTRATION, **told)


def doses(*steps: tuple[Mg, int], last: int = -10, status: UseStatus = UseStatus.STOPPED, **more: Any) -> tuple[Use, ...]:
    """Successive statements of (mg a day, days), the last of them ended on a day; the earlier ones were completed."""
    found: list[Use] = []
    end = last
    for place, (mg, days) in enumerate(reversed(steps)):
        state = status if place == 0 else UseStatus.COMPLETED
        found.append(use(mg=mg, start=end - days + 1, end=end, status=state, **more))
        end -= days
    return tuple(reversed(found))


def problem(group: str | Iterable[str], role: str = "", *, reference: str = "", **more: Any) -> Problem:
    """A condition of a group of the value sets, active unless said otherwise."""
    active = more.pop("active", True)
    groups = frozenset({group} if isinstance(group, str) else group)
    for name in ("onset", "recorded"):
        if name in more:
            more[name] = when(more[name])
    roles = frozenset({role} if role else ())
    return Problem(reference or f"Condition/{'-'.join(sorted(groups))}", groups, roles, active, Outside("a condition"), **more)


HEPATITIS = problem("autoimmune_hepatitis", "indication")
LUPUS = problem("lupus_nephritis", "indication")
KIDNEY_TRANSPLANT = problem("transplant_status", "transplant")


def lab(
    analyte: str,
    number: Mg = None,
    on: Day = -2,
    *,
    high: Mg = None,
    status: LabStatus = LabStatus.FINAL,
    comparator: Comparator | None = None,
    unit: str | None = None,
    concept: str | None = None,
    reference: str = "",
    reported: Quantity | None = None,
) -> Lab:
    """A result of two days ago; ALT, AST and IgG come with upper limits of 40, 40 and 16. No number: a word or nothing."""
    ranges: dict[str, Mg] = {"alt": 40, "ast": 40, "igg": 16}
    upper = high if high is not None else ranges.get(analyte)
    quantity = None if number is None else Quantity(Decimal(str(number)), unit or unit_of(analyte))
    day_of = known(on)
    return Lab(
        reference or f"Observation/{analyte}-{day_of.earliest}-{number}{concept or ''}",
        analyte,
        day_of,
        status,
        quantity,
        reported or quantity,
        comparator,
        high=None if upper is None else Decimal(str(upper)),
        concept=concept,
    )


def word(analyte: str, concept: str | None, on: Day = -100, **more: Any) -> Lab:
    """A result that is a word (positive, normal, ...)."""
    return lab(analyte, None, on, concept=concept, **more)


SCREENED = (
    word("hbsag", "negative"),
    word("anti_hbc", "negative"),
    word("tpmt_nudt15", "normal", -300),
    word("igra", "negative", -300),
)
"""Hepatitis B and tuberculosis excluded, metabolisers normal."""

HEALTHY = (
    lab("weight", 80, -8),
    lab("egfr", 90, -30),
    lab("potassium", "4.2", -30),
    lab("bilirubin", 12, -30),
    lab("alt", 30, -60),
    lab("ast", 28, -60),
    lab("igg", 12, -60),
)
"""What a safety check asks for, all in order, and normal markers half a year and less before today."""

ADULT = Person("p", Sex.MALE, When.on(date(1980, 5, 4)))


def record(*medicines: Use, **more: Any) -> Record:
    """A man of 45 with autoimmune hepatitis, every list received, nothing wrong; ``medicines`` go where their kind belongs."""
    kinds = {kind: tuple(item for item in medicines if item.kind is kind) for kind in UseKind}
    told: dict[str, Any] = {
        "person": ADULT,
        "asof": TODAY,
        "hook": "patient-view",
        "statements": kinds[UseKind.STATEMENT],
        "orders": kinds[UseKind.ORDER],
        "dispenses": kinds[UseKind.DISPENSE],
        "administrations": kinds[UseKind.ADMINISTRATION],
        "problems": (HEPATITIS,),
        "procedures": (),
        "markers": HEALTHY,
        "screening": SCREENED,
        "allergies": (),
        **more,
    }
    return Record(**told)


def flaring(*medicines: Use, also: Iterable[Lab] = (), alt: Mg = 150, **more: Any) -> Record:
    """The same after 4 mg a day were stopped abruptly nine days ago; ALT is 150 U/L since."""
    told: dict[str, Any] = {"markers": (*HEALTHY, *also, *(() if alt is None else (lab("alt", alt, -2),))), **more}
    return record(use(end=-9), *medicines, **told)


def parameters(**site: object) -> Parameters:
    """The parameters in force, with a site's own values."""
    return in_force({name: Decimal(str(value)) if isinstance(value, float) else value for name, value in site.items()})


def case(told: Record, **site: object) -> Case:
    """The case of a record."""
    return Case(told, parameters(**site))


def born(years: int) -> When:
    """The birthday of somebody who turns so many years old today."""
    return When.on(date(TODAY.year - years, TODAY.month, TODAY.day))


def person(years: int | None = 45, sex: Sex | None = Sex.MALE) -> Person:
    """Somebody of an age and sex."""
    return Person("p", sex, None if years is None else born(years))


def lost(what: str, *, loss: Any) -> tuple[Lost, ...]:
    """One list that did not come."""
    return (Lost(what, loss),)


def allergy(ingredient: str | None) -> Allergy:
    """An allergy to an ingredient."""
    return Allergy(f"AllergyIntolerance/{ingredient}", Outside(f"allergic to {ingredient}"), ingredient)
