"""What the desk shows of one story, a draft over it, the second look, the kill: by forms."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from desk.newsroom.dossier import UNDONE_WITHIN
from stories import clock
from stories.config import Config
from stories.db import Store
from stories.db import stories as records
from stories.db.people import Role
from stories.models import Story
from tests.conftest import ConfigOf
from tests.desk.newsroom.browsing import Answer, Browser, living, newsroom, signed_in
from tests.living import Life, item

LONG = "A paragraph that is long enough to show that the text is the same story."
HEADLINE = "Ferry with 33 aboard sinks, no deaths"


@pytest.fixture
def conf(config: ConfigOf) -> Config:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f", "language": "en"}
    feeds = [
        {"name": "all", "title": "All", "headline_limit": 20},
        {"name": "sea", "title": "Sea", "categories": ["Sea"], "urgency": [1]},
        {"name": "few", "title": "Few", "limit": 1},
    ]
    return config(wires=[wire], feeds=feeds, desk={})


@pytest.fixture
def life(conf: Config, store: Store) -> Iterator[Life]:
    life = living(conf, store, item("one", HEADLINE, LONG))
    with clock.reading(lambda: life.now):
        yield life


def somebody(life: Life, role: Role = "editor") -> Browser:
    return signed_in(newsroom(life), life.store, role.capitalize(), role)


def story(life: Life, guid: str = "one") -> Story:
    with life.store.read() as conn:
        found = records.one(conn, life.stories()[guid])
    assert found is not None
    return found


def at(life: Life, rest: str = "", guid: str = "one") -> str:
    return f"/stories/{story(life, guid).id}{rest}"


def test_a_draft_is_measured_and_nothing_is_saved(life: Life) -> None:
    browser = somebody(life)
    browser.opened("/queues/all")
    form = {
        **dict(_form(browser.last, at(life, "/headline"))),
        "text": "Ferry sinks in the harbour",
    }
    page = browser.ask(at(life, "/draft"), form)
    for said in (
        "26 characters",
        "1 line on a phone",
        "All: 6 over its 20",
        "No number “33”",
        "No negation “no”",
        "Except for the headline",
        "in all, few",
        "Not saved yet",
    ):
        assert said in page.words
    assert page.page.xpath("string(//textarea)") == "Ferry sinks in the harbour"
    assert story(life).edits == ()
    part = browser.ask(at(life, "/draft"), form, X_Part="row")
    assert "26 characters" in part.text
    assert "<html" not in part.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "write one, or put the wire"),
        ("<b>Ferry</b> &lt;script&gt;", "resolved"),
        ("<script>alert(1)</script>", "empty"),
        (HEADLINE, "the wire’s words"),
    ],
)
def test_a_draft_that_is_odd(life: Life, text: str, said: str) -> None:
    browser = somebody(life)
    browser.opened("/queues/all")
    form = {**_form(browser.last, at(life, "/headline")), "text": text}
    part = browser.ask(at(life, "/draft"), form, X_Part="row")
    assert said in part.words
    assert "<script" not in part.text


def test_only_who_may_write_is_shown_a_draft(life: Life) -> None:
    reader = somebody(life, "reader")
    page = reader.opened("/queues/all")
    token = page.page.xpath("string(//input[@name='csrf']/@value)")
    assert reader.ask(at(life, "/draft"), {"csrf": token, "text": "x"}).status == 403
    assert Browser(newsroom(life)).ask(at(life, "/draft"), {"text": "x"}).status == 403


def test_the_page_of_a_story_shows_what_came_beside_what_is_published(life: Life) -> None:
    life.receive(item("one", HEADLINE, f"{LONG}&lt;/p&gt;&lt;p&gt;All were saved."))
    life.edit(story(life).id, "Ferry sinks, all saved")
    page = somebody(life, "reader").opened(at(life))
    words = page.words
    assert "Every word of the text is published as it was received." in words
    assert "Except for the headline" in words
    assert [e.text for e in page.page.xpath("//dd/ins")] == ["all saved"]
    assert "All were saved." in page.page.xpath("string(//details[@class='changes'])")
    places = [
        " ".join(li.text_content().split()) for li in page.page.xpath("//ul[@class='places']/li")
    ]
    assert places == [
        "in it All",
        "not in Sea: its categories are Sea; the story has none; its urgency is 1;"
        " the story has none",
        "in it Few",
    ]
    assert page.page.xpath("//a[contains(@href, '/statements')]/text()")


def test_a_story_beyond_a_feed_s_limit_says_so(life: Life) -> None:
    life.receive(item("two", "Later", "Other words."))
    life.receive(item("three", "Latest", "Still other words."))
    page = somebody(life, "reader").opened(at(life))
    assert "not in Few: it selects the story, and has 1 newer ones" in page.words


def test_the_bytes_of_a_version_are_as_sent_and_do_nothing(life: Life) -> None:
    browser = somebody(life, "reader")
    sent = browser.ask(at(life, "/raw/1"))
    assert item("one", HEADLINE, LONG).encode() in sent.body
    assert sent.headers["content-security-policy"].startswith("default-src 'none'")
    assert browser.ask(at(life, "/raw/2")).status == 404


def test_hostile_copy_is_words_on_every_page(life: Life) -> None:
    bad = "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;"
    life.receive(
        item(
            "one",
            f"{bad}&amp;lt;img src=x onerror=y&amp;gt;",
            f"{LONG}&lt;/p&gt;&lt;p onclick=x&gt;{bad}",
        )
    )
    life.edit(story(life).id, 'x" onmouseover="y <b>')
    life.receive(item("one", f"Again {bad}", LONG))
    browser = somebody(life, "chief")
    for path in (at(life), at(life, "/kill"), f"/second-look/{story(life).id}"):
        page = browser.opened(path)
        assert page.status == 200
        assert not page.page.xpath(
            "//body//script | //img | //@onclick | //@onerror | //@onmouseover"
        )


def test_of_a_story_that_nobody_sees_nothing_is_said_to_be_published(life: Life) -> None:
    life.act("one", "hold", timedelta(0))
    browser = somebody(life)
    words = browser.opened(at(life)).words
    assert "would be published as it was received" in words
    assert "Nobody sees it: it is withheld" in words
    form = {"csrf": _token(browser), "text": "Ferry"}
    assert "hidden for now" in browser.ask(at(life, "/draft"), form, X_Part="row").words


def test_a_story_without_a_headline_says_so_once_and_can_be_drafted(life: Life) -> None:
    life.receive(item("bare", "", "Words of a story without a headline."))
    browser = somebody(life)
    page = browser.opened(at(life, guid="bare"))
    assert page.words.count("has no headline, and no feed takes it") == 1
    assert "Words of a story without a headline." in page.words
    form = {"csrf": _token(browser), "text": "One of ours"}
    draft = browser.ask(at(life, "/draft", "bare"), form, X_Part="row").words
    assert "Except for the headline" in draft


def test_words_whose_licence_is_long_over_are_not_said_to_be_there(
    config: ConfigOf, store: Store
) -> None:
    wire = {"name": "w", "agency": "Agency", "url": "https://a.example/f", "expires_after": "1d"}
    life = living(config(wires=[wire], desk={}), store, item("one", HEADLINE, LONG))
    life.clean(timedelta(days=2))
    life.clean(timedelta(days=30))
    with clock.reading(lambda: life.now):
        browser = somebody(life)
        page = browser.opened(at(life))
        assert "No word of the text is kept, or there is none." in page.words
        assert "its licence is over" in page.words
        assert browser.ask(at(life, "/raw/1")).status == 404


# The second look


@pytest.fixture
def moved(life: Life) -> Life:
    """Two stories that the wire changed under headlines of the desk."""
    life.receive(item("two", "Bridge shut", LONG))
    life.edit(story(life).id, "Ferry sinks; all 33 saved")
    life.edit(story(life, "two").id, "Old bridge closed")
    for guid, now in (("one", "Ferry with 34 aboard sinks"), ("two", "Bridge open")):
        life.receive(item(guid, now, f"{LONG}&lt;/p&gt;&lt;p&gt;Changed {guid}."))
    return life


def test_one_looks_at_what_stood_then_stands_now_and_is_ours(moved: Life) -> None:
    browser = somebody(moved)
    page = browser.opened("/second-look")
    assert "1 of 2" in page.words
    said = [
        " ".join(dd.text_content().split()) for dd in page.page.xpath("//dl[@class='three']//dd")
    ]
    assert said == ["Bridge shut", "Bridge open", "Old bridge closed"]
    assert "Changed two." in page.words
    assert "Ours is published over the new text." in page.words
    later = page.page.xpath("//a[@rel='next']/@href")
    assert later == [f"/second-look/{story(moved).id}"]


@pytest.mark.parametrize(
    ("act", "text", "published"),
    [
        ("settle", None, "Old bridge closed"),
        ("revert", None, "Bridge open"),
        ("headline", "Bridge open again", "Bridge open again"),
    ],
)
def test_keep_take_or_rewrite_and_the_next_is_there(
    moved: Life, act: str, text: str | None, published: str
) -> None:
    browser = somebody(moved)
    browser.opened("/second-look")
    fields = {} if text is None else {"text": text}
    done = browser.send(at(moved, f"/{act}", "two"), **fields)
    assert (done.status, done.headers["location"].partition("#")[0]) == (
        303,
        f"/second-look/{story(moved).id}",
    )
    after = story(moved, "two")
    assert (after.headline, after.second_look) == (published, False)
    assert after.edits[-1].by == "Editor"
    assert browser.opened(done.headers["location"].partition("#")[0]).status == 200
    browser.send(at(moved, "/settle"))
    assert "Nothing waits here" in browser.opened("/second-look").words


def test_a_headline_that_is_held_says_so(config: ConfigOf, store: Store) -> None:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
    held = living(
        config(wires=[wire], desk={"on_update": "hold-headline"}), store, item("one", "Then", LONG)
    )
    held.edit(story(held).id, "Ours")
    held.receive(item("one", "Now", f"{LONG}&lt;/p&gt;&lt;p&gt;More."))
    with clock.reading(lambda: held.now):
        browser = somebody(held)
        page = browser.opened("/queues/second-look")
        assert "second look: the wire’s headline stands" in page.words
        assert page.page.xpath(f"//a[@href='/second-look/{story(held).id}']")
        assert "The wire’s headline is published until" in browser.opened("/second-look").words
        browser.send(at(held, "/settle"))
        assert "Nothing waits here" in browser.opened("/second-look").words
    assert b"<title>Ours</title>" in held.bodies()["all", "rss"]


def test_whoever_is_slower_chooses_again(moved: Life) -> None:
    one, two = somebody(moved), somebody(moved, "chief")
    for each in (one, two):
        each.opened("/second-look")
    assert one.send(at(moved, "/settle", "two")).status == 303
    assert two.send(at(moved, "/revert", "two")).status == 409
    assert story(moved, "two").headline == "Old bridge closed"
    assert two.ask(f"/second-look/{story(moved, 'two').id}").status == 303


# The kill


def test_a_chief_kills_with_a_reason_and_the_slug_and_can_undo_it(life: Life) -> None:
    chief = somebody(life, "chief")
    chief.opened(at(life, "/kill"))
    refused = chief.send(at(life, "/kill"), reason="A lawyer rang", slug="another")
    assert (refused.status, story(life).status) == (422, "usable")
    assert f"type {story(life).slug}" in refused.words
    assert refused.page.xpath("string(//input[@name='reason']/@value)") == "A lawyer rang"
    done = chief.send(at(life, "/kill"), reason="A lawyer rang", slug=f" {story(life).slug} ")
    assert (done.status, story(life).status) == (303, "killed")
    assert b"33 aboard" not in life.bodies()["all", "rss"]
    life.now += UNDONE_WITHIN - timedelta(seconds=1)
    chief.opened(at(life))
    assert chief.send(at(life, "/unkill")).status == 303
    assert story(life).status == "usable"
    assert b"33 aboard" in life.bodies()["all", "rss"]
    with life.store.read() as conn:
        acts = records.acts_of(conn, [story(life).id])[story(life).id]
    assert [(a.kind, a.by, a.reason) for a in acts] == [
        ("kill", "Chief", "A lawyer rang"),
        ("release", "Chief", "the kill was undone"),
    ]


def test_what_was_held_before_a_kill_is_held_when_that_is_undone(life: Life) -> None:
    life.act("one", "hold", timedelta(0))
    chief = somebody(life, "chief")
    chief.opened(at(life, "/kill"))
    chief.send(at(life, "/kill"), reason="A lawyer rang", slug=story(life).slug)
    chief.opened(at(life))
    assert chief.send(at(life, "/unkill")).status == 303
    assert story(life).status == "withheld"
    assert not any(b"33 aboard" in body for body in life.bodies().values())
    assert "/unkill" not in chief.opened(at(life)).text
    assert chief.send(at(life, "/release"), reason="It is true").status == 303
    assert b"33 aboard" in life.bodies()["all", "rss"]


def test_after_ten_minutes_it_takes_a_release(life: Life) -> None:
    chief = somebody(life, "chief")
    chief.opened(at(life, "/kill"))
    chief.send(at(life, "/kill"), reason="A lawyer rang", slug=story(life).slug)
    stale = chief.opened(at(life))
    life.now += UNDONE_WITHIN + timedelta(seconds=1)
    assert chief.send(at(life, "/unkill")).status == 422
    assert "/unkill" not in chief.opened(at(life)).text
    assert stale.status == 200
    assert chief.send(at(life, "/release"), reason="It was wrong").status == 303
    assert story(life).status == "usable"


def test_what_the_agency_killed_is_not_undone(life: Life) -> None:
    life.act("one", "hold", timedelta(0))
    chief = somebody(life, "chief")
    page = chief.opened(at(life))
    token = page.page.xpath("string(//input[@name='csrf']/@value)")
    assert chief.ask(at(life, "/unkill"), {"csrf": token}).status == 422
    assert story(life).status == "withheld"


@pytest.mark.parametrize("role", ["reader", "editor"])
def test_nobody_but_a_chief_kills(life: Life, role: Role) -> None:
    browser = somebody(life, role)
    page = browser.opened(at(life))
    assert "/kill" not in page.text
    token = page.page.xpath("string(//input[@name='csrf']/@value)")
    form = {"csrf": token, "reason": "x", "slug": story(life).slug}
    assert browser.ask(at(life, "/kill")).status == 403
    assert browser.ask(at(life, "/kill"), form).status == 403
    assert browser.ask(at(life, "/unkill"), form).status == 403
    assert story(life).status == "usable"


def _token(browser: Browser) -> str:
    assert browser.last is not None
    return str(browser.last.page.xpath("string(//input[@name='csrf']/@value)"))


def _form(on: Answer | None, action: str) -> dict[str, str]:
    assert on is not None
    form = next(f for f in on.page.forms if f.get("action") == action)
    return {name: value or "" for name, value in form.form_values()}
