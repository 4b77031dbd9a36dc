"""The log's tree against RFC 6962 §2.1, said again here by recursion over all leaves; its notes and
proofs against the published example of the note format."""

import base64
import hashlib
from functools import lru_cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.signing import Log
from wirecopy.errors import Refused
from wirecopy.tlog import (
    EMPTY,
    HASH,
    WIDTH,
    Tree,
    TreeError,
    check_consistency,
    check_inclusion,
    extend,
    key_id,
    leaf_hash,
    log_key,
    node_hash,
    origin_of,
    read_pruned,
    sign_checkpoint,
    sign_note,
    verifier_key,
    write_pruned,
)

LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""The leaves that implementations of RFC 6962 are commonly tried with, and their roots."""
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


class Shelf:
    """Tiles in memory, grown as the log grows."""

    def __init__(self) -> None:
        self.size = 0
        self.tiles: dict[tuple[int, int], bytes] = {}

    def tile(self, level: int, number: int) -> bytes:
        return self.tiles.get((level, number), b"")

    def grow(self, hashes: list[bytes]) -> None:
        for place, grown in extend(self.size, self.tile, hashes).items():
            assert grown.startswith(self.tiles.get(place, b"")), "a tile only grows at its end"
            self.tiles[place] = grown
        self.size += len(hashes)

    def tree(self, size: int | None = None) -> Tree:
        return Tree(self.size if size is None else size, self.tile)


@lru_cache(maxsize=100_000)
def naive(low: int, high: int) -> bytes:
    """RFC 6962 §2.1, as it stands there, over the leaves ``hashed(n)``."""
    if high - low == 1:
        return hashed(low)
    split = 1
    while split * 2 < high - low:
        split *= 2
    return hashlib.sha256(b"\x01" + naive(low, low + split) + naive(low + split, high)).digest()


def naive_path(index: int, low: int, high: int) -> list[bytes]:
    """RFC 6962 §2.1.1."""
    if high - low == 1:
        return []
    split = 1
    while split * 2 < high - low:
        split *= 2
    middle = low + split
    if index < middle:
        return [*naive_path(index, low, middle), naive(middle, high)]
    return [*naive_path(index, middle, high), naive(low, middle)]


@lru_cache(maxsize=100_000)
def hashed(number: int) -> bytes:
    return hashlib.sha256(b"\x00" + str(number).encode()).digest()


def filled(size: int, step: int = 997) -> Shelf:
    shelf = Shelf()
    for at in range(0, size, step):
        shelf.grow([hashed(n) for n in range(at, min(size, at + step))])
    return shelf


def test_the_known_roots() -> None:
    shelf = Shelf()
    assert shelf.tree().root() == EMPTY == hashlib.sha256().digest()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        shelf.grow([leaf_hash(leaf)])
        assert shelf.tree().root().hex() == root


def test_a_known_path() -> None:
    shelf = Shelf()
    shelf.grow([leaf_hash(leaf) for leaf in LEAVES])
    # As in the commonly used tests: leaf 5 of 8.
    assert [step.hex() for step in shelf.tree().inclusion(5)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 511, 513, 65_535, 65_536, 65_537, 70_000])
def test_roots_and_paths_over_the_edges_of_tiles(size: int) -> None:
    tree = filled(size).tree()
    assert tree.root() == naive(0, size)
    for index in {0, 1, size // 2, 255, 256, 65_535, 65_536, size - 2, size - 1}:
        if 0 <= index < size:
            assert tree.inclusion(index) == naive_path(index, 0, size)


def test_the_tiles_are_those_of_the_specification() -> None:
    """tlog-tiles' own example: 70,000 leaves."""
    tiles = filled(70_000).tiles
    widths = {place: len(hashes) // HASH for place, hashes in tiles.items()}
    assert {n: w for (level, n), w in widths.items() if level == 0} == {
        **dict.fromkeys(range(273), 256),
        273: 112,
    }
    assert {n: w for (level, n), w in widths.items() if level == 1} == {0: 256, 1: 17}
    assert {n: w for (level, n), w in widths.items() if level == 2} == {0: 1}
    assert max(level for level, _ in tiles) == 2


@given(st.lists(st.integers(1, 400), max_size=6), st.data())
def test_however_it_grew_it_is_the_same_tree(steps: list[int], data: st.DataObject) -> None:
    shelf = Shelf()
    for step in steps:
        shelf.grow([hashed(n) for n in range(shelf.size, shelf.size + step)])
    size = sum(steps)
    if not size:
        return
    assert shelf.tree().root() == naive(0, size)
    # An older checkpoint can be proved from today's tiles.
    earlier = data.draw(st.integers(1, size))
    index = data.draw(st.integers(0, earlier - 1))
    old = shelf.tree(earlier)
    assert old.root() == naive(0, earlier)
    assert old.inclusion(index) == naive_path(index, 0, earlier)
    check_inclusion(hashed(index), index, earlier, old.root(), old.inclusion(index))
    # And that today's log continues it.
    root, proof = shelf.tree().root(), shelf.tree().consistency(earlier)
    check_consistency(earlier, old.root(), size, root, proof)
    if proof:
        with pytest.raises(Refused):
            check_consistency(earlier, old.root(), size, root, [*proof[:-1], EMPTY])


def test_what_is_not_there_is_refused() -> None:
    shelf = filled(5)
    for index in (-1, 5):
        with pytest.raises(TreeError, match="has none at"):
            shelf.tree().inclusion(index)
    with pytest.raises(TreeError, match="tile 0/0 has no hash at 5"):
        shelf.tree(6).root()
    with pytest.raises(TreeError, match="fewer than its 6"):
        extend(6, shelf.tile, [hashed(6)])


def test_a_proof_reads_few_tiles() -> None:
    shelf = filled(70_000)
    read: list[tuple[int, int]] = []

    def tile(level: int, number: int) -> bytes:
        read.append((level, number))
        return shelf.tile(level, number)

    tree = Tree(70_000, tile)
    tree.root()
    for index in range(300, 320):
        tree.inclusion(index)
    assert len(read) == len(set(read)) <= 6


def test_a_node_is_no_leaf() -> None:
    left, right = hashed(1), hashed(2)
    assert node_hash(left, right) != leaf_hash(left + right)
    assert WIDTH * HASH == 8192


# Notes, checkpoints and proofs

# The example of the reference implementation (golang.org/x/mod/sumdb/note).
NAME = "PeterNeumann"
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_the_published_note_byte_for_byte() -> None:
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    public = key.public_key().public_bytes_raw()
    assert sign_note(TEXT, NAME, key) == f"{TEXT}\n\u2014 {NAME} {SIGNATURE}\n"
    assert verifier_key(NAME, public) == VERIFIER
    assert key_id(NAME, public).hex() == "c74f20a3"


def test_a_checkpoint_is_three_lines() -> None:
    root = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    signed = sign_checkpoint("example.com/behind-the-sofa", 20852163, root, key)
    assert signed.startswith(
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    )


@settings(max_examples=20)
@given(st.data())
def test_a_tree_pruned_is_what_a_third_hand_makes_of_it(data: st.DataObject) -> None:
    log = Log(leaves=[b"%d" % n for n in range(600)])
    size = data.draw(st.integers(1, 600))
    indexes = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=9)))
    tree = Tree(size, filled(600).tile)
    written = write_pruned(indexes, tree, log.checkpoint(size))
    assert written == log.proof(indexes, size)
    found = read_pruned(written, log_key(log.vkey))
    assert found.leaves == {n: hashed(n) for n in indexes}


def test_no_tree_shows_a_leaf_that_it_does_not_have() -> None:
    for indexes in ([5], [-1, 2]):
        with pytest.raises(TreeError, match="has none at"):
            list(Tree(5, lambda level, number: bytes(160)).pruned(indexes))


def test_a_log_is_named_after_where_it_is_served() -> None:
    assert origin_of("https://feeds.chronicle.example") == "feeds.chronicle.example/log"
    assert origin_of("http://127.0.0.1:8080") == "127.0.0.1:8080/log"
    assert origin_of("https://www.example/a b/c+d") == "www.example/ab/cd/log"
