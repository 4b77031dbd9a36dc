"""``wirecopy up`` as it runs in earnest: how long news takes, what it needs at rest, how it starts.

Time here is time on the wall, and so depends on whatever else the machine does.
"""

import gzip
import http.client
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select

from bench import agency, postgres
from bench.agency import Agency, Moment
from bench.cost import tree_cpu_seconds, tree_pss
from bench.serve import free_port
from bench.sides import SideError
from bench.table import Cell, Table
from stories.config import load
from stories.db import Store, connect, tables
from stories.db import stories as records
from stories.pdeathsig import bound_to_parent

WIRECOPY = Path(sys.executable).with_name("wirecopy")
WIRES, NEWS = 10, 5
"""Wires, and stories that come on each of them in a second."""

LIMIT = 100
"""Entries in the feed, so that a story stands there for two seconds."""

LOOK = 0.02
"""Seconds between two looks at the served feed, and so the precision of what is told."""

PATIENCE = 90.0

_ID = re.compile(rb"agencyId>([^<]+)<")


@dataclass
class Seen:
    """What was seen from outside: when a story first stood in the served feed, by the agency's id;
    and each time a wire was polled, how long after it was due."""

    served: dict[str, float] = field(default_factory=dict)
    lags: list[float] = field(default_factory=list)


