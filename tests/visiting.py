"""A call that may read from a FHIR server, for tests."""

import json
from datetime import date
from typing import Any

from cds_service.gather import KEYS, Access, Fetcher, Visit, gather
from cds_service.gather.deadline import Clock, monotonic
from cds_service.protocol.gathered import Gathered, State
from cds_service.protocol.request import parse
from tests.conftest import hook_request
from tests.fhir_server import FhirServer

Json = dict[str, Any]
TODAY = date(2026, 3, 1)
BEARER = "canary-4d1f0c5e-of-the-call"
ENOUGH_S = 10.0
WHOLE = object()
"""Stands for an authorization as it should be."""


def authorization(**changes: Any) -> Json:
    """A whole fhirAuthorization; ``...`` as a value takes the member out."""
    members = {
        "access_token": BEARER,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.rs",
        "subject": "cds-service",
        "patient": "p1",
    }
    return {name: value for name, value in (members | changes).items() if value is not ...}


def fetcher(*, budget_s: float = ENOUGH_S, max_bytes: int = 5_000_000, clock: Clock = monotonic) -> Fetcher:
    return Fetcher(budget_s=budget_s, max_bytes=max_bytes, clock=clock)


def visit(fhir: FhirServer, *, by: Fetcher | None = None, is_open: bool = False) -> Visit:
    return Visit("patient-view", TODAY, Access(by or fetcher(), frozenset({fhir.base}), is_open))


def request(
    fhir: FhirServer,
    prefetch: Any,
    *,
    authorized: Any = WHOLE,
    server: Any = None,
    hook: str = "patient-view",
    context: Json | None = None,
) -> Json:
    """A request that names the server; ``authorized`` is its fhirAuthorization, ``...`` for none."""
    return hook_request(
        hook,
        prefetch=prefetch,
        fhirServer=server or fhir.base,
        fhirAuthorization=authorization() if authorized is WHOLE else authorized,
        context={"userId": "Practitioner/a", "patientId": "p1"} | (context or {}),
    )


def asked(
    fhir: FhirServer,
    prefetch: Any,
    *,
    call: Visit | None = None,
    not_offered: frozenset[str] = frozenset(),
    fhir_version: str | None = None,
    **members: Any,
) -> Gathered:
    """What is gathered for such a request."""
    body = json.dumps(request(fhir, prefetch, **members)).encode()
    return gather(parse(body), not_offered=not_offered, fhir_version=fhir_version, visit=call or visit(fhir))


def known(*missing: str) -> Json:
    """A prefetch that answers every key with nothing but the ``missing`` ones."""
    return {key: None for key in KEYS if key not in missing}


def states(gathered: Gathered) -> dict[str, State]:
    return {key: answer.state for key, answer in gathered.answers.items()}


def ids(gathered: Gathered, key: str) -> list[str]:
    return [json.loads(bytes(resource))["id"] for resource in gathered.answers[key].resources]


def of(kind: str, ident: str, **members: Any) -> Json:
    """A resource of the person."""
    subject = "patient" if kind == "AllergyIntolerance" else "subject"
    return {"resourceType": kind, "id": ident, subject: {"reference": "Patient/p1"}, **members}


TYPES = sorted(set(KEYS.values()) - {"Patient", "MedicationOrder"})
RECORD = [{"resourceType": "Patient", "id": "p1"}, *(of(kind, f"{kind}-1") for kind in TYPES)]
"""The person, and one resource of each type that is read."""
