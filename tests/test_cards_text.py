"""Values and sentences on a card: exact, short, and complete."""

import ast
import re
import string
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cds_service
from cds_service.cards import sentences, values
from cds_service.cards.escaping import OUTSIDE_LENGTH, outside_markdown, outside_plain, own_markdown, shortened
from cds_service.cards.values import shown
from cds_service.knowledge.finding import Sentence, Term, Value, say
from cds_service.patient.facts import Outside, Quantity
from cds_service.patient.when import When

PACKAGE = Path(cds_service.__file__).parent
OWN_FILES = ("frame.toml", "sentences.toml")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("abrupt", "abrupt"),
        (14, "14"),
        (Fraction(15, 4), "3.75"),
        (Fraction(75, 1000), "0.075"),
        (Fraction(60), "60"),
        (Fraction(1, 3), "0.333"),
        (Fraction(10, 3), "3.333"),
        (Fraction(-1, 2), "-0.5"),
        (Fraction(0), "0"),
        (Fraction(1, 20_000), "0.00005"),
        (Decimal("6.00"), "6"),
        (Decimal("0.0123456"), "0.0123"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E+400"), "1e+400"),
        (Decimal("1E-400"), "1e-400"),
        (Decimal("Infinity"), "Infinity"),
        (date(2026, 2, 20), "2026-02-20"),
        (When.on(date(2026, 2, 20)), "2026-02-20"),
        (When(date(2026, 2, 1), date(2026, 2, 28)), "2026-02"),
        (When(date(2024, 2, 1), date(2024, 2, 28)), "2024-02-01 to 2024-02-28"),
        (When(date(2026, 1, 1), date(2026, 12, 31)), "2026"),
        (When(date(9999, 12, 1), date(9999, 12, 31)), "9999-12"),
        (When(date(2026, 2, 10), date(2026, 3, 5)), "2026-02-10 to 2026-03-05"),
        (Quantity(Decimal(150), "U/L"), "150 U/L"),
        (Quantity(Decimal("45.0"), "umol/L"), "45 umol/L"),
        (Quantity(Decimal("3.5"), "10*9/L"), "3.5 x 10^9/L"),
        (Quantity(Decimal(60), "[IU]/mL"), "60 IU/mL"),
        (Quantity(Decimal(-25), "cm[H2O]"), "-25 cmH2O"),
        (Quantity(Decimal(38), "mL/min/{1.73_m2}"), "38 mL/min/1.73 m2"),
        (Quantity(Decimal("1.6"), "1"), "1.6"),
        (Quantity(Decimal("1.6"), "{INR}"), "1.6"),
        (Quantity(Decimal("1.6"), ""), "1.6"),
        (Term("alt"), "ALT"),
        (Term("autoimmune_hepatitis"), "autoimmune hepatitis"),
        (Term("paediatric-hepatology"), "paediatric hepatology"),
        (Outside("  Tacrolimus\n\n1 MG  "), "Tacrolimus 1 MG"),
        ((), "none"),
        (("C1",), "C1"),
        (("C1", "C3", "C4"), "C1, C3 and C4"),
        ((Term("alt"), Term("ast")), "ALT and AST"),
    ],
)
def test_a_value_is_written_by_its_type(value: Value, text: str) -> None:
    assert shown(value, markdown=False) == text


def test_a_word_of_an_enumeration_is_its_value() -> None:
    class Loss(StrEnum):
        NOT_SENT = "not sent"

    assert shown(Loss.NOT_SENT, markdown=False) == "not sent"


@given(st.fractions(min_value=Fraction(1, 1000), max_value=10_000, max_denominator=1000))
def test_a_number_is_exact_where_three_decimals_can_say_it_and_else_within_half_a_thousandth(value: Fraction) -> None:
    written = Fraction(values.number(value))

    assert abs(written - value) <= Fraction(1, 2000)
    if (value * 1000).denominator == 1:
        assert written == value


def test_our_own_marks_are_escaped_in_markdown_only_where_they_could_be_markup() -> None:
    quantity = Quantity(Decimal("3.5"), "10*3/[drop]")

    assert shown(quantity, markdown=True) == "3.5 x 10^3/\\[drop\\]"
    assert own_markdown("AST <baseline> and > 3 x ULN (C1), 50-100 mg.") == "AST \\<baseline\\> and \\> 3 x ULN (C1), 50-100 mg."


def test_text_from_outside_is_cut_and_says_so() -> None:
    cut = outside_plain("x" * 81)

    assert outside_plain("x" * 80) == "x" * 80
    assert cut == "x" * 79 + "…"
    assert outside_plain(" " * 500 + "x") == "…"  # cut before its first letter: still seen to be cut
    assert outside_plain("\u200b\u202e") == "(no readable text)"


def test_letters_that_show_nothing_are_left_out() -> None:
    assert outside_plain("\u3164\u2800\ufe0f\uffa0") == "(no readable text)"
    assert outside_plain("ta\u034fcro") == "tacro"


