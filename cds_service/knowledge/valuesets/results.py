"""The meaning of a coded or worded result (results.csv, and words)."""

import re
from functools import cache, lru_cache

from cds_service.knowledge.valuesets.systems import short_name
from cds_service.knowledge.valuesets.tables import REMEMBERED, rows

_LONGEST_TEXT = 300
_NEGATIVE = re.compile(
    r"\b(?:negative|neg|non[- ]?reactive|not reactive|not detected|none detected|undetectable|undetected|absent|not pregnant"
    r"|not present)\b"
)
_POSITIVE = re.compile(r"\b(?:positive|pos|reactive|detected|detectable|present|pregnant)\b")
_GRADES = (  # worst first: of two genes the worse counts
    ("poor", re.compile(r"\b(?:poor|deficient|low activity|low or absent activity)\b")),
    ("intermediate", re.compile(r"\b(?:intermediate|heterozygous)\b")),
    ("indeterminate", re.compile(r"\b(?:indeterminate|equivocal|inconclusive|borderline)\b")),
    ("normal", re.compile(r"\bnormal\b")),
)
_DENIED = re.compile(r"\b(?:not|no) (?:a )?(?:poor|deficient|intermediate|normal)\b")


@cache
def _table() -> dict[tuple[str, str], str]:
    return {(system, code): meaning for system, code, meaning, _ in rows("results")}


@lru_cache(maxsize=REMEMBERED)
def _of_words(text: str) -> str | None:
    words = text[:_LONGEST_TEXT].lower()
    if _DENIED.search(words):
        return None
    for meaning, pattern in _GRADES:
        if pattern.search(words):
            return meaning
    rest, denials = _NEGATIVE.subn(" ", words)
    positive = bool(_POSITIVE.search(rest))
    if denials:
        return None if positive else "negative"
    return "positive" if positive else None


def result_of(system: str | None, code: str | None, text: str | None) -> str | None:
    """The meaning of a coded or worded result: positive, negative, normal, intermediate, poor, indeterminate.

    A known code decides; else the words do. Of two genes in one text the worse counts. None when nothing is understood, or when
    the words contradict each other.
    """
    if system and code:
        known = _table().get((short_name(system) or "", code.strip()))
        if known is not None:
            return known
    return _of_words(text) if text else None
