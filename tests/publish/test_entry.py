"""From a story to what an entry shows."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.clean import clean
from publish.entry import (
    FIRST_WORDS,
    compose,
    first_words,
    language,
    story_url,
    urn,
    without_disclosure,
)
from publish.jsonfeed import item
from stories.config import Publisher, Site, Wire
from stories.models import Category, Media, Story
from tests.publish import hostile
from tests.publish.samples import RECEIVED, config, english, story, version
from wirecopy.text import paragraphs


def test_composed_entry_shows_the_story() -> None:
    entry = compose(english(), config())
    of = english()
    assert (entry.guid, entry.headline) == (of.guid, "Big GST Meet On Monday: All Eyes On Cess")
    assert entry.wire_headline == "Centre, states to meet on GST & cess"
    assert (entry.agency, entry.agency_id, entry.agency_version) == (
        "Press Trust of India",
        "PTI2026112200417",
        "3",
    )
    assert entry.published == datetime(2026, 11, 22, 13, 0, 15, tzinfo=UTC)
    assert entry.updated == datetime(2026, 11, 22, 13, 7, 30, tzinfo=UTC)
    assert (entry.byline, entry.language, entry.credit) == ("By Asha Rao", "en-IN", "PTI")
    assert entry.link == "https://www.ptinews.example/story/417"
    assert entry.source_url == "https://wire.example/"
    assert 'href="https://www.ptinews.example/topic/gst?a=1&amp;b=2"' in entry.body
    assert (entry.disclosure, entry.scope, entry.edited_headline_only) == ("", "unknown", False)


def test_the_agency_states_no_date_or_version() -> None:
    entry = compose(story(version(published=None, agency_version=None), number=7), config())
    assert entry.published == RECEIVED.replace(microsecond=0)
    assert entry.agency_version is None  # our own number is not the agency's


def test_story_urls() -> None:
    of = story()
    assert story_url(of, config()) == (
        f"https://www.ndtv.com/india-news/centre-states-to-meet-on-gst-cess-{of.id}"
    )
    plain = config(publisher=Publisher(name="N", url="https://n.example"))
    assert story_url(of, plain) == f"https://feeds.ndtv.com/stories/{of.id}"
    odd = of.model_copy(update={"slug": "{id}/../?x=ü"})
    assert story_url(odd, config()).endswith(f"/%7Bid%7D%2F..%2F%3Fx%3D%C3%BC-{of.id}")


def test_the_wires_own_address_stays_secret() -> None:
    conf = config()
    entry = compose(story(version(link=None)), conf)
    assert entry.source_url == "https://wire.example/"
    assert entry.link is None
    assert compose(story(version(link=None, wire="gone")), conf).source_url is None


def test_credentials_in_the_agencys_link_stay_secret() -> None:
    entry = compose(story(version(link="https://desk:pw@pti.example/1?x=y")), config())
    assert entry.link == "https://pti.example/1?x=y"
    assert compose(story(version(link="javascript:x", base=None)), config()).link is None


def test_media_are_absolute_and_whole() -> None:
    media = (
        Media(url="/a.jpg", type=" IMAGE/Jpeg ", width=-1, height=0, length=5, caption=" c "),
        Media(url="javascript:x"),
        Media(url="data:image/png;base64,AA", type="image/png"),
        Media(url="https://i.example/b", type="picture", credit="\x00"),
    )
    assert compose(story(version(media=media)), config()).media == (
        Media(url="https://www.ptinews.example/a.jpg", type="image/jpeg", length=5, caption="c"),
        Media(url="https://i.example/b"),
    )


def test_empty_categories_and_keywords_are_none() -> None:
    of = version(
        categories=(Category(label=" \x01 "), Category(label="A", scheme=" ")), keywords=("",)
    )
    entry = compose(story(of), config())
    assert entry.categories == (Category(label="A"),)
    assert entry.keywords == ()


def test_no_tag_is_said_twice() -> None:
    categories = (
        Category(label="Sport"),
        Category(label="Sport", scheme="urn:x:cv"),
        Category(label="Sport", scheme="urn:x:cv"),
    )
    entry = compose(
        story(version(categories=categories, keywords=("Sport", "Row", "Row"))), config()
    )
    assert entry.categories == categories[:2]
    assert entry.keywords == ("Row",)
    assert json.loads(item(entry))["tags"] == ["Sport", "Row"]


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ("http://cv.example/a", "http://cv.example/a"),
        ("urn:x:y", "urn:x:y"),
        ("pti-desk", "pti-desk"),  # RSS 2.0: a string that identifies a taxonomy
        ("विषय", "विषय"),
        ("our own categories", None),
        ("/tags", None),
        ("#", None),
        ("http:// cv.example", None),
        ("<b>", None),
    ],
)
def test_what_is_no_scheme_is_not_passed_on(stated: str, kept: str | None) -> None:
    entry = compose(story(version(categories=(Category(label="L", scheme=stated),))), config())
    assert [category.scheme for category in entry.categories] == [kept]


@pytest.mark.parametrize(
    ("tag", "kept"),
    [
        ("hi", "hi"),
        ("en_IN", "en-IN"),
        (" zh-Hant-TW ", "zh-Hant-TW"),
        ("Hindi language", None),
        ("english", None),
        ("en-", None),
        ("xx-invalid!", None),
        ("", None),
        (None, None),
        ("x", None),
        ("jp", None),
        ("xx-IN", None),
        ("IW", "IW"),
        ("hin", "hin"),
    ],
)
def test_language_tags(tag: str | None, kept: str | None) -> None:
    assert language(tag) == kept


def test_ids_last_as_long_as_the_publishers_name() -> None:
    conf = config()
    moved = config(site=Site(url="https://other.example"))
    assert urn(conf, "feed", "india") == urn(moved, "feed", "india")
    assert urn(conf, "feed", "india") != urn(conf, "wire", "india")
    other = config(publisher=Publisher(name="NDTV", url="https://elsewhere.example"))
    assert urn(conf, "feed", "india") != urn(other, "feed", "india")


def test_instants_no_calendar_holds() -> None:
    early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    entry = compose(story(version(published=early)), config())
    assert entry.published == RECEIVED.replace(microsecond=0)


def test_the_disclosure_is_the_last_paragraph_and_escaped() -> None:
    entry = compose(english(), config())
    assert entry.html == entry.body
    told = entry.model_copy(update={"disclosure": "(Not edited by <b> & Co.)"})
    assert told.html == (
        f'{entry.body}<p dir="auto"><i>(Not edited by &lt;b&gt; &amp; Co.)</i></p>'
    )
    urdu = told.model_copy(update={"disclosure_language": "ur"})
    assert '<p lang="ur" dir="auto"><i>(Not' in urdu.html  # these words do not run so
    urdu = urdu.model_copy(update={"disclosure": "(ترمیم نہیں کی)"})
    assert '<p lang="ur" dir="rtl"><i>(ترمیم' in urdu.html
    for each, spoken in ((told, None), (urdu, "ur")):
        assert without_disclosure(each.html, each.disclosure) == (entry.body, spoken)


def test_a_private_wire_is_named_by_its_host_alone() -> None:
    wire = Wire(name="pti", url="http://127.0.0.1:9/x?y=z", allow_private=True)
    entry = compose(story(version(link=None)), config(wires=(wire,), feeds=()))
    assert entry.source_url == "http://127.0.0.1:9/"


@settings(deadline=None)
@given(hostile.stories)
def test_every_text_of_an_entry_can_be_written(of: Story) -> None:
    entry = compose(of, config())
    dumped = entry.model_dump_json()
    for forbidden in ("\\u0000", "\\u0001", "\\u000b", "\\u000c", "\\u001f", "\ufffe", "\uffff"):
        assert forbidden not in dumped
    assert entry.published.tzinfo is UTC
    assert entry.updated.microsecond == 0


_PIECES = st.sampled_from(
    [
        *("<p>", "</p>", "<ul><li>", "</li></ul>", "<table><tr><td>", "</td></tr></table>", "<br>"),
        *('<a href="https://a.example/x" title="A thing">', "</a>", "<b>", "</b>", "<!-- x -->"),
        *("&amp; ", "&lt;", "नमस्ते ", "\u202b", "rain ", "a word or two ", "x" * 90 + " "),
        *("<ruby>漢<rt>kan</rt></ruby>", '<img src="https://a.example/p.png" alt="A picture">'),
    ]
)


@given(st.lists(_PIECES, max_size=9) | st.lists(_PIECES, min_size=60, max_size=150))
def test_first_words_are_those_of_all_that_is_looked_at(pieces: list[str]) -> None:
    """Though mostly the beginning of that is enough."""
    body = clean("".join(pieces), None)
    words = " ".join(paragraphs(body[:8_000]))
    found = first_words(body)
    if any(c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" for c in words):
        assert found == ""
    elif len(words) <= FIRST_WORDS and len(body) <= 8_000:
        assert found == words
    else:
        cut = words[:FIRST_WORDS]
        assert found == (f"{cut.rpartition(' ')[0] or cut}…" if cut else "")
