"""The transparency log in the database: receipts get their places, checkpoints are signed.

Each leaf says when it got its place. That is read under the log's lock, and is never earlier than
the leaf before says: whoever remembers a leaf of the log knows that no later one is older. So after
a clock that ran ahead was put right, leaves say the last time that it wrote until that has come.
"""

from collections.abc import Iterable
from datetime import datetime

from stories import clock
from stories.config import Config
from stories.db import Connection, Store, proofs
from stories.db.proofs import Leaf
from stories.errors import SigningError
from stories.keys import log_key
from wirecopy import tlog
from wirecopy.statement import Logged, logged

BATCH = 1000
"""Receipts that one transaction numbers: other writers wait for some tens of milliseconds."""


def append(store: Store, config: Config) -> int:
    """Give every waiting receipt its place, in the order received; how many there were.

    Tiles and checkpoint are written in the same transaction, so that they always agree.

    :raises SigningError: when the log's key cannot be used; the receipts go on waiting.
    """
    with store.read() as conn:
        if not proofs.receipts_wait(conn):
            return 0
    key = log_key(store, config)
    count, full = 0, True
    while full:
        with store.write() as conn:
            head = proofs.lock_log(conn)
            if head is None:
                raise SigningError("the log has gone from the database while it was written")
            fresh = proofs.waiting_receipts(conn, BATCH)
            full = len(fresh) == BATCH
            if not fresh:  # somebody else was first
                break

            def edge(level: int, number: int) -> bytes:
                return proofs.tile(conn, level, number)

            at = _moment(proofs.last_logged_at(conn, head.size))
            leaves = [Leaf(each.hash, logged(each.leaf, at)) for each in fresh]
            proofs.number_receipts(conn, leaves, head.size, at)
            hashes = [tlog.leaf_hash(each.leaf) for each in leaves]
            proofs.put_tiles(conn, tlog.extend(head.size, edge, hashes))
            size = head.size + len(fresh)
            root = tlog.Tree(size, edge).root()
            proofs.advance_log(conn, size, tlog.sign_checkpoint(head.origin, size, root, key))
        count += len(fresh)
    return count


def _moment(last: datetime | None) -> datetime:
    """The present, but not before *last*, when the log's last leaf got its place."""
    now = clock.now()
    return now if last is None else max(now, last)


def inclusion_proofs(conn: Connection, hashes: Iterable[bytes]) -> dict[bytes, Logged]:
    """The proof, for each receipt of these *hashes* that has a place, that it is in the log."""
    head = proofs.log_head(conn)
    if head is None:
        return {}
    tree = tlog.Tree(head.size, lambda level, at: proofs.tile(conn, level, at))
    return {
        each: Logged(
            tlog.write_proof(place.index, tree.inclusion(place.index), head.checkpoint),
            place.logged_at,
        )
        for each, place in proofs.receipt_places(conn, hashes).items()
        if place is not None
    }
