"""The doses, products and laboratory orders of an offer, and the doses in words."""

from decimal import Decimal
from fractions import Fraction
from itertools import permutations

import pytest

from cds_service.knowledge import orders
from cds_service.knowledge.finding import LabOrder
from cds_service.knowledge.judgements import reinduction
from cds_service.patient.facts import Drug, Lab, LabStatus, Problem
from tests.builders import (
    HEALTHY,
    LUPUS,
    SCREENED,
    case,
    doses,
    drug,
    flaring,
    lab,
    problem,
    record,
    use,
    word,
)
from tests.flaring import rising
from tests.offers import CAPSULE_24H, IN_FORCE, RESTART, TABLET, judged, keys, restarted, without

MYASTHENIA = problem("myasthenia_gravis", "indication")

# --- doses


def test_the_orders_are_real_products_in_whole_pieces() -> None:
    for offer in judged(flaring()).offers:
        for one in offer.drugs:
            product = orders.product(one.code)
            assert product is not None
            assert (product.name, product.ingredient) == (one.display, one.ingredient)
            assert all(intake % product.strength == 0 for intake in one.intakes)


def test_how_long_and_why_an_order_runs() -> None:
    steroid, azathioprine = judged(flaring()).offers[1].drugs
    assert (steroid.intakes, steroid.days, steroid.remark.key) == ((30,), 28, "remark-steroid")
    assert (azathioprine.intakes, azathioprine.days, azathioprine.remark.key) == ((150,), 28, "remark-azathioprine")
    restart = restarted(flaring())
    assert restart is not None
    assert (restart.intakes, restart.days, restart.remark.key) == ((2, 2), 14, "remark-tacrolimus")


@pytest.mark.parametrize(
    ("mg", "intakes"),
    [
        ("0.5", ["0.5"]),
        ("1", ["0.5", "0.5"]),
        ("2.5", ["1.5", "1"]),
        ("3.3", ["1.5", "1.5"]),
        ("7", ["3.5", "3.5"]),
        ("8", ["4", "4"]),
        ("10", None),
        ("8.1", None),
        ("0.4", None),
    ],
)
def test_the_stable_dose_is_split_in_two_and_never_rounded_up(mg: str, intakes: list[str] | None) -> None:
    found = restarted(record(use(mg=mg, end=-9), markers=(*HEALTHY, lab("alt", 150))))
    assert (found and found.intakes) == (intakes and tuple(Fraction(intake) for intake in intakes))


def test_the_restart_is_the_dose_before_the_taper() -> None:
    tapered = record(*doses((4, 200), (2, 14), (1, 14), last=-9), markers=(*HEALTHY, lab("alt", 150)))
    found = restarted(tapered)
    assert found is not None
    assert found.intakes == (2, 2)


@pytest.mark.parametrize(("days", "stable"), [(28, True), (27, False)])
def test_a_dose_is_stable_after_four_weeks(days: int, stable: bool) -> None:
    told = record(use(start=-9 - days + 1, end=-9), markers=(*HEALTHY, lab("alt", 150)))
    found = judged(told)
    assert bool([offer for offer in found.offers if offer.order_set == RESTART]) is stable
    assert ("no-stable-dose" in keys(found.advice)) is not stable


@pytest.mark.parametrize(
    ("formulation", "mg", "intakes", "strength"),
    [
        (TABLET, "4", "4", "4"),
        (TABLET, "3", "3", "1"),
        (TABLET, "3.25", "3", "1"),
        (TABLET, "0.75", "0.75", "0.75"),
        (TABLET, "2.25", "2.25", "0.75"),
        (TABLET, "6", "6", "1"),
        (TABLET, "0.5", None, None),
        (CAPSULE_24H, "4", "4", "1"),
        (CAPSULE_24H, "2.5", "2.5", "0.5"),
        (CAPSULE_24H, "5", "5", "5"),
    ],
)
def test_a_once_daily_product_is_restarted_once_daily(
    formulation: str, mg: str, intakes: str | None, strength: str | None
) -> None:
    """At the person's own dose, as the largest amount that one strength makes up in whole pieces without exceeding it."""
    product = drug(formulation=formulation)
    found = restarted(record(use(product, mg, end=-9), markers=(*HEALTHY, lab("alt", 150))))
    if intakes is None or strength is None:
        assert found is None
    else:
        assert found is not None
        made_of = orders.product(found.code)
        assert made_of is not None
        assert (found.intakes, made_of.formulation, made_of.strength) == ((Fraction(intakes),), formulation, Fraction(strength))


def test_the_product_is_that_of_the_stop_else_the_newest_one_known() -> None:
    old, new = use(drug(formulation=TABLET), "3.2", -400, -200), use(drug(formulation=CAPSULE_24H), 4, -199, -100)
    stopped = use(drug(formulation=None), 4, -99, -9)
    for medicines in permutations((old, new, stopped)):
        found = restarted(record(*medicines, markers=(*HEALTHY, lab("alt", 150))))
        assert found is not None
        assert "24 HR tacrolimus 1 MG Extended Release Oral Capsule" in found.display
    assert restarted(record(use(drug(formulation=None), 4, end=-9))) == restarted(flaring())


