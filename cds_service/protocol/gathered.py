"""What was gathered for a request: for each question asked of the client, the data or the reason why there are none."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from msgspec import Raw, Struct


class State(StrEnum):
    """What became of one prefetch key. Missing, failed and incomplete are never the same as empty."""

    PRESENT = "present"  # everything the query would have given, which may be nothing
    MISSING = "missing"  # not sent, and not asked for elsewhere
    FAILED = "failed"  # an OperationOutcome, no FHIR at all, or asked for in vain
    INCOMPLETE = "incomplete"  # a part of it: pages that could not be had, or that are too many
    NOT_OFFERED = "not-offered"  # configured: this client never has it; not part of the history


class Fetch(StrEnum):
    """What became of one read from the client's FHIR server, for the counts of an operator."""

    READ = "read"  # all of it came
    INCOMPLETE = "incomplete"  # a part of it came: pages, bytes or time ran out
    REFUSED = "refused"  # the server did not accept the token (401, 403)
    FAILED = "failed"  # another status than 200, or no FHIR
    UNREACHABLE = "unreachable"  # no connection, or none that could be trusted
    LATE = "late"  # the deadline came first
    HELD_BACK = "held-back"  # not asked, as the server has failed too often just now
    NOT_ALLOWED = "not-allowed"  # not asked, as the server is not among those that may be called


class Answer(Struct, frozen=True):
    """The answer to one question: its resources as raw FHIR, in the order received."""

    state: State
    resources: tuple[Raw, ...] = ()


class Gathered(Struct, frozen=True):
    """Every question of the discovery body by its key, the client's FHIR version as far as configured, and each read made.

    ``medications`` are the raw Medication resources that were read because others refer to them. ``since`` has, by key, the day
    from which on a list was asked for; not everybody who answers looks at that.
    """

    answers: dict[str, Answer]
    fhir_version: str | None = None
    fetches: tuple[Fetch, ...] = ()
    medications: tuple[Raw, ...] = ()
    since: Mapping[str, date] = MappingProxyType({})
