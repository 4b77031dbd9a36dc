"""Bytes made ready to be served, with all headers: plain, and packed by gzip and by zstd.

Each is made when it is first asked for; a request then costs a look at its headers. Feeds and
pages are served this way.
"""

import base64
import gzip
import hashlib
import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Literal

from publish.document import zstd_whole
from publish.web.conditional import NAMES, Conditions, evaluate, matches
from wirecopy.encoding import digest

Headers = list[tuple[bytes, bytes]]

SERVER = (b"server", b"Wirecopy")
"""In place of the web server's own name and version, which attackers look for."""

WORTH_PACKING = 1024
"""Bytes below which packing saves no packet."""

LONGEST_LIST = 200
"""Characters read of an Accept-Encoding: browsers send 30, and what was read is cached."""

_CODING = re.compile(r"([!#$%&'*+.^_`|~0-9a-z-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?")


Coding = Literal["identity", "gzip", "zstd"]

Packings = Mapping[Coding, Sequence[str]]
"""The codings there are beside the plain bytes, the one preferred first. To each the endings of the
tags that it has or had for the same content, this one's first."""

PACKINGS: Packings = {"zstd": ("zstd",), "gzip": ("gzip",)}


@dataclass(frozen=True, slots=True)
class Variant:
    """One coding of the bytes, with the headers of a 200."""

    body: bytes
    headers: Headers


class Representation:
    """Something to serve, each coding of it made when it is first asked for.

    *make* gives the bytes in a coding. *headers* go with every answer; *about* describes the
    content, so it is left out of a 304 (RFC 9110 §15.4.5). *packings* is empty where packing saves
    nothing. What is not to be *digested* goes without Repr-Digest. *quick* are the codings that
    *make* makes in less time than it takes to have another thread do it. *varies* are the header
    fields by which the bytes are chosen.
    """

    def __init__(
        self,
        make: Callable[[Coding], bytes],
        etag: str,
        media_type: str,
        modified: datetime | None,
        headers: Sequence[tuple[str, str]] = (),
        about: Sequence[tuple[str, str]] = (),
        packings: Packings = PACKINGS,
        *,
        digested: bool = True,
        varies: str = "Accept-Encoding",
        quick: Collection[Coding] = (),
    ) -> None:
        self.etag = etag
        self.modified = modified
        # Other bytes, so another strong tag (RFC 9110 §8.8.3.3).
        self.packed_tags: dict[Coding, list[str]] = {
            coding: [f'{etag[:-1]}-{ending}"' for ending in endings]
            for coding, endings in packings.items()
        }
        self._make = make
        self._about = [("content-type", media_type), *about]
        self._always = [
            ("vary", varies),
            ("x-content-type-options", "nosniff"),
            *headers,
        ]
        self._made: dict[Coding, Variant] = {}
        self._digested = digested
        self.quick = quick
        self._not_modified: dict[str, Headers] = {}
        self._making = threading.Lock()

    def made(self, coding: Coding) -> Variant | None:
        """The variant in *coding* if it was asked for before."""
        return self._made.get(coding)

    def variant(self, coding: Coding) -> Variant:
        """The same, made now if it was not; from any thread."""
        with self._making:
            found = self._made.get(coding)
            if found is None:
                found = self._made[coding] = self._variant(coding)
        return found

    def tag(self, coding: Coding) -> str:
        """The entity tag of the variant in *coding*."""
        return self.etag if coding == "identity" else self.packed_tags[coding][0]

    def not_modified(self, etag: str) -> Headers:
        """The headers of a 304 for who has *etag*."""
        found = self._not_modified.get(etag)
        if found is None:
            found = self._not_modified[etag] = _raw([("etag", etag), *self._always])
        return found

    def _variant(self, coding: Coding) -> Variant:
        body = self._make(coding)
        described = [*self._about, ("content-length", str(len(body)))]
        if self._digested:
            # RFC 9530 §3.1: of the representation, so of what the coding made of it.
            described.append(("repr-digest", digest(body)))
        if self.modified is not None:
            described.append(("last-modified", format_datetime(self.modified, usegmt=True)))
        if coding != "identity":
            described.append(("content-encoding", coding))
        return Variant(body, _raw([*described, ("etag", self.tag(coding)), *self._always]))


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response. To HEAD, ``body`` is empty and the headers are those of GET."""

    status: int
    headers: Headers
    body: bytes


def etag_of(body: bytes) -> str:
    """The strong entity tag of *body* (RFC 9110 §8.8.3): its digest, so equal bytes, equal tag."""
    return f'"{base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:18]).decode()}"'


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

    Equal bytes give equal packed bytes; hashes, which do not compress, are not to be *packed*.
    """

    def make(coding: Coding) -> bytes:
        if coding == "gzip":
            return gzip.compress(body, compresslevel=6, mtime=0)
        return zstd_whole(body) if coding == "zstd" else body

    packings = PACKINGS if packed and len(body) >= WORTH_PACKING else {}
    return Representation(make, etag, media_type, modified, headers, about, packings)


