"""When a stop counts as a possible hold: signs, around its day, of a reason that requires it."""

from typing import Any

import pytest
from msgspec import structs

from cds_service.knowledge.finding import Term
from cds_service.knowledge.judgements import holding, kidney
from cds_service.knowledge.judgements.holding import HoldSign
from cds_service.knowledge.judgements.usage import ExposureClass
from cds_service.patient.facts import Comparator, Lab, LabStatus, Problem, Record, Use, UseStatus
from cds_service.patient.when import When
from tests.builders import (
    HEALTHY,
    HEPATITIS,
    KIDNEY_TRANSPLANT,
    case,
    day,
    dispense,
    doses,
    draft,
    drug,
    given,
    known,
    lab,
    order,
    parameters,
    problem,
    record,
    use,
)

IN_FORCE = parameters()
STOP = -9
NORMAL = (lab("creatinine", 80, -100), lab("creatinine", 80, -60))
TMA = problem("TMA", "tacrolimus_toxicity", onset=-900)


def stopped(*medicines: Use, also: tuple[Lab, ...] = (), problems: tuple[Problem, ...] = (), **more: Any) -> Record:
    """Tacrolimus stopped nine days ago without a reason, creatinine 80 umol/L before."""
    return record(use(end=STOP), *medicines, markers=(*HEALTHY, *NORMAL, *also), problems=(HEPATITIS, *problems), **more)


def signs(told: Record, stop: int | When = STOP) -> list[str]:
    return [sign.sentence.key for sign in holding.signs(told, known(stop), IN_FORCE)]


def test_a_stop_among_normal_results_has_no_sign() -> None:
    assert signs(stopped()) == []


# --- results


@pytest.mark.parametrize(
    ("analyte", "value", "on", "key"),
    [
        ("tacrolimus", "20.1", -9, "hold-sign-level"),
        ("tacrolimus", "20", -9, None),
        ("potassium", 6, -9, "hold-sign-potassium"),
        ("potassium", "5.9", -9, None),
        ("creatinine", 120, -9, "hold-sign-creatinine"),
        ("creatinine", 119, -9, None),
        ("potassium", 6, -16, "hold-sign-potassium"),
        ("potassium", 6, -17, None),
        ("potassium", 6, -8, "hold-sign-potassium"),
        ("potassium", 6, -7, None),
    ],
)
def test_a_result_of_the_week_before_is_a_sign(analyte: str, value: str | int, on: int, key: str | None) -> None:
    assert signs(stopped(also=(lab(analyte, value, on),))) == ([key] if key else [])


@pytest.mark.parametrize(
    "changes",
    [
        {"status": LabStatus.PRELIMINARY},
        {"specimen": "plasma"},
        {"timing": "post-dose"},
        {"comparator": Comparator.LESS},
    ],
    ids=["preliminary", "plasma", "after the dose", "an upper bound"],
)
def test_a_level_that_does_not_tell_is_no_sign(changes: dict[str, Any]) -> None:
    high = structs.replace(lab("tacrolimus", 30, -9), **changes)
    assert signs(stopped(also=(high,))) == []
    assert signs(stopped(also=(structs.replace(high, status=LabStatus.FINAL, specimen=None, timing="trough", comparator=None),)))


@pytest.mark.parametrize(
    ("earlier", "key"),
    [
        ((lab("creatinine", 80, -11),), "hold-sign-kidney-injury"),
        ((lab("creatinine", "80.6", -11),), None),
        ((lab("creatinine", 80, -12),), None),
        ((lab("creatinine", 70, -10, comparator=Comparator.LESS),), None),
        ((), None),
    ],
    ids=["26.5 in two days", "26.4", "three days", "a bound", "nothing before"],
)
def test_a_rise_of_creatinine_in_two_days_is_kidney_injury(earlier: tuple[Lab, ...], key: str | None) -> None:
    assert signs(stopped(also=(*earlier, lab("creatinine", "106.5", -9)))) == ([key] if key else [])


def test_a_high_creatinine_without_a_baseline_is_no_sign() -> None:
    told = record(use(end=STOP), markers=(lab("creatinine", 300, -9),))
    assert not kidney.far_above_own(told.markers[0], told, IN_FORCE) if told.markers else False
    assert signs(told) == []


