"""From a lost disk to serving again, with real processes, and what verifiers say who saw more."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import hostile
from tests.conftest import database
from tests.living import feed, item
from tests.processes import until
from tests.test_up import WIRECOPY, get, running_up

LINES = ['[publisher]\nname = "Chronicle"\nurl = "https://www.chronicle.example"\n']


def command(folder: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {k: v for k, v in os.environ.items() if not k.startswith("WIRECOPY_")}
    return subprocess.run(
        [WIRECOPY, *words],
        cwd=folder,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("into", ["sqlite", "postgresql"])
def test_from_a_lost_disk_to_serving_again(
    tmp_path: Path, into: str, request: pytest.FixtureRequest
) -> None:
    disk, seen = tmp_path / "disk", tmp_path / "seen.json"
    disk.mkdir()
    with hostile.serve() as server:
        server.answer("/f", feed(item("a", "Rain stops play")))
        wire = (
            f'name = "w"\nagency = "A"\nurl = "{server.url}/f"\nevery = "1s"\nallow_private = true'
        )
        lines = [*LINES, f"[[wires]]\n{wire}\n"]

        with running_up(disk, lines) as (up, conf, _):
            address = f"{conf.site.url}/feeds/all.rss"
            until(lambda: b"Rain stops play" in get(address)[1])
            assert command(tmp_path, "verify", address, "--remember", str(seen)).returncode == 0
            backup = command(disk, "backup", str(tmp_path / "backup"))
            assert (backup.returncode, backup.stderr) == (0, "")
            assert "private keys: 2 are in it" in backup.stdout
            # What comes then is in no backup: a story, and a headline of the desk.
            server.answer("/f", feed(item("b", "Floods"), item("a", "Rain stops play")))
            until(lambda: b"Floods" in get(address)[1])
            [story] = [
                one["id"]
                for one in json.loads(command(disk, "stories", "--json").stdout)
                if one["headline"] == "Rain stops play"
            ]
            rewritten = command(disk, "headline", story, "A wet day", "--by", "Asha")
            assert rewritten.returncode == 0
            until(lambda: b"A wet day" in get(address)[1])
            assert command(tmp_path, "verify", address, "--remember", str(seen)).returncode == 0
            up.kill()
        settings = (disk / "wirecopy.toml").read_text()
        shutil.rmtree(disk)

        disk = tmp_path / "new"
        disk.mkdir()
        (disk / "wirecopy.toml").write_text(settings)
        environment = {}
        if into == "postgresql":
            urls = database(request.getfixturevalue("postgres_url"))
            environment = {"WIRECOPY_DATABASE_URL": urls.__enter__()}
            request.addfinalizer(lambda: urls.__exit__(None, None, None))
        restored = command(disk, "restore", str(tmp_path / "backup"), **environment)
        assert (restored.returncode, restored.stderr) == (0, "")
        assert "log.pem, " in restored.stdout
        assert " vouch for it" in restored.stdout
        again = command(disk, "restore", str(tmp_path / "backup"), **environment)
        assert again.returncode == 1
        assert "already; restore into an empty one" in again.stderr

        site = conf.site.url
        with running_up(disk, lines, WIRECOPY_SITE__URL=site, **environment) as (up, conf, _):
            until(lambda: b"Floods" in get(address)[1])
            assert b"A wet day" not in get(address)[1]
            unseen = command(tmp_path, "verify", address)
            assert (unseen.returncode, unseen.stderr) == (0, "")
            assert "restored from a backup: what was logged between" in unseen.stdout
            checked = command(tmp_path, "verify", address, "--remember", str(seen))
            assert checked.returncode == 1
            lost = checked.stderr.splitlines()
            assert len(lost) == 3
            assert "2 receipts were seen in this log, and the backup" in lost[0]
            assert [line for line in lost if "version 2, seen before, is not in the backup" in line]
            assert [line for line in lost if "version 1, seen before, is not in the backup" in line]
            assert checked.stdout.count("verified") == 2
            later = command(tmp_path, "verify", address, "--remember", str(seen))
            assert (later.returncode, later.stderr) == (0, "")
            assert up.stop() == 0
