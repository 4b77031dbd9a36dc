"""What HTML swallows comes out all the same, and what is sound is left as it is."""

import re
import time
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import formats
from ingest.formats.html import letters_by_hand, mend, unwrapped
from ingest.integrity import letters
from ingest.item import Hints
from ingest.parse import parse
from stories.config import Wire
from tests.wirecopy.markups import nearly_simple, steady
from wirecopy.text import project

WIRE = Wire(name="w", agency="Quay News", url="https://wire.example/feed")
LONG = "The ferry will not sail before the fog has gone, the master of the quay said at noon."


def words(html: str) -> tuple[str, ...]:
    return project(mend(html)).paragraphs


@pytest.mark.parametrize(
    "html",
    [
        "<p>One <b>two</b> <a href='a?x=1&amp;y=2'>three</a><br/>four</p>",
        '<p>5 < 6, A&B and <img src="a.jpg" alt="x > y"> <!-- no words --> done</p>',
        "<o:p></o:p><org>Quay News</org> <hl2 x=1>q <body.content>ok</body.content>",
        "<!DOCTYPE html><?xml:namespace prefix=o /><![if gte mso 9]><p>x</p><![endif]>",
        "<script>document.write('<p>no words</p>')</script><iframe src='a'></iframe>",
        "<svg viewBox='0'><path d='M0'/><text>hi</text></svg><math><mi>x</mi></math>",
        "<td nowrap>x</td><video controls autoplay></video><p v-cloak>y</p><img alt>",
        "<video><source src='v'></video><p>A</p><!--[if x]>B<![endif]-->",
        "<p>cut off in a pic <img sr",
        "<p>cut off in a link <a href='https://wire.exam",
    ],
)
def test_sound_markup_stays_as_it_is(html: str) -> None:
    assert mend(html) == html


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<![CDATA[Fog. <br>No ferry]]>", ("Fog.", "No ferry")),
        ("<p><![CDATA[Fog]]> and <![CDATA[rain]]></p>", ("Fog and rain",)),
        ("<![CDATA[<p>Cut off", ("Cut off",)),
        ("<p>A</p><iframe src='v' width=3/><p>B</p>", ("A", "B")),
        ("<p>A</p><script src='v'/><p>B</p><script>x()</script>", ("A", "B")),
        ("<p>A</p><style/><p>B</p>", ("A", "B")),
        ("<p>A</p><iframe src='v'><p>B</p><iframe src='w'></iframe>", ("A", "B")),
        ("<p>A</p><title><p>B</p>", ("A", "B")),
        ("<p>A</p><noembed/><p>B</p><noframes /><p>C</p>", ("A", "B", "C")),
        ("<p>A</p><NOSCRIPT><table><tr><td>B</table></NOSCRIPT>", ("A", "B")),
        ("<p>A</p><!-- more <p>B</p>", ("A", "more", "B")),
        ("<p>I </3 fog and rain</p>", ("I </3 fog and rain",)),
        ("<p>Quay <! see below > rose</p>", ("Quay <! see below > rose",)),
        ("<p>Quay <QAY.N> rose</p>", ("Quay <QAY.N> rose",)),
        ("<p>Quay <QAY-A> rose</p>", ("Quay <QAY-A> rose",)),
        ("<p>to <rao@wire.example></p>", ("to <rao@wire.example>",)),
        ("<p>at <https://wire.example/a?b=c></p>", ("at <https://wire.example/a?b=c>",)),
        ("<p>dial <number>, ask <Mary Rao></p>", ("dial <number>, ask <Mary Rao>",)),
        ("<p>if x<y and z</p><p>B</p>", ("if x<y and z", "B")),
        ("<p>if a <b and c</p><p>B</p>", ("if a <b and c", "B")),
        ("<p <b>A</b></p>", ("A",)),
        ("<p><a href='x>A</a> words <a href='y'>B</a></p>", ("A words B",)),
        ('<p><a href="x>A</a> words <a href="y">B</a></p>', ("A words B",)),
        ("<p><a href='x'>A</a> <a href=\"y>B</a> words</p>", ("A B words",)),
        ("<p><span lang='hi>A</span> <b class='y'>B</b></p>", ("A B",)),
        ("<p>if i <a and b> c</p>", ("if i <a and b> c",)),
        ("<p>« <<Code is law>> »</p>", ("« <<Code is law>> »",)),
        ("<p>see the <Video> below</p><p>B</p>", ("see the <Video> below", "B")),
        ("<p>A<br<br>B</p>", ("A", "B")),
        ("<p>A</p><!--[if gte mso 9]><p>B</p>", ("A", "B")),
        ("<p>a <select><option>b<option>c<p>d</p>", ("a", "b", "c", "d")),
        ("<ruby>灯<rp>(<rt>と<rp>)</rp></ruby>が", ("灯とが",)),
    ],
)
def test_words_come_out(html: str, expected: tuple[str, ...]) -> None:
    assert words(html) == expected
    assert mend(mend(html)) == mend(html)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<img data-src='a.jpg' class=lazy>", ["a.jpg"]),
        ("<img src='data:image/gif;base64,AA' data-original='a.webp?x=1'>", ["a.webp?x=1"]),
        ("<img src='/static/blank.gif' data-lazy-src='/pic/7'>", ["/pic/7"]),
        ("<img src='a.jpg' data-full='b.jpg'>", ["a.jpg"]),
        ("<img data-x-photo='a.png'>", ["a.png"]),
        ("<img data-srcset='a.jpg 300w, b.jpg 900w, c.jpg 600w'>", ["b.jpg"]),
        ("<img data-src='a.jpg'/><noscript><img src='a.jpg'></noscript>", ["a.jpg"]),
        ("<figure><noscript><img src='a.jpg'></noscript></figure>", ["a.jpg"]),
        ("<amp-img src='a.jpg' width=9></amp-img>", ["a.jpg"]),
        ("<amp-img src='a.jpg'/><p>B</p>", ["a.jpg"]),
        ("<iframe data-src='//v.example/1'></iframe>", ["//v.example/1"]),
        ("<iframe src='' data-x-src='https://v.example/1'></iframe>", ["https://v.example/1"]),
        ("<iframe src='about:blank' DATA-URL='https://v.example/1'/>", ["https://v.example/1"]),
        ("<iframe src='v' data-src='https://v.example/1'></iframe>", ["v"]),
        ("<iframe data-src='lazy' data-load=1></iframe>", []),
        ("<video data-src='https://v.example/1.mp4'></video>", ["https://v.example/1.mp4"]),
        ("<audio><source data-src='//v.example/1'></audio>", ["//v.example/1"]),
        ("<picture><source data-srcset='//v.example/1'><img src=a.jpg></picture>", ["a.jpg"]),
        ("<img class='fit lazyload' src='tiny.jpg' data-src='a.jpg'>", ["a.jpg"]),
        ("<img src='tiny.jpg' data-src='a.jpg'>", ["tiny.jpg"]),
        ("<img src='/img/grey.gif' data-original='https://p.example/7'>", ["https://p.example/7"]),
        ("<img data-lazy='https://p.example/7'>", ["https://p.example/7"]),
        ("<img data-href='https://p.example/7'>", []),
        ("<img src='/train.jpg' data-full='b.jpg'>", ["/train.jpg"]),
    ],
)
def test_pictures_have_the_address_they_wait_with(html: str, expected: list[str]) -> None:
    assert [medium.url for medium in project(mend(html)).media] == expected
    assert mend(mend(html)) == mend(html)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<div style="background-image:url(a.jpg)"></div>', ["a.jpg"]),
        (
            "<DIV STYLE='BACKGROUND: #FFF URL(\"a.jpg?x=1&amp;y=2\") 0 0'>&nbsp;</DIV>",
            ["a.jpg?x=1&y=2"],
        ),
        ('<span style="background-image: url(&quot;a.jpg&quot;)"><b></b></span>', ["a.jpg"]),
        ("<a style='background:linear-gradient(red, blue), url( a.jpg )'></a>", ["a.jpg"]),
        (r"<p style='background-image:url(https\:\/\/p.example\/a)'></p>", ["https://p.example/a"]),
        ("<div style='height:0;padding-bottom:56%;background:url(a.jpg)'></div>", ["a.jpg"]),
        ("<figure style='background:url(a.jpg)'><figcaption>Fog</figcaption></figure>", ["a.jpg"]),
        ("<table><tr><td background='a.jpg' width='600'>&nbsp;</td></tr></table>", ["a.jpg"]),
        ("<div class='lazy' data-bg='a.jpg'></div>", ["a.jpg"]),
        ("<div data-background-image='url(a.jpg)'></div>", ["a.jpg"]),
        ("<div data-bg='dark'></div><div data-bgset='x'></div>", []),
        ("<div style='background:url(loading-dock.jpg)'></div>", ["loading-dock.jpg"]),
        ("<p style='background:white'>Fog</p><div style='background:none'></div>", []),
        ("<div style='background:url(a.jpg)'><p>Fog</p></div>", []),
        ("<div style='background:url(a.jpg)'><img src='b.jpg'></div>", ["b.jpg"]),
        ("<img src='a.jpg'><div style='background:url(a.jpg)'></div>", ["a.jpg"]),
        ("<p style='background:url(a.jpg)'></p><p style='background:url(a.jpg)'></p>", ["a.jpg"]),
        ("<div style='background:url(data:image/gif;base64,AA)'></div>", []),
        ("<div style='background:url(/spacer.gif)'></div>", []),
        ("<div style='background:url(t.jpg);width:1px;height:1px'></div>", []),
        ("<td style='background:url(t.jpg)' width=1></td>", []),
        ("<div style='background:url(t.jpg);display:none'></div>", []),
        ("<div hidden style='background:url(t.jpg)'></div>", []),
        ("<div style='background:url(a.jpg)'>", []),
    ],
)
def test_a_picture_that_style_alone_shows_is_one(html: str, expected: list[str]) -> None:
    assert [medium.url for medium in project(mend(html)).media] == expected
    assert words(html) == project(html).paragraphs
    assert letters_by_hand(mend(html)) == letters_by_hand(html)
    assert mend(mend(html)) == mend(html)


