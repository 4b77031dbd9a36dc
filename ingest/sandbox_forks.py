"""A server that forks the children of :mod:`ingest.sandbox`, for processes forked from one another.

A child that is started anew imports for half a second and has some 50 MB of its own; a forked one
takes milliseconds and shares most of that. But it shares the memory of its parent too, and must
find no secret there. So its parent is neither a worker nor the supervisor: it is this server, which
is forked before any configuration is read, and drops the environment that it inherits.

Clients inherit one end of a socket pair, the *door*. Through it each sends its end of a connection,
with the standard streams that a child is to have. The server answers with the child's process id,
and with its exit status once it has ended; the end of the connection ends the child.
"""

import ctypes
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

from ingest import sandbox_child
from stories.pdeathsig import die_with_parent, name_process

_LIMITS = struct.Struct("!QI")
"""Memory and files, as :func:`ingest.sandbox_child.main` has them."""

_NUMBER = struct.Struct("!i")
"""A process id, then an exit status as waitpid(2) has it."""


def door() -> tuple[socket.socket, socket.socket]:
    """The two ends of a new door, of the server and of its clients.

    :raises OSError: where there is no such thing; Linux has it.
    """
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class ForkedChild:
    """A child that the server forked, as :class:`subprocess.Popen` has one that was started."""

    def __init__(self, door: socket.socket, memory: int, files: int, patience: float) -> None:
        """:raises OSError: when no server answers within *patience* (seconds)."""
        self.returncode: int | None = None
        self._connection, theirs = socket.socketpair()
        pipes = [os.pipe() for _ in range(3)]
        self.stdin: IO[bytes] = os.fdopen(pipes[0][1], "wb", buffering=0)
        self.stdout: IO[bytes] = os.fdopen(pipes[1][0], "rb", buffering=0)
        self.stderr: IO[bytes] = os.fdopen(pipes[2][0], "rb", buffering=0)
        given = [pipes[0][0], pipes[1][1], pipes[2][1]]
        try:
            socket.send_fds(door, [_LIMITS.pack(memory, files)], [theirs.fileno(), *given])
            theirs.close()
            self._connection.settimeout(patience)
            (self.pid,) = _NUMBER.unpack(self._connection.recv(_NUMBER.size))
        except (OSError, struct.error) as error:
            self.leave()
            raise OSError("nobody forks a sandbox") from error
        finally:
            theirs.close()
            for number in given:
                os.close(number)

    def leave(self) -> None:
        """Close what leads to it; if nobody else has that open, it is killed."""
        for each in (self.stdin, self.stdout, self.stderr, self._connection):
            each.close()

    def poll(self) -> int | None:
        """Its exit code, below 0 for a signal; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended.

        :raises subprocess.TimeoutExpired: when it has not within *timeout* seconds.
        """
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                said = self._connection.recv(_NUMBER.size)
            except (BlockingIOError, TimeoutError) as error:
                raise subprocess.TimeoutExpired("sandbox", timeout or 0) from error
            # The server's children die with it, before it can tell.
            self.returncode = (
                os.waitstatus_to_exitcode(_NUMBER.unpack(said)[0])
                if len(said) == _NUMBER.size
                else -signal.SIGKILL
            )
            self._connection.close()
        return self.returncode

    def kill(self) -> None:
        """Have it killed."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)


def serve(door: socket.socket) -> int:
    """Fork children as clients want them, until the last client is gone."""
    _forget_environment()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a signal to the group is for others
    bell, ringer = os.pipe()
    os.set_blocking(bell, False)
    os.set_blocking(ringer, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(ringer, warn_on_full_buffer=False)
    ready = selectors.DefaultSelector()
    ready.register(door, selectors.EVENT_READ)
    ready.register(bell, selectors.EVENT_READ)
    children: dict[int, socket.socket] = {}
    while True:
        for key, _ in ready.select():
            if key.fd == bell:
                os.read(bell, 4096)
            elif key.fileobj is not door:  # its client is gone, or has no more use for it
                ready.unregister(key.fileobj)
                os.kill(key.data, signal.SIGKILL)
            elif (forked := _fork(door)) is None:
                return 0
            else:
                pid, connection = forked
                children[pid] = connection
                ready.register(connection, selectors.EVENT_READ, pid)
        for pid, status in _ended():
            connection = children.pop(pid)
            with suppress(KeyError):
                ready.unregister(connection)
            with suppress(OSError):
                connection.send(_NUMBER.pack(status))
            connection.close()


def _ended() -> list[tuple[int, int]]:
    """Process ids and exit statuses of the children that have ended since the last call."""
    found = []
    with suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG))[0]:
            found.append(one)
    return found


def _fork(door: socket.socket) -> tuple[int, socket.socket] | None:
    """Fork the child that a client wants; its process id and connection, None when all are gone."""
    said, numbers, _, _ = socket.recv_fds(door, _LIMITS.size, 4)
    if not said:
        return None
    server = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(server, numbers[1:], *_LIMITS.unpack(said))
    connection = socket.socket(fileno=numbers[0])
    for number in numbers[1:]:
        os.close(number)
    with suppress(OSError):  # the client is gone already
        connection.send(_NUMBER.pack(pid))
    return pid, connection


def _become(server: int, streams: list[int], memory: int, files: int) -> NoReturn:
    """Be a child, on the standard *streams* that it was given, and with nothing else open."""
    code = 1
    try:
        die_with_parent(server)
        name_process("wirecopy-sandbox")
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for standard, number in enumerate(streams):
            os.dup2(number, standard)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        sandbox_child.main(memory, files, sandbox_child.IDLE)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _forget_environment() -> None:
    """Forget the environment, which may hold secrets, where the kernel put it too (proc(5))."""
    kept = {
        name: value for name in sandbox_child.KEPT if (value := os.environ.get(name)) is not None
    }
    os.environ.clear()
    with suppress(OSError):
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        begin, end = int(fields[47]), int(fields[48])  # env_start and env_end
        ctypes.memset(begin, 0, end - begin)
    os.environ.update(kept)
