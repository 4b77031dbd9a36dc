"""``wirecopy up`` as it runs in earnest: real members and a real broker, killed at will."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest

from desk.demo.server import running
from desk.headline import rewrite
from ingest import intake, replay
from publish import renderer
from publish.rerender import rerender_if_changed
from publish.served import served
from stories import clock
from stories.config import Config, load
from stories.db import Store, captures, connect, feeds, outbox, tables
from stories.db import stories as records
from tests import hostile
from tests.load.load import Load, versions_served
from tests.load.server import serve
from tests.processes import gone, until
from tests.serving import free_port

WIRECOPY = Path(sys.executable).with_name("wirecopy")


@dataclass
class Running:
    """A supervisor and what it has said so far."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        return self.folder / "up.log"

    def start(self) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("WIRECOPY_")}
        clean.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling all of it takes most of a start
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [WIRECOPY, "up"],
                cwd=self.folder,
                env={**clean, **self.environment, "WIRECOPY_LOG": "json"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def pids(self) -> dict[str, int]:
        """The latest process of each member."""
        found = {}
        for line in self.log.read_text(encoding="utf-8").split("\n"):
            if line.startswith("{") and '"started"' in line:
                said = json.loads(line)
                if said.get("event") == "started" and "member" in said:
                    found[said["member"]] = said["pid"]
        return found

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=90)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except OSError:
        return 0, b""


@contextmanager
def config(
    folder: Path, agency: str, wires: int, **environment: str
) -> Iterator[tuple[Running, Config, Store]]:
    lines = [
        '[publisher]\nname = "Chronicle"\nurl = "https://www.chronicle.example"\n',
        '[politeness]\nper_host = 100\nper_agency = 100\ngap = "0s"\n',
    ]
    lines += [
        f'[[wires]]\nname = "w{n}"\nagency = "Simulated"\nurl = "{agency}/w/{n}.rss"\n'
        'every = "1s"\nallow_private = true\ntimeout = "5s"\n'
        for n in range(wires)
    ]
    lines.append('[[feeds]]\nname = "all"\ntitle = "All"\nlimit = 500\n')
    with running_up(folder, lines, **environment) as running:
        yield running


@contextmanager
def running_up(
    folder: Path, lines: Sequence[str], **environment: str
) -> Iterator[tuple[Running, Config, Store]]:
    """``wirecopy up`` on the configuration of those *lines*, its site on a free port."""
    site = f'[site]\nurl = "http://127.0.0.1:{free_port()}"\n'
    config_file = folder / "wirecopy.toml"
    config_file.write_text("\n".join([*lines, site]))
    up = Running(folder, environment)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        conf = load(config_file)
    up.start()
    store = connect(conf.database)
    try:
        until(lambda: get(f"{conf.site.url}/readyz")[0] == 200)
        yield up, conf, store
    finally:
        store.close()
        if up.process is not None and up.process.poll() is None:
            up.stop()


def headlines(store: Store) -> list[tuple[str, str, str]]:
    """Every version on record: wire, the agency's id, headline and the end of its body."""
    with store.read() as conn:
        return [
            (row.data["wire"], row.data["agency_id"], row.data["headline"] + row.data["body"][-40:])
            for story in records.ids_after(conn, "", 10**6)
            for row in records.history(conn, story)
        ]


