"""The site as a folder of files: all of it, in an order in which nothing leads nowhere, kept up to
date by what the outbox says."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from publish import folder as folders
from publish.renderer import render_waiting
from publish.rerender import rerender_if_changed
from publish.web import export as export_module
from publish.web import feeds as feeds_module
from publish.web.app import create
from publish.web.export import Exporter, _partial_tiles, _whole_tiles
from publish.web.proofs import _parse
from stories import clock, logs
from stories.config import Config, Feed, Site
from stories.db import Store, outbox, wires
from stories.db import stories as records
from stories.models import HeadlineEdit, Story
from stories.transparency import begin_anew
from tests.publish import samples
from tests.publish.shelf import publish
from tests.publish.web.test_proofs import fill
from tests.serving import served

FEEDS = (
    Feed(name="india", title="India", limit=3),
    Feed(name="urdu", title="اردو", languages=("ur",)),
)


@dataclass
class Shelf:
    """A store whose site is exported into a folder, and the hands that change it."""

    store: Store
    root: Path
    keys: dict[str, Any] = field(default_factory=dict)
    open: list[Exporter] = field(default_factory=list)

    @property
    def config(self) -> Config:
        site = Site(url="https://feeds.ndtv.com", export=self.root)
        return samples.config(**{"site": site, "feeds": FEEDS, **self.keys})

    def export(self, seconds: float = 60, **keys: Any) -> bool:
        """One turn of a process that was just started, with other settings if they are given."""
        if keys or not self.open:
            self.end()
            self.keys |= keys
            self.open.append(Exporter(self.config, self.store))
        exporter = self.open[-1]
        exporter._ended = exporter._listed = float("-inf")
        return exporter.keep(seconds)

    def end(self) -> None:
        """End the process that exports; the next call is one of another."""
        for exporter in self.open:
            exporter.close()
        self.open.clear()

    def rewrite(self, story: Story, headline: str) -> None:
        with self.store.write() as conn:
            edit = HeadlineEdit(text=headline, by="Meera", at=clock.now(), against=1)
            records.add_edit(conn, story.id, edit)
            records.settle(conn, [story.id])
            outbox.want(conn, "story", [story.id], clock.now())
        render_waiting(self.store, self.config)

    def publish(self, *stories: Story) -> None:
        publish(self.store, self.config, *stories)

    def files(self) -> dict[str, tuple[int, float]]:
        """Every file that is served, with what tells whether it was written anew."""
        return {
            str(path.relative_to(self.root)): (path.stat().st_ino, path.stat().st_mtime)
            for path in self.root.rglob("*")
            if path.is_file() and ".wirecopy" not in path.parts
        }

    def names(self) -> set[str]:
        """The files without those that are packed beside them."""
        return {name for name in self.files() if not name.endswith((".gz", ".zst"))}

    def body(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def waiting(self) -> dict[str, int]:
        with self.store.read() as conn:
            return {w.kind: w.count for w in outbox.waiting(conn, clock.now())}


BESIDE = ("/statements", "/ninjs", "/newsml-g2")
"""What there is of a story besides its page."""


@pytest.fixture
def shelf(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """Nothing here is in a hurry."""
    monkeypatch.setattr(feeds_module, "PATIENCE", 60.0)
    monkeypatch.setattr(feeds_module, "FIRST_PATIENCE", 60.0)
    found = Shelf(store, tmp_path / "folder")
    yield found
    found.end()


def many(count: int) -> list[Story]:
    """Stories of which each changed after the one before."""
    found = []
    for n in range(count):
        story = samples.story(samples.version(agency_id=f"PTI-{n:04}", headline=f"Story {n:04}"))
        at = story.received_at + timedelta(minutes=n)
        found.append(story.model_copy(update={"received_at": at, "first_received": at}))
    return found


def test_the_folder_is_the_site(shelf: Shelf) -> None:
    """Every address of which the site knows, with the bytes that it sends, packed or not."""
    stories = (samples.english(), samples.hindi(), samples.urdu())
    shelf.publish(*stories)
    assert shelf.export() is False
    app = create(shelf.config, shelf.store, ready=dict, metrics=None)
    scripts = re.findall(
        r'src="(/static/[^"]+/)page.js"', shelf.body(f"stories/{stories[0].id}.html")
    )
    expected = {
        *("/", "/robots.txt", "/favicon.ico", "/favicon.svg", "/icon.png"),
        *(f"/feeds/{f.name}{end}" for f in FEEDS for end in ("", ".rss", ".atom", ".json")),
        *(f"/stories/{story.id}{end}" for story in stories for end in ("", *BESIDE)),
        *("/.well-known/jwks.json", "/.well-known/tdmrep.json", "/feeds.opml", "/log/checkpoint"),
        *(f"/licences/{name}.xml" for name in ("search", "nothing")),
        *("/log/tile/0/000.p/3", "/log/tile/entries/000.p/3"),
        *(
            scripts[0] + path.name
            for path in (Path(export_module.__file__).parent / "static").iterdir()
        ),
    }
    assert {export_module.name_of(address) for address in expected} | {"404.html"} == shelf.names()
    with served(app) as site:
        for address in expected:
            name = export_module.name_of(address)
            plain = site.ask(address)
            assert (plain.status, plain.body) == (200, (shelf.root / name).read_bytes()), address
            packed = site.ask(address, {"Accept-Encoding": "gzip"})
            beside = shelf.root / f"{name}.gz"
            assert ("content-encoding" in packed.headers) is beside.exists()
            if beside.exists():
                assert packed.body == beside.read_bytes()
            told = plain.headers.get("last-modified")
            if told and address.startswith("/feeds/"):
                at = clock.now().fromtimestamp(
                    (shelf.root / name).stat().st_mtime, clock.now().tzinfo
                )
                assert at.strftime("%a, %d %b %Y %H:%M:%S GMT") == told
    assert shelf.waiting() == {}


def test_what_has_not_changed_is_not_written(shelf: Shelf) -> None:
    shelf.publish(samples.english(), samples.urdu())
    shelf.export()
    before = shelf.files()
    shelf.export()
    with shelf.store.write() as conn:
        outbox.want(conn, "export-story", [samples.english().id], clock.now())
        outbox.want(conn, "export-feed", ["india"], clock.now())
    shelf.export()
    assert shelf.files() == before
    shelf.rewrite(samples.urdu(), "ایک اور سرخی")
    shelf.export()
    changed = {n for n in shelf.names() if shelf.files()[n] != before.get(n)}
    assert changed == {
        "index.html",
        *(
            f"feeds/{feed}.{end}"
            for feed in ("india", "urdu")
            for end in ("html", "rss", "atom", "json")
        ),
        f"stories/{samples.urdu().id}.html",
        *(f"stories/{samples.urdu().id}{end}" for end in BESIDE),
    }


def test_pages_that_list_stories_are_written_once_in_a_while(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_module, "LISTS", timedelta(hours=1))  # however slow the machine is
    story = samples.english()
    shelf.publish(story, samples.urdu())
    shelf.export()
    exporter = shelf.open[-1]
    listed = ("index.html", "feeds/india.html")
    for n in range(3):
        shelf.rewrite(story, f"Headline {n}")
        exporter._ended, before = float("-inf"), shelf.files()
        exporter.keep(60.0)
        changed = {name for name in shelf.names() if shelf.files()[name] != before.get(name)}
        assert {f"stories/{story.id}.html", "feeds/india.rss"} <= changed
        assert changed.isdisjoint(listed)
        assert shelf.waiting() == {"export-page": 1}
    soon = clock.now() + export_module.LISTS
    with clock.reading(lambda: soon):
        exporter._ended = float("-inf")
        exporter.keep(60.0)
    assert shelf.waiting() == {}
    assert all("Headline 2" in shelf.body(name) for name in listed)


class PowerCutError(BaseException):
    """The process is no more."""


def leads_nowhere(root: Path) -> list[str]:
    """What is promised by the feeds in the folder and is not there."""
    found = []
    for file in sorted((root / "feeds").glob("*.json")):
        for item in json.loads(file.read_bytes())["items"]:
            token = item["_wirecopy"]["statement"]
            name = item["url"].rpartition("-")[2]
            page, chain = (root / "stories" / f"{name}{end}" for end in (".html", "/statements"))
            if not page.exists():
                found.append(f"{file.name}: page of {name}")
            if not chain.exists() or token not in json.loads(chain.read_bytes())["statements"]:
                found.append(f"{file.name}: chain of {name}")
            if not (root / ".well-known/jwks.json").exists():
                found.append("keys")
    checkpoint = root / "log" / "checkpoint"
    if checkpoint.exists():
        size = int(checkpoint.read_text().split("\n")[1])
        found += [at for at in _partial_tiles("/log", size) if not (root / at[1:]).exists()]
    elif any((root / "feeds").glob("*.json")):
        found.append("log")
    for page in root.rglob("*.html"):
        for name in re.findall(r'(?:href|src)="/((?:stories|static)/[^"#]+)"', page.read_text()):
            if not (root / name).exists() and not (root / f"{name}.html").exists():
                found.append(f"{page.name}: {name}")
    return found


@pytest.mark.slow
def test_killed_at_any_moment_nothing_leads_nowhere_and_nothing_is_lost(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each single step of taking its place or going, one after the other."""
    first, second = samples.english(), samples.urdu()
    shelf.publish(first)
    steps = 0

    def count(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **keys: Any) -> Any:
            nonlocal steps
            steps -= 1
            if steps == 0:
                raise PowerCutError
            return real(*arguments, **keys)

        return step

    monkeypatch.setattr(Path, "replace", count(Path.replace))
    monkeypatch.setattr(Path, "unlink", count(Path.unlink))
    cuts = 0
    for change in ("new", "stories", "headline"):
        if change == "stories":
            shelf.publish(second, *many(3))
        elif change == "headline":
            shelf.rewrite(first, "Another headline")
        for at in range(1, 1000):
            steps = at
            try:
                shelf.export()
            except PowerCutError:
                cuts += 1
                assert leads_nowhere(shelf.root) == []
                with shelf.store.write() as conn:  # as if the lease had ended
                    conn.execute(text("UPDATE outbox SET lease_until = 0"))
            else:
                break
        assert leads_nowhere(shelf.root) == []
        with shelf.store.read() as conn:
            assert outbox.failures(conn) == []
        assert shelf.waiting() == {}
    assert cuts > 30
    assert "Another headline" in shelf.body("feeds/india.rss")
    assert not [name for name in shelf.files() if name.rpartition("/")[2].startswith(".")]
    steps = 0
    before = shelf.files()
    with folders.opened(shelf.root, wait=False) as folder:
        shelf.open[-1].whole(folder, lambda _: None)
    assert shelf.files() == before


