"""The AP Media API's JSON (https://developer.ap.org/ap-media-api/): a feed of items, one item, or
the item alone.

An item is ninjs as AP extends it, in an envelope of its own. Its id is ``altids.itemid``: the
``uri`` changes with every request. Texts are mostly not in it, but at the address of a rendition:
then the item says so, and no half of it is published.
"""

from dataclasses import replace
from typing import Any

from ingest.formats import encoding, ninjs
from ingest.formats.json_text import Path, text_of
from ingest.formats.sniff import Sniffed, members_of
from ingest.integrity import Reread
from ingest.item import Hints, Item, Parsed

_ID = ("altids", "itemid")


def detect(sniffed: Sniffed) -> bool:
    """Whether *sniffed* is JSON that holds items of AP."""
    return _place(sniffed.members) is not None


def _place(members: frozenset[Path]) -> Path | None:
    places = (path[:-2] for path in members if path[-2:] == _ID)
    return min((p for p in places if p[-1:] in ((), ("item",), ("*",))), key=len, default=None)


def parse(body: bytes, hints: Hints) -> Parsed:
    """The items of *body*. Linear in its length.

    :raises ParseError: ``malformed`` where it is broken and no whole item is in it.
    """
    charset = encoding.decide(body, utf=True)
    place = _place(members_of(body)) or ()
    return ninjs.read(body, hints, charset, place, _item, "ap-media")


def _item(item: Item, one: dict[str, Any]) -> Item:
    return replace(ninjs.common(item, one), guid=text_of(one.get("altids"), "itemid"))


def reread(body: bytes, hints: Hints) -> Reread:
    """The second reading of the items of *body*, a capture. Linear in its length."""
    return ninjs.reread(body, hints)
