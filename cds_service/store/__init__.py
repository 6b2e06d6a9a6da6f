"""What was answered and what became of it, kept across restarts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from cds_service.protocol.feedback import Feedback


class AnsweredCard(Struct, frozen=True):
    """One card that was sent; nothing in it tells of whom it was.

    ``issuer`` and ``tenant`` are the client it was sent to; empty where clients are not authenticated or name no tenant.
    """

    card: str
    service: str
    hook: str
    topic: str
    indicator: str
    suggestions: tuple[str, ...]
    answered_at: datetime
    issuer: str = ""
    tenant: str = ""


class Act(Struct, frozen=True):
    """What became of one card: one entry of feedback, told by the client whose card it was."""

    card: str
    topic: str
    outcome: str
    answered_at: datetime
    outcome_at: datetime
    received_at: datetime
    reason_code: str | None = None
    reason_system: str | None = None
    comment: str | None = None


class History(Struct, frozen=True):
    """What was answered in a period, as the number of cards by topic, and every act on those cards, in the order of the acts."""

    cards: dict[str, int]
    acts: tuple[Act, ...]


class StoreUnavailable(Exception):
    """The store cannot keep what it was given now; a later try may succeed."""


class StoreUnusable(Exception):
    """The store can never be used as it is (a file that is no database, or of a newer version); the message says why."""


class Store(Protocol):
    """Keeps answered cards and feedback; safe to share between threads, and between processes that each open their own."""

    def remember(self, cards: Sequence[AnsweredCard]) -> bool:
        """Keep the cards of one answer, all or none, so that they outlive the process; False where they wait to be kept."""

    def record(
        self, entries: Sequence[Feedback], *, service: str, received_at: datetime, issuer: str = "", tenant: str = ""
    ) -> None:
        """Keep all entries or none, as told by a client; when this returns they outlive a power cut.

        Raises:
            StoreUnavailable: locked, full or not writable.
        """

    def first_use(self, token: bytes, *, now: float, until: float) -> bool | None:
        """Whether a token, by its digest, is used for the first time; it is kept till ``until`` (seconds since 1970).

        Of many that ask at once, from any thread, process or machine that shares the store, one is told True.
        None where the store cannot keep it now and does not know it.
        """

    def history(self, since: datetime, until: datetime) -> History:
        """The cards answered from ``since`` to before ``until``, and every act on them, whenever it came.

        Raises:
            StoreUnavailable: it cannot be read.
        """

    def trouble(self) -> str | None:
        """What keeps the store from writing now, in words; None when nothing does."""

    def close(self) -> None:
        """Let go of the files; nothing is kept afterwards."""
