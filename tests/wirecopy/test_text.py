"""The text projection: its vectors, a second implementation, and what must never change it."""

import html
import json
import sys
import time
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nh3
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree
from lxml import html as lxml_html

from tests.wirecopy.markups import marked_up, nearly_simple, runs, spoken, steady, stories
from wirecopy.encoding import names
from wirecopy.form import FORM
from wirecopy.html import TangleError
from wirecopy.pixels import _SLIGHT, is_pixel
from wirecopy.text import (
    _LINKS,
    _MEDIA,
    BLOCKS,
    RULE,
    SILENT,
    Projection,
    closed,
    one_line,
    paragraphs,
    plain,
    plain_to_html,
    project,
    projection,
    shows,
)
from wirecopy.text import spoken as spoken_in
from wirecopy.urls import resolve, srcset

VECTORS = Path(__file__).parents[1] / "vectors"
TEXT = json.loads((VECTORS / "text.json").read_text(encoding="utf-8"))
REFERENCES = json.loads((VECTORS / "provenance.json").read_text(encoding="utf-8"))
SOUP = "".join(
    dict.fromkeys("<>/!-=\"' &;#[]\n\t\0\x0b\ufeff\u202e\u200d\ud800abipxtuldrev019é\u0301")
)
TAGS = sorted(BLOCKS | SILENT | {"a", "b", "i", "span", "img", "svg", "math", "select", "object"})


def named(vectors: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(v, id=v["name"]) for v in vectors]


# The vectors


@pytest.mark.parametrize("vector", named(TEXT["vectors"]))
def test_vector(vector: dict[str, Any]) -> None:
    found = paragraphs(vector["html"], disclosure=vector.get("disclosure", ""))
    assert list(found) == vector["paragraphs"]


def test_vectors_are_of_this_rule() -> None:
    assert TEXT["rule"] == REFERENCES["rule"] == RULE


def test_the_specification_names_the_same_elements() -> None:
    page = Path(__file__).parents[2] / "docs" / "text-projection.md"
    specified = " ".join(page.read_text(encoding="utf-8").split())
    assert f"`{RULE}`" in specified
    for listed in (BLOCKS, SILENT):
        assert f"`{' '.join(sorted(listed))}`" in specified


def second_projection(markup: str) -> list[str]:
    """The rule written a second time, over another parser (libxml2) and another walk.

    libxml2 mends broken markup in its own way, so this serves for well-formed markup only.
    """
    root = lxml_html.fragment_fromstring(markup, create_parent="div")
    said = [""]
    silent = 0

    def hear(text: str | None) -> None:
        if not silent:
            said[-1] += text or ""

    for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        name = node.tag if isinstance(node.tag, str) else "#"
        if event == "start":
            if not silent and name in BLOCKS:
                said.append("")
            silent += name in SILENT
            hear(node.text)
            continue
        silent -= event == "end" and name in SILENT
        if event == "end" and not silent and name in BLOCKS:
            said.append("")
        if node is not root:
            hear(node.tail)
    space = (*range(0x09, 0x0E), 0x85)
    gone = [c for c in range(0xA0) if unicodedata.category(chr(c)) == "Cc" and c not in space]
    table = dict.fromkeys((*gone, 0xFEFF, 0xFFFE, 0xFFFF))
    lines = (unicodedata.normalize("NFC", " ".join(s.translate(table).split())) for s in said)
    return [line for line in lines if line]


@pytest.mark.parametrize("vector", named([v for v in TEXT["vectors"] if not v.get("loose")]))
def test_second_implementation_agrees_on_vectors(vector: dict[str, Any]) -> None:
    found = second_projection(vector["html"])
    sentence = plain(vector.get("disclosure", ""))
    if sentence and found[-1:] == [sentence]:
        found.pop()
    assert found == vector["paragraphs"]


@steady
@given(stories.flatmap(marked_up))
def test_second_implementation_agrees(markup: str) -> None:
    assert list(paragraphs(markup)) == second_projection(markup)


# What the projection is of


@steady
@given(st.data(), stories)
def test_every_form_of_a_story_says_the_same(data: st.DataObject, story: list[Any]) -> None:
    wanted = [said for text in spoken(story) if (said := plain(text))]
    assert list(paragraphs(data.draw(marked_up(story)))) == wanted


