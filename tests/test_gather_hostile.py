"""What a caller or a FHIR server may try: lead the service elsewhere, have the token shown, keep it waiting."""

import json
import logging
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from msgspec.structs import replace

from cds_service.gather import Access
from cds_service.stories.story import Story
from cds_service.trust.gate import OpenGate
from cds_service.web import logs
from cds_service.web.application import build
from cds_service.web.house import House
from tests import fhir_server as bad
from tests.conftest import Start, bundle, hook_request
from tests.fhir_server import Canary, FhirServer, canary, serving
from tests.timing import soonest
from tests.visiting import BEARER, authorization, fetcher, known

Json = dict[str, Any]
PATIENT_VIEW = "/cds-services/tacrolimus-patient-view"
HISTORY = ("medicationStatements", "medicationRequests", "medicationOrders")


@pytest.fixture
def fhir() -> Iterator[FhirServer]:
    with serving() as server:
        yield server


@pytest.fixture
def service(house: House, fhir: FhirServer) -> FlaskClient:
    return application(house, fhir)


def application(house: House, fhir: FhirServer, budget_s: float = 2.0) -> FlaskClient:
    setting = replace(house.setting, access=Access(fetcher(budget_s=budget_s), frozenset({fhir.base}), open=True))
    return build(replace(house, setting=setting, gate=OpenGate((fhir.base,)))).test_client()


def call(service: FlaskClient, fhir: FhirServer, *missing: str, **changes: Any) -> Any:
    members = {"prefetch": known(*missing), "fhirServer": fhir.base, "fhirAuthorization": authorization()}
    body = hook_request(**(members | changes))
    return service.post(PATIENT_VIEW, data=json.dumps(body), content_type="application/json")


def look_alikes(allowed: FhirServer, evil: Canary) -> list[Any]:
    """What stands in place of the server's address, or a link to its next page, so that somebody reads it as the canary's."""
    host, there = f"127.0.0.1:{allowed.port}", f"127.0.0.1:{evil.port}"
    hosts = [
        there,
        *(f"{name}:{evil.port}" for name in ("localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0")),
        *(f"[{name}]:{evil.port}" for name in ("::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::", "64:ff9b::7f00:1", "::1%25lo")),
        f"127.0.0.1.:{evil.port}",
        f"\uff11\uff12\uff17.0.0.1:{evil.port}",
        f"127\u30020.0.1:{evil.port}",
        f"localhost.localdomain:{evil.port}",
        f"{host}@{there}",
        f"{host}%40{there}",
        f"user:{host}@{there}",
        f"{there}\\@{host}",
        f"{there}#@{host}",
        f"{there}?@{host}",
        f"{there}/@{host}",
        f"{host}\\@{there}",
        f"{there}%00{host}",
        f"{there}\t{host}",
        f"{there} {host}",
        f"{there},{host}",
        f"{there};{host}",
        f"{host}.{there}",
        f"127.0.0.1:{allowed.port}{evil.port}",
        f"127.0.0.1:0{evil.port}",
        f"127.0.0.1:{evil.port}:{allowed.port}",
    ]
    urls: list[Any] = [f"{scheme}://{name}/fhir" for scheme in ("http", "https") for name in hosts]
    urls += [f"{scheme}://{there}/fhir" for scheme in ("HTTP", "ftp", "gopher", "ws", "file", "jar:http", "dict", "ldap", "unix")]
    urls += [
        f"{allowed.base}{tail}" for tail in (f"@{there}", f"\\@{there}", f"/../..//{there}/", f"/..%2f..%2f{there}", f"#@{there}")
    ]
    urls += [
        f"{allowed.origin}/{there}/fhir",
        f"{allowed.origin}//{there}/fhir",
        f"//{there}/fhir",
        f"///{there}/fhir",
        f"\\\\{there}\\fhir",
    ]
    urls += [
        f"{there}/fhir",
        f"/{there}/fhir",
        f"http:{there}/fhir",
        f"http:/{there}/fhir",
        f"http:///{there}/fhir",
        f" http://{there}/fhir",
    ]
    urls += [f"http://{there}/fhir{tail}" for tail in ("/", "?x=1", "#x", "\r\nHost: x", "\n", "\x00", "%0d%0a", "/../fhir")]
    urls += [
        "file:///etc/passwd",
        "data:application/json,{}",
        "javascript:1",
        "about:blank",
        "http://169.254.169.254/latest/meta-data",
    ]
    urls += [
        "http://[fd00:ec2::254]/latest",
        "http://metadata.google.internal/",
        "http://100.100.100.200/",
        "http://10.0.0.1/fhir",
        "http://",
    ]
    return [*urls, "", " ", 5, True, ["x"], {"url": f"http://{there}/fhir"}]


