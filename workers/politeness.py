"""Which of the wires that are due are polled now: politeness, decided from exact figures.

Pure: candidates and what is under way in, the chosen out. A wire that there is no room for is
passed over and stays due; nothing is noted against it, for it did nothing wrong.
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

    With *traffic* as it stands, no host and no agency goes over its budget: so many at once, and
    a gap between two starts (which lets one start at a moment; a gap of nothing is none). Within
    that, whoever has room is chosen; nobody waits for the room of another.
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
    return _spaced(free, traffic.host_starts.get(host), politeness, now)


def agency_room(traffic: Traffic, agency: str, politeness: Politeness, now: datetime) -> int:
    """How many polls of *agency* may start at *now*."""
    free = politeness.per_agency - traffic.agencies.get(agency, 0)
    return _spaced(free, traffic.agency_starts.get(agency), politeness, now)


def _spaced(free: int, last: datetime | None, politeness: Politeness, now: datetime) -> int:
    if not politeness.gap:
        return max(free, 0)
    # A start that lies ahead is another machine's clock, and as recent as can be.
    if last is not None and now - last < politeness.gap:
        return 0
    return max(min(free, 1), 0)
