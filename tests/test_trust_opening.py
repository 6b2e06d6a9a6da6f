"""From the configuration to the gate: nobody is let in by accident, and what cannot be meant refuses the start."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cds_service.cli import main
from cds_service.config import ConfigError, load
from cds_service.trust.client import Client
from cds_service.trust.gate import Gate
from cds_service.trust.keysets import Fetch
from cds_service.trust.opening import open_gate
from cds_service.trust.refusal import Refused
from tests.tokens import NOW, SERVICE, Signer

A = Signer()


class Nothing:
    """Has seen no token yet."""

    def first_use(self, token: bytes, *, now: float, until: float) -> bool | None:  # noqa: ARG002
        return True


def never() -> Fetch:
    raise AssertionError("nobody has to be asked")


def opened(host: str | None = "127.0.0.1", **environ: str) -> Gate:
    environ = {"CDS_BASE_URL": "https://cds.example.org", **environ}
    return open_gate(load(environ, host=host, port=8000), used=Nothing(), clock=lambda: NOW, fetch=never, monotonic=lambda: 0.0)


@pytest.fixture
def issuers(tmp_path: Path) -> str:
    """A list of one issuer, with its keys beside it."""
    (tmp_path / "a.json").write_bytes(A.key_set())
    file = tmp_path / "issuers.toml"
    file.write_text(f'[[issuer]]\niss = "{A.iss}"\njwks_file = "a.json"\nfhir_servers = ["https://fhir.example.org/a"]\n')
    return str(file)


REFUSED = "refused"
MATRIX = [
    # where it listens, CDS_AUTH, whether clients are listed: what becomes of it
    ("127.0.0.1", None, False, "off"),
    ("127.0.0.1", None, True, "off"),
    ("127.0.0.1", "off", True, "off"),
    ("127.0.0.1", "required", False, REFUSED),
    ("127.0.0.1", "required", True, "required"),
    ("10.0.0.1", None, False, REFUSED),
    ("10.0.0.1", None, True, "required"),
    ("10.0.0.1", "off", False, "off"),
    ("10.0.0.1", "required", False, REFUSED),
    ("10.0.0.1", "required", True, "required"),
    ("0.0.0.0", None, False, REFUSED),
    ("0.0.0.0", None, True, "required"),
    (None, None, True, REFUSED),
    (None, "off", False, "off"),
    (None, "required", False, REFUSED),
    (None, "required", True, "required"),
]


@pytest.mark.parametrize(("host", "auth", "listed", "expected"), MATRIX)
def test_authentication_is_off_only_on_loopback_or_where_that_is_said(
    host: str | None, auth: str | None, listed: bool, expected: str, issuers: str
) -> None:
    environ = ({"CDS_AUTH": auth} if auth else {}) | ({"CDS_ISSUERS": issuers} if listed else {})
    if expected == REFUSED:
        with pytest.raises(ConfigError, match=r"CDS_AUTH|CDS_ISSUERS"):
            opened(host, **environ)
        return
    gate = opened(host, **environ)
    assert gate.required is (expected == "required")
    if gate.required:
        with pytest.raises(Refused):
            gate.admit(None, SERVICE)
    else:
        assert gate.admit("Bearer anything", SERVICE) == Client()


def test_a_listed_client_is_let_in_with_what_was_agreed(issuers: str) -> None:
    gate = opened(CDS_AUTH="required", CDS_ISSUERS=issuers)
    assert gate.admit(f"Bearer {A.token()}", SERVICE) == Client(issuer=A.iss, fhir_servers=("https://fhir.example.org/a",))
    assert gate.fhir_servers == {"https://fhir.example.org/a"}


def test_while_authentication_is_off_the_servers_that_may_be_asked_are_those_of_the_environment(issuers: str) -> None:
    gate = opened(CDS_FHIR_SERVERS="https://FHIR.example.org:443/r4/,http://localhost:8080/fhir", CDS_ISSUERS=issuers)
    servers = ("https://fhir.example.org/r4", "http://localhost:8080/fhir")
    assert gate.admit(None, SERVICE) == Client(fhir_servers=servers)
    assert gate.fhir_servers == frozenset(servers)
    assert (gate.troubles(), gate.not_offered) == ((), frozenset())


def test_a_fhir_server_is_listed_by_a_plain_address() -> None:
    with pytest.raises(ConfigError, match=r"CDS_FHIR_SERVERS: 'https://fhir.example.org/a/../b' is no plain base URL"):
        opened(CDS_FHIR_SERVERS="https://fhir.example.org/a/../b")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[issuer]]\niss = 5\njwks_file = 'a.json'", "Expected `str`"),
        ("[[issuer]]\niss = 'a'", "needs a jwks_file or a jku"),
        ("[[issuer]]\niss = 'a'\njwks_file = 'none.json'", "none.json cannot be read"),
        ("[[issuer]]\niss = 'a'\njwks_file = 'issuers.toml'", "is no key set of 'a'"),
    ],
)
@pytest.mark.parametrize("command", [["config"], ["serve", "--port", "1"]])
def test_a_list_that_cannot_be_meant_refuses_the_start_in_a_sentence(
    command: list[str], text: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "issuers.toml").write_text(text)
    refused = CliRunner().invoke(main, command, env={"CDS_AUTH": "required", "CDS_ISSUERS": "issuers.toml"})
    assert refused.exit_code == 1, refused.output
    assert "Error: CDS_ISSUERS: " in refused.output
    assert problem in refused.output


def test_a_list_is_looked_at_even_while_it_is_not_needed(tmp_path: Path) -> None:
    file = tmp_path / "issuers.toml"
    file.write_text("[[issuer]]\niss = 5")
    for environ in ({"CDS_ISSUERS": str(file)}, {"CDS_ISSUERS": str(tmp_path / "none.toml")}):
        refused = CliRunner().invoke(main, ["config"], env=environ)
        assert refused.exit_code == 1
        assert "Error: CDS_ISSUERS: " in refused.output


LOADED = """
import json, os, sys
os.environ |= json.loads(sys.argv[1])
from cds_service import create_app
create_app()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules} & {"jwt", "cryptography", "requests"})))
"""


@pytest.mark.parametrize(("auth", "loaded"), [("off", []), ("required", ["cryptography", "jwt"])])
def test_only_who_authenticates_clients_loads_what_that_takes(auth: str, loaded: list[str], issuers: str, tmp_path: Path) -> None:
    environ: dict[str, Any] = {"CDS_AUTH": auth, "CDS_ISSUERS": issuers, "CDS_BASE_URL": "https://cds.example.org"}
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, json.dumps(environ)], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(ran.stdout.splitlines()[-1]) == loaded
