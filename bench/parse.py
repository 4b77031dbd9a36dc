"""Bytes → items: Wirecopy's parser beside feedparser, around which it is built.

What a side needs is imported by that side alone: its memory is its own.
"""

import statistics
import time
from collections.abc import Callable
from io import BytesIO
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.agency import CONTENT_TYPES, ITEMS, bodies
from bench.cost import Cost, Stopwatch, timed
from bench.sides import Outcome, highest, in_turns, median, run
from bench.table import Table, megabytes

URL = "http://agency.example/feed"

SIDES = {
    "Wirecopy": "wirecopy",
    "feedparser, sanitising and resolving off": "feedparser_off",
    "feedparser, as it comes": "feedparser_default",
    "Wirecopy, to versions, in a child process": "wirecopy_sandboxed",
    "Wirecopy, to versions with digests": "wirecopy_contents",
}

SECOND = {
    "the same, text not compared": "less",
    "the second reading, its cost": "difference",
    "the second reading, with over without": "ratio",
}
"""Rows that the side :func:`wirecopy_contents` has besides its own."""

Parse = Callable[[bytes, str], int]
"""Parses a body of a content type; how many items it held."""


def wirecopy(folder: str, seconds: float) -> dict[str, float]:
    """The format's ``parse``, as intake calls it."""
    from ingest import formats
    from ingest.item import Hints

    def parse(body: bytes, kind: str) -> int:
        hints = Hints(url=URL, headers={"content-type": kind})
        return len(formats.choose(body, hints).parse(body, hints).items)

    return _each(folder, seconds, parse)


def wirecopy_contents(folder: str, seconds: float) -> dict[str, float]:
    """The whole pure way from bytes to versions with their digests, in this process, with and
    without the second reading.

    Feed by feed one is timed right after the other, now this one first, now that one: what comes
    over a machine for a moment, or for a minute, comes over both. So the difference is small, and
    is the cost of the second reading all the same.
    """
    from unittest.mock import patch

    from ingest import parse as contents
    from ingest.item import Hints
    from stories.config import Wire

    wire = Wire(name="sim", url=URL, agency="Simulated Press Agency", code="SIM")

    def compared(body: bytes, kind: str) -> int:
        return len(contents.parse(body, Hints(url=URL, headers={"content-type": kind}), wire).found)

    def not_compared(body: bytes, kind: str) -> int:
        with (
            patch.object(contents, "_reread", lambda *_: None),
            patch.object(contents, "_fault", lambda *_: None),
        ):
            return compared(body, kind)

    return _paired(folder, seconds, not_compared, compared)


def _paired(folder: str, seconds: float, less: Parse, more: Parse) -> dict[str, float]:
    """What *less* and *more* cost an item, in turns, and by what the latter is dearer: medians
    over all feeds."""
    figures: dict[str, float] = {}
    for format, kind in CONTENT_TYPES.items():
        feeds = [file.read_bytes() for file in sorted(Path(folder).glob(f"*.{format}"))]
        for parse in (less, more):
            _held(parse, feeds[0], kind)
        spent: dict[Parse, list[Cost]] = {less: [], more: []}
        end = time.perf_counter() + 2 * seconds
        for number, body in enumerate(cycle(feeds)):
            if number >= len(feeds) and time.perf_counter() > end:
                break
            for parse in (less, more) if number % 2 else (more, less):
                with Stopwatch() as watch:
                    _held(parse, body, kind)
                spent[parse].append(watch.cost.per(ITEMS))
        for of in ("wall", "cpu"):
            without, whole = ([getattr(c, of) * 1e3 for c in spent[one]] for one in (less, more))
            apart = statistics.median(w - wo for w, wo in zip(whole, without, strict=True))
            ratio = statistics.median(w / wo for w, wo in zip(whole, without, strict=True))
            figures |= {
                f"{format} {of}": statistics.median(whole),
                f"{format} {of} less": statistics.median(without),
                f"{format} {of} difference": apart,
                f"{format} {of} ratio": ratio,
            }
    return figures


def _held(parse: Parse, body: bytes, kind: str) -> None:
    items = parse(body, kind)
    if items != ITEMS:
        raise RuntimeError(f"{items} items came out of a feed of {ITEMS}")


