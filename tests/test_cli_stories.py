"""check, explain and request on the command line: what they print, and the sentence they end with where they cannot."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cds_service.cli import main
from cds_service.stories.story import find, stories

STORY = "rebound/abrupt-stop-alt-150"
BASIS = "io.github.cds-service.basis"
FIXTURES = Path(__file__).parent.parent / "fhir_fixtures"
REQUEST = FIXTURES / STORY / "request.json"


def run(*arguments: str, sent: bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=sent)


def cards(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    answered: list[dict[str, Any]] = json.loads(result.stdout)["cards"]
    return answered


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One story in a hospital's own folder."""
    shutil.copytree(FIXTURES / STORY, tmp_path / "own" / "the-usual-flare")
    return tmp_path


def changed(folder: Path, **expected: object) -> None:
    path = folder / "own" / "the-usual-flare" / "expected.json"
    told = json.loads(path.read_text())
    told["cards"][0] |= expected
    path.write_text(json.dumps(told))


# ------------------------------------------------------------------ check
def test_check_prints_a_line_for_each_built_in_story_and_a_summary() -> None:
    lines = run("check").stdout.splitlines()
    assert [line.split()[1].rstrip(":") for line in lines[:-1]] == [story.name for story in stories()]
    assert lines[-1].startswith(f"stories: {len(lines) - 1}, ")


def test_check_passes_a_folder_whose_stories_hold(folder: Path) -> None:
    result = run("check", str(folder))
    assert (result.exit_code, result.stdout.splitlines()) == (0, ["PASS own/the-usual-flare", "stories: 1, differing: 0"])


def test_check_says_what_differs_and_ends_with_1(folder: Path) -> None:
    changed(folder, indicator="warning")
    result = run("check", str(folder))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "FAIL own/the-usual-flare: cards [rebound critical] instead of [rebound warning]",
        "stories: 1, differing: 1",
    ]


def test_check_says_that_a_storys_service_does_not_exist(folder: Path) -> None:
    told = folder / "own" / "the-usual-flare" / "story.md"
    told.write_text(told.read_text().replace("tacrolimus-patient-view", "tacrolimus-order-review"))
    result = run("check", str(folder))
    assert result.exit_code == 1
    assert "FAIL own/the-usual-flare: There is no service tacrolimus-order-review" in result.stdout


def test_check_ends_with_2_where_there_is_no_story_to_run(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    (folder / "own" / "the-usual-flare" / "request.json").unlink()
    for place, said in (
        (tmp_path / "empty", "There is no story in"),
        (tmp_path / "no", "There is no folder"),
        (folder, "cannot be read"),
    ):
        result = run("check", str(place))
        assert (result.exit_code, said in result.stderr) == (2, True), result.output


def test_check_judges_by_the_sites_own_parameters(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = folder / "site.toml"
    site.write_text("unrelated_draft_days = 20\n")
    monkeypatch.setenv("CDS_SITE", str(site))
    result = run("check", str(FIXTURES / "abrupt-stop"))
    assert "FAIL order-select-30-days-after: cards [] instead of [abrupt-stop warning]" in result.stdout


# ---------------------------------------------------------------- explain
def test_explain_prints_the_cards_with_their_basis() -> None:
    (card,) = cards(run("explain", str(REQUEST), "--asof", "2026-03-01"))
    assert card["indicator"] == "critical"
    assert card["extension"][BASIS]["rule"] == "rebound"
    assert card["extension"][BASIS]["asof"] == "2026-03-01"
    dose = card["suggestions"][0]["actions"][0]["resource"]["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]
    assert isinstance(dose["value"], int | float)


def test_explain_answers_another_day_differently() -> None:
    (card,) = cards(run("explain", str(REQUEST), "--asof", "2026-07-01"))
    assert (card["source"]["topic"]["code"], card["indicator"]) == ("abrupt-stop", "info")


def test_explain_answers_as_the_service_that_is_named(tmp_path: Path) -> None:
    path = FIXTURES / "abrupt-stop" / "order-select-31-days-after" / "request.json"
    assert cards(run("explain", str(path), "--asof", "2026-03-01")) == []
    assert len(cards(run("explain", str(path), "--asof", "2026-03-01", "--service", "tacrolimus-patient-view"))) == 1


def test_explain_answers_today_unless_a_day_is_given() -> None:
    moved = run("request", STORY).stdout.encode()
    (card,) = cards(run("explain", "-", sent=moved))
    assert card["indicator"] == "critical"
    assert abs((date.fromisoformat(card["extension"][BASIS]["asof"]) - date.today()).days) <= 1  # noqa: DTZ011


def test_explain_names_evidence_that_is_not_valid_fhir(tmp_path: Path) -> None:
    body = json.loads(REQUEST.read_text())
    body["prefetch"]["medicationStatements"]["entry"][0]["resource"]["category"] = [{"text": "no list in FHIR R4"}]
    path = tmp_path / "request.json"
    path.write_text(json.dumps(body))
    (card,) = cards(run("explain", str(path), "--asof", "2026-03-01"))
    assert [text for text in card["extension"][BASIS]["unknown"] if "MedicationStatement/tac-4-mg" in text]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.json"], "nowhere.json cannot be read"),
        ([str(FIXTURES)], "is a folder: give the file"),
        ([str(REQUEST), "--asof", "1 March"], "1 March is no day; a day is written like 2026-03-01"),
        ([str(REQUEST), "--asof", "2026-02-30"], "2026-02-30 is no day"),
        ([str(REQUEST), "--asof", "20260301"], "20260301 is no day"),
        ([str(REQUEST), "--asof", "0001-01-01"], "no record goes back so far"),
        ([str(REQUEST), "--service", "tacrolimus"], "There is no service tacrolimus; there are"),
        ([str(FIXTURES / STORY / "story.md")], "not JSON"),
        ([str(FIXTURES / STORY / "expected.json")], "hook"),
        ([str(FIXTURES / "abrupt-stop" / "medication-lists-not-sent" / "request.json")], "status 412"),
    ],
)
def test_explain_ends_with_a_sentence_and_2(arguments: list[str], said: str) -> None:
    result = run("explain", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_explain_says_that_no_service_answers_the_hook(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text(REQUEST.read_text().replace('"patient-view"', '"appointment-book"'))
    result = run("explain", str(path))
    assert (result.exit_code, "No service answers the hook appointment-book" in result.stderr) == (2, True)


# ---------------------------------------------------------------- request
def test_request_prints_the_storys_request_as_of_today() -> None:
    told = find(STORY)
    printed = json.loads(run("request", STORY).stdout)
    assert printed["hookInstance"] == told.body()["hookInstance"]
    period = printed["prefetch"]["medicationStatements"]["entry"][0]["resource"]["effectivePeriod"]
    assert (date.today() - date.fromisoformat(period["end"])).days in {8, 9, 10}  # noqa: DTZ011


def test_request_takes_a_folder_as_well(folder: Path) -> None:
    result = run("request", str(folder / "own" / "the-usual-flare"))
    assert json.loads(result.stdout) == json.loads(run("request", STORY).stdout)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rebound/nothing", "There is no story rebound/nothing"),
        ("rebound", "There is no story rebound"),
        ("verify-tacrolimus-status/stop-date-year-known", "holds on its own day only"),
    ],
)
def test_request_ends_with_a_sentence_and_2(name: str, said: str) -> None:
    result = run("request", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
