"""The table of what Wirecopy writes, ``wirecopy/form.json``, against what it does write."""

import json
import re
import tarfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from publish.clean import _ATTRIBUTES, TAGS, clean
from publish.render import render
from stories.models import Category, Media, Signals, Version
from tests import tables
from tests.publish.hostile import Soup
from tests.publish.samples import config, story, version
from tests.signed import FORMATS, Issuer, samples
from tests.wirecopy.markups import nearly_simple, steady
from wirecopy.form import FORM, body_fault
from wirecopy.html import TangleError
from wirecopy.text import paragraphs

BODY = FORM["body"]
ELEMENTS = {tag: own.split() for tags, own in BODY["elements"].items() for tag in tags.split()}
BASE = "https://wire.example/a/b.html"
VOID = ("br", "col", "hr", "img", "source", "track", "wbr")
AROUND = {
    **dict.fromkeys(("caption", "colgroup", "tbody", "tfoot", "thead"), "<table>{}</table>"),
    "col": "<table><colgroup>{}</colgroup></table>",
    "tr": "<table><tbody>{}</tbody></table>",
    **dict.fromkeys(("td", "th"), "<table><tbody><tr>{}</tr></tbody></table>"),
    **dict.fromkeys(("rb", "rt", "rtc"), "<ruby>{}</ruby>"),
    "bdi": '<p dir="ltr">{}</p>',
}
"""What elements need around them to be there at all."""


def test_what_is_made_of_the_table_is_made_of_it() -> None:
    for path, text in tables.files().items():
        assert path.read_text(encoding="utf-8") == text, "run python -m tests.tables write"


def test_the_cleaner_leaves_no_element_and_no_attribute_that_is_not_in_the_table() -> None:
    assert set(ELEMENTS) == TAGS
    assert set(BODY["any"].split()) == _ATTRIBUTES["*"] - {"hidden", "style"}
    for tag, own in ELEMENTS.items():
        left = _ATTRIBUTES.get(tag, set()) - {"hidden", "style"} | (
            {"rel"} if tag == "a" else set()
        )
        assert set(own) == left, tag


@pytest.mark.parametrize("tag", sorted(ELEMENTS))
def test_the_cleaner_writes_each_element_with_each_of_its_attributes(tag: str) -> None:
    needed = ' src="https://p.example/"' if tag == "img" else ""
    for name in [*BODY["any"].split(), *ELEMENTS[tag]]:
        loaded = name in (*BODY["loaded"].split(), *BODY["followed"].split())
        value = "https://x.example/" if loaded else "nofollow noopener" if name == "rel" else "7"
        own = "" if name == "src" else needed
        html = f'<{tag}{own} {name}="{value}">' + ("" if tag in VOID else f"</{tag}>")
        cleaned = clean(AROUND.get(tag, "{}").format(html), None)
        assert re.search(rf'<{tag}\b[^>]* {name}="{value}"', cleaned), cleaned
        assert body_fault(cleaned) == ""


