"""Whoever lost the lease writes nothing: a worker that slept must not undo what was done since."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime

import pytest

from desk.headline import rewrite
from publish import renderer
from publish.render import Rendered, render
from publish.served import served
from stories import clock
from stories.config import Config
from stories.db import Store, feeds, outbox
from stories.db import stories as records
from stories.models import Story
from tests.conftest import ConfigOf
from tests.publish.samples import english
from tests.publish.shelf import publish


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

    def sleepy(found: Story, of: Config, ends: datetime | None) -> Rendered:
        done = render(found, of, ends)
        if not slept:
            slept.append(found.headline)
            time.sleep()
            rewrite(store, story.id, "The desk wrote this", "Asha")
            assert renderer.render_waiting(store, conf) == 1
        return done

    monkeypatch.setattr(renderer, "render", sleepy)
    renderer.render_waiting(store, conf)
    assert slept == [story.headline]
    assert "The desk wrote this" in feed_of(store, conf).decode()
    with store.read() as conn:
        entry = feeds.entry(conn, story.id)
        assert entry is not None
        assert entry.changed_at == records.get(conn, [story.id])[0].changed_at
        assert b"The desk wrote this" in entry.bytes_of("json")
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
