"""What reaches a subscriber of an agency's HTML, and what does not."""

import re
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html

from publish.clean import DROPPED, TAGS, absolute, clean, embeds
from tests.publish.hostile import texts, urls
from wirecopy.encoding import shown_chars, xml_chars
from wirecopy.form import unwritten
from wirecopy.html import TangleError
from wirecopy.text import paragraphs, plain, project

BASE = "https://wire.example/a/b.html"


@pytest.mark.parametrize(
    ("received", "kept"),
    [
        ("<p>a<script>evil()</script>b<style>p{}</style></p>", "<p>ab</p>"),
        ('<p onclick="x()" style="color:red" class="c" id="i">x</p>', "<p>x</p>"),
        ('<p dir="rtl" lang="ur" title="t">ی</p>', '<p dir="rtl" lang="ur" title="t">ی</p>'),
        ('<p dir="rtl"><bdi>x</bdi> یہ', '<p dir="rtl"><bdi>x</bdi> یہ</p>'),
        ('<p dir="rtl"><bdi>some words</bdi> یہ', "<p><span>some words</span> یہ</p>"),
        ('<p dir="rtl">seven یہو', '<p dir="rtl">seven یہو</p>'),
        ("<p><bdi lang=en dir=ltr>words</bdi>", '<p><span lang="en">words</span></p>'),
        ("<p dir=auto><b dir=ltr>a</b> <b dir=LTR>b", '<p dir="auto"><b>a</b> <b>b</b></p>'),
        (
            "<p dir=ltr>a <b dir=rtl>یہ</b><b dir=rtl>b",
            '<p dir="ltr">a <b dir="rtl">یہ</b><b>b</b></p>',
        ),
        ("<h2>h</h2><ul><li>1<li>2</ul>", "<h2>h</h2><ul><li>1</li><li>2</li></ul>"),
        (
            "<table><tr><th scope=row>a<td colspan=2>b</table>",
            '<table><tbody><tr><th scope="row">a</th><td colspan="2">b</td></tr></tbody></table>',
        ),
        ("<p>one<br>two &amp; &lt;three&gt;</p>", "<p>one<br>two &amp; &lt;three&gt;</p>"),
        ("x<!-- c --><?pi?>y", "xy"),
        ("<iframe src=x>in</iframe><embed src=y>z", "z"),
        ("<svg><text>drawn</text></svg><math><mi>m</mi></math>z", "drawnmz"),
        (
            "<svg><title>no</title><style>p{}</style><a><text>drawn</text></a></svg>",
            '<a rel="nofollow noopener">drawn</a>',
        ),
        ("<textarea>a <b>b</textarea>c", "a &lt;b&gt;bc"),
        ("<noscript><img src=a.jpg></noscript>z", "z"),
        ("<object data=x>instead</object>", "instead"),
        (
            "a<form action=x>b<button>Go</button><select><option>o</select></form>c",
            "a<div>bGo<div>o</div></div>c",
        ),
        ("<fieldset><legend>l</legend>x</fieldset>", "<div><div>l</div>x</div>"),
        ("<font color=red>x</font>", "x"),
        ("<details open><summary>s</summary>d</details>", "<div><div>s</div>d</div>"),
        ('<p>4<bdo dir="rtl">14</bdo></p>', "<p>414</p>"),
        ("<ruby>a<rp>(</rp><rt>b</rt><rp>)</rp></ruby>", "a(b)"),
        ("<ruby lang=ja><rb>a</rb><rp>(<rt>b</rt><rp>)</rp></ruby>c", "a(b)c"),
        ("<ruby>a<rt>b</rt></ruby>", "<ruby>a<rt>b</rt></ruby>"),
    ],
)
def test_markup(received: str, kept: str) -> None:
    assert clean(received, BASE) == kept


