"""The values that a story's page shows: the story, what was measured, its statement, JSON-LD."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from publish import licence
from publish.clean import absolute
from publish.entry import without_disclosure
from publish.licence import Licence
from publish.served import json_of
from publish.web import pictures
from publish.web.changes import Changed, Headlines, changes, headlines
from publish.web.pictures import Picture, Pictures, picture, pictured
from publish.web.views import (
    Language,
    excerpt_of,
    language_of,
    measurement_of,
    root_of,
    updated_of,
)
from publish.web.wording import (
    PART_NAMES,
    Badge,
    Moment,
    badge,
    described,
    moment,
    without_bidi_marks,
    zone_of,
)
from stories import clock
from stories.config import Config, Feed, Publisher
from stories.db import Connection, custody, feeds, wires
from stories.db import stories as records
from stories.db.feeds import EntryRow
from stories.db.pictures import kept_at
from stories.db.stories import VersionRow
from stories.models import Media, Story, Version, licence_over
from wirecopy.encoding import xml_chars
from wirecopy.jose import as_text, payload_of, token_digest
from wirecopy.report import LATE
from wirecopy.scope import PARTS, Measurement
from wirecopy.text import project
from wirecopy.urls import resolve

VERSIONS = 25
"""Versions that a story's history shows, the newest first."""

