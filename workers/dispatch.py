"""The dispatcher: claims the wires that are due and hands them out in batches.

What to poll is decided now, from the database's exact state, and not left to a queue: so the
broker's queue stays short, and two dispatchers at once never hand out the same wire.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ingest.polling import lease_for
from stories.newsroom import Newsroom
from stories.store import Store, wires
from workers import queues

BATCH = 50
"""Wires to a task: a task costs a millisecond or two, a poll a tenth of one."""

TALLEST = 20
"""Batches waiting in a queue from which on no more are handed out: those wires stay due."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Wires leased together, and the queue for them."""

    lease: str
    names: tuple[str, ...]
    queue: str


def batches(
    store: Store, newsroom: Newsroom, now: datetime, limit: int = TALLEST
) -> Iterator[Batch]:
    """Claim what is due, batch by batch, each in a committed transaction of its own.

    Wires never polled yet go by the fast lane: somebody just added them and is watching.
    """
    for _ in range(limit):
        with store.write() as conn:
            claimed = wires.claim_due(conn, now, now + lease_for(newsroom), BATCH)
        if not claimed:
            return
        lease = claimed[0].lease or ""
        fresh = tuple(w.name for w in claimed if w.polled_at is None)
        known = tuple(w.name for w in claimed if w.polled_at is not None)
        if fresh:
            yield Batch(lease, fresh, queues.POLL_NOW)
        if known:
            yield Batch(lease, known, queues.POLL)
        if len(claimed) < BATCH:
            return
