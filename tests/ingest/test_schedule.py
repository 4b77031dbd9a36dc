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
    LONGEST_WISH,
    QUIET_LONGEST,
    QUIET_STRETCH,
    next_poll,
    usual_gap,
)
from net.backoff import LONGEST_RETRY_AFTER, retry_after
from stories.config import Wire

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
    ("every", "until", "wait"),
    [
        ("2m", timedelta(hours=1), 720),
        ("10m", timedelta(hours=1), 1800),
        ("2h", timedelta(hours=1), 7200),
        ("2m", timedelta(0), 120),
        ("2m", timedelta(hours=-1), 120),
    ],
)
def test_a_wire_whose_hub_pushes_is_polled_less(every: str, until: timedelta, wait: float) -> None:
    wire = Wire.model_validate({"name": "w", "url": "https://agency.example/w", "every": every})
    asked: dict[str, Any] = {"wire": "w", "now": NOW, "every": wire.every, "failures": 0.0}
    asked |= {"headers": {}, "channel": {}, "pushed_until": NOW + until}
    found = next_poll(**asked, state="ok")
    assert near((found.at - NOW).total_seconds(), wait)
    assert ("its hub" in found.because) is (until > timedelta(0))
    paid = next_poll(**asked, state="ok", trust_ttl=False)
    assert near((paid.at - NOW).total_seconds(), wire.every.total_seconds())
    failed = next_poll(**asked, state="http-500")
    assert "its hub" not in failed.because


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


@pytest.mark.parametrize("every", ["1s", "6h", "7h", "36500d"])
@pytest.mark.parametrize("failures", [0, 3, 1000])
def test_no_interval_is_too_long_to_back_off_from(every: str, failures: float) -> None:
    wire = Wire.model_validate({"name": "w", "url": "https://agency.example/w", "every": every})
    found = next_poll(
        wire="w",
        now=NOW,
        every=wire.every,
        state="http-500",
        failures=failures,
        headers={},
        channel={},
    )
    doubled = wire.every.total_seconds() * 2 ** min(failures + 1, 16)
    most = max(LONGEST_BACK_OFF, wire.every).total_seconds()
    assert near((found.at - NOW).total_seconds(), min(doubled, most))


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
    jitter = 120 * JITTER
    seconds, because, _ = due(channel={"skip_hours": ["6", "7"], "skip_days": []})
    assert 2 * 3600 <= seconds <= 2 * 3600 + jitter
    assert "skipHours" in because
    seconds, _, _ = due(channel={"skip_hours": [], "skip_days": ["Sunday"]})
    assert 18 * 3600 <= seconds <= 18 * 3600 + jitter


@pytest.mark.parametrize("every", [timedelta(minutes=2), timedelta(days=2)])
def test_wires_that_were_put_off_together_do_not_come_together(every: timedelta) -> None:
    """Nor does the jitter, a tenth of two days, take them into an hour that is skipped again."""
    closed = [str(hour) for hour in range(24) if hour != 9]
    moments = [
        next_poll(
            wire=f"w{n}",
            now=NOW,
            every=every,
            state="ok",
            failures=0,
            headers={},
            channel={"skip_hours": closed},
        ).at
        for n in range(100)
    ]
    assert len(set(moments)) > 90
    assert {moment.hour for moment in moments} == {9}


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


def news(*minutes_ago: float) -> list[datetime]:
    return [NOW - timedelta(minutes=m) for m in sorted(minutes_ago, reverse=True)]


def after(moments: list[datetime], **keys: Any) -> tuple[float, str]:
    """Seconds to the next poll of a wire with news at *moments*, jitter taken off roughly; why."""
    found = next_poll(
        **{
            "wire": "pti",
            "now": NOW,
            "every": EVERY,
            "state": "not-modified",
            "failures": 0,
            "headers": {},
            "channel": {},
            "news": moments,
            **keys,
        }
    )
    return (found.at - NOW).total_seconds(), found.because


@pytest.mark.parametrize(
    ("moments", "wait"),
    [
        (news(0, 10, 20, 30, 40), 120),  # it just came
        (news(30, 40, 50, 60, 70), 120),  # three times the usual gap: bursts do that
        (news(60, 70, 80, 90, 100), 240),  # gently
        (news(90, 100, 110, 120, 130), 360),
        (news(600, 610, 620, 630, 640), 720),  # no further than six times
        (news(600, 610, 620, 630), 120),  # too few to say what is usual
        (news(60, 60.01, 60.02, 60.03, 60.04), 720),  # gaps below a poll's count as a poll's
        (news(60, 120, 180, 240, 300), 120),  # a slow wire's silence is no silence
        (news(-60, -50, -40, -30, -20), 120),  # another machine's clock is ahead
    ],
)
def test_silence_slows_a_wire_down_gently(moments: list[datetime], wait: float) -> None:
    seconds, because = after(moments)
    assert near(seconds, wait)
    assert ("no news" in because) is (wait > 120)


