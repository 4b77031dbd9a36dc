"""Each side in a fresh process of its own, in turns.

    python -m bench.sides bench.parse:wirecopy < arguments.json

calls that function and prints ``{"result": …, "peak": bytes}`` as its last line.
"""

import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.cost import tree_peak
from stories import logs

TURNS = 3
"""How often each side runs; the figures are the medians."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one turn of a side gave: its figures by name, and its peak of memory in bytes."""

    figures: dict[str, float]
    peak: int | None


class SideError(Exception):
    """A side failed; holds what it said."""


def run(function: str, **arguments: Any) -> Outcome:
    """Call *function* (``module:name``) with *arguments* in a process of its own.

    :raises SideError: when it fails.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WIRECOPY_")}
    done = subprocess.run(
        [sys.executable, "-m", "bench.sides", function],
        input=json.dumps(arguments),
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise SideError(f"{function} failed; what it said stands above")
    told = json.loads(done.stdout.splitlines()[-1])
    return Outcome(told["result"], told["peak"])


def in_turns(sides: Mapping[str, Callable[[], Outcome]], turns: int) -> dict[str, list[Outcome]]:
    """Run all *sides* *turns* times: first each once, then each again."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in sides}
    for _ in range(turns):
        for name, side in sides.items():
            outcomes[name].append(side())
    return outcomes


def median(outcomes: Iterable[Outcome], figure: str) -> float:
    """The median of *figure* over the turns."""
    return statistics.median(o.figures[figure] for o in outcomes)


def highest(outcomes: Iterable[Outcome]) -> int | None:
    """The highest peak of memory over the turns."""
    return max((o.peak for o in outcomes if o.peak is not None), default=None)


def missing(module: str) -> str | None:
    """Why the side that needs *module* cannot run; None when it is installed."""
    if importlib.util.find_spec(module) is not None:
        return None
    return f"not measured: {module} is not installed (make bench installs it)"


def main(function: str) -> None:
    """Be one side."""
    logs.configure(level="ERROR")  # the log is not what is measured
    module, _, name = function.partition(":")
    result = getattr(importlib.import_module(module), name)(**json.load(sys.stdin))
    print(json.dumps({"result": result, "peak": tree_peak()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
