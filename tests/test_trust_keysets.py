"""Where keys come from: files that are read once, addresses that are asked seldom, and what is left while they do not answer."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cds_service.config import ConfigError
from cds_service.trust import key_server
from cds_service.trust.issuers import Issuer
from cds_service.trust.key_server import asking
from cds_service.trust.keysets import FRESH_S, KEPT_S, PAUSE_S, WAIT_S, FetchedKeys, FileKeys, Keys, UnfetchableError, keys_of
from cds_service.trust.outgoing import Outgoing
from cds_service.trust.shelf import Shelf
from tests.attacks import Canary
from tests.tokens import Signer

OLD, NEW = Signer(kid="old"), Signer(kid="new")
JKU = "https://a.example.org/jwks.json"
ISSUER = Issuer(iss=OLD.iss, jku=JKU)


class Publisher:
    """An issuer's server, and a clock that moves when it is told to."""

    def __init__(self) -> None:
        self.document: bytes | str = OLD.key_set()
        self.asked: list[float] = []
        self.now = 1_000.0
        self.takes = threading.Event()
        self.takes.set()

    def fetch(self, url: str) -> bytes:
        assert url == JKU
        self.asked.append(self.now)
        assert self.takes.wait(10)
        if isinstance(self.document, str):
            raise UnfetchableError(self.document)
        return self.document

    def keys(self) -> FetchedKeys:
        return FetchedKeys(ISSUER, JKU, self.fetch, lambda: self.now)


@pytest.fixture
def publisher() -> Publisher:
    return Publisher()


@pytest.fixture
def keys(publisher: Publisher) -> FetchedKeys:
    return publisher.keys()


def settled(keys: FetchedKeys) -> None:
    """Wait until nobody asks in the background any more."""
    if keys._asking is not None:
        keys._asking.join(10)


# --- files --------------------------------------------------------------------------------------------------------------------