def _raw(headers: Sequence[tuple[str, str]]) -> Headers:
    return [*((name.encode(), value.encode("latin-1")) for name, value in headers), SERVER]


@dataclass(frozen=True, slots=True)
class Choice:
    """What to answer: the status, the coding of the bytes, the tag that a 304 confirms."""

    status: Literal[200, 304, 412]
    coding: Coding
    etag: str


def choose(headers: Sequence[tuple[bytes, bytes]], ready: Representation, now: datetime) -> Choice:
    """What to answer to a request for *ready* with these *headers*."""
    conditional = False
    wanted = ""
    for name, value in headers:
        if name in NAMES:
            conditional = True
        elif name == b"accept-encoding":
            wanted = f"{wanted},{value.decode('latin-1')}" if wanted else value.decode("latin-1")
    packed: tuple[Coding, ...] = ()
    if wanted and ready.packed_tags:
        packed = accepted(wanted[:LONGEST_LIST], tuple(ready.packed_tags))
    coding: Coding = packed[0] if packed else "identity"
    etag = ready.tag(coding)
    if not conditional:
        return Choice(200, coding, etag)
    conditions = Conditions.of(headers)
    if packed:
        # A client that accepts gzip accepts plain bytes too, and gzip of whatever kind; if it has
        # the same content so, it is that what it keeps.
        tags = [ready.etag, *(tag for each in packed for tag in ready.packed_tags[each])]
        etag = next((held for held in tags if matches(conditions.if_none_match, held)), etag)
    return Choice(evaluate(conditions, etag, ready.modified, now), coding, etag)


def answer(
    method: Literal["GET", "HEAD"],
    headers: Sequence[tuple[bytes, bytes]],
    ready: Representation,
    now: datetime,
) -> Answer:
    """What to answer to a request for *ready*: 200, 304 or 412."""
    return answered(method, choose(headers, ready, now), ready)


def answered(method: Literal["GET", "HEAD"], choice: Choice, ready: Representation) -> Answer:
    """The answer that was chosen."""
    if choice.status != 200:
        return Answer(choice.status, ready.not_modified(choice.etag), b"")
    found = ready.made(choice.coding) or ready.variant(choice.coding)
    return Answer(200, found.headers, found.body if method == "GET" else b"")


@lru_cache(maxsize=256)
def accepted(field: str, offered: tuple[Coding, ...]) -> tuple[Coding, ...]:
    """The codings of those *offered* that an Accept-Encoding of this value likes no less than plain
    bytes (RFC 9110 §12.5.3), the best first; of equal ones the first offered."""
    weights: dict[str, float] = {}
    for part in field.lower().split(","):
        if found := _CODING.fullmatch(part.strip()):
            weights[found[1].removeprefix("x-")] = min(float(found[2] or 1), 1.0)
    # Who writes "*" was not thinking of zstd, which is younger than most who do.
    weights.setdefault("gzip", weights.get("*", 0.0))
    least = weights.get("identity", 0.0)
    liked = [each for each in offered if weights.get(each, 0.0) > 0 and weights[each] >= least]
    return tuple(sorted(liked, key=lambda each: -weights[each]))
