"""The dispatcher: claims the wires that are due and hands them out in batches.

What to poll is decided now, from the database's exact state, and not left to a queue: so the
broker's queue stays short, politeness can be judged at all, and two dispatchers at once never
hand out the same wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from stories.config import Config, Politeness
from stories.db import Store, wires
from workers import queues
from workers.politeness import choose

BATCH = 50
"""Wires to a task: a task costs a millisecond or two, a poll a tenth of one."""

TALLEST = 20
"""Batches waiting in a queue from which on no more are handed out: those wires stay due."""

MESSAGE_LAPSES = 30
"""Seconds for which a message is good. A batch not begun by then is handed out again."""

HANDED_OUT = timedelta(seconds=MESSAGE_LAPSES + 5)
"""The lease of a batch on its way to a worker, who renews it on beginning. Longer than the
message is good, so that nobody begins what is already free again; short, because it is how long
wires wait whose message was lost."""

LANES = {1: queues.POLL_NOW, 0: queues.POLL}
"""The queue of each lane, first things first."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Wires leased together, and the queue for them."""

    lease: str
    names: tuple[str, ...]
    queue: str


def batches(
    store: Store, config: Config, now: datetime, room: Mapping[str, int] | None = None
) -> list[Batch]:
    """Claim what is due and within budget, in one committed transaction, and split it up.

    *room* is how many batches each queue takes (default: :data:`TALLEST`). Nothing is claimed
    when another dispatcher is at it: what is due is then being handed out.
    """
    handed: list[Batch] = []
    with store.write() as conn:
        if not wires.dispatcher(conn):
            return []
        for lane, queue in LANES.items():
            limit = BATCH * max(0, TALLEST if room is None else room.get(queue, TALLEST))
            lease = wires.new_lease()
            names = _claim(conn, lane, lease, config.politeness, now, limit)
            handed += [
                Batch(lease, tuple(names[at : at + BATCH]), queue)
                for at in range(0, len(names), BATCH)
            ]
    return handed


def _claim(
    conn: Connection, lane: int, lease: str, politeness: Politeness, now: datetime, limit: int
) -> list[str]:
    """Lease up to *limit* wires of *lane*, without looking at all that are due.

    Twice as many as wanted, the longest due first, are enough when many hosts are due. A host that
    filled that page is full afterwards and stepped over on the second. When even that one is
    filled by few, the rest is asked for host by host: a host with thousands of due wires keeps no
    other one waiting.
    """
    names: list[str] = []
    for find in (wires.candidates, wires.candidates, wires.spread_candidates):
        wanted = limit - len(names)
        if wanted < 1:
            break
        found = find(conn, now, lane, 2 * wanted, politeness)
        if not found:
            break
        chosen = choose(found, wires.traffic(conn, now, politeness.gap), politeness, now, wanted)
        taken = wires.lease(conn, lease, [w.name for w in chosen], now, now + HANDED_OUT)
        names += [w.name for w in chosen if w.name in taken]
        if len(found) < 2 * wanted:
            break
    return names
