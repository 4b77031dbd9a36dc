"""The clock: everything in Wirecopy that needs the present time asks here.

Pure code never does; it gets instants as arguments. Tests set this clock instead of patching
``datetime``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """The present time, aware, in UTC, with microseconds."""
    return _source()


@contextmanager
def reading(source: Callable[[], datetime]) -> Iterator[None]:
    """Read the time from *source* while the block runs (tests, simulations)."""
    global _source  # noqa: PLW0603 (the one place that is patched)
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
