"""Programs that are started, killed, stopped, and started again.

Everything here is used from the main thread alone: a process ends with the thread that started it
(:mod:`stories.pdeathsig`).
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from stories.pdeathsig import bound_to_parent
from tests.crash.hosts import Host

PAUSE = 0.5
"""Seconds until a process that ended by itself is started again."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that ended by itself: when (seconds since 1970), who, and its exit code."""

    at: float
    name: str
    code: int


@dataclass(slots=True)
class Program:
    """One program of the run, on ``host``, which is started again when it ends.

    ``folder`` is its working folder; ``log`` gets what it says.
    """

    name: str
    host: Host
    command: Sequence[str]
    folder: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: tuple[int, int] | None = None
    starts: int = 0
    ended: list[Ended] = field(default_factory=list)
    process: "subprocess.Popen[bytes] | None" = None
    _due: float = 0.0
    _expected: bool = True

    def turn(self) -> None:
        """Notice a death; start what is due."""
        if self.process is not None and self.process.poll() is not None:
            if not self._expected:
                self.ended.append(Ended(time.time(), self.name, self.process.returncode))
                self._due = time.monotonic() + PAUSE
            self._bury()
        if self.process is None and time.monotonic() >= self._due:
            self._start()

    def _start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.host.command(*bound_to_parent(self.command, self.user)),
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1
        self._expected = False

    def kill(self, again_in: float, how: signal.Signals = signal.SIGKILL) -> None:
        """Send *how*; started again so many seconds after its end (at the earliest now)."""
        if self.process is None:
            return
        self._expected = True
        self._due = time.monotonic() + again_in
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, how)
        if how == signal.SIGKILL:
            self.process.wait()
            self._bury()

    def rest(self) -> None:
        """Kill it, and do not start it again until :meth:`go_on`."""
        self.kill(float("inf"))
        self._due = float("inf")

    def go_on(self) -> None:
        """Start it again at the next turn."""
        self._due = 0.0

    def _bury(self) -> None:
        """Kill its process group too, as the end of a container does."""
        assert self.process is not None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process = None

    @property
    def ending(self) -> bool:
        """Whether it was told to end, and has not yet."""
        return self.process is not None and self._expected

    def pids(self) -> list[int]:
        """The process and its children, if it runs."""
        return [] if self.process is None else [self.process.pid, *children(self.process.pid)]

    def send(self, how: signal.Signals) -> None:
        """Send *how* to the process and all its children."""
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, how)

    def send_end(self) -> None:
        """Tell it to end."""
        self._expected = True
        if self.process is not None:
            self.process.terminate()

    def finish(self, patience: float) -> int | None:
        """End it in order, for good; its exit code, None when it was killed or did not run."""
        if self.process is None:
            return None
        if not self._expected:
            self.send_end()
        code: int | None = None
        with suppress(subprocess.TimeoutExpired):
            code = self.process.wait(patience)
        self.destroy()
        return code

    def destroy(self) -> None:
        """Kill it and all that it started."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
            self._bury()
        self._due = float("inf")


def children(pid: int) -> list[int]:
    """The process ids of *pid*'s children, ascending."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError, ValueError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return sorted(found)
