"""What each page shows, read from the store and settled before any template runs.

A page shows a story from its entry as rendered, not from the story as it stands: what was
measured, and nothing else, is what readers see.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup
from sqlalchemy import Connection

from publish.clean import absolute
from publish.web import schema
from publish.web.changes import Changed, Headlines, changes, headlines
from publish.web.signed import Signed, signed
from publish.web.wording import (
    PART_NAMES,
    Badge,
    Moment,
    badge,
    direction,
    moment,
    unturned,
    zone_of,
)
from stories import clock, licence
from stories.config import Config, Feed
from stories.db import feeds, retention, wires
from stories.db import stories as records
from stories.db.feeds import EntryRow
from stories.db.stories import VersionRow
from stories.models import Media, Story, Version
from wirecopy.encoding import legal
from wirecopy.scope import PARTS, Measurement
from wirecopy.text import paragraphs, project
from wirecopy.urls import resolve

EXCERPT = 240
"""Characters of a story without summary that a list shows of its first paragraph."""

LISTED = 100
"""Entries a feed's page shows; the feed itself may carry more."""

LATEST = 12
"""Stories on the front page."""

VERSIONS = 25
"""Newest versions that a story's history shows."""


@dataclass(frozen=True, slots=True)
class Language:
    """The attributes of an element in a story's language; ``tag`` is empty when it is unknown."""

    tag: str
    dir: str


@dataclass(frozen=True, slots=True)
class Teaser:
    """A story in a list."""

    id: str
    headline: str
    language: Language
    agency: str
    badge: Badge
    disclosure: str
    excerpt: str
    published: Moment
    updated: Moment | None
    image: str | None


@dataclass(frozen=True, slots=True)
class FeedLine:
    """A feed in a list. ``modified`` is None while it was never rendered."""

    name: str
    title: str
    description: str
    count: int
    modified: Moment | None


@dataclass(frozen=True, slots=True)
class Home:
    """The front page."""

    feeds: tuple[FeedLine, ...]
    latest: tuple[Teaser, ...]


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A feed for people. ``count`` is what the feed carries, which may be more than ``entries``."""

    name: str
    title: str
    description: str
    count: int
    modified: Moment | None
    entries: tuple[Teaser, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, film or sound beside the text."""

    url: str
    medium: str
    caption: str
    credit: str
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One of the five parts that are compared; ``received`` is None when nothing was."""

    name: str
    differs: bool
    received: str | None
    published: str


@dataclass(frozen=True, slots=True)
class Edition:
    """One version in a story's history."""

    number: int
    agency_version: str
    headline: str
    received: Moment


@dataclass(frozen=True, slots=True)
class StoryPage:
    """A story. ``headlines`` is None when the headline published is the agency's, ``summary``
    when feeds carry none; ``changes`` are those besides the headline's."""

    id: str
    url: str
    headline: str
    headlines: Headlines | None
    language: Language
    agency: str
    agency_code: str | None
    agency_id: str
    agency_version: str
    agency_link: str | None
    byline: str | None
    dateline: str | None
    credit: str | None
    rights: str | None
    description: str
    summary: str | None
    published: Moment
    updated: Moment | None
    figures: tuple[Figure, ...]
    body: Markup
    disclosure: str
    badge: Badge
    measured: tuple[Measured, ...]
    changes: tuple[Changed, ...]
    compared: Moment
    signed: Signed | None
    issued: Moment | None
    logged: Moment | None
    guid: str
    rule: str
    received: Moment
    first_received: Moment
    raw_digest: str | None
    editions: tuple[Edition, ...]
    tags: tuple[str, ...]
    feeds: tuple[tuple[str, str], ...]
    images: tuple[str, ...]
    data: Markup
    rendered_at: datetime


def home(conn: Connection, config: Config) -> Home:
    """The front page: every feed, and what changed last in any of them."""
    ids: set[str] = set()
    for feed in config.outgoing:
        ids.update(feeds.placed_ids(conn, feed.name, LATEST))
    stories = sorted(
        records.get(conn, sorted(ids)), key=lambda s: (-s.changed_at.timestamp(), s.position, s.id)
    )[:LATEST]
    return Home(feed_lines(conn, config), _teasers(conn, config, stories))


def feed_lines(conn: Connection, config: Config) -> tuple[FeedLine, ...]:
    """Every feed with what it carries."""
    known = feeds.summary(conn)
    return tuple(_line(config, feed, known) for feed in config.outgoing)


def _line(config: Config, feed: Feed, known: dict[str, tuple[int, datetime]]) -> FeedLine:
    count, modified = known.get(feed.name, (0, None))
    told = None if modified is None else moment(modified, _feed_zone(config, feed))
    return FeedLine(feed.name, feed.title, feed.description, count, told)


