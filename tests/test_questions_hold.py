"""Tacrolimus on hold, stated or possible, past or being ordered: what is said, where, and how urgently."""

from typing import Any

import pytest
from msgspec import structs

from cds_service.knowledge.finding import CannotTell, Indicator
from cds_service.patient.facts import Loss, Outside, Record, Use, UseStatus
from cds_service.patient.when import When
from tests.answers import (
    HOLD,
    INFO,
    ORDER,
    PARACETAMOL,
    QUIET,
    STOP,
    TRANSPLANT,
    VERIFY,
    WARNING,
    answered,
    finding,
    keys,
    ordered,
    shown,
)
from tests.builders import (
    HEALTHY,
    HEPATITIS,
    KIDNEY_TRANSPLANT,
    LUPUS,
    day,
    draft,
    given,
    lab,
    line,
    lost,
    order,
    problem,
    record,
    use,
)

HELD = "hold-without-plan"
KIDNEY = {"reasons": frozenset({"acute-kidney-injury"}), "reason": Outside("AKI")}
PNEUMONIA = problem("sepsis_active_infection", "infection", onset=-21)


def held(end: int = -3, *medicines: Use, **more: Any) -> Record:
    """Put on hold for an injury of the kidney, the markers quiet."""
    stated = order(reference=ORDER, status=UseStatus.ON_HOLD, start=-900, end=end, **KIDNEY)
    return record(stated, *medicines, **{"markers": QUIET, **more})


# --- a hold on record


def test_a_hold_of_some_days_is_information() -> None:
    found = finding(held(), HELD)
    assert (found.indicator, found.exposure_class) == (INFO, "hold")
    assert (found.summary.key, found.summary.values) == ("hold-summary-stated", {"days": 3})
    assert keys(found.happened) == ["hold-since", "stop-reason", *["marker-normal-baseline"] * 3]
    assert (keys(found.meaning), keys(found.advice)) == (["hold-meaning"], ["hold-plan-question", "hold-no-restart"])
    assert [offer.order_set for offer in found.offers] == ["laboratory"]
    assert (found.conflicts, found.evidence[0].reference) == (("X11",), ORDER)
    assert shown(held()) == {HELD: INFO}


@pytest.mark.parametrize(("end", "indicator"), [(-14, INFO), (-15, WARNING), (-365, WARNING), (-366, None)])
def test_a_hold_of_more_than_two_weeks_without_a_plan_is_a_warning(end: int, indicator: Indicator | None) -> None:
    told = held(end)
    assert shown(told).get(HELD) is indicator
    if indicator is WARNING:
        assert finding(told, HELD).meaning[0].values == {"limit": 14}


def test_days_that_are_not_known_exactly_must_all_be_too_many() -> None:
    early = structs.replace(held(), orders=(order(status=UseStatus.ON_HOLD, end=When(day(-20), day(-14))),))
    assert shown(early) == {HELD: INFO}
    late = structs.replace(held(), orders=(order(status=UseStatus.ON_HOLD, end=When(day(-20), day(-15))),))
    assert shown(late) == {HELD: WARNING}


def test_a_hold_since_nobody_knows_when_is_information() -> None:
    found = finding(record(order(status=UseStatus.ON_HOLD), markers=QUIET), HELD)
    assert (found.indicator, found.summary.key, keys(found.happened)[0]) == (INFO, "hold-summary-undated", "hold-since-unknown")


def test_a_stop_for_a_reason_that_requires_it_is_a_hold() -> None:
    told = record(use(end=-9, reasons=frozenset({"infection"}), reason=Outside("pneumonia")), markers=QUIET)
    assert shown(told) == {HELD: INFO}


@pytest.mark.parametrize(("start", "indicator"), [(-44, INFO), (-47, WARNING)])
def test_a_long_hold_after_a_short_use_is_information(start: int, indicator: Indicator) -> None:
    told = record(order(status=UseStatus.ON_HOLD, start=start, end=-20), markers=QUIET)
    found = finding(told, HELD)
    assert found.indicator is indicator
    assert ("cap-short-use" in keys(found.meaning)) is (indicator is INFO)


# --- the disease meanwhile


@pytest.mark.parametrize(("alt", "tier"), [(85, "hold-flare-possible"), (130, "hold-flare-relapse"), (30, None)])
def test_the_markers_and_the_tier_of_a_flare_are_shown(alt: int, tier: str | None) -> None:
    told = held(-20, problems=(HEPATITIS, PNEUMONIA), markers=(*HEALTHY, lab("alt", alt)))
    found = finding(told, HELD)
    assert [key for key in keys(found.happened) if key.startswith("hold-flare")] == ([tier] if tier else [])
    assert any(key.startswith("marker") for key in keys(found.happened))
    assert shown(told) == {HELD: WARNING}


def test_a_severe_flare_is_named() -> None:
    told = held(-20, markers=(*HEALTHY, lab("alt", 400), lab("bilirubin", 60), lab("inr", "1.6")))
    assert "hold-flare-severe" in keys(finding(told, HELD).happened)


