"""One story on several wires of an agency is one; stories of two agencies never are."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk.demo.news_xml import g2_message
from desk.replaying import rehearse
from ingest import intake, parse
from ingest.replay import Selection
from stories.db import Connection, SQLAlchemyError, Store, captures, connect, outbox
from stories.db import stories as records
from stories.models import Story
from tests.conftest import ConfigOf
from tests.ingest.formats.test_news_formats import RAIN
from tests.ingest.test_life_of_versions import g2
from tests.living import Life, feed, item

LONG = "The reed beds south of the weir are open to rowing boats again until the first of May."
OTHER = "Low water comes at nine tonight, and the last ferry waits for it at the outer buoy."
THIRD = "The outer buoy is to be moved before the winter, says the harbour master of the town."
WIRES = [
    {"name": "top", "url": "https://a.example/top", "agency": "Heron Press", "code": "HP"},
    {"name": "nation", "url": "https://a.example/all", "agency": "Heron Press", "code": "HP"},
    {"name": "third", "url": "https://a.example/3", "agency": "Heron Press", "code": "HP"},
    {"name": "egret", "url": "https://b.example/all", "agency": "Egret News", "code": "EN"},
]
FEEDS = [
    {"name": "all", "title": "All", "wires": [each["name"] for each in WIRES]},
    {"name": "nation", "title": "Nation", "wires": ["nation"]},
]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def life(store: Store, config: ConfigOf) -> Life:
    life = Life(config(wires=WIRES, feeds=FEEDS), store)
    life.begin()
    return life


def on_record(life: Life) -> list[Story]:
    with life.store.read() as conn:
        return records.newest(conn, limit=100)


def the_one(life: Life) -> Story:
    [story] = on_record(life)
    return story


def shown(life: Life, feed: str) -> int:
    return life.bodies()[feed, "rss"].count(b"<item>")


def test_one_guid_on_two_wires_is_one_story(life: Life) -> None:
    life.receive(item("g1", "Boats", LONG), wire="top")
    before, bytes_ = the_one(life), life.bodies()["all", "rss"]
    life.receive(item("g1", "Boats", LONG), wire="nation")
    after = the_one(life)
    assert (after.id, after.guid, after.number) == (before.id, before.guid, 1)
    assert (after.wire, after.also) == ("top", ("nation",))
    assert life.bodies()["all", "rss"] == bytes_
    assert shown(life, "nation") == 1  # a feed selects it by any of its wires


def test_the_same_words_are_one_story_and_a_line_is_not(life: Life) -> None:
    life.receive(item("g1", "Boats", LONG), item("g2", "Gale", "None."), wire="top")
    life.receive(item("x1", "Boats", LONG), item("x2", "Gale", "None."), wire="nation")
    assert sorted(story.version.headline for story in on_record(life)) == ["Boats", "Gale", "Gale"]


def test_a_link_with_another_headline_is_another_story(life: Life) -> None:
    life.receive(item("g1", "Boats", LONG, link="1"), item("g2", "Gale", "A.", "2"), wire="top")
    life.receive(item("", "Boats", OTHER, link="1"), item("", "Calm", "B.", "2"), wire="nation")
    assert len(on_record(life)) == 3


@pytest.mark.parametrize(
    ("headline", "text", "link", "stories"),
    [
        ("Low water", OTHER, "b/1", 2),
        ("Low water", f"{OTHER} {THIRD}", "b/1", 2),  # as a fuller text it would take the place
        ("Low water", OTHER, "a/1", 1),
        ("Boats", OTHER, "b/1", 1),
        ("Boats and reeds", LONG, "b/1", 1),
        ("Boats and reeds", LONG.replace("May", "June"), "b/1", 1),
    ],
)
def test_a_number_that_two_wires_gave_joins_no_stories(
    life: Life, headline: str, text: str, link: str, stories: int
) -> None:
    for _ in range(2):
        life.receive(item("1001", "Boats", LONG, "a/1"), wire="top")
        life.receive(item("1001", headline, text, link), wire="nation")
        assert len(on_record(life)) == stories
    assert [each.number for each in on_record(life)] == [1] * stories
    assert life.replayed() == []


def test_two_agencies_never_share_a_story(life: Life) -> None:
    life.receive(item("g1", "Boats", LONG), wire="top")
    life.receive(item("g1", "Boats", LONG), wire="egret")
    assert len(on_record(life)) == 2


def test_an_agency_that_an_item_names_is_believed(life: Life) -> None:
    """A wire may carry another agency's copy, whose ids are its own."""
    theirs = item("7", "Boats", LONG).replace("</item>", "<author>Reuters</author></item>")
    life.receive(item("7", "Boats", LONG), wire="top")
    life.receive(theirs, wire="nation")
    assert len(on_record(life)) == 2


