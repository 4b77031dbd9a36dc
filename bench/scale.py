"""``python -m bench.scale``: many wires through real workers, Redis and PostgreSQL.

For each number of wires a store is set up as if it had been running: every wire in it with the
validators of its feed, due times spread evenly. Then workers and pollers, a pair for each host that
there would be, one beat and the simulated agency run as processes, and what happens within the time
given is counted. The same number of polls a second comes due for any number of wires, so that the
cost of a poll can be compared. What grows while it runs shows in the parts of the run
(:mod:`bench.series`).
The time from wire to feed is printed only when the run is longer than the wires' interval
(:mod:`bench.window`).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import bindparam, func, select, text, update

from bench import machine, postgres, series, window
from bench.series import Sample
from stories import clock
from stories.config import Config, load
from stories.db import Store, connect, outbox, tables
from stories.db import stories as records
from stories.db.wires import sync
from stories.pdeathsig import bound_to_parent
from tests import servers
from tests.load.load import Load
from tests.load.site import Site, recall
from workers import app
from workers.address import broker_address, client, key_prefix

NEWS_SHARE = 0.05
"""Share of polls that bring something: most find nothing, as on real wires."""

ERRORS = 0.02
NOT_MODIFIED = 0.9
"""Share of unchanged feeds answered 304; the rest send the same bytes again."""

ITEMS = 5
AGENCY = 20
"""Wires of one agency. What comes on one of them holds all of them while it is taken in."""

PROCESSES = 2
"""Of each worker."""

SAMPLES, LEAST = 60, 10.0
"""How often, at most, is looked at what has grown; and seconds between two looks, at least, where
the run is not too short: to look at the memory of many processes takes a while."""

PATIENCE = 1800.0
"""Seconds that the members may take to begin, on a machine that is full."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one number of wires came to."""

    wires: int
    offered: float
    outcomes: dict[str, int]
    samples: list[Sample]
    fresh: str
    stories: int
    behind: int

    @property
    def seconds(self) -> float:
        return self.samples[-1].at - self.samples[0].at

    @property
    def polls(self) -> int:
        return self.samples[-1].polls - self.samples[0].polls

    @property
    def told(self) -> series.Told:
        """What members told of themselves meanwhile."""
        return series.since(self.samples[0].told, self.samples[-1].told)

    def cpu(self, *kinds: str) -> float:
        """What members of these *kinds* used together, microseconds a poll."""
        first, last = self.samples[0].cpu, self.samples[-1].cpu
        used = sum(last[name] - first[name] for name in last if name.startswith(kinds))
        return 1e6 * used / max(self.polls, 1)

    def text(self) -> str:
        """It as a line under :data:`HEADS`."""
        memory = self.samples[-1].memory
        pairs = sum(size for name, size in memory.items() if name.startswith(("worker", "poller")))
        told = self.told
        return (
            f"{self.wires:>7}  {self.offered:>5.1f}  {self.polls / self.seconds:>7.1f}"
            f"  {self.cpu('worker', 'poller'):>7.0f}  {self.cpu('beat'):>5.0f}"
            f"  {self.cpu('database'):>5.0f}  {pairs / 1e6:>4.0f}"
            f"  {series.lag(told, 0.5):.2f} / {series.lag(told, 0.99):.2f}"
            f"  {self.fresh}  {self.stories}  {self.behind}  {self.outcomes}"
        )


HEADS = (
    *("wires", "offered/s", "polls/s", "worker µs", "beat µs", "db µs", "MB"),
    *("due→polled s p50/p99", "wire→feed s p50/p99", "stories", "waiting", "outcomes"),
)