def test_a_story_whose_licence_is_over_goes_and_what_proves_it_stays(shelf: Shelf) -> None:
    story = samples.english()
    pti = samples.config().wires[0].model_copy(update={"expires_after": timedelta(days=1)})
    shelf.keys = {"wires": (pti,)}
    with clock.reading(lambda: story.first_received + timedelta(hours=1)):
        with shelf.store.write() as conn:
            wires.sync(conn, [pti], clock.now())
        shelf.publish(story)
        shelf.export()
        assert f"stories/{story.id}.html" in shelf.names()
    with clock.reading(lambda: story.first_received + timedelta(hours=25)):
        with shelf.store.write() as conn:
            outbox.want(conn, "story", [story.id], clock.now())
        render_waiting(shelf.store, shelf.config)
        shelf.export()
        there = {name for name in shelf.files() if name.startswith("stories/")}
        chain = f"stories/{story.id}/statements"
        assert there == {f"stories/{story.id}.gone", chain, f"{chain}.gz", f"{chain}.zst"}
        assert "licence" in shelf.body("410.html")
        assert story.id not in shelf.body("feeds/india.html")
        assert story.id not in shelf.body("index.html")
        # A wrong term, corrected.
        with shelf.store.write() as conn:
            wires.sync(conn, [pti.model_copy(update={"expires_after": None})], clock.now())
        shelf.keys = {}
        shelf.publish()
        shelf.end()
        shelf.export()
        assert f"stories/{story.id}.html" in shelf.names()
        assert f"stories/{story.id}.gone" not in shelf.names()


