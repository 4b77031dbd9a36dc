"""The values that the desk's pages show, each read from one snapshot of the store."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from desk.headline import unseen
from desk.newsroom.dossier import Dossier, dossier
from desk.newsroom.queues import (
    FRESH,
    QUEUES,
    Asked,
    Queue,
    counted,
    fits,
    numbered,
    placed,
)
from desk.newsroom.sign_in import Visitor
from desk.newsroom.times import in_zone, newsroom_zone
from publish.render import as_published
from publish.web.views import Language, language_of
from publish.web.wording import Moment, agency_zone, moment
from publish.words import terms
from stories import clock
from stories.config import Config
from stories.db import Connection, feeds, queues, search
from stories.db import stories as records
from stories.db.queues import About, Sought
from stories.models import Act, Story, Version
from wirecopy.html import TangleError
from wirecopy.scope import SCOPES
from wirecopy.text import paragraphs

PAGE = 40
"""Rows on a page."""

LOOKED_AT = 400
"""Stories that are read for one page; one whose filters pass few goes on where it stopped."""


CHUNK = 100
"""Stories that are read at once, after a first page's."""


@dataclass(frozen=True, slots=True)
class Headline:
    """A headline of the desk, as its history tells: None for ``text`` where it put back the
    wire's. ``number`` is how commands number it."""

    number: int
    text: str | None
    by: str
    at: Moment
    against: int


@dataclass(frozen=True, slots=True)
class Row:
    """A story in a list. ``wire_headline`` is the wire's own, None where it is shown;
    ``written`` is the desk's, which is ``held`` where the wire's is published until somebody has
    looked again; ``edits`` is how many it made, ``version`` the number of the wire's version: what
    a form says that its writer saw."""

    id: str
    headline: str
    wire_headline: str | None
    written: str | None
    language: Language
    agency: str
    wire: str
    urgency: int | None
    pictures: int
    received: Moment
    changed: Moment
    feeds: tuple[str, ...]
    scope: str | None
    status: str
    embargo: Moment | None
    second_look: bool
    held: bool
    settled: str | None
    writing: tuple[str, ...]
    version: int
    edits: int
    last_by: str | None


@dataclass(frozen=True, slots=True)
class ListPage:
    """A queue. ``older`` is the address of what follows; ``looked_at`` is how many stories were
    looked at where the page is not full and there are more, else None. ``news`` is the address
    of what comes after it; empty for a later page."""

    asked: Asked
    label: str
    rows: tuple[Row, ...]
    counts: Mapping[Queue, str]
    older: str | None
    looked_at: int | None
    choices: Mapping[str, Sequence[str]]
    news: str


@dataclass(frozen=True, slots=True)
class StoryPage:
    """A story: what came (``received``, paragraphs), what stands where, who did what. ``unseen`` is
    why nobody can see it, empty where somebody can. ``stated`` is when the agency says that it
    published it, in its own zone."""

    row: Row
    story: Story
    received: tuple[str, ...]
    headlines: tuple[Headline, ...]
    acts: tuple[tuple[Act, Moment], ...]
    url: str | None
    unseen: str
    stated: Moment | None
    dossier: Dossier


def list_page(conn: Connection, config: Config, asked: Asked, visitor: Visitor) -> ListPage:
    """The page of what is *asked* for by *visitor*."""
    now, me = clock.now(), visitor.name
    rows: list[Row] = []
    looked, last, more = 0, None, False
    for place, story, about in _candidates(conn, config, asked, me, now):
        if len(rows) == PAGE or looked == LOOKED_AT:
            more = True
            break
        looked, last = looked + 1, place
        if fits(story, about, asked, me, now):
            rows.append(row(config, story, about, now))
    return ListPage(
        asked=asked,
        label=QUEUES[asked.queue],
        rows=tuple(rows),
        counts=counted_queues(conn, visitor),
        older=asked.address(before=last) if more and last is not None else None,
        looked_at=looked if more and len(rows) < PAGE else None,
        choices={
            "wire": [wire.name for wire in config.wires],
            "agency": sorted({wire.agency for wire in config.wires if wire.agency}),
            "feed": [feed.name for feed in config.outgoing],
            "scope": list(SCOPES),
        },
        news="" if asked.before else asked.news(now),
    )


