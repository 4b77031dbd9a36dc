"""What is done again and again, each page and each command costs the same however much is kept.

Counted, not timed: the steps that SQLite takes, with a short and with a long history; and the rows
that PostgreSQL reads of what grows.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, text

from bench.copies import lengthen
from desk import exposition, replaying
from ingest import replay
from ingest.replay import Selection
from publish.web import documents, views
from publish.web import proofs as served
from publish.web import story as story_pages
from publish.words import terms
from stories.db import (
    Store,
    alerts,
    captures,
    feeds,
    key_value,
    outbox,
    proofs,
    search,
    statistics,
    storage,
)
from stories.db import stories as records
from tests.conftest import ConfigOf
from tests.living import DAY, Life, item
from workers import alerts as watch
from workers import dispatch
from workers import housekeeping as rounds

SHORT, LONG = 300, 2400
"""Stories in the two histories."""

GROWING = frozenset(
    (
        *("captures", "blobs", "stories", "versions", "identities", "entries", "placements"),
        *("headlines", "statements", "receipts", "tiles"),
    )
)
"""The tables that grow with what comes."""

MINUTE = timedelta(minutes=1)
STEP = 5 * MINUTE
"""Between two stories of a history."""

WIRES = [{"name": name, "url": f"https://agency.example/{name}"} for name in ("w", "x")]
FEEDS = [
    {"name": "all", "title": "All", "limit": 20},
    {"name": "of-x", "title": "X", "limit": 20, "wires": ["x"]},
]


def news(first: int) -> list[str]:
    """Thirty items, of which the next thirty have twenty-nine in common with these."""
    return [
        item(f"n{n}", f"Headline {n}", f"Words of story {n}.") for n in range(first, first + 30)
    ]


@pytest.fixture
def grown(
    config: ConfigOf, store: Store, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], "Grown"]:
    """Makes the store one with a history of so many stories."""
    # Up to these, all is counted: both histories are longer.
    monkeypatch.setattr("stories.db.engine.COUNTED", 100)
    monkeypatch.setattr("stories.db.storage.FEW", 100)
    monkeypatch.setattr("workers.housekeeping.AUDITED", 100)

    def make(count: int) -> Grown:
        life = Life(config(wires=WIRES, feeds=FEEDS), store)
        life.begin()
        life.receive(item("old", "An old story", "Old words."))
        old = life.stories()["old"]
        life.edit(old, "The desk's headline")
        life.now += DAY * (count // 200)
        lengthen(store, life.config, old, count, STEP, kept=100)
        for turn in range(3):
            life.receive(*news(turn), after=MINUTE)
        life.receive(*news(100)[:5], wire="x", after=MINUTE)
        edited = life.stories()["n5"]
        life.edit(edited, "Another headline of the desk's")
        life.receive(*news(2)[:3], item("n5", "Updated since"), *news(6)[:26], after=MINUTE)
        life.clean()
        return Grown(life, edited)

    return make


class Grown:
    """A store with a history, and all that is done with it."""

    def __init__(self, life: Life, story: str) -> None:
        self.life, self.story = life, story
        self.news = 2

    def poll(self) -> None:
        """A capture with one new story: kept, taken in, logged, rendered, its feeds joined."""
        self.news += 1
        self.life.receive(*news(self.news), after=MINUTE)

    def edit(self) -> None:
        """A headline, and what it has rendered."""
        self.news += 1
        self.life.edit(self.story, f"Headline number {self.news}")

    def dispatch(self) -> None:
        dispatch.batches(self.life.store, self.life.config, self.life.now)

    def watch(self) -> None:
        watch.update(self.life.store, self.life.now)

    def housekeeping(self) -> None:
        """A round in which all is due."""
        with self.life.store.write() as conn:
            for part in ("mended", "retained", "told"):
                key_value.forget(conn, f"housekeeping:{part}")
        rounds.housekeeping(self.life.store, self.life.config, budget=60)

    def retention(self) -> None:
        """A round of retention when most that is old is gone."""
        shorter = self.life.config.model_copy(
            update={"retention": self.life.config.retention.model_copy(update={"captures": MINUTE})}
        )
        for _ in rounds.apply_retention(self.life.store, shorter, self.life.now):
            pass

    def forget(self) -> None:
        """The oldest stories are forgotten, of which nothing else is left."""
        with self.life.store.read() as conn:
            (oldest, _), *_ = records.changed_before(conn, self.life.now, None, 1)
        before = oldest + 10 * STEP
        forgotten = rounds.forget_stories(self.life.store, self.life.config, before, self.life.now)
        assert [count for _, count in forgotten] == [10]

    def replay(self) -> None:
        """The captures of the last minutes are taken in again, and their stories rendered."""
        found = replaying.live(self.life.store, self.life.config, self._lately())
        assert found.captures in (1, 2, 3)

    def rehearse(self) -> None:
        found = replaying.rehearse(self.life.store, self.life.config, self._lately())
        assert found.captures in (1, 2, 3)

    def _lately(self) -> Selection:
        return Selection(wires=("w",), since=self.life.now - 2 * MINUTE)

    def replay_story(self) -> None:
        replay.plan(self.life.store, Selection(story=self.story))
        replay.expired(self.life.store, Selection(story=self.story))

    def status(self) -> None:
        with self.life.store.read() as conn:
            statistics.status(conn, self.life.now, timedelta(hours=1))
        storage.summary(self.life.store, self.life.now)

    def reads(self) -> dict[str, Callable[[Any], object]]:
        """What pages and commands ask, in one snapshot each."""
        config, now, story = self.life.config, self.life.now, self.story
        return {
            "/": lambda c: views.home(c, config),
            "/feeds/all": lambda c: views.feed_page(c, config, config.outgoing[0]),
            "/feeds/of-x": lambda c: views.feed_page(c, config, config.outgoing[1]),
            "/stories/ID": lambda c: story_pages.story_page(c, config, story),
            "/stories/ID, gone": lambda c: story_pages.gone(c, config, story),
            "/stories/ID/ninjs": lambda c: documents.document(c, config, story, "ninjs"),
            "/stories/ID/statements": lambda c: served.chain(c, story),
            "/.well-known/jwks.json": served.jwks,
            "the desk's search": lambda c: [
                search.find(c, terms(asked), None, None, 41)
                for asked in ("headline", "nowhere", "desk")
            ],
            "/log/checkpoint": served.checkpoint,
            "/log/tile": lambda c: served.tile(c, "0/000"),
            "/log/tile/entries": lambda c: served.tile(c, "entries/000"),
            "/metrics": lambda c: exposition.of_the_store(c, config),
            "stories": lambda c: records.newest(c, limit=20),
            "stories --wire": lambda c: records.newest(c, wires=["x", "w"], limit=20),
            "stories --second-look": lambda c: records.second_looks(c, 20),
            "story": lambda c: records.matching(c, story[:6]) and records.history(c, story),
            "captures": lambda c: captures.listing(c, limit=20),
            "captures --wire": lambda c: (
                captures.wires_captured(c),
                captures.listing(c, wires=["x"], limit=20),
            ),
            "captures --failed": lambda c: captures.listing(c, quarantined=True, limit=20),
            "captures --since": lambda c: captures.listing(c, since=now - DAY, limit=20),
            "captures --until": lambda c: captures.listing(
                c, wires=["w"], until=now - 2 * DAY, limit=20
            ),
            "what waits": lambda c: (
                outbox.waiting(c, now),
                outbox.failures(c),
                captures.pending(c, ["w"]),
                captures.wires_pending(c),
                proofs.waiting_receipts(c, 10),
                feeds.unrendered(c),
            ),
            "a silence": lambda c: alerts.longest_silence(c, "w", now - MINUTE, now),
        }

    def everything(self) -> dict[str, Callable[[], object]]:
        """All that is done, by name."""

        def read(ask: Callable[[Any], object]) -> object:
            with self.life.store.read() as conn:
                return ask(conn)

        done: dict[str, Callable[[], object]] = {
            "a poll": self.poll,
            "a headline": self.edit,
            "dispatch": self.dispatch,
            "alerts": self.watch,
            "housekeeping": self.housekeeping,
            "forgetting": self.forget,
            "replay --since": self.replay,
            "replay --dry-run --since": self.rehearse,
            "replay --story": self.replay_story,
            "status": self.status,
            **{name: partial(read, ask) for name, ask in self.reads().items()},
            "retention": self.retention,  # last, as it deletes
        }
        return done


# Steps of SQLite


def steps(store: Store, do: Callable[[], object]) -> int:
    """The steps of SQLite's virtual machine that *do* takes, in tens."""
    taken = 0

    def count() -> None:
        nonlocal taken
        taken += 1

    def listen(connection: Any, _record: object) -> None:
        connection.set_progress_handler(count, 10)

    store.engine.dispose()
    event.listen(store.engine, "connect", listen)
    try:
        do()
    finally:
        event.remove(store.engine, "connect", listen)
        store.engine.dispose()
    return taken


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.slow
def test_sqlite_takes_as_many_steps_after_a_long_history(
    grown: Callable[[int], Grown], store: Store
) -> None:
    found: dict[int, dict[str, int]] = {}
    for count in (SHORT, LONG):
        with store.write() as conn:
            _empty(conn)
        side = grown(count)
        with side.life.frozen():
            for do in side.everything().values():
                do()  # what is done but once, and what the first time alone is new
            found[count] = {n: steps(store, do) for n, do in side.everything().items()}
    more = {
        name: (few, found[LONG][name])
        for name, few in found[SHORT].items()
        if found[LONG][name] > 1.2 * few + 20
    }
    assert more == {}