def test_a_file_is_read_when_the_service_starts_and_never_again(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(OLD.key_set(NEW.jwk()))
    found: Keys = FileKeys(ISSUER, file)
    file.unlink()
    assert [found.find(kid) is not None for kid in ("old", "new", "other", str(file), "../keys.json")] == [
        True,
        True,
        *[False] * 3,
    ]
    assert found.trouble() is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "the body is not JSON"),
        (b"{}", "no set of up to"),
        (b'{"keys": []}', "no key that can be used"),
        (OLD.key_set(NEW.jwk(alg="none")), "key 2 is for no agreed algorithm"),
        (OLD.key_set(OLD.jwk()), "there are 2 keys of the id 'old'"),
    ],
)
def test_a_file_that_cannot_be_meant_refuses_the_start(text: bytes | None, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(ConfigError, match=problem) as refused:
        FileKeys(ISSUER, file)
    assert str(refused.value).startswith("CDS_ISSUERS: ")
    assert str(refused.value).endswith(".")


def test_a_key_for_encryption_in_a_file_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(OLD.key_set(NEW.jwk(use="enc")))
    assert FileKeys(ISSUER, file).find("new") is None


def test_an_issuer_has_a_file_or_an_address(publisher: Publisher, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(NEW.key_set())

    def keys(**agreed: Any) -> Keys:
        return keys_of(Issuer(iss=OLD.iss, **agreed), lambda: publisher.fetch, lambda: publisher.now)

    assert keys(jku=JKU).find("old") is not None
    assert keys(jku=JKU, jwks_file=str(file)).find("new") is not None, "the address is the one that a token may name"
    assert len(publisher.asked) == 1
    with pytest.raises(ConfigError, match=r"^CDS_ISSUERS: .* needs a jwks_file or a jku"):
        keys()


# --- addresses ----------------------------------------------------------------------------------------------------------------


def test_nobody_is_asked_before_a_token_needs_a_key(publisher: Publisher, keys: FetchedKeys) -> None:
    assert keys.trouble() is None
    assert publisher.asked == []
    assert keys.find("old") is not None
    assert len(publisher.asked) == 1


def test_a_key_that_is_known_and_fresh_costs_no_question(publisher: Publisher, keys: FetchedKeys) -> None:
    for _ in range(100):
        assert keys.find("old") is keys.find("old")
        publisher.now += FRESH_S / 100
    settled(keys)
    assert len(publisher.asked) == 1


def test_a_flood_of_unknown_keys_is_one_question_in_each_pause(publisher: Publisher, keys: FetchedKeys) -> None:
    keys.find("old")
    for number in range(1000):
        publisher.now += 0.2
        assert keys.find(f"unknown-{number}") is None
    assert len(publisher.asked) == 1 + int(200 / PAUSE_S)
    assert all(later - earlier > PAUSE_S for earlier, later in zip(publisher.asked, publisher.asked[1:], strict=False))
    assert keys.find("old") is not None


def test_a_new_key_is_asked_for_once_it_is_needed(publisher: Publisher, keys: FetchedKeys) -> None:
    keys.find("old")
    publisher.document = OLD.key_set(NEW.jwk())
    publisher.now += PAUSE_S + 1
    assert keys.find("new") is not None
    assert keys.find("old") is not None
    assert len(publisher.asked) == 2


def test_a_key_that_was_withdrawn_works_until_it_is_no_longer_fresh(publisher: Publisher, keys: FetchedKeys) -> None:
    keys.find("old")
    publisher.document = NEW.key_set()
    publisher.now += FRESH_S
    assert keys.find("old") is not None
    publisher.now += 1
    assert keys.find("old") is not None, "who has a key does not wait for the answer"
    settled(keys)
    assert keys.find("old") is None
    assert keys.find("new") is not None


@pytest.mark.parametrize(
    "answer",
    ["it took too long", b"<html>", b'{"keys": []}', NEW.key_set(NEW.jwk())],
    ids=["late", "no JSON", "no key", "the same key twice"],
)
def test_the_last_good_keys_are_used_for_an_hour(publisher: Publisher, keys: FetchedKeys, answer: bytes | str) -> None:
    keys.find("old")
    begun = publisher.now
    publisher.document = answer
    publisher.now = begun + FRESH_S + 1
    assert keys.find("old") is not None
    settled(keys)
    assert keys.trouble() == "the keys of an issuer cannot be fetched, the last good ones are used"
    publisher.now = begun + KEPT_S
    assert keys.find("old") is not None
    publisher.now += 1
    settled(keys)
    assert keys.find("old") is None
    assert keys.trouble() == "the keys of an issuer cannot be fetched, there are none"
    publisher.document = OLD.key_set()
    assert keys.find("old") is None, "that was asked just now"
    publisher.now += PAUSE_S + 1
    assert keys.find("old") is not None
    assert keys.trouble() is None


def test_while_a_server_is_down_it_is_asked_once_in_each_pause(publisher: Publisher, keys: FetchedKeys) -> None:
    keys.find("old")
    publisher.document = "its server cannot be reached"
    publisher.asked.clear()
    publisher.now += FRESH_S
    for _ in range(600):
        publisher.now += 1
        assert keys.find("old") is not None
        settled(keys)
    assert 9 <= len(publisher.asked) <= 600 / PAUSE_S


def test_many_that_need_the_same_key_ask_once_and_all_get_it(publisher: Publisher, keys: FetchedKeys) -> None:
    publisher.takes.clear()
    with ThreadPoolExecutor(20) as pool:
        found = [pool.submit(keys.find, "old") for _ in range(20)]
        time.sleep(0.2)
        publisher.takes.set()
        assert all(one.result() is not None for one in found)
    assert len(publisher.asked) == 1


def test_who_needs_a_key_waits_only_as_long_as_an_answer_may_take(publisher: Publisher, keys: FetchedKeys) -> None:
    publisher.takes.clear()
    begun = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(keys.find, ["old"] * 8)) == {None}
    assert WAIT_S <= time.monotonic() - begun < 6 * WAIT_S
    publisher.takes.set()
    settled(keys)
    assert keys.find("old") is not None
    assert len(publisher.asked) == 1


def test_who_has_a_key_waits_for_nobody(publisher: Publisher, keys: FetchedKeys) -> None:
    keys.find("old")
    publisher.now += FRESH_S + 1
    publisher.takes.clear()
    begun = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: keys.find("old") is not None, range(200)))
    assert time.monotonic() - begun < 5, "the answer takes ten seconds"
    publisher.takes.set()
    settled(keys)
    assert len(publisher.asked) == 2


