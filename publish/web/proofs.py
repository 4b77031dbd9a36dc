"""What a reader checks statements with: the keys, a story's chain of statements, the log's tiles.

Public, small, the same for everybody, and readable by pages of other sites: a verifier may run in
a browser. The log is served as C2SP tlog-tiles says.
"""

import json
import re
from collections.abc import Sequence
from datetime import timedelta

from publish.web.representation import Representation, represent
from stories import keyring
from stories.config import Config
from stories.db import Connection, proofs
from stories.db.feeds import etag_of
from wirecopy.tlog import HASH, WIDTH
from wirecopy.token import payload_of

KEYS_FRESH = timedelta(minutes=5)
"""How long a copy of the keys may be used: a revocation is known everywhere after that."""

CHECKPOINT_FRESH = timedelta(seconds=5)
"""tlog-tiles: "a few seconds"."""

_FOREVER = "public, max-age=31536000, immutable"

_TILE = re.compile(
    r"(?P<level>entries|0|[1-9]\d?)/(?P<number>(?:x\d{3}/)*\d{3})(?:\.p/(?P<width>[1-9]\d{0,2}))?",
    re.ASCII,
)
_HIGHEST = 63
_MOST = 1 << 48
"""Above every tile there can be, and below what a database counts to."""

_BYTES = "application/octet-stream"
_OPEN = (
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "ETag, Link, Repr-Digest"),
)


def links(config: Config, story: str | None = None) -> str:
    """The ``Link`` from a page or feed to what its statements are checked with (RFC 8288).

    ``service-meta`` (RFC 8631) is metadata for machines; ``describedby`` tells of the story.
    """
    site = config.site.url
    found = [f'<{site}/.well-known/jwks.json>; rel="service-meta"; type="application/jwk-set+json"']
    if story is not None:
        told = f"{site}/stories/{story}/statements"
        found.append(f'<{told}>; rel="describedby"; type="application/json"')
    return ", ".join(found)


def jwks(conn: Connection) -> Representation | None:
    """The keys; None before the first is made."""
    found = keyring.jwks(conn)
    if found is None:
        return None
    fresh = f"public, max-age={int(KEYS_FRESH.total_seconds())}"
    return _ready(_json(found), "application/jwk-set+json", fresh)


def chain(conn: Connection, story: str) -> Representation | None:
    """Every statement of *story*; None when there is none.

    To be asked for again each time: whoever has a newer feed must not get an older chain.
    """
    found = proofs.statements_of(conn, story)
    if not found:
        return None
    told = {"guid": payload_of(found[-1])["guid"], "statements": found}
    return _ready(_json(told), "application/json", "public, no-cache")


def checkpoint(conn: Connection) -> Representation | None:
    """The log's latest checkpoint; None before the log is begun."""
    head = proofs.log_head(conn)
    if head is None:
        return None
    fresh = f"public, max-age={int(CHECKPOINT_FRESH.total_seconds())}"
    return _ready(head.checkpoint.encode(), "text/plain; charset=utf-8", fresh)


def tile(conn: Connection, path: str) -> Representation | None:
    """The tile, or the bundle of entries, that *path* names below ``/log/tile/``; None for a path
    that names none, and for one that there is not, or not yet.

    A partial tile goes on being served when more has been added to it.
    """
    asked = _asked(path)
    if asked is None:
        return None
    level, number, width = asked
    if level is None:
        found = proofs.leaves(conn, number * WIDTH, width)
        return _ready(_bundle(found), _BYTES, _FOREVER) if len(found) == width else None
    hashes = proofs.tile(conn, level, number)[: width * HASH]
    whole = len(hashes) == width * HASH
    return _ready(hashes, _BYTES, _FOREVER, packed=False) if whole else None


def _asked(path: str) -> tuple[int | None, int, int] | None:
    """Level (None: entries), number and width; there is one way to write each."""
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


def _ready(body: bytes, kind: str, fresh: str, *, packed: bool = True) -> Representation:
    return represent(
        body,
        etag_of(body),
        kind,
        None,
        headers=[("cache-control", fresh), *_OPEN],
        packed=packed,
    )
