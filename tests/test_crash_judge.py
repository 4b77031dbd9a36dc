"""The judge of the crash harness: a day without crashes passes, each damage is found."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from desk.headline import rewrite
from ingest import intake, poll
from net.client import Client
from publish import archive, renderer
from publish.rerender import rerender_if_changed
from stories import clock
from stories.config import Config
from stories.db import Store, captures, connect, feeds, outbox, proofs, wires
from stories.db import stories as records
from stories.models import Act as Kill
from stories.models import HeadlineEdit
from tests.conftest import ConfigOf
from tests.crash.cluster import DROPPED
from tests.crash.courier import Delivery
from tests.crash.judge import Day, Verdict, judge, pushed
from tests.crash.reader import Memory, Read
from tests.crash.watch import Act, Seen
from tests.living import Life, item
from tests.load.load import Load
from tests.load.server import serve

START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
SHOW = Load(seed=5, wires=2, items=6, novelty_per_minute=12, update_share=0.5, epoch=START)
EVERY = 5.0
END = 30.0
START_OF_POLLS = START + timedelta(seconds=EVERY)


@contextmanager
def lived(config_of: ConfigOf, store: Store) -> Iterator[tuple[Day, Config]]:
    """Half a minute of two wires, polled every five seconds; the desk writes one headline."""
    moment = 0.0

    def now() -> datetime:
        return START + timedelta(seconds=moment)

    with ExitStack() as stack:
        agency = stack.enter_context(serve(SHOW, clock=lambda: moment))
        stack.enter_context(clock.reading(now))
        newsroom = config_of(
            wires=[
                {"name": f"w{n}", "url": f"{agency}/w/{n}.rss", "allow_private": True}
                for n in range(SHOW.wires)
            ],
            feeds=[{"name": "all", "title": "All", "limit": 100}],
        )
        with store.write() as conn:
            wires.sync(conn, newsroom.wires, clock.now())
        rerender_if_changed(store, newsroom)
        seen: list[Seen] = []
        acts: list[Act] = []
        http = stack.enter_context(Client())
        while moment < END:
            before, moment = moment, moment + EVERY
            with store.write() as conn:
                claimed = wires.take(conn, ["w0", "w1"], clock.now() + timedelta(minutes=1))
            for polled in poll.poll(store, newsroom, http, claimed):
                began = START + timedelta(seconds=before)
                seen.append(Seen(polled.wire, began, clock.now(), True, clock.now()))
            intake.take_in_waiting(store, newsroom)
            if not acts:
                with store.read() as conn:
                    story = records.newest(conn, limit=1)[0]
                rewrite(store, story.id, "Desk 1", "Editor 1")
                acts.append(Act(story.id, "Desk 1", "Editor 1", True))
            renderer.render_waiting(store, newsroom)
        start = START.timestamp()
        yield Day(replace(SHOW, site=agency), start, start + END, seen, acts, [], 30.0), newsroom


def lose_a_version(store: Store) -> None:
    with store.write() as conn:
        # One that stood from one poll to the next: the very last may have come between two.
        story = next(s for s in records.newest(conn, limit=100) if s.received_at == START_OF_POLLS)
        records.drop_version(conn, story.id, records.history(conn, story.id)[0].capture_id)
        records.settle(conn, [story.id])


def spoil_a_word(store: Store) -> None:
    with store.write() as conn:
        row = records.history(conn, records.newest(conn, limit=1)[0].id)[-1]
        spoilt = {**row.data, "headline": "Not what the agency wrote"}
        values = {s: getattr(row, s) for s in row.__slots__} | {"data": spoilt}
        records.put_versions(conn, [records.VersionRow(**values)])


def leave_work(store: Store) -> None:
    with store.write() as conn:
        outbox.want(conn, "feed", ["all"], clock.now())


def forge_an_act(store: Store) -> None:
    with store.write() as conn:
        story = records.newest(conn, limit=1)[0]
        edit = HeadlineEdit(text="Nobody's", by="Nobody 2", at=clock.now(), against=1)
        records.add_edit(conn, story.id, edit)


def forge_a_kill(store: Store) -> None:
    with store.write() as conn:
        story = records.newest(conn, limit=1)[0]
        kill = Kill(kind="kill", by="Nobody 2", reason="none", at=clock.now())
        records.add_acts(conn, [(story.id, kill)])


def serve_an_old_feed(store: Store) -> None:
    with store.write() as conn:
        shown = feeds.listed(conn, "all")[0][0].story_id
        row = feeds.entry(conn, shown)
        assert row is not None
        assert row.packed is not None
        stated = proofs.last_statements(conn, [shown])[shown].token
        written = feeds.unpack(row.packed, stated)
        written["json"] = written["json"].replace(b'"title":"', b'"title":"Old: ')
        feeds.put_entries(conn, [replace(row, packed=feeds.pack(written))])


def capture_twice(store: Store) -> None:
    with store.write() as conn:
        for _ in range(2):
            captures.add(conn, DROPPED, clock.now(), "file:///drop/1.xml", [], b"<rss/>")


DAMAGE: dict[str, tuple[Callable[[Store], None], str]] = {
    "a version lost": (lose_a_version, "every version that stood during a poll is on record"),
    "a word": (spoil_a_word, "every word as the agency wrote it"),
    "a file taken again": (capture_twice, "nothing delivered was captured twice"),
    "work left": (leave_work, "nothing left to do"),
    "an act": (forge_an_act, "every act of the desk kept, once, in order"),
    "a kill": (forge_a_kill, "every act of the desk kept, once, in order"),
    "a feed": (serve_an_old_feed, "replay gives the same bytes"),
}


def test_a_day_without_crashes_passes(config: ConfigOf, store: Store, other_url: str) -> None:
    with lived(config, store) as (day, newsroom):
        empty = connect(other_url)
        verdict = judge(day, newsroom, store, empty)
        empty.close()
    assert {claim: wrong for claim, wrong in verdict.wrong.items() if wrong} == {}
    assert verdict.good
    assert int(verdict.figures["of these that had to be here"]) > 12


def test_a_delivery_that_is_not_on_record_is_found(
    config: ConfigOf, store: Store, other_url: str
) -> None:
    with lived(config, store) as (day, newsroom):
        lost, refused = (Delivery("Rain", "<p>Rain.</p>", taken=taken) for taken in (True, False))
        empty = connect(other_url)
        delivered = {(8, 1, 1): lost, (9, 1, 1): refused}
        verdict = judge(replace(day, delivered=delivered), newsroom, store, empty)
        empty.close()
    assert verdict.wrong.pop("every version that was delivered is on record") == ["(8, 1, 1)"]
    assert verdict.good


@pytest.mark.slow
def test_damage_is_found(config: ConfigOf, tmp_path: Path) -> None:
    """One day, copied for each harm that is done to it."""
    store = connect(f"sqlite:///{tmp_path}/lived.sqlite3")
    store.migrate()
    with lived(config, store) as (day, newsroom):
        for number, (harm, claim) in enumerate(DAMAGE.values()):
            with store.engine.connect() as conn:
                conn.connection.execute(f"VACUUM INTO '{tmp_path}/{number}.sqlite3'")
            harmed = connect(f"sqlite:///{tmp_path}/{number}.sqlite3")
            empty = connect(f"sqlite:///{tmp_path}/{number}.again.sqlite3")
            harm(harmed)
            verdict = judge(day, newsroom, harmed, empty)
            harmed.close()
            empty.close()
            assert verdict.wrong[claim], claim
            assert not verdict.good
    store.close()


def test_what_a_subscriber_was_not_told_is_found(config: ConfigOf, store: Store) -> None:
    body = "This is story 1 of simulated wire 0, version 1."
    life = Life(config(wires=[{"name": "w", "url": "https://w.example/f"}]), store)
    life.begin()
    life.receive(item("s", "Rain", body), item("t", "Tram", body.replace("story 1", "story 2")))
    life.act("s", "kill", timedelta(minutes=1))
    bodies = []
    with store.read() as conn:
        for change in feeds.changes_since(conn, "all", 0, 10):
            feed = life.config.outgoing[0]
            bodies.append(archive.news(conn, life.config, feed, [change], "rss")[0])
    for came, well in ((bodies, True), (bodies[:-1], False), (bodies[1:], False)):
        verdict = Verdict()
        pushed(came, 0, "all", store, verdict)
        assert verdict.good is well


def entry(**changes: object) -> Read:
    values = {
        "guid": "urn:uuid:1",
        "agency_id": "a",
        "story": (0, 1),
        "version": 2,
        "title": "As the wire has it",
        "claim": False,
    }
    return Read(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ([entry(version=3)], ""),
        ([entry(guid="urn:uuid:2")], "guid was"),
        ([entry(), entry(story=(0, 2), version=1)], "is of (0, 1) and of (0, 2)"),
        ([entry(version=1)], "version 2 went to 1"),
        ([entry(), entry()], "a story stands twice"),
        ([entry(claim=True)], "claim True under"),
        ([entry(title="Desk 4")], "claim False under"),
    ],
)
def test_a_subscriber_remembers(then: list[Read], said: str) -> None:
    memory = Memory()
    assert memory.entries("web", "all.rss", [entry()]) == []
    found = "; ".join(memory.entries("web", "all.rss", then))
    assert (said in found) if said else found == ""


def test_tags_and_bytes_go_together() -> None:
    memory = Memory()
    assert memory.body("all.rss", '"1"', b"one") == []
    assert memory.body("all.rss", '"1"', b"one") == []
    assert memory.body("all.rss", '"1"', b"two")
    assert memory.body("all.rss", '"2"', b"one")
