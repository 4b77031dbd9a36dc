"""Ends the process groups that a supervisor left behind.

    python -I -S reaper.py < pipe

Reads lines ``+GROUP`` and ``-GROUP`` from a pipe whose other end only the supervisor holds. When
the pipe ends, the supervisor is gone, and every group it had not taken back gets SIGKILL. This
also reaches what members themselves started, which a parent-death signal does not: it is not
inherited (prctl(2)), and a web server's or a worker's own children would live on, holding the
port or a task.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterable


def remaining(lines: Iterable[str]) -> set[int]:
    """The groups announced in *lines* and not taken back."""
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
