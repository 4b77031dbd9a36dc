"""Keeping the log: receipts given their places, checkpoints signed, proofs made."""

from collections.abc import Iterable

from stories import keyring, merkle, note
from stories.errors import SigningError
from stories.newsroom import Newsroom
from stories.store import Store, receipts

BATCH = 1000
"""Receipts numbered in one transaction: some tens of milliseconds in which other writers wait."""


def append(store: Store, newsroom: Newsroom) -> int:
    """Give every receipt that waits its place, in the order received; how many there were.

    Tiles and checkpoint follow in the same transaction: what the checkpoint says is there.

    :raises SigningError: when the log's key cannot be used; the receipts go on waiting.
    """
    with store.read() as conn:
        if not receipts.wait(conn):
            return 0
    key = keyring.log_key(store, newsroom)
    count = 0
    while True:
        with store.write() as conn:
            head = receipts.hold(conn)
            if head is None:
                raise SigningError("the log has gone from the database while it was written")
            fresh = receipts.waiting(conn, BATCH)
            if not fresh:
                return count

            def edge(level: int, number: int) -> bytes:
                return receipts.tile(conn, level, number)

            receipts.number(conn, fresh, head.size)
            receipts.put_tiles(conn, merkle.extend(head.size, edge, fresh))
            size = head.size + len(fresh)
            root = merkle.Tree(size, edge).root()
            checkpoint = note.Checkpoint(head.origin, size, root)
            receipts.advance(conn, size, note.sign(checkpoint.text, head.origin, key))
        count += len(fresh)


def proofs(store: Store, hashes: Iterable[bytes]) -> dict[bytes, str]:
    """For each receipt of these *hashes* that has its place: that it is in the log as it is now."""
    with store.read() as conn:
        head = receipts.head(conn)
        found = receipts.places(conn, hashes)
        if head is None:
            return {}
        tree = merkle.Tree(head.size, lambda level, at: receipts.tile(conn, level, at))
        return {
            each: note.proof(place, tree.inclusion(place), head.checkpoint)
            for each, place in found.items()
            if place is not None
        }
