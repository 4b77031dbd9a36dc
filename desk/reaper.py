"""Kills the process groups that a supervisor left behind.

    python -I -S reaper.py < pipe

Reads lines ``+GROUP`` and ``-GROUP`` from a pipe whose other end only the supervisor has. When the
pipe ends, the supervisor is gone, and every group that it had not withdrawn gets SIGKILL. That
reaches what members started too; a parent-death signal does not, as it is not inherited (prctl(2)),
and the children of a web server or a worker would live on, with the port or a task.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterable


def remaining(lines: Iterable[str]) -> set[int]:
    """The groups announced in *lines* and not withdrawn."""
    groups: set[int] = set()
    for line in lines:
        change, group = line[:1], int(line[1:])
        if change == "+":
            groups.add(group)
        else:
            groups.discard(group)
    return groups


def main() -> None:
    """Wait for the end of the pipe, then kill what remains."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # it ends when the supervisor does, not before
    for group in remaining(sys.stdin):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
