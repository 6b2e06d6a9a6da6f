"""What codes and names mean: the traps of each terminology, and the tables against the lists they were built from."""

import csv
from collections.abc import Callable
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import pytest

from cds_service.knowledge import valuesets as v
from cds_service.knowledge.valuesets import conditions, drug_names, drugs, laboratory, reasons, results, routes, systems
from cds_service.knowledge.valuesets.tables import rows
from cds_service.patient.units import unit_of

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
SNOMED = "http://snomed.info/sct"
DMD = "https://dmd.nhs.uk"
LOINC = "http://loinc.org"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
STATUS_REASON = "http://terminology.hl7.org/CodeSystem/medicationrequest-status-reason"
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
TERMINOLOGY = Path(__file__).parents[2] / "shared" / "terminology"


def groups(system: str, code: str) -> set[str]:
    found = v.condition_of_code(system, code)
    return set(found.groups) if found else set()


def roles(system: str, code: str) -> set[str]:
    found = v.condition_of_code(system, code)
    return set(found.roles) if found else set()


class TestSystems:
    @pytest.mark.parametrize(
        ("spelled", "meant"),
        [
            (RXNORM, "rxnorm"),
            ("https://www.nlm.nih.gov/research/umls/rxnorm/", "rxnorm"),
            ("urn:oid:2.16.840.1.113883.6.88", "rxnorm"),
            ("urn:oid:2.16.840.1.113883.6.1", "loinc"),
            ("urn:oid:2.16.840.1.113883.6.96", "snomed"),
            ("http://snomed.info/sct/900000000000207008/version/20260101", "snomed"),
            ("urn:oid:2.16.840.1.113883.6.90", "icd10cm"),
            (" HTTP://LOINC.ORG ", "loinc"),
            ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "icd10"),
            ("http://fhir.de/CodeSystem/bfarm/atc", "atc"),
            ("http://hl7.org/fhir/sid/icd-9-cm", None),
            ("urn:oid:1.2.3", None),
        ],
    )
    def test_a_code_system_is_known_in_all_its_spellings(self, spelled: str, meant: str | None) -> None:
        assert systems.short_name(spelled) == meant


