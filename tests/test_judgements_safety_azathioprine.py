"""The checks that guard azathioprine (and hepatitis B, which guards all): metabolisers, interactions, counts, bilirubin."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from cds_service.knowledge.finding import Term
from cds_service.knowledge.judgements.safety import Concern
from cds_service.patient.facts import Comparator, Lab, LabStatus, Quantity, UseStatus
from cds_service.patient.when import When
from tests.builders import (
    HEALTHY,
    day,
    draft,
    lab,
    problem,
    use,
    word,
)
from tests.concerns import BLOCKED, EVERY, FIXED, QUESTION, THIOPURINE, WARNING, concerns, keys, newly, told, without

# --- hepatitis B

NEGATIVE = (word("hbsag", "negative"), word("anti_hbc", "negative"))
NO_TUBERCULOSIS = word("igra", "negative", -300)
NORMAL = (word("tpmt_nudt15", "normal", -300), NO_TUBERCULOSIS)


def hepatitis_b(*results: Lab, **more: Any) -> tuple[Concern, ...]:
    return concerns(screening=(*NORMAL, *results), **more)


def test_a_carrier_of_hepatitis_b_gets_no_order() -> None:
    antigen = word("hbsag", "positive")
    found = hepatitis_b(antigen, word("anti_hbc", "positive"))
    assert told(found) == [("blocked-hepatitis-b", BLOCKED, EVERY)]
    assert found[0].lab == antigen


def test_hepatitis_b_on_the_list_of_conditions_is_enough() -> None:
    assert keys(hepatitis_b(*NEGATIVE, problems=(problem("hepatitis_B", "infection"),))) == ["blocked-hepatitis-b"]
    assert hepatitis_b(*NEGATIVE, problems=(problem("hepatitis_B", "infection", active=False),)) == ()


def test_an_old_positive_antigen_still_blocks() -> None:
    assert keys(hepatitis_b(word("hbsag", "positive", -3000))) == ["blocked-hepatitis-b"]


def test_the_newest_antigen_counts() -> None:
    assert hepatitis_b(word("hbsag", "positive", -900), *NEGATIVE) == ()
    assert keys(hepatitis_b(word("hbsag", "positive", -50), *NEGATIVE)) == ["blocked-hepatitis-b"]


def test_a_past_infection_is_a_warning() -> None:
    core = word("anti_hbc", "positive")
    found = hepatitis_b(NEGATIVE[0], core)
    assert told(found) == [("warning-hepatitis-b-core", WARNING, EVERY)]
    assert found[0].lab == core


def test_a_past_infection_with_unknown_antigen_also_asks() -> None:
    """A positive core antibody alone may be a carrier: the antigen has to be known."""
    for antigen in ((), (word("hbsag", "negative", -366),), (word("hbsag", "indeterminate"),)):
        found = hepatitis_b(*antigen, word("anti_hbc", "positive"))
        assert told(found) == [("warning-hepatitis-b-core", WARNING, EVERY), ("unknown-hepatitis-b", QUESTION, EVERY)]


@pytest.mark.parametrize(
    "results",
    [
        (),
        (NEGATIVE[0],),
        (NEGATIVE[1],),
        (NEGATIVE[0], word("anti_hbc", "indeterminate")),
        (NEGATIVE[0], word("anti_hbc", None)),
        (NEGATIVE[0], word("anti_hbc", "negative", status=LabStatus.PRELIMINARY)),
        (NEGATIVE[0], word("anti_hbc", "negative", -366)),
    ],
    ids=["none", "antigen only", "antibody only", "indeterminate", "not readable", "preliminary", "too old"],
)
def test_unless_both_are_known_and_fresh_it_asks(results: tuple[Lab, ...]) -> None:
    assert told(hepatitis_b(*results)) == [("unknown-hepatitis-b", QUESTION, EVERY)]


def test_a_negative_test_is_fresh_for_a_year() -> None:
    assert hepatitis_b(word("hbsag", "negative", -365), word("anti_hbc", "negative", -365)) == ()
    imprecise = When(day(-400), day(-300))
    assert keys(hepatitis_b(word("hbsag", "negative", imprecise), NEGATIVE[1])) == ["unknown-hepatitis-b"]


def test_without_the_screening_list_it_asks() -> None:
    asked = {"unknown-hepatitis-b", "unknown-tuberculosis", "blocked-metaboliser-unknown", "unknown-metaboliser"}
    assert set(keys(concerns(screening=None))) == asked


# --- TPMT and NUDT15


def metaboliser(*results: Lab) -> tuple[Concern, ...]:
    return concerns(screening=(*NEGATIVE, NO_TUBERCULOSIS, *results))


UNKNOWN_METABOLISER = [
    ("blocked-metaboliser-unknown", BLOCKED, frozenset({FIXED})),
    ("unknown-metaboliser", QUESTION, THIOPURINE),
]


@pytest.mark.parametrize("analyte", ["tpmt", "nudt15", "tpmt_nudt15"])
def test_a_poor_metaboliser_gets_no_azathioprine(analyte: str) -> None:
    poor = word(analyte, "poor")
    found = metaboliser(poor)
    assert told(found) == [("blocked-metaboliser", BLOCKED, THIOPURINE)]
    assert found[0].lab == poor


@pytest.mark.parametrize("analyte", ["tpmt", "nudt15", "tpmt_nudt15"])
def test_an_intermediate_metaboliser_gets_the_start_dose_only(analyte: str) -> None:
    assert told(metaboliser(word(analyte, "intermediate"))) == [
        ("blocked-metaboliser-intermediate", BLOCKED, frozenset({FIXED})),
        ("warning-metaboliser-intermediate", WARNING, THIOPURINE),
    ]


def test_the_worse_of_the_two_genes_counts() -> None:
    assert keys(metaboliser(word("tpmt", "intermediate"), word("nudt15", "poor"))) == ["blocked-metaboliser"]
    assert "warning-metaboliser-intermediate" in keys(metaboliser(word("tpmt", "normal"), word("nudt15", "intermediate")))


@pytest.mark.parametrize("worse", ["poor", "intermediate"])
def test_a_later_normal_result_does_not_undo_a_worse_one(worse: str) -> None:
    """Genes do not change; an enzyme measured after a transfusion can look normal."""
    assert metaboliser(word("tpmt", worse, -300), word("tpmt_nudt15", "normal", -10)) != ()


@pytest.mark.parametrize(
    "results",
    [
        (),
        (word("tpmt", "normal"),),
        (word("nudt15", "normal"),),
        (word("tpmt_nudt15", "indeterminate"),),
        (word("tpmt", "normal"), word("nudt15", "indeterminate")),
        (word("tpmt_nudt15", "normal", status=LabStatus.PRELIMINARY),),
    ],
    ids=["none", "TPMT only", "NUDT15 only", "indeterminate", "one indeterminate", "preliminary"],
)
def test_unless_both_genes_are_normal_it_asks_and_the_fixed_dose_waits(results: tuple[Lab, ...]) -> None:
    assert told(metaboliser(*results)) == UNKNOWN_METABOLISER


@pytest.mark.parametrize("results", [(word("tpmt_nudt15", "normal", -4000),), (word("tpmt", "normal"), word("nudt15", "normal"))])
def test_both_genes_normal_at_any_time_are_enough(results: tuple[Lab, ...]) -> None:
    assert metaboliser(*results) == ()


# --- allopurinol and febuxostat


@pytest.mark.parametrize(
    ("running", "key", "named"),
    [
        (("allopurinol",), "blocked-allopurinol", "allopurinol"),
        (("febuxostat",), "blocked-febuxostat", "febuxostat"),
        (("topiroxostat",), "blocked-febuxostat", "topiroxostat"),
        (("allopurinol", "febuxostat"), "blocked-febuxostat", "febuxostat"),
    ],
)
def test_a_xanthine_oxidase_inhibitor_blocks_azathioprine(running: tuple[str, ...], key: str, named: str) -> None:
    found = concerns(*(use(name, 300) for name in running))
    assert told(found) == [(key, BLOCKED, THIOPURINE)]
    assert found[0].sentence.values == {"drug": Term(named)}


def test_one_that_is_being_ordered_blocks_too() -> None:
    assert keys(concerns(drafts=(draft("allopurinol", 300),))) == ["blocked-allopurinol"]
    assert concerns(drafts=(draft("allopurinol", 300, status=UseStatus.STOPPED),)) == ()


def test_one_that_was_stopped_does_not() -> None:
    assert concerns(use("allopurinol", 300, end=-20)) == ()


# --- blood count


@pytest.mark.parametrize(
    ("analyte", "low", "enough"), [("wbc", "3.4", "3.5"), ("neutrophils", "1.4", "1.5"), ("platelets", "99", "100")]
)
def test_a_low_count_blocks_azathioprine(analyte: str, low: str, enough: str) -> None:
    result = lab(analyte, low)
    found = concerns(results=newly(result))
    assert told(found) == [("blocked-blood-count", BLOCKED, THIOPURINE)]
    assert (found[0].lab, found[0].conflicts) == (result, ("X27",))
    assert found[0].sentence.values["limit"] == Decimal(enough)
    assert concerns(results=newly(lab(analyte, enough))) == ()


def test_each_low_count_is_told() -> None:
    assert keys(concerns(results=(*HEALTHY, lab("wbc", 2), lab("platelets", 40)))) == ["blocked-blood-count"] * 2


def test_only_a_fresh_final_count_blocks() -> None:
    assert concerns(results=newly(lab("wbc", 2, -91))) == ()
    assert concerns(results=newly(lab("wbc", 2, status=LabStatus.PRELIMINARY))) == ()
    assert keys(concerns(results=newly(lab("wbc", 2, -90)))) == ["blocked-blood-count"]


# --- bilirubin


def reported(canonical: str, number: str, unit: str, comparator: Comparator | None = None) -> Lab:
    return lab("bilirubin", canonical, reported=Quantity(Decimal(number), unit), comparator=comparator)


@pytest.mark.parametrize(
    ("result", "blocked"),
    [
        (reported("100.9", "5.9", "mg/dL"), False),
        (reported("102.6", "6.0", "mg/dL"), True),
        (reported("102.6", "6.0", "MG/DL"), True),
        (reported("17.1", "10", "mg/L"), False),
        (reported("99.9", "99.9", "umol/L"), False),
        (reported("100", "100", "umol/L"), True),
        (reported("100", "0.1", "mmol/L"), True),
        (reported("85.5", "5.0", "mg/dL", Comparator.GREATER), True),
        (reported("102.6", "6.0", "mg/dL", Comparator.LESS), False),
        (reported("90", "90", "umol/L", Comparator.GREATER), True),
        (reported("100", "100", "umol/L", Comparator.LESS), False),
    ],
)
def test_bilirubin_is_compared_in_the_unit_it_was_reported_in(result: Lab, blocked: bool) -> None:
    found = concerns(results=newly(result))
    assert told(found) == ([("blocked-bilirubin", BLOCKED, THIOPURINE)] if blocked else [])


def test_a_bilirubin_whose_report_is_not_kept_is_compared_all_the_same() -> None:
    result = structs.replace(lab("bilirubin", 150), reported=None)
    assert keys(concerns(results=newly(result))) == ["blocked-bilirubin"]


@pytest.mark.parametrize("results", [without("bilirubin"), (*without("bilirubin"), lab("bilirubin", 12, -91))])
def test_without_a_fresh_bilirubin_the_fixed_dose_waits(results: tuple[Lab, ...]) -> None:
    assert told(concerns(results=results)) == [
        ("blocked-bilirubin-unknown", BLOCKED, frozenset({FIXED})),
        ("unknown-bilirubin", QUESTION, THIOPURINE),
    ]


def test_decompensated_liver_disease_blocks_azathioprine() -> None:
    assert told(concerns(problems=(problem("liver_decompensation", "risk_liver"),))) == [
        ("blocked-decompensation", BLOCKED, THIOPURINE)
    ]
    assert concerns(problems=(problem("liver_cirrhosis", "risk_liver"),)) == ()
    assert concerns(problems=(problem("liver_decompensation", "risk_liver", active=False),)) == ()
