"""What holds of exposure and timeline whatever the record: of drawn histories, and of the stories with their entries mixed."""

import json
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from msgspec import structs

from cds_service.answer import Setting
from cds_service.knowledge.judgements import exposure
from cds_service.knowledge.judgements.exposure import Exposure
from cds_service.knowledge.judgements.usage import STOPPED, ExposureClass
from cds_service.knowledge.parameters import in_force
from cds_service.patient.facts import DoseUnit, Use, UseKind, UseStatus
from cds_service.patient.timeline import timeline
from cds_service.patient.when import When
from cds_service.stories.answering import hook_of, respond
from cds_service.stories.story import Story, stories
from tests.builders import TODAY, day, dispense, doses, drug, given, known, line, parameters, record, use

IN_FORCE = parameters()
quick = settings(deadline=None, max_examples=60)
STEPS = st.lists(st.tuples(st.integers(1, 8), st.integers(1, 120)), min_size=1, max_size=5)


def judged(*uses: Use) -> Exposure:
    return exposure.judge(record(*uses), IN_FORCE)


def verdict(found: Exposure) -> tuple[object, ...]:
    return found.kind, found.last_dose, found.days_before, found.taper


# --- splitting


@quick
@drawn(STEPS, st.sampled_from(list(UseKind)[:2]), st.data())
def test_a_use_told_in_two_pieces_is_judged_as_told_in_one(
    steps: list[tuple[int, int]], kind: UseKind, data: st.DataObject
) -> None:
    whole = [structs.replace(one, kind=kind) for one in doses(*steps)]
    place = data.draw(st.integers(0, len(whole) - 1))
    one = whole[place]
    first, last = known(one.start).earliest, known(one.end).earliest
    if first == last:
        return
    cut = first + timedelta(days=data.draw(st.integers(0, (last - first).days - 1)))
    pieces = (
        structs.replace(one, reference="piece/1", end=When.on(cut), status=UseStatus.COMPLETED),
        structs.replace(one, reference="piece/2", start=When.on(cut + timedelta(days=1))),
    )
    assert verdict(judged(*whole[:place], *pieces, *whole[place + 1 :])) == verdict(judged(*whole))


@quick
@drawn(st.lists(st.tuples(st.integers(2, 8), st.integers(1, 120)), min_size=1, max_size=4))
def test_a_dose_told_as_two_strengths_is_judged_as_told_as_one(steps: list[tuple[int, int]]) -> None:
    whole = doses(*steps)
    halves = [
        structs.replace(one, reference=f"{one.reference}/{strength}", drug=drug(strength=strength), lines=(line(part),))
        for one in whole
        for strength, part in ((1, 1), ("1/2", Fraction(one.lines[0].low or 0) - 1))
    ]
    assert verdict(judged(*halves)) == verdict(judged(*whole))


# --- administrations


@quick
@drawn(STEPS, st.integers(-60, -1), st.integers(-200, 0), st.integers(1, 8))
def test_a_dose_given_never_makes_a_stop_earlier(steps: list[tuple[int, int]], last: int, on: int, mg: int) -> None:
    uses = doses(*steps, last=last)
    alone, with_dose = judged(*uses), judged(*uses, given(on, lines=(line(mg, unit=DoseUnit.MG),)))
    assert alone.last_dose is not None
    assert with_dose.last_dose is not None
    assert with_dose.last_dose.latest == max(alone.last_dose.latest, day(on))


# --- partial dates


def one_of(kinds: set[ExposureClass]) -> ExposureClass:
    """The class that all completions share; unknown where they have none in common."""
    return next(iter(kinds)) if len(kinds) == 1 else ExposureClass.UNKNOWN


@settings(deadline=None, max_examples=40)
@drawn(st.integers(1, 8), st.integers(-60, -2), st.integers(0, 45))
def test_a_partial_end_says_exactly_what_all_its_days_say(mg: int, first: int, width: int) -> None:
    last = min(first + width, -1)
    before = doses((8, 200), last=first - 15)

    def ended(end: Any) -> Exposure:
        return judged(*before, use(mg=mg, start=first - 14, end=end))

    each = [ended(end) for end in range(first, last + 1)]
    partial = ended(When(day(first), day(last)))
    assert partial.kind is one_of({found.kind for found in each})
    if partial.kind in STOPPED:
        ends = [known(found.last_dose).earliest for found in each]
        assert partial.last_dose == When(min(ends), max(ends))
        assert partial.days_before == min(found.days_before for found in each)