def test_no_address_that_a_caller_gives_leads_elsewhere(service: FlaskClient, fhir: FhirServer) -> None:
    with canary() as evil:
        urls = look_alikes(fhir, evil)
        assert len(urls) >= 100
        for url in urls:
            answer = call(service, fhir, *HISTORY, fhirServer=url)
            assert answer.status_code in {400, 412}, url
        assert evil.heard == []
    assert fhir.hits == []


@pytest.mark.parametrize("sent", [True, False], ids=["in the prefetch", "from the server"])
def test_no_next_link_leads_elsewhere(service: FlaskClient, fhir: FhirServer, sent: bool) -> None:
    with canary() as evil:
        for url in look_alikes(fhir, evil):
            fhir.hits.clear()
            page = bundle(link=[{"relation": "next", "url": url}])
            if sent:
                answer = call(service, fhir, prefetch=known() | {"medicationStatements": page})
            else:
                fhir.behave = bad.says(page)
                answer = call(service, fhir, "medicationStatements")
            assert answer.status_code == 200
            assert answer.get_json()["cards"], url  # the list is not whole, and that is said
            assert all(hit.path.startswith("/fhir") for hit in fhir.hits)
            assert len(fhir.hits) <= (10 if sent else 11)
        assert evil.heard == []


def test_no_reference_to_a_medication_leads_elsewhere(service: FlaskClient, fhir: FhirServer) -> None:
    with canary() as evil:
        for url in [url for url in look_alikes(fhir, evil) if isinstance(url, str)]:
            reference = {"reference": f"{url}/Medication/m1"}
            statement = {"resourceType": "MedicationStatement", "id": "s1", "medicationReference": reference}
            answer = call(service, fhir, prefetch=known() | {"medicationStatements": bundle(statement)})
            assert answer.status_code == 200
        assert evil.heard == []
    assert {hit.path for hit in fhir.hits} <= {"/fhir/Medication/m1"}


def test_no_redirect_leads_elsewhere(service: FlaskClient, fhir: FhirServer) -> None:
    with canary() as evil:
        for url in [url for url in look_alikes(fhir, evil) if isinstance(url, str) and url.isprintable() and url.isascii()]:
            fhir.behave = bad.status(307, Location=url)
            assert call(service, fhir, *HISTORY).status_code == 412
        assert evil.heard == []


class Lines(logging.Handler):
    """Every line that a log would get, and everything that was there to be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += logs.JsonLines().format(record) + record.getMessage() + repr(record.__dict__)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Every line of every logger, also where another test has set up the service's own logging."""
    handler = Lines()
    root, ours = logging.getLogger(), logging.getLogger("cds_service")
    levels = {logger: logger.level for logger in (root, ours)}
    monkeypatch.setattr(ours, "propagate", True)
    root.addHandler(handler)
    for logger in levels:
        logger.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    for logger, level in levels.items():
        logger.setLevel(level)


def echoing(fhir: FhirServer) -> list[bad.Behaviour]:
    """Servers that give the token back in what they answer."""
    said = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": BEARER}]}
    link = f"{fhir.base}/MedicationStatement?token={BEARER}"
    return [
        fhir.answer,
        bad.status(401, said),
        bad.status(500, BEARER.encode(), Location=BEARER, Retry_After=BEARER),
        bad.says(said),
        bad.says(BEARER.encode()),
        bad.says(bundle(link=[{"relation": "next", "url": link}])),
        bad.status(302, Location=f"http://127.0.0.1:9/{BEARER}"),
        bad.hung_up,
    ]


