"""What a capture's bytes hold, as far as they alone tell: ``parse | normalise | digest``.

All that touches hostile text stands behind :func:`read`, so that it can be run elsewhere
(:mod:`ingest.cage`); its result is plain values that JSON holds. What depends on earlier captures,
which key identifies an item above all, is decided afterwards.
"""

from collections.abc import Callable
from typing import Any

from ingest import formats
from ingest.identity import Keys, keys_of
from ingest.item import Channel, Hints, Item
from ingest.normalise import content_digest, normalise, received
from stories.errors import ParseError
from stories.newsroom import Wire
from stories.provenance import digests
from stories.scalar import scalar
from stories.story import Digests, Identity, Value, Version, digest

LONGEST_MESSAGE = 2_000
"""Characters of an error that are kept; it may quote what the wire sent."""


class Candidate(Value):
    """One item, normalised and digested, not yet recognised.

    ``version.agency_id`` is empty where the item states none: then its identity serves.
    """

    position: int
    start: int
    end: int
    keys: Keys
    version: Version
    received: Digests
    raw_digest: str | None
    content_digest: str


class Refusal(Value):
    """One item that could not be taken, and why. Its ``keys`` count all the same: it is there."""

    position: int
    state: str
    message: str
    keys: Keys | None = None


class Contents(Value):
    """What one capture holds. ``items`` is how many items were read, good and refused."""

    format: str = ""
    channel: Channel = Channel()
    notes: tuple[str, ...] = ()
    items: int = 0
    found: tuple[Candidate, ...] = ()
    refused: tuple[Refusal, ...] = ()

    @property
    def keys(self) -> list[Keys]:
        """The keys of all items, first those found; identities do not depend on the order."""
        refused = [one.keys for one in self.refused if one.keys is not None]
        return [*(one.keys for one in self.found), *refused]


Reader = Callable[[bytes, Hints, Wire], Contents]
"""Whatever reads captures: :func:`read` in this process, or :func:`ingest.cage.read`.

Raises ParseError when the bytes are no feed, or cannot be read within bounds."""


def read(body: bytes, hints: Hints, wire: Wire) -> Contents:
    """The contents of *body*, a capture of *wire*, read in this process and without bounds.

    An item that fails is refused by itself. Of *wire* its name, agency, code, timezone and
    language matter.

    :raises ParseError: when *body* is no feed that a format takes; ``unreadable`` when a parser
        met what nobody foresaw.
    """
    try:
        parsed = formats.parse(body, hints)
    except (ParseError, MemoryError):
        raise
    except Exception as error:  # no parser foresees everything; the capture is kept
        told = f"{hints.url}: {type(error).__name__}: {error}; report this capture"
        raise ParseError("unreadable", storable(told)) from error
    found: list[Candidate] = []
    refused: list[Refusal] = []
    for item in parsed.items:
        keys: Keys | None = None
        try:
            keys = keys_of(item)
            found.append(_candidate(item, keys, parsed.channel, body, wire))
        except ParseError as error:
            refused.append(_refusal(item, keys, error.state, str(error)))
        except Exception as error:  # an item nobody foresaw must not hold up its neighbours
            told = f"item {item.position}: {type(error).__name__}: {error}; report this capture"
            refused.append(_refusal(item, keys, "item-unreadable", told))
    return Contents(
        format=storable(parsed.format),
        channel=_stored(parsed.channel),
        notes=tuple(storable(note)[:LONGEST_MESSAGE] for note in parsed.notes),
        items=len(parsed.items),
        found=tuple(found),
        refused=tuple(refused),
    )


_NOBODY = Identity(rule="digest", key="")


def _candidate(item: Item, keys: Keys, channel: Channel, body: bytes, wire: Wire) -> Candidate:
    version = normalise(item, channel, wire, _NOBODY)
    raw = body[item.start : item.end] if 0 <= item.start < item.end else None
    return Candidate(
        position=item.position,
        start=item.start,
        end=item.end,
        keys=keys,
        version=version,
        received=digests(received(item, channel)),
        raw_digest=digest(raw) if raw is not None else None,
        content_digest=content_digest(version),
    )


def _refusal(item: Item, keys: Keys | None, state: str, message: str) -> Refusal:
    told = storable(message)[:LONGEST_MESSAGE]
    return Refusal(position=item.position, state=state, message=told, keys=keys)


def _stored(channel: Channel) -> Channel:
    texts: dict[str, Any] = {
        name: storable(value) if isinstance(value, str) else tuple(map(storable, value))
        for name in Channel.__slots__
        for value in [getattr(channel, name)]
    }
    return Channel(**texts)


def storable(text: str) -> str:
    """*text* as both databases can hold it: no lone surrogate, no U+0000."""
    return scalar(text).replace("\0", "\ufffd")
