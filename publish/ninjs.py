"""ninjs 3.1, IPTC's news in JSON (https://iptc.org/standards/ninjs/): one story, for a partner's
system.

It is written of the entry as published, so that it cannot say anything else. Version 3 allows no
member besides its own: the statement stands among the alternative identifiers, and the chain of
all of the story is a trust indicator.
"""

import json
from typing import Any

from publish.xml import iri

NINJS_TYPE = "application/json; charset=utf-8"

_TYPES = {"image": "picture", "audio": "audio", "video": "video"}


def document(entry: dict[str, Any], statement: str | None, statements: str) -> bytes:
    """*entry*, an item of JSON Feed, as a document; *statement* is its own as text, *statements*
    the address of all of the story. The bytes depend on nothing else."""
    own = entry["_wirecopy"]
    received = own.get("wire_headline")
    values = {
        "standard": {
            "name": "ninjs",
            "version": "3.1",
            "schema": "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#",
        },
        "uri": entry["id"],
        "type": "text",
        "representationType": "full",
        "version": own.get("agency_version"),
        "firstCreated": entry["date_published"],
        "versionCreated": entry["date_modified"],
        "expires": own.get("valid_until"),
        "pubStatus": "usable",
        "language": entry.get("language"),
        "headlines": [{"role": "main", "value": entry["title"]}],
        # A headline that is not published is metadata, which is what a title is here.
        "title": received,
        "by": own.get("byline"),
        "infoSources": [{"name": own["agency"]}],
        "copyrightNotice": own.get("rights"),
        "descriptions": [
            *_listed("summary", "text/plain", entry.get("summary")),
            *_listed("correction", "text/plain", own.get("correction")),
        ],
        "bodies": _listed("main", "text/html", entry.get("content_html")),
        "subjects": [{"name": tag} for tag in entry.get("tags", ())],
        "associations": [
            _medium(at, medium) for at, medium in enumerate(entry.get("attachments", ()), start=1)
        ],
        "altIds": [
            {"role": "agency", "value": own["agency_id"]},
            {"role": "page", "value": entry["url"]},
            *([{"role": "source", "value": page}] if (page := entry.get("external_url")) else ()),
            {"role": "editScope", "value": own["edit_scope"]},
            *([{"role": "statement", "value": statement}] if statement else ()),
        ],
        "trustIndicators": [{"title": "Signed statements", "href": statements}]
        if statement
        else None,
    }
    return json.dumps(_present(values), ensure_ascii=False, indent=1).encode() + b"\n"


def _medium(at: int, medium: dict[str, Any]) -> dict[str, Any]:
    own = medium.get("_wirecopy", {})
    kind = own.get("medium") or medium["mime_type"].partition("/")[0]
    address = iri(medium["url"])
    rendition = {
        "name": "main",
        "href": address,
        "contentType": medium["mime_type"],
        "width": own.get("width"),
        "height": own.get("height"),
        "sizeInBytes": medium.get("size_in_bytes"),
    }
    return _present(
        {
            "name": f"media {at}",
            "uri": address,
            "type": _TYPES.get(kind, "component"),
            "descriptions": _listed("caption", "text/plain", own.get("caption")),
            "by": own.get("credit"),
            "renditions": [_present(rendition)],
        }
    )


def _listed(role: str, content_type: str, value: str | None) -> list[dict[str, str]]:
    return [{"role": role, "contentType": content_type, "value": value}] if value else []


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", [])}
