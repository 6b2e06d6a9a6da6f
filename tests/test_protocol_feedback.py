"""Feedback as clients send it, and what of it is refused."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.protocol.feedback import COMMENT_LENGTH, Feedback, parse
from cds_service.protocol.wire import BadRequest

AT = "2026-11-22T07:44:41.932Z"


def entry(**changes: Any) -> dict[str, Any]:
    """One overridden card; ``...`` as a value takes the member out."""
    body = {"card": "c1", "outcome": "overridden", "outcomeTimestamp": AT}
    return {name: value for name, value in (body | changes).items() if value is not ...}


def accepted(**changes: Any) -> dict[str, Any]:
    return entry(**({"outcome": "accepted", "acceptedSuggestions": [{"id": "s1"}]} | changes))


def parsed(*entries: Any) -> tuple[Feedback, ...]:
    return parse(json.dumps({"feedback": entries}).encode())


def test_a_suggestion_taken() -> None:
    assert parsed(accepted()) == (Feedback("c1", "accepted", datetime(2026, 11, 22, 7, 44, 41, 932000, UTC), ("s1",)),)


def test_suggestions_are_a_set() -> None:
    several = accepted(acceptedSuggestions=[{"id": "b"}, {"id": "a"}, {"id": "b"}])
    assert parsed(several)[0].suggestions == ("a", "b")


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        (..., (None, None, None)),
        (None, (None, None, None)),
        ({"reason": {"code": "held"}}, ("held", None, None)),
        ({"reason": {"code": "held", "system": "http://x", "display": "Held"}}, ("held", "http://x", None)),
        ({"userComment": "seen"}, (None, None, "seen")),
        ({"reason": {"code": "held"}, "userComment": "x" * 9000}, ("held", None, "x" * COMMENT_LENGTH)),
    ],
)
def test_reasons_come_as_code_as_comment_or_not_at_all(reason: Any, kept: tuple[Any, ...]) -> None:
    told = parsed(entry(overrideReason=reason))[0]
    assert (told.reason_code, told.reason_system, told.comment) == kept


@pytest.mark.parametrize(
    ("timestamp", "moment"),
    [
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22t10:00:00z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00.1+00:00", datetime(2026, 11, 22, 10, 0, 0, 100000, UTC)),
        ("2026-11-22T10:00:00+05:45", datetime(2026, 11, 22, 4, 15, tzinfo=UTC)),
    ],
)
def test_times_are_kept_in_utc(timestamp: str, moment: datetime) -> None:
    assert parsed(entry(outcomeTimestamp=timestamp))[0].at == moment


def test_an_empty_batch_is_fine_and_a_large_one_keeps_its_order() -> None:
    assert parsed() == ()
    assert [one.card for one in parsed(*(entry(card=f"c{n}") for n in range(500)))] == [f"c{n}" for n in range(500)]


@pytest.mark.parametrize(
    ("faulty", "problem"),
    [
        (entry(card=...), "feedback.0.card is required"),
        (entry(card=5), "feedback.0.card must be a text of 1 to 200 characters"),
        (entry(card=""), "feedback.0.card must be a text of 1 to 200 characters"),
        (entry(outcome=...), "feedback.0.outcome is required"),
        (entry(outcome="ignored"), "feedback.0.outcome must be accepted or overridden"),
        (entry(outcome="ACCEPTED"), "feedback.0.outcome must be accepted or overridden"),
        (entry(outcome=["accepted"]), "feedback.0.outcome must be accepted or overridden"),
        (accepted(acceptedSuggestions=...), "feedback.0.acceptedSuggestions is required"),
        (accepted(acceptedSuggestions=None), "feedback.0.acceptedSuggestions must name at least one suggestion"),
        (accepted(acceptedSuggestions=[]), "feedback.0.acceptedSuggestions must name at least one suggestion"),
        (accepted(acceptedSuggestions=["x"]), "feedback.0.acceptedSuggestions.0 must be an object"),
        (accepted(acceptedSuggestions=[{}]), "feedback.0.acceptedSuggestions.0.id is required"),
        (entry(overrideReason={}), "feedback.0.overrideReason must be an object with a reason or a userComment"),
        (entry(overrideReason="no"), "feedback.0.overrideReason must be an object with a reason or a userComment"),
        (entry(overrideReason={"reason": "no"}), "feedback.0.overrideReason.reason must be a coding"),
        (entry(overrideReason={"reason": {}}), "feedback.0.overrideReason.reason.code is required"),
        (entry(outcomeTimestamp=...), "feedback.0.outcomeTimestamp is required"),
        (entry(outcomeTimestamp="yesterday"), "feedback.0.outcomeTimestamp must be a time of RFC 3339"),
        (entry(outcomeTimestamp="2026-13-45T99:00:00Z"), "feedback.0.outcomeTimestamp must be a time of RFC 3339"),
        (entry(outcomeTimestamp="2026-01-01T10:00:00"), "feedback.0.outcomeTimestamp must be a time of RFC 3339"),
        (entry(outcomeTimestamp="0001-01-01T00:00:00+23:00"), "feedback.0.outcomeTimestamp must be a time of RFC 3339"),
        (None, "feedback.0 must be an object"),
        ("x", "feedback.0 must be an object"),
    ],
)
def test_what_is_wrong_is_named_and_not_quoted(faulty: Any, problem: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parsed(faulty)
    assert str(refused.value) == problem


def test_one_faulty_entry_refuses_the_batch() -> None:
    with pytest.raises(BadRequest, match=r"feedback\.1\.outcome"):
        parsed(accepted(), entry(outcome="x"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"[]",
        b"null",
        b"{}",
        b'{"feedback": null}',
        b'{"feedback": {}}',
        b'{"feedback": "x"}',
        b'{"feedback": [NaN]}',
        b'{"feedback": [], "feedback": []}',
        b'{"feedback": ["\xff"]}',
        b'{"feedback": ["\\ud800"]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_feedback_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        parse(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "reason", "code", "userComment", "x"]), inner)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["card", "outcome", "outcomeTimestamp", "acceptedSuggestions", "overrideReason"]), JSON))
def test_any_entry_is_read_or_refused(changes: dict[str, Any]) -> None:
    with suppress(BadRequest):
        assert parsed(accepted() | changes)[0].card
