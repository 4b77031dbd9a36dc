"""``/sitemap-news.xml``: what was published in the last two days, for news search engines.

Sitemaps 0.9 with Google's news extension. It names pages of this site alone: stories whose page is
the publisher's own, or the agency's, are for the sitemap of that site.
"""

from datetime import timedelta
from html import escape

from publish.entry import language, published_at, rfc3339, story_url
from publish.render import as_published
from publish.web.representation import Representation, etag_of, represent
from stories import clock
from stories.config import Config
from stories.db import Connection, feeds
from stories.db import stories as records
from stories.models import Story
from wirecopy.encoding import shown_chars, xml_chars

SPAN = timedelta(days=2)
"""Older stories are not news (Google)."""

MOST = 1000
"""Stories in one (Google)."""

FRESH = timedelta(minutes=5)

_LANGUAGE_UNKNOWN = "und"
_TYPE = "application/xml"


def state(conn: Connection) -> object:
    """What the document depends on: how the feeds are, and every few minutes the time."""
    return feeds.summary(conn), int(clock.now().timestamp() // FRESH.total_seconds())


def document(conn: Connection, config: Config) -> Representation | None:
    """The document; None where the stories' pages are not on this site."""
    if not config.has_own_pages:
        return None
    since = clock.now() - SPAN
    listed = [wire.name for wire in config.wires if not wire.noindex and wire.canonical == "own"]
    names = config.public_names
    ids = feeds.published_since(conn, since, listed, names, MOST)
    news = [
        as_published(story, config)
        for story in records.get(conn, ids)
        if not story.hidden(clock.now()) and published_at(story) >= since
    ]
    body = "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
            ' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">',
            *(_url(story, config) for story in news),
            "</urlset>",
            "",
        ]
    ).encode()
    fresh = f"public, max-age={int(FRESH.total_seconds())}"
    return represent(body, etag_of(body), _TYPE, None, [("cache-control", fresh)])


def _url(story: Story, config: Config) -> str:
    spoken = (language(story.version.language) or _LANGUAGE_UNKNOWN).lower()
    # Of Chinese alone both scripts are told apart, in their own way (Google).
    code = spoken if spoken in ("zh-cn", "zh-tw") else spoken.partition("-")[0]
    return (
        f"<url><loc>{escape(story_url(story, config))}</loc><news:news><news:publication>"
        f"<news:name>{escape(xml_chars(config.publisher.name))}</news:name>"
        f"<news:language>{code}</news:language></news:publication>"
        f"<news:publication_date>{rfc3339(published_at(story))}</news:publication_date>"
        f"<news:title>{escape(shown_chars(story.headline).strip())}</news:title>"
        "</news:news></url>"
    )
