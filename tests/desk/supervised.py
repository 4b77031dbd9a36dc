"""A supervisor of shell scripts as a process: ``python -m tests.desk.supervised FOLDER``.

``FOLDER/members.json`` lists the members: ``name``, ``script``, and perhaps ``ready``, a file in
FOLDER that is there when the member is, and ``grace``. Where the script says MARK, the member's
process id is added to ``FOLDER/NAME.pids``; the supervisor's log is ``FOLDER/log``.
"""

import json
import sys
from pathlib import Path

from desk.supervisor import Member, supervise
from stories import logs
from stories.errors import WirecopyError


def member(folder: Path, entry: dict[str, str]) -> Member:
    """The member that an *entry* of the file describes."""
    script = entry["script"].replace("MARK", f"echo $$ >> {entry['name']}.pids")
    ready = folder / entry["ready"] if "ready" in entry else None
    return Member(
        entry["name"],
        ["sh", "-c", f"cd {folder}\n{script}"],
        ready.exists if ready else None,
        grace=float(entry.get("grace", 60)),
    )


def main(folder: Path) -> int:
    """Supervise what ``members.json`` lists."""
    logs.configure("json", (folder / "log").open("a", buffering=1, encoding="utf-8"))
    entries = json.loads((folder / "members.json").read_text(encoding="utf-8"))
    try:
        return supervise([member(folder, one) for one in entries], folder)
    except WirecopyError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