@contextmanager
def up(
    folder: Path, urls: Sequence[str], every: str, environment: dict[str, str], more: str = ""
) -> Iterator[int]:
    """``wirecopy up`` in *folder*, a new one or not, configured with *more*; yields its process
    id."""
    file = folder / "wirecopy.toml"
    if not file.exists():
        lines = [
            f'data = "{folder / "data"}"\n',
            '[publisher]\nname = "Bench"\nurl = "https://bench.example"\n',
            f'[site]\nurl = "http://127.0.0.1:{free_port()}"\n',
            '[politeness]\nper_host = 100\nper_agency = 100\ngap = "0s"\n',
            more,
            f'[[feeds]]\nname = "all"\ntitle = "All"\nlimit = {LIMIT}\n',
        ]
        lines += [
            f'[[wires]]\nname = "w{n}"\nagency = "Bench"\nurl = "{url}"\nevery = "{every}"\n'
            "allow_private = true\n"
            for n, url in enumerate(urls)
        ]
        file.write_text("\n".join(lines))
    clean = {k: v for k, v in os.environ.items() if not k.startswith("WIRECOPY_")}
    with (folder / "up.log").open("ab") as log:
        process = subprocess.Popen(
            bound_to_parent([str(WIRECOPY), "up"]),
            cwd=folder,
            env={**clean, **environment, "WIRECOPY_LOG": "json"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=90)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def first_poll(shown: Agency, folder: Path, environment: dict[str, str]) -> float:
    """Seconds from the start of ``wirecopy up`` until the agency was asked."""
    shown.forget()
    started = time.time()
    with up(folder, [shown.url(0, "rss")], "1s", environment):
        until(shown.asked, folder)
        at = shown.asked()
    assert at is not None
    return at - started


def at_rest(shown: Agency, folder: Path, environment: dict[str, str], seconds: float) -> int | None:
    """Bytes of memory of all processes, shared pages once, *seconds* after the first poll."""
    shown.forget()
    with up(folder, [shown.url(0, "rss")], "1h", environment) as pid:
        until(shown.asked, folder)
        time.sleep(seconds)
        return tree_pss(pid)


def news(
    shown: Agency, folder: Path, environment: dict[str, str], seconds: float
) -> tuple[Seen, dict[str, float], float]:
    """What is seen in *seconds* in which news comes; the waits from receipt to the served feed by
    the agency's id, ``inf`` for a story that has not stood there; the cores that were used."""
    shown.move(Moment())
    shown.forget()
    seen = Seen()
    urls = [shown.url(n, "rss") for n in range(WIRES)]
    with up(folder, urls, "1s", environment) as pid:
        config = load(folder / "wirecopy.toml")
        store = connect(environment.get("WIRECOPY_DATABASE_URL") or config.database)
        try:
            until(shown.asked, folder)
            until(lambda: len(received(store)) >= WIRES * agency.ITEMS, folder)
            stop = threading.Event()
            watchers = [
                threading.Thread(target=_watch_feed, args=(config.site.url, seen, stop)),
                threading.Thread(target=_watch_wires, args=(store, seen, stop)),
            ]
            for watcher in watchers:
                watcher.start()
            time.sleep(3)
            known = set(received(store))
            seen.lags.clear()
            began, cpu = time.monotonic(), tree_cpu_seconds(pid)
            for second in range(1, round(seconds) + 1):
                shown.move(Moment(NEWS * second))
                time.sleep(max(began + second - time.monotonic(), 0))
            cores = (tree_cpu_seconds(pid) - cpu) / (time.monotonic() - began)
            newest = {f"urn:bench:{n}-{shown.moment.news + agency.ITEMS - 1}" for n in range(WIRES)}
            until(lambda: newest <= received(store).keys(), folder)
            until(lambda: newest <= seen.served.keys(), folder)
            stop.set()
            for watcher in watchers:
                watcher.join()
            waits = {
                guid: seen.served.get(guid, inf) - at.timestamp()
                for guid, at in received(store).items()
                if guid not in known
            }
        finally:
            store.close()
    return seen, waits, cores


def _watch_feed(site: str, seen: Seen, stop: threading.Event) -> None:
    """Note when each story first stands in the feed, as a reader sees it that asks all the time."""
    connection = http.client.HTTPConnection(site.removeprefix("http://"), timeout=30)
    etag = ""
    while not stop.wait(LOOK):
        headers = {"Accept-Encoding": "gzip", **({"If-None-Match": etag} if etag else {})}
        connection.request("GET", "/feeds/all.rss", headers=headers)
        answer = connection.getresponse()
        body, now = answer.read(), time.time()
        if answer.status != 200:
            continue
        etag = answer.headers["ETag"]
        if answer.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        for found in _ID.findall(body):
            seen.served.setdefault(found.decode(), now)
    connection.close()


def _watch_wires(store: Store, seen: Seen, stop: threading.Event) -> None:
    """Note of each poll how long after the wire was due it was written down."""
    wires = tables.wires
    before: dict[str, tuple[datetime, datetime | None]] = {}
    while not stop.wait(0.1):
        with store.read() as conn:
            rows = conn.execute(select(wires.c.name, wires.c.due_at, wires.c.polled_at)).all()
        for name, due, polled in rows:
            last = before.get(name)
            if last is not None and polled is not None and polled != last[1]:
                seen.lags.append(max((polled - last[0]).total_seconds(), 0.0))
            before[name] = due, polled


def received(store: Store) -> dict[str, datetime]:
    """When each story was received, by the agency's id."""
    versions = tables.versions
    query = select(*records.CONTENT, versions.c.received_at).where(versions.c.number == 1)
    with store.read() as conn:
        rows = conn.execute(query).mappings().all()
    return {records.content(row)[0]["agency_id"]: row["received_at"] for row in rows}


def until(happened: Callable[[], object], folder: Path) -> None:
    """Wait for *happened*, with what `wirecopy up` in *folder* said if it does not."""
    end = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > end:
            said = (folder / "up.log").read_text()[-2000:]
            raise SideError(f"wirecopy up did not do it in {PATIENCE:.0f} s; it said: {said}")
        time.sleep(0.005)


def help_cpu() -> float:
    """Milliseconds of CPU that ``wirecopy --help`` takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([WIRECOPY, "--help"], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def quantiles(found: Sequence[float]) -> tuple[float | None, float | None]:
    """Median and 99th percentile; None for none, and for a wait without end."""
    if not found:
        return None, None
    ranked = sorted(found)
    ends = ranked[len(ranked) // 2], ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]
    middle, last = (None if value == inf else value for value in ends)
    return middle, last


def table(seconds: float, turns: int) -> Table:
    """Measure on SQLite and on PostgreSQL, news for *seconds*, starts *turns* times."""
    columns: dict[str, list[Cell]] = {}
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="wirecopy-bench-")))
        shown = stack.enter_context(agency.performing(folder))
        columns["SQLite"] = _column(shown, folder / "sqlite", lambda _: {}, seconds, turns)
        try:
            url, _ = stack.enter_context(postgres.running())
        except RuntimeError as error:
            absent["PostgreSQL"] = f"not measured: {str(error).splitlines()[0]}"
        else:

            def environment(name: str) -> dict[str, str]:
                database = stack.enter_context(postgres.database(url, name))
                return {"WIRECOPY_DATABASE_URL": database}

            columns["PostgreSQL"] = _column(shown, folder / "postgres", environment, seconds, turns)
        asked = statistics.median(help_cpu() for _ in range(turns + 1))
    made = Table(
        "live",
        f"Live: `wirecopy up`, {WIRES} wires, {WIRES * NEWS} stories/s for {seconds:g} s",
        ("", *columns),
        notes=(
            f"A reader asks for the feed of {LIMIT} every {LOOK * 1e3:.0f} ms, on the same cores.",
            "Received is when the capture was kept. Memory counts each page once (PSS),",
            "the private broker included, PostgreSQL's server not.",
        ),
    )
    for row in zip(ROWS, *columns.values(), strict=True):
        made.rows.append(row)
    made.rows.append(("wirecopy --help: CPU, s", *([asked / 1e3] * len(columns))))
    made.rows.extend(absent.items())
    return made


ROWS = (
    "received → in the served feed: p50, s",
    "received → in the served feed: p99, s",
    "stories received",
    "due → polled: p50, s",
    "due → polled: p99, s",
    "cores used meanwhile",
    "up at rest: memory, MB",
    "up → first poll, a new folder: s",
    "up → first poll, again: s",
)


def _column(
    shown: Agency,
    folder: Path,
    environment: Callable[[str], dict[str, str]],
    seconds: float,
    turns: int,
) -> list[Cell]:
    """One column of the table, in the order of :data:`ROWS`."""
    folder.mkdir()

    def fresh(name: str) -> Path:
        (folder / name).mkdir()
        return folder / name

    seen, waits, cores = news(shown, fresh("news"), environment("news"), seconds)
    rest = at_rest(shown, fresh("rest"), environment("rest"), min(seconds, 10))
    new, again = [], []
    for turn in range(turns):
        place, given = fresh(f"start{turn}"), environment(f"start{turn}")
        new.append(first_poll(shown, place, given))
        again.append(first_poll(shown, place, given))
    return [
        *quantiles(list(waits.values())),
        len(waits),
        *quantiles(seen.lags),
        cores,
        None if rest is None else rest / 1e6,
        statistics.median(new),
        statistics.median(again),
    ]
