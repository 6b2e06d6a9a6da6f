"""The code systems by one short name each, whatever way a sender spells their URI."""

from functools import lru_cache

_NAMES = {
    "www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "2.16.840.1.113883.6.88": "rxnorm",
    "2.16.840.1.113883.6.73": "atc",
    "2.16.840.1.113883.6.96": "snomed",
    "dmd.nhs.uk": "dmd",
    "hl7.org/fhir/sid/cvx": "cvx",
    "2.16.840.1.113883.12.292": "cvx",
    "loinc.org": "loinc",
    "2.16.840.1.113883.6.1": "loinc",
    "2.16.840.1.113883.6.90": "icd10cm",
    "2.16.840.1.113883.6.3": "icd10",
    "terminology.hl7.org/codesystem/v3-observationinterpretation": "interpretation",
    "terminology.hl7.org/codesystem/v2-0078": "interpretation",
    "hl7.org/fhir/v3/observationinterpretation": "interpretation",
    "hl7.org/fhir/v2/0078": "interpretation",
    "terminology.hl7.org/codesystem/medicationrequest-status-reason": "status-reason",
    "hl7.org/fhir/codesystem/medicationrequest-status-reason": "status-reason",
}


@lru_cache(maxsize=512)
def short_name(system: str) -> str | None:
    """The short name of a code system (``rxnorm``, ``icd10cm``, ...); None when its codes mean nothing here.

    National variants of ICD-10 other than ICD-10-CM count as WHO's ICD-10, on whose categories they are built.
    """
    name = system.strip().lower().removeprefix("urn:oid:").rstrip("/")
    name = name.removeprefix("https://").removeprefix("http://")
    known = _NAMES.get(name)
    if known is not None:
        return known
    if name.startswith("snomed.info/sct"):
        return "snomed"
    if name.endswith("/atc"):
        return "atc"
    if "icd-10-cm" in name:
        return "icd10cm"
    return "icd10" if "icd-10" in name else None
