"""The feedback report: what is counted, for whom, and what never gets into it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards.topics import OVERRIDE_REASONS, OVERRIDE_SYSTEM, TOPICS
from cds_service.cli import main
from cds_service.knowledge.parameters import in_force
from cds_service.store import Act, History, Store
from cds_service.store.report import Answers, Threshold, answers
from cds_service.store.sqlite import SqliteStore
from cds_service.web.application import build
from cds_service.web.house import House
from cds_service.web.operators import Operators
from cds_service.web.report import data, report, text
from tests.places import NOW, Database, File, Place, act, card, record

PRIVATE = "=cmd|' /C calc'!A0 <script>alert(1)</script> Testfall \x1b[31m\u202e"
USUAL = Threshold(Fraction(3, 10), 50)


def told(*acts: Act, shown: int = 10, threshold: Threshold = USUAL) -> Answers:
    (one,) = answers(
        History({"rebound": shown}, acts), threshold, reasons=[r.code for r in OVERRIDE_REASONS], system=OVERRIDE_SYSTEM
    )
    return one


def happened(name: str = "c1", outcome: str = "overridden", after: float = 60, **more: Any) -> Act:
    at = NOW + timedelta(seconds=after)
    return Act(
        card=name, topic="rebound", outcome=outcome, answered_at=NOW, outcome_at=at, received_at=more.pop("received", at), **more
    )


def test_a_card_counts_by_its_last_act_and_without_one_as_ignored() -> None:
    one = told(happened("a"), happened("b", "accepted"), happened("a", "accepted", 90), happened("b", "overridden", 100), shown=5)
    assert (one.shown, one.accepted, one.overridden, one.ignored) == (5, 1, 1, 3)


def test_the_reasons_are_those_of_the_last_acts_and_only_ours_by_name() -> None:
    one = told(
        happened("a", reason_code="held", reason_system=OVERRIDE_SYSTEM),
        happened("b", reason_code="held"),
        happened("c", reason_code="held", reason_system="http://other"),
        happened("d", reason_code=PRIVATE, reason_system=OVERRIDE_SYSTEM),
        happened("e"),
        happened("f", reason_code="replaced"),
        happened("f", "accepted", 70),
    )
    assert one.reasons == {"held": 2, "other": 2, "none": 1}


def test_the_time_to_a_response_is_that_of_the_first_act_as_far_as_our_clock_bears_it_out() -> None:
    late = NOW + timedelta(seconds=30)
    acts = (
        happened("a", after=10),
        happened("a", after=5000),
        happened("b", after=-500),
        happened("c", after=9_999, received=late),
    )
    assert told(*acts).median_response_s == 10
    assert told(*acts[:2]).median_response_s == 10
    assert told().median_response_s is None


@pytest.mark.parametrize(
    ("shown", "overridden", "review"),
    [(50, 15, True), (50, 14, False), (49, 49, False), (100, 30, True), (100, 29, False), (1000, 300, True)],
)
def test_a_question_is_to_review_from_the_threshold_on(shown: int, overridden: int, review: bool) -> None:
    assert told(*(happened(f"c{n}") for n in range(overridden)), shown=shown).to_review is review


def test_a_site_moves_the_threshold(store: SqliteStore) -> None:
    store.remember([card(f"c{n}") for n in range(20)])
    record(store, act("c0"), act("c1"))
    assert [one.to_review for one in report(store, in_force()).questions] == [False]
    site = in_force({"override_firings": 20, "override_share": Decimal("0.1")})
    assert [one.to_review for one in report(store, site).questions] == [True]


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["accepted", "overridden"]), st.integers(-50, 50))))
def test_shown_is_always_the_sum_of_its_parts(acts: list[tuple[int, str, int]]) -> None:
    one = told(*(happened(f"c{name}", outcome, after) for name, outcome, after in acts), shown=5)
    assert one.accepted + one.overridden + one.ignored == one.shown
    assert sum(one.reasons.values()) == one.overridden
    assert min(one.accepted, one.overridden, one.ignored) >= 0


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return File(tmp_path / "report.sqlite3")
    return Database(request.getfixturevalue("postgresql").new())


@pytest.fixture
def kept(place: Place) -> Iterator[Store]:
    opened = place.open()
    yield opened
    opened.close()


def test_the_history_is_read_from_either_store(kept: Store) -> None:
    kept.remember([card("a", issuer="i"), card("b", issuer="j"), card("old", answered_at=NOW - timedelta(days=1))])
    kept.remember([card("x", topic="abrupt-stop")])
    record(kept, act("a", 30, comment=PRIVATE, reason_code="held"), issuer="i")
    record(kept, act("b", 10), issuer="i")
    record(kept, act("a", 10, outcome="accepted", suggestions=("s",)), issuer="i", received_at=NOW + timedelta(days=400))
    history = kept.history(NOW, NOW + timedelta(seconds=1))
    assert history.cards == {"rebound": 2, "abrupt-stop": 1}
    assert [(one.card, one.outcome) for one in history.acts] == [("a", "accepted"), ("a", "overridden")], "b is another's card"
    assert history.acts[1] == Act(
        "a", "rebound", "overridden", NOW, NOW + timedelta(seconds=30), NOW, reason_code="held", comment=PRIVATE
    )
    assert kept.history(NOW - timedelta(days=9), NOW) == History({"rebound": 1}, ())


def test_a_period_is_of_whole_days_at_the_site(kept: Store) -> None:
    """12:00 UTC on the first of March is already the second on the far side of the date line."""
    kept.remember([card()])
    site = in_force({"timezone": "Pacific/Kiritimati"})
    for since, until, count in (
        (date(2026, 3, 2), date(2026, 3, 2), 1),
        (None, date(2026, 3, 1), 0),
        (date(2026, 3, 3), None, 0),
        (None, None, 1),
        (date.min, date.max, 1),
    ):
        assert sum(one.shown for one in report(kept, site, since=since, until=until).questions) == count


@pytest.fixture
def busy(store: SqliteStore) -> SqliteStore:
    """A store with 60 cards of one question, 20 overridden, and one of another."""
    store.remember([card(f"c{n}") for n in range(60)])
    store.remember([card("x", topic="abrupt-stop", indicator="info")])
    record(
        store,
        *(act(f"c{n}", 90, reason_code="data-wrong", comment=PRIVATE) for n in range(20)),
        received_at=NOW + timedelta(hours=1),
    )
    record(
        store, act("c30", 180, outcome="accepted", suggestions=("a",), reason_code=PRIVATE), received_at=NOW + timedelta(hours=1)
    )
    return store


@pytest.mark.usefixtures("busy")
def test_the_page_tells_counts_and_closed_words(client: FlaskClient) -> None:
    page = client.get("/feedback-report")
    assert (page.status_code, page.mimetype, page.headers["Cache-Control"]) == (200, "text/html", "no-store")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for words in (">60</td>", "20 (33 %)", "1 (2 %)", "39 (65 %)", "90 s", "Data in the record are wrong: 20", "To review"):
        assert words in page.text
    assert TOPICS["abrupt-stop"].display in page.text
    assert not any(part in page.text for part in ("Testfall", "cmd", "<script", "\x1b", "\u202e"))
    anchors = client.get("/knowledge").text
    assert all(f'id="{topic}"' in anchors for topic in ("rebound", "abrupt-stop"))


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_a_period_may_begin_and_end_on_any_day_there_is_wherever_the_site_is(store: SqliteStore, zone: str) -> None:
    site = in_force({"timezone": zone})
    for since in (None, date.min, date.max):
        for until in (None, date.min, date.max, date.max - timedelta(days=1)):
            assert report(store, site, since=since, until=until).questions == ()


@pytest.mark.usefixtures("busy")
def test_the_page_takes_a_period(client: FlaskClient) -> None:
    assert "No card was answered." in client.get("/feedback-report?since=2026-03-02").text
    assert "from 2026-03-01 to 2026-03-01" in client.get("/feedback-report?since=2026-03-01&until=2026-03-01").text
    for wrong in ("since=yesterday", "until=2026-13-01", f"since={'9' * 5000}", "since=%00"):
        assert client.get(f"/feedback-report?{wrong}").status_code == 400
    assert client.get("/feedback-report?since=&unknown=1").status_code == 200


def test_a_store_that_cannot_be_read_is_503(client: FlaskClient, tmp_path: Path) -> None:
    for file in tmp_path.glob("store.sqlite3*"):
        file.unlink()
    answer = client.get("/feedback-report")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("path", ["/metrics", "/feedback-report"])
@pytest.mark.parametrize(
    ("caller", "passed_on", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("::ffff:127.0.0.1", {}, 200),
        ("10.1.2.3", {}, 404),
        ("", {}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 404),
        ("127.0.0.1", {"X-Real-IP": ""}, 404),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 404),
        ("127.0.0.1", {"X-Forwarded-Host": "cds.example.org"}, 404),
        ("127.0.0.1", {"X-Forwarded-Proto": "https"}, 404),
    ],
)
def test_where_clients_are_authenticated_only_operators_see_how_the_service_is_used(
    house: House, path: str, caller: str, passed_on: dict[str, str], status: int
) -> None:
    guarded = msgspec.structs.replace(house, operators=Operators.near("127.0.0.0/8", "::1/128"))
    client = build(guarded).test_client()
    answer = client.get(path, headers=passed_on, environ_overrides={"REMOTE_ADDR": caller})
    assert answer.status_code == status
    if status == 404:
        nowhere = client.get("/nowhere", headers=passed_on, environ_overrides={"REMOTE_ADDR": caller})
        assert answer.data == nowhere.data, "as if there were nothing"


@pytest.mark.parametrize("path", ["/metrics", "/feedback-report"])
def test_where_nobody_is_authenticated_everybody_is_an_operator(client: FlaskClient, path: str) -> None:
    assert client.get(path, environ_overrides={"REMOTE_ADDR": "10.1.2.3"}).status_code == 200


@pytest.fixture
def ran(busy: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("CDS_STORE", f"sqlite:///{tmp_path / 'store.sqlite3'}")

    def run(*options: str) -> Result:
        return CliRunner().invoke(main, ["feedback-report", *options])

    return run


def test_the_command_prints_a_table(ran: Any) -> None:
    lines = ran().stdout.splitlines()
    assert lines[0] == "Cards answered at any time, and what became of them"
    assert lines[1].split() == ["question", "shown", "accepted", "overridden", "ignored", "median", "time"]
    assert lines[2].split() == ["rebound", "60", "1", "(2", "%)", "20", "(33", "%)", "39", "(65", "%)", "90", "s"]
    assert lines[-2:] == [
        "rebound, overridden 20 times: Data in the record are wrong",
        "REVIEW rebound: 20 (33 %) of 60 cards were overridden",
    ]
    assert ran("--until", "2026-02-28").stdout.splitlines() == [
        "Cards answered to 2026-02-28, and what became of them",
        "No card was answered.",
    ]


def test_the_command_prints_json_and_comments_only_where_asked(ran: Any) -> None:
    plain = json.loads(ran("--json", "--since", "2026-03-01").stdout)
    assert plain["questions"][0] == {
        "topic": "rebound",
        "shown": 60,
        "accepted": 1,
        "overridden": 20,
        "ignored": 39,
        "reasons": {"data-wrong": 20},
        "median_response_s": 90.0,
        "to_review": True,
    }
    assert (plain["since"], plain["until"], plain["threshold"]) == ("2026-03-01", None, {"share": 0.3, "firings": 50})
    assert "Testfall" not in json.dumps(plain)
    asked = ran("--json", "--comments")
    assert asked.stdout.isascii(), "nothing that a terminal could obey"
    assert "\x1b" not in asked.stdout
    assert {one["comment"] for one in json.loads(asked.stdout)["comments"]} == {PRIVATE}
    refused = ran("--comments")
    assert (refused.exit_code, refused.stderr) == (2, "Error: --comments goes with --json.\n")


def test_the_command_makes_no_store_where_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CDS_STORE", f"sqlite:///{tmp_path / 'nowhere.sqlite3'}")
    result = CliRunner().invoke(main, ["feedback-report"])
    assert result.exit_code == 2
    assert "There is no store at" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_store_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no database" * 500)
    monkeypatch.setenv("CDS_STORE", f"sqlite:///{tmp_path / 'x'}")
    result = CliRunner().invoke(main, ["feedback-report"])
    assert (result.exit_code, "cannot be used as a store" in result.stderr) == (2, True)


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")])
def test_times_are_told_in_the_unit_that_fits(store: SqliteStore, seconds: int, words: str) -> None:
    store.remember([card()])
    record(store, act(seconds=seconds), received_at=NOW + timedelta(days=9))
    assert text(report(store, in_force())).splitlines()[2].endswith(words)


def test_a_topic_of_a_newer_version_is_told_too(store: SqliteStore, client: FlaskClient) -> None:
    store.remember([card(topic="new-topic")])
    assert "new-topic" in client.get("/feedback-report").text
    assert data(report(store, in_force()))["questions"][0]["topic"] == "new-topic"


def test_feedback_by_way_of_the_service_is_in_the_report(client: FlaskClient, rebound: Any, tmp_path: Path) -> None:
    path = f"/cds-services/{rebound.service}"
    sent = client.post(path, data=rebound.request, content_type="application/json").get_json()["cards"][0]
    now = datetime.combine(rebound.asof, datetime.min.time(), UTC)
    entry = {"card": sent["uuid"], "outcome": "overridden", "outcomeTimestamp": now.isoformat()}
    reason = {"reason": {"code": "planned-taper", "system": OVERRIDE_SYSTEM}}
    assert client.post(f"{path}/feedback", json={"feedback": [{**entry, "overrideReason": reason}]}).status_code == 200
    assert "Tapered under a specialist&#39;s plan: 1" in client.get("/feedback-report").text
    with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as connection:
        assert connection.execute("SELECT topic FROM verdict").fetchall() == [("rebound",)]
