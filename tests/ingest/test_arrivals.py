"""Which files are taken, and which wait, by a table."""

from datetime import UTC, datetime, timedelta

import pytest

from ingest.arrivals import MOST_TAKEN, SETTLED, UNSETTLED, Plan, sort_out
from net.errors import FetchError
from net.places import File, is_unfinished, unread
from stories.models import Sighting

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
JUST = NOW - timedelta(seconds=1)
MARK, OTHER = "12 1", "13 2"
LINK = FetchError("not-a-file", "n: is a link")


def seen(since: datetime, mark: str = MARK, *, taken: bool = False) -> Sighting:
    return Sighting(mark, since, taken=taken, digest="d" if taken else None)


def here(changed: datetime) -> File:
    return File("n", 12, MARK, changed=changed.timestamp())


AWAY = File("n", 12, MARK)
"""On a machine whose clock is its own."""


@pytest.mark.parametrize(
    ("file", "known", "what"),
    [
        (here(LONG_AGO), None, "take"),
        (here(NOW - SETTLED), None, "take"),
        (here(JUST), None, "waiting"),
        (here(NOW + timedelta(hours=1)), None, "waiting"),  # its clock is ahead: seen twice counts
        (here(NOW + timedelta(hours=1)), seen(LONG_AGO), "take"),
        (here(LONG_AGO), seen(LONG_AGO, taken=True), "done"),
        (here(LONG_AGO), seen(LONG_AGO, OTHER, taken=True), "take"),  # under the same name again
        (AWAY, None, "waiting"),
        (AWAY, seen(JUST), "waiting"),
        (AWAY, seen(NOW - SETTLED), "take"),
        (AWAY, seen(LONG_AGO, OTHER), "waiting"),  # it has grown since
        (AWAY, seen(LONG_AGO, OTHER, taken=True), "waiting"),
        (AWAY, seen(LONG_AGO, taken=True), "done"),
        (File("n", 0, "0 1"), seen(LONG_AGO, "0 1"), "waiting"),  # before its first byte
        (File("n", 12, MARK, ask=True), seen(JUST, taken=True), "take"),
        (File("n", 101, MARK), seen(LONG_AGO), "refused"),
        (File("n", 12, MARK, fault=LINK), seen(LONG_AGO), "refused"),
        (File(".n", 12, MARK), seen(LONG_AGO), "nothing"),
        (File("n.PART", 12, MARK), seen(LONG_AGO), "nothing"),
    ],
)
def test_what_becomes_of_a_file(file: File, known: Sighting | None, what: str) -> None:
    plan = sort_out([("n", file)], {"n": known} if known else {}, NOW, 100)
    lists = {name: getattr(plan, name) for name in ("take", "waiting", "done", "refused")}
    assert {name for name, listed in lists.items() if listed} == {what} - {"nothing"}
    assert plan.gone == set()


def test_what_waits_is_noted_once_and_keeps_the_digest_of_what_was_taken() -> None:
    before = seen(LONG_AGO, OTHER, taken=True)
    plan = sort_out([("n", AWAY)], {"n": before}, NOW, 100)
    assert plan.seen == {"n": Sighting(MARK, NOW, digest="d", unsettled=NOW)}
    again = sort_out([("n", AWAY)], plan.seen, NOW + SETTLED / 2, 100)
    assert (again.seen, again.waiting) == ({}, [AWAY])


def test_a_file_that_changes_between_all_looks_is_named_after_a_while() -> None:
    known: dict[str, Sighting] = {}
    told: list[list[str]] = []
    for look in range(5):
        now = NOW + look * UNSETTLED / 3
        plan = sort_out([("n", File("n", 12, f"12 {look}"))], known, now, 100)
        known, told = plan.seen, [*told, [str(fault) for fault in plan.refused]]
    assert told[:4] == [[]] * 4
    assert "n: has been changing since 22 November 06:03 UTC" in told[4][0]
    still = sort_out([("n", File("n", 12, "12 4"))], known, now + SETTLED / 2, 100)
    assert [fault.state for fault in still.refused] == ["changing"]
    stands = sort_out([("n", File("n", 12, "12 4"))], known, now + SETTLED, 100)
    assert (len(stands.take), stands.refused) == (1, [])


def test_the_oldest_come_first_and_a_poll_takes_no_more_than_it_may() -> None:
    files = [File(f"n{n:03}", 1, "m", order=-n, changed=0.0) for n in range(MOST_TAKEN + 3)]
    plan = sort_out([(f.name, f) for f in files], {}, NOW, 100)
    assert [f.name for f in plan.take[:2]] == [f"n{MOST_TAKEN + 2:03}", f"n{MOST_TAKEN + 1:03}"]
    assert (len(plan.take), plan.more) == (MOST_TAKEN, 3)


def test_what_only_reading_tells_is_asked_for_after_what_is_new_the_longest_known_first() -> None:
    files = [(name, File(name, 1, "", ask=True)) for name in "abc"]
    known = {"a": seen(JUST, "", taken=True), "b": seen(LONG_AGO, "", taken=True)}
    plan = sort_out(files, known, NOW, 100)
    assert [file.name for file in plan.take] == ["c", "b", "a"]
    assert (plan.fresh, plan.more) == (1, 0)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        *(("story.xml", True), ("STORY.XML", True), ("a.json", True), ("a.json.md5", False)),
        *(("photo.jpg", False), ("xml", False), ("https://a.example/out/1.XML?sig=a/b", True)),
        ("https://a.example/x.xml/1.jpg", False),
    ],
)
def test_only_files_that_are_wanted_are_looked_at(name: str, wanted: bool) -> None:
    there = [("n", File(name, 101, MARK, changed=0.0))]
    plan = sort_out(there, {}, NOW, 100, ["*.xml", "*.[jJ]son"])
    assert bool(plan.refused) is wanted


def test_what_is_no_longer_there_is_forgotten() -> None:
    assert sort_out([], {"n": seen(LONG_AGO, taken=True)}, NOW, 100) == Plan(gone={"n"})
    part = unread("in/", "Permission denied")  # it may still be in there
    plan = sort_out([("in", part)], {"n": seen(LONG_AGO, taken=True)}, NOW, 100, ["*.xml"])
    assert plan == Plan(refused=[part.fault] if part.fault else [])


@pytest.mark.parametrize(
    ("name", "unfinished"),
    [
        *(("story.xml", False), ("part", False), ("a.tmp.xml", False), ("tmp", False)),
        *((".story.xml", True), ("story.xml.tmp", True), ("story.xml~", True)),
        *(("s.filepart", True), ("S.Part", True), (".", True)),
    ],
)
def test_names_that_programs_give_to_what_they_still_write(name: str, unfinished: bool) -> None:
    assert is_unfinished(name) is unfinished
