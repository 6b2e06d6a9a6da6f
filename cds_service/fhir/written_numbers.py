"""Numbers that somebody wrote into a text: a result (``>400 U/L``), a reference range (``7 - 40``). What is not plain is none."""

import re
from decimal import Decimal
from functools import lru_cache

from cds_service.fhir.wire import Amount

_LONGEST = 60
_SIGNS = {"≤": "<=", "≥": ">="}
_NUMBER = r"([+-]?[0-9]{1,9}(?:\.[0-9]{1,9}|,[0-9]{1,2})?)"  # a comma before three digits could part thousands
_UNIT = r"\s*((?:(?<=\s)10[*^eE]|(?![0-9])\S)(?:.*\S)?)?\s*"
_RESULT = re.compile(rf"\s*(<=|>=|<|>|≤|≥)?\s*{_NUMBER}{_UNIT}")
_BETWEEN = re.compile(rf"\s*{_NUMBER}\s*(?:-|\u2013|to)\s*{_NUMBER}{_UNIT}")


def written(text: str) -> Amount | None:
    """The number at the beginning of a text, with its sign and whatever follows as its unit."""
    found = _RESULT.fullmatch(text) if len(text) < _LONGEST else None
    if found is None:
        return None
    sign, digits, unit = found.groups()
    return Amount(_decimal(digits), _SIGNS.get(sign, sign), unit)


@lru_cache(maxsize=512)
def span(text: str) -> tuple[Amount | None, Amount | None]:
    """The low and the high end of a range in words; None for each end that it does not tell."""
    found = _BETWEEN.fullmatch(text) if len(text) < _LONGEST else None
    if found is not None:
        low, high, unit = found.groups()
        return Amount(_decimal(low), None, unit), Amount(_decimal(high), None, unit)
    bound = written(text)
    if bound is None or not bound.comparator:
        return None, None
    end = Amount(bound.value, None, bound.unit)
    return (None, end) if bound.comparator.startswith("<") else (end, None)


def _decimal(digits: str) -> Decimal:
    return Decimal(digits.replace(",", "."))
