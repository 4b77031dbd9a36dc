"""The desk's one act, in a real store, and the order of acts whatever the machine's clock does."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from desk.headline import HeadlineError, checked, earlier, replaced, rewrite, typed
from stories import clock
from stories.db import Store, outbox
from stories.db import stories as records
from stories.db.tables import stories
from tests.conftest import ConfigOf
from tests.ingest.test_intake import Desk, feed, item

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@pytest.fixture
def desk(config: ConfigOf, store: Store) -> Desk:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
    made = Desk(config(wires=[wire]), store)
    made.take(feed(item("a", "One")))
    return made


def test_an_act_and_its_rendering_are_one_transaction(desk: Desk) -> None:
    story = desk.wanted()[0]
    with desk.store.write() as conn:
        jobs = outbox.claim(conn, "story", desk.now + timedelta(hours=1), 9)
        outbox.done(conn, jobs, desk.now)
    after = rewrite(desk.store, story, "  Desk \t words\n", "Asha")
    assert (after.headline, after.desk_headline) == ("Desk words", "Desk words")
    assert after.version.headline == "One"
    with desk.store.read() as conn:
        assert [w.kind for w in outbox.waiting(conn, clock.now())] == ["story"]


def test_the_wire_moves_on_and_the_desk_looks_again(desk: Desk) -> None:
    story = desk.wanted()[0]
    assert not rewrite(desk.store, story, "Desk words", "Asha").second_look
    desk.take(feed(item("a", "One, updated")))
    with pytest.raises(HeadlineError, match="none"):
        rewrite(desk.store, "none", "x", "Asha")
    again = rewrite(desk.store, story, "Desk words", "Ravi")
    assert not again.second_look
    assert [e.against for e in again.edits] == [1, 2]
    back = rewrite(desk.store, story, None, "Ravi")
    assert back.headline == "One, updated"
    assert [e.by for e in back.edits] == ["Asha", "Ravi", "Ravi"]


def test_acts_keep_their_order_when_the_clock_is_set_back(desk: Desk) -> None:
    story = desk.wanted()[0]
    with clock.reading(lambda: NOW + timedelta(days=1)):
        first = rewrite(desk.store, story, "Earlier", "Asha")
    with clock.reading(lambda: NOW - timedelta(days=1)):
        second = rewrite(desk.store, story, "Later", "Asha")
    assert second.edits[1].at > first.edits[0].at
    assert second.headline == "Later"
    # Or subscribers of a hub would not be told of it.
    assert second.changed_at > first.changed_at


@pytest.mark.parametrize("name", ["", "  ", "x" * 301, "a\ud800", "a\u202eb"])
def test_words_that_cannot_be_taken(name: str) -> None:
    with pytest.raises(HeadlineError, match="name"):
        checked(name, "name")


@pytest.mark.parametrize(
    "unseen",
    ["\u200b", "\u00ad\u2060", "\u2066\u2069", "\u3164 \ufe0f", "\u034f", "\U000e0041", "\u180e"],
)
def test_a_headline_has_to_show_something(unseen: str) -> None:
    with pytest.raises(HeadlineError, match="shows nothing"):
        checked(unseen, "headline")
    assert checked(f"{unseen}क्\u200dष", "headline").endswith("क्\u200dष")


@pytest.mark.parametrize(
    ("text", "meant", "odd"),
    [
        ("3 < 5, R&D and AT&T", "3 < 5, R&D and AT&T", ""),
        ("Fish &amp; Chips&#8217; end", "Fish & Chips’ end", "&amp;, &#8217;"),
        ("<i>Live</i>: ferry &lt;b&gt; sinks", "Live: ferry <b> sinks", "as letters"),
        (
            "How the <blink> tag died",
            "How the <blink> tag died",
            "as letters, not as markup: <blink>",
        ),
        ("Fish &amp;amp; Chips", "Fish &amp; Chips", "as letters, not as markup: &amp;"),
        ("\u2068شمال\u2069 wins", "شمال wins", "isolates"),
        ("Q&A; x &unknown; y", "Q&A; x &unknown; y", "&unknown;"),
        ("“हिन्दी” — नमस्ते", "“हिन्दी” — नमस्ते", ""),
    ],
)
def test_what_was_pasted_is_read_as_meant_and_named(text: str, meant: str, odd: str) -> None:
    found, notes = typed(text)
    assert checked(found, "headline") == meant
    assert (odd in " ".join(notes)) if odd else not notes


def test_an_act_says_whose_words_it_replaced(desk: Desk) -> None:
    story = desk.wanted()[0]
    assert replaced(rewrite(desk.store, story, "Ben's words", "Ben")) == ""
    after = rewrite(desk.store, story, "Cara's words", "Cara")
    assert "by Ben" in replaced(after)
    assert (earlier(after, 1), earlier(after, 0)) == ("Ben's words", None)
    with pytest.raises(HeadlineError, match="made 2 edits"):
        earlier(after, 3)
    said = replaced(rewrite(desk.store, story, None, "Ben"))
    assert "“One”" in said
    assert "by Cara" in said
    assert replaced(rewrite(desk.store, story, "Third", "Ben")) == ""


def test_a_version_that_its_writer_has_not_seen_is_due_for_a_second_look(desk: Desk) -> None:
    story = desk.wanted()[0]
    desk.take(feed(item("a", "One, updated")))
    with pytest.raises(HeadlineError, match="no version 3, only 2"):
        rewrite(desk.store, story, "Words", "Asha", seen=3)
    assert rewrite(desk.store, story, "Words", "Asha", seen=1).second_look
    assert not rewrite(desk.store, story, "Words", "Asha", seen=2).second_look


@pytest.mark.parametrize("seen", [1, 2])
@pytest.mark.parametrize("text", ["Words", None])
def test_an_edit_leaves_a_storys_row_as_it_would_be_made_anew(
    desk: Desk, text: str | None, seen: int
) -> None:
    story = desk.wanted()[0]
    rewrite(desk.store, story, "Earlier words", "Asha")
    desk.take(feed(item("a", "One, updated")))
    rewrite(desk.store, story, text, "Ravi", seen=seen)
    with desk.store.write() as conn:
        query = select(stories).where(stories.c.id == story)
        kept = conn.execute(query).one()
        records.settle(conn, [story])
        assert conn.execute(query).one() == kept