def test_in_another_disease_there_are_no_liver_markers() -> None:
    found = finding(held(problems=(LUPUS,)), HELD)
    assert not [key for key in keys(found.happened) if key.startswith("hold-flare")]


def test_nothing_that_treats_is_offered_however_high_the_markers() -> None:
    found = answered(held(-20, problems=(HEPATITIS, PNEUMONIA), markers=(*HEALTHY, lab("alt", 900))))
    assert list(found) == [HELD]


# --- a possible hold

TMA = problem("TMA", "tacrolimus_toxicity")


def test_a_stop_with_a_sign_of_a_reason_is_a_possible_hold() -> None:
    told = record(use(end=-9), problems=(HEPATITIS, TMA), markers=(*HEALTHY, lab("alt", 150)))
    found = finding(told, HELD)
    assert (found.indicator, found.summary.key) == (INFO, "hold-summary-possible")
    assert keys(found.happened)[:2] == ["hold-possible", "hold-sign-microangiopathy"]
    assert "hold-flare-relapse" in keys(found.happened)
    assert TMA.reference in [item.reference for item in found.evidence]
    assert shown(told) == {HELD: INFO}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("Observation/", record(use(end=-9), markers=(*QUIET, lab("potassium", 6, -9)))),
        ("order/", record(use(end=-9), order("ritonavir", 200, -9), markers=QUIET)),
    ],
)
def test_what_shows_the_sign_is_evidence(source: str, told: Record) -> None:
    assert any(item.reference.startswith(source) for item in finding(told, HELD).evidence)


# --- an antiviral


@pytest.mark.parametrize(("ended", "indicator"), [(-14, INFO), (-15, WARNING), (None, WARNING)])
def test_after_a_strong_inhibitor_the_days_count_from_its_end(ended: int | None, indicator: Indicator) -> None:
    """A hold for the days of an antiviral is normal practice; one that is not reversed after it is not."""
    antiviral = order("ritonavir", 200, -30, ended, status=UseStatus.COMPLETED if ended else UseStatus.ACTIVE)
    told = record(use(end=-30), antiviral, markers=QUIET)
    found = finding(told, HELD)
    assert (found.indicator, "hold-after-inhibitor" in keys(found.advice)) == (indicator, True)


def test_an_interaction_given_as_the_reason_is_spoken_of() -> None:
    told = record(use(end=-9, reasons=frozenset({"drug-interaction"})), markers=QUIET)
    assert "hold-after-inhibitor" in keys(finding(told, HELD).advice)


def test_pregnancy_is_no_reason_against_tacrolimus() -> None:
    told = record(use(end=-9, reasons=frozenset({"pregnancy"})), markers=QUIET)
    assert "warning-pregnancy" in keys(finding(told, HELD).advice)


# --- a plan


@pytest.mark.parametrize(
    "plan",
    [
        use(start=5, status=UseStatus.INTENDED),
        use(start=None, asserted=-1, status=UseStatus.INTENDED),
        order(start=5, status=UseStatus.DRAFT),
        use("mycophenolate mofetil", 2000, -2),
        use("cyclosporine", 200, -1),
    ],
    ids=["intended", "intended some day", "ordered for later", "replaced", "another inhibitor"],
)
def test_with_a_plan_on_record_it_is_silent(plan: Use) -> None:
    assert HELD not in shown(held(-20, plan))


@pytest.mark.parametrize(
    "other",
    [
        use(start=5, status=UseStatus.INTENDED, forbids=True),
        use(start=-400, end=-350, status=UseStatus.COMPLETED),
        use("azathioprine", 100, -300),
        use("mycophenolate mofetil", 2000, 5, status=UseStatus.INTENDED),
        order(start=-2, status=UseStatus.DRAFT),
    ],
    ids=["not to give", "long ago", "taken before", "another drug to come", "a draft of the past"],
)
def test_what_is_no_plan_does_not_silence_it(other: Use) -> None:
    assert HELD in shown(held(-20, other))


def test_tacrolimus_ordered_again_is_a_plan() -> None:
    told = held(-20, hook="order-sign", drafts=(draft(reference="MedicationRequest/new"),))
    assert HELD not in shown(told)


# --- where it speaks


@pytest.mark.parametrize(
    ("hook", "end", "drafts", "speaks"),
    [
        ("patient-view", -3, (), True),
        ("encounter-discharge", -3, (), True),
        ("order-sign", -3, (PARACETAMOL,), False),
        ("order-sign", -15, (PARACETAMOL,), True),
        ("order-sign", -30, (PARACETAMOL,), True),
        ("order-sign", -31, (PARACETAMOL,), False),
        ("order-sign", -31, (draft("prednisone", 20),), True),
        ("order-select", -20, (draft("prednisone", 20),), False),
        ("medication-prescribe", -20, (draft("prednisone", 20),), False),
    ],
)
def test_a_past_hold_speaks_on_the_chart_and_at_signing_once_overdue(
    hook: str, end: int, drafts: tuple[Use, ...], speaks: bool
) -> None:
    assert (HELD in shown(held(end, hook=hook, drafts=drafts))) is speaks


