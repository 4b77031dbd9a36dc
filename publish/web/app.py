"""The site as one ASGI application: feeds, pages, proofs, health and metrics.

Feeds are answered from memory by :mod:`publish.web.feeds`; all else is routed by Starlette.
"""

import asyncio
import hmac
import json
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import structlog
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from publish import licence, opml
from publish.formats import WRITERS, Format
from publish.web import archives, documents, pictures, proofs, search, sitemap, views
from publish.web.callback import Callbacks
from publish.web.feeds import SETTLED, Feeds, Receive, Scope, Send, preflight
from publish.web.gate import PRIVATELY, Gate, Reader, RefusedError, token_of
from publish.web.hub import Hub
from publish.web.inbox import Inbox
from publish.web.pages import CACHED, ICON, PICTURE, PageCache, Pages
from publish.web.representation import SERVER, Representation, answer
from publish.web.stale import RETRY, Stale
from publish.web.story import StoryPage, gone, story_page
from publish.xml import iri
from stories import clock
from stories.config import Config
from stories.db import Connection, SQLAlchemyError, Store, feeds, wires
from stories.db import pictures as kept_pictures
from stories.errors import StoreError
from wirecopy.urls import resolve

App = Callable[[Scope, Receive, Send], Awaitable[None]]

PATIENCE = 3.0
"""Seconds that ``/readyz`` waits for database and broker: probes commonly give up after five."""

SEARCHES = 4
"""Searches at once in one process; more wait for half a second, as pages need threads, too."""

PROOF_METHODS = ["GET", "HEAD", "OPTIONS"]
"""Of keys, chains and log, which verifiers in browsers ask for from other sites."""

_STORY = re.compile(r"[a-z2-7]{13}", re.ASCII)

_MESSAGES = {
    401: (
        "Not for everybody",
        "This page is shown to who has a token: of the site's operator, or of a private feed.",
    ),
    404: ("Nothing is here", "There is no such page, or it has not been published."),
    410: (
        "No longer here",
        "This story has been withdrawn, or the licence under which it was published has ended.",
    ),
    429: ("Too many requests", "Please try again in a moment."),
    405: ("That cannot be done here", "This page can only be read."),
    500: ("Something went wrong", "The page could not be made. The fault has been noted."),
    503: ("Back in a moment", "The page cannot be made just now. Please try again shortly."),
}

_AWAY = (
    "The database cannot be reached, so it cannot be seen whether what was here still stands. It is"
    " shown again once it can. Please try again shortly."
)

View = TypeVar("View")
Page = TypeVar("Page", views.Home, views.FeedPage, StoryPage)

log = structlog.get_logger(__name__)


class AwayError(Exception):
    """The database does not answer."""


def create(
    config: Config,
    store: Store,
    *,
    ready: Callable[[], dict[str, str]],
    metrics: Callable[[], bytes] | None,
    status: Callable[[], views.StatusPage] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    kept: int = CACHED,
    settled: float = SETTLED,
    came: Callable[[], None] = lambda: None,
) -> "Application":
    """The application that serves the site of *config* from *store*.

    *ready* gives the state of what is needed besides the database (the broker): ``ok`` or why not.
    *metrics* gives Prometheus' text format (None: not here), *status* the operator's page. All
    three are called in a thread and may block. *monotonic* (seconds) decides when a feed is looked
    up again. Up to *kept* pages are cached. A feed is packed whole once it stood *settled* seconds.
    *came* is called in a thread when copy that was sent to us is stored, to be taken in.
    """
    gate = Gate(config, store, monotonic)
    served = Feeds(config, store, gate, monotonic, settled)
    site = Site(config, store, gate, served, ready, metrics, status, monotonic, kept, came)
    return Application(served, site)


