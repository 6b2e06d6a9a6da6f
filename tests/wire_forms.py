"""One request in the other forms it can come in: what an R4 client sends, as STU3, R5 and DSTU2 clients would say the same.

Only the elements that the stories use. What a version cannot say raises ``NoFormError``.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any

Json = dict[str, Any]
VERSIONS = ("STU3", "DSTU2", "R5")
ADHERENCE = "http://hl7.org/fhir/CodeSystem/medication-statement-adherence"


class NoFormError(ValueError):
    """The version has no way to say this."""


def converted(body: Json, version: str) -> Json:
    """The request as a client of that version sends it.

    Raises:
        NoFormError: it says something that the version cannot say.
    """
    form = copy.deepcopy(body)
    convert = {"STU3": _stu3, "DSTU2": _dstu2, "R5": _r5}[version]
    for holder, key in list(_places(form)):
        holder[key] = convert(holder[key])
    if version == "DSTU2":
        _gather_orders(form.get("prefetch", {}))
    return form


def _places(body: Json) -> Iterator[tuple[Any, Any]]:
    """Where the resources of a request stand, so that each can be put back changed."""
    for value in (*body.get("prefetch", {}).values(), *body["context"].values()):
        entries = value.get("entry", []) if isinstance(value, dict) else value if isinstance(value, list) else []
        for place, entry in enumerate(entries):
            if isinstance(entry, dict) and "resource" in entry:
                yield entry, "resource"
            elif isinstance(entry, dict):
                yield entries, place
    if "task" in body["context"]:
        yield body["context"], "task"
    person = body.get("prefetch", {}).get("patient")
    if isinstance(person, dict) and person.get("resourceType") == "Patient":
        yield body["prefetch"], "patient"


def _gather_orders(prefetch: Json) -> None:
    """In DSTU2 what a statement cannot say stands in an order, and orders have a key of their own."""
    asked = "medicationRequests" in prefetch
    requests = prefetch.pop("medicationRequests", None)
    statements = prefetch.get("medicationStatements")
    orders = list(requests["entry"]) if requests and "entry" in requests else []
    if statements and "entry" in statements:
        moved = [entry for entry in statements["entry"] if entry["resource"]["resourceType"] == "MedicationOrder"]
        statements["entry"] = [entry for entry in statements["entry"] if entry not in moved]
        statements["total"] = len(statements["entry"])
        orders += moved
    if orders or (requests and requests["resourceType"] == "Bundle"):
        prefetch["medicationOrders"] = {"resourceType": "Bundle", "type": "searchset", "total": len(orders), "entry": orders}
    elif asked:
        prefetch["medicationOrders"] = requests


def _each(dosages: list[Json]) -> Iterator[Json]:
    """The lines of a dosage, their dose taken out of R4's list."""
    for line in dosages:
        for inner in line.pop("doseAndRate", [])[:1]:
            line.update({name: value for name, value in inner.items() if name in {"doseQuantity", "doseRange"}})
        yield line


def _code(concept: Json) -> str:
    return str(concept["coding"][0]["code"])


def _words(concept: Json) -> str:
    return str(concept.get("text") or concept["coding"][0].get("display") or concept["coding"][0]["code"])


def _noted(resource: Json, name: str) -> None:
    """What became of it, in a note, where the version has no place for the reason."""
    told = resource.pop(name, None)
    for concept in told if isinstance(told, list) else [told] if told else []:
        resource.setdefault("note", []).append({"text": f"Stopped because of: {_words(concept)}"})


def _bounds(resource: Json) -> list[Json]:
    """The days of each line of an order."""
    return [line.get("timing", {}).get("repeat", {}).get("boundsPeriod", {}) for line in resource.get("dosageInstruction", [])]


def _rename(resource: Json, **names: str) -> Json:
    for old, new in names.items():
        if old in resource:
            resource[new] = resource.pop(old)
    return resource


def _refuse(resource: Json, *names: str) -> None:
    for name in names:
        if resource.get(name):
            raise NoFormError(name)


def _ingredients(resource: Json) -> list[Json]:
    """What is in the product that a resource carries along."""
    return [ingredient for inner in resource.get("contained", []) for ingredient in inner.get("ingredient", [])]


# --- STU3


def _stu3(resource: Json) -> Json:
    change: Callable[[Json], None] | None = _TO_STU3.get(resource["resourceType"])
    if change is not None:
        change(resource)
    return resource


def _condition_stu3(resource: Json) -> None:
    for name in ("clinicalStatus", "verificationStatus"):
        if name in resource:
            resource[name] = _code(resource[name])
    _rename(resource, recordedDate="assertedDate")


