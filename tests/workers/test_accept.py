"""What somebody at the desk accepted out of quarantine is taken in by workers."""

from collections.abc import Iterator

import pytest

from publish import renderer
from stories.db import Store, captures, wire_acts
from stories.db.wire_acts import WireAct
from tests.conftest import ConfigOf
from tests.living import Life, item
from workers import app, tasks
from workers.address import Broker, client
from workers.process import Clients, Process

WIRE = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
PROSE = "The harbour office said on Sunday that the ferries would run again from Monday. " * 3
LOSSY = (
    "<item><guid>lossy</guid><title>Ferries run again</title><description>Ferries will run."
    f"</description><dispatch>{PROSE}</dispatch></item>"
)


@pytest.fixture
def broker(redis_url: str) -> Iterator[Broker]:
    with client(redis_url) as found:
        yield found


def test_what_was_accepted_out_of_quarantine_is_taken_in_a_part_at_a_time(
    monkeypatch: pytest.MonkeyPatch, config: ConfigOf, store: Store, broker: Broker
) -> None:
    life = Life(config(wires=[WIRE], feeds=[{"name": "all", "title": "All"}]), store)
    life.begin()
    for n in range(3):
        life.receive(LOSSY, item(f"n{n}", f"Headline {n}"))
    monkeypatch.setattr(
        tasks, "current", lambda **_: Process(life.config, store, Clients(), broker)
    )
    monkeypatch.setattr(tasks, "SECONDS_A_TASK", -1.0)
    app.configure(life.config)
    sent: list[object] = []
    monkeypatch.setattr(tasks, "send", sent.append)
    with life.frozen():
        tasks.sweep()
        assert tasks.accept not in sent
        with store.write() as conn:
            (problem, *_) = captures.problems_of(conn, 2)
            wire_acts.add(
                conn, WireAct("w", "accept", "Asha", life.now, 2, problem.position, problem.digest)
            )
        tasks.sweep()
        assert tasks.accept in sent
        turns = 0
        while tasks.accept in sent:
            sent.clear()
            tasks.accept()
            turns += 1
            assert turns < 9
        tasks.sweep()
        assert tasks.accept not in sent
        renderer.render_waiting(store, life.config)
    assert turns == 4, "three captures, and that nothing is left"
    assert "lossy" in life.stories()
    with store.read() as conn:
        assert captures.quarantined(conn) == set()
