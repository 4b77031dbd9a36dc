"""Hypothesis strategies for stories as a hostile or broken wire might send them."""

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
