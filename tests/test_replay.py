"""The whole way, and its repetition: a simulated agency polled over minutes, headlines edited,
then everything replayed into an empty store. Every feed must come out byte for byte the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from desk import replaying
from desk.cli.replay import print_outcome
from desk.demo.newswire import Script
from desk.demo.server import serve
from desk.headline import rewrite
from ingest import intake, parse, poll, replay, sandbox
from ingest.parse import Reader
from ingest.replay import Selection
from net.client import Client
from publish import renderer
from publish.rerender import rerender_if_changed
from publish.served import served
from stories import clock
from stories.config import Config, Retention
from stories.db import (
    Store,
    captures,
    connect,
    feeds,
    key_value,
    outbox,
    proofs,
    tables,
    wires,
)
from stories.db import stories as records
from stories.keys import key_set
from tests.conftest import ConfigOf
from tests.differences import compare
from tests.living import Life, apart, item
from tests.test_upgrade import unstated
from wirecopy.jose import payload_of
from wirecopy.statement import claims_of
from workers.housekeeping import housekeeping

START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@dataclass
class Day:
    """A driven day: the agency's moment and Wirecopy's clock move together, by hand."""

    config: Config
    store: Store
    moment: float = 0.0
    reader: Reader = sandbox.read

    def now(self) -> datetime:
        return START + timedelta(seconds=self.moment)

    def pass_until(self, moment: float, step: float = 5.0) -> None:
        while self.moment < moment:
            self.moment += step
            self.work()

    def work(self) -> None:
        with self.store.write() as conn:
            names = [w.name for w in self.config.wires]
            claimed = wires.take(conn, names, clock.now() + timedelta(minutes=1))
        with Client() as http:
            for polled in poll.poll(self.store, self.config, http, claimed):
                assert polled.state in ("ok", "unchanged", "not-modified"), polled
        intake.take_in_waiting(self.store, self.config, reader=self.reader)
        renderer.render_waiting(self.store, self.config)


@contextmanager
def day(config_of: ConfigOf, store: Store) -> Iterator[Day]:
    script = Script(seed=7, epoch=START, items=12)
    lived = Day(config_of(), store)
    with serve(script, clock=lambda: lived.moment) as agency, clock.reading(lived.now):
        lived.config = config_of(
            wires=[
                {
                    "name": f"sim-{kind}",
                    "url": f"{agency}/wires/{wire}.{kind}",
                    "agency": "Simulated Press Agency",
                    "code": "SIM",
                    "every": "5s",
                    "allow_private": True,
                }
                for wire, kind in (
                    ("national", "rss"),
                    ("business", "atom"),
                    ("languages", "rdf"),
                )
            ],
            feeds=[
                {"name": "all", "title": "Everything", "limit": 30},
                {"name": "rss-wire", "title": "One wire", "wires": ["sim-rss"], "limit": 10},
                {"name": "hindi", "title": "हिन्दी", "languages": ["hi"]},
            ],
        )
        with store.write() as conn:
            wires.sync(conn, lived.config.wires, clock.now())
        rerender_if_changed(store, lived.config)
        yield lived


def bytes_of(config: Config, store: Store) -> dict[tuple[str, str], bytes]:
    with store.read() as conn:
        return {
            (feed.name, format): apart(row.body)
            for feed in config.outgoing
            for format in feeds.FORMATS
            if (row := served(conn, config, feed.name, format)) is not None
        }


def unsigned(bodies: dict[tuple[str, str], bytes]) -> dict[tuple[str, str], bytes]:
    """Feeds without their statements and the proofs of these."""
    return {name: unstated(body) for name, body in bodies.items()}


def live(lived: Day) -> None:
    """Three minutes with edits: before an update, after it, a revert, and one on each format."""
    lived.pass_until(15)
    with lived.store.read() as conn:
        ids = [s.id for s in records.newest(conn, limit=100)]
    for number, story in enumerate(sorted(ids)):
        if number % 2 == 0:
            rewrite(lived.store, story, f"Desk headline {number}: हिन्दी & <b>", "Asha")
    lived.pass_until(60)
    rewrite(lived.store, sorted(ids)[0], None, "Asha")
    rewrite(lived.store, sorted(ids)[1], "A second thought", "Ravi")
    lived.pass_until(180)


def _signed(store: Store) -> tuple[object, ...]:
    """Everything that was signed or logged, and what is published of the keys."""
    with store.read() as conn:
        head = proofs.log_head(conn)
        size = head.size if head else 0
        tiles = [proofs.tile(conn, 1, level, size >> 8 * level >> 8) for level in range(8)]
        chains = [proofs.statements_of(conn, i) for i in records.ids_after(conn, "", 1000)]
        return head, tiles, proofs.leaves(conn, 0, size), chains, key_set(conn)


@pytest.mark.slow
def test_every_feed_comes_out_byte_for_byte(config: ConfigOf, store: Store, other_url: str) -> None:
    with day(config, store) as lived:
        live(lived)
        before = bytes_of(lived.config, store)
        assert len(before) == 9
        assert all(body for body in before.values())
        lived.moment += 1000  # the replay happens later, and must not show it
        # What was signed is copied: the keys may be gone by then.
        lived.config.keys_folder.rename(lived.config.data / "lost")
        target = connect(other_url)
        replay.rebuild(store, target)
        rerender_if_changed(target, lived.config)
        intake.take_in_waiting(target, lived.config)
        renderer.render_waiting(target, lived.config)
        after = bytes_of(lived.config, target)
        differences = list(compare(store, target, [w.name for w in lived.config.wires]))
        signed = [_signed(store), _signed(target)]
        target.close()
    assert differences == []
    assert signed[0] == signed[1]
    assert all(signed[0])
    assert after.keys() == before.keys()
    for name, body in before.items():
        assert after[name] == body, name


def test_a_live_replay_changes_nothing(config: ConfigOf, store: Store) -> None:
    with day(config, store) as lived:
        lived.pass_until(60)
        before = bytes_of(lived.config, store)
        chosen = Selection()
        planned = replay.plan(store, chosen)
        taken = list(replay.replay(store, lived.config, chosen, planned, sleep=lambda _: None))
        assert len(taken) == sum(len(n) for n in planned.values()) > 3
        assert [t.changes for t in taken if t.changes] == []
        with store.read() as conn:
            ids = [s.id for s in records.newest(conn, limit=1000)]
        assert list(renderer.compare(store, lived.config, ids)) == []
        renderer.render_waiting(store, lived.config)
        assert bytes_of(lived.config, store) == before
        with store.read() as conn:
            assert [w for w in outbox.waiting(conn, clock.now()) if w.kind != "ingest"] == []


def test_a_replay_says_what_changed_and_mends_it(config: ConfigOf, store: Store) -> None:
    """A record that other code wrote is put right, story by story and field by field."""
    with day(config, store) as lived:
        lived.pass_until(60)
        before = bytes_of(lived.config, store)
        with store.write() as conn:
            story = records.newest(conn, wires=["sim-rss"], limit=1)[0]
            row = records.history(conn, story.id)[-1]
            spoilt = {**row.data, "headline": "What the old code made of it"}
            values = {s: getattr(row, s) for s in row.__slots__} | {"data": spoilt}
            records.put_versions(conn, [records.VersionRow(**values)])
            outbox.want(conn, "story", [story.id], clock.now())
        renderer.render_waiting(store, lived.config)
        assert bytes_of(lived.config, store) != before
        chosen = Selection(wires=("sim-rss",))
        planned = replay.plan(store, chosen)
        changes = [
            change
            for taken in replay.replay(store, lived.config, chosen, planned, sleep=lambda _: None)
            for change in taken.changes
        ]
        renderer.render_waiting(store, lived.config)
        assert [(c.story_id, c.kind, list(c.fields)) for c in changes] == [
            (story.id, "changed", ["data.headline"])
        ]
        assert changes[0].fields["data.headline"][0] == "What the old code made of it"
        assert unsigned(bytes_of(lived.config, store)) == unsigned(before)
        with store.read() as conn:
            said = [payload_of(row.token) for row in proofs.statements_of(conn, story.id)]
        # What was published wrongly was stated too, and stays in the chain.
        assert [each["version"] for each in said] == [1, 2, 3]
        assert claims_of(said[2]) == claims_of(said[0]) != claims_of(said[1])


def test_an_interrupted_replay_goes_on_where_it_stopped(config: ConfigOf, store: Store) -> None:
    with day(config, store) as lived:
        lived.pass_until(40)
        chosen = Selection(wires=("sim-rss",))
        planned = replay.plan(store, chosen)
        going = replay.replay(store, lived.config, chosen, planned, sleep=lambda _: None)
        first = [next(going).capture.id for _ in range(2)]
        going.close()  # as Ctrl-C does
        assert replay.resumed(store, chosen)
        rest = [
            taken.capture.id
            for taken in replay.replay(store, lived.config, chosen, planned, sleep=lambda _: None)
        ]
        assert first + rest == planned["sim-rss"]
        assert not replay.resumed(store, chosen)


def test_a_capture_that_would_not_parse_is_recovered_later(
    config: ConfigOf, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept and named; replayed with better code, its versions take their place in time."""
    with day(config, store) as lived:
        lived.pass_until(20)

        def worse(*_: object) -> object:
            raise ZeroDivisionError("a fault of the old code")

        with monkeypatch.context() as patched:
            patched.setattr("ingest.formats.choose", worse)
            lived.reader = parse.parse  # a sandboxed reader would not be reached by the patch
            lived.pass_until(35)
        lived.reader = sandbox.read
        with store.read() as conn:
            broken = captures.quarantined(conn)
            assert broken
            assert "ZeroDivisionError" in captures.problems_listing(conn)[0].message
        lived.pass_until(120)
        chosen = Selection(quarantined=True)
        planned = replay.plan(store, chosen)
        assert {n for numbers in planned.values() for n in numbers} == broken
        for _ in replay.replay(store, lived.config, chosen, planned, sleep=lambda _: None):
            pass
        renderer.render_waiting(store, lived.config)
        with store.read() as conn:
            assert captures.problems_count(conn) == 0
        target = connect(f"sqlite:///{lived.config.data}/again.sqlite3")
        target.migrate()
        replay.rebuild(store, target)
        rerender_if_changed(target, lived.config)
        intake.take_in_waiting(target, lived.config)
        renderer.render_waiting(target, lived.config)
        assert list(compare(store, target, [w.name for w in lived.config.wires])) == []
        assert bytes_of(lived.config, target) == bytes_of(lived.config, store)
        target.close()