def test_of_a_srcset_alone_the_largest_is_the_picture() -> None:
    html = mend("<img srcset='a.jpg 300w, b.jpg 900w'>")
    assert html == "<img src=\"b.jpg\" srcset='a.jpg 300w, b.jpg 900w'>"


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("<![CDATA[", "]]>"),
        ("<![CDATA[", "]]&gt;"),
        ("<![CDATA[", "]>\n"),
        ("<![CDATA[<![CDATA[", "]]>]]>"),
        ("<!--[CDATA[", "]]-->"),  # as a parser of HTML writes it
        ("<!--[CDATA[", "]]>"),
        ("<! [CDATA[", "]] >"),
        ("<![cdata[", "]]>"),
        (" &lt;![CDATA[", "]]&gt;"),
    ],
)
def test_marks_of_cdata_are_no_words_however_spelt(begin: str, end: str) -> None:
    assert words(f"{begin}<p>Fog</p><p>Rain</p>{end}") == ("Fog", "Rain")
    for text in (f"{begin}<p>{LONG}</p>{end}", f"{begin}{LONG}{end}"):
        (item,) = parse(feed(text), Hints(url=WIRE.url), WIRE).found
        assert project(item.version.body).paragraphs == (LONG,)
        assert item.received is not None


def test_marks_of_cdata_are_no_words() -> None:
    assert unwrapped("<![CDATA[Fog]]>") == "Fog"
    assert unwrapped("a ]]> b") == "a ]]> b"


