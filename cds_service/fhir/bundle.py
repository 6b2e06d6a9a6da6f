"""The shell of what a client or a FHIR server sends for one question: its resources, whether there are more, whether it failed.

Nothing inside a resource is read but its type. The resources stay raw and keep their order.
"""

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

_NULL = Raw(b"null")


class Shell(Struct, frozen=True):
    """What one value holds.

    ``next_link`` is the URL of the next page. ``total`` is how many there are on all pages, as far as said. ``broken`` says that
    the server told of an error beside the resources. ``failed`` says that there is no answer at all. ``unfilled`` says that the
    server was asked with a token such as ``{{context.patientId}}`` as it stands, which is a question about nobody.
    """

    resources: tuple[Raw, ...] = ()
    next_link: str | None = None
    total: int = 0
    broken: bool = False
    failed: bool = False
    unfilled: bool = False

    @property
    def incomplete(self) -> bool:
        """Whether there is more than what is here."""
        return self.broken or self.next_link is not None or self.total > len(self.resources)


class _Head(Struct):
    """A Bundle without its entries; or a resource; or the {response, resource} wrapper of clients from before 1.0."""

    resourceType: Any = None  # noqa: N815 - the wire name
    total: Any = None
    link: Any = None
    resource: Raw = _NULL


class _Entry(Struct):
    resource: Raw = _NULL


class _Bundle(_Head):
    entry: list[_Entry | None] | None = None


class _OddBundle(_Head):
    """A Bundle with entries of any shape."""

    entry: list[Raw] | None = None


class _Issue(Struct):
    severity: str = "error"


class _Outcome(Struct):
    issue: list[_Issue] = []


_bundle = msgspec.json.Decoder(_Bundle)
_odd_bundle = msgspec.json.Decoder(_OddBundle)
_head = msgspec.json.Decoder(_Head)
_entry = msgspec.json.Decoder(_Entry)
_outcome = msgspec.json.Decoder(_Outcome)
_FAILED = Shell(failed=True)
_TYPE_FIRST = re.compile(rb'\{[ \t\n\r]*"resourceType"[ \t\n\r]*:[ \t\n\r]*"([A-Za-z]+)"')
"""Nearly everybody writes the type first; so it is known without reading on to the end."""

_TOKEN = ("{{", "%7B%7B", "%7b%7b")
"""How a token of a template begins, as it stands and in an address."""

_MILD = frozenset({"warning", "information"})


def type_of(resource: Raw) -> str | None:
    """The type that a resource gives as its own; None for what is no resource."""
    first = _TYPE_FIRST.match(memoryview(resource))
    if first is not None:
        return first[1].decode()
    try:
        kind = _head.decode(resource).resourceType
    except msgspec.DecodeError:
        return None
    return kind if isinstance(kind, str) else None


def shell_of(value: Raw) -> Shell:
    """What the value holds: a Bundle, a bare resource, either of them wrapped, or null for nothing found."""
    if value == _NULL:
        return Shell()
    try:
        head, resources = _opened(value)
    except msgspec.DecodeError:
        return _FAILED
    if head.resourceType == "Bundle":
        return _of_bundle(head, resources)
    if isinstance(head.resourceType, str):
        return Shell((value,)) if head.resourceType != "OperationOutcome" else _FAILED
    return shell_of(head.resource) if type_of(head.resource) else _FAILED


def _opened(value: Raw) -> tuple[_Head, list[Raw]]:
    """The head and the resources; an entry of an odd shape stays as it is, for the reader to count."""
    try:
        bundle = _bundle.decode(value)
    except msgspec.ValidationError:
        odd = _odd_bundle.decode(value)
        return odd, [_resource_of(entry) for entry in odd.entry or ()]
    return bundle, [entry.resource for entry in bundle.entry or () if entry is not None]


def _resource_of(entry: Raw) -> Raw:
    try:
        return _entry.decode(entry).resource
    except msgspec.ValidationError:
        return entry


def _of_bundle(head: _Head, entries: list[Raw]) -> Shell:
    resources: list[Raw] = []
    outcomes: list[Raw] = []
    for resource in entries:
        if resource != _NULL:
            (outcomes if type_of(resource) == "OperationOutcome" else resources).append(resource)
    broken = any(_is_error(outcome) for outcome in outcomes)
    if broken and not resources:
        return _FAILED
    total = head.total if isinstance(head.total, int) else 0
    links = _links(head.link)
    unfilled = any(token in links.get("self", "") for token in _TOKEN)
    return Shell(tuple(resources), links.get("next"), total, broken, unfilled=unfilled)


def _is_error(outcome: Raw) -> bool:
    """Whether the server says that it failed, rather than that it did something else than asked."""
    try:
        issues = _outcome.decode(outcome).issue
    except msgspec.ValidationError:
        return True
    return not issues or any(issue.severity not in _MILD for issue in issues)


def _links(links: Any) -> dict[str, str]:
    """The addresses by what they lead to; the first of each counts."""
    found: dict[str, str] = {}
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and isinstance(link.get("relation"), str):
            found.setdefault(link["relation"], str(link.get("url", "")))
    return found
