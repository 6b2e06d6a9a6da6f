"""The configuration: every environment variable with its meaning, read once; what is not understood refuses the start."""

import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

from cds_service.knowledge.parameters import ParameterError, Parameters, in_force

PREFIX = "CDS_"
Network = IPv4Network | IPv6Network
T = TypeVar("T")


class ConfigError(ValueError):
    """The service must not start with this configuration; the message says why in one sentence, for the operator."""


class Variable(Struct, frozen=True):
    """One environment variable: its name, what it means, the default as text."""

    name: str
    meaning: str
    default: str


VARIABLES = (
    Variable(
        "CDS_BASE_URL",
        "public URL of the service: clients make their tokens for it, and the cards link to it",
        "from host and port",
    ),
    Variable(
        "CDS_AUTH",
        "client authentication: required or off",
        "off where `cds-service serve` listens on loopback, else required",
    ),
    Variable(
        "CDS_ISSUERS",
        "TOML file of the trusted clients: [[issuer]] with iss, jwks_file or jku (or both: a token that names a jku must name "
        "that one), fhir_servers, and where agreed tenants, audiences, algorithms (ES384 and RS384 unless given; ES256, RS256 "
        "and PS384 can be), max_lifetime_s (3600), fhir_version and not_offered. Needed where authentication is required",
        "none",
    ),
    Variable(
        "CDS_FHIR_SERVERS",
        "comma list of the exact FHIR base URLs that may be called while authentication is off, with the client's token or, as "
        "they are taken to be open, without one (http on loopback only)",
        "none",
    ),
    Variable(
        "CDS_PRIVATE_NETWORKS",
        "comma list of networks (10.1.0.0/16) into which the host names of FHIR servers and key sets may lead; public addresses "
        "always may, and an address that is itself the host of a listed URL",
        "none",
    ),
    Variable(
        "CDS_CA_FILE",
        "PEM file of the certificate authorities to trust when FHIR servers and key sets are called, in place of the public ones",
        "the public ones",
    ),
    Variable(
        "CDS_CORS_ORIGINS",
        "comma list of the exact origins whose pages may call",
        "https://sandbox.cds-hooks.org,http://localhost:8080",
    ),
    Variable(
        "CDS_STORE",
        "where answered cards, feedback and used tokens are kept: sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/DATABASE "
        "(the extra cds-service[postgresql])",
        "sqlite:///cds-service.sqlite3",
    ),
    Variable(
        "CDS_OPERATORS",
        "comma list of the networks (address/length) whose callers see /metrics and /feedback-report where authentication is "
        "required; whoever calls by way of a proxy does not",
        "127.0.0.0/8,::1/128",
    ),
    Variable("CDS_BUDGET_MS", "how long one call may gather data from a FHIR server, in milliseconds", "400"),
    Variable("CDS_MAX_BODY", "largest body of a request in bytes", "5000000"),
    Variable("CDS_SITE", "TOML file with the site's own values for the parameters of the knowledge base", "none"),
    Variable(
        "CDS_STRICT",
        "on or off: also validate the evidence of each live answer with the FHIR models; slow, for test sites",
        "off",
    ),
)
"""Every variable there is, in the order in which they are shown."""


class Config(Struct, frozen=True, kw_only=True):
    """The configuration in force."""

    base_url: str
    store: Path | str
    origins: frozenset[str]
    max_body: int
    budget_ms: int
    fhir_servers: tuple[str, ...]
    operators: tuple[Network, ...] = ()
    private_networks: tuple[Network, ...] = ()
    authorities: Path | None = None
    strict: bool
    parameters: Parameters
    authentication: bool
    issuers: Path | None


