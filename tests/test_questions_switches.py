"""Another product, another calcineurin inhibitor, another immunosuppressant: what is said of it, and what is silent beside it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cds_service.knowledge.finding import Indicator, LabOrder, Term
from cds_service.patient.facts import Drug, Loss, Record, Use, UseStatus
from tests.answers import (
    ABRUPT,
    CRITICAL,
    INFO,
    ORDER,
    ORDERED,
    QUIET,
    RAPID,
    REBOUND,
    RUNNING,
    STOP,
    VERIFY,
    WARNING,
    answered,
    finding,
    keys,
    ordered,
    shown,
    stopped,
)
from tests.builders import (
    HEALTHY,
    HEPATITIS,
    KIDNEY_TRANSPLANT,
    LUPUS,
    TODAY,
    Mg,
    doses,
    draft,
    drug,
    lab,
    lost,
    order,
    problem,
    record,
    use,
)

PRODUCT, OVERLAP, EXCHANGE = "formulation-switch", "calcineurin-inhibitor-overlap", "calcineurin-inhibitor-switch"
TABLET, PROLONGED = drug(formulation="extended-release-tablet"), drug(formulation="prolonged-release")
NEW_CSA = draft("cyclosporine", 200, reference="MedicationRequest/csa")

# --- another product of tacrolimus


def switching(medicine: Drug = TABLET, mg: Mg = "3.2", *, hook: str = "order-sign", old: Use = RUNNING, **more: Any) -> Record:
    new = draft(medicine, mg, reference="MedicationRequest/new")
    return record(old, hook=hook, drafts=(STOP, new), **{"markers": QUIET, **more})


def test_a_change_at_the_same_exposure_is_information_at_signing_only() -> None:
    found = finding(switching(), PRODUCT)
    assert (found.indicator, found.exposure_class) == (INFO, "formulation-switch")
    assert (found.summary.key, found.summary.values["days"]) == ("formulation-summary-corresponds", 7)
    assert (found.happened[0].values["ratio"], found.unknown) == (1, ())
    assert keys(found.advice) == ["formulation-level-extended", "formulation-first-tablet"]
    assert [offer.labs for offer in found.offers] == [(LabOrder("tacrolimus-trough", 7),)]
    assert {item.reference for item in found.evidence} == {"MedicationRequest/new", ORDER}
    assert shown(switching()) == {PRODUCT: INFO}
    assert shown(switching(hook="order-select")) == {}


@pytest.mark.parametrize(
    ("mg", "indicator"),
    [
        ("3.2", None),
        (4, None),
        ("4.01", INFO),
        ("2.56", None),
        ("2.55", INFO),
        ("4.8", INFO),
        ("4.81", WARNING),
        ("2.15", INFO),
        ("2.14", WARNING),
    ],
)
def test_a_dose_that_does_not_correspond_is_told_while_it_is_ordered(mg: str | int, indicator: Indicator | None) -> None:
    """Of 4 mg a day: up to 1.25 x and down to 0.8 x corresponds, from 1.5 x and 0.67 x on it is information."""
    told = switching(mg=mg, hook="order-select")
    assert shown(told) == ({PRODUCT: indicator} if indicator else {})
    if indicator:
        assert finding(told, PRODUCT).summary.key == "formulation-summary-differs"


def test_between_capsules_the_level_has_two_weeks() -> None:
    found = finding(switching(PROLONGED, 4), PRODUCT)
    assert (keys(found.advice), found.advice[0].values) == (["formulation-level-prolonged"], {"days": 7, "last": 14})


def test_from_tablets_there_is_no_first_tablet() -> None:
    old = order(TABLET, "3.2", reference=ORDER, asserted=-20)
    assert keys(finding(switching(drug(), 4, old=old), PRODUCT).advice) == ["formulation-level-extended"]


def test_a_dose_that_is_not_known_is_told_at_signing() -> None:
    found = finding(switching(mg=None), PRODUCT)
    assert (found.indicator, found.summary.key) == (INFO, "formulation-summary-unknown")
    assert (keys(found.happened), keys(found.unknown)) == (["formulation-changed"], ["unknown-formulation-dose"])
    assert shown(switching(mg=None, hook="order-select")) == {}


def test_an_earlier_product_that_stays_on_the_list_is_named() -> None:
    new = draft(TABLET, "3.2", reference="MedicationRequest/new")
    told = record(RUNNING, hook="order-sign", drafts=(new,), markers=QUIET)
    assert keys(finding(told, PRODUCT).happened)[-1] == "formulation-still-listed"


def test_two_products_side_by_side_are_a_warning() -> None:
    second = order(TABLET, "3.2", -15, reference="MedicationRequest/second")
    new = draft(TABLET, "3.2", reference="MedicationRequest/new")
    found = finding(record(RUNNING, second, hook="order-select", drafts=(new,), markers=QUIET), PRODUCT)
    assert (found.indicator, found.exposure_class, found.summary.key) == (WARNING, PRODUCT, "formulation-summary-both")
    assert found.summary.values == {"products": (Term("immediate-release"), Term("extended-release-tablet")), "days": 15}
    assert [offer.labs for offer in found.offers] == [(LabOrder("tacrolimus-trough"),)]


def test_a_dose_changed_within_the_same_product_is_silent() -> None:
    assert shown(switching(drug(), 3)) == {}


# --- two calcineurin inhibitors


def test_two_calcineurin_inhibitors_are_critical_and_nothing_is_offered() -> None:
    told = record(RUNNING, hook="order-select", drafts=(NEW_CSA,), markers=QUIET)
    found = finding(told, OVERLAP)
    assert (found.indicator, found.exposure_class, found.offers) == (CRITICAL, "cni-overlap", ())
    assert (found.summary.values, found.advice[1].values) == ({"drug": Term("cyclosporine")}, {"hours": 24})
    assert {item.reference for item in found.evidence} == {"MedicationRequest/csa", ORDER}
    assert shown(told) == {OVERLAP: CRITICAL}


@pytest.mark.parametrize("problems", [(), (HEPATITIS, KIDNEY_TRANSPLANT), (LUPUS,)])
def test_whatever_tacrolimus_was_for(problems: tuple[Any, ...]) -> None:
    assert shown(record(RUNNING, hook="order-sign", drafts=(NEW_CSA,), problems=problems)) == {OVERLAP: CRITICAL}


def test_where_one_of_them_is_not_certain_it_is_information() -> None:
    vague = draft(drug("cyclosporine", systemic=None), 200)
    found = finding(record(RUNNING, hook="order-select", drafts=(vague,), markers=QUIET), OVERLAP)
    assert (found.indicator, found.summary.key, keys(found.unknown)) == (INFO, "overlap-summary-possible", ["unknown-overlap"])


def test_eye_drops_are_silent() -> None:
    drops = draft(drug("cyclosporine", systemic=False, formulation="ophthalmic"), 1)
    assert shown(record(RUNNING, hook="order-select", drafts=(drops,), markers=QUIET)) == {}


# --- one in the place of the other


def exchanged(end: int = -9, *medicines: Use, **more: Any) -> Record:
    return stopped(end, *medicines, **{"hook": "order-select", "drafts": (NEW_CSA,), **more})


def test_ciclosporin_in_the_place_of_tacrolimus_is_information() -> None:
    found = finding(exchanged(), EXCHANGE)
    assert (found.indicator, found.exposure_class, found.offers) == (INFO, "cni-switch", ())
    assert (found.summary.key, found.conflicts) == ("inhibitor-switch-summary-long-enough", ("X14", "X21"))
    assert (keys(found.happened), keys(found.meaning)) == (["inhibitor-switched"], ["inhibitor-switch-meaning"])
    assert (keys(found.advice), found.unknown) == (["inhibitor-wait", "inhibitor-no-dose"], ())
    assert shown(exchanged()) == {EXCHANGE: INFO}


def test_the_figures_of_ciclosporin_are_not_those_of_voclosporin() -> None:
    assert finding(exchanged(drafts=(draft("voclosporin", 47),)), EXCHANGE).conflicts == ()


@pytest.mark.parametrize(
    ("end", "indicator", "unknown"),
    [(0, WARNING, []), (-1, INFO, ["unknown-inhibitor-gap"]), (-2, INFO, []), (-14, INFO, []), (-15, None, [])],
)
def test_less_than_a_day_between_the_two_is_a_warning(end: int, indicator: Indicator | None, unknown: list[str]) -> None:
    told = exchanged(end)
    assert shown(told).get(EXCHANGE) is indicator
    assert indicator is None or keys(finding(told, EXCHANGE).unknown) == unknown


def test_twelve_hours_are_less_than_a_day() -> None:
    evening = datetime.combine(TODAY, datetime.min.time(), UTC) - timedelta(hours=4)
    csa = draft("cyclosporine", 200, starts_at=evening + timedelta(hours=12))
    told = record(use(end=-1, ends_at=evening), hook="order-sign", drafts=(csa,), markers=QUIET)
    assert (finding(told, EXCHANGE).indicator, finding(told, EXCHANGE).summary.values["hours"]) == (WARNING, 24)


def test_a_stop_signed_together_with_ciclosporin_is_the_exchange_and_no_abrupt_stop() -> None:
    assert shown(ordered(drafts=(STOP, NEW_CSA))) == {EXCHANGE: WARNING}


@pytest.mark.parametrize(("end", "indicator"), [(0, WARNING), (-1, INFO), (-2, None)])
def test_back_to_tacrolimus_only_the_hours_matter(end: int, indicator: Indicator | None) -> None:
    csa = order("cyclosporine", 200, -100, end, status=UseStatus.STOPPED)
    told = record(csa, hook="order-sign", drafts=(draft(),), markers=QUIET)
    assert shown(told).get(EXCHANGE) is indicator
    if indicator:
        found = finding(told, EXCHANGE)
        assert (keys(found.happened), keys(found.advice)) == (["inhibitor-switched-back"], ["inhibitor-wait"])
        assert (keys(found.meaning), found.conflicts) == (["overlap-meaning"], ())


@pytest.mark.parametrize(
    ("more", "speaks"),
    [
        ({"problems": (LUPUS,)}, True),
        ({"problems": None, "lost": lost("conditions", loss=Loss.FAILED)}, True),
        ({"problems": ()}, False),
        ({"problems": (KIDNEY_TRANSPLANT,)}, False),
    ],
    ids=["lupus", "conditions not received", "no indication", "transplant"],
)
def test_that_a_rebound_may_come_is_said_in_autoimmune_disease(more: dict[str, Any], speaks: bool) -> None:
    assert (EXCHANGE in shown(exchanged(**more))) is speaks


def test_the_hours_matter_whatever_tacrolimus_was_for() -> None:
    told = exchanged(0, problems=(KIDNEY_TRANSPLANT,))
    found = finding(told, EXCHANGE)
    assert (found.indicator, keys(found.meaning), found.conflicts) == (WARNING, ["overlap-meaning"], ())


@pytest.mark.parametrize("start", [-9, -20, -400])
def test_where_another_inhibitor_goes_on_a_past_stop_is_no_abrupt_one(start: int) -> None:
    assert shown(stopped(-9, use("cyclosporine", 200, start))) == {}


def test_where_another_inhibitor_goes_on_an_ordered_stop_is_silent() -> None:
    assert shown(ordered(RUNNING, use("cyclosporine", 200, -100))) == {}


def test_eye_drops_are_no_other_inhibitor() -> None:
    drops = use(drug("cyclosporine", systemic=False), 1, -100)
    assert shown(stopped(-9, drops)) == {ABRUPT: WARNING}


# --- another immunosuppressant in place


@pytest.mark.parametrize(("start", "indicator"), [(-99, INFO), (-100, WARNING)])
def test_azathioprine_begun_before_the_stop_makes_it_information(start: int, indicator: Indicator) -> None:
    told = stopped(-9, use("azathioprine", 100, start))
    found = finding(told, ABRUPT)
    assert found.indicator is indicator
    planned = indicator is INFO
    assert (found.exposure_class == "planned-switch", "C28" in found.claims) == (planned, planned)
    assert ("planned-switch" in keys(found.happened)) is planned
    assert any(item.reference.startswith("statement/azathioprine") for item in found.evidence) is planned


@pytest.mark.parametrize(("start", "lags"), [(-64, True), (-65, False)])
def test_that_its_effect_may_lag_is_said_when_it_was_begun_late(start: int, lags: bool) -> None:
    found = finding(stopped(-9, use("azathioprine", 100, start)), ABRUPT)
    assert ("onset-lags" in keys(found.happened)) is lags


@pytest.mark.parametrize(("start", "shows"), [(5, {ABRUPT: INFO}), (6, {})])
def test_begun_after_the_stop_it_takes_over_for_two_weeks_and_then_treats(start: int, shows: dict[str, Indicator]) -> None:
    told = stopped(-9 - 20, use("mycophenolate mofetil", 2000, start - 20))
    assert shown(told) == shows


def test_a_planned_switch_beside_a_steroid_that_treats_is_silent() -> None:
    assert shown(stopped(-9, use("azathioprine", 100, -60), use("prednisone", 30, -3))) == {}


def test_a_flare_under_a_planned_switch_is_a_rebound() -> None:
    told = stopped(-9, use("azathioprine", 100, -60), markers=(*HEALTHY, lab("alt", 150)))
    assert list(shown(told)) == [REBOUND]


def test_a_rapid_taper_under_a_planned_switch_is_information() -> None:
    told = record(*doses((4, 200), (2, 27), last=-9), use("azathioprine", 100, -60), markers=QUIET)
    found = finding(told, RAPID)
    assert (found.indicator, found.exposure_class) == (INFO, "planned-switch")


@pytest.mark.parametrize(("alt", "indicator"), [(30, INFO), (130, WARNING)])
def test_an_ordered_stop_under_a_planned_switch_is_one_tier_lower(alt: int, indicator: Indicator) -> None:
    told = ordered(RUNNING, use("azathioprine", 100, -60), markers=(*QUIET, lab("alt", alt, -1)))
    found = finding(told, ORDERED)
    assert (found.indicator, found.exposure_class, "C28" in found.claims) == (indicator, "planned-switch", True)
    assert "planned-switch" in keys(found.happened)


def test_what_is_ordered_in_the_same_request_takes_over_too() -> None:
    told = ordered(drafts=(STOP, draft("azathioprine", 100, reference="MedicationRequest/aza")))
    found = finding(told, ORDERED)
    assert (found.indicator, keys(found.happened)[-2:]) == (INFO, ["marker-normal-baseline", "marker-normal-baseline"])
    assert "onset-lags" in keys(found.happened)


def test_a_stop_of_unknown_doses_is_to_verify_all_the_same() -> None:
    assert shown(stopped(-9, use("azathioprine", 100, -60))) != shown(record(use(end=-9, lines=()), markers=QUIET))
    assert list(shown(record(use(end=-9, lines=()), use("azathioprine", 100, -60), markers=QUIET))) == [VERIFY]


def test_in_a_disease_of_another_organ_it_is_the_same() -> None:
    assert shown(stopped(-9, use("azathioprine", 100, -60), problems=(problem("uveitis", "indication"),))) == {ABRUPT: INFO}


def test_answers_about_switches_are_sound_beside_each_other() -> None:
    both = record(
        RUNNING,
        order(TABLET, "3.2", -15, reference="MedicationRequest/second"),
        hook="order-sign",
        drafts=(NEW_CSA, draft(TABLET, "3.2", reference="MedicationRequest/new")),
        markers=QUIET,
    )
    assert set(answered(both)) == {PRODUCT, OVERLAP}
