"""The demo's agency in every format of news agencies, read by the product's readers."""

from typing import get_args

import pytest

from desk.cli.demo import Format
from desk.demo.formats import FORMATS
from desk.demo.newswire import WIRES, Script
from desk.demo.site import answer
from ingest.item import Candidate, Hints
from ingest.parse import parse
from stories.config import Wire
from tests.desk.agency import stories_at
from tests.ingest.newswires import letters
from wirecopy.text import projection

SCRIPT = Script(items=24)
MOMENT = 300.0
DELIVERED = ("newsml-g2", "newsml-1", "nitf", "ninjs", "ap", "iptc-7901", "anpa-1312")


def found(path: str) -> list[Candidate]:
    answered = answer(SCRIPT, path, {}, MOMENT)
    assert answered.status == 200
    url = f"{SCRIPT.site}{path}"
    contents = parse(answered.body, Hints(url=url), Wire(name="sim", url=url))
    assert contents.refused == ()
    return list(contents.found)


def test_the_command_knows_every_format() -> None:
    assert set(get_args(Format)) == {*FORMATS, "json"}
    assert set(DELIVERED) < set(FORMATS)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("ending", DELIVERED)
def test_every_story_is_read_whole(ending: str, wire: str) -> None:
    stories = stories_at(SCRIPT, WIRES.index(wire), MOMENT)
    if ending == "nitf":
        listed = answer(SCRIPT, f"/wires/{wire}.nitf", {}, MOMENT).body.decode().split()
        assert listed == [f"{story.link}.nitf" for story in stories]
        read = [one for url in listed for one in found(url.removeprefix(SCRIPT.site))]
    else:
        read = found(f"/wires/{wire}.{ending}")
    for story, one in zip(stories, read, strict=True):
        assert one.version.headline == story.headline
        assert letters(projection(one.version.body)) == letters(projection(story.body))
        assert one.received is not None


def test_a_document_is_asked_for_again_by_its_validator() -> None:
    path = "/stories/1-2.nitf"
    first = answer(SCRIPT, path, {}, 0.0)
    tag = dict(first.headers)["ETag"]
    assert answer(SCRIPT, path, {"if-none-match": tag}, 1.0).status == 304
    assert answer(SCRIPT, path, {"if-none-match": tag}, 30.0).status == 200  # updated
