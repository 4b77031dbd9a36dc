"""JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/), with our extension ``_wirecopy``."""

import json
from typing import Any

from pydantic_core import to_json

from publish.entry import Entry, FeedMetadata, Notice, captioned, rfc3339, type_of
from wirecopy.jose import as_json, is_compact

JSON_TYPE = "application/feed+json"


def item(entry: Entry) -> bytes:
    """*entry* as one object of ``items``, in UTF-8, on one line."""
    pictures = [medium.url for medium in entry.media if medium.medium == "image"]
    return _dump(
        {
            "id": entry.guid,
            "url": entry.url,
            "external_url": entry.link,
            "title": entry.headline,
            "content_html": entry.html,
            "summary": entry.summary,
            "image": pictures[0] if pictures else None,
            "date_published": rfc3339(entry.published),
            "date_modified": rfc3339(entry.updated),
            # Readers of version 1 know one author only.
            "author": {"name": entry.authors[0]},
            "authors": [{"name": author} for author in entry.authors],
            "tags": list(dict.fromkeys([c.label for c in entry.categories] + list(entry.keywords)))
            or None,
            "language": entry.language,
            "attachments": [
                _present(
                    {
                        "url": medium.url,
                        "mime_type": medium.type or type_of(medium),
                        "title": captioned(medium),
                        "size_in_bytes": medium.length,
                        "_wirecopy": _present(
                            {
                                "medium": medium.medium,
                                "width": medium.width,
                                "height": medium.height,
                                "caption": medium.caption,
                                "credit": medium.credit,
                            }
                        ),
                    }
                )
                for medium in entry.media
            ]
            or None,
            "_wirecopy": _present(
                {
                    "about": entry.about,
                    "edited_headline_only": entry.edited_headline_only,
                    "edit_scope": entry.scope,
                    "agency": entry.agency,
                    "agency_id": entry.agency_id,
                    "agency_version": entry.agency_version,
                    "wire_headline": entry.wire_headline
                    if entry.wire_headline != entry.headline
                    else None,
                    "byline": entry.byline,
                    "credit": entry.credit,
                    "rights": entry.rights,
                    "source_url": entry.source_url,
                    "embeds": [_present({"url": e.url, "title": e.title}) for e in entry.embeds]
                    or None,
                    "valid_until": rfc3339(entry.valid_until) if entry.valid_until else None,
                    "correction": entry.correction,
                    "statement": None if entry.statement is None else as_json(entry.statement),
                }
            ),
        }
    )


def notice(of: Notice) -> bytes:
    """The notice *of* a withdrawal as one object of ``items``, with the id of what it replaces."""
    at = rfc3339(of.at)
    written = _dump(
        {
            "id": of.guid,
            "title": of.title,
            "content_text": of.text,
            "date_published": at,
            "date_modified": at,
            "_wirecopy": {"about": of.about, "withdrawn": at},
        }
    )
    return written if of.statement is None else with_statement(written, of.statement)


def with_statement(entry: bytes, statement: str) -> bytes:
    """*entry*, as :func:`item` or :func:`notice` wrote it, with *statement* as the last member of
    ``_wirecopy``."""
    # A token that is no compact JWS is JSON itself, and canonical.
    said = _JSON(statement) if is_compact(statement) else statement
    return b"".join((entry[: -len(b"}}")], b',"statement":', said.encode(), b"}}"))


def feed(of: FeedMetadata) -> tuple[bytes, bytes]:
    """What precedes the items of a feed, and what follows them."""
    opening = _dump(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": of.title,
            "home_page_url": f"{of.page}{of.query}",
            "feed_url": None if of.private else f"{of.page}.json{of.query}",
            # The pages of one feed, in the words of JSON Feed.
            "next_url": of.document(of.older, "json") if of.older else None,
            "description": of.description,
            "icon": of.logo,
            "favicon": of.icon,
            "author": {"name": of.publisher, "url": of.publisher_url},
            "authors": [{"name": of.publisher, "url": of.publisher_url}],
            "language": of.language,
            "hubs": [{"type": "WebSub", "url": of.hub}] if of.hub else None,
            "_wirecopy": _present(
                {
                    "about": of.about,
                    "generator": of.generator,
                    "license": of.licence,
                }
            ),
        }
    )
    return opening.removesuffix(b"}") + _ITEMS, b"]}\n"


def proven(opening: bytes, proof: str) -> bytes:
    """What precedes the items of a feed, with the *proof* for the statements in it as the last
    member of ``_wirecopy``, itself the last."""
    before = opening.removesuffix(b"}" + _ITEMS)
    return b"".join((before, b',"log":', _JSON(proof).encode(), b"}", _ITEMS))


_ITEMS = b',"items":['


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _dump(values: dict[str, Any]) -> bytes:
    # The same bytes as by the json module, which takes ten times as long for a body.
    return to_json(_present(values))
