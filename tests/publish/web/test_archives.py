"""The archive of a feed over HTTP: who follows it misses nothing, and its entries are as good as
those of the feed."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from lxml import etree

from publish.web.app import Application, create
from publish.xml import HISTORY, TOMBSTONES
from stories import clock
from stories.config import Config
from stories.db import Store, feeds
from stories.db import stories as records
from stories.keys import key_set
from stories.models import ActKind
from tests.conftest import ConfigOf
from tests.living import Life, item
from tests.publish.checks import NAMES, check_atom
from tests.serving import Answer, Port, served
from wirecopy import Evidence, read_keys, verify

MINUTE = timedelta(minutes=1)
NAMED = {"a": NAMES["atom"]}
ENTRIES = (f"{{{NAMES['atom']}}}entry", f"{{{TOMBSTONES}}}deleted-entry")


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents of four changes."""
    monkeypatch.setattr("stories.db.feeds.ARCHIVED", 4)


@pytest.fixture
def conf(config: ConfigOf) -> Config:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
    feed = {"name": "all", "title": "All", "limit": 2, "aliases": ["old"]}
    return config(wires=[{**wire, "expires_after": "30d"}], feeds=[feed])


@dataclass
class Site:
    life: Life
    app: Application
    port: Port

    def ask(self, address: str, **headers: str) -> Answer:
        """What is answered now."""
        self.app.feeds.changed()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.port.ask(urlsplit(address).path, names)

    def receive(self, *titles: str, after: timedelta = timedelta(hours=2)) -> None:
        """Stories by their titles, of which the first word says which they are."""
        self.life.receive(*(item(t.split()[0], t) for t in titles), after=after)

    def act(self, guid: str, kind: ActKind) -> None:
        self.life.act(guid, kind, MINUTE)


@pytest.fixture
def site(conf: Config, store: Store) -> Iterator[Site]:
    life = Life(conf, store)
    life.begin()
    app = create(conf, store, ready=dict, metrics=None)
    with clock.reading(lambda: life.now), served(app) as port:
        yield Site(life, app, port)


@dataclass
class Subscriber:
    """Reads the feed, and by RFC 5005 §4.3 what of its archive it does not know yet."""

    site: Site
    known: set[str] = field(default_factory=set)
    stories: dict[str, str] = field(default_factory=dict)

    def sync(self) -> int:
        """How many documents were read."""
        documents, address = [], "/feeds/all.atom"
        while address and address not in self.known:
            found = self.site.ask(address)
            if found.status == 301:
                found = self.site.ask(found.headers["location"])
            assert found.status == 200, (address, found.status)
            root = etree.fromstring(found.body)
            documents.append(root)
            if len(documents) > 1:
                self.known.add(address)
            older = root.find("a:link[@rel='prev-archive']", NAMED)
            address = str(older.get("href")) if older is not None else ""
        for root in reversed(documents):
            for entry in root.iterchildren(*ENTRIES, reversed=True):
                if guid := entry.get("ref"):
                    self.stories[guid] = "gone"
                else:
                    said = [entry.findtext(f"a:{each}", "", NAMED) for each in ("id", "title")]
                    self.stories[said[0]] = said[1]
        return len(documents)


@pytest.mark.parametrize("seed", [1, 2])
def test_who_follows_the_archive_knows_how_every_story_stands(site: Site, seed: int) -> None:
    """Whenever it comes, and whatever went by in between: one that always comes, one that comes now
    and then, and one that comes at last."""
    chance = random.Random(seed)
    often, seldom, late = (Subscriber(site) for _ in range(3))
    titles: dict[str, str] = {}
    acted: dict[str, ActKind] = {}
    edited: set[str] = set()
    for turn in range(25):
        kind = chance.choice(["new", "new", "new", "update", "edit", "hide"])
        free = sorted(titles.keys() - acted.keys())
        if kind == "new" or not free:
            fresh = [f"s{turn}-{n} is new" for n in range(chance.randint(1, 3))]
            site.receive(*fresh, after=chance.choice([MINUTE, timedelta(hours=3)]))
            titles |= {title.split()[0]: title for title in fresh}
        elif kind == "hide":
            guid = chance.choice(free)
            acted[guid] = chance.choice(["kill", "hold"])
            site.act(guid, acted[guid])
        else:
            guid = chance.choice(free)
            title = f"{guid} changed {turn}"
            if kind == "edit":
                edited.add(guid)
                site.life.now += MINUTE
                site.life.edit(site.life.stories()[guid], title)
            else:
                site.receive(title, after=MINUTE)
            if kind == "edit" or guid not in edited:  # the desk's headline stands
                titles[guid] = title
        often.sync()
        if chance.random() < 0.2:
            seldom.sync()
    ids = site.life.stories()
    with site.life.store.read() as conn:
        guids = records.guids(conn, list(ids.values()))
    assert feeds_newest(site) > 8, "several documents"
    assert late.sync() > 3
    for one in (often, seldom, late):
        one.sync()
        for guid, title in titles.items():
            seen = one.stories.get(guids[ids[guid]])
            if acted.get(guid) == "kill":
                assert seen == "gone"
            elif guid not in acted:
                assert seen == title
    held = [guids[ids[guid]] for guid, kind in acted.items() if kind == "hold"]
    assert not [guid for guid in held if guid in late.stories], "who comes late never sees them"


def feeds_newest(site: Site) -> int:
    with site.life.store.read() as conn:
        return feeds.newest(conn, "all")


def filled(site: Site) -> None:
    """Ten stories, each of a day of its own; the feed shows the last two."""
    for number in range(10):
        site.receive(f"s{number} is new", after=timedelta(days=1))