def test_a_feed_that_left_goes_and_what_is_not_ours_stays(shelf: Shelf) -> None:
    shelf.publish(samples.english(), samples.urdu())
    shelf.export()
    for name in ("feeds/mine.rss", "ads.txt", "stories/mine.html"):
        (shelf.root / name).write_text("mine")
    shelf.keys = {"feeds": FEEDS[:1]}
    rerender_if_changed(shelf.store, shelf.config)
    render_waiting(shelf.store, shelf.config)
    shelf.export(feeds=FEEDS[:1])
    assert not [name for name in shelf.files() if name.startswith("feeds/urdu")]
    assert {"feeds/mine.rss", "ads.txt", "stories/mine.html", "feeds/india.rss"} <= shelf.names()


def test_a_story_that_is_old_is_still_there(shelf: Shelf) -> None:
    """The site has the page of every story that belongs to a feed, beyond its limit too."""
    stories = many(5)
    for story in stories:
        shelf.publish(story)
        shelf.export()
    assert {f"stories/{story.id}.html" for story in stories} <= shelf.names()


def test_stories_off_the_record_go(shelf: Shelf) -> None:
    """Whether or not anybody said so."""
    shelf.publish(samples.english(), samples.urdu())
    shelf.export()
    with shelf.store.write() as conn:
        for table in ("stories", "entries", "placements", "statements"):
            column = "id" if table == "stories" else "story_id"
            conn.execute(
                text(f"DELETE FROM {table} WHERE {column} = :name"),
                {"name": samples.urdu().id},
            )
    shelf.export(
        site=Site(url="https://feeds.ndtv.com", export=shelf.root, timezone="Asia/Kolkata")
    )
    assert {n for n in shelf.names() if n.startswith("stories/")} == {
        f"stories/{samples.english().id}{end}" for end in (".html", *BESIDE)
    }


