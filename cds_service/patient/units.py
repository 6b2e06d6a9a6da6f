"""Units as laboratories and prescribers write them, and the factors to this project's canonical ones.

A unit that is not in these tables makes a number unusable: it is never guessed. Factors are exact decimals. Those between mass
and amount of substance rest on molar masses: bilirubin 584.66 and creatinine 113.12 g/mol by the customary factors 17.1 and 88.4,
glucose 0.05551, magnesium 0.4114, urea nitrogen 0.357 (mmol/L per mg/dL); tacrolimus 804.02, sirolimus 914.17, ciclosporin
1202.6 g/mol. HbA1c goes from IFCC to NGSP by the master equation NGSP = 0.09148 x IFCC + 2.152.
"""

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from msgspec import Struct

from cds_service.patient.facts import DoseUnit, Quantity

D = Decimal

_SPELLINGS = {
    "mg/dl": ("mg/dl", "mg%", "mg/100ml"),
    "g/dl": ("g/dl", "gm/dl", "g%", "g/100ml"),
    "g/l": ("g/l", "gm/l", "mg/ml"),
    "mg/l": ("mg/l", "ug/ml", "mcg/ml"),
    "ug/l": ("ug/l", "ng/ml", "mcg/l"),
    "ug/dl": ("ug/dl", "mcg/dl"),
    "mmol/l": ("mmol/l",),
    "umol/l": ("umol/l", "mcmol/l"),
    "nmol/l": ("nmol/l",),
    "meq/l": ("meq/l",),
    "u/l": ("u/l", "[iu]/l", "iu/l", "mu/ml", "units/l", "unit/l"),
    "ukat/l": ("ukat/l",),
    "nkat/l": ("nkat/l",),
    "10*9/l": (
        "10*9/l", "10e9/l", "x10*9/l", "x10e9/l", "giga/l", "g/l", "10*3/ul", "10e3/ul", "x10*3/ul", "x10e3/ul", "k/ul",
        "10*3/mcl", "k/mcl", "10*3/mm3", "x10*3/mm3", "k/mm3", "thousand/ul", "thou/ul", "th/ul", "1000/ul", "thousand/mcl",
        "10(9)/l", "x10(9)/l", "10(3)/ul", "x10(3)/ul", "/nl", "gpt/l",
    ),
    "/ul": ("/ul", "/mm3", "cells/ul", "{cells}/ul", "10*6/l", "/mcl"),
    "1": ("1", "", "{inr}", "inr", "ratio", "{ratio}"),
    "ml/min/{1.73_m2}": (
        "ml/min/{1.73_m2}", "ml/min/1.73m2", "ml/min/1.73.m2", "ml/min/1.73_m2", "ml/min/{1.73m2}", "ml/min/1.73*m2",
        "ml/min/1.73sqm", "ml/min/1.73", "ml/min/{1.73.m2}", "ml/min/1.73m*2", "ml/min/1.73m(2)", "ml/min/{1.73m*2}",
    ),
    "ml/s/{1.73_m2}": ("ml/s/{1.73_m2}", "ml/s/1.73m2", "ml/s/1.73.m2", "ml/s/1.73m*2"),
    "kg": ("kg", "kgs", "kilogram", "kilograms"),
    "g": ("g", "gm", "gram", "grams"),
    "[lb_av]": ("[lb_av]", "lb", "lbs", "pound", "pounds"),
    "cm": ("cm",),
    "m": ("m",),
    "[in_i]": ("[in_i]", "in", "inch", "inches"),
    "%": ("%", "{ngsp}%", "%{ngsp}", "%{hb}", "%{hgb}", "%{total}"),
    "mmol/mol": ("mmol/mol", "mmol/mol{hb}", "mmol/mol{hgb}"),
    "mm/h": ("mm/h", "mm/hr", "mm/1h", "mm/hour"),
    "mg/g": ("mg/g", "mg/g{creat}", "mg/g{creatinine}", "mg/gcr", "mg/gcrea", "mg/gcreat", "mg/gcreatinine", "ug/mg"),
    "mg/mg": ("mg/mg", "g/g", "mg/mg{creat}", "g/g{creat}", "g/g{creatinine}", "mg/mgcr", "mg/mgcreat", "g/gcr", "g/gcreat"),
    "mg/mmol": (
        "mg/mmol", "mg/mmol{creat}", "mg/mmol{creatinine}", "mg/mmolcr", "mg/mmolcreat", "mg/mmolcreatinine", "g/mol",
        "g/mol{creat}",
    ),
    "mg/(24.h)": ("mg/(24.h)", "mg/24h", "mg/d", "mg/24hr", "mg/day"),
    "g/(24.h)": ("g/(24.h)", "g/24h", "g/d", "g/24hr", "g/day"),
    "[iu]/ml": ("[iu]/ml", "iu/ml"),
    "m[iu]/ml": ("m[iu]/ml", "miu/ml", "[iu]/l", "iu/l"),
    "[arb'u]/ml": ("[arb'u]/ml", "au/ml", "u/ml"),
    "mm[hg]": ("mm[hg]", "mmhg"),
    "/[hpf]": ("/[hpf]", "/hpf", "{cells}/[hpf]", "cells/hpf", "/hp", "#/hpf", "{#}/[hpf]"),
    "/[lpf]": ("/[lpf]", "/lpf", "{casts}/[lpf]", "casts/lpf", "/lp", "#/lpf", "{#}/[lpf]"),
    "ml": ("ml", "milliliter", "millilitre"),
    "l": ("l", "liter", "litre"),
    "cm[h2o]": ("cm[h2o]", "cmh2o", "cm.h2o"),
    "kpa": ("kpa",),
    "ms": ("ms", "msec", "millisecond", "milliseconds"),
    "{score}": ("{score}", "score", "{points}", "points", "{total}"),
}  # fmt: skip
"""Spellings met in practice, by the canonical one of each, all as ``_plain`` leaves them."""

