import html
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import feedparser
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest import formats
from ingest import parse as reading
from ingest.decide import headline
from ingest.formats import rss_atom
from ingest.formats.item_spans import spans
from ingest.item import TOGETHER, Contents, Frame, Hints, Item, ItemSignals, Parsed
from ingest.normalize import normalize
from stories.config import Wire
from stories.errors import ParseError
from wirecopy.feed import OWN

HINTS = Hints(url="https://wire.example/feed.xml")
WIRE = Wire(name="wire", url="https://wire.example/feed.xml")
FEEDS = [p.read_bytes() for p in sorted((Path(__file__).parents[1] / "data").glob("*.xml"))]


def parse(body: str | bytes, **hints: Any) -> Parsed:
    data = body.encode() if isinstance(body, str) else body
    known = replace(HINTS, **hints)
    return formats.choose(data, known).parse(data, known)


def rss(*items: str, channel: str = "", root: str = "") -> str:
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f'<rss version="2.0"{root}><channel>{channel}{inside}</channel></rss>'


def only(item: str, **around: str) -> Item:
    (found,) = parse(rss(item, **around)).items
    return found


def atom(entry: str) -> Item:
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><entry>{entry}</entry></feed>'
    (found,) = parse(feed).items
    return found


@pytest.mark.parametrize(
    ("body", "state", "told"),
    [
        (b"", "empty", "empty"),
        (b" \r\n\t", "empty", "empty"),
        (b"\xef\xbb\xbf", "empty", "empty"),
        (b"<!DOCTYPE html><html><head><title>Log &amp; in</title>", "not-a-feed", "“Log & in”"),
        (
            b"<html xmlns='http://www.w3.org/1999/xhtml'><p>x</p></html>",
            "not-a-feed",
            "an HTML page",
        ),
        (b"<h1>502 Bad Gateway</h1>", "not-a-feed", "an HTML page"),
        (b"<opml version='2.0'/>", "not-a-feed", "OPML"),
        (b"<Error><Code>NoSuchKey</Code></Error>", "not-a-feed", "root element is <error>"),
        (b'<feed xmlns="urn:goods"/>', "not-a-feed", "in the namespace urn:goods"),
        (b"<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>", "not-a-feed", "<rdf>"),
        (b'{"version": "https://jsonfeed.org/version/1.1"}', "not-a-feed", "JSON"),
        (b'\xef\xbb\xbf {"error": "<p>No such feed</p>"}', "not-a-feed", "JSON"),
        ('{"error": "<rss>"}'.encode("utf-16-be"), "not-a-feed", "JSON"),
        (b"Service unavailable", "not-a-feed", "text that begins “Service unavailable”"),
        (b"\x1f\x8b\x08\x00", "not-a-feed", "gzip"),
        (b"\x00\x01\x02\x03", "not-a-feed", "binary"),
        (b"<channel><title>Quay</title></channel>", "not-a-feed", "(<channel>)"),
        (b"<channel xmlns='urn:own'><story>x</story></channel>", "not-a-feed", "(<channel>)"),
        (b"<feed><news><title>t</title></news></feed>", "not-a-feed", "(<feed>)"),
        (b"<rss><error>No such key</error></rss>", "not-a-feed", "<error> stands where"),
        (
            b"<rss version='2.0'><channel><title>Quay</title><story><title>t</title></story>"
            b"</channel></rss>",
            "not-a-feed",
            "<story> stands where an item should",
        ),
        (
            b"<feed xmlns='http://www.w3.org/2005/Atom'><a:doc xmlns:a='urn:a'><a:headline/>"
            b"</a:doc></feed>",
            "not-a-feed",
            "<doc> stands where an item should",
        ),
        (b"<rss version='2.0'><channel><title>Cut", "malformed", "no whole item"),
        (b"<rss><channel></rss>", "malformed", "no whole item"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>Cut", "malformed", "<feed>"),
    ],
)
def test_what_is_no_feed_is_named(body: bytes, state: str, told: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(body)
    assert caught.value.state == state
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('<rss version="2.0"/>', "rss20"),
        ('<rss version="0.92"><channel><title>Quiet</title></channel></rss>', "rss092"),
        ('<feed xmlns="http://www.w3.org/2005/Atom"><title>Quiet</title></feed>', "atom10"),
        (
            '<rss version="2.0"><channel><title>Quiet</title><image><title>Quiet</title></image>'
            "<textInput><title>Find</title></textInput></channel></rss>",
            "rss20",
        ),
        ('<a:feed xmlns:a="http://www.w3.org/2005/Atom"/>', "atom10"),
        (
            '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
            ' xmlns="http://purl.org/rss/1.0/"><channel/></r:RDF>',
            "rss10",
        ),
    ],
)
def test_a_feed_without_items_is_no_error(body: str, kind: str) -> None:
    parsed = parse(body)
    assert (parsed.format, parsed.items, parsed.notes) == (kind, (), ())


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("AT&amp;T", "AT&T"),
        ("<![CDATA[AT&T]]>", "AT&T"),
        ("AT&T", "AT&T"),
        ("5 &lt; 6", "5 < 6"),
        ("5 < 6", "5 < 6"),
        ("Q&amp;amp;A", "Q&A"),
        ("<![CDATA[Q&amp;A]]>", "Q&A"),
        ("Q&amp;amp;amp;A", "Q&amp;A"),
        ("How to use &lt;b&gt;", "How to use <b>"),
        ("&lt;b&gt;Bold&lt;/b&gt; move", "Bold move"),
        ("<b>Bold</b> move", "Bold move"),
        ("caf&eacute;", "café"),
        ("India&#146;s", "India’s"),
        ("<![CDATA[India&#8217;s]]>", "India’s"),
        ("Real CafÃ©", "Real CafÃ©"),
        (" \n Padded\n\n title ", "Padded title"),
        ("<![CDATA[Two]]> <![CDATA[parts]]>", "Two parts"),
        ("Bell &#7;&#1114112; &#55296;", "Bell \ufffd \ufffd"),
        ("Null\0 and \x0b bell", "Null and bell"),
        ("क्षेत्र\u200dज \u200c", "क्षेत्र\u200dज \u200c"),
    ],
)
def test_headlines_are_exact(title: str, words: str) -> None:
    assert headline(only(f"<title>{title}</title>")) == words


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Six <del>five</del> dead", "Six dead"),
        ("Six <s>five</s> <strike>four</strike> dead", "Six dead"),
        ('<b style="text-decoration: line-through">Five</b> Six dead', "Six dead"),
        ('<span style="display:none">Eds: <b>hold</b> it</span>Rain', "Rain"),
        ("<span hidden='hidden'>Eds: <span>hold</span> it</span>Rain", "Rain"),
        ("<q>Guilty</q>, says mayor", "“Guilty”, says mayor"),
        ("<q>He said <q>no</q> &amp; left</q>", "“He said ‘no’ & left”"),
        ("<!--StartFragment-->Rain<!--EndFragment-->", "Rain"),
        ("<!-- a --><b>Rain</b> &lt;del&gt; it", "Rain <del> it"),
        ("10<sup>6</sup> missing", "10⁶ missing"),
        ("10<sup><i>-12</i></sup> and 10<sup>2.5</sup>", "10⁻¹² and 10^2.5"),
        ("The 1<sup>st</sup> of CO<sub>2</sub>", "The 1st of CO2"),
        ("Six <ins>five</ins> <mark>dead</mark>", "Six five dead"),
    ],
)
def test_headlines_are_what_a_reader_sees_of_them(title: str, words: str) -> None:
    spelt = html.escape(title)
    for body in (
        rss(f"<guid>a</guid><title>{spelt}</title><description>Words of it.</description>"),
        f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>a</id><title type="html">{spelt}'
        "</title><content>Words of it.</content></entry></feed>",
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>a</id><title type="xhtml"><div'
        f' xmlns="http://www.w3.org/1999/xhtml">{title}</div></title><content>Words of it.'
        "</content></entry></feed>",
    ):
        (found,) = reading.parse(body.encode(), HINTS, WIRE).found
        assert (found.version.headline, found.keys.headline) == (words, words)
        assert found.received is not None, "both readings of it agree"


