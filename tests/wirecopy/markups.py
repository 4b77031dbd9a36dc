"""Generated stories whose paragraphs are known by construction, and many ways to mark them up."""

import html

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For every property: how fast the machine is decides nothing."""

INLINE = ("b", "i", "em", "strong", "span", "u", "small", "sub", "mark", "font")
ALPHABET = (
    "abcdefgzABZ059 .,;:!?'\"()-–—…“”‘’&<>/=#%₹é \u00a0\n\t"
    "नमस्ेक़ष।தமிழ்கொேఅఆ۔اردوںےگھ"
    "\u0301\u093c\u0653\u0654\u200c\u200d\u200b\u200f\u202e\u2066\u00ad\u2060\U0001f309"
)

Run = tuple[str, str]
"""A piece of text and the inline element it stands in, if any."""

runs = st.tuples(st.text(ALPHABET, min_size=1, max_size=12), st.sampled_from(("", *INLINE)))
paragraphs = st.lists(runs, min_size=1, max_size=4)
stories = st.lists(paragraphs, min_size=1, max_size=5)
words = st.lists(
    st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=8), min_size=3, max_size=12
).map(" ".join)


def spoken(story: list[list[Run]]) -> list[str]:
    """The text of each paragraph, not yet normalised."""
    return ["".join(text for text, _ in paragraph) for paragraph in story]


@st.composite
def marked_up(draw: st.DrawFn, story: list[list[Run]]) -> str:
    """One of the many ways to write *story* in HTML that mean the same."""
    parts = [draw(_block("".join(draw(_inline(run)) for run in paragraph))) for paragraph in story]
    gaps = ("", "\n", "\n    ", "<!-- gap -->", "<p></p>", "<br>", "<script>1</script>")
    body = "".join(f"{draw(st.sampled_from(gaps))}{part}" for part in parts)
    wraps = ("{}", "<div>{}</div>", "<article class='a'>\n{}\n</article>")
    return draw(st.sampled_from(wraps)).replace("{}", body)


@st.composite
def _inline(draw: st.DrawFn, run: Run) -> str:
    text, tag = run
    spelling = draw(st.sampled_from(("plain", "numeric", "hex")))
    if spelling == "plain":
        said = html.escape(text, quote=draw(st.booleans()))
    else:
        form = "&#{:d};" if spelling == "numeric" else "&#x{:x};"
        said = "".join(form.format(ord(c)) for c in text)
    if not tag:
        return said + draw(st.sampled_from(("", "<!-- -->", "<span></span>", "<wbr>")))
    attributes = draw(st.sampled_from(("", " class='x'", ' title="a > b"', " data-a=1 data-b")))
    return f"<{tag}{attributes}>{said}</{tag}>"


@st.composite
def _block(draw: st.DrawFn, inside: str) -> str:
    form = draw(
        st.sampled_from(
            (
                "<p>{}</p>",
                "<p class='lead' style='color:red'>\n  {}\n</p>",
                "<div>{}</div>",
                "<div><div><p>{}</p></div></div>",
                "<blockquote><p>{}</p></blockquote>",
                "<ul><li>{}</li></ul>",
                "<ol>\n <li><p>{}</p></li>\n</ol>",
                "<table><tbody><tr><td>{}</td></tr></tbody></table>",
                "<h2>{}</h2>",
                "<br>{}<br>",
                "<section><hr>{}<hr></section>",
                "<figure><figcaption>{}</figcaption></figure>",
                "<p><img src='https://t.example/p.gif' width='1' height='1' alt=''>{}</p>",
            )
        )
    )
    return form.replace("{}", inside)


SIMPLE = (
    *("p", "a", "br", "b", "i", "em", "strong", "u", "span", "sub", "sup", "small", "cite", "q"),
    *("mark", "abbr", "time", "code", "img", "hr", "h2", "h3", "ul", "ol", "li", "div", "aside"),
    *("blockquote", "figure", "figcaption", "section", "article", "header", "footer", "main"),
)
ATTRIBUTES = (
    *(' href="https://a.example/x?y=1&amp;z=2"', ' href="/a b"', ' href="#f"', ' href=""', " href"),
    *(' href="javascript:x"', " href='q'", ' href="\n/x\ty"', ' href="//h.example/?a&b"'),
    *(' src="a.jpg"', ' src="data:image/gif;base64,R0"', ' srcset="a.jpg 1x, b.jpg 2x"'),
    *(' width="1"', ' height="0"', ' alt="w &quot;x&#39;"', ' alt=""', ' alt="&copy=1"'),
    *(' style="display:none"', ' style="float:left"', ' onclick="x"', ' color="red"', " hidden"),
    *(
        ' dir="rtl"',
        ' class="c d"',
        ' data-x="1"',
        ' title="a > b"',
        ' ALT="X"',
        ' alt="a"alt="b"',
        "/",
        " /",
    ),
)
TEXTS = (
    *("word ", "“q” ", "&amp;", "&nbsp;", "&#8217;", "&lt;p&gt;", "é", "e\u0301", "가", "\n", " "),
    *("\t", "\u200d", "\xa0x", "\u2028", "\ufeff", "\0", "\x01", "\x85", "\r\n", "\u202e"),
    *("&", "&copy;", "&notit;", "&#8299;", "&#150;", "<", "<!-- c -->", "</x>", "<x>", "]]>"),
)


@st.composite
def nearly_simple(draw: st.DrawFn, depth: int = 4) -> str:
    """Markup of which much needs no tree, and some does though it hardly looks so."""
    attributes = st.lists(st.sampled_from(ATTRIBUTES), max_size=2).map("".join)
    pieces: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.integers(0, 9)) if depth else 0
        if kind < 4:
            pieces.append(draw(st.sampled_from(TEXTS)))
        elif kind < 6:
            items = draw(st.lists(nearly_simple(depth - 1), max_size=2))
            pieces.append(f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>")
        elif kind == 9:
            pieces.append(f"<{draw(st.sampled_from(('', '/')))}{draw(st.sampled_from(SIMPLE))}>")
        else:
            tag = draw(st.sampled_from(SIMPLE))
            inside = "" if tag in ("br", "hr", "img") else draw(nearly_simple(depth - 1))
            end = "" if tag in ("br", "hr", "img") else f"</{tag}>"
            pieces.append(f"<{tag}{draw(attributes)}>{inside}{end}")
    return "".join(pieces)
