"""No text from outside makes a regular expression of ours take longer than its length explains."""

import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

import pytest

import cds_service

LENGTH = 20_000
LONGEST_S = 0.25
"""What is linear takes a few milliseconds for so long a text, what is quadratic seconds."""

SHELTERED = {
    "cds_service.fhir.written_numbers._RESULT": "sees texts of less than 60 characters",
    "cds_service.fhir.written_numbers._BETWEEN": "sees texts of less than 60 characters",
    "cds_service.gather.templates._TOKEN": "the templates are those of hooks.json",
    "cds_service.gather.templates._SINCE": "the templates are those of hooks.json",
    "cds_service.stories.moving._DATE_ELEMENT": "the names of members in a story",
}
"""Patterns that see no long text from outside, and why."""

_UNITS = {*'aA0 1.-/:_,"\\{}[]()\n\t;%=', *(first + second for first in " 0a.-/," for second in " 0a.-/,")}


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(cds_service.__path__, "cds_service."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def patterns(value: Any) -> Iterator[re.Pattern[Any]]:
    """The patterns in a value of a module, however they are packed."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, (list, tuple, set, frozenset, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from patterns(inner)


def used() -> dict[str, tuple[re.Pattern[Any], frozenset[str]]]:
    """Every pattern by its place, with the ways in which the module tries it: at one place or anywhere."""
    found = {}
    for module in modules():
        source = inspect.getsource(module)
        for name, value in vars(module).items():
            ways = frozenset(re.findall(rf"\b{re.escape(name)}\.(\w+)", source))
            tried = {way for way in ("fullmatch", "match") if way in ways} or {"search"}
            tried |= {"search"} if ways & {"search", "sub", "split", "findall", "finditer"} else set()
            for number, pattern in enumerate(patterns(value)):
                if pattern.pattern not in {one.pattern for one, _ in found.values()}:
                    found[f"{module.__name__}.{name}{f'.{number}' if number else ''}"] = pattern, frozenset(tried)
    return {place: one for place, one in found.items() if place not in SHELTERED}


def texts(pattern: str) -> Iterable[str]:
    """Long texts of what the pattern itself is made of, which end otherwise than it likes."""
    words = {word for word in re.findall(r"[A-Za-z0-9]+", pattern) if len(word) < 30}
    for unit in sorted(_UNITS | set(re.sub(r"\\.", "", pattern)) | words):
        for begin in ("", "1 ", '{"', "http://a"):
            yield begin + unit * (LENGTH // len(unit)) + "!"


@pytest.mark.parametrize(("pattern", "ways"), used().values(), ids=used())
def test_a_long_text_takes_no_longer_than_its_length_explains(pattern: re.Pattern[Any], ways: frozenset[str]) -> None:
    binary = isinstance(pattern.pattern, bytes)
    for text in texts(pattern.pattern.decode("latin-1") if binary else pattern.pattern):
        for way in ways:
            begun = time.process_time()
            getattr(pattern, way)(text.encode(errors="replace") if binary else text)
            assert time.process_time() - begun < LONGEST_S, (way, text[:20])


def test_a_pattern_that_goes_back_and_forth_would_be_found_out() -> None:
    begun = time.process_time()
    re.compile("a*a*b").search("a" * 1_500)
    assert time.process_time() - begun > LONGEST_S
