"""Entries are what feedgen would write of them, repaired, to the byte."""

from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publish import xml
from publish.entry import Embed, Entry, compose
from stories.models import Category, Media, Story
from tests.publish import feedgen_entries, hostile
from tests.publish.samples import config, english, hindi, story, urdu, version
from wirecopy.encoding import xml_chars

texts = hostile.texts.map(xml_chars)
said = texts.map(lambda text: f"a{text}")
maybe = st.one_of(st.none(), said)
instants = st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0))
entries = st.builds(
    Entry,
    guid=said,
    url=said,
    headline=said,
    wire_headline=said,
    agency=said,
    agency_id=texts,
    agency_version=maybe,
    byline=maybe,
    published=instants,
    updated=instants,
    summary=maybe,
    first_words=texts,
    body=texts,
    disclosure=texts,
    disclosure_language=st.sampled_from(["", "en", "ur"]),
    media=st.lists(
        st.builds(
            Media,
            url=st.one_of(texts, st.just("https://a.example/1.mp4")),
            medium=st.sampled_from(["image", "video", "audio", "document"]),
            type=maybe,
            width=st.one_of(st.none(), st.integers(1)),
            height=st.one_of(st.none(), st.integers(1)),
            length=st.one_of(st.none(), st.integers(1)),
            caption=maybe,
            credit=maybe,
        ),
        max_size=3,
    ).map(tuple),
    embeds=st.lists(st.builds(Embed, url=texts, title=maybe), max_size=2).map(tuple),
    categories=st.lists(
        st.builds(
            Category, label=said, scheme=st.one_of(maybe, said.map(lambda text: f"urn:{text}"))
        ),
        max_size=2,
    ).map(tuple),
    keywords=st.lists(said, max_size=2).map(tuple),
    language=st.sampled_from([None, "en-IN", "hi"]),
    rights=maybe,
    link=maybe,
    source_id=said,
    source_title=said,
    source_url=maybe,
    source_updated=instants,
    valid_until=st.one_of(st.none(), instants),
    about=said,
    scope=st.sampled_from(["verbatim", "unknown"]),
    edited_headline_only=st.booleans(),
    statement=st.one_of(st.none(), st.just("a.b.c")),
)


@given(entries)
def test_any_entry(entry: Entry) -> None:
    assert xml.rss_item(entry) == feedgen_entries.rss_item(entry)
    assert xml.atom_entry(entry) == feedgen_entries.atom_entry(entry)


@pytest.mark.parametrize(
    "of",
    [
        english(),
        hindi(),
        urdu(),
        story(version(body="", summary=None, media=(), categories=(), keywords=())),
        story(version(headline='A "b" & <c>\t\r\nd', byline="\rx", language=None, link=None)),
    ],
)
def test_entries_of_stories(of: Story) -> None:
    entry = compose(of, config(), of.first_received + timedelta(days=30))
    assert xml.rss_item(entry) == feedgen_entries.rss_item(entry)
    assert xml.atom_entry(entry) == feedgen_entries.atom_entry(entry)
