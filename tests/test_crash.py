"""Crash safety, shortly: half a minute of everything breaking, from a fixed seed (tests/crash)."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.crash.__main__ import NO_HOSTS
from tests.crash.judge import reading
from tests.crash.night import Sampler, next_change
from tests.crash.plan import BETWEEN, KINDS, STORM, plan

HOME = Path(__file__).parents[1]


def test_a_plan_follows_from_its_seed() -> None:
    assert plan(7, 600, KINDS, 60) == plan(7, 600, KINDS, 60)
    assert plan(7, 600, KINDS, 60) != plan(8, 600, KINDS, 60)


def test_a_plan_has_every_kind_and_ends_in_time() -> None:
    faults = plan(7, 600, KINDS, 60)
    assert {f.kind for f in faults} == set(KINDS)
    assert [f.at for f in faults] == sorted(f.at for f in faults)
    assert all(f.at > 0 and f.at + f.lasts <= 600 and 0 <= f.pick < 1 for f in faults)


def test_storms_and_calms() -> None:
    """Nothing of a storm reaches into the calm behind it."""
    faults = plan(7, 1200, KINDS, 60)
    over, pauses = 0.0, []
    for fault in faults:
        pauses.append(fault.at - over)
        over = max(over, fault.at + fault.lasts)
    calms = [pause for pause in pauses if pause >= 60]
    assert 1200 / (60 + STORM[1]) - 1 <= len(calms) <= 1200 / (60 + STORM[0]) + 1


def test_a_web_may_be_away_only_when_it_was_killed() -> None:
    web = "http://127.0.0.1:1"
    lines = [
        {"asked": asked, "at": at, "web": web, "what": what, "about": "all.rss: so"}
        for asked, at, what in (
            (100.0, 100.0, "away"),
            (150.0, 150.0, "broken off"),
            (100.0, 100.0, "wrong"),
            (94.0, 106.0, "no answer in time"),  # it died with the web
            (119.0, 131.0, "no answer in time"),
            (121.0, 133.0, "no answer in time"),
        )
    ]
    wrong, absent = reading(lines, {web: [(95.0, 120.0)]})
    assert wrong == [f"00:01:40 {web} all.rss: so"]
    assert absent == [
        f"00:02:30 {web} all.rss: so: broken off",
        f"00:02:13 {web} all.rss: so: no answer in time",
    ]


HOSTS = """
import socket, subprocess, sys
from pathlib import Path
from tests.crash.hosts import NoHostsError, network

def connected():
    with work.entered(), socket.create_connection(("db1", port), timeout=0.5):
        return True

try:
    with network(Path(sys.argv[1]), 1 << 20) as hosts:
        work, database = hosts["work1"], hosts["db1"]
        with database.entered():
            port = (listening := socket.create_server((database.address, 0))).getsockname()[1]
        names = work.run("getent", "hosts", "web2").split()
        assert names == [hosts["web2"].address, "web2"], names
        assert connected()
        undo = work.filtered(f"OUTPUT -d {database.address} -p tcp -j DROP")
        try:
            connected()
        except OSError:
            undo()
            assert connected()
        with work.entered():
            known = socket.create_connection(("db1", port), timeout=5)
        undo = database.cut_off()
        known.sendall(b"who is there?")
        undo()
        try:
            known.recv(1)
        except ConnectionResetError:
            with work.entered():
                socket.create_connection(("db1", port), 5, known.getsockname())
            print("answers anew")
except NoHostsError as error:
    print("no hosts:", error)
"""


def test_hosts_find_each_other_are_parted_and_leave_nothing(tmp_path: Path) -> None:
    known = sorted(Path("/sys/class/net").iterdir())
    done = subprocess.run(
        [sys.executable, "-c", HOSTS, str(tmp_path)],
        check=True,
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.stdout.startswith("no hosts:"):
        pytest.skip(done.stdout.strip())
    assert done.stdout == "answers anew\n"
    assert sorted(Path("/sys/class/net").iterdir()) == known
    assert not list(Path("/run/netns").glob("work1"))


def test_summer_time_changes_in_the_night_between_two_days_of_the_week_end() -> None:
    begins = datetime(2027, 3, 28, 1, tzinfo=UTC)
    assert next_change(datetime(2026, 11, 30, 11, tzinfo=UTC)) == begins
    assert next_change(begins) == datetime(2027, 10, 31, 1, tzinfo=UTC)


def test_what_grows_is_told_from_what_is_flat() -> None:
    flat = [90.0, *[100.0 + n % 7 for n in range(40)]]
    steep = [100.0 + 3 * n for n in range(41)]
    seen = {"worker-0: MB": steep, "web-0: MB": flat, "database: stored MB": steep}
    _, wrong = Sampler(None, 1.0, seen).grown()  # type: ignore[arg-type]
    assert [each.partition(" grew")[0] for each in wrong] == ["worker-0: MB"]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("where", ["sqlite", "postgresql", "hosts"])
def test_nothing_lost_nothing_twice(where: str, tmp_path: Path) -> None:
    """The run ends well, and leaves no process behind."""
    command = [sys.executable, "-m", "tests.crash", "--seed", "20261122", "--minutes", "0.4"]
    more = ["--wires", "6", "--pace", "0.7", "--keep-logs", str(tmp_path)]
    if where == "hosts":
        more += ["--hosts", "--kinds", "|".join(map(re.escape, BETWEEN))]
    else:
        more += ["--database", where]
    done = subprocess.run(
        [*command, *more],
        check=False,
        cwd=HOME,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=580,
    )
    if done.returncode == NO_HOSTS:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "everything holds" in done.stdout
    kept = re.search(r"versions on record +([\d,]+)", done.stdout)
    assert kept
    assert int(kept[1].replace(",", "")) > 100