def _request_stu3(resource: Json) -> None:
    _refuse(resource, "doNotPerform")
    list(_each(resource.get("dosageInstruction", [])))
    _noted(resource, "statusReason")
    _rename(resource, encounter="context")
    if "category" in resource:
        resource["category"] = resource["category"][0]


def _statement_stu3(resource: Json) -> None:
    list(_each(resource.get("dosage", [])))
    _noted(resource, "statusReason")
    taken = {"not-taken": ("completed", "n"), "unknown": ("active", "unk"), "entered-in-error": ("entered-in-error", "unk")}
    resource["status"], resource["taken"] = taken.get(resource["status"], (resource["status"], "y"))


def _dispense_stu3(resource: Json) -> None:
    list(_each(resource.get("dosageInstruction", [])))


def _observation_stu3(resource: Json) -> None:
    if "interpretation" in resource:
        resource["interpretation"] = resource["interpretation"][0]


def _group_stu3(resource: Json) -> None:
    resource["status"] = {"revoked": "cancelled", "on-hold": "suspended"}.get(resource["status"], resource["status"])
    for action in resource["action"]:
        if "type" in action:
            action["type"] = action["type"]["coding"][0]


def _plan_stu3(resource: Json) -> None:
    resource["status"] = {"revoked": "cancelled", "on-hold": "suspended"}.get(resource["status"], resource["status"])


_TO_STU3: dict[str, Callable[[Json], None]] = {
    "Condition": _condition_stu3,
    "AllergyIntolerance": _condition_stu3,
    "MedicationRequest": _request_stu3,
    "MedicationStatement": _statement_stu3,
    "MedicationDispense": _dispense_stu3,
    "Observation": _observation_stu3,
    "RequestGroup": _group_stu3,
    "CarePlan": _plan_stu3,
}


# --- R5


def _r5(resource: Json) -> Json:
    if "medicationCodeableConcept" in resource:
        resource["medication"] = {"concept": resource.pop("medicationCodeableConcept")}
    elif "medicationReference" in resource:
        resource["medication"] = {"reference": resource.pop("medicationReference")}
    for ingredient in _ingredients(resource):
        ingredient["item"] = {"concept": ingredient.pop("itemCodeableConcept")}
    reasons = [{"concept": one} for one in resource.pop("reasonCode", [])]
    reasons += [{"reference": one} for one in resource.pop("reasonReference", [])]
    if reasons:
        resource["reason"] = reasons
    change = _TO_R5.get(resource["resourceType"])
    if change is not None:
        change(resource)
    return resource


def _request_r5(resource: Json) -> None:
    bounds = _bounds(resource)
    if resource["status"] in {"stopped", "on-hold"} and bounds and "end" in bounds[0]:
        resource["statusChanged"] = bounds[0]["end"]


def _procedure_r5(resource: Json) -> None:
    _rename(resource, performedDateTime="occurrenceDateTime", performedPeriod="occurrencePeriod")


def _administration_r5(resource: Json) -> None:
    _rename(resource, effectiveDateTime="occurenceDateTime", effectivePeriod="occurencePeriod")


def _group_r5(resource: Json) -> None:
    resource["resourceType"] = "RequestOrchestration"


def _plan_r5(resource: Json) -> None:
    for activity in resource["activity"]:
        _rename(activity, reference="plannedActivityReference")


def _statement_r5(resource: Json) -> None:
    status = resource["status"]
    _refuse({"intended": status == "intended"}, "intended")
    codes = {"active": "taking", "stopped": "stopped", "not-taken": "not-taking", "on-hold": "on-hold", "unknown": "unknown"}
    resource["status"] = "entered-in-error" if status == "entered-in-error" else "recorded"
    reasons = resource.pop("statusReason", [])
    if status in codes:
        adherence: Json = {"code": {"coding": [{"system": ADHERENCE, "code": codes[status]}]}}
        resource["adherence"] = adherence if not reasons else {**adherence, "reason": reasons[0]}


_TO_R5: dict[str, Callable[[Json], None]] = {
    "MedicationStatement": _statement_r5,
    "MedicationRequest": _request_r5,
    "MedicationAdministration": _administration_r5,
    "Procedure": _procedure_r5,
    "RequestGroup": _group_r5,
    "CarePlan": _plan_r5,
}


# --- DSTU2


def _dstu2(resource: Json) -> Json:
    _refuse({"ingredient": _ingredients(resource)}, "ingredient")
    change = _TO_DSTU2.get(resource["resourceType"])
    return resource if change is None else change(resource)


def _timed(line: Json) -> Json:
    repeat = line.get("timing", {}).get("repeat", {})
    _rename(repeat, periodUnit="periodUnits", boundsDuration="boundsQuantity")
    line.pop("sequence", None)
    return line


