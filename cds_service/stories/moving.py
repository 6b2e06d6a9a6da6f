"""A story's request as if it were sent on another day: every date moved by the same number of days."""

import re
from calendar import monthrange
from datetime import date
from typing import Any

from cds_service.patient.when import days_between, shift
from cds_service.stories.story import Story, StoryError

_FULL = re.compile(r"(\d{4}-\d\d-\d\d)(T.*)?")
_PARTIAL = re.compile(r"(\d{4})(?:-(\d\d))?")
_DATE_ELEMENT = re.compile(r".*([dD]ate|[dD]ateTime|[pP]eriod|start|end|On|Time)$")
_NAMES = frozenset({"id", "reference", "fullUrl", "url", "hookInstance"})
_YEARS = range(1900, 2200)
"""Outside these years a date is none of the person's: half-typed (``0202-11-01``), or ``9999`` for an open end."""


def of_today(story: Story, today: date) -> dict[str, Any]:
    """The request of the story with its dates moved so that its own day becomes ``today``; ids stay as they are.

    Times of day and time zones stay. A partial date stays partial: it becomes the month or year that the middle of the moved
    time falls in, so a story that turns on one says ``shift: no``.

    Raises:
        StoryError: the story cannot be moved to another day.
    """
    if not story.movable and today != story.asof:
        raise StoryError(f"Story {story.name} holds on its own day only ({story.asof}): it cannot be moved to {today}.")
    moved: dict[str, Any] = _moved(story.body(), "", days_between(story.asof, today))
    return moved


def _moved(value: Any, name: str, days: int) -> Any:
    if isinstance(value, dict):
        return {key: inner if key in _NAMES else _moved(inner, key, days) for key, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner, name, days) for inner in value]
    return _moved_text(value, name, days) if isinstance(value, str) else value


def _moved_text(text: str, name: str, days: int) -> str:
    full = _FULL.fullmatch(text)
    if full is not None:
        day = _day(full[1])
        return text if day is None else f"{shift(day, days).isoformat()}{full[2] or ''}"
    partial = _PARTIAL.fullmatch(text) if _DATE_ELEMENT.fullmatch(name) else None
    return text if partial is None else _moved_partial(text, partial, days)


def _day(text: str) -> date | None:
    """The day of a full date, None where it is no day of a person's record."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in _YEARS else None


def _moved_partial(text: str, partial: re.Match[str], days: int) -> str:
    year, month = int(partial[1]), int(partial[2] or 0)
    if year not in _YEARS or month > 12:
        return text
    if not month:
        return f"{shift(date(year, 7, 2), days).year:04}"
    middle = shift(date(year, month, (monthrange(year, month)[1] + 1) // 2), days)
    return f"{middle.year:04}-{middle.month:02}"
