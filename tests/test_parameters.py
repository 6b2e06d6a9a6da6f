"""Every number of the rules is described, lies in its own range, and moves only as far as its description lets it."""

import ast
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from ucumvert import get_ucum_parser

from cds_service.knowledge.claims import NOT_VERIFIED, Origin, claims, conflicts
from cds_service.knowledge.parameters import Parameter, ParameterError, Parameters, described, grouped, in_force

PACKAGE = Path(__file__).parent.parent / "cds_service"
FIELDS = Parameters.__struct_fields__
NUMBERS = {name: parameter for name, parameter in described().items() if parameter.low is not None}

DEFAULTS = {
    "stop_lookback_days": 365,
    "min_exposure_days": 28,
    "stale_days": 180,
    "supply_grace_days": 7,
    "supply_grace_fraction": Fraction(1, 4),
    "extended_release_tablet_factor": Fraction(4, 5),
    "taper_min_days": 28,
    "taper_last_max": Fraction(1, 2),
    "taper_step_max": Fraction(1, 2),
    "plateau_days": 90,
    "low_end_fraction": Fraction(1, 4),
    "low_end_max_days": 180,
    "past_stop_warning_days": 90,
    "unrelated_draft_days": 30,
    "aih_relapse_xuln": Decimal(3),
    "severe_bilirubin": Decimal(45),
    "severe_inr": Decimal("1.5"),
    "azathioprine_fixed_min_weight": Decimal(75),
    "azathioprine_mgkg_high": Fraction(2),
    "azathioprine_bilirubin_mg_dl": Decimal(6),
    "azathioprine_bilirubin_umol_l": Decimal(100),
    "tacrolimus_mgkg": Fraction(75, 1000),
    "tacrolimus_range_low_mg": Fraction(1),
    "tacrolimus_range_high_mg": Fraction(6),
    "egfr_withheld": Decimal(45),
    "egfr_warning": Decimal(60),
    "potassium_withheld": Decimal("5.5"),
    "hepatitis_b_fresh_days": 365,
}
"""The values that the clinical logic fixes (its table of parameters), as a check against slips of the pen."""

IN_ORDER = [
    ("azathioprine_start_mg", "azathioprine_fixed_mg"),
    ("azathioprine_mgkg_low", "azathioprine_mgkg_high"),
    ("baseline_window_days", "baseline_fallback_days"),
    ("childbearing_age_low", "childbearing_age_high"),
    ("dose_min_mg", "dose_max_mg"),
    ("egfr_withheld", "egfr_warning"),
    ("min_exposure_days", "min_exposure_window_days"),
    ("plateau_min_days", "plateau_days"),
    ("steroid_combined_mg", "steroid_alone_mg"),
    ("tacrolimus_range_high_mg", "tacrolimus_published_max_mg"),
    ("tacrolimus_range_low_mg", "tacrolimus_range_high_mg"),
    ("weight_min_kg", "weight_max_kg"),
]


def refused(site: dict[str, object]) -> str:
    with pytest.raises(ParameterError) as error:
        in_force(site)
    return str(error.value)


def bounds(parameter: Parameter) -> tuple[Decimal, Decimal]:
    fixed = parameter.fixed or parameter.low is None
    return (parameter.value, parameter.value) if fixed else (parameter.low, parameter.high)


def test_every_field_is_described_and_every_description_is_a_field() -> None:
    assert sorted(described()) == sorted(FIELDS)
    assert sum(len(group) for group in grouped().values()) == len(FIELDS), "a name stands in two groups"


