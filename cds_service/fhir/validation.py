"""Whether a resource is valid FHIR, by the models of fhir.resources: STU3, R4B (which reads R4 too) and R5.

For tests, ``explain``, ``check`` and ``CDS_STRICT`` only: the models are loaded by the first call, which is slow.
"""

from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from pydantic import BaseModel

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_PACKAGES = {
    "STU3": "fhir.resources.STU3",
    "R4": "fhir.resources.R4B",  # there are no models of R4; these accept what R4 has of the types read and written here
    "R4B": "fhir.resources.R4B",
    "R5": "fhir.resources",
}

VERSIONS = frozenset(_PACKAGES)
"""The versions of which there are models."""


def problems(resource: dict[str, Any], version: str = "R4") -> list[str]:
    """What is wrong with the resource, one line a fault: the element's path and the kind of fault, never a value.

    Required code lists (``status``, ``intent``, ...) are checked here, since the models leave them unchecked.

    Raises:
        KeyError: the version is not among ``VERSIONS``.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - heavy, and only needed here

    kind = resource.get("resourceType")
    model = _model(kind, _PACKAGES[version]) if isinstance(kind, str) else None
    if model is None:
        return [f"resourceType: no resource type of FHIR {version}"]
    try:
        parsed = model.model_validate_json(_ENCODER.encode(resource))
    except ValidationError as error:
        return [_fault(item["type"], item["loc"], version) for item in error.errors(include_url=False, include_input=False)]
    except KeyError:  # fhir.resources, where a contained resource has a type it does not know
        return [f"contained: a resource type that FHIR {version} does not have"]
    return list(_wrong_codes(parsed, str(kind)))


@lru_cache(maxsize=256)
def _model(kind: str, package: str) -> "type[BaseModel] | None":
    """The model of a resource type; None where the version has no such type."""
    try:
        model: type[BaseModel] = import_module(package).get_fhir_model_class(kind)
    except (KeyError, ValueError):
        return None
    return model if issubclass(model, import_module(f"{package}.resource").Resource) else None


def _fault(kind: str, path: tuple[int | str, ...], version: str) -> str:
    if kind == "extra_forbidden":  # the element's name is the client's own text
        return f"{_dotted(path[:-1])}: an element that FHIR {version} does not have"
    return f"{_dotted(path)}: {kind.replace('_', ' ')}"


def _dotted(path: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in path) or "resource"


def _wrong_codes(element: "BaseModel", path: str) -> Iterator[str]:
    from pydantic import BaseModel  # noqa: PLC0415

    for name, field in type(element).model_fields.items():
        value = getattr(element, name)
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        listed = extra.get("enum_values")
        # The models give only the beginning of some lists, and mark those with a plus sign.
        allowed = listed if isinstance(listed, list) and "+" not in listed else None
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, BaseModel):
                yield from _wrong_codes(item, f"{path}.{name}")
            elif allowed and item is not None and item not in allowed:
                yield f"{path}.{name}: not a code of its list"