def texts(life: Life) -> list[str]:
    story = the_one(life)
    with life.store.read() as conn:
        return [row.data["body"][3:-4] for row in records.history(conn, story.id)]


ABRIDGED, DRESSED = LONG[:40], f"{LONG} Read more at Heron."


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        # A wire that has said a sibling's words is as good as it; each text counts once.
        ([("top", LONG), ("nation", LONG), ("nation", OTHER), ("top", LONG), ("top", OTHER)], 2),
        ([("top", LONG), ("nation", LONG), ("nation", OTHER), ("top", THIRD)], 3),
        # One that abridges or dresses the copy makes no version, however often it changes.
        ([("top", LONG), ("nation", ABRIDGED), ("top", OTHER), ("nation", OTHER[:40])], 2),
        ([("top", LONG), ("nation", DRESSED), ("top", LONG), ("nation", f"{DRESSED} Now.")], 1),
        # The fuller text takes over, and stays.
        ([("top", ABRIDGED), ("nation", LONG), ("top", LONG[:45]), ("nation", OTHER)], 3),
        # On one wire a text may come back.
        ([("top", LONG), ("nation", LONG), ("top", OTHER), ("top", LONG)], 3),
    ],
)
def test_what_two_wires_say_does_not_go_to_and_fro(
    life: Life, came: Sequence[tuple[str, str]], expected: int
) -> None:
    for wire, text in came:
        life.receive(item("g1", "Boats", text), wire=wire)
    found = texts(life)
    assert len(found) == expected
    for wire, text in [*dict(came).items()] * 2:  # as it stands on each
        life.receive(item("g1", "Boats", text), wire=wire)
    assert len(texts(life)) == expected, "what stands on two wires is news again and again"
    assert life.replayed() == []


def test_the_wire_is_that_of_the_version(life: Life) -> None:
    """By its licence the story is published, and its settings hold."""
    for wire, text in (("top", LONG), ("nation", LONG), ("nation", OTHER)):
        life.receive(item("g1", "Boats", text), wire=wire)
    assert (the_one(life).wire, the_one(life).also) == ("nation", ("top",))


# In several formats


def sent(life: Life, wire: str, words: str, version: str, more: str = "", **said: str) -> Story:
    """What becomes of the story of :data:`RAIN` when *wire* brings it in NewsML-G2."""
    life.receive_bytes(g2_message(g2(words, version, more, **said)).encode(), wire, MINUTE)
    return the_one(life)


def test_two_formats_of_one_guid_are_one_story(life: Life) -> None:
    life.receive(item(RAIN.guid, RAIN.headline, LONG), wire="top")
    before = the_one(life)
    after = sent(life, "nation", LONG, "3")
    assert (after.id, after.guid, after.number) == (before.id, before.guid, 1)
    assert (after.wire, after.also) == ("top", ("nation",))
    assert life.replayed() == []


def test_of_siblings_that_number_versions_the_higher_number_counts(life: Life) -> None:
    sent(life, "top", LONG, "3")
    for wire, words, version, number in (
        ("nation", ABRIDGED, "4", 2),  # shorter, and newer
        ("top", OTHER, "3", 2),
        ("third", THIRD * 2, "2", 2),  # fuller, and older
        ("top", THIRD, "5", 3),
    ):
        assert sent(life, wire, words, version).number == number, words
    assert texts(life) == [LONG, ABRIDGED, THIRD]
    assert life.replayed() == []


def test_a_kill_by_the_second_wire_kills_the_story(life: Life) -> None:
    life.receive(item(RAIN.guid, "Boats", LONG), wire="top")
    assert sent(life, "nation", "", "4", status="canceled").status == "killed"
    assert life.taken[-1].problems == ()
    life.receive(item(RAIN.guid, "Boats", OTHER), wire="top")
    assert the_one(life).status == "killed"
    assert OTHER.encode() not in life.bodies()["all", "rss"]
    assert life.replayed() == []


def test_an_embargo_by_the_second_wire_takes_the_story_off_until_then(life: Life) -> None:
    life.receive(item(RAIN.guid, RAIN.headline, LONG), wire="top")
    at = life.now.replace(microsecond=0) + 60 * MINUTE
    sent(life, "nation", LONG, "3", f"<embargoed>{at:%Y-%m-%dT%H:%M:%SZ}</embargoed>")
    assert shown(life, "all") == 0
    life.receive(item(RAIN.guid, RAIN.headline, LONG), wire="top", after=MINUTE)
    assert shown(life, "all") == 0, "the copy without it still stands on the first wire"
    life.clean(after=60 * MINUTE)
    assert shown(life, "all") == 1
    assert life.replayed() == []


