"""Every number the rules use, each with its unit, origin and allowed range (parameters.toml); a site may move it inside.

Days are int. Doses and ratios of doses are Fraction (exact, so that a boundary is a boundary). Laboratory limits are
Decimal in the analyte's canonical unit (patient/units.py).
"""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct


class Parameters(Struct, frozen=True, kw_only=True):
    """The values in force; the meaning of each is in parameters.toml under the same name."""

    # exposure
    stop_lookback_days: int
    min_exposure_days: int
    min_exposure_window_days: int
    stale_days: int
    stop_near_days: int
    supply_grace_days: int
    supply_grace_fraction: Fraction
    weight_fresh_days: int
    weight_fresh_days_child: int
    dose_min_mg: Fraction
    dose_max_mg: Fraction
    extended_release_tablet_factor: Fraction
    # tapers
    taper_min_days: int
    taper_last_max: Fraction
    taper_step_max: Fraction
    taper_gap_days: int
    plateau_days: int
    plateau_min_days: int
    plateau_window_days: int
    baseline_fraction: Fraction
    low_end_fraction: Fraction
    low_end_max_days: int
    peak_window_days: int
    low_end_steps: int
    taper_plan_shares: tuple[Fraction, ...]
    taper_plan_step_days: int
    # when a past stop is shown
    past_stop_warning_days: int
    unrelated_draft_days: int
    # holds
    hold_plan_days: int
    hold_sign_days: int
    hold_inhibitor_days: int
    tacrolimus_level_critical: Decimal
    potassium_critical: Decimal
    creatinine_rise_umol_l: Decimal
    creatinine_rise_days: int
    # switches
    product_switch_before_days: int
    product_switch_after_days: int
    product_overlap_days: int
    product_ratio_low: Fraction
    product_ratio_high: Fraction
    product_ratio_far_low: Fraction
    product_ratio_far_high: Fraction
    product_level_days: int
    product_level_last_days: int
    extended_release_first_hours: int
    inhibitor_switch_days: int
    inhibitor_gap_hours: int
    planned_switch_before_days: int
    planned_switch_after_days: int
    slow_onset_days: int
    # discharge
    discharge_recent_days: int
    # flare of autoimmune hepatitis
    marker_fresh_days: int
    baseline_window_days: int
    baseline_fallback_days: int
    aih_relapse_xuln: Decimal
    aih_abnormal_baseline_factor: Decimal
    severe_bilirubin: Decimal
    severe_inr: Decimal
    uln_alt: Decimal
    uln_ast: Decimal
    uln_igg: Decimal
    remote_stop_min_tier: int
    # flare
    inflammation_crp: Decimal
    inflammation_crp_factor: Decimal
    inflammation_esr_factor: Decimal
    uln_esr: Decimal
    # lupus nephritis flare
    lupus_creatinine_high: Decimal
    lupus_creatinine_rise: Decimal
    lupus_creatinine_rise_high: Decimal
    lupus_creatinine_severe: Decimal
    lupus_creatinine_severe_high: Decimal
    lupus_upcr_low: Decimal
    lupus_upcr_low_to: Decimal
    lupus_upcr_middle_to: Decimal
    lupus_upcr_factor: Decimal
    lupus_upcr_severe_rise: Decimal
    lupus_urine_rbc_before: Decimal
    lupus_urine_rbc: Decimal
    lupus_acanthocytes: Decimal
    lupus_casts: Decimal
    lupus_dsdna_factor: Decimal
    lupus_complement_fall: Decimal
    lln_c3: Decimal
    lln_c4: Decimal
    # anca vasculitis flare
    anca_creatinine_factor: Decimal
    anca_creatinine_severe_factor: Decimal
    anca_urine_rbc: Decimal
    anca_upcr: Decimal
    anca_titre_factor: Decimal
    # myasthenia flare
    myasthenia_adl_rise: Decimal
    myasthenia_qmg_rise: Decimal
    myasthenia_vital_capacity: Decimal
    myasthenia_inspiratory: Decimal
    myasthenia_expiratory: Decimal
    # glomerular flare
    glomerular_upcr_factor: Decimal
    glomerular_upcr_doubled_min: Decimal
    glomerular_upcr_relapse: Decimal
    glomerular_upcr_complete: Decimal
    glomerular_partial_fall: Decimal
    glomerular_albumin: Decimal
    # re-induction
    reinduction_scope: str
    response_min_days: int
    adult_years: int
    steroid_alone_mg: Fraction
    steroid_combined_mg: Fraction
    steroid_treated_mg: Fraction
    steroid_days: int
    prednisone_equivalents: dict[str, Fraction]
    azathioprine_fixed_mg: Fraction
    azathioprine_start_mg: Fraction
    azathioprine_mgkg_low: Fraction
    azathioprine_mgkg_high: Fraction
    azathioprine_fixed_min_weight: Decimal
    tacrolimus_mgkg: Fraction
    tacrolimus_range_low_mg: Fraction
    tacrolimus_range_high_mg: Fraction
    tacrolimus_published_max_mg: Fraction
    tacrolimus_rounding_mg: Fraction
    tacrolimus_days: int
    tacrolimus_stable_days: int
    laboratory_recent_days: int
    laboratory_every_days: int
    laboratory_times: int
    laboratory_times_elsewhere: int
    tacrolimus_level_day: int
    # safety checks
    azathioprine_bilirubin_mg_dl: Decimal
    azathioprine_bilirubin_umol_l: Decimal
    egfr_withheld: Decimal
    egfr_warning: Decimal
    potassium_withheld: Decimal
    qtc_withheld: Decimal
    hba1c_diabetes: Decimal
    wbc_min: Decimal
    neutrophils_min: Decimal
    platelets_min: Decimal
    hepatitis_b_fresh_days: int
    safety_marker_fresh_days: int
    pregnancy_fresh_days: int
    childbearing_age_low: int
    childbearing_age_high: int
    weight_min_kg: Decimal
    weight_max_kg: Decimal
    creatinine_aki_factor: Decimal
    # drafted drugs
    xanthine_oxidase_fraction: Fraction
    pregnancy_second_test_days: int
    live_vaccine_steroid_mg: Fraction
    live_vaccine_steroid_mgkg: Fraction
    live_vaccine_steroid_days: int
    live_vaccine_azathioprine_mgkg: Fraction
    live_vaccine_methotrexate_mgkg: Fraction
    live_vaccine_wait_days: int
    # feedback
    override_share: Fraction
    override_firings: int
    # the site
    timezone: str
    not_offered: tuple[str, ...]


