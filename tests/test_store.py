"""What every store promises: feedback once and for ever, cards joined to it, tokens used once, and nobody held up."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.protocol.feedback import Feedback
from cds_service.store import Store, StoreUnavailable
from tests.places import NOW, Database, File, Place, act, card, record

T0 = NOW.timestamp()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return File(tmp_path / "a store?.sqlite3")
    return Database(request.getfixturevalue("postgresql").new())


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    opened = place.open()
    yield opened
    opened.close()


def count(place: Place, table: str = "feedback") -> int:
    return int(place.rows(f"SELECT count(*) FROM {table}")[0][0])


def test_a_card_and_what_became_of_it_are_kept_together(store: Store, place: Place) -> None:
    assert store.remember([card()])
    record(store, act(outcome="accepted", suggestions=("a",), reason_code="held", reason_system="http://x", comment="ok"))
    told = "card, outcome, suggestions, topic, indicator, hook, reason_code, reason_system, comment"
    assert place.rows(f"SELECT {told} FROM verdict") == [
        ("c1", "accepted", '["a"]', "rebound", "critical", "order-sign", "held", "http://x", "ok")
    ]
    assert place.rows("SELECT suggestions FROM answered_card") == [(json.dumps(["b", "a"]),)]


def test_the_times_are_kept_to_the_microsecond_wherever_the_clock_stands(store: Store, place: Place) -> None:
    record(store, act(seconds=0.000001))
    ((outcome_at, received_at),) = place.rows("SELECT outcome_at, received_at FROM feedback")
    if isinstance(outcome_at, str):
        assert (outcome_at, received_at) == ("2026-03-01T12:00:00.000001+00:00", "2026-03-01T12:00:00.000000+00:00")
    else:
        assert (outcome_at, received_at) == (act(seconds=0.000001).at, NOW)


def test_feedback_on_a_card_of_another_service_issuer_or_tenant_is_kept_without_it(store: Store, place: Place) -> None:
    store.remember([card("a", issuer="i", tenant="t"), card("b")])
    record(store, act("a"), issuer="i", tenant="t")
    for name, whose in (("a", {}), ("a", {"issuer": "i"}), ("a", {"issuer": "j", "tenant": "t"}), ("b", {"issuer": "i"})):
        record(store, act(name), **whose)
    record(store, act("b"), service="another")
    record(store, act("unknown"))
    assert Counter(place.rows("SELECT card, topic FROM verdict")) == {
        ("a", "rebound"): 1,
        ("a", None): 3,
        ("b", None): 2,
        ("unknown", None): 1,
    }


def test_the_same_act_is_kept_once_and_a_change_of_mind_beside_it(store: Store, place: Place) -> None:
    for _ in range(3):
        record(store, act(), act())
    record(store, act(seconds=5), act(outcome="accepted", suggestions=("a",)), act(outcome="accepted", suggestions=("b",)))
    assert count(place) == 4


def test_a_card_answered_twice_is_kept_once(store: Store, place: Place) -> None:
    assert store.remember([card("c1"), card("c2")])
    assert store.remember([card("c1", topic="other")])
    assert place.rows("SELECT card, topic FROM answered_card ORDER BY card") == [("c1", "rebound"), ("c2", "rebound")]


def test_a_batch_that_cannot_be_kept_whole_is_not_kept_at_all(store: Store, place: Place) -> None:
    with pytest.raises(StoreUnavailable):
        record(store, act("c1"), act("c2", outcome="no such outcome"))
    assert count(place) == 0
    record(store, act("c1"))
    assert count(place) == 1


ODD = "'; DROP TABLE feedback;-- %s {} $1 \\x00 <script> \N{PILL} \u202e\r\n\x1b[31m"


def test_any_text_is_kept_as_it_is(store: Store, place: Place) -> None:
    record(store, act(ODD, comment=ODD, reason_code=ODD, reason_system=ODD))
    assert place.rows("SELECT card, comment, reason_code, reason_system FROM feedback") == [(ODD,) * 4]


def test_what_no_text_should_hold_is_no_failure(store: Store, place: Place) -> None:
    record(store, act("a\0b", comment="\0", outcome="accepted", suggestions=("a\0b",)))
    assert count(place) == 1


def test_a_batch_as_large_as_a_body_allows_is_kept(store: Store, place: Place) -> None:
    many = tuple(f"{number:0200}" for number in range(500))
    record(store, act("w" * 200, outcome="accepted", suggestions=many))
    record(store, act("w" * 200, outcome="accepted", suggestions=many))
    record(store, *(act(f"c{number}") for number in range(3000)))
    assert count(place) == 3001


def test_threads_and_other_openings_write_side_by_side(store: Store, place: Place) -> None:
    elsewhere = place.open()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: (store if n % 2 else elsewhere).remember([card(f"c{n}")]), range(80)))
        list(pool.map(lambda n: record(elsewhere if n % 2 else store, act(f"c{n}")), range(80)))
    store.remember([])
    elsewhere.remember([])
    elsewhere.close()
    assert place.rows("SELECT count(*), count(topic) FROM verdict") == [(80, 80)]


def test_while_another_holds_the_lock_feedback_is_refused_and_cards_wait(store: Store, place: Place) -> None:
    assert store.remember([card("c0")])
    with place.locked():
        assert not store.remember([card("c1")])
        begun = time.monotonic()
        assert not any(store.remember([card("c2")]) for _ in range(20))
        assert time.monotonic() - begun < 1, "only the first answer waits a tenth of a second"
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable):
            record(store, act())
        assert time.monotonic() - begun < 3
        assert str(store.trouble()).startswith("the store cannot be written: ")
    assert store.trouble() == "answered cards wait to be written"
    assert store.remember([card("c3")])
    assert store.trouble() is None
    assert place.rows("SELECT card FROM answered_card ORDER BY card") == [("c0",), ("c1",), ("c2",), ("c3",)]
    record(store, act())
    assert count(place) == 1


def test_opening_again_keeps_everything(place: Place) -> None:
    for n in range(3):
        store = place.open()
        record(store, act(f"c{n}"))
        assert store.first_use(b"t", now=T0, until=T0 + 9) is (n == 0)
        store.close()
    assert count(place) == 3


def test_many_may_open_a_new_store_at_once(place: Place) -> None:
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: place.open(), range(6)))
    for store in stores:
        store.close()
    assert count(place) == 0


def test_a_token_is_used_once_whoever_asks(store: Store, place: Place) -> None:
    elsewhere = place.open()
    with ThreadPoolExecutor(10) as pool:
        for turn in range(5):
            token = b"%d" % turn

            def use(n: int, token: bytes = token) -> bool | None:
                return (elsewhere if n % 2 else store).first_use(token, now=T0, until=T0 + 300)

            assert Counter(pool.map(use, range(50))) == {True: 1, False: 49}
    elsewhere.close()


def test_a_token_is_kept_as_long_as_it_could_be_used_and_then_forgotten(store: Store, place: Place) -> None:
    assert store.first_use(b"old", now=T0, until=T0 + 100.5) is True
    assert store.first_use(b"new", now=T0 + 100, until=T0 + 400) is True
    assert store.first_use(b"old", now=T0 + 100.4, until=T0 + 100.5) is False
    assert store.first_use(b"third", now=T0 + 200, until=T0 + 400) is True
    assert count(place, "used_token") == 2


def test_while_the_store_cannot_keep_tokens_it_says_so(store: Store, place: Place) -> None:
    assert store.first_use(b"before", now=T0, until=T0 + 300) is True
    with place.locked():
        assert store.first_use(b"t", now=T0, until=T0 + 300) is None
    assert store.first_use(b"t", now=T0, until=T0 + 300) is True


WRITER = """
import sys
from datetime import UTC, datetime
from cds_service.protocol.feedback import Feedback
from cds_service.store import AnsweredCard
from cds_service.store.opening import open_store
OPENING
now = datetime(2026, 3, 1, tzinfo=UTC)
for n in range(100_000):
    store.remember([AnsweredCard(f"c{n}", "s", "h", "t", "info", (), now)])
    store.record([Feedback(f"c{n}", "overridden", now, comment=part) for part in "a"], service="s", received_at=now)
    print(n, flush=True)