def test_what_one_wire_withholds_the_copy_that_stands_on_another_does_not_bring_back(
    life: Life,
) -> None:
    told = item(RAIN.guid, RAIN.headline, LONG)
    life.receive(told, wire="top")
    assert sent(life, "nation", LONG, "4", status="withheld").status == "withheld"
    life.receive(item("g2", "Buoy", OTHER), told.replace("<item>", "<item> "), wire="top")
    [story] = [each for each in on_record(life) if each.version.headline != "Buoy"]
    assert story.status == "withheld"
    assert shown(life, "all") == 1
    assert life.replayed() == []


@pytest.mark.parametrize(("wire", "words"), [("nation", LONG), ("top", OTHER)])
def test_it_is_back_by_the_wire_that_withheld_it_or_by_a_new_version(
    life: Life, wire: str, words: str
) -> None:
    sent(life, "top", LONG, "3")
    assert sent(life, "nation", LONG, "4", status="withheld").status == "withheld"
    assert sent(life, wire, words, "5").status == "usable"
    assert life.replayed() == []


def test_stories_that_were_two_stay_two(store: Store, config: ConfigOf) -> None:
    """A wire that is given its agency later brings the stories of before as they were."""
    apart = [{**each, "code": each["name"], "agency": each["name"]} for each in WIRES]
    before = Life(config(wires=apart, feeds=FEEDS), store)
    before.begin()
    for wire in ("top", "nation"):
        before.receive(item("g1", "Boats", LONG), wire=wire)
    ids = {story.id for story in on_record(before)}
    after = Life(config(wires=WIRES, feeds=FEEDS), store, before.now)
    after.begin()
    changes = [change.kind for taken in after.replayed() for change in taken.changes]
    assert changes == ["changed", "changed"]  # the agency's name in them
    for wire in ("top", "nation"):
        after.receive(item("g1", "Boats", OTHER), item("g2", "Buoy", THIRD), wire=wire)
    found = {story.id for story in on_record(after)}
    assert ids < found
    assert len(found) == 3
    assert after.replayed() == []


@pytest.mark.parametrize(("code", "stories"), [("HP", 1), (None, 2)])
def test_an_agency_that_changes_its_name_is_known_by_its_code(
    store: Store, config: ConfigOf, code: str | None, stories: int
) -> None:
    """By its name alone nobody could tell it from another agency, whose stories are its own."""

    def called(name: str, now: datetime | None = None) -> Life:
        wires = [
            {**each, "agency": name, "code": code}
            for each in WIRES
            if each["agency"] == WIRES[0]["agency"]
        ]
        life = Life(config(wires=wires, feeds=[{"name": "all", "title": "All"}]), store)
        life.now = now or life.now
        life.begin()
        return life

    before = called("Heron Press")
    before.receive(item("g1", "Boats", LONG), wire="top")
    first = the_one(before)
    after = called("Heron News", before.now)
    after.receive(item("g1", "Boats", LONG), wire="top")
    assert the_one(after).number == 1, "another name is no news"
    after.receive(item("g1", "Boats", LONG), wire="nation")
    assert len(on_record(after)) == stories
    after.receive(item("g1", "Boats", OTHER), wire="top", after=MINUTE)
    [story] = [each for each in on_record(after) if each.id == first.id]
    assert (story.guid, story.number, story.version.agency) == (first.guid, 2, "Heron News")
    # Read again under the new name, what came under the old one is of the same agency.
    kinds = [change.kind for taken in after.replayed() for change in taken.changes]
    assert kinds == ["changed", "removed"][:stories]
    assert after.replayed() == []


def test_a_rehearsal_of_what_two_wires_brought_finds_nothing(life: Life) -> None:
    for wire, text in (("top", LONG), ("nation", LONG), ("nation", OTHER), ("third", OTHER)):
        life.receive(item("g1", "Boats", text), item("g2", "Gale", THIRD), wire=wire)
    before = life.bodies(), on_record(life)
    for wires in (None, ("top",), ("third", "nation")):
        with life.frozen():
            found = rehearse(life.store, life.config, Selection(wires=wires))
        assert (found.changes, found.failed, found.dry_run) == ([], [], True)
    assert (life.bodies(), on_record(life)) == before


def capture(life: Life, wire: str, text: str) -> int:
    """A capture of *wire* that waits."""
    life.now += MINUTE
    with life.store.write() as conn:
        body = feed(item("g1", "Boats", text))
        number = captures.add(conn, wire, life.now, "https://a.example/f", [], body)
        outbox.want(conn, "ingest", [wire], life.now)
    return number


