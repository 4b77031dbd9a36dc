"""``A-IM: feed``: who has an earlier form of a feed gets what is new, and nothing that is not."""

import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import zstandard

from bench import reader_side
from publish.web.app import Application, create
from publish.web.deltas import Forms, known_by
from publish.web.feeds import Message, Receive, Scope, Send
from stories import clock
from stories.db import Store, feeds
from stories.keys import key_set
from tests.conftest import ConfigOf
from tests.living import Life, item
from tests.serving import Answer, Port, served
from wirecopy import Evidence, read_keys, verify

ADDRESS = "/feeds/all.json"


@dataclass
class Site:
    life: Life
    app: Application
    port: Port
    numbers: list[int] = field(default_factory=list)

    def ask(self, tag: str = "", address: str = ADDRESS, **headers: str) -> Answer:
        """What is answered now, to who asks for what is new since *tag*."""
        self.app.feeds.changed()
        told = {"A-IM": "feed", **({"If-None-Match": tag} if tag else {})}
        return self.port.ask(address, told | {n.replace("_", "-"): v for n, v in headers.items()})

    def news(self, *titles: str) -> None:
        self.life.receive(*(item(title.split()[0], title) for title in titles))


@pytest.fixture
def site(config: ConfigOf, store: Store) -> Iterator[Site]:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
    life = Life(config(wires=[wire], feeds=[{"name": "all", "title": "All", "limit": 5}]), store)
    life.begin()
    app = create(life.config, store, ready=dict, metrics=None)
    with clock.reading(lambda: life.now), served(app) as port:
        here = Site(life, app, port)
        here.news("a", "b", "c", "d")
        yield here


def titles(found: Answer) -> list[str]:
    return [each["title"] for each in json.loads(found.text)["items"]]


def test_only_what_changed_comes(site: Site) -> None:
    whole = site.ask()
    assert (whole.status, sorted(titles(whole))) == (200, ["a", "b", "c", "d"])
    assert whole.headers["vary"] == "Accept-Encoding, A-IM"
    site.news("a", "b again", "new", "c", "d")
    new = site.ask(whole.headers["etag"])
    assert (new.status, new.headers["im"]) == (226, "feed")
    assert titles(new) == ["b again", "new"]
    assert new.headers["etag"] == site.ask().headers["etag"], "that of the whole"
    assert new.headers["delta-base"] == whole.headers["etag"]
    assert new.headers["cache-control"] == "no-store, im"
    assert new.headers["vary"] == "Accept-Encoding, A-IM"
    assert "last-modified" not in new.headers
    assert site.ask(new.headers["etag"]).status == 304
    for other in ("W/" + whole.headers["etag"], f'"unknown", {whole.headers["etag"]}'):
        assert site.ask(other).body == new.body


def test_every_format_and_coding_is_verified(site: Site) -> None:
    with site.life.store.read() as conn:
        keys = read_keys(json.dumps(key_set(conn)).encode())
    addresses = [f"/feeds/all.{format}" for format in feeds.FORMATS]
    tags = {}
    for coding in ("identity", "gzip", "zstd"):
        for address in addresses:
            tags[address, coding] = site.ask("", address, Accept_Encoding=coding).headers["etag"]
    site.news("a", "b", "c", "d", "new")
    for (address, coding), tag in tags.items():
        found = site.ask(tag, address, Accept_Encoding=coding)
        assert (found.status, found.headers.get("content-encoding", "identity")) == (226, coding)
        unpacked = {
            "gzip": gzip.decompress,
            "zstd": zstandard.ZstdDecompressor().decompressobj().decompress,
        }
        body = unpacked.get(coding, bytes)(found.body)
        report = verify(body, keys, Evidence(now=site.life.now))
        assert [each.verdict for each in report.entries] == ["verified"], (address, coding)
        whole = site.ask("", address, Accept_Encoding=coding)
        assert found.headers["etag"] == whole.headers["etag"]


def test_reader_asks_for_what_is_new_and_takes_it_in(site: Site) -> None:
    statuses: list[int] = []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        await site.app(scope, receive, noted)

    with served(watched) as port:
        url = f"http://127.0.0.1:{port.number}/feeds/all.atom"
        with reader_side.polling([url]) as poll:
            poll([url])
            poll([url])
            site.news("a", "b again", "new", "c", "d")
            site.app.feeds.changed()
            poll([url])
            assert poll([], prepare=True) == 5, "entries that it has"
    assert statuses == [200, 304, 226]


def test_who_is_not_understood_gets_the_whole(site: Site) -> None:
    tag = site.ask().headers["etag"]
    site.news("a", "b", "c", "d", "new")
    for asked in ("", "vcdiff", "feed;q=0", "feeds", "x" * 5000):
        found = site.ask(tag, A_IM=asked)
        assert (found.status, len(titles(found))) == (200, 5), asked
        assert "im" not in found.headers
    assert site.ask(tag, A_IM="vcdiff, Feed;q=0.3").status == 226
    for unknown in ("", '"unknown"', f'"{"x" * 24}"', "garbage", "*" * 3):
        assert site.ask(unknown).status == 200, unknown
    head = site.port.ask(ADDRESS, {"A-IM": "feed", "If-None-Match": tag}, "HEAD")
    assert (head.status, head.body) == (226, b"")
    again = create(site.life.config, site.life.store, ready=dict, metrics=None)
    with served(again) as port:
        found = port.ask(ADDRESS, {"A-IM": "feed", "If-None-Match": tag})
    assert found.status == 200, "another process does not know what was served before it"


def test_what_is_put_together_is_the_whole(site: Site) -> None:
    chance = random.Random(7)
    known: dict[str, object] = {}
    tag, there = "", ["a", "b", "c", "d"]
    for turn in range(12):
        for _ in range(chance.randint(0, 2)):
            if chance.random() < 0.5:
                there.append(f"n{turn}-{len(there)}")
            site.life.now += timedelta(minutes=1)
            site.news(f"{chance.choice(there)} in turn {turn}")
            if chance.random() < 0.5:
                site.ask()  # somebody else
        found = site.ask(tag)
        assert found.status == (304 if tag == found.headers["etag"] else 226 if tag else 200)
        if found.status != 304:
            known |= {each["id"]: each for each in json.loads(found.text)["items"]}
        tag = found.headers["etag"]
        for each in json.loads(site.ask().text)["items"]:
            assert known[each["id"]] == each


def test_while_a_list_cannot_be_made_the_last_good_one_is_served(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = site.ask()

    def worse(*_: object) -> None:
        raise ZeroDivisionError("nobody foresaw this")

    with monkeypatch.context() as patched:
        patched.setattr("publish.renderer.metadata", worse)
        site.news("a", "b", "c", "d", "new")
    after = site.ask()
    assert (after.status, after.body, after.headers["etag"]) == (
        200,
        before.body,
        before.headers["etag"],
    )


def test_forms_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("publish.web.deltas.MOST", 2)
    forms, tags = Forms(), [f'"{letter * 24}"' for letter in "abc"]
    for n, tag in enumerate(tags):
        forms.follow([f"entry {n}", "stays"], [tag])
    assert forms.turn_of(tags[0]) is None
    assert forms.turn_of(", ".join(tags)) == (3, tags[2])
    assert forms.turn_of(f'{tags[1][:-1]}-gzip-whole"') == (2, f'{tags[1][:-1]}-gzip-whole"')
    assert forms.new_since(2, ["entry 2", "stays"]) == ["entry 2"]
    assert known_by([(b"a-im", b"feed")]) is None