class TestDrugCodes:
    def test_a_product_tells_ingredient_form_strength_and_its_own_code(self) -> None:
        assert v.drug_of_code(RXNORM, "198377") == v.DrugCode(
            "tacrolimus", "tacrolimus 1 MG Oral Capsule", True, "immediate-release", Fraction(1), "198377"
        )

    @pytest.mark.parametrize("code", ["42316", "235991", "484288"])
    def test_an_ingredient_code_says_nothing_of_the_route(self, code: str) -> None:
        found = v.drug_of_code(RXNORM, code)
        assert found is not None
        assert (found.ingredient, found.systemic, found.strength, found.code) == ("tacrolimus", None, None, None)

    @pytest.mark.parametrize(
        "code", ["314266", "313189", "284520", "284521", "379082", "367339", "1164204", "1182458", "284848", "331550", "574949"]
    )
    def test_topical_tacrolimus_is_never_systemic(self, code: str) -> None:
        found = v.drug_of_code(RXNORM, code)
        assert found is not None
        assert (found.ingredient, found.systemic) == ("tacrolimus", False)

    @pytest.mark.parametrize("code", ["2055020", "2055026", "402330", "351291", "402092"])
    def test_ciclosporin_eye_drops_are_no_systemic_calcineurin_inhibitor(self, code: str) -> None:
        found = v.drug_of_code(RXNORM, code)
        assert found is not None
        assert (found.ingredient, found.systemic, found.formulation) == ("cyclosporine", False, "ophthalmic")

    @pytest.mark.parametrize(
        ("code", "formulation", "strength"),
        [
            ("313190", "immediate-release", Fraction(1, 2)),
            ("108513", "immediate-release", Fraction(1)),
            ("1431980", "prolonged-release", Fraction(1)),
            ("1431989", "prolonged-release", Fraction(5)),
            ("1664456", "extended-release-tablet", Fraction(3, 4)),
            ("1664440", "extended-release-tablet", Fraction(4)),
            ("198379", "intravenous", Fraction(5)),
            ("2052605", "immediate-release", Fraction(1, 5)),
            ("1235243", "immediate-release", Fraction(1)),
        ],
    )
    def test_the_tacrolimus_products_are_told_apart(self, code: str, formulation: str, strength: Fraction) -> None:
        found = v.drug_of_code(RXNORM, code)
        assert found is not None
        assert (found.systemic, found.formulation, found.strength) == (True, formulation, strength)

    @pytest.mark.parametrize(
        ("code", "ingredient", "systemic"),
        [
            ("L04AD02", "tacrolimus", True),
            ("l04ad02", "tacrolimus", True),
            ("L04AA05", "tacrolimus", True),
            ("D11AH01", "tacrolimus", False),
            ("S01XA18", "cyclosporine", False),
            ("A07EA06", "budesonide", True),
            ("R03BA02", "budesonide", False),
            ("L04AA10", "sirolimus", True),
            ("L04AH01", "sirolimus", True),
        ],
    )
    def test_atc_tells_the_route_in_its_old_and_new_codes(self, code: str, ingredient: str, systemic: bool) -> None:
        found = v.drug_of_code(ATC, code)
        assert found is not None
        assert (found.ingredient, found.systemic) == (ingredient, systemic)

    @pytest.mark.parametrize(("system", "code"), [(ATC, "L01XE10"), (ATC, "L01EG02"), (RXNORM, "998191"), (RXNORM, "845509")])
    def test_everolimus_for_cancer_is_not_the_immunosuppressant(self, system: str, code: str) -> None:
        found = v.drug_of_code(system, code)
        assert found is not None
        assert found.ingredient == "everolimus-oncology"
        assert found.ingredient not in v.drugs_in_class("immunosuppressant")

    @pytest.mark.parametrize("system", [DMD, SNOMED])
    def test_dm_d_products_are_known_under_either_uri(self, system: str) -> None:
        found = v.drug_of_code(system, "18044411000001102")
        assert found is not None
        assert (found.ingredient, found.systemic, found.strength) == ("tacrolimus", True, Fraction(1))

    def test_a_dm_d_suspension_has_a_concentration(self) -> None:
        found = v.drug_of_code(DMD, "8726011000001101")
        assert found is not None
        assert found.strength == Fraction(1, 2)

    def test_a_snomed_substance_says_nothing_of_the_route(self) -> None:
        found = v.drug_of_code(SNOMED, "386975001")
        assert found == v.DrugCode("tacrolimus", "tacrolimus")

    @pytest.mark.parametrize(
        ("system", "code"),
        [
            (RXNORM, "4850"),  # glucose, mislabelled hydrocortisone in public code
            (RXNORM, "212995"),
            (RXNORM, "795778"),  # a lamotrigine starter pack "for patients taking carbamazepine"
            (RXNORM, "308460"),  # azithromycin: not in the table
            ("urn:oid:1.2.3", "198377"),
            (ATC, "198377"),
            (RXNORM, ""),
        ],
    )
    def test_a_code_of_another_system_or_of_a_mislabelled_row_means_nothing(self, system: str, code: str) -> None:
        assert v.drug_of_code(system, code) is None

    def test_a_pack_with_ritonavir_counts_as_nirmatrelvir(self) -> None:
        found = v.drug_of_code(RXNORM, "2587898")
        assert found is not None
        assert (found.ingredient, found.systemic) == ("nirmatrelvir", True)

    @pytest.mark.parametrize("code", ["750841", "312615", "197388", "199058", "485020", "328160", "197319", "834235"])
    def test_tablets_and_capsules_of_the_other_drugs_are_systemic(self, code: str) -> None:
        found = v.drug_of_code(RXNORM, code)
        assert found is not None
        assert found.systemic is True
        assert found.strength