_LONGEST_UNIT = 40


class _Line(Struct, frozen=True, gc=False):
    """From one unit to the canonical one: times ``factor``, plus ``offset``."""

    factor: Decimal
    offset: Decimal = D(0)


class _Analyte(Struct, frozen=True):
    """The canonical unit and, by the key of a spelling, what turns other units into it."""

    unit: str
    lines: dict[str, _Line]


def _analyte(unit: str, factors: dict[str, str]) -> _Analyte:
    """An analyte whose other units need a factor only."""
    return _Analyte(unit, {key: _Line(D(factor)) for key, factor in factors.items()})


_ENZYME = _analyte("U/L", {"u/l": "1", "ukat/l": "60", "nkat/l": "0.06"})
_BILIRUBIN = _analyte("umol/L", {"umol/l": "1", "mg/dl": "17.1", "mg/l": "1.71", "mmol/l": "1000"})
_PROTEIN = _analyte("g/L", {"g/l": "1", "g/dl": "10", "mg/dl": "0.01", "mg/l": "0.001"})
_CELLS = _analyte("10*9/L", {"10*9/l": "1", "/ul": "0.001"})
_ION = _analyte("mmol/L", {"mmol/l": "1", "meq/l": "1"})
_GLUCOSE = _analyte("mmol/L", {"mmol/l": "1", "mg/dl": "0.05551"})
_RATIO = _analyte("mg/g", {"mg/g": "1", "mg/mg": "1000", "mg/mmol": "8.84"})
_ARBITRARY = _analyte("[arb'U]/mL", {"[arb'u]/ml": "1"})
_PRESSURE = _analyte("mm[Hg]", {"mm[hg]": "1"})
_WORDED = _Analyte("", {})