@pytest.mark.parametrize(
    ("received", "kept"),
    [
        ("to <span style='text-decoration:line-through'>5</span> 6", "to <span><s>5</s></span> 6"),
        ("<p style='TEXT-DECORATION-LINE: underline line-through'>5", "<p><s>5</s></p>"),
        ("<font style='text-decoration: line-through red'>5</font>", "<s>5</s>"),
        ("CO<i style='vertical-align: sub; font-size: 8pt'>2</i>", "CO<i><sub>2</sub></i>"),
        ("m<font style='vertical-align:super'>2</font>", "m<sup>2</sup>"),
        ("<p>a</p><p style='display:none'>b<br><b>c</b></p><p>d</p>", "<p>a</p><p>d</p>"),
        ("<div hidden>a<div>b</div></div>c", "c"),
        ("a<b style='font-size:0px'>b</b><i style='visibility: hidden !important'>c</i>d", "ad"),
        ("a<span style='position:absolute; left:-9999px'>b</span>", "a"),
        ("a<div style='max-height:0;overflow:hidden'><p>b</p></div>c", "ac"),
        ("<p style='mso-hide:all'>a</p><font style='color: transparent'>b</font>c", "c"),
        ("<p style='font-size:0.9em; opacity:.5; left:-3px'>a</p>", "<p>a</p>"),
        ("<ul style='text-decoration:line-through'><li>a</ul>", "<ul><li>a</li></ul>"),
        # also of elements that do not stay
        ("a <label style='text-decoration:line-through'>5</label> 6", "a <span><s>5</s></span> 6"),
        ("a <x-del style='text-decoration:line-through'>5</x-del>", "a <span><s>5</s></span>"),
        ("x<x-up style='vertical-align:super'>2</x-up>", "x<span><sup>2</sup></span>"),
        ("x<b style='vertical-align:4px;font-size:70%'>2</b>", "x<b><sup>2</sup></b>"),
        ("x<b style='vertical-align:-2px;font-size:.7em'>2</b>", "x<b><sub>2</sub></b>"),
        ("x<b style='vertical-align:-1px'>2</b>", "x<b>2</b>"),
        ("a<x-note hidden>b <b>c</b></x-note>d", "ad"),
        ("a<x-note hidden='until-found'>b</x-note>d", "ad"),
        ("a<o:p style='display:none'>b</o:p>d", "ad"),
        ("a<button style='display:none'>b</button>d", "ad"),
        ("a<select style='display:none'><option>b</select><p>d", "a<p>d</p>"),
        ("a<textarea style='visibility:hidden'>b</textarea>d", "ad"),
        ("a<object hidden>b</object>d<acronym hidden>e</acronym>", "ad"),
        ("a<svg style='display:none'><text>b</text></svg>d", "ad"),
        ("<svg><text display='none'>b</text><path hidden/><text>c</text></svg>", "<span>c</span>"),
        ("a<math hidden><mi>b</mi></math>d", "ad"),
        ("a<x-note hidden/>b", "ab"),
        ("a<input hidden>b<body style='display:none'>c", "abc"),
        ("a<x-note title='say hidden=1' aria-hidden='true'>b</x-note>d", "abd"),
        ("<table><tr hidden><td>a<tr><td style='display:none'>b<td>c</table>",
         "<table><tbody><tr><td>c</td></tr></tbody></table>"),
    ],
)  # fmt: skip
def test_style_that_means_something_is_read(received: str, kept: str) -> None:
    assert clean(received, BASE) == kept


@pytest.mark.parametrize(
    ("href", "kept"),
    [
        ("https://h.example/x?a=1&amp;b=2", "https://h.example/x?a=1&amp;b=2"),
        ("/x", "https://wire.example/x"),
        ("c.html", "https://wire.example/a/c.html"),
        ("//c.example/d", "https://c.example/d"),
        (" \n https://h.example/ ", "https://h.example/"),
        ("mailto:desk@a.example", "mailto:desk@a.example"),
        ("tel:+91112", "tel:+91112"),
        ("javascript:alert(1)", None),
        ("java\tscript:alert(1)", None),
        (" &#1;javascript:alert(1)", None),
        ("JaVaScRiPt:alert(1)", None),
        ("data:text/html,<script>", None),
        ("vbscript:x", None),
        ("ftp://h.example/", None),
        ("file:///etc/passwd", None),
        ("#top", "#top"),  # within the page; it leads nowhere else, and leaves no difference
        ("", ""),
        ("https://", None),
    ],
)
def test_links(href: str, kept: str | None) -> None:
    attribute = "" if kept is None else f' href="{kept}"'
    tag = f'<a{attribute} rel="nofollow noopener">x</a>'
    assert clean(f'<a href="{href}" target=_blank ping=/p>x</a>', BASE) == tag


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (
            "https://समाचार.भारत/कहानी",
            "https://समाचार.भारत/%E0%A4%95%E0%A4%B9%E0%A4%BE%E0%A4%A8%E0%A5%80",
        ),
        ("https://Bücher.Example:8443/x?q=ü", "https://bücher.example:8443/x?q=%C3%BC"),
        ("//خبر.example/x", "https://خبر.example/x"),
        ("https://xn--bcher-kva.example/x", "https://xn--bcher-kva.example/x"),
        ("https://b%C3%BCcher.example/x", "https://bücher.example/x"),
        ("https://%61.example/", "https://%61.example/"),
    ],
)
def test_hosts_in_other_scripts_stay_readable(written: str, kept: str) -> None:
    html = f'<p><a href="{written}">x</a><img src="{written}"></p>'
    cleaned = clean(html, "https://base.example/")
    assert absolute(written, "https://base.example/") == kept
    assert f'href="{kept}"' in cleaned
    assert f'src="{kept}"' in cleaned
    # They are the same addresses to whoever compares them.
    one, two = project(html, "https://base.example/"), project(cleaned, None)
    assert (one.links, one.media) == (two.links, two.media)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://a\u202eb.example/", "https://a%e2%80%aeb.example/"),
        ("https://a／b.example/", "https://a%ef%bc%8fb.example/"),
        ("https://%ff.example/", "https://%ff.example/"),
    ],
)
def test_what_is_no_letter_of_a_host_stays_escaped(written: str, kept: str) -> None:
    assert absolute(written, None) == kept
    assert clean(f'<a href="{written}">x</a>', None) == '<a rel="nofollow noopener">x</a>'


