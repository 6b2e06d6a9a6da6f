"""The JSON Schemas of requests, feedback, answers and discovery, each compiled once."""

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

from cds_service.protocol.wire import BadRequest


class Schema:
    """One compiled schema, which says what is wrong in its own words: its ``description`` of the member, never the value."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._validator = jsonschema_rs.validator_for(document)

    def fault(self, value: object) -> str | None:
        """The place in the schema that the value does not fit, for a log; None where it fits."""
        if self._validator.is_valid(value):
            return None
        return _dotted(next(iter(self._validator.iter_errors(value))).schema_path)

    def check(self, value: object) -> None:
        """Refuse a value that does not fit.

        Raises:
            BadRequest: the first thing that is wrong.
        """
        if not self._validator.is_valid(value):
            raise self._complaint(next(iter(self._validator.iter_errors(value))))

    def _complaint(self, error: jsonschema_rs.ValidationError) -> BadRequest:
        path = list(error.instance_path)
        if error.kind.name == "required":
            return BadRequest(_dotted([*path, error.kind.as_dict()["property"]]), "is required")
        part: Any = self.document
        for step in error.schema_path[:-1]:
            part = part[step]
        return BadRequest(_dotted(path) or "the body", part["description"])


def _dotted(path: Sequence[str | int]) -> str:
    return ".".join(str(step) for step in path)


@cache
def schema(name: str) -> Schema:
    """The schema ``name``.json beside this module."""
    return Schema(json.loads(files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8")))
