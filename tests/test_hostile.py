"""Hostile input the whole way: a hostile server is polled, taken in and rendered beside a good one.
Each input ends as a named state of its wire; the good wire is never affected.

Tests assert states, not speed: that a state came at all shows that time was bounded.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from desk.headline import rewrite
from desk.status import as_data, gather
from ingest import intake, poll, replay, sandbox
from ingest.item import Hints
from ingest.parse import Reader
from ingest.replay import Selection
from ingest.sandbox import Limits, Sandbox, SandboxError
from net import client as http_client
from net import ssrf
from net.client import Client
from publish import renderer
from publish.entry import FeedMetadata, compose
from publish.rerender import rerender_if_changed
from publish.selection import metadata
from publish.served import served
from stories import clock
from stories.config import Config, Wire
from stories.db import Store, captures, outbox, wires
from stories.db import stories as records
from stories.models import WHOLE, Capture, Story, WireState
from tests import hostile
from tests.conftest import ConfigOf

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
RSS = {"Content-Type": "application/rss+xml"}


def item(headline: str, body: str = "Words.", guid: str = "", extra: str = "") -> str:
    guid = guid or headline
    return (
        f"<item><guid isPermaLink='false'>id {guid}</guid><title>{headline}</title>"
        f"<description>{body}</description>{extra}</item>"
    )


def feed(*items: str, prolog: str = "") -> bytes:
    channel = f"<channel><title>Agency</title>{''.join(items)}</channel>"
    return f'{prolog}<rss version="2.0">{channel}</rss>'.encode()


@dataclass
class House:
    """A good wire and one that the test makes hostile, polled, taken in and rendered by hand."""

    config_of: ConfigOf
    store: Store
    server: hostile.Server
    reader: Reader = sandbox.read
    now: datetime = NOW
    config: Config = field(init=False)

    def __post_init__(self) -> None:
        self.server.answer("/good.rss", feed(item("Good news")), RSS)
        self.configure()

    def configure(self, path: str = "/bad.rss", **keys: Any) -> None:
        common = {"agency": "Agency", "every": "2m", "allow_private": True, "timeout": "2s"}
        url = path if path.startswith("http") else f"{self.server.url}{path}"
        self.config = self.config_of(
            wires=[
                {**common, "name": "bad", "url": url, **keys},
                {**common, "name": "good", "url": f"{self.server.url}/good.rss", "timeout": "30s"},
            ],
            feeds=[
                {"name": "all", "title": "All", "limit": 100},
                {"name": "good", "title": "Good", "wires": ["good"]},
            ],
        )
        with self.store.write() as conn:
            wires.sync(conn, self.config.wires, self.now)
        rerender_if_changed(self.store, self.config)

    def work(self, printing: bool = True) -> str:
        """One pass over both wires; the state that polling the bad one led to."""
        self.now += timedelta(minutes=5)
        with clock.reading(lambda: self.now):
            with self.store.write() as conn:
                claimed = wires.take(conn, ["bad", "good"], self.now + timedelta(minutes=1))
            with Client() as http:
                polled = {p.wire: p for p in poll.poll(self.store, self.config, http, claimed)}
            intake.take_in_waiting(self.store, self.config, reader=self.reader)
            renderer.render_waiting(self.store, self.config, 10_000 if printing else 20)
        assert polled["good"].state in ("ok", "unchanged")
        if printing:
            self.check_the_good_wire()
        return polled["bad"].state

    def check_the_good_wire(self) -> None:
        good = self.wire("good")
        assert (good.fault, good.failing_since) == (None, None)
        assert b"Good news" in self.served("good")
        assert b"Good news" in self.served("all")

    def wire(self, name: str = "bad") -> WireState:
        with self.store.read() as conn:
            found = wires.get(conn, name)
        assert found is not None
        return found

    def served(self, name: str) -> bytes:
        with self.store.read() as conn:
            row = served(conn, self.config, name, "rss")
        assert row is not None
        return row.body

    def stories(self) -> list[Story]:
        """Of the bad wire, in the order of their places in it."""
        with self.store.read() as conn:
            found = records.newest(conn, limit=20_000, wires=["bad"])
        return sorted(found, key=lambda s: s.position)

    def headlines(self) -> list[str]:
        return [story.version.headline for story in self.stories()]

    def status(self) -> dict[str, Any]:
        """What ``wirecopy status --json`` prints."""
        return as_data(gather(self.config, self.store, self.now))

    def capture(self) -> Capture:
        """The newest one of the bad wire."""
        with self.store.read() as conn:
            return captures.listing(conn, wires=["bad"], limit=1)[0]

    def problems(self) -> list[tuple[int, str]]:
        with self.store.read() as conn:
            found = captures.problems_of(conn, self.capture().id)
        return [(p.position, p.state) for p in found]


@pytest.fixture
def house(config: ConfigOf, store: Store) -> Iterator[House]:
    with hostile.serve() as server:
        yield House(config, store, server)


# What ends on the way: nothing is kept, the wire's state says why.


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ("/gzip/bomb", "too-large"),
        ("/gzip/endless-members", "too-large"),
        ("/gzip/lie", "protocol"),
        ("/gzip/cut", "truncated"),
        ("/huge", "too-large"),
        ("/endless-chunked", "too-large"),
        ("/endless-headers", "too-large"),
        pytest.param("/trickle", "timeout", marks=pytest.mark.slow),
        pytest.param("/stall-body", "timeout", marks=pytest.mark.slow),
        ("/stall", "timeout"),
        ("/short", "truncated"),
        ("/loop", "redirects"),
        ("/chain?left=20", "redirects"),
        ("/redirect?to=http://169.254.169.254/latest/", "forbidden-address"),
        ("/redirect?to=file:///etc/passwd", "bad-url"),
        ("/garbage", "protocol"),
        ("/reset", "reset"),
    ],
)
def test_what_ends_on_the_way(house: House, path: str, state: str) -> None:
    house.configure(path)
    assert house.work() == state
    wire = house.wire()
    assert (wire.state, wire.failing_since) == (state, house.now)
    assert wire.message
    assert wire.due_at > house.now, "it is tried again"
    assert house.stories() == []
    told = house.status()
    assert [(w["wire"], w["state"]) for w in told["failing"]] == [("bad", state)]


def test_a_wire_does_not_lead_to_private_addresses(house: House) -> None:
    house.configure("/good", allow_private=False)
    assert house.work() == "forbidden-address"
    assert "allow_private" in house.wire().message
    assert house.server.seen("/good") == []


def test_a_redirect_does_not_lead_there_either(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here 127.0.0.1 has to play a public address, and 127.0.0.2 the private one behind it."""

    def as_if_public(address: str, *, allow_private: bool) -> str | None:
        if address == "127.0.0.1":
            return None
        return ssrf.refusal(address, allow_private=allow_private)

    monkeypatch.setattr(http_client, "refusal", as_if_public)
    target = f"http://127.0.0.2:{house.server.port}/good"
    house.configure(f"/redirect?to={target}", allow_private=False)
    assert house.work() == "forbidden-address"
    assert house.server.seen("/good") == []


