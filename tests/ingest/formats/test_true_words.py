"""The words of an item as they were meant, and from the element that has them."""

import json
import re

import pytest

from ingest.formats.encoding import decide
from ingest.formats.rss_atom_reread import OTHER
from ingest.item import Candidate, Hints
from ingest.parse import parse
from publish.selection import matches
from stories.config import Feed, Wire
from wirecopy.text import project

WIRE = Wire(name="w", agency="Quay News", url="https://wire.example/feed")
STORY = (
    "The ferry will not sail before the fog has gone, the master of the quay said. It lay at the"
    " quay for two days. The next boat leaves on Monday with the mail and forty crates of lamps."
)


def read(inside: str, encoding: str = "utf-8", rule: int = 2, head: str = "") -> list[Candidate]:
    body = f"<rss {head}><channel><item><guid>1</guid>{inside}</item></channel></rss>"
    hints = Hints(url=WIRE.url, rule=rule)
    return list(parse(body.encode(encoding, "surrogatepass"), hints, WIRE).found)


@pytest.mark.parametrize(
    "written",
    [
        "Quay 3\x962, \x93fog\x94\x85",
        "Quay 3&#150;2, &#x93;fog&#148;&#133;",
        "Quay 3&#0150;2, &#x000093;fog&#00148;&#0133;",
        "Quay 3–2, “fog”…",
        "<![CDATA[Quay 3\x962, \x93fog\x94\x85]]>",
    ],
)
def test_controls_are_the_signs_of_windows_1252(written: str) -> None:
    (item,) = read(f"<title>{written}</title><description>{written} &lt;b>now&lt;/b></description>")
    assert item.version.headline == "Quay 3–2, “fog”…"
    assert item.version.body == "Quay 3–2, “fog”… <b>now</b>"
    assert item.received is not None


def test_no_control_is_deleted_without_a_trace() -> None:
    (item,) = read("<title>Quay 3\x812</title><description>Fog</description>")
    assert item.version.headline == "Quay 3\ufffd2"


@pytest.mark.parametrize(
    "written",
    [
        "&#55357;&#57000;",
        "&#xD83D;&#xdea8;",
        "&amp;#55357;&amp;#57000;",
        "&#055357;&#x00dea8;",
        "\ud83d\udea8",
        "🚨",
    ],
)
def test_halves_of_a_character_are_joined(written: str) -> None:
    (item,) = read(
        f"<title>Fog {written}</title><description><![CDATA[<p>Fog {written}</p>]]></description>"
    )
    assert item.version.headline == "Fog 🚨"
    assert item.received is not None


def test_half_a_character_alone_is_none() -> None:
    (item,) = read("<title>Fog &#55357; and &#57000;&#55357;</title>")
    assert "🚨" not in item.version.headline
    assert (
        decide(b"caf\xc3\xa9 \xed\xa0\xbd\xed\xba\xa8").decode(b"\xed\xa0\xbd\xed\xba\xa8") == "🚨"
    )


def test_json_says_the_same() -> None:
    item = {
        "id": "1",
        "title": "Quay 3\x962 \ud83d\udea8",
        "content_html": "<p>Fog \x93now\x94</p>",
    }
    feed = {"version": "https://jsonfeed.org/version/1.1", "items": [item]}
    for text in (json.dumps(feed), json.dumps(feed, ensure_ascii=False)):
        body = text.encode("utf-8", "surrogatepass")
        (found,) = parse(body, Hints(url=WIRE.url), WIRE).found
        assert found.version.headline == "Quay 3–2 🚨"
        assert found.version.body == "<p>Fog “now”</p>"
        assert found.received is not None


@pytest.mark.parametrize(
    "inside",
    [
        "<description>{story}</description><content:encoded>Read more</content:encoded>",
        "<description>Fog.</description><content:encoded>{story}</content:encoded>",
        "<description>Fog.</description><fulldescription>{story}</fulldescription>",
        "<description>Fog.</description><detailDescription>{story}</detailDescription>",
        "<description>Fog.</description><longdescription>{story}</longdescription>",
        "<summary>{story}</summary><content>Picture: Quay News</content>",
        "<description>Fog</description><fulldescription>&amp;quot;{story}</fulldescription>",
        "<description>Fog.</description><text>{story}</text>",
        "<description>Fog.</description><body>{story}</body>",
        '<i:summary xmlns:i="http://www.itunes.com/dtds/podcast-1.0.dtd">{story}</i:summary>',
        '<description>Fog.</description><y:full-text xmlns:y="http://news.y.example">{story}'
        "</y:full-text>",
    ],
)
def test_the_body_is_the_fuller_text(inside: str) -> None:
    head = 'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    (item,) = read(f"<title>Fog</title>{inside.format(story=STORY)}", head=head)
    assert STORY in item.version.body
    assert item.received is not None


