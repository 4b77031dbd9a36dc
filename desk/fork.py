"""Processes forked from this one, which share the memory of all that it has imported.

A program that is started anew imports for a second and keeps its own copy of what it imported, some
60 MB; a forked one does neither. It begins as a started one would: in a session of its own, with no
input, no signal handlers, and bound to the life of its parent. Only a process without threads, and
without connections that its children could touch, may fork.
"""

import atexit
import gc
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NoReturn, TypeVar, cast

from stories.errors import WirecopyError
from stories.pdeathsig import die_with_parent, name_process

Result = TypeVar("Result")


class Forked:
    """A forked process, as :class:`subprocess.Popen` has a started one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, below 0 for a signal; None while it runs."""
        return self._fetched(os.WNOHANG)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        code = self._fetched(0)
        assert code is not None
        return code

    def terminate(self) -> None:
        """Send SIGTERM, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def _fetched(self, how: int) -> int | None:
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, how)
            except ChildProcessError:  # somebody else fetched it, and knows how it ended
                self.returncode = 0
            else:
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode


def fork(
    name: str, body: Callable[[], int], leave: Callable[[], None], heard: Iterable[signal.Signals]
) -> Forked:
    """Run *body* in a new process, which ends with the exit code that it returns.

    *leave* is called there first, to close what is the parent's alone; *heard* are the signals
    that the parent handles, and the child does not. It is in its own session when this returns.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    gc.freeze()  # a collection would write into the pages of all that lives now, and unshare them
    parent, (begun, beginning) = os.getpid(), os.pipe()
    # Until the child has dropped the handlers it inherits, a signal to it would be swallowed.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [*heard])
    try:
        pid = os.fork()
        if pid == 0:
            _become(name, body, leave, parent, beginning, heard, before)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(beginning)
    os.read(begun, 1)  # at its end: the child has closed the other one, or is dead
    os.close(begun)
    return Forked(pid)


def apart(body: Callable[[], Result]) -> Result:
    """What *body* returns, called in a process that is forked for this alone. What it touches stays
    shared between this one and those forked from here before.

    :raises WirecopyError: that of *body*, or where it ended otherwise.
    """
    reader, writer = os.pipe()

    def answer() -> int:
        os.close(reader)
        found: tuple[Result | None, WirecopyError | None]
        try:
            found = body(), None
        except WirecopyError as error:
            found = None, error
        with os.fdopen(writer, "wb") as told:
            pickle.dump(found, told)
        return 0

    one = fork("wirecopy-apart", answer, lambda: None, ())
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        came = told.read()
    if code := one.wait():
        raise WirecopyError(
            f"a process that was forked for it ended with {code}; see the log above"
        )
    result, error = pickle.loads(came)  # noqa: S301 - of this program
    if error is not None:
        raise error
    return cast("Result", result)


def _become(
    name: str,
    body: Callable[[], int],
    leave: Callable[[], None],
    parent: int,
    beginning: int,
    heard: Iterable[signal.Signals],
    mask: Iterable[int],
) -> NoReturn:
    """Become the child. It never returns into the frames of its parent, whatever happens."""
    code = 1
    try:
        os.setsid()  # a group of its own, and away from the terminal's Ctrl-C
        die_with_parent(parent)
        os.close(beginning)
        name_process(name)
        leave()
        signal.set_wakeup_fd(-1)
        for number in heard:
            usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, usual)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        code = body()
    except SystemExit as ended:
        code = _code(ended)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(BaseException):
            atexit._run_exitfuncs()
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        os._exit(code)


def _code(ended: SystemExit) -> int:
    """The exit code that *ended* means (``sys.exit``)."""
    if ended.code is None or isinstance(ended.code, int):
        return ended.code or 0
    sys.stderr.write(f"{ended.code}\n")
    return 1