@steady
@given(stories.flatmap(marked_up))
def test_a_generous_cleaner_keeps_the_text(markup: str) -> None:
    allowed = {"a", "b", "em", "i", "img", "mark", "small", "span", "strong", "sub", "u", "wbr"}
    cleaned = nh3.clean(
        markup,
        tags=(set(BLOCKS) | allowed) - {"body", "html", "frameset", "plaintext"},
        clean_content_tags=set(SILENT),
        attributes={"img": {"src", "alt", "width", "height"}},
    )
    assert project(cleaned) == project(markup)


@steady
@given(stories.flatmap(marked_up))
def test_the_projection_of_the_projection_is_itself(markup: str) -> None:
    once = projection(markup)
    assert projection(plain_to_html(once)) == once


@given(st.lists(st.one_of(st.text(SOUP, max_size=8), st.sampled_from(TAGS).map("<{}>".format))))
@settings(steady)
def test_any_soup_has_a_projection(pieces: list[str]) -> None:
    found = project("".join(pieces), "https://h.example/")
    for paragraph in found.paragraphs:
        assert paragraph
        assert plain(paragraph) == paragraph
        assert "\n" not in paragraph
    again = "".join(f"<p>{html.escape(p)}</p>" for p in found.paragraphs)
    assert paragraphs(again) == found.paragraphs


# Plain text


