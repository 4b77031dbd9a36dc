"""Who locks several rows locks them in one order: transactions that meet wait, and never deadlock.

On PostgreSQL; on SQLite one transaction writes at a time, and these tests only see that it works.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, text
from structlog.testing import capture_logs

from ingest import intake
from publish import renderer
from publish.rerender import rerender_if_changed
from publish.served import served
from stories import clock
from stories.config import Config
from stories.db import Connection, Store, captures, names, outbox, wires
from stories.db import stories as records
from tests.conftest import ConfigOf
from tests.processes import until
from tests.publish.samples import english
from tests.publish.shelf import publish

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
ITEM = "<item><guid>1</guid><title>A headline</title><description>Words.</description></item>"
FEED = f'<rss version="2.0"><channel><title>A</title>{ITEM}</channel></rss>'.encode()


def somebody_waits(store: Store) -> bool:
    with store.engine.connect() as conn:
        return bool(conn.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar())


def meet(store: Store, first: Callable[[], object]) -> None:
    """Run *first* in a thread until it waits for a lock that we hold, or is done."""
    thread = threading.Thread(target=first, daemon=True)
    thread.start()
    if store.dialect == "postgresql":
        until(lambda: somebody_waits(store) or not thread.is_alive())
    meeting.append(thread)


meeting: list[threading.Thread] = []


@pytest.fixture(autouse=True)
def _nobody_left() -> None:
    meeting.clear()


def ended() -> None:
    for thread in meeting:
        thread.join(60)
        assert not thread.is_alive()


def test_a_poll_and_an_intake_of_one_wire(store: Store, config: ConfigOf) -> None:
    wire = {"name": "w", "url": "https://agency.example/f"}
    conf = config(wires=[wire])
    with store.write() as conn:
        wires.sync(conn, conf.wires, NOW)
        captures.add(conn, "w", NOW, wire["url"], [], FEED)
        outbox.want(conn, "ingest", ["w"], NOW)
        [polled] = wires.take(conn, ["w"], NOW)
    with clock.reading(lambda: NOW), capture_logs() as told:
        with store.write() as conn:  # as ingest.poll._keep does
            assert wires.finish_polls(conn, {"w": (polled.lease or "", {"state": "ok"})})
            meet(store, lambda: taken_in(store, conf))
            outbox.want(conn, "ingest", ["w"], NOW)
        ended()
        intake.take_in_waiting(store, conf)
    assert [line for line in told if line["log_level"] == "error"] == []
    with store.read() as conn:
        assert records.counts(conn) == (1, 1)


def test_a_poller_that_begins_and_an_intake_of_siblings(store: Store, config: ConfigOf) -> None:
    """The intake holds all wires of an agency, in their order; the newest row stands last."""
    conf = config(wires=[{"name": f"w{n}", "url": f"https://a.example/{n}"} for n in range(3)])
    names, failed = ["w0", "w1", "w2"], list[BaseException]()
    with store.write() as conn:
        wires.sync(conn, conf.wires, NOW)
        assert wires.lease(conn, "lease", names, NOW, NOW) == set(names)
    with store.write() as conn:
        wires.note_content(conn, {"w0": {"fault": None}})

    def locking(how: Callable[[Connection], object]) -> Callable[[], None]:
        def locks() -> None:
            try:
                with store.write() as conn:
                    how(conn)
            except BaseException as error:
                failed.append(error)

        return locks

    for how in (
        lambda conn: wires.begin(conn, "lease", names[::-1], NOW, NOW),
        lambda conn: wires.give_back(conn, "lease", names[::-1]),
        lambda conn: wires.take(conn, names[::-1], NOW),
    ):
        with store.write() as conn:
            wires.hold(conn, ["w0"])
            if store.dialect == "postgresql":  # on SQLite it would wait for our end
                meet(store, locking(how))
            wires.hold(conn, ["w1", "w2"])
        ended()
        if store.dialect == "sqlite":
            locking(how)()
    assert failed == []


def test_of_two_members_that_start_at_once_one_writes_what_changed(
    store: Store, config: ConfigOf
) -> None:
    def configured(agency: str) -> Config:
        url = "https://agency.example/"
        return config(wires=[{"name": n, "url": url + n, "agency": agency} for n in "abc"])

    written = list[int]()

    def note(
        _conn: object, _cursor: object, statement: str, given: Sequence[object], *_: Any
    ) -> None:
        if statement.startswith("UPDATE wires"):
            written.append(len(given) if isinstance(given, list) else 1)

    def second() -> None:
        with store.write() as conn:
            names.lock(conn)
            wires.sync(conn, configured("After").wires, NOW)

    with store.write() as conn:
        wires.sync(conn, configured("Before").wires, NOW)
    event.listen(store.engine, "before_cursor_execute", note)
    with store.write() as conn:
        names.lock(conn)
        wires.sync(conn, configured("After").wires, NOW)
        if store.dialect == "postgresql":  # on SQLite it would wait for our end
            meet(store, second)
    ended()
    if store.dialect == "sqlite":
        second()
    assert written == [3]
    with store.read() as conn:
        assert {w.agency for w in wires.every(conn)} == {"After"}


def test_the_press_and_a_changed_configuration(store: Store, config: ConfigOf) -> None:
    """A member that starts with another configuration wants everything rendered anew."""
    conf, story = config(), english()
    publish(store, conf, story)
    with store.write() as conn:
        outbox.want(conn, "story", [story.id], clock.now())
    publisher = {"name": "The Renamed Test", "url": conf.publisher.url}
    again = Config(**{**conf.model_dump(), "publisher": publisher})
    with store.write() as conn:  # as the renderer does: stories, then feeds
        [job] = outbox.claim(conn, "story", clock.now(), 1)
        assert outbox.renew(conn, job, clock.now())
        meet(store, lambda: assert_refreshed(store, again))
        outbox.want(conn, "feed", [conf.outgoing[0].name], clock.now())
        outbox.release(conn, [job])
    ended()
    renderer.render_waiting(store, again)
    with store.read() as conn:
        row = served(conn, again, conf.outgoing[0].name, "json")
    assert row is not None
    assert "The Renamed Test" in row.body.decode()


def taken_in(store: Store, conf: Config) -> None:
    assert intake.take_in_waiting(store, conf)


def assert_refreshed(store: Store, conf: Config) -> None:
    assert rerender_if_changed(store, conf)
