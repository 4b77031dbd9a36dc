"""A folder into which files are dropped, from the file to the story, over a real store."""

import gzip
import os
import socket
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest import arrivals, intake
from ingest import poll as polling
from ingest.collect import _look
from ingest.schedule import Polled
from net.client import Client
from stories import clock
from stories.config import Config
from stories.db import Store, captures, files, names, outbox, wires
from stories.db import stories as records
from stories.models import Capture, WireState
from tests.conftest import ConfigOf
from tests.ingest.newswires import LINES, WRITERS, Block, Story

WAIT = timedelta(seconds=6)
"""Longer than a file must have stood unchanged."""


def feed(title: str) -> bytes:
    return (
        '<rss version="2.0"><channel><title>W</title>'
        f"<item><guid>{title}</guid><title>{title} rises</title>"
        '<link>stories/1</link><description>Water is <a href="map">here</a>.</description>'
        "</item></channel></rss>"
    ).encode()


class Drop:
    """A wire that is a folder, polled by hand at times that the test sets: the machine's own, as
    files have those, and what is added to it."""

    def __init__(self, config_of: ConfigOf, store: Store, folder: Path) -> None:
        self.config_of, self.store, self.folder = config_of, store, folder
        self.later = timedelta(0)
        self.configure()

    def configure(self, **keys: object) -> None:
        wire = {"name": "w", "agency": "A", "every": "2m", "url": f"file://{self.folder}"}
        self.config: Config = self.config_of(wires=[{**wire, **keys}])
        with self.store.write() as conn:
            wires.sync(conn, self.config.wires, self.now())

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later

    def claim(self) -> list[WireState]:
        with self.store.write() as conn:
            return wires.take(conn, ["w"], self.now() + timedelta(minutes=1))

    def poll(self, *, after: timedelta = WAIT, claimed: list[WireState] | None = None) -> Polled:
        self.later += after
        with clock.reading(self.now), Client() as http:
            taken = self.claim() if claimed is None else claimed
            (polled,) = polling.poll(self.store, self.config, http, taken)
            return polled

    def take_in(self) -> None:
        with clock.reading(self.now):
            intake.take_in_waiting(self.store, self.config)

    def put(self, name: str, body: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(body)
        return path

    def captured(self) -> list[Capture]:
        with self.store.read() as conn:
            return captures.listing(conn)[::-1]

    def bodies(self) -> list[bytes | None]:
        with self.store.read() as conn:
            return [captures.body(conn, each.digest) for each in captures.listing(conn)[::-1]]

    @property
    def state(self) -> WireState:
        with self.store.read() as conn:
            found = wires.get(conn, "w")
        assert found is not None
        return found


@pytest.fixture
def drop(config: ConfigOf, store: Store, tmp_path: Path) -> Drop:
    folder = tmp_path / "drop of pti"
    folder.mkdir()
    return Drop(config, store, folder)


def test_each_file_is_a_capture_and_becomes_a_story(drop: Drop) -> None:
    os.utime(drop.put("a.xml", feed("Avon")), (2, 2))
    os.utime(drop.put("b.xml", feed("Bure")), (1, 1))
    polled = drop.poll()
    assert (polled.state, polled.message, len(polled.captures)) == ("ok", "", 2)
    assert drop.bodies() == [feed("Bure"), feed("Avon")]  # the older first
    assert [each.url for each in drop.captured()] == [
        f"file://{drop.folder.parent}/drop%20of%20pti/{name}.xml" for name in "ba"
    ]
    with drop.store.read() as conn:
        assert [w.kind for w in outbox.waiting(conn, drop.now())] == ["ingest"]
    drop.take_in()
    with drop.store.read() as conn:
        found = records.newest(conn)
        assert {story.version.headline for story in found} == {"Avon rises", "Bure rises"}
        # Where the folder is tells a reader nothing, and is nobody's business.
        assert all("drop" not in repr((s.version.link, s.version.body)) for s in found)
    assert drop.state.fault is None


def test_a_file_may_be_of_every_format_that_agencies_deliver_in(drop: Drop) -> None:
    # Of the formats made of lines one each: what is written has the same number.
    written = WRITERS | {name: LINES[name] for name in ("iptc 7901", "anpa 1312")}
    for number, (name, write) in enumerate(written.items()):
        paragraph = Block("p", [[[("", f"The river at {name} has risen by a metre")]]])
        story = Story(f"{name} rises", [paragraph], slugline=f"INDIA-RIVER{number}/")
        drop.put(
            name, write(replace(story, guid=f"urn:newsml:agency.example:20261122:r{number}-4"))
        )
    drop.poll()
    drop.take_in()
    assert {(each.state, each.items) for each in drop.captured()} == {("ingested", 1)}
    with drop.store.read() as conn:
        found = {story.version.headline for story in records.newest(conn)}
    assert found == {f"{name} rises" for name in written}


def test_a_file_that_was_taken_is_not_taken_again(drop: Drop) -> None:
    drop.put("a.xml", feed("Avon"))
    drop.poll()
    polled = drop.poll()
    assert (polled.state, polled.captures) == ("not-modified", ())
    assert drop.state.due_at >= drop.now() + timedelta(minutes=1)
    assert drop.state.lease is None


def test_a_file_that_is_being_written_waits_and_is_looked_at_soon(drop: Drop) -> None:
    path = drop.put("a.xml", feed("Avon")[:60])
    polled = drop.poll(after=timedelta(0))
    assert (polled.state, polled.message, polled.captures) == ("not-modified", "", ())
    assert drop.state.due_at <= drop.now() + WAIT
    path.write_bytes(feed("Avon"))
    drop.poll()
    assert drop.bodies() == [feed("Avon")]


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_for_how_long_a_file_has_stood_is_told_by_the_clock_of_its_machine(
    drop: Drop, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    """The database's, which is followed, may be hours from it."""
    monkeypatch.setattr(clock, "_offset", time.time() - time.monotonic() + ahead)
    drop.put("a.xml", feed("Flood"))
    (wire,) = drop.config.wires
    monkeypatch.setattr(arrivals, "SETTLED", timedelta(minutes=30))
    assert [file.name for file in _look(wire, "", {}).plan.waiting] == ["a.xml"]
    monkeypatch.setattr(arrivals, "SETTLED", timedelta(0))
    assert [file.name for file in _look(wire, "", {}).plan.take] == ["a.xml"]


def test_a_file_that_is_moved_in_appears_whole(drop: Drop) -> None:
    path = drop.put("a.xml.part", feed("Avon")[:60])
    assert drop.poll().state == "not-modified"
    path.write_bytes(feed("Avon"))
    path.rename(drop.folder / "a.xml")
    drop.poll()
    assert drop.bodies() == [feed("Avon")]


def test_other_bytes_under_the_same_name_are_another_capture(drop: Drop) -> None:
    path = drop.put("a.xml", feed("Avon"))
    drop.poll()
    about = path.stat()
    path.write_bytes(feed("Bure"))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))  # as long, and of the same time
    assert drop.poll().state == "ok"
    assert drop.bodies() == [feed("Avon"), feed("Bure")]


