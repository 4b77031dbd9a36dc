"""The transparency log in the database: receipts get their places, checkpoints are signed.

Each leaf says when it got its place. That is read under the log's lock, and is never earlier than
the leaf before says: whoever remembers a leaf of the log knows that no later one is older. So after
a clock that ran ahead was put right, leaves say the last time that it wrote until that has come.

After a restore, and when its key is lost, another log begins; its first leaf names the one before.
"""

import json
import secrets
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stories import clock, keys, witness
from stories.config import Config
from stories.db import Connection, Store, alerts, outbox, proofs
from stories.db.alerts import Alert
from stories.db.proofs import Leaf, LogHead, Receipt
from stories.errors import SigningError
from stories.models import StatementRow
from stories.witness import Seen
from wirecopy import restore, tlog
from wirecopy.encoding import from_base64url, to_base64url
from wirecopy.jose import Signer, payload_of
from wirecopy.statement import Logged, logged

log = structlog.get_logger()

SEEN = "log.seen"
"""The file beside the log's key that has the last checkpoints that were committed."""

KEPT = 20
"""Checkpoints in it: of some seconds at least, while a standby is behind by milliseconds."""

NAMED = 20
"""Receipts named with each."""

DID = 10
"""Headlines, and acts, of the desk that are looked at with each: what it does in a second."""

BATCH = 1000
"""Receipts that one transaction numbers: other writers wait for some tens of milliseconds."""


def append(store: Store, config: Config) -> int:
    """Give every waiting receipt its place, in the order received; how many there were.

    Tiles and checkpoint are written in the same transaction, so that they always agree.

    When the database has lost some of the log (:mod:`stories.witness`), another one begins first.

    :raises SigningError: when the log's key cannot be used; the receipts go on waiting.
    """
    with store.read() as conn:
        number = proofs.receipts_wait(conn)
        if number is None:
            return 0
    signs: dict[str, Ed25519PrivateKey] = {}
    file, of = config.keys_folder / SEEN, number or store.name
    count, full, made = 0, True, False
    while full:
        lost = None
        with store.write() as conn:
            head = proofs.lock_log(conn)
            if head is not None:
                if head.x not in signs:  # another log, with another key, may begin at any time
                    signs[head.x] = keys.log_key(config, head)
                seen = _seen(file, of)
                if head.size and seen and seen[-1].checkpoint != head.checkpoint:
                    lost = witness.loss(conn, head, seen)
                fresh = [] if lost else proofs.waiting_receipts(conn, BATCH)
                full = len(fresh) == BATCH or lost is not None
                if fresh:
                    at = _moment(proofs.last_logged_at(conn, head))
                    leaves = [Leaf(each.hash, logged(each.leaf, at)) for each in fresh]
                    proofs.number_receipts(conn, leaves, head.first + head.size, at)
                    checkpoint = _extend(conn, head, leaves, signs[head.x])
                    known = {act for each in seen for act in each.acts}
                    did = [
                        d for each in proofs.last_acts(conn, DID) if (d := str(each)) not in known
                    ]
        if head is None:
            if made:
                raise SigningError("the log has gone from the database while it was written")
            keys.ensure_keys(store, config)
            made = True
        elif lost:
            _begin_after_loss(store, config, seen)
        elif fresh:  # and committed
            _remember(file, [*seen[1 - KEPT :], Seen(of, checkpoint, _names(fresh), did)])
            count += len(fresh)
    return count