class TestDrugNames:
    @pytest.mark.parametrize(
        ("text", "ingredient", "systemic", "formulation", "strength"),
        [
            ("tacrolimus 1 MG Oral Capsule", "tacrolimus", True, "immediate-release", "1"),
            ("Prograf 0.5mg capsules (Astellas Pharma Ltd)", "tacrolimus", True, "immediate-release", "1/2"),
            ("Prograf 500microgram capsules", "tacrolimus", True, "immediate-release", "1/2"),
            ("PROGRAF", "tacrolimus", None, "immediate-release", None),
            ("Prograf 5mg/1ml solution for infusion ampoules", "tacrolimus", True, "intravenous", "5"),
            ("Advagraf 3mg modified-release capsules", "tacrolimus", True, "prolonged-release", "3"),
            ("Envarsus XR 4 MG", "tacrolimus", True, "extended-release-tablet", "4"),
            ("24 HR tacrolimus 0.75 MG Extended Release Oral Tablet", "tacrolimus", True, "extended-release-tablet", "3/4"),
            ("24 HR tacrolimus 1 MG Extended Release Oral Capsule", "tacrolimus", True, "prolonged-release", "1"),
            ("tacrolimus 24 hour 1 milligram", "tacrolimus", True, None, "1"),
            ("tacrolimus 0,5 mg", "tacrolimus", True, None, "1/2"),
            ("tacrolimus 500 µg", "tacrolimus", True, None, "1/2"),
            ("tacrolimus 2.5mg/5ml oral suspension", "tacrolimus", True, None, "1/2"),
            ("tacrolimus", "tacrolimus", None, None, None),
            ("tacrolimus 1 mg and 5 mg capsules", "tacrolimus", True, "immediate-release", None),
            ("tacrolimus 0.1 % ointment", "tacrolimus", False, "topical", None),
            ("tacrolimus 0.1%", "tacrolimus", False, None, None),
            ("tacrolimus 1 mg/g", "tacrolimus", False, None, None),
            ("Protopic", "tacrolimus", False, "topical", None),
            ("Restasis eye drops", "cyclosporine", False, "ophthalmic", None),
            ("Symbicort 160", "budesonide", False, None, None),
            ("prednisoLONE 1 % eye drops", "prednisolone", False, "ophthalmic", None),
            ("prednisone 20 MG Oral Tablet", "prednisone", True, "immediate-release", "20"),
            ("methylPREDNISolone 1,000 mg injection", "methylprednisolone", True, None, "1000"),
            ("Azathioprine 50mg tablets", "azathioprine", True, "immediate-release", "50"),
            ("CellCept 500 mg", "mycophenolate mofetil", True, None, "500"),
            ("warfarin sodium 5 MG Oral Tablet", "warfarin", True, "immediate-release", "5"),
            ("St John's wort capsules", "St. John's wort", True, "immediate-release", None),
            ("Paxlovid (nirmatrelvir / ritonavir)", "nirmatrelvir", None, None, None),
            ("tacrolimus 0.05 mg/kg", "tacrolimus", None, None, None),
            ("tacrolimus 1 mg capsule, check level", "tacrolimus", True, "immediate-release", "1"),
            ("tacrolimus 1.2.3 mg", "tacrolimus", None, None, None),
            ("tacrolimus 1,2,3 mg", "tacrolimus", None, None, None),
            ("tacrolimus 0 mg/0 ml", "tacrolimus", True, None, "0"),
            ("tacrolimus 12345678901 mg", "tacrolimus", None, None, None),
        ],
    )
    def test_a_product_text_is_read_as_far_as_it_tells(
        self, text: str, ingredient: str, systemic: bool | None, formulation: str | None, strength: str | None
    ) -> None:
        found = v.drug_of_text(text)
        assert found is not None
        assert (found.ingredient, found.systemic, found.formulation) == (ingredient, systemic, formulation)
        assert found.strength == (Fraction(strength) if strength else None)
        assert found.code is None

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "paracetamol 500 mg",
            "tacrolimus level",
            "Tacrolimus trough",
            "tacrolimus induced antibody",
            "pretacrolimus",
            "x" * 5000,
        ],
    )
    def test_a_test_of_a_drug_or_another_drug_is_no_drug_of_the_table(self, text: str) -> None:
        assert v.drug_of_text(text) is None

    def test_only_the_beginning_of_a_long_text_is_read(self) -> None:
        assert v.drug_of_text("a " * drug_names.LONGEST_TEXT + "tacrolimus") is None


