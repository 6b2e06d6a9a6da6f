"""What each question answers: when it speaks, how urgently, what it rests on, and when it keeps silent.

Every answer of these tests also passes ``sound``: its sentences are in the catalogue and have a value for every slot.
"""

from collections.abc import Iterator
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from cds_service.cards import sentences
from cds_service.evaluate import evaluate
from cds_service.knowledge.finding import CannotTell, Finding, Indicator, Sentence, Term
from cds_service.knowledge.judgements.flare import Tier
from cds_service.knowledge.judgements.usage import STOPPED, ExposureClass
from cds_service.knowledge.questions import verify_tacrolimus_status
from cds_service.patient.facts import Lab, LabStatus, Loss, Lost, Outside, Person, Problem, Record, Sex, Use, UseStatus
from tests.builders import (
    HEALTHY,
    HEPATITIS,
    KIDNEY_TRANSPLANT,
    LUPUS,
    case,
    dispense,
    doses,
    draft,
    drug,
    flaring,
    given,
    lab,
    lost,
    month,
    order,
    parameters,
    person,
    problem,
    record,
    use,
    word,
)

IN_FORCE = parameters()
CRITICAL, WARNING, INFO = Indicator.CRITICAL, Indicator.WARNING, Indicator.INFO
ABRUPT, RAPID, REBOUND = "abrupt-stop", "rapid-taper", "rebound"
ORDERED, TRANSPLANT, VERIFY = "abrupt-stop-ordered", "transplant-recipient", "verify-tacrolimus-status"
QUIET = (*HEALTHY, lab("alt", 30), lab("ast", 28), lab("igg", 12))
ORDER = "MedicationRequest/tac"
RUNNING = order(reference=ORDER, asserted=-20)
STOP = draft(reference=ORDER, status=UseStatus.STOPPED, start=-300)
HOLD = draft(reference=ORDER, status=UseStatus.ON_HOLD, start=-300)
PARACETAMOL = draft("paracetamol", 1500)

Answers = dict[str, Finding | CannotTell]


def said(answer: Finding | CannotTell) -> Iterator[Sentence]:
    """Every sentence of an answer, those of its orders included."""
    if isinstance(answer, CannotTell):
        yield from answer.missing
        return
    yield answer.summary
    for part in (answer.happened, answer.meaning, answer.advice, answer.unknown):
        yield from part
    for offer in answer.offers:
        yield offer.label
        yield from (one.remark for one in offer.drugs)


def sound(answer: Finding | CannotTell) -> None:
    """Every sentence can be worded; no resource is named twice; only a rebound offers a medicine."""
    catalogue = sentences.catalogue()
    for sentence in said(answer):
        assert sentence.key in catalogue
        assert set(catalogue[sentence.key].slots) <= set(sentence.values), sentence.key
        assert sentences.render(sentence, markdown=True)
    named = [item.reference for item in answer.evidence]
    assert len(named) == len(set(named))
    if isinstance(answer, Finding) and answer.question != REBOUND:
        assert all(not offer.drugs for offer in answer.offers)


def answered(told: Record, **site: Any) -> Answers:
    """What the questions answer, each checked to be sound."""
    found = evaluate(told, parameters(**site) if site else IN_FORCE)
    for answer in found:
        sound(answer)
    return {answer.question: answer for answer in found}


def shown(told: Record, **site: Any) -> dict[str, Indicator]:
    """The findings by question, with how urgent they are."""
    return {name: answer.indicator for name, answer in answered(told, **site).items() if isinstance(answer, Finding)}


def finding(told: Record, question: str, **site: Any) -> Finding:
    answer = answered(told, **site)[question]
    assert isinstance(answer, Finding)
    return answer


def keys(part: tuple[Sentence, ...]) -> list[str]:
    return [sentence.key for sentence in part]


# --- a past abrupt stop


def stopped(end: int = -9, *medicines: Use, start: int = -900, **more: Any) -> Record:
    """4 mg a day stopped, the markers quiet."""
    return record(use(start=start, end=end), *medicines, **{"markers": QUIET, **more})


def test_an_abrupt_stop_without_a_flare() -> None:
    found = finding(stopped(), ABRUPT)
    assert (found.indicator, found.exposure_class) == (WARNING, "abrupt-stop")
    assert (found.summary.key, found.summary.values) == (
        "abrupt-stop-quiet",
        {"days": 9, "diseases": (Term("autoimmune_hepatitis"),)},
    )
    assert keys(found.happened) == ["stopped-abruptly", *["marker-baseline"] * 3]
    assert keys(found.advice) == ["plan-question", "no-treatment-without-flare"]
    assert [offer.order_set for offer in found.offers] == ["laboratory"]
    assert shown(stopped()) == {ABRUPT: WARNING}