class Parameter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How parameters.toml describes one number: value, unit, origin mark, source, meaning, and what a site may make of it.

    A number has ``low`` and ``high``, a word ``choices`` where they are closed; what is ``fixed`` no site may move.
    """

    value: Any
    unit: str
    origin: str
    source: str
    meaning: str
    low: Any = None
    high: Any = None
    choices: tuple[str, ...] = ()
    fixed: bool = False


class ParameterError(ValueError):
    """A site's parameter that is unknown or out of its allowed range; the message names it."""


@cache
def grouped() -> dict[str, dict[str, Parameter]]:
    """Every parameter as parameters.toml describes it, by its group there."""
    text = files("cds_service.knowledge").joinpath("parameters.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text, parse_float=Decimal), dict[str, dict[str, Parameter]])


@cache
def described() -> dict[str, Parameter]:
    """The same by name alone."""
    return {name: parameter for group in grouped().values() for name, parameter in group.items()}


def _check(name: str, value: object) -> None:
    parameter = described().get(name)
    if parameter is None:
        raise ParameterError(f"{name} is not a parameter")
    if parameter.fixed:
        raise ParameterError(f"{name} is fixed; a site may not move it")
    if parameter.choices:
        given = value if isinstance(value, list | tuple) else (value,)
        if any(word not in parameter.choices for word in given):
            raise ParameterError(f"{name} must be one of {', '.join(parameter.choices)}")
    if parameter.low is not None:
        number = _number(name, value)
        if not parameter.low <= number <= parameter.high:
            raise ParameterError(f"{name} is outside its allowed range ({parameter.low} to {parameter.high} {parameter.unit})")
    if name == "timezone":
        _check_zone(name, value)


def _number(name: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ParameterError(f"{name} must be a number")
    number = Decimal(value)
    if not number.is_finite():
        raise ParameterError(f"{name} must be a number")
    return number


def _check_zone(name: str, value: object) -> None:
    try:
        ZoneInfo(str(value))
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ParameterError(f"{name} is not a time zone") from None


def _exact(kind: type, value: Any) -> Any:
    if kind is Fraction:
        return Fraction(value)
    raise NotImplementedError(kind.__name__)  # pragma: no cover - msgspec knows every other declared type


def in_force(site: Mapping[str, object] | None = None) -> Parameters:
    """The parameters with a site's own values put in.

    Raises:
        ParameterError: a name that is not a parameter, a wrong type, a value outside the allowed range.
    """
    values: dict[str, object] = {name: parameter.value for name, parameter in described().items()}
    for name, value in (site or {}).items():
        _check(name, value)
        values[name] = value
    try:
        return msgspec.convert(values, Parameters, dec_hook=_exact)
    except msgspec.ValidationError as error:
        raise ParameterError(str(error)) from None
