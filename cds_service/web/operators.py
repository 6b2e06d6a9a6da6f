"""Who may see how the service is used: its metrics and its feedback report hold nothing of a person, but are not for everyone."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from msgspec import Struct
from werkzeug.exceptions import NotFound

_PASSED_ON = (
    "HTTP_FORWARDED",
    "HTTP_VIA",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)
"""What says that a proxy passed the request on, so that the address is the proxy's and tells nothing."""


class Operators(Struct, frozen=True):
    """Who is an operator: everyone where ``anyone`` (clients are not authenticated), else who calls from one of the networks."""

    anyone: bool = True
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def near(cls, *networks: str) -> "Operators":
        """Those who call from one of the networks, each as address/length."""
        return cls(anyone=False, networks=tuple(ip_network(network) for network in networks))

    def let_in(self, environ: Mapping[str, Any]) -> None:
        """Let the caller of a request pass.

        Raises:
            NotFound: for others there is nothing here (404).
        """
        if not self.anyone and (any(name in environ for name in _PASSED_ON) or not self._near(environ.get("REMOTE_ADDR", ""))):
            raise NotFound

    def _near(self, address: str) -> bool:
        try:
            caller = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(caller, "ipv4_mapped", None)
        return any((mapped or caller) in network for network in self.networks)
