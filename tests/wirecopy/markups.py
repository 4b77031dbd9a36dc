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
