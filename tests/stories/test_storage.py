"""How much is kept and how it grows: on both databases."""

import random
import threading
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from stories.db import Store, captures, retention, storage, tables
from stories.db import stories as records
from stories.db.storage import Day, Volume
from stories.db.stories import VersionRow
from tests.conftest import ConfigOf
from tests.living import Life, feed, item

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

DOINGS = (
    "receive",
    "receive",
    "wait",
    "return",
    "replay",
    "expire",
    "withdraw",
    "drop",
    *2 * ["sum"],
)

Figures = tuple[Volume, list[Day]]


def version(story: str, capture_id: int, number: int = 1, at: datetime = NOW) -> VersionRow:
    return VersionRow(story, capture_id, number, 0, 0, 0, None, f"{number:064}", at, {}, {})


def add(store: Store, at: datetime, body: bytes, wire: str = "a") -> int:
    with store.write() as conn:
        return captures.add(conn, wire, at, "https://wire.example/", [], body)


def figures(store: Store, now: datetime = NOW, count: int = 7) -> Figures:
    with store.read() as conn:
        return storage.figures(conn, now, count)


def of_all(store: Store, now: datetime = NOW) -> Figures:
    """The figures when nothing is noted."""

    class UndoneError(Exception):
        pass

    with suppress(UndoneError), store.write() as conn:
        conn.execute(delete(tables.days))
        found = storage.figures(conn, now)
        raise UndoneError
    return found


def add_up(store: Store, now: datetime = NOW) -> list[date]:
    return list(storage.add_up(store, now))


def test_every_day_with_what_came_and_what_is_kept(store: Store) -> None:
    body = bytes(range(256)) * 40
    add(store, NOW - 9 * DAY, b"long ago")
    first = add(store, NOW - 2 * DAY, body)
    add(store, NOW - 2 * DAY, body, "b")
    # A moment before midnight, and midnight itself.
    midnight = NOW.replace(hour=0)
    add(store, midnight - timedelta(microseconds=1), b"x")
    add(store, midnight, b"yy")
    with store.write() as conn:
        records.put_versions(conn, [version("s", first)])
        records.put_versions(conn, [version("t", first)])
    before = figures(store, count=4)
    assert add_up(store) == [date(2026, 11, n) for n in (13, 20, 21)]
    assert add_up(store) == []
    volume, by_day = figures(store, count=4)
    assert (volume, by_day) == before
    assert (volume.captures, volume.received) == (5, 2 * len(body) + 11)
    assert [d.day for d in by_day] == [date(2026, 11, n) for n in (19, 20, 21, 22)]
    assert [d.captures for d in by_day] == [0, 2, 1, 1]
    assert [d.received for d in by_day] == [0, 2 * len(body), 1, 2]
    assert [d.versions for d in by_day] == [0, 2, 0, 0]
    assert by_day[0].kept == 0
    assert 0 < by_day[1].kept < len(body), "packed, and once"


def test_an_empty_store(store: Store) -> None:
    assert add_up(store) == []
    volume, by_day = figures(store, count=2)
    assert volume == Volume(0, 0, 0)
    assert by_day == [Day(date(2026, 11, 21)), Day(date(2026, 11, 22))]


def test_a_day_is_added_up_once_it_is_over_by_a_clock_that_is_right(store: Store) -> None:
    add(store, NOW, b"one")
    assert add_up(store, NOW) == []
    assert add_up(store, NOW + DAY) == [date(2026, 11, 22)], "the clock was ahead"
    add(store, NOW + HOUR, b"two")
    assert add_up(store, NOW + 2 * HOUR) == []
    assert figures(store, NOW + 2 * HOUR)[0].captures == 2
    assert add_up(store, NOW + DAY) == [date(2026, 11, 22)]
    assert figures(store, NOW + DAY) == of_all(store, NOW + DAY)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_noted_is_right_whatever_happens(store: Store, config: ConfigOf, seed: int) -> None:
    life = Life(config(wires=[{"name": "w", "url": "https://agency.example/w"}]), store)
    life.begin()
    rng, bodies, added_up = random.Random(seed), 0, 0
    for _ in range(40):
        before = life.now - rng.randrange(1, 8) * DAY
        match rng.choice(DOINGS):
            case "receive":
                bodies += 1
                life.receive(*(item(f"n{n}", f"Headline {n}") for n in range(bodies, bodies + 9)))
            case "wait":  # it comes, and is taken in when its day is over
                bodies += 1
                add(store, life.now, feed(item(f"n{bodies}", f"{bodies}")), "w")
                life.now += DAY
            case "return":  # what the wire had before; the bytes are kept once
                life.receive(item("n1", "Headline 1"), after=5 * HOUR)
            case "replay":
                life.replayed()
            case "expire":
                with store.write() as conn:
                    retention.expire(conn, before, life.now, 5)
            case "withdraw":
                with store.write() as conn:
                    retention.withdraw(conn, "w", before - 3 * DAY, life.now, 5)
            case "drop":
                with store.write() as conn:
                    retention.drop_captures(conn, before, 5)
            case "sum":
                added_up += len(add_up(store, life.now))
        assert figures(store, life.now) == of_all(store, life.now)
    assert added_up > 10


def test_who_changes_a_day_while_it_is_added_up_has_it_added_up_again(store: Store) -> None:
    number = add(store, NOW - 3 * DAY, b"old news")
    add(store, NOW - 2 * DAY, b"news")
    counting = threading.Thread(target=add_up, args=(store,))
    with store.write() as conn:
        storage.changed(conn, [number])
        counting.start()  # and waits for us
        counting.join(0.3)
        conn.execute(delete(tables.captures).where(tables.captures.c.id == number))
    counting.join()
    with store.read() as conn:
        assert len(conn.execute(select(tables.days)).all()) == 1
    assert figures(store) == of_all(store)
    assert figures(store)[0].captures == 1
