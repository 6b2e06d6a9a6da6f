"""Has autoimmune hepatitis flared? Each tier at its boundary, and what may not count."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.knowledge.judgements import flares
from cds_service.knowledge.judgements.flare import Flare, Tier, age_of
from cds_service.patient.facts import Comparator, Lab, LabStatus, Problem, Use
from cds_service.patient.labs import Baseline
from tests.builders import HEPATITIS, TODAY, day, lab, month, order, parameters, problem, record, use

IN_FORCE = parameters()
LAST_DOSE = day(-9)
BEGAN = day(-8)
NONE, POSSIBLE, RELAPSE, SEVERE = Tier.NONE, Tier.POSSIBLE, Tier.RELAPSE, Tier.SEVERE
ASCITES = {"ascites", "liver_decompensation"}
ENCEPHALOPATHY = {"hepatic_encephalopathy", "liver_decompensation"}


def judged(
    *results: Lab,
    medicines: tuple[Use, ...] = (),
    problems: tuple[Problem, ...] = (),
    since: date | None = LAST_DOSE,
    began: date | None = BEGAN,
    **site: Any,
) -> Flare:
    told = record(*medicines, markers=results, problems=(HEPATITIS, *problems))
    diseases = frozenset({"autoimmune_hepatitis"})
    return flares.judge(told, diseases, since, began, parameters(**site) if site else IN_FORCE)[0]


def usual(analyte: str, number: int | str, on: int = -60) -> Lab:
    return lab(analyte, number, on)


def alt(number: int | str, on: int = -2, **more: Any) -> Lab:
    return lab("alt", number, on, **more)


# --- ALT and AST


@pytest.mark.parametrize("analyte", ["alt", "ast"])
@pytest.mark.parametrize(
    ("number", "tier"), [(40, NONE), (41, POSSIBLE), (119, POSSIBLE), (120, POSSIBLE), ("120.1", RELAPSE), (121, RELAPSE)]
)
def test_a_transaminase_against_its_upper_limit(analyte: str, number: int | str, tier: Tier) -> None:
    found = judged(lab(analyte, number), usual(analyte, 30))
    assert (found.tier, found.judged, found.relapse) == (tier, True, tier is RELAPSE)


def test_the_limit_is_that_of_the_laboratory() -> None:
    assert judged(alt(150, high=50)).tier is POSSIBLE
    assert judged(alt(151, high=50)).tier is RELAPSE


@pytest.mark.parametrize("analyte", ["alt", "ast", "igg"])
def test_without_a_limit_one_is_assumed_and_said(analyte: str) -> None:
    found = judged(lab("alt", 30), lab(analyte, 15, on=-1, high=0))
    assumed = {reading.lab.analyte: (reading.upper, reading.assumed) for reading in found.readings}
    assert assumed[analyte] == ({"alt": 40, "ast": 40, "igg": 16}[analyte], True)
    assert assumed.get("alt") == (40, analyte == "alt")


def test_a_site_may_call_twice_the_limit_a_relapse() -> None:
    assert judged(alt(81), aih_relapse_xuln=2).tier is RELAPSE
    assert judged(alt(80), aih_relapse_xuln=2).tier is POSSIBLE


def test_an_unknown_baseline_is_taken_for_normal() -> None:
    assert judged(alt(41)).tier is POSSIBLE
    assert judged(alt(41)).readings[0].baseline is None


@pytest.mark.parametrize(
    ("before", "number", "tier"),
    [(40, 41, POSSIBLE), (41, 81, NONE), (41, 82, POSSIBLE), (60, 119, NONE), (60, 120, POSSIBLE), (60, 121, RELAPSE)],
)
def test_an_abnormal_baseline_has_to_double(before: int, number: int, tier: Tier) -> None:
    assert judged(alt(number), usual("alt", before)).tier is tier


def test_the_baseline_is_the_median_of_the_half_year_before_the_taper_began() -> None:
    found = judged(
        alt(90, -20), alt(60, -2), usual("alt", 30, -100), usual("alt", 32, -150), usual("alt", 90, -260), began=day(-30)
    )
    assert found.readings[0].baseline == Baseline(Decimal(31))


def test_an_older_baseline_is_a_fallback() -> None:
    assert judged(alt(60), usual("alt", 30, -250)).readings[0].baseline == Baseline(Decimal(30), fallback=True)


@pytest.mark.parametrize(
    ("comparator", "number", "tier"),
    [
        (Comparator.GREATER, 120, RELAPSE),
        (Comparator.GREATER, 40, POSSIBLE),
        (Comparator.AT_LEAST, 120, POSSIBLE),
        (Comparator.LESS, 500, NONE),
        (Comparator.AT_MOST, 500, NONE),
    ],
)
def test_a_bound_counts_only_for_what_is_sure(comparator: Comparator, number: int, tier: Tier) -> None:
    assert judged(alt(number, comparator=comparator)).tier is tier


# --- IgG


@pytest.mark.parametrize(("before", "number", "tier"), [("14", "16.1", POSSIBLE), ("14", "16", NONE), ("16", "19", POSSIBLE)])
def test_an_immunoglobulin_over_its_limit_is_a_possible_flare(before: str, number: str, tier: Tier) -> None:
    assert judged(lab("igg", number), usual("igg", before), alt(30)).tier is tier


@pytest.mark.parametrize("before", [(), (usual("igg", 18),)])
def test_an_immunoglobulin_counts_only_where_it_is_known_to_have_been_normal(before: tuple[Lab, ...]) -> None:
    assert judged(lab("igg", 60), alt(30), *before).tier is NONE


def test_a_raised_immunoglobulin_alone_is_enough() -> None:
    found = judged(lab("igg", 19), usual("igg", 14))
    assert (found.tier, found.missing) == (POSSIBLE, ("alt", "ast"))


def test_a_normal_immunoglobulin_alone_does_not_exclude_a_flare() -> None:
    found = judged(lab("igg", 12), usual("igg", 14))
    assert (found.judged, found.missing) == (False, ("alt", "ast"))


# --- which results count


def test_no_results_are_no_judgement() -> None:
    found = judged()
    assert (found.judged, found.tier, found.old, found.missing) == (False, NONE, None, ("alt", "ast", "igg"))


def test_the_newest_result_decides() -> None:
    assert judged(alt(150, -5), alt(30, -2)).tier is NONE
    assert judged(alt(30, -5), alt(150, -2)).tier is RELAPSE


@pytest.mark.parametrize(("on", "counts"), [(-8, True), (-9, False)])
def test_only_results_after_the_last_dose_count(on: int, counts: bool) -> None:
    assert judged(alt(150, on)).judged is counts


def test_a_result_before_the_last_dose_is_not_called_old() -> None:
    """There is none since the stop; that it is days old is not what it lacks."""
    assert judged(alt(150, -20)).old is None


@pytest.mark.parametrize(("on", "counts"), [(-90, True), (-91, False)])
def test_a_result_tells_for_ninety_days(on: int, counts: bool) -> None:
    result = alt(150, on)
    found = judged(result, since=day(-300), began=day(-299))
    assert found.judged is counts
    assert found.old == (None if counts else result)


def test_only_what_lies_between_the_last_dose_and_the_time_that_counts_is_old() -> None:
    long_ago = {"since": day(-300), "began": day(-299)}
    assert judged(alt(30, -300), **long_ago).old is None
    assert judged(alt(30, -299), **long_ago).old is not None
    assert judged(lab("igg", 12, -90), **long_ago).old is None


def test_the_newest_of_the_old_results_is_named() -> None:
    newest = lab("ast", 30, -120)
    assert judged(alt(30, -150), newest, since=day(-300)).old == newest


def test_a_result_of_an_imprecise_day_counts_only_where_every_day_of_it_does() -> None:
    assert not judged(lab("alt", 150, month(2026, 2))).judged
    assert judged(lab("alt", 150, month(2026, 2)), since=day(-60)).judged


def test_a_preliminary_result_is_shown_and_not_judged() -> None:
    result = alt(150, status=LabStatus.PRELIMINARY)
    found = judged(result, alt(30, -5))
    assert (found.tier, found.preliminary) == (NONE, (result,))
    assert judged(result).judged is False


def test_a_result_in_an_unknown_unit_is_no_result() -> None:
    assert not judged(lab("alt", None)).judged


def test_while_it_is_taken_whatever_is_fresh_counts() -> None:
    assert judged(alt(150, -60), since=None, began=None).tier is RELAPSE
    assert not judged(alt(150, -91), since=None, began=None).judged


def test_while_it_is_taken_a_result_is_not_its_own_baseline() -> None:
    found = judged(alt(85, -2), usual("alt", 30, -60), since=None, began=None)
    assert found.readings[0].baseline == Baseline(Decimal(30))
    assert found.tier is POSSIBLE
    assert judged(alt(85), lab("bilirubin", 50), since=None, began=None).tier is SEVERE


# --- severity


@pytest.mark.parametrize(("number", "tier"), [("45", POSSIBLE), ("45.1", SEVERE)])
def test_a_new_bilirubin_over_the_limit_is_severe(number: str, tier: Tier) -> None:
    found = judged(alt(60), lab("bilirubin", number), usual("bilirubin", 12))
    assert (found.tier, found.state) == (tier, "")
    assert [result.analyte for result in found.severity] == (["bilirubin"] if tier is SEVERE else [])


@pytest.mark.parametrize(("number", "tier"), [("1.4", POSSIBLE), ("1.5", SEVERE)])
def test_a_new_inr_from_the_limit_on_is_severe(number: str, tier: Tier) -> None:
    found = judged(alt(60), lab("inr", number), usual("inr", 1))
    assert (found.tier, found.state) == (tier, "")


@pytest.mark.parametrize(
    ("analyte", "before", "tier"),
    [("bilirubin", "45", SEVERE), ("bilirubin", "46", POSSIBLE), ("inr", "1.4", SEVERE), ("inr", "1.5", POSSIBLE)],
)
def test_what_was_over_the_limit_before_is_not_new(analyte: str, before: str, tier: Tier) -> None:
    assert judged(alt(60), lab(analyte, 99), usual(analyte, before)).tier is tier


def test_severity_needs_a_flare() -> None:
    found = judged(alt(30), lab("bilirubin", 99), lab("inr", 3))
    assert (found.tier, found.severity) == (NONE, ())


@pytest.mark.parametrize(
    ("bilirubin", "inr", "signs", "state"),
    [
        (99, "1.4", (), "acute"),
        (99, "1.5", (), "acute-severe"),
        (99, "1.5", ASCITES, "acute-severe"),
        (99, "1.5", ENCEPHALOPATHY, "liver-failure"),
        (99, "1.4", ENCEPHALOPATHY, "acute"),
        (40, "1.5", ENCEPHALOPATHY, ""),
        (99, None, ENCEPHALOPATHY, ""),
    ],
)
def test_the_state_has_a_name_only_where_bilirubin_and_inr_tell(
    bilirubin: int, inr: str | None, signs: set[str], state: str
) -> None:
    results = (alt(60), lab("bilirubin", bilirubin), *((lab("inr", inr),) if inr else ()))
    recorded = (problem(signs, onset=-3),) if signs else ()
    assert judged(*results, problems=recorded).state == state


def test_an_inr_that_was_high_before_is_not_below_the_limit() -> None:
    """Bilirubin is new, the INR is not: neither acute nor acute severe can be said."""
    assert judged(alt(60), lab("bilirubin", 99), lab("inr", 2), usual("inr", 2)).state == ""


def test_an_inr_that_is_only_bounded_names_no_state() -> None:
    bounded = lab("inr", "1.2", comparator=Comparator.GREATER)
    assert judged(alt(60), lab("bilirubin", 99), bounded).state == ""


def test_with_an_anticoagulant_the_inr_is_not_judged() -> None:
    found = judged(alt(60), lab("inr", 3), medicines=(use("warfarin", 5),))
    assert (found.tier, found.inr_ignored) == (POSSIBLE, True)
    found = judged(alt(60), lab("inr", 3), lab("bilirubin", 99), medicines=(order("apixaban", 10),))
    assert (found.tier, found.state) == (SEVERE, "")


@pytest.mark.parametrize(("end", "counts"), [(-3, True), (-2, False), (-1, False)])
def test_an_anticoagulant_on_the_day_of_the_sample_counts_though_it_has_ended(end: int, counts: bool) -> None:
    found = judged(alt(60), lab("inr", 3, -2), medicines=(use("warfarin", 5, end=end),))
    assert (found.tier is SEVERE, found.inr_ignored) == (counts, not counts)
    begun_after = judged(alt(60), lab("inr", 3, -4), medicines=(use("warfarin", 5, start=-3, end=-1),))
    assert begun_after.tier is SEVERE


def test_an_anticoagulant_of_the_past_does_not_matter() -> None:
    assert judged(alt(60), lab("inr", 3), medicines=(use("warfarin", 5, end=-100),)).tier is SEVERE


@pytest.mark.parametrize(
    ("told", "tier"),
    [
        ({"onset": -8}, SEVERE),
        ({"onset": -9}, POSSIBLE),
        ({"onset": -100, "recorded": -2}, POSSIBLE),
        ({"recorded": -2}, SEVERE),
        ({"onset": month(2026, 2)}, POSSIBLE),
        ({}, POSSIBLE),
        ({"onset": -3, "active": False}, POSSIBLE),
        ({"onset": -3, "active": None}, SEVERE),
    ],
    ids=["after", "on the last day", "before, written later", "written after", "some day", "no day", "over", "no status"],
)
def test_ascites_since_the_stop_is_severe(told: dict[str, Any], tier: Tier) -> None:
    found = judged(alt(60), problems=(problem(ASCITES, **told),))
    assert found.tier is tier
    assert bool(found.signs) is (tier is SEVERE)


def test_another_new_disease_is_no_sign() -> None:
    assert judged(alt(60), problems=(problem("diabetes", onset=-3),)).tier is POSSIBLE


def test_a_severe_flare_of_mild_markers_is_a_relapse_too() -> None:
    assert judged(alt(41), lab("bilirubin", 46)).relapse


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 400), st.integers(1, 200), st.integers(0, 200))
def test_more_is_never_less(number: int, before: int, more: int) -> None:
    lower, higher = judged(alt(number), usual("alt", before)), judged(alt(number + more), usual("alt", before))
    assert higher.tier >= lower.tier


def test_the_age_of_a_result_is_in_days() -> None:
    assert age_of(alt(30, -120), TODAY) == 120


@pytest.mark.parametrize(
    ("before", "quiet"),
    [
        ((usual("alt", 40),), True),
        ((usual("alt", 41),), False),
        ((usual("ast", 30), usual("igg", 15)), True),
        ((usual("alt", 80), usual("igg", 12)), False),
        ((usual("alt", 30), usual("igg", 18)), False),
        ((usual("igg", 12),), False),
        ((), False),
    ],
    ids=["normal", "raised", "AST and IgG", "ALT raised, IgG normal", "IgG raised, ALT normal", "IgG alone", "nothing"],
)
def test_the_disease_was_quiet_only_where_all_that_is_known_was_normal(before: tuple[Lab, ...], quiet: bool) -> None:
    assert judged(alt(150), lab("ast", 130), lab("igg", 19), *before).quiet_before is quiet


def test_a_reading_tells_how_many_times_its_limit_it_is() -> None:
    assert judged(alt(150)).readings[0].times == Decimal("3.75")
