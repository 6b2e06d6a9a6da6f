"""The case as the questions see it, and its account in sentences: how it ended, what the markers show, what is not known."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from cds_service.knowledge.finding import Evidence, Sentence, Term
from cds_service.knowledge.judgements import account
from cds_service.knowledge.judgements.case import Case, of_lab, of_problem, of_use
from cds_service.knowledge.judgements.flare import Reading, Tier
from cds_service.knowledge.judgements.usage import ExposureClass
from cds_service.patient.facts import Comparator, LabStatus, Loss, Lost, Outside, Quantity, Use, UseStatus
from tests.builders import (
    HEPATITIS,
    KIDNEY_TRANSPLANT,
    TODAY,
    case,
    dispense,
    doses,
    draft,
    drug,
    flaring,
    known,
    lab,
    lost,
    month,
    order,
    problem,
    record,
    use,
    word,
)


def keys(sentences: Iterable[Sentence]) -> list[str]:
    return [sentence.key for sentence in sentences]


def told(*medicines: Use, **more: Any) -> Case:
    return case(record(*medicines, **more))


# --- the case


def test_while_it_is_taken_there_is_no_last_dose() -> None:
    found = told(use(asserted=-20))
    assert (found.last_dose, found.days_since) == (None, 0)


def test_a_partial_last_dose_counts_late_for_the_flare_and_early_for_its_age() -> None:
    found = told(use(end=month(2026, 1)))
    assert found.last_dose == month(2026, 1).latest
    assert found.days_since == (TODAY - month(2026, 1).earliest).days


def test_each_judgement_is_made_once() -> None:
    found = told(use(end=-9))
    for name in ("exposure", "ordered_stop", "indication", "treatment", "flare", "related_draft", "lost"):
        assert getattr(found, name) is getattr(found, name)


def test_the_baseline_lies_before_the_taper_began() -> None:
    tapered = told(*doses((4, 200), (2, 14), (1, 14)), markers=(lab("alt", 30, -60), lab("alt", 100, -20), lab("alt", 150, -2)))
    reading = tapered.flare.readings[0]
    assert reading.baseline is not None
    assert reading.baseline.value == 30


@pytest.mark.parametrize(
    ("hook", "ordering"),
    [
        ("patient-view", False),
        ("encounter-discharge", False),
        ("medication-prescribe", True),
        ("order-select", True),
        ("order-sign", True),
    ],
)
def test_which_hooks_fire_while_orders_are_written(hook: str, ordering: bool) -> None:
    assert told(hook=hook).ordering is ordering


@pytest.mark.parametrize(
    ("ingredient", "related"),
    [
        *((name, True) for name in ("tacrolimus", "prednisone", "azathioprine", "clarithromycin", "fluconazole", "rifampin")),
        *((name, False) for name in ("paracetamol", "atorvastatin", None)),
    ],
)
def test_which_drafts_have_to_do_with_it(ingredient: str | None, related: bool) -> None:
    assert told(drafts=(draft(ingredient),)).related_draft is related
    assert told(drafts=(draft(drug(ingredient, systemic=False)),)).related_draft is False


def test_autoimmune_is_without_a_transplant() -> None:
    assert told().autoimmune
    assert not told(problems=(HEPATITIS, KIDNEY_TRANSPLANT)).autoimmune


@pytest.mark.parametrize(
    ("since", "hook", "drafts", "shown"),
    [
        (-365, "patient-view", (), True),
        (-366, "patient-view", (), False),
        (-30, "order-select", ("paracetamol",), True),
        (-31, "order-select", ("paracetamol",), False),
        (-365, "order-select", ("prednisone",), True),
        (-366, "order-select", ("prednisone",), False),
    ],
)
def test_when_a_past_stop_is_shown(since: int, hook: str, drafts: tuple[str, ...], shown: bool) -> None:
    found = told(use(start=-900, end=since), hook=hook, drafts=tuple(draft(name) for name in drafts))
    assert found.shows_past_stop() is shown


# --- evidence


def test_a_use_as_evidence_has_the_day_of_its_end_or_start() -> None:
    assert of_use(use(end=-9, reference="a")) == Evidence("a", known(-9).latest.isoformat())
    assert of_use(order(stopped_on=-9, reference="a")).date == known(-9).latest.isoformat()
    assert of_use(use(start=-100, reference="a")).date == known(-100).latest.isoformat()
    assert of_use(order(start=None, asserted=-50)).date == known(-50).latest.isoformat()
    assert of_use(use(start=None, asserted=None)).date == ""


def test_a_result_as_evidence_is_as_the_laboratory_gave_it() -> None:
    igg = lab("igg", 19, reported=Quantity(Decimal(1900), "mg/dL"), comparator=Comparator.GREATER, reference="o")
    assert of_lab(igg) == Evidence("o", "2026-02-27", ">1900", "mg/dL")
    assert of_lab(structs.replace(igg, reported=None)).value == ">19"
    assert of_lab(word("hbsag", "positive", -2, reference="o")) == Evidence("o", "2026-02-27", "positive")
    assert of_lab(word("hbsag", None, -2, reference="o")) == Evidence("o", "2026-02-27")


def test_a_condition_as_evidence_has_the_day_it_began_or_was_written() -> None:
    assert of_problem(problem("diabetes", onset=-5, recorded=-2)).date == "2026-02-24"
    assert of_problem(problem("diabetes", recorded=-2)).date == "2026-02-27"
    assert of_problem(problem("diabetes")).date == ""


def test_every_resource_is_named_once() -> None:
    tapered = doses((4, 200), (2, 14), (1, 14))
    found = told(
        *tapered,
        use("prednisone", 5, reference="steroid"),
        problems=(HEPATITIS, problem({"ascites", "liver_decompensation"}, onset=-3, reference="ascites")),
        markers=(lab("alt", 150, reference="alt"), lab("bilirubin", 99, reference="bilirubin"), lab("igg", 20, reference="igg"),
                 lab("alt", 160, -1, status=LabStatus.PRELIMINARY, reference="preliminary")),
    )  # fmt: skip
    named = [item.reference for item in account.evidence(found)]
    assert len(named) == len(set(named))
    assert set(named) == {
        *(medicine.reference for medicine in tapered[1:]),
        *(HEPATITIS.reference, "ascites", "alt", "bilirubin", "igg", "preliminary", "steroid"),
    }


def test_an_abrupt_stop_rests_on_its_last_doses() -> None:
    assert [item.reference for item in account.evidence(told(use(end=-9, reference="s")))][:1] == ["s"]
    overtaken = told(use(end=-9, reference="s"), order(mg=4, start=-300, asserted=-300, reference="o"))
    assert {item.reference for item in account.evidence(overtaken)} >= {"s", "o"}


def test_a_step_of_one_day_is_evidence_of_the_taper() -> None:
    steps = doses((4, 200), (3, 1), (2, 14))
    assert {item.reference for item in account.evidence(told(*steps))} >= {one.reference for one in steps[1:]}


def test_without_any_tacrolimus_the_evidence_is_what_else_there_is() -> None:
    assert [item.reference for item in account.evidence(told(markers=()))] == [HEPATITIS.reference]


# --- how it ended


@pytest.mark.parametrize(
    ("medicines", "key"),
    [
        ((use(end=-9),), "stopped-abruptly-at-maintenance"),
        (doses((4, 200), (2, 27)), "tapered-rapidly"),
        (doses((4, 200), (2, 28)), "tapered-completely"),
        ((use(end=-9, lines=()),), "stopped-taper-unknown"),
        (doses((4, 200), (None, 28)), "stopped-taper-unknown"),
    ],
)
def test_how_it_ended_is_told(medicines: tuple[Use, ...], key: str) -> None:
    assert keys(account.ending(told(*medicines))) == [key]


def test_the_ending_has_its_numbers() -> None:
    values = account.ending(told(*doses((4, 200), (2, 14), (1, 14), last=-9)))[0].values
    assert values == {"last": known(-9), "dose": 1, "baseline": 4, "days": 28}


@pytest.mark.parametrize(
    ("medicines", "kind"),
    [
        ((order(end=-80, status=UseStatus.COMPLETED),), ExposureClass.SUPPLY_GAP),
        ((order(end=-40), use(asserted=-10)), ExposureClass.CONFLICT),
        ((order(status=UseStatus.ON_HOLD, end=-9),), ExposureClass.HOLD),
        ((use(asserted=-20),), ExposureClass.ACTIVE),
    ],
)
def test_what_did_not_end_by_a_stop_is_not_told_as_one(medicines: tuple[Use, ...], kind: ExposureClass) -> None:
    found = told(*medicines)
    assert found.exposure.kind is kind
    assert account.ending(found) == ()


def test_the_recorded_reason_is_told() -> None:
    found = account.ending(told(use(end=-9, reason=Outside("moved away"))))
    assert [(one.key, one.values) for one in found[1:]] == [("stop-reason", {"reason": Outside("moved away")})]


# --- what covers it


def test_the_strongest_steroid_and_what_has_begun_are_told() -> None:
    found = told(use(end=-9), use("hydrocortisone", 20), use("prednisone", 40, -3), use("azathioprine", 50, -3))
    assert [(one.key, one.values) for one in account.cover(found)] == [
        ("steroid-running-dose", {"drug": Term("prednisone"), "dose": 40}),
        ("replacement-begun", {"drugs": (Term("azathioprine"),)}),
    ]


def test_a_steroid_of_unknown_dose_is_told_without_one() -> None:
    assert keys(account.cover(told(use("prednisone", lines=())))) == ["steroid-running"]


def test_nothing_covers_it() -> None:
    assert account.cover(told(use(end=-9))) == ()


def test_that_doses_of_the_tablet_are_on_another_scale_is_said() -> None:
    for formulation, said in (("extended-release-tablet", ["doses-on-scale"]), ("prolonged-release", [])):
        taken = use(drug(formulation=formulation), 3, end=-9)
        assert keys(account.ending(case(record(taken)))) == ["stopped-abruptly-at-maintenance", *said]


# --- markers


def test_a_marker_is_told_in_its_own_unit_beside_the_baseline() -> None:
    igg = lab("igg", 19, reported=Quantity(Decimal(1900), "mg/dL"))
    found = account.markers(case(flaring(also=(igg,))))
    assert keys(found) == ["marker-baseline", "marker-baseline"]
    assert found[1].values["value"] == Quantity(Decimal(1900), "mg/dL")
    assert found[1].values["baseline"] == Quantity(Decimal(1200), "mg/dL")
    assert found[0].values["times"] == Quantity(Decimal("3.75"), "1")


def test_numbers_that_nobody_writes_are_told_too() -> None:
    """Thirty digits after the point, or a limit a billion billion times below the value, stop nothing."""
    long = lab("alt", "150." + "1" * 30, reported=Quantity(Decimal("150." + "1" * 30), "U/L"), high="1E-12")
    huge = lab("ast", "6E+13", high="6E-14")
    found = account.markers(case(flaring(markers=(long, huge, lab("alt", "1" * 13, -60), lab("ast", 30, -60)))))
    assert keys(found) == ["marker-baseline", "marker-baseline"]


def test_a_result_in_words_is_told_as_new() -> None:
    (told,) = [account.marker(Reading(word("dsdna", "positive", -2), None, False, None, Tier.NONE))]
    assert (told.key, told.values["result"]) == ("marker-newly", Term("positive"))


def test_a_marker_without_a_baseline() -> None:
    assert keys(account.markers(case(flaring(markers=(lab("alt", 150),))))) == ["marker"]


def test_a_marker_up_to_its_upper_limit_is_not_raised() -> None:
    alt, ast = lab("alt", 41), lab("ast", 40)
    assert keys(account.markers(case(flaring(markers=(alt, ast))))) == ["marker", "marker-normal"]


# --- what is not known of the flare


def unknown(*results: object, **more: Any) -> list[str]:
    return keys(account.flare_unknown(case(flaring(markers=results, **more))))


COMPLETE = (lab("alt", 150), lab("ast", 30), lab("igg", 12), lab("alt", 30, -60), lab("ast", 30, -60), lab("igg", 12, -60))


def test_with_every_marker_nothing_is_unknown() -> None:
    assert unknown(*COMPLETE) == []


def test_no_marker_since_the_stop() -> None:
    assert unknown() == ["no-markers"]
    assert unknown(lab("alt", 150, -20)) == ["no-markers"]


def test_no_marker_while_it_is_taken_is_not_told_as_since_the_stop() -> None:
    taken = told(use(asserted=-20), markers=())
    assert keys(account.flare_unknown(taken)) == ["no-recent-markers"]


def test_markers_too_old_to_tell() -> None:
    old = case(record(use(start=-900, end=-300), markers=(lab("alt", 30, -120),)))
    found = account.flare_unknown(old)
    assert [(one.key, one.values) for one in found] == [("markers-old", {"analyte": Term("alt"), "days": 120})]


def test_a_marker_that_is_missing_beside_others() -> None:
    found = account.flare_unknown(case(flaring(markers=(lab("alt", 150), lab("alt", 30, -60)))))
    assert [(one.key, one.values) for one in found] == [("markers-missing", {"analytes": (Term("ast"), Term("igg"))})]


def test_a_marker_without_a_readable_unit() -> None:
    assert unknown(lab("alt", None)) == ["no-markers", "marker-unreadable"]


def test_a_preliminary_marker() -> None:
    assert unknown(*COMPLETE, lab("alt", 400, -1, status=LabStatus.PRELIMINARY)) == ["marker-preliminary"]


def test_an_assumed_range_and_an_older_baseline() -> None:
    results = (lab("alt", 150, high=0), lab("alt", 30, -250), lab("ast", 30), lab("igg", 12))
    assert unknown(*results) == ["range-assumed", "baseline-fallback"]


def test_an_inr_under_an_anticoagulant() -> None:
    assert keys(account.flare_unknown(case(flaring(use("warfarin", 5), markers=COMPLETE)))) == ["inr-ignored"]


def test_where_the_results_did_not_come_the_loss_is_told_instead() -> None:
    """What is missing is named once, as the list that is lost."""
    assert unknown(lost=lost("laboratory results", loss=Loss.NOT_SENT)) == []
    assert unknown(lab("alt", 150), lost=lost("laboratory results", loss=Loss.INCOMPLETE)) == []


# --- losses


@pytest.mark.parametrize(
    ("loss", "key"),
    [
        (Loss.NOT_SENT, "lost-not-sent"),
        (Loss.FAILED, "lost-failed"),
        (Loss.INCOMPLETE, "lost-incomplete"),
        (Loss.UNREADABLE, "lost-unreadable"),
    ],
)
def test_a_loss_is_told_by_its_kind(loss: Loss, key: str) -> None:
    found = account.lost([Lost("allergies", loss, 2)])
    assert [(one.key, one.values) for one in found] == [(key, {"what": "allergies", "count": 2})]


def test_a_supply_after_the_stop_is_evidence_of_the_gap() -> None:
    supply = dispense(-55, 30, reference="d")
    named = [item.reference for item in account.evidence(told(use(end=-60), supply))]
    assert named[0] == "d"
    assert TODAY - timedelta(days=55) == known(-55).earliest


def test_of_a_dose_ordered_again_every_day_the_first_and_the_last_orders_are_cited() -> None:
    days = range(-40, -10)
    daily = [order(start=day, end=day, status=UseStatus.COMPLETED, reference=f"o{day + 40}") for day in days]
    last = order(start=-10, end=-9, reference="last")
    named = [item.reference for item in account.evidence(told(*daily, last)) if item.reference[0] in "ol"]
    assert named == ["o0", "o1", "o29", "last"]


def test_of_many_results_that_cannot_be_judged_the_newest_of_each_test_is_named() -> None:
    many = [lab("alt", None, -on) for on in range(1, 8)]
    early = [lab("ast", 30 + on, -on, status=LabStatus.PRELIMINARY) for on in range(1, 8)]
    told = account.flare_unknown(case(flaring(markers=(*many, *early))))
    named = [(one.key, one.values["on"]) for one in told if one.key in {"marker-unreadable", "marker-preliminary"}]
    assert named == [("marker-unreadable", many[0].when), ("marker-preliminary", early[0].when)]


def test_a_bound_that_decides_nothing_is_not_called_normal() -> None:
    low, open_ended = (lab("alt", 20, high=40, comparator=sign) for sign in (Comparator.LESS, Comparator.GREATER))
    told = [account.marker(Reading(one, Decimal(40), False, None, Tier.NONE)) for one in (low, open_ended)]
    assert keys(told) == ["marker-normal", "marker"]
    assert told[1].values["times"] == Quantity(Decimal("0.50"), "1", Comparator.GREATER)