def test_a_new_folder_is_filled_a_little_at_a_time_newest_first(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_module, "STORIES_A_STEP", 4)
    stories = many(15)
    shelf.keys = {"site": Site(url="https://feeds.ndtv.com")}  # nothing is noted of them
    shelf.publish(*stories)
    shelf.keys = {}
    turns = 0
    newest_first = [story.id for story in reversed(stories)]
    while shelf.export(seconds=0):
        turns += 1
        assert leads_nowhere(shelf.root) == []
        there = [name for name in newest_first if f"stories/{name}.html" in shelf.names()]
        assert there == newest_first[: len(there)]
        if turns % 3 == 0:
            shelf.end()  # another process goes on
    assert turns >= 4
    assert len(there) > len(stories) - 4
    assert {f"stories/{name}.html" for name in newest_first} <= shelf.names()


def test_other_settings_have_everything_written_anew(shelf: Shelf) -> None:
    shelf.publish(samples.english())
    shelf.export()
    page = f"stories/{samples.english().id}.html"
    before = shelf.body(page)
    shelf.export(site=Site(url="https://feeds.ndtv.com", export=shelf.root, timezone="Asia/Tokyo"))
    assert shelf.body(page) != before
    assert shelf.waiting() == {}


def test_scripts_stay_while_there_are_pages_that_ask_for_them(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_module, "STORIES_A_STEP", 2)
    shelf.publish(*many(6))
    while shelf.export(seconds=0):
        pass
    old = {name for name in shelf.names() if name.startswith("static/")}
    [folder] = {name.split("/")[1] for name in old}
    for name in list(old):  # as a release before had written them
        there = shelf.root / name.replace(folder, "0123456789abcdef")
        there.parent.mkdir(exist_ok=True)
        there.write_bytes(b"")
    manifest = shelf.root / ".wirecopy/manifest.json"
    noted = json.loads(manifest.read_bytes())
    noted["files"] += [name.replace(folder, "0123456789abcdef") for name in old]
    manifest.write_text(json.dumps(noted))
    shelf.keys = {
        "site": Site(url="https://feeds.ndtv.com", export=shelf.root, timezone="Asia/Tokyo")
    }
    shelf.end()
    assert shelf.export(seconds=0)
    assert any("0123456789abcdef" in name for name in shelf.names())
    while shelf.export(seconds=0):
        pass
    assert {name for name in shelf.names() if name.startswith("static/")} == old


