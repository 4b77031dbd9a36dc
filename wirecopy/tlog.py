"""The transparency log: Merkle tree, tiles, signed checkpoints and proofs, written and checked.

The tree is that of RFC 6962 §2, stored and served as tiles (C2SP tlog-tiles). A tile is a run of up
to 256 neighbouring hashes of one height: level 0 holds the hashes of leaves, level L those of whole
trees of 256**L leaves. All other nodes follow from them, so a proof from a tree of a million leaves
takes five or six tiles. Proofs are checked as RFC 9162 §2.1.3.2 and §2.1.4.2 say. Checkpoints and
proofs of one leaf are text (C2SP signed-note, tlog-checkpoint, tlog-proof); a proof of many leaves
is the tree itself, pruned (``docs/statement.md`` §5). Keys are Ed25519. Where tiles are stored, or
fetched from, is up to the caller.
"""

import base64
import hashlib
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .encoding import LARGEST, SPACE, from_base64, is_small_order
from .errors import Missing, Refused

HASH = 32
"""Bytes of a hash: SHA-256."""

HEIGHT = 8
WIDTH = 1 << HEIGHT
"""Hashes of a full tile."""

EMPTY = hashlib.sha256().digest()
"""The root of the tree without leaves."""

LONGEST_LEAF = 0xFFFF
"""Bytes of a leaf: tiles of entries give the length of each in 16 bits."""

LONGEST = 16_384
"""Bytes of the longest note, and of the longest proof of one leaf."""

LARGEST_PROOF = 1_048_576
"""Bytes of the longest proof of many leaves."""

MOST_SIGNATURES = 16

Tiles = Callable[[int, int], bytes]
"""The hashes of the tile of a level and number, joined; it may have more than are needed."""

FetchTile = Callable[[int, int, int], bytes | None]
"""The bytes of the tile of a level, number and width, None where there is none. Width 256 is a full
tile, which may be given in place of a partial one."""

_PROOF = "c2sp.org/tlog-proof@v1"
_PRUNED = "wirecopy-proof-1"
_ED25519 = b"\x01"  # the signature type of plain Ed25519
_NAME = re.compile(rf"[^+\x00-\x1f\ud800-\udfff{SPACE}]+")
_LATER = re.compile(r"/log/([0-9]{14})\Z", re.ASCII)
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


class TreeError(ValueError):
    """The tree has no such place or size, or its tiles lack hashes."""


# The tree


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf; the zero byte makes it differ from every node."""
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two."""
    return hashlib.sha256(b"\1" + left + right).digest()


