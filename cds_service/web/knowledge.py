"""The knowledge base as one page for a clinician: claims, conflicts, questions and the numbers in force, each with an anchor.

Every card links here (``/knowledge#C26``, ``/knowledge#X3``, ``/knowledge#abrupt-stop``). The page needs no script and nothing
from elsewhere.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from msgspec import Struct

from cds_service.cards.topics import TOPICS
from cds_service.knowledge import claims, parameters
from cds_service.knowledge.claims import KnowledgeBase
from cds_service.knowledge.parameters import Parameter, Parameters

MARKS = {
    "S": "the article itself",
    "V": "read in the source named",
    "V2": "read only where another page quotes it",
    "M": "from memory; not verified against the primary source",
    "D": "computed, inferred or chosen here; no clinical source",
}
"""What the origin marks of the data mean, in words."""

UNITS = {"1": "", "words": "", "d": "days", "a": "years", "mg/mg": ""}
"""Unit codes that read better as words; annotations lose their braces."""


class Row(Struct, frozen=True):
    """One parameter as it is shown; ``default`` only where the site has moved the value."""

    name: str
    value: str
    default: str | None
    allowed: str
    parameter: Parameter


def shown(value: object, unit: str = "") -> str:
    """A value of a parameter as text, exact, with its unit in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value) or "none"
    word = UNITS.get(unit, unit.replace("{", "").replace("}", ""))
    return f"{_number(value)} {word}".strip()


def _number(value: object) -> str:
    if isinstance(value, Fraction):
        decimal = Decimal(value.numerator) / Decimal(value.denominator)
        return f"{decimal.normalize():f}" if Fraction(decimal) == value else f"{value.numerator}/{value.denominator}"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _allowed(parameter: Parameter) -> str:
    if parameter.fixed:
        return "fixed"
    if parameter.choices:
        return ", ".join(parameter.choices)
    if parameter.low is None:
        return "free"
    return f"{shown(parameter.low)} to {shown(parameter.high, parameter.unit)}"


def _row(name: str, parameter: Parameter, in_force: Parameters, defaults: Parameters) -> Row:
    value, default = getattr(in_force, name), getattr(defaults, name)
    moved = shown(default, parameter.unit) if value != default else None
    return Row(name, shown(value, parameter.unit), moved, _allowed(parameter), parameter)


def linked(text: str, base: KnowledgeBase) -> Markup:
    """The text, escaped, with every claim and conflict it names as a link to its place on the page."""

    def link(match: re.Match[str]) -> str:
        named = match[0]
        known = named in base.claims or named in base.conflicts
        return f'<a href="#{named}">{named}</a>' if known else named

    return Markup(re.sub(r"\b[CX]\d{1,2}\b", link, str(escape(text))))  # noqa: S704 - escaped before the links go in


def _differing(question: str, base: KnowledgeBase) -> list[str]:
    """The conflicts of the claims that a question rests on, in their order."""
    named = {name for claim in _resting(question, base) for name in base.claims[claim].conflicts}
    return [name for name in base.conflicts if name in named]


def _resting(question: str, base: KnowledgeBase) -> list[str]:
    return [claim.id for claim in base.claims.values() if question in claim.questions + claim.arrives_with]


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("cds_service.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(in_force: Parameters, groups: Mapping[str, Mapping[str, Parameter]], base: KnowledgeBase, notices: str) -> str:
    """The page as HTML, from the values in force, their descriptions by group, the knowledge base and the licence notices.

    The notices come as the text of the file NOTICE: a title, then paragraphs.
    """
    defaults = parameters.in_force()
    rows = {
        group.replace("-", " "): [_row(name, parameter, in_force, defaults) for name, parameter in members.items()]
        for group, members in groups.items()
    }
    return (
        _environment()
        .get_template("knowledge.html")
        .render(
            base=base,
            groups=rows,
            linked=lambda text: linked(text, base),
            marks=MARKS,
            notices=re.split(r"\n\s*\n", notices.strip())[1:],
            differing={name: _differing(name, base) for name in base.questions},
            resting={name: _resting(name, base) for name in base.questions},
            ruleset=claims.RULESET,
            source=claims.SOURCE,
            titles={code: topic.display for code, topic in TOPICS.items()},
        )
    )


def knowledge_page(in_force: Parameters) -> str:
    """The page of this release with a site's parameters."""
    notices = files("cds_service.knowledge.valuesets").joinpath("NOTICE").read_text(encoding="utf-8")
    return page(in_force, parameters.grouped(), claims.knowledge_base(), notices)