def test_a_stop_whose_flare_nobody_can_judge_does_not_say_that_none_was_seen() -> None:
    found = finding(stopped(markers=HEALTHY), ABRUPT)
    assert (found.summary.key, keys(found.unknown)) == ("abrupt-stop-not-judged", ["no-markers"])


def test_in_another_disease_the_flare_is_not_judged() -> None:
    found = finding(stopped(problems=(LUPUS,)), ABRUPT)
    assert (found.summary.key, keys(found.unknown)) == ("abrupt-stop-not-judged", ["flare-not-judged"])
    assert keys(found.happened) == ["stopped-abruptly"]
    assert "c-reactive-protein" in {one.test for one in found.offers[0].labs}


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
    [use("prednisone", 30, -3), use("mycophenolate mofetil", 1000, -3), use(asserted=-2, start=-3, reference="again")],
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


# --- an ordered stop


def ordered(*medicines: Use, drafts: tuple[Use, ...] = (STOP,), **more: Any) -> Record:
    """Tacrolimus runs, and an order in the request stops it."""
    told: dict[str, Any] = {"hook": "order-sign", "markers": QUIET, **more}
    return record(*(medicines or (RUNNING,)), drafts=drafts, **told)


def test_an_ordered_stop() -> None:
    found = finding(ordered(), ORDERED)
    assert (found.indicator, found.exposure_class) == (WARNING, "abrupt-stop")
    assert keys(found.happened)[:2] == ["ordered-to-stop", "ordered-dose"]
    assert found.happened[1].values == {"dose": 4, "baseline": 4, "days": 180}
    assert keys(found.advice) == ["taper-instead", "hold-is-different"]
    assert [offer.order_set for offer in found.offers] == ["laboratory"]
    assert found.evidence[0].reference == ORDER
    assert shown(ordered()) == {ORDERED: WARNING}


@pytest.mark.parametrize("hook", ["medication-prescribe", "order-select", "order-sign", "encounter-discharge", "patient-view"])
def test_it_speaks_in_every_hook_whose_orders_express_a_stop(hook: str) -> None:
    assert shown(ordered(hook=hook)) == {ORDERED: WARNING}


def test_an_order_not_to_give_is_told_as_such() -> None:
    forbidden = draft(forbids=True, reference="MedicationRequest/no")
    assert keys(finding(ordered(drafts=(forbidden,)), ORDERED).happened)[0] == "ordered-not-to-give"


@pytest.mark.parametrize(("alt", "indicator"), [(120, WARNING), (121, CRITICAL)])
def test_while_the_disease_is_active_an_ordered_stop_is_critical(alt: int, indicator: Indicator) -> None:
    found = finding(ordered(markers=(*QUIET, lab("alt", alt, -1))), ORDERED)
    assert found.indicator is indicator
    assert ("disease-active" in keys(found.meaning)) is (indicator is CRITICAL)


def test_in_another_disease_it_is_a_warning() -> None:
    found = finding(ordered(problems=(LUPUS,), markers=(*QUIET, lab("alt", 400, -1))), ORDERED)
    assert (found.indicator, found.unknown) == (WARNING, ())


@pytest.mark.parametrize(("start", "indicator"), [(-27, WARNING), (-26, INFO)])
def test_after_a_short_use_an_ordered_stop_is_information(start: int, indicator: Indicator) -> None:
    assert shown(ordered(order(start=start, reference=ORDER))) == {ORDERED: indicator}


def test_an_ordered_stop_at_the_low_end_of_a_slow_taper_is_information() -> None:
    slow = doses((3, 200), ("2.5", 90), (2, 90), ("1.5", 90), (1, 90), last=-200)
    told = ordered(*slow, order(mg="0.5", start=-199, reference=ORDER, asserted=-20))
    assert shown(told) == {ORDERED: INFO}


def test_an_ordered_stop_of_unknown_doses_is_a_warning_that_says_so() -> None:
    found = finding(ordered(order(reference=ORDER, lines=(), asserted=-20)), ORDERED)
    assert (found.indicator, found.exposure_class) == (WARNING, "taper-unknown")
    assert keys(found.happened)[1] == "ordered-dose-unknown"


