"""A wire that leaves the configuration: its copy is read, and shown, as when it was in it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from ingest.intake import rules_for
from stories.db import Store
from stories.db import stories as records
from stories.db.tables import wires as table
from stories.models import Story
from tests.conftest import ConfigOf
from tests.living import Life, item

PROSE = "The reed beds south of the weir are open to rowing boats again until the first of May."
OTHER = {"name": "other", "url": "https://b.example/all", "agency": "Egret News", "code": "EN"}
LEFT = {
    "name": "w",
    "url": "https://a.example/all",
    "agency": "Heron Press",
    "code": "HP",
    "timezone": "Asia/Kolkata",
    "language": "hi",
    "charset": "windows-1251",
    "trim": ["sign_offs", "end_marks"],
    "rights": "Heron Press 2026",
    "conserve": "unknown",
}
FEEDS = [{"name": "all", "title": "All"}]
DATED = "<pubDate>22 Nov 2026 06:00</pubDate></item>"
ITEM = item("g1", "Boats", f"{PROSE}&lt;/p&gt;&lt;p&gt;-30-")


def put(text: str) -> str:
    return text.replace("</item>", DATED)


def with_wires(config: ConfigOf, store: Store, now: datetime, *wires: dict[str, Any]) -> Life:
    life = Life(config(wires=list(wires), feeds=FEEDS), store, now)
    life.begin()
    return life


def the_one(life: Life) -> Story:
    with life.store.read() as conn:
        [story] = records.newest(conn, limit=9)
    return story


@pytest.fixture
def left(config: ConfigOf, store: Store) -> Life:
    """The house after it has published a story of a wire that has left since."""
    life = Life(config(wires=[LEFT, OTHER], feeds=FEEDS), store)
    life.begin()
    life.receive(put(ITEM))
    story = the_one(life)
    assert story.version.published == datetime(2026, 11, 22, 0, 30, tzinfo=UTC)
    assert (story.version.agency, story.version.language) == ("Heron Press", "hi")
    assert "-30-" in story.version.body
    assert b"-30-" not in life.bodies()["all", "rss"]
    return life


def test_what_is_published_of_it_stays_as_it_is(left: Life, config: ConfigOf) -> None:
    before = left.bodies()
    after = with_wires(config, left.store, left.now + timedelta(hours=1), OTHER)
    assert after.bodies() == before


def test_a_replay_of_its_captures_changes_nothing(left: Life, config: ConfigOf) -> None:
    after = with_wires(config, left.store, left.now + timedelta(hours=1), OTHER)
    before = the_one(after), after.bodies()
    assert after.replayed() == []
    assert (the_one(after), after.bodies()) == before


def test_so_does_a_rebuild(left: Life, config: ConfigOf, tmp_path: Path) -> None:
    after = with_wires(config, left.store, left.now + timedelta(hours=1), OTHER)
    with after.rebuilt(f"sqlite:///{tmp_path}/rebuilt.sqlite3") as other:
        assert after.bodies(other) == after.bodies()


def test_its_rules_are_the_last_ones_and_no_secret_is_kept(left: Life, config: ConfigOf) -> None:
    changed = {**LEFT, "timezone": "Asia/Dhaka", "headers": {"Authorization": "Bearer t0ken"}}
    with_wires(config, left.store, left.now, changed, OTHER)
    after = with_wires(config, left.store, left.now, OTHER)
    rules = rules_for(after.config, "w")
    assert (rules.timezone, rules.charset, rules.agency) == ("Asia/Dhaka", "cp1251", "Heron Press")
    assert rules.headers == {}
    assert after.config.wire("w") is None


def test_what_a_later_release_cannot_read_of_them_is_as_if_there_was_nothing(
    left: Life, config: ConfigOf
) -> None:
    for rules in (None, {"timezone": "Mars/Olympus"}, {"a rule that is no more": 1}):
        with left.store.write() as conn:
            conn.execute(update(table).where(table.c.name == "w").values(rules=rules))
        after = with_wires(config, left.store, left.now, OTHER)
        assert rules_for(after.config, "w").timezone == "UTC"
