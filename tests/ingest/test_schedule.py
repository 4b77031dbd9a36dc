"""The schedule: every rule by a table, and what must hold whatever a server says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.schedule import (
    GOOD,
    JITTER,
    LONGEST_BACK_OFF,
    LONGEST_RETRY_AFTER,
    LONGEST_WISH,
    next_poll,
    retry_after,
)

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)  # a Sunday
EVERY = timedelta(minutes=2)


def due(
    state: str = "ok",
    headers: dict[str, str] | None = None,
    channel: dict[str, Any] | None = None,
    failures: float = 0,
) -> tuple[float, str, float]:
    """Seconds until the next poll with the jitter taken off, why, and the weight of failures."""
    found = next_poll(
        wire="pti",
        now=NOW,
        every=EVERY,
        state=state,
        failures=failures,
        headers=headers or {},
        channel=channel or {},
    )
    return (found.at - NOW).total_seconds(), found.because, found.failures


def near(seconds: float, wait: float) -> bool:
    return wait <= seconds <= wait * (1 + JITTER)


@pytest.mark.parametrize(
    ("headers", "channel", "wait", "why"),
    [
        ({}, {}, 120, "every 2m"),
        ({"cache-control": "public, max-age=600"}, {}, 600, "max-age"),
        ({"cache-control": "max-age=30"}, {}, 120, "every"),
        ({"cache-control": "max-age=999999"}, {}, 3600, "max-age"),
        ({"cache-control": "no-cache", "expires": "Sun, 22 Nov 2026 06:30:00 GMT"}, {}, 120, "eve"),
        ({"expires": "Sun, 22 Nov 2026 06:30:00 GMT"}, {}, 1800, "Expires"),
        ({"expires": "0"}, {}, 120, "every"),
        ({"expires": "yesterday"}, {}, 120, "every"),
        ({}, {"ttl": "15"}, 900, "ttl"),
        ({}, {"ttl": "soon"}, 120, "every"),
        ({}, {"ttl": "-5"}, 120, "every"),
        ({}, {"update_period": "hourly", "update_frequency": "4"}, 900, "updatePeriod"),
        ({}, {"update_period": "daily"}, 3600, "updatePeriod"),
        ({}, {"update_period": "hourly", "update_frequency": "0"}, 3600, "updatePeriod"),
        ({"cache-control": "max-age=600"}, {"ttl": "20"}, 1200, "ttl"),
    ],
)
def test_wishes_lengthen_within_clamps(
    headers: dict[str, str], channel: dict[str, Any], wait: float, why: str
) -> None:
    seconds, because, failures = due("ok", headers, channel)
    assert near(seconds, wait)
    assert why in because
    assert failures == 0


@pytest.mark.parametrize(
    ("state", "before", "after", "wait"),
    [
        ("http-500", 0, 1, 240),
        ("http-500", 1, 2, 480),
        ("dns", 0, 0.25, 120 * 2**0.25),
        ("timeout", 0, 0.5, 120 * 2**0.5),
        ("http-404", 50, 51, LONGEST_BACK_OFF.total_seconds()),
    ],
)
def test_failures_back_off_by_weight(state: str, before: float, after: float, wait: float) -> None:
    seconds, because, failures = due(state, failures=before)
    assert near(seconds, wait)
    assert state in because
    assert failures == after


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("600", 600),
        ("Sun, 22 Nov 2026 06:10:00 GMT", 600),
        ("999999999", LONGEST_RETRY_AFTER.total_seconds()),
    ],
)
def test_retry_after_is_obeyed(value: str, wait: float) -> None:
    seconds, because, _ = due("http-429", {"retry-after": value})
    assert near(seconds, wait)
    assert "Retry-After" in because


@pytest.mark.parametrize("value", ["", "soon", "-1", "1e9", "९", None])
def test_retry_after_that_says_nothing(value: str | None) -> None:
    assert retry_after(value, NOW) is None


def test_skipped_hours_and_days_are_gmt() -> None:
    seconds, because, _ = due(channel={"skip_hours": ["6", "7"], "skip_days": []})
    assert seconds == 2 * 3600
    assert "skipHours" in because
    seconds, _, _ = due(channel={"skip_hours": [], "skip_days": ["Sunday"]})
    assert seconds == 18 * 3600


def test_a_feed_that_forbids_every_hour_forbids_nothing() -> None:
    channel = {"skip_hours": [str(h) for h in range(24)], "skip_days": []}
    assert near(due(channel=channel)[0], 120)


headers = st.dictionaries(
    st.sampled_from(["cache-control", "expires", "retry-after"]), st.text(max_size=40)
)
channels = st.fixed_dictionaries(
    {},
    optional={
        "ttl": st.text(max_size=8),
        "update_period": st.sampled_from(["hourly", "daily", "x"]),
        "update_frequency": st.text(max_size=4),
        "skip_hours": st.lists(st.text(max_size=3), max_size=30),
        "skip_days": st.lists(st.sampled_from(["Monday", "Sunday", "Doomsday"])),
    },
)
states = st.sampled_from([*sorted(GOOD), "dns", "timeout", "http-404", "http-503", "too-large"])


@given(states, headers, channels, st.floats(0, 1000))
def test_the_next_poll_is_never_sooner_than_every_and_never_never(
    state: str, said: dict[str, str], channel: dict[str, Any], failures: float
) -> None:
    seconds, because, _ = due(state, said, channel, failures)
    assert seconds >= EVERY.total_seconds()
    longest = max(LONGEST_WISH, LONGEST_BACK_OFF, LONGEST_RETRY_AFTER).total_seconds()
    assert seconds <= longest * (1 + JITTER) + 8 * 86400
    assert because


def test_wires_that_failed_together_do_not_come_back_together() -> None:
    moments = {
        next_poll(
            wire=f"w{n}", now=NOW, every=EVERY, state="dns", failures=0, headers={}, channel={}
        ).at
        for n in range(100)
    }
    assert len(moments) > 90
