"""Taking captures in: what becomes of good, odd and broken ones, in a real store."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from desk.headline import rewrite
from ingest import formats, intake, parse, replay, sandbox
from ingest.item import Hints
from ingest.normalize import normalize
from ingest.parse import Reader
from stories import clock
from stories.config import Config
from stories.db import Store, alerts, captures, outbox, wires
from stories.db import stories as records
from stories.db.outbox import LeaseLostError
from stories.errors import ParseError
from stories.models import INTAKE_RULE, WHOLE, Capture
from tests.conftest import ConfigOf
from workers import alerts as watcher

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def item(guid: str, headline: str, body: str = "Words.", extra: str = "") -> str:
    return (
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{headline}</title>"
        f"<link>https://agency.example/{guid}</link>"
        f"<description>&lt;p&gt;{body}&lt;/p&gt;</description>{extra}</item>"
    )


def feed(*items: str) -> bytes:
    return (
        '<rss version="2.0" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"><channel>'
        f"<title>A</title><link>https://agency.example/</link>{''.join(items)}</channel></rss>"
    ).encode()


class Desk:
    """One wire's captures, put in by hand a minute apart and taken in."""

    def __init__(self, config: Config, store: Store) -> None:
        self.config = config
        self.store = store
        self.now = NOW
        with store.write() as conn:
            wires.sync(conn, config.wires, self.now)

    def capture(self, body: bytes) -> int:
        self.now += timedelta(minutes=1)
        with self.store.write() as conn:
            number = captures.add(conn, "w", self.now, "https://agency.example/f", [], body)
            outbox.want(conn, "ingest", ["w"], self.now)
        return number

    def take(self, *bodies: bytes, reader: Reader = sandbox.read) -> list[int]:
        """Capture *bodies* and take them in."""
        numbers = [self.capture(body) for body in bodies]
        with clock.reading(lambda: self.now):
            intake.take_in_waiting(self.store, self.config, reader=reader)
        return numbers

    def wanted(self) -> list[str]:
        with self.store.write() as conn:
            return [j.key for j in outbox.claim(conn, "story", self.now, 99)]

    def told(self) -> dict[str, tuple[str, int]]:
        with self.store.read() as conn:
            found = records.newest(conn, limit=99)
        return {s.version.agency_id: (s.version.headline, s.number) for s in found}


@pytest.fixture
def desk(config: ConfigOf, store: Store) -> Desk:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
    return Desk(config(wires=[wire]), store)


def test_new_updated_and_gone(desk: Desk) -> None:
    desk.take(feed(item("a", "One"), item("b", "Two")))
    assert len(desk.wanted()) == 2
    desk.take(feed(item("a", "One"), item("b", "Two, corrected")))
    assert desk.told() == {"a": ("One", 1), "b": ("Two, corrected", 2)}
    desk.take(feed(item("c", "Three")))
    assert desk.told()["a"] == ("One", 1), "a story that leaves the wire stays on record"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<pubDate>Sun, 22 Nov 2026 06:00:00 GMT</pubDate>", "<pubDate>now</pubDate>"),
        ("<slash:comments>5</slash:comments>", "<slash:comments>17</slash:comments>"),
        (
            "<content>&lt;p&gt;W.&lt;img width=1 height=1 src='https://t.example/1'&gt;</content>",
            "<content>&lt;p&gt;W.&lt;img width=1 height=1 src='https://t.example/2'&gt;</content>",
        ),
    ],
)
def test_dates_counters_and_pixels_are_not_content(desk: Desk, before: str, after: str) -> None:
    desk.take(feed(item("a", "One", extra=before)), feed(item("a", "One", extra=after)))
    assert desk.told() == {"a": ("One", 1)}


