"""Alerts: what begins one, what ends it, and that each is told once."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, update

from net import hooks
from stories import clock
from stories.config import Alerts, Config, Wire
from stories.db import Store, alerts, captures, outbox, wires
from stories.db import tables as t
from stories.db.alerts import Alert, Watched
from tests import hostile
from tests.conftest import ConfigOf
from tests.ingest.test_intake import Desk, feed, item
from workers import alerts as watcher
from workers import app, tasks

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)  # a Thursday
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def every(gap: timedelta, last: datetime, count: int = 20) -> list[datetime]:
    """*count* moments *gap* apart, the last at *last*."""
    return [last - gap * n for n in reversed(range(count))]


def watched(**fields: Any) -> Watched:
    plain = {
        "name": "pti",
        "configured": True,
        "state": "not-modified",
        "message": "",
        "polled_at": NOW,
        "failing_since": None,
        "paused_at": None,
        "pending": False,
        "news": [],
    }
    return Watched(**{**plain, **fields})


def on(wire: Watched, now: datetime = NOW) -> dict[str, str]:
    return {kind: verdict.state for kind, verdict in watcher.judge(wire, now).items()}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "open"),
        ({"news": every(5 * MINUTE, NOW - 59 * MINUTE)}, "off"),  # an hour at least
        ({"news": every(5 * MINUTE, NOW - 61 * MINUTE)}, "on"),
        ({"news": every(30 * MINUTE, NOW - 119 * MINUTE)}, "off"),  # four times, not more
        ({"news": every(30 * MINUTE, NOW - 121 * MINUTE)}, "on"),
        ({"news": every(5 * MINUTE, NOW - 5 * HOUR, 4)}, "open"),  # too little is known
        ({"news": every(5 * MINUTE, NOW - 5 * HOUR, 5)}, "on"),
        # One long night among the last news counts, however short the mean is.
        ({"news": [NOW - 15 * HOUR, *every(5 * MINUTE, NOW - 5 * HOUR)]}, "off"),
        # We did not ask: nothing can be missed.
        ({"news": every(5 * MINUTE, NOW - 5 * HOUR), "polled_at": NOW - 5 * HOUR}, "off"),
        ({"news": every(5 * MINUTE, NOW - 5 * HOUR), "polled_at": None}, "open"),
        # A capture waits that may hold news.
        ({"news": every(5 * MINUTE, NOW - 5 * HOUR), "pending": True}, "open"),
        ({"news": every(5 * MINUTE, NOW - 5 * HOUR), "state": "timeout"}, "open"),
        ({"news": every(5 * MINUTE, NOW - 5 * HOUR), "failing_since": NOW - HOUR / 2}, "open"),
        ({"news": every(5 * MINUTE, NOW - 5 * HOUR), "paused_at": NOW}, "open"),
        ({"news": every(5 * MINUTE, NOW - 5 * HOUR)[::-1]}, "on"),  # in any order
    ],
)
def test_when_a_wire_is_strangely_quiet(fields: dict[str, Any], expected: str) -> None:
    assert on(watched(**fields))["quiet"] == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("off", "off")),
        ({"state": "timeout", "failing_since": NOW - 59 * MINUTE}, ("open", "off")),
        ({"state": "timeout", "failing_since": NOW - HOUR}, ("on", "off")),
        # What cannot be read counts as a failure, from the first such capture on.
        ({"state": "ok", "fault": "capture 7: html", "unread_since": NOW - HOUR}, ("on", "off")),
        ({"state": "ok", "fault": "f", "unread_since": NOW - 59 * MINUTE}, ("open", "off")),
        (
            {"state": "timeout", "failing_since": NOW - MINUTE, "unread_since": NOW - HOUR},
            ("on", "off"),
        ),
        ({"state": "ok", "fault": "capture 7: too many items"}, ("off", "off")),
        ({"state": "http-410", "failing_since": NOW, "paused_at": NOW}, ("open", "on")),
        ({"state": "http-410", "failing_since": NOW - DAY, "paused_at": NOW}, ("open", "on")),
    ],
)
def test_when_a_wire_fails_or_is_paused(fields: dict[str, Any], expected: tuple[str, str]) -> None:
    found = on(watched(**fields))
    assert (found["failing"], found["paused"]) == expected


def test_what_is_said_names_the_fault_and_the_habit() -> None:
    failing = watcher.judge(
        watched(state="dns", message="no such host", failing_since=NOW - 2 * HOUR), NOW
    )["failing"]
    assert failing.message == "since 2026-11-26 10:00Z: no such host"
    quiet = watcher.judge(watched(news=every(20 * MINUTE, NOW - 3 * HOUR)), NOW)["quiet"]
    assert quiet.since == NOW - 3 * HOUR
    assert quiet.message == "no news since 2026-11-26 09:00Z; its longest silence before was 20m"


MOMENTS = st.lists(st.integers(0, 40 * 86400), min_size=5, max_size=20, unique=True).map(sorted)


@given(MOMENTS, st.lists(st.integers(0, 40 * 86400), max_size=30).map(sorted))
def test_a_silence_is_strange_once_and_until_news_come(
    moments: list[int], later: list[int]
) -> None:
    """While nothing comes it turns from ``off`` to ``on`` once and never back; news ends it."""
    news = [EPOCH + timedelta(seconds=m) for m in moments]
    last = EPOCH + timedelta(seconds=moments[-1])
    seen = [on(watched(news=news, polled_at=last + timedelta(seconds=s)))["quiet"] for s in later]
    assert seen == sorted(seen)  # "off" < "on"
    for seconds in later:
        come = last + timedelta(seconds=seconds)
        assert on(watched(news=[*news, come][-20:], polled_at=come))["quiet"] == "off"


# In the store


WIRES = (Wire(name="pti", url="https://a.example/1"), Wire(name="ani", url="https://a.example/2"))


@pytest.fixture
def conf(config: ConfigOf, store: Store) -> Config:
    made = config(wires=WIRES)
    with store.write() as conn:
        wires.sync(conn, made.wires, NOW - 30 * DAY)
    return made


def put(store: Store, name: str, **values: Any) -> None:
    if "news" in values:
        values["changed_at"] = max(values["news"])
    plain = {"state": "unchanged", "polled_at": NOW, "failing_since": None, "paused_at": None}
    with store.write() as conn:
        conn.execute(update(t.wires).where(t.wires.c.name == name).values(**{**plain, **values}))


def came(store: Store, name: str, moments: Sequence[datetime], new: int = 1) -> None:
    """Captures of *name* at *moments*, each with news unless *new* is 0."""
    with store.write() as conn:
        for at in moments:
            number = captures.add(conn, name, at, "https://a.example/", [], b"<rss/>")
            captures.settle(conn, {number: {"state": "ingested", "new": new}})


def standing(store: Store) -> list[tuple[str, str]]:
    with store.read() as conn:
        return [(a.kind, a.subject) for a in alerts.standing(conn)]


SILENT = every(5 * MINUTE, NOW - 2 * HOUR)


def test_it_begins_once_and_ends_once(conf: Config, store: Store) -> None:
    put(store, "pti", news=SILENT)
    put(store, "ani", news=every(5 * MINUTE, NOW - 10 * MINUTE))
    with structlog.testing.capture_logs() as logs:
        assert watcher.update(store, NOW) == (1, 0)
        for minutes in range(1, 5):
            put(store, "pti", news=SILENT, polled_at=NOW + minutes * MINUTE)
            assert watcher.update(store, NOW + minutes * MINUTE) == (0, 0)
            watcher.notify(store, conf, NOW + minutes * MINUTE)
    assert [(e["event"], e["wire"], e["log_level"]) for e in logs] == [
        ("wire is strangely quiet", "pti", "warning")
    ]
    assert standing(store) == [("quiet", "pti")]
    put(store, "pti", news=[*SILENT, NOW], state="ok", polled_at=NOW + 5 * MINUTE)
    with structlog.testing.capture_logs() as logs:
        assert watcher.update(store, NOW + 5 * MINUTE) == (0, 1)
        assert watcher.update(store, NOW + 6 * MINUTE) == (0, 0)
    assert [e["event"] for e in logs] == ["wire brings news again"]
    assert standing(store) == []
    watcher.notify(store, conf, NOW + 6 * MINUTE)
    with store.read() as conn:
        assert alerts.about(conn, ["pti"]) == []
        assert outbox.waiting(conn, NOW + DAY) == []


def test_failing_and_pausing(conf: Config, store: Store) -> None:
    put(store, "pti", state="timeout", failing_since=NOW - HOUR, message="slow")
    assert watcher.update(store, NOW) == (1, 0)
    watcher.notify(store, conf, NOW)
    put(store, "pti", state="http-410", failing_since=NOW - HOUR, paused_at=NOW, message="gone")
    assert watcher.update(store, NOW) == (1, 0)
    assert sorted(standing(store)) == [("failing", "pti"), ("paused", "pti")]
    watcher.notify(store, conf, NOW)
    put(store, "pti")
    assert watcher.update(store, NOW + HOUR) == (0, 2)
    assert watcher.update(store, NOW + HOUR) == (0, 0)


def test_a_wire_that_answers_with_a_login_page_fails(config: ConfigOf, store: Store) -> None:
    desk = Desk(config(wires=[{"name": "w", "agency": "A", "url": "https://a.example/f"}]), store)
    desk.take(feed(item("a", "One")))
    desk.take(b"<!doctype html><title>Sign in</title><form><input name=user></form>")
    first = desk.now
    desk.take(b"<!doctype html><title>Sign in</title><p>Your session has ended.</p>")
    limits = Alerts(failing_after=timedelta(minutes=30))
    assert watcher.update(store, first + 29 * MINUTE, limits) == (0, 0)
    assert watcher.update(store, first + 30 * MINUTE, limits) == (1, 0)
    with store.read() as conn:
        [alert] = alerts.standing(conn)
    assert (alert.kind, alert.since) == ("failing", first)
    assert "capture 3" in alert.message
    watcher.notify(store, desk.config, first + 30 * MINUTE)
    desk.take(feed(item("a", "One"), item("b", "Two")))
    assert watcher.update(store, desk.now, limits) == (0, 1)


def test_one_that_ended_before_it_was_told_is_not_told(conf: Config, store: Store) -> None:
    put(store, "pti", state="timeout", failing_since=NOW - HOUR)
    watcher.update(store, NOW)
    put(store, "pti")
    assert watcher.update(store, NOW) == (0, 0)
    with store.read() as conn:
        assert alerts.about(conn, ["pti"]) == []
    assert watcher.notify(store, conf, NOW) == 0


def test_one_that_comes_back_before_its_end_was_told_goes_on(conf: Config, store: Store) -> None:
    put(store, "pti", state="timeout", failing_since=NOW - HOUR)
    watcher.update(store, NOW)
    watcher.notify(store, conf, NOW)
    put(store, "pti")
    assert watcher.update(store, NOW) == (0, 1)
    put(store, "pti", state="timeout", failing_since=NOW - HOUR)
    assert watcher.update(store, NOW) == (0, 0)
    assert standing(store) == [("failing", "pti")]
    assert watcher.notify(store, conf, NOW + MINUTE) == 0


def test_a_wire_taken_out_of_the_configuration_is_in_no_alarm(conf: Config, store: Store) -> None:
    put(store, "pti", state="timeout", failing_since=NOW - HOUR)
    watcher.update(store, NOW)
    with store.write() as conn:
        wires.sync(conn, WIRES[1:], NOW)
    assert watcher.update(store, NOW) == (0, 0)
    assert standing(store) == []


def test_all_pages_are_judged(
    config: ConfigOf, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "PAGE", 3)
    names = [f"w{n:02}" for n in range(11)]
    with store.write() as conn:
        wires.sync(conn, [Wire(name=n, url=f"https://a.example/{n}") for n in names], NOW)
    for name in names:
        put(store, name, state="timeout", failing_since=NOW - HOUR)
    assert watcher.update(store, NOW) == (11, 0)
    assert [s for _, s in standing(store)] == names


def test_more_silences_than_may_be_compared_have_their_turn(
    config: ConfigOf, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "COMPARED", 4)
    names = [f"w{n}" for n in range(9)]
    with store.write() as conn:
        wires.sync(conn, [Wire(name=n, url=f"https://a.example/{n}") for n in names], NOW)
    for name in names:
        put(store, name, news=SILENT)
    found = 0
    for minute in range(9):
        begun, _ = watcher.update(store, NOW + minute * MINUTE)
        assert begun <= 4
        found += begun
    assert found == 9


@pytest.mark.parametrize("days", [1, 7, 14])
def test_the_nights_and_weekends_of_a_wire_are_not_strange(
    conf: Config, store: Store, days: int
) -> None:
    """The last news of a busy wire span an hour and a half; the record knows its nights."""
    dusk = NOW - 2 * HOUR
    before = [dusk - days * DAY + 7 * MINUTE * n for n in range(-20, 2)]
    came(store, "pti", [NOW - 20 * DAY, *before, dusk])
    # Bytes that changed without a story are no news.
    came(store, "pti", [NOW - days * DAY - HOUR], new=0)
    put(store, "pti", news=SILENT)
    assert watcher.update(store, NOW) == (0, 0)


def test_the_same_silence_by_day_is(conf: Config, store: Store) -> None:
    came(store, "pti", [NOW - 20 * DAY])
    for days in (14, 7, 1):
        came(store, "pti", [NOW - days * DAY + 10 * MINUTE * n for n in range(-20, 20)])
        came(store, "ani", [NOW - days * DAY + timedelta(seconds=n) for n in range(5)])
    put(store, "pti", news=SILENT)
    assert watcher.update(store, NOW) == (1, 0)


def test_what_the_record_does_not_reach_is_not_taken_for_silence(
    conf: Config, store: Store
) -> None:
    came(store, "pti", [NOW - 4 * HOUR])
    came(store, "ani", [NOW - 20 * DAY])
    put(store, "pti", news=SILENT)
    assert watcher.update(store, NOW) == (1, 0)


def test_the_longest_silence_of_a_stretch(store: Store) -> None:
    start = NOW - 10 * HOUR
    came(store, "pti", [start - DAY, start + HOUR, start + 2 * HOUR, start + 6 * HOUR, NOW])
    came(store, "ani", [start + 4 * HOUR])
    with store.read() as conn:
        assert alerts.longest_silence(conn, "pti", start, NOW) == 4 * HOUR
        assert alerts.longest_silence(conn, "pti", start - 9 * HOUR, start) == 9 * HOUR
        assert alerts.longest_silence(conn, "pti", start - 2 * DAY, NOW) is None
        assert alerts.longest_silence(conn, "none", start, NOW) is None
        assert alerts.longest_silence(conn, "pti", NOW + HOUR, NOW + 2 * HOUR) == HOUR


# The web hook


def hooked(config: ConfigOf, store: Store, url: str) -> Config:
    made = config(wires=WIRES, alerts={"url": url})
    with store.write() as conn:
        wires.sync(conn, made.wires, NOW - 30 * DAY)
    return made


def bodies(server: hostile.Server) -> list[dict[str, Any]]:
    return [json.loads(s.body) for s in server.seen("/hook")]


def test_the_hook_hears_of_the_beginning_and_of_the_end(config: ConfigOf, store: Store) -> None:
    with hostile.serve() as server:
        server.route("/hook", lambda exchange: exchange.reply(204))
        conf = hooked(config, store, f"{server.url}/hook")
        put(store, "pti", state="dns", message="no such host", failing_since=NOW - HOUR)
        watcher.update(store, NOW)
        assert watcher.notify(store, conf, NOW) == 1
        assert watcher.notify(store, conf, NOW + DAY) == 0
        put(store, "pti")
        watcher.update(store, NOW + HOUR)
        assert watcher.notify(store, conf, NOW + HOUR) == 1
        assert watcher.notify(store, conf, NOW + DAY) == 0
        seen = server.seen("/hook")
        told = bodies(server)
    assert {(s.method, s.header("content-type"), s.header("user-agent")) for s in seen} == {
        ("POST", "application/json", conf.agent)
    }
    assert [t["text"] for t in told] == [
        "wire pti fails: since 2026-11-26 11:00Z: no such host",
        "wire pti is polled well again",
    ]
    assert [t["alerts"][0]["state"] for t in told] == ["begun", "over"]
    assert told[0]["alerts"][0]["wire"] == "pti"
    assert told[0]["alerts"][0]["alert"] == "failing"
    assert told[0]["alerts"][0]["id"] != told[1]["alerts"][0]["id"]
    assert told[1]["alerts"][0]["ended"] == (NOW + HOUR).isoformat()
    with store.read() as conn:
        assert alerts.about(conn, ["pti"]) == []


def test_many_at_once_are_one_call(config: ConfigOf, store: Store) -> None:
    with hostile.serve() as server:
        server.route("/hook", lambda exchange: exchange.reply(200, {}, b"thanks"))
        conf = hooked(config, store, f"{server.url}/hook")
        for name in ("pti", "ani"):
            put(store, name, state="dns", failing_since=NOW - HOUR)
        watcher.update(store, NOW)
        assert watcher.notify(store, conf, NOW) == 2
        assert [[a["wire"] for a in t["alerts"]] for t in bodies(server)] == [["ani", "pti"]]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/500", "it answered 500"),
        ("/moved", "it answered 302"),
        ("/closed", "alerts.url"),
        ("/reset", "alerts.url"),
    ],
)
def test_a_hook_that_fails_is_asked_again(
    config: ConfigOf, store: Store, path: str, said: str
) -> None:
    with hostile.serve() as server:
        server.route("/500", lambda exchange: exchange.reply(500, {}, b"broken"))
        server.route("/moved", lambda exchange: exchange.reply(302, {"Location": "/hook"}))
        server.route("/closed", lambda exchange: None)
        server.route("/reset", lambda exchange: exchange.reset())
        server.route("/hook", lambda exchange: exchange.reply(200))
        conf = hooked(config, store, f"{server.url}{path}")
        put(store, "pti", state="dns", failing_since=NOW - HOUR)
        watcher.update(store, NOW)
        assert watcher.notify(store, conf, NOW) == 0
        with store.read() as conn:
            ((kind, key, error),) = outbox.failures(conn)
            assert alerts.unsent(conn, ["pti"])
        assert (kind, key) == ("alert", "pti")
        assert said in error
        assert watcher.notify(store, conf, NOW + timedelta(seconds=1)) == 0
        assert len(server.seen(path)) == 1  # not at once: later and later
        mended = hooked(config, store, f"{server.url}/hook")
        assert watcher.notify(store, mended, NOW + MINUTE) == 1
        assert [t["alerts"][0]["wire"] for t in bodies(server)] == ["pti"]


@pytest.mark.slow
def test_an_answer_without_an_end_is_an_answer(
    config: ConfigOf, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "HOOK_SECONDS", 1)

    def endless(exchange: hostile.Exchange) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        while True:
            exchange.send(b"4000\r\n" + bytes(0x4000) + b"\r\n")

    with hostile.serve() as server:
        server.route("/hook", endless)
        server.route("/silent", lambda exchange: exchange.pause(60))
        assert hooks.post(f"{server.url}/hook", b"{}", "test") == ""
        assert "see that it answers" in hooks.post(
            f"{server.url}/silent?token=s3cret", b"{}", "test"
        )
        assert "s3cret" not in hooks.post(f"{server.url}/silent?token=s3cret", b"{}", "test")


def test_what_a_wire_says_is_only_text(config: ConfigOf, store: Store) -> None:
    conf = config(wires=WIRES)
    message = 'https://u:passw0rd@a.example/?token=s3cret "\n\x1b[2J\u202e\ud800'
    body = watcher.payload(conf, [Alert("failing", "pti", NOW, message)], NOW)
    assert b"passw0rd" not in body
    assert b"s3cret" not in body
    assert json.loads(body)["alerts"][0]["state"] == "begun"


def test_the_task_watches_and_tells(
    config: ConfigOf, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hostile.serve() as server:
        server.route("/hook", lambda exchange: exchange.reply(204))
        conf = hooked(config, store, f"{server.url}/hook")
        app.configure(conf)
        here = SimpleNamespace(store=store, config=conf)
        monkeypatch.setattr(tasks, "current", lambda: here)
        put(store, "pti", news=SILENT)
        with clock.reading(lambda: NOW):
            tasks.watch()
            tasks.watch()
        assert [t["alerts"][0]["alert"] for t in bodies(server)] == ["quiet"]


# Two at once


def test_an_end_that_comes_while_the_beginning_is_told_is_told_too(store: Store) -> None:
    alert = Alert("quiet", "pti", NOW, "no news")
    with store.write() as conn:
        assert alerts.begin(conn, alert)
        (read,) = alerts.unsent(conn, ["pti"])
        assert not alerts.end(conn, "quiet", "pti", NOW)  # as nobody had been told
        assert alerts.mark_sent(conn, read, NOW)  # but somebody was just being told
        (left,) = alerts.unsent(conn, ["pti"])
        assert left.ended_at == NOW
        assert not alerts.mark_sent(conn, left, NOW)
        assert alerts.about(conn, ["pti"]) == []


def test_one_that_comes_back_while_its_end_is_told_is_told_anew(store: Store) -> None:
    alert = Alert("quiet", "pti", NOW, "no news")
    with store.write() as conn:
        alerts.begin(conn, alert)
        assert not alerts.mark_sent(conn, alert, NOW)
        assert alerts.end(conn, "quiet", "pti", NOW)
        (read,) = alerts.unsent(conn, ["pti"])
        assert not alerts.begin(conn, alert)
        assert alerts.mark_sent(conn, read, NOW)
        assert [(a.told_at, a.ended_at) for a in alerts.unsent(conn, ["pti"])] == [(None, None)]


def test_of_two_that_notice_the_same_one_begins_it(store: Store) -> None:
    alert = Alert("quiet", "pti", NOW, "no news")
    with store.write() as conn:
        assert [alerts.begin(conn, alert) for _ in range(3)] == [True, False, False]
        assert alerts.counts(conn) == {"quiet": 1}
        conn.execute(delete(t.alerts))
        assert alerts.counts(conn) == {}
