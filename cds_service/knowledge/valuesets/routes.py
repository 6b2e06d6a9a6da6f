"""Routes of administration: coded (routes.csv, SNOMED CT) and in words (route_words.csv).

A word of skin, eye or any other local route outweighs every other word: a local medicine is never systemic.
"""

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from cds_service.knowledge.valuesets.meanings import Route
from cds_service.knowledge.valuesets.systems import short_name
from cds_service.knowledge.valuesets.tables import REMEMBERED, rows

LONGEST_TEXT = 300
"""Characters of a text that are looked at."""

_WORD = re.compile(r"[a-z]+")
_WEIGHT = ("eye", "skin", "elsewhere", "parenteral", "oral")  # the first of these that a text names decides
_ROUTES = {
    "eye": Route("ophthalmic", systemic=False),
    "skin": Route("topical", systemic=False),
    "elsewhere": Route("local", systemic=False),
    "parenteral": Route("parenteral", systemic=True),
    "oral": Route("oral", systemic=True),
}


@cache
def _table() -> dict[str, Route]:
    return {code: Route(name, reach == "systemic") for code, name, reach, _ in rows("routes")}


@cache
def _words() -> dict[str, str]:
    return dict(rows("route_words"))


def reach_of(words: Iterable[str]) -> str | None:
    """Where the words of a text bring a medicine: ``eye``, ``skin``, ``elsewhere``, ``parenteral``, ``oral``, or None."""
    told = {_words()[word] for word in words if word in _words()}
    return next((reach for reach in _WEIGHT if reach in told), None)


def route_of_code(system: str, code: str) -> Route | None:
    """A coded route (SNOMED CT); None when the code is not in the table."""
    return _table().get(code.strip()) if short_name(system) == "snomed" else None


@lru_cache(maxsize=REMEMBERED)
def route_of_text(text: str) -> Route | None:
    """A route or form in words (``Oral``, ``po``, ``ointment``, ``take by mouth``); None when no word tells."""
    reach = reach_of(_WORD.findall(text[:LONGEST_TEXT].lower()))
    return None if reach is None else _ROUTES[reach]
