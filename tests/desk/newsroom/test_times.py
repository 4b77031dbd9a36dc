"""Times at the desk: one zone on a page, the newsroom's, and the agency's own in a story's page."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from desk.newsroom.times import in_zone, newsroom_zone
from stories import clock
from stories.db import Store
from stories.errors import ConfigError
from tests.conftest import ConfigOf
from tests.desk.newsroom.browsing import living, newsroom, signed_in
from tests.living import item

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KOLKATA = ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    ("desk", "site", "zone"),
    [
        ("Asia/Kolkata", "Europe/Paris", "Asia/Kolkata"),
        (None, "Europe/Paris", "Europe/Paris"),
        (None, None, None),
    ],
)
def test_it_is_the_desk_s_else_the_site_s_else_the_machine_s(
    config: ConfigOf, desk: str | None, site: str | None, zone: str | None
) -> None:
    found = newsroom_zone(
        config(desk={"timezone": desk} if desk else {}, site={"timezone": site} if site else {})
    )
    assert found == (ZoneInfo(zone) if zone else None)


def test_a_zone_that_is_none_is_refused(config: ConfigOf) -> None:
    with pytest.raises((ConfigError, ValueError), match="Mars"):
        config(desk={"timezone": "Mars/Olympus"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("It is due (2026-11-22 12:30:05Z), because", "It is due (18:00 IST), because"),
        ("until 2026-11-22 20:00Z", "until 23 November 2026, 01:30 IST"),
        ("No time: 2026-11-22, 12:30:05", "No time: 2026-11-22, 12:30:05"),
    ],
)
def test_what_is_said_in_utc_is_said_in_the_zone(text: str, told: str) -> None:
    assert in_zone(text, KOLKATA, NOON) == told


def test_a_page_has_one_zone_and_a_story_s_the_agency_s_time_besides(
    config: ConfigOf, store: Store
) -> None:
    life = living(
        config(
            wires=[
                {
                    "name": "w",
                    "agency": "Agency",
                    "url": "https://agency.example/f",
                    "timezone": "America/New_York",
                }
            ],
            desk={"timezone": "Asia/Kolkata"},
        ),
        store,
    )
    dated = item("one", "Ferry sinks").replace(
        "</guid>", "</guid><pubDate>Thu, 01 Jan 2026 22:15:00</pubDate>"
    )
    life.receive(dated)
    story = life.stories()["one"]
    life.edit(story, "Ferry lost")
    life.act("one", "hold", life.now - life.now)
    with clock.reading(lambda: life.now):
        chief = signed_in(newsroom(life), store, "Asha", "chief")
        chief.opened("/wires/w")
        chief.send("/wires/w/pause")
        for path in ("/queues/all", "/log", "/wires", "/wires/w", "/people", "/second-look"):
            said = chief.opened(path).words
            assert not re.search(r"\d\d:\d\d(:\d\d)?Z|UTC", said), path
        assert "11:30 IST" in chief.opened("/log").words
        assert "11:30 IST" in chief.opened("/wires/w").words
        said = chief.opened(f"/stories/{story}").words
        assert "11:30 IST" in said
        assert "By the agency’s own clock 1 January 2026, 22:15 EST" in said
