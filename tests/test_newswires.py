"""Wires in the formats of news agencies the whole way: polled from a server, taken in, published
with what was measured; what must not be published is not."""

import json
from dataclasses import replace
from typing import Any

import pytest

from desk.demo.news_xml import g2_item, g2_message
from publish.served import served
from tests.ingest.formats.test_news_formats import ALL, RAIN
from tests.test_hostile import House, house  # noqa: F401  the fixture

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def entries(at: House) -> dict[str, dict[str, Any]]:
    with at.store.read() as conn:
        row = served(conn, at.config, "all", "json")
    assert row is not None
    return {entry["title"]: entry for entry in json.loads(row.body)["items"]}


def publish(at: House, body: bytes) -> None:
    at.server.answer("/bad.rss", body, {"Content-Type": "text/html"})
    assert at.work() == "ok"


@pytest.mark.parametrize("name", ALL)
def test_a_wire_is_published_with_what_was_measured(name: str, house: House) -> None:  # noqa: F811
    publish(house, ALL[name](RAIN))
    assert (house.capture().state, house.problems()) == ("ingested", [])
    entry = entries(house)[RAIN.headline]
    assert entry["_wirecopy"]["edit_scope"] == "verbatim"
    assert entry["_wirecopy"]["agency_id"] == house.stories()[0].version.agency_id
    assert "The end of it" in entry["content_html"]
    # The same file under another name, and once more, is no news.
    publish(house, ALL[name](RAIN) + (b"\n" if name not in ("g2 nitf",) else b"\n\0"))
    assert (house.capture().new, house.capture().updated) == (0, 0)
    assert house.capture().items == 1


def test_a_killed_version_is_not_published(house: House) -> None:  # noqa: F811
    other = replace(RAIN, guid="urn:newsml:agency.example:20261122:2", headline="Another")
    killed = replace(RAIN, status="canceled", headline="Kill: rain")
    publish(house, g2_message(g2_item(killed), g2_item(other)).encode())
    assert house.problems() == [(0, "item-canceled")]
    assert set(entries(house)) == {"Good news", "Another"}
    assert house.wire().fault is None