class Application:
    """The whole site as one ASGI application; ``feeds`` can be told which feeds changed."""

    def __init__(self, feeds: Feeds, site: "Site") -> None:
        self.feeds = feeds
        self._pages = cast("App", site.starlette())
        self._root = site.pages.root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            if self.feeds.handles(scope["path"]):
                await self.feeds(scope, receive, send)
                return
            if self._root and (scope["path"] + "/").startswith(f"{self._root}/"):
                # A proxy in front left the site's path in place.
                scope = {**scope, "path": scope["path"][len(self._root) :] or "/"}

        async def send_with_server(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and SERVER not in message["headers"]:
                message["headers"] = [*message["headers"], SERVER]
            await send(message)

        try:
            await self._pages(scope, receive, send_with_server)
        except Exception:
            # Starlette has answered 500 by now, and raises again so that it can be logged.
            log.exception("request failed", path=scope.get("path"), method=scope.get("method"))


class Site:
    """Everything but the feeds: what each route answers."""

    def __init__(
        self,
        config: Config,
        store: Store,
        gate: Gate,
        served: Feeds,
        ready: Callable[[], dict[str, str]],
        metrics: Callable[[], bytes] | None,
        status: Callable[[], views.StatusPage] | None,
        monotonic: Callable[[], float] = time.monotonic,
        kept: int = CACHED,
        came: Callable[[], None] = lambda: None,
    ) -> None:
        self.config = config
        self.store = store
        self.pages = Pages(config)
        self._ready = ready
        self._metrics = metrics
        self._status = status
        self._feeds = served
        self._monotonic = monotonic
        self._started = clock.now()
        self._kept = PageCache(kept)
        self._gate = gate
        self._inbox = Inbox(config, store, came)
        self._callbacks = Callbacks(config, store, came)
        self._hub = Hub(config, store)
        self._licences = licence.every(config)
        self._searches = threading.BoundedSemaphore(SEARCHES)
        self._probes: dict[str, asyncio.Future[dict[str, str]]] = {}

    def starlette(self) -> Starlette:
        """The routes."""
        app = Starlette(
            routes=[
                Route("/", self.home),
                Route("/feeds/{name}", self.feed),
                Route("/feeds/{name}/archive/{document}", self.archive, methods=PROOF_METHODS),
                Route("/stories/{name}", self.story),
                Route("/stories/{name}/statements", self.statements, methods=PROOF_METHODS),
                *(
                    Route(f"/stories/{{name}}/{form}", partial(self.document, form))
                    for form in documents.FORMS
                ),
                Route("/wires/{name}", self._inbox.receive, methods=["POST"]),
                Route("/wires/{name}/{token}", self._callbacks.answer, methods=["GET", "POST"]),
                Route("/hub", self._hub.receive, methods=["POST"]),
                Route("/.well-known/jwks.json", self.jwks, methods=PROOF_METHODS),
                Route("/log/checkpoint", self.checkpoint, methods=PROOF_METHODS),
                Route("/log/tile/{path:path}", self.tile, methods=PROOF_METHODS),
                Route("/log/{name}/checkpoint", self.checkpoint, methods=PROOF_METHODS),
                Route("/log/{name}/tile/{path:path}", self.tile, methods=PROOF_METHODS),
                Route("/healthz", self.healthz),
                Route("/readyz", self.readyz),
                Route("/metrics", self.metrics),
                Route("/status", self.status),
                Route("/robots.txt", self.robots),
                Route("/feeds.opml", self.opml),
                Route("/licences/{name}.xml", self.licence),
                Route("/.well-known/tdmrep.json", self.tdmrep),
                Route("/sitemap-news.xml", self.sitemap),
                Route("/search", self.search),
                *(
                    Route(
                        f"/search.{format}",
                        partial(self.search_feed, format),
                        methods=PROOF_METHODS,
                    )
                    for format in WRITERS
                ),
                Route("/pictures/{name}", self.kept),
                Route("/static/{path:path}", self.script),
                Route("/favicon.ico", self.icon),
                Route("/favicon.svg", self.icon),
                Route("/icon.png", self.picture),
            ],
            exception_handlers={
                HTTPException: self._refused,
                AwayError: self._away,
                Exception: self._failed,
            },
        )
        # It would redirect to whatever host the request names.
        app.router.redirect_slashes = False
        return app

    def home(self, request: Request) -> Response:
        """``/``: the feeds, and what is new."""

        def state(conn: Connection) -> object:
            return views.feed_lines(conn, self.config), self._pictures(conn)

        return self._page(request, "home.html", state, lambda c: views.home(c, self.config))

    def feed(self, request: Request) -> Response:
        """``/feeds/NAME``: a feed for people."""
        name = str(request.path_params["name"])
        feed = self.config.public_feed(name)
        for other in self.config.public_feeds if feed is None else ():
            if name in other.aliases:
                now = f"{self.config.site.url}/feeds/{other.name}"
                return Response(status_code=301, headers={"location": now})
        if feed is None:
            raise HTTPException(404, f"There is no feed called “{name}”.")

        def state(conn: Connection) -> object:
            return feeds.feed_etag(conn, name, "json"), self._pictures(conn)

        return self._page(
            request, "feed.html", state, lambda c: views.feed_page(c, self.config, feed)
        )

    def archive(self, request: Request) -> Response:
        """``/feeds/NAME/archive/NUMBER.FORMAT``: one document of a feed's archive."""
        if request.method == "OPTIONS":
            return _preflight()
        name, document = (str(request.path_params[each]) for each in ("name", "document"))

        def public() -> Response:
            of = archives.asked(self.config.public_feeds, name, document)
            if of is None:
                raise HTTPException(404)
            with self._reading() as conn:
                number = archives.number(conn, of)
            if (of.feed.name, of.number) != (name, number):
                there = {"location": archives.address(self.config, of, number)}
                anybody = {"access-control-allow-origin": "*"}
                return Response(status_code=301, headers={**there, **anybody})

            # Once in each snapshot: it is the state, and what the view is made of.
            state = cache(lambda conn: archives.state(conn, of))

            def ready(conn: Connection) -> Representation | None:
                now = state(conn)
                return None if now is None else archives.ready(conn, self.config, of, now)

            return self._kept_or_made(request, state, ready, lambda made: made, lambda _: None)

        def private(conn: Connection, reader: Reader) -> Representation | None:
            opened = [feed for feed in self.config.outgoing if feed.private and reader.opens(feed)]
            of = archives.asked(opened, name, document)
            now = None if of is None else archives.state(conn, of)
            if of is None or now is None:
                return None
            return archives.ready(conn, self.config, of, now, reader.has, reader.key)

        return self._or_privately(request, public, private)

    def story(self, request: Request) -> Response:
        """``/stories/ID``: one story, with what was measured of it."""
        name = str(request.path_params["name"])
        if not _STORY.fullmatch(name):
            raise HTTPException(404)

        def public() -> Response:
            return self._page(
                request,
                "story.html",
                lambda c: self._state(c, name),
                lambda c: story_page(c, self.config, name),
                lambda page: self._dated(page.rendered_at),
                lambda c: gone(c, self.config, name),
                story=name,
                searched=_for_search_engines,
            )

        def private(conn: Connection, reader: Reader) -> Representation | None:
            page = story_page(conn, self.config, name, reader.shown)
            if page is None:
                return None
            html = self.pages.html("story.html", page=page)
            return self.pages.ready(html, page.licence, story=name)

        return self._or_privately(request, public, private)

    def _or_privately(
        self,
        request: Request,
        public: Callable[[], Response],
        private: Callable[[Connection, Reader], Representation | None],
    ) -> Response:
        """What everybody gets or, where that is nothing, what a subscriber does."""
        try:
            return public()
        except HTTPException as error:
            reader = self._reader(request) if error.status_code == 404 else None
            if reader is None:
                raise
        with self._reading() as conn:
            ready = private(conn, reader)
        if ready is None:
            raise HTTPException(404)
        response = self._answer(request, ready)
        kept = {name.encode(): value.encode() for name, value in PRIVATELY}
        others = [(name, value) for name, value in response.raw_headers if name not in kept]
        response.raw_headers = [*others, *kept.items(), (b"vary", b"Authorization")]
        return response

    def _reader(self, request: Request) -> Reader | None:
        """The subscriber who asks; None for everybody else."""
        if not self._gate.guards:
            return None
        self._gate.look()
        try:
            return self._gate.reader(request.scope)
        except RefusedError as refused:
            raise HTTPException(refused.status, str(refused), refused.headers) from refused

    def _state(self, conn: Connection, name: str) -> object:
        entry = feeds.entry(conn, name)
        placed = feeds.feeds_of(conn, name)
        kept = self._pictures(conn, name)
        # Its date too: a page is dated only when its second is over.
        return entry and (entry.rendered_at, placed, self._dated(entry.rendered_at), kept)

    def _pictures(self, conn: Connection, story: str | None = None) -> object:
        """What differs when others of our pictures are shown, in one *story* or in all."""
        if not self.config.media.keep:
            return None
        return kept_pictures.stamp(conn) if story is None else kept_pictures.stamp_of(conn, story)

    def statements(self, request: Request) -> Response:
        """``/stories/ID/statements``: every statement of one story, oldest first."""
        name = str(request.path_params["name"])
        if not _STORY.fullmatch(name):
            raise HTTPException(404)
        return self._proof(request, lambda c: proofs.chain(c, name))

    def document(self, form: str, request: Request) -> Response:
        """``/stories/ID/FORM``: one story in a format for partners' systems."""
        name = str(request.path_params["name"])
        if not _STORY.fullmatch(name):
            raise HTTPException(404)

        def public() -> Response:
            return self._kept_or_made(
                request,
                lambda c: self._state(c, name),
                lambda c: documents.document(c, self.config, name, form),
                lambda ready: ready,
                lambda c: gone(c, self.config, name),
            )

        return self._or_privately(
            request,
            public,
            lambda c, reader: documents.document(c, self.config, name, form, reader.shown),
        )

    def jwks(self, request: Request) -> Response:
        """``/.well-known/jwks.json``: the keys that statements and the log are checked with."""
        return self._proof(request, proofs.jwks)

    def checkpoint(self, request: Request) -> Response:
        """``/log/checkpoint``: the log's size and root, signed; ``/log/NAME/checkpoint``: those of
        one that began in place of another."""
        began = str(request.path_params.get("name", ""))
        return self._proof(request, lambda c: proofs.checkpoint(c, began))

    def tile(self, request: Request) -> Response:
        """``/log/tile/…``: the log's hashes and entries."""
        path, began = (str(request.path_params.get(name, "")) for name in ("path", "name"))
        return self._proof(request, lambda c: proofs.tile(c, path, began))

    def _proof(
        self, request: Request, found: Callable[[Connection], Representation | None]
    ) -> Response:
        if request.method == "OPTIONS":
            return _preflight()
        with self._reading() as conn:
            ready = found(conn)
        if ready is None:
            headers = {"cache-control": "no-store", "access-control-allow-origin": "*"}
            text = "there is no such thing here, or not yet\n"
            return Response(text, 404, headers, "text/plain")
        return self._answer(request, ready)

    def _page(
        self,
        request: Request,
        template: str,
        state: Callable[[Connection], object],
        view: Callable[[Connection], Page | None],
        dated: Callable[[Page], datetime | None] = lambda _: None,
        gone: Callable[[Connection], str | None] = lambda _: None,
        story: str | None = None,
        searched: Callable[[Page], list[tuple[str, str]]] = lambda _: [],
    ) -> Response:
        """*template* filled with the *view*."""

        def ready(page: Page) -> Representation:
            html = self.pages.html(template, page=page)
            return self.pages.ready(html, page.licence, dated(page), story, searched(page))

        return self._kept_or_made(request, state, view, ready, gone)

    def _kept_or_made(
        self,
        request: Request,
        state: Callable[[Connection], object],
        view: Callable[[Connection], View | None],
        made: Callable[[View], Representation],
        gone: Callable[[Connection], str | None],
    ) -> Response:
        """What is cached for this path, or a new one if *state* differs from when it was *made*.

        State and view are read in one snapshot, so that nothing is cached under a later state.
        """
        path: str = request.scope["path"]
        kept = self._kept.get(path)
        page = None
        asked = self._monotonic()
        try:
            with self._reading() as conn:
                now = state(conn)
                if kept is not None and kept[0] == now:
                    self._kept.put(path, (now, kept[1], asked))
                    return self._answer(request, kept[1])
                page = view(conn)
                if page is None:
                    why = gone(conn)
                    if why is None:
                        raise HTTPException(404)
                    # What is said of it stands: who has it can check that it was, and since when.
                    told = {"link": proofs.links(self.config, str(request.path_params["name"]))}
                    raise HTTPException(410, why, told)
        except AwayError:
            if kept is None:
                raise
            age = asked - kept[2]
            stale = Stale(age, self.config.site.stale.total_seconds() - age)
            if stale.left <= 0:
                raise
            return self._answer(request, kept[1], stale)
        ready = made(page)
        self._kept.put(path, (now, ready, asked))
        return self._answer(request, ready)

    def _dated(self, rendered_at: datetime) -> datetime | None:
        """A story page's Last-Modified: the end of the second in which its entry was rendered, or
        this process began. None until then: no two pages share a date (RFC 9110 §8.8.2.2).
        """
        latest = max(rendered_at, self._started)
        settled = latest.replace(microsecond=0) + timedelta(seconds=1)
        return settled if settled <= clock.now() else None

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A snapshot of the store.

        :raises AwayError: for whatever the database raises.
        """
        try:
            with self.store.read() as conn:
                yield conn
        except (SQLAlchemyError, StoreError) as error:
            log.warning("page not made", error=f"{type(error).__name__}: {error}")
            raise AwayError from error

    def _answer(
        self, request: Request, ready: Representation, stale: Stale | None = None
    ) -> Response:
        method = cast("Literal['GET', 'HEAD']", request.method)
        found = answer(method, request.scope["headers"], ready, clock.now())
        headers = found.headers if stale is None else stale.told(found.headers)
        return _raw(found.status, headers, found.body)

    async def healthz(self, _request: Request) -> Response:
        """``/healthz``: this process is alive; nothing else is asked."""
        return _plain("ok\n")

    async def readyz(self, _request: Request) -> Response:
        """``/readyz``: whether database and broker answer, without which nothing is published."""
        states: dict[str, str] = {}
        for part in await asyncio.gather(
            self._probe("database", lambda: {"database": database_state(self.store)}),
            self._probe("broker", self._ready),
        ):
            states |= part
        if stale := self._feeds.stale():
            left = self.config.site.stale.total_seconds() - stale
            for_now = f", served for {left:.0f} s more" if left > 0 else ", not served any more"
            states["feeds"] = f"not confirmed for {stale:.0f} s{for_now}"
        fine = all(state == "ok" for state in states.values())
        body = json.dumps({"ready": fine, **states}, ensure_ascii=False) + "\n"
        return Response(
            body, 200 if fine else 503, {"cache-control": "no-store"}, "application/json"
        )

    async def _probe(self, name: str, ask: Callable[[], dict[str, str]]) -> dict[str, str]:
        """What *ask* answers, or that it did not in time.

        While a probe hangs it is not started again: each would take another thread.
        """
        probe = self._probes.get(name)
        if probe is None or probe.done():
            probe = asyncio.ensure_future(asyncio.to_thread(ask))
            self._probes[name] = probe
        await asyncio.wait({probe}, timeout=PATIENCE)
        if not probe.done():
            return {name: f"no answer within {PATIENCE:g} s"}
        try:
            return probe.result()
        except Exception as error:
            # The message may name hosts, so it is only logged.
            log.warning("not ready", part=name, error=str(error))
            return {name: f"cannot be reached ({type(error).__name__})"}

    def metrics(self, request: Request) -> Response:
        """``/metrics``: for Prometheus, if not on an address of its own; with its token, if set."""
        token = self.config.site.metrics_token
        if self._metrics is None:
            raise HTTPException(404)
        if token is not None and not _has_token(request, token.get_secret_value()):
            challenge = 'Basic realm="Wirecopy metrics", charset="UTF-8"'
            raise HTTPException(401, headers={"www-authenticate": challenge})
        return Response(
            self._metrics(), headers={"cache-control": "no-store"}, media_type=CONTENT_TYPE_LATEST
        )

    def status(self, request: Request) -> Response:
        """``/status``: the state of the installation, for requests with the configured token.

        It is given as ``Authorization: Bearer TOKEN``, as the password of Basic (RFC 7617), for
        which browsers ask, or as ``?token=TOKEN``.
        """
        token = self.config.site.status_token
        if token is None or self._status is None:
            raise HTTPException(404)
        if not _has_token(request, token.get_secret_value()):
            challenge = 'Basic realm="Wirecopy status", charset="UTF-8"'
            raise HTTPException(401, headers={"www-authenticate": challenge})
        try:
            page = self._status()
        except (SQLAlchemyError, StoreError) as error:
            log.warning("page not made", error=f"{type(error).__name__}: {error}")
            raise AwayError from error
        html = self.pages.html("status.html", page=page)
        return self._uncached(html, 200)

    async def robots(self, _request: Request) -> Response:
        """``/robots.txt``: all but the operator's addresses may be read, and what else may be done
        with it."""
        return _plain(self.pages.robots, "public, max-age=86400")

    async def opml(self, _request: Request) -> Response:
        """``/feeds.opml``: all feeds, to subscribe to at once."""
        return _settled(opml.document(self.config), opml.TYPE, hours=1)

    async def licence(self, request: Request) -> Response:
        """``/licences/NAME.xml``: what machines may do with what leads here, as RSL."""
        found = self._licences.get(str(request.path_params["name"]))
        if found is None:
            raise HTTPException(404)
        return _settled(found.rsl(), licence.TYPE)

    async def tdmrep(self, _request: Request) -> Response:
        """``/.well-known/tdmrep.json``: whether text and data mining is reserved, as TDMRep."""
        return _settled(licence.tdmrep(self.config), "application/json")

    def sitemap(self, request: Request) -> Response:
        """``/sitemap-news.xml``: what was published in the last two days, for search engines."""
        return self._kept_or_made(
            request,
            sitemap.state,
            lambda c: sitemap.document(c, self.config),
            lambda ready: ready,
            lambda _: None,
        )

    def search(self, request: Request) -> Response:
        """``/search?q=…``: the stories that have all words."""
        asked = search.Asked.of(request.query_params)
        with self._searching() as conn:
            page = search.page(conn, self.config, asked)
        html = self.pages.html("search.html", page=page)
        fixed = [search.NOT_FOR_ROBOTS]
        return self._answer(request, self.pages.ready(html, page.licence, searched=fixed))

    def search_feed(self, format: Format, request: Request) -> Response:
        """``/search.FORMAT?q=…``: the same as a feed."""
        if request.method == "OPTIONS":
            return _preflight()
        asked = search.Asked.of(request.query_params)
        with self._searching() as conn:
            ready = search.feed(conn, self.config, asked, format)
        if ready is None:
            raise HTTPException(404, "A search needs words: add ?q= and the words to the address.")
        return self._answer(request, ready)

    @contextmanager
    def _searching(self) -> Iterator[Connection]:
        """:meth:`_reading`, of few at once: what is searched for is not kept, so anybody could make
        us work, and feeds and pages must not wait for that."""
        if not self._searches.acquire(timeout=0.5):
            raise HTTPException(503, headers={"retry-after": str(RETRY)})
        try:
            with self._reading() as conn:
                yield conn
        finally:
            self._searches.release()

    def kept(self, request: Request) -> Response:
        """``/pictures/DIGEST-WIDTH.jpg``: a picture of a story that anybody may read."""
        asked = pictures.asked(str(request.path_params["name"]))
        if asked is None:
            raise HTTPException(404)
        with self._reading() as conn:
            ready = pictures.ready(conn, self.config, *asked)
            if ready is not None:
                return self._answer(request, ready)
            names = kept_pictures.shown_by(conn, asked[0], pictures.STORIES)
            why = next(filter(None, (gone(conn, self.config, name) for name in names)), None)
        raise HTTPException(404) if why is None else HTTPException(410, why)

    def script(self, request: Request) -> Response:
        """``/static/VERSION/NAME``: our own scripts."""
        found = self.pages.scripts.get(f"/static/{request.path_params['path']}")
        if found is None:
            raise HTTPException(404)
        return self._answer(request, found)

    async def icon(self, _request: Request) -> Response:
        """``/favicon.ico`` and ``.svg``."""
        headers = {"cache-control": "public, max-age=86400"}
        return Response(ICON, headers=headers, media_type="image/svg+xml")

    async def picture(self, _request: Request) -> Response:
        """``/icon.png``: the icon that feeds name unless the publisher has one."""
        headers = {"cache-control": "public, max-age=86400"}
        return Response(PICTURE, headers=headers, media_type="image/png")

    def _refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        own = error.detail if error.status_code in (404, 410) else None
        own = None if own in ("Not Found", "Gone") else own
        # The same of every story that is not there for everybody, be there one or not.
        login = self._gate.guards and request.scope["path"].startswith("/stories/")
        return self._message(error.status_code, own, dict(error.headers or {}), login=login)

    def _away(self, _request: Request, _error: Exception) -> Response:
        return self._message(503, _AWAY, {"retry-after": str(RETRY)})

    def _failed(self, _request: Request, _error: Exception) -> Response:
        return self._message(500)

    def _message(
        self,
        status: int,
        text: str | None = None,
        headers: dict[str, str] | None = None,
        *,
        login: bool = False,
    ) -> Response:
        title, usual = _MESSAGES.get(status, _MESSAGES[500])
        html = self.pages.html(
            "message.html", title=title, text=text or usual, status=status, login=login
        )
        return self._uncached(html, status, headers)

    def _uncached(
        self, html: bytes, status: int, headers: dict[str, str] | None = None
    ) -> Response:
        """A page that nobody may store: another would be right a second later, or for others."""
        fixed = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        every = {**(headers or {}), **fixed, **dict(self.pages.headers)}
        return Response(html, status, every, "text/html")


def gone_page(pages: Pages) -> bytes:
    """The page that says 410 of any story."""
    title, text = _MESSAGES[410]
    return pages.html("message.html", title=title, text=text, status=410, login=False)


def _has_token(request: Request, token: str) -> bool:
    """True when *request* carries *token*. Takes the same time for every wrong one."""
    given = token_of(request.scope["headers"], request.scope["query_string"]) or ""
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def database_state(store: Store) -> str:
    """``ok`` when the database answers a question about our tables.

    :raises Exception: whatever its driver raises when it does not.
    """
    url = store.engine.url
    if store.dialect == "sqlite" and url.database and not Path(url.database).exists():
        # A file that was deleted still answers those who have it open, and nobody else.
        return "the file is gone"
    with store.read() as conn:
        wires.next_due(conn)
    refused = store.writes_refused()
    if refused is not None:
        log.warning("not ready", part="database", error=refused)  # it names folders
        return "takes no writes"
    return "ok"


def _raw(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> Response:
    response = Response(body, status)
    response.raw_headers = headers
    return response


def _preflight() -> Response:
    allowed = preflight()
    return _raw(allowed.status, allowed.headers, allowed.body)


def _settled(body: bytes, media_type: str, hours: int = 24) -> Response:
    """What changes with the configuration alone."""
    fresh = f"public, max-age={hours * 3600}"
    headers = {"cache-control": fresh, "x-content-type-options": "nosniff"}
    return Response(body, headers=headers, media_type=media_type)


def _plain(text: str, cache: str = "no-store") -> Response:
    return Response(text, headers={"cache-control": cache}, media_type="text/plain")


__all__ = ["App", "create"]


def _for_search_engines(page: StoryPage) -> list[tuple[str, str]]:
    """What the headers of a story's page say to search engines."""
    found = [("x-robots-tag", "noindex")] if page.noindex else []
    if page.canonical != page.url:
        address = resolve(page.canonical, None) or ""  # in ASCII, as headers are
        found.append(("link", f'<{iri(address)}>; rel="canonical"'))
    return found