def counted_queues(conn: Connection, visitor: Visitor) -> dict[Queue, str]:
    """How many stories each queue has for *visitor*, as shown."""
    numbers = queues.counts(conn, clock.now() - FRESH, visitor.name)
    return {name: counted(numbers[name]) for name in QUEUES}


def _candidates(
    conn: Connection, config: Config, asked: Asked, me: str, now: datetime
) -> Iterator[tuple[str, Story, About]]:
    """Stories that may be what is *asked* for, in their order, each with what an address needs to
    go on behind it."""
    chunk, cursor = PAGE + 1, asked.cursor
    while True:
        found = _next(conn, config, asked, me, now, cursor, chunk)
        ids = [name for _, name in found]
        stories = {story.id: story for story in records.get(conn, ids)}
        abouts = queues.about(conn, ids, now)
        for number, name in found:
            if name in stories:
                yield f"{number}-{name}", stories[name], abouts[name]
        if len(found) < chunk:
            return
        cursor, chunk = found[-1], CHUNK


def _next(
    conn: Connection,
    config: Config,
    asked: Asked,
    me: str,
    now: datetime,
    cursor: tuple[int, str] | None,
    limit: int,
) -> list[tuple[int, str]]:
    if q := asked.filters.get("q"):
        hits = search.find(conn, terms(q), None, cursor and cursor[0], limit)
        return [(hit.number, hit.story_id) for hit in hits]
    sought = Sought(
        asked.queue,
        now - FRESH,
        me,
        asked.filters.get("wire"),
        asked.filters.get("feed"),
        asked.since_when(now),
    )
    return [numbered(each) for each in queues.walk(conn, sought, placed(cursor), limit)]


def story_row(conn: Connection, config: Config, name: str) -> Row | None:
    """The row of the story whose id is *name*; None when there is none."""
    story = records.one(conn, name)
    if story is None:
        return None
    now = clock.now()
    return row(config, story, queues.about(conn, [name], now)[name], now)


def row(config: Config, story: Story, about: About, now: datetime) -> Row:
    """The row of a story."""
    version = story.version
    zone = newsroom_zone(config)
    embargo = story.embargo if story.embargo is not None and story.embargo > now else None
    return Row(
        id=story.id,
        headline=story.headline,
        wire_headline=version.headline if story.headline != version.headline else None,
        written=story.desk_headline,
        language=language_of(version.language),
        agency=version.agency_code or version.agency,
        wire=story.wire,
        urgency=version.urgency,
        pictures=sum(medium.medium == "image" for medium in version.media),
        received=moment(story.received_at, zone, beside=now),
        changed=moment(story.changed_at, zone, beside=now),
        feeds=about.feeds,
        scope=about.scope,
        status=story.status,
        embargo=moment(embargo, zone, beside=now) if embargo else None,
        second_look=story.second_look,
        held=as_published(story, config) is not story,
        settled=about.settled,
        writing=about.writing,
        version=story.number,
        edits=len(story.edits),
        last_by=story.edits[-1].by if story.edits else None,
    )


def story_page(conn: Connection, config: Config, name: str) -> StoryPage | None:
    """The page of the story whose id is *name*; None when there is none."""
    story = records.one(conn, name)
    if story is None:
        return None
    now = clock.now()
    zone, stated = newsroom_zone(config), story.version.published
    entry = feeds.entry(conn, name)
    history = records.history(conn, name)
    acts = records.acts_of(conn, [name]).get(name, [])
    return StoryPage(
        row=row(config, story, queues.about(conn, [name], now)[name], now),
        story=story,
        received=paragraphs_of(story.version),
        headlines=tuple(
            Headline(number, edit.text, edit.by, moment(edit.at, zone, beside=now), edit.against)
            for number, edit in enumerate(story.edits, 1)
        ),
        acts=tuple((act, moment(act.at, zone, beside=now)) for act in acts),
        url=entry.url if entry else None,
        unseen=in_zone(unseen(conn, config, story), zone, now),
        stated=moment(stated, agency_zone(config, story.wire, stated)) if stated else None,
        dossier=dossier(conn, config, story, entry, history, acts),
    )


def paragraphs_of(version: Version) -> tuple[str, ...]:
    """The paragraphs of a body; none of one that is built to burst a parser."""
    try:
        return tuple(paragraphs(version.body))
    except TangleError:
        return ()
