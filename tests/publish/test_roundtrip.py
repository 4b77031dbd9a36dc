"""A rendered entry read back is the copy that went in, whatever the format."""

import pytest
from hypothesis import given, settings

from publish import jsonfeed, xml
from publish.entry import Entry, compose
from publish.render import read_back, render
from stories.models import Story
from tests.publish import hostile
from tests.publish.samples import HEADLINE_ONLY, config, english, hindi, story, urdu, version
from wirecopy.scope import Copy, digests


def copy_of(entry: Entry) -> Copy:
    return Copy(
        headline=entry.headline,
        body=entry.html,
        media=tuple(medium.url for medium in entry.media),
        summary=entry.summary or "",
        tags=tuple(c.label for c in entry.categories) + entry.keywords,
    )


@pytest.mark.parametrize("of", [english(), hindi(), urdu()], ids=["english", "hindi", "urdu"])
def test_every_format_carries_the_same_copy(of: Story) -> None:
    rendered = render(of, config())
    expected = copy_of(rendered.entry)
    assert read_back("rss", rendered.rss) == expected
    assert read_back("atom", rendered.atom) == expected
    assert read_back("json", rendered.json) == expected


def test_what_is_there_is_read_by_hand() -> None:
    rendered = render(english(), config())
    copy = read_back("rss", rendered.rss)
    assert copy.headline == "Big GST Meet On Monday: All Eyes On Cess"
    assert copy.body.endswith(f"<i>{HEADLINE_ONLY}</i></p>")
    assert copy.summary == "33 members; rates < 28% & cess on the table"
    assert copy.tags == ("National", "Economy", "gst", "cess")
    assert copy.media == ("https://img.example/gst.jpg?w=1200&h=675", "https://img.example/gst.mp4")


def test_what_a_writer_loses_is_missing() -> None:
    rendered = render(english(), config())
    assert "33" not in read_back("rss", rendered.rss.replace(b"<b>33</b>", b"")).body
    assert read_back("atom", rendered.atom.replace(b'term="gst"', b'term="tax"')).tags[2] == "tax"
    assert read_back("json", rendered.json.replace(b'"summary":', b'"x":')).summary == ""


def test_a_story_with_nothing_but_a_headline() -> None:
    bare = version(body="", summary=None, categories=(), keywords=(), media=())
    entry = compose(story(bare), config())
    expected = Copy(headline=bare.headline, body="")
    assert read_back("rss", xml.rss_item(entry)) == expected
    assert read_back("atom", xml.atom_entry(entry)) == expected
    assert read_back("json", jsonfeed.item(entry)) == expected


@pytest.mark.slow
def test_a_body_of_more_than_ten_megabytes_is_read_back() -> None:
    of = story(version(body="<p>" + "word " * 2_200_000 + "</p>", summary=None), "H")
    rendered = render(of, config())
    assert len(read_back("rss", rendered.rss).body) > 10_000_000
    assert len(read_back("atom", rendered.atom).body) > 10_000_000
    assert len(read_back("json", rendered.json).body) > 10_000_000
    assert rendered.measurement.scope == "headline-only"


@settings(deadline=None)
@given(hostile.stories)
def test_any_story_measures_the_same_in_every_format(of: Story) -> None:
    entry = compose(of, config()).model_copy(update={"headline": "H", "disclosure": "(Said.)"})
    expected = digests(copy_of(entry), disclosure="(Said.)")
    for copy in (
        read_back("rss", xml.rss_item(entry)),
        read_back("atom", xml.atom_entry(entry)),
        read_back("json", jsonfeed.item(entry)),
    ):
        assert digests(copy, disclosure="(Said.)") == expected
