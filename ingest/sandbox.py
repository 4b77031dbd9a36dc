"""The sandbox: a child process that parses captures, so that none can hang or exhaust a worker.

::

    contents = sandbox.read(body, Hints(url=…, headers=…), wire)
    links = sandbox.links(body, base)

One child per process, started when first needed, kept for the next capture (a forked one for some
seconds only, since the next is forked at once), killed when a capture takes too long and then
replaced. It has no secret and no store; its answer is JSON of bounded size and is validated, never
unpickled: it has parsed hostile bytes and is trusted as little as they are.
Reading a capture can end in these states besides those of :func:`ingest.parse.parse`:

* ``parse-timeout``: it used up :attr:`Limits.seconds` of processor time, or did not answer;
* ``parse-memory``: it took more memory than allowed, or its contents are too large to keep;
* ``parse-crashed``: the process that read it died, twice.

When the child cannot be started, that is no fault of the capture: :class:`SandboxError`, to be
tried later.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from ingest.item import Contents, Hints
from ingest.links import LINKS, Link
from ingest.parse import LONGEST_MESSAGE, storable
from ingest.sandbox_child import ANSWER, CONTENTS, KEPT, OUT_OF_MEMORY, READY, REFUSED, REQUEST
from ingest.sandbox_forks import ForkedChild
from stories.config import Wire
from stories.errors import ParseError, WirecopyError
from stories.models import members
from stories.pdeathsig import bound_to_parent


class SandboxError(WirecopyError):
    """The child process that reads captures cannot be started. The captures wait."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one capture may use."""

    seconds: int = 30
    """Of processor time; 10,000 real items in 16 MiB take some 10. The kernel counts and kills, so
    a busy machine does not quarantine what an idle one reads."""

    wall: float = 90.0
    """Seconds until an answer, for a child that gets no processor time. Two such captures fit in
    the longest task of a worker."""

    memory: int = 1 << 30
    """Bytes of address space beyond what the child has when it starts; a real capture of 16 MiB
    takes up to 350 MB."""

    largest: int = 64 << 20
    """Bytes of an answer: four times the largest capture that wires are set to by default."""

    files: int = 32
    """Open files of the child; it has five, and opens the files of time zones."""

    start: float = 60.0
    """Seconds until a child that starts is ready; it takes 0.4 on an idle machine."""


LIMITS = Limits()

LIST_SECONDS = 5
"""Of processor time for a list, the largest of which takes a tenth of one: others wait for it."""

CAPTURES_A_CHILD = 2_000
"""After so many captures a child is replaced, whatever state they may have left it in."""

HEAVY = 2 << 20
"""After a capture of so many bytes a child is replaced: it does not give its memory back."""


FORKS_WITHIN = 10.0
"""Seconds until the server must have forked a child; it takes milliseconds."""


class _Error(BaseModel):
    state: str
    message: str


class _TimedOutError(Exception):
    pass


class _DiedError(Exception):
    pass


Child = subprocess.Popen[bytes] | ForkedChild

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Question(Generic[Answer]):
    """What the child is asked: to read *body*, which came from *url*, and what it is told of it.

    ``understood`` reads its answer, ``seconds`` are those of processor time that it may use, and
    ``advice`` is what a person can do about bytes that cannot be read.
    """

    body: bytes
    url: str
    about: Mapping[str, Any]
    understood: Callable[[bytes | bytearray], Answer]
    seconds: int
    advice: str


_door: socket.socket | None = None


def fork_from(door: socket.socket) -> None:
    """Have the children of this process, and of those forked from it, forked by the server behind
    *door* (:mod:`ingest.sandbox_forks`), as long as there is one."""
    global _door  # noqa: PLW0603 - inherited by the processes forked from here
    _door = door


