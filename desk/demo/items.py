"""The agency's values. All are immutable; moments are seconds since the agency started."""

import struct
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from hashlib import blake2b

IST = timezone(timedelta(hours=5, minutes=30), "IST")
"""Indian Standard Time, the zone of the agency's dates."""

EPOCH = datetime(2026, 11, 22, 9, 0, tzinfo=IST)
"""Moment 0 where no other is given."""

NAME = "Simulated Press Agency"
CODE = "SIM"
RIGHTS = "Simulated; no rights"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture beside a story: its number (``/pictures/NUMBER.svg``) and what is said of it."""

    number: int
    url: str
    caption: str
    credit: str = "SIMULATED PICTURE"


@dataclass(frozen=True, slots=True)
class WireItem:
    """One story as it stands on a wire.

    ``key`` is the agency's own number for the story, the same over all its editions; ``guid`` is
    what the feed states, empty for the one story that comes without. ``edition`` counts the
    contents (1, 2, …); a touched date or counter leaves it alone. ``body`` is HTML and begins with
    the dateline; the headline is plain text. ``first`` is when the story first appeared, ``dated``
    the date it carries now; both are in :data:`IST`, whole seconds. ``reads`` is the counter of
    the tracking pixel, -1 where the story has none.
    """

    key: str
    guid: str
    link: str
    edition: int
    language: str
    headline: str
    dateline: str
    byline: str
    slugline: str
    keywords: tuple[str, ...]
    categories: tuple[str, ...]
    urgency: int
    summary: str
    body: str
    picture: Picture | None
    first: datetime
    dated: datetime
    reads: int = -1
    rights: str = RIGHTS


@dataclass(frozen=True, slots=True)
class Edition:
    """What stands of story ``index``, before it is written out.

    ``number`` counts contents, ``since`` is the moment this state came to stand, ``first`` and
    ``dated`` are the moments its dates name, ``reads`` its counter (-1: none).
    """

    index: int
    number: int
    since: float
    first: float
    dated: float
    reads: int = -1


@dataclass(frozen=True, slots=True)
class Standing:
    """A wire between two changes: what stands, since when, and until when nothing changes."""

    editions: tuple[Edition, ...]
    since: float
    until: float


def instant(epoch: datetime, moment: float) -> datetime:
    """The instant of *moment*, in whole seconds (rounded down), in :data:`IST`."""
    return datetime.fromtimestamp((epoch.timestamp() + moment) // 1, IST)


def draw(*parts: int) -> tuple[int, ...]:
    """Sixteen 32-bit numbers that depend on *parts* alone, on any machine and in any process."""
    return struct.unpack("<16I", blake2b(repr(parts).encode()).digest())