class TestClasses:
    @pytest.mark.parametrize(
        ("name", "member", "stranger"),
        [
            ("calcineurin-inhibitor", "voclosporin", "sirolimus"),
            ("mtor-inhibitor", "everolimus", "everolimus-oncology"),
            ("systemic-steroid", "dexamethasone", "budesonide"),
            ("thiopurine", "mercaptopurine", "mycophenolate mofetil"),
            ("mycophenolate", "mycophenolic acid", "azathioprine"),
            ("antimetabolite", "azathioprine", "tacrolimus"),
            ("biologic", "rituximab", "belatacept"),
            ("immunosuppressant", "mycophenolate mofetil", "prednisone"),
            ("xanthine-oxidase-inhibitor", "febuxostat", "azathioprine"),
            ("anticoagulant", "warfarin", "tacrolimus"),
            ("cyp3a-strong-inhibitor", "nirmatrelvir", "fluconazole"),
            ("cyp3a-moderate-inhibitor", "diltiazem", "rifampin"),
            ("cyp3a-inducer", "rifampin", "clarithromycin"),
        ],
    )
    def test_a_class_has_its_members_and_no_strangers(self, name: str, member: str, stranger: str) -> None:
        assert member in v.drugs_in_class(name)
        assert stranger not in v.drugs_in_class(name)

    def test_every_member_of_a_class_can_be_recognised(self) -> None:
        by_code = {row[2] for row in rows("drugs")}
        by_name = {row[1] for row in rows("drug_names")}
        known = frozenset[str]().union(*(v.drugs_in_class(name) for name in drugs.toml("drug_classes")))
        assert known <= by_code | by_name

    def test_a_class_that_does_not_exist_is_a_mistake_of_the_asker(self) -> None:
        with pytest.raises(KeyError):
            v.drugs_in_class("wonder-drug")


