"""Laboratory tests and measurements by LOINC (laboratory.csv) and, text-only, by exact name (laboratory_names.csv).

Codes that name a medicine but measure no level of it (doses, antibodies) are left out on purpose, and no name of a medicine is
ever matched in a text.
"""

from functools import cache, lru_cache

from cds_service.knowledge.valuesets.meanings import Analyte
from cds_service.knowledge.valuesets.systems import short_name
from cds_service.knowledge.valuesets.tables import REMEMBERED, rows
from cds_service.patient.units import unit_of


@cache
def _table() -> dict[str, Analyte]:
    return {
        code: Analyte(analyte, unit_of(analyte), specimen or None, timing or None)
        for code, analyte, specimen, timing, *_ in rows("laboratory")
    }


@cache
def _names() -> dict[str, Analyte]:
    return {name: Analyte(analyte, unit_of(analyte)) for name, analyte in rows("laboratory_names")}


@lru_cache(maxsize=REMEMBERED)
def analyte_of_code(system: str, code: str) -> Analyte | None:
    """The analyte of a laboratory code; None when the code is not in the table."""
    return _table().get(code.strip()) if short_name(system) == "loinc" else None


def analyte_of_text(text: str) -> Analyte | None:
    """The analyte of a test that has a name only; exact, unambiguous names."""
    return _names().get(" ".join(text[:100].lower().split()))
