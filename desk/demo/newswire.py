"""The demonstration's newswire: which stories stand on which wire at which moment.

The first round of stories follows this table (seconds at speed 1; stories are counted from 1):

====== =====================================================================================
0      stories 1 to 6 stand, dated up to two hours back
10     story 7, then one every ten seconds
20     story 8, which comes with an empty guid
25     story 2 is updated: headline and a paragraph, under a later date
30     story 4 is corrected: a figure in the body, under the same date
35     story 3 is repeated: only its date is touched
45     story 11 comes late, dated two hours before the newest
20·n   the counter of story 5 moves, and nothing else
====== =====================================================================================

Later rounds bring the same stories in an order and in variations drawn from the seed, more slowly
and without end; those that are updated, corrected, repeated or late are so again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain
from math import gcd, inf

from desk.demo import writing
from desk.demo.items import EPOCH, Edition, Standing, WireItem, draw

WIRES = ("national", "business", "languages")
"""The wires of a script. ``national`` carries everything; the others are selections of it."""

OPENING = 6
LATE = 10
BACK = 7200.0
COUNT = 20.0
AFTER = {"update": 25.0, "correction": 30.0, "repeat": 35.0}
"""Seconds from a story's appearance to its change."""


@dataclass(frozen=True, slots=True)
class Script:
    """A demonstration. ``items`` is how many of the newest stories a wire shows.

    ``pace`` and ``slow`` are the seconds between stories in the first and the later rounds;
    ``ttl`` is what the feeds ask of pollers, in minutes; ``apart``: each story is on one wire only;
    ``site`` is the agency's own address.
    """

    seed: int = 1
    epoch: datetime = EPOCH
    items: int = 20
    pace: float = 10.0
    slow: float = 30.0
    ttl: int = 1
    apart: bool = False
    site: str = "http://agency.invalid"

    def __post_init__(self) -> None:
        if self.items < 1 or self.pace <= 0 or self.slow <= 0 or self.ttl < 0:
            raise ValueError("items must be 1 or more, pace and slow above 0, ttl 0 or more")
        if self.epoch.tzinfo is None:
            raise ValueError("the epoch needs a zone")


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a story: ``new``, ``no-guid``, ``late``, ``update``,
    ``correction`` or ``repeat``, and the headline it had then."""

    moment: float
    kind: str
    key: str
    headline: str


def appears(script: Script, index: int) -> float:
    """The moment at which story *index* (from 0) comes to stand; never falls as *index* rises."""
    if index < OPENING:
        return 0.0
    pace, last = script.pace, len(writing.stories()) - 1
    if index < LATE:
        return pace * (index - OPENING + 1)
    if index == LATE:
        return pace * (LATE - OPENING + 0.5)
    first_round = pace * (min(index, last) - OPENING)
    return first_round + script.slow * max(0, index - last)


def newest(script: Script, moment: float) -> int:
    """The index of the last story to have come by *moment*."""
    last = len(writing.stories()) - 1
    rest = moment - appears(script, last)
    index = last + int(rest // script.slow) + 1 if rest > 0 else last
    while index >= OPENING and appears(script, index) > moment:
        index -= 1
    return index


def copy_of(script: Script, index: int) -> tuple[writing.Story, int]:
    """Which story of ``copy.json`` is story *index*, and in which variation."""
    stories = writing.stories()
    rounds, place = divmod(index, len(stories))
    story = stories[_order(script.seed, rounds, len(stories))[place]]
    return story, rounds * _stride(script.seed, story.variations) % story.variations


@lru_cache(maxsize=64)
def _order(seed: int, rounds: int, length: int) -> tuple[int, ...]:
    if rounds == 0:
        return tuple(range(length))
    return tuple(sorted(range(length), key=lambda place: draw(seed, rounds, place)))


@lru_cache(maxsize=64)
def _stride(seed: int, variations: int) -> int:
    # Coprime with the number of variations: none comes again before all have been.
    stride = 1 + draw(seed, variations)[0] % variations
    while gcd(stride, variations) != 1:
        stride += 1
    return stride


def _life(script: Script, index: int) -> tuple[Edition, ...]:
    """The one or two editions of story *index*, its counter left at the start."""
    role = copy_of(script, index)[0].role
    since = dated = appears(script, index)
    if index < OPENING:
        dated = -60.0 - 1500.0 * index
    elif role == "late":
        dated = appears(script, index - 1) - BACK
    one = Edition(index, 1, since, dated, dated, 0 if role == "counter" else -1)
    if role not in AFTER:
        return (one,)
    then = since + AFTER[role]
    return one, Edition(
        index,
        number=1 if role == "repeat" else 2,
        since=then,
        first=dated,
        dated=dated if role == "correction" else then,
    )


def before(script: Script, edition: Edition) -> Edition | None:
    """The first edition of the story of which *edition* is the second; None where it is the
    first."""
    first, *later = _life(script, edition.index)
    return first if later and edition.since >= later[0].since else None


def _state(script: Script, index: int, moment: float) -> tuple[Edition, float]:
    """Story *index* as it stands at *moment*, and until when."""
    life = _life(script, index)
    edition = next(e for e in reversed(life) if e.since <= moment)
    if edition.reads < 0:
        return edition, next((e.since for e in life if e.since > moment), inf)
    reads = int((moment - edition.since) // COUNT)
    ticked = edition.since + reads * COUNT
    now = Edition(index, edition.number, ticked, edition.first, edition.dated, reads)
    return now, ticked + COUNT


def _on(script: Script, index: int, wire: int) -> bool:
    story = copy_of(script, index)[0]
    named = {"national"}
    if story.language != "en":
        named.add("languages")
    if "Business" in story.categories:
        named.add("business")
    if script.apart:
        return WIRES[wire] == next(name for name in reversed(WIRES) if name in named)
    return WIRES[wire] in named


def standing(script: Script, wire: int, moment: float) -> Standing:
    """What stands on *wire* (an index of :data:`WIRES`) at *moment* (0 or more), newest date first.

    The window holds the ``items`` last to come, whatever their dates, so that a back-dated story
    stands as long as any other.
    """
    shown: list[Edition] = []
    last = newest(script, moment)
    until = appears(script, last + 1)
    for index in range(last, -1, -1):
        if len(shown) == script.items:
            break
        if _on(script, index, wire):
            edition, ends = _state(script, index, moment)
            shown.append(edition)
            until = min(until, ends)
    shown.sort(key=lambda e: (-e.dated, -e.index))
    return Standing(tuple(shown), max((e.since for e in shown), default=0.0), until)


def story_at(script: Script, index: int, moment: float) -> WireItem | None:
    """Story *index* as the agency has it at *moment*; None when it has not come yet."""
    if index < 0 or index > newest(script, moment):
        return None
    return item(script, _state(script, index, moment)[0])


def item(script: Script, edition: Edition) -> WireItem:
    """*edition* in words."""
    story, variation = copy_of(script, edition.index)
    key = f"{script.seed}-{edition.index + 1}"
    return writing.write(
        story,
        edition,
        key=key,
        guid="" if story.role == "no-guid" else writing.GUID + key,
        variation=variation,
        site=script.site,
        epoch=script.epoch,
    )


def happenings(script: Script, start: float, end: float) -> tuple[Happening, ...]:
    """Everything that happens at ``start < moment <= end``, in order; counters are left out."""
    longest = max(AFTER.values())
    oldest = newest(script, start - longest) + 1 if start > longest else 0
    lives = (_happenings_of(script, index) for index in range(oldest, newest(script, end) + 1))
    within = (h for h in chain.from_iterable(lives) if start < h.moment <= end)
    return tuple(sorted(within, key=lambda h: h.moment))


def _happenings_of(script: Script, index: int) -> Iterator[Happening]:
    role = copy_of(script, index)[0].role
    coming, *later = (item(script, e) for e in _life(script, index))
    kind = role if role in ("late", "no-guid") else "new"
    since = appears(script, index)
    yield Happening(since, kind, coming.key, coming.headline)
    for change in later:
        yield Happening(since + AFTER[role], role, change.key, change.headline)
