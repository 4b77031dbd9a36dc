"""Permanent redirects: believed after many sightings over days, and given up when they fail."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.schedule import (
    GIVEN_UP,
    SEEN_FOR,
    SIGHTINGS,
    Address,
    address_after_answer,
    address_after_failure,
)
from net.client import Hop, Response

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
OLD, NEW, OTHER = "https://old.example/f", "https://new.example/f", "https://other.example/f"


def came(*steps: tuple[int, str], start: str = OLD) -> Response:
    """A response reached from *start* over redirects of status to address."""
    hops, at = [], start
    for status, target in steps:
        hops.append(Hop(status, at, target))
        at = target
    return Response("w", 200, at, (), b"", tuple(hops), None)


def over(
    days: float, times: int, response: Response, place: Address | None = None, start: datetime = NOW
) -> Address:
    """*times* polls that all brought *response*, spread evenly over *days*."""
    place = place or Address(OLD)
    for turn in range(times):
        at = start + timedelta(days=days) * turn / max(1, times - 1)
        place = address_after_answer(place, response, at)
    return place


def test_a_move_is_believed_after_many_sightings_over_days() -> None:
    place = over(3, SIGHTINGS - 1, came((301, NEW)))
    assert (place.url, place.moved_to, place.moved_count) == (OLD, NEW, SIGHTINGS - 1)
    place = address_after_answer(place, came((308, NEW)), NOW + SEEN_FOR)
    assert (place.url, place.moved_to, place.moved_count, place.moved_since) == (NEW, None, 0, None)
    assert "new.example" in place.notice


@pytest.mark.parametrize(("days", "times"), [(2.9, 5000), (30, SIGHTINGS - 1), (0, 5000), (3, 1)])
def test_many_in_a_short_time_or_few_in_a_long_are_not(days: float, times: int) -> None:
    place = over(days, times, came((301, NEW)))
    assert (place.url, place.notice) == (OLD, "")
    assert place.moved_count == times


@pytest.mark.parametrize(
    "between",
    [
        came(),
        came((302, NEW)),
        came((301, OTHER)),
        came((301, OTHER), (302, NEW)),
        came((301, "http://new.example/f")),
    ],
)
def test_one_other_word_starts_the_count_over(between: Response) -> None:
    place = over(4, SIGHTINGS - 1, came((301, NEW)))
    place = address_after_answer(place, between, NOW + timedelta(days=4))
    place = over(2, SIGHTINGS + 1, came((301, NEW)), place, NOW + timedelta(days=4))
    assert place.url == OLD


@pytest.mark.parametrize(
    "steps",
    [
        [(302, NEW)],
        [(301, OTHER), (307, NEW)],
        [(301, "http://new.example/f")],
        [(301, "http://middle.example/"), (301, NEW)],
    ],
)
def test_temporary_moves_and_ways_out_of_tls_are_never_believed(
    steps: list[tuple[int, str]],
) -> None:
    place = over(40, 200, came(*steps))
    assert (place.url, place.moved_count) == (OLD, 0)


def test_from_http_a_move_to_https_is_believed() -> None:
    plain = "http://old.example/f"
    place = over(3, SIGHTINGS, came((301, OLD), start=plain), Address(plain))
    assert place.url == OLD


def test_a_believed_address_that_fails_for_long_is_given_up() -> None:
    place = Address(NEW)
    assert address_after_failure(place, OLD, GIVEN_UP - 0.25, gone=False) == place
    back = address_after_failure(place, OLD, GIVEN_UP, gone=False)
    assert (back.url, back.moved_count) == (OLD, 0)
    assert "old.example" in back.notice
    assert address_after_failure(place, OLD, 0, gone=True).url == OLD


def test_the_configured_address_is_never_given_up() -> None:
    place = Address(OLD, NEW, 7, NOW)
    assert address_after_failure(place, OLD, 1000, gone=True) == place


statuses = st.sampled_from([301, 302, 303, 307, 308])
targets = st.sampled_from([NEW, OTHER, "http://new.example/f", OLD])
responses = st.lists(st.tuples(statuses, targets), max_size=2).map(lambda s: came(*s))


@given(st.lists(st.tuples(responses, st.integers(0, 86400)), max_size=60))
def test_nothing_moves_without_the_sightings_and_the_days(
    polls: list[tuple[Response, int]],
) -> None:
    place, at, run, since = Address(OLD), NOW, 0, NOW
    before: str | None = None
    for response, seconds in polls:
        at += timedelta(seconds=seconds)
        if response.moved_to is not None and response.moved_to == before:
            run += 1
        else:
            run, since = 1, at
        before = response.moved_to
        place = address_after_answer(place, response, at)
        assert not place.url.startswith("http://")
        if place.url != OLD:
            assert run >= SIGHTINGS
            assert at - since >= SEEN_FOR
            return
