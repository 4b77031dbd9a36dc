"""Runs a command that ends with the process that started it (``PR_SET_PDEATHSIG``).

    python -I -S pdeathsig.py PARENT[:UID:GID] COMMAND [ARGUMENT…]

PARENT is the process id of the starter. With UID and GID, root first drops its rights, all groups
included. It imports the standard library only, so that a start takes some 20 ms.

On Linux the kernel sends SIGKILL when the starter's thread ends, however it ends (prctl(2)). Other
systems have nothing like it; there :mod:`desk.reaper` kills whole process groups.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when *parent*, its starter, is gone (Linux only).

    It is not inherited over fork(2) and is cleared by a change of user, so each process asks for
    itself, after everything else.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it ended before we asked the kernel
            os.kill(os.getpid(), signal.SIGKILL)


def name_process(name: str) -> None:
    """Have top(1) and pgrep(1) know this process as *name*, of which Linux keeps 15 bytes."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NAME, name.encode(), 0, 0, 0)


def bound_to_parent(command: Sequence[str], user: tuple[int, int] | None = None) -> list[str]:
    """*command*, to be started so that it ends with this process.

    *user* is the (uid, gid) to run as; only root can change it.
    """
    owner = f":{user[0]}:{user[1]}" if user else ""
    here = str(Path(__file__).resolve())
    return [sys.executable, "-I", "-S", here, f"{os.getpid()}{owner}", *command]


def main(parent: str, *command: str) -> None:
    """Replace this process with *command*."""
    pid, *user = (int(part) for part in parent.split(":"))
    if user:
        os.setgroups([])
        os.setgid(user[1])
        os.setuid(user[0])
    die_with_parent(pid)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the starter's own command, no shell
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(*sys.argv[1:])
