"""The archive of a feed (RFC 5005 §4): all that ever changed in it, document by document.

A document has the changes of a range of numbers, and of each story its last change only. So it
loses what a newer document, or the feed, has of a later state, and never gains anything: who has
read it once and reads what is newer has missed nothing. Nothing of it is kept: entries that no feed
shows are rendered when somebody asks.

A killed story is told of by a notice, as in the feed. One whose licence is over leaves a tombstone
in Atom, and no words anywhere; what is held, or under embargo again, leaves nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from publish.document import frame
from publish.entry import FeedMetadata, Notice, utc
from publish.formats import WRITERS, Format
from publish.renderer import again
from publish.selection import metadata
from stories import clock, transparency
from stories.config import Config, Feed
from stories.db import Connection, feeds, wires
from stories.db import stories as records
from stories.db.feeds import Change
from stories.models import StatementRow, Story, licence_end, licence_over
from wirecopy.encoding import xml_chars


@dataclass(frozen=True, slots=True)
class Document:
    """One document of an archive as it is in a snapshot: what stands in it, the newest first, and
    the numbers of the documents around it. Two that are equal have the same bytes."""

    number: int
    changes: tuple[Change, ...]
    older: int
    newer: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a document has of a story."""

    written: Mapping[Format, bytes]
    changed_at: datetime
    statement: StatementRow | None = None


def called(conn: Connection, feed: Feed, number: int) -> int:
    """The number by which the document of *feed* with the change *number* is called; that itself
    before there is such a change."""
    newest = feeds.newest(conn, feed.name)
    return feeds.document_with(number, newest) if 0 < number <= newest else number


def document(conn: Connection, feed: Feed, number: int) -> Document | None:
    """The document of *feed* that has the change *number*, None before there is such a change. It
    is called by another number once it has become whole."""
    newest = feeds.newest(conn, feed.name)
    if not 0 < number <= newest:
        return None
    last = feeds.document_with(number, newest)
    first = (last - 1) // feeds.ARCHIVED * feeds.ARCHIVED + 1
    found = feeds.changes_since(conn, feed.name, first - 1, feeds.ARCHIVED)
    following = feeds.document_with(last + feeds.ARCHIVED, newest)
    return Document(
        number=last,
        changes=tuple(each for each in reversed(found) if each.seq <= last),
        older=feeds.archived_before(conn, feed.name, first),
        # One that is not whole yet has another address with every change.
        newer=following if last % feeds.ARCHIVED == 0 and following <= newest else 0,
    )


def written(
    conn: Connection,
    config: Config,
    feed: Feed,
    of: Document,
    format: Format,
    has: Callable[[Story], bool] = lambda _: True,
    key: str = "",
) -> tuple[bytes, bool]:
    """The document *of* an archive in *format*; and whether it stays like that until a story in it
    changes, False while one waits to be rendered again. It is of what a subscriber *has*, and leads
    to others whose addresses end with *key*."""
    entries, settled = _entries(conn, config, of.changes, has)
    # One subscribes to the feed, and not to a document of its archive.
    about = metadata(feed, config, None, of.older).model_copy(
        update={"archived": of.number, "newer": of.newer, "hub": None, "key": key}
    )
    return _joined(conn, about, entries, format), settled


def news(
    conn: Connection, config: Config, feed: Feed, changes: Sequence[Change], format: Format
) -> tuple[bytes, datetime | None]:
    """The feed in *format* with only what *changes* made of its stories, and when the last of
    these changed; empty where they leave nothing to tell."""
    found, _ = _entries(conn, config, changes)
    entries = [each for each in found if each.written.get(format)]
    if not entries:
        return b"", None
    return _joined(conn, metadata(feed, config, None), entries, format), _updated(entries)


def _updated(entries: Sequence[_Entry]) -> datetime | None:
    return max((each.changed_at for each in entries), default=None)


def _joined(
    conn: Connection, about: FeedMetadata, entries: Sequence[_Entry], format: Format
) -> bytes:
    """A document of *entries*, which says *about* itself what it is, and when they changed."""
    stated = [each.statement for each in entries if each.statement is not None]
    places = [place for row in stated if (place := transparency.place_of(row)) is not None]
    dated = about.model_copy(update={"updated": utc(_updated(entries))})
    around = frame(dated, format, transparency.proof(conn, places))
    return around.join([body for each in entries if (body := each.written.get(format))])


def answer(
    conn: Connection, config: Config, changes: Sequence[Change], about: FeedMetadata, format: Format
) -> bytes:
    """A feed in *format* of what *changes* made of stories, which says *about* itself what it is;
    when it was changed, they say."""
    entries, _ = _entries(conn, config, changes)
    return _joined(conn, about, entries, format)


def _entries(
    conn: Connection,
    config: Config,
    changes: Sequence[Change],
    has: Callable[[Story], bool] = lambda _: True,
) -> tuple[list[_Entry], bool]:
    """The entries of stories that somebody *has*, and whether they are all, as they were rendered
    last."""
    at = clock.now()
    settled = True
    ids = [each.story_id for each in changes]
    kept = feeds.kept_of(conn, ids)
    stories = {story.id: story for story in records.get(conn, ids) if has(story)}
    made = again(conn, config, [s for s in stories.values() if s.id not in kept], at)
    terms = wires.licence_terms(conn, config, {story.wire for story in stories.values()})
    found = []
    for change in changes:
        story = stories.get(change.story_id)
        if story is None:
            continue
        if story.id in kept and not change.left:
            found.append(_entry(story, *kept[story.id]))
        elif licence_over(terms, story, at):
            if not story.hidden(at) or story.status == "killed":
                ends = licence_end(terms, story) or at
                found.append(_Entry(_tombstone(story, ends), ends))
        elif change.left or (story.hidden(at) and story.status != "killed"):
            continue
        elif (one := made.get(story.id)) is not None and _stands(story, change):
            entry, statement = one
            settled = settled and entry.digests == change.digests
            if entry.packed is not None:
                found.append(_entry(story, entry.packed, statement))
        else:
            settled = False
    return found, settled


def _entry(story: Story, packed: bytes, statement: StatementRow | None) -> _Entry:
    token = statement.token if statement is not None else ""
    return _Entry(feeds.unpack(packed, token), story.changed_at, statement)


def _stands(story: Story, change: Change) -> bool:
    """Whether *story* is as it was placed. One that has changed since is rendered in a moment, and
    then found by its new number."""
    placed = story.status_at if story.status == "killed" else story.placed_at
    return placed == change.placed_at


def _tombstone(story: Story, at: datetime) -> Mapping[Format, bytes]:
    """What says that *story* is no more, to programs alone (RFC 6721)."""
    when = utc(at) or at
    gone = Notice(guid=xml_chars(story.guid), title="", text="", at=when, about="")
    return {"atom": WRITERS["atom"].notice(gone)}
