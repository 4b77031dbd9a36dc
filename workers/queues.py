"""The queues, by kind of work. Kinds, not priorities, keep one kind from waiting behind another.

A worker takes from its queues in turn, so a full ``poll`` delays a message in ``poll-now`` by one
task at most.
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

QUEUES = (TICKS, POLL_NOW, INGEST, RENDER, POLL, HOUSEKEEPING)
"""All of them: beat's ticks; wires just added or pushed to us; what was captured; what is to be
rendered; the regular crawl; what can wait."""


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
