"""What something costs: wall time, CPU time of a process and its children, peak memory."""

import os
import re
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the wall, and of CPU (user and system, own and of children waited for)."""

    wall: float
    cpu: float

    def per(self, count: float) -> "Cost":
        """The cost of one of *count*."""
        return Cost(self.wall / count, self.cpu / count)


class Stopwatch:
    """Runs while its block does; ``cost`` is then what the block cost this process.

    ``of`` is a process (by id) whose tree is watched in place of our own, such as a server's.
    """

    cost: Cost

    def __init__(self, of: int | None = None) -> None:
        self._of = of

    def __enter__(self) -> "Stopwatch":
        self._cpu = self._now()
        self._wall = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        wall = time.perf_counter() - self._wall
        self.cost = Cost(wall, self._now() - self._cpu)

    def _now(self) -> float:
        return cpu_seconds() if self._of is None else tree_cpu_seconds(self._of)


def cpu_seconds() -> float:
    """CPU that this process and its ended children have used."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def tree_cpu_seconds(pid: int) -> float:
    """CPU that the process *pid*, its children and theirs, ended ones included, have used."""
    used = 0.0
    for process in _tree(pid):
        times = process.cpu_times()
        # What ended children used is in their parent's times; what living ones use is not yet.
        used += times.user + times.system
        used += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return used


def tree_peak(pid: int) -> int | None:
    """The peaks of resident memory of *pid* and its living children, in bytes, added up.

    Pages that they share count once for each. None where the system does not tell (not Linux).
    """
    peaks = [peak(process.pid) for process in _tree(pid)]
    known = [p for p in peaks if p is not None]
    return sum(known) if known else None


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


def timed(work: Callable[[], object], at_least: float, times: int = 1) -> Cost:
    """What one call of *work* costs: called once to warm up, then again and again, *times* at
    least and until *at_least* seconds have passed."""
    work()
    count = 0
    end = time.perf_counter() + at_least
    with Stopwatch() as watch:
        while count < times or time.perf_counter() < end:
            work()
            count += 1
    return watch.cost.per(count)


def _tree(pid: int) -> list[Any]:
    import psutil

    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]
