"""Only the first order of a regimen was applied: the card says what is not yet ordered."""

from typing import Any

import pytest

from cds_service.patient.facts import Use
from tests.answers import REBOUND, WARNING, finding, keys
from tests.builders import draft, flaring, person, use, word

OPEN = "second-part-open"


def advice(*drafts: Use, medicines: tuple[Use, ...] = (), **more: Any) -> list[str]:
    found = finding(flaring(*medicines, hook="order-select", drafts=drafts, **more), REBOUND)
    assert found.indicator is WARNING
    assert all(not offer.drugs for offer in found.offers)
    return keys(found.advice)


@pytest.mark.parametrize(("mg", "said"), [(30, True), (40, True), ("59.9", True), (60, False)])
def test_the_lower_steroid_dose_alone_leaves_azathioprine_to_order(mg: Any, said: bool) -> None:
    assert (OPEN in advice(draft("prednisone", mg))) is said


def test_with_azathioprine_drafted_or_taken_nothing_is_missing() -> None:
    assert OPEN not in advice(draft("prednisone", 30), draft("azathioprine", 50, reference="MedicationRequest/second"))
    assert OPEN not in advice(draft("prednisone", 30), medicines=(use("azathioprine", 50, -900),))


def test_another_way_needs_no_azathioprine() -> None:
    assert OPEN not in advice(draft("prednisone", 30), draft("tacrolimus", 4, reference="MedicationRequest/second"))
    assert OPEN not in advice(draft("azathioprine", 50))


def test_what_runs_already_was_begun_by_somebody_who_knows() -> None:
    assert OPEN not in advice(medicines=(use("prednisone", 30, -5),))


def test_why_azathioprine_is_withheld_is_said() -> None:
    said = advice(draft("prednisone", 30), screening=(word("tpmt_nudt15", "poor", -300),))
    assert said[said.index(OPEN) + 1] == "blocked-metaboliser"


def test_where_the_regimen_is_not_offered_nothing_is_asked_for() -> None:
    assert OPEN not in advice(draft("prednisone", 30), person=person(14))
