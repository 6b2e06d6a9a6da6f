"""The client's ``fhirAuthorization``: whether its token may be used for this patient, and for which types of resource."""

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from cds_service.protocol.request import HookContext

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,8192}=*")
"""The characters of a bearer token (RFC 6750); nothing else may get into a header."""

_SCOPE = re.compile(r"(?:patient|user|system)/(\*|[A-Za-z]+)\.(\*|read|write|c?r?u?d?s?)(\?.+)?")
"""A SMART scope for data, of version 1 (``.read``) or 2 (``.rs``, with a query)."""


class Authorization(Struct, frozen=True):
    """A token that may be used, and what its scope says: the types it lets be read, be searched, and be had in part only.

    ``*`` among them stands for every type. There is no token for a server that is open.
    """

    token: str | None
    readable: frozenset[str]
    searchable: frozenset[str]
    narrowed: frozenset[str] = frozenset()

    def covers(self, kind: str, *, search: bool) -> bool:
        """Whether the scope lets this type be read, or searched; what it does not cover is not asked for."""
        return _has(self.searchable if search else self.readable, kind)

    def narrows(self, kind: str) -> bool:
        """Whether the scope lets only a part of this type be seen, so that an empty answer says nothing."""
        return _has(self.narrowed, kind)


OPEN = Authorization(None, frozenset("*"), frozenset("*"))
"""What may be asked of a server that is open."""


def _has(types: frozenset[str], kind: str) -> bool:
    return kind in types or "*" in types


def authorization(raw: Raw, context: HookContext) -> Authorization | None:
    """The authorization, or None for one that is not to be used: incomplete, not a bearer token, or for somebody else."""
    try:
        members: Any = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None
    if not isinstance(members, dict) or not _whole(members):
        return None
    patient = members.get("patient")
    if patient is not None and (not isinstance(patient, str) or patient.removeprefix("Patient/") != context.patient_id):
        return None
    return _scoped(members["access_token"], members["scope"])


def _whole(members: dict[str, Any]) -> bool:
    """Whether all that the specification requires is there, of its type."""
    token, subject, expires = members.get("access_token"), members.get("subject"), members.get("expires_in")
    if isinstance(expires, str) and expires.isascii() and expires.isdigit() and len(expires) < 10:
        expires = int(expires)  # sent as a text by some
    return (
        isinstance(token, str)
        and _TOKEN.fullmatch(token) is not None
        and members.get("token_type") == "Bearer"
        and isinstance(expires, int)
        and not isinstance(expires, bool)
        and expires > 0
        and isinstance(members.get("scope"), str)
        and isinstance(subject, str)
        and bool(subject)
    )


def _scoped(token: str, scope: str) -> Authorization:
    """The token with what its scope tells; a part of a scope that is not understood lets nothing be seen."""
    readable: set[str] = set()
    searchable: set[str] = set()
    narrow: set[str] = set()
    whole: set[str] = set()
    for part in scope.split():
        match = _SCOPE.fullmatch(part)
        if match is None or match[2] == "write":
            continue
        kind, rights, query = match.groups()
        if rights in {"*", "read"} or "r" in rights:
            readable.add(kind)
        if rights in {"*", "read"} or "s" in rights:
            searchable.add(kind)
            (narrow if query else whole).add(kind)
    narrowed = frozenset() if "*" in whole else frozenset(narrow - whole)
    return Authorization(token, frozenset(readable), frozenset(searchable), narrowed)
