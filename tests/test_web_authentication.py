"""Client authentication over HTTP: who is let in, that all others get one and the same answer, and what goes with a client."""

import json
import sqlite3
import time
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.answer import Setting
from cds_service.gather import HistoryUnavailable
from cds_service.store.sqlite import SqliteStore
from cds_service.stories.story import Story
from cds_service.trust.guard import Guard, Trusted
from cds_service.trust.issuers import Issuer
from cds_service.trust.keysets import FetchedKeys, FileKeys, UnfetchableError
from cds_service.trust.refusal import Cause
from cds_service.web import hooks
from cds_service.web.application import build
from cds_service.web.house import House
from tests.attacks import ROWS, Canary, Scene
from tests.conftest import ORIGIN, hook_request
from tests.test_web_logs import lines
from tests.tokens import BASE, DISCOVERY, FEEDBACK, NOW, SERVICE, Json, Signer

A = Signer()
B = Signer("https://b.example.org", "RS384", "key-1")
TENANTS = ("north", "south")
PUBLIC = {"/", "/healthz", "/readyz", "/metrics", "/knowledge", "/openapi.json", "/feedback-report"}
SAID = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "login", "diagnostics": "Authentication is required."}],
}

Call = Callable[..., TestResponse]


def trusted(folder: Path, signer: Signer, **agreed: Any) -> Trusted:
    """The issuer with its keys in a file."""
    file = folder / f"{signer.alg}.json"
    file.write_bytes(signer.key_set())
    issuer = msgspec.convert({"iss": signer.iss, "jwks_file": str(file), **agreed}, Issuer)
    return Trusted(issuer, FileKeys(issuer, file))


@pytest.fixture
def guarded(house: House, store: SqliteStore, tmp_path: Path) -> House:
    """The service for two issuers, the second with two tenants."""
    known = [
        trusted(tmp_path, A, fhir_version="STU3", not_offered=["Procedure"]),
        trusted(tmp_path, B, tenants=TENANTS, fhir_servers=["https://fhir.example.org/b"]),
    ]
    gate = Guard(known, base_url=BASE, used=store, clock=lambda: NOW)
    return msgspec.structs.replace(house, gate=gate)


@pytest.fixture
def client(guarded: House) -> FlaskClient:
    return build(guarded).test_client()


@pytest.fixture
def call(client: FlaskClient) -> Call:
    """Calls an address with a token, as text; with one of ``signer`` for that address where none is given."""

    def send(path: str = SERVICE, token: str | None = None, body: Any = None, signer: Signer = A, **changes: Any) -> TestResponse:
        method, headers = changes.pop("method", "GET" if path == DISCOVERY else "POST"), changes.pop("headers", {})
        if token is None:
            token = signer.token(signer.claims(changes.pop("aud_path", path), **changes))
        sent = {"feedback": []} if path.endswith("/feedback") else hook_request()
        data = None if method != "POST" else body if isinstance(body, bytes) else json.dumps(sent if body is None else body)
        # As a server hands it over: bytes as Latin-1, whatever they are.
        line = {"HTTP_AUTHORIZATION": f"Bearer {token}".encode().decode("latin-1")} if token else {}
        return client.open(
            path, method=method, data=data, content_type="application/json", headers=headers, environ_overrides=line
        )

    return send


def told(answer: TestResponse) -> tuple[int, bytes, dict[str, str]]:
    """All of an answer but the ids that every answer has for itself."""
    own = {"x-request-id", "traceparent"}
    return answer.status_code, answer.data, {name: value for name, value in answer.headers.items() if name.lower() not in own}


@pytest.mark.parametrize("path", [DISCOVERY, SERVICE, FEEDBACK])
def test_a_sound_token_gets_in(path: str, call: Call) -> None:
    assert call(path).status_code == 200
    assert call(path, signer=B, tenant="north").status_code == 200


@pytest.mark.parametrize("path", [DISCOVERY, SERVICE, FEEDBACK])
@pytest.mark.parametrize("row", ROWS)
def test_every_attack_gets_the_same_answer_and_calls_nobody(row: str, path: str, call: Call) -> None:
    canary = Canary()
    scene = Scene(canary, A, B, path)
    tokens = [attack(scene) or " " for attack in ROWS[row].values()]
    sound = f'"aud": "{BASE + path}"'.encode()  # the wrong address of one path is the right one of another
    answers = [
        told(call(path, token)) for token in tokens if row != "J7" or sound not in urlsafe_b64decode(token.split(".")[1] + "==")
    ]
    assert len(answers) > 12
    assert canary.calls() == 0
    canary.close()
    assert all(answer == answers[0] for answer in answers)
    status, body, headers = answers[0]
    assert (status, json.loads(body)) == (401, SAID)
    assert headers["WWW-Authenticate"] == "Bearer"
    assert headers["Cache-Control"] == "no-store"