@pytest.mark.parametrize(
    ("code", "formulation", "mg", "name"),
    [
        ("108513", "immediate-release", 4, "Tacrolimus 1 MG Oral Capsule [Prograf]"),
        ("261134", "immediate-release", 3, "Tacrolimus 0.5 MG Oral Capsule [Prograf]"),
        ("198377", "immediate-release", 4, "tacrolimus 1 MG Oral Capsule"),
        ("1235241", "immediate-release", 4, "tacrolimus 1 MG Oral Capsule"),
        (None, "immediate-release", 4, "tacrolimus 1 MG Oral Capsule"),
        ("1431984", CAPSULE_24H, 4, "24 HR Tacrolimus 1 MG Extended Release Oral Capsule [Astagraf]"),
        ("1664440", TABLET, 4, "24 HR tacrolimus 4 MG Extended Release Oral Tablet [Envarsus]"),
    ],
    ids=["Prograf", "half milligrams", "any maker's", "a brand that cannot be ordered", "no code", "Astagraf", "Envarsus"],
)
def test_the_brand_is_kept(code: str | None, formulation: str, mg: int, name: str) -> None:
    product = drug(formulation=formulation, code=code)
    found = restarted(record(use(product, mg, end=-9), markers=(*HEALTHY, lab("alt", 150))))
    assert found is not None
    assert found.display == name


def test_an_infusion_is_not_restarted_as_capsules() -> None:
    assert restarted(record(use(drug(formulation="intravenous"), 2, end=-9), markers=(*HEALTHY, lab("alt", 150)))) is None


def test_unknown_doses_are_not_restarted() -> None:
    found = judged(record(use(end=-9, lines=()), markers=(*HEALTHY, lab("alt", 150))))
    assert RESTART not in {offer.order_set for offer in found.offers}
    assert "no-stable-dose" in keys(found.advice)


@pytest.mark.parametrize(("formulation", "day"), [("immediate-release", 4), (CAPSULE_24H, 4), (TABLET, 7)])
def test_a_first_level_belongs_to_the_restart(formulation: str, day: int) -> None:
    """The extended-release tablet takes a week to show its level."""
    told = record(use(drug(formulation=formulation), 4, end=-9), markers=(*HEALTHY, lab("alt", 150)))
    offer = next(offer for offer in judged(told).offers if offer.order_set == RESTART)
    assert offer.labs[0] == LabOrder("tacrolimus-trough", day)


# --- the doses in words


@pytest.mark.parametrize(
    ("mg", "key"), [("6", None), ("6.5", "dose-above-source"), ("8", "dose-above-source"), ("8.5", "dose-above-published")]
)
def test_an_earlier_dose_above_the_source_is_said(mg: str, key: str | None) -> None:
    found = judged(record(use(mg=mg, end=-9), markers=(*HEALTHY, lab("alt", 150))))
    assert [name for name in keys(found.advice) if name.startswith("dose-above")] == ([key] if key else [])


@pytest.mark.parametrize(
    ("kg", "azathioprine", "tacrolimus", "key"),
    [
        ("50", (50, 100), "3.75", "source-tacrolimus-weighed"),
        ("80", (80, 160), "6", "source-tacrolimus-weighed"),
        ("80.5", (Fraction(161, 2), 161), "6.0375", "source-tacrolimus-over"),
        ("100", (100, 200), "7.5", "source-tacrolimus-over"),
    ],
)
def test_doses_by_weight_are_reckoned_exactly(
    kg: str, azathioprine: tuple[Fraction | int, int], tacrolimus: str, key: str
) -> None:
    words = {sentence.key: sentence.values for sentence in judged(flaring(also=(lab("weight", kg, -1),))).advice}
    told = words["source-azathioprine-weighed"]
    assert (told["from_mg"], told["to_mg"]) == azathioprine
    assert words[key]["reckoned"] == Fraction(Decimal(tacrolimus))


def test_without_a_weight_nothing_is_reckoned() -> None:
    words = keys(judged(flaring(markers=(*without("weight"), lab("alt", 150)))).advice)
    assert words[:3] == ["source-steroid", "source-azathioprine", "source-tacrolimus"]


def test_what_supports_weeks_of_a_steroid_is_named_where_one_is_offered() -> None:
    assert "steroid-support" in keys(judged(flaring()).advice)
    carrier = flaring(screening=(word("hbsag", "positive"), *SCREENED[1:]))
    assert "steroid-support" not in keys(judged(carrier).advice)
    nephritis = record(use(end=-9), markers=(*HEALTHY, *rising("upcr", 300, 1200)), problems=(LUPUS,))
    assert "steroid-support" not in keys(judged(nephritis).advice)
    assert "steroid-support" in keys(judged(nephritis, reinduction_scope="any-autoimmune").advice)


# --- laboratory orders


