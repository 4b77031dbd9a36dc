"""Atom 1.0, held against the grammar of RFC 4287 and read by a feed reader's parser."""

from io import BytesIO
from typing import Any

import feedparser
from hypothesis import given, settings
from lxml import etree

from publish import xml
from publish.document import frame
from publish.entry import compose
from publish.render import render
from publish.selection import metadata
from stories.config import Config
from stories.models import Category, Story
from tests.publish import hostile
from tests.publish.checks import NAMES, check_atom, parse
from tests.publish.samples import HEADLINE_ONLY, config, english, hindi, story, urdu, version

LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def document(*stories: Story, conf: Config | None = None) -> bytes:
    conf = conf or config()
    entries = [render(each, conf).atom for each in stories]
    updated = max((each.changed_at for each in stories), default=None)
    return frame(metadata(conf.feeds[0], conf, updated), "atom").join(entries)


def read(data: bytes) -> Any:
    return feedparser.parse(BytesIO(data), sanitize_html=False, resolve_relative_uris=False)


def texts(entry: etree._Element, path: str) -> list[str | None]:
    return [element.text for element in entry.iterfind(path, NAMES)]


def attributes(entry: etree._Element, path: str) -> list[dict[str, str]]:
    return [dict(element.attrib) for element in entry.iterfind(path, NAMES)]  # type: ignore[arg-type]


def test_an_entry_element_by_element() -> None:
    [entry] = check_atom(document(english()))
    value = render(english(), config()).entry
    assert texts(entry, "atom:id") == [english().guid]
    assert texts(entry, "atom:title") == ["Big GST Meet On Monday: All Eyes On Cess"]
    assert texts(entry, "atom:updated") == ["2026-11-22T13:07:30+00:00"]
    assert texts(entry, "atom:published") == ["2026-11-22T13:00:15+00:00"]
    assert texts(entry, "atom:author/atom:name") == ["By Asha Rao", "Press Trust of India"]
    assert texts(entry, "atom:summary") == ["33 members; rates < 28% & cess on the table"]
    assert texts(entry, "atom:rights") == ["© Press Trust of India"]
    assert texts(entry, "atom:content") == [
        f'{value.body}<p lang="en" dir="ltr"><i>{HEADLINE_ONLY}</i></p>'
    ]
    assert attributes(entry, "atom:content") == [{"type": "html", LANG: "en-IN"}]
    assert attributes(entry, "atom:title") == [{LANG: "en-IN"}]
    assert attributes(entry, "atom:link") == [
        {"href": value.url, "rel": "alternate", "type": "text/html"},
        {"href": "https://www.ptinews.example/story/417", "rel": "via"},
        {"href": "https://img.example/gst.mp4", "rel": "enclosure"},
    ]
    assert attributes(entry, "atom:category") == [
        {"term": "National", "scheme": "http://cv.iptc.example/subject/", "label": "National"},
        {"term": "Economy", "label": "Economy"},
        {"term": "gst"},
        {"term": "cess"},
    ]
    [source] = entry.findall("atom:source", NAMES)
    assert texts(source, "atom:title") == ["Press Trust of India"]
    assert texts(source, "atom:updated") == ["2026-11-22T13:05:30+00:00"]
    assert texts(source, "atom:id") == [value.source_id]
    assert attributes(source, "atom:link") == [{"href": "https://wire.example/"}]
    assert [m["url"] for m in attributes(entry, "media:content")] == [
        "https://img.example/gst.jpg?w=1200&h=675",
    ]
    assert {etree.QName(e).localname: e.text for e in entry.iterfind("wc:*", NAMES)} == {
        "editedHeadlineOnly": "true",
        "editScope": "headline-only",
        "agency": "Press Trust of India",
        "agencyId": "PTI2026112200417",
        "agencyVersion": "3",
    }


def test_as_a_feed_reader_sees_it() -> None:
    found = read(document(english(), hindi(), urdu()))
    assert not found.bozo
    assert (found.version, found.feed.title) == ("atom10", "India")
    assert found.feed.link == "https://feeds.ndtv.com/feeds/india"
    first, second, third = found.entries
    assert (first.id, first.link) == (english().guid, render(english(), config()).entry.url)
    assert first.author == "Press Trust of India"
    assert first.source.title == "Press Trust of India"
    assert first.content[0].value == render(english(), config()).entry.html
    assert first.content[0].type == "text/html"
    assert second.content[0].language == "hi"
    assert third.wirecopy_editscope == "headline-media"
    assert [link.rel for link in first.links] == ["alternate", "via", "enclosure"]


def test_a_source_without_an_address() -> None:
    [entry] = check_atom(document(story(version(link=None, wire="gone"))))
    assert [link["rel"] for link in attributes(entry, "atom:link")] == [
        "alternate",
        "enclosure",
    ]
    [source] = entry.findall("atom:source", NAMES)
    assert [etree.QName(e).localname for e in source] == ["id", "title", "updated"]


def test_a_scheme_that_is_no_iri_is_left_out() -> None:
    schemes = ("iptc", "javascript:x", "urn:x:y z", "urn:iptc:subject", "HTTPS://cv.example/a")
    categories = tuple(Category(label="L", scheme=scheme) for scheme in schemes)
    [entry] = check_atom(document(story(version(categories=categories, keywords=()))))
    assert [c.get("scheme") for c in attributes(entry, "atom:category")] == [
        None,
        None,
        None,
        "urn:iptc:subject",
        "HTTPS://cv.example/a",
    ]


def test_a_statement_stands_only_where_there_is_one() -> None:
    entry = render(english(), config()).entry
    assert b"statement" not in xml.atom_entry(entry)
    signed = xml.atom_entry(entry.model_copy(update={"statement": "eyJ.e30.c2ln"}))
    assert b"<wirecopy:statement>eyJ.e30.c2ln</wirecopy:statement>" in signed


def test_cdata_never_ends_early() -> None:
    entry = render(english(), config()).entry.model_copy(update={"body": "a]]>b"})
    assert b"<![CDATA[a]]&gt;b" in xml.atom_entry(entry)


def test_fragments_declare_no_namespace() -> None:
    fragment = render(english(), config()).atom
    assert fragment.startswith(b"<entry>")
    assert fragment.endswith(b"</entry>")
    assert b"xmlns" not in fragment


def test_an_empty_feed_says_it_was_never_updated() -> None:
    assert check_atom(document()) == []
    assert texts(parse(document()), "atom:updated") == ["1970-01-01T00:00:00+00:00"]


@settings(deadline=None)
@given(hostile.stories)
def test_no_story_breaks_the_feed(of: Story) -> None:
    value = compose(of, config()).model_copy(update={"headline": "H"})
    conf = config()
    data = frame(metadata(conf.feeds[0], conf, of.changed_at), "atom").join([xml.atom_entry(value)])
    [entry] = check_atom(data)
    html = value.html.replace("\r\n", "\n").replace("\r", "\n")
    assert (entry.findtext("atom:content", namespaces=NAMES) or "") == html
    assert texts(entry, "atom:summary") == ([value.summary] if value.summary else [])
    assert [c["term"] for c in attributes(entry, "atom:category")] == [
        *(c.label for c in value.categories),
        *value.keywords,
    ]
