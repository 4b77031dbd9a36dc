"""Feeds from anywhere: read safely, and refused or faulted where two readers could differ."""

import json
import time
from pathlib import Path

import pytest

from wirecopy import Refused, feed
from wirecopy.feed import Entry

ATOM = "http://www.w3.org/2005/Atom"
OWN = "urn:uuid:679fde77-ca8f-4c3a-b072-c5b02e8fa5e1"
NAMES = (
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    f' xmlns:media="http://search.yahoo.com/mrss/" xmlns:w="{OWN}"'
)


def read_feed(document: bytes) -> list[Entry]:
    """The entries; their copies are those that are read without them."""
    found = feed.read_feed(document)
    assert feed.read_copies(document) == [entry.copy for entry in found]
    return found


def rss(item: str) -> Entry:
    """The entry of an RSS feed with one item."""
    found = read_feed(
        f"<rss version='2.0'{NAMES}><channel><item>{item}</item></channel></rss>".encode()
    )
    assert len(found) == 1
    return found[0]


def atom(inside: str) -> Entry:
    (found,) = read_feed(f"<feed xmlns='{ATOM}'{NAMES}><entry>{inside}</entry></feed>".encode())
    return found


def jsonfeed(**item: object) -> Entry:
    (found,) = read_feed(json.dumps({"items": [item]}).encode())
    return found


# What is read


def test_rss() -> None:
    found = rss(
        "<guid>\n g </guid><title>A <![CDATA[&]]> B</title><description>x &amp;lt; y</description>"
        "<content:encoded><![CDATA[<p>one</p>]]>&lt;p&gt;two&lt;/p&gt;</content:encoded>"
        "<category>c</category><category>d</category><enclosure url='https://e/'/>"
        "<media:group><media:content url='https://m/'/></media:group><media:thumbnail url='https://t/'/>"
        "<w:editScope> verbatim </w:editScope><w:editedHeadlineOnly>false</w:editedHeadlineOnly>"
    )
    assert found == Entry(
        guid="g",
        headline="A & B",
        body="<p>one</p><p>two</p>",
        media=("https://m/",),
        pictures=("https://e/", "https://t/"),
        summary="x < y",
        tags=("c", "d"),
        edit_scope="verbatim",
        edited_headline_only=False,
    )


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ("<content type='html'>&lt;p&gt;x&lt;/p&gt;</content>", "<p>x</p>"),
        ("<content type='text'>a &lt; b</content>", "a &lt; b"),
        ("<content>a\nb</content>", "a<br>b"),
        (
            "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>x<br/>y</p></div>"
            "</content>",
            "<div><p>x<br>y</p></div>",
        ),
        (
            "<content type='xhtml'><h:div xmlns:h='http://www.w3.org/1999/xhtml'>"
            "<h:a href='/x'>y</h:a></h:div></content>",
            '<div><a href="/x">y</a></div>',
        ),
        ("", ""),
    ],
)
def test_atom_content(content: str, body: str) -> None:
    assert atom(content).body == body


def test_atom() -> None:
    found = atom(
        "<id>g</id><title type='html'>A &amp;amp; &lt;b&gt;B&lt;/b&gt;</title><summary>s</summary>"
        "<category term='t' label='l'/><category term='u'/>"
        "<link rel='enclosure' href='https://e/'/><link href='https://x/'/>"
    )
    assert (found.guid, found.headline, found.summary) == ("g", "A & B", "s")
    assert (found.tags, found.pictures) == (("l", "u"), ("https://e/",))


