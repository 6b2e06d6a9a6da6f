"""Issuers for tests, and tokens made with their keys: right, or wrong in any way."""

import json
import uuid
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

Json = dict[str, Any]

NOW = 1_900_000_000
"""The time of the tests whose clock is held still."""

BASE = "https://cds.example.org"
DISCOVERY = "/cds-services"
SERVICE = "/cds-services/tacrolimus-order-sign"
FEEDBACK = SERVICE + "/feedback"

_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def without(members: Json) -> Json:
    """The members but for those that are ``...``."""
    return {name: value for name, value in members.items() if value is not ...}


@cache
def rsa_key(bits: int = 2048, name: str = "") -> rsa.RSAPrivateKey:
    """An RSA key, made once for each name, as making one takes a while."""
    return rsa.generate_private_key(65537, bits)


def ec_key(curve: type[ec.EllipticCurve] = ec.SECP384R1) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve())


def signature(message: bytes, key: Any, alg: str) -> bytes:
    """The signature that an algorithm makes; nothing prevents a wrong key for it."""
    digest = _HASHES[alg[-3:]]
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        made: bytes = key.sign(message, pss if alg.startswith("PS") else padding.PKCS1v15(), digest)
        return made
    size = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
    return bytes(r.to_bytes(size, "big") + s.to_bytes(size, "big"))


class Signer:
    """A client that can make tokens."""

    def __init__(self, iss: str = "https://a.example.org", alg: str = "ES384", kid: str = "key-1", key: Any = None) -> None:
        curves: dict[str, type[ec.EllipticCurve]] = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1}
        self.iss, self.alg, self.kid = iss, alg, kid
        self.key: Any = key or (ec_key(curves[alg]) if alg in curves else rsa_key())

    def jwk(self, **changes: Any) -> Json:
        """The public key; ``...`` takes a member out."""
        kind = RSAAlgorithm if isinstance(self.key, rsa.RSAPrivateKey) else ECAlgorithm
        public = {k: v for k, v in kind.to_jwk(self.key.public_key(), as_dict=True).items() if k != "key_ops"}
        return without({**public, "kid": self.kid, "alg": self.alg, "use": "sig", **changes})

    def key_set(self, *more: Json) -> bytes:
        return json.dumps({"keys": [self.jwk(), *more]}).encode()

    def claims(self, path: str = SERVICE, base: str = BASE, now: float = NOW, **changes: Any) -> Json:
        told = {"iss": self.iss, "aud": base + path, "iat": int(now), "exp": int(now) + 300, "jti": str(uuid.uuid4())}
        return without({**told, **changes})

    def header(self, **changes: Any) -> Json:
        return without({"alg": self.alg, "typ": "JWT", "kid": self.kid, **changes})

    def token(self, claims: Json | str | None = None, header: Json | str | None = None, key: Any = None, alg: str = "") -> str:
        """A token, signed with our key unless another is given; what is text goes in as it is."""
        head, body = (
            part if isinstance(part, str) else json.dumps(part)
            for part in (self.header() if header is None else header, self.claims() if claims is None else claims)
        )
        message = f"{b64(head.encode('utf-8', 'surrogatepass'))}.{b64(body.encode('utf-8', 'surrogatepass'))}"
        return f"{message}.{b64(signature(message.encode(), key or self.key, alg or self.alg))}"
