"""The decision: one table of feeds as they come in time, each a list of captures."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decide import Decision, Known, decide, keys_of
from ingest.item import Candidate, Contents, Item
from stories.models import KnownKey, KnownStory, Version, story_id
from wirecopy.scope import Copy, Digests, digests

RECEIVED: Digests = digests(Copy(headline="h", body="<p>b</p>"))


def item(position: int, guid: str | None, link: str | None, headline: str) -> Item:
    url = f"https://agency.example/{link}" if link else ""
    return Item(position=position, guid=guid or "", link=url, headline=headline, body="<p>b</p>")


def candidate(one: Item, content: str = "1") -> Candidate:
    return Candidate(
        position=one.position,
        start=-1,
        end=-1,
        keys=keys_of(one),
        version=Version(wire="w", agency="A", agency_id="a", headline="h", body="b"),
        received=RECEIVED,
        raw_digest=None,
        content_digest=content,
    )


def contents(*found: Candidate) -> Contents:
    return Contents(items=len(found), found=found)


class Record:
    """What decisions have put on record: the store's part in a few lines, for the rules alone."""

    def __init__(self) -> None:
        self.keys: dict[str, KnownKey] = {}
        self.stories: dict[str, KnownStory] = {}

    def take(self, *capture: tuple[str | None, str | None, str]) -> list[tuple[str, str]]:
        """Take one capture of (guid, link, content); the (action, story) of each item.

        Two items of different content have different headlines, as stories do.
        """
        found = [
            candidate(item(n, guid, link, f"About {c}"), c)
            for n, (guid, link, c) in enumerate(capture)
        ]
        known = Known(dict(self.keys), dict(self.stories))
        decision = decide("w", "guid", contents(*found), known)
        self._write(decision)
        return [(i.action, i.story_id) for i in decision.intents]

    def _write(self, decision: Decision) -> None:
        for key, story in decision.keys:
            self.keys.setdefault(key, KnownKey(story, False))
        for key in decision.shared:
            self.keys[key] = KnownKey(self.keys[key].story_id, True)
        for i in decision.intents:
            if i.action in ("new", "updated"):
                key = i.identity.key
                if i.story_id in self.stories:
                    key = self.stories[i.story_id].key
                self.stories[i.story_id] = KnownStory(
                    i.story_id, key, i.number, i.item.content_digest
                )


def actions(told: Sequence[tuple[str, str]]) -> list[str]:
    return [action for action, _ in told]


def test_new_same_updated() -> None:
    record = Record()
    assert actions(record.take(("a", "la", "1"), ("b", "lb", "1"))) == ["new", "new"]
    assert actions(record.take(("a", "la", "1"), ("b", "lb", "2"))) == ["same", "updated"]
    assert record.stories[story_id("w", "guid:b")].number == 2


def test_going_back_to_earlier_words_is_a_version_too() -> None:
    record = Record()
    for content, action in (("1", "new"), ("2", "updated"), ("1", "updated")):
        assert actions(record.take(("a", "la", content))) == [action]
    assert record.stories[story_id("w", "guid:a")].number == 3


def test_the_first_of_two_counts() -> None:
    record = Record()
    told = record.take(("a", "la", "new words"), ("a", "la", "old words"))
    assert actions(told) == ["new", "duplicate"]
    assert record.stories[story_id("w", "guid:a")].content_digest == "new words"


def test_a_wire_that_begins_to_send_guids_makes_no_story_new() -> None:
    record = Record()
    before = record.take((None, "la", "1"), (None, "lb", "1"))
    after = record.take(("a", "la", "1"), ("b", "lb", "2"))
    assert actions(after) == ["same", "updated"]
    assert [s for _, s in before] == [s for _, s in after]


def test_a_wire_that_stops_sending_guids_makes_no_story_new() -> None:
    record = Record()
    before = record.take(("a", "la", "1"))
    after = record.take((None, "la", "1"))
    assert after == [("same", before[0][1])]


def test_two_guids_on_one_link_stay_two_stories() -> None:
    record = Record()
    first = record.take(("a", "home", "1"))
    second = record.take(("b", "home", "2"))
    assert actions(second) == ["new"]
    assert first[0][1] != second[0][1]
    assert actions(record.take(("a", "home", "1"), ("b", "home", "2"))) == ["same", "same"]


def test_a_guid_that_turns_out_to_be_shared_loses_no_story() -> None:
    record = Record()
    first = record.take(("g", "l1", "1"))
    both = record.take(("g", "l2", "2"), ("g", "l1", "1"))
    assert record.keys["guid:g"].shared
    assert actions(both) == ["new", "same"]
    assert both[1][1] == first[0][1]
    later = record.take(("g", "l2", "3"))
    assert later == [("updated", both[0][1])]


def test_a_guid_shared_from_the_first_capture_on_is_kept_in_mind() -> None:
    record = Record()
    both = record.take(("g", "l1", "1"), ("g", "l2", "2"))
    assert record.take(("g", "l2", "2")) == [("same", both[1][1])]
    assert record.take(("g", "l1", "1")) == [("same", both[0][1])]


def test_a_front_page_link_does_not_take_a_story_without_guid_for_another() -> None:
    record = Record()
    record.take(("a", "home", "1"), ("b", "home", "2"))
    lone = record.take((None, "home", "3"))
    assert actions(lone) == ["new"]
    assert record.take((None, "home", "3")) == [("same", lone[0][1])]


keys = st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))
captures = st.lists(st.tuples(keys, keys, st.sampled_from(["1", "2", "3"])), max_size=5)


@given(st.lists(captures, max_size=5))
def test_the_same_capture_again_changes_nothing(history: list[list[tuple[str, str, str]]]) -> None:
    """Whatever came before, a capture repeated brings nothing new once its keys are settled."""
    record = Record()
    for capture in history:
        record.take(*capture)
    if history:
        record.take(*history[-1])  # what was found to be shared last time shows this time
        assert set(actions(record.take(*history[-1]))) <= {"same", "duplicate"}


@given(captures)
def test_every_item_is_accounted_for(capture: list[tuple[str, str, str]]) -> None:
    found = [candidate(item(n, *one)) for n, one in enumerate(capture)]
    decision = decide("w", "guid", contents(*found), Known())
    assert [i.item for i in decision.intents] == found
    assert {i.identity.key for i in decision.intents} <= dict(decision.keys).keys()


@pytest.mark.parametrize("content", ["1", "2"])
def test_what_is_known_is_all_that_counts(content: str) -> None:
    known = Known(
        {"guid:a": KnownKey("thestory", False)},
        {"thestory": KnownStory("thestory", "guid:a", 7, "1")},
    )
    one = candidate(item(0, "a", None, "h"), content)
    intent = decide("w", "guid", contents(one), known).intents[0]
    assert intent.story_id == "thestory"
    assert (intent.action, intent.number) == (("same", 7) if content == "1" else ("updated", 8))