def test_two_folders_are_not_taken_for_one(shelf: Shelf, tmp_path: Path) -> None:
    """A worker on a machine of its own, whose folder of the same name is another."""
    shelf.publish(samples.english())
    now = clock.now()
    with clock.reading(lambda: now):
        shelf.export()
    mine = tmp_path / "elsewhere"
    other = Shelf(shelf.store, mine)
    with clock.reading(lambda: now + timedelta(minutes=3)):
        assert other.export() is False
        with shelf.store.read() as conn:
            [(kind, _, error)] = outbox.failures(conn)
        assert kind == "export"
        assert "all workers must have the same one" in error
        assert other.names() == set()
    with clock.reading(lambda: now + timedelta(minutes=20)):  # the other was given up
        assert other.export() is False
        assert other.names() == shelf.names()
        assert other.waiting() == {}
    other.end()


def test_what_keeps_the_folder_from_being_written_is_told_once_and_nothing_is_lost(
    shelf: Shelf, tmp_path: Path
) -> None:
    (tmp_path / "folder").write_text("no folder")
    shelf.publish(*many(3))
    now = clock.now()
    with clock.reading(lambda: now):
        assert shelf.export() is False
        assert shelf.waiting() == {"export": 1, "export-feed": 2, "export-story": 3}
        with shelf.store.read() as conn:
            [(kind, key, error)] = outbox.failures(conn)
        assert (kind, key) == ("export", "folder")
        assert error == (
            f"site.export: {tmp_path / 'folder'}: is a file; name a folder, which is made if it is"
            " not there"
        )
        (tmp_path / "folder").unlink()
        assert shelf.export() is False  # it is not due yet
        assert not shelf.root.exists()
    with clock.reading(lambda: now + timedelta(minutes=1)):
        assert shelf.export() is False
    assert shelf.waiting() == {}
    assert "feeds/india.rss" in shelf.names()


def test_a_page_that_cannot_be_made_stops_no_other(shelf: Shelf) -> None:
    logs.configure("json")  # a traceback on a console takes seconds
    bad, good = many(2)
    shelf.publish(bad, good)
    shelf.export()
    shelf.rewrite(good, "Good news")
    with shelf.store.write() as conn:
        broken = "UPDATE versions SET data = '{}', packed = NULL WHERE story_id = :n"
        conn.execute(text(broken), {"n": bad.id})
        outbox.want(conn, "export-story", [bad.id], clock.now())
    shelf.export()
    assert "Good news" in shelf.body(f"stories/{good.id}.html")
    assert "Good news" in shelf.body("feeds/india.rss")
    with shelf.store.read() as conn:
        failed = {(kind, key) for kind, key, _ in outbox.failures(conn)}
    assert ("export-story", bad.id) in failed
    assert not any(kind == "export" for kind, _ in failed)
    assert f"stories/{bad.id}.html" in shelf.names()  # as it was


def test_while_somebody_else_writes_the_folder_work_waits(shelf: Shelf) -> None:
    shelf.publish(samples.english())
    with folders.opened(shelf.root, wait=False):
        assert shelf.export() is False
    assert shelf.waiting()["export-story"] == 1
    shelf.export()
    assert shelf.waiting() == {}


def test_who_has_older_settings_leaves_the_folder_to_the_others(shelf: Shelf) -> None:
    shelf.publish(samples.english())
    shelf.export()
    before = shelf.files()
    newer = shelf.config.model_copy(update={"feeds": FEEDS[:1]})
    rerender_if_changed(shelf.store, newer)
    assert shelf.export() is False
    assert shelf.files() == before
    shelf.export(feeds=FEEDS[:1])
    assert shelf.files() != before