@pytest.mark.parametrize(
    "title",
    [
        "The <img> tag",
        "The <video> and <audio> tags",
        "A <title>word</title> of it",
        "The <template></template> tag",
    ],
)
def test_a_tag_that_shows_nothing_is_spoken_of_in_a_title(title: str) -> None:
    (item,) = read(f"<title><![CDATA[{title}]]></title><description>Fog.</description>")
    assert item.version.headline == title
    assert item.received is not None


def test_a_text_that_says_little_more_is_no_fuller_one() -> None:
    inside = f"<description>{STORY} Read it all.</description><story>&lt;p>{STORY}&lt;/p></story>"
    (item,) = read(f"<title>Fog</title>{inside}")
    assert item.version.body == f"<p>{STORY}</p>"


def test_what_was_taken_in_before_is_read_as_before() -> None:
    inside = f"<description>{STORY}</description><story>Read &lt;select>more&lt;/select></story>"
    (item,) = read(f"<title>3\x962 &lt;![CDATA[Fog]]></title>{inside}", rule=1)
    assert item.version.headline == "32 <![CDATA[Fog]]>"
    assert item.version.body == "Read <select>more</select>"
    assert item.received is not None


@pytest.mark.parametrize(
    "name",
    [
        *(
            "pubdate",
            "imagecaption",
            "photo-credit",
            "media_description",
            "tags",
            "story_id",
            "url",
        ),
        *("authorbio", "related_stories", "copyrighttext", "imgtext", "areadesc", "locations"),
    ],
)
def test_these_names_are_no_copy(name: str) -> None:
    assert OTHER.fullmatch(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "fulldescription",
            "commentary",
            "detaildescription",
            "newsletter",
            "standfirst",
            "kicker",
        ),
        *("metaphor", "storytext", "paidpost", "sidebar", "timeline-x", "transcript", "body"),
    ],
)
def test_these_names_may_be_copy(name: str) -> None:
    assert not OTHER.fullmatch(name)


@pytest.mark.parametrize("name", ["standfirst", "newsletter", "push", "tweet", "x:note2self", "og"])
def test_a_whole_story_is_published_without_a_claim(name: str) -> None:
    other = re.sub("quay|ferry", "pier", STORY)
    long = f"<description>{STORY} {STORY}</description>"
    (item,) = read(f"<title>Fog</title>{long}<{name}>{other}</{name}>")
    assert (item.version.body, item.received) == (f"<p>{STORY} {STORY}</p>", None)
    (item,) = read(f"<title>Fog</title>{long}<m:description>{other}</m:description>",
                   head='xmlns:m="http://www.rssboard.org/media-rss"')  # fmt: skip
    assert item.received is not None


def test_a_story_that_lost_its_words_is_withheld() -> None:
    assert read(f"<title>Fog</title><description>Fog.</description><tale>{STORY}</tale>") == []


@pytest.mark.parametrize("other", ["content_text", "summary"])
def test_of_json_too_the_fuller_text_is_the_body(other: str) -> None:
    item = {"id": "1", "title": "Fog", "content_html": "<p>Picture: Quay</p>", other: STORY}
    feed = {"version": "https://jsonfeed.org/version/1.1", "items": [item]}
    (found,) = parse(json.dumps(feed).encode(), Hints(url=WIRE.url), WIRE).found
    assert found.version.body == f"<p>{STORY}</p>"
    old = Hints(url=WIRE.url, rule=1)
    assert [f.version.body for f in parse(json.dumps(feed).encode(), old, WIRE).found] in (
        [item["content_html"]],
        [],
    )


def feed(text: str, encoding: str, declared: str = "") -> bytes:
    xml = f'<?xml version="1.0"{declared}?>'
    item = f"<item><title>{text}</title><guid>1</guid></item><item><title>Fog</title></item>"
    return f"{xml}<rss><channel>{item}</channel></rss>".encode(encoding, "surrogateescape")


