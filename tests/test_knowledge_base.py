"""The knowledge base keeps its promises: nothing cited that is not there, nothing there without a use or a reason."""

import ast
import importlib
import pkgutil
import re
import tomllib
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest

from cds_service.knowledge import claims as book
from cds_service.knowledge import questions as question_modules
from cds_service.knowledge.claims import KnowledgeError, Origin, Status, claims, conflicts, questions
from cds_service.knowledge.finding import Topic

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "cds_service" / "knowledge"
SOURCE_TEXT = ROOT.parent / "shared" / "source.txt"
TEXTS = {name: (FOLDER / f"{name}.toml").read_text(encoding="utf-8") for name in ("claims", "conflicts", "questions")}

TOPICS_OF_THE_CONTRACT = {
    "abrupt-stop-ordered",
    "abrupt-stop",
    "rapid-taper",
    "rebound",
    "verify-tacrolimus-status",
    "hold-without-plan",
    "formulation-switch",
    "calcineurin-inhibitor-overlap",
    "calcineurin-inhibitor-switch",
    "transplant-recipient",
    "two-week-response",
    "monitoring-due",
    "steroid-course",
    "cyp3a-interaction",
    "tacrolimus-safety",
    "prescribing-safety",
    "transplant-referral",
    "treatment-duration",
    "discharge-omission",
}

needs_source = pytest.mark.skipif(not SOURCE_TEXT.exists(), reason="the article's text is not beside this checkout")


def topics() -> dict[str, Topic]:
    """What each question module declares, by the name its file has."""
    found = {}
    for module in pkgutil.iter_modules(question_modules.__path__):
        topic = importlib.import_module(f"{question_modules.__name__}.{module.name}").TOPIC
        assert isinstance(topic, Topic)
        found[module.name.replace("_", "-")] = topic
    return found


def changed(name: str, old: str, new: str) -> book.KnowledgeBase:
    """The knowledge base with one thing broken in one file."""
    assert old in TEXTS[name], "the test breaks nothing"
    texts = {**TEXTS, name: TEXTS[name].replace(old, new, 1)}
    return book.read(texts["claims"], texts["conflicts"], texts["questions"])


def every_text(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for member in members for text in every_text(member)]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+(?:\.[0-9]+)?", text.lower())


def numbers(text: str) -> set[Decimal]:
    return {Decimal(number) for number in re.findall(r"(?<![A-Za-z\d.])\d+(?:\.\d+)?(?!\d)", text)}


def cited_lines(claim: book.Claim) -> str:
    """The lines of the article a claim stands in, without the reference marks at their ends."""
    first, last = map(int, claim.lines.split("-"))
    lines = SOURCE_TEXT.read_text(encoding="utf-8").splitlines()[first - 1 : last]
    return "\n".join(re.sub(r"\s\d(, \d)*$", "", line) for line in lines)


# --- the files themselves


def test_every_claim_and_conflict_is_there_in_order() -> None:
    assert list(claims()) == [f"C{number}" for number in range(1, 50)]
    assert list(conflicts()) == [f"X{number}" for number in range(1, 30)]


def test_the_questions_are_the_topics_of_the_contract() -> None:
    assert set(questions()) == TOPICS_OF_THE_CONTRACT


def test_every_claim_is_used_or_arrives_or_says_why_not() -> None:
    idle = [claim.id for claim in claims().values() if not (claim.questions or claim.arrives_with or claim.reason)]
    assert idle == []


def test_every_question_rests_on_a_claim() -> None:
    """The safety of a drafted drug, switches of a product and the like rest on labels, not on the source; they come later."""
    resting = {name for claim in claims().values() for name in claim.questions}
    assert resting == {question.name for question in questions().values() if question.built}


def test_nothing_is_signed_off_yet() -> None:
    assert not book.signed_off()
    assert all(question.signed_by == () for question in questions().values())


