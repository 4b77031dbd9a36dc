"""Where in the bytes of a capture each item stands.

A byte scanner and not a parser: it must find the items of broken documents too, in linear time
whatever the bytes, as offsets into the capture as it was received.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from ingest.formats import encoding
from ingest.item import Hints, Stood
from wirecopy.encoding import digest

ITEMS = ("item", "entry")
"""What items are called in RSS and Atom."""
# The rest of a start tag. No "<" may stand in an attribute (XML 1.0 §3.1): that bounds each try
# by the distance to the next "<", and the whole scan by the length of the document.
_REST = re.compile(rb"""(?>[^<>"']+|"[^"<]*"|'[^'<]*')*+>""")
_NEAR = 200
"""Bytes within which an end tag is looked for."""
_ENDED = re.compile(rb"</[^<>]{1,120}>\s*\Z")
_END = re.compile(rb"\s*>")
_OWN = re.compile(r"<([^\s<>/]{1,100})")
_HOLDER_END = re.compile(rb"</(?:[\w.-]{1,64}:)?(?:channel|rss|feed|rdf)\s*>", re.IGNORECASE)
# One item ends and another begins: no CDATA section holds that and then another section.
_BETWEEN = re.compile(
    rb"</[\w.:-]{1,100}\s*>\s*<(?:[\w.-]{1,64}:)?(?:item|entry)(?=[\s>])", re.IGNORECASE
)
_DOCTYPE = re.compile(
    rb"""<!DOCTYPE(?>[^\[<>"']+|"[^"]*"|'[^']*')*+"""
    rb"""(?>\[(?>[^\]"'<]+|"[^"]*"|'[^']*'|<!--.*?-->|<\?.*?\?>|<(?!!--|\?))*+\]\s*)?+>""",
    re.DOTALL | re.IGNORECASE,
)


@cache
def _tokens(names: tuple[str, ...]) -> re.Pattern[bytes]:
    return re.compile(
        rb"<(?:(!--)|(!\[CDATA\[)|(\?)|(!DOCTYPE\b)"
        # An item's tag: a prefix of sane length, so that looking for it stays linear.
        rb"|(/?)((?:[^\s<>/:&\"'=!?]{1,64}:)?(?:%s))(?=[\s/>]))" % "|".join(names).encode(),
        re.IGNORECASE,
    )


Spans = tuple[tuple[int, int], ...]
"""Byte offsets ``(start, end)``, disjoint and ascending."""


class Scan(NamedTuple):
    """What a scan found. It is ``regular`` where all that it came upon, items, sections, comments
    and instructions, has its end, and there is no DOCTYPE: then no piece of the document, cut where
    an item begins or ends, is scanned otherwise for what stands beyond it."""

    spans: Spans
    regular: bool


def scan(body: bytes, *, unclosed: bool = False, names: tuple[str, ...] = ITEMS) -> Scan:
    """The same as :func:`spans` finds, and whether *body* is regular."""
    regular = True

    def found(narrow: bytes) -> Spans:
        nonlocal regular
        at, regular = _spans(narrow, unclosed=unclosed, names=names)
        return at

    return Scan(spans_by(found, body), regular)


def spans(body: bytes, *, unclosed: bool = False, names: tuple[str, ...] = ITEMS) -> Spans:
    """Where each element of *body* stands that has one of *names*, in any case.

    Any prefix is accepted; elements inside another item do not count; CDATA sections, comments,
    processing instructions and the DOCTYPE are not looked into. Items that are never closed are
    left out; what stands whole inside them is found instead. With *unclosed* they end where the
    next item begins, or the channel ends (:func:`closed`), and a CDATA section does not reach from
    one item into the next; what the end of the body cuts off is left out still.
    """
    return scan(body, unclosed=unclosed, names=names).spans


def standing(body: bytes, spans: Spans, hints: Hints) -> dict[int, Stood]:
    """Which of *spans* hold items of *body* that are standing (:class:`ingest.item.Hints`). None
    is, where one stands twice: then they are copies, of which one counts."""
    if not hints.standing:
        return {}
    wanted = set(hints.standing)
    found: dict[int, Stood] = {}
    for number, (start, end) in enumerate(spans):
        if (name := digest(body[start:end])) in wanted:
            found[number] = Stood(start + hints.offset, end + hints.offset, name)
    return found if len({one.digest for one in found.values()}) == len(found) else {}


def closed(text: str) -> str:
    """*text*, an item, with its end tag where that is missing."""
    own = _OWN.match(text)
    if own is None or text.endswith((f"</{own[1]}>", "/>")):
        return text
    if re.search(rf"</{re.escape(own[1])}\s*>\Z", text):
        return text
    return f"{text}</{own[1]}>"


def spans_by(scan: Callable[[bytes], Spans], body: bytes) -> Spans:
    """What *scan*, which takes bytes as ASCII-compatible, finds in *body*.

    Where the beginning of *body* proves that it is UTF-16 or UTF-32, *scan* is given its text in
    UTF-8; the offsets are those of *body* all the same.
    """
    wide = encoding.marked(body)
    if not wide.startswith(("utf-16", "utf-32")):
        return scan(body)
    # Both directions replace what is broken by one unit of the same width, so lengths stay true.
    narrow = body.decode(wide, "replace").encode("utf-8", "replace")
    found: list[tuple[int, int]] = []
    at = wide_at = 0
    for start, end in scan(narrow):
        begin = wide_at + len(narrow[at:start].decode().encode(wide))
        wide_at = begin + len(narrow[start:end].decode().encode(wide))
        at = end
        found.append((begin, min(wide_at, len(body))))
    return tuple(found)


def doctype(body: bytes, at: int) -> int:
    """Where the DOCTYPE that begins at *at* ends; -1 if it never does."""
    match = _DOCTYPE.match(body, at)
    return match.end() if match else -1


def _spans(body: bytes, *, unclosed: bool, names: tuple[str, ...]) -> Scan:
    tokens = _tokens(names)
    found = _Found(unclosed)
    # Terminators known not to come are looked for once, and not once for each that wants one.
    never: set[bytes] = set()
    at = 0
    while at >= 0 and (token := tokens.search(body, at)):
        *other, slash, tag = token.groups()
        if tag and slash:
            at = found.end_tag(body, token.end(), tag.lower())
        elif tag:
            at = found.start_tag(body, token, tag.lower())
        else:
            at = _beyond(body, token, other, never, unclosed=unclosed)
    whole, given_up = _outermost(found.closed), found.given_up_at_last()
    regular = not never and not given_up
    return Scan(_with_unclosed(body, whole, given_up) if unclosed else whole, regular)


def _with_unclosed(body: bytes, whole: Spans, given_up: list[int]) -> Spans:
    """*whole* and the items that begin at *given_up*, outside of them."""
    starts = sorted([start for start, _ in whole] + given_up)
    added: list[tuple[int, int]] = []
    for start in sorted(given_up):
        before = bisect_right(whole, (start, len(body))) - 1
        if before >= 0 and start < whole[before][1]:
            continue
        after = bisect_right(starts, start)
        holder = _HOLDER_END.search(body, start) if after == len(starts) else None
        if after < len(starts) or holder is not None:
            end = starts[after] if holder is None else holder.start()
            added.append((start, start + len(body[start:end].rstrip())))
    return tuple(sorted([*whole, *added]))


def _beyond(
    body: bytes,
    token: re.Match[bytes],
    kind: list[bytes | None],
    never: set[bytes],
    *,
    unclosed: bool,
) -> int:
    """Where what is no element ends; -1 if the rest of the document belongs to it."""
    comment, section, instruction, _ = kind
    at = token.end()
    if section:
        end = -1 if b"]]>" in never else body.find(b"]]>", at)
        if end < 0:
            never.add(b"]]>")
        last = end if end >= 0 else len(body)
        between = _BETWEEN.search(body, at, last) if unclosed else None
        if between is not None and (end < 0 or body.find(b"<![CDATA[", between.end(), last) >= 0):
            return at  # left open
        return end + 3 if end >= 0 else -1
    if comment or instruction:
        stop = b"-->" if comment else b"?>"
        end = -1 if stop in never else body.find(stop, at)
        if end < 0:
            never.add(stop)
        return max(end, at)
    # One DOCTYPE only, as well-formed documents have.
    if b"<!DOCTYPE" in never:
        return at
    never.add(b"<!DOCTYPE")
    return max(at, doctype(body, token.start()))


class _Found:
    """Items closed so far, and those still open, by name."""

    def __init__(self, unclosed: bool) -> None:
        self._unclosed = unclosed
        self.closed: list[tuple[int, int]] = []
        self.given_up: list[int] = []
        self._open: list[tuple[bytes, int]] = []
        self._waiting: dict[bytes, int] = {}

    def given_up_at_last(self) -> list[int]:
        """Where those begin that are never closed."""
        return self.given_up + [start for _, start in self._open]

    def start_tag(self, body: bytes, token: re.Match[bytes], name: bytes) -> int:
        rest = _REST.match(body, token.end())
        if rest is None:
            return token.end()
        if body[rest.end() - 2 : rest.end() - 1] == b"/":
            self.closed.append((token.start(), rest.end()))
        else:
            self._open.append((name, token.start()))
            self._waiting[name] = self._waiting.get(name, 0) + 1
        return rest.end()

    def end_tag(self, body: bytes, at: int, name: bytes) -> int:
        end = _END.match(body, at)
        if end is None or not self._waiting.get(name):
            return at
        while True:  # those inside that were never closed are given up
            inner, start = self._open.pop()
            self._waiting[inner] -= 1
            if inner == name and self._unclosed and self._is_closed_twice(body, start, at):
                self.given_up.append(start)
                return end.end()
            if inner == name:
                self.closed.append((start, end.end()))
                return end.end()
            self.given_up.append(start)

    def _is_closed_twice(self, body: bytes, start: int, at: int) -> bool:
        """Whether the end tag whose name ends at *at* only repeats that of an item which stands
        behind the whole elements of another, begun at *start*: that one was never closed."""
        if not self.closed or self.closed[-1][0] <= start:
            return False
        first, last = self.closed[-1]
        if at - last > _NEAR:
            return False
        between = body[last : body.rfind(b"</", last, at)]
        before = _ENDED.search(body, max(start, first - _NEAR), first)
        return before is not None and not between.strip()


def _outermost(closed: list[tuple[int, int]]) -> Spans:
    found: list[tuple[int, int]] = []
    for start, end in sorted(closed, key=lambda span: (span[0], -span[1])):
        if not found or start >= found[-1][1]:
            found.append((start, end))
    return tuple(found)
