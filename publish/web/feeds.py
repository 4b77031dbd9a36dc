"""Feed documents, ``/feeds/NAME.rss``, ``.atom`` and ``.json``: ready bytes, straight from ASGI.

Private feeds are for who has a token (:mod:`publish.web.gate`); where its licence is for some wires
only, or has what is under embargo early (:mod:`publish.early`), it has a feed of its own.

Each feed is kept in memory as the list of its entries, and each document that is asked for ready to
be sent. Before it is sent, at most once in :data:`RECHECK` seconds, the database is asked what is
told of the feed; only when that differs the list is read, and the entries that are new in it. While
the database does not answer, what is in memory is served, for a time, marked as stale
(:mod:`publish.web.stale`): to a subscriber a feed of a minute ago is better than an error.

What is in memory is what the feeds show that were asked for: an entry that several show is there
once, and goes when the last of them has it no more.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import structlog

from publish import licence
from publish.document import gzip_whole, zstd_whole
from publish.early import Seen, early
from publish.formats import WRITERS
from publish.selection import lifetime, metadata
from publish.served import Document, Fragment, Listing, listing
from publish.web import deltas, proofs
from publish.web.deltas import Forms
from publish.web.gate import PRIVATELY, Gate, Reader, RefusedError
from publish.web.representation import (
    SERVER,
    Answer,
    Coding,
    Headers,
    Packings,
    Representation,
    answered,
    choose,
)
from publish.web.stale import RETRY, Stale
from publish.xml import iri
from stories import clock
from stories.config import Config, Feed
from stories.db import Store, feeds
from stories.db.feeds import Format
from stories.transparency import Known

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

RECHECK = 1.0
"""Seconds for which a document is served without asking whether it is the latest."""

SETTLED = 1.0
"""Seconds after which a feed that has not changed again is packed whole. Until then gzip has each
entry packed by itself: a fiftieth of the work for a fifth more bytes."""

PATIENCE = 0.5
"""Seconds that a request waits for the database before it gets what is in memory."""

FIRST_PATIENCE = 5.0
"""The same while nothing is in memory that could be served instead."""

SOON = 5
"""Retry-After in seconds for a feed that waits to be rendered, which takes one or two."""

MOVED_FOR = timedelta(days=1)
"""How long caches may keep where a feed is now."""

METHODS = "GET, HEAD, OPTIONS"

VARIES = "Accept-Encoding, A-IM"
"""The header fields of a request by which the form of a feed is chosen."""

Told = tuple[list[tuple[str, str]], list[tuple[str, str]]]
"""Headers of every answer, and of a 200."""

_PLAIN = ("content-type", "text/plain; charset=utf-8")

_WHOLE: Packings = {"zstd": ("zstd",), "gzip": ("gzip-whole", "gzip-blocks", "gzip")}
_BLOCKS: Packings = {"zstd": ("zstd",), "gzip": ("gzip-blocks", "gzip-whole", "gzip")}
"""The endings of the tags of a feed that is packed; "gzip" alone is that of release 0.1."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Slot:
    """One feed as it is in memory, and how the database was last asked for it."""

    feed: Feed
    reader: Reader | None = None  # one of those who have the same of a private feed
    base: Listing | None = None  # what all have
    early: dict[str, Seen] = field(default_factory=dict)
    listing: Listing | None = None
    ready: dict[Format, Representation] = field(default_factory=dict)
    since: float = 0.0
    whole: bool = True
    documents: dict[Format, Document] = field(default_factory=dict)
    forms: Forms = field(default_factory=Forms)
    checked: float = float("-inf")
    confirmed: float = float("-inf")  # when the database was asked what is in memory
    away_since: float | None = None
    asked: float = 0.0
    notices: int = 0
    task: "asyncio.Task[None] | None" = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The feed's name."""
        return self.feed.name

    @property
    def wires(self) -> frozenset[str] | None:
        """Those whose stories it has; None for all."""
        return self.reader.wires if self.reader is not None else None

    @property
    def lead(self) -> timedelta:
        """By how much it has early what is under embargo."""
        return self.reader.of.lead if self.reader is not None else timedelta(0)