def test_every_punctuation_mark_from_outside_is_escaped() -> None:
    assert outside_markdown("!#$%&'()*+,-./:;<=>?").replace("\\", "") == "!#$%&'()*+,-./:;<=>?"
    assert re.sub(r"\\[!-/:-@\[-`{-~]", "", outside_markdown(string.punctuation.replace("@", ""))) == ""


@given(st.text(max_size=600))
def test_text_from_outside_is_one_short_line_without_hidden_characters(text: str) -> None:
    plain = outside_plain(text)

    assert 0 < len(plain) <= OUTSIDE_LENGTH
    assert plain == " ".join(plain.split())
    assert plain.isprintable()
    assert plain.encode("utf-8")


@given(st.text(min_size=1, max_size=300), st.integers(10, 139))
def test_a_summary_is_short_in_code_points_and_in_utf16_units(text: str, length: int) -> None:
    line = outside_plain(text, length=300)

    cut = shortened(line, length)

    assert len(cut) <= length
    assert len(cut.encode("utf-16-le")) // 2 <= length
    assert cut == line or cut.endswith("…")


def test_a_summary_is_cut_at_a_word() -> None:
    assert shortened("Tacrolimus was stopped abruptly", 20) == "Tacrolimus was…"
    assert shortened("Tacrolimus", 20) == "Tacrolimus"
    assert shortened("Tacrolimusstoppedabruptly", 10) == "Tacrolimu…"
    assert shortened("💊" * 10, 10) == "💊" * 4 + "…"  # two UTF-16 units each


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> dict[str, sentences.Template]:
    templates = sentences.read(
        'stopped = "Ended on {last} at {dose} mg: ALT > {limit} x."\n'
        'drug = "{drug} is in use."\nbare = "Nothing to add."\nedges = "{first}{second}"\n'
    )
    monkeypatch.setattr(sentences, "catalogue", lambda: templates)
    return templates


def render(sentence: Sentence, *, markdown: bool = False) -> str:
    return sentences.render(sentence, markdown=markdown)


@pytest.mark.usefixtures("catalogue")
def test_a_sentence_is_filled_in() -> None:
    sentence = say("stopped", last=When.on(date(2026, 2, 20)), dose=Fraction(4), limit=Decimal(3))

    assert render(sentence) == "Ended on 2026-02-20 at 4 mg: ALT > 3 x."
    assert render(sentence, markdown=True) == "Ended on 2026-02-20 at 4 mg: ALT \\> 3 x."
    assert render(say("bare")) == "Nothing to add."
    assert render(say("edges", first="a", second="b")) == "ab"


@pytest.mark.usefixtures("catalogue")
def test_a_term_that_opens_a_sentence_has_a_capital_unless_it_is_a_name() -> None:
    assert render(say("drug", drug=Term("azathioprine"))) == "Azathioprine is in use."
    assert render(say("drug", drug=Term("egfr"))) == "eGFR is in use."
    assert render(say("drug", drug=Outside("azathioprine"))) == "azathioprine is in use."


@pytest.mark.usefixtures("catalogue")
def test_a_list_of_terms_that_opens_a_sentence_has_a_capital() -> None:
    assert render(say("drug", drug=(Term("azathioprine"), Term("prednisone")))) == "Azathioprine and prednisone is in use."
    assert render(say("drug", drug=())) == "none is in use."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Exclude first: infection.", "**Exclude first:** infection."),
        ("Not received: {what}", "**Not received:** it"),
        ("Level < {what}: wait.", "Level \\< it: wait."),
        ("This meets the definition of relapse used here: ALT.", "This meets the definition of relapse used here: ALT."),
        ("Incomprehensibilities of an extraordinary length: so.", "Incomprehensibilities of an extraordinary length: so."),
        ("At 10:30.", "At 10:30."),
        ("{what}: so.", "it: so."),
    ],
)
def test_lead_words_are_bold_where_a_list_asks_for_them(monkeypatch: pytest.MonkeyPatch, text: str, shown: str) -> None:
    templates = sentences.read(f'one = "{text}"')
    monkeypatch.setattr(sentences, "catalogue", lambda: templates)
    sentence = say("one", what="it") if "{" in text else say("one")

    assert sentences.render(sentence, markdown=True, lead=True) == shown
    assert "**" not in sentences.render(sentence, markdown=True)
    assert "**" not in sentences.render(sentence, markdown=False, lead=True)