def test_the_token_is_found_nowhere_but_in_the_one_header(
    house: House, fhir: FhirServer, log: Lines, rebound: Story, tmp_path: Path
) -> None:
    service, answers = application(house, fhir), list[Any]()
    for behave in echoing(fhir):
        fhir.behave = behave
        answers += [call(service, fhir, *HISTORY), call(service, fhir, "markers"), call(service, fhir)]
        story = rebound.body() | {"fhirServer": fhir.base, "fhirAuthorization": authorization(patient="p-aih-2")}
        prefetch = {key: value for key, value in story["prefetch"].items() if key != "conditions"}
        body = json.dumps(story | {"prefetch": prefetch})
        answers.append(service.post(f"/cds-services/{rebound.service}", data=body, content_type="application/json"))
    for changes in ({"token_type": "MAC"}, {"patient": "p2"}, {"access_token": f"{BEARER} x"}, {"scope": BEARER}):
        answers.append(call(service, fhir, *HISTORY, fhirAuthorization=authorization(**changes)))
    answers += [service.get(path) for path in ("/metrics", "/readyz", "/healthz")]
    assert {answer.status_code for answer in answers} <= {200, 412}
    for answer in answers:
        assert BEARER not in answer.get_data(as_text=True)
        assert BEARER not in str(answer.headers)
    assert "fhir-reads" in log.text
    assert BEARER not in log.text
    house.store.close()
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        assert connection.execute("SELECT count(*) FROM answered_card").fetchone()[0] > 0
    connection.close()
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or BEARER.encode() not in file.read_bytes()
    for hit in fhir.hits:
        held = [name for name, value in hit.headers.items() if BEARER in value]
        assert held == ["Authorization"]
        assert BEARER not in hit.path or hit.path.endswith(f"?token={BEARER}")  # where the server itself put it


def test_another_patients_record_is_not_believed_and_not_taken_for_an_empty_one(
    service: FlaskClient, fhir: FhirServer, rebound: Story
) -> None:
    """The server does not look at whose record it was asked for."""
    theirs = [entry["resource"] for value in rebound.body()["prefetch"].values() for entry in (value or {}).get("entry", [])]
    person = rebound.body()["prefetch"]["patient"]

    def behave(handler: Any) -> None:
        kind = handler.path.removeprefix("/fhir/").partition("?")[0].partition("/")[0]
        handler.send(person if kind == "Patient" else bundle(*(one for one in theirs if one["resourceType"] == kind)))

    fhir.behave = behave
    answer = call(service, fhir, prefetch={})
    (card,) = answer.get_json()["cards"]
    assert (card["indicator"], card["source"]["topic"]["code"]) == ("info", "verify-tacrolimus-status")
    assert "medication statements" in json.dumps(card["extension"])
    assert not any(one["id"] in answer.get_data(as_text=True) for one in theirs)


TIRING = {
    "slow": bad.slow(30),
    "dripping head": bad.dripping("head"),
    "dripping body": bad.dripping("body"),
    "endless body": bad.endless("body"),
    "endless chunks": bad.endless("chunks"),
    "bomb": bad.bomb(50_000_000),
}


@pytest.mark.parametrize("way", TIRING)
def test_the_answer_is_there_in_time_and_says_what_was_not_checked(house: House, fhir: FhirServer, way: str) -> None:
    service = application(house, fhir, budget_s=0.4)
    fhir.behave = TIRING[way]
    answer, took = soonest(lambda: call(service, fhir, "medicationStatements", "conditions", "markers"), 0.4 + 0.35)
    assert took < 0.4 + 0.35
    (card,) = answer.get_json()["cards"]
    assert "medication statements" in json.dumps(card["extension"])
    assert call(service, fhir, *HISTORY).status_code == 412


@pytest.mark.server
def test_a_process_whose_server_is_slow_answers_412_within_its_budget(start: Start, fhir: FhirServer) -> None:
    fhir.behave = bad.slow(30)
    running = start(CDS_FHIR_SERVERS=fhir.base, CDS_BUDGET_MS="400")
    time.sleep(1.5)  # until the workers have loaded the client
    body = hook_request(prefetch={}, fhirServer=fhir.base, fhirAuthorization=authorization())
    took = [30.0]
    while min(took) > 0.4 + 0.05 and len(took) < 20:  # once is enough: others may be using the machine
        began = time.monotonic()
        assert running.post(PATIENT_VIEW, body).status_code == 412
        took.append(time.monotonic() - began)
    assert 0.35 < min(took) <= 0.4 + 0.05


@pytest.mark.server
def test_a_process_answers_from_its_fhir_server_and_tells_of_it(start: Start, fhir: FhirServer) -> None:
    running = start(CDS_FHIR_SERVERS=f"{fhir.base}/", CDS_BUDGET_MS="9000")
    body = hook_request(prefetch={}, fhirServer=fhir.base, fhirAuthorization=authorization())
    answer = running.post(PATIENT_VIEW, body)
    assert answer.status_code == 200
    assert {hit.token for hit in fhir.hits} == {f"Bearer {BEARER}"}
    assert 'cds_fhir_fetches_total{outcome="read"} 9' in running.requested("/metrics").text
    assert BEARER not in running.log.read_text()
