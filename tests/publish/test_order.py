"""Every change of a feed has a number that only grows, and who follows them misses nothing."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk import hiding
from publish import renderer, rerender
from stories.config import Config
from stories.db import Store, connect, feeds
from stories.db.feeds import Change, Placement
from stories.models import ActKind
from tests.conftest import ConfigOf
from tests.living import DAY, START, Life, item


def ordered(life: Life, feed: str = "all", since: int = 0) -> list[tuple[int, str, bool, bool]]:
    """The changes after *since*, each story by the agency's id of it."""
    names = {story: guid for guid, story in life.stories().items()}
    with life.store.read() as conn:
        found = feeds.changes_since(conn, feed, since, 100)
    return [(each.seq, names[each.story_id], each.left, each.shown) for each in found]


def last(life: Life, feed: str = "all") -> int:
    with life.store.read() as conn:
        return feeds.newest(conn, feed)


@pytest.fixture
def conf(config: ConfigOf) -> Config:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
    return config(wires=[wire], feeds=[{"name": "all", "title": "All", "limit": 2}])


@pytest.fixture
def life(conf: Config, store: Store) -> Life:
    """Three stories, of which the feed shows two."""
    lived = Life(conf, store)
    lived.begin()
    lived.receive(item("a", "First"), item("b", "Second"), item("c", "Third"))
    return lived


def test_what_the_feed_never_showed_is_numbered_as_well(life: Life) -> None:
    """The wire's first is the newest; what came together is numbered from the feed's end."""
    assert ordered(life) == [
        (1, "c", False, False),
        (2, "b", False, True),
        (3, "a", False, True),
    ]
    assert last(life) == 3


def test_a_change_takes_the_next_number(life: Life) -> None:
    life.receive(item("a", "First"), item("b", "Second"), item("c", "Third, corrected"))
    assert [each[:2] for each in ordered(life, since=2)] == [(3, "a"), (4, "c")]
    life.now += DAY
    life.edit(life.stories()["b"], "By the desk")
    assert [each[:2] for each in ordered(life)] == [(3, "a"), (4, "c"), (5, "b")]


def test_rendering_again_is_no_change(life: Life, conf: Config) -> None:
    before = ordered(life)
    publisher = conf.publisher.model_copy(update={"name": "Another Name"})
    life.config = conf.model_copy(update={"publisher": publisher})
    with life.frozen():
        assert rerender.rerender_if_changed(life.store, life.config)
        assert renderer.render_waiting(life.store, life.config) >= 3
    assert ordered(life) == before


def test_leaving_a_feed_and_coming_back_are_changes(life: Life) -> None:
    story = life.stories()["a"]
    steps: tuple[tuple[ActKind, tuple[int, str, bool, bool]], ...] = (
        ("hold", (4, "a", True, False)),
        ("release", (5, "a", False, True)),
        ("kill", (6, "a", False, True)),  # its place is a notice's
    )
    for kind, found in steps:
        life.now += DAY
        with life.frozen():
            hiding.act(life.store, life.config, story, kind, "Asha", "a reason")
            renderer.render_waiting(life.store, life.config)
        assert ordered(life)[-1] == found
        assert [guid for _, guid, *_ in ordered(life)].count("a") == 1
        assert last(life) == found[0]


def test_no_number_is_given_twice(life: Life) -> None:
    """Not even when all that had one is gone, with the feed itself."""
    with life.store.write() as conn:
        feeds.drop_feeds(conn, [])
    assert ordered(life) == []
    life.receive(item("d", "Fourth"))
    assert [each[:2] for each in ordered(life)] == [(4, "d")]


CHANGES = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"),
            st.sampled_from(((), ("x",), ("x", "y"))),
            st.integers(0, 3),
            st.integers(0, 2),
        ),
        max_size=4,
        unique_by=lambda each: each[0],
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(CHANGES, st.integers(1, 3))
def test_who_follows_the_numbers_knows_every_place(
    scratch: Store, turns: list[list[tuple[str, tuple[str, ...], int, int]]], step: int
) -> None:
    """Whatever the times say: a change that is committed later may be of an earlier time."""
    with scratch.write() as conn:
        feeds.drop_feeds(conn, [])
        began = {feed: feeds.newest(conn, feed) for feed in "xy"}
    known: dict[str, dict[str, Change]] = {"x": {}, "y": {}}
    where: dict[str, tuple[str, ...]] = {}
    for turn in turns:
        with scratch.write() as conn:
            feeds.lock(conn)
            feeds.place(
                conn,
                [
                    Placement(story, into, START + timedelta(seconds=at), position)
                    for story, into, at, position in turn
                ],
            )
        where.update({story: into for story, into, *_ in turn})
        with scratch.read() as conn:
            for feed, seen in known.items():
                upto = max((each.seq for each in seen.values()), default=began[feed])
                while found := feeds.changes_since(conn, feed, upto, step):
                    assert [each.seq for each in found] == sorted({each.seq for each in found})
                    seen.update({each.story_id: each for each in found})
                    upto = found[-1].seq
                assert upto == feeds.newest(conn, feed)
                assert {name for name, each in seen.items() if not each.left} == {
                    name for name, into in where.items() if feed in into
                }


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of its own, as examples go through one test."""
    made = connect(tmp_path_factory.mktemp("scratch") / "s.sqlite3")
    made.migrate()
    return made
