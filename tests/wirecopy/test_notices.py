"""A notice that a story was withdrawn is no entry, and nothing else can pass for one."""

import json
import re
from typing import Any

import feedparser
import pytest

from wirecopy.feed import read_copies, read_feed
from wirecopy.form import FORM

OWN = FORM["names"]["wirecopy"]
AT = "2026-11-29T13:00:00+00:00"
NAMES = (
    f'xmlns:atom="{FORM["names"]["atom"]}" xmlns:dcterms="{FORM["names"]["dcterms"]}"'
    f' xmlns:wirecopy="{OWN}" xmlns:content="{FORM["names"]["content"]}"'
)
NOTICE = (
    "<item><title>Withdrawn</title><description>This story has been withdrawn.</description>"
    '<guid isPermaLink="false">g</guid><pubDate>Sun, 29 Nov 2026 13:00:00 +0000</pubDate>'
    f"<atom:updated>{AT}</atom:updated><dcterms:modified>{AT}</dcterms:modified>"
    f"<wirecopy:withdrawn>{AT}</wirecopy:withdrawn></item>"
)
ENTRY = "<item><title>Rain</title><guid>{}</guid></item>"
JSON: dict[str, Any] = {
    "id": "g",
    "title": "Withdrawn",
    "content_text": "This story has been withdrawn.",
    "date_published": AT,
    "date_modified": AT,
    "_wirecopy": {"about": "https://x.example/", "withdrawn": AT},
}


def rss(*items: str) -> bytes:
    inside = "".join(items)
    return f'<rss version="2.0" {NAMES}><channel>{inside}</channel></rss>'.encode()


def in_json(*items: dict[str, Any]) -> bytes:
    return json.dumps({"items": items}).encode()


@pytest.mark.parametrize("words", FORM["notice"]["words"].values())
def test_a_notice_is_told_from_entries(words: list[str]) -> None:
    said = NOTICE.replace("Withdrawn", words[0]).replace("This story has been withdrawn.", words[1])
    item = JSON | {"title": words[0], "content_text": words[1]}
    for document in (rss(said, ENTRY.format("h")), in_json(item, {"id": "h"})):
        notice, entry = read_feed(document)
        assert (notice.guid, notice.withdrawn) == ("g", "2026-11-29T13:00:00Z")
        assert (entry.guid, entry.withdrawn) == ("h", None)
        assert len(read_copies(document)) == 1


@pytest.mark.parametrize(
    ("there", "then"),
    [
        (">Withdrawn<", ">The minister stole it<"),
        (">Withdrawn<", ">withdrawn<"),
        (">Withdrawn<", "><b>Withdrawn</b><"),
        (">Withdrawn<", ' xml:lang="en">Withdrawn<'),
        ("has been withdrawn.", "has been withdrawn. He stole it."),
        ("<item>", "<item><title>He stole it</title>"),
        ("<item>", "<item><content:encoded>He stole it</content:encoded>"),
        ("<item>", "<item><link>https://x.example/</link>"),
        ("<item>", '<item xml:base="https://x.example/">'),
        ("<item>", "<item><enclosure url='https://x.example/1.mp3'/>"),
        ("<item>", "<item><wirecopy:editScope>verbatim</wirecopy:editScope>"),
        ("<item>", f"<item>{2 * '<wirecopy:statement>x.y.z</wirecopy:statement>'}"),
        ("<item>", "<item><comments xmlns=''>He stole it</comments>"),
        ('isPermaLink="false"', 'isPermaLink="true"'),
        ("Sun, 29 Nov 2026 13:00:00 +0000", "He stole it"),
        (f">{AT}</wirecopy:withdrawn>", ">He stole it</wirecopy:withdrawn>"),
        (f"<dcterms:modified>{AT}</dcterms:modified>", ""),
        ('<guid isPermaLink="false">g</guid>', ""),
        (">g<", "><"),
    ],
)
def test_what_says_more_or_less_is_an_entry_and_fails(there: str, then: str) -> None:
    assert there in NOTICE
    [found] = read_feed(rss(NOTICE.replace(there, then, 1)))
    assert any("withdrawn" in fault for fault in found.faults), found.faults


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "The minister stole it"},
        {"content_text": "He stole it."},
        {"content_html": "He stole it."},
        {"content_html": None, "Title": "He stole it"},
        {"url": "https://x.example/"},
        {"summary": "He stole it"},
        {"image": "https://x.example/1.png"},
        {"id": ""},
        {"id": 7},
        {"date_modified": "He stole it"},
        {"_wirecopy": {"about": "https://x.example/", "withdrawn": "He stole it"}},
        {"_wirecopy": {"withdrawn": AT}},
        {"_wirecopy": JSON["_wirecopy"] | {"wire_headline": "He stole it"}},
    ],
)
def test_in_json_too(changed: dict[str, Any]) -> None:
    [found] = read_feed(in_json(JSON | changed))
    assert any("withdrawn" in fault for fault in found.faults), found.faults


