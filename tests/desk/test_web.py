"""The web server as a process of its own, with a real broker behind it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from desk import web
from publish import press
from stories import clock
from stories.errors import WirecopyError
from stories.newsroom import Newsroom
from stories.store import Store, captures, connect, outbox, wires
from stories.store import stories as records
from stories.store.captures import Problem
from tests.conftest import NewsroomOf
from tests.processes import until
from tests.publish import samples
from tests.publish.shelf import publish, put
from tests.serving import Port, free_port
from workers import pulse
from workers.address import client
from workers.metrics import TASK_SECONDS, Tally

CONFIGURATION = """
data = "{folder}/data"
redis_url = "{redis_url}"
log = "json"

[publisher]
name = "The Daily Test"
url = "https://daily.example"

[site]
url = "http://127.0.0.1:{port}"

[[wires]]
name = "pti"
agency = "Press Trust of India"
url = "https://wire.example/national.xml"

[[feeds]]
name = "india"
title = "India"
"""


@dataclass
class Web:
    """A web server and its log."""

    process: "subprocess.Popen[bytes]"
    port: Port
    log: Path

    def events(self) -> list[dict[str, Any]]:
        """What it logged; every line must be JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def up(self) -> bool:
        """True once it answers; fails when it has ended instead."""
        assert self.process.poll() is None, self.log.read_text()
        return self.port.open() and self.port.ask("/healthz").status == 200


@contextmanager
def web_process(folder: Path, redis_url: str, port: int) -> Iterator[Web]:
    config = folder / "wirecopy.toml"
    config.write_text(CONFIGURATION.format(folder=folder, redis_url=redis_url, port=port))
    log = folder / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "desk.web"],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "WIRECOPY_CONFIG": str(config)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield Web(process, Port(port), log)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def running(tmp_path: Path, redis_url: str) -> Iterator[Web]:
    with web_process(tmp_path, redis_url, free_port()) as web:
        until(web.up)
        yield web


def test_it_serves_what_the_press_printed_and_ends_when_told(running: Web, tmp_path: Path) -> None:
    port = running.port
    assert port.ask("/feeds/india.rss").status in (200, 503)  # as soon as the press has been there
    newsroom = samples.newsroom(
        publisher={"name": "The Daily Test", "url": "https://daily.example"},
        site={"url": f"http://127.0.0.1:{port.number}"},
    )
    store = connect(f"sqlite:///{tmp_path}/data/wirecopy.sqlite3")
    put(store, samples.english())
    press.run(store, newsroom)
    store.close()
    until(lambda: b"Big GST Meet" in port.ask("/feeds/india.rss").body)
    assert b"Big GST Meet" in port.ask("/feeds/india").body
    found = port.ask("/readyz")
    assert found.status == 200, found.text
    assert json.loads(found.body) == {"ready": True, "database": "ok", "broker": "ok"}
    for path in ("/feeds/india.rss", "/", "/metrics", "/nosuch", "/healthz"):
        assert port.ask(path).headers["server"] == "Wirecopy"
        assert "date" in port.ask(path).headers

    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(60) == 0
    said = [e["event"] for e in running.events()]
    assert (said.count("web serves"), said[-1]) == (1, "web ended")


def test_a_running_answer_is_given_and_resting_readers_are_not_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging, ExitStack() as stack:
        url = f"redis://127.0.0.1:{hanging.getsockname()[1]}/0"
        web = stack.enter_context(web_process(tmp_path, url, free_port()))
        until(web.up)
        resting, busy = (
            stack.enter_context(socket.create_connection(("127.0.0.1", web.port.number)))
            for _ in range(2)
        )
        resting.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert resting.recv(1000).startswith(b"HTTP/1.1 200")
        busy.settimeout(60)
        busy.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        asked, _ = hanging.accept()  # the answer is being made: the broker was just called
        web.process.send_signal(signal.SIGTERM)
        until(lambda: not web.port.open())
        asked.close()
        hanging.close()
        answer = b"".join(iter(lambda: busy.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"wirecopy_database_up 1.0" in answer
        assert web.process.wait(60) == 0


def test_silent_connections_do_not_shut_others_out(running: Web) -> None:
    with ExitStack() as stack:
        for _ in range(300):
            silent = socket.create_connection(("127.0.0.1", running.port.number))
            stack.enter_context(silent)
        assert running.port.ask("/healthz").status == 200


def test_a_port_that_is_taken_is_one_clear_error(
    running: Web, tmp_path: Path, redis_url: str
) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    with web_process(folder, redis_url, running.port.number) as second:
        assert second.process.wait(60) == 1
        said = second.log.read_text().strip()
    assert "\n" not in said
    assert f"127.0.0.1:{running.port.number}" in said
    assert "[site] listen" in said
    assert running.port.ask("/healthz").status == 200


def test_without_its_configuration_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "desk.web"],
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"wirecopy.toml" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("listen", "remedy"),
    [
        ("no-such-host.invalid:8080", "not an address of this machine"),
        ("192.0.2.1:8080", "not an address of this machine"),  # RFC 5737: nobody's
    ],
)
def test_an_address_that_is_not_ours(newsroom: NewsroomOf, listen: str, remedy: str) -> None:
    with pytest.raises(WirecopyError, match=remedy) as caught:
        web.listen_on(newsroom(site={"listen": listen}))
    assert listen in str(caught.value)
    assert "[site] listen" in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_an_address_that_is_ours(newsroom: NewsroomOf, host: str) -> None:
    port = free_port()
    found = web.listen_on(newsroom(site={"listen": f"{host}:{port}"}))
    assert found[1] == port
    socket.inet_pton(socket.AF_INET6 if ":" in found[0] else socket.AF_INET, found[0])


