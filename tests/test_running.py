"""How ``wirecopy up`` behaves as a process among others: signals, ports, brokers, logs, PID 1."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from stories import clock
from stories.config import load
from stories.db import connect, wires
from tests import hostile, servers
from tests.processes import until
from tests.serving import free_port
from tests.test_up import get

WIRECOPY = Path(sys.executable).with_name("wirecopy")
PUBLISHER = '[publisher]\nname = "Chronicle"\nurl = "https://www.chronicle.example"\n'

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


class Newsroom:
    """A folder with a configuration, and ``wirecopy up`` in it."""

    def __init__(self, folder: Path, top: str = "", wire: str = "") -> None:
        self.folder = folder
        self.site = f"http://127.0.0.1:{free_port()}"
        listed = f"[[wires]]\nname = 'w'\nallow_private = true\n{wire}\n" if wire else ""
        (folder / "wirecopy.toml").write_text(
            f'log = "json"\n{top}\n{PUBLISHER}[site]\nurl = "{self.site}"\n{listed}'
        )

    @property
    def log(self) -> Path:
        return self.folder / "up.log"

    @contextmanager
    def up(self, *words: str, before: Sequence[str] = ()) -> Iterator["subprocess.Popen[bytes]"]:
        """``wirecopy up WORDS``, begun as *before* says; killed at the end if it still runs."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*before, str(WIRECOPY), "up", *words],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(90)

    def get(self, path: str) -> tuple[int, bytes]:
        return get(f"{self.site}{path}")

    def ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    def events(self, event: str) -> list[dict[str, Any]]:
        """The lines of that event; every line must be JSON."""
        said = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [line for line in said if line["event"] == event]


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [WIRECOPY, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_nohup_holds_and_the_log_is_json_to_the_end(tmp_path: Path) -> None:
    newsroom = Newsroom(tmp_path)
    with newsroom.up(before=["nohup"]) as process:
        until(lambda: newsroom.ready() and newsroom.events("beat reaches the broker"))
        until(lambda: "poller@" in newsroom.log.read_text(encoding="utf-8"))
        os.killpg(process.pid, signal.SIGHUP)
        time.sleep(1)
        assert process.poll() is None
        assert newsroom.ready()
        process.terminate()
        assert process.wait(90) == 0
    assert {e["member"] for e in newsroom.events("ended")} >= {"worker", "poller", "web"}
    assert {e["status"] for e in newsroom.events("ended")} == {"exit code 0"}


@pytest.mark.parametrize("member", ["worker", "poller", "beat", "web"])
def test_nohup_holds_for_each_member(tmp_path: Path, member: str) -> None:
    with servers.throwaway() as folder, servers.redis(folder) as url:
        newsroom = Newsroom(tmp_path, f'redis_url = "{url}"')
        with newsroom.up(member, before=["nohup"]) as process:
            until(
                lambda: (
                    newsroom.log.exists()
                    and (
                        "ready" in newsroom.log.read_text()
                        or newsroom.get("/")[0]
                        or "reaches the broker" in newsroom.log.read_text()
                    )
                )
            )
            pid = process.pid
            os.kill(pid, signal.SIGHUP)
            time.sleep(2)
            assert process.poll() is None
            assert "estarting" not in newsroom.log.read_text()


def test_a_port_that_is_taken_is_told_once_before_anything_starts(tmp_path: Path) -> None:
    newsroom = Newsroom(tmp_path)
    taken = ("127.0.0.1", int(newsroom.site.rpartition(":")[2]))
    with socket.create_server(taken), newsroom.up() as process:
        assert process.wait(60) == 1
    (line,) = [json.loads(text) for text in newsroom.log.read_text().splitlines()]
    assert "another program does already" in line["error"]
    assert not (tmp_path / "wirecopy-data/wirecopy.sqlite3").exists()


def test_an_address_of_no_database_is_wrong_configuration(tmp_path: Path) -> None:
    newsroom = Newsroom(tmp_path, 'database_url = "postgresql://me:a@b@c/x"')
    with newsroom.up() as process:
        assert process.wait(60) == 2
    (line,) = [json.loads(text) for text in newsroom.log.read_text().splitlines()]
    assert line["error"].startswith("database_url (WIRECOPY_DATABASE_URL): ")
    done = run(tmp_path, "wires")
    assert (done.returncode, "a@b" in done.stderr) == (2, False)
    assert "write %40" in done.stderr


def test_a_second_one_is_told_of_the_first_and_not_of_the_port(tmp_path: Path) -> None:
    newsroom = Newsroom(tmp_path)
    with newsroom.up() as process:
        until(newsroom.ready)
        done = run(tmp_path, "up")
        assert done.returncode == 1
        assert f"another wirecopy up runs here (process {process.pid})" in done.stderr


def test_files_of_the_broker_that_cannot_be_loaded_are_set_aside(tmp_path: Path) -> None:
    newsroom = Newsroom(tmp_path)
    with newsroom.up():
        until(newsroom.ready)
    (file,) = (tmp_path / "wirecopy-data/broker/appendonlydir").glob("*.incr.aof")
    with file.open("ab") as grown:
        grown.write(b"\0" * 4096)
    before = len(newsroom.events("ready"))
    with newsroom.up():
        until(newsroom.ready)
        until(lambda: len(newsroom.events("ready")) == before + 2)  # broker and worker
        (said,) = newsroom.events("repaired")
        assert "losing nothing" in said["what"]
    assert (tmp_path / "wirecopy-data/broker/unreadable").is_dir()


def test_feeds_are_served_while_the_broker_is_away_and_it_is_no_reason_to_end(
    tmp_path: Path,
) -> None:
    with hostile.serve() as server:
        server.answer("/feed.xml", hostile.FEED)
        wire = f"url = '{server.url}/feed.xml'"
        port = free_port()
        newsroom = Newsroom(tmp_path, f'redis_url = "redis://127.0.0.1:{port}/0"', wire)
        assert run(tmp_path, "poll").returncode == 0
        with newsroom.up() as process:
            until(lambda: b"Rain stops play" in newsroom.get("/feeds/all.rss")[1])
            assert newsroom.get("/readyz")[0] == 503
            status = run(tmp_path, "status", "--check")
            assert status.returncode == 1
            assert "cannot be reached: Connection refused" in status.stderr
            assert "Error" not in status.stderr + status.stdout
            assert process.poll() is None
            with servers.throwaway() as folder:
                named = servers.redis_server(folder)
                command = [*named.command]
                command[command.index("--port") + 1] = str(port)
                with subprocess.Popen(command, stdout=subprocess.DEVNULL) as broker:
                    until(newsroom.ready)
                    until(lambda: len(newsroom.events("started")) == 3)
                    process.terminate()
                    assert process.wait(90) == 0
                    broker.terminate()


def test_the_orphans_of_its_members_are_fetched_by_pid_1(tmp_path: Path) -> None:
    unshare = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], check=False).returncode:
        pytest.skip("no process namespaces here")
    with servers.throwaway() as folder, servers.redis(folder) as url:
        newsroom = Newsroom(tmp_path, f'redis_url = "{url}"')
        for words in ((), ("worker",)):
            newsroom.log.unlink(missing_ok=True)
            with newsroom.up(*words, before=unshare) as process:
                until(lambda: newsroom.log.exists() and newsroom.events("ready"))
                for times in (1, 2, 3):
                    (worker,) = [
                        child
                        for child in psutil.Process(process.pid).children(recursive=True)
                        if child.parent() == psutil.Process(process.pid).children()[0]
                        and child.name() == "wirecopy-worker"
                    ]
                    worker.kill()
                    until(lambda times=times: len(newsroom.events("ready")) == times + 1)  # type: ignore[misc]
                inside = psutil.Process(process.pid).children(recursive=True)
                zombies = [c for c in inside if c.status() == psutil.STATUS_ZOMBIE]
                assert len(zombies) <= 1, "one may be dying just now"
                psutil.Process(process.pid).children()[0].terminate()
                process.wait(90)


