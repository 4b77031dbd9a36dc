"""A story in the formats of partners' systems: ``/stories/ID/ninjs``, ``/stories/ID/newsml-g2``.

Each is made of the entry as published, when it is asked for, and answered until the entry changes.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from publish import licence, newsml_g2, ninjs
from publish.licence import Licence
from publish.selection import FRESHEST
from publish.served import json_of
from publish.web.proofs import OPEN, links
from publish.web.representation import Representation, etag_of, represent
from publish.web.story import Shown, in_public, published
from stories.config import Config
from stories.db import Connection
from wirecopy.jose import as_text


class Form(NamedTuple):
    """A format: what people call it, its media type, and what writes it of an entry in JSON Feed,
    the entry's statement, and the address of all of the story's."""

    name: str
    content_type: str
    write: Callable[[dict[str, Any], str | None, str], bytes]


FORMS = {
    "ninjs": Form("ninjs", ninjs.NINJS_TYPE, ninjs.document),
    "newsml-g2": Form("NewsML-G2", newsml_g2.NEWSML_TYPE, newsml_g2.document),
}
"""The formats, by the end of their addresses."""


def headers(config: Config, story: str, under: Licence) -> list[tuple[str, str]]:
    """The headers of the documents of the story whose id is *story*, which is *under* a licence."""
    return [
        ("cache-control", f"public, max-age={int(FRESHEST.total_seconds())}"),
        ("x-robots-tag", "noindex"),  # whoever searches is to find the page
        *under.headers(config.site.url, links(config, story)),
        *OPEN,
    ]


def document(
    conn: Connection, config: Config, name: str, form: str, shown: Shown = in_public
) -> Representation | None:
    """The story whose id is *name* in the format *form*; None when no feed that is *shown* has
    it."""
    found = published(conn, config, name, shown)
    if found is None:
        return None
    story, row, _ = found
    entry = json.loads(json_of(conn, config, story, row))
    said = entry["_wirecopy"].get("statement")
    token = None if said is None else as_text(said)
    of = FORMS[form]
    under = licence.of_wires([config.wire(story.wire)])
    body = of.write(entry, token, f"{config.site.url}/stories/{story.id}/statements")
    return represent(body, etag_of(body), of.content_type, None, headers(config, story.id, under))
