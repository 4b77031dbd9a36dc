"""What says nothing is taken out of a page; no word that a reader sees ever is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.article.lighten import lighten
from tests.wirecopy.markups import steady
from wirecopy.text import paragraphs


@pytest.mark.parametrize(
    "weight",
    [
        "<!-- x > y -->",
        "<!-->",
        "<script>if (a < b) { x('</p>') }</script>",
        "<script><!-- <script> </script> --></script>",
        "<script><!--> '<script>' </script>",
        "<style>p > a {}</style>",
        "<noscript><p>x</p></noscript>",
        "<iframe src=x><p>y</iframe>",
        "<svg viewBox='0 0 9 9'><title>x</title><g><path d='M0'/></g></svg>",
        "<svg/>",
        "<svg><svg><path></svg></svg>",
        "<select><option>English<option>हिन्दी</select>",
        "<template><p>x</p><template>y</template><script>'</template>'</script></template>",
        "<SCRIPT a='>'>x</Script >",
    ],
)
def test_weight_goes_and_words_stay(weight: str) -> None:
    html = lighten(f"<p>before</p>{weight}<p>after</p>").html
    assert html.replace("<!---->", "") == "<p>before</p><p>after</p>"


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p title=\"<svg a='\">x</p><i a='></svg>", ("x",)),
        ("<svg><foreignObject><p>x</p></foreignObject></svg>", ("x",)),
        ("<svg><desc><style></svg><p>x</p></style></desc></svg>y", ("y",)),
        ("<p>&am<script></script>p;</p>", ("&am" + "p;",)),
        ("<p><<!-- -->b>x</p>", ("<b>x",)),
        ("<xmp><script></xmp><p>x</p>", ("<script>", "x")),
        ("<title><!--</title><p>x</p>", ("x",)),
        ("<script>x", ()),
    ],
)
def test_what_a_browser_shows_is_kept(html: str, words: tuple[str, ...]) -> None:
    assert paragraphs(lighten(html).html) == words


def test_structured_data_are_handed_out() -> None:
    html = "<script type='application/ld+json'>{\"a\": 1}</script><script>x</script>"
    assert lighten(html).data == ('{"a": 1}',)


SOUP = [
    *(
        "<p>",
        "</p>",
        "<div>",
        "</div>",
        "<b>",
        "</b>",
        "word",
        "other",
        " ",
        "<br>",
        "<i a='",
        "'>",
    ),
    *("<script>", "</script>", "<style>", "</style>", "<!--", "-->", "<template>", "</template>"),
    *("<title>", "</title>", "<textarea>", "</textarea>", "<xmp>", "</xmp>", "<", ">", "&amp", ";"),
    *("<table>", "<td>", "</table>", '<a href="x">', "</a>", "<iframe>", "</iframe>"),
]


@given(st.lists(st.sampled_from(SOUP), max_size=60))
@settings(steady, max_examples=400)
def test_any_soup_reads_the_same_when_lightened(pieces: list[str]) -> None:
    html = "".join(pieces)
    assert paragraphs(lighten(html).html) == paragraphs(html)


@given(st.lists(st.sampled_from([*SOUP, "<svg>", "</svg>", "<path>", "<desc>", "<select>"])))
@settings(steady, max_examples=300)
def test_lightening_again_changes_nothing(pieces: list[str]) -> None:
    once = lighten("".join(pieces)).html
    assert lighten(once).html.replace("<!---->", "") == once.replace("<!---->", "")
