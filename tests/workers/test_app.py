"""Celery's set-up: the settings themselves, then real workers and beat on a real broker."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from celery.app.defaults import DEFAULTS
from celery.exceptions import QueueNotFound
from prometheus_client import CollectorRegistry, generate_latest

from desk.broker import private
from desk.up import GRACE
from ingest.poll import LEASE_SLACK
from stories import clock
from stories.broker import parse
from stories.config import LONGEST_TIMEOUT, Config, Publisher
from stories.pdeathsig import bound_to_parent
from tests import servers
from tests.processes import gone, until
from tests.workers import errands
from workers import app, beat, housekeeping, pulse, queues, tasks
from workers.address import Broker, client, key_prefix_of
from workers.base import LAPSES
from workers.metrics import Collected

ROOT = Path(__file__).parent.parent.parent


class Site:
    """A broker and a folder, and the processes started on them."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        publisher = Publisher(name="The Daily Test", url="https://daily.example")
        self.config = Config(publisher=publisher, data=folder / "data", redis_url=url)
        app.configure(self.config)
        self.broker: Broker = client(url, prefix=key_prefix_of(self.config))

    @contextmanager
    def running(self, command: Sequence[str], member: str) -> Iterator[subprocess.Popen[bytes]]:
        """*command* as a process, once it left its mark."""
        for mark in self.broker.scan_iter(match=f"{self.broker.prefix}alive:{member}@*"):
            self.broker.delete(mark)  # of the one before, which has not lapsed yet
        process = self.process(command, member)
        try:
            until(lambda: process.poll() is not None or self.alive(member))
            assert process.poll() is None, (self.folder / f"{member}.log").read_text()
            yield process
        finally:
            process.kill()
            process.wait()

    def process(self, command: Sequence[str], member: str) -> subprocess.Popen[bytes]:
        """*command* as a process; its log goes to ``MEMBER.log``."""
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("WIRECOPY_")},
            "WIRECOPY_PUBLISHER__NAME": "The Daily Test",
            "WIRECOPY_PUBLISHER__URL": "https://daily.example",
            "WIRECOPY_DATA": str(self.folder / "data"),
            "WIRECOPY_REDIS_URL": self.url,
        }
        with (self.folder / f"{member}.log").open("ab") as log:
            return subprocess.Popen(
                bound_to_parent(command),
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def worker(self, processes: int = 2) -> Any:
        """A worker that also knows the errands."""
        command = app.worker(processes, queues.QUEUES).command()
        return self.running([*command, "--include=tests.workers.errands"], "worker")

    def poller(self, batches: int = 4) -> Any:
        """A poller that also knows the errands."""
        command = [*app.poller(batches).command(), "--include=tests.workers.errands"]
        return self.running(command, "poller")

    def beat(self) -> Any:
        """Beat."""
        return self.running(app.Beat().command(), "beat")

    def alive(self, member: str) -> bool:
        """True if *member* left a mark."""
        return any(one.startswith(f"{member}@") for one in pulse.alive(self.broker))

    def lines(self, member: str) -> list[dict[str, Any]]:
        """What *member* logged."""
        lines = (self.folder / f"{member}.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def there(self, name: str) -> Callable[[], bool]:
        """Whether an errand left the file *name*."""
        return (self.folder / name).exists

    def leave(self, name: str) -> None:
        """Have the file *name* left by a worker, and wait for it."""
        errands.leave.apply_async(args=(str(self.folder), name))
        until(self.there(name))


@pytest.fixture
def site(shared: Site) -> Site:
    """A site with a worker running, shared by the tests that do not harm it."""
    app.configure(shared.config)  # another test may have used another
    return shared


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    with (
        servers.throwaway() as folder,
        servers.redis(folder) as url,
        Site(folder, url).worker() as _,
    ):
        yield Site(folder, url)


@pytest.fixture
def lone() -> Iterator[Site]:
    """A site of this test alone, with nothing running but the broker."""
    with servers.throwaway() as folder, servers.redis(folder) as url:
        yield Site(folder, url)


SETTINGS = app.settings(parse("redis://broker.example/0"), "wirecopy:x:")


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_one_that_celery_knows(name: str) -> None:
    assert name in DEFAULTS


def test_every_setting_is_in_force(lone: Site) -> None:
    for name, value in app.settings(parse(lone.url), lone.broker.prefix).items():
        assert getattr(app.celery.conf, name) == value, name


def test_every_transport_option_is_one_that_the_transport_knows() -> None:
    from kombu.transport.redis import Channel

    assert set(SETTINGS["broker_transport_options"]) <= set(Channel.from_transport_options)


def test_a_message_is_given_out_again_only_after_the_longest_wait_and_the_longest_task() -> None:
    held = SETTINGS["broker_transport_options"]["visibility_timeout"]
    assert held > 2 * SETTINGS["task_time_limit"]
    assert SETTINGS["task_soft_time_limit"] < SETTINGS["task_time_limit"]


def test_the_slowest_wire_ends_as_a_state_before_its_task_is_ended() -> None:
    longest = (LONGEST_TIMEOUT + LEASE_SLACK).total_seconds()
    assert longest < SETTINGS["task_soft_time_limit"]


def test_what_a_task_sets_out_to_do_is_done_before_an_ending_worker_is_killed() -> None:
    assert max(tasks.SECONDS_A_TASK, housekeeping.BUDGET) < GRACE


def test_worker_and_poller_together_take_every_queue_and_none_twice() -> None:
    taken = [
        queue
        for member in (app.worker(2), app.poller())
        for word in member.command()
        if word.startswith("--queues=")
        for queue in word.removeprefix("--queues=").split(",")
    ]
    assert sorted(taken) == sorted(queues.QUEUES)


@pytest.mark.usefixtures("lone")
def test_every_route_is_a_task_of_ours_and_leads_to_a_queue_that_is_consumed() -> None:
    app.celery.loader.import_default_modules()
    ours = {name for name in app.celery.tasks if name.startswith("workers.")}
    assert ours == set(app.ROUTES)
    assert set(app.ROUTES.values()) <= set(queues.QUEUES)


@pytest.mark.parametrize("entry", SETTINGS["beat_schedule"].values(), ids=lambda e: e["task"])
def test_a_tick_is_good_by_the_clock_of_whatever_host_takes_it(entry: dict[str, Any]) -> None:
    assert entry["task"] in app.ROUTES
    assert entry["options"] == {"queue": app.ROUTES[entry["task"]]}


def test_what_nobody_took_in_time_is_left(site: Site) -> None:
    now = clock.now().timestamp()
    for name, lapses in (("late", now - 1), ("in-time", now + 3600)):
        errands.leave.apply_async(
            args=(str(site.folder), name), headers=cast("Any", {LAPSES: lapses})
        )
    until(site.there("in-time"))
    site.leave("after")
    assert not site.there("late")()


def test_a_queue_that_does_not_exist_is_an_error_and_not_a_grave(lone: Site) -> None:
    with pytest.raises(QueueNotFound):
        errands.leave.apply_async(args=("x", "y"), queue="pol")
    assert lone.broker.keys() == []


def test_a_message_is_json_in_the_queue_of_its_kind(lone: Site) -> None:
    errands.leave.apply_async(args=("x", "y"), queue=queues.POLL_NOW)
    assert queues.depths(lone.broker) == {q: int(q == queues.POLL_NOW) for q in queues.QUEUES}
    (raw,) = lone.broker.lrange(f"{lone.broker.prefix}poll-now", 0, -1)
    assert json.loads(raw)["content-type"] == "application/json"


def test_a_worker_works_and_keeps_no_results(site: Site) -> None:
    site.leave("a")
    assert not [key for key in site.broker.scan_iter() if b"result" in key or b"meta" in key]


def test_ids_are_in_every_line_of_a_task_and_of_no_other(site: Site) -> None:
    sent = errands.speak.apply_async(kwargs={"wire": "pti"})
    errands.speak.apply_async(kwargs={"wire": "ani"})

    def spoken() -> list[dict[str, Any]]:
        return [line for line in site.lines("worker") if line["event"] == "spoke"]

    until(lambda: len(spoken()) == 2)
    line = next(line for line in spoken() if line["wire"] == "pti")
    assert (line["task"], line["task_id"]) == ("speak", sent.id)
    assert line["timestamp"].endswith("Z")


def test_what_wirecopy_refuses_is_one_line(site: Site) -> None:
    sent = errands.refuse.apply_async(kwargs={"wire": "reuters"})

    def told() -> list[dict[str, Any]]:
        return [line for line in site.lines("worker") if line.get("task_id") == sent.id]

    until(told)
    (line,) = told()
    assert line["error"] == "reuters: refused; say please"
    assert line["wire"] == "reuters"
    assert "exception" not in line


def test_a_mistake_comes_with_its_traceback_and_ids(site: Site) -> None:
    sent = errands.break_down.apply_async(kwargs={"story": "s1"})

    def told() -> list[dict[str, Any]]:
        return [line for line in site.lines("worker") if line.get("task_id") == sent.id]

    until(told)
    (line,) = told()
    assert line["exception"].endswith("ZeroDivisionError: a mistake")
    assert (line["story"], line["level"]) == ("s1", "error")


def test_figures_of_all_tasks_are_found_by_the_web(site: Site) -> None:
    site.leave("counted")
    errands.refuse.apply_async(kwargs={"wire": "x"})
    registry = CollectorRegistry()
    registry.register(Collected(site.broker))

    def figures() -> str:
        return generate_latest(registry).decode()

    until(lambda: 'wirecopy_task_seconds_count{outcome="failure",task="refuse"}' in figures())
    assert 'wirecopy_task_seconds_bucket{le="+Inf",outcome="success",task="leave"}' in figures()


def test_the_pulse_tells_who_is_alive_and_who_is_not(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WIRECOPY_PUBLISHER__NAME", "x")
    monkeypatch.setenv("WIRECOPY_PUBLISHER__URL", "https://x.example")
    monkeypatch.setenv("WIRECOPY_REDIS_URL", site.url)
    assert pulse.main("worker") == 0
    assert pulse.main("beat") == 1
    assert "no sign of life" in capsys.readouterr().err
    monkeypatch.setenv("WIRECOPY_REDIS_URL", "unix:///nowhere/at/all.sock")
    assert pulse.main("worker") == 1
    assert "cannot tell" in capsys.readouterr().err


def test_marks_lapse(site: Site) -> None:
    (mark,) = site.broker.scan_iter(match=f"{site.broker.prefix}alive:worker@*")
    assert 0 < int(site.broker.ttl(mark)) <= pulse.EXPIRES


def test_a_broker_that_forgot_everything_is_used_on_without_a_restart(site: Site) -> None:
    site.leave("before")
    site.broker.flushall()
    site.leave("after")


def test_soft_and_hard_time_limits_end_a_task_and_the_worker_goes_on(site: Site) -> None:
    errands.cling.apply_async(args=(str(site.folder), "c"), soft_time_limit=1, time_limit=2)
    until(site.there("c.warned"))
    pid = int((site.folder / "c.began").read_text())
    until(lambda: gone(pid))
    site.leave("after-clinging")


@pytest.mark.slow
def test_a_task_whose_process_is_killed_is_run_again(lone: Site) -> None:
    with lone.worker():
        errands.take_long.apply_async(args=(str(lone.folder), "t", 2))
        until(lone.there("t.began"))
        first = int((lone.folder / "t.began").read_text())
        os.kill(first, signal.SIGKILL)
        until(lone.there("t.ended"))
        assert int((lone.folder / "t.began").read_text()) != first


@pytest.mark.slow
def test_pool_processes_end_with_a_killed_worker(lone: Site) -> None:
    with lone.worker() as worker:
        errands.take_long.apply_async(args=(str(lone.folder), "t", 600))
        until(lone.there("t.began"))
        pool = int((lone.folder / "t.began").read_text())
        worker.kill()
        worker.wait()
        until(lambda: gone(pool))


@pytest.mark.slow
def test_on_sigterm_a_worker_finishes_what_it_began_and_takes_nothing_new(lone: Site) -> None:
    with lone.worker(1) as worker:
        for name in ("first", "second"):
            errands.take_long.apply_async(args=(str(lone.folder), name, 2), queue=queues.POLL)
        until(lone.there("first.began"))
        worker.terminate()
        assert worker.wait(60) == 0
    assert lone.there("first.ended")()
    assert not lone.there("second.began")()
    assert queues.depth(lone.broker, queues.POLL) == 1  # given back, not lost
    with lone.worker(1):
        until(lone.there("second.ended"))


def test_a_poller_has_several_batches_under_way_and_finishes_them_on_sigterm(lone: Site) -> None:
    names = ("first", "second", "third")
    with lone.poller(2) as poller:
        for name in names:
            errands.wait.apply_async(args=(str(lone.folder), name, "go"), queue=queues.POLL)
        until(lambda: lone.there("first.began")() and lone.there("second.began")())
        poller.terminate()
        until(lambda: queues.depth(lone.broker, queues.POLL) == 1)  # the third is given back
        (lone.folder / "go").touch()
        assert poller.wait(60) == 0
    assert lone.there("first.ended")()
    assert lone.there("second.ended")()
    assert not lone.there("third.began")()
    with lone.poller(2):
        until(lone.there("third.ended"))


class Mortal:
    """A broker that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._private = private(folder)
        self.url = servers.socket_url(self._private.socket)
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            bound_to_parent(self._private.command), stdin=subprocess.DEVNULL
        )
        until(self._private.ready)

    def kill(self) -> None:
        """Kill it at once."""
        self._process.kill()
        self._process.wait()


@pytest.fixture
def mortal() -> Iterator[tuple[Mortal, Site]]:
    """A broker that can be killed, and a site on it."""
    with servers.throwaway() as folder:
        broker = Mortal(folder)
        yield broker, Site(folder, broker.url)
        broker.kill()


@pytest.mark.slow
@pytest.mark.parametrize("member", ["worker", "poller"])
def test_a_worker_goes_on_when_the_broker_was_killed_and_is_back(
    mortal: tuple[Mortal, Site], member: str
) -> None:
    broker, site = mortal
    queue = queues.POLL  # taken by either here

    def leave(name: str) -> None:
        errands.leave.apply_async(args=(str(site.folder), name), queue=queue)
        until(site.there(name))

    # All it has is busy when the broker dies: that made workers hang.
    with site.worker(1) if member == "worker" else site.poller(1):
        leave("before")
        for times in (1, 2, 3):
            during = (str(site.folder), f"during-{times}", 1)
            errands.take_long.apply_async(args=during, queue=queue)
            until(site.there(f"during-{times}.began"))
            broker.kill()
            until(site.there(f"during-{times}.ended"))  # what had begun is finished all the same
            broker.start()
            began = time.monotonic()
            leave(f"after-{times}")
            print(f"consuming again after {time.monotonic() - began:.1f} s")
        told = {line["event"].strip() for line in site.lines(member)}
        assert not [event for event in told if "Warning" in event]


@pytest.mark.slow
def test_beat_ticks_at_once_does_not_pile_up_and_goes_on_after_the_broker_was_killed(
    mortal: tuple[Mortal, Site],
) -> None:
    broker, site = mortal

    def ticks() -> int:
        return queues.depth(site.broker, queues.TICKS)

    with site.beat():
        until(lambda: queues.depth(site.broker, queues.HOUSEKEEPING))  # rare, yet due at once
        until(lambda: ticks() == beat.BACKLOG)
        for _ in range(3):  # it goes on ticking, but adds nothing
            site.broker.delete(*site.broker.scan_iter(match=f"{site.broker.prefix}alive:beat@*"))
            until(lambda: site.alive("beat"))
        assert ticks() == beat.BACKLOG
        broker.kill()
        until(lambda: site.lines("beat")[-1]["level"] == "warning")
        broker.start()
        site.broker.delete(f"{site.broker.prefix}ticks")
        began = time.monotonic()
        until(ticks)
        print(f"ticking again after {time.monotonic() - began:.1f} s")
        told = [line["event"] for line in site.lines("beat") if line["logger"] == "workers.beat"]
        assert told[0] == "beat reaches the broker"
        assert told[1].startswith("beat does not reach the broker")


def test_a_poller_whose_beat_ends_ends_with_it(lone: Site) -> None:
    """So that whoever supervises it starts both again."""
    code = (
        "import time; from workers import app, beat\n"
        "def fail(_): raise OSError('no more')\n"
        "beat.Ticks.tick = fail; beat.tick_along(app.celery); time.sleep(60)"
    )
    ended = lone.process([sys.executable, "-c", code], "poller")
    assert ended.wait(60) == -signal.SIGTERM
    assert "no more" in (lone.folder / "poller.log").read_text()


@pytest.mark.slow
def test_beat_waits_for_a_broker_that_is_not_there_yet() -> None:
    with servers.throwaway() as folder:
        site = Site(folder, servers.socket_url(folder / "redis.sock"))
        command = site.process(app.Beat().command(), "beat")
        try:
            until(lambda: "does not reach the broker" in (folder / "beat.log").read_text())
            with servers.redis(folder):
                until(lambda: site.alive("beat"))
        finally:
            command.kill()
            command.wait()
