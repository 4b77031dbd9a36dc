"""Whether what is rendered is what this configuration and this code would render."""

import hashlib
import json

from stories import clock
from stories.config import Config
from stories.db import Store, feeds, key_value, outbox
from stories.db import stories as records

RENDERING = 3
"""Raised whenever a change here would give other bytes for the same story: a store whose entries
were rendered by another number renders them again."""


def settings_digest(config: Config) -> str:
    """A digest of everything, configuration and code, that rendered bytes depend on."""
    parts = {
        "rendering": RENDERING,
        "publisher": config.publisher.model_dump(mode="json"),
        "site": config.site.url,
        "feeds": [f.model_dump(mode="json") for f in config.outgoing],
        "disclosures": config.disclosures,
        "wires": [
            (w.name, w.url, str(w.every), w.language, str(w.expires_after)) for w in config.wires
        ],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


_NOTE = "rendered-for"


def rendered_before(store: Store) -> bool:
    """Whether anything was ever rendered there, or wanted to be."""
    with store.read() as conn:
        return key_value.read(conn, _NOTE) is not None


def rerender_if_changed(store: Store, config: Config) -> bool:
    """When the configuration or the rendering code changed since the last rendering, want
    everything rendered again; True if so. Called at every start; nothing changes otherwise."""
    digest = settings_digest(config)
    now = clock.now()
    with store.write() as conn:
        if key_value.read(conn, _NOTE) == digest:
            return False
        feeds.drop_feeds(conn, [f.name for f in config.outgoing])
        after = ""
        # Stories, then feeds, as the press does: the other way round the two could deadlock.
        while ids := records.ids_after(conn, after, 1000):
            outbox.want(conn, "story", ids, now)
            after = ids[-1]
        outbox.want(conn, "feed", [f.name for f in config.outgoing], now)
        key_value.write(conn, _NOTE, digest)
    return True
