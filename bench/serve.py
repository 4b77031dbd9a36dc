"""Feeds over HTTP: Wirecopy's web process beside static file servers, on the same bytes.

Each server has one core to itself and is asked from another, where there are two; so its own CPU
time for a request, which does not depend on who asks how fast, is printed beside requests/s.
"""

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import client, inputs
from bench.agency import ITEMS
from bench.cost import Stopwatch, tree_peak
from bench.sides import SideError
from bench.table import Cell, Table, megabytes
from publish import renderer
from publish.served import served
from stories.pdeathsig import bound_to_parent

ENTRIES = 50
CONNECTIONS = 16
PATIENCE = 30.0
"""Seconds a server has to answer for the first time."""

PATH = "/feeds/all.rss"


@dataclass(frozen=True, slots=True)
class Served:
    """A server's command line and what its environment needs besides ours."""

    command: Sequence[str]
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one turn of a server gave: its figures by name, and its peak of memory in bytes."""

    figures: dict[str, float]
    peak: int | None


def prepare(folder: Path, port: int) -> bytes:
    """A store in *folder* with a rendered feed, its configuration, and the feed as a file."""
    rules = tuple(
        inputs.wire(f"sim-{n}", "http://agency.example/") for n in range(-(-ENTRIES // ITEMS))
    )
    site = f"http://127.0.0.1:{port}"
    config = inputs.config_of(rules, folder / "data", ENTRIES, site)
    with inputs.filled(config, ENTRIES) as store:
        renderer.render_waiting(store, config)
        with store.read() as conn:
            row = served(conn, config, "all", "rss")
    if row is None or row.entries != ENTRIES:
        raise RuntimeError(f"no feed of {ENTRIES} entries was rendered")
    values = config.model_dump(mode="json", exclude={"data"}, exclude_defaults=True)
    (folder / "settings.json").write_text(json.dumps(values))
    (folder / "static").mkdir()
    (folder / "static" / "all.rss").write_bytes(row.body)
    return row.body


def settings(folder: Path) -> dict[str, str]:
    """The configuration of *folder*, as Wirecopy reads it from its environment."""
    values = json.loads((folder / "settings.json").read_text())
    told = {f"WIRECOPY_{key.upper()}": json.dumps(value) for key, value in values.items()}
    return told | {"WIRECOPY_DATA": str(folder / "data"), "WIRECOPY_LOG": "json"}


def servers(folder: Path, port: int) -> dict[str, Served]:
    """What is compared."""
    static = str(folder / "static")
    granian = [sys.executable, "-m", "granian", "--interface", "asgi", "--workers", "1"]
    granian += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    return {
        "Wirecopy": Served([sys.executable, "-m", "desk.web"], settings(folder)),
        "Starlette StaticFiles on granian": Served(
            [*granian, "bench.static:app"], {"BENCH_FOLDER": static}
        ),
    }


def measure(server: Served, port: int, body: bytes, seconds: float) -> Outcome:
    """Start *server* on a core of its own, ask it from another, for 200 and then for 304."""
    figures: dict[str, float] = {}
    with started(server, port) as pid:
        status, head, told = client.ask(("127.0.0.1", port), PATH)
        if status != 200 or told != body:
            raise SideError(f"{server.command}: answered {status} with other bytes than the feed's")
        etag = client.header(head, "etag")
        if not etag:
            raise SideError(f"{server.command}: gives no ETag, and so can answer no 304")
        for kind, condition in (("200", ""), ("304", etag)):
            with Stopwatch(of=pid) as watch:
                counts = _asked(port, condition, seconds)
            if counts[kind] != counts["200"] + counts["304"]:
                raise SideError(f"{server.command}: did not answer {kind} every time")
            figures[f"{kind} rate"] = counts[kind] / counts["wall"]
            figures[f"{kind} cpu"] = watch.cost.cpu / counts[kind] * 1e6
            figures[f"{kind} client"] = counts["cpu"] / counts["wall"] * 100
        return Outcome(figures, tree_peak(pid))


def _asked(port: int, etag: str, seconds: float) -> dict[str, float]:
    asked = ["127.0.0.1", str(port), PATH, str(CONNECTIONS), str(seconds), etag]
    with pinned(-1):
        done = subprocess.run(
            [sys.executable, "-m", "bench.client", *asked],
            stdout=subprocess.PIPE,
            check=True,
        )
    counts: dict[str, float] = json.loads(done.stdout)
    return counts


@contextmanager
def started(server: Served, port: int) -> Iterator[int]:
    """Run *server* while the block does; yields its process id once it answers."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WIRECOPY_")}
    with pinned(0):
        process = subprocess.Popen(
            bound_to_parent(server.command),
            env=environment | server.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    try:
        end = time.monotonic() + PATIENCE
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > end:
                process.kill()
                said = process.communicate()[1].decode(errors="replace")
                raise SideError(f"{server.command}: does not answer: {said[-2000:]}")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _answers(port: int) -> bool:
    try:
        return client.ask(("127.0.0.1", port), PATH)[0] == 200
    except (OSError, RuntimeError):
        return False


@contextmanager
def pinned(place: int) -> Iterator[None]:
    """Processes started in the block run on one core alone: the first (0) or the last (-1) of
    ours, where there are two and the system lets us choose."""
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        yield
        return
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(ours)[place]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _median(outcomes: Sequence[Outcome], figure: str) -> float:
    return statistics.median(outcome.figures[figure] for outcome in outcomes)


def table(seconds: float, turns: int) -> Table:
    """Measure all servers, *seconds* for each kind of answer."""
    made = Table(
        "serve",
        f"Serve: {PATH}",
        ("", "200/s", "µs CPU", "client", "304/s", "µs CPU", "client", "peak MB"),
        notes=(
            f"One client process, {CONNECTIONS} kept connections. µs CPU is the server's for one",
            "request; client is the share of a core that the client used: near 100 %, it was the",
            "limit and not the server. Wirecopy also asks the database for changes once a second.",
        ),
    )
    with TemporaryDirectory(prefix="wirecopy-bench-") as name:
        port = free_port()
        body = prepare(Path(name), port)
        made.title = f"Serve: a feed of {ENTRIES} entries, {len(body):,} bytes, one core"

        found: dict[str, list[Outcome]] = {}
        for _ in range(turns):
            for title, server in servers(Path(name), port).items():
                found.setdefault(title, []).append(measure(server, port, body, seconds))
    for title, outcomes in found.items():
        cells: list[Cell] = []
        for kind in ("200", "304"):
            cells += [_median(outcomes, f"{kind} rate"), _median(outcomes, f"{kind} cpu")]
            cells.append(f"{_median(outcomes, f'{kind} client'):.0f} %")
        peak = max((o.peak for o in outcomes if o.peak is not None), default=None)
        made.rows.append((title, *cells, megabytes(peak)))
    return made
