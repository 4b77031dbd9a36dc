"""What one transaction writes of a story, another that met it does not undo.

On PostgreSQL; on SQLite one transaction writes at a time, and these tests only see that it works.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from desk import headline, hiding
from ingest import intake, parse, replay
from publish import renderer
from stories.db import Connection, Store, captures, outbox
from stories.db import stories as records
from stories.db.tables import stories
from tests.conftest import ConfigOf
from tests.living import Life, feed, item
from tests.test_locks import ended, meet

WIRE = {"name": "w", "agency": "A", "url": "https://agency.example/f"}

ACTS: dict[str, tuple[Callable[[Life, str], object], str, str]] = {
    "a kill": (
        lambda life, story: hiding.act(life.store, life.config, story, "kill", "Asha", "false"),
        "killed",
        "Rain",
    ),
    "a headline": (
        lambda life, story: headline.publish(life.store, life.config, story, "Wet", "Asha"),
        "usable",
        "Wet",
    ),
}


@pytest.fixture
def life(store: Store, config: ConfigOf) -> Life:
    found = Life(config(wires=[WIRE]), store)
    found.begin()
    found.receive(item("a", "Rain", "First."))
    return found


def deliver(life: Life) -> None:
    """A capture with a correction, which is not taken in yet."""
    life.now += timedelta(minutes=1)
    with life.store.write() as conn:
        body = feed(item("a", "Rain", "Corrected."))
        captures.add(conn, "w", life.now, "https://agency.example/f", [], body)
        outbox.want(conn, "ingest", ["w"], life.now)


def take_in(life: Life) -> None:
    assert list(replay.take_in_all(life.store, life.config, ["w"], parse.parse))


def stands(life: Life, status: str, shown: str) -> None:
    """The story is as both have left it, and as it would be published anew."""
    renderer.render_waiting(life.store, life.config)
    [name] = life.stories().values()
    with life.store.read() as conn:
        story = records.one(conn, name)
        row = records.newest(conn, limit=1)[0]
        assert not records.embargo_over(conn, life.now)
    assert story is not None
    assert (story.number, row.number) == (2, 2)
    assert "Corrected." in story.version.body
    assert (story.status, story.headline) == (status, shown)
    assert list(renderer.compare(life.store, life.config, [name])) == []
    [feed] = [body for (_, format), body in life.bodies().items() if format == "json"]
    assert (b"Corrected." in feed) == (status == "usable")
    assert b"First." not in feed


@pytest.mark.parametrize("what", ACTS)
def test_the_desk_acts_while_a_correction_is_taken_in(
    life: Life, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    act, status, shown = ACTS[what]
    [story] = life.stories().values()
    deliver(life)
    settle = intake._settle

    def slowly(conn: Connection, *given: Any) -> object:
        settled = settle(conn, *given)
        meet(life.store, lambda: act(life, story))
        return settled

    with life.frozen():
        with monkeypatch.context() as patch:
            patch.setattr(intake, "_settle", slowly)
            take_in(life)
        ended()
        stands(life, status, shown)


@pytest.mark.parametrize("what", ACTS)
def test_a_correction_is_taken_in_while_the_desk_acts(
    life: Life, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    act, status, shown = ACTS[what]
    [story] = life.stories().values()
    deliver(life)
    at_once = renderer.render_at_once

    def slowly(*given: Any) -> list[str] | None:
        meet(life.store, lambda: take_in(life))
        return at_once(*given)

    with life.frozen():
        with monkeypatch.context() as patch:
            patch.setattr(renderer, "render_at_once", slowly)
            act(life, story)
        ended()
        stands(life, status, shown)


def test_an_embargo_that_ends_while_another_is_set(life: Life) -> None:
    [story] = life.stories().values()
    mine = update(stories).where(stories.c.id == story)
    later = life.now + timedelta(hours=1)

    def end() -> None:
        with life.store.write() as conn:
            records.end_embargoes(conn, life.now)

    with life.store.write() as conn:
        conn.execute(mine.values(embargo=life.now))
    with life.store.write() as conn:
        conn.execute(mine.values(embargo=later))
        if life.store.dialect == "postgresql":  # on SQLite it would wait for our end
            meet(life.store, end)
    ended()
    with life.store.read() as conn:
        assert records.embargoed_until(conn, later) == [story]
