"""When a wire is polled next: a pure function of what the last poll brought.

The wire's ``every`` is the shortest interval. The feed's own wishes may lengthen it, within
clamps: Cache-Control max-age and Expires (RFC 9111 §5), ttl and skipHours/skipDays (RSS 2.0),
sy:updatePeriod. A server's Retry-After (RFC 9110 §10.2.3) is obeyed. Failures back off by weight,
up to a cap, and never for ever: many wires come back.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST_WISH = timedelta(hours=1)
"""A feed may ask us to come less often, but not so seldom that news is old when it arrives."""

LONGEST_RETRY_AFTER = timedelta(days=1)
LONGEST_BACK_OFF = timedelta(hours=6)
JITTER = 0.1
"""Wires that failed together must not come back together for ever."""

WEIGHTS = {"dns": 0.25, "timeout": 0.5, "refused": 0.5, "http-429": 0.5, "http-503": 0.5}
"""How much one failure counts; anything not named counts 1. Resolvers fail in bursts, ours
included; an overloaded server says so and means it for now only."""

GOOD = frozenset({"ok", "unchanged", "not-modified"})

_PERIODS = {
    "hourly": 3600,
    "daily": 86400,
    "weekly": 604800,
    "monthly": 2592000,
    "yearly": 31536000,
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Due:
    """When to poll next, why then, and the weight of failures so far."""

    at: datetime
    because: str
    failures: float


def next_poll(
    *,
    wire: str,
    now: datetime,
    every: timedelta,
    state: str,
    failures: float,
    headers: Mapping[str, str],
    channel: Mapping[str, Any],
) -> Due:
    """The next poll of *wire* after one that ended at *now* in *state*.

    *failures* is the weight before this poll; *headers* the response's, names in lower case;
    *channel* what the feed last said of itself (``ingest.item.Channel`` as a mapping).
    """
    asked = retry_after(headers.get("retry-after"), now)
    if state in GOOD:
        failures = 0.0
        wait, because = every, f"every {_span(every)}"
        for wish, who in _wishes(headers, channel, now):
            if wish > wait:
                wait, because = min(wish, max(LONGEST_WISH, every)), f"{who} {_span(wish)}"
    else:
        failures += WEIGHTS.get(state, 1.0)
        wait = min(every * 2 ** min(failures, 16), max(LONGEST_BACK_OFF, every))
        because = f"{state}; backing off {_span(wait)}"
    if asked is not None and asked > wait:
        wait, because = min(asked, LONGEST_RETRY_AFTER), f"Retry-After {_span(asked)}"
    at = now + wait * (1 + JITTER * _unit(wire, now))
    moved = _skip(at, channel)
    if moved != at:
        at, because = moved, f"{because}; skipHours/skipDays"
    return Due(at, because, failures)


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Retry-After in either form, as a wait from *now*; None when absent or unreadable."""
    if not value:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value.strip(), re.ASCII):
        return timedelta(seconds=int(value))
    moment = http_date(value)
    return None if moment is None else max(moment - now, timedelta(0))


def http_date(value: str) -> datetime | None:
    """An HTTP date (RFC 9110 §5.6.7), None when it is none."""
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _wishes(
    headers: Mapping[str, str], channel: Mapping[str, Any], now: datetime
) -> list[tuple[timedelta, str]]:
    wishes = []
    control = headers.get("cache-control", "").lower()
    fresh = re.search(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})", control, re.ASCII)
    if fresh:
        wishes.append((timedelta(seconds=int(fresh[1])), "Cache-Control max-age"))
    elif "no-" not in control and (expires := http_date(headers.get("expires", "0"))):
        wishes.append((expires - now, "Expires in"))
    ttl = str(channel.get("ttl", "")).strip()
    if re.fullmatch(r"[0-9]{1,6}", ttl, re.ASCII):
        wishes.append((timedelta(minutes=int(ttl)), "ttl"))
    period = _PERIODS.get(str(channel.get("update_period", "")).strip().lower())
    if period:
        times = str(channel.get("update_frequency", "")).strip()
        often = int(times) if re.fullmatch(r"[1-9][0-9]{0,5}", times, re.ASCII) else 1
        wishes.append((timedelta(seconds=period / often), "sy:updatePeriod"))
    return wishes


def _skip(at: datetime, channel: Mapping[str, Any]) -> datetime:
    """The first moment from *at* on that falls in no skipped hour or day (GMT, as RSS 2.0 says)."""
    told = (str(hour).strip() for hour in channel.get("skip_hours", ()))
    hours = {int(hour) % 24 for hour in told if re.fullmatch("[0-9]{1,2}", hour)}
    days = {str(d).strip().lower() for d in channel.get("skip_days", ())} & set(_DAYS)
    if len(hours) > 23 or len(days) > 6:
        return at  # a feed that forbids every hour forbids nothing
    for _ in range(24 * 7 + 1):
        moment = at.astimezone(UTC)
        if moment.hour not in hours and _DAYS[moment.weekday()] not in days:
            return at
        at = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return at


def _unit(wire: str, now: datetime) -> float:
    """A number in [0, 1) that looks random and is a function of wire and moment."""
    return (
        int.from_bytes(hashlib.sha256(f"{wire}\0{now.isoformat()}".encode()).digest()[:4]) / 2**32
    )


def _span(wait: timedelta) -> str:
    seconds = int(wait.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
