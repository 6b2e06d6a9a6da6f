"""The list of trusted clients: what may stand in it, and that anything else refuses the start in one sentence."""

from pathlib import Path
from typing import Any

import pytest

from cds_service.config import ConfigError
from cds_service.trust.issuers import Issuer, issuers


def listed(folder: Path, text: str) -> tuple[Issuer, ...]:
    file = folder / "issuers.toml"
    file.write_text(text)
    return issuers(file)


LEAST = '[[issuer]]\niss = "https://a.example.org"\njwks_file = "a.json"\n'


def test_little_has_to_be_said_and_the_rest_is_what_the_specification_recommends(tmp_path: Path) -> None:
    (issuer,) = listed(tmp_path, LEAST)
    assert issuer == Issuer(
        iss="https://a.example.org",
        jwks_file=str(tmp_path / "a.json"),
        jku=None,
        fhir_servers=(),
        tenants=(),
        audiences=(),
        algorithms=("ES384", "RS384"),
        fhir_version=None,
        not_offered=(),
        max_lifetime_s=3600,
    )


def test_everything_can_be_said(tmp_path: Path) -> None:
    first, second = listed(
        tmp_path,
        """
        [[issuer]]
        iss = "https://ehr.example.org/FHIR/R4"
        jku = "https://ehr.example.org/PublicKeys/530013/530013"
        fhir_servers = ["https://EHR.example.org:443/FHIR/R4/", "http://localhost:8080/fhir"]
        tenants = ["north", "south"]
        audiences = ["https://cds.example.org/cds-services", "sand_man"]
        algorithms = ["RS384", "ES256", "RS256", "PS384"]
        fhir_version = "STU3"
        not_offered = ["MedicationStatement"]
        max_lifetime_s = 900
        [[issuer]]
        iss = "b"
        jwks_file = "/etc/cds/b.json"
        jku = "http://127.0.0.1:9000/jwks.json"
        """,
    )
    assert first.fhir_servers == ("https://ehr.example.org/FHIR/R4", "http://localhost:8080/fhir"), "each in its one form"
    assert (first.tenants, first.audiences) == (("north", "south"), ("https://cds.example.org/cds-services", "sand_man"))
    assert (first.algorithms, first.max_lifetime_s) == (("RS384", "ES256", "RS256", "PS384"), 900)
    assert (second.jwks_file, second.jku) == ("/etc/cds/b.json", "http://127.0.0.1:9000/jwks.json")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ('iss = ""', "length >= 1"),
        ("iss = 5", "Expected `str`"),
        ("jwks_file = 5", "Expected `str"),
        ('jwks = "x"', "unknown field `jwks`"),
        ('secret = "x"', "unknown field `secret`"),
        ('jku = "http://keys.example.org/jwks.json"', "is no plain https URL"),
        ('jku = "https://keys.example.org/jwks.json?x=1"', "is no plain https URL"),
        ('jku = "https://user@keys.example.org/jwks.json"', "is no plain https URL"),
        ('jku = "https://keys.example.org/a/../jwks.json"', "is no plain https URL"),
        ('jku = "https://Keys.example.org/jwks.json"', "is no plain https URL"),
        ('jku = "file:///etc/passwd"', "is no plain https URL"),
        ('jku = ""', "is no plain https URL"),
        ('fhir_servers = "https://fhir.example.org"', "Expected `array`"),
        ('fhir_servers = ["http://fhir.example.org"]', "FHIR server 'http://fhir.example.org'"),
        ('fhir_servers = ["https://a.example\\\\@evil.example"]', "is no plain https URL"),
        ('tenants = [""]', "length >= 1"),
        ('audiences = [""]', "length >= 1"),
        ("algorithms = []", "length >= 1"),
        ('algorithms = ["none"]', "Invalid enum value 'none'"),
        ('algorithms = ["HS256"]', "Invalid enum value 'HS256'"),
        ('algorithms = ["ES512"]', "Invalid enum value 'ES512'"),
        ('fhir_version = "4.0.1"', "Invalid enum value '4.0.1'"),
        ('not_offered = ["Medicine"]', "never offers 'Medicine'"),
        ("max_lifetime_s = 0", ">= 60"),
        ("max_lifetime_s = 100000", "<= 86400"),
        ("max_lifetime_s = 900.5", "Expected `int`"),
        ("max_lifetime_s = true", "Expected `int`"),
    ],
)
def test_what_cannot_be_meant_refuses_the_start(change: str, problem: str, tmp_path: Path) -> None:
    name = change.partition(" ")[0]
    kept = "\n".join(line for line in LEAST.splitlines() if not line.startswith(name + " "))
    with pytest.raises(ConfigError, match=problem) as refused:
        listed(tmp_path, f"{kept}\n{change}\n")
    assert str(refused.value).startswith("CDS_ISSUERS: ")
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "missing required field `issuer`"),
        ("issuer = []", "length >= 1"),
        ("issuer = 5", "Expected `array`"),
        ("[issuer]\niss = 'a'", "Expected `array`"),
        ("[[issuers]]\niss = 'a'", "unknown field `issuers`"),
        ("[[issuer]]\njwks_file = 'a'", "missing required field `iss`"),
        (LEAST + LEAST, "is listed twice"),
        (LEAST + "iss = 'again'", "is no TOML"),
    ],
)
def test_a_list_that_lists_nobody_or_somebody_twice_is_none(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=problem):
        listed(tmp_path, text)


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_that_cannot_be_read_is_said(content: Any, tmp_path: Path) -> None:
    file = tmp_path / "issuers.toml"
    if content:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"CDS_ISSUERS: .*issuers\.toml (cannot be read|is no TOML)"):
        issuers(file)


def test_the_example_of_the_readme_can_be_meant(tmp_path: Path) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    (issuer,) = listed(tmp_path, readme.partition("```toml\n")[2].partition("```")[0])
    assert {name for name in Issuer.__struct_fields__ if getattr(issuer, name)} == {*Issuer.__struct_fields__} - {"jwks_file"}
