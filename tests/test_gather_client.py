"""One read from a FHIR server: what is sent, what is taken, and that no server can make it long, large or leaky."""

import gzip
import json
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cds_service.gather.client import Got, Room, Server
from cds_service.gather.deadline import Deadline
from cds_service.protocol.gathered import Fetch
from cds_service.trust.outgoing import Outgoing
from tests import fhir_server as bad
from tests.fhir_server import Behaviour, FhirServer, Handler, canary, serving
from tests.timing import soonest

PERSON = {"resourceType": "Patient", "id": "p1"}
LARGEST = 1_000_000
BEARER = "secret"
BUDGET_S = 0.4
TOLERANCE_S = 0.25
"""More than the 50 ms that a read may take beyond its time: the machine of a test has other work."""


@pytest.fixture(scope="module")
def outgoing() -> Outgoing:
    return Outgoing()


@pytest.fixture
def fhir() -> Iterator[FhirServer]:
    with serving(PERSON) as server:
        yield server


Reader = Callable[..., Got]


@pytest.fixture
def read(outgoing: Outgoing, fhir: FhirServer) -> Reader:
    def get(path: str = "Patient/p1", *, token: str | None = BEARER, budget: float = BUDGET_S, size: int = LARGEST) -> Got:
        server = Server(fhir.base, token, outgoing, deadline=Deadline(budget), room=Room(size))
        return server.get(f"{fhir.base}/{path}")

    return get


def test_the_token_and_what_is_wanted_go_with_it_and_nothing_else(fhir: FhirServer, read: Reader) -> None:
    got = read()
    assert (got.outcome, json.loads(got.body or b"")) == (Fetch.READ, PERSON)
    assert got.unknown_type is False
    (hit,) = fhir.hits
    assert hit.path == "/fhir/Patient/p1"
    assert hit.headers == {
        "Host": f"127.0.0.1:{fhir.port}",
        "User-Agent": "cds-service",
        "Accept": "application/fhir+json, application/json+fhir;q=0.9, application/json;q=0.8",
        "Accept-Encoding": "gzip",
        "Authorization": "Bearer secret",
    }


def test_without_a_token_no_authorization_is_sent(fhir: FhirServer, read: Reader) -> None:
    assert read(token=None).outcome is Fetch.READ
    assert "Authorization" not in fhir.hits[0].headers


def test_a_search_arrives_as_it_was_written(fhir: FhirServer, read: Reader) -> None:
    query = "Observation?patient=p1&code=http://loinc.org%7C1742-6,http://loinc.org%7C1920-8&date=ge2020-01-01&_sort=-date"
    assert read(query).outcome is Fetch.READ
    assert fhir.hits[0].path == f"/fhir/{query}"


