"""Clocks of members and of PostgreSQL that are wrong, and put right, while they run.

A member's goes by a file: three numbers of 8 bytes, which a process maps into its memory
(``seam/sitecustomize.py``): what it showed, when (seconds since 1970), and how fast it goes.
PostgreSQL's goes by a file of libfaketime's, where that is installed.
"""

import os
import struct
import time
from dataclasses import dataclass
from pathlib import Path

SEAM = Path(__file__).with_name("seam")
_FIELDS = struct.Struct("ddd")
_LIBRARIES = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
FAKETIME = next(_LIBRARIES, None)


_since, _shown, _speed = 0.0, 0.0, 1.0


def begin(at: float, speed: float) -> None:
    """Let the run's own clock show *at* now (seconds since 1970), and go *speed* times as fast."""
    global _since, _shown, _speed
    _since, _shown, _speed = time.time(), at, speed


def now() -> float:
    """What the run's own clock shows, which is right; seconds since 1970."""
    return _shown + (time.time() - _since) * _speed


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of those who go by *file*."""

    file: Path

    def set(self, ahead: float) -> None:
        """Let it be so many seconds *ahead* of the run's own."""
        with self.file.open("r+b" if self.file.exists() else "wb") as file:
            os.pwrite(file.fileno(), _FIELDS.pack(now() + ahead, time.time(), _speed), 0)

    @property
    def environment(self) -> dict[str, str]:
        """That of a process that goes by it."""
        return {"CRASH_CLOCK": str(self.file)}


@dataclass(slots=True)
class FakeTime:
    """The clock, by *file*, of a program that is no Python; whether it was ever ``moved``."""

    file: Path
    moved: bool = False

    def set(self, ahead: float, speed: float = 1.0) -> None:
        """Let it be so many seconds *ahead*, and go *speed* times as fast."""
        self.moved |= ahead != 0
        new = self.file.with_suffix(".new")
        new.write_text(f"{ahead:+f} x{speed:g}\n")
        new.chmod(0o644)
        new.replace(self.file)

    def command(self, *command: str) -> list[str]:
        """*command*, going by it."""
        settings = {
            "LD_PRELOAD": FAKETIME,
            "FAKETIME_TIMESTAMP_FILE": self.file,
            "FAKETIME_NO_CACHE": 1,
            "FAKETIME_DONT_FAKE_MONOTONIC": 1,
            "FAKETIME_DISABLE_SHM": 1,
        }
        return ["/usr/bin/env", *(f"{name}={value}" for name, value in settings.items()), *command]
