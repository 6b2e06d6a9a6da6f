"""The feedback report: what became of the cards, for whoever tunes the rules; as a page, as text and as data.

It holds counts and closed words. What clinicians wrote is no part of it, and is given out only where it is asked for by name.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct

from cds_service.cards.topics import OVERRIDE_REASONS, OVERRIDE_SYSTEM, TOPICS
from cds_service.knowledge.parameters import Parameters
from cds_service.store import History, Store
from cds_service.store.report import NO_REASON, OTHER_REASON, Answers, Threshold, answers

REASONS = {reason.code: str(reason.display) for reason in OVERRIDE_REASONS} | {
    OTHER_REASON: "Another reason",
    NO_REASON: "No reason given",
}
"""The reasons of a report in words."""

_FIRST = date(1970, 1, 1)
"""A day before any card was answered."""


class Report(Struct, frozen=True):
    """What became of the cards of a period of whole days, the last one included; None where it has no beginning or end."""

    since: date | None
    until: date | None
    threshold: Threshold
    questions: tuple[Answers, ...]
    history: History


def report(store: Store, parameters: Parameters, *, since: date | None = None, until: date | None = None) -> Report:
    """The report on a period in the site's days.

    Raises:
        StoreUnavailable: the store cannot be read now.
    """
    zone = ZoneInfo(parameters.timezone)
    begin = datetime.combine(max(since or _FIRST, _FIRST), time.min, zone)
    end = datetime.combine(until + timedelta(days=1) if until and until < date.max else date.max, time.min, zone)
    history = store.history(begin, end)
    threshold = Threshold(parameters.override_share, parameters.override_firings)
    found = answers(history, threshold, reasons=[reason.code for reason in OVERRIDE_REASONS], system=OVERRIDE_SYSTEM)
    return Report(since, until, threshold, found, history)


def page(told: Report) -> str:
    """The report as HTML."""
    environment = Environment(loader=PackageLoader("cds_service.web"), autoescape=True, undefined=StrictUndefined)
    words = {"topics": {code: coding.display for code, coding in TOPICS.items()}, "reasons": REASONS, "period": period(told)}
    return environment.get_template("report.html").render(report=told, lasted=lasted, share=share, **words)


def text(told: Report) -> str:
    """The report for a terminal."""
    return "\n".join(_lines(told))


def _lines(told: Report) -> Iterator[str]:
    yield f"Cards answered {period(told)}, and what became of them"
    if not told.questions:
        yield "No card was answered."
        return
    heading = ("question", "shown", "accepted", "overridden", "ignored", "median time")
    rows = [
        (one.topic, str(one.shown), share(one.accepted, one), share(one.overridden, one), share(one.ignored, one), lasted(one))
        for one in told.questions
    ]
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    for name, *numbers in (heading, *rows):
        yield "  ".join([name.ljust(widths[0]), *(one.rjust(width) for one, width in zip(numbers, widths[1:], strict=True))])
    for one in told.questions:
        for code, count in one.reasons.items():
            yield f"{one.topic}, overridden {count} {'time' if count == 1 else 'times'}: {REASONS[code]}"
    for one in told.questions:
        if one.to_review:
            yield f"REVIEW {one.topic}: {share(one.overridden, one)} of {one.shown} cards were overridden"


def data(told: Report, *, comments: bool = False) -> dict[str, Any]:
    """The report for programs; with ``comments`` also what clinicians wrote, which may name a patient."""
    found: dict[str, Any] = {
        "since": told.since,
        "until": told.until,
        "threshold": {"share": float(told.threshold.share), "firings": told.threshold.firings},
        "questions": msgspec.to_builtins(told.questions),
    }
    if comments:
        found["comments"] = [
            {"topic": act.topic, "outcome": act.outcome, "reason": act.reason_code, "at": act.outcome_at, "comment": act.comment}
            for act in told.history.acts
            if act.comment
        ]
    return found


def period(told: Report) -> str:
    """The period in words."""
    parts = [f"from {told.since}" if told.since else "", f"to {told.until}" if told.until else ""]
    return " ".join(part for part in parts if part) or "at any time"


def share(count: int, of: Answers) -> str:
    """A count with its share of the cards."""
    return f"{count} ({100 * count / of.shown:.0f} %)"


def lasted(one: Answers) -> str:
    """The median time to a response in words."""
    seconds = one.median_response_s
    if seconds is None:
        return "-"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