"""


def test_what_was_acknowledged_outlives_a_killed_process(place: Place) -> None:
    for _ in range(3):
        command = [sys.executable, "-c", WRITER.replace("OPENING", place.opening)]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
            assert writer.stdout is not None
            acknowledged = [int(writer.stdout.readline()) for _ in range(60)]
            writer.kill()
            acknowledged += [int(line) for line in writer.stdout.read().split()]
        kept = {name for (name,) in place.rows("SELECT card FROM verdict WHERE topic = 't'")}
        assert {f"c{n}" for n in acknowledged} <= kept
        assert count(place) == len(kept)


ACTS = st.builds(
    act,
    st.sampled_from(["c1", "c2"]),
    st.integers(0, 2),
    outcome=st.sampled_from(["accepted", "overridden"]),
    suggestions=st.sampled_from([(), ("a",), ("a", "b")]),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(ACTS, max_size=4), max_size=6))
def test_batches_with_repeats_in_any_order_leave_the_set_of_their_acts(
    batches: list[list[Feedback]], store: Store, place: Place
) -> None:
    run = uuid4()  # each example leaves what it kept
    for batch in batches:
        record(store, *batch, service=str(run))
    kept = place.rows(f"SELECT card, outcome, suggestions, outcome_at FROM feedback WHERE service = '{run}'")
    acts = {(one.card, one.outcome, json.dumps(one.suggestions), one.at) for batch in batches for one in batch}
    assert len(kept) == len(acts)
    assert {row[:3] for row in kept} == {one[:3] for one in acts}


def test_every_kind_of_store_keeps_the_same_columns(postgresql: Any, tmp_path: Path) -> None:
    file, database = File(tmp_path / "x.sqlite3"), Database(postgresql.new())
    for place in (file, database):
        place.open().close()
    for table in ("answered_card", "feedback", "used_token", "verdict"):
        inside = [name for (name,) in file.rows(f"SELECT name FROM pragma_table_info('{table}') ORDER BY cid")]
        columns = (
            "SELECT column_name FROM information_schema.columns"
            f" WHERE table_schema = current_schema() AND table_name = '{table}' ORDER BY ordinal_position"
        )
        assert inside == [name for (name,) in database.rows(columns)], table
