"""What a verifier asks a site for: keys, chains, and the log as C2SP tlog-tiles serves it."""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import pytest

from publish.web.app import create
from publish.web.representation import represent
from stories import transparency
from stories.config import Config, Site
from stories.db import Store, proofs
from stories.db.proofs import Receipt
from stories.keys import key_set
from stories.models import Story
from tests.publish import samples
from tests.publish.shelf import publish
from tests.serving import Answer, Port, served
from tests.stories.proving import chained, opened, receipt
from wirecopy.encoding import canonical, digest
from wirecopy.tlog import Tree, leaf_hash

Start = Callable[..., Port]

URL = "/%+."


@pytest.fixture
def start(store: Store) -> Iterator[Start]:
    """Serves the store with these stories published; keys as in :func:`samples.config`."""
    with ExitStack() as stack:

        def serve(*stories: Story, **keys: Any) -> Port:
            config = samples.config(**keys)
            if stories:
                publish(store, config, *stories)
            app = create(config, store, ready=dict, metrics=lambda: b"")
            return stack.enter_context(served(app))

        yield serve


@pytest.mark.parametrize(
    "path", ["/.well-known/jwks.json", "/log/checkpoint", "/log/tile/0/000", "/log/tile/nothing"]
)
def test_a_verifier_in_a_browser_may_ask_beforehand(start: Start, path: str) -> None:
    asked = {"Origin": "https://a.example", "Access-Control-Request-Headers": "if-none-match"}
    found = start().ask(path, asked, "OPTIONS")
    assert (found.status, found.body) == (204, b"")
    assert found.headers["access-control-allow-origin"] == "*"
    assert "If-None-Match" in found.headers["access-control-allow-headers"]


def fill(store: Store, config: Config, count: int) -> list[bytes]:
    """Put *count* receipts into the log; their leaves."""
    written = [canonical({"n": n}) for n in range(count)]
    rows = [Receipt(leaf_hash(each), "s", 1, n, each) for n, each in enumerate(written)]
    with store.write() as conn:
        proofs.add_receipts(conn, rows)
    transparency.append(store, config)
    with store.read() as conn:
        leaves = proofs.leaves(conn, 0, count)
    assert [json.loads(leaf)["n"] for leaf in leaves] == list(range(count))
    return leaves