def test_one_burst_or_one_night_does_not_change_what_is_usual() -> None:
    steady = [10.0 * n for n in range(10)]
    assert usual_gap(news(*steady)) == timedelta(minutes=10)
    assert usual_gap(news(*steady, 900)) == timedelta(minutes=10)
    assert usual_gap(news(*steady, 0.1, 0.2)) == timedelta(minutes=10)
    assert usual_gap([]) is None


def test_a_seldom_polled_wire_is_not_slowed_down() -> None:
    every = timedelta(hours=2)
    seconds, because = after(news(*(9000 + 10 * n for n in range(9))), every=every)
    assert near(seconds, 7200)
    assert because.startswith("every 2h")


def test_a_longer_wish_wins_over_silence_and_says_so() -> None:
    seconds, because = after(news(90, 100, 110, 120, 130), channel={"ttl": "15"})
    assert near(seconds, 900)
    assert because.startswith("ttl 15m, longer than every 2m, no news for 90m")


def test_a_failing_wire_backs_off_whatever_its_silence() -> None:
    seconds, because = after(news(*range(600, 700, 10)), state="http-500")
    assert near(seconds, 240)
    assert because.startswith("http-500; backing off 4m, as failures weigh 1")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, "every 2m"),
        ({"headers": {"cache-control": "max-age=60"}}, "every 2m, longer than Cache-Control max-a"),
        ({"channel": {"ttl": "600"}}, "ttl 10h cut to 1h, longer than every 2m"),
        (
            {"state": "http-503", "headers": {"retry-after": "999999"}},
            "Retry-After 999999s cut to 1d, instead of http-503; backing off",
        ),
        ({"channel": {"skip_hours": ["6"]}}, "then put off by skipHours"),
    ],
)
def test_the_rule_that_won_is_told(keys: dict[str, Any], told: str) -> None:
    assert told in after([], **keys)[1]


moments = st.lists(
    st.integers(-3600, 86400 * 30).map(lambda s: NOW - timedelta(seconds=s)), max_size=25
)


@given(moments, st.integers(1, 86400).map(lambda s: timedelta(seconds=s)))
def test_silence_stays_within_its_clamps(known: list[datetime], every: timedelta) -> None:
    seconds, _ = after(known, every=every)
    granted = max(every, min(QUIET_STRETCH * every, QUIET_LONGEST)).total_seconds()
    assert every.total_seconds() <= seconds <= granted * (1 + JITTER) + 1


@given(moments, st.integers(1, 7200).map(lambda s: timedelta(seconds=s)))
def test_news_brings_a_wire_back_at_once(known: list[datetime], every: timedelta) -> None:
    earlier = [m for m in known if m < NOW]
    seconds, because = after([*earlier, NOW], every=every)
    assert near(seconds, every.total_seconds())
    assert "no news" not in because


@given(moments, st.integers(0, 86400 * 7), st.integers(0, 86400))
def test_a_longer_silence_never_brings_an_earlier_poll(
    known: list[datetime], silence: int, more: int
) -> None:
    """Without the jitter: the same moment, the news further back."""
    waits = [
        after([m - timedelta(seconds=s) for m in known if m <= NOW])[0]
        for s in (silence, silence + more)
    ]
    assert waits[0] <= waits[1]


@pytest.mark.parametrize(
    "keys",
    [
        {"channel": {"ttl": "60"}},
        {"channel": {"update_period": "daily"}},
        {"channel": {"skip_hours": ["6"], "skip_days": ["Sunday"]}},
        {"headers": {"cache-control": "max-age=3600"}},
        {"headers": {"expires": "Sun, 22 Nov 2026 07:00:00 GMT"}},
        {"moments": news(*range(600, 700, 10))},
    ],
)
def test_every_means_what_it_says_where_ttl_is_not_trusted(keys: dict[str, Any]) -> None:
    given = {"moments": [], "every": timedelta(seconds=15), **keys}
    assert after(**given)[0] > 30
    seconds, because = after(**given, trust_ttl=False)
    assert near(seconds, 15)
    assert because.startswith("every 15s, whatever the feed asks for, as trust_ttl is off")


def test_a_server_that_asks_to_wait_is_heard_all_the_same() -> None:
    headers = {"retry-after": "600"}
    assert near(after([], headers=headers, trust_ttl=False)[0], 600)
    assert near(after([], state="http-500", trust_ttl=False)[0], 240)
