"""The configuration: what it says where nothing is set, what it takes, and what refuses the start in one sentence."""

import re
import socket
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import certifi
import pytest
from click.testing import CliRunner

from cds_service import create_app
from cds_service.app import REFUSED
from cds_service.cli import main
from cds_service.config import VARIABLES, Config, ConfigError, is_loopback, load
from cds_service.knowledge.parameters import in_force
from tests.conftest import free_port

LOOPBACK: dict[str, Any] = {"host": "127.0.0.1", "port": 8000}


def loaded(**environ: str) -> Config:
    return load(environ, **LOOPBACK)


def test_nothing_needs_to_be_set_on_loopback() -> None:
    config = loaded(PATH="/bin", HOME="/")
    assert config.base_url == "http://127.0.0.1:8000"
    assert config.store == Path("cds-service.sqlite3")
    assert config.origins == {"https://sandbox.cds-hooks.org", "http://localhost:8080"}
    assert (config.max_body, config.budget_ms, config.fhir_servers, config.strict) == (5_000_000, 400, (), False)
    assert config.parameters == in_force()


def test_the_store_may_be_a_database_and_operators_are_whoever_is_named() -> None:
    assert loaded().operators == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    config = loaded(CDS_STORE="postgresql://cds@db/cds?sslmode=verify-full", CDS_OPERATORS="10.8.0.0/16, 10.9.0.7/32")
    assert config.store == "postgresql://cds@db/cds?sslmode=verify-full"
    assert config.operators == (ip_network("10.8.0.0/16"), ip_network("10.9.0.7/32"))


def test_everything_can_be_set(tmp_path: Path) -> None:
    site, issuers = tmp_path / "site.toml", tmp_path / "issuers.toml"
    site.write_text('timezone = "Europe/Vienna"\nstop_lookback_days = 300\n')
    issuers.write_text("")
    config = loaded(
        CDS_BASE_URL="https://cds.example.org/base/",
        CDS_AUTH="off",
        CDS_ISSUERS=str(issuers),
        CDS_FHIR_SERVERS="https://fhir.example.org/r4, http://localhost:18099/fhir/",
        CDS_PRIVATE_NETWORKS="10.1.0.0/16, fd00:1::/64",
        CDS_CA_FILE=certifi.where(),
        CDS_CORS_ORIGINS="https://a.example.org",
        CDS_STORE="sqlite:////var/lib/cds.sqlite3",
        CDS_BUDGET_MS="1000",
        CDS_MAX_BODY="50000000",
        CDS_SITE=str(site),
        CDS_STRICT="on",
    )
    assert config.base_url == "https://cds.example.org/base"
    assert config.fhir_servers == ("https://fhir.example.org/r4", "http://localhost:18099/fhir")
    assert config.private_networks == (ip_network("10.1.0.0/16"), ip_network("fd00:1::/64"))
    assert config.authorities == Path(certifi.where())
    assert config.origins == {"https://a.example.org"}
    assert config.store == Path("/var/lib/cds.sqlite3")
    assert (config.budget_ms, config.max_body, config.strict) == (1000, 50_000_000, True)
    assert (config.authentication, config.issuers) == (False, issuers)
    assert (config.parameters.timezone, config.parameters.stop_lookback_days) == ("Europe/Vienna", 300)


def test_an_empty_value_is_not_set_and_blanks_do_not_count() -> None:
    assert loaded(CDS_MAX_BODY=" ", CDS_BASE_URL="") == loaded()
    assert loaded(CDS_MAX_BODY=" 1000 ").max_body == 1000


def test_on_loopback_authentication_is_off_unless_it_is_required() -> None:
    assert not loaded().authentication
    assert not loaded(CDS_ISSUERS="issuers.toml").authentication
    assert loaded(CDS_AUTH="required", CDS_ISSUERS="issuers.toml").authentication


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("CDS_COLOUR", "red", "CDS_COLOUR: there is no such variable"),
        ("CDS_BASE_URL", "cds.example.org", "is no plain http or https URL"),
        ("CDS_BASE_URL", "https://user:pw@cds.example.org", "is no plain http or https URL"),
        ("CDS_BASE_URL", "https://cds.example.org?x=1", "is no plain http or https URL"),
        ("CDS_BASE_URL", "https://cds.example.org:99999", "is no plain http or https URL"),
        ("CDS_BASE_URL", "http://allowed\\@evil", "is no plain http or https URL"),
        ("CDS_AUTH", "yes", "must be required or off"),
        ("CDS_AUTH", "required", "CDS_ISSUERS must be set"),
        ("CDS_CORS_ORIGINS", "*", "is no plain http or https URL"),
        ("CDS_CORS_ORIGINS", "https://a.example.org/", "is no origin"),
        ("CDS_CORS_ORIGINS", "https://a.example.org/path", "is no origin"),
        ("CDS_STORE", "postgresql:db", "or postgresql://"),
        ("CDS_OPERATORS", "prometheus.example.org", "CDS_OPERATORS"),
        ("CDS_OPERATORS", "10.1.2.3/8", "CDS_OPERATORS"),
        ("CDS_STORE", "cds.sqlite3", "must be sqlite:///FILE"),
        ("CDS_STORE", "sqlite:///", "must be sqlite:///FILE"),
        ("CDS_FHIR_SERVERS", "http://fhir.example.org", "must be https"),
        ("CDS_FHIR_SERVERS", "ftp://fhir.example.org", "is no plain http or https URL"),
        ("CDS_PRIVATE_NETWORKS", "10.1.2.3/16", "is no network"),
        ("CDS_PRIVATE_NETWORKS", "10.1.0.0/16, intranet", "is no network"),
        ("CDS_CA_FILE", "/nowhere/ca.pem", "no certificates can be read"),
        ("CDS_CA_FILE", __file__, "no certificates can be read"),
        ("CDS_BUDGET_MS", "5", "must be a whole number from 10 to 60000"),
        ("CDS_MAX_BODY", "5 MB", "must be a whole number from 1000"),
        ("CDS_MAX_BODY", "-1", "must be a whole number from 1000"),
        ("CDS_MAX_BODY", "9" * 5000, "must be a whole number from 1000"),
        ("CDS_MAX_BODY", "\u0665\u0660\u0660\u0660", "must be a whole number from 1000"),
        ("CDS_SITE", "/no/such/file.toml", "cannot be read: No such file or directory"),
        ("CDS_STRICT", "yes", "must be off or on"),
    ],
)
def test_what_is_not_understood_refuses_the_start(name: str, value: str, problem: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(**{name: value})
    assert str(refused.value).startswith(name) or name == "CDS_AUTH"
    assert problem in str(refused.value)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("stop_lookback_days = 3", "stop_lookback_days is outside its allowed range"),
        ("stop_look_back = 3", "stop_look_back is not a parameter"),
        ('timezone = "Mars/Olympus"', "timezone is not a time zone"),
        ("timezone =", "is no TOML"),
    ],
)
def test_a_site_cannot_leave_the_allowed_range(tmp_path: Path, text: str, problem: str) -> None:
    site = tmp_path / "site.toml"
    site.write_text(text)
    with pytest.raises(ConfigError, match=problem):
        loaded(CDS_SITE=str(site))


