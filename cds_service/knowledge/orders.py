"""What can be ordered: real products, laboratory tests, panels of tests and specialties, with their codes (orders.toml).

Strengths are mg per tablet or capsule. Doses are not here: they are parameters.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files

import msgspec
from msgspec import Struct


class _Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    origin: str  # V: code and name were read in the source; D: engineering choice
    source: str  # a key of ``Orders.sources``


class Product(_Entry, frozen=True, kw_only=True):
    """One medicine that a pharmacy can dispense, by its RxNorm code; ``strength`` is mg per ``form`` (tablet, capsule).

    ``brand`` is as in the name; empty for a product that can be dispensed as any maker's.
    """

    code: str
    name: str
    ingredient: str
    formulation: str
    form: str
    strength: Fraction
    brand: str = ""


class Test(_Entry, frozen=True, kw_only=True):
    """One laboratory test by its LOINC code; ``label`` is how a card names it, ``name`` LOINC's own where it was read."""

    code: str
    label: str
    name: str | None = None


class Panel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tests that are ordered together, as ids of the tests, in the order shown."""

    tests: tuple[str, ...]


class Specialty(_Entry, frozen=True, kw_only=True):
    """To whom a person is referred, in words: no code could be verified."""

    label: str


class Orders(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole table: ``sources`` says in words what each entry's ``source`` stands for."""

    sources: dict[str, str]
    product: tuple[Product, ...]
    test: dict[str, Test]
    panel: dict[str, Panel]
    specialty: dict[str, Specialty]


class OrdersError(ValueError):
    """The table is wrong; the message says where."""


def _fraction(_: type, value: object) -> Fraction:
    if not isinstance(value, str):
        raise TypeError("a strength is written as text")  # a TOML number would be a float
    return Fraction(value)


def read(text: str) -> Orders:
    """The table from its TOML text.

    Raises:
        OrdersError: an unknown or missing member, a code twice, a strength of 0, a test or a source that is not there.
    """
    try:
        table = msgspec.convert(tomllib.loads(text), Orders, dec_hook=_fraction)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise OrdersError(str(error)) from None
    problems = [*_repeated(table), *_unsound(table)]
    if problems:
        raise OrdersError("; ".join(problems))
    return table


def _repeated(table: Orders) -> Iterator[str]:
    for codes in (Counter(p.code for p in table.product), Counter(t.code for t in table.test.values())):
        yield from (f"code {code} twice" for code, count in codes.items() if count > 1)


def _unsound(table: Orders) -> Iterator[str]:
    for name, panel in table.panel.items():
        yield from (f"panel {name}: no test {test}" for test in panel.tests if test not in table.test)
    entries: tuple[_Entry, ...] = (*table.product, *table.test.values(), *table.specialty.values())
    used = {entry.source for entry in entries}
    yield from (f"no source {source}" for source in sorted(used - set(table.sources)))
    yield from (f"product {product.code} has no strength" for product in table.product if product.strength <= 0)


@cache
def orders() -> Orders:
    """The table in force, read once."""
    return read(files("cds_service.knowledge").joinpath("orders.toml").read_text(encoding="utf-8"))


@cache
def products(ingredient: str, formulation: str, brand: str = "") -> tuple[Product, ...]:
    """The products of an ingredient in one formulation, the weakest first; empty where none can be ordered.

    Those of a brand, and without one those that name none.
    """
    wanted = ingredient, formulation, brand
    found = [product for product in orders().product if (product.ingredient, product.formulation, product.brand) == wanted]
    return tuple(sorted(found, key=lambda product: product.strength))


@cache
def product(code: str) -> Product | None:
    """The product of an RxNorm code; None where it is not in the table."""
    return next((product for product in orders().product if product.code == code), None)


def test(name: str) -> Test:
    """The test of that id.

    Raises:
        KeyError: there is none.
    """
    return orders().test[name]


def panel(name: str) -> tuple[str, ...]:
    """The ids of a panel's tests.

    Raises:
        KeyError: there is no such panel.
    """
    return orders().panel[name].tests


def specialty(name: str) -> Specialty:
    """The specialty of that id.

    Raises:
        KeyError: there is none.
    """
    return orders().specialty[name]


def dividing(intakes_mg: Iterable[Fraction], among: Iterable[Product]) -> Product | None:
    """The strongest product of which each of these doses is a whole number of pieces; None where there is none."""
    doses = tuple(intakes_mg)
    fitting = [p for p in among if all(dose > 0 and dose % p.strength == 0 for dose in doses)]
    return max(fitting, key=lambda product: product.strength, default=None)


@lru_cache(maxsize=256)
def product_for(ingredient: str, formulation: str, intakes_mg: tuple[Fraction, ...], brand: str = "") -> Product | None:
    """The strongest product of an ingredient in one formulation that makes up every dose of a day in whole pieces.

    Of the brand where that has one, else of no brand.
    """
    own = dividing(intakes_mg, products(ingredient, formulation, brand)) if brand else None
    return own or dividing(intakes_mg, products(ingredient, formulation))


def brand(drug_name: str) -> str:
    """The brand in RxNorm's name of a product, where it can be ordered; empty where it names none, or one that cannot."""
    return next((p.brand for p in orders().product if p.brand and f"[{p.brand}]" in drug_name), "")


def fit(intake_mg: Fraction, among: Iterable[Product]) -> tuple[Product, int] | None:
    """The strongest product that makes up one dose in whole pieces, and how many; None where none does."""
    found = dividing((intake_mg,), among)
    return (found, int(intake_mg / found.strength)) if found else None
