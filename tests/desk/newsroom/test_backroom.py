"""Wires and quarantine at the desk."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ingest import parse, replay
from publish import renderer
from stories import clock
from stories.db import Store, captures, feeds, hubs, queues, statistics, wire_acts, wires
from stories.db import stories as records
from stories.models import WireState
from tests.conftest import ConfigOf
from tests.desk.newsroom.browsing import Browser, living, newsroom, signed_in
from tests.living import DAY, Life, item

PROSE = "The harbour office said on Sunday that the ferries would run again from Monday. " * 3
LOST = (
    "<item><guid>lossy</guid><title>Ferries run again</title><description>Ferries will run."
    f"</description><dispatch>{PROSE}</dispatch></item>"
)


@pytest.fixture
def life(config: ConfigOf, store: Store) -> Iterator[Life]:
    found = living(
        config(
            wires=[
                {"name": "w", "agency": "Agency", "url": "https://agency.example/f"},
                {"name": "v", "agency": "Agency", "url": "https://agency.example/g"},
            ]
        ),
        store,
    )
    with found.frozen():
        yield found


def browser(life: Life, name: str = "Asha", role: str = "editor") -> Browser:
    return signed_in(newsroom(life), life.store, name, role)  # type: ignore[arg-type]


# Wires


def test_a_wire_is_polled_at_once_paused_and_resumed(life: Life) -> None:
    def state() -> WireState:
        with life.store.read() as conn:
            found = wires.get(conn, "w")
        assert found is not None
        return found

    chief = browser(life, "Meera", "chief")
    assert chief.opened("/wires").status == 200
    chief.opened("/wires/w")
    assert chief.send("/wires/w/poll").status == 303
    assert (state().due_because, state().lane) == ("asked for by Meera", 1)

    chief.opened("/wires/w")
    assert chief.send("/wires/w/pause").status == 303
    with life.store.write() as conn:
        assert wires.lease(conn, "x", ["w"], clock.now() + DAY, clock.now() + 2 * DAY) == set()
    said = chief.opened("/wires/w").words
    assert "It is paused since" in said
    assert "paused by Meera" in said
    assert "Poll now" not in said
    assert chief.send("/wires/w/resume").status == 303
    assert state().paused_at is None
    with life.store.read() as conn:
        found = wire_acts.of_wire(conn, "w", 9)
    assert [(each.kind, each.by) for each in found] == [
        ("resume", "Meera"),
        ("pause", "Meera"),
        ("poll", "Meera"),
    ]
    assert "Meera: pause" in chief.opened("/wires/w").words


def test_a_wire_that_its_hub_pushes_says_until_when_and_how_that_goes(life: Life) -> None:
    asha = browser(life)
    assert "Its hub" not in asha.opened("/wires/w").words
    with life.store.write() as conn:
        wire = life.config.wires[0]
        hubs.found(conn, wire, ["https://hub.example/"], "https://agency.example/f", life.now)
    assert "https://hub.example/ does not push it yet" in asha.opened("/wires/w").words
    with life.store.write() as conn:
        (asked,) = hubs.every(conn)
        hubs.granted(conn, asked.token, DAY, life.now)
    said = asha.opened("/wires/w").words
    assert "pushes it until" in said
    assert "it has pushed 0 times" in said
    assert "Its hub" not in asha.opened("/wires/v").words


def test_a_poll_under_way_does_not_resume_what_was_paused(life: Life) -> None:
    with life.store.write() as conn:
        wires.sync(conn, life.config.wires, clock.now())
        (taken,) = wires.take(conn, ["w"], clock.now() + DAY)
        assert wires.pause(conn, "w", "Meera", clock.now())
        assert not wires.finish_polls(conn, {"w": (taken.lease or "", {"paused_at": None})})
        assert not wires.hasten(conn, "w", "Meera", clock.now())


def test_a_server_that_asked_to_wait_is_not_hurried(life: Life) -> None:
    with life.store.write() as conn:
        wires.sync(conn, life.config.wires, clock.now())
        wires.take(conn, ["w"], clock.now() + DAY)
        assert not wires.hasten(conn, "w", "Meera", clock.now())
    asha = browser(life)
    asha.opened("/wires/w")
    refused = asha.send("/wires/w/poll")
    assert refused.status == 422
    assert "nothing was changed" in refused.words


def test_only_a_chief_pauses(life: Life) -> None:
    asha = browser(life)
    token = asha.opened("/wires/w").page.xpath("string(//input[@name='csrf']/@value)")
    assert asha.ask("/wires/w/pause", {"csrf": token}).status == 403
    assert asha.ask("/wires/w/poll", {}).status == 403
    assert browser(life, "Ravi", "reader").opened("/wires/nowhere").status == 404


# Quarantine


def accepted(life: Life) -> None:
    """What the workers do of what was accepted."""
    with life.frozen():
        while replay.take_in_accepted(life.store, life.config, reader=parse.parse):
            pass
        renderer.render_waiting(life.store, life.config)


def shown(life: Life) -> dict[str, tuple[str, str]]:
    """Scope and disclosure of each entry, by headline."""
    with life.store.read() as conn:
        stories = records.newest(conn, limit=20)
        rows = feeds.entries_of(conn, [story.id for story in stories])
        return {s.headline: (rows[s.id].scope, rows[s.id].disclosure) for s in stories}


def test_what_lost_text_is_taken_in_without_a_claim(life: Life) -> None:
    number = life.receive(LOST, item("good", "Rain stops play"))
    assert [*shown(life)] == ["Rain stops play"]
    with life.frozen():
        asha = browser(life)
        assert f"capture {number}, item 1" in asha.opened("/quarantine").words
        page = asha.opened(f"/quarantine/{number}/1")
        assert "The harbour office said" in " ".join(
            each.text_content() for each in page.page.iter("del")
        )
        assert asha.send(f"/quarantine/{number}/1/accept").status == 303
        assert "nobody" not in asha.opened("/quarantine").words.lower().replace("somebody", "")
    accepted(life)
    assert shown(life)["Ferries run again"] == ("unknown", "")
    with life.store.read() as conn:
        assert captures.problems_of(conn, number) == []
        assert wire_acts.waiting(conn) == {}

    # It stands on the wire, and comes again; nothing else happens to it.
    later = life.receive(LOST, item("good", "Rain stops play"), item("new", "Sun shines"))
    with life.store.read() as conn:
        assert captures.problems_of(conn, later) == []
    assert shown(life)["Ferries run again"] == ("unknown", "")
    assert life.replayed() == []


def test_other_bytes_of_it_are_looked_at_again(life: Life) -> None:
    life.receive(LOST)
    accept(life, 1)
    accepted(life)
    number = life.receive(LOST.replace("from Monday", "from Tuesday"))
    with life.store.read() as conn:
        (problem,) = captures.problems_of(conn, number)
    assert problem.state == "text-lost"


def accept(life: Life, number: int) -> None:
    with life.frozen():
        asha = browser(life)
        asha.opened(f"/quarantine/{number}/1")
        assert asha.send(f"/quarantine/{number}/1/accept").status == 303


def test_a_rebuild_takes_it_in_too(life: Life, tmp_path: Path) -> None:
    life.receive(LOST, item("good", "Rain stops play"))
    life.receive(LOST, item("more", "Sun shines"))
    accept(life, 2)
    accepted(life)
    before = life.bodies()
    with life.rebuilt(f"sqlite:///{tmp_path}/other.sqlite3") as other:
        assert life.bodies(other) == before


def test_two_accepts_on_one_wire_are_both_taken_in(life: Life) -> None:
    other = LOST.replace("lossy", "other").replace("Ferries run", "Trains run")
    life.receive(LOST)
    life.receive(LOST, other)
    life.receive(item("x", "Sun shines"))
    accept(life, 1)
    with life.frozen():  # the first is half done
        assert replay.take_in_accepted(life.store, life.config, -1.0, reader=parse.parse)
        meera = browser(life, "Meera")
        meera.opened("/quarantine/2/2")
        assert meera.send("/quarantine/2/2/accept").status == 303
    accepted(life)
    assert {"Ferries run again", "Trains run again"} <= {*shown(life)}


def counted(life: Life) -> tuple[int, int]:
    """What is in quarantine by the desk's tab, and how often it came by the status."""
    with life.store.read() as conn:
        tab = queues.counts(conn, life.now, "")["quarantine"]
        return tab, statistics.quarantined_since(conn, life.now - timedelta(days=7))[0]