def test_documents_lead_to_each_other(site: Site) -> None:
    filled(site)
    current = etree.fromstring(site.ask("/feeds/all.rss").body)
    of = site.life.config.site.url
    links = {"prev-archive": f"{of}/feeds/all/archive/8.rss"}
    assert around(current) == links
    assert not current.findall(f".//{{{HISTORY}}}archive")
    whole = etree.fromstring(site.ask(links["prev-archive"]).body)
    assert around(whole) == {
        "prev-archive": f"{of}/feeds/all/archive/4.rss",
        "current": f"{of}/feeds/all.rss",
    }
    first = etree.fromstring(site.ask(f"{of}/feeds/all/archive/4.rss").body)
    assert around(first) == {
        "next-archive": f"{of}/feeds/all/archive/8.rss",
        "current": f"{of}/feeds/all.rss",
    }
    for document, titles in ((whole, "7654"), (first, "3210")):
        assert len(document.findall(f"channel/{{{HISTORY}}}archive")) == 1
        found = [each.text for each in document.findall("channel/item/title")]
        assert found == [f"s{number} is new" for number in titles]
    read = json.loads(site.ask("/feeds/all.json").body)
    assert read["next_url"] == f"{of}/feeds/all/archive/8.json"
    read = json.loads(site.ask(read["next_url"]).body)
    assert (read["next_url"], len(read["items"])) == (f"{of}/feeds/all/archive/4.json", 4)
    assert "next_url" not in json.loads(site.ask(read["next_url"]).body)
    check_atom(site.ask("/feeds/all.atom").body)
    check_atom(site.ask("/feeds/all/archive/8.atom").body)


def around(document: etree._Element) -> dict[str, str]:
    links = document.findall("channel/{http://www.w3.org/2005/Atom}link")
    found = {str(each.get("rel")): str(each.get("href")) for each in links}
    itself, _ = found.pop("self"), found.pop("license")
    assert itself.endswith(".rss")
    return found


def test_entries_of_the_archive_are_verified(site: Site) -> None:
    filled(site)
    with site.life.store.read() as conn:
        keys = read_keys(json.dumps(key_set(conn)).encode())
    for format in feeds.FORMATS:
        body = site.ask(f"/feeds/all/archive/8.{format}").body
        report = verify(body, keys, Evidence(now=site.life.now))
        assert [each.verdict for each in report.entries] == ["verified"] * 4, report


def test_what_may_not_be_read_any_more_is_told_of_without_words(site: Site) -> None:
    """A killed story by a notice, one whose licence is over by a tombstone; no held one."""
    filled(site)
    site.act("s5", "kill")
    site.act("s6", "hold")
    site.receive("t1 is new", "t2 is new", "t3 is new")
    bodies = {f: site.ask(f"/feeds/all/archive/12.{f}").text for f in feeds.FORMATS}
    assert [bodies[f].count("has been withdrawn") for f in feeds.FORMATS] == [1, 0, 1]
    assert bodies["atom"].count("<at:deleted-entry") == 1
    for number in (4, 8, 12):
        for format in feeds.FORMATS:
            text = site.ask(f"/feeds/all/archive/{number}.{format}").text
            assert "s5 is new" not in text
            assert "s6 is new" not in text
    site.life.clean(after=timedelta(days=29))
    newest = feeds_newest(site)
    documents = {
        format: [
            site.ask(f"/feeds/all/archive/{n}.{format}") for n in [*range(4, newest, 4), newest]
        ]
        for format in feeds.FORMATS
    }
    joined = {f: "".join(one.text for one in all_) for f, all_ in documents.items()}
    for number in range(8):
        assert not [f for f in joined if f"s{number} is new" in joined[f]]
    with site.life.store.read() as conn:
        guids = records.guids(conn, list(site.life.stories().values()))
        there = {guid: guids[story] for guid, story in site.life.stories().items()}
    told = {guid for guid in there if f'ref="{there[guid]}"' in joined["atom"]}
    assert told == {"s0", "s1", "s2", "s3", "s4", "s5", "s7", "s8"}, "but not the held one"


def test_documents_are_cached_and_come_packed(site: Site) -> None:
    filled(site)
    address = "/feeds/all/archive/8.atom"
    found = site.ask(address)
    assert found.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert "max-age=3600" in found.headers["cache-control"]
    assert site.ask(address, If_None_Match=found.headers["etag"]).status == 304
    head = site.port.ask(address, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["etag"] == found.headers["etag"]
    packed = site.ask(address, Accept_Encoding="gzip")
    assert packed.text == found.text
    assert site.port.ask(address, method="OPTIONS").status == 204
    site.receive("s9 is new", "s5 changed")
    assert site.ask(address, If_None_Match=found.headers["etag"]).status == 200, "it lost an entry"


def test_addresses(site: Site) -> None:
    """Those of documents that became whole, and those of a feed with another name, lead on."""
    filled(site)
    of = site.life.config.site.url
    assert site.ask("/feeds/all/archive/10.rss").status == 200
    for asked, there in (
        ("/feeds/all/archive/6.rss", f"{of}/feeds/all/archive/8.rss"),
        ("/feeds/old/archive/4.json", f"{of}/feeds/all/archive/4.json"),
        ("/feeds/old/archive/3.json", f"{of}/feeds/all/archive/4.json"),
    ):
        found = site.ask(asked)
        assert (found.status, found.headers["location"]) == (301, there)
    for nothing in ("0.rss", "11.rss", "04.rss", "8.xml", "8", "-1.rss", "9" * 40 + ".rss"):
        assert site.ask(f"/feeds/all/archive/{nothing}").status == 404, nothing
    assert site.ask("/feeds/none/archive/4.rss").status == 404
