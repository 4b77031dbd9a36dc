import math
import os
import resource
import socket
import socketserver
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from net import client as http
from net import ssrf
from net.client import STATES, Client, Hop, Request, Response
from net.errors import FetchError
from tests import hostile
from tests.hostile import FEED, Server

AGENT = "Wirecopy/1.0 (+https://feeds.example.com/)"
SECRET = "hunter2"
PATIENT = 20.0
"""Seconds for what must not time out on a busy machine."""
HASTY = 0.4


@pytest.fixture
def server() -> Iterator[Server]:
    with hostile.serve() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Server]:
    with hostile.serve() as running:
        yield running


def ask(url: str, **fields: Any) -> Request:
    return replace(Request("pti", url, allow_private=True, timeout=PATIENT), **fields)


def fetch(requests: Iterable[Request], **keys: Any) -> Iterator[Response]:
    """The responses of a client that lives for this one call."""
    with Client() as client:
        yield from client.fetch(requests, **keys)


def one(url: str, client: Client | None = None, **fields: Any) -> Response:
    [response] = (client.fetch if client else fetch)([ask(url, **fields)], user_agent=AGENT)
    return response


def error(response: Response) -> FetchError:
    """The error that a response must have, checked for what all errors must hold to."""
    assert response.error is not None
    assert response.error.state in STATES
    assert response.body == b""
    assert response.moved_to is None
    text = str(response.error)
    assert text.startswith(("http", "(an unreadable URL)")) or "://" in text
    assert len(text.split("; ")) >= 2, "no remedy"
    assert text.isprintable()
    assert "?" not in text
    assert SECRET not in text + repr(response)
    return response.error


# What an honest server sends


def test_an_answer(server: Server) -> None:
    response = one(server.url + "/good", wire="ani")
    assert response == Response(
        wire="ani",
        status=200,
        url=server.url + "/good",
        headers=(("content-type", "application/rss+xml"), ("content-length", str(len(FEED)))),
        body=FEED,
        hops=(),
        error=None,
    )
    assert response.moved_to is None


@pytest.mark.parametrize(
    "path",
    [
        "/gzip",
        "/gzip/members",
        "/gzip/unsaid",
        "/gzip/again",
        "/zstd",
        "/gzip/padded",
        "/coded-as-utf-8",
        "/interim",
        "/trailer",
        "/unframed",
        "/stale",
        "/slow?seconds=0.1",
        "/redirect?to=/good",
        "/redirect-endlessly",
        "/chain?left=5",
    ],
)
def test_bodies_that_are_whole(server: Server, path: str) -> None:
    response = one(server.url + path)
    assert (response.error, response.status, response.body) == (None, 200, FEED)


@pytest.mark.parametrize("path", ["/empty", "/gzip/empty"])
def test_a_body_may_be_empty(server: Server, path: str) -> None:
    response = one(server.url + path)
    assert (response.error, response.status, response.body) == (None, 200, b"")


def test_what_is_too_late_is_not_sent(server: Server) -> None:
    with Client() as client:
        assert one(server.url + "/good", client).status == 200
        late = one(server.url + "/good", client, sent_by=time.monotonic(), body=b"old")
        assert error(late).state == "timeout"
        assert one(server.url + "/good", client, body=b"new").status == 200
    assert [each.body for each in server.seen("/good")] == [b"", b"new"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/missing", 404), ("/gone", 410), ("/busy", 429), ("/unavailable", 503)],
)
def test_a_status_is_an_answer(server: Server, path: str, status: int) -> None:
    response = one(server.url + path)
    assert (response.error, response.status) == (None, status)
    assert response.body


@pytest.mark.parametrize(
    "path", ["/unavailable/endlessly", "/unavailable/cut", "/unavailable/slow"]
)
def test_a_status_is_an_answer_even_over_a_broken_body(server: Server, path: str) -> None:
    def slow(exchange: hostile.Exchange) -> None:
        exchange.head(503, {"Retry-After": "120", "Content-Length": "1000"})
        exchange.pause(600)

    server.route("/unavailable/slow", slow)
    response = one(server.url + path, timeout=HASTY if "slow" in path else PATIENT, max_bytes=10**6)
    assert (response.error, response.status, response.body) == (None, 503, b"")
    assert dict(response.headers)["retry-after"] == "120"


def test_what_is_asked(server: Server) -> None:
    one(server.url + "/good?a=1&b=%20")
    [seen] = server.requests
    assert (seen.method, seen.target) == ("GET", "/good?a=1&b=%20")
    assert dict(seen.headers) == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": AGENT,
        "accept": http.ACCEPT,
        "accept-encoding": "gzip, br, zstd",
    }
    for kind in ("rss+xml", "atom+xml", "rdf+xml", "feed+json", "application/xml", "text/xml"):
        assert kind in http.ACCEPT


def test_both_validators_go_back_as_they_came_every_time(server: Server) -> None:
    first = one(server.url + "/conditional")
    headers = dict(first.headers)
    again = one(
        server.url + "/redirect?to=/conditional",
        etag=headers["etag"],
        last_modified=headers["last-modified"],
    )
    assert (first.status, again.status, again.body, again.error) == (200, 304, b"", None)
    for seen in server.requests[1:]:
        assert seen.header("if-none-match") == headers["etag"] == 'W/"caf\xe9 \xa0"'
        assert seen.header("if-modified-since") == headers["last-modified"]


