"""Who may read private feeds: subscribers, by the token that a request carries.

The good tokens are in memory, by their digests. At most once in :data:`RECHECK` seconds the
database is asked whether they are others now, so one that is revoked opens nothing a second later,
in any web process, and a wrong one costs no look into the database. It is found by its SHA-256: how
long the search takes may tell of digests, and by no digest anybody finds a token. Nothing that is
answered without a good token depends on whether there is what was asked for.
"""

import base64
import threading
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote

import structlog

from publish.web.allowance import Allowances
from publish.web.representation import Headers
from stories import clock
from stories.config import Config, Feed
from stories.db import SQLAlchemyError, Store, subscribers
from stories.db.subscribers import Subscriber
from stories.errors import StoreError
from stories.models import Story

RECHECK = 1.0
"""Seconds for which the tokens in memory are taken for those that are good."""

BURST = 120.0
"""Requests with one token that are answered at once, by each web process: a start of a reader that
has every format of forty feeds."""

A_SECOND = 2.0
"""And how many a second after those."""

TRIES = 20.0
"""Wrong tokens that are answered to one address at once, by each web process."""

TRIES_A_SECOND = 0.2
"""And how many a second after those."""

WRITTEN = 60.0
"""Seconds after which it is stored that a token was used."""

LONGEST_TOKEN = 200
"""Characters; ours have 43."""

CHALLENGE = ("www-authenticate", 'Basic realm="Private feeds", charset="UTF-8"')

PRIVATELY = (
    ("cache-control", "private, no-cache"),
    ("referrer-policy", "no-referrer"),
    ("x-robots-tag", "noindex"),
)
"""Headers of what a subscriber gets: for nobody else's cache, and asked for anew each time, so that
it ends when its token is revoked."""

log = structlog.get_logger(__name__)


class RefusedError(Exception):
    """A request is not answered, whatever it asks for."""

    def __init__(self, status: int, text: str, *headers: tuple[str, str]) -> None:
        super().__init__(text)
        self.status = status
        self.headers = dict(headers)


@dataclass(frozen=True, slots=True)
class Reader:
    """A subscriber who asks, and the ``wires`` that it may have, None for all. ``key`` ends the
    addresses of what its feeds lead to, where theirs ended so; it is empty for who has the token in
    a header."""

    of: Subscriber
    wires: frozenset[str] | None
    key: str = ""

    def opens(self, feed: Feed) -> bool:
        """Whether its token opens *feed*."""
        return opens(self.of, feed)

    def shown(self, feed: Feed, story: Story) -> bool:
        """Whether it may read what *feed* has of *story*."""
        return not feed.private or (self.opens(feed) and self.has(story))

    def has(self, story: Story) -> bool:
        """Whether *story* came by a wire that it may have."""
        return self.wires is None or story.wire in self.wires


