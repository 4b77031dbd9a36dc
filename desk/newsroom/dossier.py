"""What the desk is told of one story: received beside published, versions, feeds, proof; a draft
over it; the second look that it waits for. Each is read from one snapshot of the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from desk.newsroom.compare import Beside, Step, side_by_side, step
from desk.newsroom.draft import Draft, drafted
from desk.newsroom.times import newsroom_zone
from publish.render import as_published, render
from publish.selection import excluded_by
from publish.web.changes import Headlines, headlines
from publish.web.views import Language, language_of
from publish.web.wording import PART_NAMES, Badge, Moment, badge, moment
from stories import clock
from stories.config import Config, Feed
from stories.db import Connection, feeds, proofs, wires
from stories.db import stories as records
from stories.db.feeds import EntryRow
from stories.db.stories import VersionRow
from stories.errors import RenderError
from stories.models import Act, Story, Version, licence_end
from wirecopy.jose import payload_of
from wirecopy.scope import PARTS

UNDONE_WITHIN = timedelta(minutes=10)
"""In which a kill is undone without a reason; then it takes a release, which says why."""

COMPARED = 25
"""Versions that are compared with the one before, the newest."""

WAITING = 200
"""Stories of the second look of which one is the next."""


@dataclass(frozen=True, slots=True)
class Published:
    """What is published of a story, or would be: what its bytes say, beside what was received."""

    headline: str
    headlines: Headlines
    beside: Beside | None
    disclosure: str
    disclosure_language: Language
    badge: Badge
    parts: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Numbered:
    """A version, and what it changed of the one before; None for the first, for older ones,
    and where that is nothing to show."""

    number: int
    agency_version: str
    headline: str
    received: Moment
    corrects: bool
    step: Step | None


@dataclass(frozen=True, slots=True)
class Place:
    """A feed, and whether it shows a story; if not, ``why`` in words."""

    name: str
    title: str
    shows: bool
    why: str


@dataclass(frozen=True, slots=True)
class Proof:
    """The statement that stands for a story: its number, when and by which key it was issued."""

    number: int
    kid: str
    issued: Moment
    digest: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """All of a story that its page shows besides who did what. ``published`` is None where it
    cannot be rendered, and ``unrendered`` says why; ``undo`` until when a kill can be undone."""

    published: Published | None
    unrendered: str
    versions: tuple[Numbered, ...]
    places: tuple[Place, ...]
    proof: Proof | None
    raw_digest: str | None
    undo: Moment | None


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A story that the wire changed under a headline of the desk. ``then`` is the wire's headline
    for which that was written, ``now`` its present one, ``ours`` the desk's; ``step`` what changed
    between. ``number`` and ``of`` are its place among those that wait, ``following`` is the id of
    the next."""

    story: Story
    language: Language
    then: str
    now: str
    ours: str
    by: str
    written: Moment
    received: Moment
    step: Step
    held: bool
    number: int
    of: int
    following: str | None


def dossier(
    conn: Connection,
    config: Config,
    story: Story,
    entry: EntryRow | None,
    history: Sequence[VersionRow],
    acts: Sequence[Act],
) -> Dossier:
    """What is told of *story*, whose *entry* is this and whose versions and *acts* are these."""
    now = clock.now()
    zone = newsroom_zone(config)
    published, unrendered = _published(conn, config, story)
    statement = proofs.last_statements(conn, [story.id]).get(story.id)
    undo = undone_until(story, acts, now)
    return Dossier(
        published=published,
        unrendered=unrendered,
        versions=_versions(history, config, story),
        places=places(
            config, story, entry, feeds.feeds_of(conn, story.id), _shown(conn, story, entry)
        ),
        proof=None
        if statement is None
        else Proof(
            payload_of(statement.token)["version"],
            statement.kid,
            moment(datetime.fromisoformat(payload_of(statement.token)["issued_at"]), zone),
            statement.digest,
        ),
        raw_digest=story.raw_digest,
        undo=None if undo is None else moment(undo, zone, beside=now),
    )


def _shown(conn: Connection, story: Story, entry: EntryRow | None) -> list[str]:
    return [] if entry is None else feeds.shown_in(conn, story.id, entry.digests)


