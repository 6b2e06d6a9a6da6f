"""A disease is not called quiet while a newer result says nothing, or may yet say otherwise."""

import pytest

from cds_service.patient.facts import Comparator, Lab, LabStatus
from cds_service.patient.when import When
from tests.builders import day, lab, month
from tests.flaring import NONE, POSSIBLE, RELAPSE, judged, rising, unknown

HEPATITIS, NEPHRITIS, MYASTHENIA = "autoimmune_hepatitis", "lupus_nephritis", "myasthenia_gravis"
QUIET = lab("alt", 30, -5), lab("ast", 30, -5)
EARLY = LabStatus.PRELIMINARY
GREATER, AT_LEAST, LESS = Comparator.GREATER, Comparator.AT_LEAST, Comparator.LESS


def test_quiet_is_said_where_every_newest_result_can_be_read() -> None:
    assert judged(HEPATITIS, *QUIET).judged


@pytest.mark.parametrize(
    ("newer", "quiet"),
    [
        (lab("alt", None, -4), False),
        (lab("alt", None, -6), True),
        (lab("igg", None, -4), False),
        (lab("alt", 31, -4, status=EARLY), False),
        (lab("alt", 30, -4, status=EARLY), True),
        (lab("alt", 400, -6, status=EARLY), True),
        (lab("igg", 19, -4, status=EARLY), False),
    ],
    ids=["unreadable", "read since", "unreadable, and none before", "higher", "no higher", "earlier", "the first of its kind"],
)
def test_a_newer_result_that_is_not_final_or_not_readable_leaves_it_open(newer: Lab, quiet: bool) -> None:
    found = judged(HEPATITIS, *QUIET, newer)
    assert (found.tier, found.judged) == (NONE, quiet)


@pytest.mark.parametrize(
    ("comparator", "number", "quiet"),
    [(GREATER, 20, False), (AT_LEAST, 40, False), (LESS, 41, False), (LESS, 40, True), (LESS, 5, True)],
)
def test_a_bound_that_does_not_decide_leaves_it_open_and_is_named(comparator: Comparator, number: int, quiet: bool) -> None:
    found = judged(HEPATITIS, lab("alt", number, -4, comparator=comparator))
    assert (found.tier, found.judged, unknown(found)) == (NONE, quiet, [] if quiet else ["marker-bound"])


@pytest.mark.parametrize(
    ("on", "number", "quiet"),
    [
        (month(2026, 2), 400, False),
        (month(2026, 2), 30, True),
        (month(2026, 1), 400, True),
        (month(2026, 3), 400, False),
        (When(day(1), day(30)), 400, True),
    ],
    ids=["around the stop", "no higher", "before it", "begun today", "yet to come"],
)
def test_a_result_that_may_count_leaves_it_open_and_is_named(on: When, number: int, quiet: bool) -> None:
    found = judged(HEPATITIS, *QUIET, lab("alt", number, on))
    assert (found.tier, found.judged, unknown(found)) == (NONE, quiet, [] if quiet else ["marker-imprecise"])


def test_elsewhere_too() -> None:
    quiet = *rising("creatinine", 71, 71), *rising("upcr", 300, 300)
    assert judged(NEPHRITIS, *quiet).judged
    assert not judged(NEPHRITIS, *quiet, lab("upcr", 900, -1, status=EARLY)).judged
    assert not judged(NEPHRITIS, *quiet, lab("upcr", 900, -1, comparator=GREATER)).judged
    assert judged(NEPHRITIS, *quiet, lab("upcr", 40, -1, comparator=LESS)).judged
    score = rising("mg_adl", 3, 3)
    assert judged(MYASTHENIA, *score).judged
    assert not judged(MYASTHENIA, *score, lab("nif", -60, -2), lab("nif", -20, -1, status=EARLY)).judged


def test_a_flare_stays_one() -> None:
    assert judged(HEPATITIS, *QUIET, lab("ast", 130, -3), lab("alt", None, -2)).tier is RELAPSE
    assert judged(HEPATITIS, lab("alt", 40, -3, comparator=GREATER)).tier is POSSIBLE
