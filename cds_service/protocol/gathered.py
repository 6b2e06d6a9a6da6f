"""What was gathered for a request: for each question asked of the client, the data or the reason why there are none."""

from enum import StrEnum

from msgspec import Raw, Struct


class State(StrEnum):
    """What became of one prefetch key. Missing, failed and incomplete are never the same as empty."""

    PRESENT = "present"  # everything the query would have given, which may be nothing
    MISSING = "missing"  # the key was not sent
    FAILED = "failed"  # an OperationOutcome, or no FHIR at all
    INCOMPLETE = "incomplete"  # a first page only
    NOT_OFFERED = "not-offered"  # configured: this client never has it; not part of the history


class Answer(Struct, frozen=True):
    """The answer to one question: its resources as raw FHIR, in the order received."""

    state: State
    resources: tuple[Raw, ...] = ()


class Gathered(Struct, frozen=True):
    """Every question of the discovery body by its key, and the client's FHIR version as far as configured."""

    answers: dict[str, Answer]
    fhir_version: str | None = None
