"""What a code can mean, free of any code system."""

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
    """A laboratory test or measurement: its name in the project (``alt``) and its canonical UCUM unit.

    ``unit`` is empty for a test whose result is a word. ``specimen`` is given where the kind of sample decides whether a number
    means anything (drug levels in whole blood). ``timing`` is ``trough`` or ``post-dose`` where the code says so.
    """

    name: str
    unit: str
    specimen: str | None = None
    timing: str | None = None


class Route(Struct, frozen=True):
    """A route of administration: whether it makes a calcineurin inhibitor systemic."""

    name: str
    systemic: bool