def take_in(life: Life) -> list[int]:
    """Have a worker take in what waits; what still does then."""
    life.now += 2 * intake.IN_TURN
    with life.frozen():
        intake.take_in_waiting(life.store, life.config, reader=parse.parse)
    with life.store.read() as conn:
        pending = captures.pending(conn, [each["name"] for each in WIRES])
    return [number for waiting in pending.values() for number, _ in waiting]


def test_captures_of_an_agency_are_taken_in_one_after_the_other(life: Life) -> None:
    for wire, text in (("top", LONG), ("nation", LONG), ("top", OTHER), ("third", OTHER)):
        capture(life, wire, text)
    assert take_in(life) == []
    assert texts(life) == [LONG, OTHER]
    assert life.replayed() == []


def test_an_earlier_capture_of_a_sibling_is_waited_for_unless_it_fails(life: Life) -> None:
    first, second = capture(life, "top", LONG), capture(life, "nation", LONG)
    with life.store.write() as conn:  # another worker has it
        [job] = outbox.claim(conn, "ingest", life.now, 1, ["top"])
    assert take_in(life) == [first, second]
    with life.store.write() as conn:
        outbox.failed(conn, job, "a fault of that wire alone", life.now)
    assert take_in(life) == [first]


def test_a_database_that_is_lost_lets_no_sibling_overtake(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A capture that was being taken in then waits as before; it did not fail."""
    if life.store.dialect == "sqlite":
        pytest.skip("SQLite has no connection to lose")
    capture(life, "top", LONG)
    second = capture(life, "nation", LONG)
    settle = intake._settle

    def lost(conn: Connection, *rest: Any) -> Any:
        conn.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        return settle(conn, *rest)

    with life.store.write() as conn:  # another worker has the second
        outbox.claim(conn, "ingest", life.now, 1, ["nation"])
    with monkeypatch.context() as patched:
        patched.setattr(intake, "_settle", lost)
        with pytest.raises(SQLAlchemyError):
            take_in(life)
    with life.store.read() as conn:
        assert outbox.failures(conn) == []
    assert take_in(life) == [second]


GUIDS = st.sampled_from(["g1", "g2", ""])
TEXTS = st.sampled_from([LONG, OTHER, THIRD, ABRIDGED, DRESSED, "None."])
ITEMS = st.lists(st.tuples(GUIDS, st.sampled_from(["Boats", "Gale"]), TEXTS), max_size=3)
Came = list[tuple[str, list[tuple[str, str, str]]]]
CAME = st.lists(st.tuples(st.sampled_from([w["name"] for w in WIRES]), ITEMS), max_size=8)


@pytest.mark.slow
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(came=CAME)
def test_whatever_comes_is_never_two_nor_of_two_agencies(
    config: ConfigOf, tmp_path: Path, came: Came
) -> None:
    urls = [f"sqlite:///{tmp_path}/{uuid4()}.sqlite3" for _ in range(2)]
    with closing(connect(urls[0])) as store:
        store.migrate()
        life = Life(config(wires=WIRES, feeds=FEEDS), store)
        life.begin()
        for wire, items in came:
            life.receive(*(item(*each) for each in items), wire=wire)
        agencies = {each["name"]: each["code"] for each in WIRES}
        found = on_record(life)
        assert all(len({agencies[w] for w in (s.wire, *s.also)}) == 1 for s in found)
        named = [(agencies[s.wire], s.identity.key) for s in found if s.identity.rule == "guid"]
        assert len(named) == len({*named})
        assert life.replayed() == []
        with life.rebuilt(urls[1]) as other:
            assert life.bodies(other) == life.bodies()


def test_captures_of_an_agency_that_waited_for_each_other_go_on_at_once(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claimed by their names, they come in another order than they are taken in."""
    monkeypatch.setattr(intake, "TOGETHER", 1)
    with life.store.write() as conn:
        for n, name in enumerate(("top", "third", "nation")):
            body = feed(item(f"g{n}", f"Headline {n}", f"{LONG} {n}"))
            captures.add(conn, name, life.now, f"https://a.example/{name}", [], body)
        outbox.want(conn, "ingest", ["top", "third", "nation"], life.now)
    with life.frozen():
        done = intake.take_in_waiting(life.store, life.config, reader=parse.parse)
    assert done == 3
    assert len(on_record(life)) == 3
    with life.store.read() as conn:
        assert captures.wires_pending(conn) == []


def test_who_holds_more_than_is_taken_in_together_waits_as_well(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MOST_BYTES", 1)
    numbers = [capture(life, wire, LONG) for wire in ("top", "nation", "third")]
    with life.store.write() as conn:  # another worker has it
        [job] = outbox.claim(conn, "ingest", life.now, 1, ["top"])
    assert sorted(take_in(life)) == numbers
    with life.store.write() as conn:
        outbox.release(conn, [job])
    assert take_in(life) == []