def test_the_same_bytes_put_there_again_are_no_news(drop: Drop) -> None:
    drop.put("a.xml", feed("Avon"))
    drop.poll()
    (drop.folder / "a.xml").unlink()
    drop.put("a.xml", feed("Avon"))
    assert drop.poll().state == "not-modified"
    assert len(drop.captured()) == 1


def test_nothing_is_deleted_unless_that_is_wished(drop: Drop) -> None:
    path = drop.put("a.xml", feed("Avon"))
    drop.poll()
    drop.poll()
    assert path.exists()


def test_what_is_captured_is_deleted_by_the_next_poll(drop: Drop) -> None:
    drop.configure(delete_taken=True)
    path, other = drop.put("a.xml", feed("Avon")), drop.folder / "b.xml"
    drop.poll()
    assert path.exists()  # until this is committed, the file is all there is
    other.write_bytes(feed("Bure"))
    drop.poll(after=timedelta(0))
    assert (path.exists(), other.exists()) == (False, True)
    drop.poll()
    drop.poll()
    assert not other.exists()
    with drop.store.read() as conn:
        assert files.known(conn, "w").keys() <= {files.short("b.xml")}
    assert len(drop.captured()) == 2


def test_a_poll_whose_lease_was_lost_keeps_nothing_and_deletes_nothing(drop: Drop) -> None:
    drop.configure(delete_taken=True)
    path = drop.put("a.xml", feed("Avon"))
    stale = drop.claim()
    drop.claim()
    assert drop.poll(claimed=stale).superseded
    assert (drop.captured(), path.exists()) == ([], True)
    drop.poll()
    assert len(drop.captured()) == 1