def feed(body: str, title: str = "Fog") -> bytes:
    content = body.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f"<rss><channel><item><title>{title}</title><guid>1</guid>"
        f"<description>{content}</description></item></channel></rss>"
    ).encode()


def test_what_cannot_be_mended_is_not_claimed() -> None:
    swallowing = f"<p>A</p><head><title>{LONG}</title></head><p>B</p>"
    assert letters_by_hand(swallowing) > 60
    for body, claimed in (
        (swallowing, False),
        (f"<p>A</p><!-- ad -><p>{LONG}</p><!-- /ad -->", False),  # the first never ended
        (f"<p>{LONG}</p><!-- {LONG} -->", True),
        (f"<!--[if !IE]><!--><p>{LONG}</p><!--<![endif]-->", True),
        (f"<!--><p>{LONG}</p><!-- B -->", True),
        (f"<p>{LONG}</p><iframe src='v'>Your browser shows no frames, alas.</iframe>", True),
    ):
        (item,) = parse(feed(body), Hints(url=WIRE.url), WIRE).found
        assert (item.received is not None) is claimed


@pytest.mark.parametrize("part", ["title", "summary"])
def test_headlines_and_summaries_are_counted_too(part: str) -> None:
    texts = {"title": "Fog", "summary": "It is foggy.", "content": f"Beside: {LONG}"}
    for text, claimed in ((f"&lt;b&gt;{LONG}&lt;/b&gt;", True), (_hidden(LONG), False)):
        made = "".join(f'<{k} type="html">{v}</{k}>' for k, v in (texts | {part: text}).items())
        entry = f"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id>{made}</entry></feed>"
        (item,) = parse(entry.encode(), Hints(url=WIRE.url), WIRE).found
        assert (item.received is not None) is claimed


