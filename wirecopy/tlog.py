"""The transparency log: Merkle tree (RFC 6962 §2) in tiles (C2SP tlog-tiles), notes and proofs.

A tile is a run of up to 256 hashes that stand side by side at one height: level 0 holds the hashes
of leaves, level L those of whole trees of 256**L leaves. All other nodes follow from them, so a
tree of a million leaves is asked for a proof by reading five or six tiles. Pure: where tiles are
kept is the caller's matter, who gives a :data:`Tiles`.

Signed notes, checkpoints and proofs are as C2SP writes them (signed-note, tlog-checkpoint,
tlog-proof): text in, text out; the keys are Ed25519.
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HASH = 32
"""Bytes of a hash: SHA-256."""

HEIGHT = 8
WIDTH = 1 << HEIGHT
"""Hashes of a full tile."""

Tiles = Callable[[int, int], bytes]
"""Level and number of a tile to its hashes, one after the other; more than asked for is fine."""

EMPTY = hashlib.sha256().digest()
"""The root of the tree without leaves."""


class TreeError(ValueError):
    """A place or size that the tree does not have, or tiles that do not hold what they must."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf: the zero byte sets it apart from a node."""
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two."""
    return hashlib.sha256(b"\1" + left + right).digest()


def widths(size: int) -> list[tuple[int, int, int]]:
    """The tiles at the right edge of a tree of *size* leaves: level, number, hashes.

    Those are the ones that the next leaf may change; a full one is left out.
    """
    found = []
    level, count = 0, size
    while count:
        if count % WIDTH:
            found.append((level, count // WIDTH, count % WIDTH))
        level, count = level + 1, count // WIDTH
    return found


def extend(size: int, edge: Tiles, leaves: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """The tiles, by level and number, that change when *leaves* (hashes) follow *size* others.

    *edge* is asked only for tiles of :func:`widths`. Tiles grow at their end and nowhere else.
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
            changed[level, number + at // WIDTH] = b"".join(tile)
            if len(tile) == WIDTH:
                above.append(_whole(tile))
        level, start, fresh = level + 1, start // WIDTH, above
    return changed


class Tree:
    """A tree of *size* leaves whose tiles are read from *tiles*; each is read once."""

    def __init__(self, size: int, tiles: Tiles) -> None:
        self.size = size
        self._tiles = tiles
        self._read: dict[tuple[int, int], bytes] = {}
        self._nodes: dict[tuple[int, int], bytes] = {}

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

    def _range(self, low: int, high: int) -> bytes:
        """The hash of the leaves from *low* to *high*, where *low* begins a whole tree."""
        count = high - low
        if count & (count - 1) == 0:
            return self._node(count.bit_length() - 1, low)
        middle = low + _split(count)
        return node_hash(self._range(low, middle), self._range(middle, high))

    def _node(self, height: int, low: int) -> bytes:
        """The hash of the 2**height leaves from *low* on, all of which there are."""
        known = self._nodes.get((height, low))
        if known is None:
            level, rest = divmod(height, HEIGHT)
            if rest:
                half = 1 << (height - 1)
                known = node_hash(self._node(height - 1, low), self._node(height - 1, low + half))
            else:
                known = self._hash(level, low >> height)
            self._nodes[height, low] = known
        return known

    def _hash(self, level: int, place: int) -> bytes:
        number, at = divmod(place, WIDTH)
        tile = self._read.get((level, number))
        if tile is None:
            tile = self._read[level, number] = self._tiles(level, number)
        found = tile[at * HASH : (at + 1) * HASH]
        if len(found) != HASH:
            raise TreeError(f"tile {level}/{number} has no hash at {at}")
        return found


def _whole(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def _split(count: int) -> int:
    """The largest power of two smaller than *count*, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


ED25519 = b"\x01"
"""The signature type of plain Ed25519."""

PROOF = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: its name, how many leaves it has, and their root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note that is signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes by which signatures name the key *public* (32 bytes) of *name*."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """The key as verifiers are told it: name, key id in hex, type and key in Base64."""
    return f"{name}+{key_id(name, public).hex()}+{_base64(ED25519 + public)}"


def origin_of(url: str) -> str:
    """The name of the log served below *url*: without scheme, and without what a name cannot
    hold (spaces, and the plus sign that parts a verifier key)."""
    name = url.partition("://")[2] or url
    return "".join(c for c in name if c != "+" and not c.isspace()).rstrip("/") + "/log"


def sign(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """*text*, which ends its last line, as a note signed with *key* of *name*."""
    signature = key_id(name, key.public_key().public_bytes_raw()) + key.sign(text.encode())
    return f"{text}\n\u2014 {name} {_base64(signature)}\n"


def proof(index: int, path: Sequence[bytes], checkpoint: str) -> str:
    """That the leaf at *index* is in the log of the signed *checkpoint*, as one text."""
    lines = [PROOF, f"index {index}", *(_base64(each) for each in path)]
    return "\n".join([*lines, "", checkpoint])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
