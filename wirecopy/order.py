"""Whether leaves of a log stand in the order of the times at which they were logged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from .encoding import to_instant
from .statement import SLACK


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """Where in the log a leaf stands, and when it says that it was given that place."""

    index: int
    logged_at: datetime

    def __str__(self) -> str:
        return f"leaf {self.index} was logged at {to_instant(self.logged_at)}"


class Head(NamedTuple):
    """A checkpoint seen before: how many leaves the log had, and when that was first seen."""

    size: int
    seen_at: datetime


def faults(places: Sequence[Place], newest: Place | None, head: Head | None) -> dict[Place, str]:
    """What is wrong with those of *places*, all of one log, that cannot be where they say.

    :param newest: of the leaves seen before, the one that stands last.
    """
    found: dict[Place, str] = {}
    last = None
    for place in sorted(set(places)):
        if why := _between(place, last, newest) or _late(place, head):
            found[place] = why
        if last is None or place.logged_at >= last.logged_at:
            last = place
    return found


def _between(place: Place, last: Place | None, newest: Place | None) -> str:
    for other in (last, newest):
        if other is None:
            continue
        # The log itself writes the times, in the order of places: clocks have no say in it.
        before, after = sorted((place, other))
        same = place.index == other.index and place != other
        if same or before.logged_at > after.logged_at:
            return f"{place}, by its word, but {other}"
    return ""


def _late(place: Place, head: Head | None) -> str:
    if head is None or place.index >= head.size or place.logged_at - head.seen_at <= SLACK:
        return ""
    return f"{place}, by its word, but it was in the log already at {to_instant(head.seen_at)}"
