"""What subscribers get: captures of a wire taken in, rendered, and the three feeds read back by
feedparser, a strict XML parser and a JSON parser."""

import json
from dataclasses import dataclass
from typing import Any

import feedparser
import pytest
from lxml import etree

from stories.db import Store
from tests.conftest import ConfigOf
from tests.living import Life

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

AT = "https://agency.example"
WIRE = {"name": "w", "agency": "Agency", "url": f"{AT}/secret/f?key=1", "expires_after": "30d"}
LATE = {**WIRE, "name": "open", "expires_after": None}
DAY = "<pubDate>Thu, 01 Jan 2026 05:00:00 GMT</pubDate>"
HEAD = (
    '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    ' xmlns:media="http://search.yahoo.com/mrss/"><channel><title>A</title>'
)
NS = {
    "a": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "media": "http://search.yahoo.com/mrss/",
}


def medium(kind: str = "", url: str = "", **others: str) -> str:
    named = {"type": kind, **others}
    said = "".join(f' {name}="{value}"' for name, value in named.items() if value)
    return f'<enclosure url="{AT}/{url}"{said}/>'


PLAYED = {
    # An item's media; what RSS gives as enclosure (name, length, type), as thumbnail, and JSON
    # Feed as image.
    "a picture without type or size": (medium("", "p.jpg"), "p.jpg 0 image/jpeg", "p.jpg"),
    "a picture of no type": (
        medium("application/octet-stream", "p.png", length="7"),
        "p.png 7 image/png",
        "p.png",
    ),
    "a type that is none": (medium("jpg", "p.jpg", length="-9"), "p.jpg 0 image/jpeg", "p.jpg"),
    "sound": (medium("audio/mpeg", "s.mp3", length="5"), "s.mp3 5 audio/mpeg", None),
    "sound of no type": (
        medium("binary/octet-stream", "s.mp3", length="0"),
        "s.mp3 0 audio/mpeg",
        None,
    ),
    "two sounds": (
        medium("audio/mpeg", "s.mp3", length="5") + medium("audio/ogg", "s.ogg"),
        "s.mp3 5 audio/mpeg",
        None,
    ),
    "a stream": (
        medium("application/x-mpegURL", "f.m3u8"),
        "f.m3u8 0 application/x-mpegurl",
        None,
    ),
    "sound with a cover": (
        medium("audio/x-m4a", "s.m4a", length="7") + f'<itunes:image href="{AT}/c.jpg"/>',
        "s.m4a 7 audio/x-m4a",
        "c.jpg",
    ),
    "film with a thumbnail within": (
        f'<media:content url="{AT}/f.mp4" medium="video"><media:thumbnail url="{AT}/t.jpg"/>'
        "</media:content>",
        "f.mp4 0 video/mp4",
        "t.jpg",
    ),
    "film and picture": (
        f'<media:content url="{AT}/p.jpg" medium="image"/><media:content url="{AT}/f.mp4"'
        ' medium="video" fileSize="9"/>',
        "f.mp4 9 video/mp4",
        "p.jpg",
    ),
    "a thumbnail alone": (
        f'<media:thumbnail url="{AT}/t.jpg" width="75"/>',
        "t.jpg 0 image/jpeg",
        "t.jpg",
    ),
    "a document": (medium("application/pdf", "d.pdf"), "d.pdf 0 application/pdf", None),
    "nothing": ("", None, None),
    "no address": ('<enclosure type="audio/mpeg" length="5"/>', None, None),
}


def wire_item(name: str, beside: str = "", body: str = "Words of the story.") -> str:
    return (
        f'<item><guid isPermaLink="false">{name}</guid><title>{name}</title>'
        f"<link>{AT}/{name.replace(' ', '-')}</link>{DAY}"
        f"<description>&lt;p&gt;{body}&lt;/p&gt;</description>{beside}</item>"
    )


@dataclass(frozen=True)
class Read:
    """One entry as three parsers read it: of RSS, what feedparser and XML have; Atom's; JSON's."""

    reader: Any
    rss: etree._Element
    atom: etree._Element
    json: dict[str, Any]

    def in_rss(self, path: str) -> list[str]:
        return _all(self.rss, path)

    def in_atom(self, path: str) -> list[str]:
        return _all(self.atom, path)


def _all(element: etree._Element, path: str) -> list[str]:
    found = element.xpath(path, namespaces=NS)
    assert isinstance(found, list)
    return [str(getattr(node, "text", node) or "") for node in found]


def read(life: Life, feed: str = "all") -> dict[str, Read]:
    """The entries of *feed* by headline; each format has the same, in the same order."""
    bodies = life.bodies()
    rss, atom = (etree.fromstring(bodies[feed, form]) for form in ("rss", "atom"))
    items = json.loads(bodies[feed, "json"])["items"]
    parsed = feedparser.parse(bodies[feed, "rss"])
    assert not parsed.bozo
    entries = list(atom.iterfind("a:entry", NS))
    assert len(parsed.entries) == len(entries) == len(items)
    read = zip(parsed.entries, rss.iter("item"), entries, items, strict=True)
    return {one[3]["title"]: Read(*one) for one in read}