# What arrives and is no feed: kept, named, in quarantine.


def _entities(levels: int, each: int = 10) -> str:
    lines = [f'<!ENTITY e0 "{"ha" * 50}">']
    lines += [f'<!ENTITY e{n} "{f"&e{n - 1};" * each}">' for n in range(1, levels)]
    return f"<?xml version='1.0'?><!DOCTYPE rss [{''.join(lines)}]>"


PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj<<>>endobj"


@pytest.mark.parametrize(
    ("body", "headers", "state"),
    [
        (b"", RSS, "empty"),
        (b" \r\n ", RSS, "empty"),
        (b"<!DOCTYPE html><html><title>Log in</title>", RSS, "not-a-feed"),
        (b"<html><head><title>502 Bad Gateway</title>", {}, "not-a-feed"),
        (b'{"status": "error"}', {"Content-Type": "application/json"}, "not-a-feed"),
        (PDF, {"Content-Type": "application/pdf"}, "not-a-feed"),
        (PDF, RSS, "not-a-feed"),
        (bytes(range(256)) * 40, RSS, "not-a-feed"),
        (b"<rss><channel><title>cut he", RSS, "malformed"),
        (b"<rss" + b" a='" * 9_000, RSS, None),
        (b"<" * 300_000, RSS, "not-a-feed"),
    ],
    ids=[
        "no bytes",
        "white space",
        "log-in page",
        "error page",
        "JSON",
        "PDF",
        "PDF said to be RSS",
        "noise",
        "cut short",
        "unended tag",
        "brackets",
    ],
)
def test_what_is_no_feed(
    house: House, body: bytes, headers: dict[str, str], state: str | None
) -> None:
    house.server.answer("/bad.rss", body, headers)
    assert house.work() == "ok", "it came as it should; what it is, is told by its fault"
    capture = house.capture()
    assert capture.state == "failed"
    ((position, found),) = house.problems()
    assert position == WHOLE
    assert state is None or found == state
    assert f"capture {capture.id}: {found}: " in (house.wire().fault or "")
    with house.store.read() as conn:
        assert captures.body(conn, capture.digest) == body
    told = house.status()
    assert [w["wire"] for w in told["faulty"]] == ["bad"]
    assert [p["state"] for p in told["quarantine"]["newest"]] == [found]
    # The next good capture is taken in, and the wire is well again.
    house.server.answer("/bad.rss", feed(item("Mended")), RSS)
    house.work()
    assert house.headlines() == ["Mended"]
    assert house.wire().fault is None


