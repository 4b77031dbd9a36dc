"""The simulated agency as a process, at a moment that the bench sets.

With a running clock every side would get other stories; here time stands still until it is set, so
all sides get the same bytes. ``python -m bench.agency MOMENT WIRES`` reads
the moment, a double, from the file MOMENT at every request.
"""

import asyncio
import http.client
import mmap
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from stories.pdeathsig import bound_to_parent
from tests.load.load import Load, standing
from tests.load.server import opened
from tests.load.site import Site

ITEMS = 20
"""Stories in one feed of a wire."""

NEWS = 300.0
"""Seconds between two new stories on a wire."""

CONTENT_TYPES = {"rss": "application/rss+xml", "atom": "application/atom+xml"}
"""The formats that the bench reads."""


def load(wires: int) -> Load:
    """The load: a new story on each wire every five minutes, no faults."""
    return Load(seed=1, wires=wires, items=ITEMS, novelty_per_minute=60 / NEWS)


def bodies(wires: int, format: str) -> list[bytes]:
    """The feeds of *wires* wires in *format* at moment 0, without a network."""
    site = Site(load(wires))
    return [site.answer("GET", f"/w/{n}.{format}", {}, 0.0).body for n in range(wires)]


def path(wire: int) -> str:
    """The path of a wire's feed: RSS and Atom by turns."""
    return f"/w/{wire}.{'atom' if wire % 2 else 'rss'}"


def move(file: Path, moment: float) -> None:
    """Set the agency's clock; *moment* is in seconds since it began."""
    with file.open("r+b") as opened_file:
        opened_file.write(struct.pack("d", moment))


def warm(base: str, wires: int) -> None:
    """Ask for every feed once, so that no side waits for the agency to write them."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=60)
    for wire in range(wires):
        for coding in ("identity", "gzip"):
            connection.request("GET", path(wire), headers={"Accept-Encoding": coding})
            connection.getresponse().read()
    connection.close()


def versions(show: Load, moment: float) -> set[tuple[int, int, int]]:
    """Wire, story and version of all that stands at *moment*."""
    return {
        (wire, edition.index, edition.number)
        for wire in range(show.wires)
        for edition in standing(show, wire, moment).editions
    }


@contextmanager
def performing(folder: Path, wires: int) -> Iterator[tuple[str, Path]]:
    """Serve the load at moment 0; yields the base URL and the file that holds the moment."""
    file = folder / "moment"
    file.write_bytes(struct.pack("d", 0.0))
    command = [sys.executable, "-m", "bench.agency", str(file), str(wires)]
    agency = subprocess.Popen(
        bound_to_parent(command), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    assert agency.stdout is not None
    try:
        yield agency.stdout.readline().strip(), file
    finally:
        agency.terminate()
        agency.communicate()


async def _perform(show: Load, moment: mmap.mmap) -> None:
    async with opened(show, clock=lambda: float(struct.unpack("d", moment)[0])) as base:
        print(base, flush=True)
        await asyncio.Event().wait()


def main(file: str, wires: str) -> None:
    """Serve until killed."""
    with Path(file).open("rb") as shared:
        moment = mmap.mmap(shared.fileno(), 8, access=mmap.ACCESS_READ)
    asyncio.run(_perform(load(int(wires)), moment))


if __name__ == "__main__":
    main(*sys.argv[1:])
