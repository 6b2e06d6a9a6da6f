"""Days that may be known only to the month or the year."""

from datetime import date, timedelta

from msgspec import Struct


class When(Struct, frozen=True, gc=False):
    """A day somewhere from ``earliest`` to ``latest``, both included; a full date has both equal.

    A rule may rely on a partial date only for what holds at both ends.
    """

    earliest: date
    latest: date

    @classmethod
    def on(cls, day: date) -> "When":
        """The given day, exactly."""
        return cls(day, day)

    @property
    def exact(self) -> bool:
        """Whether the day is known."""
        return self.earliest == self.latest


def days_between(first: date, last: date) -> int:
    """Whole days from ``first`` to ``last``; negative where ``last`` comes first."""
    return (last - first).days


def shift(day: date, days: int) -> date:
    """The day so many days later, held inside the calendar (years 1 to 9999)."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min
