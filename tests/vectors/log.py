"""Makes ``log.json``: trees of RFC 6962, proofs, checkpoints, receipts and tiles."""

import hashlib
from collections.abc import Iterator
from typing import Any

from tests.signing import Log, b64, canonical, leaf_hash, private, public_bytes
from tests.vectors import slim

SIZES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 21)
ORIGIN = "feeds.ndtv.com/log"


def vectors() -> dict[str, Any]:
    """The whole file."""
    log = Log(ORIGIN)
    for n in range(max(SIZES)):
        log.add(b"" if n == 0 else b"receipt %d" % n)
    return {
        "about": "RFC 6962 and C2SP tlog-checkpoint, tlog-proof, tlog-tiles; docs/statement.md §5."
        " Hashes in base64.",
        "origin": ORIGIN,
        "wirecopy_log": log.vkey,
        "log_keys": _log_keys(log),
        "leaves": [{"data": b64(d), "hash": b64(leaf_hash(d))} for d in log.leaves],
        "roots": [{"size": n, "root": b64(log.root(0, n))} for n in SIZES],
        "inclusion": list(_inclusion(log)),
        "consistency": list(_consistency(log)),
        "checkpoints": list(_checkpoints(log)),
        "receipts": list(_receipts(log)),
        "proofs": list(slim.proofs(log)),
        "tiles": _tiles(),
    }


def _log_keys(log: Log) -> list[dict[str, Any]]:
    name, id_, key = log.vkey.split("+", 2)
    raw = public_bytes(private(log.label))
    return [
        {"name": "good", "vkey": log.vkey, "ok": True},
        {"name": "another key id", "vkey": f"{name}+00000000+{key}", "ok": False},
        {"name": "key id in capitals", "vkey": f"{name}+{id_.upper()}+{key}", "ok": False},
        {"name": "another name", "vkey": f"x{name}+{id_}+{key}", "ok": False},
        {"name": "a space in the name", "vkey": f"a b+{id_}+{key}", "ok": False},
        {"name": "a no-break space in the name", "vkey": Log("a\xa0b").vkey, "ok": False},
        {"name": "no name", "vkey": Log("").vkey, "ok": False},
        {"name": "another algorithm", "vkey": f"{name}+{id_}+{b64(bytes([2]) + raw)}", "ok": False},
        {"name": "cut short", "vkey": log.vkey[:-4], "ok": False},
        {"name": "of small order", "vkey": _small_order(name), "ok": False},
        {"name": "no padding", "vkey": f"{name}+{id_}+{key[:-1]}!", "ok": False},
        {"name": "empty", "vkey": "", "ok": False},
    ]


def _small_order(name: str) -> str:
    public = bytes([1, 1, *bytes(31)])
    id_ = hashlib.sha256(name.encode() + b"\n" + public).hexdigest()[:8]
    return f"{name}+{id_}+{b64(public)}"


