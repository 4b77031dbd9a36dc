"""Has everything rendered again when the configuration or the rendering code has changed."""

import hashlib
import json

from stories import clock
from stories.config import Config
from stories.db import Store, feeds, key_value, outbox
from stories.db import stories as records
from stories.db.key_value import RENDERED_FOR

RENDERING = 5
"""To be raised by every change to the code that gives other bytes for the same story."""


def settings_digest(config: Config) -> str:
    """A digest of all that rendered bytes depend on besides the stories: settings and code."""
    parts = {
        "rendering": RENDERING,
        "publisher": config.publisher.model_dump(mode="json"),
        "site": config.site.url,
        "feeds": [f.model_dump(mode="json", exclude={"aliases"}) for f in config.outgoing],
        "disclosures": config.disclosures,
        "wires": [
            (w.name, w.url, str(w.every), w.language, str(w.expires_after)) for w in config.wires
        ],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def rendered_before(store: Store) -> bool:
    """Whether a process that renders was ever started on *store*."""
    with store.read() as conn:
        return key_value.read(conn, RENDERED_FOR) is not None


def is_due(store: Store, config: Config) -> bool:
    """Whether what is rendered in *store* is of other settings or code, and is to be made anew."""
    with store.read() as conn:
        return key_value.is_superseded(conn, settings_digest(config))


def rerender_if_changed(store: Store, config: Config) -> bool:
    """Put everything into the outbox if settings or code have changed since the last call.

    True if so. Called at every start.
    """
    digest = settings_digest(config)
    now = clock.now()
    with store.write() as conn:
        if key_value.read(conn, RENDERED_FOR) == digest:
            return False
        feeds.lock(conn)
        feeds.drop_feeds(conn, [f.name for f in config.outgoing])
        after = ""
        # Stories, then feeds, as the renderer does: in the other order the two could deadlock.
        while ids := records.ids_after(conn, after, 1000):
            outbox.want(conn, "story", ids, now)
            after = ids[-1]
        outbox.want(conn, "feed", [f.name for f in config.outgoing], now)
        key_value.write(conn, RENDERED_FOR, digest)
    return True
