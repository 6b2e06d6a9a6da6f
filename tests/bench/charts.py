"""Requests of a chosen size: the record of a relapse after an abrupt stop, padded with an ordinary chart."""

import json
from datetime import date, timedelta
from typing import Any

Json = dict[str, Any]
RXNORM, LOINC, ICD10 = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://loinc.org", "http://hl7.org/fhir/sid/icd-10-cm"
UCUM, SNOMED = "http://unitsofmeasure.org", "http://snomed.info/sct"
PATIENT = "bench-1"
CLOCK = "07:15:00"
"""The time of day of results, orders and supplies."""

SUBJECT = {"reference": f"Patient/{PATIENT}"}
KEYS = ("medicationStatements", "medicationRequests", "medicationDispenses", "medicationAdministrations", "conditions")
TABS = (
    ("617310", "atorvastatin 20 MG Oral Tablet"),
    ("197361", "amlodipine 5 MG Oral Tablet"),
    ("314076", "lisinopril 10 MG Oral Tablet"),
)
TESTS = (
    ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "4.2", "mmol/L", "3.5", "5.0"),
    ("2951-2", "Sodium [Moles/volume] in Serum or Plasma", "140", "mmol/L", "136", "145"),
    ("1751-7", "Albumin [Mass/volume] in Serum or Plasma", "4.2", "g/dL", "3.5", "5.0"),
    ("718-7", "Hemoglobin [Mass/volume] in Blood", "13.9", "g/dL", "12", "16"),
    ("1742-6", "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma", "30", "U/L", "7", "40"),
)


def _concept(system: str, code: str, text: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def _narrative(text: str) -> Json:
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p><b>{text}</b></p>{"<p>…</p>" * 20}</div>',
    }