def test_comments_and_instructions_are_nothing() -> None:
    found = rss("<guid>a<!-- x -->b<?y z?>c</guid><!-- <title>no</title> --><title>t</title>")
    assert (found.guid, found.headline, found.faults) == ("abc", "t", ())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_in_any_encoding(encoding: str) -> None:
    (found,) = read_feed(
        '{"items":[{"id":7,"title":"पुल","content_text":"a\\nb"}]}'.encode(encoding)
    )
    assert (found.guid, found.headline, found.body) == ("7", "पुल", "a<br>b")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_xml_in_any_encoding(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><rss><channel><item><title>é</title></item>'
    assert read_feed(f"{text}</channel></rss>".encode(encoding))[0].headline == "é"


# What can be read in two ways


@pytest.mark.parametrize(
    "item",
    [
        "<guid>a</guid><guid>b</guid>",
        "<title>a</title><title>a</title>",
        "<description/><description/>",
        "<content:encoded>a</content:encoded><content:encoded>b</content:encoded>",
        "<w:statement>a</w:statement><w:statement>b</w:statement>",
        "<w:editScope>a</w:editScope><w:editScope>b</w:editScope>",
        "<w:editedHeadlineOnly>yes</w:editedHeadlineOnly>",
        "<w:editedHeadlineOnly>TRUE</w:editedHeadlineOnly>",
    ],
)
def test_rss_with_two_readings(item: str) -> None:
    assert rss(item).faults


BESIDE = (
    f"<title xmlns='{ATOM}'>X</title>",
    "<dc:title xmlns:dc='http://purl.org/dc/elements/1.1/'>X</dc:title>",
    "<dc:title xmlns:dc='urn:elsewhere'>X</dc:title>",
    "<title xmlns='urn:elsewhere'>X</title>",
    "<media:title>X</media:title>",
    "<TITLE>X</TITLE>",
    "<x><title>X</title></x>",
    f"<content xmlns='{ATOM}'>X</content>",
    f"<summary xmlns='{ATOM}'>X</summary>",
    "<body xmlns='http://www.w3.org/1999/xhtml'>X</body>",
    "<media:group><content:encoded>X</content:encoded></media:group>",
    "<fullitem>X</fullitem>",
    "<media:description>X</media:description>",
    f"<id xmlns='{ATOM}'>X</id>",
)
OWN_WORDS = (
    "<guid>g</guid><title>A &amp; B</title><description>s</description>"
    "<content:encoded>&lt;p&gt;one&lt;/p&gt;&lt;p&gt;two&lt;/p&gt;</content:encoded>"
)


@pytest.mark.parametrize("beside", BESIDE)
def test_what_some_readers_take_for_an_entrys_own(beside: str) -> None:
    assert rss(OWN_WORDS).faults == ()
    (fault,) = rss(OWN_WORDS + beside).faults
    assert "says something else" in fault
    assert rss(beside + OWN_WORDS).faults == (fault,)


@pytest.mark.parametrize(
    "beside",
    [
        "<dc:title xmlns:dc='http://purl.org/dc/elements/1.1/'> A  &amp; B </dc:title>",
        "<media:title>A &amp;amp; B</media:title>",
        f"<content xmlns='{ATOM}' type='html'>&lt;div&gt;one&lt;br&gt;two&lt;/div&gt;</content>",
        "<media:description>s</media:description>",
        "<media:description>onetwo</media:description>",
        "<media:content url='https://m/'><media:title>a picture</media:title></media:content>",
        f"<source xmlns='{ATOM}'><title>The wire</title><id>urn:wire</id></source>",
        "<x:title xmlns:x='urn:elsewhere'>X</x:title>",
        f"<id xmlns='{ATOM}'>g</id>",
    ],
)
def test_what_says_the_same_or_something_else_altogether(beside: str) -> None:
    assert rss(OWN_WORDS + beside).faults == ()


@pytest.mark.parametrize(
    "picture",
    [
        "<image xmlns='http://www.itunes.com/dtds/podcast-1.0.dtd' href='https://p/'/>",
        "<image><url>https://p/</url></image>",
        f"<link xmlns='{ATOM}' rel='Enclosure' href='https://p/'/>",
        "<Enclosure url='https://p/'/>",
        "<media:thumbnail url='https://p/'/>",
    ],
)
def test_pictures_of_other_formats(picture: str) -> None:
    assert rss(OWN_WORDS + picture).pictures == ("https://p/",)


def test_entries_of_other_formats_are_told() -> None:
    found = read_feed(
        f"<rss{NAMES}><channel><item>{OWN_WORDS}</item><entry xmlns='{ATOM}'><title>X</title>"
        f"</entry><Item/></channel></rss>".encode()
    )
    assert [bool(entry.faults) for entry in found] == [False, True, True]
    found = read_feed(f"<feed xmlns='{ATOM}'><entry/><item xmlns=''/></feed>".encode())
    assert [bool(entry.faults) for entry in found] == [False, True]


def test_many_aliases_of_a_long_body_take_no_time() -> None:
    body = "&lt;p&gt;one two three&lt;/p&gt;" * 20_000
    aliases = "<fullitem>X</fullitem>" * 20_000
    assert rss(f"<content:encoded>{body}</content:encoded>{aliases}").faults


@pytest.mark.parametrize(
    "inside",
    [
        "<id>a</id><id>b</id>",
        "<title>a</title><title>b</title>",
        "<content>a</content><content>b</content>",
        "<content src='https://x/'/>",
    ],
)
def test_atom_with_two_readings(inside: str) -> None:
    assert atom(inside).faults


def test_json_with_two_readings() -> None:
    same = jsonfeed(content_html="<p>a  b</p><p>c</p>", content_text="a b\n\nc")
    other = jsonfeed(content_html="<p>a b</p>", content_text="a b, not")
    assert (same.faults, bool(other.faults)) == ((), True)
    assert jsonfeed(title=["x"]).faults
    assert jsonfeed(tags="x").faults
    assert jsonfeed(_wirecopy="x").faults
    for name in ("Title", "CONTENT_HTML", "Id", "_Wirecopy"):
        assert jsonfeed(**{name: "x"}).faults
    assert jsonfeed(_wirecopy={"Statement": "x"}).faults
    assert jsonfeed(attachments=[{"url": "https://m/", "URL": "https://n/"}]).faults
    assert jsonfeed(Titles="x", _TITLE="y").faults == ()
    with pytest.raises(Refused):
        read_feed(b'{"items": [], "Items": []}')
    assert jsonfeed(_wirecopy={"edited_headline_only": "true"}).faults
    assert jsonfeed(_wirecopy={"statement": 1}).faults
    with pytest.raises(Refused, match="twice"):
        read_feed(b'{"items":[{"id":"a","title":"x","title":"y"}]}')


# What attacks


def test_no_entity_is_expanded_and_nothing_is_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    for dtd in (
        f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{secret.as_uri()}">]>',
        '<!DOCTYPE rss [<!ENTITY x "other words">]>',
        f'<!DOCTYPE rss SYSTEM "{secret.as_uri()}">',
        '<!DOCTYPE rss [<!ATTLIST category label CDATA "x">]>',
        "<!DOCTYPE rss>",
    ):
        with pytest.raises(Refused, match=r"DOCTYPE|neither XML"):
            read_feed(
                f"{dtd}<rss><channel><item><title>&x;</title></item></channel></rss>".encode()
            )


def _bomb(attribute: bool) -> bytes:
    entities = '<!ENTITY e0 "aaaaaaaaaa">' + "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)
    )
    inside = '<item x="&e9;"/>' if attribute else "<item><title>&e9;</title></item>"
    return f"<!DOCTYPE rss [{entities}]><rss><channel>{inside}</channel></rss>".encode()