@pytest.mark.parametrize(
    "title", ["Use of <del> tag rises", "1 < 2", "<q> or not", "Use of <!-- in HTML", "<!-- a -->"]
)
def test_headlines_that_only_speak_of_markup_stay(title: str) -> None:
    body = rss(f"<guid>a</guid><title>{html.escape(title)}</title><description>W</description>")
    (found,) = reading.parse(body.encode(), HINTS, WIRE).found
    assert found.version.headline == title
    assert found.received is not None


@pytest.mark.parametrize(
    ("construct", "words"),
    [
        ("<title>AT&amp;T</title>", "AT&T"),
        ("<title>Q&amp;amp;A</title>", "Q&amp;A"),
        ('<title type="text">&lt;b&gt;x</title>', "<b>x"),
        ('<title type="html">AT&amp;amp;T &amp;lt;b&amp;gt;</title>', "AT&T <b>"),
        ('<title type="html">&lt;em&gt;x&lt;/em&gt;</title>', "x"),
        (
            '<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">a &lt; <i>b</i></div>'
            "</title>",
            "a < b",
        ),
    ],
)
def test_atom_text_constructs_are_honoured(construct: str, words: str) -> None:
    assert headline(atom(construct)) == words


@pytest.mark.parametrize(
    ("item", "body", "summary"),
    [
        ("<description>d</description>", "d", ""),
        (
            "<description>d</description><c:encoded>e</c:encoded>",
            "e",
            "d",
        ),
        ("<c:encoded> </c:encoded><description>d</description>", "d", ""),
        ("<c:encoded>&lt;img src='x'&gt;</c:encoded><description>d</description>", "d", ""),
        ("<c:encoded>&lt;img src='x'&gt;</c:encoded>", "<img src='x'>", ""),
        ("<description>d</description><story>s</story>", "s", "d"),
        ("<description>d</description><fullstory>s</fullstory>", "s", "d"),
        ("<description>d</description><m:description>caption</m:description>", "d", ""),
        ("<m:description>caption</m:description>", "", ""),
        (
            "<description>d</description>"
            "<x:body xmlns:x='http://www.w3.org/1999/xhtml'><x:p>b</x:p></x:body>",
            "<p>b</p>",
            "d",
        ),
        ("<description>One <b>two</b><br/>&lt;3</description>", "One <b>two</b><br>&lt;3", ""),
        ("<description><p>a</p><p>b</description>", "<p>a</p><p>b", ""),
        ("<description><![CDATA[<p>a ]]]]><![CDATA[> b</p>]]></description>", "<p>a ]]> b</p>", ""),
    ],
)
def test_the_body_is_the_fullest_text(item: str, body: str, summary: str) -> None:
    spaces = ' xmlns:c="http://purl.org/rss/1.0/modules/content/" xmlns:m="http://search.yahoo.com/mrss/"'
    found = only(f"<title>t</title>{item}", root=spaces)
    assert (found.body, found.summary) == (body, summary)


