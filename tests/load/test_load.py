"""A load's pure core: what stands on which of its wires at which moment, and what goes wrong."""

import os
import subprocess
import sys
from datetime import UTC, timedelta
from itertools import pairwise
from math import inf, nextafter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.demo.items import EPOCH, WireItem
from tests.load import load
from tests.load.load import FAULTS, Load

moments = st.floats(0, 50_000, allow_nan=False)
busy = st.builds(
    Load,
    seed=st.integers(0, 2**40),
    wires=st.just(100_000),
    items=st.integers(1, 12),
    novelty_per_minute=st.floats(0.1, 60),
    update_share=st.floats(0, 1),
    touch_share=st.floats(0, 1),
    by_hour=st.booleans(),
)
numbers = st.integers(0, 99_999)
unhurried = settings(deadline=None)


def content(item: WireItem) -> tuple[object, ...]:
    """What makes a version of an item: everything but dates."""
    return item.headline, item.summary, item.body, item.byline, item.picture, item.categories


def test_another_process_computes_the_same() -> None:
    program = (
        "from tests.load import load;"
        "print(ascii(load.state_at(load.Load(seed=7, wires=99999), 98765, 4321.0)))"
    )
    other = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONHASHSEED": "12345", "TZ": "America/New_York", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == ascii(load.state_at(Load(seed=7, wires=99999), 98765, 4321.0))


def walk(show: Load, wire: int, start: float, end: float) -> dict[tuple[str, int], list[float]]:
    """From change to change: for every version the moments at which it was first and last seen."""
    seen: dict[tuple[str, int], list[float]] = {}
    moment = start
    while moment < end:
        standing = load.standing(show, wire, moment)
        until = min(standing.until, end)
        for edition in standing.editions:
            item = load.item(show, wire, edition)
            seen.setdefault((item.guid, item.edition), [moment, until])[1] = until
        moment = standing.until
    return seen


@given(st.timedeltas(timedelta(0), timedelta(30)), moments, moments)
@unhurried
def test_as_much_comes_in_any_week_and_less_at_night(
    after: timedelta, start: float, more: float
) -> None:
    epoch = (EPOCH + after).astimezone(UTC)
    show = Load(novelty_per_minute=1, by_hour=True, epoch=epoch)
    week = 7 * 24 * 60
    assert abs(load.newest(show, 3, start + 60 * week) - load.newest(show, 3, start) - week) <= 1
    for wire in (0, 1):
        last = load.newest(show, wire, start)
        assert load.appears(show, wire, last) <= start < load.appears(show, wire, last + 1)
        assert load.newest(show, wire, start + more) >= last
    monday = (7 - epoch.weekday()) * 86400 - (epoch - epoch.replace(hour=0, minute=0)).seconds
    came = [
        load.newest(show, 0, monday + (day * 24 + hour + 2) * 3600)
        - load.newest(show, 0, monday + (day * 24 + hour) * 3600)
        for day, hour in ((0, 2), (0, 10), (5, 10))
    ]
    assert came[0] * 5 < came[1] < came[2] * 2.1


@given(busy, numbers, st.floats(0, 10_000), st.floats(0.1, 1))
@unhurried
def test_the_ledger_is_what_stood(show: Load, wire: int, start: float, length: float) -> None:
    end = start + length * 20 * 60 / show.novelty_per_minute
    ledger = load.versions_served(show, wire, start, end)
    found = {
        (s.item.guid, s.item.edition): [max(s.since, start), min(s.until, end)] for s in ledger
    }
    assert len(found) == len(ledger)
    assert found == walk(show, wire, start, end)
    for served in ledger:
        stood = load.state_at(show, wire, max(served.since, start))
        by_guid = {item.guid: item for item in stood}
        assert content(by_guid[served.item.guid]) == content(served.item)


@given(busy, numbers, st.floats(0, 10_000), st.floats(0, 1))
@unhurried
def test_the_ledger_leaves_out_what_did_not_stand_long(
    show: Load, wire: int, start: float, part: float
) -> None:
    end = start + 600 / show.novelty_per_minute
    least = part * (end - start)
    everything = load.versions_served(show, wire, start, end)
    kept = [s for s in everything if min(s.until, end) - max(s.since, start) >= least]
    assert list(load.versions_served(show, wire, start, end, least)) == kept