def test_an_ordered_stop_of_which_no_day_of_use_is_known() -> None:
    found = finding(ordered(use(start=None, asserted=-20)), ORDERED)
    assert (found.indicator, found.exposure_class) == (INFO, "taper-unknown")


def test_an_order_that_ends_a_taper_too_fast() -> None:
    told = ordered(*doses((4, 200), last=-20), order(mg=2, start=-19, reference=ORDER))
    found = finding(told, RAPID)
    assert (found.indicator, found.summary.key, found.exposure_class) == (WARNING, "rapid-taper-ordered", "rapid-taper")
    assert shown(told) == {RAPID: WARNING}


def test_an_order_that_ends_a_complete_taper_is_silent() -> None:
    assert shown(ordered(*doses((4, 200), last=-30), order(mg=2, start=-29, reference=ORDER))) == {}


def test_an_ordered_stop_without_the_conditions_cannot_be_told() -> None:
    answer = answered(ordered(problems=None, lost=lost("conditions", loss=Loss.FAILED)))[ORDERED]
    assert isinstance(answer, CannotTell)
    assert answer.evidence[0].reference == ORDER


def test_an_ordered_stop_without_an_indication_is_to_verify() -> None:
    found = finding(ordered(problems=()), VERIFY)
    assert (found.indicator, found.exposure_class) == (INFO, "no-indication")
    assert keys(found.unknown) == ["no-indication-coded"]
    assert found.evidence[0].reference == ORDER
    assert shown(ordered(problems=())) == {VERIFY: INFO}


# --- a flare after the stop


def test_a_relapse_after_an_abrupt_stop() -> None:
    found = finding(flaring(), REBOUND)
    assert (found.indicator, found.exposure_class) == (CRITICAL, "abrupt-stop")
    assert found.summary.key == "rebound-summary-relapse"
    assert keys(found.happened) == ["rebound-lead", "stopped-abruptly", "marker-baseline"]
    assert keys(found.meaning) == ["relapse-met", "exclude-first"]
    assert keys(found.advice)[0] == "regimen-borrowed"
    assert keys(found.advice)[-2:] == ["response-documented", "stop-reason-unknown"]
    assert [offer.order_set for offer in found.offers][:1] == ["steroid-alone"]
    assert shown(flaring()) == {REBOUND: CRITICAL}


@pytest.mark.parametrize(
    ("alt", "indicator", "key"),
    [(40, None, ""), (41, WARNING, "possible"), (120, WARNING, "possible"), (121, CRITICAL, "relapse")],
)
def test_the_tier_decides_how_urgent_it_is(alt: int, indicator: Indicator | None, key: str) -> None:
    told = flaring(alt=alt)
    assert shown(told).get(REBOUND) is indicator
    if indicator:
        assert finding(told, REBOUND).summary.key == f"rebound-summary-{key}"


def test_the_marker_furthest_out_leads() -> None:
    found = finding(flaring(also=(lab("ast", 200), lab("igg", 64))), REBOUND)
    assert found.summary.values["analyte"] == Term("ast")


def test_a_possible_flare_says_that_it_does_not_meet_the_definition() -> None:
    assert keys(finding(flaring(alt=85), REBOUND).meaning)[0] == "relapse-not-met"


def test_a_severe_flare_of_mild_markers_does_not_claim_the_definition() -> None:
    found = finding(flaring(alt=60, also=(lab("bilirubin", 50),)), REBOUND)
    assert (found.indicator, found.summary.key, keys(found.meaning)[0]) == (CRITICAL, "rebound-summary-severe", "relapse-not-met")


@pytest.mark.parametrize(
    ("results", "signs", "expected"),
    [
        ((lab("bilirubin", 50),), (), ["severity-marker", "prednisolone-preferred"]),
        ((lab("bilirubin", 50), lab("inr", 1)), (), ["severity-acute", "severity-marker", "prednisolone-preferred"]),
        (
            (lab("bilirubin", 50), lab("inr", 2)),
            (),
            ["severity-acute-severe", *["severity-marker"] * 2, "contact-transplant-centre", "prednisolone-preferred"],
        ),
        (
            (lab("bilirubin", 50), lab("inr", 2)),
            ("hepatic_encephalopathy", "liver_decompensation"),
            [
                *("severity-liver-failure", "severity-marker", "severity-marker", "severity-sign"),
                *("contact-transplant-centre", "prednisolone-preferred"),
            ],
        ),
        ((), ("ascites", "liver_decompensation"), ["severity-sign", "prednisolone-preferred"]),
    ],
    ids=["bilirubin", "acute", "acute severe", "liver failure", "ascites"],
)
def test_the_severity_is_named(results: tuple[Lab, ...], signs: tuple[str, ...], expected: list[str]) -> None:
    problems = (HEPATITIS, *((problem(signs, onset=-3),) if signs else ()))
    found = finding(flaring(also=results, problems=problems), REBOUND)
    told = [key for key in keys(found.happened) if key.startswith(("severity", "contact", "prednisolone"))]
    assert told == expected


