"""``explain --timeline``: what was taken when, as a table."""

from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_service.cli import main
from cds_service.patient.facts import Outside, Record, Use, UseStatus
from cds_service.timetable import timetable
from tests.builders import dispense, doses, draft, drug, given, line, month, order, parameters, record, use

STORIES = Path(__file__).parents[1] / "fhir_fixtures"
RULE = "----"


def table(*medicines: Use, **more: object) -> list[str]:
    """The lines of the timetable."""
    return timetable(record(*medicines, **more), parameters()).splitlines()


def rows(lines: list[str]) -> list[list[str]]:
    """The cells of the table's rows."""
    begin = next(number for number, text in enumerate(lines) if text.startswith(RULE)) + 1
    end = lines.index("", begin)
    return [[cell.strip() for cell in text.split("  ") if cell.strip()] for text in lines[begin:end]]


def facts(lines: list[str]) -> dict[str, str]:
    """What stands below the table, by its name."""
    return {name: told.strip() for name, colon, told in (text.partition(":") for text in lines[3:]) if colon and told.strip()}


def test_a_stop_after_a_taper() -> None:
    found = table(*doses((4, 200), (2, 14), (1, 13)))
    assert [row[2:5] for row in rows(found)] == [
        ["200", "4", "high"],
        ["14", "2", "high"],
        ["13", "1", "high"],
        ["10", "0", "no recorded use"],
    ]
    told = facts(found)
    assert told["class"] == told["taper"] == "rapid-taper"
    assert (told["last dose"], told["stable dose"], told["dose at the end"]) == ("2026-02-19", "4 mg/day", "1 mg/day")
    assert told["days of taper"].startswith("27, from 2026-01-24")
    assert told["days of use"].startswith("180")


def test_every_row_names_its_resources_each_on_its_own_line() -> None:
    found = rows(table(use(reference="MedicationStatement/a"), order(reference="MedicationRequest/b")))
    assert [row[-1] for row in found] == ["MedicationRequest/b", "MedicationStatement/a"]
    assert len(found[1]) == 1


def test_of_many_resources_the_first_and_the_last_are_named() -> None:
    many = [order(start=-100 + number, reference=f"MedicationRequest/{number}") for number in range(30)]
    assert [row[-1] for row in rows(table(*many))] == ["MedicationRequest/0", "and 28 more, up to", "MedicationRequest/29"]


def test_columns_are_aligned() -> None:
    found = table(*doses((10, 100), ("2.5", 30)))
    begin = next(number for number, text in enumerate(found) if text.startswith(RULE))
    stops = [place for place, char in enumerate(found[begin]) if char == " "]
    assert all(text[place : place + 1] in {" ", ""} for text in found[begin - 1 : begin + 4] for place in stops)
    assert found[begin + 1].index(" 10 ") + len(" 10") == found[begin + 2].index(" 2.5 ") + len(" 2.5")


@pytest.mark.parametrize(
    ("medicine", "cells"),
    [
        (use(start=-29, asserted=-9, lines=(line(2, high=Fraction(4)),)), ["30", "2 to 4", "high"]),
        (use(start=-29, asserted=-9, lines=()), ["30", "not known", "none"]),
        (use(start=-29, asserted=-9, lines=(line(4, certain=False),)), ["30", "4", "low"]),
        (dispense(-29, 30, lines=(line(4),)), ["30", "4", "medium"]),
    ],
)
def test_a_dose_stands_there_as_far_as_it_is_known(medicine: Use, cells: list[str]) -> None:
    assert rows(table(medicine))[0][2:5] == cells


def test_a_pause_is_a_row_of_its_own() -> None:
    found = rows(table(use(start=-100, end=-60, status=UseStatus.COMPLETED), use(start=-29, asserted=-9)))
    assert found[1][2:] == ["30", "0", "no recorded use"]


def test_a_doubt_and_a_reason_are_told_in_words() -> None:
    doubtful = facts(table(use(start=-400, end=month(2026, 2), asserted=-9, reason=Outside("went | home"))))
    assert doubtful["class"] == "abrupt-stop"
    assert doubtful["recorded reason"] == "went | home"
    unknown = facts(table(order(status=UseStatus.STOPPED)))
    assert (unknown["class"], unknown["last dose"]) == ("unknown", "none recorded")
    assert "without its date" in unknown["why"]


def test_without_a_day_of_use_there_is_no_table() -> None:
    found = table(use(start=None, end=-9))
    assert "No day of use is known." in found
    assert facts(found)["class"] == "taper-unknown"
    assert facts(table())["class"] == "no-tacrolimus"


def test_an_ordered_stop_is_told_with_the_taper_it_would_end() -> None:
    running = order(reference="MedicationRequest/tac", asserted=-20)
    found = facts(table(running, drafts=(draft(reference="MedicationRequest/tac", status=UseStatus.STOPPED, start=-300),)))
    assert (found["class"], found["ordered stop"], found["taper"]) == ("active", "MedicationRequest/tac (ended)", "abrupt-stop")
    held = facts(table(running, drafts=(draft(reference="MedicationRequest/tac", status=UseStatus.ON_HOLD),)))
    assert held["ordered stop"] == "MedicationRequest/tac (hold)"


def test_what_tells_no_days_is_listed_below() -> None:
    also = (
        order(drug(systemic=False), reference="ointment"),
        order(drug(systemic=None), reference="vague"),
        order(status=UseStatus.CANCELLED, reference="cancelled"),
        given(-9, reference="given"),
        order("prednisone", 10, reference="another"),
    )
    found = table(use(asserted=-20), *also, drafts=(draft(forbids=True, reference="draft"),))
    below = found[found.index("Also on record:") :]
    assert {text.strip() for text in below} == {
        "Also on record:",
        "ointment (active, not systemic)",
        "vague (active, route not recorded)",
        "cancelled (cancelled)",
        "given (completed)",
        "",
        "In the request itself:",
        "draft (not to be given)",
    }


def test_the_version_of_the_client_is_named() -> None:
    told: Record = record(use(), fhir_version="STU3")
    assert timetable(told, parameters()).splitlines()[0].endswith("(FHIR STU3)")


def explained(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["explain", *arguments, "--timeline"])
    return result.exit_code, result.output


def test_the_command_prints_the_table_of_a_request() -> None:
    story = str(STORIES / "abrupt-stop" / "stopped-nine-days-ago" / "request.json")
    status, told = explained(story, "--asof", "2026-03-01")
    assert status == 0
    assert "MedicationStatement/tac-4-mg" in told
    assert "last dose:       2026-02-20" in told


def test_a_request_without_a_history_has_no_table(tmp_path: Path) -> None:
    request = tmp_path / "request.json"
    request.write_text('{"hook": "patient-view", "hookInstance": "1", "context": {"patientId": "p1"}}')
    status, told = explained(str(request))
    assert status == 2
    assert "no timeline" in told