@given(busy, numbers, moments, st.floats(0, 1, exclude_max=True))
@unhurried
def test_a_load_wire_stands_still_until_it_says(
    show: Load, wire: int, moment: float, part: float
) -> None:
    now = load.standing(show, wire, moment)
    assert len(now.editions) == show.items
    assert now.since <= moment < now.until
    then = min(now.since + part * (now.until - now.since), nextafter(now.until, 0))
    then = max(0.0, then)
    assert load.standing(show, wire, then).editions == now.editions
    assert load.standing(show, wire, now.until).editions != now.editions


@given(busy, numbers, moments)
@unhurried
def test_a_version_of_the_load_has_one_content(show: Load, wire: int, moment: float) -> None:
    index = load.newest(show, wire, moment)
    contents: dict[int, set[tuple[object, ...]]] = {}
    dates = []
    for edition in load._life(show, wire, index):
        item = load.item(show, wire, edition)
        assert item.guid == f"tag:agency.invalid,2026:{show.seed}-w{wire}-{index}"
        contents.setdefault(edition.number, set()).add(content(item))
        dates.append(item.dated)
    assert list(contents) == list(range(1, len(contents) + 1))
    assert {len(same) for same in contents.values()} == {1}
    assert len(set.union(*contents.values())) == len(contents)
    assert dates == sorted(dates)


def test_a_load_updates_corrects_and_touches() -> None:
    show = Load(update_share=0.5, touch_share=0.5)
    lives = [load._life(show, 3, index) for index in range(200)]
    changes = {
        (b.number > a.number, b.dated > a.dated) for life in lives for a, b in pairwise(life)
    }
    assert changes == {(True, True), (True, False), (False, True)}
    updated = [life for life in lives if life[-1].number > 1]
    assert 80 <= len(updated) <= 120


def test_a_load_without_novelty_never_changes() -> None:
    show = Load(novelty_per_minute=0, update_share=1, touch_share=1)
    first = load.standing(show, 7, 0)
    assert first.until == inf
    assert load.standing(show, 7, 1e9) == first
    assert len(load.state_at(show, 7, 0)) == show.items
    assert len(load.versions_served(show, 7, 0, 1e9, 1e9)) == show.items


def test_novelty_is_what_was_asked_for() -> None:
    show = Load(novelty_per_minute=3)
    for wire in range(20):
        come = load.newest(show, wire, 36_000) - load.newest(show, wire, 0)
        assert abs(come - 1800) <= 1


def test_wires_differ_and_do_not_change_in_step() -> None:
    show = Load(wires=1000)
    assert len({load.standing(show, wire, 0).until for wire in range(1000)}) > 990
    headlines = {load.state_at(show, wire, 0)[0].body for wire in range(100)}
    assert len(headlines) == 100


def test_faults_come_by_share_and_from_the_seed() -> None:
    show = Load(error_share=0.3)
    faults = [load.fault_at(show, wire, n) for wire in range(50) for n in range(40)]
    assert faults == [load.fault_at(show, wire, n) for wire in range(50) for n in range(40)]
    assert set(faults) == {None, *FAULTS}
    assert 500 <= sum(fault is not None for fault in faults) <= 700
    assert {load.fault_at(Load(), 1, n) for n in range(100)} == {None}
    only = Load(error_share=1, faults=("503",))
    assert {load.fault_at(only, 1, n) for n in range(100)} == {"503"}


def test_matches_are_answered_304_by_share() -> None:
    show = Load(not_modified_share=0.25)
    answers = [load.not_modified_at(show, 1, n) for n in range(2000)]
    assert 430 <= sum(answers) <= 570
    assert all(load.not_modified_at(Load(), 1, n) for n in range(100))


@pytest.mark.parametrize(
    "wrong",
    [
        {"wires": 0},
        {"items": 0},
        {"novelty_per_minute": -1},
        {"error_share": 1.1},
        {"not_modified_share": -0.1},
        {"faults": ()},
        {"faults": ("flood",)},
        {"retry_after": -1},
        {"epoch": EPOCH.replace(tzinfo=None)},
    ],
)
def test_a_load_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|between|some of|needs"):
        Load(**wrong)  # type: ignore[arg-type]
