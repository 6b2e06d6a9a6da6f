"""Why tacrolimus was given: a transplant decides before an autoimmune disease, what the order names counts too."""

from typing import Any

import pytest

from cds_service.knowledge import valuesets
from cds_service.knowledge.judgements import indication
from cds_service.knowledge.judgements.indication import Indication, IndicationKind
from cds_service.patient.facts import Drug, Loss, Problem, Use
from tests.builders import HEPATITIS, KIDNEY_TRANSPLANT, LUPUS, draft, drug, lost, order, problem, record, use

TRANSPLANT, AUTOIMMUNE, NONE = IndicationKind.TRANSPLANT, IndicationKind.AUTOIMMUNE, IndicationKind.NONE
POSSIBLE = problem("primary_biliary_cholangitis", "indication_possible")


def judged(*medicines: Use, problems: tuple[Problem, ...] | None = (), **more: Any) -> Indication:
    return indication.judge(record(*(medicines or (use(),)), problems=problems, **more))


# --- autoimmune disease


def test_an_active_autoimmune_disease() -> None:
    found = judged(problems=(HEPATITIS, LUPUS))
    assert (found.kind, found.diseases) == (AUTOIMMUNE, {"autoimmune_hepatitis", "lupus_nephritis"})
    assert found.problems == (HEPATITIS, LUPUS)
    assert found.hepatitis


def test_another_disease_is_no_hepatitis() -> None:
    assert not judged(problems=(LUPUS,)).hepatitis


def test_a_disease_whose_status_is_not_given_counts() -> None:
    assert judged(problems=(problem("autoimmune_hepatitis", "indication", active=None),)).kind is AUTOIMMUNE


def test_a_resolved_disease_counts_only_where_tacrolimus_names_it() -> None:
    resolved = problem("autoimmune_hepatitis", "indication", active=False)
    assert judged(problems=(resolved,)).kind is NONE
    assert judged(use(indication_references=(resolved.reference,)), problems=(resolved,)).kind is AUTOIMMUNE


def test_a_possible_indication_counts_only_where_tacrolimus_names_it() -> None:
    assert judged(problems=(POSSIBLE,)).kind is NONE
    found = judged(order(indication_references=(POSSIBLE.reference,)), problems=(POSSIBLE,))
    assert (found.kind, found.diseases) == (AUTOIMMUNE, {"primary_biliary_cholangitis"})


def test_a_draft_may_name_the_disease() -> None:
    named = draft(indication_references=(POSSIBLE.reference,))
    assert judged(drafts=(named,), problems=(POSSIBLE,)).kind is AUTOIMMUNE


def test_the_order_itself_may_be_all_that_names_the_disease() -> None:
    found = judged(order(indications=frozenset({"myasthenia_gravis"})))
    assert (found.kind, found.diseases, found.problems) == (AUTOIMMUNE, {"myasthenia_gravis"}, ())


@pytest.mark.parametrize(
    "groups",
    [{"not_an_indication"}, {"atopic_dermatitis"}, {"vitiligo"}, {"sepsis_active_infection"}, {"liver_cirrhosis"}],
)
def test_a_reason_that_is_no_autoimmune_indication_is_none(groups: set[str]) -> None:
    """A condition that tacrolimus names is not therefore a disease it is given for."""
    assert judged(order(indications=frozenset(groups))).kind is NONE


def test_a_cirrhosis_coded_together_with_a_possible_indication_is_no_disease_of_its_own() -> None:
    both = problem({"primary_biliary_cholangitis", "liver_cirrhosis"}, "indication_possible")
    assert judged(order(indication_references=(both.reference,)), problems=(both,)).diseases == {"primary_biliary_cholangitis"}


@pytest.mark.parametrize("medicine", [drug(systemic=False), drug("cyclosporine")])
def test_what_an_ointment_or_another_medicine_is_for_does_not_count(medicine: Drug) -> None:
    other = use(medicine, indications=frozenset({"psoriasis"}), indication_references=(POSSIBLE.reference,))
    assert judged(use(), other, problems=(POSSIBLE,)).kind is NONE


# --- transplant


@pytest.mark.parametrize("groups", ["transplant_status", "transplant_complication"])
def test_a_transplant_decides_before_an_autoimmune_disease(groups: str) -> None:
    transplant = problem(groups, "transplant")
    found = judged(problems=(LUPUS, transplant))
    assert (found.kind, found.diseases, found.problems) == (TRANSPLANT, {"lupus_nephritis"}, (transplant, LUPUS))
    assert found.organ_stated


def test_a_transplant_done_is_a_transplant() -> None:
    done = problem("transplant_procedure", "transplant", active=None)
    assert judged(procedures=(done,)).transplants == (done,)


def test_a_transplant_without_its_organ_is_one_and_says_so() -> None:
    found = judged(problems=(problem("transplant_unspecified", "transplant_unspecified"),))
    assert (found.kind, found.organ_stated) == (TRANSPLANT, False)
    both = (problem("transplant_unspecified", "transplant_unspecified"), KIDNEY_TRANSPLANT)
    assert judged(problems=both).organ_stated


def test_graft_versus_host_disease_is_a_transplant() -> None:
    assert judged(problems=(problem("GVHD", "indication_non_autoimmune"),)).kind is TRANSPLANT


@pytest.mark.parametrize("group", ["transplant_status", "transplant_unspecified", "GVHD"])
def test_a_transplant_named_by_the_order_alone_is_one(group: str) -> None:
    """Without the condition on the list, the reason of the order is all that speaks against autoimmune doses."""
    assert judged(order(indications=frozenset({group}))).kind is TRANSPLANT
    found = judged(order(indications=frozenset({group})), problems=(HEPATITIS,))
    assert (found.kind, found.transplants, found.problems) == (TRANSPLANT, (), (HEPATITIS,))


@pytest.mark.parametrize(
    ("group", "role"), [("transplant_waiting", "transplant_waiting"), ("tissue_graft", "not_solid_transplant")]
)
def test_waiting_for_an_organ_or_a_graft_of_tissue_is_no_transplant(group: str, role: str) -> None:
    uveitis = problem("uveitis", "indication")
    assert judged(problems=(problem(group, role), uveitis)).kind is AUTOIMMUNE


# --- none, or not known


def test_no_indication_on_a_list_that_came() -> None:
    assert judged(problems=(problem("diabetes", "comorbidity"),)).kind is NONE


@pytest.mark.parametrize("loss", list(Loss))
def test_without_the_list_of_conditions_nobody_knows(loss: Loss) -> None:
    told = lost("conditions", loss=loss)
    assert judged(problems=None, lost=told).kind is IndicationKind.NOT_KNOWN
    assert judged(lost=told).kind is IndicationKind.NOT_KNOWN
    assert judged(problems=(HEPATITIS,), lost=told).kind is AUTOIMMUNE


def test_another_list_that_is_lost_does_not_make_the_indication_unknown() -> None:
    assert judged(lost=lost("allergies", loss=Loss.FAILED)).kind is NONE


def test_the_groups_of_these_tests_are_those_of_the_value_sets() -> None:
    assert "primary_biliary_cholangitis" in valuesets.groups_with_role("indication_possible")
    assert {"transplant_status", "transplant_complication", "GVHD"} <= valuesets.groups_with_role("transplant")
    assert "myasthenia_gravis" in valuesets.groups_with_role("indication")
