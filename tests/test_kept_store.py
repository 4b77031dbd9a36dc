"""A store that the release before this one wrote (:mod:`tests.kept`) opens, and its subscribers
notice nothing, however long its history."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from bench.copies import copy
from desk.cli.app import main
from desk.headline import rewrite
from ingest.intake import take_in_waiting
from publish import renderer, rerender
from publish.served import json_of, served
from stories import clock
from stories.config import Config, load
from stories.db import Store, captures, connect, feeds, outbox, tables
from stories.db import stories as records
from tests import kept
from tests.conftest import database
from workers.start import open_store, start

THEN = datetime(2026, 11, 28, 22, 20, tzinfo=UTC)
"""Two minutes after the store was left."""

FEEDS = [(name, form) for name in ("all", "harbour") for form in feeds.FORMATS]


@pytest.fixture
def newsroom(tmp_path: Path) -> Path:
    """The data folder and configuration as that version left them."""
    kept.unpack(tmp_path)
    return tmp_path


def wirecopy(newsroom: Path, *words: str) -> int:
    """The exit code of one command, at the time when the store was left."""
    with clock.reading(lambda: THEN), pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            sys, "argv", ["wirecopy", "--config", str(newsroom / "wirecopy.toml"), *words]
        )
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def seen(feed: bytes, form: str) -> list[tuple[Any, ...]]:
    """What decides whether a subscriber's program takes an entry for new or changed."""
    if form == "json":
        items = json.loads(feed)["items"]
        return [(i["id"], i["title"], i.get("date_modified")) for i in items]
    entries = feedparser.parse(feed, sanitize_html=False, resolve_relative_uris=False).entries
    return [(e.id, e.title, e.get("updated")) for e in entries]


def test_nothing_changes_for_subscribers(newsroom: Path, capfdbinary: Any) -> None:
    assert wirecopy(newsroom, "replay") == 1  # one item stands in quarantine
    for name, form in FEEDS:
        capfdbinary.readouterr()
        assert wirecopy(newsroom, "feed", name, "--format", form) == 0
        now = capfdbinary.readouterr().out
        assert seen(now, form) == seen((newsroom / f"{name}.{form}").read_bytes(), form), (
            name,
            form,
        )


def test_a_replay_finds_every_story_as_it_stands(newsroom: Path, capfdbinary: Any) -> None:
    capfdbinary.readouterr()
    assert wirecopy(newsroom, "replay", "--dry-run", "--json") == 1  # as above
    told = json.loads(capfdbinary.readouterr().out)
    assert told["changes"] == [], told
    assert told["captures"] > 0


def test_every_place_has_a_number_in_the_order_of_its_feed(newsroom: Path) -> None:
    store = open_store(load(newsroom / "wirecopy.toml"))
    with store.read() as conn:
        for name in ("all", "harbour"):
            found = feeds.changes_since(conn, name, 0, 1000)
            assert [each.seq for each in found] == [*range(1, feeds.newest(conn, name) + 1)]
            assert [each.story_id for each in reversed(found)] == feeds.placed_ids(conn, name, 1000)
            assert found
    store.close()


def test_what_was_signed_is_still_good(newsroom: Path, capfdbinary: Any) -> None:
    assert wirecopy(newsroom, "replay") == 1  # one item stands in quarantine
    for name, form in FEEDS:
        capfdbinary.readouterr()
        assert wirecopy(newsroom, "feed", name, "--format", form) == 0
        (newsroom / f"now.{form}").write_bytes(capfdbinary.readouterr().out)
        words = ["verify", str(newsroom / f"now.{form}"), "--key", str(newsroom / "jwks.json")]
        assert wirecopy(newsroom, *words) == 0


def test_the_next_poll_brings_nothing_new(newsroom: Path, capfdbinary: Any) -> None:
    """What stands on the wires is what it was, though new captures go by new rules."""
    config = load(newsroom / "wirecopy.toml")
    store = open_store(config)
    with store.write() as conn:
        for name in captures.wires_captured(conn):
            last = captures.listing(conn, wires=[name], limit=1)[0]
            body = captures.body(conn, last.digest)
            headers = [(field, value) for field, value in last.headers]
            assert body is not None
            number = captures.add(conn, name, THEN, last.url, headers, body)
            taken = captures.get(conn, number)
            assert taken is not None
            assert taken.rule > last.rule
            outbox.want(conn, "ingest", [name], THEN)
    with clock.reading(lambda: THEN):
        take_in_waiting(store, config)
    with store.read() as conn:
        new = captures.listing(conn, since=THEN)
    store.close()
    assert len(new) == 5
    assert [(one.new, one.updated) for one in new] == [(0, 0)] * 5
    for name, form in FEEDS:
        capfdbinary.readouterr()
        assert wirecopy(newsroom, "feed", name, "--format", form) == 0
        now = capfdbinary.readouterr().out
        assert seen(now, form) == seen((newsroom / f"{name}.{form}").read_bytes(), form), (
            name,
            form,
        )


