"""Feeds made by Hypothesis: honest ones, in the spellings that wires use."""

from collections.abc import Callable
from html import escape

from hypothesis import strategies as st

WORD = st.one_of(
    st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=9),
    st.sampled_from(
        [
            "AT&T",
            "R&D",
            "5",
            "<",
            "6",
            ">",
            "“so”",
            "can’t",
            "—",
            "café",
            "naïve",
            "क्षेत्र\u200dज",
            "भारत",
            "مصر",
            "دنیا\u200cها",
            "東京",
            "தமிழ்",
            "Ω",
            "😀",
            "\u200fعربي\u200e",
            "non\xa0breaking",
            "soft\xadhyphen",
            "é",
            "Ltd.",
            "a;b",
            "&amp;",
            "&eacute;",
            "]]>",
            "1,000",
            "x=1",
            "\u202eabc\u202c",
        ]
    ),
)
PLAIN = st.lists(WORD, min_size=1, max_size=12).map(" ".join)
SAFE = PLAIN.map(lambda text: escape(text, quote=False))


def _wrapped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    tag = st.sampled_from(["b", "i", "em", "span", "a href='https://x.example/?a=1&amp;b=2'", "u"])
    return st.tuples(tag, inner).map(lambda t: f"<{t[0]}>{t[1]}</{t[0].split()[0]}>")


_QUIET = st.sampled_from(
    [
        "<br/>",
        "<!-- between us -->",
        "<img src='https://x.example/p.jpg' alt='a picture'/>",
        "<script>if (a &lt; b) { c() }</script>",
        "<style>p { color: red }</style>",
        "<hr/>",
    ]
)
INLINE = st.lists(st.one_of(SAFE, _wrapped(SAFE), _QUIET), min_size=1, max_size=4).map(" ".join)
_BLOCK = st.one_of(
    INLINE.map(lambda t: f"<p>{t}</p>"),
    INLINE.map(lambda t: f"<h2>{t}</h2>"),
    st.lists(SAFE, min_size=1, max_size=3).map(
        lambda cells: f"<table><tr>{''.join(f'<td>{c}</td>' for c in cells)}</tr></table>"
    ),
    st.lists(SAFE, min_size=1, max_size=3).map(
        lambda rows: f"<ul>{''.join(f'<li>{r}</li>' for r in rows)}</ul>"
    ),
    INLINE.map(lambda t: f"<blockquote><p>{t}</p></blockquote>"),
    SAFE.map(lambda t: f"<figure><img src='/p.jpg'/><figcaption>{t}</figcaption></figure>"),
    st.lists(INLINE, min_size=1, max_size=2).map(lambda rows: f"<div>{'<br/>'.join(rows)}</div>"),
)
HTML = st.lists(_BLOCK, min_size=1, max_size=5).map("\n".join)
"""Well-formed both as HTML and as XML."""


def escaped(text: str) -> str:
    """*text* as XML's character data."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("]]>", "]]&gt;")


def numbered(text: str) -> str:
    """*text* with references by number where there can be any."""
    return "".join(c if c.isalnum() and c.isascii() else f"&#x{ord(c):x};" for c in text)


def named(text: str) -> str:
    """*text* with HTML's names for letters, which XML does not know."""
    return (
        escaped(text).replace("é", "&eacute;").replace("\u00a0", "&nbsp;").replace("—", "&mdash;")
    )


def sectioned(text: str) -> str:
    """*text* in CDATA."""
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def padded(text: str) -> str:
    """*text* in CDATA, on lines of its own."""
    return f"\n  {sectioned(text)}\n"


def split(text: str) -> str:
    """*text* half in one section, half in another."""
    middle = len(text) // 2
    return sectioned(text[:middle]) + sectioned(text[middle:])


def mixed(text: str) -> str:
    """*text* half in a section, half escaped."""
    middle = len(text) // 2
    return sectioned(text[:middle]) + escaped(text[middle:])


Spelling = Callable[[str], str]
SPELLINGS: list[Spelling] = [escaped, numbered, named, sectioned, padded, split, mixed]
spelling = st.sampled_from(SPELLINGS)