def test_what_comes_is_served_and_nothing_is_left_behind(tmp_path: Path) -> None:
    lines = ['[publisher]\nname = "Chronicle"\nurl = "https://www.chronicle.example"\n']
    with hostile.serve() as server:
        server.answer("/feed.xml", hostile.FEED)
        wire = f'name = "w"\nagency = "A"\nurl = "{server.url}/feed.xml"\nallow_private = true\n'
        folder = tmp_path / "folder"
        lines.append(f"[[wires]]\n{wire}")
        with running_up(tmp_path, lines, WIRECOPY_SITE__EXPORT=str(folder)) as (up, conf, _):
            until(lambda: b"Rain stops play" in get(f"{conf.site.url}/feeds/all.rss")[1])
            ready = folder / "feeds" / "all.rss"
            until(lambda: ready.exists() and b"Rain stops play" in ready.read_bytes())
            members = up.pids()
            assert set(members) == {"broker", "worker", "poller", "web"}
            assert up.stop() == 0, up.log.read_text()
            assert all(gone(pid) for pid in members.values())


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nothing_is_lost_when_members_are_killed(tmp_path: Path) -> None:
    """Each member, and then the supervisor with all of them, is killed while stories come."""
    wires = 4
    show = Load(seed=11, wires=wires, items=40, novelty_per_minute=30, update_share=0.3)
    ticking = running()
    chance = random.Random(11)
    with (
        serve(show, clock=ticking) as agency,
        config(tmp_path, agency, wires) as (up, conf, store),
    ):
        until(lambda: len(headlines(store)) > wires)
        for name in ("worker", "poller", "web", "broker", "worker", "poller"):
            time.sleep(chance.uniform(0.5, 2))
            before = up.pids()[name]
            os.kill(before, signal.SIGKILL)
            until(lambda name=name, before=before: up.pids()[name] != before)  # type: ignore[misc]
        everybody = up.pids()
        up.kill()
        until(lambda: all(gone(pid) for pid in everybody.values()))
        time.sleep(1)
        up.start()
        until(lambda: get(f"{conf.site.url}/readyz")[0] == 200)
        with store.read() as conn:
            edited = records.newest(conn, limit=1)[0]
        rewrite(store, edited.id, "The desk wrote this", "Asha")
        time.sleep(3)
        end = ticking()

        def taken_in_since() -> bool:
            """A capture received after the end of every wire has been taken in."""
            with store.read() as conn:
                newest = {
                    n: captures.listing(conn, wires=[f"w{n}"], states=["ingested"], limit=1)
                    for n in range(wires)
                }
            return all(c and c[0].received_at > after for c in newest.values())

        after = datetime.now(UTC)
        until(taken_in_since, 150)
        polled = ticking()
        status, body = get(f"{conf.site.url}/feeds/all.rss")
        assert status == 200
        read = feedparser.parse(body)
        assert not read.bozo
        assert len({e.id for e in read.entries}) == len(read.entries)
        assert up.stop() == 0
        assert all(gone(pid) for pid in up.pids().values())

        until(lambda: drained(store, conf), 120)
        kept = headlines(store)
        assert len(kept) == len(set(kept)), "a version is on record twice"
        served = {
            (f"w{n}", s.item.guid, s.item.headline + s.item.body[-40:])
            for n in range(wires)
            for s in versions_served(show, n, 0.0, end)
            # Every wire was polled between the end and then: what stood all that while must be
            # here. So must what stood longer than a wire may rest: a killed poller's lease, or
            # that of a batch on its way (35 s), each time it is killed.
            if s.until > polled or min(s.until, end) - max(s.since, 0.0) > 100
        }
        assert len(served) > 40
        assert served <= set(kept)
        titles = [e.title for e in feedparser.parse(served_bytes(store, conf)["rss"]).entries]
        assert "The desk wrote this" in titles

        again = connect(f"sqlite:///{tmp_path}/again.sqlite3")
        again.migrate()
        replay.rebuild(store, again)
        rerender_if_changed(again, conf)
        assert drained(again, conf)
        assert served_bytes(again, conf) == served_bytes(store, conf)
        again.close()


def drained(store: Store, conf: Config) -> bool:
    """Carry out what is left, such as what was captured in the last instant. What a killed worker
    had in hand is free only when its lease ends."""
    intake.take_in_waiting(store, conf)
    renderer.render_waiting(store, conf, limit=10**6)
    with store.read() as conn:
        return not outbox.waiting(conn, clock.now())