class Gate:
    """Knows the subscribers of *config*'s private feeds from *store*; *monotonic* in seconds. For
    any thread."""

    def __init__(
        self, config: Config, store: Store, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._monotonic = monotonic
        self.guards = len(config.public_feeds) < len(config.outgoing)
        self._good: dict[str, Subscriber] | None = None
        self._stamp: tuple[int, int] | None = None
        self._checked = self._confirmed = float("-inf")
        self._asking, self._counting = threading.Lock(), threading.Lock()
        self._known = Allowances(monotonic, BURST, A_SECOND)
        self._strangers = Allowances(monotonic, TRIES, TRIES_A_SECOND)
        self._uses: dict[int, tuple[int, datetime]] = {}
        self._config = config
        self._wires: dict[int, frozenset[str] | None] = {}

    def is_due(self) -> bool:
        """Whether :meth:`look` will ask the database."""
        return self._monotonic() - self._checked >= RECHECK

    def look(self) -> None:
        """See which tokens are good, if that is due. Blocks.

        While the database is away those in memory are, for ``site.stale``.
        """
        with self._asking:
            now = self._monotonic()
            if now - self._checked < RECHECK:
                return
            try:
                with self._store.read() as conn:
                    stamp = subscribers.stamp(conn)
                    if self._good is None or stamp != self._stamp:
                        self._good, self._stamp = subscribers.good(conn), stamp
                self._confirmed = now
            except (SQLAlchemyError, StoreError) as error:
                log.warning("subscribers not looked up", error=f"{type(error).__name__}: {error}")
            self._checked = now

    def reader(self, scope: MutableMapping[str, Any]) -> Reader | None:
        """Whose token the request of *scope* carries; None for none and for a wrong one.

        :raises RefusedError: when it comes too often, asks to be asked for a token, or when the
            tokens are not known.
        """
        token = token_of(scope["headers"], scope["query_string"])
        # Readers that send a password only when they are asked for one ask to be asked.
        asks = "login" in parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        found = None
        if token is not None:
            since = self._monotonic() - self._confirmed
            if since > self._config.site.stale.total_seconds() + RECHECK or self._good is None:
                text = "subscribers cannot be looked up now; ask again shortly"
                raise RefusedError(503, text, ("retry-after", "30"))
            found = self._good.get(subscribers.digest_of(token))
            self._take(found, scope)
        if found is None and asks:
            raise RefusedError(401, "a token is wanted, as the password", CHALLENGE)
        if found is None or token is None:
            return None
        if found.id not in self._wires:
            self._wires[found.id] = wires_of(self._config, found)
        key = f"?token={quote(token)}" if token_of([], scope["query_string"]) == token else ""
        return Reader(found, self._wires[found.id], key)

    def _take(self, found: Subscriber | None, scope: MutableMapping[str, Any]) -> None:
        """Count a request with a good token, or with a wrong one.

        :raises RefusedError: when there were too many.
        """
        if found is None:
            wait = self._strangers.wait((scope.get("client") or ("",))[0])
        else:
            wait = self._known.wait(found.id)
            if wait == 0:
                with self._counting:
                    self._note(found)
        if wait > 0:
            raise RefusedError(429, "too many requests", ("retry-after", str(int(wait) + 1)))

    def _note(self, found: Subscriber) -> None:
        if not self._uses:
            writer = threading.Timer(WRITTEN, self.write_uses)
            writer.daemon = True
            writer.start()
        count, _ = self._uses.get(found.id, (0, None))
        self._uses[found.id] = (count + 1, clock.now())

    def write_uses(self) -> None:
        """Store how often tokens were used since the last time. What cannot be stored is not
        counted."""
        with self._counting:
            uses, self._uses = self._uses, {}
        try:
            with self._store.write() as conn:
                subscribers.note_uses(conn, uses)
        except (SQLAlchemyError, StoreError) as error:
            log.warning("uses not counted", error=f"{type(error).__name__}: {error}")


def token_of(headers: Headers, query: bytes) -> str | None:
    """The token of a request: ``Authorization: Bearer TOKEN``, the password of Basic (RFC 7617), or
    ``?token=TOKEN``; None when there is none."""
    given = next((value for name, value in headers if name == b"authorization"), b"")
    scheme, _, rest = given.decode("latin-1").strip().partition(" ")
    token = None
    if scheme.lower() == "bearer":
        token = rest.strip()
    elif scheme.lower() == "basic":
        try:
            token = base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            token = ""
    elif found := parse_qs(query.decode("latin-1")).get("token"):
        token = found[-1]
    return token if token is None or len(token) <= LONGEST_TOKEN else ""


def wires_of(config: Config, of: Subscriber) -> frozenset[str] | None:
    """The wires that a subscriber may have, as they are called today; None for all.

    An agency's are those that are configured as its, by its name or its code.
    """
    if not of.wires and not of.agencies:
        return None
    agencies = {name.casefold() for name in of.agencies}
    return frozenset(
        wire.name
        for wire in config.wires
        if {wire.name, *wire.aliases} & set(of.wires)
        or {(wire.agency or "").casefold(), (wire.code or "").casefold()} & agencies
    )


def opens(of: Subscriber, feed: Feed) -> bool:
    """Whether the token of a subscriber opens *feed*."""
    return not of.feeds or bool({feed.name, *feed.aliases} & set(of.feeds))