def test_a_new_rule_of_what_is_content_makes_nothing_new(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Across an upgrade: what stood on the wire stays the version it is, what changed is one."""
    desk.take(feed(item("a", "One"), item("b", "Two")))
    monkeypatch.setattr("stories.db.captures.INTAKE_RULE", INTAKE_RULE + 1)
    desk.take(feed(item("a", "One"), item("b", "Two, corrected")), reader=parse.parse)
    assert desk.told() == {"a": ("One", 1), "b": ("Two, corrected", 2)}


def test_addresses_that_may_differ_in_a_session_are_compared_by_what_is_on_record(
    desk: Desk,
) -> None:
    def one(address: str, headline: str, body: str) -> bytes:
        found = item("x", headline, body).replace("<guid isPermaLink='false'>x", "<guid>x")
        return feed(found.replace(">x<", f">https://agency.example/{address}<"))

    desk.take(one("a?sid=20260101", "Reeds", "The reed beds are open."))
    desk.take(one("a?sid=20260102", "Fog", "No boat may leave."))
    desk.take(one("b?sid=20260101", "Tide", "Low water at nine."))
    desk.take(one("b?sid=20260102", "Tide", "Low water at ten, not nine."))
    desk.take(one("a?sid=20260101", "Reeds", "The reed beds are shut."))
    with desk.store.read() as conn:
        told = {s.version.headline: s.number for s in records.newest(conn)}
    assert told == {"Reeds": 2, "Tide": 2, "Fog": 1}


def test_what_stands_on_a_wire_across_an_upgrade_is_no_news_and_a_replay_finds_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pictures(one: str, two: str, said: str) -> bytes:
        body = f"&lt;img src='{one}'>&lt;img src='{two}'>&lt;p>{said}&lt;s>not&lt;/s> so"
        media = "<media:content url='https://a.example/{}.jpg' medium='image'/>"
        extra = media.format(two) + media.format(one)
        whole = feed(item("a", "One", body, extra), item("b", f"Two {said}"))
        return whole.replace(b"<rss", b'<rss xmlns:media="http://search.yahoo.com/mrss/"')

    with monkeypatch.context() as patch:
        patch.setattr("stories.db.captures.INTAKE_RULE", 4)
        desk.take(pictures("mayor", "thief", ""))
        desk.take(pictures("thief", "mayor", ""))  # by rule 4 the same
    assert desk.told() == {"a": ("One", 1), "b": ("Two", 1)}
    desk.take(pictures("mayor", "thief", " "))
    assert desk.told() == {"a": ("One", 1), "b": ("Two", 1)}
    desk.take(pictures("thief", "mayor", "  "))
    assert desk.told() == {"a": ("One", 2), "b": ("Two", 1)}
    chosen = replay.Selection()
    planned = replay.plan(desk.store, chosen)
    with clock.reading(lambda: desk.now):
        taken = [*replay.replay(desk.store, desk.config, chosen, planned, sleep=lambda _: None)]
    assert [each.changes for each in taken] == [()] * 4


def test_a_desk_headline_stands_over_the_text_it_was_written_for_alone(desk: Desk) -> None:
    """An agency that uses one guid for each day's piece; then a revision of the second piece."""
    today, tomorrow = "The reed beds are open to boats until May.", "No boat may leave before noon."

    def standing() -> tuple[str, bool]:
        with desk.store.read() as conn:
            [story] = records.newest(conn)
        return story.headline, story.second_look

    def write(text: str | None) -> None:
        with desk.store.read() as conn:
            [story] = records.newest(conn)
        with clock.reading(lambda: desk.now):
            rewrite(desk.store, story.id, text, "Asha")

    desk.take(feed(item("a", "Monday", today)))
    write("Boats may enter the reeds")
    desk.take(feed(item("a", "Monday, noon", today + "&lt;p&gt;More.&lt;/p&gt;")))
    assert standing() == ("Boats may enter the reeds", True)
    desk.take(feed(item("a", "Tuesday", tomorrow)))
    assert standing() == ("Tuesday", True)
    write(None)  # the wire's headline is what the desk wants
    assert standing() == ("Tuesday", False)
    write("All boats wait")
    desk.take(feed(item("a", "Tuesday, late", tomorrow + "&lt;p&gt;More.&lt;/p&gt;")))
    assert standing() == ("All boats wait", True)


def dated(guid: str, clock_time: str) -> str:
    day, time = clock_time.split()
    return item(guid, f"{guid} at {time}", extra=f"<pubDate>{day} Nov 2026 {time}:00 GMT</pubDate>")


def test_stories_take_their_places_by_their_own_dates(desk: Desk) -> None:
    """Those of the first capture anywhere; later ones on top, in a feed that runs oldest first."""

    def order() -> list[str]:
        with desk.store.read() as conn:
            found = records.newest(conn, limit=99)
        found.sort(key=lambda s: (-s.placed_at.timestamp(), s.position, s.id))
        return [s.version.headline.partition(" ")[0] for s in found]

    desk.take(b"<html><body>Sign in</body></html>")  # before it was set up
    desk.take(
        feed(dated("c", "20 05:00"), dated("b", "21 05:00"), dated("a", "21 06:00")),
    )
    assert order() == ["a", "b", "c"]
    desk.take(feed(dated("old", "01 05:00"), dated("d", "22 05:00"), dated("e", "22 05:30")))
    assert order() == ["e", "d", "old", "a", "b", "c"]
    desk.take(
        feed(dated("c", "20 05:01").replace("c at", "c, corrected, at"), item("x", "undated"))
    )
    assert order() == ["undated", "c,", "e", "d", "old", "a", "b"]
    with desk.store.read() as conn:
        backlog = [s for s in records.newest(conn, limit=99) if s.first_fill]
    assert len(backlog) == 2
    assert backlog[0].changed_at - backlog[0].placed_at > timedelta(hours=1)


def test_a_fact_that_changed_under_a_desk_headline_calls_for_somebody(desk: Desk) -> None:
    text = "The harbour master counted the boats that came back."

    def standing() -> list[tuple[str, str]]:
        watcher.update(desk.store, desk.now)
        with desk.store.read() as conn:
            return [(each.kind, each.subject) for each in alerts.standing(conn)]

    desk.take(feed(item("a", "12 boats lost in gale", text)))
    with desk.store.read() as conn, clock.reading(lambda: desk.now):
        [story] = records.newest(conn)
        rewrite(desk.store, story.id, "Gale: a dozen boats lost", "Asha")
    desk.take(feed(item("a", "12 boats lost in the gale", text)))
    assert standing() == []
    desk.take(feed(item("a", "21 boats lost in the gale", text)))
    assert standing() == [("headline", "w")]
    with clock.reading(lambda: desk.now):
        rewrite(desk.store, story.id, "Gale: twenty boats lost", "Asha")
    assert standing() == []


@pytest.mark.parametrize(
    "changed",
    [
        item("a", "One", "Other words."),
        item("a", "One!"),
        item("a", "One", 'Words &lt;a href="https://x.example"&gt;.&lt;/a&gt;'),
        item("a", "One", extra="<category>Politics</category>"),
        item("a", "One", extra='<enclosure url="https://x.example/p.jpg" type="image/jpeg"/>'),
    ],
)
def test_content_changed_is_a_version_whatever_the_date(desk: Desk, changed: str) -> None:
    desk.take(feed(item("a", "One")), feed(changed))
    assert desk.told()["a"][1] == 2


def test_captures_are_taken_in_in_order(desk: Desk) -> None:
    desk.take(*(feed(item("a", f"Headline {n}")) for n in range(5)))
    assert desk.told() == {"a": ("Headline 4", 5)}


def test_what_waits_is_read_once_each(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many wait: to look for the next one does not read all the others."""
    reads: list[int] = []

    def counting(**row: Any) -> Capture:
        reads.append(row["id"])
        return Capture(**row)

    monkeypatch.setattr(captures, "Capture", counting)
    numbers = desk.take(*(feed(item("a", f"Headline {n}")) for n in range(12)))
    assert reads == numbers
    assert desk.told() == {"a": ("Headline 11", 12)}


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><title>Maintenance</title><p>Back soon", "not-a-feed"),
        (b"{}", "not-a-feed"),
        (b"\x00\x01\x02", "not-a-feed"),
    ],
)
def test_what_is_no_feed_is_kept_named_and_blocks_nothing(
    desk: Desk, body: bytes, state: str
) -> None:
    broken, good = desk.take(body, feed(item("a", "One")))
    assert desk.told() == {"a": ("One", 1)}
    with desk.store.read() as conn:
        faults = captures.problems_of(conn, broken)
        assert [(f.position, f.state) for f in faults] == [(WHOLE, state)]
        kept = captures.get(conn, broken)
        assert kept is not None
        assert kept.state == "failed"
        assert captures.body(conn, kept.digest) == body
        assert captures.problems_of(conn, good) == []
        wire = wires.get(conn, "w")
        assert wire is not None
        assert wire.fault is None, "the newest capture went well"


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("https://agency.example/a", "check the wire's url and its credentials"),
        ("file:///srv/pti/a.jpg", "take it away, or have the wire's `files` leave out its like"),
        ("ftps://agency.example/a.jpg", "or have the wire's `files` leave out its like"),
    ],
)
def test_what_is_no_feed_has_the_remedy_of_its_way_in(url: str, remedy: str) -> None:
    with pytest.raises(ParseError, match=remedy):
        formats.choose(b"\xff\xd8\xff", Hints(url=url))


def test_a_wire_whose_newest_capture_failed_says_so(desk: Desk) -> None:
    desk.take(feed(item("a", "One")), b"<html><title>Log in")
    with desk.store.read() as conn:
        wire = wires.get(conn, "w")
    assert wire is not None
    assert wire.fault is not None
    assert "Log in" in wire.fault


def test_items_beyond_the_bound_are_a_fault_until_a_capture_has_none(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.formats.rss_atom.MOST_ITEMS", 2)

    def fault() -> str | None:
        with desk.store.read() as conn:
            wire = wires.get(conn, "w")
        assert wire is not None
        return wire.fault

    here = parse.parse  # a sandboxed reader would not be reached by the patch
    desk.take(feed(item("a", "One"), item("b", "Two"), item("c", "Three")), reader=here)
    assert set(desk.told()) == {"a", "b"}
    assert "too-many-items: 1 items beyond the first 2" in (fault() or "")
    desk.take(feed(item("b", "Two"), item("c", "Three")), reader=here)
    assert set(desk.told()) == {"a", "b", "c"}
    assert fault() is None


def test_an_item_that_states_no_id_is_known_by_its_identity(desk: Desk) -> None:
    desk.take(feed("<item><title>Bare</title><description>Words.</description></item>"))
    ((agency_id, told),) = desk.told().items()
    assert agency_id.startswith("digest:")
    assert told == ("Bare", 1)


def test_one_bad_item_does_not_hold_up_its_neighbours(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = "<item><guid>e</guid></item>"
    (number,) = desk.take(feed(item("a", "One"), empty, item("b", "Two")))
    assert set(desk.told()) == {"a", "b"}
    with desk.store.read() as conn:
        assert [(f.position, f.state) for f in captures.problems_of(conn, number)] == [
            (1, "item-empty")
        ]

    def worse(one, *rest):  # type: ignore[no-untyped-def]
        if one.guid == "c":
            raise KeyError("nobody foresaw this")
        return normalize(one, *rest)

    monkeypatch.setattr("ingest.parse.normalize", worse)
    here = parse.parse  # a sandboxed reader would not be reached by the patch
    (number,) = desk.take(feed(item("c", "Three"), item("d", "Four")), reader=here)
    assert "d" in desk.told()
    with desk.store.read() as conn:
        fault = captures.problems_of(conn, number)[0]
    assert fault.state == "item-unreadable"
    assert "KeyError" in fault.message


def test_a_story_twice_in_one_capture(desk: Desk) -> None:
    desk.take(feed(item("a", "Newer"), item("a", "Older")))
    assert desk.told() == {"a": ("Newer", 1)}


def test_a_fault_of_the_store_is_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(records, "put_versions", full)
        desk.take(feed(item("a", "One")))
    assert desk.told() == {}
    with desk.store.read() as conn:
        assert "No space left" in outbox.failures(conn)[0][2]
    desk.now += timedelta(minutes=1)
    with clock.reading(lambda: desk.now):
        intake.take_in_waiting(desk.store, desk.config)
    assert desk.told() == {"a": ("One", 1)}


def test_a_lease_that_was_lost_writes_nothing(desk: Desk) -> None:
    number = desk.capture(feed(item("a", "One")))
    with desk.store.write() as conn:
        job = outbox.claim(conn, "ingest", desk.now, 1)[0]
        later = desk.now + outbox.LEASE + timedelta(seconds=1)
        other = outbox.claim(conn, "ingest", later, 1)[0]
    rules = intake.rules_for(desk.config, "w")
    with pytest.raises(LeaseLostError, match="ingest of w: its lease was lost; run it again"):
        list(intake.take_in(desk.store, desk.config, rules, [number], job))
    assert desk.told() == {}
    assert len(list(intake.take_in(desk.store, desk.config, rules, [number], other))) == 1
    assert desk.told() == {"a": ("One", 1)}


def test_a_wire_no_longer_configured_is_still_taken_in(desk: Desk, config: ConfigOf) -> None:
    desk.config = config()
    desk.take(feed(item("a", "One")))
    assert desk.told() == {"a": ("One", 1)}
