"""Conserved text: no false alarm over honest feeds, no fault of a parser that is not seen."""

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingest import formats, integrity
from ingest.formats import rss_atom_reread
from ingest.integrity import Fault, Passage, Reread
from ingest.item import Contents, Hints, Item, Parsed
from ingest.normalize import normalize
from ingest.parse import parse as parse_capture
from stories.config import Wire
from stories.errors import ParseError
from stories.models import Version
from tests.ingest import feedings
from tests.load.load import Load
from tests.load.site import Site
from wirecopy.text import plain, projection

WIRE = Wire(name="wire", url="https://wire.example/feed.xml")
HINTS = Hints(url=WIRE.url)
DATA = sorted((Path(__file__).parent / "data").glob("*.xml"))
PROSE = "The harbour office said on Sunday that the ferries would run again from Monday. " * 3

SPACES = (
    ' xmlns:c="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:m="http://search.yahoo.com/mrss/" xmlns:ya="http://news.yandex.example"'
)


def rss(item: str, head: str = "") -> str:
    return f'{head}<rss version="2.0"{SPACES}><channel><item>{item}</item></channel></rss>'


def atom(entry: str) -> str:
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><entry>{entry}</entry></feed>'


def version_of(item: Item, parsed: Parsed) -> Version:
    return normalize(item, parsed.channel, WIRE)


def parse(body: bytes, hints: Hints = HINTS) -> Parsed:
    return formats.choose(body, hints).parse(body, hints)


def checked(body: bytes, item: Item, version: Version, hints: Hints = HINTS) -> Fault | None:
    reread = formats.choose(body, hints).reread(body, hints)
    return integrity.check(reread, body[item.start : item.end], version)


def faults(feed: str | bytes, kind: str = "") -> list[str]:
    """The states of those items of *feed* that do not come through, by today's parser."""
    body = feed.encode() if isinstance(feed, str) else feed
    hints = Hints(url=WIRE.url, headers={"content-type": kind})
    parsed = parse(body, hints)
    assert parsed.items
    found = (checked(body, item, version_of(item, parsed), hints) for item in parsed.items)
    return [fault.state for fault in found if fault is not None]


@pytest.mark.parametrize("path", DATA, ids=lambda path: path.stem)
def test_the_shapes_of_real_wires_are_conserved(path: Path) -> None:
    assert faults(path.read_bytes()) == []


@pytest.mark.parametrize("format", ["rss", "atom"])
def test_the_simulated_agency_is_conserved(format: str) -> None:
    site = Site(Load(wires=6))
    for wire in range(6):
        body = site.answer("GET", f"/w/{wire}.{format}", {}, 0.0).body
        assert faults(body, f"application/{format}+xml") == []


