"""A feed's document, joined of what stands around its entries and the entries as kept.

For gzip each entry is a block of its own, so that one change packs one entry and not the feed.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple

import zstandard
from isal import igzip, isal_zlib

from publish.entry import FeedMetadata
from publish.formats import WRITERS, Format

_LEVEL = 3
"""Of isal, its best: 6 % more than zlib makes of a feed at 6, in a fourteenth of the time."""

_ZSTD_LEVEL = 3
"""Packs a feed of 345 kB in 3 ms to 99 kB; level 9 takes 10 for 89 kB, gzip 20 for 105."""

_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
"""Of a gzip member without name and date (RFC 1952 §2.3)."""

_LAST = b"\x03\0"
"""An empty block that says it is the last (RFC 1951 §3.2.3)."""

_TRAILER = struct.Struct("<II")


class Block(NamedTuple):
    """Bytes deflated so that they can stand anywhere in a stream; their length and CRC-32, and that
    of them behind the separator of their format."""

    deflated: bytes
    length: int
    crc: int
    crc_behind: int


class Frame(NamedTuple):
    """What stands before the entries of a feed, between them, and after them, in UTF-8."""

    opening: bytes
    separator: bytes
    closing: bytes

    def join(self, entries: Sequence[bytes]) -> bytes:
        """The document of *entries* as they were rendered."""
        # One join of everything: a feed of megabytes built in two steps is allocated twice.
        opening, closing = self._ends(empty=not entries)
        between = chain.from_iterable((self.separator, entry) for entry in entries)
        return b"".join((opening, *islice(between, 1, None), closing))

    def gzip_of_blocks(self, entries: Sequence[Block]) -> bytes:
        """The document packed by gzip, of *entries* that are packed already."""
        before, after = self._ends(empty=not entries)
        opening, closing, separator = block(before), _kept(after), _kept(self.separator)
        pieces, crc, length = [_HEAD, opening.deflated], opening.crc, opening.length
        for at, each in enumerate(entries):
            # Half as many to combine as entries and separators each by itself.
            added = each.length + (separator.length if at else 0)
            crc = isal_zlib.crc32_combine(crc, each.crc_behind if at else each.crc, added)
            pieces += (separator.deflated, each.deflated) if at else (each.deflated,)
            length += added
        crc = isal_zlib.crc32_combine(crc, closing.crc, closing.length)
        trailer = _TRAILER.pack(crc, (length + closing.length) & 0xFFFFFFFF)
        return b"".join((*pieces, closing.deflated, _LAST, trailer))

    def _ends(self, *, empty: bool) -> tuple[bytes, bytes]:
        """What stands before the first entry and after the last."""
        if empty:
            return self.opening, self.closing
        return self.opening + self.separator.lstrip(b","), b"\n" + self.closing


def frame(of: FeedMetadata, format: Format, proof: str = "") -> Frame:
    """What stands around the entries of the feed *of* in *format*, with the *proof* for their
    statements, if there is one."""
    return proven(WRITERS[format].feed(of), format, proof)


def proven(around: tuple[bytes, bytes], format: Format, proof: str) -> Frame:
    """The same of what was written *around* the entries without the proof."""
    opening, closing = around
    writer = WRITERS[format]
    opening = writer.proven(opening, proof) if proof else opening
    return Frame(opening, writer.separator, closing)


def block(data: bytes, separator: bytes = b"") -> Block:
    """*data*, which may stand behind *separator*, as a block."""
    packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
    # A full flush ends at a byte, and what follows it refers to nothing before it.
    deflated = packer.compress(data) + packer.flush(isal_zlib.Z_FULL_FLUSH)
    behind = isal_zlib.crc32(data, isal_zlib.crc32(separator))
    return Block(deflated, len(data), isal_zlib.crc32(data), behind)


def gzip_whole(document: bytes) -> bytes:
    """The document packed by gzip as one: smaller than of blocks. Equal bytes give equal bytes."""
    packed: bytes = igzip.compress(document, _LEVEL, mtime=0)
    return packed


def zstd_whole(document: bytes) -> bytes:
    """The document packed by zstd (RFC 8878). Equal bytes give equal bytes."""
    # One each: threads pack at the same time.
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(document)


_kept = lru_cache(block)
"""Of what is the same in every document."""
