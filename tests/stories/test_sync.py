"""Members start at once: each makes the wires follow the configuration, and none may fail."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event

from stories.config import Wire
from stories.db import Store, connect, hubs, wires

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CONFIGURED = [Wire(name=f"w{n}", url=f"https://agency.example/{n}.rss") for n in range(3)]


def test_another_member_adds_the_wires_while_we_are_about_to(store: Store) -> None:
    other = connect(store.engine.url.render_as_string(hide_password=False))
    came: list[str] = []

    def before(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        # On SQLite a transaction that writes is alone: the other one comes after, not between.
        if "INSERT INTO wires" in statement and not came and store.dialect == "postgresql":
            came.append(statement)
            with other.write() as theirs:
                wires.sync(theirs, CONFIGURED, NOW)

    event.listen(store.engine, "before_cursor_execute", before)
    with store.write() as conn:
        wires.sync(conn, CONFIGURED, NOW)
    event.remove(store.engine, "before_cursor_execute", before)
    with other.write() as conn:
        wires.sync(conn, CONFIGURED, NOW)
        assert [w.name for w in wires.every(conn)] == ["w0", "w1", "w2"]
    other.close()
    assert len(came) == (store.dialect == "postgresql")


@pytest.mark.parametrize("count", [66, pytest.param(66_000, marks=pytest.mark.slow)])
def test_more_wires_come_and_go_than_a_statement_binds(
    store: Store, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL binds 65,535 values, SQLite half as many; and a restart takes no n² steps."""
    if count < 1000:
        monkeypatch.setattr(wires, "CHUNK", 10)
    many = [CONFIGURED[0].model_copy(update={"name": f"w{n}"}) for n in range(count)]
    with store.write() as conn:
        wires.sync(conn, many, NOW)
        assert len(wires.take(conn, [w.name for w in many], NOW)) == len(many)
        wires.sync(conn, many[:2], NOW)
        kept = [w.name for w in wires.every(conn) if w.configured]
        assert sorted(kept) == ["w0", "w1"]


def test_wires_that_are_sent_to_us_do_not_share_a_host_with_each_other(store: Store) -> None:
    pushed = [Wire(name=name, url="push:") for name in ("pti", "ani")]
    with store.write() as conn:
        wires.sync(conn, pushed, NOW)
        assert {wire.host for wire in wires.named(conn, ["pti", "ani"])} == {"push:pti", "push:ani"}


def test_each_wire_that_may_be_pushed_asks_one_hub_whoever_starts(store: Store) -> None:
    """Also while another member is about to; and for more wires than a statement binds."""
    many = [Wire(name=f"w{n}", url="https://w.example/f", push=True) for n in range(1002)]
    said = {"hubs": ["https://hub.example/"], "topic": "https://w.example/feed"}
    with store.write() as conn:
        wires.sync(conn, many, NOW)
        about = {"fault": None, "channel": said}
        wires.note_content(conn, {wire.name: about for wire in many[:1001]})
    began, failed = threading.Barrier(2), list[BaseException]()

    def start() -> None:
        other = connect(store.engine.url.render_as_string(hide_password=False))
        try:
            began.wait(30)
            with other.write() as conn:
                hubs.sync(conn, many, "https://feeds.example", NOW)
        except BaseException as error:
            failed.append(error)
        other.close()

    members = [threading.Thread(target=start) for _ in range(2)]
    for member in members:
        member.start()
    for member in members:
        member.join()
    assert failed == []
    with store.read() as conn:
        rows = hubs.every(conn)
    assert sorted(row.wire for row in rows) == sorted(wire.name for wire in many[:1001])
    assert {(row.hub, row.topic) for row in rows} == {(said["hubs"][0], said["topic"])}
