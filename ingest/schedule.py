"""When and where a wire is polled next: pure functions of what the last poll brought.

The wire's ``every`` is the shortest interval. The feed's own wishes may lengthen it, within
limits: Cache-Control max-age and Expires (RFC 9111 §5), ttl and skipHours/skipDays (RSS 2.0),
sy:updatePeriod. So may its silence: when no news has come for much longer than usual, the wire is
polled a little less often, until the first news. A wire with ``trust_ttl = false`` is polled at
``every`` whatever it wishes. A server's Retry-After (RFC 9110 §10.2.3) is
obeyed. Failures back off by weight, up to a limit, and never for good: many wires come back.

A permanent redirect, 301 or 308 (RFC 9110 §15.4.2, §15.4.9), asks to use the new address from then
on; but servers under repair, captive portals and expired domains send them too, and who follows at
once polls a parking page for ever. So a move must be seen many times, over days, always to the same
address; and when the new address fails for long, the configured one is polled again.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median_low
from typing import Any
from urllib.parse import urlsplit

from net.backoff import LONGEST_RETRY_AFTER, http_date, retry_after, weight
from net.client import Response
from net.ssrf import shown

LONGEST_WISH = timedelta(hours=1)
"""A feed may ask to be polled less often, but not so seldom that news is old when it arrives."""

LONGEST_BACK_OFF = timedelta(hours=6)
JITTER = 0.1
"""Share of the wait that is added, so that wires that failed together do not stay together."""

KEPT_NEWS = 20
"""How many times of news are remembered: a day or so of a busy wire, weeks of a slow one."""

MEASURED_NEWS = 5
"""How many times of news tell what is usual. A new wire is polled as configured."""

QUIET_TIMES = 3
"""How many usual gaps between news are no silence yet: news comes in bursts."""

QUIET_STRETCH = 6
QUIET_LONGEST = timedelta(minutes=30)
"""A silent wire is polled at most this much less often, and at least this often: the first news
after a silent night is the one waited for."""

GOOD = frozenset({"ok", "unchanged", "not-modified"})

SIGHTINGS = 20
"""Redirects in a row, all the same, before a move is believed."""

SEEN_FOR = timedelta(days=3)
"""And over how long: repairs and mistakes are undone within a weekend."""

PUSHED_STRETCH = 6
PUSHED_LONGEST = timedelta(minutes=30)
"""A wire whose hub pushes is polled so much less often, and at least this often: to see that the
hub brings all."""

GIVEN_UP = 5.0
"""The weight of failures from which on an address that the wire moved to is given up."""

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
    """When to poll next, why then, the weight of failures so far, and until when the server asks
    not to be polled, if it does."""

    at: datetime
    because: str
    failures: float
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Polled:
    """How one poll ended. ``state`` is the wire's state now; ``captures`` what was kept;
    ``superseded`` says that somebody else polled the wire meanwhile; ``notice`` is a sentence about
    the wire's address, if it changed."""

    wire: str
    state: str
    message: str
    due: Due
    captures: tuple[int, ...] = ()
    superseded: bool = False
    notice: str = ""

    @property
    def capture_id(self) -> int | None:
        """The last that was kept, None for none."""
        return self.captures[-1] if self.captures else None


