"""The account of a case in sentences that several questions share: how it ended, what the markers show, what is not known."""

from collections.abc import Iterable
from decimal import Decimal

from cds_service.knowledge.finding import Evidence, Sentence, Term, Value, say
from cds_service.knowledge.judgements.case import Case, of_lab, of_problem, of_use
from cds_service.knowledge.judgements.exposure import EXTENDED_RELEASE_TABLET
from cds_service.knowledge.judgements.flare import Flare, Reading, age_of
from cds_service.knowledge.judgements.flares import hepatitis
from cds_service.knowledge.judgements.usage import ExposureClass
from cds_service.patient.facts import Lab, Lost, Quantity, newest_first
from cds_service.patient.labs import as_reported, decides, rounded, value

HOW = {
    ExposureClass.ABRUPT_STOP: "stopped-abruptly",
    ExposureClass.RAPID_TAPER: "tapered-rapidly",
    ExposureClass.TAPER_COMPLETE: "tapered-completely",
}


def ending(case: Case) -> tuple[Sentence, ...]:
    """How tacrolimus ended if it was stopped, with the recorded reason and what covers the stop."""
    exposure = case.exposure
    taper, last = exposure.taper, exposure.last_dose
    sentences: list[Sentence] = []
    if last is not None and exposure.kind is ExposureClass.TAPER_UNKNOWN:
        sentences.append(say("stopped-taper-unknown", last=last))
    elif (
        last is not None and taper is not None and taper.baseline is not None and taper.last is not None and exposure.kind in HOW
    ):
        key = HOW[exposure.kind]
        if exposure.kind is ExposureClass.ABRUPT_STOP and taper.last == taper.baseline:
            key += "-at-maintenance"
        sentences.append(say(key, last=last, dose=taper.last, baseline=taper.baseline, days=taper.days))
    if sentences and exposure.told_by and exposure.told_by.drug.formulation == EXTENDED_RELEASE_TABLET:
        sentences.append(say("doses-on-scale", factor=case.parameters.extended_release_tablet_factor))
    if exposure.reason is not None:
        sentences.append(say("stop-reason", reason=exposure.reason))
    return (*sentences, *cover(case))


def cover(case: Case) -> tuple[Sentence, ...]:
    """The strongest steroid and the other immunosuppressants that are running or drafted now."""
    sentences: list[Sentence] = []
    if case.treatment.steroids:
        drug, mg = Term(case.treatment.steroids[0].drug.ingredient or ""), case.treatment.steroid_mg
        sentences.append(say("steroid-running", drug=drug) if mg is None else say("steroid-running-dose", drug=drug, dose=mg))
    names = tuple(Term(use.drug.ingredient or "") for use in case.treatment.replacement)
    return (*sentences, say("replacement-begun", drugs=names)) if names else tuple(sentences)


def markers(case: Case) -> tuple[Sentence, ...]:
    """Each marker once, with its value, the upper limit and the person's own baseline."""
    return tuple(marker(reading) for reading in _readings(case))


def _readings(case: Case) -> tuple[Reading, ...]:
    """The readings of every disease; a result that two of them rest on counts for the first."""
    found: dict[str, Reading] = {}
    for flare in case.flares:
        for reading in flare.readings:
            found.setdefault(f"{reading.lab.reference} {reading.lab.analyte}", reading)
    return tuple(found.values())


def marker(reading: Reading) -> Sentence:
    """One marker, against its limit where it has one and against the baseline where there is one."""
    lab = reading.lab
    if lab.quantity is None:
        return say("marker-newly", analyte=Term(lab.analyte), result=Term(lab.concept or ""), on=lab.when)
    values: dict[str, Value] = {"analyte": Term(lab.analyte), "value": as_reported(lab), "on": lab.when}
    key = "marker"
    if reading.times is None:
        key += "-plain"
    elif reading.times > 1 or not decides(lab, reading.upper):
        values["times"] = reading.shown_times
    else:
        key += "-normal"
    if reading.baseline is not None:
        key += "-baseline"
        values["baseline"] = _in_its_unit(reading.baseline.value, lab)
    return say(key, **values)


