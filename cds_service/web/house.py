"""What the web needs from the rest of the house, handed in by the composition root."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct, field

from cds_service.answer import Setting
from cds_service.store import Store
from cds_service.trust.gate import Gate
from cds_service.web.drain import Drain
from cds_service.web.metrics import Metrics
from cds_service.web.operators import Operators


class House(Struct, frozen=True, kw_only=True):
    """One running service.

    ``now`` is the moment in the site's time zone; its date is the day on which requests are answered.
    ``gate`` lets clients in. ``origins`` are the browser origins that may call; ``operators`` those who may see how the service
    is used.
    """

    setting: Setting
    store: Store
    gate: Gate
    now: Callable[[], datetime]
    origins: frozenset[str]
    max_body: int
    operators: Operators = Operators()
    metrics: Metrics = field(default_factory=Metrics)
    drain: Drain = field(default_factory=Drain)
