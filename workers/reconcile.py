"""Housekeeping's audit: what the record says must be waiting is made to wait."""

from stories import clock
from stories.db import Store, captures, feeds, outbox


def mend(store: Store) -> dict[str, int]:
    """Want again what stands unfinished but is in no outbox; how much, by kind.

    The outbox is written in the transaction that causes work, so this finds nothing unless rows
    were removed by hand or a database was restored from parts.
    """
    now = clock.now()
    with store.write() as conn:
        wires = captures.wires_pending(conn)
        stories = feeds.unrendered_ids(conn, limit=10_000)
        lost_wires = outbox.missing(conn, "ingest", wires)
        lost_stories = outbox.missing(conn, "story", stories)
        outbox.want(conn, "ingest", lost_wires, now)
        outbox.want(conn, "story", lost_stories, now)
    return {"captures not taken in": len(lost_wires), "stories not rendered": len(lost_stories)}