def test_the_panel_follows_the_disease() -> None:
    assert reinduction.panel(case(flaring()).indication) == "autoimmune-hepatitis"
    assert reinduction.panel(case(flaring(problems=(LUPUS,))).indication) == "lupus-nephritis"


def follow_up(*results: Lab) -> dict[str, LabOrder]:
    told = record(markers=results)
    return {order.test: order for order in reinduction.follow_up(told, "autoimmune-hepatitis", IN_FORCE)}


def test_tests_are_due_now_and_then_every_two_weeks() -> None:
    assert follow_up()["alt"] == LabOrder("alt", 0, 14, 5)


@pytest.mark.parametrize(("on", "recent"), [(0, True), (-7, True), (-8, False), (1, False)])
def test_a_test_of_the_past_week_is_not_repeated_today(on: int, recent: bool) -> None:
    found = follow_up(lab("alt", 150, on), lab("wbc", 5, on))
    assert found["alt"] == (LabOrder("alt", 14, 14, 4) if recent else LabOrder("alt", 0, 14, 5))
    assert found["leukocytes"].first_day == (14 if recent else 0)
    assert found["ast"].first_day == 0


@pytest.mark.parametrize(("start", "offered"), [(25, 25), (30, 25), (49, 25), (50, 50)])
def test_the_start_of_azathioprine_is_whole_tablets_and_never_above_the_site_s(start: int, offered: int) -> None:
    offer = judged(flaring(), azathioprine_start_mg=start).offers[2]
    assert (offer.drugs[1].intakes, offer.label.values["azathioprine"]) == ((offered,), offered)


@pytest.mark.parametrize(
    ("product", "mg", "said"),
    [
        (drug(), "0.4", True),
        (drug(), "0.5", False),
        (drug(formulation=TABLET), "0.5", True),
        (drug(), "8.5", False),
    ],
)
def test_a_dose_that_no_product_makes_up_is_said(product: Drug, mg: str, said: bool) -> None:
    found = judged(record(use(product, mg, end=-9), markers=(*HEALTHY, lab("alt", 150))))
    assert ("no-product-for-dose" in keys(found.advice)) is said


@pytest.mark.parametrize("panel", ["lupus-nephritis", "glomerular-disease", "myasthenia-gravis", "general"])
def test_elsewhere_tests_are_due_now_and_on_day_14(panel: str) -> None:
    told = record(markers=(lab("creatinine", 70, -1),))
    found = {order.test: order for order in reinduction.follow_up(told, panel, IN_FORCE)}
    assert found.pop("creatinine") == LabOrder("creatinine", 14)
    assert {(order.first_day, order.every_days, order.times) for order in found.values()} == {(0, 14, 2)}


@pytest.mark.parametrize(("disease", "said"), [(LUPUS, True), (MYASTHENIA, False)])
def test_that_tests_of_the_kidney_are_monthly_later_is_said(disease: Problem, said: bool) -> None:
    results = *rising("upcr", 300, 1200), *rising("mg_adl", 3, 5)
    found = judged(record(use(end=-9), markers=(*HEALTHY, *results), problems=(disease,)))
    assert ("kidney-tests-monthly" in keys(found.advice)) is said


@pytest.mark.parametrize(
    ("screened", "ordered"),
    [
        ((word("hbsag", "negative"), word("anti_hbc", "positive")), True),
        ((word("hbsag", "positive"), word("anti_hbc", "positive")), True),
        ((word("hbsag", "negative"), word("anti_hbc", "negative")), False),
        ((), False),
        ((word("hbsag", "negative"), word("anti_hbc", "positive"), word("hbv_dna", "negative", -365)), False),
        ((word("hbsag", "negative"), word("anti_hbc", "positive"), word("hbv_dna", "negative", -366)), True),
        ((word("hbsag", "negative"), word("anti_hbc", "positive"), lab("hbv_dna", 20, -5)), False),
        ((word("hbsag", "negative"), word("anti_hbc", "positive"), lab("hbv_dna", None, -5)), True),
    ],
    ids=["core", "antigen", "neither", "unknown", "on file", "too old", "as a number", "unreadable"],
)
def test_the_dna_of_hepatitis_b_is_ordered_where_it_was_met(screened: tuple[Lab, ...], ordered: bool) -> None:
    found = judged(flaring(screening=(*screened, *SCREENED[2:])))
    for offer in found.offers:
        assert ("hepatitis-b-dna" in [order.test for order in offer.labs]) is ordered


def test_a_preliminary_or_unreadable_result_does_not_spare_a_test() -> None:
    assert follow_up(lab("alt", 150, status=LabStatus.PRELIMINARY))["alt"].first_day == 0
    assert follow_up(lab("alt", None))["alt"].first_day == 0


def test_laboratory_orders_alone_carry_no_medicine() -> None:
    told = record()
    offer = reinduction.laboratory_only(told, "general", IN_FORCE, (LabOrder("tpmt-nudt15"),))
    assert (offer.drugs, offer.referrals, offer.labs[0]) == ((), (), LabOrder("tpmt-nudt15"))
    assert [order.test for order in offer.labs[1:]] == list(orders.panel("general"))
