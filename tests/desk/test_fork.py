"""Forked processes: they begin as started ones do, and end with the code that was meant."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from desk.fork import Forked, apart, fork
from stories.errors import ConfigError, WirecopyError
from tests.processes import gone, until


def sleep() -> int:
    signal.pause()
    return 0


def forked(body: Callable[[], int]) -> Forked:
    return fork("a-name-longer-than-fifteen", body, lambda: None, [])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (lambda: 0, 0),
        (lambda: 7, 7),
        (lambda: sys.exit(3), 3),
        (lambda: sys.exit(None), 0),
        (lambda: sys.exit("said"), 1),
        (lambda: 1 // 0, 1),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), -signal.SIGKILL),
    ],
)
def test_its_exit_code_is_what_it_returned_or_said(body: Callable[[], int], code: int) -> None:
    assert forked(body).wait() == code


def test_it_has_a_session_a_name_and_no_input_of_its_parent(tmp_path: Path) -> None:
    def tell() -> int:
        told = {
            "session": os.getsid(0) == os.getpid() == os.getpgrp(),
            "name": Path("/proc/self/comm").read_text().strip(),
            "nothing to read": os.read(0, 1) == b"",
        }
        (tmp_path / "told").write_text(json.dumps(told))
        return 0

    assert forked(tell).wait() == 0
    told = json.loads((tmp_path / "told").read_text())
    assert told == {"session": True, "name": "a-name-longer-t", "nothing to read": True}


def test_signals_that_the_parent_hears_end_it(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        one = fork("it", sleep, lambda: None, [signal.SIGTERM])
        one.terminate()
        assert one.wait() == -signal.SIGTERM
        one.terminate()  # it is over: nobody else who has its number by now is meant
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_was_to_be_left_is_left_before_it_runs(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    one = fork("it", sleep, lambda: os.close(writer), [])
    os.close(writer)
    assert os.read(reader, 1) == b"", "nobody has the other end"
    os.close(reader)
    assert one.poll() is None
    os.kill(one.pid, signal.SIGKILL)
    one.wait()


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    def parent() -> int:
        child = forked(sleep)
        (tmp_path / "pid").write_text(str(child.pid))
        signal.pause()
        return 0

    one = forked(parent)
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    child = int((tmp_path / "pid").read_text())
    assert not gone(child)
    os.kill(one.pid, signal.SIGKILL)
    one.wait()
    until(lambda: gone(child))


def test_what_is_done_apart_leaves_its_result_and_nothing_else() -> None:
    here: list[int] = []

    def body() -> tuple[int, list[int]]:
        here.append(1)
        return os.getpid(), here

    pid, there = apart(body)
    assert pid != os.getpid()
    assert gone(pid)
    assert (there, here) == ([1], [])


def test_what_is_refused_apart_is_refused_here() -> None:
    def refuse() -> None:
        raise ConfigError("wirecopy.toml: nothing is right")

    with pytest.raises(ConfigError, match="nothing is right"):
        apart(refuse)


@pytest.mark.parametrize("fails", [lambda: 1 // 0, lambda: os.kill(os.getpid(), signal.SIGKILL)])
def test_what_ends_apart_without_an_answer_is_an_error_here(fails: Callable[[], object]) -> None:
    with pytest.raises(WirecopyError, match=r"ended with (1|-9)"):
        apart(fails)
