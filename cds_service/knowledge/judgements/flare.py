"""What a judgement of a flare says, whatever the disease: how far it has gone, what it rests on, what it could not tell."""

from datetime import date
from decimal import Decimal
from enum import IntEnum, auto

from msgspec import Struct

from cds_service.knowledge.finding import Sentence
from cds_service.patient import labs
from cds_service.patient.facts import Lab, Problem, Quantity
from cds_service.patient.labs import Baseline
from cds_service.patient.when import days_between


class Tier(IntEnum):
    """How far the disease has gone; a higher tier includes what the lower ones say."""

    NONE = 0
    POSSIBLE = auto()
    RELAPSE = auto()
    SEVERE = auto()


class Reading(Struct, frozen=True):
    """One marker against a limit, the person's own baseline, or both.

    ``upper`` is the limit it is measured against (None where only the baseline tells), ``assumed`` that the laboratory gave none.
    ``why`` says which definition it meets; with tier NONE it is information that makes no flare.
    """

    lab: Lab
    upper: Decimal | None
    assumed: bool
    baseline: Baseline | None
    tier: Tier
    why: Sentence | None = None

    @property
    def times(self) -> Decimal | None:
        """How many times the upper limit; None where there is no such limit."""
        return labs.value(self.lab) / self.upper if self.upper else None

    @property
    def shown_times(self) -> Quantity:
        """The same as it is shown: rounded, and of a bound as a bound."""
        return Quantity(labs.rounded(self.times or Decimal(), 2), "1", self.lab.comparator)


class Flare(Struct, frozen=True):
    """The judgement of one disease (a condition group); ``judged`` is False where nothing could tell that it is quiet.

    ``state`` names the severity of a hepatitis where both bilirubin and INR tell (``acute``, ``acute-severe``,
    ``liver-failure``). ``signs`` are conditions recorded since the stop, ``hints`` readings that are information only.
    ``old`` is the newest marker that is too old to tell, ``preliminary`` what is not final yet, ``unreadable`` what has no
    readable number, ``missing`` the markers without a value, ``unknown`` what else could not be told. ``cautions`` belong to the
    meaning of a flare. ``inr_ignored``: an anticoagulant makes the INR meaningless. ``quiet_before`` tells that the disease was
    seen to be quiet before the stop.
    """

    disease: str = ""
    judged: bool = False
    tier: Tier = Tier.NONE
    readings: tuple[Reading, ...] = ()
    severity: tuple[Lab, ...] = ()
    signs: tuple[Problem, ...] = ()
    state: str = ""
    old: Lab | None = None
    preliminary: tuple[Lab, ...] = ()
    missing: tuple[str, ...] = ()
    inr_ignored: bool = False
    unreadable: tuple[Lab, ...] = ()
    hints: tuple[Reading, ...] = ()
    cautions: tuple[Sentence, ...] = ()
    unknown: tuple[Sentence, ...] = ()
    quiet_before: bool = False

    @property
    def relapse(self) -> bool:
        """Whether the definition of a relapse is met, and not only that of a rise."""
        return self.tier >= Tier.RELAPSE

    @property
    def leading(self) -> Reading | None:
        """The reading that is furthest out, by tier and then by multiple of its limit; None where only signs tell."""
        out = [found for found in self.readings if found.tier]
        return max(out, key=lambda found: (found.tier, found.times or Decimal()), default=None)


def age_of(lab: Lab, today: date) -> int:
    """How many days ago the sample was taken, at least."""
    return days_between(lab.when.latest, today)
