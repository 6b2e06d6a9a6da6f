"""Prefetch templates of the discovery body, resolved as a client would.

Understood are the tokens of CDS Hooks 1.0 to 2.0 (members of the context, the four user ids), and of 3.0 ``today()`` with days
added or taken, paths into the context, ``ofType()`` and ``|``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from cds_service.gather.prefetch import KEYS
from cds_service.protocol import discovery
from cds_service.protocol.request import HookContext

_TOKEN = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_DAY = r"today\(\)(?:\s*([+-])\s*(\d{1,5})\s*days?)?"
_TODAY = re.compile(_DAY)
_SINCE = re.compile(r"[?&]date=ge\{\{\s*" + _DAY + r"\s*\}\}")
_USER_IDS = {
    "userPractitionerId": "Practitioner",
    "userPractitionerRoleId": "PractitionerRole",
    "userPatientId": "Patient",
    "userRelatedPersonId": "RelatedPerson",
}
_IDS = {"context.patientId": "patient_id", "context.userId": "user_id", "context.encounterId": "encounter_id"}
_PATH = re.compile(r"context((?:\.[A-Za-z]\w*(?:\.ofType\([A-Za-z]+\))?)+)")
_STEP = re.compile(r"\.([A-Za-z]\w*)(?:\.ofType\(([A-Za-z]+)\))?")
_VALUE = re.compile(r"(?:[A-Za-z]{1,64}/)?(?!\.+$)[A-Za-z0-9_.-]{1,64}")
"""What a token may stand for: an id, a code, or a reference. Nothing of it means anything in a URL."""

_KEPT = "/?&=,:()"


@cache
def templates(hook: str) -> Mapping[str, str]:
    """The prefetch templates of the service of a hook, by the keys that are read."""
    found = [service.prefetch for service in discovery.services().values() if service.hook == hook]
    return {key: template for prefetch in found for key, template in prefetch.items() if key in KEYS}


@lru_cache(maxsize=64)
def asked_since(hook: str, today: date) -> Mapping[str, date]:
    """From which day on lists are asked for, by key; the others are asked for from the beginning."""
    found = {key: _SINCE.search(template) for key, template in templates(hook).items()}
    return {key: _day(match, today) for key, match in found.items() if match is not None}


def resolve(template: str, context: HookContext, today: date) -> str | None:
    """The template as a relative URL, percent-encoded; None where the context does not have what a token asks for."""
    missing = False

    def told(match: re.Match[str]) -> str:
        nonlocal missing
        values = list(dict.fromkeys(_values(match[1], context, today)))
        missing = missing or not values or ("?" not in template and len(values) > 1)
        return ",".join(values)

    resolved = _TOKEN.sub(told, template)
    return None if missing or "{{" in resolved else quote(resolved, safe=_KEPT)


def _values(token: str, context: HookContext, today: date) -> Iterator[str]:
    """What one token stands for: only what is harmless in a URL."""
    day = _TODAY.fullmatch(token)
    if day is not None:
        yield _day(day, today).isoformat()
    for path in token.split("|"):
        for value in _found(path.strip(), context):
            if isinstance(value, str) and _VALUE.fullmatch(value):
                yield value


def _day(match: re.Match[str], today: date) -> date:
    return today + timedelta(days=int(f"{match[1] or '+'}{match[2] or 0}"))


def _found(path: str, context: HookContext) -> Iterable[Any]:
    if path in _USER_IDS:
        kind, _, ident = (context.user_id or "").partition("/")
        return [ident] if kind == _USER_IDS[path] else []
    if path in _IDS:
        return [getattr(context, _IDS[path])]
    match = _PATH.fullmatch(path)
    found: Iterable[Any] = [_members(context)] if match else []
    for name, kind in _STEP.findall(match[1] if match else ""):
        found = [value for item in found for value in _children(item, name, kind)]
    return found


def _members(context: HookContext) -> Any:
    try:
        return msgspec.json.decode(context.members)
    except msgspec.DecodeError:  # half of a surrogate pair in some text
        return None


def _children(item: Any, name: str, kind: str) -> Iterator[Any]:
    """The values of an element, lists taken apart; of one ``kind``: resources of that type, or a choice of that data type."""
    if not isinstance(item, dict):
        return
    for value in _many(item.get(name)):
        if not kind or (isinstance(value, dict) and value.get("resourceType") == kind):
            yield value
    if kind:
        yield from _many(item.get(name + kind[:1].upper() + kind[1:]))


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
