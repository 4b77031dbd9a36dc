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
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from desk import web
from desk.exposition import WIRES_NAMED, figures
from desk.listen import listen_on
from net.client import STATES
from publish import renderer
from publish.web.app import create
from stories import clock
from stories.config import Config, Wire
from stories.db import Store, alerts, captures, connect, outbox, wires
from stories.db import stories as records
from stories.db.alerts import Alert
from stories.errors import WirecopyError
from stories.models import Problem
from tests import servers
from tests.conftest import ConfigOf
from tests.processes import until
from tests.publish import samples
from tests.publish.shelf import publish, put
from tests.serving import Port, free_port, served
from workers import pulse
from workers.address import client
from workers.metrics import LEASES_LOST, OUTCOMES, POLLS, TASK_SECONDS, Tally, outcome

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
        try:
            return self.port.open() and self.port.ask("/healthz").status == 200
        except OSError:  # it listens a moment before it answers
            return False


@contextmanager
def web_process(folder: Path, redis_url: str, port: int) -> Iterator[Web]:
    config_file = folder / "wirecopy.toml"
    config_file.write_text(CONFIGURATION.format(folder=folder, redis_url=redis_url, port=port))
    log = folder / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "desk.web"],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "WIRECOPY_CONFIG": str(config_file)},
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


def test_it_serves_what_was_rendered_and_ends_on_a_signal(running: Web, tmp_path: Path) -> None:
    port = running.port
    assert port.ask("/feeds/india.rss").status in (200, 503)  # as soon as the press has been there
    config = samples.config(
        publisher={"name": "The Daily Test", "url": "https://daily.example"},
        site={"url": f"http://127.0.0.1:{port.number}"},
    )
    store = connect(f"sqlite:///{tmp_path}/data/wirecopy.sqlite3")
    put(store, samples.english())
    renderer.render_waiting(store, config)
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
def test_an_address_that_is_not_ours(config: ConfigOf, listen: str, remedy: str) -> None:
    with pytest.raises(WirecopyError, match=remedy) as caught:
        listen_on(*config(site={"listen": listen}).site.address)
    assert listen in str(caught.value)
    assert "[site] listen" in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_an_address_that_is_ours(config: ConfigOf, host: str) -> None:
    port = free_port()
    found = listen_on(*config(site={"listen": f"{host}:{port}"}).site.address)
    assert found[1] == port
    socket.inet_pton(socket.AF_INET6 if ":" in found[0] else socket.AF_INET, found[0])


