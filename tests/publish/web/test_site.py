"""The site over real HTTP: feeds, pages, health. Every page is read back through lxml."""

import gzip
import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import zstandard
from lxml import etree, html
from sqlalchemy import event, text

from desk.headline import rewrite
from publish.renderer import render_feed, render_waiting
from publish.rerender import rerender_if_changed
from publish.selection import lifetime
from publish.served import Served
from publish.served import served as served_as
from publish.web import app as app_module
from publish.web import feeds as feeds_module
from publish.web.app import Application, create
from publish.web.pages import PageCache
from publish.web.representation import represent
from stories import clock
from stories.config import Config, Feed, Publisher, Site, Wire
from stories.db import Store, connect, feeds, outbox, proofs, wires
from stories.db import stories as records
from stories.models import Story
from tests.publish import samples
from tests.publish.shelf import publish, put
from tests.serving import Answer, Port, served
from wirecopy.encoding import digest, short
from wirecopy.jose import as_text, payload_of, token_digest
from wirecopy.scope import Copy, digests
from wirecopy.statement import Details, captioned

TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json",
}
FEEDS = (
    Feed(name="india", title="India", description="What <agencies> say & send", limit=20),
    Feed(name="urdu", title="اردو", languages=("ur",)),
    Feed(name="sport", title="Sport", categories=("Sport",)),
)


@dataclass
class Hand:
    """A monotonic clock that a test moves."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Running:
    """A site being served, and the strings to pull at it."""

    port: Port
    config: Config
    store: Store
    hand: Hand
    app: Application
    parts: Callable[[], dict[str, str]] = lambda: {"broker": "ok"}
    figures: Callable[[], bytes] = lambda: b"wirecopy_up 1\n"

    def ask(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        return self.port.ask(path, headers, method)

    def page(self, path: str) -> html.HtmlElement:
        """The page at *path*, which must be one."""
        found = self.ask(path)
        assert found.status == 200, found.text
        assert found.headers["content-type"] == "text/html; charset=utf-8"
        return html.document_fromstring(found.body.decode())

    def row(self, name: str, format: feeds.Format) -> Served:
        with self.store.read() as conn:
            row = served_as(conn, self.config, name, format)
        assert row is not None
        return row


Serve = Callable[..., Running]


@pytest.fixture
def serve(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serves the store; keys as in :func:`samples.config`. Nothing here is in a hurry."""
    monkeypatch.setattr(feeds_module, "PATIENCE", 60.0)
    monkeypatch.setattr(feeds_module, "FIRST_PATIENCE", 60.0)
    monkeypatch.setattr(app_module, "PATIENCE", 60.0)
    with ExitStack() as stack:

        def start(*stories: Story, **keys: Any) -> Running:
            config = samples.config(**{"feeds": FEEDS, **keys})
            if stories:
                publish(store, config, *stories)
            hand = Hand()
            running: Running
            app = create(
                config,
                store,
                ready=lambda: running.parts(),  # noqa: PLW0108 - a test sets another
                metrics=lambda: running.figures(),  # noqa: PLW0108 - a test sets another
                monotonic=hand,
            )
            running = Running(stack.enter_context(served(app)), config, store, hand, app)
            return running

        yield start


def _rename(store: Store, table: str, to: str) -> None:
    with store.write() as conn:
        conn.execute(text(f"ALTER TABLE {table} RENAME TO {to}"))


# Feeds


@pytest.mark.parametrize("format", feeds.FORMATS)
def test_a_feed_is_the_bytes_in_the_store(serve: Serve, format: feeds.Format) -> None:
    site = serve(samples.english(), samples.hindi(), samples.urdu())
    row = site.row("india", format)
    found = site.ask(f"/feeds/india.{format}?utm_source=x")
    assert (found.status, found.body) == (200, row.body)
    told = found.headers
    assert told["content-type"] == TYPES[format]
    assert told["content-length"] == str(len(row.body))
    assert told["etag"] == row.etag
    assert told["last-modified"] == row.modified_at.strftime("%a, %d %b %Y %H:%M:%S GMT")
    seconds = int(lifetime(FEEDS[0], site.config).total_seconds())
    assert told["cache-control"].split(", ")[:2] == ["public", f"max-age={seconds}"]
    assert told["vary"] == "Accept-Encoding, A-IM"
    assert told["x-content-type-options"] == "nosniff"
    assert told["access-control-allow-origin"] == "*"
    assert "cache-status" not in told
    assert "date" in told
    assert "granian" not in str(told).lower()
    here = "https://feeds.ndtv.com/feeds/india"
    kind = TYPES[format].partition(";")[0]
    assert told["link"] == (
        f'<{here}.{format}>; rel="self"; type="{kind}", '
        f'<{here}>; rel="alternate"; type="text/html", '
        '<https://feeds.ndtv.com/.well-known/jwks.json>; rel="service-meta";'
        ' type="application/jwk-set+json", <https://feeds.ndtv.com/licences/search.xml>;'
        ' rel="license"; type="application/rsl+xml"'
    )
    assert told["repr-digest"] == digest(row.body)


def test_max_age_and_ttl_are_one_value(serve: Serve) -> None:
    site = serve(samples.english())
    found = site.ask("/feeds/india.rss")
    ttl = etree.fromstring(found.body).findtext("channel/ttl")
    assert ttl is not None
    assert f"max-age={int(ttl) * 60}," in found.headers["cache-control"]


