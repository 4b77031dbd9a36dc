"""What stands on a wire need not be read again, and nobody can tell that it was not."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import case, event, select

from ingest import intake, memory, parse, replay
from ingest.decide import Known, decide
from ingest.item import Contents, Hints, ItemKeys
from ingest.replay import Selection
from stories import clock
from stories.config import Config, Wire
from stories.db import Store, captures, connect, outbox, retention, tables, wires
from stories.db import standing as on_wires
from stories.models import Capture, KnownKey, KnownStory

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

Item = dict[str, str]

WORDS = (
    "The reed beds south of the weir are open to rowing boats again until the first of May.",
    "Low water comes at nine tonight, and the last ferry waits for it at the outer buoy.",
    "No warnings are in force.",
    "",
)
SIGNED = '<img src="https://p.example/1.jpg?Expires=1700000100&Signature={}&Key-Pair-Id=K1">'
SIDS = ("a?sid=20260101", "a?sid=20260102", "c")
items = st.fixed_dictionaries(
    {
        "guid": st.sampled_from(
            [
                "",
                "1",
                "2",
                "3",
                "Reeds",
                "http://www.heron.example/a/",
                *(f"https://heron.example/{one}" for one in ("a", *SIDS)),
            ]
        ),
        "link": st.sampled_from(["", "a", "b", "b/?utm_source=rss", *SIDS]),
        "title": st.sampled_from(["Reeds", "Tide", "Fog", ""]),
        "text": st.sampled_from([*WORDS[:2], *WORDS, SIGNED.format("a"), SIGNED.format("b")]),
        "date": st.sampled_from(["", "", "2026-11-20T06:00:00Z", "2026-11-20T07:00:00Z", "now"]),
        "mark": st.sampled_from(["", "", "", "stray", "swallowed", "nested", "author"]),
    }
)
around = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["Heron", "Heron", "Heron", "Herons"]),
        "built": st.integers(0, 9).map(str),
        "language": st.sampled_from(["en", "en", "en", "fr"]),
        "end": st.sampled_from(["", "", "", "", "cut", "odd"]),
    }
)


@st.composite
def lives(draw: st.DrawFn) -> tuple[str, str, list[bytes]]:
    """Format and identity rule of a wire, and its captures: the same few items again and again,
    some gone, some there twice, in any order."""
    form = draw(st.sampled_from(["rss", "rss", "atom", "json"]))
    pool = draw(st.lists(items, min_size=2, max_size=5))
    one = st.lists(st.sampled_from(pool), max_size=6)
    steady = st.just(pool)
    feeds = draw(st.lists(st.tuples(st.one_of(steady, one), around), min_size=2, max_size=6))
    rule = draw(st.sampled_from(["guid", "guid", "link", "digest"]))
    return form, rule, [MADE[form](made, about) for made, about in feeds]


def rss(made: Sequence[Item], about: Item) -> bytes:
    text = "".join(map(_rss_item, made))
    date = f"<lastBuildDate>Fri, 20 Nov 2026 12:0{about['built']}:00 GMT</lastBuildDate>"
    usual = f"<!-- in 0.{about['built']} s --></channel></rss>"
    end = {"cut": "", "odd": "<title>Again</title></channel></rss>"}.get(about["end"], usual)
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<channel><title>{about['title']}</title><language>{about['language']}</language>{date}"
        f"{text}{end}"
    ).encode()


def _rss_item(one: Item) -> str:
    parts = {
        "guid": one["guid"],
        "link": one["link"] and f"https://heron.example/{one['link']}",
        "title": one["title"],
        "description": escape(_marked(one)),
        "pubDate": one["date"],
    }
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in parts.items() if text)
    more = {
        "stray": "<category>R&D</category>",
        "nested": "<dc:rights>Ours <rights>and theirs</rights></dc:rights><category>N</category>",
        "author": "<author><name>Ann</name></author><category>A</category>",
    }
    return f"<item>{inside}{more.get(one['mark'], '')}</item>"


def _marked(one: Item) -> str:
    swallowed = "<iframe>" + "words that nobody will ever see, as a frame shows them not" * 2
    return one["text"] + (swallowed if one["mark"] == "swallowed" else "")


def atom(made: Sequence[Item], about: Item) -> bytes:
    text = "\n".join(map(_atom_entry, made))
    end = "" if about["end"] == "cut" else "</feed>"
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{about["language"]}">'
        f"<title>{about['title']}</title><updated>2026-11-20T12:0{about['built']}:00Z</updated>"
        f"{text}{end}"
    ).encode()


def _atom_entry(one: Item) -> str:
    link = f'<link href="https://heron.example/{one["link"]}"/>' if one["link"] else ""
    author = "<author><name>Ann</name></author>" if one["mark"] == "author" else ""
    return (
        f"<entry><id>{one['guid']}</id>{link}<title>{one['title']}</title>{author}"
        f"<content type='html'>{escape(_marked(one))}</content><updated>{one['date']}</updated>"
        f"{'<rights>R&D</rights>' if one['mark'] == 'stray' else ''}</entry>"
    )


def json_feed(made: Sequence[Item], about: Item) -> bytes:
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": about["title"],
        "language": about["language"],
        "items": [
            {
                "id": one["guid"],
                "url": one["link"] and f"https://heron.example/{one['link']}",
                "title": one["title"],
                "content_html": _marked(one),
                "date_modified": one["date"],
            }
            for one in made
        ],
    }
    text = json.dumps(feed)
    return (text[:-2] if about["end"] == "cut" else text).encode()


MADE = {"rss": rss, "atom": atom, "json": json_feed}


def unsafe(connection: Any, _: object) -> None:
    """Nothing here outlives the machine: no commit need wait for the disk."""
    connection.execute("PRAGMA synchronous=OFF")


class Twins:
    """Two stores that are given the same captures: one reads what is new, the other all."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.config = config
        self.count = 0
        self.stores = [connect(f"sqlite:///{folder}/{n}.sqlite3") for n in range(2)]
        for store in self.stores:
            event.listen(store.engine, "connect", unsafe)
            store.migrate()

    def next(self, rule: str) -> Config:
        self.count += 1
        wire = Wire(name=f"w{self.count}", url="https://heron.example/f", identity=rule)
        config = self.config.model_copy(update={"wires": (wire,)})
        for store in self.stores:
            with store.write() as conn:
                wires.sync(conn, config.wires, NOON)
        return config


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    folder = tmp_path_factory.mktemp("twins")
    publisher = {"name": "The Daily Test", "url": "https://daily.example"}
    twins = Twins(Config.model_validate({"publisher": publisher, "data": folder}), folder)
    yield twins
    for store in twins.stores:
        store.close()


