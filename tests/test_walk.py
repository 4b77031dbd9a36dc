"""How far the way of one item is: no more modules, calls and transactions than these.

A figure that has become smaller is written down here; one that must become larger has its reason
in the commit.
"""

import re

import pytest

from tests import walk
from tests.walk import PARTS, Walk

ARCHITECTURE = walk.ROOT / "docs" / "architecture.md"
SECTION = re.compile(r"^## The walk of one item\n(.*?)(?=^## |\Z)", re.M | re.S)
MODULE = re.compile(rf"`((?:{'|'.join(walk.ROOMS)})/[\w/]+\.py)`")

pytestmark = pytest.mark.xdist_group("walk")  # which is measured once

# Modules entered, calls between two of them (rounded up to ten), write and read transactions.
MOST = {
    "item": (54, 502, 7, 4),
    "poll": (10, 20, 1, 0),
    "intake": (40, 260, 4, 3),
    "render": (30, 234, 2, 1),
    "headline": (31, 238, 1, 0),
    "replay": (37, 220, 4, 3),
    "verify": (16, 112, 0, 0),
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Walk]:
    seen = walk.measured(tmp_path_factory.mktemp("walk"))
    return {**seen, "item": walk.whole(seen)}


@pytest.mark.parametrize("part", MOST)
def test_the_way_does_not_become_longer(seen: dict[str, Walk], part: str) -> None:
    found = seen[part]
    figures = (len(found.modules), found.calls, found.writes, found.reads)
    most = sorted(found.hops.items(), key=lambda hop: -hop[1])[:10]
    assert all(one <= limit for one, limit in zip(figures, MOST[part], strict=True)), (
        f"{part}: {figures} modules, calls, writes, reads, of at most {MOST[part]}; most: {most}"
    )


def test_the_item_passes_every_part(seen: dict[str, Walk]) -> None:
    """Whoever moves a function does not make the way short by leaving the count."""
    assert set(seen) == {*PARTS, "item"}
    assert all(found.functions >= len(found.modules) > 5 for found in seen.values())
    assert seen["item"].writes >= 3
    assert {module.split("/")[0] for module in seen["item"].modules} >= {"ingest", "publish"}


def test_the_walk_on_paper_is_the_walk(seen: dict[str, Walk]) -> None:
    """Its section names every module as `room/module.py`, each for the first time in the order in
    which the item first comes to it (``python -m tests.walk``)."""
    if not ARCHITECTURE.exists():
        pytest.skip("docs/architecture.md is not written yet")
    section = SECTION.search(ARCHITECTURE.read_text(encoding="utf-8"))
    assert section, f"{ARCHITECTURE} has no section '## The walk of one item'"
    assert list(dict.fromkeys(MODULE.findall(section[1]))) == list(seen["item"].modules)
