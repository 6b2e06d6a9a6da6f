"""Units: exact factors, one canonical unit an analyte, and never a guess."""

from decimal import Decimal
from fractions import Fraction

import pytest
from ucumvert import PintUcumRegistry

from cds_service.patient.facts import DoseUnit, Quantity
from cds_service.patient.units import canonical, dose_unit, possible, unit_of

D = Decimal


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "expected"),
    [
        ("bilirubin", "2.5", "mg/dL", "42.75"),
        ("bilirubin", "42.75", "umol/L", "42.75"),
        ("bilirubin", "42.75", "µmol/L", "42.75"),
        ("bilirubin", "42.75", "μmol/l", "42.75"),
        ("creatinine", "1.0", "mg/dL", "88.40"),
        ("creatinine", "88.4", "mcmol/L", "88.4"),
        ("glucose", "100", "mg/dL", "5.55100"),
        ("magnesium", "2.0", "mg/dL", "0.82280"),
        ("magnesium", "1.6", "mEq/L", "0.80"),
        ("potassium", "4.2", "mEq/L", "4.2"),
        ("urea_nitrogen", "10", "mg/dL", "3.570"),
        ("igg", "1600", "mg/dL", "16.00"),
        ("igg", "16", "g/L", "16"),
        ("albumin", "4.2", "g/dL", "42.0"),
        ("alt", "40", "IU/L", "40"),
        ("alt", "40", "[IU]/L", "40"),
        ("alt", "1.5", "ukat/L", "90.0"),
        ("tacrolimus", "5.0", "ng/mL", "5.0"),
        ("tacrolimus", "5.0", "mcg/L", "5.0"),
        ("tacrolimus", "10", "nmol/L", "8.04020"),
        ("wbc", "6.5", "10*3/uL", "6.5"),
        ("wbc", "6.5", "K/uL", "6.5"),
        ("wbc", "6.5", "10^9/L", "6.5"),
        ("wbc", "6500", "/uL", "6.500"),
        ("platelets", "220", "10e3/uL", "220"),
        ("inr", "1.1", "{INR}", "1.1"),
        ("inr", "1.1", "", "1.1"),
        ("inr", "1.1", "ratio", "1.1"),
        ("egfr", "45", "mL/min/1.73m2", "45"),
        ("egfr", "45", "mL/min/1.73 m^2", "45"),
        ("egfr", "45", "mL/min/{1.73_m2}", "45"),
        ("egfr", "1.5", "mL/s/{1.73_m2}", "90.0"),
        ("wbc", "6.5", "/nL", "6.5"),
        ("wbc", "6.5", "x10(9)/L", "6.5"),
        ("upcr", "100", "mg/mmol creat", "884.00"),
        ("upcr", "1.2", "g/g{creat}", "1200.0"),
        ("upcr", "300", "mg/g creatinine", "300"),
        ("hba1c", "48", "mmol/mol{Hb}", "6.54304"),
        ("c3", "90", "mg/dL", "0.90"),
        ("fvc", "1.6", "L", "1600.0"),
        ("nif", "-3", "kPa", "-30.59148"),
        ("esr", "20", "mm/hour", "20"),
        ("weight", "100", "[lb_av]", "45.35923700"),
        ("weight", "3500", "g", "3.500"),
        ("hba1c", "6.5", "%", "6.5"),
        ("hba1c", "48", "mmol/mol", "6.54304"),
        ("upcr", "1.0", "mg/mg", "1000.0"),
        ("upcr", "100", "mg/mmol", "884.00"),
        ("crp", "0.8", "mg/dL", "8.0"),
    ],
)
def test_a_reported_value_becomes_the_canonical_one_exactly(analyte: str, value: str, unit: str, expected: str) -> None:
    assert canonical(analyte, D(value), unit) == Quantity(D(expected), unit_of(analyte))


@pytest.mark.parametrize(
    ("analyte", "unit"),
    [
        ("alt", "mg/dL"),
        ("alt", ""),
        ("creatinine", ""),
        ("creatinine", "mg"),
        ("egfr", "mL/min"),
        ("potassium", "mg/dL"),
        ("tacrolimus", "mg/L"),
        ("hbsag", "U/L"),
        ("no such analyte", "U/L"),
        ("alt", "U/L" * 1000),
    ],
)
def test_a_unit_that_does_not_belong_to_the_analyte_makes_the_number_unusable(analyte: str, unit: str) -> None:
    assert canonical(analyte, D(1), unit) is None