@pytest.mark.parametrize(
    "item",
    [
        "<title>t</title><description>d</description>",
        # A text of signs alone says nothing that could be lost.
        f"<title>t</title><description>]]&gt;</description><c:encoded>{PROSE}</c:encoded>"
        "<summary>One line.</summary>",
        f"<title>t</title><description>* * *</description><c:encoded>{PROSE}</c:encoded>"
        "<summary>—</summary>",
        "<title>\n  <![CDATA[\n Padded \n]]>\n</title><description>\r\n<![CDATA[d\r\ne]]>"
        "</description>",
        "<title>Q&amp;amp;A on R&amp;D &amp;lt;b&amp;gt;</title><description>d</description>",
        "<title><![CDATA[India&#8217;s &amp; Co &copy 2020 &amp;amp;]]></title>",
        "<title>India&#146;s caf&eacute; &nbsp; &undefined; &#7;&#0;&#1114112;&#xD800;</title>",
        "<title>5 < 6 & 7 > 2</title><description>a < b & c</description>",
        "<title>How to use &lt;b&gt; &lt;i&gt;well&lt;/i&gt;</title>",
        "<title>a <b>b</b></title><description>One <b>two</b><br/>&lt;3 &apos;q</description>",
        "<title>a <!-- b --> c</title><description>d <!-- e --> f &lt;b&gt;g&lt;/b&gt;"
        "</description>",
        "<title>Rain</title><description>Rain</description><c:encoded>Rain fell.</c:encoded>",
        "<title/><description>No headline.</description>",
        "<title>No body</title><link>https://a.example/</link>",
        f"<title>t</title><m:content url='https://a.example/p.jpg'><m:description>{PROSE}"
        "</m:description></m:content>",
        f"<title>t</title><m:description>{PROSE}</m:description><description>d</description>",
        f"<title>t</title><description>d</description><dc:rights>{PROSE}</dc:rights>",
        f"<title>t</title><description>d</description><ya:related>{PROSE}</ya:related>",
        "<title>t</title><description>d</description><ya:note>Short, and nobody's.</ya:note>",
        f"<title>t</title><c:encoded>{PROSE} And more.</c:encoded><ya:teaser>{PROSE}</ya:teaser>",
        f"<title>t</title><story>{PROSE}</story><ya:turbo>&lt;h1&gt;t&lt;/h1&gt;{PROSE}</ya:turbo>",
        "<title>t</title><description>d</description>"
        f"<ya:more>{'https://a.example/a/long/address ' * 20}</ya:more>",
        "<title>t</title><c:encoded>The whole story.</c:encoded><description>Short.</description>"
        "<dc:description>Other.</dc:description>",
        "<title>AT&amp;T</title><c:encoded>a</c:encoded>"
        "<description>a a a a &amp;amp;</description><dc:description>AT&amp;T</dc:description>",
        "<title>t</title><dc:title>Another</dc:title><description>d</description>",
        "<title>t</title><c:encoded><![CDATA[<script>if (a<b) {}</script><p>a</p><style>p{}</style>"
        "<iframe src='x'>i</iframe><template>t</template>]]></c:encoded>",
        "<title>t</title><c:encoded><![CDATA[<table>stray<tr><td>a<td>b</table> <p>c<p>d<li>"
        "<a href='x'>e</a <b>f]]></c:encoded><description>&lt;table&gt;x&lt;tr&gt;&lt;td&gt;y"
        "</description>",
        "<title>t</title><description><p>a<p>b</description>",
        "<title>t</title><description><![CDATA[<p>a ]]]]><![CDATA[> b</p>]]></description>",
        "<title>t</title><body xmlns='http://www.w3.org/1999/xhtml'><p>a</p><br/><p>b</p></body>",
        "<title>never closed",
        "<title>x</titel><description>d</description>",
        "<title>x<title>y</title></title>",
        "<title a=b>x</title><description a='1' a='2'>d</description>",
        "<title>t</title><?php echo 1 ?><description>d</description>",
        "<Title>t</Title><DESCRIPTION>d</DESCRIPTION><pubDate>never</pubDate>",
    ],
)
def test_odd_items_that_come_through_are_no_false_alarm(item: str) -> None:
    assert faults(rss(item)) == []


@pytest.mark.parametrize(
    "entry",
    [
        "<title>Q&amp;amp;A &lt;b&gt;</title><content>a &lt;b&gt; b &amp;amp;</content>",
        '<title type="html">a &amp;amp; &amp;lt;b&amp;gt; &lt;em&gt;c&lt;/em&gt;</title>',
        '<title type="html">plain</title><summary type="html">plain</summary>',
        '<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">a &lt; <i>b</i></div>'
        "</title>",
        '<title>t</title><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">'
        '<p a="&quot;">a<br/>&#160;b</p><script src="x"/>'
        '<h:p xmlns:h="http://www.w3.org/1999/xhtml">c</h:p></div></content>'
        '<summary type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">s</div></summary>',
        '<title>t</title><content type="application/pdf">JVBERi0=</content><summary>s</summary>',
        '<title>t</title><content type="video/mp4" src="https://a.example/v.mp4"/><summary>s</summary>',
        '<title>t</title><content type="text/html" mode="base64">PHA+YTwvcD4=</content>',
        '<title>t</title><content type="text/plain">a &lt; b</content>',
        f"<title>t</title><summary>s</summary><source><title>Other</title><rights>{PROSE}</rights></source>",
    ],
)
def test_constructs_of_atom_are_read_as_they_say(entry: str) -> None:
    assert faults(atom(entry)) == []


@pytest.mark.parametrize(
    "feed",
    [
        rss("<title>&house; &lol;</title><description>&house;</description>",
            '<!DOCTYPE rss [<!ENTITY house "The House"><!ENTITY lol "&house;&house;">]>').encode(),
        b'<?xml version="1.0" encoding="iso-8859-1"?>' + rss("<title>caf\u00e9</title>").encode(),
        b'<?xml version="1.0" encoding="utf-8"?>' + rss("<title>\u00ef</title>").encode("cp1252"),
        rss("<title>\u0939\u093f\u0928\u094d\u0926\u0940\u200d</title>").encode("utf-16"),
        b'<?xml version="1.0" encoding="big5"?>' + rss("<title>\u4eac</title>").encode("big5"),
        b'<rss version="0.91"><channel><item><title>A</title><link>x</link><description>d'
        b"</description></item></channel></rss>",
    ],
)  # fmt: skip
def test_encodings_and_entities_are_those_of_the_document(feed: bytes) -> None:
    assert faults(feed) == []


