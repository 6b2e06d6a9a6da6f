"""The composition root: the only place that reads the environment and the clock, and puts the parts of the service together."""

import logging
import logging.config
import os
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import Flask

from cds_service.answer import Setting
from cds_service.config import Config, ConfigError, load
from cds_service.store import StoreUnusable
from cds_service.store.sqlite import SqliteStore
from cds_service.web import logs
from cds_service.web.application import build
from cds_service.web.house import House

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
        raise SystemExit(f"cds-service: {error}") from None


def compose(config: Config) -> Flask:
    """The WSGI application of a configuration.

    Raises:
        StoreUnusable: the service must not start with its store as it is.
    """
    zone = ZoneInfo(config.parameters.timezone)
    house = House(
        setting=Setting(config.parameters, config.base_url, strict=config.strict),
        store=SqliteStore(config.store),
        now=lambda: datetime.now(zone),
        origins=config.origins,
        max_body=config.max_body,
    )
    logging.config.dictConfig(logs.settings())
    _LOG.warning("authentication-off")
    return build(house)
