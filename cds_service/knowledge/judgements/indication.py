"""Why tacrolimus was given: a transplant, an autoimmune disease, or nothing that the record tells."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from cds_service.knowledge import valuesets
from cds_service.knowledge.judgements.usage import TACROLIMUS
from cds_service.patient.facts import Problem, Record, Use

UNSPECIFIED = "transplant_unspecified"
TRANSPLANT_ROLES = frozenset({"transplant", UNSPECIFIED})
DISEASE_ROLES = frozenset({"indication", "indication_possible"})
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

    @property
    def transplants(self) -> tuple[Problem, ...]:
        """The conditions and procedures that tell of a transplant; none where only the order of tacrolimus names it."""
        return tuple(problem for problem in self.problems if _is_transplant(problem))


def _lost(record: Record) -> bool:
    return any(lost.what == "conditions" for lost in record.lost)


def _tacrolimus(record: Record) -> tuple[Use, ...]:
    uses = (*record.uses, *record.drafts)
    return tuple(use for use in uses if use.drug.ingredient == TACROLIMUS and use.drug.systemic is not False)


def _is_transplant(problem: Problem) -> bool:
    return bool(problem.roles & TRANSPLANT_ROLES) or GRAFT_VERSUS_HOST in problem.groups


def _autoimmune(record: Record, uses: Iterable[Use]) -> tuple[Problem, ...]:
    """Conditions that count: active ones with the role, and whatever the order or statement of tacrolimus itself points to."""
    named = {reference for use in uses for reference in use.indication_references}

    def counts(problem: Problem) -> bool:
        by_order = problem.reference in named
        active = problem.active is not False
        return ("indication" in problem.roles and (by_order or active)) or ("indication_possible" in problem.roles and by_order)

    return tuple(problem for problem in record.problems or () if counts(problem))


def _groups(roles: Iterable[str]) -> frozenset[str]:
    return frozenset[str]().union(*(valuesets.groups_with_role(role) for role in roles))


def judge(record: Record) -> Indication:
    """The indication. A transplant decides before any autoimmune disease; what only the order names counts too."""
    uses = _tacrolimus(record)
    named = frozenset[str]().union(*(use.indications for use in uses))
    problems = _autoimmune(record, uses)
    diseases = named.union(*(problem.groups for problem in problems)) & _groups(DISEASE_ROLES)
    transplants = tuple(filter(_is_transplant, (record.problems or ()) + (record.procedures or ())))
    by_order = named & (_groups(TRANSPLANT_ROLES) | {GRAFT_VERSUS_HOST})
    if transplants or by_order:
        stated = any(UNSPECIFIED not in transplant.roles for transplant in transplants) or bool(by_order - {UNSPECIFIED})
        return Indication(IndicationKind.TRANSPLANT, diseases, (*transplants, *problems), stated)
    if diseases:
        return Indication(IndicationKind.AUTOIMMUNE, diseases, problems)
    return Indication(IndicationKind.NOT_KNOWN if _lost(record) else IndicationKind.NONE)
