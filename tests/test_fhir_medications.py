"""Which medicine a resource is about: codes before routes before words, wherever the version puts them."""

from fractions import Fraction
from typing import Any

import pytest

from cds_service.patient.facts import Drug, Loss, Lost, Outside
from tests.reading import ORAL, RXNORM, SNOMED, Json, concept, only_use, order, record, tacrolimus

ATC = "http://www.whocc.no/atc"
BARE: Json = {"dosageInstruction": []}
TOPICAL = {"coding": [{"system": SNOMED, "code": "6064005"}]}


def drug(**more: Any) -> Drug:
    return only_use(order(**more)).drug


def mg_line(**more: Any) -> Json:
    return {"doseAndRate": [{"doseQuantity": {"value": 2, "unit": "mg", "code": "mg"}}], **more}


class TestWhichMedicine:
    def test_a_product_code_tells_all(self) -> None:
        assert drug() == Drug(
            Outside("tacrolimus 1 MG Oral Capsule"), "tacrolimus", True, "immediate-release", Fraction(1), "198377"
        )

    def test_the_words_of_the_client_stay_its_own(self) -> None:
        found = drug(medicationCodeableConcept={**tacrolimus(), "text": "Tac 1 mg caps"})
        assert found.text == Outside("Tac 1 mg caps")

    def test_a_known_code_is_never_overruled_by_its_display(self) -> None:
        found = drug(medicationCodeableConcept=concept(RXNORM, "198377", "Paracetamol 500 mg"))
        assert (found.ingredient, found.systemic) == ("tacrolimus", True)

    def test_of_several_codings_the_product_gives_strength_and_the_atc_code_agrees(self) -> None:
        coding = [{"system": ATC, "code": "L04AD02"}, {"system": RXNORM, "code": "198378"}]
        found = drug(medicationCodeableConcept={"coding": coding})
        assert (found.systemic, found.strength, found.code) == (True, Fraction(5), "198378")

    def test_codings_that_contradict_each_other_leave_the_route_open(self) -> None:
        coding = [{"system": ATC, "code": "D11AH01"}, {"system": RXNORM, "code": "198378"}]
        assert drug(medicationCodeableConcept={"coding": coding}, **BARE).systemic is None

    @pytest.mark.parametrize("dosage", [[], [mg_line()], [mg_line(text="2 mg twice daily")]])
    def test_an_ingredient_code_and_milligrams_alone_say_nothing_of_the_route(self, dosage: list[Json]) -> None:
        found = drug(medicationCodeableConcept=tacrolimus("42316"), dosageInstruction=dosage)
        assert (found.ingredient, found.systemic, found.certain) == ("tacrolimus", None, False)

    @pytest.mark.parametrize(
        ("dosage", "systemic"),
        [
            (mg_line(route=ORAL), True),
            (mg_line(route={"text": "PO"}), True),
            (mg_line(route=TOPICAL), False),
            (mg_line(route=concept("http://local", "x", "Cutaneous use")), False),
            (mg_line(text="2 mg by mouth"), True),
            ({"doseAndRate": [{"doseQuantity": {"value": 1, "unit": "application"}}]}, False),
            ({"doseAndRate": [{"doseQuantity": {"value": 1, "unit": "capsule"}}]}, True),
            ({"doseAndRate": [{"doseQuantity": {"value": 1}}, {}], "text": "one by mouth"}, True),
        ],
    )
    def test_route_form_and_instructions_decide_where_the_code_does_not(self, dosage: Json, systemic: bool) -> None:
        found = drug(medicationCodeableConcept=tacrolimus("42316"), dosageInstruction=[dosage])
        assert (found.systemic, found.certain) == (systemic, True)

    def test_two_routes_that_contradict_each_other_decide_nothing(self) -> None:
        found = drug(
            medicationCodeableConcept=tacrolimus("42316"), dosageInstruction=[mg_line(route=ORAL), mg_line(route=TOPICAL)]
        )
        assert found.systemic is None

    def test_an_ingredient_code_takes_form_and_strength_from_the_words_of_the_same_drug(self) -> None:
        found = drug(medicationCodeableConcept=concept(RXNORM, "42316", "Prograf 1 mg capsule"), **BARE)
        assert (found.systemic, found.strength, found.certain) == (True, Fraction(1), False)
        other = drug(medicationCodeableConcept=concept(RXNORM, "42316", "prednisone 20 mg tablet"), **BARE)
        assert (other.ingredient, other.systemic, other.strength) == ("tacrolimus", None, None)

    @pytest.mark.parametrize(
        ("text", "dosage", "systemic"),
        [
            ("tacrolimus 1 mg", [], True),
            ("tacrolimus", [mg_line(route=ORAL)], True),
            ("tacrolimus", [mg_line()], None),
            ("tacrolimus 1 mg", [mg_line(route=TOPICAL)], False),
            ("Protopic 0.1 % ointment", [], False),
            ("Protopic 0.1 % ointment", [mg_line(route=ORAL)], None),
            ("tacrolimus ointment", [mg_line(route=TOPICAL)], False),
        ],
    )
    def test_a_name_alone_counts_at_low_confidence(self, text: str, dosage: list[Json], systemic: bool | None) -> None:
        found = drug(medicationCodeableConcept={"text": text}, dosageInstruction=dosage)
        assert (found.ingredient, found.systemic, found.certain) == ("tacrolimus", systemic, False)

    def test_the_words_count_where_the_code_is_in_no_table(self) -> None:
        found = drug(medicationCodeableConcept=concept("http://local", "TAC1", "Tacrolimus 1 MG Oral Capsule"))
        assert (found.ingredient, found.systemic, found.certain) == ("tacrolimus", True, False)

    def test_another_drug_keeps_its_name_only(self) -> None:
        found = drug(medicationCodeableConcept=concept(RXNORM, "617310", "atorvastatin 20 MG Oral Tablet"))
        assert found == Drug(Outside("atorvastatin 20 MG Oral Tablet"))

    def test_topical_tacrolimus_is_never_systemic(self) -> None:
        assert drug(medicationCodeableConcept=tacrolimus("284520"), dosageInstruction=[mg_line(route=ORAL)]).systemic is False

    @pytest.mark.parametrize("pointer", [None, {"reference": "Medication/elsewhere"}, {"reference": "#x", "display": ""}, {}])
    def test_what_names_no_medicine_may_be_any_and_is_not_read(self, pointer: Any) -> None:
        found = record(order(medicationCodeableConcept=None, medicationReference=pointer))
        assert (found.orders, found.lost) == ((), (Lost("medication orders", Loss.UNREADABLE, 1),))

    def test_a_draft_that_names_no_medicine_yet_is_one_of_nothing(self) -> None:
        (found,) = record(drafts=[order(medicationCodeableConcept=None, status="draft")]).drafts
        assert found.drug == Drug(Outside(""))