def next_poll(
    *,
    wire: str,
    now: datetime,
    every: timedelta,
    state: str,
    failures: float,
    headers: Mapping[str, str],
    channel: Mapping[str, Any],
    news: Sequence[datetime] = (),
    trust_ttl: bool = True,
    pushed_until: datetime | None = None,
) -> Due:
    """When to poll *wire* next after a poll that ended at *now* in *state*, with the reason.

    *failures* is the weight before this poll; *headers* the response's, names in lower case;
    *channel* what the feed last said of itself (``ingest.item.Channel`` as a mapping); *news* the
    last times at which new or updated stories came; *pushed_until* until when its hub is trusted to
    push them. Without *trust_ttl* neither what the feed wishes, nor its silence, nor its hub
    changes *every*; Retry-After and failures do.
    """
    asked = retry_after(headers["retry-after"], now) if "retry-after" in headers else None
    if state in GOOD:
        failures = 0.0
        wishes = [*_wishes(headers, channel, now), *_quiet(news, every, now)]
        if pushed_until is not None and pushed_until > now:
            safety = max(every, min(PUSHED_STRETCH * every, PUSHED_LONGEST))
            wishes.append((safety, safety, "its hub pushes what is new, so only to be safe every"))
        wait, because = _regular(every, wishes if trust_ttl else [])
        because += "" if trust_ttl else ", whatever the feed asks for, as trust_ttl is off"
    else:
        failures += weight(state)
        doubled = min(every, LONGEST_BACK_OFF) * 2 ** min(failures, 16)
        wait = max(every, min(doubled, LONGEST_BACK_OFF))
        because = f"{state}; backing off {_span(wait)}, as failures weigh {failures:g}"
    if asked is not None and asked > wait:
        wait = max(min(asked, LONGEST_RETRY_AFTER), every)
        because = f"Retry-After {_span(asked)}{_cut(asked, wait)}, instead of {because}"
    jitter = wait * (JITTER * _unit(wire, now))
    at = now + wait + jitter
    if jitter >= timedelta(seconds=1):
        because += f"; {_span(jitter)} of jitter"
    moved = _skip(at, channel) if trust_ttl else at
    if moved != at:
        # All that were put off would come at the same full hour. Less than an hour of jitter, or it
        # could lead into the next hour, which may be skipped too.
        at = moved + jitter % timedelta(hours=1)
        because += "; then put off by skipHours/skipDays"
    return Due(at, because, failures, now + min(asked, LONGEST_RETRY_AFTER) if asked else None)


def usual_gap(news: Sequence[datetime]) -> timedelta | None:
    """The usual time between news, the median; None where too few are known.

    One silent night or one burst among twenty changes nothing.
    """
    if len(news) < MEASURED_NEWS:
        return None
    return median_low([after - before for before, after in pairwise(sorted(news))])


def _regular(
    every: timedelta, wishes: Sequence[tuple[timedelta, timedelta, str]]
) -> tuple[timedelta, str]:
    """The longest of *every* and what is granted of the *wishes*, and the reason."""
    wait, because, others = every, f"every {_span(every)}", []
    for wish, granted, who in wishes:
        reason = f"{who} {_span(wish)}{_cut(wish, granted)}"
        if granted > wait:
            others.append(because)
            wait, because = granted, reason
        elif wish > timedelta(0):
            others.append(reason)
    return wait, f"{because}, longer than {', '.join(others)}" if others else because


def _cut(wish: timedelta, granted: timedelta) -> str:
    return f" cut to {_span(granted)}" if granted < wish else ""


def _quiet(
    news: Sequence[datetime], every: timedelta, now: datetime
) -> list[tuple[timedelta, timedelta, str]]:
    """A longer wait for a wire that has been silent for longer than usual; none for others.

    It grows with the silence and ends with the first news.
    """
    if len(news) < MEASURED_NEWS or (silence := now - max(news)) <= QUIET_TIMES * every:
        return []
    # All news between two polls seems to come at the second.
    usual = max(usual_gap(news) or every, every)
    wait = every * (silence / (QUIET_TIMES * usual))
    granted = min(wait, max(every, min(QUIET_STRETCH * every, QUIET_LONGEST)))
    if granted <= every:
        return []
    reason = f"no news for {_about(silence)} where it usually comes every {_about(usual)}:"
    return [(granted, granted, reason)]


