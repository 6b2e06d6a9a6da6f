"""Why a caller is not let in: one closed word for the log, nothing for the caller."""

from enum import StrEnum


class Cause(StrEnum):
    """What was wrong with a token, in the order in which it is looked at."""

    MISSING = "missing"  # no token at all, or another scheme
    MALFORMED = "malformed"  # no JWT, or one without what CDS Hooks asks for
    ISSUER = "issuer"  # not listed
    ALGORITHM = "algorithm"  # not agreed with this issuer
    JKU = "jku"  # names keys at another address than the agreed one
    AUDIENCE = "audience"  # made for another address
    TIME = "time"  # expired, not yet valid, or valid for too long
    TENANT = "tenant"  # not listed
    KEY = "key"  # not among the issuer's keys, or not for this algorithm
    SIGNATURE = "signature"  # not made with the issuer's key
    REPLAY = "replay"  # used before


class Refused(Exception):
    """The caller is not let in.

    ``issuer`` is told once it is known to be a listed one, ``jti`` once the signature has shown that the issuer wrote it.
    """

    def __init__(self, cause: Cause, *, issuer: str | None = None, jti: str | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.issuer = issuer
        self.jti = jti