def test_names_that_are_none_lead_nowhere(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish(samples.english())
    with shelf.store.write() as conn:
        outbox.want(conn, "export-story", ["../../etc/passwd", "..", "aaaaaaaaaaaaa"], clock.now())
        outbox.want(conn, "export-feed", ["../index", "none"], clock.now())
    shelf.export()
    assert shelf.waiting() == {}
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} <= {"folder", "data"}
    assert {name for name in shelf.names() if name.startswith("stories/")} == {
        f"stories/{samples.english().id}{end}" for end in (".html", *BESIDE)
    }


def test_the_log_has_all_its_tiles_and_for_a_while_those_of_before(shelf: Shelf) -> None:
    config = shelf.config
    now = clock.now()
    with clock.reading(lambda: now):
        fill(shelf.store, config, 300)
        shelf.export()
        tiles = {n for n in shelf.names() if n.startswith("log/tile/")}
        assert tiles == {
            *("log/tile/0/000", "log/tile/entries/000"),
            *("log/tile/0/001.p/44", "log/tile/entries/001.p/44", "log/tile/1/000.p/1"),
        }
    with clock.reading(lambda: now + timedelta(minutes=1)):
        shelf.publish(samples.english())
        shelf.export()
        assert {n for n in shelf.names() if n.startswith("log/tile/")} == {
            *tiles,
            *("log/tile/0/001.p/45", "log/tile/entries/001.p/45"),
        }
        assert shelf.body("log/checkpoint").split("\n")[1] == "301"
    with clock.reading(lambda: now + timedelta(minutes=10)):
        shelf.export()
        assert {n for n in shelf.names() if n.startswith("log/tile/")} == {
            *("log/tile/0/000", "log/tile/entries/000"),
            *("log/tile/0/001.p/45", "log/tile/entries/001.p/45", "log/tile/1/000.p/1"),
        }


def test_a_log_that_follows_another_stands_beside_it(shelf: Shelf) -> None:
    """The tiles of the one before stay, as receipts in it are proved by them."""
    shelf.publish(samples.english())
    shelf.export()
    before = {n: shelf.body(n) for n in shelf.names() if n == "log/checkpoint"}
    with shelf.store.write() as conn:
        begun = begin_anew(conn, shelf.config)
    shelf.publish(samples.hindi())
    shelf.export()
    name = f"log/{begun.origin.rpartition('/')[2]}"
    assert {n for n in shelf.names() if n.startswith("log/")} == {
        *("log/checkpoint", "log/tile/0/000.p/1", "log/tile/entries/000.p/1"),
        *(f"{name}/checkpoint", f"{name}/tile/0/000.p/2", f"{name}/tile/entries/000.p/2"),
    }
    assert shelf.body("log/checkpoint") == before["log/checkpoint"]
    assert shelf.body(f"{name}/checkpoint").split("\n")[:2] == [begun.origin, "2"]
    assert "wirecopy_restores" in shelf.body(".well-known/jwks.json")
    files = shelf.files()
    shelf.export()
    assert shelf.files() == files


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_535, 65_536, 65_537, 256_000_000])
def test_tiles_are_named_as_the_site_names_them(size: int) -> None:
    whole = [
        at for n in {0, size // 256 - 1} if n >= 0 and size >= 256 for at in _whole_tiles("/log", n)
    ]
    for address in [*whole, *_partial_tiles("/log", size)]:
        assert _parse(address.removeprefix("/log/tile/")) is not None
    hashes = sum(
        int(at.rpartition("/")[2]) for at in _partial_tiles("/log", size) if "/0/" in at[:12]
    )
    assert hashes == size % 256


def test_a_store_without_anything_is_a_site_without_stories(shelf: Shelf) -> None:
    rerender_if_changed(shelf.store, shelf.config)
    render_waiting(shelf.store, shelf.config)
    assert shelf.export() is False
    assert "log/checkpoint" not in shelf.names()
    assert {"index.html", "feeds/india.rss", "feeds/india.html"} <= shelf.names()


def test_nothing_is_noted_for_a_folder_that_nobody_wants(shelf: Shelf) -> None:
    shelf.keys = {"site": Site(url="https://feeds.ndtv.com")}
    shelf.publish(samples.english())
    assert shelf.waiting() == {}