def test_answers_change_over_time(server: Server) -> None:
    server.answer("/feed.xml", b"one", {"ETag": '"1"'})
    assert one(server.url + "/feed.xml").body == b"one"
    assert one(server.url + "/feed.xml", etag='"1"').status == 304
    server.answer("/feed.xml", b"two", {"ETag": '"2"'})
    assert one(server.url + "/feed.xml", etag='"1"').body == b"two"
    server.answer("/feed.xml", b"gone", status=410)
    assert one(server.url + "/feed.xml", etag='"2"').status == 410
    assert [s.header("if-none-match") for s in server.seen("/feed.xml")] == [
        None,
        '"1"',
        '"1"',
        '"2"',
    ]


@pytest.mark.parametrize(("path", "etag"), [("/interim", '"real"'), ("/trailer", '"real"')])
def test_only_the_final_headers_count(server: Server, path: str, etag: str) -> None:
    assert [v for n, v in one(server.url + path).headers if n == "etag"] == [etag]


def test_headers_are_kept_in_order_with_repetitions_and_folds(server: Server) -> None:
    def odd(exchange: hostile.Exchange) -> None:
        exchange.send(
            b"HTTP/1.1 200 OK\r\nX-A: one\r\n two\r\nx-b:\t\xa0b\xe9 \r\nX-A:\r\n"
            b"Content-Length: 0\r\n\r\n"
        )

    server.route("/odd", odd)
    assert one(server.url + "/odd").headers == (
        ("x-a", "one two"),
        ("x-b", "\xa0b\xe9"),
        ("x-a", ""),
        ("content-length", "0"),
    )


# The wire's own headers


def test_own_headers_are_sent_and_win(server: Server) -> None:
    own = (
        ("Authorization", f"Bearer {SECRET}"),
        ("ACCEPT", "application/xml"),
        ("User-Agent", "agreed with the agency"),
        ("X-Empty", ""),
        ("X-Latin", "é"),
        ("Accept-Encoding", "br"),  # but not over what can be decoded
    )
    response = one(server.url + "/good", headers=own)
    assert response.body == FEED
    seen = dict(server.requests[0].headers)
    del seen["host"]
    assert seen == {
        "authorization": f"Bearer {SECRET}",
        "accept": "application/xml",
        "user-agent": "agreed with the agency",
        "x-empty": "",
        "x-latin": "é",
        "accept-encoding": "gzip, br, zstd",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", f"{SECRET}\r\nHost: elsewhere"),
        ("X-A", f"{SECRET}\n"),
        ("X-A", "\0"),
        ("X A", "b"),
        ("X-A:", "b"),
        ("", "b"),
        ("X-A\r\nHost", "b"),
    ],
)
def test_headers_that_would_become_two_are_not_sent(server: Server, name: str, value: str) -> None:
    response = one(server.url + "/good", headers=((name, value),))
    assert error(response).state == "bad-header"
    assert server.requests == []


def test_own_headers_go_to_the_first_origin_only(server: Server, other: Server) -> None:
    """RFC 9110 §15.4: not to another host, port or scheme; and back home they may go again."""
    own = (("Authorization", SECRET), ("X-Api-Key", SECRET), ("Cookie", SECRET))
    home = f"{server.url}/good"
    away = f"{other.url}/redirect?to={home}"
    response = one(
        f"{server.url}/redirect?to={away}", headers=own, etag='"1"', last_modified="Monday"
    )
    assert (response.body, len(response.hops), response.withheld) == (FEED, 2, ())
    sent = [server.requests[0], other.requests[0], server.requests[1]]
    for name in ("authorization", "x-api-key", "cookie"):
        assert [seen.header(name) for seen in sent] == [SECRET, None, SECRET]
    for name, value in (("if-none-match", '"1"'), ("user-agent", AGENT)):
        assert [seen.header(name) for seen in sent] == [value] * 3


def test_a_host_by_another_name_is_another_origin(server: Server) -> None:
    target = f"http://localhost:{server.port}/good"
    own = (("X-Key", SECRET), ("Accept", "*/*"))
    response = one(f"{server.url}/redirect?to={target}", headers=own)
    assert (response.body, response.withheld) == (FEED, ("X-Key", "Accept"))
    assert [seen.header("x-key") for seen in server.requests] == [SECRET, None]


def test_own_headers_go_home_only_wherever_the_request_begins(server: Server) -> None:
    """A wire that moved for good is asked at an address that only a server named."""
    own, elsewhere = (("X-Key", SECRET),), f"http://localhost:{server.port}/good"
    assert one(elsewhere, headers=own, home=server.url).withheld == ("X-Key",)
    assert one(server.url + "/good", headers=own, home=server.url + "/old").withheld == ()
    assert [seen.header("x-key") for seen in server.requests] == [None, SECRET]


def test_secrets_are_not_in_what_is_shown() -> None:
    request = ask(f"http://a.example/?key={SECRET}", headers=(("X", SECRET),))
    hop = Hop(301, f"http://a.example/?{SECRET}", f"http://a.example/?{SECRET}")
    assert SECRET not in repr(request) + repr(hop)


