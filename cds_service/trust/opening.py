"""From the configuration to the gate that callers have to pass."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from cds_service.config import Config, ConfigError
from cds_service.trust.gate import Gate, OpenGate
from cds_service.trust.issuers import issuers
from cds_service.trust.once import Used
from cds_service.trust.servers import base_url

if TYPE_CHECKING:
    from cds_service.trust.guard import Trusted
    from cds_service.trust.keysets import Fetch

Clock = Callable[[], float]


def open_gate(config: Config, *, used: Used, clock: Clock, fetch: "Callable[[], Fetch]", monotonic: Clock) -> Gate:
    """The gate of a configuration. ``clock`` tells the seconds since 1970, ``used`` keeps the tokens that were used.

    Raises:
        ConfigError: an issuer or a FHIR server is listed as it cannot be meant.
    """
    trusted = clients(config, fetch=fetch, monotonic=monotonic)
    if not config.authentication:
        return OpenGate(fhir_servers(config))
    from cds_service.trust.guard import Guard  # noqa: PLC0415 - see below

    return Guard(trusted, base_url=config.base_url, used=used, clock=clock)


def clients(config: Config, *, fetch: "Callable[[], Fetch]", monotonic: Clock) -> "tuple[Trusted, ...]":
    """The listed clients with their keys; none where clients are not authenticated. Nobody is asked for keys yet.

    Raises:
        ConfigError: one is listed as it cannot be meant, or its key file cannot be used.
    """
    listed = issuers(config.issuers) if config.issuers is not None else ()
    if not config.authentication:
        return ()
    # Verifying takes a tenth of a second to load: who does not authenticate clients starts without.
    from cds_service.trust.guard import Trusted  # noqa: PLC0415
    from cds_service.trust.keysets import keys_of  # noqa: PLC0415

    return tuple(Trusted(issuer, keys_of(issuer, fetch, monotonic)) for issuer in listed)


def fhir_servers(config: Config) -> tuple[str, ...]:
    """The FHIR servers that may be called while clients are not authenticated, each in its one form.

    Raises:
        ConfigError: one is listed by an address that is not plain.
    """
    found = []
    for server in config.fhir_servers:
        base = base_url(server)
        if base is None:
            raise ConfigError(f"CDS_FHIR_SERVERS: {server!r} is no plain base URL.")
        found.append(base)
    return tuple(found)