def _order_dstu2(resource: Json) -> Json:
    _refuse(resource, "doNotPerform", "basedOn")
    discharge = any(_code(category) == "discharge" for category in resource.get("category", []))
    _refuse({"cancelled": resource["status"] == "cancelled", "discharge": discharge}, "cancelled", "discharge")
    bounds = _bounds(resource)
    for line in _each(resource.get("dosageInstruction", [])):
        _timed(line)
    _rename(resource, subject="patient", authoredOn="dateWritten", statusReason="reasonEnded")
    for name in ("intent", "category", "requester"):
        resource.pop(name, None)
    for name, single in (("reasonCode", "reasonCodeableConcept"), ("reasonReference", "reasonReference")):
        if name in resource:
            resource[single] = resource.pop(name)[0]
    if resource["status"] == "stopped" and bounds and "end" in bounds[0]:
        resource["dateEnded"] = bounds[0]["end"]
    prior = resource.get("priorPrescription")
    if prior and "reference" in prior:
        prior["reference"] = prior["reference"].replace("MedicationRequest/", "MedicationOrder/")
    return {**resource, "resourceType": "MedicationOrder"}


def _statement_dstu2(resource: Json) -> Json:
    status = resource["status"]
    _refuse({"unknown": status == "unknown"}, "unknown")
    if status in {"stopped", "on-hold"}:
        return _as_order(resource)
    for line in _each(resource.get("dosage", [])):
        _rename(_timed(line), doseQuantity="quantityQuantity", doseRange="quantityRange")
    if status == "not-taken":
        resource["status"] = "completed"
    resource["wasNotTaken"] = status == "not-taken"
    resource.pop("statusReason", None)
    resource.pop("reasonCode", None)
    return _rename(resource, subject="patient")


def _as_order(resource: Json) -> Json:
    """A statement that something was stopped or held, as the order that can say so."""
    period = resource.pop("effectivePeriod", {})
    lines = resource.pop("dosage", [])
    for line in lines:
        line.setdefault("timing", {}).setdefault("repeat", {})["boundsPeriod"] = dict(period)
    resource.pop("dateAsserted", None)
    reasons = resource.pop("statusReason", [])
    order = {**resource, "resourceType": "MedicationRequest", "id": f"{resource['id']}-o", "dosageInstruction": lines}
    if "start" in period:
        order["authoredOn"] = period["start"]
    if reasons:
        order["statusReason"] = reasons[0]
    told = _order_dstu2(order)
    return {**told, "dateEnded": period["end"]} if "end" in period else told


def _dispense_dstu2(resource: Json) -> Json:
    for line in _each(resource.get("dosageInstruction", [])):
        _timed(line)
    return _rename(resource, subject="patient")


def _administration_dstu2(resource: Json) -> Json:
    if "dose" in resource.get("dosage", {}):
        resource["dosage"]["quantity"] = resource["dosage"].pop("dose")
    return _rename(resource, subject="patient", effectiveDateTime="effectiveTimeDateTime", effectivePeriod="effectiveTimePeriod")


def _condition_dstu2(resource: Json) -> Json:
    _condition_stu3(resource)
    return _rename(resource, subject="patient", assertedDate="dateRecorded")


def _allergy_dstu2(resource: Json) -> Json:
    resource["status"] = _code(resource.pop("clinicalStatus"))
    resource.pop("verificationStatus", None)
    resource["criticality"] = {"high": "CRITH", "low": "CRITL"}.get(resource.get("criticality", ""), "CRITU")
    return _rename(resource, code="substance")


def _observation_dstu2(resource: Json) -> Json:
    _observation_stu3(resource)
    if resource["status"] == "corrected":
        resource["status"] = "amended"
    return resource


def _plan_dstu2(resource: Json) -> Json:
    _refuse({"on-hold": resource["status"] == "on-hold"}, "on-hold")
    _plan_stu3(resource)
    resource.pop("intent", None)
    for activity in resource["activity"]:
        activity["reference"]["reference"] = activity["reference"]["reference"].replace("MedicationRequest/", "MedicationOrder/")
    return resource


def _not_in_dstu2(resource: Json) -> Json:
    raise NoFormError(resource["resourceType"])


_TO_DSTU2: dict[str, Callable[[Json], Json]] = {
    "Condition": _condition_dstu2,
    "AllergyIntolerance": _allergy_dstu2,
    "MedicationRequest": _order_dstu2,
    "MedicationStatement": _statement_dstu2,
    "MedicationDispense": _dispense_dstu2,
    "MedicationAdministration": _administration_dstu2,
    "Observation": _observation_dstu2,
    "RequestGroup": _not_in_dstu2,
    "CarePlan": _plan_dstu2,
    "Task": _not_in_dstu2,
}