SPACES = (
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"'
    ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    ' xmlns:wfw="http://wellformedweb.org/CommentAPI/" xmlns:sim="urn:x-sim"'
)
CAPTION = "A caption of some length, which says who stands on the left and who on the right. " * 3
_BESIDE = [
    "<guid isPermaLink='false'>urn:x:1</guid>",
    "<link>https://a.example/1?a=1&amp;b=2</link>",
    "<pubDate>Sun, 22 Nov 2026 06:00:00 +0530</pubDate>",
    "<dc:creator>The Associated Press</dc:creator>",
    "<category domain='d'>Politics &amp; People</category>",
    f"<media:content url='https://a.example/p.jpg'><media:description>{CAPTION}</media:description>"
    f"<media:credit>{CAPTION}</media:credit></media:content>",
    f"<media:description>{CAPTION}</media:description>",
    f"<itunes:summary>{CAPTION}</itunes:summary>",
    f"<dc:rights>{CAPTION}</dc:rights><copyright>{CAPTION}</copyright>",
    f"<keywords>{CAPTION}</keywords><tags>{CAPTION}</tags>",
    "<sim:slugline>NATION-RAIN</sim:slugline><sim:urgency>4</sim:urgency>",
    f"<sim:pages>{'https://a.example/related/story ' * 20}</sim:pages>",
    f"<image_caption>{CAPTION}</image_caption>",
    "<wfw:commentRss>https://a.example/1/feed</wfw:commentRss>",
    "<source url='https://agency.example'>Agency</source>",
    "<video_id/>",
    "<!-- edition 3 -->",
]
beside = st.lists(st.sampled_from(_BESIDE), max_size=5, unique=True).map("".join)


@st.composite
def rss_item(draw: st.DrawFn) -> str:
    """An ``<item>``: a title, and the story in one to three elements, in any order."""
    title = draw(PLAIN)
    parts = [f"<title>{draw(spelling)(title)}</title>"]
    body = draw(st.one_of(HTML, PLAIN))
    summary = draw(st.one_of(PLAIN, INLINE, st.just(body), st.just(body[: len(body) // 3])))
    full = draw(st.sampled_from(["", "content:encoded", "story", "content"]))
    if full:
        parts.append(f"<{full}>{draw(spelling)(body)}</{full}>")
        if draw(st.booleans()):
            parts.append(f"<description>{draw(spelling)(summary)}</description>")
        if draw(st.booleans()):
            parts.append(f"<dc:description>{draw(spelling)(title)}</dc:description>")
    else:
        parts.append(f"<description>{draw(spelling)(body)}</description>")
        if draw(st.booleans()):
            parts.append(f"<summary>{draw(spelling)(summary)}</summary>")
    parts.append(draw(beside))
    return f"<item>{''.join(draw(st.permutations(parts)))}</item>"


@st.composite
def atom_entry(draw: st.DrawFn) -> str:
    """An ``<entry>`` whose constructs are of every type."""

    def construct(name: str) -> str:
        kind = draw(st.sampled_from(["", "text", "html", "xhtml"]))
        if kind == "xhtml":
            inner = draw(INLINE if name == "title" else HTML)
            div = f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'
            return f'<{name} type="xhtml">{div}</{name}>'
        said = draw(HTML if kind == "html" and name == "content" else SAFE if kind else PLAIN)
        stated = f' type="{kind}"' if kind else ""
        return f"<{name}{stated}>{draw(spelling)(said)}</{name}>"

    parts = [construct("title"), "<id>urn:x:1</id>", "<updated>2026-11-22T06:00:00Z</updated>"]
    parts += [construct(name) for name in draw(st.sampled_from(_TOLD))]
    return f"<entry>{''.join(draw(st.permutations(parts)))}</entry>"


_TOLD = [("content",), ("summary",), ("content", "summary")]


@st.composite
def feed(draw: st.DrawFn) -> bytes:
    """A feed of RSS, RDF or Atom of up to four items, in one of several encodings."""
    kind = draw(st.sampled_from(["rss", "rdf", "atom"]))
    items = draw(st.lists(atom_entry() if kind == "atom" else rss_item(), min_size=1, max_size=4))
    inside = "".join(items)
    if kind == "atom":
        text = f'<feed xmlns="http://www.w3.org/2005/Atom"{SPACES}>{inside}</feed>'
    elif kind == "rdf":
        text = (
            '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
            f' xmlns="http://purl.org/rss/1.0/"{SPACES}><channel/>{inside}</r:RDF>'
        )
    else:
        text = f'<rss version="2.0"{SPACES}><channel>{inside}</channel></rss>'
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-16", "ascii"]))
    declared = draw(st.sampled_from(["utf-8", "iso-8859-1"])) if encoding == "utf-8" else encoding
    if encoding == "ascii" and "CDATA" in text:
        encoding = declared = "utf-8"  # a section holds no references
    head = f'<?xml version="1.0" encoding="{declared}"?>'
    return (head + text).encode(encoding, "xmlcharrefreplace")
