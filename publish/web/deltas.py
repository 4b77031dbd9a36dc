"""Which entries of a feed are new to who has an earlier form of it, by its entity tag (RFC 3229).

``A-IM: feed`` asks for that: the name of an instance manipulation that leaves the others out.

It is known of the forms that this process has served. Who has another gets the whole feed.
"""

import re
from collections.abc import Iterable

from publish.web.representation import Headers

CACHED = "no-store, im"
"""The Cache-Control: what is new depends on what was known, so no cache that does not know RFC 3229
may give it to another."""

MOST = 2_000
"""Tags that are remembered of a feed: ten minutes' of three formats, if it changes each second."""

_TAG = re.compile(r'"([A-Za-z0-9_-]{24})(?:-(?:zstd|gzip(?:-whole|-blocks)?))?"')
_NAMED = re.compile(r"feed\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?", re.IGNORECASE)


class Forms:
    """The forms that a feed had lately. Written by one thread at a time, read by any."""

    def __init__(self) -> None:
        self._turn = 0
        self._since: dict[str, int] = {}
        self._turns: dict[str, int] = {}

    def follow(self, entries: Iterable[str], tags: Iterable[str]) -> None:
        """Note that the feed has these *entries* now, by their digests, under these *tags*."""
        turn = self._turn = self._turn + 1
        # One that left and is back is new.
        self._since = {each: self._since.get(each, turn) for each in entries}
        for tag in tags:
            self._turns.pop(tag, None)
            self._turns[tag] = turn
        while len(self._turns) > MOST:
            del self._turns[next(iter(self._turns))]

    def turn_of(self, if_none_match: str) -> tuple[int, str] | None:
        """The latest form of those that an If-None-Match of this value names, and its tag as it
        stands there; None when it names none that is known."""
        found = [
            (turn, named[0])
            for named in _TAG.finditer(if_none_match)
            if (turn := self._turns.get(f'"{named[1]}"')) is not None
        ]
        return max(found, default=None)

    def new_since(self, turn: int, entries: Iterable[str]) -> list[str]:
        """Those of *entries* that the form of that *turn* had not."""
        since = self._since
        return [each for each in entries if since.get(each, turn + 1) > turn]


def known_by(headers: Headers) -> str | None:
    """The If-None-Match of a request that asks for what is new; None when it does not."""
    wanted = b", ".join(value for name, value in headers if name == b"a-im").decode("latin-1")
    named = [_NAMED.fullmatch(part.strip()) for part in wanted[:200].split(",")] if wanted else []
    if not any(one is not None and float(one[1] or 1) > 0 for one in named):
        return None
    tags = [value for name, value in headers if name == b"if-none-match"]
    return b", ".join(tags).decode("latin-1") or None