def combined(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Header fields by name; those sent several times joined by commas (RFC 9110 §5.3)."""
    found: dict[str, str] = {}
    for name, value in fields:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _wishes(
    headers: Mapping[str, str], channel: Mapping[str, Any], now: datetime
) -> list[tuple[timedelta, timedelta, str]]:
    """What the feed asks for: the wait, what is granted of it, and how it asked."""
    wishes = []
    control = headers.get("cache-control", "").lower()
    fresh = re.search(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})", control, re.ASCII)
    if fresh:
        wishes.append((timedelta(seconds=int(fresh[1])), "Cache-Control max-age"))
    elif (
        "no-" not in control
        and (stated := headers.get("expires"))
        and (expires := http_date(stated))
    ):
        wishes.append((expires - now, "Expires in"))
    ttl = str(channel.get("ttl", "")).strip()
    if re.fullmatch(r"[0-9]{1,6}", ttl, re.ASCII):
        wishes.append((timedelta(minutes=int(ttl)), "ttl"))
    period = _PERIODS.get(str(channel.get("update_period", "")).strip().lower())
    if period:
        times = str(channel.get("update_frequency", "")).strip()
        often = int(times) if re.fullmatch(r"[1-9][0-9]{0,5}", times, re.ASCII) else 1
        wishes.append((timedelta(seconds=period / often), "sy:updatePeriod"))
    return [(wish, min(wish, LONGEST_WISH), who) for wish, who in wishes]


def _skip(at: datetime, channel: Mapping[str, Any]) -> datetime:
    """The first moment from *at* on outside the skipped hours and days (GMT, as RSS 2.0 says)."""
    if not channel.get("skip_hours") and not channel.get("skip_days"):
        return at
    named = (str(hour).strip() for hour in channel.get("skip_hours", ()))
    hours = {int(hour) % 24 for hour in named if re.fullmatch("[0-9]{1,2}", hour)}
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
    """A number in [0, 1) that looks random and is a function of *wire* and *now*."""
    drawn = hashlib.sha256(f"{wire}\0{now.isoformat()}".encode()).digest()
    return int.from_bytes(drawn[:4]) / 2**32


def _about(length: timedelta) -> str:
    """A long time as one rounded figure."""
    seconds = length.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


def _span(wait: timedelta) -> str:
    seconds = int(wait.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


# Where a wire is polled


@dataclass(frozen=True, slots=True)
class Address:
    """Where a wire is polled, and where it may be moving to: columns of its row.

    ``notice`` says in a sentence what changed just now, if the address did.
    """

    url: str
    moved_to: str | None = None
    moved_count: int = 0
    moved_since: datetime | None = None
    notice: str = ""


def address_after_answer(address: Address, response: Response, now: datetime) -> Address:
    """The address after a poll that went well. A move is counted only then: what a redirect leads
    to must be a feed that we may fetch."""
    target = response.moved_to
    if target is None or target == address.url or _leaves_tls(address.url, response):
        return Address(address.url)
    if target != address.moved_to or address.moved_since is None:
        return Address(address.url, target, 1, now)
    count = address.moved_count + 1
    if count < SIGHTINGS or now - address.moved_since < SEEN_FOR:
        return Address(address.url, target, count, address.moved_since)
    notice = (
        f"moved for good from {shown(address.url)} to {shown(target)}, which it said {count} times"
        f" since {address.moved_since:%Y-%m-%d}; it is polled there now; set the wire's url to it"
    )
    return Address(target, notice=notice)


def address_after_failure(
    address: Address, configured: str, failures: float, gone: bool
) -> Address:
    """The address after a poll that failed; *failures* is their weight by now, *gone* a 410.

    The configured address comes from the publisher, a move only from a server.
    """
    if address.url == configured or not (gone or failures >= GIVEN_UP):
        return address
    notice = (
        f"{shown(address.url)}, where the wire had moved, fails;"
        f" it is polled at its configured address {shown(configured)} again"
    )
    return Address(configured, notice=notice)


def _leaves_tls(url: str, response: Response) -> bool:
    """True when any step from *url* on goes from https to http: whoever controls that step can
    redirect anywhere, and must not get the wire for good."""
    steps = [url, *(hop.location for hop in response.hops)]
    secure = [urlsplit(step).scheme == "https" for step in steps]
    return any(before and not after for before, after in pairwise(secure))
