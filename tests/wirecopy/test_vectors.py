"""The verifier against the vectors that every implementation is held against."""

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.vectors.__main__ import files
from wirecopy import (
    CHECKS,
    Entry,
    Evidence,
    Refused,
    Report,
    TrustedState,
    read_keys,
    verify,
    verify_entries,
)
from wirecopy.chain import read_chain
from wirecopy.encoding import canonical, parse_json
from wirecopy.errors import Missing
from wirecopy.jose import read_token
from wirecopy.online import with_log
from wirecopy.statement import Link, read_statement, read_withdrawal
from wirecopy.tlog import (
    Tree,
    check_consistency,
    check_inclusion,
    check_proof,
    fetched_tiles,
    leaf_hash,
    log_key,
    read_checkpoint,
    read_pruned,
    tile_path,
)

FOLDER = Path(__file__).parents[1] / "vectors"
LOG = json.loads((FOLDER / "log.json").read_text(encoding="utf-8"))
VECTORS = json.loads((FOLDER / "statements.json").read_text(encoding="utf-8"))
WITHDRAWALS = json.loads((FOLDER / "withdrawals.json").read_text(encoding="utf-8"))
LOG_KEY = log_key(LOG["wirecopy_log"])
NOW = datetime.fromisoformat(VECTORS["now"])
KEYS = {name: read_keys(json.dumps(found).encode()) for name, found in VECTORS["keys"].items()}


def named(rows: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(row, id=row.get("name", str(n))) for n, row in enumerate(rows)]


def b(text: str) -> bytes:
    return base64.b64decode(text)


def test_the_files_are_what_the_script_makes() -> None:
    for file, text in files().items():
        assert file.read_text(encoding="utf-8") == text, "run python -m tests.vectors write"


# Key sets, JSON, tokens, chains


def document(row: dict[str, Any]) -> bytes:
    """The document of a vector: text, or base64 where it is none."""
    if "change" in row:
        whole: str = VECTORS["documents"][row["format"]]
        before, after = row["change"]
        return whole.replace(before, after, 1).encode()
    given = row["document"]
    return given.encode() if isinstance(given, str) else b(given["base64"])


@pytest.mark.parametrize("row", named(VECTORS["jwks"]))
def test_key_set(row: dict[str, Any]) -> None:
    if row["expected"] is None:
        with pytest.raises(Refused):
            read_keys(document(row))
    else:
        found = verify_entries([entry(row)], read_keys(document(row)), Evidence(now=NOW))
        held(found, {"expected": [row["expected"]]})


@pytest.mark.parametrize("row", VECTORS["canonical"])
def test_canonical(row: dict[str, Any]) -> None:
    if row["canonical"] is None:
        with pytest.raises(Refused):
            parse_json(row["json"])
    else:
        assert canonical(parse_json(row["json"])).decode() == row["canonical"]


@pytest.mark.parametrize("row", named(VECTORS["tokens"]))
def test_token(row: dict[str, Any]) -> None:
    if row["ok"]:
        made = read_token(row["token"])
        assert made.payload == row["payload"]
        assert read_statement(made).guid == row["payload"]["guid"]
        assert made.signed_by(KEYS["all"].statement[made.kid].public)
    else:
        with pytest.raises(Refused):
            read_statement(read_token(row["token"]))


@pytest.mark.parametrize("row", named(VECTORS["chains"]))
def test_chain(row: dict[str, Any]) -> None:
    if row["ok"]:
        assert read_chain(row["chain"].encode(), KEYS[row["keys"]]).digests
    else:
        with pytest.raises(Refused):
            read_chain(row["chain"].encode(), KEYS[row["keys"]])


# Entries and feeds


def evidence(row: dict[str, Any]) -> Evidence:
    found = VECTORS["chain_sets"][row["chains"]]

    def chain(said: Link) -> bytes | None:
        if row.get("withheld"):
            raise Missing("the chain is not to be had")
        return found[said.story].encode() if said.story in found else None

    state = TrustedState.load(row["memory"].encode()) if "memory" in row else TrustedState()
    at_hand = Evidence(now=NOW, find_chain=chain, state=state)
    if "served" not in row:
        return at_hand
    files = {path: b(data) for path, data in VECTORS["log_sets"][row["served"]].items()}
    return with_log(at_hand, files.get)


