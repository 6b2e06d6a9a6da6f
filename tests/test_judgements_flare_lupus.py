"""Has lupus nephritis flared? Each step of the KDIGO 2012 definition at its boundary, and what is information only."""

from decimal import Decimal

import pytest
from msgspec import structs

from cds_service.knowledge.judgements.flare import Tier
from cds_service.patient.facts import Comparator, Lab, LabStatus
from cds_service.patient.units import canonical
from tests.builders import lab, word
from tests.flaring import INFECTION, NONE, POSSIBLE, RELAPSE, SEVERE, hints, judged, rising, unknown, whys

NEPHRITIS = "lupus_nephritis"
QUIET = (*rising("creatinine", 71, 71), *rising("upcr", 300, 300))


def mg_dl(number: str) -> str:
    """Creatinine in umol/L."""
    return str(Decimal(number) * Decimal("88.4"))


@pytest.mark.parametrize(
    ("before", "now", "tier"),
    [
        ("0.8", "0.99", NONE),
        ("0.8", "1.0", RELAPSE),
        ("0.8", "1.8", RELAPSE),
        ("0.8", "1.81", SEVERE),
        ("1.99", "2.19", RELAPSE),
        ("2.0", "2.39", NONE),
        ("2.0", "2.4", RELAPSE),
        ("2.0", "3.5", RELAPSE),
        ("2.0", "3.51", SEVERE),
    ],
)
def test_creatinine_over_the_own_baseline(before: str, now: str, tier: Tier) -> None:
    found = judged(NEPHRITIS, *rising("creatinine", mg_dl(before), mg_dl(now)))
    assert found.tier is tier
    assert whys(found) == (["lupus-definition"] if tier else [])
    assert not found.cautions


@pytest.mark.parametrize(
    ("before", "now", "tier"),
    [
        (499, 999, NONE),
        (499, 1000, RELAPSE),
        (500, 1999, NONE),
        (500, 2000, RELAPSE),
        (1000, 1999, NONE),
        (1000, 2000, RELAPSE),
        (1001, 2001, NONE),
        (1001, 2002, RELAPSE),
        (3000, 7000, RELAPSE),
        (3000, 8000, RELAPSE),
        (3000, 8001, SEVERE),
        (6000, 11001, SEVERE),
    ],
)
def test_proteinuria_over_the_own_baseline(before: int, now: int, tier: Tier) -> None:
    found = judged(NEPHRITIS, *rising("upcr", before, now))
    assert found.tier is tier
    assert [caution.key for caution in found.cautions] == (["lupus-protein-without-flare"] if tier else [])
    assert found.quiet_before is (before < 500)


@pytest.mark.parametrize(
    ("analyte", "conventional", "si"),
    [
        ("creatinine", (("0.8", "mg/dL"), ("1.1", "mg/dL")), (("70.72", "umol/L"), ("97.24", "umol/L"))),
        ("creatinine", (("0.8", "mg/dL"), ("1.9", "mg/dL")), (("70.72", "umol/L"), ("167.96", "umol/L"))),
        ("upcr", (("300", "mg/g"), ("1200", "mg/g")), (("33.93", "mg/mmol"), ("135.75", "mg/mmol"))),
        ("upcr", (("3", "g/g"), ("8.1", "g/g")), (("339.4", "mg/mmol"), ("916.3", "mg/mmol"))),
    ],
)
def test_both_units_give_the_same_tier(
    analyte: str, conventional: tuple[tuple[str, str], ...], si: tuple[tuple[str, str], ...]
) -> None:
    def tier(before: tuple[str, str], now: tuple[str, str]) -> Tier:
        quantities = [canonical(analyte, Decimal(number), unit) for number, unit in (before, now)]
        usual, new = (str(quantity.value) for quantity in quantities if quantity)
        return judged(NEPHRITIS, *rising(analyte, usual, new)).tier

    assert tier(*conventional) is tier(*si)
    assert tier(*conventional) >= RELAPSE


def test_a_bound_counts_for_what_is_sure() -> None:
    over, under = Comparator.GREATER, Comparator.LESS
    assert judged(NEPHRITIS, *rising("upcr", 300, 1000, comparator=over)).tier is RELAPSE
    assert judged(NEPHRITIS, *rising("upcr", 300, 9000, comparator=under)).tier is NONE


def test_without_a_baseline_nothing_rises_and_that_is_said() -> None:
    found = judged(NEPHRITIS, lab("creatinine", 500), lab("upcr", 9000))
    assert (found.tier, found.judged) == (NONE, False)
    assert unknown(found) == ["baseline-missing", "baseline-missing"]


def test_both_markers_are_needed_to_call_it_quiet() -> None:
    assert judged(NEPHRITIS, *QUIET).judged
    half = judged(NEPHRITIS, *QUIET[:2])
    assert (half.judged, half.missing) == (False, ("upcr",))
    none = judged(NEPHRITIS)
    assert (none.judged, none.missing, none.old) == (False, ("creatinine", "upcr"), None)