@pytest.mark.parametrize(
    ("medicine", "key"),
    [(use("prednisone", 30, -3), "steroid-running-dose"), (use("mycophenolate mofetil", 1000, -3), "replacement-begun")],
)
def test_a_flare_that_is_being_treated_is_a_warning_without_orders(medicine: Use, key: str) -> None:
    found = finding(flaring(medicine), REBOUND)
    assert found.indicator is WARNING
    assert key in keys(found.happened)
    assert keys(found.advice) == ["already-treated"]
    assert [offer.order_set for offer in found.offers] == ["laboratory"]


def test_a_drafted_treatment_lowers_it_too() -> None:
    assert shown(flaring(hook="order-select", drafts=(draft("prednisone", 60),))) == {REBOUND: WARNING}
    assert shown(flaring(hook="order-select", drafts=(draft(),)))[REBOUND] is WARNING


def test_a_low_steroid_does_not_treat_it() -> None:
    assert shown(flaring(use("prednisone", 29, -3)))[REBOUND] is CRITICAL


def test_a_flare_after_doses_that_are_not_known_is_a_warning() -> None:
    told = record(use(end=-9, lines=()), markers=(*HEALTHY, lab("alt", 150)))
    assert shown(told) == {REBOUND: WARNING}


def test_a_flare_after_a_short_use_is_information() -> None:
    found = finding(record(use(start=-35, end=-9), markers=(*HEALTHY, lab("alt", 150))), REBOUND)
    assert (found.indicator, keys(found.meaning)[-1]) == (INFO, "cap-short-use")


def test_a_flare_after_a_complete_taper_is_critical_too() -> None:
    told = record(*doses((4, 200), (2, 28), last=-9), markers=(*HEALTHY, lab("alt", 150)))
    assert shown(told) == {REBOUND: CRITICAL}


@pytest.mark.parametrize(("end", "alt", "indicator"), [(-365, 150, CRITICAL), (-366, 150, INFO), (-366, 85, None)])
def test_a_flare_long_after_the_stop_is_information_if_at_all(end: int, alt: int, indicator: Indicator | None) -> None:
    told = record(use(start=-900, end=end), markers=(*HEALTHY, lab("alt", alt)))
    assert shown(told).get(REBOUND) is indicator
    if indicator is INFO:
        found = finding(told, REBOUND)
        assert keys(found.advice) == ["remote-stop"]
        assert [offer.order_set for offer in found.offers] == ["laboratory"]


def test_a_flare_long_after_the_stop_that_is_treated_is_silent() -> None:
    assert shown(record(use(start=-900, end=-400), use("prednisone", 60, -3), markers=(*HEALTHY, lab("alt", 150)))) == {}


@pytest.mark.parametrize(
    "told",
    [
        flaring(problems=(LUPUS,)),
        flaring(problems=()),
        flaring(problems=(HEPATITIS, KIDNEY_TRANSPLANT)),
        record(use(asserted=-20), markers=(*HEALTHY, lab("alt", 150))),
        record(use(end=-9, reasons=frozenset({"infection"})), markers=(*HEALTHY, lab("alt", 150))),
        record(order(end=-80, status=UseStatus.COMPLETED), markers=(*HEALTHY, lab("alt", 150))),
        flaring(alt=None, also=(lab("alt", 150, -2, status=LabStatus.PRELIMINARY),)),
        flaring(person=Person("p", deceased=True)),
    ],
    ids=["lupus", "no indication", "transplant", "still taken", "hold", "supply gap", "preliminary", "deceased"],
)
def test_elsewhere_no_rebound(told: Record) -> None:
    assert REBOUND not in answered(told)