class Feeds:
    """An ASGI application for every feed document of *config*, under ``/feeds/``; *gate* knows who
    may read private ones.

    *monotonic* gives seconds; it decides when the database is asked again. A feed that stood for
    *settled* seconds is packed whole.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        gate: Gate,
        monotonic: Callable[[], float] = time.monotonic,
        settled: float = SETTLED,
    ) -> None:
        self._settled = settled
        self._gate = gate
        self._looking: asyncio.Task[None] | None = None
        self._config = config
        self._store = store
        self._monotonic = monotonic
        self._stale = config.site.stale.total_seconds()
        self._confirmed = float("-inf")  # the last of those of all slots
        self._fragments: WeakValueDictionary[str, Fragment] = WeakValueDictionary()
        self._log = Known()
        self._told: dict[tuple[str, Format], Told] = {}
        slots = [Slot(f) for f in config.public_feeds]
        # A proxy in front may or may not remove the site's path.
        self._roots = sorted({f"{prefix}/feeds/" for prefix in ("", _path(config.site.url))})
        self._documents = {
            f"{root}{slot.name}.{format}": (slot, format)
            for root in self._roots
            for slot in slots
            for format in feeds.FORMATS
        }
        self._slots = slots
        self._private: dict[str, tuple[Feed, Format]] = {
            f"{root}{name}.{format}": (feed, format)
            for root in self._roots
            for feed in config.outgoing
            if feed.private
            for name in (*feed.aliases, feed.name)
            for format in feeds.FORMATS
        }
        self._licensed: dict[tuple[str, frozenset[str] | None, timedelta], Slot] = {}
        self._moved = {
            f"{root}{alias}.{format}": f"{config.site.url}/feeds/{feed.name}.{format}"
            for root in self._roots
            for feed in config.public_feeds
            for alias in feed.aliases
            for format in feeds.FORMATS
        }
        # Not the loop's own threads: all of them may wait for a database that hangs. Look-ups stay
        # there, as the loop waits for them when it ends, before the store is closed.
        self._packers = ThreadPoolExecutor(2, "packer")
        self._like_one = re.compile(rf"(?:{'|'.join(map(re.escape, self._roots))})[^/]*\.[^/]*")

    def changed(self, names: Iterable[str] | None = None) -> None:
        """Have the feeds *names* (None: all) looked up at their next request; from any thread."""
        wanted = None if names is None else set(names)
        for slot in self._slots:
            if wanted is None or slot.name in wanted:
                slot.notices += 1
                slot.checked = float("-inf")

    def handles(self, path: str) -> bool:
        """True for a path that looks like a feed document's: no feed's page has a dot."""
        return path in self._documents or self._like_one.fullmatch(path) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request whose path it :meth:`handles`."""
        document = self._documents.get(scope["path"])
        method = scope["method"]
        if document is None:
            moved = self._moved.get(scope["path"])
            await _send(send, _moved(moved, method) if moved else await self._privately(scope))
        elif method in ("GET", "HEAD"):
            await _send(send, await self._answer(*document, method, scope["headers"]))
        elif method == "OPTIONS":
            await _send(send, preflight())
        else:
            text = f"{method} is not for feeds; they are read with GET"
            await _send(send, _plainly(405, text, [("allow", METHODS)]))

    async def _privately(self, scope: Scope) -> Answer:
        """What is answered where no public feed is: a private one, to its subscribers. To all
        others it is the same whether there is one or not."""
        path, method = scope["path"], scope["method"]
        found = None
        if self._gate.guards:
            await self._look()
            try:
                found = self._gate.reader(scope)
            except RefusedError as refused:
                return _plainly(refused.status, str(refused), refused.headers.items(), method)
        document = self._private.get(path)
        if found is None or document is None or not found.opens(document[0]):
            return self._unknown(path, method)
        if method not in ("GET", "HEAD"):
            return _plainly(405, f"{method} is not for feeds", [("allow", "GET, HEAD")])
        feed, format = document
        alike = feed.name, found.wires, found.of.lead
        slot = self._licensed.get(alike)
        if slot is None:
            slot = self._licensed[alike] = Slot(feed, found)
            self._slots.append(slot)
        return await self._answer(slot, format, method, scope["headers"], found.key)

    async def _look(self) -> None:
        """Have the gate look which tokens are good, if that is due and the database answers."""
        if self._looking is None and self._gate.is_due():
            self._looking = asyncio.create_task(asyncio.to_thread(self._gate.look))
        if self._looking is not None:
            await asyncio.wait({self._looking}, timeout=PATIENCE)
            if self._looking is not None and self._looking.done():
                self._looking = None

    async def _answer(
        self,
        slot: Slot,
        format: Format,
        method: Literal["GET", "HEAD"],
        headers: Headers,
        key: str = "",
    ) -> Answer:
        now = self._monotonic()
        if now - slot.checked >= RECHECK:
            await self._recheck(slot, now)
        ready, stale = slot.ready.get(format), None
        if slot.away_since is not None:
            age = self._monotonic() - slot.confirmed
            stale = Stale(age, self._stale - age)
        if ready is None or (stale is not None and stale.left <= 0):
            why, wait = "it waits to be rendered for the first time", SOON
            if stale is not None:
                why, wait = "the database cannot be reached, nor what was killed meanwhile", RETRY
            return _plainly(
                503,
                f"{slot.name}.{format} cannot be served now: {why}; ask again shortly",
                [("retry-after", str(wait))],
                method,
            )
        document = slot.documents[format]
        if (own := document.addressed(key)) is not document:
            # Kept for nobody, as there are many; but entries are packed already.
            ready = self._represent(own, slot.feed, format, ready.modified, whole=False)
        loop = asyncio.get_running_loop()
        choice = choose(headers, ready, clock.now())
        known = deltas.known_by(headers) if choice.status == 200 else None
        if known is not None:
            asked = (slot, own, format, known, choice.coding)
            new = await loop.run_in_executor(self._packers, self._new, *asked)
            if new is not None:
                return new if method == "GET" else Answer(new.status, new.headers, b"")
        missing = choice.status == 200 and ready.made(choice.coding) is None
        if missing and choice.coding not in ready.quick:
            # Milliseconds for a feed of a thousand entries, in which others are to be answered.
            await loop.run_in_executor(self._packers, ready.variant, choice.coding)
        found = answered(method, choice, ready)
        if stale is None:
            return found
        return Answer(found.status, stale.told(found.headers), found.body)

    def stale(self) -> float:
        """Since how many seconds the database has not confirmed what is served; 0 while it does."""
        now = self._monotonic()
        away = [
            now - slot.confirmed
            for slot in [*self._slots]
            if slot.ready and slot.away_since is not None and slot.away_since > self._confirmed
        ]
        return max(away, default=0.0)

    def _new(
        self, slot: Slot, document: Document, format: Format, known: str, coding: Coding
    ) -> Answer | None:
        """What is new in *document* to who has the form of the feed that is *known* by its tags
        (RFC 3229); None when that is not remembered, or nothing would be left out."""
        form = slot.forms.turn_of(known)
        if form is None:
            return None
        turn, base = form
        entries = [*document.entries]
        new = slot.forms.new_since(turn, entries)
        if len(new) == len(entries):
            return None
        body = document.body(new)
        headers, links = self._headers_of(slot.feed, format)
        ready = Representation(
            lambda coding: _packed(body, coding),
            document.etag,  # of the whole, which the client has with this (RFC 3229)
            WRITERS[format].content_type,
            None,
            [
                *{**dict(headers), "cache-control": deltas.CACHED}.items(),
                ("im", "feed"),
                ("delta-base", base),
            ],
            links,
            packings=_WHOLE if slot.whole else _BLOCKS,
            varies=_varies(slot.feed),
            digested=False,
        )
        found = ready.variant(coding)
        return Answer(226, found.headers, found.body)

    async def _recheck(self, slot: Slot, now: float) -> None:
        """Bring *slot* up to date, if the database answers in time.

        However many requests wait, the database is asked once.
        """
        if slot.task is None:
            slot.asked = now
            slot.task = asyncio.get_running_loop().create_task(self._update(slot))
        patience = PATIENCE if slot.ready else FIRST_PATIENCE
        left = slot.asked + patience - now
        if left > 0:
            await asyncio.wait({slot.task}, timeout=left)
        if slot.task is not None and slot.away_since is None:
            slot.away_since = now
            log.warning("database slow, serving from memory", feed=slot.name)

    async def _update(self, slot: Slot) -> None:
        notices = slot.notices
        try:
            await asyncio.to_thread(self._read, slot)
        except Exception as error:  # whatever a driver raises, what is in memory is served
            if slot.away_since is None:
                slot.away_since = self._monotonic()
                log.warning("database away, serving from memory", feed=slot.name, error=str(error))
        else:
            if slot.away_since is not None:
                slot.away_since = None
                log.info("database back", feed=slot.name)
        finally:
            # What was told while the database was asked may have come too late for its answer.
            slot.checked = self._monotonic() if slot.notices == notices else float("-inf")
            slot.task = None

    def _read(self, slot: Slot) -> None:
        """Read what is new of *slot*; in a thread, one at a time for each slot."""
        base, seen = slot.base, slot.early
        asked = self._monotonic()
        with self._store.read() as conn:
            rows = feeds.rows_of(conn, slot.name)
            if rows and (base is None or base.rows != rows):
                base = listing(conn, slot.name, rows, self._fragments, self._log, slot.wires)
            if slot.reader is not None and slot.lead:
                may = slot.reader.has
                seen = early(conn, self._config, slot.feed, slot.lead, may, slot.early)
        self._confirmed = slot.confirmed = asked
        if base is None:
            return
        found = slot.listing
        if found is None or base is not slot.base or seen != slot.early:
            first = {each.digests: each.fragment for each in seen.values()}
            found = replace(base, entries={**first, **base.entries}) if seen else base
        now, same = self._monotonic(), found is slot.listing
        if not same:
            slot.since = now if slot.listing is not None else now - self._settled
        whole = now - slot.since >= self._settled
        about = metadata(slot.feed, self._config, found.updated, found.older)
        ready, documents = {}, {}
        for format, row in found.rows.items():
            # Two changes in one second are dated a second apart, and no Last-Modified may be later
            # than Date (RFC 9110 §8.8.2.1).
            modified = row.modified_at if row.modified_at <= clock.now() else None
            if slot.lead:
                modified = None  # what it has early is in no row
            before = slot.ready.get(format) if same and slot.whole == whole else None
            document = slot.documents.get(format) if same else None
            if document is None:
                document = Document(found, about, format)
            documents[format] = document
            if before is None or before.modified != modified:
                before = self._represent(document, slot.feed, format, modified, whole=whole)
            ready[format] = before
        if not same:
            slot.forms.follow(found.entries, [each.etag for each in documents.values()])
        slot.documents = documents
        slot.base, slot.early = base, seen
        slot.ready, slot.listing, slot.whole = ready, found, whole

    def _represent(
        self,
        document: Document,
        feed: Feed,
        format: Format,
        modified: datetime | None,
        *,
        whole: bool,
    ) -> Representation:
        """*document* ready to be served; *whole*: packed as one."""

        def make(coding: Coding) -> bytes:
            if coding == "gzip" and not whole:
                return document.gzip_of_blocks()
            return _packed(document.body(), coding)

        headers, links = self._headers_of(feed, format)
        quick: tuple[Coding, ...] = ("gzip",) if document.nearly_packed and not whole else ()
        return Representation(
            make,
            document.etag,
            WRITERS[format].content_type,
            modified,
            headers,
            links,
            packings=_WHOLE if whole else _BLOCKS,
            quick=quick,
            varies=_varies(feed),
            digested=whole,  # for a second it would cost more than all else made of a change
        )

    def _headers_of(self, feed: Feed, format: Format) -> Told:
        """:func:`headers_of`, asked once, as it looks at all wires."""
        told = self._told.get((feed.name, format))
        if told is None:
            told = self._told[feed.name, format] = headers_of(self._config, feed, format)
        return told

    def _unknown(self, path: str, method: str) -> Answer:
        asked = path.rpartition("/")[2]
        names = ", ".join(f"{f.name}.{{rss,atom,json}}" for f in self._config.public_feeds)
        return _plainly(404, f"no feed {asked!a}; there are: {names}", method=method)


