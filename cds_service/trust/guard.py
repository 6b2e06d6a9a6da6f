"""The gate that asks every caller for a token of CDS Hooks: a JWT signed by a listed issuer, for this address, used once."""

from collections.abc import Callable, Iterable

from msgspec import UNSET, Struct

from cds_service.trust.claims import LEEWAY_S, in_time, meant_for
from cds_service.trust.client import Client
from cds_service.trust.issuers import Issuer
from cds_service.trust.keysets import Keys
from cds_service.trust.once import Once, Used
from cds_service.trust.refusal import Cause, Refused
from cds_service.trust.token import Token, bearer


class Trusted(Struct, frozen=True):
    """An issuer with its keys. No other key verifies its tokens, and they verify no other issuer's."""

    issuer: Issuer
    keys: Keys


class Guard:
    """Lets in whom the operator lists.

    ``base_url`` is the service's public URL, for which clients make their tokens. ``clock`` tells the seconds since 1970.
    """

    required = True

    def __init__(self, trusted: Iterable[Trusted], *, base_url: str, used: Used, clock: Callable[[], float]) -> None:
        self._trusted = {one.issuer.iss: one for one in trusted}
        self._base_url = base_url
        self._once = Once(used)
        self._clock = clock
        issuers = [one.issuer for one in self._trusted.values()]
        self.fhir_servers = frozenset(server for issuer in issuers for server in issuer.fhir_servers)
        self.not_offered = frozenset(name for issuer in issuers for name in issuer.not_offered)

    def admit(self, authorization: str | None, path: str) -> Client:
        """The client whose token it is.

        Raises:
            Refused: the token is not valid in all respects.
        """
        token, now = bearer(authorization), self._clock()
        trusted = self._trusted.get(token.claims.iss)
        if trusted is None:
            raise Refused(Cause.ISSUER)
        issuer = trusted.issuer
        for cause, holds in self._promises(token, issuer, path, now).items():
            if not holds:
                raise Refused(cause, issuer=issuer.iss)
        _verify(token, trusted)
        claims = token.claims
        if not self._once.first(issuer.iss, claims.jti, now=now, until=claims.exp + LEEWAY_S):
            raise Refused(Cause.REPLAY, issuer=issuer.iss, jti=claims.jti)
        return issuer.client(claims.tenant or "")

    def troubles(self) -> tuple[str, ...]:
        """What is wrong with the keys of the issuers."""
        return tuple(trouble for one in self._trusted.values() if (trouble := one.keys.trouble()))

    def _promises(self, token: Token, issuer: Issuer, path: str, now: float) -> dict[Cause, bool]:
        """What a token has to keep, and whether it does. It costs nothing, so it is asked before any key is looked for."""
        header, claims = token.header, token.claims
        return {
            Cause.ALGORITHM: header.alg in issuer.algorithms,
            Cause.JKU: header.jku in (UNSET, issuer.jku),
            Cause.AUDIENCE: meant_for(claims, path, self._base_url, issuer.audiences),
            Cause.TIME: in_time(claims, now=now, longest=issuer.max_lifetime_s),
            Cause.TENANT: not issuer.tenants or claims.tenant in issuer.tenants,
        }


def _verify(token: Token, trusted: Trusted) -> None:
    header, iss = token.header, trusted.issuer.iss
    key = trusted.keys.find(header.kid)
    if key is None or header.alg not in key.algorithms:
        raise Refused(Cause.KEY, issuer=iss)
    if not key.verifies(header.alg, token.signed, token.signature):
        raise Refused(Cause.SIGNATURE, issuer=iss)
