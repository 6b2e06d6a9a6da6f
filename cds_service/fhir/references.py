"""References between resources, and whose a resource is."""

from functools import lru_cache

from cds_service.fhir.wire import Reference, Resource


def relative(reference: Reference | None) -> str | None:
    """A reference as ``Type/id``, whatever server, version or bundle address it carries; None where there is none."""
    return _relative(reference.reference) if reference is not None and reference.reference else None


def _relative(text: str) -> str:
    parts = text.partition("/_history")[0].rsplit("/", 2)
    return "/".join(parts[-2:])


def id_of(reference: Reference | None) -> str | None:
    """The id that a reference points to, of a ``urn:uuid:`` its uuid; None where there is none."""
    text = relative(reference)
    return None if text is None else text.rpartition("/")[2].removeprefix("urn:uuid:")


def foreign(resource: Resource, patient_id: str) -> bool:
    """Whether a resource says that it is about somebody (or something) else; one that names no subject is not foreign."""
    subject = resource.subject or resource.patient
    return subject is not None and bool(subject.reference) and not _own(subject.reference or "", patient_id)


@lru_cache(maxsize=256)
def _own(text: str, patient_id: str) -> bool:
    if text.startswith("#"):
        return True
    kind, slash, ident = _relative(text).rpartition("/")
    return ident.removeprefix("urn:uuid:") == patient_id and (not slash or kind == "Patient")


def reference_to(kind: str, ident: str | None) -> str:
    """How facts name a resource; its type alone where it has no id."""
    return f"{kind}/{ident}" if ident else kind
