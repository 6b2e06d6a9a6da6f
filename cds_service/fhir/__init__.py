"""FHIR in every version that clients speak (DSTU2, STU3, R4, R4B, R5): reading it into facts, writing orders, validating."""
