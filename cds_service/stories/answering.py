"""One request answered without a server: for ``explain``, ``check`` and the stories of the test-suite."""

from datetime import date
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cds_service.answer import Setting, answer
from cds_service.gather import HistoryUnavailable
from cds_service.protocol import discovery
from cds_service.protocol.request import BadRequest, parse
from cds_service.stories.story import Story
from cds_service.stories.verdict import differences
from cds_service.timetable import timetable

Json = dict[str, Any]

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Unanswerable(ValueError):
    """A request that cannot be answered as asked; the message says why."""


class Response(Struct, frozen=True):
    """What a server would have answered: the status, the cards as JSON values, and for an error the reason in words."""

    status: int
    cards: tuple[Json, ...] = ()
    reason: str = ""


def respond(body: bytes, *, hook: str, asof: date, setting: Setting) -> Response:
    """Answer one body as the service of ``hook``; entries that became evidence and are not valid FHIR are named as unknown."""
    try:
        outcome = answer(parse(body), hook=hook, asof=asof, setting=replace(setting, strict=True))
    except BadRequest as error:
        return Response(400, reason=str(error))
    except HistoryUnavailable as error:
        return Response(412, reason=f"could not be had: {error}")
    return Response(200, msgspec.json.decode(_ENCODER.encode(outcome.cards), type=tuple[Json, ...]))


def timeline(body: bytes, *, hook: str, asof: date, setting: Setting) -> str:
    """The table of what was taken when, from one body, read as by the service of ``hook``.

    Raises:
        Unanswerable: the request is none, or has no medication history.
    """
    try:
        return timetable(answer(parse(body), hook=hook, asof=asof, setting=setting).record, setting.parameters)
    except (BadRequest, HistoryUnavailable) as error:
        raise Unanswerable(f"The request has no timeline: {error}.") from None


def run(story: Story, setting: Setting) -> tuple[str, ...]:
    """What differs between the story and the answer of this code, in words; nothing where it holds."""
    try:
        hook = hook_of(story.service)
    except Unanswerable as error:
        return (str(error),)
    response = respond(story.request, hook=hook, asof=story.asof, setting=setting)
    return differences(story.expected, response.status, response.cards)


def hook_of(service: str) -> str:
    """The hook of a service's id.

    Raises:
        Unanswerable: there is no such service.
    """
    services = discovery.services()
    if service not in services:
        raise Unanswerable(f"There is no service {service}; there are {', '.join(sorted(services))}.")
    return services[service].hook


def own_hook(body: bytes) -> str:
    """The hook that a request names as its own, as far as a service answers it.

    Raises:
        Unanswerable: it cannot be read, or no service answers that hook.
    """
    try:
        hook = parse(body).hook
    except BadRequest as error:
        raise Unanswerable(f"The request cannot be read: {error}.") from None
    answering = discovery.answering(hook)
    if answering is None:
        raise Unanswerable(f"No service answers the hook {hook}.")
    return answering