# What arrives and is a feed, one way or another: what is good in it is taken.


@pytest.mark.parametrize(
    ("body", "headers", "headlines"),
    [
        (feed(item("Rain")), {"Content-Type": "text/html"}, ["Rain"]),
        (feed(item("Rain")), {"Content-Type": "application/octet-stream"}, ["Rain"]),
        (feed(item("Rain")), {"Content-Type": "application/json"}, ["Rain"]),
        (feed(item("Rain")), {"Content-Type": "\xff;;;=\x01"}, ["Rain"]),
        (feed(item("Rain")), {}, ["Rain"]),
        (b"<b>Warning</b>: line 3\n" + feed(item("Rain")), RSS, ["Rain"]),
        # Encoding lies, both ways.
        (
            feed(item("Übung"), prolog='<?xml version="1.0" encoding="iso-8859-1"?>'),
            RSS,
            ["Übung"],
        ),
        (
            feed(item("Übung"), prolog='<?xml version="1.0" encoding="utf-8"?>')
            .decode()
            .encode("windows-1252"),
            RSS,
            ["Übung"],
        ),
        (
            feed(item("Übung")),
            {"Content-Type": "application/rss+xml; charset=utf-16"},
            ["Übung"],
        ),
        (feed(item("Übung")).decode().encode("utf-16"), RSS, ["Übung"]),
        # Cut short: whole items are kept.
        (feed(item("One"), item("Two"), item("Three"))[:-60], RSS, ["One", "Two"]),
        # Characters that XML or Unicode do not know.
        (feed(item("R\x0ba\x01i\x00n\x1f")), RSS, ["R ain"]),
        (feed(item("A&#55296;B&#1114112;C&#0;")), RSS, ["A\ufffdB\ufffdC"]),
        (feed(item("Rain")) + b"\xed\xa0\x80\xff", RSS, ["Rain"]),
        # Entity bombs: billion laughs, quadratic blow-up, a file, a parameter entity.
        (feed(item("Rain", "&e9;"), prolog=_entities(10)), RSS, ["Rain"]),
        (
            feed(
                item("Rain", "&e0;" * 40_000),
                prolog=f"<!DOCTYPE rss [<!ENTITY e0 '{'x' * 50_000}'>]>",
            ),
            RSS,
            ["Rain"],
        ),
        (
            feed(
                item("Rain", "Look: &x;"),
                prolog='<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
            ),
            RSS,
            ["Rain"],
        ),
        (
            feed(
                item("Rain"),
                prolog='<!DOCTYPE rss [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;]>',
            ),
            RSS,
            ["Rain"],
        ),
        # Shapes that burst parsers; each costs its own item at most.
        (feed(item("Bomb", "<a>" * 100_000 + "</a>" * 100_000), item("Rain")), RSS, ["Rain"]),
        (feed(item("Bomb", "&lt;a&gt;" * 200_000), item("Rain")), RSS, ["Rain"]),
        (feed(item("Bomb", "<b>x</b>" * 200_000), item("Rain")), RSS, ["Rain"]),
        (
            feed(
                "<item "
                + " ".join(f'a{n}="x"' for n in range(40_000))
                + "><title>Odd</title></item>",
                item("Rain"),
            ),
            RSS,
            ["Odd", "Rain"],
        ),
        (
            feed(
                item("Bomb", f"&lt;p {' '.join(f'a{n}=x' for n in range(40_000))}&gt;Hello"),
                item("Rain"),
            ),
            RSS,
            ["Rain"],
        ),
        (feed(item("Rain", extra="<x>" * 5_000)), RSS, ["Rain"]),
    ],
)
def test_what_is_good_in_it_is_taken(
    house: House, body: bytes, headers: dict[str, str], headlines: list[str]
) -> None:
    house.server.answer("/bad.rss", body, headers)
    assert house.work() == "ok"
    taken = house.capture()
    assert taken.state == "ingested"
    cut_off = headlines == ["One", "Two"]
    assert ("cut-off" in (house.wire().fault or "")) == cut_off
    found = house.headlines()
    assert [h for h in found if h != "Bomb"] == headlines
    # What was not taken is named, item by item.
    assert taken.items == len(found) + len(house.problems())
    served = house.served("all").decode()
    for secret in ("root:", "x" * 1_000_000):
        assert secret not in served
    for story in house.stories():
        assert len(story.version.body) <= 2 * len(body), "entities do not multiply"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_feed_of_100_000_items(house: House) -> None:
    """What is read is bounded, and what was not read is said. The wire beside it is taken in."""
    body = feed(*(f"<item><title>{n}</title></item>" for n in range(100_000)))
    house.server.answer("/bad.rss", body, RSS)
    assert house.work(printing=False) == "ok"
    capture = house.capture()
    assert (capture.state, capture.items, capture.new) == ("ingested", 2_000, 2_000)
    assert "holds 100000 items; the first 2000 were read" in capture.notes
    assert "too-many-items: 98000 items beyond the first 2000" in (house.wire().fault or "")
    with house.store.read() as conn:
        assert len(records.newest(conn, wires=["good"])) == 1