def test_a_crash_before_the_commit_leaves_all_as_it_was(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.configure(delete_taken=True)
    path = drop.put("a.xml", feed("Avon"))
    with monkeypatch.context() as broken:
        broken.setattr("ingest.collect.outbox.want", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            drop.poll()
    with drop.store.read() as conn:
        assert files.known(conn, "w") == {}
    assert (drop.captured(), path.exists()) == ([], True)
    drop.poll()
    assert drop.bodies() == [feed("Avon")]


def test_a_renamed_folder_does_not_take_its_files_again(drop: Drop) -> None:
    drop.put("a.xml", feed("Avon"))
    drop.poll()
    drop.config = drop.config_of(
        wires=[{"name": "v", "aliases": ["w"], "url": f"file://{drop.folder}"}]
    )
    with drop.store.write() as conn:
        assert names.rename(conn, drop.config) == []  # no clash
        claimed = wires.take(conn, ["v"], drop.now() + timedelta(minutes=1))
    assert drop.poll(claimed=claimed).state == "not-modified"


def test_hostile_names_are_files_like_others(drop: Drop) -> None:
    names = [b"a\nb.xml", b"caf\xe9.xml", b"%2e%2e.xml", "\u202egpj.xml".encode(), b"x" * 255]
    for number, name in enumerate(names):
        (drop.folder / os.fsdecode(name)).write_bytes(feed(f"River {number}"))
    assert drop.poll().state == "ok"
    assert len(drop.captured()) == len(names)
    assert all(each.url.isascii() and each.url.isprintable() for each in drop.captured())
    assert drop.poll().state == "not-modified"


def test_links_pipes_and_sockets_are_named_and_delay_nobody(drop: Drop, tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_bytes(feed("Secret"))
    (drop.folder / "link.xml").symlink_to(secret)
    os.mkfifo(drop.folder / "pipe.xml")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.path.relpath(drop.folder / "socket"))
    (drop.folder / "more").mkdir()
    drop.put("a.xml", feed("Avon"))
    polled = drop.poll()
    listening.close()
    assert drop.bodies() == [feed("Avon")]
    assert polled.state == "not-a-file"
    assert "and 2 more files" in polled.message
    assert drop.state.failing_since is not None
    assert drop.state.failures == 0  # so the others come in time


def test_packed_files_are_kept_as_they_came_and_read_as_what_is_in_them(drop: Drop) -> None:
    packed = gzip.compress(feed("Avon"))
    drop.put("a.xml.gz", packed)
    drop.poll()
    drop.take_in()
    assert drop.bodies() == [packed]
    with drop.store.read() as conn:
        assert [one.version.headline for one in records.newest(conn)] == ["Avon rises"]


def test_subfolders_are_entered_where_that_is_wished(drop: Drop, tmp_path: Path) -> None:
    deep = drop.folder / "2026" / "11 22"
    for folder in (deep, drop.folder / ".hidden", drop.folder / "batch.part", tmp_path / "out"):
        folder.mkdir(parents=True)
        (folder / "a.xml").write_bytes(feed(f"River of {folder.name}"))
    (drop.folder / "link").symlink_to(tmp_path / "out")
    drop.put("b.xml", feed("Bure"))
    polled = drop.poll()
    assert (polled.state, drop.bodies()) == ("not-a-file", [feed("Bure")])
    (drop.folder / "link").unlink()
    drop.configure(subfolders=True, delete_taken=True)
    assert drop.poll().state == "ok"
    assert drop.bodies()[1:] == [feed("River of 11 22")]
    assert drop.captured()[1].url.endswith("/2026/11%2022/a.xml")
    drop.poll()
    assert list(deep.iterdir()) == []


def test_a_subfolder_that_became_a_link_meanwhile_is_not_followed(drop: Drop) -> None:
    from net.folder import Folder

    (drop.folder / "in").mkdir()
    (drop.folder / "in" / "a.xml").write_bytes(feed("Avon"))
    with closing(Folder(str(drop.folder), 1000, subfolders=True)) as place:
        (file,) = place.look()
        (drop.folder / "in").rename(drop.folder / "other")
        (drop.folder / "in").symlink_to(drop.folder / "other")
        with pytest.raises(Exception, match="cannot be read"):
            place.read(file, None)
        with pytest.raises(Exception, match="cannot be deleted"):
            place.remove(file)
    assert (drop.folder / "other" / "a.xml").exists()


def test_a_place_of_too_many_files_is_named(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("net.places.MOST_FILES", 2)
    drop.configure(subfolders=True)
    for name in ("a.xml", "in/b.xml"):
        (drop.folder / name).parent.mkdir(exist_ok=True)
        drop.put(name, feed("Avon"))
    assert drop.poll().state == "too-many"
    (drop.folder / "a.xml").unlink()
    assert drop.poll().state == "ok"


def test_a_file_that_became_a_link_meanwhile_is_not_followed(drop: Drop, tmp_path: Path) -> None:
    from net.folder import Folder

    secret = tmp_path / "secret.xml"
    secret.write_bytes(feed("Avon"))
    path = drop.put("a.xml", feed("Avon"))
    with closing(Folder(str(drop.folder), 1000)) as place:
        (file,) = place.look()
        path.unlink()
        path.symlink_to(secret)
        with pytest.raises(Exception, match="cannot be read") as caught:
            place.read(file, None)
        place.remove(file)
    assert getattr(caught.value, "state", "") == "unreadable"
    assert path.is_symlink()


def test_a_file_that_grows_while_it_is_read_is_left(drop: Drop) -> None:
    from net.errors import FetchError
    from net.folder import Folder

    path = drop.put("a.xml", feed("Avon"))
    with closing(Folder(str(drop.folder), 1000)) as place:
        (file,) = place.look()
        path.write_bytes(feed("Avon") * 2)
        with pytest.raises(FetchError) as caught:
            place.read(file, None)
    assert caught.value.state == "changing"


def test_a_huge_file_is_named_and_not_read(drop: Drop) -> None:
    drop.configure(max_bytes=2000)
    with (drop.folder / "huge.xml").open("wb") as huge:
        huge.truncate(1 << 40)  # a sparse one
    drop.put("a.xml", feed("Avon"))
    polled = drop.poll()
    assert polled.state == "too-large"
    assert "huge.xml" in polled.message
    assert "max_bytes" in polled.message
    assert drop.bodies() == [feed("Avon")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(drop: Drop) -> None:
    drop.put("a.xml", feed("Avon")).chmod(0)
    drop.put("b.xml", feed("Bure"))
    polled = drop.poll()
    assert polled.state == "unreadable"
    assert drop.bodies() == [feed("Bure")]


def test_a_folder_that_is_not_there_backs_off_and_comes_back(drop: Drop) -> None:
    drop.folder.rmdir()
    polled = drop.poll()
    assert polled.state == "folder"
    assert "make it" in polled.message
    assert drop.state.failures == 1
    drop.folder.mkdir()
    drop.put("a.xml", feed("Avon"))
    assert drop.poll().state == "ok"
    assert drop.state.failing_since is None


def test_many_files_come_over_several_polls_that_follow_at_once(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.arrivals.MOST_TAKEN", 3)
    for number in range(7):
        drop.put(f"{number}.xml", feed(f"River {number}"))
    counts = []
    for _ in range(3):
        counts.append(len(drop.poll().captures))
        left = drop.state.due_at <= drop.now()
        assert left is (sum(counts) < 7)
    assert counts == [3, 3, 1]


def test_two_polls_at_once_take_each_file_once(drop: Drop) -> None:
    for number in range(20):
        drop.put(f"{number}.xml", feed(f"River {number}"))
    drop.later += WAIT
    with clock.reading(drop.now):
        claims = [drop.claim(), drop.claim()]

        def poll(claimed: list[WireState]) -> None:
            with Client() as http:
                list(polling.poll(drop.store, drop.config, http, claimed))

        threads = [threading.Thread(target=poll, args=(claimed,)) for claimed in claims]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(drop.captured()) == 20