@pytest.mark.parametrize(
    ("content", "body", "is_html"),
    [
        ("<content>a &lt; b</content>", "a < b", False),
        ('<content type="html">&lt;p&gt;a&lt;/p&gt;</content>', "<p>a</p>", True),
        ('<content type="text/html">&lt;p&gt;a&lt;/p&gt;</content>', "<p>a</p>", True),
        ('<content type="text/plain">a</content>', "a", False),
        (
            '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">'
            '<p a="&quot;">a</p></div></content>',
            '<p a="&quot;">a</p>',
            True,
        ),
        (
            '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">a</div>b</content>',
            "<div>a</div>b",
            True,
        ),
        ('<content type="image/png" src="x.png"/>', "", False),
        ('<content type="application/pdf">JVBERi0=</content>', "", False),
        ('<content type="text/html" mode="base64">PHA+YTwvcD4=</content>', "<p>a</p>", True),
        ('<content type="text/html" mode="base64">***</content>', "", True),
    ],
)
def test_atom_content_is_read_by_its_type(content: str, body: str, is_html: bool) -> None:
    found = atom(f"<title>t</title>{content}")
    assert (found.body, found.body_html or not body) == (body, is_html or not body)


def test_who_is_told_apart() -> None:
    found = only(
        "<title>t</title><author>a@x.example (Ann)</author><dc:creator>Cy</dc:creator>"
        "<dc:creator>Di</dc:creator><source>PTI</source><source url='https://u.example'>UNI</source>"
        "<credit>AFP</credit><itunes:author>Pod</itunes:author>"
        "<media:content url='https://c.example/p.jpg'><media:credit>Lens</media:credit></media:content>",
        root=' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"',
    )
    assert found.authors == ("a@x.example (Ann)",)
    assert found.creators == ("Cy", "Di")
    assert found.sources == ("PTI", "UNI")
    assert found.credits == ("AFP",)
    assert found.media[0].credit == "Lens"


def test_dates_come_in_the_order_to_be_tried() -> None:
    found = only(
        "<title>t</title><updatedAt>5</updatedAt><dc:date>3</dc:date><pubdate>1</pubdate>"
        "<published>2</published><dcterms:modified>6</dcterms:modified>"
        "<dcterms:issued>4</dcterms:issued>"
    )
    assert found.published == ("1", "2", "4", "3")
    assert found.updated == ("5", "6")


@pytest.mark.parametrize(
    ("stated", "until"),
    [
        (["2026-01-01T20:00:00Z"], "2026-01-01T20:00:00Z"),
        (["2026-01-02"], "2026-01-02"),
        (["2026-01-01"], "2026-01-01"),  # it begins at noon where the day begins last
        (["start=2026-01-01T20:00Z; end=2026-03-01; scheme=W3C-DTF;"], "2026-01-01T20:00Z"),
        (["name=Lent; start = 2026-03-01T00:00:00Z;"], "2026-03-01T00:00:00Z"),
        (["2026-01-01T20:00:00Z;end=2026-03-01"], "2026-01-01T20:00:00Z"),
        (["2026-01-01T20:00:00Z/2026-03-01"], "2026-01-01T20:00:00Z"),
        (["2026-01-01T05:00:00Z", "2026-01-01T21:00:00Z"], "2026-01-01T21:00:00Z"),
        (["2026-01-01T06:00:00Z"], ""),
        (["2025-12-31"], ""),
        (["start=2025-03-01; end=2027-03-01"], ""),
        (["end=2027-03-01; scheme=W3C-DTF"], ""),
        (["in print"], ""),
    ],
)
def test_what_is_to_be_available_is_under_embargo_till_then(stated: list[str], until: str) -> None:
    told = "".join(f"<d:available>{one}</d:available>" for one in stated)
    body = rss(
        f"<guid>a</guid><title>t</title>{told}<pubDate>Thu, 01 Jan 2026 05:00:00 GMT</pubDate>",
        root=' xmlns:d="http://purl.org/dc/terms/"',
    )
    (found,) = parse(body, at="2026-01-01T06:10:00.000000Z").items
    assert (found.signals.embargo if found.signals is not None else "") == until
    assert found.independent == (until == "")
    wire = WIRE.model_copy(update={"timezone": "Asia/Kolkata"})
    version = normalize(found, parse(body).channel, wire)
    assert (version.signals is not None) == bool(until), "what is over is no content"


