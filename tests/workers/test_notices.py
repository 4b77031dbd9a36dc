"""Notices: heard at once by who listens, missed by who does not, and no harm either way."""

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from stories import clock
from stories.config import Config, Publisher
from stories.db import Store, wires
from tests import servers
from tests.conftest import ConfigOf
from tests.processes import until
from workers import app, beat, queues, tasks
from workers.address import Broker, client
from workers.app import ROUTES
from workers.beat import COMPANY
from workers.notices import DUE, FEEDS, WORK, Listener, follow_feeds, tell, tell_feeds
from workers.process import Clients, Process

Heard = list[Collection[str] | None]


@pytest.fixture
def broker(redis_url: str) -> Iterator[Broker]:
    with client(redis_url, prefix="wirecopy:one:") as found:
        yield found


@contextmanager
def following(broker: Broker) -> Iterator[Heard]:
    """A web that follows its feeds, and what it has been told."""
    heard: Heard = []
    ended = threading.Event()
    thread = threading.Thread(target=follow_feeds, args=(broker, heard.append, ended))
    thread.start()
    try:
        until(lambda: heard)
        yield heard
    finally:
        ended.set()
        tell(broker, FEEDS, [])
        thread.join(10)
        assert not thread.is_alive()


def test_a_web_hears_which_feeds_changed(broker: Broker) -> None:
    with following(broker) as heard:
        assert heard == [None], "before it listened any may have changed"
        tell_feeds(broker, {"world", "india"})
        until(lambda: heard[1:] == [["india", "world"]])


def test_another_newsroom_on_the_same_redis_is_not_heard(broker: Broker, redis_url: str) -> None:
    with following(broker) as heard, client(redis_url, prefix="wirecopy:two:") as other:
        tell_feeds(other, ["theirs"])
        tell_feeds(broker, ["ours"])
        until(lambda: heard[1:])
        assert heard[1:] == [["ours"]]


@pytest.mark.parametrize("news", ["no JSON", '{"a": 1}', "12", '["a", 3, null]'])
def test_what_makes_no_sense_does_no_harm(broker: Broker, news: str) -> None:
    with following(broker) as heard:
        broker.publish(f"{broker.prefix}{FEEDS}", news)
        tell_feeds(broker, ["still"])
        # Where it began to listen anew after nonsense, it may have missed that.
        until(lambda: heard[-1] in (None, ["still"]) and len(heard) > 1)
        assert {type(name) for names in heard for name in names or ()} <= {str}


def test_after_a_broker_that_died_any_feed_may_have_changed() -> None:
    with servers.throwaway() as folder, ExitStack() as stack:
        url = servers.socket_url(folder / "redis.sock")
        broker = stack.enter_context(client(url))
        tell_feeds(broker, ["nobody"])  # there is no broker, and that is no error
        with servers.redis(folder):
            heard = stack.enter_context(following(broker))
        with servers.redis(folder):
            until(lambda: heard == [None, None])
            tell_feeds(broker, ["india"])
            until(lambda: heard[2:] == [["india"]])
            stack.close()


@pytest.fixture
def hourly(tmp_path: Path, redis_url: str) -> Iterator[tuple[beat.Ticks, Broker]]:
    """A beat that ticks once an hour, on a broker where nobody takes its ticks."""
    publisher = Publisher(name="The Daily Test", url="https://daily.example")
    config = Config(publisher=publisher, data=tmp_path / "data", redis_url=redis_url)
    celery = app.configure(config)
    for entry in celery.conf.beat_schedule.values():
        entry["schedule"] = 3600.0
    yield beat.Ticks(celery), celery.broker(5)
    app.configure(config)


@contextmanager
def telling(broker: Broker, seconds: object) -> Iterator[None]:
    """A dispatcher that says over and over when a wire is due."""
    ended = threading.Event()

    def say() -> None:
        while not ended.wait(0.01):
            tell(broker, DUE, seconds)

    thread = threading.Thread(target=say)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_beat_sends_the_dispatcher_when_a_wire_is_due(hourly: tuple[beat.Ticks, Broker]) -> None:
    ticks, broker = hourly
    dispatchers = ROUTES["workers.tasks.dispatch"]
    with telling(broker, 0.0):
        ticks.tick()  # all once, and then nothing for an hour, had nobody said more
    at_first = queues.depths(broker)
    assert at_first[dispatchers] == 1
    began = time.monotonic()
    with telling(broker, 0.0):
        for _ in range(3):
            ticks.tick()
    assert time.monotonic() - began >= 2 * COMPANY, "those due together are dispatched together"
    assert queues.depths(broker) == {**at_first, dispatchers: 4}


def test_beat_sends_the_sweep_when_a_web_says_that_work_has_come(
    hourly: tuple[beat.Ticks, Broker],
) -> None:
    ticks, broker = hourly
    sweeps = ROUTES["workers.tasks.sweep"]
    with telling(broker, WORK):
        ticks.tick()
        at_first = queues.depths(broker)
        began = time.monotonic()
        for _ in range(3):
            ticks.tick()
    assert time.monotonic() - began >= 2 * COMPANY, "those that come together are swept together"
    assert at_first[sweeps] == 1
    assert queues.depths(broker) == {**at_first, sweeps: 4}


def test_beat_passes_over_what_makes_no_sense(hourly: tuple[beat.Ticks, Broker]) -> None:
    ticks, broker = hourly
    with telling(broker, "soon"), telling(broker, None), telling(broker, 0.05):
        ticks.tick()


def test_a_dispatcher_says_when_the_next_wire_is_due(
    hourly: tuple[beat.Ticks, Broker],
    monkeypatch: pytest.MonkeyPatch,
    config: ConfigOf,
    store: Store,
) -> None:
    _, broker = hourly
    made = config(wires=[{"name": "w", "url": "https://w.example/"}])
    monkeypatch.setattr(tasks, "current", lambda **_: Process(made, store, Clients(), broker))
    with store.write() as conn:
        wires.sync(conn, made.wires, clock.now() + timedelta(seconds=0.9))
    listener = Listener(broker, DUE)
    listener.begin()
    tasks.dispatch()
    seconds = listener.hear(10)
    assert isinstance(seconds, float)
    assert 0 < seconds < 0.9
    listener.end()


def test_work_is_told_of_at_once_then_now_and_then_and_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[float] = []
    now = 100.0
    monkeypatch.setattr(tasks, "wake", lambda _: sent.append(now))
    monkeypatch.setattr("workers.tasks.time.monotonic", lambda: now)
    with tasks.waking(tasks.ingest) as there_is_work:
        assert sent == []
        for moment in (100.0, 100.01, 100.06, 100.07):
            now = moment
            there_is_work()
        assert sent == [100.0, 100.06]
    assert sent == [100.0, 100.06, 100.07]
    with tasks.waking(tasks.ingest):
        pass
    assert len(sent) == 3
