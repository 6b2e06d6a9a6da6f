"""Whether a client's token may be used, and for what: faulty ones never, and nothing that its scope surely excludes."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from cds_service.gather.authorization import OPEN, Authorization, authorization
from cds_service.protocol.request import HookContext

GOOD: dict[str, Any] = {
    "access_token": "a.b-c_d~e+f/g==",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.rs",
    "subject": "cds-service",
    "patient": "p1",
}


def read(**changes: Any) -> Authorization | None:
    members = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    return authorization(Raw(msgspec.json.encode(members)), HookContext("p1"))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"patient": "Patient/p1"},
        {"patient": ...},
        {"patient": None},
        {"expires_in": "300"},
        {"extension": {}},
        {"subject": "x"},
    ],
)
def test_a_whole_authorization_is_used(changes: dict[str, Any]) -> None:
    found = read(**changes)
    assert found is not None
    assert found.token == GOOD["access_token"]


JUNK = [..., None, 5, 0, True, [], ["x"], {}, {"a": 1}, ""]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *((member, value) for member in ("access_token", "token_type", "subject") for value in JUNK),
        *(("expires_in", value) for value in (..., None, 0, -1, 1.5, True, "", "x", "-5", "1" * 30, [], {})),
        *(("scope", value) for value in (..., None, 5, [], {})),
        *(("patient", value) for value in ("p2", "Patient/p2", "Group/p1", "", 5, [], {"id": "p1"})),
        *(("token_type", value) for value in ("bearer", "BEARER", "Basic", "MAC", "Bearer ")),
        *(("access_token", value) for value in ("a b", "a\r\nX: y", "a\n", "é", "\x00", "a,b", "=", "x" * 9_000)),
    ],
)
def test_a_faulty_one_or_one_for_somebody_else_is_not_used(member: str, value: Any) -> None:
    assert read(**{member: value}) is None


@pytest.mark.parametrize("raw", [b"5", b'"abc"', b"[]", b"true", b"{}", b'{"access_token":"\\ud800"}'])
def test_what_is_no_authorization_is_not_used(raw: bytes) -> None:
    assert authorization(Raw(raw), HookContext("p1")) is None


@pytest.mark.parametrize(
    ("scope", "reads", "searches"),
    [
        ("patient/*.read", True, True),
        ("user/*.*", True, True),
        ("system/Observation.read", True, True),
        ("patient/*.rs", True, True),
        ("patient/Observation.cruds", True, True),
        ("patient/Observation.r", True, False),
        ("patient/Observation.s", False, True),
        ("launch openid patient/Observation.rs fhirUser", True, True),
        ("patient/Condition.rs patient/Observation.rs", True, True),
        ("patient/Condition.rs", False, False),
        ("patient/Observation.write", False, False),
        ("patient/Observation.cud", False, False),
        ("patient/Observation.sr", False, False),
        ("launch openid", False, False),
        ("", False, False),
        ("practitioner/*.read", False, False),
        ("patient/*.rs?category=laboratory", True, True),
    ],
)
def test_scopes_of_both_versions(scope: str, reads: bool, searches: bool) -> None:
    found = read(scope=scope)
    assert found is not None
    assert (found.covers("Observation", search=False), found.covers("Observation", search=True)) == (reads, searches)


@pytest.mark.parametrize(
    ("scope", "narrowed"),
    [
        ("patient/*.rs", False),
        ("patient/Observation.rs?category=laboratory", True),
        ("patient/*.rs?category=laboratory", True),
        ("patient/Observation.rs?category=laboratory patient/Observation.rs", False),
        ("patient/Observation.rs?category=laboratory user/*.rs", False),
        ("patient/Condition.rs?x=y patient/Observation.rs", False),
    ],
)
def test_a_scope_with_a_query_lets_only_a_part_be_seen(scope: str, narrowed: bool) -> None:
    found = read(scope=scope)
    assert found is not None
    assert found.narrows("Observation") is narrowed


def test_an_open_server_may_be_asked_for_everything() -> None:
    assert OPEN.covers("Anything", search=True)
    assert OPEN.covers("Anything", search=False)
    assert not OPEN.narrows("Anything")
    assert OPEN.token is None