def test_every_parameter_is_read_by_some_rule() -> None:
    read = {
        node.attr
        for path in PACKAGE.rglob("*.py")
        if path.name != "parameters.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    assert set(FIELDS) - read == set()


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_defaults_are_those_of_the_clinical_logic(name: str) -> None:
    assert getattr(in_force(), name) == DEFAULTS[name]


def test_the_numbers_stay_exact() -> None:
    parameters = in_force()
    assert parameters.tacrolimus_mgkg * 80 == 6
    assert parameters.prednisone_equivalents["deflazacort"] * 36 == 30
    assert parameters.prednisone_equivalents["dexamethasone"] * Fraction(3, 2) == 10


@pytest.mark.parametrize("name", FIELDS)
def test_a_description_tells_the_reader_everything(name: str) -> None:
    parameter = described()[name]
    assert parameter.meaning.endswith(".")
    assert parameter.unit
    assert parameter.origin in set(Origin)
    assert (parameter.origin == "M") == (NOT_VERIFIED in parameter.source)
    cited = set(re.findall(r"\b[CX]\d{1,2}\b", f"{parameter.source} {parameter.meaning}"))
    assert cited <= set(claims()) | set(conflicts())
    if parameter.origin == "S":
        assert cited & set(claims()), "what comes from the source names its claim"
    if parameter.origin == "V2":
        assert "quoted" in parameter.source


def test_every_unit_is_ucum_or_says_that_there_is_none() -> None:
    parser = get_ucum_parser()
    for unit in {parameter.unit for parameter in described().values()} - {"words"}:
        parser.parse(unit)


@pytest.mark.parametrize("name", FIELDS)
def test_a_description_has_one_kind_of_limit(name: str) -> None:
    parameter = described()[name]
    ranged = (parameter.low is not None, parameter.high is not None)
    assert ranged in {(True, True), (False, False)}
    assert [ranged[0], bool(parameter.choices), parameter.fixed, name == "timezone"].count(True) == 1


@pytest.mark.parametrize("name", NUMBERS)
def test_a_default_lies_in_its_own_range(name: str) -> None:
    parameter = NUMBERS[name]
    assert parameter.low <= parameter.value <= parameter.high
    assert parameter.low < parameter.high


@pytest.mark.parametrize("name", NUMBERS)
def test_a_site_may_go_to_either_end_of_a_range_and_no_further(name: str) -> None:
    parameter = NUMBERS[name]
    for end, step in ((parameter.low, -1), (parameter.high, 1)):
        assert getattr(in_force({name: end}), name) == end
        assert refused({name: end + step}).startswith(f"{name} is outside its allowed range")


@pytest.mark.parametrize(("smaller", "larger"), IN_ORDER)
def test_no_choice_of_a_site_turns_an_interval_inside_out(smaller: str, larger: str) -> None:
    assert bounds(described()[smaller])[1] <= bounds(described()[larger])[0]


def test_a_site_is_refused_what_the_source_is_quoted_for() -> None:
    """A card that says "the source: 60 mg" must not say 40 because a site moved it."""
    for name in ("steroid_alone_mg", "azathioprine_mgkg_high", "tacrolimus_mgkg", "prednisone_equivalents"):
        assert refused({name: described()[name].value}) == f"{name} is fixed; a site may not move it"


def test_an_override_changes_what_it_names_and_nothing_else() -> None:
    moved = in_force({"taper_min_days": 56, "severe_inr": Decimal("1.7"), "taper_last_max": Decimal("0.3")})
    assert (moved.taper_min_days, moved.severe_inr, moved.taper_last_max) == (56, Decimal("1.7"), Fraction(3, 10))
    usual = in_force()
    changed = {name for name in FIELDS if getattr(moved, name) != getattr(usual, name)}
    assert changed == {"taper_min_days", "severe_inr", "taper_last_max"}


def test_a_site_says_in_words_what_has_no_number() -> None:
    site = {"reinduction_scope": "any-autoimmune", "timezone": "Europe/Berlin", "not_offered": ["MedicationStatement"]}
    parameters = in_force(site)
    assert parameters.reinduction_scope == "any-autoimmune"
    assert parameters.timezone == "Europe/Berlin"
    assert parameters.not_offered == ("MedicationStatement",)


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ({"taper_min_day": 28}, "taper_min_day is not a parameter"),
        ({"taper_min_days": "28"}, "taper_min_days must be a number"),
        ({"taper_min_days": True}, "taper_min_days must be a number"),
        ({"taper_min_days": 28.5}, "taper_min_days must be a number"),
        ({"taper_min_days": Decimal("nan")}, "taper_min_days must be a number"),
        ({"taper_min_days": Decimal("inf")}, "taper_min_days must be a number"),
        ({"taper_min_days": Decimal("30.5")}, "Expected `int`, got `decimal` - at `$.taper_min_days`"),
        ({"taper_min_days": 27}, "taper_min_days is outside its allowed range (28 to 180 d)"),
        ({"reinduction_scope": "all"}, "reinduction_scope must be one of autoimmune-hepatitis, any-autoimmune"),
        ({"reinduction_scope": ["any-autoimmune"]}, "Expected `str`, got `array` - at `$.reinduction_scope`"),
        ({"not_offered": "Condition"}, "Expected `array`, got `str` - at `$.not_offered`"),
        ({"timezone": "Mars/Olympus"}, "timezone is not a time zone"),
        ({"timezone": "../../etc/passwd"}, "timezone is not a time zone"),
        ({"timezone": "Europe"}, "timezone is not a time zone"),
        ({"timezone": 1}, "timezone is not a time zone"),
    ],
)
def test_a_bad_override_is_refused_by_name(site: dict[str, object], said: str) -> None:
    assert refused(site) == said


def test_a_misspelt_resource_type_is_refused() -> None:
    assert refused({"not_offered": ["Condition", "Medicationstatement"]}).startswith("not_offered must be one of Allergy")
