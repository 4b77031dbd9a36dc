"""Status: for the operator in JSON, on a terminal and on the page, and for monitoring."""

import base64
import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from pydantic import SecretStr
from sqlalchemy import event, insert, text, update

from desk import show
from desk import status as standing
from publish.web.app import create
from publish.web.views import StatusPage
from stories import clock
from stories.config import Config, Site, Wire
from stories.db import Store, alerts, captures, outbox, storage, wires
from stories.db import tables as t
from stories.db.alerts import Alert
from stories.db.statistics import WORST, Broker, FeedState, Status
from stories.models import Problem
from tests.conftest import ConfigOf
from tests.publish import samples
from tests.publish.shelf import publish, put
from tests.serving import served
from workers import address, pulse
from workers import alerts as watcher
from workers.address import client, key_prefix
from workers.housekeeping import housekeeping

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NAMES = ("well", "fails", "gone", "garbled", "late", "silent", "young", "old")
TOKEN = "0123456789abcdef-Zz"


def wire_row(store: Store, name: str, **values: Any) -> None:
    plain = {"state": "unchanged", "polled_at": NOW - MINUTE, "due_at": NOW + MINUTE}
    with store.write() as conn:
        conn.execute(update(t.wires).where(t.wires.c.name == name).values(**{**plain, **values}))


@pytest.fixture
def config_with(config: ConfigOf, redis_url: str) -> Callable[..., Config]:
    def made(**keys: Any) -> Config:
        named = [Wire(name=n, url=f"https://wire.example/{n}") for n in NAMES]
        return config(**{"wires": named, "redis_url": redis_url, **keys})

    return made


@pytest.fixture
def ill(config_with: Callable[..., Config], store: Store) -> Config:
    """A newsroom in which one of everything is wrong."""
    made = config_with()
    with store.write() as conn:
        wires.sync(conn, made.wires, NOW - DAY)
    for name in NAMES:
        wire_row(store, name)
    wire_row(store, "fails", state="dns", message="no such host", failing_since=NOW - 2 * HOUR)
    wire_row(store, "young", state="timeout", message="slow", failing_since=NOW - MINUTE)
    wire_row(
        store, "gone", state="http-410", message="gone", paused_at=NOW - HOUR, due_at=NOW - HOUR
    )
    wire_row(store, "garbled", fault="capture 7: no feed")
    wire_row(store, "late", due_at=NOW - HOUR, lease_until=NOW - HOUR / 2, lease="x")
    wire_row(store, "old", state="dns", failing_since=NOW - DAY)
    with store.write() as conn:
        wires.sync(conn, made.wires[:-1], NOW)
        alerts.begin(conn, Alert("quiet", "silent", NOW - 5 * HOUR, "no news since …"))
        captures.problem(conn, [Problem("garbled", 7, -1, "unreadable", "no feed", NOW)], [7])
        captures.problem(
            conn, [Problem("garbled", 3, 2, "item-empty", "empty", NOW - 9 * DAY)], [3]
        )
        captures.add(conn, "well", NOW - DAY, "https://wire.example/", [], b"<rss/>" * 100)
    with clock.reading(lambda: NOW - HOUR):
        publish(store, samples.config(data=made.data), samples.english())
        headless = samples.story(samples.version(headline="", agency_id="none"))
        put(store, headless, samples.hindi())
        with store.write() as conn:
            for job in outbox.claim(conn, "story", clock.now(), 9):
                if job.key == headless.id:
                    outbox.failed(conn, job, "has no headline", clock.now())
            conn.execute(update(t.outbox).values(attempts=9))
            conn.execute(
                insert(t.outbox).values(
                    kind="feed", key="india", wanted=1, since=NOW - 3 * HOUR, due_at=NOW,
                    attempts=7, error="https://u:passw0rd@a.example/ refused",
                )
            )  # fmt: skip
    return made