def held(report: Report, row: dict[str, Any]) -> None:
    """Hold a report against the verdicts of a vector."""
    assert VECTORS["checks"] == list(CHECKS)
    assert len(report.entries) == len(row["expected"])
    for result, expected in zip(report.entries, row["expected"], strict=True):
        states = dict.fromkeys(CHECKS, "ok")
        states |= dict.fromkeys(("custody", "continuity"), "not checked")
        states |= expected["checks"]
        found = {check.name: check.state for check in result.checks}
        outcomes = [(check.name, check.state, check.reason) for check in result.checks]
        assert found == states, outcomes
        assert result.verdict == expected["verdict"], outcomes
        assert all(check.reason for check in result.checks if check.state != "ok"), outcomes
    if "log" in row:
        assert report.log.state == row["log"], report.log
    assert report.ok == (
        row.get("log") != "failed" and all(e["verdict"] == "verified" for e in row["expected"])
    )


def entry(given: dict[str, Any]) -> Entry:
    """An entry of the vectors: its sample, with what is named beside it."""
    sample = VECTORS["samples"][given["sample"]]
    values = sample | {n: v for n, v in given.items() if n in sample}
    made: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in values.items()}
    return Entry(**made)


@pytest.mark.parametrize("row", named(VECTORS["entries"] + VECTORS["order"] + VECTORS["logs"]))
def test_entries(row: dict[str, Any]) -> None:
    held(
        verify_entries(
            [entry(given) for given in row["entries"]], KEYS[row["keys"]], evidence(row)
        ),
        row,
    )


@pytest.mark.parametrize("row", named(VECTORS["feeds"]))
def test_feeds(row: dict[str, Any]) -> None:
    if row["expected"] is None:
        with pytest.raises(Refused):
            verify(document(row), KEYS[row["keys"]], evidence(row))
    else:
        held(verify(document(row), KEYS[row["keys"]], evidence(row)), row)


# Withdrawals


@pytest.mark.parametrize("row", named(WITHDRAWALS["tokens"]))
def test_withdrawal(row: dict[str, Any]) -> None:
    made = read_token(row["token"])
    with pytest.raises(Refused):  # whichever it is, it is stated of no version
        read_statement(made)
    if row["ok"]:
        found = read_withdrawal(made)
        assert (found.guid, found.version) == (made.payload["guid"], made.payload["version"])
    else:
        with pytest.raises(Refused):
            read_withdrawal(made)


def test_chains_with_withdrawals() -> None:
    keys = read_keys(json.dumps(WITHDRAWALS["keys"]).encode())
    for name, document in WITHDRAWALS["chains"].items():
        found = read_chain(document.encode(), keys)
        assert (found.withdrawn_at is None) == ("published" in name.split()[0]), name
    for document in WITHDRAWALS["refused_chains"].values():
        with pytest.raises(Refused):
            read_chain(document.encode(), keys)


@pytest.mark.parametrize("row", named(WITHDRAWALS["notices"]))
def test_notices(row: dict[str, Any]) -> None:
    chain = WITHDRAWALS["chains"].get(row["chain"], "").encode() or None
    made: dict[str, Any] = {
        n: tuple(v) if isinstance(v, list) else v for n, v in row["entry"].items()
    }
    state = TrustedState.load(canonical(row["memory"])) if "memory" in row else TrustedState()
    at_hand = Evidence(now=NOW, find_chain=lambda _: chain, state=state)
    keys = read_keys(json.dumps(WITHDRAWALS["keys"]).encode())
    [found] = verify_entries([Entry(**made)], keys, at_hand).entries
    states = {check.name: check.state for check in found.checks}
    assert found.verdict == row["verdict"], found.checks
    assert states.items() >= row["checks"].items(), found.checks
    if "log" not in made:
        assert states == row["checks"]
        assert (found.withdrawn_at is not None) == (states["signature"] == "ok")