def test_what_another_wirecopy_has_available_is_under_embargo_whenever_it_is_read() -> None:
    stated = "<w:agency>PTI</w:agency><d:available>{}</d:available><title>t</title>"
    names = f' xmlns:d="http://purl.org/dc/terms/" xmlns:w="{OWN}"'
    for said in ("2026-01-01T05:00:00Z", "at eight"):
        (found,) = parse(rss(stated.format(said), root=names), at="2026-01-01T06:10:00Z").items
        assert found.signals == ItemSignals(embargo=said)


@pytest.mark.parametrize(
    ("inside", "urls"),
    [
        ("<media:content url='a.jpg'/><media:content url='b.jpg'/>", ["a.jpg", "b.jpg"]),
        ("<media:content url='a.jpg'/><media:thumbnail url='t.jpg'/>", ["a.jpg"]),
        ("<media:thumbnail url='t.jpg'/>", ["t.jpg"]),
        ("<enclosure url='e.mp3' type='audio/mpeg' length='1'/>", ["e.mp3"]),
        ("<media:content url='a.jpg'/><enclosure url='a.jpg'/>", ["a.jpg"]),
        ("<StoryImage>https://c.example/s.jpg</StoryImage>", ["https://c.example/s.jpg"]),
        (
            "<StoryImage>https://c.example/s.jpg</StoryImage>"
            "<fullimage>https://c.example/f.jpg</fullimage>",
            ["https://c.example/f.jpg"],
        ),
        ("<image><url>https://c.example/i.jpg</url></image>", ["https://c.example/i.jpg"]),
        (
            "<media:group><media:content url='s.jpg' width='9'/>"
            "<media:content url='l.jpg' width='99'/></media:group>",
            ["l.jpg"],
        ),
        (
            "<media:group><media:content url='s.jpg' isDefault='true'/>"
            "<media:content url='l.jpg' width='99'/></media:group>",
            ["s.jpg"],
        ),
        ("<media:group><media:thumbnail url='t.jpg'/></media:group>", ["t.jpg"]),
        ("<media:content/>", []),
    ],
)
def test_pictures_are_found(inside: str, urls: list[str]) -> None:
    assert [m.url for m in only(f"<title>t</title>{inside}").media] == urls


def test_each_picture_keeps_its_own_caption() -> None:
    found = only(
        "<title>t</title><media:content url='a.jpg'><media:description>A</media:description>"
        "</media:content><media:content url='b.jpg'><media:description type='html'>"
        "&lt;b&gt;B&lt;/b&gt; &amp;amp; C</media:description></media:content>"
    )
    assert [m.caption for m in found.media] == ["A", "B & C"]


@pytest.mark.parametrize(
    ("item", "guid", "link"),
    [
        ("<guid>7</guid><link>https://a.example/x</link>", "7", "https://a.example/x"),
        ("<guid>sub/7</guid><link>/x</link>", "sub/7", "https://c.example/x"),
        ("<guid>https://a.example/7</guid>", "https://a.example/7", "https://a.example/7"),
        ("<guid isPermaLink='false'>https://a.example/7</guid>", "https://a.example/7", ""),
        ("<id>7</id>", "7", ""),
        ("<link>https://a.example/?a=1&amp;b=2</link>", "", "https://a.example/?a=1&b=2"),
        ("<link>https://a.example/?a=1&b=2</link>", "", "https://a.example/?a=1&b=2"),
        (
            "<link>https://f.example/~r/1</link>"
            "<feedburner:origLink>https://a.example/x</feedburner:origLink>",
            "",
            "https://a.example/x",
        ),
        ("<link>javascript:alert(1)</link>", "", ""),
    ],
)
def test_guids_stay_as_sent_and_links_are_whole(item: str, guid: str, link: str) -> None:
    channel = "<link>https://c.example/</link>"
    found = only(f"<title>t</title>{item}", channel=channel)
    assert (found.guid, found.link) == (guid, link)


def test_base_is_declared_else_the_items_page_else_the_channel_else_the_feed() -> None:
    assert only("<title>t</title>").base == HINTS.url
    channel = "<link>https://c.example/</link>"
    assert only("<title>t</title>", channel=channel).base == "https://c.example/"
    link = "<title>t</title><link>https://a.example/x</link>"
    assert only(link, channel=channel).base == "https://a.example/x"
    assert only(link, root=' xml:base="/deep/"').base == "https://wire.example/deep/"


@pytest.mark.parametrize(
    ("root", "items", "links"),
    [
        ("", ['<item xml:base="https://one.example/x/">'], ["https://one.example/x/p0"]),
        (
            "",
            ['<item xml:base="https://one.example/x/">', "<item>", "<item>"],
            ["https://one.example/x/p0", "https://c.example/p1", "https://c.example/p2"],
        ),
        (
            ' xml:base="https://root.example/r/"',
            ["<item>", '<item xml:base="sub/">', "<item>", '<item xml:base="https://o.example/">'],
            [
                "https://root.example/r/p0",
                "https://root.example/r/sub/p1",
                "https://root.example/r/p2",
                "https://o.example/p3",
            ],
        ),
        (
            "",
            ['<item><description xml:base="https://d.example/">d</description>', "<item>"],
            ["https://c.example/p0", "https://c.example/p1"],
        ),
    ],
)
def test_the_base_of_one_item_is_not_that_of_the_next(
    root: str, items: list[str], links: list[str]
) -> None:
    inside = [f"{start}<title>t</title><link>p{n}</link></item>" for n, start in enumerate(items)]
    channel = f"<channel><link>https://c.example/</link>{''.join(inside)}</channel>"
    found = parse(f'<rss version="2.0"{root}>{channel}</rss>').items
    assert [item.link for item in found] == links