def test_nothing_is_remembered_from_one_poll_to_the_next(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login u password {SECRET}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    server.answer("/feed", b"x", {"Set-Cookie": "a=b; Path=/", "WWW-Authenticate": "Basic"})
    with Client() as client:
        for _ in range(2):
            assert one(server.url + "/feed", client).body == b"x"
    assert {n for seen in server.requests for n, _ in seen.headers} == {
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
    }


# Redirects


def test_hops_are_told(server: Server) -> None:
    url = f"{server.url}/chain?left=2&status=301"
    response = one(url)
    links = [f"{server.url}/chain?left={left}&status=301" for left in (2, 1, 0)]
    assert response.hops == (Hop(301, links[0], links[1]), Hop(301, links[1], links[2]))
    assert response.url == response.moved_to == links[2]


@pytest.mark.parametrize(
    ("statuses", "moved"),
    [
        ([301], True),
        ([308], True),
        ([301, 308], True),
        ([302], False),
        ([303], False),
        ([307], False),
        ([301, 302], False),
        ([307, 308, 301], False),
    ],
)
def test_only_permanent_hops_move_a_wire(server: Server, statuses: list[int], moved: bool) -> None:
    for step, status in enumerate(statuses):
        server.answer(f"/{step}", headers={"Location": f"{step + 1}"}, status=status)
    server.answer(f"/{len(statuses)}", FEED)
    response = one(server.url + "/0")
    assert (response.body, [hop.status for hop in response.hops]) == (FEED, statuses)
    assert response.moved_to == (f"{server.url}/{len(statuses)}" if moved else None)


def test_a_permanent_move_to_an_error_is_none(server: Server) -> None:
    response = one(f"{server.url}/redirect?status=301&to=/short")
    assert error(response).state == "truncated"
    assert "redirected from" in str(response.error)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/a b", "/a%20b"),
        ("/ख़बर".encode().decode("latin-1"), "/%E0%A4%96%E0%A4%BC%E0%A4%AC%E0%A4%B0"),
        ("/caf\xe9", "/caf%EF%BF%BD"),
        ("//{host}/up?x=1#frag", "/up?x=1"),
        ("?q", "/feeds/start?q"),
        ("../x", "/x"),
        ("HTTP://{host}/x", "/x"),
    ],
)
def test_locations_are_resolved(server: Server, location: str, target: str) -> None:
    host = f"127.0.0.1:{server.port}"
    server.answer("/feeds/start", headers={"Location": location.format(host=host)}, status=302)
    response = one(server.url + "/feeds/start", timeout=PATIENT)
    assert response.url == server.url + target
    assert server.requests[1].target == target


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "dict://127.0.0.1:11211/stats",
        "javascript:alert(1)",
        f"http://user:{SECRET}@127.0.0.1/",
        "http://127.0.0.1\\@agency.example/",
        "http://[::1/",
        "http://a.example/\tb",
    ],
)
def test_redirects_to_elsewhere_than_the_web_are_not_followed(
    server: Server, location: str
) -> None:
    server.answer("/start", headers={"Location": location}, status=301)
    response = one(server.url + "/start")
    assert error(response).state == "bad-url"
    assert (response.status, response.url, response.hops) == (301, server.url + "/start", ())


@pytest.mark.parametrize(
    ("path", "hops", "asked"),
    [("/chain?left=6", 5, 6), ("/loop", 1, 2), ("/self", 0, 1), ("/nowhere", 0, 1)],
)
def test_redirects_that_lead_nowhere(server: Server, path: str, hops: int, asked: int) -> None:
    server.answer("/self", headers={"Location": "self"}, status=302)
    response = one(server.url + path)
    assert error(response).state == "redirects"
    assert (len(response.hops), len(server.requests)) == (hops, asked)
    assert response.status in (301, 302)


# What a broken or wicked server sends: one named state each, others unharmed

BROKEN = [
    ("/gzip/cut", "truncated", 200),
    ("/short", "truncated", 200),
    ("/unended-chunks", "truncated", 200),
    ("/reset-body", "truncated", 200),
    ("/bad-chunk", "truncated", 200),
    ("/gzip/lie", "protocol", 200),
    ("/gzip/twice", "protocol", 200),
    ("/gzip/endless-members", "too-large", 200),
    ("/brotli", "protocol", 200),
    ("/garbage", "protocol", 0),
    ("/version-0.9", "protocol", 0),
    ("/two-lengths", "protocol", 0),
    ("/hang-up", "reset", 0),
    ("/reset", "reset", 0),
    ("/gzip/bomb", "too-large", 200),
    ("/huge", "too-large", 200),
    ("/endless-chunked", "too-large", 200),
    ("/endless-headers", "too-large", 0),
    ("/endless-line", "too-large", 0),
    ("/endless-interim", "too-large", 0),
    ("/endless-trailers", "too-large", 200),
]
SLOW = [
    ("/stall", "timeout", 0),
    ("/stall-body", "timeout", 200),
    ("/stall-chunked", "timeout", 200),
    ("/trickle", "timeout", 200),
]


@pytest.mark.parametrize(("path", "state", "status"), BROKEN)
def test_broken_answers(server: Server, path: str, state: str, status: int) -> None:
    response = one(server.url + path, max_bytes=1 << 21)
    assert (error(response).state, response.status) == (state, status)
    assert f"{server.url}{path}: " in str(response.error)


@pytest.mark.parametrize(("path", "state", "status"), SLOW)
def test_slow_answers(server: Server, path: str, state: str, status: int) -> None:
    begun = time.monotonic()
    response = one(server.url + path, timeout=HASTY)
    assert (error(response).state, response.status) == (state, status)
    assert time.monotonic() - begun >= HASTY


