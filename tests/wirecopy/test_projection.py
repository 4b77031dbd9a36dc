"""The verifier's own reading of text against the issuer's: two implementations of one page."""

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from publish.clean import clean
from stories import provenance
from stories.models import Copy
from tests.wirecopy.markups import marked_up, steady, stories
from wirecopy import digests, text, urls
from wirecopy.addresses import address, candidates
from wirecopy.errors import Refused
from wirecopy.html import TangleError
from wirecopy.pixel import is_pixel
from wirecopy.projection import Projection, project
from wirecopy.words import RULE, plain

VECTORS = Path(__file__).parents[1] / "vectors"
TEXT = json.loads((VECTORS / "text.json").read_text(encoding="utf-8"))
PROVENANCE = json.loads((VECTORS / "provenance.json").read_text(encoding="utf-8"))
BASE = "https://agency.example/news/2026/story.html"


def named(vectors: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(v, id=v.get("name", str(n))) for n, v in enumerate(vectors)]


def of(copy: Copy, disclosure: str = "") -> dict[str, str]:
    """The verifier's digests of a copy."""
    return digests.parts(
        copy.headline,
        project(copy.body, copy.base),
        disclosure=disclosure,
        beside=copy.media,
        base=copy.base,
        summary=copy.summary,
        tags=copy.tags,
    ).digests()


# The vectors


@pytest.mark.parametrize("vector", named(TEXT["vectors"]))
def test_text(vector: dict[str, Any]) -> None:
    made = digests.parts("", project(vector["html"]), disclosure=vector.get("disclosure", ""))
    assert list(made.text) == vector["paragraphs"]


@pytest.mark.parametrize("vector", PROVENANCE["addresses"])
def test_address(vector: dict[str, Any]) -> None:
    found = address(vector["url"], vector["base"], shown=vector["shown"])
    assert found == vector["address"]


@pytest.mark.parametrize("vector", named(PROVENANCE["references"]))
def test_references(vector: dict[str, Any]) -> None:
    found = project(vector["html"], vector["base"])
    assert [list(link) for link in found.links] == vector["links"]
    assert [list(medium) for medium in found.media] == vector["media"]


@pytest.mark.parametrize("vector", named(PROVENANCE["digests"]))
def test_digests(vector: dict[str, Any]) -> None:
    assert of(Copy(**vector["copy"]), vector["disclosure"]) == vector["digests"]


@pytest.mark.parametrize("vector", named(PROVENANCE["measurements"]))
def test_scopes(vector: dict[str, Any]) -> None:
    if vector["received"] is None or vector["scope"] == "unknown":
        return
    after = of(Copy(**vector["published"]), vector["disclosure"])
    differing = digests.changed(of(Copy(**vector["received"])), after)
    assert [part for part in digests.PARTS if part in differing] == vector["changed"]
    assert vector["scope"] in digests.scopes_of(differing)


def test_it_is_the_same_rule() -> None:
    assert (RULE, digests.SCOPES, digests.PARTS) == (
        text.RULE,
        provenance.SCOPES,
        provenance.PARTS,
    )


# What is generated

OTHERS = (
    *("a", "area", "base", "img", "source", "video", "audio", "track", "iframe", "embed", "object"),
    *("input", "b", "i", "span", "svg", "math", "select", "option", "table", "td", "font", "code"),
    *("wbr", "ruby", "rt", "q", "del", "image", "picture"),
)
TAGS = sorted({*text.BLOCKS, *text.SILENT, *OTHERS})
ADDRESSES = [
    "/a",
    "b?c#d",
    "//host/x",
    "https://Host.example:443/%7e/../x y",
    "HTTP:\\\\h\\p?\\",
    "javascript:x",
    "data:,x",
    "mailto:a@b",
    "#f",
    "",
    "?q",
    "http:x",
    "https://ü.example/é",
    " /t\tu\n",
    "tel:1",
    "https://u:p@h.example:80:/",
    "../..",
    "/./a/..",
]
VALUES = [
    *ADDRESSES,
    "1",
    "0px",
    "x.jpg 1x, y.jpg 2x",
    "a.jpg,b.jpg (1,2) w, c",
    "display:none",
    "width:1px;width:2px",
    "visibility : hidden !important;",
    "color:red",
    " ",
    "Bridge\u00a0 x",
    "<p>srcdoc</p>",
]
NAMES = [
    *("href", "src", "srcset", "poster", "data", "srcdoc", "alt", "width", "height", "style"),
    *("hidden", "xlink:href", "class", "title"),
]
ATTRIBUTES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=3).map(
    lambda pairs: "".join(f' {name}="{value}"' for name, value in pairs)
)
WORDS = st.text("ab \n\t\u00a0é\u0301\u200d\u202e\u3000\ufeff&;<\x01\x85", max_size=5)
PIECES = st.one_of(
    WORDS,
    st.builds(lambda tag, attributes: f"<{tag}{attributes}>", st.sampled_from(TAGS), ATTRIBUTES),
    st.sampled_from(TAGS).map(lambda tag: f"</{tag}>"),
    st.sampled_from(["<!-- <b> -->", "<![CDATA[x]]>", "<?x?>", "<!x>", "</>", "&amp;", "&#x3c;"]),
)
SOUP = st.lists(PIECES, max_size=14).map("".join)


