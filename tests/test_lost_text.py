"""A story that lost text, the whole way: in quarantine until the parser is mended, or published
without a claim; its neighbours untouched. On both databases."""

import json
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

from desk import status
from desk.headline import rewrite
from ingest import intake, parse, replay
from ingest.formats import rss_atom
from ingest.parse import Reader
from ingest.replay import Selection
from publish import renderer
from publish.rerender import rerender_if_changed
from publish.served import served
from stories import clock
from stories.config import Config
from stories.db import Store, captures, feeds
from stories.db import stories as records
from stories.models import Story
from tests.conftest import ConfigOf
from tests.ingest.test_intake import Desk, feed, item

WIRECOPY = "{urn:uuid:679fde77-ca8f-4c3a-b072-c5b02e8fa5e1}"
PROSE = "The harbour office said on Sunday that the ferries would run again from Monday. " * 3
NEW = "dispatch"
"""An element that today's parser does not know; the mended one does."""


def lossy(guid: str = "lossy") -> str:
    return item(guid, "Ferries run again", "Ferries will run.", f"<{NEW}>{PROSE}</{NEW}>")


class House(Desk):
    """As the other, which also renders."""

    def publish(self, *bodies: bytes, reader: Reader | None = None) -> list[int]:
        numbers = self.take(*bodies, reader=reader) if reader else self.take(*bodies)
        self.render()
        return numbers

    def render(self) -> None:
        with clock.reading(lambda: self.now):
            rerender_if_changed(self.store, self.config)
            renderer.render_waiting(self.store, self.config)

    def replay(self, selection: Selection) -> list[intake.Taken]:
        planned = replay.plan(self.store, selection)
        with clock.reading(lambda: self.now):
            going = replay.replay(
                self.store,
                self.config,
                selection,
                planned,
                sleep=lambda _: None,
                reader=parse.parse,  # the mended parser stands in this process only
            )
            taken = list(going)
        self.render()
        return taken

    def stories(self) -> dict[str, Story]:
        with self.store.read() as conn:
            return {s.version.agency_id: s for s in records.newest(conn, limit=9)}

    def shown(self) -> dict[str, dict[str, Any]]:
        """What each entry says of itself, in every format: headline, scope, claim, last words."""
        told: dict[str, dict[str, Any]] = {}
        with self.store.read() as conn:
            rows = {f: served(conn, self.config, "all", f) for f in feeds.FORMATS}
        bodies = {f: row.body for f, row in rows.items() if row is not None}
        for one in etree.fromstring(bodies["rss"]).iter("item"):
            told[str(one.findtext("title"))] = {
                "rss": (
                    one.findtext(f"{WIRECOPY}editScope"),
                    one.findtext(f"{WIRECOPY}editedHeadlineOnly"),
                    "not been edited" in etree.tostring(one, encoding="unicode"),
                )
            }
        for one in etree.fromstring(bodies["atom"]).iter("{*}entry"):
            told[str(one.findtext("{*}title"))]["atom"] = (
                one.findtext(f"{WIRECOPY}editScope"),
                one.findtext(f"{WIRECOPY}editedHeadlineOnly"),
                "not been edited" in etree.tostring(one, encoding="unicode"),
            )
        for entry in json.loads(bodies["json"])["items"]:
            own = entry["_wirecopy"]
            told[entry["title"]]["json"] = (
                own["edit_scope"],
                str(own["edited_headline_only"]).lower(),
                "not been edited" in json.dumps(entry),
            )
        return told


def house(config: ConfigOf, store: Store, **wire: Any) -> House:
    rules = {"name": "w", "agency": "Agency", "url": "https://agency.example/f", **wire}
    return House(config(wires=[rules]), store)


def mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rss_atom, "_FULL_TEXT", (*rss_atom._FULL_TEXT, NEW))


def everywhere(scope: str, *, claim: bool) -> dict[str, Any]:
    return dict.fromkeys(("rss", "atom", "json"), (scope, "false", claim))


GOOD = item("good", "Rain stops play")


def test_what_lost_text_waits_in_quarantine_until_the_parser_is_mended(
    config: ConfigOf, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = house(config, store)
    (number,) = desk.publish(feed(lossy(), GOOD))
    assert desk.shown() == {"Rain stops play": everywhere("verbatim", claim=True)}
    with store.read() as conn:
        (fault,) = captures.problems_of(conn, number)
        assert captures.quarantined(conn) == {number}
    assert (fault.position, fault.state) == (0, "text-lost")
    assert "<dispatch> says “The harbour office said on Sunday" in fault.message
    standing = status.as_data(status.gather(desk.config, store, desk.now))["quarantine"]
    assert (standing["count"], standing["newest"][0]["state"]) == (1, "text-lost")

    assert desk.replay(Selection(quarantined=True))[0].changes == ()
    mend(monkeypatch)
    changes = desk.replay(Selection(quarantined=True))[0].changes
    assert [c.kind for c in changes] == ["new"]
    with store.read() as conn:
        assert captures.problems_of(conn, number) == []
    assert desk.stories()["lossy"].version.body == f"<p>{PROSE.strip()}</p>"
    assert desk.shown() == {
        "Ferries run again": everywhere("verbatim", claim=True),
        "Rain stops play": everywhere("verbatim", claim=True),
    }


def test_or_is_published_without_a_claim_in_every_format(
    config: ConfigOf, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = house(config, store, conserve="unknown")
    (number,) = desk.publish(feed(lossy(), GOOD))
    assert desk.shown() == {
        "Ferries run again": everywhere("unknown", claim=False),
        "Rain stops play": everywhere("verbatim", claim=True),
    }
    stories = desk.stories()
    assert stories["lossy"].received is None
    assert stories["good"].received is not None
    with store.read() as conn:
        capture = captures.get(conn, number)
        assert captures.problems_of(conn, number) == []
    assert capture is not None
    assert "published without a claim, text-lost: text was lost" in capture.notes[-1]

    # Nothing happens to it by being seen, or replayed, again.
    desk.publish(feed(lossy(), GOOD, item("later", "Later")))
    assert desk.stories()["lossy"].number == 1
    assert [t.changes for t in desk.replay(Selection())] == [(), ()]

    mend(monkeypatch)
    changes = [c for t in desk.replay(Selection()) for c in t.changes]
    assert [(c.kind, "received" in c.fields) for c in changes] == [("changed", True)]
    assert desk.shown()["Ferries run again"] == everywhere("verbatim", claim=True)


def test_a_desk_headline_on_it_claims_nothing_either(config: ConfigOf, store: Store) -> None:
    desk = house(config, store, conserve="unknown")
    desk.take(feed(lossy(), GOOD))
    with clock.reading(lambda: desk.now + timedelta(minutes=1)):
        for story in desk.stories().values():
            rewrite(store, story.id, f"By the desk: {story.version.headline}", "Asha")
    desk.render()
    told = desk.shown()
    assert told["By the desk: Ferries run again"] == everywhere("unknown", claim=False)
    assert told["By the desk: Rain stops play"]["rss"] == ("headline-only", "true", True)


def test_the_choice_may_be_made_later(config: ConfigOf, store: Store) -> None:
    """Changing the setting lets go what stood in quarantine."""
    desk = house(config, store)
    desk.publish(feed(lossy()))
    assert desk.stories() == {}
    relaxed: Config = house(config, store, conserve="unknown").config
    desk.config = relaxed
    desk.replay(Selection(quarantined=True))
    assert desk.shown() == {"Ferries run again": everywhere("unknown", claim=False)}
