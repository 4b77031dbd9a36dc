"""Two people and a wire at once: in whatever order, nobody overwrites what they have not read."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.headline import HeadlineError, MovedOnError
from desk.newsroom.acts import Desk, standing
from stories import clock
from stories.config import Config
from stories.db import Store, connect
from stories.db import stories as records
from stories.models import Story
from tests.conftest import ConfigOf
from tests.desk.newsroom.browsing import living
from tests.living import Life, empty_copy, item

BODY = "Nobody was hurt in the harbour today, the port's master said."


@pytest.fixture
def conf(config: ConfigOf) -> Config:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
    return config(wires=[wire], feeds=[{"name": "all", "title": "All"}], desk={})


def story(life: Life) -> Story:
    with life.store.read() as conn:
        (found,) = records.newest(conn)
    return found


@contextmanager
def lived(conf: Config, store: Store) -> Iterator[Life]:
    life = living(conf, store, item("one", "Ferry sinks", BODY))
    with clock.reading(lambda: life.now):
        yield life


PEOPLE = ("Meera", "Asha")

steps = st.lists(
    st.tuples(st.sampled_from(("reads", "writes", "undoes", "settles")), st.sampled_from(PEOPLE))
    | st.just(("sends", "wire")),
    min_size=4,
    max_size=10,
)


def test_whatever_the_order_only_what_was_read_is_written_over(
    conf: Config, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    template: Path = request.getfixturevalue("_sqlite_template")

    @given(steps)
    @settings(max_examples=8)
    def whatever_the_order(steps: list[tuple[str, str]]) -> None:
        file = tmp_path_factory.mktemp("order") / "store.sqlite3"
        store = connect(empty_copy(template, file))
        with lived(conf, store) as life:
            play(life, steps)
        store.close()

    whatever_the_order()


def play(life: Life, steps: list[tuple[str, str]]) -> None:
    desk = Desk(life.store, life.config, lambda _: None)
    read = dict.fromkeys(PEOPLE, standing(story(life)))
    for number, (what, who) in enumerate(steps):
        before = story(life)
        if what == "sends":
            life.receive(item("one", f"Ferry {number}", BODY), after=timedelta(minutes=1))
            assert story(life).edits == before.edits
            continue
        if what == "reads":
            read[who] = standing(before)
            continue
        done, told = True, before
        try:
            if what == "writes":
                desk.write(before.id, f"{who} {number}", who, read[who])
            elif what == "undoes":
                desk.undo(before.id, who, read[who])
            else:
                desk.settle(before.id, who, read[who])
        except MovedOnError as error:
            done, told = False, error.story
            assert read[who] != standing(before)
        except HeadlineError:  # nothing to undo, or to confirm
            done = False
            assert read[who] == standing(before)
        else:
            assert read[who] == standing(before)
        after = story(life)
        assert standing(told) == standing(before)
        # What stood is never lost, and all that is new is by who wrote it.
        assert after.edits[: len(before.edits)] == before.edits
        assert all(edit.by == who for edit in after.edits[len(before.edits) :])
        assert done or after.edits == before.edits
        if done:
            read[who] = standing(after)  # the page that answers shows it
            assert what != "writes" or after.desk_headline == f"{who} {number}"


@pytest.mark.repeated
def test_of_many_who_save_at_the_same_moment_one_is_published(conf: Config, store: Store) -> None:
    with lived(conf, store) as life:
        desk = Desk(life.store, life.config, lambda _: None)
        found = story(life)
        ready = threading.Barrier(4)
        outcomes: list[str] = []

        def save(name: str) -> None:
            ready.wait()
            try:
                desk.write(found.id, f"By {name}", name, standing(found))
                outcomes.append(name)
            except MovedOnError:
                outcomes.append("")

        threads = [threading.Thread(target=save, args=(f"Writer {n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (winner,) = filter(None, outcomes)
        assert len(outcomes) == 4
        assert [(e.text, e.by) for e in story(life).edits] == [(f"By {winner}", winner)]
