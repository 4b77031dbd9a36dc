"""Pictures that are kept: fetched once a version, shown in place of the agency's, and gone with
their stories."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from net.client import Client
from publish import pictures as keeping
from publish.pictures import Outcome, Plan, addresses, keep_waiting, planned
from publish.web import feeds as feeds_module
from publish.web.app import create
from publish.web.export import Exporter
from publish.web.pictures import pictured
from stories import clock
from stories.config import Config
from stories.db import Store, outbox
from stories.db.outbox import LEASE
from stories.db.pictures import Kept, Known, Size
from stories.db.tables import pictures, story_pictures
from tests.conftest import ConfigOf
from tests.living import DAY, Life
from tests.publish.drawn import drawn, opened
from tests.serving import Answer, Port, served

MINUTE = timedelta(minutes=1)
OURS = re.compile(r"/pictures/[0-9a-f]{64}-[0-9]+\.jpg")


@dataclass
class Agency:
    """A server of pictures, by their paths; and what it was asked for."""

    there: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    base: str = ""
    late: float = 0.0
    now: int = 0
    most: int = 0

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] != "http":  # servers ask for a lifespan, and do without
            return
        self.asked.append(scope["path"])
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.late)
        self.now -= 1
        status, body = self.there.get(scope["path"], (410, b"none"))
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})


@dataclass
class Newsroom:
    life: Life
    agency: Agency
    port: Port

    def receive(
        self, guid: str, headline: str, beside: tuple[str, ...] = (), within: str = ""
    ) -> str:
        """A version of a story with pictures at these paths; its id."""
        base = self.agency.base
        media = "".join(
            f'<media:content url="{base}{path}" medium="image"><media:description>Rain in Kochi'
            "</media:description></media:content>"
            for path in beside
        )
        shown = f'&lt;img src="{base}{within}" alt="Chart"&gt;' if within else ""
        body = (
            '<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>A'
            f"</title><link>https://agency.example/</link><item><guid>{guid}</guid>"
            f"<title>{headline}</title><link>https://agency.example/{guid}</link>"
            f"<description>&lt;p&gt;Words of {guid}.{shown}&lt;/p&gt;</description>{media}</item>"
            "</channel></rss>"
        )
        self.life.receive_bytes(body.encode(), after=MINUTE)
        return next(i for key, i in self.life.stories().items() if key == guid)

    def keep(self) -> list[Outcome]:
        """What becomes of all that waits."""
        outcomes: list[Outcome] = []
        with self.life.frozen(), Client() as http:
            while found := list(keep_waiting(self.life.store, self.life.config, http)):
                outcomes += found
        return outcomes

    def ask(self, path: str) -> Answer:
        return self.port.ask(path)

    def shown(self, story: str) -> list[str]:
        """The addresses of our pictures on a story's page."""
        found = self.ask(f"/stories/{story}")
        assert found.status == 200
        return sorted({*OURS.findall(found.text)})

    def rows(self) -> tuple[int, int]:
        """How many pictures of stories are known, and how many are kept in how many sizes."""
        with self.life.store.read() as conn:
            counted = (
                conn.execute(select(func.count()).select_from(each)).scalar_one()
                for each in (story_pictures, pictures)
            )
            return next(counted), next(counted)


def conf(config: ConfigOf, **more: Any) -> Config:
    wire = {
        "name": "w",
        "agency": "Agency",
        "url": "https://agency.example/f",
        "allow_private": True,
        "grants": ["pictures"],
        "expires_after": "30d",
    }
    room: dict[str, Any] = {
        "publisher": {"name": "NDTV", "url": "https://www.ndtv.com"},
        "wires": [{**wire, **more.pop("wire", {})}],
        "feeds": [{"name": "all", "title": "All"}],
        "media": {"keep": True, "widths": [100, 200], "max_bytes": 200_000},
    }
    return config(**{**room, **more})


@pytest.fixture
def agency() -> Iterator[Agency]:
    found = Agency()
    with served(found) as port:
        found.base = f"http://127.0.0.1:{port.number}"
        yield found


@pytest.fixture
def room(
    config: ConfigOf,
    store: Store,
    agency: Agency,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Newsroom]:
    monkeypatch.setattr(feeds_module, "PATIENCE", 60.0)
    life = Life(conf(config, **getattr(request, "param", {})), store)
    life.begin()
    app = create(life.config, store, ready=dict, metrics=lambda: b"")
    with clock.reading(lambda: life.now), served(app) as port:
        yield Newsroom(life, agency, port)


