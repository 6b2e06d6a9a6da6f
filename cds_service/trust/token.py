"""A bearer token taken apart: a JWT in compact form, strictly as RFC 7515 and CDS Hooks write it. Nothing is verified here."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from cds_service.protocol.wire import BadRequest, parse_unique, refuse_hostile
from cds_service.trust.refusal import Cause, Refused

MAX_TOKEN = 8_000
"""How many characters a token may have; servers take header lines of about that length."""

_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE | re.ASCII)
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)
_NEVER = frozenset({"crit", "b64", "zip", "enc"})
"""Header members that change how a token is to be read; no client of CDS Hooks has use for one."""

Word = Annotated[str, Meta(min_length=1)]


class Header(Struct, frozen=True):
    """The members of the header that are looked at. Keys and certificates that a token brings along are none of them."""

    alg: str
    kid: Word
    typ: Literal["JWT"]
    jku: str | UnsetType = UNSET


class Claims(Struct, frozen=True):
    """The claims that are looked at; times are seconds since 1970."""

    iss: str
    aud: str | tuple[str, ...]
    exp: int | float
    iat: int | float
    jti: Word
    nbf: int | float | UnsetType = UNSET
    tenant: str | UnsetType = UNSET


class Token(Struct, frozen=True):
    """One token: what it says, the bytes that are signed, and the signature."""

    header: Header
    claims: Claims
    signed: bytes
    signature: bytes


def bearer(authorization: str | None) -> Token:
    """The token in the value of an Authorization header.

    Raises:
        Refused: there is none, or it is not one that could be verified.
    """
    found = _BEARER.fullmatch(authorization or "")
    if found is None:
        raise Refused(Cause.MISSING)
    return parse(found[1])


def parse(text: str) -> Token:
    """The token in its compact form.

    Raises:
        Refused: it is malformed.
    """
    parts = _COMPACT.fullmatch(text) if len(text) <= MAX_TOKEN else None
    if parts is None:
        raise Refused(Cause.MALFORMED)
    try:
        header, claims, signature = (decoded(part) for part in parts.groups())
        return Token(
            header=msgspec.convert(_plain_header(header), Header),
            claims=msgspec.convert(_object(claims), Claims),
            signed=text.rpartition(".")[0].encode(),
            signature=signature,
        )
    except ValueError:  # what is no base64url, BadRequest and ValidationError are such
        raise Refused(Cause.MALFORMED) from None


def decoded(text: str) -> bytes:
    """The bytes of base64url without padding.

    Raises:
        ValueError: it is not the one way to write these bytes.
    """
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if urlsafe_b64encode(data).rstrip(b"=") != text.encode():
        raise ValueError(text)
    return data


def _plain_header(data: bytes) -> dict[str, object]:
    members = _object(data)
    if not _NEVER.isdisjoint(members):
        raise BadRequest("", "is to be read in another way")
    return members


def _object(data: bytes) -> dict[str, object]:
    refuse_hostile(data)
    members = parse_unique(data)
    if not isinstance(members, dict):
        raise BadRequest("", "is no object")
    return members
