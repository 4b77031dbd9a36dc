"""Bodies that hold what Wirecopy never writes."""

from collections.abc import Iterable

CELLS = (
    "<table><tr><td></td><td rowspan='{}'></td></tr>\n <tr><td colspan='{}'></td></tr></table><ul>"
)


def unwritten(good: str) -> Iterable[tuple[str, str, str]]:
    """Bodies that hold something Wirecopy never writes: what it is, the body, what fails."""
    word = "members"
    for name, before, after, failed in (
        ("a class", "<p>The", "<p class=x>The", ""),
        ("an id", "<p>The", "<p id=x>The", ""),
        ("data", "<p>The", "<p data-x=1>The", ""),
        ("a style, however modest", "<p>The", '<p style="text-align:left">The', ""),
        ("a style of CSS's white space", "<p>The", '<p style="display:\u00a0none">The', ""),
        ("a style that floats", word, f"<b style=float:right>{word}</b>", ""),
        ("the attribute hidden", "<p>The", "<p hidden>The", ""),
        ("a label for some readers", "<p>The", "<p aria-label=No>The", ""),
        ("a handler", "<p>The", "<p onclick=x()>The", ""),
        ("an attribute of another element", "<p>The", "<p href=https://x.example/>The", ""),
        ("a script address", word, f"<a href=javascript:x()>{word}</a>", ""),
        ("a data address", word, f"<a href=data:,x>{word}</a>", ""),
        ("a relative address", word, f"<a href=/x>{word}</a>", "links"),
        ("a handler on the body", "<p>New", "<body onload=x()><p>New", ""),
        ("a style on the body", "<p>New", "<body style=display:none><p>New", ""),
        ("a label on the body", "<p>New", "<body aria-label=No><p>New", ""),
        ("a hidden document", "<p>New", "<html hidden><p>New", ""),
        ("a handler on the document", "<p>New", "<html onclick=x()><p>New", ""),
        ("a comment", word, f"<!-- ad -->{word}", ""),
        ("an instruction", word, f"<?x y?>{word}", ""),
        ("an element nobody knows", word, f"<x-words>{word}</x-words>", ""),
        ("an element with a prefix", word, f"<x:b>{word}</x:b>", ""),
        ("a script", "<p>The", "<script>document.write('not')</script><p>The", ""),
        ("a style sheet", "<p>The", "<style>p::after{content:'not'}</style><p>The", ""),
        ("words in noscript", "<p>The", "<noscript>Not true.</noscript><p>The", ""),
        (
            "a pixel in noscript",
            "<p>The",
            "<noscript><img src=//t.example/p width=1></noscript><p>The",
            "",
        ),
        ("a template", "<p>The", "<template>Not</template><p>The", ""),
        ("words on a button", "<p>The", "<input type=button value=Not><p>The", ""),
        ("words drawn", "<p>The", "<svg><text></text></svg><p>The", ""),
        ("a formula", "<p>The", "<math></math><p>The", ""),
        ("words in another order", "22", '<bdo dir="rtl">22</bdo>', ""),
        ("another font", "22", "<font face=X>22</font>", ""),
        ("words folded away", word, f"<details>{word}</details>", "text"),
        ("words in a dialog", "<ul>", "<dialog><ul>", ""),
        ("words in a data list", "<ul>", "<datalist><ul>", ""),
        ("words in an option", "<li>cess</li>", "<option>cess</option>", ""),
        ("words in a ruby bracket", word, f"<rp>{word}</rp>", ""),
        ("words in a player", word, f"<video>{word}</video>", ""),
        ("a player in a player", "<ul>", "<audio><video></video></audio><ul>", ""),
        ("a tracking pixel", "<p>The", "<img src=https://t.example/p width=1><p>The", ""),
        (
            "a tracking pixel with a frame",
            "<p>The",
            "<img src=https://t.example/p width=1 border=9><p>The",
            "",
        ),
        ("a hidden pixel", "<p>The", "<img src=https://t.example/p style=display:none><p>The", ""),
        (
            "a pixel by odd white space",
            "<p>The",
            "<img src=https://t.example/p width='\u00a01'><p>The",
            "",
        ),
        (
            "a picture of a sign",
            "<p>The",
            "<img src=https://t.example/p width=1 alt=\u1680><p>The",
            "",
        ),
        ("words for a picture of nothing", "<p>The", "<img alt='Not true.'><p>The", ""),
        (
            "words for a picture that is dropped",
            "<p>The",
            "<img src=vbscript:x alt='Not true.'><p>The",
            "",
        ),
        (
            "words for an empty list of pictures",
            "<p>The",
            "<img srcset=, alt='Not true.'><p>The",
            "",
        ),
        ("small four deep", word, f"{'<small>' * 4}{word}{'</small>' * 4}", ""),
        (
            "small print, four kinds deep",
            word,
            f"<sup><small><sub><rt>{word}</rt></sub></small></sup>",
            "",
        ),
        ("lists nine deep", "<ul>", f"{'<ul>' * 9}", ""),
        ("words that run the other way", "<p>The", "<p dir=rtl>The", ""),
        ("words that run the other way, in capitals", "<p>The", "<p dir=RTL>The", ""),
        ("words by themselves", word, f"<bdi>{word}</bdi>", ""),
        ("words by themselves, inline", word, f"<b dir=ltr>{word}</b>", ""),
        ("words by themselves in a guess", "33", "<div dir=auto><bdi>33</bdi></div>", "text"),
        (
            "words by themselves in others",
            f"<b>33</b> {word}",
            f"<section dir=ltr><bdi>33 <bdi>{word}</bdi></bdi></section>",
            "text",
        ),
        ("a foot first", "<ul>", "<table><tfoot><tbody></table><ul>", ""),
        ("a head last", "<ul>", "<table><tbody><thead></table><ul>", ""),
        ("a second head", "<ul>", "<table><thead></thead><thead></table><ul>", ""),
        ("a cell over another", "<ul>", CELLS.format(2, 2), ""),
        ("a cell over all others", "<ul>", CELLS.format(0, " +2 "), ""),
        ("big four deep", word, f"{'<big>' * 4}{word}{'</big>' * 4}", ""),
        ("a late caption", "<ul>", "<table><tbody></tbody><caption></table><ul>", ""),
        ("a sign for a space", "New Delhi", "New\u1680Delhi", ""),
        ("a sign for a space, as a reference", "New Delhi", "New&#x1680;Delhi", ""),
        ("nothing for a space", "New Delhi", "New\u2028Delhi", ""),
        ("a control for a space", "New Delhi", "New\u0085Delhi", ""),
        ("a control that shows", "Delhi", "Del\u009fhi", ""),
    ):
        assert before in good, before
        yield name, good.replace(before, after, 1), f"{failed} appearance".strip()