_ANALYTES = {
    **dict.fromkeys(("alt", "ast", "alp", "ggt", "creatine_kinase"), _ENZYME),
    **dict.fromkeys(("bilirubin", "bilirubin_direct", "bilirubin_conjugated", "bilirubin_indirect"), _BILIRUBIN),
    **dict.fromkeys(("albumin", "igg", "c3", "c4", "hemoglobin"), _PROTEIN),
    **dict.fromkeys(("wbc", "neutrophils", "lymphocytes", "platelets"), _CELLS),
    **dict.fromkeys(("potassium", "sodium"), _ION),
    **dict.fromkeys(("glucose", "glucose_fasting"), _GLUCOSE),
    **dict.fromkeys(("upcr", "uacr"), _RATIO),
    **dict.fromkeys(("mpo", "pr3"), _ARBITRARY),
    **dict.fromkeys(("blood_pressure_systolic", "blood_pressure_diastolic"), _PRESSURE),
    **dict.fromkeys(
        ("hbsag", "anti_hbc", "anti_hbc_igm", "tpmt", "tpmt_nudt15", "nudt15", "igra", "pregnancy_test", "pregnancy_status",
         "anca", "ana", "sma"), _WORDED),
    "inr": _analyte("1", {"1": "1"}),
    "creatinine": _analyte("umol/L", {"umol/l": "1", "mg/dl": "88.4", "mg/l": "8.84", "mmol/l": "1000"}),
    "egfr": _analyte("mL/min/{1.73_m2}", {"ml/min/{1.73_m2}": "1", "ml/s/{1.73_m2}": "60"}),
    "magnesium": _analyte("mmol/L", {"mmol/l": "1", "mg/dl": "0.4114", "meq/l": "0.5"}),
    "calcium": _analyte("mmol/L", {"mmol/l": "1", "mg/dl": "0.2495", "meq/l": "0.5"}),
    "qtc": _analyte("ms", {"ms": "1"}),
    "urea_nitrogen": _analyte("mmol/L", {"mmol/l": "1", "mg/dl": "0.357"}),
    "hba1c": _Analyte("%", {"%": _Line(D(1)), "mmol/mol": _Line(D("0.09148"), D("2.152"))}),
    "crp": _analyte("mg/L", {"mg/l": "1", "mg/dl": "10", "ug/l": "0.001"}),
    "esr": _analyte("mm/h", {"mm/h": "1"}),
    "dsdna": _analyte("[IU]/mL", {"[iu]/ml": "1"}),
    "urine_protein_24h": _analyte("mg/(24.h)", {"mg/(24.h)": "1", "g/(24.h)": "1000"}),
    "tacrolimus": _analyte("ug/L", {"ug/l": "1", "nmol/l": "0.80402", "ug/dl": "10"}),
    "sirolimus": _analyte("ug/L", {"ug/l": "1", "nmol/l": "0.91417"}),
    "cyclosporine": _analyte("ug/L", {"ug/l": "1", "nmol/l": "1.2026"}),
    "hbv_dna": _analyte("[IU]/mL", {"[iu]/ml": "1"}),
    "anti_hbs": _analyte("m[IU]/mL", {"m[iu]/ml": "1"}),
    "hcg": _analyte("m[IU]/mL", {"m[iu]/ml": "1"}),
    "weight": _analyte("kg", {"kg": "1", "g": "0.001", "[lb_av]": "0.45359237"}),
    "height": _analyte("cm", {"cm": "1", "m": "100", "[in_i]": "2.54"}),
    "fvc": _analyte("mL", {"ml": "1", "l": "1000"}),
    **dict.fromkeys(("nif", "mep"), _analyte("cm[H2O]", {"cm[h2o]": "1", "kpa": "10.19716"})),
    **dict.fromkeys(("mg_adl", "qmg"), _analyte("{score}", {"{score}": "1", "1": "1"})),
    **dict.fromkeys(("urine_rbc", "urine_acanthocytes"), _analyte("/[HPF]", {"/[hpf]": "1"})),
    **dict.fromkeys(("urine_rbc_casts", "urine_wbc_casts"), _analyte("/[LPF]", {"/[lpf]": "1"})),
}  # fmt: skip