@pytest.mark.parametrize(
    ("body", "header", "sure"),
    [
        (feed("Туман", "cp1251", ' encoding="windows-1251"'), "us-ascii", True),
        (feed("Туман", "koi8-r", ' encoding="koi8-r"'), "US-ASCII", True),
        (feed("霧の港", "shift_jis", ' encoding="shift_jis"'), "ascii", True),
        (feed("Туман", "utf-8", ' encoding="us-ascii"'), "", True),
        (feed("Nebel – Böe", "cp1252"), "", False),
        (feed("Туман над рекой", "koi8-r"), "", False),
        (feed("Туман", "cp1251", ' encoding="windows-1251"'), "ISO-8859-1", True),
        (feed("Nebel – Böe", "cp1252"), "us-ascii", False),
        (feed("Nebel – Böe", "cp1252", ' encoding="iso-8859-1"'), "", True),
        (feed("霧の港\udc85", "shift_jis", ' encoding="shift_jis"'), "", False),
        (feed("Böe, ein Häfen, Öl, älter \udc96", "utf-8"), "", False),
    ],
)
def test_a_guess_claims_nothing(body: bytes, header: str, sure: bool) -> None:
    content_type = f"text/xml; charset={header}" if header else "text/xml"
    hints = Hints(url=WIRE.url, headers={"content-type": content_type})
    first, other = parse(body, hints, WIRE).found
    assert (first.received is not None) is sure
    assert other.received is not None, "what is ASCII is sure"
    if sure:
        assert first.version.headline in ("Туман", "霧の港", "Nebel – Böe")


SPELT = [
    ("Food &amp; Drink", "Food & Drink"),
    ("Food &amp;amp; Drink", "Food & Drink"),
    ("<![CDATA[Food &amp; Drink]]>", "Food & Drink"),
    ("<![CDATA[Food & Drink]]>", "Food & Drink"),
    ("Food & Drink", "Food & Drink"),
    ("Food &#38;#38; Drink", "Food & Drink"),
    ("<![CDATA[Food &#x26; Drink]]>", "Food & Drink"),
    ("Food &#X26; Drink", "Food & Drink"),
    ("Caf&eacute;s", "Cafés"),
    ("Caf&amp;eacute;s", "Cafés"),
    ("<![CDATA[Caf&eacute;s&nbsp;now]]>", "Cafés\xa0now"),
    ("R&D and AT&T", "R&D and AT&T"),
    ("&lt;b&gt;Food&lt;/b&gt;", "Food"),
    ("5 &lt; 6", "5 < 6"),
]


@pytest.mark.parametrize(("written", "meant"), SPELT)
def test_references_in_lines_are_resolved_once(written: str, meant: str) -> None:
    spaces = (
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"'
    )
    picture = f'<media:content url="https://x.example/p.jpg"><media:credit>{written}</media:credit>'
    inside = (
        f"<title>T</title><category>{written}</category><dc:subject>x {written}</dc:subject>"
        f"<keywords>y {written}; z</keywords><dc:rights>{written}</dc:rights>"
        f"<dc:creator>{written}</dc:creator>{picture}</media:content>"
    )
    [found] = read(inside, head=spaces)
    version = found.version
    assert [c.label for c in version.categories] == [meant, f"x {meant}"]
    assert version.keywords == (f"y {meant}", "z")
    # A byline is put together of names, on one line.
    assert (version.rights, version.byline) == (meant, meant.replace("\xa0", " "))
    assert version.media[0].credit == meant
    assert found.received is not None
    feed = Feed(name="f", title="F", categories=(meant,))
    assert matches(feed, version)


@pytest.mark.parametrize(("written", "meant"), SPELT)
def test_of_the_channel_and_of_other_formats_too(written: str, meant: str) -> None:
    channel = f"<copyright>{written}</copyright><item><title>T</title></item>"
    body = f"<rss><channel>{channel}</channel></rss>"
    [found] = parse(body.encode(), Hints(url=WIRE.url), WIRE).found
    assert found.version.rights == meant
    if "CDATA" not in written:
        entry = f'<entry><title>T</title><category term="{written}"/><rights>{written}</rights>'
        atom = f'<feed xmlns="http://www.w3.org/2005/Atom">{entry}</entry></feed>'
        [found] = parse(atom.encode(), Hints(url=WIRE.url), WIRE).found
        assert [c.label for c in found.version.categories] == [meant]
        assert found.version.rights == meant


