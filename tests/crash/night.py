"""What grows: memory, files, connections, database and broker, sampled all the while."""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from redis import RedisError
from sqlalchemy import text

from stories.db import connect
from tests.crash.cluster import Cluster
from tests.crash.programs import Program, children
from workers.address import client

SPEED = 10.0
"""Times as fast as the clock on the wall."""

MB = 1e6
SAMPLES = 200
SOONEST = 5.0
"""Seconds between two samples, at least."""

MARGINS: Mapping[str, tuple[float, float]] = {
    "MB": (1.15, 16.0),
    "files": (1.1, 8.0),
    "connections": (1.1, 6.0),
    "broker MB": (1.2, 2.0),
}
"""What may have grown since the second quarter: by this factor, and by so much more. What the
database has is told, and not judged: headlines, digests, and the log are kept for ever."""


def next_change(now: datetime) -> datetime:
    """When summer time next begins or ends in Europe: at 1:00 UTC of a Sunday (2000/84/EC)."""
    at = now.replace(hour=1, minute=0, second=0, microsecond=0)
    while at <= now or at.weekday() != 6 or at.month not in (3, 10) or at.day <= 24:
        at += timedelta(days=1)
    return at


@dataclass(slots=True)
class Sampler:
    """Samples *cluster* over so many ``seconds``; ``seen`` has the values of each series."""

    cluster: Cluster
    seconds: float
    seen: dict[str, list[float]] = field(default_factory=dict)
    _next: float = 0.0

    def turn(self) -> None:
        """Take a sample if it is time to."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + max(SOONEST, self.seconds / SAMPLES)
        for name, value in self._now():
            self.seen.setdefault(name, []).append(value)

    def _now(self) -> Iterator[tuple[str, float]]:
        for program in (*self.cluster.members, *self.cluster.services):
            pids = list(_family(program))
            yield f"{program.name}: MB", sum(map(_private, pids)) / MB
            if program not in self.cluster.databases:  # which has a bound of its own
                yield f"{program.name}: files", float(sum(map(_files, pids)))
        with suppress(RedisError, OSError), client(self.cluster.redis_url, timeout=5) as broker:
            told = broker.info()
            assert isinstance(told, dict)
            yield "redis: broker MB", told["used_memory"] / MB
            yield "redis: connections", float(told["connected_clients"])
        if self.cluster.config.database_url is None:
            store = Path(str(self.cluster.config.database))
            yield "database: stored MB", sum(f.stat().st_size for f in store.parent.glob("*")) / MB
        else:
            asked = text(
                "SELECT pg_database_size(current_database()), count(*) FROM pg_stat_activity"
                " WHERE datname = current_database()"
            )
            with closing(connect(self.cluster.config.database)) as opened, opened.read() as conn:
                size, count = conn.execute(asked).one()
                yield "database: stored MB", size / MB
                yield "database: connections", float(count)

    def grown(self) -> tuple[dict[str, str], list[str]]:
        """Each series in its second quarter and in its last, and what grew by more than it may."""
        figures, wrong = {}, []
        for name, values in sorted(self.seen.items()):
            before, after = _quarter(values, 1), _quarter(values, 3)
            figures[f"{name}, early and late"] = f"{before:.1f} {after:.1f}"
            factor, more = MARGINS.get(name.partition(": ")[2], (float("inf"), 0.0))
            if after > before * factor + more:
                wrong.append(f"{name} grew from {before:.1f} to {after:.1f}")
        return figures, wrong


def _quarter(values: Sequence[float], number: int) -> float:
    size = max(len(values) // 4, 1)
    return statistics.median(values[number * size : (number + 1) * size] or values[-1:])


def _family(program: Program) -> Iterator[int]:
    waiting = [program.process.pid] if program.process is not None else []
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += children(pid)


def _private(pid: int) -> float:
    """Bytes of memory, of those that are shared its share."""
    with suppress(OSError, IndexError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return float(line.split()[1]) * 1024
    return 0.0


def _files(pid: int) -> int:
    with suppress(OSError):
        return len([*Path(f"/proc/{pid}/fd").iterdir()])
    return 0


def begins(seconds: float) -> float:
    """What the clock is set to at the start, so that summer time changes in the middle of so many
    *seconds* of the clock on the wall; seconds since 1970."""
    return next_change(datetime.now(UTC) + timedelta(seconds=seconds)).timestamp() - (
        seconds * SPEED / 2
    )
