"""The rounds of polls, the same for every side.

First everything is new; then nothing has changed; then about one story a wire has.
"""

from collections.abc import Callable
from pathlib import Path

from bench import agency
from bench.cost import Cost, Stopwatch

LIMIT = 50
"""Entries in the feed that is made after each round."""

Round = Callable[[], int]
"""Polls every wire once and makes the feed; how many stories were new or changed."""


def lived(
    once: Round, moment: Path, base: str, wires: int, rounds: int, server: int | None = None
) -> dict[str, float]:
    """What *once* costs on *wires* wires, kind of round by kind of round.

    Figures by name: polls and stories a second, CPU in milliseconds, our own and that of the
    process *server*; how many stories came, and how many *once* says were new or changed.
    """
    figures: dict[str, float] = {}
    show = agency.load(wires)
    now = 0.0
    agency.move(moment, now)
    for kind, count, step in (
        ("first", 1, 0.0),
        ("unchanged", rounds * 5, 0.0),
        ("news", rounds, agency.NEWS),
    ):
        spent, of_server, changed, came = Cost(0, 0), 0.0, 0, 0
        for _ in range(count):
            before = agency.versions(show, now) if kind != "first" else set()
            now += step
            agency.move(moment, now)
            agency.warm(base, wires)
            came += len(agency.versions(show, now) - before)
            with Stopwatch(of=server) as other, Stopwatch() as own:
                changed += once()
            spent = Cost(spent.wall + own.cost.wall, spent.cpu + own.cost.cpu)
            of_server += other.cost.cpu
        figures |= {
            f"{kind} polls/s": count * wires / spent.wall,
            f"{kind} poll cpu": spent.cpu / (count * wires) * 1e3,
            f"{kind} came": came,
            f"{kind} changed": changed,
            f"{kind} server cpu": of_server / (count * wires) * 1e3,
        }
        if came:
            figures |= {
                f"{kind} stories/s": came / spent.wall,
                f"{kind} story cpu": spent.cpu / came * 1e3,
                f"{kind} server story cpu": of_server / came * 1e3,
            }
    return figures
