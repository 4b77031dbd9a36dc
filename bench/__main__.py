"""``python -m bench``: everything, or what ``--only`` names, printed as it is measured."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench import growth, headline, history, live, machine, poll, push, read, serve
from bench.sides import SideError
from bench.table import Table
from stories import clock, logs


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured. ``seconds`` is the least time of one figure in one turn, ``live`` how
    long news comes, to how many ``subscribers`` of the hub, ``stories`` how many the two stores
    have that are compared, ``kept`` the wires and rounds of which is seen what is kept."""

    wires: int
    batches: int
    rounds: int
    turns: int
    seconds: float
    live: float
    subscribers: int
    stories: tuple[int, int]
    kept: tuple[int, int]


FULL = Size(
    wires=30,
    batches=2,
    rounds=3,
    turns=3,
    seconds=2.0,
    live=30.0,
    subscribers=1_000,
    stories=(2_000, 200_000),
    kept=(20, 64),  # as many rounds as bytes are packed one against the other
)
QUICK = Size(
    wires=2,
    batches=1,
    rounds=1,
    turns=1,
    seconds=0.05,
    live=2.0,
    subscribers=20,
    stories=(300, 600),
    kept=(2, 2),
)

TABLES: dict[str, Callable[[Size], Table]] = {
    "poll": lambda s: poll.table(s.wires, s.batches, s.rounds),
    "read": lambda s: read.table(10 * s.turns),
    "headline": lambda s: headline.table(20 * s.turns),
    "live": lambda s: live.table(s.live, s.turns),
    "push": lambda s: push.table(s.live, s.subscribers),
    "growth": lambda s: growth.table(*s.kept),
    "history": lambda s: history.table(*s.stories, s.turns),
    "serve": lambda s: serve.table(s.seconds, s.turns),
}


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Wirecopy beside what one would take instead, on the same inputs.",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="tiny sizes: shows that it runs, not how fast")
    add("--only", action="append", choices=TABLES, metavar="NAME", help=", ".join(TABLES))
    add("--stories", type=int, metavar="N", help="in the long history (default: 200,000)")
    add("--json", type=Path, metavar="FILE", help="also write all figures to FILE")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. 0: done; 1: something could not be measured, named on stderr; 2: usage."""
    given = _arguments().parse_args(arguments)
    logs.configure(level="ERROR")  # only the tables are wanted
    size = QUICK if given.quick else FULL
    if given.stories:
        size = replace(size, stories=(size.stories[0], given.stories))
    began = clock.now()
    about = {"began": f"{began:%Y-%m-%d %H:%M} UTC", **machine.describe()}
    for name, line in about.items():
        print(f"{name:<9} {line}")
    print(f"{'figures':<9} medians of {size.turns} turns; the sides take turns\n", flush=True)
    tables: list[Table] = []
    failed = 0
    for name, measure in TABLES.items():
        if given.only and name not in given.only:
            continue
        try:
            tables.append(measure(size))
        except SideError as error:
            print(f"bench: {name}: {error}", file=sys.stderr)
            failed = 1
            continue
        print(tables[-1].text(), end="\n\n", flush=True)
    if given.json:
        told = {"about": about, "size": asdict(size), "tables": [asdict(t) for t in tables]}
        given.json.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
