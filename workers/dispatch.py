"""The dispatcher: claims the wires that are due and splits them into batches for the pollers.

What to poll is decided at the last moment from the database, not put into a queue early: so the
queue stays short, politeness is judged by what is under way now, and two dispatchers at once never
send the same wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from stories.config import Config, Politeness
from stories.db import Connection, Store, wires
from workers import queues
from workers.politeness import choose

BATCH = 50
"""Wires per task: a task costs a millisecond or two, a poll a tenth of one."""

QUEUE_LIMIT = 20
"""Batches waiting in a queue at which no more are sent: the wires stay due."""

MESSAGE_EXPIRES = 30
"""Seconds after which a message lapses. A batch not begun by then is sent again."""

BATCH_LEASE = timedelta(seconds=MESSAGE_EXPIRES + 5)
"""The lease of a batch on its way to a poller, which renews it when it begins. Longer than the
message lives, so that no poller begins what is already free again; short, because it is how long
the wires of a lost message wait."""

CROWDED = 16
"""Batches under way from which on the dispatcher comes with the ticks alone: slow wires occupy
pollers, and each batch should then hold all that is due."""

LANES = {1: queues.POLL_NOW, 0: queues.POLL}
"""The queue of each lane, the fast lane first."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Wires leased together, and the queue for them."""

    lease: str
    names: tuple[str, ...]
    queue: str


def batches(
    store: Store, config: Config, now: datetime, room: Mapping[str, int] | None = None
) -> list[Batch]:
    """Claim what is due and within the politeness limits, in one transaction; split it up.

    *room* is how many batches each queue takes (default: :data:`QUEUE_LIMIT`). Nothing is claimed
    while another dispatcher is at work: it sends what is due.
    """
    found: list[Batch] = []
    with store.write() as conn:
        if not wires.dispatcher(conn):
            return []
        for lane, queue in LANES.items():
            limit = BATCH * max(0, QUEUE_LIMIT if room is None else room.get(queue, QUEUE_LIMIT))
            lease = wires.new_lease()
            names = _claim(conn, lane, lease, config.politeness, now, limit)
            found += [
                Batch(lease, tuple(names[at : at + BATCH]), queue)
                for at in range(0, len(names), BATCH)
            ]
    return found


def until_due(store: Store, claimed: datetime, now: datetime) -> float | None:
    """Seconds until the dispatcher should come again, as a wire is due then; None: with a tick.

    *claimed* is when it last claimed what was due: a wire that became due since is due at once. One
    that was due and not claimed has no room yet, and waits for a tick.
    """
    with store.read() as conn:
        soon = wires.next_due(conn, after=claimed)
        if soon is None or wires.batches_under_way(conn, now) > CROWDED:
            return None
    return max((soon - now).total_seconds(), 0.0)


def _claim(
    conn: Connection, lane: int, lease: str, politeness: Politeness, now: datetime, limit: int
) -> list[str]:
    """Lease up to *limit* wires of *lane*, without reading all that are due.

    A page of twice as many candidates, the longest due first, is enough when many hosts are due.
    A host that filled the first page has no room afterwards, so the second page leaves it out.
    When a few hosts fill even that one, the third query takes some wires of each host, so that a
    host with thousands of due wires delays no other.
    """
    names: list[str] = []
    for find in (wires.candidates, wires.candidates, wires.spread_candidates):
        wanted = limit - len(names)
        if wanted < 1:
            break
        candidates = find(conn, now, lane, 2 * wanted, politeness)
        if not candidates:
            break
        chosen = choose(
            candidates, wires.traffic(conn, now, politeness.gap), politeness, now, wanted
        )
        taken = wires.lease(conn, lease, [w.name for w in chosen], now, now + BATCH_LEASE)
        names += [w.name for w in chosen if w.name in taken]
        if len(candidates) < 2 * wanted:
            break
    return names
