"""Stories, bodies, addresses and texts as a hostile or broken wire might send them.

Strategies for Hypothesis, and :class:`Soup` where the same pieces are wanted from a seed.
"""

import random
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from stories.models import Category, Media, Story, Version
from tests.publish.samples import story

NASTIES = (
    "]]>",
    "<![CDATA[",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src='https://a.example/x.png' alt='\"]]>\"'>",
    "<svg><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "</item></channel></rss>",
    "</entry>",
    "<!--",
    "-->",
    "<?xml version='1.0'?>",
    "<!DOCTYPE x [<!ENTITY y 'z'>]>&y;",
    "&#0;&#1;&#xFFFE;&#xD800;",
    "&amp;lt;script&amp;gt;",
    "&nbsp;",
    "\x00\x01\x08\x0b\x0c\x1f",
    "\ud800",
    "\udfff\ud83d",
    "\ufffe\uffff\ufeff",
    "\r\n\r\u2028\u2029\x85",
    "\u202e\u200d\u200c",
    "😀\U0010ffff",
    "{staff}{id}{slug}",
    "javascript:alert(1)",
    "https://u:p@a.example/?x=1&y=<>\"'",
    "<form><button>b</button>f</form>",
    "<p><table><b>",
)

anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
texts = st.lists(st.one_of(anything, st.sampled_from(NASTIES)), max_size=5).map("".join)
some = st.one_of(st.none(), texts)
urls = st.one_of(texts, st.builds("https://h.example/{}".format, texts))
instants = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))])
)
media = st.builds(
    Media,
    url=urls,
    medium=st.sampled_from(["image", "video", "audio", "document"]),
    type=st.one_of(some, st.just("image/jpeg")),
    width=st.one_of(st.none(), st.integers()),
    height=st.one_of(st.none(), st.integers()),
    length=st.one_of(st.none(), st.integers()),
    caption=some,
    credit=some,
)
versions = st.builds(
    Version,
    wire=st.sampled_from(["pti", "gone"]),
    agency=texts.map(lambda text: f"A{text}"),
    agency_id=texts,
    agency_version=some,
    headline=texts.map(lambda text: f"H{text}"),
    byline=some,
    body=texts,
    summary=some,
    language=st.one_of(some, st.sampled_from(["en-IN", "hi_IN", "x" * 9])),
    categories=st.lists(st.builds(Category, label=texts, scheme=some), max_size=3).map(tuple),
    keywords=st.lists(texts, max_size=3).map(tuple),
    media=st.lists(media, max_size=3).map(tuple),
    credit=some,
    rights=some,
    link=st.one_of(st.none(), urls),
    base=st.one_of(st.none(), urls),
    published=st.one_of(st.none(), instants),
    updated=st.one_of(st.none(), instants),
)


def _story(of: Version, desk: str | None, received_at: datetime) -> Story:
    return story(of, desk, first_received=received_at, received_at=received_at)


# Received by our own clock, which is in UTC: in the year 1 not every zone's moment is in it.
received = st.datetimes(timezones=st.just(UTC))
stories = st.builds(_story, versions, st.one_of(st.none(), texts), received)
"""Stories whose every text can be anything; a desk headline may even be empty."""

_TAGS = """
    p div br b i a a a span ul li table tr td th h2 blockquote pre section img img img picture
    source video audio svg math script style noscript template iframe object embed area map image
    title select option button input form textarea center font center nobr summary details
    video dialog bdo ruby rt rp
"""
_ATTRIBUTES = """
    href src srcset alt style style width height hidden poster data srcdoc xlink:href title class
    border
"""
_WORDS = (
    *NASTIES,
    "the", "Centre", "मिलेंगे", "க்‌ஷ", "گی", "\u202e41", "A\u030a", "\u0085", "\u00a0", "&nbsp;",
    "&amp", "&#x1F30E;", "&#133;", "\ufeff", "\x1c", "\u200b", "\u00ad", "\U0001f309", "\u2028",
    "\t", "\n", " ", "<", ">", "<!-- x -->", "<![CDATA[x]]>", "]]>", "\ud800", "\uac00\u11a8",
)  # fmt: skip
_PIECES = (
    "http:", "https:", "HTTPS:", "//", "/", "\\", ":", "@", "?", "#", ".", "..", "/../", "/./", "%",
    "%zz", "%C3%A9", "é", "ß", "日", "a", "B", "example.com", "EXAMPLE.com", ":80", ":443",
    "user:pw",
    "javascript:", "data:x", "mailto:", "[::1]", " ", "\t",
    "\x00", "\x1f", "|", "^", "{", "`", '"',
    "<", "&", "=", "+", ",", "\U0001f309", "\ud800", "\u0130", "\u212a",
)  # fmt: skip
_STYLES = (
    "display:none", "DISPLAY : NONE", "visibility:hidden", "width:1px", "height:0", "width:1px",
    "max-width:9px", "transform:scale(9)", "display:none!important", ";", " : ", "color:red",
    "margin:9e9px", "margin:0 9px", "border:1px solid", "border:0", "padding:2em", "width:50%",
    "max-width:50%", "height:auto", "position:absolute", "font-weight:700", "margin:\u017f",
    "\x1cwidth\x1c:1px", "\u00a0height:1px", "\ufeffwidth:0", "display", "width:1PX",
)  # fmt: skip
_CANDIDATES = ("1x", "2x", "(a,b)", "(", ")", "100w", ",", " ", ",,", "\t")


class Soup:
    """A source of random pieces; the same *seed* gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._tags, self._names = _TAGS.split(), _ATTRIBUTES.split()

    def address(self) -> str:
        """Something where an address belongs."""
        return "".join(self._random.choices(_PIECES, k=self._random.randint(0, 7)))

    def text(self) -> str:
        """Something where words belong."""
        return "".join(self._random.choices(_WORDS, k=self._random.randint(0, 6)))

    def body(self) -> str:
        """Something where HTML belongs."""
        parts: list[str] = []
        for _ in range(self._random.randint(1, 14)):
            roll = self._random.random()
            tag = self._random.choice(self._tags)
            if roll < 0.45:
                parts.append(f"<{tag}{self._attributes()}>")
            elif roll < 0.65:
                parts.append(f"</{tag}>")
            else:
                parts.append(self.text())
        return "".join(parts)

    def _attributes(self) -> str:
        names = self._random.choices(self._names, k=self._random.randint(0, 4))
        return "".join(f" {name}{self._value(name)}" for name in names)

    def _value(self, name: str) -> str:
        if self._random.random() < 0.1:
            return ""
        if name in ("alt", "title", "srcdoc"):
            said = self.text()
        elif name == "style":
            said = ";".join(self._random.choices(_STYLES, k=self._random.randint(0, 3)))
        elif name in ("width", "height"):
            said = self._random.choice(("0", "1", "1px", " 1 ", "1PX", "2", "\x1c1", "\u00a00"))
        elif name == "srcset":
            pieces = (self._random.choice((*_CANDIDATES, self.address())) for _ in range(5))
            said = self._random.choice(("", " ")).join(pieces)
        else:
            said = self.address()
        quote = self._random.choice("\"'")
        return f"={quote}{said.replace(quote, '')}{quote}"
