"""Stories made by Hypothesis, written in each format that news agencies deliver in.

The writers are those of the demo's agency, which share no code with the parsers.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from xml.sax.saxutils import escape

from hypothesis import strategies as st

from desk.demo.delivery import Delivery, Photo
from desk.demo.news_json import ap, as_json, ninjs_1, ninjs_3
from desk.demo.news_lines import anpa_1312, iptc_7901
from desk.demo.news_xml import g2_item, g2_message, newsml_1, nitf, nitf_body

Inline = list[tuple[str, str]]
"""Pieces of a paragraph: the kind (``""``, ``em``, ``a``), and the words."""


@dataclass(frozen=True)
class Block:
    """A paragraph, heading, list or table: ``rows`` of cells, each of which is inline text."""

    kind: str
    rows: list[list[Inline]]

    @property
    def words(self) -> str:
        return " ".join(text for row in self.rows for cell in row for _, text in cell)


@dataclass(frozen=True)
class Story(Delivery):
    """A story with all that an agency says of it; its body is made of *blocks*, its pictures of
    *captions*."""

    blocks: list[Block]
    _: KW_ONLY
    captions: list[str] = field(default_factory=list)
    guid: str = "urn:newsml:agency.example:20261122:rain-4"
    key: str = "rain"
    link: str = "https://api.agency.example/media/v/content/1?qt=x&et=y"
    version: str = "3"
    title: str = "A title"
    subheadline: str = "A second line"
    slugline: str = "INDIA-RAIN/"
    byline: str = "Asha Rao"
    dateline: str = "MUMBAI"
    ed_note: str = "Adds quotes"
    usage_terms: str = "Not for resale"
    agency: str = "Agency"
    credit: str = "Agency Service"
    subjects: tuple[tuple[str, str], ...] = (("04000000", ""), ("20000344", "economy"))

    def __post_init__(self) -> None:
        photos = (
            Photo(
                f"https://agency.example/{at}.jpg",
                caption,
                "A. Sen",
                small=f"https://agency.example/{at}s.jpg",
            )
            for at, caption in enumerate(self.captions)
        )
        object.__setattr__(self, "body", html(self.blocks))
        object.__setattr__(self, "photos", tuple(photos))

    @property
    def words(self) -> str:
        return " ".join(block.words for block in self.blocks)


def letters(text: str) -> str:
    """*text* as it is compared: without white space."""
    return "".join(text.split())


WORDS = st.text(
    st.sampled_from("abcdefghij klmnopqrstuvwxyzABC 0123456789éüßñ—“”’&<>\"'%;,.:!?/वर्षा مطر 雨"),
    min_size=1,
    max_size=60,
).map(lambda t: f"x{' '.join(t.split())}x")
LATIN = st.text(
    st.sampled_from("abcdefghijklmnopqrstuvwxyz ABC 0123456789 éüßñ %;,.:!?/&"),
    min_size=1,
    max_size=60,
).map(lambda t: f"x{' '.join(t.split())}x")


@st.composite
def inline(draw: st.DrawFn, words: st.SearchStrategy[str] = WORDS) -> Inline:
    return draw(
        st.lists(st.tuples(st.sampled_from(["", "em", "a"]), words), min_size=1, max_size=4)
    )


@st.composite
def block(draw: st.DrawFn, words: st.SearchStrategy[str] = WORDS) -> Block:
    kind = draw(st.sampled_from(["p", "p", "p", "h", "ul", "table"]))
    cell = inline(words)
    wide, high = {"p": (1, 1), "h": (1, 1), "ul": (1, 3), "table": (3, 3)}[kind]
    rows = draw(
        st.lists(st.lists(cell, min_size=wide, max_size=wide), min_size=high, max_size=high)
    )
    return Block(kind, rows)


@st.composite
def stories(draw: st.DrawFn, words: st.SearchStrategy[str] = WORDS) -> Story:
    return Story(
        headline=draw(words),
        blocks=draw(st.lists(block(words), min_size=1, max_size=6)),
        captions=draw(st.lists(words, max_size=2)),
    )


def html(blocks: list[Block]) -> str:
    """*blocks* as XHTML."""

    def spelt(cell: Inline) -> str:
        pieces = []
        for kind, text in cell:
            if kind == "a":
                pieces.append(f'<a href="https://agency.example/?a=1&amp;b=2">{escape(text)}</a>')
            elif kind:
                pieces.append(f"<{kind}>{escape(text)}</{kind}>")
            else:
                pieces.append(escape(text))
        return " ".join(pieces)

    found = []
    for one in blocks:
        if one.kind in ("p", "h"):
            name = {"h": "h2"}.get(one.kind, one.kind)
            found.append(f"<{name}>{spelt(one.rows[0][0])}</{name}>")
        elif one.kind == "ul":
            found.append(
                "<ul>" + "".join(f"<li>{spelt(row[0])}</li>" for row in one.rows) + "</ul>"
            )
        else:
            rows = ("".join(f"<td>{spelt(c)}</td>" for c in row) for row in one.rows)
            found.append("<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>")
    return "\n".join(found)


def even_parity(body: bytes) -> bytes:
    return bytes(byte | (0x80 if byte.bit_count() % 2 else 0) for byte in body)


WRITERS: dict[str, Callable[[Story], bytes]] = {
    "nitf": lambda s: nitf(s).encode(),
    "g2 xhtml": lambda s: g2_message(g2_item(s, attributes="")).encode(),
    "g2 bare": lambda s: ('<?xml version="1.0" encoding="utf-8"?>' + g2_item(s)).encode("utf-8"),
    "g2 nitf": lambda s: g2_message(
        g2_item(
            s,
            '<inlineXML contenttype="application/nitf+xml">'
            '<nitf xmlns="http://iptc.org/std/NITF/2006-10-18/"><body><body.head><hedline><hl1>'
            f"{escape(s.headline)}</hl1></hedline></body.head>"
            f"{nitf_body(s.body)}</body></nitf></inlineXML>",
        )
    ).encode("utf-16"),
    "g2 cdata": lambda s: g2_item(
        s,
        "<inlineData contenttype='text/html'><![CDATA["
        + s.body.replace("]]>", "]]]]><![CDATA[>")
        + "]]></inlineData>",
    ).encode(),
    "newsml 1": lambda s: newsml_1(s).encode(),
    "ninjs 1": lambda s: as_json(ninjs_1(s)),
    "ninjs 3": lambda s: as_json([ninjs_3(s)]),
    "ap": lambda s: as_json(ap([s])),
}
"""By name, the formats that hold any text."""

LINES: dict[str, Callable[[Story], bytes]] = {
    "iptc 7901": iptc_7901,
    "iptc 7901 utf-8": lambda s: iptc_7901(s, "utf-8"),
    "anpa 1312": anpa_1312,
    "anpa 1312 utf-8": lambda s: anpa_1312(s, "utf-8"),
}
"""By name, those that are made of lines."""
