"""The page of clinical questions (docs/clinical-questions.md), written from the stories.

Write it anew with ``python -m cds_service.stories.handbook > docs/clinical-questions.md``; a test checks that it is current.
"""

import sys
from collections.abc import Iterator, Sequence

from cds_service.knowledge.claims import questions
from cds_service.stories.story import ExpectedCard, ExpectedOffer, Kind, Story, stories

OPENING = """# Clinical questions

What each question answers, told by its stories. Every line is a test: the folder `fhir_fixtures/<question>/<story>/` holds the
request, the expected cards and the reason. This page is written from them (`python -m cds_service.stories.handbook`).
"""
SHAPES = ("wire-shapes", "Which shapes of a request are understood, whatever the question?")
PARTS = (
    (Kind.FIRES, "It speaks"),
    (Kind.NEAR_MISS, "On either side of a boundary"),
    (Kind.EXCLUSION, "It is not meant"),
    (Kind.NOT_SENT, "Something did not come"),
    (Kind.SENT_EMPTY, "Something came and is empty"),
    (Kind.SHAPE, "The shapes"),
)


def page(told: Sequence[Story]) -> str:
    """The whole page in Markdown: each built question with its stories, each story under the first of its kinds."""
    asked = [(question.name, question.asks) for question in questions().values() if question.built]
    sections = ["".join(_section(name, asks, [one for one in told if one.question == name])) for name, asks in (*asked, SHAPES)]
    return "\n".join([OPENING, *sections])


def _section(name: str, asks: str, told: Sequence[Story]) -> Iterator[str]:
    yield f"## `{name}`\n\n{asks}\n"
    for kind, heading in PARTS:
        ours = [one for one in told if next(part for part, _ in PARTS if part in one.kinds) is kind]
        if ours:
            yield f"\n**{heading}**\n\n| story | what comes back |\n|---|---|\n"
            yield from (f"| [{one.title}](../fhir_fixtures/{one.name}/story.md) | {_outcome(one)} |\n" for one in ours)


def _outcome(told: Story) -> str:
    if told.expected.status != 200:
        return f"status {told.expected.status}"
    return "; ".join(_card(card) for card in told.expected.cards) or "silence"


def _card(card: ExpectedCard) -> str:
    said = f"{card.indicator}: `{card.topic}`"
    if card.offers:
        said += ", offers " + "; ".join(_offer(offer) for offer in card.offers)
    if card.withholds:
        said += f", withholds {', '.join(card.withholds)}"
    return said


def _offer(offer: ExpectedOffer) -> str:
    together = [f" with {drug.drug} {drug.mg_per_day} mg" for drug in offer.with_]
    return f"{offer.drug} {offer.mg_per_day} mg{''.join(together)}"


if __name__ == "__main__":
    sys.stdout.write(page(list(stories())))
