"""A load: up to 100,000 wires whose every state follows from the seed, none of it stored.

Story ``k`` of a wire comes at a moment that can be computed from ``k`` alone, and so can each of
its later editions; a story leaves when the ``items``-th after it comes. So a wire at a moment costs
``items`` stories, whatever the moment and however many wires there are, and
:func:`versions_served` can say afterwards, in another process, what stood and for how long.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate
from math import floor, inf
from typing import Literal

from desk.demo import writing
from desk.demo.items import EPOCH, Edition, Standing, WireItem, draw

MOST_EDITIONS = 4
VARIATIONS = 128
"""How many variations of one story a load tells; few enough to be kept once written."""

WEEKDAY = (2, 2, 2, 2, 3, 5, 8, 10, 12, 13, 13, 12, 12, 12, 12, 13, 12, 11, 10, 8, 6, 5, 4, 3)
"""How much news comes in each hour, in UTC, by which a load may go: at night a sixth of the day."""

WEEKEND = 0.5
"""The share of that which comes on Saturdays and Sundays."""

HOUR, WEEK = 3600.0, 168 * 3600.0

Fault = Literal["500", "503", "slow", "truncated", "reset", "html"]
FAULTS: tuple[Fault, ...] = ("500", "503", "slow", "truncated", "reset", "html")

_WIRE, _STORY, _REQUEST = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Load:
    """A load. Shares lie between 0 and 1.

    ``novelty_per_minute`` is how many new stories come on each wire (0: nothing ever changes); with
    ``by_hour`` that is the mean of a week that has nights and a week-end (:data:`WEEKDAY`).
    ``update_share`` is the share of stories that get a second edition, of those that get a third,
    and so on to :data:`MOST_EDITIONS`; a third of these come under the same date, as corrections.
    ``touch_share`` is the share of stories whose date alone is touched once. ``error_share`` is the
    share of requests answered by one of ``faults``; ``not_modified_share`` the share of requests
    with a matching validator that are answered 304 (the rest get the same bytes again as 200).
    ``slow_seconds`` is how long a slow answer takes, ``retry_after`` what a 503 asks for, in
    seconds.
    """

    seed: int = 1
    wires: int = 100
    items: int = 20
    novelty_per_minute: float = 0.2
    update_share: float = 0.1
    touch_share: float = 0.05
    error_share: float = 0.0
    not_modified_share: float = 1.0
    faults: tuple[Fault, ...] = FAULTS
    slow_seconds: float = 2.0
    retry_after: int = 2
    epoch: datetime = EPOCH
    ttl: int = 0
    site: str = "http://agency.invalid"
    by_hour: bool = False

    def __post_init__(self) -> None:
        if self.wires < 1 or self.items < 1:
            raise ValueError("wires and items must be 1 or more")
        if min(self.novelty_per_minute, self.slow_seconds, self.retry_after, self.ttl) < 0:
            raise ValueError("novelty, slow_seconds, retry_after and ttl must not be negative")
        for name in ("update_share", "touch_share", "error_share", "not_modified_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share; it lies between 0 and 1")
        if not self.faults or set(self.faults) - set(FAULTS):
            raise ValueError(f"faults are some of {', '.join(FAULTS)}")
        if self.epoch.tzinfo is None:
            raise ValueError("the epoch needs a zone")


@dataclass(frozen=True, slots=True)
class Served:
    """One version of a story, and from when (inclusive) until when it stood on its wire.

    Dates may have been touched in between; ``item`` is the version as it first stood.
    """

    wire: int
    item: WireItem
    since: float
    until: float


def _period(load: Load) -> float:
    # A wire without novelty is a wire whose next story is a century off, and its last a minute ago.
    return 60 / load.novelty_per_minute if load.novelty_per_minute else 60.0


def appears(load: Load, wire: int, index: int) -> float:
    """The moment at which story *index* (from 0) comes to stand on *wire*; strictly rising.

    The first ``items`` stories have come before moment 0, so that every wire starts full.
    """
    return _appears(load, wire, index, draw(load.seed, _STORY, wire, index))


def _appears(load: Load, wire: int, index: int, fate: tuple[int, ...]) -> float:
    if not load.novelty_per_minute and index >= load.items:
        return inf
    place = index - load.items - 1 + _phase(load.seed, wire)
    return _moment(load, _period(load) * (place + 0.9 * share(fate[0])))


def _news(load: Load, moment: float) -> float:
    """How much news has come by *moment* since moment 0, as seconds of a load that has no hours."""
    if not load.by_hour:
        return moment
    since = _since_monday(load.epoch)
    return _by_week(since + moment) - _by_week(since)


def _moment(load: Load, news: float) -> float:
    """The moment by which so much *news* has come."""
    if not load.by_hour:
        return news
    since = _since_monday(load.epoch)
    weeks, rest = divmod(news + _by_week(since), WEEK)
    hour = min(bisect_right(_WEEK, rest), 168) - 1
    share_of_hour = (rest - _WEEK[hour]) / (_WEEK[hour + 1] - _WEEK[hour])
    return weeks * WEEK + (hour + share_of_hour) * HOUR - since


def _by_week(seconds: float) -> float:
    """How much news has come so many *seconds* after the beginning of a Monday."""
    weeks, rest = divmod(seconds, WEEK)
    hour = min(int(rest / HOUR), 167)
    inside = rest / HOUR - hour
    return weeks * WEEK + _WEEK[hour] + inside * (_WEEK[hour + 1] - _WEEK[hour])


def _since_monday(epoch: datetime) -> float:
    at = epoch.astimezone(UTC)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return at.weekday() * 24 * HOUR + (at - midnight).total_seconds()


_HOURS = [n * (WEEKEND if day >= 5 else 1) for day in range(7) for n in WEEKDAY]
_WEEK = [0.0, *accumulate(n * WEEK / sum(_HOURS) for n in _HOURS)]
"""How much news has come by each hour of a week, and by its end."""


@lru_cache(maxsize=1024)
def _phase(seed: int, wire: int) -> float:
    return share(draw(seed, _WIRE, wire)[0])


def newest(load: Load, wire: int, moment: float) -> int:
    """The index of the last story to have come on *wire* by *moment* (0 or more)."""
    if not load.novelty_per_minute:
        return load.items - 1
    index = floor(_news(load, moment) / _period(load)) + load.items + 1
    while appears(load, wire, index) > moment:
        index -= 1
    return index


def _life(load: Load, wire: int, index: int) -> tuple[Edition, ...]:
    """Every state of story *index* in order, whether or not it still stands on the wire by then."""
    fate = draw(load.seed, _STORY, wire, index)
    since = _appears(load, wire, index, fate)
    if not load.novelty_per_minute:
        return (Edition(index, 1, since, since, since),)
    stay = load.items * _period(load)
    changes: list[tuple[float, str]] = []
    then = since
    for number in range(1, MOST_EDITIONS):
        if share(fate[number]) >= load.update_share:
            break
        then += stay * (0.05 + 0.45 * share(fate[3 + number]))
        changes.append((then, "correction" if fate[6 + number] % 3 == 0 else "update"))
    if share(fate[10]) < load.touch_share:
        changes.append((since + stay * (0.05 + 0.85 * share(fate[11])), "touch"))
    life = [Edition(index, 1, since, since, since)]
    for moment, kind in sorted(changes):
        last = life[-1]
        number = last.number + (kind != "touch")
        dated = last.dated if kind == "correction" else moment
        life.append(Edition(index, number, moment, since, dated))
    return tuple(life)


def standing(load: Load, wire: int, moment: float) -> Standing:
    """What stands on *wire* at *moment* (0 or more), last come first."""
    last = newest(load, wire, moment)
    until = appears(load, wire, last + 1)
    shown = []
    for index in range(last, last - load.items, -1):
        for edition in _life(load, wire, index):
            if edition.since > moment:
                until = min(until, edition.since)
                break
            current = edition
        shown.append(current)
    return Standing(tuple(shown), max(e.since for e in shown), until)


def state_at(load: Load, wire: int, moment: float) -> tuple[WireItem, ...]:
    """The stories on *wire* at *moment*, in words, last come first."""
    return tuple(item(load, wire, e) for e in standing(load, wire, moment).editions)


def story_at(load: Load, wire: int, index: int, moment: float) -> WireItem | None:
    """Story *index* of *wire* as the agency has it at *moment*; None when there is none."""
    if not 0 <= wire < load.wires or not 0 <= index <= newest(load, wire, moment):
        return None
    last = [e for e in _life(load, wire, index) if e.since <= moment][-1]
    return item(load, wire, last)


def item(load: Load, wire: int, edition: Edition) -> WireItem:
    """*edition* in words. Its last paragraph names wire, story and version, so no two are alike."""
    fate = draw(load.seed, _STORY, wire, edition.index)
    story = writing.stories()[fate[12] % len(writing.stories())]
    key = f"{load.seed}-w{wire}-{edition.index}"
    updates = 0
    if edition.number > 1:
        # Of the states of one version the first tells whether it came as an update; touches follow.
        comings = {e.number: e for e in reversed(_life(load, wire, edition.index))}
        updates = sum(comings[n].dated == comings[n].since for n in range(2, edition.number + 1))
    name = f"story {edition.index} of simulated wire {wire}"
    written = writing.write(
        story,
        edition,
        key=key,
        guid=writing.GUID + key,
        variation=fate[13] % min(story.variations, VARIATIONS),
        site=load.site,
        epoch=load.epoch,
    )
    return replace(
        written,
        headline=written.headline + (f" (Ld {updates})" if updates else ""),
        body=f"{written.body}\n<p>This is {name}, version {edition.number}.</p>",
    )


def versions_served(
    load: Load, wire: int, start: float, end: float, at_least: float = 0.0
) -> tuple[Served, ...]:
    """The ledger: every version that stood on *wire* for *at_least* seconds within [start, end].

    A version counts once, however its date was touched; its time is what lies between *start* and
    *end*. In the order in which the versions came to stand.
    """
    ledger = []
    first = newest(load, wire, start) - load.items + 1
    for index in range(first, newest(load, wire, end) + 1):
        for edition, since, until in _versions(load, wire, index):
            inside = min(until, end) - max(since, start)
            if inside > 0 and inside >= at_least:
                ledger.append(Served(wire, item(load, wire, edition), since, until))
    return tuple(sorted(ledger, key=lambda s: s.since))


def _versions(load: Load, wire: int, index: int) -> Iterator[tuple[Edition, float, float]]:
    leaves = appears(load, wire, index + load.items)
    firsts: dict[int, Edition] = {}
    for edition in _life(load, wire, index):
        if edition.since < leaves:
            firsts.setdefault(edition.number, edition)
    ends = [*(e.since for e in list(firsts.values())[1:]), leaves]
    for edition, until in zip(firsts.values(), ends, strict=True):
        yield edition, edition.since, until


def fault_at(load: Load, wire: int, request: int) -> Fault | None:
    """What goes wrong with the *request*-th request (from 0) of *wire*, if anything does."""
    if not load.error_share:
        return None
    lot = draw(load.seed, _REQUEST, wire, request)
    return load.faults[lot[1] % len(load.faults)] if share(lot[0]) < load.error_share else None


def not_modified_at(load: Load, wire: int, request: int) -> bool:
    """Whether that request, should its validator match, is answered 304."""
    if load.not_modified_share == 1:
        return True
    return share(draw(load.seed, _REQUEST, wire, request)[2]) < load.not_modified_share


def share(number: int) -> float:
    """A 32-bit *number* as a share, 0 ≤ share < 1."""
    return number / 4294967296