def test_every_cause_gets_the_same_answer_and_is_told_in_the_log_alone(call: Call) -> None:
    used = A.token()
    call(token=used)
    with lines() as found:
        answers = {
            cause: told(call(token=token))
            for cause, token in {
                Cause.MISSING: "",
                Cause.MALFORMED: "a.b.c",
                Cause.ISSUER: A.token(A.claims(iss="https://x")),
                Cause.ALGORITHM: A.token(header=A.header(alg="PS384")),
                Cause.JKU: A.token(header=A.header(jku="https://x")),
                Cause.AUDIENCE: A.token(A.claims(DISCOVERY)),
                Cause.TIME: A.token(A.claims(exp=NOW)),
                Cause.TENANT: B.token(B.claims(tenant="west")),
                Cause.KEY: A.token(header=A.header(kid="x")),
                Cause.SIGNATURE: A.token(key=Signer().key),
                Cause.REPLAY: used,
            }.items()
        }
    assert set(answers) == set(Cause)
    assert all(answer == answers[Cause.MISSING] for answer in answers.values())
    assert [line["cause"] for line in found] == [cause.value for cause in answers]
    assert all((line["event"], line["status"]) == ("not-let-in", 401) for line in found)
    known = {Cause.MISSING: None, Cause.MALFORMED: None, Cause.ISSUER: None, Cause.TENANT: B.iss}
    assert [line.get("issuer") for line in found] == [known.get(cause, A.iss) for cause in answers]
    assert [line["cause"] for line in found if "jti" in line] == ["replay"]


def test_no_token_gets_into_a_log_an_answer_or_the_store(call: Call, store: SqliteStore, tmp_path: Path) -> None:
    ours = "Testfall-jti"
    tokens = [A.token(A.claims(jti=ours, name="Testfall")), A.token(A.claims(exp=NOW, jti=ours)), "Testfall.x.y"]
    with lines() as found:
        answers = [call(token=token) for token in tokens]
    assert [answer.status_code for answer in answers] == [200, 401, 401]
    everything = json.dumps(found) + "".join(answer.text + str(answer.headers) for answer in answers)
    store.close()
    everything += (tmp_path / "store.sqlite3").read_bytes().decode("latin-1")
    for token in tokens:
        assert not any(part in everything for part in token.split(".") if len(part) > 5)
    assert ours not in everything


def test_the_id_of_a_token_that_was_used_before_is_logged_in_part(call: Call) -> None:
    token = A.token(A.claims(jti="j" * 1000))
    with lines() as found:
        assert [call(token=token).status_code for _ in range(2)] == [200, 401]
    assert found[-1]["jti"] == "j" * 64


# --- what is guarded ----------------------------------------------------------------------------------------------------------


def test_everything_under_the_api_needs_a_token_and_nothing_else_does(guarded: House) -> None:
    app = build(guarded)
    rules = {str(rule) for rule in app.url_map.iter_rules()}
    assert {rule for rule in rules if not rule.startswith("/cds-services")} <= PUBLIC, "a new address: is it for everyone?"
    for rule in rules:
        path = rule.replace("<service_id>", SERVICE.rpartition("/")[2])
        answers = {app.test_client().open(path, method=method).status_code for method in ("GET", "HEAD", "POST", "PUT", "DELETE")}
        assert answers == {401} if rule.startswith("/cds-services") else 401 not in answers, rule


@pytest.mark.parametrize(
    "path",
    [
        "/cds-services/",
        "/cds-services//tacrolimus-order-sign/",
        "/cds-services/nope",
        "/cds-services/%00",
        "/cds-services/a/b/c",
        "/cds-services/../healthz",
        "/cds-services/tacrolimus-order-sign/feedback/",
    ],
)
def test_who_is_not_let_in_does_not_learn_what_there_is(path: str, call: Call) -> None:
    reference = told(call(token=""))
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"):
        status, body, headers = told(call(path, "", method=method))
        assert (status, headers) == (reference[0], reference[2])
        assert body == (b"" if method == "HEAD" else reference[1])


