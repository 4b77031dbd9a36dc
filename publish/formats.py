"""The formats of feeds: each is written by a module, and has a line in :data:`WRITERS`."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from publish import jsonfeed, xml
from publish.entry import Entry, FeedMetadata, Notice

Format = Literal["rss", "atom", "json"]


class Writer(NamedTuple):
    """How one format is written.

    ``name`` is what people call it. ``entry`` writes one entry, ``notice`` what stands in place of
    one that was withdrawn, ``feed`` what precedes and what follows the entries of a feed, and
    ``proven`` the former with the proof for their statements; ``separator`` precedes each of them.
    """

    name: str
    content_type: str
    entry: Callable[[Entry], bytes]
    notice: Callable[[Notice], bytes]
    feed: Callable[[FeedMetadata], tuple[bytes, bytes]]
    proven: Callable[[bytes, str], bytes]
    separator: bytes


def notices(said: Notice) -> dict[Format, bytes]:
    """What is *said* in each format. Atom says it to programs, and shows nobody anything."""
    return {
        format: writer.notice(said) if said.shown or format == "atom" else b""
        for format, writer in WRITERS.items()
    }


WRITERS: dict[Format, Writer] = {
    "rss": Writer(
        "RSS",
        xml.RSS_TYPE,
        xml.rss_item,
        xml.rss_notice,
        xml.rss_channel,
        xml.rss_proven,
        b"\n    ",
    ),
    "atom": Writer(
        "Atom",
        xml.ATOM_TYPE,
        xml.atom_entry,
        xml.atom_tombstone,
        xml.atom_feed,
        xml.atom_proven,
        b"\n  ",
    ),
    "json": Writer(
        "JSON Feed",
        jsonfeed.JSON_TYPE,
        jsonfeed.item,
        jsonfeed.notice,
        jsonfeed.feed,
        jsonfeed.proven,
        b",\n",
    ),
}
