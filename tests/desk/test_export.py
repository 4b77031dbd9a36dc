"""``wirecopy export DIR`` on the command line, and what status says of a folder that is behind."""

from datetime import timedelta
from pathlib import Path

from desk import status as standing
from stories import clock
from stories.config import load
from stories.db import outbox
from tests.desk.test_cli import House, house
from workers.start import open_store

__all__ = ["house"]


def test_the_site_as_files(house: House) -> None:
    house.run("poll")
    house.run("export", "folder")
    folder = house.folder / "folder"
    for ending in ("rss", "atom", "json"):
        served = house.run("feed", "india", "--format", ending)
        assert (folder / f"feeds/india.{ending}").read_text(encoding="utf-8") == served
    assert {f"{story['id']}.html" for story in house.listed("stories")} <= {
        path.name for path in (folder / "stories").iterdir()
    }
    before = {path: path.stat().st_ino for path in (folder / "feeds").iterdir()}
    house.run("export", "folder")
    assert {path: path.stat().st_ino for path in (folder / "feeds").iterdir()} == before


def test_what_is_in_the_way_is_named(house: House) -> None:
    house.run("poll")
    done = house.try_("export", "wirecopy.toml")
    assert (done.returncode, b"is a file; name a folder" in done.stderr) == (1, True)
    (house.folder / "photos").mkdir()
    (house.folder / "photos" / "rain.jpg").touch()
    done = house.try_("export", "photos")
    assert done.returncode == 1
    assert b"rain.jpg" in done.stderr
    assert b"name a folder that is empty" in done.stderr
    assert [path.name for path in (house.folder / "photos").iterdir() if path.is_file()] == [
        "rain.jpg"
    ]


def test_what_is_not_rendered_yet_is_named(house: House) -> None:
    done = house.try_("export", "folder")
    assert done.returncode == 1
    assert b"feed india: not rendered yet" in done.stderr


def test_status_names_a_folder_that_cannot_be_written(house: House) -> None:
    with (house.folder / "wirecopy.toml").open("a") as file:
        file.write('\n[site]\nexport = "folder"\n')
    config = load(Path("wirecopy.toml"))
    assert config.site.export == house.folder / "folder"
    store = open_store(config)
    now = clock.now()
    try:
        with store.write() as conn:
            outbox.want(conn, "export", ["folder"], now)
        for hour in range(5):
            at = now + timedelta(hours=hour)
            with store.write() as conn:
                [job] = outbox.claim(conn, "export", at, 1)
                outbox.failed(conn, job, "site.export: /srv: No space left on device", at)
        needs = standing.needs(standing.gather(config, store, now))
    finally:
        store.close()
    assert [need for need in needs if "broker" not in need] == [
        "the exported folder is out of date: site.export: /srv: No space left on device"
    ]
