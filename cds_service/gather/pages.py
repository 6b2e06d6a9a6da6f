"""One list from the FHIR server, page by page: under the same base only, never the same page twice, and not without end."""

from urllib.parse import quote

from msgspec import Raw, Struct

from cds_service.fhir.bundle import Shell
from cds_service.gather.client import Server
from cds_service.gather.prefetch import page_of
from cds_service.protocol.gathered import Answer, Fetch, State
from cds_service.protocol.wire import BadRequest, refuse_hostile
from cds_service.trust.servers import page_url

PAGES = 10
"""How many pages of one list are read, one that the client sent along included."""

ENTRIES = 5_000
"""How many resources of one list are kept."""

_URL_SYMBOLS = "%/:?#[]@!$&'()*+,;="


class Listed(Struct, frozen=True):
    """What one list gave; ``unknown_type`` where the server may not know its type of resource."""

    answer: Answer
    outcome: Fetch
    unknown_type: bool = False


def listed(server: Server, key: str, url: str, first: Shell | None = None) -> Listed:
    """The list whose answer begins at ``url``, or whose ``first`` page came along and goes on at ``url``."""
    pages = [] if first is None else [first]
    seen: set[str] = set()
    following: str | None = _plain(url)
    while following is not None and len(pages) < PAGES and _count(pages) <= ENTRIES:
        seen.add(following)
        got = server.get(following)
        page = None if got.body is None else _page(key, got.body)
        if page is None or page.failed:
            outcome = Fetch.FAILED if page is not None else got.outcome
            return _broken_off(pages, outcome, got.unknown_type)
        pages.append(page)
        following = None if page.next_link is None else _following(page.next_link, server.base, seen)
    return _read(pages)


def _page(key: str, body: bytes) -> Shell:
    try:
        refuse_hostile(body)
    except BadRequest:
        return Shell(failed=True)
    return page_of(key, Raw(body))


def _following(link: str, base: str, seen: set[str]) -> str | None:
    url = page_url(link, base)
    return None if url is None or _plain(url) in seen else _plain(url)


def _plain(url: str) -> str:
    """The URL as it is sent, so that a page is known again whatever the server leaves unescaped."""
    return quote(url, safe=_URL_SYMBOLS)


def _read(pages: list[Shell]) -> Listed:
    """The pages in one; whole only if the last of them has no other after it and none is missing an entry."""
    whole = pages[-1].next_link is None and not any(page.broken for page in pages)
    whole = whole and max(page.total for page in pages) <= _count(pages) <= ENTRIES
    state, outcome = (State.PRESENT, Fetch.READ) if whole else (State.INCOMPLETE, Fetch.INCOMPLETE)
    return Listed(Answer(state, _resources(pages)), outcome)


def _broken_off(pages: list[Shell], outcome: Fetch, unknown_type: bool) -> Listed:
    """What had come before a page did not."""
    if pages:
        return Listed(Answer(State.INCOMPLETE, _resources(pages)), Fetch.INCOMPLETE)
    return Listed(Answer(State.FAILED), outcome, unknown_type)


def _count(pages: list[Shell]) -> int:
    return sum(len(page.resources) for page in pages)


def _resources(pages: list[Shell]) -> tuple[Raw, ...]:
    return tuple(resource for page in pages for resource in page.resources)[:ENTRIES]
