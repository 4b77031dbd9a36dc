"""Logs that follow others: the vectors, and entries by a memory that saw more than was restored."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.vectors import restores
from wirecopy import Evidence, Refused, Report, TrustedState, read_keys, verify
from wirecopy.online import with_log

FILE = Path(__file__).parents[1] / "vectors" / "restores.json"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))


def named(rows: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(row, id=row["name"]) for row in rows]


@pytest.mark.parametrize("row", named(VECTORS["key_sets"]))
def test_key_set(row: dict[str, Any]) -> None:
    document = row["document"].encode()
    if row["logs"] is None:
        with pytest.raises(Refused):
            read_keys(document)
        return
    keys = read_keys(document)
    ends = {name: keys.ended(name) for name in keys.logs}
    assert [[name, end and end.head.size] for name, end in ends.items()] == row["logs"]


@pytest.mark.parametrize("row", named(VECTORS["receipts"]))
def test_receipt(row: dict[str, Any]) -> None:
    keys = read_keys(json.dumps(VECTORS["keys"]).encode())
    leaf = base64.b64decode(row["leaf"])
    if row["ok"]:
        assert keys.prove(row["receipt"], leaf).head.origin in keys.logs
    else:
        with pytest.raises(Refused):
            keys.prove(row["receipt"], leaf)


@pytest.mark.parametrize("row", named(VECTORS["memories"]))
def test_memory(row: dict[str, Any]) -> None:
    tiles = {path: base64.b64decode(data) for path, data in row["tiles"].items()}
    keys = read_keys(json.dumps(row["keys"]).encode())
    state = TrustedState.load(row["memory"].encode())

    def verified(state: TrustedState) -> Report:
        assert keys.log is not None
        evidence = with_log(Evidence(state=state), tiles.get, keys.log.name)
        evidence = replace(evidence, checkpoint=row["checkpoint"])
        return verify(
            b'{"version": "https://jsonfeed.org/version/1.1", "items": []}', keys, evidence
        )

    found = verified(state)
    assert found.log.state == row["log"], found.log
    lost = [
        "log" if said.startswith(restores.ORIGIN) else said.split(": ")[0] for said in found.lost
    ]
    assert sorted(lost) == sorted(row["lost"]), found.lost
    assert found.ok == (row["log"] == "ok" and not lost)
    if found.log.state == "failed":
        assert found.state == state  # nothing is learnt
    else:
        again = verified(TrustedState.load(found.state.dump()))
        assert again.ok, (again.log, again.lost)
