"""Items that only lead to their texts, over real HTTP: item and text are one capture, and one
story, or none."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from desk.demo.news_json import ap, as_json, ninjs_3
from desk.demo.news_xml import NAR, g2_item, g2_message, nitf
from ingest.item import Contents, Hints
from ingest.packed import together
from ingest.parse import parse
from stories.config import Wire
from stories.db import Store
from stories.db import stories as records
from stories.errors import ParseError
from stories.models import Version
from tests import hostile
from tests.conftest import ConfigOf
from tests.ingest.formats.test_news_formats import RAIN
from tests.ingest.newswires import letters
from tests.ingest.test_linked import Listed
from wirecopy.text import projection

SUN = replace(RAIN, guid="urn:x:sun", headline="Sun & calm")
WIRE = Wire(name="w", url="https://agency.example/list")


def rendition(address: str) -> dict[str, Any]:
    return {"nitf": {"type": "text", "href": address}, "other": {"type": "text", "href": "/no"}}


def ap_list(*told: tuple[Any, str]) -> bytes:
    """A list of AP whose items lead to their texts."""
    whole: Any = ap([story for story, _ in told])
    for one, (_, address) in zip(whole["data"]["items"], told, strict=True):
        for name in ("body_html", "body_text"):
            one["item"].pop(name, None)
        one["item"] |= {"renditions": rendition(address)}
    return as_json(whole)


def ninjs_list(*told: tuple[Any, str]) -> bytes:
    found: list[Any] = []
    for story, address in told:
        one: Any = ninjs_3(story)
        del one["bodies"]
        found.append({**one, "renditions": rendition(address)})
    return as_json(found)


def g2_list(*told: tuple[Any, str]) -> bytes:
    remote = "<remoteContent contenttype='application/nitf+xml' href='{}'/>"
    return g2_message("".join(g2_item(s, remote.format(a)) for s, a in told)).encode()


LISTS: dict[str, Callable[..., bytes]] = {"ap": ap_list, "ninjs": ninjs_list, "g2": g2_list}
every = pytest.mark.parametrize("name", LISTS)
PAGE = f"<html><head><title>No copy</title><script>1</script></head><body>{RAIN.body}</body></html>"
TEXTS = {
    "nitf": nitf(RAIN).encode(),
    "g2": g2_message(g2_item(RAIN)).encode(),
    "ninjs": as_json(ninjs_3(RAIN)),
    "a page": PAGE.encode(),
    "xhtml": f'<?xml version="1.0"?>{PAGE}'.encode(),
    "latin": nitf(RAIN).replace("UTF-8", "iso-8859-1").encode("iso-8859-1"),
}


@pytest.fixture
def listed(config: ConfigOf, store: Store, tmp_path: Path) -> Iterator[Listed]:
    with hostile.serve() as server:
        found = Listed(config, store, tmp_path)
        found.server = server
        headers = {"Authorization": "Bearer t"}
        found.configure(
            url=f"{server.url}/list", links=True, allow_private=True, timeout="10s", headers=headers
        )
        server.answer("/1.xml", TEXTS["nitf"])
        server.answer("/2.xml", nitf(SUN).encode())
        yield found


def versions(listed: Listed) -> dict[str, Version]:
    listed.take_in()
    with listed.store.read() as conn:
        return {s.version.headline: s.version for s in records.newest(conn, limit=9)}


@every
def test_item_and_text_are_one_capture_and_one_story(listed: Listed, name: str) -> None:
    listed.server.answer("/list", LISTS[name]((RAIN, "/1.xml?qt=a"), (SUN, "/2.xml?qt=b")))
    polled = listed.poll()
    assert (polled.message, polled.state, len(polled.captures)) == ("", "ok", 2)
    found = versions(listed)
    assert set(found) == {RAIN.headline, SUN.headline}
    version = found[RAIN.headline]
    assert letters(projection(version.body)) == letters(RAIN.words)
    assert (version.agency_id, version.agency_version) == (RAIN.guid, "3")
    assert [each.notes for each in listed.captured()] == [[], []]
    with zipfile.ZipFile(io.BytesIO(listed.bodies()[1] or b"")) as both:
        assert both.read("wirecopy-text") == TEXTS["nitf"]
    asked = listed.server.seen("/1.xml")[0]
    assert asked.header("authorization") == "Bearer t"  # as its own origin's


@every
def test_a_text_is_asked_for_again_when_its_item_says_anything_else(
    listed: Listed, name: str
) -> None:
    listed.server.answer("/list", LISTS[name]((RAIN, "/1.xml?qt=a")))
    listed.poll()
    listed.server.answer("/list", LISTS[name]((RAIN, "/1.xml?qt=another")))
    assert listed.poll().captures == ()
    assert len(listed.server.seen("/1.xml")) == 1
    listed.server.answer("/list", LISTS[name]((replace(RAIN, version="4"), "/1.xml?qt=c")))
    assert len(listed.poll().captures) == 1


def test_a_text_that_cannot_be_had_keeps_its_item_back_and_no_other(listed: Listed) -> None:
    listed.server.answer("/list", ap_list((RAIN, "/1.xml"), (SUN, "/2.xml")))
    listed.server.answer("/1.xml", b"gone", status=404)
    polled = listed.poll()
    assert polled.state == "unreadable"
    assert RAIN.guid in polled.message
    assert set(versions(listed)) == {SUN.headline}
    listed.serve("/1.xml", TEXTS["nitf"])
    assert listed.poll().state == "ok"
    assert set(versions(listed)) == {SUN.headline, RAIN.headline}


@every
def test_what_is_killed_is_killed_though_its_text_is_gone(listed: Listed, name: str) -> None:
    listed.server.answer("/list", LISTS[name]((RAIN, "/1.xml")))
    listed.poll()
    assert set(versions(listed)) == {RAIN.headline}
    listed.server.answer("/1.xml", b"gone", status=410)
    killed = LISTS[name]((replace(RAIN, version="4", status="canceled"), "/1.xml"))
    assert killed.count(b"canceled") == 1
    listed.server.answer("/list", killed)
    assert listed.poll().state == "ok"
    listed.take_in()
    with listed.store.read() as conn:
        [story] = records.newest(conn, limit=9)
    assert story.status == "killed"


def test_nothing_is_asked_for_inside_nor_with_our_secrets_elsewhere(listed: Listed) -> None:
    with hostile.serve() as other:
        other.answer("/1.xml", TEXTS["nitf"])
        inside = "http://169.254.169.254/latest"
        listed.server.answer("/list", ap_list((RAIN, f"{other.url}/1.xml"), (SUN, inside)))
        polled = listed.poll()
        assert other.seen("/1.xml")[0].header("authorization") is None
    assert polled.state == "unreadable"
    assert set(versions(listed)) == {RAIN.headline}


# What a text may be.


def read(text: bytes, item: bytes | None = None, kind: str = "") -> Contents:
    hints = Hints(url=WIRE.url, headers={"content-type": kind})
    return parse(together(item or ap_list((RAIN, "/1.xml")), text), hints, WIRE)


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_known_by_its_bytes(name: str) -> None:
    [found] = read(TEXTS[name]).found
    assert found.received is not None, read(TEXTS[name]).notes
    assert letters(projection(found.version.body)) == letters(RAIN.words)
    assert found.version.agency_id == RAIN.guid


def test_plain_text_is_one_too() -> None:
    [found] = read(b"One & two.\n\nThree < four.\n", kind="text/plain").found
    assert projection(found.version.body) == "One & two.\nThree < four."
    assert found.received is not None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" \n",
        b"<html><body> </body></html>",
        g2_message(g2_item(RAIN) + g2_item(SUN)).encode(),  # whose?
        ap_list((RAIN, "/1.xml")),  # leads on
        TEXTS["nitf"][:-300],
        b"{",
        b"Rain <p>and wind",  # neither a page nor plain
        TEXTS["ninjs"][:200],
        b"\x01agy0042 4 i 41 Rain",
    ],
)
def test_half_a_story_is_none(text: bytes) -> None:
    assert states(text) in (["item-elsewhere"], ["empty"], ["malformed"])


def states(text: bytes) -> list[str]:
    """Why the item with this *text* was not taken in."""
    try:
        contents = read(text)
    except ParseError as error:
        return [error.state]
    assert contents.found == ()
    return [one.state for one in contents.refused]


def test_a_lost_paragraph_of_the_text_is_found() -> None:
    hidden = "The harbour office said on Sunday that the ferries would run again from Monday. " * 3
    text = TEXTS["nitf"].replace(
        b"</body.content>", b"</body.content><aside>%s</aside>" % hidden.encode()
    )
    assert text != TEXTS["nitf"]
    contents = read(text)
    assert [one.received for one in contents.found] == [None] or contents.refused


def test_an_archive_of_an_agency_that_is_called_so_is_read_as_one_story() -> None:
    """Whoever names files so says what Wirecopy would say, and no more."""
    [found] = read(TEXTS["nitf"], as_json(ninjs_3(RAIN))).found
    assert letters(projection(found.version.body)) == letters(RAIN.words)


def test_it_is_packed_to_the_same_bytes_whenever_it_comes() -> None:
    assert together(b"a", b"b") == together(b"a", b"b")
    assert json.loads(ap_list((RAIN, "/1.xml")))["data"]
    assert NAR in g2_list((RAIN, "/1.xml")).decode()
