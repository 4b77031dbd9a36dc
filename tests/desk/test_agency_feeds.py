"""The simulated agency's formats, read back by parsers that are not its own."""

import io
from typing import Any

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from desk.demo import feeds, newswire, pages
from desk.demo.items import EPOCH, WireItem, instant
from desk.demo.newswire import Script
from tests.desk.agency import stories_at

SITE = "http://127.0.0.1:8099"
NS = {
    "a": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
    "r": "http://purl.org/rss/1.0/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "sim": "tag:agency.invalid,2026:",
}


def channel(ending: str, wire: str = "national", moment: float = 0.0) -> feeds.Channel:
    return feeds.Channel(wire, f"{SITE}/wires/{wire}.{ending}", SITE, instant(EPOCH, moment), 1)


def texts(feed: bytes, path: str) -> list[str]:
    """The texts of the elements at *path*, by a strict XML parser."""
    found = etree.fromstring(feed).xpath(path, namespaces=NS)
    assert isinstance(found, list)
    return [str(getattr(node, "text", node) or "") for node in found]


def parsed(feed: bytes) -> Any:
    result = feedparser.parse(io.BytesIO(feed), sanitize_html=False, resolve_relative_uris=False)
    assert not result.bozo
    return result


shows = st.builds(
    lambda seed, wire, moment: stories_at(Script(seed, site=SITE), wire, moment),
    st.integers(0, 2**40),
    st.integers(0, 2),
    st.floats(0, 20_000),
)


@given(shows)
@settings(deadline=None, max_examples=25)
def test_three_formats_carry_the_same_items(items: tuple[WireItem, ...]) -> None:
    guids = [item.guid for item in items]
    headlines = [item.headline for item in items]
    bodies = [item.body for item in items]
    rss = feeds.rss(channel("rss"), items)
    assert texts(rss, "//item/guid") == guids
    assert texts(rss, "//item/title") == headlines
    assert texts(rss, "//item/content:encoded") == bodies
    atom = feeds.atom(channel("atom"), items)
    assert texts(atom, "//a:entry/a:id") == guids
    assert texts(atom, "//a:entry/a:title") == headlines
    assert texts(atom, "//a:entry/a:content") == bodies
    rdf = feeds.rdf(channel("rdf"), items)
    assert texts(rdf, "//r:item/dc:identifier") == guids
    assert texts(rdf, "//r:item/r:title") == headlines
    assert texts(rdf, "//r:item/content:encoded") == bodies
    assert texts(rdf, "//rdf:li/@rdf:resource") == texts(rdf, "//r:item/@rdf:about")


@given(shows)
@settings(deadline=None, max_examples=10)
def test_feedparser_reads_every_format(items: tuple[WireItem, ...]) -> None:
    for ending, version in (("rss", "rss20"), ("atom", "atom10"), ("rdf", "rss10")):
        result = parsed(feeds.FORMATS[ending][1](channel(ending), items))
        assert result.version == version
        assert result.feed.title == "Simulated Press Agency — national (simulation)"
        assert [entry.link for entry in result.entries] == [item.link for item in items]
        dated = "published_parsed" if ending == "rss" else "updated_parsed"
        dates = [entry[dated] for entry in result.entries]
        assert [tuple(date)[:6] for date in dates] == [
            item.dated.utctimetuple()[:6] for item in items
        ]


def test_an_rss_item_element_by_element() -> None:
    items = stories_at(Script(site=SITE), 0, 25)
    feed = feeds.rss(channel("rss", moment=25), items)
    assert texts(feed, "/rss/channel/copyright") == ["Simulated; no rights"]
    assert texts(feed, "/rss/channel/ttl") == ["1"]
    assert texts(feed, "/rss/channel/lastBuildDate") == ["Sun, 22 Nov 2026 09:00:25 +0530"]
    assert texts(feed, "/rss/channel/a:link/@href") == [f"{SITE}/wires/national.rss"]
    for path, expected in {
        "//item[1]/title": "All 43 aboard drifting ferry brought ashore at Port Amaravani",
        "//item[1]/link": f"{SITE}/stories/1-2",
        "//item[1]/guid": "tag:agency.invalid,2026:1-2",
        "//item[1]/guid/@isPermaLink": "false",
        "//item[1]/pubDate": "Sun, 22 Nov 2026 09:00:25 +0530",
        "//item[1]/dc:creator": "SIM",
        "//item[1]/source": "Simulated Press Agency",
        "//item[1]/source/@url": f"{SITE}/wires/national.rss",
        "//item[1]/category": "National",
        "//item[1]/media:keywords": "ferry, harbour, rescue",
        "//item[1]/dc:language": "en",
        "//item[1]/dc:rights": "Simulated; no rights",
        "//item[1]/sim:slugline": "FERRY-DRIFT",
        "//item[1]/sim:urgency": "2",
        "//item[1]/media:content/@url": f"{SITE}/pictures/2.svg",
        "//item[1]/media:content/media:credit": "SIMULATED PICTURE",
        "//item[2]/guid": "",
        "//item[3]/title": "Museum of Bells & Lamps shows 64 objects that once kept time",
        "//item[3]/dc:creator": "Asha Bellare, SIM",
        "//item[7]/slash:comments": "1",
    }.items():
        assert texts(feed, path) == [expected], path


def test_an_atom_entry_keeps_the_first_date_beside_the_last() -> None:
    feed = feeds.atom(channel("atom"), stories_at(Script(site=SITE), 0, 25))
    assert texts(feed, "//a:entry[1]/a:published") == ["2026-11-22T08:34:00+05:30"]
    assert texts(feed, "//a:entry[1]/a:updated") == ["2026-11-22T09:00:25+05:30"]
    assert texts(feed, "/a:feed/a:rights") == ["Simulated; no rights"]


def test_rdf_dates_are_utc() -> None:
    feed = feeds.rdf(channel("rdf"), stories_at(Script(site=SITE), 0, 25))
    assert texts(feed, "//r:item[1]/dc:date") == ["2026-11-22T03:30:25Z"]


@pytest.mark.parametrize("ending", ["rss", "atom", "rdf"])
def test_text_that_tempts_a_string_builder(ending: str) -> None:
    [item, *_] = stories_at(Script(site=SITE), 0, 0)
    fields = {name: getattr(item, name) for name in item.__slots__}
    hostile = WireItem(**fields | {"headline": 'A <b> & "c"', "body": "<p>x ]]> y</p>"})
    feed = feeds.FORMATS[ending][1](channel(ending, wire="a&b"), [hostile])
    titles = texts(feed, "//*[local-name()='item' or local-name()='entry']/*[local-name()='title']")
    assert titles == ['A <b> & "c"']
    bodies = texts(feed, "//*[local-name()='encoded' or local-name()='content'][not(@url)]")
    assert bodies == ["<p>x ]]> y</p>"]


@given(st.integers(0, 10**9))
@settings(deadline=None, max_examples=30)
def test_pictures_are_svg_and_say_what_they_are(number: int) -> None:
    root = etree.fromstring(pages.picture(number))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert f"SIMULATED PICTURE {number}" in "".join(map(str, root.itertext()))


def test_a_story_page_shows_the_story_under_the_banner() -> None:
    item = newswire.story_at(Script(site=SITE), 8, 100)
    assert item is not None
    html = pages.story(item).decode()
    assert "THIS IS A SIMULATION" in html
    assert item.headline in html
    assert item.body in html
    assert 'dir="rtl"' in html
