"""The clock: everything in Wirecopy that needs the present time asks here.

Pure code never does; it gets instants as arguments. Tests set this clock instead of patching
``datetime``.

On PostgreSQL it is the database server's clock, so that embargoes, leases and due times are the
same on every host, whatever its own says: each time a connection is used, the server's time comes
with the answer that it is alive (:mod:`stories.db.engine`). In between, and while the server cannot
be asked, the host's monotonic clock counts on, which nobody sets. On SQLite it is the host's.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_offset: float | None = None
"""Seconds from the monotonic clock to the one that is followed."""


def _system() -> datetime:
    """The host's own clock."""
    return datetime.now(UTC)


def _followed() -> datetime:
    if _offset is None:
        return _system()
    return datetime.fromtimestamp(time.monotonic() + _offset, UTC)


def follow(said: float, asked: float, answered: float) -> None:
    """Follow a clock that *said* a time (seconds since 1970) between two readings of the monotonic
    clock: when it was *asked*, and when it had *answered*.

    What is known already is changed as little as the answer demands, so that the time does not jump
    about with the delays of the network.
    """
    global _offset  # noqa: PLW0603 (of the process, as the clock is)
    known = _system().timestamp() - time.monotonic() if _offset is None else _offset
    _offset = min(max(known, said - answered), said - asked)


_source: Callable[[], datetime] = _followed


def now() -> datetime:
    """The present time, aware, in UTC, with microseconds."""
    return _source()


def of_this_machine() -> datetime:
    """What this machine's own clock shows, whichever is followed: the times of its files go by it.
    Aware, in UTC."""
    return datetime.now(UTC) if _source is _followed else _source()


@contextmanager
def reading(source: Callable[[], datetime]) -> Iterator[None]:
    """Read the time from *source* while the block runs (tests, simulations)."""
    global _source  # noqa: PLW0603 (the one place that is patched)
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
