"""News for open pages: what came since, by the page's own filters, from one look for all."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from desk.headline import rewrite
from desk.newsroom import news as news_module
from desk.newsroom.news import News
from desk.newsroom.queues import Asked
from stories import clock
from stories.config import Config
from stories.db import Store, people, queues
from stories.db.people import Person
from tests.conftest import ConfigOf
from tests.desk.newsroom.browsing import Browser, living, newsroom, signed_in
from tests.living import Life, item

MINUTE = timedelta(minutes=1)


@pytest.fixture
def conf(config: ConfigOf) -> Config:
    wires = [{"name": n, "agency": n, "url": f"https://agency.example/{n}"} for n in ("w", "v")]
    return config(wires=wires, feeds=[{"name": "all", "title": "All"}], desk={})


@pytest.fixture
def life(conf: Config, store: Store) -> Iterator[Life]:
    life = living(conf, store, item("old", "Old"))
    with clock.reading(lambda: life.now):
        yield life


async def told(events: AsyncIterator[str]) -> Any:
    """The next thing that is said, beside that somebody is still there."""
    while True:
        line = await asyncio.wait_for(anext(events), 60)
        if line.startswith("data: "):
            return json.loads(line.removeprefix("data: "))


def test_each_page_hears_what_comes_into_its_own_queue(life: Life) -> None:
    news = News(life.store, every=0.01)

    async def listen() -> None:
        every = news.events(Asked("new"), "Meera", life.now)
        some = news.events(Asked("all", {"wire": "v"}), "Meera", life.now)
        first, of_v = await told(every), await told(some)
        assert (first["ids"], first["counts"]["new"], first["counts"]["all"]) == ([], "1", "1")
        assert of_v["ids"] == []
        await asyncio.to_thread(life.receive, item("a", "A"), after=MINUTE)
        await asyncio.to_thread(life.receive, item("b", "B"), wire="v", after=MINUTE)
        ids = life.stories()
        heard: list[str] = []
        while len(heard) < 2:
            heard += (await told(every))["ids"]
        assert sorted(heard) == sorted([ids["a"], ids["b"]])
        heard = []
        while not heard:
            heard = (await told(some))["ids"]
        assert heard == [ids["b"]]
        for each in (every, some):
            await each.aclose()  # type: ignore[attr-defined]

    asyncio.run(listen())


def test_who_is_revoked_hears_nothing_more(life: Life) -> None:
    signed_in(newsroom(life), life.store, "Meera")
    news = News(life.store, every=0.01)

    async def listen() -> None:
        events = news.events(Asked("new"), "Meera", life.now)
        await told(events)
        with life.store.write() as conn:
            people.revoke(conn, people.key_of("Meera"), "root", clock.now())
        async with asyncio.timeout(30):
            left = [said async for said in events]
        assert all(said == ":\n\n" for said in left)

    asyncio.run(listen())


def test_a_story_comes_into_the_queue_of_second_looks_when_it_changes(life: Life) -> None:
    rewrite(life.store, life.stories()["old"], "Ours", "Meera")
    news = News(life.store, every=0.01)

    async def listen() -> None:
        events = news.events(Asked("second-look"), "Meera", life.now)
        assert (await told(events))["counts"]["second-look"] == "0"
        await asyncio.to_thread(life.receive, item("old", "Old, but new"), after=MINUTE)
        found = await told(events)
        while not found["ids"]:
            found = await told(events)
        assert found["ids"] == [life.stories()["old"]]
        await events.aclose()  # type: ignore[attr-defined]

    asyncio.run(listen())


def test_a_clock_that_is_set_back_keeps_no_news_from_anybody(life: Life) -> None:
    news = News(life.store, every=0.01)

    async def listen() -> None:
        events = news.events(Asked("all"), "Meera", life.now)
        await told(events)
        heard: list[str] = []
        for name, after in (("a", MINUTE), ("b", MINUTE), ("c", -MINUTE)):
            await asyncio.to_thread(life.receive, item(name, name), after=after)
            while not heard or heard[-1] != life.stories()[name]:
                heard += (await told(events))["ids"]
        await events.aclose()  # type: ignore[attr-defined]
        assert len(heard) == 3

    asyncio.run(listen())


def test_one_look_serves_all_and_nobody_looks_for_nobody(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    counts = queues.counts

    def counted(*given: Any) -> Any:
        nonlocal looks
        looks += 1
        return counts(*given)

    monkeypatch.setattr(queues, "counts", counted)
    once, again = News(life.store, every=3600), News(life.store, every=0.01)

    async def listen() -> None:
        pages = [once.events(Asked("new"), "Meera", life.now) for _ in range(20)]
        for page in pages:
            await told(page)
        assert looks == 1
        page = again.events(Asked("new"), "Meera", life.now)
        await told(page)
        for each in (page, *pages):
            await each.aclose()  # type: ignore[attr-defined]
        await asyncio.sleep(0.1)
        before = looks
        await asyncio.sleep(0.1)
        assert looks == before

    asyncio.run(listen())


def test_at_the_end_listeners_are_let_go_and_nobody_else_is_taken(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = newsroom(life)
    meera = signed_in(app, life.store, "Meera")
    news = News(life.store, every=0.01)

    async def listen() -> None:
        events = news.events(Asked("new"), "Meera", life.now)
        await told(events)
        news.end()
        with suppress(StopAsyncIteration):
            while True:
                await asyncio.wait_for(anext(events), 60)

    asyncio.run(listen())
    assert news.is_full
    assert Browser(app).ask("/news/new").status == 403
    assert meera.ask("/news/none").status == 404
    monkeypatch.setattr(news_module, "AT_ONCE", 0)
    refused = meera.ask("/news/new")
    assert (refused.status, refused.headers["retry-after"]) == (503, "60")


def test_no_look_outlives_the_loop(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()
    every = people.every

    def slow(conn: Connection) -> list[Person]:
        begun.set()
        time.sleep(0.3)  # the loop is told to end meanwhile
        ended.set()
        return every(conn)

    monkeypatch.setattr(people, "every", slow)

    async def listen() -> None:
        events = News(life.store).events(Asked("new"), "Meera", life.now)
        await anext(events)
        while not begun.is_set():
            await asyncio.sleep(0.01)

    asyncio.run(listen())
    assert ended.is_set()


def test_a_page_names_where_its_news_are(life: Life) -> None:
    meera = signed_in(newsroom(life), life.store, "Meera")
    (there,) = meera.opened("/queues/new?wire=v").page.xpath("//ol/@data-news")
    assert there.startswith("/news/new?wire=v&before=")
    older = meera.opened(f"/queues/all?{there.partition('?')[2]}").page
    assert older.xpath("string(//ol/@data-news)") == ""
