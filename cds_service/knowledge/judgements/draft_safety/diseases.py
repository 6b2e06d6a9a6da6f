"""Drafted medicines that a disease on record stands against. One row a rule."""

from collections.abc import Iterable

from msgspec import Struct

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Indicator, Value, say
from cds_service.knowledge.judgements.case import Case, of_problem, of_use
from cds_service.knowledge.judgements.draft_safety.objections import Objection, drafted, names
from cds_service.knowledge.judgements.treatment import acts
from cds_service.knowledge.judgements.usage import ExposureClass

OUTSIDE = frozenset({ExposureClass.NONE, ExposureClass.NOT_SYSTEMIC, ExposureClass.NEVER_TAKEN})


class Rule(Struct, frozen=True):
    """``drugs`` are a class of ``drug_classes.toml``, ``groups`` of conditions.

    ``begun`` rules look only at what is new, and only where tacrolimus is on record: the rest of prescribing is not this
    service's business.
    """

    check: str
    drugs: str
    groups: frozenset[str]
    indicator: Indicator
    begun: bool = False


RULES = (
    Rule("myasthenia-forbidden", "forbidden-in-myasthenia", frozenset({"myasthenia_gravis"}), Indicator.WARNING, begun=True),
    Rule("myasthenia-caution", "caution-in-myasthenia", frozenset({"myasthenia_gravis"}), Indicator.INFO, begun=True),
    Rule("mycophenolate-gut", "mycophenolate", frozenset({"gi_bleeding", "peptic_ulcer"}), Indicator.WARNING),
    Rule("mycophenolate-enzyme", "mycophenolate", frozenset({"hgprt_deficiency"}), Indicator.WARNING),
    Rule(
        "methotrexate-liver",
        "methotrexate",
        frozenset({"liver_cirrhosis", "liver_decompensation", "alcohol"}),
        Indicator.WARNING,
    ),
)


def disease_on_record(case: Case) -> Iterable[Objection]:
    """Each rule whose medicine is drafted and whose disease is on record and not over."""
    for rule in RULES:
        drafts = tuple(filter(acts, drafted(case, valuesets.drugs_in_class(rule.drugs))))
        if rule.begun:
            known = case.exposure.kind not in OUTSIDE
            drafts = tuple(use for use in drafts if known and use.drug.ingredient not in case.treatment.running)
        active = [entry for entry in case.record.problems or () if entry.groups & rule.groups and entry.active is not False]
        if drafts and active:
            values: dict[str, Value] = {"drugs": names(drafts), "problem": active[0].text}
            summary, reason = say(f"prescribing-summary-{rule.check}", **values), say(f"draft-{rule.check}", **values)
            yield Objection(rule.check, rule.indicator, summary, (reason,), (*map(of_use, drafts), of_problem(active[0])))
