"""A feed tried out: it selects as a feed does, and its table is one that can be configured."""

import tomllib
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.newsroom import trial
from desk.newsroom.trial import feed_of, given_by, given_in, toml_of
from publish.selection import CRITERIA
from stories import clock
from stories.config import Config, Feed
from stories.db import Store
from tests.conftest import ConfigOf
from tests.desk.newsroom.browsing import Browser, living, newsroom, signed_in
from tests.living import Life, item
from tests.publish import samples


@pytest.fixture
def conf(config: ConfigOf) -> Config:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f", "language": "en"}
    feeds = [
        {"name": "all", "title": "All"},
        {"name": "sea", "title": "Sea", "keywords": ["ferry"]},
    ]
    return config(wires=[wire], feeds=feeds, desk={})


@pytest.fixture
def life(conf: Config, store: Store) -> Iterator[Life]:
    life = living(conf, store, item("old", "An old ferry"))
    life.receive(item("one", "Ferry sinks"), item("two", "Bridge shut"), after=timedelta(days=2))
    life.edit(life.stories()["two"], "Bridge is shut")
    with clock.reading(lambda: life.now):
        yield life


@pytest.fixture
def reader(life: Life) -> Browser:
    return signed_in(newsroom(life), life.store, "Ravi", "reader")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "Matches 2 of 2 of the last day."),
        ("?keywords=ferry,+boat", "Matches 1 of 2 of the last day."),
        ("?of=sea", "Matches 1 of 2 of the last day."),
        ("?languages=hi", "Matches 0 of 2 of the last day."),
        ("?scopes=headline-only", "Matches 1 of 2 of the last day."),
        ("?wires=nobody", "wires: there is none named"),
        ("?urgency=much", "urgency: "),
        ("?languages=english!", "is no language tag"),
    ],
)
def test_what_a_feed_would_select(reader: Browser, asked: str, said: str) -> None:
    page = reader.opened(f"/feeds{asked}")
    assert page.status == 200
    assert said in page.words


def test_what_it_selects_is_shown_and_how_to_configure_it(reader: Browser) -> None:
    page = reader.opened("/feeds?keywords=%22bridge%22,+bridge&wires=w")
    assert page.page.xpath("//ul[@class='places']//a/text()") == ["Bridge is shut"]
    (feed,) = tomllib.loads(page.page.xpath("string(//pre)"))["feeds"]
    assert feed["keywords"] == ['"bridge"', "bridge"]
    assert Feed.model_validate(feed).wires == ("w",)


def test_a_long_day_is_looked_at_as_far_as_is_said(
    reader: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "MOST", 1)
    assert "of 1 of the last day, of which the newest 1" in reader.opened("/feeds").words


WORDS = st.text(st.characters(codec="utf-8", exclude_characters=",\0"), min_size=1)


@given(st.dictionaries(st.sampled_from(("categories", "keywords", "places")), WORDS))
def test_the_table_is_the_feed_that_was_tried(query: dict[str, str]) -> None:
    """Whatever is typed: the table that is shown reads as what was tried."""
    conf = samples.config()
    try:
        feed = feed_of(given_in(query), conf)
    except ValueError:
        return
    (table,) = tomllib.loads(toml_of(feed))["feeds"]
    assert Feed.model_validate(table) == feed
    assert {*given_by(feed)} == {*CRITERIA}
