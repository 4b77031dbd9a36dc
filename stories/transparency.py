"""The transparency log in the database: receipts get their places, checkpoints are signed.

Each leaf says when it got its place. That is read under the log's lock, and is never earlier than
the leaf before says: whoever remembers a leaf of the log knows that no later one is older. So after
a clock that ran ahead was put right, leaves say the last time that it wrote until that has come.

After a restore, and when its key is lost, another log begins; its first leaf names the one before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stories import clock, keys
from stories.config import Config
from stories.db import Connection, Store, proofs
from stories.db.proofs import Leaf, LogHead, Receipt
from stories.errors import SigningError
from wirecopy import restore, tlog
from wirecopy.encoding import from_base64url, to_base64url
from wirecopy.jose import Signer
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
        begun = proofs.log_head(conn) is not None
    if not begun:
        keys.ensure_keys(store, config)
    signs: dict[str, Ed25519PrivateKey] = {}
    count, full = 0, True
    while full:
        with store.write() as conn:
            head = proofs.lock_log(conn)
            if head is None:
                raise SigningError("the log has gone from the database while it was written")
            if head.x not in signs:  # another log, with another key, may begin at any time
                signs[head.x] = keys.log_key(config, head)
            fresh = proofs.waiting_receipts(conn, BATCH)
            full = len(fresh) == BATCH
            if not fresh:  # somebody else was first
                break
            at = _moment(proofs.last_logged_at(conn, head))
            leaves = [Leaf(each.hash, logged(each.leaf, at)) for each in fresh]
            proofs.number_receipts(conn, leaves, head.first + head.size, at)
            _extend(conn, head, leaves, signs[head.x])
        count += len(fresh)
    return count


def _extend(
    conn: Connection, head: LogHead, leaves: Sequence[Leaf], key: Ed25519PrivateKey
) -> None:
    """Have the log of *head* end with these *leaves*."""

    def edge(level: int, number: int) -> bytes:
        return proofs.tile(conn, head.id, level, number)

    hashes = [tlog.leaf_hash(each.leaf) for each in leaves]
    proofs.put_tiles(conn, head.id, tlog.extend(head.size, edge, hashes))
    size = head.size + len(leaves)
    root = tlog.Tree(size, edge).root()
    proofs.advance_log(conn, head, size, tlog.sign_checkpoint(head.origin, size, root, key))


def _moment(*last: datetime | None) -> datetime:
    """The present, but not before the *last* times, such as when the log's last leaf got its
    place."""
    return max([clock.now(), *(each for each in last if each is not None)])


@dataclass(frozen=True, slots=True)
class Begun:
    """A log that has begun: its name, that and the length of the one before, and the names of the
    files of the keys that vouch for it; of none when nobody does."""

    origin: str
    former: str
    size: int
    vouchers: tuple[str, ...]


def begin_anew(
    conn: Connection,
    config: Config,
    known_until: datetime | None = None,
    *,
    unvouched: bool = False,
) -> Begun:
    """Begin another log in place of the one there is, of which no later checkpoint is known.

    Its first leaf says so, signed by every key of before whose private half is here. What is in the
    log of before stays provable by that. A key of statements that is lost is replaced.

    :param known_until: when the backup was made that was restored; None when nothing is lost.
    :param unvouched: go on when there is no key of before.
    :raises SigningError: when there is none, or a key's file cannot be read or written.
    """
    proofs.lock_keys(conn)
    before = proofs.lock_log(conn)
    if before is None:
        raise SigningError("there is no log yet; it begins when something is received")
    left = keys.left(conn, config, before)
    if not left and not unvouched:
        raise SigningError(
            f"folder of keys {config.keys_folder}: has no key of before, so nobody vouches for a"
            " new log, and verifiers that remember the old one would refuse it; put the keys back,"
            " or, if all are lost, add --unvouched"
        )
    key = keys.key_of_next_log(config)
    public = key.public_key().public_bytes_raw()
    at = _moment(proofs.last_logged_at(conn, before), known_until)
    origins = [each.origin for each in proofs.logs(conn)]
    named = at
    while (origin := f"{origins[0]}/{named:%Y%m%d%H%M%S}") in origins:
        named += timedelta(seconds=1)
    leaf = restore.compose(
        tlog.verifier_key(before.origin, from_base64url(before.x)),
        before.checkpoint,
        tlog.verifier_key(origin, public),
        known_until=known_until or at,
        begun_at=at,
        signers=left.values() or [Signer.of(key)],
    )
    head = LogHead(
        origin, to_base64url(public), 0, "", id=before.id + 1, first=before.first + before.size
    )
    proofs.begin_log(conn, head)
    hash_ = tlog.leaf_hash(leaf)
    proofs.add_receipts(conn, [Receipt(hash_, "", 0, 0, leaf)])
    proofs.number_receipts(conn, [Leaf(hash_, leaf)], head.first, at)
    _extend(conn, head, [Leaf(hash_, leaf)], key)
    keys.replace_lost(conn, config)
    return Begun(origin, before.origin, before.size, tuple(left))


def inclusion_proofs(conn: Connection, hashes: Iterable[bytes]) -> dict[bytes, Logged]:
    """The proof, for each receipt of these *hashes* that has a place, that it is in its log."""
    trees = [(head, _tree(conn, head)) for head in reversed(proofs.logs(conn))]
    found: dict[bytes, Logged] = {}
    for each, place in proofs.receipt_places(conn, hashes).items():
        if place is not None:
            head, tree = next(one for one in trees if one[0].first <= place.number)
            index = place.number - head.first
            proof = tlog.write_proof(index, tree.inclusion(index), head.checkpoint)
            found[each] = Logged(proof, place.logged_at)
    return found


def _tree(conn: Connection, head: LogHead) -> tlog.Tree:
    return tlog.Tree(head.size, lambda level, at: proofs.tile(conn, head.id, level, at))