def test_the_canonical_units_are_those_the_project_agreed_on() -> None:
    assert {
        analyte: unit_of(analyte) for analyte in ("alt", "bilirubin", "igg", "inr", "egfr", "wbc", "tacrolimus", "weight")
    } == {
        "alt": "U/L",
        "bilirubin": "umol/L",
        "igg": "g/L",
        "inr": "1",
        "egfr": "mL/min/{1.73_m2}",
        "wbc": "10*9/L",
        "tacrolimus": "ug/L",
        "weight": "kg",
    }


def test_a_worded_test_has_no_unit_and_an_unknown_one_no_entry() -> None:
    assert unit_of("hbsag") == ""
    with pytest.raises(KeyError):
        unit_of("no such analyte")


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("mg", (DoseUnit.MG, Fraction(1))),
        ("MG", (DoseUnit.MG, Fraction(1))),
        ("ug", (DoseUnit.MG, Fraction(1, 1000))),
        ("mcg", (DoseUnit.MG, Fraction(1, 1000))),
        ("µg", (DoseUnit.MG, Fraction(1, 1000))),
        ("g", (DoseUnit.MG, Fraction(1000))),
        ("mg/d", (DoseUnit.MG_PER_DAY, Fraction(1))),
        ("mg/kg", (DoseUnit.MG_PER_KG, Fraction(1))),
        ("ug/kg", (DoseUnit.MG_PER_KG, Fraction(1, 1000))),
        ("mg/kg/d", (DoseUnit.MG_PER_KG_PER_DAY, Fraction(1))),
        ("mg/kg/day", (DoseUnit.MG_PER_KG_PER_DAY, Fraction(1))),
        ("{tablet}", (DoseUnit.PIECE, Fraction(1))),
        ("{pill}", (DoseUnit.PIECE, Fraction(1))),
        ("Capsule(s)", (DoseUnit.PIECE, Fraction(1))),
        ("TAB", (DoseUnit.PIECE, Fraction(1))),
        ("1", (DoseUnit.PIECE, Fraction(1))),
        ("mL", (DoseUnit.ML, Fraction(1))),
        ("application", None),
        ("%", None),
        ("drop", None),
        ("", None),
    ],
)
def test_a_dose_counts_milligrams_pieces_or_millilitres_or_nothing_known(
    unit: str, expected: tuple[DoseUnit, Fraction] | None
) -> None:
    assert dose_unit(unit) == expected


@pytest.fixture(scope="module")
def registry() -> PintUcumRegistry:
    return PintUcumRegistry()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("analyte", "unit"),
    [
        ("igg", "mg/dL"),
        ("igg", "mg/L"),
        ("albumin", "g/dL"),
        ("wbc", "10*3/uL"),
        ("wbc", "/uL"),
        ("alt", "ukat/L"),
        ("alt", "nkat/L"),
        ("tacrolimus", "ng/mL"),
        ("tacrolimus", "ug/dL"),
        ("crp", "mg/dL"),
        ("weight", "[lb_av]"),
        ("weight", "g"),
        ("height", "[in_i]"),
        ("height", "m"),
        ("bilirubin", "mmol/L"),
        ("upcr", "mg/mg"),
    ],
)
def test_the_factors_agree_with_ucum_where_no_molar_mass_is_needed(registry: PintUcumRegistry, analyte: str, unit: str) -> None:
    ours = canonical(analyte, D(1), unit)
    assert ours is not None
    theirs = registry.from_ucum(unit).to(registry.from_ucum(ours.unit)).magnitude
    assert float(ours.value) == pytest.approx(float(theirs), rel=1e-9)


@pytest.mark.parametrize(
    ("analyte", "value", "expected"),
    [
        ("alt", "0.1", True),
        ("alt", "0", False),
        ("alt", "-1", False),
        ("crp", "0", True),
        ("crp", "-1", False),
        ("nif", "-25", True),
    ],
)
def test_what_nobody_alive_can_have_is_no_result(analyte: str, value: str, expected: bool) -> None:
    assert possible(analyte, Decimal(value)) is expected
