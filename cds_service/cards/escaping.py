"""Text made fit for a card: what others wrote cannot act, mislead by hidden characters, or run on.

``outside_*`` is for text from outside the service, ``own_markdown`` for the service's own words and tables.
"""

import re
import string
import unicodedata

OUTSIDE_LENGTH = 80
NO_TEXT = "(no readable text)"
_READ_AT_MOST = 400  # code points looked at, so that a huge text costs no more than a long one

_EVERY_PUNCTUATION = {ord(mark): f"\\{mark}" for mark in string.punctuation}
_ACTIVE_PUNCTUATION = {ord(mark): f"\\{mark}" for mark in "\\`*_[]<>&~|#"}
# Letters and marks that show nothing: joiners, fillers, the empty braille cell, variation selectors.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Where GitHub-flavoured renderers make a link of bare text, escaped or not: a space there keeps it text.
_LINKED = re.compile(r"(?<=\S)(?=://|@)|(?<=www)(?=\.)", re.IGNORECASE)


def outside_plain(text: str, *, length: int = OUTSIDE_LENGTH) -> str:
    """One plain line of at most ``length`` code points: no control, direction or zero-width characters, no bare link."""
    seen = text[:_READ_AT_MOST]
    if not (seen.isascii() and seen.isprintable()):
        kept = (char for char in _BLANK.sub("", seen) if char.isspace() or unicodedata.category(char)[0] != "C")
        seen = "".join(kept)
    line = _LINKED.sub(" ", " ".join(seen.split()))
    if len(line) > length or len(text) > _READ_AT_MOST:
        line = f"{line[: length - 1].rstrip()}…"
    return line or NO_TEXT


def outside_markdown(text: str, *, length: int = OUTSIDE_LENGTH) -> str:
    """The same for Markdown: every ASCII punctuation mark escaped, so that nothing in it is markup."""
    return outside_plain(text, length=length).translate(_EVERY_PUNCTUATION)


def own_markdown(text: str) -> str:
    """Our own text for Markdown: the marks that could be markup escaped, the others left for the eye."""
    return text.translate(_ACTIVE_PUNCTUATION)


def shortened(text: str, length: int) -> str:
    """The text, cut at a word with an ellipsis where it has more than ``length`` code points or UTF-16 units."""
    if _units(text) <= length:
        return text
    kept = text[: length - 1]
    while _units(kept) >= length:
        kept = kept[:-1]
    words, _, last = kept.rpartition(" ")
    return f"{words or last}…"


def _units(text: str) -> int:
    """The length in UTF-16 units, which is never less than in code points."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
