"""The supervisor, with real processes that are really killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk import reaper
from desk.reaper import remaining
from desk.supervisor import HOPELESS, LONGEST_DELAY, STABLE, alone, failures_after, next_delay
from stories.errors import WirecopyError
from stories.pdeathsig import bound_to_parent
from tests.processes import gone, until

SLEEP = "MARK\nexec sleep 600"
PARENT = "sleep 600 & echo $! >> children.pids\nMARK\nwait"
STUBBORN = "trap '' TERM HUP INT\nsleep 600 & echo $! >> children.pids\nMARK\nwait; wait"


class Supervised:
    """A supervisor under test and what it leaves in its folder."""

    def __init__(
        self, folder: Path, members: list[dict[str, Any]], ignored: Iterable[int] = ()
    ) -> None:
        self.folder = folder
        (folder / "members.json").write_text(json.dumps(members))
        self.process = subprocess.Popen(
            bound_to_parent([sys.executable, "-m", "tests.desk.supervised", str(folder)]),
            cwd=Path(__file__).parent.parent.parent,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "IGNORED": json.dumps([int(number) for number in ignored])},
        )

    def pids(self, member: str) -> list[int]:
        """The process ids that *member* had, one a start."""
        try:
            return [int(line) for line in (self.folder / f"{member}.pids").read_text().split()]
        except FileNotFoundError:
            return []

    def events(self, event: str) -> list[dict[str, Any]]:
        """The log's lines of that event."""
        try:
            lines = (self.folder / "log").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [line for line in map(json.loads, lines) if line["event"] == event]

    def ends(self) -> int:
        """Wait for the supervisor to end; its exit code."""
        _, self.said = self.process.communicate(timeout=60)
        return self.process.returncode