def headers_of(config: Config, feed: Feed, format: Format) -> Told:
    """Headers of a feed's document that depend on no entry: of every answer, and of a 200."""
    site = config.site.url
    under = licence.of_feed(config, feed)
    if feed.private:
        return [*PRIVATELY], under.headers(site, proofs.links(config))
    fresh = int(lifetime(feed, config).total_seconds())
    kind = WRITERS[format].content_type.partition(";")[0]
    links = (
        f'<{site}/feeds/{feed.name}.{format}>; rel="self"; type="{kind}", '
        f'<{site}/feeds/{feed.name}>; rel="alternate"; type="text/html", '
        f"{proofs.links(config)}"
    )
    if hub := config.hub_address:
        links = f'<{iri(hub)}>; rel="hub", {links}'
    stale = int(config.site.stale.total_seconds())
    always = [
        (
            "cache-control",
            f"public, max-age={fresh}, stale-while-revalidate={fresh}, stale-if-error={stale}",
        ),
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "ETag, Last-Modified, Link, Repr-Digest, IM"),
    ]
    return always, under.headers(site, links)


def _varies(feed: Feed) -> str:
    return f"{VARIES}, Authorization" if feed.private else VARIES


def _packed(body: bytes, coding: Coding) -> bytes:
    if coding == "gzip":
        return gzip_whole(body)
    return zstd_whole(body) if coding == "zstd" else body


