"""The sweep: work that waits and that nobody was told of is begun all the same."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from publish import renderer, rerender
from stories.db import Store, feeds, hubs, outbox
from tests import hostile
from tests.conftest import ConfigOf
from tests.ingest.formats.test_news_formats import RAIN
from tests.ingest.newswires import WRITERS
from tests.living import Life, item
from tests.publish.drawn import drawn
from tests.publish.test_pictures import Agency
from tests.serving import served
from workers import app, tasks
from workers.address import Broker, client
from workers.process import Clients, Process

WIRE = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}


@pytest.fixture
def broker(redis_url: str) -> Iterator[Broker]:
    with client(redis_url) as found:
        yield found


def test_what_is_rendered_again_goes_on_step_by_step(
    monkeypatch: pytest.MonkeyPatch, config: ConfigOf, store: Store, broker: Broker
) -> None:
    monkeypatch.setattr(rerender, "STEP", 2)
    shown = [{"name": "all", "title": "All", "limit": 1}]
    life = Life(config(wires=[WIRE], feeds=shown), store)
    life.begin()
    for n in range(5):
        life.receive(item(f"n{n}", f"Headline {n}"))
    stories = life.stories()
    life.config = config(wires=[WIRE], feeds=shown, disclosures={"verbatim": "As it came."})
    monkeypatch.setattr(
        tasks, "current", lambda **_: Process(life.config, store, Clients(), broker)
    )
    app.configure(life.config)
    sent: list[object] = []
    monkeypatch.setattr(tasks, "send", sent.append)
    with life.frozen():
        assert rerender.rerender_if_changed(store, life.config)
        turns = []
        for _ in range(4):
            with store.read() as conn:
                turns.append(sorted(outbox.missing(conn, "story", list(stories.values()))))
            renderer.render_waiting(store, life.config)
            sent.clear()
            tasks.sweep()
            assert (tasks.render in sent) == (len(turns) < 3)
    with store.read() as conn:
        told = [row.disclosure for row in feeds.entries_of(conn, list(stories.values())).values()]
        assert rerender.upto(conn) is None
    assert told == ["As it came."] * 5
    waiting = [{guid for guid, name in stories.items() if name not in turn} for turn in turns]
    assert waiting == [{"n4", "n3"}, {"n2", "n1"}, {"n0"}, set()], "newest first"


def test_an_embargo_that_ends_is_work_without_a_poll(
    monkeypatch: pytest.MonkeyPatch, config: ConfigOf, store: Store, broker: Broker
) -> None:
    life = Life(config(wires=[WIRE], feeds=[{"name": "all", "title": "All"}]), store)
    life.begin()
    until = f"{life.now + timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
    life.receive_bytes(WRITERS["nitf"](replace(RAIN, embargo=until)))
    with life.frozen():
        renderer.render_waiting(store, life.config)
    monkeypatch.setattr(
        tasks, "current", lambda **_: Process(life.config, store, Clients(), broker)
    )
    app.configure(life.config)
    sent: list[object] = []
    monkeypatch.setattr(tasks, "send", sent.append)
    for hours, due in ((0, False), (23, False), (1, True)):
        life.now += timedelta(hours=hours)
        sent.clear()
        with life.frozen():
            tasks.sweep()
        assert (tasks.render in sent) == due, hours
    with life.frozen():
        assert renderer.render_waiting(store, life.config)
        sent.clear()
        tasks.sweep()
    assert tasks.render not in sent, "once"


def test_a_hub_that_is_due_is_asked(
    monkeypatch: pytest.MonkeyPatch, config: ConfigOf, store: Store, broker: Broker
) -> None:
    with hostile.serve() as agency:
        agency.route("/hub", lambda exchange: exchange.reply(202))
        wire = {**WIRE, "url": f"{agency.url}/feed", "allow_private": True, "push": True}
        life = Life(config(wires=[wire]), store)
        life.begin()
        monkeypatch.setattr(
            tasks, "current", lambda **_: Process(life.config, store, Clients(), broker)
        )
        app.configure(life.config)
        sent: list[object] = []
        monkeypatch.setattr(tasks, "send", sent.append)
        with life.frozen():
            for expected in ([], [tasks.subscribe], []):
                sent.clear()
                tasks.sweep()
                assert [task for task in sent if task is tasks.subscribe] == expected
                if not expected and not agency.seen("/hub"):
                    with store.write() as conn:
                        hubs.found(conn, life.config.wires[0], [f"{agency.url}/hub"], "t", life.now)
                else:
                    tasks.subscribe()
        [asked] = agency.seen("/hub")
        assert b"hub.mode=subscribe" in asked.body


def test_pictures_that_wait_are_kept_by_whoever_is_told(
    monkeypatch: pytest.MonkeyPatch, config: ConfigOf, store: Store, broker: Broker
) -> None:
    granted = {**WIRE, "allow_private": True, "grants": ["pictures"]}
    feed = {"name": "all", "title": "All"}
    life = Life(config(wires=[granted], feeds=[feed], media={"keep": True}), store)
    life.begin()
    agency = Agency({"/a.jpg": (200, drawn())})
    with served(agency) as port:
        picture = f"<img src='http://127.0.0.1:{port.number}/a.jpg'>".replace("<", "&lt;")
        life.receive(item("a", "Rain", f"Words.{picture}"))
        here = Process(life.config, store, Clients(), broker)
        monkeypatch.setattr(tasks, "current", lambda **_: here)
        app.configure(life.config)
        sent: list[object] = []
        monkeypatch.setattr(tasks, "send", sent.append)
        with life.frozen():
            tasks.sweep()
            assert tasks.pictures in sent
            tasks.pictures()
            sent.clear()
            tasks.sweep()
    assert tasks.pictures not in sent
    assert agency.asked == ["/a.jpg"]