def run(wires: int, rate: float, seconds: float, workers: int) -> Run:
    """Measure *wires* wires for *seconds*, offered *rate* polls a second, on so many *workers* with
    a poller each."""
    every = window.intervals(wires, rate)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wirecopy-scale-")))
        database, postmaster = stack.enter_context(postgres.running())
        database = stack.enter_context(postgres.database(database, "scale"))
        broker_folder = stack.enter_context(servers.throwaway())
        broker = stack.enter_context(servers.redis(broker_folder))
        agency, performer = stack.enter_context(_agency(wires, every))
        config, environment = _setup(folder, agency, every, database, broker)
        store = connect(config.database)
        stack.callback(store.close)
        store.migrate()
        _as_if_running(store, config, agency)
        members = {
            name: stack.enter_context(_process(command, environment)).pid
            for name, command in _commands(workers).items()
        }
        _until_polling(store)
        with client(broker_address(config), prefix=key_prefix(store)) as connection:
            told = connection.info("server")
            members |= {"database": postmaster, "broker": int(told["process_id"])}
            members["agency"] = performer
            start, began = clock.now(), time.monotonic()
            samples = []
            looks = max(series.PARTS, min(SAMPLES, int(seconds / LEAST)))
            for look in range(looks + 1):
                time.sleep(max(0.0, began + look * seconds / looks - time.monotonic()))
                samples.append(series.sample(store, connection, time.monotonic(), members))
        return Run(
            wires=wires,
            offered=window.offered(every),
            outcomes=_outcomes(store, start),
            samples=samples,
            fresh=_freshness(store, agency, start, window.watched(every, seconds), seconds),
            stories=_count(store, tables.stories),
            behind=_behind(store),
        )


def _commands(workers: int) -> dict[str, Sequence[str]]:
    """The command of each of our members, by its name."""
    found: dict[str, Sequence[str]] = {"beat": app.Beat().command()}
    for number in range(1, workers + 1):
        found[f"worker {number}"] = app.worker(PROCESSES).command()
        found[f"poller {number}"] = app.poller().command()
    return found