class Sandbox:
    """One child process and its pipes. One capture at a time; threads wait for each other."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._spent = 0

    def read(self, body: bytes, hints: Hints, wire: Wire) -> Contents:
        """The contents of *body*, as :func:`ingest.parse.parse` has them.

        :raises ParseError: as that does, and with the states above.
        :raises SandboxError: when no child can be started.
        """
        # Not the wire's headers: they may hold the agency's credentials.
        about = {"hints": hints, "wire": wire.model_dump_json(include=WIRE_FIELDS)}
        read, seconds = Contents.model_validate_json, self._limits.seconds
        return self._answered(_Question(body, hints.url, about, read, seconds, _OF_CAPTURES))

    def links(self, body: bytes, base: str) -> list[Link]:
        """The links of the list *body* that came from *base*, as :func:`ingest.links.links_of` has
        them.

        :raises ParseError: as that does, and with the states above.
        :raises SandboxError: when no child can be started.
        """
        seconds = min(LIST_SECONDS, self._limits.seconds)
        read = LINKS.validate_json
        return self._answered(_Question(body, base, {"list": base}, read, seconds, _OF_LISTS))

    def _answered(self, question: _Question[Answer]) -> Answer:
        with self._lock:
            try:
                return self._asked(question)
            except _DiedError:
                # The first death may have another cause, an operator or the out-of-memory killer;
                # the second is the capture's.
                try:
                    return self._asked(question)
                except _DiedError as error:
                    raise ParseError("parse-crashed", f"{question.url}: {error}") from error

    def start(self) -> None:
        """Start the child if none is there.

        :raises SandboxError: when it cannot be started.
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
        """Drop the child after a fork: it belongs to the parent process."""
        self._lock = threading.Lock()
        child, self._child = self._child, None
        if child is not None:
            child.returncode = 0  # not ours to wait for, nor to end
            _close(child)

    def _asked(self, question: _Question[Answer]) -> Answer:
        child, body = self._ready(), question.body
        limits = self._limits
        request = {**question.about, "seconds": question.seconds, "largest": limits.largest}
        head = json.dumps(request, default=members).encode()
        self._spent += 1
        try:
            deadline = time.monotonic() + limits.wall
            _send(child, (REQUEST.pack(len(head), len(body)), head, body), deadline)
            kind, answer = self._answer(child, deadline)
        except _TimedOutError:
            self._end(kill=True)
            raise ParseError(
                "parse-timeout",
                f"{question.url}: reading it gave no answer in {limits.wall:g} s;"
                f" {question.advice}",
            ) from None
        except _DiedError:
            raise self._died(child, question) from None
        except BaseException:  # the task is stopped; this answer must not be taken for the next
            self._end(kill=True)
            raise
        if self._spent >= CAPTURES_A_CHILD or len(body) >= HEAVY:
            self._end()
        return self._judged(kind, answer, question)

    def _judged(self, kind: bytes, answer: bytearray, question: _Question[Answer]) -> Answer:
        try:
            if kind == CONTENTS:
                return question.understood(answer)
            if kind == REFUSED:
                error = _Error.model_validate_json(answer)
                if error.state == OUT_OF_MEMORY:
                    self._end(kill=True)
                    told = f"{question.url}: {error.message}; {question.advice}"
                    raise ParseError(error.state, told)
                raise ParseError(error.state[:63], error.message[:LONGEST_MESSAGE])
        except ValidationError as error:
            self._end(kill=True)
            raise _DiedError(
                f"what read it answered nonsense: {error.errors()[0]['msg']}"
            ) from error
        self._end(kill=True)
        raise _DiedError(_NONSENSE)

    def _answer(self, child: Child, deadline: float) -> tuple[bytes, bytearray]:
        kind, size = ANSWER.unpack(_receive(child, ANSWER.size, deadline))
        if size > self._limits.largest:
            raise _DiedError("what read it answered more than it may")
        return kind, _receive(child, size, deadline)

    def _died(self, child: Child, question: _Question[Answer]) -> Exception:
        """Why *child*, which closed its pipe, has ended."""
        said = self._end()
        code = child.wait()
        if code == -signal.SIGXCPU:
            return ParseError(
                "parse-timeout",
                f"{question.url}: reading it took more than {question.seconds} s of processor"
                f" time; {question.advice}",
            )
        if "emory" in said:  # how Python, Rust and C++ name it when they give up
            return ParseError(
                OUT_OF_MEMORY,
                f"{question.url}: reading it took more memory than is allowed; {question.advice}",
            )
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        told = f"the process that read it died ({how}) {said[-500:]}; {question.advice}"
        return _DiedError(told)

    def _ready(self) -> Child:
        if self._child is not None and self._child.poll() is not None:
            self._end()
        if self._child is None:
            self._child = self._started()
        return self._child

    def _started(self) -> Child:
        self._spent = 0
        limits = self._limits
        child = _forked(limits) or _spawned(limits)
        for pipe in (child.stdin, child.stdout, child.stderr):
            os.set_blocking(_open(pipe).fileno(), False)
        self._child = child
        try:
            kind, _ = self._answer(child, time.monotonic() + limits.start)
            if kind != READY:
                raise _DiedError("it did not say that it is ready")
        except _TimedOutError:
            self._end(kill=True)
            raise SandboxError(f"{_CANNOT}: not ready in {limits.start:g} s; {_LATER}") from None
        except _DiedError as error:
            said = self._end(kill=True) or str(error)
            raise SandboxError(f"{_CANNOT}: {said.strip()[-500:]}; {_LATER}") from None
        except BaseException:
            self._end(kill=True)
            raise
        return child

    def _end(self, *, kill: bool = False) -> str:
        """End the child; what it wrote to its standard error."""
        child, self._child = self._child, None
        if child is None:
            return ""
        _open(child.stdin).close()  # no more requests: it ends by itself
        try:
            child.wait(0 if kill else 1)
        except subprocess.TimeoutExpired:
            # If it ended by itself before the kill, its exit code says so.
            child.kill()
            child.wait()
        said = _open(child.stderr).read(65_536) or b""
        _close(child)
        return storable(said.decode("utf-8", "replace"))