def test_white_space_is_that_of_unicode() -> None:
    stated = {*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)}
    stated |= {0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
    separators = set(range(0x1C, 0x20))  # str.split parts at these too; the rule removes them
    assert {c for c in range(sys.maxunicode + 1) if chr(c).isspace()} == stated | separators
    for c in stated:
        assert plain(f"{chr(c)}a{chr(c)}{chr(c)}b{chr(c)}") == "a b"
        assert plain(f"é{chr(c)}{chr(c)}b") == "é b"


@pytest.mark.parametrize("gone", [*range(9), *range(0x0E, 0x20), *range(0x7F, 0x85), 0x9F, 0xFEFF])
def test_controls_go(gone: int) -> None:
    assert plain(f"a{chr(gone)}b {chr(gone)} c") == "ab c"


@pytest.mark.parametrize(
    "kept", "\u200b\u200c\u200d\u200e\u200f\u00ad\u2060\u061c\u202a\u202d\u202e\u2066\u2069\ufe0f"
)
def test_invisible_characters_with_a_meaning_stay(kept: str) -> None:
    assert plain(f"a{kept}b") == f"a{kept}b"


@steady
@given(st.text())
def test_plain_is_idempotent_and_one_line(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert len(once.splitlines()) <= 1
    once.encode()


@steady
@given(st.text(), st.text())
def test_plain_parts_words_only_at_white_space(one: str, two: str) -> None:
    apart = f"{plain(one)} {plain(two)}".strip(" ")
    assert plain(f"{one} \n\u00a0{two}") == unicodedata.normalize("NFC", apart)


@steady
@given(st.text("ab <&\"'>\n\r\u2028\té\u0301\u200d\x00", max_size=60))
def test_plain_text_as_html_has_its_lines(text: str) -> None:
    lines = [said for line in text.splitlines() if (said := plain(line))]
    assert list(paragraphs(plain_to_html(text))) == lines


def test_plain_text_as_html_is_readable() -> None:
    assert plain_to_html("A & B\nsecond\n\n \n<b>\r\n") == (
        "<p>A &amp; B<br>second</p>\n<p>&lt;b&gt;</p>"
    )


# The disclosure


@steady
@given(stories.flatmap(marked_up), runs)
def test_one_disclosure_is_left_out(markup: str, run: tuple[str, str]) -> None:
    sentence = f"({run[0]})"
    before = paragraphs(markup)
    printed = f"{markup}<p><i>{html.escape(sentence)}</i></p>"
    assert paragraphs(printed) == (*before, plain(sentence))
    assert paragraphs(printed, disclosure=sentence) == before
    assert paragraphs(f"{printed}<p>{html.escape(sentence)}", disclosure=sentence) == (
        *before,
        plain(sentence),
    )


# References


@pytest.mark.parametrize("vector", named(REFERENCES["references"]))
def test_references_vector(vector: dict[str, Any]) -> None:
    found = project(vector["html"], vector["base"])
    assert [list(link) for link in found.links] == vector["links"]
    assert [list(medium) for medium in found.media] == vector["media"]


@pytest.mark.parametrize("vector", REFERENCES["addresses"], ids=lambda v: repr(v["url"]))
def test_address_vector(vector: dict[str, Any]) -> None:
    assert resolve(vector["url"], vector["base"], shown=vector["shown"]) == vector["address"]


URL_SOUP = st.text('ahtps:/\\?#@[]%.&=;, \n\t\0\x1fé\ud800\u202e|^`{}"<>0', max_size=30)


@steady
@given(
    URL_SOUP, st.one_of(st.none(), URL_SOUP, st.just("https://h.example/a/b?c#d")), st.booleans()
)
@example("http://", "https://", False)
def test_any_address_resolves_once_and_for_all(url: str, base: str | None, shown: bool) -> None:
    once = resolve(url, base, shown=shown)
    if once is not None:
        once.encode("ascii")
        assert " " not in once
        assert resolve(once, None, shown=shown) == once


@steady
@given(URL_SOUP)
def test_an_absolute_address_needs_no_base(url: str) -> None:
    whole = f"https://h.example/{url}"
    assert resolve(whole, None) == resolve(whole, "http://other.example/x")


@steady
@given(st.text("ab, ()\t\n12xw", max_size=40))
def test_srcset_never_raises(value: str) -> None:
    for url in srcset(value):
        assert url
        assert not set(url) & set(" \t\n")
        assert not url.startswith(",")


def test_a_tracking_pixel_is_no_picture() -> None:
    assert is_pixel({"src": "https://t.example/p", "width": "1", "height": "1", "alt": ""})
    assert not is_pixel({"src": "https://t.example/p", "width": "1", "alt": "words"})
    assert not is_pixel({"src": "https://t.example/p"})


# Hostile input


@pytest.mark.parametrize(
    "markup",
    [
        "<" * 1_000_000,
        "< " * 300_000,
        "</" * 300_000,
        "<a " * 200_000,
        "<a b='" * 100_001,
        "<!" * 300_000,
        "<!--" * 200_000,
        "&" * 500_000,
        "a<br>" * 50_000,
        "<p>x" * 50_000,
        "<li>x" * 50_000,
        "<div>x</div>" * 30_000,
        "<table><tr><td>x" * 400,
        "<textarea></div></textarea>" * 20_000,
        "<svg>" * 3_000,
        "\0" * 500_000,
        "\ud800" * 500_000,
        "e\u0301" * 300_000,
        "a\u200d" * 300_000,
        "<img srcset='" + "a 1x," * 100_000 + "'>",
        "<a href='https://h/" + "../" * 200_000 + "'>x</a>",
        "<img style='" + "a:b;" * 100_000 + "'>",
        "<i>" * 5_000 + "x",
    ],
    ids=lambda markup: repr(markup[:16]),
)
def test_long_input_is_read_whole_or_refused_clearly(markup: str) -> None:
    try:
        found = project(markup, "https://h.example/")
    except TangleError as error:
        pytest.fail(f"not tangled, but refused: {error}")
    for paragraph in found.paragraphs[:10]:
        assert plain(paragraph) == paragraph


def test_the_lists_of_the_rule_are_data_for_others() -> None:
    told = FORM["projection"]
    assert (names(told["blocks"]), names(told["silent"])) == (BLOCKS, SILENT)
    assert {tag: tuple(own.split()) for tag, own in told["links"].items()} == _LINKS
    assert {tag: tuple(own.split()) for tag, own in told["media"].items()} == _MEDIA
    assert names(told["pixel_styles"]) == _SLIGHT


# With a tree and without


def by_tree(html: str, base: str | None = None) -> Projection:
    with patch("wirecopy.text._simple", return_value=None):
        return project(html, base)


@steady
@given(st.one_of(nearly_simple(), stories.flatmap(marked_up)))
@example("<p>a<hr>b</p>")
@example("<p>a<div>b</div></p>")
@example("<h2>a<p>b</p></h2>")
@example('<a href="/x">a<b><a href="/y">b</a></b>c</a>')
@example("<ul><li>a<div><li>b</li></div></li></ul>")
@example('<img src="a.gif" width="1" alt="" style="width:9px">')
@example('<p style="display:none">a</p>')
def test_no_tree_is_needed_to_read_what_a_tree_would_say(html: str) -> None:
    for base in (None, "https://b.example/x/y?z"):
        assert project(html, base) == by_tree(html, base)
    with patch("wirecopy.text._simple", return_value=None):
        spoken_by_tree = spoken_in(html)
    assert spoken_in(html) == spoken_by_tree


@pytest.mark.parametrize("vector", named(TEXT["vectors"]))
def test_a_vector_says_the_same_without_a_tree(vector: dict[str, Any]) -> None:
    assert project(vector["html"]) == by_tree(vector["html"])


def test_usual_copy_is_read_without_a_tree() -> None:
    copy = (
        '<p class="lead">NEW DELHI — “Rain”, said the <a href="https://a.example/?x=1&amp;y=2"'
        ' target="_blank" rel="noopener">Office</a>,&nbsp;<em>stops</em>.<br/>More.</p>\n<figure>'
        '<img src="/i.jpg" alt="Rain &amp; sun" width="640" height="480" loading="lazy" />'
        "<figcaption>Rain</figcaption></figure><h2>Later</h2><ul><li>one</li><li>two</li></ul>"
        "<blockquote><p>Quoted.</p></blockquote><hr>"
    )
    with patch("wirecopy.text.build", side_effect=AssertionError):
        found = project(copy, "https://b.example/")
    assert found == by_tree(copy, "https://b.example/")
    assert [len(found.paragraphs), len(found.links), len(found.media)] == [7, 1, 1]


# Markup built to burst a tree builder


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 100_000,
        "".join(f"<b id={n}>" for n in range(3_000)) + "<p>x" * 3_000,
        "<a href=x><p>" * 20_000,
        "<b><!--" + "</b>" * 1_000 + "-->" + "<b x='>'>" * 30_000,
        "<p a='" + " b=c" * 60_000 + "'>" + "<font>" * 30_000,
        "<x " + " ".join(f"a{n}=1" for n in range(30_000)) + ">",
        '<a "x=">' * 20_000,
        "<a" * 200_000,
        "<svg>" + "<b></b>" * 60_000,
    ],
    ids=range(9),
)
def test_bursting_markup_is_refused_at_once(markup: str) -> None:
    start = time.monotonic()
    with suppress(TangleError):
        project(markup)
    assert time.monotonic() - start < 5