def test_a_port_just_left_can_be_taken_again(newsroom: NewsroomOf) -> None:
    with socket.create_server(("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as reader:
            first.accept()[0].close()
            reader.recv(1)
    assert web.listen_on(newsroom(site={"listen": f"127.0.0.1:{port}"})) == ("127.0.0.1", port)


# Figures


def _figures(exposition: bytes) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(exposition.decode())
        for sample in family.samples
    }


NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


def _filled(store: Store) -> Newsroom:
    newsroom = samples.newsroom()
    with clock.reading(lambda: NOW - timedelta(minutes=10)):
        with store.write() as conn:
            wires.sync(conn, newsroom.wires, clock.now())
        publish(store, newsroom, samples.english(), samples.hindi())
        put(store, samples.urdu())
    with store.write() as conn:
        captures.problem(conn, [Problem("pti", 7, -1, "unreadable", "no feed", NOW)], 7)
        job = outbox.claim(conn, "story", NOW - timedelta(minutes=5), 1)[0]
        outbox.failed(conn, job, "refused", NOW - timedelta(minutes=5))
    return newsroom


def test_figures(store: Store, redis_url: str) -> None:
    newsroom = _filled(store)
    with client(redis_url) as broker, clock.reading(lambda: NOW):
        pulse.mark(broker, "worker")
        tally = Tally()
        tally.observe(TASK_SECONDS, "poll", "ok", seconds=0.2)
        tally.flush(broker)
        found = _figures(web.exposition(newsroom, store, broker)())
    assert found["wirecopy_database_up", ()] == 1
    assert found["wirecopy_wires", ("new",)] == 1
    assert found["wirecopy_stories", ()] == 3
    assert found["wirecopy_versions", ()] == 3
    assert found["wirecopy_stories_unrendered", ()] == 1
    assert found["wirecopy_quarantined", ()] == 1
    assert found["wirecopy_outbox", ("story",)] == 1
    assert found["wirecopy_outbox", ("feed",)] == 0
    assert found["wirecopy_outbox_failed", ("story",)] == 1
    assert found["wirecopy_outbox_oldest_seconds", ("story",)] == 600
    assert found["wirecopy_outbox_oldest_seconds", ("ingest",)] == 0
    assert found["wirecopy_feed_entries", ("india",)] == 2
    assert found["wirecopy_feed_age_seconds", ("india",)] == 600
    assert found["wirecopy_alive", ("worker",)] == 1
    assert found["wirecopy_alive", ("beat",)] == 0
    assert found["wirecopy_task_seconds_count", ("ok", "poll")] == 1


def test_figures_without_the_database(store: Store, redis_url: str) -> None:
    newsroom = _filled(store)
    with store.write() as conn:
        conn.execute(text("ALTER TABLE wires RENAME TO elsewhere"))
    with client(redis_url) as broker:
        found = _figures(web.exposition(newsroom, store, broker)())
    assert found["wirecopy_database_up", ()] == 0
    assert not {name for name, _ in found} & {"wirecopy_wires", "wirecopy_stories"}


def test_figures_without_the_broker(store: Store, tmp_path: Path) -> None:
    newsroom = _filled(store)
    with client(f"redis+socket://{tmp_path}/nobody.sock") as broker:
        found = _figures(web.exposition(newsroom, store, broker)())
        assert web.broker_state(broker).startswith("cannot be reached")
        assert str(tmp_path) not in web.broker_state(broker)
    assert found["wirecopy_stories", ()] == 3
    assert not {name for name, _ in found} & {"wirecopy_alive", "wirecopy_task_seconds_count"}


def test_what_a_wire_sends_makes_no_labels(store: Store, redis_url: str) -> None:
    newsroom = _filled(store)
    with client(redis_url) as broker:
        before = set(_figures(web.exposition(newsroom, store, broker)()))
        publish(
            store,
            newsroom,
            *(
                samples.story(samples.version(agency=f"Agency {n}", agency_id=f"id {n}"))
                for n in range(20)
            ),
        )
        after = set(_figures(web.exposition(newsroom, store, broker)()))
    assert after == before
    with store.read() as conn:
        assert records.counts(conn)[0] == 23
