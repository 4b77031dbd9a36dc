"""What statements are checked with: the keys, a story's chain of statements, the log.

Public and readable by pages of other sites, as a verifier may run in a browser. The log is served
by C2SP tlog-tiles.
"""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from publish.web.representation import Representation, etag_of, represent
from stories import transparency
from stories.config import Config
from stories.db import Connection, custody, proofs
from stories.db.proofs import LogHead
from stories.keys import key_set
from stories.transparency import place_of
from wirecopy.encoding import long, short
from wirecopy.jose import as_json, payload_of
from wirecopy.tlog import HASH, WIDTH, below

KEYS_FRESH = timedelta(minutes=5)
"""How long caches may use the keys: after that, every verifier knows of a revocation."""

CHECKPOINT_FRESH = timedelta(seconds=5)
"""tlog-tiles: "a few seconds"."""

KEYS = ("application/jwk-set+json", f"public, max-age={int(KEYS_FRESH.total_seconds())}")
CHAIN = ("application/json", "public, no-cache")
"""Not cached without asking again: whoever has a newer feed must not get an older chain."""

CHECKPOINT = (
    "text/plain; charset=utf-8",
    f"public, max-age={int(CHECKPOINT_FRESH.total_seconds())}",
)
TILE = ("application/octet-stream", "public, max-age=31536000, immutable")

_TILE = re.compile(
    r"(?P<level>entries|0|[1-9]\d?)/(?P<number>(?:x\d{3}/)*\d{3})(?:\.p/(?P<width>[1-9]\d{0,2}))?",
    re.ASCII,
)
_HIGHEST = 63
_MOST = 1 << 48
"""Above every tile number, and within what a database's integers hold."""

OPEN = (
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "ETag, Link, Repr-Digest"),
)


def links(config: Config, story: str | None = None) -> str:
    """The ``Link`` from a page or feed to what its statements are checked with (RFC 8288).

    ``service-meta`` (RFC 8631) is metadata for machines, ``describedby`` is about the story.
    """
    site = config.site.url
    found = [f'<{site}/.well-known/jwks.json>; rel="service-meta"; type="application/jwk-set+json"']
    if story is not None:
        chain_url = f"{site}/stories/{story}/statements"
        found.append(f'<{chain_url}>; rel="describedby"; type="application/json"')
    return ", ".join(found)


def jwks(conn: Connection) -> Representation | None:
    """The keys as a JWK Set (RFC 7517); None before the first is made."""
    found = key_set(conn)
    if found is None:
        return None
    return _ready(_json(found), KEYS)


def chain(conn: Connection, story: str) -> Representation | None:
    """Every statement of *story*; None when there is none."""
    found = chain_of(conn, story)
    return None if found is None else _ready(found, CHAIN)


def chain_of(conn: Connection, story: str) -> bytes | None:
    """The same as a document (``docs/statement.md`` §6)."""
    found = proofs.statements_of(conn, story)
    if not found:
        return None
    places = [place for row in found if (place := place_of(row)) is not None]
    proof = transparency.proof(conn, places)
    document: dict[str, Any] = {
        "guid": payload_of(found[-1].token)["guid"],
        **({"log": proof} if proof else {}),
        "statements": [as_json(row.token) for row in found],
    }
    if held := _statements_of_agencies(conn, [row.token for row in found]):
        document["custody"] = held
    return _json(document)


def _statements_of_agencies(conn: Connection, found: Sequence[str]) -> dict[str, Any]:
    """The statements of agencies that those *found* name, by their digests as named."""
    named = [
        custody_of["digest"]
        for each in found
        if (custody_of := payload_of(each).get("custody")) is not None
    ]
    held = custody.statements(conn, [long(each) for each in dict.fromkeys(named)])
    return {
        short(digest): {
            "statement": as_json(one.statement),
            **({"keys": one.address} if one.address else {}),
        }
        for digest, one in held.items()
    }


def places(conn: Connection) -> list[str]:
    """The addresses below which the logs are served, the first one first."""
    return [f"/log/{below(head.origin)}".rstrip("/") for head in proofs.logs(conn)]


def _log(conn: Connection, began: str) -> LogHead | None:
    """The log served below ``/log/`` and *began*, which is empty for the first."""
    return next((one for one in proofs.logs(conn) if below(one.origin).rstrip("/") == began), None)


def checkpoint(conn: Connection, began: str = "") -> Representation | None:
    """A log's latest checkpoint; None when there is no such log."""
    head = _log(conn, began)
    return None if head is None else _ready(head.checkpoint.encode(), CHECKPOINT)


def tile(conn: Connection, path: str, began: str = "") -> Representation | None:
    """The tile, or the bundle of entries, at *path* below ``tile/`` of a log; None when there is
    none.

    A partial tile is served even when it has grown since.
    """
    parsed, head = _parse(path), _log(conn, began)
    if parsed is None or head is None:
        return None
    level, number, width = parsed
    if level is None:
        first = number * WIDTH
        if first + width > head.size:
            return None
        return _ready(_bundle(proofs.leaves(conn, head.first + first, width)), TILE)
    hashes = proofs.tile(conn, head.id, level, number)[: width * HASH]
    whole = len(hashes) == width * HASH
    return _ready(hashes, TILE, packed=False) if whole else None


def _parse(path: str) -> tuple[int | None, int, int] | None:
    """Level (None for entries), number and width of a tile; None when *path* is not written as
    tlog-tiles writes it, which is one way for each."""
    found = _TILE.fullmatch(path)
    if found is None or found["number"].startswith("x000/"):
        return None
    level = None if found["level"] == "entries" else int(found["level"])
    number = int(re.sub(r"[x/]", "", found["number"]))
    width = int(found["width"] or WIDTH)
    beyond = (level or 0) > _HIGHEST or number >= _MOST or (found["width"] and width >= WIDTH)
    return None if beyond else (level, number, width)


def _bundle(leaves: Sequence[bytes]) -> bytes:
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _ready(body: bytes, served: tuple[str, str], *, packed: bool = True) -> Representation:
    kind, fresh = served
    return represent(
        body,
        etag_of(body),
        kind,
        None,
        headers=[("cache-control", fresh), *OPEN],
        packed=packed,
    )