def test_the_ruleset_is_signed_off_when_two_clinicians_have_signed_each_built_question() -> None:
    signature = 'signed_by = ["A, hepatologist, 2026-02-01", "B, pharmacist, 2026-02-02"]'
    one = TEXTS["questions"].replace("signed_by = []", 'signed_by = ["A, hepatologist, 2026-02-01"]')
    built = TEXTS["questions"].replace("built = true\nsigned_by = []", f"built = true\n{signature}")
    assert not book.read(TEXTS["claims"], TEXTS["conflicts"], one).signed_off
    assert book.read(TEXTS["claims"], TEXTS["conflicts"], built).signed_off


def test_the_source_is_named_as_secondary_and_unreviewed() -> None:
    assert "secondary, unreviewed" in book.SOURCE.label
    assert (book.SOURCE.url, book.SOURCE.updated) == ("https://droracle.ai/articles/545000", "2025-11-23")


# --- conflicts


@pytest.mark.parametrize("conflict", conflicts().values(), ids=conflicts())
def test_a_conflict_fits_on_a_card_as_plain_text(conflict: book.Conflict) -> None:
    assert conflict.card.startswith("Sources differ: (a) ")
    assert "; (b) " in conflict.card
    assert conflict.card.endswith(". This service does not choose.")
    assert len(conflict.card) < 420
    assert not re.search(r"[*_`\[\]<>|#~\\\n]|https?:", conflict.card)


@pytest.mark.parametrize("conflict", conflicts().values(), ids=conflicts())
def test_both_sides_of_a_conflict_name_their_source_in_words(conflict: book.Conflict) -> None:
    for side in conflict.sides:
        assert side.text
        assert not re.search(r"\bU\d+\b|\[[VMSD]2?\]", side.text + side.source)
        if side.origin is Origin.SOURCE:
            assert set(re.findall(r"\bC\d+\b", side.source)) & set(conflict.claims)


def test_a_number_on_a_card_stands_in_a_side_or_a_claim() -> None:
    for conflict in conflicts().values():
        known = numbers(conflict.hard_rule + " ".join(f" {side.text} {side.source}" for side in conflict.sides))
        known |= numbers(" ".join(" ".join((*claims()[claim].figures, claims()[claim].text)) for claim in conflict.claims))
        strange = numbers(conflict.card) - known
        assert not strange, f"{conflict.id}: {strange}"


def test_what_is_from_memory_says_that_it_was_not_verified() -> None:
    for conflict in conflicts().values():
        for side in conflict.sides:
            assert (side.origin is Origin.MEMORY) == (book.NOT_VERIFIED in side.source)


# --- the source


@needs_source
def test_no_sentence_is_copied_from_the_article() -> None:
    run = 8
    source = words(SOURCE_TEXT.read_text(encoding="utf-8"))
    known = {tuple(source[start : start + run]) for start in range(len(source) - run + 1)}
    for name in (*TEXTS, "parameters"):
        for text in every_text(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))):
            own = words(text)
            copied = [own[start : start + run] for start in range(len(own) - run + 1) if tuple(own[start : start + run]) in known]
            assert not copied, f"{name}: {' '.join(copied[0])}"


@needs_source
@pytest.mark.parametrize("claim", claims().values(), ids=claims())
def test_the_figures_of_a_claim_stand_in_the_lines_it_cites(claim: book.Claim) -> None:
    said = cited_lines(claim)
    assert said.strip()
    assert numbers(" ".join(claim.figures)) <= numbers(said)
    assert numbers(claim.text) <= numbers(" ".join(claim.figures))


@needs_source
def test_no_figure_of_the_article_is_left_out() -> None:
    for number in range(18, 111):
        citing = [claim for claim in claims().values() if claim.lines == f"{number}-{number}"]
        said = numbers(cited_lines(citing[0])) if citing else set()
        assert said <= numbers(" ".join(figure for claim in citing for figure in claim.figures)), f"line {number}"


