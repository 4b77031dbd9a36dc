"""The archive of a private feed: its subscribers follow it, each with the token where it had it; to
nobody else there is one."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from lxml import etree

from publish.web import feeds as feeds_module
from publish.web import gate as gate_module
from publish.web.app import create
from stories import clock
from stories.db import Store, subscribers
from stories.db.feeds import FORMATS
from stories.keys import key_set
from tests.conftest import ConfigOf
from tests.living import Life, item
from tests.serving import Answer, Port, served
from tests.test_embargo import OTHER, WIRE
from wirecopy import Evidence, verify

STORIES = 4
FEEDS = [
    {"name": "all", "title": "All", "wires": ["o"]},
    {"name": "partners", "title": "Sealed", "private": True, "limit": 1, "aliases": ["friends"]},
    {"name": "other", "title": "Other", "private": True},
]


@pytest.fixture
def life(config: ConfigOf, store: Store) -> Life:
    """A story of each wire, turn by turn, of which the feed shows the last."""
    lived = Life(config(wires=[WIRE, OTHER], feeds=FEEDS), store)
    lived.begin()
    for number in range(STORIES):
        wire = ("w", "o")[number % 2]
        lived.receive(item(f"s{number}", f"s{number} of {wire}"), wire=wire)
    with store.write() as conn:
        for name, opens in (("all", ((), (), ())), ("w", ((), ("w",), ()))):
            subscribers.add(conn, name, name, opens, "Asha", lived.now)
        subscribers.add(conn, "else", "else", (("other",), (), ()), "Asha", lived.now)
    return lived


@pytest.fixture
def port(life: Life, monkeypatch: pytest.MonkeyPatch) -> Iterator[Port]:
    monkeypatch.setattr(feeds_module, "PATIENCE", 60.0)
    monkeypatch.setattr(gate_module, "WRITTEN", 3600.0)  # or it writes while others are tested
    app = create(life.config, life.store, ready=dict, metrics=lambda: b"")
    with clock.reading(lambda: life.now), served(app) as found:
        yield found


def basic(token: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(f'any:{token}'.encode()).decode()}"}


def older(found: Answer, format: str) -> str:
    """The address of the document before, with its query; empty for none."""
    if format == "json":
        said = json.loads(found.text).get("next_url", "")
    else:
        links = etree.fromstring(found.text.encode()).findall(
            ".//{http://www.w3.org/2005/Atom}link"
        )
        said = "".join(each.get("href", "") for each in links if each.get("rel") == "prev-archive")
    parts = urlsplit(str(said))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def read(port: Port, first: str, format: str, headers: dict[str, str]) -> list[Answer]:
    """The feed and the documents of its archive, one leading to the next."""
    documents, address = [], first
    while address:
        documents.append(port.ask(address, headers))
        assert documents[-1].status == 200, address
        address = older(documents[-1], format)
    return documents


def test_it_is_followed_by_its_subscribers(life: Life, port: Port) -> None:
    with life.store.read() as conn:
        keys = json.dumps(key_set(conn)).encode()
    for token, there in (("all", {0, 1, 2, 3}), ("w", {0, 2})):
        for format in FORMATS:
            by_address = read(port, f"/feeds/partners.{format}?token={token}", format, {})
            by_header = read(port, f"/feeds/partners.{format}", format, basic(token))
            assert len(by_address) > 1
            written = "".join(each.text for each in by_address)
            assert {n for n in range(STORIES) if f"s{n} of" in written} == there
            assert f"?token={token}" in written
            for own, plain in zip(by_address, by_header, strict=True):
                assert own.text.replace(f"?token={token}", "") == plain.text
                assert plain.headers["cache-control"] == "private, no-cache"
                assert "Authorization" in plain.headers["vary"]
                assert "/feeds/" not in plain.headers["link"]
                report = verify(own.text.encode(), keys, Evidence(now=life.now))
                assert {entry.verdict for entry in report.entries} <= {"verified"}


def test_packed_and_as_news_it_leads_on_too(port: Port) -> None:
    address = "/feeds/partners.atom?token=all"
    plain = port.ask(address)
    packed = port.ask(address, {"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text.encode() == plain.body
    for tag in (plain.headers["etag"], packed.headers["etag"]):
        assert port.ask(address, {"if-none-match": tag, "accept-encoding": "gzip"}).status == 304


def test_to_all_others_there_is_none(port: Port) -> None:
    there, nowhere = (
        f"/feeds/{name}/archive/{STORIES - 1}.rss" for name in ("partners", "nothing")
    )
    assert port.ask(f"{there}?token=all").status == 200
    assert port.ask(f"{there.replace('partners', 'friends')}?token=all").status == 200
    for query in ("", "?token=wrong", "?token=else", "?login", "?login&token=else"):
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            here, none = (port.ask(f"{each}{query}", {}, method) for each in (there, nowhere))
            assert (here.status, here.body) == (none.status, none.body)
            assert here.status != 200
            assert here.headers | {"date": ""} == none.headers | {"date": ""}
    assert port.ask("/feeds/partners/archive/999.rss?token=all").status == 404
    assert port.ask("/feeds/partners/archive/x.rss?token=all").status == 404


def test_what_is_under_embargo_or_hidden_is_not_in_it(life: Life, port: Port) -> None:
    life.act("s0", "kill", timedelta(minutes=1))
    life.act("s1", "hold", timedelta(minutes=1))
    found = read(port, "/feeds/partners.json?token=all", "json", {})
    items = [each for one in found for each in json.loads(one.text)["items"]]
    titles = [each["title"] for each in items]
    assert not {"s0 of w", "s1 of o"} & {*titles}
    assert sum("withdrawn" in each["_wirecopy"] for each in items) == 1
