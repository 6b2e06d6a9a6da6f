"""Which findings become cards: ranked, at most three, with everything that could not be checked said in one of them."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from cds_service.cards.topics import TOPICS, VERIFY, rank
from cds_service.knowledge.finding import CannotTell, Evidence, Finding, Indicator, Sentence, say

MOST_CARDS = 3


class Ranked(Struct, frozen=True):
    """The findings that are shown, the most urgent first, and those the cap leaves out."""

    shown: tuple[Finding, ...]
    left_out: tuple[Finding, ...]


def ranked(answers: Sequence[Finding | CannotTell]) -> Ranked:
    """The findings in order. What could not be told goes into the most urgent card, or makes the one card there is."""
    findings = sorted((answer for answer in answers if isinstance(answer, Finding)), key=rank)
    untold = [answer for answer in answers if isinstance(answer, CannotTell)]
    if untold and not findings:
        findings = [_unchecked(untold)]
    elif untold:
        findings[0] = _with_unknown(findings[0], untold, said=[s for f in findings[:MOST_CARDS] for s in f.unknown])
    return Ranked(tuple(findings[:MOST_CARDS]), tuple(findings[MOST_CARDS:]))


def also_found(left_out: Sequence[Finding]) -> tuple[Sentence, ...]:
    """The line that names the findings without a card; nothing where there are none."""
    topics = tuple(f"{TOPICS[finding.question].display} ({finding.indicator})" for finding in left_out)
    return (say("card-also", topics=topics),) if topics else ()


def _unchecked(untold: Sequence[CannotTell]) -> Finding:
    """The one card that stands where no other says what is missing."""
    empty = Finding(
        question=VERIFY,
        indicator=Indicator.INFO,
        exposure_class=untold[0].exposure_class,
        summary=say("card-unchecked-summary"),
        happened=(say("card-unchecked"),),
        meaning=(say("card-unchecked-meaning"),),
        advice=(say("card-unchecked-advice"),),
    )
    return _with_unknown(empty, untold, said=[])


def _with_unknown(finding: Finding, untold: Sequence[CannotTell], *, said: Sequence[Sentence]) -> Finding:
    missing: list[Sentence] = []
    evidence: list[Evidence] = list(finding.evidence)
    for answer in untold:
        missing += (sentence for sentence in answer.missing if sentence not in said and sentence not in missing)
        evidence += (item for item in answer.evidence if item not in evidence)
    return replace(finding, unknown=finding.unknown + tuple(missing), evidence=tuple(evidence))