class TestConditions:
    @pytest.mark.parametrize("code", ["K75.4", "k754", " K75.4 ", "K75.40", "K75.4X9Z"])
    def test_an_icd_code_is_matched_whatever_its_dots_case_and_tail(self, code: str) -> None:
        assert groups(ICD10CM, code) == {"autoimmune_hepatitis"}
        assert roles(ICD10CM, code) == {"indication"}

    @pytest.mark.parametrize("code", ["K75", "K75.9", "K7", "", "....", "Q99"])
    def test_a_code_that_no_prefix_names_belongs_to_no_group(self, code: str) -> None:
        assert v.condition_of_code(ICD10CM, code) is None

    @pytest.mark.parametrize("code", ["Z94.0", "Z94.4", "Z94.81", "T86.10", "T86.41", "T86.81", "T86.890", "Z48.23"])
    def test_an_organ_transplant_and_its_complications_are_transplant(self, code: str) -> None:
        assert roles(ICD10CM, code) == {"transplant"}

    @pytest.mark.parametrize(
        ("code", "role"),
        [
            ("Z94.5", "not_solid_transplant"),
            ("Z94.6", "not_solid_transplant"),
            ("Z94.7", "not_solid_transplant"),
            ("Z94.89", "transplant_unspecified"),
            ("Z94.9", "transplant_unspecified"),
            ("T86.90", "transplant_unspecified"),
            ("Z76.82", "transplant_waiting"),
        ],
    )
    def test_grafts_of_skin_bone_cornea_a_waiting_list_and_an_unnamed_organ_have_roles_of_their_own(
        self, code: str, role: str
    ) -> None:
        assert roles(ICD10CM, code) == {role}

    @pytest.mark.parametrize("code", ["Z94", "T86", "T86.82", "T86.84", "T86.8", "Z52.4", "Z76.8"])
    def test_neither_the_whole_of_z94_or_t86_nor_a_donor_is_a_transplant(self, code: str) -> None:
        assert "transplant" not in roles(ICD10CM, code)

    def test_graft_versus_host_disease_counts_as_transplant_and_keeps_its_group(self) -> None:
        assert groups(ICD10CM, "D89.811") == {"GVHD"}
        assert roles(ICD10CM, "D89.811") == {"transplant", "indication_non_autoimmune"}

    @pytest.mark.parametrize(("system", "code"), [(ICD10CM, "M31.1"), (ICD10CM, "M31.19"), (ICD10, "M31.1"), (ICD10CM, "D59.39")])
    def test_thrombotic_microangiopathy_is_a_toxicity_and_never_an_indication(self, system: str, code: str) -> None:
        assert groups(system, code) == {"TMA"}
        assert roles(system, code) == {"tacrolimus_toxicity"}

    @pytest.mark.parametrize(
        ("system", "code", "expected"),
        [
            (ICD10CM, "N02.B3", {"indication"}),
            (ICD10CM, "N02.9", {"indication_possible"}),
            (ICD10, "N02.8", {"indication_possible"}),
            (ICD10CM, "N04.22", {"indication"}),
            (ICD10CM, "H44.111", {"indication"}),
            (ICD10CM, "H44.19", set()),
            (ICD10, "H44.1", set()),
            (ICD10CM, "M31.2", set()),
            (ICD10CM, "L20.9", {"topical_indication"}),
            (ICD10CM, "E06.3", {"not_an_indication"}),
            (ICD10CM, "E10.9", {"comorbidity", "not_an_indication"}),
            (ICD10CM, "Z22.7", {"infection_latent"}),
            (ICD10CM, "J18.9", {"infection", "serious_infection"}),
            (ICD10CM, "B18.1", {"infection"}),
        ],
    )
    def test_the_longest_prefix_decides_the_role(self, system: str, code: str, expected: set[str]) -> None:
        assert roles(system, code) == expected

    @pytest.mark.parametrize(
        ("system", "code", "group"),
        [
            (ICD10CM, "M32.14", "lupus_nephritis"),
            (ICD10CM, "G35.A", "MS"),
            (ICD10CM, "N17.9", "acute_kidney_injury"),
            (ICD10CM, "R18.8", "ascites"),
            (ICD10CM, "K70.31", "liver_cirrhosis"),
            (ICD10CM, "K76.82", "hepatic_encephalopathy"),
            (ICD10CM, "Z33.1", "pregnancy_status"),
            (ICD10CM, "Z51.5", "palliative"),
            (ICD10CM, "E87.5", "hyperkalaemia"),
            (SNOMED, "408335007", "autoimmune_hepatitis"),
            (SNOMED, "737297006", "transplant_status"),
            (SNOMED, "103735009", "palliative"),
            (SNOMED, "21983002", "not_an_indication"),
            (SNOMED, "14669001", "acute_kidney_injury"),
            (SNOMED, "233604007", "sepsis_active_infection"),
            ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "K75.4", "autoimmune_hepatitis"),
        ],
    )
    def test_a_code_belongs_to_the_group_that_a_rule_asks_for(self, system: str, code: str, group: str) -> None:
        assert group in groups(system, code)

    def test_malignant_ascites_is_not_decompensation(self) -> None:
        assert v.condition_of_code(ICD10CM, "R18.0") is None

    @pytest.mark.parametrize(("system", "code"), [("urn:x", "K75.4"), (SNOMED, "K75.4"), (SNOMED, "1")])
    def test_a_code_of_an_unknown_system_means_nothing(self, system: str, code: str) -> None:
        assert v.condition_of_code(system, code) is None

    def test_a_name_counts_only_as_a_whole(self) -> None:
        assert v.condition_of_text("  Autoimmune   HEPATITIS ") == v.condition_of_code(ICD10CM, "K75.4")
        assert v.condition_of_text("Prophylaxis of organ rejection") == v.condition_of_code(ICD10CM, "Z94.9")
        assert v.condition_of_text("no autoimmune hepatitis") is None
        assert v.condition_of_text("family history of autoimmune hepatitis") is None

    def test_every_name_leads_to_a_group(self) -> None:
        assert [name for name, _ in rows("condition_names") if v.condition_of_text(name) is None] == []

    def test_the_groups_of_a_role_can_be_asked_for(self) -> None:
        assert {"transplant_status", "transplant_procedure", "GVHD"} <= v.groups_with_role("transplant")
        assert "transplant_waiting" not in v.groups_with_role("transplant")
        assert v.groups_with_role("no such role") == frozenset()


