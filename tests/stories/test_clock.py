"""The clock of a store on PostgreSQL: the server's, whatever the host's says.

The server is a real one, with a clock that can be set: a function of that name is found first.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from stories import clock
from stories.db import Store, connect, wires
from tests.conftest import ConfigOf, database
from tests.relay import relayed
from workers.dispatch import batches

SOON = timedelta(minutes=5)
"""For a busy machine; the clocks of these tests differ by an hour at least."""


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server's clock is followed yet, nor after the test."""
    monkeypatch.setattr(clock, "_offset", None)


@pytest.fixture
def server(postgres_url: str) -> Iterator[str]:
    """The URL of a database whose clock is ahead by what its table ``shift`` says."""
    with database(postgres_url) as url:
        store = connect(url)
        store.migrate()
        with store.write() as conn:
            conn.execute(text("CREATE TABLE shift AS SELECT interval '0' AS ahead"))
            conn.execute(
                text(
                    "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS"
                    " 'SELECT pg_catalog.clock_timestamp() + ahead FROM public.shift'"
                )
            )
            name = conn.execute(text("SELECT current_database()")).scalar()
            conn.execute(text(f"ALTER DATABASE {name} SET search_path = public, pg_catalog"))
        store.close()
        yield url


def shift(store: Store, ahead: timedelta) -> None:
    with store.write() as conn:
        conn.execute(text("UPDATE shift SET ahead = :ahead"), {"ahead": ahead})


def is_about(ahead: timedelta) -> bool:
    return abs(clock.now() - datetime.now(UTC) - ahead) < SOON


def test_it_is_the_servers_even_when_that_is_set_meanwhile(server: str) -> None:
    store = connect(server)
    for ahead in (timedelta(hours=1), timedelta(days=-1), timedelta(0)):
        shift(store, ahead)
        with store.read():
            assert is_about(ahead)
    store.close()


def test_a_host_that_is_an_hour_ahead_takes_over_no_lease(
    server: str, config: ConfigOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = config(wires=[{"name": "a", "url": "https://a.example/", "every": "1m"}])
    store = connect(server)
    with store.write() as conn:
        wires.sync(conn, made.wires, clock.now())
    assert len(batches(store, made, clock.now())) == 1
    monkeypatch.setattr(clock, "_offset", None)  # as in a process that starts on another host
    monkeypatch.setattr(clock, "_system", lambda: datetime.now(UTC) + timedelta(hours=1))
    with store.read():
        assert is_about(timedelta(0))
    assert batches(store, made, clock.now()) == []
    store.close()


def test_while_the_server_cannot_be_asked_its_clock_goes_on(server: str) -> None:
    with relayed(server) as (relay, through):
        store = connect(through)
        shift(store, timedelta(hours=1))
        with store.read():
            pass
        relay.close()
        with pytest.raises(Exception, match="cannot be opened"), store.read():
            pass
        assert is_about(timedelta(hours=1))
        store.close()


def test_on_sqlite_it_is_the_hosts(tmp_path: Path) -> None:
    store = connect(tmp_path / "store.sqlite3")
    store.migrate()
    assert clock._offset is None
    store.close()


@pytest.mark.parametrize(
    ("said", "then"),
    [
        (100.0, 0.0),  # within what the answer took: nothing is known better
        (99.95, 0.0),
        (100.5, 0.4),  # as little as it demands
        (99.5, -0.4),
        (3700.0, 3599.9),
    ],
)
def test_it_does_not_jump_about_with_the_delays_of_a_network(
    said: float, then: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "_offset", 90.0)
    clock.follow(said, 9.9, 10.1)
    assert clock._offset == pytest.approx(90.0 + then)
