"""A response's body as it comes in: decoded, limited in size, and whole or not at all. Pure.

libcurl could decode by itself, but 8.23 takes a gzip stream that was cut off for a whole one, fails
on streams of several members, knows zstd only where it was built with it, and cannot be stopped
within nested codings that inflate each other. A body without its end is worse than none: its
validators would be kept with it, and the missing stories never requested again.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import zstandard
from isal import isal_zlib

from net.errors import FetchError

OFFERED: Final = "gzip, br, zstd"
"""Of Accept-Encoding. Not deflate: what that means was never agreed on; both meanings are read."""

MOST_MEMBERS = 1000
"""Most members of one gzip or zstd stream. Real ones have one; a megabyte of empty ones keeps zlib
busy for 100 ms and decodes to nothing."""

MOST_LAYERS = 3
"""Most codings within each other: a ``.gz`` that a server packs once more has two."""

ZSTD_WINDOW = 8 << 20
"""Bytes; no sender of HTTP may want more (RFC 9659 §3)."""

# Registered codings that change the bytes (RFC 9110 §16.6.1) and are not read. Others ("utf-8",
# "none") are real servers' mistakes over bytes that are not coded at all.
_UNREAD = frozenset({"compress", "x-compress", "dcb", "dcz"})
_GZIP = b"\x1f\x8b\x08"  # no feed begins so
_RULE = 1
"""Raised when the same bytes would be decoded to others."""


@dataclass(frozen=True, slots=True)
class _Coding:
    """How one coding is undone: ``new`` gives a decompressor for a member that begins with the
    bytes given; ``step`` is how many bytes it is fed at once, so that it cannot burst; ``again`` is
    how another member begins, if there may be one."""

    new: Callable[[bytes], Any]
    step: int = 65_536
    again: bytes = b""


def _gunzip(start: bytes) -> Any:
    """By ISA-L, in a third of zlib's time: most bodies come so. It waits for ten bytes until it
    sees that they are no gzip, and takes flags that no gzip may have (RFC 1952 §2.3.1.2)."""
    if not _GZIP.startswith(start[:3]) or (len(start) > 3 and start[3] & 0xE0):
        raise ValueError
    return isal_zlib.decompressobj(wbits=31)


def _deflate(start: bytes) -> Any:
    """By the standard in a zlib wrapper (RFC 9110 §8.4.1.2), by some servers without one."""
    wrapped = len(start) > 1 and start[0] & 15 == 8 and int.from_bytes(start[:2]) % 31 == 0
    return zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)


class _Zstd:
    """One frame (RFC 8878), with the face of zlib's decompressor."""

    unconsumed_tail = b""

    def __init__(self, _start: bytes) -> None:
        self._frame = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()

    def decompress(self, data: bytes, _most: int) -> bytes:
        return self._frame.decompress(data)

    @property
    def eof(self) -> bool:
        return bool(self._frame.eof)

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data


class _Brotli:
    """One stream (RFC 7932), with the face of zlib's decompressor."""

    unconsumed_tail = unused_data = b""

    def __init__(self, _start: bytes) -> None:
        import brotli  # here, as few wires need it

        self._stream = brotli.Decompressor()

    def decompress(self, data: bytes, most: int) -> bytes:
        found = self._stream.process(data, output_buffer_limit=most)
        while len(found) < most and not self._stream.can_accept_more_data():
            found += self._stream.process(b"", output_buffer_limit=most - len(found))
        return bytes(found)

    @property
    def eof(self) -> bool:
        return bool(self._stream.is_finished())


_CODINGS = {
    "gzip": (_gzip := _Coding(_gunzip, again=b"\x1f")),
    "x-gzip": _gzip,
    "deflate": _Coding(_deflate),
    # Four bytes of a frame may stand for 128 KiB, and a frame's output has no limit of its own.
    "zstd": _Coding(_Zstd, step=256, again=b"\x28"),
    "br": _Coding(_Brotli),
}


class Body:
    """Collects one body; its memory is bounded by *limit*, whatever comes.

    *limit* is in bytes, for the body as sent and as decoded, whatever it is coded in; *codings* are
    the values of the Content-Encoding fields. A body that still begins like gzip when these are
    undone is unpacked as such: a ``.gz`` is one without them, too.

    :raises FetchError: from every method. States ``too-large``, ``truncated``, and ``protocol`` for
        a coding that is not read or is not what it says; the message names no address.
    """

    def __init__(self, limit: int, codings: Iterable[str] = ()) -> None:
        self.received = 0
        self._limit = max(0, limit)
        self._pieces: list[bytes] = []
        named = [c for value in codings for c in value.lower().replace(" ", "").split(",")]
        self._codings = [c for c in named if c in _CODINGS or c in _UNREAD]
        if len(self._codings) > MOST_LAYERS or not _UNREAD.isdisjoint(self._codings):
            raise FetchError(
                "protocol",
                f"its body is coded as {', '.join(self._codings)[:60]} though only {OFFERED} were"
                " offered; ask the agency to honour Accept-Encoding",
            )

    def announce(self, length: int) -> None:
        """Check the length that the headers state."""
        if length > self._limit:
            raise self._too_large()

    def feed(self, data: bytes) -> None:
        """Add *data*, as it came from the connection."""
        self.received += len(data)
        if self.received > self._limit:
            raise self._too_large()
        self._pieces.append(data)

    def name(self) -> str | None:
        """A name for the body as sent: SHA-256 of all on which :meth:`whole` depends. None where
        there is nothing to decode, and so nothing to be saved by knowing it."""
        self._pieces = [b"".join(self._pieces)]
        if not (self._codings or self._pieces[0].startswith(_GZIP)):
            return None
        found = hashlib.sha256(f"{_RULE} {self._limit} {','.join(self._codings)}\n".encode())
        found.update(self._pieces[0])
        return found.hexdigest()

    def whole(self) -> bytes:
        """The decoded body."""
        body = b"".join(self._pieces)
        self._pieces.clear()
        layers = len(self._codings)
        for name in reversed(self._codings):
            body = self._decoded(name, body)
        while body.startswith(_GZIP) and layers < MOST_LAYERS:
            body = self._decoded("gzip", body)
            layers += 1
        return body

    def _decoded(self, name: str, data: bytes) -> bytes:
        """*data* with the coding *name* undone, never beyond the limit."""
        coding = _CODINGS[name]
        pieces: list[bytes] = []
        decoder: Any = None
        size = members = 0
        try:
            for at in range(0, len(data), coding.step):
                left = data[at : at + coding.step]
                while left:
                    if decoder is None or decoder.eof:
                        if decoder is not None and left[:1] != coding.again:
                            return b"".join(pieces)  # padding; gzip(1) ignores it as well
                        decoder, members = coding.new(left), members + 1
                        if members > MOST_MEMBERS:
                            raise ValueError
                    piece = decoder.decompress(left, self._limit - size + 1)
                    size += len(piece)
                    if size > self._limit:
                        raise self._too_large()
                    pieces.append(piece)
                    left = decoder.unused_data or decoder.unconsumed_tail
        except FetchError:
            raise
        except Exception:  # each library has an error of its own
            raise FetchError(
                "protocol", f"its body is said to be {name} and is not; tell the agency"
            ) from None
        if decoder is not None and not decoder.eof:
            raise FetchError(
                "truncated",
                f"its {name} body breaks off; nothing was kept, the next poll tries again",
            )
        return b"".join(pieces)

    def _too_large(self) -> FetchError:
        return FetchError(
            "too-large",
            f"its body is over {self._limit:,} bytes;"
            " raise the wire's max_bytes if the feed is honestly this large",
        )