def _hidden(text: str) -> str:
    return f"Fog &lt;template&gt;{text}&lt;/template&gt; here"


def test_an_item_is_read_so_by_both_readings() -> None:
    twice = feed(f"<![CDATA[{LONG}<br>{LONG}]]>", "&lt;![CDATA[Fog]]&gt;")
    (item,) = parse(twice, Hints(url=WIRE.url), WIRE).found
    assert item.received is not None
    assert (item.version.headline, item.version.body) == ("Fog", f"{LONG}<br>{LONG}")


@pytest.mark.parametrize(
    "evil",
    [
        "<a" * 20_000,
        '<a x="' * 10_000,
        "<!--" * 20_000,
        "--><!--" * 10_000,
        "<iframe>" * 10_000 + "</iframe>",
        "<noscript><img src=a>" * 5_000,
        "<rp>" * 20_000,
        "<script/>" * 10_000,
        "<![CDATA[" * 10_000,
        '<a href="x>' * 10_000,
    ],
)
def test_hostile_markup_takes_no_time(evil: str) -> None:
    began = time.process_time()
    mend(evil)
    letters_by_hand(evil)
    assert time.process_time() - began < 2


def test_json_feed_is_mended_too() -> None:
    body = (
        '{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "Fog",'
        f' "content_html": "<p>A</p><iframe src=v /><p>{LONG}</p>"}}]}}'
    ).encode()
    assert formats.choose(body, Hints(url=WIRE.url)).name == "JSON Feed"
    (item,) = parse(body, Hints(url=WIRE.url), WIRE).found
    assert item.received is not None
    assert project(item.version.body).paragraphs == ("A", LONG)


@steady
@given(nearly_simple())
def test_what_needs_no_second_look_would_not_be_mended(html: str) -> None:
    with patch("ingest.formats.html._PLAIN", re.compile("(?!)")):
        looked_at = mend(html)
    assert mend(html) == looked_at


@given(st.text() | nearly_simple())
def test_letters_are_counted_one_by_one(text: str) -> None:
    assert letters(text, addresses=True) == len(re.findall(r"[^\W\d_]", text))
