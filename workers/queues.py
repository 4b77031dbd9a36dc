"""The queues, one per kind of work, so that no kind waits behind another.

Polls have a member of their own, the poller: a slow wire occupies it for as long as its timeout
allows, and ticks, intake and rendering must not wait for that. A member takes from its queues in
turn, so a full ``poll`` delays a message in ``poll-now`` by one task at most.
"""

from workers.address import Broker

TICKS = "ticks"
POLL_NOW = "poll-now"
POLL = "poll"
INGEST = "ingest"
RENDER = "render"
EXPORT = "export"
PUSH = "push"
PICTURES = "pictures"
HOUSEKEEPING = "housekeeping"

POLLS = (POLL_NOW, POLL, PUSH, PICTURES)
"""The poller's queues: the dispatcher, and wires just added or pushed; the regular polls; what is
brought to subscribers, and pictures, which wait for others as polls do."""

WORK = (TICKS, INGEST, RENDER, EXPORT, HOUSEKEEPING)
"""A worker's queues: sweeps; captures to take in; stories to render; what was rendered to write
into the folder; what can wait."""

QUEUES = (*WORK, *POLLS)
"""All queues."""


def depth(broker: Broker, queue: str) -> int:
    """How many messages wait in *queue*, not counting those a worker holds.

    :raises redis.RedisError: if the broker cannot be reached.
    """
    waiting = broker.llen(broker.prefix + queue)
    assert isinstance(waiting, int)
    return waiting


def depths(broker: Broker) -> dict[str, int]:
    """:func:`depth` of every queue."""
    return {queue: depth(broker, queue) for queue in QUEUES}