def test_what_is_escaped_three_times_is_a_reference() -> None:
    [found] = read("<title>T</title><category>Food &amp;amp;amp; Drink</category>")
    assert found.version.categories[0].label == "Food &amp; Drink"


def test_json_tags_and_authors_are_lines_too() -> None:
    authors = [{"name": "Jos&eacute; Ruiz"}, {"name": "Alma Reyes"}]
    tags = ["Food &amp; Drink", "Sport", "sport"]
    item = {"id": "1", "title": "T", "tags": tags, "authors": authors}
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "F", "items": [item]}
    [found] = parse(json.dumps(feed).encode(), Hints(url=WIRE.url), WIRE).found
    assert [c.label for c in found.version.categories] == ["Food & Drink", "Sport"]
    assert found.version.byline == "José Ruiz, Alma Reyes"


def test_a_tag_is_taken_once() -> None:
    inside = (
        "<title>T</title><category>Sport</category><category>SPORT</category>"
        "<category domain='urn:x:cv'>sport</category><category domain='urn:y:cv'>Sport</category>"
        "<category>Row</category><keywords>sport, row, Oar, oar</keywords>"
    )
    [found] = read(inside)
    assert [(c.label, c.scheme) for c in found.version.categories] == [
        ("sport", "urn:x:cv"),
        ("Sport", "urn:y:cv"),
        ("Row", None),
    ]
    assert found.version.keywords == ("Oar",)
    [before] = read(inside, rule=1)
    assert len(before.version.categories) == 5


MARKED = "<p>Fog <b>now</b></p>"
ESCAPED = MARKED.replace("<", "&lt;")


@pytest.mark.parametrize("name", ["description", "c:encoded", "story"])
@pytest.mark.parametrize(
    ("written", "body"),
    [
        (f"<![CDATA[{MARKED}]]><!-- cached -->", MARKED),
        (f"<!-- cached --><![CDATA[{MARKED}]]>", MARKED),
        (f"<?php cached ?>{ESCAPED}", MARKED),
        (f"{ESCAPED}<!-- &lt;i>no&lt;/i> -->{ESCAPED}", MARKED + MARKED),
        (f"<![CDATA[{MARKED}]]><br/>", f"{MARKED}<br>"),
        (f"<![CDATA[{MARKED}<!-- a -->]]><br/>", f"{MARKED}<!-- a --><br>"),
        (f"{ESCAPED}<a href='x'>&lt;more></a>", f'{MARKED}<a href="x">&lt;more&gt;</a>'),
        (f"<![CDATA[{MARKED}<![CDATA[&amp;]]>{MARKED}]]>", f"{MARKED}&amp;{MARKED}"),
        ("How to use &lt;b&gt; in<br/>text", "How to use &lt;b&gt; in<br>text"),
        ("<p>How to use &lt;b&gt;x&lt;/b&gt;</p>", "<p>How to use &lt;b&gt;x&lt;/b&gt;</p>"),
    ],
)
def test_what_stands_beside_a_section_is_no_reason_to_show_its_tags(
    name: str, written: str, body: str
) -> None:
    head = 'xmlns:c="http://purl.org/rss/1.0/modules/content/"'
    (item,) = read(f"<title>T</title><{name}>{written}</{name}>", head=head)
    assert item.version.body == body
    assert item.received is not None


@pytest.mark.parametrize(
    "title",
    [
        "<![CDATA[A <i>b</i>]]><!-- no -->",
        "A <!-- no --><i>b</i>",
        "A &lt;i>b&lt;/i><?no?>",
        "A&lt;br/><i>b</i>",
    ],
)
def test_a_comment_in_a_title_is_no_part_of_it(title: str) -> None:
    (item,) = read(f"<title>{title}</title><description>Fog.</description>")
    assert (item.version.headline, item.received is not None) == ("A b", True)


def test_a_comment_in_constructs_and_keywords_is_no_part_of_them() -> None:
    keywords = '<m:keywords xmlns:m="http://search.yahoo.com/mrss/">a, b<!-- c --></m:keywords>'
    entry = (
        '<title type="html">A &lt;i>b&lt;/i><!-- c --></title><id>1</id>'
        f'<content type="html"><![CDATA[{MARKED}]]><!-- c --></content>{keywords}'
    )
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><entry>{entry}</entry></feed>'
    (item,) = parse(feed.encode(), Hints(url=WIRE.url), WIRE).found
    assert (item.version.headline, item.version.body) == ("A b", MARKED)
    assert item.version.keywords == ("a", "b")