def _forked(limits: Limits) -> Child | None:
    """A child of the server, if there is one."""
    with suppress(OSError):
        if _door is not None:
            return ForkedChild(_door, limits.memory, limits.files, FORKS_WITHIN)
    return None


def _spawned(limits: Limits) -> Child:
    """A child that is started anew."""
    numbers = (limits.memory, limits.files)
    command = [sys.executable, "-P", "-m", "ingest.sandbox_child", *map(str, numbers)]
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            bound_to_parent(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=_environment(),
        )
    except OSError as error:
        raise SandboxError(f"{_CANNOT}: {error.strerror}; {_LATER}") from error


WIRE_FIELDS = {"name", "url", "agency", "code", "timezone", "language", "conserve"} | {
    *("keys", "must_sign", "max_bytes", "charset"),
}
"""Every field of a wire that parsing reads."""

_OF_CAPTURES = "the capture is kept: look at it, then `wirecopy replay --quarantined`"
_OF_LISTS = "look at it, and ask the agency"
_NONSENSE = "what read it answered nonsense"
_CANNOT = "the process that reads captures cannot be started"
_LATER = "it is tried again later; see that the machine has memory and processes left"


def _environment() -> dict[str, str]:
    """The child's environment: where our code is, and nothing that may hold secrets."""
    here = str(Path(__file__).resolve().parents[1])
    kept = {k: v for k in KEPT if (v := os.environ.get(k))}
    return {**kept, "PYTHONPATH": here, "PYTHONDONTWRITEBYTECODE": "1"}


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "it was asked for"
    return pipe


def _close(child: Child) -> None:
    if isinstance(child, ForkedChild):
        child.leave()
    else:
        for pipe in (child.stdin, child.stdout, child.stderr):
            _open(pipe).close()


def _send(child: Child, parts: tuple[bytes, ...], deadline: float) -> None:
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


def _receive(child: Child, size: int, deadline: float) -> bytearray:
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
    """Wait until *pipe* is ready. What came before the deadline counts, even if seen later."""
    poller = select.poll()  # select(2) knows no descriptor above 1,023
    poller.register(pipe, event)
    if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise _TimedOutError


_own = Sandbox()


def read(body: bytes, hints: Hints, wire: Wire) -> Contents:
    """As :meth:`Sandbox.read`, in this process's own sandbox."""
    return _own.read(body, hints, wire)


def links(body: bytes, base: str) -> list[Link]:
    """As :meth:`Sandbox.links`, in this process's own sandbox."""
    return _own.links(body, base)


def close() -> None:
    """End this process's own child, if there is one."""
    _own.close()


# A process forked from here shares the pipes but must not use them: it starts its own sandbox.
os.register_at_fork(after_in_child=_own.forget)
atexit.register(close)