def served_bytes(store: Store, conf: Config) -> dict[str, bytes]:
    with store.read() as conn:
        rows = {f: served(conn, conf, "all", f) for f in feeds.FORMATS}
    return {f: row.body for f, row in rows.items() if row is not None}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_agency_whose_answers_drip_keeps_no_other_waiting(tmp_path: Path) -> None:
    """Its whole budget is under way and stays so; whoever else is due is polled, taken in, served.

    In order and in numbers: from when the last of them began until the first of them ends.
    """
    under_way = 4
    lines = [
        '[publisher]\nname = "Chronicle"\nurl = "https://www.chronicle.example"\n',
        f"[politeness]\nper_host = {under_way}\nper_agency = {under_way}\n",
    ]
    with hostile.serve() as server:
        told: list[str] = []

        def drip(exchange: hostile.Exchange) -> None:
            told.append("began")
            try:
                exchange.head(200, {"Transfer-Encoding": "chunked"})
                while True:
                    exchange.send(b"1\r\n \r\n")
                    exchange.pause(1)
            finally:
                told.append("ended")

        def fresh(exchange: hostile.Exchange) -> None:
            told.append(exchange.seen.path)
            item = f"<item><guid>{len(told)}</guid><title>News {len(told)}</title></item>"
            exchange.reply(200, {}, hostile.FEED.replace(b"<item>", item.encode() + b"<item>"))

        slow = {"agency": "Slow", "url": f"{server.url}/drip", "timeout": "2m"}
        # By name and not by number: another host, as far as politeness knows.
        quick = {"agency": "Quick", "url": f"http://localhost:{server.port}/quick"}
        pushed = {"agency": "Pushed", "url": f"http://localhost:{server.port}/pushed"}
        wired = {f"slow{n}": slow for n in range(2 * under_way)} | {"quick": quick}
        for name, keys in {**wired, "pushed": {**pushed, "every": "1d"}}.items():
            rules = {"name": name, "every": "1s", **keys}
            lines.append("[[wires]]\nallow_private = true")
            lines += [f'{key} = "{value}"' for key, value in rules.items()]
        server.route("/drip", drip)
        server.route("/quick", fresh)
        server.route("/pushed", fresh)
        with running_up(tmp_path, lines) as (_, conf, store):
            until(lambda: told.count("began") == under_way and "/pushed" in told)
            then = len(told)
            until(lambda: told[then:].count("/quick") >= 5)
            with store.write() as conn:
                first = tables.wires.c.name == "pushed"
                hurried = {"lane": 1, "due_at": clock.now()}
                conn.execute(tables.wires.update().where(first).values(**hurried))
            until(lambda: "/pushed" in told[then:])
            news = f"News {then + 1 + told[then:].index('/quick')}"
            until(lambda: news.encode() in get(f"{conf.site.url}/feeds/all.rss")[1])
            assert told.count("began") == under_way
            assert "ended" not in told
            server.stopping.set()  # or the poller would wait for them when it is told to end


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_same_processes_on_postgresql_and_redis(
    tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    """With both URLs set there is no private broker, and the broker may lose everything."""
    from tests.conftest import database

    show = Load(seed=5, wires=2, items=20, novelty_per_minute=30, update_share=0.2)
    with serve(show) as agency, database(postgres_url) as url:
        environment = {"WIRECOPY_DATABASE_URL": url, "WIRECOPY_REDIS_URL": redis_url}
        with config(tmp_path, agency, 2, **environment) as (up, conf, store):
            until(lambda: len(headlines(store)) > 2)
            assert "broker" not in up.pids()
            from workers.address import broker_address, client

            with client(broker_address(conf)) as broker:
                broker.flushdb()
            count = len(headlines(store))
            until(lambda: len(headlines(store)) > count)
            until(lambda: get(f"{conf.site.url}/feeds/all.atom")[0] == 200)
            assert up.stop() == 0
