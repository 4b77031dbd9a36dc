"""RSS 2.0, read by parsers that know nothing of what wrote it."""

import locale
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import feedparser
import pytest
from hypothesis import given, settings
from lxml import etree

from publish import xml
from publish.document import frame
from publish.entry import Entry, compose
from publish.render import render
from publish.selection import metadata
from stories.config import Config
from stories.models import Story
from tests.publish import hostile
from tests.publish.checks import NAMES, check_rss
from tests.publish.samples import HEADLINE_ONLY, config, english, hindi, story, urdu, version


def document(*stories: Story, conf: Config | None = None) -> bytes:
    conf = conf or config()
    entries = [render(each, conf).rss for each in stories]
    updated = max((each.changed_at for each in stories), default=None)
    return frame(metadata(conf.feeds[0], conf, updated), "rss").join(entries)


def read(data: bytes) -> Any:
    return feedparser.parse(BytesIO(data), sanitize_html=False, resolve_relative_uris=False)


def texts(item: etree._Element, path: str) -> list[str | None]:
    return [element.text for element in item.iterfind(path, NAMES)]


def test_an_ndtv_item_of_pti_copy_element_by_element() -> None:
    [item] = check_rss(document(english()))
    entry = render(english(), config()).entry
    assert texts(item, "title") == ["Big GST Meet On Monday: All Eyes On Cess"]
    assert texts(item, "link") == [entry.url]
    assert texts(item, "guid") == [english().guid]
    assert texts(item, "pubDate") == ["Sun, 22 Nov 2026 13:00:15 +0000"]
    assert texts(item, "atom:updated") == ["2026-11-22T13:07:30+00:00"]
    assert texts(item, "dc:creator") == ["By Asha Rao", "Press Trust of India"]
    assert texts(item, "dcterms:modified") == ["2026-11-22T13:07:30+00:00"]
    [via] = item.findall("atom:link", NAMES)
    assert dict(via.attrib.items()) == {
        "rel": "via",
        "href": "https://www.ptinews.example/story/417",
    }
    [enclosure] = item.findall("enclosure")  # sound or film first, the length of which is unknown
    assert dict(enclosure.attrib.items()) == {
        "url": "https://img.example/gst.mp4",
        "length": "0",
        "type": "video/mp4",
    }
    [thumbnail] = item.findall("media:thumbnail", NAMES)
    assert thumbnail.get("url") == "https://img.example/gst.jpg?w=1200&h=675"
    assert texts(item, "dc:language") == ["en-IN"]
    assert texts(item, "dc:rights") == ["© Press Trust of India"]
    assert texts(item, "description") == ["33 members; rates &lt; 28% &amp; cess on the table"]
    assert texts(item, "category") == ["National", "Economy", "gst", "cess"]
    assert [c.get("domain") for c in item.iterfind("category")] == [
        "http://cv.iptc.example/subject/",
        "pti-desk",
        None,
        None,
    ]
    [source] = item.findall("source")
    assert (source.text, source.get("url")) == (
        "Press Trust of India",
        "https://wire.example/",
    )
    [body] = texts(item, "content:encoded")
    assert body == f'{entry.body}<p lang="en" dir="ltr"><i>{HEADLINE_ONLY}</i></p>'
    assert [dict(m.attrib) for m in item.iterfind("media:content", NAMES)] == [
        {
            "url": "https://img.example/gst.jpg?w=1200&h=675",
            "medium": "image",
            "type": "image/jpeg",
            "width": "1200",
            "height": "675",
            "fileSize": "48213",
        },
        {"url": "https://img.example/gst.mp4", "medium": "video"},
    ]
    assert texts(item, "media:content/media:description") == [
        'Finance ministers at "Vigyan Bhavan"'
    ]
    assert texts(item, "media:content/media:credit") == ["PTI Photo"]
    assert {etree.QName(e).localname: e.text for e in item.iterfind("wc:*", NAMES)} == {
        "editedHeadlineOnly": "true",
        "editScope": "headline-only",
        "agency": "Press Trust of India",
        "agencyId": "PTI2026112200417",
        "agencyVersion": "3",
    }