def test_every_path_at_once_harms_no_neighbour(server: Server) -> None:
    bad = [
        ask(server.url + path, wire=path, timeout=3.0, max_bytes=1 << 21)
        for path, _, _ in BROKEN + SLOW
    ]
    good = [ask(server.url + "/good", wire=f"good-{n}") for n in range(30)]
    requests = [r for pair in zip(good, bad, strict=False) for r in pair] + good[len(bad) :]
    responses = {r.wire: r for r in fetch(requests, user_agent=AGENT, concurrency=len(requests))}
    assert len(responses) == len(requests)
    for request in good:
        assert responses[request.wire].body == FEED
    for path, state, status in BROKEN + SLOW:
        found = responses[path]
        assert found.error is not None
        assert (found.error.state, found.status) == (state, status), path


@pytest.mark.parametrize("way", ["length", "chunked", "unframed"])
def test_the_limit_is_exact_however_the_body_comes(server: Server, way: str) -> None:
    body = bytes(100_000)

    def send(exchange: hostile.Exchange) -> None:
        if way == "length":
            exchange.reply(200, {}, body)
        elif way == "chunked":
            exchange.head(200, {"Transfer-Encoding": "chunked"})
            exchange.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        else:
            exchange.head(200)
            exchange.send(body)

    server.route("/body", send)
    assert one(server.url + "/body", max_bytes=len(body)).body == body
    assert error(one(server.url + "/body", max_bytes=len(body) - 1)).state == "too-large"


def test_a_body_announced_as_too_large_is_not_read(server: Server) -> None:
    response = one(server.url + "/huge", max_bytes=10**15)
    assert error(response).state == "too-large"


@pytest.mark.parametrize("path", ["/gzip/bomb", "/endless-chunked", "/endless-headers"])
def test_memory_is_bounded(server: Server, path: str) -> None:
    limit = 1 << 22
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        assert error(one(server.url + path, max_bytes=limit)).state == "too-large"
        assert tracemalloc.get_traced_memory()[1] - before < 3 * limit
    finally:
        tracemalloc.stop()


def test_silence_in_the_middle_ends_a_long_poll(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "SILENCE_SECONDS", HASTY)
    begun = time.monotonic()
    response = one(server.url + "/stall-body", timeout=600.0)
    assert error(response).state == "timeout"
    assert "then nothing" in str(response.error)
    assert time.monotonic() - begun < PATIENT


def test_silence_before_the_answer_is_the_wires_own_matter(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "SILENCE_SECONDS", HASTY / 4)

    def late(exchange: hostile.Exchange) -> None:
        exchange.pause(HASTY)
        exchange.reply(200, {}, FEED)

    server.route("/late", late)
    assert one(server.url + "/late").body == FEED


@pytest.mark.parametrize("timeout", [0.0, -1.0, math.nan, 1e-9])
def test_a_timeout_of_nothing_is_a_timeout(server: Server, timeout: float) -> None:
    assert error(one(server.url + "/stall", timeout=timeout)).state in ("timeout", "dns")


def test_a_timeout_without_end_has_one(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert one(server.url + "/good", timeout=math.inf).body == FEED
    monkeypatch.setattr(http, "LONGEST_SECONDS", HASTY)
    assert error(one(server.url + "/stall", timeout=math.inf)).state == "timeout"


ANYTHING = st.binary(max_size=200) | st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 304 Not Modified\r\n",
            b"HTTP/1.1 301 Moved\r\n",
            b"HTTP/1.1 100 Continue\r\n",
            b"HTTP/1.1 999 \r\n",
            b"HTTP/1.0 200\r\n",
            b"HTTP/1.1 2\xb2\xb3 OK\r\n",
            b"Content-Length: 4\r\n",
            b"Content-Length: 99999999999999999999999999\r\n",
            b"Content-Length: -1\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: gzip, chunked\r\n",
            b"Content-Encoding: gzip\r\n",
            b"Content-Encoding: br, gzip\r\n",
            b"Location: /good\r\n",
            b"Location: http://[\r\n",
            b"Location: \xff\xfe\r\n",
            b"Location:\r\n",
            b": no name\r\n",
            b"no colon\r\n",
            b" folded\r\n",
            b"\r\n",
            b"\n",
            b"\0",
            b"4\r\nabcd\r\n",
            b"0\r\n\r\n",
            b"\x1f\x8b\x08\0\0\0\0\0\0\xff",
            b"<rss/>",
        ]
    ),
    max_size=9,
).map(b"".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANYTHING)
@example(b"HTTP/1.1 200 OK\r\n folded first\r\n\r\n")
@example(b"\r\n\r\n")
@example(b"HTTP/1.1 301 Moved\r\nLocation: \xff\xfe\r\n\r\n")
def test_any_bytes_end_as_an_answer_or_a_named_state(server: Server, sent: bytes) -> None:
    server.route("/any", lambda exchange: exchange.send(sent))
    response = one(server.url + "/any", timeout=5.0)
    if response.error is None:
        assert response.status in (200, 999) or 300 <= response.status < 500
    else:
        error(response)


# Where a wire may lead


HERE = ["127.0.0.1", "localhost", "any.localhost", "127.1", "0x7f.1", "2130706433", "0177.0.0.1"]


