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


CLAIM = "<w:agencyId>7</w:agencyId>"
"""Makes of an entry one of ours: others may write what they like."""
ID = "<guid isPermaLink='false'>g</guid>"


def rss(item: str) -> Entry:
    """The entry of an RSS feed with one item of ours."""
    found = read_feed(
        f"<rss version='2.0'{NAMES}><channel><item>{item}{CLAIM}</item></channel></rss>".encode()
    )
    assert len(found) == 1
    return found[0]


def atom(inside: str) -> Entry:
    (found,) = read_feed(
        f"<feed xmlns='{ATOM}'{NAMES}><entry>{inside}{CLAIM}</entry></feed>".encode()
    )
    return found


def jsonfeed(**item: object) -> Entry:
    item.setdefault("_wirecopy", {})
    (found,) = read_feed(json.dumps({"items": [item]}).encode())
    return found


# What is read


def test_rss() -> None:
    found = rss(
        "<guid isPermaLink='false'>\n g </guid><title>A <![CDATA[&]]> B</title>"
        "<description>x &amp;lt; y</description>"
        "<content:encoded><![CDATA[<p>one</p>]]>&lt;p&gt;two&lt;/p&gt;</content:encoded>"
        "<category>c</category><category domain='v'>d</category><enclosure url='https://e/'/>"
        "<media:content url='https://m/'/><media:thumbnail url='https://t/'/>"
        "<source url='https://s/'>A</source><pubDate>Sun, 22 Nov 2026 18:30:15 +0530</pubDate>"
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
        agency_id="7",
        agencies=("A",),
        published="2026-11-22T13:00:15Z",
        captions=("",),
        edit_scope="verbatim",
        edited_headline_only=False,
    )


KEY = "EwXHJaLmVXqgrXkLr7DCyPfGUMLMJKyqCfJTCMtHG4g"


def test_a_statement_as_each_format_has_it() -> None:
    token = f'{{"key":"{KEY}","payload":{{"a":"x.y <"}},"signature":"AA-_"}}'
    said = f'{KEY}.AA-_.{{"a":"x.y &lt;"}}'
    for text in (said, f"\n  {said}\t", f"<![CDATA[{said.replace('&lt;', '<')}]]>"):
        assert rss(f"<w:statement>{text}</w:statement>").statement == token
        assert atom(f"<w:statement>{text}</w:statement>").statement == token
    assert jsonfeed(_wirecopy={"statement": json.loads(token)}).statement == token
    assert rss("<w:statement>a.b.c</w:statement>").statement == "a.b.c"
    assert jsonfeed(_wirecopy={"statement": "a.b.c"}).statement == "a.b.c"
    # Spelt as elsewhere it is none, but it is there.
    assert rss(f"<w:statement>{token.replace('<', '&lt;')}</w:statement>").statement == ""
    assert rss("<w:statement>x.AA.{}</w:statement>").statement == ""
    assert jsonfeed(_wirecopy={"statement": token}).statement == ""
    assert jsonfeed(_wirecopy={"statement": {"payload": {"a": 0.5}}}).statement == ""
    assert jsonfeed(_wirecopy={"statement": None}).statement is None


def test_the_proof_in_the_head_of_a_feed() -> None:
    head, item = "<w:log> p\n q </w:log><w:log>x</w:log>", f"<item>{ID}<w:log>y</w:log></item>"
    for feed_ in (
        f"<rss{NAMES}><channel>{head}{item * 2}</channel></rss>",
        f"<rss{NAMES}><channel>{item * 2}{head}</channel></rss>",
        f"<feed xmlns='{ATOM}'{NAMES}>{head}<entry/><entry/></feed>",
    ):
        assert [entry.log for entry in read_feed(feed_.encode())] == [" p\n q "] * 2
    for feed_ in (f"<rss{NAMES}><channel>{item}</channel>{head}</rss>", '{"items":[{}]}'):
        assert [entry.log for entry in read_feed(feed_.encode())] == [None]
    told = {"items": [{}], "_wirecopy": {"log": "p"}}
    assert [entry.log for entry in read_feed(json.dumps(told).encode())] == ["p"]
    told = {"items": [{}], "_wirecopy": {"log": ["p"]}}
    assert [entry.log for entry in read_feed(json.dumps(told).encode())] == [None]


