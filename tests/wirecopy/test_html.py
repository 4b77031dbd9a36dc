"""Markup that would burst a tree builder is refused, and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from tests.wirecopy.markups import steady
from wirecopy import html as trees
from wirecopy.html import TangleError, body, check

SENTENCE = (
    '<p class="x">The <b>bridge</b> was <a href="https://a.example/{0}">opened</a> on Sunday,'
    " said the ministry<br>in its {0}th statement.</p>\n"
)


def kinds_of(tag: str, number: int) -> str:
    return "".join(f"<{tag} k={n}>" for n in range(number))


@pytest.mark.parametrize(
    "bomb",
    [
        f"<p>{kinds_of('b', 1000)}{'<p>x' * 1000}",
        f"<p>{kinds_of('font', 20_000)}",
        f"<p>{'<nobr>'.join(kinds_of('i', 900).split('>'))}{'<p>x' * 1000}",
        "<div>" * 200_000,
        "<span>" * 20_000 + "</i>" * 20_000,
        "<ul>" * 10_000 + "<li>" * 20_000,
        "<li><dd>" * 20_000,
        "<p " + " ".join(f"a{n}=1" for n in range(20_000)) + ">",
        "<svg>" * 20_000,
        # End tags that look effective and are not:
        "<div><!--</div>-->" * 50_000,
        '<div a="</div>">' * 50_000,
        "<div><table></div></table>" * 40_000,
        "<div><textarea><!--</textarea><i a='--></textarea></div>'></i>" * 20_000,
        "<div><svg><![CDATA[></svg></div>]]>" * 20_000,
        "<div><svg><title><!--</title></svg></div>-->" * 20_000,
        "<div><script><!--<script></script></div>" * 20_000,
        "".join(f"<b k={n}><table></b></table>" for n in range(3000)) + "<p>x" * 3000,
        # Markup to one parser, raw text to the other:
        f"<noscript><p>{kinds_of('b', 1000)}{'<p>x' * 1000}</noscript>",
        "<div><noscript></div></noscript>" * 50_000,
        f"<noscript><img alt='</noscript><p>{kinds_of('b', 1000)}{'<p>x' * 1000}'></noscript>",
        f"<noscript><style></noscript><p>{kinds_of('b', 1000)}{'<p>x' * 1000}</style></noscript>",
        # Formatting that a closed block left active, within others:
        f"<div>{''.join(f'<b k={n}><p><b j><p></p></b><b j>' for n in range(900))}</div>"
        + "<p>x" * 900,
        "<p>" + "".join(f"<b k={n}>" * 3 for n in range(300)) + "<p>x" * 600,
    ],
    ids=lambda bomb: repr(bomb[:40]),
)
def test_a_bomb_is_refused(bomb: str) -> None:
    with pytest.raises(TangleError, match="refused") as refusal:
        check(bomb)
    assert refusal.value.state == "tangled"
    assert str(len(bomb)) in str(refusal.value)


@pytest.mark.parametrize(
    "honest",
    [
        "".join(SENTENCE.format(n) for n in range(5000)),
        "<table>" + "<tr><td>a<td>b<td><b>c</b>" * 8000 + "</table>",
        "<table>" + "<tr><td>a</td><td>b</td></tr>" * 8000 + "</table>",
        "<ul>" + "<li>x <i>y</i>" * 20_000 + "</ul>",
        "<table><tr>" + "<td><b>x</td>" * 3000 + "</table>",
        "<dl>" + "<dt>x<dd>y" * 10_000 + "</dl>",
        "<p><b>never closed" * 3000,
        "<p>x <svg><path d='M0 0'/></svg></p>" * 500,
        "word " * 300_000,
        "<svg></svg>" + "word " * 300_000,
        "<p><!-- a > b --><script>if (a<b) {x('</p>')}</script></p>" * 4000,
        "<p title='" + "<b>" * 20_000 + "'>x</p>",
        "<p>a <b>b</b><noscript><img src='https://t.example/p.gif'></noscript></p>" * 5000,
    ],
    ids=lambda honest: repr(honest[:40]),
)
def test_a_long_honest_body_is_not(honest: str) -> None:
    check(honest)


SOUP = [
    *(f"<{tag} k={n}>" for tag in ("b", "i", "a", "font") for n in range(4)),
    *(f"</{tag}>" for tag in ("b", "i", "a", "font", "p", "div", "td", "table", "object", "span")),
    *(f"<{tag}>" for tag in ("p", "div", "li", "dd", "dt", "table", "tr", "td", "object", "span")),
    *("<button>", "<ul>", "<h1>", "x"),
    *("<textarea>", "</textarea>", "<!--", "-->", '<img a="', '">'),
]


@given(st.lists(st.sampled_from(SOUP), min_size=20, max_size=300))
@settings(steady)
def test_the_foreseen_cost_is_never_too_small(pieces: list[str]) -> None:
    html = "".join(pieces)
    steps, clones = trees._close_cost(html)
    top = LexborHTMLParser(f"<!DOCTYPE html><body>{html}").body
    assert top is not None
    tags = html.count("<")
    # A tag makes at most itself, three implied parents and an adoption's few copies.
    assert sum(1 for _ in top.traverse()) <= 1 + 4 * tags + clones
    deepest = 0
    for node in top.traverse():
        depth, parent = 0, node.parent
        while parent is not None:
            depth, parent = depth + 1, parent.parent
        deepest = max(deepest, depth)
    # Implied parents (tbody and tr) can make the real stack three times as deep.
    assert deepest**2 // 2 <= 9 * (steps + tags + 50)


def test_the_tree_is_the_browsers() -> None:
    assert body("<table>a<td>b").html == (
        "<body>a<table><tbody><tr><td>b</td></tr></tbody></table></body>"
    )
    assert body("<p>a<table>").html == "<body><p>a</p><table></table></body>", "no quirks"
    assert body("<frameset>a").html == "<body>a</body>"
