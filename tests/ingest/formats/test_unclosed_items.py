"""Every item that begins ends as an item, with its own words and no other's."""

import time

import pytest

from ingest.formats.item_spans import spans
from ingest.item import Hints
from ingest.parse import parse
from stories.config import Wire

WIRE = Wire(name="w", agency="Quay News", url="https://wire.example/feed")


def item(number: int, *, close: bool = True, section: bool = True, tag: str = "item") -> str:
    words = f"<![CDATA[<p>Words of {number}.</p>{']]>' * section}"
    inside = (
        f"<title>Story {number}</title><guid>g{number}</guid><description>{words}</description>"
    )
    return f"<{tag}>{inside}{f'</{tag}>' * close}"


OPEN = item(2, close=False)
CASES = {
    "the first": item(1, close=False) + item(2) + item(3),
    "one between": item(1) + OPEN + item(3),
    "the last": item(1) + item(2) + item(3, close=False),
    "all": item(1, close=False) + OPEN + item(3, close=False),
    "a section": item(1) + item(2, section=False) + item(3),
    "the last section": item(1) + item(2) + item(3, section=False),
    "a section and its item": item(1) + item(2, close=False, section=False) + item(3),
    "a section, its element and its item": item(1)
    + item(2, close=False, section=False).replace("</description>", "")
    + item(3),
    "a section and its element": item(1)
    + item(2, section=False).replace("</description>", "")
    + item(3),
    "the element of a section": item(1) + item(2).replace("</description>", "") + item(3),
    "a section, nearly": item(1) + item(2).replace("]]>", "]>") + item(3),
    "one whose next is closed twice": item(1, close=False) + item(2) + "</item>" + item(3),
    "one whose next is closed twice, apart": f"{item(1, close=False)}\n{item(2)}\n</item>{item(3)}",
    "an element": item(1) + item(2).replace("</title>", "") + item(3),
    "in a namespace": "".join(
        item(n, close=n != 2, tag="r:item").replace("r:title", "title") for n in (1, 2, 3)
    ),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("case", CASES)
def test_what_is_left_open_ends_where_the_next_begins(case: str, encoding: str) -> None:
    feed = f'<rss xmlns:r="http://purl.org/rss/1.0/"><channel>{CASES[case]}</channel></rss>'
    found = parse(feed.encode(encoding), Hints(url=WIRE.url), WIRE)
    assert [one.version.headline for one in found.found] == ["Story 1", "Story 2", "Story 3"]
    assert [one.version.agency_id for one in found.found] == ["g1", "g2", "g3"]
    for number, one in enumerate(found.found, 1):
        assert one.version.body.strip() == f"<p>Words of {number}.</p>"
        assert one.received is not None
    assert found.refused == ()


def test_an_entry_of_atom_too() -> None:
    entries = "".join(f"<entry><id>{n}</id><title>{n}</title><content>{n}</content>" for n in "ab")
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'.encode()
    found = parse(feed, Hints(url=WIRE.url), WIRE).found
    assert [(one.version.agency_id, one.version.body) for one in found] == [
        ("a", "<p>a</p>"),
        ("b", "<p>b</p>"),
    ]


def test_what_the_end_cuts_off_is_no_item() -> None:
    feed = f"<rss><channel>{item(1)}{OPEN}"
    assert len(spans(feed.encode(), unclosed=True)) == 1


def test_a_section_may_hold_an_example_of_a_feed() -> None:
    feed = item(1).replace("Words", "</a><item>")
    assert len(spans(feed.encode(), unclosed=True)) == 1


def test_older_captures_have_the_items_that_they_had() -> None:
    feed = f"<rss><channel>{item(1, close=False)}{item(2)}</channel></rss>".encode()
    assert len(parse(feed, Hints(url=WIRE.url, rule=1), WIRE).found) == 1


@pytest.mark.parametrize("evil", ["<item>", "<![CDATA[", "<item><![CDATA[", "</a><item>"])
@pytest.mark.parametrize("end", ["", "</item>"])
def test_hostile_bytes_take_no_time(evil: str, end: str) -> None:
    began = time.process_time()
    spans((evil * 50_000 + end * 50_000).encode(), unclosed=True)
    assert time.process_time() - began < 2
