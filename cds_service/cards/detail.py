"""The detail of a card as GitHub-flavoured Markdown, laid out to be read in five seconds.

What happened first and in bold, why it matters, the options, what is unknown, where sources differ, and one closing line
with what must stand on every card.
"""

import re
from collections.abc import Sequence
from functools import cache

from cds_service.cards.escaping import outside_markdown, own_markdown
from cds_service.cards.sentences import render
from cds_service.knowledge import claims
from cds_service.knowledge.finding import Evidence, Finding, Sentence, say

_INPUTS_SHOWN = 8  # the rest is counted here and listed in the basis
_REFERENCE_LENGTH = 100  # the longest resource type with the longest id
_PLAIN_REFERENCE = re.compile(r"[A-Za-z]+/[A-Za-z0-9-]{1,64}")  # holds nothing that could be markup: shown as it is


def detail(finding: Finding, *, ruleset: str, notes: Sequence[Sentence] = ()) -> str:
    """The detail of a finding's card; ``notes`` are lines about the answer as a whole, before the closing line."""
    blocks = [
        _happened(finding.happened),
        _paragraph("card-meaning", finding.meaning),
        _list("card-advice", finding.advice),
        _list("card-unknown", finding.unknown),
        _conflicts(finding.conflicts),
        *(_words(note) for note in notes),
        _closing(finding, ruleset),
    ]
    return "\n\n".join(block for block in blocks if block)


def _words(sentence: Sentence) -> str:
    return render(sentence, markdown=True)


@cache
def _heading(key: str) -> str:
    return f"**{_words(say(key))}**"


def _happened(sentences: Sequence[Sentence]) -> str:
    """The first sentence in bold, which is what a hurried reader takes away; the facts behind it as a list."""
    if not sentences:
        return ""
    first, *facts = (_words(sentence) for sentence in sentences)
    return _run_in(f"**{first}**", facts)


def _paragraph(key: str, sentences: Sequence[Sentence]) -> str:
    return " ".join([_heading(key), *(_words(sentence) for sentence in sentences)]) if sentences else ""


def _list(key: str, sentences: Sequence[Sentence]) -> str:
    return _run_in(_heading(key), [_words(sentence) for sentence in sentences]) if sentences else ""


def _run_in(head: str, items: list[str]) -> str:
    """One item stands on the line of its head, several make a list below it."""
    if len(items) < 2:
        return " ".join([head, *items])
    return "\n".join([head, "", *(f"- {item}" for item in items)])


def _conflicts(ids: Sequence[str]) -> str:
    if not ids:
        return ""
    heading = f"{_heading('card-conflicts')} {_words(say('card-no-choice'))}"
    return "\n".join([heading, "", *(_conflict(name) for name in ids)])


@cache
def _conflict(name: str) -> str:
    conflict = claims.conflicts()[name]
    sides = conflict.card.removeprefix(claims.CARD_OPENING).removesuffix(claims.CARD_ENDING).strip()
    return own_markdown(f"- {conflict.about}: (a) {sides}")


def _closing(finding: Finding, ruleset: str) -> str:
    closing = _words(say("card-closing", source=claims.SOURCE.label, rule=finding.question, ruleset=ruleset))
    inputs = list(dict.fromkeys(_input(evidence) for evidence in finding.evidence))
    if not inputs:
        return closing
    if more := len(inputs[_INPUTS_SHOWN:]):
        inputs[_INPUTS_SHOWN:] = [_words(say("card-more-inputs", count=more))]
    return f"{_words(say('card-based-on'))} {', '.join(inputs)}. {closing}"


def _input(evidence: Evidence) -> str:
    reference = evidence.reference
    if not _PLAIN_REFERENCE.fullmatch(reference):
        reference = outside_markdown(reference, length=_REFERENCE_LENGTH)
    return f"{reference} ({own_markdown(evidence.date)})" if evidence.date else reference
