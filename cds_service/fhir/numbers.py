"""Numbers from outside, kept exact and within the sizes that clinical numbers have."""

from decimal import Context, Decimal
from fractions import Fraction

_EXACT = Context(prec=34)
_LARGEST_EXPONENT = 12  # no dose, count or concentration has more digits before the point, or so many zeros after it


def number(value: Decimal | None) -> Decimal | None:
    """The number; None where there is none, where it is no finite number, or where no clinical number is so large or small.

    More than 34 significant digits are rounded.
    """
    if value is None or not value.is_finite() or abs(value.adjusted()) > _LARGEST_EXPONENT:
        return None
    return _EXACT.plus(value)


def amount(value: Decimal | None) -> Fraction | None:
    """A number that counts something, as an exact fraction; None where it is not usable or below zero."""
    exact = number(value)
    return None if exact is None or exact < 0 else Fraction(exact)
