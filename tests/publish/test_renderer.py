"""Whoever lost the lease writes nothing: a worker that slept must not undo what was done since."""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime

import pytest

from desk import headline
from desk.headline import rewrite
from publish import renderer
from publish.render import Rendered, render_together
from publish.served import json_of, served
from stories import clock
from stories.config import Config
from stories.db import Store, connect, feeds, outbox
from stories.db import stories as records
from stories.errors import StoreError
from stories.models import Story
from tests.conftest import ConfigOf
from tests.publish.samples import english, hindi
from tests.publish.shelf import publish

Work = Sequence[tuple[Story, datetime | None]]


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def sleep(self) -> None:
        """Longer than any lease."""
        self.now += 2 * outbox.LEASE


@pytest.fixture
def time() -> Iterator[Time]:
    set_by_hand = Time()
    with clock.reading(set_by_hand):
        yield set_by_hand


def feed_of(store: Store, config: Config) -> bytes:
    with store.read() as conn:
        row = served(conn, config, config.outgoing[0].name, "json")
    assert row is not None
    return row.body


def waiting(store: Store) -> list[str]:
    with store.read() as conn:
        return [w.kind for w in outbox.waiting(conn, clock.now())]


def test_a_story_rendered_by_a_worker_that_slept(
    store: Store, config: ConfigOf, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has rendered the old headline; meanwhile the desk wrote one, and others rendered that."""
    conf, story = config(), english()
    publish(store, conf, story)
    with store.write() as conn:
        outbox.want(conn, "story", [story.id], clock.now())
    slept: list[str] = []

    def sleepy(found: Work, of: Config) -> list[Rendered | Exception]:
        done = render_together(found, of)
        if not slept:
            slept.extend(each.headline for each, _ in found)
            time.sleep()
            rewrite(store, story.id, "The desk wrote this", "Asha")
            assert renderer.render_waiting(store, conf) == 1
        return done

    monkeypatch.setattr(renderer, "render_together", sleepy)
    renderer.render_waiting(store, conf)
    assert slept == [story.headline]
    assert "The desk wrote this" in feed_of(store, conf).decode()
    with store.read() as conn:
        entry = feeds.entry(conn, story.id)
        assert entry is not None
        assert entry.changed_at == records.get(conn, [story.id])[0].changed_at
        assert b"The desk wrote this" in json_of(conn, conf, story, entry)
    assert waiting(store) == []


def test_feeds_whose_bytes_changed_are_named_once_they_can_be_read(
    store: Store, config: ConfigOf
) -> None:
    conf, story = config(), english()
    publish(store, conf, story)
    name = conf.outgoing[0].name
    told: list[str] = []

    def changed(names: Collection[str]) -> None:
        told.extend(names)
        assert "The desk wrote this" in feed_of(store, conf).decode()

    rewrite(store, story.id, "The desk wrote this", "Asha")
    renderer.render_waiting(store, conf, changed=changed)
    assert told == [name]
    with store.write() as conn:
        outbox.want(conn, "feed", [name], clock.now())
    renderer.render_waiting(store, conf, changed=changed)
    assert told == [name], "its bytes are what they were"


DESK = "The desk wrote this"


def test_a_headline_is_kept_and_published_in_one_transaction(
    store: Store, config: ConfigOf
) -> None:
    conf, story = config(), english()
    publish(store, conf, story)
    [name] = [feed.name for feed in conf.outgoing]
    told: list[Collection[str]] = []
    after = headline.publish(store, conf, story.id, DESK, "Asha", changed=told.append)
    assert (after.headline, told, waiting(store)) == (DESK, [[name]], [])
    assert DESK in feed_of(store, conf).decode()
    with store.read() as conn:
        assert records.one(conn, story.id) == after
    # As whoever renders and lists it in the usual way finds it.
    assert list(renderer.compare(store, conf, [story.id])) == []
    assert not renderer.render_feed(store, conf, name)


def test_a_headline_whose_rendering_breaks_off_was_never_written(
    store: Store, config: ConfigOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf, story = config(), english()
    publish(store, conf, story)
    before = feed_of(store, conf)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(feeds, "put_feed", killed)
    with pytest.raises(KeyboardInterrupt):
        headline.publish(store, conf, story.id, DESK, "Asha")
    monkeypatch.undo()
    with store.read() as conn:
        found = records.one(conn, story.id)
    assert found is not None
    assert (found.edits, waiting(store), feed_of(store, conf)) == (story.edits, [], before)


@pytest.mark.parametrize("why", ["claimed", "long", "unsigned"])
def test_a_headline_that_is_not_rendered_at_once_goes_the_usual_way(
    store: Store, config: ConfigOf, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    conf, story = config(), english()
    publish(store, conf, story)
    before = feed_of(store, conf)
    if why == "claimed":
        with store.write() as conn:
            outbox.want(conn, "story", [story.id], clock.now())
            outbox.claim(conn, "story", clock.now(), 1)
    elif why == "long":
        monkeypatch.setattr(renderer, "AT_ONCE", len(story.version.body) - 1)
    else:
        for file in conf.keys_folder.iterdir():
            file.unlink()
    after = headline.publish(store, conf, story.id, DESK, "Asha")
    assert after.headline == DESK
    with store.read() as conn:
        assert records.one(conn, story.id) == after
        failures = outbox.failures(conn)
    if why == "long":
        assert (DESK in feed_of(store, conf).decode(), waiting(store)) == (True, [])
    else:
        assert (feed_of(store, conf), waiting(store)) == (before, ["story"])
        assert bool(failures) == (why == "unsigned")


def test_headlines_are_written_while_others_render(store: Store, config: ConfigOf) -> None:
    conf, stories = config(), [english(), hindi()]
    publish(store, conf, *stories)
    failed: list[BaseException] = []

    def desk() -> None:
        for turn in range(12):
            headline.publish(store, conf, stories[turn % 2].id, f"{DESK} {turn}", "Asha")

    def worker() -> None:
        for _ in range(12):
            with store.write() as conn:
                outbox.want(conn, "story", [story.id for story in stories], clock.now())
            renderer.render_waiting(store, conf)

    def carried_out(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=carried_out, args=[work]) for work in (desk, worker)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    renderer.render_waiting(store, conf)
    assert (failed, waiting(store)) == ([], [])
    assert list(renderer.compare(store, conf, [story.id for story in stories])) == []
    shown = feed_of(store, conf).decode()
    assert f"{DESK} 10" in shown
    assert f"{DESK} 11" in shown


def test_a_database_that_is_lost_while_it_is_signed_is_no_failure_of_the_story(
    store: Store, config: ConfigOf, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is rendered as soon as its lease ends, and nobody is told that it cannot be."""
    conf, story = config(), english()

    def lost(_store: Store, _config: Config) -> None:
        connect("postgresql://nobody@127.0.0.1:1/nothing").migrate()

    with monkeypatch.context() as patched:
        patched.setattr(renderer, "ensure_keys", lost)
        with pytest.raises(StoreError):
            publish(store, conf, story)
    with store.read() as conn:
        assert outbox.failures(conn) == []
    time.sleep()
    assert renderer.render_waiting(store, conf) > 0
    assert story.headline in feed_of(store, conf).decode()