def test_without_any_result_there_is_no_sign() -> None:
    assert signs(record(use(end=STOP), markers=None, problems=None)) == []


# --- conditions


@pytest.mark.parametrize(
    ("condition", "key"),
    [
        (TMA, "hold-sign-microangiopathy"),
        (problem("TMA", active=False), None),
        (problem("TMA", active=None), "hold-sign-microangiopathy"),
        (problem("sepsis_active_infection", onset=-16), "hold-sign-infection"),
        (problem("sepsis_active_infection", onset=-17), None),
        (problem("sepsis_active_infection", onset=-8), "hold-sign-infection"),
        (problem("sepsis_active_infection", onset=-7), None),
        (problem("sepsis_active_infection", recorded=-9, active=False), "hold-sign-infection"),
        (problem("sepsis_active_infection"), None),
        (problem("tuberculosis", onset=-9), "hold-sign-infection"),
        (problem("diabetes", onset=-9), None),
    ],
)
def test_a_condition_is_a_sign(condition: Problem, key: str | None) -> None:
    """A microangiopathy of any onset while it is active; an infection of that week."""
    assert signs(stopped(problems=(condition,))) == ([key] if key else [])


# --- strong CYP3A inhibitors


@pytest.mark.parametrize(
    ("inhibitor", "is_sign"),
    [
        (order("ritonavir", 200, -11), True),
        (order("ritonavir", 200, -12), False),
        (order("ritonavir", 200, -7), True),
        (order("ritonavir", 200, -6), False),
        (order("voriconazole", 400, -9, -2), True),
        (dispense(-9, 5, "nirmatrelvir"), True),
        (given(-9, "itraconazole"), True),
        (order("ritonavir", 200, None, asserted=-9), True),
        (order("ritonavir", 200, None, asserted=None), False),
        (use("ritonavir", 200, None, asserted=-9), False),
        (order("ritonavir", 200, -9, status=UseStatus.CANCELLED), False),
        (order("ritonavir", 200, -9, forbids=True), False),
        (order(drug("ketoconazole", systemic=False), 200, -9), False),
        (order("diltiazem", 200, -9), False),
        (order("ritonavir", 200, When(day(-11), day(-7))), True),
        (order("ritonavir", 200, When(day(-12), day(-9))), False),
    ],
)
def test_a_strong_inhibitor_begun_within_two_days_is_a_sign(inhibitor: Use, is_sign: bool) -> None:
    assert (signs(stopped(inhibitor)) == ["hold-sign-inhibitor"]) is is_sign


def test_what_is_close_is_close_to_every_day_that_the_stop_can_be() -> None:
    stop = When(day(-10), day(-9))
    assert signs(stopped(order("ritonavir", 200, -11)), stop) == ["hold-sign-inhibitor"]
    assert signs(stopped(order("ritonavir", 200, -12)), stop) == []
    assert signs(stopped(also=(lab("potassium", 6, -16),)), stop) == ["hold-sign-potassium"]
    assert signs(stopped(also=(lab("potassium", 6, -8),)), stop) == []


def test_the_signs_come_in_a_fixed_order_one_of_each_kind() -> None:
    told = stopped(
        order("ritonavir", 200, -9),
        also=(lab("potassium", 6, -9), lab("potassium", 7, -10), lab("tacrolimus", 30, -9), lab("creatinine", 200, -9)),
        problems=(TMA, problem("sepsis_active_infection", onset=-9)),
    )
    kinds = ["level", "creatinine", "potassium", "microangiopathy", "infection", "inhibitor"]
    assert signs(told) == [f"hold-sign-{kind}" for kind in kinds]
    found = {sign.sentence.key: sign for sign in holding.signs(told, known(STOP), IN_FORCE)}
    assert isinstance(found["hold-sign-infection"].source, Problem)
    assert found["hold-sign-inhibitor"].sentence.values == {"drug": Term("ritonavir")}
    assert found["hold-sign-potassium"].source == lab("potassium", 6, -9)


# --- which stops can be a hold

HIGH = (lab("potassium", 6, -9),)


def kind(told: Record) -> ExposureClass:
    return case(told).exposure.kind