def test_who_wrote_it() -> None:
    named = "<d:creator xmlns:d='http://purl.org/dc/elements/1.1/'>{}</d:creator>"
    by, agency = named.format("\n Asha Rao"), named.format("PTI")
    assert [rss(each).byline for each in (by + agency, by, "")] == ["\n Asha Rao", None, None]
    said = [f"<author><name>{name}</name></author>" for name in ("Asha Rao", "PTI")]
    assert [atom(each).byline for each in ("".join(said), said[0])] == ["Asha Rao", None]
    two = [{"name": "Asha Rao"}, {"name": "PTI"}]
    assert [jsonfeed(authors=each).byline for each in (two, two[:1])] == ["Asha Rao", None]


@pytest.mark.parametrize(
    ("caption", "credit", "said"),
    [
        ("", "", ""),
        ("A bridge", "", "A bridge"),
        ("", "PTI", "PTI"),
        ("A bridge", "PTI", "A bridge. PTI"),
        ("A  bridge! ", "\nPTI", "A bridge! PTI"),
        ("पुल।", "पीटीआई", "पुल। पीटीआई"),
        ("A bridge (PTI)", "PTI", "A bridge (PTI)"),
    ],
)
def test_what_is_said_of_a_medium(caption: str, credit: str, said: str) -> None:
    inside = f"<media:description type='plain'>{caption}</media:description>"
    inside += f"<media:credit>{credit}</media:credit>"
    content = f"<media:content url='https://m/'>{inside}</media:content>"
    other = "<media:content url='https://n/'/>"
    assert rss(content + other).captions == atom(content + other).captions == (said, "")
    film = f"<link rel='enclosure' href='https://f/' title='{said}'/>"
    assert atom(film + other).captions == (said, "")
    own = {"caption": caption, "credit": credit}
    first, last = {"url": "https://m/", "title": said, "_wirecopy": own}, {"url": "https://n/"}
    assert jsonfeed(attachments=[first, last]).captions == (said, "")
    first["title"] = f"Not {said}"
    assert jsonfeed(attachments=[first, last]).captions == (None, "")


def test_atom() -> None:
    found = atom(
        "<id>g</id><title xml:lang='en'>A &amp; B</title><summary>s</summary>"
        "<content type='html'>&lt;p&gt;x&lt;/p&gt;</content>"
        "<author><name>By</name></author><author>\n <name>A</name></author>"
        "<category term='t' label='t'/><category term='u'/>"
        "<updated>2026-11-22T00:00:00.9Z</updated>"
        "<link rel='enclosure' href='https://e/'/><link rel='via' href='https://x/'/>"
        "<source><title>B</title><updated>2026-11-22T13:00:00+05:30</updated></source>"
    )
    assert (found.guid, found.headline, found.summary) == ("g", "A & B", "s")
    assert (found.tags, found.pictures, found.body) == (("t", "u"), ("https://e/",), "<p>x</p>")
    assert found.agencies == ("A", "B")
    assert (found.updated, found.received) == (("2026-11-22T00:00:00Z",), "2026-11-22T07:30:00Z")
    assert found.faults == ()


def test_comments_and_instructions_are_nothing() -> None:
    found = rss(
        "<guid isPermaLink='false'>a<!-- x -->b<?y z?>c</guid><!-- <title>no</title> -->"
        "<title>t</title>"
    )
    assert (found.guid, found.headline, found.faults) == ("abc", "t", ())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_in_any_encoding(encoding: str) -> None:
    (found,) = read_feed('{"items":[{"id":"7","title":"पुल"}]}'.encode(encoding))
    assert (found.guid, found.headline) == ("7", "पुल")


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


OWN_WORDS = (
    f"{ID}<title>A &amp; B</title><description>s</description>"
    "<content:encoded>&lt;p&gt;one&lt;/p&gt;&lt;p&gt;two&lt;/p&gt;</content:encoded>"
)