@pytest.mark.parametrize("accepts", ["identity", "gzip"])
def test_head_is_get_without_the_body(serve: Serve, accepts: str) -> None:
    site = serve(samples.english())
    for path in ("/feeds/india.rss", "/feeds/india", "/"):
        told = site.ask(path, {"Accept-Encoding": accepts}).headers
        head = site.port.raw(
            f"HEAD {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: {accepts}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        status, _, rest = head.partition(b"\r\n")
        lines, _, body = rest.partition(b"\r\n\r\n")
        assert (status, body) == (b"HTTP/1.1 200 OK", b"")
        sent = dict(line.lower().split(": ", 1) for line in lines.decode().split("\r\n"))
        for name in ("etag", "content-length", "content-type", "vary", "cache-control"):
            assert sent[name] == told[name].lower(), (path, name)


def test_gzip_is_the_same_feed_under_another_tag(serve: Serve) -> None:
    site = serve(samples.english())
    row = site.row("india", "rss")
    packed = site.ask("/feeds/india.rss", {"Accept-Encoding": "gzip, deflate"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding, A-IM"
    assert len(packed.body) < len(row.body)
    assert gzip.decompress(packed.body) == row.body
    tag = packed.headers["etag"]
    assert tag == f'{row.etag[:-1]}-gzip-whole"'
    plain = site.ask("/feeds/india.rss", {"Accept-Encoding": "gzip;q=0, identity"})
    assert "content-encoding" not in plain.headers
    assert (plain.body, plain.headers["etag"]) == (row.body, row.etag)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_304(serve: Serve, method: str) -> None:
    site = serve(samples.english())
    first = site.ask("/feeds/india.atom").headers
    tag, date = first["etag"], first["last-modified"]
    long_ago = "Thu, 01 Jan 1998 00:00:00 GMT"
    matrix: list[tuple[dict[str, str], int]] = [
        ({"If-None-Match": tag}, 304),
        ({"If-None-Match": f"W/{tag}"}, 304),
        ({"If-None-Match": f'"other", {tag}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Modified-Since": date}, 304),
        ({"If-Modified-Since": long_ago}, 200),
        ({"If-None-Match": '"other"', "If-Modified-Since": date}, 200),
        ({"If-None-Match": tag, "If-Modified-Since": long_ago}, 304),
        ({"If-None-Match": tag, "Accept-Encoding": "gzip"}, 304),
        ({"If-None-Match": f'{tag[:-1]}-gzip"', "Accept-Encoding": "gzip"}, 304),
        ({"If-None-Match": f'{tag[:-1]}-gzip"'}, 200),
        ({"If-Match": '"other"'}, 412),
    ]
    for headers, status in matrix:
        found = site.ask("/feeds/india.atom", headers, method)
        assert found.status == status, headers
        assert "etag" in found.headers
        assert found.headers["vary"] == "Accept-Encoding, A-IM"
        if status == 304:
            assert found.body == b""
            assert found.headers["cache-control"] == first["cache-control"]
            assert "content-type" not in found.headers
            assert found.headers["access-control-allow-origin"] == "*"


def test_a_feed_that_is_not_there(serve: Serve) -> None:
    site = serve()
    for path in ("/feeds/nosuch.rss", "/feeds/india.xml", "/feeds/.rss", "/feeds/india.rss.rss"):
        found = site.ask(path)
        assert found.status == 404, path
        assert found.headers["content-type"] == "text/plain; charset=utf-8"
        for feed in FEEDS:
            assert feed.name in found.text
        head = site.ask(path, method="HEAD")
        assert (head.status, head.headers["content-length"]) == (404, str(len(found.body)))


@pytest.mark.parametrize("site", ["https://feeds.example", "https://news.example/wire"])
def test_a_renamed_feed_is_at_its_new_address_for_good(serve: Serve, site: str) -> None:
    feed = Feed(name="bharat", title="India", aliases=("india", "in"))
    running = serve(samples.english(), feeds=(feed,), site=Site(url=site))
    for path in ("", urlsplit(site).path):
        for old in ("india", "in"):
            for end in (".rss", ".atom", ".json", ""):
                for method in ("GET", "HEAD"):
                    found = running.ask(f"{path}/feeds/{old}{end}", method=method)
                    assert found.status == 301
                    assert found.headers["location"] == f"{site}/feeds/bharat{end}"
                    assert bool(end) is ("access-control-allow-origin" in found.headers)
        asked = running.ask(f"{path}/feeds/india.json", method="OPTIONS")
        assert (asked.status, asked.headers["access-control-allow-origin"]) == (204, "*")
        assert running.ask(f"{path}/feeds/other.rss").status == 404
        assert running.ask(f"{path}/feeds/bharat.rss").status == 200


def test_what_a_hostile_address_names_comes_back_harmless(serve: Serve) -> None:
    site = serve()
    found = site.ask("/feeds/%1b%5B2J%0a%E2%80%AE%3Cscript%3E.rss")
    assert found.status == 404
    assert found.body.isascii()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", found.body)


def test_feeds_are_only_read(serve: Serve) -> None:
    site = serve()
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE"):
        found = site.ask("/feeds/india.rss", method=method)
        assert (found.status, found.headers["allow"]) == (405, "GET, HEAD, OPTIONS"), method


def test_a_browser_may_ask_beforehand(serve: Serve) -> None:
    site = serve()
    asked = {"Origin": "https://a.example", "Access-Control-Request-Headers": "if-none-match"}
    found = site.ask("/feeds/india.json", asked, "OPTIONS")
    assert (found.status, found.body) == (204, b"")
    assert found.headers["access-control-allow-origin"] == "*"
    assert "If-None-Match" in found.headers["access-control-allow-headers"]


def test_a_feed_not_rendered_yet(serve: Serve) -> None:
    site = serve()
    found = site.ask("/feeds/india.rss")
    assert (found.status, found.headers["cache-control"]) == (503, "no-store")
    assert int(found.headers["retry-after"]) > 0
    assert "rendered" in found.text
    render_feed(site.store, site.config, "india")
    assert site.ask("/feeds/india.rss").status == 503  # looked at less than a second ago
    site.hand.now += feeds_module.RECHECK
    assert site.ask("/feeds/india.rss").body == site.row("india", "rss").body


def test_a_change_is_served_within_a_second(serve: Serve) -> None:
    site = serve(samples.english())
    before = site.ask("/feeds/india.rss")
    publish(site.store, site.config, samples.hindi())
    row = site.row("india", "rss")
    assert row.body != before.body
    site.hand.now += feeds_module.RECHECK / 2
    assert site.ask("/feeds/india.rss").body == before.body
    site.hand.now += feeds_module.RECHECK / 2
    after = site.ask("/feeds/india.rss", {"If-None-Match": before.headers["etag"]})
    assert (after.status, after.body, after.headers["etag"]) == (200, row.body, row.etag)


def test_a_change_that_is_told_is_served_at_once(serve: Serve) -> None:
    site = serve(samples.english())
    before = {name: site.ask(f"/feeds/{name}.rss").body for name in ("india", "urdu")}
    publish(site.store, site.config, samples.hindi(), samples.urdu())
    site.app.feeds.changed(["india"])
    assert site.ask("/feeds/india.rss").body == site.row("india", "rss").body
    assert site.ask("/feeds/urdu.rss").body == before["urdu"]
    site.app.feeds.changed()
    assert site.ask("/feeds/urdu.rss").body == site.row("urdu", "rss").body != before["urdu"]


def test_a_change_told_while_the_database_answers_is_not_lost(
    serve: Serve, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = serve(samples.english())
    before = site.ask("/feeds/india.rss")
    monkeypatch.setattr(feeds_module, "PATIENCE", 0.05)
    told = threading.Event()

    def wait(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "feeds" in statement and threading.current_thread() is not threading.main_thread():
            assert told.wait(60)

    event.listen(store.engine, "after_cursor_execute", wait)
    try:
        site.hand.now += feeds_module.RECHECK
        assert site.ask("/feeds/india.rss").body == before.body
        publish(site.store, site.config, samples.hindi())
        site.app.feeds.changed(["india"])
    finally:
        told.set()
        event.remove(store.engine, "after_cursor_execute", wait)
    monkeypatch.setattr(feeds_module, "PATIENCE", 60.0)
    after = [site.ask("/feeds/india.rss").body for _ in range(2)]
    assert site.row("india", "rss").body in after


def test_zstd_is_the_same_feed_under_another_tag(serve: Serve) -> None:
    site = serve(samples.english())
    for format in feeds.FORMATS:
        row = site.row("india", format)
        path = f"/feeds/india.{format}"
        packed = site.ask(path, {"Accept-Encoding": "gzip, deflate, br, zstd"})
        assert packed.headers["content-encoding"] == "zstd"
        assert zstandard.decompress(packed.body) == row.body
        tag = packed.headers["etag"]
        assert tag == f'{row.etag[:-1]}-zstd"'
        again = site.ask(path, {"Accept-Encoding": "gzip, zstd", "If-None-Match": tag})
        assert (again.status, again.headers["etag"]) == (304, tag)


def test_just_after_a_change_gzip_is_of_entries_and_then_of_the_whole(serve: Serve) -> None:
    site = serve(samples.english())
    gzips = {"Accept-Encoding": "gzip"}
    first = site.ask("/feeds/india.rss", gzips)
    publish(site.store, site.config, samples.hindi())
    site.hand.now += feeds_module.RECHECK
    changed = site.ask("/feeds/india.rss", gzips)
    row = site.row("india", "rss")
    assert changed.headers["etag"] == f'{row.etag[:-1]}-gzip-blocks"'
    site.hand.now += feeds_module.SETTLED
    settled = site.ask("/feeds/india.rss", gzips)
    assert settled.headers["etag"] == f'{row.etag[:-1]}-gzip-whole"'
    assert settled.headers["repr-digest"] == digest(settled.body)
    assert len(settled.body) < len(changed.body)
    bodies = [gzip.decompress(each.body) for each in (changed, settled)]
    assert bodies == [row.body, row.body]
    # Who has the content in any coding, also that of release 0.1, has it, and is told so.
    for tag in (row.etag, *(f'{row.etag[:-1]}-gzip{kind}"' for kind in ("-blocks", "-whole", ""))):
        found = site.ask("/feeds/india.rss", {**gzips, "If-None-Match": tag})
        assert (found.status, found.headers["etag"]) == (304, tag)
    assert (
        site.ask("/feeds/india.rss", {**gzips, "If-None-Match": first.headers["etag"]}).status
        == 200
    )


def test_two_changes_in_one_second_share_no_date(serve: Serve) -> None:
    moment = datetime(2026, 11, 22, 13, 10, 0, 500000, tzinfo=UTC)
    stories = [samples.english(), samples.hindi()]
    with clock.reading(lambda: moment):
        site = serve(stories[0])
        first = site.ask("/feeds/india.rss")
        assert first.headers["last-modified"] == "Sun, 22 Nov 2026 13:10:00 GMT"
        publish(site.store, site.config, stories[1])
        site.hand.now += feeds_module.RECHECK
        # Dated a second ahead, which no Last-Modified may be: so it states none for that second,
        asked = {"If-Modified-Since": first.headers["last-modified"]}
        second = site.ask("/feeds/india.rss", asked)
        assert (second.status, second.body) == (200, site.row("india", "rss").body)
        assert "last-modified" not in second.headers
        # and does not fall for a date that says the same.
        asked = {"If-Modified-Since": "Sun, 22 Nov 2026 13:10:01 GMT"}
        assert site.ask("/feeds/india.rss", asked).status == 200
    with clock.reading(lambda: moment + timedelta(seconds=1)):
        site.hand.now += feeds_module.RECHECK
        assert site.ask("/feeds/india.rss").headers["last-modified"] == (
            "Sun, 22 Nov 2026 13:10:01 GMT"
        )
        assert site.ask("/feeds/india.rss", asked).status == 304


@pytest.fixture
def statements(store: Store) -> Iterator[list[str]]:
    """Every statement sent to the store's database."""
    sent: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    yield sent
    event.remove(store.engine, "before_cursor_execute", note)


def _asked(statements: list[str]) -> tuple[int, int]:
    """How often was asked what is told of a feed, and how often for bytes of entries."""
    return (
        sum(s.startswith("SELECT feeds.") for s in statements),
        sum("entries.packed" in s for s in statements),
    )


def test_any_number_of_readers_is_one_look_at_the_database(
    serve: Serve, statements: list[str]
) -> None:
    site = serve(samples.english())
    statements.clear()
    with ThreadPoolExecutor(16) as pool:

        def all_at_once() -> set[bytes]:
            return {a.body for a in pool.map(lambda _: site.ask("/feeds/india.rss"), range(64))}

        expected = {site.row("india", "rss").body}
        statements.clear()
        assert all_at_once() == expected
        assert _asked(statements) == (1, 1)
        assert all_at_once() == expected
        assert _asked(statements) == (1, 1)
        site.hand.now += feeds_module.RECHECK
        assert all_at_once() == expected
        assert _asked(statements) == (2, 1)


def test_without_the_database_feeds_come_from_memory(serve: Serve) -> None:
    site = serve(samples.english())
    before = site.ask("/feeds/india.rss")
    _rename(site.store, "feeds", "elsewhere")
    site.hand.now += feeds_module.RECHECK
    stale = site.ask("/feeds/india.rss")
    assert (stale.status, stale.body) == (200, before.body)
    status = re.fullmatch(r"Wirecopy; hit; ttl=-(\d+); detail=\S+", stale.headers["cache-status"])
    assert status
    site.hand.now += 90
    same = site.ask("/feeds/india.rss", {"If-None-Match": before.headers["etag"]})
    assert same.status == 304
    later = re.search(r"ttl=-(\d+)", same.headers["cache-status"])
    assert later
    assert int(later[1]) >= int(status[1]) + 90
    assert site.ask("/feeds/india.atom").status == 200  # joined of the same entries
    # What was never in memory cannot come from there.
    cold = site.ask("/feeds/urdu.atom")
    assert cold.status == 503
    assert "database" in cold.text
    assert int(cold.headers["retry-after"]) > 0

    _rename(site.store, "elsewhere", "feeds")
    site.hand.now += feeds_module.RECHECK
    again = site.ask("/feeds/india.rss")
    assert (again.body, "cache-status" in again.headers) == (before.body, False)
    assert site.ask("/feeds/urdu.atom").status == 200


STALE = "/feeds/india.rss", "/feeds/india", "/"


def durations(found: Any) -> dict[str, int]:
    """What the Cache-Control of an answer has of seconds."""
    parts = (part.strip().partition("=") for part in found.headers["cache-control"].split(","))
    return {name: int(seconds) for name, equals, seconds in parts if equals}


@pytest.mark.parametrize("path", STALE)
def test_what_cannot_be_confirmed_is_served_for_so_long_and_no_longer(
    serve: Serve, path: str
) -> None:
    """A story may have been killed, by who can reach the database."""
    site = serve(samples.english(), site=Site(stale="2m"))
    before = site.ask(path)
    _rename(site.store, "feeds", "elsewhere")
    site.hand.now += 100
    stale = site.ask(path)
    assert (stale.status, stale.body) == (200, before.body)
    assert "detail=database-away" in stale.headers["cache-status"]
    told = durations(stale)
    assert 0 < told["max-age"] + told.get("stale-if-error", 0) <= 20
    assert max(told.values()) <= 20
    tag = {"If-None-Match": before.headers["etag"]}
    assert durations(site.ask(path, tag)) == told
    site.hand.now += 21
    for headers in ({}, tag):
        none = site.ask(path, headers)
        assert (none.status, none.headers["cache-control"]) == (503, "no-store")
        assert int(none.headers["retry-after"]) > 0
        assert "database cannot be reached" in none.text
    _rename(site.store, "elsewhere", "feeds")
    site.hand.now += feeds_module.RECHECK
    assert site.ask(path).body == before.body


def test_that_it_is_stale_is_said_where_operators_look(serve: Serve) -> None:
    site = serve(samples.english(), site=Site(stale="2m"))
    site.ask("/feeds/india.rss")
    assert "feeds" not in json.loads(site.ask("/readyz").body)
    _rename(site.store, "feeds", "elsewhere")
    site.hand.now += 100
    site.ask("/feeds/india.rss")
    said = json.loads(site.ask("/readyz").body)
    assert (said["ready"], said["feeds"]) == (
        False,
        "not confirmed for 100 s, served for 20 s more",
    )
    assert site.app.feeds.stale() == 100
    site.hand.now += 100
    assert json.loads(site.ask("/readyz").body)["feeds"].endswith("not served any more")
    _rename(site.store, "elsewhere", "feeds")
    site.ask("/feeds/urdu.rss")  # another feed, of the same database
    assert site.app.feeds.stale() == 0


def test_caches_are_promised_no_more_than_a_web_would_serve_itself(serve: Serve) -> None:
    site = serve(samples.english(), site=Site(stale="3m"))
    assert durations(site.ask("/feeds/india.rss"))["stale-if-error"] == 180


def test_feeds_are_packed_while_all_others_wait_for_a_database_that_hangs(
    serve: Serve, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"feed{n}" for n in range(40)]  # more than an event loop has threads of its own
    site = serve(samples.english(), feeds=[{"name": name, "title": name} for name in names])
    before = {name: site.ask(f"/feeds/{name}.rss").body for name in names}
    monkeypatch.setattr(feeds_module, "PATIENCE", 0.01)
    free, gave_up = threading.Event(), threading.Event()

    def hang(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "feeds" in statement and not free.wait(20):
            gave_up.set()

    event.listen(store.engine, "before_cursor_execute", hang)
    try:
        site.hand.now += feeds_module.RECHECK
        assert {name: site.ask(f"/feeds/{name}.rss").body for name in names} == before
        packed = site.ask("/feeds/feed0.rss", {"Accept-Encoding": "gzip"})
        assert gzip.decompress(packed.body) == before["feed0"]
        assert not gave_up.is_set()
    finally:
        free.set()
        event.remove(store.engine, "before_cursor_execute", hang)


def test_a_database_that_hangs_holds_nobody_up(
    serve: Serve, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = serve(samples.english())
    before = site.ask("/feeds/india.rss")
    publish(site.store, site.config, samples.hindi())
    after = site.row("india", "rss")
    monkeypatch.setattr(feeds_module, "PATIENCE", 0.1)
    free = threading.Event()

    def hang(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "feeds" in statement:
            assert free.wait(60)

    event.listen(store.engine, "before_cursor_execute", hang)
    try:
        site.hand.now += feeds_module.RECHECK
        for _ in range(3):
            found = site.ask("/feeds/india.rss")
            assert (found.status, found.body) == (200, before.body)
            assert "cache-status" in found.headers
            site.hand.now += 1
    finally:
        free.set()
        event.remove(store.engine, "before_cursor_execute", hang)
    monkeypatch.setattr(feeds_module, "PATIENCE", 60.0)
    for _ in range(600):
        site.hand.now += feeds_module.RECHECK
        if site.ask("/feeds/india.rss").body == after.body:
            break
    assert site.ask("/feeds/india.rss").body == after.body


# Pages


def _all(page: html.HtmlElement, selector: str) -> list[html.HtmlElement]:
    """The elements that a CSS selector of types, classes, blanks, ``>`` and ``,`` selects."""
    paths = []
    for one in selector.split(","):
        path, axis = ".", "//"
        for step in one.split():
            if step == ">":
                axis = "/"
                continue
            name, *classes = step.split(".")
            tests = (f"[contains(concat(' ', @class, ' '), ' {c} ')]" for c in classes)
            path, axis = f"{path}{axis}{name or '*'}{''.join(tests)}", "//"
        paths.append(path)
    return _found(page, " | ".join(paths))


def _found(page: html.HtmlElement, xpath: str) -> list[Any]:
    """What *xpath* selects; the stubs hold it for a number as well."""
    found = page.xpath(xpath)
    assert isinstance(found, list)
    return found


def _texts(page: html.HtmlElement, path: str) -> list[str]:
    return [" ".join(e.text_content().split()) for e in _all(page, path)]


def _instant(time: html.HtmlElement) -> datetime:
    written = time.get("datetime", "")
    assert written.endswith("Z")
    return datetime.fromisoformat(written)


def _alternates(page: html.HtmlElement) -> dict[str, str]:
    return {
        e.get("href", ""): e.get("type", "") for e in page.iterfind('.//link[@rel="alternate"]')
    }


HOSTILE = (
    "</title></script><script>alert(1)</script> \"quotes\" 'single' &amp; \u202egnp.exe"
    " <!-- {{ 7*7 }} \u2028 end"
)


def _everything() -> list[Story]:
    return [
        samples.english(),
        samples.hindi(),
        samples.urdu(),
        samples.story(
            samples.version(agency_id="hostile", headline=HOSTILE, agency='<i>"A"</i> & Co')
        ),
    ]


def test_the_front_page(serve: Serve) -> None:
    site = serve(*_everything())
    page = site.page("/")
    assert page.findtext(".//title") == "Agency stories – NDTV"
    assert _texts(page, ".feeds .name") == [f.title for f in FEEDS]
    counts = [line.partition(" changed ")[0] for line in _texts(page, ".feeds .meta")]
    assert counts[:2] == ["4 stories", "1 story"]
    heads = {" ".join(s.headline.split()) for s in _everything()}
    assert set(_texts(page, ".teaser .head")) == heads
    assert set(_alternates(page)) == {
        "https://feeds.ndtv.com/feeds.opml",
        *(f"https://feeds.ndtv.com/feeds/{f.name}.{format}" for f in FEEDS for format in TYPES),
    }
    links = _found(page, '//a[starts-with(@href, "/")]/@href')
    for link in {str(each) for each in links}:
        assert site.ask(link).status in (200, 503), link  # 503: a feed nothing has reached yet


def test_a_feeds_page_shows_what_the_feed_carries(serve: Serve) -> None:
    site = serve(*_everything())
    page = site.page("/feeds/india")
    entries = json.loads(site.row("india", "json").body)["items"]
    teasers = _all(page, ".teaser")
    assert len(teasers) == len(entries) == 4
    for teaser, entry in zip(teasers, entries, strict=True):
        head = _all(teaser, ".head")[0]
        assert head.text_content() == entry["title"]
        assert head.get("lang") == entry["language"]
        assert head.get("dir") == ("rtl" if entry["language"] == "ur" else "ltr")
        assert _all(teaser, ".agency")[0].text_content() == entry["_wirecopy"]["agency"]
        published = _all(teaser, "time")[0]
        assert _instant(published) == datetime.fromisoformat(entry["date_published"])
    badges = dict(zip(_texts(page, ".teaser .head"), _texts(page, ".teaser .badge"), strict=True))
    assert badges[samples.english().headline] == "Only the headline was edited"
    disclosures = _texts(page, ".teaser .disclosure")
    assert samples.HEADLINE_ONLY in disclosures
    assert _alternates(page) == {
        f"https://feeds.ndtv.com/feeds/india.{format}": kind.partition(";")[0]
        for format, kind in TYPES.items()
    }
    assert _texts(page, "code.address") == list(_alternates(page))
    assert page.findtext(".//h1/bdi") == "India"
    description = page.find('.//meta[@name="description"]')
    assert description is not None
    assert description.get("content") == "What <agencies> say & send"
    canonical = page.find('.//link[@rel="canonical"]')
    assert canonical is not None
    assert canonical.get("href") == "https://feeds.ndtv.com/feeds/india"


def test_a_feeds_page_before_anything_came(serve: Serve) -> None:
    site = serve(samples.english())
    page = site.page("/feeds/sport")
    assert _all(page, ".teaser") == []
    assert "No story" in page.text_content()


def _story(site: Running, story: Story) -> html.HtmlElement:
    return site.page(f"/stories/{story.id}")


def _entry(site: Running, story: Story) -> feeds.EntryRow:
    with site.store.read() as conn:
        entry = feeds.entry(conn, story.id)
    assert entry is not None
    return entry


def _shown(site: Running, story: Story) -> Any:
    """The entry as it stands in JSON feeds."""
    entry = _entry(site, story)
    with site.store.read() as conn:
        last = proofs.last_statements(conn, [story.id])[story.id]
    assert entry.packed is not None
    return json.loads(feeds.unpack(entry.packed, last.token)["json"])


def test_a_storys_page(serve: Serve) -> None:
    story = samples.english()
    site = serve(story)
    page = _story(site, story)
    entry = _entry(site, story)
    shown = _shown(site, story)
    assert page.findtext(".//title") == f"{story.headline} – NDTV"
    assert (page.get("lang"), page.get("dir")) == ("en-IN", "ltr")
    assert _texts(page, "h1") == [story.headline]
    assert _texts(page, ".credit .agency") == ["Press Trust of India"]
    assert _texts(page, ".credit .byline") == ["By Asha Rao"]
    times = _all(page, "header time")
    assert [_instant(t) for t in times] == [
        datetime(2026, 11, 22, 13, 0, 15, tzinfo=UTC),
        datetime.fromisoformat(shown["date_modified"]),
    ]
    assert times[1].text_content() == "18:37 UTC+05:30"
    assert times[0].text_content() == "22 November 2026, 18:30 UTC+05:30"
    picture = _all(page, "figure img")[0]
    assert picture.get("src") == "https://img.example/gst.jpg?w=1200&h=675"
    assert picture.get("alt") == 'Finance ministers at "Vigyan Bhavan"'
    assert _texts(page, "figcaption") == ['Finance ministers at "Vigyan Bhavan" PTI Photo']
    assert _all(page, "video")[0].get("src") == "https://img.example/gst.mp4"
    # The body is the entry's, tag by tag, with the disclosure set apart, once.
    body = _all(page, ".text > div")[0]
    inner = (body.text or "") + "".join(
        html.tostring(e, encoding="unicode", method="html") for e in body
    )
    published = shown["content_html"].removesuffix(
        f'<p lang="en" dir="ltr"><i>{entry.disclosure}</i></p>'
    )
    assert inner.strip() == published
    assert published != shown["content_html"]
    assert page.text_content().count(samples.HEADLINE_ONLY) == 1
    assert _texts(page, ".text > p") == [samples.HEADLINE_ONLY]
    canonical = page.find('.//link[@rel="canonical"]')
    assert canonical is not None
    assert canonical.get("href") == entry.url


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("ninjs", "application/json; charset=utf-8"),
        ("newsml-g2", "application/vnd.iptc.g2.newsmessage+xml; charset=utf-8"),
    ],
)
def test_a_storys_documents(serve: Serve, form: str, kind: str) -> None:
    """Linked from its page, with its statement, kept until the entry changes."""
    story = samples.english()
    site = serve(story)
    address = f"/stories/{story.id}/{form}"
    links = _alternates(_story(site, story))
    assert links[f"https://feeds.ndtv.com{address}"] == kind.partition(";")[0]
    found = site.ask(address)
    assert (found.status, found.headers["content-type"]) == (200, kind)
    assert found.headers["access-control-allow-origin"] == "*"
    statement = as_text(_shown(site, story)["_wirecopy"]["statement"])
    assert payload_of(statement)["issued_at"] in found.text
    assert story.headline in found.text
    again = site.ask(address, {"If-None-Match": found.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert site.ask(address).body == found.body
    rewrite(site.store, story.id, "Once more", "Meera")
    render_waiting(site.store, site.config)
    after = site.ask(address)
    assert "Once more" in after.text
    assert after.headers["etag"] != found.headers["etag"]
    assert site.ask(f"/stories/aaaaaaaaaaaaa/{form}").status == 404
    assert site.ask(f"/stories/x/{form}").status == 404


def test_a_storys_page_tells_what_was_measured(serve: Serve) -> None:
    story = samples.english()
    site = serve(story)
    page = _story(site, story)
    measurement = _entry(site, story).measurement
    assert measurement["scope"] == "headline-only"
    assert set(_texts(page, ".badge")) == {"Only the headline was edited"}
    assert _texts(page, ".headlines dd") == [story.version.headline, story.headline]
    rows = [tuple(_texts(row, "th, td")) for row in _all(page, ".parts tr")]
    assert rows == [
        ("Headline", "differs"),
        ("Text", "same"),
        ("Links", "same"),
        ("Pictures and other media", "same"),
        ("Summary and tags", "same"),
    ]
    digests = _texts(page, ".digests code")
    for part in ("headline", "text", "links", "media", "packaging"):
        assert measurement["received"][part] in digests
        assert measurement["published"][part] in digests
    assert measurement["rule"] in _all(page, ".measured details")[-1].text_content()
    assert _texts(page, ".changes") == []
    assert "PTI2026112200417" in _texts(page, ".facts dd")


@pytest.mark.parametrize(("minutes", "told"), [(60, []), (61, ["In the log only since"])])
def test_a_story_logged_long_after_it_is_said_to_have_come(
    serve: Serve, minutes: int, told: list[str]
) -> None:
    story = samples.english()
    logged = (story.received_at + timedelta(minutes=minutes)).replace(microsecond=0)
    with clock.reading(lambda: logged):
        page = _story(serve(story), story)
    found = [row for row in _all(page, ".facts > div") if "log" in row.text_content()]
    assert [row.findtext("dt") for row in found] == told
    assert [_instant(time) for row in found for time in row.iter("time")] == [logged] * len(told)
    assert all("this site’s word" in row.text_content() for row in found)


def test_a_headline_of_the_wire_stands_alone(serve: Serve) -> None:
    story = samples.urdu()
    site = serve(story)
    page = _story(site, story)
    assert _all(page, ".headlines") == []
    assert (page.get("lang"), page.get("dir")) == ("ur", "rtl")
    assert _all(page, "aside")[0].get("dir") == "ltr"
    assert _all(page, "audio")[0].get("src") == "https://img.example/ur.mp3"


def test_what_only_the_desk_may_know_is_not_shown(serve: Serve) -> None:
    story = samples.english()
    newer = story.model_copy(update={"number": 2, "received_at": samples.RECEIVED})
    site = serve()
    put(
        site.store,
        newer,
        earlier=[(samples.version(headline="Old one"), samples.RECEIVED - timedelta(hours=1))],
    )
    rerender_if_changed(site.store, site.config)
    render_waiting(site.store, site.config)
    with site.store.read() as conn:
        kept = records.one(conn, story.id)
    assert kept is not None
    assert kept.second_look
    said = _story(site, story).text_content()
    assert "Meera" not in said
    assert "second look" not in said.lower()


def test_the_history_of_versions(serve: Serve) -> None:
    story = samples.english()
    before = [
        (samples.version(headline=f"Old {n}", agency_version=str(n)), samples.RECEIVED + at)
        for n, at in ((1, timedelta(minutes=-40)), (2, timedelta(minutes=-20)))
    ]
    site = serve()
    put(site.store, story.model_copy(update={"number": 3}), earlier=before)
    rerender_if_changed(site.store, site.config)
    render_waiting(site.store, site.config)
    page = _story(site, story)
    assert _texts(page, ".editions .old") == [story.version.headline, "Old 2", "Old 1"]
    assert _texts(page, ".editions .number") == ["3", "2", "1"]


def test_a_page_shows_the_entry_that_was_measured_not_a_later_version(serve: Serve) -> None:
    story = samples.story()
    site = serve(story)
    later = samples.version(headline="A correction that waits to be rendered", body="<p>New</p>")
    put(
        site.store,
        story.model_copy(
            update={"version": later, "received_at": datetime(2026, 11, 23, tzinfo=UTC)}
        ),
        earlier=[(story.version, samples.RECEIVED)],
    )
    page = _story(site, story)
    assert _texts(page, "h1") == [story.version.headline]
    assert "A correction" not in page.text_content()
    render_waiting(site.store, site.config)
    assert _texts(_story(site, story), "h1") == ["A correction that waits to be rendered"]


def test_a_story_in_no_feed_is_not_published(serve: Serve) -> None:
    story = samples.english()
    site = serve(story, feeds=FEEDS[1:])
    assert _entry(site, story).scope == "headline-only"
    assert site.ask(f"/stories/{story.id}").status == 404
    assert _all(site.page("/"), ".teaser") == []


@pytest.mark.parametrize("configured", [True, False])
def test_a_story_whose_licence_has_ended_is_gone_for_good(serve: Serve, configured: bool) -> None:
    """Whether its wire is configured still or has left."""
    story = samples.english()
    pti = samples.config().wires[0].model_copy(update={"expires_after": timedelta(days=1)})
    with clock.reading(lambda: story.first_received + timedelta(hours=23)):
        site = serve(story, wires=(pti,))
        assert site.ask(f"/stories/{story.id}").status == 200
        with site.store.write() as conn:
            wires.sync(conn, [pti], clock.now())
            if not configured:
                wires.sync(conn, [], clock.now())
        if not configured:
            site = serve(wires=())
            assert site.ask(f"/stories/{story.id}").status == 200
    with clock.reading(lambda: story.first_received + timedelta(hours=25)):
        with site.store.write() as conn:
            outbox.want(conn, "story", [story.id], clock.now())
        render_waiting(site.store, site.config)
        site.hand.now += 10
        assert story.id not in site.ask("/feeds/india.rss").text
        found = site.ask(f"/stories/{story.id}")
        assert (found.status, found.headers["cache-control"]) == (410, "no-store")
        chain = f'/stories/{story.id}/statements>; rel="describedby"'
        assert chain in found.headers["link"]
        assert site.ask(f"/stories/{story.id}/statements").status == 200
        assert "licence" in found.text
        assert story.headline not in found.text
        assert site.ask("/stories/aaaaaaaaaaaaa").status == 404


def test_a_page_that_is_not_there(serve: Serve) -> None:
    site = serve(samples.english())
    for path in (
        "/stories/aaaaaaaaaaaaa",
        "/stories/x",
        "/stories/",
        "/feeds/nosuch",
        "/feeds/india/",
        "/.env",
        "//evil.example/",
    ):
        found = site.ask(path)
        page = html.document_fromstring(found.body.decode())
        assert (found.status, found.headers["cache-control"]) == (404, "no-store"), path
        assert "Traceback" not in found.text
        assert [a.get("href") for a in _all(page, ".message ul a")] == [
            f"/feeds/{f.name}" for f in FEEDS
        ]


def test_pages_are_only_read(serve: Serve) -> None:
    site = serve(samples.english())
    for path in ("/", "/feeds/india", f"/stories/{samples.english().id}"):
        found = site.ask(path, method="POST")
        assert found.status == 405
        assert {m.strip() for m in found.headers["allow"].split(",")} == {"GET", "HEAD"}


def test_a_fault_of_ours_shows_nothing_of_it(serve: Serve) -> None:
    site = serve(samples.english())

    def broken() -> bytes:
        raise RuntimeError("secret of ours")

    site.figures = broken
    found = site.ask("/metrics")
    assert found.status == 500
    assert "secret" not in found.text
    assert "Traceback" not in found.text
    assert "h1" in found.text
    assert site.ask("/healthz").status == 200


def test_hostile_words_stay_words(serve: Serve) -> None:
    story = _everything()[-1]
    site = serve(story)
    entry = _shown(site, story)
    for path in ("/", "/feeds/india", f"/stories/{story.id}"):
        found = site.ask(path)
        page = html.document_fromstring(found.body.decode())
        assert "<script>alert" not in found.text
        scripts = _found(page, "//script")
        assert {s.get("type") for s in scripts} <= {"application/ld+json", "module"}
        assert not [s for s in scripts if s.get("type") == "module" and s.text]
        assert _found(page, "//*[@*[starts-with(name(), 'on')]]") == []
        assert _found(page, "//i[text()='\"A\"']") == []
        heads = _found(page, "//head//title | //head//meta/@content")
        for head in heads:
            said = head if isinstance(head, str) else head.text_content()
            assert "\u202e" not in said
        assert "49" not in _texts(page, "h1, h2, h3")[0]
    page = _story(site, story)
    assert _all(page, "h1")[0].text_content() == entry["title"]
    assert _texts(page, ".credit .agency") == ['<i>"A"</i> & Co']
    data = json.loads(_found(page, '//script[@type="application/ld+json"]/text()')[0])
    assert data["headline"] == entry["title"]
    # A direction is turned inside an element of its own, and so nowhere else.
    assert _all(page, "h1")[0].get("dir") == "auto"


def test_schema_org(serve: Serve) -> None:
    story = samples.english()
    site = serve(story)
    page = _story(site, story)
    raw = _found(page, '//script[@type="application/ld+json"]/text()')[0]
    assert not re.search(r"[<>&\u2028\u2029]", raw)
    data = json.loads(raw)
    shown = _shown(site, story)
    agency = {"@type": "NewsMediaOrganization", "name": "Press Trust of India"}
    assert data["@type"] == "NewsArticle"
    assert data["headline"] == story.headline
    assert (data["datePublished"], data["dateModified"]) == (
        shown["date_published"],
        shown["date_modified"],
    )
    assert data["author"][0] == agency
    assert data["creditText"] == "PTI"
    assert data["isBasedOn"] == {
        "@type": "NewsArticle",
        "identifier": "PTI2026112200417",
        "version": "3",
        "headline": story.version.headline,
        "url": "https://www.ptinews.example/story/417",
        "publisher": agency,
    }
    assert data["publisher"]["name"] == data["sdPublisher"]["name"] == "NDTV"
    assert data["backstory"] == (
        "The headline is ours. Every word of the story, its links and its pictures are as"
        " Press Trust of India sent them."
    )
    statement = shown["_wirecopy"]["statement"]
    assert data["subjectOf"] == {
        "@type": "DigitalDocument",
        "name": "Signed statement 1",
        "url": f"https://feeds.ndtv.com/stories/{story.id}/statements",
        "encodingFormat": "application/json",
        "identifier": {
            "@type": "PropertyValue",
            "propertyID": "sha-256",
            "value": token_digest(as_text(statement)),
        },
        "dateCreated": datetime.fromisoformat(statement["payload"]["issued_at"]).isoformat(
            timespec="seconds"
        ),
    }
    assert data["inLanguage"] == "en-IN"
    assert data["image"] == ["https://img.example/gst.jpg?w=1200&h=675"]
    assert data["url"] == shown["url"]


def test_a_story_without_what_it_could_have(serve: Serve) -> None:
    story = samples.story(
        samples.version(
            byline=None,
            summary=None,
            language=None,
            categories=(),
            keywords=(),
            media=(),
            credit=None,
            rights=None,
            link=None,
            base=None,
            published=None,
            agency_code=None,
            agency_version=None,
        )
    )
    site = serve(story)
    page = _story(site, story)
    article = _all(page, "article")[0]
    assert (article.get("lang"), article.get("dir")) == ("", "auto")
    assert page.get("lang") == "en"
    data = json.loads(_found(page, '//script[@type="application/ld+json"]/text()')[0])
    assert data["creditText"] == "Press Trust of India"
    assert data["isBasedOn"]["identifier"] == "PTI2026112200417"
    assert not data.keys() & {"image", "inLanguage", "keywords", "copyrightNotice"}


def test_a_page_says_where_its_statements_are(serve: Serve) -> None:
    story = samples.english()
    site = serve(story)
    page = _story(site, story)
    address = f"https://feeds.ndtv.com/stories/{story.id}/statements"
    assert _found(page, '//head/link[@rel="describedby"]/@href') == [address]
    assert f'<{address}>; rel="describedby"' in site.ask(f"/stories/{story.id}").headers["link"]
    chain = json.loads(site.ask(f"/stories/{story.id}/statements").body)
    panel = _all(page, ".check")[0]
    assert list(map(as_text, chain["statements"])) == [panel.get("data-statement")]
    assert chain["guid"] == panel.get("data-guid")
    # Until a browser has checked it, nothing is said to have been.
    assert _texts(page, ".check h2") == ["Check it yourself"]
    assert _all(page, ".check .badge") == []


def test_what_a_page_shows_is_what_was_digested(serve: Serve) -> None:
    """Its marked parts, read as its script reads them, are the copy that was measured."""
    shared = samples.version(
        agency_id="P1",
        body='<p>Words and <img src="https://img.example/gst.jpg?w=1200&amp;h=675">'
        ' <a href="https://img.example/gst.mp4">a film</a></p>',
    )
    for story in (*_everything(), samples.story(shared)):
        site = serve(story)
        page = _story(site, story)
        entry = _entry(site, story)

        def part(name: str, page: html.HtmlElement = page) -> html.HtmlElement:
            return _found(page, f'//*[@data-part="{name}"]')[0]

        summary = _found(page, '//*[@data-part="summary"]')
        copy = Copy(
            headline=part("headline").text_content(),
            body=html.tostring(part("text"), encoding="unicode"),
            media=tuple(
                m.get("src") or m.get("href") for m in _found(page, '//*[@data-part="media"]')
            ),
            summary=summary[0].text_content() if summary else "",
            tags=tuple(t.text_content() for t in _found(page, '//*[@data-part="tags"]/*')),
        )
        made = digests(copy, disclosure=entry.disclosure)
        assert asdict(made) == entry.measurement["published"], story.headline
        stated = payload_of(_all(page, ".check")[0].get("data-statement") or "")
        assert part("scope").get("data-scope") == stated["scope"]
        for name in ("agency", "agency_id", "agency_version"):
            told = [each.text_content() for each in _found(page, f'//*[@data-part="{name}"]')]
            assert told == ([stated[name]] if name in stated else [])

        def words(name: str, of: html.HtmlElement = page) -> str:
            return "".join(each.text_content() for each in _found(of, f'.//*[@data-part="{name}"]'))

        figures = _found(page, '//*[@data-part="figure"]')
        said = tuple(captioned(words("caption", f), words("credit", f)) for f in figures)
        details = Details(words("byline"), part("published").get("datetime") or "", said)
        assert short(details.digest("wirecopy-text-1")) == stated["details"]


def test_what_was_changed_is_shown_word_by_word(serve: Serve) -> None:
    story = samples.story(
        samples.version(
            headline="Bridge over the Yamuna opened",
            body="<p>One two <span hidden>three</span> four.</p><p>Same.</p>"
            "<form><p>Five &lt;b&gt; six.</p></form><p><iframe src='https://v.example/1'></iframe></p>",
        ),
        desk="Bridge over the Ganga opened",
    )
    site = serve(story)
    page = _story(site, story)
    assert _texts(page, ".headlines del") == ["Yamuna"]
    assert _texts(page, ".headlines ins") == ["Ganga"]
    assert _texts(page, ".changes h3") == ["Text", "Pictures and other media"]
    changed = [tuple(_texts(item, "p, del, ins")) for item in _all(page, ".changes li")]
    assert changed == [
        ("One two three four.", "three"),
        ("https://v.example/1", "https://v.example/1"),
    ]
    assert _found(page, '//*[@id="changes"]')
    assert _found(page, '//a[@href="#changes"]')


def test_the_scripts(serve: Serve) -> None:
    story = samples.english()
    site = serve(story)
    address = _found(_story(site, story), '//script[@type="module"]/@src')[0]
    folder, _, name = address.rpartition("/")
    assert name == "page.js"
    for each in ("page.js", "verify.js", "text.js"):
        found = site.ask(f"{folder}/{each}")
        assert found.status == 200
        assert found.headers["content-type"] == "text/javascript; charset=utf-8"
        assert found.headers["x-content-type-options"] == "nosniff"
        assert "immutable" in found.headers["cache-control"]
        again = site.ask(f"{folder}/{each}", {"If-None-Match": found.headers["etag"]})
        assert again.status == 304
        for asked in re.findall(r'from "\./([a-z]+\.js)"', found.text):
            assert site.ask(f"{folder}/{asked}").status == 200
    for wrong in ("/static/page.js", f"{folder}/../page.js", f"{folder}/", f"{folder}/page.html"):
        assert site.ask(wrong).status == 404


def test_pages_run_nothing_and_frame_nothing(serve: Serve) -> None:
    import base64
    import hashlib

    site = serve(*_everything())
    for path in ("/", "/feeds/india", f"/stories/{samples.hindi().id}", "/nosuch"):
        found = site.ask(path)
        page = html.document_fromstring(found.body.decode())
        policy = dict(
            rule.strip().split(" ", 1)
            for rule in found.headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["form-action"] == "'self'"
        if path == "/nosuch":
            assert "script-src" not in policy
        else:
            # Our own scripts, which make no markup of any string.
            assert policy["script-src"] == "'self'"
            assert policy["require-trusted-types-for"] == "'script'"
            assert policy["trusted-types"] == "'none'"
        # One asks our own site.
        asks = "'self'" if path.startswith("/stories/") else None
        assert policy.get("connect-src") == asks
        style = page.findtext(".//style") or ""
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert policy["style-src"] == f"'sha256-{digest}'"
        assert _found(page, "//*[@style]") == []
        for name, value in (
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
        ):
            assert found.headers[name] == value
        assert "camera=()" in found.headers["permissions-policy"]
        assert "granian" not in found.headers["server"].lower()


def test_pages_answer_304(serve: Serve) -> None:
    with clock.reading(lambda: datetime(2026, 11, 22, 13, 30, tzinfo=UTC)):
        site = serve(*_everything())
    for path in ("/", "/feeds/india", f"/stories/{samples.hindi().id}"):
        first = site.ask(path, {"Accept-Encoding": "gzip"})
        assert first.headers["content-encoding"] == "gzip"
        assert "max-age=60" in first.headers["cache-control"]
        again = {"If-None-Match": first.headers["etag"], "Accept-Encoding": "gzip"}
        assert site.ask(path, again).status == 304
        assert site.ask(path).headers["etag"] != first.headers["etag"]
    dated = site.ask(path).headers["last-modified"]
    assert dated == "Sun, 22 Nov 2026 13:30:01 GMT"
    assert site.ask(path, {"If-Modified-Since": dated}).status == 304


def test_pages_are_made_once_and_again_when_something_changed(
    serve: Serve, statements: list[str]
) -> None:
    moment = [samples.RECEIVED + timedelta(hours=2)]  # a page is made anew as its second ends
    with clock.reading(lambda: moment[0]):
        site = serve(samples.english())
        moment[0] += timedelta(seconds=5)
        story = f"/stories/{samples.english().id}"
        for path, work in (("/", "entries"), ("/feeds/india", "entries"), (story, "versions")):
            site.ask(path)
            statements.clear()
            first = site.ask(path)
            assert statements
            assert not [s for s in statements if f"FROM {work}" in s or f"JOIN {work}" in s]
            assert first.status == 200
        publish(site.store, site.config, samples.hindi())
        for path in ("/", "/feeds/india"):
            assert samples.hindi().headline in site.ask(path).text
        newer = samples.english().model_copy(update={"number": 2, "edits": ()})
        put(site.store, newer, earlier=[(newer.version, samples.RECEIVED - timedelta(hours=1))])
        render_waiting(site.store, site.config)
        assert _texts(site.page(story), ".editions .number") == ["2", "1"]


def test_only_so_many_pages_are_kept() -> None:
    kept = PageCache(limit=2)
    ready = represent(b"", '"x"', "text/html", None)
    for path in ("/a", "/b"):
        kept.put(path, (path, ready, 0.0))
    assert kept.get("/a") == ("/a", ready, 0.0)
    kept.put("/c", ("/c", ready, 0.0))
    assert [kept.get(path) is not None for path in ("/a", "/b", "/c")] == [True, False, True]


def test_without_the_database_pages_are_those_kept(serve: Serve) -> None:
    site = serve(samples.english())
    story = f"/stories/{samples.english().id}"
    kept = {path: site.ask(path).body for path in ("/", "/feeds/india", story)}
    _rename(site.store, "feeds", "elsewhere")
    _rename(site.store, "entries", "nowhere")
    for path, body in kept.items():
        found = site.ask(path)
        assert (found.status, found.body) == (200, body)
    found = site.ask(f"/stories/{samples.hindi().id}")
    assert found.status == 503
    assert int(found.headers["retry-after"]) > 0
    assert "elsewhere" not in found.text
    assert html.document_fromstring(found.body.decode()).findtext(".//h1")
    _rename(site.store, "elsewhere", "feeds")
    _rename(site.store, "nowhere", "entries")


@pytest.mark.parametrize("prefix", ["", "/wire/desk"])
def test_a_site_below_a_path(serve: Serve, prefix: str) -> None:
    """Behind a proxy that takes the path away, or that does not."""
    story = samples.english()
    publisher = Publisher(name="NDTV", url="https://www.ndtv.com")
    site = serve(story, site=Site(url="https://ndtv.example/wire/desk/"), publisher=publisher)
    assert site.ask(f"{prefix}/feeds/india.rss").body == site.row("india", "rss").body
    page = site.page(f"{prefix}/feeds/india")
    assert _all(page, ".head a")[0].get("href") == f"/wire/desk/stories/{story.id}"
    assert "https://ndtv.example/wire/desk/feeds/india.rss" in _alternates(page)
    canonical = site.page(f"{prefix}/stories/{story.id}").find('.//link[@rel="canonical"]')
    assert canonical is not None
    assert canonical.get("href") == f"https://ndtv.example/wire/desk/stories/{story.id}"
    assert site.ask(f"{prefix}/").status == 200
    assert site.ask("/wire/deskx/").status == 404
    checked = site.page(f"{prefix}/stories/{story.id}")
    script = _found(checked, '//script[@type="module"]/@src')[0]
    panel = _all(checked, ".check")[0]
    for address in (script, panel.get("data-keys"), panel.get("data-statements")):
        assert address.startswith("/wire/desk/")
        assert site.ask(f"{prefix}{address.removeprefix('/wire/desk')}").status == 200


# Health


def test_alive(serve: Serve) -> None:
    site = serve()
    found = site.ask("/healthz")
    assert (found.status, found.body, found.headers["cache-control"]) == (200, b"ok\n", "no-store")


def test_ready(serve: Serve) -> None:
    site = serve(samples.english())
    found = site.ask("/readyz")
    assert found.status == 200
    assert json.loads(found.body) == {"ready": True, "database": "ok", "broker": "ok"}
    site.parts = lambda: {"broker": "cannot be reached"}
    found = site.ask("/readyz")
    assert found.status == 503
    assert json.loads(found.body) == {
        "ready": False,
        "database": "ok",
        "broker": "cannot be reached",
    }
    assert site.ask("/healthz").status == 200


def test_not_ready_without_the_database(serve: Serve) -> None:
    site = serve(samples.english())
    assert site.ask("/feeds/india.rss").status == 200
    _rename(site.store, "wires", "elsewhere")
    found = site.ask("/readyz")
    assert found.status == 503
    told = json.loads(found.body)
    assert (told["ready"], told["broker"]) == (False, "ok")
    assert told["database"] != "ok"
    assert "elsewhere" not in found.text
    _rename(site.store, "elsewhere", "wires")
    assert site.ask("/readyz").status == 200


def test_not_ready_when_an_answer_does_not_come(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = serve(samples.english())
    free = threading.Event()
    asked: list[int] = []

    def hang() -> dict[str, str]:
        asked.append(1)
        assert free.wait(60)
        return {"broker": "ok"}

    site.parts = hang
    monkeypatch.setattr(app_module, "PATIENCE", 0.1)
    try:
        for _ in range(3):
            found = site.ask("/readyz")
            assert found.status == 503
            assert "no answer" in json.loads(found.body)["broker"]
        assert len(asked) == 1  # a probe that hangs takes one thread, not one a request
    finally:
        free.set()


def test_a_database_file_that_was_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "home" / "wirecopy.sqlite3"
    store = connect(f"sqlite:///{path}")
    store.migrate()
    config = samples.config(feeds=FEEDS)
    publish(store, config, samples.english())
    hand = Hand()
    app = create(config, store, ready=lambda: {"broker": "ok"}, metrics=lambda: b"", monotonic=hand)
    with served(app) as port:
        before = port.ask("/feeds/india.rss")
        assert (before.status, port.ask("/readyz").status) == (200, 200)
        path.parent.rename(tmp_path / "away")
        found = port.ask("/readyz")
        assert found.status == 503
        assert json.loads(found.body)["database"] == "the file is gone"
        store.close()
        hand.now += 60
        after = port.ask("/feeds/india.rss")
        assert (after.status, after.body) == (200, before.body)
        assert "cache-status" in after.headers
        assert port.ask("/healthz").status == 200
    store.close()


def test_figures_robots_and_icon(serve: Serve) -> None:
    site = serve(samples.english())
    found = site.ask("/metrics")
    assert found.body == b"wirecopy_up 1\n"
    assert found.headers["content-type"].startswith("text/plain; version=")
    assert "Disallow: /metrics" in site.ask("/robots.txt").text
    icon = site.ask("/favicon.ico")
    assert icon.headers["content-type"] == "image/svg+xml"
    assert etree.fromstring(icon.body).tag.endswith("svg")


def test_requests_that_are_none(serve: Serve) -> None:
    site = serve(samples.english())
    for host in ("x/evil?", "[::", "a b", ""):
        request = f"GET /feeds/india HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        assert site.port.raw(request.encode())[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 400")
    for path in ("/stories/%00", "/feeds/%ff%fe", "/stories/" + "a" * 5000):
        assert site.ask(path).status == 404
    assert site.ask("/feeds/india.rss").status == 200


def test_what_a_licence_says_to_search_engines(serve: Serve) -> None:
    wire = Wire(name="pti", url="https://wire.example/x", noindex=True, canonical="agency")
    story = samples.english()
    site = serve(story, wires=(wire,))
    answer = site.ask(f"/stories/{story.id}")
    page = html.fromstring(answer.body)
    assert _found(page, '//meta[@name="robots"]/@content') == ["noindex"]
    assert _found(page, '//link[@rel="canonical"]/@href') == [
        "https://www.ptinews.example/story/417"
    ]
    assert answer.headers["x-robots-tag"] == "noindex"
    assert '<https://www.ptinews.example/story/417>; rel="canonical"' in answer.headers["link"]


def test_all_feeds_in_one_file(serve: Serve) -> None:
    site = serve(samples.english(), feeds=(*FEEDS, Feed(name="a", title="A", categories=("B, C",))))
    found = site.ask("/feeds.opml")
    assert found.headers["content-type"] == "text/x-opml; charset=utf-8"
    opml = etree.fromstring(found.body)
    assert (opml.get("version"), opml.findtext("head/title")) == ("2.0", "NDTV")
    told = {each.get("text"): dict(each.attrib) for each in opml.findall("body/outline")}
    assert list(told) == [feed.title for feed in site.config.feeds]
    for feed in site.config.feeds:
        of = told[feed.title]
        assert of["type"] == "rss"
        assert site.ask(urlsplit(of["xmlUrl"]).path).headers["content-type"] == TYPES["rss"]
        assert site.ask(urlsplit(of["htmlUrl"]).path).status == 200
    assert told["Sport"]["category"] == "Sport"
    assert "category" not in told["A"]
    assert told["India"]["description"] == "What <agencies> say & send"
    assert "/feeds.opml" in site.ask("/").text


def test_what_a_licence_says_to_machines(serve: Serve) -> None:
    """RSL and TDMRep, in headers, heads, pages and robots.txt: all that is not granted."""
    wires = (
        Wire(name="pti", url="https://wire.example/x", grants=("ai-input", "tdm")),
        Wire(name="ap", url="https://wire.example/y"),
    )
    feeds_ = (Feed(name="pti", title="PTI", wires=("pti",)), Feed(name="all", title="All"))
    story = samples.english()
    site = serve(story, wires=wires, feeds=feeds_)
    own, all_ = (
        f"https://feeds.ndtv.com/licences/{name}.xml" for name in ("search+ai-input", "search")
    )
    documents = [f"/stories/{story.id}/ninjs", *(f"/feeds/pti.{form}" for form in feeds.FORMATS)]
    for path, address, reserved in (
        *((path, own, "0") for path in ("/feeds/pti", f"/stories/{story.id}", *documents)),
        *((path, all_, "1") for path in ("/", "/feeds/all", "/feeds/all.rss")),
    ):
        found = site.ask(path)
        assert f'<{address}>; rel="license"; type="application/rsl+xml"' in found.headers["link"]
        assert found.headers["tdm-reservation"] == reserved, path
        if found.headers["content-type"].startswith("text/html"):
            page = html.fromstring(found.body)
            assert _found(page, '//link[@rel="license"]/@href') == [address]
            assert _found(page, '//meta[@name="tdm-reservation"]/@content') == [reserved]
        elif "/feeds/" in path:
            assert address in found.text, path
    assert f"License: {all_}\n" in site.ask("/robots.txt").text
    for address in (own, all_):
        document = site.ask(urlsplit(address).path)
        assert document.headers["content-type"] == "application/rsl+xml"
        etree.fromstring(document.body)
    assert site.ask("/licences/ai-train.xml").status == 404
    assert json.loads(site.ask("/.well-known/tdmrep.json").body)[0]["tdm-reservation"] == 1


def test_the_rights_of_a_wire_are_those_of_stories_that_state_none(serve: Serve) -> None:
    stating, silent = samples.english(), samples.hindi()
    wire = Wire(name="pti", url="https://wire.example/x", rights="© Press Trust of India")
    site = serve(stating, silent, wires=(wire,))
    entries = {
        e["id"]: e["_wirecopy"] for e in json.loads(site.ask("/feeds/india.json").body)["items"]
    }
    assert entries[silent.guid]["rights"] == "© Press Trust of India"
    assert entries[stating.guid]["rights"] == stating.version.rights


SITEMAP = {
    "": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "news": "http://www.google.com/schemas/sitemap-news/0.9",
}


def _news(site: Running) -> list[tuple[str, ...]]:
    found = site.ask("/sitemap-news.xml")
    assert found.headers["content-type"] == "application/xml"
    names = ("loc", "news:news/news:publication_date", "news:news/news:title")
    of = "news:news/news:publication/news:"
    return [
        tuple(url.findtext(name, "", SITEMAP) for name in (*names, f"{of}name", f"{of}language"))
        for url in etree.fromstring(found.body).findall("url", SITEMAP)
    ]


def test_the_news_of_two_days_are_in_the_sitemap(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = samples.english()
    came = story.first_received
    publisher = Publisher(name="NDTV & Co", url="https://www.ndtv.com")
    at = [came + timedelta(hours=1)]
    monkeypatch.setattr(clock, "now", lambda: at[0])
    site = serve(story, samples.hindi(), publisher=publisher)
    assert "Sitemap: https://feeds.ndtv.com/sitemap-news.xml\n" in site.ask("/robots.txt").text
    found = {row[0]: row[1:] for row in _news(site)}
    address = f"https://feeds.ndtv.com/stories/{story.id}"
    assert len(found) == 2
    shown = json.loads(site.ask("/feeds/india.json").body)["items"]
    [dated] = [each["date_published"] for each in shown if each["id"] == story.guid]
    assert found[address] == (dated, story.headline, "NDTV & Co", "en")
    at[0] = came + timedelta(days=2, minutes=1)
    assert _news(site) == []


@pytest.mark.parametrize("keys", [{"noindex": True}, {"canonical": "agency"}])
def test_what_is_not_to_be_found_here_is_in_no_sitemap(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any]
) -> None:
    story = samples.english()
    monkeypatch.setattr(clock, "now", lambda: story.first_received + timedelta(hours=1))
    wire = Wire(name="pti", url="https://wire.example/x", **keys)
    own = Publisher(name="NDTV", url="https://www.ndtv.com")
    assert _news(serve(story, wires=(wire,), publisher=own)) == []


def test_stories_on_another_site_are_in_no_sitemap_of_this(serve: Serve) -> None:
    site = serve(samples.english())
    assert site.ask("/sitemap-news.xml").status == 404
    assert "Sitemap" not in site.ask("/robots.txt").text


def test_the_story_is_the_page(serve: Serve) -> None:
    """What was measured is hidden until a link leads there: reader views take the longest text
    for the story (tried with @mozilla/readability 0.6)."""
    story = samples.story(samples.version(body="<p>Short.</p>"), "Another headline")
    page = _story(serve(story), story)
    panel, follow = _found(page, "//main//aside")
    # Readers know by the name that it is none of the story.
    assert "sidebar" in follow.get("class").split()
    assert panel.get("hidden") is not None
    inside = {part.get("id") for part in panel.iter() if part.get("id")}
    assert {"measured", "checked"} <= inside
    assert _found(page, '//p[@data-part="scope"]/a/@href') == ["#measured"]
    outside = " ".join(
        text for text in _found(page, "//main//text()[not(ancestor::aside)]") if text.strip()
    )
    assert "sha-256" not in outside
    assert "Copy received" not in outside


def test_every_page_says_how_to_subscribe(serve: Serve) -> None:
    story = samples.urdu()
    site = serve(story)
    address = "https://feeds.ndtv.com/feeds/urdu"
    inside = "https%3A%2F%2Ffeeds.ndtv.com%2Ffeeds%2Furdu.rss"
    for path in ("/", "/feeds/urdu", f"/stories/{story.id}"):
        page = site.page(path)
        shown = [code.text_content() for code in _all(page, "code.address")]
        for format in ("rss", "atom", "json"):
            assert shown.count(f"{address}.{format}") == 1, path
        links = _found(page, '//p[@class="readers"]/a/@href')
        for link in (
            f"https://feedly.com/i/subscription/feed%2F{inside}",
            f"https://www.inoreader.com/?add_feed={inside}",
            f"https://www.newsblur.com/?url={inside}",
            f"https://theoldreader.com/feeds/subscribe?url={inside}",
            f"https://feedbin.com/?subscribe={inside}",
            f"feed:{address}.rss",
        ):
            assert links.count(link) == 1, (path, link)


def test_a_picture_without_words_says_nothing(serve: Serve) -> None:
    story = samples.story(
        samples.version(
            body='<p><img src="https://img.example/1.jpg"><img src="https://img.example/2.jpg"'
            ' alt="A &lt;img src=x&gt; \'map\'"></p><p title="<img src=y>">Words</p>',
            media=(),
        )
    )
    page = _story(serve(story), story)
    told = [(i.get("src"), i.get("alt")) for i in _all(page, "article img")]
    assert told == [
        ("https://img.example/1.jpg", ""),
        ("https://img.example/2.jpg", "A <img src=x> 'map'"),
    ]


def test_a_link_to_a_story_shows_its_picture(serve: Serve) -> None:
    story = samples.english()
    page = _story(serve(story), story)

    def said(name: str) -> list[str]:
        return _found(page, f'//meta[@property="{name}" or @name="{name}"]/@content')

    assert said("og:image") == ["https://img.example/gst.jpg?w=1200&h=675"]
    assert (said("og:image:width"), said("og:image:height")) == (["1200"], ["675"])
    assert said("og:image:alt") == ['Finance ministers at "Vigyan Bhavan"']
    assert said("twitter:card") == ["summary_large_image"]
    assert said("author") == ["By Asha Rao", "Press Trust of India"]


def test_a_canonical_address_in_another_script_fits_a_header(serve: Serve) -> None:
    wire = Wire(name="pti", url="https://wire.example/x", canonical="agency")
    story = samples.story(samples.version(link="https://समाचार.भारत/x"))
    site = serve(story, wires=(wire,))
    answer = site.ask(f"/stories/{story.id}")
    page = html.fromstring(answer.body.decode())
    assert _found(page, '//link[@rel="canonical"]/@href') == ["https://समाचार.भारत/x"]
    assert "<https://%e0%a4%b8%e0" in answer.headers["link"]