@pytest.mark.parametrize(
    "document",
    [
        _bomb(False),
        _bomb(True),
        b"<a>" * 100_000,
        b"<rss>" + b"<item>" * 300 + b"</item>" * 300 + b"</rss>",
        b"{" * 100_000,
        b'{"items":' + b"[" * 100_000,
        b'{"items":[{"x":' + b'{"x":' * 90 + b"1" + b"}" * 90 + b"}]}",
        b'{"items":[1]}',
        b'{"items":{}}',
        b"[]",
        b"null",
        b"",
        b"\x00",
        b"\xff\xfe",
        b"<rss><channel><item><title>\x00</title></item></channel></rss>",
        b"<rss><channel><item></channel></rss>",
        b"<?xml version='1.0' encoding='utf-16'?><rss/>x",
        b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>",
        '{"items":[]}'.encode("utf-16-be")[:-1],
    ],
    ids=range(19),
)
def test_what_is_refused_is_refused_at_once(document: bytes) -> None:
    start = time.monotonic()
    with pytest.raises(Refused):
        read_feed(document)
    assert time.monotonic() - start < 5


def test_numbers_that_are_none_or_endless() -> None:
    with pytest.raises(Refused):
        read_feed(b'{"items":[],"x":NaN}')
    assert read_feed(b'{"items":[],"x":0.5e3,"y":' + b"9" * 5000 + b"}") == []


