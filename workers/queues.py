"""The queues, by kind of work. Kinds, not priorities, keep one kind from waiting behind another.

Polls have a member of their own, the poller: a slow wire holds what polls it for as long as its
timeout allows, and beat's ticks, the intake and the press must not wait for that. Each member takes
from its queues in turn, so a full ``poll`` delays a message in ``poll-now`` by one task at most.
"""

import redis

KEY_PREFIX = "wirecopy:"
"""Before every key in the broker, so that one Redis may serve other programs too."""

TICKS = "ticks"
POLL_NOW = "poll-now"
POLL = "poll"
INGEST = "ingest"
RENDER = "render"
HOUSEKEEPING = "housekeeping"

POLLS = (POLL_NOW, POLL)
"""The poller's: wires just added or pushed to us; the regular crawl."""

WORK = (TICKS, INGEST, RENDER, HOUSEKEEPING)
"""A worker's: beat's ticks; what was captured; what is to be rendered; what can wait."""

QUEUES = (*WORK, *POLLS)
"""All of them."""


def depth(broker: redis.Redis, queue: str) -> int:
    """How many messages wait in *queue*, not counting those a worker holds.

    :raises redis.RedisError: if the broker cannot be reached.
    """
    waiting = broker.llen(KEY_PREFIX + queue)
    assert isinstance(waiting, int)
    return waiting


def depths(broker: redis.Redis) -> dict[str, int]:
    """:func:`depth` of every queue."""
    return {queue: depth(broker, queue) for queue in QUEUES}
