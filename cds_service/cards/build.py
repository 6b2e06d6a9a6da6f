"""From the answers of the questions to the cards of the response."""

from collections.abc import Sequence
from uuid import uuid4

from msgspec import Raw, Struct

from cds_service.cards.basis import basis, ruleset
from cds_service.cards.detail import detail
from cds_service.cards.escaping import shortened
from cds_service.cards.ranking import also_found, ranked
from cds_service.cards.sentences import render
from cds_service.cards.suggestions import Drafts
from cds_service.cards.topics import OVERRIDE_REASONS, TOPICS
from cds_service.knowledge import claims
from cds_service.knowledge.finding import CannotTell, Finding, Indicator, Sentence
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.facts import Record
from cds_service.protocol.card import Card, Source

SUMMARY_LENGTH = 139  # CDS Hooks: fewer than 140 characters


class _Frame(Struct, frozen=True):
    """What all cards of one answer share."""

    record: Record
    drafts: Drafts
    ruleset: str
    knowledge_url: str


def cards(
    answers: Sequence[Finding | CannotTell], record: Record, *, parameters: Parameters, base_url: str, own: Sequence[Raw] = ()
) -> tuple[Card, ...]:
    """The cards of one answer, the most urgent first; none where no question has anything to say.

    ``base_url`` is the service's public URL: each card links into its knowledge page. ``own`` are the client's own orders in the
    request, of which a suggestion may keep some.
    """
    findings = ranked(answers)
    frame = _Frame(record, Drafts(record, own), ruleset(parameters), f"{base_url.rstrip('/')}/knowledge")
    last = len(findings.shown) - 1
    return tuple(
        _card(finding, frame, notes=also_found(findings.left_out) if place == last else ())
        for place, finding in enumerate(findings.shown)
    )


def _card(finding: Finding, frame: _Frame, *, notes: Sequence[Sentence]) -> Card:
    suggestions = frame.drafts.suggestions(finding.offers)
    return Card(
        uuid=str(uuid4()),
        summary=shortened(render(finding.summary, markdown=False), SUMMARY_LENGTH),
        indicator=finding.indicator.value,
        source=Source(
            label=claims.SOURCE.label,
            url=f"{frame.knowledge_url}#{finding.question}",
            topic=TOPICS[finding.question],
        ),
        extension=basis(finding, asof=frame.record.asof, ruleset=frame.ruleset),
        detail=detail(finding, ruleset=frame.ruleset, notes=notes),
        suggestions=suggestions or None,
        selectionBehavior="at-most-one" if suggestions else None,
        overrideReasons=None if finding.indicator is Indicator.INFO else OVERRIDE_REASONS,
    )
