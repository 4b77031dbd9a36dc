"""The cage: a child process in which captures are read, so that none can hang or burst a worker.

::

    contents = cage.read(body, Hints(url=…, headers=…), wire)

One child per process, started when first needed, kept for the next capture, killed when a capture
takes too long and replaced by a fresh one. It knows no secret and no store; what it says is JSON
of bounded size and is validated, never unpickled: it has parsed hostile bytes and is not believed
more than they are. Reading a capture has these outcomes besides those of
:func:`ingest.parse.parse`:

* ``parse-timeout``: it used up :attr:`Limits.seconds` of processor time, or did not answer;
* ``parse-memory``: it wanted more memory than it may have, or has more in it than is kept;
* ``parse-crashed``: the process that read it died of it, twice.

That the child cannot be started is no fault of the capture: :class:`CageError`, to be tried later.
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ValidationError

from ingest.item import Contents, Hints
from ingest.parse import LONGEST_MESSAGE, storable
from ingest.sandbox_child import ANSWER, CONTENTS, OUT_OF_MEMORY, READY, REFUSED, REQUEST
from stories.config import Wire
from stories.errors import ParseError, WirecopyError


class CageError(WirecopyError):
    """The child process that reads captures cannot be started. What waits is kept."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one capture may take."""

    seconds: int = 30
    """Of processor time; 10,000 honest items in 16 MiB take some 10. The kernel counts and kills,
    so a machine under load does not quarantine what an idle one reads."""

    wall: float = 90.0
    """Seconds until an answer, processor time or not: for a child that does not even run. Two
    such captures fit in the longest task of a worker."""

    memory: int = 1 << 30
    """Bytes of address space above what the child has when it starts; an honest capture of 16 MiB
    takes up to 350 MB."""

    largest: int = 64 << 20
    """Bytes of an answer: four times the largest capture that wires are set to by default."""

    files: int = 32
    """Open files of the child; it has five, and opens tables of time zones."""

    start: float = 60.0
    """Seconds until a child that starts is ready; it takes 0.4 on an idle machine."""


LIMITS = Limits()

SPENT = 2_000
"""Captures after which a child is replaced, whatever it may have been left with."""

HEAVY = 2 << 20
"""Bytes of a capture after which a child is replaced: what it took is not given back otherwise."""


class _Error(BaseModel):
    state: str
    message: str


class _TimedOutError(Exception):
    pass


class _DiedError(Exception):
    pass


class Cage:
    """One child process and its pipes. One capture at a time; threads wait for each other."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._spent = 0

    def read(self, body: bytes, hints: Hints, wire: Wire) -> Contents:
        """The contents of *body*, as :func:`ingest.parse.parse` has them.

        :raises ParseError: as that does, and with the states above.
        :raises CageError: when no child can be started.
        """
        with self._lock:
            try:
                return self._read(body, hints, wire)
            except _DiedError:
                # Perhaps of something else: whoever tidies up a machine kills what is not the
                # capture's fault. The second death is.
                try:
                    return self._read(body, hints, wire)
                except _DiedError as error:
                    raise ParseError("parse-crashed", f"{hints.url}: {error}") from error

    def start(self) -> None:
        """Start the child if none is there.

        :raises CageError: when it cannot be started.
        """
        with self._lock:
            self._ready()

    def close(self) -> None:
        """End the child; another is started if it is needed again."""
        with self._lock:
            self._end()

    @property
    def pid(self) -> int | None:
        """The child's process id, None when there is none."""
        return self._child.pid if self._child is not None else None

    def forget(self) -> None:
        """Let go of a child that is another process's, after a fork."""
        self._lock = threading.Lock()
        child, self._child = self._child, None
        if child is not None:
            child.returncode = 0  # not ours to wait for
            _close(child)

    def _read(self, body: bytes, hints: Hints, wire: Wire) -> Contents:
        child = self._ready()
        limits = self._limits
        asked = {
            "hints": asdict(hints),
            # No headers of ours: they may hold the agency's credentials.
            "wire": wire.model_dump(include=_MATTERS, mode="json"),
            "seconds": limits.seconds,
            "largest": limits.largest,
        }
        told = json.dumps(asked).encode()
        self._spent += 1
        try:
            deadline = time.monotonic() + limits.wall
            _send(child, (REQUEST.pack(len(told), len(body)), told, body), deadline)
            kind, answer = self._answer(child, deadline)
        except _TimedOutError:
            self._end(kill=True)
            raise ParseError(
                "parse-timeout",
                f"{hints.url}: reading it gave no answer in {limits.wall:g} s; {_ADVICE}",
            ) from None
        except _DiedError:
            raise self._died(child, hints) from None
        except BaseException:  # the task was told to stop; the answer must not be the next one's
            self._end(kill=True)
            raise
        if self._spent >= SPENT or len(body) >= HEAVY:
            self._end()
        return self._judged(kind, answer, hints)

    def _judged(self, kind: bytes, answer: bytearray, hints: Hints) -> Contents:
        try:
            if kind == CONTENTS:
                return Contents.model_validate_json(answer)
            if kind == REFUSED:
                error = _Error.model_validate_json(answer)
                if error.state == OUT_OF_MEMORY:
                    self._end(kill=True)
                    raise ParseError(error.state, f"{hints.url}: {error.message}; {_ADVICE}")
                raise ParseError(error.state[:63], error.message[:LONGEST_MESSAGE])
        except ValidationError as error:
            self._end(kill=True)
            raise _DiedError(
                f"what read it answered nonsense: {error.errors()[0]['msg']}"
            ) from error
        self._end(kill=True)
        raise _DiedError(_NONSENSE)

    def _answer(self, child: "subprocess.Popen[bytes]", deadline: float) -> tuple[bytes, bytearray]:
        kind, size = ANSWER.unpack(_receive(child, ANSWER.size, deadline))
        if size > self._limits.largest:
            raise _DiedError("what read it answered more than it may")
        return kind, _receive(child, size, deadline)

    def _died(self, child: "subprocess.Popen[bytes]", hints: Hints) -> Exception:
        """Why *child*, whose pipe closed, is no more."""
        said = self._end()
        code = child.returncode
        if code == -signal.SIGXCPU:
            return ParseError(
                "parse-timeout",
                f"{hints.url}: reading it took more than {self._limits.seconds} s of processor"
                f" time; {_ADVICE}",
            )
        if "emory" in said:  # how Python, Rust and C++ name it when they give up
            return ParseError(
                OUT_OF_MEMORY,
                f"{hints.url}: reading it took more memory than is allowed; {_ADVICE}",
            )
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return _DiedError(f"the process that read it died ({how}) {said[-500:]}; {_ADVICE}")

    def _ready(self) -> "subprocess.Popen[bytes]":
        if self._child is not None and self._child.poll() is not None:
            self._end()
        if self._child is None:
            self._child = self._started()
        return self._child

    def _started(self) -> "subprocess.Popen[bytes]":
        self._spent = 0
        limits = self._limits
        numbers = (os.getpid(), limits.memory, limits.files)
        try:
            child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "ingest.sandbox_child", *map(str, numbers)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=_environment(),
            )
        except OSError as error:
            raise CageError(f"{_CANNOT}: {error.strerror}; {_LATER}") from error
        for pipe in (child.stdin, child.stdout, child.stderr):
            os.set_blocking(_open(pipe).fileno(), False)
        self._child = child
        try:
            kind, _ = self._answer(child, time.monotonic() + limits.start)
            if kind != READY:
                raise _DiedError("it did not say that it is ready")
        except _TimedOutError:
            self._end(kill=True)
            raise CageError(f"{_CANNOT}: not ready in {limits.start:g} s; {_LATER}") from None
        except _DiedError as error:
            said = self._end(kill=True) or str(error)
            raise CageError(f"{_CANNOT}: {said.strip()[-500:]}; {_LATER}") from None
        except BaseException:
            self._end(kill=True)
            raise
        return child

    def _end(self, *, kill: bool = False) -> str:
        """Be rid of the child; what it said on its standard error at last."""
        child, self._child = self._child, None
        if child is None:
            return ""
        _open(child.stdin).close()  # no more requests: it ends by itself
        try:
            child.wait(0 if kill else 1)
        except subprocess.TimeoutExpired:
            # A kill that comes too late changes nothing of how it ended.
            child.kill()
            child.wait()
        said = _open(child.stderr).read(65_536) or b""
        _close(child)
        return storable(said.decode("utf-8", "replace"))


