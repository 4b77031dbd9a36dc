"""Verifying against a site: from pages in memory, and over the library's own HTTP."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from publish.entry import Entry
from tests.signed import ISSUED, Issuer, samples
from tests.signing import canonical, jwks
from wirecopy import Missing, Refused, Report, TrustedState, Verifier, https, verify
from wirecopy.online import site_of

SITE = "https://feeds.chronicle.example"
FEED = f"{SITE}/feeds/india.rss"


def pages(issuer: Issuer, entries: Sequence[Entry], site: str = SITE) -> dict[str, bytes]:
    """What a site serves of *entries*: a feed, keys, chains and the log."""
    size = len(issuer.log.leaves)
    return {
        f"{site}/feeds/india.rss": issuer.feed(entries, "rss"),
        f"{site}/.well-known/jwks.json": canonical(jwks(issuer.signer, log=issuer.log)),
        f"{site}/log/checkpoint": issuer.log.checkpoint().encode(),
        f"{site}/log/tile/0/000.p/{size}": issuer.log.tile(0, 0, size),
        **{
            f"{site}/stories/{story.id}/statements": issuer.chain(story)
            for story in samples()
            if story.id in issuer.chains
        },
    }


def from_memory(served: Mapping[str, bytes], asked: list[str]) -> Callable[..., dict[str, bytes]]:
    def fetch(urls: Sequence[str]) -> dict[str, bytes]:
        asked.extend(urls)
        return {url: served[url] for url in urls if url in served}

    return fetch


def verifier(served: Mapping[str, bytes], state: TrustedState | None = None) -> Verifier:
    later = ISSUED + timedelta(hours=1)
    return Verifier(SITE, fetch=from_memory(served, []), state=state, now=lambda: later)


def states(report: Report, name: str) -> set[str]:
    return {check.state for entry in report.entries for check in entry.checks if check.name == name}


def test_everything_is_asked_of_the_site() -> None:
    issuer = Issuer()
    served = pages(issuer, [issuer.sign(story) for story in samples()])
    one = verifier(served)
    report = one.verify(FEED)
    assert report.ok
    assert (states(report, "chain"), states(report, "receipt")) == ({"ok"}, {"ok"})
    assert (report.log.state, one.state) == ("ok", report.state)
    assert len(one.state.statements) == 3


def test_what_was_seen_must_not_be_taken_back() -> None:
    issuer = Issuer()
    entries = [issuer.sign(story) for story in samples()]
    one = verifier(pages(issuer, entries))
    assert one.verify(FEED).ok
    newer = [issuer.sign(story) for story in samples()]
    served = pages(issuer, newer)
    assert verifier(served, TrustedState.load(one.state.dump())).verify(FEED).ok
    del served[next(url for url in served if "/tile/" in url)]
    report = verifier(served, one.state).verify(FEED)
    assert (report.log.state, report.ok) == ("failed", False)
    assert report.state == one.state
    older = verifier(pages(issuer, entries), verifier(pages(issuer, newer)).verify(FEED).state)
    assert states(older.verify(FEED), "continuity") == {"failed"}


def test_a_chain_that_is_withheld_is_told() -> None:
    issuer = Issuer()
    served = pages(issuer, [issuer.sign(story) for story in samples()])
    report = verifier({u: b for u, b in served.items() if "/stories/" not in u}).verify(FEED)
    assert states(report, "chain") == {"not checked"}
    assert all(
        "is not to be had" in c.reason for c in report.entries[0].checks if c.name == "chain"
    )


def test_what_is_not_to_be_had_or_is_something_else() -> None:
    with pytest.raises(Missing, match=r"jwks\.json: is not to be had"):
        verifier({FEED: b'{"items":[]}'}).verify(FEED)
    with pytest.raises(Missing, match=r"india\.rss: is not to be had"):
        verifier({}).verify(FEED)
    with pytest.raises(Refused, match=r"jwks\.json: key set: "):
        verifier({FEED: b'{"items":[]}', f"{SITE}/.well-known/jwks.json": b"x"}).verify(FEED)
    with pytest.raises(Refused, match=r"Verifier\(SITE\) fetches"):
        verify(FEED, b'{"keys":[]}')
    with pytest.raises(TypeError, match="keys"):
        verify("feed.rss")  # type: ignore[call-arg]


def test_where_a_feeds_site_is() -> None:
    keys = canonical(jwks(Issuer().signer))
    below = {"https://h.example/news/.well-known/jwks.json": keys}
    at_root = {"https://h.example/.well-known/jwks.json": keys}
    feed = "https://h.example/news/feeds/x.rss"
    assert site_of(feed, from_memory(below, []))[0] == "https://h.example/news"
    assert site_of(feed, from_memory(at_root, []))[0] == "https://h.example"


# Over HTTP


def got(urls: Sequence[str]) -> dict[str, bytes]:
    """What could be had of *urls*."""
    return {url: body for url, body in https.fetch(urls).items() if isinstance(body, bytes)}


@contextmanager
def serving(served: Mapping[str, bytes], moved: Mapping[str, str]) -> Iterator[str]:
    """The pages, by path, on loopback; those *moved* answer 302."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = served.get(self.path, b"")
            status = 200 if self.path in served else 302 if self.path in moved else 404
            self.send_response(status)
            if status == 302:
                self.send_header("Location", moved[self.path])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_a_site_on_this_machine_is_verified_over_http() -> None:
    issuer = Issuer()
    served = pages(issuer, [issuer.sign(story) for story in samples()], site="")
    with serving(served, {}) as site:
        report = Verifier(site, now=lambda: datetime.now(UTC) + timedelta(days=9999)).verify(
            f"{site}/feeds/india.rss"
        )
    assert report.ok
    assert (states(report, "chain"), report.log.state) == ({"ok"}, "ok")


def test_what_is_fetched_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({"/a": b"a" * 1000, "/b": b"b"}, {}) as site:
        monkeypatch.setattr(https, "LARGEST_DOCUMENT", 999)
        urls = [f"{site}/{name}" for name in "abc"]
        assert got(urls) == {f"{site}/b": b"b"}
        assert "more than 999 bytes" in str(https.fetch(urls)[f"{site}/a"])
        assert "answered 404" in str(https.fetch(urls)[f"{site}/c"])


def test_redirects_stay_on_one_host_and_one_scheme() -> None:
    with serving({"/secret": b"x"}, {}) as elsewhere:
        moved = {
            "/a": "/b",
            "/out": f"{elsewhere}/secret",
            "/file": Path(__file__).as_uri(),
            "/round": "/round",
        }
        with serving({"/b": b"b"}, moved) as site:
            assert got([f"{site}{path}" for path in moved]) == {f"{site}/a": b"b"}


@pytest.mark.parametrize(
    "url",
    [
        "http://feeds.chronicle.example/",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "data:,x",
        "https://",
        "http://[::1",
        "http://localhost.chronicle.example/",
    ],
)
def test_nothing_is_fetched_but_by_https(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*args: object, **named: object) -> None:
        pytest.fail("it was asked for")

    monkeypatch.setattr(https._OPENER, "open", opened)
    assert got([url]) == {}


# The command


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wirecopy", "verify", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Verify a feed" in done.stdout