@pytest.mark.parametrize("row", named(WITHDRAWALS["feeds"]))
def test_feeds_with_notices(row: dict[str, Any]) -> None:
    keys = json.dumps(WITHDRAWALS["keys"]).encode()
    found = verify(row["document"].encode(), keys, Evidence(now=NOW))
    assert [entry.verdict for entry in found.entries] == row["expected"]
    assert [entry.withdrawn_at is not None for entry in found.entries] == [True, True, False]


# The log


@pytest.mark.parametrize("row", named(LOG["log_keys"]))
def test_log_key(row: dict[str, Any]) -> None:
    if row["ok"]:
        assert log_key(row["vkey"]).name == LOG["origin"]
    else:
        with pytest.raises(Refused):
            log_key(row["vkey"])


def test_roots() -> None:
    hashes = [leaf_hash(b(row["data"])) for row in LOG["leaves"]]
    assert hashes == [b(row["hash"]) for row in LOG["leaves"]]
    for row in LOG["roots"]:
        assert Tree(row["size"], lambda level, number: b"".join(hashes)).root() == b(row["root"])


@pytest.mark.parametrize("row", named(LOG["inclusion"]))
def test_inclusion(row: dict[str, Any]) -> None:
    args = b(row["leaf"]), row["index"], row["size"], b(row["root"]), [b(h) for h in row["path"]]
    if row["ok"]:
        check_inclusion(*args)
    else:
        with pytest.raises(Refused):
            check_inclusion(*args)


@pytest.mark.parametrize("row", named(LOG["consistency"]))
def test_consistency(row: dict[str, Any]) -> None:
    proof = [b(h) for h in row["proof"]]
    args = row["old"], b(row["old_root"]), row["new"], b(row["new_root"]), proof
    if row["ok"]:
        check_consistency(*args)
    else:
        with pytest.raises(Refused):
            check_consistency(*args)


@pytest.mark.parametrize("row", named(LOG["checkpoints"]))
def test_checkpoint(row: dict[str, Any]) -> None:
    if row["ok"]:
        found = read_checkpoint(row["note"], LOG_KEY)
        assert (found.origin, found.size, found.root) == (
            LOG["origin"],
            row["size"],
            b(row["root"]),
        )
    else:
        with pytest.raises(Refused):
            read_checkpoint(row["note"], LOG_KEY)


@pytest.mark.parametrize("row", named(LOG["proofs"]))
def test_proofs_of_many_leaves(row: dict[str, Any]) -> None:
    if not row["ok"]:
        with pytest.raises(Refused):
            read_pruned(row["text"], LOG_KEY)
        return
    found = read_pruned(row["text"], LOG_KEY)
    assert found.head.size == row["size"]
    assert found.leaves == {int(index): b(kept) for index, kept in row["leaves"].items()}


@pytest.mark.parametrize("row", named(LOG["receipts"]))
def test_receipt(row: dict[str, Any]) -> None:
    if row["ok"]:
        found = check_proof(row["receipt"], b(row["leaf"]), LOG_KEY)
        assert (found.index, found.head.origin) == (row["index"], LOG["origin"])
    else:
        with pytest.raises(Refused):
            check_proof(row["receipt"], b(row["leaf"]), LOG_KEY)


def test_tiles() -> None:
    known = LOG["tiles"]
    served = {name: b(data) for name, data in known["tiles"].items()}
    tiles = fetched_tiles(known["size"], lambda *tile: served.get(tile_path(*tile)))
    for row in known["paths"]:
        assert tile_path(row["level"], row["index"], row["width"]) == row["path"]
    roots = {row["size"]: b(row["root"]) for row in known["roots"]}
    for size, root in roots.items():
        assert Tree(size, tiles).root() == root
    for row in known["consistency"]:
        proof = Tree(row["new"], tiles).consistency(row["old"])
        assert proof == [b(h) for h in row["proof"]], row
        check_consistency(row["old"], roots[row["old"]], row["new"], roots[row["new"]], proof)
    assert read_checkpoint(known["checkpoint"], LOG_KEY).root == roots[known["size"]]