@needs_source
def test_every_statement_of_the_article_is_a_claim() -> None:
    lines = SOURCE_TEXT.read_text(encoding="utf-8").splitlines()
    stated = {number for number, line in enumerate(lines, start=1) if line.startswith("  •") or number == 20}
    cited = {int(claim.lines.split("-")[0]) for claim in claims().values()}
    assert stated <= cited


# --- rules and claims


def test_a_question_module_is_named_as_its_topic_and_is_marked_as_built() -> None:
    for name, topic in topics().items():
        assert topic.name == name
        assert questions()[name].built, f"{name} is built"


def test_every_built_question_has_its_module() -> None:
    assert {question.name for question in questions().values() if question.built} == set(topics())


@pytest.mark.parametrize("name", topics())
def test_a_question_rests_on_exactly_the_claims_that_name_it(name: str) -> None:
    assert set(topics()[name].claims) == {claim.id for claim in claims().values() if name in claim.questions}


@pytest.mark.parametrize("name", topics())
def test_a_question_names_only_conflicts_about_its_own_claims(name: str) -> None:
    topic = topics()[name]
    for conflict in topic.conflicts:
        concerned = conflicts()[conflict].claims
        assert not concerned or set(concerned) & set(topic.claims), conflict


@pytest.mark.parametrize("name", topics())
def test_a_question_says_in_words_what_it_asks(name: str) -> None:
    module = importlib.import_module(f"{question_modules.__name__}.{name.replace('-', '_')}")
    assert "?" in (module.__doc__ or ""), "the module opens with its question"


def test_every_claim_and_conflict_that_code_names_exists() -> None:
    known = set(claims()) | set(conflicts())
    for path in (ROOT / "cds_service").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[CX]\d{1,2}", node.value):
                assert node.value in known, f"{path.name}:{node.lineno} {node.value}"