_MATTERS = {"name", "url", "agency", "code", "timezone", "language", "conserve"}
_ADVICE = "the capture is kept: look at it, then `wirecopy replay --quarantined`"
_NONSENSE = "what read it answered nonsense"
_CANNOT = "the process that reads captures cannot be started"
_LATER = "it is tried again later; see that the machine has memory and processes left"


def _environment() -> dict[str, str]:
    """Nothing of ours but where our code is: the rest may hold secrets."""
    here = str(Path(__file__).resolve().parents[1])
    kept = {k: v for k in ("PATH", "LANG", "LC_ALL", "TZDIR") if (v := os.environ.get(k))}
    return {**kept, "PYTHONPATH": here, "PYTHONDONTWRITEBYTECODE": "1"}


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "it was asked for"
    return pipe


def _close(child: "subprocess.Popen[bytes]") -> None:
    for pipe in (child.stdin, child.stdout, child.stderr):
        _open(pipe).close()


def _send(child: "subprocess.Popen[bytes]", parts: tuple[bytes, ...], deadline: float) -> None:
    pipe = _open(child.stdin).fileno()
    for part in parts:
        left = memoryview(part)
        while left:
            try:
                left = left[os.write(pipe, left) :]
            except BlockingIOError:
                _wait(pipe, select.POLLOUT, deadline)
            except BrokenPipeError as error:
                raise _DiedError("it stopped listening") from error


def _receive(child: "subprocess.Popen[bytes]", size: int, deadline: float) -> bytearray:
    pipe = _open(child.stdout).fileno()
    data = bytearray(size)
    left = memoryview(data)
    while left:
        try:
            got = os.readv(pipe, [left])
        except BlockingIOError:
            _wait(pipe, select.POLLIN, deadline)
            continue
        if not got:
            raise _DiedError("it stopped in the middle")
        left = left[got:]
    return data


def _wait(pipe: int, event: int, deadline: float) -> None:
    """Until *pipe* is ready. What came before the deadline counts, however late it is seen."""
    poller = select.poll()  # select(2) knows no descriptor above 1,023
    poller.register(pipe, event)
    if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise _TimedOutError


_own = Cage()


def read(body: bytes, hints: Hints, wire: Wire) -> Contents:
    """As :meth:`Cage.read`, in this process's own cage."""
    return _own.read(body, hints, wire)


def close() -> None:
    """End this process's own child, if there is one."""
    _own.close()


# A child forked from here shares the pipes but not the conversation: it starts a cage of its own.
os.register_at_fork(after_in_child=_own.forget)
atexit.register(close)