def test_an_atom_link_and_a_text_have_bases_of_their_own() -> None:
    entry = (
        '<link xml:base="deep/" href="p"/>'
        '<content type="html" xml:base="pictures/">&lt;img src="q.jpg"></content>'
    )
    feed = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://a.example/x/">'
        f'<entry xml:base="y/"><title>t</title>{entry}</entry>'
        '<entry><title>t</title><link href="p"/></entry></feed>'
    )
    one, two = parse(feed).items
    assert (one.link, one.base) == (
        "https://a.example/x/y/deep/p",
        "https://a.example/x/y/pictures/",
    )
    assert (two.link, two.base) == ("https://a.example/x/p", "https://a.example/x/")


def test_release_0_1_resolved_as_feedparser_does() -> None:
    items = (
        '<item xml:base="https://one.example/x/"><link>a</link></item><item><link>b</link></item>'
    )
    feed = f"<rss version='2.0'><channel>{items}</channel></rss>"
    assert [i.link for i in parse(feed, rule=1).items] == [
        "https://one.example/x/a",
        "https://one.example/x/b",
    ]


def test_the_channel_says_when_to_come_back() -> None:
    channel = (
        "<title>A &amp; B</title><link>/</link><language>en</language><copyright>C</copyright>"
        "<ttl>30</ttl><skipHours><hour>0</hour><hour>1</hour></skipHours>"
        "<skipDays><day>Sunday</day><day>Monday</day></skipDays>"
        "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>"
        "<atom:link rel='hub' href='https://hub.example/'/><atom:link rel='hub' href='/hub'/>"
        "<atom:link rel='self' href='https://wire.example/feed'/>"
    )
    said = parse(rss("<title>t</title>", channel=channel)).channel
    assert (said.title, said.link, said.language) == ("A & B", "https://wire.example/", "en")
    assert (said.rights, said.ttl) == ("C", "30")
    assert (said.skip_hours, said.skip_days) == (("0", "1"), ("Sunday", "Monday"))
    assert (said.update_period, said.update_frequency) == ("hourly", "2")
    assert said.hubs == ("https://hub.example/", "/hub")
    assert said.topic == "https://wire.example/feed"


def test_categories_are_not_keywords() -> None:
    found = only(
        "<title>t</title><category domain='d'>A</category><category>B</category>"
        "<dc:subject>C</dc:subject><keywords>k, l</keywords><media:keywords>m</media:keywords>"
    )
    assert found.categories == (("A", "d"), ("B", ""), ("C", ""))
    assert found.keywords == ("m", "k", "l")


WHOLE = "<title>Whole</title><link>https://a.example/{}</link><description>Words.</description>"


@pytest.mark.parametrize(
    "bad",
    [
        "<title>a & b</title>",
        "<title>&#1114112;&#55296;&#0;</title>",
        "<title>&undefined;</title>",
        "<title>\0\x1b</title>",
        "<title>]]></title>",
        "<title>5 < 6</title>",
        "<title a=b>x</title>",
        "<title a='1' a='2'>x</title>",
        "<title>never closed",
        "<title>x</titel>",
        "<nowhere:title>x</nowhere:title><title>y</title>",
        "<title>x</title><description><p>a<br>b</description>",
        "<title>x</title><!DOCTYPE y [<!ENTITY z 'C:\\data'>]>",
        "<title>x</title><?php echo 1 ?>",
        "<" * 300 + "</title>",
        "<d>" * 300 + "<title>x</title>",
        "",
    ],
)
def test_a_broken_item_does_not_touch_its_neighbours(bad: str) -> None:
    parsed = parse(rss(WHOLE.format(1), bad, WHOLE.format(3)))
    sound = parse(rss(WHOLE.format(1), WHOLE.format(3)))
    assert len(parsed.items) == 3
    for mine, theirs in zip((parsed.items[0], parsed.items[2]), sound.items, strict=True):
        assert replace(mine, position=0, start=0, end=0) == replace(
            theirs, position=0, start=0, end=0
        )


def test_a_feed_that_breaks_off_keeps_its_whole_items() -> None:
    whole = rss(WHOLE.format(1), WHOLE.format(2), channel="<title>C</title>")
    second = whole.index("</item>", whole.index("</item>") + 1)
    for length in range(whole.index("</item>") + 7, second + 7):
        parsed = parse(whole[:length])
        assert [i.link for i in parsed.items] == ["https://a.example/1"]
        assert parsed.channel.title == "C"
        assert "whole items kept" in parsed.notes[-1]


def test_an_entity_bomb_is_not_lit() -> None:
    lines = ['<!ENTITY a0 "ha">'] + [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 30)]
    body = f"<!DOCTYPE rss [{''.join(lines)}]>" + rss("<title>x &a0; &a29;</title>")
    parsed = parse(body)
    assert parsed.items[0].headline == "x ha &a29;"
    assert parsed.notes[0] == "its DOCTYPE declares entities; only harmless ones were used"