@pytest.mark.parametrize(
    "item",
    [
        f"<title>t</title><description>d</description><ya:tale>{PROSE}</ya:tale>",
        f"<title>t</title><description>d</description><tale>{PROSE}</tale>",
        f"<title>t</title><description>d</description>{PROSE}",
        "<title>t</title><description>d</description><story>S.</story><body>It is whole.</body>",
        "<title>t</title><c:encoded>One.</c:encoded><c:encoded>Two.</c:encoded>",
        "<title>t</title><description>One.</description><story>S.</story>"
        "<description>Two.</description>",
        "<title>t</title><c:encoded>A short telling.</c:encoded><description>Sum.</description>"
        "<dc:description>The third telling.</dc:description>",
        "<headline>Only here</headline><description>d</description>",
        f"<title>t</title><description>Cut <b>off {PROSE}",
    ],
)
def test_what_today_s_parser_leaves_behind_is_found(item: str) -> None:
    assert faults(rss(item)) == ["text-lost"]


def changed(item: Item, part: str, text: str) -> Item:
    match part:
        case "headline":
            return replace(item, headline=text)
        case "summary":
            return replace(item, summary=text)
    return replace(item, body=text)


def items_of(feed: str) -> tuple[bytes, Parsed]:
    body = feed.encode()
    return body, parse(body)


PORTAL = rss(
    "<title>Bridge opens &amp; closes</title><description>It opened at dawn.</description>"
    "<c:encoded><![CDATA[<p>AYODHYA: It opened at dawn.</p><p>Engineers &amp; masons came."
    "</p><!-- ad --><p>It took nine years.</p>]]></c:encoded>"
    f"<m:content url='https://a.example/p.jpg'><m:description>{PROSE}</m:description></m:content>"
)


@pytest.mark.parametrize(
    ("part", "spoil", "state", "told"),
    [
        ("body", lambda b: b.replace("nine", ""), "text-lost", "“… came. It took years.”"),
        (
            "body",
            lambda b: b.replace("nine", "nine nine"),
            "text-added",
            "“… It took nine nine years.”",
        ),
        ("body", lambda b: b.replace("dawn", "noon"), "text-lost", "“… It opened at noon. Eng"),
        ("body", lambda b: b.replace("<p>It took nine years.</p>", ""), "text-lost", "It took"),
        ("body", lambda b: b.partition("<!--")[0], "text-lost", "says “… & masons came.”"),
        ("body", lambda b: b.partition("&")[0], "text-lost", "“… at dawn. Engineers”"),
        ("body", lambda b: b + "<p>Read more</p>", "text-added", "“… took nine years. Read more”"),
        ("body", lambda _: "", "text-lost", "the body that came out says nothing"),
        ("body", lambda _: PROSE, "text-added", "“The harbour office said"),
        ("body", lambda b: f"{b}{PROSE}", "text-added", "The harbour office said"),
        ("headline", lambda h: h.replace("opens", ""), "text-lost", "<title> says “Bridge opens"),
        ("headline", lambda h: f"{h}!", "text-added", "the headline that came out"),
        ("headline", lambda _: "", "text-lost", "<title> says “Bridge opens & closes”"),
        ("headline", lambda _: "It opened at dawn.", "text-lost", "headline"),
        ("summary", lambda s: s.replace("dawn", "noon"), "text-added", "“It opened at noon.”"),
        ("summary", lambda _: PROSE, "text-added", "“The harbour office"),
    ],
)
def test_a_fault_is_told_by_its_first_differing_words(
    part: str, spoil: "feedings.Spelling", state: str, told: str
) -> None:
    body, parsed = items_of(PORTAL)
    item = parsed.items[0]
    worse = changed(item, part, spoil(getattr(item, part)))
    fault = checked(body, worse, version_of(worse, parsed))
    assert fault is not None
    assert fault.state == state
    assert told in fault.message
    assert len(fault.message) < 1_000


