"""A hook request, as far as every hook has the same shape (CDS Hooks 1.0 to 3.0)."""

from msgspec import Raw, Struct


class HookContext(Struct, frozen=True):
    """The context: who, and the orders of the request as raw FHIR resources (one Raw per entry, any shape inside).

    ``patient_id`` is bare (``123``). ``orders`` is None where the client sent no order list at all.
    """

    patient_id: str
    user_id: str | None = None
    encounter_id: str | None = None
    orders: tuple[Raw, ...] | None = None
    selections: tuple[str, ...] = ()


class HookRequest(Struct, frozen=True):
    """One valid request. ``hook`` is the name the client gave; the service was chosen by the id in the URL.

    ``prefetch`` keeps every value as the bytes that came. ``fhir_server`` and ``fhir_authorization`` are kept raw too:
    nothing is fetched yet, and a faulty authorization is not an error.
    """

    hook: str
    hook_instance: str
    context: HookContext
    prefetch: dict[str, Raw] = {}
    fhir_server: str | None = None
    fhir_authorization: Raw | None = None