def test_external_entities_are_not_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    doctype = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    found = parse(doctype + rss("<title>a &x;</title><description>&x;</description>"))
    assert "SECRET" not in repr(found)
    assert found.items[0].headline == "a &x;"


@pytest.mark.parametrize("name", ["/etc/hostname", "https://127.0.0.1:1/", "tests/conftest.py"])
def test_bytes_are_never_taken_for_a_place(name: str) -> None:
    with pytest.raises(ParseError, match="text that begins"):
        parse(name)


def test_junk_before_a_feed_is_passed_over() -> None:
    for junk in ("<br />\n<b>Warning</b>: mysql_connect() in x.php\n", "\n\n  ", "<!-- <rss> -->"):
        body = f'{junk}<?xml version="1.0"?>{rss(WHOLE.format(1))}'
        assert parse(body).items[0].headline == "Whole"


def test_too_many_items_are_named_and_the_first_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rss_atom, "MOST_ITEMS", 3)
    parsed = parse(rss(*(WHOLE.format(n) for n in range(5))))
    assert [i.link[-1] for i in parsed.items] == ["0", "1", "2"]
    assert parsed.notes == ("holds 5 items; the first 3 were read",)
    assert parsed.unread == 2


def test_an_item_of_too_many_tags_is_left_without_words() -> None:
    parsed = parse(rss("<a/>" * 250_000, WHOLE.format(1)))
    assert [i.headline for i in parsed.items] == ["", "Whole"]
    assert "more than 200000 tags" in parsed.notes[0]


@pytest.mark.parametrize(
    "inside",
    [
        "<a " + " ".join(f'a{n}="1"' for n in range(40_000)) + "/>",
        "".join(f"<category>{n}</category>" for n in range(40_000)),
        "<category><a/></category>" * 40_000,
        "<d>" * 40_000,
        "&" * 300_000,
        "<x:y z:w='1'/>" * 20_000,
    ],
)
def test_hostile_shapes_do_not_keep_feedparser_busy(inside: str) -> None:
    # The first took feedparser 50 s, fed as it stands.
    first, second = parse(rss(f"<title>t</title>{inside}", WHOLE.format(1))).items
    assert (first.headline, second.headline) == ("t", "Whole")
    parse(rss(WHOLE.format(1), channel=inside))


def test_feedparser_may_fail_without_losing_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    item = WHOLE.format(1) + "<category>c</category><guid>7</guid>"

    def raising(*_: object, **__: object) -> None:
        raise ValueError("chr() arg not in range(0x110000)")

    expected = only(item)
    monkeypatch.setattr(feedparser, "parse", raising)
    parsed = parse(rss(item))
    assert parsed.items == (replace(expected, categories=()),)
    assert parsed.notes == ("feedparser counted other items; categories and rights were left out",)


def test_elements_that_are_no_items_do_not_count() -> None:
    body = rss(WHOLE.format(1), channel='<x:item xmlns:x="urn:x"><title>no</title></x:item>')
    assert [i.headline for i in parse(body).items] == ["Whole"]


def test_a_lone_atom_entry_is_a_feed_of_one() -> None:
    (found,) = parse(
        '<?xml version="1.0"?><entry xmlns="http://www.w3.org/2005/Atom"><id>1</id>'
        '<title type="html">a &amp;amp; b</title><link href="https://a.example/"/></entry>'
    ).items
    assert (found.guid, headline(found), found.link) == ("1", "a & b", "https://a.example/")


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_any_bytes_give_a_feed_or_a_parse_error(body: bytes) -> None:
    _checked(body)