PHOTO = '<img src="/p-150x150.jpg" alt="Fog">'
FACE = '<img src="/f.jpg" class="avatar" width="48">'
PIXEL = '<img src="https://count.example/p" width="1" height="1">'


@pytest.mark.parametrize(
    ("body", "other", "beside", "shown"),
    [
        (STORY, f"{PHOTO} Fog.", "", ["/p-150x150.jpg"]),
        (STORY, "Fog.<iframe src='https://v.example/1'></iframe>", "", ["https://v.example/1"]),
        (STORY, "<video><source src='/v.mp4'><source src='/v.webm'></video>", "", ["/v.mp4"]),
        (STORY, "<img data-src='/late.jpg'>Fog.", "", ["/late.jpg"]),
        (f"{PIXEL}<p>{STORY}", f"{PHOTO} Fog.", "", ["/p-150x150.jpg"]),
        (f"{STORY}<img src='/p.jpg'>", f"{PHOTO} Fog.", "", []),
        (f"{STORY}<iframe src='/v'></iframe>", f"{PHOTO} Fog.", "", []),
        (STORY, f"{PHOTO} Fog.", "<enclosure url='/p.jpg' type='image/jpeg'/>", ["/p.jpg"]),
        (STORY, f"Fog.{PIXEL}{FACE}<!-- {PHOTO} -->", "", []),
        (STORY, "Fog.<img src='data:image/gif;base64,R0lGOD'>", "", []),
        (STORY, "<img src='/icon-silicon.jpg'>", "", ["/icon-silicon.jpg"]),
        (STORY, "Fog.<img src='//s.w.org/images/core/emoji/1f600.png' class='wp-smiley'>", "", []),
        (STORY, "How to use an &amp;lt;img src='x'&amp;gt;", "", []),
    ],
)
def test_what_the_teaser_alone_shows_stands_beside_the_story(
    body: str, other: str, beside: str, shown: list[str]
) -> None:
    head = 'xmlns:c="http://purl.org/rss/1.0/modules/content/"'
    for one, two in ((body, other), (other, body)):
        texts = f"<description><![CDATA[{two}]]></description>"
        texts += f"<c:encoded><![CDATA[{one}]]></c:encoded>"
        (item,) = read(f"<title>Fog</title>{texts}{beside}", head=head)
        assert STORY in item.version.body
        urls = [one.url.removeprefix("https://wire.example") for one in item.version.media]
        assert urls == shown
        assert item.received is not None


@pytest.mark.parametrize("space", ["\x0b", "\x0c", "&#11;", "&#x0C;", "&#012;"])
@pytest.mark.parametrize("rest", ["", "<c>broken"])
def test_white_space_that_xml_has_not_parts_words_all_the_same(space: str, rest: str) -> None:
    words = f"Rose to 5{space}7 left"
    (item,) = read(f"<title>{words}</title><description>{words} &lt;b>now&lt;/b>{rest}")
    assert item.version.headline == "Rose to 5 7 left"
    (item,) = read(f"<title>{words}</title><description>{words} &lt;b>now&lt;/b></description>")
    assert (item.version.headline, item.version.body) == (
        "Rose to 5 7 left",
        "Rose to 5 7 left <b>now</b>",
    )
    assert item.received is not None
    if space.isspace():
        (item,) = read(f"<title>Fog</title><description><![CDATA[<p>{words}]]></description>")
        assert item.version.body == "<p>Rose to 5 7 left"


LONG = f"<p>{STORY}</p>"
ONCE = LONG.replace("<", "&lt;").replace(">", "&gt;")
TWICE = ONCE.replace("&", "&amp;")
XHTML = '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{}</div></content>'
SAMPLE = "<p>Write {} for a paragraph</p>"


