"""Bytes → items: Wirecopy's parser beside feedparser, around which it is built.

What a side needs is imported by that side alone: its memory is its own.
"""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.agency import CONTENT_TYPES, ITEMS, bodies
from bench.cost import timed
from bench.sides import Outcome, highest, in_turns, median, run
from bench.table import Table, megabytes

if TYPE_CHECKING:
    from ingest.contents import Reader

URL = "http://agency.example/feed"

SIDES = {
    "Wirecopy": "wirecopy",
    "feedparser, sanitising and resolving off": "feedparser_off",
    "feedparser, as it comes": "feedparser_default",
    "Wirecopy, to versions, text not compared": "wirecopy_unchecked",
    "Wirecopy, to versions with digests": "wirecopy_contents",
    "Wirecopy, the same in a child process": "wirecopy_caged",
}

Parse = Callable[[bytes, str], int]
"""Parses a body of a content type; how many items it held."""


def wirecopy(folder: str, seconds: float) -> dict[str, float]:
    """``formats.parse``, as intake calls it."""
    from ingest import formats
    from ingest.item import Hints

    def parse(body: bytes, kind: str) -> int:
        return len(formats.parse(body, Hints(url=URL, headers={"content-type": kind})).items)

    return _each(folder, seconds, parse)


def wirecopy_unchecked(folder: str, seconds: float) -> dict[str, float]:
    """As :func:`wirecopy_contents`, step by step, but for holding the text against the bytes."""
    from ingest import contents, formats
    from ingest.identity import keys_of
    from ingest.item import Hints
    from ingest.normalise import content_digest, normalise, received
    from stories.newsroom import Wire
    from stories.provenance import digests
    from stories.story import Identity, digest

    wire = Wire(name="sim", url=URL, agency="Simulated Press Agency", code="SIM")
    nobody = Identity(rule="digest", key="")

    def parse(body: bytes, kind: str) -> int:
        parsed = formats.parse(body, Hints(url=URL, headers={"content-type": kind}))
        found = []
        for item in parsed.items:
            keys = keys_of(item)
            version = normalise(item, parsed.channel, wire, nobody)
            found.append(
                contents.Candidate(
                    position=item.position,
                    start=item.start,
                    end=item.end,
                    keys=keys,
                    version=version,
                    received=digests(received(item, parsed.channel)),
                    raw_digest=digest(body[item.start : item.end]),
                    content_digest=content_digest(version),
                )
            )
        return len(found)

    return _each(folder, seconds, parse)


def wirecopy_contents(folder: str, seconds: float) -> dict[str, float]:
    """The whole pure way from bytes to versions with their digests, in this process."""
    from ingest import contents

    return _read(folder, seconds, contents.read)


def wirecopy_caged(folder: str, seconds: float) -> dict[str, float]:
    """The same in a child process of bounded time and memory, as intake does it."""
    from ingest import cage

    return _read(folder, seconds, cage.read)


def _read(folder: str, seconds: float, reader: "Reader") -> dict[str, float]:
    from ingest.item import Hints
    from stories.newsroom import Wire

    wire = Wire(name="sim", url=URL, agency="Simulated Press Agency", code="SIM")

    def parse(body: bytes, kind: str) -> int:
        return len(reader(body, Hints(url=URL, headers={"content-type": kind}), wire).found)

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
            "nh3 when it renders. The last three rows are everything up to the database: without",
            "the second reading that shows that no text was lost, with it, and as intake does it:",
            "bounded in time and memory.",
        ),
    )
    for name, outcomes in found.items():
        cells = (median(outcomes, f"{f} {of}") for f in CONTENT_TYPES for of in ("wall", "cpu"))
        made.rows.append((name, *cells, megabytes(highest(outcomes))))
    return made
