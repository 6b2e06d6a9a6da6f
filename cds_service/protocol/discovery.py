"""The discovery body (hooks.json): the services offered, and the hook names a request may carry."""

from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

PUBLISHED_HOOKS = frozenset(
    {
        "allergyintolerance-create",
        "appointment-book",
        "encounter-discharge",
        "encounter-start",
        "medication-prescribe",
        "medication-refill",
        "medication-verify",
        "order-discontinue",
        "order-dispatch",
        "order-review",
        "order-select",
        "order-sign",
        "order-start",
        "patient-view",
        "problem-list-item-create",
    }
)
"""Every hook that has a page of its own in the hooks library of CDS Hooks, was withdrawn from it, or is proposed for it."""


NAMESPACE = "io.github.cds-service."
"""What stands before the name of a hook that is only proposed to CDS Hooks, so that it is ours until it is published."""


class Service(Struct, frozen=True):
    """One advertised service: the hook it answers, its id in the URL, what it asks the client to send along."""

    hook: str
    id: str
    title: str
    description: str
    prefetch: dict[str, str]


class _Body(Struct, frozen=True):
    services: tuple[Service, ...]


@cache
def body() -> bytes:
    """The discovery body as it is sent."""
    return msgspec.json.format(files("cds_service").joinpath("hooks.json").read_bytes(), indent=-1)


@cache
def services() -> dict[str, Service]:
    """The services by their ids."""
    return {service.id: service for service in msgspec.json.decode(body(), type=_Body).services}


def answering(hook: str) -> str | None:
    """The hook of the service that answers a request of this name, which may lack our namespace; None where there is none."""
    own = {service.hook for service in services().values()}
    return next((name for name in (hook, f"{NAMESPACE}{hook}") if name in own), None)


@cache
def known_hooks() -> frozenset[str]:
    """The names a request may give as its hook."""
    return PUBLISHED_HOOKS | {service.hook for service in services().values()}