def test_a_child_gets_the_urgency_and_no_dose() -> None:
    found = finding(flaring(person=person(14), alt=200), REBOUND)
    assert (found.indicator, keys(found.advice)) == (CRITICAL, ["withheld-child"])
    assert [(offer.order_set, offer.drugs) for offer in found.offers] == [("referral", ()), ("laboratory", ())]


def test_a_child_already_treated_gets_no_word_on_doses() -> None:
    assert finding(flaring(use("prednisone", 40, -3), person=person(14)), REBOUND).advice == ()


def test_a_recorded_reason_answers_why_it_was_stopped() -> None:
    told = record(use(end=-9, reason=Outside("moved away")), markers=(*HEALTHY, lab("alt", 150)))
    assert "stop-reason-unknown" not in keys(finding(told, REBOUND).advice)


def test_an_unknown_response_to_tacrolimus_is_said() -> None:
    assert "response-not-documented" in keys(finding(flaring(markers=(lab("alt", 150),)), REBOUND).advice)
    never_quiet = (lab("alt", 150), lab("alt", 90, -60))
    assert "response-not-documented" in keys(finding(flaring(markers=never_quiet), REBOUND).advice)


def test_results_that_withhold_something_are_evidence_and_their_conflict_is_named() -> None:
    low = lab("platelets", 60, reference="Observation/platelets")
    found = finding(flaring(also=(low,)), REBOUND)
    assert "Observation/platelets" in {item.reference for item in found.evidence}
    assert "X27" in found.conflicts
    assert "X27" not in finding(flaring(), REBOUND).conflicts


# --- transplant recipients


def test_a_stop_ordered_in_a_transplant_recipient_is_critical() -> None:
    found = finding(ordered(problems=(KIDNEY_TRANSPLANT,)), TRANSPLANT)
    assert (found.indicator, found.exposure_class, found.summary.key) == (CRITICAL, "transplant", "transplant-summary-ordered")
    assert keys(found.happened) == ["transplant-recorded"]
    assert (found.offers, found.unknown, keys(found.meaning)) == ((), (), ["transplant-meaning"])
    assert found.evidence[0].reference == ORDER
    assert shown(ordered(problems=(KIDNEY_TRANSPLANT,))) == {TRANSPLANT: CRITICAL}


def test_a_past_stop_in_a_transplant_recipient_is_a_warning() -> None:
    found = finding(stopped(problems=(KIDNEY_TRANSPLANT,)), TRANSPLANT)
    assert (found.indicator, found.summary.key) == (WARNING, "transplant-summary-past")
    assert keys(found.happened) == ["transplant-recorded", "stopped-abruptly"]
    assert shown(stopped(problems=(KIDNEY_TRANSPLANT,))) == {TRANSPLANT: WARNING}


def test_an_autoimmune_disease_beside_it_may_recur() -> None:
    told = ordered(problems=(KIDNEY_TRANSPLANT, LUPUS))
    assert "recurrent-disease" in keys(finding(told, TRANSPLANT).meaning)
    assert list(shown(told)) == [TRANSPLANT]


def test_an_organ_that_is_not_stated_is_to_verify() -> None:
    unspecified = problem("transplant_unspecified", "transplant_unspecified")
    assert keys(finding(ordered(problems=(unspecified,)), TRANSPLANT).unknown) == ["organ-not-stated"]


def test_a_transplant_that_only_the_order_names() -> None:
    named = order(reference=ORDER, asserted=-20, indications=frozenset({"transplant_status"}))
    found = finding(ordered(named, problems=(HEPATITIS,)), TRANSPLANT)
    assert keys(found.happened) == []
    assert keys(found.meaning) == ["transplant-meaning", "recurrent-disease"]


@pytest.mark.parametrize("ingredient", ["cyclosporine", "sirolimus", "everolimus", "belatacept"])
def test_another_drug_that_has_taken_over_silences_it(ingredient: str) -> None:
    assert shown(stopped(-9, use(ingredient, 2, -5), problems=(KIDNEY_TRANSPLANT,))) == {}
    drafted = ordered(drafts=(STOP, draft(ingredient, 2, reference="MedicationRequest/other")), problems=(KIDNEY_TRANSPLANT,))
    assert TRANSPLANT not in shown(drafted)


def test_mycophenolate_alone_does_not_take_over() -> None:
    assert TRANSPLANT in shown(stopped(-9, use("mycophenolate mofetil", 1000, -5), problems=(KIDNEY_TRANSPLANT,)))


