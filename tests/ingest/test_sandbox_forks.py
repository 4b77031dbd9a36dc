"""Sandboxes forked by a server: as bounded as those started anew, and as ignorant."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from desk.fork import Forked, fork
from ingest import parse, sandbox, sandbox_child, sandbox_forks
from ingest.sandbox import Limits, Sandbox
from stories.errors import ParseError
from tests.ingest.test_sandbox import GOOD, HEAVY, HINTS, LINUX, MIDDLING, WIRE, heavy
from tests.processes import gone, until

pytestmark = LINUX


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Forked]:
    """A server of this test alone, of which sandboxes are forked."""
    ours, theirs = sandbox_forks.door()
    one = fork("server", lambda: sandbox_forks.serve(ours), theirs.close, ())
    ours.close()
    monkeypatch.setattr(sandbox, "_door", theirs)
    yield one
    theirs.close()
    assert one.wait() in (0, -signal.SIGKILL), "it ends with its last client"


def test_what_is_read_is_what_would_be_read_here(server: Forked) -> None:
    with closing(Sandbox()) as one:
        for body in (GOOD, MIDDLING, GOOD):
            assert one.read(body, HINTS, WIRE) == parse.parse(body, HINTS, WIRE)
        assert one.pid is not None
        assert psutil.Process(one.pid).ppid() == server.pid
        assert psutil.Process(one.pid).name() == "wirecopy-sandbo"


@HEAVY
def test_its_processor_time_is_bounded(server: Forked) -> None:
    """Also that of a child whose parent has used more."""
    with closing(Sandbox(Limits(seconds=1))) as one, pytest.raises(ParseError) as refused:
        one.read(heavy(), HINTS, WIRE)
    assert refused.value.state == "parse-timeout"
    assert not gone(server.pid)


MEMORY = """
import sys
from desk.fork import fork
from ingest import sandbox, sandbox_forks
from ingest.sandbox import Limits, Sandbox
from stories.errors import ParseError
from tests.ingest.test_sandbox import HINTS, WIRE, feed

ours, theirs = sandbox_forks.door()
server = fork("server", lambda: sandbox_forks.serve(ours), theirs.close, ())
ours.close()
sandbox._door = theirs
words = "words of a long story " * 300
try:
    many = feed(f"<item><title>T</title><description>{words}</description></item>" * 2_000)
    Sandbox(Limits(memory=6 << 20)).read(many, HINTS, WIRE)
except ParseError as refused:
    print(refused.state)
assert server.poll() is None
"""


def test_its_memory_is_bounded() -> None:
    """In a process of its own: what this one has freed, its children could use without asking."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() in ("parse-memory", "parse-crashed")


def test_one_that_died_is_forked_anew(server: Forked) -> None:
    with closing(Sandbox()) as one:
        one.read(GOOD, HINTS, WIRE)
        assert one.pid is not None
        os.kill(one.pid, signal.SIGKILL)
        assert one.read(GOOD, HINTS, WIRE).items == 1
        assert psutil.Process(one.pid).ppid() == server.pid


def test_one_that_nobody_asks_ends_and_another_is_forked(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(sandbox_child, "IDLE", 0.05)
    server: Forked = request.getfixturevalue("server")
    with closing(Sandbox()) as one:
        one.read(GOOD, HINTS, WIRE)
        first = one.pid
        assert first is not None
        until(lambda: gone(first))
        assert one.read(GOOD, HINTS, WIRE).items == 1
        assert one.pid not in (None, first)
        assert psutil.Process(one.pid).ppid() == server.pid


def test_without_its_server_it_is_started_anew(server: Forked) -> None:
    with closing(Sandbox()) as one:
        one.read(GOOD, HINTS, WIRE)
        first = one.pid
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        assert first is not None
        until(lambda: gone(first))
        assert one.read(GOOD, HINTS, WIRE).items == 1
        assert one.pid is not None
        assert psutil.Process(one.pid).ppid() == os.getpid()


def test_it_ends_with_the_process_that_it_reads_for(server: Forked) -> None:
    told, tell = os.pipe()

    def client() -> int:
        one = Sandbox()
        one.start()
        os.write(tell, str(one.pid).encode())
        signal.pause()
        return 0

    one = fork("client", client, lambda: None, ())
    child = int(os.read(told, 20))
    os.close(told)
    os.close(tell)
    assert not gone(child)
    os.kill(one.pid, signal.SIGKILL)
    one.wait()
    until(lambda: gone(child))


SCRIPT = """
import os, sys
from desk.up import fork_sandboxes
fork_sandboxes()
from ingest.sandbox import Sandbox
from tests.ingest.test_sandbox import GOOD, HINTS, WIRE
one = Sandbox()
one.read(GOOD, HINTS, WIRE)
found = 0
word = b"-".join([b"of", b"the", b"agency"])  # nowhere in this script as it is
with open(f"/proc/{one.pid}/maps") as maps, open(f"/proc/{one.pid}/mem", "rb", 0) as memory:
    for line in maps:
        area, rights = line.split()[:2]
        if rights.startswith("rw"):
            begin, end = (int(part, 16) for part in area.split("-"))
            memory.seek(begin)
            found += memory.read(end - begin).count(word)
open_files = [os.readlink(f"/proc/{one.pid}/fd/{n}") for n in os.listdir(f"/proc/{one.pid}/fd")]
print(found, open(f"/proc/{one.pid}/environ", "rb").read().count(word), len(open_files))
assert os.environ["WIRECOPY_TEST"].encode() == b"secret-" + word
"""


def test_it_knows_no_secret_of_the_environment_and_has_nothing_open() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "WIRECOPY_TEST": "secret-of-the-agency"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "0", "5"], "three standard streams, and two copies"
