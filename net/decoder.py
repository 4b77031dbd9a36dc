"""A response's body as it comes in: decoded, limited in size, and whole or not at all. Pure.

libcurl could decode by itself, but 8.23 takes a gzip stream that was cut off for a whole one, fails
on streams of several members, and cannot be stopped within nested codings that inflate each other.
A body without its end is worse than none: its validators would be kept with it, and the missing
stories never requested again.
"""

import zlib
from collections.abc import Iterable
from typing import Any

from net.errors import FetchError

# Registered codings that change the bytes (RFC 9110 §16.6.1). Others ("utf-8", "none") are real
# servers' mistakes over bytes that are not coded at all.
_CODINGS = frozenset(
    {"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd", "dcb", "dcz"}
)

MOST_MEMBERS = 1000
"""Most gzip members of one body. Real ones have one; a megabyte of empty ones keeps zlib busy for
100 ms and decodes to nothing."""


class Body:
    """Collects one body; its memory is bounded by *limit*, whatever comes.

    *limit* is in bytes, for the body as sent and as decoded; *codings* are the values of the
    Content-Encoding fields.

    :raises FetchError: from every method. States ``too-large``, ``truncated``, and ``protocol`` for
        a coding that was not offered or is not what it says; the message names no address.
    """

    def __init__(self, limit: int, codings: Iterable[str] = ()) -> None:
        self.received = 0
        self._limit = max(0, limit)
        self._decoded = 0
        self._pieces: list[bytes] = []
        self._members = 0
        self._inflate: Any = None  # zlib's decompressor has no public type
        named = [c for value in codings for c in value.lower().replace(" ", "").split(",")]
        coded = [c for c in named if c in _CODINGS]
        if coded not in ([], ["gzip"], ["x-gzip"]):
            raise FetchError(
                "protocol",
                f"its body is coded as {', '.join(coded)[:60]} though only gzip was offered;"
                " ask the agency to honour Accept-Encoding",
            )
        self._gzip = bool(coded)

    def announce(self, length: int) -> None:
        """Check the length that the headers state."""
        if length > self._limit:
            raise self._too_large()

    def feed(self, data: bytes) -> None:
        """Add *data*, as it came from the connection."""
        self.received += len(data)
        if self.received > self._limit:
            raise self._too_large()
        if self._gzip:
            self._decode(data)
        else:
            self._pieces.append(data)

    def whole(self) -> bytes:
        """The decoded body."""
        if self._inflate is not None and not self._inflate.eof:
            raise FetchError(
                "truncated", "its gzip body breaks off; nothing was kept, the next poll tries again"
            )
        return b"".join(self._pieces)

    def _decode(self, data: bytes) -> None:
        """Decode one or several gzip members (RFC 1952 §2.2), never beyond the limit."""
        while data:
            if self._inflate is None or self._inflate.eof:
                if self._inflate is not None and data[0] != 0x1F:
                    return  # padding behind the last member; gzip(1) ignores it as well
                self._inflate = zlib.decompressobj(wbits=31)
                self._members += 1
            try:
                if self._members > MOST_MEMBERS:
                    raise zlib.error
                piece = self._inflate.decompress(data, self._limit - self._decoded + 1)
            except zlib.error:
                raise FetchError(
                    "protocol", "its body is said to be gzip and is not; tell the agency"
                ) from None
            self._decoded += len(piece)
            if self._decoded > self._limit:
                raise self._too_large()
            self._pieces.append(piece)
            data = self._inflate.unused_data or self._inflate.unconsumed_tail

    def _too_large(self) -> FetchError:
        return FetchError(
            "too-large",
            f"its body is over {self._limit:,} bytes;"
            " raise the wire's max_bytes if the feed is honestly this large",
        )
