"""A subscriber with a lead is shown what is under embargo early; nobody else is, in any way."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

from publish.early import LATE, NOTICED, is_early
from publish.web import feeds as feeds_module
from publish.web import gate as gate_module
from publish.web.app import create
from stories import clock
from stories.db import Store, connect, feeds, subscribers
from stories.keys import key_set
from stories.models import Signals, Story
from tests.conftest import ConfigOf
from tests.ingest.formats.test_news_formats import RAIN
from tests.ingest.newswires import WRITERS, Block
from tests.living import Life, item
from tests.publish import samples
from tests.serving import Port, served
from tests.test_embargo import OTHER, WIRE, everything, hide, send, story_of, titles
from tests.test_embargo import at as rendered_at
from wirecopy import Evidence, verify
from wirecopy.feed import read_feed

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LEAD = 2 * HOUR
FEEDS: list[dict[str, Any]] = [
    {"name": "all", "title": "All"},
    {"name": "partners", "title": "Partners", "private": True},
    {"name": "sealed", "title": "Sealed", "private": True},
    {"name": "verbatim", "title": "Verbatim", "private": True, "scopes": ["verbatim"]},
]


@dataclass
class Site:
    life: Life
    port: Port
    asked: float = 0.0

    def body(self, token: str, format: str = "json", feed: str = "partners") -> bytes:
        """What a subscriber gets now, of a second that is over."""
        self.asked += 10
        found = self.port.ask(f"/feeds/{feed}.{format}?token={token}")
        assert found.status == 200, found.text
        assert found.headers["cache-control"] == "private, no-cache"
        return found.body

    def titles(self, token: str, feed: str = "partners") -> list[str]:
        return [each["title"] for each in json.loads(self.body(token, feed=feed))["items"]]


@pytest.fixture
def site(config: ConfigOf, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(feeds_module, "PATIENCE", 60.0)
    monkeypatch.setattr(gate_module, "WRITTEN", 3600.0)  # or it writes while others are tested
    life = Life(config(wires=[WIRE, OTHER], feeds=FEEDS), store)
    life.begin()
    life.receive(item("x", "Good news", "It rained."), wire="o")
    with store.write() as conn:
        for name, opens, lead in (
            ("early", (), LEAD),
            ("usual", (), timedelta(0)),
            ("others", ((), ("o",), ()), LEAD),
            ("sealed", (("sealed",), (), ()), LEAD),
        ):
            subscribers.add(conn, name, name, opens or ((), (), ()), "Asha", life.now, lead)
    found: Site
    app = create(life.config, store, ready=dict, metrics=lambda: b"", monotonic=lambda: found.asked)
    with clock.reading(lambda: life.now), served(app) as port:
        found = Site(life, port)
        yield found


def test_it_has_the_story_early_and_nobody_else(site: Site) -> None:
    life = site.life
    until = life.now + 5 * HOUR
    send(life, until)
    for moment, early in (
        (until - LEAD - MINUTE, False),
        (until - LEAD, True),
        (until - timedelta(microseconds=1), True),
    ):
        with rendered_at(life, moment):
            assert site.titles("early") == ["Secret", "Good news"][not early :]
            assert site.titles("usual") == site.titles("others") == ["Good news"]
            assert site.titles("early", "verbatim") == site.titles("early")
            assert b"Secret" not in everything(life)
            assert titles(life) == ["Good news"]
            page = f"/stories/{story_of(life)}?token=early"
            assert site.port.ask(page).status == 404
    with rendered_at(life, until):
        for token in ("early", "usual"):
            assert site.titles(token) == ["Secret", "Good news"]
        assert site.body("early") == site.body("usual")
        with life.store.read() as conn:
            keys = json.dumps(key_set(conn)).encode()
        report = verify(site.body("early", "rss"), keys, Evidence(now=life.now))
        assert [each.verdict for each in report.entries] == ["verified", "verified"]


def test_an_early_entry_says_until_when_and_is_the_one_that_comes(site: Site) -> None:
    life = site.life
    until = life.now + HOUR
    send(life, until)
    at = f"{life.now - MINUTE + HOUR:%Y-%m-%dT%H:%M:%SZ}"
    early = {format: site.body("early", format) for format in feeds.FORMATS}
    for format in ("rss", "atom"):
        found = etree.fromstring(early[format]).findall(".//{http://purl.org/dc/terms/}available")
        assert [each.text for each in found] == [at]
    with life.store.read() as conn:
        keys = json.dumps(key_set(conn)).encode()
    for body in early.values():
        verdicts = [each.verdict for each in verify(body, keys, Evidence(now=life.now)).entries]
        assert verdicts == ["failed", "verified"], "nothing is signed yet"
    item = json.loads(early["json"])["items"][0]
    assert item["_wirecopy"]["available"] == at
    assert "statement" not in item["_wirecopy"]
    with rendered_at(life, until):
        for format in feeds.FORMATS:
            before, after = (
                read_feed(body)[0] for body in (early[format], site.body("early", format))
            )
            assert (before.guid, before.headline) == (after.guid, after.headline)
            assert before.statement is None
            assert after.statement is not None


@pytest.mark.parametrize("format", feeds.FORMATS)
def test_who_reads_it_with_wirecopy_holds_it_as_long(
    site: Site, config: ConfigOf, other_url: str, format: str
) -> None:
    life = site.life
    until = life.now + HOUR
    send(life, until)
    early = site.body("early", format)
    assert b"not been edited by" in early
    with closing(connect(other_url)) as store:
        keys: dict[str, Any] = {"publisher": {"name": "Partner", "url": "https://partner.example"}}
        named = [{"name": "all", "title": "All"}]
        partner = Life(config(wires=[WIRE], feeds=named, **keys), store, now=life.now)
        partner.begin()
        partner.receive_bytes(early, after=MINUTE)
        assert titles(partner) == ["Good news"]
        for moment in (until - timedelta(microseconds=1), until):
            with rendered_at(partner, moment):
                assert titles(partner) == ["Secret", "Good news"][moment < until :]
        body = json.loads(partner.bodies()["all", "json"])["items"][0]["content_html"]
        with rendered_at(life, until + MINUTE):
            partner.receive_bytes(site.body("early", format), after=MINUTE)
        assert titles(partner) == ["Secret", "Good news"]
        signed = json.loads(partner.bodies()["all", "json"])["items"][0]["content_html"]
        assert signed == body
        assert body.count("not been edited by") == body.count("Partner") == 1


def test_while_it_is_not_rendered_at_its_time_it_stays(site: Site) -> None:
    life = site.life
    until = life.now + HOUR
    send(life, until)
    assert site.titles("early") == ["Secret", "Good news"]
    life.now = until + MINUTE / 2
    assert site.titles("early") == ["Secret", "Good news"]
    assert site.titles("usual") == ["Good news"]
    life.now = until + 2 * MINUTE
    assert site.titles("early") == ["Good news"]


def test_a_kill_is_told_to_who_saw_it(site: Site) -> None:
    life = site.life
    until = life.now + HOUR
    send(life, until)
    assert site.titles("early") == ["Secret", "Good news"]
    with life.frozen():
        hide(life, "kill")
    at = life.now
    for moment in (at, until + HOUR, at + NOTICED - MINUTE):
        with rendered_at(life, moment):
            told = json.loads(site.body("early"))["items"]
            assert [each.get("_wirecopy", {}).get("withdrawn") is None for each in told] == [
                False,
                True,
            ]
            assert b"deleted-entry" in site.body("early", "atom")
            assert b"withdrawn" in site.body("early", "rss")
            for token in ("usual", "others"):
                assert site.titles(token) == ["Good news"]
            assert b"Secret" not in site.body("early") + everything(life)
    with rendered_at(life, at + NOTICED + MINUTE):
        assert site.titles("early") == ["Good news"]


def test_held_or_moved_it_leaves_and_comes_again(site: Site) -> None:
    life = site.life
    until = life.now + HOUR
    send(life, until)
    with life.frozen():
        hide(life, "hold")
    assert site.titles("early") == ["Good news"]
    with life.frozen():
        hide(life, "release")
    assert site.titles("early") == ["Secret", "Good news"]
    send(life, until + 5 * HOUR, "Secret, moved")
    assert site.titles("early") == ["Good news"]
    with rendered_at(life, until + 5 * HOUR - LEAD):
        assert site.titles("early") == ["Secret, moved", "Good news"]


def test_what_it_has_early_is_asked_for_by_its_tag(site: Site) -> None:
    life = site.life
    send(life, life.now + HOUR)
    address = "/feeds/partners.atom?token=early"
    usual = site.port.ask("/feeds/partners.atom?token=usual")
    found = site.port.ask(address)
    assert found.headers["etag"] != usual.headers["etag"]
    assert "last-modified" not in found.headers, "no row tells when that changed"
    again = {"if-none-match": found.headers["etag"]}
    assert site.port.ask(address, again).status == 304
    send(life, life.now + HOUR, "Secret, changed")
    site.asked += 10
    new = site.port.ask(address, {**again, "a-im": "feed"})
    assert new.status == 226
    assert "Secret, changed" in new.text
    assert "Good news" not in new.text
    assert "no-store" in new.headers["cache-control"]
    assert "Authorization" in new.headers["vary"]


NOW = samples.story(samples.version()).received_at


def story(
    ends: timedelta | None, status: str = "usable", since: timedelta | None = None, number: int = 1
) -> Story:
    """A story whose embargo ends so long from now, and that is of a status since so long."""
    version = samples.version(
        signals=Signals(embargo=None if ends is None else NOW + ends),
    )
    at = None if since is None else NOW - since
    return samples.story(version).model_copy(
        update={"status": status, "status_at": at, "number": number}
    )


@pytest.mark.parametrize(
    ("of", "shown", "early"),
    [
        (story(None), False, False),
        (story(LEAD), False, True),
        (story(LEAD + MINUTE), False, False),
        (story(MINUTE), True, True),
        (story(timedelta(0)), False, False),
        (story(timedelta(0)), True, True),
        (story(-LATE), True, False),
        (story(LEAD, "withheld", MINUTE), True, False),
        (story(HOUR, "killed", MINUTE), False, True),
        (story(HOUR, "killed", MINUTE, number=2), False, False),
        (story(LEAD, "killed", MINUTE), False, False),  # before it was shown
        (story(-HOUR, "killed", MINUTE), False, False),  # when all had it
        (story(-HOUR, "killed", 2 * HOUR), False, True),
        (story(-NOTICED, "killed", NOTICED + MINUTE), False, False),
    ],
)
def test_what_is_early(of: Story, shown: bool, early: bool) -> None:
    assert is_early(of, LEAD, NOW, shown) == early


def test_a_kill_of_the_agencys_is_told_to_who_saw_it_too(site: Site) -> None:
    life = site.life
    until = life.now + HOUR
    send(life, until)
    assert site.titles("early") == ["Secret", "Good news"]
    words = [Block("p", [[[("", "Kill, kill, kill")]]])]
    dead = replace(RAIN, headline="Secret", blocks=words, status="canceled", version="2")
    life.receive_bytes(WRITERS["nitf"](dead), after=MINUTE)
    told = json.loads(site.body("early"))["items"]
    assert ["withdrawn" in each["_wirecopy"] for each in told] == [True, False]
    assert site.titles("usual") == ["Good news"]
