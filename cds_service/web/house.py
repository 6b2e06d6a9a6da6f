"""What the web needs from the rest of the house, handed in by the composition root."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from cds_service.answer import Setting
from cds_service.store import Store


class House(Struct, frozen=True, kw_only=True):
    """One running service.

    ``now`` is the moment in the site's time zone; its date is the day on which requests are answered.
    ``origins`` are the browser origins that may call.
    """

    setting: Setting
    store: Store
    now: Callable[[], datetime]
    origins: frozenset[str]
    max_body: int
