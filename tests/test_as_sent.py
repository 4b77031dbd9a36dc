"""What is published stands in the characters it came with: they are folded only to compare. What
shows nothing is no headline, and what turns the direction of text turns nothing behind it."""

import json
import unicodedata
from html import escape
from typing import Any

import pytest
from lxml import etree

from desk import status as standing
from desk.headline import HeadlineError, rewrite
from publish.served import served
from stories import clock
from stories.db import Store
from tests.conftest import ConfigOf
from tests.ingest.test_intake import feed
from tests.test_lost_text import House, house
from wirecopy.feed import read_feed
from wirecopy.text import plain

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BODY = "<p>The pilots met at the outer buoy.</p>"
KEPT = {
    "no-break": "Tempête\xa0: le port «\u202ffermé\u202f»\xa0?",
    "ideographic": "港長\u3000会見へ\u3000午後",
    "thin": "10\u2009000 tonnes at 5\u202f%",
    "compatible": "\ufa19田港が再開",
    "decomposed": unicodedata.normalize("NFD", "Müller fährt über Åland"),
    "joiners": "क्\u200dष और می\u200cرود",
    "variation": "Sun ☀\ufe0f and ☀\ufe0e",
}
UNSEEN = ["\u200b", "\u200e\u200f", "\xad\u2060", "\u3164", "\ufeff \u2800"[:2], "\U000e0020\ufe0f"]


def item(guid: str, title: str, body: str = BODY, beside: str = "") -> str:
    return (
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{title}</title>{beside}"
        f"<description>{escape(body)}</description></item>"
    )


def titles(at: House) -> list[list[str]]:
    """The headlines of the entries, in each format."""
    with at.store.read() as conn:
        rows = [served(conn, at.config, "all", form) for form in ("rss", "atom", "json")]
    return [[entry.headline for entry in read_feed(row.body)] for row in rows if row is not None]


def entries(at: House) -> dict[str, dict[str, Any]]:
    with at.store.read() as conn:
        row = served(conn, at.config, "all", "json")
    assert row is not None
    return {one["_wirecopy"]["agency_id"]: one for one in json.loads(row.body)["items"]}


@pytest.mark.parametrize("markup", [False, True])
def test_headlines_keep_their_characters(config: ConfigOf, store: Store, *, markup: bool) -> None:
    at = house(config, store)
    wrap = "&lt;b&gt;{}&lt;/b&gt;" if markup else "\n {} "
    sent = [
        item(guid, wrap.format(text), beside=f"<author>{text}</author><category>{text}</category>")
        for guid, text in KEPT.items()
    ]
    at.publish(feed(*sent))
    for shown in titles(at):
        assert sorted(shown) == sorted(KEPT.values())
    for guid, one in entries(at).items():
        assert one["_wirecopy"]["edit_scope"] == "verbatim"
        assert one["tags"] == [KEPT[guid]]
    # The same in other characters of the same meaning is no news.
    again = [
        item(guid, plain(text), beside=f"<author>{plain(text)}</author><category>{text}</category>")
        for guid, text in KEPT.items()
    ]
    at.publish(feed(*again))
    assert {story.number for story in at.stories().values()} == {1}


def test_the_desk_keeps_what_it_typed(config: ConfigOf, store: Store) -> None:
    at = house(config, store)
    at.publish(feed(item("a", "Plain")))
    [story] = at.stories().values()
    with clock.reading(lambda: at.now):
        rewrite(store, story.id, " " + KEPT["no-break"], "Asha")
    at.render()
    assert titles(at) == [[KEPT["no-break"]]] * 3


def test_plain_text_keeps_its_characters(config: ConfigOf, store: Store) -> None:
    at = house(config, store)
    at.publish(feed(item("a", "Plain", "\n\n".join(KEPT.values()))))
    html = entries(at)["a"]["content_html"]
    for text in KEPT.values():
        assert text in html.replace("&nbsp;", "\xa0")


def test_what_shows_nothing_is_no_headline(config: ConfigOf, store: Store) -> None:
    at = house(config, store)
    sent = [item(f"u{n}", text) for n, text in enumerate(UNSEEN)]
    at.publish(feed(*sent, item("seen", "Pier \u200b closes")))
    assert titles(at) == [["Pier \u200b closes"]] * 3
    told = standing.as_data(standing.gather(at.config, store, at.now))
    assert told["no_headline"] == len(UNSEEN)
    assert all(story.received is not None for story in at.stories().values())
    with clock.reading(lambda: at.now):
        with pytest.raises(HeadlineError, match="shows nothing"):
            rewrite(store, at.stories()["u0"].id, "\u200b", "Asha")
        rewrite(store, at.stories()["u0"].id, "Seen", "Asha")
    at.render()
    assert sorted(titles(at)[0]) == ["Pier \u200b closes", "Seen"]


def test_an_item_that_shows_nothing_at_all_is_refused(config: ConfigOf, store: Store) -> None:
    at = house(config, store)
    at.publish(feed(item("u", "\u200b", "<p>\u2060</p>"), item("seen", "Seen")))
    assert titles(at) == [["Seen"]] * 3
    assert set(at.stories()) == {"seen"}


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("\u202e41 dead", "\u202e41 dead\u202c"),
        ("\u202b41 \u2067dead", "\u202b41 \u2067dead\u2069\u202c"),
        ("\u2068one\u2069 \u202dtwo", "\u2068one\u2069 \u202dtwo\u202c"),
        ("\u2066one \u202etwo\u2069 three", "\u2066one \u202etwo\u2069 three"),
        ("\u202eone\u202c two", "\u202eone\u202c two"),
        ("one\u202c\u2069 two\u200f", "one\u202c\u2069 two\u200f"),
    ],
)
def test_no_override_reaches_out(config: ConfigOf, store: Store, sent: str, shown: str) -> None:
    at = house(config, store)
    beside = f"<author>{sent}</author><category>{sent}</category>"
    at.publish(feed(item("a", sent, f"<p>{sent}</p>", beside)))
    assert titles(at) == [[shown]] * 3
    [one] = entries(at).values()
    assert one["_wirecopy"]["edit_scope"] == "verbatim"
    assert one["_wirecopy"]["byline"] == shown
    assert one["tags"] == [shown]
    # In a body the ends of blocks end it.
    assert f"<p>{sent}</p>" in one["content_html"]
    with at.store.read() as conn:
        row = served(conn, at.config, "all", "rss")
    assert row is not None
    description = etree.fromstring(row.body).findtext(".//item/description")
    assert description is None  # cut, it could turn what follows