@pytest.mark.parametrize(
    "beside",
    [
        f"<title xmlns='{ATOM}'>A &amp; B</title>",
        "<dc:title xmlns:dc='http://purl.org/dc/elements/1.1/'>X</dc:title>",
        "<dc:title xmlns:dc='urn:elsewhere'>X</dc:title>",
        "<title xmlns='urn:elsewhere'>X</title>",
        "<media:title>X</media:title>",
        "<TITLE>X</TITLE>",
        "<comments>https://x/</comments>",
        "<x><title>X</title></x>",
        "<x:x xmlns:x='urn:elsewhere'><title>X</title></x:x>",
        f"<content xmlns='{ATOM}'>X</content>",
        "<body xmlns='http://www.w3.org/1999/xhtml'>X</body>",
        "<media:group><media:content url='https://m/'/></media:group>",
        "<media:content url='https://m/'><media:title>a picture</media:title></media:content>",
        "<media:content url='https://m/'>X</media:content>",
        "<fullitem>X</fullitem>",
        f"<id xmlns='{ATOM}'>g</id>",
        "<image><url>https://p/</url></image>",
        "<image xmlns='http://www.itunes.com/dtds/podcast-1.0.dtd' href='https://p/'/>",
        f"<link xmlns='{ATOM}' rel='enclosure' href='https://p/'/>",
        f"<link xmlns='{ATOM}' href='https://p/'/>",
        "<Enclosure url='https://p/'/>",
        "<enclosure url=' '/>",
        "<enclosure/>",
        "<media:content url='x.jpg'/>",
        "<media:content url='https://m/' isDefault='true'/>",
        "<media:content url='https://m/' media:url='https://n/'/>",
        "<source url='https://s/'><enclosure url='https://p/'/></source>",
        "<category xml:base='https://x/'>c</category>",
        "<pubDate>yesterday</pubDate>",
        f"<updated xmlns='{ATOM}'>2026-11-22T13:00:00</updated>",
        "<w:note>X</w:note>",
        "<item><title>X</title></item>",
    ],
)
def test_what_wirecopy_never_writes_is_named(beside: str) -> None:
    assert rss(OWN_WORDS).faults == ()
    assert read_all(OWN_WORDS + beside)[0].faults
    assert read_all(beside + OWN_WORDS)[0].faults


def read_all(item: str) -> list[Entry]:
    document = f"<rss version='2.0'{NAMES}><channel><item>{item}{CLAIM}</item></channel></rss>"
    return read_feed(document.encode())


@pytest.mark.parametrize(
    "beside",
    [
        "<x:title xmlns:x='urn:elsewhere'>X</x:title>",
        "<x:x xmlns:x='urn:elsewhere' y='z'>X<x:img src='https://t/'/></x:x>",
        "<category x:y='1' xmlns:x='urn:elsewhere'>c</category>",
        "<dc:creator xmlns:dc='http://purl.org/dc/elements/1.1/'>A</dc:creator>",
        "stray words",
    ],
)
def test_what_others_add_of_their_own_is_form(beside: str) -> None:
    assert rss(OWN_WORDS + beside).faults == ()


@pytest.mark.parametrize("name", ["title", "description", "content:encoded", "guid", "category"])
@pytest.mark.parametrize(
    "inner",
    ["<b xmlns='http://www.w3.org/1999/xhtml'>x</b>", "<x:b xmlns:x='urn:elsewhere'/>", "<b/>"],
)
def test_no_element_stands_in_words(name: str, inner: str) -> None:
    rest = " isPermaLink='false'" if name == "guid" else ""
    assert rss(f"<{name}{rest}>a</{name}>").faults == ()
    assert rss(f"<{name}{rest}>a{inner}b</{name}>").faults == (
        f"an element in <{name[-7:]}>" if name == "content:encoded" else f"an element in <{name}>",
    )


def test_who_makes_no_claim_of_ours_may_write_what_they_like() -> None:
    (found,) = read_feed(
        b"<rss><channel><item><title>a</title><title>b</title></item></channel></rss>"
    )
    assert (found.headline, found.faults) == ("a", ())
    (found,) = read_feed(b'{"items":[{"id":7,"title":"a","content_text":"x"}]}')
    assert (found.headline, found.faults) == ("a", ())


def test_no_base_stands_around_an_entry() -> None:
    for around in ("rss xml:base='https://x/'", "rss"):
        document = f"<{around}{NAMES}><channel><item>{OWN_WORDS}{CLAIM}</item></channel></rss>"
        (found,) = read_feed(document.encode())
        assert bool(found.faults) == ("base" in around)
    (found,) = read_feed(
        f"<rss{NAMES}><item xml:base='https://x/'>{OWN_WORDS}{CLAIM}</item></rss>".encode()
    )
    assert found.faults