class TestLaboratory:
    @pytest.mark.parametrize(
        ("code", "analyte", "timing"),
        [
            ("1742-6", "alt", None),
            ("1975-2", "bilirubin", None),
            ("14631-6", "bilirubin", None),
            ("11253-2", "tacrolimus", None),
            ("33929-1", "tacrolimus", "trough"),
            ("59823-5", "tacrolimus", "post-dose"),
            ("79713-4", "tpmt", None),
            ("93193-1", "tpmt_nudt15", None),
            ("5196-1", "hbsag", None),
            ("13952-7", "anti_hbc", None),
            ("82810-3", "pregnancy_status", None),
            ("71773-6", "igra", None),
        ],
    )
    def test_a_loinc_code_names_its_analyte(self, code: str, analyte: str, timing: str | None) -> None:
        found = v.analyte_of_code(LOINC, code)
        assert found is not None
        assert (found.name, found.timing, found.unit) == (analyte, timing, unit_of(analyte))

    def test_a_drug_level_needs_whole_blood(self) -> None:
        level = v.analyte_of_code(LOINC, "11253-2")
        alt = v.analyte_of_code(LOINC, "1742-6")
        assert level is not None
        assert alt is not None
        assert (level.specimen, alt.specimen) == ("whole blood", None)

    @pytest.mark.parametrize("code", ["32594-4", "72945-9", "72946-7", "73132-3", "73133-1", "27069-5", "71775-1", "48398-2", ""])
    def test_doses_antibodies_order_codes_and_invalid_codes_measure_nothing(self, code: str) -> None:
        assert v.analyte_of_code(LOINC, code) is None

    def test_a_code_of_another_system_is_no_laboratory_code(self) -> None:
        assert v.analyte_of_code(SNOMED, "1742-6") is None

    @pytest.mark.parametrize(("text", "analyte"), [("ALT", "alt"), (" ast (SGOT)", "ast"), ("Body Weight", "weight")])
    def test_a_plain_name_is_enough_where_it_is_unambiguous(self, text: str, analyte: str) -> None:
        found = v.analyte_of_text(text)
        assert found is not None
        assert found.name == analyte

    @pytest.mark.parametrize("text", ["tacrolimus", "Tacrolimus [Mass/volume] in Plasma", "creatinine", "salt", ""])
    def test_an_ambiguous_name_and_every_name_of_a_drug_is_not_read(self, text: str) -> None:
        assert v.analyte_of_text(text) is None

    def test_no_name_of_a_drug_is_in_the_list_of_test_names(self) -> None:
        assert [name for name, _ in rows("laboratory_names") if v.drug_of_text(name) is not None] == []


class TestRoutes:
    @pytest.mark.parametrize(
        ("code", "systemic"),
        [
            ("26643006", True),
            ("47625008", True),
            ("127492001", True),
            ("6064005", False),
            ("54485002", False),
            ("448598008", False),
        ],
    )
    def test_a_coded_route_tells_whether_the_drug_reaches_the_whole_body(self, code: str, systemic: bool) -> None:
        found = v.route_of_code(SNOMED, code)
        assert found is not None
        assert found.systemic is systemic

    @pytest.mark.parametrize(("system", "code"), [(SNOMED, "1"), (RXNORM, "26643006")])
    def test_an_unknown_route_tells_nothing(self, system: str, code: str) -> None:
        assert v.route_of_code(system, code) is None

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Oral", v.Route("oral", True)),
            ("PO", v.Route("oral", True)),
            ("take by mouth", v.Route("oral", True)),
            ("Intravenous infusion", v.Route("parenteral", True)),
            ("ointment", v.Route("topical", False)),
            ("Apply as directed", v.Route("topical", False)),
            ("eye drops", v.Route("ophthalmic", False)),
            ("nasal spray", v.Route("local", False)),
            ("oral paste for the skin", v.Route("topical", False)),
            ("as directed", None),
            ("", None),
        ],
    )
    def test_words_tell_the_route_and_a_local_word_outweighs_the_rest(self, text: str, expected: v.Route | None) -> None:
        assert v.route_of_text(text) == expected