def test_pages_show_them_in_place_of_the_agencys(room: Newsroom) -> None:
    room.agency.there = {
        "/a.jpg": (200, drawn(size=(400, 300))),
        "/b.png": (200, drawn("PNG", (150, 50))),
    }
    story = room.receive("a", "Rain", ("/a.jpg",), "/b.png")
    before = room.ask(f"/stories/{story}")
    assert OURS.search(before.text) is None
    assert room.keep() == ["kept", "kept"]
    page = room.ask(f"/stories/{story}").text
    assert room.life.bodies()["all", "rss"].count(room.agency.base.encode()) > 1, "as signed"
    tags = re.findall("<img[^>]*>", page)
    assert len(tags) == 2
    for tag, (width, height), sizes, alt in zip(
        tags,
        [(200, 150), (150, 50)],
        [(100, 200), (100, 150)],
        ["Rain in Kochi", "Chart"],
        strict=True,
    ):
        assert re.search(rf' width="{width}"', tag)
        assert re.search(rf' height="{height}"', tag)
        assert f'alt="{alt}"' in tag
        assert f' src="{room.agency.base}' not in tag
        said = re.findall(r"(/pictures/\S+) (\d+)w", tag)
        assert [int(each) for _, each in said] == [*sizes]
        for address, each in said:
            found = room.ask(address)
            assert (found.status, found.headers["content-type"]) == (200, "image/jpeg")
            assert "immutable" in found.headers["cache-control"]
            assert opened(found.body).width == int(each)
            assert room.port.ask(address, {"If-None-Match": found.headers["etag"]}).status == 304
    assert f'og:image" content="{room.life.config.site.url}/pictures/' in page
    for path in ("/", "/feeds/all"):
        (thumb,) = re.findall('<img class="thumb"[^>]*>', room.ask(path).text)
        assert "-100.jpg" in thumb
        assert 'width="200" height="150"' in thumb
    name = room.shown(story)[0]
    for nothing in (name.replace("-1", "-9"), name[:-5], f"{name[:-4]}.png", "/pictures/x"):
        assert room.ask(nothing).status == 404


def test_they_are_fetched_once_for_each_version(room: Newsroom) -> None:
    one, other = drawn(size=(400, 300)), drawn(size=(300, 300), colour="red")
    room.agency.there["/a.jpg"] = (200, one)
    story = room.receive("a", "Rain", ("/a.jpg",))
    assert room.keep() == ["kept"]
    before = room.shown(story)
    room.life.edit(story, "Rain at last")
    assert room.keep() == []
    assert room.shown(story) == before
    room.receive("a", "Rain and wind", ("/a.jpg",))
    assert room.keep() == ["kept"]
    assert room.shown(story) == before, "the same bytes"
    room.agency.there["/a.jpg"] = (200, other)
    room.receive("a", "Rain and storm", ("/a.jpg",))
    assert room.keep() == ["kept"]
    after = room.shown(story)
    assert not {*before} & {*after}
    assert {room.ask(each).status for each in before} == {404}
    assert {room.ask(each).status for each in after} == {200}
    for status, body in ((410, b""), (200, b"<html>")):
        room.agency.there["/a.jpg"] = (status, body)
        room.receive("a", f"Rain and {status}", ("/a.jpg",))
        assert room.keep() == ["refused"]
        assert room.shown(story) == after, "what is gone there stays here"
    assert room.agency.asked == ["/a.jpg"] * 5
    room.receive("a", "No picture")
    assert room.keep() == []
    assert room.rows() == (0, 0)
    assert {room.ask(each).status for each in after} == {404}


def test_what_is_no_picture_stays_with_the_agency(room: Newsroom) -> None:
    room.agency.there = {
        "/page": (200, b"<html>"),
        "/large": (200, b"x" * 300_000),
        "/moves": (200, b"GIF89a"),
    }
    story = room.receive("a", "Rain", ("/page", "/large", "/moves", "/nowhere"))
    assert room.keep() == ["refused"] * 4
    assert room.shown(story) == []
    assert f'src="{room.agency.base}/page"' in room.ask(f"/stories/{story}").text
    assert room.rows() == (4, 0)
    room.life.edit(story, "Rain at last")
    assert room.keep() == []


def test_what_fails_is_tried_again_and_given_up_at_last(room: Newsroom) -> None:
    room.agency.there = {"/a": (404, b""), "/b": (200, drawn())}
    story = room.receive("a", "Rain", ("/a", "/b"))
    assert sorted(room.keep()) == ["failed", "kept"]
    assert len(room.shown(story)) == 2
    room.life.now += MINUTE
    assert room.keep() == ["failed"]
    room.agency.there["/a"] = (200, drawn(colour="red"))
    room.life.now += MINUTE
    assert room.keep() == ["kept"]
    assert len(room.shown(story)) == 4
    room.agency.there["/a"] = (500, b"")
    other = room.receive("b", "Wind", ("/a",))
    for _ in range(20):
        room.keep()
        room.life.now += 30 * MINUTE
    assert room.shown(other) == []
    with room.life.store.read() as conn:
        assert outbox.failures(conn) == []
    assert len(room.agency.asked) < 20


