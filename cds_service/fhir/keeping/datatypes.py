"""FHIR's data types as strictly as the live path needs them: every element by name, with its type; nothing else is let in.

They only say whether an order can be handed back: what they let pass is valid, some of what they refuse is valid too (extensions
of primitive elements, rare types in an extension).
"""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

Text = Annotated[str, Meta(pattern=r"^[ \r\n\t\S]+$")]
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
Code = Annotated[str, Meta(pattern=r"^[^\s]+(\s[^\s]+)*$")]
Uri = Annotated[str, Meta(pattern=r"^\S+$")]
DateTime = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01])"
        r"(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]))?)?)?$"
    ),
]
Instant = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
        r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])$"
    ),
]
Time = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?$")]
Event = Literal[
    "MORN", "NOON", "AFT", "EVE", "NIGHT", "HS", "WAKE", "C", "CM", "CD", "CV", "AC", "ACM", "ACD", "ACV", "PC", "PCM", "PCD",
    "PCV",
]  # fmt: skip
Positive = Annotated[int, Meta(gt=0, lt=2**31)]
Count = Annotated[int, Meta(ge=0, lt=2**31)]
Length = Annotated[float, Meta(ge=0)]
Number = float  # only its being a number is asked; the order keeps the digits that came


class Strict(Struct, gc=False, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """What every type has in common: FHIR's names and no others.

    Of each group of ``CHOICES`` there is one element at most, of each group of ``REQUIRED`` at least one.
    """

    CHOICES: ClassVar[tuple[tuple[str, ...], ...]] = ()
    REQUIRED: ClassVar[tuple[tuple[str, ...], ...]] = ()

    def __post_init__(self) -> None:
        for names in self.CHOICES:
            if sum(getattr(self, name) is not None for name in names) > 1:
                raise ValueError("one element of a choice at most")
        for names in self.REQUIRED:
            if all(getattr(self, name) is None for name in names):
                raise ValueError("a required element is missing")


class Element(Strict):
    """An element: an id within the resource, and extensions."""

    id: Text | None = None
    extension: "Annotated[list[Extension], Meta(min_length=1)] | None" = None


class Coding(Element):
    """A code of a code system."""

    system: Uri | None = None
    version: Text | None = None
    code: Code | None = None
    display: Text | None = None
    user_selected: bool | None = None


class CodeableConcept(Element):
    """A concept by codes, in words, or both."""

    coding: Annotated[list[Coding], Meta(min_length=1)] | None = None
    text: Text | None = None


class Period(Element):
    """A time from a first to a last moment."""

    start: DateTime | None = None
    end: DateTime | None = None


class Quantity(Element):
    """An amount with its unit."""

    value: Number | None = None
    unit: Text | None = None
    system: Uri | None = None
    code: Code | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.code is not None and self.system is None:
            raise ValueError("a code of a unit has a system")


class Range(Element):
    """A range of amounts."""

    low: Quantity | None = None
    high: Quantity | None = None


class Ratio(Element):
    """A ratio of amounts."""

    numerator: Quantity | None = None
    denominator: Quantity | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.numerator is None) != (self.denominator is None):
            raise ValueError("a ratio has both its sides")


class Identifier(Element):
    """A name of the thing in some system."""

    use: Code | None = None
    type: CodeableConcept | None = None
    system: Uri | None = None
    value: Text | None = None
    period: Period | None = None
    assigner: "Reference | None" = None


class Reference(Element):
    """A reference to another resource; ``type`` and ``identifier`` are of later versions than DSTU2."""

    REQUIRED = (("reference", "identifier", "display"),)

    reference: Text | None = None
    type: Uri | None = None
    identifier: Identifier | None = None
    display: Text | None = None


class Extension(Element):
    """An extension: others inside it, or one value of a simple type."""

    url: Uri = ""
    value_string: Text | None = None
    value_code: Code | None = None
    value_uri: Uri | None = None
    value_boolean: bool | None = None
    value_integer: int | None = None
    value_decimal: Number | None = None
    value_date_time: DateTime | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_coding: Coding | None = None
    value_quantity: Quantity | None = None
    value_reference: Reference | None = None
    value_period: Period | None = None

    def __post_init__(self) -> None:
        values = [name for name in self.__struct_fields__ if name.startswith("value_") and getattr(self, name) is not None]
        if not self.url or len(values) + bool(self.extension) != 1:
            raise ValueError("an extension has a url, and either a value or extensions")


class Annotation(Element):
    """A note, by whom and when."""

    author_reference: Reference | None = None
    author_string: Text | None = None
    time: DateTime | None = None
    text: Text = ""

    def __post_init__(self) -> None:
        if not self.text or (self.author_reference is not None and self.author_string is not None):
            raise ValueError("a note has a text, and one author at most")


class ResourceMeta(Element):
    """What the server says of the resource."""

    version_id: Id | None = None
    last_updated: Instant | None = None
    source: Uri | None = None
    profile: Annotated[list[Uri], Meta(min_length=1)] | None = None
    security: Annotated[list[Coding], Meta(min_length=1)] | None = None
    tag: Annotated[list[Coding], Meta(min_length=1)] | None = None


class Narrative(Element):
    """The resource in words, as a fragment of XHTML."""

    status: Code = ""
    div: Annotated[str, Meta(pattern="^<div[ >]")] = ""

    def __post_init__(self) -> None:
        if self.status not in {"generated", "extensions", "additional", "empty"} or not self.div:
            raise ValueError("a narrative has a status of its list, and text")


Unit = Literal["s", "min", "h", "d", "wk", "mo", "a"]


class CommonRepeat(Element):
    """The parts of Timing.repeat that all versions share."""

    bounds_range: Range | None = None
    bounds_period: Period | None = None
    count: Positive | None = None
    duration: Length | None = None
    duration_max: Length | None = None
    frequency: Positive | None = None
    frequency_max: Positive | None = None
    period: Length | None = None
    period_max: Length | None = None


class Repeat(CommonRepeat):
    """Timing.repeat from STU3 on."""

    CHOICES = (("bounds_duration", "bounds_range", "bounds_period"),)

    bounds_duration: Quantity | None = None
    count_max: Positive | None = None
    duration_unit: Unit | None = None
    period_unit: Unit | None = None
    day_of_week: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Meta(min_length=1)] | None = None
    time_of_day: Annotated[list[Time], Meta(min_length=1)] | None = None
    when: Annotated[list[Event], Meta(min_length=1)] | None = None
    offset: Count | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.period is None) != (self.period_unit is None) or (self.duration is None) != (self.duration_unit is None):
            raise ValueError("a period and a duration have a unit")


class Timing(Element):
    """When something is taken, from STU3 on."""

    event: Annotated[list[DateTime], Meta(min_length=1)] | None = None
    repeat: Repeat | None = None
    code: CodeableConcept | None = None