@pytest.mark.parametrize(
    "medicines",
    [
        (order(reference=ORDER, asserted=-100), dispense(-90, 30)),
        (order(reference=ORDER, asserted=-100), use(start=None, asserted=-10, status=UseStatus.NOT_TAKEN)),
        (order(reference=ORDER, start=-500, asserted=-400),),
    ],
    ids=["supply gap", "conflict", "stale"],
)
def test_a_stop_of_a_doubtful_use_in_a_recipient_is_answered(medicines: tuple[Use, ...]) -> None:
    assert shown(ordered(*medicines, problems=(KIDNEY_TRANSPLANT,)))[TRANSPLANT] is CRITICAL


def test_a_past_stop_of_unknown_doses_in_a_recipient_is_told_once() -> None:
    told = record(use(end=-9, lines=()), problems=(KIDNEY_TRANSPLANT,), markers=QUIET)
    assert shown(told) == {TRANSPLANT: WARNING}


def test_a_hold_ordered_in_a_recipient_is_told_once() -> None:
    assert shown(ordered(drafts=(HOLD,), problems=(KIDNEY_TRANSPLANT,))) == {TRANSPLANT: CRITICAL}


@pytest.mark.parametrize("medicines", [(use(asserted=-20),), (use(start=-900, end=-366),)], ids=["taken", "long ago"])
def test_elsewhere_a_recipient_needs_no_card(medicines: tuple[Use, ...]) -> None:
    assert shown(record(*medicines, problems=(KIDNEY_TRANSPLANT,))) == {}


# --- to verify

GAP = (order(end=-80, status=UseStatus.COMPLETED), dispense(-90, 30))
STALE = (use(start=-500, asserted=-400),)
CONFLICT = (order(end=-40), use(asserted=-10))
UNDATED = (order(status=UseStatus.STOPPED),)
HELD = (order(status=UseStatus.ON_HOLD, reason=Outside("rash")),)
DOUBTS: list[tuple[tuple[Use, ...], str, list[str]]] = [
    (GAP, "supply-gap", ["supply-ended"]),
    (STALE, "stale", ["record-stale"]),
    ((use(start=None, asserted=None),), "stale", []),
    (CONFLICT, "conflict", ["doubt-still-active"]),
    (UNDATED, "unknown", ["doubt-stop-date"]),
    ((use(status=UseStatus.UNKNOWN),), "unknown", ["doubt-status-unknown"]),
    ((use(drug(systemic=None), end=-9),), "unknown", ["doubt-route-unknown"]),
    ((order(end=month(2026, 2), status=UseStatus.COMPLETED),), "unknown", ["doubt-date-imprecise"]),
    ((order(asserted=-100), use(start=None, asserted=-10, status=UseStatus.NOT_TAKEN)), "conflict", ["doubt-not-taken"]),
    (HELD, "hold", ["on-hold", "stop-reason"]),
    ((order(status=UseStatus.ON_HOLD),), "hold", ["on-hold"]),
    ((use(end=-9, lines=()),), "taper-unknown", ["stopped-taper-unknown"]),
]


@pytest.mark.parametrize(("medicines", "kind", "happened"), DOUBTS)
def test_what_the_record_does_not_settle_is_to_verify(medicines: tuple[Use, ...], kind: str, happened: list[str]) -> None:
    found = finding(record(*medicines, markers=QUIET), VERIFY)
    assert (found.indicator, found.exposure_class, found.summary.key) == (INFO, kind, f"verify-summary-{kind}")
    assert (keys(found.happened), found.offers) == (happened, ())
    assert shown(record(*medicines, markers=QUIET)) == {VERIFY: INFO}


def test_the_newest_sign_of_use_stands_in_for_the_day_of_the_stop() -> None:
    found = finding(record(order(status=UseStatus.STOPPED), dispense(-57, 30)), VERIFY)
    assert keys(found.unknown) == ["newest-evidence"]
    undated = order(start=None, asserted=None, status=UseStatus.STOPPED)
    assert finding(record(undated), VERIFY).unknown == ()


@pytest.mark.parametrize("medicines", [one[0] for one in DOUBTS])
def test_without_an_indication_a_doubt_is_silent(medicines: tuple[Use, ...]) -> None:
    assert VERIFY not in shown(record(*medicines, problems=()))