@pytest.mark.parametrize("host", ["10.0.0.1", "0.0.0.0", "::", "cds.example.org"])
def test_nobody_listens_beyond_loopback_without_saying_that_authentication_is_off(host: str) -> None:
    with pytest.raises(ConfigError, match="CDS_ISSUERS must be set"):
        load({"CDS_BASE_URL": "https://cds.example.org"}, host=host, port=80)
    assert not load({"CDS_BASE_URL": "https://cds.example.org", "CDS_AUTH": "off"}, host=host, port=80).authentication
    listed = load({"CDS_BASE_URL": "https://cds.example.org", "CDS_ISSUERS": "issuers.toml"}, host=host, port=80)
    assert (listed.authentication, listed.issuers) == (True, Path("issuers.toml"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_an_address_that_no_client_can_call_needs_a_public_one(host: str) -> None:
    with pytest.raises(ConfigError, match="CDS_BASE_URL must be set"):
        load({"CDS_AUTH": "off"}, host=host, port=80)


def test_loopback_has_many_names() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.9.1", "::1", "localhost")))
    assert not any(map(is_loopback, ("10.0.0.1", "0.0.0.0", "localhost.example.org", "")))
    assert load({}, host="::1", port=8000).base_url == "http://[::1]:8000"


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, "CDS_AUTH must be set"),
        ({"CDS_AUTH": "off"}, "CDS_BASE_URL must be set"),
        ({"CDS_AUTH": "required"}, "CDS_ISSUERS must be set"),
    ],
)
def test_under_another_server_address_and_authentication_must_be_said(
    environ: dict[str, str], problem: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=str(REFUSED)):
        create_app()
    assert re.fullmatch(f"cds-service: .*{problem}.*\n", capsys.readouterr().err)


def test_every_variable_is_listed_and_the_verdict_is_said() -> None:
    fine = CliRunner().invoke(main, ["config"], env={"CDS_MAX_BODY": "1000"})
    assert fine.exit_code == 0, fine.output
    told = " ".join(fine.output.split())
    assert all(f"{variable.name} {variable.meaning} default: {variable.default}" in told for variable in VARIABLES)
    assert "would start" in told
    assert max(map(len, fine.output.splitlines())) <= 120
    refused = CliRunner().invoke(main, ["config", "--host", "0.0.0.0"])
    assert refused.exit_code == 1
    assert "CDS_ISSUERS must be set" in refused.output


def test_serve_refuses_with_a_sentence(tmp_path: Path) -> None:
    for environ, problem in (
        ({"CDS_COLOUR": "red"}, "no such variable"),
        ({"CDS_STORE": "sqlite:////no/folder/x"}, "cannot be used as a store"),
    ):
        refused = CliRunner().invoke(main, ["serve", "--port", str(free_port())], env=environ)
        assert refused.exit_code == 1
        assert refused.output.startswith("Error: ")
        assert problem in refused.output


def test_serve_says_at_once_that_its_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = CliRunner().invoke(main, ["serve", "--port", str(port)], env={"CDS_STORE": f"sqlite:///{tmp_path}/x"})
    assert refused.exit_code == 1
    assert f"Error: Port {port} of 127.0.0.1 cannot be used" in refused.output


def test_the_knowledge_base_is_printed_with_the_values_of_the_site(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text("stop_lookback_days = 300\n")
    printed = CliRunner().invoke(main, ["knowledge"], env={"CDS_SITE": str(site)})
    assert printed.exit_code == 0, printed.output
    assert "stop_lookback_days = 300 days (site; otherwise 365 days)" in printed.output
    assert all(mark in printed.output for mark in ("C1 [", "C49 [", "X1 ", "X29 ", "abrupt-stop: "))
