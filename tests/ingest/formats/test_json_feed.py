"""JSON Feed: every field, broken neighbours, and no false alarm or unseen loss between readings."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingest import formats, integrity
from ingest.formats import json_feed
from ingest.integrity import Fault
from ingest.item import Channel, Contents, Hints, Item, ItemMedia, Parsed
from ingest.normalize import normalize
from ingest.parse import parse as parse_capture
from stories.config import Wire
from stories.errors import ParseError
from stories.models import Version
from tests.ingest import feedings
from tests.ingest.test_integrity import changed
from wirecopy.text import plain, projection

HINTS = Hints(url="https://wire.example/feed.json")
WIRE = Wire(name="wire", url=HINTS.url)
VERSION = "https://jsonfeed.org/version/1.1"
PROSE = "The harbour office said on Sunday that the ferries would run again from Monday. " * 3


def feed(*items: Any, **keys: Any) -> bytes:
    return json.dumps({"version": VERSION, "title": "A", **keys, "items": items}).encode()


def parse(body: bytes) -> Parsed:
    return formats.choose(body, HINTS).parse(body, HINTS)


def only(**item: Any) -> Item:
    (found,) = parse(feed(item)).items
    return found


def version_of(item: Item) -> Version:
    return normalize(item, Channel(), WIRE)


def checked(body: bytes, item: Item, version: Version) -> Fault | None:
    reread = formats.choose(body, HINTS).reread(body, HINTS)
    return integrity.check(reread, body[item.start : item.end], version)


def faults(*items: Any) -> list[str]:
    body = feed(*items)
    found = (checked(body, one, version_of(one)) for one in parse(body).items)
    return [fault.state for fault in found if fault is not None]


def read(body: bytes) -> Contents:
    return parse_capture(body, HINTS, WIRE)


def test_every_field_has_its_place() -> None:
    body = feed(
        {
            "id": 12.50,
            "url": "/rain",
            "external_url": "https://agency.example/rain",
            "title": "AT&amp;T <b>",
            "content_html": "<p>Rain &amp; wind.</p>",
            "content_text": "Rain & wind.",
            "summary": "Rain < wind.",
            "image": "https://a.example/p.jpg",
            "banner_image": "https://a.example/b.jpg",
            "date_published": "2026-11-22T06:00:00+05:30",
            "date_modified": "2026-11-22T07:00:00Z",
            "authors": [{"name": "Asha", "url": "https://a.example/"}, {"url": "x"}, "Ben"],
            "tags": ["Weather", 7, None],
            "language": "hi",
            "attachments": [
                {
                    "url": "https://a.example/p.jpg",
                    "mime_type": "application/octet-stream",
                    "title": "A picture",
                },
                {
                    "url": "https://a.example/s.mp3",
                    "mime_type": "audio/mpeg",
                    "size_in_bytes": 123,
                    "duration_in_seconds": 5,
                },
            ],
            "_extension": {"words": PROSE},
        },
        home_page_url="https://a.example/news/",
        language="en",
        feed_url="https://a.example/feed.json",
        hubs=[
            {"type": "rssCloud", "url": "https://cloud.example/"},
            {"type": "WebSub", "url": "https://hub.example/"},
            {"type": "WebSub"},
            "https://no.example/",
        ],
    ).replace(b'"id": 12.5', b'"id": 12.50')
    parsed = parse(body)
    (item,) = parsed.items
    assert parsed.format == "json11"
    assert parsed.channel == Channel(
        title="A",
        link="https://a.example/news/",
        language="en",
        hubs=("https://hub.example/",),
        topic="https://a.example/feed.json",
    )
    assert replace(item, start=-1, end=-1) == Item(
        position=0,
        guid="12.50",
        link="https://a.example/rain",
        headline="AT&amp;T <b>",
        body="<p>Rain &amp; wind.</p>",
        body_html=True,
        summary="Rain < wind.",
        summary_html=False,
        base="https://a.example/rain",
        language="hi",
        authors=("Asha", "Ben"),
        published=("2026-11-22T06:00:00+05:30",),
        updated=("2026-11-22T07:00:00Z",),
        categories=(("Weather", ""), ("7", "")),
        media=(
            ItemMedia("https://a.example/p.jpg", medium="image", caption="A picture"),
            ItemMedia("https://a.example/b.jpg", medium="image"),
            ItemMedia("https://a.example/s.mp3", type="audio/mpeg", length="123"),
        ),
    )
    assert json.loads(body[item.start : item.end])["url"] == "/rain"
    assert checked(body, item, version_of(item)) is None


@pytest.mark.parametrize(
    ("item", "body", "is_html", "summary"),
    [
        ({"content_text": "a\n\nb < c"}, "a\n\nb < c", False, ""),
        ({"content_html": "<img src='x'>", "content_text": "Words."}, "Words.", False, ""),
        ({"content_html": "<img src='x'>"}, "<img src='x'>", True, ""),
        (
            {"content_html": "Two words &amp; more.", "content_text": "Two"},
            "Two words &amp; more.",
            True,
            "",
        ),
        ({"content_html": " ", "summary": "Short."}, "Short.", False, ""),
        ({"content_html": 5, "summary": 6}, "5", True, "6"),
        ({"content_html": ["a"], "content_text": {"b": 1}, "summary": None}, "", False, ""),
    ],
)
def test_the_body_is_the_fullest_text(
    item: dict[str, Any], body: str, is_html: bool, summary: str
) -> None:
    found = only(**item)
    assert (found.body, found.body_html, found.summary) == (body, is_html, summary)


def test_the_feed_s_author_stands_for_items_that_name_none() -> None:
    one = {"content_text": "w"}
    body = feed(one, {**one, "author": {"name": "Ben"}}, author={"name": "Asha"})
    assert [item.authors for item in parse(body).items] == [("Asha",), ("Ben",)]


@pytest.mark.parametrize(
    "version", ["https://jsonfeed.org/version/1", "http://jsonfeed.org/version/1/"]
)
def test_version_1_is_read_as_well(version: str) -> None:
    """Slashes escaped, as some encoders do, and the version behind the items."""
    text = json.dumps({"items": [{"id": "1", "content_text": "w"}], "version": version})
    parsed = parse(text.replace("/", "\\/").encode())
    assert (parsed.format, len(parsed.items), parsed.notes) == ("json1", 1, ())


@pytest.mark.parametrize(
    ("body", "state", "told"),
    [
        (b'{"status": "error"}', "not-a-feed", "JSON, but no JSON Feed: “version” is “”"),
        (b'{"version": "1.1", "items": [1]}', "not-a-feed", "“1.1”, and “items” holds 1;"),
        (b'{"version": "https://jsonfeed.org/version/2", "items": []}', "not-a-feed", "version/2"),
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": {}}', "not-a-feed", "holds 0"),
        (b'{"items": [{"title": "Goods"}]}', "not-a-feed", "“version” is “”"),
        (b'{"items": [{"title": "Goods"}, {"tit', "malformed", "broken JSON (not readable"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": [{"ti', "malformed", "holds 0"),
        (b'{"a":' * 5_000, "malformed", "broken JSON (not readable"),
    ],
)
def test_what_is_no_json_feed_is_named(body: bytes, state: str, told: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(body)
    assert caught.value.state == state
    assert told in str(caught.value)


WHOLE = {"id": "1", "title": "Whole", "content_html": "<p>Words.</p>"}


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("42", "not an object"),
        ('"text"', "not an object"),
        ("null", "not an object"),
        ("[1, 2]", "not an object"),
        ("{}", "neither headline nor body"),
        ('{"title": "x",}', "not readable as JSON"),
        ('{"title": x}', "Expecting value"),
        ('{"title": "\\x"}', "escape"),
        ('{"title": "It\\\'s"}', "escape"),
        ('{"title" "x"}', "delimiter"),
        (f'{{"title": {"[" * 5_000}{"]" * 5_000}}}', "recursion"),
        (f'{{"id": {"9" * 5_000}}}', "neither headline nor body"),
    ],
)
def test_a_broken_item_does_not_touch_its_neighbours(bad: str, why: str) -> None:
    mark = '{"broken": 1}'
    text = feed(WHOLE, json.loads(mark), {**WHOLE, "id": "3"}).decode().replace(mark, bad)
    found = read(text.encode())
    assert [one.version.agency_id for one in found.found] == ["1", "3"]
    assert all(one.received for one in found.found)
    (refused,) = found.refused
    state = "item-empty" if why.startswith("neither") else "item-unreadable"
    assert (refused.position, refused.state) == (1, state)
    assert why in refused.message


def test_what_is_no_item_is_said_once_for_all() -> None:
    assert parse(feed(1, WHOLE, 2)).notes == (
        "2 items, the first is item 1: not an object of JSON",
    )


def test_a_feed_that_breaks_off_keeps_its_whole_items() -> None:
    whole = feed(WHOLE, WHOLE)
    second = whole.index(b"}", whole.index(b"}") + 1)
    for length in range(whole.index(b"}") + 1, second + 1):
        parsed = parse(whole[:length])
        assert [item.headline for item in parsed.items] == ["Whole"]
        assert parsed.channel.title == "A"
        assert "whole items kept" in parsed.notes[-1]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "cp1252"],
)
def test_encodings(encoding: str) -> None:
    item = {"id": "é", "title": "Übung", "content_html": "<p>ça</p>"}
    document = {"version": VERSION, "items": [item, item]}
    body = json.dumps(document, ensure_ascii=False).encode(encoding)
    codec = "utf-8" if encoding == "utf-8-sig" else encoding
    codec = f"{codec}-le" if codec in ("utf-16", "utf-32") else codec
    for one in parse(body).items:
        assert one.headline == "Übung"
        assert json.loads(body[one.start : one.end].decode(codec)) == item
        assert checked(body, one, version_of(one)) is None


def test_surrogates_and_controls() -> None:
    text = '{"version": "%s", "items": [{"title": "\\ud83d\\ude00 \\ud800\\u0000", "content_html": '
    body = (text % VERSION + '"<p>a\\u0000b\\udc00</p>\n"}]}').encode()
    (found,) = read(body).found
    assert found.version.headline == "😀 \ufffd"
    assert found.version.body == "<p>ab\ufffd</p>\n"
    assert found.received is not None


def test_too_many_items_are_named_and_the_first_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_feed, "MOST_ITEMS", 2)
    parsed = parse(feed(*({**WHOLE, "id": n} for n in range(5))))
    assert [item.guid for item in parsed.items] == ["0", "1"]
    assert (parsed.notes, parsed.unread) == (("holds 5 items; the first 2 were read",), 3)


@pytest.mark.parametrize(
    "item",
    [
        {"title": "t", "content_html": "<p>Read <a href='https://a.example/x'>more</a> now.</p>",
         "content_text": "Read [more](https://a.example/x) now."},
        {"title": "t", "content_html": "<script>x</script><p>a</p>", "summary": "Other words."},
        {"title": "t", "content_html": "<p>a</p>", "_own": PROSE, "_more": {"html": PROSE}},
        {"title": "t", "content_html": "<p>a</p>", "copyright": PROSE, "image_caption": PROSE},
        {"title": "t", "content_html": "<p>a</p>", "note": "Short.", "flag": True},
        {"title": "t", "content_html": "<p>a</p>", "attachments": [{"title": PROSE}],
         "authors": [{"name": PROSE}], "tags": [PROSE]},
        {"content_text": "5 < 6 &amp; \\ \" / \b\f\n\r\t é"},
        {"title": "t", "summary": "Only this."},
        {"title": "t", "content_text": f"<p>{PROSE}", "teaser": f"<i>{PROSE}</i>"},
    ],
)  # fmt: skip
def test_odd_items_that_come_through_are_no_false_alarm(item: dict[str, Any]) -> None:
    assert faults(item) == []


@pytest.mark.parametrize(
    "item",
    [
        {"title": "t", "content_html": "<p>a</p>", "body_html": f"<p>{PROSE}</p>"},
        {"title": "t", "content_html": "<p>a</p>", "story": {"parts": [PROSE, 1]}},
        {"title": "t", "content_html": {"rendered": "<p>a</p>"}, "content_text": "b"},
    ],
)
def test_what_today_s_parser_leaves_behind_is_found(item: dict[str, Any]) -> None:
    assert faults(item) == ["text-lost"]


def test_of_a_name_twice_neither_is_lost_unseen() -> None:
    body = feed({"title": "One", "content_text": "w"}).replace(
        b'"content', b'"title": "Two", "content'
    )
    (refused,) = read(body).refused
    assert refused.state == "text-lost"
    assert "title says “One”, the headline that came out says “Two”" in refused.message


SPELLINGS = [
    lambda text: text,
    lambda text: text.replace("/", "\\/"),
    lambda text: text.replace("<", "\\u003c").replace("e", "\\u0065"),
]


@st.composite
def json_feeds(draw: st.DrawFn) -> bytes:
    """Honest feeds, in the spellings that encoders use."""
    items = []
    for _ in range(draw(st.integers(1, 4))):
        html, text = draw(st.one_of(feedings.HTML, feedings.INLINE)), draw(feedings.PLAIN)
        item: dict[str, Any] = {"id": draw(st.one_of(feedings.PLAIN, st.integers()))}
        item |= draw(
            st.sampled_from(
                [
                    {"content_html": html},
                    {"content_text": text},
                    {"content_html": html, "content_text": projection(html)},
                    {"content_html": html, "summary": text},
                    {"content_html": html, "_own": {"words": feedings.CAPTION}},
                    {"summary": text, "content_html": html, "caption": feedings.CAPTION},
                ]
            )
        )
        if draw(st.booleans()):
            item["title"] = draw(feedings.PLAIN)
        items.append(dict(draw(st.permutations(list(item.items())))))
    document = {"version": VERSION, "items": items}
    text = json.dumps(
        document,
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, 2])),
        sort_keys=draw(st.booleans()),
    )
    spelt = draw(st.sampled_from(SPELLINGS))(text) if "\\" not in text else text
    spelt = spelt.replace("v\\u0065rsion", "version").replace("it\\u0065ms", "items")
    return spelt.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"])))


@given(json_feeds())
def test_honest_feeds_are_never_accused(body: bytes) -> None:
    codec = "utf-16-le" if body.startswith(b"\xff\xfe") else "utf-8"
    for item in parse(body).items:
        said = json.loads(body[item.start : item.end].decode(codec))
        assert (item.guid, item.headline) == (str(said["id"]), said.get("title", ""))
        try:
            version = version_of(item)
        except ParseError:
            continue  # an item without words, refused as such
        assert checked(body, item, version) is None


@given(json_feeds(), st.data())
def test_a_parser_that_loses_or_adds_a_word_is_always_found(
    body: bytes, data: st.DataObject
) -> None:
    item = data.draw(st.sampled_from(parse(body).items))
    part = data.draw(st.sampled_from(["body", "body", "headline", "summary"]))
    words = str(getattr(item, part)).split(" ")
    at = data.draw(st.integers(0, len(words) - 1))
    put = data.draw(st.sampled_from([[], [words[at], words[at]], ["other"], [feedings.CAPTION]]))
    worse = changed(item, part, " ".join([*words[:at], *put, *words[at + 1 :]]))
    try:
        good, bad = version_of(item), version_of(worse)
    except ParseError:
        return  # nothing is left of it, and it is refused as such
    old, new = _words(good), _words(bad)
    lost = any(text and not any(text in other for other in new) for text in old)
    assume(lost or any(text and text not in old for text in new))
    fault = checked(body, item, bad)
    assert fault is not None
    assert fault.state in ("text-lost", "text-added")


def _words(version: Version) -> list[str]:
    texts = (version.headline, projection(version.body), version.summary or "")
    return ["".join(plain(text).split()) for text in texts]


PIECES = [
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u", b"\\ud800", b"null", b"1e999"),
    *(b"\0", b"\xff", b"\xc3\x28", b'"items":[', b'{"title":"x"}', b"\xef\xbb\xbf", b"<p>"),
]


@given(json_feeds(), st.data())
def test_mutated_feeds_give_a_feed_or_a_parse_error(body: bytes, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 5))):
        at, end = sorted(data.draw(st.integers(0, len(body))) for _ in range(2))
        piece = data.draw(st.sampled_from(PIECES))
        cut = data.draw(st.sampled_from([0, 0, 1, end - at]))
        body = body[:at] + piece + body[at + cut :]
    parsed, state = None, ""
    try:
        parsed = parse(body)
    except ParseError as error:
        state = error.state
    if parsed is None:
        assert state in ("empty", "not-a-feed", "malformed")
        return
    edges = [edge for item in parsed.items for edge in (item.start, item.end)]
    assert edges == sorted(edges)
    states = {one.state for one in read(body).refused}
    assert states <= {"item-empty", "item-unreadable", "text-lost", "text-added"}


@pytest.mark.parametrize(
    "inside",
    [
        '"a":' + "[" * 300_000,
        '"a":"' + '\\"' * 300_000,
        '"a":' + '"' * 300_000,
        ",".join(f'"a{n}":"{"w" * 200}"' for n in range(5_000)),
        '"content_html":"' + "<b>" * 100_000 + '"',
        '"authors":[' + '{"name":"x"},' * 50_000 + "1]",
        '"tags":[' + "[" * 500 + "]" * 500 + ",1" * 100_000 + "]",
        '"title":"t",' * 50_000 + '"title":"t"',
        '"content_html":"<p>' + "word " * 50_000 + '",' + '"content_text":"t",' * 50_000 + '"a":1',
    ],
    ids=range(9),
)
@pytest.mark.parametrize("end", ["", "}]}"])
@pytest.mark.slow
def test_a_hostile_item_takes_bounded_time(inside: str, end: str) -> None:
    body = f'{{"version":"{VERSION}","items":[{json.dumps(WHOLE)},{{{inside}{end}'.encode()
    began = time.process_time()
    assert "1" in [one.version.agency_id for one in read(body).found]
    assert time.process_time() - began < 3