def test_what_is_left_stays_and_is_listed_no_more(life: Life) -> None:
    first = life.receive(LOST)
    life.receive(LOST, item("x", "Sun shines"))
    with life.frozen():
        asha = browser(life)
        assert asha.opened("/quarantine").text.count("text-lost") == 1
        assert counted(life) == (1, 2)
        asha.opened(f"/quarantine/{first}/1")
        assert asha.send(f"/quarantine/{first}/1/leave").status == 303
        assert "text-lost" not in asha.opened("/quarantine").text
        assert counted(life) == (0, 0)
        # Another one who has the page open since before does not act upon what is settled.
        page = asha.opened(f"/quarantine/{first}/1")
        assert "Left here by Asha" in page.words
        token = page.page.xpath("string(//input[@name='csrf']/@value)")
        late = asha.ask(f"/quarantine/{first}/1/accept", {"csrf": token, "seen": ""})
        assert late.status == 409
    with life.store.read() as conn:
        assert len(captures.problems_of(conn, first)) == 1


def test_a_whole_capture_can_only_be_left(life: Life) -> None:
    number = life.receive_bytes(b"no feed at all")
    with life.frozen():
        asha = browser(life)
        page = asha.opened(f"/quarantine/{number}")
        assert page.status == 200
        token = page.page.xpath("string(//input[@name='csrf']/@value)")
        refused = asha.ask(f"/quarantine/{number}/accept", {"csrf": token, "seen": ""})
        assert refused.status == 422
        asha.opened(f"/quarantine/{number}")
        assert asha.send(f"/quarantine/{number}/leave").status == 303
        assert f"capture {number}" not in asha.opened("/quarantine").words
        assert asha.opened("/quarantine/99/1").status == 404
        assert asha.opened(f"/quarantine/{'9' * 30}/1").status == 404
