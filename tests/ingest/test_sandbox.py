"""The sandbox: what it reads, what it refuses, and what becomes of its child process."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest import parse, sandbox
from ingest.item import Hints
from ingest.links import links_of
from ingest.sandbox import LIMITS, Child, Limits, Sandbox, SandboxError
from stories.config import Wire
from stories.errors import ParseError
from tests.ingest.test_shapes import DATA

WIRE = Wire(name="wire", url="https://wire.example/feed.xml", timezone="Asia/Kolkata")
HINTS = Hints(url=WIRE.url)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
HEAVY = pytest.mark.xdist_group("heavy")  # which is measured once


def feed(*items: str) -> bytes:
    inner = "".join(items)
    return f'<rss version="2.0"><channel><title>A</title>{inner}</channel></rss>'.encode()


GOOD = feed("<item><guid>g</guid><title>Rain</title><description>It rained.</description></item>")

LINK = "&lt;p&gt;x &lt;a href='/y'&gt;y&lt;/a&gt;"


def links(number: int) -> bytes:
    return feed(f"<item><title>T</title><description>{LINK * number}</description></item>")


MIDDLING = links(30_000)
"""Read in about one second."""


@cache
def heavy() -> bytes:
    """Allowed, and read in more than three seconds of processor time, on whatever runs this."""
    number = 16_000
    while True:  # until it takes a while: the first readings also import and fill tables
        began = time.process_time()
        parse.parse(links(number), HINTS, WIRE)
        if (spent := time.process_time() - began) >= 0.8:
            return links(int(number * 5 / min(spent, 1.6)))
        number *= 2


@contextmanager
def sandboxed(limits: Limits = LIMITS) -> Iterator[Sandbox]:
    one = Sandbox(limits)
    try:
        yield one
    finally:
        one.close()


def refused(one: Sandbox, body: bytes) -> ParseError:
    with pytest.raises(ParseError) as caught:
        one.read(body, HINTS, WIRE)
    return caught.value


@pytest.mark.parametrize("path", sorted(DATA.glob("*.xml")), ids=lambda path: path.stem)
def test_what_is_read_is_what_would_be_read_here(path: Path) -> None:
    """Passing through the pipe changes nothing of what is kept."""
    here = parse.parse(path.read_bytes(), HINTS, WIRE)
    there = sandbox.read(path.read_bytes(), HINTS, WIRE)
    assert there.model_dump(mode="json") == here.model_dump(mode="json")
    assert there.keys == here.keys


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=4, max_size=4),
    st.binary(max_size=8),
)
def test_any_text_comes_through_or_is_refused_alike(texts: list[str], noise: bytes) -> None:
    title, guid, words, date = texts
    item = (
        f"<item><title>{title}</title><guid>{guid}</guid><pubDate>{date}</pubDate>"
        f"<description>{words}</description></item>"
    )
    body = feed(item, item) + noise

    def told(reader: parse.Reader) -> object:
        try:
            return reader(body, HINTS, WIRE).model_dump(mode="json")
        except ParseError as error:
            return error.state, str(error)

    assert told(sandbox.read) == told(parse.parse)


def test_the_child_is_kept_for_the_next_capture() -> None:
    with sandboxed() as one:
        first = (one.read(GOOD, HINTS, WIRE), one.pid)
        assert refused(one, b"<html>").state == "not-a-feed"
        assert (one.read(GOOD, HINTS, WIRE), one.pid) == first


def test_lists_of_links_are_read_there_too() -> None:
    listed = b'["https://a.example/1.xml", "https://a.example/2.xml"]'
    with sandboxed(Limits(largest=120)) as one:
        assert one.links(listed, WIRE.url) == links_of(listed, WIRE.url)
        assert one.pid is not None
        for body, state in ((b"Please log in.", "no-list"), (listed * 9, "no-list")):
            with pytest.raises(ParseError) as caught:
                one.links(body, WIRE.url)
            assert caught.value.state == state
        with pytest.raises(ParseError, match="look at it, and ask the agency"):
            one.links(json.dumps([f"https://a.example/{n}" for n in range(9)]).encode(), WIRE.url)


def test_a_child_that_held_much_is_replaced() -> None:
    with sandboxed() as one:
        one.read(GOOD + b" " * sandbox.HEAVY, HINTS, WIRE)
        assert one.pid is None
        assert one.read(GOOD, HINTS, WIRE).items == 1


@HEAVY
def test_processor_time_is_bounded() -> None:
    with sandboxed(Limits(seconds=1)) as one:
        error = refused(one, heavy())
        assert error.state == "parse-timeout"
        assert "1 s of processor time" in str(error)
        assert one.read(GOOD, HINTS, WIRE).items == 1, "the next one has a child of its own"


@pytest.mark.slow
def test_processor_time_is_counted_by_capture() -> None:
    """A child that has read for longer than one capture may is not killed for it."""
    with sandboxed(Limits(seconds=1)) as one:
        one.read(GOOD, HINTS, WIRE)
        child = one.pid
        words = "&lt;b&gt;x&lt;/b&gt;" * 8_000
        middling = feed(f"<item><title>T</title><description>{words}</description></item>")
        assert child is not None
        while _processor_seconds(child) < 2.2:
            one.read(middling, HINTS, WIRE)
            assert one.pid == child


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("mebibytes", [6, 24])
@pytest.mark.slow
def test_memory_is_bounded(mebibytes: int) -> None:
    words = "words of a long story " * 60
    many = feed(f"<item><title>T</title><description>{words}</description></item>" * 2_000)
    with sandboxed(Limits(memory=mebibytes << 20)) as one:
        # Where memory ends in the middle of a C library, the library may not survive it.
        assert refused(one, many).state in ("parse-memory", "parse-crashed")
        assert one.read(GOOD, HINTS, WIRE).items == 1
    if mebibytes == 24:  # once
        assert sandbox.read(many, HINTS, WIRE).items == 2_000


def test_an_answer_is_bounded() -> None:
    with sandboxed(Limits(largest=500)) as one:
        assert refused(one, GOOD).state == "parse-memory"
        assert refused(one, b"{}").state == "not-a-feed", "that fits"


def test_a_child_that_does_not_run_is_not_waited_for() -> None:
    with sandboxed(Limits(wall=0.5)) as one:
        one.start()
        assert one.pid is not None
        os.kill(one.pid, signal.SIGSTOP)
        assert refused(one, GOOD).state == "parse-timeout"
        assert one.read(GOOD, HINTS, WIRE).items == 1


@pytest.mark.parametrize("body", [GOOD, GOOD + b" " * (1 << 20)], ids=["fits a pipe", "does not"])
def test_a_child_that_died_between_captures_is_not_the_captures_fault(body: bytes) -> None:
    with sandboxed() as one:
        one.start()
        assert one.pid is not None
        os.kill(one.pid, signal.SIGKILL)
        assert one.read(body, HINTS, WIRE).items == 1


class Watched(Sandbox):
    """Tells which of its children have started and wait for a capture."""

    def __init__(self) -> None:
        super().__init__(LIMITS)
        self.started: set[int] = set()

    def _started(self) -> Child:
        child = super()._started()
        self.started.add(child.pid)
        return child


@contextmanager
def killing(one: Watched, most: int) -> Iterator[list[int]]:
    """Kill up to *most* children of *one* while they read."""
    killed: list[int] = []
    spent: dict[int, float] = {}  # when first seen: starting and what was read before
    done = threading.Event()

    def kill() -> None:
        while len(killed) < most and not done.is_set():
            pid = one.pid
            if pid is not None and pid in one.started and pid not in killed:
                now = _processor_seconds(pid)
                if now > spent.setdefault(pid, now) + 0.2:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            time.sleep(0.01)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        done.set()
        thread.join()


@LINUX
@pytest.mark.slow
def test_a_death_is_believed_the_second_time() -> None:
    body = heavy()  # made before anything is killed: that takes seconds
    with closing(Watched()) as one:
        one.start()
        with killing(one, 1) as killed:
            assert one.read(MIDDLING, HINTS, WIRE).items == 1
        assert len(killed) == 1
        with killing(one, 2) as killed:
            error = refused(one, body)
        assert len(killed) == 2
        assert error.state == "parse-crashed"
        assert "signal 9" in str(error)
        assert one.read(GOOD, HINTS, WIRE).items == 1


@LINUX
def test_the_child_has_no_more_than_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECOPY_DATABASE_URL", "postgresql://u:s3cret@db/w")
    secret = WIRE.model_copy(update={"headers": {"Authorization": "s3cret"}})
    with sandboxed() as one, Path(__file__).open("rb") as ours:
        one.read(GOOD, HINTS, secret)
        proc = Path(f"/proc/{one.pid}")
        assert b"s3cret" not in (proc / "environ").read_bytes()
        opened = [str(fd.readlink()) for fd in (proc / "fd").iterdir()]
        assert str(Path(ours.name)) not in opened
        assert all(name.startswith(("pipe:", "/dev/null")) for name in opened), opened
        limits = (proc / "limits").read_text()
        for line in ("Max core file size 0 0", "Max file size 0 0", "Max open files 32 32"):
            assert line in " ".join(limits.split())
        assert "Max address space         unlimited" not in limits


@pytest.mark.parametrize("interpreter", ["/nonexistent/python", "/bin/false"])
def test_a_sandbox_that_cannot_be_started_says_so(
    interpreter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sandboxed() as one:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "executable", interpreter)
            with pytest.raises(SandboxError, match=r"cannot be started.*tried again"):
                one.read(GOOD, HINTS, WIRE)
        assert one.read(GOOD, HINTS, WIRE).items == 1


@HEAVY
def test_a_reader_that_was_interrupted_does_not_answer_the_next() -> None:
    """A worker's task is told to stop by an exception, wherever it stands."""

    class StoppedError(Exception):
        pass

    def stop(*_: object) -> None:
        raise StoppedError

    body = heavy()
    before = signal.signal(signal.SIGUSR1, stop)
    with sandboxed() as one:
        one.start()
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        try:
            with pytest.raises(StoppedError):
                one.read(body, HINTS, WIRE)
        finally:
            timer.join()
            signal.signal(signal.SIGUSR1, before)
        assert one.pid is None
        assert one.read(GOOD, HINTS, WIRE).found[0].version.headline == "Rain"