class TestResults:
    @pytest.mark.parametrize(
        ("system", "code", "expected"),
        [
            (SNOMED, "260385009", "negative"),
            (SNOMED, "10828004", "positive"),
            (SNOMED, "260373001", "positive"),
            (LOINC, "LA25391-6", "normal"),
            (LOINC, "LA10317-8", "intermediate"),
            (LOINC, "LA9657-3", "poor"),
            (LOINC, "LA15173-0", "positive"),
            (INTERPRETATION, "NEG", "negative"),
            ("http://hl7.org/fhir/v2/0078", "POS", "positive"),
            (INTERPRETATION, "I", None),
            ("urn:x", "260385009", None),
        ],
    )
    def test_a_coded_result_has_a_meaning(self, system: str, code: str, expected: str | None) -> None:
        assert v.result_of(system, code, None) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Negative", "negative"),
            ("Non-reactive", "negative"),
            ("NONREACTIVE", "negative"),
            ("not detected", "negative"),
            ("Reactive", "positive"),
            ("HBsAg detected", "positive"),
            ("Pregnant", "positive"),
            ("Not pregnant", "negative"),
            ("Normal metabolizer", "normal"),
            ("TPMT *1/*1, NUDT15 *1/*1: Normal metabolizer", "normal"),
            ("TPMT *1/*1 normal; NUDT15 *1/*3 intermediate metabolizer", "intermediate"),
            ("TPMT poor metabolizer, NUDT15 normal", "poor"),
            ("Low activity", "poor"),
            ("heterozygous", "intermediate"),
            ("Equivocal", "indeterminate"),
            ("TPMT normal, NUDT15 indeterminate", "indeterminate"),
            ("abnormal", None),
            ("not normal", None),
            ("not a poor metabolizer", None),
            ("surface antigen negative, core antibody positive", None),
            ("see report", None),
            ("", None),
            (None, None),
        ],
    )
    def test_a_worded_result_is_understood_or_left_alone(self, text: str | None, expected: str | None) -> None:
        assert v.result_of(None, None, text) == expected

    def test_the_code_decides_before_the_words(self) -> None:
        assert v.result_of(SNOMED, "260385009", "positive") == "negative"
        assert v.result_of(LOINC, "LA0000-0", "Poor metabolizer") == "poor"


class TestReasons:
    @pytest.mark.parametrize(
        ("system", "code", "expected"),
        [
            (STATUS_REASON, "drughigh", {"high-level"}),
            (STATUS_REASON, "sddi", {"drug-interaction"}),
            (STATUS_REASON, "clarif", set()),
            (ICD10CM, "N17.9", {"acute-kidney-injury"}),
            (ICD10CM, "J18.9", {"infection"}),
            (ICD10CM, "M31.19", {"thrombotic-microangiopathy"}),
            (ICD10CM, "E87.5", {"hyperkalaemia"}),
            (ICD10CM, "R25.1", {"neurotoxicity"}),
            (SNOMED, "77386006", {"pregnancy"}),
            (ICD10CM, "N18.3", set()),
            (ICD10CM, "K75.4", set()),
            ("urn:x", "N17.9", set()),
        ],
    )
    def test_a_coded_reason_belongs_to_its_group(self, system: str, code: str, expected: set[str]) -> None:
        assert v.reasons_of(system, code, None) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Acute kidney injury", {"acute-kidney-injury"}),
            ("AKI", {"acute-kidney-injury"}),
            ("nephrotoxicity", {"toxicity", "acute-kidney-injury"}),
            ("Infection: pneumonia", {"infection"}),
            ("held for surgery", {"surgery"}),
            ("trough too high", {"high-level"}),
            ("Prograf switched to Envarsus", {"replaced"}),
            ("completed planned taper", {"planned-taper"}),
            ("PTLD", {"malignancy"}),
            ("stopped, no infection", set()),
            ("not because of toxicity", set()),
            ("no infection but tremor", {"neurotoxicity"}),
            ("patient choice", set()),
            ("making progress", set()),
            ("", set()),
            (None, set()),
        ],
    )
    def test_a_worded_reason_is_understood_unless_it_is_denied(self, text: str | None, expected: set[str]) -> None:
        assert v.reasons_of(None, None, text) == expected

    def test_the_code_decides_before_the_words(self) -> None:
        assert v.reasons_of(ICD10CM, "N17.9", "infection") == {"acute-kidney-injury"}
        assert v.reasons_of(ICD10CM, "Z99.9", "infection") == {"infection"}

    def test_every_condition_that_is_a_reason_is_a_group(self) -> None:
        known = {row[2] for row in rows("conditions")}
        assert set(reasons.toml("reasons")["conditions"]) <= known


