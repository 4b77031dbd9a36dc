"""A burst: more stories at once than a feed holds, as on an election night."""

from datetime import timedelta

import pytest

from stories.db import Store
from tests.conftest import ConfigOf
from tests.living import Life, item

WIRE = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}


@pytest.fixture
def life(config: ConfigOf, store: Store) -> Life:
    feeds = [{"name": "all", "title": "All", "limit": 3}]
    found = Life(config(wires=[WIRE], feeds=feeds), store)
    found.begin()
    return found


def counted(life: Life) -> int:
    [rss] = [body for (_, form), body in life.bodies().items() if form == "rss"]
    return rss.count(b"<item>")


def results(*numbers: int) -> list[str]:
    return [item(f"r{n}", f"District {n} has counted") for n in numbers]


def test_what_came_within_the_hour_stays_beyond_the_limit(life: Life) -> None:
    life.receive(*results(*range(20, 26)), after=timedelta(0))  # a first fill is no burst
    assert counted(life) == 3
    life.receive(*results(*range(2, 10)), after=timedelta(minutes=5))
    assert counted(life) == 8
    life.receive(*results(10), after=timedelta(minutes=50))
    assert counted(life) == 9
    life.receive(*results(11), after=timedelta(minutes=30))
    assert counted(life) == 3