def test_no_host_is_asked_for_more_at_once_than_politeness_allows(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [f"/{n}.jpg" for n in range(8)]
    room.agency.there = dict.fromkeys(paths, (200, drawn(size=(400, 300))))
    room.agency.late = 0.05
    room.receive("a", "Rain", tuple(paths))
    assert room.keep() == ["kept"] * 8
    assert room.agency.most == room.life.config.politeness.per_host
    monkeypatch.setattr(keeping, "SECONDS", 0.0)
    room.receive("a", "Rain again", tuple(paths))
    assert room.keep() == []
    monkeypatch.setattr(keeping, "SECONDS", 60.0)
    assert room.keep() == ["kept"] * 8, "what was not asked for in time waits"


def test_they_go_with_their_story(room: Newsroom) -> None:
    room.agency.there["/a.jpg"] = (200, drawn(size=(400, 300)))
    story = room.receive("a", "Rain", ("/a.jpg",))
    other = room.receive("b", "Wind", ("/a.jpg",))
    assert room.keep() == ["kept", "kept"]
    (address, _) = room.shown(story)
    assert room.shown(other)[0] == address
    assert room.rows() == (2, 2)
    room.life.act("a", "kill", MINUTE)
    assert room.ask(address).status == 200, "of the other story"
    room.life.act("b", "hold", MINUTE)
    assert room.ask(address).status == 410, "one is gone, of the other nothing is told"
    room.life.act("b", "release", MINUTE)
    assert room.ask(address).status == 200
    room.keep()
    assert room.rows() == (1, 2)
    room.life.act("b", "kill", MINUTE)
    room.keep()
    assert room.rows() == (0, 0)
    assert room.ask(address).status == 404


@pytest.mark.parametrize("keeping_on", [True, False])
def test_they_go_with_their_licence(room: Newsroom, keeping_on: bool) -> None:
    room.agency.there["/a.jpg"] = (200, drawn(size=(400, 300)))
    story = room.receive("a", "Rain", ("/a.jpg",))
    room.keep()
    (address, _) = room.shown(story)
    room.life.clean(after=30 * DAY)
    assert room.ask(address).status == 410
    assert room.rows() == (1, 2)
    if keeping_on:
        room.keep()
    else:
        room.life.clean(after=8 * DAY)
    assert room.rows() == (0, 0)


@pytest.mark.parametrize(
    "room", [{"retention": {"pictures": "7d"}, "wire": {"expires_after": "99d"}}], indirect=True
)
def test_after_their_term_the_agencys_are_shown_again(room: Newsroom) -> None:
    room.agency.there["/a.jpg"] = (200, drawn(size=(400, 300)))
    story = room.receive("a", "Rain", ("/a.jpg",))
    room.keep()
    for days, there in ((6, True), (2, False)):
        room.life.clean(after=days * DAY)
        assert bool(room.shown(story)) == there
        for path in ("/", "/feeds/all"):
            assert bool(OURS.search(room.ask(path).text)) == there
    assert room.rows() == (0, 0)


@pytest.mark.parametrize(
    "room",
    [
        {"wire": {"grants": []}},
        {"media": {"keep": False}},
        {"feeds": [{"name": "all", "title": "All", "private": True}]},
        {"wire": {"allow_private": False}},
    ],
    ids=["not granted", "not wanted", "not public", "not reachable"],
    indirect=True,
)
def test_where_they_may_not_be_kept_nothing_is_fetched(room: Newsroom) -> None:
    room.agency.there["/a.jpg"] = (200, drawn(size=(400, 300)))
    room.receive("a", "Rain", ("/a.jpg",))
    assert "kept" not in room.keep()
    assert room.agency.asked == []
    assert room.rows()[1] == 0


def test_a_grant_that_is_taken_back_shows_none(room: Newsroom, config: ConfigOf) -> None:
    room.agency.there["/a.jpg"] = (200, drawn(size=(400, 300)))
    story = room.receive("a", "Rain", ("/a.jpg",))
    room.keep()
    (address, _) = room.shown(story)
    another = conf(config, wire={"grants": []})
    app = create(another, room.life.store, ready=dict, metrics=lambda: b"")
    with served(app) as port:
        assert OURS.search(port.ask(f"/stories/{story}").text) is None
        assert port.ask(address).status == 404


def test_one_that_ends_in_the_middle_is_taken_over(room: Newsroom) -> None:
    room.agency.there = {"/a": (200, drawn()), "/b": (200, drawn(colour="red"))}
    story = room.receive("a", "Rain", ("/a", "/b"))
    with room.life.frozen(), Client() as http:
        going = keep_waiting(room.life.store, room.life.config, http)
        assert next(going) == "kept"
        going.close()
    assert room.keep() == []
    assert room.shown(story) == []
    room.life.now += LEASE + MINUTE
    assert room.keep() == ["kept", "kept"]
    assert len(room.shown(story)) == 4


def test_the_exported_folder_has_them_as_long_as_the_site(
    config: ConfigOf, store: Store, agency: Agency, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    life = Life(conf(config, site={"url": "https://a.example/w", "export": str(folder)}), store)
    life.begin()
    agency.there["/a.jpg"] = (200, drawn(size=(400, 300)))
    app = create(life.config, store, ready=dict, metrics=lambda: b"")
    exporter = Exporter(life.config, store)

    def files() -> set[str]:
        life.now += MINUTE
        with life.frozen():
            for _ in range(3):
                exporter._ended = exporter._listed = float("-inf")
                exporter.keep(60)
        return {f"/pictures/{path.name}" for path in (folder / "pictures").glob("*")}

    with clock.reading(lambda: life.now), served(app) as port:
        room = Newsroom(life, agency, port)
        story = room.receive("a", "Rain", ("/a.jpg",))
        assert files() == set()
        assert room.keep() == ["kept"]
        assert files() == {*room.shown(story)}
        for name in room.shown(story):
            assert (folder / name[1:]).read_bytes() == room.ask(name).body
            assert (
                f'src="/w{name}"' in (folder / f"stories/{story}.html").read_text() or "-1" in name
            )
        assert "-100.jpg" in (folder / "index.html").read_text()
        assert "-100.jpg" in (folder / "feeds/all.html").read_text()
        agency.there["/a.jpg"] = (200, drawn(size=(300, 300)))
        before = files()
        room.receive("a", "Rain and wind", ("/a.jpg",))
        room.keep()
        assert files() == {*room.shown(story)} != before
        life.act("a", "kill", MINUTE)
        assert files() == set()
    exporter.close()


# Without I/O.

A, B, C = "https://a.example/1", "https://a.example/2", "https://a.example/3"


@pytest.mark.parametrize(
    ("wanted", "number", "known", "plan"),
    [
        ([], 1, [], Plan(number=1)),
        ([A, B], 1, [], Plan((A, B), (), 1)),
        ([A, B], 1, [Known(1, A, 1, "d")], Plan((B,), (), 1)),
        ([A], 1, [Known(1, A, 1, None)], Plan((), (), 1)),
        ([A], 2, [Known(1, A, 1, "d")], Plan((A,), (), 2)),
        ([C], 2, [Known(1, A, 1, "d"), Known(2, B, 1, None)], Plan((C,), (1, 2), 2)),
    ],
)
def test_what_is_planned(wanted: list[str], number: int, known: list[Known], plan: Plan) -> None:
    assert planned(wanted, number, known) == plan


def test_which_pictures_an_entry_shows() -> None:
    entry = {
        "attachments": [
            {"url": A, "_wirecopy": {"medium": "image"}},
            {"url": "https://a.example/film", "_wirecopy": {"medium": "video"}},
            {"url": "https://a.example/old"},
        ],
        "content_html": f'<p><img alt="a &gt; b" src="{B}?a=1&amp;b=2"><img src="{A}">'
        f'<img src="https://t.example/p" width="1" height="1"><img alt=""><img src="{C}"></p>',
    }
    assert addresses(entry) == [A, f"{B}?a=1&b=2", C]
    many = {"content_html": "".join(f'<img src="{A}{n}">' for n in range(50))}
    assert len(addresses(many)) == 20
    assert addresses({"content_html": '<img src="data:image/png;base64,AA">'}) == []


KEPT = Kept("d" * 64, (Size(100, 50), Size(200, 100)))


def test_a_body_is_the_same_but_for_its_pictures() -> None:
    body = (
        f'<p title="&lt;img src=&quot;{A}&quot;&gt;">a</p><img src="{B}"><img src="{A}" width="1">'
    )
    assert pictured(body, {}, "") == body
    assert pictured(body, {A: KEPT}, "") == body, "neither text nor a tracking pixel"
    sized = f'<img src="{A}" alt="a &quot;b&quot;" width="80" height="40" srcset="{B} 2x">'
    found = pictured(sized, {A: KEPT}, "/w")
    assert 'width="80" height="40"' in found
    assert f'src="/w/pictures/{KEPT.digest}-200.jpg"' in found
    assert 'alt="a &quot;b&quot;"' in found
    assert f" {B} " not in found.replace("&quot;", " ").replace("data-received", "")[:90]
    assert "&quot;srcset&quot;: &quot;" in found