class _Rows(Soup):
    """A source that likes tables, and all that nests."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        often = ["table", "caption", "thead", "tbody", "tfoot", "tr", "td", "small", "h6", "ul"]
        others = ["form", "fieldset", "details", "select", "template", "svg", "math", "font"]
        self._tags = [*ELEMENTS, *often * 3, *others]
        self._names = [*self._names, "colspan", "rowspan", "dir", "lang", "start", "cite"]


@pytest.mark.parametrize("seed", range(6))
def test_all_that_the_cleaner_writes_is_in_the_table(seed: int) -> None:
    """Else an honest feed would fail its own verification."""
    cleaned = 0
    for soup in (Soup(seed), _Rows(seed)):
        for n in range(300):
            html = "".join(soup.body() for _ in range(1 + n % 5))
            try:
                kept = clean(html, BASE)
            except TangleError:
                continue
            cleaned += 1
            assert body_fault(kept) == "", html
    assert cleaned > 500


def test_what_is_turned_around_is_put_right() -> None:
    texts, ways = (
        ("word ", "لفظ ", "7 ", "word لفظ "),
        ("", "", " dir=rtl", " dir=ltr", " dir=auto"),
    )
    mended = 0
    for n in range(1500):
        random = Random(n)
        html = "".join(
            f"<{tag}{random.choice(ways)}>" + random.choice(texts)
            for tag in random.choices(["p", "b", "bdi", "div", "table", "td", "span", "br"], k=9)
        )
        with patch("publish.clean._directed", lambda html: html):
            plain = clean(html, BASE)
        kept = clean(html, BASE)
        mended += kept != plain
        assert body_fault(kept) == "", html
        assert paragraphs(kept) == paragraphs(plain)
        assert clean(kept, BASE) == kept
        assert (kept == plain) == (body_fault(plain) == ""), html
    assert 500 < mended < 1450


def _table(random: Random, deep: int = 0) -> str:
    def cell() -> str:
        spans = random.choice(["", " rowspan=2", " rowspan=0", " rowspan=x"])
        spans += random.choice(["", " colspan=2", " colspan=3"])
        inside = _table(random, deep + 1) if deep < 2 and random.random() < 0.1 else ""
        return f"<td{spans}>{random.choice('abc')}{inside}"

    def rows() -> str:
        return "".join(
            "<tr>" + "".join(cell() for _ in range(random.randint(0, 4)))
            for _ in range(random.randint(0, 4))
        )

    parts = random.choices(["tbody", "tfoot", "thead", "caption"], k=random.randint(0, 4))
    inside = (f"<{p}>{'d' if p == 'caption' else rows()}</{p}>" for p in parts)
    return f"<table>{''.join(inside)}</table>"


def test_what_is_put_in_order_says_the_same() -> None:
    mended = 0
    for n in range(1500):
        random = Random(n)
        marks = random.choices(["small", "sup", "h5", "big", "h1", "ul", "blockquote"], k=12)
        html = _table(random)
        if n % 2:
            html = "".join(f"<{m}>{m}" for m in marks) + html
            html += "".join(f"</{m}>" for m in reversed(marks))
        with patch("publish.clean._in_order", lambda html: html):
            plain = clean(html, BASE)
        kept = clean(html, BASE)
        mended += kept != plain
        assert body_fault(kept) == "", html
        assert paragraphs(kept) == paragraphs(plain)
        assert clean(kept, BASE) == kept
        assert (kept == plain) == (body_fault(plain) == ""), html
    assert 500 < mended < 1400


@pytest.mark.parametrize(
    ("received", "kept"),
    [
        ("<table><tfoot><tr><td>f<tbody><tr><td>b</table>",
         "<table><tbody><tr><td>f</td></tr></tbody><tbody><tr><td>b</td></tr></tbody></table>"),
        ("<table><tr><td>b<thead><tr><td>h</table>",
         "<table><tbody><tr><td>b</td></tr></tbody><tbody><tr><td>h</td></tr></tbody></table>"),
        ("<table><tr><td>b</td></tr><caption>c</table>",
         "<table><tbody><tr><td>b</td></tr></tbody><tbody><tr><td>c</td></tr></tbody></table>"),
        ("<table><tr><td>a<td rowspan=2>b<tr><td colspan=2 lang=en>c</table>",
         '<table><tbody><tr><td>a</td><td rowspan="2">b</td></tr><tr><td lang="en">c</td></tr>'
         "</tbody></table>"),
        (f"{'<small>' * 4}x", "<small><small><small><span>x</span></small></small></small>"),
        (f"{'<blockquote>' * 9}x",
         f"{'<blockquote>' * 8}<section>x</section>{'</blockquote>' * 8}"),
        ("a\u2028b\u1680c\x85d", "a b c d"),
        ("a&#x2028;b", "a b"),
    ],
)  # fmt: skip
def test_what_browsers_would_show_otherwise_than_it_is_read(received: str, kept: str) -> None:
    assert clean(received, None) == kept
    assert paragraphs(received) == paragraphs(kept)


@steady
@given(st.one_of(nearly_simple(), nearly_simple().map(lambda html: clean(html, None))))
@example("<p>a</b></p><br></br><a href='x'>")
@example('<p dir="rtl"><a href="https://x.example/?a&amp;b" rel="nofollow noopener">x</a>')
@example("<p>a&#x2028;b")
@example("<p>a\x85b")
def test_usual_bodies_need_no_tree(html: str) -> None:
    found = body_fault(html)
    with patch("wirecopy.form._USUAL", re.compile("(?!)")):
        assert body_fault(html) == found


# Around the body


def _written(document: bytes, format: str) -> Iterator[tuple[str, str]]:
    """Each element of an entry in *document*, as the table names it, with each attribute."""
    prefixes = {uri: name for name, uri in FORM["names"].items()}
    prefixes["http://www.w3.org/XML/1998/namespace"] = "xml"

    def named(tag: Any) -> str:
        name = etree.QName(tag)
        return f"{prefixes[name.namespace]}:{name.localname}" if name.namespace else name.localname

    def below(element: etree._Element, path: str) -> Iterator[tuple[str, str]]:
        for child in element.iterchildren(etree.Element):
            here = f"{path}{named(child.tag)}"
            yield here, ""
            yield from ((here, named(name)) for name in child.attrib)
            yield from below(child, f"{here}/")

    entry = "item" if format == "rss" else f"{{{FORM['names']['atom']}}}entry"
    for found in etree.fromstring(document).iter(entry):
        yield from below(found, "")


def _everything() -> Version:
    """A version that has what the samples lack."""
    return version(
        language="en",
        media=(
            Media(url="https://m.example/a.mp3", medium="audio", type="audio/mpeg", length=7,
                  caption="A song", credit="PTI"),
            *(Media(url="https://m.example/p.jpg", medium="image", type="image/jpeg", width=9,
                    height=8, length=7, caption="c", credit="d"),),
        ),
        categories=(Category(label="a", scheme="https://v.example/"),),
        body='<p>x</p><iframe src="https://v.example/1" title="A film"></iframe>',
        signals=Signals(correction=True, corrected="It was Tuesday."),
    )  # fmt: skip


def _documents(format: str, folder: Path) -> Iterable[bytes]:
    """Feeds as they are written today, and as release 0.1 wrote them."""
    issuer = Issuer()
    ends = datetime(2027, 1, 1, tzinfo=UTC)
    yield issuer.feed([issuer.sign(each) for each in samples()], format)  # type: ignore[arg-type]
    for desk, summary in ((None, "s"), ("Another", None)):
        of = story(_everything().model_copy(update={"summary": summary}), desk)
        rendered = render(of, config(), ends)
        yield issuer.feed([rendered.entry], format)  # type: ignore[arg-type]
    archive = Path(__file__).parents[1] / "data" / "release-0.1.tar.xz"
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    for path in (folder / f"{name}.{format}" for name in ("all", "harbour")):
        yield path.read_bytes()


@pytest.mark.parametrize("format", ["rss", "atom"])
def test_the_writers_write_each_element_of_the_table_and_no_other(
    format: str, tmp_path: Path
) -> None:
    found = {pair for each in _documents(format, tmp_path) for pair in _written(each, format)}
    stated = set()
    for path, attributes in FORM[format].items():
        name = path.rstrip("*").replace("*", "")
        stated.add((name, ""))
        stated |= {(name, each.partition("=")[0].rstrip("@")) for each in attributes.split()}
    # Who makes Atom of our RSS has to say so there, too.
    assert stated - found <= ({("wirecopy:firstWords", "")} if format == "atom" else set())
    assert found <= stated


def test_the_writer_of_json_writes_each_member_of_the_table_and_no_other(tmp_path: Path) -> None:
    def members(value: Any, path: str = "") -> Iterator[str]:
        if isinstance(value, list):
            for each in value:
                yield from members(each, path)
        elif isinstance(value, dict):
            for name, inside in value.items():
                yield f"{path}/{name}"
                if name != "statement":  # which says by itself what may be in it
                    yield from members(inside, f"{path}/{name}")

    items = [i for each in _documents("json", tmp_path) for i in json.loads(each)["items"]]
    found = {path for item in items for path in members(item)}
    assert found == set(members(FORM["json"]))


def test_formats_are_those_of_the_table() -> None:
    assert set(FORMATS) <= FORM.keys()