def _empty(conn: Any) -> None:
    search.begin_anew(conn)
    names = conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars()
    for name in names.all():
        kept = ("alembic_version", "sqlite_sequence")
        if name not in kept and not name.startswith("search_"):
            conn.execute(text(f"DELETE FROM {name}"))


# Rows that PostgreSQL reads


@contextmanager
def heard(store: Store) -> Iterator[dict[str, Any]]:
    """The statements that are carried out while the block runs, with the parameters of each."""
    found: dict[str, Any] = {}

    def listen(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        found[statement] = parameters

    event.listen(store.engine, "before_cursor_execute", listen)
    try:
        yield found
    finally:
        event.remove(store.engine, "before_cursor_execute", listen)


def rows_read(plan: dict[str, Any]) -> int:
    """Rows of growing tables that were looked at in a *plan* that was carried out."""
    own = 0
    if plan.get("Relation Name") in GROWING or "Index Name" in plan:
        passed = plan.get("Rows Removed by Filter", 0) + plan.get(
            "Rows Removed by Index Recheck", 0
        )
        own = int((plan["Actual Rows"] + passed) * plan["Actual Loops"])
    return own + sum(map(rows_read, plan.get("Plans", ())))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.slow
def test_postgresql_reads_few_of_many_rows(grown: Callable[[int], Grown], store: Store) -> None:
    side = grown(LONG)
    many = {}
    with side.life.frozen():
        for name, do in side.everything().items():
            with heard(store) as statements:
                do()
            for statement, parameters in statements.items():
                if statement.split()[0] not in ("SELECT", "UPDATE", "DELETE", "WITH"):
                    continue
                one = parameters[0] if isinstance(parameters, list) else parameters
                with store.engine.connect() as conn:  # which rolls back
                    # So few rows as a test has, PostgreSQL likes to read all of.
                    conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
                    conn.exec_driver_sql("SET LOCAL random_page_cost = 1.1")
                    explained = conn.exec_driver_sql(
                        f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", one
                    ).scalar_one()
                plan = explained if isinstance(explained, list) else json.loads(explained)
                if (rows := rows_read(plan[0]["Plan"])) > LONG // 2:
                    many[name, statement] = rows
    assert many == {}
