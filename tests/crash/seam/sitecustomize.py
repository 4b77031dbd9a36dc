"""Sets the clock of every Python process of a run: Python imports this where it is on its path.

So it is with processes that a member starts or becomes, too. ``CRASH_CLOCK`` names the file by
which the clock goes (:mod:`tests.crash.clocks`).
"""

import mmap
import os
import struct
import time
from contextlib import ExitStack
from datetime import UTC, datetime, tzinfo

from stories import clock

_FIELDS = struct.Struct("ddd")
_to_the_end = ExitStack()


def _set(file: str) -> None:
    with open(file, "rb") as opened:  # noqa: PTH123 - every process imports this
        seen = mmap.mmap(opened.fileno(), _FIELDS.size, access=mmap.ACCESS_READ)
    machines = time.time

    def shown() -> float:
        at, since, speed = _FIELDS.unpack_from(seen)
        return float(at + (machines() - since) * speed)

    class Shown(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(shown(), tz)

    # The host's, which another may be followed in place of.
    time.time = shown
    vars(clock)["datetime"] = Shown
    # Files get their times from the kernel, whose clock nobody sets.
    vars(clock)["of_this_machine"] = lambda: datetime.now(UTC)
    if _FIELDS.unpack_from(seen)[2] != 1:  # which nobody else has
        _to_the_end.enter_context(clock.reading(lambda: datetime.fromtimestamp(shown(), UTC)))


if "CRASH_CLOCK" in os.environ:
    _set(os.environ["CRASH_CLOCK"])
