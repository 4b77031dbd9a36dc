"""The formats that wires come in. A new one is one file here and one line in :data:`FORMATS`.

Each is two pure functions: ``detect(look)``, whether a body that looks so is of this format, and
``parse(body, hints)``, its items.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ingest.formats import rss_atom
from ingest.formats.sniff import Look, look
from ingest.item import Hints, Parsed
from stories.errors import ParseError


@dataclass(frozen=True, slots=True)
class Format:
    """One wire format."""

    name: str
    detect: Callable[[Look], bool]
    parse: Callable[[bytes, Hints], Parsed]


FORMATS: tuple[Format, ...] = (
    Format("RSS or Atom", rss_atom.detect, rss_atom.parse),
)  # fmt: skip


def parse(body: bytes, hints: Hints) -> Parsed:
    """The items of *body* by the first format that takes it.

    A valid feed without items is no error.

    :raises ParseError: with state ``empty`` (no bytes, or nothing but white space),
        ``not-a-feed`` (named for what it looks like), ``malformed`` (claims to be a feed, but
        nothing can be got out of it).
    """
    if not body.strip(b" \t\r\n\0\xef\xbb\xbf\xfe\xff"):
        raise ParseError(
            "empty", f"{hints.url}: the response is empty; ask the agency, or check the wire's url"
        )
    seen = look(body, hints.headers.get("content-type", ""))
    for one in FORMATS:
        if one.detect(seen):
            return one.parse(body, hints)
    known = ", ".join(one.name for one in FORMATS)
    raise ParseError(
        "not-a-feed",
        f"{hints.url}: this is {seen}, not {known}; check the wire's url and its credentials",
    )
