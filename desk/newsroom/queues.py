"""Which story stands in which queue, and which filters an address asks for. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Literal, get_args
from urllib.parse import urlencode

from pydantic import ValidationError

from publish.selection import matches
from publish.words import ASKED
from stories.config import Feed, duration
from stories.db.queues import COUNTED, About, Place
from stories.models import Story
from wirecopy.encoding import xml_chars
from wirecopy.scope import SCOPES
from wirecopy.text import shows

Queue = Literal["new", "second-look", "no-headline", "quarantine", "held", "killed", "mine", "all"]

QUEUES: dict[Queue, str] = dict(
    zip(
        get_args(Queue),
        (
            *("New", "Second look", "No headline", "Quarantine"),
            *("Held", "Killed", "Mine", "All"),
        ),
        strict=True,
    )
)
"""The queues as people read them, in their order."""

FRESH = timedelta(days=1)
"""How long a story is new. What nobody looked at in a day is news no more: no heap waits."""

_CURSOR = re.compile(r"([0-9]{1,17})-([a-z2-7]{13})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


FILTERS = ("q", "wire", "agency", "language", "category", "feed", "scope", "since", "by")
"""What a queue can be filtered by, as addresses name it; ``q`` are words to search for."""


@dataclass(frozen=True)
class Asked:
    """A queue, the filters that ask for something, and *before* which story the page begins.
    *unread* are the filters that mean nothing, and leave nothing out."""

    queue: Queue = "new"
    filters: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    unread: Mapping[str, str] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, queue: Queue, query: Mapping[str, str]) -> "Asked":
        """What the *query* of an address asks for."""
        typed = {name: " ".join(xml_chars(query.get(name, ""))[:ASKED].split()) for name in FILTERS}
        given = {name: text for name, text in typed.items() if text}
        kept = {name: text for name, text in given.items() if _means(name, text)}
        unread = {name: text for name, text in given.items() if name not in kept}
        before = query.get("before", "")
        return cls(queue, kept, before if _CURSOR.fullmatch(before) else "", unread)

    def address(self, before: str = "") -> str:
        """The address of this; of the page that begins *before* a story."""
        query = {**self.filters, **({"before": before} if before else {})}
        return f"/queues/{self.queue}" + (f"?{urlencode(query)}" if query else "")

    def news(self, since: datetime) -> str:
        """The address of news of this *since* then."""
        number, name = numbered(Place(since, "a" * 13))
        query = urlencode({**self.filters, "before": f"{number}-{name}"})
        return f"/news/{self.queue}?{query}"

    @property
    def cursor(self) -> tuple[int, str] | None:
        """Behind which story the page begins: its number in the order asked for, and its id."""
        found = _CURSOR.fullmatch(self.before)
        return (int(found[1]), found[2]) if found else None

    def since_when(self, now: datetime) -> datetime | None:
        """Since when, where the address says so."""
        return _instant(self.filters.get("since", ""), now)

    @cached_property
    def selection(self) -> Feed:
        """The filters that are a feed's, too: they select as those do."""
        return _feed({_SELECT[n]: v for n, v in self.filters.items() if n in _SELECT})


_SELECT = {
    "wire": "wires",
    "agency": "agencies",
    "category": "categories",
    "language": "languages",
}
"""The filters that a feed has, too, and what they are called there."""


def numbered(place: Place) -> tuple[int, str]:
    """*place* as a cursor."""
    return (place.at - _EPOCH) // timedelta(microseconds=1), place.id


def placed(cursor: tuple[int, str] | None) -> Place | None:
    """The place that a *cursor* is."""
    return cursor and Place(_EPOCH + timedelta(microseconds=cursor[0]), cursor[1])


def _feed(wanted: Mapping[str, str]) -> Feed:
    """The feed of what is *wanted*, one value of each key.

    :raises ValidationError: when no feed can select by such a value.
    """
    keys: dict[str, Any] = {key: (value,) for key, value in wanted.items()}
    return Feed(name="asked", title="asked", **keys)


def _means(name: str, text: str) -> bool:
    """Whether a filter of that *name* means anything as *text*."""
    if name in _SELECT:
        try:
            return bool(_feed({_SELECT[name]: text}))
        except ValidationError:
            return False
    if name == "scope":
        return text in SCOPES
    return name != "since" or _instant(text, _EPOCH) is not None


def _instant(text: str, now: datetime) -> datetime | None:
    """``2h`` before *now*, or a date (ISO 8601); None for anything else."""
    try:
        ago = duration(text)
        return now - ago if isinstance(ago, timedelta) else None
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def queues_of(story: Story, about: About, me: str, now: datetime) -> set[Queue]:
    """The queues in which *story* stands for the person *me*."""
    found: set[Queue] = {"all"}
    if story.status == "usable":
        if not shows(story.headline):
            found.add("no-headline")
        fresh = story.first_received >= now - FRESH
        if fresh and about.settled is None and not story.edits:
            found.add("new")
    else:
        found.add("killed" if story.status == "killed" else "held")
    if story.second_look:
        found.add("second-look")
    if me in about.by:
        found.add("mine")
    return found


def fits(story: Story, about: About, asked: Asked, me: str, now: datetime) -> bool:
    """Whether *story* stands in the queue that is *asked* for, and passes the filters; the words
    that are searched for aside."""
    since = asked.since_when(now)
    scope, feed, by = (asked.filters.get(name) for name in ("scope", "feed", "by"))
    return (
        asked.queue in queues_of(story, about, me, now)
        and scope in (None, about.scope)
        and (feed is None or feed in about.feeds)
        and (by is None or by in about.by)
        and (since is None or story.changed_at >= since)
        and matches(asked.selection, story.version, wires=(story.wire, *story.also))
    )


def counted(number: int) -> str:
    """A queue's *number* as it is shown."""
    return f"{COUNTED - 1}+" if number >= COUNTED else str(number)