# What would take too long or too much: the sandbox.


@pytest.fixture
def small_sandbox(house: House) -> Iterator[House]:
    """A house whose captures may take one second of processor time."""
    small = Sandbox(Limits(seconds=1))
    house.reader = small.read
    yield house
    small.close()


HEAVY = feed(item("Heavy", "&lt;p&gt;x &lt;a href='/y'&gt;y&lt;/a&gt;" * 100_000), item("Rain"))
"""Some seconds of work, in an item that is allowed."""


def replayed(house: House, reader: Reader = sandbox.read) -> set[int]:
    """The captures that replaying the quarantine took in again."""
    chosen = Selection(quarantined=True)
    planned = replay.plan(house.store, chosen)
    with clock.reading(lambda: house.now):
        took = replay.replay(
            house.store, house.config, chosen, planned, sleep=lambda _: None, reader=reader
        )
        numbers = {taken.capture.id for taken in took}
        renderer.render_waiting(house.store, house.config)
    return numbers


@pytest.mark.slow
def test_a_capture_that_takes_too_long(small_sandbox: House) -> None:
    """It is kept, named, blocks nobody, and is taken in when it may take longer."""
    house = small_sandbox
    house.server.answer("/bad.rss", HEAVY, RSS)
    assert house.work() == "ok"
    heavy = house.capture()
    assert house.problems() == [(WHOLE, "parse-timeout")]
    assert "parse-timeout" in (house.wire().fault or "")
    house.server.answer("/bad.rss", feed(item("After")), RSS)
    house.work()
    assert house.headlines() == ["After"], "the wire goes on behind it"
    assert house.wire().fault is None
    assert house.status()["quarantine"]["count"] == 1
    assert heavy.id in replayed(house)
    assert set(house.headlines()) == {"After", "Heavy", "Rain"}
    assert house.status()["quarantine"]["count"] == 0
    assert b"Rain" in house.served("all")
    assert replayed(house) == set()


def test_a_capture_that_still_fails_stays(small_sandbox: House) -> None:
    house = small_sandbox
    house.server.answer("/bad.rss", HEAVY, RSS)
    house.work()
    assert replayed(house, house.reader) == {house.capture().id}
    assert house.problems() == [(WHOLE, "parse-timeout")]


def test_a_capture_that_takes_too_much(house: House) -> None:
    small = Sandbox(Limits(memory=8 << 20))
    house.reader = small.read
    house.server.answer("/bad.rss", feed(item("Big", "word " * 2_500_000)), RSS)
    house.work()
    small.close()
    assert house.problems() == [(WHOLE, "parse-memory")]
    assert "parse-memory" in (house.wire().fault or "")


def test_when_nothing_can_be_read_everything_waits(house: House) -> None:
    def without(body: bytes, hints: Hints, wire: Wire) -> Any:
        raise SandboxError("the process that reads captures cannot be started: no memory")

    house.reader = without
    house.server.answer("/bad.rss", feed(item("Rain")), RSS)
    assert house.work(printing=False) == "ok"
    assert house.capture().state == "pending"
    with house.store.read() as conn:
        failures = outbox.failures(conn)
    assert [(kind, key) for kind, key, _ in failures] == [("ingest", "bad"), ("ingest", "good")]
    assert all("cannot be started" in error for _, _, error in failures)
    house.reader = sandbox.read
    house.work()
    assert house.headlines() == ["Rain"]


# The rules for items that lack something.


