"""What an agency embeds cannot be published, but where it stands can: read from a wire, told beside
the story in every feed and on its page, and no difference to those who verify. And pictures that
only scripts or style would show are published."""

import json

import feedparser
import pytest
from lxml import html

from publish.served import served as as_served
from publish.web.app import create
from stories import clock
from stories.db import feeds
from tests.serving import served
from tests.test_hostile import House, house  # noqa: F401  the fixture
from tests.test_replay import Day
from tests.test_verified import good, reports
from wirecopy import TrustedState
from wirecopy.feed import read_feed
from wirecopy.text import project

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WORDS = "<p>The ferry passed the outer buoy at dawn.</p>"
GONE, SAME = "headline-media", "verbatim"
BODIES: dict[str, tuple[str, list[tuple[str, str]], str]] = {
    "player": (
        '<iframe src="https://v.example/7?a=1&amp;b=2" title="Ferry &amp; fog"></iframe>',
        [("https://v.example/7?a=1&b=2", "Ferry & fog")],
        GONE,
    ),
    "no scheme, and again": (
        '<iframe src="//v.example/8"></iframe><embed src="https://v.example/8">',
        [("https://v.example/8", "")],
        GONE,
    ),
    "relative": (
        '<iframe src="/embed/9"></iframe>',
        [("https://agency.example/embed/9", "")],
        GONE,
    ),
    "waits for a script": (
        '<iframe src="about:blank" data-lazy-src="https://v.example/10" loading="lazy"></iframe>',
        [("https://v.example/10", "")],
        GONE,
    ),
    "old film": (
        '<object><param name="movie" value="https://v.example/f.swf">'
        '<embed src="https://v.example/f.swf"></object>',
        [("https://v.example/f.swf", "")],
        GONE,
    ),
    "document": ('<object data="a.pdf"></object>', [("https://agency.example/a.pdf", "")], GONE),
    "with a password": (
        '<iframe src="https://us:er@v.example/11"></iframe>',
        [("https://v.example/11", "")],
        GONE,
    ),
    "linked as well": (
        '<iframe src="https://v.example/12"></iframe><p><a href="https://v.example/12">Film</a></p>',
        [],
        GONE,
    ),
    "seen by nobody": (
        '<iframe src="https://t.example/ns" style="display:none" width="0" height="0"></iframe>',
        [],
        GONE,
    ),
    "no address": ('<iframe src="javascript:x()"></iframe><iframe></iframe>', [], SAME),
    "tweet": (
        '<blockquote class="twitter-tweet"><p>Fog.</p>— Quay (@quay) '
        '<a href="https://x.example/quay/status/1">20 Nov</a></blockquote>'
        '<script async src="https://x.example/widgets.js"></script>',
        [],
        SAME,
    ),
    "short film": (
        '<blockquote class="tiktok-embed" cite="https://t.example/@quay/video/2"><p>Fog.</p>'
        '</blockquote><script src="https://t.example/embed.js"></script>',
        [("https://t.example/@quay/video/2", "")],
        SAME,
    ),
    "quotation": ('<blockquote cite="https://q.example/1">Fog.</blockquote>', [], SAME),
    "post": (
        '<div class="fb-post" data-href="https://f.example/quay/posts/3"></div>'
        '<div class="fb-like" data-href="https://agency.example/1"></div>',
        [("https://f.example/quay/posts/3", "")],
        SAME,
    ),
    "many": (
        "".join(f'<iframe src="https://v.example/many/{n}"></iframe>' for n in range(30)),
        [(f"https://v.example/many/{n}", "") for n in range(10)],
        GONE,
    ),
}


