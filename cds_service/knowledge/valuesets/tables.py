"""Reading the tables of this folder."""

import csv
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

REMEMBERED = 4096
"""How many codes or texts from outside each lookup remembers."""


def rows(name: str) -> Iterator[list[str]]:
    """The rows of a CSV table of this folder, without its heading."""
    text = files(__package__).joinpath(f"{name}.csv").read_text(encoding="utf-8")
    reader = csv.reader(text.splitlines())
    next(reader)
    return reader


def toml(name: str) -> dict[str, Any]:
    """A TOML table of this folder."""
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