def test_a_port_just_left_can_be_taken_again(config: ConfigOf) -> None:
    with socket.create_server(("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as reader:
            first.accept()[0].close()
            reader.recv(1)
    assert listen_on("127.0.0.1", port) == ("127.0.0.1", port)


# Figures


def _figures(metrics: bytes) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(metrics.decode())
        for sample in family.samples
    }


NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


def _filled(store: Store) -> Config:
    config = samples.config()
    with clock.reading(lambda: NOW - timedelta(minutes=10)):
        with store.write() as conn:
            wires.sync(conn, config.wires, clock.now())
        publish(store, config, samples.english(), samples.hindi())
        put(store, samples.urdu())
    with store.write() as conn:
        captures.problem(conn, [Problem("pti", 7, -1, "unreadable", "no feed", NOW)], [7])
        job = outbox.claim(conn, "story", NOW - timedelta(minutes=5), 1)[0]
        outbox.failed(conn, job, "refused", NOW - timedelta(minutes=5))
    return config


def test_figures(store: Store, redis_url: str) -> None:
    config = _filled(store)
    with client(redis_url) as broker, clock.reading(lambda: NOW):
        pulse.mark(broker, "worker")
        tally = Tally()
        tally.observe(TASK_SECONDS, "poll", "ok", seconds=0.2)
        tally.flush(broker)
        found = _figures(generate_latest(figures(config, store, broker)))
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
    assert found["wirecopy_alive", ("poller",)] == 0
    assert found["wirecopy_alive", ("beat",)] == 0
    assert found["wirecopy_task_seconds_count", ("ok", "poll")] == 1


def test_figures_without_the_database(store: Store, redis_url: str) -> None:
    config = _filled(store)
    with store.write() as conn:
        conn.execute(text("ALTER TABLE wires RENAME TO elsewhere"))
    with client(redis_url) as broker:
        found = _figures(generate_latest(figures(config, store, broker)))
    assert found["wirecopy_database_up", ()] == 0
    assert not {name for name, _ in found} & {"wirecopy_wires", "wirecopy_stories"}


def test_figures_without_the_broker(store: Store, tmp_path: Path) -> None:
    config = _filled(store)
    with client(f"redis+socket://{tmp_path}/nobody.sock") as broker:
        found = _figures(generate_latest(figures(config, store, broker)))
        assert web.broker_state(broker).startswith("cannot be reached")
        assert str(tmp_path) not in web.broker_state(broker)
    assert found["wirecopy_stories", ()] == 3
    assert not {name for name, _ in found} & {"wirecopy_alive", "wirecopy_task_seconds_count"}


def test_what_a_wire_sends_makes_no_labels(store: Store, redis_url: str) -> None:
    config = _filled(store)
    with client(redis_url) as broker:
        before = set(_figures(generate_latest(figures(config, store, broker))))
        publish(
            store,
            config,
            *(
                samples.story(samples.version(agency=f"Agency {n}", agency_id=f"id {n}"))
                for n in range(20)
            ),
        )
        after = set(_figures(generate_latest(figures(config, store, broker))))
    assert after == before
    with store.read() as conn:
        assert records.counts(conn)[0] == 23


def test_figures_of_the_wires(store: Store, redis_url: str) -> None:
    config = _filled(store)
    with store.write() as conn:
        conn.execute(
            text(
                "UPDATE wires SET state = 'http-418', failing_since = :failing, due_at = :due,"
                " changed_at = :news, lease_until = :lease"
            ),
            {
                "failing": _micro(NOW - timedelta(hours=2)),
                "due": _micro(NOW - timedelta(minutes=20)),
                "news": _micro(NOW - timedelta(hours=3)),
                "lease": _micro(NOW - timedelta(minutes=1)),
            },
        )
        alerts.begin(conn, Alert("failing", "pti", NOW - timedelta(hours=2), "teapot"))
    with client(redis_url) as broker, clock.reading(lambda: NOW):
        tally = Tally()
        tally.count(POLLS, outcome("http-418"))
        tally.count(LEASES_LOST, "begin", amount=3)
        tally.flush(broker)
        broker.lpush("wirecopy:poll", "a", "b")
        found = _figures(generate_latest(figures(config, store, broker)))
    assert found["wirecopy_wires", ("http-4xx",)] == 1
    assert found["wirecopy_wires_unwell", ("failing",)] == 1
    assert found["wirecopy_wires_unwell", ("late",)] == 1
    assert found["wirecopy_wires_unwell", ("paused",)] == 0
    assert found["wirecopy_wires_polled_within", ("3600",)] == 0
    assert found["wirecopy_wires_polled_within", ("21600",)] == 1
    assert found["wirecopy_wire_polled_age_seconds", ("pti",)] == 7200
    assert found["wirecopy_wire_news_age_seconds", ("pti",)] == 10800
    assert found["wirecopy_alerts", ("failing",)] == 1
    assert found["wirecopy_alerts", ("quiet",)] == 0
    assert found["wirecopy_due_lag_seconds", ()] == 1200
    assert found["wirecopy_unrendered_oldest_seconds", ()] == 600
    assert found["wirecopy_leases_expired", ("poll",)] == 1
    assert found["wirecopy_queue", ("poll",)] == 2
    assert found["wirecopy_queue", ("ingest",)] == 0
    assert found["wirecopy_polls_total", ("http-4xx",)] == 1
    assert found["wirecopy_leases_lost_total", ("begin",)] == 3


def _micro(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_only_so_many_wires_have_series_of_their_own(
    config: ConfigOf, store: Store, redis_url: str
) -> None:
    many = [Wire(name=f"w{n}", url=f"https://wire.example/{n}") for n in range(600)]
    with store.write() as conn:
        wires.sync(conn, many, NOW)
        conn.execute(
            text("UPDATE wires SET state = 'ok', polled_at = :at, changed_at = :at"),
            {"at": _micro(NOW - timedelta(minutes=1))},
        )
    with client(redis_url) as broker, clock.reading(lambda: NOW):
        found = _figures(generate_latest(figures(config(wires=many), store, broker)))
    for name in ("wirecopy_wire_polled_age_seconds", "wirecopy_wire_news_age_seconds"):
        named = [labels[0] for key, labels in found if key == name]
        assert sorted(named) == sorted(w.name for w in many[:WIRES_NAMED])
    assert found["wirecopy_wires", ("ok",)] == 600
    assert found["wirecopy_wires_polled_within", ("60",)] == 600


@given(st.text(max_size=40) | st.integers(0, 10**6).map("http-{}".format) | st.sampled_from(STATES))
def test_outcomes_are_few(state: str) -> None:
    classes = {f"http-{n}xx" for n in range(1, 6)}
    assert outcome(state) in OUTCOMES | classes | {"other"}


# Readiness


@pytest.mark.slow
def test_it_is_not_ready_while_the_broker_does_not_answer(tmp_path: Path) -> None:
    """A broker that takes connections and then says nothing, and a database file moved away."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with web_process(tmp_path, url, free_port()) as running:
            until(running.up)
            found = running.port.ask("/readyz")
            answer = json.loads(found.body)
            assert (found.status, answer["ready"], answer["database"]) == (503, False, "ok")
            assert answer["broker"] != "ok"
            assert running.port.ask("/healthz").status == 200
            (tmp_path / "data/wirecopy.sqlite3").rename(tmp_path / "elsewhere")
            answer = json.loads(running.port.ask("/readyz").body)
            assert answer["database"] != "ok"
            assert running.port.ask("/healthz").status == 200


def test_it_is_ready_again_when_the_broker_is(tmp_path: Path) -> None:
    with servers.throwaway() as folder, ExitStack() as stack:
        broker = ExitStack()
        stack.callback(broker.close)
        url = broker.enter_context(servers.redis(folder))
        port = stack.enter_context(web_process(tmp_path, url, free_port())).port
        until(port.open)
        until(lambda: port.ask("/readyz").status == 200)
        broker.close()
        until(lambda: port.ask("/readyz").status == 503)
        assert json.loads(port.ask("/readyz").body)["database"] == "ok"
        assert broker.enter_context(servers.redis(folder)) == url
        until(lambda: port.ask("/readyz").status == 200)


def test_it_is_not_ready_while_the_broker_takes_no_writes(tmp_path: Path) -> None:
    """As after a failover, when the address still is that of the former primary."""
    with ExitStack() as stack:
        url = stack.enter_context(servers.redis(stack.enter_context(servers.throwaway())))
        running = stack.enter_context(web_process(tmp_path, url, free_port()))
        broker = stack.enter_context(client(url))
        until(running.up)
        assert running.port.ask("/readyz").status == 200
        broker.execute_command("REPLICAOF", "127.0.0.1", "1")
        found = running.port.ask("/readyz")
        assert (found.status, "replica" in json.loads(found.body)["broker"]) == (503, True)
        broker.execute_command("REPLICAOF", "NO", "ONE")
        assert running.port.ask("/readyz").status == 200


def test_it_is_not_ready_while_the_database_takes_no_writes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store.dialect == "postgresql":
        with store.engine.connect() as conn:
            name = store.engine.url.database
            conn.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
            conn.commit()
        store.engine.dispose()  # sessions of before may write on
    else:
        monkeypatch.setattr(os, "access", lambda *_: False)
    app = create(samples.config(), store, ready=dict, metrics=None)
    with served(app) as port:
        found = port.ask("/readyz")
        assert found.status == 503
        assert json.loads(found.body) == {"ready": False, "database": "takes no writes"}


def test_metrics_may_be_kept_to_a_token(store: Store) -> None:
    site = {"url": "http://127.0.0.1:8080", "metrics_token": "0123456789abcdef"}
    app = create(samples.config(site=site), store, ready=dict, metrics=lambda: b"x 1\n")
    with served(app) as port:
        assert port.ask("/metrics").status == 401
        assert port.ask("/metrics", {"Authorization": "Bearer 0123456789abcdeX"}).status == 401
        for shown in (
            port.ask("/metrics", {"Authorization": "Bearer 0123456789abcdef"}),
            port.ask("/metrics?token=0123456789abcdef"),
        ):
            assert (shown.status, shown.body) == (200, b"x 1\n")


def test_metrics_may_be_kept_to_an_address(tmp_path: Path, redis_url: str) -> None:
    apart = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WIRECOPY_SITE__METRICS_LISTEN", f"127.0.0.1:{apart}")
        with web_process(tmp_path, redis_url, free_port()) as running:
            until(running.up)
            assert running.port.ask("/metrics").status == 404
            assert b"wirecopy_database_up 1.0" in Port(apart).ask("/metrics").body
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(60) == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_whatever_readers_do(tmp_path: Path, redis_url: str, number: int) -> None:
    """With connections that rest, are half-way through a head, or have gone without a word."""
    for _ in range(2):
        with web_process(tmp_path, redis_url, free_port()) as web, ExitStack() as stack:
            until(web.up)
            for said in (b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"):
                for gone in (False, True):
                    reader = socket.create_connection(("127.0.0.1", web.port.number))
                    reader.sendall(said)
                    if gone:
                        reader.close()
                    else:
                        stack.enter_context(reader)
            web.process.send_signal(number)
            assert web.process.wait(60) == 0, web.log.read_text()
            assert web.events()[-1]["event"] == "web ended"
