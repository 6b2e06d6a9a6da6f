"""What operators count, as Prometheus text. Every series is known at the start, so nothing from a request can become one.

The counts lie in memory that the worker processes share: each adds to a row of its own, and whoever is asked adds up all rows.
The row of a worker that died goes on with the one that takes its place, so that no counter ever falls.
"""

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from fcntl import LOCK_EX, flock
from itertools import accumulate, product
from mmap import mmap
from pathlib import Path
from threading import Lock

from msgspec import Struct

from cds_service.cards.topics import TOPICS
from cds_service.knowledge.finding import Indicator
from cds_service.protocol import discovery
from cds_service.protocol.gathered import Fetch
from cds_service.trust.refusal import Cause

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

ROWS = 256
"""How many processes may count at once: twice the workers that can be asked for, as a reload has both, and some more."""

OTHER = "other"
"""What stands for anything that has no series of its own."""

STAGES = ("parse", "gather", "read", "evaluate", "cards", "check", "store")
"""The stages of one answer, in their order."""

BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.4, 0.5, 1.0, 2.5)
"""Upper bounds of the histograms in seconds; among them the deadline of a call, and what CDS Hooks calls quick."""

ENDS = (
    ("200", "cards"),
    ("200", "no-cards"),
    ("200", "feedback"),
    ("200", OTHER),
    ("204", "preflight"),
    ("400", "refused"),
    ("401", "refused"),
    ("404", "refused"),
    ("405", "refused"),
    ("412", "no-history"),
    ("413", "refused"),
    ("415", "refused"),
    ("500", "failed"),
    ("503", "unavailable"),
    (OTHER, OTHER),
)
"""How a request can end: its status, and what that meant."""

_MEANING = dict(ENDS[4:])


class Family(Struct, frozen=True):
    """One metric: counters, or with ``bounds`` histograms of seconds, one for each of the ``values`` of its labels."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    bounds: tuple[float, ...] = ()

    @property
    def slots(self) -> int:
        """How many numbers one of its series takes: a count, or the count of each bucket and the sum."""
        return len(self.bounds) + 2 if self.bounds else 1


def families() -> tuple[Family, ...]:
    """Every metric there is."""
    services = (*discovery.services(), OTHER)
    return (
        Family(
            "cds_requests_total",
            "Requests answered, by service, status and what became of them.",
            ("service", "status", "outcome"),
            tuple((service, *end) for service, end in product(services, ENDS)),
        ),
        Family(
            "cds_cards_total",
            "Cards answered, by topic and indicator.",
            ("topic", "indicator"),
            tuple(product(TOPICS, tuple(indicator.value for indicator in Indicator))),
        ),
        Family("cds_answer_seconds", "Time from the body to the answer of a hook.", (), ((),), BOUNDS),
        Family("cds_stage_seconds", "Time of each stage of an answer.", ("stage",), _each(STAGES), BOUNDS),
        Family("cds_fhir_fetches_total", "Reads from FHIR servers, by outcome.", ("outcome",), _each(Fetch)),
        Family("cds_authentication_failures_total", "Callers not let in, by cause.", ("cause",), _each(Cause)),
        Family("cds_feedback_total", "Feedback entries kept, by outcome.", ("outcome",), _each(("accepted", "overridden"))),
        Family(
            "cds_other_hook_total",
            "Requests that named another hook than the service's own and were answered as its own.",
            ("service",),
            _each(discovery.services()),
        ),
    )


def _each(values: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    return tuple((str(value),) for value in values)


class Metrics:
    """The counts of one service, shared with every process that is forked from this one."""

    def __init__(self) -> None:
        self.families = families()
        sizes = [family.slots * len(family.values) for family in self.families]
        starts = accumulate(sizes, initial=1)  # the first number of a row is its owner
        self._starts = dict(zip((family.name for family in self.families), starts, strict=False))
        self._at = {
            (family.name, *value): (self._starts[family.name] + place * family.slots, family.bounds)
            for family in self.families
            for place, value in enumerate(family.values)
        }
        self._width = 1 + sum(sizes)
        self._numbers = memoryview(mmap(-1, ROWS * self._width * 8)).cast("d")
        self._lock = Lock()
        self._owner = 0
        self._row = 0

    def add(self, events: Iterable[tuple[tuple[str, ...], float]]) -> None:
        """Count events, each a metric with the values of its labels and an amount: seconds for a histogram, else how many.

        What has no series is not counted.
        """
        with self._lock:
            if self._owner != os.getpid():
                self._claim()
            numbers, row = self._numbers, self._row
            for series, amount in events:
                at, bounds = self._at.get(series, (0, ()))
                if bounds:
                    numbers[row + at + bisect_left(bounds, amount)] += 1
                    numbers[row + at + len(bounds) + 1] += amount
                elif at:
                    numbers[row + at] += amount

    def request(self, service: str, status: str, answered: str) -> tuple[str, ...]:
        """The series of a request that ended so; ``answered`` says what it was where the status is 200."""
        service = service if ("cds_other_hook_total", service) in self._at else OTHER
        series = ("cds_requests_total", service, status, answered if status == "200" else _MEANING.get(status, OTHER))
        return series if series in self._at else ("cds_requests_total", service, OTHER, OTHER)

    def text(self) -> str:
        """The sum of all processes, in the text format of Prometheus."""
        starts = [start for start in range(0, ROWS * self._width, self._width) if self._numbers[start]]
        rows = [self._numbers[start : start + self._width].tolist() for start in starts]
        sums = [sum(column) for column in zip([0.0] * self._width, *rows, strict=True)]
        return "".join(f"{line}\n" for family in self.families for line in self._lines(family, sums))

    def _lines(self, family: Family, sums: list[float]) -> Iterator[str]:
        yield f"# HELP {family.name} {family.meaning}"
        yield f"# TYPE {family.name} {'histogram' if family.bounds else 'counter'}"
        for place, value in enumerate(family.values):
            named = tuple(zip(family.labels, value, strict=True))
            at = self._starts[family.name] + place * family.slots
            if not family.bounds:
                yield _sample(family.name, named, f"{sums[at]:.0f}")
                continue
            *counts, total = sums[at : at + family.slots]
            for bound, count in zip((*map(str, family.bounds), "+Inf"), accumulate(counts), strict=True):
                yield _sample(f"{family.name}_bucket", (*named, ("le", bound)), f"{count:.0f}")
            yield _sample(f"{family.name}_sum", named, repr(total))
            yield _sample(f"{family.name}_count", named, f"{sum(counts):.0f}")

    def _claim(self) -> None:
        """Take a row that nobody has, or whose owner is no more. Where there is none, counts get lost rather than requests."""
        self._owner, self._row = os.getpid(), (ROWS - 1) * self._width
        with Path(__file__).open("rb") as guard:  # any file will do: its lock ends with the process that holds it
            flock(guard, LOCK_EX)
            for start in range(0, ROWS * self._width, self._width):
                owner = int(self._numbers[start])
                if not owner or not _lives(owner):
                    self._numbers[start], self._row = self._owner, start
                    break


def _sample(name: str, labels: Iterable[tuple[str, str]], value: str) -> str:
    """One line; no label of ours has a character that needs escaping."""
    named = ",".join(f'{label}="{part}"' for label, part in labels)
    return f"{name}{{{named}}} {value}" if named else f"{name} {value}"


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