PICTURES = {
    "waits for a script": ('<img class="lazy" data-src="/gale.jpg" alt="Fog">', "gale.jpg"),
    "in noscript": (
        '<figure><noscript><img src="/buoy.jpg" alt=""></noscript></figure>',
        "buoy.jpg",
    ),
    "small first": ('<img class="lazy" src="/tiny.jpg" data-src="/gale.jpg">', "gale.jpg"),
    "by style": ('<div style="background-image:url(/quay.jpg)"></div>', "quay.jpg"),
    "by style, waits": ('<div class="lazy" data-bg="/quay.jpg"></div>', "quay.jpg"),
    "captioned": (
        '<figure style="background:url(/quay.jpg)"><figcaption>Fog</figcaption></figure>',
        "quay.jpg",
    ),
    "behind words": ('<div style="background-image:url(/paper.jpg)">Fog</div>', ""),
}


def wire(bodies: dict[str, str]) -> bytes:
    items = "".join(
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{guid}</title>"
        f"<link>https://agency.example/{number}</link>"
        f"<description><![CDATA[{WORDS}{body}]]></description></item>"
        for number, (guid, body) in enumerate(bodies.items())
    )
    return f"<rss version='2.0'><channel><title>W</title>{items}</channel></rss>".encode()


def published(at: House, of: dict[str, str]) -> dict[str, bytes]:
    """The feeds of a wire of these bodies."""
    at.server.answer("/bad.rss", wire(of), {"Content-Type": "application/rss+xml"})
    assert at.work() == "ok"
    assert at.problems() == []
    bodies: dict[str, bytes] = {}
    for form in feeds.FORMATS:
        with at.store.read() as conn:
            row = as_served(conn, at.config, "all", form)
        assert row is not None
        bodies[form] = row.body
    return bodies


def test_pictures_that_scripts_or_style_would_show_are_published(house: House) -> None:  # noqa: F811
    bodies = published(house, {guid: body for guid, (body, _) in PICTURES.items()})
    for form, document in bodies.items():
        found = {e.headline: e for e in read_feed(document) if e.headline in PICTURES}
        assert set(found) == set(PICTURES)
        for guid, entry in found.items():
            shown = [medium.url for medium in project(entry.body).media]
            name = PICTURES[guid][1]
            assert shown == ([f"https://agency.example/{name}"] if name else []), (form, guid)
            assert entry.edit_scope == "verbatim", guid
    with clock.reading(lambda: house.now):
        good(reports(Day(house.config, house.store), house.store, TrustedState()))


def test_an_embed_that_must_go_leaves_a_link(house: House) -> None:  # noqa: F811
    bodies = published(house, {guid: body for guid, (body, _, _) in BODIES.items()})
    entries = {e["title"]: e for e in json.loads(bodies["json"])["items"]}
    for guid, (_, expected, scope) in BODIES.items():
        own = entries[guid]["_wirecopy"]
        assert own["edit_scope"] == scope, guid
        assert [(e["url"], e.get("title", "")) for e in own.get("embeds", [])] == expected, guid
    for form in ("rss", "atom"):
        found = feedparser.parse(bodies[form])
        assert not found.bozo
        for entry in found.entries:
            if entry.title in BODIES:
                related = [
                    (one.href, one.get("title", "")) for one in entry.links if one.rel == "related"
                ]
                assert related == BODIES[entry.title][1], (form, entry.title)
                assert entry.link == entries[entry.title]["url"]
                assert entry.get("enclosures", []) == []
    with clock.reading(lambda: house.now):
        good(reports(Day(house.config, house.store), house.store, TrustedState()))

    stories = {story.headline: story.id for story in house.stories()}
    with served(create(house.config, house.store, ready=dict, metrics=lambda: b"")) as port:
        for guid, (_, expected, _) in BODIES.items():
            page = html.document_fromstring(port.ask(f"/stories/{stories[guid]}").body.decode())
            lines = [
                p for p in page.iter("p") if "embedded here: " in "".join(map(str, p.itertext()))
            ]
            assert len(lines) == bool(expected), guid
            links = [a for line in lines for a in line.iter("a")]
            assert [a.get("href") for a in links] == [url for url, _ in expected], guid
            assert {a.get("rel") for a in links} <= {"nofollow noopener"}
            if guid == "player":
                assert ["".join(map(str, a.itertext())) for a in links] == [
                    "Ferry & fog (v.example)"
                ]