@pytest.mark.parametrize(
    ("written", "body"),
    [
        (f"<description>{TWICE}</description>", LONG),
        (f"<description><![CDATA[ {ONCE} ]]></description>", LONG),
        (XHTML.format(ONCE), LONG),
        (f'<content type="html">{TWICE}</content>', LONG),
        (f'<content type="text/html; charset=utf-8">{ONCE}</content>', LONG),
        (f'<content type="text">{ONCE}</content>', f"<p>{ONCE}</p>"),
        (f"<description><![CDATA[<p>{ONCE}</p>]]></description>", f"<p>{ONCE}</p>"),
        (f"<description>Write {TWICE}</description>", f"Write {ONCE}"),
        ("<description>&amp;lt;b&amp;gt; is bold</description>", "&lt;b&gt; is bold"),
        (XHTML.format(SAMPLE.format("&lt;p&gt;")), SAMPLE.format("&lt;p&gt;")),
    ],
)
def test_a_body_that_is_escaped_once_too_often_shows_no_tags(written: str, body: str) -> None:
    entry = f"<entry><title>Fog</title><id>1</id>{written}</entry>"
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom">{entry}</feed>'
    if written.startswith("<description"):
        feed = f"<rss><channel><item><title>Fog</title>{written}</item></channel></rss>"
    (item,) = parse(feed.encode(), Hints(url=WIRE.url), WIRE).found
    assert (item.version.body, item.received is not None) == (body, True)


@pytest.mark.parametrize(
    ("content", "refused"),
    [
        ('<content src="/full" type="text/html"/>', ["item-elsewhere"]),
        ('<content src="/full" type="xhtml"/>', ["item-elsewhere"]),
        ('<content src="/full"/>', ["item-elsewhere"]),
        ('<content src="/p.jpg" type="image/jpeg"/>', []),
        (f'<content src="/full" type="text/html"/><summary>{STORY}</summary>', []),
    ],
)
def test_an_entry_that_only_leads_to_its_text_is_no_story(content: str, refused: list[str]) -> None:
    entry = f"<entry><title>Fog</title><id>1</id>{content}</entry>"
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom">{entry}</feed>'.encode()
    found = parse(feed, Hints(url=WIRE.url), WIRE)
    assert [one.state for one in found.refused] == refused


def test_all_who_are_credited_for_a_picture_are_named() -> None:
    named = "<m:credit>Ann Rao</m:credit><m:credit>AP</m:credit><m:credit>AP</m:credit>"
    head = 'xmlns:m="http://search.yahoo.com/mrss/"'
    inside = f'<m:content url="https://a.example/p.jpg">{named}</m:content>'
    beside = f'<m:content url="https://a.example/p.jpg"/>{named}'
    other = f"{inside}<m:credit>Quay News</m:credit>"
    for written in (inside, beside, other):
        (item,) = read(f"<title>Fog</title>{written}", head=head)
        assert [one.credit for one in item.version.media] == ["Ann Rao / AP"]


DIV = '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"{}>{}</div></content>'


@pytest.mark.parametrize(
    ("content", "urls"),
    [
        (DIV.format(' xml:base="deep/"', "<a href='x'>x</a>"), ["https://a.example/b/deep/x"]),
        (
            DIV.format(
                ' xml:base="deep/"',
                "<p xml:base='https://c.example/'>x <a href='y'>y</a></p>x <a href='/z'>z</a>",
            ),
            ["https://c.example/y", "https://a.example/z"],
        ),
        (DIV.format("", "<a xml:base='http://[x/' href='x'>x</a>"), ["https://a.example/b/x"]),
        (DIV.format("", "<a href='mailto:a@b.example'>x</a>"), ["mailto:a@b.example"]),
        (
            '<content type="html" xml:base="d/">&lt;a href="x">x&lt;/a></content>',
            ["https://a.example/b/d/x"],
        ),
    ],
)
def test_references_of_constructs_are_relative_to_the_nearest_base(
    content: str, urls: list[str]
) -> None:
    entry = f"<entry><title>Fog</title><id>1</id>{content}</entry>"
    space = 'xmlns="http://www.w3.org/2005/Atom" xml:base="https://a.example/b/"'
    (item,) = parse(f"<feed {space}>{entry}</feed>".encode(), Hints(url=WIRE.url), WIRE).found
    version = item.version
    assert [link.url for link in project(version.body, version.base).links] == urls
    assert item.received is not None


@pytest.mark.parametrize("name", ["description", "c:encoded"])
def test_references_of_rss_are_relative_to_the_base_of_their_element(name: str) -> None:
    text = f'<{name} xml:base="https://d.example/e/">&lt;a href="x">x&lt;/a></{name}>'
    head = 'xmlns:c="http://purl.org/rss/1.0/modules/content/"'
    (item,) = read(f"<title>Fog</title>{text}", head=head)
    links = project(item.version.body, item.version.base).links
    assert [link.url for link in links] == ["https://d.example/e/x"]
