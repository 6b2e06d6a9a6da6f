"""Codeable concepts: their words and their meaning in the value sets."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from cds_service.fhir.wire import Coding, Concept, ConceptOrReference, many
from cds_service.knowledge.valuesets import Route, condition_of_code, condition_of_text, result_of, route_of_code, route_of_text
from cds_service.knowledge.valuesets.systems import short_name

_ICD = {"icd10", "icd10cm"}


@lru_cache(maxsize=1024)
def plain(code: str | None) -> str:
    """A code as it is compared: without spaces around it, in lower case; empty where there is none."""
    return (code or "").strip().lower()


def codings(concept: Concept | None) -> Sequence[Coding]:
    """The codings of a concept."""
    if concept is None:
        return ()
    found = concept.coding
    return found if type(found) is list else many(found)


def codes(concept: Concept | str | None) -> set[str]:
    """The bare codes of a concept, or the code itself where an older version sends one, in lower case."""
    if isinstance(concept, str):
        return {plain(concept)}
    return {plain(coding.code) for coding in codings(concept) if coding.code}


def texts(concept: Concept | None) -> list[str]:
    """The words of a concept: its own text first, then the displays of its codings."""
    if concept is None:
        return []
    displays = [coding.display for coding in codings(concept) if coding.display]
    return [concept.text, *displays] if concept.text else displays


def words(concept: Concept | None) -> str:
    """The first words of a concept; empty where it has none."""
    return next(iter(texts(concept)), "")


def concepts(mixed: Iterable[ConceptOrReference]) -> list[Concept]:
    """The concepts among R5's concepts-or-references."""
    return [entry.concept for entry in mixed if entry.concept is not None]


def condition(concept: Concept | None) -> tuple[frozenset[str], frozenset[str]]:
    """The groups and roles of a condition or procedure: by all its codes, by exact name only where no ICD code decides."""
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    decided = False
    for coding in codings(concept):
        if coding.system and coding.code:
            found = condition_of_code(coding.system, coding.code)
            decided = decided or found is not None or short_name(coding.system) in _ICD
            if found is not None:
                groups |= found.groups
                roles |= found.roles
    if not decided:
        for text in texts(concept):
            named = condition_of_text(text)
            if named is not None:
                return named.groups, named.roles
    return groups, roles


def route(concept: Concept | None) -> Route | None:
    """A route or form: by its code, else by its words."""
    for coding in codings(concept):
        if coding.system and coding.code and (known := route_of_code(coding.system, coding.code)):
            return known
    return next((told for text in texts(concept) if (told := route_of_text(text))), None)


def result(concept: Concept | None) -> str | None:
    """The meaning of a coded or worded result: the first code that is known, else the first words that are understood."""
    for coding in codings(concept):
        known = result_of(coding.system, coding.code, None)
        if known is not None:
            return known
    return next((told for text in texts(concept) if (told := result_of(None, None, text))), None)