def also_slow(*values: Any) -> list[Any]:
    """Cases that are the same way again with another value, for ``make test-all``."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


started_or_forked = pytest.mark.parametrize("supervised", ["started", "forked"], indirect=True)
"""With members that are programs, and with members forked from the supervisor."""


@pytest.fixture
def supervised(
    tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Supervised]]:
    started = []
    if getattr(request, "param", "") == "forked":
        (tmp_path / "forks").touch()

    def start(*members: dict[str, Any], ignored: Iterable[int] = ()) -> Supervised:
        started.append(Supervised(tmp_path, list(members), ignored))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


@given(st.integers(min_value=1, max_value=10_000))
def test_delays_grow_to_a_limit(failures: int) -> None:
    assert 0 < next_delay(failures) <= next_delay(failures + 1) <= LONGEST_DELAY
    assert next_delay(failures) == LONGEST_DELAY or next_delay(failures + 1) > next_delay(failures)


@given(st.integers(min_value=0, max_value=100), st.floats(min_value=0, max_value=1e9))
def test_failures_are_forgotten_after_a_stable_life(failures: int, lived: float) -> None:
    assert failures_after(failures, lived) == (1 if lived >= STABLE else failures + 1)


def test_the_reaper_knows_which_groups_remain() -> None:
    assert remaining(["+12\n", "+13\n", "-12\n", "+14\n", "-99\n"]) == {13, 14}


def test_members_start_in_order_each_when_the_one_before_is_ready(
    supervised: Callable[..., Supervised], tmp_path: Path
) -> None:
    last = f"test -e go && touch in-order\n{SLEEP}"
    c = supervised({"name": "a", "script": SLEEP, "ready": "go"}, {"name": "b", "script": last})
    until(lambda: c.pids("a"))
    assert c.pids("b") == []
    (tmp_path / "go").touch()
    until(lambda: c.pids("b"))
    assert (tmp_path / "in-order").exists()


def test_a_killed_member_is_started_again_and_the_others_left_alone(
    supervised: Callable[..., Supervised],
) -> None:
    c = supervised({"name": "a", "script": SLEEP}, {"name": "b", "script": SLEEP})
    until(lambda: c.pids("a") and c.pids("b"))
    for times in (1, 2, 3):
        os.kill(c.pids("a")[-1], signal.SIGKILL)
        until(lambda: len(c.pids("a")) == times + 1)  # noqa: B023 - asked at once
    assert len(c.pids("b")) == 1
    assert not gone(c.pids("b")[0])
    assert [e["status"] for e in c.events("died")] == ["killed by SIGKILL"] * 3


@pytest.mark.slow
def test_a_member_killed_from_outside_is_never_given_up(
    supervised: Callable[..., Supervised],
) -> None:
    c = supervised({"name": "a", "script": "MARK\nkill -9 $$"})
    until(lambda: len(c.pids("a")) > HOPELESS)
    assert c.process.poll() is None


@started_or_forked
def test_what_a_killed_member_had_started_is_killed_too(
    supervised: Callable[..., Supervised],
) -> None:
    c = supervised({"name": "a", "script": PARENT})
    until(lambda: c.pids("a"))
    os.kill(c.pids("a")[0], signal.SIGKILL)
    until(lambda: len(c.pids("a")) == 2)
    assert gone(c.pids("children")[0])
    assert not gone(c.pids("children")[1])


@started_or_forked
def test_nothing_outlives_a_killed_supervisor(supervised: Callable[..., Supervised]) -> None:
    c = supervised({"name": "a", "script": STUBBORN}, {"name": "b", "script": SLEEP})
    until(lambda: c.pids("a") and c.pids("b"))
    c.process.kill()
    c.process.wait()
    until(lambda: all(map(gone, c.pids("a") + c.pids("b") + c.pids("children"))))


def test_after_a_killed_supervisor_the_next_one_starts_on_the_same_folder(
    supervised: Callable[..., Supervised],
) -> None:
    c = supervised({"name": "a", "script": SLEEP})
    until(lambda: c.pids("a"))
    c.process.kill()
    c.process.wait()
    after = supervised({"name": "a", "script": SLEEP})
    until(lambda: len(after.pids("a")) == 2)
    assert gone(after.pids("a")[0])


def test_a_second_supervisor_is_refused_and_the_first_goes_on(
    supervised: Callable[..., Supervised],
) -> None:
    first = supervised({"name": "a", "script": SLEEP})
    until(lambda: first.pids("a"))
    second = supervised({"name": "a", "script": SLEEP})
    assert second.ends() == 1
    assert f"another wirecopy up runs here (process {first.process.pid})" in second.said
    assert "data =" in second.said
    assert len(first.pids("a")) == 1
    assert not gone(first.pids("a")[0])


def test_a_data_folder_that_cannot_be_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = r"; mend that, or name another \(data =\)"
    with pytest.raises(WirecopyError, match=told), alone(tmp_path / "file" / "data"):
        pass


def test_the_lock_is_free_afterwards(tmp_path: Path) -> None:
    with (
        alone(tmp_path / "new"),
        pytest.raises(WirecopyError, match="another wirecopy up"),
        alone(tmp_path / "new"),
    ):
        raise AssertionError("two of us")
    with alone(tmp_path / "new"):
        assert (tmp_path / "new" / "up.lock").read_text() == str(os.getpid())


@started_or_forked
@pytest.mark.parametrize("number", [signal.SIGTERM, *also_slow(signal.SIGINT, signal.SIGHUP)])
def test_an_orderly_stop_in_reverse_order(
    supervised: Callable[..., Supervised], number: int
) -> None:
    tidy = "trap 'echo {0} >> order; exit 0' TERM\nMARK\nwhile :; do sleep 0.05; done"
    c = supervised(*({"name": name, "script": tidy.format(name)} for name in ("a", "b", "c")))
    until(lambda: all(map(c.pids, "abc")))
    c.process.send_signal(number)
    assert c.ends() == 0
    assert (c.folder / "order").read_text().split() == ["c", "b", "a"]
    assert [e["status"] for e in c.events("ended")] == ["exit code 0"] * 3


def test_a_member_that_does_not_end_within_its_grace_is_killed_with_its_children(
    supervised: Callable[..., Supervised],
) -> None:
    c = supervised({"name": "a", "script": SLEEP}, {"name": "b", "script": STUBBORN, "grace": 0.3})
    until(lambda: c.pids("b"))
    c.process.terminate()
    assert c.ends() == 1
    assert all(map(gone, c.pids("a") + c.pids("b") + c.pids("children")))
    assert [e["member"] for e in c.events("did not end in time, killed")] == ["b"]


@started_or_forked
def test_a_second_signal_ends_all_patience(supervised: Callable[..., Supervised]) -> None:
    c = supervised(*({"name": name, "script": STUBBORN} for name in ("a", "b")))
    until(lambda: c.pids("a") and c.pids("b"))
    c.process.terminate()
    until(lambda: c.events("stopping"))
    c.process.terminate()
    assert c.ends() == 1
    assert all(map(gone, c.pids("a") + c.pids("b")))


@pytest.mark.slow
@started_or_forked
def test_a_member_that_never_works_ends_it_all_with_its_name(
    supervised: Callable[..., Supervised],
) -> None:
    c = supervised({"name": "a", "script": SLEEP}, {"name": "broken", "script": "MARK\nexit 3"})
    assert c.ends() == 1
    assert [e["member"] for e in c.events("gave up: it never came to work")] == ["broken"]
    assert {e["status"] for e in c.events("died")} == {"exit code 3"}
    delays = [e["again_in"] for e in c.events("died")]
    assert delays == sorted(delays)
    assert gone(c.pids("a")[0])


def test_a_killed_reaper_is_replaced(supervised: Callable[..., Supervised]) -> None:
    c = supervised({"name": "a", "script": PARENT})
    until(lambda: c.pids("children"))

    def guards() -> list[int]:
        # ps would cut its lines at a width of its own choosing, and the file's name with them
        found = []
        for child in psutil.Process(c.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it ended meanwhile, or is a zombie
                if reaper.__file__ in child.cmdline():
                    found.append(child.pid)
        return found

    (first,) = guards()
    os.kill(first, signal.SIGKILL)
    until(lambda: guards() not in ([], [first]))
    c.process.kill()
    c.process.wait()
    until(lambda: all(map(gone, c.pids("a") + c.pids("children"))))


@started_or_forked
@pytest.mark.parametrize("number", [signal.SIGHUP, *also_slow(signal.SIGINT)])
def test_a_signal_ignored_at_the_start_stays_ignored(
    supervised: Callable[..., Supervised], number: int
) -> None:
    """As nohup(1) starts it, and the "&" of a script; its members inherit it."""
    c = supervised({"name": "a", "script": SLEEP}, ignored=[number])
    until(lambda: c.pids("a"))
    c.process.send_signal(number)
    os.kill(c.pids("a")[0], number)
    c.process.terminate()
    assert c.ends() == 0
    assert len(c.events("stopping")) == 1
    assert [e["status"] for e in c.events("ended")] == ["killed by SIGTERM"]


def zombies(parent: int) -> int:
    found = 0
    for child in psutil.Process(parent).children():
        with suppress(psutil.NoSuchProcess):
            found += child.status() == psutil.STATUS_ZOMBIE
    return found


@started_or_forked
def test_whom_it_inherits_it_fetches(supervised: Callable[..., Supervised], tmp_path: Path) -> None:
    """What a killed member leaves behind, and what a living one does, as under PID 1."""
    (tmp_path / "adopts").touch()
    orphans = "sh -c 'sleep 0.2 & sleep 0.3 &' ; sleep 600 & echo $! >> children.pids\nMARK\nwait"
    c = supervised({"name": "a", "script": orphans}, {"name": "b", "script": SLEEP})
    for times in (1, 2, 3):
        until(lambda: len(c.pids("a")) == times)  # noqa: B023 - asked at once
        os.kill(c.pids("a")[-1], signal.SIGKILL)
    until(lambda: len(c.pids("a")) == 4)
    until(lambda: zombies(c.process.pid) == 0)
    assert len(c.pids("b")) == 1
    assert [e["status"] for e in c.events("died")] == ["killed by SIGKILL"] * 3


@pytest.mark.slow
def test_who_cannot_be_asked_is_not_taken_for_hung(
    supervised: Callable[..., Supervised], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the worker works stands in the broker; while that is away, so is the answer."""
    monkeypatch.setenv("READY_WITHIN", "0.5")
    c = supervised(
        {"name": "a", "script": SLEEP, "ready": "broker/a"}, {"name": "b", "script": SLEEP}
    )
    until(lambda: c.pids("a"))
    time.sleep(1.5)
    assert (len(c.pids("a")), c.pids("b")) == (1, [])
    (tmp_path / "broker").mkdir()
    until(lambda: len(c.pids("a")) == 2)
    assert c.events("died")[0]["status"] == "not ready in time"
    (tmp_path / "broker/a").touch()
    until(lambda: c.pids("b"))


def test_who_dies_before_it_works_is_repaired_and_that_is_said_once(
    supervised: Callable[..., Supervised], tmp_path: Path
) -> None:
    (tmp_path / "broken").touch()
    script = f"MARK\ntest -e broken && exit 1\ntouch works\n{SLEEP}"
    c = supervised({"name": "a", "script": script, "ready": "works", "repair": "broken"})
    until(lambda: c.events("ready"))
    assert [e["what"] for e in c.events("repaired")] == ["removed broken"]
    os.kill(c.pids("a")[-1], signal.SIGKILL)
    until(lambda: len(c.pids("a")) > 3)
    assert len(c.events("repaired")) == 1
