"""Runs a handful of processes as one: starts them in order, restarts what dies, ends them all.

Nothing outlives the supervisor, even when it is killed with SIGKILL: members end with it
(:mod:`stories.pdeathsig`, Linux), and the reaper (:mod:`desk.reaper`) kills their whole process
groups, children included. What a dead member left running is killed before it is started again.
"""

import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from desk import reaper
from desk.fork import Forked, fork
from stories import folders
from stories.errors import WirecopyError
from stories.pdeathsig import bound_to_parent

FIRST_DELAY, LONGEST_DELAY = 0.2, 30.0
"""Seconds before a member's first restart, and at most; doubled from one death to the next."""

STABLE = 10.0
"""Seconds a member must have lived for its earlier deaths to be forgotten."""

READY_WITHIN = 60.0
"""Seconds a member may take until it is ready, before it counts as hung and is killed."""

HOPELESS = 5
"""Times a member may end by itself before it ever worked; then it is given up, with all others."""

STOP = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Member:
    """One process to be kept running.

    ``run`` is the command of a program, or a function for a process forked from this one, which
    returns its exit code. ``ready`` answers, quickly, whether it does its work; members after it
    that have to *wait* are first started when it does. None: that cannot be known just now, and it
    is given time. ``repair`` is called when it died before it was ready, and says what it has done
    about that. ``grace`` is in seconds: how long it has to end after SIGTERM before its group is
    killed. A program has ``log`` where it writes why it died, if not on standard error.
    """

    name: str
    run: Sequence[str] | Callable[[], int]
    ready: Callable[[], bool | None] | None = None
    repair: Callable[[], str | None] | None = None
    waits: bool = True
    grace: float = 60.0
    log: Path | None = None


def next_delay(failures: int) -> float:
    """Seconds to wait after the *failures*-th death in a row (from 1) before starting again."""
    return float(min(FIRST_DELAY * 2.0 ** min(failures - 1, 30), LONGEST_DELAY))


def failures_after(failures: int, lived: float) -> int:
    """Deaths in a row, after one more by a member that *lived* so many seconds."""
    return 1 if lived >= STABLE else failures + 1


def supervise(
    members: Sequence[Member],
    lock: int | None = None,
    before_forks: Callable[[], None] = lambda: None,
) -> int:
    """Keep *members* running until SIGTERM, SIGINT or SIGHUP; the process's exit code.

    0: all ended in order. 1: one had to be killed, or never worked. Only for the main thread.
    *lock* is of :func:`alone`; the reaper inherits it. *before_forks* is called once, before the
    first member is forked, when the programs before it have been started.
    """
    with _signals() as signals:
        return _Supervisor(members, signals, lock, before_forks).run()