def test_a_summary_that_is_a_piece_of_the_body_may_go() -> None:
    body, parsed = items_of(PORTAL)
    spoilt = replace(parsed.items[0], summary="")
    assert checked(body, spoilt, version_of(spoilt, parsed)) is None


def test_what_the_wire_calls_plain_is_plain() -> None:
    """Atom says what a text is: then tags are words, and may not be taken for markup."""
    body, parsed = items_of(atom("<title>How to use &lt;b&gt;</title><summary>s</summary>"))
    spoilt = replace(parsed.items[0], headline_html=True)
    fault = checked(body, spoilt, version_of(spoilt, parsed))
    assert fault is not None
    assert "use <b>" in fault.message


@given(feedings.feed())
def test_honest_feeds_are_never_accused(body: bytes) -> None:
    parsed = parse(body)
    for item in parsed.items:
        try:
            version = version_of(item, parsed)
        except ParseError:
            continue  # an item without words, refused as such
        assert checked(body, item, version) is None


_WORD = re.compile(r"(?<![\w&<>/='\"#;:.-])[a-z]{2,9}(?![\w<>/='\"#;:.-])")
_PIECE = re.compile(r"<(p|td|li|h2)>.*?</\1>", re.DOTALL)


@st.composite
def spoilt(draw: st.DrawFn, item: Item) -> Item:
    """*item* as a parser might have given it that has a fault."""
    part = draw(st.sampled_from(["body", "body", "headline", "summary"]))
    text = str(getattr(item, part))
    how = draw(st.sampled_from(["word", "word", "end", "caption", "entity", "piece", "comment"]))
    match how:
        case "word":
            places = list(_WORD.finditer(text))
            assume(places)
            word = draw(st.sampled_from(places))
            put = draw(st.sampled_from(["", f"{word[0]} {word[0]}", f"{word[0]}s", "other"]))
            text = text[: word.start()] + put + text[word.end() :]
        case "end":
            text = text[: draw(st.integers(0, len(text)))]
        case "caption":
            text = feedings.CAPTION
        case "entity":
            text = text.partition("&")[0]
        case "comment":
            text = text.partition("<!--")[0]
        case "piece":
            places = list(_PIECE.finditer(text))
            assume(places)
            piece = draw(st.sampled_from(places))
            text = text[: piece.start()] + text[piece.end() :]
    return changed(item, part, text)


@given(feedings.feed(), st.data())
def test_a_parser_that_loses_or_adds_a_word_is_always_found(
    body: bytes, data: st.DataObject
) -> None:
    parsed = parse(body)
    item = data.draw(st.sampled_from(parsed.items))
    # Here a summary may stand under two names; which of them comes out is free.
    plainly = body.replace(b"\0", b"")  # in whatever encoding
    assume(b"<dc:description>" not in plainly)
    worse = data.draw(spoilt(item))
    # What podcasts call the summary is that, or the body where nothing else is: it is no caption.
    captions = worse.body, worse.summary
    assume(b"<itunes:summary>" not in plainly or feedings.CAPTION not in captions)
    # Nor can the rights of a wire be told from a caption that says the same.
    assume(feedings.CAPTION not in item.rights or feedings.CAPTION not in _texts(worse))
    try:
        good, bad = version_of(item, parsed), version_of(worse, parsed)
    except ParseError:
        return  # nothing is left of it, and it is refused as such
    old, new = _words(good), _words(bad)
    lost = any(text and not any(text in other for other in new) for text in old)
    assume(lost or any(text and text not in old for text in new))
    fault = checked(body, item, bad)
    assert fault is not None
    assert fault.state in ("text-lost", "text-added")


def _texts(item: Item) -> tuple[str, ...]:
    return item.headline, item.body, item.summary


def _words(version: Version) -> list[str]:
    texts = (version.headline, projection(version.body), version.summary or "")
    return ["".join(plain(text).split()) for text in texts]


@pytest.mark.parametrize(
    "inside",
    [
        "<a " + " ".join(f'a{n}="1"' for n in range(40_000)) + "/>",
        "<category>n</category>" * 40_000,
        "<d>" * 40_000,
        "".join(f"<d{n}>" for n in range(40_000)),
        "<d><d></d>" * 40_000,
        "<description>" * 20_000 + "</description>" * 20_000,
        "<description><![CDATA[" * 20_000,
        "<description>x<!--" * 20_000,
        "<x:y>" + "&" * 300_000,
        "<" * 300_000,
        "</" * 200_000,
        f"<description>{'w' * 200}</description>" * 5_000,
        f"<ya:text>&lt;p&gt;{PROSE}</ya:text>" * 5_000,
        "<description>" + "&lt;b&gt;" * 50_000 + "</description>",
    ],
    ids=range(14),
)
def test_a_hostile_item_takes_bounded_time(inside: str) -> None:
    reread = rss_atom_reread.reread(rss("").encode(), HINTS)
    version = Version(wire="w", agency="A", agency_id="1", headline="t", body="<p>d</p>")
    began = time.process_time()
    integrity.check(reread, f"<item><title>t</title>{inside}</item>".encode(), version)
    assert time.process_time() - began < 2


