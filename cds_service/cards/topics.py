"""The topics a card can have, in the order of their rank, and the reasons a clinician can give for overriding one.

The codes and systems are part of the outward contract and never change.
"""

from cds_service.knowledge.finding import Finding, Indicator
from cds_service.protocol.card import Coding

TOPIC_SYSTEM = "https://cds-service.github.io/CodeSystem/topic"
OVERRIDE_SYSTEM = "https://cds-service.github.io/CodeSystem/override-reason"
VERIFY = "verify-tacrolimus-status"

TOPICS = {
    code: Coding(code, TOPIC_SYSTEM, display)
    for code, display in (
        ("abrupt-stop-ordered", "Orders that would stop tacrolimus abruptly"),
        ("abrupt-stop", "Tacrolimus stopped abruptly"),
        ("rapid-taper", "Tacrolimus tapered too fast"),
        ("rebound", "Flare after tacrolimus was stopped"),
        (VERIFY, "Tacrolimus status to verify"),
        ("hold-without-plan", "Tacrolimus on hold without a plan"),
        ("formulation-switch", "Tacrolimus product changed"),
        ("calcineurin-inhibitor-overlap", "Two calcineurin inhibitors together"),
        ("calcineurin-inhibitor-switch", "Tacrolimus replaced by another calcineurin inhibitor"),
        ("transplant-recipient", "Tacrolimus stopped in a transplant recipient"),
        ("two-week-response", "Response to re-induction"),
        ("monitoring-due", "Laboratory check due"),
        ("steroid-course", "Steroid course"),
        ("cyp3a-interaction", "CYP3A interaction with tacrolimus"),
        ("tacrolimus-safety", "Tacrolimus level, kidney, electrolytes, nerves"),
        ("prescribing-safety", "Drafted drug against a safety check"),
        ("transplant-referral", "Referral for liver transplantation"),
        ("treatment-duration", "Reduction before remission has lasted"),
        ("discharge-omission", "Tacrolimus missing at discharge"),
    )
}

OVERRIDE_REASONS = tuple(
    Coding(code, OVERRIDE_SYSTEM, display)
    for code, display in (
        ("planned-taper", "Tapered under a specialist's plan"),
        ("replaced", "Replaced by another immunosuppressant"),
        ("held", "Held for toxicity or infection"),
        ("transplant-team", "Transplant team is managing this"),
        ("patient-decision", "Patient's decision, or non-adherence addressed"),
        ("diagnosis-excluded", "Diagnosis excluded"),
        ("data-wrong", "Data in the record are wrong"),
        ("will-review", "Will review the results"),
    )
)

_SAFETY_STOPS = frozenset({"calcineurin-inhibitor-overlap", "transplant-recipient", "prescribing-safety"})
_URGENCY = {indicator: rank for rank, indicator in enumerate(Indicator)}
_PLACE = {code: place for place, code in enumerate(TOPICS)}


def rank(finding: Finding) -> tuple[int, bool, int]:
    """Sorts findings: the most urgent first, among equals the safety stops, then in the order of the topics."""
    return _URGENCY[finding.indicator], finding.question not in _SAFETY_STOPS, _PLACE[finding.question]
