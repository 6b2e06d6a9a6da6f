"""How a drug order is taken, whatever the FHIR version: its dosage lines, and all of it in words."""

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

from msgspec import Struct

from cds_service.knowledge import orders
from cds_service.knowledge.finding import DrugOrder

_HOURS_OF_A_DAY = 24


class Moment(StrEnum):
    """The part of the day a dose is tied to, by its FHIR code (event-timing)."""

    MORNING = "MORN"
    EVENING = "EVE"


class Rhythm(Struct, frozen=True):
    """How often one dose is taken: once every ``period`` of ``unit`` (UCUM: h, d), in words, and at which part of the day."""

    words: str
    period: Decimal = Decimal(1)
    unit: str = "d"
    moment: Moment | None = None


class Line(Struct, frozen=True):
    """One dosage line: the mg of a dose, its rhythm, and the whole line in words."""

    mg: Fraction
    rhythm: Rhythm
    words: str


class Dosing(Struct, frozen=True):
    """A whole dosage: its lines, which are taken concurrently, the mg of a day, for how many days, and all of it in words."""

    lines: tuple[Line, ...]
    daily_mg: Fraction
    days: int
    words: str


_DAILY = Rhythm("once a day in the morning", moment=Moment.MORNING)
_NIGHTLY = Rhythm("once a day in the evening", moment=Moment.EVENING)


def decimal(value: Fraction) -> Decimal:
    """The number exactly.

    Raises:
        ValueError: it has no finite decimal (such as 1/3).
    """
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    if Fraction(exact) != value:
        raise ValueError("a dose must be an exact decimal number of mg")
    return exact


def dosage(order: DrugOrder) -> str:
    """How a drug order is taken, in words: ``60 mg (3 x 20 mg tablet) by mouth once a day in the morning, for 28 days``."""
    return dosing(order.code, order.intakes, order.days).words


@lru_cache(maxsize=512)
def dosing(code: str, intakes: tuple[Fraction, ...], days: int) -> Dosing:
    """How a product is taken for so many days, ``intakes`` being the mg of each dose of a day.

    Raises:
        ValueError: the doses of a day are not one, equal ones, or a morning and an evening dose.
    """
    parts = [(mg, rhythm, f"{_pieces(code, mg)} by mouth {rhythm.words}") for mg, rhythm in _doses(intakes)]
    course = f"for {days} days"
    lines = tuple(Line(mg, rhythm, f"{words}, {course}") for mg, rhythm, words in parts)
    return Dosing(lines, sum(intakes, Fraction()), days, f"{' and '.join(words for _, _, words in parts)}, {course}")


def _doses(intakes: tuple[Fraction, ...]) -> tuple[tuple[Fraction, Rhythm], ...]:
    match intakes:
        case (dose,):
            return ((dose, _DAILY),)
        case (first, *rest) if all(dose == first for dose in rest):
            hours = decimal(Fraction(_HOURS_OF_A_DAY, len(intakes)))
            return ((first, Rhythm(f"every {hours} hours", hours, "h")),)
        case (larger, smaller):
            return ((larger, _DAILY), (smaller, _NIGHTLY))
        case _:
            raise ValueError("the doses of a day are one, equal ones, or a morning and an evening dose")


def _pieces(code: str, mg: Fraction) -> str:
    """The dose, with the pieces that make it up where the product is one of ours: ``60 mg (3 x 20 mg tablet)``."""
    product = orders.product(code)
    if product is None or mg % product.strength:
        return f"{decimal(mg)} mg"
    return f"{decimal(mg)} mg ({mg / product.strength} x {decimal(product.strength)} mg {product.form})"
