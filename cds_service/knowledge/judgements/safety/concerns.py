"""What a check finds, and what it looks at."""

from collections.abc import Callable, Iterable
from enum import StrEnum

from msgspec import Struct

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Sentence, Term, Value
from cds_service.knowledge.judgements.treatment import Treatment, acts, ordered
from cds_service.knowledge.parameters import Parameters
from cds_service.patient import labs
from cds_service.patient.facts import Lab, Outside, Record
from cds_service.patient.when import days_between, shift


class Subject(StrEnum):
    """A treatment that a check can guard."""

    STEROID = "steroid"
    AZATHIOPRINE = "azathioprine"
    AZATHIOPRINE_FIXED = "azathioprine-fixed"  # the source's fixed 150 mg, over and above the checks of azathioprine
    TACROLIMUS = "tacrolimus"


class Verdict(StrEnum):
    """What a concern does to an order."""

    BLOCKED = "blocked"
    WARNING = "warning"
    QUESTION = "question"


class Concern(Struct, frozen=True):
    """What one check found: its name, what it does, to which treatments, and why in a sentence.

    ``lab`` is the result it rests on, ``conflicts`` are those of the knowledge base that it touches.
    """

    check: str
    verdict: Verdict
    subjects: frozenset[Subject]
    sentence: Sentence
    lab: Lab | None = None
    conflicts: tuple[str, ...] = ()


class Situation(Struct, frozen=True):
    """What the checks look at."""

    record: Record
    treatment: Treatment
    parameters: Parameters


Check = Callable[[Situation], Iterable[Concern]]

EVERY = frozenset(Subject)
THIOPURINE = frozenset({Subject.AZATHIOPRINE, Subject.AZATHIOPRINE_FIXED})
FIXED = frozenset({Subject.AZATHIOPRINE_FIXED})
STEROID = frozenset({Subject.STEROID})
CALCINEURIN = frozenset({Subject.TACROLIMUS})
GENES = frozenset({"tpmt", "nudt15", "tpmt_nudt15"})


def screening(at: Situation, *analytes: str) -> Lab | None:
    """The newest final result with a meaning."""
    found = [lab for lab in at.record.screening or () if lab.analyte in analytes and lab.concept and lab in labs.final([lab])]
    return max(found, key=lambda lab: lab.when.latest, default=None)


def newest(at: Situation, analyte: str) -> Lab | None:
    """The newest final number that is fresh enough to guard an order."""
    first = shift(at.record.asof, -at.parameters.safety_marker_fresh_days)
    fresh = labs.final(labs.between(at.record.measured.get(analyte, ()), first, at.record.asof))
    return fresh[0] if fresh else None


def problem(at: Situation, *groups: str) -> Outside | None:
    """The words of the first condition of these groups that is not over."""
    active = [entry for entry in at.record.problems or () if entry.groups & set(groups) and entry.active is not False]
    return active[0].text if active else None


def ever(at: Situation, *groups: str) -> Outside | None:
    """The words of the first condition of these groups, be it over or not."""
    found = [entry for entry in at.record.problems or () if entry.groups & set(groups)]
    return found[0].text if found else None


def age_of(at: Situation, lab: Lab) -> int:
    """How many days ago the sample was taken, at most."""
    return days_between(lab.when.earliest, at.record.asof)


def in_use(at: Situation, *classes: str) -> tuple[Term, ...]:
    """The medicines of these classes that run or are being ordered."""
    members = valuesets.drugs_in_class(*classes)
    uses = filter(acts, (*at.treatment.running.values(), *ordered(at.record)))
    return tuple(Term(name) for name in sorted({use.drug.ingredient or "" for use in uses} & members))


def low_salt(at: Situation) -> Lab | None:
    """A fresh potassium, calcium or magnesium that the laboratory's own range calls low."""
    found = [newest(at, analyte) for analyte in ("potassium", "calcium", "magnesium")]
    low = (lab for lab in found if lab is not None and lab.low is not None and labs.surely_below(lab, lab.low))
    return next(low, None)


def gene(at: Situation, concept: str) -> Lab | None:
    """The newest final result of either gene with a meaning."""
    found = [lab for lab in labs.final(at.record.screening or ()) if lab.analyte in GENES and lab.concept == concept]
    return max(found, key=lambda lab: lab.when.latest, default=None)


def low_counts(at: Situation) -> Iterable[tuple[Lab, dict[str, Value]]]:
    """Each count that is too low, with what there is to say of it."""
    limits = {
        "wbc": at.parameters.wbc_min,
        "neutrophils": at.parameters.neutrophils_min,
        "platelets": at.parameters.platelets_min,
    }
    for analyte, limit in limits.items():
        lab = newest(at, analyte)
        if lab is not None and lab.quantity is not None and labs.surely_below(lab, limit):
            yield lab, {"analyte": Term(analyte), "value": lab.quantity, "limit": limit}
