"""The kidney: has creatinine risen far above the person's own?"""

from cds_service.knowledge.parameters import Parameters
from cds_service.patient import labs
from cds_service.patient.facts import Lab, Record
from cds_service.patient.when import shift


def far_above_own(lab: Lab, record: Record, parameters: Parameters) -> bool:
    """Whether a creatinine is a multiple of the person's own baseline before it, as in acute kidney injury."""
    before = lab.when.earliest
    window = shift(before, -parameters.baseline_window_days), shift(before, -parameters.baseline_fallback_days)
    usual = labs.baseline(labs.of(record.markers or (), "creatinine"), before, window=window)
    return usual is not None and labs.surely_at_least(lab, usual.value * parameters.creatinine_aki_factor)


def risen_in_days(lab: Lab, record: Record, parameters: Parameters) -> bool:
    """Whether a creatinine lies so much above another of the two days before it."""
    first = shift(lab.when.latest, -parameters.creatinine_rise_days)
    earlier = labs.between(labs.final(labs.of(record.markers or (), "creatinine")), first, lab.when.earliest)
    lowest = min((labs.value(other) for other in earlier if other.comparator is None), default=None)
    return lowest is not None and labs.surely_at_least(lab, lowest + parameters.creatinine_rise_umol_l)