def receive(store: Store, wire: str, body: bytes, at: datetime) -> None:
    with store.write() as conn:
        captures.add(conn, wire, at, "https://heron.example/f", [], body)
        outbox.want(conn, "ingest", [wire], at)


LATER = {"standing_of", "context", "layout", "last_seen_at", "idx", "leaf", "logged_at"}


def record(store: Store, wire: str) -> dict[str, list[dict[str, Any]]]:
    """All that is on record of *wire*, and when each of its stories was last on it."""
    with store.read() as conn:
        known: dict[str, list[dict[str, Any]]] = {}
        for table in (tables.wires, tables.captures, tables.problems, tables.stories):
            named = table.c.name if table is tables.wires else table.c.wire
            rows = conn.execute(select(table).where(named == wire)).mappings()
            known[table.name] = [{k: v for k, v in r.items() if k not in LATER} for r in rows]
        ids = [row["id"] for row in known["stories"]]
        for table in (tables.versions, tables.identities, tables.receipts):
            rows = conn.execute(select(table).where(table.c.story_id.in_(ids))).mappings()
            known[table.name] = [{k: v for k, v in r.items() if k not in LATER} for r in rows]
        known["seen"] = [dict(row) for row in conn.execute(seen(wire)).mappings()]
        for problem in known["problems"]:
            del problem["id"]
        for found in known.values():
            found.sort(key=repr)
    return known


