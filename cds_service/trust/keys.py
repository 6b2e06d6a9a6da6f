"""Public keys as clients publish them (RFC 7517), each with what it may verify; what could be misused is no key."""

from collections.abc import Collection, Mapping

from jwt import InvalidKeyError
from jwt.algorithms import ECAlgorithm, RSAAlgorithm, get_default_algorithms
from msgspec import Struct

from cds_service.protocol.wire import BadRequest, parse_unique, refuse_hostile
from cds_service.trust.token import decoded

RSA_BITS = range(2048, 8193)
"""How large the modulus of an RSA key may be; verifying with a larger one would cost too much."""

MAX_KEYS = 100
"""How many keys a key set may hold."""

_CURVES = {"P-256": "ES256", "P-384": "ES384"}
_RSA = ("RS256", "RS384", "PS384")
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_VERIFIERS = {name: algorithm for name, algorithm in get_default_algorithms().items() if name in {*_CURVES.values(), *_RSA}}


class UnusableKey(ValueError):
    """A key that verifies nothing here; the message says why, without quoting it."""


class UnusableKeySet(ValueError):
    """A document that is no key set, or holds no key that can be used; the message says why."""


class Key(Struct, frozen=True, eq=False):
    """One public key of an issuer and the algorithms it may be used with."""

    kid: str
    algorithms: frozenset[str]
    public: object

    def verifies(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Whether the signature was made over these bytes with the private half of this key."""
        return algorithm in self.algorithms and _VERIFIERS[algorithm].verify(signed, self.public, signature)


class KeySet(Struct, frozen=True):
    """The keys of an issuer by their ids, and why the others of its document are not among them."""

    keys: Mapping[str, Key]
    unusable: tuple[str, ...] = ()


def key_set(document: bytes, agreed: Collection[str]) -> KeySet:
    """The keys of a JWK Set that verify one of the ``agreed`` algorithms. Keys for encryption are passed over.

    Two keys of the same id are both unusable: which one signed could not be told.

    Raises:
        UnusableKeySet: no JWK Set, or not one usable key in it.
    """
    found: list[Key] = []
    unusable: list[str] = []
    for place, jwk in enumerate(_listed(document)):
        try:
            if isinstance(jwk, dict) and jwk.get("use") == "enc":
                continue
            found.append(key(jwk, agreed))
        except UnusableKey as error:
            unusable.append(f"key {place + 1} {error}")
    ids = [one.kid for one in found]
    unusable += [f"there are {ids.count(kid)} keys of the id {kid!r}" for kid in dict.fromkeys(ids) if ids.count(kid) > 1]
    keys = {one.kid: one for one in found if ids.count(one.kid) == 1}
    if not keys:
        raise UnusableKeySet(f"it has no key that can be used{''.join(f'; {why}' for why in unusable)}")
    return KeySet(keys, tuple(unusable))


def key(jwk: object, agreed: Collection[str]) -> Key:
    """One key of a JWK Set.

    Raises:
        UnusableKey: it is not for verifying, not for an agreed algorithm, too weak, malformed, or not public.
    """
    if not isinstance(jwk, dict):
        raise UnusableKey("is no object")
    if not _PRIVATE.isdisjoint(jwk):
        raise UnusableKey("is no public key")
    kid, operations = jwk.get("kid"), jwk.get("key_ops", ["verify"])
    if not isinstance(kid, str) or not kid:
        raise UnusableKey("has no id")
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise UnusableKey("is not for verifying signatures")
    algorithms = frozenset(_possible(jwk)) & frozenset(agreed)
    if "alg" in jwk:
        algorithms &= frozenset(one for one in (jwk["alg"],) if isinstance(one, str))
    if not algorithms:
        raise UnusableKey("is for no agreed algorithm")
    return Key(kid, algorithms, _public(jwk))


def _listed(document: bytes) -> list[object]:
    try:
        refuse_hostile(document)
        members = parse_unique(document)
    except BadRequest as error:
        raise UnusableKeySet(str(error)) from None
    listed = members.get("keys") if isinstance(members, dict) else None
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise UnusableKeySet(f"it is no set of up to {MAX_KEYS} keys")
    return listed


def _possible(jwk: Mapping[str, object]) -> tuple[str, ...]:
    if jwk.get("kty") == "RSA":
        return _RSA
    curve = jwk.get("crv")
    return (_CURVES[curve],) if jwk.get("kty") == "EC" and isinstance(curve, str) and curve in _CURVES else ()


def _public(jwk: dict[str, object]) -> object:
    kind, longest = (
        (RSAAlgorithm, {"n": RSA_BITS.stop // 8, "e": 8}) if jwk["kty"] == "RSA" else (ECAlgorithm, {"x": 48, "y": 48})
    )
    if not all(_is_number(jwk.get(name), length) for name, length in longest.items()):
        raise UnusableKey("has numbers that cannot be read")
    try:
        public = kind.from_jwk(jwk)
    except (ValueError, InvalidKeyError):
        raise UnusableKey("has numbers that make no key") from None
    if kind is RSAAlgorithm and public.key_size not in RSA_BITS:
        raise UnusableKey(f"has {public.key_size} bits; from {RSA_BITS.start} to {RSA_BITS.stop - 1} are taken")
    return public


def _is_number(value: object, longest: int) -> bool:
    try:
        return isinstance(value, str) and value.isascii() and 0 < len(decoded(value)) <= longest
    except ValueError:
        return False
