"""Has membranous nephropathy, minimal change disease or FSGS relapsed? Proteinuria against the remission before."""

import pytest

from cds_service.knowledge.judgements.flare import Tier
from tests.builders import lab, problem
from tests.flaring import NONE, POSSIBLE, RELAPSE, SEVERE, judged, rising, whys

GLOMERULAR = "nephrotic_membranous_FSGS_MCD"


@pytest.mark.parametrize(
    ("before", "now", "tier"),
    [
        (250, 3500, POSSIBLE),
        (250, 3501, RELAPSE),
        (299, 3600, RELAPSE),
        (300, 3600, POSSIBLE),
        (2000, 3600, NONE),
        (600, 1199, NONE),
        (600, 1200, POSSIBLE),
        (400, 1000, NONE),
        (400, 1001, POSSIBLE),
    ],
)
def test_proteinuria_against_the_value_before(before: int, now: int, tier: Tier) -> None:
    assert judged(GLOMERULAR, *rising("upcr", before, now)).tier is tier


@pytest.mark.parametrize(("peak", "last", "tier"), [(7001, 3500, RELAPSE), (7000, 3500, NONE), (9000, 3501, NONE)])
def test_a_partial_remission_is_half_of_the_peak_at_the_limit_or_below(peak: int, last: int, tier: Tier) -> None:
    results = lab("upcr", peak, -400), *rising("upcr", last, 3600)
    found = judged(GLOMERULAR, *results)
    assert (found.tier, found.quiet_before) == (tier, tier is RELAPSE)


def test_without_a_value_before_nothing_can_be_told() -> None:
    found = judged(GLOMERULAR, lab("upcr", 9000))
    assert (found.tier, found.judged) == (NONE, False)
    assert judged(GLOMERULAR).missing == ("upcr",)


def test_while_tacrolimus_is_taken_the_value_before_the_newest_is_the_last_on_treatment() -> None:
    assert judged(GLOMERULAR, *rising("upcr", 250, 3600), since=None, began=None).tier is RELAPSE
    assert judged(GLOMERULAR, since=None, began=None).tier is NONE


@pytest.mark.parametrize(
    ("now", "albumin", "expected"),
    [(3600, 29, ["nephrotic-syndrome"]), (3600, 30, []), (3600, None, []), (1200, 20, [])],
)
def test_low_albumin_adds_words_to_a_relapse(now: int, albumin: int | None, expected: list[str]) -> None:
    more = () if albumin is None else (lab("albumin", albumin),)
    found = judged(GLOMERULAR, *rising("upcr", 250, now), *more)
    assert [caution.key for caution in found.cautions] == expected


@pytest.mark.parametrize("group", ["acute_kidney_injury", "thrombosis"])
def test_a_complication_makes_a_flare_severe_and_none_without_one(group: str) -> None:
    sign = problem(group, "flare_sign", onset=-2)
    found = judged(GLOMERULAR, *rising("upcr", 600, 1300), problems=(sign,))
    assert (found.tier, whys(found)) == (SEVERE, ["glomerular-doubled"])
    assert judged(GLOMERULAR, *rising("upcr", 600, 700), problems=(sign,)).tier is NONE
