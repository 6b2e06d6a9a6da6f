"""What a prescriber's own words say of amount and frequency (``2 mg twice daily``, ``1 capsule every 12 hours``).

Only plain sentences are understood. Whoever cannot be sure reads nothing: two amounts, two frequencies or a schedule of changing
doses are left alone, except one amount in the morning and another in the evening.
"""

import re
from fractions import Fraction
from functools import lru_cache

from msgspec import Struct

from cds_service.knowledge.valuesets.tables import REMEMBERED
from cds_service.patient.facts import DoseUnit, Moment
from cds_service.patient.units import dose_unit

LONGEST_TEXT = 300
_NUMBERS = {"half": Fraction(1, 2), "one": Fraction(1), "two": Fraction(2), "three": Fraction(3), "four": Fraction(4)}
_COUNTS = {"once": 1, "twice": 2, "thrice": 3, "one": 1, "two": 2, "three": 3, "four": 4}

_NUMBER = r"(?:half|one|two|three|four|[0-9]{1,4}(?:[.,][0-9]{1,3})?)"
_AMOUNT = re.compile(
    rf"\b(?:(?P<count>[0-9]{{1,2}}) ?x ?)?(?P<low>{_NUMBER})(?: ?(?:-|to) ?(?P<high>{_NUMBER}))? ?"
    r"(?P<unit>mg/kg/day|mg/kg/d|mg/kg|mg/day|mg/d|mg|milligrams?|mcg|micrograms?|ug|g|ml|tablets?|tabs?|capsules?|caps?|pills?"
    r"|sachets?)(?![\w/])"
)
_OF_THE_DAY = r"morning|evening|night"
_RATES: tuple[tuple[re.Pattern[str], Fraction], ...] = tuple(
    (re.compile(rf"\b(?:{'|'.join(patterns)})(?!\w)"), rate)
    for rate, patterns in (
        (Fraction(1, 2), ("every other day", "alternate days?", "every second day", "every (?:2|two) days", "qod")),
        (Fraction(4), ("qid", "qds")),
        (Fraction(3), ("tid", "tds")),
        (Fraction(2), ("bid", "bd", "(?:in the )?morning and (?:in the )?(?:evening|night)", "mane et nocte")),
        (Fraction(1, 7), ("weekly", "every week", "a week", "per week")),
        (
            Fraction(1),
            (
                *("qd", "od", "daily", "every day", "each day", "a day", "per day"),
                *(rf"(?:in the|every|each) (?:{_OF_THE_DAY})", "at (?:night|bedtime)"),
                *("nightly", "qam", "qpm", "qhs", "mane", "nocte"),
            ),
        ),
    )
)
_COUNTED = re.compile(
    r"\b(?:(once|twice|thrice)|(one|two|three|four|[0-9]) ?(?:times?|x))(?: (?:a|per|each|every|in the))?"
    r" ?(day|daily|week|weekly)(?!\w)"
)
_HOURLY = re.compile(
    r"\b(?:every ([0-9]{1,2}) ?(?:hours?|hrs?|h)|q ?([0-9]{1,2}) ?h(?:ours?|rs?)?|([0-9]{1,2})[ -]?hourly)(?!\w)"
)
_AS_NEEDED = re.compile(r"\b(?:as needed|as required|if needed|if required|when required|prn)\b")
_MOMENTS = tuple(
    (moment, re.compile(rf"\b(?:{words})(?!\w)"))
    for moment, words in (
        (Moment.MORNING, "mornings?|mane|qam|am|breakfast"),
        (Moment.MIDDAY, "noon|midday|lunch"),
        (Moment.EVENING, "evenings?|nights?|nightly|nocte|qpm|pm|qhs|bedtime|dinner|supper"),
    )
)
_ASIDE = re.compile(r"\([^()]{0,80}\)")
_PARTS = re.compile(r"\band\b|,(?![0-9])|;|\+")


class Told(Struct, frozen=True):
    """One amount with its frequency (times a day) and the part of the day, as far as the words tell."""

    low: Fraction
    high: Fraction
    unit: DoseUnit
    times: Fraction | None
    as_needed: bool
    moment: Moment | None = None


def _plain(text: str) -> str:
    words = " ".join(text[:LONGEST_TEXT].lower().replace("µ", "u").replace("μ", "u").split())
    return _ASIDE.sub("", re.sub(r"(?<=[bqt])\.(?=[a-z])|(?<=\.[a-z])\.", "", words))


@lru_cache(maxsize=REMEMBERED)
def frequency(text: str) -> Fraction | None:
    """Times a day by words or abbreviation; None where there is no frequency, or more than one."""
    words = _plain(text)
    rates: set[Fraction] = set()
    for found in _COUNTED.finditer(words):
        word, number, period = found.groups()
        often = _COUNTS.get(word or number) or int(number)
        rates.add(Fraction(often, 1 if period.startswith("da") else 7))
    words = _COUNTED.sub(" ", words)
    for found in _HOURLY.finditer(words):
        hours = int(next(number for number in found.groups() if number))
        rates.add(Fraction(24, hours) if hours else Fraction())
    words = _HOURLY.sub(" ", words)
    for pattern, rate in _RATES:
        words, hits = pattern.subn(" ", words)
        if hits:
            rates.add(rate)
    return rates.pop() if len(rates) == 1 and min(rates) > 0 else None


@lru_cache(maxsize=REMEMBERED)
def told(text: str) -> tuple[Told, ...]:
    """The amounts of an instruction: one, or one each for morning and evening; empty where nothing plain is said."""
    words = _plain(text)
    amounts = list(_AMOUNT.finditer(words))
    if len(amounts) == 1:
        return _one(amounts[0], frequency(words), words)
    parts = [part for part in _PARTS.split(words) if _AMOUNT.search(part)]
    if len(parts) != len(amounts) or not all(frequency(part) == 1 for part in parts):
        return ()
    return tuple(
        one for part in parts for found in _AMOUNT.finditer(part) for one in _one(found, Fraction(1), words, moment_of(part))
    )


@lru_cache(maxsize=REMEMBERED)
def moment_of(text: str) -> Moment | None:
    """The one part of the day that words name."""
    words = _plain(text)
    named = {moment for moment, pattern in _MOMENTS if pattern.search(words)}
    return named.pop() if len(named) == 1 else None


def _one(found: re.Match[str], times: Fraction | None, words: str, moment: Moment | None = None) -> tuple[Told, ...]:
    known = dose_unit(found["unit"])
    low = _value(found["low"])
    high = _value(found["high"]) if found["high"] else low
    if known is None or high < low:
        return ()
    unit, factor = known
    factor *= int(found["count"] or 1)
    return (Told(low * factor, high * factor, unit, times, bool(_AS_NEEDED.search(words)), moment),)


def _value(number: str) -> Fraction:
    return _NUMBERS.get(number) or Fraction(number.replace(",", "."))
