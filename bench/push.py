"""Push: how long after a story was received it was with each of the hub's subscribers.

``python -m bench.push`` is these: it answers whoever comes, and notes when each story came.
"""

import asyncio
import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlencode, urlsplit

from bench import agency, live, postgres
from bench.agency import Agency, Moment
from bench.cost import tree_cpu_seconds
from bench.table import Cell, Table
from stories import clock
from stories.config import load
from stories.db import Store, connect, subscriptions
from stories.pdeathsig import bound_to_parent

PAUSE = 2.0
"""Seconds between two stories."""

_ID = re.compile(rb"<wirecopy:agencyId>([^<]+)<")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class _Subscriber(asyncio.Protocol):
    """One connection; ``came`` has the moments at which each story came, to whomever."""

    came: dict[str, list[float]]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._out, self._in = transport, bytearray()

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._in += data
        while (end := self._in.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._in[:end])
            found = _LENGTH.search(head)
            whole = end + 4 + int(found[1] if found else 0)
            if len(self._in) < whole:
                return
            body = bytes(self._in[end + 4 : whole])
            del self._in[:whole]
            answer = self._answer(head.split(b" ", 2)[1].decode(), body)
            self._out.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer)

    def _answer(self, path: str, body: bytes) -> bytes:
        now = time.time()
        for guid in _ID.findall(body):
            self.came.setdefault(guid.decode(), []).append(now)
        if path == "/came":
            return json.dumps(self.came).encode()
        return parse_qs(urlsplit(path).query).get("hub.challenge", [""])[0].encode()


async def _serve() -> None:
    _Subscriber.came = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Subscriber, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def listening() -> Iterator[int]:
    """The subscribers; yields their port."""
    command = bound_to_parent([sys.executable, "-m", "bench.push"])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate()


def _came(port: int) -> dict[str, list[float]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/came")
    found: dict[str, list[float]] = json.loads(connection.getresponse().read())
    connection.close()
    return found


def _subscribe(site: str, port: int, subscribers: int) -> None:
    connection = http.client.HTTPConnection(urlsplit(site).netloc, timeout=30)
    for n in range(subscribers):
        form = {
            "hub.mode": "subscribe",
            "hub.topic": f"{site}/feeds/all.rss",
            "hub.callback": f"http://127.0.0.1:{port}/{n}",
            "hub.secret": f"secret {n}",
        }
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        while True:
            connection.request("POST", "/hub", urlencode(form), kind)
            answer = connection.getresponse()
            answer.read()
            if answer.status == 202:
                break
            time.sleep(0.1)
    connection.close()


def pushes(
    shown: Agency, folder: Path, environment: dict[str, str], subscribers: int, seconds: float
) -> tuple[list[float], int, float]:
    """The waits, from the receipt of each of the stories that come in *seconds* until it was with
    each subscriber; how many stories these were; and the cores that were used."""
    shown.move(Moment())
    shown.forget()
    more = "[hub]\nallow_private = true\n"
    with (
        listening() as port,
        live.up(folder, [shown.url(0, "rss")], "1s", environment, more) as pid,
    ):
        config = load(folder / "wirecopy.toml")
        store = connect(environment.get("WIRECOPY_DATABASE_URL") or config.database)
        try:
            live.until(shown.asked, folder)
            live.until(lambda: len(live.received(store)) >= agency.ITEMS, folder)
            known = set(live.received(store))
            _subscribe(config.site.url, port, subscribers)
            live.until(lambda: _subscribed(store) == subscribers, folder)
            began, cpu = time.monotonic(), tree_cpu_seconds(pid)
            stories = max(round(seconds / PAUSE), 1)
            for n in range(1, stories + 1):
                shown.move(Moment(n))
                time.sleep(max(began + n * PAUSE - time.monotonic(), 0))
            cores = (tree_cpu_seconds(pid) - cpu) / (time.monotonic() - began)
            live.until(partial(_all_came, port, stories * subscribers), folder)
            at = live.received(store)
            came = _came(port)
        finally:
            store.close()
    waits = [
        moment - at[guid].timestamp()
        for guid, moments in came.items()
        if guid not in known
        for moment in moments
    ]
    return waits, stories, cores


def _subscribed(store: Store) -> int:
    with store.read() as conn:
        return subscriptions.summary(conn, clock.now(), 0).subscribed


def _all_came(port: int, count: int) -> bool:
    return sum(map(len, _came(port).values())) >= count


def table(seconds: float, subscribers: int) -> Table:
    """Measure on SQLite and on PostgreSQL, news for *seconds*."""
    columns: dict[str, list[Cell]] = {}
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="wirecopy-bench-")))
        shown = stack.enter_context(agency.performing(folder))

        def measure(name: str, environment: dict[str, str]) -> None:
            (folder / name).mkdir()
            waits, stories, cores = pushes(shown, folder / name, environment, subscribers, seconds)
            columns[name] = [*live.quantiles(waits), len(waits), stories, cores]

        measure("SQLite", {})
        try:
            url, _ = stack.enter_context(postgres.running())
        except RuntimeError as error:
            absent["PostgreSQL"] = f"not measured: {str(error).splitlines()[0]}"
        else:
            database = stack.enter_context(postgres.database(url, "push"))
            measure("PostgreSQL", {"WIRECOPY_DATABASE_URL": database})
    made = Table(
        "push",
        f"Push: {subscribers:,} subscribers of one feed, a story every {PAUSE:g} s",
        ("", *columns),
        notes=(
            "Received is when the capture was kept. The subscribers are one process on the same",
            "cores, each with a secret of its own.",
        ),
    )
    for row in zip(ROWS, *columns.values(), strict=True):
        made.rows.append(row)
    made.rows.extend(absent.items())
    return made


ROWS = (
    "received → with a subscriber: p50, s",
    "received → with a subscriber: p99, s",
    "deliveries",
    "stories",
    "cores used meanwhile",
)

if __name__ == "__main__":
    asyncio.run(_serve())