def unit_of(analyte: str) -> str:
    """The canonical UCUM unit of an analyte; empty where results are words.

    Raises:
        KeyError: there is no such analyte.
    """
    return _ANALYTES[analyte].unit


def _plain(unit: str) -> str:
    """A unit without the differences that mean nothing: spaces, case, the sign for micro, the sign for a power."""
    return "".join(unit.split()).replace("µ", "u").replace("μ", "u").replace("^", "*").replace("²", "2").lower()


@lru_cache(maxsize=1024)
def _line(analyte: str, unit: str) -> _Line | None:
    known = _ANALYTES.get(analyte, _WORDED)
    plain = _plain(unit[:_LONGEST_UNIT])
    return next((line for key, line in known.lines.items() if plain in _SPELLINGS[key]), None)


def canonical(analyte: str, value: Decimal, unit: str) -> Quantity | None:
    """The value in the analyte's canonical unit; None where the unit (or the analyte) is not known."""
    line = _line(analyte, unit)
    if line is None:
        return None
    return Quantity(value * line.factor + line.offset if line.offset else value * line.factor, _ANALYTES[analyte].unit)


_SIGNED = frozenset({"nif", "mep"})
_NEVER_ZERO = frozenset(
    {
        *("alt", "ast", "alp", "ggt", "creatine_kinase", "bilirubin", "albumin", "igg", "hemoglobin"),
        *("creatinine", "egfr", "potassium", "sodium", "magnesium", "glucose", "glucose_fasting", "hba1c", "inr"),
        *("weight", "height", "fvc"),
    }
)


def possible(analyte: str, value: Decimal) -> bool:
    """Whether a living person can have this number at all: systems write 0 or -1 for a result that failed."""
    return analyte in _SIGNED or value > 0 or (value == 0 and analyte not in _NEVER_ZERO)


_PIECES = (
    "1", "each", "{tablet}", "{tablets}", "{tbl}", "{tab}", "tablet", "tablets", "tablet(s)", "tab", "tabs", "tbl", "{capsule}",
    "{capsules}", "{cap}", "capsule", "capsules", "capsule(s)", "cap", "caps", "{pill}", "pill", "pills", "{sachet}", "sachet",
    "sachets",
)  # fmt: skip
_DOSE_UNITS = {
    **dict.fromkeys(_PIECES, (DoseUnit.PIECE, Fraction(1))),
    **dict.fromkeys(("ml", "milliliter", "millilitre"), (DoseUnit.ML, Fraction(1))),
    **{
        mass + per: (unit, factor)
        for mass, factor in (
            *dict.fromkeys(("mg", "milligram", "milligrams"), Fraction(1)).items(),
            *dict.fromkeys(("ug", "mcg", "microgram", "micrograms"), Fraction(1, 1000)).items(),
            *dict.fromkeys(("g", "gram", "grams"), Fraction(1000)).items(),
        )
        for per, unit in (
            *dict.fromkeys(("", "/dose"), DoseUnit.MG).items(),
            *dict.fromkeys(("/d", "/day", "/24h", "/(24.h)"), DoseUnit.MG_PER_DAY).items(),
            *dict.fromkeys(("/kg", "/kg/dose"), DoseUnit.MG_PER_KG).items(),
            *dict.fromkeys(("/kg/d", "/kg/day", "/kg/24h", "/kg/(24.h)", "/(kg.d)"), DoseUnit.MG_PER_KG_PER_DAY).items(),
        )
    },
}


@lru_cache(maxsize=1024)
def dose_unit(unit: str) -> tuple[DoseUnit, Fraction] | None:
    """What one number with this code or text counts, and what to multiply it with; None where that is not known."""
    return _DOSE_UNITS.get(_plain(unit[:_LONGEST_UNIT]))