def test_entries_of_other_formats_are_told() -> None:
    found = read_feed(
        f"<rss{NAMES}><channel><item>{OWN_WORDS}</item><entry xmlns='{ATOM}'><title>X</title>"
        f"</entry><Item/></channel></rss>".encode()
    )
    assert [bool(entry.faults) for entry in found] == [False, True, True]
    found = read_feed(f"<feed xmlns='{ATOM}'><entry/><item xmlns=''/></feed>".encode())
    assert [bool(entry.faults) for entry in found] == [False, True]


def test_many_faults_take_no_time() -> None:
    found = rss("".join(f"<a{n}>X</a{n}>" for n in range(20_000)))
    assert len(found.faults) == 5


@pytest.mark.parametrize(
    "inside",
    [
        "<id>a</id><id>b</id>",
        "<title>a</title><title>b</title>",
        "<title type='html'>a</title>",
        "<title type='xhtml'>a</title>",
        "<title type=''>a</title>",
        "<content>a</content>",
        "<content type='text'>a</content>",
        "<content type='text/html'>a</content>",
        "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>x</div></content>",
        "<content type='html'>a</content><content type='html'>b</content>",
        "<content type='html' src='https://x/'/>",
        "<category term='a' label='b'/>",
        "<category term='a' label=''/>",
        "<category label='a'/>",
        "<link rel='http://www.iana.org/assignments/relation/enclosure' href='https://x/'/>",
        "<link rel='enclosure' href=' '/>",
        "<link rel='enclosure'/>",
        "<author>A</author>",
        "<author><name>A</name><uri>https://x/</uri></author>",
        "<author><name>A</name></author>" * 3,
        "<source><link rel='enclosure' href='https://x/'/></source>",
        "<published>2026</published>",
    ],
)
def test_atom_that_wirecopy_never_writes(inside: str) -> None:
    assert atom(inside).faults


@pytest.mark.parametrize(
    "item",
    [
        {"title": ["x"]},
        {"title": 1},
        {"id": 7},
        {"tags": "x"},
        {"tags": [None]},
        {"tags": [["x"]]},
        {"attachments": [None]},
        {"attachments": ["https://m/"]},
        {"attachments": [{"url": "https://m/", "URL": "https://n/"}]},
        {"attachments": [{"url": "https://m/", "size_in_bytes": True}]},
        {"content_text": "a"},
        {"banner_image": "https://m/"},
        {"Title": "x"},
        {"CONTENT_HTML": "x"},
        {"_Wirecopy": {}},
        {"_wirecopy": "x"},
        {"_wirecopy": {"Statement": "x"}},
        {"_wirecopy": {"statement": 1}},
        {"_wirecopy": {"edited_headline_only": "true"}},
        {"_wirecopy": {"edited_headline_only": 1}},
        {"author": {"name": "x"}, "authors": [{"name": "y"}]},
        {"authors": [{"name": "x"}] * 3},
        {"authors": [{"name": "x"}, {"name": "y"}], "_wirecopy": {"byline": "z"}},
        {"authors": [{"name": "x", "url": "https://x/"}]},
        {"date_modified": "yesterday"},
    ],
)
def test_json_that_wirecopy_never_writes(item: dict[str, object]) -> None:
    assert jsonfeed(**item).faults


def test_json_of_others_and_of_none() -> None:
    found = jsonfeed(_theirs={"Title": "x"}, title=None, tags=None, attachments=None)
    assert (found.headline, found.tags, found.faults) == ("", (), ())
    found = jsonfeed(_wirecopy={"edit_scope": " verbatim "}, id=" g ", title="\ud83d\ude00 \ud83d")
    assert (found.edit_scope, found.guid, found.faults) == (" verbatim ", " g ", ())
    with pytest.raises(Refused):
        read_feed(b'{"items": [], "Items": []}')
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
            xmlns:w="urn:uuid:679fde77-ca8f-4c3a-b072-c5b02e8fa5e1"><item>
            <guid isPermaLink="false">g</guid><title>T</title>
            <description>{description}</description><content:encoded>{html}</content:encoded>
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
