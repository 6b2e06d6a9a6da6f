"""A person in palliative or hospice care: what is found is information, and nobody is told to treat."""

from msgspec.structs import replace

from cds_service.knowledge.finding import CannotTell, Finding, Indicator, say
from cds_service.patient.facts import Record

GROUP = "palliative"
URGING = frozenset(
    {
        *("rebound-summary-relapse", "rebound-summary-severe"),
        *("flare-summary-relapse", "flare-summary-severe", "flare-summary-relapse-sign", "flare-summary-severe-sign"),
    }
)
"""Summaries that ask for a treatment to be reviewed; each has a twin that only tells."""


def judge(record: Record) -> bool:
    """Whether palliative or hospice care is on record and not over."""
    return any(GROUP in entry.groups and entry.active is not False for entry in record.problems or ())


def restrained(answer: Finding | CannotTell) -> Finding | CannotTell:
    """The answer as information, without advice, differing regimens, orders of drugs and referrals."""
    if isinstance(answer, CannotTell):
        return answer
    harmless = tuple(offer for offer in answer.offers if not (offer.drugs or offer.referrals or offer.keeps))
    summary = answer.summary
    if summary.key in URGING:
        summary = replace(summary, key=f"{summary.key}-told")
    return replace(
        answer, indicator=Indicator.INFO, summary=summary, advice=(say("palliative-care"),), offers=harmless, conflicts=()
    )