def test_faults_of_a_request_are_told_to_clients_only(call: Call) -> None:
    faults: dict[int, Json] = {
        400: {"body": b"{"},
        404: {"path": "/cds-services/nope"},
        405: {"method": "PUT"},
        412: {"body": hook_request(prefetch={})},
        413: {"body": b'{"a":"' + b"x" * 300_000 + b'"}'},
    }
    for status, request in faults.items():
        assert call(**request).status_code == status
        assert call(**request, token="").status_code == 401


@pytest.mark.parametrize(
    "path", ["/cds-services//tacrolimus-order-sign", SERVICE + "/", "/cds-services///tacrolimus-order-sign//"]
)
def test_slashes_make_no_other_address_in_the_path_or_the_audience(path: str, call: Call) -> None:
    for aud_path in (path, SERVICE):
        assert call(path, aud_path=aud_path).status_code == 200
    assert call(path, aud_path=SERVICE + "x").status_code == 401


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "evil.example.org"),
        ("X-Forwarded-Host", "evil.example.org"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Original-URL", "/healthz"),
        ("X-Rewrite-URL", "/healthz"),
        ("X-HTTP-Method-Override", "OPTIONS"),
        ("Forwarded", "host=evil.example.org;proto=http"),
    ],
)
def test_no_header_changes_for_whom_a_token_is(name: str, value: str, call: Call) -> None:
    headers = {name: value}
    assert call(headers=headers).status_code == 200
    for base in ("https://evil.example.org", "http://evil.example.org", "http://cds.example.org", BASE + "/evil"):
        assert call(headers=headers, aud=base + SERVICE).status_code == 401
    assert call(token="", headers=headers).status_code == 401


# --- browsers -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [DISCOVERY, SERVICE, FEEDBACK, "/cds-services/nope"])
def test_a_preflight_needs_no_token(path: str, client: FlaskClient) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answer = client.options(path, headers=asked)
    assert answer.status_code == 204
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


FOREIGN = [
    "null",
    "*",
    "",
    "https://evil.example.org",
    ORIGIN + ".evil.org",
    ORIGIN + ":443",
    ORIGIN + "/",
    ORIGIN.upper(),
    ORIGIN + " x",
    ORIGIN.replace("https", "http"),
    ORIGIN.replace("://", "://x."),
    ORIGIN + "@evil.org",
    "https://evil.org/" + ORIGIN,
    ORIGIN[:-1],
    "file://",
    "https://localhost",
    "chrome-extension://x",
    f"{ORIGIN}, https://evil.org",
    "data:text/html,x",
    "https://127.0.0.1",
]


STATUS: dict[int, Json] = {
    200: {},
    400: {"body": b"{"},
    401: {"token": ""},
    404: {"path": "/cds-services/nope"},
    412: {"body": hook_request(prefetch={})},
    500: {},
}