def _path(url: str) -> str:
    return urlsplit(url).path.rstrip("/")


def _moved(address: str, method: str) -> Answer:
    """Where a feed is now that had another name, for good (RFC 9110 §15.4.2)."""
    # Preflights are answered as everywhere, so that scripts of other sites may follow.
    if method == "OPTIONS":
        return preflight()
    fresh = f"public, max-age={int(MOVED_FOR.total_seconds())}"
    headers = [("location", address), ("cache-control", fresh)]
    return _plainly(301, f"this feed is now at {address}", headers, method)


def _plainly(
    status: int, text: str, headers: Iterable[tuple[str, str]] = (), method: str = "GET"
) -> Answer:
    """A short text that nobody may cache, as it may be another in a second, unless *headers* say
    otherwise."""
    body = f"{text}\n".encode()
    given = dict(headers)
    lines = [
        _PLAIN,
        ("content-length", str(len(body))),
        ("x-content-type-options", "nosniff"),
        ("access-control-allow-origin", "*"),
        *{"cache-control": "no-store", **given}.items(),
    ]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in lines]
    return Answer(status, [*raw, SERVER], body if method != "HEAD" else b"")


def preflight() -> Answer:
    """The answer to OPTIONS, which browsers ask before they send If-None-Match to another site."""
    return Answer(
        204,
        [
            (b"allow", METHODS.encode()),
            (b"access-control-allow-origin", b"*"),
            (b"access-control-allow-methods", METHODS.encode()),
            (b"access-control-allow-headers", b"If-None-Match, If-Modified-Since, A-IM"),
            (b"access-control-max-age", b"86400"),
            SERVER,
        ],
        b"",
    )


async def _send(send: Send, answer: Answer) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})


__all__ = ["Feeds", "Receive", "Scope", "Send"]