@pytest.mark.parametrize("host", [*HERE, "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "[::]"])
def test_a_wire_does_not_lead_here(server: Server, host: str) -> None:
    response = one(f"http://{host}:{server.port}/good?key={SECRET}", allow_private=False)
    assert error(response).state == "forbidden-address"
    assert (response.status, server.connections) == (0, 0)


@pytest.mark.parametrize("host", HERE)
def test_a_private_wire_may(server: Server, host: str) -> None:
    assert one(f"http://{host}:{server.port}/good").body == FEED


def test_a_forbidden_address_is_told_with_its_remedy(server: Server) -> None:
    response = one(f"http://localhost:{server.port}/good", allow_private=False)
    text = str(error(response))
    assert text.startswith(f"http://localhost:{server.port}/good: its host leads to ")
    assert "127.0.0.1" in text or "::1" in text
    assert "a loopback address" in text
    assert text.endswith("; set allow_private = true on the wire if it is meant to live there")


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "0.0.0.0", "224.0.0.1"])
@pytest.mark.parametrize("redirected", [False, True])
def test_some_addresses_stay_forbidden_to_private_wires(
    server: Server, host: str, redirected: bool
) -> None:
    url = f"http://{host}:{server.port}/latest/meta-data/"
    response = one(f"{server.url}/redirect?to={url}" if redirected else url)
    assert error(response).state == "forbidden-address"
    assert "allow_private" not in str(response.error)
    assert len(response.hops) == redirected
    assert server.connections == redirected