PIECES = [
    *(b"<", b">", b"&", b"&#0;", b"&x;", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<item>"),
    *(b"</item>", b"<entry>", b"</entry>", b"<title>", b"</title>", b"</channel>", b"<rss>"),
    *(b"<!DOCTYPE a [", b"]>", b"\0", b"\xff", b"\xc3\x28", b"'", b'"', b"<a:b c:d='e'>", b"<?"),
    *(b"?>", b" xmlns='urn:x'", b"/>", b"<content type='xhtml'>", b"<media:content url='x'>"),
    *(b"\xef\xbb\xbf", b"<description>", b" xml:base='http://[x'", b" xmlns:media=''"),
    b" xmlns:xml='x'",
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    body = draw(st.sampled_from(FEEDS))
    for _ in range(draw(st.integers(1, 6))):
        at, end = sorted((draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))))
        match draw(st.sampled_from(["insert", "insert", "cut", "end", "twice", "flip"])):
            case "insert":
                body = body[:at] + draw(st.sampled_from(PIECES)) + body[at:]
            case "cut":
                body = body[:at] + body[min(end, at + 40) :]
            case "end":
                body = body[: len(body) - (end - at) // 4]
            case "twice":
                body = body[:end] + body[at:end] + body[end:]
            case "flip" if at < len(body):
                body = body[:at] + bytes([body[at] ^ draw(st.integers(1, 255))]) + body[at + 1 :]
    return body


@given(mutated())
def test_mutated_feeds_give_a_feed_or_a_parse_error(body: bytes) -> None:
    _checked(body)


@given(mutated())
def test_items_read_the_same_however_many_are_read_together(body: bytes) -> None:
    alone, some, all_ = (_read_by(many, body) for many in (1, 2, TOGETHER))
    assert alone == some == all_


def _read_by(many: int, body: bytes) -> Contents | str:
    with patch.object(rss_atom, "TOGETHER", many), patch.object(reading, "TOGETHER", many):
        try:
            return reading.parse(body, HINTS, WIRE)
        except ParseError as error:
            return f"{error.state}: {error}"


def _checked(body: bytes) -> None:
    parsed, state = None, ""
    try:
        parsed = parse(body)
    except ParseError as error:
        state = error.state
    if parsed is None:
        assert state in ("empty", "not-a-feed", "malformed")
        return
    places = spans(body, unclosed=True)
    assert all(end <= start for (_, end), (start, _) in pairwise(places))
    assert [i.position for i in parsed.items] == list(range(len(parsed.items)))
    assert {(i.start, i.end) for i in parsed.items} <= set(places)
    states = set()
    for item in parsed.items:
        try:
            normalize(item, parsed.channel, WIRE)
        except ParseError as error:
            states.add(error.state)
    assert states <= {"item-empty", "item-unreadable", "tangled"}
    assert parse(body) == parsed


def test_feedparser_reads_what_nothing_else_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rss_atom, "MOST_REPAIRED", 0)
    broken = (
        "<title>Q&amp;amp;A</title><link>https://a.example/2</link><guid>2</guid><source>PTI</source>"
        "<author>Ann</author><pubDate>22 Nov 2026 06:00 GMT</pubDate><category>c</category>"
        "<media:content url='https://c.example/p.jpg' medium='image'/>"
        "<description>One<br>two</description>"
    )
    parsed = parse(rss(WHOLE.format(1), broken, WHOLE.format(3)))
    found = parsed.items[1]
    assert parsed.notes == ("1 item, the first is item 2: not readable as XML",)
    assert (headline(found), found.guid, found.link) == ("Q&A", "2", "https://a.example/2")
    assert (found.body_html, found.published) == (True, ("22 Nov 2026 06:00 GMT",))
    assert found.body.replace("<br />", "<br>") == "One<br>two"
    assert found.categories == (("c", ""),)
    assert [m.url for m in found.media] == ["https://c.example/p.jpg"]
    assert [i.headline for i in parsed.items[::2]] == ["Whole", "Whole"]


def test_only_so_much_is_read_leniently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rss_atom, "MOST_REPAIRED", 0)
    monkeypatch.setattr(rss_atom, "LENIENT_BYTES", 300)
    broken = "<title>t</title><description>" + "<br>" * 40 + "</description>"
    parsed = parse(rss(broken, broken, WHOLE.format(1)))
    assert [i.headline for i in parsed.items] == ["t", "", "Whole"]
    assert [i.end - i.start for i in parsed.items[:2]] == [len(broken) + len("<item></item>")] * 2


TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from("<>&;\"' a\u200d]é"),
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"]),
    ),
    max_size=60,
)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&#62;")


def sectioned(text: str) -> str:
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


@given(
    TEXT, st.sampled_from([escaped, sectioned]), st.sampled_from(["utf-8", "utf-16"]), st.booleans()
)
def test_words_come_through_every_spelling(
    text: str, spell: Callable[[str], str], encoding: str, broken: bool
) -> None:
    """No character of a body is lost or added, whatever the transport and the neighbours; what is
    mended in HTML that swallows words (from rule 2 on) is shown in test_html_mend."""
    body = f"<p>{text}"
    neighbour = "<title>a & <b> c</title>" if broken else WHOLE.format(1)
    feed = rss(neighbour, f"<title>t</title><description>{spell(body)}</description>")
    found = parse(feed.encode(encoding), rule=1).items[1]
    assert (found.headline, found.body, found.body_html) == ("t", body, True)


