"""What a window of so many seconds can show of many wires, and what it cannot."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import floor, inf

from ingest.schedule import JITTER
from tests.load.load import Load, appears, newest, story_at

Waits = tuple[float, float]
"""Median and 99th percentile, seconds; ``inf`` for longer than was watched."""


def intervals(wires: int, rate: float) -> list[int]:
    """``every`` of each wire, in whole seconds, so that together *rate* come due a second.

    Two neighbouring intervals are mixed, for one alone would miss the rate by up to a third. A wire
    cannot be polled more often than once a second.
    """
    wanted = rate * (1 + JITTER / 2)
    low = max(1, floor(wires / wanted))
    rest = wires / (low + 1)
    quick = round(min(max((wanted - rest) / (1 / low - 1 / (low + 1)), 0), wires))
    # Spread evenly, so that due times spread over one interval mix both.
    return [
        low if n * quick // wires != (n + 1) * quick // wires else low + 1 for n in range(wires)
    ]


def offered(every: Sequence[int]) -> float:
    """How many times a second wires of these intervals come due, jitter included, when each is
    polled as soon as it is due. A wire that waits to be polled is not offered again meanwhile."""
    return sum(1 / (each * (1 + JITTER / 2)) for each in every)


def longest(every: Sequence[int]) -> float:
    """The longest that a story may stand on a wire until that is due, seconds."""
    return max(every) * (1 + JITTER)


def watched(every: Sequence[int], seconds: float) -> float:
    """How long a window of *seconds* watches the stories it counts: they came early enough for
    every wire to have been due since, and to be polled and rendered. Zero when it cannot."""
    least = 1.5 * longest(every)
    return least if least < seconds else 0.0


def arrivals(load: Load, since: float, until: float) -> dict[str, float]:
    """The guids of all stories that came between two moments of the agency's, and when."""
    found = {}
    for wire in range(load.wires):
        first, last = newest(load, wire, since) + 1, newest(load, wire, until)
        for index in range(first, last + 1):
            story = story_at(load, wire, index, until)
            assert story is not None
            found[story.guid] = appears(load, wire, index)
    return found


def waits(
    came: Mapping[str, datetime], rendered: Mapping[str, datetime], updated: set[str]
) -> Waits | None:
    """From coming to standing in a feed, over all that *came*; what has not stood there counts as
    longer than any other. A story *updated* since is left out: when it came is not known."""
    found = sorted(
        max(rendered[guid] - at, timedelta(0)).total_seconds() if guid in rendered else inf
        for guid, at in came.items()
        if guid not in updated
    )
    if not found:
        return None
    return found[len(found) // 2], found[min(len(found) - 1, int(len(found) * 0.99))]


def told(found: Waits | None, seconds: float) -> str:
    """*found* as it is printed: ``–`` for what a window could not show."""
    if found is None:
        return "–"
    return " / ".join(f">{seconds:.0f}" if wait == inf else f"{wait:.1f}" for wait in found)
