"""Which URL may be called: a listed base URL exactly, and what lies under it.

Every URL that is called is put together here from checked parts. Parsers disagree on odd URLs, so whatever is odd is no URL.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from cds_service.config import is_loopback

_BASE = re.compile(
    r"(https?)://"
    r"([a-z0-9.-]+|\[[0-9a-f:.]+\])"
    r"(?::([1-9][0-9]{0,4}))?"
    r"((?:/[a-z0-9._~!$&'()*+,;=:-]+)*)/?",
    re.IGNORECASE | re.ASCII,
)
_ABSOLUTE = re.compile(r"(https?://[^/?]*)(.*)", re.IGNORECASE | re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_ODD_LINK = re.compile(r"[\x00-\x20\x7f-\U0010ffff\\#\"<>^`{}]")
_HIDDEN = re.compile(r"%(?:2e|2f|5c|00)", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


def base_url(text: str) -> str | None:
    """The base URL in its one form, without a slash at its end; None for what is no plain base URL.

    That is: https, or http to this machine; no user, query, fragment, escape or dot segment; a host name, or an address in its
    plain notation.
    """
    parts = _BASE.fullmatch(text)
    if parts is None:
        return None
    scheme, port, path = parts[1].lower(), int(parts[3] or 0), parts[4]
    host = _host(parts[2])
    if host is None or port > 65535 or (scheme == "http" and not is_loopback(host.strip("[]"))) or _dots(path):
        return None
    return f"{scheme}://{host}{f':{port}' if port not in (0, _PORTS[scheme]) else ''}{path}"


def listed(text: str, servers: frozenset[str]) -> str | None:
    """The base URL, if it is one of the ``servers`` (each in its one form); None if it must not be called."""
    base = base_url(text)
    return base if base in servers else None


def page_url(link: str, base: str) -> str | None:
    """The URL of a page of the server at ``base``, absolute or relative as the server gave it; None if it leads elsewhere."""
    if not link or _ODD_LINK.search(link):
        return None
    absolute = _ABSOLUTE.fullmatch(link)
    if absolute is not None:
        origin, rest = base_url(absolute[1]), absolute[2]
    elif _SCHEME.match(link) or link.startswith("//"):
        return None
    else:
        origin = _ABSOLUTE.sub(r"\1", base)
        rest = link if link.startswith("/") else f"{base.removeprefix(origin)}{'' if link.startswith('?') else '/'}{link}"
    path = rest.partition("?")[0]
    if origin is None or _HIDDEN.search(path) or _dots(path):
        return None
    url = origin + rest
    return url if url == base or url.startswith((base + "/", base + "?")) else None


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host of a base URL is by itself, brackets or not; None for a name."""
    try:
        return IPv6Address(host.strip("[]")) if ":" in host else IPv4Address(host)
    except AddressValueError:
        return None


def _host(text: str) -> str | None:
    """The host in its one form; None for what only some resolvers take: shortened or hexadecimal addresses, a dot at the end."""
    host = text.lower()
    address = address_of(host)
    if address is not None:
        return f"[{address}]" if address.version == 6 else str(address)
    labels = host.split(".")
    if host.startswith("[") or not all(map(_LABEL.fullmatch, labels)) or _NUMERIC.fullmatch(labels[-1]):
        return None
    return host


def _dots(path: str) -> bool:
    return not {".", ".."}.isdisjoint(path.split("/"))
