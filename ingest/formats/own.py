"""Stories of another Wirecopy in ninjs and NewsML-G2: what it says there of whose copy they are,
and its entry, as it stands in its feeds, made of the document again.

So what it signed is checked in these formats by the same code as in a feed (:mod:`ingest.custody`).
"""

import json
from dataclasses import replace

from ingest.formats.html import disclosed, is_token, without_printed
from ingest.item import Item, ItemMedia
from wirecopy.feed import OWN
from wirecopy.jose import is_compact
from wirecopy.statement import Credit, captioned

_UNKNOWN = "application/octet-stream"
"""What stands where nothing is known of a medium's type."""


def uri(name: str) -> str:
    """The address by which our documents call what the standards have no word for."""
    return f"{OWN}#{name}"


def republished(
    item: Item, credit: Credit, *, page: str, scope: str, wire_headline: str, statement: str
) -> Item:
    """*item*, of a document that another Wirecopy wrote, with what that says of its origin: the
    *credit*, the agency's *page*, and what it measured and signed."""
    stated = {
        **credit._asdict(),
        "edit_scope": scope,
        "wire_headline": wire_headline,
        "byline": next(iter(item.authors), ""),
        "correction": item.signals.corrected if item.signals is not None else "",
    }
    token = statement if is_token(statement) else ""
    entry = {
        "id": item.guid,
        "title": item.headline,
        "content_html": item.body,
        "summary": item.summary,
        "date_published": next(iter(item.published), ""),
        "date_modified": next(iter(item.updated), ""),
        "tags": [*(one.name for one in item.subjects), *item.keywords],
        "_wirecopy": {
            **{name: value for name, value in stated.items() if value},
            **({"statement": token if is_compact(token) else json.loads(token)} if token else {}),
        },
    }
    return replace(
        item,
        version="",  # that of the document is the publisher's number
        body=without_printed(item.body, disclosed(token)),
        provenance=credit,
        page=page,
        media=tuple(
            replace(each, type="" if each.type == _UNKNOWN else each.type) for each in item.media
        ),
        own=json.dumps({name: value for name, value in entry.items() if value}),
    )


def entry_of(item: Item) -> bytes:
    """The entry of *item*, which is :func:`republished`, as a JSON Feed that holds nothing else."""
    attachments = [_attachment(each) for each in item.media]
    return json.dumps({"items": [json.loads(item.own) | {"attachments": attachments}]}).encode()


def _attachment(medium: ItemMedia) -> dict[str, object]:
    said = {"caption": medium.caption, "credit": medium.credit}
    return {
        "url": medium.url,
        "title": captioned(medium.caption, medium.credit),
        "_wirecopy": {name: value for name, value in said.items() if value},
    }