@pytest.mark.usefixtures("catalogue")
def test_a_live_answer_never_fails_for_want_of_a_word() -> None:
    assert render(say("no-such-key")) == "(not worded) no-such-key"
    assert render(say("stopped", last="today", limit=3)) == "Ended on today at (not worded) mg: ALT > 3 x."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('bad_key = "x"', "bad_key: a key is words joined by hyphens"),
        ('a = ""', "a: a sentence is one line"),
        ('a = " x"', "a: a sentence is one line"),
        ('a = "x\\ny"', "a: a sentence is one line"),
        ("a = 3", "a: a sentence is one line"),
        ('[a]\nb = "x"', "a: a sentence is one line"),
        ('a = "x {"', "a: "),
        ('a = "x {} y"', "a: a slot is a bare name"),
        ('a = "{x.y}"', "a: a slot is a bare name"),
        ('a = "{x:>3}"', "a: a slot is a bare name"),
        ('a = "{x!r}"', "a: a slot is a bare name"),
        ('a = "{{x}}"', "a: a brace belongs to a slot"),
        ("a = ", "Invalid value"),
    ],
)
def test_a_faulty_sentence_is_refused_when_the_catalogue_is_read(text: str, message: str) -> None:
    with pytest.raises(sentences.CatalogueError, match=message):
        sentences.read(text)


def test_a_key_in_both_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "_FILES", ("frame.toml", "frame.toml"))

    with pytest.raises(sentences.CatalogueError, match="card-closing"):
        sentences.catalogue.__wrapped__()


def test_sentences_carry_no_numbers_of_their_own() -> None:
    """Numbers come from the record and from parameters; a digit may only end a name such as NUDT15, CYP3A or FHIR R4."""
    with_digits = [
        (key, literal)
        for key, template in sentences.catalogue().items()
        for literal in template.plain
        if re.search(r"(?<![A-Za-z0-9])\d", literal)
    ]

    assert with_digits == []


# What the rules say and what the catalogue words must be the same set.


class Said:
    """One ``say(...)`` in the code: its key as text or as the pattern of an f-string, and the names of its values."""

    def __init__(self, call: ast.Call) -> None:
        self.literal = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
        self.pattern = _pattern(call.args[0])
        self.names = {keyword.arg for keyword in call.keywords if keyword.arg}
        self.open = any(keyword.arg is None for keyword in call.keywords)


def _pattern(node: ast.expr) -> str | None:
    if not isinstance(node, ast.JoinedStr):
        return None
    return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z0-9-]+" for part in node.values)


def calls(tree: ast.AST) -> Iterator[Said]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say" and node.args:
            yield Said(node)


def modules() -> list[ast.Module]:
    folders = (PACKAGE / "knowledge", PACKAGE / "cards")
    paths = [PACKAGE / "answer.py", *(path for folder in folders for path in sorted(folder.rglob("*.py")))]
    return [ast.parse(path.read_text(encoding="utf-8")) for path in paths]


def faults(tree: ast.AST, templates: dict[str, sentences.Template]) -> list[str]:
    found = []
    for said in calls(tree):
        if said.pattern is not None and not any(re.fullmatch(said.pattern, key) for key in templates):
            found.append(f"no sentence for {said.pattern}")
        if not isinstance(said.literal, str):
            continue
        if said.literal not in templates:
            found.append(f"no sentence {said.literal}")
            continue
        slots = set(templates[said.literal].slots)
        if said.names - slots or (slots - said.names and not said.open):
            found.append(f"{said.literal}: slots {sorted(slots)}, values {sorted(said.names)}")
    return found


def test_every_sentence_a_rule_says_is_in_the_catalogue_with_the_same_slots() -> None:
    assert [fault for tree in modules() for fault in faults(tree, sentences.catalogue())] == []


def test_every_sentence_of_the_catalogue_is_said_somewhere() -> None:
    trees = modules()
    constants = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    patterns = [said.pattern for tree in trees for said in calls(tree) if said.pattern]

    unsaid = [
        key
        for key in sentences.catalogue()
        if key not in constants and not any(re.fullmatch(pattern, key) for pattern in patterns)
    ]

    assert unsaid == []


def test_the_check_of_the_rules_sees_what_is_wrong(catalogue: dict[str, sentences.Template]) -> None:
    wrong = 'say("gone"); say("stopped", last=1); say(f"no-{x}"); say("stopped", last=1, dose=2, limit=3); say("stopped", **more)'

    assert faults(ast.parse(wrong), catalogue) == [
        "no sentence gone",
        "stopped: slots ['dose', 'last', 'limit'], values ['last']",
        "no sentence for no\\-[a-z0-9-]+",
    ]


def test_every_term_with_words_of_its_own_is_a_name_of_the_vocabulary() -> None:
    tables = files("cds_service.knowledge.valuesets")
    listed = ("laboratory.csv", "laboratory_names.csv", "conditions.csv", "drugs.csv")
    known = {name for table in listed for name in tables.joinpath(table).read_text().replace("\n", ",").split(",")}

    assert sorted(values.words().keys() - known) == []


def test_a_list_of_three_reads_as_a_list() -> None:
    assert shown((Fraction(1, 2), Fraction(1), Fraction(2)), markdown=False) == "0.5, 1 and 2"