def test_everything_that_is_wrong_is_reported(ill: Config, store: Store, redis_url: str) -> None:
    with client(redis_url, prefix=key_prefix(store)) as broker:
        pulse.mark(broker, "worker")
        broker.lpush(f"{broker.prefix}poll", "a", "b")
        data = standing.as_data(standing.gather(ill, store, NOW))
    assert data["wires"] == len(NAMES) - 1
    assert data["counts"] == {
        "failing": 2, "paused": 1, "faulty": 1, "late": 1, "quiet": 1,
        "failing_long": 1, "late_long": 1,
    }  # fmt: skip
    assert [w["wire"] for w in data["failing"]] == ["fails", "young"]
    assert [w["wire"] for w in data["paused"]] == ["gone"]
    assert [(w["wire"], w["fault"]) for w in data["faulty"]] == [("garbled", "capture 7: no feed")]
    assert [w["wire"] for w in data["late"]] == ["late"]
    assert [w["wire"] for w in data["quiet"]] == ["silent"]
    assert data["states"] == {"unchanged": 4, "dns": 1, "timeout": 1, "http-410": 1}
    assert data["broker"]["reachable"]
    assert data["broker"]["queues"]["poll"] == 2
    assert [mark.partition("@")[0] for mark in data["broker"]["alive"]] == ["worker"]
    assert (data["quarantine"]["count"], data["quarantine"]["recent"]) == (2, 1)
    assert data["quarantine"]["newest"][0]["capture_id"] == 3  # as it was put there last
    assert data["oldest_unrendered"]["since"] == NOW - 3 * HOUR
    assert (data["oldest_unrendered"]["kind"], data["oldest_unrendered"]["key"]) == (
        "feed",
        "india",
    )
    assert data["unrendered"] == 1
    assert (data["no_headline"], data["outbox_stuck"]) == (1, 1)
    assert [work["key"] for work in data["outbox_failures"]] == ["india"]
    assert {work["kind"]: work["failed"] for work in data["outbox"]} == {"feed": 1, "story": 0}
    assert data["leases_expired"] == {"poll": 1, "outbox": 1}
    assert data["captures"]["received"] == 600
    assert 0 < data["captures"]["kept"] < 600
    assert data["storage"]["database"] > 10_000
    assert [d["received"] for d in data["storage"]["days"]] == [0, 0, 0, 0, 0, 600, 0]
    assert "passw0rd" not in json.dumps(data, default=str)
    (no_poller, no_beat, *others) = data["needs"]
    assert no_poller == "no poller is alive; start one: wirecopy up poller"
    assert no_beat == "no beat is alive; start one: wirecopy up beat"
    assert others == [
        "1 wire is paused",
        "1 wire fails for longer than alerts.failing_after",
        "1 wire is strangely quiet",
        "1 wire sends what cannot be read",
        "1 wire is not polled in time",
        "1 new in quarantine since yesterday; wirecopy captures --failed",
        "1 in the outbox failed 5 times or more",
    ]


def working(made: Config, store: Store, redis_url: str) -> Config:
    """*made*, with its wires on record and every member at work."""
    with store.write() as conn:
        wires.sync(conn, made.wires, NOW)
    with client(redis_url, prefix=key_prefix(store)) as broker:
        for member in pulse.MEMBERS:
            pulse.mark(broker, member)
    return made


def test_where_all_is_well_nothing_needs_a_person(
    config_with: Callable[..., Config], store: Store, redis_url: str
) -> None:
    made = working(config_with(), store, redis_url)
    status = standing.gather(made, store, NOW)
    assert standing.needs(status) == []
    assert set(status.counts.values()) == {0}
    board = standing.board(status)
    assert board.listings == ()
    assert {f.name: f.value for f in board.facts}["wires"] == "8 (all well)"


def test_status_is_quiet_where_the_alerts_are(ill: Config, store: Store) -> None:
    """An alert that ended is gone from status, though nobody was notified of its end yet."""
    with store.write() as conn:
        (alert,) = alerts.standing(conn, kind="quiet")
        alerts.mark_sent(conn, alert, NOW)
    wire_row(store, "silent", news=[NOW - n * MINUTE for n in range(9, 0, -1)])
    watcher.update(store, NOW)
    status = standing.gather(ill, store, NOW)
    assert status.quiet == []
    assert status.counts["quiet"] == 0


