"""Medicines by name: what a product text tells of ingredient, form and strength (words in drug_names.csv).

A text alone is systemic when its form is oral or injected, or when it names the product with a strength; never when a word or a
percent sign tells of skin, eye, ear, nose, lung, rectum or vagina.
"""

import re
from fractions import Fraction
from functools import cache, lru_cache

from cds_service.knowledge.valuesets.drugs import drugs_in_class
from cds_service.knowledge.valuesets.meanings import DrugCode
from cds_service.knowledge.valuesets.routes import LONGEST_TEXT, reach_of
from cds_service.knowledge.valuesets.tables import REMEMBERED, rows

_LONGEST_NUMBER = 9

_TOKEN = re.compile(r"[a-z][a-z0-9']*|\d+(?:[.,]\d+)*|%|/")
_MASS = {
    **dict.fromkeys(("mg", "milligram", "milligrams"), Fraction(1)),
    **dict.fromkeys(("ug", "mcg", "microgram", "micrograms"), Fraction(1, 1000)),
    **dict.fromkeys(("g", "gram", "grams"), Fraction(1000)),
}
_TABLET = {"tablet", "tablets", "tab", "tabs"}
_CAPSULE = {"capsule", "capsules", "cap", "caps"}
_LOCAL = {"eye": "ophthalmic", "skin": "topical", "elsewhere": ""}
_SLOW = {"er", "xr", "xl", "la", "sr", "mr", "cr", "extended", "prolonged", "modified"}
_NO_MEDICINE = {"level", "levels", "antibody", "antibodies", "ab", "assay", "trough", "concentration", "induced"}


@cache
def _words() -> dict[str, tuple[str, str, str]]:
    return {word: (ingredient, route, formulation) for word, ingredient, route, formulation in rows("drug_names")}


def _number(token: str) -> Fraction | None:
    """A number as printed: a comma before exactly three digits separates thousands, any other comma decimals."""
    head, comma, tail = token.partition(",")
    if len(token) > _LONGEST_NUMBER:
        return None
    if comma:
        token = head + tail if len(tail) == 3 and head != "0" else f"{head}.{tail}"
    return Fraction(token) if token.count(".") <= 1 and "," not in token else None


def _strengths(tokens: list[str]) -> tuple[set[Fraction], bool]:
    """Every strength in mg per piece or mL, and whether one is a share of a mass (as of an ointment)."""
    found: set[Fraction] = set()
    share = False
    for place, (token, unit) in enumerate(zip(tokens, [*tokens[1:], ""], strict=True)):
        amount = _number(token) if token[0].isdigit() and unit in _MASS else None
        if amount is None:
            continue
        per = tokens[place + 3 : place + 5] if tokens[place + 2 : place + 3] == ["/"] else []
        divisor = (_number(per.pop(0)) if per and per[0][0].isdigit() else None) or Fraction(1)
        if per and per[0] in _MASS:
            share = True
        elif not per or per[0] in {"ml", "milliliter", "millilitre"}:
            found.add(amount * _MASS[unit] / divisor)
    return found, share


def _formulation(words: set[str], ingredient: str, by_name: str, reach: str | None) -> str | None:
    if reach in _LOCAL:
        return _LOCAL[reach] or by_name or None
    if reach == "parenteral" and ingredient in drugs_in_class("calcineurin-inhibitor") | drugs_in_class("only-injected"):
        return "intravenous"
    if by_name:
        return by_name
    slow = bool(words & _SLOW) or {"24", "hr"} <= words or {"24", "hour"} <= words
    if slow:
        return "extended-release-tablet" if words & _TABLET else "prolonged-release" if words & _CAPSULE else None
    return "immediate-release" if words & (_TABLET | _CAPSULE) else None


@lru_cache(maxsize=REMEMBERED)
def drug_of_text(text: str) -> DrugCode | None:
    """What a drug's name or product text means, strength and form included where the text has them.

    None when it names no medicine of the table, or rather a test of one (``tacrolimus level``). The first medicine named counts.
    """
    tokens = _TOKEN.findall(text[:LONGEST_TEXT].lower().replace("µ", "u").replace("μ", "u"))
    named = next((known for token in tokens if (known := _words().get(token))), None)
    if named is None:
        return None
    ingredient, route, by_name = named
    words = set(tokens)
    strengths, share = _strengths(tokens)
    reach = reach_of(tokens)
    if reach not in _LOCAL and (share or route == "local" or "%" in words):
        reach = "elsewhere"
    if words & _NO_MEDICINE and reach is None and not strengths:
        return None
    local = reach in _LOCAL
    return DrugCode(
        ingredient=ingredient,
        display=ingredient,
        systemic=False if local else True if reach or strengths else None,
        formulation=_formulation(words, ingredient, by_name, reach),
        strength=strengths.pop() if len(strengths) == 1 and not local else None,
    )
