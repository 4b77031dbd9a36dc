"""What the HTTP client is asked, and what it answers: values only."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

from stories.errors import FetchError

State = Literal[
    "bad-url",
    "bad-header",
    "dns",
    "forbidden-address",
    "refused",
    "tls",
    "timeout",
    "reset",
    "protocol",
    "redirects",
    "too-large",
    "truncated",
]
STATES: Final[tuple[str, ...]] = get_args(State)
"""Every ``FetchError.state`` that the client can end with."""

PERMANENT = frozenset({301, 308})
"""Statuses of a permanent redirect (RFC 9110 §15.4.2, §15.4.9)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One poll of one wire.

    ``etag`` and ``last_modified`` are sent verbatim as If-None-Match and If-Modified-Since, both,
    every time. ``headers`` are the wire's own; they may be secrets, and so they are kept out of
    ``repr`` and messages, and go to the origin of ``url`` only, never to another one that a
    redirect leads to (RFC 9110 §15.4). ``timeout`` is in seconds and for the whole exchange.
    ``max_bytes`` limits the body as sent and as decoded; a larger one is refused, not cut.
    """

    wire: str
    url: str = field(repr=False)
    etag: str | None = None
    last_modified: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    allow_private: bool = False
    timeout: float = 30.0
    max_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Hop:
    """A redirect that was followed: its status, who sent it, and to where (both absolute)."""

    status: int
    url: str = field(repr=False)
    location: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """How one request ended.

    Any status is an answer: 404, 429 and 503 are no errors here, and are not made errors by a
    body that breaks off or is too large (``body`` is then empty). ``error`` is set when there is
    no whole answer to go by; ``status``, ``url`` and ``headers`` then tell how far it got, and
    ``body`` is empty. ``status`` is 0 when none arrived. ``url`` is the last one asked.
    ``headers`` are those of the last response as received, names in lower case, order and
    repetitions kept, and read as ISO 8859-1, so that validators go back byte for byte.
    ``elapsed`` is in seconds.
    """

    wire: str
    requested_at: datetime
    elapsed: float
    status: int
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    hops: tuple[Hop, ...]
    error: FetchError | None

    @property
    def moved_to(self) -> str | None:
        """The final URL if every hop to it was permanent (301, 308), else None."""
        permanent = self.hops and all(hop.status in PERMANENT for hop in self.hops)
        return self.url if permanent and self.error is None else None