def seen(wire: str) -> Any:
    """When each story of *wire* was last on it: now, if it stands there."""
    newest = (
        select(tables.captures.c.received_at)
        .where(tables.captures.c.wire == wire, tables.captures.c.state == "ingested")
        .order_by(tables.captures.c.received_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    stands = on_wires.stands(tables.stories.c.id, tables.stories.c.wire)
    at = case((stands, newest), else_=tables.stories.c.last_seen_at)
    return select(tables.stories.c.id, at.label("at")).where(tables.stories.c.wire == wire)


@settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink takes many minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lives())
def test_the_record_is_the_same(twins: Twins, life: tuple[str, str, list[bytes]]) -> None:
    _, rule, bodies = life
    config = twins.next(rule)
    [wire] = config.wires
    remembering, reading_all = twins.stores
    now = NOON
    with clock.reading(lambda: now):
        for body in bodies:
            now += MINUTE
            for store in twins.stores:
                receive(store, wire.name, body, now)
            intake.take_in_waiting(remembering, config, [wire.name], reader=parse.parse)
            list(replay.take_in_all(reading_all, config, [wire.name], parse.parse))
            assert record(remembering, wire.name) == record(reading_all, wire.name)
        chosen = Selection(wires=(wire.name,))
        planned = replay.plan(remembering, chosen)
        taken = list(
            replay.replay(
                remembering, config, chosen, planned, sleep=lambda _: None, reader=parse.parse
            )
        )
        assert [one.changes for one in taken if one.changes] == []
        assert record(remembering, wire.name) == record(reading_all, wire.name)


@st.composite
def item_keys(draw: st.DrawFn) -> ItemKeys:
    guid = draw(st.sampled_from([None, "guid:1", "guid:2", "guid:https://heron.example/a"]))
    is_address = guid is not None and "https" in guid and draw(st.booleans())
    return ItemKeys(
        guid=guid,
        link=draw(st.sampled_from([None, "link:a", "link:b"])),
        digest=draw(st.sampled_from(["digest:1", "digest:2"])),
        headline=draw(st.sampled_from(["", "1", "Reeds"])),
        titled_guid=draw(st.booleans()),
        address="https://heron.example/a" if is_address else None,
        aliases=draw(st.sampled_from([(), ("link:c",), ("link:https://heron.example/a",)])),
        words=draw(st.sampled_from([None, "words:1", "few:1"])),
    )


NAMED = ("guid:1", "guid:2", "link:a", "link:b", "link:c", "digest:1", "words:1", "few:1")
KNOWN = st.dictionaries(
    st.sampled_from(NAMED), st.builds(KnownKey, st.sampled_from("ab"), st.booleans()), max_size=4
)


@cache
def a_wire(rule: str) -> tuple[Wire, Contents]:
    """A wire, and what is read of one item of it: once, for hundreds of examples."""
    wire = Wire.model_validate({"name": "w", "url": "https://heron.example/f", "identity": rule})
    return wire, parse.parse(rss([one("1")], ABOUT), Hints(url=wire.url), wire)


@settings(deadline=None, max_examples=300)
@given(st.lists(item_keys(), min_size=1, max_size=2), KNOWN, st.sampled_from(["guid", "link"]))
def test_what_is_settled_at_sight_is_settled(
    keys: list[ItemKeys], on_record: dict[str, KnownKey], rule: str
) -> None:
    wire, read = a_wire(rule)
    found = tuple(
        read.found[0].model_copy(update={"keys": each, "position": n, "raw_digest": f"{n}"})
        for n, each in enumerate(keys)
    )
    contents = read.model_copy(update={"found": found})
    stories = {
        k.story_id: KnownStory(k.story_id, f"guid:{k.story_id}", 1, "3:x")
        for k in on_record.values()
    }
    known = Known(on_record, stories)
    capture = Capture(1, "w", NOON, wire.url, [], "", 0, "pending", "", 0, 0, 0, [])
    decision = decide(wire.name, wire.identity, contents, known, NOON)
    with patch.object(memory, "_is_plain", return_value=False):
        decided = memory.remembered(wire, capture, contents, known, decision, [])
    assert memory.remembered(wire, capture, contents, known, decision, []) == decided


class Spy:
    """Reads captures, and notes how many items were read each time that some were."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.bytes = 0

    def __call__(self, body: bytes, hints: Hints, wire: Wire) -> Contents:
        contents = parse.parse(body, hints, wire)
        self.bytes = len(body)
        if read := len(contents.found) + len(contents.refused):
            self.seen.append(read)
        return contents


def one(guid: str, **more: str) -> Item:
    about = {"link": guid, "title": f"About {guid}", "text": f"{WORDS[0]} {guid}", "date": ""}
    return {"guid": guid, **about, "mark": "", **more}


ABOUT = {"title": "Heron", "built": "1", "language": "en", "end": ""}
LATER_BUILT = {**ABOUT, "built": "2"}
FIRST = [one("p"), one("q"), one("r")]


@pytest.mark.parametrize(
    ("feeds", "seen"),
    [
        pytest.param([(FIRST, LATER_BUILT)], [], id="only its date moved"),
        pytest.param([([one("s"), *FIRST], ABOUT)], [1], id="one is new"),
        pytest.param([([one("s"), *FIRST[:2]], ABOUT), (FIRST, ABOUT)], [1, 1], id="one is back"),
        pytest.param([(FIRST[::-1], ABOUT)], [], id="another order"),
        pytest.param([([*FIRST, FIRST[0]], ABOUT)], [4], id="one stands twice"),
        pytest.param([(FIRST, {**ABOUT, "title": "Grebe"})], [3], id="another channel"),
        pytest.param([(FIRST, {**ABOUT, "end": "cut"})], [3], id="cut off"),
        pytest.param([([one("p", text="Closed."), *FIRST[1:]], ABOUT)], [1], id="one is changed"),
        pytest.param([([*FIRST, one("p", text="Closed.")], ABOUT)], [1, 4], id="a copy"),
        pytest.param(
            [([one("s", text=f"{WORDS[0]} p", title="About p"), *FIRST], ABOUT)],
            [1, 4],
            id="the words of another under another key",
        ),
        pytest.param([([one("s", link="p"), *FIRST], ABOUT)], [1, 4], id="a link in common"),
    ],
)
@pytest.mark.parametrize("form", ["rss", "atom", "json"])
def test_what_stands_is_passed_over(
    twins: Twins, form: str, feeds: list[tuple[list[Item], Item]], seen: list[int]
) -> None:
    config = twins.next("guid")
    store, spy = twins.stores[0], Spy()
    if form == "json":
        feeds = [(made, about) for made, about in feeds if about["end"] == ""]
    with clock.reading(lambda: NOON + 9 * MINUTE):
        for number, (made, about) in enumerate([(FIRST, ABOUT), *feeds]):
            name = config.wires[0].name
            receive(store, name, MADE[form](made, about), NOON + number * MINUTE)
            intake.take_in_waiting(store, config, [name], reader=spy)
    if feeds:
        if form != "json" and [*feeds[-1][0]] == [*FIRST, FIRST[0]]:
            seen = [1, *seen]  # the copy by itself, and then the capture whole
        assert spy.seen == [3, *seen]


@pytest.mark.parametrize(
    "odd",
    [
        one("s", mark="stray"),
        one("s", mark="nested"),
        one("s", date="now"),
        one("s", text=SIGNED.format("a")),
        one("s", title="", text=""),
    ],
)
def test_what_leaves_a_note_is_always_read(twins: Twins, odd: Item) -> None:
    config = twins.next("guid")
    store, spy = twins.stores[0], Spy()
    name = config.wires[0].name
    with clock.reading(lambda: NOON + 9 * MINUTE):
        for number, built in enumerate("12"):
            made = rss([*FIRST, odd], {**ABOUT, "built": built})
            receive(store, name, made, NOON + number * MINUTE)
            intake.take_in_waiting(store, config, [name], reader=spy)
    assert spy.seen == [4, 1]


def test_places_of_known_items_are_learnt_once_a_capture_is_usual(twins: Twins) -> None:
    config = twins.next("guid")
    store, spy = twins.stores[0], Spy()
    name = config.wires[0].name
    # Of an encoding that is no more than likely (ingest/formats/encoding.py, is_sure).
    likely = one("d", text="Déjà vu à l'été, où l'âne né à Nîmes fût fêté \ufffd")
    sizes = []
    with clock.reading(lambda: NOON + 9 * MINUTE):
        for number, made in enumerate([[*FIRST, likely], FIRST, [one("s"), *FIRST]]):
            body = rss(made, ABOUT)
            receive(store, name, body, NOON + number * MINUTE)
            intake.take_in_waiting(store, config, [name], reader=spy)
            sizes.append(len(body) - spy.bytes)
    assert spy.seen == [4, 1]
    assert [size > 0 for size in sizes] == [False, False, True], (
        "the last was not handed over whole"
    )


def test_other_rules_and_whatever_changes_the_record_have_all_read(twins: Twins) -> None:
    config = twins.next("guid")
    store, spy = twins.stores[0], Spy()
    name = config.wires[0].name
    now = NOON

    def poll() -> list[int]:
        nonlocal now
        now += MINUTE
        spy.seen.clear()
        receive(store, name, rss(FIRST, {**ABOUT, "built": str(now.minute % 10)}), now)
        intake.take_in_waiting(store, config, [name], reader=spy)
        return [*spy.seen]

    with clock.reading(lambda: now):
        assert [poll(), poll()] == [[3], []]
        [wire] = config.wires
        other = wire.model_copy(update={"language": "fr"})
        config = twins.config.model_copy(update={"wires": (other,)})
        assert [poll(), poll()] == [[3], []]
        chosen = Selection(wires=(name,))
        planned = replay.plan(store, chosen)
        again = replay.replay(
            store, config, chosen, planned, sleep=lambda _: None, reader=parse.parse
        )
        assert len(list(again)) == 4
        assert [poll(), poll()] == [[3], []]
        with store.read() as conn:
            standing = conn.execute(
                select(tables.stories.c.id).where(tables.stories.c.wire == name)
            ).scalars()
            [some, *_] = sorted(standing)
            assert retention.forgettable(conn, [some], now + 9 * MINUTE) == {}
        with store.write() as conn:
            retention.forget(conn, [some])
        assert poll() == [3]


def test_stories_that_stand_are_seen_and_those_that_left_were(twins: Twins) -> None:
    config = twins.next("guid")
    store = twins.stores[0]
    name = config.wires[0].name
    with clock.reading(lambda: NOON + 9 * MINUTE):
        for number, made in enumerate([FIRST, FIRST, FIRST[:2], FIRST[:2]]):
            about = {**ABOUT, "built": str(number)}
            receive(store, name, rss(made, about), NOON + number * MINUTE)
            intake.take_in_waiting(store, config, [name], reader=parse.parse)
    with store.read() as conn:
        times = [row.at for row in conn.execute(seen(name).order_by("at"))]
        rows = conn.execute(
            select(tables.stories.c.last_seen_at).where(tables.stories.c.wire == name)
        )
        noted = sorted(rows.scalars())
    assert times == [NOON + MINUTE, NOON + 3 * MINUTE, NOON + 3 * MINUTE]
    assert noted == [NOON, NOON, NOON + MINUTE], "a story that stands is not written at each poll"