def test_an_undated_item_is_dated_by_its_receipt(house: House) -> None:
    house.server.answer("/bad.rss", feed(item("Undated")), RSS)
    house.work()
    (story,) = house.stories()
    assert (story.version.published, story.version.updated) == (None, None)
    assert story.received_at == house.now
    assert b"<pubDate>Sun, 22 Nov 2026 06:05:00 +0000</pubDate>" in house.served("all")


def test_an_empty_item_is_refused_by_itself(house: House) -> None:
    empty = "<item><guid>e</guid><link>http://a.example/e</link></item>"
    house.server.answer("/bad.rss", feed(item("One"), empty, item("Two")), RSS)
    house.work()
    assert house.headlines() == ["One", "Two"]
    assert house.problems() == [(1, "item-empty")]
    assert house.wire().fault is None


def test_an_item_without_a_headline_waits_for_the_desk(house: House) -> None:
    """It is on record, in no feed, named in status; its neighbours and feeds are not held up."""
    nameless = item("", "It rained.", "n")
    house.server.answer("/bad.rss", feed(item("One"), nameless, item("Two")), RSS)
    house.work()
    story = house.stories()[1]
    assert story.version.headline == ""
    served = house.served("all")
    assert b"One" in served
    assert b"Two" in served
    assert b"It rained." not in served
    told = house.status()
    assert (told["no_headline"], told["unrendered"], told["outbox_failures"]) == (1, 0, [])
    with clock.reading(lambda: house.now):
        rewrite(house.store, story.id, "Desk headline", "Asha")
        renderer.render_waiting(house.store, house.config)
    assert b"Desk headline" in house.served("all")
    assert house.status()["outbox_failures"] == []


def test_a_guid_that_several_stories_share_identifies_none(house: House) -> None:
    def linked(headline: str, page: str) -> str:
        return item(headline, guid="same", extra=f"<link>https://a.example/{page}</link>")

    house.server.answer("/bad.rss", feed(linked("One", "1"), linked("Two", "2")), RSS)
    house.work()
    assert house.headlines() == ["One", "Two"]
    assert {s.identity.rule for s in house.stories()} == {"link"}
    assert {s.identity.degraded for s in house.stories()} == {"several stories share the guid"}


def test_of_one_story_twice_the_first_counts(house: House) -> None:
    link = "<link>https://a.example/1</link>"
    twice = (item("Newer", guid="a", extra=link), item("Older", guid="a", extra=link))
    house.server.answer("/bad.rss", feed(*twice), RSS)
    house.work()
    assert house.headlines() == ["Newer"]
    assert house.problems() == []


# A story that cannot be rendered.


def test_a_story_that_cannot_be_rendered_holds_up_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a writer raises: it is named, tried again later, and its feeds go out without it."""

    def worse(story: Story, config: Config, *ends: Any) -> Any:
        if story.version.headline == "Bomb":
            raise ZeroDivisionError("nobody foresaw this")
        return compose(story, config, *ends)

    house.server.answer("/bad.rss", feed(item("One"), item("Bomb"), item("Two")), RSS)
    with monkeypatch.context() as patched:
        patched.setattr("publish.render.compose", worse)
        house.work()
    served = house.served("all")
    assert b"One" in served
    assert b"Two" in served
    assert b"Bomb" not in served
    told = house.status()
    assert told["unrendered"] == 1
    assert "ZeroDivisionError" in told["outbox_failures"][0]["error"]
    house.work()
    assert b"Bomb" in house.served("all")
    assert house.status()["outbox_failures"] == []


def test_a_feed_that_cannot_be_joined_holds_up_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:

    def worse(feed: Any, *rest: Any) -> FeedMetadata:
        if feed.name == "all":
            raise ZeroDivisionError("nobody foresaw this")
        return metadata(feed, *rest)

    monkeypatch.setattr(house, "check_the_good_wire", lambda: None)
    with monkeypatch.context() as patched:
        patched.setattr("publish.renderer.metadata", worse)
        house.work()
    assert b"Good news" in house.served("good")
    told = house.status()["outbox_failures"]
    assert [(f["kind"], f["key"]) for f in told] == [("feed", "all")]
    house.work()
    assert b"Good news" in house.served("all")


def test_a_bomb_that_arrives_packed(house: House) -> None:
    """A gzip body that unpacks to a feed of honest size is one."""
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(feed(item("Rain", "word " * 100_000))) + packer.flush()
    house.server.answer("/bad.rss", packed, {**RSS, "Content-Encoding": "gzip"})
    house.work()
    assert house.headlines() == ["Rain"]
