"""Conditions and transplant procedures by code (conditions.csv) and, text-only, by exact name (condition_names.csv)."""

from functools import cache, lru_cache

from cds_service.knowledge.valuesets.meanings import ConditionCode
from cds_service.knowledge.valuesets.systems import short_name
from cds_service.knowledge.valuesets.tables import REMEMBERED, rows

_SHORTEST_PREFIX = 3  # an ICD category
_LONGEST_CODE = 12


@cache
def _table() -> dict[tuple[str, str], ConditionCode]:
    groups: dict[tuple[str, str], set[str]] = {}
    roles: dict[tuple[str, str], set[str]] = {}
    for system, code, group, role, _ in rows("conditions"):
        groups.setdefault((system, code), set()).add(group)
        roles.setdefault((system, code), set()).add(role)
    return {key: ConditionCode(frozenset(groups[key]), frozenset(roles[key])) for key in groups}


@cache
def _names() -> dict[str, str]:
    return dict(rows("condition_names"))


@lru_cache(maxsize=REMEMBERED)
def condition_of_code(system: str, code: str) -> ConditionCode | None:
    """The groups and roles of a condition (or transplant procedure) code; the longest ICD prefix decides.

    ICD codes are taken with or without dot, in any case, with extra characters at the end.
    """
    name = short_name(system)
    if name == "snomed":
        return _table().get((name, code.strip()))
    if name not in {"icd10cm", "icd10"}:
        return None
    plain = "".join(char for char in code[: 2 * _LONGEST_CODE].upper() if char.isalnum())[:_LONGEST_CODE]
    for length in range(len(plain), _SHORTEST_PREFIX - 1, -1):
        found = _table().get((name, plain[:length]))
        if found is not None:
            return found
    return None


def condition_of_text(text: str) -> ConditionCode | None:
    """The same for a text-only condition; only exact, unambiguous names."""
    code = _names().get(" ".join(text[:100].lower().split()))
    return None if code is None else condition_of_code("http://hl7.org/fhir/sid/icd-10-cm", code)


@cache
def groups_with_role(role: str) -> frozenset[str]:
    """The condition groups that have a role (``transplant``, ``indication``, ``serious_infection``, ...)."""
    return frozenset(row[2] for row in rows("conditions") if row[3] == role)
