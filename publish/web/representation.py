"""Bytes made ready to be served: all headers made beforehand, for plain and for gzip.

A request then costs a look at its headers. Feeds and pages are served this way.
"""

import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Literal

from publish.web.conditional import NAMES, Conditions, evaluate, matches
from wirecopy.encoding import digest

Headers = list[tuple[bytes, bytes]]

SERVER = (b"server", b"Wirecopy")
"""In place of the web server's own name and version, which attackers look for."""

WORTH_PACKING = 1024
"""Bytes below which gzip saves no packet."""

LONGEST_LIST = 200
"""Characters read of an Accept-Encoding: browsers send 30, and what was read is cached."""

_CODING = re.compile(r"([!#$%&'*+.^_`|~0-9a-z-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?")


@dataclass(frozen=True, slots=True)
class Variant:
    """One coding of the bytes, with the headers of a 200 and of a 304."""

    etag: str
    body: bytes
    headers: Headers
    headers_304: Headers


@dataclass(frozen=True, slots=True)
class Representation:
    """Something to serve; ``gzipped`` is None where that saves nothing."""

    plain: Variant
    gzipped: Variant | None
    modified: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response. To HEAD, ``body`` is empty and the headers are those of GET."""

    status: int
    headers: Headers
    body: bytes


def represent(
    body: bytes,
    etag: str,
    media_type: str,
    modified: datetime | None,
    headers: Sequence[tuple[str, str]] = (),
    about: Sequence[tuple[str, str]] = (),
    *,
    packed: bool = True,
) -> Representation:
    """*body* ready to be served.

    *headers* go with every answer; *about* describes the content, so it is left out of a 304
    (RFC 9110 §15.4.5). Equal bytes give equal gzip bytes; hashes, which do not compress, are not
    to be *packed*.
    """
    plain = _variant(body, etag, None, media_type, modified, headers, about)
    if not packed or len(body) < WORTH_PACKING:
        return Representation(plain, None, modified)
    gzipped = gzip.compress(body, compresslevel=6, mtime=0)
    # Other bytes, so another strong tag (RFC 9110 §8.8.3.3).
    tag = f'{etag[:-1]}-gzip"'
    return Representation(
        plain, _variant(gzipped, tag, "gzip", media_type, modified, headers, about), modified
    )


def _variant(
    body: bytes,
    etag: str,
    coding: str | None,
    media_type: str,
    modified: datetime | None,
    headers: Sequence[tuple[str, str]],
    about: Sequence[tuple[str, str]],
) -> Variant:
    always = [
        ("etag", etag),
        ("vary", "Accept-Encoding"),
        ("x-content-type-options", "nosniff"),
        *headers,
    ]
    described = [("content-type", media_type), ("content-length", str(len(body))), *about]
    # RFC 9530 §3.1: of the representation, so of what the coding made of it.
    described.append(("repr-digest", digest(body)))
    if modified is not None:
        described.append(("last-modified", format_datetime(modified, usegmt=True)))
    if coding is not None:
        described.append(("content-encoding", coding))
    return Variant(etag, body, _raw(described + always), _raw(always))


def _raw(headers: Sequence[tuple[str, str]]) -> Headers:
    return [*((name.encode(), value.encode("latin-1")) for name, value in headers), SERVER]


def answer(
    method: Literal["GET", "HEAD"],
    headers: Sequence[tuple[bytes, bytes]],
    ready: Representation,
    now: datetime,
) -> Answer:
    """What to answer to a request for *ready*: 200, 304 or 412."""
    conditional = False
    wanted = ""
    for name, value in headers:
        if name in NAMES:
            conditional = True
        elif name == b"accept-encoding":
            wanted = f"{wanted},{value.decode('latin-1')}" if wanted else value.decode("latin-1")
    chosen = ready.plain
    if wanted and ready.gzipped is not None and accepts_gzip(wanted[:LONGEST_LIST]):
        chosen = ready.gzipped
    if conditional:
        conditions = Conditions.of(headers)
        if chosen is not ready.plain and matches(conditions.if_none_match, ready.plain.etag):
            # A client that accepts gzip accepts plain bytes too, and this one has them.
            chosen = ready.plain
        status = evaluate(conditions, chosen.etag, ready.modified, now)
        if status != 200:
            return Answer(status, chosen.headers_304, b"")
    return Answer(200, chosen.headers, chosen.body if method == "GET" else b"")


@lru_cache(maxsize=256)
def accepts_gzip(field: str) -> bool:
    """Whether an Accept-Encoding of this value prefers gzip (RFC 9110 §12.5.3)."""
    weights: dict[str, float] = {}
    for part in field.lower().split(","):
        if found := _CODING.fullmatch(part.strip()):
            weights[found[1].removeprefix("x-")] = min(float(found[2] or 1), 1.0)
    gzipped = weights.get("gzip", weights.get("*", 0.0))
    return gzipped > 0 and gzipped >= weights.get("identity", 0.0)