def test_links_that_nothing_makes_absolute_go() -> None:
    assert clean('<a href="/x">x</a>', None) == '<a rel="nofollow noopener">x</a>'
    assert clean('<a href="/x">x</a>', "javascript:x") == '<a rel="nofollow noopener">x</a>'
    within = clean('<a href="#x">x</a>', "ftp://h.example/")
    assert within == '<a href="#x" rel="nofollow noopener">x</a>'


@pytest.mark.parametrize(
    ("image", "kept"),
    [
        (
            '<img src="a.jpg" alt="a > b">',
            '<img src="https://wire.example/a/a.jpg" alt="a &gt; b">',
        ),
        ('<img src="p.gif" width="1" height="1">', ""),
        ('<img src="p.gif" width="0">', ""),
        ('<img src="p.gif" style="display:none">', ""),
        ('<img src="p.gif" hidden>', ""),
        ('<img src="p.gif" width=1 alt="A chart">', '<img src="https://wire.example/a/p.gif"'),
        ('<img src="a.jpg" style="color:red">', '<img src="https://wire.example/a/a.jpg">'),
        ('<img src="data:image/png;base64,AA==">', ""),
        ('<img src="javascript:x" alt="x">', ""),
        ("<img>", ""),
        (
            '<img srcset="a.jpg 1x, javascript:x 2x, //c.example/b,c.jpg 640w,d.jpg">',
            '<img srcset="https://wire.example/a/a.jpg 1x, https://c.example/b,c.jpg 640w,'
            ' https://wire.example/a/d.jpg">',
        ),
    ],
)
def test_pictures(image: str, kept: str) -> None:
    cleaned = clean(image, BASE)
    assert cleaned.startswith(kept)
    assert bool(cleaned) == bool(kept)
    assert "style" not in cleaned
    assert "hidden" not in cleaned


def test_films_and_sounds_stay_but_do_not_start() -> None:
    cleaned = clean(
        "<video src=v.mp4 poster=p.jpg autoplay controls><source src=a.webm type=video/webm>"
        "<track src=t.vtt kind=captions></video><audio src=s.mp3 autoplay></audio>",
        BASE,
    )
    assert "autoplay" not in cleaned
    assert tuple(medium.url for medium in project(cleaned).media) == tuple(
        f"https://wire.example/a/{name}" for name in ("v.mp4", "p.jpg", "a.webm", "t.vtt", "s.mp3")
    )


@pytest.mark.parametrize(
    ("received", "kept"),
    [
        (
            f'<video src="{BASE}"><source src="{BASE}"><p>No <b>film</b></p></video>b',
            f'<video src="{BASE}"><source src="{BASE}"></video><p>No <b>film</b></p>b',
        ),
        (
            f'<video>a<audio src="{BASE}">b<track src="{BASE}"></audio>c</video>d',
            f'<video></video>a<audio src="{BASE}"><track src="{BASE}"></audio>bcd',
        ),
        (
            f'<picture><source srcset="{BASE}"><img src="{BASE}"></picture>',
            f'<picture><source srcset="{BASE}"><img src="{BASE}"></picture>',
        ),
        ("</video>a<video>b", "a<video></video>b"),
    ],
)
def test_what_a_player_holds_is_shown_behind_it(received: str, kept: str) -> None:
    assert clean(received, BASE) == kept
    assert paragraphs(received) == paragraphs(kept)


def test_characters() -> None:
    assert xml_chars("a\x00b\x01c\x0bd\x0ce\tf\ud800g\ufffeh\ud83d\ude00") == "abc d e\tf\ufffdgh😀"
    assert clean("x&#1;y&#xFFFE;z&#xD800;", None) == "xyz\ufffd"
    assert xml_chars("plain") == "plain"


@settings(deadline=None)
@given(texts)
def test_any_text_becomes_one_that_utf8_and_xml_can_hold(text: str) -> None:
    kept = xml_chars(text)
    assert kept.encode("utf-8").decode("utf-8") == kept
    assert all(c in "\t\n\r" or 0x20 <= ord(c) <= 0xFFFD or ord(c) > 0xFFFF for c in kept)
    assert xml_chars(kept) == kept


