"""Each side at work in a process of its own, asked again and again.

    python -m bench.sides bench.read:wirecopy '{"feeds": 5}'

opens that context manager, which yields a function, and calls it for each line of standard input, a
JSON object of arguments. What it returned and what it cost is printed as a line of JSON.
"""

import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from bench.cost import Stopwatch
from stories import logs
from stories.pdeathsig import bound_to_parent


@dataclass(frozen=True, slots=True)
class Answer:
    """What a side returned, and what it cost: milliseconds of CPU, its children's included."""

    result: Any
    cpu: float


class SideError(Exception):
    """A side failed; holds what it said."""


class Side:
    """A side at work."""

    def __init__(self, function: str, process: "subprocess.Popen[str]") -> None:
        self._function = function
        self._process = process

    def ask(self, **arguments: Any) -> Answer:
        """Have it do its work once, with *arguments*.

        :raises SideError: when it fails.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with suppress(BrokenPipeError):  # told below
            stdin.write(json.dumps(arguments) + "\n")
            stdin.flush()
        line = stdout.readline()
        if not line:
            raise SideError(f"{self._function} failed; what it said stands above")
        return Answer(**json.loads(line))


@contextmanager
def at_work(function: str, **arguments: Any) -> Iterator[Side]:
    """The side that *function* (``module:name``, a context manager) makes of *arguments*.

    :raises SideError: when it cannot be made.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WIRECOPY_")}
    command = [sys.executable, "-m", "bench.sides", function, json.dumps(arguments)]
    process = subprocess.Popen(
        bound_to_parent(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        side = Side(function, process)
        assert process.stdout is not None
        if not process.stdout.readline():
            raise SideError(f"{function} could not start; what it said stands above")
        yield side
    finally:
        try:
            process.communicate(timeout=60)  # which closes its standard input: its end
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def each(sides: Mapping[str, Side], turn: int, **arguments: Any) -> dict[str, Answer]:
    """Ask every side the same; who is first changes with *turn*."""
    names = list(sides)
    first = turn % len(names)
    return {name: sides[name].ask(**arguments) for name in names[first:] + names[:first]}


def cpu(answers: Sequence[Mapping[str, Answer]], side: str) -> float:
    """The median of what *side*'s answers cost, milliseconds."""
    return statistics.median(answer[side].cpu for answer in answers)


def missing(module: str) -> str | None:
    """Why the side that needs *module* cannot run; None when it is installed."""
    if importlib.util.find_spec(module) is not None:
        return None
    return f"not measured: {module} is not installed (make bench installs it)"


def main(function: str, arguments: str) -> None:
    """Be one side."""
    logs.configure(level="ERROR")  # the log is not what is measured
    module, _, name = function.partition(":")
    with getattr(importlib.import_module(module), name)(**json.loads(arguments)) as work:
        print("ready", flush=True)
        for line in sys.stdin:
            given = json.loads(line)
            with Stopwatch() as watch:
                result = work(**given)
            print(json.dumps({"result": result, "cpu": watch.cost.cpu * 1e3}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
