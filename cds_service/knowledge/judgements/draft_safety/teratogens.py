"""Drafted mycophenolate, methotrexate or cyclophosphamide where there is or may be a pregnancy."""

from collections.abc import Iterable

from cds_service.knowledge import valuesets
from cds_service.knowledge.finding import Evidence, Indicator, LabOrder, say
from cds_service.knowledge.judgements import pregnancy
from cds_service.knowledge.judgements.case import Case, of_lab, of_problem, of_use
from cds_service.knowledge.judgements.draft_safety.objections import Objection, drafted, names
from cds_service.knowledge.judgements.pregnancy import Pregnancy, State


def teratogen(case: Case) -> Iterable[Objection]:
    """Critical in pregnancy, a warning while it is not excluded (with two tests to order) and while breast-feeding."""
    drafts = drafted(case, valuesets.drugs_in_class("teratogen"))
    found = pregnancy.judge(case.record, case.parameters)
    if not drafts or found.state is State.EXCLUDED:
        return
    drugs = names(drafts)
    possible = found.state is State.POSSIBLE
    yield Objection(
        "teratogen",
        Indicator.CRITICAL if found.state is State.PREGNANT else Indicator.WARNING,
        say(f"prescribing-summary-{found.state.value}", drugs=drugs),
        (say(f"draft-teratogen-{found.state.value}", drugs=drugs), say("compatible-with-pregnancy")),
        (*map(of_use, drafts), *_told(found)),
        unknown=(say("unknown-pregnancy"),) if possible else (),
        tests=(LabOrder("pregnancy-serum", 0, case.parameters.pregnancy_second_test_days, 2),) if possible else (),
    )


def _told(found: Pregnancy) -> tuple[Evidence, ...]:
    told = (of_problem(found.problem),) if found.problem else ()
    return (*told, of_lab(found.test)) if found.test else told