@pytest.mark.parametrize(
    ("medicines", "draft_of", "speaks"),
    [(GAP, "paracetamol", False), (GAP, "prednisone", True), (GAP, "tacrolimus", False), (STALE, "prednisone", False)],
)
def test_among_orders_a_doubt_speaks_beside_a_related_draft_only(medicines: tuple[Use, ...], draft_of: str, speaks: bool) -> None:
    told = record(*medicines, hook="order-select", drafts=(draft(draft_of, 60),))
    assert (VERIFY in shown(told)) is speaks


@pytest.mark.parametrize(("end", "speaks"), [(-365, True), (-366, False)])
def test_a_doubt_of_more_than_a_year_ago_is_silent(end: int, speaks: bool) -> None:
    told = record(order(start=-900, end=end, status=UseStatus.COMPLETED))
    assert (VERIFY in shown(told)) is speaks


def test_a_flare_after_unknown_doses_is_not_told_twice() -> None:
    told = record(use(end=-9, lines=()), markers=(*HEALTHY, lab("alt", 150)))
    assert VERIFY not in shown(told)


def test_an_ordered_hold_is_to_verify_and_not_warned_of_as_a_stop() -> None:
    found = finding(ordered(drafts=(HOLD,)), VERIFY)
    assert (found.exposure_class, keys(found.happened)) == ("hold", ["hold-ordered"])
    assert shown(ordered(drafts=(HOLD,))) == {VERIFY: INFO}


def test_a_hold_ordered_without_an_indication_is_to_verify_too() -> None:
    assert keys(finding(ordered(drafts=(HOLD,), problems=()), VERIFY).advice) == ["verify-indication"]


def test_a_hold_ordered_without_the_conditions_says_both() -> None:
    told = ordered(drafts=(HOLD,), problems=None, lost=lost("conditions", loss=Loss.NOT_SENT))
    assert keys(finding(told, VERIFY).unknown) == ["indication-not-known", "lost-not-sent"]


# --- what did not come


def missing(told: Record) -> list[str]:
    answer = answered(told).get(VERIFY)
    return [] if answer is None else keys(answer.missing if isinstance(answer, CannotTell) else answer.unknown)


@pytest.mark.parametrize("what", ["medication statements", "medication orders", "dispenses", "administrations"])
def test_a_lost_list_of_medicines_always_counts(what: str) -> None:
    assert missing(record(lost=lost(what, loss=Loss.FAILED))) == ["lost-failed"]


@pytest.mark.parametrize("what", ["conditions", "laboratory results", "allergies", "screening results", "procedures"])
def test_another_list_counts_only_where_tacrolimus_is_involved(what: str) -> None:
    told = lost(what, loss=Loss.INCOMPLETE)
    assert missing(record(lost=told)) == []
    assert missing(record(use("prednisone", 5), use(drug(systemic=False)), lost=told)) == []
    assert missing(record(use(asserted=-20), lost=told)) == ["lost-incomplete"]
    assert missing(record(hook="order-select", drafts=(draft(),), lost=told)) == ["lost-incomplete"]
    assert missing(record(hook="order-select", drafts=(draft(drug(systemic=False)),), lost=told)) == []


def test_a_loss_is_named_where_the_question_speaks_anyway() -> None:
    assert missing(record(*UNDATED, lost=lost("dispenses", loss=Loss.NOT_SENT))) == ["lost-not-sent", "newest-evidence"]


def test_nothing_is_asked_about_the_dead() -> None:
    told = flaring(person=Person("p", deceased=True), lost=lost("medication orders", loss=Loss.FAILED))
    assert answered(told) == {}


def test_an_empty_record_is_silent() -> None:
    assert answered(record(problems=(), markers=(), screening=())) == {}


# --- all together


def test_every_class_that_can_be_in_doubt_has_its_summary() -> None:
    catalogue = sentences.catalogue()
    assert all(f"verify-summary-{kind.value}" in catalogue for kind in verify_tacrolimus_status.SPEAKING)
    assert all(f"rebound-summary-{tier.name.lower()}" in catalogue for tier in Tier if tier)
    assert all(f"severity-{state}" in catalogue for state in ("acute", "acute-severe", "liver-failure"))
    assert all(f"lost-{loss.name.lower().replace('_', '-')}" in catalogue for loss in Loss)