WIRE: dict[str, Any] = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}


@pytest.fixture
def by_rule(config: ConfigOf) -> Callable[[str], Config]:
    """One wire, whose items are recognised by the rule given."""
    shown = [{"name": "all", "title": "All", "limit": 30}]

    def make(rule: str) -> Config:
        return config(wires=[{**WIRE, "identity": rule}], feeds=shown)

    return make


@pytest.fixture
def life(by_rule: Callable[[str], Config], store: Store) -> Life:
    """Five captures of two stories that keep both guid and link, and of one that comes later."""
    lived = Life(by_rule("guid"), store)
    lived.begin()
    for n in range(5):
        late = [item("c", f"Third {n}")] if n > 1 else []
        lived.receive(item("a", f"First {n}"), item("b", f"Second {n // 2}"), *late)
    return lived


def test_another_identity_rule_makes_every_story_once(
    life: Life, by_rule: Callable[[str], Config], tmp_path: Path
) -> None:
    """The keys follow the rule too, so the record is at rest at once, and what a rebuild makes."""
    before = life.bodies()
    for turn, rule in enumerate(("link", "digest", "guid")):
        life.config = by_rule(rule)
        life.begin()
        with life.frozen():
            rehearsed = replaying.rehearse(life.store, life.config, Selection())
            replayed = replaying.live(life.store, life.config, Selection())
        assert replayed.changes
        assert replace(rehearsed, dry_run=False) == replayed
        assert life.replayed() == [], "one replay says it all"
        with life.rebuilt(f"sqlite:///{tmp_path}/{turn}.sqlite3") as target:
            assert list(compare(life.store, target, ["w"])) == []
            assert life.bodies(target) == life.bodies()
    assert unsigned(life.bodies()) == unsigned(before)