@settings(deadline=None)
@given(st.one_of(texts, st.text("ab \x7f\x85\x9f\u1680\u2028\u2029\t\n")))
def test_what_is_shown_of_a_text_is_what_is_read(text: str) -> None:
    kept = shown_chars(text)
    assert plain(kept) == plain(text)
    assert unwritten([kept]) == ""


@settings(deadline=None)
@given(urls, st.one_of(st.none(), urls))
def test_an_absolute_address_is_one(url: str, base: str | None) -> None:
    found = absolute(url, base)
    if found is not None:
        assert found.startswith(("http://", "https://"))
        assert absolute(found, None) == found


_ODD = (
    *("<p ſtyle='display:none'>a</p>", "<MARQUEE dısplay=none>b</marquee>", "<marquee hİdden>c"),
    *(
        "<b STYLE='display:none'>d</b>",
        "<marquee Visibility=hidden>e",
        "a style, a display, hidden",
    ),
    *(
        "<IFRAME src=https://v.example/1 title=T>",
        "<ıframe src=https://v.example/2>",
        "<amp-iframe ",
    ),
    *(
        "<div class=FB-post data-href=https://f.example/>",
        "<div class=fb-post data-href=//f.example>",
    ),
    *("<blockquote class=embed cite=https://t.example/>", "embedded", "<embed src=//e.example/>"),
    *("<p data-instgrm-permalink=https://i.example/>", "<object data=https://o.example/></object>"),
)


@given(st.lists(st.one_of(texts, st.sampled_from(_ODD)), max_size=4).map("".join))
def test_what_is_looked_for_in_vain_is_not_there(html: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        found = clean(html, None), embeds(html, None, {})
        patch.setattr("publish.clean._holds", lambda *_: True)
        assert found == (clean(html, None), embeds(html, None, {}))


_PIECES = (
    *(f"<{tag}>" for tag in sorted(TAGS)),
    *(f"</{tag}>" for tag in sorted(TAGS)),
    *("words", ' style="color:transparent" ', ' dir="rtl" ', "&lt;img&gt;", "یہ"),
    *("<b style=display:none>", "<p dir=rtl>", "<a href=https://a.example title='<img>'>", "<a>"),
    *(
        "<details>",
        "<img src=https://a.example/a.jpg>",
        "<font size=1>",
        "<i hidden>",
        "<li dir=x>",
    ),
)


@settings(deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_usual_markup_is_cleaned_as_any_other(html: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        usual = clean(html, None)
        patch.setattr("publish.clean._USUAL", re.compile("(?!)"))
        assert usual == clean(html, None)


@settings(deadline=None)
@given(texts, st.one_of(st.none(), urls))
def test_nothing_that_acts_is_left(html: str, base: str | None) -> None:
    cleaned = clean(html, base)
    # nh3 takes a byte order mark at the very beginning for what it is, and leaves it out.
    assert clean(cleaned, None) == cleaned.removeprefix("\ufeff")
    for element in lxml_html.fromstring(f"<div>{xml_chars(cleaned)}</div>").iter():
        assert element.tag in TAGS
        assert element.tag not in DROPPED
        for name, value in element.attrib.items():
            assert not str(name).startswith("on")
            assert name not in ("style", "class", "id", "srcdoc", "action", "formaction")
            if name in ("href", "src", "cite", "poster"):
                assert str(value).startswith(("http://", "https://", "mailto:", "tel:"))


@settings(deadline=None)
@given(st.lists(st.sampled_from(sorted(TAGS - {"img"})), max_size=8), st.text("ab ", max_size=9))
def test_words_and_paragraphs_of_what_stays_are_conserved(tags: list[str], words: str) -> None:
    html = "".join(f"{words}<{tag}>{words}" for tag in tags)
    assert paragraphs(clean(html, BASE)) == paragraphs(html)


def test_markup_built_to_burst_a_parser_is_refused() -> None:
    with pytest.raises(TangleError):
        clean("".join(f"<b title={i}>" for i in range(20_000)), None)


def test_a_name_without_end_takes_no_square_of_its_length() -> None:
    """Each of these began a tag that was sought to the end: for this, hours."""
    html = "<a" * 500_000 + " style=x"
    assert clean(html, None) == ""


def test_long_bodies_pass() -> None:
    body = "<p>word <b>and</b> word.</p>" * 20_000
    assert clean(body, None) == body


def test_threads_keep_their_bases_apart() -> None:
    wrong: list[str] = []

    def work(base: str) -> None:
        for _ in range(200):
            found = clean("<a href=x>x</a><img src=y>", base)
            if found.count(base) != 2:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(f"https://h{i}.example/",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