_UNSAFE = {
    "<": "\\u003c",  # "</script>" and "<!--" end or confuse a script element (HTML §4.12.1.3)
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",  # line ends to JavaScript before 2019, not to JSON
    "\u2029": "\\u2029",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, film or sound beside the text; ``shown`` unless the text or one before has it."""

    url: str
    medium: str
    caption: str
    credit: str
    width: int | None
    height: int | None
    shown: bool = True
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """What the agency embedded and the page leaves out: its address, and what its link says."""

    url: str
    words: str


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
    corrects: bool
    headline: str
    received: Moment


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement: its text, its digest, the address of all of the story, number and time.

    ``logged`` is when its receipt was logged, None unless that was :data:`LATE`.
    """

    token: str
    digest: str
    address: str
    number: int
    issued: datetime
    logged: datetime | None


@dataclass(frozen=True, slots=True)
class StoryPage:
    """A story. ``wire_headline`` and ``headlines`` are None when the headline published is the
    agency's, ``summary`` when feeds carry none; ``changes`` are those besides the headline's.
    ``custody`` is whose keys the agency's own statement of it is by, None without one.
    ``canonical`` is the address for search engines, ``card`` the picture beside a link to the page.
    ``date_published`` and ``date_modified`` are as its entry has them (RFC 3339), ``data`` is
    JSON-LD."""

    id: str
    url: str
    headline: str
    wire_headline: str | None
    headlines: Headlines | None
    language: Language
    agency: str
    agency_code: str | None
    agency_id: str
    agency_version: str | None
    agency_link: str | None
    byline: str | None
    dateline: str | None
    credit: str | None
    rights: str | None
    correction: str | None
    description: str
    summary: str | None
    published: Moment
    updated: Moment | None
    date_published: str
    date_modified: str
    figures: tuple[Figure, ...]
    embeds: tuple[Embedded, ...]
    body: Markup
    disclosure: str
    disclosure_language: Language
    badge: Badge
    measured: tuple[Measured, ...]
    changes: tuple[Changed, ...]
    compared: Moment
    custody: str | None
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
    card: Figure | None
    canonical: str
    noindex: bool
    licence: Licence
    rendered_at: datetime
    data: str = ""


Shown = Callable[[Feed, Story], bool]
"""Whether somebody may read what a feed has of a story."""


def in_public(feed: Feed, _story: Story) -> bool:
    """Whether everybody may."""
    return not feed.private


def published(
    conn: Connection, config: Config, name: str, shown: Shown = in_public
) -> tuple[Story, EntryRow, Sequence[Feed]] | None:
    """The story whose id is *name*, its entry, and the feeds that have it, of those that are
    *shown*; None when none has: it is not published, or not for everybody."""
    story = records.one(conn, name)
    entry = feeds.entry(conn, name)
    if story is None or story.hidden(clock.now()) or entry is None:
        return None
    named = (config.feed(each) for each in feeds.feeds_of(conn, name))
    placed = [feed for feed in named if feed is not None and shown(feed, story)]
    return (story, entry, placed) if placed else None


def story_page(
    conn: Connection, config: Config, name: str, shown: Shown = in_public
) -> StoryPage | None:
    """The page of the story whose id is *name*; None when no feed that is *shown* has it."""
    found = published(conn, config, name, shown)
    if found is None:
        return None
    story, entry, placed = found
    # For a second or two the story may be newer than its entry.
    history = [v for v in records.history(conn, name) if v.received_at <= entry.changed_at]
    version = Version.model_validate(history[-1].data) if history else story.version
    written = json_of(conn, config, story, entry)
    # What is in private feeds alone has no pictures of ours, as these are shown without a token.
    public = any(not feed.private for feed in placed)
    kept = pictures.of(conn, config, [story]).get(name, {}) if public else {}
    page = _story_page(config, story, entry, placed, history, version, written, kept)
    page = replace(page, custody=_custody(conn, history[-1].custody if history else None))
    if not kept:
        return page
    return replace(
        page, rendered_at=max(entry.rendered_at, kept_at(conn, name) or entry.rendered_at)
    )


def _custody(conn: Connection, digest: str | None) -> str | None:
    found = custody.statements(conn, [digest]).get(digest) if digest else None
    return (urlsplit(found.address).netloc or "the agency") if found is not None else None


def gone(conn: Connection, config: Config, name: str) -> str | None:
    """Why the story whose id is *name* is published no longer, for readers; None when it may be, or
    never was.

    Its page is then 410 and not 404, so that links to it can be removed. Of a story that is held
    there is no word: it may come back.
    """
    story = records.one(conn, name)
    if story is None or feeds.entry(conn, name) is None:
        return None
    public = {*config.public_names}
    if len(public) < len(config.outgoing) and not public & feeds.ever_in(conn, name):
        return None  # nobody is told that it ever was
    if story.status == "killed":
        return "This story has been withdrawn."
    ended = licence_over(wires.licence_terms(conn, config, [story.wire]), story, clock.now())
    if ended or name in records.withdrawn(conn, [name]):
        return "The licence under which this story was published has ended."
    return None


def _story_page(
    config: Config,
    story: Story,
    entry: EntryRow,
    placed: Sequence[Feed],
    history: Sequence[VersionRow],
    version: Version,
    written: bytes,
    kept: Pictures,
) -> StoryPage:
    shown = json.loads(written)
    ours = shown["_wirecopy"]
    measurement = measurement_of(entry)
    zone = zone_of(config, story.wire, version.published)
    agency: str = ours["agency"]
    body, spoken = without_disclosure(shown.get("content_html", ""), entry.disclosure)
    root = root_of(config)
    figures = tuple(_with_ours(figure, kept, root) for figure in _figures(shown, version, body))
    images = [f for f in _all_figures(shown, version) if f.medium == "image"]
    wire = config.wire(story.wire)
    theirs = shown.get("external_url") if wire and wire.canonical == "agency" else None
    description = excerpt_of(shown, entry.disclosure)
    dateline = xml_chars(version.dateline or "").strip() or None
    mark = badge(entry.scope, agency, measurement.changed)
    wired = xml_chars(version.headline).strip() if "headline" in measurement.changed else None
    token = as_text(ours["statement"]) if "statement" in ours else None
    statement = signed(token, f"{config.site.url}/stories/{story.id}/statements")
    page = StoryPage(
        id=story.id,
        url=shown["url"],
        headline=shown["title"],
        wire_headline=wired,
        headlines=None if wired is None else headlines(wired, shown["title"]),
        language=language_of(shown.get("language")),
        agency=agency,
        agency_code=version.agency_code,
        agency_id=ours["agency_id"],
        agency_version=ours.get("agency_version"),
        agency_link=shown.get("external_url"),
        byline=ours.get("byline"),
        dateline=dateline,
        credit=ours.get("credit"),
        rights=ours.get("rights"),
        correction=ours.get("correction"),
        description=description,
        summary=shown.get("summary"),
        published=moment(datetime.fromisoformat(shown["date_published"]), zone),
        updated=updated_of(shown, story, zone),
        date_published=shown["date_published"],
        date_modified=shown["date_modified"],
        figures=figures,
        embeds=tuple(_embedded(**one) for one in ours.get("embeds", ())),
        # publish.clean has cleaned it.
        body=Markup(described(pictured(body, kept, root))),  # noqa: S704
        disclosure=entry.disclosure,
        disclosure_language=language_of(spoken),
        badge=mark,
        measured=_measured(measurement),
        changes=changes(version, written, entry.disclosure, measurement),
        compared=moment(entry.rendered_at, zone),
        custody=None,
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
        feeds=tuple((feed.name, feed.title) for feed in placed if not feed.private),
        images=tuple(figure.url for figure in images),
        card=_with_ours(images[0], kept, config.site.url) if images else None,
        canonical=theirs or shown["url"],
        noindex=wire is not None and wire.noindex,
        licence=licence.of_wires([wire]),
        rendered_at=entry.rendered_at,
    )
    return replace(page, data=in_script(news_article(page, config.publisher, config.site.url)))


def _all_figures(shown: dict[str, Any], version: Version) -> list[Figure]:
    """The entry's media; what an entry rendered before release 0.2 lacks is the version's."""
    base = absolute(version.base, None)
    known: dict[str, Media] = {}
    for each in version.media:
        known.setdefault(absolute(each.url, base) or "", each)
    found = []
    for attached in shown.get("attachments", ()):
        medium = known.get(attached["url"]) or Media(url="", medium="document")
        says = attached.get("_wirecopy") or {
            "medium": medium.medium,
            "caption": attached.get("title"),
            "credit": xml_chars(medium.credit or "").strip(),
            "width": medium.width,
            "height": medium.height,
        }
        found.append(
            Figure(
                url=attached["url"],
                medium=says["medium"],
                caption=says.get("caption") or "",
                credit=says.get("credit") or "",
                width=says.get("width"),
                height=says.get("height"),
            )
        )
    return found


def _with_ours(figure: Figure, kept: Pictures, root: str) -> Figure:
    """*figure* with what is *kept* of its picture, at addresses below *root*."""
    found = kept.get(figure.url) if figure.medium == "image" and figure.shown else None
    if found is None:
        return figure
    return replace(figure, picture=picture(found, root, {"src": figure.url}))


def _figures(shown: dict[str, Any], version: Version, body: str) -> tuple[Figure, ...]:
    """The entry's media, compared with those of the body by the rule of their digests."""
    seen = {medium.url for medium in project(body).media}
    figures = []
    for figure in _all_figures(shown, version):
        address = resolve(figure.url, None, shown=True) or ""
        figures.append(replace(figure, shown=address not in seen))
        seen.add(address)
    return tuple(figures)


def _embedded(url: str, title: str = "") -> Embedded:
    host = urlsplit(url).netloc
    return Embedded(url, f"{title} ({host})" if title else host)


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
        agency_version=xml_chars(row.data.get("agency_version") or ""),
        corrects=bool((row.data.get("signals") or {}).get("correction")),
        headline=xml_chars(row.data.get("headline") or "").strip(),
        received=moment(row.received_at, zone),
    )