@contextmanager
def alone(folder: Path) -> Iterator[int]:
    """Hold the lock of *folder*; yields its file descriptor.

    The reaper inherits it, so that it is free only when nothing of the last supervisor is left.

    :raises WirecopyError: if another supervisor holds it.
    """
    try:
        folders.make_private(folder)
        lock = os.open(folder / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        for left in range(100, -1, -1):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = os.pread(lock, 20, 0).decode(errors="replace").strip()
                if not left or (holder.isdigit() and Path(f"/proc/{holder}").exists()):
                    raise WirecopyError(
                        f"{folder}: another wirecopy up runs here (process {holder}); stop it,"
                        " or give this one a data folder of its own (data =)"
                    ) from None
                time.sleep(0.05)  # it was killed; its reaper is still at work
        try:
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
        except OSError as error:
            raise _unusable(folder, error) from error
        yield lock
    finally:
        os.close(lock)


def _unusable(folder: Path, error: OSError) -> WirecopyError:
    reason = folders.refusal(folder, folder / "up.lock") if folder.is_dir() else None
    told = reason or f"{folder}: {error.strerror}; mend that"
    return WirecopyError(f"data folder {told}, or name another (data =)")


@dataclass(frozen=True, slots=True)
class _Signals:
    """The signals that are heard, and the pipe in which they arrive."""

    heard: frozenset[signal.Signals]
    reader: int
    writer: int

    def wait(self, seconds: float | None) -> set[int]:
        """Wait for signals, at most so many seconds; those that came."""
        select.select([self.reader], [], [], seconds)
        with suppress(BlockingIOError):
            return set(os.read(self.reader, 4096))  # one byte a signal: its number
        return set()

    def close(self) -> None:
        """Close the pipe."""
        os.close(self.reader)
        os.close(self.writer)


@contextmanager
def _signals() -> Iterator[_Signals]:
    """Hear signals, instead of being ended by them, while the block runs."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    # What is ignored at the start stays so: nohup(1) and a shell's "&" mean it.
    heard = {s for s in STOP if signal.getsignal(s) is not signal.SIG_IGN} | {signal.SIGCHLD}
    before = {s: signal.signal(s, lambda *_: None) for s in heard}
    fd = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    found = _Signals(frozenset(heard), reader, writer)
    try:
        yield found
    finally:
        signal.set_wakeup_fd(fd)
        for number, handler in before.items():
            signal.signal(number, handler)
        found.close()


@dataclass(slots=True)
class _Run:
    """What is known of a member. Times are of the monotonic clock: spans, not instants."""

    member: Member
    process: subprocess.Popen[bytes] | Forked | None = None
    started: float = 0.0
    patient_since: float = 0.0
    due: float = 0.0
    ready: bool = False
    worked: bool = False
    failures: int = 0


class _Supervisor:
    def __init__(
        self,
        members: Sequence[Member],
        signals: _Signals,
        lock: int | None,
        before_forks: Callable[[], None],
    ) -> None:
        self._runs = [_Run(member) for member in members]
        self._signals = signals
        self._lock = lock
        self._before_forks: Callable[[], None] | None = before_forks
        self._reaper = self._new_reaper(None)

    def run(self) -> int:
        try:
            while True:
                self._note_deaths()
                if hopeless := next((r for r in self._runs if self._is_hopeless(r)), None):
                    log.error("gave up: it never came to work", member=hopeless.member.name)
                    self._stop()
                    return 1
                self._start()
                if self._signals.wait(self._pause()) & STOP:
                    log.info("stopping")
                    return self._stop()
        finally:
            self._kill_all()

    def _note_deaths(self) -> None:
        """Clear up after members that died, and note when they are started again."""
        if self._reaper.poll() is not None:
            self._reaper = self._new_reaper(self._reaper)
        now = time.monotonic()
        for run in self._runs:
            if run.process is None:
                continue
            hung = not run.ready and now - run.patient_since > READY_WITHIN
            if hung:
                _kill_group(run.process.pid)
                run.process.wait()
            if run.process.poll() is None:
                continue
            code, lived = run.process.returncode, now - run.started
            killed = code in (-signal.SIGKILL, -signal.SIGTERM) and not hung
            failed, repaired = not (run.ready or killed), None
            if failed and run.member.repair:
                repaired = run.member.repair()
            self._clear(run)
            run.failures = failures_after(run.failures, lived)
            run.due = now + next_delay(run.failures)
            # To be killed by somebody is no sign that it cannot work; to end by itself may be one.
            if lived >= STABLE or killed:
                run.worked = True
            status = "not ready in time" if hung else _status(code)
            again = round(run.due - now, 1)
            see = {"see": str(run.member.log)} if run.member.log else {}
            log.warning("died", member=run.member.name, status=status, again_in=again, **see)
            if repaired:
                log.warning("repaired", member=run.member.name, what=repaired)
        self._reap_orphans()

    def _reap_orphans(self) -> None:
        """Fetch the exit status of dead children that are nobody's: PID 1, which this is in a
        container without an init, inherits what members leave behind."""
        ours = {run.process.pid for run in self._runs if run.process} | {self._reaper.pid}
        with suppress(ChildProcessError):
            while dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if dead.si_pid in ours:
                    return  # it has just died: noted in the next turn, for which SIGCHLD sees
                os.waitpid(dead.si_pid, os.WNOHANG)

    @staticmethod
    def _is_hopeless(run: _Run) -> bool:
        return not run.worked and run.failures >= HOPELESS

    def _start(self) -> None:
        """Start members that are due; the first time, those that wait for others only once all
        before them are ready."""
        waiting = False
        for run in self._runs:
            if waiting and run.member.waits:
                continue
            if run.process is None and run.due <= time.monotonic():
                self._launch(run)
            if run.process and not run.ready and run.member.ready:
                answer = run.member.ready()
                if answer is None:
                    run.patient_since = time.monotonic()
                elif answer:
                    run.ready = run.worked = True
                    log.info("ready", member=run.member.name)
            waiting = waiting or not (run.ready or run.worked)

    def _launch(self, run: _Run) -> None:
        body = run.member.run
        if callable(body):
            run.process = self._forked(run.member.name, body)
        else:
            run.process = _program(run.member, body)
            self._announce(self._reaper, "+", run.process.pid)
        run.started = run.patient_since = time.monotonic()
        run.ready = run.member.ready is None
        log.info("started", member=run.member.name, pid=run.process.pid)

    def _forked(self, name: str, body: Callable[[], int]) -> Forked:
        if self._before_forks is not None:
            self._before_forks()
            self._before_forks = None
        return fork(f"wirecopy-{name}", body, self._leave, self._signals.heard)

    def _leave(self) -> None:
        """Close, in a forked member, what is the supervisor's alone: were the reaper's pipe open
        here, it would not notice the supervisor's end."""
        # It tells the reaper of itself: the supervisor may be killed before it could, and what the
        # member has started by then would live on.
        self._announce(self._reaper, "+", os.getpid())
        self._signals.close()
        if self._reaper.stdin:
            self._reaper.stdin.close()
        if self._lock is not None:
            os.close(self._lock)

    def _pause(self) -> float | None:
        """Seconds until something is to be done if no signal comes; None for ever."""
        if any(run.process and not run.ready for run in self._runs):
            return 0.05
        waiting = [run.due for run in self._runs if run.process is None]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    def _stop(self) -> int:
        """End all, the last first, each within its grace, which a second signal ends at once."""
        code, patient = 0, True
        for run in reversed(self._runs):
            if run.process is None:
                continue
            run.process.terminate()
            end = time.monotonic() + run.member.grace * patient
            while run.process.poll() is None:
                left = end - time.monotonic()
                if left > 0 and self._signals.wait(left) & STOP:
                    patient, left = False, 0
                if left <= 0 and run.process.poll() is None:
                    log.warning("did not end in time, killed", member=run.member.name)
                    _kill_group(run.process.pid)
                    run.process.wait()
                    code = 1
            log.info("ended", member=run.member.name, status=_status(run.process.returncode))
            self._clear(run)
        return code

    def _clear(self, run: _Run) -> None:
        """Kill what still runs in a dead member's group: a pool, a server's children."""
        if run.process:
            _kill_group(run.process.pid)
            self._announce(self._reaper, "-", run.process.pid)
        run.process, run.ready = None, False

    def _kill_all(self) -> None:
        for run in self._runs:
            if run.process:
                _kill_group(run.process.pid)
                run.process.wait()
        if self._reaper.stdin:
            self._reaper.stdin.close()
        self._reaper.wait()

    def _new_reaper(self, old: subprocess.Popen[bytes] | None) -> subprocess.Popen[bytes]:
        if old and old.stdin:
            old.stdin.close()
        new = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-I", "-S", reaper.__file__],
            bufsize=0,
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=() if self._lock is None else (self._lock,),
        )
        for run in self._runs:
            if run.process:
                self._announce(new, "+", run.process.pid)
        return new

    @staticmethod
    def _announce(to: subprocess.Popen[bytes], change: str, group: int) -> None:
        if to.stdin:
            with suppress(BrokenPipeError):  # it died; its successor gets all groups
                to.stdin.write(f"{change}{group}\n".encode())


def _program(member: Member, command: Sequence[str]) -> "subprocess.Popen[bytes]":
    with ExitStack() as stack:
        said = stack.enter_context(member.log.open("ab")) if member.log else None
        return subprocess.Popen(  # noqa: S603 - our own command line, no shell
            bound_to_parent(command),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,  # a group of its own, and away from the terminal's Ctrl-C
        )


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _status(code: int | None) -> str:
    assert code is not None, "it has ended"
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
