"""Tacrolimus missing at discharge: what is said, how urgently, and when nobody can tell."""

from typing import Any

import pytest

from cds_service.knowledge.finding import CannotTell, Indicator
from cds_service.patient.facts import Loss, Record, Use
from tests.answers import INFO, VERIFY, WARNING, answered, finding, keys, shown
from tests.builders import HEPATITIS, KIDNEY_TRANSPLANT, drug, lost, order, record, use

OMISSION = "discharge-omission"


def home(ingredient: Any = "paracetamol", **more: Any) -> Use:
    """An order for the time after the stay."""
    told = {"start": 0, "at_discharge": True, "encounter": "stay-1", "reference": f"MedicationRequest/{ingredient}", **more}
    return order(ingredient, 4, **told)


def leaving(*medicines: Use, **more: Any) -> Record:
    return record(*medicines, **{"hook": "encounter-discharge", "encounter": "stay-1", **more})


HOME = use(asserted=-20)


def test_tacrolimus_missing_from_the_discharge_orders_is_a_warning() -> None:
    found = finding(leaving(HOME, home()), OMISSION)
    assert (found.indicator, found.exposure_class, found.offers) == (WARNING, "discharge-omission", ())
    assert (found.summary.key, found.happened[0].values) == ("discharge-summary-omitted", {"count": 1})
    assert (keys(found.meaning), keys(found.advice)) == (["abrupt-stop-meaning"], ["discharge-advice", "hold-is-different"])
    assert {HOME.reference, "MedicationRequest/paracetamol"} <= {item.reference for item in found.evidence}
    assert shown(leaving(HOME, home())) == {OMISSION: WARNING}


def test_without_any_discharge_order_it_is_information() -> None:
    found = finding(leaving(HOME), OMISSION)
    assert (found.indicator, found.summary.key, keys(found.happened)) == (
        INFO,
        "discharge-summary-no-orders",
        ["discharge-no-orders"],
    )


def test_tacrolimus_on_the_list_is_silent() -> None:
    assert shown(leaving(HOME, home(), home("tacrolimus"))) == {}


@pytest.mark.parametrize(("start", "indicator"), [(-27, WARNING), (-26, INFO)])
def test_after_a_short_use_it_is_information(start: int, indicator: Indicator) -> None:
    found = finding(leaving(use(start=start, asserted=-1), home()), OMISSION)
    assert found.indicator is indicator
    assert ("cap-short-use" in keys(found.meaning)) is (indicator is INFO)


def test_a_short_use_is_no_reason_where_there_is_no_order_at_all() -> None:
    assert keys(finding(leaving(use(start=-5, asserted=-1)), OMISSION).meaning) == ["abrupt-stop-meaning"]


def test_where_another_inhibitor_is_taken_it_is_information() -> None:
    found = finding(leaving(HOME, use("cyclosporine", 200, -3), home()), OMISSION)
    assert (found.indicator, keys(found.happened)[-1]) == (INFO, "discharge-other-inhibitor")


def test_in_a_transplant_recipient_the_risk_is_rejection() -> None:
    found = finding(leaving(HOME, home(), problems=(HEPATITIS, KIDNEY_TRANSPLANT)), OMISSION)
    assert (found.indicator, keys(found.meaning)) == (WARNING, ["transplant-meaning"])


@pytest.mark.parametrize(
    ("more", "unknown"),
    [
        ({"problems": ()}, ["no-indication-coded"]),
        ({"problems": None, "lost": lost("conditions", loss=Loss.FAILED)}, ["indication-not-known"]),
    ],
)
def test_without_an_indication_it_is_information(more: dict[str, Any], unknown: list[str]) -> None:
    found = finding(leaving(HOME, home(), **more), OMISSION)
    assert (found.indicator, keys(found.unknown)) == (INFO, unknown)


def test_without_the_orders_nobody_can_tell() -> None:
    told = leaving(HOME, orders=None, lost=lost("medication orders", loss=Loss.NOT_SENT))
    answer = answered(told)[OMISSION]
    assert isinstance(answer, CannotTell)
    assert (keys(answer.missing), answer.exposure_class) == (["unknown-discharge-orders"], "discharge-omission")
    assert VERIFY in answered(told)


def test_ointment_at_home_is_not_missed() -> None:
    assert shown(leaving(use(drug(systemic=False), asserted=-20), home())) == {}