def both(markup: str, base: str | None) -> tuple[text.Projected, Projection] | None:
    """Both readings, or None where one refuses: each may, and need not at the same bound."""
    try:
        return text.project(markup, base), project(markup, base)
    except (TangleError, Refused):
        return None


@steady
@given(stories.flatmap(marked_up))
def test_marked_up_stories_read_alike(markup: str) -> None:
    found = both(markup, BASE)
    assert found is not None
    assert found[0].paragraphs == found[1].paragraphs


@steady
@given(SOUP, st.sampled_from([None, BASE, "http:", "ftp://x/", "//h/p"]))
@example("<svg><a xlink:href=/x>y</a><title>z</title></svg>", BASE)
@example("<a href=/1>a<a href=/2>b<table><a href=/3>c</a>d</table>e", BASE)
@example("<frameset><frame src=x></frameset>", BASE)
@example("<template><p>x</p></template><noscript><p>y</p></noscript>", BASE)
def test_soup_reads_alike(markup: str, base: str | None) -> None:
    found = both(markup, base)
    assert found is not None
    issuer, verifier = found
    assert issuer.paragraphs == verifier.paragraphs
    assert [tuple(r) for r in issuer.references.linked] == list(verifier.links)
    assert [tuple(r) for r in issuer.references.shown] == list(verifier.media)


@steady
@given(st.text(max_size=30))
@example("\ud83d\ude00 \ud800 \udc00\x1c\x1f\x85\u180e\u200b\u2060")
def test_plain_text_is_alike(words: str) -> None:
    assert plain(words) == text.plain(words)


@steady
@given(
    st.one_of(st.sampled_from(ADDRESSES), st.text(":/\\?#@.%aA0é é[]", max_size=14)),
    st.one_of(st.none(), st.sampled_from([BASE, *ADDRESSES])),
    st.booleans(),
)
def test_addresses_are_alike(url: str, base: str | None, shown: bool) -> None:
    assert address(url, base, shown=shown) == urls.resolve(url, base, shown=shown)


@steady
@given(st.text("ab,( )\t1xw.", max_size=20))
def test_srcset_is_alike(value: str) -> None:
    assert candidates(value) == urls.srcset(value)


@steady
@given(
    st.dictionaries(
        st.sampled_from(["alt", "width", "height", "hidden", "style"]),
        st.one_of(
            st.sampled_from([*VALUES, "1", "0", " 1PX ", "1em", "\u00a01"]),
            st.text("width:1px;dsplay none!importa", max_size=20),
        ),
    )
)
def test_pixels_are_alike(attributes: dict[str, str]) -> None:
    assert is_pixel(attributes) == urls.unseen(attributes)


@steady
@given(
    st.builds(
        Copy,
        headline=st.text(max_size=10),
        body=SOUP,
        media=st.lists(st.sampled_from(ADDRESSES), max_size=3).map(tuple),
        summary=st.text(max_size=10),
        tags=st.lists(st.text(max_size=4), max_size=4).map(tuple),
        base=st.sampled_from([None, BASE]),
    ),
    st.sampled_from(["", "a", "(Not edited.)"]),
)
def test_digests_are_alike(copy: Copy, disclosure: str) -> None:
    made = provenance.digests(copy, disclosure=disclosure)
    assert of(copy, disclosure) == {part: getattr(made, part) for part in digests.PARTS}


# What no honest entry has


@steady
@given(SOUP)
@example('<p style="display:none" hidden onclick=x>a</p><font color=red>b</font><svg>c</svg>')
@example("<noscript>a</noscript><template>b</template><input value=c><details><p>d</details>")
def test_what_we_publish_never_looks_suspect(markup: str) -> None:
    assert project(clean(markup, BASE)).suspect == ""


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
    with contextlib.suppress(Refused):
        project(markup)
    assert time.monotonic() - start < 5


def test_long_honest_markup_is_not() -> None:
    body = "".join(
        f'<p>Paragraph <b>{n}</b> of <a href="/x?{n}">many</a>, with <em>words</em>.</p>'
        for n in range(8_000)
    )
    assert len(project(body).paragraphs) == 8_000