@contextmanager
def _agency(wires: int, every: Sequence[int]) -> Iterator[tuple[str, int]]:
    """The simulated agency: its URL and its process id."""
    novelty = NEWS_SHARE * 60 * window.offered(every) / wires
    command = [
        *(sys.executable, "-m", "tests.load", str(wires)),
        *("--items", str(ITEMS), "--novelty", f"{novelty:.6f}"),
        *("--updates", "0.2", "--errors", str(ERRORS), "--not-modified", str(NOT_MODIFIED)),
    ]
    process = subprocess.Popen(bound_to_parent(command), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.terminate()
        process.communicate()


def _setup(
    folder: Path, agency: str, every: Sequence[int], database: str, broker: str
) -> tuple[Config, dict[str, str]]:
    lines = [
        '[publisher]\nname = "Scale"\nurl = "https://scale.example"\n',
        '[politeness]\nper_host = 1000000\nper_agency = 1000000\ngap = "0s"\n',
    ]
    lines += [
        f'[[wires]]\nname = "w{n}"\nagency = "Agency {n // AGENCY}"\nurl = "{agency}/w/{n}.rss"\n'
        f'every = "{each}s"\nallow_private = true\ntimeout = "10s"\n'
        for n, each in enumerate(every)
    ]
    file = folder / "wirecopy.toml"
    file.write_text("\n".join(lines))
    environment = {
        "WIRECOPY_CONFIG": str(file),
        "WIRECOPY_DATABASE_URL": database,
        "WIRECOPY_REDIS_URL": broker,
        "WIRECOPY_LOG": "json",
    }
    config = load(file).model_copy(
        update={"database_url": SecretStr(database), "redis_url": SecretStr(broker)}
    )
    return config, environment


def _simulation(agency: str) -> tuple[Load, float]:
    """The agency's load, and its present moment."""
    with urllib.request.urlopen(f"{agency}/simulation.json") as answer:
        return recall(answer.read())


def _as_if_running(store: Store, config: Config, agency: str) -> None:
    """Every wire on record with its feed's validators, due times spread over one interval."""
    show, moment = _simulation(agency)
    site = Site(show)
    now = clock.now()
    wires = tables.wires.c
    rows = [
        {
            "wire": wire.name,
            "polled_at": now - wire.every,
            "due_at": now + wire.every * (n / len(config.wires)),
            "etag": f'"{site.tag(n, moment)}-gzip"',
        }
        for n, wire in enumerate(config.wires)
    ]
    polled = (
        update(tables.wires)
        .where(wires.name == bindparam("wire"))
        .values(
            {
                wires.lane: 0,
                wires.state: "ok",
                **{wires[name]: bindparam(name) for name in ("polled_at", "due_at", "etag")},
            }
        )
    )
    with store.write() as conn:
        sync(conn, config.wires, now - timedelta(days=1))
        conn.execute(polled, rows)
    # As the database itself would do within minutes: until then it reads all wires for a few.
    with store.engine.connect() as plain:
        plain.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


@contextmanager
def _process(
    command: Sequence[str], environment: dict[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("WIRECOPY_")}
    process = subprocess.Popen(
        bound_to_parent(command),
        env={**clean, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_polling(store: Store) -> None:
    """Until the members have read their configuration and poll; each takes some ten seconds of CPU
    for 100,000 wires."""
    end = time.monotonic() + PATIENCE
    while series.polls(store) == 0:
        if time.monotonic() > end:
            raise RuntimeError(f"no poll within {PATIENCE / 60:.0f} minutes")
        time.sleep(0.5)
    time.sleep(5)  # what had gathered before is worked off


def _outcomes(store: Store, start: datetime) -> dict[str, int]:
    wires = tables.wires
    query = select(wires.c.state, func.count()).where(wires.c.polled_at >= start)
    with store.read() as conn:
        return {row[0]: row[1] for row in conn.execute(query.group_by(wires.c.state))}


def _freshness(store: Store, agency: str, start: datetime, watch: float, seconds: float) -> str:
    """From a story's appearing at the agency until it stood in a feed, each watched for *watch*
    seconds at least within those *seconds* after *start*; zero: too short a time to tell."""
    if not watch:
        return "–"
    show, moment = _simulation(agency)
    zero = clock.now() - timedelta(seconds=moment)
    began = (start - zero).total_seconds()
    came = window.arrivals(show, began, began + seconds - watch)
    versions, entries, stories = tables.versions, tables.entries, tables.stories
    query = (
        select(*records.CONTENT, entries.c.rendered_at, stories.c.number)
        .join(stories, stories.c.id == versions.c.story_id)
        .join(entries, entries.c.story_id == versions.c.story_id)
        .where(versions.c.number == 1, versions.c.received_at > start)
    )
    with store.read() as conn:
        rows = [(records.content(r)[0]["agency_id"], r) for r in conn.execute(query).mappings()]
    return window.told(
        window.waits(
            {guid: zero + timedelta(seconds=at) for guid, at in came.items()},
            {guid: row["rendered_at"] for guid, row in rows},
            {guid for guid, row in rows if row["number"] > 1},
        ),
        watch,
    )


def _count(store: Store, table: object) -> int:
    with store.read() as conn:
        return int(conn.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def _behind(store: Store) -> int:
    with store.read() as conn:
        return sum(w.count for w in outbox.waiting(conn, clock.now()))


def main() -> int:
    """Measure each number of wires named and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    add = parser.add_argument
    add("wires", nargs="*", type=int, default=[100, 1_000, 10_000, 100_000])
    add("--rate", type=float, default=100.0, help="polls offered a second")
    add("--seconds", type=float, default=60.0, help="measured for each number")
    add("--workers", type=int, default=1, help="workers, each with a poller: one a host")
    given = parser.parse_args()
    for name, line in machine.describe().items():
        print(f"{name:<9} {line}")
    print(
        f"wanted    {given.rate:g} polls/s for {given.seconds:g} s; {given.workers} × {PROCESSES}"
        f" worker processes; {NEWS_SHARE:.0%} news, {ERRORS:.0%} errors,"
        f" {NOT_MODIFIED:.0%} of the rest 304"
    )
    for wires in given.wires:
        one = run(wires, given.rate, given.seconds, given.workers)
        print("  ".join(HEADS))
        print(one.text(), end="\n\n")
        print(series.table(one.samples).text())
        for name, (count, each) in series.tasks(one.told).items():
            print(f"{name:<12} {count:>7,} tasks, {each:.1f} ms each")
        print(flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
