"""What the claims of a token must say: made for this address, and valid now."""

import re
from collections.abc import Collection

from msgspec import UNSET

from cds_service.trust.token import Claims

LEEWAY_S = 60
"""How far a client's clock may be ahead of ours, in seconds."""

_FARTHEST = 10**11
"""A time that no clock shows (the year 5138): what lies beyond is not reckoned with."""

_SLASHES = re.compile("//+")


def meant_for(claims: Claims, address: str, base_url: str, audiences: Collection[str]) -> bool:
    """Whether the token was made for the address called, or for one agreed with its issuer.

    ``address`` is the plain path below the public URL. As for paths, a doubled slash or one at the end is no other address.
    """
    named = (claims.aud,) if isinstance(claims.aud, str) else claims.aud
    return any(one in audiences or _plain(one, base_url) == address for one in named)


def _plain(audience: str, base_url: str) -> str | None:
    if not audience.startswith(base_url + "/"):
        return None
    return _SLASHES.sub("/", audience.removeprefix(base_url)).rstrip("/")


def in_time(claims: Claims, *, now: float, longest: int) -> bool:
    """Whether the token is valid at ``now`` (seconds since 1970), and for no longer than ``longest`` seconds in all.

    Our clock may be behind the client's by the leeway; an expired token gets none, as clients set their own margin.
    """
    times = [claims.exp, claims.iat, *(() if claims.nbf is UNSET else (claims.nbf,))]
    if not all(-_FARTHEST < time < _FARTHEST for time in times):
        return False
    begun = all(time <= now + LEEWAY_S for time in times[1:])
    return begun and claims.exp > now and claims.exp - claims.iat <= longest