def extend(size: int, edge: Tiles, leaves: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """The tiles, by level and number, that change when *leaves* (hashes) follow *size* others.

    *edge* is asked for the tiles at the right edge that are not full. Tiles grow at their end only.
    """
    changed: dict[tuple[int, int], bytes] = {}
    level, start, fresh = 0, size, list(leaves)
    while fresh:
        number, width = divmod(start, WIDTH)
        held = edge(level, number)[: width * HASH] if width else b""
        if len(held) != width * HASH:
            raise TreeError(f"tile {level}/{number} holds fewer than its {width} hashes")
        above: list[bytes] = []
        hashes = [held[at : at + HASH] for at in range(0, len(held), HASH)] + fresh
        for at in range(0, len(hashes), WIDTH):
            tile = hashes[at : at + WIDTH]
            joined = changed[level, number + at // WIDTH] = b"".join(tile)
            if len(tile) == WIDTH:
                above.append(_whole(joined))
        level, start, fresh = level + 1, start // WIDTH, above
    return changed


class Tree:
    """A tree of *size* leaves. Each of its *tiles* is read once."""

    def __init__(self, size: int, tiles: Tiles) -> None:
        self.size = size
        self._tiles = tiles
        self._read: dict[tuple[int, int], bytes] = {}

    def root(self) -> bytes:
        """The Merkle tree hash of all leaves."""
        return self._range(0, self.size) if self.size else EMPTY

    def inclusion(self, index: int) -> list[bytes]:
        """The audit path of the leaf at *index* (RFC 6962 §2.1.1), from its sibling upwards.

        :raises TreeError: when the tree has no such leaf.
        """
        if not 0 <= index < self.size:
            raise TreeError(f"a tree of {self.size} leaves has none at {index}")
        path: list[bytes] = []
        low, high = 0, self.size
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self._range(middle, high))
                high = middle
            else:
                path.append(self._range(low, middle))
                low = middle
        return path[::-1]

    def consistency(self, old: int) -> list[bytes]:
        """The proof that this tree begins with the one of *old* leaves (RFC 6962 §2.1.2)."""
        if not 0 < old < self.size:
            return []
        proof: list[bytes] = []
        low, high, whole = 0, self.size, True
        while old != high:
            middle = low + _split(high - low)
            if old <= middle:
                proof.append(self._range(middle, high))
                high = middle
            else:
                proof.append(self._range(low, middle))
                low, whole = middle, False
        if not whole:
            proof.append(self._range(low, high))
        return proof[::-1]

    def pruned(self, indexes: Sequence[int]) -> Iterator[bytes]:
        """The tree without what nobody needs to whom the leaves at *indexes* are shown, which
        ascend: depth first, the hash of each such leaf, and of each subtree without one.

        :raises TreeError: when the tree has no such leaf.
        """
        if indexes and not 0 <= indexes[0] <= indexes[-1] < self.size:
            raise TreeError(f"a tree of {self.size} leaves has none at {indexes[-1]}")
        return self._pruned(0, self.size, indexes)

    def _pruned(self, low: int, high: int, indexes: Sequence[int]) -> Iterator[bytes]:
        if not indexes or high - low == 1:
            yield self._range(low, high)
            return
        middle = low + _split(high - low)
        cut = bisect_left(indexes, middle)
        yield from self._pruned(low, middle, indexes[:cut])
        yield from self._pruned(middle, high, indexes[cut:])

    def _range(self, low: int, high: int) -> bytes:
        """The hash of the leaves from *low* up to *high*, where *low* begins a whole tree."""
        count = high - low
        if count & (count - 1) == 0:
            return self._node(count.bit_length() - 1, low)
        middle = low + _split(count)
        return node_hash(self._range(low, middle), self._range(middle, high))

    def _node(self, height: int, low: int) -> bytes:
        """The hash of the whole tree of the 2**height leaves from *low* on."""
        level, inside = divmod(height, HEIGHT)
        number, at = divmod(low >> HEIGHT * level, WIDTH)
        tile = self._read.get((level, number))
        if tile is None:
            tile = self._read[level, number] = self._tiles(level, number)
        found = tile[at * HASH : (at + (1 << inside)) * HASH]
        if len(found) != HASH << inside:
            raise TreeError(f"tile {level}/{number} has no hash at {at + len(found) // HASH}")
        return _whole(found) if inside else found


@lru_cache(maxsize=4096)  # some 16 tiles: those at the right edge are asked for again and again
def _whole(hashes: bytes) -> bytes:
    """The hash of the whole tree above *hashes*, joined, a power of two of them from two up."""
    half = len(hashes) // 2
    left, right = hashes[:half], hashes[half:]
    return node_hash(left, right) if half == HASH else node_hash(_whole(left), _whole(right))


def _split(count: int) -> int:
    """The largest power of two smaller than *count*, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def check_inclusion(
    hash_: bytes, index: int, size: int, root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the leaf with *hash_* is the *index*-th of the *size* leaves below *root*.

    :raises Refused: when *path* does not prove it.
    """
    if not 0 <= index < size:
        raise Refused(f"leaf {index} does not stand in a log of {size}")
    at, last, found = index, size - 1, hash_
    for step in path:
        if last == 0:
            raise Refused("the proof is too long")
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise Refused("the proof is too short")
    if found != root:
        raise Refused("the proof does not lead to the signed root")


def check_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the log of *new* leaves begins with the log of *old* leaves.

    :raises Refused: when *proof* does not prove it.
    """
    if old > new:
        raise Refused(f"a log of {new} cannot continue one of {old}")
    if old in (0, new):
        if proof or old_root != (EMPTY if old == 0 else new_root):
            raise Refused("the two roots contradict each other")
    else:
        _check_steps(old, old_root, new, new_root, proof)


def _check_steps(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    if not proof:
        raise Refused("the proof is empty")
    steps = list(proof)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise Refused("the proof is too long")
        if at & 1 or at == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, step)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise Refused("the proof is too short")
    if before != old_root or after != new_root:
        raise Refused("the log was rewritten: the new one does not continue the old one")


# Tiles as a site serves them


def tile_path(level: int | Literal["entries"], number: int, width: int = WIDTH) -> str:
    """Where a tile, or its bundle of entries, is served below the log: ``tile/L/N[.p/W]``."""
    pieces = [f"{number % 1000:03d}"]
    while number := number // 1000:
        pieces.insert(0, f"x{number % 1000:03d}")
    return f"tile/{level}/{'/'.join(pieces)}" + (f".p/{width}" if width < WIDTH else "")


def below(name: str) -> str:
    """Where the log of that *name* is served below ``/log`` of its site, ending in a slash: its
    last part when it began in place of another; nothing for the first."""
    found = _LATER.search(name)
    return f"{found[1]}/" if found else ""


def fetched_tiles(size: int, fetch: FetchTile) -> Tiles:
    """The tiles of a log of *size* leaves, fetched once each, at the width they have at that size.

    They raise Missing when a tile could not be had, and Refused when it has another length.
    """

    @cache
    def tile(level: int, number: int) -> bytes:
        width = min((size >> HEIGHT * level) - number * WIDTH, WIDTH)
        data = fetch(level, number, width)
        if data is None:
            raise Missing(f"{tile_path(level, number, width)} is not to be had")
        if len(data) not in (HASH * width, HASH * WIDTH):
            raise Refused(f"{tile_path(level, number, width)} has {len(data)} bytes")
        return data[: HASH * width]

    return tile


# Keys and signed notes


@dataclass(frozen=True, slots=True)
class LogKey:
    """The log whose checkpoints are accepted: its name, which is its origin, and its public key."""

    name: str
    id: bytes
    public: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's size and root as they were signed, and the signed note itself."""

    origin: str
    size: int
    root: bytes
    note: str


def origin_of(url: str) -> str:
    """The name of the log served below *url*: without scheme, spaces, and plus signs, which
    separate the parts of a verifier key."""
    name = url.partition("://")[2] or url
    return "".join(c for c in name if c != "+" and not c.isspace()).rstrip("/") + "/log"


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes that identify the key *public* (32 bytes) of *name* in signatures."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """The verifier key: name, key id in hex, type and key in base64."""
    return f"{name}+{key_id(name, public).hex()}+{_base64(_ED25519 + public)}"


def log_key(text: str) -> LogKey:
    """The key in a verifier key, ``NAME+HASH+BASE64``.

    :raises Refused: for any other, or an algorithm other than Ed25519.
    """
    name, _, rest = text.partition("+")
    mark, _, coded = rest.partition("+")
    try:
        key = from_base64(coded)
    except Refused as error:
        raise Refused(f"log key: {error}") from None
    if not _NAME.fullmatch(name) or key[:1] != _ED25519 or len(key) != 33:
        raise Refused("log key: is no Ed25519 verifier key NAME+HASH+BASE64")
    if is_small_order(key[1:]):
        raise Refused("log key: is of small order, so that signatures by it show nothing")
    id_ = key_id(name, key[1:])
    if mark != id_.hex():
        raise Refused("log key: its key id is not that of its name and key")
    return LogKey(name, id_, key[1:])


def is_signed(data: bytes, signature: bytes, public: bytes) -> bool:
    """Whether *signature* is that of the Ed25519 key *public* (32 bytes, RFC 8032) over *data*."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """*text*, which ends its last line, as a note signed with *key* of *name*."""
    signature = key_id(name, key.public_key().public_bytes_raw()) + key.sign(text.encode())
    return f"{text}\n\u2014 {name} {_base64(signature)}\n"


def sign_checkpoint(origin: str, size: int, root: bytes, key: Ed25519PrivateKey) -> str:
    """The checkpoint of the log *origin* of *size* leaves below *root*, as a signed note."""
    return sign_note(f"{origin}\n{size}\n{_base64(root)}\n", origin, key)


def read_checkpoint(note: str, key: LogKey) -> Checkpoint:
    """The checkpoint in *note*, whose signature by *key* is checked.

    :raises Refused: when it is none, is of another log, or its signature does not verify.
    """
    try:
        found, text, signatures = _read(note)
        if found.origin != key.name:
            raise Refused(f"is of the log {found.origin[:80]!r}, not of {key.name!r}")
        if not _signed(text, signatures, key):
            raise Refused(f"is not signed by {key.name}")
    except Refused as error:
        raise Refused(f"checkpoint: {error}") from None
    return found


def parse_checkpoint(note: str) -> Checkpoint:
    """The checkpoint in *note*, whose signature was checked before.

    :raises Refused: when it is none.
    """
    return _read(note)[0]


def _read(note: str) -> tuple[Checkpoint, str, str]:
    if _too_long(note) or re.search(r"[\x00-\x09\x0b-\x1f]|[\ud800-\udfff]", note):
        raise Refused("is no signed note: too long, or with control characters")
    cut = note.rfind("\n\n")
    text, signatures = note[: cut + 1], note[cut + 2 :]
    if cut < 0 or not signatures.endswith("\n"):
        raise Refused("is no signed note: text, empty line, signatures")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or "" in lines:
        raise Refused("has to have lines for origin, size and root")
    found = Checkpoint(lines[0], _number(lines[1]), from_base64(lines[2]), note)
    if len(found.root) != 32:
        raise Refused("its root is no SHA-256 hash")
    return found, text, signatures


def _signed(text: str, signatures: str, key: LogKey) -> bool:
    """Whether *key* signed *text*.

    :raises Refused: for a line that is no signature, and for one by *key* that does not verify.
    """
    found = False
    for line in signatures[:-1].split("\n")[:MOST_SIGNATURES]:
        dash, name, coded = [*line.split(" "), "", ""][:3]
        if dash != "—" or line.count(" ") != 2 or not _NAME.fullmatch(name):
            raise Refused("has a signature line that is none")
        signature = from_base64(coded)
        if len(signature) < 5:
            raise Refused("has a signature line that is none")
        if name != key.name or signature[:4] != key.id:
            continue
        if not is_signed(text.encode(), signature[4:], key.public):
            raise Refused(f"the signature of {key.name} does not verify")
        found = True
    return found


# Proofs that a leaf is in a log


@dataclass(frozen=True, slots=True)
class Proved:
    """A leaf's place in the log, and the checkpoint by which it was proved."""

    index: int
    head: Checkpoint


def check_proof(text: str, leaf: bytes, key: LogKey) -> Proved:
    """Check the proof *text* that the leaf with the bytes *leaf* is in the log; its place there.

    :raises Refused: when it is no proof, or does not prove it.
    """
    if _too_long(text):
        raise Refused(f"is longer than {LONGEST} bytes")
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or len(lines) < 2 or lines[0] != _PROOF or not lines[1].startswith("index "):
        raise Refused("is no proof: its first lines have to be the format, and 'index N'")
    index = _number(lines[1].removeprefix("index "))
    path = [from_base64(line) for line in lines[2:]]
    if len(path) > 63 or any(len(hash_) != 32 for hash_ in path):
        raise Refused("its lines are no path of SHA-256 hashes")
    head_ = read_checkpoint(note, key)
    check_inclusion(leaf_hash(leaf), index, head_.size, head_.root, path)
    return Proved(index, head_)


@dataclass(frozen=True, slots=True)
class Pruned:
    """Leaves that a proof shows to be in a log: their hashes by index, and the checkpoint."""

    leaves: Mapping[int, bytes]
    head: Checkpoint


def write_pruned(indexes: Sequence[int], tree: Tree, checkpoint: str) -> str:
    """The proof that the leaves at *indexes*, which ascend, are in the log of a *checkpoint*, whose
    *tree* it is. What ends its last line is left out.

    :raises TreeError: as :class:`Tree` does.
    """
    hashes = _base64(b"".join(tree.pruned(indexes)))
    leaves = " ".join(map(str, indexes))
    return f"{_PRUNED}\nleaves {leaves}\n{hashes}\n\n{checkpoint.rstrip(SPACE)}"


def pruned_proofs(text: str) -> list[str]:
    """The proofs of many leaves in *text*: of each log one, an empty line between them."""
    return re.split(rf"\n\n(?={_PRUNED}\n)", text.strip(SPACE))


def origin_of_pruned(text: str) -> str:
    """The log that the checkpoint of a proof of many leaves says it is of; empty without one."""
    return text.strip(SPACE).partition("\n\n")[2].partition("\n")[0]


def read_pruned(text: str, key: LogKey) -> Pruned:
    """The leaves that the proof *text* shows to be in the log of *key*.

    :raises Refused: when it is no proof, or does not prove it.
    """
    text = text.strip(SPACE)
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST_PROOF:
        raise Refused(f"is longer than {LARGEST_PROOF} bytes")
    before, gap, note = text.partition("\n\n")
    lines = before.split("\n")
    if not gap or len(lines) != 3 or lines[0] != _PRUNED or not lines[1].startswith("leaves "):
        raise Refused("is no proof: its first lines have to be the format, 'leaves N …' and hashes")
    head = read_checkpoint(f"{note}\n", key)
    indexes = [_number(each) for each in lines[1].split(" ")[1:]]
    if any(after <= one for one, after in pairwise(indexes)) or indexes[-1] >= head.size:
        raise Refused("its leaves do not ascend, or do not stand in the log")
    joined = from_base64(lines[2])
    if len(joined) % HASH:
        raise Refused("its third line is no SHA-256 hashes")
    hashes = iter([joined[at : at + HASH] for at in range(0, len(joined), HASH)])
    leaves: dict[int, bytes] = {}

    def hash_of(low: int, high: int, listed: Sequence[int]) -> bytes:
        if not listed or high - low == 1:
            found = next(hashes, None)
            if found is None:
                raise Refused("the proof is too short")
            leaves.update(dict.fromkeys(listed, found))
            return found
        middle = low + _split(high - low)
        cut = bisect_left(listed, middle)
        left = hash_of(low, middle, listed[:cut])
        return node_hash(left, hash_of(middle, high, listed[cut:]))

    root = hash_of(0, head.size, indexes)
    if next(hashes, None) is not None:
        raise Refused("the proof is too long")
    if root != head.root:
        raise Refused("the proof does not lead to the signed root")
    return Pruned(leaves, head)


def _too_long(text: str) -> bool:
    return len(text.encode("utf-8", "surrogatepass")) > LONGEST


def _number(text: str) -> int:
    if not _DECIMAL.fullmatch(text) or int(text) > LARGEST:
        raise Refused(f"{text[:20]!r} is no number")
    return int(text)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
