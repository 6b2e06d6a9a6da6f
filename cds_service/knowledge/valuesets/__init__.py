"""What a code or a name means: drugs, conditions, laboratory tests, routes, coded results, reasons of a stop.

The tables are data (CSV and TOML beside this file, each row with its provenance; NOTICE holds the licences' notices). A code is
matched exactly, an ICD code by its longest prefix; a display is never matched where a code is known. Names of ingredients,
groups and analytes are the project's own vocabulary and are listed in the tables.
"""

from fractions import Fraction

from msgspec import Struct


class DrugCode(Struct, frozen=True):
    """What a medicine's code (or its name) tells.

    ``systemic`` None: the code says nothing about the route (ingredient codes). ``formulation`` is ``immediate-release``,
    ``prolonged-release`` (once-daily capsule), ``extended-release-tablet``, ``intravenous``, ``topical``, ``ophthalmic`` or None.
    ``strength`` is mg per tablet, capsule or mL. ``code`` is the RxNorm code of a product (not of an ingredient), with its
    RxNorm name in ``display``.
    """

    ingredient: str
    display: str
    systemic: bool | None = None
    formulation: str | None = None
    strength: Fraction | None = None
    code: str | None = None


class ConditionCode(Struct, frozen=True):
    """The groups and roles of a condition's code (``autoimmune_hepatitis``; ``indication``, ``transplant``, ...)."""

    groups: frozenset[str]
    roles: frozenset[str]


class Analyte(Struct, frozen=True):
    """A laboratory test or measurement: its name in the project (``alt``) and its canonical UCUM unit."""

    name: str
    unit: str
    specimen: str | None = None
    timing: str | None = None  # "trough", "post-dose"


class Route(Struct, frozen=True):
    """A route of administration: whether it makes a calcineurin inhibitor systemic."""

    name: str
    systemic: bool


def drug_of_code(system: str, code: str) -> DrugCode | None:
    """What a drug code means; None when it is in no table."""
    raise NotImplementedError


def drug_of_text(text: str) -> DrugCode | None:
    """What a drug's name or product text means, strength and form included where the text has them."""
    raise NotImplementedError


def drugs_in_class(name: str) -> frozenset[str]:
    """The ingredients of a class (``calcineurin-inhibitor``, ``systemic-steroid``, ``thiopurine``, ...)."""
    raise NotImplementedError


def condition_of_code(system: str, code: str) -> ConditionCode | None:
    """The groups and roles of a condition (or transplant procedure) code; the longest ICD prefix decides."""
    raise NotImplementedError


def condition_of_text(text: str) -> ConditionCode | None:
    """The same for a text-only condition; only exact, unambiguous names."""
    raise NotImplementedError


def analyte_of_code(system: str, code: str) -> Analyte | None:
    """The analyte of a laboratory code."""
    raise NotImplementedError


def route_of_code(system: str, code: str) -> Route | None:
    """A coded route."""
    raise NotImplementedError


def route_of_text(text: str) -> Route | None:
    """A route or form in words (``Oral``, ``po``, ``ointment``)."""
    raise NotImplementedError


def result_of(system: str | None, code: str | None, text: str | None) -> str | None:
    """The meaning of a coded or worded result: positive, negative, normal, intermediate, poor, indeterminate."""
    raise NotImplementedError


def reasons_of(system: str | None, code: str | None, text: str | None) -> frozenset[str]:
    """The reason groups of a stop or hold (``toxicity``, ``acute-kidney-injury``, ``infection``, ``planned-taper``, ...)."""
    raise NotImplementedError
