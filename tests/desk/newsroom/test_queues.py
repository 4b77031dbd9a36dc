"""Which stories stand in which queue, by rule, by the store and on pages; and filters."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from desk.headline import rewrite
from desk.newsroom import views
from desk.newsroom.queues import FILTERS, FRESH, QUEUES, Asked, Queue, counted, fits, queues_of
from publish import indexer
from publish.words import terms
from stories import clock
from stories.config import Config
from stories.db import Store, connect, people, queues, search, subscribers
from stories.db.queues import COUNTED, About, Place, Sought
from stories.models import Story
from tests.conftest import ConfigOf
from tests.desk.newsroom.browsing import Browser, living, newsroom, signed_in
from tests.living import Life, item
from tests.publish import samples

MINUTE = timedelta(minutes=1)
NOW = samples.RECEIVED + timedelta(hours=1)


def story(**fields: object) -> Story:
    return samples.story(desk=None).model_copy(update=fields)


@pytest.mark.parametrize(
    ("found", "about", "stands"),
    [
        (story(), About(), {"new"}),
        (story(), About(settled="Asha", by=frozenset({"Asha"})), set()),
        (story(), About(settled="Me", by=frozenset({"Me"})), {"mine"}),
        (samples.story(desk="Ours"), About(by=frozenset({"Meera"})), set()),
        (samples.story(desk="Ours").model_copy(update={"number": 2}), About(), {"second-look"}),
        (story(first_received=NOW - FRESH - MINUTE), About(), set()),
        (story(status="killed"), About(), {"killed"}),
        (story(status="withheld"), About(), {"held"}),
        (samples.story(samples.version(headline=" \u200b")), About(), {"new", "no-headline"}),
    ],
)
def test_a_story_stands_where_it_waits(found: Story, about: About, stands: set[Queue]) -> None:
    assert queues_of(found, about, "Me", NOW) == {"all", *stands}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", True),
        ("wire=pti", True),
        ("wire=ani", False),
        ("agency=PRESS TRUST of india", True),
        ("agency=pti", True),
        ("agency=ani", False),
        ("language=en", True),
        ("language=en-GB", False),
        ("language=no such tag", True),  # means nothing, so it filters nothing
        ("category=economy", True),
        ("category=sport", False),
        ("feed=india", True),
        ("feed=sport", False),
        ("scope=verbatim", True),
        ("scope=headline-only", False),
        ("scope=x", True),
        ("since=2h", True),
        ("since=30m", False),
        ("since=2026-11-22T13:00:00Z", True),
        ("since=tomorrow", True),
        ("by=Meera", True),
        ("by=Asha", False),
        ("wire=pti&agency=pti&category=national&by=Meera", True),
        ("wire=pti&agency=pti&category=national&by=Asha", False),
        ("agency=\u200b", True),
    ],
)
def test_filters_are_those_of_feeds_and_all_have_to_be_met(query: str, found: bool) -> None:
    about = About(scope="verbatim", feeds=("india",), by=frozenset({"Meera"}))
    asked = Asked.of("all", dict(parse_qsl(query)))
    assert fits(story(), about, asked, "Me", NOW) == found


anything = st.dictionaries(
    st.sampled_from([*FILTERS, "before", "x"]), st.text(max_size=12) | st.sampled_from(["2h", "en"])
)


@given(st.sampled_from([*QUEUES]), anything)
def test_an_address_is_a_bookmark(queue: Queue, query: dict[str, str]) -> None:
    asked = Asked.of(queue, query)
    parts = urlsplit(asked.address())
    assert parts.path == f"/queues/{queue}"
    again = dict(parse_qsl(parts.query, keep_blank_values=True))
    assert Asked.of(queue, again) == Asked(queue, asked.filters)
    fits(story(), About(), asked, "Me", NOW)


def test_a_heap_is_counted_no_further_than_it_matters() -> None:
    assert [counted(n) for n in (0, 1, COUNTED - 1, COUNTED)] == ["0", "1", "999", "999+"]


@pytest.fixture
def conf(config: ConfigOf) -> Config:
    wires = [
        {"name": name, "agency": f"Agency {name}", "url": f"https://agency.example/{name}"}
        for name in ("w", "v")
    ]
    feeds = [{"name": "all", "title": "All"}, {"name": "few", "title": "Few", "wires": ["v"]}]
    return config(wires=wires, feeds=feeds, desk={})


@pytest.fixture
def life(conf: Config, store: Store) -> Iterator[Life]:
    life = living(conf, store)
    life.receive(*(item(f"w{n}", f"Tigers {n}") for n in range(3)))
    life.receive(*(item(f"v{n}", f"Lions {n}") for n in range(3)), wire="v", after=MINUTE)
    with clock.reading(lambda: life.now):
        yield life


def heads(browser: Browser, address: str) -> list[str]:
    page = browser.opened(address).page
    return [each.text_content().strip() for each in page.xpath("//article//h2")]


@pytest.mark.repeated
def test_pages_counts_and_rule_agree(life: Life, conf: Config) -> None:
    app = newsroom(life)
    meera = signed_in(app, life.store, "Meera", "chief")
    ids = life.stories()
    rewrite(life.store, ids["w0"], "Ours", "Meera")
    life.receive(item("w0", "Tigers again", "Words."), after=MINUTE)
    life.act("w1", "kill", MINUTE)
    life.act("v0", "hold", MINUTE)
    life.receive(item("v9", "&#8203;"), wire="v", after=MINUTE)
    with life.store.write() as conn:
        queues.settle(conn, ids["v1"], 1, "Meera", life.now)
    expected = {
        "new": ["(no headline)", "Lions 2", "Tigers 2"],
        "second-look": ["Ours"],
        "no-headline": ["(no headline)"],
        "held": ["Lions 0"],
        "killed": ["Tigers 1"],
        "mine": ["Ours", "Lions 1"],
        "quarantine": [],
    }
    for queue, found in expected.items():
        assert sorted(heads(meera, f"/queues/{queue}")) == sorted(found), queue
        page = meera.opened(f"/queues/{queue}").page
        (count,) = page.xpath(f"//span[@data-queue='{queue}']")
        assert count.text == str(len(found)), queue
    assert len(heads(meera, "/queues/all")) == 7


def test_filters_of_an_address_filter_its_page(life: Life) -> None:
    meera = signed_in(newsroom(life), life.store, "Meera")
    lions = ["Lions 2", "Lions 1", "Lions 0"]
    for query in ("wire=v", "agency=Agency+v", "feed=few", "wire=v&scope=verbatim", "since=30s"):
        assert sorted(heads(meera, f"/queues/new?{query}")) == sorted(lions), query
    page = meera.opened("/queues/new?wire=v&since=2h").page
    kept = dict(page.xpath("//form[@role='search']")[0].form_values())
    assert (kept["wire"], kept["since"], kept["by"]) == ("v", "2h", "")
    assert heads(meera, "/queues/new?wire=gone") == []
    page = meera.opened("/queues/new?wire=v&since=nonsense&language=english").page
    told = [each.text_content() for each in page.xpath("//p[@role='alert']")]
    assert [each.partition(", and")[0] for each in told] == [
        "Language: “english” is not understood",
        "Since: “nonsense” is not understood",
    ]
    assert dict(page.xpath("//form[@role='search']")[0].form_values())["since"] == "nonsense"
    assert 'role="alert"' not in meera.opened("/queues/new?wire=v&since=2h").text


def test_what_is_published_can_be_searched(life: Life) -> None:
    assert not indexer.index_waiting(life.store, life.config)
    meera = signed_in(newsroom(life), life.store, "Meera")
    assert len(heads(meera, "/queues/all?q=tigers")) == 3
    assert heads(meera, "/queues/all?q=tigers+1&wire=w") == ["Tigers 1"]
    assert heads(meera, "/queues/all?q=tigers&wire=v") == []
    assert heads(meera, "/queues/mine?q=tigers") == []
    assert heads(meera, '/queues/all?q="') == []


def hits(life: Life, browser: Browser, asked: str) -> tuple[list[str], list[str]]:
    """The ids that the desk finds, and those that the public does."""
    with life.frozen():
        assert not indexer.index_waiting(life.store, life.config)
        heads(browser, f"/queues/all?q={asked}")
    assert browser.last is not None
    found = browser.last.page.xpath("//article/@data-id")
    with life.store.read() as conn:
        public = search.find(conn, terms(asked), life.config.public_names, None, 99)
    return found, [each.story_id for each in public]


@pytest.mark.parametrize("begun", ["before", "after"])
def test_the_desk_finds_what_the_public_does_not(
    config: ConfigOf, store: Store, begun: str
) -> None:
    wires = [{"name": name, "agency": name, "url": f"https://{name}.example/"} for name in "wvx"]
    life = living(
        config(
            wires=wires,
            feeds=[
                {"name": "all", "title": "All", "wires": ["w"]},
                {"name": "own", "title": "Own", "wires": ["x"], "private": True},
            ],
            desk={},
        ),
        store,
    )
    for name in ("shown", "held", "killed", "edited"):
        life.receive(item(name, f"About {name}", f"Words of {name} zebras."), after=MINUTE)
    life.receive(item("nowhere", "About nowhere", "In no feed: zebras."), wire="v", after=MINUTE)
    life.receive(item("private", "About private", "For some: zebras."), wire="x", after=MINUTE)
    life.receive(item("headless", "", "Without a headline: zebras."), wire="x", after=MINUTE)
    ids = life.stories()
    with life.frozen():
        meera = signed_in(newsroom(life), store, "Meera")
        if begun == "before":
            assert not indexer.index_waiting(store, life.config)
    life.now += MINUTE
    life.edit(ids["edited"], "Stripes seen")
    for name, kind in (("held", "hold"), ("killed", "kill")):
        life.act(name, kind, MINUTE)  # type: ignore[arg-type]
    assert hits(life, meera, "zebras")[0] == [
        ids[name]
        for name in ("killed", "held", "edited", "headless", "private", "nowhere", "shown")
    ]
    assert {*hits(life, meera, "zebras")[1]} == {ids["shown"], ids["edited"]}
    # By each word of it, by phrases and beginnings; whichever headline has it.
    for asked, name in (
        ('"words of killed"', "killed"),
        ("zebr*+held", "held"),
        ("stripes", "edited"),
        ("about+edited+zebras", "edited"),
        ("stripes+edited", "edited"),
    ):
        assert hits(life, meera, asked)[0] == [ids[name]], asked
    assert hits(life, meera, '"about edited"')[1] == []  # the wire's, which nobody else may read
    # What is released is public again, what is killed no more; nothing stands in both.
    life.act("held", "release", MINUTE)
    life.act("shown", "kill", MINUTE)
    found, public = hits(life, meera, "zebras")
    assert sorted(found) == sorted(ids.values())
    assert {*public} == {ids["held"], ids["edited"]}


def test_what_was_killed_is_out_of_public_search_before_the_desk_has_it(life: Life) -> None:
    with life.frozen():
        assert not indexer.index_waiting(life.store, life.config)
    life.act("w0", "kill", MINUTE)
    with life.store.read() as conn:
        assert "w0" in life.stories()
        for feeds in (["all", "few"], None):
            found = search.find(conn, terms("tigers"), feeds, None, 99)
            assert life.stories()["w0"] not in [each.story_id for each in found]


@pytest.mark.repeated
def test_pages_follow_each_other_without_gap_or_repetition(
    conf: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PAGE", 4), ("LOOKED_AT", 6), ("CHUNK", 3)):
        monkeypatch.setattr(views, name, value)
    life = living(conf, store)
    for at in range(3):
        life.receive(*(item(f"w{at}-{n}", f"Tigers {at}-{n}") for n in range(5)), after=MINUTE)
        life.receive(item(f"v{at}", f"Lions {at}"), wire="v", after=MINUTE)
    with life.frozen():
        assert not indexer.index_waiting(store, conf)
        meera = signed_in(newsroom(life), store, "Meera")
        for query, number in (("", 18), ("agency=Agency+v", 3), ("feed=few", 3), ("q=tigers", 15)):
            address: str | None = f"/queues/all?{query}"
            found: list[str] = []
            pages = 0
            while address:
                found += heads(meera, address)
                assert meera.last is not None
                address = meera.last.page.xpath("string(//a[@rel='next']/@href)") or None
                pages += 1
            assert len(found) == len(set(found)) == number, query
            assert pages <= 6


@pytest.mark.repeated
def test_a_rebuilt_store_knows_the_people_what_they_settled_and_subscribers(
    life: Life, other_url: str
) -> None:
    meera = signed_in(newsroom(life), life.store, "Meera")
    name = life.stories()["w0"]
    with life.store.write() as conn:
        queues.settle(conn, name, 1, "Meera", life.now)
        subscribers.add(conn, "Dawn", "theirs", ((), (), ()), "Asha", life.now)
    with life.rebuilt(other_url) as rebuilt, rebuilt.read() as conn:
        assert queues.about(conn, [name], life.now)[name].settled == "Meera"
        (person,) = people.every(conn)
        assert (person.name, person.role) == ("Meera", "editor")
        token = meera.cookie.partition("=")[2]
        assert people.in_session(conn, token, life.now) is None
        assert subscribers.digest_of("theirs") in subscribers.good(conn)


def test_hostile_words_of_a_wire_stay_words(conf: Config, store: Store) -> None:
    bad = "&lt;script&gt;alert(1)&lt;/script&gt; &lt;img src=x onerror=y&gt; {{ 70707*70707 }}"
    life = living(conf, store)
    life.receive(item("bad", bad, "&amp;lt;script&amp;gt;alert(2)&amp;lt;/script&amp;gt;"))
    with life.frozen():
        meera = signed_in(newsroom(life), store, "Meera")
        (name,) = life.stories().values()
        for address in ("/queues/all", f"/stories/{name}", "/queues/all?q=%3Cscript%3E&by=%22%3E"):
            page = meera.opened(address)
            scripts = page.page.xpath("//script")
            assert all(each.get("src", "").startswith("/static/") for each in scripts)
            assert not page.page.xpath("//img | //*[@onerror]")
            assert "4999479849" not in page.words  # no digest has it by chance
            assert "script-src 'self'" in page.headers["content-security-policy"]
            assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("sought", "index"),
    [
        (Sought("new", NOW), "changed_at"),
        (Sought("all", NOW, since=NOW), "changed_at"),
        (Sought("all", NOW, wire="w"), "wire_changed_at"),
        (Sought("second-look", NOW), "second_look"),
        (Sought("held", NOW), "hidden"),
        (Sought("killed", NOW), "hidden"),
    ],
)
def test_a_page_is_a_walk_along_an_index(conf: Config, sought: Sought, index: str) -> None:
    """As SQLite says how it searches: so a page costs the same, however many stories there are."""
    store = connect(f"sqlite:///{conf.data}/wirecopy.sqlite3")
    store.migrate()
    said: list[str] = []
    with store.read() as conn:

        def explain(_c: Any, cursor: Any, statement: str, values: Any, *_: Any) -> None:
            if statement.startswith("SELECT"):
                rows = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
                said.extend(str(row[3]) for row in rows)

        event.listen(store.engine, "before_cursor_execute", explain)
        queues.walk(conn, sought, Place(NOW, "a" * 13), 40)
    store.close()
    assert f"INDEX ix_stories_{index}" in said[0], said
    assert not any("FOR ORDER BY" in line for line in said), said