@given(st.text(max_size=300), st.text(max_size=100))
def test_any_text_is_checked_without_an_error(raw: str, words: str) -> None:
    item = raw.encode("utf-8", "replace")
    version = Version(wire="w", agency="A", agency_id="1", headline=words, body=words)
    fault = integrity.check(rss_atom_reread.reread(item, HINTS), item, version)
    assert fault is None or len(fault.message) <= 1_000


def read(feed: str, conserve: str = "quarantine") -> Contents:
    wire = Wire.model_validate({"name": "wire", "url": WIRE.url, "conserve": conserve})
    return parse_capture(feed.encode(), HINTS, wire)


GOOD = "<item><title>Good</title><guid>1</guid><description>d</description></item>"
LOST = (
    "<item><title>Lost</title><guid>2</guid><description>d</description>"
    f"<tale>{PROSE}</tale></item>"
)


def two() -> str:
    return f"<rss><channel>{LOST}{GOOD}</channel></rss>"


def test_what_is_not_conserved_goes_to_quarantine_by_itself() -> None:
    found = read(two())
    assert [one.version.headline for one in found.found] == ["Good"]
    (refused,) = found.refused
    assert (refused.position, refused.state) == (0, "text-lost")
    assert refused.message.startswith("text was lost on the way from its bytes: <tale>")
    assert refused.keys is not None, "it is there, and counts where guids are compared"


def test_or_it_is_kept_without_digests_to_claim_anything_by() -> None:
    found = read(two(), "unknown")
    lost, good = found.found
    assert (lost.received, good.received is None) == (None, False)
    assert found.refused == ()
    assert found.notes[-1].startswith("1 item, the first is item 1: published without a claim")
    strict = read(f"<rss><channel>{GOOD}</channel></rss>").found[0]
    assert good.content_digest == strict.content_digest


@pytest.mark.parametrize("setting", ["quarantine", "unknown"])
def test_what_cannot_be_compared_is_told_and_never_claimed(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No loss was seen, so it is no matter for the quarantine; but nothing is known either."""

    rss_or_atom = formats.FORMATS[0]

    def placeless(body: bytes, hints: Hints) -> Parsed:
        parsed = rss_or_atom.parse(body, hints)
        first, *others = parsed.items
        return replace(parsed, items=(replace(first, start=-1, end=-1), *others))

    monkeypatch.setattr(formats, "FORMATS", (replace(rss_or_atom, parse=placeless),))
    found = read(f"<rss><channel>{GOOD}{GOOD}</channel></rss>", setting)
    assert [one.received is None for one in found.found] == [True, False]
    assert found.notes[-1] == (
        "1 item, the first is item 1: published without a claim, text-unchecked: where its own"
        " bytes stand is not known"
    )


def test_a_check_that_fails_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    rss_or_atom = formats.FORMATS[0]

    def failing(body: bytes, hints: Hints) -> Reread:
        real = rss_or_atom.reread(body, hints)

        def reread(raw: bytes) -> Sequence[Passage]:
            if b"Good" in raw:
                raise RecursionError("nobody foresaw this")
            return real(raw)

        return reread

    monkeypatch.setattr(formats, "FORMATS", (replace(rss_or_atom, reread=failing),))
    found = read(f"<rss><channel>{GOOD}{GOOD.replace('Good', 'Better')}</channel></rss>")
    assert [one.received is None for one in found.found] == [True, False]
    assert "RecursionError: nobody foresaw this" in found.notes[-1]


def test_a_second_reading_that_cannot_begin_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(body: bytes, hints: Hints) -> Reread:
        raise RecursionError("nobody foresaw this")

    monkeypatch.setattr(formats, "FORMATS", (replace(formats.FORMATS[0], reread=failing),))
    (found,) = read(f"<rss><channel>{GOOD}</channel></rss>").found
    assert found.received is None
