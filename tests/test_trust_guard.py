"""The guard: who is let in, and that nobody else is, whatever they write into a token."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cds_service.config import ConfigError
from cds_service.trust.client import Client
from cds_service.trust.guard import Guard, Trusted
from cds_service.trust.issuers import Issuer
from cds_service.trust.keysets import FetchedKeys, FileKeys
from cds_service.trust.refusal import Cause, Refused
from tests.attacks import ALL, ROWS, Attack, Canary, Scene, mutants
from tests.tokens import BASE, DISCOVERY, FEEDBACK, NOW, SERVICE, Json, Signer, ec_key, rsa_key

SIGNER = Signer()
OTHER = Signer("https://b.example.org", "RS384", "key-1")
THIRD = Signer("https://c.example.org", "ES384", "k+/= 3")
JKU = "https://a.example.org/jwks.json"


class Memory:
    """Keeps used tokens for one test."""

    def __init__(self) -> None:
        self.kept: dict[bytes, float] = {}

    def first_use(self, token: bytes, *, now: float, until: float) -> bool | None:  # noqa: ARG002
        return self.kept.setdefault(token, until) is until


def from_file(folder: Path, signer: Signer, **agreed: Any) -> Trusted:
    """The issuer with its keys in a file."""
    file = folder / f"{abs(hash((signer.iss, str(agreed))))}.json"
    file.write_bytes(signer.key_set())
    issuer = msgspec.convert({"iss": signer.iss, "jwks_file": str(file), **agreed}, Issuer)
    return Trusted(issuer, FileKeys(issuer, file))


def from_address(signer: Signer, asked: list[str], **agreed: Any) -> Trusted:
    """The issuer with its keys at an address; who asks there is noted."""

    def fetch(url: str) -> bytes:
        asked.append(url)
        return signer.key_set()

    issuer = msgspec.convert({"iss": signer.iss, "jku": JKU, **agreed}, Issuer)
    return Trusted(issuer, FetchedKeys(issuer, JKU, fetch, lambda: 1.0))


def guard(*trusted: Trusted, now: Callable[[], float] = lambda: NOW) -> Guard:
    return Guard(trusted, base_url=BASE, used=Memory(), clock=now)


@pytest.fixture
def one(tmp_path: Path) -> Callable[..., Guard]:
    """A gate for one issuer, with what was agreed."""
    return lambda signer=SIGNER, now=NOW, **agreed: guard(from_file(tmp_path, signer, **agreed), now=lambda: now)


def cause(gate: Guard, token: str, path: str = SERVICE) -> Cause | None:
    """Why the token is refused; None where it is not."""
    try:
        gate.admit(f"Bearer {token}", path)
    except Refused as refused:
        return refused.cause
    return None


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    listener = Canary()
    yield listener
    listener.close()


@pytest.fixture(scope="module")
def gates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Guard, Guard, list[str]]:
    """Two gates, with the keys of the attacked issuer in a file and at an address, and the addresses asked."""
    asked: list[str] = []
    other = from_file(tmp_path_factory.mktemp("keys"), OTHER)
    return (
        guard(from_file(tmp_path_factory.mktemp("keys"), SIGNER), other),
        guard(from_address(SIGNER, asked), other),
        asked,
    )


@pytest.fixture(scope="module")
def scene(canary: Canary) -> Scene:
    return Scene(canary, SIGNER, OTHER)


CAUSES = {
    "J1": {Cause.ALGORITHM, Cause.SIGNATURE, Cause.MALFORMED},
    "J2": {Cause.ALGORITHM, Cause.SIGNATURE, Cause.KEY},
    "J3": {Cause.KEY, Cause.SIGNATURE, Cause.MALFORMED},
    "J4": {Cause.JKU, Cause.SIGNATURE, Cause.KEY, Cause.MALFORMED, Cause.ISSUER},
    "J6": {Cause.TIME, Cause.MALFORMED},
    "J7": {Cause.AUDIENCE, Cause.MALFORMED},
    "J9": {Cause.ISSUER, Cause.SIGNATURE, Cause.KEY, Cause.ALGORITHM, Cause.MALFORMED},
    "J11": {Cause.MALFORMED, Cause.MISSING},
}
"""Each row may fail only for its own reasons: a token that is refused for another shows nothing."""


def test_a_sound_token_gets_in_at_both_gates(gates: tuple[Guard, Guard, list[str]], scene: Scene) -> None:
    for gate in gates[:2]:
        assert gate.admit(f"Bearer {scene.token()}", SERVICE) == Client(issuer=SIGNER.iss)


@pytest.mark.parametrize(("row", "name", "attack"), ALL, ids=[f"{row} {name}" for row, name, _ in ALL])
def test_no_attack_gets_in_or_makes_us_call_anybody(
    row: str, name: str, attack: Attack, gates: tuple[Guard, Guard, list[str]], scene: Scene
) -> None:
    for gate in gates[:2]:
        assert cause(gate, attack(scene)) in CAUSES[row]
    assert scene.canary.calls() == 0
    assert set(gates[2]) <= {JKU}
    assert len(gates[2]) <= 1


@pytest.mark.parametrize("path", [DISCOVERY, FEEDBACK, "/cds-services/tacrolimus-patient-view"])
@pytest.mark.parametrize("row", ["J1", "J2"])
def test_no_address_is_less_guarded(row: str, path: str, gates: tuple[Guard, Guard, list[str]], canary: Canary) -> None:
    there = Scene(canary, SIGNER, OTHER, path)
    assert cause(gates[0], there.token(), path) is None
    for attack in ROWS[row].values():
        assert cause(gates[0], attack(there), path) in CAUSES[row]


@pytest.mark.parametrize("alg", ["ES384", "RS384"])
def test_no_token_with_one_character_changed_gets_in(alg: str, one: Callable[..., Guard]) -> None:
    signer = Signer(alg=alg)
    gate = one(signer)
    begun = time.process_time()
    refused = [cause(gate, mutant) for mutant in mutants(signer.token(), 2500)]
    assert None not in refused
    assert len(set(refused)) >= 5, "the changes reach every part of a token"
    assert time.process_time() - begun < 25, "each is refused in milliseconds"


def test_the_canary_would_notice(canary: Canary) -> None:
    host, port = canary.host.split(":")
    socket.create_connection((host, int(port))).close()
    assert canary.calls() == 1


# --- who signs for whom -------------------------------------------------------------------------------------------------------


def test_only_the_diagonal_of_issuers_and_keys_gets_in(tmp_path: Path) -> None:
    signers = [SIGNER, OTHER, THIRD]
    gate = guard(*(from_file(tmp_path, signer) for signer in signers))
    admitted = {
        (named.iss, signing.iss, path)
        for named in signers
        for signing in signers
        for kid in {named.kid, signing.kid}
        for path in (SERVICE, DISCOVERY, FEEDBACK)
        if cause(gate, signing.token(named.claims(path), signing.header(kid=kid)), path) is None
    }
    assert admitted == {(one.iss, one.iss, path) for one in signers for path in (SERVICE, DISCOVERY, FEEDBACK)}


def test_the_same_key_id_of_two_issuers_is_two_keys(tmp_path: Path) -> None:
    twin = Signer("https://b.example.org", "ES384", SIGNER.kid)
    gate = guard(from_file(tmp_path, SIGNER), from_file(tmp_path, twin))
    assert cause(gate, twin.token()) is None
    assert cause(gate, twin.token(SIGNER.claims())) is Cause.SIGNATURE


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS384"])
def test_other_algorithms_need_an_agreement(alg: str, one: Callable[..., Guard]) -> None:
    signer = Signer(alg=alg)
    with pytest.raises(ConfigError, match="is for no agreed algorithm"):
        one(signer)
    assert cause(one(signer, algorithms=[alg]), signer.token()) is None
    assert (
        cause(one(Signer(key=SIGNER.key), algorithms=["ES384"]), SIGNER.token(header=SIGNER.header(alg=alg))) is Cause.ALGORITHM
    )


def test_a_key_serves_the_algorithm_it_says_and_no_other(one: Callable[..., Guard]) -> None:
    signer = Signer(alg="RS384")
    gate = one(signer, algorithms=["RS384", "PS384", "RS256", "ES384"])
    assert cause(gate, signer.token()) is None
    for alg in ("PS384", "RS256", "ES384"):
        assert cause(gate, signer.token(header=signer.header(alg=alg), alg=alg.replace("ES", "RS"))) is Cause.KEY


def test_a_jku_in_the_token_must_be_the_agreed_one(tmp_path: Path) -> None:
    named = SIGNER.header(jku=JKU)
    assert cause(guard(from_address(SIGNER, [])), SIGNER.token(header=named)) is None
    assert cause(guard(from_file(tmp_path, SIGNER, jku=JKU)), SIGNER.token(header=named)) is None
    assert cause(guard(from_file(tmp_path, SIGNER)), SIGNER.token(header=named)) is Cause.JKU


def test_keys_that_a_token_brings_along_count_for_nothing_either_way(one: Callable[..., Guard]) -> None:
    for name, value in (("jwk", Signer().jwk()), ("x5c", ["MIIB"]), ("x5u", "https://evil.example"), ("x5t", "x"), ("cty", "x")):
        assert cause(one(), SIGNER.token(header=SIGNER.header(**{name: value}))) is None


@pytest.mark.parametrize("kid", ["Xy+/=", "a b", "../x", "0", "é", "x" * 500, "\x7f", "$where"])
def test_a_key_id_may_be_any_text(kid: str, one: Callable[..., Guard]) -> None:
    signer = Signer(kid=kid)
    assert cause(one(signer), signer.token()) is None


# --- the header ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "bEaReR   "])
def test_the_scheme_is_read_in_any_case(scheme: str, one: Callable[..., Guard]) -> None:
    assert one().admit(scheme + SIGNER.token(), SERVICE) == Client(issuer=SIGNER.iss)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        " ",
        "Bearer",
        "Bearer ",
        "TOKEN",
        "Token TOKEN",
        "Basic TOKEN",
        "DPoP TOKEN",
        "Bearer\tTOKEN",
        "Bearer\u00a0TOKEN",
        "Bearer: TOKEN",
        "BearerTOKEN",
        "Bearer TOKEN,Bearer TOKEN",
        "Bearer TOKEN, Bearer TOKEN",
        "Bearer TOKEN Bearer TOKEN",
        "Basic x, Bearer TOKEN",
        "Bearer x,Bearer TOKEN",
        "Bearer TOKEN,x",
        'Bearer "TOKEN"',
        "Bearer token=TOKEN",
    ],
)
def test_anything_but_one_bearer_token_is_refused(value: str | None, one: Callable[..., Guard]) -> None:
    with pytest.raises(Refused) as refused:
        one().admit(value and value.replace("TOKEN", SIGNER.token()), SERVICE)
    assert refused.value.cause in (Cause.MISSING, Cause.MALFORMED)


# --- times --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "gets_in"),
    [
        ({"exp": NOW + 1}, True),
        ({"exp": NOW + 0.5}, True),
        ({"exp": NOW + 300.25, "iat": NOW - 0.75}, True),
        ({"exp": NOW}, False),
        ({"exp": NOW - 30}, False),
        ({"iat": NOW + 60}, True),
        ({"iat": NOW + 61}, False),
        ({"nbf": NOW - 600}, True),
        ({"nbf": NOW + 60}, True),
        ({"nbf": NOW + 61}, False),
        ({"iat": NOW, "exp": NOW + 3600}, True),
        ({"iat": NOW, "exp": NOW + 3601}, False),
        ({"iat": NOW - 3599, "exp": NOW + 1}, True),
        ({"iat": NOW - 3600, "exp": NOW + 1}, False),
        pytest.param({"iat": NOW, "nbf": NOW - 300, "exp": NOW + 900}, True, id="a client that allows five minutes of skew"),
        pytest.param({"iat": NOW + 0.5, "exp": NOW + 300}, True, id="a client that rounds up"),
    ],
)
def test_a_token_is_valid_in_its_time_only(change: Json, gets_in: bool, one: Callable[..., Guard]) -> None:
    assert cause(one(), SIGNER.token(SIGNER.claims(**change))) is (None if gets_in else Cause.TIME)


def test_the_same_token_gets_in_only_while_it_is_valid(tmp_path: Path) -> None:
    clock = [NOW - 61.0]
    for now, expected in ((NOW - 61, Cause.TIME), (NOW - 60, None), (NOW + 299.9, None), (NOW + 300, Cause.TIME)):
        gate = guard(from_file(tmp_path, SIGNER), now=lambda: clock[0])
        clock[0] = now
        assert cause(gate, SIGNER.token()) is expected


@pytest.mark.parametrize("longest", [900, 86_400])
def test_how_long_a_token_may_live_can_be_agreed(longest: int, one: Callable[..., Guard]) -> None:
    gate = one(max_lifetime_s=longest)
    assert cause(gate, SIGNER.token(SIGNER.claims(exp=NOW + longest))) is None
    assert cause(gate, SIGNER.token(SIGNER.claims(exp=NOW + longest + 1))) is Cause.TIME


# --- audiences ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "aud",
    [
        BASE + SERVICE,
        [BASE + SERVICE],
        ["https://elsewhere.example.org", BASE + SERVICE],
        BASE + SERVICE + "/",
        BASE + SERVICE.replace("services/", "services//"),
        BASE + "/" + SERVICE,
        BASE + SERVICE.replace("services/", "services///") + "//",
    ],
)
def test_the_address_called_is_the_audience_however_its_slashes_are_written(aud: Any, one: Callable[..., Guard]) -> None:
    assert cause(one(), SIGNER.token(SIGNER.claims(aud=aud))) is None


PATHS = [DISCOVERY, SERVICE, FEEDBACK, "/cds-services/tacrolimus-patient-view", "/cds-services/nope"]


def test_a_token_is_for_one_address(one: Callable[..., Guard]) -> None:
    gate = one()
    admitted = [(a, b) for a in PATHS for b in PATHS if cause(gate, SIGNER.token(SIGNER.claims(a)), b) is None]
    assert admitted == [(path, path) for path in PATHS]


def test_an_agreed_audience_is_taken_in_its_letters(one: Callable[..., Guard], tmp_path: Path) -> None:
    gate = one(audiences=["https://proxy.example.org/cds/", "sand_man"])
    for aud in ("https://proxy.example.org/cds/", "sand_man", ["sand_man"], BASE + SERVICE):
        assert cause(gate, SIGNER.token(SIGNER.claims(aud=aud))) is None
    for aud in ("https://proxy.example.org/cds", "sand_man ", "Sand_man", "sand", ["sand", "man"]):
        assert cause(gate, SIGNER.token(SIGNER.claims(aud=aud))) is Cause.AUDIENCE
    both = guard(from_file(tmp_path, SIGNER, audiences=["sand_man"]), from_file(tmp_path, OTHER))
    assert cause(both, OTHER.token(OTHER.claims(aud="sand_man"))) is Cause.AUDIENCE, "it is agreed with the other one"


def test_the_audience_counts_from_the_public_url_with_its_path(tmp_path: Path) -> None:
    base = "https://example.org/apps/cds"
    gate = Guard([from_file(tmp_path, SIGNER)], base_url=base, used=Memory(), clock=lambda: NOW)
    assert cause(gate, SIGNER.token(SIGNER.claims(aud=base + SERVICE))) is None
    for aud in ("https://example.org" + SERVICE, "https://example.org/apps//cds" + SERVICE, base + "x" + SERVICE):
        assert cause(gate, SIGNER.token(SIGNER.claims(aud=aud))) is Cause.AUDIENCE


# --- once ---------------------------------------------------------------------------------------------------------------------


def test_a_token_gets_in_once_and_at_one_address(one: Callable[..., Guard]) -> None:
    gate, token = one(), SIGNER.token(SIGNER.claims(aud=[BASE + SERVICE, BASE + DISCOVERY]))
    assert [cause(gate, token), cause(gate, token), cause(gate, token, DISCOVERY)] == [None, Cause.REPLAY, Cause.REPLAY]
    assert cause(gate, SIGNER.token()) is None


def test_a_token_is_known_by_its_issuer_and_id(tmp_path: Path) -> None:
    gate = guard(from_file(tmp_path, SIGNER), from_file(tmp_path, OTHER))
    assert cause(gate, SIGNER.token(SIGNER.claims(jti="j"))) is None
    assert cause(gate, OTHER.token(OTHER.claims(jti="j"))) is None
    assert cause(gate, SIGNER.token(SIGNER.claims(jti="j", exp=NOW + 17))) is Cause.REPLAY


def test_a_refused_token_is_not_used_up(one: Callable[..., Guard]) -> None:
    gate, token = one(), SIGNER.token()
    assert cause(gate, token, DISCOVERY) is Cause.AUDIENCE
    assert cause(gate, token[:-4] + "AAAA") is Cause.SIGNATURE
    assert cause(gate, token) is None


def test_it_is_kept_in_mind_as_long_as_any_clock_could_take_it(tmp_path: Path) -> None:
    memory = Memory()
    gate = Guard([from_file(tmp_path, SIGNER)], base_url=BASE, used=memory, clock=lambda: NOW)
    gate.admit(f"Bearer {SIGNER.token()}", SERVICE)
    assert list(memory.kept.values()) == [NOW + 300 + 60]


# --- tenants ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", ["north", "south"])
def test_a_listed_tenant_is_told(tenant: str, one: Callable[..., Guard]) -> None:
    token = SIGNER.token(SIGNER.claims(tenant=tenant))
    assert one(tenants=["north", "south"]).admit(f"Bearer {token}", SERVICE).tenant == tenant


@pytest.mark.parametrize("tenant", [..., "", "North", "north ", "west"])
def test_no_other_tenant_gets_in(tenant: Any, one: Callable[..., Guard]) -> None:
    assert cause(one(tenants=["north", "south"]), SIGNER.token(SIGNER.claims(tenant=tenant))) is Cause.TENANT


def test_where_none_is_listed_any_tenant_is_told_and_none_is_needed(one: Callable[..., Guard]) -> None:
    assert one().admit(f"Bearer {SIGNER.token(SIGNER.claims(tenant='west'))}", SERVICE).tenant == "west"
    assert one().admit(f"Bearer {SIGNER.token()}", SERVICE).tenant == ""


def test_what_was_agreed_comes_with_the_client(one: Callable[..., Guard]) -> None:
    gate = one(
        fhir_servers=["https://fhir.example.org/r4"],
        fhir_version="R4B",
        not_offered=["Procedure", "MedicationDispense"],
        tenants=["n"],
    )
    assert gate.admit(f"Bearer {SIGNER.token(SIGNER.claims(tenant='n'))}", SERVICE) == Client(
        issuer=SIGNER.iss,
        tenant="n",
        fhir_servers=("https://fhir.example.org/r4",),
        fhir_version="R4",
        not_offered=frozenset({"Procedure", "MedicationDispense"}),
    )
    assert gate.not_offered == {"Procedure", "MedicationDispense"}


# --- what is told of a refusal ------------------------------------------------------------------------------------------------


def test_issuer_and_id_are_told_only_once_they_are_true(one: Callable[..., Guard]) -> None:
    def told(token: str) -> tuple[Cause, str | None, str | None]:
        with pytest.raises(Refused) as refused:
            gate.admit(f"Bearer {token}", SERVICE)
        return refused.value.cause, refused.value.issuer, refused.value.jti

    gate = one()
    assert told(SIGNER.token(SIGNER.claims(iss="https://x"))) == (Cause.ISSUER, None, None)
    assert told(SIGNER.token(SIGNER.claims(exp=NOW))) == (Cause.TIME, SIGNER.iss, None)
    assert told(SIGNER.token(key=ec_key())) == (Cause.SIGNATURE, SIGNER.iss, None)
    token = SIGNER.token(SIGNER.claims(jti="j"))
    gate.admit(f"Bearer {token}", SERVICE)
    assert told(token) == (Cause.REPLAY, SIGNER.iss, "j")


def test_a_key_that_is_too_small_or_of_another_curve_is_none(tmp_path: Path) -> None:
    for signer in (Signer(alg="RS384", key=rsa_key(1024)), Signer(alg="ES384", key=ec_key(ec.SECP256R1))):
        with pytest.raises(ConfigError):
            from_file(tmp_path, signer)


# --- the example of the specification -----------------------------------------------------------------------------------------

EXAMPLE_KEY = {
    "kty": "EC",
    "use": "sig",
    "crv": "P-384",
    "kid": "example-kid",
    "x": "46SDH7Znh821wblCBglA61sNE9ZrHYKKt3qRtRTmSXyOI_FIGBLWrWa0GPUkDCEk",
    "y": "XMcRuuoGW7CXjQdy-F5i3FeBE0x9hPLdeFdSoDd3ELmx404tLX0VRRcqzAsPhXcI",
    "alg": "ES384",
}
EXAMPLE = (
    "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCIsImtpZCI6ImV4YW1wbGUta2lkIiwiamt1IjoiaHR0cHM6Ly9maGlyLWVoci5leGFtcGxlLmNvbS9qd2tfdXJpIn0"
    ".eyJpc3MiOiJodHRwczovL2ZoaXItZWhyLmV4YW1wbGUuY29tLyIsImF1ZCI6Imh0dHBzOi8vY2RzLmV4YW1wbGUub3JnL2Nkcy1zZXJ2aWNlcy9zb21lLXNl"
    "cnZpY2UiLCJleHAiOjE0MjI1Njg4NjAsImlhdCI6MTMxMTI4MDk3MCwianRpIjoiZWUyMmIwMjEtZTFiNy00NjExLWJhNWItOGVlYzZhMzNhYzFlIiwidGVuYW50"
    "IjoiMmRkZDZjM2EtOGU5YS00NGM2LWEzMDUtNTIxMTFhZDMwMmEyIn0"
    ".d1WfLjGRKlcWB94l9do4cM8REXeYJLL6SGUBO8VHZhfM8mwKYP70EMxJ67War4TQblEpaQrp11wx5p7oPFm2ETYgCicS84vXWEIYTdjooZdooCSDf2L8-i4awdoU"
    "wiEb"
)


def example(folder: Path, now: float, longest: int | None = None) -> Guard:
    """A gate that trusts the client of the example, with a clock held at ``now``."""
    file = folder / "example.json"
    file.write_bytes(msgspec.json.encode({"keys": [EXAMPLE_KEY]}))
    issuer = Issuer(iss="https://fhir-ehr.example.com/", jwks_file=str(file), jku="https://fhir-ehr.example.com/jwk_uri")
    issuer = msgspec.structs.replace(issuer, max_lifetime_s=longest or issuer.max_lifetime_s)
    return Guard([Trusted(issuer, FileKeys(issuer, file))], base_url=BASE, used=Memory(), clock=lambda: now)


def test_the_token_of_the_specification_is_signed_well_and_refused_for_its_age_and_its_life_of_years(tmp_path: Path) -> None:
    path, made, expires = "/cds-services/some-service", 1311280970, 1422568860
    years = example(tmp_path, made, expires - made)
    assert years.admit(f"Bearer {EXAMPLE}", path) == Client(
        issuer="https://fhir-ehr.example.com/", tenant="2ddd6c3a-8e9a-44c6-a305-52111ad302a2"
    )
    changed = EXAMPLE[:-1] + "c"
    assert cause(example(tmp_path, made, expires - made), changed, path) is Cause.SIGNATURE
    assert cause(example(tmp_path, NOW, expires - made), EXAMPLE, path) is Cause.TIME, "expired"
    assert cause(example(tmp_path, made), EXAMPLE, path) is Cause.TIME, "valid for three years and a half"