def test_a_failure_is_told_in_the_log_with_the_issuer(
    publisher: Publisher, keys: FetchedKeys, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("cds_service"), "propagate", True)
    publisher.document = "it took too long"
    keys.find("old")
    (line,) = caplog.records
    assert (line.msg, line.__dict__["issuer"], line.__dict__["what"]) == ("keys-not-fetched", OLD.iss, "it took too long")


# --- the shelf ----------------------------------------------------------------------------------------------------------------


SHARED = """
import os, time
from cds_service.trust.shelf import Shelf
shelf, (told, tell) = Shelf(), os.pipe()
if os.fork() == 0:
    with shelf.held():
        shelf.put(b"from the child")
        os.write(tell, b"x")
        time.sleep(1)
        os._exit(0)  # without letting go
os.read(told, 1)
begun = time.monotonic()
found, read = shelf.document(shelf.label()), time.monotonic() - begun
with shelf.held():
    print(found.decode(), read < 0.5, time.monotonic() - begun > 0.5)
"""


def test_processes_share_a_shelf_and_the_lock_goes_with_who_holds_it() -> None:
    ran = subprocess.run([sys.executable, "-c", SHARED], capture_output=True, text=True, timeout=30, check=True)
    assert ran.stdout == "from the child True True\n", "reading waits for nobody, holding waits for the child"


def test_a_document_that_is_not_whole_is_none() -> None:
    shelf = Shelf()
    assert shelf.document(shelf.label()) is None
    shelf.put(b"a long document")
    label = shelf.label()
    shelf.put(b"short")
    assert shelf.document(label) is None
    assert shelf.document(shelf.label()) == b"short"


# --- over HTTP ----------------------------------------------------------------------------------------------------------------

Respond = Callable[[BaseHTTPRequestHandler], None]


class Web:
    """An issuer's server that answers as it is told."""

    def __init__(self) -> None:
        self.respond: Respond = document(OLD.key_set())
        self.asked: list[tuple[str, dict[str, str]]] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append((self.path, dict(self.headers)))
                web.respond(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def document(body: bytes, status: int = 200, **headers: str) -> Respond:
    def respond(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return respond


def drip(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    try:
        for _ in range(100):
            request.wfile.write(b"x")
            request.wfile.flush()
            time.sleep(0.05)
    except OSError:
        pass


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web()
    yield server
    server.close()


def test_keys_are_asked_for_at_exactly_their_address_and_with_nothing_of_ours(web: Web) -> None:
    assert asking(Outgoing(), time.monotonic)(web.base + "/jwks.json") == OLD.key_set()
    ((path, headers),) = web.asked
    assert path == "/jwks.json"
    assert not {"authorization", "cookie", "referer"} & {name.lower() for name in headers}


@pytest.mark.parametrize(
    ("respond", "problem"),
    [
        (document(b"{}", 404), "answers with status 404"),
        (document(b"{}", 503), "answers with status 503"),
        (document(b"x" * (key_server.MAX_BYTES + 1)), "it is too large"),
        (document(b"x", Content_Encoding="br"), "it is too large"),
        (document(b"x", Content_Length="5"), "cannot be reached"),
        (drip, "it took too long"),
    ],
)
def test_an_answer_that_is_none_is_said_in_words(
    web: Web, respond: Respond, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_server, "PATIENCE_S", 0.5)
    web.respond = respond
    begun = time.monotonic()
    with pytest.raises(UnfetchableError, match=problem):
        asking(Outgoing(), time.monotonic)(web.base)
    assert time.monotonic() - begun < 2.5


def test_no_redirect_leads_anywhere(web: Web) -> None:
    canary = Canary()
    web.respond = document(b"", 302, Location=f"http://{canary.host}/jwks.json")
    with pytest.raises(UnfetchableError, match="status 302"):
        asking(Outgoing(), time.monotonic)(web.base)
    assert canary.calls() == 0
    canary.close()


def test_nobody_there_is_said_in_words() -> None:
    with pytest.raises(UnfetchableError, match="cannot be reached"):
        asking(Outgoing(), time.monotonic)("http://127.0.0.1:9/jwks.json")
