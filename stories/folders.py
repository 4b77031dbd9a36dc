"""Folders and files of ours: for this user alone, whoever made them, and why one cannot be used."""

import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path

OURS = frozenset({"broker", "keys", "up.lock"})
"""What the data folder has besides the store's files (``wirecopy.sqlite3*``, ``rehearsal-*``)."""

LEAST = 1 << 20
"""Free bytes below which a disk is full: a capture and its journal take more."""


def make(folder: Path) -> None:
    """Make *folder* for this user alone, with the parents it lacks; leave one that is there.

    :raises OSError: if it cannot be made.
    """
    missing = [folder]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)


def make_private(folder: Path) -> None:
    """Make *folder* for this user alone, with the parents it lacks; close one that is there.

    One that belongs to somebody else, such as a volume that Kubernetes gives to a group, is left as
    it is, and so is one that holds other things than ours, or is everybody's: who sets
    ``data = "/srv"`` does not want that closed. The files that matter are private by themselves.

    :raises OSError: if it cannot be made.
    """
    make(folder)
    found = folder.stat()
    shared = found.st_uid != os.getuid() or found.st_mode & stat.S_ISVTX
    if found.st_mode & 0o077 and not shared and _only_ours(folder):
        with suppress(PermissionError):  # a file system without modes of its own
            folder.chmod(stat.S_IMODE(found.st_mode) & ~0o077)


def _only_ours(folder: Path) -> bool:
    return all(
        one.name in OURS or one.name.startswith(("wirecopy.sqlite3", "rehearsal-"))
        for one in folder.iterdir()
    )


def make_file_private(file: Path) -> None:
    """Make an empty *file* that this user alone may read; close one that is there and is ours.

    :raises OSError: if it cannot be made.
    """
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        found = file.stat()
        ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid()
        if ours and found.st_mode & 0o077:
            with suppress(PermissionError):
                file.chmod(0o600)


def to_disk(path: Path) -> None:
    """Have a file's bytes, or the names in a folder, on the disk: no power cut takes them back.

    :raises OSError: if that cannot be done.
    """
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def refusal(folder: Path, *files: Path, full: bool = True) -> str | None:
    """Why nothing can be written in *folder*, or to those of *files* that are there, with the
    remedy; None if it can. A disk without room is a reason unless *full* says that it is none."""
    for path in (folder, *(file for file in files if file.exists())):
        if os.access(path, os.R_OK | os.W_OK | (os.X_OK if path == folder else 0)):
            continue
        if not path.exists():
            return f"{path}: is not there; put it back"
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            return f"{path}: is on a file system that is read-only; mount it to be written"
        return (
            f"{path}: belongs to {user_name(path.stat().st_uid)} and this process runs as"
            f" {user_name(os.geteuid())}, who may not write there; chown -R it, or run as its owner"
        )
    free = os.statvfs(folder)
    if full and free.f_bavail * free.f_frsize < LEAST:
        return f"{folder}: its disk is full; make room"
    return None


def user_name(uid: int) -> str:
    """The user *uid* as people know it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
