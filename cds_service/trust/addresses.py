"""Which network address may be connected to on behalf of a listed server.

A listed name leads to public addresses only, whatever the name service answers: a private address has to be listed too, as the
host of the base URL itself or by its network.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from cds_service.trust.servers import address_of

Network = IPv4Network | IPv6Network

_LEADS_ON = tuple(
    ip_network(network)
    for network in (
        "192.0.0.0/24",  # of the protocols themselves
        "192.88.99.0/24",  # 6to4 relays
        "::/96",  # IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64 of a site
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "fec0::/10",  # site-local, of old
    )
)
"""Networks whose addresses lead on to others, most of them to an IPv4 address that they hold, without being private."""


def connectable(address: str, host: str, networks: Iterable[Network] = ()) -> bool:
    """Whether the ``address`` that the ``host`` of a listed base URL resolved to may be connected to.

    ``networks`` are those in which listed servers may be although they are not public.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    named = address_of(host)
    if named is not None:
        return found == named
    if host == "localhost":
        return found.is_loopback
    return _public(found) or any(found in network for network in networks)


def _public(address: IPv4Address | IPv6Address) -> bool:
    leads_on = any(address in network for network in _LEADS_ON)
    return address.is_global and not address.is_multicast and not address.is_reserved and not leads_on
