"""What was taken when, as a table a pharmacist can check against the chart: every stretch of one dose with what tells of it."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from cds_service.cards import sentences, values
from cds_service.knowledge.finding import say
from cds_service.knowledge.judgements import exposure, ordered_stop
from cds_service.knowledge.judgements.exposure import Exposure
from cds_service.knowledge.judgements.ordered_stop import OrderedStop
from cds_service.knowledge.judgements.usage import TACROLIMUS
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.facts import Outside, Record, Use
from cds_service.patient.tapers import Taper
from cds_service.patient.timeline import Segment
from cds_service.patient.when import days_between, shift

MOST_SOURCES = 6
"""How many resources of one stretch are listed; of more the first, the last and their number."""

HEADINGS = ("from", "to", "days", "mg/day", "confidence", "source")
_NUMBERS = frozenset({"days", "mg/day"})
NO_USE = "no recorded use"
UNKNOWN = "not known"


def timetable(record: Record, parameters: Parameters) -> str:
    """The table of the days on tacrolimus, and below it how the record is read: last dose, class, taper."""
    found = exposure.judge(record, parameters)
    line = found.line or exposure.daily_line(record, found.uses, parameters)
    title = f"Systemic tacrolimus in the record, as of {record.asof.isoformat()} (FHIR {record.fhir_version})"
    scale = "Doses on the scale of immediate-release capsules; an extended-release tablet counts " + _times(parameters)
    body = _table([*_rows(line), *_since(line, found, record)]) if line else ["No day of use is known."]
    ordered = ordered_stop.judge(record, found, parameters)
    return "\n".join([title, scale, "", *body, "", *_reading(found, ordered), *_rest(record, line)])


def _times(parameters: Parameters) -> str:
    return f"{values.number(1 / parameters.extended_release_tablet_factor)} times."


# --- the table


def _rows(line: Iterable[Segment]) -> Iterable[tuple[str, ...]]:
    for item in line:
        sources, relied = _sources(item), item.confidence.value if item.references else ""
        yield item.start.isoformat(), item.end.isoformat(), str(item.days), _dose(item), relied, sources[0]
        yield from (("", "", "", "", "", source) for source in sources[1:])


def _since(line: Sequence[Segment], found: Exposure, record: Record) -> Iterable[tuple[str, ...]]:
    """The days after the last dose."""
    begins = shift(line[-1].end, 1)
    if found.last_dose is not None and begins <= record.asof:
        days = days_between(begins, record.asof) + 1
        yield begins.isoformat(), record.asof.isoformat(), str(days), "0", "", NO_USE


def _dose(item: Segment) -> str:
    if item.between is not None:
        return " to ".join(values.number(end) for end in item.between)
    return UNKNOWN if item.dose is None else values.number(item.dose)


def _sources(item: Segment) -> list[str]:
    """The resources that tell of the days, as they are named in the chart."""
    named = [values.shown(Outside(reference), markdown=False) for reference in item.references]
    if not named:
        return [NO_USE]
    if len(named) <= MOST_SOURCES:
        return named
    return [named[0], f"and {len(named) - 2} more, up to", named[-1]]


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows in columns; numbers to the right."""
    widths = [max(len(row[place]) for row in (HEADINGS, *rows)) for place in range(len(HEADINGS))]
    return [_aligned(row, widths) for row in (HEADINGS, tuple("-" * width for width in widths), *rows)]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        text.rjust(width) if name in _NUMBERS else text.ljust(width)
        for name, text, width in zip(HEADINGS, row, widths, strict=True)
    )
    return "  ".join(cells).rstrip()


# --- how it is read


def _reading(found: Exposure, ordered: OrderedStop | None) -> list[str]:
    """Last dose, class and taper, one fact a line; of a stop that the request orders the taper that it would end."""
    facts = [("class", found.kind.value)]
    if found.doubt:
        facts.append(("why", sentences.render(say(found.doubt), markdown=False)))
    facts.append(("last dose", _last(found)))
    if found.told_by is not None:
        facts.append(("told by", f"{_named(found.told_by)} ({found.told_by.status.value})"))
    if found.reason is not None:
        facts.append(("recorded reason", values.shown(found.reason, markdown=False)))
    if ordered is not None:
        facts.append(("ordered stop", f"{_named(ordered.draft)} ({'hold' if ordered.hold else ordered.sign.value})"))
    facts += _taper(ordered.taper, ordered.days_before) if ordered else _taper(found.taper, found.days_before)
    if found.newest is not None:
        facts.append(("newest evidence", found.newest.isoformat()))
    width = max(len(name) for name, _ in facts) + 2
    return [f"{name + ':':<{width}}{told}" for name, told in facts]


def _last(found: Exposure) -> str:
    return "none recorded" if found.last_dose is None else values.day(found.last_dose)


def _taper(taper: Taper | None, days_before: int) -> list[tuple[str, str]]:
    if taper is None:
        return []
    return [
        ("taper", taper.kind.value),
        ("stable dose", _mg(taper.baseline)),
        ("dose at the end", _mg(taper.last)),
        ("largest step", _mg(taper.largest_step)),
        ("days of taper", f"{taper.days}, from {taper.began.isoformat()}" if taper.days else "0"),
        ("days of use", f"{days_before} in the half year before"),
    ]


def _mg(amount: Fraction | None) -> str:
    return UNKNOWN if amount is None else f"{values.number(amount)} mg/day"


def _named(use: Use) -> str:
    return values.shown(Outside(use.reference), markdown=False)


def _rest(record: Record, line: Sequence[Segment]) -> list[str]:
    """What of tacrolimus is in the record and not in the table, and what the request itself orders."""
    told = {reference for item in line for reference in item.references}
    rest = [use for use in record.uses if use.drug.ingredient == TACROLIMUS and use.reference not in told]
    drafts = [use for use in record.drafts if use.drug.ingredient == TACROLIMUS]
    parts = (("Also on record:", rest), ("In the request itself:", drafts))
    return [text for title, uses in parts if uses for text in ("", title, *(f"  {_stated(use)}" for use in uses))]


def _stated(use: Use) -> str:
    local = ", not systemic" if use.drug.systemic is False else "" if use.drug.systemic else ", route not recorded"
    return f"{_named(use)} ({'not to be given' if use.forbids else use.status.value}{local})"