def test_long_honest_markup_is_not() -> None:
    body = "".join(
        f'<p>Paragraph <b>{n}</b> of <a href="/x?{n}">many</a>, with <em>words</em>.</p>'
        for n in range(8_000)
    )
    assert len(project(body).paragraphs) == 8_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a \t\n b\xa0c\u3000d\u2028e  ", "a b\xa0c\u3000d e"),
        ("\xa0a\u202f", "a"),
        ("e\u0301\ufeff", "e\u0301"),
        ("\u202ea", "\u202ea\u202c"),
        ("\u202a\u2067a", "\u202a\u2067a\u2069\u202c"),
        ("\u2067\u202ea\u2069b", "\u2067\u202ea\u2069b"),
        ("\u2067a\u202cb", "\u2067a\u202cb\u2069"),
        ("a\u202c\u2069", "a\u202c\u2069"),
        ("\u200b\xad", ""),
        (" \t", ""),
    ],
)
def test_one_line_keeps_the_characters_and_closes_directions(text: str, expected: str) -> None:
    assert one_line(text) == expected
    assert one_line(expected) == expected


@given(st.text(alphabet="a \u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", max_size=30))
def test_closing_once_is_closing(text: str) -> None:
    assert closed(text).startswith(text)
    assert closed(closed(text)) == closed(text)


def test_spoken_words_are_those_of_the_projection() -> None:
    html = "<p>Ce\xa0que</p>l\u2019on<br>sait&nbsp;<b>\u202e?</b>"
    assert spoken_in(html) == "Ce\xa0que l\u2019on sait\xa0\u202e?\u202c"


def test_what_shows_nothing() -> None:
    """The characters are those of Default_Ignorable_Code_Point, white space and controls."""
    for code in (0xAD, 0x34F, 0x61C, 0x115F, 0x17B5, 0x180E, 0x200B, 0x2060, 0x3164, 0xFE0F):
        assert not shows(f" {chr(code)}\t")
    for code in (0xFEFF, 0xFFA0, 0x1BCA0, 0x1D173, 0xE0001, 0xE0FFF, 0x3000, 0x85, 0x7):
        assert not shows(chr(code))
    for text in ("a", "\u093e", "😀", "☀\ufe0f", "\u200b.", "\u2800", "\U000f0000"):
        assert shows(text)