def test_as_a_feed_reader_sees_it() -> None:
    found = read(document(english(), hindi(), urdu()))
    assert not found.bozo
    assert (found.version, found.feed.title) == ("rss20", "India")
    assert found.feed.link == "https://feeds.ndtv.com/feeds/india"
    assert [e.title for e in found.entries] == [
        each.headline for each in (english(), hindi(), urdu())
    ]
    first = found.entries[0]
    assert first.id == english().guid
    assert not first.guidislink
    assert first.author == "Press Trust of India"
    assert first.source == {
        "href": "https://wire.example/",
        "title": "Press Trust of India",
    }
    assert first.published_parsed[:6] == (2026, 11, 22, 13, 0, 15)
    assert first.updated_parsed[:6] == (2026, 11, 22, 13, 7, 30)
    assert [tag.term for tag in first.tags] == ["National", "Economy", "gst", "cess"]
    assert first.wirecopy_editscope == "headline-only"
    assert first.wirecopy_editedheadlineonly == "true"
    assert first.media_content[0]["url"] == "https://img.example/gst.jpg?w=1200&h=675"
    # feedparser files a picture's caption under content too: the story must come first.
    assert first.content[0].value == render(english(), config()).entry.html


def test_without_anything_optional() -> None:
    of = version(
        byline=None,
        summary=None,
        language=None,
        categories=(),
        keywords=(),
        media=(),
        rights=None,
        link=None,
        wire="gone",
    )
    [item] = check_rss(document(story(of)))
    names = [etree.QName(child).localname for child in item]
    assert names == [
        "title",
        "link",
        "description",
        "guid",
        "pubDate",
        "updated",
        "modified",
        "creator",
        "encoded",
        "firstWords",
        "editedHeadlineOnly",
        "editScope",
        "agency",
        "agencyId",
        "agencyVersion",
    ]


def test_a_body_with_everything_cdata_cannot_hold() -> None:
    body = '<p title="]]>">x]]>y &lt;![CDATA[ ]]&gt;</p>'
    [item] = check_rss(document(story(version(body=body))))
    [text] = texts(item, "content:encoded")
    assert text
    assert "x]]&gt;y &lt;![CDATA[ ]]&gt;" in text


def test_cdata_never_ends_early() -> None:
    entry = render(english(), config()).entry.model_copy(update={"body": "a]]>b"})
    written = xml.rss_item(entry.model_copy(update={"disclosure": "c]]>d"}))
    assert b"a]]&gt;b" in written
    assert b"c]]&gt;d" in written


def test_a_statement_stands_only_where_there_is_one() -> None:
    entry = render(english(), config()).entry
    assert b"statement" not in xml.rss_item(entry)
    signed = xml.rss_item(entry.model_copy(update={"statement": "eyJ.e30.c2ln"}))
    assert b"<wirecopy:statement>eyJ.e30.c2ln</wirecopy:statement>" in signed


def test_no_date_goes_through_the_process_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the locale is the whole process's")

    monkeypatch.setattr(locale, "setlocale", refuse)
    check_rss(document(english()))


def test_dates_of_every_year() -> None:
    old = datetime(987, 6, 5, 4, 3, 2, tzinfo=UTC)
    [item] = check_rss(document(story(version(published=old))))
    assert texts(item, "pubDate") == ["Tue, 05 Jun 0987 04:03:02 +0000"]


def test_fragments_declare_no_namespace() -> None:
    fragment = render(english(), config()).rss
    assert fragment.startswith(b"<item>")
    assert fragment.endswith(b"</item>")
    assert b"xmlns" not in fragment


def test_huge_bodies() -> None:
    body = "<p>वित्त मंत्री ने कहा कि परिषद की बैठक होगी।</p>" * 20_000
    data = document(story(version(body=body)))
    assert len(data) > 2_000_000
    check_rss(data)


@settings(deadline=None)
@given(hostile.stories)
def test_no_story_breaks_the_feed(of: Story) -> None:
    entry = compose(of, config()).model_copy(update={"headline": "H"})
    fragment = xml.rss_item(entry)
    conf = config()
    [item] = check_rss(frame(metadata(conf.feeds[0], conf, of.changed_at), "rss").join([fragment]))
    assert_same(item, entry)


def assert_same(item: etree._Element, entry: Entry) -> None:
    def crlf(text: str) -> str:  # XML 1.0 §2.11
        return text.replace("\r\n", "\n").replace("\r", "\n")

    assert item.findtext("title") == entry.headline
    assert texts(item, "dc:creator") == [
        author for author in (entry.byline, entry.agency) if author
    ]
    assert (item.findtext("content:encoded", namespaces=NAMES) or "") == crlf(entry.html)
    assert (item.findtext("dc:rights", namespaces=NAMES) or None) == entry.rights
    assert [c.text for c in item.iterfind("category")] == [
        *(c.label for c in entry.categories),
        *entry.keywords,
    ]
    assert [m.get("url") for m in item.iterfind("media:content", NAMES)] == [
        m.url for m in entry.media
    ]
