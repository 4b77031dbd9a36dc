"""A supervisor of shell scripts as a process: ``python -m tests.desk.supervised FOLDER``.

``FOLDER/members.json`` lists the members: ``name``, ``script``, and perhaps ``ready``, a file in
FOLDER that is there when the member is (without the folder it should be in, that cannot be known),
``repair``, a file to be removed when it died before that, and ``grace``. Where the script says
MARK, the member's process id is added to ``FOLDER/NAME.pids``; the log is ``FOLDER/log``. With a
file ``adopts`` in FOLDER the process inherits its descendants' children, as PID 1 of a container
does; with a file ``forks`` members are forked, and become their scripts. The environment has the
signals that it finds ``IGNORED``, and ``READY_WITHIN``.
"""

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

from desk import supervisor
from desk.supervisor import Member, alone, supervise
from stories import logs
from stories.errors import WirecopyError

PR_SET_CHILD_SUBREAPER = 36


def member(folder: Path, entry: dict[str, str]) -> Member:
    """The member that an *entry* of the file describes."""
    script = entry["script"].replace("MARK", f"echo $$ >> {entry['name']}.pids")

    def ready() -> bool | None:
        file = folder / entry["ready"]
        return file.exists() if file.parent.exists() else None

    def repair() -> str:
        (folder / entry["repair"]).unlink()
        return f"removed {entry['repair']}"

    command = ["sh", "-c", f"cd {folder}\n{script}"]

    def become() -> int:
        os.execvp(command[0], command)

    return Member(
        entry["name"],
        become if (folder / "forks").exists() else command,
        ready if "ready" in entry else None,
        repair if "repair" in entry else None,
        grace=float(entry.get("grace", 60)),
    )


def main(folder: Path) -> int:
    """Supervise what ``members.json`` lists."""
    logs.configure("json", (folder / "log").open("a", buffering=1, encoding="utf-8"))
    for number in (signal.SIGHUP, signal.SIGINT):
        ignored = number in json.loads(os.environ.get("IGNORED", "[]"))
        signal.signal(number, signal.SIG_IGN if ignored else signal.default_int_handler)
    supervisor.READY_WITHIN = float(os.environ.get("READY_WITHIN", "60"))
    if (folder / "adopts").exists():
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    entries = json.loads((folder / "members.json").read_text(encoding="utf-8"))
    try:
        with alone(folder) as lock:
            return supervise([member(folder, one) for one in entries], lock)
    except WirecopyError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
