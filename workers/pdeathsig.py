"""Runs a command that does not outlive the process that started it.

    python -I -S pdeathsig.py PARENT[:UID:GID] COMMAND [ARGUMENT…]

PARENT is the starter's process id. With UID and GID, root gives up its rights first, all groups
included. The standard library alone is used, so that a start costs some 20 ms.

On Linux the kernel sends SIGKILL when the starter's thread ends, however it ended
(``prctl(PR_SET_PDEATHSIG)``, prctl(2)). Elsewhere there is no such thing; there the guard
(:mod:`desk.reaper`) does it for whole process groups.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when *parent*, its starter, is gone (Linux only).

    It is not inherited over fork(2) and is cleared by a change of user, so each process asks for
    itself, last.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it ended before the kernel had been asked
            os.kill(os.getpid(), signal.SIGKILL)


def bound_to_parent(command: Sequence[str], user: tuple[int, int] | None = None) -> list[str]:
    """*command* as it is to be started so that it ends with the process that starts it.

    *user* is the (uid, gid) to run as; only root can ask for it.
    """
    owner = f":{user[0]}:{user[1]}" if user else ""
    here = str(Path(__file__).resolve())
    return [sys.executable, "-I", "-S", here, f"{os.getpid()}{owner}", *command]


def main(parent: str, *command: str) -> None:
    """Become *command*."""
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
