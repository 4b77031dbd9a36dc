"""What an editor sees while writing is what is published when it is saved."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.newsroom.draft import Draft, Limit, drafted
from publish.render import render
from stories.config import Feed
from stories.models import HeadlineEdit, Story
from tests.publish.samples import RECEIVED, config, english, hindi, story, urdu, version
from wirecopy.text import shows

AT = RECEIVED + timedelta(minutes=5)
FEEDS = (
    Feed(name="india", title="India", headline_limit=60),
    Feed(name="short", title="Short", headline_limit=20),
    Feed(name="sport", title="Sport", categories=("Sport",), headline_limit=10),
    Feed(name="edited", title="Edited", scopes=("headline-only",)),
)


def draft(text: str, **fields: Any) -> Draft:
    return drafted(story(version(**fields)), text, config(feeds=FEEDS), AT)


def test_the_line_below_is_measured_of_what_is_typed() -> None:
    same, other = draft("Centre, states to meet on GST & cess"), draft("Centre to meet states")
    assert same.preview
    assert other.preview
    assert same.same
    assert same.preview.badge.scope == "verbatim"
    assert "has not been edited" in same.preview.disclosure
    assert not other.same
    assert other.preview.badge.scope == "headline-only"
    assert other.preview.disclosure.startswith("(Except for the headline")
    assert other.preview.entry.headline == "Centre to meet states"
    assert (same.preview.feeds, other.preview.feeds) == (
        ("india", "short"),
        ("india", "short", "edited"),
    )


def test_an_edit_that_was_measured_beyond_the_headline_is_told_so() -> None:
    found = draft("Centre to meet states", body="<p>One.</p><script>x</script><form>Two</form>")
    assert found.preview
    assert (
        found.preview.badge.scope
        == render(
            story(version(body="<p>One.</p><script>x</script><form>Two</form>"), "Centre to meet"),
            config(),
        ).measurement.scope
    )


@given(st.sampled_from([english(), hindi(), urdu()]), st.text(min_size=1, max_size=60))
def test_what_is_shown_is_what_is_published(of: Story, text: str) -> None:
    """The entry of a draft is that of the story once it is saved, for any text."""
    found = drafted(of, text, config(), AT)
    if found.refused:
        assert found.preview is None
        return
    edit = HeadlineEdit(text=found.headline, by="Ravi", at=AT, against=of.number)
    saved = render(of.model_copy(update={"edits": (edit,)}), config())
    assert found.preview
    assert found.preview.entry == saved.entry
    assert found.preview.badge.scope == saved.measurement.scope
    assert shows(found.headline)


def test_a_limit_counts_characters_of_the_feeds_that_take_it() -> None:
    found = draft("Centre to meet the states")
    assert found.characters == 25
    assert found.limits == (Limit("Short", 20, 5), Limit("India", 60, 0))
    assert draft("हिन्दी").characters == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "empty"), ("\u200b", "empty"), ("x" * 301, "301 characters"), ("a\u202eb", "direction")],
)
def test_what_would_be_refused_is_said_and_nothing_is_shown(text: str, said: str) -> None:
    found = draft(text)
    assert said in found.refused
    assert "--" not in found.refused
    assert (found.preview, found.missing) == (None, ())


def test_markup_that_was_pasted_is_read_as_it_will_be_kept() -> None:
    found = draft("<b>Centre</b> &amp; states")
    assert found.headline == "Centre & states"
    assert "resolved" in found.odd[0]


def test_what_the_wire_has_and_the_draft_has_not() -> None:
    fields: dict[str, Any] = {"headline": "33 meet Rao on GST, no deal", "keywords": ("रोज़गार",)}
    said = [(kind, what) for kind, what in draft("States meet", **fields).missing]
    assert said == [("number", "33"), ("name", "Rao"), ("name", "GST"), ("negation", "no")]
    assert draft("No deal as 33 meet Rao on GST", **fields).missing == ()


def test_a_story_that_cannot_be_rendered_says_why() -> None:
    burst = story().model_copy(update={"version": version(body="<b>" * 20_000)})
    found = drafted(burst, "Fine", config(), AT)
    assert (found.headline, found.preview) == ("Fine", None)
    assert "cannot be rendered" in found.unrendered
