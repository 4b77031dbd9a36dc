"""The agency that every side polls: RSS and Atom of 30 items with some 4.8 kB of English each.

It is a process of its own, and stands still until the bench moves it, so that every side is
served the very same bytes. ``python -m bench.agency FILE`` reads from FILE, at every request, what
it is to publish (:class:`Moment`), and notes there when it was first asked.
"""

import gzip
import http.client
import mmap
import random
import struct
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from bench import english
from stories.pdeathsig import bound_to_parent

ITEMS = 30
"""Stories in a feed."""

BODY = 4_800
"""Characters of a story's body."""

CONTENT_TYPES = {"rss": "application/rss+xml", "atom": "application/atom+xml"}

LEVEL = 6
"""Of gzip, as servers have it."""

_MOMENT = "qq?"
_ASKED = "d"
_AT = 32
"""Where in the file the second stands, behind the first."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the agency publishes: *news* stories have come on each wire since it began, the feeds
    were *built* so many times since without news, and a request whose ETag matches is answered
    304 if *conditional*, else with the same bytes again."""

    news: int = 0
    built: int = 0
    conditional: bool = True

    def packed(self) -> bytes:
        """As it stands in the file."""
        return struct.pack(_MOMENT, self.news, self.built, self.conditional)


@dataclass(frozen=True, slots=True)
class Item:
    """One story of the agency's; texts are HTML."""

    guid: str
    link: str
    headline: str
    author: str
    summary: str
    body: str
    at: datetime
    categories: tuple[str, ...]


def began() -> datetime:
    """When the first story came: yesterday at midnight, as no agency dates its copy ahead."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=1)


@lru_cache(maxsize=20_000)
def item(wire: int, index: int, length: int = BODY) -> Item:
    """Story *index* of *wire*: the same one in every process of a run."""
    lots = random.Random(wire * 1_000_003 + index)
    key = f"{wire}-{index}"
    return Item(
        guid=f"urn:bench:{key}",
        link=f"https://agency.example/{lots.randrange(10**6)}/{key}",
        headline=escape(english.text(lots, 60), quote=False),
        author=english.text(lots, 12).title(),
        summary=escape(english.text(lots, 220), quote=False) + ".",
        body=english.body(lots, length) + f"\n<p>Story {key}.</p>",
        at=began() + timedelta(seconds=60 * index + wire),
        categories=(lots.choice(("India", "World", "Sport")), lots.choice(("Politics", "Money"))),
    )


def feed(wire: int, format: str, moment: Moment, length: int = BODY) -> bytes:
    """The feed of *wire* at *moment*, without a network, the newest first; with bodies of some
    *length* characters."""
    items = [item(wire, moment.news + place, length) for place in reversed(range(ITEMS))]
    built = items[0].at + timedelta(seconds=moment.built)
    return (_rss if format == "rss" else _atom)(wire, items, built)


def _rss(wire: int, items: Iterable[Item], built: datetime) -> bytes:
    entries = "".join(
        f"<item>\n<title>{i.headline}</title>\n<link>{i.link}</link>\n"
        f'<guid isPermaLink="false">{i.guid}</guid>\n'
        f"<pubDate>{format_datetime(i.at, usegmt=True)}</pubDate>\n"
        f"<dc:creator>{i.author}</dc:creator>\n"
        + "".join(f"<category>{label}</category>\n" for label in i.categories)
        + f"<description>{i.summary}</description>\n"
        f"<content:encoded><![CDATA[{i.body}]]></content:encoded>\n</item>\n"
        for i in items
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">\n<channel>\n'
        f"<title>Wire {wire}</title>\n<link>https://agency.example/</link>\n"
        f"<description>Stories of wire {wire}</description>\n<language>en</language>\n"
        f"<lastBuildDate>{format_datetime(built, usegmt=True)}</lastBuildDate>\n"
        f"{entries}</channel>\n</rss>\n"
    ).encode()


def _atom(wire: int, items: Iterable[Item], built: datetime) -> bytes:
    entries = "".join(
        f"<entry>\n<title>{i.headline}</title>\n"
        f'<link rel="alternate" href="{i.link}"/>\n<id>{i.guid}</id>\n'
        f"<published>{i.at.isoformat()}</published>\n<updated>{i.at.isoformat()}</updated>\n"
        f"<author><name>{i.author}</name></author>\n"
        + "".join(f'<category term="{label}"/>\n' for label in i.categories)
        + f"<summary>{i.summary}</summary>\n"
        f'<content type="html">{escape(i.body, quote=False)}</content>\n</entry>\n'
        for i in items
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">\n'
        f"<title>Wire {wire}</title>\n<id>urn:bench:{wire}</id>\n"
        f'<link rel="alternate" href="https://agency.example/"/>\n'
        f"<updated>{built.isoformat()}</updated>\n{entries}</feed>\n"
    ).encode()


class Agency:
    """The agency at work, as the bench sees it."""

    def __init__(self, base: str, file: Path) -> None:
        self.base = base
        self._file = file
        self.moment = Moment()

    def url(self, wire: int, format: str) -> str:
        """Where a wire's feed is."""
        return f"{self.base}/{wire}.{format}"

    def asked(self) -> float | None:
        """When it was first asked since :meth:`forget`, seconds since 1970; None: it was not."""
        [at] = struct.unpack_from(_ASKED, self._file.read_bytes(), _AT)
        return at or None

    def forget(self) -> None:
        """Forget that it was asked."""
        with self._file.open("r+b") as file:
            file.seek(_AT)
            file.write(struct.pack(_ASKED, 0.0))

    def move(self, moment: Moment, wires: Iterable[int] = (), format: str = "rss") -> None:
        """Publish *moment*; the feeds of *wires* are written now, so that no side waits for it."""
        self.moment = moment
        with self._file.open("r+b") as file:
            file.write(moment.packed())
        connection = http.client.HTTPConnection(urlsplit(self.base).netloc, timeout=60)
        for wire in wires:
            connection.request("GET", f"/{wire}.{format}")
            connection.getresponse().read()
        connection.close()