@settings(deadline=None, max_examples=40)
@drawn(st.integers(1, 8), st.integers(-100, -20), st.integers(0, 45))
def test_a_partial_start_says_exactly_what_all_its_days_say(mg: int, first: int, width: int) -> None:
    last = min(first + width, -12)

    def begun(start: Any) -> Exposure:
        return judged(use(mg=8, start=-400, end=-110, status=UseStatus.COMPLETED), use(mg=mg, start=start, end=-10))

    each = [begun(start) for start in range(first, last + 1)]
    partial = begun(When(day(first), day(last)))
    assert partial.kind is one_of({found.kind for found in each})
    assert partial.days_before == min(found.days_before for found in each) or partial.kind is ExposureClass.UNKNOWN


# --- the total dose


def taken(*uses: Use) -> Fraction:
    """All mg of the timeline, with nothing put into its gaps."""
    line = timeline(uses, until=TODAY, gap_days=0, weight=lambda _: None, scale=lambda _: Fraction(1))
    return sum(((item.dose or 0) * item.days for item in line), Fraction())


@quick
@drawn(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 60), st.integers(0, 9)), min_size=1, max_size=6))
def test_the_total_of_supplies_is_what_was_handed_over(handed: list[tuple[int, int, int]]) -> None:
    """Each handed over some days before the one before is used up: what is left is used first."""
    begin = -500
    supplies = []
    for number, (mg, days, early) in enumerate(handed):
        on = begin - early if supplies else begin
        supplies.append(dispense(max(on, -500), days, reference=f"supply/{number}", supply_mg=Fraction(mg * days)))
        begin += days
    assert taken(*supplies) == sum(mg * days for mg, days, _ in handed)


@quick
@drawn(st.lists(st.tuples(st.integers(-300, 0), st.integers(1, 5)), min_size=1, max_size=12))
def test_the_total_of_doses_given_is_what_was_given(doses_given: list[tuple[int, int]]) -> None:
    each = [(on, line(mg, unit=DoseUnit.MG)) for on, mg in doses_given]
    every = [given(on, lines=(dose,), reference=f"given/{number}") for number, (on, dose) in enumerate(each)]
    assert taken(*every) == sum(mg for _, mg in doses_given)


@quick
@drawn(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 60), st.integers(1, 4), st.integers(1, 60)), min_size=1, max_size=4))
def test_the_total_of_strengths_side_by_side_is_the_total_of_each(steps: list[tuple[int, int, int, int]]) -> None:
    """Two strengths begun together, each for as long as it lasts; then the next two."""
    begin, uses = -600, []
    for number, (mg, days, other, length) in enumerate(steps):
        for strength, amount, lasting in ((1, mg, days), ("1/2", other, length)):
            more = {"reference": f"{number}/{strength}", "status": UseStatus.COMPLETED}
            uses.append(use(drug(strength=strength), amount, begin, begin + lasting - 1, **more))
        begin += max(days, length)
    assert taken(*uses) == sum(mg * days + other * length for mg, days, other, length in steps)


# --- the stories with their entries mixed

STORIES = {story.name: story for story in stories() if story.expected.status == 200}
SETTING = Setting(parameters=in_force(), base_url="https://cds.example.org")


def bundles(value: Any) -> Iterator[dict[str, Any]]:
    """The lists of a prefetch that are whole."""
    for part in value.values():
        if isinstance(part, dict) and part.get("resourceType") == "Bundle" and part.get("entry") and "link" not in part:
            yield part


def answers(story: Story, body: dict[str, Any]) -> list[tuple[object, ...]]:
    response = respond(json.dumps(body).encode(), hook=hook_of(story.service), asof=story.asof, setting=SETTING)
    basis = [card["extension"]["io.github.cds-service.basis"] for card in response.cards]
    return [
        (card["source"]["topic"]["code"], card["indicator"], found.get("class"), card["summary"])
        for card, found in zip(response.cards, basis, strict=True)
    ]


@pytest.mark.parametrize("name", STORIES)
def test_neither_order_nor_repetition_of_the_entries_changes_a_card(name: str) -> None:
    story, chance = STORIES[name], Random(name)  # noqa: S311 - no secret
    body = story.body()
    plain = answers(story, body)
    for bundle in bundles(body.get("prefetch") or {}):
        entries = bundle["entry"]
        bundle["entry"] = [*entries, *chance.sample(entries, k=(len(entries) + 1) // 2)]
        chance.shuffle(bundle["entry"])
        bundle.pop("total", None)
    assert answers(story, body) == plain
