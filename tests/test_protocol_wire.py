"""What is refused before anything is decoded."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.protocol.wire import BadRequest, nested_beyond, parse_unique, refuse_hostile

TEXT = st.text(st.sampled_from('{}[]"\\,:a \n\N{PILL}'), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=30,
)


def depth(value: Any) -> int:
    """How deeply a parsed value is nested."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(VALUES, st.booleans())
def test_the_depth_is_exact_whatever_the_strings_hold(value: Any, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert not nested_beyond(body, depth(value))
    if depth(value):
        assert nested_beyond(body, depth(value) - 1)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":', '[0,{"b":"]","a":'])
def test_a_hundred_levels_pass_and_one_more_does_not(opening: str) -> None:
    levels = opening.count("[") + opening.count("{")
    closing = "".join({"[": "]", "{": "}"}[mark] for mark in reversed([c for c in opening if c in "[{"]))
    fits = 100 // levels

    def nested(times: int) -> bytes:
        return (opening * times + "1" + closing * times).encode()

    refuse_hostile(nested(fits))
    with pytest.raises(BadRequest, match="nested"):
        refuse_hostile(nested(fits + 1))


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 5000, b"[" * 60 + b"x" + b"]" * 10_000, b"[{" * 200 + b'"' + b"}]" * 200]
)
def test_what_is_no_json_is_never_let_through_very_deep(body: bytes) -> None:
    prefix = body[: body.find(b"x")] if b"x" in body else body
    too_deep = nested_beyond(body, 100)
    assert too_deep or prefix.count(b"[") + prefix.count(b"{") <= 200


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ("{}".encode("utf-16"), "byte order mark"),
        (b'{"x": "\xff\xfe"}', "UTF-8"),
        (b'{"x": "\xed\xa0\x80"}', "UTF-8"),
    ],
)
def test_other_encodings_are_refused(body: bytes, problem: str) -> None:
    with pytest.raises(BadRequest, match=problem):
        refuse_hostile(body)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"a": -Infinity}', "not JSON"),
        (b'{"a": "\\ud800"}', "not JSON"),
        (b'{"\\udfff": 1}', "not JSON"),
        (b'{"a": 1}{', "not JSON"),
        (b'{"a": 1, "a": 1}', "same key twice"),
        (b'[{"b": {"a": 1, "\\u0061": 2}}]', "same key twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too long"),
    ],
)
def test_what_parsers_disagree_on_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(BadRequest, match=problem):
        parse_unique(body)


@given(VALUES)
def test_every_ordinary_value_is_read_as_it_is(value: Any) -> None:
    assert parse_unique(json.dumps(value).encode()) == value