def test_one_tangled_entry_leaves_the_others_readable() -> None:
    tangle = "<b a=b>" * 60_000
    document = json.dumps(
        {
            "items": [
                {"id": "a", "content_html": tangle, "content_text": "x"},
                {"id": "b", "content_html": "<p>x</p>", "content_text": "x"},
            ]
        }
    )
    first, second = read_feed(document.encode())
    assert (bool(first.faults), second.faults) == (True, ())
    escaped = tangle.replace("<", "&lt;")
    assert atom(f"<title type='html'>{escaped}</title>").faults


@pytest.mark.parametrize(
    ("description", "fault"),
    [
        ("The first words", False),
        ("The first words of…", False),
        ("The  first\nwords of a story. And", False),
        ("Other words", True),
        ("first words", True),
        ("The first words of a story. And more. And yet more", True),
    ],
)
@pytest.mark.parametrize("form", ["rss", "atom"])
def test_first_words_are_no_summary_and_have_to_be_first(
    form: str, description: str, fault: bool
) -> None:
    html = "&lt;p&gt;The first words of a story.&lt;/p&gt;And more."
    documents = {
        "rss": f"""<rss xmlns:content="http://purl.org/rss/1.0/modules/content/"
            xmlns:w="urn:uuid:679fde77-ca8f-4c3a-b072-c5b02e8fa5e1"><item><guid>g</guid>
            <title>T</title><description>{description}</description>
            <content:encoded>{html}</content:encoded>
            <w:firstWords>true</w:firstWords></item></rss>""",
        # As they write it who make Atom of our RSS.
        "atom": f"""<feed xmlns="http://www.w3.org/2005/Atom"
            xmlns:w="urn:uuid:679fde77-ca8f-4c3a-b072-c5b02e8fa5e1"><entry><id>g</id>
            <title>T</title><summary>{description}</summary>
            <content type="html">{html}</content>
            <w:firstWords> true </w:firstWords></entry></feed>""",
    }
    [entry] = read_feed(documents[form].encode())
    assert entry.summary == ""
    assert bool(entry.faults) == fault


def test_what_atom_encloses_is_among_the_media_once() -> None:
    document = b"""<feed xmlns="http://www.w3.org/2005/Atom"
        xmlns:media="http://search.yahoo.com/mrss/"><entry><id>g</id><title>T</title>
        <link rel="enclosure" href="https://i.example/a%5B1%5D.mp3"/>
        <media:content url="https://i.example/p.jpg"/>
        <link rel="enclosure" href="https://i.example/b.mp3"/>
        <media:content url="https://i.example/a[1].mp3"/></entry></feed>"""
    [entry] = read_feed(document)
    assert entry.media == (
        "https://i.example/p.jpg",
        "https://i.example/b.mp3",
        "https://i.example/a[1].mp3",
    )
