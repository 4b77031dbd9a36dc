"""Search over what is published: ``/search`` for people; ``/search.rss``, ``.atom`` and ``.json``
as feeds, whose entries are those of all other feeds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from publish import licence
from publish.archive import answer
from publish.entry import FeedMetadata, urn
from publish.formats import WRITERS, Format
from publish.licence import Licence
from publish.selection import FRESHEST, metadata
from publish.web import proofs
from publish.web.representation import Representation, etag_of, represent
from publish.web.views import Teaser, teasers
from publish.words import ASKED, terms
from stories.config import Config, Feed
from stories.db import Connection, search
from stories.db import stories as records
from stories.db.feeds import Change
from stories.db.search import Found
from wirecopy.encoding import xml_chars

A_PAGE = 25
"""Stories on a page."""

A_FEED = 50
"""Entries of a feed: as many as others have by default."""

NOT_FOR_ROBOTS = ("x-robots-tag", "noindex, nofollow")
"""Search engines are not to search what was searched for."""

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for; of that, what has a number *before* one, None for the newest."""

    text: str
    before: int | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Asked":
        """What the query of an address asks for; anything is something."""
        before = query.get("before", "")
        number = int(before) if _NUMBER.fullmatch(before) else None
        return cls(" ".join(xml_chars(query.get("q", ""))[:ASKED].split()), number)


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What was found, as a page; ``query`` is that of its feeds' addresses, ``older`` that of the
    next page, if there is one. ``meant`` is False where nothing is asked for."""

    asked: str
    query: str
    meant: bool
    entries: tuple[Teaser, ...]
    older: str | None
    first: bool
    licence: Licence


def page(conn: Connection, config: Config, asked: Asked) -> SearchPage:
    """The page that answers what is *asked*."""
    meant = terms(asked.text)
    found = search.find(conn, meant, config.public_names, asked.before, A_PAGE + 1)
    shown = found[:A_PAGE]
    rest = {"before": str(shown[-1].number)} if len(found) > A_PAGE else None
    return SearchPage(
        asked=asked.text,
        query=_query(asked),
        meant=bool(meant),
        entries=teasers(conn, config, records.get(conn, [each.story_id for each in shown])),
        older=_query(asked, **rest) if rest else None,
        first=asked.before is None,
        licence=licence.of_site(config),
    )


def feed(conn: Connection, config: Config, asked: Asked, format: Format) -> Representation | None:
    """The feed of the newest that is found; None when nothing is asked for."""
    meant = terms(asked.text)
    if not meant:
        return None
    found = search.find(conn, meant, config.public_names, None, A_FEED)
    about = _about(config, asked)
    body = answer(conn, config, [_as_change(each) for each in found], about, format)
    kind, under = WRITERS[format].content_type, licence.of_site(config)
    links = (
        f'<{about.page}.{format}{about.query}>; rel="self"; type="{kind.partition(";")[0]}", '
        f'<{about.page}{about.query}>; rel="alternate"; type="text/html", '
        f"{proofs.links(config)}"
    )
    return represent(
        body,
        etag_of(body),
        kind,
        None,
        [
            ("cache-control", f"public, max-age={int(FRESHEST.total_seconds())}"),
            *proofs.OPEN,
            NOT_FOR_ROBOTS,
        ],
        under.headers(config.site.url, links),
    )


def _query(asked: Asked, **more: str) -> str:
    return f"?{urlencode({'q': asked.text, **more})}"


def _about(config: Config, asked: Asked) -> FeedMetadata:
    title = f"{asked.text} – {config.publisher.name}"
    everything = Feed(name="search", title=title)
    return metadata(everything, config, None).model_copy(
        update={
            "id": urn(config, "search", asked.text),
            "page": f"{config.site.url}/search",
            "query": _query(asked),
            "hub": None,
        }
    )


def _as_change(found: Found) -> Change:
    return Change(found.number, found.story_id, False, True, found.placed_at, None)