@pytest.mark.parametrize(
    "more",
    [{"problems": ()}, {"problems": (HEPATITIS, KIDNEY_TRANSPLANT)}],
    ids=["no indication", "transplant"],
)
def test_elsewhere_it_is_silent(more: dict[str, Any]) -> None:
    assert HELD not in answered(held(-20, **more))


def test_a_hold_in_a_transplant_recipient_is_the_transplant_teams() -> None:
    found = finding(held(problems=(KIDNEY_TRANSPLANT,)), TRANSPLANT)
    assert (found.indicator, found.summary.key) == (WARNING, "transplant-summary-held")
    assert shown(held(problems=(KIDNEY_TRANSPLANT,), hook="order-sign", drafts=(PARACETAMOL,))) == {TRANSPLANT: WARNING}
    assert shown(held(-31, problems=(KIDNEY_TRANSPLANT,), hook="order-sign", drafts=(PARACETAMOL,))) == {}


def test_without_the_conditions_it_cannot_tell() -> None:
    answer = answered(held(problems=None, lost=lost("conditions", loss=Loss.FAILED)))[HELD]
    assert isinstance(answer, CannotTell)
    assert (keys(answer.missing), answer.exposure_class) == (["indication-not-known"], "hold")


# --- a hold that is being ordered


def test_a_hold_that_is_ordered_is_a_warning_to_record_the_plan() -> None:
    found = finding(ordered(drafts=(HOLD,)), HELD)
    assert (found.indicator, found.exposure_class, found.summary.key) == (WARNING, "hold", "hold-summary-ordered-stated")
    assert keys(found.happened)[:3] == ["hold-ordered-stated", "ordered-to-stop", "ordered-dose-at-maintenance"]
    assert found.evidence[0].reference == ORDER
    assert shown(ordered(drafts=(HOLD,))) == {HELD: WARNING}


@pytest.mark.parametrize("hook", ["order-select", "medication-prescribe", "patient-view"])
def test_it_speaks_in_every_hook_whose_orders_express_a_hold(hook: str) -> None:
    assert shown(ordered(drafts=(HOLD,), hook=hook)) == {HELD: WARNING}


def test_the_reason_of_an_ordered_hold_is_told() -> None:
    why = structs.replace(HOLD, reasons=frozenset({"pregnancy", "drug-interaction"}), reason=Outside("pregnant"))
    found = finding(ordered(drafts=(why,)), HELD)
    assert "stop-reason" in keys(found.happened)
    assert {"warning-pregnancy", "hold-after-inhibitor"} <= set(keys(found.advice))


def test_a_stop_ordered_with_a_sign_is_a_possible_hold() -> None:
    antiviral = draft("ritonavir", 200, reference="MedicationRequest/antiviral")
    told = ordered(drafts=(STOP, antiviral))
    found = finding(told, HELD)
    assert (found.indicator, found.summary.key) == (WARNING, "hold-summary-ordered-possible")
    assert "hold-sign-inhibitor" in keys(found.happened)
    assert shown(told) == {HELD: WARNING}


def test_a_hold_ordered_together_with_what_resumes_it_is_a_change_of_dose() -> None:
    assert shown(ordered(drafts=(HOLD, draft(start=20, reference="MedicationRequest/later")))) == {}


NOTHING = draft(lines=(line(0, start=0),))


def test_an_order_of_dose_zero_is_a_hold_and_no_plan_for_one() -> None:
    found = finding(ordered(drafts=(NOTHING,)), HELD)
    assert keys(found.happened)[:2] == ["hold-ordered-stated", "ordered-dose-zero"]
    assert shown(held(-20, drafts=(NOTHING,), hook="order-sign")) == {HELD: WARNING}


def test_an_order_revised_to_end_is_no_plan_for_the_hold_that_it_may_be() -> None:
    revised = draft(reference=ORDER, status=UseStatus.ACTIVE, start=-300, end=1)
    assert shown(ordered(drafts=(revised,), markers=(*QUIET, lab("potassium", "6.2", -1)))) == {HELD: WARNING}


def test_a_hold_with_an_order_to_come_has_a_plan() -> None:
    later = order(start=20, status=UseStatus.DRAFT, reference="MedicationRequest/later")
    assert HELD not in shown(ordered(order(reference=ORDER, asserted=-20), later, drafts=(HOLD,)))


def test_a_hold_ordered_without_the_conditions_says_both() -> None:
    told = ordered(drafts=(HOLD,), problems=None, lost=lost("conditions", loss=Loss.NOT_SENT))
    answers = answered(told)
    assert all(isinstance(answer, CannotTell) for answer in answers.values())
    said = [key for answer in answers.values() if isinstance(answer, CannotTell) for key in keys(answer.missing)]
    assert sorted(said) == ["indication-not-known", "lost-not-sent"]


def test_a_hold_ordered_without_an_indication_is_to_verify() -> None:
    assert list(shown(ordered(drafts=(HOLD,), problems=()))) == [VERIFY]


def test_a_dose_given_after_the_hold_is_no_plan() -> None:
    assert HELD in shown(held(-20, given(-19)))