class Chart:
    """The resources of one person by prefetch key; ids are numbered."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.prefetch: dict[str, list[Json]] = {key: [] for key in (*KEYS, "procedures", "allergies", "markers", "screening")}
        self.count = 1  # the patient

    def ago(self, days: int) -> str:
        """A day before today, as FHIR writes it."""
        return (self.today - timedelta(days=days)).isoformat()

    def add(self, key: str, kind: str, **content: Any) -> None:
        """One more resource of this person."""
        self.count += 1
        rid = f"{kind.lower()}-{self.count}"
        meta = {"versionId": "1", "lastUpdated": f"{self.ago(3)}T08:00:00.000+00:00"}
        text = _narrative(f"{kind} {rid}")
        self.prefetch[key].append({"resourceType": kind, "id": rid, "meta": meta, "text": text, "subject": SUBJECT, **content})

    def lab(self, test: tuple[str, str, str, str, str, str], days: int) -> None:
        """One final result with its reference range."""
        code, name, value, unit, low, high = test
        quantity = {"unit": unit, "system": UCUM, "code": unit}
        self.add(
            "markers",
            "Observation",
            status="final",
            code=_concept(LOINC, code, name),
            category=[_concept("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "Laboratory")],
            effectiveDateTime=f"{self.ago(days)}T{CLOCK}+00:00",
            issued=f"{self.ago(days)}T09:40:00+00:00",
            valueQuantity={"value": float(value), **quantity},
            referenceRange=[{"low": {"value": float(low), **quantity}, "high": {"value": float(high), **quantity}}],
        )

    def dosage(self, amount: int, per_day: int, start: int, end: int | None) -> Json:
        """One line of a dosage in mg."""
        bounds = {"start": self.ago(start), **({"end": self.ago(end)} if end is not None else {})}
        return {
            "text": f"{amount} mg",
            "route": _concept(SNOMED, "26643006", "Oral route"),
            "timing": {"repeat": {"frequency": per_day, "period": 1, "periodUnit": "d", "boundsPeriod": bounds}},
            "doseAndRate": [{"doseQuantity": {"value": amount, "unit": "mg", "system": UCUM, "code": "mg"}}],
        }

    def drug(self, concept: Json, status: str, line: Json, start: int, end: int | None) -> None:
        """An order and the statement that goes with it."""
        period = {"start": self.ago(start), **({"end": self.ago(end)} if end is not None else {})}
        self.add(
            "medicationRequests",
            "MedicationRequest",
            status=status,
            intent="order",
            medicationCodeableConcept=concept,
            authoredOn=f"{self.ago(start)}T{CLOCK}+00:00",
            dosageInstruction=[line],
        )
        self.add(
            "medicationStatements",
            "MedicationStatement",
            status=status,
            medicationCodeableConcept=concept,
            effectivePeriod=period,
            dateAsserted=self.ago(end or 7),
            dosage=[line],
        )

    def relapse(self) -> None:
        """Autoimmune hepatitis, tacrolimus 4 mg a day stopped nine days ago, ALT from 38 to 150 U/L."""
        status = {"clinicalStatus": "active", "verificationStatus": "confirmed"}
        systems = {"clinicalStatus": "condition-clinical", "verificationStatus": "condition-ver-status"}
        coded = {
            name: {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{systems[name]}", "code": code}]}
            for name, code in status.items()
        }
        self.add(
            "conditions",
            "Condition",
            **coded,
            code=_concept(ICD10, "K75.4", "Autoimmune hepatitis"),
            onsetDateTime=self.ago(1500),
        )
        tacrolimus = _concept(RXNORM, "198377", "tacrolimus 1 MG Oral Capsule")
        self.drug(tacrolimus, "stopped", self.dosage(2, 2, 230, 9), 230, 9)
        alt = TESTS[4]
        for value, days in (("38", 40), ("38", 100), ("150", 2)):
            self.lab((*alt[:2], value, *alt[3:]), days)
        for code, name, value, unit in (
            ("29463-7", "Body weight", "80", "kg"),
            ("98979-8", "eGFR", "90", "mL/min/{1.73_m2}"),
            ("1975-2", "Bilirubin.total [Mass/volume] in Serum or Plasma", "0.7", "mg/dL"),
            ("2823-3", "Potassium", "4.2", "mmol/L"),
        ):
            self.lab((code, name, value, unit, "0.1", "100"), 2)
        for code, name, told in (
            ("5196-1", "Hepatitis B virus surface Ag", "Negative"),
            ("13952-7", "Hepatitis B virus core Ab", "Negative"),
            ("79713-4", "TPMT activity interpretation", "Normal metabolizer"),
            ("93193-1", "TPMT and NUDT15", "Normal metabolizer"),
        ):
            self.add(
                "screening",
                "Observation",
                status="final",
                code=_concept(LOINC, code, name),
                effectiveDateTime=self.ago(100),
                valueCodeableConcept={"text": told},
            )

    def daily(self, size: int) -> None:
        """Tacrolimus ordered, stated, given and handed over anew every day, back through the years, until there are ``size``."""
        tacrolimus = _concept(RXNORM, "198377", "tacrolimus 1 MG Oral Capsule")
        day = 240
        while self.count < size:
            self.drug(tacrolimus, "completed", self.dosage(2, 2, day, day), day, day)
            given = {"dose": {"value": 2, "unit": "mg", "system": UCUM, "code": "mg"}}
            at = {"status": "completed", "medicationCodeableConcept": tacrolimus}
            clock = f"{self.ago(day)}T{CLOCK}+00:00"
            self.add("medicationAdministrations", "MedicationAdministration", **at, effectiveDateTime=clock, dosage=given)
            supply = {"value": 1, "unit": "d"}
            self.add("medicationDispenses", "MedicationDispense", **at, whenHandedOver=clock, daysSupply=supply)
            self.lab(("11253-2", "Tacrolimus [Mass/volume] in Blood", "5.1", "ng/mL", "5", "15"), day)
            day += 1

    def pad(self, size: int) -> None:
        """Ordinary resources until the chart has ``size``: drugs, dispenses, results, conditions in a fixed mix."""
        number = 0
        while self.count < size:
            code, name = TABS[number % len(TABS)]
            concept = _concept(RXNORM, code, name)
            match number % 8:
                case 0 | 1:
                    self.drug(concept, "active", self.dosage(20, 1, 400 + number % 300, None), 400 + number % 300, None)
                case 2:
                    self.add(
                        "medicationDispenses",
                        "MedicationDispense",
                        status="completed",
                        medicationCodeableConcept=concept,
                        whenHandedOver=f"{self.ago(number % 300)}T{CLOCK}+00:00",
                        daysSupply={"value": 30, "unit": "d"},
                    )
                case 3:
                    self.add("conditions", "Condition", code=_concept(ICD10, "I10", "Essential (primary) hypertension"))
                case _:
                    self.lab(TESTS[number % 4], 20 + number % 900)
            number += 1


def request(size: int, today: date, *, daily: bool = False) -> bytes:
    """A patient-view request whose prefetch has about ``size`` resources in all; ``daily`` makes most of them tacrolimus."""
    chart = Chart(today)
    chart.relapse()
    (chart.daily if daily else chart.pad)(size)
    person = {
        "resourceType": "Patient",
        "id": PATIENT,
        "gender": "male",
        "birthDate": "1976-04-02",
        "name": [{"family": "Bench"}],
    }
    prefetch: Json = {"patient": person}
    for key, resources in chart.prefetch.items():
        prefetch[key] = {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(resources),
            "entry": [{"fullUrl": f"https://ehr.example.org/{r['resourceType']}/{r['id']}", "resource": r} for r in resources],
        }
    context = {"userId": "Practitioner/1", "patientId": PATIENT, "encounterId": "e1"}
    body = {
        "hook": "patient-view",
        "hookInstance": "8a0c1e7e-6f0e-4a2e-9d52-7b0c3d5f6a10",
        "context": context,
        "prefetch": prefetch,
    }
    return json.dumps(body, ensure_ascii=False).encode()
