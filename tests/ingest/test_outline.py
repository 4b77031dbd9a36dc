"""Known items found by comparing bytes: what is read then is what reading the whole gives."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import parse
from ingest.formats import item_spans
from ingest.item import Contents, Hints
from ingest.memory import OUTLINE, read, rules
from ingest.outline import cut
from stories.config import Wire
from stories.errors import ParseError
from stories.models import Memory, Standing
from tests.ingest.test_shapes import DATA, NAMES
from wirecopy.encoding import digest

WIRE = Wire(name="w", url="https://heron.example/f", agency="Heron", identity="guid")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TYPE = "application/rss+xml"
HEAD = b'<?xml version="1.0"?><rss version="2.0"><channel><title>Heron</title><lastBuildDate>%s%s'
DATE = b"Fri, 20 Nov 2026 12:0%d:00 GMT</lastBuildDate>\n"
TAIL = b"</channel></rss>\n"
# What may begin in one place and end in another, or not at all, and what is read from afar.
ODD = (
    *(b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?x", b"?>", b"<!DOCTYPE rss>", b"<item>", b"<item"),
    *(b"</item>", b"<channel a='b'>", b"</channel>", b"</rss>", b"'", b'"', b"<", b"&", b"\xff"),
    *("é".encode(), "é".encode("latin-1"), b"\xef\xbf\xbd", b"\xed\xa0\xbd", b"&nbsp;", b"<a:b/>"),
    *(b"<!-- in 0.1 s -->", b"<entry>", b"<description>", b"</title>", b"\x0c", b"]]", b"\0"),
    *(b"<pubDate>Fri, 20 Nov 2026 12:00:00 GMT</pubDate>", b"<language>fr</language>"),
)


def _item(number: int, odd: bytes = b"", beside: bytes = b"") -> bytes:
    text = b"Herons %d stood in the shallows at dawn, said the warden. %s" % (number, odd)
    return (
        b"<item><guid>g%d</guid><link>https://heron.example/%d</link><title>About %d</title>"
        b"<description>%s</description>%s</item>" % (number, number, number, text, beside)
    )


def _some(often: int) -> st.SearchStrategy[bytes]:
    """Something odd once in so many times."""
    return st.integers(1, often).flatmap(
        lambda n: st.sampled_from(ODD) if n == often else st.just(b"")
    )


numbers = st.integers(0, 9)
steady = st.builds(_item, numbers, _some(12), _some(12))
news = st.builds(_item, numbers.map(lambda n: n + 10), _some(3), _some(3))
gaps = st.one_of(*[st.just(b"\n")] * 9, st.sampled_from(ODD))


@st.composite
def captures(draw: st.DrawFn) -> list[bytes]:
    """Two captures of a wire, of items from one pool, in each of which something odd may stand."""
    pool = draw(st.lists(steady, min_size=2, max_size=4, unique_by=lambda one: one[:17]))
    head, gap, tail, end = draw(_some(8)), draw(gaps), draw(_some(8)), draw(_some(9))
    made = []
    for number in range(2):
        kept = pool[: len(pool) - draw(st.integers(0, 1))]
        if draw(st.integers(0, 6)) == 0:
            kept = draw(st.permutations(kept))
        at = draw(st.integers(0, len(kept)))
        new = draw(st.lists(news, max_size=2)) if number else []
        text = gap.join([*kept[:at], *new, *kept[at:]]) + draw(_some(9))
        made.append(HEAD % (head, DATE % number) + text + tail + TAIL + end)
    return made


def _hints(**more: Any) -> Hints:
    return Hints(url=WIRE.url, headers={"content-type": TYPE, **more})


def _memory(contents: Contents) -> Memory:
    """As intake remembers what stands, but that nothing is decided here."""
    found = [one for one in contents.found if one.independent and one.received is not None]
    stood = tuple(
        Standing(str(one.start), one.raw_digest or "", b"", one.end - one.start)
        for one in sorted(found, key=lambda one: one.start)
    )
    drawn = OUTLINE.dump_python(contents.outline) if contents.outline else None
    about = (1, NOON, contents.format, f"{rules(WIRE, '')}:{contents.context}")
    return Memory(*about, stood, drawn, asdict(contents.channel), contents.tag)


class Reader:
    """Reads, and notes how many items it was given."""

    def __init__(self) -> None:
        self.given: list[int] = []

    def __call__(self, body: bytes, hints: Hints, wire: Wire) -> Contents:
        self.given.append(body.count(b"<item>"))
        return parse.parse(body, hints, wire)


def _same(body: bytes, memory: Memory, reader: Reader, **headers: str) -> Contents:
    """What is read of *body*, which must be what is in the whole."""
    hints = _hints(**headers)
    told, whole = read(reader, body, hints, WIRE, memory), parse.parse(body, hints, WIRE)
    known = {one.digest for one in told.standing}
    for start, end, name in told.standing:
        assert digest(body[start:end]) == name
    assert len(known) == len(told.standing)
    copies = [one for one in whole.found if one.raw_digest in known]
    if len(copies) == len(known):  # else one of several: intake reads all
        assert told.found == tuple(one for one in whole.found if one.raw_digest not in known)
        assert told.refused == whole.refused
        assert (told.items, told.notes, told.whole) == (whole.items, whole.notes, whole.whole)
        assert told.unread == whole.unread
    assert told.context == whole.context
    if told.format:
        assert (told.format, told.channel) == (whole.format, whole.channel)
    return told


@given(captures())
def test_what_is_read_apart_is_what_is_in_the_whole(bodies: list[bytes]) -> None:
    first, second = bodies
    try:
        before = parse.parse(first, _hints(), WIRE)
        parse.parse(second, _hints(), WIRE)
    except ParseError:
        return
    if before.context:
        _same(second, _memory(before), Reader())


MANY = [_item(number) for number in range(20)]


def _rss(made: list[bytes], minute: int = 0, tail: bytes = b"") -> bytes:
    return HEAD % (b"", DATE % minute) + b"\n  ".join(made) + tail + TAIL


@pytest.mark.parametrize(
    ("body", "given"),
    [
        pytest.param(_rss(MANY, 1), [], id="only its date moved"),
        pytest.param(_rss([_item(20), *MANY[:-1]], 1), [1], id="one is new, one gone"),
        pytest.param(_rss([*MANY[:9], _item(20), *MANY[9:]]), [1], id="one in the middle"),
        pytest.param(_rss([*MANY, _item(20)], 1), [1], id="one at the end"),
        pytest.param(_rss([_item(20), *MANY[3:9], _item(21), *MANY[9:]]), [8], id="two apart"),
        pytest.param(_rss(MANY, 1, b"<ttl>5</ttl>"), [20], id="another tail"),
        pytest.param(_rss([_item(20, "é".encode()), *MANY]), [1], id="the first that is no ASCII"),
        pytest.param(_rss([_item(20, b"\xe9"), *MANY]), [1, 21], id="another encoding"),
        pytest.param(_rss([b"<!-- - -->", *MANY]), [0, 20], id="no item"),
        pytest.param(_rss([b"<item><title>Open", *MANY]), [1, 21], id="an item without its end"),
    ],
)
def test_only_what_is_unknown_is_handed_over(body: bytes, given: list[int]) -> None:
    memory = _memory(parse.parse(_rss(MANY), _hints(), WIRE))
    reader = Reader()
    _same(body, memory, reader)
    assert reader.given == given


@pytest.mark.parametrize("name", NAMES)
def test_feeds_of_all_shapes_are_read_so(name: str) -> None:
    body = (DATA / f"{name}.xml").read_bytes()
    spans = item_spans.spans(body, unclosed=True)
    for number in range(len(spans) if len(spans) > 1 else 0):
        if number:
            before = body[: spans[number - 1][1]] + body[spans[number][1] :]
        else:
            before = body[: spans[0][0]] + body[spans[1][0] :]
        memory = _memory(parse.parse(before, _hints(), WIRE))
        told = _same(body, memory, Reader())
        assert told.standing or not memory.items or not told.context


@pytest.mark.parametrize("header", ["content-type", "link"])
def test_what_else_reading_depends_on_is_compared(header: str) -> None:
    memory = _memory(parse.parse(_rss(MANY), _hints(), WIRE))
    reader = Reader()
    _same(_rss(MANY), memory, reader, **{header: '<https://hub.example/>; rel="hub"'})
    assert reader.given


def test_it_follows_bytes_of_any_kind_in_linear_time() -> None:
    contents = parse.parse(_rss(MANY), _hints(), WIRE)
    assert contents.outline is not None
    known = tuple((one.raw_digest or "", one.end - one.start) for one in contents.found)
    for body in (b" " * 4_000_000, b"</item>" * 500_000, b"<!--" * 500_000, _rss(MANY)[:900]):
        assert cut(body, contents.outline, known, _hints()) is None
    spaces = _rss([_item(20), b" " * 4_000_000, *MANY])
    found = cut(spaces, contents.outline, known, _hints())
    assert found is not None
    assert len(found.known) == len(MANY)