def clinical_numbers(tree: ast.AST) -> list[str]:
    """The number literals that look like a threshold or a dose: above 2, with a fraction, or made from text."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            if isinstance(node.value, float) or node.value > 2:
                found.append(f"line {node.lineno}: {node.value}")
        elif isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Name | ast.Attribute):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            first = node.args[0]
            if called in {"Decimal", "Fraction"} and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.append(f"line {node.lineno}: {first.value}")
    return found


@pytest.mark.parametrize("room", ["questions", "judgements"])
def test_no_clinical_number_stands_outside_the_parameters(room: str) -> None:
    paths = sorted((FOLDER / room).rglob("*.py"))
    assert paths
    found = {path.name: seen for path in paths if (seen := clinical_numbers(ast.parse(path.read_text(encoding="utf-8"))))}
    assert found == {}


@pytest.mark.parametrize("code", ["limit = 3", "x > 0.5", "Decimal('1')", "fractions.Fraction('1/2')", "timedelta(days=-28)"])
def test_the_guard_sees_a_number(code: str) -> None:
    assert clinical_numbers(ast.parse(code))


@pytest.mark.parametrize("code", ["found[0]", "len(x) == 2", "flag = True", "Decimal(value)", "name = 'C26'", "Fraction()"])
def test_the_guard_lets_structure_pass(code: str) -> None:
    assert not clinical_numbers(ast.parse(code))


# --- a broken file is refused, and the entry is named


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("claims", 'id = "C2"\n', 'id = "C3"\n', "claim C2: found C3 instead"),
        ("claims", 'id = "C49"', 'id = "C50"', "claim C49: found C50 instead"),
        ("conflicts", 'id = "X29"', 'id = "X30"', "conflict X29: found X30 instead"),
        ("claims", 'text = "Going back', 'txt = "Going back', "claim C2"),
        ("claims", 'status = "stated"', 'status = "sated"', "claim C9"),
        ("claims", 'conflicts = ["X18"]', 'conflicts = ["X99"]', "claim C2: X99 is no conflict"),
        ("claims", 'conflicts = ["X18"]', 'conflicts = ["X17"]', "claim C2: X17 does not name it"),
        ("claims", 'questions = ["rebound"]', 'questions = ["rebond"]', "claim C3: rebond is no question"),
        ("claims", 'questions = ["rebound"]', 'questions = ["steroid-course"]', "claim C3: steroid-course is not built"),
        ("claims", 'arrives_with = ["steroid-course"]', 'arrives_with = ["rebound"]', "claim C4: rebound is built"),
        ("claims", 'status = "contested"\nconflicts = ["X18"]', 'status = "stated"\nconflicts = ["X18"]', "claim C2: contested"),
        ("claims", 'status = "stated"\n', 'status = "contested"\n', "claim C9: contested and conflicts go together"),
        ("claims", 'status = "stated"\nquestions = ["rebound"]\n', 'status = "stated"\n', "claim C9: needs a reason"),
        ("claims", "reason = ", "# reason = ", "claim C6: needs a reason"),
        ("conflicts", 'claims = ["C7"]', 'claims = ["C77"]', "claim C7: X2 does not name it"),
        ("conflicts", 'claims = ["C7"]', 'claims = ["C7", "C77"]', "conflict X2: C77 is no claim"),
        ("conflicts", 'claims = ["C7"]', 'claims = ["C7", "C9"]', "conflict X2: C9 does not name it"),
        ("conflicts", "not verified against the primary source", "said to be so", "conflict X2: what is from memory"),
        ("conflicts", 'abstract", origin = "V"', 'not verified against the primary source", origin = "V"', "conflict X1: what"),
        ("conflicts", "Sources differ: (a) trough", "Some say: (a) trough", "conflict X1: its card"),
        ("conflicts", "This service does not choose.", "We choose (a).", "conflict X1: its card"),
        ("conflicts", "(a) trough", f"(a) {'very ' * 60}trough", "conflict X1: its card"),
        ("conflicts", 'origin = "D"', 'origin = "E"', "conflict X2"),
        ("questions", 'name = "abrupt-stop"', 'name = "abrupt-stop-ordered"', "question: a name stands twice"),
        ("questions", "built = true", 'built = "yes"', "question abrupt-stop-ordered"),
        ("questions", 'name = "abrupt-stop-ordered"\n', "", "question number 1"),
    ],
)
def test_a_broken_entry_is_refused_by_name(name: str, old: str, new: str, said: str) -> None:
    with pytest.raises(KnowledgeError, match=re.escape(said)):
        changed(name, old, new)


def test_a_missing_claim_is_refused() -> None:
    cut = TEXTS["claims"][: TEXTS["claims"].index('[[claim]]\nid = "C49"')]
    with pytest.raises(KnowledgeError, match="claim C49: found the end of the file instead"):
        book.read(cut, TEXTS["conflicts"], TEXTS["questions"])


def test_a_claim_too_many_is_refused() -> None:
    more = TEXTS["claims"] + TEXTS["claims"][TEXTS["claims"].index('[[claim]]\nid = "C49"') :].replace("C49", "C50")
    with pytest.raises(KnowledgeError, match="claim after the last: found C50 instead"):
        book.read(more, TEXTS["conflicts"], TEXTS["questions"])


def test_a_conflict_with_one_side_is_refused() -> None:
    start = TEXTS["conflicts"].index('  { text = "Liver enzymes once in 2 weeks."')
    with pytest.raises(KnowledgeError, match="conflict X9: a conflict has two sides or more"):
        changed("conflicts", TEXTS["conflicts"][start : TEXTS["conflicts"].index("\n", start) + 1], "")


def test_a_file_without_entries_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="claim C1: found the end of the file instead"):
        book.read("", TEXTS["conflicts"], TEXTS["questions"])


def test_the_files_travel_with_the_package() -> None:
    for name in (*TEXTS, "parameters"):
        assert files("cds_service.knowledge").joinpath(f"{name}.toml").is_file()


def test_a_claim_that_cannot_be_computed_says_why() -> None:
    for claim in claims().values():
        if claim.status is Status.NOT_COMPUTABLE:
            assert claim.reason
