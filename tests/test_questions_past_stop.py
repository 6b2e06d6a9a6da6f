"""A past stop without a flare: an abrupt one, and a taper that was too fast."""

from fractions import Fraction
from typing import Any

import pytest

from cds_service.knowledge.finding import CannotTell, Indicator, Term
from cds_service.patient.facts import Loss, Person, Use
from tests.answers import ABRUPT, INFO, QUIET, RAPID, REBOUND, WARNING, answered, finding, keys, shown, stopped
from tests.builders import (
    HEALTHY,
    HEPATITIS,
    KIDNEY_TRANSPLANT,
    LUPUS,
    doses,
    draft,
    lab,
    lost,
    problem,
    record,
    use,
)

# --- a past abrupt stop


def test_an_abrupt_stop_without_a_flare() -> None:
    found = finding(stopped(), ABRUPT)
    assert (found.indicator, found.exposure_class) == (WARNING, "abrupt-stop")
    assert (found.summary.key, found.summary.values) == (
        "abrupt-stop-quiet",
        {"days": 9, "diseases": (Term("autoimmune_hepatitis"),)},
    )
    assert keys(found.happened) == ["stopped-abruptly-at-maintenance", *["marker-normal-baseline"] * 3]
    assert keys(found.advice) == ["plan-question", "no-treatment-without-flare"]
    assert [offer.order_set for offer in found.offers] == ["laboratory"]
    assert shown(stopped()) == {ABRUPT: WARNING}


def test_a_stop_whose_flare_nobody_can_judge_does_not_say_that_none_was_seen() -> None:
    found = finding(stopped(markers=HEALTHY), ABRUPT)
    assert (found.summary.key, keys(found.unknown)) == ("abrupt-stop-not-judged", ["no-markers"])


def test_in_another_disease_without_its_markers_the_flare_is_not_judged() -> None:
    found = finding(stopped(problems=(LUPUS,)), ABRUPT)
    assert (found.summary.key, keys(found.unknown)) == ("abrupt-stop-not-judged", ["markers-missing"])
    assert keys(found.happened) == ["stopped-abruptly-at-maintenance"]
    assert "urine-protein-creatinine" in {one.test for one in found.offers[0].labs}


def test_in_another_disease_whose_markers_are_quiet_no_flare_is_seen() -> None:
    kidney = [lab(name, number, on) for on in (-60, -2) for name, number in (("creatinine", 71), ("upcr", 300))]
    found = finding(stopped(problems=(LUPUS,), markers=(*HEALTHY, *kidney)), ABRUPT)
    assert (found.summary.key, found.unknown) == ("abrupt-stop-quiet", ())


@pytest.mark.parametrize(("end", "indicator"), [(-90, WARNING), (-91, INFO), (-365, INFO), (-366, None)])
def test_a_stop_is_a_warning_for_three_months_and_information_for_a_year(end: int, indicator: Indicator | None) -> None:
    assert shown(stopped(end)).get(ABRUPT) is indicator


@pytest.mark.parametrize(("days", "indicator"), [(28, WARNING), (27, INFO)])
def test_after_a_short_use_it_is_information(days: int, indicator: Indicator) -> None:
    found = finding(stopped(-9, start=-9 - days + 1), ABRUPT)
    assert found.indicator is indicator
    assert ("cap-short-use" in keys(found.meaning)) is (indicator is INFO)


def test_at_the_low_end_of_a_slow_taper_it_is_information() -> None:
    slow = doses((3, 200), ("2.5", 90), (2, 90), ("1.5", 90), (1, 90), ("0.5", 200), last=-9)
    found = finding(record(*slow, markers=QUIET), ABRUPT)
    assert (found.indicator, keys(found.meaning)[-1]) == (INFO, "cap-low-dose")


@pytest.mark.parametrize(
    ("end", "draft_of", "speaks"),
    [(-30, "paracetamol", True), (-31, "paracetamol", False), (-200, "azathioprine", True), (-200, "clarithromycin", True)],
)
def test_among_orders_an_older_stop_is_shown_only_beside_a_related_draft(end: int, draft_of: str, speaks: bool) -> None:
    told = stopped(end, hook="order-select", drafts=(draft(draft_of),))
    assert (ABRUPT in shown(told)) is speaks


@pytest.mark.parametrize(
    "more",
    [
        {"problems": ()},
        {"problems": (problem("diabetes", "comorbidity"),)},
        {"problems": (HEPATITIS, KIDNEY_TRANSPLANT)},
        {"person": Person("p", deceased=True)},
    ],
    ids=["no indication", "another disease", "transplant", "deceased"],
)
def test_elsewhere_an_abrupt_stop_is_silent(more: dict[str, Any]) -> None:
    assert ABRUPT not in answered(stopped(**more))


@pytest.mark.parametrize(
    "medicine",
    [use("prednisone", 30, -3), use("cyclosporine", 200, -3), use(asserted=-2, start=-3, reference="again")],
    ids=["steroid", "replacement", "tacrolimus again"],
)
def test_once_something_is_under_way_it_is_silent(medicine: Use) -> None:
    assert shown(stopped(-9, medicine)) == {}


def test_a_drafted_steroid_does_not_silence_it_and_drafted_tacrolimus_does() -> None:
    assert ABRUPT in shown(stopped(drafts=(draft("prednisone", 60),), hook="order-select"))
    assert ABRUPT not in shown(stopped(drafts=(draft(),), hook="order-select"))


def test_without_the_conditions_it_cannot_tell() -> None:
    told = stopped(problems=None, lost=lost("conditions", loss=Loss.NOT_SENT))
    answer = answered(told)[ABRUPT]
    assert isinstance(answer, CannotTell)
    assert (keys(answer.missing), answer.exposure_class) == (["indication-not-known"], "abrupt-stop")


# --- a rapid taper

FAST = doses((4, 200), (2, 27), last=-9)


def test_a_rapid_taper() -> None:
    found = finding(record(*FAST, markers=QUIET), RAPID)
    assert (found.indicator, found.exposure_class, found.summary.key) == (WARNING, "rapid-taper", "rapid-taper-quiet")
    assert found.meaning[0].values == {"floor": 28, "largest": Fraction(1, 2)}
    assert shown(record(*FAST, markers=QUIET)) == {RAPID: WARNING}


def test_a_complete_taper_is_silent() -> None:
    assert shown(record(*doses((4, 200), (2, 28), last=-9), markers=QUIET)) == {}


@pytest.mark.parametrize(("last", "indicator"), [(-90, WARNING), (-91, INFO), (-366, None)])
def test_a_rapid_taper_ages_like_a_stop(last: int, indicator: Indicator | None) -> None:
    told = record(*doses((4, 200), (2, 27), last=last), markers=QUIET)
    assert shown(told).get(RAPID) is indicator


def test_a_low_last_dose_caps_only_an_abrupt_stop() -> None:
    assert shown(record(*doses((4, 200), (1, 27), last=-9), markers=QUIET)) == {RAPID: WARNING}


def test_a_flare_after_a_rapid_taper_is_the_rebounds_to_tell() -> None:
    assert list(shown(record(*FAST, markers=(*HEALTHY, lab("alt", 150))))) == [REBOUND]