def _inclusion(log: Log) -> Iterator[dict[str, Any]]:
    for size in (n for n in SIZES if n):
        for index in {0, size // 2, size - 1}:
            yield {
                "leaf": b64(leaf_hash(log.leaves[index])),
                "index": index,
                "size": size,
                "root": b64(log.root(0, size)),
                "path": [b64(h) for h in log.inclusion(index, size)],
                "ok": True,
            }
    good: dict[str, Any] = {
        "leaf": b64(leaf_hash(log.leaves[5])),
        "index": 5,
        "size": 13,
        "root": b64(log.root(0, 13)),
        "path": [b64(h) for h in log.inclusion(5, 13)],
        "ok": False,
    }
    path = good["path"]
    for name, change in (
        ("another leaf", {"leaf": b64(leaf_hash(b"x"))}),
        ("another index", {"index": 4}),
        ("an index beyond", {"index": 13}),
        ("an index below", {"index": -1}),
        ("another size", {"size": 8}),
        ("another root", {"root": b64(log.root(0, 12))}),
        ("too short", {"path": path[:-1]}),
        ("too long", {"path": [*path, path[0]]}),
        ("empty", {"path": []}),
        ("turned around", {"path": path[::-1]}),
        ("a node for a leaf", {"leaf": b64(log.root(4, 6)), "index": 2, "path": path[1:]}),
    ):
        yield {"name": name, **good, **change}


def _consistency(log: Log) -> Iterator[dict[str, Any]]:
    for new in SIZES:
        for old in (n for n in SIZES if n <= new):
            yield {
                "old": old,
                "old_root": b64(log.root(0, old)),
                "new": new,
                "new_root": b64(log.root(0, new)),
                "proof": [b64(h) for h in log.consistency(old, new)] if old else [],
                "ok": True,
            }
    other = Log(ORIGIN)
    for n in range(13):
        other.add(b"rewritten" if n == 2 else log.leaves[n])
    good: dict[str, Any] = {
        "old": 6,
        "old_root": b64(log.root(0, 6)),
        "new": 13,
        "new_root": b64(log.root(0, 13)),
        "proof": [b64(h) for h in log.consistency(6, 13)],
        "ok": False,
    }
    proof = good["proof"]
    rewritten: dict[str, Any] = {
        "new_root": b64(other.root(0, 13)),
        "proof": [b64(h) for h in other.consistency(6, 13)],
    }
    for name, change in (
        ("rewritten", rewritten),
        ("another old root", {"old_root": b64(log.root(0, 5))}),
        ("another new root", {"new_root": b64(log.root(0, 8))}),
        ("another old size", {"old": 5}),
        ("another new size", {"new": 8}),
        ("shrunk", {"old": 13, "new": 6}),
        ("too short", {"proof": proof[:-1]}),
        ("too long", {"proof": [*proof, proof[0]]}),
        ("empty", {"proof": []}),
        ("one size, two roots", {"old": 13, "proof": []}),
        ("a proof where none is due", {"old": 0, "old_root": b64(log.root(0, 0))}),
        ("from nothing, with a root", {"old": 0, "proof": []}),
    ):
        yield {"name": name, **good, **change}


def _checkpoints(log: Log) -> Iterator[dict[str, Any]]:
    good = log.checkpoint(5)
    text, _, signatures = good.rpartition("\n\n")
    other = Log(ORIGIN, "another log", list(log.leaves))
    elsewhere = Log("elsewhere.example/log", "log", list(log.leaves))
    foreign = other.checkpoint(5).rpartition("\n\n")[2]
    witness = Log("witness.example", "witness").note("x\n").rpartition("\n\n")[2]
    broken = signatures[:-8] + ("A" if signatures[-8] != "A" else "B") + signatures[-7:]
    root = b64(log.root(0, 5))
    for name, note, ok in (
        ("good", good, True),
        ("of no leaves", log.checkpoint(0), True),
        ("with a witness", good + witness, True),
        ("a witness first", f"{text}\n\n{witness}{signatures}", True),
        ("with an extension line", log.note(f"{ORIGIN}\n5\n{root}\nextra\n"), True),
        ("by another key of that name", other.checkpoint(5), False),
        ("by another key too", good + foreign, True),
        ("of another log", elsewhere.checkpoint(5), False),
        ("another size", good.replace("\n5\n", "\n6\n"), False),
        ("another root", good.replace(root, b64(log.root(0, 4))), False),
        ("a broken signature", f"{text}\n\n{broken}", False),
        ("a broken signature beside a good one", good + broken, False),
        ("only a witness", f"{text}\n\n{witness}", False),
        ("no signature", f"{text}\n\n", False),
        ("no last line feed", good[:-1], False),
        ("leading zero", log.note(f"{ORIGIN}\n05\n{root}\n"), False),
        ("a sign", log.note(f"{ORIGIN}\n+5\n{root}\n"), False),
        ("other digits", log.note(f"{ORIGIN}\n५\n{root}\n"), False),
        ("too large a size", log.note(f"{ORIGIN}\n9007199254740992\n{root}\n"), False),
        ("no root", log.note(f"{ORIGIN}\n5\n"), False),
        ("a short root", log.note(f"{ORIGIN}\n5\n{b64(b'x' * 31)}\n"), False),
        ("root without padding", log.note(f"{ORIGIN}\n5\n{root.rstrip('=')}\n"), False),
        ("an empty line in it", log.note(f"{ORIGIN}\n5\n{root}\n\nmore\n"), False),
        ("CR LF", good.replace("\n", "\r\n"), False),
        ("a tab", log.note(f"{ORIGIN}\n5\n{root}\na\tb\n"), False),
        ("a hyphen for the dash", good.replace("—", "-"), False),
        ("a witness of another algorithm", good + f"— witness {b64(b'4' * 70)}\n", True),
        ("a witness's name with U+FEFF", good + f"— a\ufeffb {b64(b'4' * 68)}\n", True),
        ("a witness's name with +", good + f"— a+b {b64(b'4' * 68)}\n", False),
        ("a witness's name with U+00A0", good + f"— a\xa0b {b64(b'4' * 68)}\n", False),
        ("a witness's name with U+0085", good + f"— a\x85b {b64(b'4' * 68)}\n", False),
        ("a witness without name", good + f"—  {b64(b'4' * 68)}\n", False),
        ("a witness's signature of 5 bytes", good + f"— witness {b64(b'4' * 5)}\n", True),
        ("a witness's signature of 4 bytes", good + f"— witness {b64(b'4' * 4)}\n", False),
        ("a witness's signature that is empty", good + "— witness \n", False),
        ("a witness's signature in base64url", good + f"— witness {'-_' * 8}\n", False),
        ("a witness's line with a word more", good + witness[:-1] + " x\n", False),
        ("an empty signature line", f"{good}\n", False),
        ("as sixteenth line", f"{text}\n\n{witness * 15}{signatures}", True),
        ("as seventeenth line", f"{text}\n\n{witness * 16}{signatures}", False),
        ("something else as seventeenth line", f"{good}{witness * 15}x\n", True),
        ("as long as may be", _long(log, 16_384), True),
        ("too long by a byte", _long(log, 16_385), False),
        ("a byte order mark", f"\ufeff{good}", False),
        ("empty", "", False),
    ):
        row: dict[str, Any] = {"name": name, "note": note, "ok": ok}
        if ok:
            size = int(note.split("\n")[1])
            row |= {"size": size, "root": b64(log.root(0, size))}
        yield row


def _long(log: Log, bytes_: int, size: int = 5) -> str:
    """A checkpoint of so many bytes, and far fewer characters."""
    head = f"{log.origin}\n{size}\n{b64(log.root(0, size))}\n"
    missing = bytes_ - len(log.note(f"{head}\n").encode())
    return log.note(f"{head}{'—' * (missing // 3)}{'x' * (missing % 3)}\n")


def _receipts(log: Log) -> Iterator[dict[str, Any]]:
    good = log.receipt(4, 13)
    one = Log(ORIGIN, leaves=log.leaves[:1])
    data = b64(log.leaves[4])
    lines = good.split("\n")
    proof = good.split("\n\n")[0]
    room = 16_384 - len(proof) - 2
    for name, text, leaf, ok in (
        ("good", good, data, True),
        ("the only leaf", one.receipt(0), b64(one.leaves[0]), True),
        ("of another leaf", good, b64(log.leaves[5]), False),
        ("another index", good.replace("index 4", "index 5"), data, False),
        ("leading zero", good.replace("index 4", "index 04"), data, False),
        ("another format", good.replace("@v1", "@v2"), data, False),
        ("extra data", good.replace("index", "extra AAAA\nindex"), data, False),
        ("a hash less", "\n".join(lines[:2] + lines[3:]), data, False),
        (
            "two hashes swapped",
            "\n".join([*lines[:2], lines[3], lines[2], *lines[4:]]),
            data,
            False,
        ),
        ("a hash in base64url", good.replace("+", "-").replace("/", "_"), data, False),
        ("CR LF", good.replace("\n", "\r\n"), data, False),
        (
            "under another checkpoint",
            proof + "\n\n" + log.checkpoint(8),
            data,
            False,
        ),
        ("no checkpoint", proof + "\n\n", data, False),
        ("as long as may be", f"{proof}\n\n{_long(log, room, 13)}", data, True),
        ("too long by a byte", f"{proof}\n\n{_long(log, room + 1, 13)}", data, False),
        ("something before it", f" {good}", data, False),
        ("something after it", f"{good}\n", data, False),
        ("empty", "", data, False),
    ):
        index = {"index": int(text.split("\n")[1].removeprefix("index "))} if ok else {}
        yield {"name": name, "receipt": text, "leaf": leaf, "ok": ok, **index}


def _tiles() -> dict[str, Any]:
    """A log over more than one tile. Its leaves are the numbers from 0 in decimal."""
    log = Log(ORIGIN, leaves=[b"%d" % n for n in range(700)])
    sizes = (1, 255, 256, 257, 511, 512, 513, 700)
    return {
        "leaves": "the numbers from 0 in decimal, ASCII",
        "size": 700,
        "tiles": {
            "tile/0/000": b64(log.tile(0, 0, 256)),
            "tile/0/001": b64(log.tile(0, 1, 256)),
            "tile/0/002.p/188": b64(log.tile(0, 2, 188)),
            "tile/1/000.p/2": b64(log.tile(1, 0, 2)),
        },
        "entries": {"tile/entries/002.p/188": b64(log.bundle(2, 188))},
        "paths": [
            {"level": 0, "index": 0, "width": 256, "path": "tile/0/000"},
            {"level": 1, "index": 5, "width": 7, "path": "tile/1/005.p/7"},
            {"level": 0, "index": 1234067, "width": 256, "path": "tile/0/x001/x234/067"},
            {"level": 0, "index": 1000, "width": 1, "path": "tile/0/x001/000.p/1"},
        ],
        "roots": [{"size": n, "root": b64(log.root(0, n))} for n in sizes],
        "consistency": [
            {"old": a, "new": b, "proof": [b64(h) for h in log.consistency(a, b)]}
            for a in sizes
            for b in sizes
            if a < b
        ],
        "checkpoint": log.checkpoint(),
    }


if __name__ == "__main__":
    print(len(canonical(vectors())))
