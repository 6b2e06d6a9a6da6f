"""The detail of a card as GitHub-flavoured Markdown, laid out to be read in five seconds.

What happened first and in bold, why it matters, the options, what is unknown, where sources differ, what it is based on, and one
closing line with what must stand on every card. Short lists instead of paragraphs; the lead words of an item are in bold.
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
        _list("card-meaning", finding.meaning),
        _list("card-advice", finding.advice),
        _list("card-unknown", finding.unknown),
        _conflicts(finding.conflicts),
        *(_words(note) for note in notes),
        _based_on(finding.evidence),
        _words(say("card-closing", source=claims.SOURCE.label, rule=finding.question, ruleset=ruleset)),
    ]
    return "\n\n".join(block for block in blocks if block)


def _words(sentence: Sentence) -> str:
    return render(sentence, markdown=True)


def _items(sentences: Sequence[Sentence]) -> list[str]:
    """Sentences that share a list; the lead words of each are in bold."""
    return [render(sentence, markdown=True, lead=True) for sentence in sentences]


@cache
def _heading(key: str) -> str:
    return f"**{_words(say(key))}**"


def _happened(sentences: Sequence[Sentence]) -> str:
    """The first sentence in bold, which is what a hurried reader takes away; the facts behind it as a list."""
    if not sentences:
        return ""
    head = f"**{_words(sentences[0])}**"
    return _below(head, _items(sentences[1:])) if len(sentences) > 1 else head


def _list(key: str, sentences: Sequence[Sentence]) -> str:
    """One sentence stands on the line of its heading, several make a list below it."""
    if len(sentences) < 2:
        return " ".join([_heading(key), *map(_words, sentences)]) if sentences else ""
    return _below(_heading(key), _items(sentences))


def _below(head: str, items: Sequence[str]) -> str:
    return "\n".join([head, "", *(f"- {item}" for item in items)])


def _conflicts(ids: Sequence[str]) -> str:
    if not ids:
        return ""
    heading = f"{_heading('card-conflicts')} {_words(say('card-no-choice'))}"
    return _below(heading, [_conflict(name) for name in ids])


@cache
def _conflict(name: str) -> str:
    conflict = claims.conflicts()[name]
    sides = conflict.card.removeprefix(claims.CARD_OPENING).removesuffix(claims.CARD_ENDING).strip()
    return f"**{own_markdown(conflict.about)}** ({name}): (a) {own_markdown(sides)}"


def _based_on(evidence: Sequence[Evidence]) -> str:
    inputs = list(dict.fromkeys(_input(item) for item in evidence))
    if not inputs:
        return ""
    if more := len(inputs[_INPUTS_SHOWN:]):
        inputs[_INPUTS_SHOWN:] = [_words(say("card-more-inputs", count=more))]
    return f"{_words(say('card-based-on'))} {', '.join(inputs)}."


def _input(evidence: Evidence) -> str:
    reference = evidence.reference
    if not _PLAIN_REFERENCE.fullmatch(reference):
        reference = outside_markdown(reference, length=_REFERENCE_LENGTH)
    return f"{reference} ({own_markdown(evidence.date)})" if evidence.date else reference
