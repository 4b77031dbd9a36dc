"""The nodes of a log's tree out of its tiles (C2SP tlog-tiles)."""

from collections.abc import Callable

from .errors import Missing, Refused
from .merkle import join

FetchTile = Callable[[int, int, int], bytes | None]
"""Level, index and width of a tile: its bytes, or None where there is none. A tile of width 256 is
full. When a partial one is gone, the full one may be given in its place."""

HEIGHT = 8
WIDTH = 1 << HEIGHT


def path(level: int, index: int, width: int = WIDTH) -> str:
    """Where a tile is served below the log's address: ``tile/L/N[.p/W]``."""
    pieces = [f"{index % 1000:03d}"]
    while index := index // 1000:
        pieces.insert(0, f"x{index % 1000:03d}")
    return f"tile/{level}/{'/'.join(pieces)}" + (f".p/{width}" if width < WIDTH else "")


class Tiles:
    """The tiles of a log of *size* leaves, each fetched once."""

    def __init__(self, size: int, fetch: FetchTile) -> None:
        self._size = size
        self._fetch = fetch
        self._kept: dict[tuple[int, int], list[bytes]] = {}

    def node(self, height: int, index: int) -> bytes:
        """The hash of the *index*-th whole subtree of 2**height leaves.

        :raises Refused: when the tile is not to be had, or the tree has no such subtree.
        """
        level, rest = divmod(height, HEIGHT)
        first = index << rest
        hashes = self._tile(level, first // WIDTH)
        at = first % WIDTH
        row = hashes[at : at + (1 << rest)]
        if len(row) != 1 << rest:
            raise Refused(f"the log of {self._size} has no subtree {index} of height {height}")
        while len(row) > 1:
            row = [join(row[i], row[i + 1]) for i in range(0, len(row), 2)]
        return row[0]

    def _tile(self, level: int, number: int) -> list[bytes]:
        if (level, number) not in self._kept:
            width = min((self._size >> HEIGHT * level) - number * WIDTH, WIDTH)
            if width <= 0:
                raise Refused(f"the log of {self._size} has no tile {level}/{number}")
            data = self._fetch(level, number, width)
            if data is None:
                raise Missing(f"{path(level, number, width)} is not to be had")
            if len(data) not in (32 * width, 32 * WIDTH):
                raise Refused(f"{path(level, number, width)} has {len(data)} bytes")
            self._kept[level, number] = [data[i : i + 32] for i in range(0, 32 * width, 32)]
        return self._kept[level, number]