def _in_its_unit(usual: Decimal, lab: Lab) -> Quantity:
    """A number in the canonical unit as the laboratory would have reported it, with a decimal more than a whole number has."""
    shown = as_reported(lab)
    told = usual * (shown.value / value(lab) if value(lab) else Decimal(1))
    exponent = shown.value.as_tuple().exponent
    return Quantity(rounded(told, max(1, -exponent) if isinstance(exponent, int) else 1), shown.unit)


def flare_unknown(case: Case) -> tuple[Sentence, ...]:
    """Why a flare of each disease could not be judged, or what of it rests on an assumption; each sentence once."""
    found: list[Sentence] = []
    for flare in case.flares:
        found += [sentence for sentence in _unknown(case, flare) if sentence not in found]
    return tuple(found)


def _unknown(case: Case, flare: Flare) -> tuple[Sentence, ...]:
    sentences: list[Sentence] = []
    if "laboratory results" not in case.lost:
        if flare.old is not None:
            days = age_of(flare.old, case.record.asof)
            sentences.append(say("markers-old", analyte=Term(flare.old.analyte), days=days))
        elif flare.disease == hepatitis.DISEASE and not flare.judged and not flare.readings:
            sentences.append(say("no-recent-markers" if case.last_dose is None else "no-markers"))
        elif flare.missing:
            sentences.append(say("markers-missing", analytes=tuple(Term(analyte) for analyte in flare.missing)))
    sentences += flare.unknown
    sentences += [say("marker-unreadable", analyte=Term(lab.analyte), on=lab.when) for lab in _newest_of_each(flare.unreadable)]
    sentences += [
        say("marker-preliminary", analyte=Term(lab.analyte), value=as_reported(lab), on=lab.when)
        for lab in _newest_of_each(flare.preliminary)
    ]
    for reading in flare.readings:
        if reading.assumed:
            sentences.append(say("range-assumed", analyte=Term(reading.lab.analyte), limit=reading.upper or Decimal()))
        if reading.baseline is not None and reading.baseline.fallback:
            sentences.append(say("baseline-fallback", analyte=Term(reading.lab.analyte)))
    if flare.inr_ignored:
        sentences.append(say("inr-ignored"))
    return tuple(sentences)


def _newest_of_each(labs: Iterable[Lab]) -> Iterable[Lab]:
    """One result of each test, the newest: ten that cannot be read say no more than the last of them."""
    return {lab.analyte: lab for lab in reversed(newest_first(labs))}.values()


def lost(entries: Iterable[Lost]) -> tuple[Sentence, ...]:
    """What did not come, or not whole, one sentence a list."""
    return tuple(
        say(f"lost-{entry.loss.name.lower().replace('_', '-')}", what=entry.what, count=entry.count) for entry in entries
    )


CITED_AT_EITHER_END = 2
"""How many resources of one dose are cited where it was ordered again every day: the first and the last of them."""


def _cited(references: tuple[str, ...]) -> tuple[str, ...]:
    ends = CITED_AT_EITHER_END
    return references if len(references) <= 2 * ends else (*references[:ends], *references[-ends:])


def evidence(case: Case) -> tuple[Evidence, ...]:
    """Every resource the judgements of this case rest on, each once."""
    items = [of_use(case.exposure.told_by)] if case.exposure.told_by else []
    if case.exposure.taper is not None and case.exposure.line:
        by_reference = {use.reference: use for use in case.exposure.uses}
        began = [item for item in case.exposure.line if item.end >= case.exposure.taper.began] or [case.exposure.line[-1]]
        items += [of_use(by_reference[reference]) for item in began for reference in _cited(item.references)]
    items += [of_problem(problem) for problem in case.indication.problems]
    items += [of_lab(reading.lab) for reading in _readings(case)]
    for flare in case.flares:
        items += [of_lab(reading.lab) for reading in flare.hints]
        items += [of_lab(lab) for lab in (*flare.severity, *flare.preliminary)]
        items += [of_problem(problem) for problem in flare.signs]
    items += [of_use(use) for use in (*case.treatment.steroids, *case.treatment.replacement)]
    return tuple({item.reference: item for item in reversed(items)}.values())[::-1]
