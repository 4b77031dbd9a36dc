"""The simulated agency's pure core: what stands on which wire at which moment."""

import os
import subprocess
import sys
from datetime import timedelta, timezone
from html.parser import HTMLParser
from math import nextafter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.demo import newswire, writing
from desk.demo.items import EPOCH, IST, WireItem, draw
from desk.demo.newswire import WIRES, Script
from tests.desk.agency import stories_at

SCRIPT = Script()
NATIONAL = WIRES.index("national")
ROUND = 24

moments = st.floats(0, 50_000, allow_nan=False)
scripts = st.builds(Script, seed=st.integers(0, 2**40), items=st.integers(1, 40))
wires = st.integers(0, len(WIRES) - 1)
unhurried = settings(deadline=None)


def national(moment: float) -> dict[str, WireItem]:
    """The stories on the national wire by their number, counted from 1."""
    items = stories_at(SCRIPT, NATIONAL, moment)
    return {item.key.removeprefix("1-"): item for item in items}


def content(item: WireItem) -> tuple[object, ...]:
    """What makes a version of an item: everything but dates and counters."""
    body = item.body.partition('\n<img src="http://agency.invalid/pixel.gif')[0]
    return item.headline, item.summary, body, item.byline, item.picture, item.categories


# The copy


class Balance(HTMLParser):
    """Fails on a tag that is not closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in ("br", "img"):
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag


def test_the_copy_is_as_varied_as_a_wire() -> None:
    stories = writing.stories()
    languages = [story.language for story in stories]
    assert len(stories) == ROUND
    assert (languages.count("hi"), languages.count("ta"), languages.count("ur")) == (3, 1, 1)
    seen: set[str] = set()
    for index in range(ROUND):
        item = newswire.item(SCRIPT, newswire._life(SCRIPT, index)[0])
        checker = Balance()
        checker.feed(item.body)
        assert not checker.stack
        seen |= checker.seen
        assert 4 <= item.body.count("\n") + 1 <= 8
        assert item.rights == "Simulated; no rights"
        assert item.body.startswith(f"<p>{item.dateline} &mdash; ")
        assert item.dateline.endswith("(SIM)")
        assert 1 <= item.urgency <= 8
        assert item.slugline
        assert item.keywords
        assert item.categories
    assert seen >= {"a", "table", "ul", "ol", "blockquote", "figure", "img", "pre", "em", "strong"}


@pytest.mark.parametrize(
    ("language", "place", "line"),
    [
        ("en", "New Delhi", "NEW DELHI, Nov 22 (SIM)"),
        ("hi", "सूर्यनगर", "सूर्यनगर, 22 नवंबर (SIM)"),
        ("ta", "நீலக்கரை", "நீலக்கரை, நவ. 22 (SIM)"),
        ("ur", "نورپورہ", "نورپورہ، 22 نومبر (SIM)"),
    ],
)
def test_datelines(language: str, place: str, line: str) -> None:
    assert writing.dateline(language, place, EPOCH.date()) == line


def test_every_variation_differs_until_all_have_been() -> None:
    ferry = writing.stories()[1]
    tellings = {tuple(writing.fill(ferry, n).values()) for n in range(ferry.variations)}
    assert len(tellings) == ferry.variations == 912


def test_pictures_call_themselves_simulated() -> None:
    pictures = [item.picture for item in stories_at(SCRIPT, NATIONAL, 300)]
    assert {p.credit for p in pictures if p} == {"SIMULATED PICTURE"}


# The script


def test_six_stories_stand_at_the_start() -> None:
    assert set(national(0)) == {"1", "2", "3", "4", "5", "6"}
    assert set(national(9.99)) == set(national(0))


@pytest.mark.parametrize(
    ("moment", "comes"),
    [(10, "7"), (20, "8"), (30, "9"), (40, "10"), (45, "11"), (50, "12"), (60, "13"), (170, "24")],
)
def test_stories_come_when_the_table_says(moment: float, comes: str) -> None:
    assert comes not in national(moment - 0.01)
    assert comes in national(moment)


def test_an_update_changes_headline_and_body_under_a_later_date() -> None:
    before, after = national(24.99)["2"], national(25)["2"]
    assert before.headline == "Ferry with 43 aboard drifts off Port Amaravani, tug sent"
    assert after.headline == "All 43 aboard drifting ferry brought ashore at Port Amaravani"
    pairs = zip(before.body.split("\n"), after.body.split("\n"), strict=True)
    assert [old == new for old, new in pairs] == [True, False, True, True]
    assert (before.edition, after.edition) == (1, 2)
    assert after.dated == EPOCH + timedelta(seconds=25) > before.dated
    assert (after.guid, after.link, after.first) == (before.guid, before.link, before.first)


def test_a_correction_changes_the_body_under_the_same_date() -> None:
    before, after = national(29.99)["4"], national(30)["4"]
    assert "31.7" in before.body
    assert "31.9" in after.body
    assert after.body.replace("31.9", "31.7") == before.body
    assert (after.headline, after.dated, after.guid) == (
        before.headline,
        before.dated,
        before.guid,
    )
    assert (before.edition, after.edition) == (1, 2)


def test_a_repeat_touches_the_date_and_nothing_else() -> None:
    before, after = national(34.99)["3"], national(35)["3"]
    assert after.dated > before.dated
    assert content(after) == content(before)
    assert (after.guid, after.edition) == (before.guid, before.edition) == (before.guid, 1)


def test_the_late_story_is_dated_two_hours_before_the_newest() -> None:
    assert "11" not in national(44.99)
    newest = max(item.dated for item in national(44.99).values())
    assert national(45)["11"].dated == newest - timedelta(hours=2)
    # and so stands between older stories, not on top
    order = list(national(45))
    assert 0 < order.index("11") < len(order) - 1


def test_the_counter_moves_and_nothing_else() -> None:
    before, after = national(19.99), national(39.99)
    assert (before["5"].reads, after["5"].reads, national(40)["5"].reads) == (0, 1, 2)
    assert before["5"].body != after["5"].body
    assert content(before["5"]) == content(after["5"])
    assert (before["5"].dated, before["5"].edition) == (after["5"].dated, after["5"].edition)


def test_one_story_comes_without_a_guid() -> None:
    items = national(170)
    assert [key for key, item in items.items() if not item.guid] == ["8"]
    assert items["8"].link.endswith("/stories/1-8")


def test_the_other_wires_are_selections() -> None:
    at = 200
    every = {item.key: item for item in stories_at(Script(items=99), NATIONAL, at)}
    business = stories_at(SCRIPT, WIRES.index("business"), at)
    languages = stories_at(SCRIPT, WIRES.index("languages"), at)
    assert {item.slugline for item in business} == {
        "RESULTS-VARUNIKA",
        "GRAIN-CLOSE",
        "TEA-AUCTION",
    }
    assert {item.language for item in languages} == {"hi", "ta", "ur"}
    assert all(every[item.key] == item for item in (*business, *languages))


def test_what_happens_in_the_first_minute() -> None:
    happened = newswire.happenings(SCRIPT, 0, 60)
    assert [(h.moment, h.kind, h.key) for h in happened] == [
        (10, "new", "1-7"),
        (20, "no-guid", "1-8"),
        (25, "update", "1-2"),
        (30, "correction", "1-4"),
        (30, "new", "1-9"),
        (35, "repeat", "1-3"),
        (40, "new", "1-10"),
        (45, "late", "1-11"),
        (50, "new", "1-12"),
        (60, "new", "1-13"),
    ]


@given(st.integers(0, 2**40), st.integers(1, 40))
@unhurried
def test_every_later_round_has_all_of_it_again(seed: int, rounds: int) -> None:
    script = Script(seed=seed)
    indexes = range(rounds * ROUND, (rounds + 1) * ROUND)
    end = newswire.appears(script, indexes[-1]) + 35
    happened = newswire.happenings(script, newswire.appears(script, indexes[0]) - 1, end)
    keys = {f"{seed}-{index + 1}" for index in indexes}
    kinds = [h.kind for h in happened if h.key in keys]
    assert sorted(kinds) == sorted(
        ["new"] * 22 + ["late", "no-guid", "update", "correction", "repeat"]
    )


@given(scripts, st.lists(moments, min_size=3, max_size=3).map(sorted))
@unhurried
def test_happenings_join_without_gap_or_overlap(script: Script, at: list[float]) -> None:
    start, middle, end = at[0], (at[0] + min(at[1], at[0] + 900)) / 2, min(at[2], at[0] + 900)
    middle = min(middle, end)
    joined = newswire.happenings(script, start, middle) + newswire.happenings(script, middle, end)
    assert joined == newswire.happenings(script, start, end)


@given(scripts, wires, moments)
@unhurried
def test_the_window_of_a_wire(script: Script, wire: int, moment: float) -> None:
    items = stories_at(script, wire, moment)
    assert 1 <= len(items) <= script.items
    if wire == NATIONAL:
        come = newswire.newest(script, moment) + 1
        assert len(items) == min(come, script.items)
    assert len({item.key for item in items}) == len(items)
    dates = [item.dated for item in items]
    assert dates == sorted(dates, reverse=True)
    assert dates[0] <= script.epoch + timedelta(seconds=moment)
    assert {date.tzinfo for date in dates} == {IST}
    assert {date.microsecond for date in dates} == {0}
    for item in items:
        assert item.guid in ("", f"tag:agency.invalid,2026:{item.key}")
        assert item.first <= item.dated


@given(scripts, wires, moments, st.floats(0, 1, exclude_max=True))
@unhurried
def test_a_wire_stands_still_until_it_says(
    script: Script, wire: int, moment: float, part: float
) -> None:
    now = newswire.standing(script, wire, moment)
    assert now.since <= moment < now.until
    then = min(now.since + part * (now.until - now.since), nextafter(now.until, 0))
    assert newswire.standing(script, wire, then).editions == now.editions
    if wire == NATIONAL:
        assert newswire.standing(script, wire, now.until).editions != now.editions


@given(scripts, moments)
@unhurried
def test_newest_agrees_with_appears(script: Script, moment: float) -> None:
    newest = newswire.newest(script, moment)
    assert newswire.appears(script, newest) <= moment < newswire.appears(script, newest + 1)


def test_a_story_keeps_its_page_after_it_left_the_wire() -> None:
    assert "2" not in national(1000)
    item = newswire.story_at(SCRIPT, 1, 1000)
    assert item is not None
    assert item.headline.startswith("All 43 aboard")
    assert newswire.story_at(SCRIPT, 11, 49) is None
    assert newswire.story_at(SCRIPT, -1, 49) is None


@pytest.mark.parametrize(
    "wrong",
    [{"items": 0}, {"pace": 0}, {"slow": -1}, {"ttl": -1}, {"epoch": EPOCH.replace(tzinfo=None)}],
)
def test_a_script_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|needs|above"):
        Script(**wrong)  # type: ignore[arg-type]


# Determinism


def test_another_process_computes_the_same() -> None:
    program = (
        "from desk.demo import newswire; from tests.desk import agency;"
        "print(ascii(agency.stories_at(newswire.Script(seed=7), 0, 4321.0)))"
    )
    other = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONHASHSEED": "12345", "TZ": "America/New_York", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )
    here = stories_at(Script(seed=7), 0, 4321.0)
    assert other.stdout.strip() == ascii(here)


def test_draws_are_the_same_on_every_machine() -> None:
    # blake2b of "(1, 2, 3)", its first four bytes read as a little-endian number
    assert draw(1, 2, 3)[0] == 0x136DF84A
    assert len(draw(1)) == 16


def test_another_seed_has_another_second_round() -> None:
    def headlines(seed: int) -> list[str]:
        items = stories_at(Script(seed=seed), NATIONAL, 2000)
        return [item.headline for item in items]

    assert headlines(1) == headlines(1)
    assert headlines(1) != headlines(2)


def test_dates_are_indian_whatever_the_epoch_is_in() -> None:
    tokyo = timezone(timedelta(hours=9))
    elsewhere = Script(epoch=EPOCH.astimezone(tokyo))
    assert stories_at(elsewhere, 0, 30) == stories_at(SCRIPT, 0, 30)


@given(st.integers(1, 50), st.integers(0, 3000))
def test_wires_apart_have_each_story_once_and_leave_none_out(seed: int, moment: int) -> None:
    together = Script(seed=seed, items=10_000)
    alone = Script(seed=seed, items=10_000, apart=True)
    every = [item.key for item in stories_at(together, NATIONAL, moment)]
    each = [item.key for wire in range(len(WIRES)) for item in stories_at(alone, wire, moment)]
    assert sorted(each) == sorted(every)