def test_a_poller_gives_slow_polls_up_when_it_is_told_to_end(tmp_path: Path) -> None:
    with hostile.serve() as server, servers.throwaway() as folder, servers.redis(folder) as url:
        began: list[str] = []

        def drip(exchange: hostile.Exchange) -> None:
            began.append("")
            exchange.head(200, {"Transfer-Encoding": "chunked"})
            while True:
                exchange.send(b"1\r\n \r\n")
                exchange.pause(1)

        server.route("/drip", drip)
        wire = f"url = '{server.url}/drip'\ntimeout = '2m'\nevery = '1s'"
        newsroom = Newsroom(tmp_path, f'redis_url = "{url}"', wire)
        with newsroom.up("worker"), newsroom.up("beat"), newsroom.up("poller") as poller:
            until(lambda: began)
            told = time.monotonic()
            poller.terminate()
            assert poller.wait(60) == 0
            assert time.monotonic() - told < 20
        store = connect(load(tmp_path / "wirecopy.toml").database)
        with store.read() as conn:
            wire_row = wires.get(conn, "w")
        store.close()
        assert wire_row is not None
        assert (wire_row.polls, wire_row.failing_since) == (0, None), "it is as if never begun"
        assert wire_row.due_at <= clock.now()


def test_two_newsrooms_on_one_redis_are_both_polled_as_configured(tmp_path: Path) -> None:
    with hostile.serve() as server, servers.throwaway() as folder, servers.redis(folder) as url:
        rooms = []
        for name in ("live", "staging"):
            server.answer(f"/{name}.xml", hostile.FEED)
            (tmp_path / name).mkdir()
            wire = f"url = '{server.url}/{name}.xml'\nevery = '1s'"
            rooms.append(Newsroom(tmp_path / name, f'redis_url = "{url}"', wire))
        with rooms[0].up(), rooms[1].up():
            until(lambda: all(newsroom.ready() for newsroom in rooms))
            for name in ("live", "staging"):
                until(lambda name=name: server.seen(f"/{name}.xml"))  # type: ignore[misc]
            before = [len(server.seen(f"/{name}.xml")) for name in ("live", "staging")]
            time.sleep(12)
            after = [len(server.seen(f"/{name}.xml")) for name in ("live", "staging")]
        assert all(b - a >= 4 for a, b in zip(before, after, strict=True)), (before, after)


@pytest.mark.parametrize("format", ["json", "nitf", "anpa-1312"])
def test_the_demo_says_where_it_went_and_ends_with_its_links(format: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(tmp_path, "demo", "--once", "--format", format, "--port", str(port))
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    (moved,) = [line for line in lines if f"port {port} is taken" in line]
    site = moved.rpartition(" ")[2]
    assert lines[-1] == f"for people   {site}"
    assert all(site in line for line in lines[-5:])
    (body,) = [line for line in lines if line.startswith("<content:encoded>")]
    assert len(body) < 400
    assert "Except for the headline, this story has not been edited" in body


def test_a_demo_that_is_ended_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [WIRECOPY, "demo", "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: list(tmp_path.glob("wirecopy-demo-*/wirecopy.toml")))
    process.terminate()
    process.wait(timeout=60)
    assert list(tmp_path.glob("wirecopy-demo-*")) == []