def _published(conn: Connection, config: Config, story: Story) -> tuple[Published | None, str]:
    """What would be published of *story* as it is, and why that is nothing."""
    ends = licence_end(wires.licence_terms(conn, config, [story.wire]), story)
    try:
        rendered = render(story, config, ends)
    except RenderError as error:
        return None, str(error)
    entry, measured = rendered.entry, rendered.measurement
    return (
        Published(
            headline=entry.headline,
            headlines=headlines(entry.wire_headline, entry.headline),
            beside=side_by_side(story.version.body, entry.html, entry.disclosure),
            disclosure=entry.disclosure,
            disclosure_language=language_of(entry.disclosure_language),
            badge=badge(measured.scope, entry.agency, measured.changed),
            parts=tuple((PART_NAMES[part], part in measured.changed) for part in PARTS),
        ),
        "",
    )


def _versions(history: Sequence[VersionRow], config: Config, story: Story) -> tuple[Numbered, ...]:
    zone = newsroom_zone(config)
    shown = history[-COMPARED:]
    read = [Version.model_validate(row.data) for row in shown]
    steps = [None, *(step(before, after) for before, after in pairwise(read))]
    found = [
        Numbered(
            number=row.number,
            agency_version=version.agency_version or "",
            headline=version.headline,
            received=moment(row.received_at, zone, beside=clock.now()),
            corrects=version.signals is not None and version.signals.correction,
            step=changed if changed and changed.anything else None,
        )
        for row, version, changed in zip(shown, read, steps, strict=True)
    ]
    return tuple(reversed(found))


def places(
    config: Config,
    story: Story,
    entry: EntryRow | None,
    placed: Sequence[str],
    shown: Sequence[str],
) -> tuple[Place, ...]:
    """Each feed of *config*, and whether it is among those in which *story* is *placed*, and among
    those that have it *shown*."""
    scope = entry.scope if entry is not None else None
    return tuple(
        Place(feed.name, feed.title, True, "")
        if feed.name in shown
        else Place(
            feed.name,
            feed.title,
            False,
            _why(feed, story, excluded_by(feed, story, scope), feed.name in placed),
        )
        for feed in config.outgoing
    )


def _why(feed: Feed, story: Story, criteria: Sequence[str], placed: bool) -> str:
    if criteria:
        return "; ".join(_criterion(feed, story, name) for name in criteria)
    if placed:
        return f"it selects the story, and has {feed.limit} newer ones"
    return "it selects the story, once that is published"


def _criterion(feed: Feed, story: Story, name: str) -> str:
    wanted = ", ".join(str(each) for each in getattr(feed, name))
    version = story.version
    has: dict[str, Sequence[object | None]] = {
        "wires": (story.wire, *story.also),
        "agencies": (version.agency, version.agency_code),
        "categories": [category.label for category in version.categories],
        "places": (version.dateline,),
        "languages": (version.language,),
        "urgency": (version.urgency,),
    }
    if name not in has:
        return f"its {name} are {wanted}; the story has others"
    own = ", ".join(str(each) for each in has[name] if each) or "none"
    return f"its {name} {'is' if name == 'urgency' else 'are'} {wanted}; the story has {own}"


def undone_until(story: Story, acts: Sequence[Act], now: datetime) -> datetime | None:
    """Until when the desk's kill of *story* can be undone; None where there is none, or no more."""
    last = acts[-1] if acts else None
    if story.status != "killed" or last is None or last.kind != "kill" or last.capture_id:
        return None
    return until if (until := last.at + UNDONE_WITHIN) > now else None


def draft_over(conn: Connection, config: Config, name: str, text: str) -> Draft | None:
    """*text* typed over the story whose id is *name*; None when there is none."""
    story = records.one(conn, name)
    if story is None:
        return None
    ends = licence_end(wires.licence_terms(conn, config, [story.wire]), story)
    return drafted(story, text, config, max(clock.now(), story.changed_at), ends)


def second_look(conn: Connection, config: Config, name: str) -> SecondLook | None:
    """The second look that the story *name* waits for; None when it waits for none."""
    story = records.one(conn, name)
    if story is None or not story.second_look:
        return None
    edit = story.edits[-1]
    zone = newsroom_zone(config)
    history = records.history(conn, name)
    seen = [Version.model_validate(row.data) for row in history if row.number <= edit.against]
    then = seen[-1] if seen else story.version
    waiting = records.second_looks(conn, WAITING)
    at = waiting.index(name) if name in waiting else len(waiting)
    return SecondLook(
        story=story,
        language=language_of(story.version.language),
        then=then.headline,
        now=story.version.headline,
        ours=edit.text or "",
        by=edit.by,
        written=moment(edit.at, zone, beside=clock.now()),
        received=moment(story.received_at, zone, beside=clock.now()),
        step=step(then, story.version),
        held=as_published(story, config).headline != edit.text,
        number=at + 1,
        of=records.second_looks_count(conn),
        following=waiting[at + 1] if at + 1 < len(waiting) else None,
    )