def test_the_keys(start: Start, store: Store) -> None:
    port = start(samples.english())
    found = port.ask("/.well-known/jwks.json")
    assert found.status == 200
    assert found.headers["content-type"] == "application/jwk-set+json"
    assert found.headers["cache-control"] == "public, max-age=300"
    assert found.headers["access-control-allow-origin"] == "*"
    assert found.headers["repr-digest"] == digest(found.body)
    with store.read() as conn:
        assert json.loads(found.body) == key_set(conn)
    assert b'"d"' not in found.body  # the private half, as RFC 8037 names it
    again = port.ask("/.well-known/jwks.json", {"If-None-Match": found.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_a_chain(start: Start) -> None:
    port = start(samples.english())
    found = port.ask(f"/stories/{samples.english().id}/statements")
    assert found.status == 200
    assert found.headers["content-type"] == "application/json"
    assert found.headers["cache-control"] == "public, no-cache"
    told = json.loads(found.body)
    keys = json.loads(port.ask("/.well-known/jwks.json").body)
    [said] = chained(told, keys)
    assert told["guid"] == said["guid"] == samples.english().guid
    shown = json.loads(port.ask("/feeds/india.json").body)["items"][0]
    assert shown["_wirecopy"]["statement"] == told["statements"][-1]


def test_the_log_of_what_was_received(start: Start) -> None:
    port = start(samples.english(), samples.urdu())
    keys = json.loads(port.ask("/.well-known/jwks.json").body)
    found = port.ask("/log/checkpoint")
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    assert found.headers["cache-control"] == "public, max-age=5"
    checkpoint = opened(found.body.decode(), keys["wirecopy_log"])
    assert checkpoint.size == 2
    bundle = port.ask("/log/tile/entries/000.p/2").body
    leaves = list(unbundled(bundle))
    chains = [
        json.loads(port.ask(f"/stories/{s.id}/statements").body)
        for s in (samples.english(), samples.urdu())
    ]
    assert sorted(leaves) == sorted(receipt(chained(c, keys)[0]) for c in chains)
    hashes = port.ask("/log/tile/0/000.p/2").body
    assert hashes == b"".join(map(leaf_hash, leaves))
    assert Tree(2, lambda *_: hashes).root() == checkpoint.root


def unbundled(bundle: bytes) -> Iterator[bytes]:
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        yield bundle[2 : 2 + length]
        bundle = bundle[2 + length :]


def test_full_and_partial_tiles_and_bundles(start: Start, store: Store) -> None:
    leaves = fill(store, samples.config(), 600)
    port = start()

    def ask(path: str) -> Answer:
        found = port.ask(f"/log/tile/{path}")
        assert found.status == 200, path
        assert found.headers["content-type"] == "application/octet-stream"
        assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert found.headers["access-control-allow-origin"] == "*"
        return found

    hashes = [leaf_hash(leaf) for leaf in leaves]
    assert ask("0/000").body == b"".join(hashes[:256])
    assert ask("0/001").body == b"".join(hashes[256:512])
    assert ask("0/002.p/88").body == b"".join(hashes[512:])
    # A checkpoint of an earlier size goes on being served.
    assert ask("0/002.p/7").body == b"".join(hashes[512:519])
    assert ask("0/000.p/255").body == b"".join(hashes[:255])
    assert len(ask("1/000.p/2").body) == 64
    assert list(unbundled(ask("entries/001").body)) == leaves[256:512]
    assert list(unbundled(ask("entries/002.p/3").body)) == leaves[512:515]
    packed = port.ask("/log/tile/entries/000", {"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.body) == ask("entries/000").body
    assert "content-encoding" not in ask("0/000").headers


@pytest.mark.parametrize(
    "path",
    [
        *("0/002", "0/002.p/89", "0/003", "1/000", "1/000.p/3", "2/000.p/1", "entries/002"),
        *("0/000.p/0", "0/000.p/256", "0/000.p/257", "0/000.p/07", "0/000.p/", "0/000.p"),
        *("00/000", "64/000", "-1/000", "0/0", "0/0000", "0/000/", "0//000", "0/x000", "0"),
        *("0/x000/000", "0/000/000", "0/X001/000", "0/+00", "0/ 00", "0/٠٠٠", "entries/x000/001"),
        *("0/x999/x999/x999/x999/x999/x999/999", "entries/x999/x999/x999/x999/x999/x999/999"),
        *("data/000", "0/000.P/1", "0/000%00", "0/../checkpoint", ""),
    ],
)
def test_what_is_no_tile_or_not_there(start: Start, store: Store, path: str) -> None:
    fill(store, samples.config(), 600)
    found = start().ask(f"/log/tile/{quote(path, safe=URL)}")
    assert found.status == 404
    assert found.headers["cache-control"] == "no-store"


def test_nothing_is_there_before_the_first_key(start: Start) -> None:
    port = start()
    for path in ("/.well-known/jwks.json", "/log/checkpoint", "/log/tile/0/000.p/1"):
        found = port.ask(path)
        assert (found.status, found.headers["cache-control"]) == (404, "no-store")


def test_a_story_without_statements(start: Start) -> None:
    port = start(samples.english())
    for name in ("a" * 13, "a", "A" * 13, "..", "a" * 13 + "/x"):
        assert port.ask(f"/stories/{name}/statements").status == 404


def test_a_site_below_a_path(start: Start) -> None:
    port = start(samples.english(), site=Site(url="https://www.ndtv.com/wire"))
    for root in ("", "/wire"):
        found = port.ask(f"{root}/.well-known/jwks.json")
        assert found.status == 200
        assert json.loads(found.body)["wirecopy_log"].startswith("www.ndtv.com/wire/log+")
        assert port.ask(f"{root}/stories/{samples.english().id}/statements").status == 200
        assert port.ask(f"{root}/log/checkpoint").status == 200
    jwks = '<https://www.ndtv.com/wire/.well-known/jwks.json>; rel="service-meta"'
    assert jwks in port.ask("/feeds/india.rss").headers["link"]


def test_pages_and_feeds_lead_to_what_they_are_checked_with(start: Start) -> None:
    port = start(samples.english())
    story = samples.english().id
    jwks = (
        '<https://feeds.ndtv.com/.well-known/jwks.json>; rel="service-meta";'
        ' type="application/jwk-set+json"'
    )
    for path in ("/", "/feeds/india"):
        assert port.ask(path).headers["link"].startswith(jwks)
    chain = f"https://feeds.ndtv.com/stories/{story}/statements"
    told = port.ask(f"/stories/{story}").headers["link"]
    assert told.startswith(f'{jwks}, <{chain}>; rel="describedby"; type="application/json", ')


def test_the_digest_is_of_what_is_sent(start: Start) -> None:
    port = start(samples.english())
    for path in ("/feeds/india.rss", f"/stories/{samples.english().id}"):
        for coding in ("identity", "gzip"):
            found = port.ask(path, {"Accept-Encoding": coding})
            assert found.headers.get("content-encoding", "identity") == coding
            assert found.headers["repr-digest"] == digest(found.body)
            head = port.ask(path, {"Accept-Encoding": coding}, "HEAD")
            assert head.headers["repr-digest"] == digest(found.body)
        etag = found.headers["etag"]
        same = port.ask(path, {"Accept-Encoding": "gzip", "If-None-Match": etag})
        assert (same.status, "repr-digest" in same.headers) == (304, False)


def test_a_digest_is_as_the_rfc_writes_it() -> None:
    """RFC 9530, appendix B.1: the same content, the same digest."""
    body = b'{"hello": "world"}\n'
    told = dict(represent(body, '"x"', "application/json", None).variant("identity").headers)
    assert told[b"repr-digest"] == b"sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    assert hashlib.sha256(body).digest()[:2] == b"\x44\xaf"