def test_every_hop_is_judged(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public server redirects to a private address; here 127.0.0.1 has to play the public one."""

    def as_if_public(address: str, *, allow_private: bool) -> str | None:
        return (
            None if address == "127.0.0.1" else ssrf.refusal(address, allow_private=allow_private)
        )

    monkeypatch.setattr(http, "refusal", as_if_public)
    target = f"http://127.0.0.2:{server.port}/good"
    response = one(f"{server.url}/redirect?status=301&to={target}", allow_private=False)
    assert error(response).state == "forbidden-address"
    assert "127.0.0.2, a loopback address" in str(response.error)
    assert (response.url, response.moved_to) == (target, None)
    assert [seen.path for seen in server.requests] == ["/redirect"]


def test_a_kept_connection_carries_no_wire_that_may_not_go_there(server: Server) -> None:
    url = server.url + "/good"
    with Client() as client:
        assert one(url, client).body == FEED
        assert one(url, client).body == FEED
        assert server.connections == 1, "connections are not kept, so this shows nothing"
        assert error(one(url, client, allow_private=False)).state == "forbidden-address"
        assert len(server.requests) == 2
        assert one(url, client).body == FEED


# Names, connections, certificates


def test_a_name_that_is_none() -> None:
    response = one("http://agency.invalid/feed", timeout=3.0, allow_private=False)
    assert error(response).state == "dns"
    assert response.status == 0


def test_a_port_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert error(one(f"http://127.0.0.1:{port}/")).state == "refused"


@pytest.mark.parametrize(("connect", "timeout"), [(HASTY, PATIENT), (PATIENT, HASTY)])
def test_a_port_where_nobody_answers(
    connect: float, timeout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "CONNECT_SECONDS", connect)
    begun = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        response = one(f"https://127.0.0.1:{silent.getsockname()[1]}/", timeout=timeout)
    assert error(response).state == "timeout"
    assert time.monotonic() - begun < PATIENT


@pytest.mark.parametrize(("connect", "timeout"), [(0.001, PATIENT), (PATIENT, 1e-9)])
def test_a_name_that_takes_too_long(
    connect: float, timeout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "CONNECT_SECONDS", connect)
    assert error(one("http://agency.invalid/", timeout=timeout)).state == "dns"


def test_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with hostile.serve(tls=True) as server:
        stranger = one(server.url + "/good")
        assert error(stranger).state == "tls"
        assert "SSL_CERT_FILE" in str(stranger.error)
        monkeypatch.setenv("SSL_CERT_FILE", str(hostile.CERTIFICATE))
        assert one(server.url + "/good").body == FEED
        assert one(f"https://localhost:{server.port}/good").body == FEED
        assert error(one(f"https://other.localhost:{server.port}/good")).state == "tls"
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
        assert error(one(server.url + "/good")).state == "tls"


def test_tls_to_a_server_without(server: Server) -> None:
    assert error(one(f"https://127.0.0.1:{server.port}/good")).state == "tls"


def test_authorities_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    file, folder = http.authorities()
    assert file is None or Path(file).is_file()
    assert folder is None or Path(folder).is_dir()
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert http.authorities() == (None, str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", "/named.pem")
    assert http.authorities() == ("/named.pem", str(tmp_path))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "feed",
        "file:///etc/passwd",
        f"http://u:{SECRET}@127.0.0.1/",
        f"http://127.0.0.1/?{SECRET}\r\n",
        "http://\ud800/",
    ],
)
def test_urls_that_cannot_be_asked(url: str) -> None:
    response = one(url)
    assert (response.status, response.url, response.hops) == (0, url, ())
    assert response.error is not None
    assert response.error.state == "bad-url"
    assert SECRET not in str(response.error) + repr(response)


# Many at once


def test_one_response_for_each_request_and_no_more_at_once_than_asked_for(server: Server) -> None:
    lock, now, most = threading.Lock(), 0, 0

    def count(exchange: hostile.Exchange) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        exchange.pause(0.01)
        with lock:
            now -= 1
        exchange.reply(200, {}, exchange.seen.query["n"].encode())

    server.route("/count", count)
    requests = [ask(f"{server.url}/count?n={n}", wire=str(n)) for n in range(40)]
    requests += [ask("bad", wire=f"bad-{n}") for n in range(20)]
    responses = list(fetch(requests, user_agent=AGENT, concurrency=7))
    assert sorted(r.wire for r in responses) == sorted(r.wire for r in requests)
    assert all(r.body.decode() == r.wire for r in responses if r.error is None)
    assert sum(r.error is None for r in responses) == 40
    assert 2 <= most <= 7


def test_responses_come_in_order_of_completion(server: Server) -> None:
    requests = [ask(server.url + "/slow?seconds=0.5", wire="slow"), ask(server.url + "/good")]
    assert [r.wire for r in fetch(requests, user_agent=AGENT)] == ["pti", "slow"]


def test_one_at_a_time_is_in_the_order_asked(server: Server) -> None:
    paths = ["/slow?seconds=0.1", "/good", "/missing"]
    requests = [ask(server.url + path, wire=path) for path in paths]
    assert [r.wire for r in fetch(requests, user_agent=AGENT, concurrency=0)] == paths


def test_nothing_asked_nothing_answered() -> None:
    assert list(fetch([], user_agent=AGENT)) == []


def test_requests_are_read_as_places_become_free(server: Server) -> None:
    taken = 0

    def endless() -> Iterator[Request]:
        nonlocal taken
        while True:
            taken += 1
            yield ask(server.url + "/good") if taken % 2 else ask("bad")

    responses = fetch(endless(), user_agent=AGENT, concurrency=5)
    for _ in range(20):
        next(responses)
    assert taken <= 25
    responses.close()  # type: ignore[attr-defined]


def test_a_request_that_must_wait_holds_up_nothing(server: Server) -> None:
    """None says "not now": what is under way goes on, and it is asked for again."""
    answered: list[str] = []

    def polite() -> Iterator[Request | None]:
        yield None
        yield ask(server.url + "/slow?seconds=0.3", wire="first")
        while "first" not in answered:
            yield None
        yield ask(server.url + "/good", wire="second")

    with Client() as client:
        for response in client.fetch(polite(), user_agent=AGENT):
            assert response.error is None
            answered.append(response.wire)
    assert answered == ["first", "second"]


def test_the_callers_time_is_charged_to_no_wire(server: Server) -> None:
    requests = [
        ask(server.url + "/good", wire="quick"),
        ask(server.url + "/slow?seconds=2", wire="slow", timeout=1.5),
    ]
    responses = fetch(requests, user_agent=AGENT)
    assert next(responses).wire == "quick"
    time.sleep(1.7)
    slow = next(responses)
    assert (slow.wire, slow.error, slow.body) == ("slow", None, FEED)


def test_nor_is_it_charged_to_a_connection_under_way(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(hostile.CERTIFICATE))
    monkeypatch.setattr(http, "CONNECT_SECONDS", 1.0)
    with hostile.serve(tls=True, hello_after=1.5) as late:
        requests = [ask(server.url + "/good", wire="quick"), ask(late.url + "/good", wire="late")]
        responses = fetch(requests, user_agent=AGENT)
        assert next(responses).wire == "quick"
        time.sleep(1.2)
        response = next(responses)
        assert (response.wire, response.error, response.body) == ("late", None, FEED)


def test_what_an_early_leaver_did_not_take_is_not_the_next_ones(server: Server) -> None:
    with Client() as client:
        left = client.fetch([ask("bad"), ask("worse")], user_agent=AGENT)
        assert next(left).url == "bad"
        left.close()  # type: ignore[attr-defined]
        again = client.fetch([ask(server.url + "/good")], user_agent=AGENT)
        assert [r.body for r in again] == [FEED]


def test_a_caller_may_leave_early_and_come_back(server: Server) -> None:
    with Client() as client:
        requests = [ask(server.url + "/good"), ask(server.url + "/stall")]
        for response in client.fetch(requests, user_agent=AGENT):
            assert response.body == FEED
            with pytest.raises(RuntimeError, match="in use"):
                next(client.fetch(requests, user_agent=AGENT))
            break
        again = client.fetch([ask(server.url + "/good?2")], user_agent="another")
        assert [r.url for r in again] == [server.url + "/good?2"]
    [seen] = [r for r in server.requests if r.target == "/good?2"]
    assert seen.header("user-agent") == "another"


def test_an_error_in_the_requests_is_the_callers(server: Server) -> None:
    def failing() -> Iterator[Request]:
        yield ask(server.url + "/stall")
        raise KeyError("mine")

    with Client() as client:
        with pytest.raises(KeyError, match="mine"):
            list(client.fetch(failing(), user_agent=AGENT))
        assert one(server.url + "/good", client).body == FEED


def test_a_client_keeps_connections_and_survives_their_end(server: Server) -> None:
    with Client() as client:
        for _ in range(3):
            assert one(server.url + "/good", client).body == FEED
        assert server.connections == 1
        for _ in range(3):
            assert one(server.url + "/stale", client).body == FEED
        assert one(server.url + "/short", client).error is not None
        assert one(server.url + "/good", client).body == FEED


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_no_descriptor_is_left_open(server: Server) -> None:
    with Client() as client:
        one(server.url + "/good", client)
    before = open_descriptors()
    for path in ("/good", "/stall", "/reset", "/loop", "/gzip/bomb"):
        one(server.url + path, timeout=HASTY, max_bytes=1 << 20)
    deadline = time.monotonic() + PATIENT
    while open_descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.01)  # the server's ends close when it has noticed
    assert open_descriptors() <= before


def test_descriptors_beyond_what_select_can_watch(server: Server) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2000:
        pytest.skip(f"no more than {hard} descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2000), hard))
    null = os.open(os.devnull, os.O_RDONLY)
    held = [null]
    try:
        while held[-1] < 1100:
            held.append(os.dup(null))
        assert one(server.url + "/slow?seconds=0.2").body == FEED
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_who_is_told_to_end_gives_up_what_is_under_way(server: Server) -> None:
    told = threading.Event()

    def drip(exchange: hostile.Exchange) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        told.set()
        while True:
            exchange.send(b"1\r\n \r\n")
            exchange.pause(1)

    server.route("/drip", drip)
    server.answer("/quick", FEED)
    asked = [ask(f"{server.url}/{path}") for path in ("drip", "quick", "quick")]
    with Client(told.is_set) as client:
        began = time.monotonic()
        came = list(client.fetch(asked, user_agent="x", concurrency=2))
        assert time.monotonic() - began < 10
        assert {response.status for response in came} <= {200}
        assert len(came) < len(asked)
        assert list(client.fetch(asked, user_agent="x")) == []


# Cookies: within the redirects of one request, and no longer


def cookies_of(requests: Iterable[hostile.Seen]) -> list[str | None]:
    return [seen.header("cookie") for seen in requests]


def test_a_cookie_holds_for_the_redirects_of_its_request(server: Server, other: Server) -> None:
    """Servers that will not answer without one redirect to the very same address."""

    def walled(exchange: hostile.Exchange) -> None:
        if exchange.seen.header("cookie") is None:
            fields = {"Location": "/walled", "Set-Cookie": "session=1; Path=/; HttpOnly"}
            exchange.reply(302, fields)
        else:
            exchange.reply(302, {"Location": f"{away}/away"})

    away = f"http://localhost:{other.port}"
    other.answer("/away", headers={"Location": f"{server.url}/good"}, status=302)
    server.route("/walled", walled)
    with Client() as client:
        for _ in range(2):
            assert one(server.url + "/walled", client).body == FEED
    assert cookies_of(server.requests) == [None, "session=1", "session=1"] * 2
    assert cookies_of(other.requests) == [None, None]


def test_the_wires_own_cookie_stays_beside_them(server: Server) -> None:
    server.answer(
        "/walled", headers={"Location": "/good", "Set-Cookie": "session=1; Path=/"}, status=302
    )
    with Client() as client:
        assert one(f"{server.url}/walled", client, headers=(("Cookie", "own=2"),)).body == FEED
        assert one(f"{server.url}/good", client).body == FEED
    assert cookies_of(server.requests) == ["own=2", "session=1; own=2", None]


def test_a_cookie_for_everybody_is_nobodys(server: Server) -> None:
    fields = {"Location": "/good", "Set-Cookie": "a=1; Domain=example"}
    server.answer("/walled", headers=fields, status=302)
    assert one(server.url + "/walled").body == FEED
    assert cookies_of(server.requests) == [None, None]


def test_an_endless_wall_is_left(server: Server) -> None:
    fields = {"Location": "/walled", "Set-Cookie": "a=1; Path=/"}
    server.answer("/walled", headers=fields, status=302)
    assert error(one(server.url + "/walled")).state == "redirects"
    assert len(server.requests) == 2


# A proxy, which resolves names by itself


@dataclass
class Proxy:
    """A proxy that leads every name to this machine; ``heads`` are what it was asked."""

    url: str
    refuses: int = 0
    heads: list[bytes] = field(default_factory=list)


@contextmanager
def serving(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port at which each connection is given to *handle*, in a thread of its own."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                handle(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.05]).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def serve(inside: socket.socket) -> None:
        head = inside.recv(65_536)
        running.heads.append(head)
        if running.refuses:
            inside.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % running.refuses)
            return
        method, target, _ = head.split(b" ", 2)
        named = target if method == b"CONNECT" else target.split(b"/")[2]
        port = int(named.rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port)) as outside:
            if method == b"CONNECT":
                inside.sendall(b"HTTP/1.1 200 Established\r\nVia: 1.1 proxy\r\n\r\n")
            else:
                outside.sendall(head)
            back = threading.Thread(target=pump, args=[outside, inside])
            back.start()
            pump(inside, outside)
            back.join()

    with serving(serve) as port:
        running = Proxy(f"http://user:{SECRET}@127.0.0.1:{port}")
        yield running


def test_a_proxy_is_asked_by_name(server: Server, proxy: Proxy) -> None:
    url = f"http://wire.agency.example:{server.port}/good"
    assert one(url, proxy=proxy.url, allow_private=False).body == FEED
    assert proxy.heads[0].startswith(b"GET %b HTTP/1.1" % url.encode())
    assert SECRET not in repr(ask(url, proxy=proxy.url))


def test_a_proxy_is_not_told_what_goes_through_it(
    monkeypatch: pytest.MonkeyPatch, proxy: Proxy
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(hostile.CERTIFICATE))
    with hostile.serve(tls=True) as server:
        url = f"https://localhost:{server.port}/good"
        response = one(url, proxy=proxy.url, headers=(("Authorization", "Bearer s3cret"),))
        assert (response.body, dict(response.headers).get("via")) == (FEED, None)
        assert server.requests[0].header("authorization") == "Bearer s3cret"
    (head,) = proxy.heads
    assert head.startswith(b"CONNECT localhost:")
    assert b"s3cret" not in head


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "2130706433", "0x7f.1", "127.1", "10.0.0.1", "169.254.169.254", "[::1]"),
        *("[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "localhost", "LOCALHOST.", "a.localhost"),
        *("metadata.google.internal", "printer.local", "nas.home.arpa", "home.arpa"),
    ],
)
@pytest.mark.parametrize("redirected", [False, True])
def test_a_proxy_is_not_asked_for_what_is_inside(
    server: Server, proxy: Proxy, host: str, redirected: bool
) -> None:
    url = f"http://{host}:{server.port}/good"
    if redirected:
        server.answer("/there", headers={"Location": url}, status=302)
        url = f"http://wire.agency.example:{server.port}/there"
    response = one(url, proxy=proxy.url, allow_private=False)
    assert error(response).state == "forbidden-address"
    assert len(proxy.heads) == redirected


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("refuses", [403, 407, 502])
def test_a_proxy_that_refuses_is_named(proxy: Proxy, scheme: str, refuses: int) -> None:
    proxy.refuses = refuses
    response = one(f"{scheme}://wire.agency.example/good", proxy=proxy.url)
    if scheme == "http":
        assert response.status == refuses
    else:
        assert error(response).state == "proxy"
        assert f"its proxy answers {refuses}; " in str(response.error)


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "http://proxy.invalid:3128"])
def test_a_proxy_that_is_away_is_named(proxy: str) -> None:
    assert error(one("http://wire.agency.example/", proxy=proxy)).state == "proxy"


@pytest.mark.parametrize(
    ("variables", "host", "key", "asked"),
    [
        ({"http_proxy": "PROXY"}, "wire.agency.invalid", None, True),
        ({"HTTP_PROXY": "PROXY"}, "wire.agency.invalid", None, True),
        ({"ALL_PROXY": "PROXY"}, "wire.agency.invalid", None, True),
        ({"https_proxy": "PROXY"}, "wire.agency.invalid", None, False),
        ({"http_proxy": "PROXY", "no_proxy": "agency.invalid"}, "wire.agency.invalid", None, False),
        ({"http_proxy": "PROXY", "NO_PROXY": "*"}, "wire.agency.invalid", None, False),
        ({"http_proxy": "PROXY", "no_proxy": "other.invalid"}, "wire.agency.invalid", None, True),
        ({"http_proxy": "PROXY"}, "127.0.0.1", None, False),
        ({"http_proxy": "PROXY"}, "localhost", None, False),
        ({"http_proxy": "PROXY"}, "wire.agency.invalid", "", False),
        ({"http_proxy": "http://127.0.0.1:1"}, "wire.agency.invalid", "PROXY", True),
        ({"no_proxy": "*"}, "wire.agency.invalid", "PROXY", True),
    ],
)
def test_the_proxy_of_the_environment(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    host: str,
    key: str | None,
    asked: bool,
    proxy: Proxy,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("PROXY", proxy.url))
    chosen = key.replace("PROXY", proxy.url) if key is not None else None
    response = one(f"http://{host}:{server.port}/good", proxy=chosen)
    assert len(proxy.heads) == asked
    assert (response.body == FEED) == (asked or "invalid" not in host)


# A certificate of the wire's own


@pytest.fixture
def identity(tmp_path: Path) -> tuple[str, str]:
    """The files of a certificate that vouches for itself, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wire")])
    cert = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(key.private_bytes(pem, *private))
    (tmp_path / "cert.pem").write_bytes(cert.public_bytes(pem))
    both = cert.public_bytes(pem) + key.private_bytes(pem, *private)
    (tmp_path / "both.pem").write_bytes(both)
    return str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")


@pytest.fixture
def demanding(monkeypatch: pytest.MonkeyPatch, identity: tuple[str, str]) -> Iterator[int]:
    """The port of a server that answers to who shows that certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(hostile.CERTIFICATE))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(hostile.CERTIFICATE)
    context.load_verify_locations(identity[0])
    context.verify_mode = ssl.CERT_REQUIRED

    def serve(raw: socket.socket) -> None:
        with context.wrap_socket(raw, True, do_handshake_on_connect=False) as connection:
            try:
                connection.do_handshake()
            except ssl.SSLError:  # what was said is heard only if nothing is left unread
                socket.socket.recv(connection, 65_536)
                return
            path = connection.recv(65_536).split(b" ")[1]
            if path == b"/feed":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
            else:
                there = b"http://127.0.0.1:%b/good" % path[1:]
                head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %b\r\n\r\n"
                connection.sendall(head % there)

    with serving(serve) as port:
        yield port


def test_a_certificate_is_shown_to_the_wires_own_server(
    demanding: int, identity: tuple[str, str], server: Server, tmp_path: Path
) -> None:
    url, both = f"https://localhost:{demanding}", str(tmp_path / "both.pem")
    with Client() as client:
        for cert, key in ((both, None), identity):
            response = one(f"{url}/feed", client, client_cert=cert, client_key=key)
            assert (response.error, response.body) == (None, b"x")
        response = one(f"{url}/{server.port}", client, client_cert=both)
        assert (response.body, response.withheld) == (FEED, ("client certificate",))
    fault = error(one(f"{url}/feed"))
    assert fault.state == "tls"
    assert "client_cert" in str(fault)


def test_a_certificate_that_cannot_be_read_is_named(demanding: int, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path in (tmp_path / "none.pem", empty):
        fault = error(one(f"https://localhost:{demanding}/feed", client_cert=str(path)))
        assert fault.state == "tls"
        assert path.name in str(fault)
        assert "correct the wire's client_cert" in str(fault)