def script(text: str) -> str:
    """What a process of its own prints, warnings being errors."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", text],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


PRELUDE = f"""
import os, sys
from ingest import sandbox
from ingest.item import Hints
from stories.config import Wire
def read(): return sandbox.read({GOOD!r}, Hints(url="http://a.example/"), Wire(name="w", url="http://a.example/"))
"""


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


@LINUX
def test_a_process_that_ends_leaves_no_child_and_no_warning() -> None:
    child = int(script(f"{PRELUDE}read(); print(sandbox._own.pid)"))
    assert _gone(child)


@LINUX
def test_a_process_that_is_killed_leaves_no_child() -> None:
    text = f"{PRELUDE}read(); print(sandbox._own.pid, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert not _gone(child)
        process.kill()
        wait_for(lambda: _gone(child))


def test_pool_processes_have_a_sandbox_each() -> None:
    """Celery's pool processes are daemonic, forked, and end without running what is at exit."""
    told = script(
        PRELUDE
        + """
import billiard
def work(queue): queue.put((read().items, sandbox._own.pid))
if __name__ == "__main__":
    read()
    mine = sandbox._own.pid
    context = billiard.get_context("fork")
    queue = context.SimpleQueue()
    processes = [context.Process(target=work, args=(queue,), daemon=True) for _ in range(2)]
    for process in processes: process.start()
    theirs = [queue.get() for _ in processes]
    for process in processes: process.join()
    assert [items for items, _ in theirs] == [1, 1]
    assert len({mine, *(pid for _, pid in theirs)}) == 3
    assert (read().items, sandbox._own.pid) == (1, mine)
    print("well")
"""
    )
    assert told == "well\n"


def test_threads_wait_for_each_other() -> None:
    with sandboxed() as one:
        answers: list[str] = []

        def ask(number: int) -> None:
            body = feed(f"<item><title>{number}</title></item>" * 3)
            answers.append(f"{number} {one.read(body, HINTS, WIRE).found[0].version.headline}")

        one.start()
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [f"{n} {n}" for n in range(8)]