def test_an_entry_beside_its_own_notice_fails() -> None:
    for document in (rss(NOTICE, ENTRY.format("g")), in_json({"id": "g"}, JSON)):
        [found] = [entry for entry in read_feed(document) if entry.withdrawn is None]
        assert found.faults == ("a notice that it is withdrawn stands beside it",)


def test_a_notice_of_atom_is_one_whoever_wrote_it() -> None:
    inside = "<entry><id>g</id><title>He stole it</title></entry>"
    deleted = (
        f'<at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="g" when="{AT}"'
    )
    feed = f'<feed xmlns="{FORM["names"]["atom"]}">{deleted}{{}}</feed>'
    [notice] = read_feed(feed.format("/>").encode())
    assert (notice.guid, notice.withdrawn, notice.faults) == ("g", "2026-11-29T13:00:00Z", ())
    by = "<at:by xmlns:at='http://purl.org/atompub/tombstones/1.0'>x</at:by>"
    [notice] = read_feed(feed.format(f">{by}</at:deleted-entry>").encode())
    assert notice.faults == ()
    _, entry = read_feed(feed.format(f">{inside}</at:deleted-entry>").encode())
    assert entry.headline == "He stole it"
    assert entry.faults or not entry.statement
    assert read_copies(feed.format("/>").encode()) == []


@pytest.mark.parametrize(
    ("there", "then", "fault"),
    [
        ("when=", "id='x' when=", "the attribute 'id'"),
        ("<wc:", "<entry><title>He stole it</title></entry><wc:", "<entry> in"),
        ("</wc:statement>", "</wc:statement><wc:statement/>", "more than once"),
        (">x.y.z<", "><b>x</b><", "an element in <statement>"),
        (AT, "He stole it", "is no date"),
    ],
)
def test_a_signed_notice_of_atom_holds_nothing_else(there: str, then: str, fault: str) -> None:
    names = f'xmlns="{FORM["names"]["atom"]}" xmlns:wc="{OWN}"'
    signed = (
        f'<feed {names}><at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="g"'
        f' when="{AT}"><wc:statement>x.y.z</wc:statement></at:deleted-entry></feed>'
    )
    assert read_feed(signed.encode())[0].faults == ()
    assert fault in read_feed(signed.replace(there, then, 1).encode())[0].faults[0]


def test_others_see_of_a_notice_the_words_alone() -> None:
    counted = NOTICE.replace("<item>", '<item><x:img xmlns:x="urn:elsewhere" src="y"/>')
    assert read_feed(rss(counted))[0].withdrawn is not None
    [found] = feedparser.parse(rss(counted)).entries
    said = " ".join(str(found.get(name, "")) for name in ("title", "summary", "content", "link"))
    assert re.sub(r"\s+", " ", said.strip()) == "Withdrawn This story has been withdrawn."
