"""Medicines by code: RxNorm, ATC, SNOMED CT, dm+d, vaccines by CVX (drugs.csv), classes (drug_classes.toml)."""

from fractions import Fraction
from functools import cache, lru_cache

from cds_service.knowledge.valuesets.meanings import DrugCode
from cds_service.knowledge.valuesets.systems import short_name
from cds_service.knowledge.valuesets.tables import REMEMBERED, rows, toml

_SYSTEMIC = {"systemic": True, "local": False}
_SAME_CODES = {"snomed": "dmd", "dmd": "snomed"}  # dm+d identifiers are SNOMED CT identifiers, sent under either URI


@cache
def _table() -> dict[tuple[str, str], list[str]]:
    return {(row[0], row[1]): row for row in rows("drugs")}


@lru_cache(maxsize=REMEMBERED)
def drug_of_code(system: str, code: str) -> DrugCode | None:
    """What a drug code means; None when it is in no table."""
    name = short_name(system)
    if name is None:
        return None
    code = code.strip().upper()
    row = _table().get((name, code)) or _table().get((_SAME_CODES.get(name, ""), code))
    if row is None:
        return None
    _, _, ingredient, route, formulation, strength, product, display, _ = row
    return DrugCode(
        ingredient=ingredient,
        display=display or ingredient,
        systemic=_SYSTEMIC.get(route),
        formulation=formulation or None,
        strength=Fraction(strength) if strength else None,
        code=code if product else None,
    )


@cache
def _classes() -> dict[str, frozenset[str]]:
    described = toml("drug_classes")
    resolved: dict[str, frozenset[str]] = {}

    def members(name: str) -> frozenset[str]:
        entry = described[name]
        included = (members(other) for other in entry.get("includes", ()))
        return frozenset(entry["members"]).union(*included)

    for name in described:
        resolved[name] = members(name)
    return resolved


@cache
def drugs_in_class(*names: str) -> frozenset[str]:
    """The ingredients of these classes (``calcineurin-inhibitor``, ``systemic-steroid``, ``thiopurine``, ...).

    Raises:
        KeyError: there is no such class.
    """
    return frozenset[str]().union(*(_classes()[name] for name in names))
