"""The client of a request, as configured: who it is and what is known of it beforehand."""

from msgspec import Struct


class Client(Struct, frozen=True, kw_only=True):
    """Who called, and what was agreed with them.

    ``issuer`` and ``tenant`` are empty where clients are not authenticated or no tenant is named. ``fhir_servers`` are the exact
    base URLs that may be called for this client. ``fhir_version`` is None where only the content of a request tells.
    ``not_offered`` are resource types or prefetch keys that this client never has.
    """

    issuer: str = ""
    tenant: str = ""
    fhir_servers: tuple[str, ...] = ()
    fhir_version: str | None = None
    not_offered: frozenset[str] = frozenset()
