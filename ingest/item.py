"""What a format parser hands out: items as found, nothing decided yet.

A format is one pure function ``parse(body, hints) -> Parsed`` listed in ``ingest/formats``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_ITEMS = 2_000
"""Items of one capture that are read. A capture of a feed holds some hundred; at about 1 ms each
this bounds the time. The rest stays in the capture, and is named as a fault of the wire."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of the bytes besides the bytes.

    ``headers`` are the response's, names in lower case; ``url`` is where they came from at last.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ItemMedia:
    """A picture, film or sound as the feed states it; numbers still as text."""

    url: str
    medium: str = ""
    type: str = ""
    width: str = ""
    height: str = ""
    length: str = ""
    caption: str = ""
    credit: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One story as a format parser found it. Texts are as received, entities of XML resolved.

    ``start`` and ``end`` are byte offsets of the item's own bytes in the capture, ``-1`` where
    they could not be found. ``headline_html`` and ``body_html`` tell whether the text is markup
    (True) or plain. Dates are the strings as sent, in the order to be tried.
    """

    position: int
    start: int = -1
    end: int = -1
    guid: str = ""
    link: str = ""
    headline: str = ""
    headline_html: bool = False
    body: str = ""
    body_html: bool = True
    summary: str = ""
    summary_html: bool = True
    base: str = ""
    language: str = ""
    authors: tuple[str, ...] = ()
    creators: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    credits: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    version: str = ""
    categories: tuple[tuple[str, str], ...] = ()
    keywords: tuple[str, ...] = ()
    media: tuple[ItemMedia, ...] = ()
    rights: str = ""
    urgency: str = ""
    dateline: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """What the feed says of itself; the schedule and the normaliser read it."""

    title: str = ""
    link: str = ""
    language: str = ""
    rights: str = ""
    ttl: str = ""
    update_period: str = ""
    update_frequency: str = ""
    skip_hours: tuple[str, ...] = ()
    skip_days: tuple[str, ...] = ()
    hub: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """The items of one capture. ``notes`` are faults that were survived, for the operator;
    ``unread`` is how many items more it holds."""

    format: str
    channel: Channel
    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()
    unread: int = 0


def summed_up(problems: Iterable[tuple[int, str]]) -> list[str]:
    """One note for each kind of *problems*, positions of items and what is amiss with each."""
    positions: dict[str, list[int]] = {}
    for position, problem in problems:
        positions.setdefault(problem, []).append(position)
    return [
        f"{len(at)} item{'s' * (len(at) > 1)}, the first at position {at[0]}: {problem}"
        for problem, at in positions.items()
    ]