@pytest.mark.parametrize(
    "body",
    [
        rss("<title>A</title>", "<title>B</title>", channel="<title>T</title>"),
        rss("<title>A</title>") + "<!-- </rss> -->",
        rss("<title>A</title>").replace("</channel>", "<![CDATA[</rss>]]></channel>"),
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>A</title></entry></feed>',
        '<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:title>A</a:title></a:entry></a:feed>',
        '<entry xmlns="http://www.w3.org/2005/Atom"><title>A</title></entry>',
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns="http://purl.org/rss/1.0/"><channel/><item><title>A</title></item></rdf:RDF>',
        "<RSS><CHANNEL><ITEM><TITLE>A</TITLE></ITEM></CHANNEL></RSS\n>",
        '{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": 1, "title": "}]}"}],'
        ' "x": [{}]}',
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
def test_a_document_that_is_cut_off_anywhere_is_not_whole(body: str, charset: str) -> None:
    data = body.encode(charset)
    assert parse(data).whole
    last = body.rpartition("<!--")[0] or body
    ends = last.rindex("</") if body.startswith("<") else len(body) - 1
    for end in range(len(body[: ends + 1].encode(charset))):
        with suppress(ParseError):
            assert not parse(data[:end]).whole, data[:end]


@pytest.mark.parametrize(
    "body",
    [
        '<feed xmlns="http://www.w3.org/2005/Atom"/>',
        rss("<title>A") + "\n\n",
        rss("<title>A & B</title>", channel="<title>A & B</title>") + "<br>Notice: undefined",
        "<rss><channel><title>T</title><item><title>A</title></channel></rss>",
    ],
)
def test_what_is_broken_elsewhere_is_whole(body: str) -> None:
    assert parse(body).whole


LINK = "<link>https://a.example/x?a=1&amp;b=2</link>"
USUAL = (
    *("<category>World</category>", "<category domain='d'>India &amp; Co</category>"),
    *("<category>भारत</category>", "<category><![CDATA[World]]></category>"),
    *("<pubDate>Sun, 22 Nov 2026 06:00:00 +0530</pubDate>", "<dc:creator>PTI</dc:creator>"),
    *("<enclosure url='/e.jpg' type='image/jpeg' length='1'/>", "<comments>c</comments>"),
    *("<atom:link rel='self' href='s'/>", "<atom:category term='t' label='T' scheme='s'/>"),
    "<atom:author><atom:name>A</atom:name></atom:author>",
)
UNUSUAL = (
    *(LINK, "<link/>", "<link>/rel</link>", "<link rel='self'>x</link>", "<a:link xmlns:a='a'/>"),
    *(
        "<category>Ã©</category>",
        "<category/>",
        "<category>a\xa0b</category>",
        "<rights>r</rights>",
    ),
    *(
        "<category term='t'>x</category>",
        "<category><b>x</b></category>",
        "<dc:subject>s</dc:subject>",
    ),
    *(
        "<atom:category label='l'/>",
        "<atom:category term='t'>x</atom:category>",
        "<pubDate>x</pubDate>",
    ),
    *("<atom:link rel='Alternate' href='https://b.example/'/>", "<atom:link/>", "text", "<!--c-->"),
    *(
        "<source url='u'>S</source>",
        "<author><link>l</link></author>",
        "<media:credit>c</media:credit>",
    ),
    "<image><url>u</url><link>l</link></image>",
)
AROUND = (
    *("<title>C</title>", "<link>https://c.example/</link>", "<description><b>x</b></description>"),
    *("<rights><i>r</i></rights>", "<image><title>I</title></image>", "<category>c</category>"),
    *("<source><title>S</title></source>", "<textinput><title>t</title></textinput>"),
)
SPACES = (
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"'
    ' xmlns:atom="http://www.w3.org/2005/Atom"'
)
ITEMS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(USUAL), max_size=4),
        st.sampled_from(("", "", "", *UNUSUAL)),
    ).map(lambda both: "".join(["<title>T</title>", LINK, *both[0], both[1]])),
    min_size=1,
    max_size=4,
)


@given(ITEMS, st.lists(st.sampled_from(AROUND), max_size=3), st.lists(st.sampled_from(AROUND)))
@example([LINK + USUAL[0]] * 2, ["<title>C</title>"], ["<title>D</title>"])
@example([LINK + USUAL[0]] * 2, ["<description><b>x</b></description>"], [])
def test_what_feedparser_is_not_asked_is_what_it_would_say(
    items: list[str], before: list[str], after: list[str]
) -> None:
    feed = rss(*items, channel="".join(before), root=SPACES)
    feed = feed.replace("</channel>", f"{''.join(after)}</channel>")
    always = lambda frame, pieces, **_: (rss_atom._feedparser_on(frame, pieces), "")  # noqa: E731
    with patch.object(rss_atom, "_read_by_feedparser", always):
        asked = parse(feed)
    found = parse(feed)
    assert replace(found, tag="") == asked
    # In the same context what is around items is taken from memory, and feedparser is not asked.
    frame = Frame(found.format, found.channel, found.tag)
    assert parse(feed, context=found.context, frame=frame if found.tag else None) == found


def test_feedparser_is_asked_about_one_of_usual_items() -> None:
    entry = (
        '<entry><title>T</title><link href="https://a.example/x"/><category term="World"/>'
        "<updated>2026-11-22T06:00:00Z</updated><author><name>A</name></author></entry>"
    )
    for feed in (
        rss(*(LINK + "".join(USUAL) for _ in range(3)), root=SPACES),
        f'<feed xmlns="http://www.w3.org/2005/Atom"><title>C</title>{entry * 3}</feed>',
    ):
        with patch.object(rss_atom, "_feedparser_on", wraps=rss_atom._feedparser_on) as asked:
            parsed = parse(feed)
        assert [len(call.args[1]) for call in asked.call_args_list] == [1]
        assert len({(item.link, item.categories) for item in parsed.items}) == 1
        assert parsed.items[2].link.startswith("https://a.example/x")
        assert parsed.items[2].categories


CATEGORIES = "<category>c</category>"


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (f"<title>A</title><description>{'word ' * 2_100_000}</description>", "10,000,000 bytes"),
        (f"<title>A</title>{CATEGORIES * 100_001}", "more than 200000 tags"),
        (f"{CATEGORIES * 600}<title>A</title>", "of its 601 elements the first 500 were read"),
    ],
    ids=["a long text", "many tags", "many elements"],
)
def test_an_item_of_which_nothing_could_be_read_says_why(item: str, told: str) -> None:
    parsed = parse(rss(item))
    with pytest.raises(ParseError) as caught:
        normalize(parsed.items[0], parsed.channel, WIRE)
    assert caught.value.state == "item-unreadable"
    assert told in str(caught.value)
    assert "neither headline" not in str(caught.value)
