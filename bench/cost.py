"""What something costs: wall time, CPU time of a process and its children, peak memory."""

import os
import re
import resource
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

try:
    import psutil
except ModuleNotFoundError as error:
    raise SystemExit("bench: psutil is not installed; make bench installs it") from error


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the wall, and of CPU (user and system, our own and our children's)."""

    wall: float
    cpu: float


class Stopwatch:
    """Runs while its block does; ``cost`` is then what the block cost this process.

    ``of`` is a process (by id) whose tree is watched in place of our own, such as a server's.
    """

    cost: Cost

    def __init__(self, of: int | None = None) -> None:
        self._of = of

    def __enter__(self) -> "Stopwatch":
        # Our own first of all at the end and last of all here: to look for the other processes
        # takes us a millisecond, which is not the block's.
        self._cpu = self._others()
        self._cpu += self._own()
        self._wall = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        wall = time.perf_counter() - self._wall
        used = self._own()
        used += self._others()
        self.cost = Cost(wall, used - self._cpu)

    def _own(self) -> float:
        if self._of is not None:
            return 0.0
        own = resource.getrusage(resource.RUSAGE_SELF)
        return own.ru_utime + own.ru_stime

    def _others(self) -> float:
        if self._of is not None:
            return tree_cpu_seconds(self._of)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        living = sum(map(_used, psutil.Process().children(recursive=True)))
        return ended.ru_utime + ended.ru_stime + living


def tree_cpu_seconds(pid: int) -> float:
    """CPU that the process *pid*, its children and theirs have used, those that ended included."""
    return sum(map(_used, _tree(pid)))


def _used(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess, OSError):  # it ended, and counts where its parent is asked
        times = process.cpu_times()
        # What ended children used stands in their parent's times, what living ones use does not.
        ended = sum(getattr(times, f"children_{kind}", 0.0) for kind in ("user", "system"))
        return float(ended + _own(process, times.user + times.system))
    return 0.0


def _own(process: psutil.Process, ticks: float) -> float:
    """What *process* itself has used: on Linux to the microsecond, by the clock that each process
    has (clock_getcpuclockid(3)); elsewhere *ticks*, which are hundredths of a second."""
    if sys.platform != "linux":
        return ticks
    return time.clock_gettime((~process.pid << 3) | 2)


def tree_peak(pid: int | None = None) -> int | None:
    """The peaks of resident memory of *pid* (or this process) and its living children, in bytes,
    added up.

    Pages that they share count once for each. None where the system does not tell (not Linux).
    """
    peaks = [peak(process.pid) for process in _tree(pid or os.getpid())]
    known = [p for p in peaks if p is not None]
    return sum(known) if known else None


def tree_pss(pid: int) -> int | None:
    """The memory that *pid* and its children have now, in bytes, each page counted once however
    many of them share it (``Pss``). None where the system does not tell (not Linux)."""
    found = []
    for process in _tree(pid):
        with suppress(OSError):  # it ended
            told = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            found += [int(size) * 1024 for size in re.findall(r"^Pss:\s+(\d+) kB", told, re.M)]
    return sum(found) or None


def peak(pid: int | None = None) -> int | None:
    """The peak of resident memory of *pid*, or of this process, in bytes.

    ``VmHWM`` and not ``ru_maxrss``: over an exec(2) the latter keeps the peak of the program that
    was there before, so that a small child of a large process would look large.
    """
    status = Path(f"/proc/{pid or os.getpid()}/status")
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    if pid is not None and pid != os.getpid():
        return None
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024


def _tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]
