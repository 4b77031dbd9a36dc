"""The keys on record that captures could know, asked for many captures at once."""

import random
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from sqlalchemy import insert

from stories.db import Store
from stories.db import stories as records
from stories.db.stories import Sought
from stories.db.tables import identities
from stories.models import KnownKey, key_digest
from tests.test_flat import steps

KEYS = [f"guid:{n}" for n in range(40)]
WIRES = ["a", "b", "c", "d", "e"]


class Row(NamedTuple):
    """One key on record."""

    wire: str
    key: str
    story: str
    capture: int
    shared_from: int | None


def keep(store: Store, rows: Sequence[Row]) -> None:
    with store.write() as conn:
        conn.execute(
            insert(identities),
            [
                {
                    "wire": row.wire,
                    "digest": key_digest(row.key),
                    "story_id": row.story,
                    "capture_id": row.capture,
                    "shared_from": row.shared_from,
                }
                for row in rows
            ],
        )


def one_by_one(rows: Sequence[Row], of: Sought) -> records.KnownKeys:
    """What :func:`records.known_keys` is to find, by its words."""
    ours: dict[str, KnownKey] = {}
    theirs: dict[str, KnownKey] = {}
    for row in sorted(rows, key=lambda row: (row.capture, row.wire)):
        if row.key not in of.keys or row.capture >= of.before:
            continue
        known = KnownKey(row.story, row.shared_from is not None and row.shared_from < of.before)
        if row.wire == of.wire:
            ours.setdefault(row.key, known)
        elif row.wire in of.siblings:
            theirs.setdefault(row.key, known)
    return ours, theirs


@pytest.mark.parametrize("seed", range(3))
def test_many_captures_at_once_know_what_each_knows_alone(store: Store, seed: int) -> None:
    store.migrate()
    lots = random.Random(seed)
    rows = [
        Row(
            wire,
            key,
            f"story{lots.randrange(20)}",
            lots.randrange(1, 30),
            lots.choice([None, None, lots.randrange(1, 30)]),
        )
        for wire in WIRES
        for key in lots.sample(KEYS, 25)
    ]
    keep(store, rows)
    sought = [
        Sought(
            wire,
            {*lots.sample(KEYS, lots.randrange(12)), "guid:unknown"},
            lots.randrange(1, 31),
            [other for other in WIRES if other != wire][: lots.randrange(5)],
        )
        for wire in lots.choices(WIRES, k=40)
    ]
    with store.read() as conn:
        found = records.known_keys(conn, sought)
        assert [records.known_keys(conn, [each])[0] for each in sought] == found
        assert records.known_keys(conn, []) == []
    assert found == [one_by_one(rows, each) for each in sought]
    assert any(theirs for _, theirs in found)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_many_wires_of_an_agency_cost_no_more_than_two(store: Store) -> None:
    store.migrate()
    wires = [f"wire-{n}" for n in range(200)]
    keep(store, [Row(wire, f"guid:{wire}-{n}", "s", 1, None) for wire in wires for n in range(9)])
    asked = [f"guid:{wires[0]}-{n}" for n in range(9)]

    def ask(siblings: Sequence[str]) -> int:
        def do() -> None:
            with store.read() as conn:
                records.known_keys(conn, [Sought(wires[0], asked, 2, siblings)])

        do()
        return steps(store, do)

    assert ask(wires[1:]) <= ask(wires[1:2]) + 5
