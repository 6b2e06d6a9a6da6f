"""TLS: a server is told the token only after it has shown a certificate that holds for its name."""

import ssl
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cds_service.gather.client import Got, Room, Server
from cds_service.gather.deadline import Deadline
from cds_service.protocol.gathered import Fetch
from cds_service.trust.outgoing import Outgoing
from tests.certificates import NOW, Authority
from tests.fhir_server import canary, serving

PERSON = {"resourceType": "Patient", "id": "p1"}


def read(context: ssl.SSLContext, authorities: Path | None, host: str = "localhost") -> tuple[Got, int]:
    """What a read gives, and how many requests the server saw."""
    with serving(PERSON, context=context) as fhir:
        base = f"https://{host}:{fhir.port}/fhir"
        server = Server(base, "secret", Outgoing(authorities=authorities), deadline=Deadline(10), room=Room(10_000))
        return server.get(f"{base}/Patient/p1"), len(fhir.hits)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_of_a_trusted_authority_for_the_host_holds(tmp_path: Path, host: str) -> None:
    authority = Authority(tmp_path)
    got, hits = read(authority.server("localhost", "127.0.0.1"), authority.file, host)
    assert (got.outcome, hits) == (Fetch.READ, 1)


def outdated(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


UNTRUSTED: dict[str, Callable[[Authority], ssl.SSLContext]] = {
    "signed by itself": lambda authority: authority.server("localhost", own=True),
    "expired": lambda authority: authority.server("localhost", until=NOW - timedelta(days=1)),
    "for another host": lambda authority: authority.server("fhir.example.org"),
    "for no host": lambda authority: authority.server("*.localhost"),
    "of a TLS version of old": lambda authority: outdated(authority.server("localhost")),
}


@pytest.mark.parametrize("way", UNTRUSTED)
def test_a_certificate_that_does_not_hold_gets_no_request(tmp_path: Path, way: str) -> None:
    authority = Authority(tmp_path)
    got, hits = read(UNTRUSTED[way](authority), authority.file)
    assert (got.outcome, hits) == (Fetch.UNREACHABLE, 0)


def test_a_configured_authority_stands_in_place_of_the_others(tmp_path: Path) -> None:
    mine, other = Authority(tmp_path, "mine"), Authority(tmp_path, "other")
    for authorities in (other.file, None):
        got, hits = read(mine.server("localhost"), authorities)
        assert (got.outcome, hits) == (Fetch.UNREACHABLE, 0)


def test_the_environment_does_not_choose_the_authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(authority.file))
    assert read(authority.server("localhost"), None)[0].outcome is Fetch.UNREACHABLE


def test_who_does_not_speak_tls_hears_no_token(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with canary() as plain:
        base = f"https://localhost:{plain.port}/fhir"
        server = Server(base, "secret", Outgoing(authorities=authority.file), deadline=Deadline(1), room=Room(10_000))
        assert server.get(f"{base}/Patient/p1").outcome is not Fetch.READ
        assert plain.heard
        assert not any(b"secret" in heard or b"Bearer" in heard for heard in plain.heard)
