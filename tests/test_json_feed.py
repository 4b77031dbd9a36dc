"""A wire of JSON Feed the whole way: polled from a server, taken in, published with what was
measured."""

import json
from typing import Any

import pytest

from desk.headline import rewrite
from publish import renderer
from publish.served import served
from stories import clock
from tests.test_hostile import House, house  # noqa: F401  the fixture

JSON = {"Content-Type": "application/feed+json"}
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def entries(at: House, name: str = "all") -> dict[str, dict[str, Any]]:
    with at.store.read() as conn:
        row = served(conn, at.config, name, "json")
    assert row is not None
    return {entry["title"]: entry for entry in json.loads(row.body)["items"]}


def publish(at: House, *items: Any) -> None:
    document = {"version": "https://jsonfeed.org/version/1.1", "title": "Agency", "items": items}
    at.server.answer("/bad.rss", json.dumps(document).encode(), JSON)
    assert at.work() == "ok"


RAIN = {
    "id": 7,
    "url": "https://agency.example/7",
    "title": "Rain & wind",
    "content_html": "<p>It rained.</p><p>Then wind came.</p>",
    "summary": "Weather.",
    "tags": ["Weather"],
    "date_published": "2026-11-22T06:00:00+05:30",
}


def test_a_wire_of_json_feed_is_published_with_what_was_measured(house: House) -> None:  # noqa: F811
    wind = {"id": "8", "title": "Wind", "content_text": "It blew.\n\nWords < 5."}
    publish(house, RAIN, 42, wind, {"id": "9", "title": "Lost", "content_html": ["x" * 200]})
    assert house.capture().state == "ingested"
    assert house.problems() == [(1, "item-unreadable"), (3, "text-lost")]
    assert house.wire().fault is None
    with clock.reading(lambda: house.now):
        rewrite(house.store, house.stories()[1].id, "By the desk", "Asha")
        renderer.render_waiting(house.store, house.config)
    shown = entries(house)
    assert set(shown) == {"Rain & wind", "By the desk", "Good news"}
    rain, desk = shown["Rain & wind"], shown["By the desk"]
    assert rain["_wirecopy"]["edit_scope"] == "verbatim"
    assert rain["_wirecopy"]["agency_id"] == "7"
    assert rain["content_html"].startswith("<p>It rained.</p><p>Then wind came.</p>")
    assert (rain["summary"], rain["tags"]) == ("Weather.", ["Weather"])
    assert rain["date_published"] == "2026-11-22T00:30:00+00:00"
    assert desk["_wirecopy"]["edit_scope"] == "headline-only"
    assert desk["_wirecopy"]["wire_headline"] == "Wind"
    assert desk["content_html"].startswith("<p>It blew.</p>\n<p>Words &lt; 5.</p>")