def test_an_abrupt_stop_with_a_sign_is_a_possible_hold() -> None:
    found = case(stopped(also=HIGH))
    assert (found.exposure.kind, [type(sign) for sign in found.hold_signs]) == (ExposureClass.HOLD, [HoldSign])
    assert found.exposure.last_dose == known(STOP)


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (record(*doses((4, 200), (2, 10), last=STOP), markers=HIGH), ExposureClass.HOLD),
        (record(use(end=STOP, lines=()), markers=HIGH), ExposureClass.HOLD),
        (record(*doses((4, 200), (2, 28), last=STOP), markers=HIGH), ExposureClass.TAPER_COMPLETE),
        (record(use(end=STOP, reasons=frozenset({"planned-taper"})), markers=HIGH), ExposureClass.ABRUPT_STOP),
        (record(use(end=STOP), use("cyclosporine", 200, -5), markers=HIGH), ExposureClass.ABRUPT_STOP),
        (record(use(asserted=-20), markers=HIGH), ExposureClass.ACTIVE),
        (record(use(end=STOP), markers=HIGH, problems=(HEPATITIS, KIDNEY_TRANSPLANT)), ExposureClass.ABRUPT_STOP),
    ],
    ids=["rapid", "doses unknown", "complete taper", "a reason is known", "replaced", "in use", "transplant"],
)
def test_only_a_stop_that_nothing_explains_becomes_a_hold(told: Record, wanted: ExposureClass) -> None:
    assert kind(told) is wanted
    assert bool(case(told).hold_signs) is (wanted is ExposureClass.HOLD)


def test_a_recorded_hold_needs_no_sign() -> None:
    found = case(record(use(end=STOP, reasons=frozenset({"infection"})), markers=HIGH))
    assert (found.exposure.kind, found.hold_signs) == (ExposureClass.HOLD, ())


# --- a stop that is being ordered

RUNNING = order(reference="MedicationRequest/tac", asserted=-20)
SIGNED = draft(reference="MedicationRequest/tac", status=UseStatus.STOPPED, start=-300)


def ordered(*medicines: Use, drafts: tuple[Use, ...] = (SIGNED,), **more: Any) -> Record:
    return record(*(medicines or (RUNNING,)), drafts=drafts, hook="order-sign", **more)


def test_an_ordered_stop_with_a_sign_is_a_possible_hold() -> None:
    found = case(ordered(markers=(lab("potassium", 6, -7),)))
    assert found.ordered_stop is not None
    assert found.ordered_stop.hold
    assert [sign.sentence.key for sign in found.hold_signs] == ["hold-sign-potassium"]
    assert case(ordered(markers=(lab("potassium", 6, -8),))).hold_signs == ()


def test_an_inhibitor_in_the_same_request_makes_it_one() -> None:
    """Holding tacrolimus for the days of an antiviral is normal practice."""
    antiviral = draft("ritonavir", 200, start=None, reference="MedicationRequest/antiviral")
    found = case(ordered(drafts=(SIGNED, antiviral)))
    assert [sign.source for sign in found.hold_signs] == [antiviral]


@pytest.mark.parametrize(
    "told",
    [
        ordered(markers=HEALTHY),
        ordered(*doses((4, 200), last=-30), order(mg=2, start=-29, reference="MedicationRequest/tac"), markers=HIGH),
        ordered(drafts=(structs.replace(SIGNED, reasons=frozenset({"planned-taper"})),), markers=(lab("potassium", 6, -2),)),
        ordered(markers=(lab("potassium", 6, -2),), problems=(HEPATITIS, KIDNEY_TRANSPLANT)),
    ],
    ids=["no sign", "the end of a complete taper", "a reason is given", "transplant"],
)
def test_other_ordered_stops_are_stops(told: Record) -> None:
    found = case(told)
    assert found.ordered_stop is not None
    assert (found.ordered_stop.hold, found.hold_signs) == (False, ())


def test_a_stated_hold_stays_one_without_signs() -> None:
    held = structs.replace(SIGNED, status=UseStatus.ON_HOLD)
    found = case(ordered(drafts=(held,), markers=(lab("potassium", 6, -2),)))
    assert found.ordered_stop is not None
    assert (found.ordered_stop.hold, found.hold_signs) == (True, ())


def test_without_an_order_that_stops_there_is_nothing_to_hold() -> None:
    assert case(record(use(), markers=HIGH)).hold_signs == ()
