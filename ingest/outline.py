"""Where known items stand in a capture, found by comparing bytes: nothing hostile is parsed here.

A feed that was read and has nothing unusual has an *outline*: how long the fixed pieces are that
stand before its first item and behind its last, one digest of them all, and between them gaps where
only a date or a harmless comment stands. In the next capture of the wire :func:`cut` follows it
from both ends, then from either side the items that are known, each by its length and digest. What
is left in the middle is unknown, and is read by itself between the same head and tail: often one
item of thirty, or none.

**That gives what reading the whole gives.** An outline is drawn only where

* all bytes are UTF-8 beyond doubt, as those of any capture joined of such pieces are
  (:func:`ingest.formats.encoding.is_sure`);
* the scan for items ended each thing that it began, within the head, an item or the tail
  (:class:`ingest.formats.item_spans.Scan`), and nothing but white space stood between items: so
  each piece is scanned by itself as it is among others;
* nothing is said of the document but by head and tail: its prolog is usual, its root and its
  channel begin in the head, it is whole and left no note.

And it is believed of a middle only if reading that gives the same outline, and the same context
(:attr:`ingest.item.Parsed.context`): then its items cover it.
"""

import hashlib
import re
from dataclasses import dataclass

from ingest.item import Hints, Outline, Pieces, Stood
from wirecopy.encoding import digest

MOST_AROUND = 65_536
"""Bytes of head and tail, each: less than what is looked at for the root of a feed."""

MOST_GAPS = 50
"""Dates and comments in them."""

_GAPS = {
    "date": re.compile(rb"[\w\s:,.+-]{0,60}<"),
    "comment": re.compile(rb"(?:(?!-->)[\w\s:,.+/()-]){0,500}-->"),
}
# A date of the feed, a comment that can be nothing else, and what may hold either as text.
_DATED = re.compile(
    rb"<!\[CDATA\[.*?\]\]>|<!--(?P<comment>(?:(?!-->)[\w\s:,.+/()-]){0,500})-->|<!--.*?-->"
    rb"|<(?P<name>(?:[\w.-]{1,20}:)?(?:lastBuildDate|pubDate|updated|modified|date))"
    rb"(?:\s[^<>]*)?>(?P<date>[\w\s:,.+-]{0,60})</(?P=name)\s*>",
    re.DOTALL,
)
_USUAL_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s+|<\?[^<>]*\?>|<!--[^<>]*-->)*+")
_BLANK = re.compile(rb"[ \t\r\n]{0,64}")
_END_TAG = re.compile(rb"</[\w.:-]{1,100}>\Z")


@dataclass(frozen=True, slots=True)
class Cut:
    """The items that are known, ``first`` of them before what is not, in the order of the capture.
    ``middle`` is the head, what is unknown, and the tail, ``offset`` how many bytes were left out
    before the unknown; it is empty where there is nothing unknown."""

    known: tuple[Stood, ...]
    first: int
    middle: bytes
    offset: int


def draw(body: bytes, first: int, last: int, root: int, hints: Hints) -> Outline | None:
    """The outline of *body*, whose items stand from *first* to *last*, and which has its root
    element at the character *root*; None where it has none of the usual kind."""
    end = _END_TAG.search(body, max(first, last - 110), last)
    prolog = _USUAL_PROLOG.match(body)
    if end is None or prolog is None or max(first, len(body) - last) > MOST_AROUND:
        return None
    if len(prolog[0].decode()) != root or prolog.end() >= first:
        return None
    fixed = hashlib.sha256(_told(hints))
    head, tail = _pieces(body[:first], fixed), _pieces(body[last:], fixed)
    if len(head) + len(tail) > MOST_GAPS:
        return None
    return Outline(head, tail, end[0].decode(), fixed.hexdigest())


def _pieces(around: bytes, fixed: "hashlib._Hash") -> Pieces:
    found: list[tuple[int, str]] = []
    at = 0
    for match in _DATED.finditer(around):
        kind = match.lastgroup if match.lastgroup != "name" else "date"
        if kind is not None:
            start = match.start(kind)
            fixed.update(around[at:start])
            found.append((start - at, kind))
            at = match.end() if kind == "comment" else match.end(kind) + 1
    fixed.update(around[at:])
    return (*found, (len(around) - at, ""))


def _told(hints: Hints) -> bytes:
    """What reading depends on besides the bytes."""
    named = (hints.headers.get("content-type", ""), hints.headers.get("link", ""))
    return repr((hints.rule, hints.url, *named)).encode("utf-8", "replace")


def cut(
    body: bytes, outline: Outline, known: tuple[tuple[str, int], ...], hints: Hints
) -> Cut | None:
    """*body* without what is known of it: the digests and lengths of items that stood in the
    capture before, in their order, within that *outline*; None where it does not fit.

    Linear in the length of *body*, whatever its bytes.
    """
    fixed = hashlib.sha256(_told(hints))
    begin = _followed(body, 0, outline.head, fixed)
    stop = body.rfind(outline.end.encode()) + len(outline.end)
    if not 0 < begin < stop or _followed(body, stop, outline.tail, fixed) != len(body):
        return None
    if fixed.hexdigest() != outline.digest:
        return None
    before: list[Stood] = []
    start, end = begin, stop
    for name, length in known:
        if start + length > stop or digest(body[start : start + length]) != name:
            break
        before.append(Stood(start, start + length, name))
        start = _BLANK.match(body, start + length, stop).end()  # type: ignore[union-attr]
    behind: list[Stood] = []
    for name, length in reversed(known[len(before) :]):
        if end - length >= start and digest(body[end - length : end]) == name:
            behind.append(Stood(end - length, end, name))
            end -= length
            gap = body[max(start, end - 64) : end]
            end -= len(gap) - len(gap.rstrip(b" \t\r\n"))
    found = (*before, *reversed(behind))
    middle = b"".join((body[:begin], body[start:end], body[stop:])) if start < end else b""
    return Cut(found, len(before), middle, start - begin)


def _followed(body: bytes, at: int, pieces: Pieces, fixed: "hashlib._Hash") -> int:
    """Where *pieces* that begin at *at* end in *body*; -1 where they do not fit."""
    for length, kind in pieces:
        fixed.update(body[at : at + length])
        at += length
        if kind:
            gap = _GAPS[kind].match(body, at)
            if gap is None:
                return -1
            at = gap.end()
    return at
