"""What became of the cards: how often each question spoke, and how clinicians answered, from what the store keeps."""

from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction
from statistics import median

from msgspec import Struct

from cds_service.store import Act, History

CARDS_BY_TOPIC = """
SELECT topic, count(*) FROM answered_card WHERE answered_at >= {0} AND answered_at < {0} GROUP BY topic
"""
"""How many cards a period has, by topic; the marks are those of the database."""

ACTS = """
SELECT card, topic, outcome, answered_at, outcome_at, received_at, reason_code, reason_system, comment
FROM verdict WHERE answered_at >= {0} AND answered_at < {0} ORDER BY outcome_at, received_at, id
"""
"""Every act on those cards, in the order of the acts; the marks are those of the database."""

OTHER_REASON = "other"
"""A reason from another system than our own, or one we never offered."""

NO_REASON = "none"
"""An override without a coded reason."""


class Answers(Struct, frozen=True):
    """What became of the cards of one question, which is named as its topic.

    A card counts by its last act, and as ``ignored`` where there is none: clients report no others. ``reasons`` counts the
    overrides by their coded reason. ``median_response_s`` is the time from the answer to the first act, in seconds; None where
    there is no act. ``to_review`` marks a question that is overridden too often.
    """

    topic: str
    shown: int
    accepted: int
    overridden: int
    ignored: int
    reasons: dict[str, int]
    median_response_s: float | None
    to_review: bool


class Threshold(Struct, frozen=True):
    """When a question is overridden too often: from this share on, once it has spoken so often."""

    share: Fraction
    firings: int

    def crossed(self, shown: int, overridden: int) -> bool:
        """Whether so many overrides of so many cards are too many."""
        return shown >= self.firings and overridden >= self.share * shown


def answers(history: History, threshold: Threshold, *, reasons: Iterable[str], system: str) -> tuple[Answers, ...]:
    """What became of the cards of each question that spoke: those to review first, then those that spoke most.

    ``reasons`` are the codes that our cards offer, in ``system``. Clients may leave the system out; any other reason counts as
    other, so that nothing a client wrote gets into a report.
    """
    offered, by_topic = frozenset(reasons), dict[str, list[Act]]()
    for act in history.acts:
        by_topic.setdefault(act.topic, []).append(act)

    def reason(act: Act) -> str:
        if act.reason_code is None:
            return NO_REASON
        ours = act.reason_code in offered and act.reason_system in (None, "", system)
        return act.reason_code if ours else OTHER_REASON

    told = [_answers(topic, shown, by_topic.get(topic, []), threshold, reason) for topic, shown in history.cards.items()]
    return tuple(sorted(told, key=lambda one: (not one.to_review, -one.shown, one.topic)))


def _answers(topic: str, shown: int, acts: list[Act], threshold: Threshold, reason: Callable[[Act], str]) -> Answers:
    first = {act.card: act for act in reversed(acts)}
    last = {act.card: act for act in acts}
    overrides = [act for act in last.values() if act.outcome == "overridden"]
    return Answers(
        topic=topic,
        shown=shown,
        accepted=len(last) - len(overrides),
        overridden=len(overrides),
        ignored=shown - len(last),
        reasons=dict(Counter(map(reason, overrides)).most_common()),
        median_response_s=median(map(_response_s, first.values())) if first else None,
        to_review=threshold.crossed(shown, len(overrides)),
    )


def _response_s(act: Act) -> float:
    """Seconds from the answer to the act. The act's time is the client's: it counts only as far as our own clock bears it out."""
    acted_at = max(act.answered_at, min(act.outcome_at, act.received_at))
    return (acted_at - act.answered_at).total_seconds()
