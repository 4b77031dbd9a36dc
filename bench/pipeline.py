"""Fetch → rendered feed, over HTTP: Wirecopy beside ``reader``, which polls, parses and stores."""

import tempfile
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench import agency, postgres
from bench.cost import tree_peak
from bench.rounds import LIMIT
from bench.sides import Outcome, highest, in_turns, median, missing, run
from bench.table import Cell, Table, megabytes

SQLITE, POSTGRES, READER = "Wirecopy, SQLite", "Wirecopy, PostgreSQL", "reader + feedgen"

ROWS = (
    ("all new: stories/s", "first stories/s"),
    ("all new: CPU ms a story", "first story cpu"),
    ("nothing changed: polls/s", "unchanged polls/s"),
    ("nothing changed: CPU ms a poll", "unchanged poll cpu"),
    ("news: polls/s", "news polls/s"),
    ("news: stories/s", "news stories/s"),
    ("news: CPU ms a poll", "news poll cpu"),
)
SERVER_ROWS = (
    ("the server: CPU ms a new story", "first server story cpu"),
    ("the server: CPU ms a 304", "unchanged server cpu"),
    ("the server: CPU ms a poll with news", "news server cpu"),
)


def table(wires: int, rounds: int, turns: int) -> Table:
    """Measure all sides on *wires* wires, *rounds* rounds of each kind but the first."""
    sides: dict[str, Callable[[], Outcome]] = {}
    absent: dict[str, str] = {}
    server: int | None = None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wirecopy-bench-")))
        base, moment = stack.enter_context(agency.performing(folder, wires))
        same = {"base": base, "moment": str(moment), "wires": wires, "rounds": rounds}

        def on_postgres() -> Outcome:
            name = f"turn_{uuid.uuid4().hex}"
            with postgres.database(url, name) as database:
                return run("bench.wirecopy_side:run", database=database, server=pid, **same)

        sides[SQLITE] = lambda: run("bench.wirecopy_side:run", **same)
        try:
            url, pid = stack.enter_context(postgres.running())
        except RuntimeError as error:
            absent[POSTGRES] = f"not measured: {str(error).splitlines()[0]}"
        else:
            sides[POSTGRES] = on_postgres
        if why := missing("reader"):
            absent[READER] = why
        else:
            sides[READER] = lambda: run("bench.reader_side:run", **same)
        found = in_turns(sides, turns)
        if POSTGRES in sides:
            server = tree_peak(pid)
    return _laid_out(found, absent, server, wires, rounds)


def _laid_out(
    found: dict[str, list[Outcome]],
    absent: dict[str, str],
    server: int | None,
    wires: int,
    rounds: int,
) -> Table:
    present = tuple(found)
    made = Table(
        "pipeline",
        f"Pipeline, fetch → rendered feed: {wires} wires of {agency.ITEMS} stories,"
        f" {rounds * 5} rounds with nothing changed, {rounds} with news",
        ("", *present),
        notes=(
            "One process each, Wirecopy's with the child that reads its captures; polled over HTTP",
            "from the simulated agency, another process. All commit to disk. Feed: the newest",
            f"{LIMIT}, made once a round: Wirecopy's as RSS, Atom and JSON Feed, every new story",
            "cleaned, digested and measured in all three, and every response kept whole; reader's",
            "as RSS and Atom by plain feedgen, with no response kept and nothing measured.",
            "PostgreSQL's server is a process besides: its CPU and memory, below, come on top.",
        ),
    )
    for title, figure in ROWS:
        made.rows.append((title, *(median(found[side], figure) for side in present)))
    made.rows.append(("peak MB", *(megabytes(highest(found[side])) for side in present)))
    if POSTGRES in found:
        for title, figure in SERVER_ROWS:
            made.rows.append(_only(title, median(found[POSTGRES], figure), present))
        made.rows.append(_only("the server: peak MB, all processes", megabytes(server), present))
    made.rows.extend(absent.items())
    return made


def _only(title: str, cell: Cell, present: tuple[str, ...]) -> tuple[Cell, ...]:
    return (title, *(cell if side == POSTGRES else None for side in present))
