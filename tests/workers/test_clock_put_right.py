"""A clock that ran two years ahead for a while, and was put right."""

from datetime import UTC, datetime, timedelta

from stories import clock
from stories.db import Store, alerts, outbox, wires
from tests.conftest import ConfigOf
from workers import alerts as watcher
from workers.dispatch import batches

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
WRONG = NOW + timedelta(days=700)
NAMES = ["a", "b"]


def test_everything_goes_on_by_itself(config: ConfigOf, store: Store) -> None:
    made = config(wires=[{"name": n, "url": f"https://{n}.example/", "every": "1m"} for n in NAMES])
    with store.write() as conn, clock.reading(lambda: WRONG):
        wires.sync(conn, made.wires[:1], WRONG)
        [polled] = wires.take(conn, ["a"], WRONG + timedelta(minutes=1))
        values = {"polled_at": WRONG, "due_at": WRONG + timedelta(minutes=1), "news": [NOW, WRONG]}
        wires.finish_polls(conn, {"a": (polled.lease or "", values)})
        wires.take(conn, ["a"], WRONG + timedelta(minutes=1))  # and one that was killed
        wires.sync(conn, made.wires, WRONG)
        outbox.want(conn, "story", ["one", "two"], WRONG)
        outbox.claim(conn, "story", WRONG, 1)
    assert batches(store, made, NOW) == []
    with store.write() as conn:
        assert outbox.claim(conn, "story", NOW, 9) == []
    assert watcher.put_clock_right(store, NOW) == 4
    assert sorted(n for batch in batches(store, made, NOW) for n in batch.names) == NAMES
    with store.write() as conn:
        assert len(outbox.claim(conn, "story", NOW, 9)) == 2
        assert wires.every(conn)[0].news == [NOW]
        assert [each.kind for each in alerts.standing(conn)] == ["clock"]
    assert watcher.put_clock_right(store, NOW) == 0
    watcher.update(store, NOW + timedelta(days=2))
    with store.read() as conn:
        assert alerts.standing(conn) == []


def test_what_is_only_due_later_is_left_alone(config: ConfigOf, store: Store) -> None:
    """A Retry-After of a day, work that failed for long, another machine a minute ahead."""
    made = config(wires=[{"name": n, "url": f"https://{n}.example/", "every": "1m"} for n in NAMES])
    with store.write() as conn, clock.reading(lambda: NOW + timedelta(minutes=1)):
        wires.sync(conn, made.wires, NOW + timedelta(minutes=1))
        [polled] = wires.take(conn, ["a"], NOW + timedelta(minutes=1))
        values = {"polled_at": NOW + timedelta(minutes=1), "due_at": NOW + timedelta(days=6)}
        wires.finish_polls(conn, {"a": (polled.lease or "", values)})
        outbox.want(conn, "story", ["one"], NOW)
        [job] = outbox.claim(conn, "story", NOW, 1)
        outbox.failed(conn, job, "no", NOW + timedelta(minutes=1), outbox.RETRY_LONGEST)
    assert watcher.put_clock_right(store, NOW) == 0
