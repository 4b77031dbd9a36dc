"""The values that pages show: the front page, a feed's page, the operator's status page.

A page shows a story from its entry as rendered, not from the story as it is now: readers see what
was measured, and nothing else. A story's own page is :mod:`publish.web.story`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from publish import licence
from publish.entry import direction, without_disclosure
from publish.licence import Licence
from publish.served import json_of
from publish.web import pictures
from publish.web.pictures import Picture, Pictures, picture
from publish.web.wording import Badge, Moment, badge, moment, zone_of
from stories import clock
from stories.config import Config, Feed
from stories.db import Connection, feeds
from stories.db import stories as records
from stories.db.feeds import EntryRow
from stories.models import Story
from wirecopy.scope import Measurement
from wirecopy.text import paragraphs

EXCERPT = 240
"""Characters that a list shows of a story: of its summary, or else of its first paragraph."""

LISTED = 100
"""Entries on a feed's page; the feed itself may have more."""

LATEST = 12
"""Stories on the front page."""


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
    disclosure_language: Language
    excerpt: str
    published: Moment
    updated: Moment | None
    image: str | None
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class FeedLine:
    """A feed in a list. ``modified`` is None until it is first rendered."""

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
    licence: Licence


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A feed for people. ``count`` is of the whole feed, which may have more than ``entries``."""

    name: str
    title: str
    description: str
    count: int
    modified: Moment | None
    entries: tuple[Teaser, ...]
    licence: Licence


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: a name, its value, and whether that is good or bad."""

    name: str
    value: str
    tone: Literal["good", "bad", "plain"] = "plain"


@dataclass(frozen=True, slots=True)
class Listing:
    """A table of problems; ``more`` counts the rows that are not shown."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class StatusPage:
    """The state of the installation ``at`` an instant; ``needs`` is what waits for a person."""

    at: str
    needs: tuple[str, ...]
    facts: tuple[Fact, ...]
    listings: tuple[Listing, ...]


def home(conn: Connection, config: Config) -> Home:
    """The front page: every public feed, and what changed last in any of them."""
    ids: set[str] = set()
    for feed in config.public_feeds:
        ids.update(feeds.placed_ids(conn, feed.name, LATEST))
    stories = sorted(
        records.get(conn, sorted(ids)), key=lambda s: (-s.changed_at.timestamp(), s.position, s.id)
    )[:LATEST]
    latest = teasers(conn, config, stories)
    return Home(feed_lines(conn, config), latest, licence.of_site(config))


def feed_lines(conn: Connection, config: Config) -> tuple[FeedLine, ...]:
    """Every public feed, with its number of entries."""
    known = feeds.summary(conn)
    return tuple(_line(config, feed, known) for feed in config.public_feeds)


def _line(config: Config, feed: Feed, known: dict[str, tuple[int, datetime]]) -> FeedLine:
    count, modified = known.get(feed.name, (0, None))
    changed = None if modified is None else moment(modified, _feed_zone(config, feed))
    return FeedLine(feed.name, feed.title, feed.description, count, changed)


def _feed_zone(config: Config, feed: Feed) -> tzinfo:
    """The site's zone, else that of the feed's wires, if they have one in common."""
    if config.site.timezone is not None:
        return ZoneInfo(config.site.timezone)
    zones = [w.timezone for w in config.wires if not feed.wires or w.name in feed.wires]
    return ZoneInfo(zones[0]) if len(set(zones)) == 1 else ZoneInfo("UTC")


def feed_page(conn: Connection, config: Config, feed: Feed) -> FeedPage:
    """The page of *feed*."""
    line = _line(config, feed, feeds.summary(conn))
    ids = feeds.placed_ids(conn, feed.name, min(feed.limit, LISTED))
    entries = teasers(conn, config, records.get(conn, ids))
    return FeedPage(
        line.name,
        line.title,
        line.description,
        line.count,
        line.modified,
        entries,
        licence.of_feed(config, feed),
    )


def teasers(conn: Connection, config: Config, stories: Sequence[Story]) -> tuple[Teaser, ...]:
    entries = feeds.entries_of(conn, [s.id for s in stories])
    kept = pictures.of(conn, config, [*stories])
    return tuple(
        _teaser(
            config,
            s,
            entries[s.id],
            json.loads(json_of(conn, config, s, entries[s.id])),
            kept.get(s.id, {}),
        )
        for s in stories
        if s.id in entries and not s.hidden(clock.now())
    )


def _teaser(
    config: Config, story: Story, entry: EntryRow, shown: dict[str, Any], kept: Pictures
) -> Teaser:
    zone = zone_of(config, story.wire, story.version.published)
    agency = shown["_wirecopy"]["agency"]
    _, spoken = without_disclosure(shown.get("content_html", ""), entry.disclosure)
    image = shown.get("image", "")
    return Teaser(
        id=story.id,
        headline=shown["title"],
        language=language_of(shown.get("language")),
        agency=agency,
        badge=badge(entry.scope, agency, measurement_of(entry).changed),
        disclosure=entry.disclosure,
        disclosure_language=language_of(spoken),
        excerpt=excerpt_of(shown, entry.disclosure),
        published=moment(datetime.fromisoformat(shown["date_published"]), zone),
        updated=updated_of(shown, story, zone),
        image=shown.get("image"),
        picture=picture(found, root_of(config), {}) if (found := kept.get(image)) else None,
    )


def root_of(config: Config) -> str:
    """The path below which the site is, empty for none."""
    return urlsplit(config.site.url).path.rstrip("/")


def language_of(tag: str | None) -> Language:
    return Language(tag or "", direction(tag))


def measurement_of(entry: EntryRow) -> Measurement:
    return Measurement.from_json(entry.measurement)


def updated_of(shown: dict[str, Any], story: Story, zone: tzinfo) -> Moment | None:
    """When wire or desk last changed the story; None when they have not since it was received."""
    published, changed = (
        datetime.fromisoformat(shown[name]) for name in ("date_published", "date_modified")
    )
    first = story.first_received.replace(microsecond=0)
    return moment(changed, zone, beside=published) if changed > first else None


def excerpt_of(shown: dict[str, Any], disclosure: str) -> str:
    text: str = shown.get("summary") or ""
    if not text:
        found = paragraphs(shown.get("content_html", ""), disclosure=disclosure)
        text = found[0] if found else ""
    if len(text) <= EXCERPT:
        return text
    return f"{text[:EXCERPT].rpartition(' ')[0] or text[:EXCERPT]}…"
