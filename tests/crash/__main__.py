"""One run (docs/crash-safety.md). Exit code 0: everything holds; 1: it does not; 3: no hosts."""

import argparse
import os
import random
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

from tests.crash import harness
from tests.crash.cluster import Size
from tests.crash.hosts import NoHostsError
from tests.crash.night import SPEED
from tests.crash.plan import PACE

NO_HOSTS = 3
"""The exit code where --hosts is not possible."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, help="of the plan and of the agency (default: drawn, and printed)")
    add("--minutes", type=float, default=10.0, help="of faults (default: %(default)s)")
    add("--wires", type=int, default=12, help="default: %(default)s")
    add("--workers", type=int, default=2, help="and as many pollers (default: %(default)s)")
    add("--hosts", action="store_true", help="each member on a host of its own; as root on Linux")
    add("--night", action="store_true", help="no faults: the clock ten times as fast")
    add("--database", choices=("sqlite", "postgresql"), default="postgresql")
    add("--novelty", type=float, default=6.0, help="new stories a minute and wire (default: 6)")
    add("--pace", type=float, default=PACE, help="half the mean pause between two faults")
    add("--kinds", default="", help="only faults whose names this regular expression finds")
    add("--keep-logs", type=Path, metavar="FOLDER", help="copy all logs there at the end")
    given = parser.parse_args(arguments)
    if given.night and given.hosts:
        parser.error("--night is of one machine")
    if given.hosts and given.database == "sqlite":
        parser.error("--hosts needs PostgreSQL: SQLite is of one machine")
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
    for name in [n for n in os.environ if n.startswith("WIRECOPY_")]:
        del os.environ[name]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling all of it takes most of a start
    signal.signal(signal.SIGTERM, _interrupted)
    print(f"seed {seed}, {given.minutes:g} minutes, {given.database}", flush=True)
    size = Size(seed, given.wires, given.workers, given.database, novelty=given.novelty)
    if given.night:
        hours = given.minutes / 60 * SPEED
        size = replace(size, speed=SPEED, every="1m", keeps=f"{max(int(hours * 60 / 8), 1)}m")
    try:
        seconds = given.minutes * 60
        outcome = harness.run(
            size, seconds, given.pace, given.keep_logs, given.kinds, several=given.hosts
        )
    except NoHostsError as error:
        print(f"no hosts of our own: {error}", file=sys.stderr)
        return NO_HOSTS
    except KeyboardInterrupt:
        print("interrupted; everything was ended and removed", file=sys.stderr)
        return 130
    print(harness.table(outcome))
    print(f"seed {seed}: {'everything holds' if outcome.verdict.good else 'FAILED'}")
    return 0 if outcome.verdict.good else 1


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