@pytest.mark.parametrize("status", STATUS)
def test_only_a_listed_origin_may_read_an_answer_whatever_it_is(status: int, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    if status == 500:
        monkeypatch.setattr(hooks, "answer", lambda *_, **__: 1 / 0)
    listed = call(**STATUS[status], headers={"Origin": ORIGIN})
    assert (listed.status_code, listed.headers["Access-Control-Allow-Origin"]) == (status, ORIGIN)
    for origin in FOREIGN:
        foreign = call(**STATUS[status], headers={"Origin": origin})
        assert foreign.status_code == status
        assert not [name for name in foreign.headers.keys() if name.startswith("Access-Control")]  # noqa: SIM118
    for answer in (listed, foreign):
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers["Vary"] == "Origin, Authorization"


def test_no_answer_is_kept_for_another_caller(call: Call, client: FlaskClient) -> None:
    for path, kept in ((DISCOVERY, False), (SERVICE, False), (FEEDBACK, False)):
        answer = call(path)
        assert answer.headers["Vary"] == "Origin, Authorization"
        assert (answer.headers.get("Cache-Control") == "no-store") is (path != DISCOVERY), kept
    assert call(DISCOVERY).data == call(DISCOVERY, signer=B, tenant="south").data


# --- what goes with a client --------------------------------------------------------------------------------------------------


def test_what_was_agreed_with_a_client_goes_with_its_request(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Setting] = []

    def note(*_: Any, setting: Setting, **__: Any) -> None:
        seen.append(setting)
        raise HistoryUnavailable("x")

    monkeypatch.setattr(hooks, "answer", note)
    call()
    call(signer=B, tenant="north")
    assert [(one.fhir_version, one.not_offered) for one in seen] == [("STU3", {"Procedure"}), (None, frozenset())]


def test_clients_that_call_at_the_same_time_are_never_taken_for_each_other(
    guarded: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = build(guarded)

    def slow(*_: Any, setting: Setting, **__: Any) -> None:
        time.sleep(0.001)
        raise HistoryUnavailable(str(setting.fhir_version), *sorted(setting.not_offered))

    monkeypatch.setattr(hooks, "answer", slow)
    expected = {A.iss: "STU3 nor Procedure", B.iss: "None"}

    def once(number: int) -> bool:
        signer, tenant = (B, TENANTS[number % 4 // 2]) if number % 2 else (A, ...)
        headers = {"Authorization": f"Bearer {signer.token(signer.claims(tenant=tenant))}"}
        said = app.test_client().post(SERVICE, json=hook_request(), headers=headers).get_json()["issue"][0]["diagnostics"]
        return bool(said == f"Neither {expected[signer.iss]} could be had, so nothing can be said.")

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(once, range(400)))


WHO: list[tuple[Signer, Json]] = [(A, {}), (A, {"tenant": "north"}), (B, {"tenant": "north"}), (B, {"tenant": "south"})]


def test_a_card_of_another_client_is_as_absent(call: Call, rebound: Story, store: SqliteStore, tmp_path: Path) -> None:
    path = f"/cds-services/{rebound.service}"
    act = {"outcome": "overridden", "outcomeTimestamp": "2026-11-22T07:44:41.932Z"}
    cards = [call(path, body=rebound.request, signer=who, **named).get_json()["cards"][0]["uuid"] for who, named in WHO]
    answers = {
        told(call(f"{path}/feedback", body={"feedback": [{"card": card, **act}]}, signer=who, **named))[:2]
        for who, named in WHO
        for card in (*cards, "unknown")
    }
    assert answers == {(200, b"{}")}, "nothing tells a foreign card from an unknown one"
    store.close()
    with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as connection:
        joined = connection.execute("SELECT card, issuer, tenant FROM verdict WHERE topic IS NOT NULL").fetchall()
        assert connection.execute("SELECT count(*) FROM feedback").fetchone() == (len(WHO) * (len(cards) + 1),)
    assert set(joined) == {(card, who.iss, named.get("tenant", "")) for card, (who, named) in zip(cards, WHO, strict=True)}


# --- readiness ----------------------------------------------------------------------------------------------------------------


def test_readiness_tells_that_clients_are_authenticated_and_what_they_never_have(client: FlaskClient) -> None:
    ready = client.get("/readyz").get_json()
    assert (ready["status"], ready["authentication"], ready["notOffered"]) == ("ready", "required", ["Procedure"])


def test_readiness_is_degraded_while_keys_cannot_be_fetched(house: House, store: SqliteStore) -> None:
    def down(_url: str) -> bytes:
        raise UnfetchableError("it took too long")

    issuer = Issuer(iss=A.iss, jku="https://a.example.org/jwks.json")
    keys = FetchedKeys(issuer, issuer.jku or "", down, time.monotonic)
    gate = Guard([Trusted(issuer, keys)], base_url=BASE, used=store, clock=lambda: NOW)
    client = build(msgspec.structs.replace(house, gate=gate)).test_client()
    assert client.get("/readyz").get_json()["status"] == "ready"
    assert client.get(DISCOVERY, headers={"Authorization": f"Bearer {A.token(A.claims(DISCOVERY))}"}).status_code == 401
    ready = client.get("/readyz")
    assert (ready.status_code, ready.get_json()["status"]) == (200, "degraded")
    assert ready.get_json()["degraded"] == ["the keys of an issuer cannot be fetched, there are none"]
    assert A.iss not in ready.text


# --- used tokens --------------------------------------------------------------------------------------------------------------


def test_of_many_copies_at_once_one_gets_in(guarded: House) -> None:
    app = build(guarded)
    for _ in range(10):
        headers = {"Authorization": f"Bearer {A.token()}"}

        def once(_number: int, headers: Json = headers) -> int:
            return app.test_client().post(SERVICE, json=hook_request(), headers=headers).status_code

        with ThreadPoolExecutor(10) as pool:
            assert Counter(pool.map(once, range(50))) == {200: 1, 401: 49}


def test_while_the_store_cannot_be_written_clients_get_in_and_a_process_refuses_what_it_has_seen(
    call: Call, tmp_path: Path
) -> None:
    before, during = A.token(), A.token()
    assert call(token=before).status_code == 200
    with closing(sqlite3.connect(tmp_path / "store.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert [call(token=token).status_code for token in (during, before, during)] == [200, 401, 401]
    assert [call(token=token).status_code for token in (during, A.token())] == [401, 200]
