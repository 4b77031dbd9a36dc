"""Has everything rendered again when the configuration or the rendering code has changed.

Newest first, and a step at a time: how far is noted, and when no story waits the next step is
wanted (:func:`go_on`). So what comes meanwhile waits for one step at most, whatever the history.
"""

import hashlib
import json
from datetime import datetime

from stories import clock
from stories.config import Config
from stories.db import Connection, Store, feeds, key_value, outbox, subscriptions
from stories.db import stories as records
from stories.db.key_value import RENDERED_FOR, RENDERING_ANEW

RENDERING = 10
"""To be raised by every change to the code that gives other bytes for the same story."""

STEP = 500
"""Stories that are wanted at once: two seconds' work."""


def settings_digest(config: Config) -> str:
    """A digest of all that rendered bytes depend on besides the stories: settings and code."""
    known = config.every_rules
    parts = {
        "rendering": RENDERING,
        "publisher": config.publisher.model_dump(
            # Said only where it is set: a setting more has nothing rendered anew.
            mode="json",
            exclude=None if config.publisher.withdrawn != "notice" else {"withdrawn"},
        ),
        "site": config.site.url,
        # Said only where it is set, as `withdrawn` is.
        "feeds": [
            f.model_dump(mode="json", exclude={"aliases", "headline_limit"}, exclude_defaults=True)
            for f in config.outgoing
        ],
        "disclosures": config.disclosures,
        "wires": [
            (w.name, w.url, str(w.every), w.language, str(w.expires_after)) for w in config.wires
        ],
        # Said only where it is set, as `withdrawn` is.
        **({"trim": trim} if (trim := [(w.name, *w.trim) for w in known if w.trim]) else {}),
        **({"desk": config.desk.on_update} if config.desk.on_update != "publish" else {}),
        **({"hub": hub} if (hub := config.hub_address) else {}),
        **({"rights": found} if (found := [(w.name, w.rights) for w in known if w.rights]) else {}),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def rendered_before(store: Store) -> bool:
    """Whether a process that renders was ever started on *store*."""
    with store.read() as conn:
        return key_value.read(conn, RENDERED_FOR) is not None


def is_due(store: Store, config: Config) -> bool:
    """Whether what is rendered in *store* is of other settings or code, and is to be made anew."""
    with store.read() as conn:
        anew = upto(conn) is not None
        return anew or key_value.is_superseded(conn, settings_digest(config))


def upto(conn: Connection) -> datetime | None:
    """While everything is rendered again: since when all that changed is, or is wanted to be."""
    at = key_value.read(conn, RENDERING_ANEW)
    return datetime.fromisoformat(at[0]) if at else None


def rerender_if_changed(store: Store, config: Config) -> bool:
    """As :func:`refresh`, in a transaction of its own."""
    with store.write() as conn:
        return refresh(conn, config, clock.now())


def refresh(conn: Connection, config: Config, now: datetime) -> bool:
    """Have everything rendered again if settings or code have changed since the last call: begin
    with the newest stories, and with what is told of the feeds.

    True if so. Called at every start. Members with other settings step back from then on.
    """
    digest = settings_digest(config)
    if key_value.read(conn, RENDERED_FOR) == digest:
        return False
    feeds.lock(conn)
    live = [f.name for f in config.outgoing]
    feeds.drop_feeds(conn, live)
    subscriptions.deny(conn, config.public_names, now)
    if config.hub.url is None:
        outbox.drop_all(conn, "ping")
    # Stories, then feeds, as the renderer does: in the other order the two could deadlock.
    key_value.write(conn, RENDERING_ANEW, [])
    _want_next(conn, now)
    outbox.want(conn, "feed", live, now)
    key_value.write(conn, RENDERED_FOR, digest)
    return True


def go_on(store: Store) -> bool:
    """If everything is to be rendered again, have the next stories rendered; whether there were
    any."""
    with store.read() as conn:
        if upto(conn) is None:
            return False
    with store.write() as conn:
        return _want_next(conn, clock.now())


def _want_next(conn: Connection, now: datetime) -> bool:
    at = key_value.read(conn, RENDERING_ANEW, lock=True)
    if at is None:
        return False
    after = (datetime.fromisoformat(at[0]), str(at[1])) if at else None
    found = records.ids_before(conn, after, STEP)
    outbox.want(conn, "story", (name for _, name in found), now)
    if len(found) < STEP:
        key_value.forget(conn, RENDERING_ANEW)
    else:
        last, name = found[-1]
        key_value.write(conn, RENDERING_ANEW, [last.isoformat(), name])
    return bool(found)