PRODUCT: Json = {"resourceType": "Medication", "id": "med", "code": concept(RXNORM, "198377")}


class TestReferences:
    def by_reference(self, reference: str, *others: Json, **more: Any) -> Drug:
        pointer = {"reference": reference, "display": "Tacrolimus 5 mg capsule"}
        found = record(order(medicationCodeableConcept=None, medicationReference=pointer, **more), *others)
        (use,) = found.orders or ()
        return use.drug

    @pytest.mark.parametrize("inner_id", ["med", "#med"])
    def test_a_contained_medication_is_read(self, inner_id: str) -> None:
        found = self.by_reference("#med", contained=[{"resourceType": "Nonsense"}, 5, {**PRODUCT, "id": inner_id}])
        assert found.strength == Fraction(1)

    @pytest.mark.parametrize(
        "reference", ["Medication/med", "http://ehr.example/fhir/Medication/med", "Medication/med/_history/2", "urn:uuid:med"]
    )
    def test_a_medication_that_came_along_is_read(self, reference: str) -> None:
        assert self.by_reference(reference, PRODUCT).strength == Fraction(1)

    @pytest.mark.parametrize("reference", ["#gone", "Medication/gone", ""])
    def test_a_medication_that_did_not_come_leaves_its_display(self, reference: str) -> None:
        found = self.by_reference(reference, contained=[PRODUCT])
        assert (found.text, found.strength, found.certain) == (Outside("Tacrolimus 5 mg capsule"), Fraction(5), False)

    @pytest.mark.parametrize(
        "form", [{"form": {"text": "capsule"}}, {"doseForm": {"text": "capsule"}}, {"product": {"form": {"text": "capsule"}}}]
    )
    def test_the_form_of_a_medication_decides_for_an_ingredient_code(self, form: Json) -> None:
        product = {**PRODUCT, "code": tacrolimus("42316"), **form}
        pointer = {"reference": "Medication/med"}
        found = only_use(
            order(medicationCodeableConcept=None, medicationReference=pointer, dosageInstruction=[mg_line()]), product
        )
        assert found.drug.systemic is True

    @pytest.mark.parametrize(
        "ingredient",
        [
            [{"itemCodeableConcept": tacrolimus("42316")}],
            {"itemCodeableConcept": tacrolimus("42316")},
            [{"item": {"concept": tacrolimus("42316")}}],
        ],
    )
    def test_a_medication_without_code_is_known_by_its_single_ingredient(self, ingredient: object) -> None:
        product = {"resourceType": "Medication", "id": "med", "ingredient": ingredient}
        assert self.by_reference("Medication/med", product).ingredient == "tacrolimus"

    @pytest.mark.parametrize("turn", [1, -1])
    @pytest.mark.parametrize(("code", "known"), [(None, "tacrolimus"), ({"text": "mixture"}, "tacrolimus")])
    def test_a_mixture_is_known_by_what_is_in_it(self, turn: int, code: Json | None, known: str) -> None:
        """A compounded suspension, its vehicle listed beside the drug."""
        strength = {"numerator": {"value": 1, "unit": "mg"}, "denominator": {"value": 1, "unit": "mL"}}
        both = [{"itemCodeableConcept": tacrolimus("42316"), "strength": strength}, {"itemCodeableConcept": {"text": "syrup"}}]
        product = {"resourceType": "Medication", "id": "med", "ingredient": both[::turn], **({"code": code} if code else {})}
        found = only_use(order(medicationCodeableConcept=None, medicationReference={"reference": "Medication/med"}), product).drug
        assert (found.ingredient, found.strength) == (known, None)

    def test_r5_names_the_medicine_by_concept_or_reference(self) -> None:
        inline = drug(medicationCodeableConcept=None, medication={"concept": tacrolimus()})
        referred = only_use(
            order(medicationCodeableConcept=None, medication={"reference": {"reference": "Medication/med"}}), PRODUCT
        )
        assert inline.strength == referred.drug.strength == Fraction(1)
