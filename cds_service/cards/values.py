"""How the values of a sentence are written: days, numbers, quantities, names of the vocabulary, lists, and text from outside."""

import re
import tomllib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from cds_service.cards.escaping import outside_markdown, outside_plain, own_markdown
from cds_service.knowledge.finding import Term, Value
from cds_service.patient.facts import Outside, Quantity
from cds_service.patient.when import When

_DECIMALS = 3
_SMALLEST, _LARGEST = -6, 11  # powers of ten written out; beyond them a number is written like 1.5E+20
_LARGE = 10**_LARGEST
_UNITS = {
    "[IU]": "IU",
    "[arb'U]": "arb. U",
    "cm[H2O]": "cmH2O",
    "10*": "x 10^",
    "{1.73_m2}": "1.73 m2",
    "(24.h)": "24 h",
}
_UNIT = re.compile("|".join(map(re.escape, sorted(_UNITS, key=len, reverse=True))))
_UNITLESS = frozenset({"", "1"})


def shown(value: Value, *, markdown: bool) -> str:
    """One value of a sentence, for Markdown or for plain text."""
    if isinstance(value, Outside):
        return outside_markdown(value.text) if markdown else outside_plain(value.text)
    if isinstance(value, tuple):
        return _listed([shown(item, markdown=markdown) for item in value])
    text = _WRITTEN.get(type(value), str)(value)
    return own_markdown(text) if markdown else text


@cache
def words() -> dict[str, str]:
    """The words for those names of the vocabulary that are not words themselves (terms.toml)."""
    return tomllib.loads(files("cds_service.cards").joinpath("terms.toml").read_text(encoding="utf-8"))


def term(value: Term) -> str:
    """A name of the vocabulary in words: ``ALT``, ``autoimmune hepatitis``."""
    return words().get(value.name) or value.name.replace("_", " ").replace("-", " ")


def number(value: Fraction | Decimal) -> str:
    """The shortest decimal with at most three decimals (three digits that count, where the number is small)."""
    if isinstance(value, Fraction) and value.denominator == 1 and abs(value.numerator) < _LARGE:
        return str(value.numerator)
    return _number(value)


@lru_cache(maxsize=2048)
def _number(value: Fraction | Decimal) -> str:
    exact = value if isinstance(value, Decimal) else Decimal(value.numerator) / Decimal(value.denominator)
    if not exact.is_finite() or not exact:
        return "0" if exact.is_finite() else str(exact)
    power = exact.adjusted()
    if not _SMALLEST <= power <= _LARGEST:
        return f"{exact:.3g}"
    decimals = max(_DECIMALS, _DECIMALS - 1 - power)
    text = f"{round(exact, decimals):f}"
    return text.rstrip("0").rstrip(".")


def day(value: When) -> str:
    """A day as far as it is known: ``2026-02-20``, ``2026-02``, ``2026``, or both ends."""
    first, last = value.earliest.isoformat(), value.latest.isoformat()
    if first == last:
        return first
    if first.endswith("-01") and first[:7] == last[:7] and _ends_month(value.latest):
        return first[:7]
    if first[4:] == "-01-01" and last == f"{first[:4]}-12-31":
        return first[:4]
    return f"{first} to {last}"


def _ends_month(last: date) -> bool:
    return last == date.max or last.replace(day=1).month != date.fromordinal(last.toordinal() + 1).month


def _quantity(value: Quantity) -> str:
    unitless = value.unit in _UNITLESS or value.unit.startswith("{")
    told = number(value.value) if value.comparator is None else f"{value.comparator.value} {number(value.value)}"
    return told if unitless else f"{told} {_unit(value.unit)}"


@lru_cache(maxsize=256)
def _unit(ucum: str) -> str:
    """A unit as a laboratory prints it."""
    return _UNIT.sub(lambda match: _UNITS[match[0]], ucum)


def _listed(items: list[str]) -> str:
    if len(items) < 2:
        return items[0] if items else "none"
    return f"{', '.join(items[:-1])} and {items[-1]}"


_WRITTEN: dict[type, Callable[[Any], str]] = {
    Term: term,
    Fraction: number,
    Decimal: number,
    date: date.isoformat,
    When: day,
    Quantity: _quantity,
}
