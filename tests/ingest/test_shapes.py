"""Whole feeds in the shapes that wires really send: each a feed and what must come of it.

``data/NAME.xml`` are the bytes, ``data/NAME.json`` the items and the versions expected of them;
fields that are empty are left out. The text is invented; the shapes were observed from 2021 to
2026: an Indian portal without and with content:encoded, a full story in a made-up element, an
author inside CDATA, agency only in the picture's credit, an aggregator, captions beside the story.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from ingest import formats
from ingest.decide import headline
from ingest.item import Hints, Item, Parsed
from ingest.normalize import content_digest, normalize
from stories.config import Wire
from stories.models import Version, received_copy
from tests.ingest.identities import identify
from wirecopy.scope import Copy, digests
from wirecopy.text import plain_to_html, unfolded

DATA = Path(__file__).parent / "data"
NAMES = sorted(path.stem for path in DATA.glob("*.xml"))
WIRE = Wire(name="wire", url="https://wire.example/feed.xml", timezone="Asia/Kolkata")


def slim(value: Any) -> Any:
    """*value* as JSON has it, without what is empty."""
    if isinstance(value, dict):
        return {k: s for k, v in value.items() if (s := slim(v)) not in (None, "", [], {})}
    if isinstance(value, (list, tuple)):
        return [slim(v) for v in value]
    return value


def parse(name: str) -> Parsed:
    body, hints = (DATA / f"{name}.xml").read_bytes(), Hints(url=WIRE.url)
    return formats.choose(body, hints).parse(body, hints)


def outcome(name: str) -> dict[str, Any]:
    parsed = parse(name)
    versions = []
    for item, identity in zip(parsed.items, identify(parsed.items, "guid"), strict=True):
        version = normalize(item, parsed.channel, WIRE)
        if not version.agency_id:
            version = version.model_copy(update={"agency_id": identity.key})
        kept = version.model_dump(mode="json", exclude={"wire", "body", "base", "media"})
        versions.append({"identity": identity.model_dump(), **kept})
    told = {
        **asdict(parsed),
        "unread": parsed.unread or None,
        "whole": None if parsed.whole else False,
    }
    # Of what else reading depends on: tests/ingest/test_memory.py, and test_outline.py there.
    del told["context"], told["outline"], told["tag"]
    for item in told["items"]:
        del item["independent"]
    return {**slim(told), "versions": slim(versions)}


@pytest.mark.parametrize("name", NAMES)
def test_feed_comes_out_as_written_down(name: str) -> None:
    expected = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    assert outcome(name) == expected


@pytest.mark.parametrize("name", NAMES)
def test_spans_are_the_items_own_bytes(name: str) -> None:
    body = (DATA / f"{name}.xml").read_bytes()
    charset = "utf-16-le" if name == "utf-16" else "utf-8"
    for item in parse(name).items:
        piece = body[item.start : item.end].decode(charset, "replace")
        assert piece.startswith(("<item", "<entry"))
        assert piece.endswith(("</item>", "</entry>"))


@pytest.mark.parametrize("name", NAMES)
def test_version_is_the_copy_received(name: str) -> None:
    """What is kept of an item has the digests of the item as found: nothing was touched."""
    parsed = parse(name)
    for item in parsed.items:
        version = normalize(item, parsed.channel, WIRE)
        assert untouched(item, version)
        assert content_digest(version) == content_digest(version.model_copy())


def untouched(item: Item, version: Version) -> bool:
    """Whether *version* has headline, words and links of *item*, read from the item itself."""
    body = item.body if item.body_html else plain_to_html(item.body, unfolded)
    found = digests(Copy(headline(item), body, base=item.base or None))
    kept = digests(received_copy(version))
    return all(getattr(found, p) == getattr(kept, p) for p in ("headline", "text", "links"))
