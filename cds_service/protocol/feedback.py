"""What a clinician did with the cards: the feedback of CDS Hooks 2.0, one entry for each card."""

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from cds_service.protocol.schemas import schema
from cds_service.protocol.wire import BadRequest, parse_unique, refuse_hostile

COMMENT_LENGTH = 4000
"""How many characters of a user's comment are kept."""


class Feedback(Struct, frozen=True):
    """One entry: the card, ``accepted`` or ``overridden``, when (UTC), the suggestions taken (sorted), and the reason given.

    ``comment`` is free text that may name a patient: it is stored and neither sent back nor logged.
    """

    card: str
    outcome: str
    at: datetime
    suggestions: tuple[str, ...] = ()
    reason_code: str | None = None
    reason_system: str | None = None
    comment: str | None = None


def parse(body: bytes) -> tuple[Feedback, ...]:
    """Every entry of the body, in order. A body with one faulty entry is refused as a whole.

    Raises:
        BadRequest: not JSON, hostile JSON, or not feedback.
    """
    refuse_hostile(body)
    members = parse_unique(body)
    schema("feedback").check(members)
    return tuple(_entry(entry, place) for place, entry in enumerate(members["feedback"]))


def _entry(entry: dict[str, Any], place: int) -> Feedback:
    try:
        at = datetime.fromisoformat(entry["outcomeTimestamp"].upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(f"feedback.{place}.outcomeTimestamp", "must be a time of RFC 3339") from None
    given = entry.get("overrideReason") or {}
    reason, comment = given.get("reason") or {}, given.get("userComment")
    return Feedback(
        card=entry["card"],
        outcome=entry["outcome"],
        at=at,
        suggestions=tuple(sorted({one["id"] for one in entry.get("acceptedSuggestions") or ()})),
        reason_code=reason.get("code"),
        reason_system=reason.get("system"),
        comment=comment[:COMMENT_LENGTH] if comment else None,
    )