def _feed_zone(config: Config, feed: Feed) -> tzinfo:
    """The zone of the feed's wires, if they have one in common."""
    zones = [w.timezone for w in config.wires if not feed.wires or w.name in feed.wires]
    return ZoneInfo(zones[0]) if len(set(zones)) == 1 else ZoneInfo("UTC")


def feed_page(conn: Connection, config: Config, feed: Feed) -> FeedPage:
    """The page of *feed*."""
    line = _line(config, feed, feeds.summary(conn))
    ids = feeds.placed_ids(conn, feed.name, min(feed.limit, LISTED))
    entries = _teasers(conn, config, records.get(conn, ids))
    return FeedPage(line.name, line.title, line.description, line.count, line.modified, entries)


def _teasers(conn: Connection, config: Config, stories: Sequence[Story]) -> tuple[Teaser, ...]:
    entries = feeds.entries_of(conn, [s.id for s in stories])
    return tuple(_teaser(config, s, entries[s.id]) for s in stories if s.id in entries)


def _teaser(config: Config, story: Story, entry: EntryRow) -> Teaser:
    shown = json.loads(entry.json)
    zone = zone_of(config, story.wire, story.version.published)
    agency = shown["_wirecopy"]["agency"]
    return Teaser(
        id=story.id,
        headline=shown["title"],
        language=_language(shown.get("language")),
        agency=agency,
        badge=badge(entry.scope, agency, _measurement(entry).changed),
        disclosure=entry.disclosure,
        excerpt=_excerpt(shown, entry.disclosure),
        published=moment(datetime.fromisoformat(shown["date_published"]), zone),
        updated=_updated(shown, story, zone),
        image=shown.get("image"),
    )


def _language(tag: str | None) -> Language:
    return Language(tag or "", direction(tag))


def _measurement(entry: EntryRow) -> Measurement:
    return Measurement.from_json(entry.measurement)


def _updated(shown: dict[str, Any], story: Story, zone: tzinfo) -> Moment | None:
    """When wire or desk last changed the entry, None when they left it as it first came."""
    published, changed = (
        datetime.fromisoformat(shown[name]) for name in ("date_published", "date_modified")
    )
    first = story.first_received.replace(microsecond=0)
    return moment(changed, zone, beside=published) if changed > first else None


def _excerpt(shown: dict[str, Any], disclosure: str) -> str:
    text: str = shown.get("summary") or ""
    if not text:
        found = paragraphs(shown.get("content_html", ""), disclosure=disclosure)
        text = found[0] if found else ""
    if len(text) <= EXCERPT:
        return text
    return f"{text[:EXCERPT].rpartition(' ')[0] or text[:EXCERPT]}…"


def story_page(conn: Connection, config: Config, name: str) -> StoryPage | None:
    """The page of the story whose id is *name*; None when it is not published.

    Published is what stands in a feed. A story that no feed selects may be on record for reasons
    of its own, its licence among them.
    """
    story = records.one(conn, name)
    entry = feeds.entry(conn, name)
    placed = feeds.feeds_of(conn, name)
    if story is None or entry is None or not placed:
        return None
    # The story may have moved on since its entry was rendered, by a second or two.
    history = [v for v in records.history(conn, name) if v.received_at <= entry.changed_at]
    version = Version.model_validate(history[-1].data) if history else story.version
    return _story_page(config, story, entry, placed, history, version)


def expired(conn: Connection, config: Config, name: str) -> bool:
    """Whether the story whose id is *name* was published and its licence has ended (410, not 404:
    whoever linked to it may let it go)."""
    story = records.one(conn, name)
    if story is None or feeds.entry(conn, name) is None:
        return False
    ended = licence.over(wires.licence_terms(conn, config, [story.wire]), story, clock.now())
    return ended or name in retention.withdrawn(conn, [name])


