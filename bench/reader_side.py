"""reader's side of the pipeline: it polls, parses and stores; plain feedgen makes the feed."""

import importlib
import importlib.util
import sys
import tempfile
from pathlib import Path

if importlib.util.find_spec("sgmllib") is None:
    # reader 3.26 holds a copy of feedparser that imports it, and counts on feedparser to bring it;
    # feedparser 6.0.14 brings the same module under a name of its own.
    sys.modules["sgmllib"] = importlib.import_module("feedparser_sgmllib")

from reader import Entry, Reader, make_reader

from bench import agency, plain
from bench.rounds import LIMIT, lived


def run(base: str, moment: str, wires: int, rounds: int) -> dict[str, float]:
    """The rounds on the agency at *base*, with reader's own defaults.

    One thread is its default. Ten took a quarter more CPU and were no faster: there is no network
    to wait for here.
    """
    with (
        tempfile.TemporaryDirectory(prefix="wirecopy-bench-") as folder,
        make_reader(str(Path(folder) / "reader.sqlite")) as store,
    ):
        for wire in range(wires):
            store.add_feed(base + agency.path(wire))
        return lived(lambda: _update(store), Path(moment), base, wires, rounds)


def _update(store: Reader) -> int:
    changed = 0
    # Scheduled: a feed is polled at most once an hour; here it is asked for now.
    for url, value in store.update_feeds_iter(scheduled=False, workers=1):
        if isinstance(value, Exception):
            raise RuntimeError(f"polling {url} failed") from value
        changed += value.new + value.modified if value else 0
    entries = [_plain(entry) for entry in store.get_entries(limit=LIMIT)]
    rss, atom = plain.feed(entries)
    if not rss.count(b"<item>") == atom.count(b"<entry>") == len(entries):
        raise RuntimeError("the feed does not hold the newest entries")
    return changed


def _plain(entry: Entry) -> plain.PlainEntry:
    return plain.PlainEntry(
        guid=entry.id,
        url=entry.link or "",
        headline=entry.title or "",
        author=", ".join(a.name for a in entry.authors if a.name) or "-",
        summary=entry.summary or "",
        body=entry.content[0].value if entry.content else entry.summary or "",
        published=entry.published,
        updated=entry.updated or entry.published,
        source_url=entry.link or "",
    )