def test_neither_proxies_nor_netrc_nor_cookies_come_in_between(
    fhir: FhirServer, read: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    fhir.behave = lambda handler: handler.send(PERSON, Set_Cookie="session=abc; Path=/")
    with canary() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NETRC", str(netrc))
        assert read().outcome is Fetch.READ
        assert read().outcome is Fetch.READ
        assert proxy.heard == []
    assert [hit.token for hit in fhir.hits] == ["Bearer secret"] * 2
    assert not any("Cookie" in hit.headers for hit in fhir.hits)


def test_a_connection_is_kept_for_the_next_read_and_a_dropped_one_replaced(fhir: FhirServer, outgoing: Outgoing) -> None:
    ports: list[int] = []

    def behave(handler: Handler) -> None:
        ports.append(handler.client_address[1])
        handler.send(PERSON)

    fhir.behave = behave
    server = Server(fhir.base, None, outgoing, deadline=Deadline(5), room=Room(LARGEST))
    for _ in range(3):
        assert server.get(f"{fhir.base}/Patient/p1").outcome is Fetch.READ
    assert len(set(ports)) == 1
    with serving(PERSON) as other:
        other.behave = lambda handler: (handler.send(PERSON), handler.cut())[0]
        for _ in range(3):
            assert server.get(f"{other.base}/Patient/p1").outcome is Fetch.READ


@pytest.mark.parametrize(
    ("behave", "outcome", "unknown_type", "hits"),
    [
        (bad.status(400), Fetch.FAILED, True, 1),
        (bad.status(401), Fetch.REFUSED, False, 1),
        (bad.status(403), Fetch.REFUSED, False, 1),
        (bad.status(404), Fetch.FAILED, True, 1),
        (bad.status(410), Fetch.FAILED, False, 1),
        (bad.status(204), Fetch.FAILED, False, 1),
        (bad.status(206, PERSON), Fetch.FAILED, False, 1),
        (bad.status(304), Fetch.FAILED, False, 1),
        (bad.status(429), Fetch.FAILED, False, 1),
        (bad.status(429, Retry_After="0"), Fetch.FAILED, False, 2),
        (bad.status(429, Retry_After="30"), Fetch.FAILED, False, 1),
        (bad.status(429, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"), Fetch.FAILED, False, 1),
        (bad.status(500), Fetch.FAILED, False, 1),
        (bad.status(502), Fetch.FAILED, False, 2),
        (bad.status(503), Fetch.FAILED, False, 2),
        (bad.status(503, Retry_After="30"), Fetch.FAILED, False, 1),
        (bad.status(504), Fetch.FAILED, False, 2),
        (bad.hung_up, Fetch.UNREACHABLE, False, 2),
        (bad.broken_off, Fetch.UNREACHABLE, False, 2),
        (bad.says(PERSON, Content_Encoding="br"), Fetch.FAILED, False, 1),
        (bad.says(b"no gzip", Content_Encoding="gzip"), Fetch.UNREACHABLE, False, 2),
        (bad.says(gzip.compress(b"{}")[:-9], Content_Encoding="gzip"), Fetch.UNREACHABLE, False, 2),
        (bad.says(b"x" * (LARGEST + 1)), Fetch.FAILED, False, 1),
    ],
)
def test_what_is_no_answer(
    fhir: FhirServer, read: Reader, behave: Behaviour, outcome: Fetch, unknown_type: bool, hits: int
) -> None:
    fhir.behave = behave
    assert read(budget=5) == Got(outcome, None, unknown_type)
    assert len(fhir.hits) == hits


@pytest.mark.parametrize("failure", [bad.hung_up, bad.status(502), bad.status(503, Retry_After="0"), bad.broken_off])
def test_what_passes_by_itself_is_tried_once_more(fhir: FhirServer, read: Reader, failure: Behaviour) -> None:
    fhir.behave = lambda handler: failure(handler) if len(fhir.hits) == 1 else fhir.answer(handler)
    assert read(budget=5).outcome is Fetch.READ


def test_it_is_tried_again_only_where_that_fits_into_the_time_left(fhir: FhirServer, outgoing: Outgoing) -> None:
    now, paused = [100.0], list[float]()

    def behave(handler: Handler) -> None:
        now[0] += 0.25
        handler.send(b"", 503)

    fhir.behave = behave
    server = Server(fhir.base, None, outgoing, deadline=Deadline(0.4, lambda: now[0]), room=Room(10_000), sleep=paused.append)
    assert server.get(f"{fhir.base}/Patient/p1").outcome is Fetch.FAILED
    assert (len(fhir.hits), paused) == (1, [])


def test_a_packed_answer_is_unpacked(fhir: FhirServer, read: Reader) -> None:
    fhir.behave = bad.says(gzip.compress(json.dumps(PERSON).encode() * 20_000), Content_Encoding="gzip")
    body = read(budget=5).body
    assert body == json.dumps(PERSON).encode() * 20_000


def test_a_chunked_answer_is_read(fhir: FhirServer, read: Reader) -> None:
    parts = (b"%x\r\n%s\r\n" % (len(part), part) for part in (b'{"resourceType"', b':"Patient","id":"p1"}'))
    fhir.behave = lambda handler: handler.raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", *parts, b"0\r\n\r\n")
    assert json.loads(read().body or b"") == PERSON


SLOW: dict[str, Behaviour] = {
    "slow": bad.slow(20),
    "dripping head": bad.dripping("head"),
    "dripping body": bad.dripping("body"),
    "dripping chunk length": bad.dripping("chunk"),
}


@pytest.mark.parametrize("way", SLOW)
def test_no_server_is_waited_for_beyond_the_deadline(fhir: FhirServer, read: Reader, way: str) -> None:
    fhir.behave = SLOW[way]
    got, took = soonest(read, BUDGET_S + TOLERANCE_S)
    assert got.outcome is Fetch.LATE
    assert BUDGET_S * 0.9 <= took < BUDGET_S + TOLERANCE_S


@pytest.mark.parametrize("part", ["body", "chunks", "chunk length", "head", "head line", "status line", "informational"])
def test_an_endless_answer_ends_where_its_room_or_its_time_ends(fhir: FhirServer, read: Reader, part: str) -> None:
    fhir.behave = bad.endless(part)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    got, took = soonest(read, BUDGET_S + TOLERANCE_S)
    assert got.body is None
    assert got.outcome in {Fetch.FAILED, Fetch.LATE, Fetch.UNREACHABLE}
    assert took < BUDGET_S + TOLERANCE_S
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000


def test_a_bomb_is_not_unpacked(fhir: FhirServer, read: Reader) -> None:
    fhir.behave = bad.bomb(100_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    got, took = soonest(lambda: read(size=5_000_000, budget=10), 5)
    assert got.outcome is Fetch.FAILED
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000
    assert took < 5


def test_all_reads_of_a_call_share_one_room(fhir: FhirServer, outgoing: Outgoing) -> None:
    fhir.behave = bad.says(b"x" * 4_000)
    server = Server(fhir.base, None, outgoing, deadline=Deadline(5), room=Room(10_000))
    assert [server.get(f"{fhir.base}/Patient/p1").outcome for _ in range(3)] == [Fetch.READ, Fetch.READ, Fetch.FAILED]


def test_without_time_nothing_is_sent(fhir: FhirServer, read: Reader) -> None:
    assert read(budget=0).outcome is Fetch.LATE
    assert read(budget=-1).outcome is Fetch.LATE
    assert fhir.hits == []


def test_a_redirect_is_not_followed(fhir: FhirServer, read: Reader) -> None:
    with canary() as elsewhere:
        for code in (301, 302, 303, 307, 308):
            fhir.behave = bad.status(code, Location=f"http://127.0.0.1:{elsewhere.port}/fhir/Patient/p1")
            assert read().outcome is Fetch.FAILED
        assert elsewhere.heard == []


def test_nobody_there_is_told_at_once(outgoing: Outgoing) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{unused.getsockname()[1]}/fhir"
        server = Server(base, "secret", outgoing, deadline=Deadline(5), room=Room(LARGEST))
        got, took = soonest(lambda: server.get(f"{base}/Patient/p1"), 1)
    assert got.outcome is Fetch.UNREACHABLE
    assert not server.alive
    assert took < 1


def test_a_server_is_alive_once_it_answers_anything_but_that_it_is_broken(fhir: FhirServer, outgoing: Outgoing) -> None:
    server = Server(fhir.base, None, outgoing, deadline=Deadline(5), room=Room(LARGEST))
    for behave in (bad.status(500), bad.status(503), bad.hung_up):
        fhir.behave = behave
        server.get(f"{fhir.base}/Patient/p1")
    assert not server.alive
    fhir.behave = bad.status(404)
    server.get(f"{fhir.base}/Patient/p1")
    assert server.alive


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Name resolution as the test wants it: one list of addresses for each time it is asked."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in (left.pop(0) if left else [])]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_that_comes_to_mean_an_inner_address_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch, outgoing: Outgoing
) -> None:
    with canary() as inner:
        base = f"https://fhir.example.org:{inner.port}/r4"
        for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0"):
            asked = resolving(monkeypatch, [address], [address])
            server = Server(base, "secret", outgoing, deadline=Deadline(1), room=Room(LARGEST))
            assert server.get(f"{base}/Patient/p1").outcome is Fetch.UNREACHABLE
            assert set(asked) == {"fhir.example.org"}
        assert inner.heard == []


def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch, outgoing: Outgoing) -> None:
    connected: list[Any] = []
    asked = resolving(monkeypatch, ["127.0.0.1", "93.184.216.34"], ["127.0.0.1"])

    def connect(_sock: socket.socket, address: Any) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("cds_service.trust.sockets.TimedSocket.connect", connect, raising=False)
    base = "https://fhir.example.org/r4"
    Server(base, "secret", outgoing, deadline=Deadline(1), room=Room(LARGEST), sleep=lambda _: None).get(f"{base}/Patient/p1")
    assert connected == [("93.184.216.34", 443)]
    assert len(asked) == 2  # once for each try; the second led to no address that may be connected to


def test_a_name_that_does_not_resolve_is_no_crash(monkeypatch: pytest.MonkeyPatch, outgoing: Outgoing) -> None:
    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    base = "https://fhir.example.org/r4"
    server = Server(base, "secret", outgoing, deadline=Deadline(1), room=Room(LARGEST))
    assert server.get(f"{base}/Patient/p1").outcome is Fetch.UNREACHABLE


def test_many_threads_read_through_the_same_connections(fhir: FhirServer, outgoing: Outgoing) -> None:
    fhir.resources = [{"resourceType": "Patient", "id": f"p{number}"} for number in range(40)]
    found: dict[int, Any] = {}

    def one(number: int) -> None:
        server = Server(fhir.base, f"token{number}", outgoing, deadline=Deadline(20), room=Room(LARGEST))
        found[number] = json.loads(server.get(f"{fhir.base}/Patient/p{number}").body or b"")["id"]

    threads = [threading.Thread(target=one, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: f"p{number}" for number in range(40)}
    assert {(hit.path.rpartition("/p")[2], hit.token) for hit in fhir.hits} == {(str(n), f"Bearer token{n}") for n in range(40)}