def test_what_is_old_preliminary_or_unreadable_tells_nothing() -> None:
    old = judged(NEPHRITIS, lab("upcr", 5000, -91), lab("upcr", 300, -200), since=None, began=None)
    assert (old.tier, old.old and old.old.analyte) == (NONE, "upcr")
    results = lab("upcr", 5000, status=LabStatus.PRELIMINARY), lab("upcr", None, -1), lab("upcr", 300, -60)
    early = judged(NEPHRITIS, *results)
    assert (early.tier, len(early.preliminary), len(early.unreadable)) == (NONE, 1, 1)


@pytest.mark.parametrize(
    ("red", "before", "acanthocytes", "tier"),
    [(16, 4, 2, POSSIBLE), (15, 4, 2, NONE), (16, 5, 2, NONE), (16, 4, 1, NONE), (16, None, 2, NONE), (16, 4, None, NONE)],
)
def test_new_erythrocytes_with_acanthocytes(red: int, before: int | None, acanthocytes: int | None, tier: Tier) -> None:
    results: list[Lab] = [lab("urine_rbc", red)]
    results += [] if before is None else [lab("urine_rbc", before, -60)]
    results += [] if acanthocytes is None else [lab("urine_acanthocytes", acanthocytes)]
    assert judged(NEPHRITIS, *results).tier is tier


@pytest.mark.parametrize("analyte", ["urine_rbc_casts", "urine_wbc_casts"])
def test_new_casts(analyte: str) -> None:
    assert judged(NEPHRITIS, lab(analyte, 1)).tier is POSSIBLE
    assert judged(NEPHRITIS, *rising(analyte, 0, 1)).tier is POSSIBLE
    assert judged(NEPHRITIS, *rising(analyte, 1, 2)).tier is NONE
    assert judged(NEPHRITIS, lab(analyte, 0)).tier is NONE


def test_an_infection_may_explain_the_sediment() -> None:
    assert judged(NEPHRITIS, lab("urine_rbc_casts", 3), problems=(INFECTION,)).tier is NONE


@pytest.mark.parametrize(
    ("before", "now", "high", "expected"),
    [
        (20, 40, None, ["lupus-antibody"]),
        (20, 39, None, []),
        (20, 31, 30, ["lupus-antibody"]),
        (20, 30, 30, []),
        (31, 40, 30, []),
        (0, 0, None, []),
    ],
)
def test_a_rising_antibody_is_information(before: int, now: int, high: int | None, expected: list[str]) -> None:
    found = judged(NEPHRITIS, *QUIET, *rising("dsdna", before, now, high=high))
    assert (found.tier, found.judged, hints(found)) == (NONE, True, expected)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (word("dsdna", "negative", -60), word("dsdna", "positive", -2), ["lupus-antibody"]),
        (word("dsdna", "positive", -60), word("dsdna", "positive", -2), []),
        (word("dsdna", "negative", -60), word("dsdna", "negative", -2), []),
        (word("dsdna", "negative", -400), word("dsdna", "positive", -2), []),
        (word("dsdna", "negative", -60), word("dsdna", "positive", -2, status=LabStatus.PRELIMINARY), []),
        (word("dsdna", "negative", -60), word("dsdna", "positive", -20), []),
        (word("dsdna", "negative", -60), lab("dsdna", 20, -2), []),
    ],
    ids=["newly", "as before", "still not", "too long ago", "preliminary", "before the stop", "a number"],
)
def test_an_antibody_in_words_that_is_newly_positive_is_information(before: Lab, now: Lab, expected: list[str]) -> None:
    found = judged(NEPHRITIS, *QUIET, before, now)
    assert (found.tier, found.judged, hints(found)) == (NONE, True, expected)


def test_an_antibody_in_numbers_and_words_is_said_once() -> None:
    words = word("dsdna", "negative", -60), word("dsdna", "positive", -2)
    assert hints(judged(NEPHRITIS, *rising("dsdna", 20, 60), *words)) == ["lupus-antibody"]


def test_an_antibody_without_a_baseline_is_not_rising() -> None:
    assert hints(judged(NEPHRITIS, lab("dsdna", 500, high=30))) == []


@pytest.mark.parametrize(
    ("before", "now", "low", "expected"),
    [
        ("1.1", "0.82", None, ["lupus-complement"]),
        ("1.1", "0.83", None, []),
        ("2", "0.9", None, []),
        ("2", "0.9", "1.0", ["lupus-complement"]),
    ],
)
def test_falling_complement_is_information(before: str, now: str, low: str | None, expected: list[str]) -> None:
    new, usual = rising("c3", before, now)
    new = structs.replace(new, low=None if low is None else Decimal(low))
    assert hints(judged(NEPHRITIS, *QUIET, new, usual)) == expected


def test_complement_without_a_baseline_has_not_fallen() -> None:
    assert hints(judged(NEPHRITIS, lab("c4", "0.01"))) == []


def test_lupus_without_nephritis_is_told_of_its_serology_only() -> None:
    found = judged("SLE", *rising("creatinine", 71, 200), *rising("dsdna", 20, 60))
    assert (found.disease, found.tier, hints(found)) == ("SLE", NONE, ["lupus-antibody"])
