"""``wires --explain``: a sentence for each thing that decides the next poll."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from desk.next_poll import explained, pusher
from stories import clock
from stories.config import Politeness, Wire
from stories.db.hubs import Subscription
from stories.models import Capture, Traffic, WireState

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
URL = "https://agency.example/w.rss"
RULES = Wire(name="w", url=URL, agency="A", every=timedelta(minutes=2))
STATE = WireState(
    name="w",
    url=URL,
    configured_url=URL,
    agency="A",
    host="agency.example",
    configured=True,
    added_at=NOW - timedelta(days=9),
    due_at=NOW + timedelta(minutes=14),
    due_because="ttl 15m, longer than every 2m; 57s of jitter",
    lease=None,
    lease_until=None,
    polled_at=NOW - timedelta(minutes=1),
    state="not-modified",
    message="",
    failures=0,
    failing_since=None,
    polls=7,
    etag='"1"',
    last_modified=None,
    body_digest=None,
    captured_at=None,
    changed_at=None,
    channel={"ttl": "15", "skip_hours": ["1", "2"]},
    fault=None,
)
CAPTURE = Capture(
    12, "w", NOW - timedelta(hours=3), URL, [], "", 9, "ingested", "rss", 20, 2, 1, []
)


def explanation(rules: Wire | None = RULES, traffic: Traffic | None = None, **changes: Any) -> str:
    state = replace(STATE, **changes)
    with clock.reading(lambda: NOW):
        lines = explained(state, rules, Politeness(), traffic or Traffic(), [CAPTURE], NOW)
    assert all(line.endswith(".") for line in lines)
    return "\n".join(lines)


def test_a_wire_that_is_well() -> None:
    assert explanation() == (
        "The next poll is due in 14m (2026-11-22 06:14:00Z), because: ttl 15m, longer than every"
        " 2m; 57s of jitter.\n"
        "Politeness: host agency.example has 0 of 2 under way, agency A 0 of 4, 1s between starts:"
        " there is room.\n"
        "The feed asks for ttl 15, skipHours 1, 2. The configuration asks for every 120s, which is"
        " the shortest; up to 10% is added so that wires do not come all at once.\n"
        "News came at 0 remembered moments; 5 are needed to say what is usual, so silence does not"
        " slow it down yet.\n"
        "What it gave is sent back as received (ETag); a 304 costs no download.\n"
        "The last of 7 polls, 60s ago, ended not-modified.\n"
        "Capture 12, 3h ago: ingested, 20 items, 2 new, 1 updated."
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"configured": False}, "It is not polled: it is no longer in the configuration."),
        ({"paused_at": NOW, "state": "http-410"}, "`wirecopy resume w` or another url in the con"),
        (
            {"lease": "x", "lease_until": NOW + timedelta(seconds=30), "leased_at": NOW},
            "It is being polled, since 0s ago",
        ),
        ({"lane": 1}, "It goes before the regular crawl."),
        (
            {"url": "https://new.example/f?key=s3cret"},
            "It is polled at https://new.example/f, where it moved for good",
        ),
        (
            {"moved_to": "https://new.example/f", "moved_count": 7, "moved_since": NOW},
            "redirects for good to https://new.example/f, seen 7 times",
        ),
        ({"etag": None}, "It gave no validators, so every poll is a full download"),
        ({"last_modified": "then"}, "sent back as received (ETag and Last-Modified)"),
        ({"polled_at": None}, "It was never polled yet."),
        ({"channel": {}}, "The feed itself asks for nothing."),
        (
            {"news": [NOW - timedelta(minutes=10 * n) for n in range(6, 0, -1)]},
            "News last came 10m ago, usually every 600s",
        ),
        (
            {"state": "http-500", "message": "HTTP 500", "failing_since": NOW, "failures": 2.5},
            "ended http-500: HTTP 500; failing since 2026-11-22 06:00:00Z, failures weigh 2.5.",
        ),
    ],
)
def test_what_else_may_decide(changes: dict[str, Any], sentence: str) -> None:
    found = explanation(**changes)
    assert sentence in found
    assert "s3cret" not in found


def test_a_server_that_lies_about_its_validators() -> None:
    rules = RULES.model_copy(update={"trust_validators": False})
    assert "Validators are not sent: trust_validators is off" in explanation(rules)


@pytest.mark.parametrize(
    ("traffic", "sentence"),
    [
        (Traffic(hosts={"agency.example": 2}), "has 2 of 2 under way"),
        (Traffic(hosts={"agency.example": 2}), "the host would put it off at this moment"),
        (Traffic(agencies={"A": 4}), "the agency would put it off at this moment"),
        (
            Traffic(host_starts={"agency.example": NOW}, agency_starts={"A": NOW}),
            "the host and the agency would put it off",
        ),
    ],
)
def test_what_would_put_it_off(traffic: Traffic, sentence: str) -> None:
    assert sentence in explanation(traffic=traffic)


def test_a_wire_no_longer_configured_has_no_rules() -> None:
    assert "configuration asks" not in explanation(None, configured=False)


def test_a_wire_whose_wishes_do_not_count() -> None:
    said = explanation(RULES.model_copy(update={"trust_ttl": False}))
    assert "asks for ttl 15" in said
    assert "all the same: trust_ttl is off." in said


def test_what_is_not_sent_is_said() -> None:
    """Validators of half a feed, and headers where only a server says that the wire moved to."""
    assert "its newest capture was not read whole" in explanation(whole=False)
    rules = RULES.model_copy(update={"headers": {"X-Key": "k"}})
    assert "headers (X-Key) were not sent there" in explanation(rules, url="https://b.example/")
    assert "not sent there" not in explanation(rules)


def told(state: WireState = STATE, **fields: Any) -> str:
    usual: dict[str, Any] = {
        **{"token": "t0ken", "wire": "w", "url": URL, "topic": URL, "hub": "https://hub.example/"},
        **{"named": [], "secret": "s3cret", "allow_private": False, "leaving": False},
        **{"due_at": NOW + timedelta(minutes=3), "awaited": False, "failures": 0.0, "error": None},
        **{"verified_at": None, "expires_at": None, "deliveries": 0, "refused": 0},
    }
    with clock.reading(lambda: NOW):
        said = pusher(Subscription(**usual | fields), state, NOW)
    assert "t0ken" not in said
    assert "s3cret" not in said
    return said


def test_what_its_hub_does_is_said() -> None:
    hour = NOW + timedelta(hours=1)
    pushed = replace(STATE, pushed_at=NOW - timedelta(minutes=5), pushed_until=hour)
    assert told() == (
        "The hub https://hub.example/ does not push it yet, and is asked in 3m; it has pushed 0"
        " times."
    )
    assert told(pushed, expires_at=hour, deliveries=7) == (
        "The hub https://hub.example/ pushes it until 2026-11-22 07:00:00Z; it has pushed 7 times,"
        " last 5m ago."
    )
    missed = replace(pushed, pushed_until=None)
    assert "polled as usual" in told(missed, expires_at=hour, deliveries=7)
    assert "2 that came were not signed" in told(pushed, expires_at=hour, refused=2)
    assert told(error="it answered 403").endswith("What is wrong: it answered 403")
    assert "push no more" in told(leaving=True)