# With a long history.

COPIED = "iqm4otxo4huyi"
"""A story of one version, of the wire harbour."""

MORE = 1100
"""Stories in the history: more than two steps of what is rendered again."""


@dataclass
class Grown:
    """A store of that version with a long history."""

    config: Config
    newsroom: Path

    def open(self) -> Store:
        return connect(self.config.database)

    def check(self, store: Store) -> None:
        """See that subscribers find what they found before."""
        for name, form in FEEDS:
            with store.read() as conn:
                found = served(conn, self.config, name, form)
            assert found is not None
            before = (self.newsroom / f"{name}.{form}").read_bytes()
            assert seen(found.body, form) == seen(before, form), (name, form)


@pytest.fixture(params=["sqlite", "postgresql"])
def grown(newsroom: Path, request: pytest.FixtureRequest) -> Iterator[Grown]:
    file = newsroom / "wirecopy-data" / "wirecopy.sqlite3"
    settings = newsroom / "wirecopy.toml"
    # As many as it showed: what is older is to stay out of sight.
    settings.write_text(settings.read_text().replace("limit = 50", "limit = 17"))
    config = load(settings)
    with ExitStack() as stack:
        if request.param == "postgresql":
            url = stack.enter_context(database(request.getfixturevalue("postgres_url")))
            kept.move(file, url)
            config = config.model_copy(update={"database_url": SecretStr(url)})
        store = connect(config.database)
        copy(store, COPIED, MORE, timedelta(minutes=1), kept=MORE)
        store.close()
        yield Grown(config, newsroom)


def plain(store: Store) -> set[str]:
    """The stories whose entries are kept as that version kept them."""
    with store.read() as conn:
        entries = tables.entries.c
        return set(conn.execute(select(entries.story_id).where(entries.rss != b"")).scalars())


def test_an_upgrade_opens_at_once_and_goes_on_behind(grown: Grown) -> None:
    store = grown.open()
    store.migrate()
    before = plain(store)
    assert len(before) == MORE, "what the feeds show alone is written when the store is opened"
    grown.check(store)
    with store.read() as conn:
        old = feeds.entries_of(conn, sorted(before))
    assert {row.scope for row in old.values()} <= {"verbatim", "headline-only"}
    assert all(row.packed and row.digests for row in old.values())
    store.close()
    with clock.reading(lambda: THEN):
        while True:  # each turn by another process, as after a kill
            store = start(grown.config)
            with store.read() as conn:
                waiting = {w.kind: w.count for w in outbox.waiting(conn, THEN)}
            assert waiting.get("story", 0) <= rerender.STEP
            done = renderer.render_waiting(store, grown.config, limit=300)
            more = not done and rerender.go_on(store)
            grown.check(store)
            left = plain(store)
            with store.read() as conn:
                stories = {s.id: s.changed_at for s in records.get(conn, sorted(before))}
                upto = rerender.upto(conn)
            if upto is not None:  # newest first
                assert left >= {name for name, at in stories.items() if at < upto}
                assert len(left) < len(before)
            store.close()
            if not done and not more:
                break
    assert left == set()


def test_what_comes_while_all_is_rendered_again_waits_for_one_step(grown: Grown) -> None:
    with clock.reading(lambda: THEN):
        store = start(grown.config)
        renderer.render_waiting(store, grown.config, limit=60)
        rewrite(store, COPIED, "The desk wrote this meanwhile", "Asha")
        renderer.render_waiting(store, grown.config, limit=rerender.STEP)
        with store.read() as conn:
            assert rerender.upto(conn) is not None, "there is more"
            entry, story = feeds.entry(conn, COPIED), records.one(conn, COPIED)
            assert entry is not None
            assert story is not None
            written = json_of(conn, grown.config, story, entry)
        assert b"The desk wrote this meanwhile" in written
        store.close()
