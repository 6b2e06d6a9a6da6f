"""What a code or a name means: drugs, conditions, laboratory tests, routes, coded results, reasons of a stop.

The tables are data (CSV and TOML beside this file, each row with its provenance; NOTICE holds the licences' notices). A code is
matched exactly, an ICD code by its longest prefix; a display is never matched where a code is known. Names of ingredients,
groups and analytes are the project's own vocabulary and are listed in the tables. What came from outside is remembered in
bounded caches only.
"""

from cds_service.knowledge.valuesets.conditions import condition_of_code, condition_of_text, groups_with_role
from cds_service.knowledge.valuesets.drug_names import drug_of_text
from cds_service.knowledge.valuesets.drugs import drug_of_code, drugs_in_class
from cds_service.knowledge.valuesets.laboratory import analyte_of_code, analyte_of_text
from cds_service.knowledge.valuesets.meanings import Analyte, ConditionCode, DrugCode, Route
from cds_service.knowledge.valuesets.reasons import reasons_of
from cds_service.knowledge.valuesets.results import result_of
from cds_service.knowledge.valuesets.routes import route_of_code, route_of_text

__all__ = [
    "Analyte",
    "ConditionCode",
    "DrugCode",
    "Route",
    "analyte_of_code",
    "analyte_of_text",
    "condition_of_code",
    "condition_of_text",
    "drug_of_code",
    "drug_of_text",
    "drugs_in_class",
    "groups_with_role",
    "reasons_of",
    "result_of",
    "route_of_code",
    "route_of_text",
]
