"""What a wire states as dates, the whole way: shown as stated, or told that nobody can read it."""

import json
from datetime import timedelta

import pytest
from lxml import etree

from publish.served import served
from stories.db import Store, captures
from tests.conftest import ConfigOf
from tests.ingest.test_intake import feed
from tests.test_lost_text import House, house

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ATOM = "{http://www.w3.org/2005/Atom}"


def story(guid: str, dates: str, words: str = "The tide gauge was read.") -> str:
    return (
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{guid}</title>{dates}"
        f"<description>{words}</description></item>"
    )


def entry(updated: str, words: str = "The tide gauge was read.") -> bytes:
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>W</title><entry><title>Tide</title>'
        f"<id>urn:w:1</id><updated>{updated}</updated><content>{words}</content></entry></feed>"
    ).encode()


def dated(at: House) -> dict[str, str]:
    """When each entry says that it was published; the same in every format."""
    with at.store.read() as conn:
        rows = [served(conn, at.config, "all", form) for form in ("rss", "atom", "json")]
    rss, atom, plain = (row.body for row in rows if row is not None)
    items = json.loads(plain)["items"]
    found = {one["title"]: one["date_published"] for one in items}
    assert all(one["date_published"] <= one["date_modified"] for one in items)
    in_atom = etree.fromstring(atom).iter(f"{ATOM}entry")
    assert {e.findtext(f"{ATOM}title"): e.findtext(f"{ATOM}published") for e in in_atom} == found
    assert len(etree.fromstring(rss).findall(".//item/pubDate")) == len(found)
    return found


def notes(at: House, number: int) -> tuple[str, ...]:
    with at.store.read() as conn:
        capture = captures.get(conn, number)
    assert capture is not None
    return tuple(capture.notes)


def test_a_story_with_updated_alone_is_of_that_date(config: ConfigOf, store: Store) -> None:
    at = house(config, store)
    [number] = at.publish(entry("2025-11-12T06:00:00Z"))
    assert dated(at) == {"Tide": "2025-11-12T06:00:00+00:00"}
    assert notes(at, number) == ()
    came = at.now
    # Later it was published no later than it came, whatever it states as its last change.
    at.now += timedelta(days=1)
    at.publish(entry(f"{at.now:%Y-%m-%dT%H:%M:%SZ}", "The tide gauge was read twice."))
    assert dated(at) == {"Tide": f"{came:%Y-%m-%dT%H:%M}:00+00:00"}


def test_a_date_that_cannot_be_read_is_told_and_zero_is_none(
    config: ConfigOf, store: Store
) -> None:
    at = house(config, store)
    items = (
        story("named", "<pubDate>Fri, 14 Nov 2025 20:21:00 +0530 IST</pubDate>"),
        story("zone", "<pubDate>Fri, 14 Nov 2025 20:21:00 Asia/Kolkata</pubDate>"),
        story("zero", "<pubDate>Thu, 01 Jan 1970 00:00:00 GMT</pubDate>"),
        story("unread", "<pubDate>01/02/2025</pubDate>"),
        story("other", "<pubDate>soon</pubDate>"),
        story("invented", "<published_at>1763131860</published_at>"),
        story("second", "<pubDate>soon</pubDate><dcterms:issued"
              " xmlns:dcterms='http://purl.org/dc/terms/'>2025-11-14T14:51Z</dcterms:issued>"),
    )  # fmt: skip
    [number] = at.publish(feed(*items))
    stated = "2025-11-14T14:51:00+00:00"
    received = f"{at.now:%Y-%m-%dT%H:%M:%S}+00:00"
    assert dated(at) == {
        **dict.fromkeys(("named", "zone", "invented", "second"), stated),
        **dict.fromkeys(("zero", "unread", "other"), received),
    }
    [told] = notes(at, number)
    assert told.startswith("2 items, the first is item 4: states as “published” what cannot be")
    assert "“01/02/2025”" in told


def test_a_date_far_ahead_contradicts_nothing(config: ConfigOf, store: Store) -> None:
    at = house(config, store)
    at.publish(feed(story("far", "<pubDate>Mon, 21 Jan 2036 06:00:00 GMT</pubDate>")))
    came = f"{at.now:%Y-%m-%dT%H:%M:%S}+00:00"
    assert dated(at) == {"far": came}
    at.now += timedelta(days=1)
    words = "The tide gauge was read twice."
    at.publish(feed(story("far", "<pubDate>Mon, 21 Jan 2036 06:00:00 GMT</pubDate>", words)))
    assert dated(at) == {"far": came}
