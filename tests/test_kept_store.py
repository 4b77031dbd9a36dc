"""A store that the release before this one wrote opens, and its subscribers notice nothing.

``tests/data/release-0.1.tar.xz`` was made by version 0.1.0 (d8d4c48): five wires, 17 stories, desk
headlines with a second look due, an item in quarantine, a key about to be rotated. Beside it stand
the feeds as that version served them.
"""

import json
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest

from desk.cli.app import main
from ingest.intake import take_in_waiting
from stories import clock
from stories.config import load
from stories.db import captures, outbox
from workers.start import open_store

KEPT = Path(__file__).parent / "data" / "release-0.1.tar.xz"
THEN = datetime(2026, 11, 28, 22, 20, tzinfo=UTC)
"""Two minutes after the store was left."""

FEEDS = [(name, form) for name in ("all", "harbour") for form in ("rss", "atom", "json")]


@pytest.fixture
def newsroom(tmp_path: Path) -> Path:
    """The data folder and configuration as that version left them."""
    with tarfile.open(KEPT) as archive:
        archive.extractall(tmp_path, filter="data")
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