class TestTables:
    @pytest.mark.parametrize(
        "table",
        [
            drugs._table, drugs._classes, drug_names._words, conditions._table, conditions._names, laboratory._table,
            laboratory._names, routes._table, routes._words, results._table, reasons._tables,
        ],
    )  # fmt: skip
    def test_a_table_is_read_once(self, table: Callable[[], object]) -> None:
        assert table() is table()

    @pytest.mark.parametrize("name", ["drugs", "conditions", "laboratory", "routes", "results"])
    def test_every_row_of_a_code_table_says_where_it_was_read(self, name: str) -> None:
        assert [row for row in rows(name) if not row[-1]] == []

    @pytest.mark.parametrize("name", ["drugs", "laboratory", "routes", "results"])
    def test_no_code_stands_in_a_table_twice(self, name: str) -> None:
        keys = [tuple(row[:2]) if name in {"drugs", "results"} else row[0] for row in rows(name)]
        assert len(keys) == len(set(keys))

    def test_every_loinc_code_has_a_right_check_digit(self) -> None:
        def right(code: str) -> bool:
            number, digit = code.split("-")
            doubled = "".join(str(int(c) * 2) if i % 2 == 0 else c for i, c in enumerate(reversed(number)))
            return (10 - sum(map(int, doubled)) % 10) % 10 == int(digit)

        assert [row[0] for row in rows("laboratory") if not right(row[0])] == []

    def test_every_snomed_code_passes_the_verhoeff_check(self) -> None:
        codes = [row[1] for row in (*rows("drugs"), *rows("conditions"), *rows("results")) if row[0] == "snomed"]
        codes += [row[0] for row in rows("routes")]
        assert [code for code in codes if not verhoeff(code)] == []

    def test_the_licences_notices_travel_with_the_tables(self) -> None:
        notice = files("cds_service.knowledge.valuesets").joinpath("NOTICE").read_text(encoding="utf-8")
        for owner in ("National Library of Medicine", "Regenstrief", "International Health Terminology", "Open Government"):
            assert owner in notice

    def test_no_rubric_of_who_and_no_term_of_snomed_is_shipped(self) -> None:
        assert [row for row in rows("drugs") if row[0] == "snomed" and row[7]] == []
        assert {len(row) for row in rows("conditions")} == {5}  # system, code, group, role, source

    def test_the_drug_table_agrees_with_the_list_it_was_built_from(self) -> None:
        if not TERMINOLOGY.exists():
            pytest.skip("the terminology lists are not beside this checkout")
        with (TERMINOLOGY / "rxnorm.csv").open(encoding="utf-8", newline="") as lines:
            listed = {row["rxcui"]: row for row in csv.DictReader(lines)}
        reach = {"systemic_oral": "systemic", "systemic_parenteral": "systemic", "topical": "local", "ophthalmic": "local"}
        ours = [row for row in rows("drugs") if row[0] == "rxnorm"]
        assert [row[1] for row in ours if row[7] != listed[row[1]]["name"] and row[1] != "408142"] == []
        wrong = [row for row in ours if reach.get(listed[row[1]]["route_class"], row[3]) != row[3]]
        assert [row[1] for row in wrong] == []


def verhoeff(code: str) -> bool:
    d = [[(a + b) % 5 for b in range(5)] + [5 + (a + b) % 5 for b in range(5)] for a in range(5)]
    d += [[5 + (a - b) % 5 for b in range(5)] + [(a - b) % 5 for b in range(5)] for a in range(5)]
    p = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    for _ in range(6):
        p.append([p[-1][p[1][i]] for i in range(10)])
    check = 0
    for place, char in enumerate(reversed(code)):
        check = d[check][p[place % 8][int(char)]]
    return check == 0
