"""What a poll costs: Wirecopy beside ``reader`` (PyPI), which polls, parses and stores.

Thirty wires are polled in one round, as a poller does; the sides are asked in turns for the same
round. Wirecopy also renders what came, in three formats, and keeps it for the feed.
"""

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import agency, postgres
from bench.agency import CONTENT_TYPES, ITEMS, Agency, Moment
from bench.cost import tree_cpu_seconds
from bench.sides import Answer, Side, SideError, at_work, cpu, each, missing
from bench.table import Cell, Table, times

SQLITE, POSTGRES, READER = "Wirecopy, SQLite", "Wirecopy, PostgreSQL", "reader"

KINDS = {
    "changed": "changed, 1 new of 30",
    "built": "200, only its date moved",
    "identical": "200, the same bytes",
    "unmodified": "304",
    "first": "first fetch of 30",
}

NEWS = {"changed": 1, "first": ITEMS}
"""Stories that come with a poll."""

Rounds = dict[tuple[str, str], list[dict[str, Answer]]]
"""By format and kind: for each round, what every side's answer was."""


def table(wires: int, batches: int, rounds: int) -> Table:
    """Measure all sides with *batches* batches of *wires* wires in each format: a first fetch of
    each, then *rounds* rounds of every other kind."""
    absent: dict[str, str] = {}
    found: Rounds = {}
    server: dict[tuple[str, str], list[float]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wirecopy-bench-")))
        shown = stack.enter_context(agency.performing(folder))
        plan = [
            (format, [turn * wires + n for n in range(wires)])
            for turn, format in enumerate([*CONTENT_TYPES] * batches)
        ]
        warm = len(plan) * wires
        urls = [shown.url(wire, format) for format, batch in plan for wire in batch]
        urls += [shown.url(warm, format) for format in CONTENT_TYPES]
        sides: dict[str, Side] = {}
        sides[SQLITE] = stack.enter_context(at_work("bench.wirecopy_side:polling", urls=urls))
        postmaster = None
        try:
            url, postmaster = stack.enter_context(postgres.running())
        except RuntimeError as error:
            absent[POSTGRES] = f"not measured: {str(error).splitlines()[0]}"
        else:
            database = stack.enter_context(postgres.database(url, "polls"))
            sides[POSTGRES] = stack.enter_context(
                at_work("bench.wirecopy_side:polling", urls=urls, database=database)
            )
        if why := missing("reader"):
            absent[READER] = why
        else:
            sides[READER] = stack.enter_context(at_work("bench.reader_side:polling", urls=urls))
        _ready(sides, urls[-2:])
        each(sides, 0, urls=urls[-2:])  # imports, connections, the child that reads captures
        for format, batch in plan:
            addresses = [shown.url(wire, format) for wire in batch]
            for kind in _moved(shown, batch, format, rounds):
                before = _ready(sides, addresses)
                turn = len(found.setdefault((format, kind), []))
                used = tree_cpu_seconds(postmaster) if postmaster else 0.0
                found[format, kind].append(each(sides, turn, urls=addresses))
                used = tree_cpu_seconds(postmaster) - used if postmaster else 0.0
                server.setdefault((format, kind), []).append(used * 1e3)
                _check(kind, before, _ready(sides, addresses), wires)
    return _laid_out(found, server, absent, wires)


def _moved(shown: Agency, batch: Sequence[int], format: str, rounds: int) -> Iterator[str]:
    """Each kind of round of a *batch* in turn, when the agency publishes what it needs."""
    news = shown.moment.news
    shown.move(Moment(news), batch, format)
    yield "first"
    for turn in range(rounds):
        for kind, moment in (
            ("built", Moment(news + turn, 1)),
            ("identical", Moment(news + turn, 1, conditional=False)),
            ("changed", Moment(news + turn + 1)),
            # Here, as reader keeps no validators of an answer in which it found nothing new.
            ("unmodified", Moment(news + turn + 1)),
        ):
            shown.move(moment, batch, format)
            yield kind


def _ready(sides: dict[str, Side], urls: Sequence[str]) -> dict[str, int]:
    """Have every side ready to poll *urls*; how many stories it has."""
    return {n: int(side.ask(urls=urls, prepare=True).result) for n, side in sides.items()}


def _check(kind: str, before: dict[str, int], after: dict[str, int], wires: int) -> None:
    """What the agency published must have come, and nothing else."""
    came = NEWS.get(kind, 0) * wires
    for side, count in after.items():
        if count - before[side] != came:
            raise SideError(f"{kind}: {side} has {count - before[side]} new stories, not {came}")


def _laid_out(
    found: Rounds,
    server: dict[tuple[str, str], list[float]],
    absent: dict[str, str],
    wires: int,
) -> Table:
    sides = [side for side in (SQLITE, POSTGRES, READER) if side not in absent]
    made = Table(
        "poll",
        f"Poll: milliseconds of CPU a wire, {wires} wires a round, feeds of {ITEMS} items",
        ("", SQLITE, POSTGRES, "its server", READER, "SQLite", "PostgreSQL"),
        notes=(
            "Bodies of some 4.8 kB of English, over HTTP with gzip from another process. All",
            "processes of a side, medians of rounds, which the sides take turns in. Wirecopy:",
            "claim, fetch, keep every response, read it in a child process, log, sign, write RSS,",
            "Atom and JSON Feed, read them back, measure, join the feed of 50. reader: fetch,",
            "parse, store. The last columns: reader's cost over ours, the server's not counted.",
            *(f"{side}: {why}" for side, why in absent.items()),
        ),
    )
    for format in CONTENT_TYPES:
        for kind, title in KINDS.items():
            answers = found[format, kind]
            cost = {side: cpu(answers, side) / wires for side in sides}
            beside = statistics.median(server[format, kind]) / wires if POSTGRES in cost else None
            theirs = cost.get(READER)
            cells: list[Cell] = [cost.get(SQLITE), cost.get(POSTGRES), beside, theirs]
            cells += [times(theirs, cost.get(side)) for side in (SQLITE, POSTGRES)]
            made.rows.append((f"{'RSS' if format == 'rss' else 'Atom'}: {title}", *cells))
    return made
