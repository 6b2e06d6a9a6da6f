"""Why a medicine was stopped or held, as reason groups (reasons.toml)."""

import re
from functools import cache, lru_cache

from cds_service.knowledge.valuesets.conditions import condition_of_code
from cds_service.knowledge.valuesets.systems import short_name
from cds_service.knowledge.valuesets.tables import REMEMBERED, toml

_LONGEST_TEXT = 300
_ABBREVIATION = 4  # letters up to which a word must match as a whole
_DENIED = re.compile(r"\b(?:no|not|without|denies)\b(?:(?! but )[a-z ]){0,20}$")


@cache
def _tables() -> tuple[dict[str, str], dict[str, str], dict[str, re.Pattern[str]]]:
    described = toml("reasons")
    return described["codes"], described["conditions"], {name: _pattern(found) for name, found in described["words"].items()}


def _pattern(words: list[str]) -> re.Pattern[str]:
    parts = (re.escape(word) + (r"\b" if len(word) <= _ABBREVIATION else "") for word in words)
    return re.compile(rf"\b(?:{'|'.join(parts)})")


@lru_cache(maxsize=REMEMBERED)
def _of_words(text: str) -> frozenset[str]:
    words = text[:_LONGEST_TEXT].lower()
    _, _, patterns = _tables()
    return frozenset(
        name
        for name, pattern in patterns.items()
        if any(not _DENIED.search(words, 0, found.start()) for found in pattern.finditer(words))
    )


def reasons_of(system: str | None, code: str | None, text: str | None) -> frozenset[str]:
    """The reason groups of a stop or hold (``toxicity``, ``acute-kidney-injury``, ``infection``, ``planned-taper``, ...).

    A known code decides (a status reason, or a condition that is a reason); else the words do, those that are denied left out.
    """
    if system and code:
        codes, conditions, _ = _tables()
        if short_name(system) == "status-reason" and code in codes:
            return frozenset({codes[code]})
        condition = condition_of_code(system, code)
        found = frozenset(conditions[group] for group in condition.groups if group in conditions) if condition else frozenset()
        if found:
            return found
    return _of_words(text) if text else frozenset()
