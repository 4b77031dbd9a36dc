"""A wire and a feed are renamed: nothing that was kept under the old name is lost or sent anew."""

from typing import Any

import feedparser

from ingest import intake
from publish.rerender import settings_digest
from stories import clock
from stories.config import load
from stories.db import connect, outbox
from tests.desk.test_cli import RAIN, TRAM, House, house, wire_of  # noqa: F401  the fixture
from tests.ingest.test_intake import item
from workers.start import keep_ids

FORMATS = ("rss", "atom", "json")
WIRE = ('name = "pti"\n', 'name = "pti-national"\n            aliases = ["pti"]\n')
FEED = ('name = "india"\n', 'name = "bharat"\n            aliases = ["india"]\n')
LIST = ('wires = ["pti"]', 'wires = ["pti-national"]')
LOST = "<item><guid>lost</guid><title></title></item>"


def edit(at: House, *changes: tuple[str, str]) -> None:
    path = at.folder / "wirecopy.toml"
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def shown(at: House, name: str) -> tuple[str, str, list[dict[str, Any]]]:
    """Id of the feed, its ``updated``, and its entries as a reader sees them."""
    feed = feedparser.parse(at.run("feed", name, "--format", "atom").encode())
    return feed.feed.id, feed.feed.updated, [{**entry} for entry in feed.entries]


def test_a_renamed_wire_and_feed_keep_all_that_they_had(house: House) -> None:  # noqa: F811
    house.server.answer("/pti.rss", wire_of(RAIN, TRAM, LOST), {"ETag": '"1"'})
    house.run("poll", code=1)
    rain, _ = stories = house.listed("stories")
    house.run("headline", rain["id"], "Rain, again", "--by", "Asha")
    before, quarantine = shown(house, "india"), house.listed("status")["quarantine"]
    assert quarantine["count"] == 1

    edit(house, WIRE, FEED, LIST)
    house.server.answer("/pti.rss", b"", {"ETag": '"1"'}, status=304)
    assert "not-modified" in house.run("poll"), "it has its validators"
    assert shown(house, "bharat") == before
    again = house.listed("stories")
    assert [(s["id"], s["wire"]) for s in again] == [(s["id"], "pti-national") for s in stories]
    now = house.listed("status")["quarantine"]
    assert now["count"] == 1
    assert [each["wire"] for each in now["newest"]] == ["pti-national"]
    assert [w["name"] for w in house.listed("wires")] == ["pti-national"]

    # The aliases have done their work. An update is a version of the story that was.
    edit(house, ('            aliases = ["pti"]\n', ""), ('            aliases = ["india"]\n', ""))
    longer = RAIN.replace("It rained", "It rained, they say,")
    house.server.answer("/pti.rss", wire_of(longer, TRAM, item("new", "Ferries run")))
    house.run("poll")
    told = {s["id"]: (s["version"], s["headline"]) for s in house.listed("stories")}
    assert len(told) == 3
    assert told[rain["id"]] == (2, "Rain, again")
    assert shown(house, "bharat")[0] == before[0]
    # A replay finds nothing to change, and a rebuild makes the same feeds.
    served = [house.run("feed", "bharat", "--format", each) for each in FORMATS]
    assert house.listed("replay", code=1)["changes"] == []
    house.run("replay", "--into", f"sqlite:///{house.folder}/other.sqlite3", code=1)
    edit(
        house,
        ("[publisher]", f'database_url = "sqlite:///{house.folder}/other.sqlite3"\n[publisher]'),
    )
    assert [house.run("feed", "bharat", "--format", each) for each in FORMATS] == served


def test_a_member_with_the_old_names_takes_nothing_in(house: House) -> None:  # noqa: F811
    house.run("poll")
    (house.folder / "old.toml").write_text((house.folder / "wirecopy.toml").read_text())
    old = load()
    edit(house, WIRE, LIST)
    house.run("poll")
    store = connect(old.database)
    with store.write() as conn:
        outbox.want(conn, "ingest", ["pti-national"], clock.now())
    for config, done in ((old, 0), (load(), 1)):
        keep_ids(store, config)
        assert intake.take_in_waiting(store, config, settings=settings_digest(config)) == done
    store.close()
    told = [(story["id"], story["guid"]) for story in house.listed("stories")]
    # Started with the old file, it has the wire called as before, until one with the new file is.
    for file, name in (("old.toml", "pti"), ("wirecopy.toml", "pti-national")):
        house.run("--config", file, "poll")
        stories = house.listed("stories")
        assert [(story["id"], story["guid"]) for story in stories] == told
        assert {story["wire"] for story in stories} == {name}


def test_an_entry_stays_the_same_when_its_wire_leaves(house: House) -> None:  # noqa: F811
    house.run("poll")
    served = [house.run("feed", "india", "--format", each) for each in FORMATS]
    assert f'<link href="{house.server.url}/"/>' in served[1]
    whole = (house.folder / "wirecopy.toml").read_text()
    head, _, rest = whole.partition("[[wires]]")
    other = f'[[wires]]\nname = "b"\nurl = "{house.server.url}/b.rss"\nallow_private = true\n'
    feeds = rest[rest.index("[[feeds]]") :].replace('wires = ["pti"]', "")
    (house.folder / "wirecopy.toml").write_text(head + other + feeds)
    house.server.answer("/b.rss", wire_of(TRAM).replace(b"tram", b"other"))
    house.run("poll")
    for before, each in zip(served, FORMATS, strict=True):
        now = house.run("feed", "india", "--format", each)
        guid = house.listed("stories")[-1]["guid"]
        assert guid in now
        assert before.count(guid) == now.count(guid)
    atom = [shown(house, "india")[2], feedparser.parse(served[1]).entries]
    kept = {e["id"]: e["source"] for e in atom[0]}
    assert all(kept[e["id"]] == e["source"] for e in atom[1])
