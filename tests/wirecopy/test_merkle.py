"""The log's tree against RFC 6962 §2.1, said again here by recursion over all leaves."""

import hashlib
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirecopy.tlog import EMPTY, HASH, WIDTH, Tree, TreeError, extend, leaf_hash, node_hash

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