def _until(life: Life, _: pytest.MonkeyPatch) -> Selection:
    """The first capture alone."""
    with life.store.read() as conn:
        second = captures.get(conn, 2)
    assert second is not None
    return Selection(wires=("w",), until=second.received_at)


def _story(life: Life, _: pytest.MonkeyPatch) -> Selection:
    """A story of captures 1, 3 and 5, which the replay takes off the record."""
    return Selection(story=life.stories()["b"])


def _quarantined(life: Life, patched: pytest.MonkeyPatch) -> Selection:
    """Three captures after one that would not parse; once mended, nothing is selected."""

    def worse(*_: object) -> object:
        raise ZeroDivisionError("a fault of the old code")

    with patched.context() as old:
        old.setattr("ingest.formats.choose", worse)
        life.receive(item("a", "First, broken"))
    for n in range(3):
        life.receive(item("a", f"First, later {n}"))
    return Selection(quarantined=True)


@pytest.mark.parametrize(
    ("choose", "numbers"),
    [
        (_until, [1, 2, 3, 4, 5]),
        pytest.param(_story, [1, 2, 3, 4, 5], marks=pytest.mark.slow),
        pytest.param(_quarantined, [6, 7, 8, 9], marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_replay_goes_on_with_what_follows_its_changes(
    life: Life,
    by_rule: Callable[[str], Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    choose: Callable[[Life, pytest.MonkeyPatch], Selection],
    numbers: list[int],
) -> None:
    """Whatever is selected still, and however often it is interrupted; and it says so."""
    chosen = choose(life, monkeypatch)
    if not chosen.quarantined:
        life.config = by_rule("link")
        life.begin()
    done: list[int] = []
    for _ in range(2):
        planned = replay.plan(life.store, chosen)
        going = replay.replay(life.store, life.config, chosen, planned, sleep=lambda _: None)
        with life.frozen():
            done += [taken.capture.id for taken in islice(going, 1)]
            going.close()  # as Ctrl-C does
    assert done == numbers[:2]
    capsys.readouterr()
    with life.frozen():
        assert replaying.live(life.store, life.config, chosen).captures == len(numbers) - 2
    assert "going on where" in capsys.readouterr().err
    assert not replay.resumed(life.store, chosen)
    assert life.replayed() == []
    with life.rebuilt(f"sqlite:///{tmp_path}/again.sqlite3") as target:
        assert list(compare(life.store, target, ["w"])) == []
        assert life.bodies(target) == life.bodies()


@pytest.mark.parametrize("choose", [_until, _story, _quarantined])
def test_a_rehearsal_of_some_captures_says_what_their_replay_does(
    life: Life,
    by_rule: Callable[[str], Config],
    monkeypatch: pytest.MonkeyPatch,
    choose: Callable[[Life, pytest.MonkeyPatch], Selection],
) -> None:
    """With all that follows from a change, and nothing where none is."""
    chosen = choose(life, monkeypatch)
    if not chosen.quarantined:
        with life.frozen():
            unchanged = replaying.rehearse(life.store, life.config, chosen)
            assert unchanged.changes == []
            assert unchanged.captures == len(replay.plan(life.store, chosen)["w"])
        life.config = by_rule("link")
        life.begin()
    before = life.bodies()
    with life.frozen():
        rehearsed = replaying.rehearse(life.store, life.config, chosen)
        assert life.bodies() == before
        replayed = replaying.live(life.store, life.config, chosen)
    assert replayed.changes
    assert replace(rehearsed, dry_run=False) == replayed


def test_a_replay_says_nothing_new_of_the_wire(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with its newest capture stays, whatever older ones tell."""
    life.receive_bytes(b"<html><title>Log in")
    with life.store.read() as conn:
        before = wires.get(conn, "w")
    assert before is not None
    assert before.fault is not None
    chosen = _until(life, monkeypatch)
    planned = replay.plan(life.store, chosen)
    assert planned == {"w": [1]}
    with life.frozen():
        taken = list(replay.replay(life.store, life.config, chosen, planned, sleep=lambda _: None))
    assert [one.capture.id for one in taken] == [1]
    with life.store.read() as conn:
        assert wires.get(conn, "w") == before


def test_a_capture_that_lost_its_bytes_keeps_its_stories(life: Life) -> None:
    before = life.bodies()
    with life.store.write() as conn:
        conn.execute(tables.blobs.delete())  # not by retention: nothing says that they expired
    assert life.replayed() == []
    assert life.bodies() == before


def test_what_an_older_wirecopy_noted_of_a_replay_is_gone_on_with(life: Life) -> None:
    """It did not note what followed: all that comes after does."""
    chosen = Selection(story="aaaaaaaaaaaaa")
    with life.store.write() as conn:
        key_value.write(conn, chosen.note, {"w": 3})
    with life.frozen():
        going = replay.replay(life.store, life.config, chosen, {}, sleep=lambda _: None)
        assert [taken.capture.id for taken in going] == [4, 5]
    assert not replay.resumed(life.store, chosen)


@pytest.mark.slow
def test_a_rehearsal_after_retention_takes_nothing_away(
    config: ConfigOf, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """Captures whose bytes have expired are told, and what they brought stands."""
    with day(config, store) as lived:
        lived.pass_until(60)
        lived.config = lived.config.model_copy(
            update={"retention": Retention(captures=timedelta(seconds=30))}
        )
        before = bytes_of(lived.config, store)
        gone = housekeeping(store, lived.config, budget=60)["captures expired"]
        assert gone > 0
        renderer.render_waiting(store, lived.config)
        assert bytes_of(lived.config, store) == before
        outcome = replaying.rehearse(store, lived.config, Selection())
        assert outcome.expired == gone
        assert outcome.captures > 3
        assert outcome.changes == []
        print_outcome(outcome)
        assert f"{gone} captures have expired; their versions stand" in capsys.readouterr().out
        target = f"sqlite:///{lived.config.data}/into.sqlite3"
        replaying.into(store, lived.config, Selection(), target)
        rebuilt = connect(target)
        assert bytes_of(lived.config, rebuilt) == before
        rebuilt.close()
