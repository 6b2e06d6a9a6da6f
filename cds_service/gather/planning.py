"""What one call has to read from the FHIR server: the lists that are missing, further pages, medications referred to."""

import re
from collections.abc import Iterable
from itertools import chain

from msgspec import Raw, Struct

from cds_service.fhir.bundle import Shell
from cds_service.fhir.products import product_id, referred
from cds_service.gather.access import Visit
from cds_service.gather.authorization import Authorization
from cds_service.gather.prefetch import KEYS, Sent
from cds_service.gather.templates import resolve, templates
from cds_service.protocol.gathered import State
from cds_service.protocol.request import HookContext
from cds_service.trust.servers import base_url, page_url

OTHER_ORDERS = {"medicationRequests": "medicationOrders"}
"""The key whose type a server may have in place of another's, as servers of DSTU2 do."""

_USES = ("medicationStatements", "medicationRequests", "medicationOrders", "medicationDispenses", "medicationAdministrations")
_REFERENCE = re.compile(r"(?:(.+)/)?Medication/([A-Za-z0-9.-]{1,64})(?:/_history/.*)?")


class Start(Struct, frozen=True):
    """Where to begin with one list: at its first page, or after the ``first`` page that came along."""

    key: str
    url: str
    first: Shell | None = None


class Plan(Struct, frozen=True):
    """What to read.

    ``instead`` has, by key, the list to read where the server does not know the type of the one asked for. ``products`` are the
    ids of medications; ``reads_products`` says whether those that lists turn out to refer to may be read too.
    """

    starts: tuple[Start, ...]
    instead: dict[str, Start]
    products: tuple[str, ...]
    reads_products: bool


def plan(came: Sent, context: HookContext, visit: Visit, base: str, right: Authorization) -> Plan:
    """The plan for what came along, within what the token's scope covers."""

    def url(key: str) -> str | None:
        template = templates(visit.hook).get(key)
        if template is None or not right.covers(KEYS[key], search="?" in template):
            return None
        path = resolve(template, context, visit.today)
        return None if path is None else f"{base}/{path}"

    missing = {key: url(key) for key, answer in came.answers.items() if answer.state is State.MISSING}
    pages = {key: page for key, page in came.pages.items() if right.covers(KEYS[key], search=True)}
    further = {key: page_url(page.next_link or "", base) for key, page in pages.items()}
    starts = [Start(key, at, came.pages.get(key)) for key, at in (missing | further).items() if at is not None]
    instead = {key: Start(other, at) for key, other in OTHER_ORDERS.items() if missing.get(key) and (at := url(other))}
    reads = right.covers("Medication", search=False)
    uses = chain(*(came.answers[key].resources for key in _USES), context.resources)
    return Plan(tuple(starts), instead, tuple(absent_products(uses, base)) if reads else (), reads)


def absent_products(resources: Iterable[Raw], base: str) -> list[str]:
    """The ids of the medications at ``base`` that are referred to and not there, those that nothing else names first."""
    resources = tuple(resources)
    products = sorted(referred(resources), key=lambda product: product.named)
    idents = dict.fromkeys(ident for product in products if (ident := _ident(product.reference, base)))
    here = {product_id(resource) for resource in resources} if idents else set()
    return [ident for ident in idents if ident not in here]


def _ident(reference: str, base: str) -> str | None:
    """The id of a medication of this server; None for one of another."""
    match = _REFERENCE.fullmatch(reference)
    return match[2] if match and (match[1] is None or base_url(match[1]) == base) else None
