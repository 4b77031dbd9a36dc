"""Which hubs a feed names, how they are asked, and what their answers mean."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import hubs
from ingest.hubs import Announced, announced, answered, moved, request, unanswered
from ingest.item import Channel
from net.client import Response
from net.errors import FetchError
from net.ssrf import web_url
from stories.config import Config
from stories.db.hubs import Subscription
from tests.publish import samples

NOW = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
FEED = "https://agency.example/feed"
HUB, OTHER = "https://hub.example/", "https://other.example/hub"
CONFIG: Config = samples.config(site={"url": "https://feeds.example"})


@pytest.mark.parametrize(
    ("link", "channel", "found"),
    [
        ("", Channel(), ((), FEED)),
        (f"<{HUB}>; rel=hub", Channel(), ((HUB,), FEED)),
        (f'<{HUB}>; rel="hub"; title="a, b; rel=self", <{FEED}?s>; rel="self"', Channel(), (
            (HUB,), f"{FEED}?s")),
        (f'<{HUB}>;REL="next HUB" , <{OTHER}>;rel=hub', Channel(), ((HUB, OTHER), FEED)),
        ('</hub>; rel="hub", <?a=b>; rel="self"', Channel(), (
            ("https://agency.example/hub",), f"{FEED}?a=b")),
        ("", Channel(hubs=(HUB, OTHER), topic="https://a.example/T%41"), (
            (HUB, OTHER), "https://a.example/T%41")),
        # The headers come first, and what they do not say the feed does.
        (f"<{HUB}>; rel=hub", Channel(hubs=(OTHER,), topic=f"{FEED}?t"), ((HUB,), f"{FEED}?t")),
        (f"<{FEED}?s>; rel=self", Channel(hubs=(OTHER,), topic=f"{FEED}?t"), (
            (OTHER,), f"{FEED}?s")),
        # What is none, or something else's.
        (f'<{HUB}>; rel="hub"; anchor="/another"', Channel(), ((), FEED)),
        ("<mailto:hub@hub.example>; rel=hub, <ftp://h.example/>; rel=hub", Channel(), ((), FEED)),
        ("<https://u:p@hub.example/>; rel=hub", Channel(), ((), FEED)),
        ("<https://hub.example/ rel=hub", Channel(), ((), FEED)),
        (f"<{HUB}>; rel=hubs, <{HUB}>; rel=nohub", Channel(), ((), FEED)),
        ("", Channel(hubs=("", "javascript:x"), topic="\x00"), ((), FEED)),
    ],
)  # fmt: skip
def test_what_a_feed_names(link: str, channel: Channel, found: tuple[Any, str]) -> None:
    assert announced({"link": link}, channel, FEED) == Announced(*found)


@given(st.text(alphabet='<>;,="\\ relhubself/:.a', max_size=300), st.lists(st.text(), max_size=9))
def test_whatever_stands_there_only_web_addresses_are_asked(link: str, named: list[str]) -> None:
    found = announced({"link": link}, Channel(hubs=tuple(named)), FEED)
    assert len(found.hubs) <= hubs.MOST_HUBS
    for address in (*found.hubs, found.topic):
        assert web_url(address)


def test_a_long_header_is_read_in_no_time() -> None:
    for piece in ("<", '<a>;b="', "<a>" + ";a" * 5, '"\\', "<a>;", "; ="):
        announced({"link": piece * (60_000 // len(piece))}, Channel(), FEED)


def a_row(**fields: Any) -> Subscription:
    usual: dict[str, Any] = {
        **{"token": "t" * 43, "wire": "pti", "url": FEED, "topic": FEED, "hub": HUB},
        **{"named": [HUB], "secret": "s" * 43, "allow_private": False, "leaving": False},
        **{"due_at": NOW, "awaited": False, "failures": 0.0, "error": None},
        **{"verified_at": None, "expires_at": None, "deliveries": 0, "refused": 0},
    }
    return Subscription(**usual | fields)


def answer(status: int, body: bytes = b"", state: str = "", **headers: str) -> Response:
    error = FetchError(state, "why") if state else None
    fields = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Response("t", status, HUB, fields, body, (), error)


def test_a_hub_is_asked_with_a_secret_and_a_lease_and_not_to_end() -> None:
    asked = request(a_row(), CONFIG)
    assert (asked.url, asked.follow, asked.allow_private) == (HUB, False, False)
    assert parse_qs((asked.body or b"").decode()) == {
        "hub.mode": ["subscribe"],
        "hub.topic": [FEED],
        "hub.callback": [f"https://feeds.example/wires/pti/{'t' * 43}"],
        "hub.secret": ["s" * 43],
        "hub.lease_seconds": ["864000"],
    }
    ended = parse_qs((request(a_row(leaving=True), CONFIG).body or b"").decode())
    assert sorted(ended) == ["hub.callback", "hub.mode", "hub.topic"]
    assert "s" * 43 not in repr(a_row()) + repr(asked)


@pytest.mark.parametrize(
    ("at", "status", "location", "found"),
    [
        *[(HUB, status, "/new", f"{HUB}new") for status in (301, 302, 307, 308)],
        (HUB, 303, "/new", ""),
        (HUB, 200, "/new", ""),
        (HUB, 307, "http://hub.example/", ""),  # the secret would be everybody's
        ("http://hub.example/", 307, OTHER, OTHER),
        (HUB, 307, "file:///etc/passwd", ""),
        (HUB, 307, "", ""),
    ],
)
def test_where_a_hub_has_moved(at: str, status: int, location: str, found: str) -> None:
    assert moved(replace(answer(status, location=location), url=at)) == found


def test_any_2xx_is_a_promise_to_call() -> None:
    assert [answered(a_row(), answer(status), NOW) for status in (200, 202, 204)] == [None] * 3


@pytest.mark.parametrize(
    ("found", "weight", "text"),
    [
        (answer(400, b"no such topic\nand more"), 1, "it answered 400: no such topic"),
        (answer(404, b"\x00\x1b[1m"), 1, "it answered 404: [1m"),
        (answer(503), 0.5, "it answered 503"),
        (answer(301), 1, "it answered 301"),
        (answer(0, state="dns"), 0.25, "why"),
        (answer(0, state="timeout"), 0.5, "why"),
    ],
)
def test_all_else_is_a_failure(found: Response, weight: float, text: str) -> None:
    failure = answered(a_row(), found, NOW)
    assert failure is not None
    assert failure.failures == weight
    assert failure.error == f"https://hub.example/: {text}"
    assert failure.due is not None
    assert timedelta(minutes=1) <= failure.due - NOW <= timedelta(minutes=1.1)


def test_a_hub_that_fails_is_asked_less_and_less_and_for_ever() -> None:
    of, waits = a_row(), []
    for _ in range(40):
        failure = unanswered(of, NOW)
        assert failure.due is not None
        waits.append(failure.due - NOW)
        of = replace(of, failures=failure.failures)
    assert all(a < b for a, b in pairwise(waits[:10]))
    assert timedelta(days=1) <= waits[-1] <= timedelta(days=1.1)
    later = answered(a_row(), answer(503, retry_after="7200"), NOW)
    assert later is not None
    assert later.due == NOW + timedelta(hours=2)


def test_of_several_hubs_the_next_is_asked() -> None:
    of, asked = a_row(named=[HUB, OTHER]), []
    for _ in range(3):
        of = replace(of, hub=unanswered(of, NOW).hub)
        asked.append(of.hub)
    assert asked == [OTHER, HUB, OTHER]
    assert unanswered(a_row(hub="https://gone.example/", named=[HUB, OTHER]), NOW).hub == HUB


def test_an_end_is_told_a_few_times_and_only_while_it_means_something() -> None:
    of = a_row(leaving=True, expires_at=NOW + timedelta(days=1))
    assert not hubs.is_over(of, NOW)
    assert unanswered(of, NOW).due is not None
    assert unanswered(replace(of, failures=2.0), NOW).due is None
    assert hubs.is_over(of, NOW + timedelta(days=1))
    assert hubs.is_over(replace(of, expires_at=None), NOW)
    assert not hubs.is_over(a_row(), NOW)