def load(environ: Mapping[str, str], *, host: str | None = None, port: int | None = None) -> Config:
    """The configuration of the environment; ``host`` and ``port`` are where the service will listen, as far as it knows.

    Raises:
        ConfigError: an unknown variable, a value that is not understood, or one this version cannot honour.
    """
    known = {variable.name: variable.default for variable in VARIABLES}
    unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise ConfigError(f"{', '.join(unknown)}: there is no such variable; `cds-service config` lists them all.")
    given = {name: environ[name].strip() for name in known if environ.get(name, "").strip()}
    authentication = _authentication(given.get("CDS_AUTH"), host, listed="CDS_ISSUERS" in given)

    def text(name: str) -> str:
        return given.get(name, known[name])

    return Config(
        base_url=_base_url(given.get("CDS_BASE_URL"), host, port),
        store=_store(text("CDS_STORE")),
        origins=frozenset(_list("CDS_CORS_ORIGINS", text("CDS_CORS_ORIGINS"), _origin)),
        max_body=_number("CDS_MAX_BODY", text("CDS_MAX_BODY"), 1_000, 1_000_000_000),
        budget_ms=_number("CDS_BUDGET_MS", text("CDS_BUDGET_MS"), 10, 60_000),
        fhir_servers=tuple(_list("CDS_FHIR_SERVERS", given.get("CDS_FHIR_SERVERS", ""), _fhir_server)),
        operators=tuple(_list("CDS_OPERATORS", text("CDS_OPERATORS"), _network)),
        private_networks=tuple(_list("CDS_PRIVATE_NETWORKS", given.get("CDS_PRIVATE_NETWORKS", ""), _network)),
        authorities=_authorities(given.get("CDS_CA_FILE")),
        strict=_choice("CDS_STRICT", text("CDS_STRICT"), "off", "on") == "on",
        parameters=_site(given.get("CDS_SITE")),
        authentication=authentication,
        issuers=Path(given["CDS_ISSUERS"]) if "CDS_ISSUERS" in given else None,
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _authentication(value: str | None, host: str | None, *, listed: bool) -> bool:
    """Whether clients must show who they are; ``listed`` tells whether there is a list of those who may call."""
    if value is None and host is None:
        raise ConfigError("CDS_AUTH must be set under this server, as the address it listens on is not known: required or off.")
    required = not is_loopback(host or "") if value is None else _choice("CDS_AUTH", value, "required", "off") == "required"
    if required and not listed:
        raise ConfigError(
            "CDS_ISSUERS must be set, as client authentication is required: list the trusted clients in it, listen on a loopback "
            "address, or set CDS_AUTH=off where something in front of the service lets in only whom you trust."
        )
    return required


def _choice(name: str, value: str, *choices: str) -> str:
    if value not in choices:
        raise ConfigError(f"{name}: must be {' or '.join(choices)}.")
    return value


def _base_url(value: str | None, host: str | None, port: int | None) -> str:
    if value is not None:
        return _url("CDS_BASE_URL", value)
    if host is None:
        raise ConfigError("CDS_BASE_URL must be set under this server, as the address it listens on is not known.")
    address = _address(host)
    if address is not None and address.is_unspecified:
        raise ConfigError(f"CDS_BASE_URL must be set, as no client can call {host}.")
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _url(name: str, value: str) -> str:
    """The URL without a slash at its end."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.query or parts.fragment or set(value) & set(" \\?#\t\r\n"):
        raise ConfigError(f"{name}: {value!r} is no plain http or https URL.")
    return value.rstrip("/")


def _origin(name: str, value: str) -> str:
    if urlsplit(_url(name, value)).path or value.endswith("/"):
        raise ConfigError(f"{name}: {value!r} is no origin: scheme, host and port only.")
    return value


def _fhir_server(name: str, value: str) -> str:
    parts = urlsplit(_url(name, value))
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ConfigError(f"{name}: {value!r} must be https; http is for loopback addresses only.")
    return value.rstrip("/")


def _network(name: str, value: str) -> Network:
    try:
        return ip_network(value)
    except ValueError:
        raise ConfigError(f"{name}: {value!r} is no network; 10.1.0.0/16 is one.") from None


def _authorities(value: str | None) -> Path | None:
    """The file, if certificates can be read from it."""
    if value is None:
        return None
    import ssl  # noqa: PLC0415 - costs start-up time, and few need it

    try:
        ssl.create_default_context(cafile=value)
    except OSError:
        raise ConfigError(f"CDS_CA_FILE: no certificates can be read from {value}.") from None
    return Path(value)


def _list(name: str, value: str, item: Callable[[str, str], T]) -> list[T]:
    return [item(name, part.strip()) for part in value.split(",") if part.strip()]


def _number(name: str, value: str, low: int, high: int) -> int:
    number = int(value) if value.isascii() and value.isdecimal() and len(value) < 12 else -1
    if not low <= number <= high:
        raise ConfigError(f"{name}: must be a whole number from {low} to {high}.")
    return number


def _store(value: str) -> Path | str:
    if value.startswith(("postgresql://", "postgres://")):
        return value
    if not value.startswith("sqlite:///") or value == "sqlite:///":
        raise ConfigError(
            "CDS_STORE: must be sqlite:///FILE, with a fourth slash where the path is absolute, or postgresql://..."
        )
    return Path(value.removeprefix("sqlite:///"))


def toml(name: str, value: str) -> dict[str, object]:
    """The content of the TOML file that a variable names, with its fractions as Decimal.

    Raises:
        ConfigError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(Path(value).read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ConfigError(f"{name}: {value} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{name}: {value} is no TOML: {error}.") from None


def _site(value: str | None) -> Parameters:
    try:
        return in_force(toml("CDS_SITE", value) if value is not None else None)
    except ParameterError as error:
        raise ConfigError(f"CDS_SITE: {error}.") from None
