"""A limit on the memory of some processes, beyond which the kernel kills one of them.

As a container has it: a control group (cgroups(7)), of version 1 or 2. It needs root on Linux.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_ROOT, _OLD = Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/memory")


@dataclass(slots=True)
class Group:
    """Processes whose memory has a limit, by the *name* of their control group."""

    name: str

    @staticmethod
    def possible() -> bool:
        """Whether there can be one."""
        return os.access(_root(), os.W_OK) and (_limit(_root()).exists() or _root() == _ROOT)

    def limit(self, pids: Sequence[int], more: int) -> None:
        """Let the processes *pids*, and what they start, get *more* bytes, and no others."""
        self._folder.mkdir()
        _limit(self._folder).write_text(str(more))
        for pid in pids:
            with suppress(OSError):  # it has ended
                (self._folder / "cgroup.procs").write_text(str(pid))

    def end(self) -> None:
        """Lift the limit, and give the processes back."""
        _limit(self._folder).write_text("-1" if _root() == _OLD else "max")
        for pid in (self._folder / "cgroup.procs").read_text().split():
            with suppress(OSError):
                (_root() / "cgroup.procs").write_text(pid)
        with suppress(OSError):  # somebody was just started in it: it stays, without a limit
            self._folder.rmdir()

    @property
    def _folder(self) -> Path:
        return _root() / self.name


def _root() -> Path:
    return _OLD if _OLD.is_dir() else _ROOT


def _limit(folder: Path) -> Path:
    return folder / ("memory.limit_in_bytes" if _root() == _OLD else "memory.max")
