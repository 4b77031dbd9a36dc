"""What a subscriber with a lead is shown of stories under embargo, before all others.

It is made when it is asked for, and nothing of it is stored: before its time such a story has no
entry, no place and number in a feed, no statement, no words in the index and no page. So whatever
is open to others, or made of these, cannot have it. Nor is it signed: statements are of what is
published.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from html import escape
from typing import NamedTuple, cast

from pydantic_core import to_json

from publish.entry import notice, rfc3339, utc
from publish.formats import Format, notices
from publish.renderer import again
from publish.selection import matches
from publish.served import Fragment
from stories import clock
from stories.config import Config, Feed
from stories.db import Connection, feeds
from stories.db import stories as records
from stories.models import Story
from wirecopy.scope import Scope

NOTICED = timedelta(days=1)
"""For how long it is told that a story was killed which was shown to nobody else."""

LATE = timedelta(minutes=1)
"""How long a story stays after its time, until it is rendered for all."""


class Seen(NamedTuple):
    """A story as it is shown early: its state, the digests of its bytes, and those."""

    story: Story
    digests: str
    fragment: Fragment


def early(
    conn: Connection,
    config: Config,
    feed: Feed,
    lead: timedelta,
    has: Callable[[Story], bool],
    before: Mapping[str, Seen],
) -> dict[str, Seen]:
    """What *feed* shows by its *lead* early, of the stories that the subscriber *has*, by story,
    the last to come first. *before* is what it showed before, of which nothing is made again."""
    now = clock.now()
    ids = {*records.embargoed_until(conn, now + lead), *records.killed_since(conn, now - NOTICED)}
    found = [
        story
        for story in records.get(conn, sorted(ids | before.keys()))
        if has(story) and is_early(story, lead, now, story.id in before)
    ]
    placed = feeds.placed_in(conn, feed.name, [story.id for story in found])
    found = [story for story in found if story.id not in placed]
    kept = {s.id: before[s.id] for s in found if s.id in before and before[s.id].story == s}
    new = [story for story in found if story.id not in kept]
    # As they will be when the last of these embargoes is over; of a licence that is over by then
    # nothing is shown early.
    made = again(conn, config, [story for story in new if story.status == "usable"], now + lead)
    for story in new:
        entry, _ = made.get(story.id, (None, None))
        if story.status == "killed" and _belongs(feed, story, None):
            said = notice(story, config, story.status_at or now)
            kept[story.id] = _seen(story, notices(said))
        elif entry is not None and entry.packed is not None and _belongs(feed, story, entry.scope):
            written = feeds.unpack(entry.packed)
            kept[story.id] = _seen(story, marked(written, story.embargo or now, entry.disclosure))
    by_end = sorted(found, key=lambda s: (s.embargo or now, s.id), reverse=True)
    return {story.id: kept[story.id] for story in by_end if story.id in kept}


def is_early(story: Story, lead: timedelta, now: datetime, shown: bool = False) -> bool:
    """Whether *story* is shown *now* by its *lead* early, as itself or, killed, by a notice;
    *shown* if it was a moment ago."""
    end, at = story.embargo, story.status_at
    if end is None:
        return False
    if story.status == "killed" and at is not None:
        # A second version that is killed is told of to all.
        return story.number == 1 and end - lead <= at < end and now - at < NOTICED
    return story.status == "usable" and (now if not shown else now - LATE) < end <= now + lead


def marked(
    written: Mapping[Format, bytes], until: datetime, disclosure: str
) -> dict[Format, bytes]:
    """An entry, as *written* in each format, that says *until* when nobody may publish it (DCMI's
    ``available``, "date that the resource became or will become available"), and which *disclosure*
    it ends in: there is no statement yet that names it."""
    at = rfc3339(utc(until) or until).replace("+00:00", "Z")
    members = {"available": at} | ({"disclosure": disclosure} if disclosure else {})
    element = f"<dcterms:available>{at}</dcterms:available>"
    if disclosure:
        element += f"<wirecopy:disclosure>{escape(disclosure, quote=False)}</wirecopy:disclosure>"
    ends: dict[Format, tuple[bytes, bytes]] = {
        "rss": (b"</item>", element.encode()),
        "atom": (b"</entry>", element.encode()),
        "json": (b"}}", b"," + to_json(members)[1:-1]),  # of _wirecopy, which is the last
    }
    found = {}
    for format, (end, said) in ends.items():
        head, _, tail = written[format].rpartition(end)
        found[format] = head + said + end + tail
    return found


def _belongs(feed: Feed, story: Story, scope: str | None) -> bool:
    measured = cast("Scope | None", scope)
    return matches(feed, story.version, measured, wires=(story.wire, *story.also))


def _seen(story: Story, written: Mapping[Format, bytes]) -> Seen:
    return Seen(story, feeds.digests_of(written), Fragment(feeds.pack(written), None))
