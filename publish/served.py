"""Feeds as they are served, and entries as they were published, read from the store."""

from collections.abc import Collection, Iterable, MutableMapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from publish.document import Block, block, frame, proven
from publish.entry import FeedMetadata
from publish.formats import WRITERS, Format
from publish.render import render
from publish.selection import metadata
from stories import transparency
from stories.config import Config
from stories.db import Connection, feeds, proofs, wires
from stories.db.feeds import EntryRow, FeedRow
from stories.models import StatementRow, Story, licence_end
from stories.transparency import Known, place_of

NEARLY, NEW = 200, 3
"""Entries, and new ones, of which a document is joined while others wait to be answered."""


class Fragment:
    """One entry as kept: packed small, and as a block of each format that was asked for."""

    __slots__ = ("__weakref__", "_packed", "_statement", "blocks", "place")

    def __init__(self, packed: bytes, statement: StatementRow | None) -> None:
        self._packed = packed
        self._statement = statement.token if statement else ""
        self.place = place_of(statement) if statement else None
        self.blocks: dict[Format, Block] = {}

    def bytes_of(self, format: Format) -> bytes:
        """The entry in *format*."""
        return _unpacked(self._packed, self._statement)[format]

    def block(self, format: Format) -> Block:
        """The entry in *format* as a block of a gzip document."""
        found = self.blocks.get(format)
        if found is None:
            written, separator = self.bytes_of(format), WRITERS[format].separator
            found = self.blocks[format] = block(written, separator)
        return found


_unpacked = lru_cache(maxsize=NEW)(feeds.unpack)
"""The three formats of what is new are asked for one after the other. Entries may be large."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All that a feed is joined of, as it was in one snapshot: what is told of it by format, its
    entries by their digests, the proof for their statements, and the document of its archive that
    it leads to."""

    rows: dict[Format, FeedRow]
    entries: dict[str, Fragment]
    updated: datetime | None
    proof: str
    older: int


class Document:
    """A feed in one format, as it is served; *about* is what it says of itself."""

    def __init__(self, of: Listing, about: FeedMetadata, format: Format) -> None:
        self._about, self._proof = about, of.proof
        self._format = format
        self._all = of.entries
        self._entries = of.entries.values()
        around = WRITERS[format].feed(about)
        self._frame = proven(around, format, of.proof)
        # The proof follows from the entries.
        digest = feeds.document_digest(format, around, of.entries)
        row = of.rows[format]
        # Another one's where that is started with another configuration, and a tag is of bytes.
        self.etag = row.etag if row.digest == digest else f'"{digest}"'
        self.modified_at = row.modified_at

    def addressed(self, key: str) -> "Document":
        """The same for a subscriber whose addresses end with *key*, which the tag does not tell."""
        if not key or not self._about.older:
            return self
        other = copy(self)
        about = self._about.model_copy(update={"key": key})
        other._frame = frame(about, self._format, self._proof)
        return other

    @property
    def entries(self) -> Iterable[str]:
        """Its entries by their digests, in order."""
        return self._all.keys()

    def body(self, only: Iterable[str] | None = None) -> bytes:
        """The document; with *only* some of its entries, if such are given."""
        chosen = self._entries if only is None else [self._all[each] for each in only]
        written = (each.bytes_of(self._format) for each in chosen)
        return self._frame.join([entry for entry in written if entry])  # a notice may be none here

    @property
    def nearly_packed(self) -> bool:
        """Whether :meth:`gzip_of_blocks` takes some tenths of a millisecond at most."""
        todo = sum(self._format not in each.blocks for each in self._entries)
        return len(self._entries) <= NEARLY and todo <= NEW

    def gzip_of_blocks(self) -> bytes:
        """The same packed by gzip, of entries each packed once."""
        blocks = [each.block(self._format) for each in self._entries]
        return self._frame.gzip_of_blocks([one for one in blocks if one.length])


def listing(
    conn: Connection,
    name: str,
    rows: dict[Format, FeedRow],
    known: MutableMapping[str, Fragment],
    log: Known | None = None,
    only: Collection[str] | None = None,
) -> Listing:
    """What the feed *name*, of which *rows* tell, is joined of; with *only* what comes by those
    wires. Only fragments that are not yet *known*, by their digests, are read, and of the *log*
    only what is not known either."""
    shown, older = feeds.listed(conn, name, only)
    found = {each.digests: known.get(each.digests) for each in shown}
    missing = {each.story_id: each.digests for each in shown if found[each.digests] is None}
    for story, (packed, statement) in feeds.kept_of(conn, list(missing)).items():
        fragment = Fragment(packed, statement)
        found[missing[story]] = known[missing[story]] = fragment
    entries = {digests: each for digests, each in found.items() if each is not None}
    places = [each.place for each in entries.values() if each.place is not None]
    updated = max((each.changed_at for each in shown), default=None)
    proof = transparency.proof(conn, places, log)
    return Listing(rows, entries, updated, proof, older)


@dataclass(frozen=True, slots=True)
class Served:
    """A feed in one format as served: its bytes, their strong ETag, and when they last became
    different."""

    body: bytes
    etag: str
    modified_at: datetime
    entries: int


def served(conn: Connection, config: Config, name: str, format: Format) -> Served | None:
    """A feed as served, None when it was never rendered or is not configured."""
    feed, rows = config.feed(name), feeds.rows_of(conn, name)
    if feed is None or format not in rows:
        return None
    found = listing(conn, name, rows, {})
    document = Document(found, metadata(feed, config, found.updated, found.older), format)
    return Served(document.body(), document.etag, document.modified_at, len(found.entries))


def json_of(conn: Connection, config: Config, story: Story, entry: EntryRow) -> bytes:
    """The *entry* of *story* in JSON as it was published, rendered again if no feed shows it.

    :raises RenderError: when it cannot be.
    """
    last = proofs.last_statements(conn, [story.id]).get(story.id)
    if entry.packed is not None:
        return feeds.unpack(entry.packed, last.token if last else "")["json"]
    terms = wires.licence_terms(conn, config, {story.wire})
    rendered = render(story, config, licence_end(terms, story))
    if last is not None:
        stated = rendered.with_statement(last.token)
        written: dict[Format, bytes] = {"rss": stated.rss, "atom": stated.atom, "json": stated.json}
        if feeds.digests_of(written) == entry.digests:
            return stated.json
    return rendered.json