def test_lists_are_short_and_counts_whole(config: ConfigOf, store: Store, redis_url: str) -> None:
    many = [Wire(name=f"w{n:03}", url=f"https://wire.example/{n}") for n in range(50)]
    made = config(wires=many, redis_url=redis_url)
    with store.write() as conn:
        wires.sync(conn, many, NOW)
        for n, wire in enumerate(many):
            conn.execute(
                update(t.wires)
                .where(t.wires.c.name == wire.name)
                .values(state="dns", failing_since=NOW - n * MINUTE, due_at=NOW - n * MINUTE)
            )
    statements: list[str] = []
    event.listen(
        store.engine, "before_cursor_execute", lambda *event: statements.append(str(event[2]))
    )
    status = standing.gather(made, store, NOW)
    assert len(statements) <= 60  # none of it is asked wire by wire
    assert status.counts["failing"] == 50
    assert [w["wire"] for w in status.failing] == [f"w{n:03}" for n in range(49, 29, -1)]
    assert len(status.late) == WORST
    listing = next(i for i in standing.board(status).listings if i.title == "Failing")
    assert (len(listing.rows), listing.more) == (20, 30)


def test_json_holds_it_all(ill: Config, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    show.as_json(standing.as_data(standing.gather(ill, store, NOW)))
    data = json.loads(capsys.readouterr().out)
    assert {
        "at", "database", "wires", "states", "counts", "failing", "paused", "faulty", "late",
        "quiet", "alerts", "broker", "quarantine", "outbox", "outbox_failures",
        "oldest_unrendered", "unrendered", "stories", "versions", "second_look", "no_headline",
        "feeds", "captures", "storage", "leases_expired", "needs",
    } <= data.keys()  # fmt: skip
    assert data["failing"][0]["since"] == "2026-11-22T12:00:00Z"
    assert data["storage"]["days"][-1]["day"] == "2026-11-22"


def test_figures_of_many_captures_are_used_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stories.db.storage.FEW", 0)

    def add(name: str) -> None:
        with store.write() as conn:
            captures.add(conn, name, NOW, "https://wire.example/", [], name.encode())

    add("a")
    assert storage.summary(store, NOW)["captures"]["captures"] == 1
    add("b")
    for hours in (0, 47):
        data = storage.summary(store, NOW + timedelta(hours=hours))
        assert data["captures"]["captures"] == 1
        assert data["storage"]["at"] == NOW.isoformat()
    # Neither for ever, nor when the clock was set back.
    assert storage.summary(store, NOW + timedelta(hours=48))["captures"]["captures"] == 2
    add("c")
    assert storage.summary(store, NOW)["captures"]["captures"] == 3


def test_figures_of_few_captures_are_those_of_the_moment(store: Store) -> None:
    for count in (1, 2):
        with store.write() as conn:
            captures.add(conn, "a", NOW, "https://wire.example/", [], str(count).encode())
        assert storage.summary(store, NOW)["captures"]["captures"] == count


def test_housekeeping_notes_the_figures_every_day(
    store: Store, config: ConfigOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stories.db.storage.FEW", 0)
    for day in range(3):
        at = NOW + day * DAY
        with store.write() as conn:
            captures.add(conn, "a", at, "https://wire.example/", [], str(day).encode())
        with clock.reading(partial(_same, at)):
            housekeeping(store, config())
        assert storage.summary(store, at + HOUR)["captures"]["captures"] == day + 1


def _same(moment: datetime) -> datetime:
    return moment


# The broker


def test_a_broker_that_is_away_is_reported(config: ConfigOf) -> None:
    found = standing.ask_broker(config(redis_url="redis://127.0.0.1:1/0"), "x:")
    assert not found.reachable
    assert "refused" in (found.error or "")


def test_a_broker_that_hangs_holds_nobody_up(
    config: ConfigOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer just in time for its own timeout, and never an end."""
    monkeypatch.setattr(standing, "PATIENCE", 0.5)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    while not ended.wait(0.2):
                        connection.sendall(b"+")

        dripping = threading.Thread(target=drip)
        dripping.start()
        began = time.monotonic()
        url = f"redis://127.0.0.1:{server.getsockname()[1]}"
        found = standing.ask_broker(config(redis_url=url), "x:")
        took = time.monotonic() - began
        ended.set()
        dripping.join()
    assert not found.reachable
    assert took < 30


def test_within_a_bound() -> None:
    assert standing.within(60, lambda: 7) == 7
    never = threading.Event()
    assert standing.within(0.01, never.wait) is None
    never.set()
    with pytest.raises(ZeroDivisionError):
        standing.within(60, lambda: 1 // 0)


# Words


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (123_456, "123 kB"), (5_000_000, "5.0 MB"),
     (7_100_000_000, "7.1 GB"), (2 * 10**15, "2000.0 TB")],
)  # fmt: skip
def test_sizes(count: int, said: str) -> None:
    assert standing.size(count) == said


WELL = Status(at=NOW, broker=Broker(True, {}, ["beat@a", "poller@b", "worker@b"]))


@given(
    st.sampled_from(("paused", "failing_long", "quiet", "faulty", "late_long")),
    st.integers(1, 10**6),
)
def test_each_calls_for_a_person(name: str, count: int) -> None:
    (need,) = standing.needs(replace(WELL, counts={name: count}))
    assert need.startswith(f"{count} wire ") == (count == 1)
    assert need.startswith(f"{count} wires ") == (count > 1)


@pytest.mark.parametrize("name", ["failing", "late"])
def test_what_mends_itself_calls_for_nobody(name: str) -> None:
    assert standing.needs(replace(WELL, counts={name: 9})) == []
    assert standing.needs(WELL) == []


@pytest.mark.parametrize(("selected", "of", "tone"), [(12, 424, "plain"), (0, 424, "bad")])
def test_a_feed_says_how_much_it_selects(selected: int, of: int, tone: str) -> None:
    names = ("paused", "failing", "failing_long", "quiet", "faulty", "late", "late_long")
    status = replace(
        WELL,
        counts=dict.fromkeys(names, 0),
        feeds={"war": FeedState(9, NOW, selected, of)},
        captures={"captures": 0, "received": 0, "kept": 0},
        storage={"days": [], "database": 0},
    )
    [fact] = [fact for fact in standing.board(status).facts if fact.name == "feed war"]
    assert fact.value == f"matches {selected} of {of} stories of the last day"
    assert fact.tone == tone


# The page


def page_of(config: Config, store: Store, *, token: str | None, board: Any = None) -> Any:
    site = Site(status_token=None if token is None else SecretStr(token))
    return create(
        config.model_copy(update={"site": site}),
        store,
        ready=lambda: {},
        metrics=lambda: b"",
        status=board or (lambda: standing.board(standing.gather(config, store, NOW))),
    )


def test_the_page_shows_what_the_command_does(ill: Config, store: Store) -> None:
    with served(page_of(ill, store, token=TOKEN)) as port:
        found = port.ask("/status", {"Authorization": f"Bearer {TOKEN}"})
    assert found.status == 200, found.text
    assert found.headers["content-type"] == "text/html; charset=utf-8"
    assert found.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in found.headers["content-security-policy"]
    page: Any = html.document_fromstring(found.text)
    assert page.xpath("//h1/text()") == ["Status"]
    assert [h.text for h in page.xpath("//h2")] == [
        "Needs a person", "How things stand", "Paused", "Failing", "Strangely quiet",
        "Cannot be read", "Late", "In quarantine", "Failed work, tried again",
    ]  # fmt: skip
    assert len(page.xpath("//ul[@class='needs']/li")) == 10
    assert "no such host" in found.text
    assert "passw0rd" not in found.text


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/status", {}, 401),
        ("/status", {"Authorization": "Bearer wrong"}, 401),
        ("/status", {"Authorization": f"Bearer {TOKEN}x"}, 401),
        ("/status", {"Authorization": "Bearer"}, 401),
        ("/status", {"Authorization": "Basic %%%"}, 401),
        ("/status", {"Authorization": "Digest " + TOKEN}, 401),
        ("/status?token=", {}, 401),
        ("/status?token=%FF%C3", {}, 401),
        ("/status?token=" + TOKEN[:-1], {}, 401),
        ("/status?token=" + TOKEN, {}, 200),
        ("/status", {"Authorization": f"bearer {TOKEN}"}, 200),
        (
            "/status",
            {"Authorization": "Basic " + base64.b64encode(f"me:{TOKEN}".encode()).decode()},
            200,
        ),
        # Who says who he is wrongly is not helped by what else he says.
        ("/status?token=" + TOKEN, {"Authorization": "Bearer wrong"}, 401),
    ],
)
def test_only_who_has_the_token_sees_it(
    config: ConfigOf, path: str, headers: dict[str, str], status: int
) -> None:
    asked: list[int] = []

    def board() -> StatusPage:
        asked.append(1)
        return StatusPage(at="now", needs=(), facts=(), listings=())

    store = Store.__new__(Store)  # never asked
    with served(page_of(config(), store, token=TOKEN, board=board)) as port:
        found = port.ask(path, headers)
    assert found.status == status
    assert bool(asked) == (status == 200)
    if status == 401:
        assert found.headers["www-authenticate"].startswith("Basic ")
        assert TOKEN not in found.text


def test_without_a_token_there_is_no_such_page(config: ConfigOf) -> None:
    store = Store.__new__(Store)
    with served(page_of(config(), store, token=None)) as port:
        for path in ("/status", "/status?token=", "/status?token=None"):
            assert port.ask(path, {"Authorization": "Bearer "}).status == 404


def test_the_page_without_the_database(ill: Config, store: Store) -> None:
    with store.write() as conn:
        conn.execute(text("ALTER TABLE wires RENAME TO elsewhere"))
    with served(page_of(ill, store, token=TOKEN)) as port:
        found = port.ask(f"/status?token={TOKEN}")
    assert found.status == 503
    assert "wires" not in found.text


@pytest.mark.parametrize("token", ["short", "x" * 15, "x" * 201, "sixteen letters ", "é" * 16])
def test_a_token_that_can_be_guessed_or_sent_wrongly_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="drawn at random") as caught:
        Site(status_token=SecretStr(token))
    assert token not in str(caught.value).replace("input_value=SecretStr", "")


def test_the_token_shows_nowhere() -> None:
    site = Site(status_token=SecretStr(TOKEN))
    assert TOKEN not in repr(site)
    assert TOKEN not in site.model_dump_json()


# The command


def test_the_command_checks(
    ill: Config,
    store: Store,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Any,
) -> None:
    from desk.cli.app import main

    config_file = tmp_path / "wirecopy.toml"
    config_file.write_text(
        f"""
        redis_url = "{redis_url}"
        database_url = "{store.engine.url.render_as_string(hide_password=False)}"
        [publisher]
        name = "The Daily Test"
        url = "https://daily.example"
        """
        + "".join(f'[[wires]]\nname = "{w.name}"\nurl = "{w.url}"\n' for w in ill.wires)
    )

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wirecopy", "--config", str(config_file), *arguments])
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    with clock.reading(lambda: NOW):
        code, out, err = run("status")
        assert (code, err) == (0, "")
        assert "! 1 wire is strangely quiet" in out
        assert "no such host" in out
        code, out, err = run("status", "--check")
        assert code == 1
        assert "wirecopy: 1 wire is strangely quiet" in err
        code, out, err = run("status", "--json", "--check")
        assert code == 1
        assert json.loads(out)["needs"]
    assert "--check" in run("status", "--help")[1]


@pytest.mark.parametrize("part", ["database", "broker"])
def test_what_answers_and_takes_no_writes_needs_a_person(
    config_with: Callable[..., Config],
    store: Store,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
) -> None:
    """As after a failover: each question is answered, and nothing is ever polled."""
    made = working(config_with(), store, redis_url)
    if part == "database":
        monkeypatch.setattr(Store, "writes_refused", lambda _: "it is a standby; promote it")
    else:
        monkeypatch.setattr(address, "writes_refused", lambda _: "takes no writes: it is a replica")
    status = standing.gather(made, store, NOW)
    (need,) = standing.needs(status)
    assert part in need
    assert "takes no writes: it is a " in need
    assert need in standing.as_data(status)["needs"]
    assert need in standing.board(status).needs
