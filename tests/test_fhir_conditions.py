"""Conditions, procedures and allergies, in every version."""

from datetime import date

import pytest

from cds_service.patient.facts import Allergy, Outside, Problem
from cds_service.patient.when import When
from tests.reading import ICD10CM, ME, RXNORM, SNOMED, Json, concept, condition, record

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
DAY = When.on(date(2020, 5, 1))


def problem(**more: object) -> Problem:
    (found,) = record(condition(**more)).problems or ()
    return found


class TestConditions:
    def test_a_condition_is_its_groups_and_roles(self) -> None:
        found = problem(onsetDateTime="2020-05-01", recordedDate="2020-05-01", clinicalStatus=concept(CLINICAL, "active"))
        groups, roles = frozenset({"autoimmune_hepatitis"}), frozenset({"indication"})
        assert found == Problem("Condition/c1", groups, roles, True, Outside(""), DAY, DAY)

    @pytest.mark.parametrize(
        ("status", "active"),
        [
            ("active", True), ("recurrence", True), ("relapse", True), ("remission", True), ("inactive", False),
            ("resolved", False), ("unknown", None),
        ],
    )  # fmt: skip
    def test_a_disease_in_remission_goes_on_and_a_resolved_one_does_not(self, status: str, active: bool | None) -> None:
        assert problem(clinicalStatus=concept(CLINICAL, status)).active is active
        assert problem(clinicalStatus=status).active is active

    def test_without_a_status_nobody_knows_unless_it_has_ended(self) -> None:
        assert problem().active is None
        assert problem(abatementDateTime="2021").active is False

    @pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
    def test_a_refuted_condition_is_none(self, status: str) -> None:
        assert record(condition(verificationStatus=concept("http://x", status))).problems == ()
        assert record(condition(verificationStatus=status)).problems == ()

    @pytest.mark.parametrize("status", ["confirmed", "provisional", "differential", "unconfirmed"])
    def test_every_other_condition_stays(self, status: str) -> None:
        assert problem(verificationStatus=status).roles == {"indication"}

    @pytest.mark.parametrize("element", ["recordedDate", "assertedDate", "dateRecorded"])
    def test_every_version_has_its_own_name_for_the_day_of_recording(self, element: str) -> None:
        assert problem(**{element: "2020-05-01"}).recorded == DAY

    def test_the_onset_may_be_a_period(self) -> None:
        assert problem(onsetPeriod={"start": "2020-05-01"}).onset == DAY

    @pytest.mark.parametrize(
        ("code", "groups"),
        [
            ({"coding": [{"system": ICD10CM, "code": "K75.4"}, {"system": SNOMED, "code": "19943007"}]},
             {"autoimmune_hepatitis", "liver_cirrhosis"}),
            ({"text": "Autoimmune hepatitis"}, {"autoimmune_hepatitis"}),
            ({"coding": [{"system": "http://local", "code": "1", "display": "Autoimmune hepatitis"}]}, {"autoimmune_hepatitis"}),
            ({"coding": [{"system": ICD10CM, "code": "Z84.8"}], "text": "Autoimmune hepatitis"}, set()),
            ({"coding": [{"code": "K75.4"}, {"system": ICD10CM}]}, set()),
            ({"text": "possible autoimmune hepatitis"}, set()),
            (None, set()),
        ],
    )  # fmt: skip
    def test_all_codes_count_and_a_name_only_where_no_icd_code_decides(self, code: Json | None, groups: set[str]) -> None:
        assert problem(code=code).groups == groups

    def test_the_words_of_a_condition_are_kept(self) -> None:
        found = problem(code={"text": "Liver trouble"})
        assert found.text == Outside("Liver trouble")


class TestProcedures:
    TRANSPLANT = concept(SNOMED, "18027006", "Transplantation of liver")

    def procedure(self, **more: object) -> tuple[Problem, ...]:
        resource = {
            "resourceType": "Procedure",
            "id": "x1",
            "status": "completed",
            "subject": ME,
            "code": self.TRANSPLANT,
            **more,
        }
        return record(resource).procedures or ()

    @pytest.mark.parametrize(
        "when",
        [
            {"performedDateTime": "2020-05-01"},
            {"occurrenceDateTime": "2020-05-01"},
            {"performedPeriod": {"start": "2020-05-01"}},
            {"occurrencePeriod": {"start": "2020-05-01"}},
        ],
    )
    def test_a_completed_transplant_stays_one(self, when: Json) -> None:
        (found,) = self.procedure(**when)
        assert (found.reference, found.roles, found.active, found.onset) == ("Procedure/x1", {"transplant"}, True, DAY)

    @pytest.mark.parametrize(
        "more", [{"status": "not-done"}, {"status": "in-progress"}, {"status": None}, {"notPerformed": True}, {"notDone": True}]
    )
    def test_what_was_not_done_is_none(self, more: Json) -> None:
        assert self.procedure(**more) == ()


class TestAllergies:
    def allergies(self, **more: object) -> tuple[Allergy, ...]:
        return record({"resourceType": "AllergyIntolerance", "id": "a1", "patient": ME, **more}).allergies or ()

    @pytest.mark.parametrize(
        ("more", "ingredient"),
        [
            ({"code": concept(RXNORM, "1256", "Azathioprine")}, "azathioprine"),
            ({"code": {"text": "Imuran"}}, "azathioprine"),
            ({"substance": concept(SNOMED, "372574004", "Azathioprine")}, "azathioprine"),
            ({"code": {"text": "Peanut"}}, None),
            ({}, None),
        ],
    )
    def test_an_allergy_names_an_ingredient_of_the_table_or_none(self, more: Json, ingredient: str | None) -> None:
        (found,) = self.allergies(**more)
        assert (found.reference, found.ingredient) == ("AllergyIntolerance/a1", ingredient)

    @pytest.mark.parametrize(
        "more",
        [
            {"verificationStatus": concept("http://x", "refuted")},
            {"verificationStatus": "entered-in-error"},
            {"clinicalStatus": concept("http://x", "resolved")},
            {"clinicalStatus": "inactive"},
            {"status": "refuted"},
        ],
    )
    def test_one_that_was_refuted_or_is_over_is_none(self, more: Json) -> None:
        assert self.allergies(code={"text": "Imuran"}, **more) == ()