USES = st.sampled_from(
    [
        *(use(end=end) for end in (-2, -9, -60, -200, -500)),
        *(use(mg=mg, start=-900, end=-40) for mg in (None, 2, 40)),
        *(order(status=status) for status in UseStatus),
        *(order(status=status, end=-20, stopped_on=month(2026, 1)) for status in UseStatus),
        *(dispense(on, 30) for on in (-200, -90, -20)),
        *(given(-5), given(-50), use(drug(systemic=None), end=-9), use(drug(systemic=False)), order(forbids=True)),
        *(use(end=month(2025, 12)), use(start=None, asserted=None), order(reference=ORDER, asserted=-20)),
        *(use(name, 40, -3) for name in ("prednisone", "azathioprine", "allopurinol", "warfarin", "cyclosporine")),
        use(end=-9, reasons=frozenset({"toxicity"}), reason=Outside("rash")),
    ]
)
DRAFTS = st.sampled_from(
    [STOP, HOLD, PARACETAMOL, draft(), draft("prednisone", 60), draft(forbids=True), draft(reference=ORDER, end=0)]
)
LABS = st.builds(
    lab,
    st.sampled_from(["alt", "ast", "igg", "bilirubin", "inr", "weight", "egfr", "potassium", "creatinine", "tacrolimus"]),
    st.one_of(st.none(), st.integers(1, 400)),
    st.integers(-400, 2),
    status=st.sampled_from(LabStatus),
)
PROBLEMS = st.sampled_from(
    [
        *(HEPATITIS, HEPATITIS, LUPUS, KIDNEY_TRANSPLANT, problem("sepsis_active_infection")),
        *(problem({"ascites", "liver_decompensation"}, onset=-3), problem("pregnancy_status", "pregnancy")),
    ]
)
LOSSES = st.builds(Lost, st.sampled_from(["conditions", "laboratory results", "medication orders"]), st.sampled_from(Loss))
HOOKS = st.sampled_from(["patient-view", "order-select", "order-sign", "encounter-discharge"])


@settings(deadline=None, max_examples=150)
@drawn(
    st.lists(USES, max_size=4),
    st.lists(DRAFTS, max_size=2),
    st.lists(LABS, max_size=6),
    st.lists(PROBLEMS, max_size=3),
    st.lists(LOSSES, max_size=2),
    HOOKS,
    st.sampled_from([None, 10, 45]),
)
def test_whatever_the_record_holds_the_answers_are_sound(
    medicines: list[Use],
    drafts: list[Use],
    results: list[Lab],
    problems: list[Problem],
    losses: list[Lost],
    hook: str,
    years: int | None,
) -> None:
    told = record(
        *medicines,
        drafts=tuple(drafts),
        markers=tuple(results),
        problems=tuple(problems),
        lost=tuple(losses),
        hook=hook,
        person=person(years, Sex.FEMALE),
        screening=(word("hbsag", "negative"),),
    )
    found = answered(told)
    at = case(told)
    critical = [name for name, answer in found.items() if isinstance(answer, Finding) and answer.indicator is CRITICAL]
    if REBOUND in critical:
        assert at.flare.relapse
        assert at.exposure.kind in STOPPED - {ExposureClass.TAPER_UNKNOWN}
    rebound = found.get(REBOUND)
    if isinstance(rebound, Finding):
        assert at.autoimmune
        assert years == 45 or not any(offer.drugs for offer in rebound.offers)
    if at.indication.kind.value == "transplant":
        assert set(found) <= {TRANSPLANT, VERIFY}
    assert not {ABRUPT, REBOUND} <= set(found)


def verdicts(told: Record) -> dict[str, object]:
    """What must not depend on the order of the record: everything but the order of the evidence."""
    return {
        name: (answer.indicator, answer.exposure_class, answer.summary, answer.happened, answer.advice, answer.offers)
        if isinstance(answer, Finding)
        else answer.missing
        for name, answer in answered(told).items()
    }


@settings(deadline=None, max_examples=80)
@drawn(st.lists(USES, max_size=5), st.lists(LABS, max_size=6), st.randoms(use_true_random=False), HOOKS)
def test_neither_order_nor_repetition_of_the_entries_changes_an_answer(
    medicines: list[Use], results: list[Lab], chance: Random, hook: str
) -> None:
    told = record(*medicines, markers=tuple(results), hook=hook, drafts=(draft("prednisone", 10),))
    mixed, again = [*medicines, *medicines[:2]], [*results, *results[:2]]
    chance.shuffle(mixed)
    chance.shuffle(again)
    assert verdicts(record(*mixed, markers=tuple(again), hook=hook, drafts=told.drafts)) == verdicts(told)
