"""The sentences of the cards: a catalogue of plain text with ``{named}`` slots, and its rendering.

``frame.toml`` holds what stands around every card, ``sentences.toml`` what the questions say. Both map a key in kebab-case to
one line of plain text; Markdown is made of it here, so that a sentence cannot carry markup.
"""

import re
import string
import tomllib
from functools import cache
from importlib.resources import files

from msgspec import Struct

from cds_service.cards.escaping import own_markdown
from cds_service.cards.values import shown
from cds_service.knowledge.finding import Sentence, Term, Value

NOT_WORDED = "(not worded)"  # stands for a sentence or a value that is missing; a test finds it in no card
_FILES = ("frame.toml", "sentences.toml")
_LEAD_WORDS, _LEAD_LENGTH = 5, 36
_KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Template(Struct, frozen=True):
    """One sentence, taken apart: the literal text before, between and after its slots, for plain text and for Markdown.

    ``leading`` is the Markdown again, with the few words before a first colon in bold where the sentence opens with such.
    """

    slots: tuple[str, ...]
    plain: tuple[str, ...]
    markdown: tuple[str, ...]
    leading: tuple[str, ...]


class CatalogueError(ValueError):
    """A sentence that cannot be used; the message names its key."""


def read(text: str) -> dict[str, Template]:
    """The templates of one TOML text.

    Raises:
        CatalogueError: not TOML, a key that is not kebab-case, a text that is no single trimmed line, a slot that is no name.
    """
    try:
        entries = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(str(error)) from None
    return {key: _template(key, value) for key, value in entries.items()}


def _template(key: str, text: object) -> Template:
    if not _KEY.fullmatch(key):
        raise CatalogueError(f"{key}: a key is words joined by hyphens")
    if not isinstance(text, str) or not text or text != " ".join(text.split()):
        raise CatalogueError(f"{key}: a sentence is one line of text")
    if "{{" in text or "}}" in text:
        raise CatalogueError(f"{key}: a brace belongs to a slot")
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError as error:
        raise CatalogueError(f"{key}: {error}") from None
    slots = [name for _, name, _, _ in pieces if name is not None]
    plain = [literal for literal, _, _, _ in pieces]
    for literal, name, layout, conversion in pieces:
        if name is not None and (not name.isidentifier() or layout or conversion):
            raise CatalogueError(f"{key}: a slot is a bare name, after {literal!r}")
    if len(plain) == len(slots):
        plain.append("")
    markdown = tuple(own_markdown(literal) for literal in plain)
    return Template(tuple(slots), tuple(plain), markdown, (_lead(markdown[0]), *markdown[1:]))


def _lead(opening: str) -> str:
    """The opening of a sentence with its lead words in bold: ``**Exclude first:** infection``."""
    lead, colon, rest = opening.partition(":")
    short = len(lead.split()) <= _LEAD_WORDS and len(lead) <= _LEAD_LENGTH
    return f"**{lead}:**{rest}" if colon and short and rest.startswith(" ") else opening


@cache
def catalogue() -> dict[str, Template]:
    """Every sentence by its key, read once.

    Raises:
        CatalogueError: a faulty sentence, or a key in both files.
    """
    folder = files("cds_service.cards")
    merged: dict[str, Template] = {}
    for name in _FILES:
        templates = read(folder.joinpath(name).read_text(encoding="utf-8"))
        if twice := merged.keys() & templates.keys():
            raise CatalogueError(f"{name}: {', '.join(sorted(twice))} stands in another file too")
        merged |= templates
    return merged


def render(sentence: Sentence, *, markdown: bool, lead: bool = False) -> str:
    """The sentence in words, as Markdown (its ``lead`` words in bold where that is asked for) or as one plain line.

    A live answer never fails for want of a word: what is missing reads ``(not worded)``, and the tests look for that.
    """
    template = catalogue().get(sentence.key)
    if template is None:
        return f"{NOT_WORDED} {own_markdown(sentence.key) if markdown else sentence.key}"
    literals = template.plain if not markdown else template.leading if lead else template.markdown
    if not template.slots:
        return literals[0]
    parts = [literals[0]]
    for slot, literal in zip(template.slots, literals[1:], strict=True):
        value = sentence.values.get(slot)
        parts += (NOT_WORDED if value is None else shown(value, markdown=markdown), literal)
    if not literals[0] and _is_term(sentence.values.get(template.slots[0])):
        parts[1] = _capital(parts[1])
    return "".join(parts)


def _is_term(value: Value | None) -> bool:
    """Whether the words of a value begin with a name of the vocabulary."""
    return isinstance(value[0] if isinstance(value, tuple) and value else value, Term)


def _capital(words: str) -> str:
    """The words with a capital at the start of a sentence, but for a name like ``eGFR`` that has its own."""
    first = words.partition(" ")[0]
    return words[0].upper() + words[1:] if first.islower() else words
