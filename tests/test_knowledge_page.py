"""The knowledge page: every card's link lands, every number is shown as it is in force, nothing comes from elsewhere."""

import re
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from html.parser import HTMLParser
from itertools import pairwise

import msgspec
import pytest

from cds_service.knowledge import claims as book
from cds_service.knowledge.parameters import described, grouped, in_force
from cds_service.web.knowledge import MARKS, knowledge_page, linked, page, shown


class Seen(HTMLParser):
    """What a browser would find: ids, links, tags, the words, and which tags were left open."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


@pytest.fixture(scope="module")
def seen() -> Seen:
    return Seen(knowledge_page(in_force()))


def with_base(**changes: object) -> Seen:
    base = msgspec.structs.replace(book.knowledge_base(), **changes)
    return Seen(page(in_force(), grouped(), base, ""))


def test_every_claim_conflict_and_question_has_its_anchor_once(seen: Seen) -> None:
    for anchor in (*book.claims(), *book.conflicts(), *book.questions()):
        assert seen.ids.count(anchor) == 1, anchor
    assert len(seen.ids) == len(set(seen.ids))


def test_a_question_is_named_in_words_with_the_conflicts_of_its_claims(seen: Seen) -> None:
    flare = seen.text.split("Flare after tacrolimus was stopped rebound ")[1].split("Sources differ: ")[1].split(".")[0]
    assert {"X2", "X3", "X4", "X7", "X18"} <= set(flare.split(", "))
    assert flare.split(", ") == sorted(flare.split(", "), key=lambda name: int(name[1:]))


def test_the_headings_stand_in_order() -> None:
    levels = [int(level) for level in re.findall(r"<h(\d)", knowledge_page(in_force()))]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_link_inside_the_page_lands(seen: Seen) -> None:
    inside = {link[1:] for link in seen.links if link.startswith("#")}
    assert inside <= set(seen.ids)


def test_the_page_needs_nothing_from_elsewhere_and_runs_no_script(seen: Seen) -> None:
    assert [link for link in seen.links if not link.startswith("#")] == [book.SOURCE.url]
    assert not seen.tags.keys() & {"script", "link", "img", "iframe", "object", "embed", "form", "svg"}
    assert not {name for name in seen.attributes if name.startswith("on") or name in {"src", "style"}}
    css = re.search(r"<style>(.*?)</style>", knowledge_page(in_force()), re.DOTALL)
    assert css
    assert not re.search(r"url\(|@import|https?:|<|&", css[1])


def test_the_page_is_well_formed(seen: Seen) -> None:
    assert seen.open == []


def test_the_page_says_what_it_is_not(seen: Seen) -> None:
    assert "Ruleset not clinically signed off." in seen.text
    assert "secondary, unreviewed source" in seen.text
    assert "does not replace it" in seen.text
    assert "not for patients" in seen.text
    assert f"Ruleset {book.RULESET}" in seen.text


def test_the_texts_of_the_knowledge_base_are_all_there(seen: Seen) -> None:
    for claim in book.claims().values():
        assert claim.text in seen.text
        assert claim.reason in seen.text
    for conflict in book.conflicts().values():
        assert conflict.hard_rule in seen.text
        assert all(side.text in seen.text and side.source in seen.text for side in conflict.sides)
    for name, parameter in described().items():
        assert name in seen.text
        assert parameter.meaning in seen.text
        assert parameter.source in seen.text
    assert all(words in seen.text for words in MARKS.values())


def test_what_is_from_memory_is_marked_as_not_verified(seen: Seen) -> None:
    sides = [side for conflict in book.conflicts().values() for side in conflict.sides]
    doubtful = sum(side.origin == "M" for side in sides)
    assert doubtful
    assert seen.text.count(book.NOT_VERIFIED) >= doubtful


def test_a_question_that_is_not_built_yet_says_so(seen: Seen) -> None:
    for question in book.questions().values():
        after = seen.text.split(f" {question.name} ")
        assert any(part.startswith("answered" if question.built else "not built yet") for part in after), question.name


def test_the_notices_of_the_terminologies_are_shown(seen: Seen) -> None:
    for system in ("RxNorm", "LOINC", "SNOMED CT", "ICD-10-CM", "ATC", "UCUM"):
        assert system in seen.text
    assert "does not endorse or recommend this or any other product" in seen.text
    assert "License" in seen.text or "license" in seen.text


def test_a_number_that_the_site_moved_is_shown_with_its_default(seen: Seen) -> None:
    moved = Seen(knowledge_page(in_force({"aih_relapse_xuln": Decimal("2.5"), "not_offered": ["MedicationStatement"]})))
    assert "set by this site" not in seen.text
    assert moved.text.count("set by this site") == 2
    assert "2.5 set by this site default 3" in moved.text
    assert "MedicationStatement set by this site default none" in moved.text


def test_who_signed_a_question_is_named() -> None:
    signed = {
        name: msgspec.structs.replace(question, signed_by=("A. Hepatologist, 2026-02-01", "B. Pharmacist, 2026-02-02"))
        for name, question in book.questions().items()
    }
    text = with_base(questions=signed).text
    assert "is clinically signed off" in text
    assert "Ruleset not clinically signed off" not in text
    assert "Signed by A. Hepatologist, 2026-02-01; B. Pharmacist, 2026-02-02." in text


def test_one_signature_is_not_enough() -> None:
    signed = {name: msgspec.structs.replace(one, signed_by=("A. Hepatologist",)) for name, one in book.questions().items()}
    assert "Ruleset not clinically signed off." in with_base(questions=signed).text


def test_a_text_cannot_bring_markup_of_its_own() -> None:
    nasty = '<script>alert(1)</script> C26 & "quoted"'
    claims = {**book.claims(), "C9": msgspec.structs.replace(book.claims()["C9"], text=nasty, reason=nasty)}
    shown_page = with_base(claims=claims)
    assert "script" not in shown_page.tags
    assert nasty in shown_page.text


def test_a_text_links_the_claims_and_conflicts_that_exist() -> None:
    html = linked("C26 and X3, not C77, PMC12 or <b>", book.knowledge_base())
    assert html == '<a href="#C26">C26</a> and <a href="#X3">X3</a>, not C77, PMC12 or &lt;b&gt;'


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (28, "d", "28 days"),
        (18, "a", "18 years"),
        (Fraction(1, 2), "1", "0.5"),
        (Fraction(20, 3), "mg/mg", "20/3"),
        (Fraction(150), "mg/d", "150 mg/d"),
        (Decimal("1.50"), "{INR}", "1.5 INR"),
        (Decimal(100), "10*9/L", "100 10*9/L"),
        ("UTC", "words", "UTC"),
        ((), "words", "none"),
        (("Condition", "Observation"), "words", "Condition, Observation"),
        ({"deflazacort": Fraction(5, 6), "prednisone": Fraction(1)}, "mg/mg", "deflazacort 5/6, prednisone 1"),
    ],
)
def test_a_value_is_shown_exactly(value: object, unit: str, said: str) -> None:
    assert shown(value, unit) == said


def test_every_value_in_force_is_shown(seen: Seen) -> None:
    for name, parameter in described().items():
        assert shown(getattr(in_force(), name), parameter.unit) in seen.text