def signed(token: str | None, address: str) -> Signed | None:
    """Our own statement *token*, whose story's are all at *address*; None for None."""
    if token is None:
        return None
    said = payload_of(token)
    issued = datetime.fromisoformat(said["issued_at"])
    return Signed(token, token_digest(token), address, said["version"], issued, _late(said))


def _late(said: dict[str, Any]) -> datetime | None:
    if said.get("logged_at") is None:
        return None
    # By a log that is ahead of the clock, it was there when the statement was issued all the same.
    logged = datetime.fromisoformat(min(said["logged_at"], said["issued_at"]))
    return logged if logged - datetime.fromisoformat(said["received_at"]) > LATE else None


def news_article(page: StoryPage, publisher: Publisher, site: str) -> dict[str, Any]:
    """The story as schema.org's NewsArticle (JSON-LD), for search engines and archives.

    ``isBasedOn`` is the agency's own story, by its id and, if it has one, its address, with the
    headline that the agency gave. ``backstory`` is how the article came about: what was measured.
    ``sdPublisher`` says whose claim all this is; ``subjectOf`` names the signed statement about the
    article, by its digest, and where it is found. Neither ``correction`` nor
    ``publishingPrinciples``: what an agency calls a correction is not told here, and principles are
    the publisher's to write.
    """
    house = {
        "@type": "NewsMediaOrganization",
        "name": publisher.name,
        "url": publisher.url,
        "logo": publisher.logo or publisher.icon,
    }
    source = {"@type": "NewsMediaOrganization", "name": page.agency}
    person = {"@type": "Person", "name": page.byline}
    values: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "@id": page.guid,
        "url": page.url,
        "mainEntityOfPage": page.url,
        "headline": page.headline,
        "description": page.description,
        "datePublished": page.date_published,
        "dateModified": page.date_modified,
        "inLanguage": page.language.tag,
        "image": list(page.images),
        "dateline": page.dateline,
        "author": [source, person] if page.byline else [source],
        "creditText": page.credit or page.agency,
        "copyrightNotice": page.rights,
        "license": page.licence.address(site),
        "correction": {"@type": "CorrectionComment", "text": page.correction}
        if page.correction
        else None,
        "keywords": list(page.tags),
        "sourceOrganization": source,
        "isBasedOn": {
            "@type": "NewsArticle",
            "identifier": page.agency_id,
            "version": page.agency_version,
            "headline": page.wire_headline or page.headline,
            "url": page.agency_link,
            "publisher": source,
        },
        "backstory": without_bidi_marks(page.badge.sentence),
        "publisher": house,
        "sdPublisher": house,
        "subjectOf": _document(page.signed) if page.signed else None,
    }
    return _present(values)


def _document(statement: Signed) -> dict[str, Any]:
    return {
        "@type": "DigitalDocument",
        "name": f"Signed statement {statement.number}",
        "url": statement.address,
        "encodingFormat": "application/json",
        "identifier": {
            "@type": "PropertyValue",
            "propertyID": "sha-256",
            "value": statement.digest,
        },
        "dateCreated": statement.issued.isoformat(timespec="seconds"),
    }


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _present(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value not in (None, "", [])
    }


def in_script(values: dict[str, Any]) -> Markup:
    """*values* as JSON that is safe inside a ``script`` element, whatever the strings hold."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return Markup("".join(_UNSAFE.get(c, c) for c in text))  # noqa: S704 - escaped just above