def test_media_are_found_where_readers_look(config: ConfigOf, store: Store) -> None:
    life = Life(config(wires=[WIRE]), store)
    life.begin()
    items = [wire_item(name, media) for name, (media, _, _) in PLAYED.items()]
    life.receive_bytes(f"{HEAD}{''.join(items)}</channel></rss>".encode())
    found = read(life)
    for name, (_, enclosure, picture) in PLAYED.items():
        one = found[name]
        assert one.json["_wirecopy"]["edit_scope"] == "verbatim", name
        given = [f"{e.href} {e.length} {e.type}" for e in one.reader.get("enclosures", ())]
        assert given == ([f"{AT}/{enclosure}"] if enclosure else []), name
        image = f"{AT}/{picture}" if picture else None
        assert one.json.get("image") == image, name
        assert one.in_rss("media:thumbnail/@url") == ([image] if image else []), name
        # What one format has, all have, and Atom and JSON Feed have it once.
        everything = sorted(one.in_rss("media:content/@url"))
        links = one.in_atom("a:link[@rel='enclosure']/@href")
        assert sorted([*links, *one.in_atom("media:content/@url")]) == everything, name
        assert sorted(a["url"] for a in one.json.get("attachments", ())) == everything, name


def test_every_entry_has_what_common_readers_ask_for(config: ConfigOf, store: Store) -> None:
    life = Life(config(wires=[WIRE, LATE]), store)
    life.begin()
    credit = (
        f'<media:content url="{AT}/p.jpg" medium="image"><media:description>Quay.'
        "</media:description><media:credit>Ines Falk</media:credit></media:content>"
    )
    byline = "<dc:creator>Asha Rao</dc:creator>"
    life.receive_bytes(f"{HEAD}{wire_item('One', credit + byline)}</channel></rss>".encode())
    life.receive_bytes(f"{HEAD}{wire_item('Open')}</channel></rss>".encode(), "open")
    life.edit(life.stories()["One"], "By the desk")
    found = read(life)
    one = found["By the desk"]
    assert one.reader.summary == "Words of the story."
    assert one.in_rss("dcterms:modified") == one.in_rss("a:updated") == one.in_atom("a:updated")
    assert one.in_rss("dcterms:modified") == [one.json["date_modified"]]
    assert one.in_rss("dc:creator") == one.in_atom("a:author/a:name") == ["Asha Rao", "Agency"]
    assert one.json["author"] == {"name": "Asha Rao"}
    assert one.in_rss(".//media:credit") == one.in_atom(".//media:credit") == ["Ines Falk"]
    assert one.json["attachments"][0]["title"] == "Quay. Ines Falk"
    # The feed that it came from, without its secrets; the story at the agency is `via`.
    assert one.in_rss("source/@url") == one.in_atom("a:source/a:link/@href") == [f"{AT}/"]
    assert one.in_rss("a:link[@rel='via']/@href") == [f"{AT}/One"] == [one.json["external_url"]]
    ends = "2026-02-01T06:00:00+00:00"
    assert one.json["_wirecopy"]["valid_until"] == ends
    assert one.in_rss("dcterms:valid") == one.in_atom("dcterms:valid")
    assert ends in one.in_rss("dcterms:valid")[0]
    assert found["Open"].in_rss("dcterms:valid") == []


DEVANAGARI = "यह कहानी {agency} की है।"


def test_a_line_states_its_language_where_it_is_known(config: ConfigOf, store: Store) -> None:
    spoken = {"verbatim": DEVANAGARI, "headline-only": "Bis auf die Überschrift unverändert."}
    life = Life(config(wires=[WIRE], disclosures={**spoken, "ur": {}}), store)
    life.begin()
    told = {
        # The story's language and headline: what its line says of itself.
        ("hi-IN", "नावें लौटीं"): 'lang="hi-in" dir="ltr"',
        ("en", "Boats are home"): 'dir="auto"',
        ("ar", "عادت القوارب"): 'dir="auto"',
        ("ur-PK", "کشتیاں لوٹ آئیں"): 'lang="ur" dir="rtl"',
        ("", "Boats have no language"): 'dir="auto"',
    }
    items = [wire_item(title, f"<dc:language>{tag}</dc:language>") for tag, title in told]
    life.receive_bytes(f"{HEAD}{''.join(items)}</channel></rss>".encode())
    life.edit(life.stories()["Boats have no language"], "Boats")
    found = read(life)
    for (_, title), attributes in told.items():
        one = found.get(title) or found["Boats"]
        for html in (
            one.json["content_html"],
            *one.in_rss("content:encoded"),
            one.in_atom("a:content")[0],
        ):
            assert f"<p {attributes}><i>" in html, title


def test_keywords_find_words_however_they_are_set(config: ConfigOf, store: Store) -> None:
    wanted = {"ivory": "Côte d'Ivoire", "covid": "COVID-19", "army": "यूक्रेन", "set": "harbour"}
    feeds = [{"name": name, "title": name, "keywords": [word]} for name, word in wanted.items()]
    life = Life(config(wires=[WIRE], feeds=[*feeds, {"name": "all", "title": "All"}]), store)
    life.begin()
    items = [
        wire_item("1", body="Goods go by Côte d’Ivoire again."),
        wire_item("2", body="Rules for COVID\u201119 end."),
        wire_item("3", body="सेना यूक्रेन में है।"),
        wire_item("4", body="सेना यूक्रेनी है।"),
        wire_item("5", body="The har\u00adbour is open."),
    ]
    life.receive_bytes(f"{HEAD}{''.join(items)}</channel></rss>".encode())
    assert [list(read(life, name)) for name in wanted] == [["1"], ["2"], ["3"], ["5"]]


def test_a_story_whose_only_headline_is_taken_back_leaves_its_feeds(
    config: ConfigOf, store: Store
) -> None:
    life = Life(config(wires=[WIRE]), store)
    life.begin()
    bare = wire_item("x").replace("<title>x</title>", "")
    life.receive_bytes(f"{HEAD}{bare}{wire_item('y')}</channel></rss>".encode())
    life.edit(life.stories()["x"], "By the desk")
    assert list(read(life)) == ["By the desk", "y"]
    life.edit(life.stories()["x"], None)
    assert list(read(life)) == ["y"]
    life.edit(life.stories()["x"], "Again")
    assert list(read(life)) == ["Again", "y"]