@contextmanager
def performing(folder: Path) -> Iterator[Agency]:
    """The agency, publishing its first moment, while the block runs."""
    file = folder / "moment"
    file.write_bytes(Moment().packed().ljust(_AT, b"\0") + struct.pack(_ASKED, 0.0))
    process = subprocess.Popen(
        bound_to_parent([sys.executable, "-m", "bench.agency", str(file)]),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield Agency(process.stdout.readline().strip(), file)
    finally:
        process.terminate()
        process.communicate()


class _Desk(BaseHTTPRequestHandler):
    """Answers one connection; ``shown`` is the file."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet, where they fit
    shown: mmap.mmap

    def do_GET(self) -> None:
        """Answer a request for ``/WIRE.FORMAT``."""
        moment = Moment(*struct.unpack_from(_MOMENT, self.shown))
        if not struct.unpack_from(_ASKED, self.shown, _AT)[0]:
            struct.pack_into(_ASKED, self.shown, _AT, time.time())
        wire, _, format = self.path.removeprefix("/").partition(".")
        if not wire.isdigit() or format not in CONTENT_TYPES:
            self.send_error(404)
            return
        etag = f'"{moment.news}-{moment.built}"'
        if moment.conditional and self.headers.get("If-None-Match") == etag:
            self.send_response(304)
            self.send_header("ETag", etag)
            self.end_headers()
            return
        body = _packed(int(wire), format, moment.news, moment.built)
        self.send_response(200)
        self.send_header("ETag", etag)
        self.send_header("Content-Type", CONTENT_TYPES[format])
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@lru_cache(maxsize=500)
def _packed(wire: int, format: str, news: int, built: int) -> bytes:
    return gzip.compress(feed(wire, format, Moment(news, built)), LEVEL, mtime=0)


def main(file: str) -> None:
    """Serve until killed."""
    with Path(file).open("r+b") as shared:
        _Desk.shown = mmap.mmap(shared.fileno(), 0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Desk)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
