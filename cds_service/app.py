"""The composition root: the only place that reads the environment and the clock, and puts the parts of the service together."""

import logging
import logging.config
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from functools import _lru_cache_wrapper
from inspect import signature
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
from flask import Flask
from msgspec import Struct

from cds_service.answer import Setting
from cds_service.config import Config, ConfigError, load
from cds_service.gather import Access, Fetcher
from cds_service.store import StoreUnusable
from cds_service.store.opening import open_store
from cds_service.trust.opening import clients, fhir_servers, open_gate
from cds_service.web import logs
from cds_service.web.application import build
from cds_service.web.house import House
from cds_service.web.operators import Operators

if TYPE_CHECKING:
    from cds_service.trust.keysets import Fetch

_WITH_TABLES = ("cds_service.protocol", "cds_service.knowledge", "cds_service.cards")
"""The rooms whose functions without parameters read a table, once."""

REFUSED = 3
"""The exit status of a refused start. At this one gunicorn stops; at any other of a worker it would try again without end."""

_LOG = logging.getLogger(__name__)


def configuration(*, host: str | None = None, port: int | None = None) -> Config:
    """The configuration of this process's environment.

    Raises:
        ConfigError: the service must not start with it.
    """
    return load(os.environ, host=host, port=port)


def today(config: Config) -> date:
    """The day it is at the site."""
    return datetime.now(ZoneInfo(config.parameters.timezone)).date()


def create_app() -> Flask:
    """The WSGI application of the environment, for servers that are not ours; where it must not start, one sentence says why."""
    try:
        return compose(configuration())
    except (ConfigError, StoreUnusable) as error:
        sys.stderr.write(f"cds-service: {error}\n")
        raise SystemExit(REFUSED) from None


def compose(config: Config) -> Flask:
    """The WSGI application of a configuration.

    Raises:
        ConfigError: a client or a FHIR server is listed as it cannot be meant.
        StoreUnusable: the service must not start with its store as it is.
    """
    zone = ZoneInfo(config.parameters.timezone)
    access = _access(config)
    store = open_store(config.store)
    gate = open_gate(config, used=store, clock=time.time, fetch=lambda: _asking(access.fetcher), monotonic=time.monotonic)
    house = House(
        setting=Setting(config.parameters, config.base_url, strict=config.strict, access=access),
        store=store,
        gate=gate,
        operators=Operators(anyone=not gate.required, networks=config.operators),
        now=lambda: datetime.now(zone),
        origins=config.origins,
        max_body=config.max_body,
    )
    logging.config.dictConfig(logs.settings())
    if not gate.required:
        _LOG.warning("authentication-off")
    _rehearse()
    application = build(house)
    application.extensions["warm"] = access.fetcher.warm if gate.fhir_servers else None
    return application


def _rehearse() -> None:
    """Do once, before there are threads and worker processes, what is otherwise done at a first use.

    Every table of the package is read. And msgspec learns every type: it does so when it first sees one, and where two threads
    are at it at once the process crashes.
    """
    for name, module in tuple(sys.modules.items()):
        for table in vars(module).values() if name.startswith(_WITH_TABLES) else ():
            if isinstance(table, _lru_cache_wrapper) and not signature(table).parameters:
                table()
    for kind in _below(Struct):
        with suppress(TypeError):  # types that nothing is decoded into
            msgspec.json.Decoder(kind)


def _below(kind: type[Struct]) -> Iterator[type[Struct]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def check(config: Config) -> None:
    """Look at all that the configuration names, without starting anything.

    Raises:
        ConfigError: the service would not start with it.
    """
    fetcher = _access(config).fetcher
    clients(config, fetch=lambda: _asking(fetcher), monotonic=time.monotonic)
    fhir_servers(config)


def _access(config: Config) -> Access:
    """What is needed to ask FHIR servers; which of them may be asked, the client of each request tells."""
    fetcher = Fetcher(
        budget_s=config.budget_ms / 1000,
        max_bytes=config.max_body,
        networks=config.private_networks,
        authorities=config.authorities,
    )
    return Access(fetcher, frozenset(), open=not config.authentication)


def _asking(fetcher: Fetcher) -> "Fetch":
    """Asks the servers of issuers for their keys, over the connections of the process."""
    from cds_service.trust.key_server import asking  # noqa: PLC0415 - slow to load, and few need it

    return asking(fetcher.outgoing, time.monotonic)
