"""The gate: every call of the API comes as a client, or not at all."""

from typing import Protocol

from cds_service.trust.client import Client


class Gate(Protocol):
    """Lets callers in; safe to share between threads."""

    required: bool
    """Whether clients have to show who they are."""

    fhir_servers: frozenset[str]
    """The FHIR servers that may be called for some client."""

    not_offered: frozenset[str]
    """What some client never has."""

    def admit(self, authorization: str | None, path: str) -> Client:
        """The client that calls ``path`` (below the public URL, in its plain form) with that Authorization header.

        Raises:
            Refused: it is not let in.
        """

    def troubles(self) -> tuple[str, ...]:
        """What keeps clients from being let in, in words."""


class OpenGate:
    """Client authentication is off: whoever calls is let in, as the one client that is configured without a name."""

    required = False
    not_offered: frozenset[str] = frozenset()

    def __init__(self, fhir_servers: tuple[str, ...] = ()) -> None:
        self.fhir_servers = frozenset(fhir_servers)
        self._anyone = Client(fhir_servers=fhir_servers)

    def admit(self, _authorization: str | None, _path: str) -> Client:
        """Anyone."""
        return self._anyone

    def troubles(self) -> tuple[str, ...]:
        """None."""
        return ()
