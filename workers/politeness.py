"""Which of the wires that are due may be polled now, so that no host or agency gets too much.

Pure: from the candidates and the polls under way to the wires to poll. A wire without room is left
out and stays due; that is no failure of the wire.
"""

from collections.abc import Iterable
from datetime import datetime

from stories.config import Politeness
from stories.models import DueWire, Traffic


def choose(
    candidates: Iterable[DueWire],
    traffic: Traffic,
    politeness: Politeness,
    now: datetime,
    limit: int,
) -> tuple[DueWire, ...]:
    """The wires to start at *now*, at most *limit*, by lane and then the longest due first.

    On top of *traffic*, no host and no agency exceeds its limits: so many polls at once, and a gap
    between two starts (so only one may start at a time; a gap of 0 is no limit). Every wire with
    room is chosen; none waits for one without.
    """
    after = Traffic(
        dict(traffic.hosts),
        dict(traffic.agencies),
        dict(traffic.host_starts),
        dict(traffic.agency_starts),
    )
    chosen: list[DueWire] = []
    for wire in sorted(candidates, key=lambda c: (-c.lane, c.due_at, c.name)):
        if len(chosen) >= limit:
            break
        if host_room(after, wire.host, politeness, now) < 1:
            continue
        if agency_room(after, wire.agency, politeness, now) < 1:
            continue
        chosen.append(wire)
        after.hosts[wire.host] = after.hosts.get(wire.host, 0) + 1
        after.agencies[wire.agency] = after.agencies.get(wire.agency, 0) + 1
        after.host_starts[wire.host] = after.agency_starts[wire.agency] = now
    return tuple(chosen)


def host_room(traffic: Traffic, host: str, politeness: Politeness, now: datetime) -> int:
    """How many polls of *host* may start at *now*."""
    free = politeness.per_host - traffic.hosts.get(host, 0)
    return _after_gap(free, traffic.host_starts.get(host), politeness, now)


def agency_room(traffic: Traffic, agency: str, politeness: Politeness, now: datetime) -> int:
    """How many polls of *agency* may start at *now*."""
    free = politeness.per_agency - traffic.agencies.get(agency, 0)
    return _after_gap(free, traffic.agency_starts.get(agency), politeness, now)


def _after_gap(free: int, last: datetime | None, politeness: Politeness, now: datetime) -> int:
    if not politeness.gap:
        return max(free, 0)
    # A start in the future is by another machine's clock, and counts as just now.
    if last is not None and now - last < politeness.gap:
        return 0
    return max(min(free, 1), 0)
