"""What machines may do with copy, by the licences of its wires."""

import json
from typing import Any

import pytest
from lxml import etree

from publish import licence
from stories.config import Config, Feed, Wire
from tests.publish import samples

RSL = "{https://rslstandard.org/rsl}"
AT = "https://wire.example/x"


def _wire(name: str = "pti", **keys: Any) -> Wire:
    return Wire(name=name, url=AT, **keys)


@pytest.mark.parametrize(
    ("wires", "name", "permitted", "prohibited", "reservation"),
    [
        ([_wire()], "search", ["search"], ["ai-all"], "1"),
        ([_wire(noindex=True)], "nothing", [], ["all"], "1"),
        (
            [_wire(grants=["ai-train"])],
            "search+ai-train",
            ["search", "ai-train"],
            ["ai-index", "ai-input"],
            "1",
        ),
        (
            [_wire(noindex=True, grants=["tdm", "ai-input"])],
            "ai-input",
            ["ai-input"],
            ["search", "ai-index", "ai-train"],
            "0",
        ),
        (
            [_wire(grants=["ai-train", "ai-input", "ai-index", "tdm"])],
            "search+ai-index+ai-input+ai-train",
            ["search", "ai-index", "ai-input", "ai-train"],
            [],
            "0",
        ),
        # Together: what each of them grants.
        (
            [_wire(grants=["ai-train", "ai-input"]), _wire("ap", grants=["ai-input", "tdm"])],
            "search+ai-input",
            ["search", "ai-input"],
            ["ai-index", "ai-train"],
            "1",
        ),
        ([_wire(grants=["ai-train"]), None], "nothing", [], ["all"], "1"),
        ([], "search", ["search"], ["ai-all"], "1"),
    ],
)
def test_what_is_not_granted_is_prohibited(
    wires: list[Wire | None],
    name: str,
    permitted: list[str],
    prohibited: list[str],
    reservation: str,
) -> None:
    found = licence.of_wires(wires)
    [content] = etree.fromstring(found.rsl())
    [of] = content
    assert content.get("url") == "/"
    assert [e.text for e in of.iter(f"{RSL}permits")] == permitted
    assert [e.text for e in of.iter(f"{RSL}prohibits")] == prohibited
    assert {e.get("type") for e in of} == {"usage"}
    assert (found.name, found.reservation) == (name, reservation)


def _config(**keys: Any) -> Config:
    return samples.config(
        wires=(_wire(grants=["ai-input"]), _wire("ap", grants=["ai-input", "tdm"], noindex=True)),
        feeds=(Feed(name="all", title="All"), Feed(name="pti", title="PTI", wires=("pti",))),
        **keys,
    )


def test_a_feed_is_under_what_all_its_wires_grant() -> None:
    config = _config()
    assert [licence.of_feed(config, feed).name for feed in config.outgoing] == [
        "ai-input",
        "search+ai-input",
    ]
    assert sorted(licence.every(config)) == ["ai-input", "nothing", "search+ai-input"]


def test_the_site_reserves_what_any_wire_does() -> None:
    [rule] = json.loads(licence.tdmrep(_config()))
    assert rule == {"location": "/", "tdm-reservation": 1}
