"""The trusted clients as the operator lists them, in a TOML file with one ``[[issuer]]`` for each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from cds_service.config import ConfigError, toml
from cds_service.knowledge.parameters import described
from cds_service.trust.client import Client
from cds_service.trust.servers import base_url

Algorithm = Literal["ES256", "ES384", "PS384", "RS256", "RS384"]

RECOMMENDED: tuple[Algorithm, ...] = ("ES384", "RS384")
"""The algorithms that CDS Hooks recommends; others are agreed with an issuer by name."""

LONGEST_S = 3600
"""How long a token may be valid in all, in seconds, where nothing else is agreed."""

Word = Annotated[str, Meta(min_length=1)]


class Issuer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One trusted client, as agreed with it.

    ``iss`` is the issuer named in its tokens. Its public keys are in ``jwks_file`` or at ``jku``; a token that names a ``jku``
    must name that one. ``tenants`` are those it may name; any or none where the list is empty. ``audiences`` are taken beside
    the address called. ``max_lifetime_s`` is how long its tokens may be valid.
    """

    iss: Word
    jwks_file: str | None = None
    jku: str | None = None
    fhir_servers: tuple[str, ...] = ()
    tenants: tuple[Word, ...] = ()
    audiences: tuple[Word, ...] = ()
    algorithms: Annotated[tuple[Algorithm, ...], Meta(min_length=1)] = RECOMMENDED
    fhir_version: Literal["DSTU2", "STU3", "R4", "R4B", "R5"] | None = None
    not_offered: tuple[str, ...] = ()
    max_lifetime_s: Annotated[int, Meta(ge=60, le=86_400)] = LONGEST_S

    def client(self, tenant: str) -> Client:
        """The client that a token of this issuer tells of."""
        return Client(
            issuer=self.iss,
            tenant=tenant,
            fhir_servers=self.fhir_servers,
            fhir_version="R4" if self.fhir_version == "R4B" else self.fhir_version,  # read alike
            not_offered=frozenset(self.not_offered),
        )


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    issuer: Annotated[tuple[Issuer, ...], Meta(min_length=1)]


def issuers(path: Path) -> tuple[Issuer, ...]:
    """The issuers of a file, with the names of key files as absolute paths.

    Raises:
        ConfigError: it cannot be read, or lists something that cannot be meant.
    """
    try:
        listed = msgspec.convert(toml("CDS_ISSUERS", str(path)), _File).issuer
    except msgspec.ValidationError as error:
        raise ConfigError(f"CDS_ISSUERS: {path}: {error}.") from None
    names = [issuer.iss for issuer in listed]
    for issuer in listed:
        for fault in (*_faults(issuer), *(["is listed twice"] if names.count(issuer.iss) > 1 else [])):
            raise ConfigError(f"CDS_ISSUERS: issuer {issuer.iss!r} {fault}.")
    return tuple(_settled(issuer, path.parent) for issuer in listed)


def _faults(issuer: Issuer) -> Iterator[str]:
    if issuer.jku is not None and base_url(issuer.jku) != issuer.jku:
        yield f"has the jku {issuer.jku!r}, which is no plain https URL (http for this machine only)"
    for server in issuer.fhir_servers:
        if base_url(server) is None:
            yield f"has the FHIR server {server!r}, which is no plain https URL (http for this machine only)"
    for name in issuer.not_offered:
        if name not in described()["not_offered"].choices:
            yield f"never offers {name!r}, which is nothing that is asked for"


def _settled(issuer: Issuer, folder: Path) -> Issuer:
    file = None if issuer.jwks_file is None else str((folder / issuer.jwks_file).absolute())
    servers = (base_url(server) for server in issuer.fhir_servers)
    return replace(issuer, jwks_file=file, fhir_servers=tuple(server for server in servers if server is not None))
