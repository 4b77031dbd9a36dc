"""What an entry shows, and what a feed says of itself, before either is written in any format.

:func:`compose` makes an entry of a story. Its edit scope and disclosure are set afterwards by
:mod:`publish.render`, from what was measured in the entry as written.
"""

import re
import uuid
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote, urlsplit

from publish.clean import absolute, clean
from stories.config import Config
from stories.models import NAMESPACE, Category, Instant, Media, Story, Value, credit_of
from wirecopy.encoding import xml_chars
from wirecopy.scope import Scope
from wirecopy.text import plain

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9!#$&^_.+-]*", re.ASCII | re.IGNORECASE)


class Entry(Value):
    """Everything one entry shows.

    No text has characters that XML 1.0 does not allow, every URL is absolute, every instant is in
    UTC and whole seconds. ``body`` is clean HTML without the disclosure; ``summary`` and
    ``disclosure`` are plain text. ``link`` is the story at the agency, ``source_url`` where its
    copy came from, and ``source_updated`` when its current version was received.
    """

    guid: str
    url: str
    headline: str
    wire_headline: str
    agency: str
    agency_id: str
    agency_version: str
    byline: str | None = None
    published: Instant
    updated: Instant
    summary: str | None = None
    body: str = ""
    disclosure: str = ""
    media: tuple[Media, ...] = ()
    categories: tuple[Category, ...] = ()
    keywords: tuple[str, ...] = ()
    language: str | None = None
    rights: str | None = None
    credit: str | None = None
    link: str | None = None
    source_id: str
    source_title: str
    source_url: str | None = None
    source_updated: Instant
    about: str
    scope: Scope = "unknown"
    edited_headline_only: bool = False
    statement: str | None = None

    @property
    def html(self) -> str:
        """The body as published. The disclosure, if there is one, is its last paragraph."""
        if not self.disclosure:
            return self.body
        return f"{self.body}<p><i>{escape(self.disclosure, quote=False)}</i></p>"


GENERATOR = "Wirecopy"
"""Without a version: a new release must not change the bytes of every feed."""


class FeedMetadata(Value):
    """What a feed says of itself.

    ``page`` is the feed's HTML page; with the name of a format after a dot, it is the document. The
    page ``about`` explains our extension. ``ttl`` is in minutes; ``updated`` is None while the feed
    is empty.
    """

    id: str
    title: str
    description: str | None = None
    page: str
    publisher: str
    publisher_url: str
    about: str
    ttl: int
    generator: str = GENERATOR
    language: str | None = None
    updated: Instant | None = None


def compose(story: Story, config: Config) -> Entry:
    """*story* as an entry of scope ``unknown``, without a disclosure.

    ``published`` is the agency's date, or when the story was first received if the agency states
    none. ``updated`` is when the wire or the desk last changed it: RFC 4287's "significant" change.
    """
    version = story.version
    base = absolute(version.base, None)
    credit = credit_of(version, story.number)
    link = _public(absolute(version.link, base))
    return Entry(
        guid=xml_chars(story.guid),
        url=story_url(story, config),
        headline=xml_chars(story.headline).strip(),
        wire_headline=xml_chars(version.headline).strip(),
        **credit._asdict(),
        byline=_some(version.byline),
        published=utc(version.published) or utc(story.first_received) or EPOCH,
        updated=utc(story.changed_at) or EPOCH,
        summary=_some(plain(version.summary or "")),
        body=clean(version.body, base),
        media=tuple(m for medium in version.media if (m := _medium(medium, base))),
        categories=tuple(
            Category(label=label, scheme=_some(category.scheme))
            for category in version.categories
            if (label := _some(category.label))
        ),
        keywords=tuple(kept for keyword in version.keywords if (kept := _some(keyword))),
        language=language(version.language),
        rights=_some(version.rights),
        credit=_some(version.credit),
        link=link,
        source_id=urn(config, "wire", version.wire),
        source_title=credit.agency,
        source_url=link or _origin(config, version.wire),
        source_updated=utc(story.received_at) or EPOCH,
        about=f"{config.site.url}/",
    )


def story_url(story: Story, config: Config) -> str:
    """Where people read *story*: by ``publisher.story_url``, else its page on our own site."""
    pattern = config.publisher.story_url or f"{config.site.url}/stories/{{id}}"
    values = {"id": quote(story.id, safe=""), "slug": quote(story.slug, safe="")}
    return re.sub(r"\{(id|slug)\}", lambda hole: values[hole[1]], pattern)


def urn(config: Config, kind: str, name: str) -> str:
    """The id of a *kind* (``feed``, ``wire``) called *name*, the same when the site moves."""
    return uuid.uuid5(NAMESPACE, f"{config.publisher.authority}\0{kind}\0{name}").urn


def language(tag: str | None) -> str | None:
    """*tag* as a language tag (RFC 5646 §2.1 in shape), None when it is not one."""
    tidy = (tag or "").strip().replace("_", "-")
    return tidy if _LANGUAGE.fullmatch(tidy) else None


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""In place of an instant that ``datetime`` cannot hold in UTC (year 1, east of Greenwich)."""


def utc(instant: datetime | None) -> datetime | None:
    """*instant* in UTC and whole seconds; None for None, and when ``datetime`` cannot hold it."""
    if instant is None:
        return None
    try:
        return instant.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        return None


def rfc3339(instant: datetime) -> str:
    """*instant* as RFC 3339 §5.6 writes it, to the second."""
    return instant.isoformat(timespec="seconds")


def _some(text: str | None) -> str | None:
    return xml_chars(text or "").strip() or None


def _medium(medium: Media, base: str | None) -> Media | None:
    url = absolute(medium.url, base)
    if url is None:
        return None
    kind = (medium.type or "").strip()
    return Media(
        url=url,
        medium=medium.medium,
        type=kind.lower() if _MEDIA_TYPE.fullmatch(kind) else None,
        width=_positive(medium.width),
        height=_positive(medium.height),
        length=_positive(medium.length),
        caption=_some(medium.caption),
        credit=_some(medium.credit),
    )


def _positive(number: int | None) -> int | None:
    return number if number is not None and number > 0 else None


def _public(url: str | None) -> str | None:
    """*url* without user and password, which subscribers must not see."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=host).geturl() if host else None
    except ValueError:
        return None


def _origin(config: Config, name: str) -> str | None:
    """Scheme and host of a wire's URL; path and query of licensed wires often hold secrets."""
    wire = config.wire(name)
    if wire is None:
        return None
    parts = urlsplit(wire.url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"
