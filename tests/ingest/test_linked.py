"""Wires that are lists of links, over real HTTP: each item is a capture of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest import sandbox
from stories.db import Store
from tests import hostile
from tests.conftest import ConfigOf
from tests.ingest.test_collect import Drop, feed

ITEMS = {"/1.xml": feed("Avon"), "/2.xml": feed("Bure"), "/3.xml": feed("Cam")}


class Listed(Drop):
    """A wire whose items a server lists, the newest first."""

    server: hostile.Server

    def listing(self, *paths: str, dated: bool = False) -> None:
        items = [{"url": path} | ({"updated": "2026"} if dated else {}) for path in paths]
        self.server.answer("/list", json.dumps(items).encode())

    def serve(self, path: str, body: bytes, tag: str = '"1"') -> None:
        self.server.answer(path, body, {"ETag": tag, "Content-Type": "application/rss+xml"})


@pytest.fixture
def listed(config: ConfigOf, store: Store, tmp_path: Path) -> Iterator[Listed]:
    with hostile.serve() as server:
        found = Listed(config, store, tmp_path)
        found.server = server
        headers = {"Authorization": "Bearer t"}
        found.configure(
            url=f"{server.url}/list", links=True, allow_private=True, timeout="10s", headers=headers
        )
        for path, body in ITEMS.items():
            found.serve(path, body)
        found.listing("/3.xml", "/2.xml", "/1.xml")
        yield found


def test_each_item_of_a_list_is_a_capture_the_oldest_first(listed: Listed) -> None:
    polled = listed.poll()
    assert (polled.message, polled.state, len(polled.captures)) == ("", "ok", 3)
    assert listed.bodies() == list(ITEMS.values())
    first = listed.captured()[0]
    assert first.url == f"{listed.server.url}/1.xml"
    assert ["content-type", "application/rss+xml"] in [list(field) for field in first.headers]
    listed.take_in()
    assert [each.new for each in listed.captured()] == [1, 1, 1]


def test_the_poller_leaves_the_reading_of_the_list_to_the_sandbox(listed: Listed) -> None:
    own = sandbox._own
    own.close()
    assert len(listed.poll().captures) == 3
    assert own.pid is not None


def test_items_are_asked_for_by_what_they_came_with(listed: Listed) -> None:
    listed.poll()
    polled = listed.poll()
    assert (polled.state, polled.captures) == ("not-modified", ())
    asked = listed.server.seen("/2.xml")[-1]
    assert asked.header("if-none-match") == '"1"'
    assert asked.header("authorization") == "Bearer t"
    listed.serve("/2.xml", feed("Bure again"), '"2"')
    assert listed.poll().state == "ok"
    assert listed.bodies()[3:] == [feed("Bure again")]


def test_items_that_the_list_dates_are_asked_for_when_that_changes(listed: Listed) -> None:
    listed.listing("/1.xml", dated=True)
    listed.poll()
    listed.poll()
    assert len(listed.server.seen("/1.xml")) == 1


def test_an_item_that_cannot_be_had_is_named_and_the_others_come(listed: Listed) -> None:
    listed.server.answer("/2.xml", b"gone", status=404)
    polled = listed.poll()
    assert polled.state == "unreadable"
    assert "/2.xml" in polled.message
    assert listed.bodies() == [ITEMS["/1.xml"], ITEMS["/3.xml"]]
    listed.serve("/2.xml", ITEMS["/2.xml"])
    assert listed.poll().state == "ok"


def test_a_server_that_is_busy_is_left_alone(listed: Listed) -> None:
    listed.server.answer("/1.xml", b"", status=429)
    polled = listed.poll()
    assert (polled.state, listed.captured()) == ("http-429", [])
    assert listed.server.seen("/2.xml") == []
    assert listed.state.failures == 0.5


def test_what_is_no_list_is_named(listed: Listed) -> None:
    listed.server.answer("/list", b"Please log in.")
    assert listed.poll().state == "no-list"
    listed.server.answer("/list", b"gone", status=404)
    assert listed.poll().state == "http-404"


def test_no_secret_goes_to_another_origin_and_none_is_asked_inside(listed: Listed) -> None:
    with hostile.serve() as other:
        other.answer("/x.xml", feed("Exe"))
        listed.listing(f"{other.url}/x.xml", "http://169.254.169.254/latest")
        polled = listed.poll()
        assert other.seen("/x.xml")[0].header("authorization") is None
    assert listed.bodies() == [feed("Exe")]
    assert polled.state == "unreadable"


def test_of_a_long_list_what_is_new_comes_first_and_the_rest_in_turn(
    listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.arrivals.MOST_TAKEN", 2)
    assert len(listed.poll().captures) == 2
    assert listed.state.due_at <= listed.now()  # one is left
    assert len(listed.poll().captures) == 1
    assert listed.state.due_at > listed.now()  # those known wait for their time
    for _ in range(3):
        listed.poll()
    assert min(len(listed.server.seen(path)) for path in ITEMS) >= 2