def _story_page(
    config: Config,
    story: Story,
    entry: EntryRow,
    placed: Sequence[str],
    history: Sequence[VersionRow],
    version: Version,
) -> StoryPage:
    shown = json.loads(entry.json)
    ours = shown["_wirecopy"]
    measurement = _measurement(entry)
    zone = zone_of(config, story.wire, version.published)
    agency: str = ours["agency"]
    body = _without(shown.get("content_html", ""), entry.disclosure)
    figures = _figures(shown, version, body)
    images = tuple(f.url for f in _all_figures(shown, version) if f.medium == "image")
    description = _excerpt(shown, entry.disclosure)
    dateline = legal(version.dateline or "").strip() or None
    told = badge(entry.scope, agency, measurement.changed)
    wired = legal(version.headline).strip() if "headline" in measurement.changed else None
    statement = signed(ours.get("statement"), f"{config.site.url}/stories/{story.id}/statements")
    return StoryPage(
        id=story.id,
        url=shown["url"],
        headline=shown["title"],
        headlines=None if wired is None else headlines(wired, shown["title"]),
        language=_language(shown.get("language")),
        agency=agency,
        agency_code=version.agency_code,
        agency_id=ours["agency_id"],
        agency_version=ours["agency_version"],
        agency_link=shown.get("external_url"),
        byline=ours.get("byline"),
        dateline=dateline,
        credit=ours.get("credit"),
        rights=ours.get("rights"),
        description=description,
        summary=shown.get("summary"),
        published=moment(datetime.fromisoformat(shown["date_published"]), zone),
        updated=_updated(shown, story, zone),
        figures=figures,
        # Clean by its making: publish.clean is what let it into the entry.
        body=Markup(body),  # noqa: S704
        disclosure=entry.disclosure,
        badge=told,
        measured=_measured(measurement),
        changes=changes(version, entry.json, entry.disclosure, measurement),
        compared=moment(entry.rendered_at, zone),
        signed=statement,
        issued=moment(statement.issued, zone) if statement else None,
        logged=moment(statement.logged, zone) if statement and statement.logged else None,
        guid=shown["id"],
        rule=measurement.rule,
        received=moment(history[-1].received_at if history else story.received_at, zone),
        first_received=moment(story.first_received, zone),
        raw_digest=history[-1].raw_digest if history else story.raw_digest,
        editions=tuple(_edition(row, zone) for row in reversed(history[-VERSIONS:])),
        tags=tuple(shown.get("tags", ())),
        feeds=tuple((f.name, f.title) for n in placed if (f := config.feed(n)) is not None),
        images=images,
        data=schema.in_script(
            schema.news_article(
                url=shown["url"],
                guid=shown["id"],
                headline=shown["title"],
                description=description,
                published=shown["date_published"],
                modified=shown["date_modified"],
                language=shown.get("language"),
                images=images,
                agency=agency,
                agency_id=ours["agency_id"],
                agency_link=shown.get("external_url"),
                byline=ours.get("byline"),
                credit=ours.get("credit"),
                rights=ours.get("rights"),
                dateline=dateline,
                keywords=shown.get("tags", ()),
                publisher=config.publisher.name,
                publisher_url=config.publisher.url,
                wire_headline=wired,
                agency_version=ours["agency_version"],
                backstory=unturned(told.sentence),
                statement=statement,
            )
        ),
        rendered_at=entry.rendered_at,
    )


def _without(html: str, disclosure: str) -> str:
    """The body without the paragraph that the entry closes with: the page sets it apart."""
    return html.removesuffix(f"<p><i>{escape(disclosure, quote=False)}</i></p>")


def _all_figures(shown: dict[str, Any], version: Version) -> list[Figure]:
    """The entry's media; sizes and credits, which its JSON form lacks, from the version."""
    base = absolute(version.base, None)
    known: dict[str, Media] = {}
    for each in version.media:
        known.setdefault(absolute(each.url, base) or "", each)
    found = []
    for attached in shown.get("attachments", ()):
        medium = known.get(attached["url"])
        found.append(
            Figure(
                url=attached["url"],
                medium=medium.medium if medium else "document",
                caption=attached.get("title", ""),
                credit=legal(medium.credit or "").strip() if medium else "",
                width=medium.width if medium else None,
                height=medium.height if medium else None,
            )
        )
    return found


def _figures(shown: dict[str, Any], version: Version, body: str) -> tuple[Figure, ...]:
    """The media that the body does not show anyway, by the rule that they are digested by."""
    figures: dict[str, Figure] = {}
    inside = {medium.url for medium in project(body).media}
    for figure in _all_figures(shown, version):
        if resolve(figure.url, None, shown=True) not in inside:
            figures.setdefault(figure.url, figure)
    return tuple(figures.values())


def _measured(measurement: Measurement) -> tuple[Measured, ...]:
    received = measurement.received
    return tuple(
        Measured(
            PART_NAMES[part],
            part in measurement.changed,
            getattr(received, part) if received else None,
            getattr(measurement.published, part),
        )
        for part in PARTS
    )


def _edition(row: VersionRow, zone: tzinfo) -> Edition:
    return Edition(
        number=row.number,
        agency_version=legal(row.data.get("agency_version") or ""),
        headline=legal(row.data.get("headline") or "").strip(),
        received=moment(row.received_at, zone),
    )
