"""Why tacrolimus was given: a transplant, an autoimmune disease, or nothing that the record tells."""

from enum import StrEnum

from msgspec import Struct

from cds_service.knowledge.judgements.usage import TACROLIMUS
from cds_service.patient.facts import Problem, Record

TRANSPLANT_ROLES = frozenset({"transplant", "transplant_unspecified"})
GRAFT_VERSUS_HOST = "GVHD"
AUTOIMMUNE_HEPATITIS = "autoimmune_hepatitis"


class IndicationKind(StrEnum):
    """The answer, in the order in which it decides."""

    TRANSPLANT = "transplant"
    AUTOIMMUNE = "autoimmune"
    NONE = "no-indication"
    NOT_KNOWN = "indication-not-known"


class Indication(Struct, frozen=True):
    """The judgement.

    ``diseases`` are the autoimmune condition groups (also where a transplant decides: the disease may recur in the graft),
    ``problems`` the conditions and procedures it rests on, ``organ_stated`` False where a transplant code names no organ.
    """

    kind: IndicationKind
    diseases: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    organ_stated: bool = True

    @property
    def hepatitis(self) -> bool:
        """Whether autoimmune hepatitis is among the diseases."""
        return AUTOIMMUNE_HEPATITIS in self.diseases


def _lost(record: Record) -> bool:
    return any(lost.what == "conditions" for lost in record.lost)


def _transplants(record: Record) -> list[Problem]:
    entries = (record.problems or ()) + (record.procedures or ())
    return [entry for entry in entries if entry.roles & TRANSPLANT_ROLES or GRAFT_VERSUS_HOST in entry.groups]


def _autoimmune(record: Record) -> list[tuple[Problem, frozenset[str]]]:
    """Conditions that count: active ones with the role, and whatever the order or statement of tacrolimus itself points to."""
    uses = [use for use in (*record.uses, *record.drafts) if use.drug.ingredient == TACROLIMUS and use.drug.systemic is not False]
    named = {reference for use in uses for reference in use.indication_references}
    found = []
    for problem in record.problems or ():
        by_order = problem.reference in named
        counts = "indication" in problem.roles and (by_order or problem.active is not False)
        if counts or (by_order and "indication_possible" in problem.roles):
            found.append((problem, problem.groups))
    return found


def judge(record: Record) -> Indication:
    """The indication. A transplant decides before any autoimmune disease; what only the order names counts too."""
    autoimmune = _autoimmune(record)
    uses = [use for use in (*record.uses, *record.drafts) if use.drug.ingredient == TACROLIMUS]
    diseases = frozenset[str]().union(*(groups for _, groups in autoimmune), *(use.indications for use in uses))
    problems = tuple(problem for problem, _ in autoimmune)
    transplants = _transplants(record)
    if transplants:
        stated = any("transplant_unspecified" not in problem.roles for problem in transplants)
        return Indication(IndicationKind.TRANSPLANT, diseases, (*transplants, *problems), stated)
    if diseases:
        return Indication(IndicationKind.AUTOIMMUNE, diseases, problems)
    return Indication(IndicationKind.NOT_KNOWN if _lost(record) else IndicationKind.NONE)