def wirecopy_sandboxed(folder: str, seconds: float) -> dict[str, float]:
    """The same in a child process of bounded time and memory, as intake does it."""
    from ingest import sandbox
    from ingest.item import Hints
    from stories.config import Wire

    wire = Wire(name="sim", url=URL, agency="Simulated Press Agency", code="SIM")

    def parse(body: bytes, kind: str) -> int:
        return len(sandbox.read(body, Hints(url=URL, headers={"content-type": kind}), wire).found)

    return _each(folder, seconds, parse)


def feedparser_default(folder: str, seconds: float) -> dict[str, float]:
    """feedparser with everything on."""
    return _each(folder, seconds, _feedparser(whole=True))


def feedparser_off(folder: str, seconds: float) -> dict[str, float]:
    """feedparser with its two slow passes off, as Wirecopy calls it."""
    return _each(folder, seconds, _feedparser(whole=False))


def _feedparser(*, whole: bool) -> Parse:
    import feedparser

    def parse(body: bytes, kind: str) -> int:
        told = feedparser.parse(
            BytesIO(body),
            response_headers={"content-type": kind, "content-location": URL},
            sanitize_html=whole,
            resolve_relative_uris=whole,
        )
        return len(told.entries)

    return parse


def _each(folder: str, seconds: float, parse: Parse) -> dict[str, float]:
    figures: dict[str, float] = {}
    for format, kind in CONTENT_TYPES.items():
        feeds = [file.read_bytes() for file in sorted(Path(folder).glob(f"*.{format}"))]

        def all_of_them(feeds: list[bytes] = feeds, kind: str = kind) -> None:
            items = sum(parse(body, kind) for body in feeds)
            if items != len(feeds) * ITEMS:
                raise RuntimeError(f"{items} items came out of {len(feeds)} feeds of {ITEMS}")

        cost = timed(all_of_them, seconds).per(len(feeds) * ITEMS)
        figures |= {f"{format} wall": cost.wall * 1e3, f"{format} cpu": cost.cpu * 1e3}
    return figures


def table(wires: int, seconds: float, turns: int) -> Table:
    """Measure all sides on *wires* feeds of each format, *seconds* at least for each of them."""
    with TemporaryDirectory(prefix="wirecopy-bench-") as folder:
        sizes = {}
        for format in CONTENT_TYPES:
            feeds = bodies(wires, format)
            for number, body in enumerate(feeds):
                (Path(folder) / f"{number:04}.{format}").write_bytes(body)
            sizes[format] = sum(map(len, feeds)) / wires / ITEMS / 1e3

        def side(function: str) -> Callable[[], Outcome]:
            return lambda: run(f"bench.parse:{function}", folder=folder, seconds=seconds)

        found = in_turns({name: side(function) for name, function in SIDES.items()}, turns)
    told = " and ".join(f"{size:.1f} kB an item in {f}" for f, size in sizes.items())
    made = Table(
        "parse",
        f"Parse: milliseconds an item; {wires} feeds of {ITEMS} items in each format, {told}",
        ("", "RSS wall", "RSS CPU", "Atom wall", "Atom CPU", "peak MB"),
        notes=(
            "Wirecopy's also finds each item's own bytes, repeated and namespaced elements, and",
            "what hides the agency; feedparser's default also sanitises, which Wirecopy does with",
            "nh3 when it renders. The last rows are everything up to the database: as intake does",
            "it, bounded in time and memory; and in one process with and without the second",
            "reading that shows that no text was lost, feed by feed in turns, which alone tells",
            "what that costs: milliseconds, then with it over without it.",
        ),
    )
    for name, outcomes in found.items():
        cells = (median(outcomes, f"{f} {of}") for f in CONTENT_TYPES for of in ("wall", "cpu"))
        made.rows.append((name, *cells, megabytes(highest(outcomes))))
        for row, which in SECOND.items() if SIDES[name] == "wirecopy_contents" else ():
            cells = (
                median(outcomes, f"{f} {of} {which}")
                for f in CONTENT_TYPES
                for of in ("wall", "cpu")
            )
            made.rows.append((row, *cells, None))
    return made
