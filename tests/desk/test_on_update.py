"""What a wire's update does to a headline of the desk: it stays, or is held for a second look."""

import json

import pytest

from desk.headline import publish
from publish import indexer
from publish.rerender import settings_digest
from publish.words import terms
from stories.config import Config
from stories.db import Store, search
from stories.db import stories as records
from stories.models import Story
from tests.conftest import ConfigOf
from tests.living import Life, item

WIRE = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
KEPT = "A paragraph that is long enough to show that the text is the same story."


@pytest.fixture
def held(config: ConfigOf, store: Store) -> Life:
    return _life(config(wires=[WIRE], desk={"on_update": "hold-headline"}), store)


@pytest.fixture
def kept(config: ConfigOf, store: Store) -> Life:
    return _life(config(wires=[WIRE]), store)


def _life(config: Config, store: Store) -> Life:
    life = Life(config, store)
    life.begin()
    return life


def updated(life: Life, headline: str = "Five dead", desk: str = "Three die in fire") -> Story:
    """A story whose headline the desk wrote, after its wire's update to *headline*."""
    life.receive(item("a", "Three dead", KEPT))
    life.edit(life.stories()["a"], desk)
    life.receive(item("a", headline, f"{KEPT}&lt;/p&gt;&lt;p&gt;Two more died."))
    return now(life)


def now(life: Life) -> Story:
    with life.store.read() as conn:
        story = records.one(conn, life.stories()["a"])
    assert story is not None
    return story


def title(life: Life) -> tuple[str, str]:
    """Headline and edit scope in the feed."""
    [entry] = json.loads(life.bodies()["all", "json"])["items"]
    return entry["title"], entry["_wirecopy"]["edit_scope"]


def test_a_headline_of_the_desk_stays_over_an_update(kept: Life) -> None:
    assert updated(kept).second_look
    assert title(kept) == ("Three die in fire", "headline-only")


def test_one_that_is_held_gives_way_to_the_wire_s_and_waits(held: Life) -> None:
    story = updated(held)
    assert title(held) == ("Five dead", "verbatim")
    assert (story.second_look, story.desk_headline) == (True, "Three die in fire")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Three die in fire", ("Three die in fire", "headline-only")),  # kept
        ("Five die in fire", ("Five die in fire", "headline-only")),  # rewritten
        (None, ("Five dead", "verbatim")),  # the wire's taken
    ],
)
def test_the_second_look_settles_it(held: Life, text: str | None, shown: tuple[str, str]) -> None:
    story = updated(held)
    held.edit(story.id, text)
    assert title(held) == shown
    assert not now(held).second_look


def test_it_is_held_in_the_same_transaction_and_by_what_an_editor_had_read(held: Life) -> None:
    story = updated(held)
    with held.frozen():
        publish(held.store, held.config, story.id, "Late words", "Ravi", seen=1)
    assert title(held) == ("Five dead", "verbatim"), "they were not written for this version"
    with held.frozen():
        publish(held.store, held.config, story.id, "Late words", "Ravi", seen=2)
    assert title(held) == ("Late words", "headline-only")


def test_where_the_wire_has_no_headline_the_desk_s_stays(held: Life) -> None:
    updated(held, headline="")
    assert title(held)[0] == "Three die in fire"


def test_nobody_finds_the_story_by_words_that_are_held(held: Life) -> None:
    story = updated(held)
    with held.frozen():
        indexer.index_waiting(held.store, held.config)
        with held.store.read() as conn:
            found = {
                word: [hit.story_id for hit in search.find(conn, terms(word), ["all"], None, 9)]
                for word in ("five", "die")
            }
    assert found == {"five": [story.id], "die": []}


def test_a_replay_finds_the_same(held: Life) -> None:
    updated(held)
    before = held.bodies()
    assert held.replayed() == []
    assert held.bodies() == before


def test_only_who_sets_it_has_everything_rendered_anew(config: ConfigOf) -> None:
    plain, said, held = (
        settings_digest(config(wires=[WIRE], desk=desk))
        for desk in ({"enabled": False}, {"on_update": "publish"}, {"on_update": "hold-headline"})
    )
    assert plain == said != held
