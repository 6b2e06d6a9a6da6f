"""The record as the rules see it."""

from cds_service.patient.facts import Record
from tests import builders
from tests.builders import ADULT, TODAY, dispense, draft, given, order, record, use


def test_the_uses_of_a_record_are_of_every_kind_and_without_the_drafts() -> None:
    medicines = (use(), order(), dispense(-30, 30), given(-5))
    assert record(*medicines, drafts=(draft(),)).uses == medicines


def test_lists_that_did_not_come_hold_no_uses() -> None:
    assert Record(ADULT, TODAY, "patient-view").uses == ()
    assert Record(ADULT, TODAY, "patient-view", orders=(order(),)).uses == (order(),)


def test_a_month_of_the_builders_ends_on_its_last_day() -> None:
    assert builders.month(2025, 12).latest.isoformat() == "2025-12-31"
    assert builders.month(2024, 2).latest.isoformat() == "2024-02-29"
