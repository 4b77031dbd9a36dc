"""A disk of its own size for a run's data, which can be full: a tmpfs in a name space of ours.

Nobody outside sees the mount, and the kernel removes it with the last process of the run, however
that ended. It needs root on Linux; without it there is no such disk, and the run says so.
"""

import ctypes
import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_NEW_NAMES, _PRIVATE, _RECURSIVE = 0x20000, 1 << 18, 0x4000
_READ_ONLY, _REMOUNT, _DETACH = 1, 32, 2
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk at ``folder``; ``size`` in bytes."""

    folder: Path
    size: int

    def fill(self, left: int = 16 * _PAGE) -> None:
        """Make the disk full but for *left* bytes: what is written then fails with ENOSPC."""
        stat = os.statvfs(self.folder)
        used = (stat.f_blocks - stat.f_bfree) * stat.f_frsize
        self._resize(used + left)

    def empty(self) -> None:
        """Free the space again, and let it be written to."""
        self._resize(self.size)

    def protect(self) -> None:
        """Refuse all writes. Nobody may have a file of it open for writing."""
        self._resize(self.size, _REMOUNT | _READ_ONLY)

    def _resize(self, size: int, how: int = _REMOUNT) -> None:
        size = -(-size // _PAGE) * _PAGE
        mount(b"none", self.folder, how, f"size={size},mode=755".encode())


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[Disk | None]:
    """A disk of *size* bytes at *folder*, an empty folder; None where that is not permitted."""
    if not private_mounts():
        yield None
        return
    try:
        mount(b"tmpfs", folder, 0, f"size={size},mode=755".encode())
    except OSError:
        yield None
        return
    try:
        yield Disk(folder, size)
    finally:
        ctypes.CDLL(None).umount2(os.fsencode(folder), _DETACH)


@functools.cache
def private_mounts() -> bool:
    """Let this process, and what it starts, have mounts that nobody else sees; whether it has."""
    if sys.platform != "linux" or os.getuid() != 0:
        return False
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_NAMES) != 0:
        return False
    try:
        mount(b"none", Path("/"), _PRIVATE | _RECURSIVE, None)
    except OSError:
        return False
    return True


def mount(kind: bytes, folder: Path, flags: int, data: bytes | None) -> None:
    """mount(2); *kind* is the source, too.

    :raises OSError: when it is refused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(kind, os.fsencode(folder), kind, ctypes.c_ulong(flags), data) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(folder))