def _seen(file: Path, of: str) -> list[Seen]:
    """What this machine has seen, the oldest first, of the log in the database *of* that number, or
    at that address."""
    try:
        found = [Seen(*json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, TypeError):
        return []
    return found if all(each.of == of for each in found) else []


def _remember(file: Path, seen: Sequence[Seen]) -> None:
    """Keep what was *seen*. What cannot be written is not kept: the log goes on."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        draft.write_text("".join(f"{json.dumps(each)}\n" for each in seen), encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        log.warning("what was seen of the log is not kept", file=str(file), error=str(error))
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _names(leaves: Sequence[Leaf]) -> list[str]:
    found = [json.loads(each.leaf) for each in leaves[:NAMED]]
    return [f"{leaf.get('agency')} {leaf.get('agency_id')}" for leaf in found]


def _begin_after_loss(store: Store, config: Config, seen: Sequence[Seen]) -> None:
    """Begin another log, as others may have seen what is lost of this one, and say so."""
    with store.write() as conn:
        proofs.lock_keys(conn)
        head = proofs.lock_log(conn)
        lost = head and witness.loss(conn, head, seen)
        if not lost:  # somebody else was first
            return
        begun = begin_anew(conn, config, lost.known_until)
        now = clock.now()
        said = (
            f"{lost}. The log {begun.origin} goes on; what is still on its wire comes again;"
            f" {lost.of_desk}"
        )
        if alerts.begin(conn, Alert("log", begun.former, now, said)):
            outbox.want(conn, "alert", [begun.former], now)
    log.error(
        "the database has lost some of the log",
        log=begun.former,
        lost=said,
        of=lost.names,
        acts=lost.acts,
    )


def _extend(conn: Connection, head: LogHead, leaves: Sequence[Leaf], key: Ed25519PrivateKey) -> str:
    """Have the log of *head* end with these *leaves*; its checkpoint then."""
    changed: dict[tuple[int, int], bytes] = {}

    def edge(level: int, number: int) -> bytes:
        return changed.get((level, number)) or proofs.tile(conn, head.id, level, number)

    hashes = [tlog.leaf_hash(each.leaf) for each in leaves]
    changed = tlog.extend(head.size, edge, hashes)
    proofs.put_tiles(conn, head.id, changed)
    size = head.size + len(leaves)
    root = tlog.Tree(size, edge).root()
    checkpoint = tlog.sign_checkpoint(head.origin, size, root, key)
    proofs.advance_log(conn, head, size, checkpoint)
    return checkpoint


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


def places(conn: Connection, hashes: Iterable[bytes]) -> dict[bytes, Logged]:
    """The place in the log of each receipt of these *hashes* that has one."""
    return {
        each: Logged(place.index, place.logged_at, place.checkpoint)
        for each, place in proofs.receipt_places(conn, hashes).items()
        if place is not None
    }


@dataclass(frozen=True, slots=True)
class Place:
    """The index in the log of a statement's receipt, and a checkpoint of the log with it."""

    index: int
    checkpoint: str


def place_of(row: StatementRow) -> Place | None:
    """The place of the receipt of a statement that does not prove it itself; None without one."""
    if row.checkpoint is None:
        return None
    return Place(payload_of(row.token)["index"], row.checkpoint)


MOST_TILES = 1_000
"""Kept in memory: 8 MB, of a log of 256,000 receipts all."""


@dataclass(slots=True)
class Known:
    """What is known of the logs that never changes: the id of each by its name, the first one
    first, and full tiles by the id of their log, level and number."""

    ids: dict[str, int] = field(default_factory=dict)
    tiles: dict[tuple[int, int, int], bytes] = field(default_factory=dict)


def proof(conn: Connection, found: Collection[Place], known: Known | None = None) -> str:
    """The proof that the receipts of statements are in the log: *found* are their places. It is by
    the newest of their checkpoints, so that the same statements always have the same proof. Of
    several logs there is one each.

    Empty when there are none. What is not *known* is read.
    """
    if not found:
        return ""
    known = known or Known()
    heads = {note: tlog.parse_checkpoint(note) for note in {each.checkpoint for each in found}}
    if any(head.origin not in known.ids for head in heads.values()):
        known.ids = {log.origin: log.id for log in proofs.logs(conn)}
    made: list[str] = []
    for origin, number in known.ids.items():
        mine = [each for each in found if heads[each.checkpoint].origin == origin]
        if mine:
            newest = max((heads[each.checkpoint] for each in mine), key=lambda head: head.size)
            indexes = tuple(sorted({each.index for each in mine}))
            try:
                made.append(_pruned(indexes, newest, _tiles(conn, number, known.tiles)))
            except tlog.TreeError as error:  # `status` tells of it; what is published goes on
                log.error("the log is damaged, so nothing proves what is in it", error=str(error))
    return "\n\n".join(made)


_last: OrderedDict[tuple[str, tuple[int, ...]], str] = OrderedDict()
_MOST_LAST = 100


def _pruned(indexes: tuple[int, ...], head: tlog.Checkpoint, tiles: tlog.Tiles) -> str:
    """The proof of some leaves by one checkpoint, whose root leaves no choice: the last ones are
    kept, as a new headline changes neither."""
    text = _last.get((head.note, indexes))
    if text is None:
        text = tlog.write_pruned(indexes, tlog.Tree(head.size, tiles), head.note)
        if len(_last) >= _MOST_LAST:
            _last.popitem(last=False)
        _last[head.note, indexes] = text
    return text


def _tiles(conn: Connection, of: int, kept: dict[tuple[int, int, int], bytes]) -> tlog.Tiles:
    """The tiles of the log whose id is *of*; those that are full are *kept*."""

    def tile(level: int, number: int) -> bytes:
        hashes = kept.get((of, level, number))
        if hashes is None:
            hashes = proofs.tile(conn, of, level, number)
            if len(hashes) == tlog.WIDTH * tlog.HASH:
                if len(kept) >= MOST_TILES:
                    kept.clear()
                kept[of, level, number] = hashes
        return hashes

    return tile
