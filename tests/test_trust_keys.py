"""Public keys: which of those that a client publishes verify anything, and why the others do not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from cds_service.trust.issuers import RECOMMENDED
from cds_service.trust.keys import MAX_KEYS, UnusableKey, UnusableKeySet, key, key_set
from tests.tokens import Json, Signer, b64, ec_key, rsa_key, signature

EC, RSA = Signer(), Signer(alg="RS384", kid="rsa")
ALL = ("ES256", "ES384", "RS256", "RS384", "PS384")


def document(*keys: Any, **more: Any) -> bytes:
    return json.dumps({"keys": keys, **more}).encode()


@pytest.mark.parametrize("alg", ALL)
def test_a_key_verifies_its_own_signatures_and_no_changed_ones(alg: str) -> None:
    signer = Signer(alg=alg)
    made = signature(b"text", signer.key, alg)
    found = key(signer.jwk(), ALL)
    assert found.algorithms == {alg}
    assert found.verifies(alg, b"text", made)
    assert not found.verifies(alg, b"texts", made)
    for place in range(0, len(made), 7):
        assert not found.verifies(alg, b"text", made[:place] + bytes([made[place] ^ 1]) + made[place + 1 :])
    for wrong in (b"", made[:-1], made + b"\0", b"\0" + made, made * 2, bytes(len(made)), b"\xff" * len(made)):
        assert not found.verifies(alg, b"text", wrong)
    assert not any(found.verifies(other, b"text", made) for other in {*ALL, "none", "HS256"} - {alg})


def test_a_key_that_names_no_algorithm_serves_those_of_its_kind_that_were_agreed() -> None:
    assert key(EC.jwk(alg=...), ALL).algorithms == {"ES384"}
    assert key(RSA.jwk(alg=...), ALL).algorithms == {"RS256", "RS384", "PS384"}
    assert key(RSA.jwk(alg=...), RECOMMENDED).algorithms == {"RS384"}


@pytest.mark.parametrize(
    "change",
    [
        {"use": ...},
        {"use": ..., "key_ops": ["verify"]},
        {"key_ops": ["verify"]},
        {"x5c": ["MIIB"], "x5t": "x", "ext": True, "exp": 1},
        {"kid": "+/= any"},
    ],
)
def test_what_a_key_may_say(change: Json) -> None:
    for signer in (EC, RSA):
        assert key(signer.jwk(**change), RECOMMENDED)


WRONG: list[Json] = [
    {"use": "enc"},
    {"use": "SIG"},
    {"use": None},
    {"use": ["sig"]},
    {"key_ops": []},
    {"key_ops": ["encrypt"]},
    {"key_ops": ["sign"]},
    {"key_ops": "verify"},
    {"key_ops": None},
    {"key_ops": {"verify": 1}},
    {"kid": ...},
    {"kid": ""},
    {"kid": 5},
    {"kid": None},
    {"kid": ["x"]},
    {"alg": "none"},
    {"alg": "HS256"},
    {"alg": "ES512"},
    {"alg": "ECDH-ES"},
    {"alg": None},
    {"alg": 5},
    {"alg": ["ES384"]},
    {"kty": ...},
    {"kty": "oct"},
    {"kty": "oct", "k": "AAAA"},
    {"kty": "OKP"},
    {"kty": "ec"},
    {"kty": None},
    {"kty": ["EC"]},
    {"d": "AAAA"},
    {"k": "AAAA"},
    {"oth": []},
]


@pytest.mark.parametrize("change", WRONG, ids=str)
@pytest.mark.parametrize("signer", [EC, RSA], ids=["EC", "RSA"])
def test_what_a_key_may_not_say(signer: Signer, change: Json) -> None:
    with pytest.raises(UnusableKey):
        key(signer.jwk(**change), ALL)


@pytest.mark.parametrize("value", [..., None, 5, "", "A", "====", "AAAA", "!!!!", "é", ["x"], {"x": 1}, True], ids=repr)
@pytest.mark.parametrize(("signer", "name"), [(EC, "x"), (EC, "y"), (EC, "crv"), (RSA, "n"), (RSA, "e")])
def test_numbers_that_make_no_key(signer: Signer, name: str, value: Any) -> None:
    with pytest.raises(UnusableKey) as unusable:
        key(signer.jwk(**{name: value}), ALL)
    assert str(value) not in str(unusable.value) or not value


def edited(signer: Signer, name: str, edit: Callable[[str], str]) -> Json:
    return signer.jwk(**{name: edit(signer.jwk()[name])})


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(edited(EC, "x", lambda x: x[::-1]), id="a point beside the curve"),
        pytest.param(EC.jwk(x=b64(bytes(48)), y=b64(bytes(48))), id="the point at zero"),
        pytest.param(EC.jwk(crv="P-256"), id="another curve's name"),
        pytest.param(EC.jwk(crv="p-384"), id="the curve in small letters"),
        pytest.param(edited(EC, "x", lambda x: x + "AAAA"), id="a coordinate too long"),
        pytest.param(edited(EC, "x", lambda x: x + "="), id="padding"),
        pytest.param(edited(EC, "x", lambda x: x + " "), id="a blank"),
        pytest.param(RSA.jwk(e="Ag"), id="an even exponent"),
        pytest.param(RSA.jwk(e="AQ"), id="exponent one"),
        pytest.param(RSA.jwk(e=b64(b"\1" * 300)), id="an exponent that costs"),
        pytest.param(RSA.jwk(n=b64(b"\xff" * 1025)), id="a modulus that costs"),
        pytest.param(Signer(alg="RS384", key=rsa_key(1024)).jwk(), id="1024 bits"),
        pytest.param(Signer(alg="RS384", key=rsa_key(2040)).jwk(), id="2040 bits"),
        pytest.param(Signer(alg="ES384", key=ec_key(ec.SECP521R1)).jwk(), id="P-521"),
        pytest.param(Signer(alg="ES384", key=ec_key(ec.SECP256K1)).jwk(), id="secp256k1"),
        pytest.param(Signer(alg="ES384", key=ec_key(ec.SECP256R1)).jwk(), id="P-256 that says ES384"),
        pytest.param(
            OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate().public_key(), as_dict=True) | {"kid": "k", "alg": "EdDSA"},
            id="Ed25519",
        ),
        pytest.param(ECAlgorithm.to_jwk(EC.key, as_dict=True) | {"kid": "k"}, id="a private EC key"),
        pytest.param(RSAAlgorithm.to_jwk(RSA.key, as_dict=True) | {"kid": "k"}, id="a private RSA key"),
        None,
        [],
        "key",
        5,
    ],
)
def test_keys_that_are_weak_foreign_or_private(jwk: Any) -> None:
    with pytest.raises(UnusableKey):
        key(jwk, ALL)


def test_a_set_gives_its_keys_and_says_of_the_others_why_not() -> None:
    found = key_set(
        document(
            EC.jwk(), EC.jwk(kid="enc", use="enc"), RSA.jwk(), RSA.jwk(kid="old", alg="RS256"), EC.jwk(kid="x", x="AAAA"), 5
        ),
        RECOMMENDED,
    )
    assert set(found.keys) == {"key-1", "rsa"}
    assert found.unusable == ("key 4 is for no agreed algorithm", "key 5 has numbers that make no key", "key 6 is no object")


def test_of_two_keys_of_one_id_neither_is_used() -> None:
    found = key_set(document(EC.jwk(), RSA.jwk(), EC.jwk(kid="rsa")), RECOMMENDED)
    assert set(found.keys) == {"key-1"}
    assert found.unusable == ("there are 2 keys of the id 'rsa'",)
    assert set(key_set(document(EC.jwk(), RSA.jwk(), RSA.jwk(kid="key-1", use="enc")), RECOMMENDED).keys) == {"key-1", "rsa"}


NO_KEY_SETS = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b"{}",
    b'{"keys": {}}',
    b'{"keys": null}',
    b'{"keys": []}',
    b'{"keys": [], "keys": []}',
    b"\xef\xbb\xbf" + document(EC.jwk()),
    b"\xff" + document(EC.jwk()),
    b"<html>",
    b"[" * 10_000,
    document(*[EC.jwk(kid=str(n)) for n in range(MAX_KEYS + 1)]),
    document(EC.jwk(use="enc")),
    document(EC.jwk(), EC.jwk()),
    json.dumps(EC.jwk()).encode(),
]


@pytest.mark.parametrize("text", NO_KEY_SETS, ids=map(str, range(len(NO_KEY_SETS))))
def test_what_is_no_key_set(text: bytes) -> None:
    with pytest.raises(UnusableKeySet):
        key_set(text, RECOMMENDED)


def test_no_reason_quotes_a_key() -> None:
    secret = EC.jwk()["x"]
    with pytest.raises(UnusableKeySet) as unusable:
        key_set(document(EC.jwk(y=secret[::-1]), {**EC.jwk(), "kty": secret}, [secret], {"keys": secret}), RECOMMENDED)
    assert secret not in str(unusable.value)
